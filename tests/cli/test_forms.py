from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Cli
from docx import Document
from papers import word_file

from recordkit.templates.forms import list_form_ids, shipped_forms


def test_every_shipped_form_passes_its_check(cli: Cli) -> None:
    items = cli.json("forms", "check", "--strict")["items"]
    assert {one["severity"] for one in items} <= {"remark"}
    listed = {one["form"] for one in cli.json("forms", "list")["items"]}
    assert listed == set(list_form_ids(None))
    assert listed > {"supply-contract", "stop-order", "rectification-order", "meter-change-notice", "visit-record"}


@pytest.fixture
def own(cli: Cli) -> Path:
    """A copy of the visit record in the store's own forms."""
    folder = cli.store / "forms" / "visit-record"
    shutil.copytree(shipped_forms() / "visit-record", folder)
    return folder


def test_a_tag_that_is_no_field_is_found_before_a_clerk_meets_it(cli: Cli, own: Path) -> None:
    document = Document(str(own / "template.docx"))
    document.add_paragraph("{{ 没有的字段 }}")
    document.save(str(own / "template.docx"))
    items = [one for one in cli.json("forms", "check", "visit-record", expect=3)["items"]
             if one["severity"] == "error"]
    assert [(one["form"], one["field"], one["part"]) for one in items] == [("visit-record", "template.docx", "body")]
    assert "没有的字段" in items[0]["message"]


def test_every_mistake_of_form_toml_is_found_in_one_run(cli: Cli, own: Path) -> None:
    text = (own / "form.toml").read_text(encoding="utf-8")
    text = text.replace('type = "choice"', 'type = "chioce"', 1).replace("[roles]", "[roles]\nmeters = ['nothing']", 1)
    (own / "form.toml").write_text(text, encoding="utf-8")
    document = Document(str(own / "template.docx"))
    document.add_paragraph("｛｛ 户号 ｝｝")
    document.save(str(own / "template.docx"))
    items = cli.json("forms", "check", own, expect=3)["items"]
    assert "wide-brackets" in {one["code"] for one in items}
    assert any("chioce" in one["message"] or "type" in one["field"] for one in items)


def test_a_sample_that_the_rules_refuse_is_found(cli: Cli, own: Path) -> None:
    text = (own / "sample.toml").read_text(encoding="utf-8").replace('visit_method = "上门"', 'visit_method = "托梦"')
    (own / "sample.toml").write_text(text, encoding="utf-8")
    assert "visit_method" in {one["field"] for one in cli.json("forms", "check", "visit-record", expect=3)["items"]}


def test_the_sample_is_valid_data_for_generate(cli: Cli, tmp_path: Path) -> None:
    for form in list_form_ids(None):
        path = tmp_path / f"{form}.json"
        path.write_text(cli("forms", "sample", form, "--json"), encoding="utf-8")
        assert cli.json("generate", form, "--data", path, "--as-of", "2026-11-20")["summary"]["generated"] == 1


def test_check_says_which_way_a_template_is_filled_and_why(cli: Cli, own: Path) -> None:
    assert "compiled" in cli("forms", "check", "visit-record")
    document = Document(str(own / "template.docx"))
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text = "{% colspan 2 %}{{ 客户 }}"
    document.save(str(own / "template.docx"))
    assert "the columns of a table depend on the data" in cli("forms", "check", "visit-record")


@pytest.mark.parametrize("sign", ["/", "／", "-", "+", "*"])
def test_two_names_joined_by_a_sign_are_a_fault_also_without_a_form(cli: Cli, tmp_path: Path, sign: str) -> None:
    path = word_file(tmp_path / "新表.docx", f"{{{{ 户号{sign}编号 }}}}", "{{ 户名 }}", "{{ total - 1 }}")
    items = cli.json("forms", "check", path, expect=3)["items"]
    errors = [one for one in items if one["severity"] == "error"]
    assert len(errors) == 1
    assert "户号" in errors[0]["text"]


