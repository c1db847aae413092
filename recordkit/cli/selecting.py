"""Which records a command is about, as options that listings, exports and changes of many records share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recordkit.cli.base import option
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_
from recordkit.errors import NotFound, WrongUsage
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.archive.selection import Selection
    from recordkit.workspace import Workspace

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    option("--class", "record_class", metavar="C", help=N_("Only this class, by id or Chinese name.")),
    option("--form", metavar="F", help=N_("Only papers of this form, by its id.")),
    option("--year", type=click.IntRange(1, 9999), metavar="Y", help=N_("Only this year of the archival code.")),
    option("--period", metavar="P",
           help=N_("Only this period of the archival code: Y, D30, D10, or 永久, 30年, 10年; of inherited "
                                        "records also 长期, 短期.")),
    option("--from", "since", type=DATE, metavar="DATE", help=N_("Dated on this day or later.")),
    option("--to", "until", type=DATE, metavar="DATE", help=N_("Dated on this day or earlier.")),
    option("--box", metavar="BOX", help=N_("Only what lies in this box (盒号).")),
    option("--account", metavar="A", help=N_("Only records of this account.")),
    option("--volume", metavar="V", help=N_("Only what lies in this volume (案卷), by its code.")),
    option("--status", type=click.Choice(["active", "destroyed", "all"]), default="active", show_default=True,
           help=N_("Records in the archive, destroyed ones, or both.")),
)
OLD_TERMS = ("长期", "短期")
"""Retention periods of the years before the present ones; records that came with them keep the words."""
NAMES = ("record_class", "form", "year", "period", "since", "until", "box", "account", "volume", "status")
"""The parameters that ``selection_options`` adds."""


def selection_options(function: Function) -> Function:
    """Add the options; the command gets what was given by ``NAMES``, for ``selection_of``."""
    for one in reversed(_OPTIONS):
        function = one(function)
    return function


def selection_of(workspace: Workspace, given: Mapping[str, object]) -> Selection:
    """What was asked for.

    Of an account only what the actor may see is selected: who types one in is not told that it has a stop order.

    Raises:
        NotFound: there is no such class, or no record of such a form.
        WrongUsage: a period that is none, or a time that ends before it begins.
    """
    from recordkit.archive.access import OPEN, clearance_of
    from recordkit.archive.selection import Selection

    since, until = given["since"], given["until"]
    if isinstance(since, date) and isinstance(until, date) and until < since:
        raise WrongUsage(msg("{until} lies before {since}: no record can be dated so.", until=until, since=since))
    status = given["status"]
    text = {name: str(given[name]).strip() for name in ("box", "account") if given[name] is not None}
    year, period = given["year"], None if given["period"] is None else str(given["period"]).strip()
    return Selection(
        record_class=None if given["record_class"] is None else _class(workspace, str(given["record_class"])),
        form=None if given["form"] is None else _form(workspace, str(given["form"])),
        year=year if isinstance(year, int) else None,
        period=None if period is None or period in OLD_TERMS else _period(period),
        term=period if period in OLD_TERMS else None,
        since=since if isinstance(since, date) else None,
        until=until if isinstance(until, date) else None,
        box=text.get("box"),
        account=text.get("account"),
        access=OPEN if "account" in text and not clearance_of(workspace).full else None,
        volume=None if given["volume"] is None else _volume(workspace, str(given["volume"])),
        status=None if status == "all" else "destroyed" if status == "destroyed" else "active",
    )


def _class(workspace: Workspace, name: str) -> str:
    if workspace.db.one("SELECT 1 FROM record_tallies WHERE record_class = :name LIMIT 1", {"name": name}):
        return name
    from recordkit.archive.classes import load_scheme

    return load_scheme(workspace.root).get(name).id


def _volume(workspace: Workspace, name: str) -> str:
    from recordkit.archive.volumes import find_volume

    return find_volume(workspace, name).volume_id


def _form(workspace: Workspace, name: str) -> str:
    known = [str(row["form"]) for row in workspace.db.all("SELECT DISTINCT form FROM record_tallies WHERE form <> ''")]
    if name in known:
        return name
    raise NotFound(msg("No record has the form {form}.", form=name),
                   msg("Records have the forms: {forms}.", forms=listed(known)) if known else None)


def _period(name: str) -> str:
    text = name.strip().upper()
    if text in ("永久", "PERMANENT", "Y"):
        return "Y"
    if text.endswith("年") and text[:-1].isdigit():
        text = f"D{text[:-1]}"
    if text[:1] in ("D", "M") and text[1:].isdigit():
        return text
    raise WrongUsage(msg("{period} is no period of an archival code.", period=name),
                     msg("Write Y, D30 or D10, or 永久, 30年, 10年; of inherited records also 长期, 短期."))
