"""Why a file or an expression cannot be read, in words that can be translated.

The parsers speak English and of their own insides. What they say is told apart here by kind of error; line and column
are kept, their text is not.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Sequence

from recordkit.messages import Message, msg

_VALUE = msg("a value is missing, or it cannot be read as one")
_QUOTE = msg("a quotation mark is opened and never closed")
_BRACKET = msg("a bracket is opened and never closed")
_TWICE = msg("a name is given twice")
_BACKSLASH = msg("a backslash is followed by something unknown; write two of them for one")
_NAME = msg("a name is missing, or it needs quotation marks")
_COLON = msg("a colon is missing")
_UNKNOWN = msg("not readable here")

_Table = Sequence[tuple[str, Message]]
"""Beginnings of a parser's complaints; the first that fits counts."""

_JSON: _Table = (
    ("Expecting value", _VALUE),
    ("Expecting property name", msg("a name in double quotation marks is missing")),
    ("Expecting ':'", _COLON),
    ("Expecting ','", msg("a comma or a closing bracket is missing")),
    ("Illegal trailing comma", msg("a comma stands before the closing bracket")),
    ("Extra data", msg("something follows behind the end")),
    ("Unterminated string", _QUOTE),
    ("Invalid control character", msg("a line break or tab stands between quotation marks")),
    ("Invalid \\", _BACKSLASH),
)
_TOML: _Table = (
    ("Invalid value", _VALUE),
    ("Expected '='", msg("an equals sign is missing behind the name")),
    ("Expected newline", msg("something follows behind the value in this line")),
    ("Invalid initial character", _NAME),
    ("Invalid statement", _NAME),
    ("Unclosed", _BRACKET),
    ("Expected ']", _BRACKET),
    ("Unterminated string", _QUOTE),
    ("Expected \"", _QUOTE),
    ("Expected '", _QUOTE),
    ("Illegal character", msg("a sign stands where it cannot stand; perhaps a quotation mark is missing")),
    ("Invalid date", msg("there is no such date or time")),
    ("Unescaped '\\'", _BACKSLASH),
    ("Invalid hex", _BACKSLASH),
    ("Cannot overwrite", _TWICE),
    ("Cannot declare", _TWICE),
    ("Cannot mutate", _TWICE),
    ("Duplicate", _TWICE),
)
_YAML: _Table = (
    ("mapping values are not allowed", msg("a colon stands where none can stand, or the line is indented wrongly")),
    ("found character '\\t'", msg("a tab stands where only spaces may stand")),
    ("found character", msg("a value that begins with this sign needs quotation marks")),
    ("could not find expected ':'", _COLON),
    ("expected <block end>", msg("the line is indented wrongly, or a sign in it needs quotation marks")),
    ("found unexpected end of stream", _QUOTE),
    ("found unexpected document separator", _QUOTE),
    ("expected ',' or", _BRACKET),
    ("expected the node content", _VALUE),
    ("found unknown escape", _BACKSLASH),
    ("a name is given twice", _TWICE),
    ("could not determine a constructor", msg("a value begins with !, which stands for something else; quote it")),
    ("found undefined alias", msg("a value begins with *, which stands for something else; quote it")),
)
_CSV: _Table = (
    ("unexpected end", _QUOTE),
    ("'", msg("a quotation mark stands within a cell; write two of them for one")),
    ("field larger", msg("a cell is too long; perhaps a quotation mark is never closed")),
)
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)$")
_SIGN = re.compile(r"unexpected char '(.*)' at (\d+)", re.DOTALL)
_EXPECTED = re.compile(r"expected token '(.*?)', got '(.*)'$", re.DOTALL)
_NO_SUCH = re.compile(r"No (filter|test) named '(.*?)'")
_LEFT_OVER = re.compile(r"unexpected '(.*)'$", re.DOTALL)
_ENDS = ("end of template", "end of print statement", "end of statement block")
_INSIDES = re.compile(r"[a-z_ ]{2,}")  # jinja's own words for kinds of tokens, no sign that somebody typed


class Unreadable(ValueError):
    """A fault that a reader of ours found; its message is for people."""

    def __init__(self, reason: Message) -> None:
        """Keep the reason untranslated."""
        super().__init__(reason)
        self.reason = reason


def reason_of(error: BaseException, *, line: int | None = None) -> Message:
    """Why a text cannot be read.

    Args:
        error: of json, tomllib, csv, yaml or of decoding.
        line: where the parser was, for one that does not say it itself (csv).
    """
    if isinstance(error, Unreadable):
        return error.reason
    if isinstance(error, RecursionError):
        return msg("it is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return msg("it is not UTF-8 text (from byte {byte} on)", byte=error.start + 1)
    if isinstance(error, json.JSONDecodeError):
        return _at(error.lineno, error.colno, _told(error.msg, _JSON))
    if isinstance(error, tomllib.TOMLDecodeError):
        found = _PLACE.search(str(error))
        told = _told(str(error), _TOML)
        return _at(int(found[1]), int(found[2]), told) if found else msg("at the end of the file: {reason}",
                                                                         reason=told)
    if isinstance(error, csv.Error):
        told = _told(str(error), _CSV)
        return told if line is None else msg("line {line}: {reason}", line=line, reason=told)
    mark = getattr(error, "problem_mark", None)  # yaml, which is not to be loaded for a spreadsheet
    if mark is not None:
        return _at(mark.line + 1, mark.column + 1, _told(str(getattr(error, "problem", "")), _YAML))
    if type(error).__module__ == "yaml.reader":
        return msg("it holds a character that cannot stand in text")
    if "limit" in str(error) and "digits" in str(error):
        return msg("a number in it is too long")
    return _UNKNOWN


def expression_reason(text: str) -> Message:
    """Why a condition is none.

    Args:
        text: what the template engine says.
    """
    if found := _SIGN.search(text):
        return msg("the sign {sign} at place {place} cannot stand there", sign=found[1], place=int(found[2]) + 1)
    if found := _NO_SUCH.search(text):
        known = msg("there is no filter {name}", name=found[2])
        return known if found[1] == "filter" else msg("there is no test 'is {name}'", name=found[2])
    if found := _EXPECTED.search(text):
        wanted, got = found.groups()
        if got in _ENDS:
            return _early(wanted)
        if _INSIDES.fullmatch(wanted):
            return msg("{text} cannot stand there", text=got)
        return msg("{sign} is missing before {text}", sign=wanted, text=got)
    if any(one in text for one in _ENDS) or text.startswith("Expected an expression"):
        return _early("")
    if found := _LEFT_OVER.search(text):
        if found[1] == "=":
            return msg("a single = cannot compare; write ==")
        return msg("{text} cannot stand there", text=found[1])
    return _UNKNOWN


def _early(wanted: str) -> Message:
    if not wanted or _INSIDES.fullmatch(wanted):
        return msg("it ends too early: something is missing behind it")
    return msg("it ends too early: {sign} is missing", sign=wanted)


def _told(text: str, table: _Table) -> Message:
    return next((told for beginning, told in table if text.startswith(beginning)), _UNKNOWN)


def _at(line: int, column: int, reason: Message) -> Message:
    return msg("line {line}, column {column}: {reason}", line=line, column=column, reason=reason)
