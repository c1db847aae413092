"""Fonts of printed documents: the shipped table of look-alikes, what was substituted, boxes instead of characters.

LibreOffice replaces a missing font and prints a box for a missing character, both without a word. The text of such a
PDF looks complete to every reader (it is kept beside the boxes as ActualText), so the glyphs themselves are looked
at: a character whose drawing equals its font's ``.notdef`` was not printed. LibreOffice folds all missing characters
of a font into one code that bears the name of the first; the others are those that no font of the file knows.
"""

from __future__ import annotations

import html
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

from recordkit import files
from recordkit.messages import Message, msg

Script = Literal["chinese", "latin"]
WantedFont = tuple[str, Script]
"""A font's name and the script for which a document asks for it."""

OFFICE_FONTS: tuple[WantedFont, ...] = (
    ("仿宋_GB2312", "chinese"),
    ("宋体", "chinese"),
    ("黑体", "chinese"),
    ("楷体_GB2312", "chinese"),
    ("Times New Roman", "latin"),
)
RARE_CHARACTERS = "堃喆昇玥镕翀旻祎龑𠮷"
"""Characters of personal names that cheap fonts lack; all but the last are in GBK."""

_TABLE = Path(__file__).with_name("fonts.conf")
_SYSTEM_TABLE = "/etc/fonts/fonts.conf"
_TEXT_PART = re.compile(r"word/(?:document|header\d*|footer\d*|footnotes|endnotes)\.xml")
_TEXT = re.compile(r"<w:t(?: [^>]*)?>([^<]*)</w:t>")
_FONTS_TAG = re.compile(r"<w:rFonts ([^>]*)>")
_FONT = re.compile(r'w:(ascii|eastAsia)="([^"]+)"')
_STYLE = re.compile(r"<w:style .*?</w:style>", re.S)
_STYLE_ID = re.compile(r'w:styleId="([^"]+)"')
_STYLE_USED = re.compile(r'<w:(?:p|r|tbl)Style w:val="([^"]+)"')
_PROBES = {
    "chinese": "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月",
    "latin": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}
# What the makers of the fonts call them inside the file.
_INNER_NAMES = {
    "宋体": "SimSun", "新宋体": "NSimSun", "黑体": "SimHei", "楷体": "KaiTi", "仿宋": "FangSong",
    "楷体_GB2312": "KaiTi_GB2312", "仿宋_GB2312": "FangSong_GB2312", "微软雅黑": "MicrosoftYaHei", "等线": "DengXian",
}
# Drawn as a box by right, or drawn as nothing.
_BOXES = frozenset("□▯☐▢◻⎕\u2800\u3164\u115f\u1160\uffa0")
_GLYPH_PIXELS = 24
_UNMAPPED = "\u02ff"  # no code of a one-byte font, so FreeType draws .notdef


@dataclass(frozen=True, slots=True)
class DocxFacts:
    """What a Word file asks of the printer: its fonts, and each of its characters once."""

    fonts: frozenset[WantedFont]
    characters: str

    @property
    def has_text(self) -> bool:
        """Whether anything but white space is to be printed."""
        return any(not character.isspace() for character in self.characters)


@dataclass(frozen=True, slots=True)
class Substitution:
    """``wanted`` was printed in ``used``; None when nothing installed could print it at all."""

    wanted: str
    used: str | None

    @property
    def message(self) -> Message:
        """For the person who prints."""
        if self.used is None:
            return msg("The font {wanted} is not installed, nor any look-alike: boxes are printed.", wanted=self.wanted)
        return msg("The font {wanted} is not installed; {used} is printed instead.", wanted=self.wanted, used=self.used)


@dataclass(frozen=True, slots=True)
class PdfFonts:
    """What the fonts inside a PDF know.

    Attributes:
        known: characters with a drawing of their own, by the font's name in the file (without its subset mark).
        boxed: characters whose drawing is the box (or blank) that stands for a missing one.
        unread: some font could not be looked into.
    """

    known: Mapping[str, str]
    boxed: str
    unread: bool


