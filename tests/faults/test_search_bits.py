"""Bits that change on the disk inside the index: no record may be missing from the answers without a word."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from test_search_index import HELD, TODAY, file_some, watching

from recordkit import files
from recordkit.archive.catalogue import list_records
from recordkit.archive.search.service import IndexWork, SearchRequest, begin_search, search_records
from recordkit.store import make_store, open_store


@pytest.fixture(scope="module", params=["tantivy", "whoosh"])
def searched(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A store with records and an index over them; do not change it."""
    root = tmp_path_factory.mktemp("bits") / "档案 库"
    make_store(root, clock_at(TODAY), "test", simulation=True)
    settings = root / "recordkit.toml"
    text = settings.read_text(encoding="utf-8").replace('search = "tantivy"', f'search = "{request.param}"')
    settings.write_text(text, encoding="utf-8")
    workspace = open_store(root, clock_at(TODAY), "test")
    file_some(workspace, 0, HELD)
    assert search_records(workspace, SearchRequest("回访记录")).total == HELD
    workspace.close()
    return root


def harmed(searched: Path, tmp_path: Path, exchanged: dict[bytes, bytes]) -> Path:
    """A copy of the store whose index holds other bytes of the same length."""
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    changed = 0
    for path in [one for one in (root / "index").glob("shard-*/*") if one.is_file()]:
        data = path.read_bytes()
        for old, new in exchanged.items():
            assert len(old) == len(new)
            changed += data.count(old)
            data = data.replace(old, new)
        path.write_bytes(data)
    assert changed
    return root


def ids_of(root: Path) -> list[str]:
    workspace = open_store(root, clock_at(TODAY), "test")
    found = [one.record_id for one in list_records(workspace.db)]
    workspace.close()
    return found


def flipped(record_id: str) -> str:
    return record_id[:-1] + chr(ord(record_id[-1]) ^ 1)


def test_a_flipped_bit_in_the_name_of_a_record_is_noticed_said_and_healed(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = ids_of(searched)[0]
    root = harmed(searched, tmp_path, {first.encode(): flipped(first).encode()})
    cli = Cli(root, capsys)
    found = cli.json("search", "回访记录")
    assert "made anew" in cli.err
    assert (found["total"], len(found["items"])) == (HELD, HELD)
    cli("search", "回访记录")
    assert "made anew" not in cli.err
    assert f"{HELD} record(s) found." in cli.err


def test_a_page_of_hits_behind_the_first_one_is_looked_at_too(searched: Path, tmp_path: Path) -> None:
    first = ids_of(searched)[0]  # of equal score and date, what was filed first comes first
    workspace = open_store(harmed(searched, tmp_path, {first.encode(): flipped(first).encode()}),
                           clock_at(TODAY), "test")
    works: list[IndexWork] = []
    last = SearchRequest("回访记录", limit=2, offset=HELD - 2)
    assert len(search_records(workspace, last, watching(works)).items) == 2  # type: ignore[arg-type]
    # whoosh reads the ids of these two alone; tantivy's file of ids is held against its checksum when it is opened.
    whoosh = 'search = "whoosh"' in (searched / "recordkit.toml").read_text(encoding="utf-8")
    assert works == ([] if whoosh else ["rebuilding"])
    page = search_records(workspace, SearchRequest("回访记录", limit=1), watching(works))  # type: ignore[arg-type]
    assert ([one.record.record_id for one in page.items], page.total, works) == ([first], HELD, ["rebuilding"])
    workspace.close()


def test_a_record_that_comes_twice_is_damage(searched: Path, tmp_path: Path) -> None:
    first, second, *_ = ids_of(searched)
    workspace = open_store(harmed(searched, tmp_path, {first.encode(): second.encode()}), clock_at(TODAY), "test")
    found = search_records(workspace, SearchRequest("回访记录"))
    assert sorted(one.record.record_id for one in found.items) == sorted(ids_of(searched))
    workspace.close()


def destroy(root: Path, record_ids: Collection[str]) -> None:
    """What the catalogue says of records that were destroyed, and nothing done to the index."""
    workspace = open_store(root, clock_at(TODAY), "test")
    with workspace.writing() as writer:
        for record_id in record_ids:
            writer.add("record.destroyed", {"record": record_id, "order": "D1"})
        writer.commit()
    workspace.close()


def test_a_record_destroyed_behind_the_state_of_the_index_is_passed_over_and_no_damage(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    destroy(root, ids_of(root)[:2])
    cli = Cli(root, capsys)
    with files.locked(root / "work" / "locks" / "store", 1):  # so that the index stays as it is
        found = cli.json("search", "回访记录")
        assert (found["total"], len(found["items"])) == (HELD - 2, HELD - 2)
        cli("search", "回访记录")
        assert f"{HELD - 2} record(s) found." in cli.err
        assert "made anew" not in cli.err


def test_a_record_destroyed_between_asking_and_reading_is_told_alike_everywhere(searched: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    workspace = open_store(root, clock_at(TODAY), "test")
    search = begin_search(workspace, SearchRequest("回访记录"))
    destroy(root, ids_of(root)[2:3])
    found = list(search.found())
    assert (len(found), search.total_with(len(found)), search.total) == (HELD - 1, HELD - 1, HELD)
    workspace.close()


def test_a_destroyed_record_that_the_index_still_finds_is_damage(searched: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(searched, root)
    gone = ids_of(root)[0]
    destroy(root, [gone])
    workspace = open_store(root, clock_at(TODAY), "test")
    manifest = root / "index" / "index.json"
    text = manifest.read_text(encoding="utf-8")
    seq = workspace.db.cursor().seq
    manifest.write_text(text.replace(f'"cursor": {seq - 1}', f'"cursor": {seq}'), encoding="utf-8")
    works: list[IndexWork] = []
    found = search_records(workspace, SearchRequest("回访记录"), watching(works))  # type: ignore[arg-type]
    assert (found.total, works) == (HELD - 1, ["rebuilding"])
    workspace.close()
