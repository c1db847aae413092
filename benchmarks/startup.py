"""What a clerk waits before anything happens: whole commands against a bare Python that imports the same peers.

Each line gives the best of several runs in milliseconds and the ratio to the peer of the same run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def best_ms(command: list[str], runs: int) -> float:
    """Shortest wall time of ``command`` in milliseconds."""
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, check=False, capture_output=True)
        found.append((time.perf_counter() - started) * 1000)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        store = str(Path(scratch) / "store")
        program = [sys.executable, "-m", "recordkit", "--store", store]
        subprocess.run([*program, "init", "--no-input", store], check=True, capture_output=True)
        subprocess.run([*program, "search", "甲"], check=True, capture_output=True)
        rows = [
            ("recordkit --help", [*program, "--help"], "import click"),
            ("recordkit search", [*program, "search", "甲"], "import click, tantivy, sqlite3"),
            ("recordkit issued list --json", [*program, "issued", "list", "--json"], "import click, sqlite3"),
        ]
        print(f"{'command':34}{'ms':>8}{'peer ms':>9}{'ratio':>7}   peer")
        for name, command, imports in rows:
            own = best_ms(command, runs)
            peer = best_ms([sys.executable, "-c", imports], runs)
            print(f"{name:34}{own:8.0f}{peer:9.0f}{own / peer:7.2f}   python -c '{imports}'")
        for imports in ("import sqlite3", "import sqlalchemy", "import msgspec", "import pydantic"):
            try:
                compile(imports, "", "exec")
                subprocess.run([sys.executable, "-c", imports], check=True, capture_output=True)
            except subprocess.CalledProcessError:
                continue  # not installed: it is no dependency of ours
            print(f"{imports:34}{best_ms([sys.executable, '-c', imports], runs):8.0f}")


if __name__ == "__main__":
    main()
