"""The command that looks at this computer: what is installed, how to get the rest, the store's health in short."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, pass_app
from recordkit.cli.colours import painted
from recordkit.cli.dropping import plain_strays, print_strays
from recordkit.cli.i18n import N_, tr
from recordkit.cli.showing import quoted, shown
from recordkit.errors import MissingPart, RecordkitError
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.archive.strays import Stray
    from recordkit.cli.machine import Machine

_EXTRAS = (
    ("rapidocr", "ocr", N_("reading scans (OCR)")),
    ("onnxruntime", "ocr", N_("reading scans (OCR)")),
    ("pikepdf", "pdf", N_("repairing damaged PDFs, searchable copies of scans")),
    ("pyHanko", "sign", N_("checking digital signatures")),
    ("matplotlib", "charts", N_("charts in reports")),
)
"""Package, extra that brings it, what it is for."""
_FONTS = (
    ("fonts-noto", N_("font 宋体 or Noto Serif CJK"), N_("the text of printed papers; rare characters of names")),
    ("fonts-fangsong", N_("font 仿宋"), N_("the text of printed papers as offices want it; else Noto is printed")),
    ("fonts-kaiti", N_("font 楷体"), N_("sub-headings of printed papers; else Noto is printed")),
)


def _installed(package: str) -> str | None:
    """Its version; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _row(part: str, purpose: str, found: str | None, how: str, *, needed: bool) -> dict[str, object]:
    """One part; ``how`` is told only where it is missing. ``needed``: the ordinary day asks for it."""
    return {"part": part, "for": purpose, "found": found or None, "how": None if found else how, "needed": needed}


def _engines(app: App, store_there: bool) -> list[dict[str, object]]:
    """Both search engines, the one that the store uses (or a new store would use) first."""
    from recordkit.archive.search.engines import usable_engine
    from recordkit.cli.machine import how_to_get_extra
    from recordkit.settings import load_settings

    used = usable_engine()
    if store_there:
        with suppress(RecordkitError, OSError):  # 'config check' names what is wrong with the settings
            used = load_settings(app.store).engines.search
    whoosh = how_to_get_extra("whoosh")
    instead = tr("or {command}, and search = \"whoosh\" under [engines] in recordkit.toml").format(command=whoosh)
    items = []
    for name, package, how in (("tantivy", "tantivy", f"pip install tantivy; {instead}"),
                               ("whoosh", "whoosh-reloaded", whoosh)):
        purpose = tr("search: the engine in use") if name == used else tr("search: the other engine, not needed")
        items.append(_row(package, purpose, _installed(package), how, needed=name == used))
    return items if used == "tantivy" else items[::-1]


def _office_row(machine: Machine) -> dict[str, object]:
    from recordkit.cli.machine import how_to_get
    from recordkit.templates.office import require_office

    try:
        found = require_office()
    except MissingPart:
        found = ""
    return _row("LibreOffice", tr("Word to PDF"), found, how_to_get("office", machine)[0], needed=True)


def _font_rows(machine: Machine) -> list[dict[str, object]]:
    """A row for each kind of print; where a font cannot be looked for, how it can."""
    from recordkit.cli.machine import FONT_FAMILIES, how_to_get, installed_fonts

    installed = installed_fonts()
    rows = []
    for part, name, purpose in _FONTS:
        kind = next(one for one in FONT_FAMILIES if one == part)
        found = next((one for one in FONT_FAMILIES[kind] if one in (installed or ())), None)
        text, values = how_to_get("fontconfig" if installed is None else kind, machine)
        rows.append(_row(tr(name), tr(purpose), found, tr(text).format(**values) if values else text,
                         needed=part == "fonts-noto"))
    return rows


def _store_health(app: App) -> tuple[dict[str, object], dict[str, int], list[Stray]]:
    """Ledger and holdings in one line, how many papers ask for a person, and files that no note names.

    What is wrong is told, never raised.
    """
    asking: dict[str, int] = {}
    strays: list[Stray] = []
    todo = "recordkit ledger verify"
    try:
        with app.reading() as workspace:
            from recordkit.archive.catalogue import count_holdings
            from recordkit.archive.retrying import list_quarantine
            from recordkit.archive.strays import list_strays
            from recordkit.archive.waiting import list_unmatched

            asking = {"unmatched": len(list_unmatched(workspace)), "quarantine": len(list_quarantine(workspace))}
            strays = list_strays(workspace)
            chain = workspace.verify_ledger()
            held = count_holdings(workspace.db)
        told = tr("{entries} entries, {records} records").format(entries=chain.entries, records=held)
        fault = None if chain.ok else msg("The ledger is damaged at entry {seq}: {reason}", seq=chain.first_bad,
                                          reason=chain.reason)
    except RecordkitError as error:
        fault, told, todo = error.what, "", shown(error.todo) if error.todo else todo
    except OSError as error:
        fault, told, todo = msg("{file} cannot be read: {error}", file=str(error.filename),
                                error=error.strerror or str(error)), "", tr("see 'rights'")
    how = None if fault is None else f"{shown(fault)} -> {todo}"
    line: dict[str, object] = {"part": tr("ledger"), "for": tr("every act"), "found": told if fault is None else None,
                               "how": how}
    return line, asking, strays


_INDEX_STATES = {
    "current": N_("current"),
    "behind": N_("{count} new or changed record(s) are taken in by the next search"),
    "missing": N_("not there; the next search makes it"),
    "damaged": N_("damaged or incomplete ({detail})"),
}


