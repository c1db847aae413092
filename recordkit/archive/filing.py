"""Puts a record into the archive and changes its metadata: object first, ledger second, projections last.

Killed between object and ledger entry, the object is a leftover that the next filing replaces; the source is still
where it was, so nothing is lost and nothing is filed twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from recordkit import files, pending
from recordkit.archive import catalogue
from recordkit.archive.classes import load_scheme
from recordkit.archive.objects import VersionNote
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.notes import read_note
from recordkit.templates import issue as issues
from recordkit.templates.fieldtypes import parse, to_plain
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.workspace import Workspace, Writer

EDITABLE = ("title", "date", "responsible", "number", "account", "party", "address", "phone", "box", "shelf")
"""Core metadata that ``edit`` may change besides the form's own fields."""

CORE_LABELS: Mapping[str, str] = {
    "题名": "title",
    "日期": "date",
    "责任者": "responsible",
    "文号": "number",
    "户号": "account",
    "盒号": "box",
    "库位": "shelf",
}
"""Chinese names of core metadata; they are accepted wherever the keys are."""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """What is filed, before it has an id and a code.

    Attributes:
        content: ASCII file names to synced files in the staging folder; one of them is named ``original.*``.
        original: digests of the original's bytes.
        extra: further metadata for record.json (account, party, findings, source ...), plain JSON.
        number: document number the record answers to; ``issue_id`` the issue whose paper it is.
    """

    record_class: str
    title: str
    on: date
    pages: int
    content: Mapping[str, Path]
    original: files.Digests
    number: str | None = None
    issue_id: str | None = None
    form: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


def file_record(writer: Writer, workspace: Workspace, new: NewRecord, staging: Path) -> str:
    """File one record and commit it.

    Returns:
        The record id.

    Raises:
        NotFound: the class is not in the scheme.
    """
    settings = workspace.settings
    record_class = load_scheme(workspace.root).get(new.record_class)
    record_id = f"R{writer.next_id()}"
    values = {
        "fonds": settings.archive.fonds,
        "category": settings.archive.category,
        "year": new.on.year,
        "period": record_class.period_code,
        "office": settings.company.office_code,
    }
    scope = settings.archive.code.format(**values, seq=0)
    serial = catalogue.next_serial(workspace.db, scope)
    code = settings.archive.code.format(**values, seq=serial)
    now = workspace.clock.stamp()
    metadata: dict[str, object] = {
        "responsible": settings.company.name,
        **new.extra,
        "record_id": record_id,
        "code": code,
        "record_class": record_class.id,
        "year": new.on.year,
        "period": record_class.period_code,
        "title": new.title,
        "date": new.on.isoformat(),
        "number": new.number,
        "issue_id": new.issue_id,
        "form": new.form,
        "access": record_class.access,
        "pages": new.pages,
        "sha256": new.original.sha256,
        "sha512": new.original.sha512,
        "size": new.original.size,
        "filed_at": now,
        "filed_by": workspace.actor,
        "fields": dict(new.fields),
    }
    content = dict(new.content)
    content["record.json"] = _stage_json(staging, f"{record_id}-record.json", metadata)
    with pending.announced(workspace.root, "objects", [record_id]):
        inventory = catalogue.objects_of(workspace).create(
            record_id, content, VersionNote(now, "filed", workspace.actor), staging
        )
        store_id = settings.store.id
        writer.add(
            "record.filed",
            {
                "record": record_id,
                "version": 1,
                "code": code,
                "scope": scope,
                "serial": serial,
                "ordinal": catalogue.next_ordinal(workspace.db),
                "class": record_class.id,
                "year": new.on.year,
                "period": record_class.period_code,
                "access": record_class.access,
                "number": new.number,
                "issue": new.issue_id,
                "form": new.form,
                "content": catalogue.keyed(store_id, new.original.sha256),
                "commitment": catalogue.keyed(store_id, inventory),
            },
        )
        writer.commit()
    return record_id


def file_generated(
    writer: Writer,
    workspace: Workspace,
    *,
    record_class: str,
    title: str,
    on: date,
    content: Mapping[str, bytes],
    fields: Mapping[str, object],
) -> str:
    """File a record that recordkit itself made (a register, a report) and commit it; returns the record id.

    ``content`` maps ASCII names to bytes; exactly one name begins with ``original.``.
    """
    with workspace.staging() as staging:
        staged: dict[str, Path] = {}
        for name, data in content.items():
            staged[name] = staging / f"new-{name}"
            files.write_atomic(staged[name], data)
        original = next(path for name, path in staged.items() if name.startswith("original."))
        new = NewRecord(
            record_class=record_class,
            title=title,
            on=on,
            pages=1,
            content=staged,
            original=files.digests_of(original),
            fields=fields,
        )
        return file_record(writer, workspace, new, staging)


