"""The review as a list for the appraisal group: counts first, then the records, as Word, spreadsheet or JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from recordkit.archive.access import clearance_of, seen_title
from recordkit.archive.catalogue import Record
from recordkit.archive.classes import RecordClass, Scheme, load_scheme
from recordkit.archive_settings import meaning_of_term
from recordkit.messages import Message, Translate, msg
from recordkit.retention.grouped import ReviewGroup, group_review, near_groups, review_items
from recordkit.retention.review import UNEXPLAINED, Decision, DecisionKind, Facts, longer_period
from recordkit.retention.schedule import event_name, told_period
from recordkit.templates import wordpage
from recordkit.templates.sheetwriter import Cell, Sheet, workbook_bytes
from recordkit.workspace import Workspace

COLUMNS = (msg("No."), msg("Title"), msg("Year"), msg("Code"), msg("Retention period"), msg("Falls due"),
           msg("Grounds"))
_SECTIONS: tuple[tuple[DecisionKind, Message], ...] = (
    ("due", msg("Due for appraisal")),
    ("not-due", msg("Due soon")),
    ("held", msg("Held: due, but not to be destroyed")),
)
FORMATS = ("docx", "xlsx", "json")
MOST_LINES = 10_000
"""Records of one section that a list names: some thousand pages. The counts are always of all."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record of the list.

    Attributes:
        title: that of the record, where whoever makes the list may see it.
        period: in words; None where the schedule has no such class.
    """

    record: Record
    title: str | Message
    decision: Decision
    period: Message | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records that wait for one of these events, and how many they are; no events where a date field is empty.

    ``companions``: they wait with another record of their volume; ``unexplained``: for somebody to say what their old
    term means.
    """

    events: tuple[str, ...]
    count: int
    companions: bool = False
    unexplained: bool = False


@dataclass(frozen=True, slots=True)
class ReviewList:
    """What is due on a day, counted, and the records of it.

    Attributes:
        as_of: the day; ``within`` lead time in days, 0 for none.
        groups: all records of the store by class, decision and due date.
        waiting: how many wait for which events, most first.
        sections: lists of what is due, due within the lead time, and due but held; each with its heading, at most
            ``most`` records long.
        totals: how many records each section would have, by its decision.
    """

    company: str
    fonds: str
    as_of: date
    within: int
    groups: tuple[ReviewGroup, ...]
    waiting: tuple[Waiting, ...]
    sections: tuple[tuple[DecisionKind, Message, tuple[Line, ...]], ...]
    classes: Mapping[str, RecordClass]
    totals: Mapping[DecisionKind, int]

    @property
    def counts(self) -> dict[str, int]:
        """Records of the whole store by decision."""
        found: dict[str, int] = {}
        for one in self.groups:
            found[one.decision] = found.get(one.decision, 0) + one.count
        return found

    @property
    def due(self) -> int:
        """How many records are due and not held."""
        return self.counts.get("due", 0)

    @property
    def lines(self) -> list[Line]:
        """The records of all sections."""
        return [line for _, _, lines in self.sections for line in lines]


def review_list(
    workspace: Workspace, today: date, within: int = 0, most: int = MOST_LINES,
    progress: Callable[[int], None] | None = None,
) -> ReviewList:
    """Review a store for the appraisal group.

    Args:
        workspace: the store.
        today: the day.
        within: lead time in days: records that become due by then are listed, too.
        most: records of one section that are listed; the counts are of all.
        progress: told how many records are listed.
    """
    scheme = load_scheme(workspace.root)
    groups = group_review(workspace, today)
    sections: list[tuple[DecisionKind, Message, tuple[Line, ...]]] = []
    for decision, heading in _SECTIONS:
        before = sum(len(one) for _, _, one in sections)
        lines = tuple(_told(islice(_lines(workspace, scheme, today, decision, within), most), before, progress))
        if lines or decision == "due":
            sections.append((decision, heading, lines))
    totals: dict[DecisionKind, int] = {}
    for one in near_groups(groups, today, within):
        totals[one.decision] = totals.get(one.decision, 0) + one.count
    settings = workspace.settings
    return ReviewList(settings.company.name, f"{settings.archive.fonds} {settings.archive.fonds_name}", today, within,
                      tuple(groups), waiting_of(groups, scheme), tuple(sections), scheme.classes, totals)


