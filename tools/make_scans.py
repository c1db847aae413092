"""Makes the example scans of the demo: ``python tools/make_scans.py [--hand FONT]``.

The demo's own commands issue the documents into a simulated store, LibreOffice prints them, and this program does the
rest that an office does on paper: it ticks, writes, signs, seals and scans. Every stroke comes from ``SEED`` and the
file's name, so the same tools give the same bytes, and a change to one paper leaves the others as they are.

Needs LibreOffice, fonts-noto-cjk and a font for the handwriting (Debian: fonts-lxgw-wenkai or fonts-arphic-ukai).
Lengths are millimetres from the upper left corner of the page.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from recordkit.cli.demo import DATA, ISSUE_DAY, ISSUING, prepare_folder
from recordkit.cli.main import run
from recordkit.store import open_store
from recordkit.templates import issue as issues
from recordkit.templates.forms import load_form
from recordkit.templates.pdf import convert_to_pdf
from recordkit.workspace import Clock

Mask = NDArray[np.floating]  # how much of each pixel is inked, 0 to 1
Values = Mapping[str, Any]

SEED = 20261120
SCANS = DATA / "scans"
DPI = 200
PER_MM = DPI / 25.4
FINE = 3  # strokes are drawn so many times larger, then reduced
JPEG_QUALITY = 60
BLUE_BLACK = (34, 44, 104)
BLACK = (38, 36, 44)
SEAL_RED = (222, 46, 50)
HANDS = ("LXGWWenKai-Regular.ttf", "ukai.ttc")
FONTS = Path("/usr/share/fonts")
DRAFT = "草稿"
DRAFT_VALUES = (
    "客户=龚玥", "户号=0012006034", "地址=清源市河湾区柳荫街55号2幢603室", "电话=13900000035", "事项类别=走访",
    "关联工单号=", "办结日期=", "回访时间=2026-11-18 16:20",
    "事项=走访独居老人，了解日常用水和缴费方式。", "处理结果=检查户内阀门无渗漏，代为办理短信账单。",
)
"""What is written into the visit record printed as a draft: not one of the issued visits."""


def find_font(*names: str) -> Path:
    """The first of these font files that is installed."""
    found = [path for name in names for path in sorted(FONTS.rglob(name))]
    if not found:
        raise SystemExit(f"No font {' or '.join(names)}. On Debian: apt install fonts-noto-cjk fonts-lxgw-wenkai")
    return found[0]


@dataclass(frozen=True)
class Box:
    """Where something stands on a page."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """Height of its middle line."""
        return (self.top + self.bottom) / 2


@dataclass
class Sheet:
    """A printed page under the pen.

    Attributes:
        picture: rows and columns of red, green, blue, 0 to 1.
        characters: what is printed on it, in the order of the file.
    """

    picture: NDArray[np.floating]
    characters: list[tuple[str, Box]]
    chance: np.random.Generator
    hand: Path

    def find(self, text: str, nth: int = 0, *, alone: bool = False) -> Box:
        """Box of the ``nth`` place where ``text`` is printed; ``alone``: with nothing close beside it in its row."""
        whole = "".join(character for character, _ in self.characters)
        start = -1
        while (start := whole.find(text, start + 1)) >= 0:
            first, last = self.characters[start][1], self.characters[start + len(text) - 1][1]
            box = Box(first.left, min(first.top, last.top), last.right, max(first.bottom, last.bottom))
            if alone and any(
                not character.isspace() and abs(other.middle - box.middle) < 2
                and (box.left - 2 < other.right <= box.left + 0.3 or box.right - 0.3 <= other.left < box.right + 2)
                for character, other in self.characters
            ):
                continue
            if nth == 0:
                return box
            nth -= 1
        raise LookupError(f"{text!r} is not printed on this page: has the form changed?")

    def beside(self, label: Box, character: str) -> Box:
        """The nearest such character to the right of ``label`` in its row."""
        row = [box for found, box in self.characters
               if found == character and box.left > label.right and abs(box.middle - label.middle) < 3]
        if not row:
            raise LookupError(f"no {character} beside the label: has the form changed?")
        return min(row, key=lambda box: box.left)

    def stain(self, mask: Mask, left: float, top: float, colour: Sequence[int]) -> None:
        """Put transparent ink over what is there, as ink lies on toner: what is black stays black."""
        x, y = round(left * PER_MM), round(top * PER_MM)
        height, width = self.picture.shape[:2]
        mask = mask[max(0, -y):height - y, max(0, -x):width - x]
        x, y = max(0, x), max(0, y)
        part = self.picture[y:y + mask.shape[0], x:x + mask.shape[1]]
        part *= 1 - mask[..., None] * (1 - np.array(colour, np.float32) / 255)



def _waves(chance: np.random.Generator, height: int, width: int, coarse: int) -> Mask:
    """Smooth noise from -1 to 1 with hills about ``coarse`` pixels wide."""
    shape = (max(2, width // coarse + 2), max(2, height // coarse + 2))
    small = chance.uniform(-1, 1, (shape[1], shape[0])).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), np.float32)


def _reduced(mask: Mask) -> Mask:
    picture = Image.fromarray(mask)
    size = (max(1, picture.width // FINE), max(1, picture.height // FINE))
    return np.asarray(picture.resize(size, Image.Resampling.BOX), np.float32)


def _bent(chance: np.random.Generator, mask: Mask, strength: float, coarse: int) -> Mask:
    """The drawing with its lines no longer straight; ``strength`` and ``coarse`` in fine pixels."""
    height, width = mask.shape
    rows, columns = np.mgrid[0:height, 0:width]
    rows = np.clip(rows + strength * _waves(chance, height, width, coarse), 0, height - 1).astype(int)
    columns = np.clip(columns + strength * _waves(chance, height, width, coarse), 0, width - 1).astype(int)
    return np.asarray(mask[rows, columns])


def _inked(chance: np.random.Generator, mask: Mask) -> Mask:
    """Ink that flows unevenly."""
    height, width = mask.shape
    return np.asarray(_reduced(mask) * np.clip(0.86 + 0.14 * _reduced(_waves(chance, height, width, 30)), 0, 1))


def write(sheet: Sheet, text: str, left: float, middle: float, *, size: float = 5.0,
          colour: Sequence[int] = BLUE_BLACK, haste: float = 1.0, right_aligned: bool = False) -> float:
    """Write by hand on the line at height ``middle``, characters ``size`` high; the right end.

    ``haste`` 1 is neat, 2 a signature: characters lean, touch and lose their straight strokes.
    """
    chance, fine = sheet.chance, PER_MM * FINE
    font = ImageFont.truetype(sheet.hand, round(size * fine))
    width = round((sum(font.getlength(c) for c in text) / fine + size) * fine)
    height, side = round(2 * size * fine), round(1.6 * size * fine)
    # A margin all around, so that no character is cut however it leans.
    canvas = np.zeros((height + 2 * side, width + 2 * side), np.float32)
    across, slope = size / 2 * fine, chance.uniform(-0.03, 0.01) * haste
    for character in text:
        glyph = Image.new("L", (side, side), 0)
        ImageDraw.Draw(glyph).text((side / 2, side / 2), character, fill=255, font=font, anchor="mm")
        glyph = glyph.rotate(chance.normal(0, 2.2) * haste, Image.Resampling.BICUBIC)
        lean, scale = 0.1 * haste + chance.normal(0, 0.03), 1 / chance.uniform(0.9, 1.06)
        shift = side / 2 * (1 - scale)
        slant = (scale, lean, shift - lean * side / 2, 0, scale, shift)
        glyph = glyph.transform(glyph.size, Image.Transform.AFFINE, slant, Image.Resampling.BICUBIC)
        x = side + round(across + font.getlength(character) / 2 - side / 2)
        y = side + round(height / 2 - side / 2 + slope * across + chance.normal(0, 0.03) * size * fine * haste)
        part = canvas[y:y + side, x:x + side]
        np.maximum(part, np.asarray(glyph, np.float32) / 255, out=part)
        across += font.getlength(character) * (1 - 0.07 * haste + chance.normal(0, 0.02))
    canvas = canvas[side:-side, side:-side]
    mask = _bent(chance, canvas, 0.035 * haste * size * fine, round(0.45 * size * fine))
    end = (across - size / 2 * fine) / fine
    start_mm = (left - end if right_aligned else left) - size / 2
    sheet.stain(_inked(chance, mask), start_mm, middle - size, colour)
    return start_mm + size / 2 + end


def stroke(sheet: Sheet, points: Sequence[tuple[float, float]], *, width: float = 0.45,
           colour: Sequence[int] = BLUE_BLACK) -> None:
    """One pen stroke along a Bezier curve; it begins and ends thinner."""
    chance, fine = sheet.chance, PER_MM * FINE
    shaken = [(x + chance.normal(0, 0.25), y + chance.normal(0, 0.25)) for x, y in points]
    left, top = min(x for x, _ in shaken) - 2, min(y for _, y in shaken) - 2
    size = [round((max(p[axis] for p in shaken) + 2 - low) * fine) for axis, low in ((0, left), (1, top))]
    canvas = Image.new("F", (size[0], size[1]), 0)
    draw, order = ImageDraw.Draw(canvas), len(shaken) - 1
    for step in range(1200):
        t = step / 1199
        weights = [math.comb(order, k) * t**k * (1 - t) ** (order - k) for k in range(order + 1)]
        x = sum(w * p[0] for w, p in zip(weights, shaken, strict=True)) - left
        y = sum(w * p[1] for w, p in zip(weights, shaken, strict=True)) - top
        radius = width / 2 * (0.45 + 0.55 * math.sin(math.pi * min(1, 0.08 + t * 0.9))) * fine
        draw.ellipse((x * fine - radius, y * fine - radius, x * fine + radius, y * fine + radius), fill=1.0)
    sheet.stain(_inked(chance, np.asarray(canvas, np.float32)), left, top, colour)


def sign(sheet: Sheet, name: str, left: float, middle: float, *, size: float = 7.0,
         colour: Sequence[int] = BLUE_BLACK) -> None:
    """A signature: the name in haste, run out in a flourish."""
    end = write(sheet, name, left, middle, size=size, colour=colour, haste=2.0)
    low = middle + size * 0.42
    stroke(sheet, [(end - 1.5, middle), (end + 2.5, low - 1), (end - size * 0.8, low + 1.4), (left + 1, low),
                   (end + 1, low - 0.6), (end + 4, middle - 0.5)], width=0.38, colour=colour)


def tick(sheet: Sheet, choice: str, nth: int = 0, colour: Sequence[int] = BLUE_BLACK) -> None:
    """Tick the printed box before ``choice``."""
    box = sheet.find("□" + choice, nth)
    x, y = box.left, box.middle
    stroke(sheet, [(x + 0.2, y - 0.3), (x + 1.0, y + 1.0), (x + 1.3, y + 1.6)], width=0.5, colour=colour)
    stroke(sheet, [(x + 1.3, y + 1.6), (x + 2.2, y - 0.6), (x + 4.4, y - 2.6)], width=0.45, colour=colour)


def write_date(sheet: Sheet, label: Box, when: datetime, units: str = "年月日",
               colour: Sequence[int] = BLUE_BLACK) -> None:
    """Fill in 年 月 日 (时 分) printed beside ``label``; with the time there is less room."""
    size = 4.3 if units == "年月日" else 3.7
    parts = {"年": when.year, "月": when.month, "日": when.day, "时": when.hour, "分": when.minute}
    for unit in units:
        box = sheet.beside(label, unit)
        text = f"{parts[unit]:02}" if unit == "分" else str(parts[unit])
        write(sheet, text, box.left - 0.4, box.middle, size=size, colour=colour, right_aligned=True)



def seal(sheet: Sheet, x: float, y: float, company: str, purpose: str = "", diameter: float = 40.0) -> None:
    """The round company seal around (x, y), turned a little, its ink uneven."""
    chance, fine = sheet.chance, PER_MM * FINE
    side = round((diameter + 2) * fine)
    centre, radius = side / 2, diameter / 2 * fine
    canvas = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(canvas)
    draw.ellipse((centre - radius, centre - radius, centre + radius, centre + radius), outline=255,
                 width=round(1.15 * fine))
    star = [
        (centre + r * math.sin(math.pi * k / 5), centre - r * math.cos(math.pi * k / 5))
        for k in range(10)
        for r in [(0.175 if k % 2 == 0 else 0.067) * diameter * fine]
    ]
    draw.polygon(star, fill=255)
    bold = find_font("NotoSerifCJK-Bold.ttc")
    font = ImageFont.truetype(bold, round(0.125 * diameter * fine), index=2)  # 2: the simplified Chinese forms
    span = min(250.0, 24.0 * (len(company) - 1))
    for number, character in enumerate(company):
        angle = -span / 2 + span * number / max(1, len(company) - 1)
        box = round(0.2 * diameter * fine)
        glyph = Image.new("L", (box, box), 0)
        ImageDraw.Draw(glyph).text((box / 2, box / 2), character, fill=255, font=font, anchor="mm")
        # Characters on seals are tall and narrow.
        glyph = glyph.resize((round(box * 0.86), round(box * 1.16)))
        glyph = glyph.rotate(-angle, Image.Resampling.BICUBIC, expand=True)
        along = radius - 0.115 * diameter * fine
        at = (round(centre + along * math.sin(math.radians(angle)) - glyph.width / 2),
              round(centre - along * math.cos(math.radians(angle)) - glyph.height / 2))
        canvas.paste(255, at, glyph)
    if purpose:
        small = ImageFont.truetype(bold, round(0.1 * diameter * fine), index=2)
        draw.text((centre, centre + 0.285 * diameter * fine), purpose, fill=255, font=small, anchor="mm")
    canvas = canvas.rotate(chance.uniform(-14, 14), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1.2))
    mask = _reduced(_bent(chance, np.asarray(canvas, np.float32) / 255, 1.4, 9))
    height, width = mask.shape
    # Ink pad: cloudy by pressure, and fine gaps where the paper did not take the ink.
    mask = mask * np.clip(0.66 + 0.2 * _waves(chance, height, width, 70), 0, 0.85)
    mask = mask * np.where(_waves(chance, height, width, 2) > 0.62, 0.45, 1).astype(np.float32)
    sheet.stain(mask, x - diameter / 2 - 1, y - diameter / 2 - 1, SEAL_RED)


def fingerprint(sheet: Sheet, x: float, y: float) -> None:
    """A red fingerprint, as people put over their signature."""
    chance, fine = sheet.chance, PER_MM * FINE
    width, height = round(12 * fine), round(16 * fine)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    across, down = (columns - width / 2) / (5.2 * fine), (rows - height / 2) / (7.0 * fine)
    distance = np.sqrt(across**2 + down**2) + 0.08 * _waves(chance, height, width, 60)
    ridges = np.sin(np.sqrt(across**2 + (down * 0.75 + 0.25) ** 2) * 62 + 2.2 * _waves(chance, height, width, 45))
    mask = np.clip((1.0 - distance) * 9, 0, 1) * np.clip(0.48 + 0.55 * ridges, 0.06, 0.9)
    mask = mask * np.clip(0.78 + 0.3 * _waves(chance, height, width, 50), 0.2, 1)
    picture = Image.fromarray(mask.astype(np.float32)).rotate(chance.uniform(-25, 25), Image.Resampling.BICUBIC)
    sheet.stain(_reduced(np.asarray(picture, np.float32)), x - 6, y - 8, SEAL_RED)



def fill_contract(sheets: Sequence[Sheet], values: Values, company: str, notes: Values) -> None:
    """The statement written by the customer, signatures, dates, contract seal and fingerprint on the last page."""
    sheet, day = sheets[-1], datetime.fromisoformat(values["sign_date"])
    line = sheet.find("＿＿＿")
    write(sheet, "已阅读并理解全部加粗条款", line.left + 12, line.middle - 3.4, size=6.2, colour=BLACK)
    representative, customer = sheet.find("代表人（签字）："), sheet.find("本人或委托代理人（签字）：")
    sign(sheet, values["supplier_agent"], representative.right + 6, representative.middle, size=8)
    sign(sheet, values["customer_name"], customer.right + 3, customer.middle, size=8, colour=BLACK)
    write_date(sheet, sheet.find("日期：", 0, alone=True), day)
    write_date(sheet, sheet.find("日期：", 1, alone=True), day, colour=BLACK)
    box = sheet.find("供水人（盖章）")
    seal(sheet, box.right + 14, box.middle + 1.5, company, "合同专用章")
    fingerprint(sheet, customer.right + 16, customer.middle - 0.5)


def fill_order(sheets: Sequence[Sheet], values: Values, company: str, notes: Values) -> None:
    """Seal, the inspectors' signatures and the receipt: signed, or refused before a witness."""
    sheet = sheets[0]
    for number, inspector in enumerate(values["inspectors"]):
        sign(sheet, inspector["name"], 146 + 3 * number, sheet.find(inspector["certificate_no"]).middle, size=6.2)
    mark = sheet.find("（盖章）")
    seal(sheet, mark.left - 12, mark.bottom + 1.5, company)
    delivered = datetime.fromisoformat(notes["delivered"])
    write_date(sheet, sheet.find("送达时间", alone=True), delivered, "年月日时分")
    tick(sheet, notes["how"])
    tick(sheet, "是" if "witness" in notes else "否")
    if "witness" in notes:
        write(sheet, notes["refusal"], 112, sheet.find("拒签原因", alone=True).middle, size=4.8)
        sign(sheet, notes["witness"], 58, sheet.find("见证人", alone=True).middle, size=6.2, colour=BLACK)
        write(sheet, notes["witness_phone"], 138, sheet.find("见证人电话", alone=True).middle, size=4.8, colour=BLACK)
    else:
        party = sheet.find("当事人签字", alone=True)
        sign(sheet, notes["signer"], 140, party.middle, size=6.4, colour=BLACK)
        fingerprint(sheet, 156, party.middle)
    if "rechecked" in notes:
        tick(sheet, notes["result"])
        write_date(sheet, sheet.find("复查日期", alone=True), datetime.fromisoformat(notes["rechecked"]))


