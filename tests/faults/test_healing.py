"""What is left by a killed process, a damaged file or a full disk heals, or is named; it never closes the store."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from ocfl_judge import assert_valid_root

from recordkit import files
from recordkit.archive import arrivals, ingest
from recordkit.archive.catalogue import find_record, list_records
from recordkit.archive.editing import edit_record
from recordkit.archive.filing import file_generated
from recordkit.archive.fixity import verify_objects
from recordkit.errors import IntegrityFailure
from recordkit.ledger import Ledger
from recordkit.store import open_store
from recordkit.templates.forms import shipped_forms
from recordkit.workspace import Workspace

TODAY = date(2026, 11, 20)
SAMPLE = shipped_forms() / "visit-record" / "sample.toml"
AS_OF = ("--as-of", "2026-11-20")


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the program catches it."""


def die(*_: object, **__: object) -> None:
    raise Killed


def file_one(workspace: Workspace, title: str) -> str:
    with workspace.writing() as writer:
        return file_generated(writer, workspace, record_class="visit-record", title=title, on=TODAY,
                              content={"original.json": title.encode(), "text.json": b'{"pages": []}'}, fields={})


def reopened(workspace: Workspace, *, without_tables: bool = False) -> Workspace:
    root = workspace.root
    workspace.close()
    if without_tables:
        for path in root.glob("catalogue.sqlite3*"):
            path.unlink()
    return open_store(root, clock_at(TODAY), "test")


@pytest.mark.parametrize("without_tables", [False, True])
def test_an_edit_killed_before_its_entry_is_undone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, without_tables: bool
) -> None:
    record = file_one(workspace, "旧题名")
    with monkeypatch.context() as patch:
        patch.setattr(files, "append_durable", die)
        with pytest.raises(Killed):
            edit_record(workspace, record, {"title": "没有入账的题名"}, "更正")
    after = reopened(workspace, without_tables=without_tables)
    assert find_record(after.db, record).title == "旧题名"
    file_one(after, "下一件")
    assert verify_objects(after).findings == ()
    assert "没有入账的题名" not in "".join(
        path.read_text(encoding="utf-8", errors="ignore") for path in (after.root / "objects").rglob("*.json"))
    assert_valid_root(after.root / "objects")
    after.close()


