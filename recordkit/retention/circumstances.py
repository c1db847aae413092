"""What is known around the records of a store - events, holds, decisions to extend - brought to the pure review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from recordkit.archive.catalogue import Record, accounts_of, record_of
from recordkit.archive.classes import RecordClass, Scheme, load_scheme
from recordkit.archive_settings import meaning_of_term, plain_term
from recordkit.db import Database
from recordkit.model import same_account
from recordkit.retention.order_state import extensions
from recordkit.retention.review import Decision, Event, Extension, Facts, Hold, Together, decide, governing
from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything review needs besides the records, read once for many of them.

    Attributes:
        blind_holds: holds in force whose account can no longer be read. They cover every record: a lost note must
            not become a permission to destroy.
        old_terms: period by the old term of inherited records, from the settings.
        together: what governs the volumes (by id) that were asked for so far.
    """

    scheme: Scheme
    events_of_record: Mapping[str, list[Event]]
    events_of_account: Mapping[str, list[Event]]
    holds_of_record: Mapping[str, list[Hold]]
    holds_of_account: Mapping[str, list[Hold]]
    blind_holds: tuple[Hold, ...]
    extensions: Mapping[str, Extension]
    old_terms: Mapping[str, str]
    # Not taken over by dataclasses.replace: under another schedule something else governs.
    together: dict[str, Together] = field(default_factory=dict, init=False)

    def meaning(self, term: str) -> str:
        """The period that an old term stands for; "" for none, and where nobody has said so."""
        return meaning_of_term(term, self.old_terms) if term else ""


def load_circumstances(workspace: Workspace, record_id: str | None = None) -> Circumstances:
    """Read events, holds and decisions of a store with its schedule.

    With ``record_id`` only what concerns this record and those that lie in one volume with it.

    Raises:
        InputRefused: the schedule cannot be read.
    """
    db = workspace.db
    holds_of_record, holds_of_account, blind = _holds(db, record_id)
    events_of_record, events_of_account = _events(db, record_id)
    return Circumstances(
        scheme=load_scheme(workspace.root),
        events_of_record=events_of_record,
        events_of_account=events_of_account,
        holds_of_record=holds_of_record,
        holds_of_account=holds_of_account,
        blind_holds=tuple(blind),
        extensions=extensions(db),
        old_terms=workspace.settings.archive.old_terms,
    )


def decide_record(workspace: Workspace, record: Record, around: Circumstances, today: date) -> Decision:
    """The decision for one record of the catalogue."""
    holds = [*around.holds_of_record.get(record.record_id, ()), *around.blind_holds]
    if around.holds_of_account:
        for account in sorted(accounts_of(workspace.db, record.record_id)):
            holds += around.holds_of_account.get(account, ())
    facts, events, record_class = facts_of(record, around)
    together = None if record.volume is None else governing_volume(workspace.db, record.volume, around)
    return decide(facts, events, holds, record_class, today, around.extensions.get(record.record_id), together)


def facts_of(record: Record, around: Circumstances) -> tuple[Facts, Sequence[Event], RecordClass | None]:
    """What decides when the period of a record starts and how long it is."""
    events = list(around.events_of_record.get(record.record_id, ()))
    if record.account:
        events += around.events_of_account.get(same_account(record.account), ())
    record_class = around.scheme.classes.get(record.record_class)
    own = day_in(record.fields.get(record_class.field)) if record_class is not None and record_class.field else None
    term = record.old_term
    facts = Facts(record.record_id, record.record_class, record.date, own, term, around.meaning(term))
    return facts, events, record_class


def told_term(record: Record, around: Circumstances) -> dict[str, str]:
    """What a manifest says of the old term of an inherited record: ``term`` and ``meaning``, a period; nothing else.

    Only a term that has a meaning is told, in the form in which terms are compared: those words stand in recordkit.toml
    or are a number of years, and whatever else an old catalogue says has no place in the ledger.
    """
    meaning = around.meaning(record.old_term)
    return {"term": plain_term(record.old_term), "meaning": meaning} if meaning else {}


