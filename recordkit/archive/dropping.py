"""Papers that nobody can use are dropped: out of the waiting room or the quarantine, with a reason that is kept.

Nothing is removed at once. What was dropped lies in ``inbox/done/dropped-YYYY-MM-DD``, a folder for each paper, as long
as filed sources do, and at least a day; who moves it back to the inbox has it read again.

The ledger's entry comes first, the move second. Killed in between, the next writer finishes the move.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from recordkit import files, pending
from recordkit.archive import catalogue
from recordkit.archive.arrivals import OTHER_NAMES, done_folder
from recordkit.archive.held import holds_on_paper, note_of_paper, require_unheld
from recordkit.db import Database
from recordkit.errors import InputRefused
from recordkit.messages import listed, msg
from recordkit.model import Entry
from recordkit.notes import note_folder
from recordkit.workspace import Workspace

ACT = "paper.dropped"
_FOLDERS = "dropped-????-??-??"
_PENDING = "drops"


@dataclass(frozen=True, slots=True)
class DroppedPaper:
    """A paper that was dropped, or would be.

    Attributes:
        key: of the folder in which it waited.
        path: where it lies now.
        until: the day from which on an ingest may remove it there.
        already: it was dropped before; nothing was done now.
    """

    key: str
    path: Path
    until: date
    already: bool = False


def drop_paper(
    workspace: Workspace, paper: Path, reason: str, *, room: Literal["unmatched", "quarantine"], dry_run: bool = False
) -> DroppedPaper:
    """Drop the paper of a folder in the waiting room or the quarantine; call under the store's lock.

    Equal bytes under other names and what was made of the paper go with it; any other file stays where it is. The
    reason is kept in a note of the record or document that the paper is known to show, else in one of its own.

    Raises:
        InputRefused: no reason.
        RefusedByRule: a hold covers what it is known to show.
    """
    # Every command opens the store, and with it this module; only this act needs what files records.
    from recordkit.archive.filing import batch_body, batch_of

    if not reason.strip():
        raise InputRefused(msg("To drop a paper needs a reason."), msg("Give it with --reason TEXT."))
    folder, day = paper.parent, workspace.clock.today
    require_unheld(workspace, folder)
    dropped = DroppedPaper(folder.name, _place(workspace, day) / folder.name / paper.name, _until(workspace, day))
    if dry_run:
        return dropped
    noted = note_of_paper(folder)
    content = catalogue.keyed(workspace.settings.store.id, files.digests_of(paper).sha256)
    owner = _owner(workspace, folder, noted)
    subject = next(iter(owner.values()), f"dropped-{content[:16]}")
    facts = noted.get("facts")
    batch = batch_of(facts.get("batch")) if isinstance(facts, Mapping) else None
    with workspace.writing() as writer:
        note = writer.note(subject, {"reason": reason})
        writer.add(ACT, {"content": content, "room": room, **owner, "note": note,
                         **batch_body(batch, workspace.settings.store.id)})
        announced = [folder.relative_to(workspace.root).as_posix(), content, day.isoformat(), subject, note]
        with pending.announced(workspace.root, _PENDING, announced):
            writer.commit()
            _move_out(workspace, folder, content, day)
    return dropped


def find_dropped(workspace: Workspace, reference: str) -> DroppedPaper | None:
    """The paper of this key or file name where dropped papers lie, the last one dropped; None when none does."""
    for folder in sorted(done_folder(workspace).glob(f"{_FOLDERS}/*"), reverse=True):
        day = _day_of(folder.parent)
        papers = [one for one in sorted(folder.iterdir()) if _is_paper(one)] if folder.is_dir() else []
        if papers and day is not None and reference in (folder.name, *(one.name for one in papers)):
            return DroppedPaper(folder.name, papers[0], _until(workspace, day), already=True)
    return None


def clear_dropped(workspace: Workspace) -> None:
    """Remove what was dropped when its days are over; a file there that nobody dropped goes back to the inbox.

    What a hold has come to cover stays until the hold is released.
    """
    for folder in sorted(done_folder(workspace).glob(_FOLDERS)):
        day = _day_of(folder)
        if day is None or workspace.clock.today < _until(workspace, day):
            continue
        with contextlib.suppress(FileNotFoundError):  # Another run may be clearing the same day.
            strays = [one for one in sorted(folder.rglob("*")) if _is_paper(one) and not _was_dropped(workspace, one)]
            failed = files.move_many((one, workspace.root / "inbox") for one in strays)
            papers = [one for one in sorted(folder.iterdir()) if one.is_dir()]
            held = {one: ids for one in papers if (ids := holds_on_paper(workspace, one))}
            for one, ids in held.items():
                workspace.notices.append(msg("The dropped paper {folder} stays while it is held ({holds}).",
                                             folder=one.relative_to(workspace.root).as_posix(), holds=listed(ids)))
            for one in () if failed else papers if held else [folder]:
                if one not in held:
                    files.remove_tree(one)


def dropped_of_batch(db: Database, batch: str) -> tuple[frozenset[int], int]:
    """First pages of the papers of a batch scan (keyed digest) that were dropped, and into how many it was cut.

    Nothing and 0 when none was dropped.
    """
    rows = db.all("SELECT page, papers FROM dropped WHERE batch = :batch", {"batch": batch})
    return frozenset(int(row["page"]) for row in rows), max((int(row["papers"]) for row in rows), default=0)


def _place(workspace: Workspace, day: date) -> Path:
    return done_folder(workspace) / f"dropped-{day.isoformat()}"


def _day_of(folder: Path) -> date | None:
    try:
        return date.fromisoformat(folder.name.removeprefix("dropped-"))
    except ValueError:
        return None


def _until(workspace: Workspace, day: date) -> date:
    # Who drops a paper by mistake sees it when it is missed, whatever is done with filed ones.
    return day + timedelta(days=max(1, workspace.settings.ingest.done_days))


def _is_paper(path: Path) -> bool:
    return path.is_file() and path.name not in OTHER_NAMES and not path.name.startswith(".")


def _was_dropped(workspace: Workspace, path: Path) -> bool:
    content = catalogue.keyed(workspace.settings.store.id, files.digests_of(path).sha256)
    return workspace.db.one("SELECT 1 FROM dropped WHERE content = :content", {"content": content}) is not None


def _owner(workspace: Workspace, folder: Path, noted: Mapping[str, object]) -> dict[str, str]:
    """The record or the document that the paper is known to show: with it the reason goes when it is destroyed."""
    record = catalogue.get_record(workspace.db, str(noted.get("record")))
    if record is not None and record.status == "active":
        return {"record": record.record_id}
    shown = noted.get("issues")
    issues = [folder.name.partition(".")[2]] if "." in folder.name else shown if isinstance(shown, list) else []
    if len(issues) != 1:
        return {}
    known = workspace.db.one("SELECT 1 FROM issues WHERE issue_id = :id AND status <> 'destroyed'", {"id": issues[0]})
    return {} if known is None else {"issue": str(issues[0])}


def _move_out(workspace: Workspace, folder: Path, content: str, day: date) -> None:
    """Move the papers with this keyed digest, then what was made of them; what was moved before is gone from here."""
    target = _place(workspace, day) / folder.name
    store_id = workspace.settings.store.id
    every = sorted(folder.iterdir()) if folder.is_dir() else []
    ours = [one for one in every
            if _is_paper(one) and catalogue.keyed(store_id, files.digests_of(one).sha256) == content]
    beside = [one for one in every if one.name in OTHER_NAMES]
    twice = [one for one in beside if (target / one.name).exists()]
    failed = files.move_many((one, target) for one in [*ours, *(one for one in beside if one not in twice)])
    for error in failed.values():
        raise error
    files.remove_files(twice)
    if folder.is_dir() and not any(not one.name.startswith(".") for one in folder.iterdir()):
        files.remove_tree(folder)


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Papers that a person dropped."""
    if entry.act == ACT:
        body = entry.body
        workspace.db.insert("dropped", {"note": body["note"], "content": body["content"], "batch": body.get("batch"),
                                        "page": body.get("batch_page"), "papers": body.get("batch_papers")})


def recover(workspace: Workspace) -> None:
    """Finish what a killed process entered, and forget what it did not."""
    for path, (folder, content, day, subject, note) in pending.unfinished(workspace.root, _PENDING):
        if workspace.db.one("SELECT 1 FROM dropped WHERE note = :note", {"note": note}) is not None:
            try:
                _move_out(workspace, workspace.root / folder, content, date.fromisoformat(day))
            except OSError:
                continue  # A room that cannot be written to must not close the archive; the next writer tries again.
        else:
            files.remove_file(note_folder(workspace.root, subject) / f"{note}.json")
        pending.withdraw(path)
