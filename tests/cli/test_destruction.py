from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from conftest import Cli

from recordkit.archive.filing import file_generated
from recordkit.workspace import Workspace

DAY = ("--as-of", "2037-01-15")
SECRET = "demo-passphrase"


@pytest.fixture
def office(cli: Cli, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Three visit records and the people of an office, with keys in ``keys/``."""
    for title in ("甲回访记录", "乙回访记录", "丙回访记录"):
        with workspace.writing() as writer:
            file_generated(writer, workspace, record_class="visit-record", title=title, on=date(2026, 11, 18),
                           content={"original.json": title.encode(), "text.json": b'{"pages": []}'}, fields={})
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", SECRET)
    keys = tmp_path / "keys"
    for number, (person, role) in enumerate(
        [("admin", "administrator"), ("arch", "archivist"), ("appr", "appraiser"), ("lead", "approver"),
         ("w1", "supervisor"), ("w2", "supervisor")]
    ):
        cli("key", "create", keys / person)
        cli("people", "add", person, "--name", person, "--role", role, "--staff-no", f"G{number}",
            "--key", keys / f"{person}.pub", *DAY)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(keys / "admin"))
    cli.keys = keys  # type: ignore[attr-defined]
    return cli


def signed(office: Cli, person: str) -> tuple[object, ...]:
    return ("--as", person, "--key", office.keys / person, *DAY)  # type: ignore[attr-defined]


CODE = "C001-KF·2026-D10-KFZ-000{}"


def ready(office: Cli, *codes: str) -> str:
    """An order over ``codes`` that two supervisors have signed."""
    order = str(office.json("destruction", "propose", *codes, *signed(office, "arch"))["order"])
    office("destruction", "appraise", order, "--all", "destroy", *signed(office, "appr"))
    office("destruction", "approve", order, *signed(office, "lead"))
    office("destruction", "sign", order, *signed(office, "w1"))
    office("destruction", "sign", order, *signed(office, "w2"))
    return order


EXECUTE = ("--place", "档案室", "--method", "删除", "--as", "w1", *DAY)


def test_the_whole_life_of_an_order(office: Cli) -> None:
    order = ready(office, CODE.format(1))
    done = office.json("destruction", "execute", order, *EXECUTE)
    assert [one["outcome"] for one in done["items"]] == ["destroyed"]
    office("destruction", "complete", order, *signed(office, "w1"))
    assert office.json("destruction", "show", order)["status"] == "executed"
    office("destruction", "complete", order, *signed(office, "w2"))
    shown = office.json("destruction", "show", order)
    assert {"order", "status", "digest", "items", "opinions", "approvals", "signatures", "executed",
            "completed"} <= set(shown)
    assert shown["status"] == "completed"
    assert [one["person"] for one in shown["signatures"]] == ["w1", "w2"]
    assert office.json("show", CODE.format(1))["status"] == "destroyed"
    assert office.json("search", "甲回访记录")["total"] == 0
    assert office.json("search", "乙回访记录")["total"] == 1
    assert office.json("ledger", "verify")["ok"]
    assert office.json("verify")["ok"]
    register = office.json("show", shown["register"])
    assert register["record_class"] == "destruction-register"
    assert register["retention"]["period"] == "permanent"


def test_one_person_alone_gets_nowhere(office: Cli) -> None:
    order = str(office.json("destruction", "propose", CODE.format(1), *signed(office, "arch"))["order"])
    office("destruction", "appraise", order, "--all", "destroy", *signed(office, "arch"), expect=8)
    office("destruction", "appraise", order, "--all", "destroy", *signed(office, "appr"))
    office("destruction", "approve", order, *signed(office, "arch"), expect=8)
    office("destruction", "approve", order, *signed(office, "lead"))
    office("destruction", "sign", order, *signed(office, "lead"), expect=8)
    office("destruction", "sign", order, *signed(office, "w1"))
    office("destruction", "sign", order, *signed(office, "w1"), expect=8)
    office("destruction", "execute", order, *EXECUTE, expect=8)
    assert office.json("show", CODE.format(1))["status"] == "active"


def test_a_name_without_a_key_is_no_signature(office: Cli) -> None:
    office("destruction", "propose", "--due", "--as", "arch", *DAY, expect=8)
    assert "--key" in office.err


def test_a_record_that_is_not_due_is_refused_by_name_and_the_rest_goes_in(office: Cli) -> None:
    office("hold", "place", CODE.format(2), "--kind", "litigation", "--reason", "诉讼", *DAY)
    result = office.json("destruction", "propose", CODE.format(1), CODE.format(2), *signed(office, "arch"), expect=4)
    assert [one["code"] for one in result["items"]] == [CODE.format(1)]
    assert [one["code"] for one in result["refused"]] == [CODE.format(2)]
    early = ("--as", "arch", "--key", office.keys / "arch", "--as-of", "2030-01-01")  # type: ignore[attr-defined]
    office("destruction", "propose", CODE.format(3), *early, expect=8)


def test_of_many_records_that_are_held_twenty_are_named_and_the_rest_counted(
    office: Cli, workspace: Workspace
) -> None:
    for number in range(22):
        with workspace.writing() as writer:
            file_generated(writer, workspace, record_class="visit-record", title=f"欠费户{number}",
                           on=date(2026, 11, 18), content={"original.json": b"%d" % number}, fields={})
    held = [CODE.format(1).replace("0001", f"{number:04}") for number in range(4, 26)]
    office("hold", "place", *held, "--kind", "arrears", "--reason", "欠费", *DAY)
    office("destruction", "propose", "--due", *signed(office, "arch"), "--dry-run")
    assert [one for one in held if one in office.err] == held[:20]
    assert "2 more" in office.err
    assert len(office.json("destruction", "propose", "--due", *signed(office, "arch"), "--dry-run")["refused"]) == 22
    office("destruction", "propose", *held, CODE.format(1), *signed(office, "arch"), "--dry-run", expect=4)
    assert [one for one in held if one in office.err] == held, "whoever names a record is answered"


def test_a_hold_placed_after_signing_stops_the_item(office: Cli) -> None:
    order = ready(office, CODE.format(1))
    office("hold", "place", CODE.format(1), "--kind", "complaint", "--reason", "投诉", *DAY)
    done = office.json("destruction", "execute", order, *EXECUTE, expect=8)
    assert [one["outcome"] for one in done["items"]] == ["refused"]
    assert office.json("show", CODE.format(1))["status"] == "held"


def test_a_person_at_a_terminal_sees_how_far_an_execution_is(office: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from recordkit.cli import destroying, progress

    shown: list[tuple[int, int]] = []

    class Seen(progress.Progress):
        def __call__(self, done: int) -> None:
            shown.append((done, self._total))

    monkeypatch.setattr(destroying, "Progress", Seen)
    order = ready(office, CODE.format(1))
    entries = office.json("ledger", "verify")["entries"]
    office("destruction", "execute", order, *EXECUTE)
    assert shown[-1] == (entries, entries) and len(shown) == entries


def test_more_than_half_of_the_holdings_need_the_word(office: Cli) -> None:
    order = ready(office, CODE.format(1), CODE.format(2))
    office("destruction", "execute", order, *EXECUTE, expect=8)
    word = office.json("destruction", "show", order)["confirm"]
    done = office.json("destruction", "execute", order, *EXECUTE, "--confirm", word)
    assert [one["outcome"] for one in done["items"]] == ["destroyed", "destroyed"]


def test_review_gives_every_record_a_reason(office: Cli) -> None:
    items = office.json("retention", "review", *DAY)["items"]
    assert {one["decision"] for one in items} == {"due"}
    assert {"record_id", "code", "title", "record_class", "decision", "due", "rule", "reason"} <= set(items[0])
    before = office.json("retention", "review", "--as-of", "2036-12-31")["items"]
    assert {one["decision"] for one in before} == {"not-due"}
    assert office.json("retention", "explain", CODE.format(1), *DAY)["due"] == "2037-01-01"


def test_the_register_prints_in_each_format(office: Cli, tmp_path: Path) -> None:
    from docx import Document
    from openpyxl import load_workbook

    order = ready(office, CODE.format(1))
    office("destruction", "register", order, "--format", "docx", "--out", tmp_path / "r.docx")
    office("destruction", "register", order, "--format", "xlsx", "--out", tmp_path / "r.xlsx")
    result = office.json("destruction", "register", order, "--format", "json", "--out", tmp_path / "r.json")
    assert result["rows"] == 1
    cells = [cell.text for table in Document(str(tmp_path / "r.docx")).tables for row in table.rows
             for cell in row.cells]
    assert "甲回访记录" in cells
    values = [value for row in load_workbook(tmp_path / "r.xlsx").active.iter_rows(values_only=True) for value in row]
    assert "甲回访记录" in values
    office("destruction", "register", order, "--out", tmp_path / "r.docx", expect=3)


def test_an_act_with_as_of_is_refused_in_a_real_store(office: Cli, tmp_path: Path) -> None:
    office.store = tmp_path / "real"
    office("init", office.store, "--no-input")
    office("hold", "place", "--account", "1", "--kind", "debt", "--reason", "r", *DAY, expect=8)
    settings = office.store / "recordkit.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("simulation = false", "simulation = true"), "utf-8")
    assert settings.read_text("utf-8") != text
    office("hold", "place", "--account", "1", "--kind", "debt", "--reason", "r", *DAY, expect=8)
    office("retention", "review", *DAY)


def test_chinese_words_are_accepted_wherever_they_are_shown(office: Cli, tmp_path: Path) -> None:
    office("hold", "place", CODE.format(1), "--kind", "投诉", "--reason", "投诉未办结", *DAY, lang="zh")
    assert "投诉" in office("hold", "list", lang="zh")
    order = str(office.json("destruction", "propose", CODE.format(2), CODE.format(3), *signed(office, "arch"))["order"])
    (tmp_path / "意见.csv").write_text(f"档号,鉴定意见\n{CODE.format(2)},延期:2050-12-31\n{CODE.format(3)},销毁\n",
                                     encoding="utf-8")
    office("destruction", "appraise", order, "--opinion", tmp_path / "意见.csv", *signed(office, "appr"), lang="zh")
    opinions = office.json("destruction", "show", order)["opinions"]
    assert sorted(opinions.values()) == ["destroy", "extend:2050-12-31"]
    assert "延期至2050-12-31" in office("destruction", "show", order, lang="zh")


def test_a_supervisor_does_not_propose(office: Cli) -> None:
    keys = office.keys  # type: ignore[attr-defined]
    office("key", "create", keys / "both")
    office("people", "add", "both", "--name", "both", "--role", "supervisor", "--role", "archivist", "--staff-no", "B1",
           "--key", keys / "both.pub", *DAY)
    office("destruction", "propose", "--due", *signed(office, "both"), expect=8)
    assert "both" in office.err and "supervisor" in office.err
    assert office.json("destruction", "list")["total"] == 0


def test_one_opinion_for_all_leaves_the_decided_records_alone(office: Cli, tmp_path: Path) -> None:
    order = str(office.json("destruction", "propose", "--due", *signed(office, "arch"))["order"])
    (tmp_path / "o.csv").write_text(f"record,opinion\n{CODE.format(1)},keep\n", encoding="utf-8")
    office("destruction", "appraise", order, "--opinion", tmp_path / "o.csv", *signed(office, "appr"))
    office("destruction", "appraise", order, "--all", "destroy", *signed(office, "appr"))
    assert sorted(office.json("destruction", "show", order)["opinions"].values()) == ["destroy", "destroy", "keep"]
    office("destruction", "appraise", order, "--all", "destroy", *signed(office, "appr"), expect=8)


def test_destroyed_bytes_that_come_back_are_recognised_and_left_alone(office: Cli, tmp_path: Path) -> None:
    order = ready(office, CODE.format(1))
    office("destruction", "execute", order, *EXECUTE)
    for folder in (office.store / "inbox", tmp_path):
        path = folder / "wieder.pdf"
        path.write_bytes("甲回访记录".encode())
        item = office.json("ingest", path, "--no-ocr", *DAY)["items"][0]
        assert (item["outcome"], item["code"]) == ("duplicate", CODE.format(1))
        assert order in item["reason"]
        assert path.exists()
    office("get", CODE.format(1), "--out", tmp_path / "x", expect=5)
    assert order in office.err
    assert office.json("show", CODE.format(1))["destroyed_by"] == order
