"""What the ledger says of each record and which notes and issue data it names, gathered while it is verified.

The catalogue is a table that anybody with an editor can change; what it says is held against this. Gathered in a
scratch database, so that memory does not grow with the archive; it holds what the ledger holds, and no more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from recordkit.archive.boxes import subject_of
from recordkit.archive.catalogue import VERSIONING, records_in_box
from recordkit.archive.losses import lost_notes
from recordkit.db import Database
from recordkit.model import Entry
from recordkit.notes import note_folder
from recordkit.templates.issue_data import FOLDER, lines_of
from recordkit.workspace import Workspace

_SCHEMA = """
CREATE TABLE said (record_id TEXT PRIMARY KEY, code, record_class, year, period, access, ordinal, scope, serial,
  filed_number, issue_id, form, version, commitment, volume, position) WITHOUT ROWID;
CREATE TABLE named (digest TEXT, subject TEXT, box TEXT, PRIMARY KEY (digest, subject)) WITHOUT ROWID;
CREATE TABLE data (issue_id TEXT PRIMARY KEY, number, pack, digest) WITHOUT ROWID;
CREATE TABLE gone (subject TEXT PRIMARY KEY) WITHOUT ROWID
"""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SUBJECTS = ("record", "volume", "hold", "event", "order", "issue", "handover")
"""Whose note an act names, the first that it has; checked in this order."""
_FORGETTABLE = "dropped-"
"""Subjects of papers that belonged to nothing: their notes go some days after, without an act."""


@dataclass(frozen=True, slots=True)
class Catalogued:
    """What tables of the catalogue say of a record beside its row's own value.

    Attributes:
        box: as boxes are compared; ``origin`` the code in the archive that it is from.
        filed_number: number under which it was filed or matched.
        accounts: those under which it is found now.
        volume, position: where it lies in a volume, by the volume's own list.
    """

    box: str | None
    filed_number: str | None
    accounts: frozenset[str]
    volume: str | None
    position: int | None
    origin: str | None


def catalogued(db: Database, record_id: str) -> Catalogued | None:
    """What the tables say of a record; None when it is not in them."""
    row = db.one("SELECT r.box, r.filed_number, r.origin, v.volume_id, v.position FROM records r "
                 "LEFT JOIN volume_records v ON v.record_id = r.record_id WHERE r.record_id = :id", {"id": record_id})
    if row is None:
        return None
    accounts = db.all("SELECT account FROM record_accounts WHERE record_id = :id AND is_current = 1",
                      {"id": record_id})
    return Catalogued(row["box"], row["filed_number"], frozenset(str(one["account"]) for one in accounts),
                      row["volume_id"], row["position"], row["origin"])


@dataclass(frozen=True, slots=True)
class LostNote:
    """A note, or the data of an issued document, that the ledger names and that is missing or ``changed``.

    Attributes:
        subject: what it belongs to; the id of the issue for a document's data.
        digest: by which the ledger names it.
        pack: of issue data in which its line belongs; empty for a note, which is a file.
        number: of the document.
    """

    subject: str
    digest: str
    changed: bool
    pack: str = ""
    number: str = ""

    @property
    def place(self) -> str:
        """The file in the store in which it belongs."""
        return f"{FOLDER}/{self.pack}.jsonl" if self.pack else f"notes/{self.subject}/{self.digest}.json"


class LedgerFacts:
    """Give ``take`` every entry in order; then ask. ``seq`` is the last one taken."""

    def __init__(self) -> None:
        self._db = Database.scratch(_SCHEMA)
        self.seq = 0

    def close(self) -> None:
        """Give the scratch database back."""
        self._db.close()

    def take(self, entry: Entry) -> None:
        """Note what an entry says; one that was taken before is passed over."""
        if entry.seq <= self.seq:
            return
        self.seq = entry.seq
        if entry.act == "record.filed":
            self._filed(entry.body)
        elif entry.act in VERSIONING:
            self._changed(entry.body)
        elif entry.act in ("volume.filed", "volume.taken-out"):
            self._moved(entry.act, entry.body)
        elif entry.act == "record.destroyed":
            self._gone(entry.body.get("record"))
        elif entry.act == "order.intended":
            for key in ("records", "events", "holds", "volumes"):
                listed = entry.body.get(key)
                self._gone(*(listed if isinstance(listed, list) else ()))
            boxes = entry.body.get("boxes")
            self._forget(boxes if isinstance(boxes, list) else ())
        elif entry.act == "box.forgotten":
            self._forget([entry.body.get("box")])
        elif entry.act == "issue.issued":
            self._db.insert("data", {"issue_id": entry.body["issue"], "number": entry.body["number"],
                                     "pack": entry.body["pack"], "digest": entry.body["data"]})
        for subject, digest in named_notes(entry):
            self._db.insert("named", {"digest": digest, "subject": subject,
                                      "box": entry.body.get("box") if entry.act == "box.placed" else None})

    def follow(self, workspace: Workspace) -> None:
        """Take what was written since; no writer is at work."""
        if workspace.db.cursor().seq > self.seq:
            for entry, _ in workspace.ledger.read():
                self.take(entry)

    def of(self, record_id: str) -> Mapping[str, object] | None:
        """What the ledger says of a record, by the names of the catalogue's columns; None when it filed none such."""
        row = self._db.one("SELECT * FROM said WHERE record_id = :id", {"id": record_id})
        return None if row is None else dict(row)

    def lacking(self, workspace: Workspace) -> tuple[int, list[LostNote]]:
        """How many notes and lines of issue data must be there, and those of them that are changed or missing.

        What went with its subject is not missed, nor the place of a box in which nothing lies, nor what is written off
        as lost.
        """
        count, wrong, given_up = 0, list[LostNote](), lost_notes(workspace.db)
        for row in self._expected():
            subject, digest = str(row["subject"]), str(row["digest"])
            changed = False
            try:
                good = hashlib.sha256((note_folder(workspace.root, subject) / f"{digest}.json").read_bytes()
                                      ).hexdigest() == digest
                changed = not good
            except OSError:
                box = row["box"]
                if subject.startswith(_FORGETTABLE) or (box and not records_in_box(workspace.db, str(box))):
                    continue
                good = False
            if not good and digest in given_up:
                continue
            count += 1
            if not good:
                wrong.append(LostNote(subject, digest, changed))
        lines, lost = self._lacking_lines(workspace.root, given_up)
        return count + lines, wrong + lost

    def _lacking_lines(self, root: Path, given_up: frozenset[str]) -> tuple[int, list[LostNote]]:
        """As ``lacking``, of issue data alone; a pack at a time is in memory."""
        count, wrong = 0, list[LostNote]()
        for pack, rows in groupby(self._expected_lines(), key=lambda row: str(row["pack"])):
            there = lines_of(root, pack)
            for row in rows:
                digest = str(row["digest"])
                if digest in there:
                    count += 1
                elif digest not in given_up:
                    count += 1
                    wrong.append(LostNote(str(row["issue_id"]), digest, bool(there), pack, str(row["number"])))
        return count, wrong

    def settled(self, workspace: Workspace) -> list[LostNote]:
        """Those that are changed or missing, looked at again while no writer is at work.

        Raises:
            StoreBusy: there are some, and a writer holds the store for longer than the settings allow.
        """
        if self.lacking(workspace)[1]:
            with workspace.settled():
                self.follow(workspace)
                return self.lacking(workspace)[1]
        return []

    def _expected(self) -> Iterator[Mapping[str, object]]:
        yield from map(dict, self._db.each(
            "SELECT digest, subject, box FROM named WHERE subject NOT IN (SELECT subject FROM gone) "
            "AND subject NOT IN (SELECT issue_id FROM said JOIN gone ON gone.subject = said.record_id "
            "WHERE issue_id IS NOT NULL) ORDER BY subject, digest"))

    def _expected_lines(self) -> Iterator[Mapping[str, object]]:
        """Of a document that two records show, the data go with the last of them."""
        yield from map(dict, self._db.each(
            "SELECT * FROM data WHERE issue_id NOT IN (SELECT issue_id FROM said WHERE issue_id IS NOT NULL "
            "GROUP BY issue_id HAVING count(*) = sum(record_id IN (SELECT subject FROM gone))) "
            "ORDER BY pack, issue_id"))

    def _filed(self, body: Mapping[str, object]) -> None:
        self._db.insert("said", {
            "record_id": body["record"], "code": body["code"], "record_class": body["class"], "year": body["year"],
            "period": body["period"], "access": body["access"], "ordinal": body["ordinal"], "scope": body["scope"],
            "serial": body["serial"], "filed_number": body.get("number"), "issue_id": body.get("issue"),
            "form": body.get("form"), "version": body["version"], "commitment": body["commitment"]})

    def _changed(self, body: Mapping[str, object]) -> None:
        values = {"id": body["record"], "version": body["version"], "commitment": body["commitment"]}
        more = ""
        if "issue" in body and "number" in body:
            more = ", issue_id = :issue, filed_number = :number, form = :form"
            values |= {key: body.get(key) for key in ("issue", "number", "form")}
        self._db.run(f"UPDATE said SET version = :version, commitment = :commitment{more} WHERE record_id = :id",
                     values)

    def _moved(self, act: str, body: Mapping[str, object]) -> None:
        records = body.get("records")
        for record_id, position in records.items() if isinstance(records, Mapping) else ():
            into = act == "volume.filed"
            self._db.run("UPDATE said SET volume = :volume, position = :position WHERE record_id = :id",
                         {"id": record_id, "volume": body["volume"] if into else None,
                          "position": position if into else None})

    def _forget(self, boxes: Iterable[object]) -> None:
        """A box may be filled and placed again; where it stood before is not told any more."""
        for box in boxes:
            self._db.run("DELETE FROM named WHERE box = :box", {"box": str(box)})

    def _gone(self, *subjects: object) -> None:
        for subject in subjects:
            self._db.run("INSERT OR IGNORE INTO gone VALUES (:subject)", {"subject": str(subject)})


def named_notes(entry: Entry) -> Iterator[tuple[str, str]]:
    """Subject and digest of every note that an entry names (docs/store-format.md, "Notes")."""
    body = entry.body
    records = body.get("records")
    if isinstance(records, Mapping):
        for record_id, digest in records.items():
            if _is_digest(digest):
                yield str(record_id), str(digest)
    if _is_digest(body.get("account_note")):
        yield str(body.get("hold") or body.get("event")), str(body["account_note"])
    statement = body.get("statement")
    for said in (body, statement if isinstance(statement, Mapping) else {}):
        if _is_digest(said.get("note")):
            subject = _subject(entry.act, {**said, **body})
            if subject:
                yield subject, str(said["note"])


def _subject(act: str, body: Mapping[str, object]) -> str:
    if act == "box.placed":
        return subject_of(str(body["box"]))
    if act.startswith("person."):
        return f"person-{body['id']}" if body.get("id") else ""
    if act == "paper.dropped":
        return str(body.get("record") or body.get("issue") or f"{_FORGETTABLE}{str(body['content'])[:16]}")
    # The issue that a record is matched with is no place of the note: it lies beside the record.
    return next((str(body[key]) for key in _SUBJECTS if body.get(key)), "")


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None
