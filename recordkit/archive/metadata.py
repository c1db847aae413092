"""The metadata of a record: the core fields that every record has, and those that an office adds in its settings.

They are described as form fields are, so that one reader checks a value wherever it comes from: the command line, a
spreadsheet, an inherited catalogue. Fields of the form that a paper was issued with are not among them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from recordkit.archive.core_names import CORE_NAMES
from recordkit.errors import InputRefused
from recordkit.messages import Message, listed, msg
from recordkit.settings import Settings
from recordkit.templates.fieldtypes import parse, to_plain
from recordkit.templates.spec import FieldSpec

LONGEST = 500
"""Characters that a text may have."""

SECURITY = ("公开", "内部", "秘密", "机密", "绝密")
"""密级 (GB/T 7156-2003, without 限制 and 国内), the lowest first."""


def _core(key: str, **more: Any) -> FieldSpec:
    label, label_en = CORE_NAMES[key]
    return FieldSpec(key=key, label=label, label_en=label_en, **more)


CORE: tuple[FieldSpec, ...] = (
    _core("title", max_length=LONGEST),
    _core("date", type="date"),
    _core("date_given", required=False, max_length=40),
    _core("title_made", type="yes_no", required=False),
    _core("responsible", required=False, max_length=LONGEST),
    _core("number", required=False, max_length=LONGEST),
    _core("account", required=False, max_length=LONGEST),
    _core("party", required=False, max_length=LONGEST),
    _core("address", required=False, max_length=LONGEST),
    _core("phone", required=False, max_length=LONGEST, sensitive=True),
    _core("box", required=False, max_length=60),
    _core("shelf", required=False, max_length=120),
    _core("security", type="choice", choices=SECURITY, required=False),
    _core("keywords", required=False, max_length=LONGEST),
    _core("note", required=False, max_length=LONGEST),
)
"""Core metadata of DA/T 46-2009 that people give; code, class, period, pages and digests are the program's own."""

BY_KEY: Mapping[str, FieldSpec] = MappingProxyType({one.key: one for one in CORE})


def own_fields(settings: Settings, record_class: str | None = None) -> tuple[FieldSpec, ...]:
    """The fields that the office added (``[[archive.fields]]``), for one class or for all."""
    return tuple(
        FieldSpec(key=one.key, label=one.label, label_en=one.label_en, type=one.type, required=one.required,
                  choices=one.choices, max_length=LONGEST if one.type == "text" else None)
        for one in settings.archive.fields if record_class is None or not one.classes or record_class in one.classes
    )


def key_of(settings: Settings, name: str) -> str | None:
    """The key of the field that is called so, by key, Chinese or English label; None for another name."""
    return core_key(name) or _key_among(own_fields(settings), name)


def core_key(name: str) -> str | None:
    """As ``key_of``, of the fields that every record has."""
    return _key_among(CORE, name)


def _key_among(fields: Iterable[FieldSpec], name: str) -> str | None:
    wanted = unspaced(name)
    return next((one.key for one in fields if wanted in (one.key, unspaced(one.label), unspaced(one.label_en))), None)


def unspaced(name: str) -> str:
    """A heading without blanks: printed lists space short ones out (档 号)."""
    return "".join(name.split())


def keyed_fields(settings: Settings, given: Mapping[str, object]) -> dict[str, object]:
    """Values by key instead of by whatever name they were given.

    Raises:
        InputRefused: a name belongs to no field.
    """
    found: dict[str, object] = {}
    for name, value in given.items():
        key = key_of(settings, name)
        if key is None:
            raise InputRefused(
                msg("{key} is no core field.", key=name),
                msg("Core fields are: {fields}.",
                    fields=listed(f"{one.key} ({one.label})" for one in (*CORE, *own_fields(settings)))),
            )
        found[key] = value
    return found


def read_value(spec: FieldSpec, value: object) -> object:
    """A value as it is stored, plain JSON; an empty one is None.

    Raises:
        InputRefused: it is not what the field holds, or a required one is empty.
    """
    parsed = parse(value, spec)
    for fault in parsed.faults:
        if fault.severity == "error":
            raise InputRefused(msg("{label}: {reason}", label=spec.label, reason=fault.message),
                               msg("Correct the value; nothing was changed."))
    if parsed.value is None and spec.required:
        raise InputRefused(msg("{label} cannot be empty.", label=spec.label))
    return to_plain(parsed.value)


def require_fields_of(settings: Settings, record_class: str, given: Iterable[str]) -> None:
    """Refuse fields, by key, that only records of other classes have.

    Raises:
        InputRefused: the first of them is named.
    """
    known = {*BY_KEY, *(one.key for one in own_fields(settings, record_class))}
    for one in own_fields(settings):
        if one.key in given and one.key not in known:
            raise InputRefused(
                msg("Records of the class {id} have no field {field}.", id=record_class, field=one.label),
                msg("archive.fields in recordkit.toml says which classes have it."))


def unknown_classes(settings: Settings, classes: Collection[str]) -> list[Message]:
    """What is said of fields and codes of the settings that name a class which the schedule does not have."""
    archive = settings.archive
    named = [(f"archive.fields[{place}].classes", name) for place, one in enumerate(archive.fields)
             for name in one.classes]
    named += [("archive.class_codes", name) for name in archive.class_codes]
    return [msg("{key} names the class {id}, which retention.toml does not have.", key=key, id=name)
            for key, name in named if name not in classes]


def split_values(values: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Core values, which stand in record.json itself, and the office's own, which stand among its ``fields``."""
    core = {key: value for key, value in values.items() if key in BY_KEY}
    return core, {key: value for key, value in values.items() if key not in BY_KEY}


def labels_of(settings: Settings, keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """What record.json says of how the office's own fields are called, so that it can be read without the settings."""
    named = {one.key: one.label for one in own_fields(settings)}
    found = {key: named[key] for key in keys if key in named}
    return {"labels": found} if found else {}
