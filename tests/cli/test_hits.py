"""What search prints: on a terminal, in a pipe, as JSON."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from hypothesis import given
from hypothesis import strategies as st

from recordkit import files
from recordkit.archive.filing import NewRecord, file_records
from recordkit.archive.search.snippet import MATCH_BEGINS, MATCH_ENDS
from recordkit.cli.base import columns_of
from recordkit.cli.hits import folded
from recordkit.store import make_store, open_store

PAGES = (
    "换表通知书\n户名：张三　户号：0012345678\n用水地址：和平路十号三栋二单元一〇四室\n",
    "换表当日将短暂停水，请提前储水。由此带来不便，敬请谅解！\n换表员：李四\n",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with thirty records of two pages; do not change it."""
    root = tmp_path_factory.mktemp("hits") / "档案 库"
    make_store(root, clock_at(date(2026, 11, 20)), "test", simulation=True)
    workspace = open_store(root, clock_at(date(2026, 11, 20)), "test")
    text = json.dumps({"pages": [{"page": page, "text": one, "source": "ocr"} for page, one in enumerate(PAGES, 1)]})
    with workspace.writing() as writer, workspace.staging() as staging:
        news = []
        for count in range(30):
            paper = staging / f"paper{count}"
            files.write_atomic(paper, str(count).encode())
            news.append(NewRecord(
                "meter-change-notice", f"换表通知书（张三，和平路十号）第{count}件", date(2026, 1, 1 + count), 2,
                {"original.pdf": paper, "text.json": text.encode()}, files.digests_of(paper),
                number=f"换通〔2026〕{count:04}号", form="meter-change-notice", fields={"meter_position": "厨房"},
                extra={"party": "张三", "account": f"0099{count:04}", "labels": {"meter_position": "表位"}},
            ))
        file_records(writer, workspace, news, staging)
    workspace.close()
    return root


@pytest.fixture
def archive(filled: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(filled, capsys)


def test_a_pipe_gets_a_line_for_each_hit_and_its_snippet_below(archive: Cli) -> None:
    out = archive("search", "换表员 张三", "--limit", "2").splitlines()
    assert len(out) == 4
    cells = ["换表通知书（【张三】，和平路十号）第29件", "2026-01-30", "换通〔2026〕0029号", "p. 1, 2"]
    assert out[0].split("  ")[1:] == cells
    assert out[1].startswith("    ")
    assert "【" in out[1]
    assert "\x1b" not in "".join(out)


def test_the_page_of_hits_says_where_it_lies_and_how_to_go_on(archive: Cli) -> None:
    archive("search", "张三", "--limit", "10", "--offset", "10")
    assert "11-20 of 30" in archive.err
    assert "--offset 20" in archive.err
    archive("search", "张三", "--limit", "10", "--offset", "20")
    assert "21-30 of 30" in archive.err
    assert "--offset 30" not in archive.err
    archive("search", "张三", "--limit", "0")
    assert "30 record(s) found." in archive.err
    assert archive("search", "张三", "--offset", "100000") == ""
    assert "30 record(s) found; none behind --offset 100000" in archive.err


def test_the_first_hit_is_opened_at_its_page(archive: Cli) -> None:
    archive("search", "储水", "--limit", "1")
    code, page = re.search(r"recordkit open '?([^' ]+)'? --page (\d)", archive.err).groups()  # type: ignore[union-attr]
    assert page == "2"
    assert archive.json("open", code, "--page", page)["page"] == 2


def test_what_no_page_holds_is_shown_with_the_name_of_its_field(archive: Cli) -> None:
    assert "    Account: 00【990007】" in archive("search", "990007")
    assert "    表位: 【厨房】" in archive("search", "厨房", "--limit", "1")
    assert "    Party: 【张三】" in archive("search", "zs", "--limit", "1")
    assert archive("search", "第7件").count("\n") == 1
    item = archive.json("search", "厨房", "--limit", "1")["items"][0]
    assert (item["field"], item["snippet"], item["pages"]) == ("fields.meter_position", "\u2068厨房\u2069", [])


def test_all_hits_as_json_are_those_of_the_pages_put_together(archive: Cli) -> None:
    everything = archive.json("search", "张三", "--limit", "0", "--facets")
    pages = [archive.json("search", "张三", "--limit", "7", "--offset", offset)["items"] for offset in range(0, 35, 7)]
    assert everything["items"] == [item for page in pages for item in page]
    assert everything["total"] == 30
    assert everything["facets"]["class"] == {"meter-change-notice": 30}
    assert everything["facets"]["status"] == {"active": 30}
    assert everything["facet_names"]["class"] == {"meter-change-notice": "换表通知书"}
    assert set(everything) == {"items", "total", "facets", "facet_names", "took_ms"}
    assert set(archive.json("search", "无此人无此人")) == {"items", "total", "facets", "took_ms"}


def test_many_hits_are_printed_as_they_are_read_in_the_same_document(
    archive: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = archive.json("search", "张三", "--limit", "0", "--facets")
    monkeypatch.setattr("recordkit.cli.hits._HELD", 5)
    assert {**archive.json("search", "张三", "--limit", "0", "--facets"), "took_ms": 0} == {**whole, "took_ms": 0}


def test_facets_are_a_table_with_names(archive: Cli) -> None:
    out = archive("search", "张三", "--facets", "--limit", "1")
    assert re.search(r"class +换表通知书 +30", out)
    assert re.search(r"year +2026 +30", out)
    assert re.search(r"period +10 years +30", out)
    assert re.search(r"status +active +30", out)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        (["和乎路十号"], "such as 和平路十号"),
        (["张三", "王五丁"], "“张三” 30, “王五丁” 0"),
        (["张三", "--year", "1999"], "Without --field, --class, --year, --from and --to: 30"),
        (["和平路十九号巷"], "“和平路十”, 30 record(s)"),
        (["完全没有的"], "Try fewer characters"),
    ],
)
def test_a_search_without_hits_says_what_to_try(archive: Cli, query: list[str], hint: str) -> None:
    assert archive("search", *query) == ""
    assert "0 record(s) found." in archive.err
    assert hint in archive.err


