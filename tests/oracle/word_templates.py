"""Word templates made on the spot for comparing the compiled path with docxtpl; everything in them is invented."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from docx import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docxtpl import InlineImage, Listing, RichText, RichTextParagraph

_NS = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NS.items())
Context = Mapping[str, Any]


def p(*runs: str, properties: str = "") -> str:
    """A paragraph; a run given as plain text becomes one."""
    made = "".join(one if one.startswith("<") else r(one) for one in runs)
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{made}</w:p>"


def r(text: str, properties: str = "") -> str:
    shown = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{shown}<w:t xml:space="preserve">{text}</w:t></w:r>'


def tc(*content: str, properties: str = "") -> str:
    inner = "".join(one if one.startswith("<w:p>") or one.startswith("<w:tbl>") else p(one) for one in content)
    return f'<w:tc><w:tcPr><w:tcW w:w="1000" w:type="dxa"/>{properties}</w:tcPr>{inner}</w:tc>'


def tr(*cells: str) -> str:
    return f"<w:tr>{''.join(one if one.startswith('<w:tc>') else tc(one) for one in cells)}</w:tr>"


def tbl(columns: int, *rows: str) -> str:
    grid = '<w:gridCol w:w="1000"/>' * columns
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{"".join(rows)}</w:tbl>'
    )


def picture(relation: str, number: int, name: str = "图", description: str = "") -> str:
    return (
        f'<w:drawing><wp:inline><wp:extent cx="360000" cy="360000"/>'
        f'<wp:docPr id="{number}" name="{name}" descr="{description}"/>'
        '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
        f'<pic:nvPicPr><pic:cNvPr id="0" name="{name}"/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill><a:blip r:embed="{relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        '<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="360000" cy="360000"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing>"
    )


def text_box(content: str, number: int = 7) -> str:
    """A text box as Word writes it: a shape, and the same content again for old programs."""
    return (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline><wp:extent cx="900000" cy="360000"/>'
        f'<wp:docPr id="{number}" name="文本框"/><a:graphic>'
        '<a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"><wps:wsp>'
        f'<wps:cNvSpPr txBox="1"/><wps:spPr/><wps:txbx><w:txbxContent>{content}</w:txbxContent></wps:txbx><wps:bodyPr/>'
        "</wps:wsp></a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape>"
        f"<v:textbox><w:txbxContent>{content}</w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r>"
    )


def png(shade: int, side: int = 2) -> bytes:
    """A grey square; equal shades give equal bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + bytes([shade]) * side) * side
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def word(
    body: str,
    *,
    header: str = "",
    footer: str = "",
    first: str = "",
    even: str = "",
    second_header: str = "",
    footnotes: str = "",
    properties: Mapping[str, str] | None = None,
    sections: int = 1,
    pictures: int = 0,
    header_pictures: int = 0,
) -> bytes:
    """A .docx with this content; ``@R0@``, ``@R1@`` in body or header stand for the relations of its pictures."""
    document = Document()
    element = document.element.body
    for child in list(element):
        if not child.tag.endswith("}sectPr"):
            element.remove(child)
    for _ in range(sections - 1):
        document.add_section()
    shades = iter(range(10, 250, 10))
    for number in range(pictures):
        relation, _image = document.part.get_or_add_image(io.BytesIO(png(next(shades))))
        body = body.replace(f"@R{number}@", relation)
    for place, child in enumerate(list(parse_xml(f"<w:body {_DECLARED}>{body}</w:body>"))):
        element.insert(place, child)
    section = document.sections[0]
    section.different_first_page_header_footer = bool(first)
    document.settings.odd_and_even_pages_header_footer = bool(even)
    for where, content in (
        (section.header, header),
        (section.footer, footer),
        (section.first_page_header, first),
        (section.even_page_header, even),
    ):
        if content:
            _fill(where, content, header_pictures if where is section.header else 0, shades)
    if second_header:
        _fill(document.sections[-1].header, second_header, 0, shades)
    if footnotes:
        _add_footnotes(document, footnotes)
    for name, text in (properties or {}).items():
        setattr(document.core_properties, name, text)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _fill(where: Any, content: str, pictures: int, shades: Any) -> None:
    where.is_linked_to_previous = False
    element = where._element
    for child in list(element):
        element.remove(child)
    for number in range(pictures):
        relation, _image = where.part.get_or_add_image(io.BytesIO(png(next(shades))))
        content = content.replace(f"@R{number}@", relation)
    for child in list(parse_xml(f"<w:hdr {_DECLARED}>{content}</w:hdr>")):
        element.append(child)


