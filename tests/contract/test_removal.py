"""What goes with a record out of every place of the store, what stays, and what a person has to decide."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from retention_store import Archive, make_archive

from recordkit.archive.catalogue import find_record, get_record, keyed, objects_of
from recordkit.archive.editing import edit_record
from recordkit.model import canonical_json
from recordkit.notes import new_note, note_folder, store_note
from recordkit.retention.lists import save_list
from recordkit.retention.order_state import Item
from recordkit.retention.removal import Remover
from recordkit.templates import issue_data
from recordkit.templates.code import PrintedCode, draw_qr

LONG_AGO, LATER = 1_000_000_000, 4_000_000_000  # seconds: 2001 and 2096, before and after any filing here
ISSUE, OTHER = "ABCD00000001", "ABCD00000002"
PAPER = b"the very bytes of the paper"


@dataclass
class Room:
    """A store, and removal in it without any order."""

    archive: Archive
    items: list[Item] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.archive.root

    def file(self, title: str = "回访", *, goes: bool = True, **more: Any) -> str:
        record_id = self.archive.file(title, on=date(2020, 1, 2), **more)
        if goes:
            self.give_up(record_id)
        return record_id

    def give_up(self, record_id: str) -> None:
        one = find_record(self.archive.workspace.db, record_id)
        self.items.append(Item(record_id, one.version, one.commitment, one.record_class, one.issue_id,
                               date(2030, 1, 1), "visit-record 10y", None, True, None, None))

    def put(self, name: str, data: bytes = PAPER, changed: int | None = None) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if changed is not None:
            os.utime(path, (changed, changed))
        return path

    def remover(self) -> Remover:
        return Remover(self.archive.workspace, self.items)

    def left(self) -> list[list[str]]:
        """What is told to be left of each item after removing it."""
        remover = self.remover()
        for item in self.items:
            remover.remove(item)
        return [[str(one) for one in remover.remains(item)] for item in self.items]

    def issue(self, issue: str = ISSUE, number: str = "换通〔2020〕0001号", **data: Any) -> None:
        """An issue with its data, as if a document had been generated."""
        line = canonical_json({"issue": issue, "number": number, **data})
        self.issue_line(line, issue, number)

    def issue_line(self, line: bytes, issue: str = ISSUE, number: str = "换通〔2020〕0001号") -> None:
        issue_data.write_pack(self.root, f"P{issue}", [line])
        self.archive.workspace.db.insert("issues", {
            "issue_id": issue, "form": "f", "number": number, "scope": "", "seq": 1, "revision": 1, "template": "t",
            "data": hashlib.sha256(line).hexdigest(), "status": "issued", "title": "", "issue_date": "2020-01-02",
            "pack": f"P{issue}", "position": len(issue) + int(issue[-1])})


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(make_archive(tmp_path / "库"))
    yield made
    made.archive.workspace.close()


def document(path: Path, issue: str = ISSUE, text: str = "") -> Path:
    """A Word file with the code of an issue, or with a text alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as made:
        if issue:
            made.writestr("word/media/1.png", draw_qr(PrintedCode(issue, 1).encode()))
        made.writestr("word/document.xml", f"<t>{text}</t>")
    return path


def note(room: Room, subject: str) -> Path:
    store_note(room.root, subject, *new_note({"reason": "x"}))
    return note_folder(room.root, subject)


# --- object, notes, issue data ---------------------------------------------------------------------------------


def test_object_notes_and_issue_data_go_and_are_named_as_long_as_they_are_there(room: Room) -> None:
    room.issue()
    record = room.file(issue_id=ISSUE)
    stays = room.file("旁", goes=False, content=b"other")
    folders = [note(room, record), note(room, ISSUE), note(room, stays)]
    remover, (item,) = room.remover(), room.items
    assert remover.is_kept(item)
    assert remover.remains(item) == [f"objects: {record}", f"issued: {ISSUE}", f"notes/{record}", f"notes/{ISSUE}"]
    remover.remove(item)
    assert (remover.remains(item), remover.is_kept(item)) == ([], False)
    assert [one.exists() for one in folders] == [False, False, True]
    assert not objects_of(room.archive.workspace).exists(record) and not issue_data.pack_path(
        room.root, f"P{ISSUE}").exists()
    assert objects_of(room.archive.workspace).exists(stays)
    remover.remove(item)
    again = room.remover()
    again.remove(item)
    assert again.remains(item) == []