def screen_of(store: Path, monkeypatch: pytest.MonkeyPatch, width: int, *arguments: str) -> str:
    from terminal import Terminal

    monkeypatch.setenv("COLUMNS", str(width))
    shown = Terminal("-m", "recordkit", "--store", str(store), "--lang", "zh", "search", *arguments)
    assert shown.ends() == 0
    return shown.screen


def rows(screen: str) -> Iterator[str]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen).replace("\r", "")
    return (line for line in plain.splitlines() if line)


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of their own are POSIX only")
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_on_a_terminal_no_line_is_wider_than_it(filled: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    screen = screen_of(filled, monkeypatch, width, "张三 换表员", "--limit", "3")
    lines = list(rows(screen))
    table = lines[: next(place for place, line in enumerate(lines) if "recordkit open" in line) - 1]
    assert max(map(columns_of, table)) <= width
    assert sum("C001-" in line for line in table) == 3
    assert sum("换通〔2026〕0029号" in line for line in table) == 1
    assert "\x1b[0;1;33m张三\x1b[0m" in screen
    assert "【" not in screen


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of their own are POSIX only")
def test_without_colour_matches_stand_in_brackets(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = screen_of(filled, monkeypatch, 80, "张三", "--limit", "1")
    assert "\x1b" not in screen
    assert "【张三】" in screen


MARKS = re.compile(f"[{MATCH_BEGINS}{MATCH_ENDS}]")


@given(st.lists(st.tuples(st.text("张三，。 aB1）", max_size=9), st.booleans()), max_size=9), st.integers(4, 20))
def test_folding_loses_nothing_but_spaces_and_every_line_fits(parts: list[tuple[str, bool]], width: int) -> None:
    text = "".join(f"{MATCH_BEGINS}{part}{MATCH_ENDS}" if marked and part else part for part, marked in parts)
    lines = folded(text, width)
    assert MARKS.sub("", "".join(lines)).replace(" ", "") == MARKS.sub("", text).replace(" ", "")
    for line in lines:
        assert columns_of(MARKS.sub("", line)) <= width
        assert re.fullmatch("(b+e)?" * line.count(MATCH_BEGINS), "".join(
            "b" if char == MATCH_BEGINS else "e" for char in line if char in (MATCH_BEGINS, MATCH_ENDS)))


def test_no_line_begins_with_what_closes() -> None:
    assert folded("回访记录（欧阳靖）。", 16) == ["回访记录（欧阳", "靖）。"]
    assert folded("abc DN15 def", 8) == ["abc DN15", "def"]
    assert folded(f"一二{MATCH_BEGINS}三四{MATCH_ENDS}五", 6) == [
        f"一二{MATCH_BEGINS}三{MATCH_ENDS}", f"{MATCH_BEGINS}四{MATCH_ENDS}五"]


def test_the_command_does_not_load_what_draws_tables(archive: Cli) -> None:
    import subprocess

    code = "import sys; from recordkit.cli.main import run; run(sys.argv[1:]); print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "--store", str(archive.store), "search", "张三", "--limit", "1"],
                          capture_output=True, text=True, check=True, env={**os.environ, "PYTHONUTF8": "1"})
    assert done.stdout.splitlines()[-1] == "False"
