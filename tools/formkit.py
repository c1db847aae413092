"""Small kit for drawing Chinese office forms in WordprocessingML.

Lengths are millimetres unless a name says otherwise; font sizes are points. Line spacing is always fixed (固定值):
line heights differ by up to a third between the fonts that stand in for 仿宋, 宋体 and 黑体, and a form that grows to a
second page on another machine is spoiled paper. Every style and run names its East Asian font, which python-docx
alone does not do.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.oxml import parse_xml
from docx.shared import Mm
from docx.text.paragraph import Paragraph
from PIL import Image, ImageDraw

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
HEI = "黑体"
SONG = "宋体"
FANG = "仿宋_GB2312"
KAI = "楷体_GB2312"
LATIN = "Times New Roman"
FORMS = Path(__file__).resolve().parent.parent / "forms"
DAY = "　　　　年　　月　　日"
MOMENT = "　　年　　月　　日　　时　　分"

PAGE_WIDTH, PAGE_HEIGHT = 210.0, 297.0
SIDE_MARGIN = 24.0
TEXT_WIDTH = PAGE_WIDTH - 2 * SIDE_MARGIN
FIXED_TIME = datetime(2026, 11, 1, 8, 0, 0)
# The rest of python-docx's own package (thumbnail, a second styles part of 400 KB) would go into every document.
KEPT_RELATIONSHIPS = ("styles", "settings", "theme", "header", "footer", "image")

_STYLES = f"""<w:styles xmlns:w="{W}">
<w:docDefaults><w:rPrDefault><w:rPr>
<w:rFonts w:ascii="{LATIN}" w:hAnsi="{LATIN}" w:cs="{LATIN}" w:eastAsia="{SONG}"/>
<w:kern w:val="2"/><w:sz w:val="21"/><w:szCs w:val="21"/><w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/>
</w:rPr></w:rPrDefault><w:pPrDefault/></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/>
<w:pPr><w:widowControl w:val="0"/><w:snapToGrid w:val="0"/></w:pPr>{{song}}</w:style>
<w:style w:type="character" w:default="1" w:styleId="DefaultParagraphFont">
<w:name w:val="Default Paragraph Font"/><w:uiPriority w:val="1"/><w:semiHidden/>{{song}}</w:style>
<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:semiHidden/>{{song}}
<w:tblPr><w:tblInd w:w="0" w:type="dxa"/><w:tblCellMar><w:top w:w="0" w:type="dxa"/><w:left w:w="85" w:type="dxa"/>
<w:bottom w:w="0" w:type="dxa"/><w:right w:w="85" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style>
<w:style w:type="numbering" w:default="1" w:styleId="NoList"><w:name w:val="No List"/><w:semiHidden/></w:style>
<w:style w:type="paragraph" w:styleId="Header"><w:name w:val="header"/><w:basedOn w:val="Normal"/>{{song}}</w:style>
<w:style w:type="paragraph" w:styleId="Footer"><w:name w:val="footer"/><w:basedOn w:val="Normal"/>{{song}}</w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="FormTitle"><w:name w:val="文书标题"/>
<w:basedOn w:val="Normal"/><w:qFormat/><w:pPr><w:jc w:val="center"/></w:pPr>{{hei}}</w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="FormHeading"><w:name w:val="条标题"/>
<w:basedOn w:val="Normal"/><w:qFormat/><w:pPr><w:keepNext/></w:pPr>{{hei}}</w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="FormBody"><w:name w:val="正文条款"/>
<w:basedOn w:val="Normal"/><w:qFormat/><w:pPr><w:jc w:val="both"/></w:pPr>{{fang}}</w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="FormCell"><w:name w:val="表格文字"/>
<w:basedOn w:val="Normal"/><w:qFormat/>{{song}}</w:style>
</w:styles>"""

_SETTINGS = f"""<w:settings xmlns:w="{W}"><w:zoom w:percent="100"/><w:defaultTabStop w:val="420"/>
<w:characterSpacingControl w:val="compressPunctuation"/><w:compat><w:useFELayout/>
<w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat>
<w:themeFontLang w:val="en-US" w:eastAsia="zh-CN"/><w:decimalSymbol w:val="."/><w:listSeparator w:val=","/>
</w:settings>"""


def twips(mm: float) -> int:
    """Millimetres as twentieths of a point."""
    return round(mm * 1440 / 25.4)


def fonts(font: str, size: float, bold: bool = False, latin: str = LATIN) -> str:
    """Run properties naming the font for every script."""
    weight = "<w:b/><w:bCs/>" if bold else ""
    half = round(size * 2)
    return (
        f'<w:rPr><w:rFonts w:ascii="{latin}" w:hAnsi="{latin}" w:cs="{latin}" w:eastAsia="{font}" w:hint="eastAsia"/>'
        f'{weight}<w:sz w:val="{half}"/><w:szCs w:val="{half}"/></w:rPr>'
    )


def run(text: str, font: str, size: float, bold: bool = False) -> str:
    """One run; a tab character becomes a tab stop."""
    # A box to tick at the start of a line would otherwise be taken from the Latin font, smaller than its neighbours.
    latin = font if "□" in text else LATIN
    parts = [f'<w:t xml:space="preserve">{escape(part)}</w:t>' if part else "" for part in text.split("\t")]
    return f"<w:r>{fonts(font, size, bold, latin)}{'<w:tab/>'.join(parts)}</w:r>"


def runs(text: str, font: str, size: float) -> str:
    """Runs of a text in which ``**...**`` marks a term that must stand out (黑体加粗, 民法典第四百九十六条)."""
    made = []
    for place, piece in enumerate(text.split("**")):
        if piece:
            made.append(run(piece, HEI, size, bold=True) if place % 2 else run(piece, font, size))
    return "".join(made)


def field(code: str, font: str, size: float) -> str:
    """A Word field such as PAGE, with a first value that Word and LibreOffice recompute."""
    look = fonts(font, size)
    return (
        f'<w:r>{look}<w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r>{look}<w:instrText xml:space="preserve"> {code} </w:instrText></w:r>'
        f'<w:r>{look}<w:fldChar w:fldCharType="separate"/></w:r><w:r>{look}<w:t>1</w:t></w:r>'
        f'<w:r>{look}<w:fldChar w:fldCharType="end"/></w:r>'
    )


def para(
    text: str = "",
    *,
    font: str = FANG,
    size: float = 12,
    line: float = 22,
    align: str = "both",
    indent: float = 0,
    left: float = 0,
    before: float = 0,
    after: float = 0,
    style: str = "FormBody",
    keep_next: bool = False,
    tabs: Sequence[tuple[str, float]] = (),
    inner: str | None = None,
) -> str:
    """A paragraph.

    Args:
        text: text with ``**bold**`` marks; ignored when ``inner`` is given.
        font: East Asian font.
        size: font size.
        line: fixed line height; 0 leaves it automatic, which a line holding a picture needs.
        align: both, left, center or right.
        indent: first line indent in characters of this size.
        left: left indent in mm.
        before: space before in points.
        after: space after in points.
        style: paragraph style id.
        keep_next: keep on the page of the next paragraph.
        tabs: (kind, position in mm).
        inner: ready-made runs.
    """
    stops = "".join(f'<w:tab w:val="{kind}" w:pos="{twips(at)}"/>' for kind, at in tabs)
    rule = f' w:line="{round(line * 20)}" w:lineRule="exact"' if line else ' w:line="240" w:lineRule="auto"'
    first = (
        f' w:firstLineChars="{round(indent * 100)}" w:firstLine="{round(indent * size * 20)}"' if indent else ""
    )
    properties = (
        f'<w:pPr><w:pStyle w:val="{style}"/>{"<w:keepNext/>" if keep_next else ""}'
        '<w:widowControl w:val="0"/>'
        f"{f'<w:tabs>{stops}</w:tabs>' if stops else ''}"
        f'<w:snapToGrid w:val="0"/><w:spacing w:before="{round(before * 20)}" w:after="{round(after * 20)}"{rule}/>'
        f'<w:ind w:left="{twips(left)}"{first}/><w:jc w:val="{align}"/>{fonts(font, size)}</w:pPr>'
    )
    return f"<w:p>{properties}{inner if inner is not None else runs(text, font, size)}</w:p>"


def tag(text: str) -> str:
    """A paragraph that holds only a paragraph tag such as ``{%p if ... %}`` and vanishes on rendering."""
    return para(text, size=10.5, line=12)


@dataclass(frozen=True, slots=True)
class Cell:
    """One table cell.

    Attributes:
        text: lines separated by newlines; ``**bold**`` marks allowed.
        span: grid columns covered.
        align: left, center, right or both.
        font: East Asian font.
        size: font size.
        line: fixed line height.
        top: contents stand at the top, not in the middle.
        merge: ``start`` or ``go`` for a cell merged downwards.
        borders: drawn borders; a cell of a signature block has none.
        raw: ready-made paragraphs instead of text.
    """

    text: str = ""
    span: int = 1
    align: str = "left"
    font: str = SONG
    size: float = 10.5
    line: float = 16
    top: bool = False
    merge: str = ""
    borders: bool = True
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One table row; ``height`` in mm is a minimum, or exact when ``exact``."""

    cells: tuple[Cell, ...]
    height: float = 8.5
    exact: bool = False
    header: bool = False


