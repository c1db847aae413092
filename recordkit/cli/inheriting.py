"""``ingest --catalogue``: scans that bring their own catalogue, filed row by row; what does not fit told both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, plain_problem, problem_line
from recordkit.cli.i18n import N_, tr
from recordkit.cli.refused import write_refused
from recordkit.cli.reporting import IngestReport
from recordkit.cli.showing import quoted

if TYPE_CHECKING:
    from recordkit.archive.decisions import IngestOptions
    from recordkit.model import Problem
    from recordkit.workspace import Workspace

_SHOWN = 10
_LISTED = 1000
"""Refused rows and files without a row in the JSON document at most; the file of refused rows holds all."""


def ingest_catalogue(
    app: App, file: Path, sources_for: Callable[[Workspace], Sequence[Path]],
    options_for: Callable[[Workspace], IngestOptions], record_class: str | None, *, any_serial: bool,
) -> int:
    """Plan, file, tell; the exit code: 3 when no row can be filed, 4 when some rows or files are left over."""
    from recordkit.archive.arrivals import told_name
    from recordkit.archive.attaching import join_waiting
    from recordkit.archive.ingest import ingest_papers
    from recordkit.archive.inherited import Problems, plan_catalogue
    from recordkit.archive.search.service import refresh_index
    from recordkit.cli.hits import index_watch
    from recordkit.templates.rows import read_rows

    source = read_rows(file)
    for note in source.notes:
        app.say(note)
    with app.acting() as workspace:
        sources = [path for path in sources_for(workspace) if path.resolve() != file.resolve()]
        plan = plan_catalogue(workspace, source, sources, record_class, any_serial=any_serial)
        options = replace(options_for(workspace), record_class=None)
        report = IngestReport(app, len(plan.sources), dry_run=options.dry_run)
        with report.told_when_stopped(), report:
            for item in ingest_papers(workspace, plan.sources, options, report.page_read,
                                      lambda path: plan.options_of(options, path)):
                plan.settle(item)
                report.add(item)
        joined = [] if options.dry_run else join_waiting(workspace)
        report.join(joined)
        if not options.dry_run and (joined or report.counts["archived"]):
            refresh_index(workspace, index_watch(app))
    problems = Problems(plan)
    written = None
    if plan.refused and not options.dry_run:
        # Inside the store a list of titles lies in the outbox only, where the destruction of a record looks for it.
        folder, store = file.resolve().parent, app.store.resolve()
        try:
            written = write_refused(problems, source.rows, file.name,
                                    store / "outbox" if folder.is_relative_to(store) else folder)
        except OSError:  # Scans and catalogue may lie on a disc that cannot be written to.
            written = write_refused(problems, source.rows, file.name, Path.cwd())
    counts = {N_("rows"): plan.rows, N_("known before"): plan.known, N_("refused"): plan.refused,
              N_("rows without a file"): plan.missing_files, N_("files without a row"): len(plan.without_row)}
    code = report.close({
        "counts": counts, "refused": _first(problems), "refused_file": str(written) if written else None,
        "files_without_row": [told_name(path) for path in plan.without_row[:_LISTED]],
    })
    if not app.json:
        for problem in islice(problems, _SHOWN):
            click.echo(problem_line(problem), err=True)
        rest = sum(1 for _ in problems) - _SHOWN
        if rest > 0:
            click.echo("  " + tr("… and {count} more").format(count=rest), err=True)
        for path in plan.without_row[:_SHOWN]:
            click.echo(tr("No row names the file {file}.").format(file=told_name(path)), err=True)
        if len(plan.without_row) > _SHOWN:
            click.echo("  " + tr("… and {count} more").format(count=len(plan.without_row) - _SHOWN), err=True)
        app.print_pairs([(name, count) for name, count in counts.items() if count or name == "rows"])
        if written is not None:
            app.say(tr("The refused rows are in {file}: correct them there and feed that file in again.").format(
                file=quoted(written)))
    if plan.refused == plan.rows and not report.counts["archived"]:
        return 3
    return 4 if plan.refused or plan.without_row else code


def _first(problems: Iterable[Problem]) -> list[dict[str, object]]:
    return [plain_problem(problem) for problem in islice(problems, _LISTED)]
