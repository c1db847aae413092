from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordkit import files
from recordkit.errors import IntegrityFailure
from recordkit.ledger import GENESIS, Act, Cursor, Ledger
from recordkit.model import canonical_json

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
    assert entries[0].prev == GENESIS == "0" * 64
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
    assert (found.ok, found.entries, found.first_bad) == (False, 2, 3), "the first file is read, as far as it goes"
    assert str(found.reason) == "the file ledger-000002.jsonl is missing"
    (tmp_path / "ledger-000001.jsonl").unlink()
    assert (ledger.verify().first_bad, str(ledger.verify().reason)) == (1, "the file ledger-000001.jsonl is missing")


def test_of_several_missing_files_the_first_is_named(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 2, 2, 2, 2, 2, max_bytes=500)
    (tmp_path / "ledger-000002.jsonl").unlink()
    (tmp_path / "ledger-000003.jsonl").unlink()
    assert str(ledger.verify().reason) == "the file ledger-000002.jsonl is missing"


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


def forged(line: bytes, **changes: object) -> bytes:
    """The line with other content and the hash that belongs to it."""
    raw = {**json.loads(line), **changes}
    del raw["hash"]
    digest = hashlib.sha256(canonical_json(raw)).hexdigest()
    return canonical_json({**raw, "hash": digest}) + b"\n"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=8)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.text(), values, max_size=5), actor=st.text(max_size=8))
def test_whatever_is_appended_reads_back_and_is_canonical_json(
    tmp_path: Path, body: dict[str, object], actor: str
) -> None:
    folder = tmp_path / hashlib.sha256(repr((body, actor)).encode("utf-8", "surrogatepass")).hexdigest()
    for old in folder.glob("*"):
        old.unlink()
    ledger = Ledger(folder)
    ledger.append([Act("test.done", body)], time=TIME, actor=actor, after=Cursor())
    line = (folder / "ledger-000001.jsonl").read_bytes()
    assert canonical_json(json.loads(line)) + b"\n" == line
    assert [entry.body for entry, _ in ledger.read()] == [body]
    assert ledger.verify().ok


@pytest.mark.parametrize("value", [0.5, 1e16, float("nan"), "\ud800"])
def test_what_two_programs_may_write_differently_never_enters_the_ledger(tmp_path: Path, value: object) -> None:
    ledger, cursor = filled(tmp_path, 1)
    before = (tmp_path / "ledger-000001.jsonl").read_bytes()
    with pytest.raises(ValueError):
        ledger.append([Act("test.done", {"x": value})], time=TIME, actor="a", after=cursor)
    assert (tmp_path / "ledger-000001.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "other",
    [
        lambda line: line.replace(b'"seq":1', b'"seq": 1'),
        lambda line: line.replace("甲".encode(), b"\\u7532"),
        lambda line: b'{"actor":"os:test",' + line[1:].replace(b'"actor":"os:test",', b""),
        lambda line: line.replace(b'"body":{', b'"body":{"batch":0,'),
        lambda line: line.replace(b'"left":0', b'"left":0.0'),
        lambda line: line.replace(b'"seq":1', b'"seq":true'),
        lambda line: line[:-1] + b"\r\n",
        lambda line: forged(line, more="x"),
        lambda line: forged(line, left="0"),
        lambda line: forged(line, body=[1]),
    ],
)
def test_a_line_in_any_other_form_is_refused_though_it_says_the_same(
    tmp_path: Path, other: Callable[[bytes], bytes]
) -> None:
    ledger, _ = filled(tmp_path, 1)
    path = tmp_path / "ledger-000001.jsonl"
    line = path.read_bytes()
    path.write_bytes(other(line))
    assert path.read_bytes() != line
    assert ledger.verify().first_bad == 1


def test_a_body_that_names_a_hash_does_not_mislead(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    body = {"hash": "0" * 64, "x": {"hash": "1" * 64}, "text": '"hash":"' + "2" * 64}
    ledger.append([Act('a"hash":"', body)], time=TIME, actor='"hash":"', after=Cursor())
    assert ledger.verify().ok


@pytest.mark.parametrize("kept", range(1, 5))
def test_a_batch_of_five_of_which_some_entries_reached_the_disk_never_was(tmp_path: Path, kept: int) -> None:
    ledger, cursor = filled(tmp_path, 2)
    path = tmp_path / "ledger-000001.jsonl"
    before = path.read_bytes()
    ledger.append([Act("test.lost", {"n": n}) for n in range(5)], time=TIME, actor="a", after=cursor)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[: 2 + kept]))
    found = ledger.verify()
    assert (found.ok, found.entries, found.head) == (True, 2, cursor.hash)
    assert found.torn_bytes == ledger.torn_bytes(cursor) == len(path.read_bytes()) - len(before)
    ledger.append([Act("test.next", {})], time=TIME, actor="a", after=cursor)
    assert path.read_bytes().startswith(before)
    assert [entry.act for entry, _ in ledger.read()][2:] == ["test.next"]