def label(text: str, span: int = 1, **more: Any) -> Cell:
    """A centred cell naming what the next cell holds."""
    return Cell(text, span, align=more.pop("align", "center"), font=more.pop("font", HEI), **more)


def value(text: str = "", span: int = 1, **more: Any) -> Cell:
    """A cell holding a value or left empty for handwriting."""
    return Cell(text, span, **more)


def row(*cells: Cell, height: float = 8.5, header: bool = False) -> Row:
    """A row of cells."""
    return Row(tuple(cells), height=height, header=header)


def tag_row(text: str, columns: int) -> Row:
    """A row that holds only a row tag such as ``{%tr for ... %}`` and vanishes on rendering."""
    return Row((Cell(text, columns),), height=4)


def _cell_xml(cell: Cell, width: int) -> str:
    merge = {"start": '<w:vMerge w:val="restart"/>', "go": "<w:vMerge/>", "": ""}[cell.merge]
    span = f'<w:gridSpan w:val="{cell.span}"/>' if cell.span > 1 else ""
    none = "".join(f'<w:{side} w:val="nil"/>' for side in ("top", "left", "bottom", "right"))
    edges = "" if cell.borders else f"<w:tcBorders>{none}</w:tcBorders>"
    body = cell.raw or "".join(
        para(
            text,
            font=cell.font,
            size=cell.size,
            line=cell.line,
            align=cell.align,
            style="FormCell",
            before=4 if cell.top else 0,
        )
        for text in cell.text.split("\n")
    )
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{span}{merge}{edges}'
        f'<w:vAlign w:val="{"top" if cell.top else "center"}"/></w:tcPr>{body}</w:tc>'
    )


