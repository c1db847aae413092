"""Whole commands: what a person waits who types ``recordkit search``, and a fresh process over a large index."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from searching.records import Records

RUNS = 9
RECORDS = 1_000
PEER = "import click, tantivy, sqlite3"
SCRIPT = "import sys; from recordkit.__main__ import main; sys.exit(main())"
"""What the installed command ``recordkit`` runs."""
FRESH = """
import sys
from pathlib import Path
from recordkit.archive.search.engines.tantivy_engine import open_index
from recordkit.archive.search.parser import parse
open_index(Path(sys.argv[1])).search(parse(sys.argv[2]), limit=20)
"""


def command_times(scratch: Path) -> list[list[str]]:
    """``recordkit search`` over a store of real records beside a bare Python that imports the same peers."""
    store = scratch / "store"
    program = [sys.executable, "-c", SCRIPT, "--store", str(store)]
    subprocess.run([*program, "init", "--simulation", "--no-input", str(store)], check=True, capture_output=True)
    fill(store)
    name = Records(RECORDS).facts(RECORDS // 2).name
    subprocess.run([*program, "search", name], check=True, capture_output=True)
    bare = best([sys.executable, "-c", PEER])
    return [
        [f"`python -c '{PEER}'`", f"{bare:.0f}", "1.00"],
        *([f"`recordkit search {shown}`, {RECORDS:,} records", f"{own:.0f}", f"{own / bare:.2f}"]
          for shown, words in (("NAME", [name]), ("NAME --json", ["--json", name]), ("供水 (all)", ["供水"]))
          if (own := best([*program, "search", *words]))),
    ]


def fresh_process_times(index: Path, name: str) -> list[list[str]]:
    """Opening an index and one search of it, in a process of its own, beside the same bare Python."""
    bare = best([sys.executable, "-c", PEER])
    rows = []
    for kind, text in (("a name", name), ("a phrase in every record", "国家规定的标准")):
        own = best([sys.executable, "-c", FRESH, str(index), text])
        rows.append([f"fresh process: open, search {kind}", f"{own:.0f}", f"{own / bare:.2f}"])
    return rows


def fill(store: Path) -> None:
    """File invented records, each with the text of its page."""
    from recordkit.archive.classes import load_scheme
    from recordkit.archive.filing import NewRecord, file_records
    from recordkit.archive.objects import json_bytes
    from recordkit.files import Digests
    from recordkit.store import open_store
    from recordkit.workspace import Clock

    today = date(2026, 11, 20)
    workspace = open_store(store, Clock(lambda: datetime(2026, 11, 20, tzinfo=UTC), today), "bench")
    record_class = next(iter(load_scheme(workspace.root).classes))
    news = [
        NewRecord(
            record_class, one.fields["title"][0], today, 1,
            {"original.pdf": f"%PDF {one.record_id}".encode(),
             "text.json": json_bytes({"pages": [{"text": one.pages[0]}]})},
            Digests(one.record_id, one.record_id, 1),
            fields={key: values[0] for key, values in one.form_fields.items()},
        )
        for one in Records(RECORDS).between(0, RECORDS)
    ]
    with workspace.writing() as writer, workspace.staging() as staging:
        file_records(writer, workspace, news, staging)
    workspace.close()


def best(command: list[str]) -> float:
    """Shortest wall time in milliseconds, of a program that is compiled to bytecode as every installed one is."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        times.append((time.perf_counter() - begun) * 1000)
    return min(times)
