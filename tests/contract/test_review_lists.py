"""Lists in the outbox hold titles: the destruction of a record removes every list that names it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from docx import Document
from retention_store import TODAY, Archive, make_archive

from recordkit.retention.lists import FOLDER, lists_naming, save_list
from recordkit.retention.reminding import run_review

SECRET = "绝密题名7429"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "档案 库")
    text = (made.root / "recordkit.toml").read_text(encoding="utf-8")
    assert 'formats = ["docx"]' in text
    (made.root / "recordkit.toml").write_text(text.replace('["docx"]', '["json", "docx", "xlsx"]'), encoding="utf-8")
    made.reopen()
    yield made
    made.workspace.close()


def names(archive: Archive) -> set[str]:
    return {path.name for path in (archive.root / FOLDER).iterdir()}


def run_on(archive: Archive, day: date) -> None:
    archive.reopen(day)
    run_review(archive.workspace, "daily", str)


def test_every_list_that_names_a_destroyed_record_goes_and_the_others_stay(archive: Archive) -> None:
    run_on(archive, date(2037, 3, 1))
    doomed = archive.file(SECRET)
    archive.file("另一件", on=date(2030, 1, 1)), archive.file("再一件", on=date(2030, 1, 1))
    run_on(archive, date(2037, 3, 2))
    run_on(archive, date(2037, 3, 3))
    archive.reopen(TODAY)
    own = archive.root / "outbox" / "给组长.docx"
    save_list(own, SECRET.encode(), [doomed])
    order = archive.signed(doomed)
    assert [one.outcome for one in archive.execute(order).outcomes] == ["destroyed"]
    assert names(archive) == {f"review-2037-03-01.{kind}" for kind in ("docx", "xlsx", "json", "ids")}
    assert not own.exists() and not own.with_suffix(".ids").exists()
    register = archive.root / "objects"
    for path in archive.root.rglob("*"):
        if path.is_file() and not path.is_relative_to(register):
            assert SECRET.encode() not in path.read_bytes(), path
    run_on(archive, date(2037, 3, 6))
    assert "review-2037-03-06.docx" in names(archive)


def test_a_scheduled_list_that_lost_its_ids_goes_with_any_destruction(archive: Archive) -> None:
    doomed = archive.file(SECRET)
    archive.file("另一件", on=date(2030, 1, 1)), archive.file("再一件", on=date(2030, 1, 1))
    run_on(archive, date(2037, 3, 1))
    archive.reopen(TODAY)
    (archive.root / FOLDER / "review-2037-03-01.ids").unlink()
    archive.execute(archive.signed(doomed))
    assert names(archive) == set()


def test_lists_of_one_name_in_two_formats_are_found_by_the_records_of_both(archive: Archive) -> None:
    folder = archive.root / "outbox"
    save_list(folder / "l.docx", b"1", ["R1"])
    save_list(folder / "l.xlsx", b"2", ["R2"])
    found = lists_naming(archive.root, ["R1", "R2", "R3"])
    assert {one: sorted(path.name for path in paths) for one, paths in found.items()} == {
        "R1": ["l.docx", "l.ids", "l.xlsx"], "R2": ["l.docx", "l.ids", "l.xlsx"], "R3": []}
    assert found["R1"][-1].suffix == ".ids"
    with pytest.raises(FileExistsError):
        save_list(folder / "l.docx", b"3", [], overwrite=False)


def test_the_note_of_the_last_run_has_no_title(archive: Archive) -> None:
    archive.file(SECRET)
    run_on(archive, TODAY)
    assert SECRET.encode() not in (archive.root / "work" / "review.json").read_bytes()


def test_a_list_that_would_be_endless_names_the_first_records_and_counts_all(archive: Archive) -> None:
    from recordkit.retention.review_list import list_file, review_list, told_shortened

    for number in range(5):
        archive.file(f"第{number}件")
    whole = review_list(archive.workspace, TODAY)
    assert told_shortened(whole) == [] and len(whole.lines) == 5
    short = review_list(archive.workspace, TODAY, most=2)
    assert [line.record.title for line in short.lines] == ["第0件", "第1件"] and short.due == 5
    (told,) = told_shortened(short)
    assert "first 2 of 5" in str(told) and "--decision due" in str(told)
    assert "first 2 of 5" in Document(io.BytesIO(list_file(short, "docx", str))).element.xml
    assert json.loads(list_file(short, "json", str))["listed_in_full"] is False
