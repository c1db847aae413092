"""The classification scheme with its retention periods: retention.toml, read once and typed.

The archive needs a class's name, access level and period code for the archival code; what makes a record due is
decided in ``recordkit.retention``.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, listed, msg
from recordkit.tomltold import toml_reason

FILE_NAME = "retention.toml"
PERMANENT = "permanent"


Start = Literal["next-january", "trigger"]
"""When a period starts: on 1 January of the year after its trigger, or on the trigger's own day."""


class RecordClass(Struct, frozen=True):
    """One line of the retention schedule.

    Attributes:
        id: stable ASCII id; every form id is one.
        name: Chinese name.
        period: ``permanent``, a number of years such as ``10y``, or of months such as ``18m``.
        trigger: ``date`` (the record's own date, or its ``field``) or ``event``.
        events: event types that start the period when ``trigger`` is ``event``; the earliest counts... see review.
        start: ``next-january`` (1 January after the trigger, the default) or ``trigger`` (the day itself).
        authority: who set or approved the rule.
        access: ``open`` or ``restricted``.
        field: key of the date field that starts the period when ``trigger`` is ``date``; "" for the record's own date.
        minimum: the listed period that the office may not go below, written as ``period``; "" where none is known.
        inherits: id of the class whose rule this one takes over where it says nothing of its own.
    """

    id: str
    name: str
    period: str
    trigger: Literal["date", "event"] = "date"
    events: tuple[str, ...] = ()
    start: Start = "next-january"
    authority: str = ""
    note: str = ""
    access: Literal["open", "restricted"] = "open"
    field: str = ""
    minimum: str = ""
    inherits: str = ""

    @property
    def months(self) -> int | None:
        """Length of the period in months; None when permanent."""
        return months_of(self.period)

    @property
    def period_code(self) -> str:
        """Code in the archival code: Y for permanent, D30, D10 ... (DA/T 22-2015); M18 for months, which it lacks."""
        return code_of_period(self.period)


def months_of(period: str) -> int | None:
    """``10y`` is 120, ``18m`` is 18, ``permanent`` is None."""
    if period == PERMANENT:
        return None
    return int(period[:-1]) * (12 if period.endswith("y") else 1)


def code_of_period(period: str) -> str:
    """The code of a period, as ``RecordClass.period_code``."""
    if period == PERMANENT:
        return "Y"
    return f"{'D' if period.endswith('y') else 'M'}{period[:-1]}"


class Scheme(Struct, frozen=True):
    """All classes by id. ``digest`` is the SHA-256 of the file, named in manifests."""

    classes: Mapping[str, RecordClass]
    digest: str

    def get(self, class_id: str) -> RecordClass:
        """The class of this id or Chinese name.

        Raises:
            NotFound: the scheme has none of that id.
        """
        for one in self.classes.values():
            if class_id in (one.id, one.name):
                return one
        told = {name: f"{one.name} ({one.id})" for one in self.classes.values() for name in (one.name, one.id)}
        import difflib

        # Name and id apart: beside an id behind it, 来文 is no longer near to 来函.
        found = difflib.get_close_matches(class_id, told, 10, 0.2) or list(told)
        near = list(dict.fromkeys(told[name] for name in found))[:5]
        raise NotFound(
            msg("There is no record class {id}.", id=class_id),
            msg("Near ones are: {classes}. 'recordkit retention schedule show' lists all.", classes=listed(near)),
        )


def load_scheme(root: Path) -> Scheme:
    """Read ``retention.toml`` of the store at ``root``.

    Raises:
        NotFound: the store has none.
        InputRefused: unreadable, or a class is wrong; all findings are named.
    """
    path = root / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            msg("The store has no retention schedule {file}.", file=str(path)),
            msg("Restore it from a backup; without it nothing can be filed or reviewed."),
        ) from None
    return parse_scheme(data, str(path))


@lru_cache(maxsize=4)
def parse_scheme(data: bytes, name: str) -> Scheme:
    """Parse a schedule; ``name`` appears in messages.

    Raises:
        InputRefused: see ``load_scheme``.
    """
    draft = read_draft(data, name)
    if draft.faults:
        fault = draft.faults[0]
        raise InputRefused(
            msg("The retention schedule {file} is wrong at {place}: {error}", file=name, place=fault.place,
                error=fault.message),
            msg("'recordkit retention schedule check {file}' names everything that is wrong with it.", file=name),
        )
    return Scheme({one.id: one for one in draft.classes}, hashlib.sha256(data).hexdigest())


class Fault(Struct, frozen=True):
    """Something for which a schedule cannot be used.

    Attributes:
        code: code word.
        number: which [[classes]] it is, from 1; ``line`` that of its head in the file, None where none could be found.
        class_id: of the entry, "" where it has none.
    """

    code: str
    number: int
    line: int | None
    class_id: str
    message: Message

    @property
    def place(self) -> Message:
        """Where to look."""
        return place_of(self.number, self.line)


class Draft(Struct, frozen=True):
    """A schedule as it was written, right or wrong.

    Attributes:
        classes: those entries that can be read, what they inherit filled in, in the order of the file.
        lines: line of each entry's head by class id, as far as it could be found.
        numbers: position of each entry by class id, from 1.
        own: what each entry says itself, by class id.
        faults: what forbids its use.
    """

    classes: tuple[RecordClass, ...]
    lines: Mapping[str, int]
    numbers: Mapping[str, int]
    own: Mapping[str, Mapping[str, object]]
    faults: tuple[Fault, ...]


