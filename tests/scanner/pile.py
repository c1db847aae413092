"""Papers laid together for the scanner, damage and all, and the truth about each file.

``lay`` only decides; ``scan_pile`` draws. Both follow from the seed and the file's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw

from recordkit.templates.code import CODE128_MM, QR_MM, PrintedCode
from recordkit.templates.pagecodes import QR_MM as PAGE_QR_MM
from scanner import ink, machine
from scanner.ink import Box, Mark
from scanner.machine import CodePlace, Settings, Side
from scanner.printed import LONG_FORMS, SHORT_FORMS, Printed

DPIS = (200, 150, 300)
ISSUED_REVISION = 1
WITHOUT_CODE = ("pen-all-codes", "other-store")
"""Kinds whose papers carry no code of ours that can be read: their text decides, or a person."""

_TEXT = Box(35, 90, 175, 230)  # where seals and writing meet printed text
_FOOT = Box(40, 205, 170, 262)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One side that goes into the scanner.

    Attributes:
        what: a page of a document of ours, blank paper, or somebody's copy of an identity card or deed.
        page: 1-based page of the document.
        marks: names of what is done to it, see ``_MARKS``.
        other: another document of ours, whose code stands on the page beside its own.
    """

    what: Literal["page", "blank", "attachment"]
    printed: Printed | None = None
    page: int = 0
    marks: tuple[str, ...] = ()
    other: Printed | None = None

    @property
    def has_code(self) -> bool:
        """Whether at least one code of its own document was left alone."""
        return self.printed is not None and not {"scribble", "other-store", "stale"} & set(self.marks)


@dataclass(frozen=True, slots=True)
class Expected:
    """A document that a file truly holds.

    Attributes:
        number: of the document.
        pages: sides of the file that belong to its record, attachments with it, blank paper not.
        required: codes of findings that must be told.
        allowed: codes of findings that may be told.
    """

    number: str
    pages: tuple[int, ...]
    required: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pile:
    """One file to be scanned, and the truth about it.

    Attributes:
        kind: what was done to it, one of ``KINDS``.
        expected: the documents that must be filed from it; empty when the file must wait for a person.
        reasons: of a file that must wait: codes of findings of which one must be told; empty when none need be.
        split: whether it is a batch, to be cut into its documents.
        may_wait: whether it is as well when it waits: its codes contradict each other, if they can be read.
    """

    name: str
    kind: str
    settings: Settings
    leaves: tuple[Leaf, ...]
    expected: tuple[Expected, ...]
    reasons: frozenset[str] = frozenset()
    split: bool = False
    may_wait: bool = False
    seed: int = 0


class OutOfPaper(Exception):
    """More documents are needed than were printed."""


class _Stack:
    """Printed documents, each dealt once."""

    def __init__(self, printed: Sequence[Printed], chance: np.random.Generator) -> None:
        """Shuffle."""
        order = chance.permutation(len(printed))
        self._left = [printed[int(place)] for place in order]
        self._all = tuple(printed)
        self.chance = chance

    def take(self, least: int = 1, most: int = 99) -> Printed:
        """A document with so many pages."""
        for place, one in enumerate(self._left):
            if least <= one.pages <= most:
                return self._left.pop(place)
        raise OutOfPaper(f"no document of {least} to {most} pages is left")

    def any(self) -> Printed:
        """A document of one page, or now and then of several."""
        if self.chance.random() < 0.3 and any(one.pages > 1 for one in self._left):
            return self.take(2)
        return self.take(1, 1)

    def other_than(self, one: Printed) -> Printed:
        """Any document but this one; it stays in the stack."""
        while (found := self._all[int(self.chance.integers(len(self._all)))]) is one:
            pass
        return found


_Draft = tuple[tuple[Leaf, ...], tuple[Expected, ...], frozenset[str]]
_NOTHING: frozenset[str] = frozenset()
_BLANK_WORDS = frozenset({"blank-page-dropped", "empty-page", "attachment-pages"})


def _pages(printed: Printed, *marks: str) -> list[Leaf]:
    """All pages, the last one signed, and ``marks`` on each."""
    leaves = [Leaf("page", printed, page, marks) for page in range(1, printed.pages + 1)]
    return [*leaves[:-1], replace(leaves[-1], marks=("signed", *marks))]


