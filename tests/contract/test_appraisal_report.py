"""The appraisal report, paper originals, and the withdrawal at every step before the execution."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from retention_store import Archive, make_archive

from recordkit.archive.catalogue import find_record, get_record, objects_of
from recordkit.errors import InputRefused, RefusedByRule
from recordkit.retention import orders
from recordkit.retention.appraisal_report import (
    HELD_COLUMNS,
    ITEM_COLUMNS,
    report_docx,
    report_of,
    report_xlsx,
)
from recordkit.retention.audit import audit_ledger
from recordkit.retention.holds import place_hold
from recordkit.retention.listing import show_order
from recordkit.retention.order_state import Opinion, Order, find_order, open_order_of
from recordkit.retention.register import register_of


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "store")


def filed_text(archive: Archive, order: Order) -> str:
    """All text of the filed report, the Word document and the data beside it."""
    from docx import Document

    assert order.report is not None
    objects = objects_of(archive.workspace)
    document = Document(io.BytesIO(objects.read(order.report, "original.docx")))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells,
                      objects.read(order.report, "report.json").decode()])


def test_the_last_opinion_files_the_report_as_a_permanent_record(archive: Archive) -> None:
    one, two, three = (archive.file(title) for title in ("甲", "乙", "丙"))
    order = archive.appraise(archive.propose(one, two, three), {one: Opinion("destroy"), two: Opinion("keep")})
    assert order.report is None
    order = archive.appraise(order, {three: Opinion("extend", date(2040, 12, 31))})
    record = get_record(archive.workspace.db, str(order.report))
    assert record is not None
    assert (record.record_class, record.period, record.title) == (
        "appraisal-report", "Y", f"档案鉴定报告 {order.order_id}")
    report = report_of(archive.workspace, order)
    assert [(row["题名"], row["鉴定意见"]) for row in report.items] == [
        ("甲", "销毁"), ("乙", "永久保存"), ("丙", "延期至2040-12-31")]
    facts = dict(report.facts)
    assert facts["鉴定结论"] == "共3件：销毁1件，延期保管1件，永久保存1件"
    assert facts["鉴定小组"] == "姓名appr"
    assert facts["清册摘要（SHA-256）"] == order.digest
    archive.workspace.rebuild()
    assert find_order(archive.workspace.db, order.order_id).report == order.report
    assert show_order(archive.workspace, order)["report"] == order.report
    assert audit_ledger(archive.workspace).findings == []


def test_held_records_are_left_out_of_the_register_and_named_in_the_report(archive: Archive) -> None:
    due, held, account, early = (archive.file(title, account=number) for title, number in (
        ("到期", "1"), ("诉讼中", "2"), ("欠费户", "3"), ("未到期", "4")))
    place_hold(archive.workspace, kind="litigation", reason="某某诉本公司", records=[held])
    place_hold(archive.workspace, kind="complaint", reason="投诉", records=[held])
    place_hold(archive.workspace, kind="arrears", reason="欠费三月", account="3")
    young = archive.file("新", on=date(2036, 1, 1))
    place_hold(archive.workspace, kind="other", reason="另", records=[young, early])
    order = archive.appraise(archive.propose())
    codes = {one: find_record(archive.workspace.db, one).code for one in (due, held, account, early, young)}
    register = register_of(archive.workspace, order)
    assert [row["档号"] for row in register.rows] == [codes[due]]
    report = report_of(archive.workspace, order)
    assert [(row["题名"], row["档号"], row["到期日"], row["冻结原因"]) for row in report.held] == [
        ("诉讼中", codes[held], "2035-01-01", "诉讼、投诉未结"),
        ("欠费户", codes[account], "2035-01-01", "欠费"),
        ("未到期", codes[early], "2035-01-01", "其他原因"),
    ]
    assert dict(report.facts)["冻结未列入清册"] == "3件"


def test_the_filed_report_keeps_no_title_and_no_reason_of_a_hold(archive: Archive) -> None:
    """What is destroyed leaves its title on the register alone, and reasons are destroyable notes."""
    record, held = archive.file("王某走访记录"), archive.file("李某走访记录")
    place_hold(archive.workspace, kind="debt", reason="欠款秘密", records=[held])
    order = archive.appraise(archive.propose(record, held))
    text = filed_text(archive, order)
    assert find_record(archive.workspace.db, held).code in text and "债权债务未结清" in text
    assert not any(secret in text for secret in ("王某", "李某", "欠款秘密"))
    archive.execute(archive.sign(archive.sign(archive.approve(order), "sup1"), "sup2"))
    assert [row["题名"] for row in report_of(archive.workspace, order).items] == ["王某走访记录"]


def test_changed_opinions_file_another_report_and_the_newest_counts(archive: Archive) -> None:
    record = archive.file()
    first = archive.appraise(archive.propose(record))
    second = archive.appraise(first, {record: Opinion("keep")})
    assert second.report != first.report
    assert report_of(archive.workspace, second).items[0]["鉴定意见"] == "永久保存"
    assert objects_of(archive.workspace).exists(str(first.report))


def test_an_order_without_a_complete_appraisal_has_no_report(archive: Archive) -> None:
    with pytest.raises(RefusedByRule, match="no appraisal report"):
        report_of(archive.workspace, archive.propose(archive.file()))


def test_the_report_prints_as_text_in_both_formats(archive: Archive) -> None:
    from docx import Document
    from openpyxl import load_workbook

    record, held = archive.file('=HYPERLINK("http://x")\x01'), archive.file("冻结件")
    place_hold(archive.workspace, kind="other", reason="另", records=[held])
    report = report_of(archive.workspace, archive.appraise(archive.propose(record, held)))
    book = load_workbook(io.BytesIO(report_xlsx(report)))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    tables = Document(io.BytesIO(report_docx(report))).tables
    assert [cell.text for cell in tables[1].rows[0].cells] == list(ITEM_COLUMNS[:-1])
    assert [cell.text for cell in tables[2].rows[0].cells] == list(HELD_COLUMNS)
    assert '=HYPERLINK("http://x")\ufffd' in [cell.text for cell in tables[1].rows[1].cells]


# --- paper originals ---


def test_paper_originals_are_marked_on_the_register_and_in_the_completion(archive: Archive) -> None:
    paper, shelved, digital = (archive.file("甲", box="12", shelf="A-03"), archive.file("乙", shelf="B-1"),
                               archive.file("丙"))
    order = archive.signed(paper, shelved, digital)
    assert [row["备注"] for row in register_of(archive.workspace, order).rows] == [
        "有纸质原件（盒号12，库位A-03）", "有纸质原件（库位B-1）", ""]
    assert dict(register_of(archive.workspace, order).cover)["数量"] == "3件（其中2件有纸质原件）"
    items = show_order(archive.workspace, order)["items"]
    assert isinstance(items, list) and [one["paper"] for one in items] == [
        "有纸质原件（盒号12，库位A-03）", "有纸质原件（库位B-1）", None]
    from recordkit.retention import destruction

    destruction.execute_order(archive.workspace, order.order_id, place="库房", method="删除", paper_method="粉碎",
                              actor="sup1", forget=archive.forgotten.update, confirm=order.confirmation)
    order = orders.complete_order(archive.workspace, order.order_id, archive.signer("sup1"))
    register = register_of(archive.workspace, order)
    assert dict(register.cover)["销毁方式"] == "删除；纸质原件：粉碎"
    assert [row["备注"] for row in register.rows] == [
        "有纸质原件（盒号12，库位A-03）；已销毁", "有纸质原件（库位B-1）；已销毁", "已销毁"]
    last = [entry for entry, _ in archive.workspace.ledger.read()][-1]
    assert last.act == "order.completed"
    assert isinstance(last.body["statement"], dict)
    assert last.body["statement"]["papers"] == sorted([paper, shelved])
    assert audit_ledger(archive.workspace).findings == []


def test_an_order_without_paper_originals_says_nothing_of_them(archive: Archive) -> None:
    order = archive.signed(archive.file())
    done = archive.execute(order).order
    assert done.intent is not None and done.intent.paper_method is None
    assert dict(register_of(archive.workspace, done).cover)["销毁方式"] == "粉碎"


def test_the_paper_method_is_that_of_the_order_unless_another_is_given(archive: Archive) -> None:
    done = archive.execute(archive.signed(archive.file(box="1"))).order
    assert done.intent is not None and done.intent.paper_method == "粉碎"
    assert json.loads(json.dumps(show_order(archive.workspace, done)))["executed"]["paper_method"] == "粉碎"


# --- withdrawal ---

STEPS: dict[str, Callable[[Archive, str], Order]] = {
    "proposed": lambda archive, record: archive.propose(record),
    "appraised": lambda archive, record: archive.appraise(archive.propose(record)),
    "approved": lambda archive, record: archive.approve(archive.appraise(archive.propose(record))),
    "signed by one": lambda archive, record: archive.sign(
        archive.approve(archive.appraise(archive.propose(record))), "sup1"),
    "signed": lambda archive, record: archive.signed(record),
}


@pytest.mark.parametrize("step", STEPS)
def test_an_order_is_withdrawn_at_any_step_before_the_execution(archive: Archive, step: str) -> None:
    record = archive.file()
    order = STEPS[step](archive, record)
    with pytest.raises(InputRefused, match="reason"):
        orders.withdraw_order(archive.workspace, order.order_id, " ")
    assert open_order_of(archive.workspace.db, record) == order.order_id
    order = orders.withdraw_order(archive.workspace, order.order_id, "另行研究")
    assert order.status(2) == "withdrawn"
    acts: list[Callable[[], object]] = [
        lambda: archive.approve(order), lambda: archive.sign(order, "sup1"), lambda: archive.execute(order),
        lambda: archive.appraise(order), lambda: orders.withdraw_order(archive.workspace, order.order_id, "又"),
    ]
    for act in acts:
        with pytest.raises(RefusedByRule):
            act()
    assert objects_of(archive.workspace).exists(record)
    assert audit_ledger(archive.workspace).findings == []
    again = archive.signed(record)
    assert again.order_id != order.order_id
    archive.execute(again)
    assert not objects_of(archive.workspace).exists(record)


def test_after_the_point_of_no_return_an_order_is_not_withdrawn(archive: Archive) -> None:
    order = archive.execute(archive.signed(archive.file())).order
    with pytest.raises(RefusedByRule, match="cannot be done"):
        orders.withdraw_order(archive.workspace, order.order_id, "太晚")


def test_the_report_tells_what_an_old_term_was_taken_to_mean(archive: Archive) -> None:
    from openpyxl import load_workbook

    inherited = archive.file("旧档", on=date(1988, 6, 1), period_term="短期")
    order = archive.appraise(archive.propose(inherited, archive.file()))
    assert [row["备注"] for row in report_of(archive.workspace, order).items] == ["原保管期限短期，按15年", ""]
    assert "原保管期限短期，按15年" in filed_text(archive, order)
    book = load_workbook(io.BytesIO(report_xlsx(report_of(archive.workspace, order))))
    assert "原保管期限短期，按15年" in [cell.value for line in book.worksheets[0].iter_rows() for cell in line]
