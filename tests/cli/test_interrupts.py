"""Ctrl-C, as a person presses it in a terminal: what is said, what is left, and that the command it names goes on.

Every command is a process of its own in a terminal of its own and is stopped by the terminal's own signal; where it
stands still is said in ``stopping.py``.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs a terminal of POSIX", allow_module_level=True)

from bags import AS_OF, fill, other_store
from conftest import Cli
from openpyxl import load_workbook
from papers import pdf_bytes
from small_archive import make_small_archive
from terminal import Terminal

from recordkit.archive.filing import file_generated
from recordkit.store import open_store

STOPPING = str(Path(__file__).parents[1] / "stopping.py")
WHEN = ("--as-of", "2026-12-01")
KEPT = {"locks", "pending", "verify-all.json", "review.json"}
"""What may lie in work/ when nobody works."""

Stop = Callable[..., str]


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stop]:
    """Run a command until its progress is so far, press Ctrl-C ``times`` times; what stood on the screen behind it."""
    monkeypatch.setenv("RECORDKIT_LANG", "en")
    opened: list[Terminal] = []

    def run(cli: Cli | None, label: str, done: int, *arguments: object, sets: tuple[str, ...] = (), code: int = 130
            ) -> str:
        store = ["--store", str(cli.store)] if cli is not None else []
        terminal = Terminal(STOPPING, label, str(done), *sets, "--", *store, *map(str, arguments))
        opened.append(terminal)
        before = terminal.expect("[stands still]")
        if not label.startswith("calls "):
            assert re.search(rf"{re.escape(label)}: {done:,}\b", before), before
        terminal.type("\x03")
        assert terminal.ends() == code, terminal.screen
        shown = terminal.screen.partition("[stands still]")[2].replace("\r", "")
        assert "Traceback" not in shown
        return shown

    yield run
    for one in opened:
        one.close()


@pytest.fixture
def archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Ten records."""
    make_small_archive(tmp_path / "档案 库")
    return Cli(tmp_path / "档案 库", capsys)


def named_command(shown: str) -> list[str]:
    """The arguments of the command by which it goes on, as a shell takes them apart."""
    found = re.findall(r": (recordkit .*)$", shown, re.MULTILINE)
    assert len(found) == 1, shown
    return shlex.split(found[0])[1:]


def go_on(cli: Cli, shown: str, *more: str, expect: int = 0) -> str:
    """Give the command that was named; what it prints."""
    given = named_command(shown)
    assert given[:2] == ["--store", str(cli.store)]
    return cli(*given[2:], *more, expect=expect)


def assert_nothing_lies_about(store: Path, *places: Path, announced: int = 0) -> None:
    """No unfinished file, nothing staged, and the lock is free; so many batches of documents may wait for --resume."""
    left = [path for place in (store, *places) if place.exists() for path in place.rglob("*")
            if path.name.endswith(".tmp")]
    left += [path for path in (store / "work").iterdir() if path.name not in KEPT]
    assert left == [] and len(list((store / "work" / "pending").iterdir())) == announced
    workspace = open_store(store, open_clock(), "test")
    with workspace.maintaining() as free:
        assert free
    workspace.close()


def open_clock():  # type: ignore[no-untyped-def]
    from conftest import clock_at

    return clock_at(date(2026, 12, 1))


VISITS = "客户,户号,地址,回访方式,回访时间,事项类别,事项,处理结果,回访人\n" + "".join(
    f"客户{number},00120052{number:02},柳荫街{number}号,上门,2026-11-19 09:30,走访,事项{number},已处理,夏玥\n"
    for number in range(6))


def test_generate_names_the_command_that_issues_the_rest_and_nothing_twice(cli: Cli, tmp_path: Path, stop: Stop
                                                                          ) -> None:
    (tmp_path / "回访 表.csv").write_text(VISITS, encoding="utf-8")
    shown = stop(cli, "Issuing", 2, "generate", "visit-record", "--data", tmp_path / "回访 表.csv", *WHEN,
                 sets=("recordkit.templates.issuing:_BATCH=2", "recordkit.templates.issuing:_CHUNK=1"))
    assert "Interrupted: 2 document(s) have a number, 2 of them are written." in shown
    assert "Error" not in shown and named_command(shown)[-1] == "--resume"
    assert_nothing_lies_about(cli.store, announced=1)
    assert len(list((cli.store / "outbox").glob("*.docx"))) == 2
    go_on(cli, shown)
    assert_nothing_lies_about(cli.store)
    assert len(list((cli.store / "outbox").glob("*.docx"))) == 6
    numbers = [one["number"] for one in cli.json("issued", "list")["items"]]
    assert len(set(numbers)) == len(numbers) == 6