def _index_row(app: App) -> dict[str, object]:
    """Engine, size and state of the search index; what is wrong is told, never raised."""
    from recordkit.archive.search.health import index_health

    row: dict[str, object] = {"part": tr("search index"), "for": tr("finding records"), "found": None}
    try:
        with app.reading() as workspace:
            health = index_health(workspace)
    except OSError as error:
        return {**row, "how": f"{error.filename or ''}: {error.strerror or error}"}
    except RecordkitError as error:
        return {**row, "how": shown(error.what) + (f" -> {shown(error.todo)}" if error.todo else "")}
    state = tr(_INDEX_STATES[health.state]).format(count=health.behind, detail=health.detail)
    if health.state == "missing":
        return {**row, "found": f"{health.engine}: {state}", "how": None}
    if health.state == "damaged":
        return {**row, "how": f"{health.engine}: {state} -> recordkit rebuild --index"}
    told = tr("{engine}, {records} records, {size} MB, {state}").format(
        engine=health.engine, records=health.records, size=f"{health.bytes / 1e6:,.1f}", state=state)
    return {**row, "found": told, "how": None}


def _disk_row(app: App) -> dict[str, object]:
    """Whether the store lies where its locks hold."""
    from recordkit.archive.netdisk import network_kind

    kind = network_kind(app.store)
    row: dict[str, object] = {"part": tr("disk of the store"), "for": tr("locks and database"), "found": tr("local")}
    if kind is None:
        return {**row, "how": None}
    return {**row, "found": None, "how": tr("network file system ({kind}): the database can be damaged there. Keep the "
                                            "store on a local disk of one server that all reach by remote shell "
                                            "(docs/reports.md)").format(kind=kind)}


_ASKING = {
    "unmatched": N_("{count} paper(s) wait for a person: recordkit unmatched list"),
    "quarantine": N_("{count} file(s) lie in quarantine: recordkit quarantine list"),
}


@click.command(cls=Command, help=N_(
    "What is installed, what is missing and how to get it; how the store is, and what to do. Changes nothing."))
@pass_app
def doctor(app: App) -> None:
    """Look at optional parts and the store."""
    from recordkit import __version__
    from recordkit.cli.machine import how_to_get_extra, this_machine

    machine = this_machine()
    store_there = (app.store / "recordkit.toml").exists()
    items = _engines(app, store_there)
    for package, extra, purpose in _EXTRAS:
        items.append(_row(package, tr(purpose), _installed(package), how_to_get_extra(extra), needed=False))
    items += [_office_row(machine), *_font_rows(machine)]
    items.append(_row(tr("store"), str(app.store), str(app.store) if store_there else None,
                      f"recordkit init {quoted(app.store)}", needed=True))
    items = [{**one, "of_store": False} for one in items]
    asking: dict[str, int] = {}
    strays: list[Stray] = []
    if store_there:
        from recordkit.cli.wellbeing import store_rows

        # What opens the store comes last: it heals what is derived.
        rows = [_disk_row(app), *store_rows(app), _index_row(app)]
        health, asking, strays = _store_health(app)
        rows.append(health)
        items += [{**one, "needed": True, "of_store": True} for one in rows]
    if app.json:
        app.print_json({"items": items, "total": len(items), "version": __version__, "system": machine.name,
                        "python": sys.version.split()[0], "cores": os.cpu_count(), **asking,
                        "strays": plain_strays(strays)})
        return
    click.echo(msg("recordkit {version} on {system}, Python {python}", version=__version__, system=machine.name,
                   python=sys.version.split()[0]).render(tr))
    _print_parts(items)
    for place, count in asking.items():
        if count:
            app.say(msg(_ASKING[place], count=count))
    if strays:
        app.say(msg("{count} file(s) lie where no ingest looks:", count=len(strays)))
        print_strays(app.store, strays)


def _print_parts(items: list[dict[str, object]]) -> None:
    """What is there as a line each; what is missing with its command on a line of its own, to be copied whole."""
    from recordkit.cli.tables import columns_of

    width = max(columns_of(str(one["part"])) for one in items)
    for item in items:
        there, name = item["found"] is not None, str(item["part"])
        mark = (painted("✓", "done") if there else painted("✗", "forbidden") if item["needed"]
                else painted("○", "attention"))
        line = f"{name}{' ' * (width - columns_of(name))}  {shown(item['for'])}"
        told = shown(item["found"]) if there and item["found"] != item["for"] else ""
        click.echo(f"{mark} {line}" + (f"  {told}" if told else ""))
        if not there:
            click.echo(f"    -> {item['how']}")
    faults = [str(one["part"]) for one in items if one["found"] is None and one["of_store"]]
    missing = [one for one in items if one["found"] is None and not one["of_store"]]
    needed = sum(bool(one["needed"]) for one in missing)
    click.echo("")
    if not missing:
        click.echo(tr("Nothing is missing."))
    elif not needed:
        click.echo(msg("Nothing needed is missing; ○ can be had besides: {other}.", other=len(missing)).render(tr))
    else:
        click.echo(msg("✗ needed: {needed}; ○ can be had besides: {other}.", needed=needed,
                       other=len(missing) - needed).render(tr))
    if faults:
        click.echo(msg("✗ wrong in the store: {parts}. The way out stands behind each arrow.",
                       parts=listed(faults)).render(tr))