def test_the_next_command_quotes_a_path_with_a_space(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "新 表.xlsx"
    cli("forms", "sample", "visit-record", "--xlsx", target)
    assert f"--data '{target}'" in cli.err


def by_code(items: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    return {one["code"]: one for one in items}


def test_a_warning_stops_only_the_strict_check(cli: Cli, own: Path) -> None:
    text = (own / "form.toml").read_text(encoding="utf-8")
    text += '\n[[fields]]\nkey = "spare"\nlabel = "备用栏"\nrequired = false\n'
    (own / "form.toml").write_text(text, encoding="utf-8")
    found = by_code(cli.json("forms", "check", "visit-record")["items"])
    assert (found["unused-field"]["severity"], found["unused-field"]["field"]) == ("warning", "spare")
    cli("forms", "check", "visit-record", "--strict", expect=3)
    cli("forms", "check", "stop-order", "--strict")


def test_an_own_form_is_compared_with_the_shipped_one(cli: Cli, own: Path) -> None:
    assert "same-as-shipped" in by_code(cli.json("forms", "check", "visit-record")["items"])
    text = (own / "form.toml").read_text(encoding="utf-8")
    text = text.replace('version = "1"', 'version = "甲2"', 1).replace("max_length = 40", "max_length = 30", 1)
    text = text.replace('key = "work_order"', 'key = "order_no"', 1)
    text += '\n[[rules]]\ncheck = "account != \'0\'"\nmessage = "户号不得为0"\nfields = ["account"]\n'
    (own / "form.toml").write_text(text, encoding="utf-8")
    (own / "sample.toml").unlink()
    document = Document(str(own / "template.docx"))
    document.save(str(own / "template.docx"))
    told = by_code(cli.json("forms", "check", "visit-record")["items"])["differs-from-shipped"]
    assert told["severity"] == "remark"
    for piece in ("version 甲2", "version 1", "only here: 关联工单号", "shipped one: 关联工单号", "客户 (max_length)",
                  "1 only here, 0 only in", "the template differs"):
        assert piece in told["message"]


def test_a_word_file_alone_can_be_checked(cli: Cli, tmp_path: Path) -> None:
    document = Document()
    document.add_paragraph("户号：｛｛ 户号 ｝｝")
    path = tmp_path / "新 表.docx"
    document.save(str(path))
    items = cli.json("forms", "check", path, expect=3)["items"]
    assert by_code(items)["wide-brackets"]["field"] == "新 表.docx"
    assert by_code(items)["wide-brackets"]["place"] == "body, paragraph 1"
    table = cli("forms", "check", path, expect=3)
    assert "text: 户号：｛｛ 户号 ｝｝" in table
    assert "-> Type it as {{ 户号 }}" in table
    cli("forms", "check", tmp_path / "没有.docx", expect=5)
    (tmp_path / "坏.docx").write_bytes(b"\xd0\xcf\x11\xe0old")
    assert "Word document" in cli.json("forms", "check", tmp_path / "坏.docx", expect=3)["items"][0]["message"]


def test_a_template_is_checked_with_its_form_whether_folder_or_file_is_named(cli: Cli, own: Path) -> None:
    document = Document(str(own / "template.docx"))
    document.add_paragraph("{{ 没有的字段 }}")
    document.save(str(own / "template.docx"))
    for name in (own, own / "template.docx", own / "form.toml", "visit-record"):
        assert "unknown-variable" in by_code(cli.json("forms", "check", name, expect=3)["items"])


@pytest.mark.parametrize("form", list_form_ids(None))
def test_the_sample_spreadsheet_issues_what_the_sample_says(cli: Cli, tmp_path: Path, form: str) -> None:
    """Drafts have no number and are byte for byte the same for the same values."""
    plain, sheet = tmp_path / "样.json", tmp_path / "样 表.xlsx"
    plain.write_text(cli("forms", "sample", form, "--json"), encoding="utf-8")
    cli("forms", "sample", form, "--xlsx", sheet)
    made = [cli.json("generate", form, "--draft", "--data", one, "--out", tmp_path / one.suffix[1:])
            for one in (plain, sheet)]
    assert [one["summary"]["generated"] for one in made] == [1, 1]
    assert made[1]["refused"] == []
    assert {one["code"] for one in made[1]["warnings"]} <= {"gate", "gate-unchecked"}, "an empty store has no approvals"
    assert made[0]["items"][0]["sha256"] == made[1]["items"][0]["sha256"]
    cli("forms", "sample", form, "--xlsx", sheet, expect=3)
    cli("forms", "sample", form, "--xlsx", sheet, "--force")


def test_the_sample_spreadsheet_guards_what_spreadsheets_damage(cli: Cli, tmp_path: Path) -> None:
    import openpyxl

    path = tmp_path / "换表.xlsx"
    cli("forms", "sample", "meter-change-notice", "--xlsx", path)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    at = {str(cell.value).rstrip("*"): cell.column_letter for cell in sheet[1]}
    assert sheet["A1"].value == "通知日期*"
    assert sheet[f"{at['联系电话']}1"].value == "联系电话"
    assert "旧表行度" not in at  # written by hand on the paper
    for label in ("户号", "联系电话", "旧表号"):
        assert sheet[f"{at[label]}2"].number_format == "@" == sheet.column_dimensions[at[label]].number_format
        assert isinstance(sheet[f"{at[label]}2"].value, str)
    assert sheet[f"{at['通知日期']}2"].is_date
    assert sheet.freeze_panes == "A2"
    rules = {str(rule.sqref).split(":")[0].rstrip("2"): rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert set(rules) == {at["换表原因"], at["口径"]}
    title, _, cells = rules[at["换表原因"]].partition("!")
    listed = [cell.value for (cell,) in book[title.strip("'")][cells.replace("$", "")]]
    assert listed == ["逾龄", "停滞行", "无铅封", "黑面", "其他"]
    help_sheet = book.worksheets[1]
    told = {row[0].value: [cell.value for cell in row[1:5]] for row in help_sheet.iter_rows(min_row=2)}
    assert told["原因说明"][0] == "in some cases"
    assert "4至20位" in told["户号"][3]


def test_a_person_stands_in_the_spreadsheet_as_generate_reads_one(cli: Cli, own: Path, tmp_path: Path) -> None:
    text = (own / "form.toml").read_text(encoding="utf-8")
    text += '\n[[fields]]\nkey = "agent"\nlabel = "经办人"\ntype = "person"\n'
    (own / "form.toml").write_text(text, encoding="utf-8")
    sample = (own / "sample.toml").read_text(encoding="utf-8") + 'agent = "陈堃|110101199003070732"\n'
    (own / "sample.toml").write_text(sample, encoding="utf-8")
    cli("forms", "sample", "visit-record", "--xlsx", tmp_path / "a.xlsx")
    cli("generate", "visit-record", "--data", tmp_path / "a.xlsx", "--dry-run", "--as-of", "2026-11-20")
    assert "In all: 1 document(s); 0 row(s) refused" in cli.err


def test_a_sample_that_the_form_refuses_makes_no_spreadsheet(cli: Cli, own: Path, tmp_path: Path) -> None:
    text = (own / "sample.toml").read_text(encoding="utf-8").replace('visit_method = "上门"', 'visit_method = "托梦"')
    (own / "sample.toml").write_text(text, encoding="utf-8")
    cli("forms", "sample", "visit-record", "--xlsx", tmp_path / "a.xlsx", expect=3)
    assert "托梦" in cli.err
    assert not (tmp_path / "a.xlsx").exists()


def test_a_template_that_computes_with_what_is_empty_is_found(cli: Cli, own: Path) -> None:
    document = Document(str(own / "template.docx"))
    document.add_paragraph("{{ 1 + none }}")
    document.save(str(own / "template.docx"))
    found = cli.json("forms", "check", "visit-record", expect=3)["items"]
    items = [one for one in found if one["severity"] == "error"]
    assert [one["message"].rpartition("(")[2] for one in items] == ["main text: {{ 1 + none }})"]
    assert items[0]["fix"].startswith("A tag computes")


def test_a_template_that_is_no_word_file_or_missing_is_said(cli: Cli, own: Path) -> None:
    (own / "template.docx").write_bytes(b"PK\x03\x04 half a file")
    items = cli.json("forms", "check", "visit-record", expect=3)["items"]
    assert "template.docx is not a Word document." in [one["message"] for one in items]
    (own / "template.docx").unlink()
    items = cli.json("forms", "check", "visit-record", expect=3)["items"]
    assert [one["message"] for one in items] == ["The form visit-record has no template.docx."]
