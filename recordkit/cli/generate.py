"""The command that issues documents."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit import files
from recordkit.cli.base import (
    App,
    Command,
    dry_run_option,
    option,
    pairs_of,
    pass_app,
    plain_problem,
    problem_lines,
)
from recordkit.cli.i18n import N_, tr
from recordkit.errors import InputRefused, Interrupted, PartlyDone, RecordkitError, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.templates.issuing import Generated, IssuePlan
    from recordkit.templates.rows import RowSource
    from recordkit.templates.spec import FormSpec


@click.command(cls=Command, help=N_("Issue documents from data: a file with one or many, or --set FIELD=VALUE."))
@click.argument("form")
@option("--data", type=click.Path(path_type=Path), metavar="FILE",
        help=N_(".toml .yaml .json: one document or a list; .csv .tsv .xlsx: one per row."))
@option("--sheet", help=N_("Sheet of the spreadsheet."))
@option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help=N_("One field; may be repeated."))
@option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
        help=N_("Where the documents go (default: the store's outbox)."))
@option("--pdf", is_flag=True, help=N_("Make PDFs too (needs LibreOffice)."))
@option("--draft", is_flag=True, help=N_("No number, no entry: a draft to look at."))
@option("--all-or-nothing", is_flag=True, help=N_("Issue nothing when any row is refused."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@dry_run_option
@pass_app
def generate(
    app: App,
    form: str,
    data: Path | None,
    sheet: str | None,
    sets: tuple[str, ...],
    out: Path | None,
    pdf: bool,
    draft: bool,
    all_or_nothing: bool,
    force: bool,
    dry_run: bool,
) -> int:
    """Plan, refuse or issue, print."""
    from recordkit.templates import issuing
    from recordkit.templates.forms import load_form
    from recordkit.templates.validate import wanted_attachments

    if data is None and not sets:
        raise WrongUsage(
            msg("There is no data for the document."),
            msg("Give --data FILE or --set FIELD=VALUE; 'recordkit forms sample {form} --json' shows what is needed.",
                form=form),
        )
    if pdf:
        from recordkit.templates.pdf import require_office

        require_office()
    started = time.monotonic()
    with app.acting() as workspace:
        loaded = load_form(workspace.root, form)
        source = _source(loaded.spec, data, sheet, sets)
        for note in source.notes:
            app.say(note)
        plan = issuing.plan_issue(loaded, source)
        if not draft:
            plan = replace(plan, problems=(*plan.problems, *issuing.find_reissued(workspace, plan)))
        folder = out or workspace.root / "outbox"
        stop = bool(plan.errors) and (all_or_nothing or not plan.documents)
        made: list[Generated] = []
        failure: BaseException | None = None
        if not stop and not dry_run:
            act = issuing.draft_documents if draft else issuing.issue_documents
            failure = _gather(app, act(workspace, plan, folder, force=force), len(plan.documents), made)
        pdfs = _convert(made) if pdf else {}
        refused_file = _write_refused(plan, source, data, folder) if plan.errors and made else None
        if len(made) == 1:
            wanted = wanted_attachments(loaded.spec, plan.documents[0].values)
            if wanted:
                app.say(msg("To be collected with it: {names}.", names=", ".join(one.name for one in wanted)))
        _print_generated(app, plan, made, pdfs, refused_file, time.monotonic() - started, dry_run, draft)
    if failure is not None:
        raise _cut_short(failure, len(made))
    if not plan.errors:
        return 0
    return 3 if stop or not plan.documents else 4


def _source(spec: FormSpec, data: Path | None, sheet: str | None, sets: tuple[str, ...]) -> RowSource:
    """The rows of the file with --set put over them, whether either side names fields by key or by label."""
    from recordkit.templates.rows import RawRow, RowSource, read_rows
    from recordkit.templates.spec import plain_heading

    given = pairs_of(sets)

    def field_of(heading: str) -> str:
        field = spec.by_heading.get(plain_heading(heading))
        return field.key if field else heading

    replaced = {field_of(name) for name in given}
    if data is None:
        return RowSource((RawRow(1, given, {}),))
    source = read_rows(data, sheet)
    if not source.rows:
        raise InputRefused(
            msg("{file} holds no data.", file=str(data)),
            msg("Give at least one row below the headings, or name another sheet with --sheet."),
        )
    rows = []
    for row in source.rows:
        kept = {name: value for name, value in row.values.items() if field_of(name) not in replaced}
        rows.append(replace(row, values={**kept, **given}))
    return replace(source, rows=tuple(rows))


def _gather(app: App, items: Iterator[Generated], total: int, made: list[Generated]) -> BaseException | None:
    """Collect into ``made`` what is issued; what stopped it, when anything was issued before.

    What was issued must be told whatever happens: its numbers are used.
    """
    import sys

    show = not app.quiet and not app.json and sys.stderr.isatty() and total >= 20
    try:
        if show:
            with click.progressbar(items, length=total, label=tr("Issuing"), file=sys.stderr) as bar:
                made.extend(bar)
        else:
            made.extend(items)
    except (RecordkitError, OSError, KeyboardInterrupt) as failure:
        if not made:
            raise
        return failure
    return None


def _cut_short(failure: BaseException, count: int) -> RecordkitError:
    todo = msg("'recordkit issued render --missing' prints those whose number is used but whose file is missing.")
    if isinstance(failure, KeyboardInterrupt):
        return Interrupted(msg("Interrupted after {count} document(s).", count=count), todo)
    what = failure.what if isinstance(failure, RecordkitError) else str(failure)
    return PartlyDone(msg("Stopped after {count} document(s): {what}", count=count, what=what), todo)


def _convert(made: list[Generated]) -> dict[Path, Path]:
    from recordkit.templates.pdf import convert_to_pdf

    folders: dict[Path, list[Path]] = {}
    for one in made:
        folders.setdefault(one.path.parent, []).append(one.path)
    found: dict[Path, Path] = {}
    for folder, paths in folders.items():
        found |= convert_to_pdf(paths, folder, os.environ)
    return found


def _print_generated(
    app: App,
    plan: IssuePlan,
    made: list[Generated],
    pdfs: dict[Path, Path],
    refused_file: Path | None,
    seconds: float,
    dry_run: bool,
    draft: bool,
) -> None:
    items = [
        {
            "row": one.row,
            "number": one.number,
            "issue_id": one.issue_id,
            "form": one.form,
            "path": str(one.path),
            "pdf": str(pdfs[one.path]) if one.path in pdfs else None,
            "sha256": one.sha256,
        }
        for one in made
    ]
    if app.json:
        app.print_json(
            {
                "items": items,
                "total": len(items),
                "refused": [plain_problem(one) for one in plan.errors],
                "warnings": [plain_problem(one) for one in plan.warnings],
                "refused_file": str(refused_file) if refused_file else None,
                "summary": {
                    "generated": len(items),
                    "refused": plan.refused,
                    "seconds": round(seconds, 3),
                    "would_generate": len(plan.documents) if dry_run else None,
                },
            }
        )
        return
    for line in problem_lines(plan.problems):
        click.echo(line, err=True)
    if items:
        columns = [("row", N_("Row")), ("number", N_("Number")), ("path", N_("File"))]
        app.print_items(items, [*columns, ("pdf", "PDF")] if pdfs else columns)
    if dry_run:
        text = tr("Would issue {count} document(s); {refused} row(s) refused. Nothing was written.")
        app.say(text.format(count=len(plan.documents), refused=plan.refused))
        return
    if draft:
        app.say(tr("{count} draft(s) written; nothing was issued.").format(count=len(items)))
        return
    text = tr("{count} document(s) issued, {refused} row(s) refused.")
    app.say(text.format(count=len(items), refused=plan.refused))
    if refused_file:
        app.say(tr("The refused rows are in {file}: correct them there and give that file to --data.").format(
            file=refused_file))


def _write_refused(plan: IssuePlan, source: RowSource, data: Path | None, folder: Path) -> Path | None:
    """The refused rows as a spreadsheet with their reasons, which can be corrected and fed in again."""
    if data is None:
        return None
    reasons: dict[int, list[str]] = {}
    for problem in plan.errors:
        if problem.row is not None:
            reasons.setdefault(problem.row, []).append(f"{problem.label}: {problem.message.render(tr)}")
    rows = [row for row in source.rows if row.row in reasons]
    from recordkit.templates.issuing import REASON_HEADING

    headings = list(dict.fromkeys(name for row in rows for name in row.values if name != REASON_HEADING))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*headings, REASON_HEADING])
    for row in rows:
        cells = ["" if row.values.get(name) is None else _cell(row.values[name]) for name in headings]
        writer.writerow([*cells, "; ".join(reasons[row.row])])
    number = 1
    while (path := folder / f"{data.stem}-refused-{number}.csv").exists():
        number += 1
    files.write_atomic(path, out.getvalue().encode("utf-8-sig"))
    return path


def _cell(value: object) -> str:
    """What the cell held; one that held no value (#N/A, a formula never computed) is left empty, not quoted."""
    from recordkit.templates.rows import CellError

    if isinstance(value, CellError):
        return ""
    if isinstance(value, list):
        return "; ".join(
            "|".join(str(cell) for cell in row.values()) if isinstance(row, dict) else str(row) for row in value
        )
    return str(value)
