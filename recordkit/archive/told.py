"""Findings as they are stored, so that years later they are told in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from recordkit.messages import Message
from recordkit.model import Finding


def plain_finding(finding: Finding) -> dict[str, object]:
    """``code``, ``message`` in English and its ``params``: texts, or messages in the same form."""
    return {"code": finding.code, **_plain(finding.message)}


def read_finding(stored: object) -> Finding:
    """A finding from its stored form; a bare text, as older notes have it, is told as it is.

    Raises:
        KeyError, TypeError, AttributeError: it is no finding.
    """
    if isinstance(stored, str):
        return Finding("", Message("{text}", {"text": stored}))
    if not isinstance(stored, Mapping):
        raise TypeError(f"{stored!r} is no finding")
    return Finding(str(stored["code"]), _message(stored))


def read_findings(stored: object) -> tuple[Finding, ...]:
    """All findings of a list; nothing where there is no list."""
    return tuple(map(read_finding, stored)) if isinstance(stored, Iterable) else ()


def _plain(message: Message) -> dict[str, object]:
    return {"message": message.msgid, "params": {name: _stored(value) for name, value in message.params.items()}}


def _stored(value: object) -> object:
    if isinstance(value, Message):
        return _plain(value)
    if isinstance(value, tuple):
        return [_stored(one) for one in value]
    return str(value)


def _message(stored: Mapping[str, object]) -> Message:
    params = stored["params"]
    if not isinstance(params, Mapping):
        raise TypeError(f"{params!r} are no parameters")
    return Message(str(stored["message"]), {str(name): _read(value) for name, value in params.items()})


def _read(value: object) -> object:
    if isinstance(value, Mapping):
        return _message(value)
    return tuple(map(_read, value)) if isinstance(value, list) else value