def test_generate_stopped_among_the_checks_has_numbered_nothing(cli: Cli, tmp_path: Path, stop: Stop) -> None:
    (tmp_path / "a.csv").write_text(VISITS, encoding="utf-8")
    shown = stop(cli, "Checking the rows", 3, "generate", "visit-record", "--data", tmp_path / "a.csv", *WHEN)
    assert "Nothing was entered in the ledger" in shown and "--resume" not in shown
    assert cli.json("issued", "list")["total"] == 0
    go_on(cli, shown)
    assert cli.json("issued", "list")["total"] == 6


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "扫描 件"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.pdf").write_bytes(pdf_bytes(text=f"Visit {number} water pressure"))
    return folder


INGEST = ("--class", "visit-record", "--no-ocr", "--jobs", "1", *WHEN)
ONE_BY_ONE = ("recordkit.archive.ingest:_WINDOW=1", "recordkit.archive.ingest:_BATCH=1")


def test_ingest_tells_what_is_filed_and_the_same_command_files_the_rest_once(cli: Cli, scans: Path, stop: Stop) -> None:
    shown = stop(cli, "Filing papers", 2, "ingest", scans, *INGEST, sets=ONE_BY_ONE)
    assert "2 archived, 0 duplicate" in shown and "Filing papers: 2 of 5. The last one: 1.pdf" in shown
    assert "2 act(s) of this run stand in the ledger" in shown and "Nothing is half-done." in shown
    assert_nothing_lies_about(cli.store, scans)
    go_on(cli, shown)
    assert "3 archived, 2 duplicate" in cli.err
    assert cli.json("catalogue", "list")["total"] == 5 and cli.json("verify")["ok"]


def test_a_second_interrupt_lets_the_tidying_up_come_to_its_end(cli: Cli, scans: Path, monkeypatch: pytest.MonkeyPatch
                                                               ) -> None:
    monkeypatch.setenv("RECORDKIT_LANG", "en")
    terminal = Terminal(STOPPING, "calls recordkit.files:_clear_staging", "1", "--", "--store", str(cli.store),
                        "ingest", str(scans), *INGEST)
    try:
        terminal.expect("[stands still]")  # tidying up after the window
        terminal.type("\x03")
        terminal.expect("[stands still]")  # tidying up again: the first Ctrl-C came in the middle of it
        terminal.type("\x03")
        terminal.expect("Tidying up; once more Ctrl-C ends at once.")
        assert terminal.ends() == 130
    finally:
        terminal.close()
    assert "Traceback" not in terminal.screen
    assert_nothing_lies_about(cli.store)


def test_a_corrected_sheet_goes_on_where_it_was(archive: Cli, tmp_path: Path, stop: Stop) -> None:
    sheet = tmp_path / "更正 表.xlsx"
    archive("catalogue", "sheet", "--out", sheet)
    book = load_workbook(sheet)
    page = book.active
    assert page is not None
    place = [cell.value for cell in page[1]].index("库位") + 1
    for row in range(2, 12):
        page.cell(row, place).value = f"A{row}"
    book.save(sheet)
    shown = stop(archive, "Changing records", 6, "edit", "--data", sheet, "--reason", "重新 排架", "--no-input", *WHEN,
                 sets=("recordkit.archive.bulk:_BATCH=3",))
    assert "Changing records: 6 of 10." in shown and "6 act(s) of this run stand in the ledger" in shown
    assert_nothing_lies_about(archive.store, tmp_path)
    go_on(archive, shown)
    assert "4 record(s) changed." in archive.err
    assert archive.json("catalogue", "list")["items"][0]["version"] == 2
    assert archive.json("ledger", "verify")["ok"] and archive.json("verify")["ok"]


def test_verify_goes_on_behind_what_it_has_read(archive: Cli, stop: Stop) -> None:
    shown = stop(archive, "Reading the archive again", 4, "verify", "--restart", "--jobs", "1")
    assert "4 record(s)" in shown and "--restart" not in named_command(shown)
    assert_nothing_lies_about(archive.store)
    go_on(archive, shown)
    assert "4 record(s) had been read then" in archive.err and "6 record(s)" in archive.err


def test_check_shows_what_it_found_and_writes_no_report(archive: Cli, tmp_path: Path, stop: Stop) -> None:
    report = tmp_path / "检测 报告.docx"
    shown = stop(archive, "Checking (records)", 2, "check", "--out", report, "--jobs", "1")
    assert "1 record(s) checked" in shown and not report.exists()
    assert_nothing_lies_about(archive.store, tmp_path)
    go_on(archive, shown, expect=7)
    assert report.exists()


