"""Where sources go when they are filed, how far an ingest says it is, and what batches do not change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from ocfl_judge import assert_valid_root
from papers import pdf_bytes

from recordkit.archive import ingest
from recordkit.archive.catalogue import list_records
from recordkit.archive.decisions import IngestOptions
from recordkit.archive.fixity import verify_objects
from recordkit.archive.ingest import ingest_papers
from recordkit.archive.search.service import SearchRequest, search_records
from recordkit.store import open_store
from recordkit.workspace import Workspace

INGEST = ("ingest", "--class", "visit-record", "--set", "title=走访记录", "--no-ocr", "--jobs", "1")
DAY = ("--as-of", "2026-11-20")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def put(cli: Cli, name: str, text: str) -> Path:
    path = cli.store / "inbox" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pdf_bytes(text=text))
    return path


def test_a_filed_source_rests_in_the_folder_of_its_day_and_is_not_taken_in_again(cli: Cli) -> None:
    put(cli, "a.pdf", "one")
    put(cli, "窗口二/a.pdf", "two")
    put(cli, "twin.pdf", "one")
    outcomes = [one["outcome"] for one in cli.json(*INGEST, *DAY)["items"]]
    assert sorted(outcomes) == ["archived", "archived", "duplicate"]
    done = cli.store / "inbox" / "done"
    assert names(cli.store / "inbox") == ["done/2026-11-20/a.pdf", "done/2026-11-20/twin.pdf",
                                          "done/2026-11-20/窗口二/a.pdf"]
    assert cli.json(*INGEST, *DAY)["total"] == 0
    put(cli, "a.pdf", "three")
    cli(*INGEST, *DAY)
    assert names(done / "2026-11-20") == ["a (2).pdf", "a.pdf", "twin.pdf", "窗口二/a.pdf"]
    assert cli.json(*INGEST, done / "2026-11-20" / "a.pdf", *DAY)["items"][0]["outcome"] == "duplicate"
    assert names(done / "2026-11-20") == ["a (2).pdf", "a.pdf", "twin.pdf", "窗口二/a.pdf"]


def test_without_done_days_a_filed_source_is_removed(cli: Cli) -> None:
    settings = cli.store / "recordkit.toml"
    text = settings.read_text(encoding="utf-8")
    assert "done_days = 30" in text
    settings.write_text(text.replace("done_days = 30", "done_days = 0"), encoding="utf-8")
    put(cli, "a.pdf", "one")
    cli(*INGEST, *DAY)
    assert names(cli.store / "inbox") == []


def test_done_folders_go_when_their_days_are_over_but_no_file_that_is_not_filed(cli: Cli) -> None:
    put(cli, "a.pdf", "one")
    cli(*INGEST, *DAY)
    done = cli.store / "inbox" / "done"
    (done / "2026-11-20" / "dropped here.pdf").write_bytes(pdf_bytes(text="never filed"))
    (done / "notes").mkdir()
    (done / "notes" / "mine.txt").write_text("a clerk's own")
    cli(*INGEST, "--as-of", "2026-12-19")
    assert len(names(done)) == 3
    cli(*INGEST, "--dry-run", "--as-of", "2026-12-20")
    assert len(names(done)) == 3
    cli(*INGEST, "--as-of", "2026-12-20")
    assert names(cli.store / "inbox") == ["done/notes/mine.txt", "dropped here.pdf"]
    assert [one["outcome"] for one in cli.json(*INGEST, "--as-of", "2026-12-20")["items"]] == ["archived"]


def test_a_source_outside_the_store_stays(cli: Cli, tmp_path: Path) -> None:
    outside = tmp_path / "scan.pdf"
    outside.write_bytes(pdf_bytes(text="outside"))
    assert cli.json(*INGEST, outside, *DAY)["items"][0]["outcome"] == "archived"
    assert outside.exists()
    assert names(cli.store / "inbox") == []


def test_a_link_leaves_the_inbox_and_what_it_points_to_stays(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "scan.pdf"
    target.write_bytes(pdf_bytes(text="outside"))
    (cli.store / "inbox" / "link.pdf").symlink_to(target)
    assert cli.json(*INGEST, *DAY)["items"][0]["outcome"] == "archived"
    assert target.exists()
    assert names(cli.store / "inbox") == []


def test_codes_and_numbers_count_up_within_a_batch_and_a_rebuild_gives_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_BATCH", 7)
    monkeypatch.setattr(ingest, "_WINDOW", 10)
    for number in range(25):
        (workspace.root / "inbox" / f"{number:02}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    sources = sorted((workspace.root / "inbox").iterdir())
    options = IngestOptions("visit-record", {"title": "走访记录"}, ocr=False, jobs=1)
    items = list(ingest_papers(workspace, sources, options))
    assert [one.source for one in items] == sources
    records = list_records(workspace.db)
    assert [one.ordinal for one in records] == list(range(1, 26))
    assert [one.code.rpartition("-")[2] for one in records] == [f"{number:04}" for number in range(1, 26)]
    assert [one.record_id for one in records] == [one.record_id for one in items]
    assert len({one.record_id for one in records}) == 25
    batches = [entry.left for entry, _ in workspace.ledger.read()]
    assert batches[1:] == [6, 5, 4, 3, 2, 1, 0, 2, 1, 0] * 2 + [4, 3, 2, 1, 0]
    before = records
    workspace.rebuild()
    assert list_records(workspace.db) == before
    assert verify_objects(workspace).findings == ()
    assert assert_valid_root(workspace.root / "objects") == 25
    assert search_records(workspace, SearchRequest('"Paper 24"')).total == 1


def test_each_item_is_durable_when_it_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that opens the store at that moment sees the record, and the source is done."""
    monkeypatch.setattr(ingest, "_BATCH", 2)
    for number in range(5):
        (workspace.root / "inbox" / f"{number}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    sources = sorted((workspace.root / "inbox").iterdir())
    options = IngestOptions("visit-record", {"title": "走访记录"}, ocr=False, jobs=1)
    for told, item in enumerate(ingest_papers(workspace, sources, options), start=1):
        other = open_store(workspace.root, clock_at(date(2026, 11, 20)), "reader")
        assert len(list_records(other.db)) >= told
        other.close()
        assert not item.source.exists()


def test_a_paper_does_not_wait_for_the_slow_page_of_another(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is decided is carried out while a page is read, not after it."""
    from recordkit.archive.reading import Progress, read_papers

    now = [0.0]
    monkeypatch.setattr(ingest.time, "monotonic", lambda: now[0])
    for number in range(2):
        (workspace.root / "inbox" / f"{number}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    seen: list[int] = []

    def slow(paths: list[Path], *, progress: Progress, **_: object) -> Iterator[object]:
        for reading in list(read_papers(paths, jobs=1, ocr=False)):
            now[0] += 60
            progress(reading.path, 0, 1)
            seen.append(len(list_records(workspace.db)))
            yield reading

    monkeypatch.setattr(ingest, "read_papers", slow)
    options = IngestOptions("visit-record", {"title": "走访记录"}, ocr=False, jobs=1)
    list(ingest_papers(workspace, sorted((workspace.root / "inbox").iterdir()), options))
    assert seen == [0, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of its own is made by POSIX means")
def test_the_summary_on_a_terminal_tells_the_rate(cli: Cli) -> None:
    from terminal import Terminal

    for number in range(40):
        put(cli, f"{number:02}.pdf", f"Paper {number}")
    terminal = Terminal("-m", "recordkit", "--store", str(cli.store), "--lang", "en", *INGEST, *DAY)
    terminal.expect("40 archived, 0 duplicate")
    terminal.expect("40 files in ")
    assert terminal.ends() == 0
    terminal.close()


def test_a_document_that_lies_twice_in_one_batch_is_filed_once(cli: Cli) -> None:
    from recordkit import files
    from recordkit.archive.arrivals import StagedPaper, state_of
    from recordkit.archive.filing import NewRecord
    from recordkit.archive.ingest import Decision, Part, carry_out_all
    from recordkit.templates.forms import shipped_forms
    from recordkit.templates.issue import list_issues

    cli("generate", "visit-record", "--data", shipped_forms() / "visit-record" / "sample.toml", *DAY)
    source = put(cli, "a.pdf", "both")
    workspace = open_store(cli.store, clock_at(date(2026, 11, 20)), "test")
    (issue,) = list_issues(workspace.db)
    with workspace.staging() as staging:
        parts = []
        for number in range(2):
            copy = staging / f"{number}.pdf"
            digests = files.copy_with_digests(source, copy, durable=False)
            digests = files.Digests(f"{number}" * 64, digests.sha512, digests.size)
            new = NewRecord("visit-record", "走访记录", date(2026, 11, 20), 1, {"original.pdf": copy}, digests,
                            number=issue.number, issue_id=issue.issue_id)
            parts.append(Part("archived", new=new, issue=issue))
        paper = StagedPaper(source, staging / "1.pdf", files.digests_of(source), state_of(source))
        (items,) = carry_out_all(workspace, [Decision(paper, tuple(parts))], staging)
    assert [one.outcome for one in items] == ["archived", "unmatched"]
    assert [one.issue_id for one in list_records(workspace.db)] == [issue.issue_id]
    workspace.close()
