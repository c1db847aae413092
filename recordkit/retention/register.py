"""The destruction register (档案销毁清册): its rows as frozen at the proposal, what became of them, and its exports.

Columns and cover by the handbook, ch. 8 §7, and 会计档案管理办法 art. 17-18. The rows lie in the permanent object that
the manifest binds; nothing here reads the records themselves once the order stands.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from recordkit.archive.catalogue import Record, objects_of
from recordkit.archive.classes import load_scheme
from recordkit.errors import IntegrityFailure
from recordkit.messages import msg
from recordkit.people import list_people
from recordkit.retention.order_state import Item, Order
from recordkit.retention.review import Decision
from recordkit.retention.signing import digest_of
from recordkit.workspace import Workspace

COLUMNS = ("序号", "题名", "所属年度", "档号", "应保管期限", "已保管期限", "页数", "备注")


@dataclass(frozen=True, slots=True)
class Register:
    """The register as it stands now: cover lines in order, and rows by ``COLUMNS``."""

    title: str
    cover: tuple[tuple[str, str], ...]
    rows: tuple[Mapping[str, str], ...]


def register_json(
    workspace: Workspace, order_id: str, items: Sequence[tuple[Record, Decision]]
) -> dict[str, object]:
    """What is filed for ever: cover facts, the rules in force, one row per record. Plain JSON values only."""
    settings, scheme = workspace.settings, load_scheme(workspace.root)
    today = workspace.clock.today
    used = sorted({record.record_class for record, _ in items})
    return {
        "order": order_id,
        "company": settings.company.name,
        "fonds": settings.archive.fonds,
        "fonds_name": settings.archive.fonds_name,
        "date": today.isoformat(),
        "rules": {
            one: {"period": scheme.get(one).period, "authority": scheme.get(one).authority} for one in used
        },
        "columns": list(COLUMNS),
        "rows": [
            {
                "record": record.record_id,
                "序号": str(position),
                "题名": record.title,
                "所属年度": str(record.year),
                "档号": record.code,
                "应保管期限": _told_months(scheme.get(record.record_class).months),
                "已保管期限": _told_months(_months_since(decision.start, today)),
                "页数": str(record.pages),
                "备注": "",
            }
            for position, (record, decision) in enumerate(items, 1)
        ],
    }


def filed_register(workspace: Workspace, order: Order) -> dict[str, object]:
    """The filed register of an order.

    Raises:
        IntegrityFailure: it is missing, or is not what the manifest binds.
    """
    objects = objects_of(workspace)
    content: dict[str, object] | None = None
    if order.register is not None and objects.exists(order.register):
        content = json.loads(objects.read(order.register, "original.json"))
    if content is None or digest_of(content) != order.manifest["register"]:
        raise IntegrityFailure(
            msg("The register of order {order} is not what was proposed.", order=order.order_id),
            msg("Run 'recordkit verify' and restore the record {record} from a backup.",
                record=order.register or order.order_id),
        )
    return content


def register_of(workspace: Workspace, order: Order) -> Register:
    """The register to be printed: all proposed rows until the appraisal is complete, then only what goes.

    Raises:
        IntegrityFailure: see ``filed_register``.
    """
    filed = filed_register(workspace, order)
    raw = filed["rows"]
    by_record = {str(row["record"]): row for row in raw} if isinstance(raw, list) else {}
    shown = order.doomed if order.is_appraised else order.items
    rows = []
    for position, item in enumerate(shown, 1):
        row = {column: str(by_record[item.record_id][column]) for column in COLUMNS}
        rows.append({**row, "序号": str(position), "备注": _remark(item)})
    return Register("档案销毁清册", tuple(_cover(workspace, order, filed, len(rows))), tuple(rows))


def register_xlsx(register: Register) -> bytes:
    """The register as a spreadsheet; every cell is text, so that no title can act as a formula."""
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = register.title
    lines: list[Sequence[str]] = [[register.title], *register.cover, [], list(COLUMNS)]
    lines += [[row[column] for column in COLUMNS] for row in register.rows]
    for number, line in enumerate(lines, 1):
        for column, text in enumerate(line, 1):
            cell = sheet.cell(number, column)
            cell.value = _printable(text)
            cell.data_type = "s"
            cell.number_format = "@"
            cell.quotePrefix = text[:1] in tuple("=+-@\t\r")
    for letter, width in zip("ABCDEFGH", (14, 44, 10, 30, 12, 12, 8, 24), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def register_docx(register: Register) -> bytes:
    """The register as a Word document, A4 landscape, cover facts first and signature blocks behind the rows."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    document = Document()
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(297), Mm(210)
    section.left_margin = section.right_margin = Mm(20)
    style = document.styles["Normal"]
    style.font.name = "宋体"
    style.font.size = Pt(10.5)
    # Word takes the Chinese face from eastAsia alone.
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "宋体")
    heading = document.add_paragraph()
    heading.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = heading.add_run(register.title)
    run.bold = True
    run.font.size = Pt(18)
    for name, value in register.cover:
        document.add_paragraph(_printable(f"{name}：{value}"))
    table = document.add_table(rows=1, cols=len(COLUMNS))
    table.style = "Table Grid"
    for cell, column in zip(table.rows[0].cells, COLUMNS, strict=True):
        cell.text = column
    for row in register.rows:
        for cell, column in zip(table.add_row().cells, COLUMNS, strict=True):
            cell.text = _printable(row[column])
    document.add_paragraph()
    blank = "＿" * 10
    for name in ("鉴定小组负责人", "批准人", "监销人（一）", "监销人（二）"):
        document.add_paragraph(f"{name}（签字）：{blank}　　日期：{blank}")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _cover(
    workspace: Workspace, order: Order, filed: Mapping[str, object], count: int
) -> list[tuple[str, str]]:
    names = {person.id: person.name for person in list_people(workspace.db)}

    def signed(act: str) -> str:
        told = (
            f"{names.get(one.person, one.person)}（{one.day}，电子签名）" for one in order.signatures if one.act == act
        )
        return "、".join(dict.fromkeys(told))

    return [
        ("销毁批次", order.order_id),
        ("全宗号", f"{filed['fonds']} {filed['fonds_name']}"),
        ("数量", f"{count}件"),
        ("鉴定小组负责人", signed("order.appraised")),
        ("批准人", signed("order.approved")),
        ("监销人", signed("order.signed")),
        ("销毁时间", order.executed or ""),
        ("销毁地点", order.intent.place if order.intent else ""),
        ("销毁方式", order.intent.method if order.intent else ""),
        ("监销人销毁后签字", signed("order.completed")),
        ("清册摘要（SHA-256）", order.digest),
    ]


