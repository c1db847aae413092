"""Reads ``form.toml`` into a checked ``FormSpec``; every mistake of its author is found in one reading."""

from __future__ import annotations

import keyword
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import msgspec

from recordkit.errors import InputRefused
from recordkit.messages import Message, listed, msg, nearest
from recordkit.model import Problem
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.numbering import parse_number_pattern
from recordkit.templates.proposing import expressions_of, faults_of, split_source
from recordkit.templates.spec import (
    CONTEXT_NAMES,
    AttachmentSpec,
    FieldSpec,
    FieldType,
    FormSpec,
    GateSpec,
    RoleSpec,
    RuleSpec,
    Stage,
    placeholders,
    plain_heading,
)
from recordkit.templates.unreadable import reason_of

T = TypeVar("T")

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_FORM_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_TEMPLATE_WORDS = {*keyword.kwlist, "true", "false", "none", "loop", "self", "super", "caller", "varargs", "kwargs"}
_MANY_PARTS = frozenset({"table", "person"})
_NUMBERS = frozenset({"integer", "decimal", "money"})
_ONLY_FOR: Mapping[str, frozenset[str]] = {
    "choices": frozenset({"choice"}),
    "min": _NUMBERS,
    "max": _NUMBERS,
    "exclusive_min": _NUMBERS,
    "places": frozenset({"decimal", "money"}),
    "pattern": frozenset({"text", "account", "phone"}),
    "max_length": frozenset({"text", "account", "phone", "choice", "person"}),
    "columns": frozenset({"table"}),
    "min_rows": frozenset({"table"}),
    "max_rows": frozenset({"table"}),
}


def load_form_spec(source: Path | str | bytes, *, name: str = "form.toml") -> FormSpec:
    """Read a form.

    Args:
        source: path of a ``form.toml`` or of its folder, or the file's bytes.
        name: how messages call the file when only bytes are given.

    Raises:
        InputRefused: not readable, not TOML, or wrong; ``problems`` then names every place.
    """
    folder = None
    if isinstance(source, bytes):
        data = source
    else:
        path = Path(source)
        path = path / "form.toml" if path.is_dir() else path
        name, folder = str(path), path.absolute().parent.name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputRefused(
                msg("The form file {file} cannot be read: {reason}", file=name, reason=error.strerror),
                msg("Check the path and its permissions."),
            ) from error
    reader = _Reader()
    spec = reader.form(_toml(data, name))
    if spec is not None:
        reader.faults += _form_faults(spec, folder)
    if spec is None or reader.faults:
        first = reader.faults[0]
        raise InputRefused(
            msg(
                "{file} has {count} mistake(s). First, at {place}: {reason}",
                file=name,
                count=len(reader.faults),
                place=first.field or msg("the top"),
                reason=first.message,
            ),
            msg("Correct the listed places and run the command again."),
            reader.faults,
        )
    return spec


