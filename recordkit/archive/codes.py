"""Printed codes found on the picture of a page, ours and others.

Measured at 150, 200 and 300 dpi on pages with three codes under noise, specks, blur, JPEG and one-bit scanning: the
picture as it is shows a document's code on 82 % of them, smoothed on 99 %, softened and enlarged on all. Enlarging
costs eight times as much as looking at the picture as it is, so it comes last, and where only the code of the page is
still missing, nothing but the corners is enlarged, where it is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from recordkit.templates.code import PrintedCode, decode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recordkit.archive.pdf import GreyImage

# The code of a page stands 5 to 21 mm from the edges; 3 degrees of skew move a corner of A4 by 10 mm.
_CORNER = 0.22  # of the picture's shorter side
_COLOUR = 60  # difference of the channels from which a pixel is not grey; JPEG gives grey paper up to 30
_LEAST_COLOUR = 1e-4


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


def find_codes(image: GreyImage | NDArray[np.uint8], page: int) -> tuple[PageCode, ...]:
    """QR codes and Code 128 on a picture, each payload once per kind, lying whichever way.

    Until one of our codes shows, the picture is tried again smoothed, a coloured one in its red and its blue channel,
    in which a seal or a pen vanishes, and at last enlarged. When our codes name the document only, the corners are
    searched likewise for the code that names the page.

    Args:
        image: grey values in rows and columns, or red, green and blue in a third dimension.
        page: 1-based, for the result.
    """
    search = _Search(page)
    grey = grey_of(image)
    search.look(grey, inverted=True)
    channels: Sequence[GreyImage] | None = None
    if not search.ours():
        search.try_each(search.ours, (_smoothed,), grey)
        if not search.ours():
            channels = _channels(image)
            for channel in channels:
                search.try_each(search.ours, (_as_is, _smoothed), channel)
            search.try_each(search.ours, (_enlarged,), grey)
    if search.ours() and not search.names_page():
        for corner in _corners(grey, search.turned()):
            search.try_each(search.names_page, (_smoothed, _enlarged, _much_enlarged), corner)
        for channel in (_channels(image) if channels is None else channels) if not search.names_page() else ():
            for corner in _corners(channel, search.turned()):
                search.try_each(search.names_page, (_as_is, _smoothed, _enlarged), corner)
    return tuple(search.found.values())


def turned_of(codes: Sequence[PageCode]) -> int | None:
    """Degrees clockwise that set the page upright, as most of our codes on it say; None when there is none."""
    ours = [code.turned for code in codes if code.printed]
    return max(ours, key=ours.count, default=None)


def grey_of(image: GreyImage | NDArray[np.uint8]) -> GreyImage:
    """A picture in grey; a coloured one is weighted as the eye does."""
    import numpy as np
    from PIL import Image

    return image if image.ndim == 2 else np.asarray(Image.fromarray(image).convert("L"))


def is_coloured(image: GreyImage | NDArray[np.uint8]) -> bool:
    """Whether something on the picture is coloured: a seal, a pen, not just yellowish paper."""
    if image.ndim == 2:
        return False
    part = image[::3, ::3]
    return bool((part.max(axis=2) - part.min(axis=2) > _COLOUR).mean() > _LEAST_COLOUR)


class _Search:
    """What was found on one page so far."""

    def __init__(self, page: int) -> None:
        import zxingcpp

        self._page = page
        self._zxing = zxingcpp
        self._formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128])
        self.found: dict[tuple[str, str], PageCode] = {}

    def look(self, picture: GreyImage, *, inverted: bool = False) -> None:
        """Add what one picture shows; ``inverted``: also white codes on black."""
        import numpy as np

        picture = np.ascontiguousarray(picture)
        for barcode in self._zxing.read_barcodes(picture, formats=self._formats, try_invert=inverted):
            kind: Literal["QRCode", "Code128"] = "Code128"
            if barcode.format == self._zxing.BarcodeFormat.QRCode:
                kind = "QRCode"
            turned = round(-barcode.orientation / 90) % 4 * 90
            code = PageCode(self._page, barcode.text, decode(barcode.text), kind, turned)
            self.found.setdefault((kind, barcode.text), code)

    def try_each(
        self, enough: Callable[[], bool], ways: Sequence[Callable[[GreyImage], GreyImage]], picture: GreyImage
    ) -> None:
        """Look at a picture changed in one way after the other until it is enough."""
        for way in ways:
            if enough():
                return
            self.look(way(picture))

    def ours(self) -> bool:
        """Whether a code of ours is among them (of this store or another one)."""
        return any(code.printed for code in self.found.values())

    def names_page(self) -> bool:
        """Whether one of ours says which page this is."""
        return any(code.printed and code.printed.page is not None for code in self.found.values())

    def turned(self) -> int:
        return turned_of(tuple(self.found.values())) or 0


def _corners(picture: GreyImage, turned: int) -> Iterator[GreyImage]:
    """The corners, the likeliest first: lower right, lower left, upper right, upper left of the upright page."""
    import numpy as np

    upright = np.rot90(picture, -turned // 90)
    side = max(1, round(min(upright.shape) * _CORNER))
    rows, columns = (slice(-side, None), slice(None, side)), (slice(-side, None), slice(None, side))
    for row in rows:
        for column in columns:
            # Turned back: the direction of a code is told for the page as it lies.
            yield np.rot90(upright[row, column], turned // 90)


def _channels(image: GreyImage | NDArray[np.uint8]) -> tuple[GreyImage, ...]:
    """Red and blue channel of a coloured picture: red ink is white in the one, blue ink pale in the other."""
    return (image[..., 0], image[..., 2]) if is_coloured(image) else ()


def _as_is(picture: GreyImage) -> GreyImage:
    return picture


def _smoothed(picture: GreyImage) -> GreyImage:
    """Median over 3 x 3 pixels; the edge is repeated.

    Sorting columns first leaves 18 minima and maxima over whole pictures, ten times faster than Pillow's filter.
    """
    import numpy as np

    def middle(one: GreyImage, two: GreyImage, three: GreyImage) -> GreyImage:
        return np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), three))

    def side_by_side(rows: GreyImage) -> tuple[GreyImage, GreyImage, GreyImage]:
        return rows[:, :-2], rows[:, 1:-1], rows[:, 2:]

    padded = np.pad(picture, 1, mode="edge")
    above, here, below = padded[:-2], padded[1:-1], padded[2:]
    low, high = np.minimum(above, here), np.maximum(above, here)
    low, mid, high = np.minimum(low, below), np.maximum(low, np.minimum(high, below)), np.maximum(high, below)
    one, two, three = side_by_side(low)
    highest_low = np.maximum(np.maximum(one, two), three)
    one, two, three = side_by_side(high)
    lowest_high = np.minimum(np.minimum(one, two), three)
    return middle(highest_low, middle(*side_by_side(mid)), lowest_high)


def _enlarged(picture: GreyImage) -> GreyImage:
    """Softened over 3 x 3 pixels and twice as large."""
    import numpy as np
    from PIL import Image, ImageFilter

    soft = Image.fromarray(np.ascontiguousarray(picture)).filter(ImageFilter.BoxBlur(1))
    return np.asarray(soft.resize((soft.width * 2, soft.height * 2), Image.Resampling.BICUBIC))


def _much_enlarged(picture: GreyImage) -> GreyImage:
    """Three times as large: blurred modules part."""
    import numpy as np
    from PIL import Image

    plain = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(plain.resize((plain.width * 3, plain.height * 3), Image.Resampling.BILINEAR))