def fill_notice(sheets: Sequence[Sheet], values: Values, company: str, notes: Values) -> None:
    """Seal, readings, lead seals, times and the customer's signature on the work sheet."""
    sheet = sheets[0]
    mark = sheet.find("（盖章）")
    seal(sheet, mark.left - 12, mark.bottom + 1.0, company)
    write(sheet, notes["old_reading"], 60, sheet.find("旧表行度", alone=True).middle)
    write(sheet, "0", 140, sheet.find("新表起度", alone=True).middle)
    fitted = values.get("new_meter_no") or notes["fitted"]
    write(sheet, fitted, 130, sheet.find("实装表号", alone=True).middle, size=4.6)
    tick(sheet, notes.get("old_seal", "完好"), 0)
    tick(sheet, "完好", 1)
    write(sheet, notes.get("stop_work", "无"), 56, sheet.find("停工情况", alone=True).middle, size=4.8)
    came = datetime.fromisoformat(values["appointment"]) + timedelta(minutes=notes["late"])
    write_date(sheet, sheet.find("换表时间", alone=True), came, "年月日时分")
    received = sheet.find("客户签收", alone=True)
    sign(sheet, notes.get("signer", values["customer_name"]), 58, received.middle, size=6.6, colour=BLACK)
    write_date(sheet, sheet.find("签收时间", alone=True), came + timedelta(minutes=24), "年月日时分", BLACK)


