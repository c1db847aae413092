"""The office's reports as files: Word and Excel to be signed and handed up, JSON for programs.

They are papers of the office and speak Chinese in every language; only notes are told in the reader's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from recordkit.archive.deadlines import OpenStep, OpenSteps
from recordkit.archive.office_report import DayReport, Line, MonthReport, totals
from recordkit.messages import Translate
from recordkit.templates import wordpage
from recordkit.templates.charts import Panel, draw
from recordkit.templates.sheetwriter import Cell, Sheet, workbook_bytes
from recordkit.templates.workdays import told_unknown

FORMATS = ("docx", "xlsx", "json")
UNKNOWN = "—"
_CHART_WIDTH = 176.0  # mm
_SIGNED = "制表人：　　　　　　　　审核人：　　　　　　　　日期：　　　　年　　月　　日"
_LINE_COLUMNS = ("经办机构", "本月", "上月", "去年同月", "较上月")


def month_name(day: date) -> str:
    """2026年11月."""
    return f"{day.year}年{day.month}月"


def month_chart(report: MonthReport) -> bytes:
    """The figures beside those of the month before and of a year ago, as PNG.

    Raises:
        MissingPart: as ``charts.draw``.
    """
    lines = totals(report.figures)
    shown = {month_name(report.first): [one.now for one in lines]}
    if any(one.before is not None for one in lines):
        shown["上月"] = [one.before or 0 for one in lines]
    if any(one.year_ago is not None for one in lines):
        shown["去年同月"] = [one.year_ago or 0 for one in lines]
    return draw([Panel("主要指标", [one.name for one in lines], shown)], (_CHART_WIDTH, _chart_height(report)))


def _chart_height(report: MonthReport) -> float:
    return 16 + 11 * len({one.id for one in report.figures})


def month_file(report: MonthReport, kind: str, translate: Translate, chart: bytes | None = None) -> bytes:
    """The report as a file of ``kind``, one of ``FORMATS``."""
    if kind == "json":
        return _json_bytes(plain_month(report, translate))
    return _month_docx(report, translate, chart) if kind == "docx" else _month_xlsx(report, translate, chart)


def plain_month(report: MonthReport, translate: Translate) -> dict[str, object]:
    """The report as plain JSON: every number is an item."""
    parts = (("figure", report.figures), ("issued", report.issued), ("void", report.void),
             ("returned", report.returned), ("filed", report.filed))
    items = [{"kind": kind, "id": one.id, "name": one.name, "office": one.office, "now": one.now,
              "before": one.before, "year_ago": one.year_ago} for kind, lines in parts for one in lines]
    return {"month": f"{report.first:%Y-%m}", "company": report.company, "until": report.until.isoformat(),
            "items": items, "total": len(items), "notes": [one.render(translate) for one in report.notes]}


def line_rows(lines: Iterable[Line]) -> Iterator[list[Cell]]:
    """Name, office and numbers; what several offices did is summed up below them."""
    known = list(lines)
    sums = {one.id: one for one in totals(known)}
    for at, one in enumerate(known):
        yield [one.name, one.office or UNKNOWN, *_numbers(one)]
        last = at + 1 == len(known) or known[at + 1].id != one.id
        if last and sum(other.id == one.id for other in known) > 1:
            yield [one.name, "合计", *_numbers(sums[one.id])]


def _numbers(one: Line) -> list[Cell]:
    change: Cell = UNKNOWN if one.before is None else f"{one.now - one.before:+d}" if one.now != one.before else "0"
    return [one.now, UNKNOWN if one.before is None else one.before,
            UNKNOWN if one.year_ago is None else one.year_ago, change]


def _form_rows(report: MonthReport) -> Iterator[list[Cell]]:
    """Form, office, issued (now, before, a year ago), void, returned (now, before, a year ago)."""
    issued, void, returned = ({(one.id, one.office): one for one in lines}
                              for lines in (report.issued, report.void, report.returned))
    names = {one.id: one.name for one in (*report.issued, *report.void, *report.returned)}
    for key in sorted({*issued, *void, *returned}):
        numbers: list[Cell] = []
        for part in (issued, returned):
            one = part.get(key) or _zero(part.values(), report)
            numbers += [one.now, UNKNOWN if one.before is None else one.before,
                        UNKNOWN if one.year_ago is None else one.year_ago]
        numbers.insert(3, void[key].now if key in void else 0)
        yield [names[key[0]], key[1] or UNKNOWN, *numbers]


def _zero(lines: Iterable[Line], report: MonthReport) -> Line:
    """Nothing was counted: zero where the archive existed already."""
    known = [*lines, *report.figures]
    return Line("", "", "", 0, 0 if any(one.before is not None for one in known) else None,
                0 if any(one.year_ago is not None for one in known) else None)


_FORM_COLUMNS = ("文书", "经办机构", "签发", "上月", "去年同月", "作废", "归档", "上月", "去年同月")


def _facts(report: MonthReport, translate: Translate) -> list[str]:
    until = "" if report.until == report.last else f"（截至{report.until.isoformat()}）"
    lines = [f"单位：{report.company}", f"月份：{month_name(report.first)}{until}"]
    if report.is_empty:
        lines.append("本月无业务记录。")
    return lines + [one.render(translate) for one in report.notes]


def _month_docx(report: MonthReport, translate: Translate, chart: bytes | None) -> bytes:
    document = wordpage.new_page(landscape=False, margins=(18, 15, 16, 15))
    wordpage.heading(document, "客户服务与档案工作月报")
    for line in _facts(report, translate):
        document.add_paragraph(wordpage.printable(line))
    wordpage.note(document, "一、主要指标", bold=True)
    _word_table(document, ("指标", *_LINE_COLUMNS), (62, 46, 17, 17, 20, 18), line_rows(report.figures))
    if chart is not None:
        wordpage.picture(document, chart, _CHART_WIDTH)
    wordpage.note(document, "二、文书签发与归档", bold=True)
    _word_table(document, _FORM_COLUMNS, (46, 32, 13, 13, 19, 13, 13, 13, 19), _form_rows(report))
    wordpage.note(document, "三、档案归档（按类别）", bold=True)
    _word_table(document, ("类别", *_LINE_COLUMNS), (62, 46, 17, 17, 20, 18), line_rows(report.filed))
    wordpage.note(document, "")
    document.add_paragraph(_SIGNED)
    wordpage.page_numbers(document.sections[0].footer.paragraphs[0])
    return wordpage.bytes_of(document)


def _word_table(document: Any, columns: Sequence[str], widths: Sequence[float], rows: Iterable[Sequence[Cell]]) -> None:
    told = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not told:
        wordpage.note(document, "无")
        return
    wordpage.rows_of(document, columns, widths, told, columns[2:])


def _month_xlsx(report: MonthReport, translate: Translate, chart: bytes | None) -> bytes:
    above: list[Sequence[Cell]] = [["客户服务与档案工作月报"], *([line] for line in _facts(report, translate)), []]
    figures: list[Sequence[Cell]] = [*above, ["指标", *_LINE_COLUMNS], *line_rows(report.figures)]
    pictures = [(f"A{len(figures) + 2}", chart, _CHART_WIDTH, _chart_height(report))] if chart is not None else []
    return workbook_bytes([
        Sheet("主要指标", figures, (36, 26, 10, 10, 12, 10), head=len(above) + 1, centred=(3, 4, 5, 6), landscape=False,
              pictures=pictures),
        Sheet("文书签发与归档", [_FORM_COLUMNS, *_or_none(_form_rows(report))],
              (30, 26, 9, 9, 12, 9, 9, 9, 12), head=1,
              centred=tuple(range(3, 10)), header=month_name(report.first)),
        Sheet("档案归档", [("类别", *_LINE_COLUMNS), *_or_none(line_rows(report.filed))],
              (36, 26, 10, 10, 12, 10), head=1, centred=(3, 4, 5, 6), landscape=False, header=month_name(report.first)),
    ])


def _or_none(rows: Iterable[Sequence[Cell]]) -> list[Sequence[Cell]]:
    """The rows; where there are none, one that says so: a page with nothing but a head looks like a fault."""
    return list(rows) or [["无"]]


_DAY_COLUMNS = ("申请", "经办机构", "受理", "作废")
_DOCUMENT_COLUMNS = ("序号", "文书编号", "题名", "户号", "状态")
_STATES = {"issued": "已受理", "returned": "已归档", "void": "作废", "destroyed": "已销毁"}


def plain_day(report: DayReport) -> dict[str, object]:
    """The day as plain JSON: the documents are the items."""
    items = [{"number": one.number, "form": one.form, "title": one.title, "account": one.account,
              "status": one.status} for one in report.documents]
    return {"date": report.day.isoformat(), "company": report.company, "items": items, "total": len(items),
            "hidden": report.hidden, "applications": report.total,
            "forms": [{"form": one.form, "name": one.name, "office": one.office, "issued": one.issued,
                       "void": one.void} for one in report.forms]}


def day_file(report: DayReport, kind: str) -> bytes:
    """The report as a file of ``kind``, one of ``FORMATS``."""
    if kind == "json":
        return _json_bytes(plain_day(report))
    facts = [f"单位：{report.company}", f"日期：{report.day.year}年{report.day.month}月{report.day.day}日",
             f"受理申请共{report.total}件" + (f"；另有{report.hidden}件限制利用，未列出" if report.hidden else "")]
    counts: list[list[Cell]] = [[one.name, one.office or UNKNOWN, one.issued, one.void] for one in report.forms]
    documents: list[list[Cell]] = [[at, one.number, one.title, one.account or "", _STATES[one.status]]
                                   for at, one in enumerate(report.documents, 1)]
    return _two_tables(kind, "用水申请日报", facts, ("受理情况", _DAY_COLUMNS, (70, 70, 20, 20), counts),
                       ("申请清单", _DOCUMENT_COLUMNS, (14, 50, 66, 30, 20), documents), landscape=False)


_STEP_COLUMNS = ("序号", "环节", "文书编号", "户号", "经办机构", "起算日", "到期日", "超期天数", "其中工作日",
                 "文书状态", "依据")
_STEP_WIDTHS = (10, 40, 40, 25, 30, 25, 25, 18, 20, 22, 22)


def plain_step(one: OpenStep) -> dict[str, object]:
    """An open step as plain JSON."""
    return {"step": one.step.id, "name": one.step.name, "number": one.number, "form": one.step.form,
            "account": one.account, "office": one.office, "status": one.status,
            "started": one.started.isoformat() if one.started else None, "due": one.due.isoformat(),
            "days_late": one.days_late, "working_days_late": one.working_days_late, "limit": one.step.days,
            "unit": "date" if one.step.due else one.step.unit, "authority": one.step.authority}


def plain_steps(found: OpenSteps, today: date, within: int, translate: Translate) -> dict[str, object]:
    """The list as plain JSON."""
    notes = [told_unknown(found.unknown_years).render(translate)] if found.unknown_years else []
    return {"as_of": today.isoformat(), "within": within, "items": [plain_step(one) for one in found.items],
            "total": len(found.items), "late": found.late, "hidden": found.hidden,
            "unknown_years": list(found.unknown_years), "notes": notes}


def told_open(found: OpenSteps, within: int) -> str:
    """How many are late, and how many fall due within so many days."""
    coming, when = len(found.items) - found.late, f"{within}天内" if within else "今日"
    if not found.items and not found.hidden:
        return f"无超期，{when}无到期"
    return f"超期{found.late}件，{when}到期{coming}件"


def steps_file(found: OpenSteps, company: str, today: date, within: int, kind: str, translate: Translate) -> bytes:
    """The list as a file of ``kind``, one of ``FORMATS``: the late ones, then those that fall due."""
    if kind == "json":
        return _json_bytes(plain_steps(found, today, within, translate))
    facts = [f"单位：{company}", f"统计日期：{today.isoformat()}",
             told_open(found, within)]
    if found.hidden:
        facts.append(f"另有{found.hidden}件限制利用，未列出")
    if found.unknown_years:
        facts.append(told_unknown(found.unknown_years).render(translate))
    late = [one for one in found.items if one.days_late > 0]
    coming = [one for one in found.items if one.days_late <= 0]
    return _two_tables(kind, "办理时限跟踪表", facts, ("超期未办结", _STEP_COLUMNS, _STEP_WIDTHS, _step_rows(late)),
                       ("即将到期", _STEP_COLUMNS, _STEP_WIDTHS, _step_rows(coming)), landscape=True)


def _step_rows(items: Iterable[OpenStep]) -> list[list[Cell]]:
    return [[at, one.step.name, one.number, one.account or "", one.office or UNKNOWN, one.started, one.due,
             max(0, one.days_late), one.working_days_late, "待归档" if one.status == "issued" else "已归档，待补录",
             one.step.authority] for at, one in enumerate(items, 1)]


_Table = tuple[str, Sequence[str], Sequence[float], Sequence[Sequence[Cell]]]


def _two_tables(kind: str, title: str, facts: Sequence[str], *tables: _Table, landscape: bool) -> bytes:
    """A heading, facts, and tables; widths are in mm, of which a spreadsheet's character takes two."""
    if kind == "xlsx":
        above: list[Sequence[Cell]] = [[title], *([line] for line in facts), []]
        sheets = []
        for at, (name, columns, widths, rows) in enumerate(tables):
            start = [] if at else above
            sheets.append(Sheet(name, [*start, columns, *_or_none(rows)], [one / 2 for one in widths],
                                head=len(start) + 1, landscape=landscape, centred=_numbered(columns)))
        return workbook_bytes(sheets)
    document = wordpage.new_page(landscape=landscape, margins=(16, 10, 16, 10) if landscape else (18, 15, 16, 15))
    wordpage.heading(document, title)
    for line in facts:
        document.add_paragraph(wordpage.printable(line))
    for name, columns, widths, rows in tables:
        wordpage.note(document, name, bold=True)
        if rows:
            told = [["" if cell is None else str(cell) for cell in row] for row in rows]
            wordpage.rows_of(document, columns, widths, told, [columns[at - 1] for at in _numbered(columns)])
        else:
            wordpage.note(document, "无")
    wordpage.page_numbers(document.sections[0].footer.paragraphs[0])
    return wordpage.bytes_of(document)


def _numbered(columns: Sequence[str]) -> tuple[int, ...]:
    """Columns, from 1, whose content is short and alike."""
    short = ("序号", "受理", "作废", "状态", "起算日", "到期日", "超期天数", "其中工作日", "文书状态")
    return tuple(at for at, column in enumerate(columns, 1) if column in short)


def _json_bytes(plain: object) -> bytes:
    return json.dumps(plain, ensure_ascii=False, indent=2).encode("utf-8", "replace")
