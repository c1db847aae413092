from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import Cli

from recordkit.templates.forms import shipped_forms


def test_numbers_of_several_processes_have_neither_gap_nor_repeat(cli: Cli, tmp_path: Path) -> None:
    import tomllib

    row = tomllib.loads((shipped_forms() / "visit-record" / "sample.toml").read_text(encoding="utf-8"))
    (tmp_path / "rows.json").write_text(json.dumps([row] * 4), encoding="utf-8")
    command = [sys.executable, "-m", "recordkit", "--store", str(cli.store), "--json", "generate", "visit-record",
               "--data", str(tmp_path / "rows.json"), "--as-of", "2026-11-20"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "RECORDKIT_LANG": "en"})
               for _ in range(4)]
    numbers = [item["number"] for process in running for item in json.loads(process.communicate()[0])["items"]]
    assert sorted(numbers) == [f"回访〔2026〕{number:05}号" for number in range(1, 17)]
    listed = cli.json("issued", "list")["items"]
    assert sorted(one["number"] for one in listed) == sorted(numbers)
    assert len({one["issue_id"] for one in listed}) == 16
    assert len(list((cli.store / "outbox").glob("*.docx"))) == 16
    assert cli.json("ledger", "verify")["ok"]
