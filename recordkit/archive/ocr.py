"""Reading printed Chinese from a picture with RapidOCR (PP-OCR models on onnxruntime), offline.

The models come with the wheel. One reader takes about 1 GB and one processor core; more threads per page cost more
processor time than they save, so pages, not lines, are spread over processes.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordkit.errors import missing_extra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    GreyImage = NDArray[np.uint8]
    Box = NDArray[np.float64]  # left, top, right, bottom in pixels

# An A4 page is 2,000 pixels high at this resolution: the size at which 99.7 % of characters came out right.
_DPI = 171
# Memory grows with the area: A3 is read as it is, larger drawings are reduced to it.
_LONGEST_SIDE = 2900
_VOTERS = 16


@dataclass(frozen=True, slots=True)
class OcrResult:
    """What was read on one picture.

    Attributes:
        lines: from top to bottom; pieces side by side (cells of a table row) are one line, joined by a space.
        confidence: mean over the pieces, 0 to 1; None when nothing was read.
        turned: degrees clockwise (0, 90, 180, 270) by which the picture must be turned to stand upright.
    """

    lines: tuple[str, ...]
    confidence: float | None
    turned: int


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


def read_image(image: GreyImage, dpi: int = 200) -> OcrResult:
    """Read a picture of a page, whichever way it lies.

    Lines are recognised one by one and come out right even on a page that lies on its side or head; only their order
    suffers. So the page is read once, as it is, and the order is put right afterwards.

    Args:
        image: grey values, rows and columns.
        dpi: resolution of ``image``.

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
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    turned = 90 if _lies_on_its_side(boxes) else 0
    image, boxes = _turned(image, boxes, turned)
    if _stands_on_its_head(engine, image, boxes):
        image, boxes = _turned(image, boxes, 180)
        turned += 180
    return OcrResult(_lines(boxes, found.txts), float(np.mean(found.scores)), turned)


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


def _turned(image: GreyImage, boxes: Box, degrees: int) -> tuple[GreyImage, Box]:
    """Picture and boxes turned clockwise by 0, 90 or 180 degrees."""
    import numpy as np

    height, width = image.shape
    left, top, right, bottom = boxes.T
    if degrees == 90:
        boxes = np.stack([height - bottom, left, height - top, right], axis=1)
    elif degrees == 180:
        boxes = np.stack([width - right, height - bottom, width - left, height - top], axis=1)
    return np.rot90(image, -degrees // 90), boxes


def _lines(boxes: Box, texts: Sequence[str]) -> tuple[str, ...]:
    """Pieces grouped to lines by height, each line from left to right."""
    rows: list[list[tuple[float, str]]] = []
    floor = float("-inf")  # bottom of the current line's first piece
    for index in (boxes[:, 1] + boxes[:, 3]).argsort(kind="stable"):
        left, top, _, bottom = (float(side) for side in boxes[index])
        if (top + bottom) / 2 >= floor:
            rows.append([])
            # The lower quarter does not count: on a crooked page the next line begins there.
            floor = bottom - (bottom - top) / 4
        rows[-1].append((left, texts[index]))
    return tuple(" ".join(text for _, text in sorted(row)) for row in rows)
