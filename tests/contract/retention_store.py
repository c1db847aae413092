"""A real store with people who hold keys, and records that are due; shared by the retention tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recordkit import files, people
from recordkit.archive import catalogue
from recordkit.archive.filing import NewRecord, file_record
from recordkit.model import canonical_json
from recordkit.new_settings import new_settings_text
from recordkit.people import NewPerson, Signer, add_person, find_person
from recordkit.retention import destruction, orders
from recordkit.retention.circumstances import decide_record, load_circumstances
from recordkit.retention.order_state import Opinion, Order
from recordkit.retention.review import Decision
from recordkit.retention.schedule import shipped_schedule
from recordkit.settings import ArchiveSection, CompanySection
from recordkit.store import PROJECTIONS, SIMULATION_ID
from recordkit.workspace import Clock, Workspace, create_store, open_workspace

TODAY = date(2037, 3, 5)

STAFF = {
    "admin": ("administrator",),
    "arch": ("archivist",),
    "appr": ("appraiser",),
    "boss": ("approver",),
    "sup1": ("supervisor",),
    "sup2": ("supervisor",),
    "sup3": ("supervisor",),
}


def review_one_by_one(
    workspace: Workspace, today: date, within_days: int | None = None
) -> list[tuple[catalogue.Record, Decision]]:
    """What the review by groups must say: every active record decided by itself, in the order of filing."""
    around = load_circumstances(workspace)
    decided = [(one, decide_record(workspace, one, around, today)) for one in catalogue.list_records(workspace.db)]
    return [(one, found) for one, found in decided if within_days is None or (
        found.due is not None and found.due <= today + timedelta(days=within_days))]


def clock_on(day: date) -> Clock:
    return Clock(lambda: datetime(day.year, day.month, day.day, 8, tzinfo=UTC), day)


@dataclass
class Archive:
    """The store under test. ``forgotten`` collects what the search index was told to forget."""

    root: Path
    workspace: Workspace
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)

    def reopen(self, day: date = TODAY) -> None:
        self.workspace.close()
        self.workspace = open_workspace(self.root, PROJECTIONS, clock_on(day), "os:user")

    def register(self, person_id: str, *roles: str, staff_no: str = "", key: Ed25519PrivateKey | None = None) -> None:
        self.keys[person_id] = key or Ed25519PrivateKey.generate()
        public = self.keys[person_id].public_key().public_bytes_raw().hex()
        new = NewPerson(person_id, f"姓名{person_id}", staff_no or f"S-{person_id}", roles, public)
        add_person(self.workspace, new, self.keys["admin"])

    def signer(self, person_id: str) -> Signer:
        return Signer(find_person(self.workspace.db, person_id), self.keys[person_id])

    def revoke(self, person_id: str) -> None:
        people.revoke_person(self.workspace, person_id, self.keys["admin"], "调离")

    def file(
        self, title: str = "回访记录", *, on: date = date(2024, 6, 1), record_class: str = "visit-record",
        content: bytes | None = None, **extra: object,
    ) -> str:
        issue_id, number = (extra.pop(key, None) for key in ("issue_id", "number"))
        with self.workspace.writing() as writer, self.workspace.staging() as staging:
            paper = staging / "paper"
            files.write_atomic(paper, content if content is not None else f"{title}{on}".encode())
            new = NewRecord(
                record_class, title, on, 2, {"original.txt": paper}, files.digests_of(paper), extra=extra,
                issue_id=None if issue_id is None else str(issue_id), number=None if number is None else str(number),
            )
            return file_record(writer, self.workspace, new, staging)

    def decision(self, record_id: str) -> str:
        from recordkit.retention.circumstances import explain_record

        record = catalogue.find_record(self.workspace.db, record_id)
        return explain_record(self.workspace, record, self.workspace.clock.today).decision

    def propose(self, *records: str) -> Order:
        return orders.propose_order(self.workspace, records or None, self.signer("arch"))[0]

    def appraise(self, order: Order, opinions: dict[str, Opinion] | None = None) -> Order:
        return orders.appraise_order(
            self.workspace, order.order_id, opinions or Opinion("destroy"), self.signer("appr")
        )

    def approve(self, order: Order) -> Order:
        return orders.approve_order(self.workspace, order.order_id, self.signer("boss"))

    def sign(self, order: Order, person_id: str) -> Order:
        return orders.sign_order(self.workspace, order.order_id, self.signer(person_id))

    def signed(self, *records: str) -> Order:
        order = self.sign(self.approve(self.appraise(self.propose(*records))), "sup1")
        return self.sign(order, "sup2")

    def execute(self, order: Order, actor: str = "sup1") -> destruction.Execution:
        forget: Callable[[set[str]], None] = self.forgotten.update
        return destruction.execute_order(
            self.workspace, order.order_id, place="三号库房", method="粉碎", actor=actor, forget=forget,
            confirm=order.confirmation,
        )


_MADE: dict[date, tuple[dict[str, bytes | None], dict[str, Ed25519PrivateKey]]] = {}
"""Stores that were made in this process, file by file (None is a folder), and the keys of their people."""


def make_archive(root: Path, day: date = TODAY) -> Archive:
    """A new store with people and schedule; made once for a day, then put down again."""
    if day not in _MADE:
        archive = _new_archive(root, day)
        archive.workspace.close()
        _MADE[day] = ({path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes()
                       for path in sorted(root.rglob("*"))}, archive.keys)
    else:
        root.mkdir(parents=True)
        for name, data in _MADE[day][0].items():
            if data is None:
                (root / name).mkdir()
            else:
                (root / name).write_bytes(data)
    return Archive(root, open_workspace(root, PROJECTIONS, clock_on(day), "os:user"), dict(_MADE[day][1]))


def _new_archive(root: Path, day: date) -> Archive:
    text = new_settings_text(
        store_id=SIMULATION_ID, simulation=True, company=CompanySection(),
        archive=ArchiveSection(),
    )
    create_store(root, text, SIMULATION_ID, clock_on(day), "os:user")
    files.write_atomic(root / "retention.toml", shipped_schedule())
    archive = Archive(root, open_workspace(root, PROJECTIONS, clock_on(day), "os:user"))
    for person_id, roles in STAFF.items():
        archive.register(person_id, *roles)
    return archive


def change(archive: Archive, old: str, new: str) -> None:
    """Change a text that stands once in the settings, as a person would, and open the store again."""
    path = archive.root / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    files.write_atomic(path, text.replace(old, new).encode(), overwrite=True)
    archive.reopen()


def rewritten(archive: Archive, change: Callable[[dict[str, Any]], object], act: str) -> None:
    """The ledger with the body of one act changed and the whole chain computed anew, as whoever has the files can."""
    (path,) = (archive.root / "ledger").glob("ledger-*.jsonl")
    head, lines = "0" * 64, []
    for line in path.read_bytes().splitlines():
        entry = json.loads(line)
        del entry["hash"]
        if entry["act"] == act:
            change(entry)
        entry["prev"] = head
        head = hashlib.sha256(canonical_json(entry)).hexdigest()
        lines.append(canonical_json({**entry, "hash": head}))
    path.write_bytes(b"\n".join(lines) + b"\n")
    (archive.root / "catalogue.sqlite3").unlink()
    archive.workspace.close()
    archive.reopen()
