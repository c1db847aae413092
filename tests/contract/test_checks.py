"""The four-property checks: each has damage of its own, by its number, that fails it; sound papers pass it."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from conftest import clock_at
from papers import pdf_bytes
from signed_pdfs import flipped, party, sign

from recordkit import files
from recordkit.archive.boxes import place_box
from recordkit.archive.catalogue import get_record, objects_of
from recordkit.archive.checks import running
from recordkit.archive.checks.against import read_transfer_list
from recordkit.archive.checks.examine import examine
from recordkit.archive.checks.outcome import STAGES, Stage, Verdict
from recordkit.archive.checks.record_checks import is_special
from recordkit.archive.checks.registry import CHECKS, checks_at
from recordkit.archive.checks.running import CheckOptions, CheckRun, run_checks
from recordkit.archive.checks.subject import Subject
from recordkit.archive.editing import edit_record
from recordkit.archive.filing import NewRecord, file_record
from recordkit.archive.pdf_signatures import Trusted, read_roots, validate_signatures
from recordkit.archive.selection import Selection
from recordkit.archive.signature_facts import plain_signatures
from recordkit.archive.volume_acts import NewVolume, add_to_volume, open_volume
from recordkit.errors import InputRefused, NotFound
from recordkit.retention.events import add_event
from recordkit.retention.holds import place_hold
from recordkit.store import open_store
from recordkit.workspace import Workspace

TODAY = date(2026, 11, 20)
OWN_FIELDS = """
[[archive.fields]]
key = "grade"
label = "等级"
type = "choice"
choices = ["甲", "乙"]

[[archive.fields]]
key = "project"
label = "工程名称"
required = true
classes = ["repair-order"]
"""


class Office:
    """A store of which a test may file papers, change settings and damage files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = open_store(root, clock_at(TODAY), "test")

    def settings(self, old: str, new: str) -> None:
        path = self.root / "recordkit.toml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        self.reopen()

    def reopen(self) -> None:
        self.workspace.close()
        self.workspace = open_store(self.root, clock_at(TODAY), "test")

    def file(self, data: bytes = b"", name: str = "original.pdf", **more: Any) -> str:
        """File one paper; the number is one of its own unless given."""
        data = data or pdf_bytes(2)
        count = self.workspace.db.one("SELECT count(*) AS n FROM records")
        assert count is not None
        given: dict[str, Any] = {
            "record_class": "visit-record", "title": f"回访记录{count['n']}", "on": date(2026, 7, 8), "pages": 2,
            "number": f"回访〔2026〕{count['n']:05}号", **more,
        }
        with self.workspace.writing() as writer, self.workspace.staging() as staging:
            original = staging / "paper"
            files.write_atomic(original, data)
            digests = given.pop("digests", None) or files.digests_of(original)
            content = {name: original, "text.json": b'{"pages": []}', **given.pop("content", {})}
            return file_record(writer, self.workspace, NewRecord(content=content, original=digests, **given), staging)

    def lose(self, record: str, *_: str) -> None:
        """Take a record out of the catalogue's table, as if it had never been entered."""
        self.workspace.db.run("DELETE FROM records WHERE record_id = :id", {"id": record})

    def path(self, record: str, name: str = "original.pdf") -> Path:
        return objects_of(self.workspace).locate(record, name)

    def folder(self, record: str) -> Path:
        return objects_of(self.workspace).folder_of(record)

    def forge_inventory(self, record: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Write an inventory that is whole in itself and not the one that was filed."""
        folder = self.folder(record)
        inventory = json.loads((folder / "inventory.json").read_bytes())
        change(inventory)
        data = json.dumps(inventory).encode()
        for place in (folder, folder / inventory["head"]):
            (place / "inventory.json").write_bytes(data)
            (place / "inventory.json.sha512").write_text(f"{hashlib.sha512(data).hexdigest()} inventory.json\n")

    def run(self, stage: Stage = "preservation", **options: Any) -> CheckRun:
        return run_checks(self.workspace, CheckOptions(stage, **options))


@pytest.fixture
def office(store: Path) -> Iterator[Office]:
    text = (store / "recordkit.toml").read_text("utf-8")
    (store / "recordkit.toml").write_text(text.replace("[engines]", OWN_FIELDS + "\n[engines]"), "utf-8")
    made = Office(store)
    made.file()
    made.file()
    yield made
    made.workspace.close()


def verdict(run: CheckRun, number: str) -> Verdict:
    return next(one for one in run.summaries if one.check.number == number).outcome.result


def evidence(run: CheckRun, number: str) -> str:
    """The evidence of the first failure, or of the whole."""
    lines = [str(one.outcome.evidence) for one in run.lines if one.check.number == number]
    return lines[0] if lines else str(next(one for one in run.summaries if one.check.number == number)
                                      .outcome.evidence)


def fake_scanner(office: Office, body: str) -> None:
    """A program of ours that takes paths and speaks clamdscan's exit codes and lines; it is no virus scanner."""
    program = office.root / "scanner.py"
    program.write_text(f"import sys, pathlib\nfound = []\nfor one in sys.argv[1:]:\n"
                       f"    for path in pathlib.Path(one).rglob('*'):\n        if path.is_file() and {body!r} in "
                       f"path.read_bytes().decode('latin-1'):\n            found.append(path)\n"
                       f"for path in found: print(f'{{path}}: Eicar-Test-Signature FOUND')\n"
                       f"sys.exit(1 if found else 0)\n", "utf-8")
    command = json.dumps([sys.executable, str(program)], ensure_ascii=False)
    office.settings("scanner = []", f"scanner = {command}")


def signed_paper(office: Office, *, broken: bool) -> None:
    root = party("测试根 CA", authority=True)
    data = sign(pdf_bytes(), party("王小明", root))
    data = flipped(data) if broken else data
    path = office.root / "signed.pdf"
    path.write_bytes(data)
    certificates = office.root / "certificates"
    certificates.mkdir(exist_ok=True)
    (certificates / "root.pem").write_bytes(root.pem)
    facts = validate_signatures(path, Trusted(read_roots(certificates).certificates, datetime.now(UTC)))
    assert [one.bottom_line for one in facts] == [not broken]
    office.file(data, pages=1, extra={"signatures": plain_signatures(facts)})


def locked(data: bytes) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="秘密", user=""))
    return out.getvalue()


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def flip(path: Path, at: int = 30) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def other_digests(office: Office) -> files.Digests:
    path = office.root / "other"
    path.write_bytes(b"other bytes")
    return files.digests_of(path)


