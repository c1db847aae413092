"""Scans that come with a catalogue of their own: rows and files brought together, checked, nothing written.

Archival codes are taken as they are, retention periods in the words of their time. A row that is wrong, that has no
file, or whose code the archive or the sheet has already, is refused by row and cell; the good ones are filed as any
paper is. A name in the sheet is only ever compared with the files that the person gave: it opens nothing.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from heapq import merge
from pathlib import Path, PurePosixPath

import msgspec

from recordkit import files
from recordkit.archive import catalogue, vague_dates
from recordkit.archive.access import clearance_of
from recordkit.archive.archival_code import CodeTemplate, LookAlikes, named_already, next_serial, no_code
from recordkit.archive.classes import Scheme, load_scheme
from recordkit.archive.decisions import IngestItem, IngestOptions
from recordkit.archive.metadata import BY_KEY, CORE, own_fields, unspaced
from recordkit.archive.papers import CatalogueRow
from recordkit.archive.registers import require_filable
from recordkit.db import Database
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.model import Problem, as_printed, same_code
from recordkit.settings import Settings
from recordkit.templates.fieldtypes import is_empty, parse, to_plain
from recordkit.templates.finding_spool import Findings, FindingSpool
from recordkit.templates.planning import REASON_HEADING
from recordkit.templates.rows import RawRow, RowSource
from recordkit.templates.spec import FieldSpec
from recordkit.workspace import Workspace

LONGEST_CODE = 100
_LONGEST_DATE = 40
_OF_THE_SHEET = (
    FieldSpec(key="code", label="档号", label_en="Code", max_length=LONGEST_CODE),
    FieldSpec(key="file", label="文件名", label_en="File", max_length=400),
    FieldSpec(key="class", label="类别", label_en="Class", max_length=80),
    FieldSpec(key="pages", label="页数", label_en="Pages", type="integer", required=False, min=Decimal(1),
              max=Decimal(100_000)),
    FieldSpec(key="period_term", label="保管期限", label_en="Period", required=False, max_length=40),
)
_IGNORED = frozenset(("序号", "顺序号", "No.", REASON_HEADING))
_LISTS = frozenset((".xlsx", ".csv", ".tsv"))
"""Files that are catalogues, not papers."""


@dataclass(slots=True)
class CataloguePlan:
    """What a catalogue and its files come to.

    Attributes:
        rows: of the sheet; ``known`` of them were filed before, or files that no row of it names.
        sources: files to be filed, in the order of their rows.
        without_row: files that no row names, and that were not filed before.
        refused: rows that are not filed, each once; ``missing_files`` of them have no file.
    """

    rows: int = 0
    known: int = 0
    refused: int = 0
    missing_files: int = 0
    sources: list[Path] = field(default_factory=list)
    without_row: list[Path] = field(default_factory=list)
    _lines: dict[Path, bytes] = field(default_factory=dict)
    _planned: FindingSpool = field(default_factory=FindingSpool)
    _happened: FindingSpool = field(default_factory=FindingSpool)

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Leave a row out, and keep why."""
        self.refused += 1
        for problem in problems:
            self._planned.append(problem)

    def take(self, source: Path, row: CatalogueRow) -> None:
        """File this source as the row says."""
        self.sources.append(source)
        self._lines[source] = msgspec.json.encode(row)

    def options_of(self, options: IngestOptions, source: Path) -> IngestOptions:
        """The options of one paper."""
        row = msgspec.json.decode(self._lines[source], type=CatalogueRow)
        return replace(options, record_class=row.record_class, fields=row.fields, row=row)

    def settle(self, item: IngestItem) -> Problem | None:
        """Whether the row of a paper was filed; else why not, which is kept."""
        row = msgspec.json.decode(self._lines[item.source], type=CatalogueRow)
        if item.outcome == "archived" or (item.outcome == "duplicate" and row.code in (None, item.code)):
            return None
        reason = item.reason or msg("its file was not filed")
        if item.outcome == "duplicate":
            reason = msg("its file holds the same bytes as another one: {reason}", reason=reason)
        problem = Problem(row.row, "file", "文件名", None, item.outcome, reason)
        self.refused += 1
        self._happened.append(problem)
        return problem

    def problems(self) -> Iterator[Problem]:
        """Why rows are refused, in the order of the rows; one loop at a time."""
        return merge(Findings(self._planned), Findings(self._happened), key=lambda one: one.row or 0)


@dataclass(frozen=True, slots=True)
class Problems:
    """The findings of a plan, gone through again and again."""

    plan: CataloguePlan

    def __iter__(self) -> Iterator[Problem]:
        return self.plan.problems()


