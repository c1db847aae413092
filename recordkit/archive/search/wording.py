"""Reads what stands behind the keywords of a query: dates, years, retention periods, names out of a list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from recordkit.archive.search.query import Dated
from recordkit.archive.search.vocabulary import name_of
from recordkit.messages import Message, listed, msg

MOST_YEARS = 200
"""Years that a range of years may span; one that is left open spans so many."""

# Compiled on first use, which most queries never come to.
_RANGE = r"\.{2,}|至"
"""Stands between two dates, or beside one: the other side is open."""
_BETWEEN = "[~∼〜—–―‒]+|到"
"""Stands between two dates only. So does a hyphen, where it cannot be one inside a date."""
_DAYS = (
    r"([0-9]{4})(?:年|[-/.年]([0-9]{1,2})(?:月|[-/.月]([0-9]{1,2})日?)?)?",
    r"([0-9]{4})([0-9]{2})([0-9]{2})?",
)
_YEAR = "([0-9]{4})年?"
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
    since, until = _bounds(text, _DAYS)
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
    """A year, or every year of a range; one side of it may be left open.

    Raises:
        Unreadable: no year, or a range that is too long.
    """
    years = [one.removesuffix("年") for one in _bounds(text, (_YEAR,))]
    if not any(years) or any(one and re.fullmatch(_YEAR, one) is None for one in years):
        raise Unreadable(
            msg("{text} is no year", text=text), msg("Write it like 2026 or 2024..2026; 2024.. is from then on.")
        )
    first = int(years[0] or max(0, int(years[1] or 0) - MOST_YEARS + 1))
    last = int(years[1] or min(9999, first + MOST_YEARS - 1))
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
            msg("{text} is a part of several: {words}", text=text, words=listed(_one_each(text, near), _MOST_LISTED)),
            msg("Write more of it, or a star behind the beginning of all that are meant."),
        )
    every = [word for word, _ in words]
    raise Unreadable(msg("{text} is not known", text=text), offer(text, every, _one_each(text, words)))


def offer(text: str, words: Sequence[str], few: Sequence[str] | None = None) -> Message:
    """The next step for somebody who typed a name that is not among ``words``; ``few``: what to list if none is near.

    Who typed Chinese is shown Chinese names, who typed letters those in letters, as far as there are any.
    """
    plain = name_of(text)
    words, few = (
        [word for word in some if word.isascii() == text.isascii()] or some for some in (words, few or words)
    )
    by_name = {name_of(word): word for word in words}
    parts = [name for name in by_name if len(plain) > 1 and plain in name]
    import difflib

    near = dict.fromkeys([*difflib.get_close_matches(plain, by_name, 3, 0.5), *sorted(parts, key=len)])
    if near:
        return msg("Did you mean {near}?", near=listed([by_name[name] for name in near][:3]))
    return msg("Known are: {words}.", words=listed(few, _MOST_LISTED))


_MOST_LISTED = 12


def _one_each(text: str, words: Sequence[tuple[str, str]]) -> list[str]:
    """One word for each value: the first one that is written as ``text`` is, in Chinese or in letters."""
    found: dict[str, str] = {}
    for word, value in words:
        if value not in found or (word.isascii() == text.isascii() != found[value].isascii()):
            found[value] = word
    return list(found.values())


def _plain(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def _bounds(text: str, forms: Sequence[str]) -> tuple[str, str]:
    """The two sides of a range, or the same twice; ``forms``: what one side may look like.

    Raises:
        Unreadable: a side is missing beside a sign that stands between two.
    """
    plain = _plain(text)
    if found := re.search(_RANGE, plain):
        return plain[: found.start()], plain[found.end() :]
    if found := re.search(_BETWEEN, plain):
        if found.start() and found.end() < len(plain):
            return plain[: found.start()], plain[found.end() :]
        raise open_side(text)
    if not _looks(plain, forms):
        sides = [(plain[:at], plain[at + 1 :]) for at, char in enumerate(plain) if char == "-"]
        whole = [pair for pair in sides[:_MOST_HYPHENS] if all(_looks(one, forms) for one in pair)]
        if len(whole) == 1:
            return whole[0]
    return plain, plain


_MOST_HYPHENS = 8
"""Two dates hold five of them with the one between."""


def _looks(text: str, forms: Sequence[str]) -> bool:
    return any(re.fullmatch(one, text) for one in forms)


def sign_apart(text: str, at: int) -> int | None:
    """Where a sign stands that is to make one range of the date that ends at ``at`` and the next one."""
    found = re.match(r"\s+(至|到|[~～∼〜—–―‒－-]+|\.{2,}|…+)\s+[0-9０-９]", text[at : at + _NEAR])
    return None if found is None else at + found.start(1)


_NEAR = 40


def open_side(text: str) -> Unreadable:
    """What to say of ``2026~``: only two full stops leave a side of a range open."""
    return Unreadable(
        msg("{text} has a sign that stands between two dates or years", text=text),
        msg("Write 2026-01.. for from then on, ..2026-01 for until then, 2026-01..2026-06 for both."),
    )


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