def signed_list(office: Office, name: str, sha256: str | None = None, **more: object) -> Path:
    """A list of a transfer that names every record of the store."""
    rows = [{"档号": row["code"], "SHA-256": sha256 or row["sha256"], **more}
            for row in office.workspace.db.all("SELECT code, sha256 FROM records ORDER BY ordinal")]
    path = office.root / name
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    return path


def remove_tree(path: Path) -> None:
    for one in sorted(path.rglob("*"), reverse=True):
        if one.is_dir():
            one.rmdir()
        else:
            one.unlink()
    path.rmdir()


def _without_author(inventory: dict[str, Any]) -> None:
    inventory["versions"]["v1"]["user"]["name"] = ""


def _other_message(inventory: dict[str, Any]) -> None:
    inventory["versions"]["v1"]["message"] = "nothing to see"


FAILS: Mapping[str, Callable[[Office], object]] = {
    "1-01": lambda one: flip(one.path(one.file())),
    "1-02": lambda one: signed_paper(one, broken=True),
    "1-03": lambda one: one.file(title="长" * 501),
    "1-04": lambda one: one.file(extra={"shelf": 7}),
    "1-05": lambda one: one.file(fields={"grade": "丙"}),
    "1-06": lambda one: one.file(on=date(2027, 1, 15)),
    "1-07": lambda one: one.file(title="回访\x07记录"),
    "1-08": lambda one: one.settings('code = "{fonds}-', 'code = "X{fonds}-'),
    "1-09": lambda one: one.path(one.file(), "record.json").write_bytes(one.path(one.file(), "record.json")
                                                                       .read_bytes()),
    "1-10": lambda one: one.file(digests=other_digests(one)),
    "1-11": lambda one: one.forge_inventory(one.file(), _other_message),
    "1-12": lambda one: (one.file(title="同名", number=None), one.file(title="同名", number=None)),
    "2-01": lambda one: remove_tree(one.folder(one.file())),
    "2-02": lambda one: one.path(one.file()).write_bytes(b"%PDF-1.7 short"),
    "2-03": lambda one: one.file(record_class="repair-order", fields={"grade": "甲"}),
    "2-04": lambda one: one.forge_inventory(one.file(), _without_author),
    "2-05": lambda one: one.path(one.file()).unlink(),
    "2-06": lambda one: one.lose(one.file(), one.file()),
    "2-07": lambda one: None,
    "3-01": lambda one: one.path(one.file(), "record.json").write_bytes(b"{"),
    "3-02": lambda one: one.file(pdf_bytes(2)[:300]),
    "3-03": lambda one: one.file(PNG),
    "3-04": lambda one: one.file(locked(pdf_bytes(2))),
    "4-01": lambda one: (fake_scanner(one, "X5O!P%@AP"), one.file(pdf_bytes(2) + b"\n% X5O!P%@AP\n%%EOF\n")),
    "4-02": lambda one: (one.folder(one.file()) / "v1" / "content" / "note.txt").write_text("stray"),
    "4-03": lambda one: flip(next((one.root / "ledger").glob("*.jsonl")), 200),
    "4-04": lambda one: one.workspace.db.run("INSERT INTO code_serials VALUES ('X', 9)"),
}


