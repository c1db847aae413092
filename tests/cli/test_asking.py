"""Questions in a real terminal, answered as a clerk answers them: Chinese, corrections, second thoughts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli
from terminal import Terminal

from recordkit.cli.asking import ask_values
from recordkit.cli.base import App
from recordkit.errors import InputRefused, WrongUsage
from recordkit.templates.forms import load_form, shipped_forms

AS_OF = ("--as-of", ISSUE_DAY)
BACKSPACE = "\x7f"
FORM = """
id = "ask"
name = "问答"
version = "1"
number = "问{seq}"
title = "{户名}"
[roles]
date = "day"
[[fields]]
key = "customer"
label = "户名"
label_en = "Customer"
max_length = 10
example = "张三"
help = "与证件一致。"
[[fields]]
key = "day"
label = "日期"
type = "date"
example = "2026-11-20"
[[fields]]
key = "kind"
label = "类别"
type = "choice"
choices = ["居民", "单位"]
default = "居民"
[[fields]]
key = "bank"
label = "开户行"
required_if = "kind == '单位'"
[[fields]]
key = "agent"
label = "经办人"
type = "person"
required = false
[[fields]]
key = "meters"
label = "水表"
type = "table"
min_rows = 1
max_rows = 3
columns = [{key = "no", label = "注册号"}, {key = "size", label = "口径", type = "calibre"}]
[[fields]]
key = "low"
label = "起度"
type = "integer"
unit = "m³"
[[fields]]
key = "high"
label = "止度"
type = "integer"
[[rules]]
check = "high >= low"
fields = ["low", "high"]
message = "止度小于起度"
"""
SCRIPT = """
import json, sys
from pathlib import Path
from recordkit.cli.asking import ask_values
from recordkit.cli.base import App, report_error
from recordkit.cli.i18n import use_language
from recordkit.errors import RecordkitError
from recordkit.templates.spec_reader import load_form_spec
use_language(sys.argv[4])
save = Path(sys.argv[5]) if len(sys.argv) > 5 else None
try:
    answers = ask_values(App(Path(sys.argv[1])), load_form_spec(Path(sys.argv[2]).read_bytes()),
                         json.loads(sys.argv[3]), save_to=save)
except RecordkitError as error:
    report_error(error)
    sys.exit(error.exit_code)