def _add_footnotes(document: Any, content: str) -> None:
    xml = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:footnotes {_DECLARED}>'
        '<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
        f'<w:footnote w:id="1">{content}</w:footnote></w:footnotes>'
    )
    part = Part(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, xml.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)


@dataclass(frozen=True)
class Case:
    """A template and the values it is filled with; a value may need the DocxTemplate it will be placed in."""

    name: str
    template: bytes
    contexts: tuple[Callable[[Any], Context] | Context, ...]
    path: str = "compiled"
    pictures: Mapping[str, bytes] = field(default_factory=dict)


REF = '<w:r><w:footnoteReference w:id="1"/></w:r>'
PEOPLE = {"rows": [{"name": "魏堃", "no": "0012", "tags": ["甲", "乙"]}, {"name": "唐喆", "no": "0013", "tags": []}]}
NOBODY: Context = {"rows": []}
WHO = {"name": "魏堃", "no": "0012003456", "yes": True, "address": "清源市 柳荫街12号"}
NOT = {"name": "A & B <b>", "no": "", "yes": False, "address": "“引号” 'x' \"y\""}


def rich() -> RichText:
    text = RichText("粗", bold=True, size=28)
    text.add(" & 斜", italic=True, color="FF0000")
    return text


def cases() -> list[Case]:
    """All templates; together with their values well over sixty pairs."""
    return [*_texts(), *_tables(), *_markup(), *_parts(), *_objects()]


