"""Commands about forms: list, show, check, sample."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pass_app
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.showing import quoted
from recordkit.errors import InputRefused, NotFound, WrongUsage
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.templates.findings import FormFinding
    from recordkit.templates.spec import FieldSpec


class _FormCommand(Command):
    """Makes a form or its sample data: the store's folder of forms takes it."""

    also = ("forms",)


@click.group(cls=Group, help=N_("The forms that can be issued."))
def forms() -> None:
    """Group."""


def _root(app: App) -> Path | None:
    """The store's folder where there is one: forms can be looked at without a store."""
    return app.store if (app.store / "recordkit.toml").exists() else None


@forms.command("list", cls=Command, help=N_("List the forms."))
@option("--listings", is_flag=True, help=N_("The forms of printed catalogues, from which no document is issued."))
@pass_app
def forms_list(app: App, listings: bool) -> int:
    """Print id, name and origin; exit 3 when one of them cannot be read."""
    from recordkit.templates.forms import list_form_ids, list_listing_ids, load_form

    items = []
    broken = 0
    for form_id in (list_listing_ids if listings else list_form_ids)(_root(app)):
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


@forms.command("check", cls=Command, help=N_("Check forms: fields, rules, examples, and every tag of the template with "
                                             "its place and the fix; all forms, or the named ones, folders or files."))
@click.argument("which", nargs=-1, metavar="[FORM|FOLDER|FILE.docx]...")
@option("--strict", is_flag=True, help=N_("Let warnings count as errors."))
@pass_app
def forms_check(app: App, which: tuple[str, ...], strict: bool) -> int:
    """Print every finding; exit 3 when there is an error, with --strict also for a warning."""
    from recordkit.templates.checking import check_form
    from recordkit.templates.forms import list_form_ids, list_listing_ids

    every = [*list_form_ids(_root(app)), *list_listing_ids(_root(app))]
    found = [(name, one) for name in which or every for one in check_form(_root(app), name)]
    count = Counter(one.severity for _, one in found)
    if app.json:
        app.print_items([_plain_finding(name, one) for name, one in found], [], summary=dict(count))
    else:
        for name in dict.fromkeys(name for name, _ in found):
            click.echo(name)
            for _, one in (pair for pair in found if pair[0] == name):
                click.echo(_finding_lines(one))
        app.say(tr("{errors} error(s), {warnings} warning(s), {remarks} remark(s).").format(
            errors=count["error"], warnings=count["warning"], remarks=count["remark"]))
    return 3 if count["error"] or (strict and count["warning"]) else 0


def _plain_finding(form: str, one: FormFinding) -> dict[str, object]:
    """The keys of every problem, and where in Word it stands."""
    return {
        "form": form, "row": None, "field": one.field, "label": one.label, "cell": None, "code": one.code,
        "severity": one.severity, "message": one.message.render(tr), "part": one.part,
        "place": one.place.render(tr) if one.place else "", "text": one.text,
        "fix": one.fix.render(tr) if one.fix else "",
    }


def _finding_lines(one: FormFinding) -> str:
    """Severity, place and what is wrong; beneath it the text around and the fix."""
    where = one.place.render(tr) if one.place else one.label or one.field
    lines = [f"  [{tr(one.severity)}] {where}: {one.message.render(tr)}"]
    if one.text:
        lines.append(tr("      text: {text}").format(text=one.text))
    if one.fix is not None:
        lines.append(tr("      -> {fix}").format(fix=one.fix.render(tr)))
    return "\n".join(lines)


@forms.command("new", cls=_FormCommand,
               help=N_("Draft a form from a Word file with {{tags}} or with blanks: 【】, ____, □, "
                       "empty cells; says what it guessed."))
@click.argument("form")
@option("--from", "source", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.docx",
        help=N_("The Word file."))
