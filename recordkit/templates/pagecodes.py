"""A code of its own for each page of a PDF: a QR, the readable code and 第n页 共m页 beneath, where nothing is printed.

The same PDF and the same code give the same bytes. Everything is drawn as lines and areas: an image of a QR would be
smoothed by printers, and the three Chinese characters come from strokes of our own, so that no font is needed.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

from recordkit.templates.code import PrintedCode, qr_modules

MM = 72 / 25.4
QR_MM = 16.0
"""Edge of the QR with its quiet zone."""
WIDTH_MM = QR_MM
HEIGHT_MM = QR_MM + 7.2
EDGE_MM = 5.0
"""Distance from the paper's edge: office printers leave 4.2 mm blank."""

_CLEAR_MM = 0.6
_STEP_MM = 4.0
_SCALE = 1.5  # pixels per point when looking for ink
_PAPER = 248  # grey values from here up are paper
_LINE_MM = 2.1
_PAGE_LINE_MM = 2.7
_CODE_POINTS = 5.2
_PAGE_POINTS = 6.2

# Strokes in a square of 100 units, origin at the lower left; each is a list of points.
_STROKES = {
    "第": (
        ((26, 98), (8, 76)), ((19, 86), (46, 86)), ((32, 86), (38, 72)), ((68, 98), (54, 78)), ((64, 86), (95, 86)),
        ((78, 86), (84, 72)), ((16, 64), (84, 64), (84, 46)), ((84, 46), (20, 46), (16, 28)),
        ((16, 28), (90, 28), (86, 6), (72, 8)), ((50, 64), (50, -4)), ((46, 27), (8, -2)),
    ),
    "页": (
        ((8, 92), (92, 92)), ((50, 92), (42, 76)), ((22, 76), (22, 20)), ((22, 76), (78, 76), (78, 20)),
        ((50, 62), (50, 34), (40, 14), (8, -4)), ((60, 16), (92, -4)),
    ),
    "共": (
        ((12, 70), (88, 70)), ((33, 96), (33, 34)), ((67, 96), (67, 34)), ((4, 34), (96, 34)), ((34, 20), (10, -4)),
        ((64, 20), (92, -4)),
    ),
}


@dataclass(frozen=True, slots=True)
class CodedPdf:
    """A PDF whose pages carry codes; ``without`` names the 1-based pages that had no room."""

    data: bytes
    without: tuple[int, ...]


def add_page_codes(pdf: bytes, code: PrintedCode) -> CodedPdf:
    """Put a code on each page.

    Args:
        pdf: a PDF; A4 or any size with room in a margin.
        code: of the document or of any of its pages; page and number of pages are set here.

    Raises:
        ValueError: more than 1,023 pages, which a code cannot say.
    """
    import pypdf
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    total = len(writer.pages)
    replace(code, page=1, pages=total)
    without = []
    opening = StreamObject()
    opening.set_data(b"q\n")
    before = writer._add_object(opening)
    fonts = _fonts(writer)
    places = _free_places(pdf)
    for index, place in enumerate(places):
        if place is None:
            without.append(index + 1)
            continue
        page: Any = writer.pages[index]
        if page.rotation:
            page.transfer_rotation_to_content()
        box = page.mediabox
        x, y = float(box.left) + place[0], float(box.bottom) + place[1]
        drawn = StreamObject()
        drawn.set_data(b"\nQ\n" + _drawing(replace(code, page=index + 1, pages=total), x, y))
        contents = page.get("/Contents")
        inner = contents.get_object() if contents is not None else ArrayObject()
        streams = list(inner) if isinstance(inner, ArrayObject) else [page.raw_get("/Contents")]
        # The page may leave its scale and clipping behind: ours starts from a clean state.
        page[NameObject("/Contents")] = ArrayObject(
            [before, *streams, writer._add_object(drawn.flate_encode())]
        )
        # A dictionary of its own: LibreOffice's pages may share one.
        resources = DictionaryObject(page.get("/Resources", DictionaryObject()).get_object())
        own = DictionaryObject(resources.get("/Font", DictionaryObject()).get_object())
        own.update(fonts)
        resources[NameObject("/Font")] = own
        page[NameObject("/Resources")] = resources
    out = io.BytesIO()
    writer.write(out)
    return CodedPdf(out.getvalue(), tuple(without))


def _free_places(pdf: bytes) -> list[tuple[float, float] | None]:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return [_free_place(page, *page.get_size()) for page in document]
    finally:
        document.close()


def _free_place(page: Any, width: float, height: float) -> tuple[float, float] | None:
    """Lower left corner in points of the first place that is blank paper; None when there is none.

    Args:
        page: of pdfium.
        width: of the page as it is seen, in points.
        height: the same.

    The lower right corner comes first, the left margin, where papers are punched, late.
    """
    for x, y in _places(width / MM, height / MM):
        left, bottom = (x - _CLEAR_MM) * MM, (y - _CLEAR_MM) * MM
        right, top = (x + WIDTH_MM + _CLEAR_MM) * MM, (y + HEIGHT_MM + _CLEAR_MM) * MM
        # Only this part is drawn: a hundred times faster than the page.
        area = page.render(scale=_SCALE, grayscale=True, crop=(left, bottom, width - right, height - top)).to_numpy()
        if area.min() >= _PAPER:
            return x * MM, y * MM
    return None


