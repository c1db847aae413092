"""What a page's picture says: codes and text. All of it runs in child processes (see reading.py)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recordkit.archive import ocr as ocr_engine
from recordkit.archive.codes import PageCode, find_codes, grey_of, is_coloured, turned_of
from recordkit.archive.pdf import render_colours
from recordkit.model import PageText

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recordkit.archive.pdf import ColourImage, GreyImage

_DPI = 200
_COARSE = 4  # 200 dpi to 50: single specks and the grain of the paper even out
_FAINT = 28  # grey values by which pencil differs from the paper around it; what shines through differs by less
_DARK = 110  # paper darker than this is no paper: the lid stood open
_SOLID = 7  # pixels (3.5 mm) across which only holes and dark edges are evenly dark, no stroke of a pen
_EDGE = 44  # pixels (22 mm): punched holes lie 12 mm from the edge
_CELL = 8  # pixels (4 mm): the size of a printed character
_LEAST_INK = 6  # pixels a printed character has at least; a speck of 1 mm has 4


@dataclass(frozen=True, slots=True)
class PageReading:
    """All that the picture of one page said; ``pieces`` are what OCR found, and where."""

    codes: tuple[PageCode, ...]
    text: PageText
    pieces: tuple[ocr_engine.Piece, ...] = ()


def embedded_text(page: int, text: str, engine: str = "pdfium") -> PageText:
    """The text of a page as its PDF has it; source ``none`` when there is none."""
    return PageText(page, text, "embedded", engine) if text else PageText(page, "", "none", "")


def read_page(path: Path, index: int, text: str, ocr: bool) -> PageReading:
    """Codes and text of the page with 0-based ``index``, from its picture; runs in a child process.

    Args:
        path: a PDF.
        index: the page.
        text: its embedded text; when there is some, the picture is searched for codes only.
        ocr: whether to read the picture when there is no embedded text and the page is not blank.

    Raises:
        UnreadablePdf: the page cannot be rendered.
        MissingPart: RapidOCR is not installed.
    """
    import numpy as np

    page = index + 1
    image = render_colours(path, index, _DPI)
    if not text and is_blank(grey_of(image)):
        return PageReading((), PageText(page, "", "none", "", blank=True))
    codes = find_codes(image, page)
    if text or not ocr:
        return PageReading(codes, embedded_text(page, text))
    # Our code stands upright on every paper, so it outvotes what the lines look like.
    turned = turned_of(codes)
    picture = np.rot90(without_seals(image), -(turned or 0) // 90)
    result = ocr_engine.read_image(picture, _DPI, upright=turned is not None)
    turned = result.turned if turned is None else turned
    lines = "\n".join(result.lines)
    told = PageText(page, lines, "ocr", ocr_engine.engine_name(), result.confidence, turned)
    return PageReading(codes, told, result.pieces)


def without_seals(image: ColourImage) -> GreyImage:
    """A picture in grey in which red is paler by half than the eye sees it.

    Under three seals 99.5 % of a contract's characters came out right, without this 97.8 %. The red channel alone
    does no better and would lose what is printed in red.
    """
    import numpy as np

    grey = grey_of(image)
    if not is_coloured(image):
        return grey
    return ((grey.astype(np.uint16) + image[..., 0]) // 2).astype(np.uint8)


def is_blank(picture: GreyImage) -> bool:
    """Whether a page at 200 dpi is empty paper: a back side, a sheet between two papers.

    Dust, grain, an uneven light, what shines through from the back, dark edges and punched holes do not count.
    One printed character does.
    """
    import numpy as np
    from PIL import Image, ImageFilter

    coarse = Image.fromarray(np.ascontiguousarray(picture)).reduce(_COARSE)
    width, height = coarse.size
    if min(width, height) < 4 * _CELL:
        return False
    around = coarse.reduce(24).resize(coarse.size, Image.Resampling.BILINEAR)
    if np.median(np.asarray(around)) < _DARK:
        return False
    ink = np.asarray(around).astype(np.int16) - np.asarray(coarse) > _FAINT
    dark = Image.fromarray(np.asarray(coarse) < _DARK)
    grown = dark.convert("L").filter(ImageFilter.MinFilter(_SOLID)).filter(ImageFilter.MaxFilter(_SOLID + 4))
    solid = np.asarray(grown) > 0
    solid[_EDGE:-_EDGE, _EDGE:-_EDGE] = False
    return not _has_ink_in_a_cell(ink & ~solid)


def _has_ink_in_a_cell(ink: NDArray[np.bool_]) -> bool:
    """Whether any square of 4 mm, cut at two offsets, holds as much ink as a character has."""
    # The outermost 2 mm are the scanner's: shadows of the paper's edge.
    for offset in (_CELL // 2, _CELL):
        part = ink[offset : -_CELL // 2, offset : -_CELL // 2]
        rows, columns = part.shape[0] // _CELL, part.shape[1] // _CELL
        cells = part[: rows * _CELL, : columns * _CELL].reshape(rows, _CELL, columns, _CELL).sum(axis=(1, 3))
        if (cells >= _LEAST_INK).any():
            return True
    return False
