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
from recordkit.messages import Message, msg

FILE_NAME = "retention.toml"
PERMANENT = "permanent"


class RecordClass(Struct, frozen=True):
    """One line of the retention schedule.

    Attributes:
        id: stable ASCII id; every form id is one.
        name: Chinese name.
        period: ``permanent``, or a number of years such as ``10y``.
        trigger: ``date`` (the record's own date) or ``event``.
        events: event types that start the period when ``trigger`` is ``event``; the earliest counts... see review.
        start: ``next-january`` (1 January after the trigger, the default) or ``trigger`` (the day itself).
        authority: who set or approved the rule.
        access: ``open`` or ``restricted``.
    """

    id: str
    name: str
    period: str
    trigger: Literal["date", "event"] = "date"
    events: tuple[str, ...] = ()
    start: Literal["next-january", "trigger"] = "next-january"
    authority: str = ""
    note: str = ""
    access: Literal["open", "restricted"] = "open"

    @property
    def years(self) -> int | None:
        """Length of the period in years; None when permanent."""
        return None if self.period == PERMANENT else int(self.period[:-1])

    @property
    def period_code(self) -> str:
        """Code in the archival code: Y for permanent, D30, D10 ... (DA/T 22-2015)."""
        return "Y" if self.years is None else f"D{self.years}"


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
        names = {f"{one.name} ({one.id})": one for one in self.classes.values()}
        import difflib

        near = difflib.get_close_matches(class_id, names, 5, 0.2) or list(names)[:5]
        raise NotFound(
            msg("There is no record class {id}.", id=class_id),
            msg("Near ones are: {classes}. 'recordkit retention schedule show' lists all.", classes=", ".join(near)),
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
    import msgspec

    try:
        plain = tomllib.loads(data.decode("utf-8"))
        if not isinstance(plain.get("classes", []), list):
            raise msgspec.ValidationError("classes must be a list of [[classes]]")
        known = set(RecordClass.__struct_fields__)
        for position, raw in enumerate(plain.get("classes", [])):
            extra = set(raw) - known
            if extra:
                raise msgspec.ValidationError(f"unknown key {', '.join(sorted(extra))} - at `$.classes[{position}]`")
        classes = msgspec.convert(plain.get("classes", []), list[RecordClass])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InputRefused(
            msg("The retention schedule {file} cannot be read: {error}", file=name, error=str(error)),
            msg("Correct the named place; each [[classes]] needs id, name and period."),
        ) from None
    wrong = _first_wrong(classes)
    if wrong is not None:
        raise InputRefused(msg("The retention schedule {file} is wrong: {error}", file=name, error=wrong))
    return Scheme({one.id: one for one in classes}, hashlib.sha256(data).hexdigest())


def _first_wrong(classes: list[RecordClass]) -> Message | None:
    seen: set[str] = set()
    for one in classes:
        if one.id in seen:
            return msg("the class {id} stands twice", id=one.id)
        seen.add(one.id)
        if one.period != PERMANENT and not re.fullmatch(r"[1-9][0-9]{0,2}y", one.period):
            return msg("the period {period} of class {id} is neither 'permanent' nor like '10y'",
                       period=one.period, id=one.id)
        if one.trigger == "event" and not one.events and one.period != PERMANENT:
            return msg("class {id} waits for an event but names none", id=one.id)
    return None
