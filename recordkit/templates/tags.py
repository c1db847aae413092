"""Tags in the text of a template, and what only looks like one. Pure text work, paragraph by paragraph."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from recordkit.messages import Message, msg

Opening = Literal["{{", "{%", "{#"]

_CLOSING: dict[str, str] = {"{{": "}}", "{%": "%}", "{#": "#}"}
_OPENER = re.compile(r"\{\{|\{%|\{#")
_PREFIX = re.compile(r"(tr|tc|p|r)(?=\s|$)")
_SMART = str.maketrans("“”‘’", "\"\"''")
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_WIDE = {code: chr(code - 0xFEE0) for code in map(ord, "（）［］｛｝，．：；！＝＋－＊／％｜＜＞＂＇～＿")}
_WIDE |= {ord("、"): ",", ord("。"): ".", ord("　"): " ", ord("\u00a0"): " "}
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_LOOSE = re.compile(r"(?:[{｛]\s*[{｛%％]|[{｛]\s*[%％])(.{0,80}?)(?:[}｝%％]\s*[}｝])")
_SINGLE = re.compile(r"[{｛]+\s*([^{}｛｝]{1,60}?)\s*[}｝]+")
_TRIPLE = re.compile(r"\{{3,}(?:\s*([^{}]{1,60}?)\s*\}{2,})?")
_REST = re.compile(r"\{\{|\{%|%\}|\}\}|[｛｝]")
_BLANK = re.compile(
    r"【\s*([^【】]{1,30}?)\s*】|《\s*([^《》]{1,30}?)\s*》"
    r"|[«＜〈]+\s*([^«»＜＞〈〉]{1,30}?)\s*[»＞〉]+|\$(\w{1,30})\$?"
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that the engine sees.

    Attributes:
        prefix: ``p``, ``tr``, ``tc`` or ``r``: what is replaced as a whole; empty for the tag alone.
        body: between the signs, without prefix and the dashes that trim; smart quotes made straight as docxtpl does.
        start, end: in the paragraph's text.
    """

    opening: Opening
    prefix: str
    body: str
    start: int
    end: int
    raw: str

    @property
    def word(self) -> str:
        """First word of a statement such as ``if``; empty for a printed value."""
        found = re.match(r"\w+", self.body) if self.opening == "{%" else None
        return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Slip:
    """Something that looks like a tag and will not be filled, or a tag that is typed wrongly.

    ``meant`` is the tag it was meant to be, so that one mistyped ``{% if`` does not make its ``endif`` a finding too.
    """

    code: str
    message: Message
    fix: Message
    start: int
    end: int
    severity: Literal["error", "warning", "remark"] = "error"
    meant: Tag | None = None


def scan(text: str, known: Collection[str]) -> tuple[list[Tag], list[Slip]]:
    """Tags and slips of one paragraph, each in order of place.

    Args:
        text: the paragraph's text.
        known: names of fields; a name in brackets is taken for a blank only when it is one of them.
    """
    tags: list[Tag] = []
    slips: list[Slip] = []
    rest = list(text)

    def cover(start: int, end: int) -> None:
        rest[start:end] = "\0" * (end - start)

    at = 0
    while found := _OPENER.search(text, at):
        one = _tag_at(text, found.start())
        if isinstance(one, Slip):
            slips.append(one)
        else:
            tags.append(one)
            slips += _inside(one)
        cover(one.start, one.end)
        at = one.end
    slips += _lookalikes("".join(rest), known)
    slips.sort(key=lambda slip: slip.start)
    return tags, slips


