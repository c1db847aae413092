"""What a search found, on the screen: a table with marked words on a terminal, plain lines in a pipe, or JSON."""

from __future__ import annotations

import itertools
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from recordkit.archive.search.snippet import MATCH_BEGINS, MATCH_ENDS
from recordkit.cli.base import App
from recordkit.cli.colours import are_wanted
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.progress import Progress
from recordkit.cli.showing import quoted
from recordkit.cli.tables import columns_of
from recordkit.errors import RecordkitError
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.catalogue import Record
    from recordkit.archive.search.service import Found, IndexWork, Search, SearchRequest
    from recordkit.workspace import Workspace

_PLAIN_MARKS = str.maketrans({MATCH_BEGINS: "【", MATCH_ENDS: "】"})
_TOGETHER = 100
"""Hits that share the widths of their columns."""
_HELD = 1000
_UNFILED = 3
"""Hits up to which a JSON document is made before it is printed: an error then leaves no half of one."""
_PAGES_SHOWN = 6
_VALUES_SHOWN = 15


def print_answer(app: App, workspace: Workspace, request: SearchRequest) -> None:
    """Search and print; talk goes to stderr."""
    from recordkit.archive.search.service import begin_search

    started = time.monotonic()
    if request.facets:
        from recordkit.retention.standing import bound_records

        request = replace(request, standings=bound_records(workspace))
    search = begin_search(workspace, request, index_watch(app))
    if app.json:
        _print_json(app, workspace, search, started)
    else:
        _print_for_people(app, workspace, search, request)
    if search.shields:
        app.say(msg("Restricted records are not shown to you; that needs the role {roles}. Say who you are with "
                    "--as ID.", roles=search.clearance.told_roles))


def index_watch(app: App) -> Callable[[IndexWork, int], Progress]:
    """Tells the person that the index is worked on, and how far that is."""

    def watch(work: IndexWork, total: int) -> Progress:
        if work == "catching-up":
            return Progress(app, tr("Taking new records into the index"), total)
        if total:
            app.say(tr("The search index is damaged, incomplete or of another version; it is made anew ..."))
        return Progress(app, tr("Deriving the index (records)"), total)

    return watch


# JSON


def _print_json(app: App, workspace: Workspace, search: Search, started: float) -> None:
    from recordkit.cli.streaming import print_listing

    count = 0

    def items() -> Iterator[Mapping[str, object]]:
        nonlocal count
        for count, one in enumerate(search.found(), start=1):  # noqa: B007  (read by ``more``)
            yield _plain_hit(one)

    def more() -> Mapping[str, object]:
        told: dict[str, object] = {"total": search.total_with(count), "facets": search.facets}
        if search.facets:
            told["facet_names"] = {
                name: {value: _value_name(workspace, name, value) for value in counts}
                for name, counts in search.facets.items() if name != "year"
            }
        if search.behind:
            told["behind"] = search.behind
        return {**told, "took_ms": round((time.monotonic() - started) * 1000, 1)}

    if len(search.hits) > _HELD:
        print_listing(items(), more)
    else:
        app.print_json({"items": list(items()), **more()})


def _plain_hit(one: Found) -> dict[str, object]:
    record = one.record
    return {
        "record_id": record.record_id,
        "code": record.code,
        "title": one.title,
        "date": record.date,
        "record_class": record.record_class,
        "number": record.number,
        "score": one.score,
        "pages": list(one.pages),
        "attachment_pages": _attachment_pages(one),
        "snippet": one.snippet,
        "field": one.field or None,
    }


def _attachment_pages(one: Found) -> list[dict[str, object]]:
    """Where those of the hit's pages lie that are counted on behind the paper's own."""
    from recordkit.archive.attachments import place_of

    places = [(page, *place_of(one.record, page)) for page in one.pages if page > one.record.pages]
    return [{"page": page, "attachment": number, "attachment_page": inside} for page, number, inside in places]


# For people