def governing_volume(db: Database, volume_id: str, around: Circumstances) -> Together | None:
    """What governs a volume; None when it has no active record."""
    if volume_id not in around.together:
        rows = db.all("SELECT * FROM records WHERE volume = :volume AND status = 'active'", {"volume": volume_id})
        code = db.one("SELECT code FROM volumes WHERE volume_id = :volume", {"volume": volume_id})
        if not rows:
            return None
        members = [facts_of(record_of(row), around) for row in rows]
        around.together[volume_id] = governing(code["code"] if code is not None else volume_id, members)
    return around.together[volume_id]


def day_in(value: object) -> date | None:
    """The day that a date field holds (ISO 8601, a time behind it is left out); None where it holds none."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def explain_record(workspace: Workspace, record: Record, today: date) -> Decision:
    """The decision for one record alone."""
    return decide_record(workspace, record, load_circumstances(workspace, record.record_id), today)


_COMPANIONS = ("(SELECT :record UNION SELECT m.record_id FROM records r JOIN records m ON m.volume = r.volume "
               "WHERE r.record_id = :record)")
_ACCOUNTS = f"(:record IS NULL OR account IN (SELECT account FROM record_accounts WHERE record_id IN {_COMPANIONS}))"


def _holds(db: Database, record_id: str | None) -> tuple[dict[str, list[Hold]], dict[str, list[Hold]], list[Hold]]:
    of_record: dict[str, list[Hold]] = {}
    of_account: dict[str, list[Hold]] = {}
    blind: list[Hold] = []
    only = {"record": record_id}
    for row in db.each("SELECT * FROM holds WHERE scope = 'account' AND released IS NULL "
                       f"AND (account IS NULL OR {_ACCOUNTS}) ORDER BY seq", only):
        hold = Hold(row["hold_id"], row["kind"], date.fromisoformat(row["until"]) if row["until"] else None)
        if row["account"] is None:
            blind.append(hold)
        else:
            of_account.setdefault(row["account"], []).append(hold)
    rows = db.each("SELECT n.record_id, h.hold_id, h.kind, h.until FROM hold_records n JOIN holds h "
                   "ON h.hold_id = n.hold_id WHERE h.released IS NULL "
                   f"AND (:record IS NULL OR n.record_id IN {_COMPANIONS}) "
                   "ORDER BY n.hold_id", only)
    for row in rows:
        hold = Hold(row["hold_id"], row["kind"], date.fromisoformat(row["until"]) if row["until"] else None)
        of_record.setdefault(row["record_id"], []).append(hold)
    return of_record, of_account, blind


def _events(db: Database, record_id: str | None) -> tuple[dict[str, list[Event]], dict[str, list[Event]]]:
    of_record: dict[str, list[Event]] = {}
    of_account: dict[str, list[Event]] = {}
    only = {"record": record_id}
    for row in db.each("SELECT * FROM retention_events WHERE scope = 'account' AND account IS NOT NULL "
                       f"AND replaced IS NULL AND withdrawn IS NULL AND {_ACCOUNTS} ORDER BY seq", only):
        event = Event(row["type"], date.fromisoformat(row["date"]), "account", row["seq"])
        of_account.setdefault(row["account"], []).append(event)
    rows = db.each("SELECT e.type, e.date, e.seq, r.record_id FROM retention_events e JOIN retention_event_records r "
                   "ON r.event_id = e.event_id WHERE e.replaced IS NULL AND e.withdrawn IS NULL "
                   f"AND (:record IS NULL OR r.record_id IN {_COMPANIONS}) ORDER BY e.seq", only)
    for row in rows:
        event = Event(row["type"], date.fromisoformat(row["date"]), "record", row["seq"])
        of_record.setdefault(row["record_id"], []).append(event)
    return of_record, of_account
