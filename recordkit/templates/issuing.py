"""Issuing: planned documents get their numbers, are logged, printed and written.

Issue data durable first, numbers and entries in one ledger batch, then the documents. A crash between number and file
leaves an issue whose document ``render_issue`` makes again from its data, byte for byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
import secrets
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec

from recordkit import files, pending
from recordkit.crew import Crew, Lost
from recordkit.db import Database
from recordkit.errors import InputRefused, IntegrityFailure, PartlyDone, RecordkitError, RefusedByRule
from recordkit.messages import msg
from recordkit.model import canonical_json
from recordkit.settings import Settings
from recordkit.templates import issue_data
from recordkit.templates.code import PrintedCode
from recordkit.templates.fieldtypes import display, from_plain
from recordkit.templates.forms import Form, read_form
from recordkit.templates.issue import Issue, home_of, keep_template, kept_folder, kept_form, read_issue_data
from recordkit.templates.numbering import parse_number_pattern
from recordkit.templates.planning import IssuePlan, PlannedDocument
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.spec import FieldSpec, FormSpec, placeholders
from recordkit.workspace import Workspace, Writer

_T = TypeVar("_T")

_BATCH = 500
"""Documents numbered under one lock and one synced ledger write."""

_CHUNK = 100
"""Documents printed and synced together."""

_SECONDS = 300.0
"""Time allowed to a worker for a chunk; one takes well below a second."""


@dataclass(frozen=True, slots=True)
class Generated:
    """One document on disk."""

    row: int | None
    number: str
    issue_id: str | None
    form: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class _Numbered:
    row: int | None
    issue_id: str
    raw: bytes
    number: str
    path: Path


@dataclass(slots=True)
class Tally:
    """How many documents got a number, whether or not they were written: what a person must be told in any case."""

    numbered: int = 0


def issue_documents(
    workspace: Workspace,
    plan: IssuePlan,
    out: Path,
    *,
    force: bool = False,
    jobs: int = 1,
    name: str = "",
    source: str | None = None,
    tally: Tally | None = None,
) -> Generator[Generated]:
    """Number, log and write the planned documents, batch by batch; each is on disk when it is yielded.

    Args:
        workspace: the store.
        plan: what to issue.
        out: folder of the documents.
        force: overwrite files that exist.
        jobs: processes that print; with one, this process prints.
        name: pattern of the file names instead of the form's.
        source: name of the file that the rows came from; ``planning`` resumes by it.
        tally: counts the numbers as they are used.

    Raises:
        InputRefused: the template cannot be filled, ``out`` cannot be written, or a document's file exists already and
            ``force`` is false; nothing of this batch is numbered.
        PartlyDone: a numbered document cannot be printed.
        OSError: a file cannot be written; its number is used, ``unprinted`` knows of it.
    """
    form = plan.form
    renderer = renderer_of(form)
    _try_first(renderer, plan, workspace)
    require_place(workspace.root, out)
    keep_template(workspace.root, form)
    numbering = _Numbering(workspace, form, out, force, name or form.spec.file_name, source, tally or Tally())
    batches = (numbering.enter(batch) for batch in _split(plan.documents, _BATCH))
    with contextlib.ExitStack() as stack:
        # What a killed process leaves of a document holds a customer's data; in a staging folder it is cleared.
        room = stack.enter_context(workspace.staging()) if numbering.is_inside else None
        if jobs <= 1 or plan.count <= _CHUNK:
            for batch, mark in batches:
                for chunk in _split(batch, _CHUNK):
                    with _numbers_are_used():
                        digests = print_chunk(renderer, _papers(chunk), force, room)
                    yield from _generated(form, chunk, digests)
                pending.withdraw(mark)
        else:
            yield from _in_parallel(workspace, form, batches, jobs, force, room)


_compiled: dict[str, Renderer] = {}


def renderer_of(form: Form) -> Renderer:
    """The form's compiled template; planning and issuing share it.

    Raises:
        InputRefused: it cannot be compiled.
    """
    if form.digest not in _compiled:
        _compiled[form.digest] = Renderer(form.spec, form.template)
    return _compiled[form.digest]


def require_place(root: Path, out: Path) -> None:
    """See that documents may be written to ``out``, before anything is numbered.

    Raises:
        InputRefused: it cannot be written, or is a place in the store other than its outbox: destruction looks for
            documents nowhere else.
    """
    place = out.resolve()
    if place.is_relative_to(root.resolve()) and not place.is_relative_to((root / "outbox").resolve()):
        raise InputRefused(
            msg("{folder} belongs to the store; documents go to its outbox or outside.", folder=str(out)),
            msg("Choose another folder with --out."),
        )
    try:
        files.probe(out)
    except OSError as error:
        raise InputRefused(
            msg("Nothing can be written to {folder}: {reason}", folder=str(out), reason=error.strerror or str(error)),
            msg("The disk is full: make room outside the store and give the same command again; no number was taken.")
            if files.is_full(error) else msg("Choose another folder with --out."),
        ) from None


def _try_first(renderer: Renderer, plan: IssuePlan, workspace: Workspace) -> None:
    """Print one document nowhere: a template that cannot be filled must not cost a number."""
    head = _letterhead(_head_of(workspace.settings, "0", workspace.clock.today))
    for document in plan.documents:
        renderer.render(document.values(renderer.spec), head, None)
        break


@contextlib.contextmanager
def _numbers_are_used() -> Iterator[None]:
    """A refusal behind the numbering is no "nothing was done".

    Raises:
        PartlyDone: instead of it.
    """
    try:
        yield
    except InputRefused as refusal:
        reasons = tuple(one.message for one in refusal.problems[:3])
        what = msg("{what} {reasons}", what=refusal.what, reasons=reasons) if reasons else refusal.what
        raise PartlyDone(
            msg("A numbered document cannot be printed: {what}", what=what),
            msg("Mend the cause and give 'recordkit issued render --missing', or make the document void."),
        ) from refusal


def _in_parallel(
    workspace: Workspace,
    form: Form,
    batches: Iterator[tuple[list[_Numbered], Path]],
    jobs: int,
    force: bool,
    room: Path | None,
) -> Generator[Generated]:
    """Print with several processes: while they print a batch, the next one is numbered here."""
    folder = kept_folder(workspace.root, form.digest, form.spec.id)
    with Crew(jobs, _SECONDS) as crew:
        line = _Line(crew, folder, force, room)
        try:
            for batch, mark in batches:
                line.hand_out(batch, mark)
                while line.length > _BATCH // _CHUNK:
                    for chunk, digests in line.next_done():
                        yield from _generated(form, chunk, digests)
            while line.length:
                for chunk, digests in line.next_done():
                    yield from _generated(form, chunk, digests)
        except BaseException as failure:
            # What was handed out is finished, not killed: half a document would stay behind beside the others.
            while line.length:
                with contextlib.suppress(RecordkitError, OSError):  # the first failure is the one that is told
                    finished = list(line.next_done())
                    if not isinstance(failure, GeneratorExit):
                        for chunk, digests in finished:
                            yield from _generated(form, chunk, digests)
            raise


class _Line:
    """Chunks in the hands of workers, in their order."""

    def __init__(self, crew: Crew, folder: Path, force: bool, room: Path | None) -> None:
        self._crew = crew
        self._how = (folder, force, room)
        self._waiting: dict[int, tuple[list[_Numbered], Path, bool]] = {}
        self._broken: set[Path] = set()
        self._done: dict[int, list[str]] = {}
        self._handed = self._next = 0

    @property
    def length(self) -> int:
        """Chunks that are not told yet."""
        return len(self._waiting)

    def hand_out(self, batch: Sequence[_Numbered], mark: Path) -> None:
        """Give a batch to the workers; its announcement is withdrawn with its last chunk."""
        folder, force, room = self._how
        chunks = list(_split(batch, _CHUNK))
        for position, chunk in enumerate(chunks, 1):
            self._crew.put((self._handed, 0), _print_kept, folder, _papers(chunk), force, room)
            self._waiting[self._handed] = (chunk, mark, position == len(chunks))
            self._handed += 1

    def next_done(self) -> Iterator[tuple[list[_Numbered], list[str]]]:
        """Wait for one chunk; every chunk that can be told now, in order.

        Raises:
            PartlyDone: one cannot be printed; it is no longer waited for.
            OSError: as above.
        """
        self._pass_failed()
        if self._next not in self._done:
            self._take()
        self._pass_failed()
        while self._next in self._done:
            chunk, mark, is_last = self._waiting.pop(self._next)
            if is_last and mark not in self._broken:
                pending.withdraw(mark)
            yield chunk, self._done.pop(self._next)
            self._next += 1
            self._pass_failed()

    def _pass_failed(self) -> None:
        while self._next not in self._waiting and self._next < self._handed:
            self._next += 1

    def _take(self) -> None:
        (key, _), outcome = self._crew.take()
        folder, _, room = self._how
        try:
            if isinstance(outcome.error, Lost):
                # The worker died, not the document: the same bytes again, whatever it had written.
                self._done[key] = _print_kept(folder, _papers(self._waiting[key][0]), True, room)
            elif outcome.error is not None:
                with _numbers_are_used():
                    raise outcome.error
            else:
                self._done[key] = outcome.value
        except BaseException:
            self._broken.add(self._waiting.pop(key)[1])
            raise


def draft_documents(
    workspace: Workspace, plan: IssuePlan, out: Path, *, force: bool = False, name: str = ""
) -> Generator[Generated]:
    """Write documents without number, code or entry, marked 草稿."""
    spec = plan.form.spec
    renderer = renderer_of(plan.form)
    pattern = NamePattern(spec, name or spec.file_name)
    require_place(workspace.root, out)
    head = _letterhead(_head_of(workspace.settings, "草稿", workspace.clock.today))
    for position, document in enumerate(plan.documents, 1):
        path = out / pattern.file_name(document.plain, f"草稿{position}", marked=plan.count > 1)
        content = renderer.render(document.values(spec), head, None)
        _write_new(path, content, force=force)
        yield Generated(document.row, "草稿", None, spec.id, path, hashlib.sha256(content).hexdigest())


def render_issue(workspace: Workspace, issue: Issue, out: Path | None = None, *, force: bool = False) -> Path:
    """Write the document of an issue again, from its data and the template version it was made with.

    Args:
        workspace: the store.
        issue: the issue.
        out: folder of the document; None for the place in the store where it was first written, else the outbox.
        force: overwrite another file of that name; the very same document is no other file.

    Raises:
        RefusedByRule: the issue is void or destroyed.
        NotFound: its data or template version is gone.
    """
    if issue.status in ("void", "destroyed"):
        raise RefusedByRule(msg("{number} is {status}; it is not printed again.", number=issue.number,
                                status=msg(issue.status)))
    if out is not None:
        require_place(workspace.root, out)
    data = read_issue_data(workspace, issue)
    renderer = _renderer_in(kept_form(workspace.root, issue).folder)
    path = out / str(data["file"]) if out is not None else home_of(workspace.root, data)
    _write_new(path, _print(renderer, issue.issue_id, data), force=force)
    return path


def print_chunk(
    renderer: Renderer, papers: Sequence[tuple[str, bytes, Path]], force: bool, room: Path | None = None
) -> list[str]:
    """Print documents and write them together.

    Args:
        renderer: of their form version.
        papers: issue id, issue data as canonical JSON, and file of each.
        force: overwrite files that exist.
        room: see ``files.write_batch``.

    Returns:
        Their SHA-256.

    Raises:
        InputRefused: one of the files exists and ``force`` is false.
    """
    items = [(path, _print(renderer, issue_id, msgspec.json.decode(raw))) for issue_id, raw, path in papers]
    try:
        files.write_batch(items, overwrite=force, room=room)
    except FileExistsError as error:
        raise _exists(Path(str(error))) from None
    return [hashlib.sha256(content).hexdigest() for _, content in items]


class NamePattern:
    """A title or file name with placeholders, filled from a row's plain values."""

    def __init__(self, spec: FormSpec, pattern: str) -> None:
        """The form's own patterns were checked when it was read.

        Raises:
            InputRefused: ``pattern`` asks for a name that is no single field filled in before printing.
        """
        self._spec = spec
        self._pattern = pattern
        self._fields: dict[str, FieldSpec] = {}
        try:
            names = placeholders(pattern)
        except ValueError:
            raise _no_pattern(pattern, spec) from None
        for name in names:
            if name in ("number", "form"):
                continue
            field = spec.by_name.get(name)
            if field is None or field.type == "table" or field.stage != "before":
                raise _no_pattern(pattern, spec)
            self._fields[name] = field

    def fill(self, plain: Mapping[str, object], number: str) -> str:
        """The text."""
        shown = {
            name: display(from_plain(plain.get(one.key), one), one) for name, one in self._fields.items()
        }
        return self._pattern.format(number=number, form=self._spec.name, **shown)

    def file_name(self, plain: Mapping[str, object], number: str, *, marked: bool = False) -> str:
        """A name that every file system takes: no reserved characters, at most 200 bytes in UTF-8."""
        text = self.fill(plain, number)
        text = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", text if number in text or not marked else f"{number} {text}")
        text = text.strip(" .") or number
        while len(text.encode()) > 200:
            text = text[:-1]
        return f"{text}.docx"


