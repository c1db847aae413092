"""The handover on paper (档案交接文据): what is handed over, what is unfinished, who signed; Word or spreadsheet.

Both signatures are made with keys. The printed lines for signing by hand are for the office's own files; they take
nobody's key's place, and the paper says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recordkit.archive.classes import load_scheme
from recordkit.archive.listings.shape import told_period
from recordkit.people import Person, fingerprint, list_people
from recordkit.retention.handover_state import Handover
from recordkit.templates import wordpage
from recordkit.templates.sheetwriter import Cell, Sheet, workbook_bytes
from recordkit.workspace import Workspace

TITLE = "档案交接文据"
COUNT_COLUMNS = ("项目", "名称", "件数")
OPEN_COLUMNS = ("项目", "数量", "说明")
SIGN_COLUMNS = ("签字人", "姓名", "工号", "密钥签名", "日期", "亲笔签字")
_HOLD_KINDS = {
    "debt": "债权债务未结清", "litigation": "诉讼", "complaint": "投诉未结", "arrears": "欠费",
    "inspection": "稽查案件未结", "other": "其他原因",
}  # fmt: skip
_ORDER_STATES = {
    "proposed": "已提出", "appraised": "已鉴定", "approved": "已批准", "signed": "已签字", "executing": "执行中",
    "executed": "已执行",
}  # fmt: skip
_PLEDGE = ("移交人与接收人均以密钥签署以上交接内容摘要；核验办法见档案库格式说明。"
           "“亲笔签字”栏供本单位存档的打印件使用，不代替密钥签名。")
_UNSIGNED = {
    "draft": "本件尚未签署，只供核对。",
    "proposed": "移交人已以密钥签署以上交接内容摘要，接收人尚未签署；本件尚未生效，只供核对。",
    "withdrawn": "本次交接已撤回，接收人未签署；本件无效。",
}
_NAMED = 40
"""Numbers and ids of one kind that the paper names; all are counted, and the filed data name more."""


def handover_docx(workspace: Workspace, handover: Handover) -> bytes:
    """The protocol as a Word document, A4 upright."""
    return wordpage.bytes_of(_document(workspace, handover))


def handover_pages(workspace: Workspace, handover: Handover) -> int:
    """Pages that ``handover_docx`` takes."""
    return wordpage.pages_of(_document(workspace, handover))


def _document(workspace: Workspace, handover: Handover) -> Any:
    document = wordpage.new_page(landscape=False, margins=(20, 20, 18, 20))
    wordpage.fix_lines(document)
    footer = document.sections[0].footer.paragraphs[0]
    footer.add_run(f"{TITLE}　{handover.handover_id}　").font.size = None
    wordpage.page_numbers(footer)
    wordpage.heading(document, TITLE)
    _pairs(document, [*facts_of(workspace, handover), *state_of(workspace, handover)])
    wordpage.note(document, "一、移交的档案", bold=True)
    wordpage.rows_of(document, COUNT_COLUMNS, (40, 100, 30), count_rows(workspace, handover), ("件数",))
    wordpage.note(document, "二、未办结事项", bold=True)
    wordpage.rows_of(document, OPEN_COLUMNS, (40, 20, 110), open_rows(handover), ("数量",))
    wordpage.note(document, "三、摘要", bold=True)
    # Hands are not put to a page on which nothing stands but lines for them: the digests go along.
    _pairs(document, digests_of_handover(handover), size=9, kept=True)
    wordpage.note(document, "四、签字", bold=True)
    wordpage.note(document, pledge_of(handover))
    _sign_table(document, sign_rows(workspace, handover))
    return document


def _pairs(document: Any, pairs: Sequence[tuple[str, str]], size: float | None = None, *, kept: bool = False) -> None:
    """Names and values; rows are not torn, and if ``kept`` stay on the page of what follows."""
    table = wordpage.table(document, (34, 136))
    for name, value in pairs:
        row = table.add_row()
        wordpage.untorn(row)
        for cell, text, bold in zip(row.cells, (name, value), (True, False), strict=True):
            wordpage.write(cell, text, bold=bold, size=None if bold else size).paragraph_format.keep_with_next = kept


def _sign_table(document: Any, rows: Sequence[Sequence[str]]) -> None:
    """Room for each hand; on one page, with the words above it."""
    from docx.shared import Mm

    document.paragraphs[-1].paragraph_format.keep_with_next = True
    table = wordpage.table(document, (18, 22, 20, 46, 24, 40))
    for at, line in enumerate((SIGN_COLUMNS, *rows)):
        row = table.add_row()
        wordpage.untorn(row)
        row.height = Mm(8 if at == 0 else 12)
        for cell, text in zip(row.cells, line, strict=True):
            paragraph = wordpage.write(cell, text, bold=at == 0, size=9.5)
            paragraph.paragraph_format.keep_with_next = at < len(rows)


def handover_xlsx(workspace: Workspace, handover: Handover) -> bytes:
    """The same as a spreadsheet of one sheet; nothing in it computes."""
    rows: list[Sequence[Cell]] = [[TITLE]]
    rows += facts_of(workspace, handover)
    rows += state_of(workspace, handover)
    rows += [[], ["一、移交的档案"], COUNT_COLUMNS]
    rows += [[kind, name, int(count)] for kind, name, count in count_rows(workspace, handover)]
    rows += [[], ["二、未办结事项"], OPEN_COLUMNS]
    rows += [[name, int(count), told] for name, count, told in open_rows(handover)]
    rows += [[], ["三、摘要"], *digests_of_handover(handover), [], ["四、签字"], [pledge_of(handover)],
             SIGN_COLUMNS]
    rows += sign_rows(workspace, handover)
    return workbook_bytes([Sheet(TITLE, rows, (22, 34, 14, 40, 14, 24), title=True, framed=True)])


def facts_of(workspace: Workspace, handover: Handover) -> list[tuple[str, str]]:
    """The head of the paper: name and value."""
    people = {one.id: one for one in list_people(workspace.db)}
    settings, manifest = workspace.settings, handover.manifest
    found = [
        ("交接编号", handover.handover_id),
        ("单位", settings.company.name),
        ("全宗", f"{settings.archive.fonds}　{settings.archive.fonds_name}"),
        ("移交人", _named(people, handover.proposer)),
        ("接收人", _named(people, handover.receiver)),
        ("清点日期", str(manifest["as_of"])),
    ]
    return [*found, ("备注", handover.note)] if handover.note else found


def state_of(workspace: Workspace, handover: Handover) -> list[tuple[str, str]]:
    """Where it stands, and why it was withdrawn: name and value."""
    people = {one.id: one for one in list_people(workspace.db)}
    if handover.status == "accepted":
        return [("状态", f"已接收（{handover.accepted}）")]
    if handover.status == "withdrawn":
        by = _named(people, handover.withdrawn_by or "")
        return [("状态", f"已撤回（{handover.withdrawn}，{by}）"), ("撤回原因", handover.reason or "")]
    return [("状态", "已提出，待接收人签署" if handover.proposed_signature else "未提出，供核对")]


def pledge_of(handover: Handover) -> str:
    """What stands above the signatures: that both signed only when both did."""
    if handover.status == "accepted":
        return _PLEDGE
    return _UNSIGNED[handover.status if handover.proposed_signature else "draft"]


def _named(people: Mapping[str, Person], person_id: str) -> str:
    person = people.get(person_id)
    return f"{person.name}（工号 {person.staff_no}，{person.id}）" if person is not None else person_id


def count_rows(workspace: Workspace, handover: Handover) -> list[tuple[str, str, str]]:
    """Holdings by class, year, period and box: kind, name, records."""
    scheme = load_scheme(workspace.root).classes
    holdings = _mapping(handover.manifest, "holdings")
    rows = [("合计", f"{holdings['pages']} 页", str(holdings["count"]))]
    for kind, key in (("类别", "classes"), ("年度", "years"), ("保管期限", "periods"), ("盒", "boxes")):
        for name, count in _mapping(handover.manifest, key).items():
            shown = scheme[name].name if key == "classes" and name in scheme else name
            if key == "periods":
                shown = told_period(name) if name in ("Y", told_period(name)) else f"{told_period(name)}（{name}）"
            rows.append((kind, shown, str(count)))
    volumes = _mapping(handover.manifest, "volumes")
    if any(volumes.values()):
        rows += [("案卷", "已封卷（卷）", str(volumes["closed"])), ("案卷", "未封卷（卷）", str(volumes["open"]))]
    return rows


def open_rows(handover: Handover) -> list[tuple[str, str, str]]:
    """What is unfinished: name, how many, which."""
    unfinished = _mapping(handover.manifest, "unfinished")
    unreturned = _mapping(unfinished, "unreturned")
    orders, holds = _items(unfinished, "orders"), _items(unfinished, "holds")
    lost = _mapping(handover.manifest, "lost")
    records, waiting = lost.get("records"), lost.get("waiting")
    losses = [(name, str(len(found)), _some(found, len(found))) for name, found in
              (("已登记遗失、损毁", records), ("待确认的遗失登记", waiting)) if isinstance(found, list) and found]
    return [
        *losses,
        ("待匹配文件", str(unfinished["waiting"]), ""),
        ("隔离文件", str(unfinished["quarantine"]), ""),
        ("未归还文件", str(unreturned["count"]), _some(unreturned["oldest"], unreturned["count"])),
        ("未办结销毁批次", str(len(orders)), _told(orders, "order", "status", _ORDER_STATES)),
        ("在册冻结", str(len(holds)), _told(holds, "hold", "kind", _HOLD_KINDS)),
    ]


def _told(items: Sequence[Mapping[str, str]], name: str, state: str, words: Mapping[str, str]) -> str:
    return _some([f"{one[name]}（{words.get(one[state], one[state])}）" for one in items], len(items))


def _some(names: object, count: object) -> str:
    shown = [str(one) for one in names][:_NAMED] if isinstance(names, list) else []
    more = isinstance(count, int) and count > len(shown)
    return "、".join(shown) + (f" 等 {count} 件" if more else "")


def digests_of_handover(handover: Handover) -> list[tuple[str, str]]:
    """What proves the list: name and value."""
    ledger, checkpoint = _mapping(handover.manifest, "ledger"), handover.manifest["checkpoint"]
    kept = ("最近检查点", "无")
    if isinstance(checkpoint, Mapping):
        kept = (f"检查点第 {checkpoint['seq']} 条（{checkpoint['by']}）", str(checkpoint["head"]))
    return [
        ("交接内容摘要", handover.digest),
        ("全部馆藏摘要", str(_mapping(handover.manifest, "holdings")["digest"])),
        (f"台账第 {ledger['seq']} 条", str(ledger["head"])),
        kept,
    ]


def sign_rows(workspace: Workspace, handover: Handover) -> list[tuple[str, str, str, str, str, str]]:
    """Who signs: part, name, staff number, key with the begin of the signature, day, room for the hand."""
    people = {one.id: one for one in list_people(workspace.db)}
    rows = []
    for part, person_id, key, signature, day in (
        ("移交人", handover.proposer, handover.proposed_key, handover.proposed_signature, handover.proposed),
        ("接收人", handover.receiver, handover.accepted_key, handover.accepted_signature, handover.accepted),
    ):
        person = people.get(person_id)
        how = f"密钥 {fingerprint(key)}，签名 {signature[:16]}…" if key and signature else "未签"
        rows.append((part, person.name if person is not None else person_id,
                     person.staff_no if person is not None else "", how, day or "" if signature else "", ""))
    return [*rows, ("监交人", "", "", "", "", "")]


def _mapping(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _items(value: Mapping[str, object], key: str) -> list[Mapping[str, str]]:
    found = value.get(key)
    return list(found) if isinstance(found, list) else []
