"""An independent reading of the retention rules, as plain as possible: it walks through the days.

Shares no code with ``recordkit.retention.review`` and gets plain tuples only.
"""

from __future__ import annotations

from datetime import date, timedelta


def last_day(trigger: date, months: int, start: str) -> date:
    """The last day of the period that ``trigger`` starts."""
    return end_of(first_day(trigger, start), months)


def first_day(trigger: date, start: str) -> date:
    """The first day of the period that ``trigger`` starts."""
    first = trigger
    if start == "next-january":
        while not (first.month == 1 and first.day == 1 and first.year > trigger.year):
            first += timedelta(days=1)
    return first


def end_of(first: date, months: int) -> date:
    """The last day of a period that begins on ``first``."""
    # The period is over on the first day that is as many months later and not earlier in its month.
    goal = (first.year * 12 + first.month + months, first.day)
    day = first
    while (day.year * 12 + day.month, day.day) < goal:
        day += timedelta(days=1)
    return day - timedelta(days=1)


def months_in(period: str) -> int | None:
    """``permanent`` is None, ``10y`` 120, ``18m`` 18."""
    return {"y": 12, "m": 1}[period[-1]] * int(period[:-1]) if period != "permanent" else None


def old_months(term: str) -> int | None | str:
    """What a term of the tests' stores means: None for ever, a number of months, or ``unknown``."""
    if term in ("永久", "Y"):
        return None
    if term == "长期":
        return 600
    if term == "短期":
        return 180
    digits = term.replace("年", "").replace("D", "")
    return 12 * int(digits) if digits.isdigit() else "unknown"


def own_rule(name: str, entries: dict[str, dict[str, object]]) -> dict[str, object]:
    """The rule of a class with what it inherits, as a person would copy it by hand from class to class."""
    rule: dict[str, object] = {"trigger": "date", "events": [], "field": "", "start": "next-january"}
    line = [name]
    while "inherits" in entries[line[-1]]:
        line.append(str(entries[line[-1]]["inherits"]))
    for one in reversed(line):
        for key in ("period", "trigger", "events", "field", "start"):
            if key in entries[one]:
                rule[key] = entries[one][key]
    return rule


Alone = tuple[str, date | None, int]
"""What one record says by itself: ``kept``, ``waits`` or ``runs``; the latter with first day and months."""


def alone(
    *,
    formed: date,
    months: int | None,
    trigger: str,
    types: tuple[str, ...],
    start: str,
    events: list[tuple[str, date, str, int]],
    field: str = "",
    own: date | None = None,
    term: str = "",
) -> Alone:
    """A record by its class and old term. ``events``: type, date, scope, seq; ``field`` and ``own`` as ``expected``."""
    old = old_months(term) if term else 0
    if months is None or old is None:
        return "kept", None, 0
    if isinstance(old, str):
        return "waits", None, 0
    begin: date | None = None
    if trigger == "date":
        begin = own if field else formed
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
    return ("waits", None, 0) if begin is None else ("runs", first_day(begin, start), sorted([months, old])[-1])


def expected(
    *,
    formed: date,
    months: int | None,
    trigger: str,
    types: tuple[str, ...],
    start: str,
    events: list[tuple[str, date, str, int]],
    hold_ends: list[date | None],
    extension: tuple[str, date | None] | None,
    today: date,
    field: str = "",
    own: date | None = None,
) -> tuple[str, date | None]:
    """Decision and due date of a record that lies in no volume.

    ``events``: type, date, scope, seq. ``extension``: ("keep", None) or ("extend", day). ``field``: of the rule, "" for
    the record's own date; ``own``: what the record has in it.
    """
    one = alone(formed=formed, months=months, trigger=trigger, types=types, start=start, events=events, field=field,
                own=own)
    return among([one], hold_ends=hold_ends, extension=extension, today=today)


def among(
    volume: list[Alone], *, hold_ends: list[date | None], extension: tuple[str, date | None] | None, today: date
) -> tuple[str, date | None]:
    """Decision and due date of a record that lies in a volume with these, itself among them."""
    due: date | None = None
    if any(word == "kept" for word, _, _ in volume) or (extension is not None and extension[0] == "keep"):
        word = "permanent"
    elif any(word == "waits" for word, _, _ in volume):
        word = "waiting"
    else:
        firsts, lengths = [first for _, first, _ in volume if first], [months for _, _, months in volume]
        end = end_of(sorted(firsts)[-1], sorted(lengths)[-1])
        if extension is not None and extension[1] is not None and extension[1] > end:
            end = extension[1]
        due = end + timedelta(days=1)
        word = "not-due" if today <= end else "due"
    for _ in hold_ends:  # whatever its day: only a release ends a hold, and released ones are not among them
        word = "held"
    return word, due