def test_a_batch_stands_whole_in_one_file_even_when_it_passes_the_size_limit(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 1, 20, 1, max_bytes=500)
    lines = [path.read_bytes().splitlines() for path in sorted(tmp_path.iterdir())]
    assert [len(one) for one in lines] == [21, 1]
    assert ledger.verify().ok


def test_a_batch_that_stops_in_the_middle_of_the_files_is_damage(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 3, 3, max_bytes=300)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    found = ledger.verify()
    assert (found.ok, found.first_bad) == (False, 3)
    with pytest.raises(IntegrityFailure):
        list(ledger.read())


def test_a_batch_spread_over_two_files_is_damage_though_its_chain_is_whole(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 1, 3)
    path = tmp_path / "ledger-000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    (tmp_path / "ledger-000002.jsonl").write_bytes(lines[3])
    found = ledger.verify()
    assert (found.ok, found.first_bad, found.entries) == (False, 4, 1)


@pytest.mark.parametrize("left", [0, 1, 30, 400])
def test_a_first_batch_torn_in_a_fresh_file_is_discarded_and_the_file_taken_up_again(
    tmp_path: Path, left: int
) -> None:
    ledger, cursor = filled(tmp_path, 3, max_bytes=300)
    ledger.append([Act("test.lost", {"n": n}) for n in range(3)], time=TIME, actor="a", after=cursor)
    second = tmp_path / "ledger-000002.jsonl"
    second.write_bytes(second.read_bytes()[:left])
    assert (ledger.verify().ok, ledger.verify().torn_bytes) == (True, left)
    ledger.append([Act("test.next", {"n": n}) for n in range(2)], time=TIME, actor="a", after=cursor)
    assert [entry.act for entry, _ in ledger.read()] == ["test.done"] * 3 + ["test.next"] * 2
    assert second.read_bytes().count(b"\n") == 2


def test_a_batch_is_one_write_and_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, cursor = filled(tmp_path, 1)
    synced: list[object] = []
    real = files._sync
    monkeypatch.setattr(files, "_sync", lambda handle: (synced.append(handle), real(handle)))
    ledger.append([Act("test.done", {"n": n}) for n in range(500)], time=TIME, actor="a", after=cursor)
    assert len(synced) == 1


def test_a_verification_tells_the_hashes_asked_for_every_entry_and_how_far_it_is(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, *[1] * 3, max_bytes=1 << 21)
    long = Act("test.long", {"text": "x" * 600_000})
    cursor = list(ledger.read())[-1][1]
    for _ in range(6):
        cursor = ledger.append([long], time=TIME, actor="a", after=cursor)[-1][1]
    seqs: list[int] = []
    told: list[int] = []
    found = ledger.verify(places=(2, 99), take=lambda entry: seqs.append(entry.seq), progress=told.append)
    assert seqs == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert found.hashes == {2: [entry.hash for entry, _ in ledger.read()][1]}
    assert told == sorted(told)
    assert len(told) == 3
    assert told[-1] == ledger.size() == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_the_lines_are_given_as_they_stand(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 2, 2, 2, max_bytes=500)
    files_of_ledger = sorted(tmp_path.iterdir())
    assert len(files_of_ledger) > 1
    assert b"".join(line for _, line in ledger.lines()) == b"".join(path.read_bytes() for path in files_of_ledger)
    assert [seq for seq, _ in ledger.lines()] == [1, 2, 3, 4, 5, 6]


def test_the_lines_of_a_damaged_ledger_end_in_a_failure_of_integrity(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 1, 1)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"batch":1', b'"batch":7'))
    with pytest.raises(IntegrityFailure, match="entry 2: its content does not match its hash"):
        list(ledger.lines())


def test_entries_that_name_a_text_are_found_once_each_in_their_order_over_all_files(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 2, 2, max_bytes=500)
    last = ledger.append([Act("test.done", {"batch": 9, "twice": "甲甲"}), Act("甲", {"other": 1})],
                         time=TIME, actor="a", after=cursor)[-1][1]
    assert last.file == 3
    assert [entry.seq for entry in ledger.naming("甲", last)] == [1, 2, 3, 4, 5, 6]
    assert [entry.seq for entry in ledger.naming("twice", last)] == [5]
    assert [entry.seq for entry in ledger.naming("甲", cursor)] == [1, 2, 3, 4]
    assert [entry.body for entry in ledger.naming('other', last)] == [{"other": 1}]
    assert list(ledger.naming("nowhere", last)) == []
    assert [entry.seq for entry in ledger.naming("{", last)] == [1, 2, 3, 4, 5, 6]


