"""What happened to a record: every act from the ledger, and what each new version changed, old value and new one.

Old values are read from the versions of the object that still exist: of a destroyed record there are none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from recordkit.archive.access import clearance_of
from recordkit.archive.catalogue import VERSIONING, Record, objects_of
from recordkit.archive.editing import form_of
from recordkit.archive.metadata import BY_KEY, CORE, own_fields
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.messages import msg
from recordkit.notes import read_note
from recordkit.templates.fieldtypes import mask
from recordkit.templates.spec import FieldSpec
from recordkit.workspace import Workspace

SAID = ("reason", "released", "extended", "withdrawn", "text")
"""Keys under which a note has what a person said."""


class Change(NamedTuple):
    """One field before and after a version; plain JSON values, None where there was or is none."""

    field: str
    label: str
    old: object
    new: object


def history_of(workspace: Workspace, record: Record) -> list[dict[str, object]]:
    """Every act on a record, oldest first, with reasons that still exist and what it changed.

    ``changes`` has field, label, old and new value for each field that a new version changed. Sensitive values are
    masked for whoever may not see restricted records.
    """
    found: list[dict[str, object]] = []
    changed = _Versions(workspace, record)
    for entry in workspace.ledger.naming(record.record_id, workspace.db.cursor()):
        if not names_record(entry.body, record.record_id):
            continue
        records = entry.body.get("records")
        # Events and holds have a note beside each of their records.
        note = records.get(record.record_id) if isinstance(records, Mapping) else entry.body.get("note")
        content = read_note(workspace.root, record.record_id, note) if isinstance(note, str) else None
        came, version = entry.body.get("content"), entry.body.get("version")
        changes = changed.by(version) if entry.act in VERSIONING and isinstance(version, int) else ()
        found.append(
            {
                "seq": entry.seq,
                "time": entry.time,
                "actor": entry.actor,
                "act": entry.act,
                "version": version,
                "keys": entry.body.get("keys"),
                "files": sorted(came) if isinstance(came, Mapping) else None,
                "reason": next((content[key] for key in SAID if content.get(key)), None) if content else None,
                "changes": [one._asdict() for one in changes],
            }
        )
    return found


def masked_keys(workspace: Workspace, record: Record) -> frozenset[str]:
    """Fields of a record of which whoever is at hand sees the values masked only."""
    if clearance_of(workspace).full:
        return frozenset()
    return frozenset(key for key, spec in _specs(workspace, record).items() if spec.is_masked)


def masked(value: object) -> object:
    """A value as whoever may not see it does."""
    return None if value is None else mask(value)


def _specs(workspace: Workspace, record: Record) -> dict[str, FieldSpec]:
    form = form_of(workspace, record)
    return {one.key: one for one in (*(form.fields if form else ()), *CORE, *own_fields(workspace.settings))}


class _Versions:
    """The versions of one record's metadata, each read once."""

    def __init__(self, workspace: Workspace, record: Record) -> None:
        self._workspace, self._record = workspace, record
        self._last: tuple[int, Mapping[str, object] | None] = (0, None)
        self._fields: dict[str, FieldSpec] | None = None
        self._masked: frozenset[str] = frozenset()

    def by(self, version: int) -> list[Change]:
        """What this version changed; nothing for the first one."""
        if version < 2 or self._record.status != "active":
            return []
        old, new = self._read(version - 1), self._read(version)
        if old is None or new is None:
            return []
        if self._fields is None:
            self._fields = _specs(self._workspace, self._record)
            self._masked = masked_keys(self._workspace, self._record)
        return list(self._differences(old, new))

    def _read(self, version: int) -> Mapping[str, object] | None:
        if self._last[0] == version:
            return self._last[1]
        found: Mapping[str, object] | None = None
        try:
            found = json.loads(objects_of(self._workspace).read(self._record.record_id, "record.json", version))
        except (NotFound, IntegrityFailure, ValueError, KeyError):
            self._workspace.notices.append(
                msg("What version {version} of {code} said cannot be read; run 'recordkit verify'.", version=version,
                    code=self._record.code))
        self._last = version, found if isinstance(found, Mapping) else None
        return self._last[1]

    def _differences(self, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Change]:
        labels = {**_mapping(old, "labels"), **_mapping(new, "labels")}
        specs = self._fields or {}
        for key, was, now in _pairs(old, new):
            if was == now or was in (None, "") and now in (None, ""):
                continue
            spec = specs.get(key)
            if key in self._masked:
                was, now = masked(was), masked(now)
            yield Change(key, str(labels.get(key) or (spec.label if spec else key)), was, now)


def _pairs(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    """Each key with what it said and says; twice where form and core have it and do not agree about that."""
    before, after = values_of(old), values_of(new)
    was, now = _mapping(old, "fields"), _mapping(new, "fields")
    for key in dict.fromkeys([*before, *after]):
        pair = before.get(key), after.get(key)
        yield key, *pair
        if key in BY_KEY and (was.get(key), now.get(key)) != pair:
            yield key, was.get(key), now.get(key)


def values_of(metadata: Mapping[str, object]) -> dict[str, object]:
    """What a person may change in a record.json, by key: core metadata, then fields of the form and of the office.

    A core field that stands in the form under the same key is told once, as the core has it where it says something:
    that is what an edit changes. A bag may have brought any other value under the key of a core field, and must not
    hide with it what becomes of the true one.
    """
    core = {one.key: metadata.get(one.key) for one in CORE}
    return {**core, **_mapping(metadata, "fields"), **{key: value for key, value in core.items() if value is not None}}


def _mapping(metadata: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = metadata.get(key)
    return found if isinstance(found, Mapping) else {}


def names_record(value: object, record_id: str) -> bool:
    """Whether a ledger body names the record anywhere."""
    if isinstance(value, Mapping):
        return record_id in value or any(names_record(part, record_id) for part in value.values())
    if isinstance(value, list):
        return any(names_record(part, record_id) for part in value)
    return value == record_id