@pytest.mark.parametrize("both", [False, True])
def test_what_two_records_of_one_issue_share_goes_with_the_last_of_them(room: Room, both: bool) -> None:
    path = document(room.root / "outbox" / "a.docx")
    room.issue(outputs=["outbox/a.docx"])
    attached = room.put(f"inbox/unmatched/0123.{ISSUE}/x", b"zz")
    room.file(issue_id=ISSUE)
    room.file("又", goes=both, issue_id=ISSUE, content=b"second")
    kept = [note(room, ISSUE), path, issue_data.pack_path(room.root, f"P{ISSUE}"), attached]
    assert room.left() == [[]] * len(room.items)
    assert [one.exists() for one in kept] == [not both] * 4


def test_a_destroyed_record_of_the_same_issue_keeps_nothing(room: Room) -> None:
    room.issue()
    room.file(issue_id=ISSUE)
    gone = room.file("又", goes=False, issue_id=ISSUE, content=b"second")
    room.archive.workspace.db.run("UPDATE records SET status = 'destroyed' WHERE record_id = :id", {"id": gone})
    assert room.left() == [[]]
    assert not issue_data.pack_path(room.root, f"P{ISSUE}").exists()


def test_the_notes_of_accounts_go_one_by_one(room: Room) -> None:
    folders = [note(room, one) for one in ("E1", "H1", "V1", "E2")]
    room.remover().remove_accounts(["E1"], ["H1"], ["V1"])
    assert [one.exists() for one in folders] == [False, False, False, True]
    room.remover().remove_accounts(["E2"], [])
    assert not folders[3].exists()


# --- documents -------------------------------------------------------------------------------------------------


def test_documents_go_from_where_the_data_say_and_wherever_one_of_that_name_lies_in_the_outbox(room: Room) -> None:
    room.issue(outputs=["outbox/三月/甲.docx", "letters/甲.docx"], file="outbox/三月/甲.docx")
    room.file(issue_id=ISSUE)
    ours = [document(room.root / name) for name in ("outbox/三月/甲.docx", "letters/甲.docx", "outbox/甲.docx")]
    foreign = [document(room.root / "outbox" / "二" / "甲.docx", OTHER), document(room.root / "outbox" / "乙.docx"),
               document(room.root / "letters" / "子" / "甲.docx"), room.put("outbox/甲.txt", b"x")]
    assert room.left() == [[]]
    assert [one.exists() for one in ours] == [False] * 3 and all(one.exists() for one in foreign)


def test_a_pdf_beside_the_document_goes_before_it_and_one_of_unknown_origin_is_named(room: Room) -> None:
    room.issue(outputs=["outbox/甲.docx"], file="甲.docx")
    record = room.file(issue_id=ISSUE)
    word, twin = document(room.root / "outbox" / "甲.docx"), room.put("outbox/甲.pdf", b"no PDF at all")
    alone = room.put("outbox/子/甲.pdf", b"nobody knows")
    told = "outbox/子/甲.pdf (perhaps a document of 换通〔2020〕0001号; remove the file or move it away)"
    assert room.left() == [[f"objects: {record}", f"issued: {ISSUE}", told]]
    assert (word.exists(), twin.exists(), alone.exists()) == (False, False, True)
    alone.unlink()
    assert room.left() == [[]]


def test_without_a_code_the_number_shows_a_document_where_the_data_say_and_is_unclear_elsewhere(room: Room) -> None:
    room.issue(outputs=["outbox/甲.docx"], file="甲.docx")
    record = room.file(issue_id=ISSUE)
    own = document(room.root / "outbox" / "甲.docx", "", "换通〔2020〕 0001号")
    cited = document(room.root / "outbox" / "子" / "甲.docx", "", "关于换通〔2020〕0001号")
    left = room.left()[0]
    assert left[0] == f"objects: {record}" and left[-1].startswith("outbox/子/甲.docx (perhaps a document of")
    assert (own.exists(), cited.exists()) == (False, True)


