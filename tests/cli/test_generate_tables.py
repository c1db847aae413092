"""Tables of rows through generate: selection, uniqueness, resuming, refused rows, several processes."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import ISSUE_DAY, Cli
from openpyxl.cell import Cell
from word_files import para, word_file

from recordkit.crew import Outcome
from recordkit.templates import issuing, planning
from recordkit.templates.forms import load_form, shipped_forms
from recordkit.templates.issue_data import FOLDER
from recordkit.templates.render import Renderer, form_environment
from recordkit.templates.trial import may_refuse

AS_OF = ("--as-of", ISSUE_DAY)
LABELS = {
    "notice_date": "通知日期", "customer_name": "户名", "account": "户号", "point_no": "接水点编号", "address": "地址",
    "calibre": "口径", "reason": "换表原因", "old_meter_no": "旧表号", "old_meter_date": "旧表检定日期",
    "appointment": "预约换表时间", "fitter": "换表员",
}  # fmt: skip


def rows(count: int, **changes: Any) -> list[dict[str, Any]]:
    sample = tomllib.loads((shipped_forms() / "meter-change-notice" / "sample.toml").read_text(encoding="utf-8"))
    kept = {label: sample[key] for key, label in LABELS.items()}
    found = []
    for at in range(count):
        found.append({**kept, "户号": f"{at + 1:010}", "户名": f"用户{at + 1}", "旧表号": f"S{at + 1:06}", **changes})
    return found


def book(path: Path, some: list[dict[str, Any]]) -> Path:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(list(some[0]))
    for row in some:
        sheet.append(list(row.values()))
    workbook.save(path)
    return path


def generate(cli: Cli, *arguments: object, expect: int = 0) -> Any:
    return cli.json("generate", "meter-change-notice", *arguments, *AS_OF, expect=expect)


def accounts(cli: Cli) -> list[str]:
    return [one["account"] for one in cli.json("issued", "list")["items"]]


def test_where_leaves_rows_out_and_they_are_neither_issued_nor_refused(cli: Cli, tmp_path: Path) -> None:
    some = rows(4)
    some[1]["口径"] = some[3]["口径"] = "DN40"
    some[3]["户名"] = ""
    some[0]["户名"] = ""  # refused were it asked for
    path = book(tmp_path / "表.xlsx", some)
    result = generate(cli, "--data", path, "--where", "口径 == 'DN40'", expect=4)
    assert [one["row"] for one in result["items"]] == [3]
    assert [(one["row"], one["field"]) for one in result["refused"]] == [(5, "customer_name")]
    assert result["summary"]["skipped"] == 2


def test_a_condition_that_is_none_or_asks_for_no_field_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    path = book(tmp_path / "表.xlsx", rows(1))
    for text in ("口径 ==", "口経 == 'DN20'", "旧铅封 == '完好'"):
        cli("generate", "meter-change-notice", "--data", path, "--where", text, *AS_OF, expect=2)
    assert accounts(cli) == []


def test_unique_refuses_what_stands_in_an_earlier_row_or_document(cli: Cli, tmp_path: Path) -> None:
    generate(cli, "--data", book(tmp_path / "一.xlsx", rows(2)))
    some = [*rows(3, 旧表号="T1"), *rows(1, 户号="9999", 旧表号="T2")]
    some.append({**some[-1], "户名": "别人"})
    result = generate(cli, "--data", book(tmp_path / "二.xlsx", some), "--unique", "户号", expect=4)
    assert [(one["row"], one["code"], one["field"]) for one in result["refused"]] == [
        (2, "duplicate", "account"), (3, "duplicate", "account"), (6, "duplicate", "account"),
    ]  # fmt: skip
    assert "换通〔2026〕0001号" in result["refused"][0]["message"]
    assert [one["row"] for one in result["items"]] == [4, 5]
    cli("issued", "void", "换通〔2026〕0001号", "--reason", "错", *AS_OF)
    again = generate(cli, "--data", book(tmp_path / "三.xlsx", rows(1, 旧表号="T3")), "--unique", "account")
    assert again["summary"]["generated"] == 1, "a void document takes no value"


def test_resume_issues_only_what_an_earlier_run_of_the_file_did_not(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = rows(5)
    some.append(dict(some[0]))  # stands twice and is meant twice
    out = tmp_path / "外 面"
    path = book(tmp_path / "清单.xlsx", some)
    real, calls = issuing.print_chunk, 0

    def stop(*arguments: Any) -> list[str]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(issuing, "_BATCH", 2)
        patch.setattr(issuing, "_CHUNK", 1)
        patch.setattr(issuing, "print_chunk", stop)
        assert generate(cli, "--data", path, "--out", out, expect=130)["summary"]["generated"] == 1
        assert "2 document(s) have a number, 1 of them are written" in cli.err
    assert len(accounts(cli)) == 2, "the second is numbered and its file is missing"
    assert [one["written"] for one in cli.json("issued", "list")["items"]] == [True, False]
    assert cli("issued", "list").count("not written") == 1
    assert cli.json("issued", "render", "--missing", "--dry-run")["total"] == 1
    result = generate(cli, "--data", path, "--out", out, "--resume")
    assert [one["row"] for one in result["items"]] == [4, 5, 6, 7]
    assert result["summary"]["skipped"] == 2
    assert "1 document(s) of the earlier run" in cli.err
    assert len(list(out.glob("*.docx"))) == 6, "outside the store too"
    assert cli.json("issued", "render", "--missing", "--dry-run")["total"] == 0
    assert sorted(accounts(cli)) == sorted(row["户号"] for row in some)
    assert generate(cli, "--data", path, "--resume")["summary"]["generated"] == 0
    other = book(tmp_path / "别的.xlsx", rows(1))
    assert generate(cli, "--data", other, "--resume")["summary"]["generated"] == 1, "another file is another order"


def test_resume_without_a_file_is_wrong_usage(cli: Cli) -> None:
    cli("generate", "meter-change-notice", "--set", "户名=甲", "--resume", *AS_OF, expect=2)
    assert "--resume" in cli.err and "--data" in cli.err and accounts(cli) == []


def test_the_file_name_may_be_given(cli: Cli, tmp_path: Path) -> None:
    path = book(tmp_path / "表.xlsx", rows(1))
    item = generate(cli, "--data", path, "--name", "{户号}/{customer_name} {number}")["items"][0]
    assert Path(item["path"]).name == "0000000001_用户1 换通〔2026〕0001号.docx"
    cli("generate", "meter-change-notice", "--data", path, "--name", "{户哈}", *AS_OF, expect=3)
    cli("generate", "meter-change-notice", "--data", path, "--name", "{户号", *AS_OF, expect=3)


def test_rows_are_read_from_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    some = rows(2)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(some[0])
    writer.writerows(row.values() for row in some)
    for content in (
        json.dumps(some, default=str).encode(), out.getvalue().encode("gb18030"), book_bytes(some),
    ):  # fmt: skip
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert generate(cli, "--data", "-")["summary"]["generated"] == 2


def book_bytes(some: list[dict[str, Any]]) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return book(Path(folder) / "x.xlsx", some).read_bytes()


@pytest.mark.parametrize("ending", ["xlsx", "csv", "json"])
def test_refused_rows_come_back_in_their_kind_and_can_be_corrected_and_fed_in(
    cli: Cli, tmp_path: Path, ending: str
) -> None:
    some = rows(3)
    some[1]["口径"] = "DN17"
    some[2]["户名"] = "=HYPERLINK(1)"
    some[2]["换表原因"] = "无理由"
    path = tmp_path / f"清单.{ending}"
    if ending == "xlsx":
        workbook = openpyxl.load_workbook(book(path, some))
        sheet = workbook.active
        assert sheet is not None
        cell = sheet["B4"]
        assert isinstance(cell, Cell)
        cell.value, cell.data_type = "=HYPERLINK(1)", "s"
        workbook.save(path)
    elif ending == "csv":
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(some[0])
            writer.writerows(row.values() for row in some)
    else:
        path.write_text(json.dumps(some, default=str), encoding="utf-8")
    result = generate(cli, "--data", path, expect=4)
    refused = Path(result["refused_file"])
    assert refused.suffix == path.suffix
    source = list(planning.RowSource(__import__("recordkit").read_rows(refused).rows).rows)
    assert [row.values["户号"] for row in source] == ["0000000002", "0000000003"]
    assert source[1].values["户名"] == "=HYPERLINK(1)"
    assert "DN17" in str(source[0].values[planning.REASON_HEADING])
    again = generate(cli, "--data", refused, "--set", "口径=DN20", "--set", "换表原因=逾龄")
    assert again["summary"]["generated"] == 2
    assert sorted(accounts(cli)) == ["0000000001", "0000000002", "0000000003"]


def test_several_processes_print_the_same_bytes_in_the_same_order(cli: Cli, tmp_path: Path) -> None:
    path = book(tmp_path / "表.xlsx", rows(120))
    result = generate(cli, "--data", path, "--jobs", 2)
    assert [one["row"] for one in result["items"]] == list(range(2, 122))
    for one in (result["items"][0], result["items"][77]):
        again = cli.json("issued", "render", one["number"], "--out", tmp_path / "again")
        assert again["sha256"] == one["sha256"]
        assert Path(again["path"]).read_bytes() == Path(one["path"]).read_bytes()
    assert len(list((cli.store / FOLDER).iterdir())) == 1, "one batch is one pack"


def test_a_file_in_the_way_stops_a_worker_s_chunk_by_name(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    path = book(tmp_path / "表.xlsx", rows(60))
    (out / "换通〔2026〕0055号 用户55.docx").write_bytes(b"mine")
    cli("generate", "meter-change-notice", "--data", path, "--out", out, "--jobs", 2, *AS_OF, expect=3)
    assert "0055" in cli.err
    assert accounts(cli) == []


def test_a_long_list_is_told_by_its_ends(cli: Cli, tmp_path: Path) -> None:
    path = book(tmp_path / "表.xlsx", rows(60))
    out = cli("generate", "meter-change-notice", "--data", path, *AS_OF)
    assert out == ""
    assert "换通〔2026〕0001号 to 换通〔2026〕0060号" in cli.err


def test_a_later_setting_does_not_change_an_issued_paper(cli: Cli, tmp_path: Path) -> None:
    """The style of amounts and the company's name stand in the issue data."""
    item = generate(cli, "--data", book(tmp_path / "表.xlsx", rows(1)))["items"][0]
    settings = cli.store / "recordkit.toml"
    text = settings.read_text(encoding="utf-8").replace("某某市自来水有限公司", "新名称水务有限公司")
    settings.write_text(text + "\n[documents]\nmoney_jiao_suffix = true\n", encoding="utf-8")
    again = cli.json("issued", "render", item["number"], "--out", tmp_path / "again")
    assert again["sha256"] == item["sha256"]


