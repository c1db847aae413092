"""What the old terms of inherited records mean is held against the ledger, as the rules of destruction are."""

from __future__ import annotations

import json
import runpy
from datetime import date
from pathlib import Path

import pytest
from retention_store import Archive, change, make_archive

from recordkit.archive_settings import ArchiveSection
from recordkit.errors import RefusedByRule
from recordkit.retention.audit import audit_ledger
from recordkit.retention.duties import (
    DEFAULTS,
    RECORDED,
    accept_settings,
    loosened,
    plain_duties,
    recorded_duties,
    unaccepted,
)
from recordkit.retention.listing import listed_items
from recordkit.retention.order_state import find_order
from recordkit.retention.orders import plan_order
from recordkit.retention.register import register_of
from recordkit.retention.signing import digest_of
from recordkit.settings import DestructionSection

TOOL = Path(__file__).parents[2] / "tools" / "verify_ledger.py"
LONG = '"长期" = "50y"'
OLD_DAY = date(1988, 6, 1)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "store")


def with_terms(**terms: str) -> dict[str, object]:
    return plain_duties(DestructionSection(), ArchiveSection(old_terms=terms))


def test_a_shortened_term_stops_every_act_until_an_administrator_signs(archive: Archive) -> None:
    kept = archive.file("旧档", on=OLD_DAY, period_term="长期")
    change(archive, LONG, '"长期" = "1m"')
    assert [str(one) for one in unaccepted(archive.workspace)] == ["old_terms.长期 = 1m (in the ledger: 50y)"]
    with pytest.raises(RefusedByRule, match="长期") as refused:
        archive.propose(kept)
    assert "config accept" in str(refused.value)
    assert len(accept_settings(archive.workspace, archive.signer("admin")).loosened) == 1
    archive.propose(kept)
    assert unaccepted(archive.workspace) == [] and audit_ledger(archive.workspace).findings == []


def test_a_term_explained_for_the_first_time_waits_for_the_signature_too(archive: Archive) -> None:
    odd = archive.file("旧档", on=OLD_DAY, period_term="定 期")
    change(archive, LONG, f'{LONG}, "定期" = "1m"')
    assert "old_terms.定期 = 1m" in str(unaccepted(archive.workspace)[0])
    with pytest.raises(RefusedByRule, match="定期"):
        archive.propose(odd)


def test_a_term_shortened_after_the_signatures_stops_the_execution(archive: Archive) -> None:
    order = archive.signed(archive.file("旧档", on=OLD_DAY, period_term="短期"))
    change(archive, '"短期" = "15y"', '"短期" = "1m"')
    with pytest.raises(RefusedByRule, match="短期"):
        archive.execute(order)


def test_a_lengthened_term_is_recorded_by_the_next_act_and_cannot_be_put_back_without_a_signature(
    archive: Archive,
) -> None:
    change(archive, '"短期" = "15y"', '"短期" = "20y"')
    archive.propose(archive.file())
    known = (recorded_duties(archive.workspace.db) or {})["old_terms"]
    assert known == {"永久": "permanent", "长期": "50y", "短期": "20y"}
    change(archive, '"短期" = "20y"', '"短期" = "15y"')
    with pytest.raises(RefusedByRule, match="短期"):
        archive.propose(archive.file("又一件"))


TERMS = [
    ({"长期": "50y"}, {"长期": "1m"}, ["长期"]), ({"长期": "50y"}, {"长期": "600m"}, []),
    ({"长期": "50y"}, {"长期": "permanent"}, []), ({"长期": "permanent"}, {"长期": "90y"}, ["长期"]),
    # Nobody explains it any more: its records wait.
    ({"长期": "50y"}, {}, []), ({}, {"长期": "90y"}, ["长期"]), ({}, {"长期": "permanent"}, []),
    # However it is written, it is one term; of two that are one the first counts.
    ({"长期": "50y"}, {" 长 期 ": "40y"}, ["长期"]), ({"长期": "50y"}, {"长 期": "60y", "长期": "1m"}, []),
    # Terms with a number speak for themselves, until a setting says otherwise.
    ({}, {"20年": "10y"}, ["20年"]), ({}, {"20年": "20y"}, []), ({"20年": "30y"}, {}, ["20年"]),
    ({"长期": "1m"}, {"长期": "ever"}, ["长期"]), ({"长期": "ever"}, {"长期": "1m"}, []),
    (dict.fromkeys("丙乙戊甲丁", "50y"), dict.fromkeys("丙乙戊甲丁", "1m"), sorted("丙乙戊甲丁")),
    ({}, {"d30": "1y"}, ["D30"]), ({}, {"（定期）5年": "1m"}, ["(定期)5年"]),
]


