"""A batch scan is cut at code changes into its documents; what is between them goes where it must belong, or waits.

Planning is pure. Cutting copies whole pages with all that they need, and nothing of the other pages: each piece is
the same bytes in every run, so that a run that was killed recognises what it has filed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.arrivals import StagedPaper, state_of, told_name, waiting_batches
from recordkit.archive.filing import Batch
from recordkit.archive.matching import (
    Arrangement,
    Named,
    PageSaying,
    Portion,
    arrange,
    contradictions,
    named_issues,
    sayings_of,
    stray_finding,
    stray_pages,
)
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.reading import PaperReading
from recordkit.archive.searchable import TextLayer, write_searchable
from recordkit.crew import Crew, Lost
from recordkit.errors import NotFound, RecordkitError, RefusedByRule, missing_extra
from recordkit.messages import msg
from recordkit.model import Finding
from recordkit.settings import IngestSection
from recordkit.templates.issue import Issue
from recordkit.workspace import Workspace

_LONGEST_STEM = 60


@dataclass(frozen=True, slots=True)
class Cut:
    """Pages of a batch that become a paper of their own.

    Attributes:
        pages: 1-based pages of the batch in its order.
        findings: about the batch, for the record of this paper.
        waits: why a person has to decide about them; None for pages that can be matched.
    """

    pages: tuple[int, ...]
    findings: tuple[Finding, ...] = ()
    waits: Finding | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A paper as it is filed: a file that came in, or a piece that was cut out of one.

    Attributes:
        paper: the file in the staging folder.
        reading: what its pages say, numbered as they lie in it.
        batch: where it was cut out of; None for a file that came in.
        findings: about the batch.
        waits: decided already: a person has to look.
    """

    paper: StagedPaper
    reading: PaperReading
    batch: Batch | None = None
    findings: tuple[Finding, ...] = ()
    waits: Portion | None = None


@dataclass(slots=True)
class _Pile:
    """Pages that go one way; ``issues`` whose they are, none for pages that nobody claims."""

    issues: tuple[str, ...]
    pages: set[int] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    waits: Finding | None = None


@dataclass(frozen=True, slots=True)
class _Document:
    """What the coded pages of one document say together; ``issue`` None when this store did not issue it."""

    issue: Issue | None
    arranged: Arrangement
    begins_whole: bool
    lacks: frozenset[tuple[int, int]]


def plan_cuts(
    reading: PaperReading, find: Callable[[str], Issue], store_tag: str, named: Named = lambda text: ()
) -> tuple[Cut, ...]:
    """How a batch is to be cut, in the order of its pages; a single cut when it holds one paper.

    A page without code between two pages of one document is that document's. Behind a document and before one whose
    first page is there, it is the page that lacks or an attachment. Behind a blank page, before the first code, or
    where its text names a third document, it is a paper of its own. Where two documents may claim it, both wait.
    Blank pages between documents are dropped, which the document before them says.

    Args: as in ``matching.match_pages``.
    """
    says = sayings_of(reading, store_tag)
    ids = named_issues(says)
    whole = Cut(tuple(one.page for one in says))
    if len(ids) < 2:
        return (whole,)
    documents = {one: _document(one, says, find) for one in ids}
    piles = _coded_piles(says, ids)
    names = {
        text.page: frozenset(issue.issue_id for issue in named(text))
        for one, text in zip(says, reading.texts, strict=True)
        if not one.issues and not one.is_blank
    }
    loose: list[_Pile] = []
    dropped: list[tuple[int, str | None]] = []
    for before, gap, after in _gaps(says):
        if before is not None and before == after:
            piles[before].pages |= {one.page for one in gap}
            continue
        dropped += [(one.page, before) for one in gap if one.is_blank]
        _share_out(gap, before, after, documents, piles, names, loose)
    for page, issue in dropped:
        told = Finding("blank-page-dropped", msg("page {page} of the batch is blank and was left out", page=page))
        piles[issue if issue is not None else ids[0]].findings.append(told)
    for page, issue_id in stray_pages(says).items():
        piles[issue_id].findings.append(stray_finding(page))
    every = [*{id(pile): pile for pile in piles.values()}.values(), *loose]
    return tuple(
        Cut(tuple(sorted(pile.pages)), tuple(pile.findings), pile.waits)
        for pile in sorted(every, key=lambda pile: min(pile.pages))
    )


def settled_batch(workspace: Workspace, sha256: str) -> catalogue.KnownBatch | None:
    """What is held of a batch scan, when every paper of it is held or waits as a file of its own; else None."""
    batch = catalogue.find_batch(workspace.db, catalogue.keyed(workspace.settings.store.id, sha256))
    if batch is None:
        return None
    waiting = {page for digest, page in waiting_batches(workspace) if digest == sha256}
    return batch if len(batch.held | waiting) >= batch.papers else None


