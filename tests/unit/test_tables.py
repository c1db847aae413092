from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordkit.cli.tables import columns_of, lines_of

CODE = "C001-KF·2026-D10-KFZ-0006"
REASON = "形成于2026-11-17，10年期限自2027-01-01起算。自2037-01-01起到期，应鉴定。"
ROWS = [[CODE, "清源市玥华餐饮店回访记录（走访）", "到期", "2037-01-01", REASON]]
HEADS = ["档号", "题名", "审查结论", "到期日", "原因"]


def test_codes_and_dates_stay_in_one_piece_at_eighty_columns_and_titles_give_way() -> None:
    lines = list(lines_of(ROWS, HEADS, 80, {0, 3}))
    assert max(map(columns_of, lines)) <= 80
    text = "\n".join(lines)
    assert CODE in text
    for day in ("2026-11-17", "2027-01-01", "2037-01-01"):
        assert text.count(day) == REASON.count(day) + (day == "2037-01-01")
    assert "清源市玥华餐饮店回访记录（走访）" not in text
    assert "".join(re.findall(r"[清源市玥华餐饮店回访记录（走）]", text)).startswith("清源市玥华")
    assert not [line for line in lines if re.search(r"(^|\s)[，。；）]", line)], "no line begins with a closing sign"


def test_a_code_inside_a_list_of_a_column_that_gives_way_is_not_broken_either() -> None:
    rows = [["HW6EMGXZZ", "投诉未结", f"{CODE}、{CODE[:-1]}7", "投诉尚未办结"]]
    lines = list(lines_of(rows, ["冻结", "种类", "档案", "原因"], 60, {0}))
    assert CODE in "\n".join(lines) and CODE[:-1] + "7" in "\n".join(lines)


def test_nothing_is_folded_where_nobody_looks_and_all_is_there() -> None:
    head, rule, row = lines_of(ROWS, HEADS, None)
    assert [one.strip() for one in row.split("   ") if one.strip()] == ROWS[0]
    assert set(rule) == {" ", "─"} and "原因" in head


def test_what_has_no_room_stands_under_its_row_and_under_its_heading() -> None:
    rows = [[CODE, "清源市喆源食品有限公司换表通知书", "2026-11-20", "换通〔2026〕0003号", "12"]]
    lines = list(lines_of(rows, ["档号", "题名", "日期", "文书编号", "页数"], 80, {0, 2, 3}))
    assert [line.split() for line in lines] == [
        ["档号", "日期", "文书编号", "页数"], ["题名"], ["─" * 25, "─" * 10, "─" * 18, "─" * 4],
        [CODE, "2026-11-20", "换通〔2026〕0003号", "12"], [rows[0][1]]]
    assert max(map(columns_of, lines)) < 80


def test_several_that_have_no_room_are_named() -> None:
    rows = [[CODE, "清源市喆源食品有限公司换表通知书", "换通〔2026〕0003号"],
            [CODE[:-1] + "7", "", "换通〔2026〕0004号"]]
    lines = list(lines_of(rows, ["档号", "题名", "文书编号"], 40, {0, 2}))
    assert lines == [" 档号", " " + "─" * 25, f" {CODE}", "     题名 清源市喆源食品有限公司换表通",
                     "     知书   文书编号 换通〔2026〕0003号", f" {CODE[:-1]}7", "     文书编号 换通〔2026〕0004号"]


def test_a_column_in_which_nothing_stands_gives_way_before_a_name() -> None:
    rows = [["w1", "姓名甲乙丙丁", "监销人", "2037-01-15", ""], ["w2", "姓名戊己庚辛", "监销人", "2037-01-15", ""]]
    heads = ["人员编号", "姓名", "角色", "登记日期", "撤销日期"]
    beside, *_ = lines_of(rows, heads, 52, {0, 3})
    assert beside.split() == heads[:-1]
    rows[1][-1] = "2037-02-01"  # then it is told, and a name has to go
    assert "2037-02-01" in "\n".join(lines_of(rows, heads, 52, {0, 3}))


def test_a_terminal_narrower_than_a_code_gets_it_whole() -> None:
    assert CODE in "\n".join(lines_of([[CODE, CODE]], ["a", "b"], 20, {0, 1}))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    rows = [[CODE, "题" * 40, "换通〔2026〕0003号", "2026-11-20", "0012003456", REASON]] * 3
    lines = list(lines_of(rows, ["档号", "题名", "文书编号", "日期", "户号", "原因"], width, {0, 2, 3, 4}))
    assert max(map(columns_of, lines)) < width
    for whole in (CODE, "换通〔2026〕0003号", "0012003456"):
        assert "\n".join(lines).count(whole) == 3


def test_signs_that_steer_a_terminal_are_not_printed() -> None:
    text = "\n".join(lines_of([["\x1b[2J\x07甲\x9b1m"]], ["a"], None))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text) and "甲" in text


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.lists(st.text(st.sampled_from("甲乙，。ab1-· 〔〕\n"), max_size=30), min_size=3, max_size=3),
                max_size=4), st.integers(30, 90))
def test_no_character_is_lost_and_pieces_are_whole(rows: list[list[str]], width: int) -> None:
    lines = list(lines_of(rows, ["x", "y", "z"], width))
    bare = sorted("".join("".join(row) for row in rows).replace(" ", "").replace("\n", ""))
    assert sorted(re.sub("[ ─xyz]", "", "".join(lines))) == bare  # x, y and z are the headings
    shown = set(re.split(r"[^!-~·〔〕]+", " ".join(lines)))
    for row in rows:
        for cell in row:
            assert {one for one in re.split(r"[^!-~·〔〕]+", cell) if one} <= shown


@pytest.mark.parametrize(("text", "columns"), [("ab", 2), ("甲b", 3), ("e\u0301", 1), ("（", 2)])
def test_columns_are_those_of_the_terminal(text: str, columns: int) -> None:
    assert columns_of(text) == columns
