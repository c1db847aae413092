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
    ShownForms,
    arrange,
    contradictions,
    in_its_place,
    named_issues,
    positions_of,
    sayings_of,
    stray_finding,
    stray_pages,
)
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.pdf_actions import carried_things
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


@dataclass(frozen=True, slots=True)
class _Bare:
    """What is known of the pages without code: by page of the batch.

    Attributes:
        names: issues that their texts name.
        forms: forms of ours of which they show themselves to be pages.
        positions: see ``positions_of``; of all pages.
    """

    names: Mapping[int, frozenset[str]]
    forms: Mapping[int, frozenset[str]]
    positions: Mapping[int, int]

    def claims(self, one: PageSaying, beside: Mapping[str, _Document]) -> list[str]:
        """Issues whose page it is: its text names them, or its foot says so in the place where the page lacks.

        A foot alone does not count, deeds are numbered, too; and where two documents lack that page, both claim it.
        """
        named = [issue for issue in beside if issue in self.names[one.page]]
        mark = one.mark
        if one.is_strangers or named or mark is None:
            return [] if one.is_strangers else named
        lacking = [issue for issue in beside if mark in beside[issue].lacks]
        is_there = any(in_its_place(one.page, mark[0], beside[issue].arranged.numbers, self.positions)
                       for issue in lacking)
        return lacking if is_there else []

    def is_others(self, one: PageSaying, before: _Document | None, after: _Document | None) -> bool:
        """Whether a page that nobody claims can be no page and no attachment of the documents beside it."""
        if one.is_strangers or any(one.mark in document.lacks for document in (before, after) if document):
            return True
        shown = self.forms[one.page]
        open_for_it = [before if before and before.lacks else None, after if after and not after.begins_whole else None]
        return bool(shown) and not any(
            document and document.issue and document.issue.form in shown and one.mark is None
            for document in open_for_it
        )


def plan_cuts(
    reading: PaperReading,
    find: Callable[[str], Issue],
    store_tag: str,
    named: Named = lambda text: (),
    shown_forms: ShownForms = lambda text: {},
) -> tuple[Cut, ...]:
    """How a batch is to be cut, in the order of its pages; a single cut when it holds one paper.

    A page without code between two pages of one document is that document's. Behind a document and before one whose
    first page is there, it is the page that lacks or an attachment. Behind a blank page, before the first code, or
    where its text names a third document, it is a paper of its own. Where two documents may claim it, both wait.
    Behind a complete document, a page that shows itself to be of a form of ours is a paper of its own, and so is a page
    with another store's code wherever it lies. A page whose foot numbers it as one that lacks, and that lies elsewhere
    and names nobody, is one, too. Blank pages between documents are dropped, which the document before them says.

    Args: as in ``matching.match_pages``.
    """
    says = sayings_of(reading, store_tag)
    ids = named_issues(says)
    whole = Cut(tuple(one.page for one in says))
    if len(ids) < 2:
        return (whole,)
    documents = {one: _document(one, says, find) for one in ids}
    piles = _coded_piles(says, ids)
    texts = {text.page: text for one, text in zip(says, reading.texts, strict=True)
             if not one.issues and not one.is_blank}
    bare = _Bare(
        {page: frozenset(issue.issue_id for issue in named(text)) for page, text in texts.items()},
        {page: frozenset(shown_forms(text)) for page, text in texts.items()},
        positions_of(says),
    )
    loose: list[_Pile] = []
    dropped: list[tuple[int, str | None]] = []
    for before, gap, after in _gaps(says):
        if before is not None and before == after:
            # Nobody else can claim them; what is no page of the document makes its paper wait.
            piles[before].pages |= {one.page for one in gap if not one.is_strangers}
            loose += [_Pile((), {one.page}) for one in gap if one.is_strangers]
            continue
        dropped += [(one.page, before) for one in gap if one.is_blank]
        _share_out(gap, before, after, documents, piles, bare, loose)
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
    """What reading a piece would have brought: the readings of its pages, numbered anew.

    A piece is written anew, from pages alone: it is not locked, and nothing is attached to it as a whole. ``carries``
    is still that of the batch; ``cut_file`` tells what each piece carries.
    """
    number = {page: position for position, page in enumerate(pages, start=1)}
    facts = reading.facts
    if facts is not None:
        facts = replace(facts, page_facts=tuple(facts.page_facts[page - 1] for page in pages), encrypted=False,
                        attached_files=0, signature_fields=0)
    texts = {one.page: one for one in reading.texts}
    return replace(
        reading,
        path=path,
        facts=facts,
        codes=tuple(replace(code, page=number[code.page]) for page in pages for code in reading.codes
                    if code.page == page),
        texts=tuple(replace(texts[page], page=number[page]) for page in pages),
        layers=tuple(reading.layers[page - 1] for page in pages) if reading.layers else (),
        copy=None,
        searchable=None,
    )


