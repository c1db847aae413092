"""The meter forms as data: each is valid, issued by the command line, printed whole, read back by its code."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from recordkit.retention.schedule import shipped_scheme
from recordkit.templates.code import PrintedCode, decode
from recordkit.templates.fieldtypes import CALIBRES, Value, display
from recordkit.templates.forms import load_form
from recordkit.templates.pdf import convert_to_pdf
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.rows import RawRow
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.templates.validate import validate_row

FORMS = ("meter-removal-order", "meter-acceptance", "meter-change-slip", "meter-change-report", "meter-issue-slip",
         "meter-label")
WORDS = "清源市河湾区柳荫街十二号三幢二单元魏堃喆昇玥供水抄表换表验收"
NUMBER = "换单〔2026〕0008号"


def sample(form: str) -> dict[str, Any]:
    return tomllib.loads((load_form(None, form).folder / "sample.toml").read_text(encoding="utf-8"))


def sample_values(form: str) -> dict[str, Value]:
    values, problems = validate_row(load_form(None, form).spec, RawRow(1, sample(form), {}))
    assert [problem for problem in problems if problem.severity == "error"] == []
    return values


def longest(field: FieldSpec) -> Any:
    """The widest value the field takes."""
    match field.type:
        case "table":
            line = {column.key: longest(column) for column in field.columns}
            return [line] * (field.max_rows or 1)
        case "choice":
            return max(field.choices, key=len)
        case "account":
            most = re.search(r",([0-9]+)}", field.pattern)
            assert most, field.pattern
            return "0" * int(most[1])
        case "phone":
            return "0755-55501234-123456"
        case "calibre":
            return f"DN{CALIBRES[-1]}"
        case "integer":
            return int(field.max or 9999)
        case "decimal":
            return Decimal("12345678.125")
        case "date":
            return date(2026, 12, 28)
        case "instant":
            return datetime(2026, 12, 28, 10, 30)
        case "yes_no":
            return True
    assert field.max_length, f"{field.key} has no limit"
    return (WORDS * 9)[: field.max_length]


def longest_values(spec: FormSpec) -> dict[str, Value]:
    return {field.key: longest(field) for field in spec.of_stage("before")}


def texts(values: dict[str, Value], spec: FormSpec) -> Iterator[str]:
    """Every printed value, as the form shows it."""
    for field in spec.of_stage("before"):
        value = values[field.key]
        if isinstance(value, list):
            columns = {column.key: column for column in field.columns}
            yield from (display(cell, columns[key]) for row in value for key, cell in row.items() if cell is not None)
        elif value is not None:
            yield display(value, field)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every form, with its sample and with its longest values, as PDF by the real LibreOffice."""
    folder = tmp_path_factory.mktemp("printed")
    head = Letterhead(NUMBER, "某某市自来水有限公司", "客户服务中心", date(2026, 11, 20))
    sources = []
    for at, form in enumerate(FORMS):
        loaded = load_form(None, form)
        renderer = Renderer(loaded.spec, loaded.template)
        for name, values in (("sample", sample_values(form)), ("longest", longest_values(loaded.spec))):
            path = folder / f"{form}.{name}.docx"
            path.write_bytes(renderer.render(values, head, PrintedCode(f"ABCD0000000{at}", 1)))
            sources.append(path)
    return {path.stem: pdf for path, pdf in convert_to_pdf(sources, folder / "pdf", os.environ).items()}


def squeezed(text: str) -> str:
    return "".join(text.split())


def pages(pdf: Path) -> list[str]:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return [squeezed(page.get_textpage().get_text_bounded()) for page in document]
    finally:
        document.close()


def codes(pdf: Path) -> list[tuple[str, str]]:
    """Kind and payload of every code on the first page, rendered as a scan of 200 dpi."""
    import pypdfium2
    import zxingcpp

    document = pypdfium2.PdfDocument(pdf)
    try:
        image = document[0].render(scale=200 / 72).to_pil()
    finally:
        document.close()
    return sorted((str(one.format), one.text) for one in zxingcpp.read_barcodes(image))


@pytest.mark.parametrize("form", FORMS)
def test_the_form_passes_its_check_and_its_class_is_scheduled(cli: Cli, form: str) -> None:
    found = cli.json("forms", "check", form, "--strict")["items"]
    assert {one["severity"] for one in found} == {"remark"}
    assert "compiled" in next(one["message"] for one in found if one["code"] == "path")
    spec = load_form(None, form).spec
    assert spec.record_class == form
    assert form in shipped_scheme().classes