def reading_of_piece(reading: PaperReading, path: Path, pages: Sequence[int]) -> PaperReading:
    """What reading a piece would have brought: the readings of its pages, numbered anew."""
    number = {page: position for position, page in enumerate(pages, start=1)}
    facts = reading.facts
    if facts is not None:
        facts = replace(facts, page_facts=tuple(facts.page_facts[page - 1] for page in pages))
    texts = {one.page: one for one in reading.texts}
    return replace(
        reading,
        path=path,
        facts=facts,
        codes=tuple(replace(code, page=number[code.page]) for page in pages for code in reading.codes
                    if code.page == page),
        texts=tuple(replace(texts[page], page=number[page]) for page in pages),
        layers=tuple(reading.layers[page - 1] for page in pages) if reading.layers else (),
        searchable=None,
    )


def cut_batch(
    paper: StagedPaper, reading: PaperReading, cuts: Sequence[Cut], staging: Path, limits: IngestSection
) -> tuple[Piece, ...]:
    """The papers of a batch as files in the staging folder; nothing when it holds only one.

    Raises:
        RefusedByRule: the batch is digitally signed, and no piece of it would be; or it is damaged or locked.
        UnreadablePdf, MissingPart: as ``cut_file``; the first for a file that pikepdf cannot take apart.
    """
    if len(cuts) < 2:
        return ()
    if reading.facts is not None and reading.facts.signatures:
        raise RefusedByRule(
            msg("the file holds several papers and is digitally signed: cutting it would break the signature")
        )
    if reading.copy is not None:
        raise RefusedByRule(
            msg("the file holds several papers and is damaged or locked; scan it again, or save it anew, and split "
                "that")
        )
    stem = Path(told_name(paper.source)).stem[:_LONGEST_STEM]
    folder = staging / f"{paper.copy.stem}-pieces"
    paths = [folder / f"{stem}-p{'-'.join(map(str, dict.fromkeys((cut.pages[0], cut.pages[-1]))))}.pdf"
             for cut in cuts]
    cut_file(paper.copy, dict(zip(paths, [cut.pages for cut in cuts], strict=True)), limits, reading.layers)
    pieces = []
    for path, cut in zip(paths, cuts, strict=True):
        batch = Batch(paper.digests.sha256, paper.digests.size, len(cuts), cut.pages, told_name(paper.source))
        part = reading_of_piece(reading, path, cut.pages)
        copy = searchable_piece(path)
        if copy.exists():
            part = replace(part, searchable=copy)
        waits = Portion(tuple(range(1, len(cut.pages) + 1)), findings=(cut.waits,)) if cut.waits is not None else None
        staged = StagedPaper(path, path, files.digests_of(path), state_of(path))
        pieces.append(Piece(staged, part, batch, cut.findings, waits))
    return tuple(pieces)


def require_splitting() -> None:
    """Find out whether files can be cut at all.

    Raises:
        MissingPart: pikepdf is not installed.
    """
    if importlib.util.find_spec("pikepdf") is None:
        raise missing_extra("pikepdf", "pdf")


def searchable_piece(path: Path) -> Path:
    """Where the searchable copy of a piece lies."""
    return path.with_name(f"{path.stem}.searchable.pdf")


def cut_file(
    source: Path, cuts: Mapping[Path, Sequence[int]], limits: IngestSection, layers: Sequence[TextLayer] = ()
) -> None:
    """Write pieces of a PDF, in a child process: the file may be hostile.

    Args:
        source: the batch.
        cuts: 1-based pages by the path of the piece, in a staging folder.
        limits: time for a page, memory of the process.
        layers: what OCR read on each page of the batch; with it every piece with such text gets a searchable copy.

    Raises:
        UnreadablePdf: the file cannot be cut (reason ``damaged`` or ``timeout``).
        MissingPart: pikepdf is not installed.
    """
    require_splitting()
    seconds = limits.page_seconds * sum(len(pages) for pages in cuts.values())
    with Crew(1, seconds, limits.memory_mb << 20) as crew:
        crew.put((0, 0), _cut, source, [(path, list(pages)) for path, pages in cuts.items()], tuple(layers))
        _, outcome = crew.take()
    if outcome.error is None:
        return
    if isinstance(outcome.error, Lost):
        raise UnreadablePdf(source, outcome.error.reason) from outcome.error
    if isinstance(outcome.error, RecordkitError | ImportError | OSError):
        raise outcome.error
    raise UnreadablePdf(source, "damaged") from outcome.error


