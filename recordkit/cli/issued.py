"""Commands about issued documents: list, show, print again, make void."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from recordkit import files
from recordkit.cli.base import App, Command, Group, dry_run_option, option, pass_app, report_error
from recordkit.cli.completing import issued_complete
from recordkit.cli.dates import DATE, MONTH, local_time
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.showing import quoted
from recordkit.cli.streaming import print_listing
from recordkit.cli.words import act_name
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RecordkitError, WrongUsage
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    from recordkit.archive.access import IssueShield
    from recordkit.templates.completing import Completion
    from recordkit.templates.issue import Issue
    from recordkit.templates.spec import FieldSpec
    from recordkit.workspace import Workspace


_SHOWN = 50
"""Documents listed one by one on a terminal."""
_TABLE_ROWS = 10_000
_WIDE = 110
"""Columns of a terminal from which on the issue ids are listed too."""
_TOGETHER = 500
"""Issues whose papers are looked up in one go."""


@click.group(cls=Group, help=N_("Issued documents."))
def issued() -> None:
    """Group."""


issued.add_command(issued_complete)


@issued.command("list", cls=Command, help=N_("List issued documents; together the filters give what is still out."))
@option("--form", help=N_("Only this form."))
@option("--unreturned", is_flag=True, help=N_("Only those whose signed paper is not filed yet."))
@option("--incomplete", is_flag=True, help=N_("Only those whose paper is filed, but not keyed in."))
@option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=N_("With --incomplete: write them to a spreadsheet to fill in, for 'issued complete --data'."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@option("--lacking", is_flag=True, help=N_("Only those of whose checklist a paper was not collected."))
@option("--older-than", type=click.IntRange(min=0), metavar="DAYS", help=N_("Issued more than so many days ago."))
@option("--month", type=MONTH, metavar="YYYY-MM", help=N_("Issued in this month."))
@option("--from", "since", type=DATE, metavar="DATE", help=N_("Issued on or after."))
@option("--to", "until", type=DATE, metavar="DATE", help=N_("Issued on or before."))
@pass_app
def issued_list(
    app: App,
    form: str | None,
    unreturned: bool,
    incomplete: bool,
    out: Path | None,
    force: bool,
    lacking: bool,
    older_than: int | None,
    month: tuple[date, date] | None,
    since: date | None,
    until: date | None,
) -> None:
    """Print the register of numbers."""
    from recordkit.archive.access import IssueShield
    from recordkit.templates.completing import completed_ids
    from recordkit.templates.forms import load_form
    from recordkit.templates.issue import each_issue, list_missing, unprinted_packs

    if out is not None and (not incomplete or out.suffix.lower() != ".xlsx"):
        raise WrongUsage(msg("--out FILE.xlsx goes with --incomplete: it is the list of what is to be keyed in."))
    first, last = month or (None, None)
    old = app.today - timedelta(days=older_than + 1) if older_than is not None else None
    columns = [("number", N_("Number")), ("title", N_("Title")), ("date", N_("Date")), ("status", N_("Status"))]
    # The number names a document as well; what both would leave of the title on a narrow terminal is unreadable.
    if not sys.stdout.isatty() or shutil.get_terminal_size().columns >= _WIDE:
        columns.append(("issue_id", N_("Issue")))
    if unreturned or older_than is not None:
        columns.insert(3, ("days", N_("Days")))
        columns.insert(2, ("account", N_("Account")))
    if lacking:
        columns.append(("lacking", N_("Still lacking")))
    with app.reading() as workspace:
        shield = IssueShield(workspace)
        if shield.hides_any():
            app.say(_not_shown(shield))
        done = completed_ids(workspace.db)
        # Only runs that were cut off are looked into: what a clerk took out of the outbox is no concern of this list.
        cut_off = set(unprinted_packs(workspace.root))
        unwritten = {one.issue_id for one, _ in list_missing(workspace) if one.pack in cut_off} if cut_off else set()
        found = shield.seen(each_issue(
            workspace.db,
            form=load_form(workspace.root, form).spec.id if form else None,
            unreturned=unreturned,
            since=max(filter(None, (since, first)), default=None),
            until=min(filter(None, (until, last, old)), default=None),
        ))
        if out is not None:
            narrowed = _narrowed(workspace, found, incomplete=incomplete, lacking=lacking)
            _write_sheet(app, workspace, [one for one, _ in narrowed], out, force=force)
            return
        tally = _Tally(workspace)
        items = (
            {
                **_plain_issue(one),
                "written": one.issue_id not in unwritten,
                "completed": one.issue_id in done,
                "days": (app.today - one.issue_date).days,
                **more,
            }
            for one, more in tally.counting(_narrowed(workspace, found, incomplete=incomplete, lacking=lacking))
        )
        if app.json:
            print_listing(items, tally.plain if unreturned else None)
            return
        # A table must be whole before it is printed: a long one is cut into several.
        part = list(itertools.islice(items, _TABLE_ROWS))
        while True:
            app.print_items([{**item, "status": _status(item)} for item in part], columns, empty=msg(
                "No document is of this kind; 'recordkit issued list' without conditions lists all, 'recordkit "
                "generate' issues."))
            if not (part := list(itertools.islice(items, _TABLE_ROWS))):
                break
        if unreturned and tally.forms:
            app.say(tr("{count} document(s) are out, the oldest for {days} days: {forms}").format(
                count=tally.forms.total(), days=(app.today - tally.oldest).days, forms=tally.told()))


def _not_shown(shield: IssueShield) -> Message:
    return msg("Restricted documents are not shown to you; that needs the role {roles}. Say who you are with --as ID.",
               roles=shield.clearance.told_roles)


def _write_sheet(app: App, workspace: Workspace, found: list[Issue], out: Path, *, force: bool) -> None:
    from recordkit.archive.returning import paper_at_hand
    from recordkit.templates.issue import form_of_issue
    from recordkit.templates.returnsheet import ReturnRow, return_workbook

    rows = []
    for one in found:
        spec = form_of_issue(workspace, one)
        paper = paper_at_hand(workspace, one, [field.label for field in spec.of_stage("onsite")])
        rows.append(ReturnRow(one, spec, "\n".join(paper.lines) if paper is not None else ""))
    if rows:
        app.save(out, return_workbook(rows, tr), force=force)
    if app.json:
        app.print_json({"path": str(out) if rows else None, "total": len(rows)})
    elif rows:
        click.echo(str(out))
        app.say(tr("{count} document(s). Fill it in, then: recordkit issued complete --data {file}").format(
            count=len(rows), file=quoted(out)))
    else:
        app.print_items([], [], empty=msg("No document waits for what was written by hand on it: {file} was not "
                                          "written.", file=str(out)))


class _Tally:
    """Counts issues by form while they are listed."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.forms: Counter[str] = Counter()
        self.oldest = date.max

    def counting(
        self, items: Iterable[tuple[Issue, dict[str, object]]]
    ) -> Iterator[tuple[Issue, dict[str, object]]]:
        for one, more in items:
            self.forms[one.form] += 1
            self.oldest = min(self.oldest, one.issue_date)
            yield one, more

    def plain(self) -> dict[str, object]:
        return {"summary": {"forms": dict(self.forms.most_common()), "oldest": self.oldest if self.forms else None}}

    def told(self) -> str:
        from recordkit.templates.forms import load_form

        names = []
        for form, count in self.forms.most_common():
            try:
                name = load_form(self._workspace.root, form).spec.name
            except RecordkitError:  # a form that the office has given up
                name = form
            names.append(f"{name} {count}")
        return tr_list(names)


