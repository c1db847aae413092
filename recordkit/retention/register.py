"""The destruction register (档案销毁清册): its rows as frozen at the proposal, what became of them, and its exports.

Columns and cover by the handbook, ch. 8 §7, and 会计档案管理办法 art. 17-18. The rows lie in the permanent object that
the manifest binds; nothing here reads the records themselves once the order stands.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from recordkit.archive.boxes import paper_place
from recordkit.archive.catalogue import Record, accounts_of, get_record, objects_of
from recordkit.archive.classes import load_scheme, months_of
from recordkit.archive.losses import loss_of, loss_remark
from recordkit.db import Database
from recordkit.errors import IntegrityFailure
from recordkit.messages import msg
from recordkit.people import Person, list_people
from recordkit.retention.circumstances import Circumstances, load_circumstances, told_term
from recordkit.retention.order_state import Item, Order, OrderSignature
from recordkit.retention.paper_route import outcomes_digest, printed_code
from recordkit.retention.past import past_of, register_remarks
from recordkit.retention.released import Release, released_on
from recordkit.retention.review import Decision
from recordkit.retention.signing import digest_of
from recordkit.templates.registercode import ACTS
from recordkit.workspace import Workspace

COLUMNS = ("序号", "题名", "所属年度", "档号", "应保管期限", "已保管期限", "页数", "备注")


@dataclass(frozen=True, slots=True)
class Block:
    """One signature on the register: what for, and name, staff number, day and way of one that was given."""

    label: str
    name: str = ""
    staff_no: str = ""
    day: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """The register as it stands now: cover lines in order, and rows by ``COLUMNS``.

    Attributes:
        blocks: who signs, and who has; ``digests`` what they sign, by name.
        code: payload of the printed code, for a register that is to be signed by hand; ``room`` for which signatures.
    """

    title: str
    order: str
    cover: tuple[tuple[str, str], ...]
    rows: tuple[Mapping[str, str], ...]
    blocks: tuple[Block, ...]
    digests: tuple[tuple[str, str], ...]
    code: str | None = None
    room: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A record that is due and was left out of an order because it is held; ``kinds`` are those of the holds."""

    record_id: str
    code: str
    record_class: str
    due: date
    kinds: tuple[str, ...]


def held_back(
    workspace: Workspace, record: Record, decision: Decision, around: Circumstances
) -> HeldBack | None:
    """How a record is named among those that a hold kept out of an order; None when it is not due or not held."""
    if decision.decision != "held" or decision.due is None or decision.due > workspace.clock.today:
        return None
    holds = [*around.holds_of_record.get(record.record_id, ()), *around.blind_holds]
    for account in sorted(accounts_of(workspace.db, record.record_id)) if around.holds_of_account else ():
        holds += around.holds_of_account.get(account, ())
    kinds = tuple(dict.fromkeys(one.kind for one in holds))
    return HeldBack(record.record_id, record.code, record.record_class, decision.due, kinds)


def register_json(
    workspace: Workspace, order_id: str, items: Sequence[tuple[Record, Decision]], held: Sequence[HeldBack] = ()
) -> dict[str, object]:
    """What is filed for ever: cover facts, the rules in force, one row per record. Plain JSON values only.

    A row whose record has a paper original in a box or on a shelf also has ``paper`` with that place. ``held`` are
    records that are due and were left out; they stand in the appraisal report, not on the register.
    """
    settings, scheme = workspace.settings, load_scheme(workspace.root)
    around, today = load_circumstances(workspace), workspace.clock.today
    full = settings.destruction.register_titles == "title"
    # The class of the record that governs its volume, too.
    used = {one for record, decision in items for one in (record.record_class, decision.rule.partition(" ")[0])
            if one in scheme.classes}
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
                "题名": record.title if full else scheme.get(record.record_class).name,
                "所属年度": str(record.year),
                "档号": record.code,
                "应保管期限": _told_months(decision.months),
                "已保管期限": _told_months(_months_since(decision.start, today)),
                "页数": str(record.pages),
                "备注": "；".join([*_term_remark(record, around), *_loss_remark(workspace.db, record),
                                 *([f"随案卷 {decision.volume}"] if decision.volume is not None else []),
                                 *register_remarks(workspace, past_of(workspace, record))]),
                **_paper_of(workspace.db, record),
            }
            for position, (record, decision) in enumerate(items, 1)
        ],
        "held": [
            {"record": one.record_id, "code": one.code, "class": one.record_class, "due": one.due.isoformat(),
             "kinds": list(one.kinds)}
            for one in held
        ],
    }