def is_catalogue(path: Path) -> bool:
    """Whether a file among the scans is a list such as the catalogue itself, and no paper."""
    return path.suffix.lower() in _LISTS


def plan_catalogue(
    workspace: Workspace, source: RowSource, sources: Sequence[Path], record_class: str | None, *,
    any_serial: bool = False,
) -> CataloguePlan:
    """Bring rows and files together.

    Args:
        workspace: the store.
        source: the rows; gone through twice.
        sources: the files that may be named, lists among them passed over.
        record_class: class of rows that tell none, by id or name.
        any_serial: take codes of our own template whatever their item number is.

    Raises:
        InputRefused: a column is unknown, stands twice or lacks, or the sheet has no rows.
        NotFound: the class does not exist.
        RefusedByRule: the class is one of evidence that recordkit makes itself.
    """
    scheme = load_scheme(workspace.root)
    default = None if record_class is None else scheme.get(record_class).id
    if default is not None:
        require_filable(default)
    first = next(iter(source.rows), None)
    if first is None:
        raise InputRefused(msg("The catalogue has a head, but no row below it."))
    columns = _columns(workspace.settings, first, default)
    shelf = _Shelf([path for path in sources if not is_catalogue(path)])
    codes, named, numbers = _counted(source.rows, columns, shelf)
    reader = _Reader(workspace, scheme, columns, default, codes, named)
    template = CodeTemplate.of(workspace.settings)
    alike, serials = LookAlikes(workspace.db, template), _Serials(workspace.db, template)
    if not any_serial:
        serials.read(_text_of(raw, columns, "code") for raw in source.rows)
    plan = CataloguePlan()
    used: set[Path] = set()
    for raw in source.rows:
        plan.rows += 1
        found = shelf.find(_file_names(raw, columns))
        path = found if isinstance(found, Path) else None
        if path is not None:
            used.add(path)
        row, problems = reader.read(raw)
        if row is None or problems:
            plan.refuse(problems)
            continue
        holder = None if row.code is None else catalogue.find_by_code(workspace.db, row.code)
        if holder is not None and _is_filed(workspace, holder, path):
            plan.known += 1
        elif holder is not None:
            plan.refuse([reader.problem(raw, "code", "code-taken", _told_taken(holder))])
        elif taken := [reader.problem(raw, key, "name-taken", told)
                       for key, told in _named(workspace.db, row, numbers, alike)]:
            plan.refuse(taken)
        elif not any_serial and row.code is not None and (told := serials.refusal(row.code)) is not None:
            plan.refuse([reader.problem(raw, "code", "far-number", told)])
        elif isinstance(found, Path):
            plan.take(found, row)
        else:
            plan.missing_files += 1
            heading = "file" if "file" in columns else "code"
            plan.refuse([reader.problem(raw, heading, "no-file", found)])
    for path in shelf.paths:
        if path not in used:
            # A sheet of refused rows, read again, names only theirs: the other files were filed by the run before.
            if _is_in_archive(workspace, path):
                plan.known += 1
            else:
                plan.without_row.append(path)
    return plan


def _columns(settings: Settings, first: RawRow, default: str | None) -> dict[str, str]:
    """Heading by key."""
    specs = {one.key: one for one in (*CORE, *own_fields(settings), *_OF_THE_SHEET)}
    names = {unspaced(name): one.key for one in specs.values() for name in (one.key, one.label, one.label_en)}
    columns: dict[str, str] = {}
    for heading in first.values:
        if unspaced(heading) in _IGNORED or heading.startswith("["):
            continue
        key = names.get(unspaced(heading))
        cell = first.cells.get(heading, "")
        if key is None:
            raise InputRefused(
                msg("The catalogue has a column {heading} (cell {cell}) that is no field.", heading=heading,
                    cell=re.sub(r"\d+$", "", cell) or "?"),
                msg("Fields are: {fields}. Rename or delete the column, or add a field to archive.fields in "
                    "recordkit.toml.", fields=listed(one.label for one in specs.values())))
        if key in columns:
            raise InputRefused(msg("The columns {one} and {other} mean the same field.", one=columns[key],
                                   other=heading), msg("Rename or delete one of the two columns."))
        columns[key] = heading
    for wanted in (("title",), ("date",), ("file", "code")):
        if not set(wanted) & set(columns):
            raise InputRefused(msg("The catalogue has no column {label}.", label=" / ".join(
                specs[key].label for key in wanted)), msg("Head the columns with the names of the fields."))
    if default is None and "class" not in columns:
        raise InputRefused(msg("The catalogue does not tell the class of its records."),
                           msg("Give --class CLASS, or add a column {label}.", label="类别"))
    return columns


