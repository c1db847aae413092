"""Changes a record's metadata, and tells every act on a record."""

from __future__ import annotations

from collections.abc import Mapping

from recordkit.archive import catalogue
from recordkit.archive.filing import meters_of
from recordkit.archive.metadata import BY_KEY, own_fields, read_value
from recordkit.archive.versions import add_version
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import listed, msg
from recordkit.notes import read_note
from recordkit.templates import issue as issues
from recordkit.templates.fieldtypes import parse, to_plain
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.workspace import Workspace


def edit_record(
    workspace: Workspace, reference: str, changes: Mapping[str, object], reason: str
) -> catalogue.Record:
    """Make a new version of a record's metadata.

    ``changes`` maps keys of metadata (``archive.metadata``) or of form fields to plain values. The archival code never
    changes.

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
        own = {one.key: one for one in own_fields(workspace.settings, record.record_class)}
        for key, value in changes.items():
            if key == "number" and record.issue_id is not None:
                raise RefusedByRule(
                    msg("The number of {code} was issued by recordkit; it does not change.", code=record.code),
                    msg("A wrong document is made void and issued again.")
                )
            if key in BY_KEY:
                metadata[key] = read_value(BY_KEY[key], value)
                # The same fact stands in the form: both are to say the same.
                if key in roles:
                    fields[roles[key]] = metadata[key] = _checked_field(known[roles[key]], value)
            elif key in known:
                fields[key] = _checked_field(known[key], value)
                metadata |= {core: fields[key] for core, own in roles.items() if own == key}
            elif key in own:
                fields[key] = read_value(own[key], value)
                metadata["labels"] = {**_labels(metadata), key: own[key].label}
            elif key in fields:
                fields[key] = value
            else:
                raise InputRefused(
                    msg("The record {code} has no field {key} that can be edited.", code=record.code, key=key),
                    msg("Fields are: {fields}.", fields=listed([*BY_KEY, *dict.fromkeys([*own, *fields])])),
                )
        metadata["fields"] = fields
        if spec is not None and "meters" in metadata:
            metadata["meters"] = meters_of(spec.roles.meters, fields)
        if metadata == dict(record.metadata):
            return record
        note = writer.note(record.record_id, {"reason": reason, "changed": sorted(changes)})
        with workspace.staging() as staging:
            return add_version(writer, workspace, record, "record.edited", {"keys": sorted(changes), "note": note},
                               metadata, staging=staging)


def _form_of(workspace: Workspace, record: catalogue.Record) -> FormSpec | None:
    """The form that the record was issued with."""
    if record.issue_id is None:
        return None
    try:
        return issues.form_of_issue(workspace, issues.find_issue(workspace.db, record.issue_id))
    except (NotFound, InputRefused, IntegrityFailure):
        return None


def _labels(metadata: Mapping[str, object]) -> Mapping[str, str]:
    labels = metadata.get("labels")
    return labels if isinstance(labels, Mapping) else {}


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
        records = entry.body.get("records")
        # Events and holds have a note beside each of their records.
        note = records.get(record.record_id) if isinstance(records, Mapping) else entry.body.get("note")
        content = read_note(workspace.root, record.record_id, note) if isinstance(note, str) else None
        came = entry.body.get("content")
        found.append(
            {
                "seq": entry.seq,
                "time": entry.time,
                "actor": entry.actor,
                "act": entry.act,
                "version": entry.body.get("version"),
                "keys": entry.body.get("keys"),
                "files": sorted(came) if isinstance(came, Mapping) else None,
                "reason": next((content[key] for key in _SAID if content.get(key)), None) if content else None,
            }
        )
    return found


_SAID = ("reason", "released", "extended", "withdrawn", "text")
"""Keys under which a note has what a person said."""


def names_record(value: object, record_id: str) -> bool:
    """Whether a ledger body names the record anywhere."""
    if isinstance(value, Mapping):
        return record_id in value or any(names_record(part, record_id) for part in value.values())
    if isinstance(value, list):
        return any(names_record(part, record_id) for part in value)
    return value == record_id
