"""Messages that are translated late.

The library states facts in English with named parameters; whoever shows them to a person chooses the
language. A message that was already turned into text could not be shown in the reader's language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field

Translate = Callable[[str], str]


def _untranslated(text: str) -> str:
    return text


class Message(Struct, frozen=True):
    """A text with named parameters, e.g. ``Message("no form {form}", {"form": "x"})``.

    Parameters may be messages themselves, or tuples of them; they are rendered in the same language.
    """

    msgid: str
    params: Mapping[str, object] = field(default_factory=dict)

    def render(self, translate: Translate = _untranslated) -> str:
        """The text in the language that ``translate`` (a gettext function) stands for."""
        values = {name: _rendered(value, translate) for name, value in self.params.items()}
        return translate(self.msgid).format(**values)

    def __str__(self) -> str:
        return self.render()


class _Coded(Message, frozen=True):
    """See ``coded``."""

    def render(self, translate: Translate = _untranslated) -> str:
        """The name and the code word, or the one where they are the same."""
        code, name = str(self.params["code"]), str(_rendered(self.params["name"], translate))
        return name if name == code else f"{name} ({code})"


def _rendered(value: object, translate: Translate) -> object:
    if isinstance(value, Message):
        return value.render(translate)
    if isinstance(value, tuple):
        return " / ".join(str(_rendered(one, translate)) for one in value)
    return value


def msg(msgid: str, /, **params: object) -> Message:
    """Mark ``msgid`` for translation and bind its parameters."""
    return Message(msgid, params)


def coded(code: str, name: object = None) -> Message:
    """A code word that may be typed, with its name in the reader's language: ``诉讼 (litigation)``.

    ``name`` may be a message; when None the code word itself is translated.
    """
    return _Coded("", {"code": code, "name": Message(code) if name is None else name})


def listed(items: Iterable[object], most: int | None = None) -> Message:
    """The items one behind the other as the reader's language parts them; behind ``most`` of them an ellipsis.

    Items may be messages. Lists in texts that are shown are made here, so that no text mixes two ways of writing them.
    """
    shown = list(items)
    more = most is not None and len(shown) > most
    params = {f"item{place}": one for place, one in enumerate(shown[:most])} or {"item0": ""}
    between = "{comma}".join(f"{{{name}}}" for name in params)
    return Message(between + (" …" if more else ""), {**params, "comma": msg(", ")})


def nearest(name: str, names: Iterable[str], likeness: float = 0.5) -> str | None:
    """The one of ``names`` that ``name`` was probably meant to be; None when none is so much like it (0 to 1)."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(names), 1, likeness)), None)


def did_you_mean(name: str, names: Iterable[str], likeness: float = 0.5) -> Message | None:
    """The question whether the nearest of ``names`` was meant; None when none is near."""
    near = nearest(name, names, likeness)
    return None if near is None else msg("Did you mean {near}?", near=near)
