"""An archive changes hands: who may sign what, what stops it, what is filed, and what an auditor finds afterwards."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from retention_store import TODAY, Archive, make_archive, rewritten

from recordkit.archive import catalogue
from recordkit.archive.boxes import place_box
from recordkit.archive.editing import edit_record
from recordkit.archive.volume_acts import NewVolume, add_to_volume, close_volume, note_volume, open_volume
from recordkit.archive.volumes import Remarks, list_volumes
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.model import canonical_json
from recordkit.people import Signer, find_person
from recordkit.retention.audit import audit_ledger
from recordkit.retention.events import add_event
from recordkit.retention.handover import (
    accept_handover,
    holdings_of,
    plan_handover,
    propose_handover,
    withdraw_handover,
)
from recordkit.retention.handover_state import find_handover, list_handovers
from recordkit.retention.holds import place_hold

VERIFIER = Path(__file__).parents[2] / "tools" / "verify_ledger.py"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "store")
    made.register("new", "archivist")
    for at in range(3):
        made.file(f"回访{at}", on=date(2024, 6, at + 1), box="7" if at else None)
    yield made
    made.workspace.close()


def verifier() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_ledger", VERIFIER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judged(root: Path) -> list[str]:
    """Codes of what the program without recordkit finds."""
    found = verifier().Verifier()
    found.read(root / "ledger")
    return [code for _, code, *_ in found.findings]


def both_find(archive: Archive) -> bool:
    return bool(audit_ledger(archive.workspace).findings) and bool(judged(archive.root))


def proposed(archive: Archive, note: str = "") -> str:
    return propose_handover(archive.workspace, "new", archive.signer("arch"), note).handover_id


def test_both_sign_the_same_manifest_and_its_protocol_is_filed_for_ever(archive: Archive) -> None:
    name = proposed(archive, "钥匙三把")
    assert name == "J2037-0001" and find_handover(archive.workspace, name).status == "proposed"
    done = accept_handover(archive.workspace, name, archive.signer("new"))
    assert (done.status, done.proposer, done.receiver) == ("accepted", "arch", "new")
    assert done.record is not None and done.note == "钥匙三把"
    record = catalogue.find_record(archive.workspace.db, done.record)
    assert (record.record_class, record.period, record.fields["handover"]) == ("handover-record", "Y", name)
    filed = json.loads(catalogue.objects_of(archive.workspace).read(done.record, "handover.json"))
    assert [one["by"] for one in filed["signatures"]] == ["arch", "new"]
    assert hashlib.sha256(canonical_json(filed["manifest"])).hexdigest() == done.digest == filed["digest"]
    assert archive.decision(done.record) == "permanent"
    assert audit_ledger(archive.workspace).findings == [] and judged(archive.root) == []
    before = list_handovers(archive.workspace)
    archive.workspace.rebuild()
    assert list_handovers(archive.workspace) == before


def test_the_manifest_counts_what_there_is_and_what_is_unfinished_and_names_no_title(archive: Archive) -> None:
    records = catalogue.list_records(archive.workspace.db)
    hold = place_hold(archive.workspace, kind="litigation", reason="诉讼甲乙", records=[records[0].record_id])
    order = archive.propose(records[1].record_id)
    manifest = plan_handover(archive.workspace, "new").manifest
    holdings = manifest["holdings"]
    assert isinstance(holdings, dict)
    lines = "".join(f"{one.record_id} {one.commitment}\n" for one in catalogue.list_records(archive.workspace.db))
    assert holdings == {"count": 4, "pages": 7, "digest": hashlib.sha256(lines.encode()).hexdigest()}
    assert manifest["classes"] == {"destruction-register": 1, "visit-record": 3}
    assert manifest["boxes"] == {"7": 2} and manifest["periods"] == {"D10": 3, "Y": 1}
    assert manifest["years"] == {"2024": 3, str(TODAY.year): 1}
    unfinished = manifest["unfinished"]
    assert isinstance(unfinished, dict)
    assert unfinished["holds"] == [{"hold": hold, "kind": "litigation"}]
    assert unfinished["orders"] == [{"order": order.order_id, "status": "proposed"}]
    text = canonical_json(manifest).decode()
    assert "回访" not in text and "诉讼" not in text
    cursor = archive.workspace.db.cursor()
    assert manifest["ledger"] == {"seq": cursor.seq, "head": cursor.hash}


@pytest.mark.parametrize("change", ["filed", "edited", "destroyed"])
def test_holdings_that_changed_in_between_stop_the_acceptance_and_are_named(archive: Archive, change: str) -> None:
    one = catalogue.list_records(archive.workspace.db)[0]
    order = archive.signed(one.record_id) if change == "destroyed" else None
    name = proposed(archive)
    if change == "filed":
        code = catalogue.find_record(archive.workspace.db, archive.file("新来的")).code
    elif change == "edited":
        code = edit_record(archive.workspace, one.record_id, {"box": "9"}, "搬家").code
    else:
        assert order is not None
        archive.execute(order)
        code = one.code
    seq = archive.workspace.db.cursor().seq
    with pytest.raises(RefusedByRule, match=code) as found:
        accept_handover(archive.workspace, name, archive.signer("new"))
    assert "arch" in str(found.value) and archive.workspace.db.cursor().seq == seq
    withdraw_handover(archive.workspace, name, archive.signer("arch"), "馆藏有变")
    again = proposed(archive)
    assert again == "J2037-0002"
    accept_handover(archive.workspace, again, archive.signer("new"))
    assert audit_ledger(archive.workspace).findings == [] and judged(archive.root) == []


def test_only_the_named_receiver_in_office_signs_and_never_whoever_proposed(archive: Archive) -> None:
    ws = archive.workspace
    for person, kind in (("boss", RefusedByRule), ("sup1", RefusedByRule), ("nobody", NotFound)):
        with pytest.raises(kind):
            propose_handover(ws, person, archive.signer("arch"))
    with pytest.raises(RefusedByRule, match="appr"):
        propose_handover(ws, "new", archive.signer("appr"))
    with pytest.raises(RefusedByRule, match="one person"):
        propose_handover(ws, "arch", archive.signer("arch"))
    archive.register("arch2", "archivist", staff_no="s-ARCH")
    with pytest.raises(RefusedByRule, match="one person"):
        propose_handover(ws, "arch2", archive.signer("arch"))
    wrong = Signer(find_person(ws.db, "arch"), archive.keys["new"])
    with pytest.raises(RefusedByRule, match="key"):
        propose_handover(ws, "new", wrong)
    assert list_handovers(ws) == []
    name = proposed(archive)
    with pytest.raises(RefusedByRule, match=name):
        proposed(archive)
    for person in ("arch", "admin", "arch2"):
        with pytest.raises(RefusedByRule, match="new"):
            accept_handover(ws, name, archive.signer(person))
    with pytest.raises(RefusedByRule, match="key"):
        accept_handover(ws, name, Signer(find_person(ws.db, "new"), archive.keys["arch"]))
    with pytest.raises(NotFound):
        accept_handover(ws, "J1999-0001", archive.signer("new"))
    archive.revoke("new")
    with pytest.raises(RefusedByRule, match="revoked"):
        accept_handover(ws, name, archive.signer("new"))
    assert find_handover(ws, name).status == "proposed"
    withdraw_handover(ws, name, archive.signer("admin"), "接收人调离")
    with pytest.raises(RefusedByRule, match="revoked"):
        proposed(archive)


def test_a_handover_is_accepted_or_withdrawn_once(archive: Archive) -> None:
    ws = archive.workspace
    name = proposed(archive)
    with pytest.raises(InputRefused):
        withdraw_handover(ws, name, archive.signer("arch"), " ")
    archive.register("other", "archivist")
    with pytest.raises(RefusedByRule, match="other"):
        withdraw_handover(ws, name, archive.signer("other"), "多事")
    ended = withdraw_handover(ws, name, archive.signer("new"), "数目不符")
    assert (ended.status, ended.withdrawn_by, ended.reason) == ("withdrawn", "new", "数目不符")
    with pytest.raises(RefusedByRule, match=name):
        accept_handover(ws, name, archive.signer("new"))
    second = proposed(archive)
    accept_handover(ws, second, archive.signer("new"))
    for act in (lambda: accept_handover(ws, second, archive.signer("new")),
                lambda: withdraw_handover(ws, second, archive.signer("arch"), "反悔")):
        with pytest.raises(RefusedByRule, match=second):
            act()
    assert judged(archive.root) == [] and "数目不符".encode() not in (
        archive.root / "ledger" / "ledger-000001.jsonl").read_bytes()


def test_a_store_whose_schedule_has_no_class_for_it_is_told_what_to_add(archive: Archive) -> None:
    schedule = archive.root / "retention.toml"
    text = schedule.read_text("utf-8")
    schedule.write_text(text.replace('id = "handover-record"', 'id = "something-else"'), "utf-8")
    with pytest.raises(InputRefused, match="handover-record"):
        proposed(archive)
    assert list_handovers(archive.workspace) == []


# --- whoever has the files -------------------------------------------------------------------------------------------


def body(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda entry: entry["body"].update(changes)


@pytest.mark.parametrize("act", ["handover.proposed", "handover.accepted"])
def test_a_signature_of_somebody_else_is_found_by_both(archive: Archive, act: str) -> None:
    accept_handover(archive.workspace, proposed(archive), archive.signer("new"))
    wrong = archive.keys["boss"]

    def swap(entry: dict[str, Any]) -> None:
        entry["body"]["signature"] = wrong.sign(canonical_json(entry["body"]["statement"])).hex()

    rewritten(archive, swap, act)
    assert both_find(archive)


def test_signatures_that_changed_places_are_found_by_both(archive: Archive) -> None:
    name = proposed(archive)
    first = find_handover(archive.workspace, name)
    accept_handover(archive.workspace, name, archive.signer("new"))
    rewritten(archive, body(signature=first.proposed_signature, key=first.proposed_key), "handover.accepted")
    assert both_find(archive)


def test_a_changed_count_is_found_by_both(archive: Archive) -> None:
    accept_handover(archive.workspace, proposed(archive), archive.signer("new"))

    def fewer(entry: dict[str, Any]) -> None:
        entry["body"]["manifest"]["holdings"]["count"] -= 1

    rewritten(archive, fewer, "handover.proposed")
    assert both_find(archive)


def sign_as(archive: Archive, person: str, **changes: object) -> Callable[[dict[str, Any]], object]:
    """An entry signed anew with the true key of a person: what an insider with the key can write."""
    def change(entry: dict[str, Any]) -> None:
        statement = {**entry["body"]["statement"], "by": person, **changes}
        key = archive.keys[person]
        entry["body"].update(statement=statement, by=person, key=key.public_key().public_bytes_raw().hex(),
                             signature=key.sign(canonical_json(statement)).hex())
    return change


@pytest.mark.parametrize("person", ["arch", "boss", "admin"])
def test_an_acceptance_by_anybody_but_the_receiver_is_found_by_both(archive: Archive, person: str) -> None:
    accept_handover(archive.workspace, proposed(archive), archive.signer("new"))
    rewritten(archive, sign_as(archive, person), "handover.accepted")
    assert both_find(archive)


def test_an_acceptance_by_a_revoked_receiver_is_found_by_both(archive: Archive) -> None:
    name = proposed(archive)
    archive.revoke("new")
    from recordkit.retention import handover

    found = find_handover(archive.workspace, name)
    with archive.workspace.writing() as writer:
        writer.add("handover.accepted", handover._signed(
            archive.workspace, archive.signer("new"), "handover.accepted", found))
        writer.commit()
    assert both_find(archive)


def test_a_handover_to_oneself_under_a_second_account_is_found_by_both(archive: Archive) -> None:
    archive.register("twin", "archivist", staff_no="Ｓ－arch")
    accept_handover(archive.workspace, proposed(archive), archive.signer("new"))
    rewritten(archive, sign_as(archive, "arch", to="twin"), "handover.proposed")
    rewritten(archive, sign_as(archive, "twin"), "handover.accepted")
    assert both_find(archive) and "same-person" in judged(archive.root)


def test_an_acceptance_entered_twice_and_one_of_another_store_are_found_by_both(archive: Archive) -> None:
    name = proposed(archive)
    accept_handover(archive.workspace, name, archive.signer("new"))
    (entry,) = [one for one, _ in archive.workspace.ledger.read() if one.act == "handover.accepted"]
    with archive.workspace.writing() as writer:
        writer.add("handover.accepted", dict(entry.body))
        writer.commit()
    assert both_find(archive)


def test_an_acceptance_for_another_store_is_found_by_both(archive: Archive) -> None:
    accept_handover(archive.workspace, proposed(archive), archive.signer("new"))
    rewritten(archive, sign_as(archive, "new", store="another"), "handover.accepted")
    assert both_find(archive)


def test_holdings_that_were_not_those_of_the_ledger_are_found_without_recordkit(archive: Archive) -> None:
    """The two conspire: their manifest counts what the ledger does not hold."""
    name = proposed(archive)
    accept_handover(archive.workspace, name, archive.signer("new"))

    def fewer(entry: dict[str, Any]) -> None:
        manifest = entry["body"]["manifest"]
        manifest["holdings"]["count"] = 2
        sign_as(archive, "arch", digest=hashlib.sha256(canonical_json(manifest)).hexdigest())(entry)

    rewritten(archive, fewer, "handover.proposed")
    digest = find_handover(archive.workspace, name).digest
    rewritten(archive, sign_as(archive, "new", digest=digest), "handover.accepted")
    assert "holdings" in judged(archive.root)
    assert holdings_of(archive.workspace.db)["count"] == 4


def test_the_filed_protocol_says_how_many_pages_it_has(archive: Archive) -> None:
    """A page of A4 takes some thirty of these rows, so that sixty boxes do not stand on one."""
    done = accept_handover(archive.workspace, proposed(archive), archive.signer("new"))
    assert done.record is not None
    few = catalogue.find_record(archive.workspace.db, done.record).pages
    for at in range(60):
        archive.file(f"另{at}", on=date(2024, 7, 1), box=f"盒{at}")
    done = accept_handover(archive.workspace, proposed(archive), archive.signer("new"))
    assert done.record is not None
    assert (few, catalogue.find_record(archive.workspace.db, done.record).pages) == (1, 3)


def _held(archive: Archive) -> str:
    return place_hold(archive.workspace, kind="debt", reason="欠款", account="0099")


def _closed(archive: Archive) -> str:
    (volume,) = list_volumes(archive.workspace)
    return close_volume(archive.workspace, volume.code).code


def _moved(archive: Archive) -> str:
    place_box(archive.workspace, "7", "2号库9架")
    return "boxes put elsewhere: 7"


@pytest.mark.parametrize("act", [_held, _closed, _moved])
def test_whatever_changed_since_the_proposal_stops_the_acceptance_and_is_named(
    archive: Archive, act: Callable[[Archive], str]
) -> None:
    code = open_volume(archive.workspace, NewVolume("project", "城东")).code
    record = next(one.record_id for one in catalogue.list_records(archive.workspace.db))
    add_to_volume(archive.workspace, code, [record])
    place_box(archive.workspace, "7", "1号库1架")
    made = propose_handover(archive.workspace, "new", archive.signer("arch"))
    named = act(archive)
    before = archive.workspace.db.cursor()
    with pytest.raises(RefusedByRule, match=named):
        accept_handover(archive.workspace, made.handover_id, archive.signer("new"))
    assert archive.workspace.db.cursor() == before
    assert "1号库1架" not in json.dumps(made.manifest, ensure_ascii=False)


def test_a_proposal_of_a_former_version_is_accepted_by_what_it_says(archive: Archive) -> None:
    made = propose_handover(archive.workspace, "new", archive.signer("arch"))
    newer = ("arrangement", "remarks", "events", "settings", "schedule", "files", "people", "documents")

    def without(entry: dict[str, Any]) -> None:
        for key in newer:
            del entry["body"]["manifest"][key]

    rewritten(archive, without, "handover.proposed")
    settings = archive.root / "recordkit.toml"
    settings.write_text(settings.read_text("utf-8") + "\n# since\n", "utf-8")
    archive.reopen(date(2037, 3, 9))
    assert accept_handover(archive.workspace, made.handover_id, archive.signer("new")).status == "accepted"


def _retitled(archive: Archive) -> str:
    (volume,) = list_volumes(archive.workspace)
    note_volume(archive.workspace, volume.code, Remarks(), title="伪题名")
    return f"volumes changed: {volume.code}; titles or remarks of volumes|titles or remarks of volumes"


def _remarked_in_the_tables(archive: Archive) -> str:
    archive.workspace.db.run("UPDATE volumes SET remarks = '{\"checked_by\": \"王五\"}'")
    return r"The catalogue is not what.*volumes: 1 row\(s\)"


def _forged(statement: str, named: str) -> Callable[[Archive], str]:
    def act(archive: Archive) -> str:
        archive.workspace.db.run(statement)
        return named

    return act


_FORGERIES = [_forged(statement, named) for statement, named in (
    ("UPDATE records SET title = '伪题名'", "records: 3 row"),
    ("UPDATE people SET roles = '[\"auditor\"]' WHERE id = 'sup1'", "people: 1 row.*sup1"),
    ("INSERT INTO record_accounts SELECT '0042', record_id, 1 FROM records", "record_accounts: 3 row"),
    ("DELETE FROM filings", "filings: 3 row"),
    ("CREATE VIEW other AS SELECT 1", "does not make so.*other"),
)]


def _enlisted(archive: Archive) -> str:
    archive.register("late", "archivist")
    return "the register of people"


def _happened(archive: Archive) -> str:
    add_event(archive.workspace, "case-closed", date(2026, 5, 1), account="0012")
    return "events of accounts or records"


def _loosened(archive: Archive) -> str:
    settings = archive.root / "recordkit.toml"
    settings.write_text(settings.read_text("utf-8") + "\n# 50y\n", "utf-8")
    return "recordkit.toml is another one"


def _shortened(archive: Archive) -> str:
    schedule = archive.root / "retention.toml"
    schedule.write_text(schedule.read_text("utf-8") + "\n# 10y\n", "utf-8")
    return "retention.toml is another one"


def _original_gone(archive: Archive) -> str:
    next((archive.root / "objects").rglob("original.txt")).unlink()
    return r"1 file\(s\).*original.txt: the file is missing"


def _original_cut(archive: Archive) -> str:
    path = next((archive.root / "objects").rglob("original.txt"))
    size = path.stat().st_size
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    return rf"1 file\(s\).*original.txt: {size - 1} bytes, the metadata says {size}"


def _object_gone(archive: Archive) -> str:
    shutil.rmtree(next((archive.root / "objects").rglob("inventory.json")).parent)
    return r"1 file\(s\).*inventory.json: the file is missing"


def _inventory_of_another(archive: Archive) -> str:
    first, second = sorted(one for one in (archive.root / "objects").rglob("inventory.json")
                           if one.parent.name.startswith("urn"))[:2]
    first.chmod(0o600)
    first.write_bytes(second.read_bytes())
    return r"1 file\(s\).*inventory.json: it is not the one that the ledger names"


def _note_gone(archive: Archive) -> str:
    (volume,) = list_volumes(archive.workspace)
    next((archive.root / "notes" / volume.volume_id).iterdir()).unlink()
    return f"Notes of volumes.*{volume.code}: notes/{volume.volume_id}/"


def _with_volume(archive: Archive) -> None:
    code = open_volume(archive.workspace, NewVolume("project", "城东")).code
    record = next(one.record_id for one in catalogue.list_records(archive.workspace.db))
    add_to_volume(archive.workspace, code, [record])


_DAMAGES = (_original_gone, _original_cut, _object_gone, _inventory_of_another, _note_gone)


@pytest.mark.parametrize(
    "act", [_retitled, _remarked_in_the_tables, *_FORGERIES, _enlisted, _happened, _loosened, _shortened, *_DAMAGES])
def test_nobody_receives_what_is_no_longer_as_it_was_signed(archive: Archive, act: Callable[[Archive], str]) -> None:
    _with_volume(archive)
    name = proposed(archive)
    named = act(archive)
    before = archive.workspace.db.cursor()
    with pytest.raises((RefusedByRule, IntegrityFailure), match=f"(?s){named}"):
        accept_handover(archive.workspace, name, archive.signer("new"))
    assert archive.workspace.db.cursor() == before and find_handover(archive.workspace, name).status == "proposed"


@pytest.mark.parametrize("act", [*_DAMAGES, *_FORGERIES])
def test_nobody_hands_over_files_that_are_not_there(archive: Archive, act: Callable[[Archive], str]) -> None:
    _with_volume(archive)
    named = act(archive)
    with pytest.raises(IntegrityFailure, match=f"(?s){named}"):
        proposed(archive)
    assert list_handovers(archive.workspace) == []


def test_the_manifest_counts_files_and_bytes_of_all_versions_and_tells_no_remark(archive: Archive) -> None:
    _with_volume(archive)
    (volume,) = list_volumes(archive.workspace)
    note_volume(archive.workspace, volume.code, Remarks(situation="缺附图一张"))
    edit_record(archive.workspace, catalogue.list_records(archive.workspace.db)[0].record_id, {"box": "9"}, "搬家")
    manifest = plan_handover(archive.workspace, "new").manifest
    there = [one for one in (archive.root / "objects").rglob("content/*") if one.is_file()]
    assert isinstance(manifest["files"], dict)
    assert (manifest["files"]["count"], manifest["files"]["bytes"]) == (
        len(there), sum(one.stat().st_size for one in there))
    assert any(one.parent.parent.name == "v2" for one in there)
    text = canonical_json(manifest).decode()
    assert "缺附图" not in text and "城东" not in text