# --- files --------------------------------------------------------------------------------------------------


def _key(name: str) -> str:
    """Names are the same whatever system wrote them: Unicode form, letters' case, direction of the slashes."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/")).casefold()


class _Shelf:
    """The files that rows may name."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self._by_name: dict[str, list[Path]] = {}
        for path in paths:
            for name in dict.fromkeys((_key(path.name), _key(path.stem))):
                self._by_name.setdefault(name, []).append(path)

    def find(self, names: Sequence[str]) -> Path | Message:
        """The one file of this name, with folders or without, with its ending or without; else why there is none."""
        for name in names:
            key = _key(name)
            tail = PurePosixPath(key).name
            found = [path for path in self._by_name.get(tail, ()) if "/" not in key or _ends_with(path, key)]
            if len(found) > 1:
                # 0012.pdf and 0012/0012.pdf: the nearer name counts.
                exact = [path for path in found if _key(path.name) == tail]
                found = exact if len(exact) == 1 else found
            if len(found) == 1:
                return found[0]
            if found:
                return msg("Several files are called {name}: {files}.", name=name,
                           files=listed(str(path) for path in found[:3]))
        return msg("No file is called {name}.", name=names[0] if names else "?")


def _ends_with(path: Path, key: str) -> bool:
    whole, bare = _key(path.as_posix()), _key(path.with_suffix("").as_posix())
    return any(one.endswith("/" + key.lstrip("./")) or one == key for one in (whole, bare))


def _file_names(raw: RawRow, columns: Mapping[str, str]) -> list[str]:
    """What the file of a row may be called: its cell, else its code, whose slashes no file name can have."""
    given = _text_of(raw, columns, "file")
    if given:
        return [given]
    code = _text_of(raw, columns, "code")
    return list(dict.fromkeys((code.replace("/", "_"), code.replace("/", "-")))) if code else []


def _text_of(raw: RawRow, columns: Mapping[str, str], key: str) -> str:
    heading = columns.get(key)
    value = raw.values.get(heading) if heading else None
    parsed = None if value is None else parse(value, FieldSpec(key=key, label=key, max_length=400))
    return str(parsed.value) if parsed is not None and parsed.value is not None else ""


def _counted(
    rows: Iterable[RawRow], columns: Mapping[str, str], shelf: _Shelf
) -> tuple[dict[str, list[int]], dict[Path, list[int]], dict[str, int]]:
    """In which rows each code (as ``same_code`` writes it) and each file stands, only those that stand in several.

    And a row for each document number.
    """
    codes: dict[str, list[int]] = {}
    numbers: dict[str, int] = {}
    named: dict[Path, list[int]] = {}
    for raw in rows:
        code = _text_of(raw, columns, "code")
        if code:
            codes.setdefault(same_code(code), []).append(raw.row)
        if number := _text_of(raw, columns, "number"):
            numbers.setdefault(as_printed(number), raw.row)
        path = shelf.find(_file_names(raw, columns))
        if isinstance(path, Path):
            named.setdefault(path, []).append(raw.row)
    return ({code: at for code, at in codes.items() if len(at) > 1},
            {path: at for path, at in named.items() if len(at) > 1}, numbers)


# --- rows ---------------------------------------------------------------------------------------------------


