import json
import random
from pathlib import Path

import pytest
from engine_contract import SHARD_SIZE, EngineContract, document, nothing_remains, rebuild
from whoosh.filedb.filetables import OrderedHashReader, OrderedHashWriter
from whoosh.filedb.structfile import StructFile

from recordkit.archive.search.engines.whoosh_engine import WhooshShards, open_index
from recordkit.archive.search.parser import parse
from recordkit.archive.search.port import IndexDamaged
from recordkit.archive.search.query import Everything, Term
from recordkit.archive.search.shards import ShardedIndex


class TestWhooshEngine(EngineContract):
    def open(self, folder: Path, shard_size: int = SHARD_SIZE) -> ShardedIndex:
        return open_index(folder, shard_size=shard_size)

    def kind(self) -> WhooshShards:
        return WhooshShards()

    def strays(self, shard: Path) -> set[str]:
        named = {one["name"] for one in json.loads((shard / "segments.json").read_bytes())["segments"]}
        return {path.name for path in shard.iterdir()} - named - {"segments.json", "writing.lock"}

    def index_content(self, folder: Path) -> object:
        return sorted(path.read_bytes() for path in folder.glob("shard-*/segment-*"))

    def damage(self, folder: Path) -> None:
        next(folder.glob("shard-*/segment-*")).unlink()


def indexed(tmp_path: Path, records: int = 6) -> tuple[Path, ShardedIndex]:
    folder = tmp_path / "index"
    index = open_index(folder, shard_size=SHARD_SIZE)
    index.apply([document(n, "供水单位", title=f"第{n}户") for n in range(records)], (), 3, nothing_remains)
    return folder, index


@pytest.mark.parametrize("kept", [0, 3, 40, -1])
@pytest.mark.parametrize("name", ["segment-*", "segments.json"])
def test_a_file_that_is_cut_short_is_damage(name: str, kept: int, tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    path = next(folder.glob(f"shard-0000-0/{name}"))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(IndexDamaged):
        index.search(parse("供水"))
    rebuild(index, [document(1, "供水")], 4)
    assert index.search(parse("供水"))[0] == 1


def test_any_flipped_bytes_are_damage_or_go_unseen_but_are_no_fault(tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    path = next(folder.glob("shard-0000-0/segment-*"))
    sound = path.read_bytes()
    rng = random.Random(4)
    queries = [parse("供水"), parse("户 OR 水单"), Everything(), Term("title", "第1户户", fuzzy=True)]
    named = 0
    for _ in range(150):
        broken = bytearray(sound)
        at = rng.randrange(len(broken))
        for offset in range(rng.choice([1, 1, 4, 40])):
            broken[(at + offset) % len(broken)] ^= rng.randrange(1, 256)
        path.write_bytes(broken)
        # Opened anew each time: one that stays open reads the beginning of the file only once.
        index = open_index(folder, shard_size=SHARD_SIZE)
        for query in queries:
            try:
                index.search(query)
                index.tally(query, ["class"])
                index.held({"record-01"})
            except IndexDamaged:
                named += 1
    assert named > 50


@pytest.mark.parametrize("content", [
    b"", b"[]", b'{"segments": 3, "next": 1}', b'{"segments": [{}], "next": 1}',
    b'{"segments": [{"name": "segment-000001", "documents": 4, "size": 9, "dead": []}], "next": 1}',
])
def test_an_unreadable_list_of_segments_is_damage(content: bytes, tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    (folder / "shard-0000-0" / "segments.json").write_bytes(content)
    with pytest.raises(IndexDamaged):
        index.search(parse("供水"))
    with pytest.raises(IndexDamaged):
        index.apply([document(0, "供水")], (), 4, nothing_remains)


class _Harm:
    """Pickled, it names a function that would be called where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


def test_a_hostile_index_runs_no_code(tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    marker = tmp_path / "ran"
    shard = folder / "shard-0000-0"
    path = next(shard.glob("segment-*"))
    with path.open("wb") as stream:
        table = OrderedHashWriter(StructFile(stream))
        table.extras["harm"] = _Harm(marker)
        table.add(b"title", b"")
        table.close()
    manifest = json.loads((shard / "segments.json").read_bytes())
    manifest["segments"][0]["size"] = path.stat().st_size
    (shard / "segments.json").write_text(json.dumps(manifest))
    with pytest.raises(IndexDamaged):
        index.search(parse("供水"))
    assert not marker.exists()
    with path.open("rb") as stream:
        assert "harm" in OrderedHashReader(StructFile(stream), path.stat().st_size).extras
    assert marker.exists()  # whoosh itself calls it


def test_no_file_outside_the_shard_is_read_or_deleted(tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    shard = folder / "shard-0000-0"
    outside = tmp_path / "segment-000001"
    outside.write_bytes(next(shard.glob("segment-*")).read_bytes())
    next(shard.glob("segment-*")).unlink()
    manifest = (shard / "segments.json").read_text()
    (shard / "segments.json").write_text(manifest.replace("segment-000001", "../../segment-000001"))
    with pytest.raises(IndexDamaged):
        index.search(parse("供水"))
    assert outside.exists()


def test_what_a_killed_writer_left_is_deleted_by_the_next_one(tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    for left in ("segment-000002", "segment-000007", ".0123456789abcdef.tmp"):
        (folder / "shard-0000-0" / left).write_bytes(b"text of a removed record")
    index.apply([document(0, "供水")], (), 4, nothing_remains)
    assert {path.name.partition("-")[0] for path in (folder / "shard-0000-0").iterdir()} <= {
        "segment", "segments.json", "writing.lock"
    }
    assert not (folder / "shard-0000-0" / "segment-000007").exists()


def test_segments_stay_few_however_many_commits_there_are(tmp_path: Path) -> None:
    index = open_index(tmp_path / "index", shard_size=1_000)
    for n in range(50):
        index.apply([document(n, "供水", record_id=f"r{n}")], (), n, nothing_remains)
    assert len(list((tmp_path / "index").glob("shard-*/segment-*"))) <= 4
    assert index.search(parse("供水"))[0] == 50


def test_a_batch_larger_than_memory_allows_becomes_one_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recordkit.archive.search.engines.whoosh_engine._TOKENS_AT_ONCE", 50)
    monkeypatch.setattr("recordkit.archive.search.engines.whoosh_segment._BYTES_AT_ONCE", 30)
    documents = [document(n % 40, f"第{n}户供水", record_id=f"r{n % 40}") for n in range(60)]
    index = open_index(tmp_path / "index", shard_size=1_000)
    index.apply(documents, (), 1, nothing_remains)
    plain = open_index(tmp_path / "plain", shard_size=1_000)
    monkeypatch.undo()
    plain.apply(documents[20:], (), 1, nothing_remains)
    for text in ("供水", "第3户", "户", "5户供", "-第41户"):
        assert index.search(parse(text)) == plain.search(parse(text))
    assert index.search(parse("供水"))[0] == 40
