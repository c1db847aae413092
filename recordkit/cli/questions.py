"""How a question of a form is worded, and what an answer means that is not the value itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from recordkit.cli.i18n import tr
from recordkit.cli.tables import columns_of
from recordkit.templates.fieldtypes import is_empty
from recordkit.templates.spec import FieldSpec, FormSpec, plain_heading

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


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask: a field, or one column in one row (from 0) of a table."""

    field: FieldSpec
    row: int = 0
    column: FieldSpec | None = None

    @property
    def spec(self) -> FieldSpec:
        """What is asked for: the column, or the field."""
        return self.column or self.field


def cells_of(question: Question, typed: str) -> list[tuple[Question, str]]:
    """What was typed, question by question: at the first one of a table's row the whole row may stand, ``a|b|c``."""
    columns = question.field.columns
    cells = typed.replace("｜", "|").split("|")
    if question.column is not None and question.column is columns[0] and 1 < len(cells) <= len(columns):
        cells += [""] * (len(columns) - len(cells))
        return [(Question(question.field, question.row, column), cell.strip())
                for column, cell in zip(columns, cells, strict=True)]
    answer = chosen(question.spec, typed)
    if is_empty(answer) and not is_empty(question.spec.default):
        answer = text_of(question.spec.default)
    return [(question, answer)]


def named_in(spec: FormSpec, lines: Sequence[FieldSpec], typed: str) -> list[FieldSpec]:
    """The fields that a number of the last screen or (part of) a name means."""
    if typed.isdecimal():
        return list(lines[int(typed) - 1:int(typed)]) if int(typed) else []
    word = plain_heading(typed)
    exact = spec.by_heading.get(word)
    if exact is not None and exact in lines:
        return [exact]
    return [one for one in lines if word in plain_heading(name_of(one))]