def _print_for_people(app: App, workspace: Workspace, search: Search, request: SearchRequest) -> None:
    first: Found | None = None
    read = 0
    found = search.found()
    screen = _Screen() if sys.stdout.isatty() else None
    while some := list(itertools.islice(found, _TOGETHER)):
        first = first or some[0]
        read += len(some)
        for line in screen.lines(some) if screen is not None else itertools.chain(*map(_plain_lines, some)):
            click.echo(line)
    total = search.total_with(read)
    if search.facets and total:
        _print_facets(app, workspace, search.facets)
    if not total:
        _say_nothing_found(app, search, request)
        return
    _say_place(app, request, total, request.offset + read)
    if first is not None:
        app.say(tr("To open the first one: {command}").format(command=_opening(app, first)))


def _say_place(app: App, request: SearchRequest, total: int, last: int) -> None:
    if last == request.offset and request.offset:
        app.say(tr("{total} record(s) found; none behind --offset {offset}.").format(
            total=total, offset=request.offset))
    elif request.offset or last < total:
        told = tr("{first}-{last} of {total} record(s) found.").format(
            first=request.offset + 1, last=last, total=total)
        if last < total:
            told += " " + tr("The next ones: --offset {offset}").format(offset=last)
        app.say(told)
    else:
        app.say(tr("{total} record(s) found.").format(total=total))


def _opening(app: App, one: Found) -> str:
    """The command that opens the paper where the first match stands."""
    command = f"recordkit open {quoted(one.record.code)}"
    if app.actor is not None:
        command += f" --as {quoted(app.actor)}"
    page = one.pages[0] if one.pages else 1
    if page <= one.record.pages:
        return f"{command} --page {page}" if page > 1 else command
    from recordkit.archive.attachments import attachments_of, place_of

    number, inside = place_of(one.record, page)
    names = [paper.name for paper in attachments_of(one.record) if paper.number == number]
    return f"{command} --file {quoted(names[0])}" + (f" --page {inside}" if inside > 1 else "") if names else command


def _pages(one: Found, most: int | None = None) -> str:
    own = [str(page) for page in one.pages if page <= one.record.pages]
    told = [tr("p. {pages}").format(pages=_some(own, most))] if own else []
    inside: dict[object, list[str]] = {}
    for place in _attachment_pages(one):
        inside.setdefault(place["attachment"], []).append(str(place["attachment_page"]))
    told += [tr("attachment {number} p. {pages}").format(number=number, pages=_some(some, most))
             for number, some in inside.items()]
    return "  ".join(told)


def _some(pages: Sequence[str], most: int | None) -> str:
    return tr_list(pages, most)


_FIELD_NAMES = {
    "number": N_("Number"), "code": N_("Code"), "party": N_("Party"), "account": N_("Account"),
    "meters": N_("Meter number"), "address": N_("Address"), "phone": N_("Phone"), "fields": N_("Field"),
}  # fmt: skip


def _told_snippet(one: Found) -> str:
    """The snippet, led by the name of the field it is from. What only the title holds is marked there."""
    if not one.field or not one.snippet:
        return one.snippet
    if one.field == "title":
        return "" if MATCH_BEGINS in one.headline else one.snippet
    return tr("{name}: {value}").format(name=_field_name(one.record, one.field), value=one.snippet)


def _field_name(record: Record, field: str) -> str:
    from recordkit.archive.search.query import FORM_FIELD

    if not field.startswith(FORM_FIELD):
        return tr(_FIELD_NAMES.get(field, field))
    labels, key = record.metadata.get("labels"), field.removeprefix(FORM_FIELD)
    return str(labels.get(key, key)) if isinstance(labels, dict) else key


def _plain_lines(one: Found) -> Iterator[str]:
    record = one.record
    title = one.headline.translate(_PLAIN_MARKS)
    yield f"{record.code}  {title}  {record.date}  {record.number or ''}  {_pages(one)}".rstrip()
    if snippet := _told_snippet(one):
        yield "    " + snippet.translate(_PLAIN_MARKS)


