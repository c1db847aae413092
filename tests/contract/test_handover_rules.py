"""What a handover counts, what stops it and how that is told; what its protocol and the ledger keep of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from retention_store import TODAY, Archive, make_archive

from recordkit import files
from recordkit.archive.catalogue import find_record, list_records
from recordkit.archive.volume_acts import NewVolume, add_to_volume, close_volume, note_volume, open_volume
from recordkit.archive.volumes import Remarks
from recordkit.checkpoints import keep_checkpoint, make_checkpoint
from recordkit.errors import InputRefused, NotFound, RecordkitError, RefusedByRule
from recordkit.model import canonical_json
from recordkit.people import find_person
from recordkit.retention.handover import (
    accept_handover,
    manifest_of,
    plain_handover,
    plan_handover,
    propose_handover,
    withdraw_handover,
)
from recordkit.retention.handover_state import Handover, find_handover, list_handovers
from recordkit.retention.holds import place_hold
from recordkit.retention.schedule import shipped_schedule
from recordkit.retention.signing import digest_of


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "store")
    made.register("new", "archivist")
    for at in range(2):
        made.file(f"回访{at}", on=date(2024, 6, at + 1), box="7")
    yield made
    made.workspace.close()


def propose(archive: Archive, note: str = "") -> Handover:
    return propose_handover(archive.workspace, "new", archive.signer("arch"), note)


def accept(archive: Archive, made: Handover) -> Handover:
    return accept_handover(archive.workspace, made.handover_id, archive.signer("new"))


def refused(error: type[RecordkitError], act: Callable[[], object]) -> tuple[str, str]:
    """What was said, and the next step."""
    with pytest.raises(error) as caught:
        act()
    return str(caught.value.what), str(caught.value.todo or "")


def _rewrite(archive: Archive, manifest: dict[str, Any]) -> None:
    """The ledger with another manifest in its proposal and the whole chain computed anew: the tables are true to it."""
    (path,) = (archive.root / "ledger").glob("ledger-*.jsonl")
    head, lines = "0" * 64, []
    for line in path.read_bytes().splitlines():
        entry = json.loads(line)
        del entry["hash"]
        if entry["act"] == "handover.proposed":
            entry["body"]["manifest"] = manifest
        entry["prev"] = head
        head = hashlib.sha256(canonical_json(entry)).hexdigest()
        lines.append(canonical_json({**entry, "hash": head}))
    path.write_bytes(b"\n".join(lines) + b"\n")
    archive.workspace.close()
    (archive.root / "catalogue.sqlite3").unlink()
    archive.reopen()


def was(archive: Archive, made: Handover, change: Callable[[dict[str, Any]], object]) -> str:
    """What is said when the manifest had been another one."""
    manifest = json.loads(json.dumps(made.manifest))
    change(manifest)
    _rewrite(archive, manifest)
    return refused(RefusedByRule, lambda: accept(archive, made))[0]


def test_the_newest_checkpoint_that_holds_is_named_and_others_are_passed_over(archive: Archive) -> None:
    workspace = archive.workspace
    assert manifest_of(workspace, "J1")["checkpoint"] is None

    def make() -> Path:
        found = workspace.ledger.verify()
        one = make_checkpoint(workspace, find_person(workspace.db, "admin"), archive.keys["admin"], found)
        return keep_checkpoint(archive.root, one)

    first = make()
    said = json.loads(first.read_bytes())["statement"]
    named = {"seq": said["seq"], "head": said["head"], "by": "admin"}
    assert manifest_of(workspace, "J1")["checkpoint"] == named
    archive.file("又一件")
    second = make()
    whole = second.read_bytes()
    assert dict(manifest_of(workspace, "J1")["checkpoint"])["seq"] > named["seq"]  # type: ignore[call-overload,operator]
    for data in (b"{", whole.replace(b'"signature": "', b'"signature": "00')[:-4], json.dumps(
            {**json.loads(whole), "signature": "00" * 64}).encode()):
        second.write_bytes(data)
        assert manifest_of(workspace, "J1")["checkpoint"] == named
    first.unlink()
    assert manifest_of(workspace, "J1")["checkpoint"] is None


def test_a_class_of_protocols_that_is_not_permanent_stops_the_plan(archive: Archive) -> None:
    before, name, behind = shipped_schedule().decode().partition('id = "handover-record"')
    files.write_atomic(archive.root / "retention.toml",
                       (before + name + behind.replace('"permanent"', '"10y"', 1)).encode(), overwrite=True)
    what, then = refused(InputRefused, lambda: plan_handover(archive.workspace, "new"))
    assert "handover-record must be permanent" in what and 'period = "permanent"' in then
    other = shipped_schedule().replace(b'id = "handover-record"', b'id = "another"')
    files.write_atomic(archive.root / "retention.toml", other, overwrite=True)
    what, then = refused(InputRefused, lambda: plan_handover(archive.workspace, "new"))
    assert "no class handover-record" in what and 'id = "handover-record"' in then


def test_a_plan_signs_and_writes_nothing_and_says_what_would_be_signed(archive: Archive) -> None:
    before = archive.workspace.db.cursor()
    plan = plan_handover(archive.workspace, "new")
    assert (plan.handover_id, plan.proposer, plan.receiver, plan.proposed, plan.proposed_key, plan.proposed_signature,
            plan.status) == ("J2037-0001", "", "new", TODAY.isoformat(), "", "", "proposed")
    assert plan.digest == digest_of(plan.manifest) and plan.seq == 0
    assert (archive.workspace.db.cursor(), list_handovers(archive.workspace)) == (before, [])
    made = propose(archive)
    assert made.manifest == plan.manifest and made.digest == plan.digest
    what, then = refused(RefusedByRule, lambda: plan_handover(archive.workspace, "admin"))
    assert "J2037-0001 is not accepted yet" in what and "handover withdraw J2037-0001" in then


def test_the_manifest_counts_records_pages_and_where_they_stand(archive: Archive) -> None:
    gone = archive.file("要销毁的", content=b"gone")
    archive.execute(archive.signed(gone))
    hold = place_hold(archive.workspace, kind="debt", reason="x", account="0099")
    order = archive.propose(list_records(archive.workspace.db)[0].record_id)
    told = manifest_of(archive.workspace, "J2037-0009")
    active = list_records(archive.workspace.db)
    lines = "".join(f"{one.record_id} {one.commitment}\n" for one in active)
    assert told["holdings"] == {"count": len(active), "pages": sum(one.pages for one in active),
                                "digest": sha256(lines.encode()).hexdigest()}
    assert told["classes"] == Counter(one.record_class for one in active) and len(active) > 2
    assert told["years"] == Counter(str(one.year) for one in active)
    assert (told["boxes"], told["volumes"]) == ({"7": 2}, {"open": 0, "closed": 0})
    assert sum(told["periods"].values()) == len(active)  # type: ignore[attr-defined]
    cursor = archive.workspace.db.cursor()
    assert (told["ledger"], told["handover"], told["store"], told["as_of"], told["format"]) == (
        {"seq": cursor.seq, "head": cursor.hash}, "J2037-0009", archive.workspace.settings.store.id,
        TODAY.isoformat(), 1)
    found: Any = told["unfinished"]
    states = {one["order"]: one["status"] for one in found.pop("orders")}
    assert found == {"waiting": 0, "quarantine": 0, "unreturned": {"count": 0, "oldest": []},
                     "holds": [{"hold": hold, "kind": "debt"}]}
    assert states == {"D2037-0001": "executed", order.order_id: "proposed"}


def test_what_is_unfinished_and_changed_is_told_by_name_or_number(archive: Archive) -> None:
    made = propose(archive)

    def unfinished(**changes: object) -> str:
        return was(archive, made, lambda manifest: manifest["unfinished"].update(changes))

    assert "papers that wait: 2 then, 0 now" in unfinished(waiting=2)
    assert "files in quarantine: 1 then, 0 now" in unfinished(quarantine=1)
    said = unfinished(unreturned={"count": 3, "oldest": ["A"]})
    assert "documents out, not returned: 3 then, 0 now" in said and "papers" not in said and "holds" not in said
    assert "holds placed, changed or ended: H1" in unfinished(holds=[{"hold": "H1", "kind": "debt"}])
    assert "orders of destruction placed, changed or ended: D1" in unfinished(orders=[{"order": "D1", "status": "x"}])
    said = unfinished(holds="strange", orders=None)
    assert "unfinished" in said, "what has no name of its own is called as the manifest does"


@pytest.mark.parametrize(("part", "named"), [
    ("settings", "recordkit.toml is another one"), ("schedule", "retention.toml is another one"),
    ("files", "sizes of files"), ("events", "events of accounts"), ("remarks", "titles or remarks"), ("boxes", "boxes"),
])
def test_a_part_that_changed_is_called_by_its_words(archive: Archive, part: str, named: str) -> None:
    made = propose(archive)
    said = was(archive, made, lambda manifest: manifest.update({part: "another"}))
    assert "arch signed is not so any more" in said and named in said
    _rewrite(archive, dict(made.manifest))
    assert accept(archive, made).status == "accepted"


def test_a_note_of_a_volume_that_was_written_anew_is_another_one_though_it_says_the_same(archive: Archive) -> None:
    volume = open_volume(archive.workspace, NewVolume("project", "城东"))
    other = open_volume(archive.workspace, NewVolume("project", "城西"))
    add_to_volume(archive.workspace, other.code, [list_records(archive.workspace.db)[0].record_id])
    close_volume(archive.workspace, other.code)
    assert manifest_of(archive.workspace, "J1")["volumes"] == {"open": 1, "closed": 1}
    said = [manifest_of(archive.workspace, "J1")["remarks"]]
    for _ in range(2):
        note_volume(archive.workspace, volume.code, Remarks("缺附图一张"))
        said.append(manifest_of(archive.workspace, "J1")["remarks"])
    assert len(set(said)) == 3


def test_what_belongs_to_its_day_alone_stops_nothing(archive: Archive) -> None:
    made = propose(archive)
    archive.reopen(date(2037, 4, 1))
    place = archive.workspace.ledger.verify()
    one = make_checkpoint(archive.workspace, find_person(archive.workspace.db, "admin"), archive.keys["admin"], place)
    keep_checkpoint(archive.root, one)
    done = accept(archive, made)
    assert (done.status, done.proposed, done.accepted) == ("accepted", "2037-03-05", "2037-04-01")


@pytest.mark.parametrize(("count", "dots"), [(10, False), (11, True)])
def test_at_most_ten_records_that_changed_are_named(archive: Archive, count: int, dots: bool) -> None:
    made = propose(archive)
    codes = [find_record(archive.workspace.db, archive.file(f"新{at}", on=date(2025, 1, 1))).code
             for at in range(count)]
    what, then = refused(RefusedByRule, lambda: accept(archive, made))
    assert f"2 records then, {2 + count} now; filed or changed: {codes[0]}" in what and "destroyed" not in what
    assert [one in what for one in codes] == [True] * 10 + [False] * (count - 10)
    assert ("..." in what) is dots and f"handover withdraw {made.handover_id}" in then


def test_giver_and_receiver_who_turn_out_to_be_one_person_do_not_sign(archive: Archive) -> None:
    made = propose(archive)
    archive.register("link", "clerk", staff_no="S-arch", key=archive.keys["new"])
    what, _ = refused(RefusedByRule, lambda: accept(archive, made))
    assert "arch and new are one person" in what
    assert find_handover(archive.workspace, made.handover_id).status == "proposed"


def test_whoever_may_not_sign_is_told_who_may(archive: Archive) -> None:
    what, then = refused(RefusedByRule, lambda: propose_handover(archive.workspace, "arch", archive.signer("arch")))
    assert "arch and arch are one person" in what and "--to" in then
    made = propose(archive)
    what, then = refused(RefusedByRule, lambda: accept_handover(
        archive.workspace, made.handover_id, archive.signer("admin")))
    assert f"{made.handover_id} is made to new, not to admin" in what and "Let new sign" in then
    archive.register("third", "archivist")
    what, then = refused(RefusedByRule, lambda: withdraw_handover(
        archive.workspace, made.handover_id, archive.signer("third"), "x"))
    assert "third neither proposed nor receives" in what and "Let arch, new or an administrator" in then
    what, then = refused(InputRefused, lambda: withdraw_handover(
        archive.workspace, made.handover_id, archive.signer("arch"), " "))
    assert "needs a reason" in what and "--reason" in then
    what, then = refused(NotFound, lambda: find_handover(archive.workspace, "J0"))
    assert "J0" in what and "handover list" in then
    assert find_handover(archive.workspace, f" {made.handover_id} ") == made


@pytest.mark.parametrize("person", ["arch", "new", "admin"])
def test_giver_receiver_and_administrator_may_withdraw_and_the_next_has_the_next_number(
    archive: Archive, person: str
) -> None:
    made = propose(archive, "全部移交")
    assert (made.note, made.reason, made.seq) == ("全部移交", None, archive.workspace.db.cursor().seq)
    ended = withdraw_handover(archive.workspace, made.handover_id, archive.signer(person), "数目不符")
    assert (ended.status, ended.withdrawn, ended.withdrawn_by, ended.reason, ended.note) == (
        "withdrawn", TODAY.isoformat(), person, "数目不符", "全部移交")
    what, _ = refused(RefusedByRule, lambda: accept(archive, made))
    assert f"{made.handover_id} is withdrawn" in what
    assert propose(archive).handover_id == "J2037-0002"
    assert [one.handover_id for one in list_handovers(archive.workspace)] == ["J2037-0001", "J2037-0002"]
    assert list_handovers(archive.workspace)[1].note is None


def test_the_protocol_says_who_signed_what_and_when_and_a_rebuild_says_the_same(archive: Archive) -> None:
    made = propose(archive, " ")
    half = plain_handover(made)
    assert (made.note, half["status"], [one["act"] for one in half["signatures"]]) == (  # type: ignore[attr-defined]
        None, "proposed", ["handover.proposed"])
    archive.reopen(date(2037, 4, 1))
    done = accept(archive, made)
    plain = plain_handover(done)
    assert plain == {
        "handover": "J2037-0001", "status": "accepted", "digest": done.digest, "from": "arch", "to": "new",
        "proposed": "2037-03-05", "accepted": "2037-04-01", "withdrawn": None, "record": done.record,
        "manifest": dict(made.manifest), "signatures": [
            {"act": "handover.proposed", "by": "arch", "day": "2037-03-05", "key": done.proposed_key,
             "signature": done.proposed_signature},
            {"act": "handover.accepted", "by": "new", "day": "2037-04-01", "key": done.accepted_key,
             "signature": done.accepted_signature}]}
    assert {one: archive.keys[one].public_key().public_bytes_raw().hex() for one in ("arch", "new")} == {
        "arch": done.proposed_key, "new": done.accepted_key}
    assert done.record is not None
    record = find_record(archive.workspace.db, done.record)
    assert (record.record_class, record.fields["handover"], record.date) == (
        "handover-record", "J2037-0001", date(2037, 4, 1))
    archive.workspace.rebuild()
    assert find_handover(archive.workspace, done.handover_id) == done


def test_handovers_are_numbered_by_the_year(archive: Archive) -> None:
    accept(archive, propose(archive))
    archive.reopen(date(2038, 1, 2))
    made = propose_handover(archive.workspace, "arch", archive.signer("new"))
    assert (made.handover_id, made.proposer, made.receiver) == ("J2038-0001", "new", "arch")
