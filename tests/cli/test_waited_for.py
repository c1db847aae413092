"""The review says what it waits for; the list of it goes to whoever knows and comes back as events."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
import pytest
from conftest import Cli

from recordkit.archive.editing import edit_record
from recordkit.archive.filing import file_generated
from recordkit.workspace import Workspace

DAY = ("--as-of", "2026-11-22")


def file(workspace: Workspace, record_class: str, on: date, account: str | None = None) -> str:
    with workspace.writing() as writer:
        record = file_generated(writer, workspace, record_class=record_class, title="件", on=on, fields={},
                                content={"original.json": f"{record_class}{on}{account}".encode()})
    if account is not None:
        edit_record(workspace, record, {"account": account}, "补")
    return record


@pytest.fixture
def archive(cli: Cli, workspace: Workspace) -> Cli:
    """Five records that wait, two that do not."""
    file(workspace, "supply-contract", date(2016, 3, 1), "0012000001")
    file(workspace, "water-application", date(2015, 3, 1), "0012000001")
    file(workspace, "meter-change-notice", date(2018, 3, 1), "0012000001")
    file(workspace, "supply-contract", date(2017, 3, 1), "0012000002")
    file(workspace, "stop-order", date(2019, 3, 1))
    file(workspace, "visit-record", date(2019, 3, 1), "0012000001")
    file(workspace, "supply-contract", date(1990, 3, 1), "0012000003")
    cli("event", "add", "contract-ended", "--account", "0012000003", "--date", "2000-01-01", *DAY)
    return cli


def test_the_review_says_how_many_records_wait_for_which_event(archive: Cli) -> None:
    review = archive.json("retention", "review", *DAY)
    assert [{key: one[key] for key in ("events", "count")} for one in review["waiting"]] == [
        {"events": ["contract-ended", "account-closed"], "count": 3}, {"events": ["next-replacement"], "count": 1},
        {"events": ["case-closed"], "count": 1}]
    assert {(one["companions"], one["unexplained"]) for one in review["waiting"]} == {(0, 0)}
    archive("retention", "review", *DAY)
    assert "3 wait for contract ended / account closed" in archive.err
    assert "event list --waiting" in archive.err


def test_waiting_records_are_listed_by_account_and_event(archive: Cli) -> None:
    listed = archive.json("event", "list", "--waiting", *DAY)
    assert [(one["account"], one["events"], one["count"], one["oldest"]) for one in listed["items"]] == [
        ("0012000001", ["contract-ended", "account-closed"], 2, "2015-03-01"),
        ("0012000001", ["next-replacement"], 1, "2018-03-01"),
        ("0012000002", ["contract-ended", "account-closed"], 1, "2017-03-01"),
        (None, ["case-closed"], 1, "2019-03-01")]
    assert listed["records"] == 5
    assert archive.json("event", "list", "--waiting", "--type", "account-closed", *DAY)["records"] == 3
    archive("event", "list", "--waiting", "--all", expect=2)
    archive("event", "list", "--waiting", "--out", "x.txt", expect=2)


@pytest.mark.parametrize("ending", [".xlsx", ".csv"])
def test_the_list_of_what_is_waited_for_comes_back_filled_in_as_events(
    archive: Cli, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"待事件{ending}"
    archive("event", "list", "--waiting", "--out", path, *DAY, lang="zh")
    archive("event", "list", "--waiting", "--out", path, *DAY, expect=3)
    done = archive.json("event", "import", path, *DAY)
    assert done["counts"]["entered"] == 0 and done["passed"] == 3, "nothing was filled in yet, nothing is refused"
    if ending == ".xlsx":
        book = openpyxl.load_workbook(path)
        page = book.active
        assert page is not None
        assert [cell.value for cell in page[2]][0] == "0012000001"
        page["F2"], page["G2"], page["G3"] = "销户", "2026-10-08", "2026年10月9日"
        book.save(path)
    else:
        text = path.read_text("utf-8-sig").splitlines()
        text[1] = text[1].removesuffix(",,") + ",销户,2026-10-08"
        text[2] += "2026年10月9日"
        path.write_text("\n".join(text), "utf-8")
    done = archive.json("event", "import", path, *DAY)
    assert done["counts"]["entered"] == 2
    assert [(one["account"], one["type"], one["date"]) for one in archive.json("event", "list")["items"][1:]] == [
        ("0012000001", "account-closed", "2026-10-08"), ("0012000001", "next-replacement", "2026-10-09")]
    assert archive.json("event", "list", "--waiting", *DAY)["records"] == 2


def test_proposals_are_listed_confirmed_and_rejected_by_command(archive: Cli, workspace: Workspace) -> None:
    file(workspace, "account-closing", date(2026, 10, 8), "0012000002")
    file(workspace, "account-closing", date(2026, 10, 9), "0012000001")
    listed = archive.json("event", "proposed", *DAY)
    assert [(one["account"], one["type"], one["date"]) for one in listed["items"]] == [
        ("0012000002", "account-closed", "2026-10-08"), ("0012000001", "account-closed", "2026-10-09"),
        ("0012000001", "account-closed", "2026-10-09")]
    assert all({"proposal", "record_id", "code", "why", "paper", "paper_code"} <= set(one) for one in listed["items"])
    first, second, third = (one["proposal"] for one in listed["items"])
    archive("event", "confirm", *DAY, expect=2)
    planned = archive.json("event", "confirm", "--all", "--dry-run", *DAY)
    assert planned["total"] == 3 and planned["dry_run"]
    assert archive.json("event", "proposed", *DAY)["total"] == 3
    assert archive.json("event", "confirm", first, "--date", "2026-10-31", *DAY)["items"][0]["date"] == "2026-10-31"
    archive("event", "reject", second, "--reason", "另有合同", *DAY)
    archive("event", "confirm", first, *DAY, expect=5)
    archive("event", "reject", second, "--reason", "x", *DAY, expect=5)
    assert [one["proposal"] for one in archive.json("event", "proposed", *DAY)["items"]] == [third]
    assert archive.json("event", "confirm", "--all", *DAY)["total"] == 1
    assert archive.json("event", "confirm", "--all", *DAY)["total"] == 0
    assert [one["paper"] is not None for one in archive.json("event", "list")["items"]] == [False, True, True]


def test_an_account_with_spaces_or_full_width_digits_is_the_same_account(archive: Cli) -> None:
    archive("event", "add", "account-closed", " ００12000002", "--date", "2026-10-08", *DAY)
    assert "Records of this account today: 1." in archive.err
    archive("hold", "place", "--account", "００12000002 ", "--kind", "debt", "--reason", "x", *DAY)
    assert "Records of this account today: 1;" in archive.err
    archive("event", "add", "account-closed", "0012999999", "--date", "2026-10-08", *DAY, expect=5)
