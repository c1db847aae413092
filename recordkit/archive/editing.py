"""Changes a record's metadata: what may be changed, what it then says, and the new version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from recordkit.archive import catalogue, vague_dates
from recordkit.archive.archival_code import named_already
from recordkit.archive.filing import meters_of
from recordkit.archive.metadata import BY_KEY, own_fields, read_value, unspaced
from recordkit.archive.registers import OWN_CLASSES
from recordkit.archive.versions import add_version
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import listed, msg, nearest
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
        metadata = edited(workspace, record, changes)
        if metadata == dict(record.metadata):
            return record
        note = writer.note(record.record_id, {"reason": reason, "changed": sorted(changes)})
        with workspace.staging() as staging:
            return add_version(writer, workspace, record, "record.edited", {"keys": sorted(changes), "note": note},
                               metadata, staging=staging)


FIXED: Mapping[str, str] = MappingProxyType({
    "code": "档号", "record_class": "档案门类", "year": "年度", "period": "保管期限", "serial": "件号",
    "record_id": "记录标识", "pages": "页数", "form": "文书种类", "access": "开放级别", "version": "版本",
    "status": "状态", "sha256": "数字摘要",
})
"""What stays as it was filed, with its Chinese name."""
_OF_THE_CODE = frozenset(("code", "record_class", "year", "period", "serial"))
_OF_THE_PAPER = frozenset(("box", "shelf", "note"))
"""What may be said of evidence that recordkit made: where its paper stands, and a note."""
_FIXED_NAMES = {**{name: name for name in FIXED}, **{label: key for key, label in FIXED.items()},
                "class": "record_class", "门类": "record_class", "期限": "period"}


def edited(
    workspace: Workspace, record: catalogue.Record, changes: Mapping[str, object], spec: FormSpec | None = None
) -> dict[str, object]:
    """What record.json says after a change; nothing is written.

    ``spec`` is the form that the record was issued with, where the caller has it at hand; else it is looked up.

    Raises:
        InputRefused: a key cannot be edited, or a value is not what its field holds.
        RefusedByRule: the record is destroyed, or its number was issued here.
    """
    if record.status != "active":
        raise RefusedByRule(msg("The record {code} is destroyed; it cannot be edited.", code=record.code))
    metadata = dict(record.metadata)
    fields = dict(record.fields)
    spec = spec or form_of(workspace, record)
    known = {one.key: one for one in spec.fields} if spec else {}
    roles = _role_keys(spec) if spec else {}
    own = {one.key: one for one in own_fields(workspace.settings, record.record_class)}
    for key, value in changes.items():
        if record.record_class in OWN_CLASSES and key not in _OF_THE_PAPER:
            raise RefusedByRule(
                msg("{code} is evidence that recordkit made; its {field} stays as it was filed.", code=record.code,
                    field=BY_KEY[key].label if key in BY_KEY else FIXED.get(fixed_key(key) or "", key)),
                msg("Only 盒号 (box), 库位 (shelf) and 备注 (note) may be said of it."))
        if key == "number" and record.issue_id is not None:
            raise RefusedByRule(
                msg("The number of {code} was issued by recordkit; it does not change.", code=record.code),
                msg("A wrong document is made void and issued again.")
            )
        if key == "date" and not changes.get(vague_dates.KEY):
            metadata.pop(vague_dates.KEY, None)  # the day is known now
        if key in BY_KEY:
            metadata[key] = read_value(BY_KEY[key], value)
            if key == "number" and metadata[key] and metadata[key] != record.metadata.get(key):
                _require_free(workspace, str(metadata[key]))
            # The same fact stands in the form: both are to say the same.
            if key in roles:
                fields[roles[key]] = metadata[key] = _checked_field(known[roles[key]], value)
        elif key in known:
            fields[key] = _checked_field(known[key], value)
            metadata |= {core: fields[key] for core, own_key in roles.items() if own_key == key}
        elif key in own:
            fields[key] = read_value(own[key], value)
            metadata["labels"] = {**_labels(metadata), key: own[key].label}
        elif key in fields:
            fields[key] = value
        else:
            raise _unknown(record, key, [*BY_KEY, *dict.fromkeys([*own, *fields])], _labels(metadata))
    metadata["fields"] = fields
    if changes.get(vague_dates.KEY):
        metadata = vague_dates.with_last_day(metadata, workspace.clock.today)
    if spec is not None and "meters" in metadata:
        metadata["meters"] = meters_of(spec.roles.meters, fields)
    return metadata


def _require_free(workspace: Workspace, number: str) -> None:
    """Who names a record by its number must not hit another one."""
    if (told := named_already(workspace.db, number)) is not None:
        raise InputRefused(told, msg("It cannot be the number of another record; say it in 备注 (note)."))


def fixed_key(name: str) -> str | None:
    """The key of what is so called and stays as it was filed; None for anything else."""
    return _FIXED_NAMES.get(unspaced(name))


def _unknown(
    record: catalogue.Record, key: str, keys: Sequence[str], labels: Mapping[str, object]
) -> InputRefused:
    """Why a field of this name cannot be edited, with the nearest one that can."""
    if fixed_key(key) in ("pages", "sha256"):
        return InputRefused(
            msg("{field} of {code} is taken from the file that is kept; nobody types it.", field=key, code=record.code),
            msg("Say what is known of the paper in 备注 (note)."))
    fixed = fixed_key(key)
    if fixed is not None and fixed not in _OF_THE_CODE:
        return InputRefused(
            msg("{field} of {code} is entered by recordkit itself; nobody types it.", field=FIXED[fixed],
                code=record.code),
            msg("Say what is right in 备注 (note)."))
    if fixed is not None:
        return InputRefused(
            msg("{field} of {code} stays as it was filed: the archival code (档号) is made of class, year and "
                "period, and what is printed and signed under it must be found under it.", field=key, code=record.code),
            msg("Say what is right in 备注 (note); the record keeps its code."),
        )
    names = {**{one: one for one in keys}, **{BY_KEY[one].label: one for one in keys if one in BY_KEY},
             **{str(label): one for one, label in labels.items() if one in keys}}
    near = nearest(key, names)
    called = {one: label for label, one in names.items() if label != one}
    told = msg("Fields are: {fields}.", fields=listed(f"{called[one]} ({one})" if one in called else one
                                                      for one in keys))
    return InputRefused(
        msg("The record {code} has no field {key} that can be edited.", code=record.code, key=key),
        msg("Did you mean {near}? {rest}", near=near, rest=told) if near else told,
    )


def form_of(workspace: Workspace, record: catalogue.Record) -> FormSpec | None:
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