print("ANSWERS", json.dumps(answers, ensure_ascii=False))
"""


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[list[Terminal]]:
    """Terminals opened by a test; all are closed at its end."""
    (tmp_path / "form.toml").write_text(FORM, encoding="utf-8")
    (tmp_path / "ask.py").write_text(SCRIPT, encoding="utf-8")
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def start(opened: list[Terminal], folder: Path, given: dict[str, object], *more: str, lang: str = "en") -> Terminal:
    terminal = Terminal(str(folder / "ask.py"), str(folder / "store"), str(folder / "form.toml"), json.dumps(given),
                        lang, *more)
    opened.append(terminal)
    return terminal


def result(terminal: Terminal) -> dict[str, object]:
    assert terminal.ends() == 0, terminal.screen
    return dict(json.loads(terminal.screen.partition("ANSWERS ")[2]))


ALL_BUT_KIND = {"户名": "张三", "day": "2026-11-20", "bank": "", "agent": "", "meters": "A|15", "low": 1, "high": 2}


def test_a_whole_document_is_asked_with_corrections_second_thoughts_and_a_summary(
    ask: list[Terminal], tmp_path: Path
) -> None:
    terminal = start(ask, tmp_path, {})
    shown = terminal.answer("1/5 Customer", "?")
    assert "5 question(s)" in shown and "e.g. 张三" in shown
    assert "与证件一致。" in terminal.expect("  > ")
    terminal.type("张三四" + BACKSPACE + "丰\n")  # one backspace takes one wide character
    assert "date" in terminal.answer("2/5 日期", "2026-02-30")
    assert "e.g. 2026-11-20" in terminal.expect("2026-02-30 is not a date") + terminal.expect("  > ")
    terminal.type(BACKSPACE * 5 + "03-02\n")  # the refused answer stands there to be corrected
    terminal.answer("3/5 水表 1 · 注册号", "")
    terminal.expect("This is needed.")
    terminal.answer("", "《")  # back, as a Chinese keyboard writes it
    terminal.answer("2/5 日期", "")  # the old answer stands there
    terminal.answer("3/5 水表 1 · 注册号", "A1")
    terminal.answer("3/5 水表 1 · 口径", "15")
    assert "Enter alone ends the table." in terminal.answer("3/5 水表 2 · 注册号", "A2")
    terminal.answer("3/5 水表 2 · 口径", "<")
    terminal.answer("3/5 水表 2 · 注册号", BACKSPACE * 2)
    assert "m³" in terminal.answer("4/5 起度", "9")
    terminal.answer("5/5 止度", "3")
    terminal.expect("止度小于起度")
    terminal.answer("起度", BACKSPACE + "2")
    terminal.answer("止度", "")
    summary = terminal.answer("  1 Customer: 张三丰", "2")
    assert "3 类别: 居民  (as usual)" in summary and "2 日期: 2026年3月2日" in summary and "A1，DN15" in summary
    assert "May be left empty: 7 开户行, 8 经办人" in summary
    terminal.answer("日期", BACKSPACE + "3")
    terminal.answer("2 日期: 2026年3月3日", "")
    assert result(terminal) == {"customer": "张三丰", "day": "2026-03-03", "kind": "居民",
                                "meters": [{"no": "A1", "size": "15"}], "low": "2", "high": "3"}


def test_what_may_be_left_empty_is_filled_in_from_the_last_screen(ask: list[Terminal], tmp_path: Path) -> None:
    given = {name: value for name, value in ALL_BUT_KIND.items() if name not in ("bank", "agent")}
    terminal = start(ask, tmp_path, given)
    terminal.answer("0 question(s)", "没有的项")
    terminal.answer("There is no line 没有的项.", "?")
    terminal.expect("7 开户行   8 经办人")
    terminal.answer("", "度")
    terminal.answer("Which one: 起度, 止度?", "经办")
    assert "may be left empty" in terminal.answer("经办人", "李四 110101190303070010")
    assert "07001" not in terminal.expect("check digit").split("李四 110101190303070010")[-1]
    terminal.expect("  > ")
    terminal.type(BACKSPACE + "2\n")
    summary = terminal.answer("Enter: all is right.", "")
    assert "李四 110*************12" in summary and "110101190303070012" not in summary
    assert result(terminal)["agent"] == "李四 110101190303070012"


def test_a_whole_row_of_a_table_is_typed_at_once(ask: list[Terminal], tmp_path: Path) -> None:
    given = {name: value for name, value in ALL_BUT_KIND.items() if name != "meters"}
    terminal = start(ask, tmp_path, given)
    assert "A whole row may be typed: 注册号|口径" in terminal.answer("水表 1 · 注册号", "A1|15")
    terminal.answer("水表 2 · 注册号", "A2|999")  # no such calibre: it is told, and stands there to be corrected
    terminal.expect("×")
    terminal.answer("", BACKSPACE * 3 + "20")
    terminal.answer("水表 3 · 注册号", "")
    terminal.answer("Enter: all is right.", "")
    assert result(terminal)["meters"] == [{"no": "A1", "size": "15"}, {"no": "A2", "size": "20"}]


def test_only_what_is_missing_or_refused_is_asked(ask: list[Terminal], tmp_path: Path) -> None:
    terminal = start(ask, tmp_path, {**ALL_BUT_KIND, "day": "昨天"})
    terminal.expect("1 question(s)")
    terminal.expect("昨天 is not a date")
    terminal.answer("1/1 日期", BACKSPACE * 2 + "2026-11-20")
    terminal.answer("Enter: all is right.", "")
    assert result(terminal) == {**{k: v for k, v in ALL_BUT_KIND.items() if k != "户名"}, "customer": "张三",
                                "kind": "居民"}


def test_an_answer_that_makes_another_field_needed_brings_its_question(ask: list[Terminal], tmp_path: Path) -> None:
    terminal = start(ask, tmp_path, {name: value for name, value in ALL_BUT_KIND.items() if name != "bank"})
    terminal.answer("Enter: all is right.", "3")
    terminal.answer("1/1 类别", BACKSPACE * 2 + "2")
    assert "needed" in terminal.answer("2/2 开户行", "清源银行")
    terminal.answer("Enter: all is right.", "")
    assert result(terminal)["bank"] == "清源银行"


def test_a_need_that_hangs_on_a_later_answer_is_asked_for_behind_it(ask: list[Terminal], tmp_path: Path) -> None:
    later = FORM.replace("required_if = \"kind == '单位'\"", 'required_if = "high > 5"')
    (tmp_path / "form.toml").write_text(later, encoding="utf-8")
    given = {name: value for name, value in ALL_BUT_KIND.items() if name not in ("bank", "high")}
    terminal = start(ask, tmp_path, {**given, "kind": "居民"})
    terminal.answer("1/1 止度", "6")
    assert "needed" in terminal.answer("2/2 开户行", "清源银行")
    terminal.answer("Enter: all is right.", "")
    assert result(terminal)["bank"] == "清源银行"


def test_an_empty_field_that_makes_another_one_needed_is_asked_before_it(ask: list[Terminal], tmp_path: Path) -> None:
    unless = FORM.replace("required_if = \"kind == '单位'\"", 'required_if = "agent is none"')
    (tmp_path / "form.toml").write_text(unless, encoding="utf-8")
    given = {name: value for name, value in ALL_BUT_KIND.items() if name not in ("bank", "agent")}
    terminal = start(ask, tmp_path, given)
    assert "may be left empty" in terminal.answer("经办人", "")
    assert "needed" in terminal.answer("开户行", "清源银行")
    terminal.answer("Enter: all is right.", "")
    assert result(terminal)["bank"] == "清源银行"


def test_a_fault_that_no_blamed_answer_mends_leads_to_the_last_screen_where_any_line_can_be_changed(
    ask: list[Terminal], tmp_path: Path
) -> None:
    blind = FORM.replace('fields = ["low", "high"]', 'fields = ["high"]')
    (tmp_path / "form.toml").write_text(blind, encoding="utf-8")
    terminal = start(ask, tmp_path, {**ALL_BUT_KIND, "low": 9})
    terminal.expect("止度小于起度")
    terminal.answer("1/1 止度", "")
    terminal.expect("止度小于起度")
    terminal.answer("A number: change that line. q", "起度")
    terminal.answer("起度", BACKSPACE + "1")
    terminal.answer("Enter: all is right.", "")
    assert result(terminal)["low"] == "1"


def test_the_questions_are_put_in_chinese(ask: list[Terminal], tmp_path: Path) -> None:
    terminal = start(ask, tmp_path, {}, lang="zh")
    assert "户名" in terminal.expect("  > ")


def test_an_interruption_keeps_the_answers_for_their_owner_alone(ask: list[Terminal], tmp_path: Path) -> None:
    kept = tmp_path / "答案.json"
    kept.write_text("old", encoding="utf-8")
    terminal = start(ask, tmp_path, {"day": "2026-11-20"}, str(kept))
    terminal.answer("Customer", "张三")
    terminal.expect("注册号")
    terminal.expect("  > ")
    assert terminal.interrupt() == 130
    assert "答案.json" in terminal.screen and "nothing was done" in terminal.screen
    assert json.loads(kept.read_text(encoding="utf-8")) == {"day": "2026-11-20", "customer": "张三", "kind": "居民"}
    assert kept.stat().st_mode & 0o777 == 0o600
    again = start(ask, tmp_path, json.loads(kept.read_text(encoding="utf-8")))
    again.expect("1/3 水表 1 · 注册号")


def test_stopping_before_the_first_answer_leaves_no_file_that_would_be_refused(
    ask: list[Terminal], tmp_path: Path
) -> None:
    terminal = start(ask, tmp_path, {})
    terminal.expect("Customer")
    terminal.expect("  > ")
    assert terminal.interrupt() == 130
    assert "Stopped before anything was answered" in terminal.screen
    assert not list((tmp_path / "store").rglob("*.json"))


def test_leaving_at_the_summary_keeps_the_answers_in_the_work_folder(ask: list[Terminal], tmp_path: Path) -> None:
    for number in (1, 2):
        terminal = start(ask, tmp_path, {**ALL_BUT_KIND, "low": ""})
        terminal.answer("起度", "1")
        terminal.answer("Enter: all is right.", "q")
        assert terminal.ends() == 130
        kept = tmp_path / "store" / "work" / f"ask-answers-{number}.json"
        assert json.loads(kept.read_text(encoding="utf-8"))["kind"] == "居民"


def test_a_closed_input_keeps_the_answers_too(ask: list[Terminal], tmp_path: Path) -> None:
    terminal = start(ask, tmp_path, {})
    terminal.answer("Customer", "张三")
    terminal.expect("日期")
    terminal.expect("  > ")
    terminal.type("\x04")
    assert terminal.ends() == 130
    assert (tmp_path / "store" / "work" / "ask-answers-1.json").exists()


def test_away_from_a_terminal_the_missing_fields_are_named(tmp_path: Path) -> None:
    spec = load_form(None, "meter-change-notice").spec
    with pytest.raises(WrongUsage) as refused:
        ask_values(App(tmp_path, no_input=True), spec, {"户名": "张三", "户号": "1"})
    assert "Account number" in str(refused.value) and "Customer name" not in str(refused.value)
    with pytest.raises(InputRefused):
        ask_values(App(tmp_path), spec, {"户名称谓": "张三"})


def test_with_everything_given_nothing_is_asked_anywhere(tmp_path: Path) -> None:
    import tomllib

    form = load_form(None, "meter-change-notice")
    sample = tomllib.loads((form.folder / "sample.toml").read_text(encoding="utf-8"))
    assert ask_values(App(tmp_path, no_input=True), form.spec, sample) == sample


def test_a_returned_paper_is_keyed_in_by_questions(cli: Cli, ask: list[Terminal]) -> None:
    data = shipped_forms() / "meter-change-notice" / "sample.toml"
    number = cli.json("generate", "meter-change-notice", "--data", data, *AS_OF)["items"][0]["number"]
    terminal = Terminal("-m", "recordkit", "--store", str(cli.store), "--lang", "zh", "issued", "complete", number,
                        "--ask", "--set", "stop_work=", "--set", "fitted_meter_no=", *AS_OF)
    ask.append(terminal)
    terminal.expect("魏堃换表通知书")
    for label, text in (("旧表行度", "1068"), ("旧铅封状态", "1"), ("新表起度", "0"), ("新表铅封完好度", "完好"),
                        ("换表时间", "2026-11-26 9:25"), ("客户签收", "魏堃"), ("签收时间", "2026年11月26日9时30分")):
        terminal.answer(label, text)
    assert "1068m³" in terminal.expect("2026年11月26日09时30分")
    terminal.answer("", "")
    assert terminal.ends() == 0, terminal.screen
    shown = cli.json("issued", "show", number)
    assert shown["onsite"]["old_seal"] == "完好"
    assert shown["onsite"]["signed_at"] == "2026-11-26T09:30:00"
    cli("issued", "complete", number, "--ask", *AS_OF)  # nothing is missing: nothing is asked
