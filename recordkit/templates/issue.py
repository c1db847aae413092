"""Issues: what was numbered and handed out, with its data and the form version it was made from."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from recordkit import files, pending
from recordkit.db import Database, Row
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.model import Entry, as_printed
from recordkit.templates.forms import Form, read_form
from recordkit.templates.spec import FormSpec
from recordkit.workspace import Projection, Workspace

_SCHEMA = """
CREATE TABLE issues (
  issue_id TEXT PRIMARY KEY, form TEXT NOT NULL, number TEXT NOT NULL UNIQUE, scope TEXT NOT NULL,
  seq INTEGER NOT NULL, revision INTEGER NOT NULL, template TEXT NOT NULL, data TEXT NOT NULL,
  status TEXT NOT NULL, title TEXT NOT NULL, issue_date TEXT NOT NULL, account TEXT, record_id TEXT,
  position INTEGER NOT NULL);
CREATE INDEX issues_scope ON issues (scope, seq);
CREATE INDEX issues_record ON issues (record_id);
CREATE INDEX issues_account ON issues (account)
"""


@dataclass(frozen=True, slots=True)
class Issue:
    """One issued document.

    Attributes:
        issue_id: twelve base32 characters, the store's tag and a serial; printed in the code.
        status: ``issued`` (out), ``returned`` (its signed paper is filed), ``void``, ``destroyed``.
        template: digest of the form version it was made with.
        data: digest of the issue data file.
    """

    issue_id: str
    form: str
    number: str
    revision: int
    template: str
    data: str
    status: str
    title: str
    issue_date: date
    account: str | None
    record_id: str | None


def list_missing(workspace: Workspace) -> list[Issue]:
    """Issues whose document should lie in the store's outbox and does not: a crash, a full disk, a clerk's Delete."""
    found = []
    for issue in list_issues(workspace.db):
        if issue.status not in ("issued", "returned"):
            continue
        with contextlib.suppress(NotFound):
            outputs = read_issue_data(workspace, issue)["outputs"]
            if isinstance(outputs, list) and any(not (workspace.root / str(one)).exists() for one in outputs):
                found.append(issue)
    return found


def void_issue(workspace: Workspace, number: str, reason: str) -> Issue:
    """Declare an issue void; its number stays used.

    Raises:
        NotFound: no such issue.
        RefusedByRule: its signed paper is filed, or it is void already.
        InputRefused: no reason.
    """
    if not reason.strip():
        raise InputRefused(msg("A void document needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        issue = find_issue(workspace.db, number)
        if issue.status != "issued":
            raise RefusedByRule(
                msg("{number} is {status} and cannot be made void.", number=issue.number, status=msg(issue.status))
            )
        note = writer.note(issue.issue_id, {"reason": reason})
        writer.add("issue.voided", {"issue": issue.issue_id, "note": note})
        writer.commit()
        return find_issue(workspace.db, issue.issue_id)


def keep_template(root: Path, form: Form) -> None:
    """Keep this version of the form by its digest, so that what was issued can be printed again years later."""
    folder = root / "forms" / "versions" / form.digest / form.spec.id
    for name in ("template.docx", "form.toml"):
        if not (folder / name).exists():
            files.write_atomic(folder / name, (form.folder / name).read_bytes(), overwrite=True)


def form_of_issue(workspace: Workspace, issue: Issue) -> FormSpec:
    """The form as it was when the issue was made."""
    return kept_form(workspace.root, issue).spec


def read_issue_data(workspace: Workspace, issue: Issue) -> dict[str, object]:
    """The destroyable data of an issue: number, plain values, title, file, company, office, issue_date.

    Raises:
        NotFound: it was destroyed, or is not what the ledger's digest says.
    """
    try:
        data = data_path(workspace.root, issue.issue_id).read_bytes()
    except FileNotFoundError:
        data = b""
    if hashlib.sha256(data).hexdigest() != issue.data:
        raise NotFound(
            msg("The data of {number} is gone or was changed.", number=issue.number),
            msg("Restore issued/{issue}.json from a backup.", issue=issue.issue_id),
        )
    content: dict[str, object] = json.loads(data)
    return content


def find_issue(db: Database, reference: str) -> Issue:
    """The issue by document number or issue id.

    Raises:
        NotFound: none.
    """
    row = db.one(
        "SELECT * FROM issues WHERE number = :ref OR issue_id = :ref OR number = :printed",
        {"ref": reference.strip(), "printed": as_printed(reference)},
    )
    if row is None:
        raise NotFound(
            msg("No document {number} was issued.", number=reference),
            msg("'recordkit issued list' shows the numbers."),
        )
    return _issue(row)


def list_issues(
    db: Database,
    *,
    form: str | None = None,
    unreturned: bool = False,
    since: date | None = None,
    until: date | None = None,
) -> list[Issue]:
    """Issues in the order of issuing, filtered."""
    rows = db.all(
        "SELECT * FROM issues WHERE (:form IS NULL OR form = :form) AND (:open = 0 OR status = 'issued') "
        "AND (:since IS NULL OR issue_date >= :since) AND (:until IS NULL OR issue_date <= :until) ORDER BY position",
        {
            "form": form,
            "open": int(unreturned),
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
        },
    )
    return [_issue(row) for row in rows]


def kept_form(root: Path, issue: Issue) -> Form:
    """The form version of an issue.

    Raises:
        IntegrityFailure: it is not the one that the ledger names.
    """
    form = _read_kept(root / "forms" / "versions" / issue.template / issue.form)
    if form.digest != issue.template:
        raise IntegrityFailure(
            msg("The form that {number} was printed from is not what was kept.", number=issue.number),
            msg("Restore forms/versions/{digest} from a backup.", digest=issue.template),
        )
    return form


@lru_cache(maxsize=64)
def _read_kept(folder: Path) -> Form:
    # A kept version never changes, and reading a long form takes longer than filing a paper.
    return read_form(folder, own=True)


def data_path(root: Path, issue_id: str) -> Path:
    """Where the destroyable data of an issue lies."""
    return root / "issued" / f"{issue_id}.json"


def find_same(workspace: Workspace, form: str, account: object, title: str | None, plain: object) -> Issue | None:
    """An issue of this form that carries the very same plain values; ``title`` narrows the search where it can."""
    # The newest few are enough: this is for a warning, and must not read a whole archive for papers without account.
    rows = workspace.db.all(
        "SELECT * FROM issues WHERE form = :form AND status IN ('issued', 'returned') AND account IS :account "
        "AND (:title IS NULL OR title = :title) ORDER BY position DESC LIMIT 50",
        {"form": form, "account": account, "title": title},
    )
    for found in map(_issue, rows):
        with contextlib.suppress(NotFound):
            if read_issue_data(workspace, found)["values"] == plain:
                return found
    return None


def _issue(row: Row) -> Issue:
    return Issue(
        issue_id=row["issue_id"],
        form=row["form"],
        number=row["number"],
        revision=row["revision"],
        template=row["template"],
        data=row["data"],
        status=row["status"],
        title=row["title"],
        issue_date=date.fromisoformat(row["issue_date"]),
        account=row["account"],
        record_id=row["record_id"],
    )


def _apply(workspace: Workspace, entry: Entry) -> None:
    db, body = workspace.db, entry.body
    if entry.act == "issue.issued":
        shown: dict[str, object] = {}
        with contextlib.suppress(OSError):
            raw = data_path(workspace.root, str(body["issue"])).read_bytes()
            if hashlib.sha256(raw).hexdigest() == body["data"]:
                shown = json.loads(raw)
        db.insert(
            "issues",
            {
                "issue_id": body["issue"],
                "form": body["form"],
                "number": body["number"],
                "scope": body["scope"],
                "seq": body["seq"],
                "revision": body["revision"],
                "template": body["template"],
                "data": body["data"],
                "status": "issued",
                "title": shown.get("title", ""),
                "issue_date": body["date"],
                "account": shown.get("account"),
                "record_id": None,
                "position": entry.seq,
            },
        )
    elif entry.act == "issue.voided":
        db.run("UPDATE issues SET status = 'void' WHERE issue_id = :issue", body)
    elif entry.act == "record.filed" and body.get("issue"):
        db.run(
            "UPDATE issues SET status = 'returned', record_id = :record WHERE issue_id = :issue",
            {"record": body["record"], "issue": body["issue"]},
        )
    elif entry.act == "record.destroyed":
        db.run(
            "UPDATE issues SET status = 'destroyed', title = '', account = NULL WHERE record_id = :record",
            {"record": body["record"]},
        )


def _recover(workspace: Workspace) -> None:
    """Clear the data of documents that a killed process was about to issue: nobody will ever hold their paper."""
    for path, ids in pending.unfinished(workspace.root, "issues"):
        for issue_id in ids:
            if workspace.db.one("SELECT 1 AS n FROM issues WHERE issue_id = :id", {"id": issue_id}) is None:
                files.remove_file(data_path(workspace.root, issue_id))
        for scrap in (workspace.root / "issued").glob(".*.tmp"):
            files.remove_file(scrap)
        files.remove_file(path)


PROJECTION = Projection("issues", _SCHEMA, _apply, _recover)
