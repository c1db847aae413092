"""The command that issues documents."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import sys
import time
from collections.abc import Generator, Iterator, Mapping
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
    report_error,
)
from recordkit.cli.columns import ask_missing, plain_columns, tell_passed, understand
from recordkit.cli.i18n import N_, tr
from recordkit.cli.interrupting import command_again
from recordkit.cli.papers import Paper, Printed, Wanted, print_papers, require_press
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.refused import write_refused
from recordkit.cli.showing import plain, quoted
from recordkit.cli.streaming import print_list
from recordkit.errors import InputRefused, Interrupted, PartlyDone, RecordkitError, WrongUsage
from recordkit.messages import Message, listed, msg

if TYPE_CHECKING:
    from recordkit.templates.forms import Form
    from recordkit.templates.headed import Headed
    from recordkit.templates.issuing import Generated, Tally
    from recordkit.templates.planning import IssuePlan
    from recordkit.templates.rows import RawRow, RowSource
    from recordkit.templates.spec import FormSpec
    from recordkit.workspace import Workspace

_SHOWN = 50
"""Documents listed one by one on a terminal; of more, the first and the last are named."""
_REPEATS_SHOWN = 3


@click.command(cls=Command, help=N_("Issue documents from data: a file with one or many, or --set FIELD=VALUE."))
@click.argument("form")
@option("--data", metavar="FILE",
        help=N_(".toml .yaml .json: one document or a list; .csv .tsv .xlsx: one per row; - reads standard input."))
@option("--sheet", help=N_("Sheet of the spreadsheet."))
@option("--column", "columns", multiple=True, metavar="HEADING=FIELD",
        help=N_("Which field a column is; HEADING=- leaves the column out; may be repeated."))
@option("--where", metavar="EXPR", default="", help=N_("Only rows for which this is true, e.g. \"口径 == 'DN20'\"."))
@option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help=N_("One field; may be repeated."))
@option("--ask", is_flag=True, help=N_(
    "Ask for what must be known and is missing; of a table once, for all its rows. Piped answers: one a line."))
@option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
        help=N_("Where the documents go (default: the store's outbox)."))
@option("--name", default="", metavar="PATTERN", help=N_("File names, e.g. \"{户号} {number}\" (default: the form's)."))
@option("--pdf", is_flag=True, help=N_("Make PDFs too, each page with its own code (needs LibreOffice)."))
@option("--print-merged", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=N_("One PDF of all documents for the printer (needs LibreOffice)."))
@option("--duplex", is_flag=True, help=N_("In it, begin every document on a new sheet for printing on both sides."))
@option("--draft", is_flag=True, help=N_("No number, no entry: a draft to look at."))
@option("--resume", is_flag=True, help=N_("Leave out rows that an earlier run of the same file issued."))
@option("--unique", default="", metavar="FIELD", help=N_("Refuse rows whose FIELD is in an earlier row or document."))
@option("--all-or-nothing", is_flag=True, help=N_("Issue nothing when any row is refused."))
@option("--jobs", type=click.IntRange(1, 64), default=1, metavar="N", help=N_("Processes that print (default: 1)."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@dry_run_option
@pass_app
def generate(
    app: App,
    form: str,
    data: str | None,
    sheet: str | None,
    columns: tuple[str, ...],
    where: str,
    sets: tuple[str, ...],
    ask: bool,
    out: Path | None,
    name: str,
    pdf: bool,
    print_merged: Path | None,
    duplex: bool,
    draft: bool,
    resume: bool,
    unique: str,
    all_or_nothing: bool,
    jobs: int,
    force: bool,
    dry_run: bool,
) -> int:
    """Plan, refuse or issue, print."""
    from recordkit.templates.forms import load_form

    if data is None and not sets and not ask:
        if (app.store / "recordkit.toml").exists():
            load_form(app.store, form)  # a slip in its name is told before the data that is missing
        raise WrongUsage(
            msg("There is no data for the document."),
            msg("Give --ask to be asked for one document, or --data FILE for a table; 'recordkit forms sample {form} "
                "--xlsx FILE' makes an empty one.", form=form),
        )
    if resume and (data is None or draft):
        raise WrongUsage(msg("--resume goes on with the rows of a file; give it with --data and without --draft."))
    if duplex and print_merged is None:
        raise WrongUsage(msg("--duplex shapes the print file; give it with --print-merged FILE."))
    wanted = Wanted(pdf, print_merged, duplex, jobs, force)
    require_press(wanted)
    started = time.monotonic()
    with app.acting() as workspace:
        loaded = load_form(workspace.root, form)
        source, headed = _read(app, workspace, loaded.spec, data, sheet, columns, ask=ask)
        source = _with_sets(loaded.spec, source, pairs_of(sets), has_data=data is not None)
        if ask:
            source, where = _asked(app, workspace, loaded.spec, source, where, headed, pairs_of(sets))
        plan = _plan(app, workspace, loaded, source, data, where, unique, resume, draft)
        tell_passed(app, headed)
        folder = out or workspace.root / "outbox"
        stop = plan.has_errors and (all_or_nothing or not plan.count)
        report = _Report(app, plan, keep_all=bool(wanted), columns=plain_columns(headed))
        failure: BaseException | None = None
        raise_later: RecordkitError | None = None
        numbered = 0
        if not stop and not dry_run:
            from recordkit.templates import issuing

            if not (draft or resume):
                _require_no_slip(app, plan, data)

            if resume:
                _write_missing(app, workspace, _name_of(data))
            tally = issuing.Tally()
            items = (
                issuing.draft_documents(workspace, plan, folder, force=force, name=name)
                if draft
                else issuing.issue_documents(
                    workspace, plan, folder, force=force, jobs=jobs, name=name, source=_name_of(data), tally=tally
                )
            )
            failure = _gather(app, items, plan.count, report, tally)
            numbered = tally.numbered
            if failure is None:
                try:
                    report.printed = print_papers(app, workspace, report.papers(draft=draft), wanted)
                except (RecordkitError, OSError, KeyboardInterrupt) as error:
                    raise_later = _print_cut_short(error, report.count, _name_of(data))
        report.close(
            refused_file=_write_refused(plan, source, _name_of(data), folder) if report.count else None,
            seconds=time.monotonic() - started,
            dry_run=dry_run,
            draft=draft,
        )
    if failure is not None:
        raise _cut_short(failure, numbered, report.count, _how_to_go_on(app, data, draft=draft))
    if raise_later is not None:
        raise raise_later
    if report.printed.failures:
        raise PartlyDone(
            msg("{count} document(s) gave no PDF.", count=len(report.printed.failures)),
            msg("The Word files are complete. 'recordkit issued render NUMBER --pdf' tries one again."),
        )
    if not plan.has_errors:
        return 0
    return 3 if stop or not plan.count else 4


def _require_no_slip(app: App, plan: IssuePlan, data: str | None) -> None:
    """Ask a person at the terminal before the same documents get another number: mostly a command given twice.

    Raises:
        Interrupted: they are not wanted.
    """
    if app.no_input or app.json or not sys.stdin.isatty():
        return
    again = [one for one in plan.warnings if one.code == "issued-before"]
    if not again:
        return
    for line in problem_lines(again[:_REPEATS_SHOWN]):
        click.echo(line, err=True)
    if not click.confirm(tr("{count} document(s) were issued before with the very same values. Issue them once more?")
                         .format(count=len(again)), default=False, err=True):
        raise Interrupted(
            msg("Nothing was issued."),
            None if data is None else msg("--resume leaves out the rows that were issued from this file."),
        )


def _name_of(data: str | None) -> str | None:
    """What an issue keeps of the file it came from: its name, not the folders of somebody's computer."""
    return None if data is None or data == "-" else Path(data).name