def fill_visit(sheets: Sequence[Sheet], values: Values, company: str, notes: Values) -> None:
    """Ticks, the customer's opinion, what is to follow, signatures."""
    sheet, by_telephone = sheets[0], values["visit_method"] == "电话"
    pen = BLUE_BLACK if by_telephone else BLACK  # on the telephone the visitor writes what the customer says
    tick(sheet, notes["satisfaction"], colour=pen)
    tick(sheet, "是")
    opinion = sheet.find("客户意见", alone=True).middle
    for number, line in enumerate(notes["opinion"]):
        write(sheet, line, 56, opinion - 8 + 9 * number, size=5.6, colour=pen)
    if "follow_up" in notes:
        write(sheet, notes["follow_up"], 56, sheet.find("后续措施", alone=True).middle - 3, size=5.4)
    signatures = sheet.find("回访人签名", alone=True).middle
    sign(sheet, notes["visitor"], 60, signatures, size=8.2)
    if by_telephone:
        write(sheet, "电话回访", 138, signatures, size=5.6)
    else:
        sign(sheet, notes.get("signer", values["customer_name"]), 142, signatures, size=8.6, colour=BLACK)



@dataclass(frozen=True)
class Paper:
    """One of the shipped files.

    Attributes:
        number: document number it was printed from; None for the draft.
        skew: degrees by which it lay crooked in the scanner; None: not scanned, the PDF as LibreOffice made it.
        turned: degrees by which its picture must be turned to stand upright.
        folded: it was folded in three, for an envelope.
        struck: a pen stroke runs right across the bar code.
        notes: what people write on it.
    """

    name: str
    form: str
    number: str | None
    fill: Callable[[Sequence[Sheet], Values, str, Values], None] | None
    skew: float | None
    turned: int = 0
    folded: bool = False
    struck: bool = False
    notes: Values = field(default_factory=dict)


