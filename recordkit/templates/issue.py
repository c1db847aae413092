"""Issuing: validated rows become numbered documents.

Plan first (pure: what would be issued, what is refused), then act: issue data durable, numbers and entries in one
ledger batch, documents rendered and written. A crash between number and file leaves an issue whose document
``render_issue`` makes again from its data, byte for byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from recordkit import files, pending
from recordkit.db import Database, Row
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.model import Entry, Problem, as_printed, canonical_json
from recordkit.templates.code import PrintedCode
from recordkit.templates.fieldtypes import Value, display, from_plain, to_plain
from recordkit.templates.forms import Form, read_form
from recordkit.templates.numbering import parse_number_pattern
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.rows import RowSource
from recordkit.templates.spec import FormSpec, plain_heading
from recordkit.templates.validate import find_duplicates, validate_row
from recordkit.workspace import Projection, Workspace, Writer

REASON_HEADING = "拒绝原因"
"""Column of a file of refused rows that is not read back."""

_BATCH = 500
"""Documents numbered under one lock and one synced ledger write."""

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


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """A valid row: its position in the input and its values by key."""

    row: int | None
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class IssuePlan:
    """What generating would do: documents to issue, and every finding about the rows that are refused."""

    form: Form
    documents: tuple[PlannedDocument, ...]
    problems: tuple[Problem, ...]
    refused: int

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Findings that refuse nothing."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Findings that refuse their row."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


@dataclass(frozen=True, slots=True)
class Generated:
    """One document on disk."""

    row: int | None
    number: str
    issue_id: str | None
    form: str
    path: Path
    sha256: str


def plan_issue(form: Form, source: RowSource) -> IssuePlan:
    """Validate every row; pure but for reading ``source``.

    Raises:
        InputRefused: a table without a single heading of the form: its first row is a title, not headings.
    """
    documents: list[PlannedDocument] = []
    problems: list[Problem] = []
    refused = 0
    seen: dict[bytes, int] = {}
    rows = list(source.rows)
    if rows and rows[0].cells and not any(plain_heading(name) in form.spec.by_heading for name in rows[0].values):
        raise InputRefused(
            msg("The first row of the table has no heading of form {form}.", form=form.spec.name),
            msg("Delete title lines above the headings: the names of the fields stand in row 1, such as {names}.",
                names=", ".join(one.label for one in form.spec.of_stage("before")[:4])),
        )
    for raw in rows:
        values, found = validate_row(form.spec, raw, ignore=(REASON_HEADING,))
        problems += found
        if any(problem.severity == "error" for problem in found):
            refused += 1
        else:
            documents.append(PlannedDocument(raw.row, values))
            same = seen.setdefault(canonical_json({key: to_plain(one) for key, one in values.items()}), raw.row)
            if same != raw.row:
                text = msg("The row is equal to row {row}; both are issued.", row=same)
                problems.append(Problem(raw.row, "", "", None, "equal-row", text, "warning"))
    if form.spec.roles.account and len(rows) > 1:
        problems += find_duplicates(form.spec, rows, form.spec.roles.account)
    return IssuePlan(form, tuple(documents), tuple(problems), refused)


def find_reissued(workspace: Workspace, plan: IssuePlan) -> list[Problem]:
    """Warn of rows whose very values were issued before: the same spreadsheet given twice prints everything twice."""
    spec = plan.form.spec
    account = spec.roles.account
    found: list[Problem] = []
    for document in plan.documents:
        plain = {key: to_plain(value) for key, value in document.values.items() if value is not None}
        title = None if "{number}" in spec.title else _fill(spec, spec.title, document.values, "")
        # The newest few are enough: this is a warning, and it must not read a whole archive for papers without account.
        rows = workspace.db.all(
            "SELECT * FROM issues WHERE form = :form AND status IN ('issued', 'returned') AND account IS :account "
            "AND (:title IS NULL OR title = :title) ORDER BY position DESC LIMIT 50",
            {"form": spec.id, "account": plain.get(account), "title": title},
        )
        for issue in map(_issue, rows):
            with contextlib.suppress(NotFound):
                if read_issue_data(workspace, issue)["values"] == plain:
                    text = msg("The same values were issued as {number} on {date}; another number is used for them.",
                               number=issue.number, date=issue.issue_date.isoformat())
                    found.append(Problem(document.row, "", "", None, "issued-before", text, "warning"))
                    break
    return found


def issue_documents(workspace: Workspace, plan: IssuePlan, out: Path, *, force: bool = False) -> Iterator[Generated]:
    """Number, log and write the planned documents, batch by batch; each is on disk when it is yielded.

    Raises:
        InputRefused: a document's file exists already and ``force`` is false; its batch is not numbered.
        OSError: a file cannot be written; its number is used, ``render_issue`` writes the document later.
    """
    renderer = Renderer(plan.form.spec, plan.form.template)
    keep_template(workspace.root, plan.form)
    for start in range(0, len(plan.documents), _BATCH):
        numbered = _number_batch(workspace, plan.form, plan.documents[start : start + _BATCH], out, force=force)
        for document, issue_id, data in numbered:
            path = out / str(data["file"])
            content = _render(workspace, renderer, plan.form.spec, issue_id, data)
            files.write_atomic(path, content, overwrite=force)
            yield Generated(
                document.row, str(data["number"]), issue_id, plan.form.spec.id, path,
                hashlib.sha256(content).hexdigest(),
            )


def draft_documents(workspace: Workspace, plan: IssuePlan, out: Path, *, force: bool = False) -> Iterator[Generated]:
    """Write documents without number, code or entry, marked 草稿."""
    renderer = Renderer(plan.form.spec, plan.form.template)
    for position, document in enumerate(plan.documents, 1):
        name = _file_name(plan.form.spec, document.values, f"草稿{position}", len(plan.documents) > 1)
        path = out / name
        head = _letterhead(workspace, "草稿", workspace.clock.today)
        content = renderer.render(document.values, head, None)
        _write_new(path, content, force=force)
        yield Generated(document.row, "草稿", None, plan.form.spec.id, path, hashlib.sha256(content).hexdigest())


def render_issue(workspace: Workspace, issue: Issue, out: Path, *, force: bool = False) -> Path:
    """Write the document of an issue again, from its data and the template version it was made with.

    Raises:
        RefusedByRule: the issue is void or destroyed.
        NotFound: its data or template version is gone.
    """
    if issue.status in ("void", "destroyed"):
        raise RefusedByRule(msg("{number} is {status}; it is not printed again.", number=issue.number,
                                status=msg(issue.status)))
    data = read_issue_data(workspace, issue)
    form = _kept_form(workspace.root, issue)
    content = _render(workspace, Renderer(form.spec, form.template), form.spec, issue.issue_id, data)
    path = out / str(data["file"])
    _write_new(path, content, force=force)
    return path


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
    return _kept_form(workspace.root, issue).spec


def read_issue_data(workspace: Workspace, issue: Issue) -> dict[str, object]:
    """The destroyable data of an issue: number, plain values, title, file, company, office, issue_date.

    Raises:
        NotFound: it was destroyed, or is not what the ledger's digest says.
    """
    try:
        data = _data_path(workspace.root, issue.issue_id).read_bytes()
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


def _number_batch(
    workspace: Workspace, form: Form, documents: Sequence[PlannedDocument], out: Path, *, force: bool
) -> list[tuple[PlannedDocument, str, dict[str, object]]]:
    spec = form.spec
    pattern = parse_number_pattern(spec.number)
    office = workspace.settings.company.office_code
    with workspace.writing() as writer:
        planned: list[tuple[PlannedDocument, str, int, dict[str, object]]] = []
        last: dict[str, int] = {}
        names: set[str] = set()
        for document in documents:
            on = _numbering_date(spec, document.values, workspace.clock.today)
            scope = pattern.scope(on, office)
            seq = last.setdefault(scope, _last_seq(workspace.db, scope)) + 1
            last[scope] = seq
            number = pattern.render(on, office, seq)
            name = _file_name(spec, document.values, number, False)
            if (out / name).exists() and not force or name in names:
                raise InputRefused(
                    msg("The file {file} exists already.", file=str(out / name)),
                    msg("Move it away, choose another --out, or overwrite with --force."),
                )
            names.add(name)
            planned.append((document, scope, seq, _issue_data(workspace, spec, document.values, number, name, out)))
        return _enter_batch(workspace, writer, form, planned)


def _enter_batch(
    workspace: Workspace,
    writer: Writer,
    form: Form,
    planned: Sequence[tuple[PlannedDocument, str, int, dict[str, object]]],
) -> list[tuple[PlannedDocument, str, dict[str, object]]]:
    """Issue data durable first, then numbers and entries in one ledger batch."""
    numbered: list[tuple[PlannedDocument, str, dict[str, object]]] = []
    raws: list[tuple[str, bytes]] = []
    for document, scope, seq, data in planned:
        issue_id = workspace.store_tag + writer.next_id()
        raw = canonical_json(data)
        raws.append((issue_id, raw))
        writer.add(
            "issue.issued",
            {
                "issue": issue_id,
                "form": form.spec.id,
                "number": data["number"],
                "scope": scope,
                "seq": seq,
                "revision": 1,
                "template": form.digest,
                "data": hashlib.sha256(raw).hexdigest(),
                "date": workspace.clock.today.isoformat(),
            },
        )
        numbered.append((document, issue_id, data))
    with pending.announced(workspace.root, "issues", [issue_id for issue_id, _ in raws]):
        for issue_id, raw in raws:
            files.write_atomic(_data_path(workspace.root, issue_id), raw, overwrite=True)
        writer.commit()
    return numbered


def _issue_data(
    workspace: Workspace, spec: FormSpec, values: Mapping[str, Value], number: str, name: str, out: Path
) -> dict[str, object]:
    plain = {
        field.key: to_plain(values.get(field.key)) for field in spec.fields if values.get(field.key) is not None
    }
    outputs = []
    if (out / name).resolve().is_relative_to(workspace.root.resolve()):
        outputs.append((out / name).resolve().relative_to(workspace.root.resolve()).as_posix())
    account = plain.get(spec.roles.account) if spec.roles.account else None
    return {
        "salt": secrets.token_hex(16),
        "form": spec.id,
        "number": number,
        "title": _fill(spec, spec.title, values, number),
        "file": name,
        "values": plain,
        "account": account,
        "company": workspace.settings.company.name,
        "office": workspace.settings.company.office,
        "issue_date": workspace.clock.today.isoformat(),
        "outputs": outputs,
    }


def _render(
    workspace: Workspace, renderer: Renderer, spec: FormSpec, issue_id: str, data: Mapping[str, object]
) -> bytes:
    plain = data["values"]
    assert isinstance(plain, dict)
    values = {field.key: from_plain(plain[field.key], field) for field in spec.fields if field.key in plain}
    head = _letterhead(workspace, str(data["number"]), date.fromisoformat(str(data["issue_date"])))
    head = replace(head, company=str(data["company"]), office=str(data["office"]))
    return renderer.render(values, head, PrintedCode(issue_id, 1))


def _letterhead(workspace: Workspace, number: str, on: date) -> Letterhead:
    settings = workspace.settings
    style = settings.documents
    return Letterhead(number, settings.company.name, settings.company.office, on, style.money_jiao_suffix,
                      style.money_zero_style)


def _write_new(path: Path, content: bytes, *, force: bool) -> None:
    try:
        files.write_atomic(path, content, overwrite=force)
    except FileExistsError:
        raise InputRefused(
            msg("The file {file} exists already.", file=str(path)),
            msg("Move it away, choose another --out, or overwrite with --force."),
        ) from None


def _numbering_date(spec: FormSpec, values: Mapping[str, Value], today: date) -> date:
    value = values.get(spec.numbering_date) if spec.numbering_date else None
    return value if isinstance(value, date) else today


def _fill(spec: FormSpec, pattern: str, values: Mapping[str, Value], number: str) -> str:
    shown = {"number": number, "form": spec.name}
    for field in spec.fields:
        if field.stage == "before":
            text = display(values.get(field.key), field)
            shown[field.key] = shown[field.label] = text
    return pattern.format(**shown)


def _file_name(spec: FormSpec, values: Mapping[str, Value], number: str, mark: bool) -> str:
    """A name that every file system takes: no reserved characters, at most 200 bytes in UTF-8."""
    text = _fill(spec, spec.file_name, values, number)
    text = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", text if number in text or not mark else f"{number} {text}")
    text = text.strip(" .") or number
    while len(text.encode()) > 200:
        text = text[:-1]
    return f"{text}.docx"


def _last_seq(db: Database, scope: str) -> int:
    row = db.one("SELECT max(seq) AS last FROM issues WHERE scope = :scope", {"scope": scope})
    return int(row["last"]) if row is not None and row["last"] else 0


def _kept_form(root: Path, issue: Issue) -> Form:
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


def _data_path(root: Path, issue_id: str) -> Path:
    return root / "issued" / f"{issue_id}.json"


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
            raw = _data_path(workspace.root, str(body["issue"])).read_bytes()
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
                files.remove_file(_data_path(workspace.root, issue_id))
        for scrap in (workspace.root / "issued").glob(".*.tmp"):
            files.remove_file(scrap)
        files.remove_file(path)


PROJECTION = Projection("issues", _SCHEMA, _apply, _recover)
