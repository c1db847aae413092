from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Cli
from docx import Document

from recordkit.templates.forms import list_form_ids, shipped_forms


def test_every_shipped_form_passes_its_check(cli: Cli) -> None:
    items = cli.json("forms", "check", "--strict")["items"]
    assert {one["severity"] for one in items} <= {"remark"}
    assert {one["form"] for one in cli.json("forms", "list")["items"]} == set(list_form_ids(None)) == {
        "supply-contract", "stop-order", "rectification-order", "meter-change-notice", "visit-record"}


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
