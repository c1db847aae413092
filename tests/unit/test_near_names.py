"""Near names are offered in one way, and a line of progress never wraps."""

from __future__ import annotations

import pytest

from recordkit.cli.progress import fitted
from recordkit.cli.tables import columns_of
from recordkit.messages import did_you_mean


@pytest.mark.parametrize(("typed", "near"), [
    ("archivst", "archivist"), ("2037-01", "D2037-0001"), ("监消人", "监销人")])
def test_the_nearest_name_is_offered(typed: str, near: str) -> None:
    found = did_you_mean(typed, ["archivist", "D2037-0001", "监销人"])
    assert found is not None and near in found.render()


def test_nothing_is_offered_where_nothing_is_near() -> None:
    assert did_you_mean("zzz", ["archivist"]) is None
    assert did_you_mean("a", []) is None


@pytest.mark.parametrize("columns", range(10, 60))
def test_a_line_is_cut_to_the_columns_that_chinese_characters_take(columns: int) -> None:
    text = fitted("正在核对各行：12,345 / 20,000 (62%)  700/s", columns)
    assert columns_of(text) <= columns
    assert text.endswith("…") == (columns < columns_of("正在核对各行：12,345 / 20,000 (62%)  700/s"))
