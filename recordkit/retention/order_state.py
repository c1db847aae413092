"""The life of a destruction order as the ledger tells it.

Proposed, appraised, approved, signed, executing, executed, completed; or closed when nothing of it is to be destroyed,
or withdrawn. Values and the projection; the acts themselves are in ``orders`` and ``destruction``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from recordkit.db import Database, Row
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import did_you_mean, msg
from recordkit.model import Entry
from recordkit.retention.review import Extension
from recordkit.retention.schedule import REGISTER_CLASS, REPORT_CLASS
from recordkit.retention.signing import digest_of
from recordkit.workspace import Workspace

Status = Literal[
    "proposed", "appraised", "approved", "signed", "executing", "executed", "completed", "closed", "withdrawn"
]
Outcome = Literal["destroyed", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the appraisal group says of a record: destroy it, extend to the last day ``until``, or keep it for ever."""

    kind: Literal["destroy", "extend", "keep"]
    until: date | None = None

    def __str__(self) -> str:
        return f"extend:{self.until.isoformat()}" if self.until else self.kind


def parse_opinion(text: str) -> Opinion:
    """``destroy``, ``keep`` or ``extend:2040-12-31``.

    Raises:
        InputRefused: it is none of these.
    """
    word, _, rest = text.strip().partition(":")
    if word == "extend" and rest:
        try:
            return Opinion("extend", date.fromisoformat(rest.strip()))
        except ValueError:
            pass
    elif word == "destroy" and not rest:
        return Opinion("destroy")
    elif word == "keep" and not rest:
        return Opinion("keep")
    raise InputRefused(
        msg("{text} is not an opinion.", text=text),
        msg("Opinions are: {destroy}, {keep}, {extend}:2040-12-31.", destroy=msg("destroy"), keep=msg("keep"),
            extend=msg("extend")),
    )


@dataclass(frozen=True, slots=True)
class Item:
    """One record of an order, as the manifest froze it, and what became of it.

    Attributes:
        version: version of the record when it was proposed; ``commitment`` keyed digest of that object.
        rule: class and period that made it due; ``due`` the day since when.
        intended: whether an execution intent names it: then nothing can stop its destruction.
        reason: code word for a refused or failed item.
        term: old term of an inherited record, ``meaning`` the period that it was taken to mean; "" for others, and in
            orders of early versions.
        lost: the loss by which the record was written off when it was proposed; "" for others.
    """

    record_id: str
    version: int
    commitment: str
    record_class: str
    issue_id: str | None
    due: date
    rule: str
    opinion: Opinion | None
    intended: bool
    outcome: Outcome | None
    reason: str | None
    term: str = ""
    meaning: str = ""
    lost: str = ""


@dataclass(frozen=True, slots=True)
class OrderSignature:
    """Who signed which act of an order, and when (date, ISO).

    Attributes:
        signature: of the person's key, or of whoever entered that they signed on paper.
        entered_by: who did; None for a signature by key. ``paper`` is the record of the scan.
    """

    act: str
    person: str
    day: str
    signature: str
    seq: int
    entered_by: str | None = None
    paper: str | None = None

    @property
    def route(self) -> Literal["key", "paper"]:
        """Whether the person signed with a key, or by hand on the printed register."""
        return "key" if self.paper is None else "paper"


