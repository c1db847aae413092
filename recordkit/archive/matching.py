"""Which document the pages of a paper belong to, and in what order they read: by the printed codes, page by page.

A wrong match is worse than none: what is not certain waits for a person. Nothing here reads a file or a store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Literal

from recordkit.archive.reading import PaperReading
from recordkit.archive.search.text import normalise
from recordkit.errors import NotFound, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.model import Finding, PageText
from recordkit.templates.issue import Issue

How = Literal["code", "number", "account", "by-hand"]
"""How a paper found its document; stored as ``matched`` in its record."""

BLOCKING = frozenset({
    "several-documents", "unknown-issue", "not-open", "codes-disagree", "stale-paper", "other-paper", "unclear-pages",
})
"""Findings about a paper that names documents of ours, yet cannot be filed as one of them: no class may take it."""

Named = Callable[[PageText], Sequence[Issue]]
"""Documents of ours that a page without code names in its text."""

ShownForms = Callable[[PageText], Mapping[str, str]]
"""Names, by id, of the forms of ours of which a page shows itself to be one, whosever it is."""

_SAME_TEXT = 0.9
"""Above this similarity two pages say the same: one sheet scanned twice."""
_FEWEST_TO_COMPARE = 20  # characters; pages with next to nothing on them are alike by chance

_PAGE_MARK = re.compile(r"第\s*(\d{1,3})\s*页\s*[,，]?\s*共\s*(\d{1,3})\s*页")


@dataclass(frozen=True, slots=True)
class PageSaying:
    """What one page says of itself.

    Attributes:
        page: 1-based page of the file.
        issues: issues of this store named by its codes; more than one: it contradicts itself.
        revision: printing that its codes name; None without a code.
        place: number and total that its own code names; None when only the document's code was read.
        mark: number and total of the last 第n页 共m页 in its text.
        is_clear: its codes agree in issue, revision and place.
        has_foreign: it carries a code that is not ours.
        is_strangers: one of them is the code of another store: the page is somebody's, never one of ours.
        is_blank: nothing is on it.
        was_read: its text is known; a scan that was not read may say anything.
        is_named: it carries no code, and its text names the document that it is asked of.
        text: its text as it was read.
    """

    page: int
    issues: frozenset[str] = frozenset()
    revision: int | None = None
    place: tuple[int, int] | None = None
    mark: tuple[int, int] | None = None
    is_clear: bool = True
    has_foreign: bool = False
    is_blank: bool = False
    was_read: bool = True
    is_strangers: bool = False
    is_named: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the pages of one document lie in a file.

    Attributes:
        order: pages of the file in the order in which the document reads, attachments last.
        attachments: runs of pages behind a complete document that carry no code of ours.
        total: number of pages that the document has; None when no page says.
        missing: numbers of its pages that are not there.
        is_complete: every page of the document is known to be there.
        findings: missing, doubled, swapped, stale pages, pages without code or number, attachments.
        numbers: numbers of its pages by page of the file.
    """

    order: tuple[int, ...]
    attachments: tuple[tuple[int, ...], ...]
    total: int | None
    missing: tuple[int, ...]
    is_complete: bool
    findings: tuple[Finding, ...]
    numbers: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Portion:
    """Pages of a paper that go one way together.

    Attributes:
        pages: 1-based pages of the file, in the order in which the document reads.
        issue: the document they are the signed paper of; None when nobody knows.
        how: how that was found.
        findings: what an archivist should know about these pages.
        attachments: runs of pages that are no pages of the document but belong to it.
        confidence: 0 to 1, of a match by text; None where the code decided.
    """

    pages: tuple[int, ...]
    issue: Issue | None = None
    how: How = "code"
    findings: tuple[Finding, ...] = ()
    attachments: tuple[tuple[int, ...], ...] = ()
    confidence: float | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether it names documents of ours, yet cannot be filed as one: no class for the rest may take it."""
        return any(finding.code in BLOCKING for finding in self.findings)


def match_pages(
    reading: PaperReading,
    find: Callable[[str], Issue],
    store_tag: str,
    named: Named = lambda text: (),
    shown_forms: ShownForms = lambda text: {},
) -> Portion:
    """The document that a paper is the signed paper of; all its pages go one way.

    Args:
        reading: a paper that was read to its end.
        find: the issue of an id; raises NotFound.
        store_tag: of this store; codes with another tag are foreign and decide nothing.
        named: see ``Named``.
        shown_forms: see ``ShownForms``.
    """
    says = sayings_of(reading, store_tag)
    pages = tuple(one.page for one in says)
    foreign = _foreign_findings(says)
    ours = named_issues(says)

    def blocked(*told: Finding) -> Portion:
        return Portion(pages, findings=(*told, *foreign))

    if not ours:
        return Portion(pages, findings=foreign)
    unclear = contradictions(says)
    if unclear:
        return blocked(*unclear)
    if len(ours) > 1:
        told = msg("the file holds pages of {count} documents; 'recordkit ingest --split' files them one by one",
                   count=len(ours))
        return blocked(Finding("several-documents", told), *map(stray_finding, stray_pages(says)))
    try:
        issue = find(ours[0])
        require_open(issue)
    except NotFound:
        return blocked(Finding("unknown-issue", msg("its code names a document that this store did not issue")))
    except RefusedByRule as refusal:
        return blocked(Finding("not-open", refusal.what))
    stale = _stale_findings(says, issue.revision)
    if len(stale) == sum(1 for one in says if one.issues):
        told = msg("no page is of revision {revision}, which counts", revision=issue.revision)
        return blocked(Finding("stale-paper", told), *stale)
    strangers = strangers_findings(says)
    if strangers:
        return blocked(*strangers)
    bare = {one.page: text for one, text in zip(says, reading.texts, strict=True)
            if not one.issues and not one.is_blank}
    names = {page: [other.issue_id for other in named(text)] for page, text in bare.items()}
    for page, others in names.items():
        if others and issue.issue_id not in others:
            return blocked(Finding("other-paper", msg("page {page} carries no code and names {number}", page=page,
                                                      number=named(bare[page])[0].number)))
    says = tuple(replace(one, is_named=bool(names.get(one.page))) for one in says)
    arranged = arrange(says, issue.revision)
    behind = {page for run in arranged.attachments for page in run}
    for page, text in bare.items():
        shown = shown_forms(text) if not names[page] else {}
        # A page in the place of the one that lacks may well be on the document's own form.
        if shown and (issue.form not in shown or page not in arranged.numbers):
            return blocked(_form_finding(page, shown))
    unread = [one.page for one in says if one.page in behind and not one.was_read]
    told_unread = [Finding("attachments-not-read", msg(
        "pages {pages} lie behind a complete document and were not read; nobody has checked whether they are its "
        "attachments", pages=listed(unread)))] if unread else []
    return Portion(arranged.order, issue, "code", (*foreign, *arranged.findings, *told_unread), arranged.attachments)


def sayings_of(reading: PaperReading, store_tag: str) -> tuple[PageSaying, ...]:
    """What each page of a paper says of itself, in the order of the file."""
    codes: dict[int, list[tuple[str, int, int | None, int | None] | None]] = {}
    strangers: set[int] = set()
    for code in reading.codes:
        printed = code.printed
        ours = printed is not None and printed.store_tag == store_tag
        if printed is not None and not ours:
            strangers.add(code.page)
        codes.setdefault(code.page, []).append(
            (printed.issue_id, printed.revision, printed.page, printed.pages) if printed and ours else None
        )
    return tuple(
        replace(_saying(text, codes.get(text.page, ()), _is_blank(reading, text)), is_strangers=text.page in strangers)
        for text in reading.texts
    )


def _saying(
    text: PageText, codes: Iterable[tuple[str, int, int | None, int | None] | None], is_blank: bool
) -> PageSaying:
    every = list(codes)
    ours = [one for one in every if one is not None]
    issues = frozenset(one[0] for one in ours)
    revisions = {one[1] for one in ours}
    places = {(one[2], one[3]) for one in ours if one[2] is not None and one[3] is not None}
    place = next(iter(places)) if len(places) == 1 else None
    return PageSaying(
        text.page,
        issues,
        next(iter(revisions)) if len(revisions) == 1 else None,
        place,
        page_mark(text.text),
        len(issues) <= 1 and len(revisions) <= 1 and len(places) <= 1,
        len(ours) < len(every),
        is_blank and not every,
        text.source != "none" or is_blank,
        text=text.text,
    )


def page_mark(text: str) -> tuple[int, int] | None:
    """Number and total of the last 第n页 共m页 in a text, the foot of the page; None when there is none."""
    for number, total in reversed(_PAGE_MARK.findall(text)):
        if 1 <= int(number) <= int(total):
            return int(number), int(total)
    return None


def blank_pages(reading: PaperReading) -> frozenset[int]:
    """Pages on which nothing is."""
    return frozenset(text.page for text in reading.texts if _is_blank(reading, text))


def _is_blank(reading: PaperReading, text: PageText) -> bool:
    """Whether nothing is on a page; a scan that was not read is not called blank."""
    if text.blank or text.text.strip() or reading.facts is None:
        return text.blank
    return text.source == "none" and not reading.facts.page_facts[text.page - 1].has_pictures


def named_issues(says: Sequence[PageSaying]) -> tuple[str, ...]:
    """Ids of the issues of this store that the pages name, in the order of the file."""
    return tuple(dict.fromkeys(issue for one in says for issue in sorted(one.issues)))


def contradictions(says: Sequence[PageSaying]) -> tuple[Finding, ...]:
    """Pages whose codes contradict each other."""
    return tuple(
        Finding("codes-disagree", msg("the codes on page {page} contradict each other", page=one.page))
        for one in says
        if not one.is_clear
    )


def strangers_findings(says: Sequence[PageSaying]) -> tuple[Finding, ...]:
    """Pages that bear the code of another store."""
    return tuple(
        Finding("other-paper", msg("page {page} carries the code of another store", page=one.page))
        for one in says
        if one.is_strangers
    )


def _form_finding(page: int, shown: Mapping[str, str]) -> Finding:
    return Finding("other-paper", msg("page {page} carries no code and reads like a page of the form {form}", page=page,
                                      form=listed(shown.values())))


def stray_pages(says: Sequence[PageSaying]) -> dict[int, str]:
    """Pages of one document that lie between the pages of another one, with the issue id of that other one."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for one in says:
        for issue in one.issues:
            first.setdefault(issue, one.page)
            last[issue] = one.page
    spread = sorted(issue for issue in first if first[issue] < last[issue])
    found = {}
    for one in says:
        around = [issue for issue in spread if first[issue] < one.page < last[issue]] if one.issues else []
        if around and one.issues.isdisjoint(around):
            found[one.page] = around[0]
    return found