@pytest.mark.parametrize(("label", "only"), [("Deriving the catalogue (entries)", "--catalogue"),
                                             ("Deriving the index (records)", "--index")])
def test_rebuild_leaves_the_old_tables_and_the_old_index(archive: Cli, stop: Stop, label: str, only: str) -> None:
    before = archive.json("search", "欧阳静")
    shown = stop(archive, label, 2, "rebuild", only)
    assert f"{label}: 2 of " in shown and "Nothing was entered in the ledger" in shown
    assert_nothing_lies_about(archive.store)
    after = archive.json("search", "欧阳静")
    assert [one["record_id"] for one in after["items"]] == [one["record_id"] for one in before["items"]] != []
    go_on(archive, shown)
    assert archive.json("search", "欧阳静")["total"] == before["total"]


def test_a_copy_is_finished_by_the_same_command(archive: Cli, tmp_path: Path, stop: Stop) -> None:
    copy = tmp_path / "备 份"
    shown = stop(archive, "Copying (records)", 4, "backup", "--to", copy)
    assert "Copying (records): 4 of 10." in shown and "The same command goes on" in shown
    assert_nothing_lies_about(archive.store, copy)
    go_on(archive, shown)
    assert archive.json("backup", "--to", copy, "--check")["ok"]


def test_a_restore_that_was_stopped_is_begun_again_by_the_same_command(archive: Cli, tmp_path: Path, stop: Stop
                                                                      ) -> None:
    copy, store = tmp_path / "copy", archive.store
    archive("backup", "--to", copy)
    archive.store = tmp_path / "新 库"
    shown = stop(archive, "Restoring (records)", 4, "restore", copy, "--ledger", store)
    assert "Restoring (records): 4 of 10." in shown
    assert f"No store was made in {archive.store}; copy and ledger were only read." in shown
    assert "What was done stays done" not in shown
    assert not archive.store.exists() and not list(tmp_path.glob(".*"))
    go_on(archive, shown)
    assert archive.json("verify")["ok"] and archive.json("catalogue", "list")["total"] == 10


def test_an_export_that_was_stopped_leaves_no_folder(cli: Cli, tmp_path: Path, stop: Stop) -> None:
    fill(cli, tmp_path)
    bag = tmp_path / "移交 包"
    shown = stop(cli, "Copied", 2, "export", "--class", "visit-record", "--out", bag, *AS_OF)
    assert "Copied: 2 of 3." in shown and not bag.exists()
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".")) == []
    assert_nothing_lies_about(cli.store)
    go_on(cli, shown)
    assert cli.json("import", bag, "--check-only")["valid"]


def test_an_import_that_was_stopped_files_the_rest(cli: Cli, tmp_path: Path, stop: Stop) -> None:
    fill(cli, tmp_path)
    bag = tmp_path / "bag"
    cli("export", "--class", "visit-record", "--out", bag, *AS_OF)
    cli.store = other_store(tmp_path / "另一 库")
    shown = stop(cli, "Filed", 1, "import", bag, "--jobs", "1", sets=("recordkit.archive.bag_import:_BATCH=1",))
    assert "Filed: 1 of 3." in shown and "act(s) of this run stand in the ledger" in shown
    assert_nothing_lies_about(cli.store)
    go_on(cli, shown)
    assert cli.json("catalogue", "list")["total"] == 3


def test_a_listing_and_a_review_that_were_stopped_leave_no_file(archive: Cli, tmp_path: Path, stop: Stop) -> None:
    for label, done, name, command in (
        ("Writing rows", 3, "目录.xlsx", ("catalogue", "export", "--kind", "items")),
        ("Writing rows", 3, "更正.xlsx", ("catalogue", "sheet")),
        ("Reviewing", 2, "到期.docx", ("retention", "review", "--as-of", "2060-01-01")),
        ("Reviewing", 2, "到期.json", ("retention", "review", "--as-of", "2060-01-01")),
    ):
        out = tmp_path / name
        shown = stop(archive, label, done, *command, "--out", out)
        assert "Nothing was entered in the ledger, and nothing is half-done." in shown and not out.exists()
        assert_nothing_lies_about(archive.store, tmp_path)
        go_on(archive, shown)
        assert out.stat().st_size > 1000


