"""Reads what stands behind the keywords of a query: dates, years, retention periods, names out of a list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from recordkit.archive.search.query import Dated
from recordkit.archive.search.vocabulary import name_of
from recordkit.messages import Message, msg

MOST_YEARS = 200
"""Years that a range of years may span."""

# Compiled on first use, which most queries never come to.
_RANGE = r"\.{2,}|至"
_DAYS = (
    r"([0-9]{4})(?:年|[-/.年]([0-9]{1,2})(?:月|[-/.月]([0-9]{1,2})日?)?)?",
    r"([0-9]{4})([0-9]{2})([0-9]{2})?",
)
_PERIOD = r"d?([1-9][0-9]{0,2})(?:年|y)?"
_PERMANENT = ("y", "永久", "permanent")


class Unreadable(Exception):
    """A word that a keyword does not take; ``todo`` says what it takes."""

    def __init__(self, reason: Message, todo: Message) -> None:
        """Keep both untranslated."""
        super().__init__(reason)
        self.reason = reason
        self.todo = todo


def read_dates(text: str) -> Dated:
    """A day, a month, a year, or two of them with ``..`` between; one side of a range may be left open.

    Raises:
        Unreadable: no date of the calendar, or the range ends before it begins.
    """
    since, until = _bounds(text)
    first, last = (since and _day(since)), (until and _day(until))
    if not (first or last):
        raise _no_date(text)
    # The beginning of an ISO date sorts before every date that begins with it; "~" sorts behind every digit.
    if first and last and first > last + "~":
        raise Unreadable(
            msg("{since} lies after {until}", since=first, until=last), msg("Write the earlier date first.")
        )
    return Dated(first or None, last or None)


def read_years(text: str) -> list[str]:
    """A year, or every year of a range.

    Raises:
        Unreadable: no year, or a range that is open or too long.
    """
    years = [_plain(one).removesuffix("年") for one in _bounds(text)]
    if any(re.fullmatch("[0-9]{4}", one) is None for one in years):
        raise Unreadable(msg("{text} is no year", text=text), msg("Write it like 2026 or 2024..2026."))
    first, last = map(int, years)
    if not 0 <= last - first < MOST_YEARS:
        raise Unreadable(
            msg("{text} is no range of at most {limit} years", text=text, limit=MOST_YEARS),
            msg("Write the earlier year first."),
        )
    return [f"{year:04}" for year in range(first, last + 1)]


def read_period(text: str) -> str:
    """The code of a retention period: Y for ``永久``, D10 for ``10年``, ``10`` or ``D10``.

    Raises:
        Unreadable: none of these.
    """
    plain = name_of(text)
    if plain in _PERMANENT:
        return "Y"
    found = re.fullmatch(_PERIOD, plain)
    if found is None:
        raise Unreadable(
            msg("{text} is no retention period", text=text), msg("Write it like 10年, D10, 永久 or permanent.")
        )
    return f"D{found[1]}"


def read_choice(text: str, words: Sequence[tuple[str, str]], *, begins: bool) -> list[str]:
    """The value whose word is ``text``, or alone begins with it, or alone contains it.

    Args:
        text: what was typed.
        words: each word with the value that it means.
        begins: a star stands behind the text: every value whose word begins with it.

    Raises:
        Unreadable: none, or more than one.
    """
    plain = name_of(text)
    named = [(name_of(word), word, value) for word, value in words]
    near = [(word, value) for name, word, value in named if name == plain and not begins]
    near = near or [(word, value) for name, word, value in named if name.startswith(plain)]
    if not begins:
        near = near or [(word, value) for name, word, value in named if plain in name]
    values = list(dict.fromkeys(value for _, value in near))
    if len(values) == 1 or (values and begins):
        return values
    if values:
        raise Unreadable(
            msg("{text} is a part of several: {words}", text=text, words=_listed([word for word, _ in near])),
            msg("Write more of it, or a star behind the beginning of all that are meant."),
        )
    raise Unreadable(msg("{text} is not known", text=text), offer(text, [word for word, _ in words]))


def offer(text: str, words: Sequence[str]) -> Message:
    """The next step for somebody who typed a name that is not among ``words``."""
    plain = name_of(text)
    by_name = {name_of(word): word for word in words}
    parts = [name for name in by_name if len(plain) > 1 and plain in name]
    import difflib

    near = dict.fromkeys([*difflib.get_close_matches(plain, by_name, 3, 0.5), *sorted(parts, key=len)])
    if near:
        return msg("Did you mean {near}?", near=_listed([by_name[name] for name in near][:3]))
    return msg("Known are: {words}.", words=_listed(words))


def _listed(words: Sequence[str], most: int = 12) -> str:
    return ", ".join(words[:most]) + (" …" if len(words) > most else "")


def _plain(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def _bounds(text: str) -> tuple[str, str]:
    """The two sides of a range, or the same twice."""
    plain = _plain(text)
    found = re.search(_RANGE, plain)
    return (plain[: found.start()], plain[found.end() :]) if found else (plain, plain)


def _day(text: str) -> str:
    """The ISO date, or the beginning of one, that ``text`` writes."""
    import calendar

    found = next(filter(None, (re.fullmatch(one, text) for one in _DAYS)), None)
    if found is None:
        raise _no_date(text)
    year, month, day = (int(part or 0) for part in found.groups())
    given = [part for part in found.groups() if part is not None]
    last_day = calendar.monthrange(year, month)[1] if year and 1 <= month <= 12 else 0
    if not year or (len(given) > 1 and not last_day) or (len(given) > 2 and not 1 <= day <= last_day):
        raise _no_date(text)
    return "-".join([f"{year:04}", f"{month:02}", f"{day:02}"][: len(given)])


def _no_date(text: str) -> Unreadable:
    return Unreadable(
        msg("{text} is no date", text=text),
        msg("Write it like 2026, 2026-03, 2026-03-02, 2026年3月, or from one to the other: 2026-01..2026-06."),
    )
