from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from recordkit.errors import InputRefused
from recordkit.files import Spool
from recordkit.model import Problem
from recordkit.templates import planning
from recordkit.templates.forms import Form, load_form
from recordkit.templates.planning import IssuePlan, PlannedDocument, plan_issue
from recordkit.templates.rows import Lazily, RawRow, RowSource

FORM = load_form(None, "visit-record")
GOOD = tomllib.loads((FORM.folder / "sample.toml").read_text(encoding="utf-8"))


def grid(values: Mapping[str, Any], row: int) -> RawRow:
    return RawRow(row, {**GOOD, **values}, {name: f"{chr(65 + at)}{row}" for at, name in enumerate({**GOOD, **values})})


def plan(*rows: RawRow, **options: Any) -> IssuePlan:
    return plan_issue(FORM, RowSource(Lazily(lambda: iter(rows))), **options)


def found(plan: IssuePlan) -> list[tuple[int | None, str, str]]:
    return [(one.row, one.field, one.code) for one in plan.problems]


def test_the_same_account_twice_is_a_warning_that_names_the_first_row() -> None:
    texts = ((2, "00000012"), (4, "０００００１２"), (5, "1234"), (6, "00000012"))
    made = plan(*(grid({"account": text, "subject": str(row)}, row) for row, text in texts))
    assert [(p.row, p.cell, p.code, p.severity, p.message.params["row"]) for p in made.problems] == [
        (6, "D6", "duplicate", "warning", 2),
    ]
    assert made.count == 4


def test_an_equal_row_is_told_and_issued_and_a_refused_one_is_equal_to_none() -> None:
    made = plan(grid({}, 2), grid({}, 3), grid({"visit_method": "?"}, 4), grid({"visit_method": "?"}, 5))
    assert ("equal-row" in [code for row, _, code in found(made) if row == 3]) is True
    assert [code for row, _, code in found(made) if row == 5] == ["choice", "duplicate"]
    assert [one.row for one in made.documents] == [2, 3]
    assert made.refused == 2


def test_the_plan_can_be_gone_through_twice_and_gives_the_typed_values_back() -> None:
    made = plan(grid({}, 2), grid({"customer_name": "乙"}, 3))
    first, second = list(made.documents), list(made.documents)
    assert first == second
    values = first[0].values(FORM.spec)
    assert str(values["visit_at"]) == "2026-11-18 14:30:00"


class Refusing:
    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.blocks: list[int] = []

    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        self.blocks.append(len(block))
        gone = {at for at, one in enumerate(block) if one.plain["customer_name"] == "gone"}
        from recordkit.messages import msg

        return gone, [
            Problem(one.row, "account", "", None, "stop", msg("no"))
            for one in block
            if one.plain["customer_name"] in self.names
        ]


def test_lookups_see_good_rows_in_blocks_and_may_refuse_or_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_BLOCK", 2)
    lookup = Refusing({"甲", "gone"})
    names = ["甲", "乙", "gone", "丁", "戊"]
    made = plan(*(grid({"customer_name": name, "account": f"000{at}"}, at + 2) for at, name in enumerate(names)),
                grid({"visit_method": "?"}, 9), lookups=[lookup])
    assert lookup.blocks == [2, 2, 1]
    assert [one.row for one in made.documents] == [3, 5, 6]
    assert (made.count, made.refused, made.skipped) == (3, 2, 1)


def test_a_table_without_any_heading_of_the_form_is_refused_at_once() -> None:
    with pytest.raises(InputRefused, match="heading"):
        plan_issue(FORM, RowSource([RawRow(2, {"清单": "x"}, {"清单": "A2"})]))


def test_a_spool_keeps_lines_in_memory_and_beyond_it_in_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit import files

    monkeypatch.setattr(files, "_SPOOLED", 100)
    spool = Spool(tmp_path)
    lines = [f"{number}甲".encode() for number in range(200)]
    for line in lines:
        spool.append(line)
    assert list(spool) == lines
    assert list(spool) == lines
    assert len(spool) == 200
    assert list(tmp_path.iterdir()) == []
