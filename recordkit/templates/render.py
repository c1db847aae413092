"""Fills a form's Word template: compiled once, strict, escaped, sandboxed, the printed code swapped in.

What is printed for a value, and under which names, is decided here; how a template is filled, in
:mod:`recordkit.templates.compiled`.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from msgspec import structs

from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.model import Problem
from recordkit.templates import chinese
from recordkit.templates.code import PrintedCode, blank_picture, draw_code128, draw_qr
from recordkit.templates.fieldvalues import Blank, Person
from recordkit.templates.spec import FormSpec

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

    from recordkit.templates.compiled import CompiledTemplate

_STYLE = "money style"
"""Name of the money style among the values; no tag can ask for a name with a space."""
_PICTURES = {"recordkit:qr": draw_qr, "recordkit:code128": draw_code128}
_NAMESPACES = {
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What is printed besides the fields."""

    number: str
    company: str
    office: str
    issue_date: date
    money_jiao_suffix: bool = False
    money_zero_style: chinese.ZeroStyle = "after-yuan"


class Renderer:
    """One template, ready to be filled many times.

    Making one costs some 100 ms (the template is compiled), filling it well under a millisecond.
    """

    def __init__(self, spec: FormSpec, template: bytes) -> None:
        """Compile the template and find its code pictures.

        Raises:
            InputRefused: the file is not a Word document, or a tag has a mistake.
        """
        from recordkit.templates.compiled import compile_template

        self.spec = spec
        try:
            self._pictures = _code_pictures(template)
        except (zipfile.BadZipFile, KeyError, ElementTree.ParseError):
            raise InputRefused(
                msg("The template of form {form} is not a Word document.", form=spec.id),
                msg("Save it as .docx in Word or WPS."),
            ) from None
        try:
            self._compiled = compile_template(template, form_environment())
        except InputRefused as refusal:
            raise self._named(refusal) from None
        self._fields: list[tuple[str, str, bool, object]] = []
        for field in spec.fields:
            empty: object = [] if field.type == "table" else Blank(field.blank) if field.stage == "onsite" else None
            if field.type == "person" and empty is None:
                empty = Blank()
            self._fields.append((field.key, field.label, field.type == "table", empty))
        self._columns = {
            field.key: [(column.key, column.label) for column in field.columns]
            for field in spec.fields if field.type == "table"
        }
        self._blank = dict.fromkeys(self._pictures, blank_picture())

    @property
    def compiled(self) -> CompiledTemplate:
        """The template, to ask it which path it takes and why."""
        return self._compiled

    def render(self, values: Mapping[str, object], head: Letterhead, code: PrintedCode | None) -> bytes:
        """The finished .docx; the same bytes for the same values, number, date and code.

        Args:
            values: validated values by key; fields that are missing or on-site print as blanks.
            head: number, company and date.
            code: the printed code; None leaves the code pictures blank (a draft).

        Raises:
            InputRefused: the template asks for something the form does not have, a value cannot stand in a document,
                or the result would not be well-formed; ``problems`` names the fields and places.
        """
        try:
            return self._compiled.render(self.context(values, head), self._drawn(code))
        except InputRefused as refusal:
            raise self._named(refusal) from None

    def differing_parts(self, values: Mapping[str, object], head: Letterhead) -> tuple[str, ...]:
        """Parts in which the compiled document is not what docxtpl makes of the same values; empty is right.

        Raises:
            InputRefused: as :meth:`render`.
        """
        from recordkit.templates.fallback import differing_parts

        context = self.context(values, head)
        try:
            return differing_parts(self._compiled.render(context), self._compiled.render_by_docxtpl(context))
        except InputRefused as refusal:
            raise self._named(refusal) from None

    def _drawn(self, code: PrintedCode | None) -> dict[str, bytes]:
        if code is None:
            return self._blank
        payload = code.encode()
        return {part: _PICTURES[mark](payload) for part, mark in self._pictures.items()}

    def context(self, values: Mapping[str, object], head: Letterhead) -> dict[str, object]:
        """What the template's tags can ask for, by every name; values as :meth:`render` takes them."""
        context: dict[str, object] = {
            "number": head.number,
            "文书编号": head.number,
            "company": head.company,
            "单位名称": head.company,
            "office": head.office,
            "经办机构": head.office,
            "issue_date": head.issue_date,
            "签发日期": head.issue_date,
            "form_name": self.spec.name,
            _STYLE: (head.money_jiao_suffix, head.money_zero_style),
        }
        for key, label, table, empty in self._fields:
            value = values.get(key)
            if value is None:
                value = empty
            elif table and isinstance(value, list):
                columns = self._columns[key]
                value = [{name: row.get(column[0]) for column in columns for name in column} for row in value]
            context[key] = context[label] = value
        return context

    def _named(self, refusal: InputRefused) -> InputRefused:
        """The refusal with the form's name, and its problems with the labels of the fields."""
        labels = {field.key: field.label for field in self.spec.fields} | {
            field.label: field.label for field in self.spec.fields}
        keys = {field.label: field.key for field in self.spec.fields}
        problems: dict[tuple[str, str], Problem] = {}
        for one in refusal.problems:
            name = re.split(r"[.\[]", one.field)[0]
            key = keys.get(name, name)
            # A value stands under its key and its label; one finding is enough.
            problems.setdefault((one.field.replace(name, key, 1), one.code),
                                structs.replace(one, field=one.field.replace(name, key, 1), label=labels.get(name, "")))
        found = tuple(problems.values())
        what = msg("Form {form}: {what}", form=self.spec.id, what=refusal.what)
        return InputRefused(what, refusal.todo or msg(
            "Correct the tag in template.docx; 'recordkit forms show {form}' lists the fields.", form=self.spec.id),
            found)