def table(widths: Sequence[float], rows: Iterable[Row], *, borders: bool = True, padding: bool = True) -> str:
    """A table of fixed layout, centred, over grid columns of the given widths in mm.

    Raises:
        ValueError: a row's spans do not add up to the grid.
    """
    grid = [twips(width) for width in widths]
    lines = []
    for line in rows:
        if sum(cell.span for cell in line.cells) != len(grid):
            raise ValueError(f"row {[cell.text for cell in line.cells]} does not fill {len(grid)} columns")
        made, at = [], 0
        for cell in line.cells:
            made.append(_cell_xml(cell, sum(grid[at : at + cell.span])))
            at += cell.span
        rule = "exact" if line.exact else "atLeast"
        head = "<w:tblHeader/>" if line.header else ""
        lines.append(
            f'<w:tr><w:trPr><w:cantSplit/><w:trHeight w:val="{twips(line.height)}" w:hRule="{rule}"/>{head}</w:trPr>'
            f"{''.join(made)}</w:tr>"
        )
    edge = 'w:val="single" w:sz="{}" w:space="0" w:color="000000"' if borders else 'w:val="nil"'
    outer, inner = edge.format(8), edge.format(4)
    sides = "".join(f"<w:{side} {outer}/>" for side in ("top", "left", "bottom", "right"))
    sides += f"<w:insideH {inner}/><w:insideV {inner}/>"
    none = "".join(f'<w:{side} w:w="0" w:type="dxa"/>' for side in ("top", "left", "bottom", "right"))
    margins = "" if padding else f"<w:tblCellMar>{none}</w:tblCellMar>"
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in grid)
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(grid)}" w:type="dxa"/><w:jc w:val="center"/>'
        f"<w:tblBorders>{sides}</w:tblBorders>"
        f'<w:tblLayout w:type="fixed"/>{margins}</w:tblPr><w:tblGrid>{columns}</w:tblGrid>{"".join(lines)}</w:tbl>'
    )


