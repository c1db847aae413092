"""An order of destruction as people see it: where it stands, who signed, its items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from recordkit.cli.base import App
from recordkit.cli.i18n import N_, tr
from recordkit.messages import Message, listed, msg

if TYPE_CHECKING:
    from recordkit.retention.order_state import Order, OrderSignature
    from recordkit.workspace import Workspace


def _each(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def listed_of(value: object) -> list[str]:
    """A list among plain values, as texts."""
    return [str(one) for one in value] if isinstance(value, list) else []


def _signed_by(one: OrderSignature) -> str:
    """Who signed, and how where it was by hand."""
    if one.paper is None:
        return one.person
    return tr("{person} (on paper, {day}; entered by {by}, scan {record})").format(
        person=one.person, day=one.day, by=one.entered_by, record=one.paper)


def print_order(app: App, workspace: Workspace, order: Order, *, items: bool = True) -> None:
    """Everything about an order; without ``items`` only where it stands and who signed."""
    from recordkit.cli.reviewing import told_change_of_schedule, told_unaccepted
    from recordkit.retention.adoption import is_changed, last_seen
    from recordkit.retention.duties import unaccepted
    from recordkit.retention.listing import show_order
    from recordkit.retention.orders import next_step

    data = show_order(workspace, order)
    if app.json:
        app.print_json(data)
        return
    if data["status"] in ("proposed", "appraised", "approved", "signed"):
        if is_changed(workspace):
            seen = last_seen(workspace.db)
            app.say(told_change_of_schedule(seen.day if seen is not None else None))
        for one in unaccepted(workspace):
            app.say(told_unaccepted(one))
    app.print_pairs([(N_("Order"), order.order_id), (N_("Status"), msg(str(data["status"]))),
                     (N_("Digest"), order.digest), (N_("Proposer"), order.proposer)])
    for name, act in ((N_("Appraised by"), "order.appraised"), (N_("Approved by"), "order.approved"),
                      (N_("Signed by"), "order.signed"), (N_("Completed by"), "order.completed")):
        people_ids = order.signers(act)
        if people_ids:
            told = [_signed_by(one) for one in order.signatures if one.act == act]
            app.print_pairs([(name, list(dict.fromkeys(told)))])
    if data["status"] == "signed":
        app.print_pairs([(N_("Word for --confirm"), order.confirmation)])
    if order.report is not None:
        app.print_pairs([(N_("Appraisal report"), order.report)])
    if items:
        _print_items(app, workspace, order)
    app.say(next_step(workspace, order))


def show_list(app: App, workspace: Workspace, order: Order) -> None:
    """What is about to be signed, before a passphrase is asked for: nobody signs a list unseen."""
    if app.json:
        return
    app.print_pairs([(N_("Order"), order.order_id), (N_("Digest"), order.digest)])
    _print_items(app, workspace, order)


def _print_items(app: App, workspace: Workspace, order: Order) -> None:
    from recordkit.retention.destruction import REASONS
    from recordkit.retention.listing import listed_items
    from recordkit.retention.past import told_past
    from recordkit.retention.schedule import told_period

    rows = []
    items = listed_items(workspace, order)
    papers = any(item["paper"] for item in items)
    for item in items:
        opinion, outcome = str(item["opinion"] or ""), str(item["outcome"] or "")
        said = (msg("extended to {date}", date=opinion.removeprefix("extend:")) if opinion.startswith("extend:")
                else msg(opinion))
        reason: Message | str = REASONS.get(str(item["reason"]), "")
        if item["holds"] and not outcome:
            reason = msg("held: {holds}", holds=listed(listed_of(item["holds"])))
        freed = [msg("hold {hold} released on {day} by {actor}", hold=one["hold"], day=one["date"], actor=one["actor"])
                 for one in _each(item["released"])]
        past = [told_past(one) for one in _each(item["past"])]
        term = ([msg("old period {term}, taken as {meaning}", term=item["term"],
                     meaning=told_period(str(item["meaning"])))] if item["term"] else [])
        if freed or past or term:
            reason = listed([*([reason] if reason else []), *term, *freed, *past])
        row = [item["code"], item["title"], said, msg(outcome), reason]
        rows.append([*row, item["paper"]] if papers else row)
    columns = [N_("Code"), N_("Title"), N_("Opinion"), N_("Outcome"), N_("Reason")]
    app.print_table(rows, [*columns, N_("Paper original")] if papers else columns)
