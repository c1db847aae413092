"""Commands about forms: list, show, check, sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import (
    App,
    Command,
    Group,
    pass_app,
    plain_problem,
)
from recordkit.cli.i18n import N_, tr
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.templates.spec import FieldSpec


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