class _Numbering:
    """Gives numbers to batches of one form and enters them."""

    def __init__(
        self, workspace: Workspace, form: Form, out: Path, force: bool, name: str, source: str | None, tally: Tally
    ) -> None:
        self._tally = tally
        self._workspace = workspace
        self._form = form
        self._out = out
        self._force = force
        self._source = source
        self._title = NamePattern(form.spec, form.spec.title)
        self._file_name = NamePattern(form.spec, name)
        self._number = parse_number_pattern(form.spec.number)
        self._head = _head_of(workspace.settings, "", workspace.clock.today)
        root, folder = workspace.root.resolve(), out.resolve()
        self._inside = folder.relative_to(root) if folder.is_relative_to(root) else None
        self.is_inside = self._inside is not None
        self._names: set[str] = set()
        day = form.spec.by_name.get(form.spec.numbering_date)
        self._day = day.key if day else ""

    def enter(self, documents: Sequence[PlannedDocument]) -> tuple[list[_Numbered], Path]:
        """Issue data durable first, then numbers and entries in one ledger batch.

        Returns:
            The numbered documents, and the announcement that they are to be printed: withdrawn when they are.

        Raises:
            InputRefused: the file of one exists; none of them is numbered.
        """
        workspace = self._workspace
        office = workspace.settings.company.office_code
        with workspace.writing() as writer:
            last: dict[str, int] = {}
            numbered: list[_Numbered] = []
            for document in documents:
                on = self._numbering_day(document)
                scope = self._number.scope(on, office)
                seq = last.setdefault(scope, _last_seq(workspace.db, scope)) + 1
                while _is_used(workspace.db, self._number.render(on, office, seq)):
                    seq += 1  # another pattern of this form, or another form, has given this very number
                last[scope] = seq
                issue_id = workspace.store_tag + writer.next_id()
                data = self._data_of(document, issue_id, self._number.render(on, office, seq))
                path = self._out / str(data["file"])
                if not self._force and path.exists():
                    raise _exists(path)
                self._names.add(path.name)
                one = _Numbered(document.row, issue_id, canonical_json(data), str(data["number"]), path)
                numbered.append(one)
                self._log(writer, one, scope, seq, pack=numbered[0].issue_id)
            pack = numbered[0].issue_id
            mark = pending.announce(workspace.root, "printing", [pack, str(self._out.absolute())])
            with pending.announced(workspace.root, "issues", [pack]):
                issue_data.write_pack(workspace.root, pack, [one.raw for one in numbered])
                writer.commit()
            self._tally.numbered += len(numbered)
        return numbered, mark

    def _log(self, writer: Writer, one: _Numbered, scope: str, seq: int, *, pack: str) -> None:
        writer.add(
            "issue.issued",
            {
                "issue": one.issue_id,
                "form": self._form.spec.id,
                "number": one.number,
                "scope": scope,
                "seq": seq,
                "revision": 1,
                "template": self._form.digest,
                "pack": pack,
                "data": hashlib.sha256(one.raw).hexdigest(),
                "date": self._workspace.clock.today.isoformat(),
            },
        )

    def _numbering_day(self, document: PlannedDocument) -> date:
        text = document.plain.get(self._day)
        return date.fromisoformat(str(text)[:10]) if text else self._workspace.clock.today

    def _data_of(self, document: PlannedDocument, issue_id: str, number: str) -> dict[str, object]:
        spec, plain = self._form.spec, document.plain
        name = self._file_name.file_name(plain, number)
        if name in self._names:
            # Two rows, one name: the number tells them apart.
            name = self._file_name.file_name(plain, number, marked=True)
        return {
            **self._head,
            "issue": issue_id,
            "salt": secrets.token_hex(16),
            "form": spec.id,
            "number": number,
            "title": self._title.fill(plain, number),
            "file": name,
            "values": plain,
            "account": plain.get(spec.roles.account) if spec.roles.account else None,
            "outputs": [(self._inside / name).as_posix()] if self._inside is not None else [],
            "source": self._source,
        }


