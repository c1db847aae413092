"""Archival codes from several processes at once, and from one that dies on its way: none twice, none lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from killing import killed_at
from papers import pdf_bytes

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.archival_code import find_gaps
from recordkit.archive.filing import NewRecord, file_records
from recordkit.store import make_store, open_store
from recordkit.workspace import Workspace

DAY = date(2026, 11, 20)
PROCESSES, PAPERS = 3, 5


def test_codes_of_several_processes_have_neither_gap_nor_repeat(cli: Cli, tmp_path: Path) -> None:
    running = []
    for process in range(PROCESSES):
        folder = tmp_path / f"来件{process}"
        folder.mkdir()
        for at in range(PAPERS):
            (folder / f"{at}.pdf").write_bytes(pdf_bytes(text=f"paper {process}-{at}"))
        running.append(subprocess.Popen(
            [sys.executable, "-m", "recordkit", "--store", str(cli.store), "--json", "ingest", str(folder), "--class",
             "visit-record", "--no-ocr", "--jobs", "1", "--as-of", DAY.isoformat()],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "RECORDKIT_LANG": "en"}))
    told = [item["code"] for process in running for item in json.loads(process.communicate()[0])["items"]]
    assert sorted(told) == [f"C001-KF·2026-D10-KFZ-{at:04}" for at in range(1, PROCESSES * PAPERS + 1)]
    assert cli.json("ledger", "verify")["ok"]


def file_two(workspace: Workspace) -> list[str]:
    with workspace.writing() as writer, workspace.staging() as staging:
        news = []
        for at in range(2):
            path = staging / f"paper-{at}"
            files.write_atomic(path, os.urandom(16))
            news.append(NewRecord("visit-record", "件", DAY, 1, {"original.txt": path}, files.digests_of(path)))
        ids = file_records(writer, workspace, news, staging)
    return [str(record.code) for one in ids if (record := catalogue.get_record(workspace.db, one)) is not None]


def test_a_process_that_dies_on_its_way_uses_no_code_up_and_gives_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "s"
    make_store(root, clock_at(DAY), "test", simulation=True)
    known: set[str] = set()
    step, alive = 0, False
    while not alive:
        step += 1
        workspace = open_store(root, clock_at(DAY), "test")
        with killed_at(step, monkeypatch) as killed:
            file_two(workspace)
        alive = not killed
        workspace.close()
        workspace = open_store(root, clock_at(DAY), "test")
        codes = [one.code for one in catalogue.list_records(workspace.db)]
        # All of a batch or nothing of it; what was given before the kill is given still.
        assert len(codes) == len(set(codes)) and len(codes) % 2 == 0 and known <= set(codes)
        known = set(codes)
        workspace.close()
    assert step > 15
    workspace = open_store(root, clock_at(DAY), "test")
    serials = [one.serial for one in catalogue.list_records(workspace.db)]
    assert serials == list(range(1, len(serials) + 1)) and list(find_gaps(workspace.db)) == []
    workspace.rebuild()
    assert file_two(workspace) == [f"C001-KF·2026-D10-KFZ-{len(serials) + at:04}" for at in (1, 2)]
    workspace.close()
