"""A whole store reviewed by groups, one by one, and by the oracle that walks through the days: all three agree.

The oracle gets the plain facts that the store was filled with and shares no code with the program.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from retention_oracle import Alone, alone, among, months_in, own_rule
from retention_store import Archive, make_archive, review_one_by_one

from recordkit import files
from recordkit.retention.grouped import group_review, review_items
from recordkit.retention.order_state import Opinion
from recordkit.retention.review import period_start
from recordkit.retention.story import story_of

EDGES = [date(2024, 2, 29), date(2000, 2, 29), date(2023, 2, 28), date(2024, 12, 31), date(2025, 1, 1),
         date(2024, 1, 31), date(2023, 8, 31)]
# Few days, so that records, fields and events often meet on one: groups form there, and so do ties.
DAYS = st.sampled_from(EDGES[:2]) | st.sampled_from(EDGES) | st.dates(date(1995, 1, 1), date(2045, 12, 31))
TYPES = ["contract-ended", "account-closed", "completed"]
ACCOUNTS = ["001", "002", "003"]
IDS = ["a", "b", "c"]
VOLUMES = [None, None, "V1", "V2", "V3", "V4"]
TERMS = [None, None, None, None, "长期", "短期", "永久", "Y", "5年", "D30", "定期"]


@dataclass(frozen=True)
class Filed:
    """A record: class, date, what its date field holds, its account now and those before, its volume and old term."""

    record_class: str
    formed: date
    own: str | None
    account: str | None
    former: frozenset[str]
    volume: str | None
    term: str | None


@dataclass(frozen=True)
class Happened:
    """An event: of records (by their place) or of an account; ``replaced`` by another entry, or withdrawn."""

    type: str
    day: date
    records: frozenset[int]
    account: str | None
    replaced: bool


@dataclass(frozen=True)
class Held:
    """A hold: of records or of an account, with the day to look at it again; ``released`` whether somebody ended it."""

    records: frozenset[int]
    account: str | None
    until: date | None
    released: bool


@dataclass(frozen=True)
class World:
    """Everything that decides."""

    rules: dict[str, dict[str, object]]
    filed: list[Filed]
    happened: list[Happened]
    held: list[Held]
    decided: list[tuple[int, str, date | None, bool]]
    today: date


@st.composite
def worlds(draw: st.DrawFn) -> World:
    rules: dict[str, dict[str, object]] = {}
    for place, name in enumerate(IDS):
        rule: dict[str, object] = {}
        if place and draw(st.booleans()):
            rule["inherits"] = draw(st.sampled_from(IDS[:place]))
        for key, values in (
            ("period", st.sampled_from(["permanent", "1y", "4y", "10y", "1m", "18m"])),
            ("trigger", st.sampled_from(["date", "event"])),
            ("start", st.sampled_from(["next-january", "trigger"])),
            ("field", st.sampled_from(["", "ended"])),
        ):
            if not (rule and draw(st.booleans())):
                rule[key] = draw(values)
        # Every class names events: one that inherits a trigger must not end without any.
        rule["events"] = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True))
        rules[name] = rule
    own = st.none() | st.sampled_from(["", "unbekannt", "2030-02-30"]) | DAYS.map(str) | DAYS.map("{}T08:30".format)
    filed = draw(st.lists(st.builds(
        Filed, st.sampled_from([*IDS, "lost"]), DAYS, own, st.none() | st.sampled_from(ACCOUNTS),
        st.frozensets(st.sampled_from(ACCOUNTS), max_size=1), st.sampled_from(VOLUMES), st.sampled_from(TERMS)),
        min_size=1, max_size=14))
    places = st.frozensets(st.integers(0, len(filed) - 1), min_size=1, max_size=3)
    on = st.one_of(st.tuples(places, st.none()), st.tuples(st.just(frozenset()), st.sampled_from(ACCOUNTS)))
    happened = [Happened(kind, day, *where, replaced) for kind, day, where, replaced in draw(
        st.lists(st.tuples(st.sampled_from([*TYPES, "case-closed"]), DAYS, on, st.booleans()), max_size=8))]
    held = [Held(*where, until, released) for where, until, released in draw(
        st.lists(st.tuples(on, st.none() | DAYS, st.booleans()), max_size=3))]
    decided = draw(st.lists(st.tuples(st.integers(0, len(filed) - 1), st.sampled_from(["extend", "keep", "destroy"]),
                                      DAYS, st.booleans()), max_size=3))
    return World(rules, filed, happened, held,
                 [(place, kind, day if kind == "extend" else None, gone) for place, kind, day, gone in decided],
                 draw(DAYS))


def schedule_of(world: World) -> bytes:
    lines = []
    for name, rule in world.rules.items():
        lines += ["[[classes]]", f'id = "{name}"', f'name = "类{name}"']
        lines += [f"{key} = {json.dumps(value)}" for key, value in rule.items()]
    return "\n".join(lines).encode()


def fill(archive: Archive, world: World) -> None:
    """The rows that the projections would have written."""
    files.write_atomic(archive.root / "retention.toml", schedule_of(world), overwrite=True)
    db = archive.workspace.db
    with db.transaction():
        for table in ("records", "record_accounts", "retention_events", "retention_event_records", "holds",
                      "hold_records", "orders", "order_items", "volumes"):
            db.run(f"DELETE FROM {table}")
        for serial, volume in enumerate(sorted({one.volume for one in world.filed} - {None}), 1):
            db.insert("volumes", {"volume_id": volume, "code": f"AJ{serial}", "scope": "AJ", "serial": serial,
                                  "kind": "project", "title": "卷", "remarks": "{}", "opened": "2020-01-01",
                                  "last": 99, "ended": 0})
        for place, one in enumerate(world.filed):
            db.insert("records", {
                "volume": one.volume, "old_term": one.term,
                "record_id": f"R{place}", "code": f"C{place}", "record_class": one.record_class, "year": 2020,
                "period": "D10", "title": "件", "date": one.formed.isoformat(), "account": one.account,
                "access": "open", "pages": 1, "sha256": "", "version": 1, "commitment": "", "touched": 1,
                "scope": "", "serial": place, "metadata": json.dumps({"fields": {"ended": one.own}}),
                "ordinal": place + 1, "status": "active"})
            for account in {one.account, *one.former} - {None}:
                db.insert("record_accounts", {"account": account, "record_id": f"R{place}",
                                              "is_current": int(account == one.account)})
        for seq, event in enumerate(world.happened, 1):
            db.insert("retention_events", {
                "event_id": f"E{seq}", "type": event.type, "date": event.day.isoformat(), "seq": seq,
                "scope": "account" if event.account else "record", "account": event.account,
                "replaced": "E0" if event.replaced else None})
            for place in event.records:
                db.insert("retention_event_records", {"event_id": f"E{seq}", "record_id": f"R{place}"})
        for seq, hold in enumerate(world.held, 1):
            db.insert("holds", {
                "hold_id": f"H{seq}", "kind": "debt", "scope": "account" if hold.account else "record",
                "account": hold.account, "until": hold.until.isoformat() if hold.until else None,
                "placed": "2020-01-01",
                "released": "2021-01-01" if hold.released else None, "seq": seq})
            for place in hold.records:
                db.insert("hold_records", {"hold_id": f"H{seq}", "record_id": f"R{place}"})
        for seq, (place, kind, until, withdrawn) in enumerate(world.decided, 1):
            item = {"record": f"R{place}", "version": "1", "commitment": "", "class": "a", "issue": None,
                    "due": "2020-01-01", "rule": "r"}
            db.insert("orders", {"order_id": f"D{seq}", "year": 2030, "serial": seq, "digest": "", "proposer": "x",
                                 "manifest": json.dumps({"items": [item]}), "proposed": "2020-01-01", "seq": seq,
                                 "withdrawn": "2020-01-02" if withdrawn else None, "executed": "2020-01-02"})
            db.insert("order_items", {"order_id": f"D{seq}", "record_id": f"R{place}", "intended": 0,
                                      "opinion": kind, "decided": seq,
                                      "until": until.isoformat() if until else None})


def wanted(world: World, place: int) -> tuple[str, date | None]:
    """What the oracle says of a record."""
    one = world.filed[place]
    volume = [place] if one.volume is None else [
        other for other, each in enumerate(world.filed) if each.volume == one.volume]
    decisions = [(kind, until) for where, kind, until, withdrawn in world.decided
                 if where == place and kind != "destroy" and not withdrawn and one.record_class in world.rules]
    return among([by_itself(world, other) for other in volume], hold_ends=hold_ends(world, place),
                 extension=decisions[-1] if decisions else None, today=world.today)


def by_itself(world: World, place: int) -> Alone:
    """What the oracle says of a record's class and old term."""
    one = world.filed[place]
    if one.record_class not in world.rules:
        return ("kept" if one.term in ("永久", "Y") else "waits"), None, 0
    rule = own_rule(one.record_class, world.rules)
    events = [(event.type, event.day, "account" if event.account else "record", seq)
              for seq, event in enumerate(world.happened, 1)
              if not event.replaced and (place in event.records or event.account is not None
                                         and event.account == one.account)]
    try:
        own = date.fromisoformat((one.own or "").partition("T")[0])
    except ValueError:
        own = None
    return alone(
        formed=one.formed, months=months_in(str(rule["period"])), trigger=str(rule["trigger"]),
        types=tuple(rule["events"]), start=str(rule["start"]), events=events, field=str(rule["field"]), own=own,
        term=one.term or "")


