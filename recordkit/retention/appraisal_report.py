"""The appraisal report (档案鉴定报告): what the appraisal group decided about each record, and what was held back.

Domain, "Retention": the report is a permanent record, and held records are left out of the register and named in it.
The filed report names records by archival code and class alone: titles of what is destroyed stand in the register and
nowhere else. A report that is printed for reading takes the titles from the register and the catalogue as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recordkit.archive.access import access_of_all
from recordkit.archive.catalogue import get_record, objects_of
from recordkit.archive.classes import load_scheme
from recordkit.archive.filing import file_generated
from recordkit.errors import RefusedByRule
from recordkit.messages import msg
from recordkit.model import canonical_json
from recordkit.people import Person, find_person
from recordkit.retention.order_state import Opinion, Order
from recordkit.retention.register import filed_register, term_remark
from recordkit.retention.schedule import REPORT_CLASS
from recordkit.templates import wordpage
from recordkit.templates.sheetwriter import saved
from recordkit.templates.textcells import put_text
from recordkit.workspace import Workspace, Writer

TITLE = "档案鉴定报告"
ITEM_COLUMNS = ("序号", "题名", "档号", "类别", "所属年度", "应保管期限", "已保管期限", "页数", "鉴定意见", "备注")
HELD_COLUMNS = ("序号", "题名", "档号", "类别", "到期日", "冻结原因")
_ITEM_WIDTHS = (12, 54, 50, 30, 16, 20, 20, 12, 26, 25)
_WIDTH = 267
"""Millimetres between the margins."""
_SELDOM = frozenset(("题名", "备注"))
"""Columns that are left out where no row has anything in them."""
_HELD_WIDTHS = (12, 82, 54, 40, 24, 55)
_HOLD_KINDS = {
    "debt": "债权债务未结清", "litigation": "诉讼", "complaint": "投诉未结", "arrears": "欠费",
    "inspection": "稽查案件未结", "other": "其他原因",
}  # fmt: skip
"""The report is an office's paper in Chinese, whatever language the screen speaks."""

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AppraisalReport:
    """The report: facts in order, items by ``ITEM_COLUMNS``, held records by ``HELD_COLUMNS`` and their ids."""

    order: str
    facts: tuple[tuple[str, str], ...]
    items: tuple[Row, ...]
    held: tuple[Row, ...]
    held_ids: tuple[str, ...] = ()


def file_report(
    writer: Writer, workspace: Workspace, order: Order, opinions: Mapping[str, Opinion], appraiser: Person
) -> None:
    """File the report on a completed appraisal and commit; the queued act of the appraisal goes in the same batch.

    ``opinions`` are those in force with that act, one for every record of the order.
    """
    plain = _plain(workspace, order, opinions, appraiser)
    filed = _report(plain, {})
    file_generated(
        writer,
        workspace,
        record_class=REPORT_CLASS,
        title=f"{TITLE} {order.order_id}",
        on=workspace.clock.today,
        content={"original.docx": report_docx(filed), "report.json": canonical_json(plain)},
        fields={"order": order.order_id},
        access=access_of_all(workspace.db, [*(one.record_id for one in order.items), *filed.held_ids]),
    )


def report_of(workspace: Workspace, order: Order) -> AppraisalReport:
    """The newest report on an order, with the titles that the register and the catalogue know.

    Raises:
        RefusedByRule: its appraisal was never complete, or was made before reports were filed.
        IntegrityFailure: register or report are not what was filed.
    """
    if order.report is None:
        raise RefusedByRule(
            msg("Order {order} has no appraisal report yet.", order=order.order_id),
            msg("It is filed when every record has an opinion: recordkit destruction appraise {order}",
                order=order.order_id),
        )
    plain = json.loads(objects_of(workspace).read(order.report, "report.json"))
    rows = filed_register(workspace, order)["rows"]
    titles = {str(row["record"]): str(row["题名"]) for row in rows} if isinstance(rows, list) else {}
    for one in plain["held"]:
        record = get_record(workspace.db, one["record"])
        titles[one["record"]] = record.title if record is not None else ""
    return _report(plain, titles)


def _plain(
    workspace: Workspace, order: Order, opinions: Mapping[str, Opinion], appraiser: Person
) -> dict[str, object]:
    """What is filed, without titles; plain JSON values."""
    register = filed_register(workspace, order)
    scheme = load_scheme(workspace.root)
    raw = register["rows"]
    rows = {str(row["record"]): row for row in raw} if isinstance(raw, list) else {}
    names = {one.id: one.name for one in scheme.classes.values()}
    signed = dict.fromkeys([*order.signers("order.appraised"), appraiser.id])
    counts = {kind: sum(one.kind == kind for one in opinions.values()) for kind in ("destroy", "extend", "keep")}
    held = register.get("held")
    return {
        "order": order.order_id,
        "digest": order.digest,
        "fonds": f"{register['fonds']} {register['fonds_name']}",
        "date": workspace.clock.today.isoformat(),
        "appraisers": [{"id": one, "name": find_person(workspace.db, one).name} for one in signed],
        "counts": counts,
        "items": [
            {
                "record": item.record_id,
                **{column: str(rows[item.record_id][column])
                   for column in ("档号", "所属年度", "应保管期限", "已保管期限", "页数")},
                "类别": names.get(item.record_class, item.record_class),
                "鉴定意见": _told(opinions[item.record_id]),
                **({"备注": term_remark(item.term, item.meaning)} if item.meaning else {}),
            }
            for item in order.items
        ],
        "held": [
            {
                "record": one["record"],
                "档号": one["code"],
                "类别": names.get(one["class"], one["class"]),
                "到期日": one["due"],
                "冻结原因": "、".join(_HOLD_KINDS.get(kind, kind) for kind in one["kinds"]),
            }
            for one in (held if isinstance(held, list) else [])
        ],
    }


