"""The days in the life of documents and records, in narrow tables: what reports, deadlines and statistics count.

``milestones`` has every date that a document holds, by form and field, with its day of issue, of keying in and of
filing; ``document_links`` which document names the number of which other; ``filings`` one short row a record. All of
them come out of ledger, issue data, notes and objects again. When a record is destroyed, the days on its paper go
with it; what the ledger says of it (issued, keyed in, filed, its class and year) stays.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from recordkit.db import Database, Row
from recordkit.model import Entry, as_printed
from recordkit.notes import read_note
from recordkit.officerules import COMPLETED, FILED, ISSUED
from recordkit.templates import issue_data
from recordkit.workspace import Workspace

_VERSIONING = ("record.filed", "record.edited", "record.attached", "record.rescanned", "record.matched")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9:.]+)?")
_NUMBER = re.compile(r"[^〔〕\s]{1,20}〔[0-9]{4}〕[^〔〕\s]{0,10}[0-9]{1,10}号?")
_LONGEST_NUMBER = 80
_CHINA = timedelta(hours=8)


def day_of(workspace: Workspace, stamp: str) -> str:
    """The day of an instant on the clocks of China (UTC+8); in a simulated store the day that --as-of named.

    Where the machine stands must not decide in which month a paper counts.
    """
    moment = datetime.fromisoformat(stamp)
    return (moment if workspace.settings.store.simulation else moment + _CHINA).date().isoformat()


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Days of documents and of records."""
    body = entry.body
    if entry.act in ("issue.issued", "issue.completed"):
        _refresh(workspace, str(body["issue"]))
    elif entry.act in _VERSIONING:
        record_changed(workspace, str(entry.body["record"]), entry.time)
    elif entry.act == "record.destroyed":
        _forget(workspace.db, str(body["record"]))


def record_changed(workspace: Workspace, record_id: str, filed_at: str = "") -> None:
    """Bring the days and counts of a record up to its row in the catalogue; ``filed_at``: instant of a new one."""
    db = workspace.db
    before = db.one("SELECT day, issue_id FROM filings WHERE record_id = :id", {"id": record_id})
    row = db.one("SELECT * FROM records WHERE record_id = :id", {"id": record_id})
    if row is None:
        return
    about = _mapping(row["metadata"])
    issue_ids = {one for one in (row["issue_id"], before["issue_id"] if before is not None else None) if one}
    if before is not None:
        _tally(db, record_id, -1)
    db.insert("filings", {
        "record_id": record_id,
        "day": before["day"] if before is not None else day_of(workspace, filed_at),
        "record_class": row["record_class"],
        "year": row["year"],
        "period": row["period"],
        "status": row["status"],
        "pages": row["pages"],
        "bytes": sum(_sizes(about)),
        "office": "",
        "issue_id": row["issue_id"],
    })
    _tally(db, record_id, 1)
    for issue_id in issue_ids:
        _refresh(workspace, issue_id)
    if row["issue_id"]:
        db.run("UPDATE filings SET office = coalesce((SELECT office FROM milestones WHERE issue_id = :issue AND "
               "key = :issued), '') WHERE record_id = :id",
               {"id": record_id, "issue": row["issue_id"], "issued": ISSUED})


def _tally(db: Database, record_id: str, times: int) -> None:
    """What was filed in a year, destroyed records among it, and the bytes that are held of it."""
    db.run("INSERT INTO filing_years (year, n, bytes) SELECT substr(day, 1, 4), :times, :times * bytes FROM filings "
           "WHERE record_id = :id ON CONFLICT (year) DO UPDATE SET n = n + excluded.n, bytes = bytes + excluded.bytes",
           {"id": record_id, "times": times})


def _forget(db: Database, record_id: str) -> None:
    row = db.one("SELECT issue_id FROM filings WHERE record_id = :id", {"id": record_id})
    _tally(db, record_id, -1)
    db.run("UPDATE filings SET status = 'destroyed', pages = 0, bytes = 0, office = '' WHERE record_id = :id",
           {"id": record_id})
    _tally(db, record_id, 1)
    if row is not None and row["issue_id"]:
        of_issue = {"id": row["issue_id"]}
        db.run("DELETE FROM milestones WHERE issue_id = :id AND key NOT LIKE '@%'", of_issue)
        db.run("UPDATE milestones SET office = '' WHERE issue_id = :id", of_issue)
        db.run("DELETE FROM document_links WHERE issue_id = :id", of_issue)


