"""What the body of each act holds, as docs/store-format.md tells it: asked when an entry could not be entered.

Whoever opens a store whose tables cannot be made from its ledger must know whether the entry is at fault, forged or of
another program, or this program and what lies beside the ledger. The first is a matter for an older copy; for the
others bringing back an older copy would throw away what is sound. So nothing is refused here that was entered before:
the forms name what the tables are made from, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _is_int(value: object) -> bool:
    """What a column takes: 64 bits."""
    return type(value) is int and -(2**63) <= value < 2**63


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_opinion(value: object) -> bool:
    return value in ("destroy", "keep") or (
        isinstance(value, str) and value.startswith("extend:") and _is_day(value.removeprefix("extend:")))


def _each(is_kind: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(_is_text(key) and is_kind(one) for key, one in value.items())


_KINDS: Mapping[str, Callable[[object], bool]] = {
    "text": _is_text,
    "int": _is_int,
    "day": _is_day,
    "serial": lambda value: isinstance(value, str) and re.fullmatch(r"[A-Z][0-9]{1,9}-[0-9]{1,18}", value) is not None,
    "texts": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "object": lambda value: isinstance(value, dict),
    "notes": _each(lambda value: value is None or _is_text(value)),
    "places": _each(_is_int),
    "opinions": _each(_is_opinion),
    "whole": lambda value: isinstance(value, bool) or _is_int(value),
}
_VERSION = "record version:int commitment"
_SCOPE = "records:notes? account_note?"
_ORDER = "order:serial by signature statement:object"
_HANDOVER = "handover:serial by key signature statement:object"
_LOSS = "loss:serial by statement:object statement.digest"
FORMS: Mapping[str, str] = {
    "store.created": "store_id schedule?",
    "schedule.adopted": "digest",
    "issue.issued": "issue form number scope seq:int revision:int template pack data date:day",
    "issue.completed": "issue note",
    "issue.collected": "issue note",
    "issue.voided": "issue note",
    "record.filed": f"{_VERSION} code scope serial:int ordinal:int class year:int period access number? issue? form? "
                    "batch? batch_papers:int? batch_page:int? batch_size:int?",
    "record.matched": f"{_VERSION} issue number? form?",
    "record.edited": f"{_VERSION} keys:texts? note?",
    "record.attached": _VERSION,
    "record.rescanned": _VERSION,
    "batch.known": "record batch batch_papers:int? batch_page:int? batch_size:int?",
    "records.exported": "export format records:notes to? digest",
    "handover.proposed": f"{_HANDOVER} manifest:object statement.digest statement.to note?",
    "handover.accepted": f"{_HANDOVER} record?",
    "handover.withdrawn": f"{_HANDOVER} statement.note?",
    "loss.registered": f"{_LOSS} records:notes manifest.items[].record manifest.items[].whole:whole "
                       "manifest.items[].files[].file manifest.notes[].note",
    "loss.confirmed": "loss by",
    "loss.withdrawn": "loss by records:notes",
    "loss.ended": "loss record",
    "paper.dropped": "content note batch? batch_papers:int? batch_page:int?",
    "record.destroyed": "record order",
    "box.placed": "box note",
    "box.forgotten": "box",
    "event.added": f"event type date:day {_SCOPE} replaces? paper?",
    "event.withdrawn": f"event {_SCOPE}",
    "event.declined": "record type paper note",
    "hold.placed": f"hold kind until:day? {_SCOPE}",
    "hold.extended": f"hold until:day? {_SCOPE}",
    "hold.released": f"hold {_SCOPE}",
    "volume.opened": "volume code scope serial:int kind class? date:day note",
    "volume.filed": "volume records:places",
    "volume.taken-out": "volume records:notes",
    "volume.closed": "volume date:day? note?",
    "volume.reopened": "volume note?",
    "volume.noted": "volume note?",
    "person.added": "statement.id statement.name statement.staff_no statement.roles:texts statement.public_key",
    "person.revoked": "statement.id",
    "settings.recorded": "settings:object",
    "settings.accepted": "statement.settings:object",
    "order.proposed": "order:serial by manifest.items[].record manifest.items[].version:int "
                      "manifest.items[].commitment manifest.items[].class manifest.items[].issue? "
                      "manifest.items[].due:day manifest.items[].rule",
    "order.appraised": f"{_ORDER} statement.opinions:opinions",
    "order.approved": _ORDER,
    "order.signed": _ORDER,
    "order.withdrawn": "order",
    "order.refused": "order records:object",
    "order.intended": "order",
    "order.failed": "order records:object",
    "order.executed": "order",
    "order.completed": _ORDER,
}
"""By act the places of its body, each with its kind (a text where none is named); ``?`` marks what may be missing."""


def fault_of(act: str, body: Mapping[str, object]) -> str | None:
    """Where a body has not the form of its act, such as ``manifest.items[].due``; None when it has, or has no form."""
    statement = body.get("statement")
    by_hand = "entered_by statement.paper.record " if isinstance(statement, Mapping) and statement.get("paper") else ""
    for part in (by_hand + FORMS.get(act, "")).split():
        place, _, kind = part.removesuffix("?").partition(":")
        if not _fits(body, place.split("."), _KINDS[kind or "text"], is_needed=not part.endswith("?")):
            return place
    return None


def _fits(value: object, path: list[str], is_kind: Callable[[object], bool], *, is_needed: bool) -> bool:
    if not path:
        return is_kind(value)
    if not isinstance(value, Mapping):
        return False
    name = path[0].removesuffix("[]")
    inner = value.get(name)
    if inner is None:
        return not is_needed
    if name == path[0]:
        return _fits(inner, path[1:], is_kind, is_needed=is_needed)
    return isinstance(inner, list) and all(_fits(one, path[1:], is_kind, is_needed=is_needed) for one in inner)