def stray_finding(page: int) -> Finding:
    """What is said of one of ``stray_pages``."""
    return Finding("other-document", msg("page {page} belongs to another document", page=page))


def arrange(says: Sequence[PageSaying], revision: int, *, by_foot: bool = False) -> Arrangement:
    """The order in which a document reads, and what is wrong with its pages.

    Args:
        says: pages of one document and pages without code, in the order of the file.
        revision: the printing that counts; a page of another one does not count as the page.
        by_foot: no page has a code; those are its pages whose number was read at their foot.
    """
    findings = [*_stale_findings(says, revision)]
    current = [one for one in says if one.issues and one.revision == revision]
    total = _total(current)
    numbers = _numbers(current, total)
    unnumbered = [one for one in current if one.page not in numbers]
    missing = _missing(numbers, total)
    if unnumbered and total is not None:
        findings += _place_unnumbered(current, unnumbered, numbers, missing, total)
        unnumbered = [one for one in unnumbered if one.page not in numbers]
        missing = _missing(numbers, total)
    if total is None and sum(1 for one in says if not one.is_blank) > 1:
        findings.append(Finding("order-not-checked", msg(
            "how many pages the document has was not read: whether all are there, and in order, was not checked")))
    bare = [one for one in says if not one.issues and not one.is_blank and not one.is_strangers]
    taken = _page_in_place(says, bare, numbers, missing[0], total) if len(missing) == 1 and not unnumbered else None
    if taken is not None and total is not None:
        findings.append(_taken_finding(taken, missing[0], total, by_foot, in_its_place(
            taken.page, missing[0], numbers, positions_of(says))))
        numbers[taken.page], missing = missing[0], ()
        bare.remove(taken)
    is_complete = total is not None and not missing and not unnumbered
    last = max((one.page for one in says if one.issues or one.page in numbers), default=0)
    behind = [one.page for one in bare if is_complete and one.page > last]
    findings += [
        Finding("page-without-code", msg("page {page} carries no code", page=one.page))
        for one in bare
        if one.page not in behind and not by_foot
    ]
    findings += _number_findings(numbers, missing, total or 0, len(unnumbered))
    order = _reading_order(says, numbers, frozenset(behind))
    return Arrangement(order, _runs(behind), total, missing, is_complete, tuple(findings), numbers)