def _texts() -> list[Case]:
    half = '<w:r><w:t>{</w:t></w:r><w:r w:rsidR="00A1"><w:t>{ na</w:t></w:r><w:proofErr w:type="spellStart"/>'
    return [
        Case("plain", word(p("户名：{{ name }}，户号 {{ no }}。") + p("{{ address }}")), (WHO, NOT)),
        Case(
            "split-runs",
            word(p(half + '<w:r><w:t xml:space="preserve">me }</w:t></w:r><w:r><w:t>}。</w:t></w:r>')),
            (WHO, NOT),
        ),
        Case(
            "proof-marks",
            word(
                p(
                    '<w:r><w:t>{{</w:t></w:r><w:proofErr w:type="gramStart"/><w:r><w:t xml:space="preserve">'
                    ' name </w:t></w:r><w:proofErr w:type="gramEnd"/><w:r><w:t>}}</w:t></w:r>'
                )
            ),
            (WHO,),
        ),
        Case(
            "if-in-line",
            word(p("{% if yes %}是{% elif no %}号{% else %}否{% endif %}，{{ name }}")),
            (WHO, NOT, {**NOT, "no": "7"}),
        ),
        Case(
            "if-paragraph",
            word(p("{%p if yes %}") + p("有 {{ name }}") + p("{%p else %}") + p("无") + p("{%p endif %}")),
            (WHO, NOT),
        ),
        Case(
            "if-through-paragraphs", word(p("甲{% if yes %}乙") + p("丙{{ name }}") + p("丁{% endif %}戊")), (WHO, NOT)
        ),
        Case(
            "for-paragraphs",
            word(
                p("{%p for x in rows %}")
                + p("{{ loop.index }}. {{ x.name }}（{{ x.no }}）")
                + p("{%p endfor %}")
                + p("完")
            ),
            (PEOPLE, NOBODY),
        ),
        Case("for-else", word(p("{% for x in rows %}{{ x.name }}、{% else %}无人{% endfor %}")), (PEOPLE, NOBODY)),
        Case(
            "nested-for",
            word(
                p("{%p for x in rows %}")
                + p("{{ x.name }}：{% for t in x.tags %}{{ t }}{% if not loop.last %}，{% endif %}{% endfor %}")
                + p("{%p endfor %}")
            ),
            (PEOPLE, NOBODY),
        ),
        Case(
            "set-and-filters",
            word(
                p(
                    "{% set n = no|length %}{{ n }} {{ name|upper }} {{ name|replace('A','B') }}"
                    "{{ no or '（空）' }} {{ '%05d'|format(n) }}"
                )
            ),
            (WHO, NOT),
        ),
        Case(
            "namespace",
            word(
                p(
                    "{% set ns = namespace(n=0) %}{% for x in rows %}{% set ns.n = ns.n + 1 %}{% endfor %}"
                    "共 {{ ns.n }} 人"
                )
            ),
            (PEOPLE, NOBODY),
        ),
        Case("with-block", word(p("{% with a = name %}{{ a }}{% endwith %}")), (WHO, NOT)),
        Case("comments", word(p("甲{# 不印 #}乙") + p("{#p 整段不印 #}") + p("{{ name }}")), (WHO,)),
        Case("raw", word(p("{% raw %}{{ 不是标签 }}{% endraw %}{{ name }}")), (WHO, NOT)),
        Case("escaped-braces", word(p("{_{ 原样 }_} {_% 原样 %_} {{ name }}")), (WHO, NOT)),
        Case(
            "smart-quotes", word(p("{% if no == “0012003456” %}同{% else %}异{% endif %}{{ no or ‘空’ }}")), (WHO, NOT)
        ),
        Case(
            "comparison", word(p("{% if no|length &gt; 3 and no|length &lt; 99 %}长{% endif %}{{ name }}")), (WHO, NOT)
        ),
        Case("merge-lines", word(p("甲") + p("{%- if yes %}乙{% endif -%}") + p("丙 {{ name }}")), (WHO, NOT)),
        Case(
            "run-tags",
            word(p(r("甲"), r("{%r if yes %}"), r("红", '<w:color w:val="FF0000"/>'), r("{%r endif %}"), r("丙"))),
            (WHO, NOT),
        ),
        Case(
            "formatted-runs",
            word(p(r("{{ name }}", "<w:b/>"), r(" {{ no }}", "<w:i/>"), properties='<w:jc w:val="center"/>')),
            (WHO, NOT),
        ),
        Case("spaces", word("<w:p><w:r><w:t>{{ name }} 与 {{ no }} </w:t></w:r></w:p>"), (WHO, NOT)),
        Case("no-tags", word(p("没有标签") + tbl(2, tr("一", "二"))), ({},)),
        Case("numbers-and-none", word(p("{{ a }} {{ b }} {{ c }}")), ({"a": 3, "b": 2.5, "c": True},)),
        Case("macro", word(p("{% macro say(x) %}《{{ x }}》{% endmacro %}{{ say(name) }}")), (WHO, NOT)),
        Case("set-block", word(p("{% set a %}【{{ name }}】{% endset %}{{ a }}{{ a }}")), (WHO, NOT)),
        Case("filter-block", word(p("{% filter upper %}abc {{ name }}{% endfilter %}")), (WHO,)),
        Case(
            "chinese-names",
            word(p("{{ 合同编号 }} {{ 用水人.姓名 }}")),
            ({"合同编号": "供合〔2026〕0001号", "用水人": {"姓名": "魏堃"}},),
        ),
    ]


