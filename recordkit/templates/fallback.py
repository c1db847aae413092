"""docxtpl itself, made strict: for templates and values that only it can place, and to compare the compiled path with.

Its own result, but for five things that lose text or add some: values are never read by a recovering parser, footnotes
are filled once and not once per section (the second time evaluates the data), properties are not escaped twice and not
added to a file that has none, and characters that XML does not know are refused.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from jinja2.runtime import Context
from lxml import etree

from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.templates.misses import ILLEGAL, find_unwritable
from recordkit.templates.package import read_entries

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_FOOTNOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"


def render(template: bytes, bound: Any, context: Mapping[str, object], environment: SandboxedEnvironment) -> bytes:
    """Fill through docxtpl.

    Args:
        template: the .docx.
        bound: the DocxTemplate that pictures and sub-documents among the values were made with, or None.
        context: values by name.
        environment: that of the compiled template.

    Raises:
        InputRefused: a value holds a character that no document can hold.
        lxml.etree.XMLSyntaxError: the filled body is not well-formed.
        jinja2.TemplateError: the template cannot be filled.
    """
    from docxtpl import DocxTemplate

    source = bound if bound is not None else DocxTemplate(io.BytesIO(template))
    refusing = _refusing(environment, context)
    ours: dict[str, Any] = {
        "fix_tables": lambda xml: _fix_tables(source, xml),
        "render_footnotes": lambda values, env=None: _render_footnotes(source, values, env),
        "render_properties": lambda values, env=None: _render_properties(
            source, values, refusing.overlay(autoescape=False)),
    }
    for name, method in ours.items():
        setattr(source, name, method)
    try:
        source.render(dict(context), refusing, autoescape=True)
        out = io.BytesIO()
        source.save(out)
    finally:
        for name in ours:
            delattr(source, name)
    return out.getvalue()


def _refusing(environment: SandboxedEnvironment, context: Mapping[str, object]) -> SandboxedEnvironment:
    shown: Any = environment.finalize

    def finalize(inside: Context, value: object) -> object:
        value = shown(inside, value)
        if isinstance(value, str):
            value = value.replace("\r\n", "\n").replace("\r", "\n")
            if ILLEGAL.search(value.replace("\a", "").replace("\f", "")):
                raise InputRefused(
                    msg("The text holds characters that no Word document can hold."),
                    msg("Type the text of the named field anew; it was probably copied from a damaged file."),
                    find_unwritable(context),
                )
        return value

    return environment.overlay(finalize=pass_context(finalize))


def _fix_tables(source: Any, xml: str) -> Any:
    etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    return type(source).fix_tables(source, xml)


def _render_footnotes(source: Any, context: Mapping[str, object], environment: Any) -> None:
    for part in source.docx.part.package.parts:
        if part.content_type == _FOOTNOTES:
            xml = source.render_xml_part(source.patch_xml(part.blob.decode()), part, context, environment)
            part._blob = xml.encode()


def _render_properties(source: Any, values: Mapping[str, object], environment: SandboxedEnvironment) -> None:
    """The template's own properties; asked for those of a file that has none, python-docx would add its own."""
    relations = source.docx.part.package.rels.values()
    if any(one.reltype.endswith("/metadata/core-properties") for one in relations):
        type(source).render_properties(source, values, environment)


def differing_parts(ours: bytes, theirs: bytes) -> tuple[str, ...]:
    """Names of the parts in which two packages differ: XML by its canonical form (C14N), all else by its bytes.

    Drawing ids may differ: docxtpl leaves equal ones in headers.
    """
    one, other = read_entries(ours), read_entries(theirs)
    return tuple(
        name for name in sorted(one.keys() | other.keys())
        if name not in one or name not in other or _canonical(name, one[name]) != _canonical(name, other[name])
    )


def _canonical(name: str, data: bytes) -> bytes:
    if not name.endswith((".xml", ".rels")):
        return data
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    for drawing in root.iter("{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"):
        drawing.set("id", "")
    done: bytes = etree.tostring(root, method="c14n")
    return done