def _refresh(workspace: Workspace, issue_id: str) -> None:
    """Write the days and links of a document anew, from its filed paper or from what was issued and keyed in."""
    db = workspace.db
    issue = db.one("SELECT * FROM issues WHERE issue_id = :id", {"id": issue_id})
    if issue is None:
        return
    values, office = _values_of(workspace, issue)
    days = {ISSUED: issue["issue_date"]}
    keyed = db.one("SELECT min(time) AS time FROM completions WHERE issue_id = :id AND act = 'issue.completed'",
                   {"id": issue_id})
    if keyed is not None and keyed["time"]:
        days[COMPLETED] = day_of(workspace, keyed["time"])
    filed = db.one("SELECT day FROM filings WHERE record_id = :id", {"id": issue["record_id"]})
    if filed is not None:
        days[FILED] = filed["day"]
    links = []
    for key, value in values.items():
        if not isinstance(value, str) or not 8 <= len(value) <= _LONGEST_NUMBER:
            continue
        if found := _DATE.fullmatch(value):
            days[key] = found[1]
        elif _NUMBER.fullmatch(number := as_printed(value)):
            links.append((key, number))
    db.run("DELETE FROM milestones WHERE issue_id = :id", {"id": issue_id})
    db.run("DELETE FROM document_links WHERE issue_id = :id", {"id": issue_id})
    for key, day in days.items():
        db.run("INSERT INTO milestones VALUES (:form, :key, :day, :id, :office)",
               {"form": issue["form"], "key": key, "day": day, "id": issue_id, "office": office})
    for key, target in links:
        db.run("INSERT OR IGNORE INTO document_links VALUES (:target, :key, :id)",
               {"target": target, "key": key, "id": issue_id})


def document_values(workspace: Workspace, issue: Row) -> Mapping[str, object]:
    """Plain values by key of a document (a row of ``issues``), as they are known now; see ``_values_of``."""
    return _values_of(workspace, issue)[0]


def _values_of(workspace: Workspace, issue: Row) -> tuple[Mapping[str, object], str]:
    """Plain values by key, and the office that issued it; nothing where they were destroyed or are damaged."""
    issued: Mapping[str, object] = {}
    if issue["status"] != "destroyed":
        with contextlib.suppress(OSError):
            issued = _mapping(issue_data.read_line(workspace.root, issue["pack"], issue["data"]))
    office = str(issued.get("office") or "")
    record = workspace.db.one("SELECT metadata FROM records WHERE record_id = :id AND status = 'active'",
                              {"id": issue["record_id"]})
    if record is not None:
        fields = _mapping(record["metadata"]).get("fields")
        return (fields if isinstance(fields, Mapping) else {}), office
    values = issued.get("values")
    return {**(values if isinstance(values, Mapping) else {}), **_onsite(workspace, issue["issue_id"])}, office


def _onsite(workspace: Workspace, issue_id: str) -> Mapping[str, object]:
    row = workspace.db.one("SELECT note FROM completions WHERE issue_id = :id AND act = 'issue.completed' "
                           "ORDER BY seq DESC LIMIT 1", {"id": issue_id})
    if row is None:
        return {}
    values = (read_note(workspace.root, issue_id, row["note"]) or {}).get("values")
    return values if isinstance(values, Mapping) else {}


def _mapping(text: bytes | str | None) -> Mapping[str, object]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _sizes(about: Mapping[str, object]) -> Iterator[int]:
    """Bytes of the paper and of its attachments as they came."""
    attachments = about.get("attachments")
    for one in (about, *(attachments if isinstance(attachments, list) else ())):
        size = one.get("size") if isinstance(one, Mapping) else None
        if isinstance(size, int):
            yield size
