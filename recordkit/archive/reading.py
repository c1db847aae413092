"""Reading papers: facts, codes and text of many PDFs, on several processes, whatever the files do to them.

Every byte of a paper is parsed in child processes. A file that kills its reader or keeps it busy for too long costs
that file, never the run. Readings come in the order of the given paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from recordkit.archive import ocr as ocr_engine
from recordkit.archive.codes import PageCode
from recordkit.archive.ocr import Piece
from recordkit.archive.pages import embedded_text, read_page
from recordkit.archive.pdf import PdfFacts, UnreadablePdf, inspect_pdf
from recordkit.archive.searchable import TextLayer, write_searchable
from recordkit.crew import Crew, Lost, Outcome
from recordkit.errors import RecordkitError
from recordkit.messages import msg
from recordkit.model import Finding, PageText
from recordkit.templates.code import ALPHABET, decode

Progress = Callable[[Path, int, int], None]
"""Called with a file, how many of its pages are read, how many it has."""

SECONDS_PER_PAGE = 120.0
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
        searchable: the searchable copy, when one was asked for and a page was read by OCR.
        findings: what an archivist should know about that copy.
    """

    path: Path
    facts: PdfFacts | None
    codes: tuple[PageCode, ...]
    texts: tuple[PageText, ...]
    failure: UnreadablePdf | None = None
    searchable: Path | None = None
    findings: tuple[Finding, ...] = ()

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
    copies: Path | None = None,
) -> Iterator[PaperReading]:
    """Read papers one after the other, their pages side by side.

    Args:
        paths: PDF files.
        jobs: processes at most; each takes one core, and 1 GB when it does OCR.
        ocr: whether pages without embedded text are read by OCR.
        progress: see ``Progress``.
        seconds: time allowed for one page, and for looking at one file as a whole.
        copies: an existing folder for the searchable copies of papers read by OCR; None makes none.

    Returns:
        One reading per path, in order, also for files that cannot be read. Closing the iterator, or an exception in
        the loop over it, ends the processes.

    Raises:
        MissingPart: OCR is wanted but not installed (at once, not at the first page).
        RecordkitError: the operating system does not let processes start.
    """
    if ocr:
        ocr_engine.require_ocr()
    return _readings(tuple(paths), jobs, ocr, progress, seconds, copies)


@dataclass(slots=True)
class _Draft:
    facts: PdfFacts
    codes: dict[int, tuple[PageCode, ...]] = field(default_factory=dict)
    texts: dict[int, PageText] = field(default_factory=dict)
    pieces: dict[int, tuple[Piece, ...]] = field(default_factory=dict)

    def is_complete(self) -> bool:
        return len(self.texts) == self.facts.pages

    def wants_copy(self) -> bool:
        return any(text.source == "ocr" for text in self.texts.values())

    def layers(self) -> tuple[TextLayer, ...]:
        pages = range(1, self.facts.pages + 1)
        return tuple(TextLayer(self.texts[page].turned, self.pieces.get(page, ())) for page in pages)

    def reading(self, path: Path) -> PaperReading:
        pages = range(1, self.facts.pages + 1)
        codes = tuple(code for page in pages for code in self.codes.get(page, ()))
        return PaperReading(path, self.facts, codes, tuple(self.texts[page] for page in pages))

    def reading_with_copy(self, path: Path, outcome: Outcome) -> PaperReading:
        """A paper whose copy fails is read all the same."""
        reading = self.reading(path)
        if outcome.error is not None:
            lost = Finding("no-searchable-copy", msg("no searchable copy could be made of it"))
            return replace(reading, findings=(lost,))
        findings = []
        if not outcome.value.is_pdfa:
            plain = msg("the searchable copy is no PDF/A (rule {rule})", rule=outcome.value.obstacle)
            findings.append(Finding("not-pdfa", plain))
        if self.facts.signatures:
            unsigned = msg("the searchable copy carries no digital signature; the original does")
            findings.append(Finding("copy-unsigned", unsigned))
        return replace(reading, searchable=outcome.value.path, findings=tuple(findings))


def _readings(
    paths: tuple[Path, ...], jobs: int, ocr: bool, progress: Progress | None, seconds: float,
    copies: Path | None,
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
                if number in drafts and page > drafts[number].facts.pages:
                    finished[number] = drafts.pop(number).reading_with_copy(path, outcome)
                    continue
                if outcome.error is not None:
                    facts = drafts.pop(number).facts if number in drafts else None
                    finished[number] = PaperReading(path, facts, (), (), _failure(path, outcome.error))
                    crew.drop(number)
                    continue
                if page == 0:
                    draft = drafts[number] = _Draft(outcome.value)
                    _settle_without_picture(draft)
                    for index in range(draft.facts.pages):
                        if index + 1 not in draft.texts:
                            text = draft.facts.page_facts[index].text
                            crew.put((number, index + 1), read_page, path, index, text, ocr)
                else:
                    draft = drafts[number]
                    seen = outcome.value
                    draft.codes[page], draft.texts[page], draft.pieces[page] = seen.codes, seen.text, seen.pieces
                if progress is not None:
                    progress(path, len(draft.texts), draft.facts.pages)
                if not draft.is_complete():
                    continue
                if copies is not None and draft.wants_copy():
                    target = copies / f"{path.stem}-searchable.pdf"
                    crew.put((number, draft.facts.pages + 1), write_searchable, path, target, draft.layers())
                else:
                    finished[number] = drafts.pop(number).reading(path)
            yield finished.pop(wanted)


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
            draft.texts[page] = embedded_text(page, facts.text)
            if not facts.text:
                draft.texts[page] = replace(draft.texts[page], blank=True)
