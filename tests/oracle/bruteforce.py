"""What a search means, written a second time and as plainly as possible, without grams and without an index.

The simplified forms of the characters that occur in the test records are listed by hand, so that a fault in the
shipped table is seen here; so are the weights of the fields.

A query is a tree of tuples::

    ("term", field or None, text as typed, begins, ends, fuzzy)
    ("dated", since or None, until or None)      ("is", keyword, value)      ("among", ids)      ("everything",)
    ("and" | "or", part, part, ...)      ("not", part)
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

SIMPLIFIED = dict(
    zip("戶號錶單電話區張陳劉廠為灣蘇閥門長興讀壓湯", "户号表单电话区张陈刘厂为湾苏阀门长兴读压汤", strict=True)
)
BRACKETS = "()[]〔〕【】〖〗"
WEIGHTS = {
    "title": 16, "number": 16, "code": 16, "party": 16, "account": 12, "meters": 12, "address": 8, "phone": 8,
    "fields": 4, "pinyin": 2, "pages": 1,
}  # fmt: skip

Tree = tuple[object, ...]


def is_chinese(char: str) -> bool:
    return "\u2e80" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff"


def separates_words(char: str) -> bool:
    return char.isalnum() and not is_chinese(char)


def normal_form(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    chars = [SIMPLIFIED.get(char, char) for char in text]
    chars = ["〔" if char in BRACKETS else char for char in chars]
    chars = [char for char in chars if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf")]
    words = "".join(chars).replace("〔", " 〔 ").split()
    out = ""
    after_bracket = True
    for word in words:
        if word == "〔":
            after_bracket = True
            continue
        if not after_bracket and (separates_words(out[-1]) or separates_words(word[0])):
            out += " "
        out += word
        after_bracket = False
    return out


@dataclass(frozen=True)
class Record:
    record_id: str
    date: str
    fields: dict[str, tuple[str, ...]]
    pages: tuple[str, ...]
    code: str = ""
    form_fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keywords: dict[str, str] = field(default_factory=dict)


def stands(term: str, value: str, begins: bool, ends: bool, fuzzy: bool) -> bool:
    if not fuzzy:
        return (not begins or value.startswith(term)) and (not ends or value.endswith(term)) and (
            value == term or not (begins and ends))
    return nearly(term, begins, ends).search(value) is not None


@cache
def nearly(term: str, begins: bool, ends: bool) -> re.Pattern[str]:
    """Any one character may be another one; the first or the last may be missing unless it is to stand at the edge."""
    ways = [f"{re.escape(term[:at])}.{re.escape(term[at + 1 :])}" for at in range(len(term))]
    ways += [re.escape(term[1:])] * (not begins) + [re.escape(term[:-1])] * (not ends)
    return re.compile(r"\A" * begins + f"(?:{'|'.join(ways)})" + r"\Z" * ends, re.DOTALL)


class Values:
    """All values of one place, each in a line of its own: looking through one long text takes a tenth of the time."""

    def __init__(self) -> None:
        self.record_ids: list[str] = []
        self.starts = [0]
        self.lines: list[str] = []
        self.text = ""

    def add(self, record_id: str, value: str) -> None:
        assert "\n" not in value
        self.record_ids.append(record_id)
        self.lines.append(value)
        self.starts.append(self.starts[-1] + len(value) + 1)

    def holding(self, part: str) -> Iterator[tuple[str, str]]:
        """The values that hold this text, and whose they are."""
        self.text = self.text or "\n".join(self.lines)
        at = self.text.find(part)
        while at >= 0:
            line = bisect_right(self.starts, at) - 1
            yield self.record_ids[line], self.lines[line]
            at = self.text.find(part, self.starts[line + 1])


class BruteForce:
    """``records`` in the order of filing."""

    def __init__(self, records: list[Record]) -> None:
        self.records = {record.record_id: record for record in records}
        self.values: dict[str, Values] = {}
        for record in records:
            named = {**record.fields, "pages": record.pages}
            named |= {f"fields.{key}": values for key, values in record.form_fields.items()}
            for name, values in named.items():
                for normal in filter(None, map(normal_form, values)):
                    self.values.setdefault(name, Values()).add(record.record_id, normal)
        # Later dates first, missing parts of a date counting as 0; then the order of filing.
        dates = [int("0" + record.date.replace("-", "").ljust(8, "0")) for record in records]
        newest = sorted(range(len(records)), key=lambda at: (-dates[at], at))
        self.places = {records[at].record_id: place for place, at in enumerate(newest)}

    def found(self, tree: Tree) -> set[str]:
        return set(self.scored(tree))

    def ranked(self, tree: Tree) -> list[tuple[str, float]]:
        """Best first: score, later date, earlier filing."""
        return sorted(self.scored(tree).items(), key=lambda one: (-one[1], self.places[one[0]]))

    def scored(self, tree: Tree) -> dict[str, float]:
        """The records that match, and the sum of the greatest weights of the terms that match them."""
        kind, *rest = tree
        if kind == "term":
            return self.term(*rest)  # type: ignore[arg-type]
        if kind == "not":
            without = self.scored(rest[0])  # type: ignore[arg-type]
            return {record_id: 0.0 for record_id in self.records if record_id not in without}
        if kind in ("and", "or"):
            parts = [self.scored(part) for part in rest]  # type: ignore[arg-type]
            found = set(parts[0])
            for part in parts[1:]:
                found = found & part.keys() if kind == "and" else found | part.keys()
            return {record_id: sum([part.get(record_id, 0.0) for part in parts]) for record_id in found}
        return {record_id: 0.0 for record_id, record in self.records.items() if self.is_so(record, tree)}

    def term(self, name: str | None, text: str, begins: bool, ends: bool, fuzzy: bool) -> dict[str, float]:
        term = normal_form(text)
        scores: dict[str, float] = {}

        def look(place: str, weight: int, begins: bool, ends: bool, fuzzy: bool) -> None:
            # With one wrong character one half of the term stands as it is, in any case.
            half = len(term) // 2
            for part in (term[:half], term[half:]) if fuzzy else (term,):
                for record_id, value in self.values[place].holding(part) if place in self.values else ():
                    if scores.get(record_id, 0) < weight and stands(term, value, begins, ends, fuzzy):
                        scores[record_id] = float(weight)

        if name is not None:
            look(name, WEIGHTS[name.partition(".")[0]], begins, ends, fuzzy)
            return scores
        for place, weight in WEIGHTS.items():
            if place != "pinyin":
                look(place, weight, begins, ends, fuzzy)
            elif term.isascii() and term.isalpha():
                look(place, weight, True, True, False)
        return scores

    @staticmethod
    def is_so(record: Record, tree: Tree) -> bool:
        match tree:
            case ("everything",):
                return True
            case ("is", str(keyword), str(value)):
                return record.keywords.get(keyword) == value
            case ("among", frozenset(ids)):
                return record.record_id in ids
            case ("dated", since, until):
                # Beginnings of dates: 2026 lies between 2026 and 2026-03, and 2026-03-02 between 2026-03 and 2026.
                after = since is None or record.date >= str(since)
                before = until is None or record.date <= str(until) or record.date.startswith(str(until))
                return bool(record.date) and after and before
        raise AssertionError(tree)