def edit_record(
    workspace: Workspace, reference: str, changes: Mapping[str, object], reason: str
) -> catalogue.Record:
    """Make a new version of a record's metadata.

    ``changes`` maps core keys (``EDITABLE``) or form field keys to plain values. The archival code never changes.

    Raises:
        NotFound: no such record.
        InputRefused: a key cannot be edited, a date is no date, or the reason is empty.
        RefusedByRule: the record is destroyed.
    """
    if not reason.strip():
        raise InputRefused(msg("An edit needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        record = catalogue.find_record(workspace.db, reference)
        if record.status != "active":
            raise RefusedByRule(msg("The record {code} is destroyed; it cannot be edited.", code=record.code))
        metadata = dict(record.metadata)
        fields = dict(record.fields)
        spec = _form_of(workspace, record)
        known = {one.key: one for one in spec.fields} if spec else {}
        roles = _role_keys(spec) if spec else {}
        for key, value in changes.items():
            if key == "number" and record.issue_id is not None:
                raise RefusedByRule(
                    msg("The number of {code} was issued by recordkit; it does not change.", code=record.code),
                    msg("A wrong document is made void and issued again.")
                )
            if key in EDITABLE:
                metadata[key] = _checked_core(key, value)
                # The same fact stands in the form: both are to say the same.
                if key in roles:
                    fields[roles[key]] = metadata[key] = _checked_field(known[roles[key]], value)
            elif key in known:
                fields[key] = _checked_field(known[key], value)
                metadata |= {core: fields[key] for core, own in roles.items() if own == key}
            elif key in fields:
                fields[key] = value
            else:
                raise InputRefused(
                    msg("The record {code} has no field {key} that can be edited.", code=record.code, key=key),
                    msg("Fields are: {fields}.", fields=", ".join([*EDITABLE, *fields])),
                )
        metadata["fields"] = fields
        if spec is not None and "meters" in metadata:
            metadata["meters"] = meters_of(spec.roles.meters, fields)
        if metadata == dict(record.metadata):
            return record
        version = record.version + 1
        now = workspace.clock.stamp()
        note = writer.note(record.record_id, {"reason": reason, "changed": sorted(changes)})
        with pending.announced(workspace.root, "objects", [record.record_id]):
            with workspace.staging() as staging:
                content = {"record.json": _stage_json(staging, "record.json", metadata)}
                inventory = catalogue.objects_of(workspace).add_version(
                    record.record_id, version, content, VersionNote(now, "edited", workspace.actor), staging
                )
            writer.add(
                "record.edited",
                {
                    "record": record.record_id,
                    "version": version,
                    "keys": sorted(changes),
                    "note": note,
                    "commitment": catalogue.keyed(workspace.settings.store.id, inventory),
                },
            )
            writer.commit()
        return catalogue.find_record(workspace.db, record.record_id)


def _form_of(workspace: Workspace, record: catalogue.Record) -> FormSpec | None:
    """The form that the record was issued with."""
    if record.issue_id is None:
        return None
    try:
        return issues.form_of_issue(workspace, issues.find_issue(workspace.db, record.issue_id))
    except (NotFound, InputRefused, IntegrityFailure):
        return None


def _role_keys(spec: FormSpec) -> dict[str, str]:
    """Core metadata by the field that feeds it."""
    roles = {"account": spec.roles.account, "party": spec.roles.party, "address": spec.roles.address,
             "phone": spec.roles.phone}
    return {core: key for core, key in roles.items() if key}


def _checked_field(field: FieldSpec, value: object) -> object:
    parsed = parse(value, field)
    for fault in parsed.faults:
        if fault.severity == "error":
            raise InputRefused(
                msg("{label}: {reason}", label=field.label, reason=fault.message),
                msg("Give a value that the form accepts; nothing was changed."),
            )
    return to_plain(parsed.value)


def history_of(workspace: Workspace, record: catalogue.Record) -> list[dict[str, object]]:
    """Every act on a record from the ledger, oldest first, with reasons that still exist."""
    found: list[dict[str, object]] = []
    for entry, _ in workspace.ledger.read():
        if not names_record(entry.body, record.record_id):
            continue
        note = entry.body.get("note")
        content = read_note(workspace.root, record.record_id, note) if isinstance(note, str) else None
        found.append(
            {
                "seq": entry.seq,
                "time": entry.time,
                "actor": entry.actor,
                "act": entry.act,
                "version": entry.body.get("version"),
                "keys": entry.body.get("keys"),
                "reason": content.get("reason") if content else None,
            }
        )
    return found


def meters_of(keys: Sequence[str], values: Mapping[str, object]) -> list[str]:
    """Meter numbers named by ``key`` or ``table.column``; a table alone gives all its text cells."""
    found: list[str] = []
    for key in keys:
        name, _, column = key.partition(".")
        value = values.get(name)
        if isinstance(value, list):
            for row in value:
                cells = [row.get(column)] if column else list(row.values())
                found += [str(cell) for cell in cells if cell]
        elif value:
            found.append(str(value))
    return found


def names_record(value: object, record_id: str) -> bool:
    """Whether a ledger body names the record anywhere."""
    if isinstance(value, Mapping):
        return record_id in value or any(names_record(part, record_id) for part in value.values())
    if isinstance(value, list):
        return any(names_record(part, record_id) for part in value)
    return value == record_id


def _checked_core(key: str, value: object) -> object:
    if key == "date":
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError:
            raise InputRefused(
                msg("{value} is not a date.", value=str(value)), msg("Write it like 2026-03-02.")
            ) from None
    if key == "title" and not str(value).strip():
        raise InputRefused(msg("A title cannot be empty."))
    return None if value is None else str(value)


def _stage_json(staging: Path, name: str, value: Mapping[str, object]) -> Path:
    path = staging / name
    data = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
    files.write_atomic(path, data)
    return path
