"""The customers' forms: valid as data, printed by the real LibreOffice on the pages they are meant for, and filed."""

from __future__ import annotations

import os
import re
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli

from recordkit.archive.classes import load_scheme
from recordkit.cli.main import run
from recordkit.templates.code import PrintedCode
from recordkit.templates.expressions import compile_expression
from recordkit.templates.fieldtypes import Value, display
from recordkit.templates.forms import load_form, shipped_forms
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.rows import RawRow
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.templates.validate import validate_row, wanted_attachments

PAGES = {
    "water-application": 2,
    "change-application": 1,
    "account-closing": 2,
    "account-transfer": 2,
    "complaint": 1,
    "repair-order": 1,
    "violation-registration": 2,
    "violation-approval": 2,
}
RESTRICTED = {"violation-registration", "violation-approval"}
# The choices that open or close other fields; every combination is printed with its longest values.
TURNS: Mapping[str, Mapping[str, tuple[object, ...]]] = {
    "water-application": {"customer_kind": ("单位",), "id_kind": ("其他证件",), "apply_kind": ("临时用水",)},
    "change-application": {
        "change_kind": ("用水性质", "水表口径", "水表移位", "暂停用水", "恢复用水"), "arrears": ("有欠费",)},
    "account-closing": {"id_kind": ("其他证件",), "reason": ("其他",), "arrears": ("未结清",)},
    "account-transfer": {"id_kind": ("其他证件",), "former_id_kind": ("其他证件",), "transfer_reason": ("其他",),
                         "arrears_cleared": (False,)},
    "complaint": {"channel": ("政务热线转办",)},
    "repair-order": {"channel": ("投诉转办",)},
    "violation-registration": {"party_kind": ("单位",)},
    "violation-approval": {"proposed_order": ("两种通知书",)},
}  # fmt: skip


def spec_of(form: str) -> FormSpec:
    return load_form(None, form).spec


def sample_of(form: str) -> dict[str, object]:
    return tomllib.loads((shipped_forms() / form / "sample.toml").read_text(encoding="utf-8"))


def findings(
    form: str, changes: Mapping[str, object], stage: str = "before"
) -> tuple[dict[str, Value], set[tuple[str, str]]]:
    """Values, and (field, severity) of what is wrong, for the sample with other values; examples on site."""
    spec = spec_of(form)
    before = {name: value for name, value in changes.items() if spec.by_name[name].stage == "before"}
    values, problems = validate_row(spec, RawRow(1, {**sample_of(form), **before}, {}))
    if stage == "onsite":
        assert [one for one in problems if one.severity == "error"] == []
        examples = {one.key: one.example for one in spec.of_stage("onsite")}
        after = {name: value for name, value in changes.items() if name not in before}
        later, problems = validate_row(spec, RawRow(1, {**examples, **after}, {}), "onsite", known=values)
        values |= later
    return values, {(one.field.partition("[")[0], one.severity) for one in problems}


def longest(one: FieldSpec) -> object:
    """The widest value that the field takes."""
    if one.type == "table":
        return [{column.key: longest(column) for column in one.columns}] * (one.max_rows or 1)
    if one.type in ("decimal", "money"):
        assert one.max is not None, one.key
        places = 2 if one.places is None else one.places
        return (one.max - 1).quantize(Decimal(1)) + Decimal(8).scaleb(-places) * (Decimal(10**places - 1) / 9)
    if one.type == "integer":
        assert one.max is not None, one.key
        return int(one.max)
    if one.type == "text" and not one.pattern:
        assert one.max_length is not None, one.key
        return "囍" * one.max_length
    fixed: dict[str, object] = {
        "text": "W" * 20, "account": "W" * 20, "phone": "0731-88888888-123456", "id_number": "110101190303070012",
        "uscc": "91000000MADEM0A157", "calibre": "DN300", "date": date(2026, 12, 28), "yes_no": True,
        "instant": datetime(2026, 12, 28, 20, 58), "choice": max(one.choices, key=len, default=""),
    }  # fmt: skip
    return fixed[one.type]


def fullest(form: str) -> Iterator[dict[str, object]]:
    """Values before printing at their longest: fields under a condition only where it holds, once for each turn."""
    spec = spec_of(form)
    turns = TURNS[form]
    for chosen in product(*turns.values()):
        values = {one.key: longest(one) for one in spec.of_stage("before")} | dict(zip(turns, chosen, strict=True))
        context = {name: values.get(one.key) for one in spec.fields for name in (one.key, one.label)}
        yield {
            one.key: values[one.key]
            for one in spec.of_stage("before")
            if not one.required_if or compile_expression(one.required_if).value(context)
        }


