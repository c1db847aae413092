from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from test_planning import FORM, grid, plan

from recordkit import files
from recordkit.messages import msg
from recordkit.model import Problem
from recordkit.templates import planning
from recordkit.templates.finding_spool import Findings, FindingSpool, Severity
from recordkit.templates.forms import Form
from recordkit.templates.planning import PlannedDocument, comparable


def problem(row: int | None = 2, severity: Severity = "error", **params: object) -> Problem:
    return Problem(row, "calibre", "口径", "G2", "choice", msg(" ".join(f"{{{name}}}" for name in params), **params),
                   severity)


@pytest.mark.parametrize("spooled", [1 << 20, 10])
def test_findings_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spooled: int) -> None:
    monkeypatch.setattr(files, "_SPOOLED", spooled)
    kept = [
        problem(text="坏\ud800字\n第二行", number=10**30, share=0.5, nothing=None, true=True),
        problem(None, "warning", inner=msg("at least {limit}", limit=3), several=(msg("one"), "two", msg("three"))),
        Problem(7, "", "", None, "equal-row", msg("The row is equal.")),
    ]
    spool = FindingSpool(tmp_path)
    for one in kept:
        spool.append(one)
    assert list(Findings(spool)) == kept
    assert list(Findings(spool, "error")) == [kept[0], kept[2]]
    assert list(Findings(spool, "warning")) == [kept[1]]
    assert [len(Findings(spool)), len(Findings(spool, "error")), len(Findings(spool, "warning"))] == [3, 2, 1]
    assert list(Findings(spool)) == kept, "again"


def test_a_value_of_another_kind_reads_as_before() -> None:
    spool = FindingSpool()
    spool.append(problem(limit=Decimal("10.50"), path=Path("a.xlsx")))
    assert str(next(iter(Findings(spool))).message) == "10.50 a.xlsx"


def test_no_findings_are_false() -> None:
    assert not Findings(FindingSpool())


def test_two_loops_at_a_time_are_refused_and_not_mixed_up() -> None:
    spool = FindingSpool()
    for row in range(5):
        spool.append(problem(row))
    found = Findings(spool)
    first = iter(found)
    next(first)
    assert [one.row for one in found] == [0, 1, 2, 3, 4]
    with pytest.raises(RuntimeError):
        next(first)


def alive() -> int:
    gc.collect()
    return sum(type(one) is Problem for one in gc.get_objects())


def test_findings_of_a_long_table_are_not_held() -> None:
    before = alive()
    made = plan(*(grid({"visit_method": "?", "visit_at": "?", "customer_name": ""}, row) for row in range(2, 2002)))
    assert (made.refused, made.has_errors, len(made.errors)) == (2000, True, 6000)
    assert alive() == before
    most = max(alive() for at, _ in enumerate(made.problems) if at % 1000 == 0)
    assert most <= before + 2


def test_findings_stand_in_the_order_of_the_rows_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Warning:
        def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
            return set(), [Problem(one.row, "", "", None, "told", msg("told"), "warning") for one in block]

    monkeypatch.setattr(planning, "_BLOCK", 3)
    bad = {3, 4, 6, 7, 8, 9}
    made = plan(*(grid({"visit_method": "?"} if row in bad else {"account": f"000{row}"}, row) for row in range(2, 12)),
                lookups=[Warning()])
    assert [(one.row, one.code) for one in made.problems if one.code in ("told", "choice")] == [
        (row, "choice" if row in bad else "told") for row in range(2, 12)]
    assert [len(made.errors), made.count, made.refused] == [len(bad), 4, 6]


class LeavingOut:
    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        return {at for at, one in enumerate(block) if one.plain["customer_name"] == "gone"}, []


class RefusingAll:
    def __init__(self) -> None:
        self.asked: list[int | None] = []

    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        self.asked += [one.row for one in block]
        return set(), [Problem(one.row, "", "", None, "stop", msg("no")) for one in block]


@pytest.mark.parametrize("leaves_first", [True, False])
def test_of_a_row_that_is_left_out_nothing_is_told(leaves_first: bool) -> None:
    refusing = RefusingAll()
    lookups = [LeavingOut(), refusing] if leaves_first else [refusing, LeavingOut()]
    rows = [grid({"customer_name": name, "account": "0001"}, row) for row, name in enumerate(("gone", "乙", "gone"), 2)]
    made = plan(*rows, lookups=lookups)
    assert (made.count, made.refused, made.skipped) == (0, 1, 2)
    assert {one.row for one in made.problems} == {3}
    assert refusing.asked == ([3] if leaves_first else [2, 3, 4])


def test_equal_values_compare_equal_and_others_do_not() -> None:
    number = replace(next(one for one in FORM.spec.fields if one.key == "account"), type="decimal")
    same = ["10", "10.0", "10.00", "010", 10]
    assert {comparable(one, number) for one in same} == {"10"}
    assert comparable("-0.00", number) == comparable("0", number)
    assert len({comparable(one, number) for one in ("10", "100", "1", "1.00001", "-10", "1E+5")}) == 6
    assert comparable("?", number) == "?", "a value from the time when the field was text"
    text = replace(number, type="text")
    assert comparable("10.00", text) != comparable("10", text)
    table = replace(number, type="table", columns=(number, replace(text, key="b")))
    assert comparable([{"account": "1.0", "b": "x"}], table) == comparable([{"b": "x", "account": "1"}], table)
    assert comparable([{"account": "1.0", "b": "x"}], table) != comparable([{"account": "1", "b": "y"}], table)
