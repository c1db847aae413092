"""The review by groups says of every record what the review of one record says."""

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from retention_store import TODAY, Archive, review_one_by_one

from recordkit.retention.grouped import group_review, review_items
from recordkit.retention.holds import place_hold

CLASSES = (
    "visit-record", "supply-contract", "meter-change-notice", "rectification-order", "appraisal-report", "unknown",
)
EVENTS = ("contract-ended", "account-closed", "meter-replaced", "case-closed")


def fill(archive: Archive, rng: random.Random, records: int) -> None:
    """Rows as the projections write them; filing so many papers for each seed would take minutes."""
    db = archive.workspace.db

    def day() -> str:
        return (date(1995, 1, 1) + timedelta(days=rng.randrange(16_000))).isoformat()

    ids = [f"R{number:04d}" for number in range(records)]
    accounts = [f"{number:05d}" for number in range(records // 4)]
    volumes = [f"V{number}" for number in range(records // 6)]
    with db.transaction():
        for serial, volume in enumerate(volumes, start=1):
            db.insert("volumes", {"volume_id": volume, "code": f"AJ-{volume}", "scope": "AJ", "serial": serial,
                                  "kind": "project", "title": "卷", "remarks": "{}", "opened": "2020-01-01",
                                  "last": 0, "ended": 0})
        for ordinal, record_id in enumerate(ids, start=1):
            account = rng.choice([*accounts, None])
            formed = rng.choice([day(), "2024-02-29", "2026-12-31", "2027-01-01"])
            db.insert("records", {
                "record_id": record_id, "code": f"C-{record_id}", "record_class": rng.choice(CLASSES), "year": 2020,
                "period": "D10", "title": "回访", "date": formed, "account": account, "access": "open", "pages": 1,
                "sha256": "", "version": 1, "commitment": "", "metadata": "{}", "touched": 1,
                "ordinal": ordinal, "scope": "", "serial": ordinal,
                "volume": rng.choice([None, rng.choice(volumes)]),
                "old_term": rng.choice(["永久", "长期", "短期", "20年", "定期"]) if rng.random() < 0.2 else None,
                "status": "destroyed" if rng.random() < 0.05 else "active",
            })
            if account is not None:
                db.insert("record_accounts", {"account": account, "record_id": record_id, "is_current": 1})
            if rng.random() < 0.1:
                former = {"account": rng.choice(accounts), "record_id": record_id, "is_current": 0}
                if former["account"] != account:
                    db.insert("record_accounts", former)
        for number in range(records // 6):
            scope = rng.choice(["record", "account"])
            db.insert("retention_events", {
                "event_id": f"E{number}", "type": rng.choice(EVENTS), "date": day(), "scope": scope, "seq": number,
                "account": rng.choice([*accounts, None]) if scope == "account" else None,
                "replaced": rng.choice([None, None, None, "E0"]),
            })
            for record_id in rng.sample(ids, 2) if scope == "record" else ():
                db.insert("retention_event_records", {"event_id": f"E{number}", "record_id": record_id})
        for number in range(records // 12):
            scope = rng.choice(["records", "account"])
            db.insert("holds", {
                "hold_id": f"H{number}", "kind": "debt", "scope": scope, "placed": day(), "seq": 900 + number,
                "account": rng.choice(accounts) if scope == "account" else None,
                "until": rng.choice([None, day()]), "released": rng.choice([None, None, day()]),
            })
            for record_id in rng.sample(ids, 3) if scope == "records" else ():
                db.insert("hold_records", {"hold_id": f"H{number}", "record_id": record_id})
        db.insert("orders", {"order_id": "D1", "year": 2030, "serial": 1, "digest": "", "manifest": "{}", "seq": 1,
                             "proposer": "arch", "proposed": "", "withdrawn": rng.choice([None, None, "2030-01-01"])})
        for record_id in rng.sample(ids, records // 10):
            db.insert("order_items", {"order_id": "D1", "record_id": record_id, "decided": 1,
                                      "intended": 0,
                                      "opinion": rng.choice(["extend", "keep", "destroy"]),
                                      "until": rng.choice([None, day()])})


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("within", [None, 0, 400])
def test_groups_and_items_equal_the_review_of_each_record(archive: Archive, seed: int, within: int | None) -> None:
    rng = random.Random(seed)
    fill(archive, rng, 240)
    if seed % 4 == 0:
        # An account that nobody can read any more: the hold covers everything.
        place_hold(archive.workspace, kind="debt", reason="欠款", account="99999")
        archive.workspace.db.run("UPDATE holds SET account = NULL WHERE account = '99999'")
    today = rng.choice([TODAY, date(2034, 12, 31), date(2035, 1, 1)])
    one_by_one = review_one_by_one(archive.workspace, today, within)
    expected = Counter((record.record_class, decision.decision, decision.due) for record, decision in one_by_one)
    groups: Counter[tuple[str, str, date | None]] = Counter()
    for one in group_review(archive.workspace, today, within_days=within):
        groups[one.record_class, one.decision, one.due] += one.count
    assert groups == expected
    assert list(review_items(archive.workspace, today, within_days=within)) == one_by_one
    due = [found for found in one_by_one if found[1].decision in ("due", "held")]
    assert list(review_items(archive.workspace, today, decisions={"due", "held"}, within_days=within)) == due
    if within is None:
        assert {decision for _, decision, _ in expected} >= ({"held"} if seed % 4 == 0 else {"due", "held", "waiting"})


def test_a_class_that_counts_from_a_field_is_grouped_by_what_stands_there(archive: Archive) -> None:
    schedule = archive.root / "retention.toml"
    text = schedule.read_text("utf-8")
    rule = 'name = "回访记录"\nperiod = "10y"'
    assert rule in text
    schedule.write_text(text.replace(rule, f'{rule}\nfield = "ended"'), "utf-8")
    for at, ended in enumerate(("2020-05-06", "2020-07-08", "2031-01-01", "")):
        record = archive.file(f"回访{at}")
        archive.workspace.db.run("UPDATE records SET metadata = :m WHERE record_id = :id",
                                 {"m": f'{{"fields": {{"ended": "{ended}"}}}}', "id": record})
    archive.file("合同", record_class="supply-contract")
    one_by_one = review_one_by_one(archive.workspace, TODAY, None)
    assert list(review_items(archive.workspace, TODAY)) == one_by_one
    counted = Counter((record.record_class, decision.decision, decision.due) for record, decision in one_by_one)
    assert {(one.record_class, one.decision, one.due): one.count
            for one in group_review(archive.workspace, TODAY)} == counted
    assert sorted(counted.values()) == [1, 1, 1, 2]


def test_an_empty_archive_has_no_groups(archive: Archive) -> None:
    assert group_review(archive.workspace, TODAY) == []
    assert list(review_items(archive.workspace, TODAY)) == []


def test_a_record_that_is_destroyed_while_its_list_is_read_is_left_out(archive: Archive) -> None:
    first, second, third = (archive.file(f"件{at}") for at in range(3))
    rows = review_items(archive.workspace, TODAY)
    assert next(rows)[0].record_id == first
    with archive.workspace.writing() as writer:
        writer.add("record.destroyed", {"record": second, "order": "D2036-0001"})
        writer.commit()
    assert [record.record_id for record, _ in rows] == [third]
