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
    items = cli.json("forms", "check", own, expect=3)["items"]
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
