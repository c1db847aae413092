"""The retention schedule: the one that is shipped, the event types it may wait for, and what is wrong with a schedule.

Pure. Reading and typing of ``retention.toml`` is ``recordkit.archive.classes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from recordkit.archive.classes import PERMANENT, RecordClass, Scheme, parse_scheme
from recordkit.archive.registers import REGISTER_CLASS as REGISTER_CLASS
from recordkit.messages import Message, msg
from recordkit.model import Finding

EVENT_TYPES: Mapping[str, Message] = {
    "contract-ended": msg("contract ended"),  # 合同终止
    "account-closed": msg("account closed"),  # 销户
    "case-closed": msg("case closed"),  # 结案
    "next-replacement": msg("meter replaced again"),  # 下次换表
    "completed": msg("matter completed"),  # 办结
    "office-decision": msg("decision of the office"),  # 本单位决定
}
"""Event types that the shipped schedule knows, with their names. An office may name further ones in its schedule."""

REPORT_CLASS = "appraisal-report"
OWN_CLASSES = (REGISTER_CLASS, REPORT_CLASS)
"""Evidence of appraisal and destruction; permanent whatever the office decides (handbook ch. 8 §7)."""


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


def check_schedule(scheme: Scheme) -> list[Finding]:
    """What an archivist should correct in a schedule that can be read; every finding, in the order of the file."""
    findings: list[Finding] = []
    shipped = shipped_scheme()
    for one in scheme.classes.values():
        findings += _findings_of(one)
        usual = shipped.classes.get(one.id)
        if usual is not None and _is_shorter(one, usual):
            findings.append(
                Finding("shorter", msg("class {id}: {period} is shorter than the usual {usual}; listed periods are "
                                       "minimums, so name who approved it", id=one.id, period=one.period,
                                       usual=usual.period))
            )
    for own in OWN_CLASSES:
        found = scheme.classes.get(own)
        if found is None:
            findings.append(Finding("missing-class", msg("class {id} is missing; no order can be made without it",
                                                         id=own)))
        elif found.years is not None:
            findings.append(Finding("not-permanent", msg("class {id} must be permanent: it is the evidence of "
                                                         "destruction", id=own)))
    return findings


def _findings_of(one: RecordClass) -> list[Finding]:
    findings: list[Finding] = []
    if not one.authority.strip():
        findings.append(Finding("no-authority", msg("class {id}: nobody is named who set the rule (authority)",
                                                    id=one.id)))
    if one.period == PERMANENT and (one.events or one.trigger == "event"):
        findings.append(Finding("unreachable-trigger", msg("class {id} is permanent; its events start nothing",
                                                           id=one.id)))
    elif one.trigger == "date" and one.events:
        findings.append(Finding("unreachable-trigger", msg("class {id} counts from the record's date; its events "
                                                           "{events} start nothing", id=one.id,
                                                           events=", ".join(one.events))))
    for event in dict.fromkeys(one.events):
        if event not in EVENT_TYPES:
            findings.append(Finding("unknown-event", msg("class {id} waits for {event}, which is none of the usual "
                                                         "events {known}; is it misspelt?", id=one.id, event=event,
                                                         known=", ".join(EVENT_TYPES))))
    if len(set(one.events)) != len(one.events):
        findings.append(Finding("repeated-event", msg("class {id} names an event twice", id=one.id)))
    return findings


def _is_shorter(one: RecordClass, usual: RecordClass) -> bool:
    if one.years is None:
        return False
    return usual.years is None or one.years < usual.years