def _toml(data: bytes, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise InputRefused(
            msg("{file} is not UTF-8 text (byte {position}).", file=name, position=error.start),
            msg("Save it as UTF-8."),
        ) from error
    except (ValueError, RecursionError) as error:  # ValueError also for a number of thousands of digits
        raise InputRefused(
            msg("{file} is not valid TOML: {reason}", file=name, reason=reason_of(error)),
            msg("Correct the line named above."),
        ) from error


def _fault(place: str, code: str, message: Message) -> Problem:
    return Problem(row=None, field=place, label="", cell=None, code=code, message=message)


_EXPECTED: Mapping[object, Message] = {
    str: msg("text in quotes"),
    bool: msg("true or false"),
    int: msg("a whole number"),
    int | None: msg("a whole number"),
    Decimal | None: msg("a number"),
    tuple[str, ...]: msg("a list of texts"),
    FieldType: msg("one of {names}", names=listed(get_args(FieldType))),
    Stage: msg("one of {names}", names=listed(("before", "onsite"))),
    Literal["open", "restricted"]: msg("one of {names}", names=listed(("open", "restricted"))),
    Literal["document", "listing"]: msg("one of {names}", names=listed(("document", "listing"))),
    Literal["error", "warning"]: msg("one of {names}", names=listed(("error", "warning"))),
    Literal["issued", "returned"]: msg("one of {names}", names=listed(("issued", "returned"))),
}
_NESTED = {
    FormSpec: {"roles", "fields", "rules", "attachments", "gates"},
    FieldSpec: {"columns"},
}


@dataclass
class _Reader:
    """Turns TOML tables into the dataclasses and keeps every fault, so that the author corrects the file once."""

    faults: list[Problem] = field(default_factory=list)

    def form(self, raw: Mapping[str, Any]) -> FormSpec | None:
        roles = raw.get("roles", {})
        nested: dict[str, Any] = {}
        if raw.get("kind") == "listing":
            raw = {"number": "{seq}", "title": raw.get("name", ""), **raw}
            nested["roles"] = RoleSpec(date="")
        elif isinstance(roles, dict):
            nested["roles"] = self._one(RoleSpec, roles, "roles")
        else:
            self._wrong("roles", msg("a table [roles]"))
        nested["fields"] = tuple(self._fields(raw.get("fields", []), "fields", "before"))
        nested["rules"] = tuple(self._many(RuleSpec, raw.get("rules", []), "rules"))
        nested["attachments"] = tuple(self._many(AttachmentSpec, raw.get("attachments", []), "attachments"))
        nested["gates"] = tuple(self._many(GateSpec, raw.get("gates", []), "gates"))
        spec = self._one(FormSpec, raw, "", nested)
        return replace(spec, record_class=spec.record_class or spec.id) if spec and not self.faults else None

    def _fields(self, raws: Any, place: str, stage: str) -> Iterator[FieldSpec]:
        for at, raw in self._tables(raws, place):
            here = f"{at} {raw['key']}" if isinstance(raw.get("key"), str) else at
            known = dict(raw)
            known.setdefault("stage", stage)
            known.setdefault("required", known["stage"] != "onsite" and not known.get("required_if"))
            columns = tuple(self._fields(known.get("columns", []), f"{here} columns", str(known["stage"])))
            if (one := self._one(FieldSpec, known, here, {"columns": columns})) is not None:
                yield one

    def _many(self, cls: type[T], raws: Any, place: str) -> Iterator[T]:
        for at, raw in self._tables(raws, place):
            if (one := self._one(cls, raw, at)) is not None:
                yield one

    def _tables(self, raws: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if not isinstance(raws, list) or not all(isinstance(raw, dict) for raw in raws):
            self._wrong(place, msg("a list of tables"))
            return
        for position, raw in enumerate(raws, 1):
            yield f"{place} {position}", raw

    def _one(
        self, cls: type[T], raw: Mapping[str, Any], place: str, nested: Mapping[str, Any] = MappingProxyType({})
    ) -> T | None:
        """Build ``cls`` attribute by attribute. msgspec alone stops at the first fault and ignores unknown names."""
        hints = get_type_hints(cls)
        before = len(self.faults)
        values = dict(nested)
        for name, value in raw.items():
            here = f"{place}: {name}" if place else name
            if name not in hints:
                self.faults.append(_fault(here, "unknown-field", _unknown(name, hints)))
            elif name not in _NESTED.get(cls, ()):
                try:
                    values[name] = msgspec.convert(value, hints[name])
                except msgspec.ValidationError:
                    self._wrong(here, _EXPECTED[hints[name]])
        for one in fields(cls):  # type: ignore[arg-type]
            needed = one.default is MISSING and one.default_factory is MISSING
            if needed and one.name not in raw and one.name not in nested:
                self.faults.append(
                    _fault(place or one.name, "required", msg("{name} is missing; add it.", name=one.name))
                )
        return cls(**values) if len(self.faults) == before and None not in values.values() else None

    def _wrong(self, place: str, expected: Message) -> None:
        self.faults.append(_fault(place, "wrong-type", msg("must be {expected}.", expected=expected)))


def _unknown(name: str, known: Collection[str]) -> Message:
    near = nearest(name, known)
    if near is not None:
        return msg("{name} cannot stand here; did you mean {near}?", name=name, near=near)
    return msg("{name} cannot stand here; remove it.", name=name)


def _form_faults(spec: FormSpec, folder: str | None) -> Iterator[Problem]:
    if not _FORM_ID.fullmatch(spec.id):
        yield _fault("id", "pattern", msg("the id takes lower-case letters, digits and - only."))
    elif folder is not None and folder != spec.id:
        yield _fault("id", "pattern", msg("the id must equal the folder's name, {folder}.", folder=folder))
    if not spec.fields:
        yield _fault("fields", "required", msg("a form needs at least one field."))
    yield from _name_faults(spec.fields, "fields")
    for position, one in enumerate(spec.fields, 1):
        place = f"fields {position} {one.key}"
        yield from _field_faults(one, place)
        if one.key in CONTEXT_NAMES or one.label in CONTEXT_NAMES:
            yield _fault(place, "duplicate", msg("every document already has this name; choose another."))
        known = {*_names(spec, "before"), *(_names(spec, "onsite") if one.stage == "onsite" else ())}
        yield from _expression_faults(one.required_if, f"{place}: required_if", known)
        for fault in faults_of(one, spec):
            yield _fault(f"{place}: propose", "rule", fault)
        if not all(map(_FORM_ID.fullmatch, one.refers)):
            yield _fault(f"{place}: refers", "pattern", msg("the id takes lower-case letters, digits and - only."))
        for expression in (each for text in one.propose for each in expressions_of(split_source(text))):
            yield from _expression_faults(expression, f"{place}: propose", known)
    yield from _role_faults(spec)
    yield from _text_faults(spec)
    everything = {*_names(spec, "before"), *_names(spec, "onsite")}
    for position, rule in enumerate(spec.rules, 1):
        yield from _expression_faults(rule.check or "?", f"rules {position}: check", everything)
        for name in rule.fields:
            if name not in {one.key for one in spec.fields}:
                yield _fault(f"rules {position}: fields", "unknown-field", _unknown(name, spec.by_name))
    for position, attachment in enumerate(spec.attachments, 1):
        yield from _expression_faults(attachment.when, f"attachments {position}: when", _names(spec, "before"))
    for position, gate in enumerate(spec.gates, 1):
        yield from _gate_faults(spec, gate, f"gates {position}")


def _names(spec: FormSpec, stage: Stage) -> set[str]:
    return {name for one in spec.of_stage(stage) for name in (one.key, one.label)}


def _name_faults(some: tuple[FieldSpec, ...], place: str) -> Iterator[Problem]:
    """Keys and labels share one name space: both stand in templates and both head columns."""
    seen: dict[str, str] = {}
    for position, one in enumerate(some, 1):
        for name in {plain_heading(one.key), plain_heading(one.label)}:
            if name in seen:
                yield _fault(
                    f"{place} {position} {one.key}",
                    "duplicate",
                    msg("the name {name} is already used by {other}.", name=name, other=seen[name]),
                )
            seen[name] = one.key


def _field_faults(one: FieldSpec, place: str, *, is_column: bool = False) -> Iterator[Problem]:
    if not _KEY.fullmatch(one.key):
        yield _fault(f"{place}: key", "pattern", msg("a key is lower-case ASCII: letters, digits and _."))
    if not one.label.isidentifier():
        yield _fault(
            f"{place}: label",
            "pattern",
            msg("a label takes letters, characters, digits and _ only: no spaces, brackets or slashes."),
        )
    if {one.key, one.label} & _TEMPLATE_WORDS or (is_column and {one.key, one.label} & set(dir(dict))):
        yield _fault(place, "pattern", msg("the template language already uses this name; choose another."))
    blank = FieldSpec(key="", label="")
    for name, types in _ONLY_FOR.items():
        if one.type not in types and getattr(one, name) != getattr(blank, name):
            yield _fault(
                f"{place}: {name}",
                "wrong-type",
                msg("{name} has no meaning for type {type}.", name=name, type=one.type),
            )
    if one.type == "choice" and not one.choices:
        yield _fault(f"{place}: choices", "required", msg("type choice needs choices."))
    if len(set(one.choices)) != len(one.choices):
        yield _fault(f"{place}: choices", "duplicate", msg("a choice is listed twice."))
    if one.required and one.required_if:
        yield _fault(f"{place}: required_if", "rule", msg("the field is required anyway; write required = false."))
    if one.min is not None and one.max is not None and one.min > one.max:
        yield _fault(f"{place}: min", "range", msg("min is greater than max."))
    counts = {"places": one.places, "max_length": one.max_length, "blank": one.blank, "min_rows": one.min_rows}
    for name, count in counts.items():
        if count is not None and count < 0:
            yield _fault(f"{place}: {name}", "range", msg("{name} is below 0.", name=name))
    try:
        re.compile(one.pattern)
    except re.error as error:
        yield _fault(f"{place}: pattern", "pattern", msg("not a regular expression: {reason}", reason=error))
    yield from _table_faults(one, place, is_column=is_column)


def _table_faults(one: FieldSpec, place: str, *, is_column: bool) -> Iterator[Problem]:
    if one.type != "table":
        return
    if is_column:
        yield _fault(f"{place}: type", "wrong-type", msg("a table cannot stand in a table."))
        return
    if not one.columns:
        yield _fault(f"{place}: columns", "required", msg("type table needs columns."))
    if one.max_rows is not None and one.max_rows < max(one.min_rows, 1):
        yield _fault(f"{place}: max_rows", "range", msg("max_rows is below min_rows or 1."))
    yield from _name_faults(one.columns, f"{place} columns")
    for position, column in enumerate(one.columns, 1):
        here = f"{place} columns {position} {column.key}"
        yield from _field_faults(column, here, is_column=True)
        if column.stage != one.stage:
            yield _fault(f"{here}: stage", "wrong-type", msg("a column has the stage of its table."))
        if column.required_if:
            yield _fault(f"{here}: required_if", "wrong-type", msg("a column cannot have required_if; use a rule."))
        if column.propose:
            yield _fault(f"{here}: propose", "wrong-type", msg("a column cannot have propose."))
        if column.refers:
            yield _fault(f"{here}: refers", "wrong-type", msg("a column cannot have refers."))


def _expression_faults(text: str, place: str, known: Collection[str]) -> Iterator[Problem]:
    if not text:
        return
    try:
        unknown = compile_expression(text).names - set(known)
    except ExpressionFault as fault:
        yield _fault(place, "rule", msg("not an expression: {reason}", reason=fault.reason))
        return
    for name in sorted(unknown):
        yield _fault(place, "unknown-field", msg("{name} is no field that is known at this stage.", name=name))


def _gate_faults(spec: FormSpec, gate: GateSpec, place: str) -> Iterator[Problem]:
    """What is wrong with a gate, as far as this form alone can tell; the needed form may not be there yet."""
    if not _FORM_ID.fullmatch(gate.needs):
        yield _fault(f"{place}: needs", "pattern", msg("the id takes lower-case letters, digits and - only."))
    before = {one.key: one for one in spec.of_stage("before")}
    for name, keys in (("number", (gate.number,) if gate.number else ()), ("same", gate.same)):
        for key in keys:
            if key not in before:
                yield _fault(f"{place}: {name}", "unknown-field", _unknown(key, before))
            elif before[key].type in _MANY_PARTS:
                yield _fault(f"{place}: {name}", "wrong-type",
                             msg("{key} is of type {type}; it cannot be compared.", key=key, type=before[key].type))
    if not gate.number and not (spec.roles.account and spec.roles.account in gate.same):
        yield _fault(f"{place}: same", "required",
                     msg("name the document by its number, or let the account be among the fields that agree."))
    if gate.within_days is not None and gate.within_days < 0:
        yield _fault(f"{place}: within_days", "range", msg("{name} is below 0.", name="within_days"))
    yield from _expression_faults(gate.when, f"{place}: when", _names(spec, "before"))
    try:
        compile_expression(gate.where or "true")
    except ExpressionFault as fault:
        yield _fault(f"{place}: where", "rule", msg("not an expression: {reason}", reason=fault.reason))


def _role_faults(spec: FormSpec) -> Iterator[Problem]:
    if spec.kind == "listing":
        return
    by_key = {one.key: one for one in spec.fields}
    roles = spec.roles
    single = {"account": roles.account, "party": roles.party, "address": roles.address, "phone": roles.phone}
    wanted = [("date", roles.date), *((role, key) for role, key in single.items() if key)]
    for role, key in [*wanted, *(("meters", key) for key in roles.meters)]:
        table, _, column = key.partition(".")
        target = by_key.get(table)
        if target is None or (column and column not in {one.key for one in target.columns}):
            yield _fault(f"roles: {role}", "unknown-field", _unknown(key, spec.by_name))
        elif role == "date" and target.type not in {"date", "instant"}:
            yield _fault("roles: date", "wrong-type", msg("{key} is not a date.", key=key))
        elif role != "meters" and (column or target.type == "table"):
            yield _fault(f"roles: {role}", "wrong-type", msg("{key} is a table; only meters may be one.", key=key))
        elif target.type == "person":
            # The catalogue would show the ID number in every list.
            yield _fault(f"roles: {role}", "wrong-type", msg("{key} is a person with ID; use a field with the name "
                                                             "alone.", key=key))
    if spec.numbering_date:
        source = by_key.get(spec.numbering_date)
        if source is None:
            yield _fault("numbering_date", "unknown-field", _unknown(spec.numbering_date, spec.by_name))
        elif source.type not in {"date", "instant"} or source.stage != "before" or not source.required:
            yield _fault("numbering_date", "wrong-type", msg("it must be a required date filled before printing."))


def _text_faults(spec: FormSpec) -> Iterator[Problem]:
    try:
        parse_number_pattern(spec.number)
    except InputRefused as error:
        yield _fault("number", "pattern", error.what)
    # A person's ID number must not get into file names and lists of titles.
    unfit = {name for one in spec.fields if one.type in _MANY_PARTS for name in (one.key, one.label)}
    known = (_names(spec, "before") - unfit) | {"number"}
    for place, text in (("title", spec.title), ("file_name", spec.file_name)):
        try:
            names = placeholders(text)
        except ValueError:
            yield _fault(place, "pattern", msg("write {{name}} with nothing but a key or label in the braces."))
            continue
        if not text.strip():
            yield _fault(place, "required", msg("it is empty."))
        for name in names:
            if name not in known:
                yield _fault(place, "unknown-field", _unknown(name, spec.by_name))
