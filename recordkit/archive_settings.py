"""The ``[archive]`` section of recordkit.toml: fonds, the template of the archival code, the office's own fields.

What a template must have, and what a field may be called, is checked here, when the settings are read: a code once
given never changes, and a value once filed lies under its key for ever.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct, field

from recordkit.messages import listed, msg
from recordkit.model import WrongSetting

PLACEHOLDERS = ("fonds", "category", "class", "year", "period", "office", "seq")
"""What may stand in a template in braces; ``seq`` with a width, too: ``{seq:04}``."""
VOLUME_PLACEHOLDERS = ("fonds", "category", "year", "office", "seq")
"""The same for volumes."""
LONGEST_VALUE = 40
"""Characters that fonds, category, office and a class may have in a code."""
PERMANENT_TERM = "永久"
OLD_TERMS = {PERMANENT_TERM: "permanent", "长期": "50y", "短期": "15y"}
"""What the terms of older archives mean at the longest: 长期 is 16 to 50 years, 短期 up to 15.

国家档案局《关于机关档案保管期限的规定》(1987), 第二条. A doubt never shortens a period.
"""


class OwnField(Struct, frozen=True):
    """A metadata field that the office adds to those that every record has.

    Attributes:
        key: ASCII, lower case; unique among core fields and own ones.
        label: Chinese name; unique, too.
        classes: ids of the classes that have it; none for all.
    """

    key: str
    label: str
    label_en: str = ""
    type: Literal["text", "integer", "decimal", "date", "choice", "phone", "account", "yes_no"] = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class ArchiveSection(Struct, frozen=True):
    """Fonds, archival code and own metadata fields.

    Attributes:
        code: template of the archival code (档号); DA/T 22-2015 by default. By DA/T 13-2022, for items, it is
            ``{fonds}-{category}-{seq:04}``, or with a second level of category ``{fonds}-{category}·{class}-{seq:04}``.
        class_codes: what stands for a class in ``{class}``; its id where nothing is said.
        fields: the office's own.
        volume_code: archival code of a volume (案卷); placeholders ``VOLUME_PLACEHOLDERS``. No period: that of
            a volume may grow with what is filed into it, and the code stays.
        old_terms: period by the term (保管期限) that an inherited record had, as a retention schedule writes periods.
        volumes: ``per-account``: what is filed under the account of an open volume joins it by itself.
    """

    fonds: str = "C001"
    fonds_name: str = "某某市自来水有限公司"
    category: str = "KF"
    code: str = "{fonds}-{category}·{year}-{period}-{office}-{seq:04}"
    fields: tuple[OwnField, ...] = ()
    class_codes: Mapping[str, str] = field(default_factory=dict)
    volume_code: str = "{fonds}-{category}·{year}-{office}-AJ{seq:04}"
    volumes: Literal["by-hand", "per-account"] = "by-hand"
    old_terms: Mapping[str, str] = field(default_factory=lambda: dict(OLD_TERMS))


class CodePart(Struct, frozen=True):
    """A piece of a template: ``kind`` is ``text`` or a placeholder; ``text`` as it stands, ``width`` of ``seq``."""

    kind: str
    text: str
    width: int = 1


_PLACEHOLDER = r"\{(\w+)(?::0?(\d{1,2}))?\}"


def code_parts(template: str, placeholders: tuple[str, ...] = PLACEHOLDERS) -> tuple[CodePart, ...] | None:
    """The pieces of a template in order; None where a brace or a placeholder is not understood."""
    parts: list[CodePart] = []
    at = 0
    for found in re.finditer(_PLACEHOLDER, template):
        parts.append(CodePart("text", template[at:found.start()]))
        if found[1] not in placeholders or (found[2] is not None and found[1] != "seq"):
            return None
        parts.append(CodePart(found[1], found[0], int(found[2] or 1)))
        at = found.end()
    parts.append(CodePart("text", template[at:]))
    if any(part.kind == "text" and re.search(r"[{}]", part.text) for part in parts):
        return None
    return tuple(part for part in parts if part.text)


def wrong_in_archive(archive: ArchiveSection, office: str) -> Iterator[WrongSetting]:
    """Everything that is wrong with the section; ``office`` is the code of the office."""
    yield from _wrong_in_code(archive, office)
    yield from _wrong_in_volume_code(archive.volume_code)
    yield from _wrong_in_fields(archive.fields)
    yield from _wrong_in_terms(archive.old_terms)


PERIOD = r"permanent|[1-9][0-9]{0,2}y|[1-9][0-9]{0,3}m"
"""How a retention schedule writes periods."""
_YEARS = r"(?:定期)?\(?0{0,3}([1-9][0-9]{0,2})年\)?|D0{0,3}([1-9][0-9]{0,2})"


def meaning_of_term(term: str, old_terms: Mapping[str, str]) -> str:
    """The period that an old term stands for, as a retention schedule writes it; "" where nobody has said so.

    永久 and Y, 20年 and 定期20年, and D20 are understood by themselves; of those two with a number ``old_terms`` may
    say something else.
    """
    plain = plain_term(term)
    if plain in (PERMANENT_TERM, "Y"):
        return "permanent"
    for known, period in old_terms.items():
        if plain_term(known) == plain:
            return period
    found = re.fullmatch(_YEARS, plain)
    return "" if found is None else f"{found[1] or found[2]}y"


def plain_term(term: str) -> str:
    """The form in which terms are compared: however it is spaced and written, one term means one period."""
    return "".join(unicodedata.normalize("NFKC", term).split()).upper()


def _wrong_in_terms(old_terms: Mapping[str, str]) -> Iterator[WrongSetting]:
    for term, period in old_terms.items():
        at = f"archive.old_terms.{term}"
        if not plain_term(term):
            yield WrongSetting(at, period, msg("a term such as {term} before it", term="长期"))
        if not re.fullmatch(PERIOD, period):
            yield WrongSetting(at, period, msg("{permanent}, or a period such as 30y or 18m", permanent="permanent"))
        if meaning_of_term(term, {}) == "permanent" and period != "permanent":
            yield WrongSetting(at, period, msg("{permanent}: no setting shortens what is to be kept for ever",
                                               permanent="permanent"))


def _wrong_in_code(archive: ArchiveSection, office: str) -> Iterator[WrongSetting]:
    code = archive.code
    parts = code_parts(code)
    if parts is None:
        yield _not_understood("archive.code", code, PLACEHOLDERS)
        return
    kinds = [part.kind for part in parts]
    # DA/T 13-2022, 5: fonds, category and item number are in every code; without them two could be the same.
    for needed in (("fonds",), ("category", "class"), ("seq",)):
        if not set(needed) & set(kinds):
            name = msg("{one} or {other}", one="{category}", other="{class}") if len(needed) > 1 else f"{{{needed[0]}}}"
            yield _without("archive.code", code, name)
    if kinds.count("seq") != 1:
        yield WrongSetting("archive.code", code, msg("a text with {placeholder} once", placeholder="{seq}"))
        return
    at = kinds.index("seq")
    beside = [parts[side] for side in (at - 1, at + 1) if 0 <= side < len(parts)]
    before_or_after = [one.text[-1 if here else 0] if one.kind == "text" else "0" for here, one in
                       zip((True, False) if at else (False,), beside, strict=False)]
    if any(one.isalnum() for one in before_or_after):
        yield WrongSetting("archive.code", code, msg("a text in which a sign such as - stands between {placeholder} "
                                                     "and what is beside it", placeholder="{seq}"))
    if any(part.kind == "text" and _is_odd(part.text) for part in parts):
        yield WrongSetting("archive.code", code, msg("a text without spaces and line breaks"))
    if not 1 <= parts[at].width <= 12:
        yield WrongSetting("archive.code", code, msg("a width of 1 to 12 in {placeholder}", placeholder="{seq:04}"))
    others = code_parts(archive.volume_code, VOLUME_PLACEHOLDERS)
    if others is not None and _can_meet(parts, others, archive, office):
        yield WrongSetting("archive.volume_code", archive.volume_code, msg(
            "a text that makes no code which {code} makes, too: say with letters such as AJ beside {placeholder} which "
            "ones are volumes", code="archive.code", placeholder="{seq}"))
    values = {"archive.fonds": ("fonds", archive.fonds), "archive.category": ("category", archive.category),
              "company.office_code": ("office", office),
              **{f"archive.class_codes.{name}": ("class", value) for name, value in archive.class_codes.items()}}
    for key, (kind, value) in values.items():
        if kind in kinds and (not value or len(value) > LONGEST_VALUE or _is_odd(value) or set(value) & set("{}")):
            yield WrongSetting(key, value, msg("1 to {most} characters without spaces and braces, as they stand in the "
                                               "archival code", most=LONGEST_VALUE))


def _wrong_in_volume_code(code: str) -> Iterator[WrongSetting]:
    parts = code_parts(code, VOLUME_PLACEHOLDERS)
    if parts is None:
        yield _not_understood("archive.volume_code", code, VOLUME_PLACEHOLDERS)
    elif all(part.kind != "seq" for part in parts):
        yield _without("archive.volume_code", code, "{seq}")


def _not_understood(key: str, code: str, placeholders: tuple[str, ...]) -> WrongSetting:
    return WrongSetting(key, code, msg("a text with the placeholders {placeholders}", placeholders=listed(
        f"{{{name}}}" for name in placeholders)))


def _without(key: str, code: str, placeholder: object) -> WrongSetting:
    return WrongSetting(key, code, msg("a text with {placeholder} in it", placeholder=placeholder))


_DIGITS = frozenset("0123456789")
_ANY: frozenset[str] | None = None
"""Any character: what stands for a class is the office's own."""
_Step = tuple[frozenset[str] | None, bool]
"""Characters that may come next, and whether any number of them may."""