def _tag_at(text: str, start: int) -> Tag | Slip:
    opening: Opening = text[start : start + 2]  # type: ignore[assignment]
    if triple := _TRIPLE.match(text, start):
        return _slip("too-many-brackets", msg("{text} has too many brackets.", text=_cut(triple[0])), "{{",
                     triple[1] or "", start, triple.end())
    closing = _CLOSING[opening]
    following = _OPENER.search(text, start + 2)
    until = following.start() if following else len(text)
    end = text.find(closing, start + 2) if opening == "{#" else _outside_quotes(text, closing, start + 2, until)
    if end >= 0:
        inner = text[start + 2 : end]
        wrong = next((one for one in ("}}", "%}") if one != closing and one in _LITERAL.sub("", inner)), "")
        if not wrong:
            return _made(text, start, end + 2, opening)
    inner = text[start + 2 : until]
    tail = re.search(r"[%％]\s*[}｝]|[}｝]\s*[}｝]?", inner)
    raw_end = start + 2 + (tail.end() if tail else len(inner))
    name = (inner[: tail.start()] if tail else inner).strip().strip("%{}")
    if tail and re.search("[％｝]", tail[0]):
        return _slip("wide-brackets", msg("The tag begins with {signs} and ends with full-width signs.", signs=opening),
                     opening, name, start, raw_end)
    end = text.find(closing, until)
    if following and end > until and tail is None:
        second = text.find(closing, end + 2)
        further = _OPENER.search(text, following.end())
        if second >= 0 and (further is None or second < further.start()):
            inside = text[following.start() + 2 : end].strip()
            whole = _cut(text[start : second + 2])
            return _slip("nested-tag", msg("A tag stands inside another tag: {text}", text=whole),
                         opening, inside, start, second + 2,
                         msg("Inside a tag write the plain name, without its own signs."))
    if tail and tail[0] in ("%}", "}}"):
        return _slip("mixed-signs",
                     msg("The tag begins with {first} and ends with {last}.", first=opening, last=tail[0]),
                     opening, name, start, raw_end,
                     msg("Values stand in {value}, conditions and loops in {statement}.", value="{{ … }}",
                         statement="{% … %}"))
    if tail:
        return _slip("half-closed", msg("The tag {text} is not closed.", text=_cut(text[start:raw_end])),
                     opening, name, start, raw_end)
    return _slip(
        "unclosed-tag",
        msg("The tag that begins at {text} has no end in this paragraph.", text=_cut(text[start:until])),
        opening, name, start, until,
        msg("Close it with {closing} in the same paragraph; write it in one go, without a line break inside.",
            closing=closing),
    )


def _outside_quotes(text: str, wanted: str, start: int, limit: int) -> int:
    """Where ``wanted`` stands outside of quotes before ``limit``; an apostrophe without its partner is no quote."""
    at, quote = start, ""
    while at < limit:
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif text.startswith(wanted, at):
            return at
        elif char in "'\"" and text.find(char, at + 1, limit) >= 0:
            quote = char
        at += 1
    return -1


def _made(text: str, start: int, end: int, opening: Opening) -> Tag:
    raw = text[start:end]
    body = raw[2:-2].translate({ord("\t"): None, ord("\n"): None}).translate(_SMART)
    prefix = _PREFIX.match(body) if opening != "{#" or body[:1] != " " else None
    if prefix:
        body = body[prefix.end() :]
    return Tag(opening, prefix[1] if prefix else "", body.strip("-+ \u3000\u00a0\t"), start, end, raw)


def _whole(opening: str, name: str) -> str:
    return f"{opening} {name.strip()} {_CLOSING[opening]}"


def _slip(
    code: str, message: Message, opening: str, name: str, start: int, end: int, fix: Message | None = None
) -> Slip:
    right = _whole(opening, name)
    meant = _made(right, 0, len(right), "{%" if opening == "{%" else "{{")
    return Slip(code, message, fix or msg("Type it as {tag}", tag=right), start, end, meant=meant)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