@option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
        help=N_("Folder that takes the form's folder (default: the store's forms)."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@dry_run_option
@pass_app
def forms_new(app: App, form: str, source: Path, out: Path | None, force: bool, dry_run: bool) -> None:
    """Write form.toml, template.docx and sample.toml; then check them."""
    from recordkit.templates.checking import check_form
    from recordkit.templates.drafting import draft_form
    from recordkit.templates.forms import shipped_forms

    root = _root(app)
    if out is None and root is None:
        raise WrongUsage(msg("There is no store in {folder}.", folder=str(app.store)),
                         msg("Make one with 'recordkit init', or say with --out where the form goes."))
    try:
        data = source.read_bytes()
    except OSError:
        raise NotFound(msg("There is no file {file}.", file=str(source)), msg("Check the path.")) from None
    draft = draft_form(data, form, source.name)
    folder = (out or app.store / "forms") / form
    there = [name for name in draft.files if (folder / name).exists()]
    if there and not force:
        raise InputRefused(msg("{folder} has a form already: {names}.", folder=str(folder), names=listed(there)),
                           msg("Choose another id, or overwrite it with --force."))
    findings: list[FormFinding] = []
    if not dry_run:
        for name, content in draft.files.items():
            app.save(folder / name, content, force=force, also=_FormCommand.also)
        findings = check_form(root, str(folder))
    if app.json:
        app.print_json({
            "form": form, "folder": str(folder), "files": [] if dry_run else list(draft.files),
            "fields": [{"key": one.key, "label": one.label, "type": one.type, "stage": one.stage,
                        "choices": list(one.choices), "columns": [column.key for column in one.columns]}
                       for one in draft.fields],
            "guessed": [one.render(tr) for one in draft.guessed],
            "undecided": [one.render(tr) for one in draft.undecided],
            "findings": [_plain_finding(form, one) for one in findings]})
        return
    app.print_table([[one.key, one.label, tr(one.type), tr(one.stage), " / ".join(one.choices)
                      or tr_list(column.label for column in one.columns)] for one in draft.fields],
                    [N_("Key"), N_("Label"), N_("Type"), N_("Stage"), N_("Choices or columns")])
    for heading, messages in ((N_("Guessed:"), draft.guessed), (N_("To be decided by you:"), draft.undecided)):
        click.echo(tr(heading))
        for one in messages:
            click.echo(f"  - {one.render(tr)}")
    for finding in findings:
        if finding.severity != "remark":
            click.echo(_finding_lines(finding))
    if (shipped_forms() / form).is_dir():
        app.say(tr("This form hides the shipped one of the same id."))
    if dry_run:
        print_plan(app, [Step(msg("Write"), str(folder / name)) for name in draft.files])
        return
    app.say(tr("Written: {folder}. Look at template.docx in Word, correct form.toml, then run: recordkit forms check "
               "{form}").format(folder=folder, form=form))


@forms.command("sample", cls=_FormCommand,
               help=N_("A complete valid document's data, as JSON or as a spreadsheet to fill in."))
@click.argument("form")
@option("--xlsx", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=N_("Write a spreadsheet with headings, lists to choose from and one sample row."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def forms_sample(app: App, form: str, xlsx: Path | None, force: bool) -> None:
    """Print the sample as JSON, or write it as a spreadsheet: both can be given to --data."""
    import tomllib

    from recordkit.templates.forms import load_form
    from recordkit.templates.unreadable import reason_of

    loaded = load_form(_root(app), form)
    path = loaded.folder / "sample.toml"
    if not path.exists():
        raise NotFound(msg("The form {form} has no sample data.", form=form))
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputRefused(msg("{file} is not valid {kind}: {reason}", file=str(path), kind="TOML",
                               reason=reason_of(error)),
                           msg("Correct the line named above.")) from None
    if xlsx is None:
        app.print_json(raw)
        return
    from recordkit.templates.rows import RawRow
    from recordkit.templates.samplesheet import sample_workbook
    from recordkit.templates.validate import validate_row

    values, problems = validate_row(loaded.spec, RawRow(1, raw, {}))
    if any(one.severity == "error" for one in problems):
        raise InputRefused(msg("The sample data of the form {form} is refused by the form itself.", form=form),
                           msg("Correct sample.toml."), problems)
    target = xlsx if xlsx.suffix.lower() == ".xlsx" else xlsx.with_name(xlsx.name + ".xlsx")
    app.save(target, sample_workbook(loaded.spec, values, tr), force=force, also=_FormCommand.also)
    if app.json:
        app.print_json({"form": loaded.spec.id, "path": str(target), "columns": len(loaded.spec.of_stage("before"))})
        return
    text = tr("Written: {file}. Fill in one row for each document, then: recordkit generate {form} --data {path}")
    app.say(text.format(file=target, form=loaded.spec.id, path=quoted(target)))
