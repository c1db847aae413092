"""A bag appears whole or not at all, whatever happens while it is made; an import that ended early is run again."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bagit
import pytest
from bags import AS_OF, fill, opened, other_store
from conftest import Cli
from shim import NEEDS_ROOM, stand_in_the_way

from recordkit.archive.bag_import import ImportOptions, import_bag, plan_import
from recordkit.archive.bag_reading import read_bag
from recordkit.archive.bagging import export_bag, plan_export
from recordkit.archive.catalogue import list_records
from recordkit.archive.selection import Selection

Stops = Callable[[int, str, tuple[Any, ...]], None]


def full_from(step: int) -> Stops:
    """A disk that is full from this step on."""
    def stops(number: int, name: str, arguments: tuple[Any, ...]) -> None:
        if number >= step and name in NEEDS_ROOM and name != "run":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return stops


def interrupted_at(step: int) -> Stops:
    """Ctrl-C at this step."""
    def stops(number: int, name: str, arguments: tuple[Any, ...]) -> None:
        if number == step:
            os.kill(os.getpid(), signal.SIGINT)
    return stops


@pytest.mark.parametrize("way", [full_from, interrupted_at])
def test_an_export_that_is_stopped_anywhere_leaves_a_whole_bag_or_nothing(
    cli: Cli, tmp_path: Path, way: Callable[[int], Stops]
) -> None:
    fill(cli, tmp_path)
    place = tmp_path / "for others"
    place.mkdir()
    made, step, stopped = 0, 1, 0
    while made < 1:
        out = place / f"bag-{step}"
        workspace = opened(cli.store)
        entries = workspace.db.cursor().seq
        with pytest.MonkeyPatch.context() as patch:
            stand_in_the_way(way(step), patch.setattr)
            try:
                export_bag(workspace, plan_export(workspace, Selection(year=2025)), out)
            except (OSError, KeyboardInterrupt):
                stopped += 1
        left = sorted(path.name for path in place.iterdir())
        if out.exists():
            assert bagit.Bag(str(out)).is_valid() and workspace.db.cursor().seq > entries
            made += left == [out.name]
        else:
            assert left == []
        workspace.close()
        if out.exists() and not made:
            pytest.fail(f"step {step}: {left}")
        step += 5
    assert stopped > 10 and cli.json("ledger", "verify")["ok"]


def test_an_import_that_is_stopped_files_each_record_once_when_it_is_run_again(cli: Cli, tmp_path: Path) -> None:
    fill(cli, tmp_path)
    cli("export", "--year", 2025, "--out", tmp_path / "bag", *AS_OF)
    bag = read_bag(tmp_path / "bag")
    for step in (1, 9, 25, 45, 60, 75):
        root = other_store(tmp_path / f"other-{step}")
        workspace = opened(root)
        plan = plan_import(workspace, bag, ImportOptions())
        with pytest.MonkeyPatch.context() as patch:
            stand_in_the_way(full_from(step), patch.setattr)
            with pytest.raises(OSError, match="space"):
                list(import_bag(workspace, plan, ImportOptions()))
        workspace.close()
        workspace = opened(root)
        assert len(list_records(workspace.db)) in (0, 3)
        outcomes = {one.outcome for one in import_bag(workspace, plan_import(workspace, bag, ImportOptions()),
                                                      ImportOptions())}
        assert outcomes in ({"archived"}, {"duplicate"})
        assert len(list_records(workspace.db)) == 3 == len(list((root / "objects").rglob("v1/content/original.pdf")))
        workspace.close()
