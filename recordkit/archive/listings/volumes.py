"""What is printed of volumes: 卷内文件目录, 案卷目录, 卷内备考表 and 案卷封面 (GB/T 11822-2008, GB/T 9705-2008)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from recordkit.archive.access import Clearance, clearance_of
from recordkit.archive.classes import code_of_period
from recordkit.archive.listings.items import ids_of
from recordkit.archive.listings.shape import (
    RESTRICTED,
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
    span_of,
    told_period,
)
from recordkit.archive.metadata import SECURITY
from recordkit.archive.selection import Selection, longest_first, selected_volumes
from recordkit.archive.volumes import Volume, find_volume, placed_records, records_of_volume
from recordkit.archive_settings import meaning_of_term
from recordkit.errors import NotFound
from recordkit.messages import msg
from recordkit.workspace import Workspace

INSIDE = Look(
    "volume", "卷内文件目录",
    (("fonds", "全宗号"), ("code", "案卷号"), ("title", "案卷题名"), ("count", "件数"), ("pages", "页数")),
    (
        Column("place", "顺序号", 16, "count", centred=True),
        Column("number", "文号", 42),
        Column("responsible", "责任者", 44),
        Column("title", "题名", 90),
        Column("date", "日期", 21, centred=True),
        Column("page", "页号", 18, centred=True),
        Column("note", "备注", 30),
    ),
    has_cover=False,
)
"""页号 is the first page in the volume, of the last item both first and last page."""
VOLUMES = Look(
    "volumes", "案卷目录",
    (("fonds", "全宗号"), ("fonds_name", "全宗名称"), ("count", "卷数"), ("items", "件数"), ("pages", "页数")),
    (
        Column("place", "序号", 14, "count", centred=True),
        Column("code", "案卷号", 52),
        Column("title", "题名", 84),
        Column("span", "起止日期", 37, centred=True),
        Column("count", "件数", 13, "count", centred=True),
        Column("pages", "页数", 13, "count", centred=True),
        Column("period", "保管期限", 18, centred=True),
        Column("note", "备注", 30),
    ),
)
NOTES = Look(
    "notes", "卷内备考表",
    (("fonds", "全宗号"), ("code", "案卷号"), ("title", "案卷题名"), ("contents", "卷内文件"),
     ("situation", "情况说明"), ("arranged_by", "整理人"), ("arranged_on", "整理日期"),
     ("checked_by", "检查人"), ("checked_on", "检查日期")),
)
COVERS = Look(
    "covers", "案卷封面",
    (("fonds", "全宗号"), ("fonds_name", "全宗名称"), ("code", "案卷号"), ("title", "题名"), ("since", "起始日期"),
     ("until", "终止日期"), ("period", "保管期限"), ("security", "密级"), ("count", "件数"), ("pages", "页数")),
)
_LEVELS = tuple(one for one in reversed(SECURITY) if one != "公开")
_Facts = Callable[[Volume], tuple[Fact, ...]]
_Ids = Callable[[], Iterator[str]]


def volume_listing(
    workspace: Workspace, selection: Selection, decided: Mapping[str, str], *, destroyed: bool = False
) -> Listing:
    """The 卷内文件目录 of every volume in which a selected record lies; arguments and errors as ``items_listing``.

    Args:
        workspace: the store.
        selection: chooses the volumes; each is printed whole.
        decided: later decisions on a record's period.
        destroyed: whether destroyed records have a row, too.
    """
    clearance = clearance_of(workspace)

    def part(volume: Volume) -> Part:
        facts = INSIDE.filled(workspace.settings.archive.fonds, volume.code, _title(volume, clearance), volume.records,
                              volume.pages)
        count = volume.records + (volume.destroyed if destroyed else 0)
        return Part(volume.code, facts, count, lambda: _inside(workspace, volume, clearance, decided, destroyed))

    return Listing(INSIDE, tuple(map(part, some_volumes(workspace, selection))), _ids(workspace, selection))


def volumes_listing(workspace: Workspace, selection: Selection) -> Listing:
    """The 案卷目录: one row a volume; as ``volume_listing``."""
    clearance, archive = clearance_of(workspace), workspace.settings.archive
    chosen = some_volumes(workspace, selection)
    facts = VOLUMES.filled(archive.fonds, archive.fonds_name, len(chosen), sum(one.records for one in chosen),
                           sum(one.pages for one in chosen))

    def rows() -> Iterator[Row]:
        for place, one in enumerate(chosen, 1):
            yield (place, one.code, _title(one, clearance), span_of(one.first, one.last), one.records, one.pages,
                   _period(workspace, one), _volume_note(one))

    return Listing(VOLUMES, (Part(VOLUMES.title, facts, len(chosen), rows),), _ids(workspace, selection))


def notes_listing(workspace: Workspace, selection: Selection) -> Listing:
    """The 卷内备考表 of each volume; what nobody has said yet is left free for the pen."""
    clearance = clearance_of(workspace)

    def facts(volume: Volume) -> tuple[Fact, ...]:
        said_of = volume.remarks if _is_shown(volume, clearance) else type(volume.remarks)()
        contents = f"本卷共有文件材料{volume.records}件，{volume.pages}页。"
        if volume.destroyed:
            contents += f"另有{volume.destroyed}件已销毁，见销毁清册。"
        return NOTES.filled(
            workspace.settings.archive.fonds, volume.code, _title(volume, clearance), contents, said_of.situation,
            said_of.arranged_by, said_of.arranged_on, said_of.checked_by, said_of.checked_on)

    return _of_covers(workspace, NOTES, selection, facts)


def covers_listing(workspace: Workspace, selection: Selection) -> Listing:
    """The 案卷封面 of each volume."""
    clearance, archive = clearance_of(workspace), workspace.settings.archive

    def facts(volume: Volume) -> tuple[Fact, ...]:
        levels = {said(record, "security", clearance) for record in records_of_volume(workspace.db, volume.volume_id)}
        return COVERS.filled(
            archive.fonds, archive.fonds_name, volume.code, _title(volume, clearance), volume.first, volume.last,
            _period(workspace, volume), next((one for one in _LEVELS if one in levels), ""), volume.records,
            volume.pages)

    return _of_covers(workspace, COVERS, selection, facts)


def some_volumes(workspace: Workspace, selection: Selection) -> list[Volume]:
    """The volumes in which a selected record lies, by archival code.

    Raises:
        NotFound: there is none.
    """
    found = [find_volume(workspace, one) for one in selected_volumes(workspace.db, selection)]
    if not found:
        raise NotFound(msg("No volume has a record that answers to what was chosen; nothing was written."),
                       msg("'recordkit volume list' shows the volumes; 'recordkit volume add' puts records into one."))
    return found


def _of_covers(workspace: Workspace, look: Look, selection: Selection, facts: _Facts) -> Listing:
    parts = tuple(Part(one.code, facts(one), 0, lambda: iter(())) for one in some_volumes(workspace, selection))
    return Listing(look, parts, _ids(workspace, selection))


def _inside(
    workspace: Workspace, volume: Volume, clearance: Clearance, decided: Mapping[str, str], destroyed: bool
) -> Iterator[Row]:
    last = max((place for place, _ in placed_records(workspace.db, volume.volume_id)), default=0)
    page = 1
    for place, record in placed_records(workspace.db, volume.volume_id, destroyed=destroyed):
        note = remark(record, clearance, decided)
        if record.status == "destroyed":
            yield place, "", "", "", "", "", note
            continue
        until = page + max(record.pages, 1) - 1
        pages = f"{page}-{until}" if place == last and until > page else str(page)
        yield (place, printed_number(record, clearance), said(record, "responsible", clearance),
               printed_title(record, clearance), printed_date(record), pages, note)
        page = until + 1


def _title(volume: Volume, clearance: Clearance) -> str:
    return volume.title if _is_shown(volume, clearance) else RESTRICTED


def _is_shown(volume: Volume, clearance: Clearance) -> bool:
    return clearance.full or not volume.restricted


def _period(workspace: Workspace, volume: Volume) -> str:
    """The longest period of its records governs the volume; old terms count as what they mean."""
    records = list(records_of_volume(workspace.db, volume.volume_id))
    terms = {record.old_term for record in records} - {""}
    meanings = {meaning_of_term(term, workspace.settings.archive.old_terms) for term in terms} - {""}
    periods = {record.period for record in records} | {code_of_period(meaning) for meaning in meanings}
    return told_period(min(periods, key=longest_first)) if periods else ""


def _volume_note(volume: Volume) -> str:
    if volume.ended:
        return "已销毁，见销毁清册"
    parts = (f"{volume.destroyed}件已销毁" if volume.destroyed else "", "" if volume.closed else "未封卷")
    return "；".join(part for part in parts if part)


def _ids(workspace: Workspace, selection: Selection) -> _Ids:
    """The ids of every record of the volumes that are printed, not of the selected ones alone."""
    def ids() -> Iterator[str]:
        for volume_id in selected_volumes(workspace.db, selection):
            yield from ids_of(workspace, Selection(volume=volume_id, status=None))

    return ids