def _places(width: float, height: float) -> list[tuple[float, float]]:
    """Places along the edges in mm, best first."""
    right, top = width - EDGE_MM - WIDTH_MM, height - EDGE_MM - HEIGHT_MM
    if right < EDGE_MM or top < EDGE_MM:
        return []
    up = [EDGE_MM + step * _STEP_MM for step in range(int((top - EDGE_MM) // _STEP_MM) + 1)]
    along = [right - step * _STEP_MM for step in range(int((right - EDGE_MM) // _STEP_MM) + 1)]
    corners = [(right, EDGE_MM), (EDGE_MM, EDGE_MM), (right, top), (EDGE_MM, top)]
    return [
        *corners, *((right, y) for y in up), *((x, EDGE_MM) for x in along), *((x, top) for x in along),
        *((EDGE_MM, y) for y in up),
    ]


def _drawing(code: PrintedCode, x: float, y: float) -> bytes:
    """Content stream of one code with its lower left corner at ``x``, ``y`` points."""
    payload = code.encode()
    modules = qr_modules(payload)
    edge = QR_MM * MM / len(modules)
    base = y + (HEIGHT_MM - QR_MM) * MM
    parts = ["q 0 g"]
    for row, cells in enumerate(modules):
        bottom = base + (len(modules) - 1 - row) * edge
        column = 0
        while column < len(cells):
            end = column
            while end < len(cells) and cells[end]:
                end += 1
            if end > column:
                # A hair taller than a module: rows that only touch show white seams on screens.
                left, wide = x + column * edge, (end - column) * edge
                parts.append(f"{left:.3f} {bottom:.3f} {wide:.3f} {edge + 0.03:.3f} re")
            column = end + 1
    parts.append("f")
    middle = x + WIDTH_MM * MM / 2
    lines = [
        (payload[:11], "/RKc", _CODE_POINTS, 0.6), (payload[11:], "/RKc", _CODE_POINTS, 0.6),
    ]
    at = base - 0.2 * MM
    for text, font, points, per_character in lines:
        at -= _LINE_MM * MM
        left = middle - len(text) * per_character * points / 2
        parts.append(f"BT {font} {points} Tf {left:.3f} {at:.3f} Td ({text}) Tj ET")
    at -= _PAGE_LINE_MM * MM
    parts.append(_page_line(f"第{code.page}页 共{code.pages}页", middle, at))
    parts.append("Q")
    return "\n".join(parts).encode("ascii")


def _page_line(text: str, middle: float, at: float) -> str:
    """The page line in two fonts, centred on ``middle``."""
    chinese = "".join(_STROKES)
    width = sum(1.0 if one in chinese else 0.5 for one in text) * _PAGE_POINTS
    parts = [f"BT {middle - width / 2:.3f} {at:.3f} Td"]
    for one in text:
        if one in chinese:
            parts.append(f"/RKz {_PAGE_POINTS} Tf <{chinese.index(one) + 1:02X}> Tj")
        else:
            # Courier's 0.6 em squeezed to half an em, the width of a digit beside Chinese characters.
            parts.append(f"/RKc {_PAGE_POINTS} Tf 83.333 Tz ({one}) Tj 100 Tz")
    return " ".join([*parts, "ET"])


def _fonts(writer: Any) -> Any:
    """The two fonts: Courier, which every reader has, and our strokes (Type 3, ISO 32000-1, 9.6.5) with their texts."""
    from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject, StreamObject

    def name(text: str) -> NameObject:
        return NameObject(f"/{text}")

    glyphs, differences = DictionaryObject(), ArrayObject([NumberObject(1)])
    mapping = []
    for number, (character, strokes) in enumerate(_STROKES.items(), start=1):
        lines = ["110 0 0 -10 104 104 d1 7 w 1 J 1 j"]
        for (first_x, first_y), *others in strokes:
            lines.append(f"{first_x} {first_y} m " + " ".join(f"{x} {y} l" for x, y in others) + " S")
        stream = StreamObject()
        stream.set_data("\n".join(lines).encode("ascii"))
        glyphs[name(f"g{number}")] = writer._add_object(stream)
        differences.append(name(f"g{number}"))
        mapping.append(f"<{number:02X}> <{ord(character):04X}>")
    table = StreamObject()
    table.set_data(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /RK def /CMapType 2 def "
        "1 begincodespacerange <00> <FF> endcodespacerange "
        f"{len(mapping)} beginbfchar {' '.join(mapping)} endbfchar endcmap end end".encode("ascii")
    )
    chinese = DictionaryObject({
        name("Type"): name("Font"), name("Subtype"): name("Type3"),
        name("FontBBox"): ArrayObject([NumberObject(0), NumberObject(-10), NumberObject(104), NumberObject(104)]),
        name("FontMatrix"): ArrayObject([FloatObject(value) for value in ("0.009", "0", "0", "0.009", "0", "0")]),
        name("CharProcs"): glyphs,
        name("Encoding"): DictionaryObject({name("Type"): name("Encoding"), name("Differences"): differences}),
        name("FirstChar"): NumberObject(1), name("LastChar"): NumberObject(len(_STROKES)),
        name("Widths"): ArrayObject([FloatObject("111.111")] * len(_STROKES)),
        name("Resources"): DictionaryObject(), name("ToUnicode"): writer._add_object(table),
    })
    latin = DictionaryObject({
        name("Type"): name("Font"), name("Subtype"): name("Type1"), name("BaseFont"): name("Courier-Bold"),
        name("Encoding"): name("WinAnsiEncoding"),
    })
    return DictionaryObject({
        name("RKz"): writer._add_object(chinese), name("RKc"): writer._add_object(latin),
    })
