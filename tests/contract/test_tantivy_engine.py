import json
import os
import random
from pathlib import Path

import pytest
from engine_contract import SHARD_SIZE, EngineContract, document, nothing_remains, of_shard, rebuild, replaced_in

from recordkit.archive.search.engines.tantivy_engine import TantivyShards, open_index
from recordkit.archive.search.parser import parse
from recordkit.archive.search.port import IndexDamaged
from recordkit.archive.search.shards import ShardedIndex

SEGMENT_KINDS = {".store", ".term", ".idx", ".pos", ".fast", ".fieldnorm"}


class TestTantivyEngine(EngineContract):
    def open(self, folder: Path, shard_size: int = SHARD_SIZE) -> ShardedIndex:
        return open_index(folder, shard_size=shard_size)

    def kind(self) -> TantivyShards:
        return TantivyShards()

    def strays(self, shard: Path) -> set[str]:
        segments = json.loads((shard / "meta.json").read_bytes())["segments"]
        named = {one["segment_id"].replace("-", "") for one in segments}
        files = {path.name for path in shard.iterdir() if path.name.partition(".")[0] not in named}
        return files - {"meta.json", ".managed.json", ".tantivy-meta.lock", ".tantivy-writer.lock"}

    def index_content(self, folder: Path) -> object:
        files = [path for path in folder.rglob("*") if path.suffix in SEGMENT_KINDS]
        assert files
        return sorted((path.suffix, path.read_bytes()) for path in files)

    def damage(self, folder: Path) -> None:
        next(folder.glob("shard-*/*.term")).unlink()


def indexed(tmp_path: Path, records: int = 6) -> tuple[Path, ShardedIndex]:
    folder = tmp_path / "index"
    index = open_index(folder, shard_size=SHARD_SIZE)
    index.apply([document(n, "供水") for n in range(records)], (), 3, nothing_remains)
    return folder, index