def test_a_number_that_another_pattern_has_given_is_passed_over(cli: Cli) -> None:
    """Two patterns of one form can meet: 回访1 and 2 from one, 回访 and 12 from the other."""
    own = cli.store / "forms" / "visit-record"
    shutil.copytree(shipped_forms() / "visit-record", own)
    toml = (own / "form.toml").read_text(encoding="utf-8")
    sample = own / "sample.toml"
    numbers = []
    for pattern, times in (("访{seq:02}号", 12), ("访1{seq}号", 3)):
        (own / "form.toml").write_text(toml.replace("回访〔{year}〕{seq:05}号", pattern), encoding="utf-8")
        for _ in range(times):
            numbers.append(cli.json("generate", "visit-record", "--data", sample, *AS_OF)["items"][0]["number"])
    assert numbers[-3:] == ["访13号", "访14号", "访15号"]
    cli("rebuild", "--catalogue")
    assert [one["number"] for one in cli.json("issued", "list")["items"]] == numbers


def test_two_rows_of_one_name_are_told_apart_by_their_numbers(cli: Cli, tmp_path: Path) -> None:
    path = book(tmp_path / "表.xlsx", rows(2, 户名="魏堃"))
    result = generate(cli, "--data", path, "--name", "{户名}", "--out", tmp_path / "out", "--all-or-nothing")
    assert [Path(one["path"]).name for one in result["items"]] == ["魏堃.docx", "换通〔2026〕0002号 魏堃.docx"]


