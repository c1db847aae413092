"""What every search engine must do; a new engine subclasses ``EngineContract`` and says how it is opened."""

import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from recordkit.archive.search.grams import FIELD_WEIGHTS
from recordkit.archive.search.parser import FIELD_ALIASES, parse
from recordkit.archive.search.port import Hit, IndexDamaged, IndexDocument, SearchEngine
from recordkit.archive.search.query import Among, And

SHARD_SIZE = 4


def document(
    ordinal: int, page: str = "", *, date: str = "2026-03-02", record_id: str = "", **fields: str
) -> IndexDocument:
    values = {name: (value,) for name, value in fields.items()}
    return IndexDocument(record_id or f"record-{ordinal:02d}", ordinal, values, (page,), date)


def nothing_remains(shard: int) -> Iterable[IndexDocument]:
    raise AssertionError(f"shard {shard} had no reason to be rebuilt")


def of_shard(*documents: IndexDocument) -> Callable[[int], Iterable[IndexDocument]]:
    return lambda shard: [one for one in documents if one.ordinal // SHARD_SIZE == shard]


def rebuild(engine: SearchEngine, documents: Sequence[IndexDocument], cursor: int) -> int:
    shards = sorted({one.ordinal // SHARD_SIZE for one in documents})
    return engine.rebuild(shards, of_shard(*documents), cursor)


def folder_bytes(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


class EngineContract(ABC):
    @abstractmethod
    def open(self, folder: Path) -> SearchEngine:
        """The engine over ``folder``, with shards of ``SHARD_SIZE`` records."""

    @abstractmethod
    def index_content(self, folder: Path) -> object:
        """All that the engine keeps about records, in a form that two equal indexes have in common."""

    @abstractmethod
    def damage(self, folder: Path) -> None:
        """Make the index unreadable."""

    @staticmethod
    def ids(engine: SearchEngine, query: str, **options: object) -> list[str]:
        return [hit.record_id for hit in engine.search(parse(query), **options)[1]]  # type: ignore[arg-type]

    def test_a_folder_that_does_not_exist_is_a_fresh_index(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        assert engine.cursor() == 0
        assert engine.search(parse("张三")) == (0, [])
        assert engine.held({"record-01"}) == set()
        assert not (tmp_path / "index").exists()

    def test_what_is_added_is_found_after_reopening_and_the_cursor_is_kept(self, tmp_path: Path) -> None:
        documents = [document(n, f"第{n}户 张三") for n in range(11)]
        self.open(tmp_path / "index").apply(documents, (), 17, nothing_remains)
        engine = self.open(tmp_path / "index")
        assert engine.cursor() == 17
        assert self.ids(engine, "张三") == [one.record_id for one in documents]
        assert self.ids(engine, "第7户") == ["record-07"]

    def test_documents_in_any_order_are_found(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(n, f"第{n:02d}户") for n in (29, 3, 17, 8, 0, 22)], (), 1, nothing_remains)
        assert self.ids(engine, "第") == [f"record-{n:02d}" for n in (0, 3, 8, 17, 22, 29)]
        assert self.ids(engine, "第17户") == ["record-17"]

    def test_a_later_version_replaces_the_earlier_one(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(0, "张三"), document(1, "李四")], (), 1, nothing_remains)
        engine.apply([document(0, "王五")], (), 2, nothing_remains)
        assert self.ids(engine, "张三") == []
        assert self.ids(engine, "王五") == ["record-00"]
        assert self.ids(engine, "李四") == ["record-01"]

    def test_the_last_of_two_versions_in_one_call_stays(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(0, "张三"), document(0, "王五")], (), 1, nothing_remains)
        assert self.ids(engine, "张三 OR 王五") == ["record-00"]
        assert self.ids(engine, "张三") == []

    def test_applying_the_same_again_changes_nothing(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        remaining = [document(0, "张三"), document(2, "李四")]
        engine.apply([*remaining, document(1, "赵六")], (), 1, nothing_remains)
        for _ in range(2):
            engine.apply([document(5, "王五")], {"record-01"}, 2, of_shard(*remaining))
        assert self.ids(engine, "张三 OR 李四 OR 王五 OR 赵六") == ["record-00", "record-02", "record-05"]
        assert engine.cursor() == 2

    def test_removal_leaves_no_trace_in_the_files(self, tmp_path: Path) -> None:
        kept = [document(n, f"第{n}户 供水", title=f"换表通知书{n}") for n in range(10) if n != 5]
        removed = document(5, "龘靐齉 S20231101", title="赵六换表通知书", record_id="7ZQX9KWM4TVB")
        engine = self.open(tmp_path / "index")
        engine.apply(sorted([*kept, removed], key=lambda one: one.ordinal), (), 1, nothing_remains)
        assert b"7ZQX9KWM4TVB" in folder_bytes(tmp_path / "index")
        engine.apply((), {"7ZQX9KWM4TVB"}, 2, of_shard(*kept))
        assert b"7ZQX9KWM4TVB" not in folder_bytes(tmp_path / "index")
        assert engine.held({"7ZQX9KWM4TVB", "record-04"}) == {"record-04"}
        assert self.ids(engine, "龘 OR 赵六 OR S20231101") == []
        assert self.ids(engine, "供水") == [one.record_id for one in kept]
        never_held = self.open(tmp_path / "never")
        never_held.apply(kept, (), 2, nothing_remains)
        assert self.index_content(tmp_path / "index") == self.index_content(tmp_path / "never")

    def test_removal_also_forgets_earlier_versions_of_the_record(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        kept = document(0, "供水")
        engine.apply([kept, document(1, "龘靐齉")], (), 1, nothing_remains)
        engine.apply([document(1, "王五")], (), 2, nothing_remains)
        engine.apply((), {"record-01"}, 3, of_shard(kept))
        never_held = self.open(tmp_path / "never")
        never_held.apply([kept], (), 3, nothing_remains)
        assert self.index_content(tmp_path / "index") == self.index_content(tmp_path / "never")

    def test_only_touched_shards_are_rebuilt(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        documents = [document(n, "供水") for n in range(3 * SHARD_SIZE)]
        engine.apply(documents, (), 1, nothing_remains)
        asked: list[int] = []

        def remaining(shard: int) -> Iterable[IndexDocument]:
            asked.append(shard)
            return of_shard(*documents)(shard)

        engine.apply((), {documents[SHARD_SIZE].record_id}, 2, remaining)
        assert asked == [1]
        assert engine.search(parse("供水"))[0] == len(documents) - 1

    def test_removing_the_last_record_of_a_shard_leaves_a_working_index(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(0, "供水")], (), 1, nothing_remains)
        engine.apply((), {"record-00"}, 2, of_shard())
        assert engine.search(parse("供水")) == (0, [])
        engine.apply([document(1, "供水")], (), 3, nothing_remains)
        assert self.ids(engine, "供水") == ["record-01"]

    def test_a_record_both_added_and_removed_is_removed(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(0, "供水"), document(1, "供水")], {"record-01"}, 1, of_shard())
        assert self.ids(engine, "供水") == ["record-00"]

    def test_an_interrupted_call_keeps_the_cursor_and_can_be_repeated(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(n, "张三") for n in range(3)], (), 1, nothing_remains)

        def breaks_off(shard: int) -> Iterable[IndexDocument]:
            yield document(0, "张三")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            engine.apply([document(9, "李四")], {"record-01"}, 2, breaks_off)
        assert engine.cursor() == 1
        assert self.ids(engine, "张三") == ["record-00", "record-01", "record-02"]
        engine.apply([document(9, "李四")], {"record-01"}, 2, of_shard(document(0, "张三"), document(2, "张三")))
        assert self.ids(engine, "张三") == ["record-00", "record-02"]
        assert engine.held({"record-01"}) == set()

    def test_damage_is_named_and_a_rebuild_mends_it(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        documents = [document(n, "供水") for n in range(6)]
        engine.apply(documents, (), 4, nothing_remains)
        self.damage(tmp_path / "index")
        with pytest.raises(IndexDamaged):
            self.open(tmp_path / "index").search(parse("供水"))
        rebuild(engine, documents[1:], 5)
        assert self.ids(engine, "供水") == [one.record_id for one in documents[1:]]
        assert engine.cursor() == 5
        assert engine.held({"record-00"}) == set()

    def test_a_rebuild_of_a_sound_index_replaces_all_of_it(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(n, "张三") for n in range(6)], (), 4, nothing_remains)
        rebuild(engine, [document(9, "李四")], 7)
        assert self.ids(engine, "张三 OR 李四") == ["record-09"]
        assert engine.cursor() == 7

    def test_no_term_spans_two_values_or_pages(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        fields = {"meters": ("S2023", "1101"), "party": ("王", "五")}
        engine.apply([IndexDocument("r", 0, fields, ("供水", "单位"), "")], (), 1, nothing_remains)
        for absent in ("20231101", "31", "王五", "水单", "供水单位"):
            assert self.ids(engine, absent) == []
        for present in ("2023", "S2023", "1101", "王", "五", "供水", "位", "户名:王 户名:五"):
            assert self.ids(engine, present) == ["r"]

    @pytest.mark.parametrize("field", [name for name in FIELD_WEIGHTS if name != "pinyin"])
    def test_a_field_is_searched_alone_and_among_all(self, field: str, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        named = document(0, "张三丰") if field == "pages" else document(0, **{field: "张三丰"})
        engine.apply([named], (), 1, nothing_remains)
        for term in ("张三丰", "三丰", "丰"):
            assert engine.search(parse(term)) == (1, [Hit("record-00", FIELD_WEIGHTS[field])])
            for other in FIELD_ALIASES.values():
                assert self.ids(engine, f"{other}:{term}") == (["record-00"] if other == field else [])

    def test_negation_alone_gives_all_the_others(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(n, "张三" if n % 2 else "李四") for n in range(6)], (), 1, nothing_remains)
        assert self.ids(engine, "-张三") == ["record-00", "record-02", "record-04"]
        assert self.ids(engine, "-张三 -李四") == []
        assert self.ids(engine, "NOT NOT 张三") == ["record-01", "record-03", "record-05"]

    def test_weightier_fields_then_later_dates_come_first(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        documents = [
            document(0, "张三", date="2026-05-01"),
            document(1, party="张三", date="2020-01-01"),
            document(2, "张三", date="2026-05-01"),
            document(9, "张三", date="2026-06"),
            document(4, "张三", date=""),
            document(5, address="张三", date="2024"),
        ]
        engine.apply(documents, (), 1, nothing_remains)
        by_relevance = [f"record-{n:02d}" for n in (1, 5, 9, 0, 2, 4)]
        by_date = [f"record-{n:02d}" for n in (9, 0, 2, 5, 1, 4)]
        assert self.ids(engine, "张三") == by_relevance
        assert self.ids(engine, "张三", sort="date") == by_date
        for sort, order in (("relevance", by_relevance), ("date", by_date)):
            for offset in range(8):
                for limit in (0, 1, 2, 5, None):
                    total, hits = engine.search(parse("张三"), limit=limit, offset=offset, sort=sort)  # type: ignore[arg-type]
                    assert total == 6
                    end = None if limit is None else offset + limit
                    assert [hit.record_id for hit in hits] == order[offset:end]

    def test_every_term_that_matches_adds_to_the_score(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(0, "张三 换表"), document(1, "换表", party="张三")], (), 1, nothing_remains)
        both = FIELD_WEIGHTS["party"] + FIELD_WEIGHTS["pages"]
        assert engine.search(parse("张三 换表"))[1] == [Hit("record-01", both), Hit("record-00", 2.0)]
        assert engine.search(parse("张三 OR 没有"))[1] == [Hit("record-01", 16.0), Hit("record-00", 1.0)]
        assert engine.search(parse("张三 -没有"))[1] == [Hit("record-01", 16.0), Hit("record-00", 1.0)]

    def test_named_records_alone_count(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(n, "张三") for n in range(6)], (), 1, nothing_remains)
        among = Among(frozenset({"record-01", "record-05", "unknown"}))
        assert engine.search(And((parse("张三"), among)), limit=1) == (2, [Hit("record-01", 1.0)])
        assert engine.search(Among(frozenset())) == (0, [])

    def test_many_readers_in_other_processes_see_whole_states_while_one_writes(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        documents = [document(n, "张三") for n in range(2 * SHARD_SIZE)]
        engine.apply(documents, (), 1, nothing_remains)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            readers = [pool.submit(_totals, self.open, tmp_path / "index", 150) for _ in range(2)]
            for cursor in range(2, 12):
                engine.apply((), {documents.pop().record_id}, cursor, of_shard(*documents))
                documents.append(document(len(documents), "张三"))
                engine.apply(documents[-1:], (), cursor, nothing_remains)
            seen = {total for reader in readers for total in reader.result()}
        assert seen <= {2 * SHARD_SIZE, 2 * SHARD_SIZE - 1}


def _totals(opened: Callable[[Path], SearchEngine], folder: Path, times: int) -> set[int]:
    return {opened(folder).search(parse("张三"))[0] for _ in range(times)}