@dataclass(frozen=True, slots=True)
class Intent:
    """The point of no return: where, how and by whom; ``stamp`` is the ledger time of the entry.

    Attributes:
        paper_method: how the paper originals were destroyed; None when the order has none.
        events: ids of events, ``holds`` ids of holds, whose accounts have no record left and whose notes go, too;
            ``volumes`` ids of volumes that have none left.
    """

    place: str
    method: str
    actor: str
    stamp: str
    events: tuple[str, ...]
    holds: tuple[str, ...]
    paper_method: str | None = None
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """One destruction order.

    Attributes:
        digest: SHA-256 of the canonical manifest; what everybody signs.
        register: id of the permanent record that holds register rows and manifest.
        report: id of the permanent record with the newest appraisal report.
        executed: date of the end of execution, ISO; ``withdrawn`` likewise.
    """

    order_id: str
    digest: str
    manifest: Mapping[str, object]
    proposer: str
    proposed: str
    register: str | None
    items: tuple[Item, ...]
    signatures: tuple[OrderSignature, ...]
    withdrawn: str | None
    intent: Intent | None
    executed: str | None
    report: str | None = None

    @property
    def doomed(self) -> tuple[Item, ...]:
        """Items that the appraisal group wants destroyed."""
        return tuple(item for item in self.items if item.opinion is not None and item.opinion.kind == "destroy")

    @property
    def is_appraised(self) -> bool:
        """Whether there is an opinion on every item."""
        return all(item.opinion is not None for item in self.items)

    @property
    def opinions_digest(self) -> str:
        """SHA-256 over all opinions; approver and supervisors sign it with the manifest's digest."""
        return digest_of({item.record_id: str(item.opinion) for item in self.items})

    @property
    def confirmation(self) -> str:
        """The word to be given when the order takes an unusual share of the holdings."""
        return f"{len(self.doomed)}-{self.digest[:6]}"

    def signers(self, act: str) -> list[str]:
        """Ids of those who signed an act, in order of signing."""
        return [one.person for one in self.signatures if one.act == act]

    def status(self, supervisors: int) -> Status:
        """Where the order stands when ``supervisors`` signatures are needed."""
        if self.withdrawn:
            return "withdrawn"
        if len(set(self.signers("order.completed"))) >= supervisors:
            return "completed"
        if self.executed:
            return "executed"
        if self.intent:
            return "executing"
        if self.signers("order.approved"):
            return "signed" if len(self.signers("order.signed")) >= supervisors else "approved"
        if not self.is_appraised:
            return "proposed"
        return "appraised" if self.doomed else "closed"


def find_order(db: Database, order_id: str) -> Order:
    """The order of this id.

    Raises:
        NotFound: none.
    """
    row = db.one("SELECT * FROM orders WHERE order_id = :id", {"id": order_id.strip()})
    if row is None:
        raise NotFound(
            msg("There is no order {order}.", order=order_id),
            did_you_mean(order_id, (one["order_id"] for one in db.all("SELECT order_id FROM orders")))
            or msg("'recordkit destruction list' shows the orders."),
        )
    return _order(db, row)


def list_orders(db: Database) -> list[Order]:
    """All orders in the order of proposing."""
    return [_order(db, row) for row in db.all("SELECT * FROM orders ORDER BY seq")]


def next_order_id(db: Database, year: int) -> str:
    """The id that the next order of that year gets, e.g. ``D2037-0001``; ids are never used again."""
    row = db.one("SELECT max(serial) AS last FROM orders WHERE year = :year", {"year": year})
    serial = 1 + (int(row["last"]) if row is not None and row["last"] else 0)
    return f"D{year}-{serial:04}"


def order_of_intent(db: Database, record_id: str) -> str | None:
    """The order whose execution has passed the point of no return for this record, or None."""
    row = db.one(
        "SELECT order_id FROM order_items WHERE record_id = :id AND intended = 1", {"id": record_id}
    )
    return None if row is None else str(row["order_id"])


_OPEN_ITEMS = (
    "FROM order_items i JOIN orders o ON o.order_id = i.order_id WHERE o.withdrawn IS NULL AND o.executed IS NULL "
    "AND (i.opinion IS NULL OR i.opinion = 'destroy') AND (o.intent IS NULL OR i.intended = 1)"
)


def open_order_of(db: Database, record_id: str) -> str | None:
    """The order that is still to decide about this record or to destroy it, or None."""
    row = db.one(f"SELECT i.order_id {_OPEN_ITEMS} AND i.record_id = :id", {"id": record_id})
    return None if row is None else str(row["order_id"])


def open_orders(db: Database) -> dict[str, str]:
    """Every record about which an order is still to decide or which it is to destroy, with that order."""
    rows = db.all(f"SELECT i.record_id, i.order_id {_OPEN_ITEMS} ORDER BY o.seq")
    return {str(row["record_id"]): str(row["order_id"]) for row in rows}