class _Reader:
    """Rows as values, with everything that is wrong with them."""

    def __init__(
        self, workspace: Workspace, scheme: Scheme, columns: Mapping[str, str], default: str | None,
        codes: Mapping[str, list[int]], named: Mapping[Path, list[int]],
    ) -> None:
        self._workspace = workspace
        self._scheme = scheme
        self._columns = columns
        self._default = default
        self._codes = codes
        self._shared = {row: rows for rows in named.values() for row in rows}
        self._sheet = {one.key: one for one in _OF_THE_SHEET}
        self._specs: dict[str, dict[str, FieldSpec]] = {}

    def problem(self, raw: RawRow, key: str, code: str, message: Message) -> Problem:
        """A finding about a cell of the row."""
        heading = self._columns.get(key, "")
        label = (BY_KEY.get(key) or self._sheet.get(key))
        return Problem(raw.row, key, label.label if label is not None else heading, raw.cells.get(heading), code,
                       message)

    def read(self, raw: RawRow) -> tuple[CatalogueRow | None, list[Problem]]:
        """The row; or what is wrong with it, all of it."""
        problems: list[Problem] = []
        for heading, value in raw.values.items():
            if heading.startswith("[") and not is_empty(value):
                problems.append(Problem(raw.row, "", heading, raw.cells.get(heading), "no-heading",
                                        msg("A value stands under no heading.")))
        class_id = self._class(raw, problems)
        values = {key: self._value(raw, key, spec, problems)
                  for key, spec in self._known(class_id).items()
                  if key in self._columns and key not in ("class", "date", vague_dates.KEY)}
        values |= self._dated(raw, problems)
        for key in self._columns:
            if key not in self._known(class_id) and not is_empty(raw.values.get(self._columns[key])):
                problems.append(self.problem(raw, key, "unknown-field", msg(
                    "Records of the class {id} have no field {field}.", id=class_id or "?",
                    field=self._columns[key])))
        code = values.pop("code", None)
        problems += self._wrong_code(raw, str(code) if code is not None else None)
        if raw.row in self._shared:
            other = next(row for row in self._shared[raw.row] if row != raw.row)
            problems.append(self.problem(raw, "file" if "file" in self._columns else "code", "file-twice", msg(
                "Row {row} names the same file.", row=other)))
        problems += self._lost_zeros(raw)
        if problems or class_id is None:
            return None, problems
        values.pop("file", None)
        pages, term = values.pop("pages", None), values.pop("period_term", None)
        fields = {key: value for key, value in values.items() if value is not None}
        return CatalogueRow(raw.row, class_id, fields, None if code is None else str(code),
                            int(str(pages)) if pages is not None else None, None if term is None else str(term)), []

    def _known(self, class_id: str | None) -> Mapping[str, FieldSpec]:
        """Fields that a row may have; of a class that is not known all of them."""
        known = self._specs.get(class_id or "")
        if known is None:
            own = own_fields(self._workspace.settings, class_id)
            known = self._specs[class_id or ""] = {one.key: one for one in (*CORE, *own, *_OF_THE_SHEET)}
        return known

    def _class(self, raw: RawRow, problems: list[Problem]) -> str | None:
        given = _text_of(raw, self._columns, "class")
        if not given:
            if self._default is None:
                problems.append(self.problem(raw, "class", "required", msg("Not filled in.")))
            return self._default
        try:
            class_id = self._scheme.get(given).id
            require_filable(class_id)
            return class_id
        except RefusedByRule as refusal:
            problems.append(self.problem(raw, "class", "own-class", refusal.what))
            return None
        except NotFound as unknown:
            problems.append(self.problem(raw, "class", "unknown-class", msg(
                "{what} {todo}", what=unknown.what, todo=unknown.todo or "")))
            return None

    def _dated(self, raw: RawRow, problems: list[Problem]) -> dict[str, object]:
        """The day, or the last one that it can be with what the old catalogue says of it."""
        key = vague_dates.KEY
        said = _text_of(raw, self._columns, key)
        if not said:
            key, parsed = "date", parse(raw.values.get(self._columns["date"]), BY_KEY["date"])
            if isinstance(parsed.value, date):
                return {"date": parsed.value.isoformat()}
            if not parsed.faults:
                problems.append(self.problem(raw, key, "required", msg(
                    "Not filled in. Where the old catalogue has no date, write 无日期.")))
                return {}
            said = _text_of(raw, self._columns, key)
        day = vague_dates.last_day(said, self._workspace.clock.today) if len(said) <= _LONGEST_DATE else None
        if day is not None:
            return {"date": day.isoformat(), vague_dates.KEY: said}
        code = "wrong-type" if key != "date" or not parsed.faults else parsed.faults[0].code
        problems.append(self.problem(raw, key, code, msg("{value} is no date. Write {forms}.",
                                                         value=said[:_LONGEST_DATE], forms=vague_dates.told_forms())))
        return {}

    def _value(self, raw: RawRow, key: str, spec: FieldSpec, problems: list[Problem]) -> object:
        """One cell as it is stored. Own fields that lack are findings of the record, as with every paper."""
        parsed = parse(raw.values.get(self._columns[key]), spec)
        errors = [one for one in parsed.faults if one.severity == "error"]
        problems += [self.problem(raw, key, one.code, one.message) for one in errors]
        if errors:
            return None
        needed = key in ("code", "title")
        if needed and (parsed.value is None or not str(parsed.value).strip()):
            problems.append(self.problem(raw, key, "required", msg("Not filled in.")))
            return None
        value = to_plain(parsed.value)
        return (value.strip() or None) if isinstance(value, str) else value

    def _wrong_code(self, raw: RawRow, code: str | None) -> Iterator[Problem]:
        if code is None:
            return
        if any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in code):
            yield self.problem(raw, "code", "illegal", msg("It has a character that no archival code has."))
        if same_code(code) in self._codes:
            other = next(row for row in self._codes[same_code(code)] if row != raw.row)
            yield self.problem(raw, "code", "code-twice", msg("{code} stands in row {row}, too.", code=code, row=other))

    def _lost_zeros(self, raw: RawRow) -> Iterator[Problem]:
        heading = self._columns.get("account")
        value = raw.values.get(heading) if heading else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
            padded = catalogue.account_with_zeros(self._workspace.db, str(int(value)),
                                                  only_open=not clearance_of(self._workspace).full)
            if padded is not None:
                yield self.problem(raw, "account", "lost-zeros", msg(
                    "The cell holds the number {number}; the archive knows the account {account}. Format the column "
                    "as text, with the leading zeros.", number=int(value), account=padded))


