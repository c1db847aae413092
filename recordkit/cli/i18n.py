"""Chooses the language and translates: messages of the library, help texts, and click's own words."""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from recordkit.messages import listed

_DOMAIN = "recordkit"
_LOCALES = Path(__file__).resolve().parents[1] / "locale"
_current: gettext.NullTranslations = gettext.NullTranslations()


def choose_language(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """``zh`` or ``en``: --lang, then RECORDKIT_LANG, then the locale."""
    for position, argument in enumerate(arguments):
        if argument == "--lang" and position + 1 < len(arguments):
            return _short(arguments[position + 1])
        if argument.startswith("--lang="):
            return _short(argument.removeprefix("--lang="))
    for name in ("RECORDKIT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return _short(environment[name])
    import locale

    return _short(locale.getlocale()[0] or "en")


def use_language(language: str) -> None:
    """Speak ``zh`` or ``en`` from now on."""
    global _current
    if language == "zh":
        _current = gettext.translation(_DOMAIN, _LOCALES, ["zh_CN"], fallback=False)
    else:
        _current = gettext.NullTranslations()
    # click looks its words up in the process's default domain and language.
    os.environ["LANGUAGE"] = "zh_CN" if language == "zh" else "en"
    gettext.bindtextdomain(_DOMAIN, _LOCALES)
    gettext.textdomain(_DOMAIN)


def tr(text: str) -> str:
    """The text in the chosen language."""
    return _current.gettext(text) if text else text


def tr_list(items: Iterable[object], most: int | None = None) -> str:
    """``messages.listed`` in the chosen language."""
    return listed(items, most).render(tr)


def N_(text: str) -> str:  # noqa: N802  (the customary name that extractors look for)
    """Mark a text for translation without translating it yet."""
    return text


def _short(name: str) -> str:
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"
