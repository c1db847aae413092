"""Draws the forms of the printed catalogues, form.toml and sample.toml included: their fields are the listings' own.

Run by ``python tools/make_forms.py``, or alone. The result is deterministic.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from formkit import HEI, Cell, Row, cover_ends, label, para, row, save_listing, table, tag_row, value

from recordkit.archive.listings import items, transfer, volumes
from recordkit.archive.listings.paper import ROWS
from recordkit.archive.listings.shape import Column, Look

FORMS = Path(__file__).resolve().parents[1] / "forms" / "listings"
LOOKS = (items.LOOK, transfer.LOOK, volumes.INSIDE, volumes.VOLUMES, volumes.NOTES, volumes.COVERS)
ENGLISH = {"items": "Catalogue of items", "transfer": "Register of a transfer", "volume": "Contents of a volume",
           "volumes": "Catalogue of volumes", "notes": "Note of a volume", "covers": "Cover of a volume"}
DAYS = {"since", "until", "arranged_on", "checked_on"}
SAMPLES = {
    "fonds": "C001", "fonds_name": "某某市自来水有限公司", "year": "2026", "period": "10年",
    "department": "客户服务中心",
    "count": "2", "pages": "3", "name": "某某市自来水有限公司2026年度归档文件", "content": "回访记录2件",
    "size": "45 B",
    "digest": "a9fe9a7d720da92c29d5a52b6b7eed5f6999bbdc76abdc76fbba21b539e13961", "code": "C001-KF·2026-D10-KFZ-0001",
    "title": "唐喆供用水案卷", "items": "2", "contents": "本卷共有文件材料2件，3页。", "situation": "无缺损。",
    "arranged_by": "林昇", "arranged_on": "2026-12-01", "checked_by": "石磊", "checked_on": "2026-12-02",
    "since": "2026-03-02", "until": "2026-06-15", "security": "", "place": "1", "number": "回访〔2026〕00001号",
    "responsible": "某某市自来水有限公司", "date": "20261118", "note": "", "page": "1-3", "span": "20260302-20260615",
    "sha256": "079506db999cfd6560d97d0f03874488bae97c1af503d80519fc6665959a2edf",
}  # fmt: skip
NARROW = 9.5


def name_in(text: str) -> str:
    """A label as a template can name it: letters, characters and digits."""
    return "".join(char for char in text if char.isalnum())


def tag_of(text: str) -> str:
    """The tag that prints the field of this label."""
    return f"{{{{ {name_in(text)} }}}}"


def rows_table(look: Look) -> str:
    """The list: facts and heads on every page, one row an item."""
    count = len(look.columns)
    line = "　　".join(f"{text}：{tag_of(text)}" for key, text in look.facts
                       if key not in ("content", "size", "digest"))
    line += "".join(f"\n{text}：{tag_of(text)}" for key, text in look.facts if key == "digest")
    return table(
        [one.width for one in look.columns],
        (
            Row((Cell(line, count, borders=False, size=NARROW, line=13),), height=7, header=True),
            Row(tuple(label(one.label, size=10, line=13) for one in look.columns), height=8, header=True),
            tag_row("{%tr for 件 in 条目 %}", count),
            Row(tuple(
                value(f"{{{{ 件.{name_in(one.label)} }}}}", align="center" if one.centred else "left", line=13,
                      size=8 if one.key == "sha256" else NARROW) for one in look.columns), height=8),
            tag_row("{%tr endfor %}", count),
        ),
    )


def heading(text: str, *, size: float = 20, before: float = 0, after: float = 6, new_page: bool = False) -> str:
    """A title, at the head of a new page if it is to be."""
    made = para(text, font=HEI, size=size, line=size + 8, align="center", style="FormTitle", before=before, after=after)
    return made.replace("<w:widowControl", "<w:pageBreakBefore/><w:widowControl", 1) if new_page else made


def cover(look: Look) -> Iterator[str]:
    """Title and facts in the middle of a page of its own."""
    yield heading(look.title, size=30, before=70, after=30)
    yield table((48, 100), [
        row(label(text, size=14, line=22), value(tag_of(text), size=14, line=22), height=13) for _, text in look.facts])


def register(look: Look) -> Iterator[str]:
    """The register of a transfer: facts, checks and signatures of both sides."""
    yield heading(look.title, after=8)
    yield table((42, 105, 105), [
        *(row(label(text), value(tag_of(text), 2), height=9) for _, text in look.facts),
        row(*(label(text) for text in look.signed[0]), height=8.5),
        *(row(label(line[0]), *(value(text, align="right") for text in line[1:]), height=11)
          for line in look.signed[1:]),
    ])


def note_page(look: Look) -> Iterator[str]:
    """卷内备考表: room for what is said, and who says it, at the lower right."""
    named = dict(look.facts)
    yield heading(look.title, after=12)
    yield table((32, 138), [
        *(row(label(named[key]), value(tag_of(named[key])), height=10) for key in ("fonds", "code", "title")),
        row(label(named["situation"]), value(f"{tag_of(named['contents'])}\n{tag_of(named['situation'])}", top=True,
                                             line=20), height=140),
    ])
    yield table((32, 53, 32, 53), [
        row(label(named[who]), value(tag_of(named[who])), label(named[day]), value(tag_of(named[day])), height=13)
        for who, day in (("arranged_by", "arranged_on"), ("checked_by", "checked_on"))])


def volume_cover(look: Look) -> Iterator[str]:
    """案卷封面: fonds above, title in the middle, dates and period, codes at the foot."""
    named = {key: tag_of(text) for key, text in look.facts}
    yield heading(named["fonds_name"], size=24, before=30, after=40)
    yield table((34, 136), [row(label("题　名", size=16, line=24), value(named["title"], size=18, line=30, font=HEI),
                                height=60)])
    yield para(size=10, line=20, inner="")
    yield table((34, 40, 30, 66), [
        row(label("起止日期", size=12, line=18),
            value(f"自{named['since']}起至{named['until']}止", 3, size=12, line=18), height=13),
        row(label("保管期限", size=12, line=18), value(named["period"], size=12, line=18),
            label("密　级", size=12, line=18), value(named["security"], size=12, line=18), height=13),
        row(label("件　数", size=12, line=18), value(f"{named['count']}件", size=12, line=18),
            label("页　数", size=12, line=18), value(f"{named['pages']}页", size=12, line=18), height=13),
        row(label("全宗号", size=12, line=18), value(named["fonds"], size=12, line=18),
            label("案卷号", size=12, line=18), value(named["code"], size=12, line=18), height=13),
    ])


def blocks_of(look: Look) -> list[str]:
    """The body of a listing's template."""
    if look is volumes.NOTES:
        return list(note_page(look))
    if look is volumes.COVERS:
        return list(volume_cover(look))
    if not look.has_cover:
        return [heading(look.title), rows_table(look)]
    first = register(look) if look.signed else cover(look)
    named = f"{look.title}（清单）" if look.signed else look.title
    if look.signed:
        return [*first, heading(named, new_page=True), rows_table(look)]
    return [*first, cover_ends(landscape=True), heading(named), rows_table(look)]