def test_entries_behind_the_place_are_not_looked_at_though_they_stand_in_the_same_file(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 1)
    behind = ledger.append([Act("test.later", {})], time=TIME, actor="a", after=cursor)[-1][1]
    assert behind.file == cursor.file
    assert list(ledger.naming("test.later", cursor)) == []


def test_a_text_looked_for_in_a_file_that_is_gone_or_a_line_that_was_changed_fails(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 1, 1)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"batch":1', b'"batch":7'))
    with pytest.raises(IntegrityFailure, match="entry 2: its content does not match its hash"):
        list(ledger.naming("甲", cursor))
    path.unlink()
    with pytest.raises(IntegrityFailure, match=r"entry 1: the file ledger-000001\.jsonl is missing"):
        list(ledger.naming("甲", cursor))


def test_a_damaged_entry_that_names_a_text_is_told_whole_though_the_file_ends_in_it(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 1)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityFailure, match="not in the form"):
        list(ledger.naming("甲", cursor))


def test_nothing_is_appended_behind_an_end_that_is_not_the_one_that_was_read(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 1, 1)
    path = tmp_path / "ledger-000001.jsonl"
    whole = path.read_bytes()
    ledger.check_end(cursor)
    ledger.check_end(Cursor())
    path.write_bytes(whole + b"torn")
    ledger.check_end(cursor)
    with pytest.raises(IntegrityFailure, match="rewritten"):
        ledger.check_end(Cursor(cursor.seq, "0" * 64, cursor.file, cursor.offset))
    with pytest.raises(IntegrityFailure, match="entry 3: entry 2 stands in its place"):
        ledger.check_end(Cursor(3, cursor.hash, cursor.file, cursor.offset))
    for changed, why in ((whole[:-1] + b" ", "does not end"), (whole[:-9], "does not end"),
                         (whole.replace(b'"batch":1', b'"batch":7'), "does not match")):
        path.write_bytes(changed)
        with pytest.raises(IntegrityFailure, match=f"entry 2: .*{why}"):
            ledger.check_end(cursor)
    path.unlink()
    with pytest.raises(IntegrityFailure, match="entry 2: the line does not end"):
        ledger.check_end(cursor)


@pytest.mark.parametrize("length", [1, (1 << 16) - 200, 1 << 16, 600_000, 5_000_000])
@pytest.mark.parametrize("before", [0, 1])
def test_a_last_entry_of_any_length_is_read_back_whole(tmp_path: Path, length: int, before: int) -> None:
    ledger, cursor = filled(tmp_path, *[1] * before)
    last = ledger.append([Act("test.long", {"text": "x" * length})], time=TIME, actor="a", after=cursor)[-1][1]
    ledger.check_end(last)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes() + b'{"act":"torn')
    ledger.check_end(last)


def test_a_ledger_that_was_read_before_and_is_gone_or_shorter_is_named(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 1, 1)
    path = tmp_path / "ledger-000001.jsonl"
    first = path.read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityFailure, match="entry 2: entries that were already used are gone"):
        list(ledger.read(cursor))
    path.write_bytes(first)
    found = ledger.verify(cursor)
    assert (found.ok, found.first_bad, found.entries) == (False, 2, 1)
    assert str(found.reason) == "2 entries were read before, 1 are left: it was cut short"
    with pytest.raises(IntegrityFailure, match="entry 2: entries that were already used are gone"):
        list(ledger.read(cursor))
    path.unlink()
    with pytest.raises(IntegrityFailure, match=r"entry 2: the file ledger-000001\.jsonl is missing"):
        list(ledger.read(cursor))
    assert list(ledger.read()) == []


def test_a_chain_that_was_written_anew_is_named_at_the_place_that_was_read(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 1, 1)
    found = ledger.verify(Cursor(1, "0" * 64))
    assert (found.ok, found.first_bad) == (False, 1)
    assert "rewritten" in str(found.reason)
    assert ledger.verify(cursor).ok


@pytest.mark.parametrize(
    ("tail", "torn"),
    [
        (b"\0" * 700, True),
        (b"", True),
        (b'{"act', True),
        (b'{"act":"test.lost","actor":"\xe7\x94', True),
        (b'{"act":"a","x":1}', True),
        (b'{"act":"a","x":1}x', False),
        (b"X", False),
        (b'{"ack":"a"', False),
        (b'[', False),
    ],
)
def test_only_what_a_write_that_was_cut_short_leaves_behind_passes_for_one(
    tmp_path: Path, tail: bytes, torn: bool
) -> None:
    ledger, cursor = filled(tmp_path, 1)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes() + tail)
    found = ledger.verify()
    assert (found.ok, found.torn_bytes) == ((True, len(tail)) if torn else (False, 0))
    assert found.first_bad == (None if torn else 2)
    assert found.head == cursor.hash


