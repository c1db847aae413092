"""The shipped scans belong to what the demo issues: same codes, same forms, unaltered files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recordkit.archive.reading import PaperReading, read_papers
from recordkit.cli.demo import DATA, ISSUE_DAY, ISSUING, prepare_folder
from recordkit.cli.main import run
from recordkit.store import open_store
from recordkit.templates.forms import load_form
from recordkit.templates.issue import Issue, list_issues
from recordkit.workspace import Clock

SCANS = DATA / "scans"
STALE = "run tools/make_scans.py: the shipped scans no longer fit what the demo issues"
UNRETURNED = {"换通〔2026〕0004号"}

Manifest = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    files: Manifest = json.loads((SCANS / "manifest.json").read_text(encoding="utf-8"))["files"]
    return files


@pytest.fixture(scope="module")
def readings() -> dict[str, PaperReading]:
    """Every shipped scan, codes only."""
    return {one.path.name: one for one in read_papers(sorted(SCANS.glob("*.pdf")), jobs=2, ocr=False)}


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Issue]]:
    """What the demo issues in a fresh simulated store, by number."""
    folder = tmp_path_factory.mktemp("demo")
    prepare_folder(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("RECORDKIT_STORE", "store")
        for arguments in (("init", "--simulation", "--no-input", "store"), *ISSUING):
            assert run([*arguments, "--as-of", ISSUE_DAY]) == 0
    now = datetime.fromisoformat(ISSUE_DAY).replace(tzinfo=UTC)
    workspace = open_store(folder / "store", Clock(lambda: now, now.date()), "test")
    try:
        yield {issue.number: issue for issue in list_issues(workspace.db)}
    finally:
        workspace.close()


def test_manifest_names_every_shipped_scan_and_no_other(manifest: Manifest) -> None:
    assert sorted(manifest) == sorted(path.name for path in SCANS.glob("*.pdf"))
    provenance = (SCANS / "PROVENANCE.md").read_text(encoding="utf-8")
    assert [name for name in manifest if name not in provenance] == []


def test_files_are_those_of_the_manifest(manifest: Manifest) -> None:
    found = {name: hashlib.sha256((SCANS / name).read_bytes()).hexdigest() for name in manifest}
    assert found == {name: entry["sha256"] for name, entry in manifest.items()}


def test_scans_were_printed_from_the_current_forms(manifest: Manifest) -> None:
    stale = [name for name, entry in manifest.items() if load_form(None, entry["form"]).digest != entry["form_digest"]]
    assert not stale, STALE


def test_each_scan_carries_the_code_of_its_issue_and_of_no_other(
    manifest: Manifest, readings: dict[str, PaperReading], issued: dict[str, Issue]
) -> None:
    found = {
        name: {(code.printed.issue_id, code.printed.revision) for code in reading.codes if code.printed}
        for name, reading in readings.items()
    }
    wanted = {
        name: {(issue.issue_id, issue.revision) for number in [entry["number"]] if number for issue in [issued[number]]}
        for name, entry in manifest.items()
    }
    assert found == wanted, STALE


def test_all_that_is_issued_came_back_but_one(manifest: Manifest, issued: dict[str, Issue]) -> None:
    numbers = [entry["number"] for entry in manifest.values() if entry["number"]]
    assert len(numbers) == len(set(numbers))
    assert set(issued) - set(numbers) == UNRETURNED
    assert set(numbers) <= set(issued), STALE


def test_every_page_of_a_coded_scan_carries_a_code(manifest: Manifest, readings: dict[str, PaperReading]) -> None:
    for name, entry in manifest.items():
        reading = readings[name]
        assert reading.facts is not None and reading.facts.pages == entry["pages"]
        pages = {code.page for code in reading.codes if code.printed}
        assert pages == (set(range(1, entry["pages"] + 1)) if entry["number"] else set()), name


def test_only_the_upside_down_scan_is_turned(manifest: Manifest, readings: dict[str, PaperReading]) -> None:
    turned = {name: {code.turned for code in readings[name].codes} for name in manifest if readings[name].codes}
    assert turned == {name: {manifest[name]["turned"]} for name in turned}
    assert [name for name in manifest if manifest[name]["turned"]] == ["07-meter-notice-upside-down.pdf"]


def test_paper_without_code_has_none_of_any_kind(readings: dict[str, PaperReading]) -> None:
    assert readings["12-no-code.pdf"].codes == ()


def test_pen_across_the_bar_code_leaves_the_qr_code(readings: dict[str, PaperReading]) -> None:
    assert {code.kind for code in readings["10-visit-csv-2-pen-across-code.pdf"].codes} == {"QRCode"}


def test_only_the_born_digital_contract_has_embedded_text(
    manifest: Manifest, readings: dict[str, PaperReading]
) -> None:
    with_text = {name for name, reading in readings.items() if any(page.text for page in reading.texts)}
    assert with_text == {"02-contract-org-born-digital.pdf"}
    assert with_text == {name for name, entry in manifest.items() if not entry["scanned"]}
    text = "".join(page.text for page in readings["02-contract-org-born-digital.pdf"].texts)
    assert "清源市喆源食品有限公司" in text
    assert "91000000MADEM0A157" in text


def test_shipped_scans_stay_small() -> None:
    assert sum(path.stat().st_size for path in SCANS.glob("*.pdf")) < 5_000_000


@pytest.mark.ocr
def test_scan_lying_upside_down_is_read_upright() -> None:
    (reading,) = read_papers([SCANS / "07-meter-notice-upside-down.pdf"], jobs=1, ocr=True)
    (page,) = reading.texts
    assert page.turned == 180
    text = page.text.replace(" ", "")
    assert text.index("换表通知书") < text.index("换表单") < text.index("客户签收")
    for wanted in ("葛玥", "0012003461", "清源市河湾区柳荫街12号3幢3单元202室", "S20210337", "S20261102", "688.5"):
        assert wanted in text
    assert page.confidence is not None and page.confidence > 0.9


def test_manifest_paths_are_plain_names(manifest: Manifest) -> None:
    assert all(Path(name).name == name and name.isascii() for name in manifest)