def _plan(
    app: App,
    workspace: Workspace,
    form: Form,
    source: RowSource,
    data: str | None,
    where: str,
    unique: str,
    resume: bool,
    draft: bool,
) -> IssuePlan:
    from recordkit.archive.precedents import filed_papers
    from recordkit.templates.earlier import EqualIssues, Gates, TakenValues
    from recordkit.templates.issuing import renderer_of
    from recordkit.templates.planning import Lookup, field_named, plan_issue
    from recordkit.templates.rows import Lazily
    from recordkit.templates.trial import TrialPrint, trial_head

    company = workspace.settings.company
    # EqualIssues comes first: a row that an earlier run issued must not be refused because it was issued.
    lookups: list[Lookup] = [] if draft else [EqualIssues(workspace, _name_of(data) if resume else None)]
    lookups += [
        TrialPrint(renderer_of(form), trial_head(company.name, company.office, app.today)),
        Gates(workspace, filed_papers(workspace)),
    ]
    if unique and not draft:
        lookups.append(TakenValues(workspace, field_named(form.spec, unique).key))
    with Progress(app, tr("Checking the rows"), 0) as progress:
        plan = plan_issue(
            form, replace(source, rows=Lazily(lambda: _counted(source, progress))), where=where, unique=unique,
            lookups=lookups, room=files.make_folder(workspace.root / "work"),
        )
    if plan.skipped:
        app.say(tr("{count} row(s) left out.").format(count=plan.skipped))
    return plan


