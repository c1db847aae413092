"""A rehearsed act told as a plan: what the ledger would get, in words, with codes and numbers instead of ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recordkit.cli.i18n import tr
from recordkit.cli.plans import Step, close_plan, plain_steps, print_plan
from recordkit.cli.words import OF_VOLUMES, act_name, kind_names
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    from recordkit.cli.base import App
    from recordkit.retention.order_state import Order
    from recordkit.workspace import Rehearsed, Workspace

Body = Mapping[str, Any]


def print_rehearsed(app: App, workspace: Workspace, rehearsed: Rehearsed, also: Sequence[Step] = ()) -> None:
    """The plan of an act that has passed every check; ``also``: what is done behind it."""
    told = _Teller(workspace, rehearsed.notes)
    steps = [step for act in rehearsed.acts for step in told.steps(act.name, act.body)]
    steps += also
    if app.json:
        app.print_json({"dry_run": True, "acts": [act.name for act in rehearsed.acts], "items": plain_steps(steps),
                        "total": len(steps)})
        close_plan(app)
        return
    app.say(msg("Every check passed. This would be done:"))
    print_plan(app, steps)


class _Teller:
    """Acts as steps; what the person at hand may not see is not told."""

    def __init__(self, workspace: Workspace, notes: Mapping[str, Mapping[str, object]]) -> None:
        from recordkit.archive.access import clearance_of

        self._workspace = workspace
        self._notes = notes
        self._clearance = clearance_of(workspace)
        self._opened: dict[str, str] = {}
        self._signed: Counter[str] = Counter()

    def steps(self, act: str, body: Body) -> Iterator[Step]:
        """The steps of one act."""
        tellers: Mapping[str, Callable[[Body], Iterator[Step]]] = {
            "hold.placed": self._hold_placed, "hold.extended": self._hold_extended,
            "hold.released": self._hold_released, "event.added": self._event_added,
            "event.withdrawn": self._event_withdrawn, "event.declined": self._event_declined,
            "box.placed": self._box_placed, "box.forgotten": self._box_forgotten,
            "volume.opened": self._volume_opened, "volume.filed": self._volume_filed,
            "volume.taken-out": self._volume_taken_out, "volume.noted": self._volume_noted,
            "volume.closed": self._volume_closed, "volume.reopened": self._volume_reopened,
            "issue.voided": self._issue_voided, "person.added": self._person, "person.revoked": self._person,
            "order.appraised": self._order_appraised, "order.approved": self._order_approved,
            "order.signed": self._order_signed, "order.completed": self._order_completed,
            "order.withdrawn": self._order_withdrawn, "handover.accepted": self._handover_accepted,
            "handover.withdrawn": self._handover_withdrawn, "record.filed": self._record_filed,
        }
        if act in tellers:
            yield from tellers[act](body)
        else:
            for on, told in self._objects(act, body):
                yield Step(msg(act_name(act)), on, told)

    # --- records, accounts, and whatever else an act is about --------------------------------------------------------

    def _record(self, record_id: object) -> tuple[str, str | Message]:
        from recordkit.archive.access import seen_title
        from recordkit.archive.catalogue import get_record

        record = get_record(self._workspace.db, str(record_id))
        return (str(record_id), "") if record is None else (record.code, seen_title(record, self._clearance))

    def _covered(self, body: Body, account: object = None) -> Iterator[tuple[str, str | Message]]:
        """Each record of the body, or its account."""
        if isinstance(body.get("records"), Mapping):
            for record_id in body["records"]:
                yield self._record(record_id)
        else:
            account = self._note(body, "account_note").get("account") or account
            yield (tr("account {account}").format(account=account) if account else ""), ""

    def _note(self, body: Body, key: str = "note") -> Mapping[str, object]:
        return self._notes.get(str(body.get(key)), {})

    def _objects(self, act: str, body: Body) -> Iterator[tuple[str, str | Message]]:
        """Each record of an act, or the one thing that it is about."""
        if body.get("records"):
            yield from map(self._record, body["records"])
        else:
            yield self._object(act, body)

    def _object(self, act: str, body: Body) -> tuple[str, str | Message]:
        if body.get("record"):
            return self._record(body["record"])
        if body.get("issue"):
            return self._issue(body)
        for key in ("order", "handover", "hold", "event", "box", "loss"):
            if body.get(key):
                return str(body[key]), ""
        return ("retention.toml", "") if act == "schedule.adopted" else \
            ("recordkit.toml", "") if act.startswith("settings.") else ("", "")

    # --- holds and events --------------------------------------------------------------------------------------------

    def _hold_placed(self, body: Body) -> Iterator[Step]:

        what = msg("Place a hold ({kind})", kind=kind_names().get(str(body["kind"]), str(body["kind"])))
        until = body.get("until")
        for on, told in self._covered(body):
            yield Step(what, on, told, None, msg("to be looked at again by {until}", until=until) if until else None)

    def _hold_extended(self, body: Body) -> Iterator[Step]:
        from recordkit.retention.holds import find_hold

        yield Step(msg("Set another day for the hold"), str(body["hold"]), "",
                   find_hold(self._workspace, str(body["hold"])).until or msg("no day"), body["until"] or msg("no day"))

    def _hold_released(self, body: Body) -> Iterator[Step]:
        from recordkit.retention.holds import find_hold

        hold = find_hold(self._workspace, str(body["hold"]))
        what = msg("Release hold {hold} ({kind})", hold=hold.hold_id, kind=kind_names().get(hold.kind, hold.kind))
        account = hold.account if self._clearance.full else None
        for on, told in self._covered(body, account):
            yield Step(what, on, told)

    def _event_added(self, body: Body) -> Iterator[Step]:
        from recordkit.retention.events import find_event

        name = self._event_name(body["type"])
        if body.get("replaces"):
            old = find_event(self._workspace.db, str(body["replaces"]))
            yield Step(msg("Correct the event"), old.event_id, "", f"{self._event_name(old.type)} {old.date}",
                       f"{name} {body['date']}")
            return
        for on, told in self._covered(body):
            yield Step(msg("Enter the event {name}", name=name), on, told, None, body["date"])

    def _event_withdrawn(self, body: Body) -> Iterator[Step]:
        from recordkit.retention.events import find_event

        old = find_event(self._workspace.db, str(body["event"]))
        yield Step(msg("Withdraw the event"), old.event_id, f"{self._event_name(old.type)} {old.date}",
                   msg("in force"), msg("withdrawn"))

    def _event_declined(self, body: Body) -> Iterator[Step]:
        yield Step(msg("Reject the proposed event {name}", name=self._event_name(body["type"])),
                   *self._record(body["record"]))

    def _event_name(self, code: object) -> str:
        from recordkit.retention.schedule import event_name

        return event_name(str(code)).render(tr)

    # --- boxes and volumes -------------------------------------------------------------------------------------------

    def _box_placed(self, body: Body) -> Iterator[Step]:
        yield Step(msg("Say where the box stands"), str(body["box"]), "", self._shelf(body) or msg("nobody has said"),
                   self._note(body).get("shelf"))

    def _box_forgotten(self, body: Body) -> Iterator[Step]:
        yield Step(msg("Take the empty box off the list"), str(body["box"]), "", self._shelf(body) or "",
                   msg("nowhere"))

    def _shelf(self, body: Body) -> str | None:
        from recordkit.archive.boxes import place_of

        place = place_of(self._workspace.db, str(body["box"]))
        return None if place is None else place.shelf

    def _volume_opened(self, body: Body) -> Iterator[Step]:
        self._opened[str(body["volume"])] = str(body["code"])
        yield Step(msg("Open a volume"), str(body["code"]), str(self._note(body).get("title") or ""))

    def _volume_filed(self, body: Body) -> Iterator[Step]:
        code, _ = self._volume(body)
        for record_id in body["records"]:
            yield Step(msg("Put into volume {volume}", volume=code), *self._record(record_id))

    def _volume_taken_out(self, body: Body) -> Iterator[Step]:
        code, _ = self._volume(body)
        for record_id in body["records"]:
            yield Step(msg("Take out of volume {volume}", volume=code), *self._record(record_id))

    def _volume_closed(self, body: Body) -> Iterator[Step]:
        yield Step(msg("Close the volume"), *self._volume(body), msg("open volume"), msg("closed volume"))
        yield from self._volume_noted(body)

    def _volume_reopened(self, body: Body) -> Iterator[Step]:
        yield Step(msg("Open the volume again"), *self._volume(body), msg("closed volume"), msg("open volume"))

    def _volume_noted(self, body: Body) -> Iterator[Step]:
        from recordkit.archive.volumes import find_volume

        volume = find_volume(self._workspace, str(body["volume"]))
        for key, value in self._note(body).items():
            if key in OF_VOLUMES:
                old = volume.title if key == "title" else getattr(volume.remarks, key)
                yield Step(msg("Set {field} of the volume", field=msg(OF_VOLUMES[key])), volume.code, "",
                           old if self._clearance.full or not volume.restricted else msg("(restricted)"), value)

    def _volume(self, body: Body) -> tuple[str, str | Message]:
        from recordkit.archive.volumes import find_volume, seen_volume_title

        volume_id = str(body["volume"])
        if volume_id in self._opened:
            return self._opened[volume_id], ""
        volume = find_volume(self._workspace, volume_id)
        return volume.code, seen_volume_title(volume, self._clearance)

    # --- documents, people, orders -----------------------------------------------------------------------------------

    def _issue_voided(self, body: Body) -> Iterator[Step]:
        from recordkit.templates.issue import find_issue

        status = find_issue(self._workspace.db, str(body["issue"])).status
        yield Step(msg("Make the document void; its number stays used"), *self._issue(body), msg(status), msg("void"))

    def _issue(self, body: Body) -> tuple[str, str | Message]:
        from recordkit.archive.access import IssueShield
        from recordkit.templates.issue import find_issue

        issue = find_issue(self._workspace.db, str(body["issue"]))
        return issue.number, "" if IssueShield(self._workspace).hides(issue) else issue.title

    def _person(self, body: Body) -> Iterator[Step]:
        from recordkit.people import find_person

        said = body["statement"]
        if said["act"] == "person.added":
            roles = tr(", ").join(tr(str(role)) for role in said["roles"])
            yield Step(msg("Register"), str(said["id"]), str(said["name"]), None, roles)
            return
        name = find_person(self._workspace.db, str(said["id"])).name
        yield Step(msg("Revoke"), str(said["id"]), name, msg("in office"), msg("revoked person"))

    def _order_appraised(self, body: Body) -> Iterator[Step]:
        from recordkit.retention.order_state import find_order

        before = {item.record_id: item.opinion for item in
                  find_order(self._workspace.db, str(body["order"])).items}
        for record_id, opinion in body["statement"]["opinions"].items():
            old = before.get(record_id)
            yield Step(msg("Enter the opinion"), *self._record(record_id), None if old is None else _opinion(str(old)),
                       _opinion(str(opinion)))

    def _order_approved(self, body: Body) -> Iterator[Step]:
        order = self._order(body)
        yield Step(msg("Approve the destruction of {count} record(s)", count=len(order.doomed)), order.order_id,
                   self._name(body["by"]), msg("appraised"), msg("approved"))

    def _order_signed(self, body: Body) -> Iterator[Step]:
        yield self._signature(msg("Sign as a supervisor before the destruction"), "order.signed", body)

    def _order_completed(self, body: Body) -> Iterator[Step]:
        yield self._signature(msg("Sign the outcome of the destruction"), "order.completed", body)

    def _signature(self, what: Message, act: str, body: Body) -> Step:
        """One signature of several: how many there are before it, and with it."""
        order = self._order(body)
        before = len(set(order.signers(act))) + self._signed[act]
        self._signed[act] += 1
        needed = self._workspace.settings.destruction.supervisors
        return Step(what, order.order_id, self._name(body["by"]),
                    *(msg("{count} of {needed} signatures", count=count, needed=needed)
                      for count in (before, before + 1)))

    def _order_withdrawn(self, body: Body) -> Iterator[Step]:
        order = self._order(body)
        status = order.status(self._workspace.settings.destruction.supervisors)
        yield Step(msg("Withdraw the order; its {count} record(s) may go into another one", count=len(order.items)),
                   order.order_id, "", msg(status), msg("withdrawn"))

    def _order(self, body: Body) -> Order:
        from recordkit.retention.order_state import find_order

        return find_order(self._workspace.db, str(body["order"]))

    def _name(self, person: object) -> str:
        from recordkit.people import find_person

        return find_person(self._workspace.db, str(person)).name

    def _handover_accepted(self, body: Body) -> Iterator[Step]:
        yield Step(msg("Accept the handover"), str(body["handover"]), self._name(body["by"]), msg("proposed"),
                   msg("accepted"))

    def _handover_withdrawn(self, body: Body) -> Iterator[Step]:
        yield Step(msg("Withdraw the handover"), str(body["handover"]), "", msg("proposed"), msg("withdrawn"))

    def _record_filed(self, body: Body) -> Iterator[Step]:
        from recordkit.archive.classes import load_scheme

        known = load_scheme(self._workspace.root).classes
        found = known.get(str(body["class"]))
        yield Step(msg("File as a record"), str(body["code"]), str(body["class"]) if found is None else found.name)


def _opinion(text: str) -> Message:
    kind, _, until = text.partition(":")
    return msg("extended to {date}", date=until) if kind == "extend" else msg(kind)