def test_every_check_has_damage_of_its_own_and_a_number_is_given_once() -> None:
    numbers = [one.number for one in CHECKS]
    assert sorted(FAILS) == sorted(numbers) == sorted(set(numbers))
    assert {one.property for one in CHECKS} == {"真实性", "完整性", "可用性", "安全性"}
    assert "2-07" not in {one.number for one in checks_at("ingest")}


@pytest.mark.parametrize("number", sorted(FAILS))
def test_damage_fails_the_check_of_its_number_and_sound_papers_pass_it(office: Office, number: str) -> None:
    stage: Stage = "transfer" if number == "2-07" else "preservation"
    if number == "1-02":
        signed_paper(office, broken=False)
    if number == "4-01":
        fake_scanner(office, "X5O!P%@AP")
    against = read_transfer_list(signed_list(office, "清单.json")) if number == "2-07" else None
    sound = office.run(stage, against=against)
    assert [one.check.number for one in sound.failures] == []
    assert verdict(sound, number) == "PASS"
    if number == "4-01":
        office.settings("scanner = [", "# scanner = [")
        office.settings('[checks]\n', '[checks]\nscanner = []\n')
    FAILS[number](office)
    if number == "2-07":
        against = read_transfer_list(signed_list(office, "改.json", "0" * 64))
    found = office.run(stage, against=against)
    assert verdict(found, number) == "FAIL", evidence(found, number)
    assert evidence(found, number)
    assert found.has_failed


def test_what_cannot_be_told_is_not_run_and_says_why(office: Office, tmp_path: Path) -> None:
    found = office.run("transfer")
    unknown = {one.check.number: str(one.outcome.evidence) for one in found.summaries
               if one.outcome.result == "NOT_RUN"}
    assert sorted(unknown) == ["1-02", "2-07", "4-01"]
    assert "no digital signature" in unknown["1-02"]
    assert "--against" in unknown["2-07"] and "[checks] scanner" in unknown["4-01"]
    assert not found.has_failed


def test_an_empty_archive_has_nothing_to_judge(workspace: Workspace) -> None:
    found = run_checks(workspace, CheckOptions("ingest"))
    by_result = {one.check.number: one.outcome.result for one in found.summaries}
    assert {number for number, result in by_result.items() if result == "PASS"} == {
        "1-12", "2-01", "2-06", "4-02", "4-03", "4-04"}
    assert set(by_result.values()) == {"PASS", "NOT_RUN"}


def test_a_damaged_inventory_fails_the_package_and_leaves_the_rest_untold(office: Office) -> None:
    record = office.file()
    (office.folder(record) / "inventory.json").write_bytes(b"{}")
    found = office.run(references=(record,))
    results = {one.check.number: one.outcome.result for one in found.lines}
    assert {number for number, result in results.items() if result == "FAIL"} == {"1-01", "1-11", "3-01"}
    assert results["1-03"] == results["2-05"] == results["3-02"] == results["4-02"] == "NOT_RUN"


def test_a_paper_that_nothing_here_opens_is_told_by_its_bytes(office: Office) -> None:
    picture = office.file(PNG, name="original.png")
    found = office.run(references=(picture,))
    results = {one.check.number: one.outcome.result for one in found.lines}
    assert {number for number, result in results.items() if result == "FAIL"} == {"3-03"}
    assert results["3-02"] == results["3-04"] == "NOT_RUN"
    assert "png" in evidence(found, "3-03")


def test_a_paper_that_kills_its_reader_costs_its_own_verdict_only(office: Office) -> None:
    record = get_record(office.workspace.db, office.file())
    assert record is not None
    seen = examine(office.root / "objects", record.record_id, 2000, lost="timeout")
    subject, rules = Subject(record, seen), running.rules_of(office.workspace)
    results = {one.number: one.judge(subject, rules) for one in CHECKS if one.judge is not None}
    assert {number for number, one in results.items() if one.result == "FAIL"} == {"3-02"}
    assert "took longer" in str(results["3-02"].evidence)
    assert results["3-04"].result == "NOT_RUN"