PAPERS = (
    Paper("01-contract-resident.pdf", "supply-contract", "供合〔2026〕0001号", fill_contract, 0.6),
    Paper("02-contract-org-born-digital.pdf", "supply-contract", "供合〔2026〕0002号", None, None),
    Paper("03-stop-order.pdf", "stop-order", "稽停字〔2026〕0001号", fill_order, -0.7,
          notes={"delivered": "2026-11-20T10:20", "how": "留置", "refusal": "当事人称需与合伙人商量，拒绝签字",
                 "witness": "卢昇", "witness_phone": "13900000041"}),
    Paper("04-rectification-order.pdf", "rectification-order", "稽改字〔2026〕0001号", fill_order, 0.5,
          notes={"delivered": "2026-11-20T15:05", "how": "直接", "signer": "华玥", "result": "已整改",
                 "rechecked": "2026-11-27"}),
    Paper("05-visit.pdf", "visit-record", "回访〔2026〕00001号", fill_visit, 0.8,
          notes={"satisfaction": "满意", "opinion": ("水压已恢复，希望检修前", "提前通知。"),
                 "follow_up": "列入检修前通知名单。", "visitor": "夏玥"}),
    Paper("06-meter-notice.pdf", "meter-change-notice", "换通〔2026〕0001号", fill_notice, -0.5, folded=True,
          notes={"old_reading": "1065", "late": 10}),
    Paper("07-meter-notice-upside-down.pdf", "meter-change-notice", "换通〔2026〕0002号", fill_notice, 0.9,
          turned=180, folded=True, notes={"old_reading": "688.5", "late": 5}),
    Paper("08-meter-notice-org.pdf", "meter-change-notice", "换通〔2026〕0003号", fill_notice, 0.7,
          notes={"old_reading": "86613", "fitted": "S20261103", "late": 15, "signer": "沈玥",
                 "stop_work": "8:45 至 9:10 停水，无异常"}),
    Paper("09-visit-csv-1.pdf", "visit-record", "回访〔2026〕00002号", fill_visit, -0.9,
          notes={"satisfaction": "非常满意", "opinion": ("现在早晚水压都正常，谢谢。",), "visitor": "夏玥"}),
    Paper("10-visit-csv-2-pen-across-code.pdf", "visit-record", "回访〔2026〕00003号", fill_visit, 0.6, struck=True,
          notes={"satisfaction": "满意", "opinion": ("客户称表井不再积水，", "没有其他意见。"), "visitor": "夏玥"}),
    Paper("11-visit-csv-3.pdf", "visit-record", "回访〔2026〕00004号", fill_visit, -0.6,
          notes={"satisfaction": "一般", "opinion": ("希望多介绍节水器具的选用。",), "signer": "方喆",
                 "follow_up": "寄送节水器具名录一份。", "visitor": "段昇"}),
    Paper("12-no-code.pdf", "visit-record", None, fill_visit, 0.7,
          notes={"satisfaction": "非常满意", "opinion": ("上门服务很方便。",), "visitor": "夏玥"}),
)


