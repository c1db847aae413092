"""Edits and what the history tells of them: old and new values, labels, masks, what may not be changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from small_archive import make_small_archive

from recordkit.archive.history import _pairs, values_of

CONTRACT = "供合〔2026〕0001号"
WHEN = ("--as-of", "2026-11-21")


@pytest.fixture
def archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    make_small_archive(tmp_path / "档案 库")
    return Cli(tmp_path / "档案 库", capsys)


def test_history_tells_old_and_new_value_of_every_edit_with_label_and_reason(archive: Cli) -> None:
    archive("edit", CONTRACT, "--set", "盒号=12", "--set", "题名=张三供用水合同（正本）", "--reason", "入盒", *WHEN)
    archive("edit", CONTRACT, "--set", "盒号=13", "--set", "厨房=x", "--reason", "x", *WHEN, expect=3)
    archive("edit", CONTRACT, "--set", "meter_place=阳台", "--set", "盒号=13", "--reason", "换盒", *WHEN)
    filed, first, second = archive.json("history", CONTRACT)["items"]
    assert filed["changes"] == []
    assert first["changes"] == [
        {"field": "title", "label": "题名", "old": "张三供用水合同", "new": "张三供用水合同（正本）"},
        {"field": "box", "label": "盒号", "old": None, "new": "12"},
    ]
    assert first["reason"] == "入盒" and first["keys"] == ["box", "title"] and first["version"] == 2
    assert [(one["field"], one["old"], one["new"]) for one in second["changes"]] == [
        ("box", "12", "13"), ("meter_place", "厨房", "阳台")]
    told = archive("history", CONTRACT, lang="zh")
    assert "12 → 13" in told and "盒号" in told and "换盒" in told


def test_a_long_value_is_shortened_in_the_table_and_whole_in_json(archive: Cli) -> None:
    archive("edit", CONTRACT, "--set", "note=" + "长" * 90, "--reason", "备注", *WHEN)
    assert archive.json("history", CONTRACT)["items"][-1]["changes"][0]["new"] == "长" * 90
    told = archive("history", CONTRACT)
    assert "长" * 39 + "…" in told.replace("\n", "") and "长" * 41 not in told


def test_numbers_of_persons_are_masked_for_who_may_not_see_them(
    archive: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive("edit", CONTRACT, "--set", "phone=13911112222", "--reason", "换号", *WHEN)
    assert archive.json("history", CONTRACT)["items"][-1]["changes"][0]["new"] == "13911112222"
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "three short words")
    archive("key", "create", tmp_path / "admin")
    archive("people", "add", "admin", "--name", "甲", "--role", "administrator", "--staff-no", "G1", "--key",
            tmp_path / "admin.pub", *WHEN)
    (change,) = archive.json("history", CONTRACT)["items"][-1]["changes"]
    assert change["field"] == "phone" and change["new"].startswith("139") and "1111" not in change["new"]
    (change,) = archive.json("history", CONTRACT, "--as", "admin")["items"][-1]["changes"]
    assert change["new"] == "13911112222"


def test_what_makes_the_code_is_not_edited_and_a_slip_is_named(archive: Cli) -> None:
    for name in ("year", "年度", "record_class", "门类", "档号", "period"):
        archive("edit", CONTRACT, "--set", f"{name}=2025", "--reason", "x", *WHEN, expect=3)
        assert "stays as it was filed" in archive.err
    for name in ("版本", "status"):
        archive("edit", CONTRACT, "--set", f"{name}=9", "--reason", "x", *WHEN, expect=3)
        assert "nobody types it" in archive.err and "class, year and period" not in archive.err
    archive("edit", CONTRACT, "--set", "meter_plase=阳台", "--reason", "x", *WHEN, expect=3)
    assert "Did you mean meter_place?" in archive.err
    archive("edit", CONTRACT, "--set", "日期=2026-02-30", "--reason", "x", "--dry-run", *WHEN, expect=3)
    assert archive.json("show", CONTRACT)["version"] == 1


def test_a_held_record_is_edited_and_that_is_said(archive: Cli) -> None:
    hold = archive.json("hold", "place", CONTRACT, "--kind", "debt", "--reason", "欠费", *WHEN)["hold"]
    archive("edit", CONTRACT, "--set", "note=x", "--reason", "x", *WHEN)
    assert hold in archive.err and "held" in archive.err
    assert archive.json("show", CONTRACT)["version"] == 2
    acts = [one["act"] for one in archive.json("history", CONTRACT)["items"]]
    assert acts == ["record.filed", "hold.placed", "record.edited"]


def test_history_reads_no_further_than_the_tables_and_survives_lost_old_versions(archive: Cli) -> None:
    archive("edit", CONTRACT, "--set", "note=x", "--reason", "x", *WHEN)
    ledger = next((archive.store / "ledger").glob("*.jsonl"))
    with ledger.open("ab") as handle:
        handle.write(b'{"act":"record.edited","actor":"x"')  # cut off in the middle
    record_id = archive.json("show", CONTRACT)["record_id"]
    (first,) = [path for path in archive.store.glob("objects/*/*/*/*/v1/content/record.json") if record_id in str(path)]
    first.unlink()
    items = archive.json("history", CONTRACT)["items"]
    assert [one["act"] for one in items] == ["record.filed", "record.edited"] and items[-1]["changes"] == []
    assert "cannot be read" in archive.err


def test_a_number_that_lost_its_zeros_is_refused_and_a_full_width_sign_is_understood(archive: Cli) -> None:
    before = archive.json("show", CONTRACT)["account"]
    assert before.startswith("00")
    for name in ("户号", "account"):
        archive("edit", CONTRACT, "--set", f"{name}={before.lstrip('0')}", "--reason", "x", *WHEN, expect=3)
        assert "leading zeros" in archive.err
    assert archive.json("show", CONTRACT)["account"] == before
    archive("edit", CONTRACT, "--set", "盒号＝2026-01", "--set", "备注=甲＝乙", "--reason", "入盒", *WHEN)
    shown = archive.json("show", CONTRACT)
    assert (shown["paper"]["box"], shown["note"]) == ("2026-01", "甲＝乙")


def test_a_value_under_the_key_of_a_core_field_hides_no_edit_of_it() -> None:
    before: dict[str, Any] = {"title": "甲", "box": None,
                              "fields": {"title": "别的题名", "box": "7", "meter_place": "厨房"}}
    after = {**before, "title": "乙"}
    assert (values_of(before)["title"], values_of(after)["title"]) == ("甲", "乙")
    assert (values_of(before)["box"], values_of(before)["meter_place"]) == ("7", "厨房")
    assert list(values_of(before))[0] == "title"
    keyed_in = {**after, "fields": {**before["fields"], "title": "表上另写的"}}
    assert [pair for pair in _pairs(after, keyed_in) if pair[1] != pair[2]] == [("title", "别的题名", "表上另写的")]
    assert [pair for pair in _pairs(before, after) if pair[1] != pair[2]] == [("title", "甲", "乙")]