def _whole(printed: Printed, leaves: Sequence[Leaf], *required: str, allowed: frozenset[str] = _NOTHING) -> _Draft:
    """A file that holds one document."""
    pages = tuple(place for place, leaf in enumerate(leaves, start=1) if leaf.what != "blank")
    return tuple(leaves), (Expected(printed.number, pages, frozenset(required), allowed),), _NOTHING


def _plain(*marks: str) -> Callable[[_Stack], _Draft]:
    def lay_one(stack: _Stack) -> _Draft:
        printed = stack.any()
        return _whole(printed, _pages(printed, *marks))

    return lay_one


def _pen_all(stack: _Stack) -> _Draft:
    printed = stack.take(1, 2) if stack.chance.random() < 0.2 else stack.take(1, 1)
    return _whole(printed, _pages(printed, "scribble"), "matched-by-text")


def _page_without_code(stack: _Stack) -> _Draft:
    printed = stack.take(2)
    leaves = _pages(printed)
    bare = int(stack.chance.integers(len(leaves)))
    leaves[bare] = replace(leaves[bare], marks=(*leaves[bare].marks, "scribble"))
    return _whole(printed, leaves, "page-without-code")


def _dropped(stack: _Stack) -> _Draft:
    printed = stack.take(2)
    leaves = _pages(printed)
    leaves.pop(int(stack.chance.integers(len(leaves))))
    return _whole(printed, leaves, "missing-page")


def _swapped(stack: _Stack) -> _Draft:
    printed = stack.take(2)
    leaves = _pages(printed)
    first = int(stack.chance.integers(len(leaves) - 1))
    leaves[first], leaves[first + 1] = leaves[first + 1], leaves[first]
    return _whole(printed, leaves, "swapped-page")


def _doubled(stack: _Stack) -> _Draft:
    printed = stack.take(2)
    leaves = _pages(printed)
    twice = int(stack.chance.integers(len(leaves)))
    leaves.insert(twice, leaves[twice])
    return _whole(printed, leaves, "doubled-page")


def _blank(stack: _Stack) -> _Draft:
    printed = stack.any()
    leaves = _pages(printed)
    blank = Leaf("blank")
    if stack.chance.random() < 0.5:
        return _whole(printed, [*leaves, blank], allowed=_BLANK_WORDS)
    return _whole(printed, [one for leaf in leaves for one in (leaf, blank)], allowed=_BLANK_WORDS)


def _attached(stack: _Stack) -> _Draft:
    printed = stack.any()
    behind = [Leaf("attachment")] * int(stack.chance.integers(1, 3))
    return _whole(printed, [*_pages(printed), *behind], "attachment-pages")


def _other_document(stack: _Stack) -> _Draft:
    printed, other = stack.take(2), stack.take(2)
    leaves = _pages(printed)
    stray = Leaf("page", other, int(stack.chance.integers(1, other.pages + 1)))
    leaves.insert(int(stack.chance.integers(1, len(leaves))), stray)
    return tuple(leaves), (), frozenset({"several-documents", "other-document"})


def _sticker(stack: _Stack) -> _Draft:
    printed = stack.any()
    leaves = _pages(printed)
    leaves[0] = replace(leaves[0], marks=(*leaves[0].marks, "sticker"))
    return _whole(printed, leaves, "foreign-code")


def _other_store(stack: _Stack) -> _Draft:
    printed = stack.take(1, 1)
    return tuple(_pages(printed, "other-store")), (), frozenset({"foreign-code"})


def _contradiction(stack: _Stack) -> _Draft:
    printed = stack.take(1, 1)
    leaves = [replace(leaf, other=stack.other_than(printed)) for leaf in _pages(printed, "contradiction")]
    return _whole(printed, leaves)


def _stale(stack: _Stack) -> _Draft:
    printed = stack.take(2)
    leaves = _pages(printed)
    old = int(stack.chance.integers(len(leaves)))
    leaves[old] = replace(leaves[old], marks=(*leaves[old].marks, "stale"))
    return _whole(printed, leaves, "stale-revision", "missing-page")


