"""Every way to falsify a ledger is named by the single-file verifier, which knows nothing of recordkit."""

import hashlib
import json
import random
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parent.parent / "contract"))
from retention_store import make_archive

from recordkit.checkpoints import make_checkpoint
from recordkit.errors import IntegrityFailure
from recordkit.ledger import Ledger
from recordkit.model import canonical_json
from recordkit.people import find_person, plain_staff_no
from recordkit.retention.audit import audit_entries, remarks_of
from recordkit.retention.duties import DEFAULTS, accept_settings
from recordkit.store import SIMULATION_ID

TOOL = Path(__file__).parent.parent.parent / "tools" / "verify_ledger.py"
Entry = dict[str, Any]


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Ed25519PrivateKey]]:
    """A ledger with a whole destruction in it, a checkpoint of it kept elsewhere, and the keys of the people."""
    folder = tmp_path_factory.mktemp("genuine")
    archive = make_archive(folder / "store")
    archive.register("arch2", "archivist", staff_no="S-sup1")
    archive.revoke("sup3")
    record, other = archive.file("一"), archive.file("二")
    archive.execute(archive.signed(record))
    assert other
    found = archive.workspace.ledger.verify()
    checkpoint = make_checkpoint(
        archive.workspace, find_person(archive.workspace.db, "admin"), archive.keys["admin"], found
    )
    kept = folder / "checkpoint.json"
    kept.write_bytes(checkpoint.as_bytes())
    archive.workspace.close()
    return folder / "store" / "ledger", kept, archive.keys


def verify(folder: Path, *more: str) -> tuple[int, list[Entry]]:
    """As an auditor runs it: another folder, nothing of recordkit at hand."""
    done = subprocess.run([sys.executable, "-I", str(TOOL), str(folder), "--json", *more], capture_output=True,
                          text=True, cwd=folder)
    return done.returncode, json.loads(done.stdout)["findings"]


def codes(folder: Path, *more: str) -> set[str]:
    code, findings = verify(folder, *more)
    assert code == (1 if findings else 0)
    return {one["code"] for one in findings}


def entries_of(folder: Path) -> list[Entry]:
    return [json.loads(line) for line in (folder / "ledger-000001.jsonl").read_bytes().splitlines()]


def write(folder: Path, entries: list[Entry], *, chained: bool) -> None:
    """Write entries; ``chained`` computes numbers, links and hashes anew, as a forger who knows the format does."""
    head = "0" * 64
    lines = []
    for seq, entry in enumerate(entries, start=1):
        if chained:
            entry = {key: value for key, value in entry.items() if key != "hash"} | {"seq": seq, "prev": head}
            entry["hash"] = head = hashlib.sha256(canonical_json(entry)).hexdigest()
        lines.append(canonical_json(entry) + b"\n")
    (folder / "ledger-000001.jsonl").write_bytes(b"".join(lines))