def _loss_remark(db: Database, record: Record) -> list[str]:
    lost = loss_of(db, record.record_id)
    return [] if lost is None else [loss_remark(lost)]


def filed_register(workspace: Workspace, order: Order) -> dict[str, Any]:
    """The filed register of an order; every record of the order has a row in its ``rows``.

    Raises:
        IntegrityFailure: it is missing, is not what the manifest binds, or leaves a record out.
    """
    objects = objects_of(workspace)
    content: dict[str, Any] | None = None
    if order.register is not None and objects.exists(order.register):
        with contextlib.suppress(ValueError):
            content = json.loads(objects.read(order.register, "original.json"))
    if (content is None or digest_of(content) != order.manifest.get("register")
            or not {one.record_id for one in order.items} <= {row["record"] for row in content["rows"]}):
        raise IntegrityFailure(
            msg("The register of order {order} is not what was proposed.", order=order.order_id),
            msg("Run 'recordkit verify' and restore the record {record} from a backup.",
                record=order.register or order.order_id),
        )
    return content


def register_of(workspace: Workspace, order: Order, *, for_signing: bool = False) -> Register:
    """The register to be printed: all proposed rows until the appraisal is complete, then only what goes.

    Raises:
        IntegrityFailure: see ``filed_register``.
        RefusedByRule: it is to be signed by hand, and there is nothing to be signed now.
    """
    code = printed_code(workspace, order) if for_signing else None
    filed = filed_register(workspace, order)
    by_record = {row["record"]: row for row in filed["rows"]}
    shown = order.doomed if order.is_appraised else order.items
    freed, people = released_on(workspace.db, order), {one.id: one for one in list_people(workspace.db)}
    rows = []
    for position, item in enumerate(shown, 1):
        row = {column: str(by_record[item.record_id][column]) for column in COLUMNS}
        filed_remark = str(by_record[item.record_id]["备注"])
        remarks = (filed_remark, *_place(by_record[item.record_id]), *_freed(people, freed.get(item.record_id, ())),
                   _remark(item))
        rows.append({**row, "序号": str(position), "备注": "；".join(filter(None, remarks))})
    digests = [("清册摘要（SHA-256）", order.digest)]
    if order.is_appraised:
        digests.append(("鉴定意见摘要（SHA-256）", order.opinions_digest))
    if order.executed:
        digests.append(("销毁结果摘要（SHA-256）", outcomes_digest(order)))
    return Register(
        "档案销毁清册",
        order.order_id,
        tuple(_cover(workspace, order, filed, len(rows), sum("paper" in by_record[one.record_id] for one in shown))),
        tuple(rows),
        tuple(_blocks(workspace, order)),
        tuple(digests),
        None if code is None else code.encode(),
        () if code is None else tuple(act for act in ACTS if act in code.acts),
    )


def paper_originals(workspace: Workspace, order: Order) -> dict[str, str]:
    """The place of the paper original, in words, of every record of an order that has one.

    Raises:
        IntegrityFailure: see ``filed_register``.
    """
    places = {row["record"]: _place(row) for row in filed_register(workspace, order)["rows"]}
    return {record_id: place[0] for record_id, place in places.items() if place}


def _paper_of(db: Database, record: Record) -> dict[str, object]:
    """Where the paper original lies, when somebody has said so: key ``paper`` with box and shelf."""
    paper = paper_place(db, record)
    place = {key: value for key, value in (("box", paper.box), ("shelf", paper.shelf)) if value}
    return {"paper": place} if place else {}


def _place(row: Mapping[str, object]) -> tuple[str, ...]:
    place = row.get("paper")
    if not isinstance(place, Mapping):
        return ()
    told = [f"{name}{place[key]}" for key, name in (("box", "盒号"), ("shelf", "库位")) if key in place]
    return (f"有纸质原件（{'，'.join(told)}）",)


