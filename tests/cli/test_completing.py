"""The second stage: what was written by hand is keyed in when the paper comes back."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli, clock_at
from papers import code_of, pdf_bytes

from recordkit.cli.dates import local_time
from recordkit.store import open_store
from recordkit.templates.forms import shipped_forms
from recordkit.templates.issue import Issue, find_issue
from recordkit.templates.spec_reader import load_form_spec
from recordkit.workspace import Workspace

AS_OF = ("--as-of", ISSUE_DAY)
NOTICE = "meter-change-notice"
ONSITE = {
    "旧表行度": "1068",
    "旧铅封状态": "完好",
    "新表起度": "0",
    "新表铅封完好度": "完好",
    "换表时间": "2026-11-26 09:25",
    "客户签收": "魏堃",
    "签收时间": "2026-11-26 09:30",
}
SETS = tuple(part for name, value in ONSITE.items() for part in ("--set", f"{name}={value}"))


def issue_one(cli: Cli, form: str = NOTICE, *more: str) -> str:
    data = shipped_forms() / form / "sample.toml"
    item = cli.json("generate", form, "--data", data, *more, *AS_OF)["items"][0]
    return str(item["number"])


def opened(cli: Cli) -> Workspace:
    from datetime import date

    return open_store(cli.store, clock_at(date.fromisoformat(ISSUE_DAY)), "test")


def file_paper(cli: Cli, number: str) -> str:
    """File a paper that carries the printed code of a document; the id of its record."""
    paper = cli.store.parent / f"{number}.pdf"
    paper.write_bytes(pdf_bytes(text=code_of(cli, number)))
    item = cli.json("ingest", paper, *AS_OF)["items"][0]
    assert (item["outcome"], item["number"]) == ("archived", number)
    return str(item["record_id"])


def sheet(path: Path, *rows: dict[str, str], encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as handle:
        writer = csv.DictWriter(handle, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_on_site_values_are_keyed_in_shown_and_kept_out_of_the_ledger(cli: Cli) -> None:
    number = issue_one(cli)
    item = cli.json("issued", "complete", number, *SETS, *AS_OF)["items"][0]
    assert item["outcome"] == "keyed-in"
    shown = cli.json("issued", "show", number)
    assert shown["completed"] is True
    assert shown["onsite"]["old_reading"] == "1068"
    assert shown["onsite"]["signed_at"] == "2026-11-26T09:30:00"
    assert shown["fields"]["customer_name"] == "魏堃"
    ledger = (cli.store / "ledger" / "ledger-000001.jsonl").read_text(encoding="utf-8")
    assert '"issue.completed"' in ledger
    assert "1068" not in ledger
    assert "旧表行度：1068m³" in cli("issued", "show", number, lang="zh")
    assert cli.json("ledger", "verify")["ok"]


def test_what_the_form_demands_on_return_is_demanded_all_at_once_and_nothing_is_entered(cli: Cli) -> None:
    number = issue_one(cli)
    cli("issued", "complete", number, "--set", "旧表行度=-1", "--set", "旧铅封状态=好", *AS_OF, expect=3)
    for label in ("旧表行度", "旧铅封状态", "新表起度", "客户签收", "签收时间"):
        assert label in cli.err
    assert cli.json("issued", "show", number)["completed"] is False


def test_rules_compare_with_what_was_printed(cli: Cli) -> None:
    number = issue_one(cli)
    early = [one.replace("换表时间=2026-11-26", "换表时间=2026-11-01") for one in SETS]
    cli("issued", "complete", number, *early, *AS_OF, expect=3)
    assert "换表时间早于通知日期" in cli.err
    low = [one.replace("1068", "7") for one in SETS]
    warnings = cli.json("issued", "complete", number, *low, *AS_OF)["warnings"]
    assert [one["field"] for one in warnings] == ["old_reading"]


def test_a_required_if_of_the_second_stage_sees_the_first(cli: Cli) -> None:
    number = issue_one(cli, NOTICE, "--set", "new_meter_no=")
    cli("issued", "complete", number, *SETS, *AS_OF, expect=3)
    assert "实装表号" in cli.err
    cli("issued", "complete", number, *SETS, "--set", "实装表号=S1", *AS_OF)


def test_a_correction_needs_a_reason_and_leaves_the_earlier_values_readable(cli: Cli) -> None:
    number = issue_one(cli)
    cli("issued", "complete", number, *SETS, *AS_OF)
    cli("issued", "complete", number, "--set", "旧表行度=1086", *AS_OF, expect=3)
    assert "旧表行度" in cli.err and "--reason" in cli.err
    again = cli.json("issued", "complete", number, "--set", "旧表行度=1086", "--reason", "数字看反", *AS_OF)
    assert (again["items"][0]["outcome"], again["items"][0]["changed"]) == ("corrected", ["old_reading"])
    shown = cli.json("issued", "show", number)
    assert shown["onsite"]["old_reading"] == "1086"
    assert shown["onsite"]["customer_signature"] == "魏堃"
    assert [one["reason"] for one in shown["history"]] == ["", "数字看反"]
    assert shown["history"][1]["before"] == {"old_reading": "1068"}
    assert "数字看反" in cli("issued", "show", number, lang="zh")


def test_the_same_values_again_enter_nothing_and_an_emptied_one_is_taken_away(cli: Cli) -> None:
    number = issue_one(cli)
    cli("issued", "complete", number, *SETS, "--set", "停工情况=无", *AS_OF)
    size = (cli.store / "ledger" / "ledger-000001.jsonl").stat().st_size
    again = cli.json("issued", "complete", number, *SETS, *AS_OF)
    assert again["items"][0]["outcome"] == "unchanged"
    assert again["summary"] == {"completed": 0, "unchanged": 1, "refused": 0, "would_complete": None}
    cli("issued", "complete", number, *SETS, *AS_OF)
    assert "0 document(s) keyed in" in cli.err
    assert f"1 document(s) had these values already and stay as they are: {number}" in cli.err
    assert (cli.store / "ledger" / "ledger-000001.jsonl").stat().st_size == size
    cli("issued", "complete", number, "--set", "停工情况=", "--reason", "多填", *AS_OF)
    assert "stop_work" not in cli.json("issued", "show", number)["onsite"]
    cli("issued", "complete", number, "--set", "客户签收=", "--reason", "多填", *AS_OF, expect=3)


def test_a_dry_run_checks_and_enters_nothing(cli: Cli) -> None:
    number = issue_one(cli)
    plan = cli.json("issued", "complete", number, *SETS, "--dry-run", *AS_OF)
    assert plan["summary"] == {"completed": 0, "unchanged": 0, "refused": 0, "would_complete": 1}
    assert cli.json("issued", "show", number)["completed"] is False
    assert not list((cli.store / "notes").rglob("*.json"))


def test_many_documents_come_from_one_spreadsheet_and_the_refused_can_be_fed_in_again(
    cli: Cli, tmp_path: Path
) -> None:
    numbers = [issue_one(cli) for _ in range(3)]
    void = issue_one(cli)
    cli("issued", "void", void, "--reason", "写错", *AS_OF)
    rows = [
        {"文书编号": numbers[0].replace("〔", "[").replace("〕", "]"), "户名": "魏堃", **ONSITE},
        {"文书编号": numbers[1], "户名": "魏堃", **ONSITE, "旧表行度": "一千"},
        {"文书编号": "换通〔2026〕0999号", "户名": "", **ONSITE},
        {"文书编号": void, "户名": "", **ONSITE},
        {"文书编号": numbers[0], "户名": "", **ONSITE},
        {"文书编号": "", "户名": "", **ONSITE},
        {"文书编号": numbers[2], "户名": "", **ONSITE},
    ]
    path = sheet(tmp_path / "回单.csv", *rows, encoding="gb18030")
    result = cli.json("issued", "complete", "--data", path, *AS_OF, expect=4)
    assert [one["number"] for one in result["items"]] == [numbers[0], numbers[2]]
    assert [(one["row"], one["cell"], one["code"]) for one in result["refused"]] == [
        (3, "C3", "wrong-type"), (4, "A4", "document"), (5, "A5", "document"), (6, "A6", "document"),
        (7, "A7", "document"),
    ]
    assert result["warnings"] == []  # 户名 only repeats what was printed
    refused = Path(result["refused_file"])
    text = refused.read_text(encoding="utf-8-sig")
    assert "换通〔2026〕0999号" in text and numbers[2] not in text
    refused.write_text(text.replace("一千", "1070"), encoding="utf-8-sig")
    again = cli.json("issued", "complete", "--data", refused, *AS_OF, expect=4)
    assert [(one["number"], one["outcome"]) for one in again["items"]] == [
        (numbers[1], "keyed-in"), (numbers[0], "unchanged"),
    ]
    cli("issued", "complete", "--data", sheet(tmp_path / "x.csv", rows[2]), *AS_OF, expect=3)


def test_a_filed_record_says_what_was_keyed_in_and_its_history_shows_it(cli: Cli) -> None:
    number = issue_one(cli, NOTICE, "--set", "new_meter_no=")
    record = file_paper(cli, number)
    cli("issued", "complete", number, *SETS, "--set", "实装表号=S20269999", *AS_OF)
    shown = cli.json("show", record)
    assert shown["old_reading"] == "1068"
    assert shown["fitted_meter_no"] == "S20269999"
    assert [one["record_id"] for one in cli.json("search", "表号:S20269999")["items"]] == [record]
    acts = [one["act"] for one in cli.json("history", record)["items"]]
    assert acts == ["record.filed", "record.edited"]
    cli("issued", "complete", number, "--set", "旧表行度=1086", "--reason", "看错", *AS_OF)
    assert cli.json("show", record)["old_reading"] == "1086"
    assert cli.json("history", record)["items"][-1]["reason"] == "看错"


def test_a_paper_filed_after_it_was_keyed_in_inherits_the_values(cli: Cli) -> None:
    number = issue_one(cli)
    cli("issued", "complete", number, *SETS, *AS_OF)
    record = file_paper(cli, number)
    assert cli.json("show", record)["old_reading"] == "1068"
    assert [one["act"] for one in cli.json("history", record)["items"]] == ["record.filed"]


def test_killed_between_entry_and_record_the_same_command_finishes(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit.archive import returning

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    number = issue_one(cli)
    record = file_paper(cli, number)
    with monkeypatch.context() as patch:
        patch.setattr(returning, "edit_record", die)
        with pytest.raises(Killed):
            cli("issued", "complete", number, *SETS, *AS_OF)
    assert "old_reading" not in cli.json("show", record)
    assert cli.json("issued", "complete", number, *SETS, *AS_OF)["items"][0]["outcome"] == "unchanged"
    assert cli.json("show", record)["old_reading"] == "1068"


def test_a_plan_made_before_somebody_else_keyed_in_is_refused(cli: Cli) -> None:
    from recordkit.archive.returning import complete_documents
    from recordkit.templates.completing import plan_completions
    from recordkit.templates.rows import RawRow

    number = issue_one(cli)
    workspace = opened(cli)
    issue: Issue = find_issue(workspace.db, number)
    plan = plan_completions(workspace, [RawRow(1, ONSITE, {})], issue=issue)
    cli("issued", "complete", number, *SETS, *AS_OF)
    (late,) = complete_documents(workspace, plan.documents, record_reason="x")
    workspace.close()
    assert late.problem is not None and late.problem.code == "changed-meanwhile"
    assert len(cli.json("issued", "show", number)["history"]) == 1


def test_a_void_document_shows_who_made_it_void_when_and_why(cli: Cli) -> None:
    number = issue_one(cli)
    assert cli.json("issued", "show", number)["history"] == []
    cli("issued", "void", number, "--reason", "户名写错", *AS_OF)
    (step,) = cli.json("issued", "show", number)["history"]
    assert (step["act"], step["reason"], step["time"][:10]) == ("issue.voided", "户名写错", ISSUE_DAY)
    assert step["actor"].startswith("os:")
    assert f"{local_time(step['time'])} {step['actor']} issue voided (户名写错)" in cli("issued", "show", number)


def test_the_fields_of_a_document_are_shown_in_the_order_of_the_form(cli: Cli) -> None:
    number = issue_one(cli)
    cli("issued", "complete", number, *SETS, *AS_OF)
    shown = cli.json("issued", "show", number)
    order = [one.key for one in load_form_spec((shipped_forms() / NOTICE / "form.toml").read_bytes()).fields]
    for part in ("fields", "onsite"):
        assert list(shown[part]) == [key for key in order if key in shown[part]]
        assert list(shown[part]) != sorted(shown[part])


def test_void_and_unknown_documents_are_refused_by_name(cli: Cli) -> None:
    number = issue_one(cli)
    cli("issued", "void", number, "--reason", "写错", *AS_OF)
    cli("issued", "complete", number, *SETS, *AS_OF, expect=8)
    assert number in cli.err and "void" in cli.err
    cli("issued", "complete", "换通〔2026〕0999号", *SETS, *AS_OF, expect=5)
    assert "换通〔2026〕0999号" in cli.err
    assert cli.json("issued", "show", number)["status"] == "void"


def test_without_values_or_without_a_number_nothing_can_be_keyed_in(cli: Cli) -> None:
    number = issue_one(cli)
    cli("issued", "complete", number, *AS_OF, expect=2)
    assert "--set" in cli.err
    cli("issued", "complete", "--ask", *AS_OF, expect=2)
    assert "Name a document" in cli.err


def test_papers_of_the_checklist_are_ticked_before_or_with_the_values(cli: Cli) -> None:
    number = issue_one(cli, "supply-contract")
    lacking = cli.json("issued", "show", number)["lacking"]
    assert len(lacking) >= 2
    item = cli.json("issued", "complete", number, "--collected", lacking[0], *AS_OF)["items"][0]
    assert (item["outcome"], item["lacking"]) == ("collected", lacking[1:])
    cli("issued", "complete", number, "--collected", "没有这种材料", *AS_OF, expect=3)
    assert lacking[0] in cli("issued", "show", number)
    rest = [part for name in lacking[1:] for part in ("--collected", name)]
    cli("issued", "complete", number, *rest, *AS_OF)
    shown = cli.json("issued", "show", number)
    assert (shown["lacking"], shown["collected"], shown["completed"]) == ([], lacking, False)
    cli("issued", "complete", number, "--not-collected", lacking[0], "--reason", "拿错", *AS_OF)
    assert cli.json("issued", "show", number)["lacking"] == lacking[:1]


def test_the_lists_of_what_is_still_out(cli: Cli) -> None:
    first, second, third = (issue_one(cli) for _ in range(3))
    contract = issue_one(cli, "supply-contract")

    def numbers(*arguments: str) -> list[str]:
        return [one["number"] for one in cli.json("issued", "list", *arguments)["items"]]

    file_paper(cli, first)
    file_paper(cli, second)
    cli("issued", "complete", first, *SETS, *AS_OF)
    assert numbers("--incomplete") == [second]
    assert numbers("--unreturned") == [third, contract]
    assert numbers("--unreturned", "--form", NOTICE) == [third]
    assert numbers("--lacking") == [contract]
    assert numbers("--month", "2026-11") == [first, second, third, contract]
    assert numbers("--month", "2026年12月") == []
    assert numbers("--older-than", "29", "--unreturned", "--as-of", "2026-12-20") == [third, contract]
    assert numbers("--older-than", "30", "--unreturned", "--as-of", "2026-12-20") == []
    item = cli.json("issued", "list", "--as-of", "2026-12-20")["items"][0]
    assert (item["completed"], item["days"], item["number"]) == (True, 30, first)
    cli("issued", "list", "--month", "2026-13", expect=2)


def test_destroying_the_notes_leaves_nothing_of_what_was_keyed_in(cli: Cli) -> None:
    """The notes lie where destruction removes them: beside the issue."""
    from recordkit.notes import remove_notes

    number = issue_one(cli)
    cli("issued", "complete", number, *SETS, "--set", "停工情况=司徒堃家中无人", *AS_OF)
    assert "司徒堃".encode() in b"".join(path.read_bytes() for path in cli.store.rglob("*") if path.is_file())
    issue_id = cli.json("issued", "show", number)["issue_id"]
    remove_notes(cli.store, issue_id)
    cli("rebuild")
    shown = cli.json("issued", "show", number)
    assert (shown["completed"], shown["onsite"]) == (True, {})
    assert "司徒堃".encode() not in b"".join(path.read_bytes() for path in cli.store.rglob("*") if path.is_file())


def test_tables_and_persons_are_keyed_in_too(cli: Cli, tmp_path: Path) -> None:
    form = cli.store / "forms" / "hand"
    form.mkdir()
    text = (shipped_forms() / "visit-record" / "form.toml").read_text(encoding="utf-8")
    text = text.replace('id = "visit-record"', 'id = "hand"', 1).replace("回访〔", "手〔")
    text += (
        '\n[[fields]]\nkey = "agent"\nlabel = "经办人"\ntype = "person"\nstage = "onsite"\n'
        '\n[[fields]]\nkey = "seals"\nlabel = "铅封"\ntype = "table"\nstage = "onsite"\n'
        'columns = [{ key = "no", label = "封号" }, { key = "state", label = "状态", type = "choice", '
        'choices = ["完好", "破损"] }]\n'
    )
    # The rules of the shipped form stand above; TOML lets tables of fields follow them.
    (form / "form.toml").write_text(text, encoding="utf-8")
    (form / "template.docx").write_bytes((shipped_forms() / "visit-record" / "template.docx").read_bytes())
    sample = tomllib.loads((shipped_forms() / "visit-record" / "sample.toml").read_text(encoding="utf-8"))
    (tmp_path / "row.json").write_text(json.dumps(sample, default=str), encoding="utf-8")
    number = cli.json("generate", "hand", "--data", tmp_path / "row.json", *AS_OF)["items"][0]["number"]
    spec = load_form_spec(form)
    values = {one.key: one.example for one in spec.of_stage("onsite")
              if one.required or one.key == "customer_signature"}
    values |= {"agent": "张三 110101190303070012", "seals": "A1|完好; A2|破损"}
    path = tmp_path / "back.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    cli("issued", "complete", number, "--data", path, *AS_OF)
    shown = cli.json("issued", "show", number)["onsite"]
    assert shown["agent"] == {"name": "张三", "id": "110101190303070012"}
    assert shown["seals"] == [{"no": "A1", "state": "完好"}, {"no": "A2", "state": "破损"}]
    record = file_paper(cli, number)
    assert cli.json("show", record)["agent"] == {"name": "张三", "id": "110101190303070012"}
    assert [one["record_id"] for one in cli.json("search", "张三")["items"]] == [record]
