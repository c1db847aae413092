"""A listing written as spreadsheet, text or JSON, row by row; the Word page is made in ``paper``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import BinaryIO, Literal

from recordkit.archive.listings.shape import Column, Listing, Part, Row, rows_of
from recordkit.errors import InputRefused
from recordkit.messages import msg
from recordkit.templates.sheetwriter import MM_OF_PLACE, Cell, Sheet, write_workbook
from recordkit.templates.textcells import csv_text
from recordkit.workspace import Workspace

Format = Literal["xlsx", "docx", "csv", "json"]
FORMATS: tuple[Format, ...] = ("xlsx", "docx", "csv", "json")
MOST_ROWS = 1_000_000
"""Of one sheet; the format ends at 1,048,576 (ECMA-376), heads included."""


def write_listing(workspace: Workspace, listing: Listing, kind: Format, out: BinaryIO) -> None:
    """Write a listing to a file that is open.

    Raises:
        InputRefused: it is too long for this kind of file.
        StoreBusy: records were changed meanwhile, so that cover and rows would disagree; the file is useless.
    """
    if kind == "xlsx":
        for part in listing.parts:
            if part.count > MOST_ROWS:
                raise InputRefused(
                    msg("{count} rows do not fit into one sheet; it holds {most}.", count=part.count, most=MOST_ROWS),
                    msg("Choose fewer records, one year or one class, or write a .csv."))
        write_workbook(out, list(_sheets(listing)))
    elif kind == "csv":
        _write_csv(listing, out)
    elif kind == "json":
        _write_json(listing, out)
    else:
        from recordkit.archive.listings.paper import write_paper

        write_paper(workspace, listing, out)


def _sheets(listing: Listing) -> Iterator[Sheet]:
    taken: set[str] = set()

    def free(name: str) -> str:
        wanted, turn = name[:31], 2
        while wanted.casefold() in taken:
            wanted, turn = f"{name[:26]} ({turn})", turn + 1
        taken.add(wanted.casefold())
        return wanted

    columns = listing.look.columns
    for part in listing.parts:
        name = free(part.name if columns else f"{listing.look.title} {part.name}")
        if listing.look.has_cover:
            yield Sheet(free(f"{name} 封面") if columns else name, list(_cover(listing, part)), (28, 42, 42),
                        title=True, ruled=True, landscape=False)
        if columns:
            above: list[Sequence[Cell]] = [[listing.look.title], [_line_of(listing, part)],
                                           [one.label for one in columns]]
            yield Sheet(
                name, _Chained(above, part), [one.width / MM_OF_PLACE for one in columns], head=len(above), repeat=1,
                centred=[at for at, one in enumerate(columns, 1) if one.centred], title=True)


class _Chained:
    """Heads and rows, made anew whenever they are asked for."""

    def __init__(self, above: Sequence[Sequence[Cell]], part: Part) -> None:
        self._above, self._part = above, part

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        yield from self._above
        yield from rows_of(self._part)


def _line_of(listing: Listing, part: Part) -> str:
    """The cover's facts in one line, above every page of the list."""
    if listing.look.signed:
        return "　　".join(f"{one.label}：{one.value}" for one in part.facts if one.key in ("name", "digest"))
    return "　　".join(f"{one.label}：{_text(one.value)}" for one in part.facts)


def _cover(listing: Listing, part: Part) -> Iterator[Sequence[Cell]]:
    yield [listing.look.title]
    for one in part.facts:
        yield [one.label, one.value, None]
    yield from listing.look.signed


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def _write_csv(listing: Listing, out: BinaryIO) -> None:
    """UTF-8 with the mark that Excel needs. Without columns one line for each cover."""
    text = io.TextIOWrapper(out, "utf-8-sig", errors="replace", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        if not listing.look.columns:
            heads = [one.label for one in listing.parts[0].facts]
            writer.writerow(heads)
            writer.writerows([csv_text(_text(one.value)) for one in part.facts] for part in listing.parts)
            return
        writer.writerow([one.label for one in listing.look.columns])
        for part in listing.parts:
            writer.writerows(_csv_row(listing.look.columns, row) for row in rows_of(part))
    finally:
        text.flush()
        text.detach()


def _csv_row(columns: Sequence[Column], row: Row) -> list[str]:
    return [_text(value) if one.kind != "text" else csv_text(_text(value))
            for one, value in zip(columns, row, strict=True)]


def plain_part(part: Part) -> dict[str, object]:
    """A catalogue's cover for programs."""
    return {"name": part.name, "count": part.count, "facts": {one.key: one.value for one in part.facts}}


def _write_json(listing: Listing, out: BinaryIO) -> None:
    """``catalogues`` are the covers, ``items`` the rows by key, each with the number of its catalogue, from 1.

    Where there is nothing but covers, those are the items.
    """
    def dumped(value: object) -> bytes:
        return json.dumps(value, ensure_ascii=False, default=_text).encode("utf-8", "replace")

    covers = [plain_part(part) for part in listing.parts]
    head = {"kind": listing.look.kind, "title": listing.look.title, "catalogues": covers}
    out.write(dumped(head)[:-1] + b',\n "items": [')
    ending = b"\n  "
    for number, part in enumerate(listing.parts, 1):
        for row in rows_of(part) if listing.look.columns else [tuple(one.value for one in part.facts)]:
            keys = [one.key for one in listing.look.columns or part.facts]
            named = dict(zip(keys, row, strict=True))
            out.write(ending + dumped({"catalogue": number, **named}))
            ending = b",\n  "
    out.write(b'],\n "total": ' + dumped(listing.count) + b"}\n")