def _freed(people: Mapping[str, Person], freed: Sequence[Release]) -> tuple[str, ...]:
    """Holds released since the proposal: whoever signs is to see that the item was held and who freed it."""
    return tuple(f"曾冻结，{one.day}由{_name(people, one.actor)}解除（{one.hold_id}）" for one in freed)


def _cover(
    workspace: Workspace, order: Order, filed: Mapping[str, object], count: int, papers: int
) -> list[tuple[str, str]]:
    people = {person.id: person for person in list_people(workspace.db)}

    def signed(act: str) -> str:
        told = (f"{_name(people, one.person)}（{one.day}，{_way(workspace, people, one)}）"
                for one in order.signatures if one.act == act)
        return "、".join(dict.fromkeys(told))

    return [
        ("销毁批次", order.order_id),
        ("全宗号", f"{filed['fonds']} {filed['fonds_name']}"),
        ("数量", f"{count}件" + (f"（其中{papers}件有纸质原件）" if papers else "")),
        ("鉴定小组负责人", signed("order.appraised")),
        ("批准人", signed("order.approved")),
        ("监销人", signed("order.signed")),
        ("销毁时间", order.executed or ""),
        ("销毁地点", order.intent.place if order.intent else ""),
        ("销毁方式", _method(order)),
        ("监销人销毁后签字", signed("order.completed")),
        ("清册摘要（SHA-256）", order.digest),
    ]


def _method(order: Order) -> str:
    if order.intent is None:
        return ""
    paper = order.intent.paper_method
    return order.intent.method + (f"；纸质原件：{paper}" if paper else "")


def _blocks(workspace: Workspace, order: Order) -> list[Block]:
    """Who signs, in the order of signing; a supervisor more than were needed is not left out."""
    people = {person.id: person for person in list_people(workspace.db)}
    blocks: list[Block] = []

    def add(act: str, labels: Sequence[str]) -> None:
        given = [Block("", _name(people, one.person), people[one.person].staff_no if one.person in people else "",
                       one.day, _way(workspace, people, one)) for one in order.signatures if one.act == act]
        # Of several appraisals the last one counts; supervisors stand side by side.
        given = given[-1:] if len(labels) == 1 else given
        for place in range(max(len(labels), len(given))):
            label = labels[min(place, len(labels) - 1)]
            blocks.append(replace(given[place], label=label) if place < len(given) else Block(label))

    needed = workspace.settings.destruction.supervisors
    numbered = [f"监销人（{'一二三四五六七八九十'[place] if place < 10 else place + 1}）" for place in range(needed)]
    add("order.appraised", ["鉴定小组负责人"])
    add("order.approved", ["批准人"])
    add("order.signed", numbered)
    if order.executed:
        add("order.completed", [f"{one}销毁后签字" for one in numbered])
    return blocks


def _name(people: Mapping[str, Person], person_id: str) -> str:
    return people[person_id].name if person_id in people else person_id


def _way(workspace: Workspace, people: Mapping[str, Person], signature: OrderSignature) -> str:
    if signature.paper is None:
        return "电子签名"
    record = get_record(workspace.db, signature.paper)
    code = record.code if record is not None else signature.paper
    return f"手签，扫描件{code}，{_name(people, signature.entered_by or '')}录入"


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


def _term_remark(record: Record, around: Circumstances) -> list[str]:
    """The old term and what it was taken to mean, whether or not it governs: no longer to be seen afterwards."""
    told = told_term(record, around)
    return [term_remark(told["term"], told["meaning"])] if told else []


def term_remark(term: str, meaning: str) -> str:
    """An old term and the period (as a schedule writes it) that it was taken to mean, on a paper of the office."""
    return f"原保管期限{term}，按{_told_months(months_of(meaning))}"


def _told_months(months: int | None) -> str:
    """``永久``, ``10年``, ``18个月``: whole years as years."""
    if months is None:
        return "永久"
    return f"{months // 12}年" if months % 12 == 0 else f"{months}个月"


def _months_since(start: date | None, today: date) -> int:
    """Whole years between two days, in months; months only within the first two years."""
    if start is None:
        return 0
    months = max(0, (today.year - start.year) * 12 + today.month - start.month - (today.day < start.day))
    years, rest = divmod(months, 12)
    return months if years < 2 else months - rest
