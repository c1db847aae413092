"""What a ledger leaves in force: the records, notes, lines of issue data and waiting papers that may be in a copy.

Asked by the run that makes a copy, of what may leave it, and by the way back, of what may come out of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from recordkit.archive.arrivals import OTHER_NAMES
from recordkit.archive.boxes import subject_of
from recordkit.archive.catalogue import keyed
from recordkit.archive.dropping import ACT as DROPPED
from recordkit.archive.dropping import dropped_of_batch
from recordkit.model import Entry
from recordkit.workspace import Workspace

_DIGEST = re.compile(r"[0-9a-f]{64}")

Doom = Literal["destroyed", "batch", "shows", "dropped"]
"""Why a paper of a copy must not wait again: its bytes were destroyed; it is a scan with such a paper in it; it was
known to show a document that was destroyed; a person gave it up."""


@dataclass(slots=True)
class Told:
    """What one reading of the ledger says beside the tables; ``take`` gets every entry.

    Attributes:
        notes: hash of subject and digest of every note that an entry names.
        dropped: keyed digest of every paper that was given up, with the entry that says so last.
        scans: the same of batch scans out of which a paper was given up.
        intents: records, events and holds that an order has begun to take, by order.
        begun: orders under which something was called destroyed, or that were executed.
        emptied: notes, as in ``notes``, of boxes that orders have begun to empty, by order: a box may be filled and
            placed again, so they are not of a subject that is gone.
        forgotten: notes, as in ``notes``, of places that boxes had before they were forgotten or got another number.
    """

    notes: set[int] = field(default_factory=set)
    dropped: dict[str, int] = field(default_factory=dict)
    scans: dict[str, int] = field(default_factory=dict)
    intents: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    emptied: dict[str, set[int]] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    _places: dict[str, set[int]] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Learn from the next entry."""
        body = entry.body
        for subject, digest in named_notes(body):
            self.notes.add(hash((subject, digest)))
            if entry.act == "box.placed" and subject.startswith("box-"):
                self._places.setdefault(subject, set()).add(hash((subject, digest)))
        if entry.act == "box.forgotten":
            self.forgotten |= self._places.pop(subject_of(str(body.get("box"))), set())
        elif entry.act == DROPPED:
            self.dropped[str(body.get("content"))] = entry.seq
            if body.get("batch"):
                self.scans[str(body["batch"])] = entry.seq
        elif entry.act == "order.intended":
            records, others = self.intents.setdefault(str(body.get("order")), (set(), set()))
            records |= _texts(body.get("records"))
            others |= _texts(body.get("events")) | _texts(body.get("holds")) | _texts(body.get("volumes"))
            emptied = self.emptied.setdefault(str(body.get("order")), set())
            for box in _texts(body.get("boxes")):
                emptied |= self._places.get(subject_of(box), set())
        elif entry.act in ("record.destroyed", "order.executed"):
            self.begun.add(str(body.get("order")))

    def going(self) -> set[str]:
        """Records that orders have begun to take."""
        return {one for records, _ in self.intents.values() for one in records}


def named_notes(body: Mapping[str, object], *, surely: bool = False) -> Iterator[tuple[str, str]]:
    """Subject and digest of the notes that an entry names, whatever its act.

    Where the subject is not said by the place of the digest, every id in the entry counts as one. An object of digests
    may always be one of notes, so that no act of a later version loses its own; ``surely`` leaves those out.
    """
    statement = body.get("statement")
    parts = [body, statement] if isinstance(statement, Mapping) else [body]
    ids = [value for part in parts for value in part.values() if isinstance(value, str) and len(value) < 64]
    digests: list[str] = []
    for part in parts:
        for key, value in part.items():
            if isinstance(value, str) and key.endswith("note") and _DIGEST.fullmatch(value):
                digests.append(value)
            elif isinstance(value, Mapping) and (key == "records" or not surely):
                yield from ((str(subject), one) for subject, one in value.items()
                            if isinstance(one, str) and _DIGEST.fullmatch(one))
    if digests:
        subjects = [*ids, *(f"person-{one}" for one in ids), f"dropped-{str(body.get('content'))[:16]}"]
        if isinstance(box := body.get("box"), str):
            subjects.append(subject_of(box))
        yield from ((subject, digest) for digest in digests for subject in subjects)