@pytest.mark.parametrize("form", FORMS)
def test_the_sample_fills_every_printed_field(form: str) -> None:
    values = sample_values(form)
    assert [field.key for field in load_form(None, form).spec.of_stage("before") if values[field.key] is None] == []


@pytest.mark.parametrize("form", FORMS)
def test_the_examples_of_the_handwritten_fields_are_a_valid_return(form: str) -> None:
    spec = load_form(None, form).spec
    raw: dict[str, object] = {}
    for field in spec.of_stage("onsite"):
        if field.type != "table":
            raw[field.key] = field.example
    if form == "meter-acceptance":
        raw["found"] = [["S20261202", "0", "完好"], ["S20261201", "3", "完好"]]
    _, problems = validate_row(spec, RawRow(1, raw, {}), "onsite", known=sample_values(form))
    assert [(one.label, one.message.text) for one in problems] == []


@pytest.mark.parametrize("form", FORMS)
def test_every_problem_of_an_empty_return_is_named(form: str) -> None:
    spec = load_form(None, form).spec
    _, problems = validate_row(spec, RawRow(1, {}, {}), "onsite", known=sample_values(form))
    missing = {one.field for one in problems if one.code == "required"}
    assert missing == {field.key for field in spec.of_stage("onsite") if field.required} != set()
    assert {one.code for one in problems} == {"required"}


@pytest.mark.parametrize("form", FORMS)
def test_the_command_line_issues_the_sample_under_its_number(cli: Cli, tmp_path: Path, form: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(cli("forms", "sample", form, "--json"), encoding="utf-8")
    made = cli.json("generate", form, "--data", path)["items"][0]
    start = load_form(None, form).spec.number.partition("〔")[0]
    assert made["number"] == f"{start}〔2026〕0001号"
    assert Path(made["path"]).is_file()


@pytest.mark.office
@pytest.mark.parametrize("values", ["sample", "longest"])
@pytest.mark.parametrize("form", FORMS)
def test_the_form_fits_one_page(printed: dict[str, Path], form: str, values: str) -> None:
    found = pages(printed[f"{form}.{values}"])
    assert len(found) == 1
    assert "第1页共1页" in found[0]


@pytest.mark.office
@pytest.mark.parametrize("values", ["sample", "longest"])
@pytest.mark.parametrize("form", FORMS)
def test_every_value_is_printed_whole(printed: dict[str, Path], form: str, values: str) -> None:
    spec = load_form(None, form).spec
    given = sample_values(form) if values == "sample" else longest_values(spec)
    text = pages(printed[f"{form}.{values}"])[0]
    assert [one for one in texts(given, spec) if squeezed(one) not in text] == []
    assert NUMBER in text


@pytest.mark.office
@pytest.mark.parametrize("form", FORMS)
def test_both_codes_are_read_from_the_printed_page(printed: dict[str, Path], form: str) -> None:
    found = codes(printed[f"{form}.longest"])
    own = PrintedCode(f"ABCD0000000{FORMS.index(form)}", 1)
    assert {decode(text) for _, text in found} == {own}
    count = 3 if form == "meter-label" else 1
    assert [kind for kind, _ in found] == ["Code 128", *["QR Code"] * count]


@pytest.mark.office
def test_each_label_carries_its_own_code_when_cut_out(printed: dict[str, Path]) -> None:
    import pypdfium2
    import zxingcpp

    document = pypdfium2.PdfDocument(printed["meter-label.longest"])
    try:
        image = document[0].render(scale=200 / 72).to_pil()
    finally:
        document.close()
    width, height = image.size
    for left in (0, width // 2):
        cut = image.crop((left, height // 2, left + width // 2, height))
        found = zxingcpp.read_barcodes(cut)
        assert [decode(one.text) for one in found] == [PrintedCode(f"ABCD0000000{FORMS.index('meter-label')}", 1)]


@pytest.mark.office
def test_a_signed_change_slip_is_filed_under_its_account(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(cli("forms", "sample", "meter-change-slip", "--json"), encoding="utf-8")
    made = cli.json("generate", "meter-change-slip", "--data", path, "--pdf", "--out", tmp_path / "out")["items"][0]
    filed = cli.json("ingest", made["pdf"], "--no-ocr")["items"][0]
    assert (filed["outcome"], filed["number"]) == ("archived", made["number"])
    record = cli.json("show", filed["record_id"])
    assert record["record_class"] == "meter-change-slip"
    assert record["account"] == "0012003456"
    hits = cli.json("search", "S20201108")["items"]
    assert [one["record_id"] for one in hits] == [filed["record_id"]]
