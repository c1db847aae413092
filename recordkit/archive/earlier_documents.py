"""Documents issued before, as a person who fills in the next one may use them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count

from recordkit.archive.access import OPEN, IssueShield
from recordkit.errors import RecordkitError
from recordkit.model import as_printed
from recordkit.templates.completing import completion_of, issued_values
from recordkit.templates.fieldtypes import from_plain
from recordkit.templates.issue import Issue, find_issue, form_of_issue
from recordkit.templates.proposing import Earlier
from recordkit.workspace import Workspace

_OF_ACCOUNT = 20
"""Newest documents of an account that are looked at."""

_OF_FORM = 100
"""Newest documents of a form that are looked at; each costs the reading of one line."""

_LIVE = "status IN ('issued', 'returned')"


class SeenDocuments:
    """``proposing.EarlierDocuments`` of a store: what is void, destroyed or hidden from the actor is not there."""

    def __init__(self, workspace: Workspace) -> None:
        """Raises as ``access.clearance_of``."""
        self._workspace = workspace
        self._shield = IssueShield(workspace)
        self._accounts: dict[str, list[Earlier]] = {}
        self._numbers: dict[tuple[str, tuple[str, ...]], Earlier | None] = {}
        self._forms: dict[str, tuple[list[Earlier], Iterator[Earlier]]] = {}

    def of_account(self, account: str) -> list[Earlier]:
        """The newest twenty documents of the account, newest first.

        What stands in a restricted one does not get into an open one, whoever fills it in.
        """
        if account not in self._accounts:
            rows = self._workspace.db.all(
                f"SELECT issue_id FROM issues WHERE account = :account AND {_LIVE} "  # noqa: S608
                "ORDER BY issue_date DESC, position DESC LIMIT :limit", {"account": account, "limit": _OF_ACCOUNT})
            found = self._read(str(row["issue_id"]) for row in rows)
            self._accounts[account] = [one for one in found if one.spec.access == OPEN]
        return self._accounts[account]

    def of_form(self, form: str) -> Iterator[Earlier]:
        """The newest hundred documents of the form, the one issued last first; read only as far as they are wanted."""
        if form not in self._forms:
            rows = self._workspace.db.all(
                f"SELECT issue_id FROM issues WHERE form = :form AND {_LIVE} "  # noqa: S608
                "ORDER BY position DESC LIMIT :limit", {"form": form, "limit": _OF_FORM})
            self._forms[form] = [], self._read(str(row["issue_id"]) for row in rows)
        known, rest = self._forms[form]
        for at in count():
            if at == len(known):
                one = next(rest, None)
                if one is None:
                    return
                known.append(one)
            yield known[at]

    def numbered(self, text: str, forms: Sequence[str]) -> Earlier | None:
        """As ``proposing.EarlierDocuments.numbered``; of equal running numbers the newest counts."""
        asked = text, tuple(forms)
        if asked not in self._numbers:
            self._numbers[asked] = self._numbered(*asked)
        return self._numbers[asked]

    def _numbered(self, text: str, forms: Sequence[str]) -> Earlier | None:
        marks = ",".join(f":form{at}" for at in range(len(forms)))
        among = {f"form{at}": form for at, form in enumerate(forms)}
        digits = unicodedata.normalize("NFKC", text.strip())
        if not (forms and digits.isdecimal()):
            rows = self._workspace.db.all(
                f"SELECT issue_id FROM issues WHERE number IN (:text, :printed) AND {_LIVE}"  # noqa: S608
                + (f" AND form IN ({marks})" if forms else ""),
                {"text": text.strip(), "printed": as_printed(text), **among})
            return next(self._read(str(row["issue_id"]) for row in rows), None)
        rows = self._workspace.db.all(
            f"SELECT issue_id, number FROM issues WHERE form IN ({marks}) AND {_LIVE} "  # noqa: S608
            "AND number LIKE :part ORDER BY position DESC", {"part": f"%{digits.lstrip('0')}%", **among})
        return next(self._read(str(row["issue_id"]) for row in rows
                               if _running(str(row["number"])) == digits.lstrip("0")), None)

    def _read(self, ids: Iterator[str]) -> Iterator[Earlier]:
        for each in ids:
            issue = find_issue(self._workspace.db, each)
            if not self._shield.hides(issue):
                one = self._one(issue)
                if one is not None:
                    yield one

    def _one(self, issue: Issue) -> Earlier | None:
        try:
            spec = form_of_issue(self._workspace, issue)
            values = issued_values(self._workspace, issue, spec)
            done = completion_of(self._workspace, issue)
            for one in spec.of_stage("onsite"):
                if done.values.get(one.key) is not None:
                    values[one.key] = from_plain(done.values[one.key], one)
        except RecordkitError:
            return None  # its data or its form is lost: whoever wants it hears of that elsewhere
        if not self._shield.clearance.full:
            # They are shown masked to this person, and would stand in full on the paper made from them.
            values = {one.key: values[one.key] for one in spec.fields if one.key in values and not one.is_masked}
        return Earlier(issue.number, issue.issue_date, spec, values, done.is_complete)


def _running(number: str) -> str:
    """What people call a document by: the last digits of its number, without the zeros before them."""
    return re.findall("[0-9]+", number)[-1].lstrip("0") if re.search("[0-9]", number) else ""
