"""What the store knows about rows that are checked: equal issues, an earlier run, a unique field, gates."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from recordkit.db import Row
from recordkit.messages import msg
from recordkit.model import Problem
from recordkit.templates import issue_data
from recordkit.templates.fieldtypes import Value, from_plain, shown
from recordkit.templates.forms import Form
from recordkit.templates.gates import Filed, find_gate_problems
from recordkit.templates.planning import PlannedDocument, comparable
from recordkit.templates.spec import FieldSpec
from recordkit.workspace import Workspace

_LIVE = "status IN ('issued', 'returned')"


class EqualIssues:
    """Rows whose very values were issued before: warned of, or left out where an earlier run is resumed."""

    def __init__(self, workspace: Workspace, resume: str | None = None) -> None:
        """``resume``: name of the file whose earlier run goes on; None to warn only."""
        self._db = workspace.db
        self._resume = resume
        self._left: Counter[str] = Counter()
        self._seen: set[str] = set()

    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        """As ``planning.Lookup``. A row that stands twice in the file is left out as often as it was issued."""
        keys = [one.sameness for one in block]
        names = {f"d{at}": key for at, key in enumerate(dict.fromkeys(keys))}
        rows = self._db.all(
            f"SELECT sameness, number, issue_date, source FROM issues WHERE form = :form AND {_LIVE} "  # noqa: S608
            f"AND sameness IN ({', '.join(f':{name}' for name in names)}) ORDER BY position",
            {"form": form.spec.id, **names},
        )
        found: dict[str, Row] = {}
        for row in rows:
            found[row["sameness"]] = row
            if row["source"] == self._resume and row["sameness"] not in self._seen:
                self._left[row["sameness"]] += 1
        self._seen |= set(keys)
        gone: set[int] = set()
        problems: list[Problem] = []
        for at, (key, document) in enumerate(zip(keys, block, strict=True)):
            if self._resume is not None and self._left[key] > 0:
                self._left[key] -= 1
                gone.add(at)
            elif key in found:
                text = msg("The same values were issued as {number} on {date}; another number is used for them.",
                           number=found[key]["number"], date=found[key]["issue_date"])
                problems.append(Problem(document.row, "", "", None, "issued-before", text, "warning"))
        return gone, problems


@dataclass(frozen=True, slots=True)
class _Row:
    row: int | None
    values: Mapping[str, Value]


class Gates:
    """Rows for which another document must be there first, as the form's gates say."""

    def __init__(self, workspace: Workspace, filed: Filed | None = None) -> None:
        """``filed`` looks among papers that were not issued here."""
        self._workspace = workspace
        self._filed = filed

    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        """As ``planning.Lookup``."""
        if not form.spec.gates:
            return set(), []
        rows = [_Row(one.row, one.values(form.spec)) for one in block]
        return set(), find_gate_problems(self._workspace, form, rows, filed=self._filed)


class _Taken(NamedTuple):
    number: str
    date: str


class TakenValues:
    """Rows whose value of one field stands in a document that was issued before: refused."""

    def __init__(self, workspace: Workspace, key: str) -> None:
        """``key``: the field whose values must be unique."""
        self._workspace = workspace
        self._key = key
        self._all: dict[str, _Taken] | None = None

    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        """As ``planning.Lookup``."""
        one = next(field for field in form.spec.fields if field.key == self._key)
        rows = [(document, comparable(document.plain[one.key], one)) for document in block if one.key in document.plain]
        taken = self._taken(form, one, {value for _, value in rows})
        problems = []
        for document, value in rows:
            if value in taken:
                text = msg("{value} stands in {number} already, issued on {date}.",
                           value=shown(from_plain(document.plain[one.key], one), one), number=taken[value].number,
                           date=taken[value].date)
                problems.append(Problem(document.row, one.key, one.label, None, "duplicate", text))
        return set(), problems

    def _taken(self, form: Form, one: FieldSpec, values: Collection[str]) -> Mapping[str, _Taken]:
        """The newest document by value, at least for these values."""
        if one.key == form.spec.roles.account:
            return self._by_account(form, values)
        if self._all is None:
            self._all = self._read(form, one)
        return self._all

    def _by_account(self, form: Form, values: Collection[str]) -> Mapping[str, _Taken]:
        if not values:
            return {}
        names = {f"v{at}": value for at, value in enumerate(values)}
        rows = self._workspace.db.all(
            f"SELECT account, number, issue_date FROM issues WHERE form = :form AND {_LIVE} "  # noqa: S608
            f"AND account IN ({', '.join(f':{name}' for name in names)}) ORDER BY position",
            {"form": form.spec.id, **names},
        )
        return {row["account"]: _Taken(row["number"], row["issue_date"]) for row in rows}

    def _read(self, form: Form, one: FieldSpec) -> dict[str, _Taken]:
        """Every value of the field; the catalogue keeps only accounts, so each document's data is read once."""
        taken: dict[str, _Taken] = {}
        rows = self._workspace.db.each(
            f"SELECT number, issue_date, pack, data FROM issues WHERE form = :form AND {_LIVE} "  # noqa: S608
            "ORDER BY position",
            {"form": form.spec.id},
        )
        for row in rows:
            line = issue_data.read_line(self._workspace.root, row["pack"], row["data"])
            values = json.loads(line).get("values") if line is not None else None
            if isinstance(values, dict) and values.get(one.key) is not None:
                taken[comparable(values[one.key], one)] = _Taken(row["number"], sys.intern(row["issue_date"]))
        return taken