def test_a_document_that_cannot_be_opened_is_named(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    from recordkit.retention import removal

    room.issue(outputs=["outbox/甲.docx"])
    room.file(issue_id=ISSUE)
    document(room.root / "outbox" / "甲.docx")
    monkeypatch.setattr(removal, "read_traces", lambda _: {})  # What an operating system that denies it leaves.
    assert [one for one in room.left()[0] if "perhaps" in one] == [
        "outbox/甲.docx (perhaps a document of 换通〔2020〕0001号; remove the file or move it away)"]


@pytest.mark.parametrize("outputs", [
    ["../x.docx"], ["forms/x.docx"], ["objects/x.docx"], ["/etc/x.docx"], ["x.txt"], [""], ["outbox/../../x.docx"],
    "outbox/x.docx", None, 7, ["link/x.docx"], ["outbox/../x.docx"]])
def test_issue_data_lead_out_of_no_store_and_into_no_folder_of_the_archive(
    room: Room, tmp_path: Path, outputs: object
) -> None:
    (room.root / "link").symlink_to(tmp_path, target_is_directory=True)
    outside = [document(tmp_path / "x.docx"), document(room.root / "x.docx"), room.put("x.txt", b"x")]
    inside = [document(room.root / one) for one in ("forms/x.docx", "objects/x.docx")]
    room.issue(outputs=outputs)
    room.file(issue_id=ISSUE)
    left = room.left()[0]
    if outputs in (["forms/x.docx"], ["objects/x.docx"]):
        assert len(left) == 3 and left[-1].startswith(f"{outputs[0]} (perhaps a document of")  # type: ignore[index]
    else:
        assert left == []
    assert all(one.exists() for one in (*outside, *inside))


@pytest.mark.parametrize("line", [b"no json", b"[]", b'{"file": "/", "issue": "ABCD00000001"}', b"{}"])
def test_issue_data_that_say_nothing_name_no_document(room: Room, line: bytes) -> None:
    room.issue_line(line)
    room.file(issue_id=ISSUE)
    stays = document(room.root / "outbox" / "a.docx")
    assert room.left() == [[]]
    assert stays.exists()


def test_an_issue_that_the_tables_do_not_know_has_no_data(room: Room) -> None:
    room.file(issue_id=OTHER)
    room.put("issued/x.jsonl", b"{}\n")
    assert room.left() == [[]]
    assert (room.root / "issued" / "x.jsonl").exists()


# --- copies of the paper ---------------------------------------------------------------------------------------


def test_copies_of_equal_bytes_go_and_nothing_else_of_equal_size(room: Room) -> None:
    room.file(content=PAPER)
    digest = hashlib.sha256(PAPER).hexdigest()[:16]
    gone = [room.put(name) for name in ("inbox/done/a.pdf", "quarantine/b/c.pdf", "outbox/d", f"quarantine/{digest}/e",
                                        f"inbox/unmatched/{digest}/f", f"inbox/done/dropped-2036-01-01/{digest}/g",
                                        f"work/viewing/{digest}/h")]
    folders = [room.put(f"{place}/{digest}/reading.json", b"{}") for place in (
        "quarantine", "inbox/unmatched", "inbox/done/dropped-2036-01-02", "work/viewing")]
    stays = [room.put("inbox/x.pdf", PAPER[::-1]), room.put("work/x.pdf"), room.put("inbox/y.pdf", PAPER + b"!"),
             room.put(f"inbox/{digest}/reading.json", b"{}")]
    assert room.left() == [[]]
    assert not any(one.exists() for one in (*gone, *folders)) and all(one.exists() for one in stays)


def test_copies_of_every_version_go(room: Room) -> None:
    record = room.file(content=PAPER, goes=False)
    edit_record(room.archive.workspace, record, {"title": "改过"}, "更正")
    room.give_up(record)
    assert room.items[0].version == 2
    copy = room.put("inbox/done/a.pdf")
    assert room.left() == [[]]
    assert not copy.exists()


def test_of_an_object_that_lost_a_file_the_rest_goes(room: Room) -> None:
    record = room.file(content=PAPER)
    objects_of(room.archive.workspace).locate(record, "original.txt").unlink()
    copy = room.put("inbox/done/a.pdf")
    assert room.left() == [[]]
    assert copy.exists()


def test_of_an_object_that_is_gone_no_copy_is_known(room: Room) -> None:
    record = room.file(content=PAPER)
    copy = room.put("inbox/done/a.pdf")
    objects_of(room.archive.workspace).remove(record)
    assert room.left() == [[]]
    assert copy.exists()


def test_what_waits_as_an_attachment_goes_with_its_own_document_and_is_named_for_another(room: Room) -> None:
    first, second = room.file(content=PAPER, issue_id=ISSUE), room.file("二", content=b"second", issue_id=OTHER)
    own = room.put(f"inbox/unmatched/0123.{ISSUE}/a")
    foreign = room.put(f"inbox/done/dropped-2036-01-01/0123.{OTHER}/a")
    plain = room.put(f"inbox/x.{OTHER}/a")
    stranger = room.put("inbox/unmatched/0123.ABCD00000009/a")
    room.items.pop()
    left = room.left()[0]
    assert left == [f"objects: {first}"] + [
        f"{path.relative_to(room.root).as_posix()} (the same file waits as an attachment of another document; attach "
        "it there, or remove it)" for path in sorted((foreign, stranger))]
    assert not own.exists() and not plain.exists()
    stranger.unlink()
    room.give_up(second)
    # The first waits for what goes with the second: asked again, nothing holds it.
    assert room.left() == [[f"objects: {first}"], []]
    assert room.left() == [[], []] and not foreign.parent.exists()


@pytest.mark.parametrize("issue", ["*", "?BCD00000001", "[A]BCD00000001"])
def test_the_id_of_an_issue_is_no_pattern(room: Room, issue: str) -> None:
    room.file(issue_id=issue)
    stays = room.put(f"inbox/unmatched/0123.{ISSUE}/a", b"another's")
    assert room.left() == [[]]
    assert stays.exists()


# --- scans of several papers -----------------------------------------------------------------------------------


def batch(room: Room, record: str, page: int, papers: int, data: bytes) -> None:
    """The record holds the paper on this page of a scan."""
    digest = keyed(room.archive.workspace.settings.store.id, hashlib.sha256(data).hexdigest())
    room.archive.workspace.db.insert("batches", {"batch": digest, "page": page, "record_id": record, "papers": papers,
                                                 "size": len(data)})


SCAN = b"a scan of two papers"
OTHERS = "(a scan of several papers, this one among them; take out what is still needed, then remove it)"


def test_a_scan_goes_with_its_last_paper_and_is_named_before(room: Room) -> None:
    first, second = room.file("一", content=b"1"), room.file("二", goes=False, content=b"22")
    batch(room, first, 1, 2, SCAN)
    copy = room.put("inbox/done/scan.pdf", SCAN)
    same_size = room.put("inbox/done/other.pdf", SCAN[::-1])
    waiting = room.put(f"inbox/unmatched/{hashlib.sha256(SCAN).hexdigest()[:16]}/x", b"?")
    assert room.left() == [[f"objects: {first}", "inbox/done/scan.pdf (a scan of several papers, not all of them "
                            "filed; file the rest, then remove it)"]]
    batch(room, second, 2, 2, SCAN)
    assert room.left() == [[f"objects: {first}", f"inbox/done/scan.pdf {OTHERS}"]]
    room.give_up(second)
    assert room.left() == [[], []]
    assert not copy.exists() and not waiting.exists() and same_size.exists()


def test_a_scan_of_which_the_other_paper_is_destroyed_goes(room: Room) -> None:
    first, second = room.file("一", content=b"1"), room.file("二", goes=False, content=b"22")
    batch(room, first, 1, 2, SCAN)
    batch(room, second, 2, 2, SCAN)
    room.archive.workspace.db.run("UPDATE records SET status = 'destroyed' WHERE record_id = :id", {"id": second})
    copy = room.put("outbox/scan.pdf", SCAN)
    assert room.left() == [[]]
    assert not copy.exists()


# --- papers that wait ------------------------------------------------------------------------------------------


def waiting(room: Room, key: str = "0123", where: str = "inbox/unmatched", **told: object) -> Path:
    room.put(f"{where}/{key}/reading.json", json.dumps(told, ensure_ascii=False).encode())
    return room.root / where / key


def test_a_second_scan_of_the_record_goes_with_what_was_opened_of_it(room: Room) -> None:
    room.issue()
    record = room.file(issue_id=ISSUE)
    folders = [waiting(room, record=record, issues=[ISSUE]), waiting(room, "4567", record=record),
               waiting(room, "89ab", "inbox/done/dropped-2036-01-01", record=record, issues=[])]
    viewed = [room.put(f"work/viewing/{one.name}/a.pdf", b"v").parent for one in folders]
    stays = [waiting(room, "cdef", record="R-other"), room.put("work/viewing/cdef/a.pdf", b"v"),
             waiting(room, "0123.x", record=record)]
    remover, (item,) = room.remover(), room.items
    named = [str(one) for one in remover.remains(item)]
    assert {f"inbox/unmatched/{key}" for key in ("0123", "4567")} <= set(named)
    assert {f"work/viewing/{one.name}" for one in folders} <= set(named)
    assert room.left() == [[]]
    assert not any(one.exists() for one in (*folders, *viewed)) and all(one.exists() for one in stays)


@pytest.mark.parametrize(("told", "concerned"), [
    ({"record": "R-other", "issues": [ISSUE]}, True),
    ({"issues": [ISSUE, OTHER]}, True),
    ({"record": "SELF", "issues": [OTHER]}, True),
    ({"issues": [OTHER]}, False),
    ({"issues": [OTHER], "pages": [{"text": "旧〔2019〕7号"}]}, False),
    ({"issues": "no list", "pages": [{"text": "关于 旧〔20"}, {"text": "19〕 7 号的信"}]}, True),
    ({"issues": 7, "pages": [{"text": "关于旧〔2019〕8号"}, "旧〔2019〕7号", {"no": "旧〔2019〕7号"}]}, False),
    ({"pages": "旧〔2019〕7号"}, False),
    ({}, False),
])
def test_a_paper_that_waits_and_may_show_the_document_is_for_a_person_to_decide(
    room: Room, told: dict[str, object], concerned: bool
) -> None:
    room.issue()
    record = room.file(issue_id=ISSUE, number="旧〔2019〕7号")
    assert get_record(room.archive.workspace.db, record).number == "旧〔2019〕7号"  # type: ignore[union-attr]
    folder = waiting(room, **{**told, **({"record": record} if told.get("record") == "SELF" else {})})
    remover, (item,) = room.remover(), room.items
    remover.remove(item)
    unclear = [str(one) for one in remover.remains(item) if "a paper that waits" in str(one)]
    assert unclear == ["inbox/unmatched/0123 (a paper that waits and may show 旧〔2019〕7号; settle it, or remove the "
                       "folder)"] * concerned
    assert folder.exists() and remover.is_kept(item) == concerned


def test_a_record_without_a_number_or_whose_issue_others_share_is_not_sought_in_texts(room: Room) -> None:
    room.file()
    room.file("二", issue_id=ISSUE, content=b"2")
    room.file("三", goes=False, issue_id=ISSUE, content=b"3")
    waiting(room, pages=[{"text": "任何"}])
    waiting(room, "4567", issues=[ISSUE])
    assert room.left() == [[], []]


@pytest.mark.parametrize("note", [b"", b"[1]", b"no json", b'{"facts": {"batch": {"sha256": 1}}, "record": "SELF"}',
                                  b'{"facts": {"batch": {"sha256": "a", "size": "x", "papers": 1, "pages": [1], '
                                  b'"source": "s"}}, "record": "SELF"}', b'{"facts": 7, "record": "SELF"}'])
def test_a_note_that_nobody_can_read_stops_no_destruction(room: Room, note: bytes) -> None:
    record = room.file()
    room.put("inbox/unmatched/0123/reading.json", note.replace(b"SELF", record.encode()))
    assert room.left() == [[]]


def test_the_scan_out_of_which_a_waiting_paper_was_cut_is_named(room: Room) -> None:
    record = room.file(content=PAPER)
    facts = {"batch": {"sha256": hashlib.sha256(SCAN).hexdigest(), "size": len(SCAN), "papers": 2, "pages": [1],
                       "source": "scan.pdf"}}
    waiting(room, record=record, facts=facts)
    copy = room.put("inbox/done/scan.pdf", SCAN)
    room.put("inbox/done/other.pdf", SCAN[::-1])
    assert room.left() == [[f"objects: {record}", "inbox/unmatched/0123", f"inbox/done/scan.pdf {OTHERS}"]]
    copy.unlink()
    assert room.left() == [[]]


# --- working copies and lists ----------------------------------------------------------------------------------


ABOUT = {"account": "0088412345", "party": "欧阳某某", "number": "旧〔2019〕7号", "title": "关于漏水的回访"}
REFUSED = "outbox/三月/rows-refused-1.csv"


def of_customer(room: Room) -> str:
    return room.file(ABOUT["title"], account=ABOUT["account"], party=ABOUT["party"], number=ABOUT["number"])


def cell(value: str) -> bytes:
    return f"户名,{value}\n".encode()


@pytest.mark.parametrize("name", [REFUSED, "rows-unknown-2.csv", "work/换表-answers-3.json"])
@pytest.mark.parametrize(("key", "changed", "left"), [
    *((key, LONG_AGO, "removed") for key in ("account", "number", "title", "code")), ("party", LONG_AGO, "named"),
    *((key, LATER, "named") for key in ("account", "party", "number", "title", "code")), ("nobody", LATER, "kept"),
])
def test_working_copies_that_name_the_record(room: Room, name: str, key: str, changed: int, left: str) -> None:
    record = of_customer(room)
    code = find_record(room.archive.workspace.db, record).code
    value = {**ABOUT, "code": code, "nobody": "旁人"}[key]
    data = json.dumps([value]).encode() if name.endswith("json") else cell(value)
    path = room.put(name, data, changed)
    told = f"{name} (names the customer; remove it when it is no longer needed)"
    assert room.left() == [[f"objects: {record}", told] if left == "named" else []]
    assert path.exists() == (left != "removed")


def test_a_working_copy_of_the_very_moment_of_filing_may_be_todays_work(room: Room) -> None:
    record = of_customer(room)
    filed = datetime.fromisoformat(str(find_record(room.archive.workspace.db, record).metadata["filed_at"]))
    path = room.put(REFUSED, cell(ABOUT["account"]), int(filed.timestamp()))
    assert len(room.left()[0]) == 2 and path.exists()
    os.utime(path, (filed.timestamp() - 1,) * 2)
    assert room.left() == [[]] and not path.exists()


@pytest.mark.parametrize("name", ["outbox/rows-refused-x.csv", "outbox/.rows-refused-1.csv", "forms/rows-refused-1.csv",
                                  "work/sub/rows-refused-1.csv", "outbox/~rows-refused-1.csv"])
def test_other_files_are_no_working_copies(room: Room, name: str) -> None:
    of_customer(room)
    path = room.put(name, cell(ABOUT["account"]), LONG_AGO)
    (room.root / "outbox" / "d-refused-1.csv").mkdir()
    (room.root / "e-refused-1.csv").mkdir()
    assert room.left() == [[]]
    assert path.exists()


@pytest.mark.parametrize("key", ["account", "party", "number", "title"])
def test_a_newer_working_copy_about_a_customer_with_other_records_says_nothing_of_this_one(
    room: Room, key: str
) -> None:
    of_customer(room)
    same = {"title": "另一回访", key: ABOUT[key]}
    room.file(same.pop("title"), goes=False, content=b"other", **same)
    path = room.put(REFUSED, cell(ABOUT[key]), LATER)
    assert room.left() == [[]]
    assert path.exists()


def test_names_of_earlier_versions_count(room: Room) -> None:
    record = room.file("旧题名", goes=False, account="001", party="旧户名", number="旧1号")
    later = {"title": "新题名", "account": "002", "party": "新户名", "number": "新1号"}
    edit_record(room.archive.workspace, record, later, "更正")
    room.give_up(record)
    paths = [room.put(f"outbox/{at}-refused-1.csv", cell(value), LONG_AGO) for at, value in enumerate(
        ("旧题名", "新题名", "001", "002", "旧1号", "新1号"))]
    named = [room.put(f"outbox/{at}-refused-2.csv", cell(value), LATER)
             for at, value in enumerate(("旧户名", "新户名"))]
    left = room.left()[0]
    assert [one.exists() for one in paths] == [False] * 6
    assert [one.partition(" ")[0] for one in left[2:]] == [one.relative_to(room.root).as_posix() for one in named]


def test_of_a_record_whose_object_is_gone_the_catalogue_tells_the_names(room: Room) -> None:
    record = of_customer(room)
    objects_of(room.archive.workspace).remove(record)
    path = room.put(REFUSED, cell(ABOUT["account"]), LONG_AGO)
    # Nobody knows when it was filed: a person decides.
    assert room.left() == [[f"{REFUSED} (names the customer; remove it when it is no longer needed)"]]
    assert path.exists()
    room.archive.workspace.db.run("DELETE FROM records WHERE record_id = :id", {"id": record})
    assert room.left() == [[]]


def test_a_working_copy_that_cannot_be_read_is_named_for_every_record(room: Room) -> None:
    first, second = of_customer(room), room.file("二", content=b"2")
    room.put("outbox/rows-refused-1.xlsx", b"broken", LONG_AGO)
    told = "outbox/rows-refused-1.xlsx (cannot be read; remove it when it is no longer needed)"
    assert room.left() == [[f"objects: {first}", told], [f"objects: {second}", told]]


@pytest.mark.parametrize("place", ["inbox/旧目录.csv", "quarantine/x/旧目录.TSV"])
@pytest.mark.parametrize(("key", "changed", "with_another", "left"), [
    ("code", LONG_AGO, False, "removed"), ("code", LONG_AGO, True, "named"), ("code", LATER, False, "named"),
    ("number", LATER, True, "named"), ("account", LONG_AGO, False, "removed"), ("account", LATER, False, "customer"),
    ("party", LATER, True, "customer"), ("account", LONG_AGO, True, "customer"),
])
def test_a_list_that_came_in_goes_only_when_it_names_no_record_that_stays(
    room: Room, place: str, key: str, changed: int, with_another: bool, left: str
) -> None:
    record = of_customer(room)
    db = room.archive.workspace.db
    other = find_record(db, room.file("留下的", goes=False, content=b"other"))
    value = {**ABOUT, "code": find_record(db, record).code}[key]
    path = room.put(place, f"{value},{other.code if with_another else '旁'}\n".encode(), changed)
    told = {"removed": [], "named": [f"objects: {record}", f"{place} (a list that names the record; take its row out, "
                                     "or remove the file)"],
            "customer": [f"objects: {record}", f"{place} (names the customer; remove it when it is no longer needed)"]}
    assert room.left() == [told[left]]
    assert path.exists() == (left != "removed")


@pytest.mark.parametrize("name", ["inbox/.x.csv", "inbox/~x.csv", "inbox/x.txt", "outbox/x.csv", "work/x.csv"])
def test_other_files_are_no_lists_that_came(room: Room, name: str) -> None:
    of_customer(room)
    path = room.put(name, cell(ABOUT["number"]), LONG_AGO)
    assert room.left() == [[]]
    assert path.exists()


def test_scheduled_lists_that_name_the_record_go_with_their_ids(room: Room) -> None:
    first, second = room.file("一"), room.file("二", goes=False, content=b"2")
    lists = [room.root / "outbox" / "review" / name for name in ("a.csv", "b.csv")]
    save_list(lists[0], b"x", [first, second])
    save_list(lists[1], b"x", [second])
    assert room.left() == [[]]
    assert [one.exists() for one in lists] == [False, True]


# --- after a kill ----------------------------------------------------------------------------------------------


def test_what_a_killed_run_left_half_removed_is_swept(room: Room) -> None:
    mark = ".0123456789abcdef"
    gone = [room.put(f"{name}{mark}.gone") for name in ("objects/a/", "notes/", "inbox/b/", "quarantine/", "outbox/")]
    gone += [room.put(f"issued/{mark}.{ending}") for ending in ("gone", "tmp")]
    folder = room.put(f"notes/{mark[:-1]}0.gone/x/y").parents[1]
    stays = [room.put(f"work/{mark}.gone"), room.put("notes/.short.gone"), room.put(f"inbox/{mark}.tmp"),
             room.put(f"issued/a/{mark}.gone"), room.put("issued/.x.gone"), room.put(f"issued/{mark[1:]}.gone")]
    assert room.remover().sweep() == []
    assert not any(one.exists() for one in (*gone, folder)) and all(one.exists() for one in stays)


def test_what_cannot_be_swept_is_named(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    from recordkit import files

    folder = room.put("notes/.0123456789abcdef.gone/x").parent
    path = room.put("inbox/.0123456789abcdef.gone")
    remover = room.remover()

    def denied(path: Path) -> None:
        raise PermissionError(str(path))

    monkeypatch.setattr(files, "remove_file", denied)
    assert remover.sweep() == ["inbox/.0123456789abcdef.gone"]
    assert path.exists() and not folder.exists()


def test_copies_in_the_staging_of_dead_processes_go_before_anything_else(room: Room) -> None:
    room.file()
    left = room.put("work/123-dead/copy").parent
    room.put("work/123-dead.lock", b"")
    room.remover()
    assert not left.exists()
