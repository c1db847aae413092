"""How a value gets into a part: escaped, or marked as markup, and checked where only some texts are allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.templates.proof import ATTRIBUTE_FILTER, DRAWING_FILTER, STRUCTURE_FILTER

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_COLOURS = {"w:shd w:fill", "w:shd w:color", "w:color w:val"}


class PartContext(Context):
    """Jinja's context, with what one document needs while it is made."""

    marks: Marks


@dataclass(slots=True)
class Marks:
    """What one document needs while it is made: drawing ids in and outside the body, and whether a value was markup."""

    drawing: Callable[[], int]
    outside: Callable[[], int]
    markup: bool = False


class ForDocxtpl(Exception):
    """A value that only docxtpl can place: a picture or a document of its own."""

    def __init__(self, template: Any) -> None:
        super().__init__()
        self.template = template


def strict_environment(environment: SandboxedEnvironment) -> SandboxedEnvironment:
    """The caller's environment with our rules on top."""
    shown = environment.finalize
    strict = issubclass(environment.undefined, StrictUndefined)

    def finalize(context: Context, value: Any) -> object:
        if type(value) is str:
            return value
        if shown is not None:
            value = shown(value)
        if value is None:
            return ""
        if type(value) is str or type(value) is int:
            return value
        return _marked(context, value)

    prepared = environment.overlay(
        autoescape=True,
        undefined=environment.undefined if strict else StrictUndefined,
        finalize=pass_context(finalize),
    )
    prepared.context_class = PartContext
    prepared.filters = {
        # Without it, since map and select call filters by a name that no look at the tree finds.
        **{name: one for name, one in environment.filters.items() if name != "safe"},
        ATTRIBUTE_FILTER: pass_context(lambda context, value, kind: _in_attribute(context, finalize, value, kind)),
        STRUCTURE_FILTER: pass_context(lambda context, value, place: _in_structure(context, finalize, value, place)),
        DRAWING_FILTER: pass_context(lambda context, body: _Done(
            context.marks.drawing() if body else context.marks.outside())),
    }
    return prepared


def _marked(context: Context, value: Any) -> object:
    """A value that is no plain text: markup is remembered, so that the part is read strictly."""
    if type(value) is _Done:
        return value
    if hasattr(value, "__html__"):
        marks = getattr(context, "marks", None)
        if type(value).__module__.startswith("docxtpl.") and hasattr(value, "tpl") and marks is not None:
            raise ForDocxtpl(value.tpl)
        if marks is not None:
            marks.markup = True
    return value


class _Done(Markup):
    """Text that one of our filters has made ready."""

    __slots__ = ()


def _in_attribute(context: Context, finalize: Callable[..., object], value: object, kind: str) -> _Done:
    text = str(escape(finalize(context, value)))
    if kind in _COLOURS and not re.fullmatch("[0-9A-Fa-f]{6}|auto|", text):
        raise InputRefused(msg("{value} is no colour; give six hexadecimal digits such as FFFF00.", value=text[:40]))
    if kind == "w:gridSpan w:val" and not re.fullmatch("[1-9][0-9]{0,2}", text):
        raise InputRefused(msg("{value} is no number of columns.", value=text[:40]))
    # A reader turns a bare tab or line break in an attribute into a space.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _Done(text.replace("\n", "&#10;").replace("\t", "&#9;"))


def _in_structure(context: Context, finalize: Callable[..., object], value: object, place: str) -> object:
    """Between paragraphs, rows and runs only markup has an effect; text there would vanish from sight."""
    shown = finalize(context, value)
    if hasattr(shown, "__html__") or not str(shown).strip():
        return shown
    raise InputRefused(
        msg("Text cannot stand between paragraphs or runs ({place}).", place=place),
        msg("Take the p, r, tr or tc out of the tag where a plain text is printed."),
    )
