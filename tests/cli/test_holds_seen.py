"""Holds are seen wherever their records are, and reach papers that wait or were dropped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Cli
from scans import DAY, filed, issue_one, scan, signed
from test_destruction import CODE, EXECUTE, office, ready  # noqa: F401  (office is a fixture)

INGEST = ("ingest", "--no-ocr", "--jobs", "1")
WHY = ("--reason", "重复", "--yes")
DAY_OF_ORDER = ("--as-of", "2037-01-15")
LAWSUIT = ("--kind", "litigation", "--reason", "诉讼", "--as-of", "2026-12-01")


def account_of(cli: Cli, number: str) -> str:
    return str(cli.json("issued", "show", number)["fields"]["account"])


def test_a_hold_on_the_account_shows_with_record_document_search_review_and_explanation(
    cli: Cli, tmp_path: Path
) -> None:
    number = issue_one(cli)
    account = account_of(cli, number)
    hold = str(cli.json("hold", "place", "--account", account, *LAWSUIT)["hold"])
    assert [one["hold"] for one in cli.json("issued", "show", number)["holds"]] == [hold], "before the paper is filed"
    assert hold in cli("issued", "show", number)
    record = filed(cli, tmp_path, number)
    shown = cli.json("show", record)
    assert shown["status"] == "held" and [one["hold"] for one in shown["holds"]] == [hold]
    for command in (("show", record), ("retention", "explain", record), ("issued", "show", number)):
        told = cli(*command)
        assert hold in told and "诉讼" in told, command
    assert cli.json("search", "*", "--facets")["facets"]["status"] == {"held": 1}
    (item,) = cli.json("retention", "review", *DAY)["items"]
    assert item["decision"] == "held" and hold in item["reason"]
    assert cli.json("hold", "list", "--record", record)["total"] == 1


def test_a_hold_past_its_day_is_listed_as_past_and_still_shown(cli: Cli, tmp_path: Path) -> None:
    record = filed(cli, tmp_path, issue_one(cli))
    hold = cli.json("hold", "place", record, *LAWSUIT, "--until", "2026-12-31")["hold"]
    assert cli.json("hold", "list", "--past", "--as-of", "2026-12-31")["total"] == 0
    (past,) = cli.json("hold", "list", "--past", "--as-of", "2027-01-01")["items"]
    assert past["hold"] == hold and past["past"]
    assert "past" in cli("show", record, "--as-of", "2027-01-01")
    assert cli.json("show", record, "--as-of", "2027-01-01")["status"] == "held"
    cli("hold", "extend", hold, "--until", "2028-01-01", "--reason", "二审", "--as-of", "2027-01-01")
    assert cli.json("hold", "list", "--past", "--as-of", "2027-01-01")["total"] == 0
    cli("hold", "release", hold, "--reason", " ", *DAY, expect=3)
    cli("hold", "release", hold, "--reason", "结案", *DAY)
    assert cli.json("show", record)["status"] == "active"


def test_a_hold_placed_after_signing_shows_in_the_order(office: Cli) -> None:  # noqa: F811
    order = ready(office, CODE.format(1), CODE.format(2))
    hold = office.json("hold", "place", CODE.format(1), "--kind", "complaint", "--reason", "投诉",
                       "--as-of", "2037-01-15")["hold"]
    first, second = office.json("destruction", "show", order)["items"]
    assert (first["holds"], second["holds"]) == ([hold], [])
    assert hold in office("destruction", "show", order)
    office("destruction", "execute", order, *EXECUTE, "--confirm", office.json("destruction", "show", order)["confirm"],
           expect=4)
    assert [one["holds"] for one in office.json("destruction", "show", order)["items"]] == [[hold], []]


@pytest.mark.parametrize("on_account", [False, True])
def test_a_hold_released_while_the_order_was_on_its_way_is_named_by_order_register_and_ledger_verify(
    office: Cli, tmp_path: Path, on_account: bool  # noqa: F811
) -> None:
    from docx import Document

    if on_account:
        office("edit", CODE.format(1), "--set", "户号=0012005120", "--reason", "补录", "--as-of", "2027-01-01")
    before = office.json("hold", "place", CODE.format(2), "--kind", "other", "--reason", "早", "--as-of",
                         "2037-01-10")["hold"]
    office("hold", "release", before, "--reason", "早已办结", "--as-of", "2037-01-11")
    order = ready(office, CODE.format(1), CODE.format(2))
    scope = ("--account", "0012005120") if on_account else (CODE.format(1),)
    hold = office.json("hold", "place", *scope, "--kind", "complaint", "--reason", "投诉", *DAY_OF_ORDER)["hold"]
    office("hold", "release", hold, "--reason", "误登", *DAY_OF_ORDER)
    first, second = office.json("destruction", "show", order)["items"]
    assert [(one["hold"], one["date"]) for one in first["released"]] == [(hold, "2037-01-15")]
    assert first["released"][0]["actor"].startswith("os:") and second["released"] == []
    assert hold in office("destruction", "show", order) and before not in office("destruction", "show", order)
    office("destruction", "register", order, "--out", tmp_path / "r.docx")
    rows = [[cell.text for cell in row.cells] for row in Document(str(tmp_path / "r.docx")).tables[-1].rows]
    assert [hold in row[-1] and "2037-01-15" in row[-1] for row in rows[1:]] == [True, False]
    told = office.json("ledger", "verify")
    assert told["ok"] and [order in one for one in told["remarks"]] == [True]
    assert order in office("ledger", "verify") + office.err


def test_what_a_query_or_a_box_holds_now_is_held_and_what_is_filed_later_only_with_the_account(
    cli: Cli, tmp_path: Path
) -> None:
    record = filed(cli, tmp_path, issue_one(cli))
    other = filed(cli, tmp_path, issue_one(cli, "visit-record"), text="other")
    cli("edit", other, "--set", "盒号=12", "--reason", "入库", *DAY)
    code = cli.json("show", record)["code"]
    held = cli.json("hold", "place", "--query", f"“{code}”", "--with-accounts", *LAWSUIT)
    assert held["records"] == [record] and len(held["account_holds"]) == 1
    by_box = cli.json("hold", "place", "--box", "１２ ", *LAWSUIT)
    assert by_box["records"] == [other]
    items = cli.json("hold", "list")["items"]
    assert items[0]["query"] == f"“{code}”" and items[1]["account"] == cli.json("show", record)["account"]
    cli("hold", "place", "--query", "没有这样的文件", *LAWSUIT, expect=5)
    cli("hold", "place", "--box", "99", *LAWSUIT, expect=5)
    cli("hold", "place", "--box", "12", "--account", "1", *LAWSUIT, expect=2)
    assert cli.json("hold", "list")["total"] == 3


def test_a_dry_run_of_a_hold_by_query_names_what_it_would_hold(cli: Cli, tmp_path: Path) -> None:
    record = filed(cli, tmp_path, issue_one(cli))
    code = cli.json("show", record)["code"]
    cli("hold", "place", "--query", f"“{code}”", *LAWSUIT, "--dry-run")
    assert code in cli.err and cli.json("hold", "list")["total"] == 0


def test_restricted_records_that_a_person_may_not_see_are_not_held_by_their_query(
    office: Cli, tmp_path: Path  # noqa: F811
) -> None:
    paper = scan(tmp_path / "停止违章.pdf")
    filed_one = office.json("ingest", paper, "--no-ocr", "--class", "stop-order", "--as", "arch", *DAY)["items"][0]
    assert filed_one["outcome"] == "archived"
    assert office.json("search", "停止", "--as", "arch")["total"] == 1
    office("hold", "place", "--query", "停止", *LAWSUIT, expect=5)
    assert "Restricted" in office.err


def waiting_second_scan(cli: Cli, folder: Path) -> tuple[str, str]:
    """A record, and the key of another scan of its document that waits."""
    number = issue_one(cli)
    record = filed(cli, folder, number)
    second = signed(cli, folder / "again.pdf", number, text="another scan")
    shutil.copy(second, cli.store / "inbox" / "again.pdf")
    cli(*INGEST, *DAY)
    (paper,) = cli.json("unmatched", "list")["items"]
    return record, str(paper["key"])


def test_a_waiting_paper_of_a_held_record_cannot_be_dropped(cli: Cli, tmp_path: Path) -> None:
    record, key = waiting_second_scan(cli, tmp_path)
    hold = cli.json("hold", "place", record, *LAWSUIT)["hold"]
    cli("unmatched", "drop", key, *WHY, *DAY, expect=8)
    assert hold in cli.err and cli.json("unmatched", "list")["total"] == 1
    cli("unmatched", "drop", key, *WHY, "--dry-run", *DAY, expect=8)
    cli("hold", "release", hold, "--reason", "撤诉", *DAY)
    cli("unmatched", "drop", key, *WHY, *DAY)


def test_a_waiting_paper_whose_text_names_a_held_account_cannot_be_dropped(cli: Cli, tmp_path: Path) -> None:
    scan(cli.store / "inbox" / "letter.pdf", text="account 0012009876 complains")
    cli(*INGEST, *DAY)
    (paper,) = cli.json("unmatched", "list")["items"]
    cli("hold", "place", "--account", "0012009876", *LAWSUIT)
    cli("unmatched", "drop", paper["key"], *WHY, *DAY, expect=8)
    assert cli.json("unmatched", "list")["total"] == 1


def test_a_dropped_paper_stays_while_a_hold_placed_later_covers_it(cli: Cli, tmp_path: Path) -> None:
    record, key = waiting_second_scan(cli, tmp_path)
    scan(cli.store / "inbox" / "letter.pdf", text="nobody")
    cli(*INGEST, *DAY)
    other = next(one["key"] for one in cli.json("unmatched", "list")["items"] if one["key"] != key)
    path = Path(cli.json("unmatched", "drop", key, *WHY, *DAY)["path"])
    gone = Path(cli.json("unmatched", "drop", other, *WHY, *DAY)["path"])
    hold = cli.json("hold", "place", record, *LAWSUIT)["hold"]
    cli(*INGEST, "--as-of", "2027-06-01")
    assert path.exists() and not gone.exists() and hold in cli.err
    cli("hold", "release", hold, "--reason", "撤诉", "--as-of", "2027-06-02")
    cli(*INGEST, "--as-of", "2027-06-03")
    assert not path.parent.parent.exists()


@pytest.mark.parametrize("form", ["visit-record"])
def test_the_explanation_tells_revised_and_withdrawn_events_with_their_reasons(
    cli: Cli, tmp_path: Path, form: str
) -> None:
    number = issue_one(cli, form)
    record = filed(cli, tmp_path, number)
    first = cli.json("event", "add", "completed", record, "--date", "2026-11-28", "--note", "电话", *DAY)["event"]
    second = cli.json("event", "revise", first, "--date", "2026-11-29", "--reason", "写错", *DAY)["event"]
    account = cli.json("event", "add", "account-closed", "--account", account_of(cli, number), "--date", "2026-11-30",
                       *DAY)["event"]
    cli("event", "withdraw", account, "--reason", "未销", *DAY)
    told = cli.json("retention", "explain", record)["events"]
    assert [(one["event"], one["state"], one["note"], one["reason"]) for one in told] == [
        (first, "replaced", "电话", None), (second, "starts-nothing", "电话", "写错"),
        (account, "withdrawn", None, "未销")]
    text = cli("retention", "explain", record, lang="zh")
    assert all(one in text for one in (first, second, account, "写错", "未销", "电话"))
    assert [one["event"] for one in cli.json("event", "list")["items"]] == [second]
    everything = cli.json("event", "list", "--all")["items"]
    assert [one["replaced"] for one in everything] == [second, None, None]


def test_the_history_of_a_record_tells_why_it_was_held_extended_and_released(cli: Cli, tmp_path: Path) -> None:
    record = filed(cli, tmp_path, issue_one(cli))
    hold = cli.json("hold", "place", record, *LAWSUIT)["hold"]
    cli("hold", "extend", hold, "--until", "2028-01-01", "--reason", "二审", *DAY)
    cli("hold", "release", hold, "--reason", "结案", *DAY)
    event = cli.json("event", "add", "contract-ended", record, "--date", "2026-11-28", "--note", "来函", *DAY)["event"]
    cli("event", "withdraw", event, "--reason", "误会", *DAY)
    told = [(one["act"], one["reason"]) for one in cli.json("history", record)["items"]][1:]
    assert told == [("hold.placed", "诉讼"), ("hold.extended", "二审"), ("hold.released", "结案"),
                    ("event.added", "来函"), ("event.withdrawn", "误会")]


def test_the_history_of_a_record_tells_who_approved_and_signed_its_order_and_what_its_account_was_held_for(
    office: Cli  # noqa: F811
) -> None:
    office("edit", CODE.format(1), "--set", "户号=0012005120", "--reason", "补录", "--as-of", "2027-01-01")
    hold = office.json("hold", "place", "--account", "0012005120", "--kind", "arrears", "--reason", "欠费两月",
                       "--as-of", "2028-01-01")["hold"]
    office("hold", "release", hold, "--reason", "已缴清", "--as-of", "2028-02-01")
    order = ready(office, CODE.format(1))
    office("edit", CODE.format(2), "--set", "户号=0012005120", "--reason", "补录", "--as-of", "2037-01-14")
    told = office.json("history", CODE.format(1))["items"]
    assert [one["seq"] for one in told] == sorted({one["seq"] for one in told})
    around = [(one["act"], one["of"], one["by"], one["reason"]) for one in told if one["of"]]
    assert around == [
        ("hold.placed", hold, None, "欠费两月"), ("hold.released", hold, None, "已缴清"),
        ("order.approved", order, "lead", None), ("order.signed", order, "w1", None),
        ("order.signed", order, "w2", None),
    ]
    assert {"order.proposed", "order.appraised"} <= {one["act"] for one in told}
    text = office("history", CODE.format(1), lang="zh")
    assert all(one in text for one in ("lead", "w2", order, "已缴清"))
    office("destruction", "execute", order, *EXECUTE)
    office("destruction", "complete", order, "--as", "w1", "--key", office.keys / "w1",  # type: ignore[attr-defined]
           *DAY_OF_ORDER)
    acts = [one["act"] for one in office.json("history", CODE.format(1))["items"]]
    assert "order.completed" in acts and "record.destroyed" in acts


def test_an_account_without_its_leading_zeros_is_asked_about(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    known = account_of(cli, number)
    assert known.startswith("00")
    filed(cli, tmp_path, number)
    for call in (("hold", "place", *LAWSUIT), ("event", "add", "account-closed", "--date", "2026-11-30", *DAY)):
        cli(*call, "--account", known.lstrip("0"))
        assert f"The archive knows the account {known}" in cli.err
        cli(*call, "--account", known)
        assert "were its leading zeros lost" not in cli.err