def _status(item: Mapping[str, object]) -> Message:
    status = msg(str(item["status"]))
    return status if item["written"] else msg("{status}, not written", status=status)


def _narrowed(
    workspace: Workspace, found: Iterable[Issue], *, incomplete: bool, lacking: bool
) -> Iterator[tuple[Issue, dict[str, object]]]:
    """The issues that are asked for, each with what its line says besides."""
    from recordkit.templates.completing import find_incomplete, find_lacking

    rest = iter(find_incomplete(workspace, found) if incomplete else found)
    while lacking and (part := list(itertools.islice(rest, _TOGETHER))):
        for one, names in find_lacking(workspace, part):
            yield one, {"lacking": list(names)}
    for one in rest:
        yield one, {}


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
    """Print the issue, its fields as printed and as keyed in, its papers, and who keyed in what."""
    from recordkit.archive.access import IssueShield
    from recordkit.cli.holding import told_hold
    from recordkit.retention.standing import holds_on_issue, plain_hold
    from recordkit.templates.completing import completion_of, lacking_papers
    from recordkit.templates.issue import find_issue, form_of_issue, read_issue_data, void_of

    with app.reading() as workspace:
        found = find_issue(workspace.db, number)
        IssueShield(workspace).require(found)
        voided = void_of(workspace, found)
        item = _plain_issue(found)
        values: dict[str, object] = {}
        fields: Mapping[str, FieldSpec] = {}
        lacking: tuple[str, ...] = ()
        second = completion_of(workspace, found)
        holds = [plain_hold(one, app.today) for one in holds_on_issue(workspace, found.issue_id, found.record_id)]
        if found.status != "destroyed":
            raw = read_issue_data(workspace, found)["values"]
            values = raw if isinstance(raw, dict) else {}
            fields = {one.key: one for one in form_of_issue(workspace, found).fields}
            lacking = lacking_papers(workspace, found)
    # Data are kept in an order of their own; people look for a field where the form has it.
    values = _in_order(values, fields)
    onsite = _in_order({key: value for key, value in second.values.items() if value is not None}, fields)
    history = _steps(second)
    if voided is not None:
        history.append({"time": voided.time, "actor": voided.actor, "act": "issue.voided", "reason": voided.reason,
                        "changed": [], "before": {}, "collected": []})
    if app.json:
        app.print_json({**item, "fields": values, "completed": second.is_complete, "onsite": onsite,
                        "collected": list(second.collected), "lacking": list(lacking), "holds": holds,
                        "history": history})
        return
    names = {"number": N_("Number"), "issue_id": N_("Issue"), "form": N_("Form"), "title": N_("Title"),
             "date": N_("Date"), "status": N_("Status"), "record_id": N_("Record id")}
    told = {**item, "status": tr(found.status)}
    app.print_pairs([(name, told[key]) for key, name in names.items() if told[key] not in (None, "")])
    app.print_pairs([(N_("Hold"), told_hold(one)) for one in holds])
    app.print_pairs([_told(fields, key, value) for key, value in values.items()])
    if onsite:
        click.echo(tr("Keyed in on return:"))
        app.print_pairs([_told(fields, key, value) for key, value in onsite.items()])
    app.print_pairs([(name, papers) for name, papers in ((N_("Papers collected"), second.collected),
                                                         (N_("Still lacking"), lacking)) if papers])
    for step in history:
        changed = tr_list(_told(fields, key, None)[0] for key in step["changed"])
        why = f" ({step['reason']})" if step["reason"] else ""
        act = step["act"]
        click.echo(" ".join(filter(None, (local_time(step["time"]), step["actor"], act_name(act), changed))) + why)


