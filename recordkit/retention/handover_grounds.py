"""What a handover rests on beside the holdings: tables that are true, the people, the data of documents.

Both sign what the catalogue says. So it is derived anew before each signature, records included, and held against what
lies there: whoever can write its file must not thereby have a forged count, title or account signed for.
"""

from __future__ import annotations

import hashlib
import json

from recordkit.archive.catalogue import keyed
from recordkit.archive.checks.derived import derived_tables
from recordkit.archive.losses import lost_notes
from recordkit.db import Row
from recordkit.errors import IntegrityFailure
from recordkit.messages import listed, msg
from recordkit.notes import read_note
from recordkit.templates.issue_data import read_line
from recordkit.workspace import Workspace

_NAMED = 10


def require_true_tables(workspace: Workspace) -> None:
    """Derive the catalogue from ledger, notes and objects and compare; takes as long as a rebuild.

    Raises:
        IntegrityFailure: a table is another one, or none can be derived.
    """
    found = derived_tables(workspace, sound=True, records=True)
    if found.result != "PASS":
        raise IntegrityFailure(
            msg("The catalogue is not what ledger, notes and records give; nobody may sign for it: {evidence}.",
                evidence=found.evidence),
            msg("Run 'recordkit check --stage preservation' and 'recordkit verify', put right what they name, and sign "
                "then."))


def people_digest(workspace: Workspace) -> str:
    """Keyed digest of the register of people: who holds which roles with which key, and who was revoked."""
    whole = hashlib.sha256()
    for row in workspace.db.each("SELECT * FROM people ORDER BY id"):
        whole.update(line_of(row))
    return keyed(workspace.settings.store.id, whole.hexdigest())


def documents_of(workspace: Workspace) -> dict[str, object]:
    """How many issued documents there are whose data is not destroyed, with a keyed digest over them and their data.

    Raises:
        IntegrityFailure: the data of one, or what was keyed in on its return and is not written off, is missing or was
            changed.
    """
    whole, count, lost, given_up = hashlib.sha256(), 0, list[str](), lost_notes(workspace.db)
    for row in workspace.db.each("SELECT issue_id, number, status, pack, data FROM issues WHERE status <> 'destroyed' "
                                 "ORDER BY pack, issue_id"):
        count += 1
        whole.update(line_of(row))
        if read_line(workspace.root, row["pack"], row["data"]) is None:
            lost.append(str(row["number"]))
    for row in workspace.db.each("SELECT i.issue_id, i.number, c.act, c.note FROM completions c JOIN issues i "
                                 "ON i.issue_id = c.issue_id WHERE i.status <> 'destroyed' ORDER BY c.seq"):
        whole.update(line_of(row))
        if row["note"] not in given_up and read_note(workspace.root, row["issue_id"], row["note"]) is None:
            lost.append(str(row["number"]))
    if lost:
        shown = list(dict.fromkeys(lost))
        raise IntegrityFailure(
            msg("The data of {count} issued document(s) is missing or was changed; nobody may sign for it: {numbers}.",
                count=len(shown), numbers=listed([*shown[:_NAMED], *(["..."] if len(shown) > _NAMED else [])])),
            msg("Bring it back out of a copy: recordkit mend COPY"))
    return {"count": count, "digest": keyed(workspace.settings.store.id, whole.hexdigest())}


def line_of(row: Row) -> bytes:
    """A row of a table as it goes into a digest."""
    return json.dumps(list(row), ensure_ascii=False).encode() + b"\n"