def _texts(value: object) -> set[str]:
    return {str(one) for one in value} if isinstance(value, list) else set()


@dataclass(frozen=True, slots=True)
class Holding:
    """An active record as its object is asked for: id, archival code, newest version and its commitment."""

    record_id: str
    code: str
    version: int
    commitment: str


@dataclass(frozen=True, slots=True)
class Document:
    """An issued document: id, number, entry that issued it, and whether its record is being destroyed."""

    issue_id: str
    number: str
    position: int
    is_going: bool


@dataclass(frozen=True, slots=True)
class PaperFate:
    """What becomes of a paper that waits in a copy: it goes for a reason, or it is the paper of an active record.

    Attributes:
        doom: why it must not wait again; None for one that may.
        record_id: the active record that holds these bytes; ``version`` since which.
    """

    doom: Doom | None = None
    record_id: str | None = None
    version: int = 0


class Fate:
    """Answers for the ledger that the tables of ``workspace`` were derived from and ``told`` has read."""

    def __init__(self, workspace: Workspace, told: Told, *, since: int = 0, until: int = 1 << 62) -> None:
        """What is asked about is the ledger between two entries.

        Args:
            workspace: whose tables know the ledger.
            told: what was read in it besides.
            since: the last entry that the copy knows; what was destroyed before it had left the copy already.
            until: the last one that was read; what was destroyed behind it is for the next run.
        """
        self._db, self._told, self._since = workspace.db, told, since
        self._store_id = workspace.settings.store.id
        gone = self._db.all("SELECT record_id, issue_id, touched, filed_number FROM records "
                            "WHERE status = 'destroyed' AND touched <= :until", {"until": until})
        self.destroyed = {str(row["record_id"]) for row in gone}
        issues = {str(row["issue_id"]) for row in gone if row["issue_id"]}
        self._gone_issues = {one for one in issues if self._db.one(
            "SELECT 1 FROM records WHERE issue_id = :issue AND (status = 'active' OR touched > :until)",
            {"issue": one, "until": until}) is None}
        others = {one for order, (_, others) in told.intents.items() if order in told.begun for one in others}
        self._gone = self.destroyed | self._gone_issues | others
        self._emptied = told.forgotten.union(
            *(notes for order, notes in told.emptied.items() if order in told.begun))
        late = [row for row in gone if row["touched"] > since]
        self._late_records = {str(row["record_id"]) for row in late}
        self._late_issues = {str(row["issue_id"]) for row in late} & self._gone_issues
        numbers = ("".join(str(row["filed_number"] or "").split()) for row in late)
        self._late_numbers = {one for one in numbers if one}
        self.executing = told.going() - self.destroyed
        """Records behind the point of no return of an order, whose destruction is not entered yet."""
        self._pending = self.executing | {
            one for records, others in told.intents.values() if records & self.executing for one in others}
        self._pending |= self.issues_of(self.executing)

    def went_before(self, record_id: str) -> bool:
        """Whether the copy's own ledger calls a destroyed record destroyed."""
        return record_id in self.destroyed and record_id not in self._late_records

    def holdings(self) -> Iterator[Holding]:
        """All active records in the order of filing; no writer is kept waiting."""
        last = 0
        while rows := self._db.all(
            "SELECT record_id, code, version, commitment, ordinal FROM records "
            "WHERE status = 'active' AND ordinal > :last ORDER BY ordinal LIMIT 1000", {"last": last}
        ):
            for row in rows:
                yield Holding(row["record_id"], row["code"], row["version"], row["commitment"])
            last = rows[-1]["ordinal"]

    def count(self) -> int:
        """How many active records there are."""
        row = self._db.one("SELECT count(*) AS n FROM records WHERE status = 'active'")
        return int(row["n"]) if row is not None else 0

    def keeps_note(self, subject: str, digest: str) -> bool:
        """Whether the ledger names this note of this subject, and the subject was not destroyed."""
        note = hash((subject, digest))
        return subject not in self._gone and note in self._told.notes and note not in self._emptied

    def lines_of(self, pack: str) -> dict[str, Document]:
        """The documents of a pack of issue data that were not destroyed, by the digest of their line."""
        rows = self._db.all("SELECT issue_id, data, number, position FROM issues WHERE pack = :pack ORDER BY position",
                            {"pack": pack})
        return {row["data"]: Document(row["issue_id"], row["number"], row["position"],
                                      row["issue_id"] in self._pending)
                for row in rows if row["issue_id"] not in self._gone_issues}

    def is_lost(self, body: Mapping[str, object], found: set[str]) -> int:
        """How many notes an entry names whose subject is in force, and which are not among the digests ``found``."""
        subjects: dict[str, set[str]] = {}
        for subject, digest in named_notes(body, surely=True):
            subjects.setdefault(digest, set()).add(subject)
        return sum(digest not in found and not of & self._gone
                   and not any(hash((one, digest)) in self._emptied for one in of)
                   for digest, of in subjects.items())

    def issues_of(self, records: Iterable[str]) -> set[str]:
        """The documents of records."""
        rows = (self._db.one("SELECT issue_id FROM records WHERE record_id = :id", {"id": one}) for one in records)
        return {str(row["issue_id"]) for row in rows if row is not None and row["issue_id"]}

    def is_going(self, subject: str) -> bool:
        """Whether the destruction of a subject of notes is under way."""
        return subject in self._pending

    def packs(self) -> list[str]:
        """All packs of issue data of which a line must still be there."""
        rows = self._db.all("SELECT DISTINCT pack FROM issues ORDER BY pack")
        return [str(row["pack"]) for row in rows if self.lines_of(str(row["pack"]))]

    def of_bytes(self, sha256: str, waits_for: str = "") -> PaperFate:
        """What becomes of a paper with these bytes; ``waits_for``: the issue whose attachment it is to be.

        Bytes that an active record holds, too, are that record's: an ID card belongs to several papers.
        """
        content = keyed(self._store_id, sha256)
        rows = self._db.all(
            "SELECT c.record_id, c.version, r.status, r.touched FROM contents c JOIN records r "
            "ON r.record_id = c.record_id WHERE c.content = :content ORDER BY r.status, c.version",
            {"content": content})
        if rows and rows[0]["status"] == "destroyed":
            came_later = waits_for and waits_for not in self._gone_issues and all(
                row["touched"] <= self._since for row in rows)
            return PaperFate(None if came_later else "destroyed")
        held = self._db.all("SELECT b.record_id, r.touched, r.status FROM batches b JOIN records r "
                            "ON r.record_id = b.record_id WHERE b.batch = :batch", {"batch": content})
        if any(row["status"] == "destroyed" and row["touched"] > self._since for row in held):
            return PaperFate("batch")
        if rows:
            return PaperFate(None, rows[0]["record_id"], rows[0]["version"])
        if held:
            return PaperFate()  # ingest knows which papers of it are filed
        given_up = self._told.dropped.get(content, 0) > self._since
        if self._told.scans.get(content, 0) > self._since:
            pages, papers = dropped_of_batch(self._db, content)
            given_up = given_up or len(pages) >= papers
        return PaperFate("dropped" if given_up else None)

    def is_known(self, sha256: str) -> bool:
        """Whether the ledger knows what became of these bytes: filed, cut up, given up, or destroyed."""
        content = keyed(self._store_id, sha256)
        return content in self._told.dropped or content in self._told.scans or self._db.one(
            "SELECT 1 FROM contents WHERE content = :content UNION ALL SELECT 1 FROM batches WHERE batch = :content",
            {"content": content}) is not None

    def shows_destroyed(self, folder: Path) -> bool:
        """Whether the paper in a folder of a waiting room was known to show what was destroyed since.

        By the folder's name, its note, or its text: what made the destruction stop until a person had settled it.
        """
        if folder.name.partition(".")[2] in self._late_issues:
            return True
        try:
            note = json.loads((folder / "reading.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            return False
        if not isinstance(note, dict):
            return False
        shown = note.get("issues")
        if note.get("record") in self._late_records or (
                isinstance(shown, list) and self._late_issues & {str(one) for one in shown}):
            return True
        pages = note.get("pages")
        texts = [str(one.get("text", "")) for one in pages if isinstance(one, dict)] if isinstance(pages, list) else []
        text = "".join("".join(texts).split())
        return not shown and any(one in text for one in self._late_numbers)


def is_paper(path: Path) -> bool:
    """Whether a file of a waiting room is a paper, and not what was noted about or made of one."""
    return path.name not in OTHER_NAMES
