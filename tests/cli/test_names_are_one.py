"""One name, one thing: archival codes, numbers of issued documents and ids never lead to another record."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli
from papers import pdf_bytes
from test_inherited import bring, refused, row, scans, sheet  # noqa: F401


def issue(cli: Cli) -> str:
    """The number of a document that was issued and whose paper is out."""
    sample = cli.store.parent / "sample.json"
    sample.write_text(cli("forms", "sample", "visit-record"), "utf-8")
    cli("generate", "visit-record", "--data", sample)
    return str(cli.json("issued", "list")["items"][0]["number"])


def test_an_inherited_code_is_neither_a_volumes_nor_an_issued_number_nor_an_id(
    cli: Cli, scans: Path  # noqa: F811
) -> None:
    number = issue(cli)
    volume = cli.json("volume", "create", "--project", "文昌巷改造")
    bring(cli, sheet(scans, row(4), name="先.xlsx"), scans, expect=4)
    first = cli.json("show", "1998-5-004")["record_id"]
    found = bring(cli, sheet(scans, row(1, 档号=volume["code"]), row(2, 档号=number), row(3, 文号=number),
                             row(5, 文号=first)), scans, expect=3)
    assert [(at, cell, code) for at, cell, code in refused(found)] == [
        (2, "A2", "name-taken"), (3, "A3", "name-taken"), (4, "K4", "name-taken"), (5, "K5", "name-taken")]
    cli("edit", first, "--set", f"文号={number}", "--reason", "试", expect=3)
    assert number in cli.err
    cli("edit", first, "--set", f"文号={volume['code']}", "--reason", "试", expect=3)


def test_a_number_that_we_issued_never_leads_to_another_paper_that_bears_it(
    cli: Cli, scans: Path  # noqa: F811
) -> None:
    bring(cli, sheet(scans, row(1, 文号="回访〔2026〕00001号"), name="先.xlsx"), scans, expect=4)
    assert cli.json("show", "回访〔2026〕00001号")["code"] == "1998-5-001"
    assert issue(cli) == "回访〔2026〕00001号"
    cli("hold", "place", "回访〔2026〕00001号", "--kind", "debt", "--reason", "欠费", expect=5)
    assert "not filed yet" in cli.err
    assert cli.json("hold", "list")["total"] == 0


def test_a_new_code_passes_over_that_of_a_volume(cli: Cli, tmp_path: Path) -> None:
    path = cli.store / "recordkit.toml"
    text = path.read_text("utf-8")
    numbered = "{fonds}-{category}·{year}-{office}-{seq:04}"
    lines = text.splitlines()
    path.write_text("\n".join(f'volume_code = "{numbered}"' if line.startswith("volume_code") else line
                              for line in lines), "utf-8")
    volume = cli.json("volume", "create", "--project", "改造", "--as-of", "2026-11-20")["code"]
    path.write_text("\n".join(f'code = "{numbered}"' if line.startswith("code =") else line for line in lines), "utf-8")
    (tmp_path / "a.pdf").write_bytes(pdf_bytes(text="a paper"))
    filed = cli.json("ingest", tmp_path / "a.pdf", "--no-ocr", "--class", "visit-record", "--set", "日期=2026-03-02",
                     "--as-of", "2026-11-20")
    assert volume == "C001-KF·2026-KFZ-0001" and filed["items"][0]["code"] == "C001-KF·2026-KFZ-0002"


@pytest.mark.parametrize(("code", "volume", "meet"), [
    ("{fonds}-{category}·{year}-{period}-{office}-{seq:04}", "{fonds}-{category}·{year}-{office}-AJ{seq:04}", False),
    ("{fonds}-{category}-{seq:04}", "{fonds}-{category}-{seq:04}", True),
    ("{fonds}-{category}-{seq:04}", "{fonds}-{category}-{seq:06}", True),
    ("{fonds}-{category}-{year}-{seq:04}", "{fonds}-{category}-{seq:04}-0001", True),
    ("{fonds}-{class}-{seq:04}", "{fonds}-{category}-{year}-{seq:04}", True),
    ("{fonds}-{class}-{seq:04}", "{fonds}-{category}-{year}-AJ{seq:04}", False),
    ("{fonds}-{category}-{period}-{seq:04}", "{fonds}-{category}-D30-{seq}", True),
    ("{fonds}-{category}-{period}-{seq:04}", "{fonds}-{category}-Y-{seq}", True),
    ("{fonds}-{category}-{period}-{seq:04}", "{fonds}-{category}-V-{seq}", False),
])
def test_settings_in_which_codes_of_records_and_volumes_can_meet_are_refused(
    cli: Cli, code: str, volume: str, *, meet: bool
) -> None:
    path = cli.store / "recordkit.toml"
    lines = [f'code = "{code}"' if line.startswith("code =") else f'volume_code = "{volume}"'
             if line.startswith("volume_code") else line for line in path.read_text("utf-8").splitlines()]
    path.write_text("\n".join(lines), "utf-8")
    cli("config", "check", expect=3 if meet else 0)
    assert ("archive.volume_code" in cli.err) == meet
