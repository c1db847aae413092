from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from docx import Document
from word_files import para, run, table, word_file

from recordkit.templates.drafting import _SAMPLES, DraftField
from recordkit.templates.fieldtypes import parse
from recordkit.templates.spec import FieldSpec

LINE = '<w:u w:val="single"/>'


def saved(tmp_path: Path, body: str, **more: Any) -> Path:
    path = tmp_path / "旧 表.docx"
    path.write_bytes(word_file(body, header=None, **more))
    return path


def texts(path: Path) -> str:
    document = Document(str(path))
    lines = [paragraph.text for paragraph in document.paragraphs]
    lines += [cell.text for one in document.tables for row in one.rows for cell in row.cells]
    return "\n".join(lines)


def draft(cli: Cli, tmp_path: Path, body: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Drafts the form ``trial``, which must pass its check and fill; its fields by label, and a draft's text."""
    made = cli.json("forms", "new", "trial", "--from", saved(tmp_path, body))
    assert [one for one in made["findings"] if one["severity"] == "error"] == []
    cli("forms", "check", "trial")
    data = tmp_path / "样.json"
    data.write_text(cli("forms", "sample", "trial", "--json"), encoding="utf-8")
    issued = cli.json("generate", "trial", "--draft", "--data", data, "--out", tmp_path / "稿")
    assert issued["warnings"] == []
    return {one["label"]: one for one in made["fields"]}, texts(Path(issued["items"][0]["path"]))


@pytest.mark.parametrize(
    ("body", "label", "kind", "printed"),
    [
        (para("户名：【户名】"), "户名", "text", "户名：示例"),
        (para("户名：____"), "户名", "text", "户名：示例"),
        (para("户　名：＿＿＿ 元"), "户名", "money", "户　名：100.00 元"),
        (para(inner=run("地址：") + run("      ", LINE) + run("。")), "地址", "text", "地址：示例。"),
        (para("申请日期：20__年__月__日止"), "申请日期", "date", "申请日期：2026年1月5日止"),
        (para("申请日期：    年  月  日"), "申请日期", "date", "申请日期：2026年1月5日"),
        (para("换表时间：____年__月__日__时__分"), "换表时间", "instant", "换表时间：2026年1月5日09时30分"),
        (para("联系电话：________"), "联系电话", "phone", "联系电话：13900000000"),
        (para("身份证号码：________"), "身份证号码", "id_number", "身份证号码：1101"),
        (para("统一社会信用代码：________"), "统一社会信用代码", "uscc", "统一社会信用代码：9111"),
        (para("水表口径：________"), "水表口径", "calibre", "水表口径：DN20"),
        (para("户号：________"), "户号", "account", "户号：0012003456"),
        (para("今收到押金________元整"), "押金", "money", "今收到押金100.00元整"),
        (para("日用水量____m³"), "日用水量", "decimal", "日用水量1.5m³"),
        (para("共____份"), "共", "integer", "共1份"),
        (para("付款方式：□现金　□转账"), "付款方式", "choice", "付款方式：■现金　□转账"),
        (table(["用水地址", ""]), "用水地址", "text", "示例"),
        (table(["是否紧急", "□是 □否"]), "是否紧急", "choice", "■是 □否"),
        (table(["用水性质", "□居民 □单位", "户名", ""]), "用水性质", "choice", "■居民 □单位"),
        (table(["户名", "水表口径"], ["", ""]), "水表口径", "calibre", "DN20"),
        (para("领用材料：") + table(["序号", "名称", "数量"], ["1", "", ""], ["2", "", ""]), "领用材料", "table",
         "1\n示例\n1"),
    ],
)
def test_a_blank_becomes_a_field_that_prints_where_the_blank_stood(
    cli: Cli, tmp_path: Path, body: str, label: str, kind: str, printed: str
) -> None:
    fields, text = draft(cli, tmp_path, para("维修申请单") + para("填表日期：____年__月__日") + body)
    assert fields[label]["type"] == kind
    assert printed in text
    assert "____" not in text
    assert "{{" not in text


def test_what_is_signed_by_hand_stays_blank_and_is_asked_for_later(cli: Cli, tmp_path: Path) -> None:
    body = para("单子") + para("日期：____年__月__日") + para("客户签字：______ 签字日期：    年  月  日")
    fields, text = draft(cli, tmp_path, body)
    assert {one: fields[one]["stage"] for one in ("日期", "客户签字", "签字日期")} == {
        "日期": "before", "客户签字": "onsite", "签字日期": "onsite"}
    assert "客户签字：______ 签字日期：    年  月  日" in text


def test_the_first_number_blank_takes_the_document_s_own_number(cli: Cli, tmp_path: Path) -> None:
    body = para("单子") + para("编号：______") + para("户名：____ 日期：____年__月__日")
    fields, _ = draft(cli, tmp_path, body)
    assert set(fields) == {"户名", "日期"}
    assert "{{ 文书编号 }}" in texts(cli.store / "forms" / "trial" / "template.docx")


def test_equal_words_give_two_fields_and_a_question(cli: Cli, tmp_path: Path) -> None:
    body = para("单子") + para("日期：____年__月__日") + para("甲方电话：____ 电话：____") + para("电话：____")
    made = cli.json("forms", "new", "trial", "--from", saved(tmp_path, body))
    assert {"电话", "电话_2", "甲方电话"} < {one["label"] for one in made["fields"]}
    assert any("电话_2" in one for one in made["undecided"])


def test_a_name_in_brackets_used_twice_is_one_field(cli: Cli, tmp_path: Path) -> None:
    fields, text = draft(cli, tmp_path, para("单子") + para("【户名】于【日期】申请，【户名】已签字"))
    assert set(fields) == {"户名", "日期"}
    assert "示例于2026年1月5日申请，示例已签字" in text


def test_a_file_with_tags_keeps_them_and_its_names_become_fields(cli: Cli, tmp_path: Path) -> None:
    body = (
        para("过户登记表")
        + para("{{ 客户.姓名 }}于{{ 办理日期|中文日期 }}办理，{% if 方式 == '买卖' %}买卖{% endif %}")
        + para("{% if 备注 %}{{ 备注 }}{% endif %}")
        + para("金额{{ 金额|大写 }}，客户签字：{{ 客户签字 }}，{{ 文书编号 }}，线条____")
        + table(["表号", "行度"], ["{%tr for b in 水表 %}", ""], ["{{ b.表号 }}", "{{ b.行度 }}"],
                ["{%tr endfor %}", ""])
    )
    fields, text = draft(cli, tmp_path, body)
    assert {label: one["type"] for label, one in fields.items()} == {
        "客户_姓名": "text", "办理日期": "date", "方式": "choice", "备注": "text", "金额": "money", "客户签字": "text",
        "水表": "table"}
    assert "示例于二〇二六年一月五日办理，买卖" in text
    assert "线条____" in text
    spec = tomllib.loads((cli.store / "forms" / "trial" / "form.toml").read_text(encoding="utf-8"))
    needed = {one["label"]: one.get("required", True) for one in spec["fields"]}
    assert (needed["备注"], needed["办理日期"]) == (False, True)


def test_the_codes_come_into_the_header_and_a_paper_can_be_matched(cli: Cli, tmp_path: Path) -> None:
    from recordkit.templates.looks import find_looks
    from recordkit.templates.wordtext import read_word

    cli("forms", "new", "trial", "--from", saved(tmp_path, para("单子") + para("日期：____年__月__日")))
    data = (cli.store / "forms" / "trial" / "template.docx").read_bytes()
    assert not [one.code for one in find_looks(read_word(data)) if "code" in one.code]


def test_nothing_is_overwritten_unless_forced_and_equal_input_gives_equal_files(cli: Cli, tmp_path: Path) -> None:
    source = saved(tmp_path, para("单子") + para("日期：____年__月__日"))
    cli("forms", "new", "trial", "--from", source, "--dry-run")
    assert not (cli.store / "forms" / "trial").exists()
    cli("forms", "new", "trial", "--from", source)
    folder = cli.store / "forms" / "trial"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"form.toml", "template.docx", "sample.toml"}
    cli("forms", "new", "trial", "--from", source, expect=3)
    assert "--force" in cli.err
    cli("forms", "new", "trial", "--from", source, "--force")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    cli("forms", "new", "trial", "--from", source, "--out", tmp_path / "别处")
    assert (tmp_path / "别处" / "trial" / "form.toml").is_file()


def test_what_cannot_become_a_form_is_refused_with_a_reason(cli: Cli, tmp_path: Path) -> None:
    source = saved(tmp_path, para("没有空白"))
    cli("forms", "new", "trial", "--from", source, expect=3)
    assert "nothing to fill in" in cli.err
    cli("forms", "new", "维修", "--from", source, expect=3)
    assert "lower-case" in cli.err
    cli("forms", "new", "trial", "--from", tmp_path / "无.docx", expect=5)
    (tmp_path / "旧.doc").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 100)
    cli("forms", "new", "trial", "--from", tmp_path / "旧.doc", expect=3)
    assert "Save it as .docx" in cli.err
    assert not (cli.store / "forms" / "trial").exists()


@pytest.mark.parametrize("kind", sorted(_SAMPLES))
def test_every_invented_sample_value_is_valid(kind: str) -> None:
    spec = FieldSpec(key="a", label="甲", type=kind)  # type: ignore[arg-type]
    assert parse(DraftField("a", "甲", kind).sample, spec).faults == ()