def _counted(source: RowSource, progress: Progress) -> Iterator[RawRow]:
    for done, row in enumerate(source.rows):
        progress(done)
        yield row


def _write_missing(app: App, workspace: Workspace, source: str | None) -> None:
    """What the earlier run of the file numbered and did not write goes where it belongs."""
    from recordkit.templates.issue import list_missing, settle_printing
    from recordkit.templates.issuing import render_issue

    written = set()
    for issue, path in list_missing(workspace, source):
        render_issue(workspace, issue, path.parent)
        written.add(issue.issue_id)
    settle_printing(workspace, written)
    if written:
        app.say(msg("{count} document(s) of the earlier run had a number but no file; they are written now.",
                    count=len(written)))


def _read(
    app: App, workspace: Workspace, spec: FormSpec, data: str | None, sheet: str | None, columns: tuple[str, ...], *,
    ask: bool,
) -> tuple[RowSource, Headed | None]:
    """The rows of the file, its headings understood; without a file one empty row."""
    from recordkit.templates.rows import RawRow, RowSource, read_rows

    if data is None:
        if columns:
            raise WrongUsage(msg("--column says what a heading of a file means; give it with --data."))
        return RowSource((RawRow(1, {}, {}),)), None
    source = _from_stdin(sheet) if data == "-" else read_rows(Path(data), sheet)
    for note in source.notes:
        app.say(note)
    if next(iter(source.rows), None) is None:
        raise InputRefused(
            msg("{file} holds no data.", file=data),
            msg("Give at least one row below the headings, or name another sheet with --sheet."),
        )
    return understand(app, workspace.root, spec, source, columns, ask=ask)


def _with_sets(spec: FormSpec, source: RowSource, given: Mapping[str, object], *, has_data: bool) -> RowSource:
    """``given`` put over the rows, whether either side names fields by key or by label."""
    from recordkit.templates.rows import Lazily, RawRow, RowSource
    from recordkit.templates.spec import plain_heading

    if not given:
        return source
    if not has_data:
        return RowSource((RawRow(1, given, {}),))

    def field_of(heading: str) -> str:
        field = spec.by_heading.get(plain_heading(heading))
        return field.key if field else heading

    replaced = {field_of(name) for name in given}

    def rows() -> Iterator[RawRow]:
        for row in source.rows:
            kept = {name: value for name, value in row.values.items() if field_of(name) not in replaced}
            yield replace(row, values={**kept, **given})

    return replace(source, rows=Lazily(rows))


def _from_stdin(sheet: str | None) -> RowSource:
    """Rows from standard input; what they are shows in the first bytes."""
    from recordkit.templates.rows import kind_of, read_rows

    content = sys.stdin.buffer.read()
    return read_rows(io.BytesIO(content), sheet, kind=kind_of(content))


def _gather(
    app: App, items: Generator[Generated], total: int, report: _Report, tally: Tally
) -> BaseException | None:
    """Report what is issued; returns what stopped it, when anything was numbered before.

    What was issued must be told whatever happens: its numbers are used.
    """
    try:
        # Closed, or what it has staged would lie about until somebody's next run.
        with contextlib.closing(items), Progress(app, tr("Issuing"), total) as progress:
            progress(0)
            for one in items:
                report.add(one)
                progress(report.count)
    except (RecordkitError, OSError, KeyboardInterrupt) as failure:
        if not report.count and not tally.numbered:
            raise
        return failure
    return None


def _write_refused(plan: IssuePlan, source: RowSource, name: str | None, folder: Path) -> Path | None:
    """The file of the refused rows. That it cannot be written must not hide what was issued."""
    if not plan.has_errors:
        return None
    try:
        return write_refused(plan.errors, source.rows, name, folder)
    except OSError as error:
        report_error(PartlyDone(
            msg("The file of the refused rows cannot be written: {reason}", reason=error.strerror or str(error)),
            msg("Correct the rows named in the report in your own file, and give it again with --resume."),
        ))
        return None


