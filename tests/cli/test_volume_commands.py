"""Volumes at the command line: what is printed, what is refused with which exit code, what is restricted."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli
from scans import scan
from small_archive import make_small_archive


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli.store = cli.store.parent / "卷库"
    make_small_archive(cli.store)
    return cli


def test_one_volume_for_every_account_planned_made_and_listed(filled: Cli) -> None:
    plan = filled.json("volume", "create", "--per-account", "--dry-run")
    assert plan["dry_run"] and plan["total"] == 6 and filled.json("volume", "list")["total"] == 0
    made = filled.json("volume", "create", "--per-account")
    assert [one["records"] for one in made["items"]] == [3, 2, 1, 2, 1, 1]
    assert {one["volume"] for one in plan["items"]} == {None}
    assert [one["volume"] for one in made["items"]] == [
        one["code"] for one in filled.json("volume", "list")["items"]]
    shown = filled("volume", "show", "C001-KF·2026-KFZ-AJ0001")
    assert "First date" in shown and "Last date" in shown and "From" not in shown
    assert filled.json("volume", "create", "--per-account")["items"] == []
    listed = filled.json("volume", "list", "--limit", "2", "--offset", "1")
    assert listed["total"] == 6
    assert [one["code"] for one in listed["items"]] == ["C001-KF·2026-KFZ-AJ0002", "C001-KF·2026-KFZ-AJ0003"]
    one = filled.json("volume", "show", "C001-KF·2026-KFZ-AJ0001")
    assert (one["title"], one["account"], one["records"], one["pages"]) == (
        "张三（0012005101）用户档案", "0012005101", 3, 5)
    assert [(item["position"], item["number"]) for item in one["items"]] == [
        (1, "供合〔2026〕0001号"), (2, "换通〔2026〕0001号"), (3, "回访〔2026〕00001号")]
    # The visit is ten years old one day, but lies with a contract that has not ended.
    assert {item["decision"] for item in one["items"]} == {"waiting"}
    assert filled.json("show", "回访〔2026〕00001号")["volume"] == one["code"]


def test_a_volume_is_filled_closed_noted_and_opened_again(filled: Cli) -> None:
    volume = filled.json("volume", "create", "--project", "文昌巷改造")["code"]
    assert filled.json("volume", "add", volume, "供合〔2026〕0001号", "换通〔2026〕0001号")["records"] == 2
    assert filled.json("volume", "add", volume, "供合〔2026〕0001号")["added"] == []
    filled("volume", "remove", volume, "换通〔2026〕0001号", "--reason", "放错", "--dry-run")
    closed = filled.json("volume", "close", volume, "--note", "缺附图", "--arranged-by", "王芳", "--checked-by", "夏玥",
                         "--checked-on", "2026-11-21", "--as-of", "2026-11-20")
    assert (closed["status"], closed["records"], closed["situation"], closed["arranged_by"], closed["arranged_on"],
            closed["checked_on"]) == ("closed", 2, "缺附图", "王芳", "2026-11-20", "2026-11-21")
    filled("volume", "add", volume, "换通〔2026〕0002号", expect=8)
    assert volume in filled.err and "volume reopen" in filled.err
    filled("volume", "reopen", volume, "--reason", " ", expect=3)
    filled("volume", "reopen", volume, "--reason", "补归")
    assert filled.json("volume", "remove", volume, "换通〔2026〕0001号", "--reason", "放错")["records"] == 1
    told = [(one["act"], one["reason"]) for one in filled.json("history", "换通〔2026〕0001号")["items"]]
    assert told[-2:] == [("volume.filed", None), ("volume.taken-out", "放错")]
    held = filled.json("hold", "place", "--volume", volume, "--kind", "debt", "--reason", "欠款")
    assert len(held["records"]) == 1


@pytest.mark.parametrize(("arguments", "code"), [
    (("create",), 2), (("create", "--account", "1", "--project", "x"), 2),
    (("create", "--project", "x", "--title", "y"), 2),
    (("create", "--project", " "), 3), (("create", "--project", "x", "--class", "nothing"), 5),
    (("show", "AJ9"), 5), (("add", "AJ9", "供合〔2026〕0001号"), 5),
])
def test_a_wrong_call_is_refused_and_changes_nothing(filled: Cli, arguments: tuple[str, ...], code: int) -> None:
    filled("volume", *arguments, expect=code)
    assert filled.json("volume", "list")["total"] == 0


def test_the_title_of_a_volume_with_a_restricted_record_is_shown_to_whoever_may_see_it(
    filled: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = tmp_path / "停水.pdf"
    scan(paper, "stop order")
    filled("ingest", paper, "--class", "stop-order", "--set", "户号=0012005101", "--no-ocr")
    filled("volume", "create", "--per-account")
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "three plain words")
    for person, role in (("admin", "administrator"), ("clerk", "clerk"), ("arch", "archivist")):
        filled("key", "create", tmp_path / person)
        filled("people", "add", person, "--name", person, "--role", role, "--staff-no", person,
               "--key", tmp_path / f"{person}.pub")
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(tmp_path / "admin"))
    for person, seen in (("clerk", False), ("arch", True)):
        items = filled.json("volume", "list", "--as", person)["items"]
        titles, accounts = [one["title"] for one in items], [one["account"] for one in items]
        assert ("张三（0012005101）用户档案" in titles, "0012005101" in accounts) == (seen, seen)
        assert "欧阳静（0012005102）用户档案" in titles