@pytest.fixture
def copy(genuine: tuple[Path, Path, dict[str, Ed25519PrivateKey]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(genuine[0], tmp_path / "ledger"))


def test_a_genuine_ledger_has_no_finding_and_bears_out_its_checkpoint(genuine, copy: Path) -> None:
    assert codes(copy) == set()
    assert codes(copy, "--against", str(genuine[1])) == set()


def test_the_verifier_needs_nothing_of_recordkit() -> None:
    assert "recordkit" not in [
        word for line in TOOL.read_text().splitlines() if line.strip().startswith(("import ", "from "))
        for word in line.replace(".", " ").split()
    ]


def test_any_flipped_byte_is_found(copy: Path) -> None:
    path = copy / "ledger-000001.jsonl"
    data = path.read_bytes()
    rng = random.Random(1)
    for at in sorted(rng.sample(range(len(data)), 25)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
        code, findings = verify(copy)
        assert code == 1, at
        assert findings[0]["entry"] in (data[:at].count(b"\n") + 1, data[:at].count(b"\n") + 2)


def test_a_dropped_moved_or_doubled_entry_breaks_the_chain(copy: Path) -> None:
    entries = entries_of(copy)
    for changed in (entries[:4] + entries[5:], [*entries[:4], entries[5], entries[4], *entries[6:]],
                    [*entries[:5], *entries[4:]]):
        write(copy, changed, chained=False)
        assert codes(copy) == {"chain"}


def test_a_cut_or_rewritten_ledger_contradicts_its_checkpoint(genuine, copy: Path) -> None:
    entries = entries_of(copy)
    whole = next(at for at in range(len(entries) - 1, 0, -1) if entries[at - 1]["left"] == 0)
    write(copy, entries[:whole], chained=False)
    assert codes(copy) == set()
    assert codes(copy, "--against", str(genuine[1])) == {"cut"}
    unsigned = next(entry for entry in entries if entry["act"] == "record.filed")
    unsigned["body"]["period"] = "Y"
    write(copy, entries, chained=True)
    assert codes(copy) == set()
    assert codes(copy, "--against", str(genuine[1])) == {"rewritten"}


def test_half_a_batch_at_the_end_is_told_and_is_no_damage(copy: Path) -> None:
    """As docs/checking.md says of ``ledger verify``: nothing of it was confirmed, the next act cuts it off."""
    path = copy / "ledger-000001.jsonl"
    whole = path.read_bytes()
    cut = max(at for at in range(len(whole)) if whole[at : at + 1] == b"\n" and at < len(whole) - 1)
    for data, size in ((whole + b'{"act":"record', 14), (whole + b"\0\0", 2)):
        path.write_bytes(data)
        done = subprocess.run([sys.executable, "-I", str(TOOL), str(copy), "--json"], capture_output=True, check=False)
        assert (done.returncode, json.loads(done.stdout)["torn_bytes"]) == (0, size)
    path.write_bytes(whole[: cut + 5])
    shown = subprocess.run([sys.executable, "-I", str(TOOL), str(copy), "--lang", "en"], capture_output=True,
                           check=False)
    assert (shown.returncode, b"never confirmed" in shown.stdout) == (0, True)


def test_a_checkpoint_by_somebody_else_vouches_for_nothing(genuine, copy: Path, tmp_path: Path) -> None:
    checkpoint = json.loads(genuine[1].read_bytes())
    stranger = Ed25519PrivateKey.generate()
    checkpoint["key"] = stranger.public_key().public_bytes_raw().hex()
    checkpoint["signature"] = stranger.sign(canonical_json(checkpoint["statement"])).hex()
    forged = tmp_path / "forged.json"
    forged.write_bytes(json.dumps(checkpoint).encode())
    assert codes(copy, "--against", str(forged)) == {"checkpoint"}
    forged.write_bytes(b"[]")
    assert codes(copy, "--against", str(forged)) == {"checkpoint"}


def signed_again(entry: Entry, key: Ed25519PrivateKey, by: str | None = None) -> None:
    """What a forger with somebody's key makes of an entry."""
    body = entry["body"]
    if by is not None:
        body["by"] = body["statement"]["by"] = by
    body["key"] = key.public_key().public_bytes_raw().hex()
    body["signature"] = key.sign(canonical_json(body["statement"])).hex()


def first(entries: list[Entry], act: str) -> Entry:
    return next(entry for entry in entries if entry["act"] == act)


Forgery = Callable[[list[Entry], dict[str, Ed25519PrivateKey]], object]


def edit_manifest(entries, keys):
    first(entries, "order.proposed")["body"]["manifest"]["items"][0]["pages"] = 9


def swap_signatures(entries, keys):
    one, other = first(entries, "order.approved")["body"], first(entries, "order.signed")["body"]
    one["signature"], other["signature"] = other["signature"], one["signature"]


def back_date(entries, keys):
    first(entries, "order.signed")["time"] = "2001-01-01T00:00:00Z"


def use_a_revoked_key(entries, keys):
    signed_again(first(entries, "order.signed"), keys["sup3"], "sup3")


def sign_twice(entries, keys):
    signed = [entry for entry in entries if entry["act"] == "order.signed"]
    signed_again(signed[1], keys["sup1"], "sup1")


def let_the_proposer_approve(entries, keys):
    signed_again(first(entries, "order.approved"), keys["arch"], "arch")


def use_a_second_account(entries, keys):
    """arch2 has the staff number of sup1: one person, and no supervisor."""
    signed = [entry for entry in entries if entry["act"] == "order.signed"]
    signed_again(signed[1], keys["arch2"], "arch2")


def take_another_key(entries, keys):
    signed_again(first(entries, "order.approved"), Ed25519PrivateKey.generate())


def leave_out_a_supervisor(entries, keys):
    entries.remove(first(entries, "order.signed"))


def leave_out_the_approval(entries, keys):
    entries.remove(first(entries, "order.approved"))


def destroy_without_an_order(entries, keys):
    entries.append({**first(entries, "record.destroyed"), "left": 0, "body": {"record": "R", "order": "D2037-0001"}})


def go_on_after_the_withdrawal(entries, keys):
    at = entries.index(first(entries, "order.intended"))
    withdrawn = {**entries[at], "act": "order.withdrawn", "left": 0, "body": {
        "order": entries[at]["body"]["order"], "note": "0" * 64}}
    entries.insert(at, withdrawn)


def write_a_key_in_another_way(entries, keys):
    """The key of sup1 in capitals would be that of a second person."""
    signed = [entry for entry in entries if entry["act"] == "order.signed"][1]["body"]
    added = [entry for entry in entries if entry["act"] == "person.added"]
    statement = next(one["body"]["statement"] for one in added if one["body"]["statement"]["id"] == "sup2")
    statement["public_key"] = keys["sup1"].public_key().public_bytes_raw().hex().upper()
    signed["key"] = statement["public_key"]
    signed["signature"] = keys["sup1"].sign(canonical_json(signed["statement"])).hex()


def change_an_opinion(entries, keys):
    opinions = first(entries, "order.appraised")["body"]["statement"]["opinions"]
    opinions[next(iter(opinions))] = "keep"


def register_a_person_oneself(entries, keys):
    added = json.loads(json.dumps([entry for entry in entries if entry["act"] == "person.added"][1]))
    at = len(entries) + 1
    added["body"]["statement"] |= {"id": "intruder", "seq": at}
    signed_again(added, Ed25519PrivateKey.generate())
    entries.append({**added, "left": 0, "time": entries[-1]["time"]})


def make_the_store_another_one(entries, keys):
    entries[0]["body"]["store_id"] = "99999999-2222-4333-8444-555555555555"


def destroy_a_record_twice(entries, keys):
    entries.append({**first(entries, "record.destroyed"), "left": 0, "time": entries[-1]["time"]})


def loosen_the_settings(entries, keys):
    """What the office may have written into recordkit.toml, with no administrator's signature."""
    first(entries, "settings.recorded")["body"]["settings"]["supervisor_excludes"] = []


def accept_settings_oneself(entries, keys):
    recorded = first(entries, "settings.recorded")
    seq = recorded["seq"]
    statement = {"act": "settings.accepted", "store": entries[0]["body"]["store_id"], "by": "boss", "seq": seq,
                 "settings": recorded["body"]["settings"]}
    recorded |= {"act": "settings.accepted", "body": {"statement": statement, "by": "boss"}}
    signed_again(recorded, keys["boss"])


def ask_for_three_supervisors(entries, keys):
    first(entries, "settings.recorded")["body"]["settings"]["supervisors"] = 3


def let_the_approver_supervise(entries, keys):
    """An approver whom an administrator also made a supervisor."""
    signed = [entry for entry in entries if entry["act"] == "order.signed"]
    signed_again(signed[1], keys["boss"], "boss")


def destroy_what_is_held(entries, keys):
    at = entries.index(first(entries, "order.intended"))
    record = entries[at]["body"]["records"][0]
    entries.insert(at, {**entries[at], "act": "hold.placed", "left": 0, "body": {
        "hold": "H1", "kind": "litigation", "until": None, "records": {record: "0" * 64}}})


def leave_out_the_settings(entries, keys):
    """Before the ledger says otherwise, the approver does not supervise."""
    let_the_approver_supervise(entries, keys)
    entries.remove(first(entries, "settings.recorded"))


def spoil_the_form(entries, keys):
    first(entries, "order.approved")["body"] = []


FORGERIES: list[tuple[Forgery, set[str]]] = [
    (edit_manifest, {"manifest"}),
    (swap_signatures, {"signature"}),
    (back_date, {"back-dated"}),
    (use_a_revoked_key, {"person"}),
    (sign_twice, {"same-person"}),
    (let_the_proposer_approve, {"role", "same-person"}),
    (use_a_second_account, {"role", "same-person"}),
    (take_another_key, {"key"}),
    (leave_out_a_supervisor, {"supervisors"}),
    (leave_out_the_approval, {"order"}),
    (destroy_without_an_order, {"order"}),
    (go_on_after_the_withdrawal, {"order"}),
    (write_a_key_in_another_way, {"signature"}),
    (change_an_opinion, {"signature", "opinions"}),
    (register_a_person_oneself, {"key"}),
    (make_the_store_another_one, {"statement"}),
    (destroy_a_record_twice, {"destroyed-twice"}),
    (loosen_the_settings, {"loosened"}),
    (accept_settings_oneself, {"role"}),
    (ask_for_three_supervisors, {"supervisors"}),
    (let_the_approver_supervise, {"role", "same-person"}),
    (destroy_what_is_held, {"held"}),
    (leave_out_the_settings, {"role", "same-person"}),
    (spoil_the_form, {"form"}),
]


@pytest.mark.parametrize(("forge", "named"), FORGERIES)
def test_a_ledger_chained_anew_with_a_forgery_is_named(genuine, copy: Path, forge: Forgery, named: set[str]) -> None:
    entries = entries_of(copy)
    forge(entries, genuine[2])
    write(copy, entries, chained=True)
    assert codes(copy) >= named


@pytest.mark.parametrize("forge", [forge for forge, _ in FORGERIES])
def test_ledger_verify_names_the_same_forgeries(genuine, copy: Path, forge: Forgery) -> None:
    """What the command and the checks before an execution go by, where the chain alone tells nothing.

    A time that goes back is named and no fault: a clock that was set right does that, and no order could go on.
    """
    def found() -> tuple[list[str], list[str]]:
        try:
            audit = audit_entries(SIMULATION_ID, [entry for entry, _ in Ledger(copy, 1 << 30).read()])
        except IntegrityFailure as failure:
            return [str(failure)], []
        return [str(one.message) for one in audit.findings], [one.code for one in remarks_of(audit)]

    assert found() == ([], [])
    entries = entries_of(copy)
    forge(entries, genuine[2])
    write(copy, entries, chained=True)
    findings, remarks = found()
    if forge is back_date:
        assert (findings, remarks) == ([], ["back-dated"])
    else:
        assert findings != []


def release_before_the_execution(entries: list[Entry], on_account: bool) -> None:
    """Whoever can write the ledger places a hold and frees it again, between the signatures and the intent."""
    at = entries.index(first(entries, "order.intended"))
    record = entries[at]["body"]["records"][0]
    subject = {"account_note": "0" * 64} if on_account else {"records": {record: "0" * 64}}
    placed = {**entries[at], "act": "hold.placed", "left": 0, "body": {
        "hold": "H1", "kind": "litigation", "until": None, **subject}}
    freed = {**placed, "act": "hold.released", "actor": "os:intruder", "body": {"hold": "H1", **subject}}
    entries[at:at] = [placed, freed]


@pytest.mark.parametrize("on_account", [False, True])
def test_a_release_of_a_hold_while_an_order_is_on_its_way_is_named_and_no_fault(copy: Path, on_account: bool) -> None:
    entries = entries_of(copy)
    release_before_the_execution(entries, on_account)
    seq = next(at for at, entry in enumerate(entries, 1) if entry["act"] == "hold.released")
    write(copy, entries, chained=True)
    done = subprocess.run([sys.executable, "-I", str(TOOL), str(copy), "--json"], capture_output=True, check=True)
    told = json.loads(done.stdout)
    assert (told["ok"], [(one["entry"], one["code"]) for one in told["remarks"]]) == (True, [(seq, "hold-released")])
    shown = subprocess.run([sys.executable, "-I", str(TOOL), str(copy)], capture_output=True, check=True).stdout
    assert "请核对" in shown.decode() and "D2037-0001" in shown.decode()
    audit = audit_entries(SIMULATION_ID, [entry for entry, _ in Ledger(copy, 1 << 30).read()])
    (remark,) = remarks_of(audit)
    assert audit.findings == []
    assert "D2037-0001" in str(remark.message) and str(seq) in str(remark.message)
    assert ("os:intruder" in str(remark.message)) is not on_account


def test_a_release_after_the_execution_or_on_another_record_is_not_named(copy: Path) -> None:
    entries = entries_of(copy)
    other = [entry for entry in entries if entry["act"] == "record.filed"][1]["body"]["record"]
    assert other not in first(entries, "order.intended")["body"]["records"]
    release_before_the_execution(entries, False)
    for entry in entries:
        if entry["act"] in ("hold.placed", "hold.released"):
            entry["body"] = {**entry["body"], "records": {other: "0" * 64}}
    late = json.loads(json.dumps([entry for entry in entries if entry["act"].startswith("hold.")]))
    record = first(entries, "order.intended")["body"]["records"][0]
    entries += [{**one, "time": entries[-1]["time"], "body": {**one["body"], "records": {record: "0" * 64}}}
                for one in late]
    write(copy, entries, chained=True)
    done = subprocess.run([sys.executable, "-I", str(TOOL), str(copy), "--json"], capture_output=True, check=True)
    assert json.loads(done.stdout)["remarks"] == []
    audit = audit_entries(SIMULATION_ID, [entry for entry, _ in Ledger(copy, 1 << 30).read()])
    assert (audit.findings, remarks_of(audit)) == ([], [])


@pytest.mark.parametrize("change", [
    {"left": None}, {"left": "a"}, {"left": -1}, {"time": "２０２６-11-22T09:99:99Z"}, {"time": 5}, {"body": "x"},
    {"body": {"statement": []}},
])
def test_entries_of_a_strange_form_are_findings_and_no_crash(copy: Path, change: Entry) -> None:
    entries = entries_of(copy)
    first(entries, "order.approved").update(change)
    write(copy, entries, chained=True)
    assert codes(copy)


@pytest.mark.parametrize("line", [b"[" * 200_000, b"\xff\xfe", b"{}", b"null", b'{"hash":1}', b'{"seq":1e999}'])
def test_lines_that_are_no_entries_are_findings_and_no_crash(copy: Path, line: bytes) -> None:
    path = copy / "ledger-000001.jsonl"
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:3], line, *lines[4:], b""]))
    assert codes(copy) == {"changed"}