def print_sheet(page: Any, chance: np.random.Generator, hand: Path) -> Sheet:
    """The printed page and where its characters stand."""
    _, high = page.get_size()
    picture = np.asarray(page.render(scale=DPI / 72).to_pil().convert("RGB"), np.float32) / 255
    text, characters = page.get_textpage(), []
    for index in range(text.count_chars()):
        left, bottom, right, top = (value * 25.4 / 72 for value in text.get_charbox(index))
        tall = high * 25.4 / 72
        characters.append((text.get_text_range(index, 1) or " ", Box(left, tall - top, right, tall - bottom)))
    return Sheet(picture.copy(), characters, chance, hand)


def scan_sheet(sheet: Sheet, paper: Paper) -> NDArray[np.uint8]:
    """What the scanner sees: soft, crooked, on paper that is not white, not evenly lit and not clean."""
    chance, picture = sheet.chance, sheet.picture
    height, width = picture.shape[:2]
    tint = np.array((0.985, 0.98, 0.962), np.float32)
    picture = picture * tint + 0.012 * _waves(chance, height, width, 260)[..., None]
    if paper.folded:
        for third in (1, 2):
            away = np.arange(height) - height * third // 3 - int(chance.integers(-20, 20))
            depth = np.exp(-((away / 3.2) ** 2)) - 0.5 * np.exp(-(((away - 8) / 4) ** 2))
            picture = picture * (1 - 0.07 * depth.astype(np.float32))[:, None, None]
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(0.55))
    image = image.rotate(paper.skew or 0, Image.Resampling.BICUBIC, fillcolor=(240, 240, 238))
    picture = np.asarray(image, np.float32) / 255
    across, down = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)
    light = 1 - 0.035 * across[None, :] - 0.02 * (1 - down)[:, None] - 0.16 * np.exp(-across * 90)[None, :]
    picture = picture * light[..., None] + 0.012 * _waves(chance, height, width, 2)[..., None]
    for _ in range(14):  # dust
        x, y = int(chance.integers(5, width - 5)), int(chance.integers(5, height - 5))
        size = int(chance.integers(1, 4))
        picture[y:y + size, x:x + size] *= chance.uniform(0.45, 0.8)
    result = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return np.rot90(result, paper.turned // 90) if paper.turned else result


def save_scan(pictures: Sequence[NDArray[np.uint8]], target: Path) -> None:
    """An A4 PDF of pictures only. Colour is kept on the last page, the one people sign and seal; it costs space."""
    pdf = pikepdf.new()
    for number, picture in enumerate(pictures, 1):
        image = Image.fromarray(picture).convert("RGB" if number == len(pictures) else "L")
        space = pikepdf.Name.DeviceRGB if image.mode == "RGB" else pikepdf.Name.DeviceGray
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=2, optimize=True)
        scan = pdf.make_stream(
            stream.getvalue(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=image.width,
            Height=image.height, ColorSpace=space, BitsPerComponent=8, Filter=pikepdf.Name.DCTDecode,
        )
        wide, high = (round(pixels * 72 / DPI, 2) for pixels in image.size)
        page = pdf.add_blank_page(page_size=(wide, high))
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=scan))
        page.Contents = pdf.make_stream(f"q {wide} 0 0 {high} 0 0 cm /Scan Do Q".encode())
    pdf.docinfo["/Producer"] = "recordkit tools/make_scans.py"
    pdf.save(target, deterministic_id=True)