@pytest.mark.parametrize(("before", "after", "found"), TERMS)
def test_both_verifiers_find_the_same_terms_loosened(
    before: dict[str, str], after: dict[str, str], found: list[str]
) -> None:
    old, new = (json.loads(json.dumps(with_terms(**one), sort_keys=True)) for one in (before, after))
    named = [f"old_terms.{term}" for term in found]
    assert loosened(old, new) == named
    assert runpy.run_path(str(TOOL))["looser"](old, new) == named


@pytest.mark.parametrize("strange", [{"长期": "ever"}, {"长期": 5}, ["长期"], None, {"长期": ""}])
def test_a_meaning_of_a_strange_form_keeps_nothing(strange: object) -> None:
    named = ["old_terms.短期", "old_terms.长期"] if not isinstance(strange, dict) else ["old_terms.长期"]
    new = {**DEFAULTS, "old_terms": strange}
    assert loosened(DEFAULTS, new) == named == runpy.run_path(str(TOOL))["looser"](DEFAULTS, new)


def test_settings_of_early_versions_without_terms_stand_for_the_defaults() -> None:
    early = {key: value for key, value in DEFAULTS.items() if key != "old_terms"}
    looser = runpy.run_path(str(TOOL))["looser"]
    for old, new, found in ((early, DEFAULTS, []), (DEFAULTS, early, []),
                            (early, with_terms(长期="1m"), ["old_terms.长期"])):
        assert loosened(old, new) == looser(old, new) == found


def test_manifest_register_and_list_say_what_the_old_term_was_and_what_it_was_taken_to_mean(archive: Archive) -> None:
    short = archive.file("旧档", on=OLD_DAY, period_term=" 短 期 ")
    numbered, own = archive.file("旧档二", on=OLD_DAY, period_term="D5"), archive.file("本库")
    order = archive.signed(short, numbered, own)
    told = {item["record"]: (item.get("term"), item.get("meaning")) for item in order.manifest["items"]}
    assert told == {short: ("短期", "15y"), numbered: ("D5", "5y"), own: (None, None)}
    wanted = {"旧档": "原保管期限短期，按15年", "旧档二": "原保管期限D5，按5年", "本库": ""}
    assert {row["题名"]: row["备注"] for row in register_of(archive.workspace, order).rows} == wanted
    archive.execute(order)
    order = find_order(archive.workspace.db, order.order_id)
    assert [(one["term"], one["meaning"], one["outcome"]) for one in listed_items(archive.workspace, order)] == [
        ("短期", "15y", "destroyed"), ("D5", "5y", "destroyed"), (None, None, "destroyed")]
    rows = {row["题名"]: row["备注"] for row in register_of(archive.workspace, order).rows}
    assert rows["旧档"] == "原保管期限短期，按15年；已销毁"
    archive.workspace.rebuild()
    assert find_order(archive.workspace.db, order.order_id).items[0].meaning in ("15y", "5y")
    assert audit_ledger(archive.workspace).findings == []


def test_an_order_whose_manifest_knows_no_terms_still_holds(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = archive.file("旧档", on=OLD_DAY, period_term="短期")
    monkeypatch.setattr("recordkit.retention.orders.told_term", lambda *_: {})
    order = archive.signed(record)
    monkeypatch.undo()
    assert "term" not in order.manifest["items"][0] and order.digest == digest_of(order.manifest)
    archive.execute(order)
    assert listed_items(archive.workspace, find_order(archive.workspace.db, order.order_id))[0]["term"] is None
    assert audit_ledger(archive.workspace).findings == []


def test_words_of_an_old_catalogue_that_nobody_explained_do_not_come_into_the_ledger(archive: Archive) -> None:
    odd = archive.file("旧档", on=OLD_DAY, period_term="张三家的")
    assert [one.record_id for one in plan_order(archive.workspace, [odd]).refusals] == [odd]
    archive.propose(archive.file())
    acts = [entry for entry, _ in archive.workspace.ledger.read()]
    assert "张三" not in str([entry.body for entry in acts])
    assert next(one for one in acts if one.act == RECORDED).body["settings"] == DEFAULTS
