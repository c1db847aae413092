"""A copy of a scan in which its text can be searched and marked: the same pages, the text that OCR read laid over them.

The original is never touched. The copy shows the original's own pictures, turned upright, and carries nothing that
acts: no scripts, no attached files, no form, no signature. It is PDF/A-2b (ISO 19005-2) where the original lets it.
This parses hostile input; ingest calls it in a child process.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import struct
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordkit import files
from recordkit.archive.ocr import Piece, Point
from recordkit.archive.pdf_actions import kinds_in
from recordkit.errors import missing_extra

if TYPE_CHECKING:
    import pikepdf

_FLAVOUR = "2b"
_FONT = "/RKtext"
# What is needed to show and hide optional content (ISO 32000-1, 8.11); groups and their list may hold anything else.
_OF_A_GROUP = frozenset({"/Type", "/Name", "/Intent", "/OCGs", "/P", "/VE"})
_OF_A_STATE = frozenset({"/Name", "/BaseState", "/ON", "/OFF", "/Order", "/Intent", "/RBGroups", "/ListMode"})
# Files and private data of programs, which may hang on any picture.
_UNSEEN = ("/AF", "/PieceInfo")
_FONT_MADE = 3_550_000_000  # seconds since 1904; the same bytes for every copy


@dataclass(frozen=True, slots=True)
class TextLayer:
    """What OCR read on one page. ``turned``: degrees clockwise that set it upright, beyond its own rotation."""

    turned: int = 0
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchableCopy:
    """A copy that was written.

    Attributes:
        path: where it lies.
        is_pdfa: it was checked, after writing, to be PDF/A-2b.
        obstacle: the first rule of ISO 19005-2 that stood against that, as the checker names it; else empty.
    """

    path: Path
    is_pdfa: bool
    obstacle: str = ""


def can_write_searchable() -> bool:
    """Whether the optional part ``pdf`` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("pikepdf", "lxml"))


def write_searchable(original: Path, target: Path, layers: Sequence[TextLayer]) -> SearchableCopy:
    """Write the searchable copy of a PDF.

    Args:
        original: opens without a password.
        target: must not exist.
        layers: one per page; a page without pieces keeps what it has and is turned only.

    Raises:
        MissingPart: pikepdf is not installed.
        pikepdf.PdfError, ValueError, ...: the original's structure cannot be walked, or what acts could not be left
            behind; nothing was written.
        OSError: the copy cannot be written.
    """
    try:
        import pikepdf
        from pikepdf import pdfa
    except ImportError as error:
        raise missing_extra("pikepdf", "pdf") from error
    out, obstacle = io.BytesIO(), ""
    with _assembled(original, layers) as copy:
        try:
            pdfa.save(copy, out, _FLAVOUR)
        except pdfa.PdfaError as refusal:
            obstacle = next((one.rule for one in refusal.report.findings), "?")
    if obstacle:
        # Made anew: what the attempt declared in the metadata is not true of this one.
        out = io.BytesIO()
        with _assembled(original, layers) as copy:
            copy.save(out, deterministic_id=True)
    with pikepdf.open(out) as written:
        carried = kinds_in(written)
    if carried:
        raise ValueError(f"the copy would carry {sorted(carried)}")
    files.write_atomic(target, out.getvalue())
    return SearchableCopy(target, not obstacle, obstacle)


@contextlib.contextmanager
def _assembled(original: Path, layers: Sequence[TextLayer]) -> Iterator[pikepdf.Pdf]:
    """A new document with the original's pages and the text; of everything else nothing comes along."""
    import pikepdf

    with pikepdf.new() as copy, pikepdf.open(original) as source:
        font = _font(copy, {character for layer in layers for piece in layer.pieces for character in piece.text + " "})
        if len(source.pages) != len(layers):
            raise ValueError(f"{len(layers)} text layers for {len(source.pages)} pages")
        if any("/Annots" in page for page in source.pages):
            # Stamps, notes and filled-in fields are part of what is seen: they become part of the page.
            source.flatten_annotations("screen")
        _strip(source)
        for page, layer in zip(source.pages, layers, strict=True):
            _add_page(copy, source, page, layer, font)
        optional = source.Root.get("/OCProperties")
        if optional is not None:
            # Without it content that is switched off would be seen.
            state = _only(optional.get("/D", pikepdf.Dictionary()), _OF_A_STATE)
            kept = pikepdf.Dictionary(OCGs=optional.get("/OCGs", pikepdf.Array()), D=state)
            copy.Root.OCProperties = copy.copy_foreign(source.make_indirect(kept))
        yield copy  # its streams are read from the source when it is saved


