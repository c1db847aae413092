"""New versions of a record: object first, ledger second, projections last.

Killed between the two, the new version is a leftover that the next writer removes. What a version leaves out stays in
the older ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from recordkit import files, pending
from recordkit.archive import catalogue
from recordkit.archive.filing import stage_json
from recordkit.archive.objects import VersionNote
from recordkit.workspace import Workspace, Writer


def add_version(
    writer: Writer,
    workspace: Workspace,
    record: catalogue.Record,
    act: str,
    body: Mapping[str, object],
    metadata: Mapping[str, object],
    *,
    staging: Path,
    content: Mapping[str, Path | bytes] | None = None,
    without: Collection[str] = (),
) -> catalogue.Record:
    """Make the next version of a record and commit it with whatever else the writer has queued.

    Args:
        writer: holds the store's lock; ``record`` was read under it.
        workspace: the store.
        record: as the catalogue knows it now.
        act: name of the ledger's act, ``record.`` and what was done.
        body: what the act says besides record, version and commitment.
        metadata: the new record.json.
        staging: folder with the synced files of ``content``, which move.
        content: files that are new or other ones, ASCII names to files or bytes.
        without: files that this version no longer has.

    Returns:
        The record as it is now.
    """
    version = record.version + 1
    staged = {name: _staged(staging / f"{record.record_id}-{name}", data) for name, data in (content or {}).items()}
    staged["record.json"] = stage_json(staging, f"{record.record_id}-record.json", metadata)
    note = VersionNote(workspace.clock.stamp(), act.removeprefix("record."), workspace.actor)
    with pending.announced(workspace.root, "objects", [record.record_id]):
        inventory = catalogue.objects_of(workspace).add_version(
            record.record_id, version, staged, note, staging, without
        )
        commitment = catalogue.keyed(workspace.settings.store.id, inventory)
        writer.add(act, {"record": record.record_id, "version": version, **body, "commitment": commitment})
        writer.commit()
    return catalogue.find_record(workspace.db, record.record_id)


def _staged(path: Path, content: Path | bytes) -> Path:
    if isinstance(content, Path):
        return content
    files.write_atomic(path, content)
    return path
