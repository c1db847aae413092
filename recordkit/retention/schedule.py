"""The retention schedule that is shipped, and the event types that a schedule may wait for.

Pure. Reading and typing of ``retention.toml`` is ``recordkit.archive.classes``, what is wrong with one is
``schedule_check``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from recordkit.archive.classes import PERMANENT, Scheme, parse_scheme
from recordkit.archive.registers import HANDOVER_CLASS as HANDOVER_CLASS
from recordkit.archive.registers import OWN_CLASSES as OWN_CLASSES
from recordkit.archive.registers import REGISTER_CLASS as REGISTER_CLASS
from recordkit.archive.registers import REPORT_CLASS as REPORT_CLASS
from recordkit.messages import Message, msg

EVENT_TYPES: Mapping[str, Message] = {
    "contract-ended": msg("contract ended"),  # 合同终止
    "account-closed": msg("account closed"),  # 销户
    "case-closed": msg("case closed"),  # 结案
    "next-replacement": msg("meter replaced again"),  # 下次换表
    "completed": msg("matter completed"),  # 办结
    "office-decision": msg("decision of the office"),  # 本单位决定
}
"""Event types that the shipped schedule knows, with their names. An office may name further ones in its schedule."""


def shipped_schedule() -> bytes:
    """The bytes of the schedule that comes with the program, for a new store's ``retention.toml``."""
    return resources.files("recordkit.retention").joinpath("retention.toml").read_bytes()


def shipped_scheme() -> Scheme:
    """The schedule that comes with the program, typed."""
    return parse_scheme(shipped_schedule(), "retention.toml")


def event_name(event_type: str) -> Message:
    """Name of an event type; a type of the office's own is shown as it stands in the schedule."""
    return EVENT_TYPES.get(event_type) or msg("{type}", type=event_type)


def event_types(scheme: Scheme) -> frozenset[str]:
    """Every type an event may have in a store with this schedule."""
    own = {event for one in scheme.classes.values() for event in one.events}
    return frozenset(EVENT_TYPES) | own


def told_period(period: str) -> Message:
    """A period of the schedule for people."""
    if period == PERMANENT:
        return msg("permanent")
    return msg("{years} years", years=period[:-1]) if period.endswith("y") else msg("{months} months",
                                                                                  months=period[:-1])
