from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordkit.errors import IntegrityFailure
from recordkit.ledger import GENESIS, Act, Cursor, Ledger

TIME = "2026-11-20T12:00:00Z"


def filled(folder: Path, *batches: int, max_bytes: int = 1 << 20) -> tuple[Ledger, Cursor]:
    ledger, cursor = Ledger(folder, max_bytes), Cursor()
    for number, size in enumerate(batches):
        acts = [Act("test.done", {"batch": number, "item": item, "名": "甲"}) for item in range(size)]
        cursor = ledger.append(acts, time=TIME, actor="os:test", after=cursor)[-1][1]
    return ledger, cursor


def test_entries_come_back_as_written_and_chained(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 2, 1)
    entries = [entry for entry, _ in ledger.read()]
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert entries[0].prev == GENESIS
    assert entries[1].prev == entries[0].hash
    assert [entry.left for entry in entries] == [1, 0, 0]
    assert ledger.verify().ok
    assert ledger.verify().head == entries[-1].hash == cursor.hash


def test_reading_behind_a_cursor_gives_only_later_entries(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 3)
    later = ledger.append([Act("test.later", {})], time=TIME, actor="a", after=cursor)
    assert [entry.act for entry, _ in ledger.read(cursor)] == ["test.later"]
    assert list(ledger.read(later[-1][1])) == []


def test_a_line_has_the_promised_keys_in_canonical_form(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    line = (tmp_path / "ledger-000001.jsonl").read_bytes()
    assert set(json.loads(line)) == {"seq", "time", "actor", "act", "body", "left", "prev", "hash"}
    assert line.startswith(b'{"act":"test.done","actor":"os:test","body":{')
    assert "甲".encode() in line


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_byte_is_named(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / str(data.draw(st.uuids()))
    ledger, _ = filled(folder, 2, 1)
    path = folder / "ledger-000001.jsonl"
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    found = ledger.verify()
    ends = [index for index, byte in enumerate(path.read_bytes()) if byte == 10]
    assert not found.ok, (place, ends)
    line = bytes(raw[:place]).count(b"\n") + 1
    assert found.first_bad is not None
    assert found.first_bad in (line, line + 1)


@pytest.mark.parametrize("cut", [1, 5, 40, 200])
def test_a_batch_cut_short_is_discarded_and_the_next_one_takes_its_place(tmp_path: Path, cut: int) -> None:
    ledger, first = filled(tmp_path, 1)
    ledger.append([Act("test.lost", {"n": n}) for n in range(2)], time=TIME, actor="a", after=first)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    assert [entry.seq for entry, _ in ledger.read()] == [1]
    assert ledger.verify().ok
    assert ledger.torn_bytes(first) > 0
    ledger.append([Act("test.next", {})], time=TIME, actor="a", after=first)
    assert [entry.act for entry, _ in ledger.read()] == ["test.done", "test.next"]
    assert ledger.verify().torn_bytes == 0


def test_complete_entries_of_an_unfinished_batch_do_not_count(tmp_path: Path) -> None:
    ledger, first = filled(tmp_path, 1)
    ledger.append([Act("test.lost", {"n": n}) for n in range(3)], time=TIME, actor="a", after=first)
    path = tmp_path / "ledger-000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    assert [entry.seq for entry, _ in ledger.read()] == [1]


def test_a_new_file_begins_at_the_size_limit_and_the_chain_goes_on(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 2, 2, 2, max_bytes=500)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ledger-000001.jsonl", "ledger-000002.jsonl", "ledger-000003.jsonl"]
    assert ledger.verify().entries == 6


def test_a_missing_file_in_the_middle_is_named(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 2, 2, 2, max_bytes=500)
    (tmp_path / "ledger-000002.jsonl").unlink()
    found = ledger.verify()
    assert not found.ok
    assert "ledger-000002.jsonl" in str(found.reason)


def test_a_dropped_entry_and_a_swapped_pair_are_named(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 1, 1, 1)
    path = tmp_path / "ledger-000001.jsonl"
    one, two, three = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(one + three)
    assert ledger.verify().first_bad == 2
    path.write_bytes(one + three + two)
    assert ledger.verify().first_bad == 2


def test_reading_from_a_place_beyond_the_end_is_a_failure_of_integrity(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 1, 1)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(IntegrityFailure, match="cut short"):
        list(ledger.read(cursor))