def _head_of(settings: Settings, number: str, on: date) -> dict[str, object]:
    """What is printed besides the fields, as it stands in the issue data: a later setting changes no issued paper."""
    return {
        "number": number,
        "company": settings.company.name,
        "office": settings.company.office,
        "issue_date": on.isoformat(),
        "money_jiao_suffix": settings.documents.money_jiao_suffix,
        "money_zero_style": settings.documents.money_zero_style,
    }


def _letterhead(data: Mapping[str, object]) -> Letterhead:
    return Letterhead(
        number=str(data["number"]),
        company=str(data["company"]),
        office=str(data["office"]),
        issue_date=date.fromisoformat(str(data["issue_date"])),
        money_jiao_suffix=bool(data["money_jiao_suffix"]),
        money_zero_style="after-wan" if data["money_zero_style"] == "after-wan" else "after-yuan",
    )


def _print(renderer: Renderer, issue_id: str, data: Mapping[str, object]) -> bytes:
    plain = data["values"]
    assert isinstance(plain, dict)
    values = {one.key: from_plain(plain[one.key], one) for one in renderer.spec.fields if one.key in plain}
    return renderer.render(values, _letterhead(data), PrintedCode(issue_id, 1))


def _print_kept(
    folder: Path, papers: Sequence[tuple[str, bytes, Path]], force: bool, room: Path | None
) -> list[str]:
    """A worker's task; the form version in ``folder`` never changes and is read once in a process."""
    return print_chunk(_renderer_in(folder), papers, force, room)


