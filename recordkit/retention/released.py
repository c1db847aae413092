"""Holds that were released while an order was on its way: who freed its items, and when.

Releasing a hold is an ordinary act that needs no key. A record under a hold never gets into an order, so whatever is
found here was placed and released after the proposal; the register and ``destruction show`` name it, and so does the
audit of the ledger.
"""

from __future__ import annotations

from typing import NamedTuple

from recordkit.db import Database
from recordkit.retention.order_state import Order


class Release(NamedTuple):
    """A hold that was released: its id, the day, and who acted, as the ledger says."""

    hold_id: str
    day: str
    actor: str


_RELEASED = """
SELECT i.record_id, h.hold_id, h.released, h.released_by, h.released_seq FROM order_items i
JOIN hold_records n ON n.record_id = i.record_id JOIN holds h ON h.hold_id = n.hold_id
WHERE i.order_id = :order AND h.released_seq > :since
UNION
SELECT i.record_id, h.hold_id, h.released, h.released_by, h.released_seq FROM order_items i
JOIN record_accounts a ON a.record_id = i.record_id JOIN holds h ON h.account = a.account
WHERE i.order_id = :order AND h.released_seq > :since
ORDER BY 5
"""


def released_on(db: Database, order: Order) -> dict[str, list[Release]]:
    """By record of the order, the holds that were released since it was proposed, in order of release.

    Of a destroyed record those on its accounts are no longer known: the accounts went with it.
    """
    row = db.one("SELECT seq FROM orders WHERE order_id = :id", {"id": order.order_id})
    found: dict[str, list[Release]] = {}
    if row is not None:
        for one in db.each(_RELEASED, {"order": order.order_id, "since": row["seq"]}):
            release = Release(one["hold_id"], one["released"], one["released_by"])
            found.setdefault(one["record_id"], []).append(release)
    return found
