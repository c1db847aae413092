"""Who may do what together: the settings of separation of duty, as recordkit.toml says and the ledger knows them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from retention_store import Archive, change, make_archive

from recordkit.errors import InputRefused, RefusedByRule
from recordkit.people import NewPerson, add_person, list_people, one_human
from recordkit.retention import orders
from recordkit.retention.audit import audit_entries, audit_ledger
from recordkit.retention.duties import (
    ACCEPTED,
    DEFAULTS,
    RECORDED,
    accept_settings,
    loosened,
    recorded_duties,
    unaccepted,
)
from recordkit.retention.order_state import find_order

LOOSER = [
    ('supervisor_excludes = ["proposer", "approver"]', 'supervisor_excludes = ["approver"]', "supervisor_excludes"),
    ("total_share = 0.5", "total_share = 0.9", "total_share"),
    ('["auditor", "archivist"], ', "", "separate_roles"),
]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "store")


def acts(archive: Archive) -> list[str]:
    return [entry.act for entry, _ in archive.workspace.ledger.read()]


def test_the_first_act_of_an_order_records_the_settings_and_the_next_ones_do_not(archive: Archive) -> None:
    archive.signed(archive.file())
    assert acts(archive).count(RECORDED) == 1
    assert acts(archive).index(RECORDED) < acts(archive).index("order.proposed")
    assert recorded_duties(archive.workspace.db) == DEFAULTS
    entry = next(entry for entry, _ in archive.workspace.ledger.read() if entry.act == RECORDED)
    assert entry.body["digest"] == archive.workspace.settings.digest
    assert audit_ledger(archive.workspace).findings == []


@pytest.mark.parametrize(("old", "new", "name"), LOOSER)
def test_a_loosened_setting_stops_every_act_until_an_administrator_signs(
    archive: Archive, old: str, new: str, name: str
) -> None:
    order = archive.approve(archive.appraise(archive.propose(archive.file())))
    change(archive, old, new)
    assert [str(one).split(" = ")[0] for one in unaccepted(archive.workspace)] == [name]
    with pytest.raises(RefusedByRule, match=name) as refused:
        archive.sign(order, "sup1")
    assert "config accept" in str(refused.value)
    with pytest.raises(RefusedByRule, match=name):
        archive.propose(archive.file("又一件"))
    with pytest.raises(RefusedByRule, match="role"):
        accept_settings(archive.workspace, archive.signer("boss"))
    done = accept_settings(archive.workspace, archive.signer("admin"))
    assert len(done.loosened) == 1
    assert archive.sign(order, "sup1").signers("order.signed") == ["sup1"]
    assert accept_settings(archive.workspace, archive.signer("admin")).loosened == ()
    assert acts(archive).count(ACCEPTED) == 1
    assert audit_ledger(archive.workspace).findings == []


def test_a_setting_loosened_before_the_first_order_is_measured_against_the_defaults(archive: Archive) -> None:
    change(archive, *LOOSER[0][:2])
    with pytest.raises(RefusedByRule, match="supervisor_excludes"):
        archive.propose(archive.file())


def test_a_setting_loosened_after_the_signatures_stops_the_execution_and_not_the_withdrawal(archive: Archive) -> None:
    order = archive.signed(archive.file())
    change(archive, *LOOSER[0][:2])
    with pytest.raises(RefusedByRule, match="supervisor_excludes"):
        archive.execute(order)
    orders.withdraw_order(archive.workspace, order.order_id, "制度有变")


def test_a_share_is_told_as_recordkit_toml_writes_it(archive: Archive) -> None:
    change(archive, "total_share = 0.5", "total_share = 0.999999")
    assert [str(one) for one in unaccepted(archive.workspace)] == ["total_share = 0.999999 (in the ledger: 0.5)"]


def test_an_administrator_signs_stricter_settings_too_and_nothing_twice(archive: Archive) -> None:
    change(archive, "supervisors = 2 ", "supervisors = 3 ")
    done = accept_settings(archive.workspace, archive.signer("admin"))
    assert (done.loosened, acts(archive)[-1], done.seq) == ((), ACCEPTED, len(acts(archive)))
    assert (recorded_duties(archive.workspace.db) or {})["supervisors"] == 3
    assert accept_settings(archive.workspace, archive.signer("admin")) == done
    assert acts(archive).count(ACCEPTED) == 1


def test_a_tightened_setting_is_recorded_by_the_next_act_and_rules_at_once(archive: Archive) -> None:
    order = archive.signed(archive.file())
    change(archive, "supervisors = 2 ", "supervisors = 3 ")
    with pytest.raises(RefusedByRule, match="cannot be done"):
        archive.execute(order)
    archive.sign(order, "sup3")
    assert acts(archive)[-2:] == [RECORDED, "order.signed"]
    assert (recorded_duties(archive.workspace.db) or {})["supervisors"] == 3
    change(archive, "supervisors = 3 ", "supervisors = 2 ")
    with pytest.raises(RefusedByRule, match="supervisors = 2"):
        archive.execute(order)


def test_the_audit_names_settings_loosened_without_a_signature_and_acts_against_those_in_force(
    archive: Archive,
) -> None:
    order = archive.signed(archive.file())
    archive.execute(order)
    store_id = archive.workspace.settings.store.id
    entries = [entry for entry, _ in archive.workspace.ledger.read()]
    at = next(place for place, entry in enumerate(entries) if entry.act == RECORDED)

    def told(settings: dict[str, object], position: int = at) -> str:
        changed = [*entries]
        changed[position] = replace(entries[position], body={**entries[position].body, "settings": settings})
        return " ".join(str(one.message) for one in audit_entries(store_id, changed).findings)

    assert told(dict(DEFAULTS)) == ""
    assert "total_share was loosened" in told({**DEFAULTS, "total_share_millionths": 900_000})
    assert "fewer than 3 supervisors" in told({**DEFAULTS, "supervisors": 3})
    first = next(place for place, entry in enumerate(entries) if entry.act == "order.signed")
    body = dict(entries[first].body)
    second = replace(entries[first], body={**body, "by": "boss", "statement": {**body["statement"], "by": "boss"}})
    found = audit_entries(store_id, [*entries[:first], second, *entries[first + 1 :]]).findings
    assert any("was the approver" in str(one.message) for one in found)


def test_the_audit_names_settings_accepted_by_nobody_entitled(archive: Archive) -> None:
    change(archive, *LOOSER[1][:2])
    accept_settings(archive.workspace, archive.signer("admin"))
    entries = [entry for entry, _ in archive.workspace.ledger.read()]
    store_id = archive.workspace.settings.store.id
    assert audit_entries(store_id, entries).findings == []
    for forged in ({"by": "boss"}, {"signature": "00" * 64}, {"key": "00" * 32}):
        last = replace(entries[-1], body={**entries[-1].body, **forged})
        assert audit_entries(store_id, [*entries[:-1], last]).findings


def test_what_is_missing_from_the_settings_counts_as_loosened() -> None:
    assert loosened(DEFAULTS, {}) == ["supervisors", "supervisor_excludes", "total_share", "separate_roles"]
    assert loosened({**DEFAULTS, "paper": False}, DEFAULTS) == ["paper"]
    assert loosened(DEFAULTS, {**DEFAULTS, "paper": False, "supervisors": 5}) == []


# --- one human being, whatever the account ---


def test_a_role_that_excludes_another_is_refused_at_registration_also_on_a_second_account(archive: Archive) -> None:
    with pytest.raises(RefusedByRule, match="auditor"):
        archive.register("rev", "auditor", "archivist")
    with pytest.raises(RefusedByRule, match="arch"):
        archive.register("rev", "auditor", staff_no="S-arch")
    with pytest.raises(RefusedByRule, match="sup1"):
        archive.register("rev", "auditor", key=archive.keys["sup1"])
    archive.register("link", "clerk", staff_no="S-sup1")
    with pytest.raises(RefusedByRule, match="sup1"):
        archive.register("rev", "auditor", key=archive.keys["link"])
    archive.revoke("sup1")
    archive.register("rev", "auditor", staff_no="S-sup1")


def test_a_supervisor_does_not_propose_under_a_second_account_either(archive: Archive) -> None:
    archive.register("arch2", "archivist", staff_no="S-sup1")
    with pytest.raises(RefusedByRule, match="sup1 is a supervisor"):
        orders.propose_order(archive.workspace, [archive.file()], archive.signer("arch2"))


@pytest.mark.parametrize("role", ["archivist", "appraiser", "administrator"])
def test_who_must_sign_with_a_key_is_not_registered_without_one(archive: Archive, role: str) -> None:
    with pytest.raises(InputRefused, match=role):
        add_person(archive.workspace, NewPerson("p", "某", "S-p", (role,), ""), archive.keys["admin"])


def test_the_first_person_needs_a_key(tmp_path: Path) -> None:
    made = make_archive(tmp_path / "other")
    with made.workspace.writing():
        made.workspace.db.run("DELETE FROM people")
        with pytest.raises(InputRefused, match="needs a key"):
            add_person(made.workspace, NewPerson("p", "某", "S-p", ("clerk",), ""), made.keys["admin"])


def test_people_without_a_key_are_different_people(archive: Archive) -> None:
    for person_id in ("hand1", "hand2"):
        add_person(archive.workspace, NewPerson(person_id, "手签", f"S-{person_id}", ("supervisor",), ""),
                   archive.keys["admin"])
    register = list_people(archive.workspace.db)
    first, second = (one for one in register if not one.public_key)
    assert not one_human(register, first, second)
    order = archive.approve(archive.appraise(archive.propose(archive.file())))
    archive.keys["hand1"] = archive.keys["sup1"]
    with pytest.raises(RefusedByRule, match="key"):
        archive.sign(order, "hand1")
    assert find_order(archive.workspace.db, order.order_id).signers("order.signed") == []