def _strip(source: pikepdf.Pdf) -> None:
    """Take away, in memory, what hangs on groups of optional content and on pictures without being seen."""
    from pikepdf import Dictionary, Stream

    for one in source.objects:
        if not isinstance(one, Dictionary | Stream):
            continue
        for name in _UNSEEN:
            if name in one:
                del one[name]
        if isinstance(one, Dictionary) and one.get("/Type") in ("/OCG", "/OCMD"):
            for name in set(one.keys()) - _OF_A_GROUP:
                del one[name]


def _only(entries: Any, names: frozenset[str]) -> pikepdf.Dictionary:
    from pikepdf import Dictionary

    return Dictionary({name: value for name, value in entries.items() if name in names})


def _add_page(copy: pikepdf.Pdf, source: pikepdf.Pdf, page: pikepdf.Page, layer: TextLayer, font: _Font) -> None:
    from pikepdf import Array, Dictionary, Name, Page

    rotation = (int(_inherited(page, "/Rotate", 0)) + layer.turned) % 360
    resources: Any = copy.copy_foreign(source.make_indirect(_inherited(page, "/Resources", Dictionary())))
    box = _visible(page)
    sheet = Array([float(edge) for edge in page.mediabox])
    new = Dictionary(Type=Name.Page, MediaBox=sheet, CropBox=Array(list(box)), Rotate=rotation)
    if "/UserUnit" in page:
        new.UserUnit = float(page.obj.UserUnit)
    if "/Group" in page:  # how what is transparent is mixed
        new.Group = copy.copy_foreign(source.make_indirect(page.obj.Group))
    contents: Any = page.obj.get("/Contents", Array())
    streams = [copy.copy_foreign(one) for one in (contents if isinstance(contents, Array) else [contents])]
    if layer.pieces:
        # Dictionaries of its own: pages may share them.
        fonts = Dictionary(dict(resources.get("/Font", Dictionary()).items()))
        fonts[_FONT] = font.handle
        resources = Dictionary(dict(resources.items()))
        resources["/Font"] = fonts
        # Beneath the page's own content, which may leave any scale and clipping behind.
        streams.insert(0, copy.make_stream(_drawn(layer.pieces, box, rotation, font)))
    new.Resources, new.Contents = resources, Array(streams)
    copy.pages.append(Page(copy.make_indirect(new)))


def _inherited(page: pikepdf.Page, name: str, default: Any) -> Any:
    """An entry of the page or of the nodes above it (ISO 32000-1, 7.7.3.4)."""
    node: Any = page.obj
    for _ in range(64):  # a damaged tree may run in a circle
        if name in node:
            return node[name]
        if "/Parent" not in node:
            break
        node = node["/Parent"]
    return default