def _how_to_go_on(app: App, data: str | None, *, draft: bool) -> Message:
    if draft:
        return msg("To begin again: {command}", command=command_again(app.words, "--force"))
    if data is None or data == "-":
        return msg("'recordkit issued render --missing' writes those that have a number but no file to where they "
                   "belong; the same command with --resume goes on with the other rows.")
    return msg("This writes those that have a number but no file, and goes on with the other rows: {command}",
               command=command_again(app.words, "--resume"))


def _cut_short(failure: BaseException, numbered: int, count: int, todo: Message) -> RecordkitError:
    if isinstance(failure, KeyboardInterrupt):
        return Interrupted(
            msg("Interrupted: {numbered} document(s) have a number, {count} of them are written.", numbered=numbered,
                count=count), todo
        )
    what = failure.what if isinstance(failure, RecordkitError) else _reason(failure)
    return PartlyDone(
        msg("Stopped: {numbered} document(s) have a number, {count} of them are written: {what}", numbered=numbered,
            count=count, what=what), todo
    )


def _print_cut_short(failure: BaseException, count: int, source: str | None) -> RecordkitError:
    again = f"recordkit issued render --source {quoted(source)}" if source else "recordkit issued render NUMBER"
    todo = msg("The Word files are complete. '{again} --pdf' or '--print-merged FILE' prints them.", again=again)
    if isinstance(failure, KeyboardInterrupt):
        return Interrupted(msg("All {count} document(s) are issued; making PDFs was interrupted.", count=count), todo)
    what = failure.what if isinstance(failure, RecordkitError) else _reason(failure)
    return PartlyDone(
        msg("All {count} document(s) are issued; making PDFs failed: {what}", count=count, what=what), todo
    )


def _reason(failure: BaseException) -> str:
    """What the system says, without the name of a temporary file."""
    return failure.strerror or str(failure) if isinstance(failure, OSError) else str(failure)


def _asked(
    app: App, workspace: Workspace, spec: FormSpec, source: RowSource, where: str, headed: Headed | None,
    given: Mapping[str, object],
) -> tuple[RowSource, str]:
    """The rows with the answers put in, and the condition that still chooses among them.

    One row, perhaps chosen by ``where``, is asked through; of a table only what it does not name at all, once.
    """
    from recordkit.archive.earlier_documents import SeenDocuments
    from recordkit.cli.asking import ask_values
    from recordkit.templates.houserules import laid_down
    from recordkit.templates.planning import wanted_rows
    from recordkit.templates.proposing import Proposer
    from recordkit.templates.rows import RawRow, RowSource

    rows = list(itertools.islice(wanted_rows(spec, source, where) if where else source.rows, 2))
    if not rows:
        raise InputRefused(msg("No row of the file is asked for."), msg("Change --where."))
    if len(rows) > 1 and headed is not None:
        return _with_sets(spec, source, ask_missing(app, spec, headed, given, app.today), has_data=True), where
    if len(rows) > 1:
        raise WrongUsage(msg("--ask fills in one document; the file holds several."),
                         msg("Choose one with --where, or correct the file."))
    settled = laid_down(workspace.root, spec, workspace.settings.documents.proposals.get(spec.id, {}))
    proposer = Proposer(spec, app.today, SeenDocuments(workspace), settled)
    answers = ask_values(app, spec, rows[0].values, proposer=proposer)
    return RowSource((RawRow(rows[0].row, answers, {}),), source.notes), ""


