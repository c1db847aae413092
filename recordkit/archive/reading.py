"""Reading papers: facts, codes, text and signatures of many PDFs, on several processes, whatever the files do to them.

Every byte of a paper is parsed in child processes. A file that kills its reader, keeps it busy for too long or wants
too much memory costs that file, never the run. A damaged file is read from a repaired copy, a locked one from an
unlocked copy. Readings come in the order of the given paths.
"""

from __future__ import annotations

import contextlib
import errno
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from recordkit import files
from recordkit.archive import ocr as ocr_engine
from recordkit.archive.codes import PageCode
from recordkit.archive.names import SEARCHABLE
from recordkit.archive.ocr import Piece
from recordkit.archive.pages import PageReading, embedded_text, read_page
from recordkit.archive.pdf import PdfFacts, UnreadablePdf, can_rewrite, inspect_pdf
from recordkit.archive.pdf_signatures import Trusted, can_validate, mentions_signature, validate_signatures
from recordkit.archive.repair import ReadableCopy, make_readable
from recordkit.archive.searchable import SearchableCopy, TextLayer, can_write_searchable, write_searchable
from recordkit.archive.signature_facts import SignatureFacts, unchecked
from recordkit.crew import Crew, Lost, Outcome
from recordkit.errors import RecordkitError
from recordkit.messages import msg
from recordkit.model import Finding, PageText
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
        signatures: what became of validating its digital signatures.
        searchable: a copy whose text can be searched and marked, when a page was read by OCR.
        layers: what OCR read and where, page by page, when such a copy was asked for.
        findings: what an archivist should know about that copy.
    """

    path: Path
    facts: PdfFacts | None
    codes: tuple[PageCode, ...]
    texts: tuple[PageText, ...]
    failure: UnreadablePdf | None = None
    copy: ReadableCopy | None = None
    signatures: tuple[SignatureFacts, ...] = ()
    searchable: Path | None = None
    layers: tuple[TextLayer, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def copies(self) -> dict[str, Path]:
        """Files made beside the original, by the names under which they are kept with it."""
        found: dict[str, Path] = {} if self.copy is None else {self.copy.name: self.copy.path}
        return found if self.searchable is None else {**found, SEARCHABLE: self.searchable}

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
    trusted: Trusted | None = None,
    crew: Crew | None = None,
) -> Iterator[PaperReading]:
    """Read papers one after the other, their pages side by side.

    Args:
        paths: PDF files.
        jobs: processes at most; each takes one core, and 1 GB when it does OCR.
        ocr: whether pages without embedded text are read by OCR.
        progress: see ``Progress``.
        limits: time for one page and for looking at one file as a whole, memory of a process (at
            least 1,500 MB with OCR), pages of a file.
        scratch: folder for copies of damaged and locked files, and for searchable ones when ``limits`` say so; without
            it none is made, and damaged and locked files are failures.
        passwords: each is tried on locked files.
        trusted: what digital signatures are judged by; None to leave them alone.
        crew: processes that outlive this call, for one who calls often; ``jobs`` and the limits on time and memory
            are then theirs.

    Returns:
        One reading per path, in order, also for files that cannot be read. Closing the iterator, or an exception in
        the loop over it, ends the processes.

    Raises:
        MissingPart: OCR is wanted but not installed (at once, not at the first page).
        RecordkitError: the operating system does not let processes start.
    """
    if ocr:
        ocr_engine.require_ocr()
    wishes = _Wishes(ocr, limits or IngestSection(), scratch, tuple(passwords), trusted)
    own = reading_crew(jobs, ocr, wishes.limits) if crew is None else contextlib.nullcontext(crew)
    return _readings(tuple(paths), wishes, own, progress)


# Measured: 800 MB are too few for RapidOCR, 1,200 enough. With less every scan would count as damaged.
_LEAST_FOR_OCR = 1500  # MB


def reading_crew(jobs: int, ocr: bool, limits: IngestSection) -> Crew:
    """Processes as ``read_papers`` makes them, for its ``crew``."""
    memory = max(limits.memory_mb, _LEAST_FOR_OCR if ocr else 0)
    return Crew(jobs, limits.page_seconds, memory << 20)


def _readings(
    paths: tuple[Path, ...], wishes: _Wishes, processes: AbstractContextManager[Crew], progress: Progress | None
) -> Iterator[PaperReading]:
    with processes as crew:
        # A task of a file that failed in an earlier call may still come in: no number is used twice. Numbers order the
        # work: pages of early files go before later files are opened, so that readings flow in order.
        first = crew.reserve(len(paths))
        papers = {first + at: _Paper(crew, first + at, path, wishes, progress) for at, path in enumerate(paths)}
        for wanted in tuple(papers):
            while papers[wanted].reading is None:
                (number, task), outcome = crew.take()
                if number in papers:
                    papers[number].receive(task, outcome)
            reading = papers.pop(wanted).reading
            assert reading is not None
            yield reading


@dataclass(frozen=True, slots=True)
class _Wishes:
    ocr: bool
    limits: IngestSection
    scratch: Path | None
    passwords: tuple[str, ...] = field(repr=False)
    trusted: Trusted | None

    def may_rescue(self, failure: UnreadablePdf) -> bool:
        """Whether a copy of the file may be read where the file itself is not."""
        if self.scratch is None or not can_rewrite():
            return False
        return failure.reason == "damaged" or (failure.reason == "encrypted" and bool(self.passwords))

    def wants_searchable(self) -> bool:
        """Whether scans get a searchable copy."""
        return self.scratch is not None and self.limits.searchable and can_write_searchable()


class _Paper:
    """One paper on its way: the tasks that are under way for it, and what they brought.

    Looked at as a whole, then page by page; when that fails, once more from a copy. ``reading`` is there at the end.
    """

    def __init__(
        self, crew: Crew, number: int, path: Path, wishes: _Wishes, progress: Progress | None
    ) -> None:
        self.reading: PaperReading | None = None
        self._crew, self._number, self._path, self._wishes, self._progress = crew, number, path, wishes, progress
        self._tasks: dict[int, tuple[Callable[[Any], None], Callable[[Exception], None]]] = {}
        self._asked = 0
        self._source = path  # what is read: the file, or its copy
        self._first_failure: UnreadablePdf | None = None
        self._copy: ReadableCopy | None = None
        self._facts: PdfFacts | None = None
        self._codes: dict[int, tuple[PageCode, ...]] = {}
        self._texts: dict[int, PageText] = {}
        self._pieces: dict[int, tuple[Piece, ...]] = {}
        self._signatures: tuple[SignatureFacts, ...] | None = ()  # None: still being validated
        self._ask(self._looked_at, self._failed, inspect_pdf, path, wishes.limits.most_pages)

    def receive(self, task: int, outcome: Outcome) -> None:
        """What a task brought; one of a reading that was given up meanwhile is passed over."""
        then, otherwise = self._tasks.pop(task, (_pass_over, _pass_over))
        if outcome.error is None:
            then(outcome.value)
        else:
            otherwise(outcome.error)

    def _ask(
        self, then: Callable[[Any], None], otherwise: Callable[[Exception], None], function: Callable[..., Any],
        *arguments: Any,
    ) -> None:
        self._tasks[self._asked] = then, otherwise
        self._crew.put((self._number, self._asked), function, *arguments)
        self._asked += 1

    def _looked_at(self, facts: PdfFacts) -> None:
        self._facts = facts
        trusted = self._wishes.trusted
        # Signatures are those of the file as it came; a copy has none that could hold.
        if trusted is not None and (facts.signatures or mentions_signature(self._path)):
            self._signatures = unchecked(max(1, facts.signatures), "no-part")
            if can_validate():
                self._signatures = None
                self._ask(self._validated, self._not_validated, validate_signatures, self._path, trusted)
        for page, about in enumerate(facts.page_facts, start=1):
            found = tuple(dict.fromkeys(_PAYLOAD.findall(about.text)))
            codes = tuple(PageCode(page, payload, printed, "text") for payload in found if (printed := decode(payload)))
            if codes or not about.must_be_seen:
                # Its embedded text says all: it carries the code, or there is nothing else on the page.
                self._codes[page] = codes
                self._texts[page] = structs.replace(embedded_text(page, about.text, about.engine), blank=not about.text)
            else:
                self._ask(self._page_read, self._failed, read_page, self._source, page - 1, about.text,
                          self._wishes.ocr)
        self._advance()

    def _readable(self, made: tuple[ReadableCopy, PdfFacts]) -> None:
        self._copy, facts = made
        self._source = self._copy.path
        self._looked_at(facts)

    def _page_read(self, seen: PageReading) -> None:
        assert self._facts is not None
        text = seen.text
        about = self._facts.page_facts[text.page - 1]
        self._codes[text.page], self._pieces[text.page] = seen.codes, seen.pieces
        self._texts[text.page] = structs.replace(text, engine=about.engine) if text.source == "embedded" else text
        self._advance()

    def _validated(self, found: tuple[SignatureFacts, ...]) -> None:
        assert self._facts is not None
        # pdfium and pyHanko may count differently: none is passed over.
        self._signatures = found + unchecked(self._facts.signatures - len(found), "unreadable")
        self._advance()

    def _not_validated(self, error: Exception) -> None:
        """A signature that breaks its reader costs the verdict, never the paper."""
        assert self._facts is not None
        reason = error.reason if isinstance(error, Lost) else "unreadable"
        self._signatures = unchecked(max(1, self._facts.signatures), reason)
        self._advance()

    def _failed(self, error: Exception) -> None:
        failure = _failure(self._path, error)
        self._crew.drop(self._number)
        self._tasks.clear()
        if self._first_failure is None and self._wishes.may_rescue(failure):
            assert self._wishes.scratch is not None
            self._first_failure = failure
            self._codes, self._texts = {}, {}
            copy = self._wishes.scratch / f"readable-{secrets.token_hex(8)}.pdf"
            self._ask(self._readable, self._failed, make_readable, self._path, copy, self._wishes.passwords,
                      self._wishes.limits.most_pages)
            return
        if failure.reason in ("damaged", "no-pages") and self._first_failure is not None:  # of the copy, ours
            failure = self._first_failure
        self.reading = PaperReading(self._path, self._facts, (), (), failure)

    def _advance(self) -> None:
        """Report, and finish when nothing is under way any more."""
        assert self._facts is not None
        if self._progress is not None:
            self._progress(self._path, len(self._texts), self._facts.pages)
        if len(self._texts) < self._facts.pages or self._signatures is None:
            return
        if self._wishes.wants_searchable() and any(text.source == "ocr" for text in self._texts.values()):
            assert self._wishes.scratch is not None
            target = self._wishes.scratch / f"searchable-{secrets.token_hex(8)}.pdf"
            self._ask(self._copied, self._not_copied, write_searchable, self._source, target, self._layers())
        else:
            self.reading = self._read()

    def _copied(self, copy: SearchableCopy) -> None:
        assert self._facts is not None
        findings = []
        if not copy.is_pdfa:
            told = msg("the searchable copy is no PDF/A (rule {rule})", rule=copy.obstacle)
            findings.append(Finding("not-pdfa", told))
        if self._facts.signatures:
            told = msg("the searchable copy carries no digital signature; the original does")
            findings.append(Finding("copy-unsigned", told))
        self.reading = replace(self._read(), searchable=copy.path, layers=self._layers(), findings=tuple(findings))

    def _not_copied(self, error: Exception) -> None:
        """A paper whose copy fails is read all the same."""
        if _is_full(error):
            raise error
        told = msg("no searchable copy could be made of it")
        self.reading = replace(self._read(), findings=(Finding("no-searchable-copy", told),))

    def _layers(self) -> tuple[TextLayer, ...]:
        return tuple(TextLayer(self._texts[page].turned, self._pieces.get(page, ())) for page in sorted(self._texts))

    def _read(self) -> PaperReading:
        assert self._facts is not None and self._signatures is not None
        pages = range(1, self._facts.pages + 1)
        return PaperReading(
            path=self._path,
            facts=self._facts,
            codes=tuple(code for page in pages for code in self._codes.get(page, ())),
            texts=tuple(self._texts[page] for page in pages),
            copy=self._copy,
            signatures=self._signatures,
        )


def _pass_over(_: object) -> None:
    pass


def _failure(path: Path, error: Exception) -> UnreadablePdf:
    """The failure of one file; an error that would meet every file is raised instead."""
    if isinstance(error, UnreadablePdf):
        return UnreadablePdf(path, error.reason)  # it may name the copy
    if isinstance(error, Lost):
        return UnreadablePdf(path, error.reason)
    if isinstance(error, MemoryError):
        return UnreadablePdf(path, "too-large")
    if isinstance(error, RecordkitError | ImportError) or _is_full(error):
        raise error
    failure = UnreadablePdf(path, "damaged")
    failure.__cause__ = error
    return failure


def _is_full(error: Exception) -> bool:
    """Whether a copy could not be written: that says nothing about the paper."""
    return files.is_full(error) or (isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES))