def _place_unnumbered(
    current: Sequence[PageSaying],
    unnumbered: Sequence[PageSaying],
    numbers: dict[int, int],
    missing: Sequence[int],
    total: int,
) -> list[Finding]:
    """Add to ``numbers`` what can be said of pages whose own number was not read; never without a finding."""
    findings = []
    same = {one.page: numbers[other.page] for one in unnumbered for other in current
            if other.page in numbers and _says_the_same(one, other)}
    left = [one for one in unnumbered if one.page not in same]
    if len(left) == 1 and len(missing) == 1:
        same[left[0].page] = missing[0]
    for one in unnumbered:
        if one.page in same:
            findings.append(_guessed_finding(one.page, same[one.page], total))
        else:
            findings.append(Finding("page-number-not-read", msg("page {page} of the file: its number could not be read",
                                                                page=one.page)))
    numbers |= same
    return findings


def _guessed_finding(page: int, number: int, total: int) -> Finding:
    return Finding("page-number-not-read", msg(
        "page {page} of the file: its number could not be read; taken as page {number} of {total}", page=page,
        number=number, total=total))


def _taken_finding(taken: PageSaying, number: int, total: int, by_foot: bool, lies_there: bool) -> Finding:
    """What is said of a page without code that counts as the one that lacks."""
    if by_foot:
        return _guessed_finding(taken.page, number, total)
    if lies_there or taken.mark is None:
        return Finding("page-without-code", msg(
            "page {page} carries no code; it lies where page {number} of {total} is missing", page=taken.page,
            number=number, total=total))
    return Finding("page-without-code", msg(
        "page {page} carries no code; it names the document and says that it is page {number} of {total}",
        page=taken.page, number=number, total=total))


