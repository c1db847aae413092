"""Tables as other departments send them: headings somewhere below a title, totals and signatures among the rows.

The reader of a file gives its rows under whatever stands in the first one. Here it is found which row holds the
headings, what each of them means, and which rows are no data. Nothing is guessed without being told: what was taken for
what stands in ``Headed`` for the plan to print, and so does every row that was passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice

from recordkit.messages import Message, listed, msg
from recordkit.templates.fieldtypes import is_empty
from recordkit.templates.rows import Addresses, Lazily, RawRow, RowSource
from recordkit.templates.spec import plain_heading
from recordkit.templates.spreadsheet import CellError, SerialDay

MOST_TITLE_ROWS = 20
"""Rows among which the headings are looked for."""
TOTAL = re.compile(r"(合|总|小|共|累)\s*计|共\s*[0-9]+|本页|(sub)?total\b", re.IGNORECASE)
ONLY_TOTAL = re.compile(r"(本页)?(合|总|小|共|累)\s*计\s*[:：]?|(sub|grand )?total:?", re.IGNORECASE)
_COUNT = r"共?\s*[0-9][0-9,]{0,6}\s*[户人块只份条笔家个项件次台]|[1-9][0-9]{0,3}"
"""What a total says under the names or accounts that it counts: 5户, 300."""
FOOTER = re.compile(r"(制表|填表|审核|复核|打印|导出|报送|说明|备注|注|单位|第\s*[0-9]+\s*页)")
_POSITIONS = frozenset({"序号", "序", "行号", "编号序", "no", "no.", "#"})
_REMARKS = frozenset({"备注", "说明", "remarks", "notes"})
_SERIALS = (18_264, 73_050)  # 1950 to 2099
_NAMED = 5
_SUM = r"[-+¥￥]?\s*[0-9][0-9,.]*\s*(?:元|万元|吨|方|立方米|m³|%|户|人|块|只|份|条|笔|家|个|项|件|次)?|[-—/]+"


@dataclass(slots=True)
class Passed:
    """Rows that were passed over when the table was last gone through: how many, and where the first of them stand."""

    blank: int = 0
    totals: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)

    def told(self) -> list[Message]:
        """One sentence for each kind."""
        lines = []
        if self.blank:
            lines.append(msg("{count} blank row(s) passed over.", count=self.blank))
        if self.totals:
            lines.append(msg("{count} row(s) of totals or signatures passed over: {rows}.", count=len(self.totals),
                             rows=_places(self.totals)))
        if self.repeated:
            lines.append(msg("{count} repeated row(s) of headings passed over: {rows}.", count=len(self.repeated),
                             rows=_places(self.repeated)))
        return lines


def _places(rows: Sequence[int]) -> Message:
    shown: list[object] = [msg("row {row}", row=row) for row in rows[:_NAMED]]
    return listed([*shown, "…"] if len(rows) > _NAMED else shown)


@dataclass(frozen=True, slots=True)
class Headed:
    """A table whose headings are understood.

    Attributes:
        source: its rows, a column under the name of its field, each other under its own heading.
        row: of the headings.
        first: the first row that holds anything; above ``row`` when there are titles.
        taken: what each heading was taken for, a key, in the order of the columns.
        unused: headings of columns that are left out: numbers of rows, remarks, and those a person said.
        unknown: headings that mean nothing known, or the same as another column.
        passed: filled anew by each way through the rows.
    """

    source: RowSource
    row: int
    first: int
    taken: Mapping[str, str]
    unused: tuple[str, ...]
    unknown: tuple[str, ...]
    passed: Passed


def head_rows(
    source: RowSource,
    means: Callable[[str], str | None],
    *,
    names: Mapping[str, str],
    exact: Collection[str] = (),
    who: Collection[str] = (),
    days: Collection[str] = (),
) -> Headed | None:
    """Find the headings of a table; None where the file is no table, or no row has a heading that means anything.

    Args:
        source: the rows as they stand in the file.
        means: the key that a heading means, "" for a column that is left out, None for neither.
        names: what the column of a key is called in the rows that are given; a key that is not here keeps its heading.
        exact: headings (plain) that win over another one of the same meaning.
        who: keys of which a row of data fills at least one: totals fill none of them.
        days: keys whose columns hold days; a whole number there is a day that lost its format.
    """
    best: tuple[int, RawRow, dict[str, str]] | None = None
    first = 0
    for position, raw in enumerate(islice(source.rows, MOST_TITLE_ROWS)):
        if not raw.cells:
            return None
        if position == 0:
            cells = {heading: heading for heading in raw.values if not heading.startswith("[")}
            first = max(raw.row - 1, 1)  # or further up, when blank rows follow it
            best = _better(best, means, replace(raw, row=first), cells)
        cells = {key: str(value).strip() for key, value in raw.values.items() if isinstance(value, str)}
        best = _better(best, means, raw, cells)
    if best is None:
        return None
    _, header, cells = best
    return _headed(source, header, first, cells, means, names, {plain_heading(one) for one in exact}, who, days)


def _better(
    best: tuple[int, RawRow, dict[str, str]] | None, means: Callable[[str], str | None], raw: RawRow,
    cells: dict[str, str],
) -> tuple[int, RawRow, dict[str, str]] | None:
    """The row with more headings that mean a field; of equals the upper one."""
    count = len({key for text in cells.values() if text and (key := means(text))})
    return (count, raw, cells) if count > (best[0] if best else 0) else best


def _headed(
    source: RowSource, header: RawRow, first: int, cells: Mapping[str, str], means: Callable[[str], str | None],
    names: Mapping[str, str], exact: Collection[str], who: Collection[str], days: Collection[str],
) -> Headed:
    letters = {key: letters_of(header, key) for key in header.values}
    headings = unique_headings(cells, letters)
    keys = {heading: means(cells[at]) for at, heading in headings.items()}
    taken: dict[str, str] = {}
    unused, unknown = [], []
    for at, heading in headings.items():
        key, plain = keys[heading], plain_heading(cells[at])
        rivals = [other for other, same in keys.items() if key and same == key and other != heading]
        is_first = plain in exact and not any(plain_heading(other) in exact for other in rivals)
        if key and (not rivals or is_first):
            taken[heading] = key
        elif key == "" or key is None and plain in _POSITIONS | _REMARKS:
            unused.append(heading)
        elif not heading.startswith("["):
            unknown.append(heading)
    passed = Passed()
    left_out = frozenset(unused)
    given = {heading: names.get(taken.get(heading, ""), heading) for heading in headings.values()}
    columns = {given[heading]: letters[at] for at, heading in headings.items() if heading not in left_out}
    heads = {at: given[heading] for at, heading in headings.items() if heading not in left_out}
    gone = {at for at, heading in headings.items() if heading in left_out}
    day_columns = {given[heading] for heading, key in taken.items() if key in days}
    of_who = {given[heading] for heading, key in taken.items() if key in who}
    of_taken = {given[heading] for heading in taken}

    def begin() -> Iterator[RawRow]:
        passed.blank, passed.totals, passed.repeated = 0, [], []
        before = header.row
        for raw in source.rows:
            if raw.row <= header.row:
                continue
            passed.blank += raw.row - before - 1
            before = raw.row
            if _is_total(raw, heads, of_who, of_taken):
                passed.totals.append(raw.row)
                continue
            values: dict[str, object] = dict.fromkeys(heads.values())
            known = columns
            for at, value in raw.values.items():
                if at in gone:
                    continue
                name = heads.get(at, at)
                if at not in heads:
                    if is_empty(value):
                        continue
                    name = f"[{letters_of(raw, at)}]"
                    known = {**known, name: letters_of(raw, at)}
                values[name] = _day(value, source.day_zero) if name in day_columns else value
            if _repeats(values, taken, given):
                passed.repeated.append(raw.row)
                continue
            if all(is_empty(value) for value in values.values()):
                passed.blank += 1  # only a column that is not used is filled: the number of the row
                continue
            yield RawRow(raw.row, values, Addresses(known, raw.row))

    return Headed(replace(source, rows=Lazily(begin)), header.row, first, taken, tuple(unused), tuple(unknown), passed)


def _day(value: object, zero: date | None) -> object:
    """A day of a spreadsheet whose cell lost its format: the number of the day."""
    if zero is not None and type(value) is int and _SERIALS[0] <= value <= _SERIALS[1]:
        day = zero + timedelta(days=value)
        return SerialDay.of(day, value)
    return value


def _is_merged(value: object) -> bool:
    return isinstance(value, CellError) and value.text.startswith("merged ")


def _is_total(raw: RawRow, heads: Mapping[str, str], who: Collection[str], taken: Collection[str]) -> bool:
    """Whether the row begins like a total or a line about the list, names nobody, and leaves most fields empty.

    A number of people or things under a name is no name where the row begins with 合计 and nothing else.
    """
    filled = [(at, value) for at, value in raw.values.items() if not is_empty(value) and not _is_merged(value)]
    if not filled or not isinstance(filled[0][1], str):
        return False
    text = filled[0][1].strip()
    if not (TOTAL.match(text) or FOOTER.match(text)):
        return False
    rest = [(heads.get(at, at), value) for at, value in filled[1:]]
    # However many sums stand in it: a row of data would name somebody, by more than how many they are.
    if ONLY_TOTAL.fullmatch(text) and all(_is_sum(value, is_who=name in who) for name, value in rest):
        return True
    return not any(name in who for name, _ in rest) and 2 * sum(name in taken for name, _ in rest) <= len(taken)


def _is_sum(value: object, *, is_who: bool) -> bool:
    """Whether a cell of a row of totals sums up its column; in the column of a name or an account it counts."""
    if is_who:
        return re.fullmatch(_COUNT, str(value).strip()) is not None
    if isinstance(value, str):
        return re.fullmatch(_SUM, value.strip()) is not None or re.fullmatch(_COUNT, value.strip()) is not None
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _repeats(values: Mapping[str, object], taken: Mapping[str, str], given: Mapping[str, str]) -> bool:
    """Whether the row is the headings once more, as at the top of a printed page."""
    texts = [(heading, values.get(given[heading])) for heading in taken]
    return len(texts) > 1 and all(
        isinstance(text, str) and plain_heading(text) == plain_heading(heading) for heading, text in texts
    )


def unique_headings(cells: Mapping[str, str], letters: Mapping[str, str]) -> dict[str, str]:
    """A name for each column: its heading, with the letters where that is empty or stands there twice."""
    names: dict[str, str] = {}
    for key, text in cells.items():
        name = text or f"[{letters[key]}]"
        names[key] = f"{name}[{letters[key]}]" if name in names.values() else name
    return names


def letters_of(raw: RawRow, key: str) -> str:
    """The letters of the column that the reader gives under ``key``."""
    return raw.cells[key].rstrip("0123456789") if key in raw.cells else key.strip("[]")
