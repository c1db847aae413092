"""What people and coffee leave on paper, drawn with the pens and seals of ``tools/make_scans.py``.

Marks are transparent pictures of 200 dpi, white where nothing is; lengths are millimetres from the upper left corner.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

import make_scans as pens  # noqa: E402  (a tool, not a package)

Picture = NDArray[np.uint8]

PER_MM = pens.PER_MM
"""Pixels of a mark in a millimetre."""
COMPANY = "某某市自来水有限公司"
COFFEE = (150, 110, 70)
# Cutting a seal and writing take a third of a second; so many impressions are used again and again.
_SEALS = 5
_WORDINGS = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a page in millimetres."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, by: float) -> Box:
        """The place with a margin around it."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def overlaps(self, other: Box) -> bool:
        """Whether the two share anything."""
        return (self.left < other.right and other.left < self.right
                and self.top < other.bottom and other.top < self.bottom)


@dataclass(frozen=True, slots=True)
class Mark:
    """Ink and where it lies: ``covers`` says that nothing beneath shows through (a sticker, not ink)."""

    picture: Image.Image
    left: float
    top: float
    covers: bool = False


def _drawn(box: Box, chance: np.random.Generator, draw: Callable[[pens.Sheet], None], hand: Path = Path()) -> Mark:
    """What ``draw`` puts on a white sheet that is as large as ``box`` and whose corner is its corner."""
    size = round((box.bottom - box.top) * PER_MM), round((box.right - box.left) * PER_MM)
    sheet = pens.Sheet(np.ones((*size, 3), np.float32), [], chance, hand)
    draw(sheet)
    return Mark(Image.fromarray((np.clip(sheet.picture, 0, 1) * 255).astype(np.uint8)), box.left, box.top)


def seal(chance: np.random.Generator, x: float, y: float) -> Mark:
    """The round red seal of the company around a point."""
    half = 22.0
    picture = _seal(int(chance.integers(_SEALS)))
    return Mark(picture.rotate(float(chance.uniform(-8, 8)), fillcolor=(255, 255, 255)), x - half, y - half)


@functools.cache
def _seal(number: int) -> Image.Image:
    return _drawn(Box(0, 0, 44, 44), np.random.default_rng(number), lambda sheet: pens.seal(sheet, 22, 22, COMPANY)
                  ).picture


def strokes(chance: np.random.Generator, box: Box, count: int = 1, width: float = 0.9) -> Mark:
    """Pen strokes right across a place, from one side to the other."""
    area = box.grown(6)

    def draw(sheet: pens.Sheet) -> None:
        wide, high = area.right - area.left, area.bottom - area.top
        for _ in range(count):
            first, last = chance.uniform(3, high - 3, 2)
            pens.stroke(sheet, [(2, first), (wide / 3, last), (wide * 2 / 3, first), (wide - 2, last)], width=width)

    return _drawn(area, chance, draw)


def scribble(chance: np.random.Generator, box: Box) -> Mark:
    """A place made unreadable with a felt pen: to and fro, a third of the paper left white at most."""
    area, fine = box.grown(3), 8.0
    wide, high = (area.right - area.left) * fine, (area.bottom - area.top) * fine
    canvas = Image.new("RGB", (round(wide), round(high)), (255, 255, 255))
    draw = ImageDraw.Draw(canvas)
    x, points = 1.5 * fine, []
    while x < wide - 1.5 * fine:
        for end in (chance.uniform(0.02, 0.1), chance.uniform(0.9, 0.98)):
            points.append((x + chance.normal(0, 0.2) * fine, end * high))
        x += chance.uniform(1.5, 1.9) * fine
    draw.line(points, fill=(40, 40, 70), width=round(1.3 * fine), joint="curve")
    size = round(wide / fine * PER_MM), round(high / fine * PER_MM)
    return Mark(canvas.resize(size, Image.Resampling.BOX), area.left, area.top)


def coffee_ring(chance: np.random.Generator, x: float, y: float) -> Mark:
    """The stain of a cup that stood around a point: brown, darkest at its rim, broken in places."""
    radius, half = float(chance.uniform(36, 42)), 46.0
    side = round(2 * half * PER_MM)
    axis = (np.arange(side, dtype=np.float32) / PER_MM) - half
    across, down = np.meshgrid(axis, axis)
    distance, angle = np.hypot(across, down), np.arctan2(down, across)
    rim = radius + 0.5 * np.sin(3 * angle + chance.uniform(0, 6))
    wide = 1.6 + 0.8 * np.sin(2 * angle + chance.uniform(0, 6))
    ring = np.exp(-(((distance - rim) / wide) ** 2)) * (0.55 + 0.3 * np.sin(angle * 2 + chance.uniform(0, 6)))
    strength = np.clip(ring + 0.10 * (distance < rim), 0, 0.85)[..., None]
    picture = 255 * (1 - strength * (1 - np.array(COFFEE, np.float32) / 255))
    return Mark(Image.fromarray(picture.astype(np.uint8)), x - half, y - half)


@functools.cache
def hand_font() -> Path | None:
    """A font that looks like handwriting, where one is installed; without it writing is strokes that say nothing."""
    found = [path for name in pens.HANDS for path in sorted(pens.FONTS.rglob(name))]
    return found[0] if found else None