class _Report:
    """Tells what was issued. JSON items go out as they come: a hundred thousand of them are never held."""

    def __init__(self, app: App, plan: IssuePlan, *, keep_all: bool, columns: Mapping[str, object]) -> None:
        self._columns = columns
        self._app = app
        self._plan = plan
        self._keep_all = keep_all
        self.printed = Printed()
        self._kept: list[Generated] = []
        self._last: Generated | None = None
        self._open = False
        self.count = 0

    def add(self, one: Generated) -> None:
        """One document is on disk."""
        self.count += 1
        self._last = one
        if self._app.json and not self._keep_all:
            try:
                self._print_item(one)
            except BrokenPipeError:
                # Whoever read our output has gone; the documents are wanted all the same.
                sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        elif self._keep_all or self.count <= _SHOWN:
            self._kept.append(one)

    def papers(self, *, draft: bool) -> list[Paper]:
        """What was issued, to be printed."""
        return [Paper(one.path, one.number, None if draft else one.issue_id) for one in self._kept]

    def close(self, *, refused_file: Path | None, seconds: float, dry_run: bool, draft: bool) -> None:
        """Tell what is not told yet."""
        if self._app.json:
            for one in self._kept if self._keep_all else ():
                self._print_item(one)
            self._print_end(refused_file, seconds, dry_run)
        else:
            self._tell(refused_file, dry_run, draft)

    def _print_item(self, one: Generated) -> None:
        pdf = self.printed.pdfs.get(one.path)
        item = {
            "row": one.row,
            "number": one.number,
            "issue_id": one.issue_id,
            "form": one.form,
            "path": str(one.path),
            "pdf": str(pdf) if pdf else None,
            "sha256": one.sha256,
        }
        click.echo(",\n    " if self._open else '{\n  "items": [\n    ', nl=False)
        click.echo(json.dumps(item, ensure_ascii=False), nl=False)
        self._open = True

    def _print_end(self, refused_file: Path | None, seconds: float, dry_run: bool) -> None:
        rest = {
            **self._columns,
            "refused_file": str(refused_file) if refused_file else None,
            "print_file": str(self.printed.merged.path) if self.printed.merged else None,
            "pdf_failures": [one.render(tr) for one in self.printed.failures],
            "summary": {
                "generated": self.count,
                "refused": self._plan.refused,
                "skipped": self._plan.skipped,
                "seconds": round(seconds, 3),
                "would_generate": self._plan.count if dry_run else None,
            },
        }
        text = json.dumps(rest, ensure_ascii=False, indent=2, default=plain)
        click.echo("\n  ],\n" if self._open else '{\n  "items": [],\n', nl=False)
        click.echo(f'  "total": {self.count},')
        for name, found in (("refused", self._plan.errors), ("warnings", self._plan.warnings)):
            print_list(name, map(plain_problem, found))
            click.echo(",")
        click.echo(text.removeprefix("{\n"))

    def _tell(self, refused_file: Path | None, dry_run: bool, draft: bool) -> None:
        app, plan, pdfs = self._app, self._plan, self.printed.pdfs
        for line in problem_lines(plan.problems):
            click.echo(line, err=True)
        if self.count <= _SHOWN:
            items = [
                {"row": one.row, "number": one.number, "path": str(one.path), "pdf": pdfs.get(one.path)}
                for one in self._kept
            ]
            columns = [("row", N_("Row")), ("number", N_("Number")), ("path", N_("File"))]
            if items:
                app.print_items(items, [*columns, ("pdf", "PDF")] if pdfs else columns)
        elif self._last is not None:
            app.say(tr("{first} to {last}, in {folder}.").format(
                first=self._kept[0].number, last=self._last.number, folder=self._last.path.parent))
        if dry_run:
            print_plan(app, self._steps(), count=plan.count, total=msg(
                "In all: {count} document(s); {refused} row(s) refused, {skipped} left out.", count=plan.count,
                refused=plan.refused, skipped=plan.skipped))
            return
        if draft:
            app.say(tr("{count} draft(s) written; nothing was issued.").format(count=self.count))
            return
        text = tr("{count} document(s) issued, {refused} row(s) refused.")
        app.say(text.format(count=self.count, refused=plan.refused))
        if self.count == 1:
            self._tell_attachments()
        if refused_file:
            app.say(tr("The refused rows are in {file}: correct them there and give that file to --data.").format(
                file=refused_file))

    def _steps(self) -> Iterator[Step]:
        """What would be issued, row by row; numbers are given when it is done."""
        from recordkit.templates.issuing import NamePattern

        spec = self._plan.form.spec
        title = NamePattern(spec, spec.title)
        what = msg("Issue: {form}", form=spec.name)
        for one in self._plan.documents:
            row = tr("row {row}").format(row=one.row) if one.row is not None else ""
            yield Step(what, row, title.fill(one.plain, ""))

    def _tell_attachments(self) -> None:
        from recordkit.templates.validate import wanted_attachments

        spec = self._plan.form.spec
        wanted = wanted_attachments(spec, next(iter(self._plan.documents)).values(spec))
        if wanted:
            self._app.say(msg("To be collected with it: {names}.", names=listed(one.name for one in wanted)))
