"""What a listing is: columns as data, rows that are made while they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from recordkit.archive.access import OPEN, Clearance, clearance_of
from recordkit.archive.catalogue import Record
from recordkit.archive.selection import Selection, condition_of
from recordkit.archive.vague_dates import given_date
from recordkit.errors import StoreBusy
from recordkit.messages import msg
from recordkit.workspace import Workspace

Value = str | int | date | None
Kind = Literal["items", "transfer", "volume", "volumes", "notes", "covers", "spines"]
RESTRICTED = "（限制利用）"
"""In place of the title of a record that the person at hand may not see."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a listing.

    Attributes:
        key: in JSON and in the template; ``label`` the standard's head.
        width: on paper, in mm.
        kind: ``text``, ``count`` (a whole number) or ``day`` (a real date).
    """

    key: str
    label: str
    width: float
    kind: Literal["text", "count", "day"] = "text"
    centred: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a cover."""

    key: str
    label: str
    value: Value


Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One catalogue as it is bound: cover and rows.

    Attributes:
        name: short, for the tab of a sheet.
        rows: makes the rows anew, ``count`` of them; one value for each column.
    """

    name: str
    facts: tuple[Fact, ...]
    count: int
    rows: Callable[[], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Look:
    """What every listing of a kind has, whatever stands in it.

    Attributes:
        title: above every part.
        facts: key and label of each line of the cover.
        columns: of the rows; none where there is nothing but a cover.
        signed: what people fill in by hand beneath the cover, row by row of three; empty for none.
        has_cover: whether a page with the facts goes before the rows; else they stand above the rows alone.
    """

    kind: Kind
    title: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...] = ()
    signed: tuple[tuple[str, ...], ...] = ()
    has_cover: bool = True

    def filled(self, *values: Value) -> tuple[Fact, ...]:
        """The lines of a cover with these values, in order."""
        return tuple(Fact(key, label, value) for (key, label), value in zip(self.facts, values, strict=True))


@dataclass(frozen=True, slots=True)
class Listing:
    """What is printed in one run.

    Attributes:
        records: makes the ids of all records that it names: by them the destruction of one finds the file.
    """

    look: Look
    parts: tuple[Part, ...]
    records: Callable[[], Iterator[str]]

    @property
    def count(self) -> int:
        """Rows of all parts."""
        return sum(one.count for one in self.parts)


def rows_of(part: Part) -> Iterator[Row]:
    """The rows, exactly as many as its cover says.

    Raises:
        StoreBusy: there are more or fewer by now.
    """
    count = 0
    for row in part.rows():
        count += 1
        if count > part.count:
            break
        yield row
    if count != part.count:
        raise StoreBusy(msg("Records were filed or destroyed while the list was being written."),
                        msg("Run the command again; nothing was written."))


def restricted_in(workspace: Workspace, selection: Selection) -> int:
    """How many of the selected records hide their titles from whoever prints.

    Raises:
        NotFound: as ``clearance_of``.
    """
    if clearance_of(workspace).full:
        return 0
    where, values = condition_of(selection)
    row = workspace.db.one(f"SELECT count(*) AS n FROM records WHERE {where} AND access <> :open AND status = 'active'",
                           {**values, "open": OPEN})
    return 0 if row is None else int(row["n"])


def told_period(code: str) -> str:
    """The period as it is printed: Y is 永久, D30 is 30年, M18 is 18个月; another term stays as it is."""
    if code == "Y":
        return "永久"
    if code[:1] in ("D", "M") and code[1:].isdecimal():
        return f"{code[1:]}{'年' if code[0] == 'D' else '个月'}"
    return code


def compact(day: date | None) -> str:
    """YYYYMMDD, as DA/T 22-2015 writes dates in a catalogue."""
    return "" if day is None else f"{day.year:04}{day.month:02}{day.day:02}"


def printed_date(record: Record) -> str:
    """The day, or what the old catalogue says where that is no day."""
    return given_date(record) or compact(record.date)


def span_of(since: date | None, until: date | None) -> str:
    """First and last date; one date where they are the same."""
    return compact(since) if since == until else f"{compact(since)}-{compact(until)}"


def printed_title(record: Record, clearance: Clearance) -> str:
    """The title; one that the archivist made stands in square brackets (DA/T 22-2015, 题名)."""
    if not shows(record, clearance):
        return RESTRICTED
    made = record.metadata.get("title_made") is True and not record.title.startswith("[")
    return f"[{record.title}]" if made else record.title


def printed_number(record: Record, clearance: Clearance) -> str:
    """The document's number (文号)."""
    return (record.number or "") if shows(record, clearance) else ""


def said(record: Record, key: str, clearance: Clearance) -> str:
    """A core value of the record's metadata."""
    return str(record.metadata.get(key) or "") if shows(record, clearance) else ""


def shows(record: Record, clearance: Clearance) -> bool:
    """Whether more than the code of a record may be shown to whoever prints."""
    return clearance.full or record.access == OPEN


def remark(record: Record, clearance: Clearance, decided: Mapping[str, str]) -> str:
    """备注: the note, the period of an older archive, a later decision; the code stays what it was."""
    if record.status == "destroyed":
        return f"已销毁，见销毁清册{record.destroyed_by or ''}"
    term = said(record, "period_term", clearance)
    parts = (said(record, "note", clearance), f"原保管期限：{term}" if term else "", decided.get(record.record_id, ""))
    return "；".join(part for part in parts if part)
