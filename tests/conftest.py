"""Fixtures shared by all tests: a store with a simulated clock, and the command line as a clerk calls it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recordkit.cli.main import run
from recordkit.copies.fate import named_notes
from recordkit.store import make_store, open_store
from recordkit.workspace import Clock, Workspace, Writer

if TYPE_CHECKING:
    from retention_store import Archive

ISSUE_DAY = "2026-11-20"


def pytest_configure() -> None:
    """A background job of a shell is born deaf to Ctrl-C, and so is all that it starts; tests press it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI a test that would be skipped for a missing part fails: a skip that nobody sees proves nothing."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("RECORDKIT_TESTS_REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although everything is required: {report.longrepr}"


def clock_at(day: date) -> Clock:
    """A clock that stands at noon of ``day``."""
    return Clock(lambda: datetime(day.year, day.month, day.day, 12, tzinfo=UTC), day)


class Cli:
    """Runs one command line in this process; knows the store."""

    def __init__(self, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.store = store
        self._capsys = capsys
        self.err = ""

    def __call__(self, *arguments: object, expect: int = 0, lang: str = "en") -> str:
        """Standard output; the exit code must be ``expect``."""
        self._capsys.readouterr()
        code = run(["--store", str(self.store), "--lang", lang, *map(str, arguments)])
        captured = self._capsys.readouterr()
        self.err = captured.err
        assert code == expect, f"exit {code}\n{captured.out}\n{captured.err}"
        return captured.out

    def json(self, *arguments: object, expect: int = 0) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self(*arguments, "--json", expect=expect))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("RECORDKIT_") and name != "RECORDKIT_TESTS_REQUIRE_ALL":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _notes_are_those_that_copies_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever act a test does: a note that a copy does not find in the ledger would be lost with the next restore."""
    commit = Writer.commit

    def checked(self: Writer) -> None:
        named = {pair for act in self._acts for pair in named_notes(act.body)}
        lost = [(subject, [act.name for act in self._acts]) for subject, digest, _ in self._notes
                if self._acts and (subject, digest) not in named]
        assert not lost, f"copies.fate.named_notes does not know the notes of {lost[:3]}"
        commit(self)

    monkeypatch.setattr(Writer, "commit", checked)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A simulated store in a folder with a Chinese name and a space."""
    root = tmp_path / "档案 库"
    make_store(root, clock_at(date(2026, 11, 20)), "test", simulation=True)
    return root


@pytest.fixture
def workspace(store: Path) -> Iterator[Workspace]:
    """The simulated store, open."""
    opened = open_store(store, clock_at(date(2026, 11, 20)), "test")
    yield opened
    opened.close()


@pytest.fixture
def cli(store: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line on the simulated store."""
    return Cli(store, capsys)


@pytest.fixture(scope="session")
def office() -> str:
    """LibreOffice. Without it no paper can be printed here; CI has it and counts a skip as a failure."""
    from recordkit.errors import MissingPart
    from recordkit.templates.pdf import require_office

    try:
        return require_office()
    except MissingPart as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def issued_folder(tmp_path_factory: pytest.TempPathFactory, office: str) -> Path:
    """The demo's folder with every document issued and turned into a PDF by the real LibreOffice; do not change it."""
    from recordkit.cli import demo
    from recordkit.templates.pdf import convert_to_pdf

    folder = tmp_path_factory.mktemp("issued")
    demo.prepare_folder(folder)
    store = folder / "store"
    start = ["--store", str(store), "--lang", "en", "--quiet"]
    assert run([*start, "init", "--simulation", "--no-input", "--as-of", demo.ISSUE_DAY, str(store)]) == 0
    for arguments in demo.ISSUING:
        placed = [str(folder / one) if one.startswith("data/") else one for one in arguments]
        assert run([*start, *placed, "--as-of", demo.ISSUE_DAY]) == 0
    convert_to_pdf(sorted((store / "outbox").glob("*.docx")), folder / "pdf", os.environ)
    return folder


@pytest.fixture
def issued(issued_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line on a copy of the store in which the demo's documents are issued; ``.pdfs`` are their PDFs."""
    import shutil

    shutil.copytree(issued_folder / "store", tmp_path / "档案 库")
    shutil.copytree(issued_folder / "pdf", tmp_path / "pdf")
    return Cli(tmp_path / "档案 库", capsys)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A store with registered people who hold keys, in the year 2037 when records fall due."""
    from retention_store import make_archive

    made = make_archive(tmp_path / "档案 库")
    yield made
    made.workspace.close()
