"""Writes the demonstration spreadsheets: ``python tools/make_samples.py``.

Every name, address, telephone and meter number is invented. Headings are the labels of the form's fields; account
numbers are stored as text, because a spreadsheet would drop their leading zeros. The bytes are the same at each run.
"""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from formkit import FIXED_TIME, fixed_zip
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

DATA = Path(__file__).resolve().parent.parent / "recordkit" / "demo_data"

METER_HEADINGS = (
    "通知日期",
    "户名",
    "户号",
    "接水点编号",
    "地址",
    "联系电话",
    "口径",
    "换表原因",
    "原因说明",
    "旧表号",
    "旧表检定日期",
    "上次抄见行度",
    "新表号",
    "预约换表时间",
    "换表员",
    "服务电话",
)
METER_ROWS: tuple[tuple[object, ...], ...] = (
    (
        date(2026, 11, 20),
        "魏堃",
        "0012003456",
        "JD-0301-0086",
        "清源市河湾区柳荫街12号3幢2单元501室",
        "13900000021",
        "DN20",
        "逾龄",
        None,
        "S20201108",
        date(2020, 11, 12),
        1052,
        "S20261101",
        datetime(2026, 11, 26, 9, 0),
        "孟昇",
        "010-55500012",
    ),
    (
        date(2026, 11, 20),
        "葛玥",
        "0012003461",
        "JD-0301-0091",
        "清源市河湾区柳荫街12号3幢3单元202室",
        "13900000022",
        "DN15",
        "停滞行",
        None,
        "S20210337",
        date(2021, 3, 9),
        688.5,
        "S20261102",
        datetime(2026, 11, 26, 10, 30),
        "孟昇",
        "010-55500012",
    ),
    (
        date(2026, 11, 20),
        "清源市喆源食品有限公司",
        "0010000218",
        "JD-0107-0003",
        "清源市河湾区滨江路300号",
        "13900000002",
        "DN100",
        "逾龄",
        None,
        "S20241022",
        date(2024, 10, 18),
        86420,
        None,
        datetime(2026, 11, 27, 8, 30),
        "孟昇",
        "010-55500012",
    ),
    (
        date(2026, 11, 20),
        "钟昇",
        "0000071145",
        "JD-0212-0440",
        "清源市城东区文昌巷31号1幢302室",
        None,
        "DN25",
        "其他",
        "表壳渗水",
        "S20230714",
        date(2023, 7, 3),
        217.25,
        "S20261104",
        datetime(2026, 11, 27, 14, 0),
        "邵喆",
        "010-55500012",
    ),
)

VISIT_HEADINGS = (
    "关联工单号",
    "办结日期",
    "客户",
    "户号",
    "地址",
    "电话",
    "回访人",
    "回访方式",
    "回访时间",
    "事项类别",
    "事项",
    "处理结果",
)
VISIT_ROWS = (
    (
        "TS20261113-044",
        "2026-11-17",
        "沈昇",
        "0012005244",
        "清源市河湾区听雨巷9号3幢602室",
        "13900000034",
        "夏玥",
        "上门",
        "2026-11-19 09:30",
        "投诉",
        "反映10月账单水量比往月多一倍，怀疑水表走快。",
        "上门复核行度无误，关阀后水表仍走动，查明马桶水箱漏水，已告知自行更换配件。",
    ),
    (
        "BX20261115-007",
        "2026-11-15",
        "汤堃",
        "0012005377",
        "清源市河湾区柳荫街40号5幢101室",
        "13900000032",
        "夏玥",
        "电话",
        "2026-11-17 10:05",
        "报修",
        "表井积水，担心水表漏水。",
        "抽干表井，更换表前阀门垫片，试压无渗漏。",
    ),
    (
        "",
        "",
        "清源市玥华餐饮店",
        "0012009901",
        "清源市河湾区滨江路216号",
        "13900000019",
        "段昇",
        "座谈",
        "2026-11-19 15:00",
        "走访",
        "了解节水改造和用水计划。",
        "说明计划用水办理途径，留下业务指南一份。",
    ),
)


def _core() -> bytes:
    when = FIXED_TIME.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape('换表通知书数据示例')}</dc:title><dc:creator>recordkit</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{when}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{when}</dcterms:modified></cp:coreProperties>'
    ).encode()


def meter_change_workbook() -> bytes:
    """The rows of four meter-change notices."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "换表通知书"
    edge = Side(style="thin", color="999999")
    grid = Border(left=edge, right=edge, top=edge, bottom=edge)
    for at, row in enumerate((METER_HEADINGS, *METER_ROWS), 1):
        for column, content in enumerate(row, 1):
            cell = sheet.cell(at, column, content)
            cell.border = grid
            cell.alignment = Alignment(vertical="center", horizontal="center" if at == 1 else None)
            cell.font = Font(name="宋体", size=11, bold=at == 1)
            if at == 1:
                cell.fill = PatternFill("solid", fgColor="E7EEF5")
            elif isinstance(content, datetime):
                cell.number_format = "yyyy-mm-dd hh:mm"
            elif isinstance(content, date):
                cell.number_format = "yyyy-mm-dd"
            elif METER_HEADINGS[column - 1] in ("户号", "接水点编号", "联系电话", "旧表号", "新表号"):
                cell.number_format = "@"
    for column, heading in enumerate(METER_HEADINGS, 1):
        widest = max(len(str(row[column - 1] or "")) for row in METER_ROWS)
        sheet.column_dimensions[get_column_letter(column)].width = max(12, min(44, widest * 1.6), len(heading) * 2.4)
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return fixed_zip(out.getvalue(), {"docProps/core.xml": _core()})


def visit_record_table() -> bytes:
    """The rows of three visit records, as Excel saves CSV in Chinese offices: UTF-8 with a byte order mark, CRLF."""
    out = io.StringIO()
    csv.writer(out).writerows((VISIT_HEADINGS, *VISIT_ROWS))
    return out.getvalue().encode("utf-8-sig")


def main() -> None:
    """Writes both files."""
    (DATA / "meter-change-notices.xlsx").write_bytes(meter_change_workbook())
    (DATA / "visit-records.csv").write_bytes(visit_record_table())


if __name__ == "__main__":
    main()
