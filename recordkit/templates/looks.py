"""What a template's looks will do in print: East Asian fonts, line spacing, pictures, the two printed codes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from recordkit.messages import Message, msg
from recordkit.templates.code import CODE128_MM, QR_MM
from recordkit.templates.findings import FormFinding, around, at_place
from recordkit.templates.wordtext import FILLED, WP, A, Block, Element, Part, R, Run, W, WordFile

QR_MARK = "recordkit:qr"
CODE128_MARK = "recordkit:code128"
SMALLEST_QR_MM = 15.0
SMALLEST_CODE128_MM = (50.0, 6.0)
"""Below, a module of the bars is thinner than 0.2 mm and no longer survives a scan at 200 dpi."""
LARGEST_TEMPLATE = 2 << 20

_EMU_PER_MM = 36000
_EAST_ASIAN = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]|\\{\\{")


def find_looks(word: WordFile, *, codes: bool = True) -> list[FormFinding]:
    """Every finding about fonts, spacing and pictures.

    Args:
        word: the template.
        codes: whether the printed codes are expected, as in every form.
    """
    styles = _Styles(word)
    found = [*_fonts(word, styles), *_spacing(word, styles), *_alternative_texts(word)]
    if codes:
        found += _codes(word)
    if word.size > LARGEST_TEMPLATE:
        found.append(FormFinding(
            "large-file", msg("The template has {size} MB; every document becomes as large.",
                              size=f"{word.size / (1 << 20):.1f}"), "warning",
            fix=msg("Shrink its pictures in Word (compress pictures) and save again.")))
    return found


class _Styles:
    """Fonts and spacing as Word resolves them: run, character style, paragraph style, table style, defaults."""

    def __init__(self, word: WordFile) -> None:
        self._root = word.named("word/styles.xml")
        self._theme = word.named("word/theme/theme1.xml")
        self._by_id = {} if self._root is None else {
            one.get(f"{W}styleId", ""): one for one in self._root.iterfind(f"{W}style")
        }
        self._cache: dict[tuple[str, str], bool] = {}

    @cached_property
    def _default_paragraph(self) -> str:
        return next((name for name, one in self._by_id.items()
                     if one.get(f"{W}type") == "paragraph" and one.get(f"{W}default") in ("1", "true", "on")), "")

    def _chain(self, style: str) -> Iterator[Element]:
        seen: set[str] = set()
        while style in self._by_id and style not in seen:
            seen.add(style)
            yield self._by_id[style]
            parent = self._by_id[style].find(f"{W}basedOn")
            style = "" if parent is None else parent.get(f"{W}val", "")

    def _names_font(self, holder: Element | None) -> bool:
        fonts = None if holder is None else holder.find(f"{W}rPr/{W}rFonts")
        if fonts is None:
            return False
        theme = fonts.get(f"{W}eastAsiaTheme")
        return bool(fonts.get(f"{W}eastAsia")) or (theme is not None and self._theme_has(theme))

    def _theme_has(self, name: str) -> bool:
        kind = "majorFont" if name.startswith("major") else "minorFont"
        group = None if self._theme is None else self._theme.find(f".//{A}{kind}")
        if group is None:
            return False
        asian = group.find(f"{A}ea")
        hans = [one for one in group.iterfind(f"{A}font") if one.get("script") == "Hans" and one.get("typeface")]
        return bool(hans) or (asian is not None and bool(asian.get("typeface")))

    def _style_has(self, style: str) -> bool:
        key = ("font", style)
        if key not in self._cache:
            self._cache[key] = any(map(self._names_font, self._chain(style)))
        return self._cache[key]

    @cached_property
    def _defaults_have(self) -> bool:
        return self._root is not None and self._names_font(self._root.find(f"{W}docDefaults/{W}rPrDefault"))

    def has_east_asian(self, run: Run, block: Block) -> bool:
        """Whether the text of this run gets an East Asian font that somebody chose."""
        if self._names_font(run.element) or self._defaults_have:
            return True
        own = None if run.element is None else run.element.find(f"{W}rPr/{W}rStyle")
        names = [own.get(f"{W}val", "") if own is not None else "", self.style_of(block), _table_style(block)]
        return any(self._style_has(name) for name in names if name)

    def style_of(self, block: Block) -> str:
        """Id of the paragraph's style."""
        own = None if block.element is None else block.element.find(f"{W}pPr/{W}pStyle")
        name = "" if own is None else own.get(f"{W}val", "")
        return name if name in self._by_id else self._default_paragraph

    def style_name(self, block: Block) -> str:
        """Name of the paragraph's style as Word shows it."""
        style = self.style_of(block)
        name = self._by_id[style].find(f"{W}name") if style in self._by_id else None
        return style if name is None else name.get(f"{W}val", style)

    def is_fixed(self, block: Block) -> bool:
        """Whether the line height is a fixed number of points."""
        holders = [block.element, *self._chain(self.style_of(block))]
        if self._root is not None:
            holders.append(self._root.find(f"{W}docDefaults/{W}pPrDefault"))
        for holder in holders:
            spacing = None if holder is None else holder.find(f"{W}pPr/{W}spacing")
            if spacing is not None and (spacing.get(f"{W}line") or spacing.get(f"{W}lineRule")):
                return spacing.get(f"{W}lineRule") == "exact"
        return False


