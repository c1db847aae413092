"""What orders records of equal score, as one number, and the dates in it: the same in every engine."""

from __future__ import annotations

_ORDINALS = 1 << 32


def rank_of(date: str, ordinal: int) -> int:
    """The greater comes first: the later date, then the earlier filing. Below 2**63."""
    return _day_number(date, "0") * _ORDINALS + _ORDINALS - 1 - ordinal


def ranks_between(since: str | None, until: str | None) -> tuple[int, int]:
    """Half-open range of the ranks of records dated between two ISO dates, or their beginnings; None: no bound.

    A record without a date has no part in it.
    """
    low = max(1, _day_number(since or "", "0")) * _ORDINALS
    return low, (_day_number(until or "99999999", "9") + 1) * _ORDINALS


def _day_number(date: str, missing: str) -> int:
    """``2026-03-02`` as 20260302, parts that are missing filled up; 0 when there is no date."""
    digits = date[:10].replace("-", "")[:8]
    return int(digits.ljust(8, missing)) if digits.isascii() and digits.isdigit() else 0
