from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from test_lint import ALL, FORM
from word_files import para, word_file

from recordkit.errors import InputRefused
from recordkit.templates.lint import lint_template
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.spec_reader import load_form_spec
from recordkit.templates.tags import scan
from recordkit.templates.wordtext import read_word

SPEC = load_form_spec(FORM.encode())
PIECES = [
    "{{", "}}", "{%", "%}", "{#", "#}", "{", "}", "｛", "｝", "％", " ", "户号", "户名", "if ", "endif", "for m in ",
    "endfor", "计费总水表", "m.注册号", "else", "|", "大写", "'", '"', "“", "”", "（", "）", "=", "==", "p ", "tr ",
    "【", "】", "\t", "/", "\u200b", "set a = 1", "\n", ".", "[", "]", "1", "raw", "endraw", "-", "~", "and ",
]
TEXT = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@settings(max_examples=400, deadline=None)
@given(TEXT)
def test_whatever_is_typed_is_read_without_failing_and_every_place_lies_in_the_text(text: str) -> None:
    tags, slips = scan(text, {"户号", "户名"})
    for one in [*tags, *slips]:
        assert 0 <= one.start < one.end <= len(text)
    assert [tag.start for tag in tags] == sorted(tag.start for tag in tags)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXT, max_size=3))
def test_what_the_engine_refuses_the_check_has_found(texts: list[str]) -> None:
    """The check may be stricter than the engine, never blinder."""
    data = word_file(ALL + "".join(para(text.replace("\n", " ").replace("\t", " ")) for text in texts))
    found = [one for one in lint_template(read_word(data), SPEC) if one.severity == "error"]
    values = {"customer": "张", "account": "1", "reason": "其他", "day": date(2026, 1, 1)}
    try:
        Renderer(SPEC, data).render(values, Letterhead("1", "甲", "乙", date(2026, 1, 1)), None)
    except InputRefused as refusal:
        assert found, (texts, refusal)


def test_long_runs_of_brackets_are_read_to_their_end() -> None:
    for text in ("{" * 20_000, "{ " * 10_000, "【" * 20_000, "{{ a " * 4_000, "{% if 户号 " * 2_000, "｛ x " * 5_000,
                 "'" * 20_000 + "}}"):
        _, slips = scan(text + "｛｛ 户号 ｝｝", {"户号"})
        assert slips[-1].end == len(text) + 8
