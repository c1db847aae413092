"""The catalogue: what is in the archive, derived from the ledger and the objects' own metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Literal

from msgspec import Struct

from recordkit import files, pending
from recordkit.archive import tallies
from recordkit.archive.objects import ObjectStore
from recordkit.archive.shown import origin_of, read_metadata, shown_of
from recordkit.db import Database, Row
from recordkit.errors import NotFound
from recordkit.messages import listed, msg
from recordkit.model import Entry, as_printed, same_account
from recordkit.notes import note_folder
from recordkit.workspace import Workspace

ORIGINAL = "original"
"""Name under which ``contents`` knows the paper itself; attachments have the names of their files."""
VERSIONING = ("record.filed", "record.edited", "record.attached", "record.rescanned", "record.matched")
"""Acts that make a version of a record."""


class Record(Struct, frozen=True):
    """One item (件) as the catalogue knows it.

    Attributes:
        code: archival code (档号), never reassigned.
        period: period code inside the archival code (Y, D30, D10).
        status: ``active``, or ``destroyed`` (then title, parties and fields are empty: only the register keeps them).
        fields: form fields by key, plain JSON values; ``metadata`` all of record.json.
        ordinal: running number of filing in this store, from 1; decides the index shard.
        serial: item number (件号) inside ``scope``, the code's lowest class.
        volume: id of the volume (案卷) that it lies in.
        old_term: 保管期限 of an inherited record as it stood in the old catalogue (永久, 长期, 短期), "" for others.
        commitment: keyed digest of the object's inventory, from the ledger.
        destroyed_by: the order under which it was destroyed.
    """

    record_id: str
    code: str
    record_class: str
    year: int
    period: str
    title: str
    date: date
    number: str | None
    issue_id: str | None
    form: str | None
    account: str | None
    party: str | None
    access: str
    pages: int
    sha256: str
    version: int
    commitment: str
    status: Literal["active", "destroyed"]
    destroyed_by: str | None
    ordinal: int
    metadata: Mapping[str, object]
    serial: int = 0
    scope: str = ""
    volume: str | None = None
    old_term: str = ""

    @property
    def fields(self) -> Mapping[str, object]:
        """Form fields by key."""
        fields = self.metadata.get("fields", {})
        return fields if isinstance(fields, dict) else {}


class Holding(Struct, frozen=True):
    """A record in force, as far as checking its object needs it; ``touched`` is the entry that changed it last."""

    record_id: str
    code: str
    commitment: str
    ordinal: int
    touched: int = 0

    @classmethod
    def of(cls, record: Record) -> Holding:
        """That of a record."""
        return cls(record.record_id, record.code, record.commitment, record.ordinal)


class Filed(Struct, frozen=True):
    """Where bytes lie in the archive.

    Attributes:
        name: ``ORIGINAL`` for the paper of the record, else the attachment's file.
        version: that brought them.
        superseded: a later version has other bytes in their place.
    """

    record: Record
    name: str
    version: int
    superseded: bool


def keyed(store_id: str, digest: str) -> str:
    """A digest bound to this store: it recognises bytes that come back, yet is no public digest of the file."""
    import hmac

    return hmac.new(store_id.encode(), digest.encode(), hashlib.sha256).hexdigest()


def objects_of(workspace: Workspace) -> ObjectStore:
    """The object store of a workspace."""
    return ObjectStore(workspace.root / "objects")


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """The catalogue of records, their versions, accounts, batches and contents."""
    if entry.act in VERSIONING:
        metadata = _apply_version(workspace, entry)
        _apply_contents(workspace, entry)
        if entry.body.get("batch"):
            _apply_batch(workspace, entry, metadata.get("batch"))
    elif entry.act == "batch.known":
        _apply_batch(workspace, entry)
    elif entry.act == "record.destroyed":
        stood = tallies.kind_of(workspace.db, str(entry.body["record"]))
        workspace.db.run(
            # The same row that a rebuild makes when the object is gone: nothing but what the ledger knows.
            "UPDATE records SET status = 'destroyed', destroyed_by = :order, title = '', account = NULL, party = NULL, "
            "box = NULL, old_term = NULL, origin = NULL, sha256 = '', number = filed_number, "
            "metadata = '{}', date = year || '-01-01', pages = 0, touched = :seq WHERE record_id = :id",
            {"seq": entry.seq, "id": entry.body["record"], "order": entry.body.get("order")},
        )
        workspace.db.run("DELETE FROM record_accounts WHERE record_id = :id", {"id": entry.body["record"]})
        tallies.move(workspace.db, str(entry.body["record"]), stood)


def _apply_version(workspace: Workspace, entry: Entry) -> Mapping[str, object]:
    """Bring the row of a record up to a version; its metadata, empty where the object is gone or damaged."""
    db, body = workspace.db, entry.body
    record_id = str(body["record"])
    objects = objects_of(workspace)
    # The version that the entry speaks of: a newer one may be the leftover of a killed edit.
    found = read_metadata(objects, record_id, int(str(body["version"])))
    if found is None and objects.exists(record_id):
        # One damaged object must not close the whole archive; 'verify' names what is wrong with it.
        workspace.notices.append(
            msg("The metadata of {record} cannot be read; run 'recordkit verify'.", record=record_id))
    metadata: Mapping[str, object] = found or {}
    shown = {
        **shown_of(metadata),
        "date": metadata.get("date", f"{body['year']}-01-01") if "year" in body else metadata.get("date"),
        "metadata": json.dumps(metadata, ensure_ascii=False),
        "version": body["version"],
        "commitment": body["commitment"],
        "touched": entry.seq,
    }
    if entry.act == "record.filed":
        scope, serial = str(body["scope"]), body["serial"]
        tallies.insert(
            db,
            {
                **shown,
                "record_id": record_id,
                "code": body["code"],
                "record_class": body["class"],
                "year": body["year"],
                "period": body["period"],
                "number": body.get("number"),
                "filed_number": body.get("number"),
                "issue_id": body.get("issue"),
                "form": body.get("form"),
                "access": body["access"],
                "status": "active",
                "ordinal": body["ordinal"],
                "scope": scope,
                "serial": serial,
            },
        )
        if serial:
            # The highest number ever used: one of an inherited catalogue may come after higher ones.
            db.run("INSERT INTO code_serials (scope, last) VALUES (:scope, :last) ON CONFLICT (scope) "
                   "DO UPDATE SET last = max(last, excluded.last)", {"scope": scope, "last": serial})
    else:
        stood = tallies.kind_of(db, record_id)
        if metadata:
            shown["number"] = metadata.get("number")
        else:
            # The object is gone: the row still says which version there was, as it did before a rebuild.
            shown = {name: shown[name] for name in ("version", "commitment", "touched")}
        if entry.act == "record.matched":
            shown |= {"number": body["number"], "filed_number": body["number"], "issue_id": body["issue"],
                      "form": body["form"]}
        columns = ", ".join(f"{name} = :{name}" for name in shown)
        db.run(f"UPDATE records SET {columns} WHERE record_id = :record_id", {**shown, "record_id": record_id})
        tallies.move(db, record_id, stood)
    if metadata:
        account = metadata.get("account")
        if entry.act != "record.filed":
            db.run("UPDATE record_accounts SET is_current = 0 WHERE record_id = :id", {"id": record_id})
        if account:
            now = {"account": same_account(str(account)), "record_id": record_id, "is_current": 1}
            db.insert("record_accounts", now)
    return metadata


def show_metadata(
    db: Database, record_id: str, metadata: Mapping[str, object], accounts: Mapping[str, int] | None = None
) -> None:
    """Let the row of a record say what this metadata says, its newest version staying the same.

    ``accounts`` are all (``same_account``) under which it stands (1) or once stood (0); None leaves the earlier ones.
    """
    stood = tallies.kind_of(db, record_id)
    shown = {**shown_of(metadata), "metadata": json.dumps(metadata, ensure_ascii=False),
             "number": metadata.get("number")}
    columns = ", ".join(f"{name} = :{name}" for name in shown)
    db.run(f"UPDATE records SET {columns} WHERE record_id = :record_id", {**shown, "record_id": record_id})
    tallies.move(db, record_id, stood)
    now = accounts
    if now is None:
        db.run("UPDATE record_accounts SET is_current = 0 WHERE record_id = :id", {"id": record_id})
        now = {same_account(str(metadata["account"])): 1} if metadata.get("account") else {}
    for account, is_current in now.items():
        db.insert("record_accounts", {"account": account, "record_id": record_id, "is_current": is_current})


_NO_PAGE = 0
"""Of a paper of which is not known where it lay in its batch: the batch never counts as settled because of it."""


def _apply_batch(workspace: Workspace, entry: Entry, noted: object = None) -> None:
    """Remember that a paper of a batch scan is held by a record, for ever: the scan may lie about for long.

    Ledgers of early versions do not say page and size: then counts what the record's metadata ``noted`` of the batch.
    """
    body = entry.body
    old: Mapping[str, object] = noted if isinstance(noted, Mapping) else {}
    pages = old.get("pages")
    first = min(pages) if isinstance(pages, list) and pages else _NO_PAGE
    workspace.db.run(
        "INSERT OR IGNORE INTO batches VALUES (:batch, :page, :record, :papers, :size)",
        {"batch": body["batch"], "page": body.get("batch_page", first), "record": body["record"],
         "papers": body["batch_papers"], "size": body.get("batch_size", old.get("size", 0))},
    )


def _apply_contents(workspace: Workspace, entry: Entry) -> None:
    """Remember the keyed digests of what came in with a version, for ever: destroyed bytes may come back."""
    content = entry.body.get("content", {})
    for name, digest in (content if isinstance(content, Mapping) else {ORIGINAL: content}).items():
        workspace.db.run(
            "INSERT OR IGNORE INTO contents VALUES (:content, :record, :name, :version)",
            {"content": digest, "record": entry.body["record"], "name": name, "version": entry.body["version"]},
        )


def recover(workspace: Workspace) -> None:
    """Bring the objects that a killed process was working on back to what the ledger knows."""
    pending.sweep(workspace.root)
    for path, ids in pending.unfinished(workspace.root, "objects"):
        for record_id in ids:
            record = get_record(workspace.db, record_id)
            version = record.version if record is not None and record.status == "active" else 0
            if version == 0 or objects_of(workspace).exists(record_id):
                objects_of(workspace).heal(record_id, version)
            files.remove_unfinished(note_folder(workspace.root, record_id))
        files.remove_file(path)


def find_record(db: Database, reference: str) -> Record:
    """The record by its id, else its archival code, the document that was issued here, another number, an old code.

    In this order, for the first three are ours alone, and a number that a paper from elsewhere bears may be anything:
    one that we issued never leads to such a paper, not even while our own is not filed. The old code is that of the
    archive from which a bag brought it. A code that came with an inherited catalogue is not ours alone: where it is
    the number or the old code of another record, too, nobody can tell which of the two is meant.

    Raises:
        NotFound: nothing, or more than one record, answers to it.
    """
    names = {"ref": reference.strip(), "printed": as_printed(reference)}
    rows: list[Row] = []
    for condition in ("record_id = :ref", "code = :ref",
                      "issue_id IN (SELECT issue_id FROM issues WHERE number IN (:ref, :printed))"):
        rows = rows or db.all(f"SELECT * FROM records WHERE {condition} ORDER BY ordinal", names)
        if condition.startswith("code") and rows and rows[0]["code"] == names["ref"] and _is_inherited(rows[0]):
            rows = db.all("SELECT * FROM records WHERE code = :ref OR number IN (:ref, :printed) OR origin = :ref "
                          "ORDER BY ordinal", names)
    if not rows:
        _refuse_unreturned(db, reference)
        rows = db.all("SELECT * FROM records WHERE number IN (:ref, :printed) ORDER BY ordinal", names)
        rows = rows or db.all("SELECT * FROM records WHERE origin = :ref ORDER BY ordinal", {"ref": reference.strip()})
    if not rows:
        raise NotFound(
            msg("There is no record {reference}.", reference=reference),
            msg("Give a record id, an archival code or a document number; 'recordkit search' finds them."),
        )
    active = [row for row in rows if row["status"] == "active"] or rows
    if len(active) > 1 and any(row["code"] == names["ref"] for row in active):
        raise NotFound(
            msg("{count} records answer to {reference}.", count=len(active), reference=reference),
            msg("Name one by its record id: {ids}.", ids=listed(row["record_id"] for row in active[:5])),
        )
    if len(active) > 1:
        raise NotFound(
            msg("{count} records answer to {reference}.", count=len(active), reference=reference),
            msg("Name one by its archival code: {codes}.", codes=listed(row["code"] for row in active[:5])),
        )
    return record_of(active[0])


def _is_inherited(row: Row) -> bool:
    """Whether a record in force has its code from an inherited catalogue."""
    return row["status"] == "active" and json.loads(row["metadata"]).get("inherited") is not None


def _refuse_unreturned(db: Database, reference: str) -> None:
    """A number that stands on a document of ours is no unknown one: its paper is only not filed."""
    issue = db.one("SELECT number, status FROM issues WHERE (number = :ref OR issue_id = :ref OR number = :printed) "
                   "AND status IN ('issued', 'void')", {"ref": reference.strip(), "printed": as_printed(reference)})
    if issue is not None:
        told = msg("{number} is issued, but its signed paper is not filed yet.", number=issue["number"])
        if issue["status"] == "void":
            told = msg("{number} is void; no signed paper of it is filed.", number=issue["number"])
        raise NotFound(told, msg("What it says: recordkit issued show {number}", number=issue["number"]))


def came_as(record: Record, reference: str) -> bool:
    """Whether a reference is not what a record is called here, but the code that it had in the archive it is from."""
    own = (record.record_id, record.code, record.number)
    return origin_of(record.metadata) == reference.strip() and reference.strip() not in own


def find_of_origin(db: Database, code: str) -> list[Record]:
    """Records in force that came out of a bag and had this code in the archive that they are from, as filed."""
    rows = db.all("SELECT * FROM records WHERE origin = :code AND status = 'active' ORDER BY ordinal", {"code": code})
    return [record_of(row) for row in rows]


def origin_code(record: Record) -> str | None:
    """The code that a record out of a bag had in the archive that it is from; None for any other record."""
    return origin_of(record.metadata)


def get_record(db: Database, record_id: str) -> Record | None:
    """The record of this id, or None."""
    row = db.one("SELECT * FROM records WHERE record_id = :id", {"id": record_id})
    return None if row is None else record_of(row)


def find_by_code(db: Database, code: str) -> Record | None:
    """The record that has this archival code, destroyed or not, or None."""
    row = db.one("SELECT * FROM records WHERE code = :code", {"code": code})
    return None if row is None else record_of(row)


def find_by_ordinal(db: Database, ordinal: int) -> Record | None:
    """The record that was filed as the so-many-th, from 1, or None."""
    row = db.one("SELECT * FROM records WHERE ordinal = :ordinal", {"ordinal": ordinal})
    return None if row is None else record_of(row)


def list_records(db: Database, *, status: str | None = "active") -> list[Record]:
    """All records in the order of filing; ``status`` None gives destroyed ones too."""
    rows = db.all(
        "SELECT * FROM records WHERE :status IS NULL OR status = :status ORDER BY ordinal", {"status": status}
    )
    return [record_of(row) for row in rows]


def list_holdings(db: Database) -> Iterator[Holding]:
    """All active records in the order of filing; a writer is not kept waiting, however long the caller takes."""
    last = 0
    while rows := db.all(
        "SELECT record_id, code, commitment, ordinal, touched FROM records "
        "WHERE status = 'active' AND ordinal > :last ORDER BY ordinal LIMIT 1000", {"last": last}
    ):
        for row in rows:
            yield Holding(*row)
        last = rows[-1]["ordinal"]


def find_content(db: Database, content: str, record_id: str | None = None) -> Filed | None:
    """Where bytes of this keyed digest were filed, be it in an older version or in a record destroyed since.

    ``record_id`` asks about one record alone; else an active record is named before a destroyed one.
    """
    row = db.one(
        "SELECT c.*, EXISTS (SELECT 1 FROM contents n WHERE n.record_id = c.record_id AND n.name = c.name "
        "AND n.version > c.version) AS superseded "
        "FROM contents c JOIN records r ON r.record_id = c.record_id WHERE c.content = :content "
        "AND (:id IS NULL OR c.record_id = :id) ORDER BY r.status, c.name <> 'original', r.ordinal LIMIT 1",
        {"content": content, "id": record_id},
    )
    record = None if row is None else get_record(db, row["record_id"])
    if row is None or record is None:
        return None
    return Filed(record, row["name"], row["version"], bool(row["superseded"]))


class KnownBatch(Struct, frozen=True):
    """A batch scan of which papers are held.

    Attributes:
        batch: keyed digest of the whole file; ``size`` in bytes.
        records: that hold its papers, destroyed ones too.
        papers: how many it was cut into.
        held: the first page, in the scan, of each paper that a record holds.
    """

    batch: str
    size: int
    records: tuple[Record, ...]
    papers: int
    held: frozenset[int]


def find_batch(db: Database, batch: str) -> KnownBatch | None:
    """Which papers of the batch scan with this keyed digest are held, destroyed or not; None when none is."""
    rows = db.all(
        "SELECT r.*, b.papers, b.page AS batch_page, b.size AS batch_size "
        "FROM batches b JOIN records r ON r.record_id = b.record_id WHERE b.batch = :batch ORDER BY r.ordinal",
        {"batch": batch},
    )
    if not rows:
        return None
    records = {row["record_id"]: record_of(row) for row in rows}
    held = frozenset(int(row["batch_page"]) for row in rows) - {_NO_PAGE}
    return KnownBatch(batch, max(int(row["batch_size"]) for row in rows), tuple(records.values()),
                      max(int(row["papers"]) for row in rows), held)


def holds_of_batch(db: Database, batch: str, page: int, record_id: str) -> bool:
    """Whether it is known that a record holds the paper that begins on this page of a batch scan."""
    return db.one(
        "SELECT 1 FROM batches WHERE batch = :batch AND page = :page AND record_id = :id",
        {"batch": batch, "page": page, "id": record_id},
    ) is not None


def batches_of(db: Database, record_id: str) -> list[KnownBatch]:
    """The batch scans in which the paper of a record lay, its older versions and papers of equal bytes included."""
    rows = db.all("SELECT DISTINCT batch FROM batches WHERE record_id = :id ORDER BY batch", {"id": record_id})
    return [known for row in rows if (known := find_batch(db, row["batch"])) is not None]


def next_ordinal(db: Database) -> int:
    """The running number of the next record filed."""
    row = db.one("SELECT max(ordinal) AS last FROM records")
    return 1 + (int(row["last"]) if row is not None and row["last"] else 0)


def count_holdings(db: Database) -> int:
    """How many active records the archive holds."""
    row = db.one("SELECT count(*) AS n FROM records WHERE status = 'active'")
    return 0 if row is None else int(row["n"])


def holds_restricted(db: Database) -> bool:
    """Whether the archive holds any record that not everybody may see."""
    return db.one("SELECT 1 FROM records INDEXED BY records_restricted "
                  "WHERE access <> 'open' AND status = 'active' LIMIT 1") is not None


def accounts_of(db: Database, record_id: str) -> set[str]:
    """The accounts (``same_account``) under which an active record stands or once stood."""
    rows = db.all("SELECT account FROM record_accounts WHERE record_id = :id", {"id": record_id})
    return {row["account"] for row in rows}


def has_others(db: Database, account: str, records: Collection[str]) -> bool:
    """Whether active records stand under the account (``same_account``) now that are not among these."""
    rows = db.each("SELECT a.record_id FROM record_accounts a JOIN records r ON r.record_id = a.record_id "
                   "WHERE a.account = :account AND a.is_current = 1 AND r.status = 'active'", {"account": account})
    return any(row["record_id"] not in records for row in rows)


def account_with_zeros(db: Database, account: str, *, only_open: bool = False) -> str | None:
    """An account with records that is this one with zeros before it: spreadsheets take them off a number.

    ``only_open``: with records that are not restricted.
    """
    if account.isascii() and account.isdigit():
        for zeros in range(1, _LONGEST_ZEROS + 1):
            padded = "0" * zeros + account
            if db.one("SELECT 1 FROM record_accounts a JOIN records r ON r.record_id = a.record_id WHERE "
                      "a.account = :account AND (:all = 1 OR r.access = 'open')",
                      {"account": padded, "all": int(not only_open)}) is not None:
                return padded
    return None


_LONGEST_ZEROS = 8


def count_of_account(
    db: Database, account: str, *, ever: bool = False, since: date | None = None, only_open: bool = False
) -> int:
    """How many active records stand under an account.

    ``ever`` counts those, too, that once stood under it; ``since`` only those dated on that day or later;
    ``only_open`` none that is restricted.
    """
    row = db.one(
        "SELECT count(*) AS n FROM record_accounts a JOIN records r ON r.record_id = a.record_id "
        "WHERE a.account = :account AND r.status = 'active' AND (:ever = 1 OR a.is_current = 1) "
        "AND (:since IS NULL OR r.date >= :since) AND (:all = 1 OR r.access = 'open')",
        {"account": same_account(account), "ever": int(ever), "all": int(not only_open),
         "since": since.isoformat() if since else None},
    )
    return 0 if row is None else int(row["n"])


def records_in_box(db: Database, box: str) -> list[str]:
    """Ids of the active records whose paper lies in a box (盒号), in the order of filing."""
    rows = db.all("SELECT record_id FROM records WHERE box = :box AND status = 'active' ORDER BY ordinal",
                  {"box": same_account(box)})
    return [str(row["record_id"]) for row in rows]


def record_of(row: Row) -> Record:
    """A row of ``records`` as a value."""
    return Record(
        record_id=row["record_id"],
        code=row["code"],
        record_class=row["record_class"],
        year=row["year"],
        period=row["period"],
        title=row["title"],
        date=date.fromisoformat(row["date"]),
        number=row["number"],
        issue_id=row["issue_id"],
        form=row["form"],
        account=row["account"],
        party=row["party"],
        access=row["access"],
        pages=row["pages"],
        sha256=row["sha256"],
        version=row["version"],
        commitment=row["commitment"],
        status=row["status"],
        destroyed_by=row["destroyed_by"],
        ordinal=row["ordinal"],
        metadata=json.loads(row["metadata"]),
        serial=row["serial"],
        scope=row["scope"],
        volume=row["volume"],
        old_term=row["old_term"] or "",
    )
