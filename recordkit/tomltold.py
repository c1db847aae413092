"""Why a text is no TOML, in words that can be translated: settings, schedule, forms and data are told of alike.

The parser speaks English and of its own insides; its line and column are kept, its text is not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

from recordkit.messages import Message, msg

VALUE = msg("a value is missing, or it cannot be read as one")
QUOTE = msg("a quotation mark is opened and never closed")
BRACKET = msg("a bracket is opened and never closed")
TWICE = msg("a name is given twice")
BACKSLASH = msg("a backslash is followed by something unknown; write two of them for one")
NAME = msg("a name is missing, or it needs quotation marks")
UNKNOWN = msg("not readable here")

Table = Sequence[tuple[str, Message]]
"""Beginnings of a parser's complaints; the first that fits counts."""

_TOML: Table = (
    ("Invalid value", VALUE),
    ("Expected '='", msg("an equals sign is missing behind the name")),
    ("Expected newline", msg("something follows behind the value in this line")),
    ("Invalid initial character", NAME),
    ("Invalid statement", NAME),
    ("Unclosed", BRACKET),
    ("Expected ']", BRACKET),
    ("Unterminated string", QUOTE),
    ("Expected \"", QUOTE),
    ("Expected '", QUOTE),
    ("Illegal character", msg("a sign stands where it cannot stand; perhaps a quotation mark is missing")),
    ("Invalid date", msg("there is no such date or time")),
    ("Unescaped '\\'", BACKSLASH),
    ("Invalid hex", BACKSLASH),
    ("Cannot overwrite", TWICE),
    ("Cannot declare", TWICE),
    ("Cannot mutate", TWICE),
    ("Duplicate", TWICE),
)
_PLACE = r"\(at line (\d+), column (\d+)\)"


def told_by(text: str, table: Table) -> Message:
    """What a parser's complaint means."""
    return next((told for beginning, told in table if text.startswith(beginning)), UNKNOWN)


def toml_reason(error: tomllib.TOMLDecodeError) -> Message:
    """Where a text is no TOML, and why."""
    found, told = re.search(_PLACE, str(error)), told_by(str(error), _TOML)
    if found is None:
        return msg("at the end of the file: {reason}", reason=told)
    return msg("line {line}, column {column}: {reason}", line=int(found[1]), column=int(found[2]), reason=told)


def toml_line(error: tomllib.TOMLDecodeError, text: str) -> str:
    """The line of ``text`` at which it is no TOML; empty where the parser names none."""
    found, lines = re.search(_PLACE, str(error)), text.splitlines()
    return lines[int(found[1]) - 1].strip() if found is not None and 0 < int(found[1]) <= len(lines) else ""
