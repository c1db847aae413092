"""Stores made from a copy: what was destroyed does not come back, whatever the copy and the ledger try."""

import hashlib
import io
import json
import os
import shutil
import sys
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pikepdf
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from killing import killed_at  # noqa: E402
from retention_store import TODAY as DAY  # noqa: E402
from retention_store import Archive, clock_on, make_archive  # noqa: E402
from test_destruction_killed import ISSUE, SECRET, issue, places_of, planted  # noqa: E402

from recordkit import files  # noqa: E402
from recordkit.archive import catalogue  # noqa: E402
from recordkit.archive.dropping import drop_paper  # noqa: E402
from recordkit.archive.editing import edit_record  # noqa: E402
from recordkit.archive.filing import Batch, NewRecord, file_record  # noqa: E402
from recordkit.archive.fixity import verify_objects  # noqa: E402
from recordkit.checkpoints import keep_checkpoint, make_checkpoint  # noqa: E402
from recordkit.copies.backup import make_backup  # noqa: E402
from recordkit.copies.restore import Restored, restore_backup  # noqa: E402
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, StoreBusy  # noqa: E402
from recordkit.files import digests_of  # noqa: E402
from recordkit.model import canonical_json  # noqa: E402
from recordkit.people import find_person  # noqa: E402
from recordkit.retention.audit import audit_ledger  # noqa: E402
from recordkit.retention.events import add_event  # noqa: E402
from recordkit.retention.holds import place_hold, release_hold  # noqa: E402
from recordkit.store import PROJECTIONS  # noqa: E402
from recordkit.workspace import Workspace, open_workspace  # noqa: E402

TODAY = clock_on(DAY)
LONG_AGO = date(2020, 1, 1)


def restored(copy: Path, ledger: Path, target: Path, **more: object) -> Restored:
    return restore_backup(copy, ledger, target, TODAY, "os-user", **more)  # type: ignore[arg-type]


def opened(root: Path) -> Workspace:
    return open_workspace(root, PROJECTIONS, TODAY, "os-user")


def secret_pdf(text: str = SECRET) -> bytes:
    """A PDF that shows the text, and attaches it, in compressed streams alone."""
    document = pikepdf.new()
    page = document.add_blank_page()
    page.Contents = document.make_stream(f"% {text}\n".encode() * 20)
    document.attachments["note.txt"] = text.encode() * 20
    out = io.BytesIO()
    document.save(out, compress_streams=True, recompress_flate=True, deterministic_id=True)
    assert text.encode() not in out.getvalue()
    return out.getvalue()


def traces_of(root: Path, text: str = SECRET) -> list[str]:
    """Places of a text in names and bytes of all files, and in whatever can be decompressed in them.

    All but the registers of destruction, which keep the titles.
    """
    found = [place for place in places_of(root, text) if not place.endswith("/content/original.json")]
    for path in (path for path in sorted(root.rglob("*")) if path.is_file()):
        data = path.read_bytes()
        for start in (at for at in range(len(data) - 1) if data[at] & 0x0F == 8 and data[at:at + 2] in _ZLIB):
            unpacked = zlib.decompressobj()
            try:
                plain = unpacked.decompress(data[start:], 1 << 20)
            except zlib.error:
                continue
            if text.encode() in plain:
                found.append(path.relative_to(root).as_posix())
    return found