def handwriting(chance: np.random.Generator, left: float, middle: float) -> Mark:
    """A few words by hand, as customers and fitters write on papers."""
    mark = _words(int(chance.integers(_WORDINGS)))
    return Mark(mark.picture, left - 6, middle - 9)


@functools.cache
def _words(number: int) -> Mark:
    chance = np.random.default_rng(1000 + number)
    text, size = ("已阅读全部条款", "同意", "水压已恢复", "无异议", "请提前通知", "一〇六五")[number % 6], 6.0
    hand = hand_font()

    def draw(sheet: pens.Sheet) -> None:
        if hand is not None:
            pens.write(sheet, text, size, 1.5 * size, size=size)
            return
        for place in range(len(text)):
            x = size * (1 + place)
            for _ in range(int(chance.integers(3, 6))):
                points = [(x + chance.uniform(0.05, 0.9) * size, size + chance.uniform(0.1, 0.9) * size)
                          for _ in range(3)]
                pens.stroke(sheet, points, width=0.4)

    return _drawn(Box(0, 0, size * (len(text) + 2), 3 * size), chance, draw, hand or Path())


def signature(chance: np.random.Generator, left: float, middle: float) -> Mark:
    """A name written in haste: a line that goes up and down."""
    mark = _signature(int(chance.integers(_WORDINGS)))
    return Mark(mark.picture, left, middle - 9)


@functools.cache
def _signature(number: int) -> Mark:
    chance = np.random.default_rng(2000 + number)

    def draw(sheet: pens.Sheet) -> None:
        x = 3.0
        for _ in range(5):
            points = [(x + chance.uniform(-1, 8), 9 + chance.uniform(-8, 8)) for _ in range(5)]
            pens.stroke(sheet, points, width=0.55)
            x += 4.2

    return _drawn(Box(0, 0, 32, 18), chance, draw)


@functools.cache
def small_print() -> ImageFont.FreeTypeFont:
    """Printed Chinese, 3.5 mm high at 200 dpi."""
    return ImageFont.truetype(pens.find_font("NotoSansCJK-Regular.ttc"), round(3.5 * PER_MM), index=2)


def label(code: Image.Image, caption: str, left: float, top: float) -> Mark:
    """A sticker with a code of somebody else: a parcel's, a medicine's, another office's."""
    wide = max(code.width, round(small_print().getlength(caption))) + 24
    picture = Image.new("RGB", (wide, code.height + 56), (250, 250, 246))
    picture.paste(code, ((wide - code.width) // 2, 8))
    ImageDraw.Draw(picture).text((12, code.height + 14), caption, font=small_print(), fill=(30, 30, 30))
    return Mark(picture, left, top, covers=True)


def put(picture: Image.Image, marks: Sequence[Mark], dpi: int) -> Image.Image:
    """The page with the marks on it; grey pages stay grey."""
    for mark in marks:
        scale = dpi / pens.DPI
        size = max(1, round(mark.picture.width * scale)), max(1, round(mark.picture.height * scale))
        ink = mark.picture.convert(picture.mode).resize(size, Image.Resampling.BICUBIC)
        x, y = round(mark.left * dpi / 25.4), round(mark.top * dpi / 25.4)
        area = (max(0, x), max(0, y), min(picture.width, x + size[0]), min(picture.height, y + size[1]))
        if area[0] >= area[2] or area[1] >= area[3]:
            continue
        ink = ink.crop((area[0] - x, area[1] - y, area[2] - x, area[3] - y))
        if not mark.covers:
            under = np.asarray(picture.crop(area), np.uint16) * np.asarray(ink, np.uint16) // 255
            ink = Image.fromarray(under.astype(np.uint8))
        picture.paste(ink, area[:2])
    return picture


def clear_of(chance: np.random.Generator, keep: Sequence[Box], size: float, area: Box) -> tuple[float, float]:
    """A point in ``area`` around which ``size`` millimetres touch none of ``keep``, if one of forty tries finds it."""
    x = y = 0.0
    for _ in range(40):
        x, y = float(chance.uniform(area.left, area.right)), float(chance.uniform(area.top, area.bottom))
        if not any(Box(x - size, y - size, x + size, y + size).overlaps(one) for one in keep):
            break
    return x, y


def crooked(picture: Image.Image, degrees: float) -> Image.Image:
    """The picture turned a little, as a sheet lies on the glass."""
    fill = 244 if picture.mode == "L" else (244, 244, 242)
    return picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=fill)


def softened(picture: Image.Image, dpi: int, strength: float) -> Image.Image:
    """The picture through a lens; ``strength`` in hundredths of a millimetre."""
    return picture.filter(ImageFilter.GaussianBlur(strength * dpi / 2540))


def centre(box: Box) -> tuple[float, float]:
    """The middle of a place."""
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def on_rim(chance: np.random.Generator, x: float, y: float, radius: float) -> tuple[float, float]:
    """A point so far away from another one that its circle runs through that one; up or down the page, not beside."""
    angle = chance.choice([-1, 1]) * math.pi / 2 + chance.uniform(-0.3, 0.3)
    return x + radius * math.cos(angle), y + radius * math.sin(angle)