def test_an_execution_that_has_begun_says_that_it_has_to_be_finished(cli: Cli, tmp_path: Path, stop: Stop,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    day = ("--as-of", "2037-01-15")
    workspace = open_store(cli.store, open_clock(), "test")
    for title in ("甲回访记录", "乙回访记录", "丙回访记录", "丁回访记录"):
        with workspace.writing() as writer:
            file_generated(writer, workspace, record_class="visit-record", title=title, on=date(2026, 11, 18),
                           content={"original.json": title.encode(), "text.json": b'{"pages": []}'}, fields={})
    workspace.close()
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "of a test")
    for number, (person, role) in enumerate([("admin", "administrator"), ("arch", "archivist"), ("appr", "appraiser"),
                                             ("lead", "approver"), ("w1", "supervisor"), ("w2", "supervisor")]):
        cli("key", "create", tmp_path / person)
        cli("people", "add", person, "--name", person, "--role", role, "--staff-no", f"G{number}", "--key",
            tmp_path / f"{person}.pub", *day)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(tmp_path / "admin"))

    def signed(person: str) -> tuple[object, ...]:
        return ("--as", person, "--key", tmp_path / person, *day)

    codes = [one["code"] for one in cli.json("catalogue", "list", "--class", "visit-record")["items"]][:2]
    order = str(cli.json("destruction", "propose", *codes, *signed("arch"))["order"])
    cli("destruction", "appraise", order, "--all", "destroy", *signed("appr"))
    cli("destruction", "approve", order, *signed("lead"))
    cli("destruction", "sign", order, *signed("w1"))
    cli("destruction", "sign", order, *signed("w2"))
    execute = ("destruction", "execute", order, "--place", "档案 室", "--method", "删除", "--as", "w1", *day)

    shown = stop(cli, "Checking everything again (entries)", 3, *execute)
    assert "Nothing was entered in the ledger" in shown
    assert cli.json("destruction", "show", order)["status"] == "signed"
    shown = stop(cli, "Destroying (records)", 1, *execute)
    assert f"Destroying (records): 1 of 2.\nOrder {order} has begun and has to be finished" in shown
    assert "Nothing is half-done" not in shown and "The same command goes on with the rest" in shown
    assert cli.json("destruction", "show", order)["status"] == "executing"
    go_on(cli, shown)
    assert cli.json("destruction", "show", order)["status"] == "executed"
    assert_nothing_lies_about(cli.store)


def test_an_act_that_is_entered_is_not_to_be_done_twice(archive: Cli, stop: Stop) -> None:
    place = ("hold", "place", "供合〔2026〕0001号", "--kind", "litigation", "--reason", "诉讼 中", *WHEN)
    shown = stop(archive, "calls recordkit.retention.holds:find_hold", 1, *place)
    assert "1 act(s) of this run stand in the ledger" in shown and "need not be done again" in shown
    assert archive.json("hold", "list")["total"] == 1
    assert_nothing_lies_about(archive.store)


def test_boxes_that_get_other_numbers_go_on_where_it_was(archive: Cli, tmp_path: Path, stop: Stop) -> None:
    for number, code in enumerate(one["code"] for one in archive.json("catalogue", "list")["items"]):
        archive("edit", code, "--set", f"盒号=H{number // 2}", "--reason", "装盒", *WHEN)
    (tmp_path / "盒号.csv").write_text("原盒号,新盒号\n" + "".join(f"H{one},K{one}\n" for one in range(5)), "utf-8")
    shown = stop(archive, "Changing records", 4, "box", "rename", "--data", tmp_path / "盒号.csv", "--reason", "重编",
                 *WHEN, sets=("recordkit.archive.box_moves:_BATCH=2",))
    assert "Changing records: 4 of 10." in shown
    assert_nothing_lies_about(archive.store)
    go_on(archive, shown)
    assert {one["box"] for one in archive.json("catalogue", "list")["items"]} == {f"K{one}" for one in range(5)}


def test_the_demo_that_was_stopped_says_in_which_step_and_names_a_free_folder(tmp_path: Path, stop: Stop) -> None:
    folder = tmp_path / "演示"
    shown = stop(None, "calls recordkit.templates.issuing:issue_documents", 2, "demo", folder)
    assert f"The demo was stopped in step 2. What stands in {folder} is whole" in shown
    assert named_command(shown) == ["demo", str(tmp_path / "演示 (2)")]
    assert_nothing_lies_about(folder / "store", folder)


def test_with_json_standard_output_is_one_document_also_when_stopped(cli: Cli, scans: Path, tmp_path: Path, stop: Stop
                                                                    ) -> None:
    shown = stop(cli, "calls recordkit.archive.ingest:stage_window", 3, "ingest", scans, *INGEST, "--json",
                 sets=ONE_BY_ONE)
    assert '"archived": 2' in shown and "\r" not in shown and "Interrupted." in shown
