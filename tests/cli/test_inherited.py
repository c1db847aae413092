"""``ingest --catalogue``: scans with a catalogue of their own come in under their old codes, row by row."""

from __future__ import annotations

import csv
import errno
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from openpyxl import Workbook, load_workbook
from papers import old_scans, pdf_bytes

from recordkit import files
from recordkit.archive.archival_code import CodeTemplate
from recordkit.archive.catalogue import find_by_code
from recordkit.archive.decisions import IngestOptions
from recordkit.archive.ingest import ingest_papers
from recordkit.archive.inherited import plan_catalogue
from recordkit.store import open_store
from recordkit.templates.rows import read_rows

HEAD = ("档号", "题名", "日期", "文件名", "页数", "保管期限", "户号", "盒号", "库位", "责任者", "文号", "密级")
Row = Sequence[object]


def row(number: int, **others: object) -> Row:
    """A sound row, with other values under some headings."""
    values: dict[str, object] = {
        "档号": f"1998-5-{number:03}", "题名": f"第{number}件合同", "日期": date(1998, 3, number),
        "文件名": f"{number:04}.pdf", "页数": 1, "保管期限": "长期", "户号": f"00120051{number:02}",
        "盒号": "12", "库位": "甲柜1层", "责任者": "清源市自来水公司",
        "文号": f"供合(1998){number}号", "密级": "内部", **others,
    }  # fmt: skip
    return [values[name] for name in HEAD]


