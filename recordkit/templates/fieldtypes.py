"""What each field type accepts: the way in for raw values from a cell, TOML, JSON, YAML or the command line.

Reading never guesses: what a spreadsheet may have damaged (leading zeros, long numbers, dates made out of text) is
refused or warned about. ``fieldreaders`` reads scalars, ``fieldvalues`` stores and shows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from recordkit.messages import listed, msg
from recordkit.templates.fieldreaders import (
    CALIBRES,
    READERS,
    Fault,
    Refusal,
    is_writable,
    refuse_illegal,
    wrong,
)
from recordkit.templates.fieldvalues import (
    Blank,
    Person,
    Scalar,
    Value,
    display,
    display_masked,
    from_plain,
    mask,
    shown,
    to_plain,
)
from recordkit.templates.spec import FieldSpec, plain_heading
from recordkit.templates.spreadsheet import CellError

__all__ = [
    "CALIBRES",
    "Blank",
    "Fault",
    "Parsed",
    "Person",
    "Scalar",
    "Value",
    "display",
    "display_masked",
    "from_plain",
    "is_empty",
    "mask",
    "parse",
    "shown",
    "to_plain",
]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value read, with what was noticed. After an error ``value`` is None."""

    value: Value
    faults: tuple[Fault, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether any fault is an error."""
        return bool(self.faults) and any(fault.severity == "error" for fault in self.faults)


_NOTHING = Parsed(None)


def is_empty(raw: object) -> bool:
    """Whether a cell counts as not filled in: nothing, white space only, an empty list, a table of empty cells."""
    if raw is None:
        return True
    if isinstance(raw, str):
        return not raw or raw.isspace()
    if isinstance(raw, list):
        return not raw
    return isinstance(raw, Mapping) and all(map(is_empty, raw.values()))


def parse(raw: object, spec: FieldSpec) -> Parsed:
    """Read one raw value by the field's type. An empty one gives None: whether it is required is asked elsewhere."""
    if raw is None or is_empty(raw):
        return _NOTHING
    if isinstance(raw, CellError) and raw.reason is not None:
        return Parsed(None, (Fault("wrong-type", raw.reason),))
    if spec.type == "table":
        return _table(raw, spec)
    warnings: list[Fault] = []
    try:
        if isinstance(raw, str):
            refuse_illegal(raw)
        elif isinstance(raw, int | float | Decimal) and not is_writable(raw):
            raise wrong(raw, spec, msg("a plain number"))
        return Parsed(READERS[spec.type](raw, spec, warnings), tuple(warnings))
    except Refusal as refusal:
        return Parsed(None, (refusal.fault,))


def _table(raw: object, spec: FieldSpec) -> Parsed:
    """Rows as a list of tables or lists, or one cell: rows by line (else by ;), columns by | in the form's order."""
    if isinstance(raw, str):
        lines = raw.splitlines() if "\n" in raw.strip() else re.split("[;；]", raw)
        raw = [re.split("[|｜]", line) for line in lines]
    if not isinstance(raw, list):
        return Parsed(None, (wrong(raw, spec, msg("a table")).fault,))
    rows: list[dict[str, Scalar]] = []
    faults: list[Fault] = []
    for line, item in enumerate(raw, 1):
        cells, found = _cells(item, spec)
        faults += [replace(fault, line=line) for fault in found]
        if all(map(is_empty, cells.values())):
            continue
        row: dict[str, Scalar] = {}
        for column in spec.columns:
            given = cells.get(column.key)
            parsed = parse(column.default if is_empty(given) else given, column)
            faults += [replace(fault, line=line, column=column) for fault in parsed.faults]
            if parsed.value is None and not parsed.refused and column.required:
                faults.append(Fault("required", msg("Not filled in."), line=line, column=column))
            row[column.key] = None if isinstance(parsed.value, list) else parsed.value
        rows.append(row)
    if rows and len(rows) < spec.min_rows:
        faults.append(
            Fault("range", msg("{count} rows; at least {limit} are needed.", count=len(rows), limit=spec.min_rows))
        )
    if spec.max_rows is not None and len(rows) > spec.max_rows:
        faults.append(Fault("range", msg("{count} rows; at most {limit} fit.", count=len(rows), limit=spec.max_rows)))
    refused = any(fault.severity == "error" for fault in faults)
    return Parsed(None if refused or not rows else rows, tuple(faults))


def _cells(item: object, spec: FieldSpec) -> tuple[dict[str, object], list[Fault]]:
    if not isinstance(item, Mapping):
        cells = list(item) if isinstance(item, list) else [item]
        if len(cells) > len(spec.columns):
            many = msg("{count} columns; the table has {limit}.", count=len(cells), limit=len(spec.columns))
            return {}, [Fault("wrong-type", many)]
        return dict(zip([column.key for column in spec.columns], cells, strict=False)), []
    names = {plain_heading(name): column.key for column in spec.columns for name in (column.label, column.key)}
    found: dict[str, object] = {}
    faults = []
    for name, cell in item.items():
        key = names.get(plain_heading(str(name)))
        if key is None:
            known = listed(column.label for column in spec.columns)
            faults.append(
                Fault("unknown-field", msg("{name} is no column; known: {columns}.", name=name, columns=known))
            )
        elif key in found:
            faults.append(Fault("duplicate", msg("{name} is given twice.", name=name)))
        else:
            found[key] = cell
    return found, faults
