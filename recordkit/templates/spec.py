"""A form as frozen values: its fields, rules, roles and papers. ``spec_reader`` makes them from ``form.toml``."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

FieldType = Literal[
    "text",
    "integer",
    "decimal",
    "money",
    "date",
    "instant",
    "choice",
    "phone",
    "id_number",
    "uscc",
    "calibre",
    "account",
    "table",
    "yes_no",
    "person",
]
Stage = Literal["before", "onsite"]

CONTEXT_NAMES = frozenset(
    {"number", "文书编号", "company", "单位名称", "office", "经办机构", "issue_date", "签发日期", "form_name"}
)
"""Names every template gets besides its fields; a field of that name would silently replace them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field of a form, or one column of a table.

    Attributes:
        key: ASCII snake_case name used by programs.
        label: the name people read; unique in the form and usable in a template as ``{{ label }}``.
        type: how the value is read and shown; see ``fieldtypes``.
        stage: ``before`` printing or ``onsite``, handwritten and keyed in when the paper returns.
        required: default true before, false onsite or where ``required_if`` is given.
        required_if: expression over keys; the field is required when it is true.
        default: plain value for an empty cell; "" for none.
        min, max: bounds of a number, included unless ``exclusive_min``.
        places: decimal places allowed.
        pattern: regular expression for the whole value.
        max_length: in characters.
        sensitive: mask the value in messages.
        blank: full-width blanks printed for an onsite field; 0 for an empty cell.
        columns, min_rows, max_rows: of a table.
        propose: where a value may come from that need not be asked (``proposing``); the first that gives one counts.
        refers: ids of forms, the number of whose document stands here; what that document holds is proposed.
    """

    key: str
    label: str
    label_en: str = ""
    type: FieldType = "text"
    stage: Stage = "before"
    required: bool = True
    required_if: str = ""
    default: Any = ""
    choices: tuple[str, ...] = ()
    min: Decimal | None = None
    max: Decimal | None = None
    exclusive_min: bool = False
    places: int | None = None
    pattern: str = ""
    max_length: int | None = None
    unit: str = ""
    example: Any = ""
    help: str = ""
    sensitive: bool = False
    blank: int = 12
    columns: tuple[FieldSpec, ...] = ()
    min_rows: int = 0
    max_rows: int | None = None
    propose: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()

    @property
    def is_masked(self) -> bool:
        """Whether messages may show the value only masked: identity numbers and phones always."""
        return self.sensitive or self.type in {"id_number", "phone", "person"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """A condition over several fields; ``check`` is an expression that must be true."""

    check: str
    message: str
    fields: tuple[str, ...] = ()
    level: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentSpec:
    """A paper that belongs to the document; ``when`` is an expression, empty for always."""

    name: str
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """Another document that must be there before this one is issued.

    Attributes:
        needs: id of the form whose document is needed.
        number: key of the field that names that document's number; it is then looked up by its number.
        same: keys of the fields that must agree in both; without ``number`` the account must be among them.
        state: ``returned``, its signed paper is filed, or ``issued``, it was handed out at least.
        when: expression over this form's fields; the gate stands only where it is true. Empty for always.
        where: expression over the needed document's fields, on-site values that were keyed in included.
        within_days: how old the needed document may be, counted from its day of issue; None for any age.
        level: ``error`` refuses the row, ``warning`` does not; the setting documents.gates may override it.
        message: what to tell; a standard text when empty.
    """

    needs: str
    number: str = ""
    same: tuple[str, ...] = ()
    state: Literal["issued", "returned"] = "returned"
    when: str = ""
    where: str = ""
    within_days: int | None = None
    level: Literal["error", "warning"] = "warning"
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpec:
    """Keys of the fields that feed the catalogue. ``meters`` may name a table or ``table.column``."""

    date: str
    account: str = ""
    party: str = ""
    address: str = ""
    phone: str = ""
    meters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FormSpec:
    """A checked form. All references inside it point at fields that exist.

    Attributes:
        kind: a ``document`` is issued under a number; a ``listing`` is the look of a printed catalogue: it has no
            number, no class and no roles.
    """

    id: str
    name: str
    version: str
    number: str
    title: str
    roles: RoleSpec
    fields: tuple[FieldSpec, ...]
    kind: Literal["document", "listing"] = "document"
    name_en: str = ""
    record_class: str = ""
    access: Literal["open", "restricted"] = "open"
    numbering_date: str = ""
    file_name: str = "{number}"
    note: str = ""
    rules: tuple[RuleSpec, ...] = ()
    attachments: tuple[AttachmentSpec, ...] = ()
    gates: tuple[GateSpec, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, FieldSpec]:
        """Fields under both key and label."""
        return MappingProxyType({name: one for one in self.fields for name in (one.label, one.key)})

    @cached_property
    def by_heading(self) -> Mapping[str, FieldSpec]:
        """Fields under key and label as ``plain_heading`` writes them."""
        return MappingProxyType({plain_heading(name): one for name, one in self.by_name.items()})

    def referred(self, one: FieldSpec) -> tuple[str, ...]:
        """Ids of the forms whose document a field names by its number, as the field or a gate says."""
        return (*one.refers, *(gate.needs for gate in self.gates if gate.number == one.key))

    def of_stage(self, stage: Stage) -> tuple[FieldSpec, ...]:
        """The fields filled in at that stage, in the form's order."""
        return tuple(one for one in self.fields if one.stage == stage)


def plain_heading(heading: str) -> str:
    """A column heading without what people vary: width, case, spaces, a trailing star or colon."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return re.sub(r"\s+", "", text).strip("*:")


def placeholders(text: str) -> tuple[str, ...]:
    """Names in the braces of a title or file name, in order.

    Raises:
        ValueError: a stray brace, or more than a name in braces.
    """
    names = []
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError(name)
        names.append(name)
    return tuple(names)