def place_of(number: int, line: int | None) -> Message:
    """Where an entry of the schedule stands, for people."""
    if line is None:
        return msg("entry {number}", number=number)
    return msg("line {line} (entry {number})", line=line, number=number)


INHERITED = ("period", "trigger", "events", "field", "start", "authority", "minimum")
"""What a class takes over from the one that it ``inherits`` unless it says it itself."""


def read_draft(data: bytes, name: str) -> Draft:
    """Read a schedule with everything that is wrong in it; ``name`` appears in messages.

    Raises:
        InputRefused: it is no TOML in UTF-8, or has no list of [[classes]].
    """
    import msgspec

    todo = msg("Correct the named place; each [[classes]] needs id, name and period.")
    try:
        text = data.decode("utf-8-sig")
        plain = tomllib.loads(text)
    except UnicodeDecodeError:
        raise InputRefused(
            msg("The retention schedule {file} cannot be read: {error}", file=name,
                error=msg("it is not written in UTF-8")),
            msg("Save it again as UTF-8; in Notepad: Save as, encoding UTF-8."),
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise InputRefused(
            msg("The retention schedule {file} cannot be read: {error}", file=name, error=toml_reason(error)), todo
        ) from None
    raws = plain.get("classes", [])
    if not isinstance(raws, list) or not all(isinstance(raw, dict) for raw in raws):
        raise InputRefused(msg("The retention schedule {file} cannot be read: {error}", file=name,
                               error=msg("classes must be a list of [[classes]]")), todo)
    heads = [text.count("\n", 0, found.start()) + 1 for found in re.finditer(_HEAD, text)]
    lines: list[int | None] = list(heads) if len(heads) == len(raws) else [None] * len(raws)
    own: dict[str, Mapping[str, object]] = {}
    for raw in raws:
        own.setdefault(str(raw.get("id", "")), raw)
    faults: list[Fault] = []
    classes: dict[str, RecordClass] = {}
    numbers: dict[str, int] = {}
    for number, (raw, line) in enumerate(zip(raws, lines, strict=True), 1):
        class_id = str(raw.get("id", ""))
        found = _entry_fault(raw, own, number if class_id in classes else 0)
        if found is None:
            try:
                one = msgspec.convert(_with_inherited(raw, own), RecordClass)
                found = _class_fault(one)
            except msgspec.ValidationError as error:
                found = "unreadable", msg("it cannot be read: {error}", error=str(error))
        if found is not None:
            faults.append(Fault(found[0], number, line, class_id, found[1]))
        else:
            classes[one.id], numbers[one.id] = one, number
    placed = {one: line for one, number in numbers.items() if (line := lines[number - 1]) is not None}
    return Draft(tuple(classes.values()), placed, numbers, own, tuple(faults))


_HEAD = r"(?m)^[ \t]*\[\[[ \t]*classes[ \t]*\]\]"
_PERIOD = r"[1-9][0-9]{0,2}y|[1-9][0-9]{0,3}m"
_FIELD = r"[a-z][a-z0-9_]*"


def _with_inherited(raw: Mapping[str, object], own: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    parent = own.get(str(raw.get("inherits", "")))
    if not raw.get("inherits") or parent is None:
        return dict(raw)
    above = _with_inherited(parent, own)
    return {**{key: above[key] for key in INHERITED if key in above}, **raw}


def _entry_fault(
    raw: Mapping[str, object], own: Mapping[str, Mapping[str, object]], again: int
) -> tuple[str, Message] | None:
    """What is wrong with an entry before it is typed; ``again`` is not 0 where its class was defined before."""
    class_id = str(raw.get("id", ""))
    unknown = sorted(set(raw) - set(RecordClass.__struct_fields__))
    if unknown:
        return "unknown-key", msg("unknown key {keys}", keys=", ".join(unknown))
    if not class_id:
        return "rule-without-class", msg("a rule without a class: it has no id")
    if again:
        return "two-rules", msg("the class {id} stands twice", id=class_id)
    seen, one = [class_id], raw
    while parent := str(one.get("inherits", "")):
        if parent not in own:
            return "rule-without-class", msg("class {id} inherits from {parent}, which is not there", id=class_id,
                                             parent=parent)
        if parent in seen:
            return "inherits-itself", msg("class {id} inherits from itself, by way of {parent}", id=class_id,
                                          parent=" -> ".join([*seen[1:], parent]))
        seen.append(parent)
        one = own[parent]
    if not _with_inherited(raw, own).get("period"):
        return "class-without-rule", msg("class {id} has no period and inherits none", id=class_id)
    return None


def _class_fault(one: RecordClass) -> tuple[str, Message] | None:
    for period in filter(None, (one.period, one.minimum)):
        if period != PERMANENT and not re.fullmatch(_PERIOD, period):
            return "no-period", msg("the period {period} of class {id} is neither 'permanent' nor like '10y' or '18m'",
                                    period=period, id=one.id)
    if one.trigger == "event" and not one.events and one.period != PERMANENT:
        return "unreachable-trigger", msg("class {id} waits for an event but names none", id=one.id)
    if one.field and not re.fullmatch(_FIELD, one.field):
        return "no-field", msg("{field} of class {id} is no key of a field", field=one.field, id=one.id)
    return None