def _batch(stack: _Stack) -> _Draft:
    """Two to five documents in one file; sometimes blank sheets between them, sometimes copies behind one."""
    leaves: list[Leaf] = []
    expected = []
    separated = stack.chance.random() < 0.5
    for place in range(int(stack.chance.integers(2, 6))):
        printed = stack.any()
        if separated and place:
            leaves.append(Leaf("blank"))
        own = _pages(printed)
        required = _NOTHING
        if stack.chance.random() < 0.25:
            own.append(Leaf("attachment"))
            required = frozenset({"attachment-pages"})
        pages = tuple(range(len(leaves) + 1, len(leaves) + len(own) + 1))
        expected.append(Expected(printed.number, pages, required, frozenset({"blank-page-dropped"})))
        leaves += own
    return tuple(leaves), tuple(expected), _NOTHING


def needed(pages: int) -> dict[str, int]:
    """How many documents of each form ``lay`` may need for so many pages; at least one round of all kinds."""
    long, short = max(40, pages * 3 // 10), max(60, pages * 2 // 5)
    share = {"supply-contract": 0.5, "account-transfer": 0.25, "water-application": 0.25}
    return {form: round(long * share[form]) for form in LONG_FORMS} | {
        form: short // len(SHORT_FORMS) + 1 for form in SHORT_FORMS}


KINDS: Mapping[str, Callable[[_Stack], _Draft]] = {
    "clean": _plain(),
    "skew": _plain(),
    "turned": _plain(),
    "noise": _plain(),
    "jpeg-40": _plain(),
    "one-bit": _plain(),
    "shading": _plain(),
    "seal-on-text": _plain("seal"),
    "seal-on-code": _plain("seal-on-code"),
    "pen-one-code": _plain("pen"),
    "coffee-on-code": _plain("coffee"),
    "handwriting": _plain("writing"),
    "pen-all-codes": _pen_all,
    "page-no-code": _page_without_code,
    "dropped": _dropped,
    "swapped": _swapped,
    "doubled": _doubled,
    "blank": _blank,
    "attachment": _attached,
    "other-document": _other_document,
    "foreign-sticker": _sticker,
    "other-store": _other_store,
    "contradiction": _contradiction,
    "stale": _stale,
    "batch": _batch,
}


def lay(
    printed: Sequence[Printed], pages: int, seed: int, kinds: Sequence[str] = tuple(KINDS), dpis: Sequence[int] = DPIS
) -> list[Pile]:
    """Files of together at least so many pages: each kind at each resolution in turn.

    Raises:
        OutOfPaper: too few documents were printed.
    """
    stack = _Stack(printed, np.random.default_rng(seed))
    piles: list[Pile] = []
    done = 0
    while done < pages:
        dpi, kind = dpis[len(piles) // len(kinds) % len(dpis)], kinds[len(piles) % len(kinds)]
        name = f"{len(piles):04}-{kind}-{dpi}.pdf"
        own = int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8])
        leaves, expected, reasons = KINDS[kind](stack)
        settings = _settings(kind, dpi, np.random.default_rng(own))
        piles.append(Pile(name, kind, settings, leaves, expected, reasons, split=kind == "batch",
                          may_wait=kind == "contradiction", seed=own))
        done += len(leaves)
    return piles


def _settings(kind: str, dpi: int, chance: np.random.Generator) -> Settings:
    """An ordinary office scanner on an ordinary day, and the one thing that is wrong."""

    def between(low: float, high: float) -> float:
        return round(float(chance.uniform(low, high)), 3)

    lot = chance.random()
    mode: Literal["grey", "colour", "one-bit"] = "grey"
    if lot > 0.9:
        mode = "one-bit"
    elif lot > 0.75 and dpi < 300:
        mode = "colour"
    side = float(chance.choice([-1, 1]))
    usual = Settings(dpi, mode, between(-1.2, 1.2), 0, between(2, 5), 0, between(0.03, 0.12), between(4, 8),
                     int(chance.integers(60, 81)))
    match kind:
        case "skew":
            return replace(usual, skew=side * between(2, 3))
        case "turned":
            return replace(usual, turned=int(chance.choice([90, 180, 270])))
        case "noise":
            return replace(usual, mode="grey", noise=between(12, 20), salt=between(0.005, 0.015))
        case "jpeg-40":
            return replace(usual, mode="grey", quality=40, soft=between(7, 11))
        case "one-bit":
            return replace(usual, mode="one-bit")
        case "shading":
            return replace(usual, mode="colour" if dpi < 300 else "grey", shade=between(0.35, 0.6))
        case _:
            return usual


def scan_pile(pile: Pile, folder: Path) -> Path:
    """Draw the file."""
    chance = np.random.default_rng(pile.seed)
    pictures: list[tuple[Image.Image, Settings]] = []
    for leaf in pile.leaves:
        settings = replace(pile.settings, skew=pile.settings.skew + float(chance.uniform(-0.3, 0.3)))
        settings = replace(settings, skew=max(-3.0, min(3.0, settings.skew)))
        pictures.append((machine.scan(_side(leaf, chance), settings, chance), settings))
    target = folder / pile.name
    machine.save_pdf(pictures, target)
    return target


def _side(leaf: Leaf, chance: np.random.Generator) -> Side:
    if leaf.printed is None:
        return Side(None, marks=(_copy_of_a_card(chance),) if leaf.what == "attachment" else ())
    places = machine.code_places(leaf.printed.pdf, leaf.page - 1)
    assert len(places) == 3, f"{leaf.printed.number} page {leaf.page}: {len(places)} codes on the clean page"
    marks = [mark for name in leaf.marks for mark in _MARKS[name](leaf, places, chance)]
    return Side(leaf.printed.pdf, leaf.page - 1, tuple(marks))


_Marks = Callable[[Leaf, Sequence[CodePlace], np.random.Generator], list[Mark]]


def _one_of(places: Sequence[CodePlace], chance: np.random.Generator) -> CodePlace:
    return places[int(chance.integers(len(places)))]


def _signed(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    marks = [ink.signature(chance, *ink.clear_of(chance, [one.box for one in places], 20, _FOOT))]
    if chance.random() < 0.6:
        marks.append(ink.seal(chance, *ink.clear_of(chance, [one.box for one in places], 22, _FOOT)))
    return marks


def _seal_on_text(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    return [ink.seal(chance, float(chance.uniform(_TEXT.left, _TEXT.right)),
                     float(chance.uniform(_TEXT.top, _TEXT.bottom)))]


def _seal_on_code(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    x, y = ink.centre(_one_of(places, chance).box)
    # The rim and its characters lie on the code, as when somebody aims badly.
    return [ink.seal(chance, x + float(chance.uniform(-12, 12)), y + float(chance.uniform(-12, 12)))]


def _pen(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    box = _one_of(places, chance).box
    if chance.random() < 0.5:
        return [ink.strokes(chance, box, int(chance.integers(1, 4)))]
    return [ink.scribble(chance, box)]


def _scribble(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    return [ink.scribble(chance, place.box) for place in places]


def _coffee(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    return [ink.coffee_ring(chance, *ink.on_rim(chance, *ink.centre(_one_of(places, chance).box), 39))]


def _writing(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    return [ink.handwriting(chance, float(chance.uniform(40, 140)), float(chance.uniform(60, 230))) for _ in range(4)]


def _sticker_mark(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    digits = "69" + "".join(str(int(one)) for one in chance.integers(0, 10, 11))
    kinds = (
        (zxingcpp.BarcodeFormat.Code128, digits, "快递单号"),
        (zxingcpp.BarcodeFormat.QRCode, f"https://example.com/p/{digits}", "扫码评价"),
        (zxingcpp.BarcodeFormat.Code128, "RK" + digits[:10], "设备编号"),
        (zxingcpp.BarcodeFormat.QRCode, _foreign_code(chance, None).encode(), "别处的文书"),
    )
    form, payload, caption = kinds[int(chance.integers(len(kinds)))]
    picture = _code_picture(form, payload, 3 if form == zxingcpp.BarcodeFormat.Code128 else 4)
    if form == zxingcpp.BarcodeFormat.Code128:
        picture = picture.resize((picture.width, 70))
    return [ink.label(picture, caption, float(chance.uniform(15, 110)), float(chance.uniform(60, 200)))]


def _other_store_marks(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    foreign = _foreign_code(chance, leaf)
    return [_restamped(place, foreign) for place in places]


def _contradiction_marks(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    """The bar code names another document of our own store."""
    assert leaf.other is not None
    return [_restamped(place, leaf.other.code()) for place in places if place.kind == "Code128"]


def _stale_marks(leaf: Leaf, places: Sequence[CodePlace], chance: np.random.Generator) -> list[Mark]:
    """All codes of the page are those of the printing before."""
    assert leaf.printed is not None and leaf.printed.revision == ISSUED_REVISION
    old = replace(leaf.printed.code(leaf.page), revision=leaf.printed.revision - 1)
    return [_restamped(place, old) for place in places]


_MARKS: Mapping[str, _Marks] = {
    "signed": _signed, "seal": _seal_on_text, "seal-on-code": _seal_on_code, "pen": _pen, "scribble": _scribble,
    "coffee": _coffee, "writing": _writing, "sticker": _sticker_mark, "other-store": _other_store_marks,
    "contradiction": _contradiction_marks, "stale": _stale_marks,
}  # fmt: skip


def _foreign_code(chance: np.random.Generator, leaf: Leaf | None) -> PrintedCode:
    """A code that another store printed; for ``leaf``'s page where it is given."""
    number = "".join(str(chance.choice(list("ABCDEFGHJKMNPQRSTVWXYZ"))) for _ in range(4)) + f"{7:08}"
    if leaf is None or leaf.printed is None:
        return PrintedCode(number, ISSUED_REVISION)
    return PrintedCode(number, ISSUED_REVISION, leaf.page, leaf.printed.pages)


def _restamped(place: CodePlace, code: PrintedCode) -> Mark:
    """Another code where this one was printed, of the same kind and size: as if the printer had put it there."""
    is_page = len(place.payload) == 22
    payload = (code if is_page else replace(code, page=None, pages=None)).encode()
    x, y = ink.centre(place.box)
    if place.kind == "Code128":
        wide, high = CODE128_MM
        picture = _code_picture(zxingcpp.BarcodeFormat.Code128, payload, 4)
    else:
        wide = high = PAGE_QR_MM if is_page else QR_MM
        picture = _code_picture(zxingcpp.BarcodeFormat.QRCode, payload, 8)
    size = round(wide * ink.PER_MM * 2), round(high * ink.PER_MM * 2)
    return Mark(picture.resize(size, Image.Resampling.BOX).resize((size[0] // 2, size[1] // 2), Image.Resampling.BOX),
                x - wide / 2, y - high / 2, covers=True)


def _code_picture(form: zxingcpp.BarcodeFormat, payload: str, scale: int) -> Image.Image:
    options = {"ec_level": "Q"} if form == zxingcpp.BarcodeFormat.QRCode else {}
    made = zxingcpp.create_barcode(payload, form, **options)
    return Image.fromarray(np.asarray(zxingcpp.write_barcode_to_image(made, scale=scale, add_quiet_zones=True))
                           ).convert("RGB")


def _copy_of_a_card(chance: np.random.Generator) -> Mark:
    """Somebody's identity card or deed on the copier, as it lies behind an application."""
    title, lines = (
        ("居民身份证（复印件）", ("姓名  示例某某", "住址  清源市河湾区示例路1号", "公民身份号码  （复印件不清）")),
        ("不动产权证书（复印件）", ("权利人  示例某某", "坐落  清源市河湾区示例路1号", "用途  住宅")),
    )[int(chance.integers(2))]
    picture = Image.new("RGB", (900, 560), (232, 232, 228))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((6, 6, 893, 553), outline=(60, 60, 60), width=4)
    for row, text in enumerate((title, *lines)):
        pen.text((60, 60 + 110 * row), text, font=ink.small_print(), fill=(50, 50, 50))
    return Mark(picture, float(chance.uniform(30, 70)), float(chance.uniform(40, 150)), covers=True)
