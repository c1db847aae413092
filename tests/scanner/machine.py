"""The scanner: paper in, PDF of pictures out."""

from __future__ import annotations

import functools
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pikepdf
import pypdfium2
import zxingcpp
from PIL import Image, ImageChops

from recordkit.templates.code import decode
from scanner import ink
from scanner.ink import Box, Mark

A4_MM = (210.0, 297.0)
_LOOK_DPI = 300  # at 200 the bars of some clean pages are not found, at 150 of nearly all


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sheet is scanned.

    Attributes:
        skew: degrees by which it lies crooked.
        turned: 0, 90, 180, 270: how it was fed, clockwise.
        noise: standard deviation of grey values, 0 to 255.
        salt: share of pixels that are black or white specks.
        shade: how much darker the edges are, 0 to 1.
        soft: blur in hundredths of a millimetre.
        quality: of JPEG.
    """

    dpi: int = 200
    mode: Literal["grey", "colour", "one-bit"] = "grey"
    skew: float = 0.0
    turned: int = 0
    noise: float = 3.0
    salt: float = 0.0
    shade: float = 0.05
    soft: float = 6.0
    quality: int = 75


@dataclass(frozen=True, slots=True)
class CodePlace:
    """Where one of our codes is printed on a page."""

    kind: Literal["QRCode", "Code128"]
    payload: str
    box: Box


@dataclass(frozen=True, slots=True)
class Side:
    """A sheet's side before it goes into the scanner: a page of a PDF, or blank paper, and what lies on it."""

    pdf: Path | None
    index: int = 0
    marks: tuple[Mark, ...] = ()


@functools.lru_cache(maxsize=4096)
def code_places(pdf: Path, index: int) -> tuple[CodePlace, ...]:
    """Where our codes stand on a page that nobody has touched yet, quiet zones left out."""
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128])
    picture = rendered(pdf, index, _LOOK_DPI, "L")
    found = []
    for code in zxingcpp.read_barcodes(picture, formats=formats):
        if decode(code.text) is None:
            continue
        corners = (code.position.top_left, code.position.top_right, code.position.bottom_right,
                   code.position.bottom_left)
        xs, ys = ([getattr(corner, axis) * 25.4 / _LOOK_DPI for corner in corners] for axis in "xy")
        kind: Literal["QRCode", "Code128"] = "QRCode" if code.format == zxingcpp.BarcodeFormat.QRCode else "Code128"
        found.append(CodePlace(kind, code.text, Box(min(xs), min(ys), max(xs), max(ys))))
    return tuple(found)


def rendered(pdf: Path, index: int, dpi: int, mode: Literal["L", "RGB"]) -> Image.Image:
    """A page as it is printed."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        bitmap = document[index].render(scale=dpi / 72, grayscale=mode == "L")
        picture: Image.Image = bitmap.to_pil().convert(mode).copy()
        return picture
    finally:
        document.close()


def scan(side: Side, settings: Settings, chance: np.random.Generator) -> Image.Image:
    """The picture that the scanner hands on: modes 1, L or RGB."""
    dpi = settings.dpi
    mode: Literal["L", "RGB"] = "RGB" if settings.mode == "colour" else "L"
    if side.pdf is not None:
        picture = rendered(side.pdf, side.index, dpi, mode)
    else:
        size = round(A4_MM[0] * dpi / 25.4), round(A4_MM[1] * dpi / 25.4)
        picture = Image.new(mode, size, 255 if mode == "L" else (255, 255, 255))
    picture = ink.put(picture, side.marks, dpi)
    picture = ink.softened(picture, dpi, settings.soft)
    if settings.skew:
        picture = ink.crooked(picture, settings.skew)
    picture = ImageChops.multiply(picture, _light(picture.size, settings.shade, mode))
    if settings.noise:
        picture = ImageChops.add(picture, _grain(picture.size, settings.noise, mode, chance), 1, -128)
    if settings.salt:
        picture = _salted(picture, settings.salt, chance)
    if settings.mode == "one-bit":
        picture = picture.point(lambda value: 255 if value > 150 else 0, "1")
    if settings.turned:
        picture = picture.transpose({90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180,
                                     270: Image.Transpose.ROTATE_90}[settings.turned])
    return picture


@functools.lru_cache(maxsize=16)
def _light(size: tuple[int, int], shade: float, mode: str) -> Image.Image:
    """Paper that is not white under a lamp that does not shine evenly: darker towards the edges and one corner."""
    across, down = np.linspace(-1, 1, 105, dtype=np.float32), np.linspace(-1, 1, 149, dtype=np.float32)
    light = 0.975 - shade * (0.55 * across[None, :] ** 2 + 0.45 * down[:, None] ** 2 - 0.25 * across[None, :])
    small = Image.fromarray(np.clip(light * 255, 0, 255).astype(np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


def _grain(size: tuple[int, int], strength: float, mode: str, chance: np.random.Generator) -> Image.Image:
    """Noise around 128; one square of it is laid over the page again and again, which no reader notices."""
    tile = np.clip(128 + chance.standard_normal((700, 700), np.float32) * strength, 0, 255).astype(np.uint8)
    width, height = size
    grain = np.tile(tile, (height // 700 + 1, width // 700 + 1))[:height, :width]
    return Image.fromarray(np.ascontiguousarray(grain)).convert(mode)


def _salted(picture: Image.Image, share: float, chance: np.random.Generator) -> Image.Image:
    values = np.array(picture)
    count = round(share * values.shape[0] * values.shape[1])
    rows, columns = chance.integers(values.shape[0], size=count), chance.integers(values.shape[1], size=count)
    specks = chance.choice(np.array([20, 250], np.uint8), count)
    values[rows, columns] = specks if values.ndim == 2 else specks[:, None]
    return Image.fromarray(values)


def save_pdf(pictures: Sequence[tuple[Image.Image, Settings]], target: Path) -> None:
    """A PDF of nothing but pictures, each as large as its sheet; the same pictures give the same bytes."""
    pdf = pikepdf.new()
    for picture, settings in pictures:
        data, more = _packed(picture, settings.quality)
        scanned = pdf.make_stream(data, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=picture.width,
                                  Height=picture.height, **more)
        wide, high = (round(pixels * 72 / settings.dpi, 2) for pixels in picture.size)
        page = pdf.add_blank_page(page_size=(wide, high))
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=scanned))
        page.Contents = pdf.make_stream(f"q {wide} 0 0 {high} 0 0 cm /Scan Do Q".encode())
    pdf.docinfo["/Producer"] = "simulated scanner"
    pdf.save(target, deterministic_id=True)


def _packed(picture: Image.Image, quality: int) -> tuple[bytes, dict[str, object]]:
    if picture.mode == "1":
        return zlib.compress(picture.tobytes(), 6), {
            "ColorSpace": pikepdf.Name.DeviceGray, "BitsPerComponent": 1, "Filter": pikepdf.Name.FlateDecode}
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    space = pikepdf.Name.DeviceRGB if picture.mode == "RGB" else pikepdf.Name.DeviceGray
    return out.getvalue(), {"ColorSpace": space, "BitsPerComponent": 8, "Filter": pikepdf.Name.DCTDecode}
