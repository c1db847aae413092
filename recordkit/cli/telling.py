"""A record told to people: its fields with their units, tables line by line, times of the day, how its paper came."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from recordkit.cli.dates import local_time
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.showing import shown
from recordkit.errors import RecordkitError

if TYPE_CHECKING:
    from recordkit.archive.catalogue import Record
    from recordkit.templates.spec import FieldSpec
    from recordkit.workspace import Workspace

_MATCHED = {
    "code": N_("by its printed code"),
    "number": N_("by the number in its text"),
    "account": N_("by the account in its text"),
    "by-hand": N_("by hand"),
    "class": N_("filed by class, without a document"),
    "catalogue": N_("filed with its row of an inherited catalogue"),
    "bag": N_("from another archive's bag"),
}
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:00)?")


def form_fields(workspace: Workspace, record: Record) -> Mapping[str, FieldSpec]:
    """Fields of the form that the record was issued with, by key; none where that is not known."""
    from recordkit.templates.issue import find_issue, form_of_issue

    if record.issue_id is None:
        return {}
    try:
        return {one.key: one for one in form_of_issue(workspace, find_issue(workspace.db, record.issue_id)).fields}
    except RecordkitError:  # The form or its data is damaged: what is stored can be shown all the same.
        return {}


def field_lines(record: Record, fields: Mapping[str, FieldSpec]) -> Iterator[tuple[str, str]]:
    """Name and value of each field; a table has a line for each row, numbered behind the name."""
    labels = record.metadata.get("labels")
    for key, value in _in_order(record.fields, fields):
        field = fields.get(key)
        label = str(labels.get(key, key)) if isinstance(labels, dict) else key
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            columns = {one.key: one for one in field.columns} if field is not None else {}
            for count, row in enumerate(value, start=1):
                yield f"{label} {count}", _row(row, columns)
        else:
            yield label, _value(value, field)


def _in_order(values: Mapping[str, object], fields: Mapping[str, FieldSpec]) -> list[tuple[str, object]]:
    """In the form's order; what it does not know stands behind."""
    keys = [*(key for key in fields if key in values), *(key for key in values if key not in fields)]
    return [(key, values[key]) for key in keys]


def _row(row: Mapping[str, object], columns: Mapping[str, FieldSpec]) -> str:
    cells = [(columns[key].label if key in columns else key, _value(value, columns.get(key)))
             for key, value in _in_order(row, columns)]
    return "; ".join(f"{name} {text}" for name, text in cells if text)


def _value(value: object, field: FieldSpec | None) -> str:
    from recordkit.templates.fieldtypes import display, from_plain

    if value is None or value == "":
        return ""
    if field is not None:
        try:
            return display(from_plain(value, field), field) + field.unit
        except RecordkitError:
            pass  # An older edit stored another type; it is shown as it stands.
    if isinstance(value, Mapping):
        return tr_list(f"{key}: {shown(one)}" for key, one in value.items())
    return _MOMENT.sub(r"\1 \2", value) if isinstance(value, str) else shown(value)


def how_it_came(record: Record) -> Iterator[tuple[str, str]]:
    """How the paper found its document, how its pages lie in the file, out of which scan it came, who filed it."""
    about = record.metadata
    matched = str(about.get("matched") or "")
    if matched:
        sure = about.get("match_confidence")
        text = tr(_MATCHED.get(matched, matched))
        if isinstance(sure, int | float):
            text = tr("{how}, {share} of what is printed stands in its text").format(how=text, share=f"{sure:.0%}")
        yield N_("Matched"), text
    order = about.get("page_order")
    if order:
        yield N_("Pages read in the order"), shown(order)
    batch = about.get("batch")
    if isinstance(batch, dict):
        yield N_("Cut out of"), tr("{source}, pages {pages}; it held {papers} papers").format(
            source=batch.get("source", ""), pages=shown(batch.get("pages")), papers=batch.get("papers", ""))
    origin = about.get("origin")
    if isinstance(origin, dict):
        yield N_("Origin"), tr("{code} ({record}) of fonds {fonds}, filed {day}").format(
            code=origin.get("code") or "", record=origin.get("record_id") or "", fonds=origin.get("fonds") or "?",
            day=str(origin.get("filed_at") or "?")[:10])
    for act, name in (("filed", N_("Filed")), ("rescanned", N_("Scanned anew"))):
        if about.get(f"{act}_at"):
            yield name, f"{local_time(about[f'{act}_at'])}  {about.get(f'{act}_by') or ''}".rstrip()


def field_names(record: Record, keys: Sequence[object]) -> list[str]:
    """Fields by the names people know them by: those of the form, then those of every record."""
    from recordkit.archive.metadata import CORE

    labels = record.metadata.get("labels")
    own = {str(key): str(label) for key, label in labels.items()} if isinstance(labels, dict) else {}
    core = {one.key: one.label for one in CORE} if tr("yes") != "yes" else {}
    return [own.get(str(key)) or core.get(str(key)) or tr(str(key)) for key in keys]


_LONGEST = 40
"""Characters of a value in a table; --json has it whole."""


def short(value: object) -> str:
    """A value in a table: one line, not long."""
    text = " ".join(shown(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
