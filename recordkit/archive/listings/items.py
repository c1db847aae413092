"""归档文件目录: one row an item; one catalogue for each year, period and office, with its cover (DA/T 22-2015)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recordkit.archive.access import Clearance, clearance_of
from recordkit.archive.catalogue import Record
from recordkit.archive.listings.shape import (
    Column,
    Fact,
    Listing,
    Look,
    Part,
    Row,
    printed_date,
    printed_number,
    printed_title,
    remark,
    said,
    told_period,
)
from recordkit.archive.selection import Group, Selection, group_records, select_records
from recordkit.errors import NotFound
from recordkit.messages import msg
from recordkit.workspace import Workspace

_COLUMNS = (
    Column("place", "序号", 13, "count", centred=True),
    Column("code", "档号", 50),
    Column("number", "文号", 39),
    Column("responsible", "责任者", 38),
    Column("title", "题名", 57),
    Column("date", "日期", 21, centred=True),
    Column("security", "密级", 12, centred=True),
    Column("pages", "页数", 11, "count", centred=True),
    Column("note", "备注", 20),
)
"""DA/T 22-2015, appendix: A4 landscape; 261 mm together."""
LOOK = Look(
    "items", "归档文件目录",
    (("fonds", "全宗号"), ("fonds_name", "全宗名称"), ("year", "年度"), ("period", "保管期限"),
     ("department", "机构（问题）"), ("count", "件数"), ("pages", "页数")),
    _COLUMNS,
)


def items_listing(
    workspace: Workspace, selection: Selection, decided: Mapping[str, str], *, together: bool = False
) -> Listing:
    """The catalogue of the selected records, as whoever prints may see it.

    Args:
        workspace: the store.
        selection: the records; destroyed ones have a row of code and remark where it asks for them.
        decided: later decisions on a record's period, in words, by its id.
        together: one catalogue of all instead of one for each year, period and office.

    Raises:
        NotFound: nothing is selected, or as ``clearance_of``.
    """
    clearance = clearance_of(workspace)
    groups = some_groups(workspace, selection)

    def part(named: str, facts: tuple[Fact, ...], count: int, chosen: Selection) -> Part:
        return Part(named, facts, count, lambda: _rows(workspace, chosen, clearance, decided))

    if together:
        parts = [part(LOOK.title, _facts(workspace, groups), sum(one.count for one in groups), selection)]
    else:
        parts = [part(_name(workspace, one), _facts(workspace, [one]), one.count, one.of(selection)) for one in groups]
    return Listing(LOOK, tuple(parts), lambda: ids_of(workspace, selection))


def some_groups(workspace: Workspace, selection: Selection) -> list[Group]:
    """The groups of the selected records.

    Raises:
        NotFound: nothing is selected.
    """
    groups = group_records(workspace.db, selection)
    if not groups:
        raise NotFound(
            msg("No record answers to what was chosen; nothing was written."),
            msg("'recordkit catalogue list' shows what there is; leave out one of --year, --class, --period, --box, "
                "--from, --to."),
        )
    return groups


def ids_of(workspace: Workspace, selection: Selection) -> Iterator[str]:
    """The ids of the selected records."""
    return (record.record_id for record in select_records(workspace.db, selection, "filing"))


def _rows(
    workspace: Workspace, selection: Selection, clearance: Clearance, decided: Mapping[str, str]
) -> Iterator[Row]:
    for place, record in enumerate(select_records(workspace.db, selection), 1):
        yield place, *_described(record, clearance, decided)


def _described(record: Record, clearance: Clearance, decided: Mapping[str, str]) -> Row:
    note = remark(record, clearance, decided)
    if record.status == "destroyed":
        return record.code, "", "", "", "", "", None, note
    return (record.code, printed_number(record, clearance), said(record, "responsible", clearance),
            printed_title(record, clearance), printed_date(record), said(record, "security", clearance), record.pages,
            note)


def _facts(workspace: Workspace, groups: list[Group]) -> tuple[Fact, ...]:
    """The cover: what DA/T 22-2015 puts on it, and how much is inside."""
    archive = workspace.settings.archive
    offices = list(dict.fromkeys(_office(workspace, one) for one in groups))
    return LOOK.filled(
        archive.fonds,
        archive.fonds_name,
        span_of_years(groups),
        "、".join(dict.fromkeys(told_period(one.period) for one in groups)),
        "、".join(offices),
        sum(one.count for one in groups),
        sum(one.pages for one in groups),
    )


def span_of_years(groups: list[Group]) -> str:
    """First and last year of the records; one where they are the same."""
    years = sorted({one.year for one in groups})
    return str(years[0]) if len(years) == 1 else f"{years[0]}-{years[-1]}"


def _name(workspace: Workspace, group: Group) -> str:
    return f"{group.year}-{group.period}-{_office_code(workspace, group)}"


def _office_code(workspace: Workspace, group: Group) -> str:
    """The part of the code that names the office; that of the settings where the code's template has none."""
    company = workspace.settings.company
    if told_period(group.period) == group.period:
        # What an older archive wrote behind its period is no office of ours.
        return company.office_code
    parts = group.scope.replace("·", "-").split("-")
    if company.office_code in parts or group.period not in parts:
        return company.office_code
    behind = parts[parts.index(group.period) + 1 :]
    return behind[0] if len(behind) > 1 else company.office_code


def _office(workspace: Workspace, group: Group) -> str:
    """The office in words where the settings name it, else its code."""
    company = workspace.settings.company
    code = _office_code(workspace, group)
    return company.office if code == company.office_code else code