_ZLIB = {b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"}


def file_secret(archive: Archive, pdf: bytes, issue_id: str | None = None, batch: Batch | None = None) -> str:
    """A record with the secret in name, fields, text, file, attachment, reasons, event and holds."""
    workspace = archive.workspace
    with workspace.writing() as writer, workspace.staging() as staging:
        paper, attached = staging / "paper", staging / "attached"
        files.write_atomic(paper, pdf)
        files.write_atomic(attached, secret_pdf(f"{SECRET}附件"))
        new = NewRecord(
            "visit-record", f"{SECRET}回访记录", LONG_AGO, 1,
            {"original.pdf": paper, "attachment-001.pdf": attached,
             "text.json": json.dumps({"pages": [{"page": 1, "text": SECRET}]}).encode()},
            digests_of(paper), fields={"customer_name": SECRET}, extra={"account": SECRET, "party": SECRET},
            number="访〔2020〕0001号", issue_id=issue_id, batch=batch,
        )
        record = file_record(writer, workspace, new, staging)
    edit_record(workspace, record, {"party": f"{SECRET}之子"}, f"{SECRET}更名")
    add_event(workspace, "completed", date(2026, 5, 1), records=[record], note=SECRET)
    hold = place_hold(workspace, kind="arrears", reason=SECRET, account=SECRET)
    release_hold(workspace, hold, f"{SECRET}已还")
    return record


def assert_like(root: Path, archive: Archive) -> None:
    """The store that came back says what the old one says, is whole, and all signatures hold."""
    workspace = opened(root)
    try:
        names = workspace.db.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'meta'")
        for table in [row["name"] for row in names]:
            shown = [[tuple(row) for row in one.db.all(f"SELECT * FROM {table} ORDER BY 1")]  # noqa: S608
                     for one in (workspace, archive.workspace)]
            assert shown[0] == shown[1], table
        assert workspace.ledger.verify() == archive.workspace.ledger.verify()
        assert audit_ledger(workspace).findings == []
        assert verify_objects(workspace).findings == ()
    finally:
        workspace.close()


def test_what_was_destroyed_after_the_copy_does_not_come_back(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    record = file_secret(archive, secret_pdf())
    archive.file("旁人")
    archive.file("另一人", on=date(2036, 1, 1))
    (archive.root / "inbox" / f"{SECRET}.pdf").write_bytes(secret_pdf())
    order = archive.signed(record)
    make_backup(archive.workspace, tmp_path / "copy")
    assert len(set(traces_of(tmp_path / "copy"))) > 8
    archive.execute(order)
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    held = catalogue.count_holdings(archive.workspace.db)
    assert (result.destroyed, result.records, result.lost, result.older) == (1, held, [], [])
    assert result.withheld == [(f"inbox/{SECRET}.pdf", "destroyed")]
    assert traces_of(tmp_path / "back") == []
    assert_like(tmp_path / "back", archive)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o700
    archive.workspace.close()


def test_a_record_in_every_corner_of_a_store_does_not_come_back(tmp_path: Path) -> None:
    archive, order, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.execute(order)
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert result.destroyed == 1 and result.documents == [] and result.notes == 0
    assert places_of(tmp_path / "back", SECRET) == []
    assert_like(tmp_path / "back", archive)
    archive.workspace.close()


@pytest.mark.parametrize("room", ["inbox", "inbox/扫描", "inbox/unmatched/{key}", "quarantine/{key}"])
def test_a_paper_that_waited_in_the_copy_and_was_filed_and_destroyed_since_does_not_wait_again(
    tmp_path: Path, room: str
) -> None:
    archive = make_archive(tmp_path / "库")
    pdf = secret_pdf()
    folder = archive.root / room.format(key=hashlib.sha256(pdf).hexdigest()[:16])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "来件.pdf").write_bytes(pdf)
    if "{key}" in room:
        (folder / "reading.json").write_text(json.dumps({"pages": [{"text": SECRET}]}, ensure_ascii=False))
        (folder / "searchable.pdf").write_bytes(secret_pdf() + b"%")
    (archive.root / "inbox" / "旁人.pdf").write_bytes(b"%PDF-other")
    make_backup(archive.workspace, tmp_path / "copy")
    shutil.rmtree(folder) if "{key}" in room else (folder / "来件.pdf").unlink()
    archive.file("旁人")
    archive.execute(archive.signed(file_secret(archive, pdf)))
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert [doom for _, doom in result.withheld] == ["destroyed"]
    assert traces_of(tmp_path / "back") == []
    assert (tmp_path / "back" / "inbox" / "旁人.pdf").exists() and result.waiting == 1
    archive.workspace.close()


def test_issue_data_of_a_document_filed_and_destroyed_since_does_not_come_back(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    issue(archive, {"issue": ISSUE, "values": {"customer_name": SECRET}, "file": "通知.docx", "outputs": []})
    make_backup(archive.workspace, tmp_path / "copy")
    assert places_of(tmp_path / "copy", SECRET)
    archive.file("旁人")
    archive.execute(archive.signed(file_secret(archive, secret_pdf(), ISSUE)))
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert traces_of(tmp_path / "back") == [] and result.documents == []
    archive.workspace.close()


def test_a_scan_of_several_papers_does_not_wait_again_when_one_of_them_was_destroyed(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    scan = secret_pdf() + b"% and others"
    (archive.root / "inbox" / "批.pdf").write_bytes(scan)
    make_backup(archive.workspace, tmp_path / "copy")
    (archive.root / "inbox" / "批.pdf").unlink()
    batch = Batch(hashlib.sha256(scan).hexdigest(), len(scan), 1, (1,), "批.pdf")
    archive.file("旁人")
    archive.execute(archive.signed(file_secret(archive, secret_pdf(), batch=batch)))
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert result.withheld == [("inbox/批.pdf", "batch")]
    assert traces_of(tmp_path / "back") == []
    archive.workspace.close()


@pytest.mark.parametrize("how", ["record", "issues", "text", "attachment"])
def test_another_scan_that_was_known_to_show_a_document_destroyed_since_does_not_wait_again(
    tmp_path: Path, how: str
) -> None:
    """In the store it had stopped the destruction until somebody had settled it."""
    archive = make_archive(tmp_path / "库")
    issue(archive, {"issue": ISSUE, "values": {"customer_name": SECRET}, "file": "通知.docx", "outputs": []})
    record = file_secret(archive, secret_pdf(), ISSUE)
    archive.file("旁人")
    again = secret_pdf() + b"% again"
    key = hashlib.sha256(again).hexdigest()[:16]
    room = archive.root / "inbox" / "unmatched" / (f"{key}.{ISSUE}" if how == "attachment" else key)
    room.mkdir(parents=True)
    (room / "又扫.pdf").write_bytes(again)
    note = {"record": {"record": record}, "issues": {"issues": [ISSUE]}, "attachment": {},
            "text": {"pages": [{"text": f"访 〔2020〕 0001 号 {SECRET}"}]}}[how]
    (room / "reading.json").write_text(json.dumps(note, ensure_ascii=False))
    make_backup(archive.workspace, tmp_path / "copy")
    shutil.rmtree(room)
    archive.execute(archive.signed(record))
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert [doom for _, doom in result.withheld] == ["shows"]
    assert traces_of(tmp_path / "back") == []
    # The next run of the backup knows it, too.
    assert make_backup(archive.workspace, tmp_path / "copy").is_whole
    assert traces_of(tmp_path / "copy") == []
    archive.workspace.close()


def test_a_paper_that_was_given_up_since_does_not_wait_again(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    room = archive.root / "inbox" / "unmatched" / "0123456789abcdef"
    room.mkdir(parents=True)
    (room / "来件.pdf").write_bytes(secret_pdf())
    (room / "reading.json").write_text(json.dumps({"pages": [{"text": SECRET}]}, ensure_ascii=False))
    make_backup(archive.workspace, tmp_path / "copy")
    with archive.workspace.writing():
        drop_paper(archive.workspace, room / "来件.pdf", "重复", room="unmatched")
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert [doom for _, doom in result.withheld] == ["dropped"]
    assert traces_of(tmp_path / "back") == []
    # One that was put back before the copy was made waits indeed.
    (archive.root / "inbox" / "来件.pdf").write_bytes(secret_pdf())
    make_backup(archive.workspace, tmp_path / "copy")
    result = restored(tmp_path / "copy", archive.root, tmp_path / "again")
    assert result.withheld == [] and result.waiting == 1
    archive.workspace.close()


def test_a_scan_of_which_one_paper_was_given_up_waits_again_for_the_others(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    scan = b"%PDF-scan of two"
    (archive.root / "inbox" / "批.pdf").write_bytes(scan)
    make_backup(archive.workspace, tmp_path / "copy")
    (archive.root / "inbox" / "批.pdf").unlink()
    store_id = archive.workspace.settings.store.id
    batch = catalogue.keyed(store_id, hashlib.sha256(scan).hexdigest())
    for page in (1, 2):
        with archive.workspace.writing() as writer:
            note = writer.note(f"dropped-{str(page) * 16}", {"reason": "空白"})
            writer.add("paper.dropped", {"content": f"{page}" * 64, "room": "unmatched", "note": note, "batch": batch,
                                         "batch_page": page, "batch_papers": 2, "batch_size": len(scan)})
            writer.commit()
        result = restored(tmp_path / "copy", archive.root, tmp_path / f"back{page}")
        assert result.withheld == ([] if page == 1 else [("inbox/批.pdf", "dropped")])
        assert result.waiting == 2 - page
    archive.workspace.close()


def test_bytes_that_another_record_in_force_holds_too_stay_its_own(tmp_path: Path) -> None:
    """An ID card is attached to two papers; one of them is destroyed."""
    archive = make_archive(tmp_path / "库")
    first = archive.file("一", content=b"card")
    (archive.root / "inbox" / "card.pdf").write_bytes(b"card")
    make_backup(archive.workspace, tmp_path / "copy")
    second = archive.file("二", content=b"card", on=date(2036, 1, 1))
    (archive.root / "inbox" / "card.pdf").unlink()
    archive.file("三", on=date(2036, 1, 1))
    archive.execute(archive.signed(first))
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert second in [one.record_id for one in result.lost]
    assert result.papers == [f"outbox/lost/{second}/card.pdf"]
    assert (tmp_path / "back" / result.papers[0]).read_bytes() == b"card"
    archive.workspace.close()


def test_the_paper_of_a_lost_record_is_laid_aside_where_no_ingest_swallows_it(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    (archive.root / "inbox" / "来件.pdf").write_bytes(b"%PDF-late")
    make_backup(archive.workspace, tmp_path / "copy")
    record = archive.file("后来的", content=b"%PDF-late")
    (archive.root / "inbox" / "来件.pdf").unlink()
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert [one.record_id for one in result.lost] == [record]
    assert result.papers == [f"outbox/lost/{record}/来件.pdf"] and result.waiting == 0
    assert not list((tmp_path / "back" / "inbox").glob("*.pdf"))
    archive.workspace.close()


def test_records_and_versions_and_documents_made_after_the_copy_are_named(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    changed = archive.file("一")
    make_backup(archive.workspace, tmp_path / "copy")
    for party in ("甲", "乙"):
        edit_record(archive.workspace, changed, {"party": party}, "更名")
    late = archive.file("后来的")
    issue(archive, {"issue": ISSUE, "values": {}, "file": "通知.docx", "outputs": []})
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    code = {one: catalogue.get_record(archive.workspace.db, one).code for one in (changed, late)}
    assert [(one.code, one.versions) for one in result.older] == [(code[changed], (1, 3))]
    assert [(one.code, one.versions) for one in result.lost] == [(code[late], (0, 1))]
    assert (result.records, result.documents, result.notes) == (0, ["换通〔2020〕0001号"], 2)
    workspace = opened(tmp_path / "back")
    assert catalogue.get_record(workspace.db, changed).title == "一", "the older version is found"
    assert {one.code for one in verify_objects(workspace).findings} == set(code.values())
    with pytest.raises(IntegrityFailure, match="lacks version 3"):
        edit_record(workspace, changed, {"party": "丙"}, "更名")
    workspace.close()
    archive.workspace.close()


def test_a_store_comes_back_as_it_was_and_the_next_act_goes_on(tmp_path: Path) -> None:
    archive, _, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    result = restored(tmp_path / "copy", tmp_path / "copy", tmp_path / "back")
    assert result.entries == result.copied and result.notes == 0
    assert_like(tmp_path / "back", archive)
    back = Archive(tmp_path / "back", opened(tmp_path / "back"), archive.keys)
    back.file("新的一件")
    assert back.workspace.ledger.verify().ok
    back.workspace.close()
    archive.workspace.close()


def test_a_rehearsal_leaves_nothing_and_says_what_comes_back(tmp_path: Path) -> None:
    archive, order, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.execute(order)
    archive.file("后来的")
    names = {one.name for one in tmp_path.iterdir()}
    said = restored(tmp_path / "copy", archive.root, tmp_path / "back", dry_run=True)
    assert {one.name for one in tmp_path.iterdir()} == names
    assert replace(said, dry_run=False) == restored(tmp_path / "copy", archive.root, tmp_path / "back")
    archive.workspace.close()


@pytest.mark.parametrize("stride", [pytest.param(17, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])
def test_a_restore_killed_at_any_step_leaves_nothing_readable_and_the_next_one_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    archive, order, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.execute(order)
    archive.workspace.close()
    for step in range(1, 3000, stride):
        with killed_at(step, monkeypatch) as killed:
            restored(tmp_path / "copy", archive.root, tmp_path / "back")
        assert all(place.startswith("copy/") for place in places_of(tmp_path, SECRET))
        if not killed:
            break
        if not (tmp_path / "back").exists():
            restored(tmp_path / "copy", archive.root, tmp_path / "back")
        workspace = opened(tmp_path / "back")
        assert verify_objects(workspace).findings == ()
        workspace.close()
        shutil.rmtree(tmp_path / "back")
        assert {one.name for one in tmp_path.iterdir()} == {"copy", "库"}
    assert step > 100


def test_two_restores_into_one_place_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from recordkit.copies import restore

    archive = make_archive(tmp_path / "库")
    archive.file("一")
    make_backup(archive.workspace, tmp_path / "copy")
    real = restore.draft_object

    def meanwhile(*arguments: object, **named: object) -> object:
        with pytest.raises(StoreBusy, match="making the store"):
            restored(tmp_path / "copy", archive.root, tmp_path / "back")
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(restore, "draft_object", meanwhile)
    assert restored(tmp_path / "copy", archive.root, tmp_path / "back").records == 1
    archive.workspace.close()


# --- ledgers that do not serve ----------------------------------------------------------------------------------


def test_an_older_or_foreign_ledger_is_refused(tmp_path: Path) -> None:
    archive, order, _ = planted(tmp_path / "库")
    old = Path(shutil.copytree(archive.root / "ledger", tmp_path / "old"))
    archive.execute(order)
    make_backup(archive.workspace, tmp_path / "copy")
    foreign, _, _ = planted(tmp_path / "other")
    foreign.file("多出来的一件")
    for ledger in (old, foreign.root):
        with pytest.raises(IntegrityFailure) as refused:
            restored(tmp_path / "copy", ledger, tmp_path / "back")
        assert "newer ledger" in str(refused.value.todo)
    with pytest.raises(NotFound):
        restored(tmp_path / "copy", tmp_path / "nothing", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    foreign.workspace.close()
    archive.workspace.close()


@pytest.mark.parametrize("where", ["with the copy", "with the ledger", "kept elsewhere"])
def test_a_ledger_behind_a_known_checkpoint_is_refused(tmp_path: Path, where: str) -> None:
    archive, order, _ = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    (tmp_path / "old").mkdir()
    shutil.copytree(archive.root / "ledger", tmp_path / "old" / "ledger")
    archive.execute(order)
    workspace = archive.workspace
    checkpoint = make_checkpoint(workspace, find_person(workspace.db, "admin"), archive.keys["admin"],
                                 workspace.ledger.verify())
    more = {}
    if where == "kept elsewhere":
        (tmp_path / "point.json").write_bytes(checkpoint.as_bytes())
        more = {"checkpoints": [tmp_path / "point.json"]}
    else:
        keep_checkpoint(tmp_path / ("copy" if where == "with the copy" else "old"), checkpoint)
    with pytest.raises(IntegrityFailure, match="checkpoint"):
        restored(tmp_path / "copy", tmp_path / "old", tmp_path / "back", **more)
    assert not (tmp_path / "back").exists()
    restored(tmp_path / "copy", archive.root, tmp_path / "back", **more)
    archive.workspace.close()


def test_a_checkpoint_that_nobody_signed_stops_nobody(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    archive.file("一")
    workspace = archive.workspace
    checkpoint = make_checkpoint(workspace, find_person(workspace.db, "admin"), archive.keys["admin"],
                                 workspace.ledger.verify())
    make_backup(workspace, tmp_path / "copy")
    forged = keep_checkpoint(tmp_path / "copy", checkpoint)
    forged.write_text(forged.read_text().replace(f'"entries": {checkpoint.statement.seq}', '"entries": 999')
                      .replace(f'"seq": {checkpoint.statement.seq}', '"seq": 999'))
    assert restored(tmp_path / "copy", archive.root, tmp_path / "back").records == 1
    archive.workspace.close()


def forge(source: Path, target: Path, *bodies: tuple[str, dict[str, object]]) -> Path:
    """A ledger with more entries, chained as somebody does who knows the format."""
    shutil.copytree(source, target)
    path = sorted(target.glob("ledger-*.jsonl"))[-1]
    last = json.loads(path.read_bytes().splitlines()[-1])
    seq, head, lines = last["seq"], last["hash"], []
    for act, body in bodies:
        seq += 1
        entry = {"act": act, "actor": "admin", "body": body, "left": 0, "prev": head, "seq": seq,
                 "time": "2037-03-05T08:00:00Z"}
        entry["hash"] = head = hashlib.sha256(canonical_json(entry)).hexdigest()
        lines.append(canonical_json(entry) + b"\n")
    path.write_bytes(path.read_bytes() + b"".join(lines))
    return target


@pytest.mark.parametrize("act, body", [
    ("record.destroyed", {"order": "D2037-0001", "record": "{record}"}),
    ("record.destroyed", {"order": "D2037-0001"}),
    ("record.destroyed", {}),
    ("order.proposed", {"order": "D1", "manifest": {"items": [{"no": "record"}]}}),
    ("person.added", {"statement": []}),
    ("record.edited", {"version": 2}),
    ("record.filed", {"record": "R1"}),
    ("issue.issued", {"issue": 1}),
    ("order.intended", {"order": "D2037-0009", "records": 5}),
])
def test_a_ledger_with_acts_that_nobody_signed_or_nobody_can_read_is_refused(
    tmp_path: Path, act: str, body: dict[str, object]
) -> None:
    archive, _, record = planted(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    body = {key: record if value == "{record}" else value for key, value in body.items()}
    ledger = forge(archive.root / "ledger", tmp_path / "forged", (act, body))
    with pytest.raises(IntegrityFailure):
        restored(tmp_path / "copy", ledger, tmp_path / "back")
    assert not (tmp_path / "back").exists()
    archive.workspace.close()


def test_a_copy_whose_own_ledger_is_damaged_serves_with_a_newer_one_and_never_with_an_older_one(
    tmp_path: Path
) -> None:
    archive = make_archive(tmp_path / "库")
    archive.file("一")
    old = Path(shutil.copytree(archive.root / "ledger", tmp_path / "old"))
    archive.file("二")
    make_backup(archive.workspace, tmp_path / "copy")
    path = tmp_path / "copy" / "ledger" / "ledger-000001.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[:500] + b"X" + data[501:])
    with pytest.raises(IntegrityFailure, match="does not continue"):
        restored(tmp_path / "copy", old, tmp_path / "back")
    with pytest.raises(IntegrityFailure, match="damaged"):
        restored(tmp_path / "copy", tmp_path / "copy", tmp_path / "back")
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert result.records == 2 and "damaged at entry" in str(result.copy_damage)
    archive.workspace.close()


# --- copies that want to do harm --------------------------------------------------------------------------------


def test_an_object_in_the_place_of_another_is_left_behind_and_named(tmp_path: Path) -> None:
    """Somebody lays the destroyed paper into the folder of a record that is in force."""
    archive = make_archive(tmp_path / "库")
    record = file_secret(archive, secret_pdf())
    other = archive.file("旁人")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.execute(archive.signed(record))
    places = {one: next((tmp_path / "copy" / "objects").rglob(f"*{one}")) for one in (record, other)}
    shutil.rmtree(places[other])
    shutil.copytree(places[record], places[other])
    result = restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert [(one.record_id, one.versions) for one in result.damaged] == [(other, (0, 1))]
    assert traces_of(tmp_path / "back") == []
    archive.workspace.close()


def test_a_file_slipped_into_an_object_note_or_pack_is_left_behind(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    issue(archive, {"issue": ISSUE, "values": {}, "file": "通知.docx", "outputs": []})
    record, other = file_secret(archive, secret_pdf()), archive.file("旁人")
    edit_record(archive.workspace, other, {"party": "甲"}, "更名")
    make_backup(archive.workspace, tmp_path / "copy")
    archive.execute(archive.signed(record))
    copy = tmp_path / "copy"
    place = next((copy / "objects").rglob(f"*{other}"))
    for path in (place / "stray.txt", place / "v1" / "content" / "stray.txt", place / "v9" / "content" / "x",
                 copy / "objects" / "abc" / "stray" / "x", copy / "notes" / "stray.json", copy / "outbox" / "x",
                 copy / "notes" / other / f"{'0' * 64}.json", copy / "catalogue.sqlite3", copy / "index" / "x",
                 copy / "issued" / "EXTRA.jsonl", copy / "work" / "viewing" / "x", copy / "inbox" / "done" / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
    for note in sorted((copy / "notes" / record).iterdir()):
        shutil.copy(note, copy / "notes" / other / note.name)
    pack = copy / "issued" / f"{ISSUE}.jsonl"
    pack.write_bytes(pack.read_bytes() + f'{{"issue":"{ISSUE}","values":"{SECRET}"}}\n'.encode())
    (place / "v1" / "content" / "original.txt").write_text(SECRET)
    result = restored(copy, archive.root, tmp_path / "back")
    assert [(one.record_id, one.files) for one in result.damaged] == [(other, ("v1/content/original.txt",))]
    assert traces_of(tmp_path / "back") == []
    archive.workspace.close()


@pytest.mark.parametrize("place", [
    "objects", "notes", "inbox", "ledger", "recordkit.toml", "issued", "backup.json", "inbox/来件.pdf",
    "ledger/ledger-000001.jsonl", "{object}", "{object}/v2/inventory.json", "{object}/v1/content/original.txt",
])
@pytest.mark.parametrize("kind", ["link", *(["pipe"] if hasattr(os, "mkfifo") else [])])
def test_links_and_pipes_in_a_copy_are_refused(tmp_path: Path, place: str, kind: str) -> None:
    archive = make_archive(tmp_path / "库")
    issue(archive, {"issue": ISSUE, "values": {}, "file": "通知.docx", "outputs": []})
    record = archive.file("一")
    edit_record(archive.workspace, record, {"party": "甲"}, "更名")
    (archive.root / "inbox" / "来件.pdf").write_bytes(b"x")
    copy = tmp_path / "copy"
    make_backup(archive.workspace, copy)
    own = next((copy / "objects").rglob(f"*{record}")).relative_to(copy).as_posix()
    path = copy / place.format(object=own)
    shutil.move(path, tmp_path / "outside")
    if kind == "link":
        path.symlink_to(tmp_path / "outside")
    else:
        os.mkfifo(path)
    with pytest.raises(IntegrityFailure, match="link or a device"):
        restored(copy, archive.root, tmp_path / "back")
    assert not (tmp_path / "back").exists()
    archive.workspace.close()


def test_a_restore_overwrites_nothing_and_stays_out_of_copy_and_ledger(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("keep")
    (tmp_path / "file").write_text("keep")
    for target in ("papers", "file", "copy/back", "库/ledger/back"):
        with pytest.raises(InputRefused):
            restored(tmp_path / "copy", archive.root, tmp_path / target)
    assert [one.name for one in (tmp_path / "papers").iterdir()] == ["letter.txt"]
    with pytest.raises(NotFound, match="no copy"):
        restored(tmp_path / "papers", archive.root, tmp_path / "back")
    (tmp_path / "back").mkdir()
    restored(tmp_path / "copy", archive.root, tmp_path / "back")
    opened(tmp_path / "back").close()
    archive.workspace.close()


def test_a_link_in_the_way_of_a_restore_is_not_followed(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".back.restoring").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityFailure, match="link or a device"):
        restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert not any((tmp_path / "elsewhere").iterdir())
    archive.workspace.close()


def test_a_restore_that_is_killed_while_it_tidies_up_leaves_nothing_behind_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    left = set()
    for step in range(1, 200, 4):  # a rehearsal removes its draft at the end
        with killed_at(step, monkeypatch) as killed:
            restored(tmp_path / "copy", archive.root, tmp_path / "back", dry_run=True)
        left |= {one.name.rpartition(".")[2] for one in tmp_path.glob(".*")}
        if not killed:
            break
    assert "gone" in left, "no run was killed while it tidied up"
    restored(tmp_path / "copy", archive.root, tmp_path / "back")
    assert not list(tmp_path.glob(".*"))
    archive.workspace.close()


def test_the_tables_that_a_restore_derives_are_counted(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "库")
    make_backup(archive.workspace, tmp_path / "copy")
    told: list[tuple[int, int]] = []
    restored(tmp_path / "copy", archive.root, tmp_path / "back",
             deriving=lambda done, total, size=0: told.append((done, total)))
    entries = archive.workspace.db.cursor().seq
    assert told == [(done, entries) for done in range(1, entries + 1)] * 2
    archive.workspace.close()


def test_every_note_of_a_store_is_one_that_its_ledger_names(tmp_path: Path) -> None:
    """An act whose notes were not recognised would lose them in every copy."""
    archive, order, record = planted(tmp_path / "库")
    other = next(one for one in catalogue.list_records(archive.workspace.db) if one.title == "旁人")
    place_hold(archive.workspace, kind="debt", reason="欠费", records=[other.record_id])
    room = archive.root / "inbox" / "unmatched" / "0123456789abcdef"
    room.mkdir(parents=True)
    (room / "x.pdf").write_bytes(b"dropped")
    with archive.workspace.writing():
        drop_paper(archive.workspace, room / "x.pdf", "看不清", room="unmatched")
    archive.revoke("sup3")
    from recordkit.retention.orders import withdraw_order

    withdraw_order(archive.workspace, order.order_id, "撤回")
    make_backup(archive.workspace, tmp_path / "copy")
    notes = [{path.relative_to(root).as_posix() for path in (root / "notes").rglob("*.json")}
             for root in (archive.root, tmp_path / "copy")]
    assert notes[0] == notes[1] and len(notes[0]) > 10
    assert restored(tmp_path / "copy", archive.root, tmp_path / "back").notes == 0
    assert {path.name for path in (tmp_path / "back" / "notes").rglob("*.json")} == {Path(one).name for one in notes[0]}
    archive.workspace.close()