def _says_the_same(one: PageSaying, other: PageSaying) -> bool:
    text, same = ("".join(normalise(page.text).split()) for page in (one, other))
    if min(len(text), len(same)) < _FEWEST_TO_COMPARE:
        return False
    # Without autojunk: in a long text it takes every frequent character for noise.
    matcher = SequenceMatcher(None, text, same, autojunk=False)
    return matcher.real_quick_ratio() > _SAME_TEXT and matcher.quick_ratio() > _SAME_TEXT < matcher.ratio()


def in_its_place(page: int, number: int, numbers: Mapping[int, int], positions: Mapping[int, int]) -> bool:
    """Whether a page lies where the page of this number must lie, as the numbers of the others in the file tell.

    Args:
        page: 1-based page of the file.
        number: what it is asked to be.
        numbers: numbers of the document's pages by page of the file.
        positions: see ``positions_of``.
    """
    offsets = [(other - number, positions[at] - positions[page]) for at, other in numbers.items() if at != page]
    return any(one == two for one, two in offsets) and all(one * two > 0 for one, two in offsets)


def positions_of(says: Sequence[PageSaying]) -> dict[int, int]:
    """Place of each page of a file among those that are not blank."""
    return {one.page: place for place, one in enumerate(one for one in says if not one.is_blank)}


def with_page_marks(portion: Portion, texts: Sequence[PageText]) -> Portion:
    """A portion without codes, its pages told from what is printed at their foot; unchanged where nothing is."""
    every = {text.page: _saying(text, (), text.blank) for text in texts}
    says = [replace(one, issues=frozenset({"marked"}), revision=0) if one.mark else one
            for one in (every[page] for page in sorted(portion.pages))]
    arranged = arrange(says, 0, by_foot=True)
    if arranged.total is None:
        return portion
    return replace(portion, pages=arranged.order, attachments=arranged.attachments,
                   findings=(*portion.findings, *arranged.findings))


def require_open(issue: Issue) -> None:
    """Make sure that the paper of an issue is still out.

    Raises:
        RefusedByRule: it is filed already, or the document is void or destroyed.
    """
    if issue.status == "returned":
        raise RefusedByRule(
            msg("the signed paper of {number} is filed already", number=issue.number),
            msg("Compare both: 'recordkit show {number}'.", number=issue.number),
        )
    if issue.status != "issued":
        raise RefusedByRule(msg("{number} is {status}", number=issue.number, status=msg(issue.status)))


def doubts_about(issue: Issue, texts: Sequence[PageText]) -> tuple[Finding, ...]:
    """What speaks against a match that a person made: the paper says neither number nor account of the document."""
    said = normalise("".join(text.text for text in texts))
    marks = [one for one in (issue.number, issue.account) if one]
    if any(normalise(mark) in said for mark in marks):
        return ()
    return (Finding("doubtful-match", msg("neither number nor account of {number} stands in its text",
                                          number=issue.number)),)


