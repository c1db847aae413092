"""Commands of the clerk: forms, generate, issued."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit import files
from recordkit.cli.base import (
    App,
    Command,
    Group,
    dry_run_option,
    option,
    pairs_of,
    pass_app,
    plain_problem,
    problem_lines,
)
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_, tr
from recordkit.errors import InputRefused, Interrupted, NotFound, PartlyDone, RecordkitError, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.templates.issue import Generated, Issue, IssuePlan
    from recordkit.templates.rows import RowSource
    from recordkit.templates.spec import FieldSpec, FormSpec


@click.group(cls=Group, help=N_("The forms that can be issued."))
def forms() -> None:
    """Group."""


def _root(app: App) -> Path | None:
    """The store's folder where there is one: forms can be looked at without a store."""
    return app.store if (app.store / "recordkit.toml").exists() else None


@forms.command("list", cls=Command, help=N_("List the forms."))
@pass_app
def forms_list(app: App) -> int:
    """Print id, name and origin; exit 3 when one of them cannot be read."""
    from recordkit.templates.forms import list_form_ids, load_form

    items = []
    broken = 0
    for form_id in list_form_ids(_root(app)):
        try:
            form = load_form(_root(app), form_id)
        except InputRefused as refusal:
            # One broken form must not hide the others.
            broken += 1
            app.say(refusal.what)
            continue
        items.append(
            {
                "form": form_id,
                "name": form.spec.name,
                "name_en": form.spec.name_en,
                "version": form.spec.version,
                "fields": len(form.spec.fields),
                "own": form.own,
            }
        )
    app.print_items(items, [("form", N_("Form")), ("name", N_("Name")), ("version", N_("Version")),
                            ("fields", N_("Fields")), ("own", N_("Own"))])
    return 3 if broken else 0


@forms.command("show", cls=Command, help=N_("Show a form's fields."))
@click.argument("form")
@pass_app
def forms_show(app: App, form: str) -> None:
    """Print every field with its type, stage and rule."""
    from recordkit.templates.forms import load_form

    loaded = load_form(_root(app), form)
    spec = loaded.spec
    items = [_plain_field(one) for one in spec.fields]
    if app.json:
        app.print_json({"form": spec.id, "name": spec.name, "version": spec.version, "number": spec.number,
                        "note": spec.note, "digest": loaded.digest, "fields": items,
                        "attachments": [one.name for one in spec.attachments]})
        return
    app.print_pairs([(N_("Form"), spec.id), (N_("Name"), spec.name), (N_("Number"), spec.number),
                     (N_("Note"), spec.note)])
    rows = [
        [one.key, one.label, tr(one.type), tr(one.stage),
         tr("in some cases") if one.required_if else one.required, one.example, _help_of(one)]
        for one in spec.fields
    ]
    app.print_table(rows, [N_("Key"), N_("Label"), N_("Type"), N_("Stage"), N_("Required"), N_("Example"),
                           N_("Choices or help")])


def _help_of(one: FieldSpec) -> str:
    """Choices, help, and what is printed when the field stays empty."""
    parts = [" / ".join(one.choices), one.help]
    if one.default != "":
        parts.append(tr("empty means {value}").format(value=one.default))
    return tr("; ").join(part for part in parts if part)


def _plain_field(one: FieldSpec) -> dict[str, object]:
    return {
        "key": one.key,
        "label": one.label,
        "type": one.type,
        "stage": one.stage,
        "required": one.required or one.required_if or False,
        "choices": list(one.choices),
        "example": one.example,
        "help": one.help,
        "columns": [_plain_field(column) for column in one.columns],
    }


@forms.command("check", cls=Command, help=N_("Check forms: their fields, rules, examples, and that the template "
                                             "fills; all forms, or the named ones, or folders."))
@click.argument("which", nargs=-1, metavar="[FORM|FOLDER]...")
@pass_app
def forms_check(app: App, which: tuple[str, ...]) -> int:
    """Print every finding; exit 3 when there is any."""
    from recordkit.templates.checking import check_form, template_path
    from recordkit.templates.forms import list_form_ids

    items = []
    for name in which or list_form_ids(_root(app)):
        for problem in check_form(_root(app), name):
            items.append({"form": name, **plain_problem(problem)})
        path = template_path(_root(app), name)
        if path is not None:
            app.say(path)
    app.print_items(items, [("form", N_("Form")), ("field", N_("Place")), ("message", N_("Finding"))])
    if not app.json:
        app.say(tr("{count} finding(s).").format(count=len(items)))
    return 3 if items else 0


@forms.command("sample", cls=Command, help=N_("A complete valid document's data."))
@click.argument("form")
@pass_app
def forms_sample(app: App, form: str) -> None:
    """Print the sample as JSON: it can be given to --data."""
    import tomllib

    from recordkit.templates.forms import load_form

    path = load_form(_root(app), form).folder / "sample.toml"
    if not path.exists():
        raise NotFound(msg("The form {form} has no sample data.", form=form))
    app.print_json(tomllib.loads(path.read_text(encoding="utf-8")))


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
    from recordkit.templates import issue
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
        plan = issue.plan_issue(loaded, source)
        if not draft:
            plan = replace(plan, problems=(*plan.problems, *issue.find_reissued(workspace, plan)))
        folder = out or workspace.root / "outbox"
        stop = bool(plan.errors) and (all_or_nothing or not plan.documents)
        made: list[Generated] = []
        failure: BaseException | None = None
        if not stop and not dry_run:
            act = issue.draft_documents if draft else issue.issue_documents
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
    from recordkit.templates.issue import REASON_HEADING

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


