from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ocfl_judge import assert_valid_root

from recordkit.cli.main import run
from recordkit.templates.forms import list_form_ids

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

    assert {name for _, name in PRINTED} <= {path.name for path in (store / "outbox").iterdir()}
    assert assert_valid_root(store / "objects") == 13
    assert run(["--store", str(store), "ledger", "verify"]) == 0
    assert run(["--store", str(store), "verify"]) == 0
    # The kept form versions show the sample's account as their example; nothing else may still hold it.
    for path in set(store.rglob("*")) - set((store / "forms").rglob("*")):
        if path.is_file():
            assert b"0012005120" not in path.read_bytes(), f"{path} still holds the destroyed visit's account"
    assert run(["demo", str(folder)]) == 3


def test_a_wheel_installed_elsewhere_has_forms_and_demo_data(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    source = tmp_path / "source"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, names):
        target = source / name.decode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((root / name.decode()).read_bytes())
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(source)],
                   check=True)
    wheel = next(tmp_path.glob("*.whl"))
    target = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target),
                    str(wheel)], check=True)
    code = (f"import sys; sys.path.insert(0, {str(target)!r}); from recordkit.cli import demo; "
            "from recordkit.templates.forms import list_form_ids, load_form, shipped_forms; "
            f"assert {str(target)!r} in str(shipped_forms()); print(*list_form_ids(None)); "
            "[load_form(None, one) for one in list_form_ids(None)]; "
            "print(len(list((demo.DATA / 'scans').glob('*.pdf'))))")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*list_form_ids(None), "12"]