def _tables() -> list[Case]:
    loop = (tr("{%tr for x in rows %}", ""), tr("{{ x.name }}", "{{ x.no }}"), tr("{%tr endfor %}", ""))
    merged = '<w:gridSpan w:val="2"/>'
    return [
        Case("rows", word(tbl(2, tr("户名", "户号"), *loop)), (PEOPLE, NOBODY)),
        Case("rows-only", word(tbl(2, *loop)), (PEOPLE, NOBODY)),
        Case(
            "rows-with-if",
            word(
                tbl(
                    2,
                    tr("户名", "户号"),
                    tr("{%tr for x in rows %}", ""),
                    tr("{%tr if x.tags %}", ""),
                    tr("{{ x.name }}", "{{ x.tags|join('、') }}"),
                    tr("{%tr endif %}", ""),
                    tr("{%tr endfor %}", ""),
                )
            ),
            (PEOPLE, NOBODY),
        ),
        Case(
            "if-row",
            word(tbl(2, tr("甲", "乙"), tr("{%tr if yes %}", ""), tr("{{ name }}", "x"), tr("{%tr endif %}", ""))),
            (WHO, NOT),
        ),
        Case(
            "rows-in-merged-table",
            word(
                tbl(
                    3,
                    tr(tc("表头 {{ title }}", properties='<w:gridSpan w:val="3"/>')),
                    tr("{%tr for x in rows %}", "", ""),
                    tr(tc("{{ x.name }}", properties=merged), "{{ x.no }}"),
                    tr("{%tr endfor %}", "", ""),
                    tr(tc("合计", properties=merged), "{{ rows|length }}"),
                )
            ),
            ({**PEOPLE, "title": "甲"}, {**NOBODY, "title": "乙"}),
        ),
        Case(
            "vertical-merge",
            word(
                tbl(
                    2,
                    tr("类", "名"),
                    tr("{%tr for x in rows %}", ""),
                    tr("{% vm %}同一类", "{{ x.name }}"),
                    tr("{%tr endfor %}", ""),
                )
            ),
            (PEOPLE, NOBODY),
        ),
        Case(
            "static-vertical-merge",
            word(
                tbl(
                    2,
                    tr(tc("类", properties='<w:vMerge w:val="restart"/>'), "{{ name }}"),
                    tr(tc("", properties="<w:vMerge/>"), "{{ no }}"),
                )
            ),
            (WHO, NOT),
        ),
        Case(
            "horizontal-merge",
            word(
                tbl(
                    2,
                    tr("甲", "乙"),
                    f"<w:tr>{tc('{%tc for x in rows %}')}{tc('{% hm %}合并')}{tc('{%tc endfor %}')}</w:tr>",
                )
            ),
            (PEOPLE,),
        ),
        Case(
            "columns",
            word(
                tbl(
                    3,
                    tr("{%tc for x in rows %}", "{{ x.name }}", "{%tc endfor %}"),
                    tr("{%tc for x in rows %}", "{{ x.no }}", "{%tc endfor %}"),
                )
            ),
            (PEOPLE, {"rows": [{"name": str(n), "no": n} for n in range(5)]}, {"rows": [{"name": "一", "no": "1"}]}),
        ),
        Case(
            "colspan",
            word(tbl(3, tr("甲", "乙", "丙"), tr(tc("{% colspan n %}{{ title }}"), "尾"))),
            ({"n": 2, "title": "跨列"}, {"n": 1, "title": "单"}, {"n": 4, "title": "过宽"}),
        ),
        Case(
            "cell-colour",
            word(tbl(2, tr(tc("{% cellbg colour %}{{ name }}"), "乙"))),
            ({"colour": "FFFF00", "name": "黄"}, {"colour": "auto", "name": "A & B"}),
        ),
        Case(
            "cell-colour-in-rows",
            word(
                tbl(
                    2,
                    tr("甲", "乙"),
                    tr("{%tr for x in rows %}", ""),
                    tr(tc("{% cellbg x.colour %}{{ x.name }}"), "{{ x.name }}"),
                    tr("{%tr endfor %}", ""),
                )
            ),
            ({"rows": [{"name": "一", "colour": "FF0000"}, {"name": "二", "colour": "00FF00"}]}, NOBODY),
        ),
        Case(
            "nested-tables",
            word(
                tbl(
                    2,
                    tr(
                        "外",
                        tc(
                            tbl(
                                2,
                                tr("内", "{{ name }}"),
                                tr("{%tr for x in rows %}", ""),
                                tr("{{ x.name }}", "{{ x.no }}"),
                                tr("{%tr endfor %}", ""),
                            ),
                            p("后"),
                        ),
                    ),
                )
            ),
            ({**WHO, **PEOPLE}, {**NOT, **NOBODY}),
        ),
        Case("wide-inner-table", word(tbl(1, tr(tc(tbl(3, tr("一", "{{ name }}", "三")), p(""))))), (WHO,)),
        Case(
            "table-in-loop",
            word(p("{%p for x in rows %}") + tbl(2, tr("{{ x.name }}", "{{ x.no }}")) + p("{%p endfor %}")),
            (PEOPLE, NOBODY),
        ),
        Case(
            "cells-in-if",
            word(tbl(2, tr("甲", "乙"), tr("{{ name }}", "{%tc if yes %}", "有", "{%tc endif %}"))),
            (WHO, NOT),
        ),
        Case("grid-too-wide", word(tbl(4, tr("甲", "{{ name }}"))), (WHO,)),
        Case("grid-too-narrow", word(tbl(1, tr("甲", "{{ name }}", "丙"))), (WHO,)),
        Case("row-comment", word(tbl(2, tr("{#tr 不印 #}", ""), tr("{{ name }}", "乙"))), (WHO,)),
    ]


