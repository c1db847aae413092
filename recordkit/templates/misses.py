"""Says where a template and its data do not meet: every missing name and every unwritable value in one pass.

This is the slow road, taken only when filling has failed. The part is compiled a second time with a line break before
each paragraph, so that Jinja's line numbers count paragraphs, and filled with stand-ins that note who asks for them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from jinja2 import ChainableUndefined, TemplateSyntaxError

from recordkit.messages import Message, msg
from recordkit.model import Problem
from recordkit.templates.sandbox import EXHAUSTED, boundless

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 does not know (production 2)."""

_TEXT_LENGTH = 40
_DEEPEST = 6


def find_unwritable(context: Mapping[str, object]) -> list[Problem]:
    """One problem for each value that holds a character no document can hold; ``field`` is its name.

    Values inside lists are named like ``rows[2].name``, counted from 1. The value itself is not shown: it may be
    sensitive, and a terminal must not meet such characters.
    """
    return [
        Problem(None, name, "", None, "character", msg("holds the character {code}, which no Word document can hold",
                                                       code=f"U+{ord(character):04X}"))
        for name, character in _unwritable(context, "", 0)
    ]


def _unwritable(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        found = ILLEGAL.search(value)
        if found is not None:
            yield name, found[0]
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _unwritable(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value, 1):
            yield from _unwritable(inner, f"{name}[{number}]", depth + 1)
    elif isinstance(getattr(value, "xml", None), str):  # docxtpl's rich texts
        yield from _unwritable(getattr(value, "xml"), name, depth + 1)  # noqa: B009


def find_missing(
    sources: Sequence[tuple[str, str]], context: Mapping[str, object], environment: SandboxedEnvironment
) -> list[Problem]:
    """Every name that the parts ask for and the context does not have, and where an expression fails otherwise.

    Args:
        sources: name and source of each part.
        context: the values.
        environment: that of the template.
    """
    found: list[Problem] = []
    for part, source in sources:
        lines = _paragraphs(source)
        noted: dict[tuple[str, int], None] = {}
        try:
            template = _twin(part, lines, environment.overlay(undefined=_recorder(part, noted)))
        except (TemplateSyntaxError, *EXHAUSTED):
            continue
        failure: tuple[Exception, int] | None = None
        try:
            for _ in template.root_render_func(template.new_context(dict(context))):
                pass
        except Exception as error:  # noqa: BLE001  (whatever a template can raise is to be told, not to be raised)
            failure = (error, _line_of(error.__traceback__, part))
        place: dict[str, list[Message]] = {}
        for name, line in noted:
            place.setdefault(name, []).append(_place(part, lines, template.get_corresponding_lineno(line)))
        for name, places in place.items():
            found.append(Problem(None, name, "", None, "unknown-name",
                                 msg("{name} has no value ({places})", name=name, places=tuple(places[:3]))))
        if failure is not None and failure[1] and not noted:
            fault = failure[0]
            told = getattr(fault, "told", None) or (boundless() if isinstance(fault, EXHAUSTED) else str(fault))
            found.append(Problem(None, "", "", None, "expression", msg(
                "{error} ({place})", error=told,
                place=_place(part, lines, template.get_corresponding_lineno(failure[1])))))
    return found


def place_of(part: str, source: str, environment: SandboxedEnvironment) -> Message | None:
    """Where the first syntax mistake of a part is."""
    lines = _paragraphs(source)
    try:
        environment.compile(environment.parse("\n".join(lines)))
    except TemplateSyntaxError as error:
        return _place(part, lines, error.lineno)
    except (ValueError, *EXHAUSTED):
        return None
    return None


def part_name(part: str) -> Message | str:
    """What a clerk calls a part of the package."""
    for beginning, name in (
        ("word/header", msg("page header")),
        ("word/footer", msg("page footer")),
        ("word/footnotes", msg("footnotes")),
        ("word/document", msg("main text")),
        ("docProps/core", msg("document properties")),
    ):
        if part.startswith(beginning):
            return name
    return part


def _paragraphs(source: str) -> list[str]:
    """The source in lines, each beginning with a paragraph."""
    return re.sub(r"<w:p(?=[ >])", "\n<w:p", source.replace("\n", " ")).split("\n")


def _twin(part: str, lines: Sequence[str], environment: Any) -> Template:
    code = environment.compile("\n".join(lines), part, part)
    made: Template = environment.template_class.from_code(environment, code, dict(environment.globals), None)
    return made


def _place(part: str, lines: Sequence[str], line: int) -> Message:
    at = min(max(line - 1, 0), len(lines) - 1)
    text = ""
    for index in (at, at - 1, at + 1):  # the line of a tag without words around it says nothing
        if 0 <= index < len(lines):
            text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", lines[index])).strip()
            if text:
                break
    before = "".join(lines[:at])
    cells = len(re.findall(r"<w:tc[ >]", before)) - before.count("</w:tc>")
    shown = text if len(text) <= _TEXT_LENGTH else text[:_TEXT_LENGTH] + "…"
    if cells > 0:
        table = len(re.findall(r"<w:tbl[ >]", before))
        return msg("{part}, table {table}: {text}", part=part_name(part), table=table, text=shown)
    return msg("{part}: {text}", part=part_name(part), text=shown)


def _line_of(traceback: TracebackType | None, part: str) -> int:
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == part:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _recorder(part: str, noted: dict[tuple[str, int], None]) -> type[ChainableUndefined]:
    """A stand-in for missing values that notes every use and lets the template go on."""

    class Recorder(ChainableUndefined):
        __slots__ = ()

        def _note(self, *_: object) -> Any:
            frame = sys._getframe(1)
            while frame is not None and frame.f_code.co_filename != part:
                frame = frame.f_back  # type: ignore[assignment]
            noted[str(self._undefined_name), frame.f_lineno if frame else 0] = None
            return self

        def __str__(self) -> str:
            self._note()
            return ""

        def __bool__(self) -> bool:
            self._note()
            return False

        def __len__(self) -> int:
            self._note()
            return 0

        def __iter__(self) -> Iterator[Any]:
            self._note()
            return iter(())

        def __eq__(self, other: object) -> bool:
            self._note()
            return False

        def __hash__(self) -> int:
            return id(self)

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _note
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = _note
        __call__ = __getitem__ = _note
        __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _note

    return Recorder