def _table_style(block: Block) -> str:
    own = None if block.table is None else block.table.find(f"{W}tblPr/{W}tblStyle")
    return "" if own is None else own.get(f"{W}val", "")


def _printed(word: WordFile) -> Iterator[Block]:
    for block in word.blocks:
        if block.origin == "text" and block.place.part in FILLED and block.text.strip():
            yield block


@dataclass
class _Group:
    first: Block
    span: tuple[int, int]
    count: int = 0


def _fonts(word: WordFile, styles: _Styles) -> Iterator[FormFinding]:
    groups: dict[tuple[str, str], _Group] = {}
    for block in _printed(word):
        at = 0
        for run in block.runs:
            begin, at = at, at + len(run.text)
            if _EAST_ASIAN.search(run.text) and not styles.has_east_asian(run, block):
                key = (block.place.part_id, styles.style_name(block))
                groups.setdefault(key, _Group(block, (begin, at))).count += 1
                break
    for (_, style), group in groups.items():
        yield at_place(
            group.first.place, "no-east-asian-font",
            msg("Chinese text without a Chinese font of its own, in {count} paragraph(s) of style {style}; each "
                "computer takes another one.", count=group.count, style=style),
            msg("Select it in Word, Font, and set the font for Chinese text (中文字体), best in the style."),
            "warning", text=around(group.first, *group.span),
        )


def _spacing(word: WordFile, styles: _Styles) -> Iterator[FormFinding]:
    groups: dict[str, _Group] = {}
    for block in _printed(word):
        drawn = block.element is not None and (
            block.element.find(f".//{W}drawing") is not None or block.element.find(f".//{W}pict") is not None
        )
        if not drawn and not styles.is_fixed(block):
            groups.setdefault(block.place.part_id, _Group(block, (0, len(block.text)))).count += 1
    for group in groups.values():
        yield at_place(
            group.first.place, "spacing-not-fixed",
            msg("{count} paragraph(s) without fixed line spacing: with other fonts the pages break elsewhere.",
                count=group.count),
            msg("Paragraph, line spacing: fixed value (固定值)."), "remark", text=around(group.first, *group.span),
        )


@dataclass(frozen=True, slots=True)
class _Picture:
    part: Part
    description: str
    name: str
    target: str
    width: float
    height: float
    """Millimetres."""


def _pictures(word: WordFile) -> Iterator[_Picture]:
    for part in word.parts:
        if part.kind not in FILLED or part.kind == "properties":
            continue
        for tag in ("inline", "anchor"):
            for drawing in part.root.iter(f"{WP}{tag}"):
                about, size = drawing.find(f"{WP}docPr"), drawing.find(f"{WP}extent")
                blip = drawing.find(f".//{A}blip")
                if blip is None:
                    continue
                relation = part.relations.get(blip.get(f"{R}embed", ""), ("", ""))
                names: Mapping[str, str] = {} if about is None else about.attrib
                width, height = (0, 0) if size is None else (int(size.get("cx", 0)), int(size.get("cy", 0)))
                yield _Picture(part, names.get("descr", ""), names.get("name", ""), relation[1],
                               width / _EMU_PER_MM, height / _EMU_PER_MM)


