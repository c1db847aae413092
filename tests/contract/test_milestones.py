"""The narrow tables of days say what documents, records and ledger say, and come out of them again."""

from __future__ import annotations

import json
import sqlite3

from conftest import Cli
from report_store import Office

TABLES = ("milestones", "document_links", "filings", "filing_years")


def tables(cli: Cli) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(cli.store / "catalogue.sqlite3") as db:
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in TABLES}


def days(cli: Cli, number: str) -> dict[str, str]:
    issue = cli.json("issued", "show", number)["issue_id"]
    return {str(row[1]): str(row[2]) for row in tables(cli)["milestones"] if row[3] == issue}


def visit(office: Office, **values: str) -> str:
    given = {"visit_at": "2026-11-18T14:30", "work_order": "投诉[2026]00001号"} | values
    return office.issue("visit-record", "2026-11-19", **given)


def test_a_documents_days_follow_it_from_issue_to_archive(cli: Cli) -> None:
    office = Office(cli)
    number = visit(office)
    assert days(cli, number) == {"@issued": "2026-11-19", "visit_at": "2026-11-18", "closed_on": "2026-11-16"}
    office.complete(number, "2026-11-20", follow_up_due="2026-11-30")
    assert days(cli, number) == {"@issued": "2026-11-19", "visit_at": "2026-11-18", "closed_on": "2026-11-16",
                                 "@completed": "2026-11-20", "follow_up_due": "2026-11-30"}
    office.file(number, "2026-11-23")
    assert days(cli, number)["@filed"] == "2026-11-23"
    cli("edit", number, "--set", "follow_up_due=2026-12-31", "--reason", "抄错", "--as-of", "2026-11-24")
    assert days(cli, number)["follow_up_due"] == "2026-12-31"
    assert days(cli, number)["@filed"] == "2026-11-23"
    assert [row[0] for row in tables(cli)["document_links"]] == ["投诉〔2026〕00001号"]


def test_a_record_has_one_short_row(cli: Cli) -> None:
    office = Office(cli)
    number = visit(office)
    record = office.file(number, "2026-11-23", "x" * 100)
    issue = cli.json("issued", "show", number)["issue_id"]
    assert tables(cli)["filings"] == [
        (record, "2026-11-23", "visit-record", 2026, "D10", "active", 2, len(f"{number}".encode()) + 100,
         "客户服务中心", issue)]
    assert tables(cli)["filing_years"] == [("2026", 1, len(f"{number}".encode()) + 100)]


def test_a_paper_bound_to_another_document_takes_its_days_along(cli: Cli) -> None:
    office = Office(cli)
    wrong, right = visit(office), visit(office, closed_on="2026-11-10")
    record = office.file(wrong, "2026-11-23")
    cli("match", record, right, "--reason", "认错", "--as-of", "2026-11-24")
    assert "@filed" not in days(cli, wrong)
    assert days(cli, right) == {"@issued": "2026-11-19", "visit_at": "2026-11-18", "closed_on": "2026-11-10",
                                "@filed": "2026-11-23"}
    before = tables(cli)
    cli("rebuild", "--catalogue")
    assert tables(cli) == before


def test_they_come_out_of_ledger_notes_and_objects_again(cli: Cli) -> None:
    office = Office(cli)
    first, second, third = visit(office), visit(office), visit(office)
    office.complete(first, "2026-11-20")
    office.file(first, "2026-11-23")
    office.file(second, "2026-11-24")
    office.complete(second, "2026-11-25")
    cli("issued", "void", third, "--reason", "错", "--as-of", "2026-11-25")
    before = tables(cli)
    assert len(before["filings"]) == 2
    cli("rebuild", "--catalogue")
    assert tables(cli) == before


def test_destruction_takes_the_papers_days_and_links(cli: Cli) -> None:
    office = Office(cli)
    number = visit(office)
    record = office.file(number, "2026-11-23")
    issue = cli.json("issued", "show", number)["issue_id"]
    from datetime import date

    from conftest import clock_at

    from recordkit.archive.catalogue import objects_of
    from recordkit.files import remove_tree
    from recordkit.store import open_store
    from recordkit.templates.issue import find_issue
    from recordkit.templates.issue_data import remove_line

    workspace = open_store(cli.store, clock_at(date(2037, 1, 5)), "test")
    known = find_issue(workspace.db, number)
    with workspace.writing() as writer:
        remove_tree(objects_of(workspace).locate(record, "record.json").parents[2])
        remove_line(cli.store, known.pack, known.issue_id, known.data)
        writer.add("record.destroyed", {"record": record, "order": "D2037-0001"})
        writer.commit()
    workspace.close()
    gone = tables(cli)
    assert gone["milestones"] == [("visit-record", "@filed", "2026-11-23", issue, ""),
                                  ("visit-record", "@issued", "2026-11-19", issue, "")]
    assert gone["document_links"] == []
    assert gone["filings"] == [(record, "2026-11-23", "visit-record", 2026, "D10", "destroyed", 0, 0, "", issue)]
    assert gone["filing_years"] == [("2026", 1, 0)]
    cli("rebuild", "--catalogue")
    assert tables(cli) == gone


def test_nothing_but_days_numbers_and_the_office_is_kept(cli: Cli) -> None:
    """What a customer is called or says is in none of them."""
    office = Office(cli)
    number = visit(office, customer_name="欧阳喆喆", subject="户号〔2026〕之外的事", address="河湾区〔2026〕巷")
    office.file(number, "2026-11-23")
    kept = json.dumps(tables(cli), ensure_ascii=False)
    assert "欧阳" not in kept
    assert "河湾区" not in kept
