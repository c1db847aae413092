"""What a power cut must find on the disk, told by the order of the steps: nothing is relied on before it is synced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from papers import pdf_bytes

from recordkit import files
from recordkit.archive.ingest import IngestOptions, ingest_papers
from recordkit.workspace import Workspace

Step = tuple[str, Path, Path]


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Every step that follows, with the paths it touches."""
    steps: list[Step] = []

    def path_of(thing: Any) -> Path:
        return Path(getattr(thing, "name", thing)) if not isinstance(thing, Path) else thing

    def recording(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def record(*arguments: Any) -> Any:
            result = real(*arguments)
            steps.append((name, path_of(arguments[0]), path_of(arguments[-1]) if name == "_rename" else Path()))
            return result

        return record

    for name in ("_create", "_write", "_sync", "sync_folder", "_rename", "_make", "_remove"):
        monkeypatch.setattr(files, name, recording(name, getattr(files, name)))
    return steps


def where(steps: list[Step], name: str, path: Path) -> list[int]:
    return [at for at, (step, one, _) in enumerate(steps) if step == name and one == path]


def test_no_source_leaves_before_its_record_is_on_the_disk(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, objects = workspace.root / "inbox", workspace.root / "objects"
    for number in range(3):
        (inbox / f"{number}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    steps = recorded(monkeypatch)
    options = IngestOptions("visit-record", {"title": "走访记录"}, ocr=False, jobs=1)
    items = list(ingest_papers(workspace, sorted(inbox.glob("*.pdf")), options))
    assert [one.outcome for one in items] == ["archived"] * 3
    (logged,) = where(steps, "_sync", workspace.root / "ledger" / "ledger-000001.jsonl")
    placed = [(at, source, target) for at, (name, source, target) in enumerate(steps)
              if name == "_rename" and objects in target.parents]
    assert len(placed) == 3
    for at, draft, target in placed:
        content = [path.relative_to(target) for path in target.rglob("*")]
        assert len(content) == 10
        for inner in content:
            step = "sync_folder" if (target / inner).is_dir() else "_sync"
            places = where(steps, step, draft / inner)
            assert places and places[-1] < at, f"{inner} is put in place before it is synced"
            written = [*where(steps, "_write", draft / inner), *where(steps, "_create", draft / inner)]
            assert max(written, default=-1) < places[-1]
            # Content is written under another name and moves into the draft; a folder is only made.
            assert written or "content" in inner.parts or (target / inner).is_dir(), inner
        assert where(steps, "sync_folder", draft)[-1] < at
        for folder in (target.parent, *target.parent.parents):
            if folder == objects.parent:
                break
            assert any(at < one < logged for one in where(steps, "sync_folder", folder)), f"{folder} is not synced"
    leaving = [at for at, (name, source, _) in enumerate(steps) if name == "_rename" and source.parent == inbox]
    assert len(leaving) == 3
    assert min(leaving) > logged
    for folder in (inbox, inbox / "done" / "2026-11-20"):
        assert where(steps, "sync_folder", folder)[-1] > max(leaving)


def test_a_batch_waits_for_the_disk_a_few_times_and_not_once_a_file(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders that many papers share are synced once, and there is one ledger entry batch."""
    inbox = workspace.root / "inbox"
    for number in range(20):
        (inbox / f"{number:02}.pdf").write_bytes(pdf_bytes(text=f"Paper {number}"))
    steps = recorded(monkeypatch)
    options = IngestOptions("visit-record", {"title": "走访记录"}, ocr=False, jobs=1)
    assert len(list(ingest_papers(workspace, sorted(inbox.glob("*.pdf")), options))) == 20
    for folder in (inbox, inbox / "done" / "2026-11-20", workspace.root / "objects"):
        assert 1 <= len(where(steps, "sync_folder", folder)) <= 3, folder
    assert len(where(steps, "_sync", workspace.root / "ledger" / "ledger-000001.jsonl")) == 1