def extensions(db: Database) -> dict[str, Extension]:
    """The newest decision to extend or keep of every record that has one; those of withdrawn orders do not count."""
    rows = db.all(
        "SELECT i.record_id, i.order_id, i.until FROM order_items i JOIN orders o ON o.order_id = i.order_id "
        "WHERE i.opinion IN ('extend', 'keep') AND o.withdrawn IS NULL ORDER BY i.decided"
    )
    return {
        row["record_id"]: Extension(row["order_id"], date.fromisoformat(row["until"]) if row["until"] else None)
        for row in rows
    }


def decided_remarks(db: Database) -> dict[str, str]:
    """What a printed catalogue says beside the code of a record whose period was decided anew: the code stays."""
    return {record: f"鉴定决定（{one.order}）：" + (f"延期至{one.until.isoformat()}" if one.until else "永久保管")
            for record, one in extensions(db).items()}


def _order(db: Database, row: Row) -> Order:
    key = {"id": row["order_id"]}
    manifest = json.loads(row["manifest"])
    state = {one["record_id"]: one for one in db.all("SELECT * FROM order_items WHERE order_id = :id", key)}
    signed = db.all("SELECT s.*, p.entered_by, p.paper FROM order_signatures s LEFT JOIN order_papers p "
                    "ON p.seq = s.seq WHERE s.order_id = :id ORDER BY s.seq", key)
    intent = json.loads(row["intent"]) if row["intent"] else None
    report = db.one("SELECT record FROM order_reports WHERE order_id = :id", key)
    return Order(
        order_id=row["order_id"],
        digest=row["digest"],
        manifest=manifest,
        proposer=row["proposer"],
        proposed=row["proposed"],
        register=row["register"],
        items=tuple(_item(raw, state[raw["record"]]) for raw in manifest["items"]),
        signatures=tuple(
            OrderSignature(one["act"], one["person"], one["day"], one["signature"], one["seq"], one["entered_by"],
                           one["paper"]) for one in signed
        ),
        withdrawn=row["withdrawn"],
        intent=None if intent is None else Intent(
            place=intent["place"], method=intent["method"], actor=intent["actor"], stamp=intent["stamp"],
            events=tuple(intent["events"] or ()), holds=tuple(intent["holds"] or ()),
            paper_method=intent["paper_method"], volumes=tuple(intent["volumes"] or ()),
        ),
        executed=row["executed"],
        report=None if report is None else report["record"],
    )


_UNDECIDED: Mapping[str, Any] = {"opinion": None, "until": None, "intended": 0, "outcome": None, "reason": None}


def _item(raw: Mapping[str, str], state: Row | Mapping[str, Any]) -> Item:
    opinion = None
    if state["opinion"]:
        opinion = Opinion(state["opinion"], date.fromisoformat(state["until"]) if state["until"] else None)
    return Item(
        record_id=raw["record"],
        version=int(raw["version"]),
        commitment=raw["commitment"],
        record_class=raw["class"],
        issue_id=raw["issue"],
        due=date.fromisoformat(raw["due"]),
        rule=raw["rule"],
        opinion=opinion,
        intended=bool(state["intended"]),
        outcome=state["outcome"],
        reason=state["reason"],
        term=raw.get("term", ""),
        meaning=raw.get("meaning", ""),
        lost=raw.get("lost", ""),
    )


# --- projection -------------------------------------------------------------------------------------------------