@pytest.mark.parametrize("content", [b"[" * 200_000, b"{}", b'{"statement": [], "key": 1, "signature": 2}', b""])
def test_files_that_are_no_checkpoints_are_findings_and_no_crash(copy: Path, content: bytes) -> None:
    (copy / "checkpoints").mkdir(exist_ok=True)
    (copy / "checkpoints" / "x.json").write_bytes(content)
    assert codes(copy) == {"checkpoint"}


def test_what_the_ledger_says_does_not_steer_the_screen(copy: Path) -> None:
    entries = entries_of(copy)
    first(entries, "order.approved")["body"]["by"] = "\x1b[2J0 findings"
    write(copy, entries, chained=True)
    shown = subprocess.run([sys.executable, "-I", str(TOOL), str(copy)], capture_output=True, check=False).stdout
    assert b"\x1b" not in shown


# --- the paper route ---


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Ed25519PrivateKey]]:
    """A ledger in which leader and supervisors signed on paper and an archivist entered it."""
    from test_paper_route import approve, archive, sign, signed_paper  # the store and the scans of those tests

    folder = tmp_path_factory.mktemp("by-hand")
    made = archive.__wrapped__(folder)
    order = made.appraise(made.propose(made.file()))
    paper = signed_paper(made, order, folder)
    order = approve(made, order, paper)
    for person in ("hand1", "hand2"):
        order = sign(made, order, person, paper)
    made.execute(order, "hand1")
    settings = made.root / "recordkit.toml"
    settings.write_text(settings.read_text("utf-8").replace("total_share = 0.5", "total_share = 0.6"), "utf-8")
    made.reopen()
    assert accept_settings(made.workspace, made.signer("admin")).loosened
    made.workspace.close()
    return folder / "store" / "ledger", made.keys


