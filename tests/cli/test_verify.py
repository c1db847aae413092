"""Fixity runs: every file kind, shares by the day, interruption and going on, and what is told of it."""

from __future__ import annotations

import itertools
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import Cli, clock_at

from recordkit import files, ledger
from recordkit.archive import fixity
from recordkit.archive.catalogue import objects_of
from recordkit.archive.editing import edit_record
from recordkit.archive.filing import file_generated
from recordkit.archive.fixity import FixityOptions, Share, verify_objects
from recordkit.archive.objects import ObjectStore, Reading
from recordkit.store import open_store
from recordkit.workspace import Workspace

TODAY = date(2026, 11, 20)


def file_some(workspace: Workspace, count: int) -> list[str]:
    """Records with small originals, filed in one batch."""
    with workspace.writing() as writer:
        ids = []
        for number in range(count):
            ids.append(file_generated(
                writer, workspace, record_class="visit-record", title=f"件{number}", on=TODAY,
                content={"original.json": str(number).encode() * 50, "text.json": b'{"pages": []}'}, fields={}))
            writer.commit()
    return ids


@pytest.fixture
def ten(workspace: Workspace) -> list[str]:
    return file_some(workspace, 10)


class Stop:
    """Lets some objects be read and then presses Ctrl-C; remembers which were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int | None = None) -> None:
        self.read: list[str] = []
        real = ObjectStore.read_again

        def read_again(objects: ObjectStore, object_id: str) -> Reading:
            self.read.append(object_id)
            return real(objects, object_id)

        monkeypatch.setattr(ObjectStore, "read_again", read_again)
        self.after = after

    def __call__(self, done: int, total: int, size: int) -> None:
        if self.after is not None and done >= self.after:
            raise KeyboardInterrupt


def original(workspace: Workspace, record: str) -> Path:
    return objects_of(workspace).locate(record, "original.json")


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_the_bytes_told_are_those_of_all_content_files(workspace: Workspace, ten: list[str], jobs: int) -> None:
    edit_record(workspace, ten[0], {"title": "乙"}, "更正")
    content = [path for path in (workspace.root / "objects").rglob("content/*")]
    assert len(content) == 31
    result = verify_objects(workspace, options=FixityOptions(jobs))
    assert (result.records, result.findings, result.unverified) == (10, (), 0)
    assert result.bytes == sum(path.stat().st_size for path in content)
    original(workspace, ten[3]).write_bytes(b"changed")
    assert [one.record_id for one in verify_objects(workspace, options=FixityOptions(jobs)).findings] == [ten[3]]


def test_the_shares_of_successive_days_differ_and_together_are_all() -> None:
    for percent, days in ((1, 100), (10, 10), (30, 4), (33.3, 4), (70, 2)):
        shares = [Share(percent, TODAY + timedelta(days=day)) for day in range(days)]
        taken = [{ordinal for ordinal in range(1, 2001) if share.takes(ordinal)} for share in shares]
        assert set.union(*taken) == set(range(1, 2001))
        for one in taken:
            assert abs(len(one) - 2000 * percent / 100) <= 4
        if percent <= 50:
            for before, after in zip(taken, taken[1:-1], strict=False):
                assert not before & after


def test_a_sample_reads_its_share_and_says_which_and_what_is_left(cli: Cli, workspace: Workspace) -> None:
    file_some(workspace, 10)
    workspace.close()
    seen: list[str] = []
    for day in range(5):
        on = (TODAY + timedelta(days=day)).isoformat()
        found = cli.json("verify", "--sample", "20", "--as-of", on)
        assert found["records"] == len(found["sample"]["codes"]) == 10 - found["unverified"]
        assert (found["sample"]["percent"], found["sample"]["day"]) == (20, on)
        seen += found["sample"]["codes"]
    assert len(set(seen)) == len(seen) == 10
    cli("verify", "--sample", "20", "--as-of", TODAY.isoformat())
    assert "2026-11-20" in cli.err
    assert "8 record(s) are not in this sample" in cli.err and "unverified" not in cli.err
    cli("verify", "--sample", "0", expect=2)
    cli("verify", "--sample", "101", expect=2)
    cli("verify", seen[0], "--sample", "5", expect=2)
    assert cli.json("verify", "--sample", "100")["records"] == 10
    assert cli.json("verify", seen[0])["unverified"] == 9
    cli("verify", seen[0])
    assert "unverified" not in cli.err


def test_an_interrupted_run_goes_on_where_it_stopped(
    workspace: Workspace, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = verify_objects(workspace, progress=Stop(monkeypatch, after=4))
    assert (first.interrupted, first.records, first.unverified) == (True, 4, 6)
    stop = Stop(monkeypatch)
    second = verify_objects(workspace, progress=stop)
    assert stop.read == ten[4:]
    assert (second.interrupted, second.records, second.earlier, second.unverified) == (False, 6, 4, 0)
    assert second.begun == "2026-11-20T12:00:00Z"
    third = verify_objects(workspace)
    assert (third.records, third.earlier, third.begun) == (10, 0, None)
    assert not list((workspace.root / "work").glob("verify-*"))


def test_a_killed_run_goes_on_from_its_last_note(
    workspace: Workspace, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixity, "_TOGETHER", 3)

    class Killed(BaseException):
        pass

    def die(done: int, total: int, size: int) -> None:
        if done == 8:
            raise Killed

    with pytest.raises(Killed):
        verify_objects(workspace, progress=die)
    stop = Stop(monkeypatch)
    assert verify_objects(workspace, progress=stop).earlier == 6
    assert stop.read == ten[6:]


def test_what_was_changed_or_found_damaged_before_the_interruption_is_read_again(
    workspace: Workspace, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = original(workspace, ten[1]).read_bytes()
    original(workspace, ten[1]).write_bytes(b"changed")
    first = verify_objects(workspace, progress=Stop(monkeypatch, after=5))
    assert [one.record_id for one in first.findings] == [ten[1]]
    edit_record(workspace, ten[0], {"title": "改"}, "更正")
    original(workspace, ten[0]).write_bytes(b"damaged after the edit")
    stop = Stop(monkeypatch, after=4)
    second = verify_objects(workspace, progress=stop)
    assert second.interrupted
    third = verify_objects(workspace)
    assert [one.record_id for one in third.findings] == [ten[0], ten[1]]
    original(workspace, ten[1]).write_bytes(raw)
    assert [one.record_id for one in verify_objects(workspace).findings] == [ten[0]]


def test_restart_and_another_share_do_not_go_on(
    workspace: Workspace, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    verify_objects(workspace, progress=Stop(monkeypatch, after=4))
    assert verify_objects(workspace, options=FixityOptions(sample=50)).earlier == 0
    assert verify_objects(workspace, options=FixityOptions(restart=True)).earlier == 0
    verify_objects(workspace, options=FixityOptions(sample=50), progress=Stop(monkeypatch, after=2))
    workspace.close()
    later = open_store(workspace.root, clock_at(TODAY + timedelta(days=1)), "test")
    assert verify_objects(later, options=FixityOptions(sample=50)).earlier == 0
    later.close()


def test_ctrl_c_ends_with_130_the_rest_counted_and_nothing_claimed(
    cli: Cli, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = file_some(workspace, 10)
    original(workspace, ids[0]).write_bytes(b"changed")
    workspace.close()
    read = ObjectStore.read_again
    left = [3]

    def press(objects: ObjectStore, object_id: str) -> Reading:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return read(objects, object_id)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "read_again", press)
        found = cli.json("verify", "--jobs", "1", expect=130)
    assert (found["ok"], found["interrupted"], found["unverified"]) == (False, True, 8)
    assert [one["record_id"] for one in found["items"]] == [ids[0]]
    cli("verify", expect=7)
    assert "Went on with the run begun at" in cli.err


def test_a_state_that_cannot_be_read_or_written_stops_nothing(
    workspace: Workspace, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.root / "work" / "verify-all.json").write_bytes(b'{"share": 3')
    assert verify_objects(workspace).records == 10

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_atomic", full)
    assert verify_objects(workspace).records == 10


def test_what_lies_beside_the_objects_is_named(workspace: Workspace, ten: list[str]) -> None:
    root = workspace.root / "objects"
    place = original(workspace, ten[0]).parents[2]
    (place.parent / ".0123456789abcdef.gone").mkdir()
    (place.parent / "notes.txt").write_bytes(b"x")
    (root / "stray").mkdir()
    (root / "stray" / "scan.pdf").write_bytes(b"x")
    copy = place.with_name(place.name.replace(ten[0], "RZZZZZZZZ"))
    copy.mkdir()
    found = {one.file for one in verify_objects(workspace).findings}
    assert found == {f"objects/{(place.parent / name).relative_to(root).as_posix()}"
                     for name in (".0123456789abcdef.gone", "notes.txt", copy.name)} | {"objects/stray/scan.pdf"}
    assert sorted(objects_of(workspace).ids()) == sorted(ten)


def test_a_disk_that_refuses_a_file_costs_that_record_alone(
    workspace: Workspace, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = original(workspace, ten[4])
    real = files.sha512_of

    def refuse(path: Path) -> tuple[str, int]:
        if path == bad:
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(files, "sha512_of", refuse)
    result = verify_objects(workspace, options=FixityOptions(2))
    assert result.records == 10
    assert [(one.record_id, "Input/output" in str(one.reason)) for one in result.findings] == [(ten[4], True)]


@pytest.mark.parametrize(
    ("command", "told"),
    [(("ledger", "verify"), ("Verifying the ledger: 0 MB / 0 MB",)),
     (("verify",), ("Verifying the ledger: 0 MB", "Reading the archive again: 3 / 10 (30%)", "MB/s")),
     (("rebuild",), ("Deriving the catalogue (entries): 3 / 11 (27%)", "Deriving the index (records): 3 / 10 (30%)"))],
)
def test_long_runs_tell_how_far_they_are(
    cli: Cli, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], told: tuple[str, ...]
) -> None:
    file_some(workspace, 10)
    workspace.close()
    ticks = itertools.count()
    monkeypatch.setattr(ledger, "_TOLD_EACH", 1)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    cli(*command)
    for line in told:
        assert line in cli.err
    assert not cli.err.rsplit("\r\x1b[K", 1)[-1].startswith(("Verifying", "Reading", "Deriving"))
