"""Which events the archive waits for: how many records for each, and of which accounts, so that the office can ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from recordkit.archive.access import OPEN, clearance_of
from recordkit.archive.classes import Scheme, load_scheme
from recordkit.retention.account_lists import REQUEST_HEADING
from recordkit.retention.grouped import waiting_records
from recordkit.workspace import Workspace

REQUEST_HEADINGS = ("户号", REQUEST_HEADING, "件数", "最早文件日期", "最早文件档号", "事件类型", "日期")
"""Of a list to be sent to whoever knows; the last two are filled in there."""


@dataclass(frozen=True, slots=True)
class WaitingAccount:
    """Records of an account that wait for the first of these events.

    Attributes:
        account: None for records without one; these can only be settled one by one.
        oldest: date of the oldest of them; ``code`` its archival code.
    """

    account: str | None
    events: tuple[str, ...]
    count: int
    oldest: date
    code: str


def waiting_accounts(
    workspace: Workspace, today: date, *, event_type: str | None = None
) -> tuple[list[WaitingAccount], int]:
    """The waiting records by account and events, by account; those without one come last.

    ``event_type``: only what this event would start. Restricted records that the actor may not see are left out, for
    their class tells what happened to the account.

    Returns:
        The accounts, and how many records were left out.
    """
    full, left_out = clearance_of(workspace).full, 0
    scheme = load_scheme(workspace.root)
    found: dict[tuple[str | None, tuple[str, ...]], WaitingAccount] = {}
    for account, record_class, formed, code, access in waiting_records(workspace, today):
        events = events_of(scheme, record_class)
        if event_type is not None and event_type not in events:
            continue
        if not full and access != OPEN:
            left_out += 1
            continue
        before = found.get((account, events))
        if before is None:
            found[account, events] = WaitingAccount(account, events, 1, formed, code)
        else:
            oldest, first = min((before.oldest, before.code), (formed, code))
            found[account, events] = replace(before, count=before.count + 1, oldest=oldest, code=first)
    return sorted(found.values(), key=lambda one: (one.account is None, one.account or "", one.events)), left_out


def events_of(scheme: Scheme, record_class: str) -> tuple[str, ...]:
    """The events of which the first one starts the periods of a class."""
    one = scheme.classes.get(record_class)
    return one.events if one is not None else ()


def request_rows(accounts: Iterable[WaitingAccount], names: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Rows of a list to be sent to whoever knows: what is filled in there, ``event import`` reads.

    Without accounts there is nothing to ask, so records that have none are left out.
    """
    for one in accounts:
        if one.account is not None and one.events:
            yield {"户号": one.account, REQUEST_HEADING: "或".join(names.get(event, event) for event in one.events),
                   "件数": one.count, "最早文件日期": one.oldest.isoformat(), "最早文件档号": one.code,
                   "事件类型": names.get(one.events[0], one.events[0]) if len(one.events) == 1 else "", "日期": ""}
