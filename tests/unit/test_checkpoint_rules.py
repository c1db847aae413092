"""What a checkpoint is, who may have signed it, and what comes of one held against a ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from conftest import clock_at
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recordkit.checkpoints import (
    Administrators,
    Checkpoint,
    Witnesses,
    _Statement,
    export_ledger,
    is_checkpoint,
    is_signed,
    keep_checkpoint,
    kept_checkpoints,
    make_checkpoint,
    read_checkpoint,
)
from recordkit.errors import InputRefused, IntegrityFailure, NotFound
from recordkit.ledger import Act, Cursor, Ledger, Verification
from recordkit.messages import msg
from recordkit.model import Entry, canonical_json
from recordkit.people import Person
from recordkit.store import make_store, open_store

TIME = "2026-11-20T12:00:00Z"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
STORE = "a" * 16


def entry(seq: int, act: str, **body: object) -> Entry:
    return Entry(act=act, actor="os:test", body=body, hash="", left=0, prev="", seq=seq, time=TIME)


def added(seq: int, person: str, *roles: str, key: str = PUBLIC) -> Entry:
    return entry(seq, "person.added", statement={"id": person, "roles": list(roles), "public_key": key})


def revoked(seq: int, person: str) -> Entry:
    return entry(seq, "person.revoked", statement={"id": person})


def signed(seq: int, head: str, *, store: str = STORE, by: str = "admin", entries: int | None = None,
           act: str = "ledger.checkpoint", key: Ed25519PrivateKey = KEY) -> Checkpoint:
    said = _Statement(act, store, seq, head, seq if entries is None else entries, TIME, by)
    plain = {"act": act, "store": store, "seq": seq, "head": head, "entries": said.entries, "time": TIME, "by": by}
    return Checkpoint(said, key.public_key().public_bytes_raw().hex(), key.sign(canonical_json(plain)).hex())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Three entries: the administrator is appointed by the first one and goes with the last."""
    made = Ledger(tmp_path / "ledger")
    acts = [Act(one.act, one.body) for one in (added(1, "admin", "administrator"), added(2, "clerk", "clerk"),
                                               revoked(3, "admin"))]
    made.append(acts, time=TIME, actor="os:test", after=Cursor())
    yield made


def told(ledger: Ledger, tmp_path: Path, *checkpoints: Checkpoint) -> list[tuple[list[str], bool, int | None]]:
    paths = []
    for number, one in enumerate(checkpoints):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_bytes(one.as_bytes())
    witnesses = Witnesses(STORE, paths)
    found = ledger.verify(places=witnesses.places, take=witnesses.take)
    return [([str(what) for what in one.findings], one.known, one.first_bad) for one in witnesses.compare(found)]


def hashes(ledger: Ledger) -> list[str]:
    return [entry.hash for entry, _ in ledger.read()]


def test_an_administrator_is_one_from_the_entry_that_appoints_up_to_the_one_before_the_revocation() -> None:
    known = Administrators()
    for one in (added(2, "a", "clerk", "administrator"), added(3, "b", "archivist"), revoked(6, "a"), revoked(7, "b"),
                added(9, "a", "administrator"), revoked(12, "a"), entry(13, "person.added", statement="x"),
                entry(14, "record.filed", statement={"id": "c", "roles": ["administrator"], "public_key": PUBLIC}),
                entry(15, "person.added", statement={"id": "d", "roles": "administrator", "public_key": PUBLIC})):
        known.take(one)
    assert [seq for seq in range(20) if known.were("a", PUBLIC, seq)] == [2, 3, 4, 5, 9, 10, 11]
    assert not any(known.were(person, PUBLIC, seq) for person in "bcd" for seq in range(20))
    assert not known.were("a", "0" * 64, 3)


def test_a_checkpoint_speaks_about_all_entries_up_to_its_place() -> None:
    assert is_checkpoint(signed(3, "0" * 64))
    assert not is_checkpoint(signed(3, "0" * 64, entries=2))
    assert not is_checkpoint(signed(3, "0" * 64, act="other.act"))


