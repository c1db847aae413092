from __future__ import annotations

import gettext
from pathlib import Path

import recordkit
from recordkit.cli import i18n

LOCALES = Path(recordkit.__file__).parent / "locale"


def test_every_text_is_found_as_gettext_finds_it() -> None:
    judge = gettext.translation("recordkit", LOCALES, ["zh_CN"])
    originals = [text for text in judge._catalog if isinstance(text, str) and text]  # type: ignore[attr-defined]
    i18n.use_language("zh")
    assert len(originals) > 1000
    assert [text for text in originals if i18n.tr(text) != judge.gettext(text)] == []
    assert any(i18n.tr(text) != text for text in originals)


def test_what_is_not_translated_stays_as_it_is() -> None:
    i18n.use_language("zh")
    for text in ("", "a", "zzzz", "~", "\U0010ffff", "No such text is anywhere."):
        assert i18n.tr(text) == text
    i18n.use_language("en")
    assert i18n.tr("Title") == "Title"
