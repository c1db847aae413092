"""An independent reading of the retention rules, as plain as possible: it walks through the days.

Shares no code with ``recordkit.retention.review`` and gets plain tuples only.
"""

from __future__ import annotations

from datetime import date, timedelta


def last_day(trigger: date, years: int, start: str) -> date:
    """The last day of the period that ``trigger`` starts."""
    first = trigger
    if start == "next-january":
        while not (first.month == 1 and first.day == 1 and first.year > trigger.year):
            first += timedelta(days=1)
    goal = (first.year + years, first.month, first.day)
    day = date(first.year + years, 1, 1)
    while (day.year, day.month, day.day) < goal:
        day += timedelta(days=1)
    return day - timedelta(days=1)


def expected(
    *,
    formed: date,
    years: int | None,
    trigger: str,
    types: tuple[str, ...],
    start: str,
    events: list[tuple[str, date, str, int]],
    hold_ends: list[date | None],
    extension: tuple[str, date | None] | None,
    today: date,
) -> tuple[str, date | None]:
    """Decision and due date. ``events``: type, date, scope, seq. ``extension``: ("keep", None) or ("extend", day)."""
    kept = years is None or (extension is not None and extension[0] == "keep")
    begin: date | None = formed if trigger == "date" else None
    if trigger == "event":
        for wanted in types:
            candidate: date | None = None
            newest = -1
            for kind, day, scope, seq in events:
                if kind == wanted and scope == "record" and seq > newest:
                    newest, candidate = seq, day
            if candidate is None:
                for kind, day, scope, _ in events:
                    if kind == wanted and scope == "account" and formed < day and not (candidate and candidate <= day):
                        candidate = day
            if candidate is not None and (begin is None or candidate < begin):
                begin = candidate
    due: date | None = None
    if kept:
        word = "permanent"
    elif begin is None:
        word = "waiting"
    else:
        assert years is not None
        end = last_day(begin, years, start)
        if extension is not None and extension[1] is not None and extension[1] > end:
            end = extension[1]
        due = end + timedelta(days=1)
        word = "not-due" if today <= end else "due"
    for _ in hold_ends:  # whatever its day: only a release ends a hold, and released ones are not among them
        word = "held"
    return word, due
