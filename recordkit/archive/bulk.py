"""Metadata of many records corrected in a spreadsheet: written out, read back, compared, changed in batches.

A sheet names each record by its code and says of which version it was made: who reads back a sheet that others have
overtaken would undo their work without a word, so such rows are refused. Its mark (标识) says which record of which
store that is, and what that version held: codes and versions of another store, or of this one before a restore, may be
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from recordkit.archive.access import OPEN, Clearance
from recordkit.archive.catalogue import Record, account_with_zeros, get_record, record_of
from recordkit.archive.editing import edited, fixed_key, form_of
from recordkit.archive.history import Change, masked, masked_keys, values_of
from recordkit.archive.listings.shape import told_period
from recordkit.archive.metadata import CORE, key_of, own_fields, read_value, unspaced
from recordkit.archive.versions import NewVersion, add_versions
from recordkit.archive.volume_acts import told_astray
from recordkit.errors import InputRefused, RefusedByRule
from recordkit.messages import Message, listed, msg, nearest
from recordkit.model import Problem
from recordkit.settings import Settings
from recordkit.templates.planning import REASON_HEADING
from recordkit.templates.rows import RawRow, RowSource
from recordkit.templates.sheetwriter import Cell, Sheet, workbook_bytes
from recordkit.templates.spec import FieldSpec
from recordkit.workspace import Workspace

CODE, VERSION, MARK = "档号", "版本", "标识"
HOPELESS = frozenset(("stale", "other-store"))
"""Problems of rows that no correction in the sheet mends: a new sheet is needed."""
_BATCH = 128
_OF_THE_ROW = ("code", "version", "mark")
_SHOWN_ONLY = ("门类", "年度", "保管期限", "页数")
"""Columns that help to recognise a record, and may not change."""


def sheet_bytes(
    settings: Settings, records: Iterable[Record], names: Mapping[str, str], clearance: Clearance,
    taken: Callable[[Record], None],
) -> bytes:
    """A spreadsheet of records to be corrected and read back: one a row, in the order given.

    Restricted records are left out, and columns of sensitive values, where the person may not see them.

    Args:
        settings: of the store.
        records: active ones.
        names: Chinese names of classes, by id.
        clearance: of the person.
        taken: told each record that got a row.
    """
    fields = [one for one in (*CORE, *own_fields(settings)) if clearance.full or not one.is_masked]
    heads = [CODE, VERSION, *_SHOWN_ONLY, *(one.label for one in fields), MARK]

    def rows() -> Iterator[Sequence[Cell]]:
        yield heads
        for record in records:
            if not clearance.full and record.access != OPEN:
                continue
            taken(record)
            values = values_of(record.metadata)
            known: list[Cell] = [record.code, record.version, names.get(record.record_class, record.record_class),
                                 record.year, record.period, record.pages]
            yield [*known, *(_cell(values.get(one.key), one) for one in fields), mark_of(record)]

    wide = {"title": 40, "address": 24, "note": 24, "responsible": 20, "number": 20, "party": 14, "account": 14}
    widths = [28, 6, 16, 7, 9, 6, *(wide.get(one.key, 12) for one in fields), 10]
    locked = (*range(1, 3 + len(_SHOWN_ONLY)), len(heads))
    return workbook_bytes([Sheet("更正", rows(), widths, head=1, locked=locked)])


def mark_of(record: Record) -> str:
    """What no other record has, and this one only as it is: the digest is keyed with the id of the store."""
    return f"{record.record_id}.{record.commitment[:16]}"


def _cell(value: object, spec: FieldSpec) -> Cell:
    if value is None or value == "":
        return None
    if spec.type == "date":
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            pass  # What an old edit left there is shown as it stands.
    return str(value)


@dataclass(frozen=True, slots=True)
class RowEdit:
    """What a row changes.

    Attributes:
        row: of the sheet.
        values: as they were read, by key.
        version: of the record that the sheet was made of and the record has now.
    """

    row: int
    record_id: str
    code: str
    version: int
    values: Mapping[str, object]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """What a sheet would do: rows that change a record, rows that say what is so already, and what is wrong."""

    edits: tuple[RowEdit, ...]
    unchanged: int
    problems: tuple[Problem, ...]

    @property
    def refused_rows(self) -> int:
        """Rows with something wrong: nothing of them is changed."""
        return len({one.row for one in self.problems})


def plan_sheet(workspace: Workspace, source: RowSource, name: str, clearance: Clearance) -> BulkPlan:
    """Compare a sheet with the catalogue; nothing is written.

    Raises:
        InputRefused: it has no column 档号, 版本 or 标识, a column that nobody knows, or two of one meaning.
    """
    columns: dict[str, str] | None = None
    edits: list[RowEdit] = []
    problems: list[Problem] = []
    unchanged = 0
    seen: dict[str, int] = {}
    for raw in source.rows:
        if columns is None:
            columns = _columns(workspace.settings, raw, name)
        row = _Row(workspace, raw, columns, clearance, seen)
        edit = row.edit()
        problems += row.problems
        if edit is None:
            unchanged += not row.problems
        elif not row.problems:
            edits.append(edit)
    if columns is None:
        raise InputRefused(msg("{file} has no row under its headings.", file=name))
    return BulkPlan(tuple(edits), unchanged, tuple(problems))


def _columns(settings: Settings, raw: RawRow, name: str) -> dict[str, str]:
    """Key by heading: ``code``, ``version``, ``mark``, keys of fields; with a ``!`` before, of what may not change."""
    found: dict[str, str] = {}
    for heading in raw.values:
        if unspaced(heading) == REASON_HEADING or heading.startswith("["):
            continue
        fixed = "mark" if unspaced(heading) == MARK else fixed_key(heading)
        key = fixed if fixed in _OF_THE_ROW else f"!{fixed}" if fixed else key_of(settings, heading)
        if key is None:
            raise _unknown_column(settings, heading, name)
        if key in found.values():
            raise InputRefused(msg("{file} has two columns for {field}, one of them {heading}.", file=name, field=key,
                                   heading=heading), msg("Delete one of the two columns."))
        found[heading] = key
    missing = [head for head, key in zip((CODE, VERSION, MARK), _OF_THE_ROW, strict=True)
               if key not in found.values()]
    if missing:
        raise InputRefused(
            msg("{file} has no column {columns}.", file=name, columns=listed(missing)),
            msg("Correct a sheet that 'recordkit catalogue sheet --out FILE.xlsx' wrote: it says which record a row is "
                "about, and of which version of it the sheet was made."))
    return found


def _unknown_column(settings: Settings, heading: str, name: str) -> InputRefused:
    labels = [one.label for one in (*CORE, *own_fields(settings))]
    near = nearest(heading, [*labels, CODE, VERSION, MARK], 0.4)
    told = msg("Columns are: {fields}. Delete the column, or name it as it was.",
               fields=listed([CODE, VERSION, *labels, MARK]))
    return InputRefused(msg("{file} has a column {heading} that no record has.", file=name, heading=heading),
                        msg("Did you mean {near}? {rest}", near=near, rest=told) if near else told)


@dataclass(slots=True)
class _Row:
    """One row compared with its record."""

    workspace: Workspace
    raw: RawRow
    columns: Mapping[str, str]
    clearance: Clearance
    seen: dict[str, int]
    problems: list[Problem] = field(default_factory=list)

    def _refuse(self, heading: str, code: str, message: Message, key: str = "") -> None:
        self.problems.append(Problem(self.raw.row, key or self.columns.get(heading, ""), heading,
                                     self.raw.cells.get(heading), code, message))

    def _heading(self, key: str) -> str:
        return next(heading for heading, one in self.columns.items() if one == key)

    def edit(self) -> RowEdit | None:
        """What the row changes; None when nothing, or when something is wrong."""
        record = self._record()
        if record is None:
            return None
        self._check_fixed(record)
        changes, values = self._changes(record)
        if self.problems or changes:
            self._check_version(record)
        if self.problems or not changes:
            return None
        return RowEdit(self.raw.row, record.record_id, record.code, record.version, values, tuple(changes))

    def _check_version(self, record: Record) -> None:
        heading = self._heading("version")
        given = _text(self.raw.values.get(heading))
        if given != str(record.version):
            self._refuse(heading, "stale", msg(
                "the sheet was made of version {old}, the record has version {new} by now; export it anew and correct "
                "that", old=given or "?", new=record.version))
        elif _text(self.raw.values.get(self._heading("mark"))) != mark_of(record):
            self._refuse(self._heading("mark"), "stale", msg(
                "version {version} of {code} is another one here than in the sheet, which was made in another store, "
                "or before this one was restored; export it anew and correct that", version=given, code=record.code))

    def _record(self) -> Record | None:
        heading = self._heading("code")
        code = _text(self.raw.values.get(heading))
        if not code:
            self._refuse(heading, "required", msg("a row without an archival code names no record"))
            return None
        if code in self.seen:
            self._refuse(heading, "twice", msg("the record {code} stands in row {row} already", code=code,
                                               row=self.seen[code]))
            return None
        self.seen[code] = self.raw.row
        found = self.workspace.db.one("SELECT * FROM records WHERE code = :code", {"code": code})
        if found is None:
            self._refuse(heading, "unknown-code", msg("there is no record {code}", code=code))
            return None
        record = record_of(found)
        if record.status != "active":
            self._refuse(heading, "destroyed", msg("the record {code} is destroyed", code=code))
            return None
        if record.access != OPEN and not self.clearance.full:
            self._refuse(heading, "restricted", msg("the record {code} is restricted; to change it needs the role "
                                                    "{roles}", code=code, roles=self.clearance.told_roles))
            return None
        heading = self._heading("mark")
        if _text(self.raw.values.get(heading)).partition(".")[0] != record.record_id:
            self._refuse(heading, "other-store", msg(
                "the row was not written from the record {code} of this store; its code may be that of a record "
                "elsewhere. Export it here and correct that", code=code))
            return None
        return record

    def _check_fixed(self, record: Record) -> None:
        for heading, key in self.columns.items():
            given = _text(self.raw.values.get(heading))
            if not key.startswith("!") or not given:
                continue
            now = str(getattr(record, key[1:], ""))
            name = self._class_name(record) if key == "!record_class" else now
            if key == "!period":
                name = told_period(now)
            if given in (now, name):
                continue
            told = now if name == now else f"{name} ({now})"
            self._refuse(heading, "fixed", msg("stays as it was filed: {value}", value=told), key[1:])

    def _class_name(self, record: Record) -> str:
        from recordkit.archive.classes import load_scheme

        found = load_scheme(self.workspace.root).classes.get(record.record_class)
        return found.name if found is not None else record.record_class

    def _changes(self, record: Record) -> tuple[list[Change], dict[str, object]]:
        """Changed fields with what the record will say, and the values to be written, by key."""
        settings = self.workspace.settings
        specs = {one.key: one for one in (*CORE, *own_fields(settings))}
        own = {one.key for one in (*CORE, *own_fields(settings, record.record_class))}
        now = values_of(record.metadata)
        values: dict[str, object] = {}
        for heading, key in self.columns.items():
            if key in _OF_THE_ROW or key.startswith("!"):
                continue
            raw, old = self.raw.values.get(heading), now.get(key)
            if _text(raw) == ("" if old is None else str(old)):
                continue
            if key not in own:
                self._refuse(heading, "not-of-class", msg("records of the class {record_class} have no such field",
                                                          record_class=f"{self._class_name(record)} "
                                                                       f"({record.record_class})"))
                continue
            meant = self._lost_zeros(specs[key], raw, "" if old is None else str(old))
            if meant is not None:
                self._refuse(heading, "lost-zeros", msg(
                    "the cell holds the number {number}, not the text {text}: format the column as text and write it "
                    "with all its digits", number=_text(raw), text=meant))
                continue
            try:
                value = read_value(specs[key], raw)
            except InputRefused as refusal:
                self._refuse(heading, "value", refusal.what)
                continue
            if value != old and not (value in (None, "") and old in (None, "")):
                values[key] = value
        if not values or self.problems:
            return [], {}
        after = self._edited(record, values)
        if after is None:
            return [], {}
        said = values_of(after)
        hidden = masked_keys(self.workspace, record)
        return [Change(key, specs[key].label, *(masked(one) if key in hidden else one for one in (now.get(key),
                                                                                                 said.get(key))))
                for key in values if now.get(key) != said.get(key)], values

    def _lost_zeros(self, spec: FieldSpec, raw: object, old: str) -> str | None:
        """What a cell that a spreadsheet program has made a number stood for; None for one that lost nothing."""
        if spec.type != "text" or isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
            return None
        text = _text(raw)
        if old[:1] == "0" and len(old) > 1 and old.isdigit() and len(text) <= len(old):
            return old if old.lstrip("0") == text else text.zfill(len(old))
        if len(text.lstrip("-")) > 15:
            return old or text  # A spreadsheet keeps fifteen digits; the others are noughts now.
        if spec.key != "account":
            return None
        return account_with_zeros(self.workspace.db, text, only_open=not self.clearance.full)

    def _edited(self, record: Record, values: Mapping[str, object]) -> Mapping[str, object] | None:
        """The new metadata; what the form of the record refuses is named by its cell."""
        spec = form_of(self.workspace, record)
        try:
            return edited(self.workspace, record, values, spec)
        except (InputRefused, RefusedByRule) as refusal:
            for key, value in values.items():
                try:
                    edited(self.workspace, record, {key: value}, spec)
                except (InputRefused, RefusedByRule) as one:
                    self._refuse(self._heading(key), "value", one.what)
            if not self.problems:
                self._refuse(self._heading("code"), "value", refusal.what)
            return None


def _text(cell: object) -> str:
    """A cell as it is compared: a day as ISO date, a whole number without a point."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if not (cell.hour or cell.minute or cell.second) else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    number: Any = cell
    if isinstance(cell, float) and cell.is_integer():
        number = int(cell)
    return str(number).strip()


