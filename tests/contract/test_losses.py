"""Records that are lost for good: who may write them off, what cannot be, what stays, and what an auditor finds."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from retention_store import Archive, clock_on, make_archive, rewritten

from recordkit.archive import catalogue
from recordkit.archive.box_moves import forget_box
from recordkit.archive.boxes import place_box, subject_of
from recordkit.archive.checks.ledger_facts import LedgerFacts
from recordkit.archive.checks.running import CheckOptions, run_checks
from recordkit.archive.editing import edit_record
from recordkit.archive.fixity import FixityResult, note_findings, verify_objects
from recordkit.archive.losses import find_loss, list_losses, loss_of, lost_records, waiting_losses
from recordkit.archive.volume_acts import NewVolume, add_to_volume, note_volume, open_volume
from recordkit.archive.volumes import Remarks
from recordkit.copies.backup import make_backup
from recordkit.copies.check import check_copy
from recordkit.copies.mending import Mended, mend_store
from recordkit.copies.restore import restore_backup
from recordkit.copies.writing_off import confirm_loss, plan_loss, register_loss, withdraw_loss
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.model import canonical_json
from recordkit.people import Signer, find_person
from recordkit.retention.audit import audit_ledger, remarks_of
from recordkit.retention.handover import accept_handover, plan_handover, propose_handover
from recordkit.retention.holds import list_holds, place_hold
from recordkit.templates import issue_data

VERIFIER = Path(__file__).parents[2] / "tools" / "verify_ledger.py"
PLANTED = "鹮鸻鹡"
"""In titles, accounts and reasons; it must never come into the ledger, and go with the record."""


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "store")
    for at in range(4):
        made.file(f"{PLANTED}回访{at}", on=date(2024, 6, at + 1), account=f"00120{at}", party=f"{PLANTED}{at}")
    yield made
    made.workspace.close()


def records(archive: Archive) -> list[str]:
    return [one.record_id for one in catalogue.list_records(archive.workspace.db) if one.title.startswith(PLANTED)]


def folder(archive: Archive, record_id: str) -> Path:
    return catalogue.objects_of(archive.workspace).folder_of(record_id)


def gone(archive: Archive, at: int = 0) -> str:
    """The whole object of a record is not there."""
    record_id = records(archive)[at]
    shutil.rmtree(folder(archive, record_id))
    return record_id


def torn(archive: Archive, at: int = 1) -> str:
    """The paper of a record was overwritten; the rest of it is whole."""
    record_id = records(archive)[at]
    (folder(archive, record_id) / "v1" / "content" / "original.txt").write_bytes(b"\0")
    return record_id


def registered(archive: Archive, *wanted: str, copies: tuple[Path, ...] = ()) -> str:
    return register_loss(archive.workspace, wanted, copies, archive.signer("admin"), f"{PLANTED}水淹",
                         no_copy=not copies).loss_id


def written_off(archive: Archive, *wanted: str) -> str:
    loss = registered(archive, *wanted)
    confirm_loss(archive.workspace, loss, archive.signer("boss"))
    return loss


def verified(archive: Archive) -> FixityResult:
    return verify_objects(archive.workspace)


def verifier() -> Any:
    spec = importlib.util.spec_from_file_location("verify_ledger", VERIFIER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judged(root: Path) -> Any:
    """What the program without recordkit finds."""
    found = verifier().Verifier()
    found.read(root / "ledger")
    return found


def mend(archive: Archive, copy: Path) -> Mended:
    archive.workspace.close()
    done = mend_store(archive.root, copy, archive.workspace.clock, "admin")
    archive.reopen()
    return done


# --- what it does -----------------------------------------------------------------------------------------------


def test_what_two_people_signed_is_no_fault_any_more_and_everything_else_stays_one(archive: Archive) -> None:
    whole, part = gone(archive), torn(archive)
    codes = {one: catalogue.find_record(archive.workspace.db, one).code for one in (whole, part)}
    assert len(verified(archive).findings) == 2
    loss = registered(archive)
    assert waiting_losses(archive.workspace.db) == [loss] and lost_records(archive.workspace.db) == {}
    assert len(verified(archive).findings) == 2, "one signature alone writes nothing off"
    done = confirm_loss(archive.workspace, loss, archive.signer("boss"))
    assert (done.status, done.registered_by, done.confirmed_by) == ("confirmed", "admin", "boss")
    result = verified(archive)
    assert result.findings == () and sorted(result.lost) == sorted(codes.values()) and result.found == ()
    assert {one.record_id: (one.whole, [dict(file) for file in one.files]) for one in done.items} == {
        whole: (True, [{"file": "", "found": "missing",
                        "expected": catalogue.find_record(archive.workspace.db, whole).commitment}]),
        part: (False, [{"file": "v1/content/original.txt", "found": "changed", "expected": catalogue.keyed(
            archive.workspace.settings.store.id, hashlib.sha512(f"{PLANTED}回访12024-06-02".encode()).hexdigest())}]),
    }
    (folder(archive, part) / "v1" / "content" / "record.json").unlink()
    assert [(one.record_id, one.file) for one in verified(archive).findings] == [(part, "v1/content/record.json")]
    (folder(archive, part) / "stray").write_bytes(b"")
    assert len(verified(archive).findings) == 2
    assert verified(archive).unverified == 0


def test_the_record_keeps_title_code_holds_and_period_also_when_all_is_derived_anew(archive: Archive) -> None:
    record_id = gone(archive)
    record = catalogue.find_record(archive.workspace.db, record_id)
    hold = place_hold(archive.workspace, records=[record_id], kind="debt", reason="欠费")
    loss = written_off(archive, record_id)
    archive.workspace.rebuild()
    again = catalogue.find_record(archive.workspace.db, record_id)
    assert again == record and again.title == f"{PLANTED}回访0"
    assert catalogue.accounts_of(archive.workspace.db, record_id) == {"001200"}
    assert [one.hold_id for one in list_holds(archive.workspace, record_id=record_id)] == [hold]
    assert archive.decision(record_id) == "held"
    assert find_loss(archive.workspace, loss).items[0].holds == (hold,)
    code = catalogue.find_record(archive.workspace.db, archive.file("下一件", on=date(2024, 7, 1))).code
    assert code != record.code and code > record.code
    losses = list_losses(archive.workspace)
    archive.workspace.rebuild()
    assert list_losses(archive.workspace) == losses


def test_nothing_of_customers_comes_into_the_ledger(archive: Archive) -> None:
    gone(archive)
    torn(archive)
    withdraw_loss(archive.workspace, registered(archive), archive.signer("boss"), f"{PLANTED}看错")
    written_off(archive)
    ledger = b"".join(path.read_bytes() for path in (archive.root / "ledger").glob("*.jsonl"))
    for word in (PLANTED, "00120", "水淹"):
        assert word.encode() not in ledger and word.encode("unicode_escape") not in ledger
    plain = hashlib.sha512(f"{PLANTED}回访12024-06-02".encode()).hexdigest()
    assert plain.encode() not in ledger, "a digest that is not keyed would let anybody recognise the paper"


def test_why_a_restricted_record_was_lost_is_kept_from_whoever_may_not_see_it(archive: Archive) -> None:
    secret = archive.file("责令停止", record_class="stop-order")
    shutil.rmtree(folder(archive, secret))
    loss = registered(archive, secret)
    assert [one.said for one in find_loss(archive.workspace, loss).items] == [None]
    archive.workspace.actor = "admin"
    assert [one.said for one in find_loss(archive.workspace, loss).items] == [f"{PLANTED}水淹"]


def test_checks_say_that_they_were_not_run_and_fail_for_what_was_not_registered(archive: Archive) -> None:
    def failed() -> list[str]:
        run = run_checks(archive.workspace, CheckOptions("preservation", jobs=1))
        return sorted(one.check.number for one in run.summaries
                      if one.outcome.result == "FAIL" and one.check.number != "3-03")

    gone(archive)
    part = torn(archive)
    assert {"2-01", "1-01", "2-05"} <= set(failed())
    written_off(archive)
    assert failed() == []
    archive.workspace.rebuild()
    assert failed() == []
    (folder(archive, part) / "v1" / "content" / "record.json").write_bytes(b"{}")
    assert "1-01" in failed()


# --- what cannot be written off -----------------------------------------------------------------------------------


def test_a_record_whose_files_are_whole_cannot_be_written_off(archive: Archive) -> None:
    lost, whole = gone(archive), records(archive)[2]
    with pytest.raises(RefusedByRule, match="all its files are whole"):
        registered(archive, lost, whole)
    (folder(archive, whole) / "notes (PC-03).txt").write_bytes(b"")
    with pytest.raises(RefusedByRule, match="does not belong to it"):
        registered(archive, whole)
    (folder(archive, whole) / "inventory.json").write_bytes(b"{}")
    with pytest.raises(RefusedByRule, match="does not belong|papers are whole"):
        registered(archive, whole)
    (folder(archive, whole) / "notes (PC-03).txt").unlink()
    with pytest.raises(RefusedByRule, match="its papers are whole"):
        registered(archive, whole)
    assert list_losses(archive.workspace) == []


def test_what_a_copy_has_whole_is_brought_back_and_not_written_off(archive: Archive, tmp_path: Path) -> None:
    make_backup(archive.workspace, tmp_path / "copy")
    lost = gone(archive)
    with pytest.raises(RefusedByRule, match="recordkit mend"):
        registered(archive, lost, copies=(tmp_path / "copy",))
    with pytest.raises(RefusedByRule, match="no record that would have to be"):
        registered(archive, copies=(tmp_path / "copy",))
    assert mend(archive, tmp_path / "copy").left == [] and verified(archive).findings == ()


def test_it_must_be_said_where_a_record_was_looked_for(archive: Archive, tmp_path: Path) -> None:
    lost = gone(archive)
    with pytest.raises(InputRefused, match="in which copies"):
        plan_loss(archive.workspace, [lost], ())
    with pytest.raises(NotFound, match="no copy of a store"):
        plan_loss(archive.workspace, [lost], [tmp_path / "nothing"])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "backup.json").write_text('{"store": "x"}', "utf-8")
    with pytest.raises(InputRefused, match="no copy of this store"):
        plan_loss(archive.workspace, [lost], [tmp_path / "other"])
    with pytest.raises(InputRefused, match="reason"):
        register_loss(archive.workspace, [lost], (), archive.signer("admin"), " ", no_copy=True)


def test_a_disk_that_is_not_mounted_has_lost_nothing(archive: Archive) -> None:
    loss = registered(archive, gone(archive))
    (archive.root / "objects").rename(archive.root / "elsewhere")
    (archive.root / "objects").mkdir()
    with pytest.raises(RefusedByRule, match="mounted"):
        registered(archive)
    with pytest.raises(RefusedByRule, match="mounted"):
        confirm_loss(archive.workspace, loss, archive.signer("boss"))


def test_a_destroyed_record_and_one_that_is_registered_already_are_refused(archive: Archive) -> None:
    one, other = gone(archive), torn(archive)
    registered(archive, one)
    with pytest.raises(RefusedByRule, match="waits for its confirmation"):
        registered(archive, one)
    assert [item.record_id for item in find_loss(archive.workspace, registered(archive)).items] == [other]
    for loss in waiting_losses(archive.workspace.db):
        confirm_loss(archive.workspace, loss, archive.signer("arch"))
    with pytest.raises(RefusedByRule, match="written off already, as L2037-0001"):
        registered(archive, one)
    archive.execute(archive.signed(one))
    with pytest.raises(RefusedByRule, match="is destroyed"):
        registered(archive, one)


# --- who signs ----------------------------------------------------------------------------------------------------


def test_only_an_administrator_registers_and_only_another_human_being_confirms(archive: Archive) -> None:
    lost = gone(archive)
    for person in ("arch", "boss", "sup1", "appr"):
        with pytest.raises(RefusedByRule, match="needs the role"):
            register_loss(archive.workspace, [lost], (), archive.signer(person), "水淹", no_copy=True)
    loss = registered(archive, lost)
    with pytest.raises(RefusedByRule, match="another person confirms"):
        confirm_loss(archive.workspace, loss, archive.signer("admin"))
    archive.register("admin2", "archivist", staff_no="s-ADMIN")
    with pytest.raises(RefusedByRule, match="another person confirms"):
        confirm_loss(archive.workspace, loss, archive.signer("admin2"))
    with pytest.raises(RefusedByRule, match="needs the role"):
        confirm_loss(archive.workspace, loss, archive.signer("appr"))
    with pytest.raises(RefusedByRule, match="key in hand"):
        confirm_loss(archive.workspace, loss, Signer(find_person(archive.workspace.db, "boss"),
                                                     Ed25519PrivateKey.generate()))
    archive.revoke("sup1")
    with pytest.raises(RefusedByRule, match="revoked"):
        confirm_loss(archive.workspace, loss, Signer(find_person(archive.workspace.db, "sup1"), archive.keys["sup1"]))
    assert confirm_loss(archive.workspace, loss, archive.signer("sup2")).status == "confirmed"
    for act in (confirm_loss, lambda *given: withdraw_loss(*given, "看错")):
        with pytest.raises(RefusedByRule, match="confirmed; nothing is signed"):
            act(archive.workspace, loss, archive.signer("boss"))


@pytest.mark.parametrize("harm", ["back", "worse", "destroyed"])
def test_who_confirms_must_find_the_same_again(archive: Archive, harm: str, tmp_path: Path) -> None:
    lost = torn(archive)
    kept = (folder(archive, lost) / "v1" / "content" / "original.txt")
    loss = registered(archive, lost)
    if harm == "back":
        kept.write_bytes(f"{PLANTED}回访12024-06-02".encode())
        told = "is whole again"
    elif harm == "worse":
        kept.unlink()
        told = "other files are missing or changed now"
    else:
        kept.write_bytes(f"{PLANTED}回访12024-06-02".encode())
        archive.execute(archive.signed(lost))
        told = "is destroyed"
    with pytest.raises(RefusedByRule, match=told):
        confirm_loss(archive.workspace, loss, archive.signer("boss"))
    assert withdraw_loss(archive.workspace, loss, archive.signer("boss"), "看错").status == "withdrawn"
    assert lost_records(archive.workspace.db) == {}


# --- what comes back ----------------------------------------------------------------------------------------------


def test_a_copy_that_turns_up_brings_the_record_back_and_that_is_entered(archive: Archive, tmp_path: Path) -> None:
    make_backup(archive.workspace, tmp_path / "old")
    whole, part, never = gone(archive), torn(archive), gone(archive, 2)
    shutil.rmtree(tmp_path / "old" / folder(archive, never).relative_to(archive.root))
    loss = written_off(archive)
    done = mend(archive, tmp_path / "old")
    codes = [catalogue.find_record(archive.workspace.db, one).code for one in (whole, part, never)]
    assert (done.left, done.found, done.lost) == ([], codes[:2], codes[2:])
    assert set(lost_records(archive.workspace.db)) == {never}
    result = verified(archive)
    assert result.findings == () and list(result.lost) == codes[2:]
    found = find_loss(archive.workspace, loss)
    assert found.status == "confirmed" and [one.back for one in found.items] == ["2037-03-05", "2037-03-05", None]
    entries = archive.workspace.db.cursor().seq
    assert mend(archive, tmp_path / "old").found == [] and archive.workspace.db.cursor().seq == entries
    shutil.rmtree(folder(archive, whole))
    assert [one.record_id for one in verified(archive).findings] == [whole], "lost once more is damage once more"
    again = written_off(archive, whole)
    assert again != loss and loss_of(archive.workspace.db, whole).loss_id == again  # type: ignore[union-attr]
    assert audit_ledger(archive.workspace).findings == [] and judged(archive.root).findings == []


def test_an_object_that_is_whole_again_is_told_and_entered_by_mend(archive: Archive, tmp_path: Path) -> None:
    lost = records(archive)[0]
    folder(archive, lost).rename(tmp_path / "kept")
    written_off(archive, lost)
    make_backup(archive.workspace, tmp_path / "copy")
    (tmp_path / "kept").rename(folder(archive, lost))
    assert list(verified(archive).found) == [catalogue.find_record(archive.workspace.db, lost).code]
    assert len(mend(archive, tmp_path / "copy").found) == 1
    assert verified(archive).lost == () and lost_records(archive.workspace.db) == {}
    assert make_backup(archive.workspace, tmp_path / "copy").lost == []
    assert check_copy(archive.workspace, tmp_path / "copy").ok


def test_copies_carry_what_is_left_and_a_restored_store_says_the_same(archive: Archive, tmp_path: Path) -> None:
    whole, part = gone(archive), torn(archive)
    place = folder(archive, part).relative_to(archive.root)
    lost = (folder(archive, part) / "v1" / "content" / "original.txt").relative_to(archive.root)
    assert not make_backup(archive.workspace, tmp_path / "before").is_whole
    written_off(archive)
    done = make_backup(archive.workspace, tmp_path / "copy")
    assert done.is_whole and len(done.lost) == 2
    checked = check_copy(archive.workspace, tmp_path / "copy")
    assert checked.ok and checked.lost == 2 and checked.behind == 0
    assert (tmp_path / "copy" / place / "v1" / "content" / "record.json").is_file()
    assert not (tmp_path / "copy" / lost).exists()
    restored = restore_backup(tmp_path / "copy", archive.root, tmp_path / "new", clock_on(date(2037, 3, 6)), "os:user")
    assert (len(restored.written_off), restored.lost, restored.damaged, restored.older, restored.notes) == (
        2, [], [], [], 0)
    was = {one: catalogue.find_record(archive.workspace.db, one) for one in (whole, part)}
    archive.workspace.close()
    archive.root = tmp_path / "new"
    archive.reopen()
    assert verified(archive).findings == () and len(verified(archive).lost) == 2
    assert {one: catalogue.find_record(archive.workspace.db, one) for one in was} == was
    # The copy must never pass for whole: a run after the record is back replaces what is in it.
    (archive.root / lost).write_bytes(f"{PLANTED}回访12024-06-02".encode())
    assert mend(archive, tmp_path / "copy").found == [was[part].code]
    assert make_backup(archive.workspace, tmp_path / "copy").records == 1
    assert check_copy(archive.workspace, tmp_path / "copy").lost == 1
    assert (tmp_path / "copy" / lost).is_file()


def test_a_restore_from_a_copy_that_has_it_whole_says_that_it_is_found(archive: Archive, tmp_path: Path) -> None:
    make_backup(archive.workspace, tmp_path / "old")
    lost = gone(archive)
    written_off(archive, lost)
    done = restore_backup(tmp_path / "old", archive.root, tmp_path / "new", clock_on(date(2037, 3, 6)), "os:user")
    assert done.found == [catalogue.find_record(archive.workspace.db, lost).code] and done.written_off == []


# --- notes ----------------------------------------------------------------------------------------------------------


def note_of_hold(archive: Archive) -> Path:
    place_hold(archive.workspace, records=[records(archive)[0]], kind="debt", reason="欠费")
    (note,) = (archive.root / "notes" / records(archive)[0]).iterdir()
    return note


@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_a_note_is_found_missing_or_changed_comes_back_out_of_a_copy_or_is_written_off(
    archive: Archive, tmp_path: Path, harm: str
) -> None:
    def wrong() -> list[tuple[str, str]]:
        with closing(LedgerFacts()) as facts:
            assert archive.workspace.verify_ledger(take=facts.take).ok
            return [(one.code, one.file) for one in note_findings(archive.workspace, facts)]

    def spoil() -> None:
        if harm == "missing":
            note.unlink()
        else:
            note.write_bytes(note.read_bytes() + b" ")

    assert wrong() == []
    note = note_of_hold(archive)
    make_backup(archive.workspace, tmp_path / "copy")
    good = note.read_bytes()
    spoil()
    code = catalogue.find_record(archive.workspace.db, note.parent.name).code
    assert wrong() == [(code, note.relative_to(archive.root).as_posix())]
    with pytest.raises(RefusedByRule, match="no record that would have to be"):
        registered(archive, copies=(tmp_path / "copy",))
    assert mend(archive, tmp_path / "copy").notes == 1 and note.read_bytes() == good and wrong() == []
    spoil()
    (tmp_path / "copy" / note.relative_to(archive.root)).unlink()
    assert [one.place for one in mend(archive, tmp_path / "copy").left] == [note.relative_to(archive.root).as_posix()]
    loss = registered(archive, copies=(tmp_path / "copy",))
    assert len(wrong()) == 1
    note.write_bytes(good)
    with pytest.raises(RefusedByRule, match="there again"):
        confirm_loss(archive.workspace, loss, archive.signer("boss"))
    spoil()
    found = confirm_loss(archive.workspace, loss, archive.signer("boss"))
    assert (found.items, found.notes, found.status) == ((), (note.stem,), "confirmed")
    assert wrong() == [] and mend(archive, tmp_path / "copy").left == []
    archive.workspace.rebuild()
    assert wrong() == [] and find_loss(archive.workspace, loss) == found
    assert audit_ledger(archive.workspace).findings == [] and judged(archive.root).findings == []


# --- data of issued documents ---------------------------------------------------------------------------------------

FIRST, SECOND = "ABCD00000001", "ABCD00000002"


def documents(archive: Archive) -> Path:
    """Two documents whose data stand in one pack, the first of them filed twice; the pack."""
    lines = [canonical_json({"issue": one, "values": {"customer_name": PLANTED}}) for one in (FIRST, SECOND)]
    with archive.workspace.writing() as writer:
        issue_data.write_pack(archive.root, FIRST, lines)
        for seq, (one, line) in enumerate(zip((FIRST, SECOND), lines, strict=True), start=1):
            writer.add("issue.issued", {
                "issue": one, "form": "visit-record", "number": f"回〔2024〕{seq}号", "scope": "回〔2024〕{seq}号",
                "seq": seq, "revision": 1, "template": "0" * 64, "pack": FIRST,
                "data": hashlib.sha256(line).hexdigest(), "date": "2024-01-02"})
        writer.commit()
    for at in range(2):
        archive.file(f"{PLANTED}表{at}", on=date(2024, 1, 2), issue_id=FIRST, number="回〔2024〕1号")
    return issue_data.pack_path(archive.root, FIRST)


def told_of(archive: Archive) -> list[tuple[str, str]]:
    """Places and reasons of what lies beside the records and is not as the ledger names it."""
    with closing(LedgerFacts()) as facts:
        assert archive.workspace.verify_ledger(take=facts.take).ok
        return [(one.file, one.reason.render(str)) for one in note_findings(archive.workspace, facts)]


@pytest.mark.parametrize("harm", ["pack missing", "line missing", "line changed"])
def test_data_of_a_document_are_found_missing_or_changed_come_back_or_are_written_off(
    archive: Archive, tmp_path: Path, harm: str
) -> None:
    pack = documents(archive)
    good = pack.read_bytes()
    first, second = good.splitlines(keepends=True)
    copy = tmp_path / "copy"
    make_backup(archive.workspace, copy)
    assert told_of(archive) == []

    def spoil(path: Path) -> None:
        if harm == "pack missing":
            path.unlink()
        else:
            path.write_bytes(first + (second[:-2] + b" }\n" if harm == "line changed" else b""))

    spoil(pack)
    place = f"issued/{FIRST}.jsonl"
    wrong = [(place, f"the data of 回〔2024〕{seq}号 is missing or changed")
             for seq in (1, 2) if harm == "pack missing" or seq == 2]
    assert told_of(archive) == wrong
    with pytest.raises(RefusedByRule, match="no record that would have to be"):
        registered(archive, copies=(copy,))
    done = mend(archive, copy)
    assert (len(done.documents), done.left, pack.read_bytes(), told_of(archive)) == (len(wrong), [], good, [])
    for one in (pack, copy / place):
        spoil(one)
    left = mend(archive, copy).left
    assert [(one.place, one.reason.render(str)) for one in left] == [
        (place, told.replace("is missing or changed", "is not in the copy")) for place, told in wrong]
    loss = registered(archive, copies=(copy,))
    found = confirm_loss(archive.workspace, loss, archive.signer("boss"))
    assert (len(found.notes), found.status) == (len(wrong), "confirmed")
    assert told_of(archive) == [] and mend(archive, copy).left == []
    archive.workspace.rebuild()
    assert told_of(archive) == [] and audit_ledger(archive.workspace).findings == []
    assert judged(archive.root).findings == []


def test_data_that_went_with_their_last_record_are_not_missed(archive: Archive) -> None:
    pack = documents(archive)
    twice = [one.record_id for one in catalogue.list_records(archive.workspace.db) if one.issue_id == FIRST]
    archive.reopen(date(2037, 3, 6))
    archive.execute(archive.signed(twice[0]))
    assert len(pack.read_bytes().splitlines()) == 2 and told_of(archive) == []
    archive.execute(archive.signed(twice[1]))
    assert len(pack.read_bytes().splitlines()) == 1 and told_of(archive) == []
    pack.unlink()
    assert told_of(archive) == [(f"issued/{FIRST}.jsonl", "the data of 回〔2024〕2号 is missing or changed")]


def test_where_a_box_stood_before_it_was_forgotten_is_no_lost_note(archive: Archive) -> None:
    record = records(archive)[0]
    edit_record(archive.workspace, record, {"box": "7"}, "入盒")
    place_box(archive.workspace, "7", "一架", "甲")
    edit_record(archive.workspace, record, {"box": "8"}, "换盒")
    forget_box(archive.workspace, "7")
    edit_record(archive.workspace, record, {"box": "7"}, "换回")
    place_box(archive.workspace, "7", "二架", "乙")
    with closing(LedgerFacts()) as facts:
        assert archive.workspace.verify_ledger(take=facts.take).ok
        assert note_findings(archive.workspace, facts) == ()
        (archive.root / "notes" / subject_of("7")).rename(archive.root / "notes" / "elsewhere")
        assert len(note_findings(archive.workspace, facts)) == 1


# --- what else may be done with it ----------------------------------------------------------------------------------


def test_nothing_is_added_to_a_record_that_is_gone_and_what_is_left_of_one_may_be_corrected(archive: Archive) -> None:
    lost, part = gone(archive), torn(archive)
    written_off(archive)
    with pytest.raises(RefusedByRule, match="written off as lost"):
        edit_record(archive.workspace, lost, {"note": "x"}, "试")
    assert edit_record(archive.workspace, part, {"note": "原件已毁"}, "试").version == 2
    assert verified(archive).findings == () and len(verified(archive).lost) == 2
    archive.workspace.rebuild()
    assert verified(archive).findings == ()
    assert catalogue.find_record(archive.workspace.db, part).metadata["note"] == "原件已毁"
    assert audit_ledger(archive.workspace).findings == [] and judged(archive.root).findings == []


def test_an_order_of_destruction_names_the_loss_and_takes_what_is_left(archive: Archive) -> None:
    whole, part = gone(archive), torn(archive)
    loss = written_off(archive)
    order = archive.signed(whole, part)
    assert [one.lost for one in order.items] == [loss, loss]
    register = catalogue.objects_of(archive.workspace).read(str(order.register), "original.json").decode()
    assert f"遗失，见遗失登记{loss}" in register and f"损毁，见遗失登记{loss}" in register
    done = archive.execute(order)
    assert [one.outcome for one in done.outcomes] == ["destroyed", "destroyed"]
    assert lost_records(archive.workspace.db) == {} and verified(archive).lost == ()
    assert not (archive.root / "notes" / whole).exists() and not (archive.root / "notes" / part).exists()
    archive.workspace.rebuild()
    assert catalogue.find_record(archive.workspace.db, whole).title == ""
    assert [one.said for one in find_loss(archive.workspace, loss).items] == [None, None]
    assert audit_ledger(archive.workspace).findings == [] and judged(archive.root).findings == []


def test_a_record_that_was_written_off_or_found_after_the_proposal_is_stopped(
    archive: Archive, tmp_path: Path
) -> None:
    make_backup(archive.workspace, tmp_path / "old")
    before, after = records(archive)[0], records(archive)[1]
    order = archive.propose(before)
    shutil.rmtree(folder(archive, before))
    written_off(archive, before)
    assert find_loss(archive.workspace, "L2037-0001").items[0].order == order.order_id
    order = archive.sign(archive.sign(archive.approve(archive.appraise(order)), "sup1"), "sup2")
    assert [(one.outcome, one.reason_code) for one in archive.execute(order).outcomes] == [("refused", "changed")]
    shutil.rmtree(folder(archive, after))
    written_off(archive, after)
    second = archive.signed(after)
    assert len(mend(archive, tmp_path / "old").found) == 2
    assert [one.reason_code for one in archive.execute(second).outcomes] == ["changed"]


def test_a_handover_names_what_is_written_off_and_is_signed_all_the_same(archive: Archive) -> None:
    archive.register("new", "archivist")
    lost = gone(archive)
    code = catalogue.find_record(archive.workspace.db, lost).code
    loss = written_off(archive, lost)
    assert plan_handover(archive.workspace, "new").manifest["lost"] == {"records": [f"{code} {loss}"], "waiting": []}
    name = propose_handover(archive.workspace, "new", archive.signer("arch")).handover_id
    part = torn(archive)
    written_off(archive, part)
    with pytest.raises(RefusedByRule, match="what is written off as lost"):
        accept_handover(archive.workspace, name, archive.signer("new"))


def test_an_archive_whose_volume_has_lost_a_note_for_good_can_be_handed_over(archive: Archive) -> None:
    archive.register("new", "archivist")
    volume = open_volume(archive.workspace, NewVolume("project", "城东"))
    add_to_volume(archive.workspace, volume.code, [records(archive)[0]])
    note_volume(archive.workspace, volume.code, Remarks(situation="缺附图"))
    for path in (archive.root / "notes" / volume.volume_id).iterdir():
        if "缺附图" in path.read_text("utf-8"):
            path.unlink()
    with pytest.raises(IntegrityFailure, match="Notes of volumes"):
        plan_handover(archive.workspace, "new")
    confirm_loss(archive.workspace, registered(archive), archive.signer("boss"))
    with pytest.raises(IntegrityFailure, match="volumes: 1 row"):
        plan_handover(archive.workspace, "new")
    archive.workspace.rebuild()
    name = propose_handover(archive.workspace, "new", archive.signer("arch")).handover_id
    assert accept_handover(archive.workspace, name, archive.signer("new")).status == "accepted"


# --- what an auditor finds ------------------------------------------------------------------------------------------


def test_a_confirmed_loss_is_named_for_ever_with_who_signed_it_and_the_holds(archive: Archive) -> None:
    lost = gone(archive)
    place_hold(archive.workspace, records=[lost], kind="debt", reason="欠费")
    loss = registered(archive, lost)
    assert remarks_of(audit_ledger(archive.workspace)) == [] and judged(archive.root).remarks == []
    confirm_loss(archive.workspace, loss, archive.signer("boss"))
    (remark,) = remarks_of(audit_ledger(archive.workspace))
    for word in (loss, "admin", "boss", lost, "under a hold then"):
        assert word in str(remark.message)
    ((_, code, english, _),) = judged(archive.root).remarks
    assert code == "loss" and loss in english and english.endswith(f"under a hold then: {lost}")


def signed_by(archive: Archive, person: str) -> Callable[[dict[str, Any]], object]:
    """The act signed anew by somebody else, with the key that is registered for them."""
    def change(entry: dict[str, Any]) -> None:
        body = entry["body"]
        body["statement"]["by"] = body["by"] = person
        signer = archive.signer(person)
        body["key"] = signer.private.public_key().public_bytes_raw().hex()
        body["signature"] = signer.sign(body["statement"])

    return change


def resigned(archive: Archive, person: str, change: Callable[[dict[str, Any]], object]) -> Callable[
    [dict[str, Any]], object
]:
    """The act changed, with a manifest that fits, and signed anew by whoever has the key."""
    def both(entry: dict[str, Any]) -> None:
        change(entry)
        if "manifest" in entry["body"]:
            digest = hashlib.sha256(canonical_json(entry["body"]["manifest"])).hexdigest()
            entry["body"]["statement"]["digest"] = digest
        signed_by(archive, person)(entry)

    return both


FORGERIES: dict[str, tuple[str, str, Callable[[dict[str, Any]], object]]] = {
    "registered-by-no-administrator": ("loss.registered", "arch", lambda entry: None),
    "confirmed-by-whoever-registered": ("loss.confirmed", "admin", lambda entry: None),
    "confirmed-by-nobody-entitled": ("loss.confirmed", "appr", lambda entry: None),
    "other-records-confirmed": ("loss.confirmed", "boss", lambda entry: entry["body"].update(records=[])),
    "record-without-damage": ("loss.registered", "admin",
                              lambda entry: entry["body"]["manifest"]["items"][0].update(files=[])),
    "manifest-of-another-loss": ("loss.registered", "admin",
                                 lambda entry: entry["body"]["manifest"].update(loss="L2037-0009")),
    "another-store": ("loss.confirmed", "boss", lambda entry: entry["body"]["statement"].update(store="x")),
    "another-manifest": ("loss.confirmed", "boss", lambda entry: entry["body"]["statement"].update(digest="0" * 64)),
    "note-changed": ("loss.registered", "admin", lambda entry: entry["body"]["records"].update(
        dict.fromkeys(entry["body"]["records"], "0" * 64))),
    "not-registered-at-all": ("loss.registered", "", lambda entry: entry.update(act="loss.mentioned")),
    "back-of-another-record": ("loss.ended", "", lambda entry: entry["body"].update(record="RXXXXXXXX")),
    "signature-moved": ("loss.confirmed", "", lambda entry: entry["body"].update(signature="0" * 128)),
    "key-of-somebody-else": ("loss.confirmed", "", lambda entry: entry["body"].update(by="sup1")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_does_not_hold_is_found_by_both(archive: Archive, forgery: str, tmp_path: Path) -> None:
    make_backup(archive.workspace, tmp_path / "old")
    lost = gone(archive)
    written_off(archive, lost)
    mend(archive, tmp_path / "old")
    assert audit_ledger(archive.workspace).findings == [] and judged(archive.root).findings == []
    act, person, change = FORGERIES[forgery]
    rewritten(archive, resigned(archive, person, change) if person else change, act)
    assert audit_ledger(archive.workspace).findings and judged(archive.root).findings


def test_a_loss_that_is_confirmed_twice_or_by_somebody_revoked_is_found_by_both(archive: Archive) -> None:
    written_off(archive, gone(archive))
    (path,) = (archive.root / "ledger").glob("ledger-*.jsonl")
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[-1])

    def renumbered(entry: dict[str, Any]) -> None:
        entry["seq"] = entry["seq"] + 1 if seen else entry["seq"]
        seen.append(entry["seq"])

    seen: list[int] = []
    rewritten(archive, renumbered, "loss.confirmed")
    assert audit_ledger(archive.workspace).findings and judged(archive.root).findings


def test_a_record_that_was_not_in_force_as_it_is_named_is_found_without_recordkit(archive: Archive) -> None:
    written_off(archive, gone(archive))
    rewritten(archive, resigned(archive, "admin", lambda entry: entry["body"]["manifest"]["items"][0].update(
        commitment="0" * 64)), "loss.registered")
    assert "loss" in [code for _, code, *_ in judged(archive.root).findings]
