"""Separation of duties as the ledger knows it: the settings under which destruction orders are made.

Whoever can write recordkit.toml must not thereby be able to destroy alone. So the values of ``[destruction]`` stand in
the ledger, and with them what the old terms of inherited records mean (``[archive] old_terms``): a shorter meaning, or
the first one of a term that made its records wait, is looser. Stricter ones are recorded by the next act of an order;
looser ones need an administrator's signature, and until that is given no order goes on. Before the first entry the
program's own defaults count as recorded, and for the terms likewise where an entry of an early version names none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf

from recordkit.archive.classes import load_scheme, months_of
from recordkit.archive_settings import OLD_TERMS, PERIOD, ArchiveSection, meaning_of_term, plain_term
from recordkit.db import Database
from recordkit.errors import RefusedByRule
from recordkit.messages import Message, msg
from recordkit.model import Entry
from recordkit.people import Signer, keyholder, require_role
from recordkit.settings import DestructionSection
from recordkit.workspace import Workspace, Writer

RECORDED, ACCEPTED = "settings.recorded", "settings.accepted"

Plain = Mapping[str, object]
"""The settings in the form of the ledger: no fractions, lists sorted."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an administrator accepted: each loosened setting in words. Empty: nothing was looser."""

    loosened: tuple[Message, ...]
    seq: int


def plain_duties(section: DestructionSection, archive: ArchiveSection) -> dict[str, object]:
    """The settings as they stand in the ledger; the share in millionths, since it holds no fractions."""
    return {
        # In the form in which terms are compared: of two that are one the first counts, and the ledger sorts them.
        "old_terms": {plain_term(term): meaning_of_term(term, archive.old_terms) for term in archive.old_terms},
        "supervisors": section.supervisors,
        "supervisor_excludes": sorted(set(section.supervisor_excludes)),
        "total_share_millionths": round(section.total_share * 1_000_000),
        "separate_roles": [list(pair) for pair in sorted({tuple(sorted(pair)) for pair in section.separate_roles})],
        "paper": section.paper,
    }


DEFAULTS: Plain = plain_duties(DestructionSection(), ArchiveSection())


def loosened(before: Plain, after: Plain) -> list[str]:
    """Names of the settings that ask for less than they did; what is missing or of a strange form asks for nothing."""
    found = []
    if _number(after, "supervisors") < _number(before, "supervisors"):
        found.append("supervisors")
    if not _members(before, "supervisor_excludes") <= _members(after, "supervisor_excludes"):
        found.append("supervisor_excludes")
    if "total_share_millionths" not in after or (
        _number(after, "total_share_millionths") > _number(before, "total_share_millionths")
    ):
        found.append("total_share")
    if not _members(before, "separate_roles") <= _members(after, "separate_roles"):
        found.append("separate_roles")
    if after.get("paper") is not False and before.get("paper") is False:
        found.append("paper")
    return [*found, *(f"{_TERM}{term}" for term in _loosened_terms(_terms(before), _terms(after)))]


_TERM = "old_terms."


def _terms(settings: Plain) -> Mapping[str, str]:
    """Meanings by old term; what is no period counts as the shortest one."""
    found = settings.get("old_terms", OLD_TERMS)
    if not isinstance(found, Mapping):
        return dict.fromkeys(OLD_TERMS, "")
    return {str(term): str(period) for term, period in found.items()}


