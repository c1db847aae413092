"""The archival code (档号) of an item, from the office's template, and the item numbers (件号) that it runs on.

DA/T 22-2015, 5.4 (全宗号-档案门类代码·年度-保管期限代码-机构代码-件号) is the default; DA/T 13-2022 by item is
全宗号-类别号-件号. "-" joins levels, "·" parts of a level. A code is given once: the *scope* is the code without its
item number, the catalogue knows the last number used in each scope, and what another template, or an inherited
catalogue, has given already is passed over. Whatever the template becomes, no code is given twice and none changes.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from recordkit.archive_settings import LONGEST_VALUE, CodePart, code_parts
from recordkit.db import Database
from recordkit.errors import InputRefused
from recordkit.messages import Message, msg
from recordkit.model import as_printed, same_code
from recordkit.settings import Settings

LONGEST = 200
"""Characters that a code may have, an inherited one too."""
_NO_SERIAL = "0000"
"""Stands in a scope where the item number stands in a code."""
_LONGEST_SERIAL = 9
_SHAPES = {"year": r"[0-9]{4}", "period": r"(?:Y|[DM][1-9][0-9]{0,3})"}


class CodePlace(Struct, frozen=True):
    """Where a code stands among the others: its scope, and its item number there; 0 when it has none."""

    scope: str
    serial: int


class CodeTemplate:
    """How the codes of a store are made now. Codes given earlier, or elsewhere, may look otherwise."""

    def __init__(self, parts: tuple[CodePart, ...], values: Mapping[str, str], class_codes: Mapping[str, str]) -> None:
        """``values``: fonds, category and office as they stand in a code."""
        self._parts = parts
        self._values = values
        self._classes = class_codes

    @classmethod
    def of(cls, settings: Settings) -> CodeTemplate:
        """That of a store.

        Raises:
            InputRefused: the settings were not read from a file, and the template is none.
        """
        archive = settings.archive
        parts = code_parts(archive.code)
        if parts is None:
            raise InputRefused(msg("The template of the archival code cannot be read: {code}", code=archive.code))
        values = {"fonds": archive.fonds, "category": archive.category, "office": settings.company.office_code}
        return cls(parts, values, archive.class_codes)

    def code(self, *, record_class: str, year: int, period: str, serial: int) -> str:
        """The code of an item; ``record_class`` is the id of its class, ``period`` its code (Y, D30, D10)."""
        return self._filled(record_class, year, period, f"{serial:0{self.width}}")

    def scope(self, *, record_class: str, year: int, period: str) -> str:
        """Within what item numbers run; another width of the number in the template is not another scope."""
        return self._filled(record_class, year, period, _NO_SERIAL)

    def matches(self, code: str) -> bool:
        """Whether a code is well-formed by this template: signs, order, kinds of parts, width of the item number."""
        return len(code) <= LONGEST and self._pattern.fullmatch(code) is not None

    def place(self, code: str) -> CodePlace:
        """Where any code stands: by this template, else by the last run of digits in it."""
        found = self._pattern.fullmatch(code) if len(code) <= LONGEST else None
        if found is None:
            found = _LAST_NUMBER.fullmatch(code)
        if found is None or len(found["seq"]) > _LONGEST_SERIAL:
            return CodePlace(code, 0)
        return CodePlace(code[: found.start("seq")] + _NO_SERIAL + code[found.end("seq"):], int(found["seq"]))

    def own_serial(self, code: str) -> str | None:
        """The item number as it is written in a code that stands in a scope of this template; None for any other.

        However wide it is: what follows the highest one is the next number that is given here.
        """
        found = self._pattern.fullmatch(code) or _LAST_NUMBER.fullmatch(code) if len(code) <= LONGEST else None
        if found is None:
            return None
        usual = f"{code[:found.start('seq')]}{1:0{self.width}}{code[found.end('seq'):]}"
        return found["seq"] if self._pattern.fullmatch(usual) else None

    @property
    def width(self) -> int:
        """Digits of an item number."""
        return next(part.width for part in self._parts if part.kind == "seq")

    def _filled(self, record_class: str, year: int, period: str, serial: str) -> str:
        values = {**self._values, "class": self._classes.get(record_class, record_class), "year": f"{year:04}",
                  "period": period, "seq": serial}
        return "".join(part.text if part.kind == "text" else values[part.kind] for part in self._parts)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        written = "".join(part.text for part in self._parts if part.kind == "text")
        signs = re.escape("".join({one for one in written if not one.isalnum()} | set("-·{}")))
        other = rf"[^\s{signs}]{{1,{LONGEST_VALUE}}}"
        shapes: list[str] = []
        seen: set[str] = set()
        for part in self._parts:
            kind = part.kind
            if kind == "text":
                shapes.append(re.escape(part.text))
            elif kind in seen:
                shapes.append(f"(?P={kind})")
            elif kind == "seq":
                # Beyond its width a number grows; 00012 beside 0012 would be the same one twice.
                shapes.append(rf"(?P<seq>[0-9]{{{part.width}}}|[1-9][0-9]{{{part.width},}})")
            elif kind in _SHAPES:
                shapes.append(rf"(?P<{kind}>{_SHAPES[kind]})")
            else:
                # A value of the office's own may hold a sign: the class meter-change-notice.
                own = self._classes.values() if kind == "class" else (self._values[kind],)
                known = "|".join(map(re.escape, own))
                free = r"[^\s{}]{1,40}?" if kind == "class" else other
                shapes.append(f"(?P<{kind}>{known + '|' if known else ''}{free})")
            seen.add(kind)
        return re.compile("".join(shapes))


_LAST_NUMBER = re.compile(r".*?(?P<seq>[0-9]+)[^0-9]*", re.DOTALL)


class Numbering:
    """Codes for the records of one batch, under the lock of the writer: none that was ever given, here or elsewhere."""

    def __init__(self, db: Database, template: CodeTemplate) -> None:
        """Begin a batch."""
        self._db = db
        self._template = template
        self._next: dict[str, int] = {}
        self._given: set[str] = set()

    def code_of(self, inherited: str | None, record_class: str, year: int, period: str) -> tuple[str, CodePlace]:
        """The inherited code as it is, or the next one of ours; raises as ``take`` does."""
        if inherited is not None:
            return inherited, self.take(inherited)
        return self.allot(record_class, year, period)

    def allot(self, record_class: str, year: int, period: str) -> tuple[str, CodePlace]:
        """The next code of a lowest class, and its place."""
        scope = self._template.scope(record_class=record_class, year=year, period=period)
        serial = self._next.get(scope) or next_serial(self._db, scope)
        while True:
            code = self._template.code(record_class=record_class, year=year, period=period, serial=serial)
            if code not in self._given and not is_taken(self._db, code):
                break
            serial += 1
        self._next[scope] = serial + 1
        self._given.add(code)
        return code, CodePlace(scope, serial)

    def take(self, code: str) -> CodePlace:
        """Take an inherited code as it is; its place, past which this batch goes on.

        Raises:
            InputRefused: a record of the archive, destroyed ones too, or of this batch has the code.
        """
        if code in self._given or is_taken(self._db, code):
            raise InputRefused(msg("The archival code {code} is given to another record.", code=code),
                               msg("An archival code stands for one item for ever."))
        if (named := no_code(self._db, code)) is not None:
            raise InputRefused(msg("{what} It cannot be an archival code, too.", what=named),
                               msg("An archival code stands for one item for ever."))
        place = self._template.place(code)
        self._given.add(code)
        known = self._next.get(place.scope) or next_serial(self._db, place.scope)
        self._next[place.scope] = max(known, place.serial + 1)
        return place


def is_taken(db: Database, code: str) -> bool:
    """Whether a record has this code, or had it when it was destroyed, or a volume has it."""
    return db.one("SELECT 1 FROM records WHERE code = :code UNION ALL SELECT 1 FROM volumes WHERE code = :code",
                  {"code": code}) is not None


def named_already(db: Database, name: str) -> Message | None:
    """What else a name stands for already, which nobody may give to a record; None when nothing.

    Asked of codes and document numbers that come from elsewhere: who names a record by its number must not hit another
    one. A name of ours is the id of a record or volume, an archival code of either, or the number of a document that
    was issued here.
    """
    row = db.one(
        "SELECT code AS found, 'record' AS kind FROM records WHERE record_id = :name OR code = :name "
        "UNION ALL SELECT code, 'volume' FROM volumes WHERE volume_id = :name OR code = :name "
        "UNION ALL SELECT number, 'document' FROM issues WHERE issue_id = :name OR number IN (:name, :printed)",
        {"name": name.strip(), "printed": as_printed(name)})
    if row is None:
        return None
    if row["kind"] == "document":
        return msg("{name} is the number of a document that was issued here ({found}).", name=name, found=row["found"])
    if row["kind"] == "volume":
        return msg("{name} names the volume {found}.", name=name, found=row["found"])
    return msg("{name} names the record {found}.", name=name, found=row["found"])


def no_code(db: Database, name: str) -> Message | None:
    """Why a name that comes from elsewhere cannot be an archival code: it names something else; None when it can.

    Besides what ``named_already`` says these are the numbers of records, also those that were not issued here, and the
    codes that records had in the archive that they are from: whoever asks for such a name means that record.
    """
    if (named := named_already(db, name)) is not None:
        return named
    row = db.one("SELECT code FROM records WHERE number IN (:name, :printed) "
                 "UNION ALL SELECT code FROM records WHERE origin = :name",
                 {"name": name.strip(), "printed": as_printed(name)})
    return None if row is None else msg("{name} names the record {found}.", name=name, found=row["code"])


class LookAlikes:
    """Codes of the archive that differ from another one in what nobody sees: width, case, dot, dash, leading zeros."""

    def __init__(self, db: Database, template: CodeTemplate) -> None:
        """The scopes are read at the first question, and once."""
        self._db = db
        self._template = template

    def of(self, code: str) -> str | None:
        """One that looks like ``code`` and is not the same; None where there is none."""
        place = self._template.place(unicodedata.normalize("NFKC", code))
        for scope in self._scopes.get(same_code(place.scope), ()):
            for row in self._db.all("SELECT code FROM records WHERE scope = :scope AND serial = :serial",
                                    {"scope": scope, "serial": place.serial}):
                if row["code"] != code and same_code(row["code"]) == same_code(code):
                    return str(row["code"])
        return None

    @cached_property
    def _scopes(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in self._db.all("SELECT scope FROM code_serials"):
            found.setdefault(same_code(row["scope"]), []).append(row["scope"])
        return found


def next_serial(db: Database, scope: str) -> int:
    """The item number (件号) that follows the highest one ever used in ``scope``."""
    row = db.one("SELECT last FROM code_serials WHERE scope = :scope", {"scope": scope})
    return 1 if row is None else int(row["last"]) + 1


class Gap(Struct, frozen=True):
    """Item numbers of a scope that no record has, from ``first`` to ``last``, both included.

    ``after`` and ``before`` are the codes beside them; ``after`` is "" where the numbers below the first one lack.
    ``lost``: the number behind them was given here, the one before it therefore as well, and no record has it. Else an
    inherited catalogue left them out, or the record behind them is destroyed and does not say where its code is from.
    """

    scope: str
    first: int
    last: int
    after: str
    before: str
    lost: bool

    def code(self, serial: int) -> str:
        """The code that a record of this number would have, written as the one behind the gap is."""
        return _with_serial(self.before, self.last + 1, serial)

    @property
    def count(self) -> int:
        """How many numbers."""
        return self.last - self.first + 1


def _with_serial(code: str, known: int, serial: int) -> str:
    """``code``, which has the item number ``known``, with another one in its place and of its width."""
    for found in reversed(list(re.finditer("[0-9]+", code))):
        if int(found[0]) == known:
            return f"{code[:found.start()]}{serial:0{len(found[0])}}{code[found.end():]}"
    return code


def find_gaps(db: Database, *, year: int | None = None, record_class: str | None = None) -> Iterator[Gap]:
    """Item numbers that no record, in force or destroyed, has, by scope and number.

    ``year`` and ``record_class`` choose the scopes in which such a record stands; each of them is looked at as a whole,
    for several classes share the numbers of a scope. What lies behind the last number is no gap, nor what lies before
    the first one of an inherited catalogue, which need not begin at 1.
    """
    for scope in _scopes(db, year, record_class):
        yield from _gaps_of(db, scope)


def _scopes(db: Database, year: int | None, record_class: str | None) -> list[str]:
    return [row["scope"] for row in db.all(
        "SELECT scope FROM code_serials WHERE :year IS NULL AND :class IS NULL OR scope IN (SELECT scope FROM "
        "record_tallies WHERE (:year IS NULL OR year = :year) AND (:class IS NULL OR record_class = :class)) "
        "ORDER BY scope", {"year": year, "class": record_class})]


def _is_ours(db: Database, scope: str, serial: int) -> bool | None:
    """Whether this archive gave the number itself; None where only destroyed records have it, which do not say."""
    rows = db.all("SELECT status, metadata FROM records WHERE scope = :scope AND serial = :serial",
                  {"scope": scope, "serial": serial})
    known = [json.loads(row["metadata"]).get("inherited") is None for row in rows if row["status"] == "active"]
    return any(known) if known else None


def _gaps_of(db: Database, scope: str) -> Iterator[Gap]:
    def code_of(serial: int) -> str:
        (row,) = db.all("SELECT min(code) AS code FROM records WHERE scope = :scope AND serial = :serial",
                        {"scope": scope, "serial": serial})
        return str(row["code"])

    # Most scopes run on from 1: that is told by the index alone, without a look at each number here.
    whole = db.one("SELECT count(*) AS n, min(serial) AS low, max(serial) AS high FROM (SELECT DISTINCT serial FROM "
                   "records WHERE scope = :scope AND serial > 0)", {"scope": scope})
    if whole is None or not whole["n"] or whole["low"] == 1 and whole["high"] == whole["n"]:
        return
    last = 0
    # Only what the index holds: the records themselves are a hundred times as wide.
    while rows := db.all(
        "SELECT DISTINCT serial FROM records WHERE scope = :scope AND serial > :last ORDER BY serial LIMIT 10000",
        {"scope": scope, "last": last}
    ):
        for row in rows:
            serial = int(row["serial"])
            if serial > last + 1:
                ours = _is_ours(db, scope, serial)
                if last or ours is not False:
                    before = code_of(serial)
                    # A code that another template gave is passed over.
                    lost = ours is True and not is_taken(db, _with_serial(before, serial, serial - 1))
                    yield Gap(scope, last + 1, serial - 1, code_of(last) if last else "", before, lost)
            last = serial
