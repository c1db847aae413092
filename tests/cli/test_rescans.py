"""Other bytes for a document whose paper is filed: a question, or a new version of the record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli
from ocfl_judge import assert_valid_root
from scans import DAY, filed, issue_one, scan, signed

from recordkit import files
from recordkit.archive import ingest
from recordkit.archive.objects import ObjectStore


def by_version(cli: Cli) -> None:
    """Set [ingest] rescan = "version"."""
    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    assert 'rescan = "ask"' in text
    path.write_text(text.replace('rescan = "ask"', 'rescan = "version"'), encoding="utf-8")


def again(cli: Cli, path: Path, *more: object) -> dict[str, object]:
    (item,) = cli.json("ingest", path, *more, *DAY)["items"]
    return item  # type: ignore[no-any-return]


def codes(item: dict[str, object]) -> list[str]:
    return [one["code"] for one in item["findings"]]  # type: ignore[attr-defined]


def test_by_default_a_second_scan_waits_and_its_reason_names_the_command(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, "first")
    item = again(cli, signed(cli, tmp_path / "b.pdf", number, "second"))
    assert (item["outcome"], codes(item)) == ("unmatched", ["not-open"])
    (waiting,) = cli.json("unmatched", "list")["items"]
    assert f"recordkit match {waiting['key']} {number} --new-version" in str(item["reason"])
    assert cli.json("show", record)["version"] == 1


def test_match_files_the_waiting_scan_as_a_new_version(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, "first")
    cli("edit", record, "--set", "盒号=A-07", "--reason", "上架", *DAY)
    before = cli.json("show", record)
    second = signed(cli, tmp_path / "b.pdf", number, "second", 2)
    again(cli, second)
    key = cli.json("unmatched", "list")["items"][0]["key"]
    cli("match", key, number, *DAY, expect=8)
    assert cli.json("match", key, number, "--new-version", "--dry-run", *DAY)["outcome"] == "archived"
    assert cli.json("show", record)["version"] == 2
    item = cli.json("match", key, number, "--new-version", "--reason", "第一次扫歪了", *DAY)
    assert (item["outcome"], item["record_id"], item["version"]) == ("archived", record, 3)
    shown = cli.json("show", record)
    # The paper of this test says neither number nor account, as a real one does.
    assert codes(shown) == ["doubtful-match"]
    own = shown.keys() - {"findings", "groups"}
    assert {key: shown[key] for key in own if before[key] != shown[key]} == {
        "version": 3, "pages": 2, "sha256": files.digests_of(second).sha256, "source": "b.pdf", "matched": "by-hand"}
    assert cli.json("search", "first")["total"] == 0
    assert cli.json("search", "second")["items"][0]["pages"] == [1, 2]
    acts = [(one["act"], one["version"], one["reason"]) for one in cli.json("history", record)["items"]]
    assert acts == [("record.filed", 1, None), ("record.edited", 2, "上架"), ("record.rescanned", 3, "第一次扫歪了")]
    ledger = (cli.store / "ledger" / "ledger-000001.jsonl").read_text(encoding="utf-8")
    assert "第一次扫歪了" not in ledger
    out = tmp_path / "old.pdf"
    cli("get", record, "--version", "1", "--out", out)
    assert out.read_bytes() == (tmp_path / "signed.pdf").read_bytes()
    cli("get", record, "--out", tmp_path / "new.pdf")
    assert (tmp_path / "new.pdf").read_bytes() == second.read_bytes()
    cli("get", record, "--version", "9", "--out", tmp_path / "no.pdf", expect=5)
    assert cli.json("unmatched", "list")["total"] == 0
    assert cli.json("verify")["ok"]
    assert_valid_root(cli.store / "objects")


def test_the_bytes_of_every_version_are_known_also_after_a_rebuild(cli: Cli, tmp_path: Path) -> None:
    by_version(cli)
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, "first")
    item = again(cli, signed(cli, tmp_path / "b.pdf", number, "second"))
    assert (item["outcome"], item["record_id"], item["version"]) == ("archived", record, 2)
    for _ in range(2):
        old, new = again(cli, tmp_path / "signed.pdf"), again(cli, tmp_path / "b.pdf")
        assert (old["outcome"], new["outcome"]) == ("duplicate", "duplicate")
        assert "version 1 of" in str(old["reason"])
        assert "filed as" in str(new["reason"])
        cli("rebuild")
    assert cli.json("show", record)["version"] == 2


def test_a_worse_scan_never_replaces_a_better_one_by_itself(cli: Cli, tmp_path: Path) -> None:
    by_version(cli)
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, "first", 3)
    item = again(cli, signed(cli, tmp_path / "b.pdf", number, "second", 2))
    assert (item["outcome"], codes(item)) == ("unmatched", ["not-open", "worse-scan"])
    key = cli.json("unmatched", "list")["items"][0]["key"]
    assert codes(cli.json("match", key, number, "--new-version", *DAY)) == ["doubtful-match", "worse-scan"]
    assert cli.json("show", record)["pages"] == 2


def test_attachments_and_fields_stay_and_what_only_the_old_scan_had_goes(cli: Cli, tmp_path: Path) -> None:
    by_version(cli)
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, "first")
    cli("ingest", "--attach-to", number, scan(tmp_path / "x.pdf", "card"), *DAY)
    cli("edit", record, "--set", "customer_name=改名", "--reason", "错字", *DAY)
    again(cli, signed(cli, tmp_path / "b.pdf", number, "second", 2))
    shown = cli.json("show", record)
    assert (shown["version"], shown["customer_name"], len(shown["attachments"])) == (4, "改名", 1)
    assert cli.json("search", "card")["items"][0]["pages"] == [3]
    out = tmp_path / "card.pdf"
    cli("get", record, "--attachment", "1", "--out", out)
    assert out.read_bytes() == (tmp_path / "x.pdf").read_bytes()
    cli("get", record, "--attachment", "1", "--version", "1", "--out", tmp_path / "no.pdf", expect=5)


def test_a_rehearsal_of_a_second_scan_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    by_version(cli)
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, "first")
    ledger = (cli.store / "ledger" / "ledger-000001.jsonl").read_bytes()
    item = again(cli, signed(cli, tmp_path / "b.pdf", number, "second"), "--dry-run")
    assert (item["outcome"], item["record_id"]) == ("archived", record)
    assert (cli.store / "ledger" / "ledger-000001.jsonl").read_bytes() == ledger


def test_what_is_not_filed_cannot_be_replaced_and_what_was_voided_stays_void(cli: Cli, tmp_path: Path) -> None:
    by_version(cli)
    out, void = issue_one(cli), issue_one(cli)
    cli("issued", "void", void, "--reason", "写错", *DAY)
    item = again(cli, signed(cli, tmp_path / "v.pdf", void))
    assert (item["outcome"], codes(item)) == ("unmatched", ["not-open"])
    key = cli.json("unmatched", "list")["items"][0]["key"]
    cli("match", key, void, "--new-version", *DAY, expect=8)
    cli("match", key, out, "--new-version", *DAY, expect=8)
    cli("match", key, out, "--reason", "x", *DAY, expect=2)


def test_a_record_without_a_document_gets_a_new_version_by_its_archival_code(cli: Cli, tmp_path: Path) -> None:
    code = again(cli, scan(tmp_path / "p.pdf", "visit"), "--class", "visit-record")["code"]
    again(cli, scan(tmp_path / "q.pdf", "clearer"))
    item = cli.json("match", "q.pdf", code, "--new-version", *DAY)
    assert (item["outcome"], item["code"], item["version"]) == ("archived", code, 2)
    assert cli.json("show", code)["title"] == "p"
    assert cli.json("search", "clearer")["total"] == 1


def test_a_held_record_may_get_a_new_version(cli: Cli, tmp_path: Path) -> None:
    by_version(cli)
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, "first")
    cli("hold", "place", record, "--kind", "litigation", "--reason", "诉讼", *DAY)
    assert again(cli, signed(cli, tmp_path / "b.pdf", number, "second"))["version"] == 2


@pytest.mark.parametrize("step", ["object", "ledger", "leave"])
def test_killed_between_the_steps_the_next_run_finishes_one_version(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    by_version(cli)
    number = issue_one(cli)
    record = filed(cli, tmp_path, number, "first")
    signed(cli, cli.store / "inbox" / "b.pdf", number, "second")
    with monkeypatch.context() as patch:
        if step == "object":
            patch.setattr(ObjectStore, "add_versions", die)
        elif step == "ledger":
            patch.setattr(files, "append_durable", die)
        else:
            patch.setattr(ingest, "leave_inbox", die)
        with pytest.raises(Killed):
            cli("ingest", *DAY)
    (item,) = cli.json("ingest", *DAY)["items"]
    assert item["outcome"] == ("duplicate" if step == "leave" else "archived")
    assert cli.json("show", record)["version"] == 2
    assert cli.json("verify")["ok"]
    assert json.loads(cli("ledger", "verify", "--json"))["ok"]
    assert_valid_root(cli.store / "objects")
