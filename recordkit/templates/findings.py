"""A finding about a form: what is wrong, where a person finds it in Word, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recordkit.messages import Message
from recordkit.model import Problem
from recordkit.templates.wordtext import Block, Place

Severity = Literal["error", "warning", "remark"]
TEMPLATE = "template.docx"
_AROUND = 14


@dataclass(frozen=True, slots=True)
class FormFinding:
    """One finding.

    Attributes:
        code: stable word for programs.
        severity: an ``error`` stops or falsifies a document, a ``warning`` probably harms one, a ``remark`` is good
            to know.
        field: key of the field concerned, else the file: ``template.docx``, ``form.toml: rules 2`` and the like.
        part: ``body``, ``header1``, ``textbox`` ...; empty outside the template.
        place: the place in words.
        text: the text around, on one line.
    """

    code: str
    message: Message
    severity: Severity = "error"
    field: str = TEMPLATE
    label: str = ""
    part: str = ""
    place: Message | None = None
    text: str = ""
    fix: Message | None = None


def at_place(
    place: Place,
    code: str,
    message: Message,
    fix: Message | None = None,
    severity: Severity = "error",
    *,
    text: str = "",
    field: str = TEMPLATE,
    label: str = "",
) -> FormFinding:
    """A finding at a place of the template."""
    return FormFinding(code, message, severity, field, label, place.part_id, place.words, text, fix)


def from_problem(problem: Problem) -> FormFinding:
    """A problem that another part of the program found."""
    return FormFinding(problem.code, problem.message, problem.severity, problem.field, problem.label)


def around(block: Block, start: int, end: int) -> str:
    """The text around a stretch of a paragraph, on one line."""
    text = block.text
    head = "…" if start > _AROUND else ""
    tail = "…" if end + _AROUND < len(text) else ""
    shown = text[start:end] if end - start <= 60 else text[start : start + 59] + "…"
    cut = text[max(0, start - _AROUND) : start] + shown + text[end : end + _AROUND]
    return head + " ".join(cut.split()) + tail
