"""What the store knows about rows that are checked: equal issues, an earlier run, a unique field, gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recordkit.db import Row
from recordkit.errors import NotFound
from recordkit.messages import msg
from recordkit.model import Problem
from recordkit.templates.fieldtypes import Value, from_plain, shown
from recordkit.templates.forms import Form
from recordkit.templates.gates import Filed, find_gate_problems
from recordkit.templates.issue import Issue, list_issues, read_issue_data
from recordkit.templates.planning import PlannedDocument
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


class TakenValues:
    """Rows whose value of one field stands in a document that was issued before: refused."""

    def __init__(self, workspace: Workspace, key: str) -> None:
        """``key``: the field whose values must be unique."""
        self._workspace = workspace
        self._key = key
        self._taken: dict[str, Issue] | None = None

    def review(self, form: Form, block: Sequence[PlannedDocument]) -> tuple[set[int], list[Problem]]:
        """As ``planning.Lookup``."""
        one = next(field for field in form.spec.fields if field.key == self._key)
        if self._taken is None:
            self._taken = self._read(form)
        problems = []
        for document in block:
            earlier = self._taken.get(str(document.plain.get(self._key)))
            if earlier is not None and self._key in document.plain:
                text = msg("{value} stands in {number} already, issued on {date}.",
                           value=shown(from_plain(document.plain[self._key], one), one), number=earlier.number,
                           date=earlier.issue_date.isoformat())
                problems.append(Problem(document.row, one.key, one.label, None, "duplicate", text))
        return set(), problems

    def _read(self, form: Form) -> dict[str, Issue]:
        taken: dict[str, Issue] = {}
        for issue in list_issues(self._workspace.db, form=form.spec.id):
            if issue.status not in ("issued", "returned"):
                continue
            try:
                values = read_issue_data(self._workspace, issue)["values"]
            except NotFound:
                continue
            if isinstance(values, dict) and self._key in values:
                taken[str(values[self._key])] = issue
        return taken
