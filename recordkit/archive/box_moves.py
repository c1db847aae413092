"""Boxes that get another number, with all that lies in them, and places of boxes that are forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from recordkit.archive.access import require_access
from recordkit.archive.boxes import place_box, place_of, subject_of
from recordkit.archive.catalogue import get_record, records_in_box
from recordkit.archive.editing import edited
from recordkit.archive.metadata import BY_KEY, read_value, unspaced
from recordkit.archive.versions import NewVersion, add_versions
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import listed, msg
from recordkit.model import same_account
from recordkit.notes import remove_notes
from recordkit.templates.rows import RowSource
from recordkit.workspace import Workspace

OLD, NEW = "原盒号", "新盒号"
_BATCH = 128


@dataclass(frozen=True, slots=True)
class BoxMove:
    """A box and its new number.

    Attributes:
        records: ids of the active records that lie in it.
        held: how many records lie in the box of the new number already.
        shelf: its place, which goes along; None when nobody has said one, or the new number has a place of its own.
    """

    old: str
    new: str
    records: tuple[str, ...]
    held: int
    shelf: str | None


def pairs_in(source: RowSource, name: str) -> list[tuple[str, str]]:
    """Old and new numbers of a list with the columns 原盒号 and 新盒号.

    Raises:
        InputRefused: a column lacks, or a cell is empty or a number that a spreadsheet program has made of a text.
    """
    pairs: list[tuple[str, str]] = []
    for raw in source.rows:
        heads = {unspaced(heading): heading for heading in raw.values}
        missing = [one for one in (OLD, NEW) if one not in heads]
        if missing:
            raise InputRefused(msg("{file} has no column {columns}.", file=name, columns=missing[0]),
                               msg("The list has the columns {old} and {new}.", old=OLD, new=NEW))
        cells = []
        for heading in (heads[OLD], heads[NEW]):
            text = read_value(BY_KEY["box"], raw.values[heading])
            if not text:
                raise InputRefused(msg("{file}, row {row}: the column {heading} is empty.", file=name, row=raw.row,
                                       heading=heading))
            cells.append(str(text))
        pairs.append((cells[0], cells[1]))
    return pairs


def plan_renames(workspace: Workspace, pairs: Iterable[tuple[str, str]]) -> list[BoxMove]:
    """What new numbers of boxes come to; nothing is written.

    Of a list, boxes that are gone while those of their new numbers are there were dealt with by a run that was stopped:
    they are left out, and named in ``workspace.notices``.

    Raises:
        InputRefused: a number is empty, too long or given twice, or a new one is an old one of the same list.
        NotFound: a box does not exist.
    """
    wanted: dict[str, str] = {}
    for given, other in pairs:
        old, new = (same_account(str(read_value(BY_KEY["box"], one) or "")) for one in (given, other))
        if not old or not new:
            raise InputRefused(msg("A box needs a number."))
        if old == new:
            raise InputRefused(msg("Box {box} has that number already.", box=old))
        if old in wanted:
            raise InputRefused(msg("Box {box} gets two new numbers.", box=old), msg("Name it once."))
        wanted[old] = new
    for new in wanted.values():
        if new in wanted:
            # Stopped in between and run again, records would go on to the number after the next.
            raise InputRefused(
                msg("{box} is the new number of one box and the old number of another.", box=new),
                msg("Rename in two runs: first to numbers that are free, then to those that are wanted."))
    done = [old for old, new in wanted.items() if len(wanted) > 1 and _is_done(workspace, old, new)]
    if done:
        workspace.notices.append(msg(
            "These boxes are gone, and those of their new numbers are there; left out: {boxes}",
            boxes=listed(done, 10)))
    return [_planned(workspace, old, new) for old, new in wanted.items() if old not in done]


def _is_done(workspace: Workspace, old: str, new: str) -> bool:
    def is_there(box: str) -> bool:
        return place_of(workspace.db, box) is not None or bool(records_in_box(workspace.db, box))

    return is_there(new) and not is_there(old)


def _planned(workspace: Workspace, old: str, new: str) -> BoxMove:
    records, place = tuple(records_in_box(workspace.db, old)), place_of(workspace.db, old)
    held, there = len(records_in_box(workspace.db, new)), place_of(workspace.db, new)
    if not records and place is None:
        raise NotFound(msg("No record lies in box {box}.", box=old), msg("'recordkit box list' lists them."))
    return BoxMove(old, new, records, held, place.shelf if place is not None and there is None else None)


def rename_boxes(workspace: Workspace, moves: Iterable[BoxMove], reason: str, progress: Callable[[int], None]) -> int:
    """Give boxes their new numbers: a new version of each record in them, in batches; stopped, the same goes on.

    The place goes along first and is forgotten last: at no moment does a record lie in a box that stands nowhere.

    Returns:
        How many records lie in a box of another number now.

    Raises:
        InputRefused: the reason is empty.
        RefusedByRule: a restricted record lies in one of the boxes, and the actor may not see it; nothing is done.
    """
    if not reason.strip():
        raise InputRefused(msg("An edit needs a reason."), msg("Give it with --reason TEXT."))
    moves = list(moves)
    for move in moves:
        for record_id in move.records:
            found = get_record(workspace.db, record_id)
            if found is not None:
                require_access(workspace, found)
    done = 0
    for move in moves:
        if move.shelf:
            place_box(workspace, move.new, move.shelf, reason)
        for start in range(0, len(move.records), _BATCH):
            with workspace.writing() as writer, workspace.staging() as staging:
                news: list[NewVersion] = []
                for record_id in move.records[start : start + _BATCH]:
                    record = get_record(workspace.db, record_id)
                    if (record is None or record.status != "active"
                            or same_account(str(record.metadata.get("box") or "")) != move.old):
                        continue  # somebody else was quicker
                    note = writer.note(record_id, {"reason": reason, "changed": ["box"]})
                    news.append(NewVersion(record, {"keys": ["box"], "note": note},
                                           edited(workspace, record, {"box": move.new})))
                if news:
                    add_versions(writer, workspace, "record.edited", news, staging=staging)
            done += len(news)
            progress(done)
        if place_of(workspace.db, move.old) is not None and not records_in_box(workspace.db, move.old):
            forget_box(workspace, move.old)
    return done


def forget_box(workspace: Workspace, box: str) -> None:
    """Forget where an empty box stands, and why it was put there.

    Raises:
        NotFound: nobody has put it anywhere.
        RefusedByRule: something lies in it.
    """
    number = same_account(box)
    with workspace.writing() as writer:
        if place_of(workspace.db, number) is None:
            raise NotFound(msg("Nobody has said where box {box} stands.", box=box),
                           msg("'recordkit box list' lists them."))
        left = len(records_in_box(workspace.db, number))
        if left:
            raise RefusedByRule(msg("{count} record(s) lie in box {box}.", count=left, box=box),
                                msg("Give it another number with 'recordkit box rename', or correct the records."))
        if not workspace.rehearsing:
            # First: killed behind it, the box has a place that nobody knows, and is forgotten by the next call.
            remove_notes(workspace.root, subject_of(number))
        writer.add("box.forgotten", {"box": number})
        writer.commit()