@dataclass(frozen=True)
class Printed:
    """Everything of this module on paper: the store, the samples' PDFs by form, and of the fullest by form."""

    store: Path
    samples: Mapping[str, Path]
    full: Mapping[str, list[Path]]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """All samples through the command line and all fullest values, in one call of LibreOffice; do not change it."""
    from recordkit.errors import MissingPart
    from recordkit.templates.pdf import convert_to_pdf, require_office

    try:
        require_office()
    except MissingPart as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("further")
    store, out = folder / "库", folder / "out"
    start = ["--store", str(store), "--lang", "en", "--quiet"]
    assert run([*start, "init", "--simulation", "--no-input", "--as-of", ISSUE_DAY, str(store)]) == 0
    samples: dict[str, Path] = {}
    full: dict[str, list[Path]] = {}
    head = Letterhead("违审〔2026〕10041号", "清源市供水有限公司", "城东营业厅", date(2026, 11, 20))
    for form in PAGES:
        data = shipped_forms() / form / "sample.toml"
        target = out / form
        assert run([*start, "generate", form, "--data", str(data), "--out", str(target), "--as-of", ISSUE_DAY]) == 0
        (samples[form],) = target.glob("*.docx")
        shipped = load_form(None, form)
        renderer = Renderer(shipped.spec, shipped.template)
        full[form] = []
        for position, values in enumerate(fullest(form)):
            path = out / f"{form}-{position}.docx"
            path.write_bytes(renderer.render(values, head, PrintedCode("7XQ200000042", 1)))
            full[form].append(path)
    made = convert_to_pdf([*samples.values(), *(one for some in full.values() for one in some)], folder, os.environ)
    return Printed(
        store,
        {form: made[path] for form, path in samples.items()},
        {form: [made[path] for path in some] for form, some in full.items()},
    )