def form_environment() -> SandboxedEnvironment:
    """The filters and the ways of printing values that every form has: 大写, 中文日期, 日期."""
    from jinja2 import StrictUndefined, pass_context

    from recordkit.templates.sandbox import Sandbox

    environment = Sandbox(autoescape=True, undefined=StrictUndefined, finalize=_display)
    environment.globals = {}

    @pass_context
    def capitals(context: Mapping[str, tuple[bool, chinese.ZeroStyle]], value: object) -> str:
        if not isinstance(value, Decimal):
            return ""
        suffix, zero_style = context[_STYLE]
        return chinese.money_in_capitals(value, jiao_suffix=suffix, zero_style=zero_style)

    environment.filters["大写"] = capitals
    environment.filters["中文日期"] = lambda value: chinese.chinese_date(value) if value else ""
    environment.filters["日期"] = lambda value: chinese.display_date(value) if value else ""
    return environment


def _display(value: object) -> object:
    """What is printed for a value that is no text.

    Raises:
        Refused: it has no printed form; as Python shows it, it must not stand in a document.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return f"{chinese.display_date(value.date())}{value:%H}时{value:%M}分"
    if isinstance(value, date):
        return chinese.display_date(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Blank):
        return str(value)
    if isinstance(value, (str, int, float, Person)) or hasattr(value, "__html__"):
        return value
    from jinja2 import Undefined

    from recordkit.templates.sandbox import Refused

    if isinstance(value, Undefined):
        return value
    kind = msg("a table or list") if isinstance(value, (list, tuple, dict)) else type(value).__name__
    raise Refused(msg("{kind} cannot be printed; name one of its parts", kind=kind))


def _code_pictures(template: bytes) -> dict[str, str]:
    """Image parts that carry a code, by zip name: found by the description of the picture."""
    found: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(template)) as package:
        for name in package.namelist():
            if not re.fullmatch(r"word/(document|header\d*|footer\d*)\.xml", name):
                continue
            marks: dict[str, str] = {}
            root = ElementTree.fromstring(package.read(name))  # noqa: S314  (the office's own template)
            for tag in ("inline", "anchor"):
                for drawing in root.iterfind(f".//wp:{tag}", _NAMESPACES):
                    description = drawing.find("wp:docPr", _NAMESPACES)
                    blip = drawing.find(".//a:blip", _NAMESPACES)
                    mark = "" if description is None else description.get("descr", "")
                    if mark in _PICTURES and blip is not None:
                        marks[str(blip.get(f"{{{_NAMESPACES['r']}}}embed"))] = mark
            if not marks:
                continue
            folder, base = posixpath.split(name)
            for relation in ElementTree.fromstring(package.read(f"{folder}/_rels/{base}.rels")):  # noqa: S314
                if relation.get("Id") in marks:
                    target = posixpath.normpath(posixpath.join(folder, str(relation.get("Target"))))
                    found[target.lstrip("/")] = marks[str(relation.get("Id"))]
    return found
