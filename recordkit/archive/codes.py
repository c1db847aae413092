"""Printed codes found on the picture of a page, ours and others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from recordkit.templates.code import PrintedCode, decode

if TYPE_CHECKING:
    from PIL import Image

    from recordkit.archive.pdf import GreyImage


@dataclass(frozen=True, slots=True)
class PageCode:
    """A code seen on a page.

    Attributes:
        page: 1-based.
        payload: what the code says, ours or not.
        printed: the payload understood; None for a foreign code.
        kind: QRCode, Code128, or text when it stood in the page's embedded text.
        turned: degrees clockwise (0, 90, 180, 270) by which the page must be turned to set the code upright.
    """

    page: int
    payload: str
    printed: PrintedCode | None
    kind: Literal["QRCode", "Code128", "text"]
    turned: int = 0


def find_codes(image: GreyImage, page: int) -> tuple[PageCode, ...]:
    """QR codes and Code 128 on a picture, each payload once per kind.

    A noisy scan is tried again smoothed, then enlarged, until one of our codes shows.
    """
    import zxingcpp
    from PIL import Image, ImageFilter

    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128])
    picture = Image.fromarray(image)
    found: dict[tuple[str, str], PageCode] = {}
    attempts: tuple[Callable[[], Image.Image], ...] = (
        lambda: picture,
        lambda: picture.filter(ImageFilter.MedianFilter(3)),
        lambda: picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.BICUBIC),
    )
    for attempt in attempts:
        for barcode in zxingcpp.read_barcodes(attempt(), formats=formats):
            kind: Literal["QRCode", "Code128"] = "Code128"
            if barcode.format == zxingcpp.BarcodeFormat.QRCode:
                kind = "QRCode"
            turned = round(-barcode.orientation / 90) % 4 * 90
            code = PageCode(page, barcode.text, decode(barcode.text), kind, turned)
            found.setdefault((kind, barcode.text), code)
        if any(code.printed for code in found.values()):
            break
    return tuple(found.values())
