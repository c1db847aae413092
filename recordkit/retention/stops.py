"""What stops an item of an order on a given day, before anything is done: asked at every step, decided at execution.

An order is a frozen list with the rule and the day by which each item is due. When a hold comes, an event is
corrected, a record is edited or the schedule is changed, the item is stopped by name and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator

from recordkit.archive.catalogue import get_record
from recordkit.archive.losses import loss_of
from recordkit.messages import Message, msg
from recordkit.retention.circumstances import Circumstances, decide_record, load_circumstances
from recordkit.retention.order_state import Item, Order
from recordkit.retention.review import Decision
from recordkit.workspace import Workspace

_MOST_NAMED = 20
WRITTEN_OFF_SINCE = msg("it was written off as lost, or found again, after the order was proposed; propose it anew")


def stop_of_decision(item: Item, decision: Decision) -> tuple[str | None, Message | None]:
    """Code word and reason why today's decision forbids what the order was signed for; (None, None) when it agrees."""
    if decision.decision == "held":
        return "held", decision.reason
    if decision.decision != "due":
        return "not-due", decision.reason
    if decision.due != item.due or decision.rule != item.rule:
        return "rule-changed", msg(
            "the order was signed for {rule}, due {due}; today it would be {now}, due {today}", rule=item.rule,
            due=item.due.isoformat(), now=decision.rule, today=decision.due.isoformat() if decision.due else "")
    return None, None


def stopped_items(workspace: Workspace, order: Order) -> dict[str, Message]:
    """The items that execution would refuse by today's catalogue, with the reasons; none once it has begun.

    The bytes of the objects are not read; that is done at execution.
    """
    if order.withdrawn or order.intent or order.executed:
        return {}
    around = load_circumstances(workspace)
    return dict(_stops(workspace, order, around))


def name_the_stopped(workspace: Workspace, order: Order) -> None:
    """Tell in ``workspace.notices`` which items of the order are stopped by now."""
    stopped = stopped_items(workspace, order)
    for record_id, reason in list(stopped.items())[:_MOST_NAMED]:
        record = get_record(workspace.db, record_id)
        workspace.notices.append(msg("Stopped in order {order}: {code} - {reason}", order=order.order_id,
                                     code=record.code if record is not None else record_id, reason=reason))
    if len(stopped) > _MOST_NAMED:
        workspace.notices.append(msg("{count} more are stopped; 'recordkit destruction show {order}' names them.",
                                     count=len(stopped) - _MOST_NAMED, order=order.order_id))


def _stops(workspace: Workspace, order: Order, around: Circumstances) -> Iterator[tuple[str, Message]]:
    for item in order.items:
        if item.opinion is not None and item.opinion.kind != "destroy":
            continue
        record = get_record(workspace.db, item.record_id)
        if record is None or record.status != "active":
            yield item.record_id, msg("the record or its object is not there")
        elif (record.version, record.commitment) != (item.version, item.commitment):
            yield item.record_id, msg("the record was changed after the order was proposed; propose it anew")
        elif (lost.loss_id if (lost := loss_of(workspace.db, item.record_id)) is not None else "") != item.lost:
            yield item.record_id, WRITTEN_OFF_SINCE
        else:
            _, reason = stop_of_decision(item, decide_record(workspace, record, around, workspace.clock.today))
            if reason is not None:
                yield item.record_id, reason
