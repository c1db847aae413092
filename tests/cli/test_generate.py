from __future__ import annotations

import csv
import io
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli
from docx import Document

from recordkit.templates.code import PrintedCode, decode
from recordkit.templates.forms import list_form_ids, shipped_forms

AS_OF = ("--as-of", ISSUE_DAY)


def sample(form: str) -> str:
    return str(shipped_forms() / form / "sample.toml")


def text_of(path: str | Path) -> str:
    document = Document(str(path))
    parts = [paragraph.text for paragraph in document.paragraphs]
    parts += [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join(parts)


def table(path: Path, *changes: dict[str, str], encoding: str = "utf-8") -> list[str]:
    """A CSV of meter notices: the sample once for each of ``changes``, with its values; returns the headings."""
    row = tomllib.loads(Path(sample("meter-change-notice")).read_text(encoding="utf-8"))
    with path.open("w", encoding=encoding, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(row)
        for change in changes:
            writer.writerow({**row, **change}.values())
    return list(row)


def ledger_lines(cli: Cli) -> int:
    return len((cli.store / "ledger" / "ledger-000001.jsonl").read_bytes().splitlines())


@pytest.mark.parametrize("form", list_form_ids(None))
def test_every_shipped_form_prints_its_sample(cli: Cli, form: str) -> None:
    result = cli.json("generate", form, "--data", sample(form), *AS_OF)
    item = result["items"][0]
    assert set(item) == {"row", "number", "issue_id", "form", "path", "pdf", "sha256"}
    assert result["summary"]["generated"] == 1
    document = text_of(item["path"])
    assert "{{" not in document
    assert "{%" not in document
    data = tomllib.loads(Path(sample(form)).read_text(encoding="utf-8"))
    name = data.get("customer_name") or data.get("party")
    assert str(name) in document


def test_the_printed_codes_carry_the_issue_id(cli: Cli) -> None:
    import zxingcpp
    from PIL import Image

    item = cli.json("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)["items"][0]
    found = set()
    with zipfile.ZipFile(item["path"]) as package:
        for name in package.namelist():
            if name.startswith("word/media/"):
                picture = Image.open(io.BytesIO(package.read(name)))
                found |= {(code.format.name, code.text) for code in zxingcpp.read_barcodes(picture)}
    payload = PrintedCode(item["issue_id"], 1).encode()
    assert {text for _, text in found} == {payload}
    assert len(found) == 2
    assert decode(payload) == PrintedCode(item["issue_id"], 1)


def test_numbers_count_up_per_form_and_year_without_gaps(cli: Cli) -> None:
    numbers = [cli.json("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)["items"][0]["number"]
               for _ in range(3)]
    assert numbers == ["回访〔2026〕00001号", "回访〔2026〕00002号", "回访〔2026〕00003号"]
    later = cli.json("generate", "visit-record", "--data", sample("visit-record"), "--set",
                     "visit_at=2027-01-04 10:00", "--set", "closed_on=2027-01-03", "--as-of", "2027-01-05")
    assert later["items"][0]["number"] == "回访〔2027〕00001号"


def test_the_same_issue_is_rendered_again_byte_for_byte(cli: Cli, tmp_path: Path) -> None:
    item = cli.json("generate", "supply-contract", "--data", sample("supply-contract"), *AS_OF)["items"][0]
    again = cli.json("issued", "render", item["number"], "--out", tmp_path / "again")
    assert again["sha256"] == item["sha256"]
    assert Path(again["path"]).read_bytes() == Path(item["path"]).read_bytes()


def test_a_refused_row_is_named_by_row_cell_and_field_and_nothing_is_issued_for_it(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "换表.csv"
    headings = table(path, {}, {"calibre": "DN17", "customer_name": ""}, encoding="gb18030")
    result = cli.json("generate", "meter-change-notice", "--data", path, *AS_OF, expect=4)
    assert result["summary"]["generated"] == 1
    assert result["summary"]["refused"] == 1
    assert {(one["row"], one["field"], one["code"]) for one in result["refused"]} == {
        (3, "calibre", "choice"), (3, "customer_name", "required")}
    cell = next(one["cell"] for one in result["refused"] if one["field"] == "calibre")
    assert cell == f"{chr(ord('A') + headings.index('calibre'))}3"
    assert {"row", "field", "label", "cell", "code", "message"} <= set(result["refused"][0])
    assert len(cli.json("issued", "list")["items"]) == 1


def test_the_file_of_refused_rows_can_be_corrected_and_fed_in_again(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    table(path, {}, {"calibre": "DN17"}, encoding="utf-8-sig")
    refused = Path(cli.json("generate", "meter-change-notice", "--data", path, *AS_OF, expect=4)["refused_file"])
    corrected = refused.read_text(encoding="utf-8-sig").replace("DN17", "DN20")
    refused.write_text(corrected, encoding="utf-8-sig")
    assert cli.json("generate", "meter-change-notice", "--data", refused, *AS_OF)["summary"]["generated"] == 1


def test_one_refused_document_is_exit_3_and_leaves_no_entry(cli: Cli) -> None:
    before = ledger_lines(cli)
    result = cli.json("generate", "visit-record", "--data", sample("visit-record"), "--set", "户号=１", *AS_OF,
                      expect=3)
    assert result["refused"][0]["field"] == "account"
    assert ledger_lines(cli) == before
    assert list((cli.store / "outbox").iterdir()) == []


def test_all_or_nothing_issues_nothing_when_a_row_is_refused(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    table(path, {}, {"calibre": "DN17"})
    result = cli.json("generate", "meter-change-notice", "--data", path, "--all-or-nothing", *AS_OF, expect=3)
    assert result["items"] == []
    assert cli.json("issued", "list")["total"] == 0


def test_a_duplicate_account_is_a_warning_only(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    table(path, {}, {})
    result = cli.json("generate", "meter-change-notice", "--data", path, *AS_OF)
    assert result["summary"]["generated"] == 2
    assert [(one["row"], one["code"]) for one in result["warnings"]] == [(3, "equal-row"), (3, "duplicate")]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("a.pdf", b"%PDF", 3), ("a.xlsx", b"no zip", 3), ("a.csv", b"", 3), ("a.json", b"{", 3), ("none.csv", None, 5)],
)
def test_a_wrong_file_is_named_with_the_next_step(
    cli: Cli, tmp_path: Path, name: str, content: bytes | None, code: int
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    cli("generate", "visit-record", "--data", tmp_path / name, expect=code)
    assert name in cli.err
    assert "Traceback" not in cli.err


def test_an_unknown_form_or_field_offers_the_near_one(cli: Cli) -> None:
    cli("generate", "visit-recrod", "--set", "a=b", expect=5)
    assert "visit-record" in cli.err
    result = cli.json("generate", "visit-record", "--data", sample("visit-record"), "--set", "户嚎=1", *AS_OF,
                      expect=3)
    assert result["refused"][0]["code"] == "unknown-field"
    assert "户号" in result["refused"][0]["message"]


def test_sensitive_values_are_masked_in_messages(cli: Cli) -> None:
    cli("generate", "supply-contract", "--data", sample("supply-contract"), "--set",
        "id_number=110101199003070015", *AS_OF, expect=3)
    assert "110101199003070015" not in cli.err
    assert "110*" in cli.err


def test_a_dry_run_writes_nothing(cli: Cli) -> None:
    before = ledger_lines(cli)
    result = cli.json("generate", "visit-record", "--data", sample("visit-record"), "--dry-run", *AS_OF)
    assert result["summary"]["would_generate"] == 1
    assert ledger_lines(cli) == before
    assert list((cli.store / "outbox").iterdir()) == []


def test_a_draft_takes_no_number_and_carries_no_code(cli: Cli) -> None:
    from recordkit.templates.code import PREFIX

    item = cli.json("generate", "visit-record", "--data", sample("visit-record"), "--draft", *AS_OF)["items"][0]
    assert item["issue_id"] is None
    assert "草稿" in text_of(item["path"])
    assert PREFIX.encode() not in Path(item["path"]).read_bytes()
    assert cli.json("issued", "list")["total"] == 0


def test_an_existing_file_is_not_overwritten_and_no_number_is_used(cli: Cli, tmp_path: Path) -> None:
    first = cli.json("generate", "visit-record", "--data", sample("visit-record"), "--out", tmp_path / "o", *AS_OF)
    path = Path(first["items"][0]["path"])
    second_name = path.name.replace("00001", "00002")
    (path.parent / second_name).write_bytes(b"mine")
    cli("generate", "visit-record", "--data", sample("visit-record"), "--out", tmp_path / "o", *AS_OF, expect=3)
    assert (path.parent / second_name).read_bytes() == b"mine"
    assert cli.json("issued", "list")["total"] == 1


def test_a_void_number_stays_used_and_is_not_printed_again(cli: Cli, tmp_path: Path) -> None:
    number = cli.json("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)["items"][0]["number"]
    cli("issued", "void", number, "--reason", "打印错误", *AS_OF)
    assert cli.json("issued", "show", number)["status"] == "void"
    cli("issued", "render", number, "--out", tmp_path / "x", expect=8)
    following = cli.json("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)["items"][0]["number"]
    assert following == "回访〔2026〕00002号"


HOSTILE = ["<select>", "甲 & 乙", "{{ 7*7 }}", "{% raw %}", "a]]>b", "&amp;", "‏ab", "😀"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_text_arrives_in_the_document_as_typed(cli: Cli, value: str) -> None:
    item = cli.json("generate", "visit-record", "--data", sample("visit-record"), "--set", f"subject={value}",
                    *AS_OF)["items"][0]
    assert value in text_of(item["path"])


@pytest.mark.parametrize("value", ["a\x0bb", "a\x00b", "a\ud800b", "a\u202eb"])
def test_characters_that_break_word_files_are_refused_by_field(cli: Cli, value: str) -> None:
    result = cli.json("generate", "visit-record", "--data", sample("visit-record"), "--set", f"subject={value}",
                      *AS_OF, expect=3)
    assert [(one["field"], one["code"]) for one in result["refused"]] == [("subject", "illegal-character")]


def test_the_store_s_own_form_wins_over_the_shipped_one(cli: Cli) -> None:
    import shutil

    own = cli.store / "forms" / "visit-record"
    shutil.copytree(shipped_forms() / "visit-record", own)
    toml = (own / "form.toml").read_text(encoding="utf-8").replace("回访〔{year}〕{seq:05}号", "访字{year}-{seq:03}")
    (own / "form.toml").write_text(toml, encoding="utf-8")
    item = cli.json("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)["items"][0]
    assert item["number"] == "访字2026-001"


def test_refusals_speak_chinese(cli: Cli) -> None:
    cli("generate", "visit-record", "--data", sample("visit-record"), "--set", "户号=１", *AS_OF, expect=3, lang="zh")
    assert "拒绝" in cli.err
    assert "户号" in cli.err


def test_the_same_file_given_twice_is_warned_of(cli: Cli) -> None:
    cli("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)
    again = cli.json("generate", "visit-record", "--data", sample("visit-record"), *AS_OF)
    assert [one["code"] for one in again["warnings"]] == ["issued-before"]
    assert "回访〔2026〕00001号" in again["warnings"][0]["message"]


def test_a_table_without_any_heading_of_the_form_is_said_once(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("换表通知清单,,\n甲,乙,丙\n1,0012,2\n", encoding="utf-8")
    cli("generate", "meter-change-notice", "--data", path, *AS_OF, expect=3)
    assert "has a heading of form" in cli.err
    assert len(cli.err.splitlines()) == 3  # the encoding, the fault, the next step


def test_forms_and_numbers_answer_to_what_people_call_them(cli: Cli) -> None:
    cli("generate", "客户回访记录", "--data", sample("visit-record"), *AS_OF)
    for typed in ("回访[2026]00001号", "回访（2026）00001号", "回访〔２０２６〕00001号"):
        assert cli.json("issued", "show", typed)["number"] == "回访〔2026〕00001号"
    assert cli.json("issued", "list", "--form", "客户回访记录")["total"] == 1
    cli("issued", "list", "--form", "胡说", expect=5)