def _remark(item: Item) -> str:
    outcomes = {"destroyed": "已销毁", "refused": "未销毁", "failed": "销毁未完成", None: ""}
    remark = outcomes[item.outcome]
    return f"{remark}（{_WHY.get(item.reason, item.reason)}）" if item.reason else remark


_WHY = {
    "missing": "档案不在",
    "changed": "提出后有改动",
    "tampered": "内容与归档时不符",
    "held": "冻结中",
    "not-due": "未到期",
    "rule-changed": "期限依据已变",
    "undeletable": "文件无法删除",
    "still-there": "仍有残留",
    "index": "检索索引仍可查到",
}
"""The register is a statutory paper in Chinese, whatever language the screen speaks."""


def _told_months(months: int | None) -> str:
    """``永久``, ``10年``, ``18个月``: whole years as years."""
    if months is None:
        return "永久"
    return f"{months // 12}年" if months % 12 == 0 else f"{months}个月"


def _months_since(start: date | None, today: date) -> int:
    """Whole years between two days, in months; months only within the first two years."""
    if start is None or today < start:
        return 0
    months = (today.year - start.year) * 12 + today.month - start.month - (today.day < start.day)
    return months if months < 24 else months - months % 12


def _printable(text: str) -> str:
    """Without the control characters and lone surrogates that XML cannot hold."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\N{REPLACEMENT CHARACTER}", text)
