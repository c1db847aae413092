"""A watcher as a process of its own: slow scanners, signals, a second watcher."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import Cli
from papers import pdf_bytes
from scans import DAY, issue_one, signed

from recordkit import files


@pytest.fixture
def watched(cli: Cli) -> Iterator[Cli]:
    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    assert "watch_seconds = 5.0" in text
    path.write_text(text.replace("watch_seconds = 5.0", "watch_seconds = 0.1"), encoding="utf-8")
    yield cli


def watcher(cli: Cli, *more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "recordkit", "--store", str(cli.store), "--lang", "en", "ingest", "--watch",
               "--no-ocr", "--jobs", "1", *map(str, more), *DAY]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert process.stderr is not None
    assert "Watching" in process.stderr.readline()
    return process


def line_of(process: subprocess.Popen[str], name: str) -> str:
    """The next line of output about a file; blocks until it comes."""
    assert process.stdout is not None
    while True:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        if line.startswith(name):
            return line


def test_a_slow_scanner_s_file_is_taken_when_it_is_whole_and_sigterm_ends_cleanly(watched: Cli) -> None:
    inbox = watched.store / "inbox"
    number, other = issue_one(watched), issue_one(watched)
    data = signed(watched, watched.store.parent / "a.pdf", number).read_bytes()
    process = watcher(watched)
    try:
        with (inbox / "a.pdf").open("wb") as handle:
            handle.write(data[: len(data) // 2])
            handle.flush()
            (inbox / "c.pdf.part").write_bytes(data)
            signed(watched, inbox / "新夹" / "b.pdf", other)
            # When the later file is filed, the half one has lain still for as many looks.
            assert "archived" in line_of(process, "b.pdf")
            assert (inbox / "a.pdf").exists()
            handle.write(data[len(data) // 2:])
        assert "archived" in line_of(process, "a.pdf")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    finally:
        process.kill()
        process.wait()
    assert "2 archived" in err
    assert "Traceback" not in err
    original = watched.store.parent / "original.pdf"
    watched("get", number, "--out", original)
    assert original.read_bytes() == data
    assert (inbox / "c.pdf.part").exists()


def test_ctrl_c_ends_with_130_and_json_is_one_document(watched: Cli) -> None:
    inbox = watched.store / "inbox"
    signed(watched, inbox / "a.pdf", issue_one(watched))
    files.write_atomic(inbox / "bad.pdf", b"no pdf\n%%EOF")
    process = watcher(watched, "--json")
    try:
        # The second watcher is refused before and while the first one works.
        watched("ingest", "--watch", *DAY, expect=6)
        files.write_atomic(inbox / "last.pdf", pdf_bytes(text="no code"))
        assert any(watched.json("unmatched", "list")["total"] for _ in range(3000))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
    finally:
        process.kill()
        process.wait()
    result = json.loads(out)
    assert [item["outcome"] for item in result["items"]] == ["archived", "quarantined", "unmatched"]
    assert result["summary"]["quarantined"] == 1
    assert "Traceback" not in err
    assert list((watched.store / "work").glob("*.lock")) == []
    # The lock went with the watcher.
    assert watched.json("ingest", *DAY)["total"] == 0


@pytest.mark.parametrize("wrong", [("--class", "nonsense"), ("nowhere",)])
def test_a_wrong_call_is_refused_before_the_watch_begins(watched: Cli, wrong: tuple[str, ...]) -> None:
    watched("ingest", "--watch", *wrong, *DAY, expect=5)
    watched("ingest", "--watch", "--attach-to", "1", *DAY, expect=2)
