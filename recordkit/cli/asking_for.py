"""What the archive waits for: told with the review, and as a list to be sent to whoever knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App
from recordkit.cli.i18n import N_, tr
from recordkit.cli.showing import quoted
from recordkit.errors import WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.workspace import Workspace

_SHOWN = 200


def print_waiting(app: App, workspace: Workspace, names: Mapping[str, str], event_type: str | None, out: Path | None,
                  *, force: bool) -> None:
    """List the waiting records by account, or write the list.

    Raises:
        WrongUsage: the file is neither a spreadsheet nor .csv.
    """
    from recordkit.retention.waited_for import request_rows, waiting_accounts

    if out is not None and out.suffix.lower() not in (".xlsx", ".csv"):
        raise WrongUsage(msg("{file} must end in .xlsx or .csv.", file=str(out)))
    found, left_out = waiting_accounts(workspace, app.today, event_type=event_type)
    records, alone = sum(one.count for one in found), sum(one.count for one in found if one.account is None)
    if out is not None:
        rows = list(request_rows(found, names))
        app.save(out, _workbook(rows) if out.suffix.lower() == ".xlsx" else _csv(rows), force=force)
    if app.json:
        items = [{"account": one.account, "events": list(one.events), "count": one.count, "oldest": one.oldest,
                  "code": one.code} for one in found]
        app.print_json({"items": items, "total": len(items), "records": records, "left_out": left_out,
                        "out": None if out is None else str(out)})
        return
    if out is None:
        columns = [("account", N_("Account")), ("events", N_("Waiting for")), ("count", N_("Records")),
                   ("oldest", N_("Oldest")), ("code", N_("Code"))]
        app.print_items([{"account": one.account, "events": told_events(one.events, names), "count": one.count,
                          "oldest": one.oldest, "code": one.code} for one in found[:_SHOWN]], columns, empty=msg(
            "No record waits for an event that was asked for; 'recordkit retention review' tells what is due."))
        if len(found) > _SHOWN:
            app.say(tr("… and {count} more; --out FILE writes them all.").format(count=len(found) - _SHOWN))
    else:
        click.echo(str(out))
        app.say(tr("Let the day be filled in where it happened, then: recordkit event import {file}").format(
            file=quoted(out)))
    app.say(tr("{records} record(s) wait; {alone} of them have no account and are settled one by one.").format(
        records=records, alone=alone))
    if left_out:
        app.say(tr("{count} restricted record(s) that you may not see were left out.").format(count=left_out))


def told_events(events: Iterable[str], names: Mapping[str, str]) -> str:
    """Names of events of which the first one counts."""
    told = tr(" or ").join(names.get(one, one) for one in events)
    return told or tr("a rule in the schedule")


def _csv(rows: Iterable[Mapping[str, object]]) -> bytes:
    from recordkit.retention.waited_for import REQUEST_HEADINGS
    from recordkit.templates.textcells import csv_text

    out = io.StringIO()
    writer = csv.DictWriter(out, REQUEST_HEADINGS)
    writer.writeheader()
    writer.writerows({**row, "户号": csv_text(str(row["户号"]))} for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _workbook(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Every cell is text: zeros stay, nothing acts as a formula, a day stays as it is typed."""
    from recordkit.retention.waited_for import REQUEST_HEADINGS
    from recordkit.templates.sheetwriter import Sheet, workbook_bytes

    lines = ([str(row[heading]) for heading in REQUEST_HEADINGS] for row in rows)
    return workbook_bytes([Sheet("事件", chain([list(REQUEST_HEADINGS)], lines),
                                 (16, 24, 8, 14, 28, 16, 14), head=1, typed=True)])