@pytest.mark.parametrize("name", ["*.term", "*.idx", "*.pos", "*.store", "*.fast", "meta.json"])
def test_a_truncated_file_of_a_shard_is_damage(name: str, tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    path = next(folder.glob(f"shard-0000-0/{name}"))
    path.write_bytes(path.read_bytes()[:3])
    with pytest.raises(IndexDamaged):
        index.search(parse("供水"))


@pytest.mark.parametrize("kind", ["term", "fast", "store"])
def test_one_changed_byte_of_what_steers_reading_is_damage_and_stays_unsaid_on_stderr(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, _ = indexed(tmp_path)
    path = next(folder.glob(f"shard-0000-0/*.{kind}"))
    sound = path.read_bytes()
    random.seed(4)
    for number, place in enumerate(random.sample(range(len(sound)), 60)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        os.utime(path, ns=(number, number))  # the clock of the disk may be too coarse to tell them apart
        index = open_index(folder)
        with pytest.raises(IndexDamaged):
            index.search(parse("供水"), sort="code")
        with pytest.raises(IndexDamaged):
            index.apply([document(0, "供水")], (), 4, nothing_remains)
    assert "panicked" not in capfd.readouterr().err
    path.write_bytes(sound)
    os.utime(path, ns=(99, 99))
    assert open_index(folder).search(parse("供水"))[0] == 6


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"format": 99, "engine": "tantivy", "text": 1}'])
def test_an_unreadable_or_foreign_manifest_is_damage(content: bytes, tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    (folder / "index.json").write_bytes(content)
    with pytest.raises(IndexDamaged):
        index.cursor()
    rebuild(index, [document(1, "供水")], 4)
    assert index.search(parse("供水"))[0] == 1


def test_a_missing_manifest_beside_shards_is_damage_and_not_a_fresh_index(tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    (folder / "index.json").unlink()
    with pytest.raises(IndexDamaged):
        index.cursor()


def test_what_a_killed_writer_left_is_deleted_by_the_next_writer(tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    for left in ("shard-0000-9", ".0123456789abcdef.gone"):
        (folder / left).mkdir()
        (folder / left / "x.term").write_bytes(b"text of a removed record")
    (folder / ".0123.tmp").write_bytes(b"{")
    index.apply((), (), 4, nothing_remains)
    assert sorted(path.name for path in folder.iterdir()) == ["index.json", "shard-0000-0", "shard-0001-0"]


def test_an_old_shard_that_could_not_be_deleted_is_deleted_when_the_call_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, index = indexed(tmp_path)
    kept = [document(n, "供水") for n in range(6) if n != 2]

    def fails(path: Path) -> None:
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr("recordkit.archive.search.shards.remove_tree", fails)
        with pytest.raises(OSError, match="disk"):
            index.apply((), {"record-02"}, 4, of_shard(*kept))
    assert index.cursor() == 3
    assert (folder / "shard-0000-0").exists()
    index.apply((), {"record-02"}, 4, of_shard(*kept))
    assert not (folder / "shard-0000-0").exists()
    assert index.cursor() == 4
    assert index.search(parse("供水"))[0] == 5


def test_of_equal_hits_in_several_segments_the_latest_come_first(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    days = [5, 1, 9, 3, 7, 2, 8, 4, 6]
    for cursor, day in enumerate(days):  # every call leaves a segment
        index = open_index(folder, shard_size=20)
        index.apply([document(cursor, "供水", date=f"2026-03-{day:02d}", party="供水" if day % 4 == 0 else "王")], (),
                    cursor, nothing_remains)
    segments = {path.stem for path in folder.rglob("*.term")}
    assert len(segments) > 1
    expected = [f"record-{days.index(day):02d}" for day in (8, 4, 9, 7, 6, 5, 3, 2, 1)]
    for limit in range(1, 10):
        total, hits = index.search(parse("供水"), limit=limit)
        assert (total, [hit.record_id for hit in hits]) == (9, expected[:limit])
        total, hits = index.search(parse("供水 OR 王"), limit=limit)
        assert [hit.record_id for hit in hits] == [
            f"record-{days.index(day):02d}" for day in (9, 7, 6, 5, 3, 2, 1, 8, 4)][:limit]


def test_shards_that_stay_open_show_what_another_writer_changed_since(tmp_path: Path) -> None:
    folder, index = indexed(tmp_path)
    assert index.search(parse("供水"))[0] == 6
    other = open_index(folder)
    other.apply([document(0, "排水"), document(9, "供水"), document(10, "供水")], (), 3, nothing_remains)
    assert index.search(parse("供水"))[0] == 7
    other.apply((), {"record-10"}, 3, of_shard(document(9, "供水")))
    assert index.search(parse("供水"))[0] == 6
    assert index.held({"record-00", "record-10"}) == {"record-00"}
    other.rebuild([], lambda shard: (), 3)
    assert index.search(parse("供水")) == (0, [])


@pytest.fixture(scope="module")
def many_of_equal_score(tmp_path_factory: pytest.TempPathFactory) -> ShardedIndex:
    """One shard of several segments, with more hits of equal score than are fetched at once; do not change it."""
    rng = random.Random(7)
    index = open_index(tmp_path_factory.mktemp("many") / "index", shard_size=2_000)
    documents = [
        document(n, f"{rng.choice('甲乙')}{rng.choice('丙丁')} 供水", date=f"20{rng.randrange(10, 30)}",
                 title=rng.choice(["甲", "丙", "戊"]), record_id=f"record-{n:04d}")
        for n in range(1_800)
    ]
    for batch in range(3):
        index.apply(rng.sample(documents[600 * batch : 600 * batch + 600], 600), (), batch, nothing_remains)
    return index


@pytest.mark.parametrize("text", [
    "供水", "甲", "甲 丙", "供水 -甲", "供水 -(甲 丙)", "供水 -(甲 OR 丁)", "-甲", "(供水 -甲) -丁", "甲 OR 丁",
    "供水 (甲 OR (丙 戊))", "NOT NOT 甲", "供水 NOT NOT 甲", "甲 日期:2015..2022",
])
def test_of_many_hits_of_equal_score_every_page_shows_those_that_come_next(
    many_of_equal_score: ShardedIndex, text: str
) -> None:
    total, every = many_of_equal_score.search(parse(text))
    assert total > 260
    for offset, limit in ((0, 1), (0, 20), (17, 40), (240, 20), (total - 5, 9)):
        assert many_of_equal_score.search(parse(text), limit=limit, offset=offset)[1] == every[offset : offset + limit]


def test_without_room_for_a_smaller_shard_the_larger_one_serves_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    index = open_index(folder, shard_size=400)
    index.apply(replaced_in(0), (), 1, nothing_remains)
    built: list[Path] = []

    def full(kind: object, made: Path, documents: object) -> int:
        built.append(made)
        made.mkdir()
        (made / "half.term").write_bytes(b"x")
        raise OSError(28, "No space left on device")

    changed = [document(n, "供水") for n in range(120)]
    with monkeypatch.context() as patch:
        patch.setattr("recordkit.archive.search.shards._build_shard", full)
        index.apply(changed, (), 2, of_shard())
    assert len(built) == 1
    assert index.cursor() == 2
    assert sorted(path.name for path in folder.iterdir()) == ["index.json", "shard-0000-0"]
    assert index.search(parse("供水"))[0] == 120
    index.apply([document(120, "供水")], (), 3, lambda shard: [*changed, document(120, "供水"), *replaced_in(0)[121:]])
    assert [path.name for path in folder.glob("shard-*")] == ["shard-0000-1"]
    assert index.search(parse("供水"))[0] == 121
