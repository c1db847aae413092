"""移交登记表: what is handed over, with one digest over all of it, room for both sides, and the list behind it.

Fields by GB/T 18894-2016 (电子档案移交接收登记表); the four checks are DA/T 70-2018's. The digest is SHA-256 over the
UTF-8 text of one line an item, in the order of the list: the SHA-256 of the paper, two blanks, the archival code, a
line feed. So ``sha256sum`` over such a text, made of the list by anybody, must give it again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping

from recordkit.archive.access import Clearance, clearance_of
from recordkit.archive.catalogue import Record
from recordkit.archive.classes import load_scheme
from recordkit.archive.listings.items import ids_of, some_groups, span_of_years
from recordkit.archive.listings.shape import Column, Listing, Look, Part, Row, printed_title, remark
from recordkit.archive.selection import Selection, select_records
from recordkit.archive.vague_dates import given_date
from recordkit.workspace import Workspace

_COLUMNS = (
    Column("place", "序号", 13, "count", centred=True),
    Column("code", "档号", 52),
    Column("title", "题名", 56),
    Column("date", "日期", 21, "day", centred=True),
    Column("pages", "页数", 11, "count", centred=True),
    Column("size", "字节数", 22, "count", centred=True),
    Column("sha256", "数字摘要（SHA-256）", 65),
    Column("note", "备注", 21),
)
_SIGNED = (
    ("检验项目", "移交单位", "接收单位"),
    ("准确性检验", "", ""),
    ("完整性检验", "", ""),
    ("可用性检验", "", ""),
    ("安全性检验", "", ""),
    ("填表人（签名）", "　　　　年　　月　　日", "　　　　年　　月　　日"),
    ("审核人（签名）", "　　　　年　　月　　日", "　　　　年　　月　　日"),
    ("单位（印章）", "　　　　年　　月　　日", "　　　　年　　月　　日"),
)
"""What both sides fill in by hand."""
LOOK = Look(
    "transfer", "移交登记表",
    (("name", "名称"), ("fonds", "全宗号"), ("content", "内容描述"), ("count", "数量"), ("size", "数据量"),
     ("digest", "数字摘要（SHA-256）")),
    _COLUMNS, _SIGNED,
)


def transfer_listing(workspace: Workspace, selection: Selection, decided: Mapping[str, str]) -> Listing:
    """The register of handing over the selected records; arguments and errors as ``items_listing``.

    Destroyed records are never in it.
    """
    clearance = clearance_of(workspace)
    groups = some_groups(workspace, selection)
    classes, digest = Counter[str](), hashlib.sha256()
    count = pages = size = 0
    first = last = ""
    for record in select_records(workspace.db, selection):
        classes[record.record_class] += 1
        digest.update(digest_line(record.sha256, record.code))
        count, pages, size = count + 1, pages + record.pages, size + _size(record)
        first, last = first or record.code, record.code
    scheme = load_scheme(workspace.root).classes
    described = "、".join(
        f"{scheme[name].name if name in scheme else name}{some}件" for name, some in sorted(classes.items()))
    archive = workspace.settings.archive
    facts = LOOK.filled(
        f"{archive.fonds_name}{span_of_years(groups)}年度归档文件",
        archive.fonds,
        f"{described}；档号 {first} 至 {last}",
        f"{count}件，{pages}页",
        f"{told_size(size)}（{size}字节，原件）",
        digest.hexdigest(),
    )
    part = Part(LOOK.title, facts, count, lambda: _rows(workspace, selection, clearance, decided))
    return Listing(LOOK, (part,), lambda: ids_of(workspace, selection))


def digest_line(sha256: str, code: str) -> bytes:
    """What one item adds to the digest of a transfer."""
    return f"{sha256}  {code}\n".encode()


def told_size(size: int) -> str:
    """A number of bytes for people, in units of 1024."""
    value, unit = float(size), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if value < 1024 or unit == "TB":
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:.2f} {unit}"


def _rows(
    workspace: Workspace, selection: Selection, clearance: Clearance, decided: Mapping[str, str]
) -> Iterator[Row]:
    for place, record in enumerate(select_records(workspace.db, selection), 1):
        yield (place, record.code, printed_title(record, clearance), given_date(record) or record.date, record.pages,
               _size(record), record.sha256, remark(record, clearance, decided))


def _size(record: Record) -> int:
    size = record.metadata.get("size")
    return size if isinstance(size, int) else 0
