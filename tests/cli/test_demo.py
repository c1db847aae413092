from __future__ import annotations

from pathlib import Path

import pytest
from ocfl_judge import assert_valid_root

from recordkit.cli.main import run

pytestmark = [pytest.mark.slow, pytest.mark.ocr]


def test_the_demo_runs_to_its_end_and_leaves_a_sound_store(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "演示"
    assert run(["--lang", "zh", "demo", str(folder)]) == 0, capfd.readouterr().out
    told = capfd.readouterr().out
    for word in ("供合〔2026〕0001号", "07-meter-notice-upside-down.pdf", "【魏堃】", "冻结中", "待事件", "退出码8",
                 "台账完整"):
        assert word in told
    store = folder / "store"
    from recordkit.cli.demo import PRINTED
    from recordkit.cli.demo_folder import PAPERS

    assert {name for _, name in PRINTED} <= {path.name for path in (store / "outbox").iterdir()}
    assert assert_valid_root(store / "objects") == 13
    assert run(["--store", str(store), "ledger", "verify"]) == 0
    assert run(["--store", str(store), "verify"]) == 0
    # The kept form versions show the sample's account as their example; nothing else may still hold it.
    for path in set(store.rglob("*")) - set((store / "forms").rglob("*")):
        if path.is_file():
            assert b"0012005120" not in path.read_bytes(), f"{path} still holds the destroyed visit's account"
    papers = sorted(path.name for path in (folder / "打开看看").iterdir())
    text = (folder / "请先看我.txt").read_bytes().decode("utf-8-sig")
    assert len(papers) == len(PAPERS) and all(name in text for name in papers)
    assert run(["demo", str(folder)]) == 3
