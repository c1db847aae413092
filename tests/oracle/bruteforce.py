"""What a search means, written a second time and as plainly as possible, without grams and without an index.

The simplified forms of the characters that occur in the test records are listed by hand, so that a fault in the
shipped table is seen here.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

SIMPLIFIED = dict(
    zip("戶號錶單電話區張陳劉廠為灣蘇閥門長興讀壓湯", "户号表单电话区张陈刘厂为湾苏阀门长兴读压汤", strict=True)
)
BRACKETS = "()[]〔〕【】〖〗"


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


@dataclass(frozen=True)
class Wanted:
    """A query as a tree: ("term", field or None, raw text), ("and" | "or", parts) or ("not", part)."""

    tree: tuple[object, ...]
    written: str


class BruteForce:
    def __init__(self, records: list[Record]) -> None:
        self.values = {
            record.record_id: [
                (name, normal_form(value))
                for name, values in {**record.fields, "pages": record.pages}.items()
                for value in values
            ]
            for record in records
        }

    def found(self, tree: tuple[object, ...]) -> set[str]:
        return {record_id for record_id in self.values if self.holds(record_id, tree)}

    def holds(self, record_id: str, tree: tuple[object, ...]) -> bool:
        kind, *rest = tree
        if kind == "term":
            field, text = rest
            term = normal_form(str(text))
            return any(term in value for name, value in self.values[record_id] if field in (None, name))
        if kind == "not":
            return not self.holds(record_id, rest[0])  # type: ignore[arg-type]
        combine = all if kind == "and" else any
        return combine(self.holds(record_id, part) for part in rest)  # type: ignore[arg-type]
