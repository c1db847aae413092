"""A signed checkpoint shows what the chain alone cannot: that its end is there, and that it is the same chain."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from recordkit.model import canonical_json
from recordkit.people import create_key, load_private_key
from recordkit.templates.forms import shipped_forms

SAMPLE = shipped_forms() / "visit-record" / "sample.toml"
AS_OF = ("--as-of", "2026-11-20")
SECRET = "demo-passphrase"


@pytest.fixture
def office(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A store with an administrator, a clerk and one issued document; keys in ``keys/``."""
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", SECRET)
    keys = tmp_path / "keys"
    for number, (person, role) in enumerate([("admin", "administrator"), ("clerk", "clerk")]):
        cli("key", "create", keys / person)
        cli("people", "add", person, "--name", person, "--role", role, "--staff-no", f"G{number}",
            "--key", keys / f"{person}.pub", *AS_OF)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(keys / "admin"))
    issue(cli)
    return cli


def issue(cli: Cli) -> None:
    cli("generate", "visit-record", "--data", SAMPLE, *AS_OF)


def ledger_file(cli: Cli) -> Path:
    return cli.store / "ledger" / "ledger-000001.jsonl"


def forget(cli: Cli) -> None:
    """What a forger removes: the catalogue that remembers the chain, and the copies of checkpoints."""
    for path in cli.store.glob("catalogue.sqlite3*"):
        path.unlink()
    shutil.rmtree(cli.store / "ledger" / "checkpoints", ignore_errors=True)


def written_anew(lines: list[bytes], change: Callable[[dict[str, Any]], None]) -> bytes:
    """The chain as a forger makes it who knows the format: every hash computed anew, and valid."""
    previous, out = "0" * 64, []
    for line in lines:
        raw = json.loads(line)
        del raw["hash"]
        change(raw)
        raw["prev"] = previous
        previous = hashlib.sha256(canonical_json(raw)).hexdigest()
        out.append(canonical_json({**raw, "hash": previous}) + b"\n")
    return b"".join(out)