def _markup() -> list[Case]:
    lines: tuple[Context, ...] = tuple(
        {"a": text, "b": "乙"}
        for text in ("一行\n二行", "栏\t栏\t栏", "一段\a二段", "一页\f二页", "混\n合\t的\a各\f种 & <x>", "\n", "末尾\n")
    )
    return [
        Case("rich-text", word(p("前 {{r a }} 后")), ({"a": rich()}, {"a": RichText("A & <B>")})),
        Case(
            "rich-text-in-rows",
            word(tbl(1, tr("甲"), tr("{%tr for x in rows %}"), tr("{{r x.t }}"), tr("{%tr endfor %}"))),
            ({"rows": [{"t": rich()}, {"t": RichText("")}]}, NOBODY),
        ),
        Case("rich-text-lines", word(p("{{r a }}")), ({"a": RichText("一\n二\t三", bold=True)},)),
        Case("rich-paragraphs", word(p("前") + p("{{p a }}") + p("后")), ({"a": RichTextParagraph(rich())},)),
        Case("listing", word(p("{{ a }}")), ({"a": Listing("一\n二 & <三>\t四")}, {"a": Listing("段\a落\f页")})),
        Case("lines", word(p("{{ a }}。{{ b }}")), lines),
        Case(
            "lines-formatted",
            word(p(r("{{ a }}", '<w:b/><w:sz w:val="30"/>'), r("{{ b }}"), properties='<w:jc w:val="center"/>')),
            lines[:5],
        ),
        Case("lines-in-table", word(tbl(2, tr("{{ a }}", "{{ b }}"))), lines[:2]),
        Case("lines-in-header", word(p("体"), header=p("{{ a }}"), footer=p("{{ a }}{{ b }}")), lines[:2]),
        Case("static-lines", word(p("静\n态\t的 {{ b }}")), lines[:1]),
        Case("static-lines-without-tags", word(p("静\n态\t的")), ({},)),
        Case(
            "hyperlink", word(p('<w:hyperlink w:anchor="a"><w:r><w:t>{{ name }}</w:t></w:r></w:hyperlink>')), (WHO, NOT)
        ),
        Case(
            "lines-in-hyperlink",
            word(p('<w:hyperlink w:anchor="a"><w:r><w:t>{{ a }}</w:t></w:r></w:hyperlink>')),
            lines[:2],
        ),
        Case(
            "tracked-changes",
            word(
                p(
                    '<w:ins w:id="1" w:author="x"><w:r><w:t>{{ name }}</w:t></w:r></w:ins>'
                    '<w:del w:id="2" w:author="x"><w:r><w:delText>{{ no }}</w:delText></w:r></w:del>'
                )
            ),
            (WHO, NOT),
        ),
        Case(
            "fields",
            word(
                p(
                    '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>',
                    "{{ name }}",
                    '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
                    '<w:r><w:instrText xml:space="preserve"> NUMPAGES </w:instrText></w:r>'
                    '<w:r><w:fldChar w:fldCharType="end"/></w:r>',
                )
            ),
            (WHO,),
        ),
        Case(
            "content-controls",
            word(
                '<w:sdt><w:sdtPr><w:alias w:val="户名"/></w:sdtPr><w:sdtContent>'
                + p("{{ name }}")
                + "</w:sdtContent></w:sdt>"
                + p("<w:sdt><w:sdtContent><w:r><w:t>{{ no }}</w:t></w:r></w:sdtContent></w:sdt>")
            ),
            (WHO, NOT),
        ),
        Case("mathematics", word(p("<m:oMath><m:r><m:t>{{ name }}</m:t></m:r></m:oMath>")), (WHO, NOT)),
        Case(
            "attribute",
            word(p('<w:hyperlink w:tooltip="{{ name }}" w:anchor="a"><w:r><w:t>x</w:t></w:r></w:hyperlink>')),
            (WHO, NOT),
        ),
    ]


