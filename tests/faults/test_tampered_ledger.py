"""Every way to falsify a ledger is named by the single-file verifier, which knows nothing of recordkit."""

import hashlib
import json
import random
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
from recordkit.model import canonical_json
from recordkit.people import find_person

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


def test_half_a_batch_at_the_end_is_told(copy: Path) -> None:
    path = copy / "ledger-000001.jsonl"
    with path.open("ab") as stream:
        stream.write(b'{"act":"record')
    assert codes(copy) == {"torn"}


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


def spoil_the_form(entries, keys):
    first(entries, "order.approved")["body"] = []


@pytest.mark.parametrize(("forge", "named"), [
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
    (register_a_person_oneself, {"role"}),
    (make_the_store_another_one, {"statement"}),
    (spoil_the_form, {"form"}),
])
def test_a_ledger_chained_anew_with_a_forgery_is_named(genuine, copy: Path, forge: Forgery, named: set[str]) -> None:
    entries = entries_of(copy)
    forge(entries, genuine[2])
    write(copy, entries, chained=True)
    assert codes(copy) >= named


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
