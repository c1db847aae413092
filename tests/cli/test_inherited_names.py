"""A code out of an old catalogue takes no other record's name, and a slip in it does not run our numbers away."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from papers import old_scans

from recordkit.archive.archival_code import CodeTemplate, LookAlikes
from recordkit.archive.catalogue import find_record
from recordkit.archive.filing import file_generated
from recordkit.errors import NotFound
from recordkit.store import open_store
from recordkit.workspace import Workspace

OWN = "C001-KF·2026-D30-KFZ-"


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    return old_scans(tmp_path / "scans", 6)


def bring(
    cli: Cli, scans: Path, codes: list[str], *more: str, first: int = 1, numbers: tuple[str, ...] = (), expect: int = 0
) -> list[tuple[object, object]]:
    """Bring rows of these codes in; row and code word of what was refused."""
    path = scans.parent / f"sheet{first}.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        write = csv.writer(handle)
        write.writerow(("档号", "题名", "日期", "文件名", "文号"))
        for at, code in enumerate(codes):
            number = numbers[at] if at < len(numbers) else ""
            write.writerow((code, f"第{first + at}件", "2026-03-01", f"{first + at}.pdf", number))
    papers = [scans / f"{first + at}.pdf" for at in range(len(codes))]
    result = cli.json("ingest", "--catalogue", path, *papers, "--no-ocr", "--class", "supply-contract", *more,
                      expect=expect)
    return [(one["row"], one["code"]) for one in result["refused"]]


def own_code(cli: Cli, scans: Path, number: int) -> str:
    """The code that the store gives a paper of its own now."""
    result = cli.json("ingest", scans / f"{number}.pdf", "--no-ocr", "--class", "supply-contract", "--set",
                      f"title=第{number}件", "--set", "date=2026-03-01")
    return str(result["items"][0]["code"])


def test_the_number_of_a_record_is_no_other_record_s_code(cli: Cli, scans: Path) -> None:
    assert bring(cli, scans, ["1998-5-1"], numbers=("供合〔2026〕0002号",)) == []
    for number, code in enumerate(("供合〔2026〕0002号", "供合[2026]0002号"), start=2):
        assert bring(cli, scans, [code], first=number, expect=3) == [(2, "name-taken")]
    assert cli.json("show", "供合〔2026〕0002号")["code"] == "1998-5-1"


def test_the_number_of_another_row_of_the_sheet_is_no_code_and_the_own_number_is_one(cli: Cli, scans: Path) -> None:
    found = bring(cli, scans, ["供合1号", "1998-5-1", "供合3号"], numbers=("供合9号", "供合1号", "供合3号"), expect=4)
    assert found == [(2, "name-taken")]
    assert cli.json("show", "供合3号")["code"] == "供合3号"


def test_a_name_that_is_one_record_s_inherited_code_and_another_s_number_leads_to_neither(
    cli: Cli, scans: Path
) -> None:
    bring(cli, scans, ["1998-5-1"])
    own = own_code(cli, scans, 2)
    workspace = open_store(cli.store, clock_at(date(2026, 11, 20)), "test")
    with workspace.writing():
        inherited = find_record(workspace.db, "1998-5-1")
        # As a paper that bears this number came in.
        workspace.db.run("UPDATE records SET number = :number WHERE code = :code", {"number": "1998-5-1", "code": own})
        with pytest.raises(NotFound) as unclear:
            find_record(workspace.db, "1998-5-1")
        assert str(unclear.value.what) == "2 records answer to 1998-5-1."
        assert inherited.record_id in str(unclear.value.todo)
        assert find_record(workspace.db, inherited.record_id) == inherited
        # What a number from elsewhere says never takes the name of a code that was given here.
        workspace.db.run("UPDATE records SET number = :own WHERE code = '1998-5-1'", {"own": own})
        assert find_record(workspace.db, own).code == own
    workspace.close()


@pytest.mark.parametrize("alike", [
    "c001-kf·2026-d30-kfz-0001", "Ｃ００１-KF·2026-D30-KFZ-0001", "C001-KF・2026-D30-KFZ-0001",
    "C001-KF·2026-D30-KFZ–0001", OWN + "00001", OWN + "1"])
def test_a_code_that_looks_like_one_of_the_archive_is_refused(cli: Cli, scans: Path, alike: str) -> None:
    assert own_code(cli, scans, 1) == OWN + "0001"
    assert bring(cli, scans, [alike], "--any-serial", first=2, expect=3) == [(2, "name-taken")]
    assert bring(cli, scans, ["1998-5-01", "1998-5-1"], first=3, expect=3) == [(2, "code-twice"), (3, "code-twice")]


def test_a_slip_in_a_code_of_ours_is_refused_and_the_numbers_go_on(cli: Cli, scans: Path) -> None:
    slips = [OWN + "999999999", OWN + "0000", OWN + "0901", OWN + "9901", OWN + "0902", OWN + "10000000000"]
    wanted = [(2, "far-number"), (3, "far-number"), (5, "far-number"), (7, "far-number")]
    assert bring(cli, scans, slips, "--dry-run", expect=4) == wanted
    assert bring(cli, scans, slips, expect=4) == wanted
    assert own_code(cli, scans, 1) == OWN + "0903"
    assert bring(cli, scans, [OWN + "2002"], first=2, expect=3) == [(2, "far-number")]
    assert bring(cli, scans, [OWN + "2002"], "--any-serial", first=2) == []
    assert own_code(cli, scans, 4) == OWN + "2003"
    # Numbers of another archive's scheme are its own business.
    assert bring(cli, scans, ["1998-5-999999"], first=6) == []


def test_any_serial_goes_with_a_catalogue_alone(cli: Cli, scans: Path) -> None:
    cli("ingest", scans / "1.pdf", "--any-serial", expect=2)
    assert "--catalogue" in cli.err


def test_a_code_looks_like_another_one_only_where_they_differ_and_mean_the_same(workspace: Workspace) -> None:
    with workspace.writing() as writer:
        record_id = file_generated(writer, workspace, record_class="visit-record", title="件", on=date(2026, 3, 1),
                                   fields={}, content={"original.json": b"{}"})
    code = find_record(workspace.db, record_id).code
    alike = LookAlikes(workspace.db, CodeTemplate.of(workspace.settings))
    assert alike.of(code) is None
    assert alike.of(code.replace("·", "・")) == code
    assert alike.of(code.removesuffix("1") + "2") is None
