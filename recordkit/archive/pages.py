"""What a page's picture says: codes and text. All of it runs in child processes (see reading.py)."""

from __future__ import annotations

from pathlib import Path

from recordkit.archive import ocr as ocr_engine
from recordkit.archive.codes import PageCode, find_codes
from recordkit.archive.pdf import render_page
from recordkit.model import PageText

_DPI = 200


def embedded_text(page: int, text: str, engine: str = "pdfium") -> PageText:
    """The text of a page as its PDF has it; source ``none`` when there is none."""
    return PageText(page, text, "embedded", engine) if text else PageText(page, "", "none", "")


def read_page(path: Path, index: int, text: str, ocr: bool) -> tuple[tuple[PageCode, ...], PageText]:
    """Codes and text of the page with 0-based ``index``, from its picture; runs in a child process.

    Args:
        path: a PDF.
        index: the page.
        text: its embedded text; when there is some, the picture is searched for codes only.
        ocr: whether to read the picture when there is no embedded text.

    Raises:
        UnreadablePdf: the page cannot be rendered.
        MissingPart: RapidOCR is not installed.
    """
    import numpy as np

    page = index + 1
    image = render_page(path, index, _DPI)
    codes = find_codes(image, page)
    if text or not ocr:
        return codes, embedded_text(page, text)
    ours = [code.turned for code in codes if code.printed]
    turned = max(ours, key=ours.count, default=0)
    result = ocr_engine.read_image(np.rot90(image, -turned // 90), _DPI)
    # Our code stands upright on every paper, so it outvotes what the lines look like.
    turned = turned if ours else result.turned
    lines = "\n".join(result.lines)
    return codes, PageText(page, lines, "ocr", ocr_engine.engine_name(), result.confidence, turned)
