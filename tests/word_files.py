"""Word files made of a few lines of XML, for tests: only the parts a test is about, all of them valid."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_NS = (
    f'xmlns:w="{_W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml.{}+xml"
_CORE = "application/vnd.openxmlformats-package.core-properties+xml"
STYLES = (
    '<w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:eastAsia="宋体"/></w:rPr></w:rPrDefault></w:docDefaults>'
    '<w:style w:type="paragraph" w:default="1" w:styleId="a"><w:name w:val="Normal"/><w:pPr>'
    '<w:spacing w:line="320" w:lineRule="exact"/></w:pPr></w:style>'
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001e527de"
    "fc0000000049454e44ae426082"
)


def run(text: str, properties: str = "") -> str:
    """A run of text."""
    look = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{look}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def para(text: str = "", inner: str = "", properties: str = "") -> str:
    """A paragraph of text, or of ready-made runs."""
    look = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{look}{inner or run(text)}</w:p>"


def table(*rows: list[str]) -> str:
    """A table; each cell is a text or ready-made paragraphs."""
    lines = []
    for row in rows:
        cells = "".join(f"<w:tc><w:tcPr/>{one if one.startswith('<w:') else para(one)}</w:tc>" for one in row)
        lines.append(f"<w:tr>{cells}</w:tr>")
    grid = "".join('<w:gridCol w:w="2000"/>' for _ in rows[0])
    return f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{''.join(lines)}</w:tbl>"


def picture(description: str, relation: str = "rIdQr", width: float = 18, height: float = 18, number: int = 1) -> str:
    """A paragraph with one inline picture; sizes in millimetres."""
    return (
        f'<w:p><w:r><w:drawing><wp:inline><wp:extent cx="{round(width * 36000)}" cy="{round(height * 36000)}"/>'
        f'<wp:docPr id="{number}" name="图片{number}" descr="{description}"/><a:graphic><a:graphicData '
        'uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:blipFill>'
        f'<a:blip r:embed="{relation}"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline>'
        "</w:drawing></w:r></w:p>"
    )


def text_box(paragraphs: str) -> str:
    """A run with a text box, as Word writes it: once for itself and once for old programs."""
    inner = f"<w:txbxContent>{paragraphs}</w:txbxContent>"
    return (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx>{inner}</wps:txbx></w:drawing>'
        f"</mc:Choice><mc:Fallback><w:pict>{inner}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


CODES = picture("recordkit:qr") + picture("recordkit:code128", "rIdBars", 62, 9, 2)


def word_file(
    body: str = "",
    *,
    header: str | None = CODES,
    first_header: str | None = None,
    footer: str = "",
    styles: str = STYLES,
    properties: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
    link: str = "",
    extra: Mapping[str, str] | None = None,
    media: Mapping[str, bytes] | None = None,
    header_relations: Mapping[str, str] | None = None,
) -> bytes:
    """A Word file.

    Args:
        body: paragraphs and tables.
        header: of every page; by default with the two printed codes. None for no header at all.
        first_header: of the first page alone.
        footer: of every page.
        styles: inside of styles.xml.
        properties: core properties by element such as ``dc:title``.
        notes: paragraphs by kind: ``footnotes``, ``endnotes``, ``comments``.
        link: target of a hyperlink with the relationship id ``rIdLink``.
        extra: further parts by name.
        media: files under word/media/ by name.
        header_relations: relationship id -> media name, in place of one picture for each code.
    """
    parts: dict[str, tuple[str, str]] = {}
    relations: list[tuple[str, str, str, str]] = []
    sections = ""

    def add(name: str, root: str, inner: str, kind: str) -> None:
        parts[f"word/{name}.xml"] = (f"<w:{root} {_NS}>{inner}</w:{root}>", _KIND.format(kind))
        relations.append((f"rId{name}", kind, f"{name}.xml", ""))

    add("styles", "styles", styles, "styles")
    for name, kind, inner in (("header1", "default", header), ("header2", "first", first_header)):
        if inner is not None:
            add(name, "hdr", inner or para(), "header")
            sections += f'<w:headerReference w:type="{kind}" r:id="rId{name}"/>'
    if footer:
        add("footer1", "ftr", footer, "footer")
        sections += '<w:footerReference w:type="default" r:id="rIdfooter1"/>'
    for kind, inner in (notes or {}).items():
        single = kind.removesuffix("s")
        add(kind, kind, f'<w:{single} w:id="1">{inner}</w:{single}>', kind)
    if link:
        relations.append(("rIdLink", "hyperlink", link, ' TargetMode="External"'))
    first = "<w:titlePg/>" if first_header is not None else ""
    parts["word/document.xml"] = (
        f"<w:document {_NS}><w:body>{body}<w:sectPr>{sections}{first}</w:sectPr></w:body></w:document>",
        _KIND.format("document.main"),
    )
    if properties is not None:
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in properties.items())
        parts["docProps/core.xml"] = (
            '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/">{inner}</cp:coreProperties>', _CORE)
    for name, text in (extra or {}).items():
        parts[name] = (text, "application/xml")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        types = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, (_, kind) in parts.items())
        package.writestr("[Content_Types].xml", _xml(
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="png" '
            f'ContentType="image/png"/><Default Extension="xml" ContentType="application/xml"/>{types}</Types>'))
        package.writestr("_rels/.rels", _relations([
            ("rId1", "officeDocument", "word/document.xml", ""),
            *([("rId2", "core", "docProps/core.xml", "")] if properties is not None else [])]))
        package.writestr("word/_rels/document.xml.rels", _relations(relations))
        pictures = header_relations or {"rIdQr": "qr.png", "rIdBars": "bars.png"}
        images = [(one, "image", f"media/{name}", "") for one, name in pictures.items()]
        for name in ("header1", "header2", "document"):
            if name != "document" and f"word/{name}.xml" in parts:
                package.writestr(f"word/_rels/{name}.xml.rels", _relations(images))
        for name, data in (media or {"qr.png": PNG, "bars.png": PNG}).items():
            package.writestr(f"word/media/{name}", data)
        for name, (text, _) in parts.items():
            package.writestr(name, _xml(text))
    return out.getvalue()


def _relations(some: list[tuple[str, str, str, str]]) -> str:
    kinds = {"core": "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"}
    inner = "".join(
        f'<Relationship Id="{name}" Type="{kinds.get(kind, f"{_OFFICE}/{kind}")}" Target="{escape(target)}"{mode}/>'
        for name, kind, target, mode in some
    )
    return _xml(f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}'
                "</Relationships>")


def _xml(text: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{text}'