def _cut(source: Path, cuts: Sequence[tuple[Path, Sequence[int]]], layers: Sequence[TextLayer]) -> None:
    """Child side of ``cut_file``."""
    import pikepdf

    with pikepdf.open(source) as batch:
        for path, pages in cuts:
            with pikepdf.new() as piece:
                for page in pages:
                    piece.pages.append(batch.pages[page - 1])
                # Pages may share one list of pictures: without this, a piece would hide its neighbours' pages.
                piece.remove_unreferenced_resources()
                files.write_atomic(path, _bytes_of(piece), overwrite=True)
            own = [layers[page - 1] for page in pages] if layers else []
            copy = searchable_piece(path)
            if any(layer.pieces for layer in own) and not copy.exists():
                # A piece whose copy fails is a paper all the same.
                with contextlib.suppress(ValueError, KeyError, TypeError, pikepdf.PdfError):
                    write_searchable(path, copy, own)


def _bytes_of(piece: Any) -> bytes:
    out = io.BytesIO()
    piece.save(out, deterministic_id=True)
    return out.getvalue()


def _document(issue_id: str, says: Sequence[PageSaying], find: Callable[[str], Issue]) -> _Document:
    own = [one for one in says if one.issues == {issue_id}]
    try:
        issue = find(issue_id)
    except NotFound:
        issue = None
    revision = issue.revision if issue is not None else max((one.revision or 0 for one in own), default=0)
    arranged = arrange(own, revision)
    total = arranged.total
    begins_whole = total is not None and 1 not in arranged.missing and bool(own)
    return _Document(issue, arranged, begins_whole, frozenset((number, total or 0) for number in arranged.missing))


def _coded_piles(says: Sequence[PageSaying], ids: Sequence[str]) -> dict[str, _Pile]:
    """Coded pages by document; documents that stand on one page together are one pile, which waits."""
    piles = {one: _Pile((one,)) for one in ids}
    for one in says:
        for issue in sorted(one.issues):
            piles[issue].pages.add(one.page)
        if not one.is_clear:
            joined = _join(piles, one.issues)
            joined.waits = joined.waits or contradictions([one])[0]
    return piles


def _join(piles: dict[str, _Pile], issues: Iterable[str]) -> _Pile:
    """One pile for several documents."""
    every = {id(piles[one]): piles[one] for one in issues}
    first, *others = every.values()
    for other in others:
        first.issues += other.issues
        first.pages |= other.pages
        first.findings += other.findings
        first.waits = first.waits or other.waits
    for one in first.issues:
        piles[one] = first
    return first


def _gaps(says: Sequence[PageSaying]) -> Iterable[tuple[str | None, list[PageSaying], str | None]]:
    """Pages without code between two coded ones, with the documents before and behind them."""
    before: str | None = None
    gap: list[PageSaying] = []
    for one in says:
        if not one.issues:
            gap.append(one)
            continue
        if gap:
            # A page that names several documents belongs to a pile that waits, whichever of them is asked.
            yield before, gap, before if before in one.issues else min(one.issues)
        before, gap = min(one.issues), []
    if gap:
        yield before, gap, None


def _share_out(
    gap: Sequence[PageSaying],
    before: str | None,
    after: str | None,
    documents: Mapping[str, _Document],
    piles: dict[str, _Pile],
    names: Mapping[int, frozenset[str]],
    loose: list[_Pile],
) -> None:
    """Say of each page between two documents whose it is."""
    beside = [one for one in (before, after) if one is not None]
    is_separated = False  # by a blank page from the document before
    has_begun = False  # the document behind, with a page that it claims
    own: _Pile | None = None  # Pages that nobody claims lie together until something else comes.
    for one in gap:
        if one.is_blank:
            is_separated, own = True, None
            continue
        claims = [issue for issue in beside if one.mark in documents[issue].lacks or issue in names[one.page]]
        is_lacking = before is not None and bool(documents[before].lacks)
        if len(claims) == 1:
            piles[claims[0]].pages.add(one.page)
            own, has_begun = None, claims[0] == after
        elif has_begun and after is not None and not claims and not names[one.page]:
            piles[after].pages.add(one.page)
        elif claims:
            _let_wait(piles, claims, one, documents)
        elif not names[one.page] and after is not None and not documents[after].begins_whole:
            _let_wait(piles, beside if is_lacking or not is_separated else [after], one, documents)
        elif not names[one.page] and own is None and before is not None and is_separated and is_lacking:
            _let_wait(piles, [before], one, documents)
        elif names[one.page] or own or before is None or is_separated or not (one.was_read or is_lacking):
            if own is None:
                own = _Pile(())
                loose.append(own)
            own.pages.add(one.page)
        else:
            piles[before].pages.add(one.page)


def _let_wait(
    piles: dict[str, _Pile], issues: Sequence[str], one: PageSaying, documents: Mapping[str, _Document]
) -> None:
    joined = _join(piles, issues)
    joined.pages.add(one.page)
    numbers = "、".join(
        issue.number if (issue := documents[issue_id].issue) is not None else issue_id for issue_id in joined.issues
    )
    told = msg("page {page} of the batch carries no code; nobody can tell whose it is: {numbers}", page=one.page,
               numbers=numbers)
    joined.waits = joined.waits or Finding("unclear-pages", told)