def write_font_table(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Put the font table into ``folder``; the environment in which LibreOffice heeds it.

    A table that the environment names already (FONTCONFIG_FILE) takes the place of the system's. On macOS and Windows
    LibreOffice asks the system instead of fontconfig and the table changes nothing there.
    """
    text = _TABLE.read_text(encoding="utf-8")
    own = environment.get("FONTCONFIG_FILE")
    if own and Path(own) != _TABLE:
        text = text.replace(_SYSTEM_TABLE, escape(own))
    target = folder / "fonts.conf"
    files.write_atomic(target, text.encode())
    return {**environment, "FONTCONFIG_FILE": str(target)}


def docx_facts(package: zipfile.ZipFile) -> DocxFacts:
    """Fonts and characters of body, headers, footers and notes.

    Fonts named only by a theme are not seen.

    Raises:
        KeyError: there is no document in the package.
        zipfile.BadZipFile, UnicodeDecodeError, zlib.error: a part is damaged.
    """
    package.getinfo("word/document.xml")
    names = package.namelist()
    parts = [package.read(name).decode() for name in names if _TEXT_PART.fullmatch(name)]
    used = {style for part in parts for style in _STYLE_USED.findall(part)}
    styles = package.read("word/styles.xml").decode() if "word/styles.xml" in names else ""
    looks = [styles.partition("</w:docDefaults>")[0]]
    for style in _STYLE.findall(styles):
        named = _STYLE_ID.search(style)
        if named and (named[1] in used or 'w:default="1"' in style):
            looks.append(style)
    fonts: set[WantedFont] = set()
    for part in (*parts, *looks):
        for attributes in set(_FONTS_TAG.findall(part)):
            for kind, name in _FONT.findall(attributes):
                fonts.add((html.unescape(name), "chinese" if kind == "eastAsia" else "latin"))
    characters = {character for part in parts for text in _TEXT.findall(part) for character in html.unescape(text)}
    return DocxFacts(frozenset(fonts), "".join(sorted(characters)))


def pdf_fonts(pdf: bytes, proven: dict[str, set[str]] | None = None) -> PdfFonts:
    """Look into the fonts embedded in a PDF that LibreOffice wrote.

    Args:
        pdf: the file.
        proven: characters seen drawn, by font; they are not drawn again, and new ones are added. For the files of one
            run on one machine: there a font has a character or has it not.
    """
    try:
        return _pdf_fonts(pdf, {} if proven is None else proven)
    # pypdf raises bare TypeError, KeyError and its own errors on odd files: then every character is in doubt, which
    # unprinted_characters() handles, and the paper is still there.
    except Exception:
        return PdfFonts({}, "", unread=True)


def _pdf_fonts(pdf: bytes, proven: dict[str, set[str]]) -> PdfFonts:
    import pypdf

    known: dict[str, str] = {}
    boxed: set[str] = set()
    unread, seen = False, set()
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        for reference in _inside(_inside(page, "/Resources"), "/Font").values():
            font: Any = reference.get_object()
            identity = (font.get("/BaseFont"), id(font))
            if identity in seen:
                continue
            seen.add(identity)
            codes = _codes(font)
            name = re.sub(r"^[A-Z]{6}\+", "", str(font.get("/BaseFont", "")).lstrip("/"))
            before = proven.setdefault(name, set())
            doubtful = {code: text for code, text in codes.items() if not text or text[0] not in before}
            boxes = _boxes(font, doubtful) if doubtful or not codes else set()
            unread = unread or boxes is None
            boxed |= boxes or set()
            drawn = {character for text in codes.values() for character in text} - (boxes or set())
            if boxes is not None:
                before |= drawn
            known[name] = "".join(sorted(drawn | set(known.get(name, ""))))
    return PdfFonts(known, "".join(sorted(boxed)), unread)


def _inside(holder: Any, key: str) -> Any:
    value = holder.get(key)
    return {} if value is None else value.get_object()


def _codes(font: Any) -> dict[int, str]:
    """Character codes of the font with their texts, from its ToUnicode table (ISO 32000-1, 9.10.3)."""
    if "/ToUnicode" not in font:
        return {}
    table = font["/ToUnicode"].get_object().get_data().decode("latin-1")
    found: dict[int, str] = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", table, re.S):
        for code, text in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[int(code, 16)] = bytes.fromhex(text).decode("utf-16-be", "replace")
    for block in re.findall(r"beginbfrange(.*?)endbfrange", table, re.S):
        for first, last, text in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            start = bytes.fromhex(text).decode("utf-16-be", "replace")
            for step in range(int(last, 16) - int(first, 16) + 1):
                found[int(first, 16) + step] = start[:-1] + chr(ord(start[-1]) + step)
        for first, texts in re.findall(r"<([0-9A-Fa-f]+)>\s*<[0-9A-Fa-f]+>\s*\[(.*?)\]", block, re.S):
            for step, text in enumerate(re.findall(r"<([0-9A-Fa-f]+)>", texts)):
                found[int(first, 16) + step] = bytes.fromhex(text).decode("utf-16-be", "replace")
    return found


def _boxes(font: Any, codes: Mapping[int, str]) -> set[str] | None:
    """Characters that the font draws as its ``.notdef``; None when it cannot be told."""
    if font.get("/Subtype") == "/Type0":
        # Two-byte codes are glyph numbers here, and glyph 0 is .notdef in every font.
        return {one for one in codes.get(0, "") if _must_show(one)}
    from PIL import ImageFont

    descriptor = _inside(font, "/FontDescriptor")
    embedded = next((descriptor[key] for key in ("/FontFile", "/FontFile2", "/FontFile3") if key in descriptor), None)
    if embedded is None:
        return None
    data = embedded.get_object().get_data()
    # One-byte fonts: Type 1 and CFF have Adobe's custom encoding, TrueType subsets a Macintosh table.
    for encoding in ("ADBC", "armn", "symb"):
        try:
            face = ImageFont.truetype(
                io.BytesIO(data), _GLYPH_PIXELS, encoding=encoding, layout_engine=ImageFont.Layout.BASIC
            )
        except OSError:
            continue
        missing = bytes(face.getmask(_UNMAPPED))
        return {
            text[0] for code, text in codes.items()
            if text and _must_show(text[0]) and bytes(face.getmask(chr(code))) == missing
        }
    return None


def _must_show(character: str) -> bool:
    """Whether a character leaves ink that can be told from a box."""
    if character in _BOXES:
        return False
    return unicodedata.category(character) not in ("Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Cn", "Mn", "Me")


def unprinted_characters(facts: DocxFacts, fonts: PdfFonts) -> str:
    """Characters of the document that its PDF shows as boxes; empty when all are there.

    When one is found, those that no font of the PDF knows are added. They alone prove nothing, because hidden text and
    values of fields never reach the paper.
    """
    found = set(fonts.boxed)
    if found or fonts.unread:
        known = {character for characters in fonts.known.values() for character in characters}
        found |= {one for one in facts.characters if ord(one) > 0x7F and one not in known and _must_show(one)}
    return "".join(sorted(found))


def probe_document(fonts: Sequence[WantedFont], extra: str = "") -> bytes:
    """A Word file that shows one character of its own in each font; ``read_probe`` tells from its PDF what was used."""
    runs = []
    for (name, script), character in zip(fonts, _probe_characters(fonts), strict=True):
        runs.append(_run(name, character, script))
    runs.append(_run(fonts[0][0] if fonts else "宋体", extra, "chinese"))
    body = "".join(f"<w:p>{run}</w:p>" for run in runs)
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        )
        target.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
        )
        target.writestr(
            "word/document.xml", f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'
        )
    return out.getvalue()


def _run(font: str, text: str, script: Script) -> str:
    name = quoteattr(font)
    hint = ' w:hint="eastAsia"' if script == "chinese" else ""
    return (
        f"<w:r><w:rPr><w:rFonts w:ascii={name} w:hAnsi={name} w:eastAsia={name}{hint}/>"
        f'<w:lang w:eastAsia="zh-CN"/></w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
    )


def _probe_characters(fonts: Iterable[WantedFont]) -> list[str]:
    supply = {script: iter(characters) for script, characters in _PROBES.items()}
    return [next(supply[script]) for _, script in fonts]


def probes(fonts: Iterable[WantedFont]) -> list[list[WantedFont]]:
    """The fonts in portions, each small enough for one probe document."""
    portions: list[list[WantedFont]] = []
    for script, characters in _PROBES.items():
        own = sorted(font for font in set(fonts) if font[1] == script)
        for start in range(0, len(own), len(characters)):
            place = start // len(characters)
            portions += [[] for _ in range(place + 1 - len(portions))]
            portions[place] += own[start : start + len(characters)]
    return portions


def read_probe(fonts: Sequence[WantedFont], found: PdfFonts) -> tuple[Substitution, ...]:
    """Which of the fonts were printed in another, by the order of their names."""
    made: dict[str, Substitution] = {}
    for (name, _), character in zip(fonts, _probe_characters(fonts), strict=True):
        used = next((inner for inner, characters in found.known.items() if character in characters), None)
        if used is None or not _is_same(name, used):
            made.setdefault(name, Substitution(name, None if used is None else shown_name(used)))
    return tuple(made[name] for name in sorted(made))


def _is_same(name: str, inner: str) -> bool:
    plain = _INNER_NAMES.get(name, name)
    return _folded(inner).startswith((_folded(plain), _folded(name)))


def _folded(name: str) -> str:
    return re.sub(r"[^\w]|_", "", name).casefold()


def shown_name(inner: str) -> str:
    """A font's name for people, from the one inside a PDF: ``NotoSerifCJKjp-Regular-VKana`` is Noto Serif CJK."""
    # All faces of Noto's collection bear the Japanese one's name inside, whichever was used.
    family = re.sub(r"CJK(?:jp|sc|tc|hk|kr)$", "CJK", inner.split("-")[0])
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", family)
