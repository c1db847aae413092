"""What a clerk does not come to see by way of edits, volumes and holds; and that whoever was revoked sees nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli, clock_at
from scans import scan
from small_archive import DAY, make_small_archive

from recordkit.archive.bulk import mark_of
from recordkit.archive.catalogue import find_record
from recordkit.store import open_store

OPEN, ACCOUNT, PARTY = "供合〔2026〕0001号", "0012005109", "吴敏"
CLERK, ARCH = ("--as", "clerk"), ("--as", "arch")


@pytest.fixture
def kept(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Cli, str]:
    """An archive with people and one restricted record; its archival code."""
    cli.store = cli.store.parent / "卷库"
    make_small_archive(cli.store)
    scan(tmp_path / "停水.pdf", "stop order")
    cli("ingest", tmp_path / "停水.pdf", "--class", "stop-order", "--set", f"户号={ACCOUNT}", "--set",
        f"当事人={PARTY}", "--no-ocr")
    (found,) = [one["code"] for one in cli.json("search", f"户号:{ACCOUNT}")["items"]]
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "three plain words")
    for person, role in (("admin", "administrator"), ("clerk", "clerk"), ("arch", "archivist")):
        cli("key", "create", tmp_path / person)
        cli("people", "add", person, "--name", person, "--role", role, "--staff-no", person,
            "--key", tmp_path / f"{person}.pub")
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(tmp_path / "admin"))
    return cli, str(found)


def mark(cli: Cli) -> str:
    """The 标识 that a correction sheet has for the open record."""
    workspace = open_store(cli.store, clock_at(DAY), "test")
    try:
        return mark_of(find_record(workspace.db, OPEN))
    finally:
        workspace.close()


def test_a_correction_shows_old_numbers_masked_to_whoever_sees_them_masked(
    kept: tuple[Cli, str], tmp_path: Path
) -> None:
    cli, _ = kept
    shown = cli.json("show", OPEN, *ARCH)
    sheet = tmp_path / "更正.csv"
    sheet.write_text(f"档号,版本,电话,标识\n{shown['code']},{shown['version']},13911112222,{mark(cli)}\n", "utf-8")
    for arguments in ((OPEN, "--set", "电话=13911112222"), ("--data", sheet)):
        for more in ((), ("--json",)):
            call = ("edit", *arguments, "--reason", "换号", "--dry-run", *more)
            assert "13900000001" in cli(*call, *ARCH)
            told = cli(*call, *CLERK)
            assert "13900000001" not in told and "139" in told


def test_no_act_on_volumes_or_holds_tells_a_clerk_of_a_restricted_record(kept: tuple[Cli, str]) -> None:
    cli, secret = kept

    def refused(*arguments: str) -> None:
        told = cli(*arguments, *CLERK, expect=8) + cli.err
        assert PARTY not in told and ACCOUNT not in told, told

    def silent(*arguments: str) -> None:
        for more in ((), ("--json",)):
            told = cli(*arguments, *more, *CLERK) + cli.err
            assert PARTY not in told and "欠费三年" not in told, told

    silent("volume", "create", "--per-account", "--dry-run")
    volume = cli.json("volume", "create", "--account", ACCOUNT, *ARCH)
    shown = cli.json("volume", "show", volume["code"], *CLERK)
    assert (shown["restricted"], shown["account"], PARTY in shown["title"]) == (True, None, False)
    project = cli.json("volume", "create", "--account", "0012005101", *ARCH)["code"]
    refused("volume", "add", project, secret)
    cli("volume", "add", volume["code"], OPEN, *CLERK, expect=8)
    assert ACCOUNT not in cli.err and volume["code"] in cli.err
    cli("volume", "add", volume["code"], secret, *ARCH)
    refused("volume", "remove", volume["code"], secret, "--reason", "x")
    cli("volume", "remove", volume["code"], secret, "--reason", "放错", *ARCH)
    silent("volume", "show", volume["code"])
    project = cli.json("volume", "create", "--project", f"{PARTY}巷改造", *ARCH)["code"]
    cli("volume", "add", project, secret, *ARCH)
    silent("volume", "show", project)
    cli("volume", "remove", project, secret, "--reason", "放错", *ARCH)
    silent("volume", "show", project)
    cli("hold", "place", secret, "--kind", "debt", "--reason", "欠费三年", *ARCH)
    cli("hold", "place", "--account", ACCOUNT, "--kind", "debt", "--reason", "该户欠费三年", *ARCH)
    silent("hold", "list")
    assert "欠费三年" in cli("hold", "list", *ARCH)
    assert {one["account"] for one in cli.json("hold", "list", *CLERK)["items"]} == {None}


def test_a_volume_is_opened_again_only_where_none_of_its_account_is_open(kept: tuple[Cli, str]) -> None:
    cli, _ = kept
    first = cli.json("volume", "create", "--account", "0012005101", *ARCH)["code"]
    cli("volume", "add", first, OPEN, *ARCH)
    cli("volume", "close", first, *ARCH)
    second = cli.json("volume", "create", "--account", "0012005101", *ARCH)["code"]
    cli("volume", "reopen", first, "--reason", "补归", *ARCH, expect=8)
    assert second in cli.err
    told = cli("edit", OPEN, "--set", "户号=0012005199", "--reason", "写错", *ARCH) + cli.err
    assert f"volume remove {first}" in told


def test_whoever_was_revoked_reads_nothing_either(kept: tuple[Cli, str], tmp_path: Path) -> None:
    cli, _ = kept
    cli("edit", OPEN, "--set", "盒号=7", "--reason", "入盒", *ARCH)
    cli("people", "revoke", "clerk", "--reason", "调离")
    for call in (("box", "labels", "--all", "--out", tmp_path / "签.docx"), ("stats",), ("check", OPEN),
                 ("volume", "list"), ("show", OPEN)):
        cli(*call, *CLERK, expect=8)
        assert "clerk" in cli.err
    assert not (tmp_path / "签.docx").exists()


def test_a_sheet_that_takes_accounts_away_from_their_volume_says_so(kept: tuple[Cli, str], tmp_path: Path) -> None:
    cli, _ = kept
    volume = cli.json("volume", "create", "--account", "0012005101", *ARCH)["code"]
    cli("volume", "add", volume, OPEN, *ARCH)
    shown = cli.json("show", OPEN, *ARCH)
    sheet = tmp_path / "更正.csv"
    sheet.write_text(f"档号,版本,户号,标识\n{shown['code']},{shown['version']},0012005199,{mark(cli)}\n", "utf-8")
    told = cli("edit", "--data", sheet, "--reason", "写错", *ARCH) + cli.err
    assert f"volume remove {volume} {shown['code']}" in told


def test_a_box_with_a_restricted_record_is_renamed_only_by_who_may_see_it(kept: tuple[Cli, str]) -> None:
    cli, code = kept
    cli("edit", code, "--set", "盒号=Z-1", "--reason", "入盒", *ARCH)
    cli("edit", OPEN, "--set", "盒号=Z-1", "--reason", "入盒", *ARCH)
    before = cli.json("show", code, *ARCH)["version"]
    cli("box", "rename", "Z-1", "Z-2", "--reason", "改", *CLERK, expect=8)
    assert (cli.json("show", code, *ARCH)["version"], cli.json("show", OPEN, *ARCH)["paper"]["box"]) == (before, "Z-1")
    cli("box", "rename", "Z-1", "Z-2", "--reason", "改", *ARCH)
    assert cli.json("show", code, *ARCH)["paper"]["box"] == "Z-2"


def test_what_is_said_of_a_volume_is_changed_by_who_may_and_its_history_keeps_the_old(kept: tuple[Cli, str]) -> None:
    cli, secret = kept
    volume = cli.json("volume", "create", "--project", f"{PARTY}巷改造", *ARCH)["code"]
    cli("volume", "add", volume, secret, *ARCH)
    for act in ("note", "close"):
        cli("volume", act, volume, "--note", "伪说明", *CLERK, expect=8)
    cli("volume", "close", volume, *CLERK, expect=8)
    cli("volume", "note", volume, "--title", "伪题名", *CLERK, expect=8)
    assert cli.json("volume", "show", volume, *ARCH)["title"] == f"{PARTY}巷改造"
    cli("volume", "note", volume, "--title", f"{PARTY}路改造", *ARCH)
    titles = [one for item in cli.json("volume", "history", volume, *ARCH)["items"] for one in item["changes"]]
    assert [(one["old"], one["new"]) for one in titles] == [
        (None, f"{PARTY}巷改造"), (f"{PARTY}巷改造", f"{PARTY}路改造")]
    for more in ((), ("--json",)):
        told = cli("volume", "history", volume, *more, *CLERK)
        assert PARTY not in told and secret in told

    ordinary = cli.json("volume", "create", "--project", "文昌巷改造", *ARCH)["code"]
    cli("volume", "add", ordinary, OPEN, *CLERK)
    cli("volume", "note", ordinary, "--note", "缺附图", *CLERK)
    cli("volume", "close", ordinary, "--checked-by", "石磊", "--checked-on", "2026-11-20", *ARCH)
    cli("volume", "note", ordinary, "--checked-by", "王五", "--reason", "笔误", *CLERK, expect=8)
    cli("volume", "reopen", ordinary, "--reason", "改签", *CLERK, expect=8)
    assert "archivist" in cli.err or "档案员" in cli.err
    cli("volume", "note", ordinary, "--checked-by", "王五", *ARCH, expect=3)
    noted = cli.json("volume", "note", ordinary, "--checked-by", "王五", "--checked-on", "2026-11-20", "--reason",
                     "笔误", *ARCH)
    assert noted["checked_by"] == "王五"
    last = cli.json("volume", "history", ordinary, *ARCH)["items"][-1]
    assert (last["act"], last["reason"], last["changes"]) == (
        "volume.noted", "笔误", [{"field": "checked_by", "old": "石磊", "new": "王五"}])
    assert "石磊 → 王五" in cli("volume", "history", ordinary, *ARCH)


def test_an_account_that_a_clerk_types_in_tells_nothing_of_a_restricted_record(kept: tuple[Cli, str]) -> None:
    cli, secret = kept
    unknown = "0012009999"
    cli("volume", "create", "--account", ACCOUNT, *ARCH)
    for one, count in ((ACCOUNT, 0), (unknown, 0), ("0012005101", 3)):
        found = cli.json("catalogue", "list", "--account", one, *CLERK)
        assert (found["total"], len(found["items"])) == (count, count)
        assert cli.json("volume", "list", "--account", one, *CLERK)["total"] == 0
    assert cli.json("catalogue", "list", "--account", ACCOUNT, *ARCH)["items"][0]["code"] == secret
    assert cli.json("volume", "list", "--account", ACCOUNT, *ARCH)["total"] == 1
    assert cli.json("volume", "list", *CLERK)["total"] == 1
    cli("volume", "close", cli.json("volume", "list", *ARCH)["items"][0]["code"], *ARCH, expect=8)


def test_a_new_volume_answers_a_clerk_alike_for_an_account_with_a_restricted_record_and_without(
    kept: tuple[Cli, str]
) -> None:
    cli, _ = kept
    cli("volume", "create", "--account", ACCOUNT, *ARCH)
    answers = []
    for one in (ACCOUNT, "0012009999"):
        for more in ((), ("--dry-run",)):
            told = cli("volume", "create", "--account", one, *more, *CLERK, expect=8)
            answers.append(f"{told}{cli.err}".replace(one, "户号"))
    assert answers[:2] == answers[2:]


def test_events_and_what_is_waited_for_tell_a_clerk_nothing_of_a_restricted_record(
    kept: tuple[Cli, str], tmp_path: Path
) -> None:
    cli, secret = kept
    cli("event", "add", "case-closed", secret, "--date", "2026-11-20", *CLERK, expect=8)
    for one in (ACCOUNT, "0012009999"):
        cli("event", "add", "account-closed", one, "--date", "2026-11-20", "--dry-run", *CLERK, expect=5)
    told = cli("event", "add", "account-closed", "--account", ACCOUNT.lstrip("0"), "--date", "2026-11-19", *CLERK)
    assert ACCOUNT not in told + cli.err
    held = cli.json("hold", "place", "--account", ACCOUNT, "--kind", "debt", "--reason", "欠费", *CLERK)
    assert held["covered"] == 0
    cli("hold", "release", held["hold"], "--reason", "试", *ARCH)
    cli("event", "add", "case-closed", secret, "--date", "2026-11-20", "--note", "此案已结", *ARCH)
    cli("event", "add", "account-closed", "--account", ACCOUNT, "--date", "2026-11-20", "--note", "欠费销户", *ARCH)
    assert "此案已结" in cli("event", "list", "--all", *ARCH)
    for more in ((), ("--json",), ("--all",), ("--all", "--json")):
        told = cli("event", "list", *more, *CLERK)
        assert not [one for one in ("此案已结", "欠费销户", ACCOUNT) if one in told], told
    event = next(one["event"] for one in cli.json("event", "list", *ARCH)["items"] if one["type"] == "case-closed")
    cli("event", "withdraw", event, "--reason", "未结", *CLERK, expect=8)
    cli("event", "revise", event, "--date", "2026-11-19", "--reason", "写错", *CLERK, expect=8)
    cli("event", "withdraw", event, "--reason", "未结", *ARCH)
    full = cli.json("event", "list", "--waiting", *ARCH)
    seen = cli.json("event", "list", "--waiting", "--out", tmp_path / "待办.csv", *CLERK)
    assert secret in {one["code"] for one in full["items"]} and secret not in {one["code"] for one in seen["items"]}
    assert ACCOUNT not in {one["account"] for one in seen["items"]}
    assert (seen["left_out"], seen["records"]) == (1, full["records"] - 1)
    assert ACCOUNT not in (tmp_path / "待办.csv").read_text("utf-8-sig")