def cut_batch(
    paper: StagedPaper, reading: PaperReading, cuts: Sequence[Cut], staging: Path, limits: IngestSection
) -> tuple[Piece, ...]:
    """The papers of a batch as files in the staging folder; nothing when it holds only one.

    Raises:
        RefusedByRule: the batch is digitally signed, and no piece of it would be; it is damaged; or it carries what no
            piece of it could keep.
        UnreadablePdf, MissingPart: as ``cut_file``; the first for a file that pikepdf cannot take apart.
    """
    if len(cuts) < 2:
        return ()
    facts, readable = reading.facts, reading.copy
    if facts is not None and facts.signatures:
        raise RefusedByRule(
            msg("the file holds several papers and is digitally signed: cutting it would break the signature")
        )
    if readable is not None and readable.damaged:
        raise RefusedByRule(
            msg("the file holds several papers and is damaged; scan it again, or save it anew, and split that")
        )
    if facts is not None and (facts.attached_files or "embedded-files" in (facts.carries or ())):
        raise RefusedByRule(
            msg("the file holds several papers and carries other files: no program can tell to which paper they "
                "belong; take them out, or divide the file by hand")
        )
    stem = Path(told_name(paper.source)).stem[:_LONGEST_STEM]
    folder = staging / f"{paper.copy.stem}-pieces"
    paths = [folder / f"{stem}-p{'-'.join(map(str, dict.fromkeys((cut.pages[0], cut.pages[-1]))))}.pdf"
             for cut in cuts]
    source = readable.path if readable is not None else paper.copy
    carried = cut_file(source, dict(zip(paths, [cut.pages for cut in cuts], strict=True)), limits, reading.layers)
    unlocked = () if readable is None else (Finding("decrypted", msg(
        "the batch is locked with a password; the paper is kept without it")),)
    pieces = []
    for path, cut in zip(paths, cuts, strict=True):
        batch = Batch(paper.digests.sha256, paper.digests.size, len(cuts), cut.pages, told_name(paper.source))
        part = reading_of_piece(reading, path, cut.pages)
        if part.facts is not None:
            part = replace(part, facts=replace(part.facts, carries=carried[path]))
        copy = searchable_piece(path)
        if copy.exists():
            part = replace(part, searchable=copy)
        waits = Portion(tuple(range(1, len(cut.pages) + 1)), findings=(cut.waits,)) if cut.waits is not None else None
        staged = StagedPaper(path, path, files.digests_of(path), state_of(path))
        pieces.append(Piece(staged, part, batch, (*cut.findings, *unlocked), waits))
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
) -> dict[Path, frozenset[str] | None]:
    """Write pieces of a PDF, in a child process: the file may be hostile.

    Args:
        source: the batch.
        cuts: 1-based pages by the path of the piece, in a staging folder.
        limits: time for a page, memory of the process.
        layers: what OCR read on each page of the batch; with it every piece with such text gets a searchable copy.

    Returns:
        What each piece carries, see ``pdf_actions.carried_things``.

    Raises:
        RefusedByRule: form fields are filled in that no piece would show.
        UnreadablePdf: the file cannot be cut (reason ``damaged`` or ``timeout``).
        MissingPart: pikepdf is not installed.
    """
    require_splitting()
    seconds = limits.page_seconds * sum(len(pages) for pages in cuts.values())
    with Crew(1, seconds, limits.memory_mb << 20) as crew:
        crew.put((0, 0), _cut, source, [(path, list(pages)) for path, pages in cuts.items()], tuple(layers))
        _, outcome = crew.take()
    if outcome.error is None:
        return dict(zip(cuts, outcome.value, strict=True))
    if isinstance(outcome.error, Lost):
        raise UnreadablePdf(source, outcome.error.reason) from outcome.error
    if isinstance(outcome.error, RecordkitError | ImportError | OSError):
        raise outcome.error
    raise UnreadablePdf(source, "damaged") from outcome.error


