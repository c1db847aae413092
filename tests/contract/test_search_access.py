"""Restricted records and the numbers of persons: who is shown what, whatever is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from retention_store import TODAY, Archive, make_archive

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.filing import NewRecord, file_record
from recordkit.archive.search.hints import Hints, hints_of
from recordkit.archive.search.service import SearchRequest, begin_search, search_records
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.retention.holds import place_hold
from recordkit.retention.standing import bound_records
from recordkit.store import open_store
from recordkit.workspace import Workspace

WORDS = ("张三", "和平路", "换表", "110101199003071234", "13800138000", "稽查", "2024", "dn15", "三")
PAGE = "用户张三住和平路十号，身份证110101199003071234，电话13800138000。换表DN15，稽查记录。"


def fill(archive: Archive) -> None:
    for count, record_class in enumerate(("visit-record", "stop-order", "meter-change-notice", "violation-approval",
                                          "rectification-order", "visit-record")):
        with archive.workspace.writing() as writer, archive.workspace.staging() as staging:
            paper = staging / "paper"
            files.write_atomic(paper, f"{count}".encode())
            text = json.dumps({"pages": [{"page": 1, "text": PAGE, "source": "ocr"}]}, ensure_ascii=False).encode()
            new = NewRecord(
                record_class, f"张三第{count}件", date(2020 + count, 6, 1), 1,
                {"original.pdf": paper, "text.json": text}, files.digests_of(paper), form=record_class,
                extra={"party": "张三", "address": "和平路十号", "phone": "13800138000", "account": f"00{count}"},
            )
            file_record(writer, archive.workspace, new, staging)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Six records of equal text, three of them restricted, in a store with people; do not change it."""
    made = make_archive(tmp_path_factory.mktemp("access") / "档案 库")
    made.register("clerk", "clerk")
    fill(made)
    yield made
    made.workspace.close()


def seen_by(archive: Archive, actor: str) -> Workspace:
    archive.workspace.actor = actor
    return archive.workspace


TREES = st.recursive(
    st.sampled_from([*WORDS, "*", "户名:张三", "题名:张三", "张三第0件~", '"张三"', "密级:受限", "类别:稽查"]),
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT {one}"), inner.map(lambda one: f"-({one})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"{two[0]} {two[1]}"),
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES | st.text("张三NOTR ()（）\"*:~-稽查"), st.sampled_from(["relevance", "date", "code"]), st.integers(0, 3))
def test_whatever_is_asked_no_restricted_record_shows(archive: Archive, query: str, sort: str, offset: int) -> None:
    request = SearchRequest(query, sort=sort, limit=None, offset=offset, facets=True)  # type: ignore[arg-type]
    for actor in ("os:somebody", "clerk"):
        try:
            result = search_records(seen_by(archive, actor), request)
        except InputRefused:
            return
        assert {one.record.access for one in result.items} <= {"open"}
        assert len(result.items) == max(0, result.total - offset)
        assert result.total <= 3
        for counts in result.facets.values():
            assert sum(counts.values()) == result.total
        assert set(result.facets["class"]) <= {"visit-record", "meter-change-notice"}


def test_each_role_of_the_setting_sees_what_is_restricted(archive: Archive) -> None:
    for actor in ("admin", "arch", "appr", "boss", "sup1"):
        search = begin_search(seen_by(archive, actor), SearchRequest("张三"))
        assert (search.total, search.shields) == (6, False)
    search = begin_search(seen_by(archive, "clerk"), SearchRequest("张三"))
    assert (search.total, search.shields) == (3, True)


