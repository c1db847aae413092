"""What the destruction register says in each of its cells, at every step of an order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from msgspec import structs
from retention_store import TODAY, Archive, change

from recordkit.archive.catalogue import find_record, objects_of
from recordkit.archive.editing import edit_record
from recordkit.errors import IntegrityFailure
from recordkit.retention import orders
from recordkit.retention.circumstances import explain_record, load_circumstances
from recordkit.retention.holds import place_hold, release_hold
from recordkit.retention.order_state import Intent, Opinion, Order, OrderSignature
from recordkit.retention.register import (
    Block,
    HeldBack,
    Register,
    filed_register,
    held_back,
    paper_originals,
    register_json,
    register_of,
)
from recordkit.retention.signing import digest_of
from recordkit.templates.registercode import decode_register


def shown(archive: Archive, order: Order) -> Register:
    return register_of(archive.workspace, order)


# --- what is filed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "kept"), [
    (None, "0年"), (date(2037, 3, 6), "0年"), (TODAY, "0年"), (date(2040, 1, 1), "0年"), (date(2037, 2, 6), "0年"),
    (date(2037, 2, 5), "1个月"), (date(2036, 3, 6), "11个月"), (date(2036, 3, 5), "1年"), (date(2035, 3, 6), "23个月"),
    (date(2035, 3, 5), "2年"), (date(2034, 12, 31), "2年"), (date(2034, 3, 6), "2年"), (date(2027, 3, 5), "10年"),
])
def test_how_long_a_record_was_kept_is_told_in_months_within_two_years_and_in_whole_years_after(
    archive: Archive, start: date | None, kept: str
) -> None:
    record = find_record(archive.workspace.db, archive.file())
    decision = replace_decision(archive, record.record_id, start=start, months=18)
    (row,) = register_json(archive.workspace, "D1", [(record, decision)])["rows"]  # type: ignore[misc]
    assert (row["已保管期限"], row["应保管期限"]) == (kept, "18个月")


def replace_decision(archive: Archive, record_id: str, **changes: object):  # type: ignore[no-untyped-def]
    record = find_record(archive.workspace.db, record_id)
    decision = explain_record(archive.workspace, record, TODAY)
    return (structs.replace if hasattr(decision, "__struct_fields__") else replace)(decision, **changes)


def test_a_record_without_an_end_is_kept_for_ever_and_one_of_a_volume_says_so(archive: Archive) -> None:
    record = find_record(archive.workspace.db, archive.file())
    decision = replace_decision(archive, record.record_id, months=None, volume="V001",
                                rule="supply-contract 30y, V001")
    found = register_json(archive.workspace, "D1", [(record, decision), (record, decision)])
    rows = found["rows"]
    assert isinstance(rows, list)
    assert [(row["序号"], row["应保管期限"], row["备注"]) for row in rows] == [
        ("1", "永久", "随案卷 V001"), ("2", "永久", "随案卷 V001")]
    assert set(found["rules"]) == {"supply-contract", "visit-record"}  # type: ignore[call-overload]


def test_titles_stand_on_the_register_only_where_the_settings_say_so(archive: Archive) -> None:
    record = archive.file("张三回访")
    change(archive, 'register_titles = "title"', 'register_titles = "class"')
    (row,) = shown(archive, archive.propose(record)).rows
    assert "张三" not in row["题名"] and row["题名"]


def test_an_old_term_and_its_meaning_stay_on_the_register(archive: Archive) -> None:
    record = archive.file()
    held = structs.replace(find_record(archive.workspace.db, record), old_term="长期")
    around = load_circumstances(archive.workspace)
    decision = replace_decision(archive, record)
    (row,) = register_json(archive.workspace, "D1", [(held, decision)])["rows"]  # type: ignore[misc]
    meaning = around.meaning("长期")
    assert row["备注"] == (f"原保管期限长期，按{meaning.rstrip('y')}年" if meaning else "")
    assert meaning, "the settings of a new store say what 长期 means"


@pytest.mark.parametrize(("metadata", "place", "told"), [
    ({}, None, ""),
    ({"box": "7"}, {"box": "7"}, "有纸质原件（盒号7）"),
    ({"shelf": "2-1"}, {"shelf": "2-1"}, "有纸质原件（库位2-1）"),
    ({"box": "7", "shelf": "2-1"}, {"box": "7", "shelf": "2-1"}, "有纸质原件（盒号7，库位2-1）"),
])
def test_where_the_paper_original_lies_is_filed_and_told(
    archive: Archive, metadata: dict[str, str], place: dict[str, str] | None, told: str
) -> None:
    record, other = archive.file("一", **metadata), archive.file("二")
    order = archive.appraise(archive.propose(record, other))
    filed = filed_register(archive.workspace, order)["rows"]
    assert isinstance(filed, list) and [row.get("paper") for row in filed] == [place, None]
    assert paper_originals(archive.workspace, order) == ({record: told} if told else {})
    register = shown(archive, order)
    assert [row["备注"] for row in register.rows] == [told, ""]
    assert dict(register.cover)["数量"] == ("2件（其中1件有纸质原件）" if told else "2件")


# --- who was held back -------------------------------------------------------------------------------------------


def told_back(archive: Archive, record_id: str) -> HeldBack | None:
    workspace = archive.workspace
    record = find_record(workspace.db, record_id)
    return held_back(workspace, record, explain_record(workspace, record, workspace.clock.today),
                     load_circumstances(workspace))


def test_a_due_record_that_a_hold_keeps_is_named_with_the_kinds_of_all_its_holds(archive: Archive) -> None:
    held, free = archive.file("一", account="9"), archive.file("二", account="8")
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[held])
    place_hold(archive.workspace, kind="debt", reason="又欠", records=[held])
    accounts = ["9", "5", "7", "3", "1", "6"]
    for account in accounts[1:]:
        edit_record(archive.workspace, held, {"account": account}, "改户")
    kinds = {"1": "litigation", "3": "inspection", "5": "arrears", "9": "complaint"}
    for account, kind in reversed(kinds.items()):
        place_hold(archive.workspace, kind=kind, reason="x", account=account)
    found = told_back(archive, held)
    record = find_record(archive.workspace.db, held)
    assert found == HeldBack(held, record.code, "visit-record", date(2035, 1, 1), ("debt", *kinds.values()))
    assert told_back(archive, free) is None


@pytest.mark.parametrize(("day", "named"), [(date(2034, 12, 31), False), (date(2035, 1, 1), True)])
def test_a_held_record_is_held_back_from_the_day_on_which_it_would_be_due(
    archive: Archive, day: date, named: bool
) -> None:
    record, waiting = archive.file(), archive.file("待", record_class="supply-contract")
    place_hold(archive.workspace, kind="debt", reason="欠款", records=[record, waiting])
    archive.reopen(day)
    assert (told_back(archive, record) is not None, told_back(archive, waiting)) == (named, None)


def test_a_hold_whose_account_nobody_can_read_any_more_holds_back_too(archive: Archive) -> None:
    from recordkit.notes import remove_notes

    record = archive.file(account="9")
    hold = place_hold(archive.workspace, kind="litigation", reason="起诉", account="别户")
    assert told_back(archive, record) is None
    remove_notes(archive.root, hold)
    archive.workspace.rebuild()
    found = told_back(archive, record)
    assert found is not None and found.kinds == ("litigation",)


# --- what is bound -------------------------------------------------------------------------------------------------


def test_a_register_that_is_gone_or_is_not_named_is_not_what_was_proposed(archive: Archive) -> None:
    order = archive.propose(archive.file())
    assert order.register is not None

    def todo(of: Order) -> str:
        with pytest.raises(IntegrityFailure, match="^The register of order D2037-0001 is not what was") as refused:
            filed_register(archive.workspace, of)
        return str(refused.value.todo)

    assert todo(replace(order, register=None)).count("D2037-0001") == 1
    assert order.register in todo(replace(order, manifest={**order.manifest, "register": "0" * 64}))
    assert order.register in todo(replace(order, manifest={"items": []}))
    path = objects_of(archive.workspace).locate(order.register, "original.json")
    content = json.loads(path.read_bytes())
    path.write_bytes(json.dumps({**content, "company": "别家"}, ensure_ascii=False).encode())
    assert order.register in todo(order)
    short = {**content, "rows": []}
    path.write_bytes(json.dumps(short, ensure_ascii=False).encode())
    assert order.register in todo(replace(order, manifest={**order.manifest, "register": digest_of(short)}))
    path.write_bytes(b"[")
    assert order.register in todo(order)
    objects_of(archive.workspace).remove(order.register)
    assert order.register in todo(order)


# --- what is printed -----------------------------------------------------------------------------------------------


def test_every_row_stands_until_the_appraisal_is_complete_then_only_what_goes(archive: Archive) -> None:
    one, two, three = (archive.file(title) for title in "一二三")
    order = archive.propose(one, two, three)
    register = shown(archive, order)
    assert [(row["序号"], row["题名"]) for row in register.rows] == [("1", "一"), ("2", "二"), ("3", "三")]
    assert [name for name, _ in register.digests] == ["清册摘要（SHA-256）"]
    order = archive.appraise(order, {one: Opinion("keep"), two: Opinion("destroy")})
    assert len(shown(archive, order).rows) == 3
    order = archive.appraise(order, {three: Opinion("destroy")})
    register = shown(archive, order)
    assert [(row["序号"], row["题名"]) for row in register.rows] == [("1", "二"), ("2", "三")]
    assert register.digests == (("清册摘要（SHA-256）", order.digest),
                                ("鉴定意见摘要（SHA-256）", order.opinions_digest))
    assert (register.code, register.room) == (None, ())
    signing = register_of(archive.workspace, order, for_signing=True)
    assert signing.room == ("approve", "sign") and decode_register(str(signing.code)) is not None


def test_the_cover_tells_what_was_done_by_whom_where_and_how(archive: Archive) -> None:
    order = archive.propose(archive.file("一"), archive.file("二"))
    fonds = archive.workspace.settings.archive
    blank = dict.fromkeys(
        ["鉴定小组负责人", "批准人", "监销人", "销毁时间", "销毁地点", "销毁方式", "监销人销毁后签字"], "")
    head = {"销毁批次": "D2037-0001", "全宗号": f"{fonds.fonds} {fonds.fonds_name}", "数量": "2件"}
    tail = {"清册摘要（SHA-256）": order.digest}
    assert dict(shown(archive, order).cover) == {**head, **blank, **tail}
    archive.register("appr2", "appraiser")
    order = archive.appraise(order, {order.items[0].record_id: Opinion("destroy")})
    order = archive.appraise(order)
    order = orders.appraise_order(archive.workspace, order.order_id, {order.items[1].record_id: Opinion("destroy")},
                                  archive.signer("appr2"))
    order = archive.sign(archive.sign(archive.approve(order), "sup1"), "sup2")
    order = archive.execute(order).order
    orders.complete_order(archive.workspace, order.order_id, archive.signer("sup2"))
    done = "2037-03-05，电子签名"
    assert dict(shown(archive, orders.find_order(archive.workspace.db, order.order_id)).cover) == {
        **head, "鉴定小组负责人": f"姓名appr（{done}）、姓名appr2（{done}）", "批准人": f"姓名boss（{done}）",
        "监销人": f"姓名sup1（{done}）、姓名sup2（{done}）", "销毁时间": "2037-03-05", "销毁地点": "三号库房",
        "销毁方式": "粉碎", "监销人销毁后签字": f"姓名sup2（{done}）", **tail}
    with_paper = replace(order, intent=Intent("库房", "覆写", "sup1", "", (), (), "焚烧"))
    assert dict(shown(archive, with_paper).cover)["销毁方式"] == "覆写；纸质原件：焚烧"


def test_a_signature_by_hand_names_its_scan_and_who_entered_it_as_far_as_they_are_known(archive: Archive) -> None:
    order = archive.propose(archive.file())
    scan = find_record(archive.workspace.db, archive.file("扫描", record_class="drawing"))
    hand = OrderSignature("order.approved", "boss", "2037-03-01", "ff", 900, "arch", scan.record_id)
    strange = OrderSignature("order.signed", "ghost", "2037-03-02", "ff", 901, None, "R-gone")
    register = shown(archive, replace(order, signatures=(*order.signatures, hand, strange)))
    cover = dict(register.cover)
    assert cover["批准人"] == f"姓名boss（2037-03-01，手签，扫描件{scan.code}，姓名arch录入）"
    assert cover["监销人"] == "ghost（2037-03-02，手签，扫描件R-gone，录入）"
    assert register.blocks[1] == Block("批准人", "姓名boss", "S-boss", "2037-03-01",
                                       f"手签，扫描件{scan.code}，姓名arch录入")
    assert register.blocks[2] == Block("监销人（一）", "ghost", "", "2037-03-02", "手签，扫描件R-gone，录入")


def test_every_signature_has_its_place_and_a_supervisor_more_than_needed_is_not_left_out(archive: Archive) -> None:
    order = archive.appraise(archive.propose(archive.file("一"), archive.file("二")))
    archive.register("appr2", "appraiser")
    order = orders.appraise_order(archive.workspace, order.order_id, {order.items[0].record_id: Opinion("destroy")},
                                  archive.signer("appr2"))
    labels = ["鉴定小组负责人", "批准人", "监销人（一）", "监销人（二）"]

    def blocks(of: Order) -> list[tuple[str, str]]:
        return [(block.label, block.name) for block in shown(archive, of).blocks]

    # Of several appraisals the last one counts.
    assert blocks(order) == list(zip(labels, ["姓名appr2", "", "", ""], strict=True))
    order = archive.sign(archive.approve(order), "sup1")
    assert blocks(order) == list(zip(labels, ["姓名appr2", "姓名boss", "姓名sup1", ""], strict=True))
    order = archive.sign(archive.sign(order, "sup2"), "sup3")
    assert blocks(order)[2:] == [
        ("监销人（一）", "姓名sup1"), ("监销人（二）", "姓名sup2"), ("监销人（二）", "姓名sup3")]
    order = archive.execute(order).order
    orders.complete_order(archive.workspace, order.order_id, archive.signer("sup3"))
    order = orders.find_order(archive.workspace.db, order.order_id)
    assert blocks(order)[5:] == [("监销人（一）销毁后签字", "姓名sup3"), ("监销人（二）销毁后签字", "")]
    assert [name for name, _ in shown(archive, order).digests] == [
        "清册摘要（SHA-256）", "鉴定意见摘要（SHA-256）", "销毁结果摘要（SHA-256）"]


def test_from_the_eleventh_on_supervisors_are_numbered_in_digits(archive: Archive) -> None:
    change(archive, "supervisors = 2", "supervisors = 12")
    labels = [block.label for block in shown(archive, archive.propose(archive.file())).blocks]
    assert labels[2:4] + labels[10:] == ["监销人（一）", "监销人（二）", "监销人（九）", "监销人（十）", "监销人（11）",
                                         "监销人（12）"]


def test_what_became_of_an_item_and_who_freed_it_stands_in_its_remark(archive: Archive) -> None:
    one, two, three = (archive.file(title) for title in "一二三")
    order = archive.signed(one, two, three)
    archive.workspace.actor = "arch"
    hold = place_hold(archive.workspace, kind="debt", reason="欠款", records=[one])
    release_hold(archive.workspace, hold, "已缴")
    archive.workspace.actor = "ghost"
    again = place_hold(archive.workspace, kind="debt", reason="欠款", records=[one])
    release_hold(archive.workspace, again, "已缴")
    with archive.workspace.writing() as writer:
        writer.add("order.refused", {"order": order.order_id, "records": {two: "held", three: "a word of later days"}})
        writer.commit()
    order = orders.find_order(archive.workspace.db, order.order_id)
    freed = f"曾冻结，2037-03-05由姓名arch解除（{hold}）；曾冻结，2037-03-05由ghost解除（{again}）"
    assert [row["备注"] for row in shown(archive, order).rows] == [
        freed, "未销毁（冻结中）", "未销毁（a word of later days）"]
    done = replace(order, items=tuple(replace(item, outcome=outcome, reason=reason) for item, outcome, reason in zip(
        order.items, ("destroyed", "failed", None), (None, "index", None), strict=True)))
    assert [row["备注"] for row in shown(archive, done).rows] == [
        f"{freed}；已销毁", "销毁未完成（检索索引仍可查到）", ""]