class _Screen:
    """Hits as rows of a table that fits the terminal, each with its snippet below over the whole width.

    Where there is no room for number and pages beside the title they stand below it.
    """

    _GAP = 2
    _DATE = 10
    _WIDEST_SNIPPET = 130

    def __init__(self) -> None:
        import shutil

        self._width = max(40, shutil.get_terminal_size((80, 24)).columns)
        self._coloured = are_wanted()
        self._begun = False

    def lines(self, some: Sequence[Found]) -> Iterator[str]:
        """These hits, under the headings if they are the first."""
        told = [(one.record.code, self._marks(one.headline), str(one.record.date), one.record.number or "",
                 _pages(one, _PAGES_SHOWN)) for one in some]
        headings = [tr(one) for one in (N_("Code"), N_("Title"), N_("Date"), N_("Number"), N_("Found on"))]
        code, title, date, number, pages = (max(map(_columns, column)) for column in zip(headings, *told, strict=True))
        room = self._width - code - date - 2 * self._GAP
        beside = room - number - pages - 2 * self._GAP >= min(title, 36)
        if beside:
            widths = [code, min(title, room - number - pages - 2 * self._GAP), date, number, pages]
        else:
            widths = [code, min(title, max(room, 8)), date]
        if not self._begun:
            self._begun = True
            yield from self._row(headings[: len(widths)], widths, ["2"] * len(widths))
            yield self._painted("─" * min(self._width, sum(widths) + self._GAP * (len(widths) - 1)), "2")
        for one, cells in zip(some, told, strict=True):
            yield from self._row(cells[: len(widths)], widths, ["", "1", "", "", "2"])
            below = "" if beside else "  ".join(filter(None, cells[3:]))
            snippet = self._marks(_told_snippet(one))
            for text, style in ((below, "2"), (snippet, "")):
                for line in folded(text, min(self._width, self._WIDEST_SNIPPET) - 4) if text else ():
                    yield "   " + self._painted(line, style)

    def _row(self, cells: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Iterator[str]:
        columns = [folded(cell, width) for cell, width in zip(cells, widths, strict=True)]
        for parts in itertools.zip_longest(*columns, fillvalue=""):
            padded = [self._painted(part, style) + " " * (width - _columns(part))
                      for part, width, style in zip(parts, widths, styles, strict=False)]
            yield (" " * self._GAP).join(padded).rstrip()

    def _marks(self, text: str) -> str:
        return text if self._coloured else text.translate(_PLAIN_MARKS)

    def _painted(self, text: str, style: str) -> str:
        if not self._coloured or not text:
            return text
        begin = f"\x1b[{style}m" if style else ""
        marked = text.replace(MATCH_BEGINS, "\x1b[0;1;33m").replace(MATCH_ENDS, "\x1b[0m" + begin)
        return f"{begin}{marked}\x1b[0m" if begin or marked != text else text


_UNMARKED = f"[{MATCH_BEGINS}{MATCH_ENDS}]"
_PIECES = f"(?s)[{MATCH_BEGINS}{MATCH_ENDS}]|[!-~]+|."


_NEVER_FIRST = "，。、；：！？）】〕」』”’…"


def _columns(text: str) -> int:
    return columns_of(re.sub(_UNMARKED, "", text))


def folded(text: str, width: int) -> list[str]:
    """A text in lines of so many columns, a few at least.

    Words of letters and digits stay whole where they fit in a line, and no line begins with what closes a sentence or
    a bracket. A mark that is open at the end of a line is closed there and opened again.
    """
    lines: list[str] = []
    line: list[str] = []
    used, is_open = 0, False
    for piece in re.findall(_PIECES, text):
        if piece in (MATCH_BEGINS, MATCH_ENDS):
            line, is_open = [*line, piece], piece == MATCH_BEGINS
            continue
        for part in [piece] if columns_of(piece) <= width else piece:
            if used + columns_of(part) > width and used:
                back = line.pop() if part in _NEVER_FIRST and len(line) > 1 and len(line[-1]) == 1 else ""
                back = "" if back == " " else back
                if back in (MATCH_BEGINS, MATCH_ENDS):
                    line, back = [*line, back], ""
                lines.append("".join(line) + MATCH_ENDS * is_open)
                line, used = [MATCH_BEGINS] * is_open + [back], columns_of(back)
                if part == " " and not back:
                    continue
            line.append(part)
            used += columns_of(part)
    lines.append("".join(line) + MATCH_ENDS * is_open)
    return [one.replace(MATCH_BEGINS + MATCH_ENDS, "") for one in lines]


# Facets


def _print_facets(app: App, workspace: Workspace, facets: Mapping[str, Mapping[str, int]]) -> None:
    click.echo()
    rows: list[list[object]] = []
    for name, counts in facets.items():
        order = sorted(counts.items(), reverse=True) if name == "year" else sorted(
            counts.items(), key=lambda one: (-one[1], one[0]))
        shown = [(_value_name(workspace, name, value), count) for value, count in order[:_VALUES_SHOWN]]
        if len(order) > _VALUES_SHOWN:
            shown.append((tr("{count} further ones").format(count=len(order) - _VALUES_SHOWN),
                          sum(count for _, count in order[_VALUES_SHOWN:])))
        rows += [[tr(name) if place == 0 else "", value, count] for place, (value, count) in enumerate(shown)]
    app.print_table(rows, [N_("Counted by"), N_("Value"), N_("Hits")])


def _value_name(workspace: Workspace, facet: str, value: str) -> str:
    """What people call a value that hits are counted by."""
    if facet == "status":
        return tr(value)
    if facet == "period":
        return tr("permanent") if value == "Y" else tr("{years} years").format(years=value.removeprefix("D"))
    if facet in ("class", "form"):
        from recordkit.archive.classes import load_scheme

        try:
            known = load_scheme(workspace.root).classes.get(value)
        except RecordkitError:
            known = None  # 'config check' says what is wrong with the schedule
        return value if known is None else known.name
    return value


# Nothing found


def _say_nothing_found(app: App, search: Search, request: SearchRequest) -> None:
    """What to try next, from what the index can tell."""
    from recordkit.archive.search.hints import hints_of
    from recordkit.templates.issue import find_unfiled

    app.say(tr("{total} record(s) found.").format(total=0))
    if app.quiet:
        return
    narrowed = any(one is not None for one in (
        request.field, request.record_class, request.year, request.since, request.until))
    hints = hints_of(search, restricted=narrowed)
    told = [tr("Without --field, --class, --year, --from and --to: {count} record(s).").format(
        count=hints.anywhere)] if hints.anywhere else []
    if hints.alone:
        each = [tr("“{text}” {count}").format(text=text, count=count) for text, count in hints.alone]
        told.append(tr("Each word alone: {words}.").format(words=tr_list(each)))
    if hints.fuzzy:
        near = tr_list(hints.near)
        told.append((tr("With one wrong character allowed (word~): {count} record(s), such as {near}.") if near else
                     tr("With one wrong character allowed (word~): {count} record(s).")).format(
            count=hints.fuzzy, near=near))
    for piece, count in hints.pieces:
        told.append(tr("A shorter piece is found: “{text}”, {count} record(s).").format(text=piece, count=count))
    unfiled = () if narrowed else tuple(itertools.islice(
        find_unfiled(search.workspace, request.text, restricted=search.clearance.full), _UNFILED + 1))
    if unfiled:
        told.append(tr("Issued, the signed paper not filed yet: {numbers}. To see one: recordkit issued show {number}")
                    .format(numbers=tr_list(unfiled, _UNFILED), number=unfiled[0]))
    for line in told or [tr("Try fewer characters: any piece of a name, address or number is enough.")]:
        app.say(tr("  -> {todo}").format(todo=line))