def test_a_filing_killed_before_its_entry_leaves_no_object(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(files, "append_durable", die)
        with pytest.raises(Killed):
            file_one(workspace, "没有入账的一件")
    after = reopened(workspace)
    assert verify_objects(after).findings == ()
    assert list((after.root / "objects").rglob("original.json")) == []
    file_one(after, "下一件")
    assert [one.title for one in list_records(after.db)] == ["下一件"]
    assert_valid_root(after.root / "objects")
    after.close()


def test_an_issue_killed_before_its_entry_leaves_no_data_of_the_customer(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(files, "append_durable", die)
        with pytest.raises(Killed):
            cli("generate", "visit-record", "--data", SAMPLE, *AS_OF)
    assert list((cli.store / "issued").glob("*.jsonl")) != []
    cli("hold", "place", "--account", "1", "--kind", "debt", "--reason", "任意操作", *AS_OF)
    assert list((cli.store / "issued").iterdir()) == []
    assert cli.json("generate", "visit-record", "--data", SAMPLE, *AS_OF)["items"][0]["number"].endswith("00001号")


def test_a_refused_batch_writes_no_data_of_the_customer(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "回访〔2026〕00001号 唐喆.docx").write_bytes(b"mine")
    cli("generate", "visit-record", "--data", SAMPLE, "--out", out, *AS_OF, expect=3)
    assert list((cli.store / "issued").iterdir()) == []


def test_a_document_lost_after_numbering_is_found_and_printed_again(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit.templates import issuing

    with monkeypatch.context() as patch:
        patch.setattr(issuing, "_print", die)
        with pytest.raises(Killed):
            cli("generate", "visit-record", "--data", SAMPLE, *AS_OF)
    missing = cli.json("issued", "render", "--missing", "--dry-run")["items"]
    assert [one["number"] for one in missing] == ["回访〔2026〕00001号"]
    done = cli.json("issued", "render", "--missing")["items"]
    assert Path(done[0]["path"]).exists()
    assert cli.json("issued", "render", "--missing")["total"] == 0


def test_a_full_disk_in_mid_run_tells_what_was_issued(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tomllib

    from recordkit.templates import issuing

    rows = [tomllib.loads(SAMPLE.read_text(encoding="utf-8"))] * 3
    (tmp_path / "rows.json").write_text(json.dumps(rows, default=str), encoding="utf-8")
    real, count = files._put_in_place, 0

    def put(temporary: Path, path: Path, *, overwrite: bool) -> None:
        nonlocal count
        if path.parent.name == "outbox":
            count += 1
            if count == 3:
                raise OSError(28, "No space left on device", str(path))
        real(temporary, path, overwrite=overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(files, "_put_in_place", put)
        patch.setattr(issuing, "_CHUNK", 2)
        result = cli.json("generate", "visit-record", "--data", tmp_path / "rows.json", *AS_OF, expect=4)
    assert result["summary"]["generated"] == 2
    assert "No space left" in cli.err
    assert cli.json("issued", "render", "--missing")["total"] == 1


def damage_inventory(folder: Path) -> None:
    path = next(folder.rglob("inventory.json"))
    path.write_bytes(path.read_bytes() + b"x")


def damage_metadata(folder: Path) -> None:
    next(folder.rglob("record.json")).unlink()


def as_metadata(data: bytes) -> Callable[[Path], None]:
    """Something that is no metadata stands in record.json."""
    def damage(folder: Path) -> None:
        next(folder.rglob("record.json")).write_bytes(data)

    return damage


def damage_text(folder: Path) -> None:
    next(folder.rglob("text.json")).write_bytes(b"{")


@pytest.mark.parametrize("damage", [
    damage_inventory, damage_metadata, damage_text, as_metadata(b"[]"), as_metadata(b"[" * 100_000),
    *(as_metadata(b'{"date": "2026-01-01", ' + part + b"}") for part in (
        b'"title": ["x"]', b'"title": null', b'"account": 7', b'"pages": "3"', b'"title": "\\ud800"')),
    *(as_metadata(b'{"date": ' + day + b"}") for day in (b'"x"', b'"20260101"', b"null", b"7")),
])
def test_one_damaged_object_does_not_close_the_archive(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    file_one(workspace, "坏的一件")
    folder = next((workspace.root / "objects").rglob("0=ocfl_object_1.1")).parent
    file_one(workspace, "好的一件")
    damage(folder)
    cli = Cli(workspace.root, capsys)
    workspace.close()
    cli("rebuild")
    assert "好的一件" in [one["title"] for one in cli.json("search", "好的一件")["items"]]
    cli("verify", expect=7)
    cli("issued", "list")


def test_damaged_issue_data_does_not_close_the_store(cli: Cli) -> None:
    number = cli.json("generate", "visit-record", "--data", SAMPLE, *AS_OF)["items"][0]["number"]
    next((cli.store / "issued").iterdir()).write_bytes(b'{"x')
    cli("rebuild")
    assert cli.json("issued", "list")["items"][0]["number"] == number
    cli("issued", "render", number, expect=5)


@pytest.mark.parametrize("where", ["all", "middle"])
def test_a_damaged_catalogue_is_derived_anew(cli: Cli, where: str) -> None:
    for _ in range(3):
        cli("generate", "visit-record", "--data", SAMPLE, *AS_OF)
    path = cli.store / "catalogue.sqlite3"
    raw = bytearray(path.read_bytes())
    if where == "all":
        raw[:] = os.urandom(len(raw))
    else:
        raw[4096 * 2 :] = os.urandom(len(raw) - 4096 * 2)
    for left in cli.store.glob("catalogue.sqlite3-*"):
        left.unlink()
    path.write_bytes(raw)
    if where == "middle":
        cli("rebuild")
    assert cli.json("issued", "list")["total"] == 3


def test_a_reader_without_tables_answers_rightly_while_a_writer_holds_the_lock(cli: Cli) -> None:
    cli("generate", "visit-record", "--data", SAMPLE, *AS_OF)
    for path in cli.store.glob("catalogue.sqlite3*"):
        path.unlink()
    with files.locked(cli.store / "work" / "locks" / "store", 1):
        assert cli.json("issued", "list")["total"] == 1
    assert cli.json("issued", "list")["total"] == 1


def test_tables_are_never_seen_empty_during_a_rebuild(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = file_one(workspace, "甲")
    seen: list[int] = []
    real = Workspace._apply_one

    def look(self: Workspace, entry: object) -> None:
        other = open_store(self.root, clock_at(TODAY), "reader")
        seen.append(len(list_records(other.db)))
        other.close()
        real(self, entry)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "_apply_one", look)
        workspace.rebuild()
    assert set(seen) == {1}
    assert find_record(workspace.db, record).title == "甲"


def rehashed(lines: list[bytes]) -> bytes:
    """The chain with new hashes, as a forger who knows the format would write it."""
    import hashlib

    from recordkit.model import canonical_json

    previous, out = "0" * 64, []
    for line in lines:
        raw = json.loads(line)
        del raw["hash"]
        raw["prev"] = previous
        previous = hashlib.sha256(canonical_json(raw)).hexdigest()
        out.append(canonical_json({**raw, "hash": previous}) + b"\n")
    return b"".join(out)


def test_a_ledger_rewritten_to_the_same_length_is_named(cli: Cli) -> None:
    cli("generate", "visit-record", "--data", SAMPLE, *AS_OF)
    path = cli.store / "ledger" / "ledger-000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    forged = rehashed([lines[0].replace(b'"actor":"test"', b'"actor":"tesl"'), *lines[1:]])
    assert len(forged) == len(b"".join(lines))
    path.write_bytes(forged)
    assert Ledger(path.parent).verify().ok
    assert "rewritten" in cli.json("ledger", "verify", expect=7)["reason"]
    cli("generate", "visit-record", "--data", SAMPLE, *AS_OF, expect=7)


@pytest.mark.parametrize("place", [-1, -30])
def test_nothing_is_appended_to_a_damaged_last_line(cli: Cli, place: int) -> None:
    cli("generate", "visit-record", "--data", SAMPLE, *AS_OF)
    path = cli.store / "ledger" / "ledger-000001.jsonl"
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    cli("generate", "visit-record", "--data", SAMPLE, *AS_OF, expect=7)
    assert path.read_bytes() == bytes(raw)


@pytest.mark.parametrize("name", [b"\xffbad.pdf", "换行\n与\x1b[31m.pdf".encode(), "长" .encode() * 80 + b".pdf"])
def test_a_strange_file_name_neither_stops_nor_spoils_anything(cli: Cli, name: bytes) -> None:
    inbox = os.fsencode(cli.store / "inbox")
    Path(os.fsdecode(inbox + b"/" + name)).write_bytes(b"not a pdf")
    (cli.store / "inbox" / "zz.pdf").write_bytes(b"not a pdf either")
    result = cli.json("ingest", "--no-ocr", *AS_OF, expect=4)
    assert [one["outcome"] for one in result["items"]] == ["quarantined", "quarantined"]
    assert cli.json("ingest", "--no-ocr", *AS_OF)["total"] == 0
    notes = list((cli.store / "quarantine").rglob("reason.json"))
    assert len(notes) == 2
    for note in notes:
        assert all(char.isprintable() for char in json.loads(note.read_bytes())["source"])


def test_the_store_never_swallows_itself(cli: Cli) -> None:
    assert cli.json("ingest", cli.store, "--no-ocr", *AS_OF)["total"] == 0
    assert cli.json("ingest", cli.store.parent, "--no-ocr", *AS_OF)["total"] == 0
    cli("ingest", cli.store / "recordkit.toml", *AS_OF, expect=3)
    assert list((cli.store / "quarantine").iterdir()) == []


def test_a_link_in_the_inbox_leaves_and_its_target_stays(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "target.pdf"
    target.write_bytes(b"no pdf")
    (cli.store / "inbox" / "link.pdf").symlink_to(target)
    cli("ingest", "--no-ocr", *AS_OF, expect=4)
    assert list((cli.store / "inbox").iterdir()) == []
    assert target.exists()


def test_a_file_that_is_still_being_written_is_never_lost(workspace: Workspace) -> None:
    source = workspace.root / "inbox" / "scan.pdf"
    source.write_bytes(b"%PDF-1.7 first half")
    with source.open("ab") as scanner:
        items = list(ingest.ingest_papers(workspace, [source], ingest.IngestOptions(ocr=False)))
        scanner.write(b" second half")
    assert [one.outcome for one in items] == ["quarantined"]
    kept = [path for path in (workspace.root / "quarantine").rglob("scan.pdf")]
    assert [path.read_bytes() for path in kept] == [b"%PDF-1.7 first half second half"]


def test_a_file_that_changes_while_it_is_read_stays_for_the_next_run(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = workspace.root / "inbox" / "scan.pdf"
    source.write_bytes(b"%PDF-1.7 first half")
    real = arrivals.files.copy_with_digests

    def copy(path: Path, target: Path, *, durable: bool) -> files.Digests:
        digests = real(path, target, durable=durable)
        path.write_bytes(b"%PDF-1.7 first half and more")
        return digests

    with monkeypatch.context() as patch:
        patch.setattr(files, "copy_with_digests", copy)
        items = list(ingest.ingest_papers(workspace, [source], ingest.IngestOptions(ocr=False)))
    assert [one.outcome for one in items] == ["deferred"]
    assert source.exists()


def test_an_init_that_was_cut_off_can_be_repeated(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "new"
    with monkeypatch.context() as patch:
        patch.setattr(files, "append_durable", die)
        with pytest.raises(Killed):
            cli("init", root, "--no-input")
    cli("init", root, "--no-input")
    cli.store = root
    assert cli.json("ledger", "verify")["ok"]


def test_an_act_on_a_tampered_ledger_changes_nothing(workspace: Workspace) -> None:
    path = workspace.root / "ledger" / "ledger-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"seq":1', b'"seq":2'))
    with pytest.raises(IntegrityFailure):
        file_one(workspace, "甲")
    assert list((workspace.root / "objects").rglob("record.json")) == []


def test_a_damaged_index_heals_while_searching(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    for title in ("甲一", "乙二", "丙三"):
        file_one(workspace, title)
    cli = Cli(workspace.root, capsys)
    workspace.close()
    assert cli.json("search", "乙二")["total"] == 1
    shard = next(path for path in (cli.store / "index").iterdir() if path.is_dir())
    shutil.rmtree(shard)
    assert cli.json("search", "乙二")["total"] == 1


def test_a_store_whose_catalogue_cannot_be_written_can_still_be_read(cli: Cli) -> None:
    cli("generate", "visit-record", "--data", SAMPLE, *AS_OF)
    for path in cli.store.glob("catalogue.sqlite3*"):
        path.unlink()
    (cli.store / "catalogue.sqlite3").mkdir()
    assert cli.json("issued", "list")["total"] == 1
    assert cli.json("ledger", "verify")["ok"]
    cli("verify")


def test_one_flipped_byte_in_any_file_of_the_archive_is_found(workspace: Workspace) -> None:
    record = file_one(workspace, "甲")
    edit_record(workspace, record, {"title": "乙"}, "更正")
    paths = [path for path in (workspace.root / "objects").rglob("*") if path.is_file()]
    assert len(paths) > 10
    for path in paths:
        raw = path.read_bytes()
        for place in (0, len(raw) // 2, len(raw) - 1):
            broken = bytearray(raw)
            broken[place] ^= 1
            path.write_bytes(broken)
            assert verify_objects(workspace).findings != (), (path.name, place)
        path.write_bytes(raw)
    assert verify_objects(workspace).findings == ()
