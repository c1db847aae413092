"""How a question of a form is worded, and what an answer means that is not the value itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from recordkit.cli.i18n import tr
from recordkit.cli.tables import columns_of
from recordkit.templates.fieldtypes import is_empty
from recordkit.templates.spec import FieldSpec

_WIDTH = 74


def help_on(field: FieldSpec, one: FieldSpec) -> Iterator[str]:
    """All that is known of a question: of a field, or of a column ``one`` of the table ``field``."""
    yield name_of(one) + " · " + tr(one.type)
    for text in (field.help, one.help if one is not field else ""):
        if text:
            yield text
    if not is_empty(one.example):
        yield tr("e.g. {example}").format(example=example_of(one))
    if one.max_length is not None:
        yield tr("At most {limit} characters.").format(limit=one.max_length)
    if one.min is not None or one.max is not None:
        yield f"{'' if one.min is None else one.min} … {'' if one.max is None else one.max}"
    yield tr("Enter: take the default or leave it empty. <: back. Ctrl-C: stop and keep the answers.")


def name_of(one: FieldSpec) -> str:
    """The label in the language of the person."""
    return one.label if tr("yes") != "yes" or not one.label_en else one.label_en


def text_of(value: object) -> str:
    """A raw or plain value as a person types it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Mapping):
        return "|".join(map(str, value.values()))
    return str(value)


def colon() -> str:
    """The sign between a label and its value."""
    return "：" if tr("yes") != "yes" else ": "


def example_of(one: FieldSpec) -> str:
    """The example as people type it: a form's author writes an instant with a T."""
    text = text_of(one.example)
    return text.replace("T", " ") if one.type == "instant" else text


def chosen(one: FieldSpec, typed: str) -> str:
    """The choice for its number; an answer that is itself a choice stays."""
    word = typed.strip()
    if one.choices and word not in one.choices and word.isdecimal() and 1 <= int(word) <= len(one.choices):
        return one.choices[int(word) - 1]
    return typed


def in_lines(words: Sequence[str]) -> Iterator[str]:
    """Words side by side, as many as a line holds."""
    line = ""
    for word in words:
        if line and columns_of(line) + columns_of(word) + 3 > _WIDTH:
            yield line
            line = ""
        line += ("   " if line else "") + word
    if line:
        yield line
