"""Whether a hold covers what a waiting or a dropped paper shows.

The tables of holds are kept above, by ``recordkit.retention.holds``. They are asked here because such a paper may go
without any order of destruction: who gives it up, or lets its days run out, must meet the hold.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from recordkit.archive import catalogue
from recordkit.db import Database
from recordkit.errors import RecordkitError, RefusedByRule
from recordkit.messages import listed, msg
from recordkit.model import same_account
from recordkit.workspace import Workspace

_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{3,}")
"""What may be an account in the text of a paper."""


def require_unheld(workspace: Workspace, folder: Path) -> None:
    """Stop when a hold covers the paper in this folder of the waiting room or the quarantine.

    Raises:
        RefusedByRule: it does.
    """
    holds = holds_on_paper(workspace, folder)
    if holds:
        raise RefusedByRule(
            msg("The paper shows what is held ({holds}); it cannot be dropped.", holds=listed(holds)),
            msg("File it, or have the hold released: recordkit hold release {hold} --reason TEXT", hold=holds[0]),
        )


def holds_on_paper(workspace: Workspace, folder: Path) -> list[str]:
    """Ids of the holds on the record or document that the paper is known to show, or on an account in its text.

    Of a paper that could not be read nothing is known.
    """
    noted = note_of_paper(folder)
    shown = noted.get("issues")
    issues = {str(one) for one in shown} if isinstance(shown, list) else set()
    if "." in folder.name:
        issues.add(folder.name.partition(".")[2])
    records = {str(noted["record"])} if noted.get("record") else set()
    accounts = set(_NUMBER.findall(same_account(_text(noted))))
    for issue_id in issues:
        row = workspace.db.one("SELECT record_id FROM records WHERE issue_id = :id AND status = 'active'",
                               {"id": issue_id})
        if row is not None:
            records.add(row["record_id"])
        accounts |= {account_of_issue(workspace, issue_id) or ""}
    for record_id in records:
        accounts |= catalogue.accounts_of(workspace.db, record_id)
    return _holds_on(workspace.db, sorted(records), sorted(accounts - {""}))


def holds_on_filed(db: Database, record_id: str) -> list[str]:
    """Ids of the holds in force that cover a filed record, itself or by an account of it."""
    return _holds_on(db, [record_id], sorted(catalogue.accounts_of(db, record_id)))


def account_of_issue(workspace: Workspace, issue_id: str) -> str | None:
    """The account that an issued document names, as accounts are compared; None where it names none or is gone."""
    from recordkit.templates.issue import find_issue, form_of_issue, read_issue_data

    with contextlib.suppress(RecordkitError):
        issue = find_issue(workspace.db, issue_id)
        key = form_of_issue(workspace, issue).roles.account
        values = read_issue_data(workspace, issue)["values"]
        if key and isinstance(values, Mapping) and values.get(key):
            return same_account(str(values[key]))
    return None


def _holds_on(db: Database, records: Sequence[str], accounts: Sequence[str]) -> list[str]:
    rows = db.all(
        "SELECT hold_id, seq FROM holds WHERE released IS NULL AND (hold_id IN (SELECT hold_id FROM hold_records "
        "WHERE record_id IN (SELECT value FROM json_each(:records))) OR (scope = 'account' AND (account IS NULL "
        "OR account IN (SELECT value FROM json_each(:accounts))))) ORDER BY seq",
        {"records": json.dumps(records), "accounts": json.dumps(accounts)},
    )
    return [str(row["hold_id"]) for row in rows]


def note_of_paper(folder: Path) -> Mapping[str, object]:
    """What was read of the paper in a folder of the waiting room; empty where nothing is noted."""
    with contextlib.suppress(OSError, ValueError):
        note = json.loads((folder / "reading.json").read_bytes())
        if isinstance(note, dict):
            return note
    return {}


def _text(noted: Mapping[str, object]) -> str:
    pages = noted.get("pages")
    return "\n".join(str(one.get("text", "")) for one in pages if isinstance(one, dict)) if isinstance(
        pages, list) else ""
