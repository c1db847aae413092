"""What colours mean: one table for statuses, decisions, outcomes and check results.

A colour never says anything alone: the word or sign stands there, too. Nothing is coloured in a pipe or a file, with
NO_COLOR set (no-color.org), or in a terminal that calls itself dumb.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

import click

from recordkit.messages import Message

Meaning = Literal["done", "waiting", "attention", "forbidden", "past", "head"]

STYLES: Mapping[Meaning, Mapping[str, object]] = {
    "done": {"fg": "green"},
    "waiting": {"fg": "cyan"},
    "attention": {"fg": "yellow"},
    "forbidden": {"fg": "red"},
    "past": {"dim": True},
    "head": {"bold": True},
}
"""done: nothing is left to do; waiting: others or the calendar are next; attention: a person should look; forbidden: it
was refused, stopped or failed; past: it counts no more. Heads of tables are bold."""

_WORDS: Mapping[Meaning, str] = {
    "done": "active returned archived attached keyed-in corrected collected completed accepted PASS",
    "waiting": "issued waiting not-due permanent deferred waits proposed appraised approved signed executing executed"
               " unchanged duplicate",
    "attention": "due unmatched unexplained NOT_RUN",
    "forbidden": "held refused failed quarantined FAIL destroy",
    "past": "void destroyed withdrawn revised released closed",
}
MEANINGS: Mapping[str, Meaning] = {word: meaning for meaning, words in _WORDS.items() for word in words.split()} | {
    "open volume": "waiting", "closed volume": "done", "{status}, not written": "attention"}
"""The meaning of a code word, as it stands in JSON."""


def painted(text: str, meaning: Meaning | None) -> str:
    """The text in the colour of its meaning; ``click.echo`` takes colours off where no terminal reads."""
    if meaning is None or not text or not are_wanted():
        return text
    return click.style(text, **STYLES[meaning])  # type: ignore[arg-type]


def are_wanted() -> bool:
    """Whether the person's settings allow colours."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def meaning_of(value: object) -> Meaning | None:
    """The meaning of a cell that is a code word, yet to be translated."""
    return MEANINGS.get(value.msgid) if isinstance(value, Message) else None
