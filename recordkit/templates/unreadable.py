"""Why a file or an expression cannot be read, in words that can be translated.

The parsers speak English and of their own insides. What they say is told apart here by kind of error; line and column
are kept, their text is not.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib

from recordkit.messages import Message, msg
from recordkit.tomltold import BACKSLASH, BRACKET, QUOTE, TWICE, UNKNOWN, VALUE, Table, told_by, toml_reason

_COLON = msg("a colon is missing")

_JSON: Table = (
    ("Expecting value", VALUE),
    ("Expecting property name", msg("a name in double quotation marks is missing")),
    ("Expecting ':'", _COLON),
    ("Expecting ','", msg("a comma or a closing bracket is missing")),
    ("Illegal trailing comma", msg("a comma stands before the closing bracket")),
    ("Extra data", msg("something follows behind the end")),
    ("Unterminated string", QUOTE),
    ("Invalid control character", msg("a line break or tab stands between quotation marks")),
    ("Invalid \\", BACKSLASH),
)
_YAML: Table = (
    ("mapping values are not allowed", msg("a colon stands where none can stand, or the line is indented wrongly")),
    ("found character '\\t'", msg("a tab stands where only spaces may stand")),
    ("found character", msg("a value that begins with this sign needs quotation marks")),
    ("could not find expected ':'", _COLON),
    ("expected <block end>", msg("the line is indented wrongly, or a sign in it needs quotation marks")),
    ("found unexpected end of stream", QUOTE),
    ("found unexpected document separator", QUOTE),
    ("expected ',' or", BRACKET),
    ("expected the node content", VALUE),
    ("found unknown escape", BACKSLASH),
    ("a name is given twice", TWICE),
    ("could not determine a constructor", msg("a value begins with !, which stands for something else; quote it")),
    ("found undefined alias", msg("a value begins with *, which stands for something else; quote it")),
)
_CSV: Table = (
    ("unexpected end", QUOTE),
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
        return _at(error.lineno, error.colno, told_by(error.msg, _JSON))
    if isinstance(error, tomllib.TOMLDecodeError):
        return toml_reason(error)
    if isinstance(error, csv.Error):
        told = told_by(str(error), _CSV)
        return told if line is None else msg("line {line}: {reason}", line=line, reason=told)
    mark = getattr(error, "problem_mark", None)  # yaml, which is not to be loaded for a spreadsheet
    if mark is not None:
        return _at(mark.line + 1, mark.column + 1, told_by(str(getattr(error, "problem", "")), _YAML))
    if type(error).__module__ == "yaml.reader":
        return msg("it holds a character that cannot stand in text")
    if "limit" in str(error) and "digits" in str(error):
        return msg("a number in it is too long")
    return UNKNOWN


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
    return UNKNOWN


def _early(wanted: str) -> Message:
    if not wanted or _INSIDES.fullmatch(wanted):
        return msg("it ends too early: something is missing behind it")
    return msg("it ends too early: {sign} is missing", sign=wanted)


def _at(line: int, column: int, reason: Message) -> Message:
    return msg("line {line}, column {column}: {reason}", line=line, column=column, reason=reason)
