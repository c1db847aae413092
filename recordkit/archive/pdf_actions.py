"""What a PDF carries beyond its pages: scripts, actions, files inside. It is told, and never a reason to refuse.

The structures are those of ISO 32000-1, 12.6 (actions), 12.5 (annotations), 7.11.4 (embedded files), 12.7.8 (XFA).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pikepdf

KINDS = ("javascript", "launch-action", "submit-action", "embedded-files", "rich-media", "xfa")
"""What is looked for; ``submit-action`` sends a form's values away or brings values in."""

# Every name that one of the patterns below needs, and those of what hides names: object streams hold objects
# compressed. Where none stands in the bytes the file is clean, and its structure need not be walked. A name ends at a
# delimiter: the three bytes of /3D alone stand in every big picture by chance.
_MARK = re.compile(
    rb"/(?:ObjStm|Encrypt|JavaScript|JS|Launch|SubmitForm|ImportData|EmbeddedFile|FileAttachment|RichMedia|Movie"
    rb"|Sound|Screen|Rendition|RichMediaExecute|EmbeddedFiles|3D|XFA|GoTo3DView)(?![^\x00-\x20()<>\[\]{}/%#])"
)
# A name may be written with escapes: /J#61vaScript.
_ESCAPE = re.compile(rb"#[0-9A-Fa-f]{2}")
_NAME_END = re.compile(rb"/[^\x00-\x20()<>\[\]{}/%]*\Z")
_LONGEST_NAME = 127

_ACTIONS = {
    "JavaScript": "javascript",
    "Launch": "launch-action",
    "SubmitForm": "submit-action",
    "ImportData": "submit-action",
    "Rendition": "rich-media",
    "RichMediaExecute": "rich-media",
    "Movie": "rich-media",
    "Sound": "rich-media",
    "GoTo3DView": "rich-media",
}
_ANNOTATIONS = {
    "FileAttachment": "embedded-files",
    "RichMedia": "rich-media",
    "Movie": "rich-media",
    "Sound": "rich-media",
    "Screen": "rich-media",
    "3D": "rich-media",
}
_ENTRIES = {"JS": "javascript", "JavaScript": "javascript", "EmbeddedFiles": "embedded-files", "XFA": "xfa"}

# In the one form in which qpdf writes objects: names unescaped, one space between key and value.
_STRING = re.compile(rb"\((?:\\.|[^\\()])*\)", re.DOTALL)
_PAIR = re.compile(rb"/(S|Subtype|Type|JS|JavaScript|EmbeddedFiles|XFA) /?([^\s/\[\]<>()]*)")


def carried_things(path: Path) -> frozenset[str] | None:
    """Which of ``KINDS`` a PDF carries anywhere, also where no page leads to it; None when that cannot be told."""
    if not _may_carry(path):
        return frozenset()
    try:
        import pikepdf
    except ImportError:
        return _walk_slowly(path)
    try:
        with pikepdf.open(path) as pdf:
            return kinds_in(pdf)
    # qpdf and pypdf raise many kinds of errors on odd files: a fact is then unknown, which is no reason to refuse
    # the paper.
    except MemoryError:
        raise
    except Exception:
        return None


def kinds_in(pdf: pikepdf.Pdf) -> frozenset[str]:
    """The same of a document that is open."""
    return frozenset(_kinds_in(_unparsed(pdf)))


def _may_carry(path: Path) -> bool:
    data = path.read_bytes()
    return _MARK.search(data) is not None or _has_escaped_name(data)


def _has_escaped_name(data: bytes) -> bool:
    # From the rare mark backwards: to try every slash forwards takes ten times as long.
    for mark in _ESCAPE.finditer(data):
        before = data[max(0, mark.start() - _LONGEST_NAME) : mark.start()]
        if _NAME_END.search(before):
            return True
    return False


def _unparsed(pdf: Any) -> Iterator[bytes]:
    import pikepdf

    for one in pdf.objects:
        if isinstance(one, pikepdf.Stream):  # unparsed as a mere reference
            yield one.stream_dict.unparse()
        elif isinstance(one, pikepdf.Object):  # numbers and the like come as plain values
            yield one.unparse(resolved=True)


def _kinds_in(objects: Iterable[bytes]) -> Iterator[str]:
    for data in objects:
        bare = data[1:].decode("latin-1")
        if data.startswith(b"/") and bare in _ACTIONS:
            yield _ACTIONS[bare]  # /S may refer to an object that is nothing but the name
        elif b"/" in data:
            for key, value in _PAIR.findall(_STRING.sub(b"()", data)):
                kind = _kind_of(key.decode("latin-1"), value.decode("latin-1"))
                if kind is not None:
                    yield kind


def _kind_of(key: str, value: str) -> str | None:
    if key == "S":
        return _ACTIONS.get(value)
    if key == "Subtype":
        return _ANNOTATIONS.get(value)
    if key == "Type":
        return "embedded-files" if value == "EmbeddedFile" else None
    return _ENTRIES.get(key)


def _walk_slowly(path: Path) -> frozenset[str] | None:
    """The same with pypdf, for an installation without pikepdf."""
    import pypdf
    from pypdf.generic import IndirectObject

    found: set[str] = set()
    try:
        with path.open("rb") as stream:
            reader = pypdf.PdfReader(stream, strict=False)
            ids = {(number, generation) for generation, table in reader.xref.items() for number in table}
            ids |= {(number, 0) for number in reader.xref_objStm}
            waiting: list[Any] = [IndirectObject(*one, reader).get_object() for one in sorted(ids)]
            while waiting:
                one = waiting.pop()
                if isinstance(one, dict):
                    for key, value in one.items():
                        target = value.get_object() if isinstance(value, IndirectObject) else value
                        told = str(target)[1:] if isinstance(target, str) else ""
                        kind = _kind_of(str(key)[1:], told)
                        if kind is not None:
                            found.add(kind)
                        waiting.append(None if isinstance(value, IndirectObject) else value)
                elif isinstance(one, list):
                    waiting += [each for each in one if not isinstance(each, IndirectObject)]
    except MemoryError:
        raise
    except Exception:  # as above
        return None
    return frozenset(found)
