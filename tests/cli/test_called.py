"""A paper by three digits, as a person on the telephone names it; and what such digits may not do."""

from __future__ import annotations

import pytest
from conftest import ISSUE_DAY, Cli
from papers import pdf_bytes

AS_OF = ("--as-of", ISSUE_DAY)


def file(cli: Cli, number: str, on: str, record_class: str = "visit-record") -> str:
    paper = cli.store.parent / f"{number}.pdf"
    paper.write_bytes(pdf_bytes(1, text=number))
    done = cli.json("ingest", paper, "--class", record_class, "--set", f"文号={number}", "--set", f"日期={on}",
                    "--no-ocr", "--jobs", "1", *AS_OF)
    return str(done["items"][0]["code"])


@pytest.fixture
def papers(cli: Cli) -> list[str]:
    return [file(cli, "回访〔2025〕00347号", "2025-11-18"), file(cli, "回访〔2026〕00347号", "2026-11-18"),
            file(cli, "回访〔2026〕01348号", "2026-11-18")]


def test_the_last_digits_of_a_number_lead_to_its_paper(cli: Cli, papers: list[str]) -> None:
    for called in ("1348", "01348"):
        assert cli.json("show", called)["code"] == papers[2]
    cli("show", "348", expect=5)
    assert cli.json("text", "1348")["total"] == 1


def test_digits_that_two_papers_bear_name_both_with_their_codes(cli: Cli, papers: list[str]) -> None:
    cli("show", "347", expect=5)
    assert all(name in cli.err for name in (*papers[:2], "回访〔2025〕00347号", "回访〔2026〕00347号"))
    assert papers[2] not in cli.err


def test_digits_of_no_number_may_be_those_of_a_code(cli: Cli, papers: list[str]) -> None:
    assert papers[2].endswith("0002")
    assert papers[0].endswith("0001") and papers[1].endswith("0001")  # one of each year
    assert cli.json("show", "0002")["code"] == papers[2]


def test_a_code_is_found_however_its_signs_were_typed(cli: Cli, papers: list[str]) -> None:
    for typed in (papers[2].replace("·", "-"), papers[2].replace("·", ".")):
        assert cli.json("show", typed)["code"] == papers[2]


def test_what_changes_a_record_takes_no_digits(cli: Cli, papers: list[str]) -> None:
    cli("edit", "1348", "--set", "题名=回访", "--reason", "改", *AS_OF, expect=5)
    assert cli.json("show", papers[2])["title"] == "回访〔2026〕01348号"


def test_digits_open_no_restricted_record_to_who_may_not_see_it(
    cli: Cli, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = file(cli, "稽停字〔2026〕0912号", "2026-11-18", "stop-order")
    keys = tmp_path_factory.mktemp("keys")
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "three plain words")
    for person, role in (("admin", "administrator"), ("clerk", "clerk")):
        cli("key", "create", keys / person)
        cli("people", "add", person, "--name", person, "--role", role, "--staff-no", person,
            "--key", keys / f"{person}.pub", *AS_OF)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(keys / "admin"))
    cli("show", "912", "--as", "clerk", expect=8)
    assert code in cli.err and "稽停字" not in cli.err
