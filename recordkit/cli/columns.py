"""Which column of a table is which field: found, said, and asked where nobody can know."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, pairs_of
from recordkit.cli.i18n import tr, tr_list
from recordkit.errors import Interrupted, WrongUsage
from recordkit.messages import msg, nearest

if TYPE_CHECKING:
    from recordkit.templates.headed import Headed
    from recordkit.templates.rows import RowSource
    from recordkit.templates.spec import FieldSpec, FormSpec

_NOT_USED = ("", "-")


def understand(
    app: App, root: Path, spec: FormSpec, source: RowSource, columns: Sequence[str], *, ask: bool
) -> tuple[RowSource, Headed | None]:
    """The rows under the names of the form's fields, after saying which heading was taken for which.

    ``columns`` are HEADING=FIELD as the person gave them. With ``ask`` a heading that means nothing known is asked for
    once and remembered in the store.

    Raises:
        WrongUsage: a column names no field of the form, or a heading that is not in the table.
    """
    from recordkit.templates.headings import remember, said_in
    from recordkit.templates.spec import plain_heading

    given = _given(spec, columns)
    said = {**said_in(root, spec), **given}
    headed = _headed(spec, source, said)
    if headed is None:
        if given:
            raise WrongUsage(msg("The file has no headings that --column could name."))
        return source, None
    known = {plain_heading(one) for one in (*headed.taken, *headed.unused, *headed.unknown)}
    for heading in given:
        if heading not in known and not any(one.partition("(")[0] == heading for one in known):
            raise WrongUsage(msg("The table has no heading {heading}.", heading=heading),
                             msg("Its headings are: {names}.",
                                 names=tr_list([*headed.taken, *headed.unused, *headed.unknown])))
    if ask and headed.unknown and _can_ask(app):
        answers = _ask_headings(spec, headed)
        remember(root, spec, answers)
        app.say(tr("Remembered in {file}: the next table with these headings is not asked about.").format(
            file=root / "headings.toml"))
        headed = _headed(spec, source, {**said, **{plain_heading(one): key for one, key in answers.items()}})
        assert headed is not None
    _tell(app, spec, headed)
    return headed.source, headed


def _given(spec: FormSpec, columns: Sequence[str]) -> dict[str, str]:
    from recordkit.templates.planning import field_named
    from recordkit.templates.spec import plain_heading

    return {plain_heading(heading): "" if name.strip() in _NOT_USED else field_named(spec, name).key
            for heading, name in pairs_of(columns).items()}


def _headed(spec: FormSpec, source: RowSource, said: Mapping[str, str]) -> Headed | None:
    from recordkit.templates.headed import head_rows
    from recordkit.templates.headings import meaning

    roles = spec.roles
    return head_rows(
        source, meaning(spec, said),
        names={one.key: one.label for one in spec.fields},
        exact={*spec.by_name, *(heading for heading, key in said.items() if key)},
        who={key for key in (roles.account, roles.party) if key},
        days={one.key for one in spec.of_stage("before") if one.type == "date"},
    )


def _tell(app: App, spec: FormSpec, headed: Headed) -> None:
    """What was taken for what, where it is not simply the field's own name in the first row."""
    from recordkit.templates.spec import plain_heading

    by_key = {one.key: one.label for one in spec.fields}
    other = {heading: by_key[key] for heading, key in headed.taken.items()
             if plain_heading(heading) not in spec.by_heading}
    if headed.row > headed.first:
        app.say(tr("The headings stand in row {row}.").format(row=headed.row))
    if other:
        app.say(tr("Columns under another name: {columns}.").format(
            columns=tr_list(f"{heading} → {label}" for heading, label in other.items())))
    if headed.unused:
        app.say(tr("Columns that are not used: {columns}.").format(columns=tr_list(headed.unused)))


def tell_passed(app: App, headed: Headed | None) -> None:
    """Rows that were passed over in the last way through the table."""
    for line in headed.passed.told() if headed is not None else ():
        app.say(line)


def plain_columns(headed: Headed | None) -> dict[str, object]:
    """The same for programs."""
    if headed is None:
        return {}
    passed = headed.passed
    return {"columns": dict(headed.taken), "unused_columns": list(headed.unused), "heading_row": headed.row,
            "passed": {"blank": passed.blank, "totals": passed.totals, "repeated": passed.repeated}}


def _can_ask(app: App) -> bool:
    return not app.no_input and sys.stdin.isatty() and sys.stderr.isatty()


def _ask_headings(spec: FormSpec, headed: Headed) -> dict[str, str]:
    """Ask which field each unknown heading is; "" for a column that is not used."""
    answers: dict[str, str] = {}
    for heading in headed.unknown:
        taken = {*headed.taken.values(), *answers.values()}
        free = [one for one in spec.of_stage("before") if one.key not in taken]
        near = nearest(heading, (one.label for one in free))
        click.echo(tr("{heading} is no field of this form. Which one is it?").format(heading=heading), err=True)
        click.echo("    " + "  ".join(f"{at} {one.label}" for at, one in enumerate(free, 1)), err=True)
        answers[heading] = _chosen(free, near or "")
    return answers


def _chosen(free: Sequence[FieldSpec], near: str) -> str:
    question = tr("Number or name; Enter: this column is not used")
    if near:
        question += tr(" (perhaps {near}?)").format(near=near)
    while True:
        try:
            typed = click.prompt(question, default="", show_default=False, err=True).strip()
        except click.Abort:
            raise Interrupted(msg("Stopped; nothing was done."), msg("Give the command again.")) from None
        if typed in _NOT_USED:
            return ""
        for at, one in enumerate(free, 1):
            if typed in (str(at), one.label, one.key):
                return one.key


def ask_missing(app: App, spec: FormSpec, headed: Headed, given: Mapping[str, object], today: date
                ) -> dict[str, object]:
    """What no column gives and every row needs, asked once for all rows; raw values by key.

    A day of issue that the table does not name is offered as today.

    Raises:
        WrongUsage: something is missing and nobody can be asked.
        Interrupted: the person stopped.
    """
    from recordkit.cli.asking import ask_values
    from recordkit.templates.fieldtypes import is_empty
    from recordkit.templates.spec import plain_heading

    there = {*headed.taken.values(),
             *(one.key for name in given if (one := spec.by_heading.get(plain_heading(name))) is not None)}
    missing = tuple(
        replace(one, default=today.isoformat()) if one.key == spec.numbering_date else one
        for one in spec.of_stage("before")
        if one.required and one.key not in there and is_empty(one.default)
    )
    if not missing:
        return {}
    app.say(tr("What the table does not name is asked once and holds for every row."))
    return ask_values(app, replace(spec, fields=missing, rules=(), attachments=(), gates=()), {})