def test_the_verifier_says_which_route_each_act_took(by_hand: tuple[Path, dict[str, Ed25519PrivateKey]]) -> None:
    done = subprocess.run([sys.executable, "-I", str(TOOL), str(by_hand[0]), "--json"], capture_output=True, check=True)
    acts = [(one["act"], one["person"], one["route"], one["entered_by"]) for one in json.loads(done.stdout)["acts"]]
    assert acts == [
        ("order.proposed", "arch", "key", None), ("order.appraised", "appr", "key", None),
        ("order.approved", "hand-boss", "paper", "arch"), ("order.signed", "hand1", "paper", "arch"),
        ("order.signed", "hand2", "paper", "arch"),
    ]
    shown = subprocess.run([sys.executable, "-I", str(TOOL), str(by_hand[0])], capture_output=True, check=True)
    assert "hand2 手签，arch 录入" in shown.stdout.decode()


HAND_FORGERIES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "entered by nobody": ({"entered_by": "nobody"}, {"person"}),
    "entered by an appraiser": ({"entered_by": "appr"}, {"role", "key"}),
    "entered by the signer": ({"entered_by": "hand-boss"}, {"same-person"}),
    "by a supervisor": ({"by": "hand1"}, {"role"}),
    "scan never filed": ({"paper": {"record": "R0", "version": 1, "commitment": "0"}}, {"paper"}),
    "code of another order": ({"code": "RKDFK291ZN0013RFXH2ZYQG41N6R"}, {"paper-code"}),
    "too early": ({"signed_on": "2037-01-01"}, {"paper-day"}),
    "later than its scan": ({"signed_on": "2037-05-01"}, {"paper-day"}),
    "no day": ({"signed_on": None}, {"paper-day"}),
    "another route": ({"route": "telephone"}, {"statement"}),
}


