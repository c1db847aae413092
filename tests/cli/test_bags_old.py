"""What a bag brings of an older archive: its order, its old terms, and the boxes that are not ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bags import AS_OF, TITLES, edited, fill, other_store, remade
from conftest import Cli


@pytest.fixture
def filled(cli: Cli, tmp_path: Path) -> tuple[Cli, list[dict[str, Any]]]:
    return cli, fill(cli, tmp_path)


@pytest.fixture
def bag(filled: tuple[Cli, list[dict[str, Any]]], tmp_path: Path) -> Path:
    filled[0]("export", "--class", "回访记录", "--out", tmp_path / "移交 包", *AS_OF)
    return tmp_path / "移交 包"


@pytest.fixture
def other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(other_store(tmp_path / "另一 库"), capsys)


def relisted(bag: Path, items: list[dict[str, Any]] | object) -> Path:
    path = bag / "data" / "transfer-list.json"
    plain = json.loads(path.read_bytes())
    plain["items"] = items
    path.write_text(json.dumps(plain, ensure_ascii=False), "utf-8")
    return remade(bag)


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0)])
def test_records_are_filed_in_the_order_of_the_transfer_list(bag: Path, other: Cli, order: tuple[int, ...]) -> None:
    items = json.loads((bag / "data" / "transfer-list.json").read_bytes())["items"]
    relisted(bag, [items[at] for at in order])
    wanted = [TITLES[at] for at in order]
    assert [one["title"] for one in other.json("import", bag, "--dry-run")["items"]] == wanted
    told = other.json("import", bag)["items"]
    assert [one["title"] for one in told] == wanted
    assert [one["code"][-4:] for one in told] == ["0001", "0002", "0003"]


def test_what_a_transfer_list_does_not_name_comes_last_and_what_is_not_there_is_passed_over(
    bag: Path, other: Cli
) -> None:
    items = json.loads((bag / "data" / "transfer-list.json").read_bytes())["items"]
    relisted(bag, [{**items[2], "record_id": "../../etc"}, {"code": 1}, items[2], items[2]])
    titles = [one["title"] for one in other.json("import", bag)["items"]]
    assert titles[0] == TITLES[2] and sorted(titles) == sorted(TITLES)


@pytest.mark.parametrize("items", [None, {"a": 1}, ["R1"]])
def test_a_transfer_list_that_is_none_refuses_the_bag_by_name(bag: Path, other: Cli, items: object) -> None:
    relisted(bag, items)
    other("import", bag, expect=3)
    assert "transfer-list.json" in other.err
    assert other.json("search", "*")["total"] == 0


def test_a_record_whose_old_term_is_permanent_gets_a_code_that_says_so(bag: Path, other: Cli) -> None:
    edited(bag, lambda plain: plain.update(period_term="永久"), 0)
    edited(bag, lambda plain: plain.update(period_term="长期"), 1)
    told = other.json("import", bag)["items"]
    shown = {one["code"]: other.json("show", one["code"]) for one in told}
    terms = {one.get("period_term"): (code.split("-")[2], one["groups"]["档号"]["保管期限代码"])
             for code, one in shown.items()}
    assert terms == {"永久": ("Y", "Y"), "长期": ("D10", "D10"), None: ("D10", "D10")}
    other("rebuild")
    assert {code: other.json("show", code) for code in shown} == shown


def test_the_box_that_a_record_had_elsewhere_belongs_to_its_origin_and_is_none_of_ours(
    filled: tuple[Cli, list[dict[str, Any]]], bag: Path, other: Cli, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    edited(bag, lambda plain: plain.update(shelf="丙柜3层") if plain.get("box") else None, 2)
    told = {one["title"]: one["code"] for one in other.json("import", bag)["items"]}
    shown = other.json("show", told[TITLES[2]])
    assert shown.get("box") is None and shown.get("shelf") is None
    assert shown["origin"]["box"] == "7"
    assert "box" not in other.json("show", told[TITLES[0]])["origin"]
    assert other.json("box", "list")["total"] == 0
    # Handed on once more, it is told where it lay before.
    other("export", "--class", "回访记录", "--out", tmp_path / "weiter")
    third = Cli(other_store(tmp_path / "第三 库"), capsys)
    again = {one["title"]: one["code"] for one in third.json("import", tmp_path / "weiter")["items"]}
    origin = third.json("show", again[TITLES[2]])["origin"]
    assert "box" not in origin and origin["before"]["box"] == "7"
