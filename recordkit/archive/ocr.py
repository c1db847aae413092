"""Reading printed Chinese from a picture with RapidOCR (PP-OCR models on onnxruntime), offline.

The models come with the wheel. One reader takes about 1 GB and one processor core; more threads per page cost more
processor time than they save, so pages, not lines, are spread over processes.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordkit.errors import missing_extra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    GreyImage = NDArray[np.uint8]
    Box = NDArray[np.float64]  # left, top, right, bottom in pixels
    Corners = NDArray[np.float64]  # pieces, four corners, x and y in pixels

# An A4 page is 2,000 pixels high at this resolution: the size at which 99.7 % of characters came out right.
_DPI = 171
# Memory grows with the area: A3 is read as it is, larger drawings are reduced to it.
_LONGEST_SIDE = 2900
_VOTERS = 16


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters as it was found on a picture: a line, or a cell of a table's row.

    Attributes:
        text: what was read.
        corners: upper left, upper right, lower right, lower left, as shares (0 to 1) of the upright picture's width
            and height from its upper left corner; not quite level on a crooked page.
        confidence: 0 to 1.
    """

    text: str
    corners: tuple[Point, Point, Point, Point]
    confidence: float


@dataclass(frozen=True, slots=True)
class OcrResult:
    """What was read on one picture.

    Attributes:
        lines: from top to bottom; pieces side by side (cells of a table row) are one line, joined by a space.
        confidence: mean over the pieces, 0 to 1; None when nothing was read.
        turned: degrees clockwise (0, 90, 180, 270) by which the picture must be turned to stand upright.
        pieces: what the lines are made of, in their order.
    """

    lines: tuple[str, ...]
    confidence: float | None
    turned: int
    pieces: tuple[Piece, ...] = ()


def require_ocr() -> None:
    """Find out cheaply whether OCR can work at all.

    Raises:
        MissingPart: RapidOCR or its runtime is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("rapidocr", "onnxruntime")):
        raise missing_extra("rapidocr", "ocr")


def engine_name() -> str:
    """Name and version of the reader, kept with every text it read."""
    return f"rapidocr {importlib.metadata.version('rapidocr')}"


def read_image(image: GreyImage, dpi: int = 200, *, upright: bool = False) -> OcrResult:
    """Read a picture of a page, whichever way it lies.

    Lines are recognised one by one and come out right even on a page that lies on its side or head; only their order
    suffers. So the page is read once, as it is, and the order is put right afterwards.

    Args:
        image: grey values, rows and columns.
        dpi: resolution of ``image``.
        upright: it is known to stand upright; nothing is turned.

    Raises:
        MissingPart: RapidOCR is not installed.
    """
    import numpy as np

    engine = _engine()
    image = _reduced(image, dpi)
    found = engine(image, use_det=True, use_cls=True, use_rec=True)
    if found.boxes is None or not len(found.boxes):
        return OcrResult((), None, 0)
    corners = np.asarray(found.boxes, dtype=np.float64)
    turned = 0
    if not upright:
        turned = 90 if _lies_on_its_side(_boxes(corners)) else 0
        image, corners = _turned(image, corners, turned)
        if _stands_on_its_head(engine, image, _boxes(corners)):
            image, corners = _turned(image, corners, 180)
            turned += 180
    corners = _in_order(corners)
    rows = _rows(_boxes(_levelled(corners)))
    corners = corners / (image.shape[1], image.shape[0])
    pieces = tuple(
        Piece(found.txts[index], _points(corners[index]), float(found.scores[index])) for row in rows for index in row
    )
    lines = tuple(" ".join(found.txts[index] for index in row) for row in rows)
    return OcrResult(lines, float(np.mean(found.scores)), turned, pieces)


@functools.cache
def _engine() -> Any:
    try:
        import onnxruntime  # noqa: F401  # RapidOCR would import without it and fail later
        from rapidocr import RapidOCR
    except ImportError as error:
        raise missing_extra("rapidocr", "ocr") from error
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.max_side_len": _LONGEST_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _reduced(image: GreyImage, dpi: int) -> GreyImage:
    import numpy as np
    from PIL import Image

    height, width = image.shape
    scale = min(_DPI / dpi, _LONGEST_SIDE / max(height, width))
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def _lies_on_its_side(boxes: Box) -> bool:
    """Whether the long pieces of text run down the picture."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    upright = width[width > 2 * height].sum()
    return bool(height[height > 2 * width].sum() > upright)


def _stands_on_its_head(engine: Any, image: GreyImage, boxes: Box) -> bool:
    """Whether most of the longest lines are upside down, by the engine's own classifier of single lines."""
    import numpy as np

    votes = 0.0
    order = np.argsort(boxes[:, 0] - boxes[:, 2])[:_VOTERS]
    for left, top, right, bottom in np.clip(boxes[order], 0, None).astype(int):
        piece = np.ascontiguousarray(image[top : bottom + 1, left : right + 1])
        if not piece.size:
            continue
        result = engine(piece, use_det=False, use_cls=True, use_rec=False).cls_res
        for label, score in result or ():
            votes += float(score) if label == "180" else -float(score)
    return votes > 0


def _boxes(corners: Corners) -> Box:
    import numpy as np

    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def _turned(image: GreyImage, corners: Corners, degrees: int) -> tuple[GreyImage, Corners]:
    """Picture and corners turned clockwise by 0, 90 or 180 degrees."""
    import numpy as np

    height, width = image.shape
    across, down = corners[..., 0], corners[..., 1]
    if degrees == 90:
        corners = np.stack([height - down, across], axis=2)
    elif degrees == 180:
        corners = np.stack([width - across, height - down], axis=2)
    return np.rot90(image, -degrees // 90), corners


def _in_order(corners: Corners) -> Corners:
    """The corners of each piece from its upper left one clockwise, whichever way the engine met it."""
    import numpy as np

    both, apart = corners.sum(axis=2), corners[..., 0] - corners[..., 1]
    order = np.stack([both.argmin(1), apart.argmax(1), both.argmax(1), apart.argmin(1)], axis=1)
    return np.take_along_axis(corners, order[..., None], axis=1)


def _levelled(corners: Corners) -> Corners:
    """The corners as they would be on a page that does not lie crooked, told from the slope of its longer pieces."""
    import numpy as np

    along = corners[:, 1] - corners[:, 0]
    long = along[:, 0] > 4 * (corners[:, 3, 1] - corners[:, 0, 1])
    if not long.any():
        return corners
    angle = float(np.median(np.arctan2(along[long, 1], along[long, 0])))
    back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    levelled: Corners = corners @ back
    return levelled


def _points(corners: NDArray[np.float64]) -> tuple[Point, Point, Point, Point]:
    one, two, three, four = ((round(float(x), 5), round(float(y), 5)) for x, y in corners)
    return one, two, three, four


def _rows(boxes: Box) -> list[list[int]]:
    """Positions of the pieces, grouped to lines by height, each line from left to right."""
    rows: list[list[tuple[float, int]]] = []
    floor = float("-inf")  # bottom of the current line's first piece
    for index in (boxes[:, 1] + boxes[:, 3]).argsort(kind="stable"):
        left, top, _, bottom = (float(side) for side in boxes[index])
        if (top + bottom) / 2 >= floor:
            rows.append([])
            # The lower quarter does not count: on a crooked page the next line begins there.
            floor = bottom - (bottom - top) / 4
        rows[-1].append((left, int(index)))
    return [[index for _, index in sorted(row)] for row in rows]