def _told(lines: Iterable[Line], before: int, progress: Callable[[int], None] | None) -> Iterator[Line]:
    for done, line in enumerate(lines, before + 1):
        yield line
        if progress is not None:
            progress(done)


def waiting_of(groups: Sequence[ReviewGroup], scheme: Scheme) -> tuple[Waiting, ...]:
    """How many records wait for which events; those whose class has no rule wait for nothing that is named."""
    found: Counter[tuple[tuple[str, ...], bool, bool]] = Counter()
    for one in groups:
        rule = scheme.classes.get(one.record_class)
        if one.decision == "waiting" and rule is not None:
            named = rule.trigger == "event" and not one.companions and not one.unexplained
            found[rule.events if named else (), one.companions, one.unexplained] += one.count
    return tuple(Waiting(events, count, companions, unexplained)
                 for (events, companions, unexplained), count in found.most_common())


def told_waiting(one: Waiting) -> Message:
    """What those records wait for, in words."""
    if one.companions:
        return msg("{count} wait with another record of their volume", count=one.count)
    if one.unexplained:
        return msg("{count} wait for somebody to say what their old period term means (recordkit.toml, old_terms)",
                   count=one.count)
    if not one.events:
        return msg("{count} wait for a date field that is empty", count=one.count)
    return msg("{count} wait for {events}", count=one.count, events=tuple(event_name(event) for event in one.events))


def _lines(
    workspace: Workspace, scheme: Scheme, today: date, decision: DecisionKind, within: int
) -> Iterator[Line]:
    clearance = clearance_of(workspace)
    for record, found in review_items(workspace, today, decisions={decision}, within_days=within):
        rule = scheme.classes.get(record.record_class)
        meaning = meaning_of_term(record.old_term, workspace.settings.archive.old_terms) if record.old_term else ""
        facts = Facts(record.record_id, record.record_class, record.date, None, record.old_term, meaning)
        period = told_period(longer_period(facts, rule)[0]) if rule is not None else None
        yield Line(record, seen_title(record, clearance), found, period)


def list_file(found: ReviewList, kind: str, translate: Translate) -> bytes:
    """The list as a file of ``kind``, one of ``FORMATS``."""
    if kind == "docx":
        return _docx(found, translate)
    return _xlsx(found, translate) if kind == "xlsx" else _json(found, translate)


def plain_line(line: Line, translate: Translate) -> dict[str, object]:
    """A record of the list as plain JSON values, with the promised keys of 'retention review'."""
    record, decision = line.record, line.decision
    return {
        "record_id": record.record_id, "code": record.code, "title": _text(line.title, translate),
        "record_class": record.record_class, "decision": decision.decision,
        "due": decision.due.isoformat() if decision.due else None, "rule": decision.rule,
        "reason": decision.reason.render(translate), "unexplained": decision.unexplained or None,
    }


def _json(found: ReviewList, translate: Translate) -> bytes:
    items = [plain_line(line, translate) for line in found.lines]
    data = {
        "as_of": found.as_of.isoformat(), "within": found.within, "items": items, "total": len(items),
        "counts": found.counts, "listed_in_full": not told_shortened(found),
        "waiting": [{"events": list(one.events), "count": one.count, "companions": one.companions,
                     "unexplained": one.unexplained}
                    for one in found.waiting],
        "groups": [{"record_class": one.record_class, "decision": one.decision,
                    "due": one.due.isoformat() if one.due else None, "count": one.count,
                    "unexplained": one.unexplained} for one in found.groups],
    }
    return json.dumps(data, ensure_ascii=False, indent=2).encode("utf-8", "replace")


def class_rows(
    groups: Sequence[ReviewGroup], classes: Mapping[str, RecordClass]
) -> list[tuple[str, str, int, date | None]]:
    """Name of class, decision, number of records and first day of appraisal, one row for each class and decision.

    What waits for somebody to say what an old term means is told apart from what waits for an event.
    """
    sums: dict[tuple[str, str], tuple[int, date | None]] = {}
    for one in groups:
        key = one.record_class, UNEXPLAINED if one.unexplained else one.decision
        count, due = sums.get(key, (0, None))
        first = min((day for day in (due, one.due) if day is not None), default=None)
        sums[key] = count + one.count, first
    return [(classes[name].name if name in classes else name, decision, count, first)
            for (name, decision), (count, first) in sums.items()]


