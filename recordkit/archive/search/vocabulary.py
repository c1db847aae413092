"""The names that may stand before a colon in a query, and the words that a keyword takes.

What holds without any form or scheme is ``BASIC``. ``vocabulary_of`` adds what a store knows: its forms and its
classes, read only when a query names something that ``BASIC`` lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from recordkit.archive.classes import load_scheme
from recordkit.archive.search.query import FORM_FIELD
from recordkit.archive.search.text import normalise

V = TypeVar("V")

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
"""Names of the indexed fields; a form field of the same name is not meant by it."""

KEYWORD_ALIASES: Mapping[str, str] = {
    "date": "date", "日期": "date",
    "class": "class", "类别": "class",
    "year": "year", "年度": "year", "年份": "year",
    "form": "form", "表单": "form",
    "period": "period", "保管期限": "period",
    "access": "access", "密级": "access",
}  # fmt: skip
"""Names of what is matched whole: ``grams.KEYWORDS``, and the record's date."""

_ACCESS = (("open", "open"), ("开放", "open"), ("公开", "open"), ("restricted", "restricted"), ("受限", "restricted"),
           ("限制", "restricted"))


class Vocabulary(Struct, frozen=True):
    """What names and words mean; names are in the form that ``name_of`` gives them.

    Attributes:
        fields: name to the fields it stands for, one or more: indexed ones, or ``query.FORM_FIELD`` and a key.
        keywords: name to ``date`` or one of ``grams.KEYWORDS``.
        values: keyword to pairs of a word and the value it means; dates, years and periods are read by rule.
        known: names to offer when another one is not known, as people write them.
    """

    fields: Mapping[str, tuple[str, ...]]
    keywords: Mapping[str, str]
    values: Mapping[str, Sequence[tuple[str, str]]]
    known: Callable[[], Sequence[str]]


@lru_cache(maxsize=4096)
def name_of(written: str) -> str:
    """The form in which names are compared: normalised, and without spaces."""
    return normalise(written).replace(" ", "")


def _basic_names() -> tuple[str, ...]:
    """Of each field the first name in letters and the first one in Chinese, then all others."""
    every = {**FIELD_ALIASES, **KEYWORD_ALIASES}
    firsts = {(meaning, name.isascii()): name for name, meaning in reversed(every.items())}
    return tuple(dict.fromkeys((*reversed(firsts.values()), *every)))


BASIC = Vocabulary(
    {name: (field,) for name, field in FIELD_ALIASES.items()}, KEYWORD_ALIASES, {"access": _ACCESS}, _basic_names
)
"""What holds for every store. Its names are written as ``name_of`` gives them."""


def vocabulary_of(root: Path, own: Mapping[str, Sequence[str]] | None = None) -> Vocabulary:
    """``BASIC``, and behind it the form fields, classes and forms of the store at ``root``.

    ``own``: the labels of the fields that the office added, by key.
    """
    own = own or {}

    def classes() -> Mapping[str, Sequence[tuple[str, str]]]:
        every = load_scheme(root).classes.values()
        return {"class": [pair for one in every for pair in ((one.id, one.id), (one.name, one.id))]}

    def forms() -> Mapping[str, Sequence[tuple[str, str]]]:
        from recordkit.templates.forms import list_form_names

        every = list_form_names(root)
        return {"form": [(name, one.id) for one in every for name in (one.id, one.name, one.name_en) if name]}

    def known() -> Sequence[str]:
        from recordkit.templates.forms import list_form_names

        labels = (name for one in list_form_names(root) for names in one.fields.values() for name in names)
        added = (name for names in own.values() for name in names)
        return tuple(dict.fromkeys((*_basic_names(), *added, *labels)))

    return Vocabulary(
        _OnDemand(lambda: BASIC.fields, lambda: _form_fields(root, own)),
        BASIC.keywords,
        _OnDemand(lambda: BASIC.values, classes, forms),
        known,
    )


def _form_fields(root: Path, own: Mapping[str, Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
    """Names of form fields, and of the office's own, to the fields they stand for.

    A key stands for itself alone; a label for every field that bears it in some form; the key or label of a table's
    column for the table, unless a field bears it.
    """
    from recordkit.templates.forms import list_form_names

    keys: dict[str, dict[str, None]] = {}
    labels: dict[str, dict[str, None]] = {}
    columns: dict[str, dict[str, None]] = {}
    every = list_form_names(root)
    for fields in (own, *(form.fields for form in every)):
        for key, names in fields.items():
            keys[key] = {FORM_FIELD + key: None}
            for name in map(name_of, names):
                labels.setdefault(name, {})[FORM_FIELD + key] = None
    for form in every:
        for key, names in form.columns.items():
            for name in map(name_of, names):
                columns.setdefault(name, {})[FORM_FIELD + key] = None
    return {name: tuple(fields) for name, fields in {**columns, **labels, **keys}.items()}


class _OnDemand(Mapping[str, V]):
    """Several mappings as one; a later one is read when the earlier ones lack what is looked for."""

    def __init__(self, *sources: Callable[[], Mapping[str, V]]) -> None:
        self._unread = list(sources)
        self._read: list[Mapping[str, V]] = []

    def __getitem__(self, name: str) -> V:
        for mapping in self._each():
            if name in mapping:
                return mapping[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for mapping in self._each() for name in mapping))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _each(self) -> Iterator[Mapping[str, V]]:
        yield from self._read
        while self._unread:
            mapping = self._unread[0]()
            self._read.append(mapping)
            del self._unread[0]
            yield mapping