@pytest.mark.parametrize("name", HAND_FORGERIES)
def test_a_forged_signature_by_hand_is_named(by_hand, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(by_hand[0], tmp_path / "ledger"))
    assert codes(folder) == set()
    entries = entries_of(folder)
    changes, named = HAND_FORGERIES[name]
    approved = first(entries, "order.approved")
    approved["body"]["statement"] |= changes
    approved["body"]["entered_by"] = approved["body"]["statement"]["entered_by"]
    signed_again(approved, by_hand[1]["arch"], approved["body"]["statement"]["by"])
    write(folder, entries, chained=True)
    assert codes(folder) >= named


def test_both_verifiers_know_the_same_defaults() -> None:
    """The rules are written twice; before its first entry the ledger says nothing, and both must mean the same."""
    program = f"import sys; sys.path.insert(0, {str(TOOL.parent)!r}); import verify_ledger, json; " \
              "print(json.dumps(verify_ledger.DUTIES))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert json.loads(out) == json.loads(json.dumps(DEFAULTS))


def test_both_verifiers_compare_staff_numbers_alike() -> None:
    theirs = runpy.run_path(str(TOOL))["plain_staff_no"]
    for text in ("G001", "ｇ００１", "G 001", "G-001", "工０１", " - ", "ß1", "İ", "ﬀ", "Å", ""):
        assert theirs(text) == plain_staff_no(text)
    assert plain_staff_no("Ｇ ００１") == plain_staff_no("g-001") != plain_staff_no("G0010")