def test_a_limit_on_pages_is_a_paper_that_does_not_open(office: Office) -> None:
    office.settings("most_pages = 2000", "most_pages = 1")
    found = office.run()
    assert verdict(found, "3-02") == "FAIL"
    assert "more pages" in evidence(found, "3-02")
    assert verdict(found, "1-01") == "PASS"


def test_all_results_of_named_records_are_listed(office: Office) -> None:
    record = office.file()
    found = office.run("ingest", references=(record,))
    judged = [one.check.number for one in found.lines if one.record_id == record]
    assert judged == [one.number for one in CHECKS if one.judge is not None or one.number == "1-12"]
    with pytest.raises(NotFound):
        office.run(references=("R00000000",))


def test_a_part_of_the_archive_is_judged_by_itself(office: Office) -> None:
    flip(office.path(office.file(record_class="meter-change-notice", title="换表"), "text.json"), 3)
    assert not office.run(selection=Selection(record_class="visit-record")).has_failed
    part = office.run(selection=Selection(record_class="meter-change-notice", year=2026))
    assert part.records == 1
    assert [(one.check.number, one.code[-4:]) for one in part.failures] == [
        ("1-01", "0003")]


def test_a_duplicate_is_named_with_its_twins_and_not_with_its_title(office: Office) -> None:
    for number in (None, "回访〔2026〕09999号", "回访〔2026〕09998号"):
        office.file(title="张三回访", number=number)
    found = office.run()
    assert evidence(found, "1-12").startswith("the same title and date: C001-KF·2026-D10-KFZ-0003")
    assert "张三" not in evidence(found, "1-12")
    third = office.workspace.db.all("SELECT record_id FROM records ORDER BY ordinal")[-1]["record_id"]
    assert [one.outcome.result for one in office.run(references=(third,)).lines if one.check.number == "1-12"] == [
        "FAIL"]


def test_titles_that_each_bear_a_number_are_no_duplicates(office: Office) -> None:
    office.file(title="张三回访")
    office.file(title="张三回访")
    assert verdict(office.run(), "1-12") == "PASS"
    office.file(title="另一件", number="回访〔2026〕00000号")
    assert "the same number" in evidence(office.run(), "1-12")


def test_a_code_of_an_earlier_template_is_well_formed_when_the_template_is_named(office: Office) -> None:
    office.settings('code = "{fonds}-', 'code = "X{fonds}-')
    assert verdict(office.run(), "1-08") == "FAIL"
    earlier = '["{fonds}-{category}·{year}-{period}-{office}-{seq:04}"]'
    office.settings("[checks]\n", f"[checks]\nearlier_codes = {earlier}\n")
    assert verdict(office.run(), "1-08") == "PASS"


def test_a_paper_that_is_gone_is_missing_and_nothing_else_is_said_of_it(office: Office) -> None:
    record = office.file()
    office.path(record).unlink()
    results = {one.check.number: one.outcome.result for one in office.run(references=(record,)).lines}
    assert {number for number, result in results.items() if result == "FAIL"} == {"2-05"}
    assert {results[number] for number in ("1-10", "3-02", "3-03", "3-04")} == {"NOT_RUN"}


def test_files_that_nobody_knows_are_named_wherever_they_lie(office: Office) -> None:
    (office.root / "objects" / "说明.txt").write_text("x")
    (office.root / "quarantine" / "谁放的.pdf").write_bytes(b"x")
    record = office.file()
    (office.folder(record) / "note.txt").write_text("x")
    found = office.run()
    assert {one.check.number for one in found.failures} == {"4-02"}
    told = [str(one.outcome.evidence) for one in found.failures]
    assert [one.partition(": ")[0] for one in told[:2]] == ["objects/说明.txt", "quarantine/谁放的.pdf"]
    assert [one.record_id for one in found.failures] == ["", "", record]
    assert "note.txt" in told[2]


def test_an_inherited_code_is_kept_as_it_was_and_no_fault(office: Office) -> None:
    office.file(code="1-永久-3-12", extra={"origin": "catalogue", "period_term": "永久"})
    assert verdict(office.run(), "1-08") == "PASS"
    office.file(code="2-永久-3-12")
    assert "2-永久-3-12 has not the form" in evidence(office.run(), "1-08")


def test_an_edited_record_is_whole_in_its_new_version(office: Office) -> None:
    record = office.file()
    edit_record(office.workspace, record, {"title": "更正后的题名"}, "更正")
    found = office.run()
    assert not found.has_failed
    assert "version 2" in str(next(one for one in office.run(references=(record,)).lines
                                   if one.check.number == "1-11").outcome.evidence)