def test_a_folder_that_cannot_be_written_costs_no_number(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(30, "Read-only file system", str(folder))

    monkeypatch.setattr(issuing.files, "probe", refuse)
    cli("generate", "meter-change-notice", "--data", book(tmp_path / "表.xlsx", rows(1)), *AS_OF, expect=3)
    assert "Read-only file system" in cli.err
    assert accounts(cli) == []


def test_a_worker_that_dies_costs_no_document(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mortal(issuing.Crew):
        deaths = 1

        def take(self) -> tuple[Any, Any]:
            key, outcome = super().take()
            if Mortal.deaths:
                Mortal.deaths -= 1
                return key, Outcome(None, issuing.Lost("damaged"))
            return key, outcome

    monkeypatch.setattr(issuing, "Crew", Mortal)
    result = generate(cli, "--data", book(tmp_path / "表.xlsx", rows(120)), "--jobs", 2)
    assert [one["row"] for one in result["items"]] == list(range(2, 122))
    assert all(Path(one["path"]).exists() for one in result["items"])
    assert cli.json("issued", "render", "--missing", "--dry-run")["total"] == 0


def test_a_failure_of_one_chunk_tells_the_others_and_what_is_left(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(issuing.Crew):
        def take(self) -> tuple[Any, Any]:
            key, outcome = super().take()
            if key[0] == 1:
                for path in (cli.store / "outbox").glob("*0[12]??号*"):
                    if 101 <= int(path.name[8:12]) <= 200:
                        path.unlink()
                return key, Outcome(None, OSError(28, "No space left on device", "x.tmp"))
            return key, outcome

    with monkeypatch.context() as patch:
        patch.setattr(issuing, "Crew", Full)
        result = generate(cli, "--data", book(tmp_path / "表.xlsx", rows(260)), "--jobs", 2, expect=4)
    assert "260 document(s) have a number" in cli.err
    assert "x.tmp" not in cli.err
    left = cli.json("issued", "render", "--missing")["items"]
    assert len(result["items"]) == 160, "what the others printed is told"
    assert len(left) == 100
    assert len(list((cli.store / "outbox").glob("*.docx"))) == 260
    assert cli.json("issued", "render", "--missing", "--dry-run")["total"] == 0


def test_documents_of_a_file_are_printed_again_together(cli: Cli, tmp_path: Path) -> None:
    generate(cli, "--data", book(tmp_path / "清单.xlsx", rows(3)))
    generate(cli, "--data", book(tmp_path / "别的.xlsx", rows(1)))
    assert cli.json("issued", "render", "--source", "清单.xlsx")["total"] == 3
    cli("issued", "render", "--source", "没有.xlsx", expect=5)
    cli("issued", "render", expect=2)
    two = cli.json("issued", "render", "换通〔2026〕0001号", "换通〔2026〕0004号", "--out", tmp_path / "x")
    assert [one["number"] for one in two["items"]] == ["换通〔2026〕0001号", "换通〔2026〕0004号"]


def test_a_tampered_kept_template_is_never_printed(cli: Cli, tmp_path: Path) -> None:
    generate(cli, "--data", book(tmp_path / "一.xlsx", rows(1)))
    kept = next((cli.store / "forms" / "versions").rglob("template.docx"))
    good = kept.read_bytes()
    kept.write_bytes((shipped_forms() / "visit-record" / "template.docx").read_bytes())
    cli("issued", "render", "换通〔2026〕0001号", "--out", tmp_path / "x", expect=7)
    generate(cli, "--data", book(tmp_path / "二.xlsx", rows(120)), "--jobs", 2)
    assert kept.read_bytes() == good, "the form itself is at hand: its version is kept anew"


@pytest.mark.parametrize("place", [".", "objects", "issued/x"])
def test_documents_are_never_written_among_the_store_s_own_files(cli: Cli, tmp_path: Path, place: str) -> None:
    path = book(tmp_path / "表.xlsx", rows(1))
    cli("generate", "meter-change-notice", "--data", path, "--out", cli.store / place, *AS_OF, expect=2)
    assert accounts(cli) == []
    item = generate(cli, "--data", path, "--out", cli.store / "outbox" / "十一月")["items"][0]
    Path(item["path"]).unlink()
    again = cli.json("issued", "render", "--missing")["items"]
    assert [one["path"] for one in again] == [item["path"]], "it goes back to where it was"
    assert cli.json("issued", "render", "--missing")["total"] == 0


def test_a_row_that_the_template_refuses_gets_no_number(cli: Cli, tmp_path: Path) -> None:
    """A negative amount has no capitals; the form forgot to forbid it."""
    own = cli.store / "forms" / "receipt"
    own.mkdir(parents=True)
    (own / "form.toml").write_text(
        'id = "receipt"\nname = "收据"\nversion = "1"\nnumber = "收{seq}"\ntitle = "收据"\n[roles]\ndate = "day"\n'
        '[[fields]]\nkey = "day"\nlabel = "日期"\ntype = "date"\n'
        '[[fields]]\nkey = "sum"\nlabel = "金额"\ntype = "money"\n',
        encoding="utf-8",
    )
    (own / "template.docx").write_bytes(word_file(para("{{ 金额|大写 }}")))
    path = tmp_path / "收.csv"
    path.write_text("日期,金额\n2026-11-20,100\n2026-11-20,-5\n2026-11-20,3\n", encoding="utf-8")
    cli("generate", "receipt", "--data", path, "--all-or-nothing", *AS_OF, expect=3)
    assert accounts(cli) == []
    result = cli.json("generate", "receipt", "--data", path, *AS_OF, expect=4)
    assert [(one["row"], one["number"]) for one in result["items"]] == [(2, "收1"), (4, "收2")]
    assert [one["row"] for one in result["refused"]] == [3]


def test_the_shipped_notice_needs_no_trial_and_prints_every_row_once() -> None:
    form = load_form(None, "meter-change-notice")
    compiled = Renderer(form.spec, form.template).compiled
    assert not may_refuse(compiled.sources, form_environment(), form.spec)
    for doubtful in ("{{ 户名.title }}", "{{ 户名 < 3 }}", "{{ 上次抄见行度|大写 }}", "{{ 没有 }}", "{{ 1 / 0 }}",
                     "{% for a in 户名 %}{{ a }}{% endfor %}"):  # fmt: skip
        assert may_refuse({"word/document.xml": doubtful}, form_environment(), form.spec), doubtful
