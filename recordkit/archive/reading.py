"""Reading papers: facts, codes and text of many PDFs, on several processes, whatever the files do to them.

Every byte of a paper is parsed in child processes. A file that kills its reader or keeps it busy for too long costs
that file, never the run. Readings come in the order of the given paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recordkit.archive import ocr as ocr_engine
from recordkit.archive.codes import PageCode, find_codes
from recordkit.archive.pdf import PdfFacts, UnreadablePdf, inspect_pdf, render_page
from recordkit.archive.pdf_signatures import Trusted, can_validate, mentions_signature, validate_signatures
from recordkit.archive.signature_facts import SignatureFacts, unchecked
from recordkit.crew import Crew, Lost, Outcome
from recordkit.errors import RecordkitError
from recordkit.model import PageText
from recordkit.templates.code import ALPHABET, decode

Progress = Callable[[Path, int, int], None]
"""Called with a file, how many of its pages are read, how many it has."""

SECONDS_PER_PAGE = 120.0
_SIGNATURES = -1
"""Key of the task that validates signatures, where pages are counted from 1 and 0 looks at the whole file."""
_DPI = 200
_PAYLOAD = re.compile(rf"(?<![0-9A-Z])RK1[{ALPHABET}]{{15}}(?:[{ALPHABET}]{{4}})?(?![0-9A-Z])")


@dataclass(frozen=True, slots=True)
class PaperReading:
    """All that reading a paper brought.

    Attributes:
        path: the file as it was given.
        facts: None when the file could not even be opened.
        codes: in page order; the same payload may stand on several pages.
        texts: one per page; empty after a failure.
        failure: why the file could not be read to its end.
        signatures: what became of validating its digital signatures.
    """

    path: Path
    facts: PdfFacts | None
    codes: tuple[PageCode, ...]
    texts: tuple[PageText, ...]
    failure: UnreadablePdf | None = None
    signatures: tuple[SignatureFacts, ...] = ()

    @property
    def issue_ids(self) -> tuple[str, ...]:
        """Distinct issues named by our codes, in page order. More than one: papers were scanned together."""
        return tuple(dict.fromkeys(code.printed.issue_id for code in self.codes if code.printed))


def read_papers(
    paths: Sequence[Path],
    *,
    jobs: int,
    ocr: bool,
    progress: Progress | None = None,
    seconds: float = SECONDS_PER_PAGE,
    trusted: Trusted | None = None,
) -> Iterator[PaperReading]:
    """Read papers one after the other, their pages side by side.

    Args:
        paths: PDF files.
        jobs: processes at most; each takes one core, and 1 GB when it does OCR.
        ocr: whether pages without embedded text are read by OCR.
        progress: see ``Progress``.
        seconds: time allowed for one page, and for looking at one file as a whole.
        trusted: what digital signatures are judged by; None to leave them alone.

    Returns:
        One reading per path, in order, also for files that cannot be read. Closing the iterator, or an exception in
        the loop over it, ends the processes.

    Raises:
        MissingPart: OCR is wanted but not installed (at once, not at the first page).
        RecordkitError: the operating system does not let processes start.
    """
    if ocr:
        ocr_engine.require_ocr()
    return _readings(tuple(paths), jobs, ocr, progress, seconds, trusted)


@dataclass(slots=True)
class _Draft:
    facts: PdfFacts
    codes: dict[int, tuple[PageCode, ...]] = field(default_factory=dict)
    texts: dict[int, PageText] = field(default_factory=dict)
    signatures: tuple[SignatureFacts, ...] | None = ()  # None: still being validated

    def is_complete(self) -> bool:
        return len(self.texts) == self.facts.pages and self.signatures is not None

    def reading(self, path: Path) -> PaperReading:
        pages = range(1, self.facts.pages + 1)
        codes = tuple(code for page in pages for code in self.codes.get(page, ()))
        texts = tuple(self.texts[page] for page in pages)
        return PaperReading(path, self.facts, codes, texts, signatures=self.signatures or ())


def _readings(
    paths: tuple[Path, ...],
    jobs: int,
    ocr: bool,
    progress: Progress | None,
    seconds: float,
    trusted: Trusted | None,
) -> Iterator[PaperReading]:
    drafts: dict[int, _Draft] = {}
    finished: dict[int, PaperReading] = {}
    with Crew(jobs, seconds) as crew:
        # Keys order the work: pages of early files go before later files are opened, so that readings flow in order.
        for number, path in enumerate(paths):
            crew.put((number, 0), inspect_pdf, path)
        for wanted in range(len(paths)):
            while wanted not in finished:
                (number, page), outcome = crew.take()
                path = paths[number]
                if number in finished:
                    continue  # another page of a file that has failed meanwhile
                if page == _SIGNATURES:
                    drafts[number].signatures = _signatures(drafts[number], outcome)
                elif outcome.error is not None:
                    facts = drafts.pop(number).facts if number in drafts else None
                    finished[number] = PaperReading(path, facts, (), (), _failure(path, outcome.error))
                    crew.drop(number)
                    continue
                elif page == 0:
                    draft = drafts[number] = _Draft(outcome.value)
                    if trusted is not None and (draft.facts.signatures or mentions_signature(path)):
                        draft.signatures = unchecked(max(1, draft.facts.signatures), "no-part")
                        if can_validate():
                            draft.signatures = None
                            crew.put((number, _SIGNATURES), validate_signatures, path, trusted)
                    _settle_without_picture(draft)
                    for index in range(draft.facts.pages):
                        if index + 1 not in draft.texts:
                            text = draft.facts.page_facts[index].text
                            crew.put((number, index + 1), read_page, path, index, text, ocr)
                else:
                    drafts[number].codes[page], drafts[number].texts[page] = outcome.value
                draft = drafts[number]
                if progress is not None:
                    progress(path, len(draft.texts), draft.facts.pages)
                if draft.is_complete():
                    finished[number] = drafts.pop(number).reading(path)
            yield finished.pop(wanted)


def _signatures(draft: _Draft, outcome: Outcome) -> tuple[SignatureFacts, ...]:
    """What validating brought; a signature that breaks its reader costs the verdict, never the paper."""
    if outcome.error is None:
        found: tuple[SignatureFacts, ...] = outcome.value
        # pdfium and pyHanko may count differently: none is passed over.
        return found + unchecked(draft.facts.signatures - len(found), "unreadable")
    reason = outcome.error.reason if isinstance(outcome.error, Lost) else "unreadable"
    return unchecked(max(1, draft.facts.signatures), reason)


def _failure(path: Path, error: Exception) -> UnreadablePdf:
    """The failure of one file; an error that would meet every file is raised instead."""
    if isinstance(error, UnreadablePdf):
        return error
    if isinstance(error, Lost):
        return UnreadablePdf(path, error.reason)
    if isinstance(error, RecordkitError | ImportError):
        raise error
    failure = UnreadablePdf(path, "damaged")
    failure.__cause__ = error
    return failure


def _settle_without_picture(draft: _Draft) -> None:
    """Pages whose embedded text says all: it carries the code, or there is nothing else on the page."""
    for page, facts in enumerate(draft.facts.page_facts, start=1):
        found = tuple(dict.fromkeys(_PAYLOAD.findall(facts.text)))
        codes = tuple(PageCode(page, payload, printed, "text") for payload in found if (printed := decode(payload)))
        if codes or not facts.has_pictures:
            draft.codes[page] = codes
            draft.texts[page] = _embedded(page, facts.text)


def _embedded(page: int, text: str) -> PageText:
    return PageText(page, text, "embedded", "pdfium") if text else PageText(page, "", "none", "")


def read_page(path: Path, index: int, text: str, ocr: bool) -> tuple[tuple[PageCode, ...], PageText]:
    """Codes and text of the page with 0-based ``index``, from its picture; runs in a child process.

    Args:
        path: a PDF.
        index: the page.
        text: its embedded text; when there is some, the picture is searched for codes only.
        ocr: whether to read the picture when there is no embedded text.

    Raises:
        UnreadablePdf: the page cannot be rendered.
        MissingPart: RapidOCR is not installed.
    """
    import numpy as np

    page = index + 1
    image = render_page(path, index, _DPI)
    codes = find_codes(image, page)
    if text or not ocr:
        return codes, _embedded(page, text)
    ours = [code.turned for code in codes if code.printed]
    turned = max(ours, key=ours.count, default=0)
    result = ocr_engine.read_image(np.rot90(image, -turned // 90), _DPI)
    # Our code stands upright on every paper, so it outvotes what the lines look like.
    turned = turned if ours else result.turned
    lines = "\n".join(result.lines)
    return codes, PageText(page, lines, "ocr", ocr_engine.engine_name(), result.confidence, turned)