def _loosened_terms(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for term in sorted({plain_term(one) for one in (*before, *after)}):
        if _kept_months(term, after) < _kept_months(term, before):
            yield term


def _kept_months(term: str, terms: Mapping[str, str]) -> float:
    """For how long a term keeps its records; for ever those of a term that nobody has explained, for they wait."""
    period = meaning_of_term(term, terms)
    if not period and all(plain_term(one) != term for one in terms):
        return inf
    return months_of(period) or inf if re.fullmatch(PERIOD, period) else 0


def recorded_duties(db: Database) -> Plain | None:
    """The settings that the ledger knows; None before the first entry."""
    row = db.one("SELECT settings FROM duties ORDER BY seq DESC LIMIT 1")
    return None if row is None else json.loads(row["settings"])


def unaccepted(workspace: Workspace) -> list[Message]:
    """What in recordkit.toml is looser than the ledger knows, each setting with both values; empty when nothing is."""
    before = recorded_duties(workspace.db) or DEFAULTS
    after = _now(workspace)
    return [_told(name, before, after) for name in loosened(before, after)]


def require_accepted(workspace: Workspace) -> None:
    """Stop when the settings are looser than what is recorded.

    Raises:
        RefusedByRule: an administrator has to accept them, or they have to be set back.
    """
    loose = unaccepted(workspace)
    if loose:
        raise RefusedByRule(
            msg("The rules of destruction in recordkit.toml are looser than those in the ledger: {settings}.",
                settings=tuple(loose)),
            msg("Set them back, or let an administrator sign for it: recordkit config accept --as ID --key FILE"),
        )


def require_duties(workspace: Workspace, writer: Writer) -> None:
    """Stop as ``require_accepted`` does; queue an entry when the settings are new. Call under the lock.

    Raises:
        RefusedByRule: an administrator has to accept them, or they have to be set back.
    """
    require_accepted(workspace)
    now = _now(workspace)
    if now != recorded_duties(workspace.db):
        writer.add(RECORDED, {"settings": now, **_digests(workspace)})


def accept_settings(workspace: Workspace, signer: Signer) -> Acceptance:
    """Sign the settings of recordkit.toml into the ledger, as an administrator.

    Raises:
        NotFound: nobody is registered under the id.
        RefusedByRule: the signer is revoked, no administrator, or has another key.
    """
    with workspace.writing() as writer:
        person = keyholder(workspace.db, signer)
        require_role(person, ("administrator",))
        loose = tuple(unaccepted(workspace))
        now = _now(workspace)
        if not loose and now == recorded_duties(workspace.db):
            return Acceptance((), workspace.db.cursor().seq)
        seq = writer.next_seq
        statement: dict[str, object] = {
            "act": ACCEPTED,
            "store": workspace.settings.store.id,
            "by": person.id,
            "seq": seq,
            "settings": now,
            **_digests(workspace),
        }
        writer.add(ACCEPTED, {"statement": statement, "by": person.id, "key": person.public_key,
                              "signature": signer.sign(statement)})
        writer.commit()
        return Acceptance(loose, seq)


def _now(workspace: Workspace) -> dict[str, object]:
    return plain_duties(workspace.settings.destruction, workspace.settings.archive)


def _digests(workspace: Workspace) -> dict[str, object]:
    return {"digest": workspace.settings.digest, "schedule": load_scheme(workspace.root).digest}


def _told(name: str, before: Plain, after: Plain) -> Message:
    if name.startswith(_TERM):
        term = name.removeprefix(_TERM)
        known = meaning_of_term(term, _terms(before)) or msg("explained by nobody")
        return msg("{name} = {after} (in the ledger: {before})", name=name, before=known,
                   after=meaning_of_term(term, _terms(after)))
    shown: Callable[[Plain], object] = {
        "total_share": lambda one: f"{_number(one, 'total_share_millionths') / 1_000_000:g}",
        "supervisor_excludes": lambda one: json.dumps(one.get(name)),
        "separate_roles": lambda one: json.dumps(one.get(name)),
        "paper": lambda one: json.dumps(one.get(name)),
    }.get(name, lambda one: one.get(name))
    return msg("{name} = {after} (in the ledger: {before})", name=name, after=shown(after), before=shown(before))


def _number(settings: Plain, name: str) -> int:
    value = settings.get(name)
    return value if type(value) is int else 0


def _members(settings: Plain, name: str) -> set[str]:
    value = settings.get(name)
    return {json.dumps(one) for one in value} if isinstance(value, (list, tuple)) else set()


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """The settings that were recorded or accepted."""
    settings = settings_of(entry)
    if settings is not None:
        workspace.db.run("INSERT OR REPLACE INTO duties (seq, settings) VALUES (:seq, :settings)",
                         {"seq": entry.seq, "settings": json.dumps(settings)})


def settings_of(entry: Entry) -> Plain | None:
    """The settings that an entry puts in force; None for any other act."""
    holder: object = entry.body if entry.act == RECORDED else None
    if entry.act == ACCEPTED:
        holder = entry.body.get("statement")
    settings = holder.get("settings") if isinstance(holder, Mapping) else None
    return settings if isinstance(settings, Mapping) else None