def _alternative_texts(word: WordFile) -> Iterator[FormFinding]:
    for one in _pictures(word):
        if not one.description.strip():
            yield at_place(
                one.part.place, "no-alternative-text",
                msg("The picture {name} has no alternative text.", name=one.name or one.target),
                msg("Right-click it in Word, Edit Alt Text, and say in a few words what it shows."), "warning",
            )


def _codes(word: WordFile) -> Iterator[FormFinding]:
    pictures = list(_pictures(word))
    marks: dict[str, tuple[Message, float, float]] = {
        QR_MARK: (msg("QR code"), SMALLEST_QR_MM, SMALLEST_QR_MM),
        CODE128_MARK: (msg("bar code"), *SMALLEST_CODE128_MM),
    }
    sizes = {QR_MARK: f"{QR_MM:g}×{QR_MM:g}", CODE128_MARK: f"{CODE128_MM[0]:g}×{CODE128_MM[1]:g}"}
    for mark, (name, width, height) in marks.items():
        found = [one for one in pictures if one.description == mark]
        if not found:
            yield FormFinding(
                "no-code-picture", msg("The template has no picture for the {name}.", name=name), "warning",
                fix=msg("Copy it from the header of a shipped form; its alternative text must stay {mark}.", mark=mark))
        for one in found:
            if one.width < width or one.height < height:
                yield at_place(
                    one.part.place, "small-code-picture",
                    msg("The picture for the {name} is {size} mm; scanners cannot read that.",
                        name=name, size=f"{one.width:.1f}×{one.height:.1f}"),
                    msg("Make it {size} mm, at least {smallest}.", size=sizes[mark],
                        smallest=f"{width:g}×{height:g}"), "warning")
        if found and all(one.part.kind not in ("header", "footer") for one in found):
            yield at_place(
                found[0].part.place, "code-on-first-page-only",
                msg("The {name} stands in the body: only one page bears it.", name=name),
                msg("Move the picture into the header, so that every page bears it."), "remark")
    for one in pictures:
        shared = {other.description for other in pictures if other.target == one.target}
        if one.description in marks and len(shared) > 1 and one is next(
            other for other in pictures if other.target == one.target and other.description in marks
        ):
            yield at_place(
                one.part.place, "shared-code-picture",
                msg("The picture {mark} is the same file as another picture; both would show the code.",
                    mark=one.description),
                msg("Delete the copy and insert its picture anew; Word stores equal pictures once."))
    yield from _pages_without_code(word, [one for one in pictures if one.description in marks])


def _is_on(switch: Element | None) -> bool:
    return switch is not None and switch.get(f"{W}val", "1") not in ("0", "false", "off")


def _pages_without_code(word: WordFile, codes: list[_Picture]) -> Iterator[FormFinding]:
    """A first page or even pages with a header of their own bear no code unless that header has one."""
    if not any(one.part.kind == "header" for one in codes):
        return
    settings = word.named("word/settings.xml")
    even = settings is not None and _is_on(settings.find(f"{W}evenAndOddHeaders"))
    with_code = {one.part.name for one in codes}
    for part in word.parts:
        for section in part.root.iter(f"{W}sectPr") if part.kind == "body" else ():
            first = _is_on(section.find(f"{W}titlePg"))
            used = {"default": True, "first": first, "even": even}
            bare = [one for one in section.iterfind(f"{W}headerReference")
                    if used.get(one.get(f"{W}type", ""))
                    and part.relations.get(one.get(f"{R}id", ""), ("", ""))[1] not in with_code]
            for one in bare:
                kinds = {"first": msg("first page"), "even": msg("even pages"), "default": msg("pages")}
                yield at_place(
                    part.place, "pages-without-code",
                    msg("The header of the {pages} bears no code: such a page cannot be matched when it is scanned.",
                        pages=kinds[one.get(f"{W}type", "default")]),
                    msg("Copy the two pictures into that header too, or switch off its own header."), "warning")
