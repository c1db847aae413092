"""Records out of one archive and into another, by the commands export and import."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bags import AS_OF, TITLES, edited, fill, other_store, remade
from conftest import Cli
from openpyxl import load_workbook
from papers import pdf_bytes


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


def register(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, **people: str) -> None:
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "of a test")
    for at, (person, role) in enumerate(people.items()):
        cli("key", "create", folder / person)
        cli("people", "add", person, "--name", f"姓名{person}", "--role", role, "--staff-no", f"G{at}", "--key",
            folder / f"{person}.pub", *AS_OF)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(folder / next(iter(people))))


def test_a_bag_holds_every_file_as_it_was_filed_and_both_programs_find_it_valid(
    filled: tuple[Cli, list[dict[str, Any]]], bag: Path
) -> None:
    cli, items = filled
    for item in items:
        (kept,) = (cli.store / "objects").glob(f"*/*/*/*{item['record_id']}")
        inside = bag / "data" / item["record_id"]
        assert (inside / "original.pdf").read_bytes() == (kept / "v1/content/original.pdf").read_bytes()
        assert json.loads((inside / "record.json").read_bytes())["code"] == item["code"]
        assert json.loads((inside / "text.json").read_bytes())["pages"][0]["text"].startswith("Visit")
    assert (bag / "data" / items[2]["record_id"] / "attachment-001.pdf").exists()
    judged = subprocess.run([sys.executable, "-m", "bagit", "--validate", str(bag)], capture_output=True, text=True,
                            check=False)
    assert judged.returncode == 0 and judged.stderr.rstrip().endswith("is valid")
    told = cli.json("import", bag, "--check-only")
    assert (told["valid"], told["records"]) == (True, 3)
    payload = [path for path in (bag / "data").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in payload)
    assert (told["files"], told["bytes"]) == (len(payload), size)
    info = (bag / "bag-info.txt").read_text("utf-8")
    assert f"Payload-Oxum: {size}.{len(payload)}\n" in info and "Bagging-Date: 2026-12-01\n" in info
    assert info.startswith("Source-Organization: ") and "Recordkit-Records: 3\n" in info


def test_the_transfer_list_names_each_paper_with_day_pages_size_and_digest_in_cells_that_compute_nothing(
    filled: tuple[Cli, list[dict[str, Any]]], bag: Path
) -> None:
    _, items = filled
    rows = list(load_workbook(bag / "data" / "transfer-list.xlsx").active.iter_rows())
    assert [cell.value for cell in rows[3]] == ["序号", "档号", "题名", "日期", "页数", "文件", "字节", "SHA-256"]
    assert rows[0][0].value == "移交清单"
    told = [[cell.value for cell in row] for row in rows[4:]]
    assert [row[0] for row in told] == [1, 2, 3, None]
    assert [row[1:3] for row in told[:3]] == [[item["code"], title] for item, title in zip(items, TITLES, strict=True)]
    assert told[0][3].date().isoformat() == "2025-03-01" and [row[4] for row in told[:3]] == [1, 2, 3]
    for row in told:
        data = (bag / "data" / row[5]).read_bytes()
        assert (row[6], row[7]) == (len(data), hashlib.sha256(data).hexdigest())
    assert told[3][5].endswith("/attachment-001.pdf")
    assert all(cell.data_type != "f" for row in rows for cell in row)
    plain = json.loads((bag / "data" / "transfer-list.json").read_bytes())
    assert [one["title"] for one in plain["items"]] == list(TITLES) and plain["records"] == 3
    assert plain["classes"]["visit-record"] == {"name": "回访记录", "period": "10y", "access": "open"}


def test_an_export_is_told_in_ledger_history_and_story_with_whom_it_went_to(
    filled: tuple[Cli, list[dict[str, Any]]], tmp_path: Path
) -> None:
    cli, items = filled
    code, record = items[0]["code"], items[0]["record_id"]
    made = cli.json("export", code, "--out", tmp_path / "bag", "--note", "市档案馆 王某", *AS_OF)
    (entry,) = [one for one in cli.json("ledger", "list")["items"] if one["act"] == "records.exported"]
    raw = b"".join(path.read_bytes() for path in (cli.store / "ledger").glob("*.jsonl"))
    assert "王某".encode() not in raw and made["digest"].encode() not in raw
    assert hashlib.sha256((tmp_path / "bag" / "tagmanifest-sha256.txt").read_bytes()).hexdigest() == made["digest"]
    last = cli.json("history", code)["items"][-1]
    assert (last["act"], last["reason"]) == ("records.exported", "市档案馆 王某") and last["actor"] == entry["actor"]
    expected = [{"export": made["export"], "day": "2026-12-01", "actor": last["actor"], "to": None,
                 "note": "市档案馆 王某"}]
    assert cli.json("retention", "explain", record)["copies"] == expected
    assert cli.json("retention", "explain", items[1]["code"])["copies"] == []
    cli("rebuild")
    assert cli.json("retention", "explain", record)["copies"] == expected
    assert made["export"] in cli("retention", "explain", record)


def test_a_dry_run_of_an_export_names_the_records_and_writes_nothing(
    filled: tuple[Cli, list[dict[str, Any]]], tmp_path: Path
) -> None:
    cli, items = filled
    before = cli.json("ledger", "list")["total"]
    told = cli.json("export", "--box", "７", "--out", tmp_path / "bag", "--dry-run", *AS_OF)
    assert [one["code"] for one in told["items"]] == [items[2]["code"]]
    assert told["files"] == 5 and not (tmp_path / "bag").exists()
    assert cli.json("ledger", "list")["total"] == before


def test_an_export_never_writes_over_anything_nor_into_the_store(
    filled: tuple[Cli, list[dict[str, Any]]], tmp_path: Path
) -> None:
    cli, items = filled
    (tmp_path / "there").mkdir()
    for target in (tmp_path / "there", tmp_path / "paper-0.pdf", cli.store / "outbox" / "bag", tmp_path / "no" / "bag"):
        cli("export", items[0]["code"], "--out", target, *AS_OF, expect=3)
        assert str(target) in cli.err or str(target.parent) in cli.err
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    cli("export", items[0]["code"], "--out", tmp_path / "link", *AS_OF, expect=3)
    assert list((tmp_path / "there").iterdir()) == [] and not (cli.store / "outbox" / "bag").exists()
    assert not (tmp_path / ".recordkit-bag").exists()
    cli("export", "--out", tmp_path / "bag", *AS_OF, expect=2)
    cli("export", items[0]["code"], "--year", 2025, "--out", tmp_path / "bag", *AS_OF, expect=2)
    cli("export", "--year", 1999, "--out", tmp_path / "bag", *AS_OF, expect=5)
    cli("export", "nothing", "--out", tmp_path / "bag", *AS_OF, expect=5)
    cli("export", items[0]["code"], "--out", tmp_path / "bag", "--to", "nobody", *AS_OF, expect=5)
    assert not (tmp_path / "bag").exists()


def test_held_and_restricted_records_go_out_only_by_the_hand_of_whoever_may(
    filled: tuple[Cli, list[dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli, items = filled
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(pdf_bytes(text="Case"))
    case = cli.json("ingest", secret, "--class", "stop-order", "--no-ocr", *AS_OF)["items"][0]["code"]
    cli("hold", "place", "--account", "0012", "--kind", "litigation", "--reason", "诉讼", *AS_OF)
    register(cli, tmp_path, monkeypatch, admin="administrator", arch="archivist", clerk="clerk", boss="approver")
    for person in ("clerk", None):
        who = ("--as", person) if person else ()
        for record in (items[2]["code"], case):
            cli("export", items[0]["code"], record, "--out", tmp_path / "bag", *who, *AS_OF, expect=8)
            assert record in cli.err and items[0]["code"] not in cli.err
        cli("export", "--year", 2025, "--out", tmp_path / "bag", *who, *AS_OF, expect=8)
        assert items[2]["code"] in cli.err
    cli("export", items[2]["code"], "--out", tmp_path / "bag", "--as", "boss", *AS_OF, expect=8)
    cli("export", case, "--out", tmp_path / "case", "--as", "boss", *AS_OF)
    assert not (tmp_path / "bag").exists()
    cli("export", items[2]["code"], case, "--out", tmp_path / "bag", "--as", "arch", "--to", "boss", *AS_OF)
    (copy,) = cli.json("retention", "explain", items[2]["code"])["copies"]
    assert (copy["actor"], copy["to"]) == ("arch", "boss")


def test_a_file_that_is_not_what_was_filed_stops_the_export(
    filled: tuple[Cli, list[dict[str, Any]]], tmp_path: Path
) -> None:
    cli, items = filled
    (kept,) = (cli.store / "objects").glob(f"*/*/*/*{items[1]['record_id']}/v1/content/original.pdf")
    data = kept.read_bytes()
    kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    cli("export", "--year", 2025, "--out", tmp_path / "bag", *AS_OF, expect=7)
    assert items[1]["code"] in cli.err and "original.pdf" in cli.err
    assert not (tmp_path / "bag").exists() and not (tmp_path / ".recordkit-bag").exists()


def test_a_round_trip_keeps_bytes_metadata_and_text_and_gives_ids_and_codes_of_its_own(
    filled: tuple[Cli, list[dict[str, Any]]], bag: Path, other: Cli, tmp_path: Path
) -> None:
    cli, items = filled
    paper = tmp_path / "earlier.pdf"
    paper.write_bytes(pdf_bytes(text="Earlier"))
    other("ingest", paper, "--class", "visit-record", "--set", "日期=2025-01-01", "--no-ocr")
    planned = other.json("import", bag, "--dry-run")
    assert [one["outcome"] for one in planned["items"]] == ["archived"] * 3 and planned["dry_run"]
    assert other.json("search", "--limit", "0", "回访")["total"] == 0
    told = {one["origin_code"]: one for one in other.json("import", bag)["items"]}
    assert [told[item["code"]]["outcome"] for item in items] == ["archived"] * 3
    for item in items:
        there, here = cli.json("show", item["code"]), other.json("show", told[item["code"]]["record_id"])
        same = ("title", "date", "pages", "sha256", "account", "phone", "responsible", "fields", "record_class")
        assert {key: here[key] for key in same} == {key: there[key] for key in same}
        assert here["record_id"] != there["record_id"] and here["code"] != there["code"]
        box = {"box": there["box"]} if there.get("box") else {}
        assert here["origin"] == {"store": "recordkit-simulation", "fonds": "C001", "code": there["code"],
                                  "record_id": there["record_id"], "filed_at": here["origin"]["filed_at"], **box}
        assert [[page["text"], page["source"]] for page in other.json("text", here["code"])["items"]] == [
            [page["text"], page["source"]] for page in cli.json("text", there["code"])["items"]]
        other("get", here["code"], "--out", tmp_path / f"{here['record_id']}.pdf")
        assert (tmp_path / f"{here['record_id']}.pdf").read_bytes() == (
            bag / "data" / there["record_id"] / "original.pdf").read_bytes()
        assert other.json("search", f"code:{there['code']}")["total"] >= 1
    last = told[items[2]["code"]]["code"]
    (attached,) = other.json("show", last)["attachments"]
    assert attached["pages"] == 2
    other("get", last, "--attachment", 1, "--out", tmp_path / "card-again.pdf")
    assert (tmp_path / "card-again.pdf").read_bytes() == (tmp_path / "card.pdf").read_bytes()
    assert other.json("search", "pressure")["total"] == 3 and other.json("verify")["ok"]
    before = [other.json("show", one["code"]) for one in told.values()]
    other("rebuild")
    assert [other.json("show", one["code"]) for one in told.values()] == before


def test_a_list_of_the_other_archive_is_held_against_what_came_and_not_against_what_has_its_code_here(
    filled: tuple[Cli, list[dict[str, Any]]], bag: Path, other: Cli, tmp_path: Path
) -> None:
    _, items = filled
    paper = tmp_path / "earlier.pdf"
    paper.write_bytes(pdf_bytes(text="Earlier"))
    (ours,) = other.json("ingest", paper, "--class", "visit-record", "--set", "日期=2025-01-01", "--no-ocr")["items"]
    came = {one["origin_code"]: one["code"] for one in other.json("import", bag)["items"]}
    assert ours["code"] in came and came[ours["code"]] != ours["code"]
    papers = {one["code"]: (bag / "data" / one["record_id"] / "original.pdf").read_bytes() for one in items}
    rows = "".join(f"{code},{hashlib.sha256(data).hexdigest()}\n" for code, data in papers.items())
    (tmp_path / "清单.csv").write_text(f"档号,SHA-256\n{rows}", "utf-8")
    checked = ("check", "--stage", "transfer", "--against", tmp_path / "清单.csv")
    found = other.json(*checked)
    assert (found["records"], found["ok"]) == (3, True)
    # What is ours by the same code is not what the list speaks of.
    named = other.json(*checked, ours["record_id"], expect=7)["items"]
    assert [one["evidence"] for one in named if one["check"] == "2-07" and one["code"]] == ["it does not stand in the "
                                                                                          "list"]


def test_a_record_is_found_by_the_code_of_its_origin_when_nothing_else_answers(
    bag: Path, other: Cli
) -> None:
    settings = other.store / "recordkit.toml"
    text = settings.read_text("utf-8")
    assert 'code = "{fonds}-' in text
    settings.write_text(text.replace('code = "{fonds}-', 'code = "{fonds}-X'), "utf-8")
    last = other.json("import", bag)["items"][-1]
    assert other.json("show", last["origin_code"])["record_id"] == last["record_id"]
    other("show", last["origin_code"])
    assert f"the code that it had in the archive it came from; here it is {last['code']}" in other.err
    other("show", last["code"])
    assert "came from" not in other.err


def test_a_second_import_of_a_bag_files_nothing_twice(bag: Path, other: Cli) -> None:
    first = other.json("import", bag)
    again = other.json("import", bag)
    assert (first["archived"], again["archived"], again["duplicate"]) == (3, 0, 3)
    assert [one["code"] for one in again["items"]] == [one["code"] for one in first["items"]]
    acts = [one["act"] for one in other.json("ledger", "list")["items"]]
    assert acts.count("record.filed") == 3 and acts.count("bag.imported") == 1


def test_bytes_that_are_here_already_are_named_also_those_of_an_attachment(
    bag: Path, other: Cli, tmp_path: Path
) -> None:
    code = other.json("ingest", tmp_path / "paper-1.pdf", "--class", "visit-record", "--no-ocr")["items"][0]["code"]
    told = {one["title"]: one for one in other.json("import", bag)["items"]}
    assert told[TITLES[1]]["outcome"] == "duplicate" and told[TITLES[1]]["code"] == code
    (again,) = other.json("ingest", tmp_path / "card.pdf", "--no-ocr")["items"]
    assert again["outcome"] == "duplicate" and told[TITLES[2]]["code"] in again["reason"]


def test_two_records_of_a_bag_with_the_same_bytes_are_one_record_here(bag: Path, other: Cli) -> None:
    one, two, _ = sorted(path for path in (bag / "data").iterdir() if path.is_dir())
    for name in ("original.pdf", "text.json"):
        (two / name).write_bytes((one / name).read_bytes())
    told = other.json("import", remade(bag))
    assert sorted(item["outcome"] for item in told["items"]) == ["archived", "archived", "duplicate"]
    assert len({item["record_id"] for item in told["items"]}) == 2


def test_classes_that_are_not_here_are_named_and_can_be_mapped(
    bag: Path, other: Cli, tmp_path: Path
) -> None:
    schedule = other.store / "retention.toml"
    text = schedule.read_text("utf-8")
    assert 'id = "visit-record"' in text
    schedule.write_text(text.replace('id = "visit-record"', 'id = "our-visits"'), "utf-8")
    other("import", bag, expect=3)
    assert "visit-record (3)" in other.err and "--class-map" in other.err
    table = tmp_path / "classes.csv"
    with table.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([["来源类别", "本库类别"], ["visit-record", "no-such-class"]])
    other("import", bag, "--class-map", table, expect=5)
    table.write_text("from,to\nvisit-record,destruction-register\n", "utf-8")
    other("import", bag, "--class-map", table, expect=8)
    table.write_text("from,to\nvisit-record,\n", "utf-8")
    other("import", bag, "--class-map", table, expect=3)
    assert "Row 2 of" in other.err
    assert other.json("ledger", "list")["total"] == 1
    table.write_text("from,to\nvisit-record,our-visits\n", "utf-8")
    assert {one["record_class"] for one in other.json("import", bag, "--class-map", table)["items"]} == {"our-visits"}


def test_a_restricted_record_is_not_opened_to_all_by_another_archives_schedule(
    cli: Cli, tmp_path: Path, other: Cli
) -> None:
    paper = tmp_path / "case.pdf"
    paper.write_bytes(pdf_bytes(text="Case"))
    cli("ingest", paper, "--class", "stop-order", "--no-ocr", *AS_OF)
    cli("export", "--class", "stop-order", "--out", tmp_path / "bag", *AS_OF)
    table = tmp_path / "classes.csv"
    table.write_text("from,to\nstop-order,visit-record\n", "utf-8")
    other("import", tmp_path / "bag", "--class-map", table, expect=8)
    assert "visit-record" in other.err
    (item,) = other.json("import", tmp_path / "bag")["items"]
    assert other.json("show", item["code"])["access"] == "restricted"


def test_a_paper_that_cannot_be_read_is_refused_by_name_and_the_others_are_filed(bag: Path, other: Cli) -> None:
    broken = sorted(path for path in (bag / "data").iterdir() if path.is_dir())[0]
    (broken / "original.pdf").write_bytes(b"no paper at all")
    told = other.json("import", remade(bag), expect=4)
    assert (told["archived"], told["refused"]) == (2, 1)
    (refused,) = [one for one in told["items"] if one["outcome"] == "refused"]
    assert (refused["source"], refused["reason"]) == (
        broken.name, f"{broken.name}-original.pdf is not a PDF, whatever its name says.")


def test_facts_of_a_pdf_are_found_anew_whatever_the_bag_says(bag: Path, other: Cli) -> None:
    from bags import edited

    def lie(plain: dict[str, Any]) -> None:
        plain["pdf"] = {"javascript": True, "carries": ["javascript"]}
        plain["findings"] = [{"code": "javascript", "message": "made up", "params": {}}]
        plain["signatures"] = [{"kind": "pdf", "bottom_line": True}]
        plain["sha256"], plain["pages"], plain["filed_by"] = "0" * 64, 77, "somebody"

    folder = sorted(path for path in (bag / "data").iterdir() if path.is_dir())[0].name
    told = other.json("import", edited(bag, lie))
    (item,) = [one for one in told["items"] if one["source"] == folder]
    shown = other.json("show", item["record_id"])
    assert shown["pages"] < 5 and shown["signatures"] == [] and shown["sha256"] != "0" * 64
    assert "made up" not in json.dumps(shown)


def test_the_bag_is_only_read(bag: Path, other: Cli) -> None:
    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in bag.rglob("*")}

    before = state()
    for path in [*bag.rglob("*"), bag]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert other.json("import", bag)["archived"] == 3
        assert state() == before
    finally:
        for path in [bag, *bag.rglob("*")]:
            path.chmod(0o755)
    assert not any((other.store / "inbox").rglob("*.pdf"))


# --- what a bag brings of an older archive: its order, its old terms, the boxes that are not ours ------------------


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
