"""Draws the Word templates of the shipped forms: ``python tools/make_forms.py``.

The result is deterministic. An office changes a template in Word, not here; this script is how the shipped ones came
to be. Statutes named in the texts: 民法典 (2021), 城市供水条例, 城镇供水价格管理办法 (2021), GB 5749-2022, JJG 162-2019.
"""

from __future__ import annotations

from pathlib import Path

from contract_text import ARTICLES
from formkit import (
    FANG,
    HEI,
    KAI,
    SONG,
    TEXT_WIDTH,
    Cell,
    Row,
    label,
    para,
    row,
    save_form,
    table,
    tag,
    tag_row,
    value,
)

FORMS = Path(__file__).resolve().parent.parent / "forms"
DAY = "　　　　年　　月　　日"
MOMENT = "　　　　年　　月　　日　　时　　分"


def title(text: str, *, size: float = 22, after: float = 4) -> str:
    """The form's title."""
    return para(text, font=HEI, size=size, line=size + 8, align="center", style="FormTitle", before=2, after=after)


def number_line() -> str:
    """The document number under the title."""
    return para("{{ 文书编号 }}", font=FANG, size=12, line=18, align="center", after=4)


def blank(name: str, otherwise: str) -> str:
    """An on-site field: its value once keyed in, before that ticks or a date line for the pen."""
    return f"{{{{ {name} or '{otherwise}' }}}}"


def seal(day: str, *, height: float = 15) -> list[str]:
    """The company's seal and date at the right."""
    return [
        para("{{ 单位名称 }}（盖章）", size=12, line=20, align="right", before=height, keep_next=True),
        para(day, size=12, line=20, align="right", after=4),
    ]
