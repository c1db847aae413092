"""Reads what a person types into a query, an immutable tree that every engine understands.

======================  =====================================================================
``甲 乙``               both; ``AND`` may stand between them
``甲 OR 乙``            one of them; binds more loosely than a space
``NOT 甲``, ``-甲``     not this; binds more tightly than a space
``"甲 乙"``             the text as it stands, also “…” and ＂…＂
``( … )``, ``（ … ）``  a group, after white space, an operator, a colon or at the beginning
``供合(2026)0001号``    brackets that open and close inside a word belong to the word
``户名:甲``             only in that field, also ``：``; a group or quotes may follow
``甲*``, ``*甲``        a value begins or ends with it; ``*`` alone: everything
``甲乙丙丁~``           one of its characters may be another one; four characters and more
``日期:2026-01..2026``  dated from the first day of the one to the last day of the other
``类别:供用水合同``     what is matched whole: class, year, form, retention period
======================  =====================================================================

Operators are written in capitals, so that "and" and "or" can be searched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from recordkit.archive.search.query import And, Not, Or, Query, Term
from recordkit.archive.search.text import can_be_searched, normalise
from recordkit.errors import InputRefused
from recordkit.messages import Message, msg

MAX_DEPTH = 40
"""Nested brackets and negations; more is refused, since nobody types it and it would exhaust the stack."""
MAX_LENGTH = 4000
"""Characters of a query."""

FIELD_ALIASES: Mapping[str, str] = {
    "title": "title", "题名": "title", "标题": "title",
    "number": "number", "文号": "number", "编号": "number", "文书编号": "number", "合同编号": "number",
    "通知书编号": "number", "记录编号": "number",
    "code": "code", "档号": "code",
    "party": "party", "户名": "party", "用水人": "party", "当事人": "party", "客户": "party", "责任者": "party",
    "account": "account", "户号": "account",
    "meters": "meters", "meter": "meters", "表号": "meters", "水表编号": "meters", "注册号": "meters",
    "address": "address", "地址": "address", "用水地址": "address",
    "phone": "phone", "电话": "phone", "联系电话": "phone",
    "fields": "fields", "字段": "fields",
    "pinyin": "pinyin", "拼音": "pinyin",
    "text": "pages", "pages": "pages", "正文": "pages", "全文": "pages",
}  # fmt: skip
"""Names of the indexed fields that hold without any form; the caller may add the labels of its forms."""


def parse(text: str, aliases: Mapping[str, str] = FIELD_ALIASES) -> Query:
    """The query that ``text`` means.

    Args:
        text: what the person typed.
        aliases: written name (any width, case, script) to the name of an indexed field.

    Raises:
        InputRefused: the query cannot be read; the message names the character and its position, counted from 1.
    """
    return _Reader(text, aliases).read()


_QUOTES = {'"': '"', "“": "”", "”": "”", "＂": "＂"}
_OPENING = "(（"
_CLOSING = ")）"
_COLONS = ":："
_MINUS = "-－"
_OPERATORS = ("AND", "OR", "NOT")


class _Reader:
    """Recursive descent over the characters; ``at`` is the next one to read."""

    def __init__(self, text: str, aliases: Mapping[str, str]) -> None:
        self.text = text
        self.aliases = {normalise(name): field for name, field in aliases.items()}
        self.at = 0
        self.depth = 0

    def read(self) -> Query:
        if len(self.text) > MAX_LENGTH:
            raise self.refusal(MAX_LENGTH, msg("a query has at most {limit} characters", limit=MAX_LENGTH))
        self.skip_space()
        if self.at == len(self.text):
            raise InputRefused(msg("The query is empty."), msg("Name at least one word to look for."))
        query = self.either(None)
        if self.at < len(self.text):
            raise self.refusal(self.at, msg("this bracket closes nothing"))
        return query

    def either(self, field: str | None) -> Query:
        parts = [self.all_of(field)]
        while (operator_at := self.take_operator("OR")) is not None:
            self.demand_operand(operator_at)
            parts.append(self.all_of(field))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all_of(self, field: str | None) -> Query:
        parts = [self.one(field)]
        while True:
            operator_at = self.take_operator("AND")
            if operator_at is not None:
                self.demand_operand(operator_at)
            elif self.at_end() or self.operator_here() == "OR":
                return parts[0] if len(parts) == 1 else And(tuple(parts))
            parts.append(self.one(field))

    def one(self, field: str | None) -> Query:
        """One operand: a negation, a group, quoted text or a word, with its field."""
        self.skip_space()
        start = self.at
        if (operator := self.operator_here()) in ("AND", "OR"):
            raise self.refusal(start, msg("nothing stands before {operator}", operator=operator))
        negation_at = self.take_operator("NOT")
        if negation_at is None and self.text[self.at] in _MINUS:
            negation_at = self.at
            self.at += 1
            if self.at < len(self.text) and self.text[self.at].isspace():
                raise self.refusal(start, msg("a minus sign stands directly before the word it excludes"))
        if negation_at is not None:
            self.demand_operand(negation_at)
            self.enter(start)
            part = self.one(field)
            self.depth -= 1
            return Not(part)
        char = self.text[self.at]
        if char in _OPENING:
            return self.group(field)
        if char in _QUOTES:
            return self.quoted(field)
        return self.word(field)

    def group(self, field: str | None) -> Query:
        opened_at = self.at
        self.at += 1
        self.enter(opened_at)
        self.skip_space()
        if self.at == len(self.text):
            raise self.refusal(opened_at, msg("this bracket is not closed"))
        if self.text[self.at] in _CLOSING:
            raise self.refusal(self.at, msg("there is nothing between the brackets"))
        query = self.either(field)
        if self.at == len(self.text):
            raise self.refusal(opened_at, msg("this bracket is not closed"))
        self.at += 1
        self.depth -= 1
        return query

    def quoted(self, field: str | None) -> Query:
        opened_at = self.at
        closed_at = self.text.find(_QUOTES[self.text[opened_at]], opened_at + 1)
        if closed_at < 0:
            raise self.refusal(opened_at, msg("this quotation mark is not closed"))
        self.at = closed_at + 1
        return self.term(field, self.text[opened_at + 1 : closed_at], opened_at)

    def word(self, field: str | None) -> Query:
        start = self.at
        colon_seen = False
        while self.at < len(self.text):
            char = self.text[self.at]
            if char.isspace() or char in _QUOTES or char in _CLOSING:
                break
            if char in _OPENING:
                closed_at = self.closed_inside_word(self.at)
                if closed_at is None:
                    break
                self.at = closed_at
            elif char in _COLONS and not colon_seen:
                colon_seen = True
                named = self.aliases.get(normalise(self.text[start : self.at]))
                if named is not None:
                    return self.field_value(named, start)
                if self.text[start : self.at].isalpha():
                    raise self.refusal(
                        start,
                        msg("there is no field {field}", field=self.text[start : self.at]),
                        msg("Put quotation marks around it to look for the text itself."),
                    )
            self.at += 1
        return self.term(field, self.text[start : self.at], start)

    def field_value(self, field: str, start: int) -> Query:
        self.at += 1
        self.skip_space()
        if self.at_end() or self.operator_here() is not None:
            raise self.refusal(start, msg("no value follows the field"))
        self.enter(start)
        query = self.one(field)
        self.depth -= 1
        return query

    def closed_inside_word(self, opened_at: int) -> int | None:
        """Where the bracket closes, if it does so before white space or quotation marks."""
        depth = 0
        for position in range(opened_at, len(self.text)):
            char = self.text[position]
            if char in _OPENING:
                depth += 1
            elif char in _CLOSING:
                depth -= 1
                if depth == 0:
                    return position
            elif char.isspace() or char in _QUOTES:
                return None
        return None

    def term(self, field: str | None, text: str, start: int) -> Term:
        normal = normalise(text)
        if not normal:
            raise self.refusal(start, msg("there is nothing to look for"))
        if not can_be_searched(normal):
            raise self.refusal(start, msg("letters and digits are searched from two characters up"))
        return Term(field, normal)

    def operator_here(self) -> str | None:
        """The operator that stands here as a word of its own."""
        end = self.at
        while end < len(self.text) and end - self.at < 4 and self.text[end].isalpha():
            end += 1
        word = unicodedata.normalize("NFKC", self.text[self.at : end])
        if word not in _OPERATORS:
            return None
        follows = self.text[end : end + 1]
        bounded = not follows or follows.isspace() or follows in _OPENING or follows in _CLOSING or follows in _QUOTES
        return word if bounded else None

    def take_operator(self, operator: str) -> int | None:
        """Step over ``operator`` if it is next, and say where it stood."""
        self.skip_space()
        if self.operator_here() != operator:
            return None
        start = self.at
        self.at += len(operator)
        return start

    def demand_operand(self, operator_at: int) -> None:
        self.skip_space()
        if self.at_end():
            raise self.refusal(operator_at, msg("nothing follows the operator"))

    def at_end(self) -> bool:
        self.skip_space()
        return self.at == len(self.text) or self.text[self.at] in _CLOSING

    def skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def enter(self, start: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refusal(start, msg("the query is nested more than {limit} levels deep", limit=MAX_DEPTH))

    def refusal(self, position: int, reason: Message, todo: Message | None = None) -> InputRefused:
        return InputRefused(
            msg(
                "The query cannot be read at character {position} ({character}): {reason}.",
                position=position + 1,
                character=self.text[position],
                reason=reason,
            ),
            todo,
        )