def sheet(folder: Path, *rows: Row, head: Row = HEAD, name: str = "目录.xlsx") -> Path:
    path = folder / name
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as handle:
            csv.writer(handle).writerows([head, *rows])
        return path
    book = Workbook()
    assert book.active is not None
    for one in (head, *rows):
        book.active.append(list(one))
        for cell in book.active[book.active.max_row]:
            cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type  # else = begins a formula
    book.save(path)
    return path


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder with five scans, 0001.pdf to 0005.pdf."""
    return old_scans(tmp_path / "旧 扫描", 5, 4)


def bring(cli: Cli, catalogue: Path, *more: object, expect: int = 0) -> dict[str, object]:
    return dict(cli.json("ingest", "--catalogue", catalogue, *more, "--no-ocr", "--class", "supply-contract",
                         expect=expect))


def refused(result: dict[str, object]) -> list[tuple[object, object, object]]:
    found = result["refused"]
    assert isinstance(found, list)
    return [(one["row"], one["cell"], one["code"]) for one in found]


def test_records_come_in_under_their_codes_with_all_that_the_catalogue_says(cli: Cli, scans: Path) -> None:
    rows = [row(1), row(2, 日期=19980302, 盒号=7), row(3, 日期="1998-03-03", 保管期限="永久"),
            row(4, 日期="1998年3月4日"), row(5, 日期="19980305", 责任者=None, 保管期限=None, 密级=None)]
    result = bring(cli, sheet(scans, *rows), scans)
    assert [one["outcome"] for one in result["items"]] == ["archived"] * 5  # type: ignore[attr-defined]
    assert result["refused"] == [] and result["files_without_row"] == [] and result["refused_file"] is None
    for number in range(1, 6):
        shown = cli.json("show", f"1998-5-{number:03}")
        assert (shown["title"], shown["date"], shown["year"]) == (f"第{number}件合同", f"1998-03-{number:02}", 1998)
        assert (shown["account"], shown["shelf"], shown["number"]) == (
            f"00120051{number:02}", "甲柜1层", f"供合(1998){number}号")
        assert shown["box"] == ("7" if number == 2 else "12")
    first, third, fifth = (cli.json("show", f"1998-5-00{number}") for number in (1, 3, 5))
    assert (first["period_term"], third["period_term"], first["security"]) == ("长期", "永久", "内部")
    assert first["groups"]["档号"]["保管期限"] == "长期" and first["groups"]["档号"]["保管期限代码"] == "D30"
    assert "period_term" not in fifth and fifth["responsible"] is None
    assert "长期" in cli("show", "1998-5-001")
    assert [one["code"] for one in cli.json("search", "Archive paper 03", "--field", "text")["items"]] == ["1998-5-003"]
    assert (scans / "0001.pdf").exists()
    assert cli.json("ledger", "verify")["ok"]
    ledger = b"".join(path.read_bytes() for path in (cli.store / "ledger").glob("*.jsonl")).decode()
    assert "1998-5-001" in ledger and "第1件合同" not in ledger and "0012005101" not in ledger and "长期" not in ledger


def test_what_is_wrong_is_named_by_row_and_cell(cli: Cli, scans: Path) -> None:
    good = row(1)
    rows = [good, row(2, 日期="1998-02-30"), row(3, 页数="三"), row(4, 题名=None), row(5, 档号="1998-5-001"),
            row(6, 档号=None), row(7)]
    rows = [[*one, "无此类" if at == 2 else None] for at, one in enumerate(rows)]
    catalogue = sheet(scans, *rows, head=(*HEAD, "类别"))
    result = bring(cli, catalogue, scans, expect=3)
    assert refused(result) == [
        (2, "A2", "code-twice"), (3, "C3", "wrong-type"), (4, "M4", "unknown-class"), (4, "E4", "wrong-type"),
        (5, "B5", "required"), (6, "A6", "code-twice"), (7, "A7", "required"), (8, "D8", "no-file")]
    assert result["counts"] == {"rows": 7, "known before": 0, "refused": 7, "rows without a file": 1,
                                "files without a row": 0}
    assert cli.json("search", "*")["total"] == 0


def test_refused_rows_are_a_file_that_is_corrected_and_fed_in_again(cli: Cli, scans: Path) -> None:
    catalogue = sheet(scans, row(1), row(2, 日期="1998-02-30", 题名="=1+1"), row(3))
    result = bring(cli, catalogue, scans, expect=4)
    assert [one["code"] for one in result["items"]] == ["1998-5-001", "1998-5-003"]  # type: ignore[attr-defined]
    assert result["files_without_row"] == ["0004.pdf", "0005.pdf"]
    path = Path(str(result["refused_file"]))
    assert path.parent == scans.resolve() and path.name == "目录-refused-1.xlsx"
    book = load_workbook(path)
    assert book.active is not None
    cells = list(book.active.iter_rows())
    assert [cell.value for cell in cells[0]] == [*HEAD, "拒绝原因"] and len(cells) == 2
    assert (cells[1][0].value, cells[1][1].value) == ("1998-5-002", "=1+1")
    assert cells[1][1].data_type in ("s", "inlineStr"), "a text, and no formula"
    cells[1][2].value = "1998-02-28"
    cells[1][1].data_type = "s"
    book.save(path)
    for name in ("0004.pdf", "0005.pdf"):
        (scans / name).unlink()
    again = bring(cli, path, scans)
    assert [one["code"] for one in again["items"]] == ["1998-5-002"]  # type: ignore[attr-defined]
    assert (again["files_without_row"], again["counts"]["known before"]) == ([], 2)  # type: ignore[index]
    assert cli.json("show", "1998-5-002")["title"] == "=1+1"


def test_heads_may_be_spaced_out(cli: Cli, scans: Path) -> None:
    head = ("序 号", *(f"{one[0]} {one[1]}" if len(one) == 2 else one for one in HEAD))
    assert "档 号" in head
    result = bring(cli, sheet(scans, [1, *row(1)], head=head), scans / "0001.pdf")
    assert [one["code"] for one in result["items"]] == ["1998-5-001"]  # type: ignore[attr-defined]


def test_a_second_run_of_the_same_sheet_does_no_harm(cli: Cli, scans: Path) -> None:
    catalogue = sheet(scans.parent, row(1), row(2))
    inbox = cli.store / "inbox"
    for name in ("0001.pdf", "0002.pdf"):
        (inbox / name).write_bytes((scans / name).read_bytes())
    assert bring(cli, catalogue)["counts"]["known before"] == 0  # type: ignore[index]
    assert not list(inbox.glob("*.pdf"))
    before = cli.json("ledger", "verify")["entries"]
    # The files have left the inbox; and they are given once more from elsewhere.
    for source in ((), (scans / "0001.pdf", scans / "0002.pdf")):
        again = bring(cli, catalogue, *source)
        assert (again["items"], again["refused"], again["counts"]["known before"]) == ([], [], 2)  # type: ignore[index]
    assert cli.json("ledger", "verify")["entries"] == before


def test_a_rehearsal_says_the_same_and_writes_nothing(cli: Cli, scans: Path) -> None:
    catalogue = sheet(scans, row(1), row(2, 日期="未知"), row(9))
    entries = cli.json("ledger", "verify")["entries"]
    result = bring(cli, catalogue, scans, "--dry-run", expect=4)
    assert [one["outcome"] for one in result["items"]] == ["archived"]  # type: ignore[attr-defined]
    assert refused(result) == [(3, "C3", "wrong-type"), (4, "D4", "no-file")]
    assert sorted(path.name for path in scans.iterdir()) == [f"000{at}.pdf" for at in range(1, 6)] + ["目录.xlsx"]
    assert cli.json("ledger", "verify")["entries"] == entries


def test_a_code_that_the_archive_has_is_refused_and_ours_go_on_behind_inherited_ones(cli: Cli, scans: Path) -> None:
    cli("ingest", scans / "0001.pdf", "--class", "visit-record", "--no-ocr", "--as-of", "2026-11-20")
    ours = "C001-KF·2026-D10-KFZ-{:04}".format
    catalogue = sheet(scans, row(2, 档号=ours(1)), row(3, 档号=ours(20)), row(4, 档号=ours(7)))
    result = bring(cli, catalogue, scans, expect=4)
    assert refused(result) == [(2, "A2", "code-taken")]
    assert result["files_without_row"] == ["0005.pdf"]  # and 0001.pdf is filed
    told = cli.json("ingest", scans / "0005.pdf", "--class", "visit-record", "--no-ocr", "--as-of", "2026-11-20")
    assert told["items"][0]["code"] == ours(21)
    assert [(one["first"], one["last"]) for one in cli.json("catalogue", "gaps")["items"]] == [(2, 6), (8, 19)]


def test_pages_that_differ_are_a_finding_of_the_record(cli: Cli, scans: Path) -> None:
    result = bring(cli, sheet(scans, row(1, 页数=3)), scans / "0001.pdf")
    findings = [one["code"] for one in result["items"][0]["findings"]]  # type: ignore[index]
    assert findings == ["page-count"]
    assert "3 page(s), the file has 1" in cli("show", "1998-5-001")


def test_the_same_bytes_under_two_rows_are_filed_once_and_the_other_row_is_told(cli: Cli, scans: Path) -> None:
    (scans / "0002.pdf").write_bytes((scans / "0001.pdf").read_bytes())
    (scans / "0003.pdf").write_bytes(b"no PDF at all")
    catalogue = sheet(scans, row(1), row(2), row(3), row(4))
    result = bring(cli, catalogue, *(scans / f"000{at}.pdf" for at in range(1, 5)), expect=4)
    assert [one["outcome"] for one in result["items"]] == [  # type: ignore[attr-defined]
        "archived", "duplicate", "quarantined", "archived"]
    assert [(one[0], one[2]) for one in refused(result)] == [(3, "duplicate"), (4, "quarantined")]


def test_files_are_found_by_code_by_folder_and_whatever_the_case_and_never_outside(cli: Cli, scans: Path) -> None:
    for name in ("甲/1.pdf", "乙/1.pdf", "1998-5-004.PDF", "outside.pdf"):
        (scans / name).parent.mkdir(exist_ok=True)
        (scans / name).write_bytes(pdf_bytes(text=name))
    head = ("code", "Title", "date", "文件名")
    rows = [("1998-5-001", "a", "1998-01-01", "甲\\1.pdf"), ("1998-5-002", "b", "1998-01-02", "./乙/1"),
            ("1998-5-003", "c", "1998-01-03", "1.pdf"), ("1998-5-004", "d", "1998-01-04", ""),
            ("1998-5-005", "e", "1998-01-05", "../outside.pdf"), ("1998-5-006", "f", "1998-01-06", "/etc/passwd")]
    catalogue = sheet(scans.parent, *rows, head=head, name="rows.csv")
    result = bring(cli, catalogue, scans / "甲", scans / "乙", scans / "1998-5-004.PDF", expect=4)
    assert [(one["code"], Path(one["source"]).relative_to(scans).as_posix())  # type: ignore[index]
            for one in result["items"]] == [  # type: ignore[attr-defined]
        ("1998-5-001", "甲/1.pdf"), ("1998-5-002", "乙/1.pdf"), ("1998-5-004", "1998-5-004.PDF")]
    assert [(one[0], one[2]) for one in refused(result)] == [(4, "no-file"), (6, "no-file"), (7, "no-file")]
    assert str(result["refused_file"]).endswith("rows-refused-1.csv")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (("档号", "题名", "日期", "文件名", "备考"), ("备考", "cell E")),
        (("档号", "题名", "Title", "日期"), ("题名", "Title")),
        (("档号", "题名"), ("日期",)),
        (("题名", "日期"), ("文件名 / 档号",)),
    ],
)
def test_a_wrong_column_is_named_and_nothing_is_done(
    cli: Cli, scans: Path, head: tuple[str, ...], told: tuple[str, ...]
) -> None:
    catalogue = sheet(scans, ["1998-01-01"] * len(head), head=head)
    cli("ingest", "--catalogue", catalogue, scans, "--class", "supply-contract", "--no-ocr", expect=3)
    assert all(word in cli.err for word in told)
    assert cli.json("search", "*")["total"] == 0


def test_a_sheet_without_rows_or_class_and_options_that_say_otherwise_are_refused(cli: Cli, scans: Path) -> None:
    cli("ingest", "--catalogue", sheet(scans), scans, "--class", "supply-contract", expect=3)
    catalogue = sheet(scans, row(1))
    cli("ingest", "--catalogue", catalogue, scans, expect=3)
    assert "--class" in cli.err
    cli("ingest", "--catalogue", catalogue, scans, "--class", "nothing-such", expect=5)
    for more in (("--split",), ("--watch",), ("--retry",), ("--set", "题名=甲"), ("--attach-to", "甲")):
        cli("ingest", "--catalogue", catalogue, scans, "--class", "supply-contract", *more, expect=2)
    cli("ingest", "--catalogue", scans / "无.xlsx", scans, "--class", "supply-contract", expect=5)


def test_fields_of_the_office_come_in_by_label_and_only_for_their_classes(cli: Cli, scans: Path) -> None:
    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[engines]", '[[archive.fields]]\nkey = "project"\nlabel = "工程名称"\n'
                                 'classes = ["supply-contract"]\n[engines]'), encoding="utf-8")
    rows = [[*row(1), "柳荫街改造", None], [*row(2), "文昌巷改造", "visit-record"], [*row(3), None, "visit-record"]]
    catalogue = sheet(scans.parent, *rows, head=(*HEAD, "工程名称", "类别"))
    result = bring(cli, catalogue, *(scans / f"000{at}.pdf" for at in (1, 2, 3)), expect=4)
    assert refused(result) == [(3, "M3", "unknown-field")]
    assert cli.json("show", "1998-5-001")["fields"] == {"project": "柳荫街改造"}
    assert cli.json("search", "工程名称:柳荫街")["total"] == 1
    assert cli.json("show", "1998-5-003")["record_class"] == "visit-record"


def test_a_code_given_between_plan_and_filing_lets_the_paper_wait(cli: Cli, scans: Path) -> None:
    catalogue = sheet(scans, row(1), row(2))
    workspace = open_store(cli.store, clock_at(date(2026, 11, 20)), "test")
    sources = [scans / "0001.pdf", scans / "0002.pdf"]
    plan = plan_catalogue(workspace, read_rows(catalogue), sources, "supply-contract")
    other = sheet(scans.parent, row(3, 档号="1998-5-001"))
    bring(cli, other, scans / "0003.pdf")
    options = IngestOptions(ocr=False)
    items = list(ingest_papers(workspace, plan.sources, options, None, lambda path: plan.options_of(options, path)))
    assert [one.outcome for one in items] == ["unmatched", "archived"]
    assert [plan.settle(one) is None for one in items] == [False, True]
    held = find_by_code(workspace.db, "1998-5-001")
    assert held is not None and held.title == "第3件合同"
    workspace.close()


def test_inherited_codes_and_terms_survive_a_rebuild(cli: Cli, scans: Path) -> None:
    bring(cli, sheet(scans.parent, row(1), row(2)), scans / "0001.pdf", scans / "0002.pdf")
    before = [cli.json("show", f"1998-5-00{at}") for at in (1, 2)]
    cli("rebuild")
    assert [cli.json("show", f"1998-5-00{at}") for at in (1, 2)] == before
    workspace = open_store(cli.store, clock_at(date(2026, 11, 20)), "test")
    assert not CodeTemplate.of(workspace.settings).matches("1998-5-001")
    workspace.close()


def test_a_paper_of_ours_that_a_row_names_waits_for_a_person(issued: Cli, tmp_path: Path) -> None:
    paper = sorted((tmp_path / "pdf").glob("*.pdf"))[0]
    result = bring(issued, sheet(tmp_path, row(1, 文件名=paper.name)), paper, expect=3)
    assert [one["outcome"] for one in result["items"]] == ["unmatched"]  # type: ignore[attr-defined]
    assert [(one[0], one[2]) for one in refused(result)] == [(2, "unmatched")]


def test_the_row_of_a_record_that_was_destroyed_is_refused_with_its_file_and_without(cli: Cli, scans: Path) -> None:
    catalogue = sheet(scans.parent, row(1))
    bring(cli, catalogue, scans / "0001.pdf")
    workspace = open_store(cli.store, clock_at(date(2026, 11, 20)), "test")
    record = find_by_code(workspace.db, "1998-5-001")
    assert record is not None
    with workspace.writing() as writer:
        writer.add("record.destroyed", {"record": record.record_id, "order": "O1"})
        writer.commit()
    workspace.close()
    for source in (scans / "0001.pdf", scans / "0002.pdf"):
        result = bring(cli, catalogue, source, expect=3)
        assert refused(result) == [(2, "A2", "code-taken")]
        assert "destroyed" in str(result["refused"])


def test_refused_rows_of_a_disc_that_cannot_be_written_to_come_to_the_current_folder(
    cli: Cli, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    real = files._create

    def read_only(path: Path) -> object:
        if scans in path.parents:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return real(path)

    monkeypatch.setattr(files, "_create", read_only)
    result = bring(cli, sheet(scans, row(1), row(2, 日期="未知")), scans / "0001.pdf", expect=4)
    assert Path(str(result["refused_file"])) == tmp_path / "here" / "目录-refused-1.xlsx"
    import openpyxl

    back = openpyxl.load_workbook(tmp_path / "here" / "目录-refused-1.xlsx").active
    rows = list(back.iter_rows(values_only=True))
    assert len(rows) == 2 and "未知" in rows[1]


def test_records_of_an_old_term_are_found_by_it(cli: Cli, scans: Path) -> None:
    bring(cli, sheet(scans.parent, row(1), row(2, 保管期限="短期"), row(3, 保管期限="永久"), row(4)), scans, expect=4)
    for order in ("code", "filing", "date"):
        found = cli.json("catalogue", "list", "--period", "长期", "--sort", order)
        assert [one["code"] for one in found["items"]] == ["1998-5-001", "1998-5-004"] and found["total"] == 2
    assert cli.json("catalogue", "list", "--period", "短期", "--limit", "1")["items"][0]["code"] == "1998-5-002"
    first = cli.json("catalogue", "list", "--period", "长期", "--limit", "1")
    after = cli.json("catalogue", "list", "--period", "长期", "--after", first["next"])
    assert [one["code"] for one in after["items"]] == ["1998-5-004"]
    cli("catalogue", "list", "--period", "中期", expect=2)
    assert "长期" in cli.err
