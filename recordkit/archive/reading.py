"""Reading papers: facts, codes and text of many PDFs, on several processes, whatever the files do to them.

Every byte of a paper is parsed in child processes. A file that kills its reader, keeps it busy for too long or wants
too much memory costs that file, never the run. A damaged file is read from a repaired copy, a locked one from an
unlocked copy. Readings come in the order of the given paths.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from recordkit.archive import ocr as ocr_engine
from recordkit.archive.codes import PageCode
from recordkit.archive.pages import embedded_text, read_page
from recordkit.archive.pdf import PdfFacts, UnreadablePdf, can_rewrite, inspect_pdf
from recordkit.archive.repair import ReadableCopy, make_readable
from recordkit.crew import Crew, Lost
from recordkit.errors import RecordkitError
from recordkit.model import PageText
from recordkit.settings import IngestSection
from recordkit.templates.code import ALPHABET, decode

Progress = Callable[[Path, int, int], None]
"""Called with a file, how many of its pages are read, how many it has."""

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
        copy: made because the file is damaged or locked; facts, codes and texts are those of the copy.
    """

    path: Path
    facts: PdfFacts | None
    codes: tuple[PageCode, ...]
    texts: tuple[PageText, ...]
    failure: UnreadablePdf | None = None
    copy: ReadableCopy | None = None

    @property
    def copies(self) -> dict[str, Path]:
        """Files made beside the original, by the names under which they are kept with it."""
        return {} if self.copy is None else {self.copy.name: self.copy.path}

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
    limits: IngestSection | None = None,
    scratch: Path | None = None,
    passwords: Sequence[str] = (),
    crew: Crew | None = None,
) -> Iterator[PaperReading]:
    """Read papers one after the other, their pages side by side.

    Args:
        paths: PDF files.
        jobs: processes at most; each takes one core, and 1 GB when it does OCR.
        ocr: whether pages without embedded text are read by OCR.
        progress: see ``Progress``.
        limits: time for one page and for looking at one file as a whole, memory of a process, pages of a file.
        scratch: folder for copies of damaged and locked files; without it none is made, and they are failures.
        passwords: each is tried on locked files.
        crew: processes from ``reading_crew`` that outlive this call, for one who calls often; ``jobs`` is then theirs.

    Returns:
        One reading per path, in order, also for files that cannot be read. Closing the iterator, or an exception in
        the loop over it, ends the processes.

    Raises:
        MissingPart: OCR is wanted but not installed (at once, not at the first page).
        RecordkitError: the operating system does not let processes start.
    """
    if ocr:
        ocr_engine.require_ocr()
    job = _Job(tuple(paths), ocr, limits or IngestSection(), scratch, tuple(passwords))
    own = reading_crew(jobs, job.limits) if crew is None else contextlib.nullcontext(crew)
    return _readings(job, own, progress)


def reading_crew(jobs: int, limits: IngestSection) -> Crew:
    """Processes that read papers within the limits."""
    return Crew(jobs, limits.page_seconds, limits.memory_mb << 20)


# Tasks of a file's second reading are told from late ones of its first by their keys.
_SECOND = 1 << 30


@dataclass(frozen=True, slots=True)
class _Job:
    paths: tuple[Path, ...]
    ocr: bool
    limits: IngestSection
    scratch: Path | None
    passwords: tuple[str, ...] = field(repr=False)

    def may_rescue(self, failure: UnreadablePdf) -> bool:
        """Whether a copy of the file may be read where the file itself is not."""
        if self.scratch is None or not can_rewrite():
            return False
        return failure.reason == "damaged" or (failure.reason == "encrypted" and bool(self.passwords))


@dataclass(slots=True)
class _Draft:
    path: Path
    facts: PdfFacts
    copy: ReadableCopy | None = None
    codes: dict[int, tuple[PageCode, ...]] = field(default_factory=dict)
    texts: dict[int, PageText] = field(default_factory=dict)

    def is_complete(self) -> bool:
        return len(self.texts) == self.facts.pages

    def reading(self, path: Path) -> PaperReading:
        pages = range(1, self.facts.pages + 1)
        codes = tuple(code for page in pages for code in self.codes.get(page, ()))
        return PaperReading(path, self.facts, codes, tuple(self.texts[page] for page in pages), copy=self.copy)


def _readings(
    job: _Job, processes: AbstractContextManager[Crew], progress: Progress | None
) -> Iterator[PaperReading]:
    limits = job.limits
    drafts: dict[int, _Draft] = {}
    finished: dict[int, PaperReading] = {}
    rescued: dict[int, UnreadablePdf] = {}
    with processes as crew:
        # A page of a file that failed in an earlier call may still come in: no number is used twice.
        first = crew.reserve(len(job.paths))
        # Keys order the work: pages of early files go before later files are opened, so that readings flow in order.
        for number, path in enumerate(job.paths):
            crew.put((first + number, 0), inspect_pdf, path, limits.most_pages)
        for wanted in range(len(job.paths)):
            while wanted not in finished:
                (place, key), outcome = crew.take()
                number = place - first
                second, page = divmod(key, _SECOND)
                if number < wanted or number in finished or second != (number in rescued):
                    continue  # another page of a file that has failed meanwhile
                path = job.paths[number]
                if outcome.error is not None:
                    failure = _failure(path, outcome.error)
                    draft = drafts.pop(number, None)
                    crew.drop(place)
                    if number not in rescued and job.may_rescue(failure):
                        assert job.scratch is not None
                        rescued[number] = failure
                        copy = job.scratch / f"readable-{secrets.token_hex(8)}.pdf"
                        crew.put((place, _SECOND), make_readable, path, copy, job.passwords, limits.most_pages)
                        continue
                    if failure.reason == "damaged":
                        failure = rescued.get(number, failure)
                    facts = None if draft is None else draft.facts
                    finished[number] = PaperReading(path, facts, (), (), failure)
                    continue
                if page == 0:
                    draft = _drafted(path, outcome.value)
                    drafts[number] = draft
                    _settle_without_picture(draft)
                    for index in range(draft.facts.pages):
                        if index + 1 not in draft.texts:
                            text = draft.facts.page_facts[index].text
                            task = place, second * _SECOND + index + 1
                            crew.put(task, read_page, draft.path, index, text, job.ocr)
                else:
                    draft = drafts[number]
                    draft.codes[page], text = outcome.value
                    engine = draft.facts.page_facts[page - 1].engine
                    draft.texts[page] = replace(text, engine=engine) if text.source == "embedded" else text
                if progress is not None:
                    progress(path, len(draft.texts), draft.facts.pages)
                if draft.is_complete():
                    finished[number] = drafts.pop(number).reading(path)
            yield finished.pop(wanted)


def _drafted(path: Path, looked: PdfFacts | tuple[ReadableCopy, PdfFacts]) -> _Draft:
    if isinstance(looked, PdfFacts):
        return _Draft(path, looked)
    copy, facts = looked
    return _Draft(copy.path, facts, copy)


def _failure(path: Path, error: Exception) -> UnreadablePdf:
    """The failure of one file; an error that would meet every file is raised instead."""
    if isinstance(error, UnreadablePdf):
        return UnreadablePdf(path, error.reason)  # it may name the copy
    if isinstance(error, Lost):
        return UnreadablePdf(path, error.reason)
    if isinstance(error, MemoryError):
        return UnreadablePdf(path, "too-large")
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
        if codes or not facts.must_be_seen:
            draft.codes[page] = codes
            draft.texts[page] = embedded_text(page, facts.text, facts.engine)
