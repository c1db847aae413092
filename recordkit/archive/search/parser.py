"""Reads what a person types into a query, an immutable tree that every engine understands.

==========================  =====================================================================
``甲 乙``                   both; ``AND`` may stand between them
``甲 OR 乙``                one of them; binds more loosely than a space
``NOT 甲``, ``-甲``         not this; binds more tightly than a space
``"甲 乙"``                 the text as it stands, also “…” and ＂…＂
``( … )``, ``（ … ）``      a group, between white space, operators and other brackets, or behind a colon
``供合(2026)0001号``        brackets without white space inside that touch a word, before them or behind, belong to it
``户名:甲``                 only in that field, also ``：``; a group or quotes may follow
``甲*``, ``*甲``            a value begins or ends with it; ``*`` alone: every record
``甲乙丙丁~``               one of its characters may be another one; four characters and more
``日期:2026-01..2026-06``   dated from the first day of the one to the last day of the other; also 至 ~ — -
``类别:供用水合同``         what is matched whole: class, year, form, retention period, access
==========================  =====================================================================

Stars and ``~`` stand before or behind a word or quotation marks, in full width too; between the marks, and inside a
word, they are characters like any other.
Operators are written in capitals, so that "and" and "or" can be searched.
"""

from __future__ import annotations

import unicodedata

from recordkit.archive.search.pinyin import plain_reading
from recordkit.archive.search.query import (
    FEWEST_FUZZY,
    FORM_FIELD,
    MOST_FUZZY,
    And,
    Everything,
    Is,
    Not,
    Or,
    Query,
    Term,
)
from recordkit.archive.search.text import can_be_searched, normalise
from recordkit.archive.search.vocabulary import BASIC, Vocabulary, name_of
from recordkit.archive.search.vocabulary import FIELD_ALIASES as FIELD_ALIASES
from recordkit.archive.search.wording import (
    Unreadable,
    offer,
    open_side,
    read_choice,
    read_dates,
    read_period,
    read_years,
    sign_apart,
)
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, msg

MAX_DEPTH = 40
"""Nested brackets and negations; more is refused, since nobody types it and it would exhaust the stack."""
MAX_LENGTH = 4000
"""Characters of a query."""

_Field = tuple[str, ...] | str
"""What stands before a colon: the fields a name stands for, or a keyword."""


def parse(text: str, vocabulary: Vocabulary = BASIC, within: str | None = None) -> Query:
    """The query that ``text`` means.

    Args:
        text: what the person typed.
        vocabulary: the names and words that may stand in it.
        within: name of the field that everything is looked for in where no other is named; None for anywhere.

    Raises:
        InputRefused: the query cannot be read; the message names the character and its position, counted from 1, and
            ``pointer`` holds both.
        NotFound: there is no field ``within``.
    """
    return _Reader(text, vocabulary).read(within)


_QUOTES = {'"': '"', "“": "”", "”": "”", "＂": "＂"}
_OPENING = "(（"
_CLOSING = ")）"
_COLONS = ":："
_MINUS = "-－"
_OPERATORS = ("AND", "OR", "NOT")
_STARS = "*＊"
_MARKS = _STARS + "~～"