def test_who_is_unknown_or_was_revoked_is_told_so(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        search_records(seen_by(archive, "nobody"), SearchRequest("张三"))
    own = make_archive(tmp_path / "own")
    fill(own)
    own.register("gone", "archivist")
    own.revoke("gone")
    with pytest.raises(RefusedByRule):
        search_records(seen_by(own, "gone"), SearchRequest("张三"))
    own.workspace.close()


def test_numbers_of_persons_are_masked_for_those_without_the_role(archive: Archive) -> None:
    shown = search_records(seen_by(archive, "clerk"), SearchRequest("和平路")).items[0].snippet
    assert "110***********1234" in shown
    assert "13800138000" not in shown
    shown = search_records(seen_by(archive, "arch"), SearchRequest("和平路")).items[0].snippet
    assert "110101199003071234" in shown


def test_a_store_without_people_shows_everything(workspace: Workspace) -> None:
    fill(Archive(workspace.root, workspace))
    search = begin_search(workspace, SearchRequest("张三"))
    assert (search.total, search.shields) == (6, False)
    assert "110101199003071234" in next(search.found()).snippet


def test_a_role_taken_out_of_the_setting_sees_no_more(archive: Archive, tmp_path: Path) -> None:
    own = make_archive(tmp_path / "own")
    fill(own)
    path = own.root / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('restricted_roles = ["archivist", ', "restricted_roles = ["), encoding="utf-8")
    own.reopen()
    assert begin_search(seen_by(own, "arch"), SearchRequest("张三")).total == 3
    assert begin_search(seen_by(own, "appr"), SearchRequest("张三")).total == 6
    own.workspace.close()