def toml_of(look: Look) -> str:
    """form.toml: the facts of the cover, and the rows."""
    head = [
        f"# {look.title}：印制目录用的版式，不是签发的文书。可复制到档案库的 forms/listings/ 下用 Word 修改。",
        f'id = "{look.kind}"', f'name = "{look.title}"', f'name_en = "{ENGLISH[look.kind]}"', 'version = "1"',
        'kind = "listing"',
    ]
    for key, text in look.facts:
        head += ["", "[[fields]]", *field_lines(key, text)]
    if look.columns:
        head += ["", "[[fields]]", f'key = "{ROWS}"', 'label = "条目"', 'type = "table"', "required = false"]
        for one in look.columns:
            head += ["", "[[fields.columns]]", *field_lines(one.key, one.label)]
    return "\n".join(head) + "\n"


def field_lines(key: str, text: str) -> list[str]:
    """One field of form.toml."""
    lines = [f'key = "{key}"', f'label = "{name_in(text)}"', "required = false"]
    return [*lines, 'type = "date"'] if key in DAYS else lines


def sample_of(look: Look) -> str:
    """sample.toml: one page's values."""
    def lines(pairs: Iterator[tuple[str, str]]) -> list[str]:
        return [f"{key} = {json.dumps(SAMPLES[key], ensure_ascii=False)}" for key, _ in pairs if SAMPLES[key]]

    made = lines(iter(look.facts))
    if look.columns:
        def one(column: Column) -> tuple[str, str]:
            return column.key, column.label

        made += ["", f"[[{ROWS}]]", *lines(map(one, look.columns))]
    return "\n".join(made) + "\n"


def draw() -> None:
    """Writes the three files of every listing."""
    for look in LOOKS:
        folder = FORMS / look.kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "form.toml").write_text(toml_of(look), encoding="utf-8")
        (folder / "sample.toml").write_text(sample_of(look), encoding="utf-8")
        foot = "none" if not look.columns else "of all" if look.signed else "number"
        save_listing(folder / "template.docx", look.title, blocks_of(look), landscape=bool(look.columns), foot=foot)


if __name__ == "__main__":
    draw()