def _visible(page: pikepdf.Page) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of what is shown, in points."""
    def plain(corners: Iterable[Any]) -> tuple[float, float, float, float]:
        one, two, three, four = (float(value) for value in corners)
        return min(one, three), min(two, four), max(one, three), max(two, four)

    outer, inner = plain(page.mediabox), plain(page.cropbox)
    left, bottom = max(outer[0], inner[0]), max(outer[1], inner[1])
    right, top = min(outer[2], inner[2]), min(outer[3], inner[3])
    return (left, bottom, right, top) if left < right and bottom < top else outer


def _drawn(
    pieces: Sequence[Piece], box: tuple[float, float, float, float], rotation: int, font: _Font
) -> bytes:
    """Content stream of invisible text (rendering mode 3), each piece stretched over the place where it was read."""
    parts = ["q BT 3 Tr", f"{_FONT} 1 Tf"]
    for piece in pieces:
        width = font.width(piece.text)
        if not width:
            continue
        top_left, _, low_right, low_left = (_placed(corner, box, rotation) for corner in piece.corners)
        along = [(low_right[axis] - low_left[axis]) / width for axis in (0, 1)]
        up = [top_left[axis] - low_left[axis] for axis in (0, 1)]
        start = [low_left[axis] + 0.2 * up[axis] for axis in (0, 1)]  # glyphs reach 0.2 em below their line
        matrix = " ".join(f"{value:.4f}" for value in (*along, *up, *start))
        parts.append(f"{matrix} Tm <{font.encoded(piece.text)}> Tj")
    return "\n".join([*parts, "ET Q\n"]).encode("ascii")


def _placed(point: Point, box: tuple[float, float, float, float], rotation: int) -> Point:
    """From shares of the page as it is seen upright to points on the page as it is stored."""
    across, down = point
    x, y = {
        0: (across, 1 - down), 90: (down, across), 180: (1 - across, down), 270: (1 - down, 1 - across),
    }[rotation // 90 * 90]
    left, bottom, right, top = box
    return left + x * (right - left), bottom + y * (top - bottom)


@dataclass(frozen=True, slots=True)
class _Font:
    """A font that paints nothing: codes for the characters of one document, narrow ones half as wide as wide ones."""

    handle: Any
    codes: dict[str, int]
    narrow: int

    def width(self, text: str) -> float:
        """Of a text, in em."""
        return sum(0.5 if self.codes[one] <= self.narrow else 1.0 for one in text)

    def encoded(self, text: str) -> str:
        """Codes of a text and a space: pdfium overlooks texts of one character."""
        return "".join(f"{self.codes[one]:04X}" for one in text + " ")


def _font(copy: pikepdf.Pdf, characters: Iterable[str]) -> _Font:
    from pikepdf import Array, Dictionary, Name, String

    wide = {one: unicodedata.east_asian_width(one) in "WFA" for one in characters}
    ordered = sorted(wide, key=lambda one: (wide[one], one))
    codes = {one: code for code, one in enumerate(ordered, start=1)}
    narrow = sum(not one for one in wide.values())
    glyphs = struct.pack(">H", 0) + b"".join(struct.pack(">H", 1 if wide[one] else 2) for one in ordered)
    descriptor = Dictionary(
        Type=Name.FontDescriptor, FontName=Name.RKtext, Flags=4, FontBBox=Array([0, -200, 1000, 800]), ItalicAngle=0,
        Ascent=800, Descent=-200, CapHeight=800, StemV=80, FontFile2=copy.make_stream(_unseen_glyphs()),
    )
    descendant = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name.RKtext, DW=1000,
        CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
        FontDescriptor=copy.make_indirect(descriptor), CIDToGIDMap=copy.make_stream(glyphs),
    )
    if narrow:
        descendant.W = Array([1, narrow, 500])
    handle = copy.make_indirect(Dictionary(
        Type=Name.Font, Subtype=Name.Type0, BaseFont=Name.RKtext, Encoding=Name("/Identity-H"),
        DescendantFonts=Array([copy.make_indirect(descendant)]), ToUnicode=copy.make_stream(_to_unicode(codes)),
    ))
    return _Font(handle, codes, narrow)


def _to_unicode(codes: dict[str, int]) -> bytes:
    """The table by which readers get the characters back (ISO 32000-1, 9.10.3)."""
    rows = [f"<{code:04X}> <{one.encode('utf-16-be').hex().upper()}>" for one, code in codes.items()]
    parts = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange",
    ]
    for start in range(0, len(rows), 100):  # a section holds a hundred at most
        section = rows[start : start + 100]
        parts += [f"{len(section)} beginbfchar", *section, "endbfchar"]
    return "\n".join([*parts, "endcmap CMapName currentdict /CMap defineresource pop end end"]).encode("ascii")


def _glyph(width: int) -> bytes:
    """A stroke without area from corner to corner: it paints nothing, but has a height.

    pdfium passes over text without extent, which is what text in empty glyphs has on a page that lies on its side.
    """
    frame = struct.pack(">5h", 1, 0, -200, width, 800)
    return frame + struct.pack(">HH2B4h", 1, 0, 1, 1, 0, width, -200, 1000)


def _unseen_glyphs() -> bytes:
    """A TrueType font (ISO/IEC 14496-22) of three glyphs: missing, wide (1 em), narrow (half an em)."""
    wide, narrow = _glyph(1000), _glyph(500)
    ends = [0, 0, len(wide), len(wide) + len(narrow)]
    tables = {
        b"glyf": wide + narrow,
        b"head": struct.pack(">4I2H2Q4h2H3h", 0x10000, 0x10000, 0, 0x5F0F3CF5, 0, 1000, _FONT_MADE, _FONT_MADE,
                             0, -200, 1000, 800, 0, 8, 2, 0, 0),
        b"hhea": struct.pack(">I3hH11hH", 0x10000, 800, -200, 0, 1000, 0, 0, 1000, 1, 0, 0, 0, 0, 0, 0, 0, 3),
        b"hmtx": struct.pack(">HhHhHh", 1000, 0, 1000, 0, 500, 0),
        b"loca": struct.pack(">4H", *(end // 2 for end in ends)),
        b"maxp": struct.pack(">I14H", 0x10000, 3, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    head = struct.pack(">I4H", 0x10000, len(tables), 64, 2, 16 * len(tables) - 64)
    at, directory, body = len(head) + 16 * len(tables), b"", b""
    for name, data in tables.items():
        padded = data + b"\0" * (-len(data) % 4)
        directory += struct.pack(">4s3I", name, _checksum(padded), at + len(body), len(data))
        body += padded
    whole = head + directory + body
    adjusted = (0xB1B0AFBA - _checksum(whole)) & 0xFFFFFFFF
    place = at + len(tables[b"glyf"]) + 8
    return whole[:place] + struct.pack(">I", adjusted) + whole[place + 4 :]


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f">{len(data) // 4}I", data))
    return total & 0xFFFFFFFF
