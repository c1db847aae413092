"""Scans of destruction registers that were signed by hand: which order's register a paper is, by its printed code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordkit.errors import RefusedByRule
from recordkit.messages import Message, msg
from recordkit.model import Finding
from recordkit.templates.registercode import RegisterCode, register_codes

if TYPE_CHECKING:
    from recordkit.archive.reading import PaperReading

REGISTER_CLASS = "destruction-register"
"""Class of registers, as they are made and as they come back signed; permanent."""

REPORT_CLASS = "appraisal-report"
HANDOVER_CLASS = "handover-record"
OWN_CLASSES = (REGISTER_CLASS, REPORT_CLASS, HANDOVER_CLASS)
"""Evidence that recordkit itself files; permanent whatever the office decides (handbook ch. 8 §6, §7)."""


def require_filable(class_id: str) -> None:
    """Stop where a paper from elsewhere would be filed as evidence that recordkit makes.

    Raises:
        RefusedByRule: it would; registers signed by hand come in by their printed code, without a class.
    """
    if class_id in OWN_CLASSES:
        raise RefusedByRule(
            msg("{class_id} holds evidence that recordkit makes itself; nothing else is filed under it.",
                class_id=class_id),
            msg("Choose another class. A register that was signed by hand is recognised by its printed code: leave the "
                "class out."))


def codes_on(reading: PaperReading, store_tag: str) -> tuple[RegisterCode, ...]:
    """The codes of this store's registers on a paper, on pictures and in text, each once."""
    return register_codes((code.payload for code in reading.codes), (text.text for text in reading.texts), store_tag)


def why_no_register(codes: tuple[RegisterCode, ...], reading: PaperReading) -> Finding | None:
    """What keeps a paper with codes of registers from being filed as one; None when nothing does."""
    why: Message | None = None
    if len(codes) > 1:
        why = msg("it carries codes of {count} destruction registers; scan each on its own", count=len(codes))
    elif reading.issue_ids:
        why = msg("it carries the code of the destruction register of order {order} and the code of a document; "
                  "scan each on its own", order=codes[0].order)
    return None if why is None else Finding("several-documents", why)


def title_of(code: RegisterCode) -> str:
    """Title of the record; made by the archive, hence in square brackets (DA/T 18)."""
    return f"[档案销毁清册（手签件） {code.order}]"