def test_a_torn_line_before_another_file_is_damage(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 3, 3, max_bytes=300)
    path = tmp_path / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes() + b'{"act')
    found = ledger.verify()
    assert (found.ok, found.first_bad) == (False, 4)
    assert "does not end as written" in str(found.reason)


def test_a_torn_batch_is_cut_off_with_the_files_behind_it(tmp_path: Path) -> None:
    ledger, cursor = filled(tmp_path, 1)
    stray = tmp_path / "ledger-000002.jsonl"
    stray.write_bytes(b'{"act')
    assert ledger.torn_bytes(cursor) == 5
    ledger.append([Act("test.next", {})], time=TIME, actor="a", after=cursor)
    assert not stray.exists()
    assert ledger.verify().entries == 2


def test_files_that_are_no_part_of_the_ledger_are_left_alone(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 1)
    (tmp_path / "ledger-copy.jsonl").write_bytes(b"nothing of ours")
    assert ledger.verify().entries == 1
    assert ledger.size() == (tmp_path / "ledger-000001.jsonl").stat().st_size


@pytest.mark.parametrize("left", [[2, 0, 0], [1, 1, 0], [0, 2, 1]])
def test_a_batch_that_does_not_count_down_is_damage(tmp_path: Path, left: list[int]) -> None:
    ledger, _ = filled(tmp_path, 3)
    path = tmp_path / "ledger-000001.jsonl"
    lines, previous = [], GENESIS
    for line, number in zip(path.read_bytes().splitlines(), left, strict=True):
        lines.append(forged(line, left=number, prev=previous))
        previous = json.loads(lines[-1])["hash"]
    path.write_bytes(b"".join(lines))
    found = ledger.verify()
    if left == [0, 2, 1]:
        assert (found.ok, found.entries, found.torn_bytes) == (True, 1, len(lines[1] + lines[2]))
    else:
        assert (found.ok, found.entries) == (False, 0)
        assert "does not count down" in str(found.reason)


def test_the_limit_of_a_file_is_reached_at_that_very_byte(tmp_path: Path) -> None:
    _, cursor = filled(tmp_path / "a", 1)
    _, same = filled(tmp_path / "b", 1, 1, max_bytes=cursor.offset)
    _, wider = filled(tmp_path / "c", 1, 1, max_bytes=cursor.offset + 1)
    assert (same.file, wider.file) == (2, 1)
    assert same.offset == (tmp_path / "b" / "ledger-000002.jsonl").stat().st_size


def test_a_first_batch_ever_that_was_torn_counts_as_torn(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    (tmp_path / "ledger-000001.jsonl").write_bytes(b'{"act')
    found = ledger.verify()
    assert (found.ok, found.entries, found.torn_bytes, found.head) == (True, 0, 5, GENESIS)


def test_an_entry_in_the_place_of_another_is_named(tmp_path: Path) -> None:
    ledger, _ = filled(tmp_path, 1, 1)
    path = tmp_path / "ledger-000001.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + forged(second[:-1], seq=7))
    found = ledger.verify()
    assert (found.first_bad, str(found.reason)) == (2, "entry 7 stands in its place")
    path.write_bytes(first + forged(second[:-1], prev="0" * 64))
    found = ledger.verify()
    assert (found.first_bad, str(found.reason)) == (2, "it does not follow the entry before it")


def test_for_mending_every_line_that_agrees_with_its_own_hash_is_given_whatever_stands_around_it(
    tmp_path: Path
) -> None:
    ledger, cursor = filled(tmp_path, 1, 1, 1, 1, max_bytes=500)
    first = [place for _, place in ledger.read()][0]
    path = tmp_path / "ledger-000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    second = lines[1].replace(b'"batch":1', b'"batch":7')
    path.write_bytes(b"".join([lines[0], second, *lines[2:]]))
    last = tmp_path / f"ledger-{cursor.file:06}.jsonl"
    last.write_bytes(last.read_bytes() + b'{"act')
    assert [(entry.seq, number) for entry, _, number in ledger.salvage(Cursor()) if entry] == [
        (entry.seq, place.file) for entry, place in filled(tmp_path / "true", 1, 1, 1, 1, max_bytes=500)[0].read()
        if entry.seq != 2]
    assert b"".join(line for _, line, _ in ledger.salvage(Cursor()))[: len(lines[0])] == lines[0]
    assert [entry.seq for entry, _, _ in ledger.salvage(first) if entry] == [3, 4]
    assert (cursor.file, list(ledger.salvage(cursor))) == (2, [])
