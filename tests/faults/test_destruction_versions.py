"""Destruction takes attachments, every older scan, and all copies of both; nothing else."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from papers import pdf_bytes

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from retention_store import Archive  # noqa: E402

from recordkit import files  # noqa: E402
from recordkit.archive import catalogue  # noqa: E402
from recordkit.archive.attaching import AttachOptions, attach_papers  # noqa: E402
from recordkit.archive.filing import NewRecord  # noqa: E402
from recordkit.archive.rescanning import Rescan, file_rescan  # noqa: E402
from recordkit.store import PROJECTIONS  # noqa: E402
from recordkit.workspace import open_workspace  # noqa: E402

ISSUE = "ABCDEFGHJKMN"


def rescan(archive: Archive, record_id: str, data: bytes, **more: bytes) -> None:
    record = catalogue.get_record(archive.workspace.db, record_id)
    assert record is not None
    with archive.workspace.writing() as writer, archive.workspace.staging() as staging:
        paper = staging / "paper"
        files.write_atomic(paper, data)
        content: dict[str, Path | bytes] = {"original.txt": paper, **{f"{name}.pdf": one for name, one in more.items()}}
        new = NewRecord(record.record_class, record.title, record.date, 2, content, files.digests_of(paper))
        file_rescan(writer, archive.workspace, Rescan(record, new), staging)


def attach(archive: Archive, record_id: str, path: Path, data: bytes) -> None:
    files.write_atomic(path, data, overwrite=True)
    (item,) = attach_papers(archive.workspace, record_id, [path], AttachOptions(ocr=False))
    assert item.outcome == "attached"


def test_every_version_every_attachment_and_their_copies_go(archive: Archive, tmp_path: Path) -> None:
    root = archive.root
    doomed = archive.file("甲回访记录", content=b"first scan")
    bound = archive.file("丙回访记录", on=date(2025, 7, 1), content=b"bound scan", issue_id=ISSUE)
    stays = archive.file("乙回访记录", on=date(2025, 6, 1), content=b"other scan")
    card = pdf_bytes(text="card")
    attach(archive, doomed, tmp_path / "card.pdf", card)
    attach(archive, stays, tmp_path / "card.pdf", card)
    # Only the version in the middle has a second file beside the scan.
    rescan(archive, doomed, b"second scan", searchable=b"searchable copy")
    rescan(archive, doomed, b"third scan")
    assert "searchable.pdf" not in catalogue.objects_of(archive.workspace).names(doomed)
    copies = {root / "outbox" / "a.pdf": b"first scan", root / "outbox" / "b.pdf": b"second scan",
              root / "outbox" / "e.pdf": b"searchable copy",
              root / "inbox" / "done" / "2037-03-05" / "c.pdf": card, root / "outbox" / "d.pdf": b"other scan"}
    for path, data in copies.items():
        files.write_atomic(path, data)
    waiting = root / "inbox" / "unmatched" / f"0123456789abcdef.{ISSUE}"
    files.write_atomic(waiting / "id.pdf", pdf_bytes(text="waits"))
    other = root / "inbox" / "unmatched" / "0123456789abcdef.ZZZZZZZZZZZZ"
    files.write_atomic(other / "id.pdf", pdf_bytes(text="waits"))
    done = archive.execute(archive.signed(doomed, bound))
    assert [one.outcome for one in done.outcomes] == ["destroyed", "destroyed"]
    assert [path.name for path in copies if path.exists()] == ["d.pdf"]
    assert not waiting.exists()
    assert other.exists()
    objects = catalogue.objects_of(archive.workspace)
    assert not objects.holds_path_of(doomed)
    record = catalogue.get_record(archive.workspace.db, stays)
    assert record is not None
    assert objects.read(stays, "attachment-001.pdf") == card
    for data in (b"first scan", b"second scan", b"third scan", b"searchable copy"):
        assert not [path for path in root.rglob("*") if path.is_file() and data in path.read_bytes()], data


def test_bytes_of_destroyed_versions_and_attachments_are_still_recognised_after_a_rebuild(
    archive: Archive, tmp_path: Path
) -> None:
    doomed = archive.file("甲回访记录", content=b"first scan")
    archive.file("乙回访记录", on=date(2025, 6, 1))
    attach(archive, doomed, tmp_path / "card.pdf", pdf_bytes(text="card"))
    rescan(archive, doomed, b"second scan")
    order = archive.signed(doomed)
    archive.execute(order)
    known = [files.digests_of(tmp_path / "card.pdf").sha256]
    for number, data in enumerate((b"first scan", b"second scan")):
        files.write_atomic(tmp_path / str(number), data)
        known.append(files.digests_of(tmp_path / str(number)).sha256)

    def rows() -> list[tuple[object, ...]]:
        return [tuple(row) for row in archive.workspace.db.all("SELECT * FROM contents ORDER BY content, record_id")]

    before = rows()
    archive.workspace.close()
    for path in archive.root.glob("catalogue.sqlite3*"):
        path.unlink()
    archive.workspace = open_workspace(archive.root, PROJECTIONS, archive.workspace.clock, "os-user")
    assert rows() == before
    for digest in known:
        found = catalogue.find_content(archive.workspace.db, catalogue.keyed(archive.workspace.settings.store.id,
                                                                             digest))
        assert found is not None
        assert (found.record.record_id, found.record.destroyed_by) == (doomed, order.order_id)


def test_what_was_attached_or_scanned_again_after_the_order_was_signed_stops_the_item(
    archive: Archive, tmp_path: Path
) -> None:
    """The manifest binds the version: a paper that came later was appraised by nobody."""
    first = archive.file("甲回访记录", content=b"first scan")
    second = archive.file("乙回访记录", on=date(2024, 7, 1), content=b"other scan")
    order = archive.signed(first, second)
    attach(archive, first, tmp_path / "card.pdf", pdf_bytes(text="card"))
    rescan(archive, second, b"second scan")
    outcomes = archive.execute(order).outcomes
    assert [(one.outcome, one.reason_code) for one in outcomes] == [("refused", "changed"), ("refused", "changed")]
    assert catalogue.objects_of(archive.workspace).read(first, "attachment-001.pdf") == pdf_bytes(text="card")