def _in_order(values: Mapping[str, object], fields: Mapping[str, FieldSpec]) -> dict[str, object]:
    """Values in the form's order; those it no longer knows behind them."""
    return {key: values[key] for key in [*fields, *(key for key in values if key not in fields)] if key in values}


def _told(fields: Mapping[str, FieldSpec], key: str, value: object) -> tuple[str, object]:
    """Label and value as printed; as it is stored where the form no longer knows the field."""
    from recordkit.templates.fieldtypes import display, from_plain

    field = fields.get(key)
    if field is None:
        return key, value
    if value is None:
        return field.label, ""
    return field.label, display(from_plain(value, field), field) + field.unit


class _Step(TypedDict):
    time: str
    actor: str
    act: str
    reason: str
    changed: list[str]
    before: dict[str, object]
    collected: list[str]


def _steps(second: Completion) -> list[_Step]:
    """The history, each step with the keys it changed and what stood there before."""
    found: list[_Step] = []
    earlier: Mapping[str, object] = {}
    for step in second.history:
        changed = [key for key, value in step.values.items() if value != earlier.get(key)]
        before = {key: earlier[key] for key in changed if earlier.get(key) is not None}
        found.append({"time": step.time, "actor": step.actor, "act": step.act, "reason": step.reason,
                      "changed": changed, "before": before, "collected": list(step.collected)})
        earlier = step.values
    return found