def save_born_digital(source: Path, target: Path) -> None:
    """The PDF as LibreOffice made it, without what differs from run to run."""
    day = f"D:{ISSUE_DAY.replace('-', '')}090000Z"
    with pikepdf.open(source) as pdf:
        for key in ("/CreationDate", "/ModDate"):
            if key in pdf.docinfo:
                pdf.docinfo[key] = day
        for holder, key in ((pdf.Root, "/Metadata"), (pdf.trailer, "/DocChecksum"), (pdf.trailer, "/ID")):
            if key in holder:
                del holder[key]
        pdf.save(target, deterministic_id=True)



@dataclass(frozen=True)
class Printed:
    """A document as issued: its file, data, digest of its form, and the company on its seal."""

    file: Path
    values: Values
    digest: str
    company: str


def print_documents(folder: Path) -> dict[str, Printed]:
    """Issue everything in ``ISSUING`` and the draft in ``folder``; their PDFs by number."""
    prepare_folder(folder)
    os.chdir(folder)
    os.environ["RECORDKIT_STORE"] = "store"
    as_of = ("--as-of", ISSUE_DAY)
    sets = [part for pair in DRAFT_VALUES for part in ("--set", pair)]
    draft = ("generate", "visit-record", "--data", "data/visit-record.toml", *sets, "--draft", "--out", "draft")
    for arguments in (("init", "--simulation", "--no-input", "store"), *ISSUING, draft):
        code = run([*arguments, *as_of])
        if code:
            raise SystemExit(f"recordkit {' '.join(arguments)} ended with exit code {code}")
    found: dict[str, Printed] = {}
    now = datetime.fromisoformat(ISSUE_DAY).replace(tzinfo=UTC)
    workspace = open_store(Path("store").absolute(), Clock(lambda: now, now.date()), "make_scans")
    try:
        company = workspace.settings.company.name
        for issue in issues.list_issues(workspace.db):
            data: Values = issues.read_issue_data(workspace, issue)
            path = workspace.root / data["outputs"][0]
            found[issue.number] = Printed(path, data["values"], issue.template, company)
    finally:
        workspace.close()
    values = {"visit_method": "上门", "customer_name": DRAFT_VALUES[0].partition("=")[2]}
    path = next(Path("draft").absolute().glob("*.docx"))
    found[DRAFT] = Printed(path, values, load_form(None, "visit-record").digest, company)
    pdfs = convert_to_pdf([one.file for one in found.values()], folder / "pdf", os.environ)
    return {number: replace(one, file=pdfs[one.file]) for number, one in found.items()}


