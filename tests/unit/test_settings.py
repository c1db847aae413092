"""A setting that cannot be is refused with its key, its value and what is allowed, in the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recordkit.archive_settings import OLD_TERMS, meaning_of_term
from recordkit.errors import InputRefused
from recordkit.new_settings import new_settings_text
from recordkit.settings import (
    _RANGES,
    ArchiveSection,
    CompanySection,
    Settings,
    StoreSection,
    load_settings,
    wrong_settings,
)


def refusal(tmp_path: Path, old: str, new: str) -> InputRefused:
    """The refusal of a new store's settings in which one line was changed."""
    text = new_settings_text(store_id="a", simulation=True, company=CompanySection(), archive=ArchiveSection())
    assert old in text
    (tmp_path / "recordkit.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        load_settings(tmp_path)
    return refused.value


def marked(text: str) -> str:
    """Stands for a translation: every word of the program is in brackets, every parameter is as it was."""
    return re.sub(r"[^{}]+(?![^{]*\})", lambda found: f"<{found[0]}>" if found[0].strip() else found[0], text)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("done_days = 30", "done_days = -1", "ingest.done_days = -1; allowed: 0 to 3650"),
        ("most_pages = 2000", "most_pages = 100001", "ingest.most_pages = 100001; allowed: 1 to 100000"),
        ("page_seconds = 120.0", "page_seconds = nan", "ingest.page_seconds = NaN; allowed: 1 to 3600"),
        ("memory_mb = 3000", "memory_mb = 10", "ingest.memory_mb = 10; allowed: 500 to 1000000"),
        ("watch_seconds = 5.0", "watch_seconds = 0.05", "ingest.watch_seconds = 0.05; allowed: 0.1 to 3600"),
        ("supervisors = 2", "supervisors = 1", "destruction.supervisors = 1; allowed: at least 2"),
        ("total_share = 0.5", "total_share = 0.0", "destruction.total_share = 0.0; allowed: above 0, at most 1"),
        ("wait_seconds = 30.0", "wait_seconds = 3601.0", "locks.wait_seconds = 3601.0; allowed: 0 to 3600"),
        ("q3_years = 2", "q3_years = 51", "meters.q3_years = 51; allowed: 0 to 50"),
        ("q3_above = 16.0", "q3_above = 0.0", "meters.q3_above = 0.0; allowed: above 0, at most 1000000"),
        ("years = 4", "years = 0", "meters.cycles[1].years = 0; allowed: 1 to 50"),
        ("up_to = 50", "up_to = 25", 'allowed: entries whose up_to rises from one to the next'),
        ("-{seq:04}", "", "allowed: a text with {seq} in it"),
        ("{office}", "{place}", "allowed: a text with the placeholders {fonds}, {category}, {class}"),
        ("{seq:04}", "{seq:04!}", "allowed: a text with the placeholders"),
        ('"长期" = "50y"', '"长期" = "fifty"', 'archive.old_terms.长期 = "fifty"; allowed: permanent, or a period'),
        ('"永久" = "permanent"', '"永久" = "30y"', "no setting shortens what is to be kept for ever"),
        ('"短期" = "15y"', '"" = "15y"', "allowed: a term such as 长期 before it"),
        ('rescan = "ask"', 'rescan = "maybe"', 'ingest.rescan = "maybe"; allowed: "ask", "version"'),
        ('search = "tantivy"', "search = 1", 'engines.search = 1; allowed: "tantivy"'),
        ("searchable = true", 'searchable = "yes"', 'ingest.searchable = "yes"; allowed: true or false'),
        ("supervisors = 2", 'supervisors = "two"', 'destruction.supervisors = "two"; allowed: a whole number'),
        ("done_days = 30", "done_days = = 3", "cannot be read as one: done_days = = 3"),
    ],
)
def test_a_wrong_setting_is_told_with_key_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    refused = refusal(tmp_path, old, new)
    assert told in str(refused.what) and refused.todo is not None
    # Nothing of it is English in every language.
    in_another_language = re.sub(r"<[^>]*>", "", refused.what.render(marked))
    assert not re.search(r"\b(allowed|least|above|between|must|whole|text|with|to)\b", in_another_language)


def test_all_mistakes_are_told_in_one_run_wherever_they_stand(tmp_path: Path) -> None:
    text = new_settings_text(store_id="a", simulation=True, company=CompanySection(), archive=ArchiveSection())
    changed = {"done_days = 30": "done_days = -1", '"长期" = "50y"': '"长期" = "fifty"', '"KFZ"': '"K Z"',
               'host = ""': 'host = "mail.example.com"', 'sender = ""': 'sender = "nobody"',
               "receivers = []": 'receivers = ["a@example.com", "乙"]',
               "\ndays = {}": "\ndays = {no-such = 3, complaint-visit = 4000}", "\noff = []": '\noff = ["no-such"]'}
    for old, new in changed.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (tmp_path / "recordkit.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        load_settings(tmp_path)
    assert [one.field for one in refused.value.problems] == [
        "ingest.done_days", "mail.sender", "mail.receivers[1]", "deadlines.days.no-such",
        "deadlines.days.complaint-visit", "deadlines.off", "company.office_code", "archive.old_terms.长期"]
    assert "has 8 mistake(s). First, at ingest.done_days: -1 cannot be" in str(refused.value.what)
    assert str(refused.value.problems[-1].message) == '"fifty" cannot be; allowed: permanent, or a period such as ' \
                                                      "30y or 18m."


def test_every_range_names_a_setting_and_holds_its_default() -> None:
    assert list(wrong_settings(Settings(StoreSection("a")))) == []
    for key, allowed in _RANGES.items():
        section, _, name = key.partition(".")
        assert allowed.holds(getattr(getattr(Settings(StoreSection("a")), section), name))


@pytest.mark.parametrize(("term", "period"), [
    ("永久", "permanent"), ("Y", "permanent"), ("长期", "50y"), (" 长 期 ", "50y"), ("短期", "15y"), ("20年", "20y"),
    ("２０ 年", "20y"), ("定期30年", "30y"), ("定期（10年）", "10y"), ("D30", "30y"), ("d10", "10y"), ("定期", ""),
    ("0年", ""), ("三十年", ""), ("30", ""), ("", ""), ("20年以上", ""),
])
def test_an_old_term_means_what_the_settings_say_or_the_years_it_names_itself(term: str, period: str) -> None:
    assert meaning_of_term(term, OLD_TERMS) == period


def test_the_settings_go_before_the_years_of_a_term_but_never_shorten_what_is_permanent() -> None:
    assert meaning_of_term("10年", {"10年": "30y"}) == "30y" and meaning_of_term("定期", {"定期": "30y"}) == "30y"
    assert meaning_of_term("永久", {"永久": "10y"}) == meaning_of_term("永久", {}) == "permanent"
    assert meaning_of_term("长期", {}) == ""