def test_what_was_changed_while_it_was_read_is_looked_at_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue's row was read before an edit, the object behind it: no fault, only a moment."""
    record = office.file()
    before = get_record(office.workspace.db, record)
    assert before is not None
    edit_record(office.workspace, record, {"title": "更正后的题名"}, "更正")
    real = running.select_records

    def stale(*arguments: Any) -> Iterator[Any]:
        for one in real(*arguments):
            yield before if one.record_id == record else one

    monkeypatch.setattr(running, "select_records", stale)
    found = office.run()
    assert (found.records, found.has_failed) == (3, False)


def test_failures_beyond_the_limit_are_counted_and_not_kept(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_FAILURES", 2)
    for number in range(4):
        office.file(title=f"\x07{number}")
    found = office.run()
    special = next(one for one in found.summaries if one.check.number == "1-07")
    assert (special.passed, special.failed) == (2, 4)
    assert len([one for one in found.failures if one.check.number == "1-07"]) == 2
    assert not found.is_whole


def test_ctrl_c_ends_the_run_with_what_was_found(office: Office) -> None:
    def stop(done: int, total: int, size: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    flip(office.path(office.file()))
    office.file()
    found = run_checks(office.workspace, CheckOptions("preservation"), stop)
    assert found.interrupted and found.records == 3
    assert verdict(found, "2-01") == verdict(found, "1-12") == "NOT_RUN"
    assert verdict(found, "1-01") == "FAIL" and verdict(found, "4-03") == "PASS"


def test_the_scanner_is_given_folders_and_its_exit_codes_are_understood(office: Office) -> None:
    infected = office.file(pdf_bytes(2) + b"\n% X5O!P%@AP\n%%EOF\n")
    fake_scanner(office, "X5O!P%@AP")
    found = office.run()
    assert [(one.record_id, str(one.outcome.evidence)) for one in found.failures] == [
        (infected, "the scanner found Eicar-Test-Signature")]
    office.settings("[checks]\n", "[checks]\nscanner_seconds = 1.0\n")
    (office.root / "scanner.py").write_text("import sys; sys.stderr.write('no database'); sys.exit(2)", "utf-8")
    found = office.run()
    assert verdict(found, "4-01") == "NOT_RUN" and "no database" in evidence(found, "4-01")
    (office.root / "scanner.py").write_text("while True: pass", "utf-8")
    assert "longer than 1 s" in evidence(office.run(), "4-01")
    (office.root / "scanner.py").write_text("import sys; print('Infected files: 1'); sys.exit(1)", "utf-8")
    assert verdict(office.run(), "4-01") == "FAIL"


def test_a_scanner_that_is_not_there_is_named(office: Office) -> None:
    office.settings("scanner = []", 'scanner = ["no-such-scanner"]')
    assert "no-such-scanner" in evidence(office.run(), "4-01")


# --- the list of a transfer -----------------------------------------------------------------------------------------


def test_the_list_is_held_against_the_records_both_ways(office: Office) -> None:
    path = signed_list(office, "清单.json", 页数=2)
    signed = read_transfer_list(path)
    assert not office.run("transfer", against=signed).has_failed
    extra = office.file()
    found = office.run("transfer", against=signed, selection=Selection(year=2026))
    assert [(one.record_id, str(one.outcome.evidence)) for one in found.failures] == [
        (extra, "it does not stand in the list")]
    more = json.loads(path.read_bytes()) + [{"档号": "C001-KF·2026-D10-KFZ-0099", "SHA-256": "0" * 64}]
    path.write_text(json.dumps(more), "utf-8")
    found = office.run("transfer", against=read_transfer_list(path))
    assert "has no such record" in evidence(found, "2-07")
    assert (found.records, verdict(found, "2-01")) == (2, "PASS")


@pytest.mark.parametrize(("column", "value", "told"), [
    ("页数", 9, "2 page(s), not 9"), ("字节", 12, "bytes, not 12"), ("文件", "attachment-001.pdf", "no file"),
])
def test_size_pages_and_files_of_the_list_are_compared(office: Office, column: str, value: object, told: str) -> None:
    found = office.run("transfer", against=read_transfer_list(signed_list(office, "清单.json", **{column: value})))
    assert told in evidence(found, "2-07")


def test_attachments_are_papers_like_the_original(office: Office) -> None:
    attachment = pdf_bytes(3, text="Attachment")
    digest = hashlib.sha256(attachment).hexdigest()
    told = {"name": "attachment-001.pdf", "sha256": digest, "size": len(attachment), "pages": [1, 2, 3]}
    record = office.file(content={"attachment-001.pdf": attachment}, extra={"attachments": [told]})
    row = office.workspace.db.one("SELECT code, sha256 FROM records WHERE record_id = :id", {"id": record})
    assert row is not None
    path = office.root / "清单.csv"
    path.write_text(f"档号,文件,SHA-256\n{row['code']},{record}/original.pdf,{row['sha256']}\n"
                    f",{record}/attachment-001.pdf,{digest}\n", "utf-8")
    found = office.run("transfer", references=(record,), against=read_transfer_list(path))
    assert not found.has_failed
    assert "2 paper(s)" in next(str(one.outcome.evidence) for one in found.lines if one.check.number == "1-10")
    office.path(record, "attachment-001.pdf").write_bytes(pdf_bytes(3, text="Another attachment"))
    found = office.run("transfer", references=(record,), against=read_transfer_list(path))
    assert {one.check.number for one in found.failures} == {"1-01", "1-10", "2-07"}
    assert "attachment-001.pdf has another SHA-256" in evidence(found, "2-07")


def test_a_printed_list_is_read_below_its_cover(office: Office) -> None:
    from recordkit.templates.sheetwriter import Sheet, workbook_bytes

    rows = office.workspace.db.all("SELECT code, sha256, pages FROM records ORDER BY ordinal")
    sheet = [["移交清单"], ["全宗号", "C001"], [], ["序号", "档号", "题名", "页数", "数字摘要"],
             *([at, row["code"], "题名", row["pages"], row["sha256"]] for at, row in enumerate(rows, 1)),
             ["合计", "", "", 4, ""]]
    path = office.root / "清单.xlsx"
    path.write_bytes(workbook_bytes([Sheet("移交清单", sheet, (8, 40, 30, 8, 70), head=4)]))
    signed = read_transfer_list(path)
    assert list(signed.promises) == [row["code"] for row in rows]
    assert signed.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not office.run("transfer", against=signed).has_failed


def test_a_list_that_is_wrong_is_refused_by_row_and_cell(office: Office) -> None:
    code = "C001-KF·2026-D10-KFZ-0001"
    path = office.root / "清单.csv"
    path.write_text(f"档号,SHA-256,页数\n{code},xyz,2\n{code},{'a' * 64},zwei\n", "utf-8")
    with pytest.raises(InputRefused) as refused:
        read_transfer_list(path)
    assert [(one.row, one.cell, one.code) for one in refused.value.problems] == [
        (2, "B2", "no-digest"), (3, "C3", "no-count")]
    path.write_text(f"档号,SHA-256\n{code},{'a' * 64}\n{code},{'a' * 64}\n", "utf-8")
    with pytest.raises(InputRefused) as refused:
        read_transfer_list(path)
    assert refused.value.problems[0].code == "twice"
    path.write_text("题名,页数\n甲,2\n", "utf-8")
    with pytest.raises(InputRefused, match="no list of a transfer"):
        read_transfer_list(path)
    with pytest.raises(NotFound):
        read_transfer_list(office.root / "fehlt.xlsx")


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("char", ["\x00", "\x7f", "\ud800", "\ue000", "\ufffd", "\u202e", "\u200b", "\uffff"])
def test_characters_that_cannot_be_shown_everywhere(char: str) -> None:
    assert is_special(char)


@pytest.mark.parametrize("char", ["张", "\n", "𠮷", "·", "〔", "Å", "\U000323af"])
def test_rare_characters_of_names_are_no_special_ones(char: str) -> None:
    assert not is_special(char)


def test_each_stage_has_the_checks_that_it_is_to_have() -> None:
    common = {one.number for one in CHECKS} - {"2-07"}
    assert {stage: {one.number for one in checks_at(stage)} for stage in STAGES} == {
        "ingest": common, "transfer": common | {"2-07"}, "preservation": common}


def test_subjects_are_values(office: Office) -> None:
    """A check that kept what it was given could judge the next record by it."""
    with pytest.raises(AttributeError):
        running.rules_of(office.workspace).today = TODAY  # type: ignore[misc]
    assert replace(running.rules_of(office.workspace), today=TODAY).today == TODAY


FORGED = {
    "title": ("'某某'", "3-01"), "date": ("'2020-01-01'", "3-01"), "pages": ("99", "3-01"), "box": ("'7'", "3-01"),
    "old_term": ("'永久'", "3-01"), "account": ("'1'", "3-01"), "party": ("'某某'", "3-01"), "sha256": ("'0'", "3-01"),
    "number": ("'回访〔2026〕77777号'", "3-01"), "volume": ("'V1'", "1-09"), "code": ("'C001-X'", "1-09"),
    "year": ("2020", "1-09"), "period": ("'Y'", "1-09"), "record_class": ("'complaint'", "1-09"),
    "serial": ("9", "1-09"), "scope": ("'x'", "1-09"), "access": ("'restricted'", "1-09"), "form": ("'x'", "1-09"),
    "issue_id": ("'I1'", "1-09"), "filed_number": ("'x'", "1-09"), "commitment": ("'x'", "1-09"),
}  # fmt: skip


@pytest.mark.parametrize("column", sorted(FORGED))
def test_what_the_table_says_otherwise_than_ledger_and_object_is_found(office: Office, column: str) -> None:
    record = office.file(extra={"account": "0042", "party": "张三"})
    assert not office.run().has_failed
    value, number = FORGED[column]
    office.workspace.db.run(f"UPDATE records SET {column} = {value} WHERE record_id = :id", {"id": record})
    found = office.run()
    assert [(one.check.number, one.record_id) for one in found.failures if one.check.number == number] == [
        (number, record)]
    assert verdict(office.run(references=(record,)), number) == "FAIL"
    office.workspace.rebuild()
    assert not office.run().has_failed


def test_a_row_by_which_an_account_is_found_is_held_against_the_record(office: Office) -> None:
    record = office.file(extra={"account": "0042"})
    office.workspace.db.run("UPDATE record_accounts SET account = '0043' WHERE record_id = :id", {"id": record})
    assert "户号" in evidence(office.run(), "3-01")


def test_a_volume_is_the_one_into_which_the_ledger_put_a_record(office: Office) -> None:
    record = office.file()
    volume = open_volume(office.workspace, NewVolume(title="回访", kind="project"))
    add_to_volume(office.workspace, volume.volume_id, [record])
    assert not office.run().has_failed
    office.workspace.db.run("UPDATE volume_records SET position = 4")
    assert "卷内顺序号" in evidence(office.run(), "1-09")


def test_a_note_that_the_ledger_names_is_there_as_it_was_written(office: Office) -> None:
    record = office.file()
    edit_record(office.workspace, record, {"title": "更正后的题名"}, "更正")
    place_box(office.workspace, "7", "一排")
    edit_record(office.workspace, record, {"box": "7"}, "装盒")
    assert "3 note(s) and data of issued documents are as the ledger names them" in evidence(office.run(), "4-03")
    for path in (office.root / "notes").rglob("*.json"):
        data = path.read_bytes()
        path.write_bytes(data.replace(b"}", b" }", 1))
        told = evidence(office.run(), "4-03")
        assert "1 note(s) or data of issued documents that the ledger names are changed or missing" in told
        path.unlink()
        found = office.run()
        assert verdict(found, "4-03") == "FAIL"
        assert f"notes/{path.parent.name}/{path.name[:12]}" in evidence(found, "4-03")
        path.write_bytes(data)
    assert not office.run().has_failed


def test_codes_that_differ_by_width_alone_are_the_same(office: Office) -> None:
    office.file(code="旧-2026-永久-12", extra={"period_term": "永久"})
    other = office.file(code="旧-２０２６-永久-12", extra={"period_term": "永久"})
    assert "case, width and blanks" in evidence(office.run(), "1-12")
    assert "case, width and blanks" in evidence(office.run(references=(other,)), "1-12")


def test_numbers_that_an_inherited_catalogue_left_out_are_told_and_no_fault(office: Office) -> None:
    for code in ("旧·1998-009", "旧·1998-012", "C001-KF·2026-D10-KFZ-0007"):
        office.file(code=code, extra={"inherited": "catalogue"})
    office.file()  # goes on behind the inherited one
    found = office.run()
    assert verdict(found, "2-06") == "PASS"
    told = evidence(found, "2-06")
    assert "旧·1998-010 to 旧·1998-011" in told and "C001-KF·2026-D10-KFZ-0003 to C001-KF·2026-D10-KFZ-0006" in told
    assert told.startswith("6 item number(s)") and "0000" not in told
    office.lose(office.file(), office.file())
    assert evidence(office.run(), "2-06") == (
        "1 item number(s) that were given here are missing: C001-KF·2026-D10-KFZ-0009")


def test_evidence_does_not_repeat_the_counts_of_the_columns(office: Office) -> None:
    office.file(title="回访\x07记录")
    for one in office.run().summaries:
        assert " passed" not in str(one.outcome.evidence), one.check.number


def test_notes_that_went_with_their_record_are_not_missed(office: Office) -> None:
    record = office.file()
    edit_record(office.workspace, record, {"title": "更正后的题名"}, "更正")
    remove_tree(office.root / "notes" / record)
    assert verdict(office.run(), "4-03") == "FAIL"
    with office.workspace.writing() as writer:
        writer.add("record.destroyed", {"record": record, "order": "O1"})
        writer.commit()
    remove_tree(office.folder(record))
    assert not office.run().has_failed


@pytest.mark.parametrize(("statement", "told"), [
    ("UPDATE volumes SET title = '伪题名'", "volumes: 1 row(s), such as "),
    ("UPDATE volumes SET closed = '2026-01-01'", "volumes: 1 row(s), such as "),
    ("UPDATE volumes SET remarks = '{\"checked_by\": \"王五\"}'", "volumes: 1 row(s), such as "),
    ("UPDATE retention_events SET date = '2001-01-01'", "retention_events: 1 row(s), such as E"),
    ("DELETE FROM holds", "holds: 1 row(s), such as "),
    ("DELETE FROM hold_records", "hold_records: 1 row(s), such as "),
    ("DELETE FROM contents WHERE record_id = (SELECT min(record_id) FROM contents)", "contents: "),
    ("INSERT INTO boxes VALUES ('客户甲', '', '', 1, '', '')", "boxes: 1 row(s)"),
    ("UPDATE boxes SET shelf = '别处'", "boxes: 1 row(s)"),
    ("UPDATE record_tallies SET n = n + 5", "record_tallies: 1 row(s)"),
    ("DELETE FROM filings", "filings: 3 row(s), such as R"),
    ("UPDATE filing_years SET n = 9", "filing_years: 1 row(s)"),
])
def test_tables_that_no_entry_made_so_are_named_and_stay_as_they_are(
    office: Office, statement: str, told: str
) -> None:
    record = office.file(extra={"account": "0042"})
    volume = open_volume(office.workspace, NewVolume(title="回访", kind="project"))
    add_to_volume(office.workspace, volume.volume_id, [record])
    place_box(office.workspace, "7", "一排")
    add_event(office.workspace, "case-closed", date(2026, 5, 1), account="0042")
    place_hold(office.workspace, kind="debt", reason="欠费", records=[record])
    assert verdict(office.run(), "4-04") == "PASS", evidence(office.run(), "4-04")
    db = office.workspace.db
    db.run(statement)
    before = [[tuple(row) for row in db.all(f"SELECT * FROM {one}")] for one in ("volumes", "holds", "boxes", "meta")]
    found = office.run()
    assert [one.check.number for one in found.summaries if one.outcome.result == "FAIL"] == ["4-04"]
    said = evidence(found, "4-04")
    assert told in said and not any(one in said for one in ("客户", "伪", "王五", "0042", "别处"))
    assert [[tuple(row) for row in db.all(f"SELECT * FROM {one}")]
            for one in ("volumes", "holds", "boxes", "meta")] == before
    office.workspace.rebuild()
    assert verdict(office.run(), "4-04") == "PASS"


@pytest.mark.parametrize("statements", [
    ("ALTER TABLE holds RENAME TO kept", "CREATE VIEW holds AS SELECT * FROM kept WHERE 0"),
    ("CREATE VIEW other AS SELECT 1",),
    ("CREATE TRIGGER lifted AFTER INSERT ON holds BEGIN DELETE FROM holds; END",),
    ("CREATE UNIQUE INDEX one_kind ON holds (kind)",),
    ("DROP INDEX issues_number",),
    ("CREATE TABLE empty (a)",),
])
def test_what_the_program_does_not_make_itself_fails_the_comparison_until_a_rebuild(
    office: Office, statements: tuple[str, ...]
) -> None:
    office.file()
    for statement in statements:
        office.workspace.db.run(statement)
    found = office.run()
    assert verdict(found, "4-04") == "FAIL", evidence(found, "4-04")
    assert "does not make so" in evidence(found, "4-04")
    office.workspace.rebuild()
    assert verdict(office.run(), "4-04") == "PASS", evidence(office.run(), "4-04")


@pytest.mark.parametrize("statement", [
    "INSERT INTO voids VALUES (CAST(x'ff' AS TEXT), '', '', '')", "CREATE TABLE \"a\"\"b\" AS SELECT 1 AS c"])
def test_a_table_that_cannot_be_read_or_is_none_of_ours_does_not_turn_the_comparison_off(
    office: Office, statement: str
) -> None:
    office.workspace.db.run(statement)
    found = office.run()
    assert verdict(found, "4-04") == "FAIL", evidence(found, "4-04")


def test_a_size_or_digest_that_the_metadata_lacks_is_named_for_nothing_can_be_held_against_it(office: Office) -> None:
    path = office.path(office.file(), "record.json")
    known = json.loads(path.read_bytes())
    path.write_text(json.dumps({**known, "size": None, "sha512": ""}), "utf-8")
    run = office.run()
    assert (verdict(run, "2-03"), verdict(run, "1-10")) == ("FAIL", "PASS")
    assert "字节数" in evidence(run, "2-03") and "SHA-512" in evidence(run, "2-03")