def change_many(
    workspace: Workspace, plan: BulkPlan, reason: str, progress: Callable[[int], None]
) -> tuple[int, list[Problem]]:
    """Carry a plan out in batches: a batch is in force as a whole or not at all, also when the run is stopped.

    Returns:
        How many records were changed, and what was found when a row's turn came: another person was quicker.

    Raises:
        InputRefused: the reason is empty.
    """
    if not reason.strip():
        raise InputRefused(msg("An edit needs a reason."), msg("Give it with --reason TEXT."))
    done, late = 0, list[Problem]()
    for start in range(0, len(plan.edits), _BATCH):
        batch = plan.edits[start : start + _BATCH]
        with workspace.writing() as writer, workspace.staging() as staging:
            news: list[NewVersion] = []
            for one in batch:
                record = get_record(workspace.db, one.record_id)
                if record is None or record.status != "active" or record.version != one.version:
                    late.append(Problem(one.row, "version", VERSION, None, "stale", msg(
                        "{code} was changed by somebody else just now; export it anew and correct that",
                        code=one.code)))
                    continue
                keys = sorted(one.values)
                note = writer.note(record.record_id, {"reason": reason, "changed": keys})
                news.append(NewVersion(record, {"keys": keys, "note": note}, edited(workspace, record, one.values)))
            for new in news:
                astray = told_astray(workspace, new.record, new.metadata.get("account"))
                if astray is not None and new.record.account != new.metadata.get("account"):
                    workspace.notices.append(astray)
            if news:
                add_versions(writer, workspace, "record.edited", news, staging=staging)
        done += len(news)
        progress(start + len(batch))
    return done, late


def find_named(workspace: Workspace, problems: Iterable[Problem], source: RowSource) -> list[str]:
    """Ids of the records that these refused rows of a sheet name, as far as there are such."""
    refused = {one.row for one in problems}
    found: list[str] = []
    for raw in source.rows if refused else ():
        if raw.row in refused:
            code = next((_text(value) for heading, value in raw.values.items() if fixed_key(heading) == "code"), "")
            row = workspace.db.one("SELECT record_id FROM records WHERE code = :code", {"code": code})
            found += [str(row["record_id"])] if row is not None else []
    return found
