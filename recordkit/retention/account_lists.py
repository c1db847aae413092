"""Lists of accounts as billing systems write them: a table somewhere below a title, with headings of their own.

The reader of spreadsheets gives the rows. Here it is found which row holds the headings, which column the account,
the day and the kind of event, and which rows are none: totals, repeated headings, lines of those who made the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Literal

from recordkit.errors import InputRefused
from recordkit.messages import Message, listed, msg
from recordkit.model import Problem, same_account
from recordkit.templates.fieldtypes import Parsed, is_empty, parse
from recordkit.templates.headed import FOOTER, MOST_TITLE_ROWS, ONLY_TOTAL, TOTAL, letters_of, unique_headings
from recordkit.templates.headings import ACCOUNT_HEADINGS
from recordkit.templates.rows import Addresses, Lazily, RawRow, RowSource
from recordkit.templates.spec import FieldSpec, plain_heading

Role = Literal["account", "date", "type"]

DATE_HEADINGS = ("日期", "发生日期", "办理日期", "业务日期", "办结日期", "事件日期", "date")
TYPE_HEADINGS = ("事件类型", "事件", "业务类型", "办理类型", "变更类型", "event", "type")
EVENT_WORDS: Mapping[str, tuple[str, ...]] = {
    "contract-ended": ("合同终止", "终止", "解除", "解约", "过户", "更名"),
    "account-closed": ("销户", "注销"),
    "case-closed": ("结案",),
    "next-replacement": ("换表",),
    "completed": ("办结",),
    "office-decision": ("单位决定",),
}
"""Words by which lists tell what happened, whatever language the program speaks (domain, "Retention": 过户 and 销户 end
the old contract)."""
REQUEST_HEADING = "等待的事件"
"""Stands in a list of what the archive waits for; there a row without a day tells that nothing has happened yet."""
_LONGEST_ACCOUNT = 64


@dataclass(frozen=True, slots=True)
class Listed:
    """One row that names an account.

    Attributes:
        row: of the file; ``heading`` of the column of accounts, ``cells`` addresses by heading.
        on: the day, None where the list has no such column or the cell is empty.
        word: what stands in the column of the type; empty where there is none.
    """

    row: int
    account: str
    on: date | None
    word: str
    heading: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccountList:
    """The table in a file.

    Attributes:
        rows: those below the headings, by these headings; they can be gone through again and again.
        columns: the heading of each role that was found.
    """

    rows: Iterable[RawRow]
    columns: Mapping[Role, str]

    def read(self) -> Iterator[Listed | list[Problem] | None]:
        """Every row below the headings: what it names, why it is refused, or None when it names nobody."""
        account = self.columns["account"]
        specs: dict[Role, FieldSpec] = {"account": FieldSpec(key="account", label=account, type="account",
                                                              max_length=_LONGEST_ACCOUNT)}
        if "date" in self.columns:
            specs["date"] = FieldSpec(key="date", label=self.columns["date"], type="date")
        for raw in self.rows:
            given = raw.values.get(account)
            if REQUEST_HEADING in raw.values and "date" in self.columns and is_empty(raw.values[self.columns["date"]]):
                yield None
                continue
            if ONLY_TOTAL.fullmatch(_first(raw)):
                yield None
                continue
            if is_empty(given) or isinstance(given, str):
                if is_empty(given) and _names_nobody(raw):
                    yield None
                    continue
                text = "" if given is None else str(given).strip()
                if TOTAL.match(text) or FOOTER.match(text) or plain_heading(text) == plain_heading(account):
                    yield None
                    continue
            yield self._read(raw, account, specs)

    def _read(self, raw: RawRow, account: str, specs: Mapping[Role, FieldSpec]) -> Listed | list[Problem]:
        problems: list[Problem] = []

        def problem(role: Role, code: str, message: Message) -> None:
            heading = self.columns[role]
            problems.append(Problem(raw.row, role, heading, raw.cells.get(heading), code, message))

        values: dict[Role, object] = {}
        for role, spec in specs.items():
            parsed = _parsed(raw.values.get(self.columns[role]), spec)
            values[role] = parsed.value
            for fault in parsed.faults:
                if fault.severity == "error":
                    problem(role, fault.code, fault.message)
            if role == "account" and parsed.value is None and not parsed.refused:
                problem(role, "required", msg("Not filled in."))
        if problems:
            return problems
        on, word = values.get("date"), raw.values.get(self.columns["type"]) if "type" in self.columns else None
        return Listed(raw.row, same_account(str(values["account"])), on if isinstance(on, date) else None,
                      "" if word is None else str(word).strip(), account, raw.cells)


def event_meant(word: str, names: Mapping[str, str]) -> str | None:
    """The event type that a list means by a word: by its code or name, or the one whose words stand in it."""
    exact = [code for code, name in names.items() if word in (code, name)]
    if exact:
        return exact[0]
    inside = [code for code, name in names.items()
              if any(known in word for known in (name, *EVENT_WORDS.get(code, ())) if known)]
    return inside[0] if len(inside) == 1 else None


def _parsed(value: object, spec: FieldSpec) -> Parsed:
    """As ``parse``; the time of day that billing systems write behind a day is left out."""
    parsed = parse(value, spec)
    if spec.type == "date" and parsed.refused:
        moment = parse(value, replace(spec, type="instant"))
        if isinstance(moment.value, datetime):
            return Parsed(moment.value.date())
    return parsed


def find_accounts(
    source: RowSource, name: str, *, named: Mapping[Role, str], wanted: Sequence[Role], hints: Sequence[str] = ()
) -> AccountList:
    """Find the table of accounts in a file.

    Args:
        source: the rows as they stand there.
        name: of the file, for messages.
        named: headings that the person named, by role.
        wanted: roles to look for; only the account must be found.
        hints: words of which one stands in the right heading of a day, such as 销户.

    Raises:
        InputRefused: no row has a heading that means the account, one that was named is not there, or several may
            mean the day.
    """
    for position, raw in enumerate(islice(source.rows, MOST_TITLE_ROWS)):
        if position == 0:
            headings = [heading for heading in raw.values if not heading.startswith("[")]
            found = _roles(headings, named, wanted, hints, name)
            if found is not None:
                return AccountList(source.rows, found)
        if not raw.cells:
            break  # a document has names, not a row of headings
        cells = {key: str(value).strip() for key, value in raw.values.items() if isinstance(value, str)}
        found = _roles(list(cells.values()), named, wanted, hints, name)
        if found is not None:
            return AccountList(Lazily(_below(source.rows, raw, cells)), found)
    if "account" in named:
        raise InputRefused(msg("{file} has no heading {heading}.", file=name, heading=named["account"]),
                           msg("Name the heading as it stands in the file."))
    raise InputRefused(
        msg("No heading in {file} names the account.", file=name),
        msg("Name it with --account-column HEADING. Known ones are: {names}.", names=listed(ACCOUNT_HEADINGS[:5])),
    )


def _below(rows: Iterable[RawRow], header: RawRow, cells: Mapping[str, str]) -> Callable[[], Iterator[RawRow]]:
    """The rows below a row of headings, by these headings."""
    letters = {key: letters_of(header, key) for key in header.values}
    names = unique_headings(cells, letters)
    columns = {name: letters[key] for key, name in names.items()}

    def begin() -> Iterator[RawRow]:
        for raw in rows:
            if raw.row <= header.row:
                continue
            known = dict(columns)
            values: dict[str, object] = dict.fromkeys(names.values())
            for key, value in raw.values.items():
                values[names.get(key, key)] = value
                if key not in names and key in raw.cells:
                    known[key] = letters_of(raw, key)
            yield RawRow(raw.row, values, Addresses(known, raw.row))

    return begin


def _bare(heading: str) -> str:
    """A heading without what stands in parentheses behind it: 户号（必填）, 欠费(元)."""
    return re.sub(r"[(（\[【].*", "", plain_heading(heading))


def _roles(
    headings: Sequence[str], named: Mapping[Role, str], wanted: Sequence[Role], hints: Sequence[str], file: str
) -> dict[Role, str] | None:
    """The heading of each role; None when none of them means the account."""
    bare = {heading: _bare(heading) for heading in headings if heading}
    found: dict[Role, str] = {}
    roles: list[Role] = ["account", *(one for one in wanted if one != "account")]
    for role in roles:
        if role in named:
            mine = [heading for heading in bare
                    if plain_heading(named[role]) in (plain_heading(heading), bare[heading])]
            if not mine and "account" in found:
                raise InputRefused(msg("{file} has no heading {heading}.", file=file, heading=named[role]),
                                   msg("Headings are: {names}.", names=listed(bare)))
        elif role == "date":
            mine = _dates(bare, hints, file)
        else:
            known = {plain_heading(one) for one in (ACCOUNT_HEADINGS if role == "account" else TYPE_HEADINGS)}
            mine = [heading for heading, text in bare.items() if text in known]
            if not mine and role == "account":
                mine = [heading for heading, text in bare.items() if text.endswith("户号") and len(text) <= 6]
                mine = mine if len(mine) == 1 else []
        if mine:
            found[role] = mine[0]
        elif role == "account":
            return None
    return found


def _dates(bare: Mapping[str, str], hints: Sequence[str], file: str) -> list[str]:
    """Headings that may mean the day: one with a hint, else a usual one, else the only one that means a day at all."""
    days = [heading for heading, text in bare.items() if text.endswith(("日期", "时间", "日", "date"))]
    hinted = [heading for heading in days if any(hint and hint in bare[heading] for hint in hints)]
    usual = [heading for heading in days if bare[heading] in DATE_HEADINGS]
    best = hinted or usual or days
    if len(best) > 1:
        raise InputRefused(
            msg("Several columns of {file} may hold the day: {names}.", file=file, names=listed(best)),
            msg("Name the right one with --date-column HEADING."),
        )
    return best


def _first(raw: RawRow) -> str:
    """What stands in the first cell that is filled."""
    return next((str(value).strip() for value in raw.values.values() if not is_empty(value)), "")


def _names_nobody(raw: RawRow) -> bool:
    """Whether a row without an account is a total or a line about the list."""
    first = _first(raw)
    return not first or TOTAL.match(first) is not None or FOOTER.match(first) is not None
