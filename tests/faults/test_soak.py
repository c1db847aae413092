"""Ten simulated years in one small store, stopped once on the way; and that the soak can fail.

``benchmarks/soak.py`` is the long run.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "soak.py"
RECORDS, YEARS = 300, 10


@pytest.fixture(scope="module")
def soak() -> Iterator[ModuleType]:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("soak", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["soak"] = module  # its dataclasses ask for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["soak"]


@pytest.fixture(scope="module")
def lived(soak: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The run, lived to its end by two processes' worth of work: the first one is stopped in its third year."""
    folder = tmp_path_factory.mktemp("soak")
    steps = soak.STEPS

    def stopped(run: Any, year: int) -> dict[str, float]:
        if year == soak.FIRST_YEAR + 2:
            raise KeyboardInterrupt
        return dict(steps[2](run, year))

    stopped.__name__ = steps[2].__name__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soak, "STEPS", (*steps[:2], stopped, *steps[3:]))
        with pytest.raises(KeyboardInterrupt):
            soak.live(soak.Soak(folder, RECORDS, YEARS), lambda _: None)
    run = soak.Soak(folder, RECORDS, YEARS)
    soak.live(run, lambda _: None)
    return run


def test_a_soak_that_was_stopped_goes_on_and_all_agrees_after_ten_years(soak: ModuleType, lived: Any) -> None:
    rows = lived.state["rows"]
    assert [row["year"] for row in rows] == list(range(soak.FIRST_YEAR, soak.FIRST_YEAR + YEARS))
    assert [row["filed"] for row in rows] == [RECORDS // YEARS] * YEARS
    assert all(row["ingested"] == row["issued"] > 10 and row["not_issued"] == 0 for row in rows)
    assert [row["destroyed_all"] for row in rows][:3] == [0, 0, 0]
    assert all(row["destroyed"] > 0 for row in rows[4:])
    filed = sum(row["filed"] + row["ingested"] for row in rows)
    # Each order files its register and a report of the appraisal.
    made = 2 * sum("destroyed" in row for row in rows)
    assert rows[-1]["active_all"] + rows[-1]["destroyed_all"] == filed + made
    assert soak.judge(lived) == []
    assert lived.state["gone"] >= 10


def test_a_soak_fails_for_a_flipped_byte_a_row_that_is_another_and_a_string_that_is_left(
    soak: ModuleType, lived: Any
) -> None:
    with closing(sqlite3.connect(lived.store / "catalogue.sqlite3")) as db:
        db.execute("UPDATE records SET title = 'another' WHERE ordinal = 1")
        active = {row[0] for row in db.execute("SELECT number FROM records WHERE status = 'active'")}
        db.commit()
    gone = next(words for number, words in lived.state["planted"].items() if number not in active)
    (lived.store / "outbox" / "left.txt").write_text(f"…{gone[:6]}…", "utf-8")
    paper = next((lived.store / "objects").rglob("original.pdf"))
    data = paper.read_bytes()
    paper.chmod(0o600)
    paper.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    told = soak.judge(lived)
    assert any(one.startswith("verify: exit 7") for one in told), told
    assert any(one.startswith("rebuild: table records: 1 rows") for one in told), told
    assert "store/outbox/left.txt holds a string of a destroyed record" in told
