"""What every search engine must do; a new engine subclasses ``EngineContract`` and says how it is opened."""

import multiprocessing
import os
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from recordkit.archive.search.grams import FIELD_WEIGHTS
from recordkit.archive.search.parser import FIELD_ALIASES, parse
from recordkit.archive.search.port import Hit, IndexDamaged, IndexDocument, SearchEngine, Sort
from recordkit.archive.search.query import Among, And, Dated, Everything, Is, Not, Or, Query, Term
from recordkit.archive.search.shards import ShardKind
from recordkit.errors import StoreBusy
from recordkit.files import make_folder, remove_tree

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
    def open(self, folder: Path, shard_size: int = SHARD_SIZE) -> SearchEngine:
        """The engine over ``folder``, with shards of so many records."""

    @abstractmethod
    def kind(self) -> ShardKind:
        """How the engine keeps a shard."""

    @abstractmethod
    def strays(self, shard: Path) -> set[str]:
        """Files of a shard that belong to no segment that counts, and are no part of how the engine works."""

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

    def test_no_number_goes_on_from_one_record_to_the_next(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        values = [{"pinyin": "liying", "account": "0012123"}, {"pinyin": "liying", "account": "1231234"}]
        engine.apply([document(n, **one) for n, one in enumerate(values)], (), 1, nothing_remains)
        assert self.ids(engine, "pinyin:ingying") == []
        assert self.ids(engine, "pinyin:liying") == ["record-00", "record-01"]
        assert self.ids(engine, "户号:12123123 OR 户号:2123123") == []
        assert self.ids(engine, "户号:1231234") == ["record-01"]

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

    def test_records_are_sorted_by_their_code_whatever_they_score(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        codes = ["C1·2026-D30-0007", "", "C1·2025-Y-0001", "C1·2026-D30-0010", "C1·2025-D10-0002", "B", "乙", "c"]
        documents = [
            IndexDocument(code or "none", n, {"title": ("张三",)} if n % 3 else {}, ("张三",), f"20{n + 10}", code)
            for n, code in enumerate(codes)
        ]
        engine.apply(documents, (), 1, nothing_remains)
        expected = ["none", *sorted(filter(None, codes))]
        assert self.ids(engine, "张三", sort="code") == expected
        assert self.ids(engine, "张三", sort="code", limit=3, offset=2) == expected[2:5]
        scores = {hit.record_id: hit.score for hit in engine.search(parse("张三"))[1]}
        assert {hit.record_id: hit.score for hit in engine.search(parse("张三"), sort="code")[1]} == scores

    def test_a_keyword_is_matched_whole_and_as_it_is(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        values = ["visit-record", "visit-record", "visit-records", "Visit-Record", ""]
        documents = [
            IndexDocument(f"r{n}", n, {}, ("供水",), "", keywords={"class": value} if value else {"year": "2026"})
            for n, value in enumerate(values)
        ]
        engine.apply(documents, (), 1, nothing_remains)
        assert found(engine, Is("class", "visit-record")) == {"r0", "r1"}
        assert found(engine, Is("class", "visit")) == found(engine, Is("form", "visit-record")) == set()
        assert found(engine, And((parse("供水"), Not(Is("class", "visit-record"))))) == {"r2", "r3", "r4"}
        classes = {"visit-record": 2, "visit-records": 1, "Visit-Record": 1}
        assert engine.tally(Everything(), ["period", "class"]) == {"period": {}, "class": classes}
        del classes["visit-record"]
        assert engine.tally(Not(Is("class", "visit-record")), ["class"]) == {"class": classes}

    def test_a_tally_counts_the_latest_versions_of_every_shard(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")

        def of_year(n: int, year: int) -> IndexDocument:
            return IndexDocument(f"r{n}", n, {}, ("供水",), "", keywords={"year": str(year)})

        engine.apply([of_year(n, 2020) for n in range(10)], (), 1, nothing_remains)
        engine.apply([of_year(n, 2021) for n in (1, 6, 9)], (), 2, nothing_remains)
        assert engine.tally(parse("供水"), ["year"])["year"] == {"2020": 7, "2021": 3}

    def test_dates_are_compared_as_spans_and_bounds_are_included(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        dates = ["2026-03-02", "2026-03", "2026", "2025-12-31", "2027-01-01", "", "1999-06-15"]
        engine.apply([document(n, date=date, record_id=date or "none") for n, date in enumerate(dates)], (), 1,
                     nothing_remains)
        for since, until, expected in (
            ("2026-03-02", "2026-03-02", {"2026-03-02"}),
            ("2026-03", "2026-03", {"2026-03", "2026-03-02"}),
            ("2026", "2026", {"2026", "2026-03", "2026-03-02"}),
            ("2026-03-03", None, {"2027-01-01"}),
            (None, "2025", {"2025-12-31", "1999-06-15"}),
            ("2025-12-31", "2027-01-01", {"2025-12-31", "2026", "2026-03", "2026-03-02", "2027-01-01"}),
            ("2027", "2026", set()),
            (None, None, set(filter(None, dates))),
        ):
            assert found(engine, Dated(since, until)) == expected, (since, until)
        assert found(engine, Not(Dated(None, None))) == {"none"}

    def test_everything_and_named_records(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([document(n) for n in range(6)], (), 1, nothing_remains)
        engine.apply([document(2, "供水")], (), 2, nothing_remains)
        every = {f"record-{n:02d}" for n in range(6)}
        assert found(engine, Everything()) == found(engine, Not(Among(frozenset()))) == every
        assert found(engine, Not(Everything())) == set()
        assert found(engine, Not(Among(frozenset({"record-03", "record-99"})))) == every - {"record-03"}
        assert {hit.score for hit in engine.search(Everything())[1]} == {0.0}

    def test_a_value_begins_and_ends_with_a_term(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        titles = ["张三换表", "换表张三", "换表", "表换", "换", "换表 DN15", "第2页换表"]
        engine.apply([document(n, title=title, record_id=title) for n, title in enumerate(titles)], (), 1,
                     nothing_remains)
        for field in ("title", None):
            assert found(engine, Term(field, "换表", begins=True)) == {"换表张三", "换表", "换表 DN15"}
            assert found(engine, Term(field, "换表", ends=True)) == {"张三换表", "换表", "第2页换表"}
            assert found(engine, Term(field, "换表", begins=True, ends=True)) == {"换表"}
            assert found(engine, Term(field, "换", begins=True)) == {"换表张三", "换表", "换", "换表 DN15"}
            assert found(engine, Term(field, "换", ends=True)) == {"表换", "换"}
            assert found(engine, Term(field, "换", begins=True, ends=True)) == {"换"}
            assert found(engine, Term(field, "dn15", ends=True)) == {"换表 DN15"}
        assert found(engine, Term("party", "换表", begins=True)) == set()

    def test_each_of_several_values_has_a_beginning_and_an_end(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        engine.apply([IndexDocument("r", 0, {"party": ("张三", "李四")}, ("王五 赵六",), "")], (), 1, nothing_remains)
        for text, begins, ends, expected in (
            ("李四", True, True, {"r"}), ("三", False, True, {"r"}), ("李", True, False, {"r"}),
            ("四", True, False, set()), ("张", False, True, set()), ("赵六", True, False, set()),
        ):
            assert found(engine, Term(None, text, begins, ends)) == expected, text

    def test_one_character_of_a_fuzzy_term_may_be_wrong_or_missing_at_its_ends(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        pages = ["甲乙丙丁", "子甲乙丑丁寅", "乙丙丁戊", "甲乙丙", "甲丙丁", "子乙丙丁", "甲子乙丙丁", "甲乙丙寅"]
        engine.apply([document(n, page, record_id=page) for n, page in enumerate(pages)], (), 1, nothing_remains)
        near = {"甲乙丙丁", "子甲乙丑丁寅", "乙丙丁戊", "甲乙丙", "子乙丙丁", "甲子乙丙丁", "甲乙丙寅"}
        assert found(engine, Term(None, "甲乙丙丁", fuzzy=True)) == near
        assert found(engine, Term("pages", "甲乙丙丁", begins=True, fuzzy=True)) == {
            "甲乙丙丁", "甲乙丙", "子乙丙丁", "甲乙丙寅"
        }
        assert found(engine, Term("pages", "甲乙丙丁", ends=True, fuzzy=True)) == {
            "甲乙丙丁", "子乙丙丁", "甲子乙丙丁", "甲乙丙寅"
        }
        assert found(engine, Term("title", "甲乙丙丁", fuzzy=True)) == set()

    def test_a_form_field_is_searched_by_its_key(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        fields = {
            "a": {"reason": ("逾龄", "停滞"), "place": ("厨房",)},
            "b": {"reason": ("厨房",), "reasons": ("逾龄",)},
        }
        documents = [
            IndexDocument(name, n, {"fields": tuple(v for some in form.values() for v in some)}, (), "", "", form)
            for n, (name, form) in enumerate(fields.items())
        ]
        engine.apply(documents, (), 1, nothing_remains)
        assert found(engine, Term("fields.reason", "逾龄")) == {"a"}
        assert found(engine, Term("fields.reasons", "逾")) == {"b"}
        assert found(engine, Term("fields.reason", "厨房")) == {"b"}
        assert found(engine, Term("fields.reason", "龄停")) == found(engine, Term("fields.other", "厨房")) == set()
        assert found(engine, Term("fields.reason", "滞", begins=True)) == set()
        assert found(engine, Term("fields.reason", "滞", ends=True)) == {"a"}
        assert found(engine, Term("fields", "厨房")) == {"a", "b"}
        score = FIELD_WEIGHTS["fields"]
        assert engine.search(Term("fields.place", "厨房"))[1] == [Hit("a", score)]

    @pytest.mark.parametrize("sort", ["relevance", "date", "code"])
    def test_every_page_is_cut_from_the_same_list(self, sort: Sort, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index", shard_size=25)
        rng = random.Random(3)
        fields = ["title", "party", "address", "account", "fields"]
        documents = [
            IndexDocument(
                f"r{n:03d}", n, {name: ("张三",) for name in rng.sample(fields, rng.choice([0, 0, 0, 1, 2]))},
                ("张三", "李四" * rng.randrange(2)), f"2026-0{rng.randrange(1, 4)}", f"C{rng.randrange(10**6):06d}",
            )
            for n in range(110)
        ]
        engine.apply(documents, (), 1, nothing_remains)
        engine.apply(rng.sample(documents, 30), (), 2, nothing_remains)
        for text in ("张三", "张三 OR 李四", "张三 李四", "李四 -title:张三", "-李四"):
            total, every = engine.search(parse(text), sort=sort)
            assert total == len(every) > 20
            for offset in (0, 1, 7, 19, total - 3, total - 1, total, total + 5):
                for limit in (1, 2, 10, 40):
                    assert engine.search(parse(text), limit=limit, offset=offset, sort=sort) == (
                        total, every[offset : offset + limit]
                    ), (text, offset, limit)

    def test_the_few_replaced_among_many_are_found_in_no_way(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index", shard_size=64)

        def of_class(n: int, text: str, name: str) -> IndexDocument:
            return IndexDocument(f"r{n:02d}", n, {}, (text,), "2026", f"C{n}", {}, {"class": name})

        engine.apply([of_class(n, "张三", "old") for n in range(50)], (), 1, nothing_remains)
        engine.apply([of_class(n, "李四", "new") for n in (7, 23)], (), 2, nothing_remains)
        left = {f"r{n:02d}" for n in range(50)} - {"r07", "r23"}
        assert found(engine, parse("张三")) == found(engine, Is("class", "old")) == left
        assert found(engine, parse("-张三")) == found(engine, parse("李四")) == {"r07", "r23"}
        assert len(found(engine, Everything())) == len(found(engine, Dated("2026", None))) == 50
        assert found(engine, Among(frozenset({"r07", "r08"}))) == {"r07", "r08"}
        assert engine.tally(Everything(), ["class"])["class"] == {"old": 48, "new": 2}
        for sort in ("relevance", "date", "code"):
            assert "r07" not in self.ids(engine, "张三", sort=sort, limit=10)

    def test_of_more_equal_scores_than_fit_the_latest_are_shown(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index", shard_size=64)
        documents = [document(n, "张三 李四", date=f"20{99 - n % 50:02d}") for n in range(100)]
        documents[70] = document(70, title="张三", date="1999")
        engine.apply(documents, (), 1, nothing_remains)
        latest = [f"record-{n:02d}" for n in (0, 50, 1, 51, 2, 52)]
        assert self.ids(engine, "张三 OR 王五", limit=7) == ["record-70", *latest]
        assert self.ids(engine, "张三 李四", limit=6) == latest
        assert self.ids(engine, "-王五", limit=6) == latest

    def test_terms_of_a_group_that_does_not_hold_as_a_whole_do_not_count(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index", shard_size=64)
        documents = [document(n, "李四", title="张三") for n in range(10)]
        documents += [document(n, "李四 王五", title="张三") for n in range(10, 20)]
        documents += [document(n, "李四", date="2030") for n in range(20, 30)]
        engine.apply(documents, (), 1, nothing_remains)
        query = parse("李四 OR (张三 王五)")
        every = engine.search(query)[1]
        assert [hit.score for hit in every] == [18.0] * 10 + [1.0] * 20
        for count in (3, 10, 12, 25):
            assert engine.search(query, limit=count)[1] == every[:count]

    def test_an_old_record_that_matches_many_terms_stays_before_new_ones_that_tie(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index")
        words = "甲乙丙丁戊己庚辛壬癸"
        documents = [
            document(0, title=words, date="2001-01-01"),
            *(document(n, words[0], date=f"2026-05-{n:02d}") for n in range(1, 4)),
        ]
        for cursor, one in enumerate(documents, start=1):
            engine.apply([one], (), cursor, nothing_remains)
        for limit, expected in ((1, [0]), (2, [0, 3]), (3, [0, 3, 2])):
            assert self.ids(engine, " OR ".join(words), limit=limit) == [f"record-{n:02d}" for n in expected]

    def test_a_query_of_many_terms_is_ranked_as_exactly_as_one_of_few(self, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index", shard_size=50)
        rng = random.Random(5)
        words = [a + b for a in "甲乙丙丁" for b in "子丑寅卯"]
        documents = [
            IndexDocument(f"r{n:03d}", n, {"title": (rng.choice(words),), "address": (rng.choice(words),)},
                          (" ".join(rng.sample(words, 8)),), "2026")
            for n in range(120)
        ]
        engine.apply(documents, (), 1, nothing_remains)
        query = Or(tuple(Term(None, word) for word in words))
        total, every = engine.search(query)
        assert total == 120
        assert [(-hit.score, hit.record_id) for hit in every] == sorted((-hit.score, hit.record_id) for hit in every)
        for count in (1, 5, 20):
            assert engine.search(query, limit=count)[1] == every[:count]

    def test_the_size_stays_near_that_of_a_fresh_index_and_no_file_is_left_over(self, tmp_path: Path) -> None:
        # Not more at once: tantivy merges eight segments at a time, and until then keeps what was replaced.
        self.update_often(tmp_path, at_once=10)

    @pytest.mark.slow
    def test_the_size_stays_near_that_of_a_fresh_index_after_a_thousand_commits(self, tmp_path: Path) -> None:
        self.update_often(tmp_path, at_once=1)

    def update_often(self, folder: Path, at_once: int) -> None:
        """Update 1,000 records and compare with an index that never held their earlier versions."""
        rng = random.Random(1)
        letters = [chr(code) for code in range(0x4E00, 0x4E00 + 200)]

        def version(n: int) -> IndexDocument:
            return document(n, "".join(rng.choices(letters, k=100)), title="".join(rng.choices(letters, k=8)))

        engine = self.open(folder / "updated", shard_size=100)
        documents = {n: version(n) for n in range(150)}
        engine.apply(documents.values(), (), 1, nothing_remains)
        for cursor in range(1_000 // at_once):
            changed = {n: version(n) for n in rng.sample(range(150), at_once)}
            documents |= changed
            engine.apply(changed.values(), (), cursor, nothing_remains)
        fresh = self.open(folder / "fresh", shard_size=100)
        fresh.apply(documents.values(), (), 1, nothing_remains)
        assert len(folder_bytes(folder / "updated")) <= 1.5 * len(folder_bytes(folder / "fresh"))
        for shard in (folder / "updated").glob("shard-*"):
            assert self.strays(shard) == set()
        for text in ("一 OR 丁", "丂", "-一"):
            assert engine.search(parse(text)) == fresh.search(parse(text))

    def test_the_size_stays_near_that_of_a_fresh_index_when_many_are_replaced_at_once(self, tmp_path: Path) -> None:
        folder, documents, asked = tmp_path / "index", replaced_in(0), []

        def newest(shard: int) -> Iterable[IndexDocument]:
            asked.append(shard)
            return documents

        engine = self.open(folder, shard_size=400)
        engine.apply(documents, (), 1, nothing_remains)
        fresh = len(folder_bytes(folder))
        for cursor in range(2, 12):
            documents = replaced_in(cursor, documents)
            engine.apply([one for one in documents if f"批{cursor}" in one.pages[0]], (), cursor, newest)
            assert len(folder_bytes(folder)) <= 1.5 * fresh
            assert engine.cursor() == cursor
            assert engine.search(parse(f"批{cursor}"))[0] == 80
            assert engine.search(Everything())[0] == 300
        assert len(asked) <= 8

    def test_a_reader_that_was_opened_before_a_commit_sees_what_it_saw(self, tmp_path: Path) -> None:
        kind = self.kind()
        shard = make_folder(tmp_path / "shard")
        kind.create(shard)

        def write(*documents: IndexDocument) -> None:
            writer = kind.writer(shard)
            for one in documents:
                writer.put(one)
            writer.commit()

        write(*(document(n, "张三", title=f"第{n}户") for n in range(20)))
        reader = kind.reader(shard)
        for n in range(20):
            write(document(n, "李四"), document(20 + n, "张三"))
        if os.name != "nt":  # Windows does not give up a file that is read
            remove_tree(shard)
        assert reader.best(parse("李四"), None, "date") == (0, [])
        total, hits = reader.best(parse("张三"), None, "date")
        assert total == 20
        assert [reader.record_id(hit.place) for hit in hits] == [f"record-{n:02d}" for n in range(20)]
        assert reader.held({"record-05", "record-25"}) == {"record-05"}
        assert reader.best(parse("title:第7户"), None, "relevance")[0] == 1

    def test_a_second_writer_is_refused_and_the_first_goes_on(self, tmp_path: Path) -> None:
        kind = self.kind()
        shard = make_folder(tmp_path / "shard")
        kind.create(shard)
        writer = kind.writer(shard)
        with pytest.raises(StoreBusy):
            kind.writer(shard)
        writer.put(document(0, "张三"))
        writer.commit()
        kind.writer(shard).abandon()
        assert kind.reader(shard).held({"record-00"}) == {"record-00"}

    @pytest.mark.parametrize("begun", [1, 2, 5])
    def test_a_writer_killed_at_any_moment_leaves_whole_batches_and_no_file(self, begun: int, tmp_path: Path) -> None:
        engine = self.open(tmp_path / "index", shard_size=50)
        engine.apply(batch(1), (), 1, nothing_remains)
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=_writes_on, args=(self.open, tmp_path / "index", there))
        child.start()
        for _ in range(begun):
            here.recv_bytes()
        child.kill()
        child.join()
        engine = self.open(tmp_path / "index", shard_size=50)
        cursor = engine.cursor()
        assert cursor >= max(1, begun)
        total, hits = engine.search(Everything())
        assert total == len({hit.record_id for hit in hits}) == 40
        # The batch after the cursor is there as a whole or not at all: all lie in one shard.
        assert {engine.search(parse(f"第{n}批"))[0] for n in (cursor, cursor + 1)} == {0, 40}
        engine.apply(batch(cursor + 1), (), cursor + 1, nothing_remains)
        assert engine.search(parse(f"第{cursor + 1}批"))[0] == 40
        for shard in (tmp_path / "index").glob("shard-*"):
            assert self.strays(shard) == set()

    def test_shards_built_side_by_side_are_the_same_as_one_after_the_other(self, tmp_path: Path) -> None:
        found = []
        for jobs in (1, 2):
            engine = self.open(tmp_path / f"{jobs}", shard_size=20)
            assert engine.rebuild([0, 1], _half_of_a_batch, 1, jobs=jobs) == 40
            found.append(engine.search(parse("供水")))
        assert found[0] == found[1] and found[0][0] == 40

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


def replaced_in(cursor: int, before: Sequence[IndexDocument] = ()) -> list[IndexDocument]:
    """300 documents of random text; of those before, 80 are kept in new versions, which say so."""
    rng = random.Random(cursor)
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 200)]
    changed = set(rng.sample(range(300), 80)) if before else set(range(300))
    return [
        document(n, f"批{cursor} " + "".join(rng.choices(letters, k=100))) if n in changed else before[n]
        for n in range(300)
    ]


def found(engine: SearchEngine, query: Query) -> set[str]:
    total, hits = engine.search(query)
    ids = {hit.record_id for hit in hits}
    assert total == len(hits) == len(ids)
    return ids


def batch(number: int) -> list[IndexDocument]:
    return [document(n, f"第{number}批 供水单位应当保证水质") for n in range(40)]


def _half_of_a_batch(shard: int) -> list[IndexDocument]:
    return batch(1)[20 * shard : 20 * shard + 20]


def _writes_on(opened: Callable[..., SearchEngine], folder: Path, told: Connection) -> None:
    """Write batch after batch until killed; tell before each."""
    engine = opened(folder, shard_size=50)
    for number in range(2, 10_000):
        told.send_bytes(b".")
        engine.apply(batch(number), (), number, nothing_remains)


def _totals(opened: Callable[[Path], SearchEngine], folder: Path, times: int) -> set[int]:
    return {opened(folder).search(parse("张三"))[0] for _ in range(times)}
