"""Events and holds from the lists of a billing system: planned first, then entered in portions.

A plan reads the whole list and writes nothing. What it would enter lies in a spool, findings in another, so that a list
of any length takes little memory. Entering asks again, portion by portion under the lock: what another process entered
meanwhile, or an earlier run that was interrupted, is not entered twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

from recordkit.archive.access import clearance_of
from recordkit.archive.catalogue import account_with_zeros, count_of_account
from recordkit.db import Database
from recordkit.errors import InputRefused
from recordkit.files import Spool, make_folder
from recordkit.messages import Message, listed, msg
from recordkit.model import Problem
from recordkit.retention import events, holds
from recordkit.retention.account_lists import AccountList, Listed
from recordkit.retention.events import AccountEvent
from recordkit.retention.holds import HoldOrder
from recordkit.templates.finding_spool import FindingSpool
from recordkit.workspace import Workspace

_PORTION = 1000
"""Accounts entered together: one sync for their notes, one batch in the ledger, one transaction."""

Progress = Callable[[int], None]


def _nobody(_: int) -> None:
    return None


@dataclass(slots=True)
class ImportPlan:
    """What a list says and what would be entered.

    Attributes:
        rows: rows that name an account, or should; ``passed`` rows that name nobody (totals, lines about the list).
        new: what would be entered, as lines in the order of the list.
        known: rows whose matter was entered before; ``twice`` rows that repeat an earlier one of the list.
        ended: rows whose event a person has revised or withdrawn: it is not entered again.
        other: rows of another type than the one asked for.
        idle: new events that start nothing now, because every record of the account is dated on that day or later.
        unknown_count: rows of accounts that the archive does not know, each in ``unknown``.
        refused_rows: rows in ``problems``, which may hold several findings of a row.
        missing: holds of the series whose accounts the list does not name, as lines; only for holds.
    """

    room: Path
    rows: int = 0
    passed: int = 0
    known: int = 0
    twice: int = 0
    ended: int = 0
    other: int = 0
    idle: int = 0
    unknown_count: int = 0
    refused_rows: int = 0
    new: Spool = field(init=False)
    missing: Spool = field(init=False)
    problems: FindingSpool = field(init=False)
    unknown: FindingSpool = field(init=False)

    def __post_init__(self) -> None:
        """Spools in the store, where nobody else reads them."""
        make_folder(self.room)
        self.new, self.missing = Spool(self.room), Spool(self.room)
        self.problems, self.unknown = FindingSpool(self.room), FindingSpool(self.room)

    def refuse(self, found: list[Problem]) -> None:
        """Count a row that is refused, and keep why."""
        self.refused_rows += 1
        for problem in found:
            self.problems.append(problem)

    def warn(self, one: Listed, code: str, message: Message) -> None:
        """Keep what should be looked at; the row is entered."""
        cell = one.cells.get(one.heading)
        self.problems.append(Problem(one.row, "account", one.heading, cell, code, message, "warning"))


def plan_events(
    workspace: Workspace,
    table: AccountList,
    *,
    event_type: str | None,
    on: date | None,
    means: Callable[[str], str | None],
    also_unknown: bool = False,
) -> ImportPlan:
    """What importing a list of events would enter. Accounts without a record wait outside unless ``also_unknown``.

    Args:
        workspace: the store.
        table: the list.
        event_type: of all rows; None: the list has a column of types.
        on: the day of rows that tell none.
        means: the event type that a word in the column of types means, or None.
        also_unknown: enter events of accounts that have no record yet, for papers that are filed later.

    Raises:
        InputRefused: neither the list nor the person tells type or day.
    """
    if event_type is None and "type" not in table.columns:
        raise InputRefused(msg("The list does not tell what happened."),
                           msg("Give --type TYPE, or --type-column HEADING."))
    if on is None and "date" not in table.columns:
        raise InputRefused(msg("The list does not tell when it happened."),
                           msg("Give --date DATE, or --date-column HEADING."))
    plan, only_open = ImportPlan(workspace.root / "work"), not clearance_of(workspace).full
    seen: set[int] = set()
    for one in _rows(table, plan):
        meant = event_type if not one.word else means(one.word)
        if event_type is not None and meant != event_type:
            plan.other += 1
            continue
        day = one.on or on
        refusal = _wrong(workspace, table, one, meant, day)
        if refusal is not None:
            plan.refuse([refusal])
            continue
        assert meant is not None
        assert day is not None
        mark = hash((one.account, meant, day))
        if mark in seen:
            plan.twice += 1
            continue
        seen.add(mark)
        before = _before(workspace.db, one.account, meant)
        if day in before:
            plan.known += before[day]
            plan.ended += not before[day]
            continue
        records = count_of_account(workspace.db, one.account)
        if not records and not _take_unknown(workspace.db, plan, one, also_unknown):
            continue
        standing = [other for other, counts in before.items() if counts]
        if standing:
            plan.warn(one, "other-day", msg(
                "The account has this event on {days} already; the earliest that counts starts the period. To correct "
                "a day: recordkit event revise", days=listed(other.isoformat() for other in sorted(standing))))
        shown = count_of_account(workspace.db, one.account, only_open=only_open)
        plan.idle += 0 < shown == count_of_account(workspace.db, one.account, since=day, only_open=only_open)
        plan.new.append(json.dumps([one.account, meant, day.isoformat()]).encode())
    return plan


def enter_events(workspace: Workspace, plan: ImportPlan, progress: Progress = _nobody) -> int:
    """Enter what a plan found, in portions; how many events were entered."""
    entered = done = 0
    for portion in _portions(plan.new):
        with workspace.writing():
            wanted = list(map(_event_in, portion))
            fresh = [one for one in wanted if one.date not in _before(workspace.db, one.account, one.type)]
            entered += len(events.add_account_events(workspace, fresh)) if fresh else 0
        done += len(portion)
        progress(done)
    return entered


def planned_events(plan: ImportPlan) -> Iterator[AccountEvent]:
    """The events that would be entered."""
    return map(_event_in, plan.new)


def _event_in(line: bytes) -> AccountEvent:
    account, kind, day = json.loads(line)
    return AccountEvent(account, kind, date.fromisoformat(day))


def planned_holds(plan: ImportPlan) -> tuple[Iterator[str], Iterator[tuple[str, str]]]:
    """The accounts that would be held, and the holds (id and account) that would be released."""
    return map(json.loads, plan.new), (tuple(json.loads(line)) for line in plan.missing)


def plan_holds(workspace: Workspace, table: AccountList, order: HoldOrder) -> ImportPlan:
    """What importing a list of accounts would hold; accounts without a record are held, too, and named.

    With ``order.release_reason`` also the holds of the series whose accounts the list does not name.

    Raises:
        InputRefused: unknown kind, no reason, or a day that is over.
    """
    holds.require_order(workspace, order)
    kind, series = order.kind, order.series
    plan = ImportPlan(workspace.root / "work")
    seen: set[str] = set()
    for one in _rows(table, plan):
        if one.account in seen:
            plan.twice += 1
            continue
        seen.add(one.account)
        if _is_held(workspace.db, one.account, kind, series):
            plan.known += 1
        elif count_of_account(workspace.db, one.account, ever=True) or _take_unknown(
                workspace.db, plan, one, True):
            plan.new.append(json.dumps(one.account).encode())
    if order.release_reason:
        for row in workspace.db.each(
            "SELECT hold_id, account FROM holds WHERE released IS NULL AND from_list = :series AND kind = :kind "
            "AND account IS NOT NULL ORDER BY seq", {"series": series, "kind": kind},
        ):
            if row["account"] not in seen:
                plan.missing.append(json.dumps([row["hold_id"], row["account"]]).encode())
    return plan


def enter_holds(
    workspace: Workspace, plan: ImportPlan, order: HoldOrder, progress: Progress = _nobody
) -> tuple[int, int]:
    """Place what a plan found and, with ``order.release_reason``, release what it misses; how many of both.

    Raises:
        InputRefused: as ``plan_holds``; or holds are to be released although rows of the list were refused: among
            those may be the very accounts that seem to be missing.
    """
    if order.release_reason and plan.refused_rows:
        raise InputRefused(
            msg("{count} row(s) were refused; nothing is released while it is not known whom they name.",
                count=plan.refused_rows),
            msg("Correct them, or import without --release-missing."),
        )
    placed = released = done = 0
    for portion in _portions(plan.new):
        with workspace.writing():
            fresh = [account for account in map(json.loads, portion)
                     if not _is_held(workspace.db, account, order.kind, order.series)]
            if fresh:
                placed += len(holds.place_on_accounts(workspace, fresh, kind=order.kind, reason=order.reason,
                                                      until=order.until, from_list=order.series))
        done += len(portion)
        progress(done)
    for portion in _portions(plan.missing) if order.release_reason else ():
        holds.release_holds(workspace, [json.loads(line)[0] for line in portion],
                            order.release_reason)
        released += len(portion)
        done += len(portion)
        progress(done)
    return placed, released


def _portions(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    left = iter(lines)
    while portion := list(islice(left, _PORTION)):
        yield portion


def _rows(table: AccountList, plan: ImportPlan) -> Iterator[Listed]:
    """Rows that can be read; the others are counted and kept."""
    for one in table.read():
        if one is None:
            plan.passed += 1
            continue
        plan.rows += 1
        if isinstance(one, Listed):
            yield one
        else:
            plan.refuse(one)


def _wrong(
    workspace: Workspace, table: AccountList, one: Listed, event_type: str | None, day: date | None
) -> Problem | None:
    """Why a row that can be read is no event."""

    def problem(heading: str, code: str, message: Message) -> Problem:
        return Problem(one.row, "", heading, one.cells.get(heading), code, message)

    if event_type is None:
        return problem(table.columns.get("type", ""), "unknown-type",
                       msg("{word} is no event type; 'recordkit retention schedule show' lists them.",
                           word=one.word or "?"))
    heading = table.columns.get("date", "")
    if day is None:
        return problem(heading, "required", msg("Not filled in."))
    if day > workspace.clock.today:
        return problem(heading, "future", msg("{date} lies in the future; an event has happened.",
                                              date=day.isoformat()))
    return None


def _before(db: Database, account: str, event_type: str) -> Mapping[date, bool]:
    """The days on which an account has had this event, each with whether it still counts."""
    rows = db.all("SELECT date, replaced, withdrawn FROM retention_events WHERE account = :account AND type = :type "
                  "ORDER BY seq", {"account": account, "type": event_type})
    found: dict[date, bool] = {}
    for row in rows:
        day = date.fromisoformat(row["date"])
        found[day] = found.get(day, False) or (row["replaced"] is None and row["withdrawn"] is None)
    return found


def _is_held(db: Database, account: str, kind: str, series: str) -> bool:
    return db.one("SELECT 1 FROM holds WHERE account = :account AND kind = :kind AND from_list = :series "
                  "AND released IS NULL", {"account": account, "kind": kind, "series": series}) is not None


def _take_unknown(db: Database, plan: ImportPlan, one: Listed, take: bool) -> bool:
    """Whether an account without any record is to be entered; it is named, or refused when zeros seem to be lost.

    Restricted records count here, whoever asks. That an account has some record is thereby told to whoever has its
    number; were it called unknown, its events would stay out and its restricted records wait for ever.
    """
    padded = account_with_zeros(db, one.account)
    if padded is not None:
        plan.refuse([Problem(one.row, "account", one.heading, one.cells.get(one.heading), "lost-zeros", msg(
            "The cell holds the number {number}; the archive knows the account {account}. Format the column "
            "as text, with the leading zeros.", number=one.account, account=padded))])
        return False
    plan.unknown_count += 1
    plan.unknown.append(Problem(one.row, "account", one.heading, one.cells.get(one.heading), "unknown-account", msg(
        "The archive has no record of this account."), "warning"))
    return take
