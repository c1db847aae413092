"""Two records that hold each other's papers exchange their documents in one act."""

from __future__ import annotations

import itertools
import json
import shutil
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, clock_at
from killing import killed_at
from ocfl_judge import assert_valid_root
from scans import DAY, NOTICE, filed, issue_one, scan

from recordkit.archive.binding import swap_records
from recordkit.store import open_store

WHY = ("--reason", "两张回单互相配错")


def mistaken(cli: Cli, tmp_path: Path, number: str, text: str) -> str:
    """A paper without code that a person files as the wrong document; the archival code."""
    cli("ingest", scan(tmp_path / f"{text}.pdf", text), "--no-ocr", *DAY)
    return str(cli.json("match", f"{text}.pdf", number, *DAY)["code"])


@pytest.fixture
def pair(cli: Cli, tmp_path: Path) -> tuple[str, str, str, str]:
    """Two documents, and the codes of the records that are their papers."""
    one, other = issue_one(cli, NOTICE), issue_one(cli, NOTICE)
    return one, other, mistaken(cli, tmp_path, one, "first"), mistaken(cli, tmp_path, other, "second")


def papers(cli: Cli, *numbers: str) -> list[tuple[str, str]]:
    """Archival code and file of the paper of each document, as record and issue say alike."""
    shown = [cli.json("show", number) for number in numbers]
    assert [one["record_id"] for one in shown] == [cli.json("issued", "show", one)["record_id"] for one in numbers]
    assert [one["number"] for one in shown] == list(numbers)
    return [(one["code"], one["source"]) for one in shown]


def test_two_records_exchange_their_documents(cli: Cli, pair: tuple[str, str, str, str]) -> None:
    one, other, first, second = pair
    assert papers(cli, one, other) == [(first, "first.pdf"), (second, "second.pdf")]
    rehearsed = cli.json("match", "--swap", first, second, *WHY, "--dry-run", *DAY)
    assert [item["number"] for item in rehearsed["items"]] == [other, one]
    assert papers(cli, one, other) == [(first, "first.pdf"), (second, "second.pdf")]
    cli("match", "--swap", first, second, *WHY, *DAY)
    swapped = papers(cli, one, other)
    assert swapped == [(second, "second.pdf"), (first, "first.pdf")]
    last = cli.json("history", one)["items"][-1]
    assert (last["act"], last["version"], last["reason"]) == ("record.matched", 2, WHY[1])
    assert WHY[1] not in "".join(path.read_text("utf-8") for path in (cli.store / "ledger").glob("*.jsonl"))
    assert cli.json("search", "second", "--field", "text")["items"][0]["code"] == second
    assert cli.json("search", one)["items"][0]["code"] == second
    cli("rebuild")
    assert papers(cli, one, other) == swapped
    assert cli.json("verify")["ok"] and cli.json("ledger", "verify")["ok"]
    assert_valid_root(cli.store / "objects")
    # Who was mistaken about the mistake takes it back.
    cli("match", "--swap", one, other, *WHY, *DAY)
    assert papers(cli, one, other) == [(first, "first.pdf"), (second, "second.pdf")]


def test_both_acts_stand_in_one_batch_of_the_ledger(cli: Cli, pair: tuple[str, str, str, str]) -> None:
    cli("match", "--swap", *pair[2:], *WHY, *DAY)
    lines = [json.loads(line) for path in (cli.store / "ledger").glob("*.jsonl")
             for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["act"], line["left"]) for line in lines[-2:]] == [("record.matched", 1), ("record.matched", 0)]


def test_what_cannot_be_swapped_is_refused(cli: Cli, tmp_path: Path, pair: tuple[str, str, str, str]) -> None:
    one, other, first, second = pair
    cli("match", "--swap", first, second, *DAY, expect=3)
    cli("match", "--swap", first, one, *WHY, *DAY, expect=3)
    cli("match", "--swap", first, "nobody", *WHY, *DAY, expect=5)
    cli("match", "--swap", first, second, *WHY, "--new-version", *DAY, expect=2)
    coded = issue_one(cli, NOTICE)
    filed(cli, tmp_path, coded)
    cli("match", "--swap", coded, first, *WHY, *DAY, expect=8)
    assert "printed code" in cli.err
    contract = issue_one(cli)
    mistaken(cli, tmp_path, contract, "third")
    cli("match", "--swap", contract, first, *WHY, *DAY, expect=8)
    assert NOTICE in cli.err
    bare = cli.json("ingest", scan(tmp_path / "bare.pdf", "bare"), "--class", NOTICE, "--no-ocr", *DAY)["items"][0]
    cli("match", "--swap", bare["code"], first, *WHY, *DAY, expect=8)
    assert papers(cli, one, other) == [(first, "first.pdf"), (second, "second.pdf")]


def test_what_came_while_the_papers_were_mistaken_is_to_be_looked_at(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, str, str]
) -> None:
    one, other, first, second = pair
    cli("ingest", "--attach-to", first, scan(tmp_path / "card.pdf", "card"), "--no-ocr", *DAY)
    values = {"旧表行度": "1068", "旧铅封状态": "完好", "新表起度": "0", "新表铅封完好度": "完好",
              "换表时间": "2026-11-26 09:25", "客户签收": "董晟", "签收时间": "2026-11-26 09:30"}
    cli("issued", "complete", one, *[part for name, value in values.items() for part in ("--set", f"{name}={value}")],
        *DAY)

    def findings(number: str) -> set[str]:
        return {finding["code"] for finding in cli.json("show", number)["findings"]} & {"check-onsite",
                                                                                       "check-attachments"}

    for _ in range(2):
        cli("match", "--swap", first, second, *WHY, *DAY)
        assert (findings(one), findings(other)) in [({"check-onsite"}, {"check-attachments"}),
                                                    ({"check-onsite", "check-attachments"}, set())]


def test_a_swap_that_is_killed_at_any_step_is_done_or_never_begun(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, first, second = pair
    whole = tmp_path / "whole"
    shutil.copytree(cli.store, whole)
    before, ends = papers(cli, one, other), set()
    for step in itertools.count(1):
        shutil.rmtree(cli.store)
        shutil.copytree(whole, cli.store)
        opened = open_store(cli.store, clock_at(date(2026, 12, 1)), "test")
        with closing(opened), killed_at(step, monkeypatch) as killed:
            swap_records(opened, first, second, WHY[1])
        with closing(open_store(cli.store, clock_at(date(2026, 12, 1)), "test")) as next_one, next_one.writing():
            now: Any = [next_one.db.one("SELECT code FROM records r JOIN issues i ON i.record_id = r.record_id AND "
                                        "i.issue_id = r.issue_id WHERE i.number = :n", {"n": number})
                        for number in (one, other)]
        codes = [row["code"] for row in now]
        assert codes in ([code for code, _ in before], [second, first]), step
        ends.add((bool(killed), codes == [second, first]))
        if not killed:
            break
    assert ends == {(True, False), (True, True), (False, True)}
    assert_valid_root(cli.store / "objects")
