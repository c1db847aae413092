"""Strips for the backs of boxes and volumes (档案盒脊背, 案卷脊背), to be printed, cut out and pasted on.

What stands on the back of a box is that of DA/T 22-2015 (盒脊); on that of a volume what GB/T 9705-2008 and DA/T 22 put
there, with the title across the strip. Heads are the standards' own words in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from recordkit.archive.box_papers import label_lines
from recordkit.archive.boxes import BoxContent
from recordkit.archive.listings.shape import span_of
from recordkit.archive.volumes import Volume
from recordkit.settings import Settings

WIDTH_MM = 30.0
"""Of a strip: the middle one of the backs that boxes have (20, 30, 40 mm)."""
_PER_PAGE = 6
_LONG = 60
"""Characters of a title that stand in the largest letters."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a strip: its head, how high it is in mm, the size of its letters, whether it runs downwards."""

    name: str
    height: float
    size: float
    upright: bool = False


OF_BOX = (Field("全宗号", 22, 12), Field("年度", 26, 12), Field("保管期限", 26, 12),
          Field("机构（问题）", 70, 12, True), Field("起止件号", 46, 10), Field("盒号", 40, 18))
OF_VOLUME = (Field("全宗号", 22, 12), Field("案卷号", 34, 10), Field("题名", 120, 16, True), Field("起止日期", 26, 10),
             Field("件数", 16, 11), Field("保管期限", 22, 12))


def box_strip(box: BoxContent, settings: Settings) -> tuple[str, ...]:
    """What the back of a box says, in the order of ``OF_BOX``."""
    said = dict(label_lines(box, settings))
    return tuple(said[one.name] for one in OF_BOX)


def volume_strip(volume: Volume, title: str, period: str, settings: Settings) -> tuple[str, ...]:
    """What the back of a volume says, in the order of ``OF_VOLUME``."""
    return (settings.archive.fonds, volume.code, title, span_of(volume.first, volume.last).replace("-", "\n"),
            str(volume.records), period)


def strips_bytes(
    fields: Sequence[Field], strips: Sequence[Sequence[str]], progress: Callable[[int], None] | None = None
) -> bytes:
    """Six strips a page, A4 upright, each as high as its fields together; ``progress`` is told how many are made."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
    from docx.shared import Mm, Pt

    from recordkit.templates import wordpage

    document = wordpage.new_page(landscape=False, margins=(12, 15, 12, 15))
    for at in range(0, len(strips), _PER_PAGE):
        some = strips[at : at + _PER_PAGE]
        if progress is not None:
            progress(at)
        if at:
            gap = document.add_paragraph()
            gap.paragraph_format.line_spacing = Pt(1)
            gap.add_run().add_break(WD_BREAK.PAGE)
        ruled = wordpage.table(document, [WIDTH_MM] * len(some))
        for place, one in enumerate(fields):
            head, row = ruled.add_row(), ruled.add_row()
            head.height, row.height = Mm(6), Mm(one.height - 6)
            for cell, below, strip in zip(head.cells, row.cells, some, strict=True):
                wordpage.write(cell, one.name, size=8).alignment = WD_ALIGN_PARAGRAPH.CENTER
                size = one.size if len(strip[place]) <= _LONG else one.size - 5
                wordpage.write(below, strip[place], bold=one.size > 12, size=size).alignment = WD_ALIGN_PARAGRAPH.CENTER
                if one.upright:
                    _downwards(below)
            for line in (head, row):
                wordpage.untorn(line)
    return wordpage.bytes_of(document)


def _downwards(cell: Any) -> None:
    """Text that runs from top to bottom, Chinese characters upright."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    direction = OxmlElement("w:textDirection")
    direction.set(qn("w:val"), "tbRlV")
    cell._tc.get_or_add_tcPr().append(direction)