def test_what_is_no_key_has_no_mark_and_signs_nothing() -> None:
    one = signed(1, "0" * 64)
    assert len(one.mark.replace("-", "")) == 16
    assert is_signed(one)
    broken = Checkpoint(one.statement, "no key", one.signature)
    assert (broken.mark, is_signed(broken)) == ("", False)


def test_the_true_ledger_bears_a_checkpoint_out_and_every_other_one_is_named(ledger: Ledger, tmp_path: Path) -> None:
    first, second, third = hashes(ledger)
    other = Ed25519PrivateKey.generate()
    changed = signed(2, second)
    changed = Checkpoint(_Statement(*(getattr(signed(2, second, by="Admin").statement, name) for name in
                                      _Statement.__struct_fields__)), changed.key, changed.signature)
    mark = signed(2, second).mark
    assert told(ledger, tmp_path, signed(1, first), signed(2, second)) == [([], True, None)] * 2
    assert told(ledger, tmp_path, signed(3, third)) == [
        ([f"the signer admin (key {mark}) is unknown: no administrator of this ledger at that time"], False, None)]
    assert told(ledger, tmp_path, signed(2, second, store="b" * 16)) == [
        ([f"it was made for another store ({'b' * 16})"], True, None)]
    assert told(ledger, tmp_path, signed(2, first)) == [
        (["entry 2 is not the one that was signed for: the ledger was written anew"], True, 2)]
    cut = told(ledger, tmp_path, signed(5, third))
    assert cut[0][0][0] == "5 entries were signed for, 3 are left: the ledger was cut short"
    assert cut[0][1:] == (False, 4)
    assert told(ledger, tmp_path, changed)[0][0][0] == (
        "the signature does not belong to it: the checkpoint was changed")
    assert told(ledger, tmp_path, signed(2, second, key=other))[0][1] is False


def test_a_damaged_ledger_says_nothing_about_what_was_signed_behind_the_damage(ledger: Ledger, tmp_path: Path) -> None:
    first, second, _ = hashes(ledger)
    path = tmp_path / "ledger" / "ledger-000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b'"clerk"', b'"klerc"', 1) + lines[2])
    assert [one[0][0] for one in told(ledger, tmp_path, signed(2, second))] == [
        "the ledger is damaged before entry 2, which was signed for"]