def _steps(parts: tuple[CodePart, ...], archive: ArchiveSection, office: str, period: str) -> list[_Step]:
    """What a template makes, character by character; ``period`` as its code stands: Y, or D with digits."""
    steps: list[_Step] = []
    for part in parts:
        kind = part.kind
        if kind == "class":
            steps += [(_ANY, False), (_ANY, True)]
        elif kind == "seq":
            steps += [*[(_DIGITS, False)] * part.width, (_DIGITS, True)]
        elif kind == "year":
            steps += [(_DIGITS, False)] * 4
        elif kind == "period" and period == "Y":
            steps += [(frozenset("Y"), False)]
        elif kind == "period":
            steps += [(frozenset("DM"), False), (_DIGITS, False), (_DIGITS, True)]
        else:
            stands = {"fonds": archive.fonds, "category": archive.category, "office": office}.get(kind, part.text)
            steps += [(frozenset(one), False) for one in stands]
    return steps


def _can_meet(parts: tuple[CodePart, ...], others: tuple[CodePart, ...], archive: ArchiveSection, office: str) -> bool:
    """Whether two templates can make the same code: a walk through both at once."""
    for period in ("Y", "D"):
        one, two = (_steps(each, archive, office, period) for each in (parts, others))
        seen: set[tuple[int, int]] = set()
        todo = [(0, 0)]
        while todo:
            here = todo.pop()
            if here in seen:
                continue
            seen.add(here)
            at, by = here
            if here == (len(one), len(two)):
                return True
            # What may come any number of times may come not at all.
            if at < len(one) and one[at][1]:
                todo.append((at + 1, by))
            if by < len(two) and two[by][1]:
                todo.append((at, by + 1))
            if at < len(one) and by < len(two):
                first, second = one[at][0], two[by][0]
                if first is None or second is None or first & second:
                    todo.append((at if one[at][1] else at + 1, by if two[by][1] else by + 1))
    return False


