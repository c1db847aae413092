from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from conftest import clock_at

from recordkit.archive.catalogue import find_record, list_records
from recordkit.archive.editing import edit_record
from recordkit.archive.filing import file_generated
from recordkit.archive.history import history_of
from recordkit.errors import InputRefused, IntegrityFailure, NotFound
from recordkit.store import make_store, open_store
from recordkit.workspace import Workspace

TODAY = date(2026, 11, 20)


def file_one(workspace: Workspace, title: str, record_class: str = "visit-record") -> str:
    with workspace.writing() as writer:
        return file_generated(
            writer, workspace, record_class=record_class, title=title, on=TODAY,
            content={"original.json": title.encode()}, fields={"customer_name": title},
        )


def tables(workspace: Workspace) -> dict[str, list[tuple[object, ...]]]:
    names = [row["name"] for row in workspace.db.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: sorted(tuple(row) for row in workspace.db.all(f"SELECT * FROM {name}")) for name in names}


def test_archival_codes_count_up_within_year_and_period(workspace: Workspace) -> None:
    ids = [file_one(workspace, "甲"), file_one(workspace, "乙"), file_one(workspace, "丙", "drawing")]
    codes = [find_record(workspace.db, one).code for one in ids]
    assert codes == ["C001-KF·2026-D10-KFZ-0001", "C001-KF·2026-D10-KFZ-0002", "C001-KF·2026-Y-KFZ-0001"]


def test_a_rebuild_gives_the_same_tables(workspace: Workspace) -> None:
    record = file_one(workspace, "唐喆回访记录")
    file_one(workspace, "乙")
    edit_record(workspace, record, {"title": "唐喆走访记录"}, "题名有误")
    before = tables(workspace)
    workspace.rebuild()
    assert tables(workspace) == before
    assert [one.title for one in list_records(workspace.db)] == ["唐喆走访记录", "乙"]


def test_a_deleted_database_heals_when_the_store_is_opened(store: Path) -> None:
    first = open_store(store, clock_at(TODAY), "test")
    file_one(first, "甲")
    before = tables(first)
    first.close()
    for path in store.glob("catalogue.sqlite3*"):
        path.unlink()
    second = open_store(store, clock_at(TODAY), "test")
    assert tables(second) == before
    second.close()


def test_entries_appended_without_the_tables_are_caught_up(store: Path) -> None:
    """A process killed between ledger and tables leaves them behind; the next one brings them up."""
    first = open_store(store, clock_at(TODAY), "test")
    kept = (store / "catalogue.sqlite3").read_bytes()
    first.close()
    kept = (store / "catalogue.sqlite3").read_bytes()
    second = open_store(store, clock_at(TODAY), "test")
    record = file_one(second, "甲")
    second.close()
    for path in store.glob("catalogue.sqlite3*"):
        path.unlink()
    (store / "catalogue.sqlite3").write_bytes(kept)
    third = open_store(store, clock_at(TODAY), "test")
    assert find_record(third.db, record).title == "甲"
    third.close()


def test_a_ledger_cut_at_the_end_of_a_batch_is_noticed_by_the_tables(store: Path) -> None:
    first = open_store(store, clock_at(TODAY), "test")
    file_one(first, "甲")
    first.close()
    path = store / "ledger" / "ledger-000001.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(IntegrityFailure, match="cut short"):
        open_store(store, clock_at(TODAY), "test")


def test_the_ledger_of_another_store_is_refused(store: Path, tmp_path: Path) -> None:
    make_store(tmp_path / "other", clock_at(TODAY), "test")
    line = (tmp_path / "other" / "ledger" / "ledger-000001.jsonl").read_bytes()
    (store / "ledger" / "ledger-000001.jsonl").write_bytes(line)
    with pytest.raises(IntegrityFailure, match="own id"):
        open_store(store, clock_at(TODAY), "test")


def test_no_customer_data_stands_in_the_ledger(workspace: Workspace) -> None:
    record = file_one(workspace, "唐喆回访记录")
    edit_record(workspace, record, {"title": "唐喆走访记录"}, "客户唐喆要求更正")
    for path in (workspace.root / "ledger").iterdir():
        assert "唐喆" not in path.read_text(encoding="utf-8")
    assert history_of(workspace, find_record(workspace.db, record))[-1]["reason"] == "客户唐喆要求更正"


def test_an_edit_is_a_new_version_and_the_same_edit_again_is_none(workspace: Workspace) -> None:
    record = file_one(workspace, "甲")
    edited = edit_record(workspace, record, {"title": "乙", "customer_name": "丙"}, "更正")
    assert (edited.version, edited.title, edited.fields["customer_name"]) == (2, "乙", "丙")
    assert edit_record(workspace, record, {"title": "乙"}, "更正").version == 2


@pytest.mark.parametrize(
    ("changes", "reason", "complaint"),
    [({"title": "x"}, " ", "reason"), ({"title": " "}, "r", "empty"), ({"date": "2026-02-30"}, "r", "no.* date|date"),
     ({"code": "X"}, "r", "code"), ({"nonsense": "X"}, "r", "nonsense")],
)
def test_a_wrong_edit_is_refused_and_changes_nothing(
    workspace: Workspace, changes: dict[str, object], reason: str, complaint: str
) -> None:
    record = file_one(workspace, "甲")
    with pytest.raises(InputRefused, match=complaint):
        edit_record(workspace, record, changes, reason)
    assert find_record(workspace.db, record).version == 1


def test_an_unknown_record_is_named(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="R0000"):
        find_record(workspace.db, "R0000")


def test_record_json_alone_tells_a_stranger_what_the_record_is(workspace: Workspace) -> None:
    record = file_one(workspace, "唐喆回访记录")
    found = json.loads(next((workspace.root / "objects").rglob("record.json")).read_bytes())
    assert found["record_id"] == record
    assert {"code", "title", "date", "record_class", "year", "sha256", "fields", "filed_at"} <= set(found)


def test_deleted_rows_are_not_called_wiped_while_somebody_still_reads_them(store: Path) -> None:
    import sqlite3

    from recordkit.errors import StoreBusy

    path = store / "recordkit.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("wait_seconds = 30.0", "wait_seconds = 0.1"),
                    encoding="utf-8")
    workspace = open_store(store, clock_at(TODAY), "test")
    file_one(workspace, "唐喆回访记录")
    reader = sqlite3.connect(store / "catalogue.sqlite3", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM records").fetchone()
    workspace.db.run("DELETE FROM records")
    with pytest.raises(StoreBusy):
        workspace.db.wipe_traces()
    reader.execute("COMMIT")
    reader.close()
    workspace.db.wipe_traces()
    for left in store.glob("catalogue.sqlite3*"):
        assert "唐喆".encode() not in left.read_bytes()
    workspace.close()
