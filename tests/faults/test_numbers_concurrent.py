"""Eight processes issue two thousand documents at once and are killed at random points: every number is accounted for.

The points are drawn from a seed and counted in steps that reach the disk, not in seconds: a run can be repeated.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli
from docx import Document

AS_OF = ("--as-of", "2026-11-20")
PROCESSES, PER_PROCESS, PER_CALL = 8, 250, 25
FORM = """
id = "slip"
name = "便条"
version = "1"
number = "便〔{year}〕{seq:05}号"
title = "{户名}便条"
file_name = "{number} {户名}"
[roles]
date = "day"
[[fields]]
key = "customer"
label = "户名"
[[fields]]
key = "day"
label = "日期"
type = "date"
"""
WORKER = """
import os, signal, sys
from recordkit import files
from recordkit.cli.main import run

left, behind, store, folder, calls = int(sys.argv[1]), sys.argv[2] == "behind", *sys.argv[3:6]

def mortal(owner, name):
    real = getattr(owner, name)
    def step(*args, **kwargs):
        global left
        left -= 1
        if left == 0 and not behind:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, step)

# Whatever a program does to make a file durable or to put it in its place goes through one of these.
for owner, name in ((os, "fsync"), (os, "replace"), (os, "link"), (files, "append_durable"), (files, "write_atomic")):
    mortal(owner, name)
for call in range(int(calls)):
    code = run(["--store", store, "--lang", "en", "--quiet", "generate", "slip", "--data", f"{folder}/{call}.json",
                "--as-of", "2026-11-20"])
    if code:
        sys.exit(code)
"""


def issue_killed(cli: Cli, folder: Path, seed: int) -> list[int]:
    """Let all processes run at once, each until its point; their exit codes."""
    dice = random.Random(seed)
    (folder / "worker.py").write_text(WORKER, encoding="utf-8")
    running = []
    for process in range(PROCESSES):
        rows = folder / str(process)
        rows.mkdir()
        for call in range(PER_PROCESS // PER_CALL):
            data = [{"customer": f"户{process}-{call}-{at}", "day": "2026-11-20"} for at in range(PER_CALL)]
            (rows / f"{call}.json").write_text(json.dumps(data), encoding="utf-8")
        # The last one is let live: a store must also be left whole beside a process that goes on.
        point = dice.randrange(1, 1200) if process < PROCESSES - 1 else 0
        command = [sys.executable, str(folder / "worker.py"), str(point), dice.choice(["before", "behind"]),
                   str(cli.store), str(rows), str(PER_PROCESS // PER_CALL)]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    return [process.wait() for process in running]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_two_thousand_documents_of_eight_killed_processes_are_all_accounted_for(
    cli: Cli, tmp_path: Path, seed: int
) -> None:
    form = cli.store / "forms" / "slip"
    form.mkdir(parents=True)
    (form / "form.toml").write_text(FORM, encoding="utf-8")
    template = Document()
    template.add_paragraph("{{ 文书编号 }} {{ 户名 }} {{ 日期 }}")
    template.save(str(form / "template.docx"))

    codes = issue_killed(cli, tmp_path, seed)
    assert codes[-1] == 0
    assert set(codes[:-1]) <= {0, -signal.SIGKILL}
    assert codes.count(-signal.SIGKILL) >= 3

    # One more by a living hand: it clears what the dead left behind, and takes the next number.
    (tmp_path / "last.json").write_text(json.dumps({"customer": "末户", "day": "2026-11-20"}), encoding="utf-8")
    last = cli.json("generate", "slip", "--data", tmp_path / "last.json", *AS_OF)["items"][0]["number"]

    listed = cli.json("issued", "list")["items"]
    numbers = [one["number"] for one in listed]
    assert numbers == [f"便〔2026〕{at:05}号" for at in range(1, len(numbers) + 1)]
    assert numbers[-1] == last
    assert PER_PROCESS < len(numbers) <= PROCESSES * PER_PROCESS + 1
    assert len({one["issue_id"] for one in listed}) == len(numbers)
    assert {one["status"] for one in listed} == {"issued"}
    assert cli.json("ledger", "verify")["ok"]

    # A number whose document was not written is named, and its document can be made.
    there = {path.name.partition(" ")[0] for path in (cli.store / "outbox").glob("*.docx")}
    missing = [one["number"] for one in cli.json("issued", "render", "--missing", "--dry-run")["items"]]
    assert set(missing) == set(numbers) - there
    assert missing
    cli.json("issued", "render", "--missing")
    written = sorted(path.name.partition(" ")[0] for path in (cli.store / "outbox").glob("*.docx"))
    assert written == numbers
    assert cli.json("issued", "render", "--missing")["total"] == 0

    # Every document says its own number and the customer whose data was issued under it.
    titles = {one["number"]: one["title"].removesuffix("便条") for one in listed}
    for path in (cli.store / "outbox").glob("*.docx"):
        number = path.name.partition(" ")[0]
        text = Document(str(path)).paragraphs[0].text
        assert text.split()[:2] == [number, titles[number]]
    names = list(titles.values())
    assert len(set(names)) == len(names)

    # Whole batches or nothing: no document was issued half.
    for process in range(PROCESSES):
        for call in range(PER_PROCESS // PER_CALL):
            assert sum(name.startswith(f"户{process}-{call}-") for name in names) in (0, PER_CALL)
    # What the killed were writing began in their staging folders, which the last call has cleared.
    assert list(cli.store.rglob("*.tmp")) == []
