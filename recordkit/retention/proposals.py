"""Events that filed papers let expect: proposed by rules that are data, confirmed or rejected by a person.

A proposal is computed from the catalogue each time and kept nowhere. It speaks of one record, one event type and the
paper whose filing shows that the event has happened; of several papers the earliest speaks. Rules (``retention.toml``,
[[proposals]]) come from the domain, "Retention": a filed 过户 or 销户 ends the old contract, a new 换表 closes the
previous one, 结案 closes an inspection case. Nothing is proposed for a record whose period has begun.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

from recordkit.archive.classes import FILE_NAME, Scheme, load_scheme
from recordkit.db import Database, Row
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, listed, msg
from recordkit.model import Finding, as_printed, crockford, same_account
from recordkit.retention.circumstances import Circumstances, load_circumstances
from recordkit.retention.review import Facts, trigger_of
from recordkit.retention.schedule import event_types, shipped_schedule
from recordkit.tomltold import toml_reason
from recordkit.workspace import Workspace

_PORTION = 1000


@dataclass(frozen=True, slots=True)
class Match:
    """Fields of the paper and of the earlier record of which the first ones filled in must be equal."""

    paper: tuple[str, ...]
    earlier: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProposalRule:
    """Which papers let expect which event of which records.

    Attributes:
        paper: class of the paper that is filed; ``event`` type of the event.
        targets: classes whose records have the event; empty: all that wait for it.
        itself: the event is that of the paper itself.
        date: fields of the paper of which the first one filled in tells the day; ``date`` is the paper's own day.
        needs: fields without which nothing is proposed.
        only: values of which a field, once filled in, must have one.
        match: what must be equal, ``differ`` what must differ, where both records tell it.
    """

    paper: str
    event: str
    targets: tuple[str, ...] = ()
    itself: bool = False
    date: tuple[str, ...] = ("date",)
    needs: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    match: tuple[Match, ...] = ()
    differ: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """One event that a person may confirm.

    Attributes:
        proposal_id: the same as long as record, type and paper are.
        record_id: whose period it would start; ``code``, ``account`` and ``access`` of that record.
        date: the day, as the paper tells it in ``told_by`` (label of a field; empty: the paper's own date).
        paper: id of the record of the paper, ``paper_code`` its archival code, ``paper_class`` the name of its class.
    """

    proposal_id: str
    record_id: str
    code: str
    account: str | None
    access: str
    type: str
    date: date
    paper: str
    paper_code: str
    paper_class: str
    told_by: str

    @property
    def why(self) -> Message:
        """In words."""
        if self.told_by:
            return msg("{paper} is filed: {field} {date}", paper=self.paper_class, field=self.told_by,
                       date=self.date.isoformat())
        return msg("{paper} of {date} is filed", paper=self.paper_class, date=self.date.isoformat())


def load_rules(root: Path) -> tuple[ProposalRule, ...]:
    """The rules of the store; those that come with the program where its schedule has none at all.

    Raises:
        InputRefused: they cannot be read.
    """
    path = root / FILE_NAME
    found = parse_rules(path.read_bytes(), str(path))
    return found if found is not None else parse_rules(shipped_schedule(), FILE_NAME) or ()


def check_rules(rules: Sequence[ProposalRule], scheme: Scheme) -> list[Finding]:
    """What keeps a rule from ever proposing anything."""
    findings: list[Finding] = []
    known = event_types(scheme)
    for one in rules:
        waiting = _waiting_classes(scheme, one.event)
        # A class that the office has struck out of its schedule is nothing to be corrected.
        strange = [name for name in one.targets if name in scheme.classes and name not in waiting]
        if one.event not in known:
            findings.append(Finding("proposal-event", msg("the proposal of {paper} names the event {event}, for which "
                                                          "no class waits", paper=one.paper, event=one.event)))
        elif strange:
            findings.append(Finding("proposal-target", msg(
                "the proposal of {paper} names {classes}, which do not wait for {event}", paper=one.paper,
                classes=listed(strange), event=one.event)))
    return findings


def list_proposals(workspace: Workspace) -> list[Proposal]:
    """What the filed papers let expect and nobody has confirmed or rejected, by day and archival code.

    Raises:
        InputRefused: schedule or rules cannot be read.
    """
    scheme = load_scheme(workspace.root)
    around = load_circumstances(workspace)
    settled = _settled(workspace.db)
    best: dict[tuple[str, str], Proposal] = {}
    for rule in load_rules(workspace.root):
        waiting = _waiting_classes(scheme, rule.event)
        targets = [name for name in waiting if not rule.targets or name in rule.targets]
        if (rule.paper in waiting if rule.itself else targets) and rule.paper in scheme.classes:
            for one in _of_rule(workspace, rule, scheme, targets, around):
                key = (one.record_id, one.type)
                if (*key, one.paper) not in settled and (key not in best or one.date < best[key].date):
                    best[key] = one
    return sorted(best.values(), key=lambda one: (one.date, one.code, one.type))


def confirm_proposals(
    workspace: Workspace, proposals: Sequence[Proposal], *, on: date | None = None
) -> list[tuple[Proposal, str]]:
    """Enter proposed events; each with the id of its event. What was settled since they were listed is left out.

    ``on``: the day of a single one, where the paper does not tell the right one.

    Raises:
        InputRefused: a day for several, or in the future.
    """
    if on is not None and len(proposals) != 1:
        raise InputRefused(msg("A day can be given for one proposal only."), msg("Confirm that one by itself."))
    if on is not None and on > workspace.clock.today:
        raise InputRefused(
            msg("{date} lies in the future; an event has happened.", date=on.isoformat()),
            msg("Enter it when it has happened."),
        )
    entered: list[tuple[Proposal, str]] = []
    for first in range(0, len(proposals), _PORTION):
        with workspace.writing() as writer:
            for one in proposals[first : first + _PORTION]:
                if not _is_open(workspace.db, one):
                    continue
                event_id = f"E{writer.next_id()}"
                writer.add("event.added", {"event": event_id, "type": one.type, "date": (on or one.date).isoformat(),
                                           "records": {one.record_id: None}, "paper": one.paper})
                entered.append((one, event_id))
            writer.commit()
    return entered


def reject_proposals(workspace: Workspace, proposals: Sequence[Proposal], reason: str) -> list[Proposal]:
    """Refuse proposed events; they are not proposed again because of the same papers.

    Returns:
        Those refused now; what was settled since they were listed is left out.

    Raises:
        InputRefused: no reason.
    """
    if not reason.strip():
        raise InputRefused(msg("To reject a proposal needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        chosen = [one for one in proposals if _is_open(workspace.db, one)]
        for one in chosen:
            note = writer.note(one.record_id, {"declined": one.type, "reason": reason})
            writer.add("event.declined", {"record": one.record_id, "type": one.type, "paper": one.paper, "note": note})
        writer.commit()
    return chosen


@lru_cache(maxsize=4)
def parse_rules(data: bytes, name: str) -> tuple[ProposalRule, ...] | None:
    """The rules in a schedule; None when it does not speak of any.

    Raises:
        InputRefused: see ``load_rules``.
    """
    import msgspec

    try:
        plain = tomllib.loads(data.decode("utf-8-sig")).get("proposals")
        if plain is None:
            return None
        rules = msgspec.convert(plain, list[ProposalRule])
        for position, raw in enumerate(plain):
            extra = set(raw) - set(ProposalRule.__dataclass_fields__)
            if extra:
                raise msgspec.ValidationError(f"unknown key {sorted(extra)[0]} - at `$.proposals[{position}]`")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        told = toml_reason(error) if isinstance(error, tomllib.TOMLDecodeError) else str(error)
        raise InputRefused(
            msg("The retention schedule {file} cannot be read: {error}", file=name, error=told),
            msg("Correct the named place; each [[proposals]] needs paper and event."),
        ) from None
    return tuple(rules)


def choose_proposals(workspace: Workspace, wanted: Sequence[str] | None) -> list[Proposal]:
    """The proposals of these ids, or all.

    Raises:
        NotFound: one is not proposed, or no longer.
    """
    proposals = list_proposals(workspace)
    if wanted is None:
        return proposals
    by_id = {one.proposal_id: one for one in proposals}
    names = list(dict.fromkeys(one.strip().upper() for one in wanted))
    missing = [name for name in names if name not in by_id]
    if missing:
        raise NotFound(
            msg("There is no proposal {ids}; perhaps it was confirmed or rejected before.", ids=listed(missing)),
            msg("'recordkit event proposed' lists what is proposed."),
        )
    return [by_id[name] for name in names]


def _is_open(db: Database, one: Proposal) -> bool:
    """Whether nobody has destroyed the record or settled the proposal since it was made."""
    key = {"record": one.record_id, "type": one.type, "paper": one.paper}
    return db.one(
        "SELECT 1 FROM records WHERE record_id = :record AND status = 'active' "
        "AND NOT EXISTS (SELECT 1 FROM declined_events WHERE record_id = :record AND type = :type AND paper = :paper) "
        "AND NOT EXISTS (SELECT 1 FROM retention_event_records r JOIN retention_events e ON e.event_id = r.event_id "
        "WHERE r.record_id = :record AND e.type = :type AND e.replaced IS NULL AND e.withdrawn IS NULL)", key,
    ) is not None


def _waiting_classes(scheme: Scheme, event_type: str) -> list[str]:
    return [one.id for one in scheme.classes.values()
            if one.trigger == "event" and one.months is not None and event_type in one.events]


def _settled(db: Database) -> set[tuple[str, str, str]]:
    """Record, type and paper of what a person refused, or took back once confirmed."""
    rows = db.all("SELECT record_id, type, paper FROM declined_events UNION SELECT r.record_id, e.type, e.paper "
                  "FROM retention_events e JOIN retention_event_records r ON r.event_id = e.event_id "
                  "WHERE e.paper IS NOT NULL AND e.withdrawn IS NOT NULL")
    return {(row["record_id"], row["type"], row["paper"]) for row in rows}


_PAPERS = "SELECT * FROM records WHERE status = 'active' AND record_class = :paper ORDER BY ordinal"
_EARLIER = """
SELECT t.* FROM record_accounts a JOIN record_accounts b ON b.account = a.account JOIN records t
ON t.record_id = b.record_id WHERE a.record_id = :paper AND a.is_current = 1 AND b.is_current = 1
AND t.record_id <> :paper AND t.status = 'active' AND t.date < :day ORDER BY t.ordinal
"""


def _of_rule(
    workspace: Workspace, rule: ProposalRule, scheme: Scheme, targets: Sequence[str], around: Circumstances
) -> Iterator[Proposal]:
    db, today = workspace.db, workspace.clock.today
    wanted = frozenset(targets)
    for row in db.each(_PAPERS, {"paper": rule.paper}):
        if rule.itself and _has_begun(row, around):
            continue
        paper = _Values(row)
        told = paper.day(rule.date)
        if told is None or told[0] > today or not _speaks(rule, paper):
            continue
        day, told_by = told
        if rule.itself:
            earlier = [row] if row["date"] <= day.isoformat() else []
        else:
            earlier = [one for one in db.all(_EARLIER, {"paper": row["record_id"], "day": day.isoformat()})
                       if one["record_class"] in wanted and not _has_begun(one, around)
                       and _fits(rule, paper, _Values(one))]
        for one in earlier:
            yield Proposal(
                proposal_id=_id_of(one["record_id"], rule.event, row["record_id"]),
                record_id=one["record_id"], code=one["code"], account=one["account"], access=one["access"],
                type=rule.event, date=day, paper=row["record_id"], paper_code=row["code"],
                paper_class=scheme.classes[rule.paper].name, told_by=told_by,
            )


def _id_of(record_id: str, event_type: str, paper: str) -> str:
    digest = hashlib.sha256(f"{record_id}\n{event_type}\n{paper}".encode()).digest()
    return "P" + crockford(int.from_bytes(digest[:5]), 8)


def _has_begun(row: Row, around: Circumstances) -> bool:
    """Whether it is known already what starts the period of a record whose class waits for an event."""
    record_class = around.scheme.classes[row["record_class"]]
    events = list(around.events_of_record.get(row["record_id"], ()))
    if row["account"]:
        events += around.events_of_account.get(same_account(row["account"]), ())
    facts = Facts(row["record_id"], row["record_class"], date.fromisoformat(row["date"]))
    return trigger_of(facts, events, record_class) is not None


class _Values:
    """What a record says, by the keys of its form and by those that every record has."""

    def __init__(self, row: Row) -> None:
        metadata = json.loads(row["metadata"])
        fields, labels = metadata.get("fields"), metadata.get("labels")
        self._fields: Mapping[str, object] = fields if isinstance(fields, dict) else {}
        self._labels: Mapping[str, object] = labels if isinstance(labels, dict) else {}
        self._core = {key: row[key] for key in ("number", "party", "account", "title", "date")}

    def text(self, keys: Sequence[str]) -> str:
        """The first value filled in, written so that it can be compared; empty when none is."""
        for key in keys:
            value = self._core.get(key) or self._fields.get(key)
            if value not in (None, "", []):
                return "".join(as_printed(same_account(str(value))).split())
        return ""

    def day(self, keys: Sequence[str]) -> tuple[date, str] | None:
        """The first day filled in, and the label of its field; no label for the record's own."""
        for key in keys:
            if key == "date":
                return date.fromisoformat(self._core["date"]), ""
            with suppress(ValueError):
                return date.fromisoformat(str(self._fields.get(key) or "")[:10]), str(self._labels.get(key, key))
        return None


def _speaks(rule: ProposalRule, paper: _Values) -> bool:
    if not all(paper.text([key]) for key in rule.needs):
        return False
    return all((text := paper.text([key])) == "" or text in values for key, values in rule.only.items())


def _fits(rule: ProposalRule, paper: _Values, earlier: _Values) -> bool:
    for match in rule.match:
        ours, theirs = paper.text(match.paper), earlier.text(match.earlier)
        if ours and theirs and ours != theirs:
            return False
    return not any((text := paper.text([key])) and text == earlier.text([key]) for key in rule.differ)