def _inside(tag: Tag) -> Iterator[Slip]:
    """Signs that a Chinese keyboard brings into a tag. Inside quotes they are plain text and may stand."""
    if tag.opening == "{#":
        return
    inner = tag.raw[2:-2]
    if _INVISIBLE.search(inner):
        yield Slip(
            "invisible-sign",
            msg("The tag {tag} holds an invisible character.", tag=_cut(tag.raw)),
            msg("Delete the tag and type it again: {tag}", tag=_INVISIBLE.sub("", tag.raw)),
            tag.start, tag.end,
        )
    if any(re.search("[“”‘’]", literal) for literal in _LITERAL.findall(inner)):
        yield Slip(
            "smart-quotes",
            msg("In {tag} the quotes inside the quoted text become straight ones.", tag=_cut(tag.raw)),
            msg("Leave them out, or use 「」."),
            tag.start, tag.end, "warning",
        )
    elif re.search("[“”‘’]", inner):
        yield Slip(
            "smart-quotes",
            msg("{tag} holds quotes that Word has curled; they are read as straight ones.", tag=_cut(tag.raw)),
            msg("Nothing need be done; straight ones are safer: {tag}", tag=tag.raw.translate(_SMART)),
            tag.start, tag.end, "remark",
        )
    wide = sorted({char for char in _LITERAL.sub("", inner.translate(_SMART)) if ord(char) in _WIDE and char.strip()})
    if wide:
        pieces = re.split(f"({_LITERAL.pattern})", tag.raw.translate(_SMART))
        right = "".join(piece if at % 2 else piece.translate(_WIDE) for at, piece in enumerate(pieces))
        yield Slip(
            "wide-signs",
            msg("The tag {tag} holds full-width signs: {signs}", tag=_cut(tag.raw), signs=" ".join(wide)),
            msg("Type them half-width: {tag}", tag=right),
            tag.start, tag.end,
        )


def plain_name(text: str) -> str:
    """A name as people mistype it: full-width letters, spaces and a trailing colon do not count."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).strip(":：*")


def _lookalikes(rest: str, known: Collection[str]) -> Iterator[Slip]:
    """What is left of the paragraph when its tags are taken out."""
    names = {plain_name(name): name for name in known}
    taken: list[tuple[int, int]] = []

    def free(found: re.Match[str]) -> bool:
        return all(found.end() <= start or found.start() >= end for start, end in taken)

    for found in _LOOSE.finditer(rest):
        taken.append(found.span())
        text = _cut(found[0])
        wide = bool(re.search("[｛｝％]", found[0]))
        statement = bool(re.match(r"[{｛]\s*[%％]", found[0]))
        yield _slip(
            "wide-brackets" if wide else "spaced-brackets",
            msg("{text} will be printed as it stands: its brackets are full-width.", text=text)
            if wide
            else msg("{text} will be printed as it stands: there is a space between its brackets.", text=text),
            "{%" if statement else "{{", found[1].translate(_WIDE), *found.span(),
        )
    for found in _SINGLE.finditer(rest):
        name = names.get(plain_name(found[1].partition("|")[0]))
        doubled = "{{" in found[0] or "}}" in found[0]
        if not free(found) or not (name or doubled or re.fullmatch(r"[^\W\d]\w*", found[1])):
            continue
        taken.append(found.span())
        one = _slip(
            "single-brackets",
            msg("{text} will be printed as it stands: a tag has two brackets on each side.", text=_cut(found[0])),
            "{{", name or found[1], *found.span(),
        )
        yield one if name or doubled else replace(one, severity="warning")
    for found in _BLANK.finditer(rest):
        name = names.get(plain_name(next(filter(None, found.groups()), "")))
        if name and free(found):
            taken.append(found.span())
            yield Slip(
                "named-blank",
                msg("{text} is the name of a field but no tag; it will be printed as it stands.", text=_cut(found[0])),
                msg("If the value belongs here, type {tag}", tag=_whole("{{", name)),
                *found.span(), "warning", _made(right := _whole("{{", name), 0, len(right), "{{"),
            )
    for found in _REST.finditer(rest):
        if free(found):
            yield Slip(
                "stray-brackets",
                msg("A single {signs} belongs to no tag.", signs=found[0]),
                msg("Delete it, or complete the tag."),
                *found.span(), "error" if found[0].isascii() else "warning",
            )