def make_paper(paper: Paper, printed: Printed, hand: Path, target: Path) -> None:
    """Fill in, sign, scan."""
    if paper.skew is None or paper.fill is None:
        save_born_digital(printed.file, target)
        return
    seed = int.from_bytes(hashlib.sha256(f"{SEED} {paper.name}".encode()).digest()[:8])
    chance = np.random.default_rng(seed)
    document = pypdfium2.PdfDocument(printed.file)
    sheets = [print_sheet(page, chance, hand) for page in document]
    document.close()
    paper.fill(sheets, printed.values, printed.company, paper.notes)
    if paper.struck:
        # From corner to corner: every line a reader could take through the bars meets the ink.
        stroke(sheets[0], [(99, 27.5), (120, 22), (140, 19), (164, 13.0)], width=1.1)
    save_scan([scan_sheet(sheet, paper) for sheet in sheets], target)


def main() -> None:
    """Make all files anew."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hand", type=Path, help="font file for the handwriting")
    options.add_argument("--out", type=Path, default=SCANS, help="where the files go")
    given = options.parse_args()
    hand = (given.hand or find_font(*HANDS)).absolute()
    out = given.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    here, files = Path.cwd(), {}
    with tempfile.TemporaryDirectory(prefix="recordkit-scans-") as scratch:
        printed = print_documents(Path(scratch) / "demo")
        for paper in PAPERS:
            document, target = printed[paper.number or DRAFT], out / paper.name
            make_paper(paper, document, hand, target)
            with pikepdf.open(target) as pdf:
                pages = len(pdf.pages)
            files[paper.name] = {
                "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
                "number": paper.number,
                "form": paper.form,
                "form_digest": document.digest,
                "pages": pages,
                "turned": paper.turned,
                "scanned": paper.skew is not None,
            }
            print(f"{target.stat().st_size / 1024:6.0f} KB  {paper.name}")
        os.chdir(here)
    manifest = {"made_by": "tools/make_scans.py", "seed": SEED, "hand": hand.name, "files": files}
    (out / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