def _is_odd(text: str) -> bool:
    return any(one.isspace() or unicodedata.category(one) in ("Cc", "Cf", "Cs") for one in text)


RESERVED = frozenset((
    # core fields: archive.metadata.CORE
    "title", "date", "responsible", "number", "account", "party", "address", "phone", "box", "shelf", "security",
    "keywords", "note", "题名", "日期", "责任者", "文号", "户号", "当事人", "地址", "电话", "盒号", "库位", "密级",
    "主题词", "备注",
    # what the program itself writes into record.json
    "record_id", "code", "record_class", "year", "period", "issue_id", "form", "form_name", "access", "pages", "sha256",
    "sha512", "size", "filed_at", "filed_by", "fields", "labels", "batch", "meters", "source", "matched",
    "match_confidence", "findings", "signatures", "pdf", "page_order", "attachments", "order", "period_term",
    "origin", "inherited", "title_made", "title made by the archivist", "自拟题名", "date_given", "date as given",
    "原目录日期",
    # what show and search say beside it
    "status", "version", "holds", "retention", "class", "meter", "text", "pinyin", "serial", "volume", "volumes",
    "页数", "保管期限", "文件名", "类别", "年度", "年份", "表单", "档号", "标题", "编号", "文书编号", "合同编号",
    "通知书编号", "记录编号", "户名", "用水人", "客户", "表号", "水表编号", "注册号", "用水地址", "联系电话", "字段",
    "拼音", "正文", "全文",
))  # fmt: skip
"""Names that an own field may not have: the value would stand in the place of another one."""


def _wrong_in_fields(fields: tuple[OwnField, ...]) -> Iterator[WrongSetting]:
    taken: set[str] = set()
    for place, one in enumerate(fields):
        at = f"archive.fields[{place}]"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", one.key):
            yield WrongSetting(f"{at}.key", one.key,
                               msg("lower-case letters a-z, digits and _, beginning with a letter"))
        label = one.label.strip()
        if not label or label != one.label or len(label) > 40 or _is_odd(label.replace(" ", "")) \
                or set(label) & set("=:：\"'()[]"):
            yield WrongSetting(f"{at}.label", one.label,
                               msg("1 to 40 characters without = : brackets and quotation marks"))
        names = {"key": one.key, "label": one.label, "label_en": one.label_en}
        for name, value in names.items():
            # English names are compared as people write them: the core has Title and title.
            if value and (value in RESERVED or value.lower() in RESERVED):
                yield WrongSetting(f"{at}.{name}", value, msg("a name that recordkit does not use itself"))
            if value and value in taken:
                yield WrongSetting(f"{at}.{name}", value, msg("a name that no other field has"))
        taken |= {value for value in names.values() if value}
        if (one.type == "choice") != bool(one.choices):
            yield WrongSetting(f"{at}.choices", list(one.choices),
                               msg("values to choose from, for the type {type} and no other", type="choice"))
        if len(set(one.choices)) != len(one.choices) or not all(map(str.strip, one.choices)):
            yield WrongSetting(f"{at}.choices", list(one.choices), msg("different values, none of them empty"))
