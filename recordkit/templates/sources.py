"""What docxtpl would render of a template, part by part, and the package around it as its save would write it."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordkit.messages import Message, msg
from recordkit.templates.package import read_entries

if TYPE_CHECKING:
    from docxtpl import DocxTemplate

FOOTNOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_PROPERTIES = ("author", "comments", "identifier", "language", "subject", "title")
LONGEST_PROPERTY = 255
"""Characters of a document property; python-docx refuses more."""
FIRST_OUTSIDE = 1_000_001
"""Number of the first drawing that a loop outside the body makes; the body counts from 1001."""
_DRAWING_ID = re.compile(r'(<wp:docPr\b[^>]*?\sid=["\'])([^"\']*)(["\'])')


@dataclass(slots=True)
class Source:
    """A part as docxtpl would render it: ``head`` and ``tail`` stand around ``text``."""

    name: str
    text: str
    head: str = ""
    tail: str = ""
    body: bool = False
    prefixes: frozenset[str] = frozenset()
    properties: bool = False
    unread: bytes | None = None  # the part itself, where no library has read it


@dataclass(slots=True)
class Plan:
    """A template taken apart.

    Attributes:
        entries: the whole package as saved, by name.
        sources: the parts to render, in docxtpl's order.
        unusual: why docxtpl itself has to fill this template.
    """

    entries: dict[str, bytes]
    sources: list[Source]
    unusual: list[Message]


def plan_parts(source: DocxTemplate) -> Plan:
    """What docxtpl would render, and the package as its save would write it."""
    document = source.docx
    main = document.part
    unusual: list[Message] = []
    sources: list[Source] = []
    body = source.patch_xml(source.get_xml())
    seen: set[str] = set()
    for uri in (source.HEADER_URI, source.FOOTER_URI):
        for _, part in source.get_headers_footers(uri):
            name = part.partname.lstrip("/")
            if name in seen:
                unusual.append(msg("{part} is used twice.", part=name))
            seen.add(name)
            sources.append(Source(name, source.patch_xml(source.get_part_xml(part))))
    for part in main.package.parts:
        if part.content_type == FOOTNOTES:
            sources.append(Source(part.partname.lstrip("/"), source.patch_xml(part.blob.decode()), unread=part.blob))
    sources += _properties(main)
    saved = io.BytesIO()
    document.save(saved)
    entries = read_entries(saved.getvalue())
    name = main.partname.lstrip("/")
    whole = entries[name].decode()
    start, end = whole.find("<w:body"), whole.rfind("</w:body>")
    if start < 0 or end < 0:
        unusual.append(msg("{part} has no body.", part=name))
    else:
        own = {prefix or "": uri for prefix, uri in document.element.nsmap.items()}
        body = re.sub(r"^<w:body[^>]*>", lambda found: _without_declarations(found[0], own), body)
        sources.insert(0, Source(name, body, whole[:start], whole[end + len("</w:body>"):], True,
                                  frozenset(prefix for prefix in own if prefix)))
    _number_outside(sources)
    return Plan(entries, sources, unusual)


def _without_declarations(tag: str, own: Mapping[str, str]) -> str:
    """A start tag without the namespace declarations that hold around it anyway."""
    def kept(found: re.Match[str]) -> str:
        return "" if own.get(found[1] or "") == found[2] else found[0]

    return re.sub(r'\sxmlns(?::([\w.\-]+))?="([^"]*)"', kept, tag)


def _properties(main: Any) -> list[Source]:
    """The core properties as one source; docxtpl renders six of them one by one."""
    from docx.opc.constants import RELATIONSHIP_TYPE

    try:
        part = main.package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES)
    except KeyError:
        return []  # docxtpl would make some and write the hour into them
    properties = part.core_properties
    initial = {one: getattr(properties, one) for one in _PROPERTIES}
    for one, text in initial.items():
        if len(text) <= LONGEST_PROPERTY:
            setattr(properties, one, text)
    return [Source(part.partname.lstrip("/"), part.blob.decode(), properties=True)]


def _number_outside(sources: Sequence[Source]) -> None:
    """Give drawings outside the body ids that no other drawing has; docxtpl leaves what it finds."""
    used: set[int] = set()
    free = itertools.count(1)

    def renumber(found: re.Match[str]) -> str:
        number = int(found[2]) if found[2].isdigit() else 0
        if not number or number in used or number > 1000:
            number = next(one for one in free if one not in used)
        used.add(number)
        return f"{found[1]}{number}{found[3]}"

    for source in sources:
        if not source.body and not source.properties:
            source.text = _DRAWING_ID.sub(renumber, source.text)


def number_again(text: str, fresh: Callable[[], int]) -> str:
    """A filled part outside the body with a fresh number for each drawing whose number it has already."""
    used: set[str] = set()

    def renumber(found: re.Match[str]) -> str:
        number = str(fresh()) if found[2] in used else found[2]
        used.add(number)
        return f"{found[1]}{number}{found[3]}"

    return _DRAWING_ID.sub(renumber, text)