def texts(path: Path) -> list[str]:
    """The text of each page without white space."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        return [re.sub(r"\s", "", page.get_textpage().get_text_range()) for page in document]
    finally:
        document.close()


@pytest.mark.parametrize("form", PAGES)
def test_the_sample_is_valid_without_a_warning_and_the_examples_complete_it(form: str) -> None:
    assert findings(form, {})[1] == set()
    assert findings(form, {}, "onsite")[1] == set()


@pytest.mark.parametrize("form", PAGES)
def test_the_form_has_a_retention_class_of_its_own_and_its_access(form: str, store: Path) -> None:
    spec = spec_of(form)
    scheme = load_scheme(store)
    assert spec.record_class == form
    assert (spec.access == "restricted") == (form in RESTRICTED)
    assert scheme.classes[form].access == spec.access


@pytest.mark.parametrize("form", PAGES)
def test_every_field_is_printed_in_the_template(form: str) -> None:
    with zipfile.ZipFile(shipped_forms() / form / "template.docx") as package:
        text = re.sub(r"<[^>]*>", "", package.read("word/document.xml").decode())
    tags = "".join(re.findall(r"\{[{%].*?[}%]\}", text))
    assert [one.label for one in spec_of(form).fields if not re.search(rf"(?<!\w){one.label}(?!\w)", tags)] == []


def test_document_numbers_of_different_forms_cannot_be_mixed_up() -> None:
    ids = [path.parent.name for path in shipped_forms().glob("*/form.toml")]
    numbers = [re.sub(r"\{.*", "", spec_of(form).number) for form in ids]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("form", "changes", "stage", "finding"),
    [
        ("water-application", {"customer_kind": "单位"}, "before", ("uscc", "error")),
        ("water-application", {"temp_until": "2027-01-01"}, "before", ("temp_until", "error")),
        ("water-application", {"apply_kind": "临时用水"}, "before", ("temp_until", "error")),
        ("water-application", {"own_source": "有"}, "before", ("own_source", "warning")),
        ("water-application", {"design_calibre": "DN25"}, "onsite", ("design_calibre", "warning")),
        ("water-application", {"contract_no": ""}, "onsite", ("account", "error")),
        ("water-application", {"decision": "不同意", "decision_note": ""}, "onsite", ("decision_note", "error")),
        ("change-application", {"new_calibre": "DN40"}, "before", ("new_calibre", "error")),
        ("change-application", {"change_kind": "用水性质"}, "before", ("new_use_kind", "error")),
        ("change-application", {"arrears": "有欠费"}, "before", ("arrears_amount", "error")),
        ("change-application", {"change_kind": "暂停用水", "new_calibre": "", "suspend_from": "2026-12-01",
                                "suspend_to": "2027-07-01"}, "before", ("suspend_to", "warning")),
        ("change-application", {"completed_on": "2026-11-12"}, "onsite", ("completed_on", "error")),
        ("account-closing", {"arrears": "未结清", "arrears_amount": "20"}, "before", ("arrears", "warning")),
        ("account-closing", {"refund_to": ""}, "before", ("refund_to", "error")),
        ("account-closing", {"settled_on": "2026-11-20"}, "onsite", ("closed_on", "error")),
        ("account-closing", {"decision": "不同意"}, "onsite", ("removed_on", "error")),
        ("account-transfer", {"customer_name": "赵昇"}, "before", ("former_customer", "error")),
        ("account-transfer", {"arrears_cleared": False}, "before", ("arrears_amount", "error")),
        ("account-transfer", {"arrears_checked_on": "2026-11-17"}, "before", ("arrears_checked_on", "error")),
        ("account-transfer", {"arrears_checked_on": ""}, "before", ("arrears_checked_on", "error")),
        ("account-transfer", {"customer_signature": ""}, "onsite", ("customer_signature", "error")),
        ("account-transfer", {"former_signature": ""}, "onsite", ("former_signature", "error")),
        ("account-transfer", {"transfer_reading": ""}, "onsite", ("transfer_reading", "error")),
        ("account-transfer", {"settled_on": ""}, "onsite", ("settled_on", "error")),
        ("complaint", {"channel": "政务热线转办", "related_no": ""}, "before", ("related_no", "error")),
        ("complaint", {"complaint_kind": "水质"}, "before", ("urgency", "warning")),
        ("complaint", {"replied_at": ""}, "onsite", ("replied_at", "error")),
        ("complaint", {"closed_on": "2026-11-20"}, "onsite", ("closed_on", "warning")),
        ("repair-order", {"dispatched_at": "2026-11-17T07:00"}, "before", ("dispatched_at", "error")),
        ("repair-order", {"fault_kind": "表后漏水"}, "before", ("charge_kind", "warning")),
        ("repair-order", {"labour_fee": "10"}, "onsite", ("total_fee", "error")),
        ("repair-order", {"charge_kind": "有偿", "fault_kind": "表后漏水", "labour_fee": "10", "total_fee": "10",
                          "fee_agreed": ""}, "onsite", ("fee_agreed", "error")),
        ("violation-registration", {"inspectors": "罗堃|JC-0017"}, "before", ("inspectors", "error")),
        ("violation-registration", {"inspectors": "罗堃|JC-0017; 秦玥|JC-0017"}, "before", ("inspectors", "error")),
        ("violation-registration", {"inspectors": "罗堃|JC-0017; 罗堃|JC-0023"}, "before", ("inspectors", "error")),
        ("violation-registration", {"refused": True, "refusal_reason": "拒绝", "party_signature": "", "witness": ""},
         "onsite", ("witness", "warning")),
        ("violation-approval", {"defence": ""}, "before", ("defence", "error")),
        ("violation-approval", {"defence_heard_on": "2026-11-18"}, "before", ("defence_heard_on", "error")),
        ("violation-approval", {"authority": ""}, "before", ("authority", "error")),
        ("violation-approval", {"proposed_order": "两种通知书"}, "before", ("rectification", "error")),
        ("violation-approval", {"account": ""}, "before", ("account", "warning")),
        ("violation-approval", {"approved_by": "秦玥"}, "onsite", ("approved_by", "error")),
        ("violation-approval", {"approved_on": "2026-11-16"}, "onsite", ("approved_on", "error")),
    ],
)  # fmt: skip
def test_what_the_rules_of_the_trade_forbid_is_found(
    form: str, changes: dict[str, object], stage: str, finding: tuple[str, str]
) -> None:
    assert finding in findings(form, changes, stage)[1]


def test_an_heir_transfers_without_the_former_customers_signature() -> None:
    changes = {"transfer_reason": "继承", "former_id_kind": "", "former_id_number": "", "former_signature": "",
               "former_signed_on": ""}  # fmt: skip
    assert findings("account-transfer", changes, "onsite")[1] == set()


def test_an_application_that_is_refused_needs_no_reading_and_no_settlement() -> None:
    changes = {"decision": "不同意", "decision_note": "材料不全", "former_signature": "", "former_signed_on": "",
               **dict.fromkeys(("transfer_reading", "reading_on", "reader", "settled_on", "settled_by",
                                "new_contract_no", "completed_on"), "")}  # fmt: skip
    assert findings("account-transfer", changes, "onsite")[1] == set()


def test_papers_wanted_follow_the_kind_of_customer() -> None:
    spec = spec_of("water-application")
    resident = {one.name for one in wanted_attachments(spec, findings("water-application", {})[0])}
    assert resident == {"用水申请报告", "产权证", "身份证", "邻近水费收据"}
    changes = {"customer_kind": "单位", "id_kind": "统一社会信用代码", "id_number": "", "uscc": "91000000MADEM0A157",
               "legal_representative": "欧阳喆", "agent": "沈玥", "agent_id_number": "110101190411080031",
               "use_kind": "非居民用水"}  # fmt: skip
    values, problems = findings("water-application", changes)
    assert problems == set()
    assert {one.name for one in wanted_attachments(spec, values)} == {
        "用水申请报告", "委托函", "经办人身份证", "营业执照", "法人身份证", "开户证明", "红线图", "平面图"}  # fmt: skip


def test_the_approval_names_the_orders_it_permits_and_shares_their_account_and_party() -> None:
    spec = spec_of("violation-approval")
    orders = [spec_of(form) for form in ("stop-order", "rectification-order")]
    assert {one.name for one in orders} < set(spec.by_name["proposed_order"].choices)
    for order in orders:
        for role in ("account", "party"):
            mine = spec.by_name[getattr(spec.roles, role)]
            theirs = order.by_name[getattr(order.roles, role)]
            assert (mine.key, mine.label, mine.pattern, mine.max_length) == (
                theirs.key, theirs.label, theirs.pattern, theirs.max_length)  # fmt: skip
        for key in ("facts", "clauses", "defence"):
            assert spec.by_name[key].max_length == order.by_name[key].max_length


@pytest.mark.office
@pytest.mark.parametrize("form", PAGES)
def test_the_sample_prints_on_its_pages_with_every_value_and_the_page_number(form: str, printed: Printed) -> None:
    pages = texts(printed.samples[form])
    assert len(pages) == PAGES[form]
    for position, text in enumerate(pages, 1):
        assert f"第{position}页共{len(pages)}页" in text
    whole = "".join(pages)
    spec = spec_of(form)
    values = findings(form, {})[0]
    wanted: list[str] = []
    for one in spec.of_stage("before"):
        value = values[one.key]
        if isinstance(value, list):
            columns = {column.key: column for column in one.columns}
            wanted += [display(cell, columns[key]) for row in value for key, cell in row.items() if cell is not None]
        elif value is not None:
            wanted.append(display(value, one))
    assert len(wanted) > 10
    assert [text for text in wanted if re.sub(r"\s", "", text).strip("。") not in whole] == []
    assert "{{" not in whole
    assert "None" not in whole


@pytest.mark.office
@pytest.mark.parametrize("form", PAGES)
def test_the_longest_values_stay_on_the_same_pages_whole(form: str, printed: Printed) -> None:
    for path, values in zip(printed.full[form], fullest(form), strict=True):
        pages = texts(path)
        assert len(pages) == PAGES[form], path.name
        typed = sum(len(value) for value in values.values() if isinstance(value, str) and set(value) == {"囍"})
        typed += sum(
            len(cell) for value in values.values() if isinstance(value, list) for row in value
            for cell in row.values() if isinstance(cell, str) and set(cell) == {"囍"}
        )  # fmt: skip
        assert "".join(pages).count("囍") >= typed > 100


@pytest.mark.office
@pytest.mark.parametrize("form", PAGES)
def test_both_codes_of_every_page_are_read_at_200_dpi(
    form: str, printed: Printed, capsys: pytest.CaptureFixture[str]
) -> None:
    import pypdfium2
    import zxingcpp

    issue = next(one for one in Cli(printed.store, capsys).json("issued", "list")["items"] if one["form"] == form)
    payload = PrintedCode(issue["issue_id"], issue["revision"]).encode()
    document = pypdfium2.PdfDocument(printed.samples[form])
    try:
        for page in document:
            codes = zxingcpp.read_barcodes(page.render(scale=200 / 72).to_pil())
            found = {(code.format.name, code.text) for code in codes}
            assert found == {("QRCode", payload), ("Code128", payload)}
    finally:
        document.close()


@pytest.mark.office
def test_a_signed_approval_comes_back_and_is_filed_as_restricted(
    printed: Printed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    shutil.copytree(printed.store, tmp_path / "库")
    cli = Cli(tmp_path / "库", capsys)
    item = cli.json("ingest", printed.samples["violation-approval"], "--as-of", "2026-12-01")["items"][0]
    assert (item["outcome"], item["number"], item["findings"]) == ("archived", "违审〔2026〕0001号", [])
    shown = cli.json("show", item["number"])
    assert shown["record_class"] == "violation-approval"
    assert shown["access"] == "restricted"
    assert shown["account"] == "0012007788"
    assert shown["title"] == "贺昇违章审批表（责令停止违章行为通知书）"
    assert shown["pages"] == PAGES["violation-approval"]
