"""Fills a Word template through docxtpl: strict, escaped, sandboxed, the printed code swapped in.

docxtpl prints a missing field as nothing and lets ``<`` in a value delete paragraphs; here both cannot happen
(StrictUndefined, autoescape always). The result is byte-reproducible: zip entries carry one fixed date.
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

from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.templates import chinese
from recordkit.templates.code import PrintedCode, blank_picture, draw_code128, draw_qr
from recordkit.templates.spec import FieldSpec, FormSpec

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_PICTURES = {"recordkit:qr": draw_qr, "recordkit:code128": draw_code128}
_NAMESPACES = {
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
}


@dataclass(frozen=True, slots=True)
class _Blank:
    """Stands for what is written by hand later."""

    width: int

    def __str__(self) -> str:
        return "＿" * self.width

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What is printed besides the fields."""

    number: str
    company: str
    office: str
    issue_date: date
    money_jiao_suffix: bool = False


class Renderer:
    """One template, ready to be filled many times."""

    def __init__(self, spec: FormSpec, template: bytes) -> None:
        """Find the code pictures once.

        Raises:
            InputRefused: the file is not a Word document.
        """
        self.spec = spec
        self._template = template
        try:
            self._pictures = _code_pictures(template)
        except (zipfile.BadZipFile, KeyError, ElementTree.ParseError):
            raise InputRefused(
                msg("The template of form {form} is not a Word document.", form=spec.id),
                msg("Save it as .docx in Word or WPS."),
            ) from None

    def render(self, values: Mapping[str, object], head: Letterhead, code: PrintedCode | None) -> bytes:
        """The finished .docx.

        Args:
            values: validated values by key; fields that are missing or on-site print as blanks.
            head: number, company and date.
            code: the printed code; None leaves the code pictures blank (a draft).

        Raises:
            InputRefused: the template asks for something the form does not have, or is not well-formed.
        """
        from docxtpl import DocxTemplate
        from jinja2 import TemplateError

        template = DocxTemplate(io.BytesIO(self._template))
        try:
            template.render(self._context(values, head), self._environment(head), autoescape=True)
        except TemplateError as error:
            raise InputRefused(
                msg("The template of form {form} cannot be filled: {error}", form=self.spec.id, error=error.message),
                msg("Correct the tag in template.docx; 'recordkit forms show {form}' lists the fields.",
                    form=self.spec.id),
            ) from None
        except ElementTree.ParseError as error:
            raise InputRefused(
                msg("The template of form {form} cannot be filled: {error}", form=self.spec.id, error=str(error))
            ) from None
        raw = io.BytesIO()
        template.save(raw)
        swapped = {
            part: _PICTURES[mark](code.encode()) if code else blank_picture() for part, mark in self._pictures.items()
        }
        return _repack(raw.getvalue(), swapped)

    def _context(self, values: Mapping[str, object], head: Letterhead) -> dict[str, object]:
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
        }
        for field in self.spec.fields:
            value = self._shown(field, values.get(field.key))
            context[field.key] = context[field.label] = value
        return context

    @staticmethod
    def _shown(field: FieldSpec, value: object) -> object:
        if field.type == "table" and isinstance(value, list):
            return [
                {name: row.get(column.key) for column in field.columns for name in (column.key, column.label)}
                for row in value
            ]
        if value is None and field.type == "table":
            return []
        if value is None and field.stage == "onsite":
            return _Blank(field.blank)
        return value

    @staticmethod
    def _environment(head: Letterhead) -> SandboxedEnvironment:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment

        environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined, finalize=_display)
        environment.globals = {}

        def capitals(value: object) -> str:
            if not isinstance(value, Decimal):
                return ""
            return chinese.money_in_capitals(value, jiao_suffix=head.money_jiao_suffix)

        environment.filters["大写"] = capitals
        environment.filters["中文日期"] = lambda value: chinese.chinese_date(value) if value else ""
        environment.filters["日期"] = lambda value: chinese.display_date(value) if value else ""
        return environment


def _display(value: object) -> object:
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
    return str(value) if isinstance(value, _Blank) else value


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


def _repack(package: bytes, swapped: Mapping[str, bytes]) -> bytes:
    """The same parts with some replaced, in a fixed order of the writer and with one fixed date."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, _FIXED_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            target.writestr(info, swapped.get(name) or source.read(name))
    return out.getvalue()
