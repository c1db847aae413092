"""The process of a command line: it ends at once, and nothing that was said is lost by it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
from small_archive import PAPERS, make_small_archive


def _run(code: str, stdout: int | IO[bytes] = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", code], stdout=stdout, stderr=subprocess.PIPE, check=False)


def test_what_was_printed_and_what_was_asked_for_at_the_end_is_there() -> None:
    code = ("import atexit, sys, tempfile; from recordkit.cli import main; kept = tempfile.TemporaryDirectory(); "
            "atexit.register(print, kept.name); sys.stdout.write('x' * 100_000); main._leave(5)")
    done = _run(code)
    text, name = done.stdout[:100_000], done.stdout[100_000:].decode().strip()
    assert (done.returncode, text, done.stderr) == (5, b"x" * 100_000, b"")
    assert name and not Path(name).exists()


def test_a_thread_that_still_works_is_waited_for() -> None:
    code = ("import sys, threading; from recordkit.cli import main\n"
            "def work(): threading.main_thread().join(); print('done')\n"
            "threading.Thread(target=work).start(); main._leave(0)")
    done = _run(code)
    assert (done.returncode, done.stdout.split()) == (0, [b"done"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_output_that_cannot_be_written_at_the_end_is_a_failure_that_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = _run("import sys; from recordkit.cli import main; sys.stdout.write('x'); main._leave(0)", full)
    assert done.returncode == 1
    assert b"space" in done.stderr


def test_a_reader_that_went_away_is_no_failure() -> None:
    code = "import sys; from recordkit.cli import main; sys.stdin.read(); sys.stdout.write('x'); main._leave(0)"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=buffered) as process:
        assert process.stdout is not None and process.stdin is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        assert process.wait() == 0
        assert process.stderr.read() == b""


def _command(store: Path, *words: str) -> str:
    program = [sys.executable, "-m", "recordkit", "--lang", "en", "--store", str(store)]
    return " ".join(map(shlex.quote, [*program, *words]))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that can close a stream")
def test_a_command_whose_reader_went_away_or_that_has_no_output_ends_well(tmp_path: Path) -> None:
    make_small_archive(tmp_path / "archive")
    for words in (["catalogue", "list"], ["show", PAPERS[0].number], ["catalogue", "list", "--json"]):
        command = _command(tmp_path / "archive", *words)
        for line in (f"{command} | true; exit ${{PIPESTATUS[0]}}", f"{command} >&-"):
            done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
            assert (done.returncode, b"recordkit" in done.stderr) == (0, False), (line, done.stderr)
