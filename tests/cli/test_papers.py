"""What is printed never replaces a file unasked, and what cannot be printed is known before a number is used."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli

from recordkit.templates.forms import shipped_forms

AS_OF = ("--as-of", ISSUE_DAY)
DATA = ("visit-record", "--data", shipped_forms() / "visit-record" / "sample.toml", *AS_OF)

pytestmark = [pytest.mark.office, pytest.mark.usefixtures("office")]


def issued_count(cli: Cli) -> int:
    return len(cli.json("issued", "list")["items"])


def test_a_pdf_that_exists_is_a_failure_of_its_paper_and_stays(cli: Cli, tmp_path: Path) -> None:
    there = tmp_path / "out" / "visit.pdf"
    there.parent.mkdir()
    there.write_bytes(b"signed")
    merged = tmp_path / "all.pdf"
    wanted = ("--out", there.parent, "--name", "visit", "--pdf", "--print-merged", merged)
    result = cli.json("generate", *DATA, *wanted, expect=4)
    assert there.read_bytes() == b"signed"
    assert result["items"][0]["pdf"] is None
    assert str(there) in result["pdf_failures"][0]
    assert not merged.exists()
    cli("generate", *DATA, *wanted, "--force")
    assert there.read_bytes().startswith(b"%PDF-")


def test_printing_again_is_refused_before_anything_is_written_where_a_pdf_stands(cli: Cli, tmp_path: Path) -> None:
    item = cli.json("generate", *DATA)["items"][0]
    there = (tmp_path / "again" / Path(item["path"]).name).with_suffix(".pdf")
    there.parent.mkdir()
    there.write_bytes(b"signed")
    cli("issued", "render", item["number"], "--out", there.parent, "--pdf", expect=3)
    assert "--force" in cli.err
    assert [(path.name, path.read_bytes()) for path in there.parent.iterdir()] == [(there.name, b"signed")]


def test_a_print_file_is_named_as_a_pdf(cli: Cli, tmp_path: Path) -> None:
    cli("generate", *DATA, "--print-merged", tmp_path / "all.docx", expect=2)
    assert ".pdf" in cli.err
    assert issued_count(cli) == 0


def test_a_folder_that_takes_no_file_is_known_before_a_number_is_used(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cli("generate", *DATA, "--print-merged", tmp_path / "file" / "all.pdf", expect=3)
    assert issued_count(cli) == 0
    cli("generate", *DATA, "--print-merged", tmp_path / "all.pdf")
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_of_many_missing_documents_the_first_fifty_are_listed_and_the_rest_counted(cli: Cli, tmp_path: Path) -> None:
    for _ in range(3):
        Path(cli.json("generate", *DATA)["items"][0]["path"]).unlink()
    from recordkit.cli import issued

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issued, "_SHOWN", 2)
        shown = cli("issued", "render", "--missing")
    assert len(shown.splitlines()) == 2
    assert "… and 1 more." in cli.err