def waiting_reason(findings: Sequence[Finding]) -> Message:
    """Why a paper waits, in one sentence: what blocks it comes first."""
    for codes in (BLOCKING, {"not-split", "weak-match"}, {"foreign-code"}):
        for one in findings:
            if one.code in codes:
                return one.message
    return msg("no printed code of this store was found")


def _foreign_findings(says: Sequence[PageSaying]) -> tuple[Finding, ...]:
    return tuple(
        Finding("foreign-code", msg("page {page} carries a code that is not ours", page=one.page))
        for one in says
        if one.has_foreign
    )


def _stale_findings(says: Sequence[PageSaying], revision: int) -> tuple[Finding, ...]:
    return tuple(
        Finding("stale-revision", msg("page {page} is of revision {found}, not {revision}", page=one.page,
                                      found=one.revision or 0, revision=revision))
        for one in says
        if one.issues and one.revision != revision
    )


def _total(current: Sequence[PageSaying]) -> int | None:
    """How many pages the document has: by the pages' own codes, else by what is printed at their foot."""
    for totals in ({one.place[1] for one in current if one.place}, {one.mark[1] for one in current if one.mark}):
        if len(totals) == 1:
            return totals.pop()
        if totals:
            return None
    return None


def _numbers(current: Sequence[PageSaying], total: int | None) -> dict[int, int]:
    """Numbers of the document's pages by page of the file."""
    found: dict[int, int] = {}
    for one in current:
        for place in (one.place, one.mark):
            if place is not None and place[1] == total:
                found[one.page] = place[0]
                break
    return found


def _missing(numbers: Mapping[int, int], total: int | None) -> tuple[int, ...]:
    return tuple(sorted(set(range(1, (total or 0) + 1)) - set(numbers.values())))


def _page_in_place(
    says: Sequence[PageSaying], bare: Sequence[PageSaying], numbers: Mapping[int, int], lacks: int, total: int | None
) -> PageSaying | None:
    """The page without code that is the one page that lacks: it says so, or it lies in its place.

    What it says counts only when it names the document or lies in its place, too: a deed has a foot of its own. A page
    that says something else, or the same as a page that is there, is not the one.
    """
    positions = positions_of(says)
    saying = [one for one in bare if one.mark == (lacks, total)
              and (one.is_named or in_its_place(one.page, lacks, numbers, positions))]
    there = [one for one in says if one.page in numbers]
    if len(saying) > 1 or any(_says_the_same(one, other) for one in saying for other in there):
        return None
    if saying:
        return saying[0]
    fitting = [one for one in bare if one.mark is None and not any(_says_the_same(one, other) for other in there)]
    seen = [one for one in says if not one.is_blank]
    for before, after in pairwise(seen):
        if after in fitting and numbers.get(before.page) == lacks - 1:
            return after
        if before in fitting and numbers.get(after.page) == lacks + 1:
            return before
    return None


def _number_findings(
    numbers: Mapping[int, int], missing: Sequence[int], total: int, unnumbered: int
) -> list[Finding]:
    """Missing, doubled and swapped pages; any of ``unnumbered`` pages may be one of those that are missing."""
    found = []
    if not unnumbered:
        found += [Finding("missing-page", msg("page {page} of {total} is missing", page=one, total=total))
                  for one in missing]
    elif len(missing) > unnumbered:
        found.append(Finding("missing-page", msg(
            "of the pages {pages} of {total} at least {count} are missing", pages=listed(missing),
            total=total, count=len(missing) - unnumbered)))
    there = [numbers[page] for page in sorted(numbers)]
    found += [Finding("doubled-page", msg("page {page} is there twice", page=one))
              for one in sorted({one for one in there if there.count(one) > 1})]
    first_seen = list(dict.fromkeys(there))
    if first_seen != sorted(first_seen):
        found.append(Finding("swapped-page", msg("the pages are not in order")))
    return found


def _reading_order(
    says: Sequence[PageSaying], numbers: Mapping[int, int], behind: frozenset[int]
) -> tuple[int, ...]:
    """Pages by their numbers; one without a number stays behind the page it follows."""
    places: dict[int, int] = {}
    place = 0
    for one in says:
        place = numbers.get(one.page, place)
        places[one.page] = place
    return tuple(sorted(places, key=lambda page: (page in behind, 0 if page in behind else places[page], page)))


def _runs(pages: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Pages that follow each other, run by run."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and runs[-1][-1] == page - 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    return tuple(map(tuple, runs))