def _facts(found: ReviewList, translate: Translate) -> list[str]:
    """Lines between the heading and the counts."""
    total = sum(found.counts.values())
    lines = [msg("Company: {company}", company=found.company), msg("Fonds: {fonds}", fonds=found.fonds),
             msg("As of: {date}", date=found.as_of.isoformat()),
             msg("{total} records reviewed, {due} due for appraisal", total=total, due=found.due)]
    if found.within:
        lines.append(msg("Lead time: {days} days", days=found.within))
    lines += [told_waiting(one) for one in found.waiting]
    lines += told_shortened(found)
    return [one.render(translate) for one in lines]


def _text(text: str | Message, translate: Translate) -> str:
    return text.render(translate) if isinstance(text, Message) else text


def told_shortened(found: ReviewList) -> list[Message]:
    """Of which sections the list names the first records only."""
    return [msg("{heading}: the first {shown} of {total} are listed; 'retention review --decision {decision} --out "
                "FILE.json' lists all", heading=heading, shown=len(lines), total=found.totals[decision],
                decision=decision)
            for decision, heading, lines in found.sections if len(lines) < found.totals.get(decision, 0)]


def _cells(number: int, line: Line, translate: Translate) -> tuple[int, str, int, str, str, date | None, str]:
    return (number, _text(line.title, translate), line.record.year, line.record.code,
            line.period.render(translate) if line.period is not None else "", line.decision.due,
            line.decision.reason.render(translate))


_TITLE = msg("Records due for appraisal")
_COUNTS = (msg("Class"), msg("Decision"), msg("Number of records"), msg("First due"))


def _xlsx(found: ReviewList, translate: Translate) -> bytes:
    """Counts on the first sheet, one further sheet for each section."""
    rows: list[Sequence[Cell]] = [[_TITLE.render(translate)], *([line] for line in _facts(found, translate)), []]
    rows.append([one.render(translate) for one in _COUNTS])
    rows += [[name, translate(decision), count, first] for name, decision, count, first in
             class_rows(found.groups, found.classes)]
    sheets = [Sheet(msg("Counts").render(translate), rows, (44, 16, 12, 14))]
    for _, heading, lines in found.sections:
        head = [one.render(translate) for one in COLUMNS]
        body = (_cells(number, line, translate) for number, line in enumerate(lines, 1))
        name = re.split("[:：]", heading.render(translate))[0]
        sheets.append(Sheet(name, [head, *body], (7, 46, 8, 30, 12, 13, 70), head=1))
    return workbook_bytes(sheets)


def _docx(found: ReviewList, translate: Translate) -> bytes:
    """A4 landscape; headings of the table on every page, pages numbered."""
    document = wordpage.new_page(landscape=True, margins=(15, 15, 15, 15))
    wordpage.heading(document, _TITLE.render(translate))
    for line in _facts(found, translate):
        document.add_paragraph(wordpage.printable(line))
    heads = [one.render(translate) for one in _COUNTS]
    wordpage.rows_of(document, heads, (90, 50, 30, 40), (
        [name, translate(decision), str(count), first.isoformat() if first else ""]
        for name, decision, count, first in class_rows(found.groups, found.classes)), heads[1:])
    heads = [one.render(translate) for one in COLUMNS]
    for _, heading, lines in found.sections:
        wordpage.note(document, f"{heading.render(translate)} ({len(lines)})", bold=True)
        wordpage.rows_of(document, heads, (12, 68, 14, 58, 21, 27, 67), (
            [str(number), title, str(year), code, period, due.isoformat() if due else "", reason]
            for number, title, year, code, period, due, reason in
            (_cells(number, line, translate) for number, line in enumerate(lines, 1))), [heads[0], *heads[2:6]])
    wordpage.page_numbers(document.sections[0].footer.paragraphs[0])
    return wordpage.bytes_of(document)
