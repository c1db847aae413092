"""Orders as plain values for listings; the keys are promised to scripts."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from recordkit.archive.access import OPEN, Clearance, clearance_of
from recordkit.archive.catalogue import get_record
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.messages import msg
from recordkit.retention.destruction import REASONS
from recordkit.retention.holds import holds_on_record
from recordkit.retention.order_state import Item, Order
from recordkit.retention.past import past_of
from recordkit.retention.register import filed_register, paper_originals
from recordkit.retention.released import Release, released_on
from recordkit.retention.stops import stopped_items
from recordkit.workspace import Workspace


def show_order(workspace: Workspace, order: Order) -> dict[str, object]:
    """Everything about an order, in plain JSON values. ``reason`` of an item is its code word.

    ``stopped`` has the records that execution would refuse today, each with the reason (a ``Message``).
    """
    signed = [
        {"act": one.act.removeprefix("order."), "person": one.person, "date": one.day, "signature": one.signature,
         "route": one.route, **({"paper": one.paper, "entered_by": one.entered_by} if one.paper else {})}
        for one in order.signatures
    ]
    intent = order.intent
    return {
        "order": order.order_id,
        "status": order.status(workspace.settings.destruction.supervisors),
        "digest": order.digest,
        "register": order.register,
        "report": order.report,
        "proposer": order.proposer,
        "proposed": order.proposed,
        "items": listed_items(workspace, order),
        "stopped": stopped_items(workspace, order),
        "opinions": {item.record_id: str(item.opinion) for item in order.items if item.opinion is not None},
        "appraisals": [one for one in signed if one["act"] == "appraised"],
        "approvals": [one for one in signed if one["act"] == "approved"],
        "signatures": [one for one in signed if one["act"] == "signed"],
        "confirm": order.confirmation,
        "withdrawn": order.withdrawn,
        "executed": None if order.executed is None or intent is None else {
            "date": order.executed, "place": intent.place, "method": intent.method, "actor": intent.actor,
            **({"paper_method": intent.paper_method} if intent.paper_method else {}),
        },
        "completed": [one for one in signed if one["act"] == "completed"] or None,
    }


def listed_items(workspace: Workspace, order: Order) -> list[dict[str, object]]:
    """The items of an order, in plain values. ``reason`` is the code word; titles are those of the register.

    Of a restricted record the title is shown to whoever may see it; to others a ``Message`` says that it is one.

    ``holds``: what stands against the destruction of an item that is still in the archive, now; ``released``: the
    holds that were released since the order was proposed, each with ``hold``, ``date`` and ``actor``; ``past``: what
    was done to the record that may have made it due, as in ``retention.past``; ``term`` and ``meaning``: the old term
    of an inherited record, and the period that it was taken to mean when the order was proposed.
    """
    freed, clearance = released_on(workspace.db, order), clearance_of(workspace)
    titles: dict[str, str] = {}
    papers: dict[str, str] = {}
    # The list must show also when the register is damaged: 'verify' and the printed register say so.
    with contextlib.suppress(IntegrityFailure, NotFound):
        rows = filed_register(workspace, order)["rows"]
        titles = {str(row["record"]): str(row["题名"]) for row in rows} if isinstance(rows, list) else {}
        papers = paper_originals(workspace, order)
    return [_item(workspace, item, titles.get(item.record_id, ""), papers.get(item.record_id),
                  freed.get(item.record_id, []), clearance) for item in order.items]


def _item(
    workspace: Workspace, item: Item, title: str, paper: str | None, freed: Sequence[Release],
    clearance: Clearance,
) -> dict[str, object]:
    record = get_record(workspace.db, item.record_id)
    hidden = not clearance.full and record is not None and record.access != OPEN
    return {
        "record_id": item.record_id,
        "code": record.code if record else "",
        "title": msg("(restricted)") if hidden else record.title if record and record.title else title,
        "record_class": item.record_class,
        "due": item.due.isoformat(),
        "rule": item.rule,
        "term": item.term or None,
        "meaning": item.meaning or None,
        "opinion": str(item.opinion) if item.opinion else None,
        "outcome": item.outcome,
        "reason": item.reason if item.reason in REASONS else None,
        "holds": [] if item.outcome == "destroyed" else holds_on_record(workspace.db, item.record_id),
        "released": [{"hold": one.hold_id, "date": one.day, "actor": one.actor} for one in freed],
        "past": [one.plain for one in past_of(workspace, record)] if record is not None else [],
        "paper": paper,
    }
