"""New versions of a record: object first, ledger second, projections last.

Killed between the two, the new version is a leftover that the next writer removes. What a version leaves out stays in
the older ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recordkit import pending
from recordkit.archive import catalogue
from recordkit.archive.losses import loss_of
from recordkit.archive.objects import AddedVersion, VersionNote, json_bytes
from recordkit.errors import RefusedByRule
from recordkit.messages import msg
from recordkit.workspace import Workspace, Writer


@dataclass(frozen=True, slots=True)
class NewVersion:
    """The next version of a record.

    Attributes:
        record: as the catalogue knows it now, read under the lock of the writer.
        body: what the act says besides record, version and commitment.
        metadata: the new record.json.
        content: files that are new or other ones, ASCII names to files or bytes.
        without: files that this version no longer has.
    """

    record: catalogue.Record
    body: Mapping[str, object]
    metadata: Mapping[str, object]
    content: Mapping[str, Path | bytes] = field(default_factory=dict)
    without: Collection[str] = ()


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
    new = NewVersion(record, body, metadata, content or {}, without)
    return add_versions(writer, workspace, act, [new], staging=staging)[0]


def add_versions(
    writer: Writer, workspace: Workspace, act: str, news: Sequence[NewVersion], *, staging: Path
) -> list[catalogue.Record]:
    """Make the next versions of several records by one batch of the same act: all of them are in force, or none.

    Returns:
        The records as they are now, in order.

    Raises:
        RefusedByRule: the whole of one of them is written off as lost. One of which only files are may get new ones.
    """
    for new in news:
        if (lost := loss_of(workspace.db, new.record.record_id)) is not None and lost.whole:
            raise RefusedByRule(
                msg("The record {code} is written off as lost ({loss}); nothing is added to it or changed in it.",
                    code=new.record.code, loss=lost.loss_id),
                msg("When a copy of it turns up, 'recordkit mend COPY' brings it back."))
    now, store_id = workspace.clock.stamp(), workspace.settings.store.id
    note = VersionNote(now, act.removeprefix("record."), workspace.actor)
    added = [AddedVersion(new.record.record_id, new.record.version + 1,
                          {**new.content, "record.json": json_bytes(new.metadata)}, note, new.without) for new in news]
    with pending.announced(workspace.root, "objects", [one.object_id for one in added]):
        inventories = catalogue.objects_of(workspace).add_versions(added, staging)
        for new, one, inventory in zip(news, added, inventories, strict=True):
            writer.add(act, {"record": one.object_id, "version": one.version, **new.body,
                             "commitment": catalogue.keyed(store_id, inventory)})
        writer.commit()
    return [catalogue.find_record(workspace.db, new.record.record_id) for new in news]
