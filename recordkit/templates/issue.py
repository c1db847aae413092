"""Issues: what was numbered and handed out, with its data and the form version it was made from."""

from __future__ import annotations

import contextlib
import hashlib
import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from recordkit import files, pending
from recordkit.db import Database, Row
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.model import Entry, as_printed, canonical_json
from recordkit.notes import read_note
from recordkit.templates import issue_data
from recordkit.workspace import Workspace

if TYPE_CHECKING:
    from recordkit.templates.forms import Form
    from recordkit.templates.spec import FormSpec

@dataclass(frozen=True, slots=True)
class Issue:
    """One issued document.

    Attributes:
        issue_id: twelve base32 characters, the store's tag and a serial; printed in the code.
        status: ``issued`` (out), ``returned`` (its signed paper is filed), ``void``, ``destroyed``.
        template: digest of the form version it was made with.
        data: digest of the issue's data, a line of ``pack``.
        source: name of the file whose row it was made from.
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
    pack: str
    source: str | None


def unprinted_packs(root: Path) -> dict[str, Path]:
    """Packs that were numbered and not printed to their end, with the folder where their documents belong."""
    return {ids[0]: Path(ids[1]) for _, ids in pending.unfinished(root, "printing")}


def home_of(root: Path, data: Mapping[str, object]) -> Path:
    """Where a document lies in the store: where it was first written, else the outbox."""
    outputs = data.get("outputs")
    if isinstance(outputs, list) and outputs:
        path = root / str(outputs[0])
        if path.resolve().is_relative_to((root / "outbox").resolve()):
            return path
    return root / "outbox" / str(data["file"])


def list_missing(workspace: Workspace, source: str | None = None) -> Iterator[tuple[Issue, Path]]:
    """Issues whose document is not where it belongs: a crash, a full disk, a clerk's Delete in the store's outbox.

    What was written outside the store is looked for only where its run was cut off.

    Args:
        workspace: the store.
        source: name of the file that they were made from; None for all.
    """
    unprinted = unprinted_packs(workspace.root)
    rows = workspace.db.all(
        "SELECT * FROM issues WHERE status IN ('issued', 'returned') AND (:source IS NULL OR source = :source) "
        "ORDER BY position",
        {"source": source},
    )
    for issue in map(_issue, rows):
        with contextlib.suppress(NotFound):
            data = read_issue_data(workspace, issue)
            if issue.pack in unprinted:
                path = unprinted[issue.pack] / str(data["file"])
            elif data["outputs"]:
                path = home_of(workspace.root, data)
            else:
                continue
            if not path.exists():
                yield issue, path


def settle_printing(workspace: Workspace, printed: Collection[str]) -> None:
    """Withdraw the announcements of packs whose documents are all there, or among the issue ids just ``printed``."""
    for mark, ids in pending.unfinished(workspace.root, "printing"):
        rows = workspace.db.all(
            "SELECT * FROM issues WHERE pack = :pack AND status IN ('issued', 'returned')", {"pack": ids[0]}
        )
        left = [one for one in map(_issue, rows) if one.issue_id not in printed]
        if all((Path(ids[1]) / str(read_issue_data(workspace, one)["file"])).exists() for one in left):
            pending.withdraw(mark)


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


@dataclass(frozen=True, slots=True)
class Voided:
    """Who declared an issue void, when (ISO 8601 UTC) and why; no reason when its note was destroyed."""

    time: str
    actor: str
    reason: str


def void_of(workspace: Workspace, issue: Issue) -> Voided | None:
    """How an issue became void; None when it is not."""
    row = workspace.db.one("SELECT * FROM voids WHERE issue_id = :id", {"id": issue.issue_id})
    if row is None:
        return None
    content = read_note(workspace.root, issue.issue_id, row["note"]) or {}
    return Voided(row["time"], row["actor"], str(content.get("reason") or ""))


def keep_template(root: Path, form: Form) -> None:
    """Keep this version of the form by its digest, so that what was issued can be printed again years later."""
    folder = kept_folder(root, form.digest, form.spec.id)
    for name in ("template.docx", "form.toml"):
        kept = folder / name
        if not kept.exists() or kept.read_bytes() != (form.folder / name).read_bytes():
            files.write_atomic(folder / name, (form.folder / name).read_bytes(), overwrite=True)


def kept_folder(root: Path, digest: str, form_id: str) -> Path:
    """Where a version of a form is kept."""
    return root / "forms" / "versions" / digest / form_id


def form_of_issue(workspace: Workspace, issue: Issue) -> FormSpec:
    """The form as it was when the issue was made."""
    return kept_form(workspace.root, issue).spec


def read_issue_data(workspace: Workspace, issue: Issue) -> dict[str, object]:
    """The destroyable data of an issue: number, plain values, title, file, company, office, issue_date.

    Raises:
        NotFound: it was destroyed, or is not what the ledger's digest says.
    """
    data = issue_data.read_line(workspace.root, issue.pack, issue.data)
    if data is None:
        raise NotFound(
            msg("The data of {number} is gone or was changed.", number=issue.number),
            msg("Restore issued/{pack}.jsonl from a backup.", pack=issue.pack),
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
    """Issues in the order of issuing, filtered; ``each_issue`` holds only one of them at a time."""
    return list(each_issue(db, form=form, unreturned=unreturned, since=since, until=until))


def each_issue(
    db: Database,
    *,
    form: str | None = None,
    unreturned: bool = False,
    since: date | None = None,
    until: date | None = None,
) -> Iterator[Issue]:
    """Issues one by one, for a store may hold a million: in the order of issuing, unreturned ones oldest first."""
    order = "issue_date, position" if unreturned else "position"  # an earlier date may be issued later
    rows = db.each(
        "SELECT * FROM issues WHERE (:form IS NULL OR form = :form) AND (:open = 0 OR status = 'issued') "
        "AND (:since IS NULL OR issue_date >= :since) AND (:until IS NULL OR issue_date <= :until) "
        f"ORDER BY {order}",
        {
            "form": form,
            "open": int(unreturned),
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
        },
    )
    return map(_issue, rows)


def find_unfiled(workspace: Workspace, text: str, *, restricted: bool) -> Iterator[str]:
    """Numbers of documents whose title or account has every word of ``text`` and whose paper is not filed.

    The newest first; those of ``restricted`` forms only on demand.
    """
    words = unicodedata.normalize("NFKC", text).split()
    wanted = "".join(f" AND (instr(title, :w{at}) > 0 OR instr(coalesce(account, ''), :w{at}) > 0)"
                     for at in range(len(words)))
    rows = workspace.db.each(
        f"SELECT * FROM issues WHERE status = 'issued'{wanted} ORDER BY position DESC",  # noqa: S608
        {f"w{at}": word for at, word in enumerate(words)},
    )
    for issue in map(_issue, rows):
        if restricted or form_of_issue(workspace, issue).access == "open":
            yield issue.number


def each_version(db: Database) -> Iterator[Issue]:
    """One issue that is out of each version of each form: what holds for it by its form holds for all of them."""
    return map(_issue, db.all("SELECT * FROM issues WHERE record_id IS NULL GROUP BY form, template"))


def kept_form(root: Path, issue: Issue) -> Form:
    """The form version of an issue.

    Raises:
        IntegrityFailure: it is not the one that the ledger names.
    """
    form = _read_kept(kept_folder(root, issue.template, issue.form))
    if form.digest != issue.template:
        raise IntegrityFailure(
            msg("The form that {number} was printed from is not what was kept.", number=issue.number),
            msg("Restore forms/versions/{digest} from a backup.", digest=issue.template),
        )
    return form


@lru_cache(maxsize=64)
def _read_kept(folder: Path) -> Form:
    # A kept version never changes, and reading a long form takes longer than filing a paper.
    from recordkit.templates.forms import read_form  # not needed to open a store

    return read_form(folder, own=True)


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
        pack=row["pack"],
        source=row["source"],
    )


def sameness(plain: object) -> str:
    """Equal for equal plain values (empty ones left out), else different; 32 hexadecimal digits."""
    return hashlib.sha256(canonical_json(plain)).hexdigest()[:32]


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Which documents were issued, and what became of them."""
    db, body = workspace.db, entry.body
    if entry.act == "issue.issued":
        shown: dict[str, object] = {}
        with contextlib.suppress(OSError):
            shown = json.loads(issue_data.read_line(workspace.root, str(body["pack"]), str(body["data"])) or b"{}")
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
                "pack": body["pack"],
                "sameness": sameness(shown["values"]) if shown else None,
                "source": shown.get("source"),
                "position": entry.seq,
            },
        )
    elif entry.act == "issue.voided":
        db.run("UPDATE issues SET status = 'void' WHERE issue_id = :issue", body)
        db.insert("voids", {"issue_id": body["issue"], "note": body["note"], "time": entry.time,
                            "actor": entry.actor})
    elif entry.act in ("record.filed", "record.matched") and body.get("issue"):
        # The document that the paper was matched with by mistake is out again.
        db.run("UPDATE issues SET status = 'issued', record_id = NULL WHERE record_id = :record", body)
        db.run(
            "UPDATE issues SET status = 'returned', record_id = :record WHERE issue_id = :issue",
            {"record": body["record"], "issue": body["issue"]},
        )
    elif entry.act == "record.destroyed":
        db.run(
            "UPDATE issues SET status = 'destroyed', title = '', account = NULL, sameness = NULL, source = NULL "
            "WHERE record_id = :record",
            {"record": body["record"]},
        )


def recover(workspace: Workspace) -> None:
    """Clear the data of documents that a killed process was about to issue: nobody will ever hold their paper."""
    for path, packs in pending.unfinished(workspace.root, "issues"):
        for pack in packs:
            if workspace.db.one("SELECT 1 AS n FROM issues WHERE pack = :pack LIMIT 1", {"pack": pack}) is None:
                issue_data.remove_pack(workspace.root, pack)
        for scrap in (workspace.root / issue_data.FOLDER).glob(".*.tmp"):
            files.remove_file(scrap)
        files.remove_file(path)