def test_a_file_that_is_no_checkpoint_is_a_finding_among_kept_ones_and_an_error_where_it_was_asked_for(
    ledger: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "odd.json"
    for content in (b"", b"[", b"{}", signed(3, "0" * 64, entries=2).as_bytes(), b"[" * 70_000,
                    signed(3, "0" * 64).as_bytes()[:-3] + b' ,"more": 1}\n'):
        path.write_bytes(content)
        with pytest.raises(InputRefused, match="is not a checkpoint of a ledger"):
            read_checkpoint(path)
    witnesses = Witnesses(STORE, [path, tmp_path / "nowhere.json"])
    assert witnesses.places == set()
    compared = witnesses.compare(ledger.verify())
    assert [(one.source, one.checkpoint, one.known) for one in compared] == [
        (path, None, False), (tmp_path / "nowhere.json", None, False)]
    assert [str(one.findings[0]) for one in compared] == [
        f"The file {path} is not a checkpoint of a ledger.", f"There is no file {tmp_path / 'nowhere.json'}."]
    with pytest.raises(InputRefused):
        Witnesses(STORE, [], needed=[path])
    with pytest.raises(NotFound, match="There is no file"):
        Witnesses(STORE, [], needed=[tmp_path / "nowhere.json"])
    with pytest.raises(NotFound):
        read_checkpoint(tmp_path)


def test_what_stands_behind_the_limit_of_a_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    whole = signed(1, "0" * 64).as_bytes()
    path.write_bytes(whole.rstrip() + b" " * ((1 << 16) - len(whole.rstrip())))
    assert read_checkpoint(path) == signed(1, "0" * 64)
    path.write_bytes(b" " + path.read_bytes())
    assert read_checkpoint(path) == signed(1, "0" * 64)
    path.write_bytes(b" " * (1 << 16) + whole)
    with pytest.raises(InputRefused):
        read_checkpoint(path)


def test_copies_lie_in_the_order_of_their_places_one_a_signer(tmp_path: Path) -> None:
    for seq in (10, 9, 10, 100):
        keep_checkpoint(tmp_path, signed(seq, "0" * 64))
    other = signed(10, "0" * 64, key=Ed25519PrivateKey.generate())
    keep_checkpoint(tmp_path, other)
    kept = [read_checkpoint(path) for path in kept_checkpoints(tmp_path)]
    assert [one.statement.seq for one in kept] == [9, 10, 10, 100]
    text = kept_checkpoints(tmp_path)[0].read_text("utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    assert kept_checkpoints(tmp_path / "other") == []


@pytest.mark.parametrize(
    ("first", "last", "seqs"), [(1, None, [1, 2, 3]), (2, 2, [2]), (2, None, [2, 3]), (1, 2, [1, 2]), (3, 9, [3])])
def test_a_part_of_the_ledger_is_written_as_it_stands(
    ledger: Ledger, tmp_path: Path, first: int, last: int | None, seqs: list[int]
) -> None:
    target, seen = tmp_path / "part.jsonl", list[int]()
    count, size = export_ledger(ledger, target, first=first, last=last, progress=seen.append)
    lines = (tmp_path / "ledger" / "ledger-000001.jsonl").read_bytes().splitlines(keepends=True)
    assert target.read_bytes() == b"".join(lines[seq - 1] for seq in seqs)
    assert (count, size) == (len(seqs), target.stat().st_size)
    assert seen == list(range(1, min(3, last or 3) + 1))
    with pytest.raises(FileExistsError):
        export_ledger(ledger, target)
    assert export_ledger(ledger, target, overwrite=True)[0] == 3


def test_a_part_that_is_not_there_leaves_no_file(ledger: Ledger, tmp_path: Path) -> None:
    for first, last, said in ((4, None, "from 4 to …"), (3, 2, "from 3 to 2")):
        with pytest.raises(InputRefused, match=f"The ledger has no entries {said}"):
            export_ledger(ledger, tmp_path / "part.jsonl", first=first, last=last)
    assert not (tmp_path / "part.jsonl").exists()


def test_an_administrator_vouches_for_the_ledger_as_it_was_found_and_for_no_damaged_one(tmp_path: Path) -> None:
    make_store(tmp_path / "s", clock_at(date(2026, 11, 20)), "test", simulation=True)
    workspace = open_store(tmp_path / "s", clock_at(date(2026, 11, 20)), "test")
    signer = Person("admin", "王", "S-1", ("administrator",), PUBLIC, "2026-01-01", None)
    found = Verification(True, 7, None, None, "e" * 64, 0)
    made = make_checkpoint(workspace, signer, KEY, found)
    assert is_checkpoint(made) and is_signed(made)
    assert made.key == PUBLIC
    assert (made.statement.seq, made.statement.head, made.statement.by) == (7, "e" * 64, "admin")
    assert (made.statement.store, made.statement.time) == (workspace.settings.store.id, "2026-11-20T12:00:00Z")
    path = keep_checkpoint(workspace.root, made)
    assert (kept_checkpoints(workspace.root), read_checkpoint(path)) == ([path], made)
    with pytest.raises(IntegrityFailure, match="^The ledger is damaged at entry 3: torn"):
        make_checkpoint(workspace, signer, KEY, Verification(False, 2, 3, msg("torn"), "e" * 64, 0))
    workspace.close()


def test_a_checkpoint_is_written_in_the_characters_of_who_signed(tmp_path: Path) -> None:
    text = signed(1, "0" * 64, by="王一").as_bytes().decode()
    assert '"by": "王一"' in text