def _cut(
    source: Path, cuts: Sequence[tuple[Path, Sequence[int]]], layers: Sequence[TextLayer]
) -> list[frozenset[str] | None]:
    """Child side of ``cut_file``."""
    import pikepdf

    with pikepdf.open(source) as batch:
        if _shows_by_its_form(batch):
            raise RefusedByRule(
                msg("the file holds several papers and is a form: what was filled in would no longer be seen; print "
                    "it, or save it anew without form fields, and split that")
            )
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
    return [carried_things(path) for path, _ in cuts]


def _shows_by_its_form(batch: Any) -> bool:
    """Whether what is seen on a page comes from the form as a whole (ISO 32000-1, 12.7.2), which no piece keeps.

    So it is with XFA, and with filled-in fields that a program has to draw, having no appearance of their own.
    """
    form = batch.Root.get("/AcroForm")
    if form is None:
        return False
    is_drawn_anew = bool(form.get("/NeedAppearances", False))
    marks = [mark for page in batch.pages for mark in page.obj.get("/Annots", ()) if mark.get("/Subtype") == "/Widget"]
    return "/XFA" in form or any(
        (is_drawn_anew or "/N" not in mark.get("/AP", {})) and _is_filled_in(mark) for mark in marks)


def _is_filled_in(mark: Any) -> bool:
    """Whether a field holds a value that is text; a field may inherit it."""
    node = mark
    for _ in range(64):  # a damaged tree may run in a circle
        if "/V" in node:
            return bool(str(node.V)) and node.get("/FT", mark.get("/FT")) not in ("/Sig", "/Btn")
        if "/Parent" not in node:
            break
        node = node.Parent
    return False


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
    bare: _Bare,
    loose: list[_Pile],
) -> None:
    """Say of each page between two documents whose it is."""
    beside = [one for one in (before, after) if one is not None]
    is_separated = False  # by a blank page from the document before
    has_begun = False  # the document behind, with a page that it claims
    own: _Pile | None = None  # Pages that nobody claims lie together until something else comes.
    was_strangers = False  # the page before
    for one in gap:
        if one.is_blank:
            is_separated, own = True, None
            continue
        claims = bare.claims(one, {issue: documents[issue] for issue in beside})
        names = bare.names[one.page]
        is_lacking = before is not None and bool(documents[before].lacks)
        is_others = not claims and bare.is_others(
            one, documents[before] if before is not None else None, documents[after] if after is not None else None)
        if len(claims) == 1:
            piles[claims[0]].pages.add(one.page)
            own, has_begun = None, claims[0] == after
        elif is_others:
            # Pages that follow it and that nobody claims lie with it: they are less likely to be anybody else's.
            if own is None or not (one.is_strangers and was_strangers):
                own = _Pile(())
                loose.append(own)
            own.pages.add(one.page)
            has_begun = False
        elif has_begun and after is not None and not claims and not names:
            piles[after].pages.add(one.page)
        elif claims:
            _let_wait(piles, claims, one, documents)
        elif not names and after is not None and not documents[after].begins_whole:
            _let_wait(piles, beside if is_lacking or not is_separated else [after], one, documents)
        elif not names and own is None and before is not None and is_separated and is_lacking:
            _let_wait(piles, [before], one, documents)
        elif names or own or before is None or is_separated or not (one.was_read or is_lacking):
            if own is None:
                own = _Pile(())
                loose.append(own)
            own.pages.add(one.page)
            if before is not None and not one.was_read and not is_separated:
                own.findings.append(Finding("attachments-not-read", msg(
                    "page {page} of the batch lies behind a complete document and was not read; nobody has checked "
                    "whether it is an attachment", page=one.page)))
        else:
            piles[before].pages.add(one.page)
        was_strangers = one.is_strangers


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