def _parts() -> list[Case]:
    return [
        Case("header-footer", word(p("体 {{ name }}"), header=p("头 {{ no }}"), footer=p("尾 {{ name }}")), (WHO, NOT)),
        Case("header-only", word(p("体"), header=tbl(2, tr("{{ no }}", "{% if yes %}是{% endif %}"))), (WHO, NOT)),
        Case(
            "first-and-even",
            word(p("体"), header=p("奇 {{ name }}"), first=p("首 {{ no }}"), even=p("偶 {{ name }}")),
            (WHO, NOT),
        ),
        Case(
            "two-sections",
            word(p("一 {{ name }}"), sections=2, header=p("一节 {{ no }}"), second_header=p("二节 {{ name }}")),
            (WHO, NOT),
        ),
        Case(
            "footnote",
            word(p("正文", REF, "{{ name }}"), footnotes=p("注 {{ no }} {% if yes %}是{% endif %}")),
            (WHO, NOT),
        ),
        Case(
            "footnote-with-rows",
            word(p("正文", REF), footnotes=p("{% for x in rows %}{{ x.name }}；{% endfor %}")),
            (PEOPLE, NOBODY),
        ),
        Case(
            "properties",
            word(
                p("{{ name }}"),
                properties={
                    "title": "{{ name }}通知书",
                    "subject": "{% if yes %}甲{% endif %}",
                    "author": "{{ no }}",
                    "comments": "静态 A & B",
                    "keywords": "{{ 不填 }}",
                },
            ),
            (WHO,),
        ),
        Case("text-box", word(p("前", text_box(p("框 {{ name }}") + p("{{ no }}")), "后 {{ name }}")), (WHO, NOT)),
        Case("text-box-lines", word(p("前", text_box(p("{{ a }}")), "后")), ({"a": "一\n二\t三"},)),
        Case(
            "text-box-loop",
            word(p(text_box(p("{%p for x in rows %}") + p("{{ x.name }}") + p("{%p endfor %}")))),
            (PEOPLE, NOBODY),
        ),
        Case(
            "drawings",
            word(
                p(f"<w:r>{picture('@R0@', 5)}</w:r>") + p("{{ name }}", f"<w:r>{picture('@R1@', 5)}</w:r>"), pictures=2
            ),
            (WHO, NOT),
        ),
        Case(
            "drawings-in-loop",
            word(
                p("{%p for x in rows %}")
                + p("{{ x.name }}", f"<w:r>{picture('@R0@', 5)}</w:r>")
                + p("{%p endfor %}")
                + p(f"<w:r>{picture('@R0@', 9)}</w:r>"),
                pictures=1,
            ),
            (PEOPLE, NOBODY),
        ),
        Case(
            "drawing-in-if",
            word(
                p("{%p if yes %}")
                + p(f"<w:r>{picture('@R0@', 5)}</w:r>")
                + p("{%p endif %}")
                + p(f"<w:r>{picture('@R0@', 5)}</w:r>"),
                pictures=1,
            ),
            (WHO, NOT),
        ),
        Case(
            "drawing-description",
            word(p(f"<w:r>{picture('@R0@', 5, description='{{ name }}')}</w:r>"), pictures=1),
            (WHO, NOT),
        ),
        Case(
            "header-drawing",
            word(p("{{ name }}"), header=p(f"<w:r>{picture('@R0@', 3)}</w:r>", "{{ no }}"), header_pictures=1),
            (WHO, NOT),
        ),
        Case(
            "replaced-picture",
            word(p("{{ name }}", f"<w:r>{picture('@R0@', 1, name='印章')}</w:r>"), pictures=1),
            (WHO,),
            pictures={"印章|word/media/image1.png": png(200, 4)},
        ),
        Case(
            "everything",
            word(
                p("{{ name }}", REF, text_box(p("框 {{ no }}")))
                + tbl(
                    2,
                    tr("甲", "乙"),
                    tr("{%tr for x in rows %}", ""),
                    tr("{{ x.name }}", "{{r x.t }}"),
                    tr("{%tr endfor %}", ""),
                ),
                header=p("{{ no }}"),
                footer=p("{{ name }}"),
                footnotes=p("{{ name }}"),
                properties={"title": "{{ no }}"},
            ),
            ({**WHO, "rows": [{"name": "一", "t": rich()}]}, {**WHO, "rows": []}),
        ),
    ]


def _objects() -> list[Case]:
    def with_image(template: Any) -> Context:
        return {"name": "魏堃", "image": InlineImage(template, io.BytesIO(png(77)))}

    return [
        Case("inline-image", word(p("{{ name }} {{ image }}")), (with_image,)),
    ]