def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Orders of destruction, step by step."""
    db, body = workspace.db, entry.body
    if entry.act == "record.filed" and body["class"] == REGISTER_CLASS:
        # The register's record is filed in the batch of its order, right behind it: both stand or neither.
        db.run(
            "UPDATE orders SET register = :record WHERE seq = :before AND register IS NULL",
            {"record": body["record"], "before": entry.seq - 1},
        )
    elif entry.act == "record.filed" and body["class"] == REPORT_CLASS:
        # Likewise the report, behind the opinions that completed the appraisal.
        db.run(
            "INSERT OR REPLACE INTO order_reports (order_id, record) SELECT order_id, :record FROM order_signatures "
            "WHERE seq = :before AND act = 'order.appraised'", {"record": body["record"], "before": entry.seq - 1},
        )
    elif entry.act == "record.destroyed":
        _set_outcome(db, str(body["order"]), [str(body["record"])], "destroyed", None)
    elif entry.act.startswith("order."):
        _apply_order(db, entry)


def _apply_order(db: Database, entry: Entry) -> None:
    body, order_id = entry.body, str(entry.body["order"])
    if "signature" in body:
        statement = _mapping(body, "statement")
        paper, signed_on = _mapping(statement, "paper"), statement.get("signed_on")
        db.insert(
            "order_signatures",
            {"seq": entry.seq, "order_id": order_id, "act": entry.act, "person": body["by"],
             "day": signed_on or entry.time[:10], "signature": body["signature"]},
        )
        if paper:
            db.insert("order_papers", {"seq": entry.seq, "entered_by": body["entered_by"], "paper": paper["record"]})
    if entry.act == "order.proposed":
        _insert_order(db, entry)
    elif entry.act == "order.appraised":
        for record_id, text in _mapping(_mapping(body, "statement"), "opinions").items():
            opinion = parse_opinion(str(text))
            db.run(
                "UPDATE order_items SET opinion = :opinion, until = :until, decided = :seq "
                "WHERE order_id = :order AND record_id = :record",
                {"opinion": opinion.kind, "until": opinion.until.isoformat() if opinion.until else None,
                 "seq": entry.seq, "order": order_id, "record": record_id},
            )
    elif entry.act == "order.withdrawn":
        db.run("UPDATE orders SET withdrawn = :day WHERE order_id = :id", {"day": entry.time[:10], "id": order_id})
    elif entry.act == "order.intended":
        # What an entry of an early version or of another program leaves out is nothing, not an order nobody can read.
        told = {key: _text(body, key) for key in ("place", "method", "actor")}
        notes = {key: _texts(body, key) for key in ("events", "holds", "volumes")}
        paper_method = _text(body, "paper_method") or None
        intent = json.dumps({**told, **notes, "paper_method": paper_method, "stamp": entry.time})
        db.run("UPDATE orders SET intent = :intent WHERE order_id = :id", {"intent": intent, "id": order_id})
        for record_id in _texts(body, "records"):
            db.run(
                "UPDATE order_items SET intended = 1, outcome = NULL, reason = NULL "
                "WHERE order_id = :order AND record_id = :record", {"order": order_id, "record": record_id},
            )
    elif entry.act == "order.refused":
        for record_id, reason in _mapping(body, "records").items():
            _set_outcome(db, order_id, [record_id], "refused", str(reason))
    elif entry.act == "order.failed":
        for record_id, reason in _mapping(body, "records").items():
            _set_outcome(db, order_id, [record_id], "failed", str(reason))
    elif entry.act == "order.executed":
        db.run("UPDATE orders SET executed = :day WHERE order_id = :id", {"day": entry.time[:10], "id": order_id})


def _insert_order(db: Database, entry: Entry) -> None:
    """Raises KeyError, TypeError or ValueError for what could not be read again."""
    body = entry.body
    manifest = _mapping(body, "manifest")
    order_id = str(body["order"])
    if db.one("SELECT 1 AS n FROM orders WHERE order_id = :id", {"id": order_id}) is not None:
        return
    raw_items: Any = manifest["items"]
    items = [_item(raw, _UNDECIDED) for raw in raw_items]
    year, _, serial = order_id[1:].partition("-")
    db.insert(
        "orders",
        {
            "order_id": order_id,
            "year": int(year),
            "serial": int(serial),
            "digest": digest_of(manifest),
            "manifest": json.dumps(manifest),
            "proposer": body["by"],
            "proposed": entry.time[:10],
            "register": None,
            "withdrawn": None,
            "intent": None,
            "executed": None,
            "seq": entry.seq,
        },
    )
    for item in items:
        db.insert("order_items", {"order_id": order_id, "record_id": item.record_id, "decided": None, **_UNDECIDED})


def _set_outcome(
    db: Database, order_id: str, records: Sequence[str], outcome: Outcome, reason: str | None
) -> None:
    for record_id in records:
        db.run(
            "UPDATE order_items SET outcome = :outcome, reason = :reason "
            "WHERE order_id = :order AND record_id = :record",
            {"outcome": outcome, "reason": reason, "order": order_id, "record": record_id},
        )


def _mapping(body: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = body.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(body: Mapping[str, object], key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def _texts(body: Mapping[str, object], key: str) -> list[str]:
    value = body.get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