def _report(plain: Mapping[str, Any], titles: Mapping[str, str]) -> AppraisalReport:
    counts = plain["counts"]
    verdict = f"销毁{counts['destroy']}件，延期保管{counts['extend']}件，永久保存{counts['keep']}件"
    facts = (
        ("销毁批次", plain["order"]),
        ("全宗号", plain["fonds"]),
        ("鉴定日期", plain["date"]),
        ("鉴定小组", "、".join(one["name"] for one in plain["appraisers"])),
        ("鉴定结论", f"共{len(plain['items'])}件：{verdict}"),
        ("冻结未列入清册", f"{len(plain['held'])}件"),
        ("清册摘要（SHA-256）", plain["digest"]),
    )

    def told(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> tuple[Row, ...]:
        return tuple(
            {column: {"序号": str(place), "题名": titles.get(row["record"], "")}.get(column) or row.get(column, "")
             for column in columns}
            for place, row in enumerate(rows, 1)
        )

    return AppraisalReport(plain["order"], facts, told(plain["items"], ITEM_COLUMNS),
                           told(plain["held"], HELD_COLUMNS), tuple(str(one["record"]) for one in plain["held"]))


def report_docx(report: AppraisalReport) -> bytes:
    """The report as a Word document, A4 landscape; without columns of titles and remarks where there are none."""
    document = wordpage.new_page(landscape=True, margins=(18, 15, 18, 15))
    wordpage.page_numbers(document.sections[0].footer.paragraphs[0])
    wordpage.heading(document, TITLE)
    table = wordpage.table(document, (45, 222))
    for name, value in report.facts:
        cells = table.add_row().cells
        wordpage.write(cells[0], name, bold=True)
        wordpage.write(cells[1], value)
    wordpage.note(document, "一、鉴定意见", bold=True)
    _rows(document, ITEM_COLUMNS, _ITEM_WIDTHS, report.items)
    wordpage.note(document, "二、已到期但冻结、未列入销毁清册的档案", bold=True)
    if report.held:
        _rows(document, HELD_COLUMNS, _HELD_WIDTHS, report.held)
    else:
        wordpage.note(document, "无")
    if not any(row["题名"] for row in report.items):
        wordpage.note(document, "题名见同批次《档案销毁清册》；鉴定人的电子签名见台账。")
    return wordpage.bytes_of(document)


def _rows(document: Any, columns: Sequence[str], widths: Sequence[float], rows: Sequence[Row]) -> None:
    shown = [place for place, column in enumerate(columns) if column not in _SELDOM or any(row[column] for row in rows)]
    chosen = [widths[place] for place in shown]
    wordpage.rows_of(document, [columns[place] for place in shown], [_WIDTH * one / sum(chosen) for one in chosen],
                     [[row[columns[place]] for place in shown] for row in rows], centred=("序号", "所属年度", "页数"))


def report_xlsx(report: AppraisalReport) -> bytes:
    """The report as a spreadsheet, all cells text: facts and opinions on the first sheet, held ones on the second."""
    from openpyxl import Workbook

    book = Workbook()
    first = book.active
    assert first is not None
    first.title = TITLE
    second = book.create_sheet("冻结未列入清册")
    columns = [one for one in ITEM_COLUMNS if one != "备注" or any(row[one] for row in report.items)]
    facts: list[Sequence[str]] = [[TITLE], *report.facts, [], columns]
    _fill(first, [*facts, *([row[column] for column in columns] for row in report.items)])
    _fill(second, [list(HELD_COLUMNS), *([row[column] for column in HELD_COLUMNS] for row in report.held)])
    return saved(book)


def _fill(sheet: Any, lines: Sequence[Sequence[str]]) -> None:
    for number, line in enumerate(lines, 1):
        for column, text in enumerate(line, 1):
            put_text(sheet.cell(number, column), text)
    for letter, width in zip("ABCDEFGHIJ", (20, 44, 30, 20, 12, 20, 12, 8, 20, 26), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4


def _told(opinion: Opinion) -> str:
    if opinion.until is not None:
        return f"延期至{opinion.until.isoformat()}"
    return {"destroy": "销毁", "keep": "永久保存", "extend": "延期"}[opinion.kind]