@issued.command("render", cls=Command, help=N_("Write an issued document again, byte for byte; or all whose file is "
                                               "missing from the outbox."))
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@option("--missing", is_flag=True, help=N_("All documents that have a number but no file where it belongs."))
@option("--source", metavar="NAME", help=N_("All documents issued from the file of this name."))
@option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=N_("Where it goes."))
@option("--pdf", is_flag=True, help=N_("Make PDFs too, each page with its own code (needs LibreOffice)."))
@option("--print-merged", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=N_("One PDF of all documents for the printer (needs LibreOffice)."))
@option("--duplex", is_flag=True, help=N_("In it, begin every document on a new sheet for printing on both sides."))
@option("--jobs", type=click.IntRange(1, 64), default=1, metavar="N", help=N_("Processes that print (default: 1)."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@dry_run_option
@pass_app
def issued_render(
    app: App,
    numbers: tuple[str, ...],
    missing: bool,
    source: str | None,
    out: Path | None,
    pdf: bool,
    print_merged: Path | None,
    duplex: bool,
    jobs: int,
    force: bool,
    dry_run: bool,
) -> int:
    """Render from the issue's data."""
    from recordkit.archive.access import IssueShield
    from recordkit.cli.papers import Paper, Printed, Wanted, print_papers, require_free, require_press
    from recordkit.templates.issue import find_issue, home_of, list_missing, read_issue_data, settle_printing
    from recordkit.templates.issuing import render_issue

    if missing == bool(numbers or source) or (numbers and source):
        raise WrongUsage(msg("Name documents, or give --missing or --source NAME."))
    press = Wanted(pdf, print_merged, duplex, jobs, force)
    require_press(press)
    with app.reading() as workspace:
        homes: dict[str, tuple[Issue, Path | None]]
        shield = IssueShield(workspace)
        if missing:
            homes = {one.issue_id: (one, path.parent) for one, path in list_missing(workspace)}
        else:
            named = [find_issue(workspace.db, number) for number in numbers] or _issued_from(workspace, source or "")
            homes = {one.issue_id: (one, None) for one in named}
        if numbers:
            shield.require(*(one for one, _ in homes.values()))
        elif hidden := [one for one, _ in homes.values() if shield.hides(one)]:
            app.say(_not_shown(shield))
            homes = {issue_id: home for issue_id, home in homes.items() if home[0] not in hidden}
        wanted = [one for one, _ in homes.values()]
        if len(numbers) == 1 and wanted[0].status in ("issued", "returned"):
            data = read_issue_data(workspace, wanted[0])
            place = out / str(data["file"]) if out else home_of(workspace.root, data)
            require_free([Paper(place, wanted[0].number, wanted[0].issue_id)], press)
        papers: list[Paper] = []
        failed: list[RecordkitError] = []
        for one, folder in () if dry_run else homes.values():
            try:
                path = render_issue(workspace, one, out or folder, force=force)
            except (InputRefused, NotFound, IntegrityFailure) as error:
                if len(wanted) == 1:
                    raise
                # One that cannot be printed must not keep the others from it.
                failed.append(error)
                continue
            papers.append(Paper(path, one.number, one.issue_id, one.revision))
        settle_printing(workspace, {paper.issue_id for paper in papers if paper.issue_id})
        printed = print_papers(app, workspace, papers, press) if papers else Printed()
    made = {paper.number: paper.path for paper in papers}
    items: list[dict[str, object]] = []
    for one in wanted:
        done = made.get(one.number)
        item: dict[str, object] = {"number": one.number, "path": str(done) if done else None,
                                   "sha256": files.digests_of(done).sha256 if done else None}
        if pdf:
            item["pdf"] = str(printed.pdfs[done]) if done in printed.pdfs else None
        items.append(item)
    if app.json and len(numbers) == 1:
        app.print_json(items[0])
    elif app.json:
        app.print_json({"items": items, "total": len(items)})
    else:
        for item in () if dry_run else items[:_SHOWN]:
            click.echo(item["path"] or item["number"])
        if dry_run:
            print_plan(app, [Step(msg("Write the document again"), one.number, "" if shield.hides(one) else one.title)
                             for one in wanted])
        else:
            if len(items) > _SHOWN:
                app.say(tr("… and {count} more.").format(count=len(items) - _SHOWN))
            app.say(tr("{count} document(s) written.").format(count=len(papers)))
    for failure in failed:
        report_error(failure)
    return 4 if printed.failures or failed else 0


def _issued_from(workspace: Workspace, source: str) -> list[Issue]:
    """Live documents made from the rows of a file.

    Raises:
        NotFound: there is none.
    """
    from recordkit.templates.issue import list_issues

    found = [one for one in list_issues(workspace.db) if one.source == source and one.status in ("issued", "returned")]
    if not found:
        raise NotFound(msg("No document was issued from a file {source}.", source=source))
    return found


@issued.command("void", cls=Command, help=N_("Make an issued document void; its number stays used."))
@click.argument("number")
@option("--reason", required=True, help=N_("Why."))
@dry_run_option
@pass_app
def issued_void(app: App, number: str, reason: str, dry_run: bool) -> None:
    """Make void."""
    from recordkit.archive.access import IssueShield
    from recordkit.templates.issue import find_issue, void_issue

    with app.acting(rehearse=dry_run) as workspace:
        IssueShield(workspace).require(find_issue(workspace.db, number))
        found = void_issue(workspace, number, reason)
    if app.json:
        app.print_json(_plain_issue(found))
    else:
        app.say(tr("{number} is void.").format(number=found.number))