@lru_cache(maxsize=4)
def _renderer_in(folder: Path) -> Renderer:
    form = read_form(folder, own=True)
    if form.digest != folder.parent.name:
        raise IntegrityFailure(
            msg("The form version {folder} is not what was kept.", folder=str(folder)),
            msg("Restore it from a backup, or remove it: the next document of this version keeps it anew."),
        )
    return Renderer(form.spec, form.template)


def _papers(chunk: Sequence[_Numbered]) -> list[tuple[str, bytes, Path]]:
    return [(one.issue_id, one.raw, one.path) for one in chunk]


def _generated(form: Form, chunk: Sequence[_Numbered], digests: Sequence[str]) -> Iterator[Generated]:
    for one, digest in zip(chunk, digests, strict=True):
        yield Generated(one.row, one.number, one.issue_id, form.spec.id, one.path, digest)


def _split(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(items)
    while chunk := list(itertools.islice(rest, size)):
        yield chunk


def _write_new(path: Path, content: bytes, *, force: bool) -> None:
    if path.is_file() and path.read_bytes() == content:
        return  # the very same document
    try:
        files.write_atomic(path, content, overwrite=force)
    except FileExistsError:
        raise _exists(path) from None


def _exists(path: Path) -> InputRefused:
    return InputRefused(
        msg("The file {file} exists already.", file=str(path)),
        msg("Move it away, choose another --out, or overwrite with --force."),
    )


def _no_pattern(pattern: str, spec: FormSpec) -> InputRefused:
    return InputRefused(
        msg("{pattern} is no pattern for names.", pattern=pattern),
        msg("Write it like {example}: single fields of form {form} by key or label, or {{number}}.",
            example="{number} {" + spec.of_stage("before")[0].label + "}", form=spec.name),
    )


def _is_used(db: Database, number: str) -> bool:
    return db.one("SELECT 1 AS n FROM issues WHERE number = :number LIMIT 1", {"number": number}) is not None


def _last_seq(db: Database, scope: str) -> int:
    row = db.one("SELECT max(seq) AS last FROM issues WHERE scope = :scope", {"scope": scope})
    return int(row["last"]) if row is not None and row["last"] else 0
