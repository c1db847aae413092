"""The report of a run (检测报告) as an inspector files it: Word, spreadsheet or JSON.

Heads and labels are Chinese in every language; the evidence is in the reader's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recordkit.archive.checks.outcome import STAGE_NAMES, VERDICT_NAMES
from recordkit.archive.checks.running import CheckRun, Line, Summary
from recordkit.errors import RecordkitError
from recordkit.messages import Message, Translate, msg
from recordkit.people import find_person
from recordkit.templates import wordpage
from recordkit.templates.sheetwriter import Cell, Sheet, workbook_bytes
from recordkit.workspace import Workspace

FORMATS = ("docx", "xlsx", "json")
TITLE = "电子档案四性检测报告"
SUMMARY = ("编号", "性质", "检测项目", "合格", "不合格", "未检测", "结论", "依据")
FAILURES = ("序号", "档号", "编号", "检测项目", "情况")
_SUMMARY_MM = (14, 18, 56, 16, 17, 17, 18, 101)
_FAILURES_MM = (14, 62, 14, 56, 111)
_SIGN = "　　　　年　　月　　日"


@dataclass(frozen=True, slots=True)
class Report:
    """A run with what stands on its cover.

    Attributes:
        by: who ran it: name and staff number of a registered person, else the operating system's user.
        scope: which records were meant, in words.
        version: of the program.
        store: id of the store.
        time: when it ended, ISO 8601 UTC.
    """

    run: CheckRun
    fonds: str
    fonds_name: str
    by: str
    scope: Message
    version: str
    store: str
    time: str
    against: str = ""


def make_report(workspace: Workspace, run: CheckRun, scope: Message, version: str, against: str = "") -> Report:
    """The report of a run; ``against`` names the list of a transfer and its digest."""
    archive = workspace.settings.archive
    return Report(run, archive.fonds, archive.fonds_name, _person(workspace), scope, version,
                  workspace.settings.store.id, workspace.clock.stamp(), against)


def _person(workspace: Workspace) -> str:
    try:
        person = find_person(workspace.db, workspace.actor)
    except RecordkitError:
        return f"{workspace.actor}（未登记的系统用户）"
    return f"{person.name}（{person.staff_no}）"


def report_file(report: Report, kind: str, translate: Translate) -> bytes:
    """The report as a file of ``kind``, one of ``FORMATS``."""
    if kind == "docx":
        return _docx(report, translate)
    if kind == "xlsx":
        return _xlsx(report, translate)
    plain = plain_run(report.run, translate)
    cover = {"title": TITLE, "fonds": report.fonds, "fonds_name": report.fonds_name, "by": report.by,
             "scope": report.scope.render(translate), "version": report.version, "store": report.store,
             "time": report.time, "against": report.against or None}
    return json.dumps({**cover, **plain}, ensure_ascii=False, indent=2).encode("utf-8", "replace")


def plain_run(run: CheckRun, translate: Translate) -> dict[str, object]:
    """The run as plain JSON values with the promised keys: one item a check, then one for each line."""
    items = [*(plain_summary(one, translate) for one in run.summaries), *(plain_line(one, translate)
                                                                          for one in run.lines)]
    return {
        "items": items, "total": len(items), "stage": run.stage, "day": run.day.isoformat(), "records": run.records,
        "bytes": run.bytes, "ok": not run.has_failed and not run.interrupted, "interrupted": run.interrupted,
        "summary": {verdict: run.count(verdict) for verdict in VERDICT_NAMES}, "failures": len(run.failures),
        "listed_in_full": run.is_whole, "ledger": {"entries": run.entries, "head": run.head},
    }


def plain_summary(one: Summary, translate: Translate) -> dict[str, object]:
    """A check over all records; ``record_id`` and ``code`` are null."""
    return {
        "check": one.check.number, "name": one.check.name, "property": one.check.property,
        "result": one.outcome.result, "evidence": one.outcome.evidence.render(translate), "record_id": None,
        "code": None, "passed": one.passed, "failed": one.failed, "not_run": one.not_run,
    }


def plain_line(one: Line, translate: Translate) -> dict[str, object]:
    """A check over one record, or over a thing that is none."""
    return {
        "check": one.check.number, "name": one.check.name, "property": one.check.property,
        "result": one.outcome.result, "evidence": one.outcome.evidence.render(translate),
        "record_id": one.record_id or None, "code": one.code or None,
    }


def _cover(report: Report, translate: Translate) -> list[tuple[str, str]]:
    run = report.run
    rows = [
        ("全宗号", report.fonds), ("全宗名称", report.fonds_name),
        ("检测环节", STAGE_NAMES[run.stage]), ("检测日期", run.day.isoformat()),
        ("检测范围", report.scope.render(translate)), ("检测件数", str(run.records)),
        ("读取字节数", f"{run.bytes:,}"), ("检测人", report.by),
        ("检测程序", f"recordkit {report.version}"), ("检测依据", "DA/T 70-2018"),
        ("检测结论", _conclusion(run)),
    ]  # fmt: skip
    if report.against:
        rows.append(("对照的移交清单", report.against))
    rows.append(("过程日志", f"共 {run.entries} 条，末条散列值 {run.head}"))
    return rows


def _conclusion(run: CheckRun) -> str:
    counts = [f"{VERDICT_NAMES[verdict]} {run.count(verdict)} 项" for verdict in VERDICT_NAMES]
    return f"{'不合格' if run.has_failed else '合格'}：共 {len(run.summaries)} 项，{'，'.join(counts)}" + (
        "（检测被中断，未完成）" if run.interrupted else "")


def _summary_rows(report: Report, translate: Translate) -> Iterator[list[Cell]]:
    for one in report.run.summaries:
        yield [one.check.number, one.check.property, one.check.name, one.passed, one.failed, one.not_run,
               VERDICT_NAMES[one.outcome.result], one.outcome.evidence.render(translate)]


def _failure_rows(report: Report, translate: Translate) -> Iterator[list[Cell]]:
    by_record = sorted(enumerate(report.run.failures), key=lambda item: (not item[1].code, item[1].code, item[0]))
    for number, (_, one) in enumerate(by_record, 1):
        yield [number, one.code or "—", one.check.number, one.check.name, one.outcome.evidence.render(translate)]


def _shortened(report: Report, translate: Translate) -> str:
    if report.run.is_whole:
        return ""
    return msg("Of each check the first failures are listed; the counts are of all.").render(translate)


_SIGNERS = ("检测人", "复核人")


def _docx(report: Report, translate: Translate) -> bytes:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    document = wordpage.new_page(landscape=True, margins=(18, 20, 18, 20))
    section: Any = document.sections[0]
    header, footer = section.header.paragraphs[0], section.footer.paragraphs[0]
    header.style = footer.style = "Normal"
    header.add_run(f"{TITLE}　{report.fonds}　{report.run.day.isoformat()}").font.size = Pt(9)
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    wordpage.page_numbers(footer)
    wordpage.heading(document, TITLE)
    wordpage.facts_of(document, _cover(report, translate))
    wordpage.note(document, "一、检测结果", bold=True)
    wordpage.rows_of(document, SUMMARY, _SUMMARY_MM, map(_shown, _summary_rows(report, translate)),
                     [one for one in SUMMARY if one not in ("检测项目", "依据")])
    wordpage.note(document, "二、不合格情况", bold=True)
    failures = list(map(_shown, _failure_rows(report, translate)))
    if failures:
        wordpage.rows_of(document, FAILURES, _FAILURES_MM, failures, ("序号", "编号"))
        if told := _shortened(report, translate):
            wordpage.note(document, told)
    else:
        wordpage.note(document, "无。" if not report.run.has_failed else "见检测结果各项依据。")
    wordpage.note(document, "三、签字", bold=True)
    table = wordpage.table(document, (40, 100, 45, 72))
    for signer in _SIGNERS:
        row = table.add_row()
        row.height = Mm(12)
        for cell, text in zip(row.cells, (signer, "", "日期", _SIGN), strict=True):
            wordpage.write(cell, text).paragraph_format.keep_with_next = signer != _SIGNERS[-1]
    return wordpage.bytes_of(document)


def _shown(row: Sequence[Cell]) -> list[str]:
    return [str(cell) for cell in row]


def _xlsx(report: Report, translate: Translate) -> bytes:
    """Cover and results on the first sheet; what failed on a second one, where anything did."""
    rows: list[Sequence[Cell]] = [[TITLE], *([name, value] for name, value in _cover(report, translate)), [],
                                  *([f"{signer}：", "", "日期：", _SIGN] for signer in _SIGNERS), [], SUMMARY]
    top = len(rows)
    rows += _summary_rows(report, translate)
    head = f"{TITLE}　{report.fonds}　{report.run.day.isoformat()}"
    failures: list[Sequence[Cell]] = [FAILURES, *_failure_rows(report, translate)]
    if told := _shortened(report, translate):
        failures.append(["", "", "", "", told])
    sheets = [Sheet("检测结果", rows, (16, 10, 34, 8, 8, 8, 10, 84), head=top, centred=(1, 2, 4, 5, 6, 7), header=head,
                    framed=True)]
    if len(failures) > 1:
        sheets.append(Sheet("不合格情况", failures, (8, 40, 8, 34, 90), head=1, centred=(1, 3), header=head))
    return workbook_bytes(sheets)
