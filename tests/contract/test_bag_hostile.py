"""Bags that somebody made to do harm, or that were spoilt on the way: each is refused, and nothing of it is filed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bags import AS_OF, edited, fill, opened, other_store, remade
from conftest import Cli

from recordkit.archive import bag_reading
from recordkit.archive.bag_import import ImportOptions, plan_import
from recordkit.archive.bag_reading import read_bag, unsafe_name
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RecordkitError
from recordkit.workspace import Workspace


@pytest.fixture
def bag(cli: Cli, tmp_path: Path) -> Path:
    fill(cli, tmp_path)
    cli("export", "--year", 2025, "--out", tmp_path / "bag", *AS_OF)
    return tmp_path / "bag"


def first(bag: Path) -> Path:
    return sorted(path for path in (bag / "data").iterdir() if path.is_dir())[0]


def refused(bag: Path, *words: str, kind: type[RecordkitError] = InputRefused) -> None:
    with pytest.raises(kind) as found:
        read_bag(bag)
    assert type(found.value) is kind
    assert found.value.todo is not None or kind is NotFound
    for word in words:
        assert word in str(found.value.what)


def add_line(bag: Path, line: str, name: str = "manifest-sha256.txt") -> int:
    """Append a line to a manifest and mend the tag manifests; its number."""
    path = bag / name
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    renew_tags(bag)
    return len(path.read_text("utf-8").splitlines())


def renew_tags(bag: Path) -> None:
    for algorithm in ("sha256", "sha512"):
        path = bag / f"tagmanifest-{algorithm}.txt"
        if path.exists():
            names = [line.split("  ", 1)[1] for line in path.read_text("utf-8").splitlines()]
            path.write_text("".join(f"{hashlib.new(algorithm, (bag / one).read_bytes()).hexdigest()}  {one}\n"
                                    for one in names if (bag / one).exists()), "utf-8")


def test_the_bag_as_it_was_made_is_accepted(bag: Path) -> None:
    assert len(read_bag(bag).records) == 3
    assert len(read_bag(remade(bag)).records) == 3


DIGEST = "0" * 64


@pytest.mark.parametrize("path", [
    "/etc/passwd", "../outside", "data/../../outside", "data/x/../../../outside", "data\\..\\x", "C:/x", "data/C:x",
    "~/x", "data//x", "data/./x", "data/x/", "data/nul", "data/COM1.pdf", "data/aux/x", "data/x.", "data/x ",
    "data/a%0Ab", "data/a%0d%0ab", "data/a\x1b[31mb", "data/a\u202eb", "data/a?b", "data/" + "x" * 201, "bagit.txt",
    "x/data/y",
])
def test_a_manifest_that_names_an_unsafe_path_is_refused_with_its_line(bag: Path, path: str) -> None:
    line = add_line(bag, f"{DIGEST}  {path}")
    refused(bag, "manifest-sha256.txt", f"line {line}")


@pytest.mark.parametrize("line", [
    "no digest at all", DIGEST, f"{DIGEST[1:]}  data/x", f"{'g' * 64}  data/x", "", f"{DIGEST}  data/" + "y" * 5000,
])
def test_a_line_that_is_none_is_refused_with_its_number(bag: Path, line: str) -> None:
    number = add_line(bag, line)
    refused(bag, "manifest-sha256.txt", f"line {number}")


def test_a_manifest_that_names_a_file_twice_is_refused(bag: Path) -> None:
    line = (bag / "manifest-sha256.txt").read_text("utf-8").splitlines()[0]
    number = add_line(bag, "1" * 64 + line[64:])
    refused(bag, f"line {number}", "second time")


def test_a_manifest_that_is_not_utf_8_is_refused(bag: Path) -> None:
    path = bag / "manifest-sha256.txt"
    path.write_bytes(path.read_bytes() + DIGEST.encode() + b"  data/\xff\n")
    refused(bag, "manifest-sha256.txt", "UTF-8")


def test_a_changed_byte_a_missing_and_a_shortened_file_are_integrity_failures(bag: Path) -> None:
    paper = first(bag) / "original.pdf"
    data = paper.read_bytes()
    paper.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    refused(bag, "original.pdf", kind=IntegrityFailure)
    paper.write_bytes(data[:-1])
    refused(bag, kind=IntegrityFailure)
    paper.unlink()
    refused(bag, "original.pdf", kind=IntegrityFailure)


def test_a_changed_tag_file_is_an_integrity_failure(bag: Path) -> None:
    info = bag / "bag-info.txt"
    info.write_text(info.read_text("utf-8").replace("C001", "C002"), "utf-8")
    refused(bag, "bag-info.txt", kind=IntegrityFailure)


@pytest.mark.parametrize("place", ["data/stray.pdf", "data/RSTRAY/record.json", "stray.txt", "meta/stray.txt"])
def test_a_file_in_no_manifest_is_refused(bag: Path, place: str) -> None:
    path = bag / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    refused(bag, place.rpartition("/")[2])


def test_manifests_that_do_not_agree_which_files_there_are_are_refused(bag: Path) -> None:
    path = bag / "manifest-sha512.txt"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[1:]), "utf-8")
    renew_tags(bag)
    refused(bag, "manifest-sha512.txt")


def test_fetch_txt_is_refused(bag: Path) -> None:
    (bag / "fetch.txt").write_text("http://203.0.113.1/x 5 data/x\n")
    refused(remade(bag), "fetch.txt")


@pytest.mark.parametrize("make", [
    lambda path: path.symlink_to("/etc/passwd"), lambda path: path.symlink_to("original.pdf"),
    lambda path: path.symlink_to("/tmp", target_is_directory=True), lambda path: os.mkfifo(path),
])
def test_links_and_devices_are_refused_before_anything_is_opened(bag: Path, make: Callable[[Path], None]) -> None:
    make(first(bag) / "annex.pdf")
    refused(bag, "annex.pdf", "link or a device")


def test_a_file_that_is_replaced_by_a_link_to_the_same_bytes_is_refused(bag: Path, tmp_path: Path) -> None:
    paper = first(bag) / "original.pdf"
    shutil.move(paper, tmp_path / "elsewhere.pdf")
    paper.symlink_to(tmp_path / "elsewhere.pdf")
    refused(bag, "original.pdf", "link or a device")


def test_a_bag_that_is_a_link_or_a_file_or_not_there_is_refused(bag: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bag)
    refused(tmp_path / "link", "folder")
    refused(bag / "bagit.txt", "folder")
    refused(tmp_path / "nothing", kind=NotFound)


@pytest.mark.parametrize(("one", "two"), [
    ("annex.txt", "Annex.TXT"), ("straße.txt", "STRASSE.txt"),
    (unicodedata.normalize("NFC", "é.txt"), unicodedata.normalize("NFD", "é.txt")),
])
def test_names_that_are_one_file_on_another_system_are_refused(bag: Path, one: str, two: str) -> None:
    for name in (one, two):
        (first(bag) / name).write_text(name)
    refused(remade(bag), "same file")


@pytest.mark.parametrize("name", ["CON", "nul.pdf", "com1", "LPT9.txt", "lpt¹", "a:b", "a ", "a.", " a", "~a", "a\tb",
                                  "a\\b", "a\u200bb", "x" * 201, "水" * 67, "..", ".", "", "\udcff"])
def test_unsafe_names_are_told(name: str) -> None:
    assert unsafe_name(name) is not None


@pytest.mark.parametrize("name", ["RJN5M1H3P", "original.pdf", "合同 (2).pdf", "console.txt", "x" * 200, ".hidden"])
def test_sound_names_pass(name: str) -> None:
    assert unsafe_name(name) is None


@pytest.mark.parametrize("name", ["NUL.txt", "trailing.", "a:b.txt", "new\nline"])
def test_unsafe_names_on_the_disk_are_refused_even_where_the_manifests_fit(bag: Path, name: str) -> None:
    (first(bag) / name).write_text("x")
    refused(remade(bag) if "\n" not in name else bag)


@pytest.mark.parametrize("text", [
    "", "BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n",
    "\ufeffBagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
    "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-7\n", "BagIt-Version: 1.0\n",
])
def test_a_declaration_that_is_none_is_refused(bag: Path, text: str) -> None:
    (bag / "bagit.txt").write_text(text, "utf-8")
    refused(remade(bag), "bagit.txt")


def test_a_bag_without_a_declaration_or_with_weak_digests_alone_is_refused(bag: Path) -> None:
    for path in bag.glob("*manifest-sha*.txt"):
        weak = bag / path.name.replace("sha256", "md5").replace("sha512", "md5")
        weak.write_text("")
        path.unlink()
    refused(bag, "manifest-sha256.txt")
    (bag / "bagit.txt").unlink()
    refused(bag, "bagit.txt")


def test_a_bag_without_tag_manifests_is_refused(bag: Path) -> None:
    for path in bag.glob("tagmanifest-*.txt"):
        path.unlink()
    refused(bag, "tagmanifest-sha256.txt")


def test_an_unknown_algorithm_is_refused(bag: Path) -> None:
    (bag / "manifest-rot13.txt").write_text("")
    refused(bag, "manifest-rot13.txt")


def test_huge_files_and_counts_are_refused_by_their_size_alone(
    bag: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse = first(bag) / "annex.bin"
    with sparse.open("wb") as handle:
        handle.truncate(bag_reading.MOST_OF_ONE + 1)
    refused(bag, "annex.bin", "too large")
    sparse.unlink()
    tag = bag / "notes.txt"
    with tag.open("wb") as handle:
        handle.truncate(bag_reading.MOST_OF_TAG + 1)
    refused(bag, "notes.txt")
    tag.unlink()
    monkeypatch.setattr(bag_reading, "MOST_FILES", 5)
    refused(bag, "more than 5 files")


def test_folders_that_lie_too_deep_are_refused(bag: Path) -> None:
    deep = first(bag).joinpath(*["d"] * 20)
    deep.mkdir(parents=True)
    (deep / "x").write_text("x")
    refused(remade(bag), "too deep")


def test_names_are_shown_without_what_steers_a_terminal(bag: Path) -> None:
    with pytest.raises(InputRefused) as found:
        add_line(bag, f"{DIGEST}  data/\x1b]0;owned\x07x")
        read_bag(bag)
    assert "\x1b" not in str(found.value) and "\x07" not in str(found.value)


# --- what records say ------------------------------------------------------------------------------------------------


def put(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda plain: plain.__setitem__(key, value)


def nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(("change", "word"), [
    (put("date", "2025-13-01"), "date"), (put("date", None), "date"), (put("title", ""), "title"),
    (put("title", "x" * 501), "title"), (put("title", ["x"]), "title"), (put("title", "a\ud800b"), "record.json"),
    (put("pages", -1), "pages"), (put("pages", "3"), "pages"), (put("pages", 10**9), "pages"),
    (put("pages", True), "pages"), (put("fields", ["x"]), "fields"), (put("fields", {"../x": "y"}), "fields"),
    (put("fields", {"a": nested(20)}), "fields"), (put("fields", {"a": ["x"] * 6000}), "fields"),
    (put("fields", {"a": "x" * 20_001}), "fields"), (put("fields", {"a": 1.5}), "fields"),
    (put("fields", {"a": 1 << 60}), "fields"), (put("meters", "S1"), "meters"), (put("meters", [1]), "meters"),
    (put("labels", {"a": 1}), "labels"), (put("page_order", [0]), "page_order"), (put("source", 5), "source"),
    (put("record_class", ["x"]), "record_class"), (put("account", {"a": 1}), "account"),
    (put("attachments", [{"name": "../../x", "pages": [1]}]), "attachments"),
    (put("attachments", [{"name": "attachment-009.pdf", "pages": [1]}]), "attachments"),
    (put("attachments", [{"pages": ["x"]}]), "attachments"), (put("attachments", ["x"]), "attachments"),
    (put("box", "x" * 61), "box"), (put("title", "a\x1b[31mb"), "title"), (put("source", "\x9b2J"), "source"),
    (put("fields", {"a": "\x1b]0;x\x07"}), "fields"), (put("party", "a\x00b"), "party"),
])
def test_metadata_that_is_wrong_refuses_the_bag_and_names_the_key(
    bag: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], word: str
) -> None:
    wrong = edited(bag, change)
    workspace = opened(other_store(tmp_path / "other"))
    try:
        with pytest.raises(InputRefused) as found:
            plan_import(workspace, read_bag(wrong), ImportOptions())
        told = str(found.value.what)
        assert word in told and first(bag).name in told
        assert told.endswith(".") and ".." not in told.replace("../", "") and told.count("refused") == 1
        assert workspace.db.cursor().seq == 1
    finally:
        workspace.close()


@pytest.fixture
def other(tmp_path: Path) -> Any:
    workspace = opened(other_store(tmp_path / "other"))
    yield workspace
    workspace.close()


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"title": NaN}', b"\xff\xfe{}", b"[" * 100_000])
def test_a_record_json_that_is_none_refuses_the_bag(bag: Path, other: Workspace, data: bytes) -> None:
    (first(bag) / "record.json").write_bytes(data)
    with pytest.raises(InputRefused, match="record.json"):
        plan_import(other, read_bag(remade(bag)), ImportOptions())


def test_a_folder_without_a_record_and_one_with_two_originals_refuse_the_bag(bag: Path, other: Workspace) -> None:
    (first(bag) / "original.txt").write_text("x")
    with pytest.raises(InputRefused, match="2 originals"):
        plan_import(other, read_bag(remade(bag)), ImportOptions())
    (first(bag) / "record.json").unlink()
    with pytest.raises(InputRefused, match=first(bag).name):
        plan_import(other, read_bag(remade(bag)), ImportOptions())


@pytest.mark.parametrize("kind", ["exe", "html", "desktop", "sh", "PDF"])
def test_an_original_that_a_viewer_would_start_refuses_the_bag(bag: Path, other: Workspace, kind: str) -> None:
    (first(bag) / "original.pdf").rename(first(bag) / f"original.{kind}")
    with pytest.raises(InputRefused, match=kind):
        plan_import(other, read_bag(remade(bag)), ImportOptions())


@pytest.mark.parametrize("info", [b"Payload-Oxum: 5\n", b"Payload-Oxum: x.y\n", b"Title: \xff\n", b"no label at all\n"])
def test_a_bag_info_that_cannot_be_read_refuses_the_bag(bag: Path, info: bytes) -> None:
    (bag / "bag-info.txt").write_bytes(info)
    renew_tags(bag)
    with pytest.raises((InputRefused, IntegrityFailure)):
        read_bag(bag)


def test_what_steers_a_terminal_is_taken_out_of_a_text(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver = Cli(other_store(tmp_path / "other"), capsys)
    wrong = edited(bag, lambda plain: plain["pages"][0].update(text="a\x1b[2Jb\nc"), name="text.json")
    (item,) = [one for one in receiver.json("import", wrong)["items"] if one["source"] == first(bag).name]
    assert receiver.json("text", item["record_id"])["items"][0]["text"] == "a\ufffd[2Jb\nc"


@pytest.mark.parametrize("change", [
    lambda plain: plain["pages"].pop(), lambda plain: plain["pages"][0].update(page=5),
    lambda plain: plain["pages"][0].update(text=5), lambda plain: plain["pages"][0].update(source="hearsay"),
    lambda plain: plain["pages"][0].update(confidence=7), lambda plain: plain["pages"].append({}),
    lambda plain: plain.update(pages={}), lambda plain: plain["pages"][0].update(turned=45),
])
def test_a_text_that_is_not_that_of_the_paper_refuses_the_record_by_name(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], object]
) -> None:
    receiver = Cli(other_store(tmp_path / "other"), capsys)
    told = receiver.json("import", edited(bag, change, name="text.json"), expect=4)
    (refused_one,) = [one for one in told["items"] if one["outcome"] == "refused"]
    assert refused_one["source"] == first(bag).name and "text.json" in refused_one["reason"]
    assert told["archived"] == 2


def test_a_record_that_says_it_is_one_of_our_registers_is_not_taken_for_one(
    bag: Path, other: Workspace
) -> None:
    for name in ("destruction-register", "appraisal-report", "handover-record"):
        with pytest.raises(InputRefused, match=name):
            plan_import(other, read_bag(edited(bag, put("record_class", name))), ImportOptions())


def test_ids_of_documents_and_batches_of_the_other_archive_are_not_taken_over(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = {"sha256": "0" * 64, "size": 1, "papers": 9, "pages": [1], "source": "x"}
    for key, value in (("issue_id", "0000AAAA1111"), ("batch", batch), ("record_id", "RAAAAAAAA")):
        edited(bag, put(key, value))
    receiver = Cli(other_store(tmp_path / "other"), capsys)
    (item,) = [one for one in receiver.json("import", bag)["items"] if one["source"] == first(bag).name]
    shown = receiver.json("show", item["record_id"])
    assert shown["issue_id"] is None and "batch" not in shown and item["record_id"] != "RAAAAAAAA"
    assert shown["origin"]["record_id"] == "RAAAAAAAA"


def test_a_bag_that_changes_while_it_is_filed_stops_the_import(bag: Path, other: Workspace) -> None:
    from recordkit.archive.bag_import import import_bag

    plan = plan_import(other, read_bag(bag), ImportOptions())
    paper = first(bag) / "original.pdf"
    paper.write_bytes(paper.read_bytes() + b"%")
    with pytest.raises(IntegrityFailure, match="original.pdf"):
        list(import_bag(other, plan, ImportOptions()))
    assert other.db.cursor().seq == 1


def test_a_label_that_is_the_name_of_another_field_is_left_out(bag: Path, other: Any) -> None:
    from recordkit.archive.bag_import import import_bag

    plan = plan_import(other, read_bag(edited(bag, put("labels", {
        "zz": "题名", "yy": " 盒 号", "xx": "档号", "date": "日期", "pressure": "水压"}))), ImportOptions())
    list(import_bag(other, plan, ImportOptions()))
    labels = [json.loads(row["metadata"]).get("labels") for row in other.db.all("SELECT metadata FROM records")]
    assert {"date": "日期", "pressure": "水压"} in labels
    assert not any("题名" in (one or {}).values() for one in labels)


def test_a_field_that_is_called_like_one_that_every_record_has_is_left_out_where_no_form_has_it(
    bag: Path, other: Any
) -> None:
    from recordkit.archive.bag_import import import_bag

    def without_form(plain: dict[str, Any]) -> None:
        plain |= {"form": None, "fields": {"title": "伪题名", "box": "77", "record_id": "R1", "pressure": "0.3"}}

    list(import_bag(other, plan_import(other, read_bag(edited(bag, without_form)), ImportOptions()), ImportOptions()))
    fields = [json.loads(row["metadata"]).get("fields") for row in other.db.all("SELECT metadata FROM records")]
    assert {"pressure": "0.3"} in fields
    assert not any("伪题名" in (one or {}).values() for one in fields)