def hold_ends(world: World, place: int) -> list[date | None]:
    one = world.filed[place]
    return [hold.until for hold in world.held if not hold.released and (
        place in hold.records or hold.account is not None and hold.account in {one.account, *one.former})]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    made = make_archive(Path(tmp_path_factory.mktemp("s")) / "档案 库")
    yield made
    made.workspace.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(world=worlds())
def test_groups_items_single_reviews_and_the_oracle_agree(archive: Archive, world: World) -> None:
    fill(archive, world)
    told = {f"R{place}": wanted(world, place) for place in range(len(world.filed))}
    one_by_one = review_one_by_one(archive.workspace, world.today)
    assert {record.record_id: (found.decision, found.due) for record, found in one_by_one} == told
    assert list(review_items(archive.workspace, world.today)) == one_by_one
    groups: Counter[tuple[str, str, date | None]] = Counter()
    for one in group_review(archive.workspace, world.today):
        groups[one.record_class, one.decision, one.due] += one.count
    assert groups == Counter((one.record_class, *told[f"R{place}"]) for place, one in enumerate(world.filed))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(world=worlds())
def test_the_story_of_every_record_names_the_decision_of_the_oracle_and_one_reason_for_it(
    archive: Archive, world: World
) -> None:
    fill(archive, world)
    for record, decision in review_one_by_one(archive.workspace, world.today):
        story = story_of(archive.workspace, record, world.today)
        place = int(record.record_id[1:])
        assert story.decision == decision
        assert (story.decision.decision, story.decision.due) == wanted(world, place)
        counting = [one.date for one in story.events if one.state == "counts"]
        is_kept = world.filed[place].term in ("永久", "Y", "定期")
        if story.rule is None or story.rule.trigger == "date" or story.rule.months is None or is_kept:
            assert counting == []
        elif record.volume is not None:
            assert len(counting) == (by_itself(world, place)[0] == "runs")
            assert all(period_start(story.rule.start, day) <= decision.start for day in counting if decision.start)
        elif not any(one.counts and one.opinion == Opinion("keep") for one in story.orders):
            assert [period_start(story.rule.start, day) for day in counting] == [decision.start] * len(counting)
            assert bool(counting) == (decision.start is not None)
        assert (decision.decision == "held") == any(one.state != "released" for one in story.holds)
        assert str(story.next)