class _Reader:
    """Recursive descent over the characters; ``at`` is the next one to read."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text = text
        self.vocabulary = vocabulary
        self.at = 0
        self.depth = 0

    def read(self, within: str | None) -> Query:
        if len(self.text) > MAX_LENGTH:
            raise self.refusal(
                MAX_LENGTH,
                msg("a query has at most {limit} characters", limit=MAX_LENGTH),
                msg("Look for a shorter piece of the text."),
            )
        self.skip_space()
        if self.at == len(self.text):
            raise InputRefused(msg("The query is empty."), msg("Name at least one word to look for."))
        field = None if within is None else self.named(within)
        if within is not None and field is None:
            raise NotFound(
                msg("There is no searchable field {field}.", field=within), offer(within, self.vocabulary.known())
            )
        query = self.either(field)
        if self.at < len(self.text):
            raise self.refusal(
                self.at, msg("this bracket closes nothing"),
                msg("Leave it out, or put quotation marks around the text it belongs to."),
            )
        return query

    def either(self, field: _Field | None) -> Query:
        parts = [self.all_of(field)]
        while (operator_at := self.take_operator("OR")) is not None:
            self.demand_operand(operator_at)
            parts.append(self.all_of(field))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all_of(self, field: _Field | None) -> Query:
        parts = [self.one(field)]
        while True:
            operator_at = self.take_operator("AND")
            if operator_at is not None:
                self.demand_operand(operator_at)
            elif self.at_end() or self.operator_here() == "OR":
                return parts[0] if len(parts) == 1 else And(tuple(parts))
            parts.append(self.one(field))

    def one(self, field: _Field | None) -> Query:
        """One operand: a negation, a group, quoted text or a word, with its field."""
        self.skip_space()
        start = self.at
        if (operator := self.operator_here()) in ("AND", "OR"):
            raise self.refusal(
                start, msg("nothing stands before {operator}", operator=operator),
                msg("Write a word on both sides; to look for the word itself, put it in quotation marks."),
            )
        negation_at = self.take_operator("NOT")
        if negation_at is None and self.text[self.at] in _MINUS:
            negation_at = self.at
            self.at += 1
            if self.at < len(self.text) and self.text[self.at].isspace():
                raise self.refusal(
                    start, msg("a minus sign stands directly before the word it excludes"),
                    msg("Leave out the space behind it."),
                )
        if negation_at is not None:
            self.demand_operand(negation_at)
            self.enter(start)
            part = self.one(field)
            self.depth -= 1
            return Not(part)
        char = self.text[self.at]
        if char in _OPENING and not self.begins_word():
            return self.group(field)
        if char in _QUOTES:
            return self.quoted(field)
        if char in _STARS and self.text[self.at + 1 : self.at + 2] in _QUOTES:
            self.at += 1
            return self.quoted(field, ends=True)
        return self.word(field)

    def group(self, field: _Field | None) -> Query:
        opened_at = self.at
        self.at += 1
        self.enter(opened_at)
        self.skip_space()
        if self.at == len(self.text):
            raise self.unclosed(opened_at)
        if self.text[self.at] in _CLOSING:
            raise self.refusal(
                self.at, msg("there is nothing between the brackets"), msg("Write what to look for between them.")
            )
        query = self.either(field)
        if self.at == len(self.text):
            raise self.unclosed(opened_at)
        self.at += 1
        if self.at < len(self.text) and self.text[self.at] in _MARKS:
            raise self.refusal(
                self.at, msg("this mark stands behind a bracket"),
                msg("Write it behind each word in the brackets, or put a space before it."),
            )
        self.depth -= 1
        return query

    def quoted(self, field: _Field | None, *, ends: bool = False) -> Query:
        opened_at = self.at
        closed_at = self.text.find(_QUOTES[self.text[opened_at]], opened_at + 1)
        if closed_at < 0:
            raise self.refusal(
                opened_at, msg("this quotation mark is not closed"),
                msg("Write {mark} where the text ends.", mark=_QUOTES[self.text[opened_at]]),
            )
        self.at = closed_at + 1
        marks_at = self.at
        while self.at < len(self.text) and self.text[self.at] in _MARKS:
            self.at += 1
        marks = self.text[marks_at : self.at]
        return self.operand(field, self.text[opened_at + 1 : closed_at], opened_at, marks, ends=ends)

    def word(self, field: _Field | None) -> Query:
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
                written = self.text[start : self.at]
                named = self.named(written)
                if named is not None:
                    return self.field_value(named, start)
                if written.replace("_", "").isalpha():
                    raise self.refusal(
                        start,
                        msg("there is no field {field}", field=written),
                        msg("{offer} Put quotation marks around it to look for the text itself.",
                            offer=offer(written, self.vocabulary.known())),
                    )
            self.at += 1
        written = self.text[start : self.at]
        unended = written.rstrip(_MARKS)
        plain = unended.lstrip(_STARS)
        return self.operand(field, plain, start, written[len(unended) :], ends=plain != unended)

    def named(self, written: str) -> _Field | None:
        """What a name before a colon stands for."""
        name = name_of(written)
        if name in self.vocabulary.keywords:
            return self.vocabulary.keywords[name]
        key = name.removeprefix(FORM_FIELD)
        if key != name and key.isidentifier() and key.isascii():
            return (name,)
        return self.vocabulary.fields.get(name)

    def field_value(self, field: _Field, start: int) -> Query:
        self.at += 1
        self.skip_space()
        if self.at_end() or self.operator_here() is not None:
            raise self.refusal(
                start, msg("no value follows the field"), msg("Write what to look for behind the colon.")
            )
        self.enter(start)
        query = self.one(field)
        self.depth -= 1
        return query

    def begins_word(self) -> bool:
        """Whether the bracket that opens here belongs to the text that touches it from behind: (2026)0001号."""
        closed_at = self.closed_inside_word(self.at)
        if closed_at is None or closed_at == self.at + 1:
            return False
        # With a field, a mark or a minus sign in it, somebody meant a group and left out the space behind it.
        if any(char in _COLONS + _MARKS for char in self.text[self.at : closed_at]) or self.text[self.at + 1] in _MINUS:
            return False
        follows = self.text[closed_at + 1 : closed_at + 2]
        apart = not follows or follows.isspace() or follows in (*_OPENING, *_CLOSING, *_QUOTES, *_MARKS)
        return not apart and self.operator_at(closed_at + 1) is None

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

    def operand(self, field: _Field | None, text: str, start: int, marks: str, *, ends: bool) -> Query:
        """What quoted text or a word means, with the marks before and behind it."""
        begins = any(mark in _STARS for mark in marks)
        fuzzy = any(mark not in _STARS for mark in marks)
        normal = plain_reading(text) if field == ("pinyin",) else normalise(text)
        if not text and marks and not fuzzy and self.text[start] in _STARS:
            if field is None:
                return Everything()
            raise self.refusal(
                start, msg("a star alone is every record"),
                msg("In a field, write at least one character beside the star."),
            )
        if not normal:
            reason = msg("there is nothing to look for")
            if text.strip():
                reason = msg("brackets and invisible characters alone are not looked for")
            raise self.refusal(start, reason, msg("Write at least one letter, digit or character."))
        if isinstance(field, str):
            if fuzzy and field in ("date", "year") and not ends and not begins:
                unreadable = open_side(text + marks)
                raise self.refusal(start, unreadable.reason, unreadable.todo)
            if fuzzy or ends:
                raise self.refusal(
                    start, msg("a date or a value of a keyword is matched whole"),
                    msg("Leave out the mark; only a star may stand behind the beginning of a name."),
                )
            return self.valued(field, text, start, begins=begins)
        if not can_be_searched(normal) and not normal.isalnum():
            raise self.refusal(
                start, msg("a punctuation mark or sign alone is not looked for"),
                msg("Leave it out, or write what stands before it or behind it too."),
            )
        if not can_be_searched(normal):
            raise self.refusal(
                start, msg("letters and digits are searched from two characters up"),
                msg("Write the one before it or behind it too."),
            )
        if fuzzy and len(normal) < FEWEST_FUZZY:
            raise self.refusal(
                start, msg("with ~ a word has at least {count} characters", count=FEWEST_FUZZY),
                msg("Leave out the ~, or write more of the text."),
            )
        if fuzzy and len(normal) > MOST_FUZZY:
            raise self.refusal(
                start, msg("with ~ a word has at most {count} characters", count=MOST_FUZZY),
                msg("Leave out the ~, or take a piece of the text."),
            )
        if begins and ends:
            # Something before it and something behind it: that is what a word without stars means.
            begins = ends = False
        terms = [Term(name, normal, begins, ends, fuzzy) for name in field or (None,)]
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def valued(self, keyword: str, text: str, start: int, *, begins: bool) -> Query:
        """What a word means behind a keyword."""
        try:
            if keyword in ("date", "year") and (sign_at := sign_apart(self.text, self.at)) is not None:
                start = sign_at
                raise Unreadable(
                    msg("white space stands beside the sign between two dates or years"),
                    msg("Write it without: 2026-01..2026-06."),
                )
            if begins and keyword in ("date", "year", "period"):
                raise Unreadable(msg("{text} is matched whole", text=text), msg("Leave out the star."))
            match keyword:
                case "date":
                    return read_dates(text)
                case "year":
                    found = read_years(text)
                case "period":
                    found = [read_period(text)]
                case _:
                    found = read_choice(text, self.vocabulary.values.get(keyword, ()), begins=begins)
        except Unreadable as unreadable:
            raise self.refusal(start, unreadable.reason, unreadable.todo) from None
        parts = tuple(Is(keyword, value) for value in found)
        return parts[0] if len(parts) == 1 else Or(parts)

    def operator_here(self) -> str | None:
        """The operator that stands here as a word of its own."""
        return self.operator_at(self.at)

    def operator_at(self, start: int) -> str | None:
        """The operator that stands there, if nothing but white space, brackets or quotation marks follow it."""
        end = start
        while end < len(self.text) and end - start < 4 and self.text[end].isalpha():
            end += 1
        word = unicodedata.normalize("NFKC", self.text[start : end])
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
            raise self.refusal(
                operator_at, msg("nothing follows the operator"),
                msg("Write a word behind it; to look for the word itself, put it in quotation marks."),
            )

    def at_end(self) -> bool:
        self.skip_space()
        return self.at == len(self.text) or self.text[self.at] in _CLOSING

    def skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def enter(self, start: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refusal(
                start, msg("the query is nested more than {limit} levels deep", limit=MAX_DEPTH),
                msg("Write it with fewer brackets."),
            )

    def unclosed(self, opened_at: int) -> InputRefused:
        return self.refusal(
            opened_at, msg("this bracket is not closed"),
            msg("Close it, or put quotation marks around the text it belongs to."),
        )

    def refusal(self, position: int, reason: Message, todo: Message) -> InputRefused:
        return InputRefused(
            msg(
                "The query cannot be read at character {position} ({character}): {reason}.",
                position=position + 1,
                character=self.text[position],
                reason=reason,
            ),
            todo,
            pointer=(self.text, position),
        )
