"""Papers that nobody can use are dropped and lost by no accident; files that no note names are found."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, clock_at
from killing import killed_at
from papers import pdf_bytes
from scans import DAY, filed, issue_one, scan, signed
from terminal import Terminal
from test_batch_papers import batch, in_inbox, setting

from recordkit.archive.catalogue import find_record
from recordkit.archive.waiting import drop_waiting
from recordkit.notes import read_note
from recordkit.retention.order_state import Item
from recordkit.retention.removal import Remover
from recordkit.store import open_store

INGEST = ("ingest", "--no-ocr", "--jobs", "1")
WHY = ("--reason", "页面全黑，无法辨认", "--yes")


def waiting_letter(cli: Cli, text: str = "Letter") -> tuple[str, bytes]:
    """Key and bytes of a paper that waits."""
    source = cli.store / "inbox" / "letter.pdf"
    source.write_bytes(pdf_bytes(text=text))
    data = source.read_bytes()
    cli(*INGEST, *DAY)
    return hashlib.sha256(data).hexdigest()[:16], data


def acts(cli: Cli) -> list[dict[str, Any]]:
    lines = [json.loads(line) for path in sorted((cli.store / "ledger").glob("*.jsonl"))
             for line in path.read_text(encoding="utf-8").splitlines()]
    return [one["body"] for one in lines if one["act"] == "paper.dropped"]


def test_a_dropped_paper_rests_for_the_done_days_with_its_reason_in_a_note(cli: Cli) -> None:
    key, data = waiting_letter(cli)
    done = cli.json("unmatched", "drop", key, *WHY, *DAY)
    assert done["until"] == "2026-12-31" and not done["already"]
    path = cli.store / "inbox" / "done" / "dropped-2026-12-01" / key / "letter.pdf"
    assert Path(done["path"]) == path and path.read_bytes() == data
    assert cli.json("unmatched", "list") == {"items": [], "strays": [], "total": 0}
    (body,) = acts(cli)
    assert set(body) == {"content", "room", "note"} and body["room"] == "unmatched"
    assert hashlib.sha256(data).hexdigest() not in json.dumps(body)
    assert read_note(cli.store, f"dropped-{body['content'][:16]}", body["note"]) == {"reason": WHY[1]}
    assert WHY[1] not in "".join(path.read_text(encoding="utf-8") for path in (cli.store / "ledger").glob("*.jsonl"))
    cli(*INGEST, "--as-of", "2026-12-30")
    assert path.exists()
    cli(*INGEST, "--as-of", "2026-12-31")
    assert in_inbox(cli) == [] and not path.parent.parent.exists()


def test_a_dropped_paper_that_is_moved_back_to_the_inbox_is_read_again(cli: Cli) -> None:
    key, _ = waiting_letter(cli)
    path = Path(cli.json("unmatched", "drop", key, *WHY, *DAY)["path"])
    path.rename(cli.store / "inbox" / "letter.pdf")
    assert [one["outcome"] for one in cli.json(*INGEST, *DAY)["items"]] == ["unmatched"]
    assert cli.json("unmatched", "list")["items"][0]["key"] == key
    assert not cli.json("unmatched", "drop", key, *WHY, *DAY)["already"]
    assert len(acts(cli)) == 2


def test_a_second_drop_changes_nothing(cli: Cli) -> None:
    key, _ = waiting_letter(cli)
    first = cli.json("unmatched", "drop", key, *WHY, *DAY)
    again = cli.json("unmatched", "drop", key, *WHY, *DAY)
    assert again == {**first, "already": True} == cli.json("unmatched", "drop", "letter.pdf", *WHY, *DAY)
    cli("unmatched", "drop", "*", *WHY, *DAY, expect=5)
    assert len(acts(cli)) == 1


def test_without_done_days_a_dropped_paper_rests_for_a_day(cli: Cli) -> None:
    setting(cli, "done_days = 30", "done_days = 0")
    key, _ = waiting_letter(cli)
    path = Path(cli.json("unmatched", "drop", key, *WHY, *DAY)["path"])
    cli(*INGEST, *DAY)
    assert path.exists()
    cli(*INGEST, "--as-of", "2026-12-02")
    assert not path.exists()


def test_a_file_put_among_the_dropped_ones_goes_back_to_the_inbox(cli: Cli) -> None:
    key, _ = waiting_letter(cli)
    path = Path(cli.json("unmatched", "drop", key, *WHY, *DAY)["path"])
    path.with_name("mine.pdf").write_bytes(pdf_bytes(text="never seen"))
    cli(*INGEST, "--as-of", "2027-01-15")
    assert in_inbox(cli) == ["mine.pdf"]


def test_what_is_asked_of_a_drop(cli: Cli) -> None:
    key, _ = waiting_letter(cli)
    cli("unmatched", "drop", key, "--yes", *DAY, expect=3)
    cli("unmatched", "drop", key, *WHY[:2], *DAY, expect=2)
    assert "--yes" in cli.err
    cli("unmatched", "drop", "nobody", *WHY, *DAY, expect=5)
    cli("quarantine", "drop", key, *WHY, *DAY, expect=5)
    rehearsed = cli.json("unmatched", "drop", key, *WHY, "--dry-run", *DAY)
    assert rehearsed["dry_run"] and not Path(rehearsed["path"]).exists()
    assert acts(cli) == [] and len(cli.json("unmatched", "list")["items"]) == 1


def test_on_a_terminal_the_person_is_asked(cli: Cli) -> None:
    key, _ = waiting_letter(cli)
    command = ("-m", "recordkit", "--store", str(cli.store), "--lang", "en", "unmatched", "drop", key, *WHY[:2], *DAY)
    with closing(Terminal(*command)) as terminal:
        assert "Drop letter.pdf?" in terminal.expect("[y/N]")
        terminal.type("n\n")
        assert terminal.ends() == 130
    assert "Nothing was dropped" in terminal.screen and acts(cli) == []
    with closing(Terminal(*command)) as terminal:
        terminal.expect("[y/N]")
        terminal.type("y\n")
        assert terminal.ends() == 0
    assert "dropped-2026-12-01" in terminal.screen and len(acts(cli)) == 1


def test_a_file_in_quarantine_is_dropped_and_one_that_a_person_put_beside_it_stays(cli: Cli) -> None:
    (cli.store / "inbox" / "broken.pdf").write_bytes(b"no pdf")
    cli(*INGEST, *DAY, expect=4)
    (item,) = cli.json("quarantine", "list")["items"]
    better = Path(item["path"]).with_name("a better one.pdf")
    better.write_bytes(pdf_bytes(text="better"))
    listed = cli.json("quarantine", "list")
    assert [one["file"] for one in listed["items"]] == ["broken.pdf"]
    assert [Path(one["path"]) for one in listed["strays"]] == [better]
    cli("quarantine", "drop", item["key"], *WHY, *DAY)
    rest = cli.store / "inbox" / "done" / "dropped-2026-12-01" / item["key"]
    assert sorted(one.name for one in rest.iterdir()) == ["broken.pdf", "reason.json"]
    assert [one.name for one in better.parent.iterdir()] == [better.name]
    assert acts(cli)[0]["room"] == "quarantine"


def test_a_dropped_paper_of_a_batch_lets_the_batch_rest_until_somebody_wants_it(cli: Cli, tmp_path: Path) -> None:
    number, other = issue_one(cli), issue_one(cli)
    source = batch(cli.store / "inbox" / "b.pdf", scan(tmp_path / "letter.pdf", "Letter"),
                   signed(cli, tmp_path / "one.pdf", number), signed(cli, tmp_path / "two.pdf", other))
    data = source.read_bytes()
    cli(*INGEST, "--split", *DAY)
    (waiting,) = cli.json("unmatched", "list")["items"]
    cli("unmatched", "drop", waiting["key"], *WHY, *DAY)
    assert acts(cli)[0]["batch_page"] == 1 and acts(cli)[0]["batch_papers"] == 3
    again = tmp_path / "again.pdf"
    again.write_bytes(data)
    rehearsed = cli.json(*INGEST, "--split", "--dry-run", again, *DAY)["items"]
    assert [one["outcome"] for one in rehearsed] == ["unmatched", "duplicate", "duplicate"]
    cli("rebuild")
    cli(*INGEST, "--as-of", "2027-01-15")
    assert in_inbox(cli) == []


def test_a_batch_of_which_all_papers_were_dropped_goes_with_the_days(cli: Cli, tmp_path: Path) -> None:
    number, other = issue_one(cli), issue_one(cli)
    for one in (number, other):
        filed(cli, tmp_path, one)
    batch(cli.store / "inbox" / "b.pdf", signed(cli, tmp_path / "one.pdf", number, "again"),
          signed(cli, tmp_path / "two.pdf", other, "again"))
    cli(*INGEST, "--split", *DAY)
    for one in cli.json("unmatched", "list")["items"]:
        cli("unmatched", "drop", one["key"], *WHY, *DAY)
    cli(*INGEST, "--as-of", "2027-01-15")
    assert in_inbox(cli) == []


def test_the_reason_and_the_paper_go_with_the_record_that_it_shows(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    record_id = filed(cli, tmp_path, number)
    signed(cli, cli.store / "inbox" / "again.pdf", number, "again")
    cli(*INGEST, *DAY)
    key = cli.json("unmatched", "list")["items"][0]["key"]
    cli("unmatched", "drop", key, *WHY, *DAY)
    (body,) = acts(cli)
    assert body["record"] == record_id
    assert cli.json("history", number)["items"][-1]["reason"] == WHY[1]
    with closing(open_store(cli.store, clock_at(date(2026, 12, 1)), "test")) as opened, opened.writing():
        record = find_record(opened.db, number)
        item = Item(record.record_id, record.version, "", record.record_class, record.issue_id, date(2037, 1, 1), "",
                    None, False, None, None)
        remover = Remover(opened, [item])
        remover.remove(item)
        assert remover.remains(item) == []
    assert in_inbox(cli) == []
    assert read_note(cli.store, record_id, body["note"]) is None


def test_a_waiting_attachment_is_dropped_and_its_reason_belongs_to_the_document(cli: Cli, tmp_path: Path) -> None:
    number = issue_one(cli)
    cli("ingest", "--attach-to", number, scan(tmp_path / "card.pdf", "card"), "--no-ocr", *DAY)
    (waiting,) = cli.json("unmatched", "list")["items"]
    cli("unmatched", "drop", waiting["key"], *WHY, *DAY)
    (body,) = acts(cli)
    issue_id = cli.json("issued", "show", number)["issue_id"]
    assert body["issue"] == issue_id and read_note(cli.store, issue_id, body["note"]) == {"reason": WHY[1]}
    record_id = filed(cli, tmp_path, number)
    assert cli.json("show", record_id)["attachments"] == []
    assert in_inbox(cli) == [f"done/dropped-2026-12-01/{waiting['key']}/card.pdf"]


def test_a_drop_that_is_killed_at_any_step_loses_nothing_and_is_finished_or_was_never_begun(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, data = waiting_letter(cli)
    whole = tmp_path / "whole"
    shutil.copytree(cli.store, whole)

    def copies() -> list[Path]:
        return [one for one in cli.store.rglob("*.pdf") if one.read_bytes() == data]

    ends = set()
    for step in itertools.count(1):
        shutil.rmtree(cli.store)
        shutil.copytree(whole, cli.store)
        opened = open_store(cli.store, clock_at(date(2026, 12, 1)), "test")
        with closing(opened), killed_at(step, monkeypatch) as killed:
            drop_waiting(opened, key, WHY[1])
        was_killed = bool(killed)
        assert len(copies()) == 1, step
        entered = len(acts(cli))
        with closing(open_store(cli.store, clock_at(date(2026, 12, 1)), "test")) as opened, opened.writing():
            pass  # any next writer
        (place,) = copies()
        assert ("dropped-2026-12-01" in place.parts) == bool(entered), step
        assert len(list((cli.store / "notes").rglob("*.json"))) == entered, step
        assert list((cli.store / "work" / "pending").glob("*.json")) == [], step
        assert cli.json("unmatched", "drop", key, *WHY, *DAY)["already"] == bool(entered)
        assert len(acts(cli)) == 1 and len(copies()) == 1
        assert not (cli.store / "inbox" / "unmatched" / key).exists()
        ends.add((was_killed, entered))
        if not was_killed:
            break
    assert ends == {(True, 0), (True, 1), (False, 1)}


def test_files_that_no_note_names_are_listed_and_told_by_the_doctor(cli: Cli) -> None:
    key, data = waiting_letter(cli)
    strays = {
        "unmatched": ["inbox/unmatched/loose.pdf", f"inbox/unmatched/{key}/mine.pdf", "inbox/unmatched/我的/深/x.pdf",
                      "inbox/unmatched/mine/reading.json"],
        "done": ["inbox/done/dropped-2026-13-45/x.pdf", "inbox/done/loose.pdf", "inbox/done/earlier/x.pdf"],
        "quarantine": ["quarantine/loose.pdf", "quarantine/a/b/x.pdf"],
    }
    for place in itertools.chain(*strays.values()):
        path = cli.store / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (cli.store / "inbox" / "done" / "2026-11-30").mkdir()
    (cli.store / "inbox" / "done" / "2026-11-30" / "filed.pdf").write_bytes(data)
    (cli.store / "inbox" / "unmatched" / "0123456789abcdef").mkdir()
    (cli.store / "inbox" / "unmatched" / "0123456789abcdef" / "searchable.pdf").write_bytes(data)

    def places(listed: Any) -> list[str]:
        return sorted(Path(one["path"]).relative_to(cli.store).as_posix() for one in listed["strays"])

    waits = cli.json("unmatched", "list")
    assert places(waits) == sorted(strays["unmatched"] + strays["done"]) and waits["total"] == 1
    assert places(cli.json("quarantine", "list")) == sorted(strays["quarantine"])
    assert places(cli.json("doctor")) == sorted(itertools.chain(*strays.values()))
    assert "move it to inbox" in cli("doctor")
    assert "inbox/unmatched/loose.pdf" in cli("unmatched", "list")
    shutil.move(cli.store / "quarantine" / "loose.pdf", cli.store / "inbox" / "loose.pdf")
    assert places(cli.json("quarantine", "list")) == ["quarantine/a/b/x.pdf"]


def test_several_papers_are_given_up_with_one_question_and_named_by_a_few_characters(cli: Cli) -> None:
    for name in ("扫描034", "扫描135", "扫描136"):
        (cli.store / "inbox" / f"{name}.pdf").write_bytes(pdf_bytes(text=name[2:]))
    cli(*INGEST, *DAY)
    keys = {one["file"]: one["key"] for one in cli.json("unmatched", "list")["items"]}
    command = ("-m", "recordkit", "--store", str(cli.store), "--lang", "en", "unmatched", "drop", "034",
               keys["扫描135.pdf"][:5], *WHY[:2], *DAY)
    with closing(Terminal(*command)) as terminal:
        assert "Drop 2 files (扫描034.pdf, 扫描135.pdf)?" in terminal.expect("[y/N]")
        terminal.type("y\n")
        assert terminal.ends() == 0
    assert len(acts(cli)) == 2
    assert [one["file"] for one in cli.json("unmatched", "list")["items"]] == ["扫描136.pdf"]


def test_a_short_name_that_may_mean_several_papers_is_refused_and_nothing_goes(cli: Cli) -> None:
    for name in ("甲34", "乙34", "丙35"):
        (cli.store / "inbox" / f"{name}.pdf").write_bytes(pdf_bytes(text=name))
    cli(*INGEST, *DAY)
    cli("unmatched", "drop", "35", "34", *WHY, *DAY, expect=5)
    assert "2 papers answer to 34" in cli.err
    assert acts(cli) == []
    done = cli.json("unmatched", "drop", "35", "甲34", *WHY, *DAY)
    assert [one["file"] for one in done["items"]] == ["丙35.pdf", "甲34.pdf"] and done["total"] == 2


def test_the_lists_say_how_papers_are_settled_together_and_given_up(cli: Cli) -> None:
    waiting_letter(cli)
    (cli.store / "inbox" / "broken.pdf").write_bytes(b"no pdf")
    cli(*INGEST, *DAY, expect=4)
    for room in ("unmatched", "quarantine"):
        (one,) = cli.json(room, "list")["items"]
        cli(room, "list")
        key = "KEY" if room == "unmatched" else one["key"]  # a letter may be wanted: its key is not offered
        assert f"recordkit {room} drop {key} --reason TEXT" in cli.err
        assert f"({one['key'][:4]})" in cli.err
