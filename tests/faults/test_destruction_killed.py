import hashlib
import json
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from retention_store import TODAY, Archive, make_archive  # noqa: E402

from recordkit import db, files  # noqa: E402
from recordkit.archive.catalogue import get_record, objects_of  # noqa: E402
from recordkit.archive.editing import edit_record  # noqa: E402
from recordkit.errors import RefusedByRule  # noqa: E402
from recordkit.model import canonical_json  # noqa: E402
from recordkit.retention.audit import audit_ledger  # noqa: E402
from recordkit.retention.events import add_event  # noqa: E402
from recordkit.retention.holds import place_hold, release_hold  # noqa: E402
from recordkit.retention.order_state import Order, find_order  # noqa: E402
from recordkit.templates import issue_data  # noqa: E402
from recordkit.templates.code import PrintedCode, draw_qr  # noqa: E402

SECRET = "欧阳秘密88412345"
PAPER = f"客户：{SECRET}".encode()
ISSUE = "ABCD00000001"


class Killed(BaseException):
    """Stands for the power cut: nothing in the program may catch it."""


class KillAt:
    """Counts the steps that change the disk and dies at one of them, before or behind it."""

    def __init__(self, step: int, *, behind: bool) -> None:
        self.step, self.behind, self.count = step, behind, 0

    def wrap(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        real = getattr(owner, name)

        def stepped(*args, **kwargs):
            self.count += 1
            if self.count == self.step and not self.behind:
                raise Killed
            result = real(*args, **kwargs)
            if self.count == self.step:
                raise Killed
            return result

        monkeypatch.setattr(owner, name, stepped)


def planted(root: Path, *outputs: str) -> tuple[Archive, Order, str]:
    """A signed order of one record whose customer is named in every place where a record leaves traces."""
    archive = make_archive(root)
    done = root / "inbox" / "done" / "2026-03-05"
    for folder in (root / "inbox", done, root / "inbox" / "unmatched" / hashlib.sha256(PAPER).hexdigest()[:16],
                   root / "quarantine" / hashlib.sha256(PAPER).hexdigest()[:16], root / "outbox"):
        files.make_folder(folder)
        (folder / f"{SECRET}扫描.pdf").write_bytes(PAPER)
        if folder.parent.name in ("unmatched", "quarantine"):
            (folder / "reading.json").write_text(SECRET)
    (root / "outbox" / "通知 甲.docx").write_text(f"换表通知 {SECRET}")
    (root / "outbox" / "通知 甲.pdf").write_text(f"PDF {SECRET}")
    again = root / "outbox" / "补打" / "通知 甲.docx"
    files.make_folder(again.parent)
    with zipfile.ZipFile(again, "w") as package:
        package.writestr("word/document.xml", f"<w:t>{SECRET}</w:t>")
        package.writestr("word/media/image1.png", draw_qr(PrintedCode(ISSUE, 1).encode()))
    again.with_suffix(".pdf").write_text(f"PDF {SECRET}")
    (root / "outbox" / "换表-refused-1.csv").write_text(f"户号\n{SECRET}\n")
    data = {"issue": ISSUE, "values": {"customer_name": SECRET}, "account": SECRET, "file": "通知 甲.docx",
            "outputs": [*outputs, "outbox/通知 甲.docx"]}
    issue(archive, data)
    record = archive.file(
        "换表通知书", record_class="meter-change-notice", on=date(2020, 1, 1), content=PAPER, account=SECRET,
        party=SECRET, issue_id=ISSUE,
    )
    other = archive.file("旁人", account="其他", content=b"other")
    archive.file("另一人", account="其他", content=b"another", on=date(2036, 1, 1))
    workspace = archive.workspace
    edit_record(workspace, record, {"party": f"{SECRET}之子"}, f"{SECRET}更名")
    add_event(workspace, "next-replacement", date(2026, 5, 1), account=SECRET, note=SECRET)
    add_event(workspace, "completed", date(2026, 5, 1), records=[record], note=SECRET)
    for hold in (
        place_hold(workspace, kind="debt", reason=SECRET, records=[record]),
        place_hold(workspace, kind="arrears", reason=SECRET, account=SECRET),
    ):
        release_hold(workspace, hold, f"{SECRET}已还")
    order = archive.signed(record)
    assert archive.decision(other) == "due"
    return archive, order, record


def issue(archive: Archive, data: dict[str, object]) -> None:
    """Enter an issue whose data stands in one pack with a neighbour's."""
    lines = [canonical_json(data), canonical_json({"issue": "NEIGHBOUR", "values": {"customer_name": "旁人"}})]
    with archive.workspace.writing() as writer:
        issue_data.write_pack(archive.root, ISSUE, lines)
        writer.add("issue.issued", {
            "issue": ISSUE, "form": "meter-change-notice", "number": "换通〔2020〕0001号",
            "scope": "换通〔2020〕{seq}号",
            "seq": 1, "revision": 1, "template": "0" * 64, "pack": ISSUE,
            "data": hashlib.sha256(lines[0]).hexdigest(), "date": "2020-01-01",
        })  # fmt: skip
        writer.commit()


def neighbours(archive: Archive) -> list[str]:
    pack = issue_data.pack_path(archive.root, ISSUE)
    return [json.loads(line)["issue"] for line in pack.read_bytes().splitlines()]


def places_of(root: Path, text: str) -> list[str]:
    found = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if text in name or path.is_file() and text.encode() in path.read_bytes():
            found.append(name)
    return found


def assert_gone(archive: Archive, order: Order, record: str) -> None:
    assert places_of(archive.root, SECRET) == []
    assert not [path for path in archive.root.rglob("*") if path.name.endswith((".gone", ".tmp"))]
    assert not objects_of(archive.workspace).exists(record)
    assert get_record(archive.workspace.db, record).status == "destroyed"
    assert find_order(archive.workspace.db, order.order_id).status(2) == "executed"
    assert archive.forgotten == {record}
    empty = [path for path in (archive.root / "objects").rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert empty == []
    assert audit_ledger(archive.workspace).findings == []


def test_nothing_of_a_destroyed_record_is_left_in_any_file_of_the_store(tmp_path):
    archive, order, record = planted(tmp_path / "库")
    assert len(places_of(archive.root, SECRET)) > 12
    archive.execute(order)
    assert_gone(archive, order, record)
    entries = [entry for entry, _ in archive.workspace.ledger.read()]
    assert [entry.act for entry in entries[-3:]] == ["order.intended", "record.destroyed", "order.executed"]
    archive.workspace.rebuild()
    assert_gone(archive, order, record)
    archive.workspace.close()


@pytest.mark.parametrize("behind", [False, True])
def test_killed_at_any_step_the_next_call_finishes_the_destruction(tmp_path, monkeypatch, behind):
    step, finished = 0, False
    while not finished:
        step += 1
        archive, order, record = planted(tmp_path / f"库{step}")
        kill = KillAt(step, behind=behind)
        with monkeypatch.context() as patch:
            for owner, name in (
                (files, "_rename"), (files, "_remove_below"), (files, "remove_files"), (files, "append_durable"),
                (db.Database, "wipe_traces"), (db.Database, "set_cursor"),
            ):
                kill.wrap(patch, owner, name)
            try:
                archive.execute(order)
                finished = True
            except Killed:
                pass
        archive.reopen()
        entries = [entry.act for entry, _ in archive.workspace.ledger.read()]
        if "order.intended" not in entries:
            assert objects_of(archive.workspace).check(record) == []
        if "record.destroyed" in entries:
            assert not objects_of(archive.workspace).exists(record)
        if "order.executed" not in entries:
            archive.execute(order, actor="sup2")
        assert_gone(archive, order, record)
        entries = [entry.act for entry, _ in archive.workspace.ledger.read()]
        assert [entries.count(act) for act in ("order.intended", "record.destroyed", "order.executed")] == [1, 1, 1]
        archive.workspace.close()
    assert step > 12


def test_killed_while_the_index_forgets_the_next_call_tells_it_again(tmp_path):
    archive, order, record = planted(tmp_path / "库")
    told: list[set[str]] = []

    class Index(set):
        def update(self, records):
            told.append(set(records))
            if len(told) == 1:
                raise Killed
            super().update(records)

    archive.forgotten = Index()
    with pytest.raises(Killed):
        archive.execute(order)
    assert get_record(archive.workspace.db, record).status == "active"
    archive.execute(order)
    assert told == [{record}, {record}]
    assert_gone(archive, order, record)
    archive.workspace.close()


def test_an_index_that_still_finds_a_record_keeps_it_from_being_called_destroyed(tmp_path):
    from recordkit.retention.destruction import execute_order

    archive, order, record = planted(tmp_path / "库")

    def run(found):
        return execute_order(
            archive.workspace, order.order_id, place="库房", method="粉碎", actor="sup1",
            forget=archive.forgotten.update, still_found=lambda ids: found & ids, confirm=order.confirmation,
        )

    assert [(one.outcome, one.reason_code) for one in run({record}).outcomes] == [("failed", "index")]
    assert get_record(archive.workspace.db, record).status == "active"
    assert [one.outcome for one in run(set()).outcomes] == ["destroyed"]
    archive.workspace.close()


@pytest.mark.parametrize("place", ["outbox", "issued", "objects", "notes"])
def test_what_cannot_be_removed_is_failed_stays_listed_and_goes_with_the_next_call(tmp_path, monkeypatch, place):
    archive, order, record = planted(tmp_path / "库")

    def refuse(real):
        def guarded(path, *args, **kwargs):
            if place in Path(path).relative_to(archive.root).parts:
                raise PermissionError(13, "in use", str(path))
            return real(path, *args, **kwargs)

        return guarded

    with monkeypatch.context() as patch:
        patch.setattr(files, "remove_file", refuse(files.remove_file))
        patch.setattr(files, "_remove_below", refuse(files._remove_below))
        patch.setattr(files, "write_atomic", refuse(files.write_atomic))
        outcomes = archive.execute(order).outcomes
    assert [(one.outcome, one.reason_code) for one in outcomes] == [("failed", "undeletable")]
    assert "in use" in str(outcomes[0].reason)
    assert get_record(archive.workspace.db, record).status == "active"
    assert find_order(archive.workspace.db, order.order_id).status(2) == "executing"
    with pytest.raises(RefusedByRule, match="point of no return"):
        place_hold(archive.workspace, kind="debt", reason="晚", records=[record])
    archive.execute(order)
    assert_gone(archive, order, record)
    archive.workspace.close()


def test_issue_data_that_another_record_needs_stays(tmp_path):
    archive, order, record = planted(tmp_path / "库")
    second = archive.file("第二份扫描", on=date(2036, 1, 1), content=b"second", issue_id=ISSUE)
    archive.execute(order)
    assert get_record(archive.workspace.db, record).status == "destroyed"
    assert neighbours(archive) == [ISSUE, "NEIGHBOUR"]
    assert objects_of(archive.workspace).check(second) == []
    archive.workspace.close()


def test_issue_data_that_was_changed_stops_the_item_before_anything_is_lost(tmp_path):
    archive, order, record = planted(tmp_path / "库")
    pack = next((archive.root / "issued").glob("*.jsonl"))
    pack.write_bytes(pack.read_bytes().replace(b'"outbox/', b'"outbax/'))
    assert [one.reason_code for one in archive.execute(order).outcomes] == ["tampered"]
    assert get_record(archive.workspace.db, record).status == "active"
    assert (archive.root / "outbox" / "通知 甲.docx").exists()
    archive.workspace.close()


def test_issue_data_cannot_name_files_outside_the_places_for_documents(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("keep")
    archive, order, record = planted(
        tmp_path / "库", "../outside.txt", str(outside), "ledger/ledger-000001.jsonl", "recordkit.toml")
    archive.execute(order)
    assert get_record(archive.workspace.db, record).status == "destroyed"
    assert outside.exists() and (archive.root / "recordkit.toml").exists()
    assert not (archive.root / "outbox" / "通知 甲.docx").exists()
    assert archive.workspace.verify_ledger().ok
    archive.workspace.close()


def test_the_account_of_an_event_stays_while_another_record_of_the_account_does(tmp_path):
    archive, order, record = planted(tmp_path / "库")
    contract = archive.file("合同", record_class="supply-contract", on=date(2000, 1, 1), account=SECRET)
    add_event(archive.workspace, "account-closed", date(2001, 1, 1), account=SECRET)
    archive.execute(order)
    assert get_record(archive.workspace.db, record).status == "destroyed"
    assert archive.decision(contract) == "due"
    assert archive.workspace.clock.today == TODAY
    archive.workspace.close()