def test_a_checkpoint_says_what_was_signed_and_the_ledger_holds_it_while_it_grows(
    office: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "点 1.json"
    made = office.json("ledger", "checkpoint", "--out", out)
    assert (made["by"], made["seq"], made["entries"]) == ("admin", 4, 4)
    file = json.loads(out.read_bytes())
    assert set(file) == {"statement", "key", "signature"}
    assert set(file["statement"]) == {"act", "store", "seq", "head", "entries", "time", "by"}
    assert file["statement"]["head"] == json.loads(ledger_file(office).read_bytes().splitlines()[-1])["hash"]
    (copy,) = (office.store / "ledger" / "checkpoints").iterdir()
    assert copy.read_bytes() == out.read_bytes()
    issue(office)
    found = office.json("ledger", "verify", "--against", out)
    assert found["ok"]
    assert [(one["ok"], one["known"], one["seq"]) for one in found["checkpoints"]] == [(True, True, 4)] * 2
    told = office("ledger", "verify", "--against", out, lang="zh")
    assert "admin" in office.err + told


def test_a_ledger_cut_short_is_shown_by_the_checkpoint_alone(office: Cli, tmp_path: Path) -> None:
    out = tmp_path / "c.json"
    office("ledger", "checkpoint", "--out", out)
    lines = ledger_file(office).read_bytes().splitlines(keepends=True)
    ledger_file(office).write_bytes(b"".join(lines[:-1]))
    forget(office)
    assert office.json("ledger", "verify")["ok"]
    found = office.json("ledger", "verify", "--against", out, expect=7)
    assert (found["ok"], found["first_bad"], found["entries"]) == (False, 4, 3)
    assert "cut short" in found["reason"]
    assert "cut short" in office("ledger", "verify", "--against", out, expect=7)


def test_a_chain_written_anew_with_valid_hashes_is_shown_by_the_checkpoint_alone(office: Cli, tmp_path: Path) -> None:
    out = tmp_path / "c.json"
    office("ledger", "checkpoint", "--out", out)
    lines = ledger_file(office).read_bytes().splitlines(keepends=True)

    def other_date(raw: dict[str, Any]) -> None:
        if raw["act"] == "issue.issued":
            raw["body"]["date"] = "2025-01-01"

    ledger_file(office).write_bytes(written_anew(lines, other_date))
    forget(office)
    assert office.json("ledger", "verify")["ok"]
    found = office.json("ledger", "verify", "--against", out, expect=7)
    assert "written anew" in found["reason"]
    assert found["first_bad"] == 4
    assert [one["known"] for one in found["checkpoints"]] == [True]


def test_a_forger_with_an_administrator_of_their_own_is_shown_too(office: Cli, tmp_path: Path) -> None:
    out = tmp_path / "c.json"
    office("ledger", "checkpoint", "--out", out)
    create_key(tmp_path / "forger", SECRET.encode())
    private = load_private_key(tmp_path / "forger", SECRET.encode())
    public = private.public_key().public_bytes_raw().hex()
    lines = ledger_file(office).read_bytes().splitlines(keepends=True)

    def signed_by_forger(raw: dict[str, Any]) -> None:
        if raw["act"] == "person.added":
            if raw["body"]["statement"]["id"] == "admin":
                raw["body"]["statement"]["public_key"] = public
            raw["body"]["key"] = public
            raw["body"]["signature"] = private.sign(canonical_json(raw["body"]["statement"])).hex()

    ledger_file(office).write_bytes(written_anew(lines, signed_by_forger))
    forget(office)
    assert office.json("ledger", "verify")["ok"]
    found = office.json("ledger", "verify", "--against", out, expect=7)
    told = " ".join(found["checkpoints"][0]["findings"])
    assert "written anew" in told
    assert "unknown" in told


def test_the_copies_in_the_store_are_held_against_the_chain_each_time(office: Cli, tmp_path: Path) -> None:
    office("ledger", "checkpoint", "--out", tmp_path / "c.json")
    lines = ledger_file(office).read_bytes().splitlines(keepends=True)
    ledger_file(office).write_bytes(b"".join(lines[:-1]))
    for path in office.store.glob("catalogue.sqlite3*"):
        path.unlink()
    assert "cut short" in office.json("ledger", "verify", expect=7)["reason"]
    ledger_file(office).write_bytes(b"".join(lines))
    (copy,) = (office.store / "ledger" / "checkpoints").iterdir()
    copy.write_bytes(b"{}")
    assert "not a checkpoint" in office.json("ledger", "verify", expect=7)["reason"]


@pytest.mark.parametrize("name", ["seq", "head", "time", "by", "store", "signature", "key"])
def test_a_checkpoint_that_was_changed_vouches_for_nothing(office: Cli, tmp_path: Path, name: str) -> None:
    out = tmp_path / "c.json"
    office("ledger", "checkpoint", "--out", out)
    file = json.loads(out.read_bytes())
    place = file if name in file else file["statement"]
    if name == "seq":
        place["seq"] = place["entries"] = 3
    else:
        place[name] = ("0" if place[name][0] != "0" else "1") + place[name][1:]
    out.write_text(json.dumps(file), encoding="utf-8")
    found = office.json("ledger", "verify", "--against", out, expect=7)
    assert "was changed" in " ".join(found["checkpoints"][0]["findings"])


def test_a_checkpoint_signed_by_anybody_else_is_named_as_unknown(office: Cli, tmp_path: Path) -> None:
    out = tmp_path / "c.json"
    office("ledger", "checkpoint", "--out", out)
    file = json.loads(out.read_bytes())
    private = load_private_key(tmp_path / "keys" / "clerk", SECRET.encode())
    file["statement"]["by"] = "clerk"
    file["key"] = private.public_key().public_bytes_raw().hex()
    file["signature"] = private.sign(canonical_json(file["statement"])).hex()
    out.write_text(json.dumps(file), encoding="utf-8")
    (one, _) = office.json("ledger", "verify", "--against", out, expect=7)["checkpoints"]
    assert not one["known"]
    assert ["unknown" in text for text in one["findings"]] == [True]


def test_what_an_administrator_signed_in_office_counts_after_the_revocation_and_not_before_the_appointment(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys"
    office("key", "create", keys / "second")
    office("people", "add", "second", "--name", "二", "--role", "administrator", "--staff-no", "G9",
           "--key", keys / "second.pub", *AS_OF)
    out = tmp_path / "c.json"
    office("ledger", "checkpoint", "--out", out, "--as", "second", "--key", keys / "second")
    office("people", "revoke", "second", "--reason", "调离", *AS_OF)
    assert office.json("ledger", "verify", "--against", out)["ok"]
    office("ledger", "checkpoint", "--out", tmp_path / "d.json", "--as", "second", "--key", keys / "second", expect=8)
    file = json.loads(out.read_bytes())
    lines = ledger_file(office).read_bytes().splitlines()
    for seq in (3, 6):
        # Signed as of a place where the signer was not yet, or no more, in office.
        file["statement"] |= {"seq": seq, "entries": seq, "head": json.loads(lines[seq - 1])["hash"]}
        private = load_private_key(keys / "second", SECRET.encode())
        file["signature"] = private.sign(canonical_json(file["statement"])).hex()
        (tmp_path / "e.json").write_text(json.dumps(file), encoding="utf-8")
        found = office.json("ledger", "verify", "--against", tmp_path / "e.json", expect=7)
        assert "unknown" in found["reason"]


def test_only_an_administrator_signs_and_only_for_a_whole_ledger(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "c.json"
    keys = tmp_path / "keys"
    office("ledger", "checkpoint", "--out", out, "--key", keys / "clerk", expect=8)
    office("ledger", "checkpoint", "--out", out, "--as", "clerk", expect=8)
    office("ledger", "checkpoint", "--out", out, "--key", keys / "none", expect=5)
    with monkeypatch.context() as patch:
        patch.delenv("RECORDKIT_ADMIN_KEY")
        office("ledger", "checkpoint", "--out", out, expect=8)
    raw = ledger_file(office).read_bytes()
    ledger_file(office).write_bytes(raw.replace(b'"seq":2', b'"seq":7'))
    office("ledger", "checkpoint", "--out", out, expect=7)
    ledger_file(office).write_bytes(raw)
    rehearsed = office.json("ledger", "checkpoint", "--out", out, "--dry-run")
    assert (rehearsed["seq"], rehearsed["dry_run"]) == (4, True)
    assert not out.exists()
    assert not (office.store / "ledger" / "checkpoints").exists()
    out.write_text("mine")
    office("ledger", "checkpoint", "--out", out, expect=3)
    assert out.read_text() == "mine"
    office("ledger", "checkpoint", "--out", out, "--force")
    assert office.json("ledger", "verify", "--against", out)["ok"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b"%PDF-1.7", b"[" * 50_000])
def test_what_is_no_checkpoint_is_refused(office: Cli, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    office("ledger", "verify", "--against", tmp_path / "x.json", expect=3)
    assert "x.json" in office.err and "checkpoint" in office.err
    office("ledger", "verify", "--against", tmp_path / "missing.json", expect=5)
    assert "missing.json" in office.err


def test_the_export_is_the_ledger_byte_for_byte_and_a_part_of_it_is_a_part(office: Cli, tmp_path: Path) -> None:
    out = tmp_path / "导出.jsonl"
    done = office.json("ledger", "export", "--out", out)
    assert (done["entries"], done["bytes"]) == (4, len(ledger_file(office).read_bytes()))
    assert out.read_bytes() == ledger_file(office).read_bytes()
    office("ledger", "export", "--out", out, expect=3)
    office("ledger", "export", "--out", out, "--from", "2", "--to", "3", "--force")
    assert out.read_bytes().splitlines() == ledger_file(office).read_bytes().splitlines()[1:3]
    office("ledger", "export", "--out", tmp_path / "none.jsonl", "--from", "5", expect=3)
    office("ledger", "export", "--out", tmp_path / "none.jsonl", "--dry-run")
    assert not (tmp_path / "none.jsonl").exists()
    raw = ledger_file(office).read_bytes()
    ledger_file(office).write_bytes(raw.replace(b'"seq":2', b'"seq":7'))
    office("ledger", "export", "--out", tmp_path / "none.jsonl", expect=7)
    assert not (tmp_path / "none.jsonl").exists()