def placeholder(width: int, height: int, text: str) -> io.BytesIO:
    """A grey frame standing where the renderer puts the real code; deliberately unreadable by a scanner."""
    picture = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((2, 2, width - 3, height - 3), outline=150, width=3)
    pen.text((12, height // 2 - 6), text, fill=120)
    out = io.BytesIO()
    picture.save(out, "PNG")
    out.seek(0)
    return out


def _fill(parent: Any, blocks: Iterable[str]) -> None:
    for child in list(parent):
        if child.tag != f"{{{W}}}sectPr":
            parent.remove(child)
    ending = parent.find(f"{{{W}}}sectPr")
    for block in blocks:
        element = parse_xml(re.sub(r"^<w:(\w+)", rf'<w:\1 xmlns:w="{W}"', block))
        if ending is None:
            parent.append(element)
        else:
            ending.addprevious(element)


def _header(section: Any) -> None:
    header = section.header
    header.is_linked_to_previous = False
    company = para("{{ 单位名称 }}", font=HEI, size=12, line=16, align="left", style="Header")
    picture = para(line=0, align="right", style="Header", inner="")
    codes = Row(
        (Cell(raw=company, borders=False), Cell(raw=picture, borders=False), Cell(raw=picture, borders=False)), 18.5
    )
    # No cell padding: a picture wider than its cell is cut off, and a code without its edge cannot be read.
    widths = (TEXT_WIDTH - 63 - 24, 63, 24)
    rule = para(font=SONG, size=2, line=3, style="Header", inner="")
    rule = rule.replace(
        "<w:snapToGrid",
        '<w:pBdr><w:bottom w:val="single" w:sz="6" w:space="0" w:color="000000"/></w:pBdr><w:snapToGrid',
    )
    _fill(header._element, (table(widths, [codes], borders=False, padding=False), rule))
    row_cells = header.tables[0].rows[0].cells
    for cell, name, size, pixels in (
        (row_cells[1], "code128", (62, 9), (732, 106)),
        (row_cells[2], "qr", (18, 18), (213, 214)),
    ):
        paragraph: Paragraph = cell.paragraphs[0]
        shape = paragraph.add_run().add_picture(
            placeholder(*pixels, f"recordkit {name}"), width=Mm(size[0]), height=Mm(size[1])
        )
        for side in ("distT", "distB", "distL", "distR"):
            # Left out, LibreOffice takes 3 mm, pushes the picture out of its cell and cuts the code's last bars.
            shape._inline.set(side, "0")
        shape._inline.docPr.set("descr", f"recordkit:{name}")
        shape._inline.docPr.set("name", name)


def _footer(section: Any) -> None:
    footer = section.footer
    footer.is_linked_to_previous = False
    inner = (
        run("文书编号：{{ 文书编号 }}\t第 ", SONG, 9)
        + field("PAGE", SONG, 9)
        + run(" 页  共 ", SONG, 9)
        + field("NUMPAGES", SONG, 9)
        + run(" 页", SONG, 9)
    )
    foot = para(
        font=SONG, size=9, line=13, align="left", style="Footer", tabs=(("right", TEXT_WIDTH),), inner=inner
    )
    _fill(footer._element, (foot,))


def _prune(document: Any) -> None:
    """Drops the parts of python-docx's package that a form does not use (thumbnail, second styles part, custom XML)."""
    for owner in (document.part, document.part.package):
        for key, relation in list(owner.rels.items()):
            kind = relation.reltype.rsplit("/", 1)[-1]
            if kind not in KEPT_RELATIONSHIPS and kind not in ("officeDocument", "core-properties"):
                del owner.rels[key]


def _replace(element: Any, xml: str) -> None:
    made = parse_xml(xml)
    for child in list(element):
        element.remove(child)
    for child in list(made):
        element.append(child)


def fixed_zip(data: bytes, replace: dict[str, bytes] | None = None) -> bytes:
    """The same package with fixed dates and sorted-by-origin entries, so that equal content has equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            info = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            target.writestr(info, (replace or {}).get(entry.filename, source.read(entry.filename)))
    return out.getvalue()


def save_form(path: Path, title: str, blocks: Iterable[str], *, top: float = 34, bottom: float = 18) -> None:
    """Writes a template: A4, header with the company and two codes, footer with number and pages.

    Args:
        path: where the docx goes; an existing template is replaced.
        title: title in the core properties.
        blocks: body paragraphs and tables in order.
        top: top margin in mm; the header needs 33.
        bottom: bottom margin in mm.
    """
    document: Any = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(PAGE_WIDTH), Mm(PAGE_HEIGHT)
    section.left_margin = section.right_margin = Mm(SIDE_MARGIN)
    section.top_margin, section.bottom_margin = Mm(top), Mm(bottom)
    section.header_distance, section.footer_distance = Mm(11), Mm(11)
    looks = {"song": fonts(SONG, 10.5), "hei": fonts(HEI, 12), "fang": fonts(FANG, 12)}
    _replace(document.styles.element, _STYLES.format(**looks))
    _replace(document.settings.element, _SETTINGS)
    _prune(document)
    # Word wants a paragraph after a last table.
    _fill(document.element.body, [*blocks, para(size=1, line=1, inner="")])
    _header(section)
    _footer(section)
    properties = document.core_properties
    properties.title, properties.author, properties.language = title, "recordkit", "zh-CN"
    properties.comments = properties.last_modified_by = properties.keywords = ""
    properties.created = properties.modified = FIXED_TIME
    properties.revision = 1
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


def cover_ends(landscape: bool) -> str:
    """The end of a cover: a section of its own, so that the pages behind it are counted from one."""
    width, height = (PAGE_HEIGHT, PAGE_WIDTH) if landscape else (PAGE_WIDTH, PAGE_HEIGHT)
    across = ' w:orient="landscape"' if landscape else ""
    section = (
        f'<w:sectPr><w:pgSz w:w="{round(width * 1440 / 25.4)}" w:h="{round(height * 1440 / 25.4)}"{across}/>'
        '<w:pgMar w:top="1020" w:right="1020" w:bottom="964" w:left="1020" w:header="454" w:footer="510" w:gutter="0"/>'
        "<w:titlePg/></w:sectPr>")
    return f"<w:p><w:pPr>{section}</w:pPr></w:p>"


def save_listing(path: Path, title: str, blocks: Iterable[str], *, landscape: bool, foot: str) -> None:
    """Writes the template of a printed catalogue: A4, no codes; pages are counted from one in each catalogue.

    Args:
        path: where the docx goes; an existing template is replaced.
        title: title in the core properties.
        blocks: body paragraphs and tables in order.
        landscape: how the page lies.
        foot: ``number`` of the page alone (no program but Word counts the pages of one section), ``of all`` where
            the file is one catalogue, ``none``.
    """
    document: Any = Document()
    section = document.sections[0]
    size = (PAGE_HEIGHT, PAGE_WIDTH) if landscape else (PAGE_WIDTH, PAGE_HEIGHT)
    section.page_width, section.page_height = map(Mm, size)
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin, section.bottom_margin = Mm(18), Mm(17)
    section.header_distance, section.footer_distance = Mm(8), Mm(9)
    looks = {"song": fonts(SONG, 10.5), "hei": fonts(HEI, 12), "fang": fonts(FANG, 12)}
    _replace(document.styles.element, _STYLES.format(**looks))
    _replace(document.settings.element, _SETTINGS)
    _prune(document)
    _fill(document.element.body, [*blocks, para(size=1, line=1, inner="")])
    footer = section.footer
    footer.is_linked_to_previous = False
    inner = run("第", SONG, 9) + field("PAGE", SONG, 9)
    if foot == "of all":
        inner += run("页　共", SONG, 9) + field("NUMPAGES", SONG, 9)
    inner = "" if foot == "none" else inner + run("页", SONG, 9)
    counted = parse_xml(f'<w:pgNumType xmlns:w="{W}" w:start="1"/>')
    section._sectPr.find(f"{{{W}}}pgMar").addnext(counted)
    _fill(footer._element, (para(font=SONG, size=9, line=13, align="center", style="Footer", inner=inner),))
    properties = document.core_properties
    properties.title, properties.author, properties.language = title, "recordkit", "zh-CN"
    properties.comments = properties.last_modified_by = properties.keywords = ""
    properties.created = properties.modified = FIXED_TIME
    properties.revision = 1
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


# --- what every form begins with ---------------------------------------------------------------------------------


def title(text: str, *, size: float = 22, after: float = 4) -> str:
    """The form's title."""
    return para(text, font=HEI, size=size, line=size + 8, align="center", style="FormTitle", before=2, after=after)


def number_line() -> str:
    """The document number under the title."""
    return para("{{ 文书编号 }}", font=FANG, size=12, line=18, align="center", after=4)


def blank(name: str, otherwise: str) -> str:
    """An on-site field: its value once keyed in, before that ticks or a date line for the pen."""
    return f"{{{{ {name} or '{otherwise}' }}}}"