def _named(
    db: Database, row: CatalogueRow, numbers: Mapping[str, int], alike: LookAlikes
) -> Iterator[tuple[str, Message]]:
    """Code and number of a row that already name something else, here or in the sheet, or look as if they did."""
    number = row.fields.get("number")
    if number and (told := named_already(db, str(number))) is not None:
        yield "number", told
    if row.code is None:
        return
    beside = numbers.get(as_printed(row.code), row.row)
    if (told := no_code(db, row.code)) is not None:
        yield "code", told
    elif beside != row.row:
        yield "code", msg("{code} is the document number of row {row}.", code=row.code, row=beside)
    elif (other := alike.of(row.code)) is not None:
        yield "code", msg("{code} looks like {other}, which the archive has already.", code=row.code, other=other)


FAR = 1000
"""Item numbers that an inherited catalogue may leave out in one place before it is asked whether that is meant."""


class _Serials:
    """Item numbers that rows bring into the scopes of our own codes: the next number given here follows the highest."""

    def __init__(self, db: Database, template: CodeTemplate) -> None:
        self._db = db
        self._template = template
        self._known: dict[str, list[int]] = {}

    def read(self, codes: Iterable[str]) -> None:
        """Remember what the sheet brings, so that a long run of numbers is no leap."""
        for code in codes:
            if self._template.own_serial(code) is not None:
                place = self._template.place(code)
                self._known.setdefault(place.scope, []).append(place.serial)
        for scope, serials in self._known.items():
            serials[:] = sorted({*serials, next_serial(self._db, scope) - 1})

    def refusal(self, code: str) -> Message | None:
        """Why a code of ours is rather a slip than meant; None for any other."""
        written = self._template.own_serial(code)
        if written is None:
            return None
        place = self._template.place(code)
        meant = msg("If it is meant, add --any-serial.")
        if len(written) > self._template.width:
            return msg("The item number {serial} has more than {width} digits; all later ones would follow it. {todo}",
                       serial=written, width=self._template.width, todo=meant)
        if not place.serial:
            return msg("An item number is 1 at least, not {serial}. {todo}", serial=written, todo=meant)
        known = self._known.get(place.scope, [0])
        before = known[max(0, bisect_left(known, place.serial) - 1)]
        if before < place.serial - FAR:
            return msg("The item number {serial} leaves out {count} behind {before}; all later ones would follow it. "
                       "{todo}", serial=written, count=place.serial - before - 1, before=before, todo=meant)
        return None


def _is_filed(workspace: Workspace, record: catalogue.Record, path: Path | None) -> bool:
    """Whether the record that has a row's code is that very row's: an earlier run has filed it."""
    if record.status != "active":
        return False
    if path is None:
        # That run has taken the file out of the inbox.
        return record.metadata.get("inherited") == "catalogue"
    keyed = catalogue.keyed(workspace.settings.store.id, files.digests_of(path).sha256)
    return catalogue.find_content(workspace.db, keyed, record.record_id) is not None


def _is_in_archive(workspace: Workspace, path: Path) -> bool:
    filed = catalogue.find_content(workspace.db, catalogue.keyed(
        workspace.settings.store.id, files.digests_of(path).sha256))
    return filed is not None and filed.record.status == "active"


def _told_taken(record: catalogue.Record) -> Message:
    if record.status == "destroyed":
        return msg("{code} is the code of a record that was destroyed; it is never given again.", code=record.code)
    return msg("The archive has {code} already, dated {date}.", code=record.code, date=record.date.isoformat())
