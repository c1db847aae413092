"""Where a batch scan is to be cut: at code changes; what lies between goes where it must belong, or waits.

Pure: it is decided from what the pages say. ``cutting`` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from recordkit.archive.matching import (
    Arrangement,
    Named,
    PageSaying,
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
from recordkit.archive.reading import PaperReading
from recordkit.errors import NotFound
from recordkit.messages import listed, msg
from recordkit.model import Finding
from recordkit.templates.issue import Issue


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
    numbers = listed(
        issue.number if (issue := documents[issue_id].issue) is not None else issue_id for issue_id in joined.issues
    )
    told = msg("page {page} of the batch carries no code; nobody can tell whose it is: {numbers}", page=one.page,
               numbers=numbers)
    joined.waits = joined.waits or Finding("unclear-pages", told)
