"""Papers on the screen: the viewer gets a copy, at the right page, and only where somebody sits before a terminal."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import date
from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli
from papers import code_of, pdf_bytes
from terminal import Terminal
from test_completing import ONSITE, opened

from recordkit.templates.forms import shipped_forms

AS_OF = ("--as-of", ISSUE_DAY)
NUMBER = "换通〔2026〕0001号"


class Viewer:
    """A program that tells through a pipe what it was asked to open."""

    def __init__(self, folder: Path) -> None:
        self._pipe = folder / "told"
        os.mkfifo(self._pipe)
        script = folder / "看图 viewer.py"
        script.write_text("import sys\nopen(sys.argv[1], 'w').write('\\n'.join(sys.argv[2:]))\n")
        words = [sys.executable, str(script), str(self._pipe)]
        self.command = " ".join(map(shlex.quote, words)) + " {file} {page}"

    def opened(self) -> tuple[Path, int]:
        """What it was called with; waits until it is called."""
        path, page = self._pipe.read_text().split("\n")
        return Path(path), int(page)


@pytest.fixture
def viewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Viewer:
    made = Viewer(tmp_path)
    monkeypatch.setenv("RECORDKIT_VIEWER", made.command)
    return made


def issue(cli: Cli) -> None:
    data = shipped_forms() / "meter-change-notice" / "sample.toml"
    cli("generate", "meter-change-notice", "--data", data, *AS_OF)


def file_paper(cli: Cli) -> Path:
    paper = cli.store.parent / "paper.pdf"
    paper.write_bytes(pdf_bytes(2, text=code_of(cli, NUMBER)))
    assert cli.json("ingest", paper, *AS_OF)["items"][0]["outcome"] == "archived"
    return paper


def terminal(cli: Cli, *arguments: str) -> Terminal:
    return Terminal("-m", "recordkit", "--store", str(cli.store), "--lang", "en", *arguments)


def test_open_gives_the_viewer_a_copy_at_the_page_and_never_the_archive_itself(cli: Cli, viewer: Viewer) -> None:
    issue(cli)
    paper = file_paper(cli)
    window = terminal(cli, "open", NUMBER, "--page", "2")
    path, page = viewer.opened()
    assert window.ends() == 0
    window.close()
    assert page == 2
    assert path.read_bytes() == paper.read_bytes()
    assert (cli.store / "work" / "viewing") in path.parents
    path.write_bytes(b"what a viewer saved")
    assert cli("open", NUMBER).strip() == str(path)
    assert path.read_bytes() == paper.read_bytes()
    assert cli.json("verify")["ok"]


def test_away_from_a_terminal_nothing_is_opened_and_the_place_is_told(cli: Cli, viewer: Viewer) -> None:
    issue(cli)
    file_paper(cli)
    told = cli.json("open", NUMBER)
    assert told["opened"] is False and Path(told["path"]).is_file()
    assert told["file"] == "original.pdf"


def test_what_is_not_there_is_named(cli: Cli) -> None:
    issue(cli)
    file_paper(cli)
    cli("open", NUMBER, "--page", "3", expect=5)
    assert "2 page(s)" in cli.err
    cli("open", NUMBER, "--file", "attachment-009.pdf", expect=5)
    assert "original.pdf" in cli.err


def test_copies_of_yesterday_are_cleared(cli: Cli) -> None:
    issue(cli)
    file_paper(cli)
    first = Path(cli("open", NUMBER).strip())
    other = first.parent.with_name("0123456789abcdef")
    other.mkdir()
    os.utime(other, (0, 0))
    cli("open", NUMBER)
    assert first.exists() and not other.exists()


def test_keying_in_puts_the_paper_before_the_person(cli: Cli, viewer: Viewer) -> None:
    issue(cli)
    file_paper(cli)
    window = terminal(cli, "issued", "complete", NUMBER, "--ask", *AS_OF)
    window.expect("question(s)")
    path, page = viewer.opened()
    assert (path.suffix, page) == (".pdf", 1)
    window.expect("  > ")
    assert "Opened at page 1" in window.screen
    assert window.interrupt() == 130
    window.close()


def test_no_open_opens_nothing(cli: Cli, viewer: Viewer) -> None:
    issue(cli)
    file_paper(cli)
    window = terminal(cli, "issued", "complete", NUMBER, "--ask", "--no-open", *AS_OF)
    window.expect("  > ")
    assert "Opened" not in window.screen
    assert window.interrupt() == 130
    window.close()
    assert not (cli.store / "work" / "viewing").exists()


def test_a_viewer_that_does_not_start_stops_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    issue(cli)
    file_paper(cli)
    monkeypatch.setenv("RECORDKIT_VIEWER", "/no/such/viewer")
    window = terminal(cli, "issued", "complete", NUMBER, "--ask", *AS_OF)
    window.expect("The viewer did not start")
    window.expect("  > ")
    assert window.interrupt() == 130
    window.close()


def test_a_paper_that_waits_is_shown_by_its_number(cli: Cli) -> None:
    from recordkit.archive.arrivals import StagedPaper, keep_unmatched, state_of
    from recordkit.archive.returning import paper_at_hand
    from recordkit.files import copy_with_digests
    from recordkit.model import PageText
    from recordkit.templates.issue import find_issue

    issue(cli)
    workspace = opened(cli)
    document = find_issue(workspace.db, NUMBER)
    assert paper_at_hand(workspace, document, ["旧表行度"]) is None
    said = f"换表通知书\n{NUMBER}\n请共同抄见旧表行度，并签收。\n旧 表 行度: 1068"
    for name, text in (("有字.pdf", said), ("别的.pdf", "换通〔2026〕0002号")):
        source = cli.store / "inbox" / name
        source.write_bytes(pdf_bytes(text=f"Paper {len(text)}"))
        with workspace.staging() as staging:
            digests = copy_with_digests(source, staging / "copy.pdf")
            paper = StagedPaper(source, staging / "copy.pdf", digests, state_of(source))
            keep_unmatched(workspace, paper, (PageText(1, text, "ocr", "test", 0.9),), (), {})
    found = paper_at_hand(workspace, document, ["旧表行度"])
    workspace.close()
    assert found is not None
    assert (found.name, found.page, found.lines) == ("有字.pdf", 1, ("旧 表 行度: 1068",))


def test_destroying_a_record_takes_the_copies_that_were_looked_at(cli: Cli) -> None:
    from recordkit.archive.catalogue import find_record
    from recordkit.retention.order_state import Item
    from recordkit.retention.removal import Remover

    issue(cli)
    file_paper(cli)
    copy = Path(cli("open", NUMBER).strip())
    copy.write_bytes(copy.read_bytes() + b"\n% a note that a viewer saved\n")
    workspace = opened(cli)
    record = find_record(workspace.db, NUMBER)
    item = Item(record.record_id, record.version, "", record.record_class, record.issue_id, date(2036, 1, 1), "", None,
                True, None, None)
    with workspace.writing():
        remover = Remover(workspace, [item])
        assert copy.parent.relative_to(cli.store).as_posix() in remover.remains(item)
        remover.remove(item)
        assert remover.remains(item) == []
    workspace.close()
    assert not copy.exists()


def test_nothing_is_opened_where_nothing_is_left_to_ask(cli: Cli, viewer: Viewer) -> None:
    issue(cli)
    file_paper(cli)
    values = {**ONSITE, "实装表号": "S20261101", "停工情况": "无"}
    sets = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
    window = terminal(cli, "issued", "complete", NUMBER, "--ask", *sets, *AS_OF)
    assert window.ends() == 0
    window.close()
    assert "keyed in" in window.screen
    assert not (cli.store / "work" / "viewing").exists()
