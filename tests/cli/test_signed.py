"""Digitally signed papers through the command line: filed as they are, judged, shown and found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import Cli
from papers import code_of, pdf_bytes
from signed_pdfs import Party, appended, flipped, party, save, sign

from recordkit.templates.forms import shipped_forms

DAY = ("--as-of", "2026-12-01")
NUMBER = "换通〔2026〕0001号"


@pytest.fixture(scope="module")
def root() -> Party:
    return party("测试根 CA", authority=True)


@pytest.fixture(scope="module")
def signer(root: Party) -> Party:
    return party("王小明", root)


def trust(cli: Cli, *roots: Party) -> None:
    folder = cli.store / "certificates"
    folder.mkdir()
    for at, one in enumerate(roots):
        (folder / f"root-{at}.pem").write_bytes(one.pem)


def issue(cli: Cli) -> bytes:
    """A document of ours as a born-digital PDF that nobody has signed yet."""
    data = shipped_forms() / "meter-change-notice" / "sample.toml"
    cli("generate", "meter-change-notice", "--data", data, "--as-of", "2026-11-20")
    return pdf_bytes(text=code_of(cli, NUMBER))


def codes(item: dict[str, object]) -> list[str]:
    found = item["findings"]
    assert isinstance(found, list)
    return [str(one["code"]) for one in found]


def test_a_signed_document_of_ours_is_matched_kept_byte_for_byte_and_its_signature_is_told(
    cli: Cli, tmp_path: Path, root: Party, signer: Party
) -> None:
    trust(cli, root)
    paper = save(tmp_path / "签好.pdf", sign(issue(cli), signer))
    item = cli.json("ingest", paper, *DAY)["items"][0]
    assert (item["outcome"], item["number"], codes(item)) == ("archived", NUMBER, [])
    shown = cli.json("show", NUMBER)
    (told,) = shown["signatures"]
    assert (told["validated"], told["bottom_line"], told["trusted"], told["whole_file"]) == (True,) * 4
    assert "王小明" in told["signer"] and told["reason"] == "同意签署"
    (kept,) = (cli.store / "objects").rglob("original.pdf")
    assert kept.read_bytes() == paper.read_bytes()
    cli("get", NUMBER, "--out", tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == paper.read_bytes()
    said = cli("show", NUMBER)
    assert "王小明: valid / " in said
    assert "certificate trusted" in said and "reason: 同意签署" in said
    assert cli.json("search", "换表通知书")["total"] == 1


@pytest.mark.parametrize(("change", "roots", "code"), [
    (appended, True, "changed-after-signing"),
    (flipped, True, "signature-invalid"),
    (None, False, "signature-untrusted"),
])
def test_a_signature_that_does_not_hold_is_filed_and_said(
    cli: Cli, tmp_path: Path, root: Party, signer: Party, change: object, roots: bool, code: str
) -> None:
    if roots:
        trust(cli, root)
    data = sign(issue(cli), signer)
    paper = save(tmp_path / "paper.pdf", change(data) if change else data)  # type: ignore[operator]
    item = cli.json("ingest", paper, "--class", "visit-record", *DAY)["items"][0]
    assert item["outcome"] == "archived"
    assert code in codes(item)
    shown = cli.json("show", item["record_id"])
    assert [one["bottom_line"] for one in shown["signatures"]] == [False]
    assert code in codes(shown)
    assert "NOT VALID" in cli("show", item["record_id"])
    (kept,) = (cli.store / "objects").rglob("original.pdf")
    assert kept.read_bytes() == paper.read_bytes()


def test_a_signed_paper_that_waits_keeps_its_verdict_until_a_person_settles_it(
    cli: Cli, tmp_path: Path, signer: Party
) -> None:
    issue(cli)
    paper = save(tmp_path / "paper.pdf", sign(pdf_bytes(text="no code"), signer))
    assert cli.json("ingest", paper, *DAY)["items"][0]["outcome"] == "unmatched"
    (waiting,) = cli.json("unmatched", "list")["items"]
    item = cli.json("match", waiting["key"], NUMBER, *DAY)
    assert "signature-untrusted" in codes(item)
    assert [one["trust"] for one in cli.json("show", NUMBER)["signatures"]] == ["no-path"]


def test_without_pyhanko_a_signed_paper_is_filed_and_it_is_said_what_is_missing(
    cli: Cli, tmp_path: Path, signer: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = save(tmp_path / "paper.pdf", sign(issue(cli), signer))
    monkeypatch.setitem(sys.modules, "pyhanko", None)
    item = cli.json("ingest", paper, *DAY)["items"][0]
    assert (item["outcome"], codes(item)) == ("archived", ["signatures-not-checked"])
    assert "recordkit[sign]" in item["findings"][0]["message"]
    assert cli.json("show", NUMBER)["signatures"][0]["problem"] == "no-part"


def test_a_record_of_an_earlier_version_that_knows_only_that_it_was_signed_can_be_shown(
    cli: Cli, tmp_path: Path, signer: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit.archive import papers

    paper = save(tmp_path / "paper.pdf", sign(issue(cli), signer))
    monkeypatch.setattr(papers, "plain_signatures", lambda _: [{"kind": "pdf", "validated": False}])
    cli("ingest", paper, *DAY)
    assert "not checked, nobody has looked at it" in cli("show", NUMBER)


def test_a_file_among_the_roots_that_is_no_certificate_is_named_and_stops_nothing(
    cli: Cli, tmp_path: Path, root: Party, signer: Party
) -> None:
    trust(cli, root)
    (cli.store / "certificates" / "坏的.crt").write_bytes(b"?")
    paper = save(tmp_path / "paper.pdf", sign(issue(cli), signer))
    item = cli.json("ingest", paper, *DAY)["items"][0]
    assert (item["outcome"], codes(item)) == ("archived", [])
    assert "坏的.crt" in cli.err
    cli("config", "check", expect=3)
    assert "坏的.crt" in cli.err


def test_config_check_asks_for_roots_only_where_a_folder_is_named(cli: Cli) -> None:
    cli("config", "check")
    settings = cli.store / "recordkit.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('"certificates"', '"受信任"'), encoding="utf-8")
    cli("config", "check", expect=3)
    assert "受信任" in cli.err
    (cli.store / "受信任").mkdir()
    (cli.store / "受信任" / "root.pem").write_bytes(party("根", authority=True).pem)
    cli("config", "check")


def test_doctor_tells_how_to_get_what_checks_signatures(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "pyHanko":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    parts = {one["part"]: one for one in cli.json("doctor")["items"]}
    assert parts["pyHanko"]["found"] is None and "recordkit[sign]" in parts["pyHanko"]["how"]
    assert parts["pikepdf"]["found"] == real("pikepdf")


@pytest.mark.office
def test_a_contract_printed_here_and_signed_elsewhere_is_matched_by_its_code(
    issued: Cli, root: Party, signer: Party
) -> None:
    trust(issued, root)
    contract = next(path for path in (issued.store.parent / "pdf").iterdir() if "合" in path.name)
    before = contract.read_bytes()
    paper = save(issued.store.parent / "已签.pdf", sign(sign(before, signer), party("供水公司", root), field="Company"))
    item = issued.json("ingest", paper, *DAY)["items"][0]
    assert (item["outcome"], codes(item)) == ("archived", [])
    told = issued.json("show", item["number"])["signatures"]
    assert [(one["field"], one["bottom_line"]) for one in told] == [("Signature1", True), ("Company", True)]
    record = json.loads(next((issued.store / "objects").rglob("record.json")).read_bytes())
    assert record["signatures"] == told
    assert paper.read_bytes().startswith(before)