@click.group(cls=Group, help=N_("Issued documents."))
def issued() -> None:
    """Group."""


@issued.command("list", cls=Command, help=N_("List issued documents."))
@option("--form", help=N_("Only this form."))
@option("--unreturned", is_flag=True, help=N_("Only those whose signed paper is not filed yet."))
@option("--from", "since", type=DATE, metavar="DATE", help=N_("Issued on or after."))
@option("--to", "until", type=DATE, metavar="DATE", help=N_("Issued on or before."))
@pass_app
def issued_list(app: App, form: str | None, unreturned: bool, since: date | None, until: date | None) -> None:
    """Print the register of numbers."""
    from recordkit.templates.forms import load_form
    from recordkit.templates.issue import list_issues

    with app.reading() as workspace:
        found = list_issues(
            workspace.db,
            form=load_form(workspace.root, form).spec.id if form else None,
            unreturned=unreturned,
            since=since,
            until=until,
        )
    items = [_plain_issue(one) for one in found]
    if not app.json:
        items = [{**item, "status": tr(str(item["status"]))} for item in items]
    app.print_items(items, [("number", N_("Number")), ("title", N_("Title")), ("date", N_("Date")),
                            ("status", N_("Status")), ("issue_id", N_("Issue"))])


def _plain_issue(one: Issue) -> dict[str, object]:
    return {
        "number": one.number,
        "issue_id": one.issue_id,
        "form": one.form,
        "title": one.title,
        "date": one.issue_date,
        "status": one.status,
        "account": one.account,
        "record_id": one.record_id,
        "revision": one.revision,
    }


@issued.command("show", cls=Command, help=N_("Show one issued document with its data."))
@click.argument("number")
@pass_app
def issued_show(app: App, number: str) -> None:
    """Print the issue and its fields."""
    from recordkit.templates.issue import find_issue, form_of_issue, read_issue_data

    with app.reading() as workspace:
        found = find_issue(workspace.db, number)
        item = _plain_issue(found)
        values: dict[str, object] = {}
        labels: dict[str, str] = {}
        if found.status != "destroyed":
            raw = read_issue_data(workspace, found)["values"]
            values = raw if isinstance(raw, dict) else {}
            labels = {one.key: one.label for one in form_of_issue(workspace, found).fields}
    if app.json:
        app.print_json({**item, "fields": values})
        return
    names = {"number": N_("Number"), "issue_id": N_("Issue"), "form": N_("Form"), "title": N_("Title"),
             "date": N_("Date"), "status": N_("Status"), "record_id": N_("Record id")}
    told = {**item, "status": tr(found.status)}
    app.print_pairs([(name, told[key]) for key, name in names.items() if told[key] not in (None, "")])
    app.print_pairs([(labels.get(key, key), value) for key, value in values.items()])


@issued.command("render", cls=Command, help=N_("Write an issued document again, byte for byte; or all whose file is "
                                               "missing from the outbox."))
@click.argument("number", required=False)
@option("--missing", is_flag=True, help=N_("All documents whose file is missing from the outbox."))
@option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=N_("Where it goes."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@dry_run_option
@pass_app
def issued_render(
    app: App, number: str | None, missing: bool, out: Path | None, force: bool, dry_run: bool
) -> None:
    """Render from the issue's data."""
    from recordkit.templates.issue import find_issue, list_missing, render_issue

    if missing == (number is not None):
        raise WrongUsage(msg("Name a document or give --missing, one of the two."))
    with app.reading() as workspace:
        wanted = list_missing(workspace) if number is None else [find_issue(workspace.db, number)]
        folder = out or workspace.root / "outbox"
        items = []
        for one in wanted:
            path = None if dry_run else render_issue(workspace, one, folder, force=force)
            items.append({"number": one.number, "path": str(path) if path else None,
                          "sha256": files.digests_of(path).sha256 if path else None})
    if app.json and number is not None:
        app.print_json(items[0])
    elif app.json:
        app.print_json({"items": items, "total": len(items)})
    else:
        for item in items:
            click.echo(item["path"] or item["number"])
        told = tr("Would write {count} document(s).") if dry_run else tr("{count} document(s) written.")
        app.say(told.format(count=len(items)))


@issued.command("void", cls=Command, help=N_("Make an issued document void; its number stays used."))
@click.argument("number")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def issued_void(app: App, number: str, reason: str, dry_run: bool) -> None:
    """Make void."""
    from recordkit.templates.issue import void_issue

    with app.acting(rehearse=dry_run) as workspace:
        found = void_issue(workspace, number, reason)
    if app.json:
        app.print_json(_plain_issue(found))
    else:
        app.say(tr("{number} is void.").format(number=found.number))