def test_what_is_restricted_is_refused_by_every_command_that_shows_it(
    archive: Archive, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cli = Cli(archive.root, capsys)
    records = catalogue.list_records(archive.workspace.db)
    hidden = next(one.code for one in records if one.record_class == "stop-order")
    plain = next(one.code for one in records if one.record_class == "visit-record")
    commands: list[tuple[object, ...]] = [
        ("show",), ("text",), ("history",), ("get", "--out", tmp_path), ("open",),
        ("edit", "--set", "box=1", "--reason", "x", "--dry-run"),
    ]
    for name, *options in commands:
        cli(name, hidden, *options, expect=8)
        assert "archivist" in cli.err
        assert "--as" in cli.err
        cli(name, hidden, *options, "--as", "clerk", expect=8)
        cli(name, hidden, *options, "--json", expect=8)
        cli(name, hidden, *options, "--as", "arch")
        cli(name, plain, *options, *(["--force"] if name == "get" else []))


def test_it_is_said_once_that_restricted_records_are_not_shown(
    archive: Archive, capsys: pytest.CaptureFixture[str], store: Path
) -> None:
    cli = Cli(archive.root, capsys)
    for query in ("张三", "没有这样的词"):  # whether this query would have found some is not told
        cli("search", query)
        assert cli.err.count("Restricted records are not shown") == 1
        assert "archivist" in cli.err
    cli("search", "张三", "--as", "arch")
    assert "Restricted" not in cli.err
    assert "--as arch" in cli.err
    cli.store = store
    cli("search", "张三")
    assert "Restricted" not in cli.err


def test_an_archive_without_restricted_records_says_nothing_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = make_archive(tmp_path / "own")
    own.file("回访记录")
    own.workspace.close()
    cli = Cli(own.root, capsys)
    assert cli.json("search", "回访")["total"] == 1
    assert "Restricted" not in cli.err


def test_hints_know_nothing_of_what_is_restricted(archive: Archive) -> None:
    hidden = "张三第1件"
    for actor, pieces in (("arch", ((hidden, 1),)), ("clerk", (("张三第", 3),))):
        search = begin_search(seen_by(archive, actor), SearchRequest(hidden + "丁戊己"))
        assert (search.total, hints_of(search, restricted=False).pieces) == (0, pieces)
    search = begin_search(seen_by(archive, "clerk"), SearchRequest("110101199003071239", record_class="stop-order"))
    hints = hints_of(search, restricted=True)
    assert (hints.fuzzy, hints.anywhere) == (0, 0)


@pytest.mark.parametrize(
    "guess", ["110101199003071239", "110101199003079999", "13800138009", "1380013999", "13800131", "电话1380019",
              "身份证11010119905", "1101*9", "张三第0件x 13800138009", "电话:138001390"]
)
def test_no_hint_tells_how_far_a_guessed_number_is_right(archive: Archive, guess: str) -> None:
    def hints(actor: str, typed: str) -> Hints:
        return hints_of(begin_search(seen_by(archive, actor), SearchRequest(typed)), restricted=False)

    told = hints("clerk", guess)
    for text in (*told.near, *(piece for piece, _ in told.pieces)):
        assert re.search("[0-9]", text.replace("第0件", "")) is None or set(re.findall("[0-9]+", text)) <= {
            "1", "11", "110", "13", "138", "0", "00", "000", "8", "80", "800", "8000", "34", "234", "1234"}, text
    # A number that is wrong from the first masked digit on is told as much.
    wrong = re.sub("(110|138)[0-9]+", lambda found: found[1] + "7" * (len(found[0]) - 3), guess)
    assert hints("clerk", wrong).fuzzy == told.fuzzy
    assert {len(piece) for piece, _ in hints("clerk", wrong).pieces} == {len(piece) for piece, _ in told.pieces}


def test_who_holds_the_role_gets_every_hint(archive: Archive) -> None:
    search = begin_search(seen_by(archive, "arch"), SearchRequest("110101199003071239"))
    hints = hints_of(search, restricted=False)
    assert (hints.fuzzy, hints.pieces) == (6, (("11010119900307123", 6),))
    assert hints.near == ("11010119900307123",)


def test_a_number_that_stands_in_the_open_is_still_hinted_at(archive: Archive) -> None:
    search = begin_search(seen_by(archive, "clerk"), SearchRequest("和平路十号，身份证119"))
    assert hints_of(search, restricted=False).pieces == (("和平路十号,身份证11", 3),)
    search = begin_search(seen_by(archive, "clerk"), SearchRequest("换表DN19"))
    hints = hints_of(search, restricted=False)
    assert (hints.fuzzy, hints.near, hints.pieces) == (3, ("换表DN1",), (("换表dn1", 3),))


def test_facets_count_every_hit_once(archive: Archive) -> None:
    facets = search_records(seen_by(archive, "arch"), SearchRequest("张三", facets=True)).facets
    assert facets["class"] == {"visit-record": 2, "stop-order": 1, "meter-change-notice": 1, "violation-approval": 1,
                               "rectification-order": 1}
    assert facets["form"] == facets["class"]
    assert facets["year"] == {str(year): 1 for year in range(2020, 2026)}
    assert facets["period"] == {"D10": 3, "D30": 3}
    some = search_records(seen_by(archive, "arch"), SearchRequest("第0件", facets=True)).facets
    assert some["class"] == {"visit-record": 1}


def test_facets_tell_what_is_held_and_what_is_in_an_order(tmp_path: Path) -> None:
    own = make_archive(tmp_path / "own")
    fill(own)
    ids = [one.record_id for one in catalogue.list_records(own.workspace.db)]
    own.propose(ids[0])
    place_hold(own.workspace, kind="complaint", reason="x", account="001")
    place_hold(own.workspace, kind="complaint", reason="x", records=[ids[2]], until=TODAY)
    bound = bound_records(own.workspace)
    assert bound == {"held": frozenset({ids[1], ids[2]}), "ordered": frozenset({ids[0]})}

    def status(actor: str) -> object:
        return search_records(
            seen_by(own, actor), SearchRequest("张三", facets=True, standings=bound_records(own.workspace))
        ).facets["status"]

    assert status("arch") == {"held": 2, "ordered": 1, "active": len(ids) - 3}
    assert status("os:x") == {"held": 1, "ordered": 1, "active": 1}
    place_hold(own.workspace, kind="complaint", reason="x", records=[ids[0]])
    assert status("arch") == {"held": 3, "active": len(ids) - 3}
    own.workspace.close()


def test_a_hold_on_a_former_account_counts(tmp_path: Path) -> None:
    from recordkit.archive.editing import edit_record

    own = make_archive(tmp_path / "own")
    fill(own)
    ids = [one.record_id for one in catalogue.list_records(own.workspace.db)]
    own.workspace.actor = "arch"
    edit_record(own.workspace, ids[3], {"account": "999"}, "更正")
    place_hold(own.workspace, kind="complaint", reason="x", account="003")
    assert bound_records(own.workspace)["held"] == {ids[3]}
    own.workspace.close()


def test_a_search_reopened_from_disk_shields_alike(archive: Archive) -> None:
    from retention_store import clock_on

    opened = open_store(archive.root, clock_on(TODAY), "os:x")
    assert search_records(opened, SearchRequest("张三")).total == 3
    opened.close()
