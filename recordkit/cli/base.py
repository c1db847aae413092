"""What every command shares: common options, opening the store, printing, and turning errors into exits."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct, structs

from recordkit.cli.colours import meaning_of, painted
from recordkit.cli.dates import DATE, local_time
from recordkit.cli.i18n import N_, tr
from recordkit.cli.showing import plain, shown
from recordkit.cli.tables import columns_of, lines_of
from recordkit.errors import (
    InputRefused,
    Interrupted,
    MissingPart,
    NotFound,
    RecordkitError,
    RefusedByRule,
    WrongUsage,
)
from recordkit.messages import Message, msg
from recordkit.model import Problem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from recordkit.cli.plans import Step
    from recordkit.people import Signer
    from recordkit.workspace import Clock, Workspace

Function = TypeVar("Function", bound=Callable[..., Any])


class App(Struct):
    """What the person said about the whole call."""

    store: Path
    json: bool = False
    quiet: bool = False
    as_of: date | None = None
    actor: str | None = None
    no_input: bool = False
    words: tuple[str, ...] = ()
    """What was typed behind ``recordkit``."""

    @property
    def today(self) -> date:
        """The date for computations: --as-of or the calendar."""
        return self.as_of or date.today()

    def clock(self) -> Clock:
        """The clock; --as-of moves it, whether acts may use that is asked in ``acting``."""
        from recordkit.workspace import Clock

        def now() -> datetime:
            real = datetime.now(UTC)
            return datetime.combine(self.as_of, real.timetz()) if self.as_of else real

        return Clock(now, self.today)

    @contextmanager
    def reading(self) -> Iterator[Workspace]:
        """The store, for commands that change nothing."""
        from recordkit.store import open_store

        workspace = open_store(self.store, self.clock(), self.actor or system_user())
        context = click.get_current_context(silent=True)
        workspace.command = context.command_path if context is not None else ""
        before = workspace.db.cursor()
        try:
            self._require_in_office(workspace)
            yield workspace
        except (KeyboardInterrupt, click.exceptions.Abort) as stop:
            from recordkit.cli.standing import note_entered

            note_entered(stop, workspace, before)
            raise
        finally:
            for notice in workspace.notices:
                self.say(notice)
            workspace.close()

    def _require_in_office(self, workspace: Workspace) -> None:
        """Whoever was revoked neither acts nor reads."""
        from recordkit.people import list_people

        if self.actor is not None and any(one.id == self.actor and one.revoked for one in list_people(workspace.db)):
            raise RefusedByRule(msg("{id} was revoked and acts no more.", id=self.actor),
                                msg("Act under an id in office: 'recordkit people list'."))

    @contextmanager
    def acting(self, *, rehearse: bool = False, also: Sequence[Step] = ()) -> Iterator[Workspace]:
        """The store, for commands that change it; ``rehearse`` runs every check, says what would be done, and ends.

        ``also``: steps of the plan that come behind what the ledger gets.

        Raises:
            RefusedByRule: --as-of in a store that is no simulation: real time goes into a real ledger.
        """
        from recordkit.store import SIMULATION_ID
        from recordkit.workspace import Rehearsed

        with self.reading() as workspace:
            # By its id, which the ledger's first entry bears out: the word in recordkit.toml anybody can change.
            if self.as_of is not None and workspace.settings.store.id != SIMULATION_ID:
                raise RefusedByRule(
                    msg("--as-of only computes; an act in a real archive bears its real date."),
                    msg("Leave --as-of out, or try it in a store made with 'recordkit init --simulation'."),
                )
            if self.actor is not None:
                from recordkit.people import PERSON_ID, find_person, list_people

                if list_people(workspace.db):
                    find_person(workspace.db, self.actor)
                elif not re.fullmatch(PERSON_ID, self.actor):
                    raise WrongUsage(
                        msg("{id} is no id of a person.", id=self.actor),
                        msg("An id has letters, digits, dot, dash and underscore; it stands in the ledger for ever."),
                    )
            workspace.rehearsing = rehearse
            try:
                yield workspace
            except Rehearsed as rehearsed:
                from recordkit.cli.rehearsed import print_rehearsed

                print_rehearsed(self, workspace, rehearsed, also)
                raise click.exceptions.Exit(0) from None

    def signer(self, workspace: Workspace, key: Path | None) -> Signer:
        """The person of --as with the key of --key.

        Raises:
            RefusedByRule: one of them is not given: a plain name is no signature.
        """
        from recordkit.people import open_signer

        if key is not None and not key.exists():
            raise NotFound(
                msg("There is no file {file}.", file=str(key)),
                msg("Give the private key that 'recordkit key create' wrote. A lost one is replaced: an administrator "
                    "revokes the id and registers a new one with a new key."))
        if self.actor is None or key is None:
            raise RefusedByRule(
                msg("This act needs a signature; a name alone is not enough."),
                msg("Give --as ID --key FILE."),
            )
        return open_signer(workspace.db, self.actor, key, self.passphrase(key))

    def admin_key(self, fallback: Path | None) -> Ed25519PrivateKey:
        """The private key that RECORDKIT_ADMIN_KEY names, else ``fallback`` when it exists.

        Raises:
            RefusedByRule: neither is there.
        """
        from recordkit.people import load_private_key

        named = os.environ.get("RECORDKIT_ADMIN_KEY")
        path = Path(named) if named else fallback
        if named and path is not None and not path.exists():
            raise NotFound(
                msg("There is no file {file}, which RECORDKIT_ADMIN_KEY names.", file=str(path)),
                msg("Let it name the private key file of an administrator; any administrator in office may sign."))
        if path is None or not path.exists():
            raise RefusedByRule(
                msg("This act needs an administrator's signature."),
                msg("Let RECORDKIT_ADMIN_KEY name the private key file of an administrator (the first person signs "
                    "with their own key)."),
            )
        return load_private_key(path, self.passphrase(path))

    def passphrase(self, key: Path, *, confirm: bool = False) -> bytes:
        """From --passphrase-file, RECORDKIT_PASSPHRASE, or a prompt on a terminal; never from an argument.

        Raises:
            WrongUsage: there is no way to ask.
        """
        context = click.get_current_context(silent=True)
        named = context.params.get("passphrase_file") if context else None
        if named:
            return Path(named).read_text(encoding="utf-8").rstrip("\r\n").encode()
        if "RECORDKIT_PASSPHRASE" in os.environ:
            return os.environ["RECORDKIT_PASSPHRASE"].encode()
        if self.no_input or not sys.stdin.isatty():
            raise WrongUsage(
                msg("The key {file} needs a passphrase.", file=str(key)),
                msg("Set RECORDKIT_PASSPHRASE, give --passphrase-file, or run it in a terminal."),
            )
        text = tr("Passphrase for {file}").format(file=key)
        entered: str = click.prompt(text, hide_input=True, confirmation_prompt=confirm, err=True)
        return entered.encode()

    def say(self, message: Message | str) -> None:
        """Talk to the person, on stderr."""
        if not self.quiet:
            click.echo(message.render(tr) if isinstance(message, Message) else message, err=True)

    def print_json(self, value: object) -> None:
        """The one JSON document of this run, on stdout."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=plain))

    def print_items(
        self, items: Sequence[Mapping[str, object]], columns: Sequence[tuple[str, str]], *,
        empty: object = None, **more: object,
    ) -> None:
        """A listing: JSON with ``items`` and ``total``, or a table of ``columns`` (key, heading).

        ``empty``, a message, is said where there is nothing: where was looked, and what a person does next.

        What stands under the key ``time`` is a moment: UTC in JSON, local in the table.
        """
        if self.json:
            self.print_json({"items": list(items), "total": more.pop("total", len(items)), **more})
        elif not items:
            self.say(tr("Nothing to list."))
            if isinstance(empty, Message):
                self.say(empty)
        else:
            rows = [[local_time(item.get(key)) if key == "time" else item.get(key) for key, _ in columns]
                    for item in items]
            self.print_table(rows, [name for _, name in columns])

    def print_table(self, rows: Sequence[Sequence[object]], headings: Sequence[str]) -> None:
        """A table that fits the terminal: codes and dates in one piece; no line is folded when piped."""
        width = None
        if sys.stdout.isatty():
            import shutil

            width = shutil.get_terminal_size().columns
        lines = lines_of([[shown(cell) for cell in row] for row in rows], [tr(heading) for heading in headings], width,
                         {place for place, one in enumerate(headings) if one in _IN_ONE_PIECE},
                         None if width is None else lambda row, column, text: painted(
                             text, "head" if row is None else meaning_of(rows[row][column])))
        click.echo("\n".join(["", *lines, ""]))

    def save(self, path: Path, data: bytes, *, force: bool, also: Sequence[str] = ()) -> None:
        """Write a result to a file of the person's choice; ``also``: folders of a store that take it, but the outbox.

        Raises:
            InputRefused: it exists and ``force`` is false.
            WrongUsage: it would lie in a store, where results do not belong.
        """
        from recordkit import files
        from recordkit.cli.saving import require_free, require_place, taken

        require_place(path, also)
        require_free(path, force=force)
        try:
            files.write_atomic(path, data, overwrite=force)
        except FileExistsError:
            raise taken(path) from None

    def print_pairs(self, pairs: Sequence[tuple[str, object]]) -> None:
        """Name and value, one a line."""
        for name, value in pairs:
            told = painted(shown(value), meaning_of(value))
            click.echo(f"{tr(name)}：{told}" if tr("yes") != "yes" else f"{tr(name)}: {told}")


_IN_ONE_PIECE = {"Class", "Code", "Number", "Order", "Hold", "Event", "ID", "Key", "Due", "Date", "Time", "Account"}


def plain_problem(problem: Problem) -> dict[str, object]:
    """A finding about the input with the promised keys."""
    return {
        "row": problem.row,
        "field": problem.field,
        "label": problem.label,
        "cell": problem.cell,
        "code": problem.code,
        "message": problem.message.render(tr),
        "severity": problem.severity,
    }


_SAME = 3
"""Findings of one kind about one field that are told row by row; of more, how many there are."""


def problem_lines(problems: Iterable[Problem]) -> Iterator[str]:
    """Findings for people: what is wrong with a whole column is said once, and a long row of equals is cut short.

    ``problems`` is gone through twice.
    """
    count: dict[tuple[str, str, str], int] = {}
    for problem in problems:
        mark = (problem.severity, problem.code, problem.label)
        count[mark] = count.get(mark, 0) + 1
    told: dict[tuple[str, str, str], int] = {}
    for problem in problems:
        mark = (problem.severity, problem.code, problem.label)
        told[mark] = number = told.get(mark, 0) + 1
        if problem.code in ("missing-column", "unknown-field") and problem.cell != "" and count[mark] > 1:
            if number == 1:
                line = problem_line(structs.replace(problem, row=None, cell=None))
                yield line + tr(" (in {count} rows)").format(count=count[mark])
        elif number <= _SAME or count[mark] <= _SAME + 1:
            yield problem_line(problem)
        elif number == count[mark]:
            yield problem_line(structs.replace(problem, row=None, cell=None, message=msg(
                "{count} more rows like this, the last of them row {row}", count=number - _SAME, row=problem.row)))


def problem_line(problem: Problem) -> str:
    """A finding about the input as one line."""
    where = []
    if problem.row is not None:
        where.append(tr("row {row}").format(row=problem.row))
    if problem.cell:
        where.append(problem.cell)
    if problem.label or problem.field:
        where.append(problem.label or problem.field)
    is_warning = problem.severity == "warning"
    word = tr("warning") if is_warning else tr("refused")
    mark = painted(f"[{word}]", "attention" if is_warning else "forbidden")
    place = f"{' '.join(where)}: " if where else ""
    return f"  {mark} {place}{problem.message.render(tr)}"


def usual_store() -> Path:
    """The store of a command line that names none."""
    return Path(os.environ.get("RECORDKIT_STORE") or "archive_store")


def report_error(error: RecordkitError) -> None:
    """Say what happened and what to do, on stderr."""
    what = error.what.render(tr)
    # To be stopped by a person is no error.
    if isinstance(error, Interrupted):
        click.echo(what, err=True)
    else:
        begin, _, end = tr("Error: {what}").partition("{what}")
        click.echo(painted(begin, "forbidden") + what + end, err=True)
    if isinstance(error, InputRefused):
        for line in problem_lines(error.problems[:50]):
            click.echo(line, err=True)
        if error.pointer is not None:
            for line in pointed(*error.pointer):
                click.echo(f"    {line}", err=True)
    todo = next_step_of(error)
    if todo is not None:
        click.echo(tr("  -> {todo}").format(todo=todo.render(tr)), err=True)


def next_step_of(error: RecordkitError) -> Message | None:
    """What to do; for a part that pip brings, the command of the Python that runs now."""
    if isinstance(error, MissingPart) and error.extra:
        from recordkit.cli.machine import how_to_get_extra

        return msg("Install it with: {command}", command=how_to_get_extra(error.extra))
    return error.todo


_AROUND = 30


def pointed(text: str, at: int) -> tuple[str, str]:
    """What was typed, near its character ``at``, and a line with a caret under that character."""
    first, end = max(0, at - _AROUND), at + _AROUND
    before, behind = "…" * (first > 0), "…" * (end < len(text))
    part = "".join(char if char.isprintable() else " " for char in text[first:end])
    return before + part + behind, " " * columns_of(before + part[: at - first]) + "^"


def system_user() -> str:
    """The operating-system user as an actor; a container may run under a user without a name."""
    for name in ("LOGNAME", "USER"):
        if os.environ.get(name):
            return f"os:{os.environ[name]}"
    # What else getpass would ask; it loads a driver for terminals first.
    import getpass

    try:
        return f"os:{getpass.getuser()}"
    except (KeyError, OSError, ImportError):
        return "os:unknown"


# --- click with our common options and late translation ----------------------------------------------------------


class Option(click.Option):
    """An option whose help is translated when it is shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Translate the help text."""
        record = super().get_help_record(ctx)
        if record is None or not self.help:
            return record
        return record[0], record[1].replace(self.help, tr(self.help))


def common_options() -> list[click.Option]:
    """Options that every command has."""
    return [
        Option(["--json", "as_json"], is_flag=True, help=N_("Print one JSON document.")),
        Option(["--as", "as_person"], metavar="ID", help=N_("Who acts (default: the operating-system user).")),
        Option(["--as-of"], type=DATE, metavar="DATE", help=N_("Compute as of this day.")),
        Option(["--no-input"], is_flag=True, help=N_("Never ask; take defaults.")),
    ]


def take_common(ctx: click.Context) -> None:
    """Move the common options into the App."""
    app: App = ctx.obj
    app.json = ctx.params.pop("as_json") or app.json
    app.actor = ctx.params.pop("as_person") or app.actor
    app.as_of = ctx.params.pop("as_of") or app.as_of
    app.no_input = ctx.params.pop("no_input") or app.no_input


class Command(click.Command):
    """A command with the common options.

    Attributes:
        results: names of parameters that say where a result goes; none of them may lead into a store but for its outbox
            and the folders ``also``.
    """

    results = ("out", "xlsx", "print_merged")
    also: tuple[str, ...] = ()

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        """Add the common options behind the command's own."""
        super().__init__(*arguments, **attributes)
        self.params += common_options()

    def invoke(self, ctx: click.Context) -> Any:
        """Move the common options into the App."""
        take_common(ctx)
        for name in self.results:
            if isinstance(place := ctx.params.get(name), Path):
                from recordkit.cli.saving import require_place

                require_place(place, self.also)
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.exceptions.Abort) as stop:
            from recordkit.cli.examples import words_of
            from recordkit.cli.standing import standing

            standing(stop).words = words_of(ctx.command_path)
            raise

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Translate the help text."""
        _translated_help(self, ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """First line of the translated help."""
        return _first_line(self)


class Group(click.Group):
    """A group whose help is translated when it is shown."""

    command_class = Command

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Translate the help text."""
        _translated_help(self, ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """First line of the translated help."""
        return _first_line(self)


def _translated_help(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The help, then the examples: who asks for help wants to see what to type."""
    from recordkit.cli.examples import lines_of_examples, words_of

    if command.help:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(tr(command.help))
    if lines := lines_of_examples(words_of(ctx.command_path)):
        with formatter.section(tr("Examples")):
            for line in lines:
                formatter.write(f"{line}\n")


def _first_line(command: click.Command) -> str:
    return tr(command.help or "").split("\n")[0]


def option(*names: str, **attributes: Any) -> Callable[[Function], Function]:
    """``click.option`` with late translation."""
    return click.option(*names, cls=Option, **attributes)


key_option = option("--key", type=click.Path(path_type=Path), metavar="FILE", help=N_("Private key to sign with."))
passphrase_option = option(
    "--passphrase-file", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
    help=N_("File that holds the passphrase of the key."),
)
dry_run_option = option("--dry-run", is_flag=True, help=N_("Print what would be done; change nothing."))
pass_app = click.make_pass_decorator(App)


def list_options(function: Function) -> Function:
    """Options of commands that read a list of accounts."""
    sheet = option("--sheet", help=N_("Sheet of the spreadsheet."))
    account = option("--account-column", metavar="HEADING", help=N_("Heading of the account."))
    return sheet(account(function))


def pairs_of(values: Sequence[str]) -> dict[str, str]:
    """FIELD=VALUE arguments as a mapping.

    Raises:
        WrongUsage: one has no equals sign.
    """
    found = {}
    for text in values:
        # An input method types the full-width sign; whichever comes first parts the two.
        name, mark, value = text.partition(next((sign for sign in text if sign in "=＝"), "="))
        if not mark or not name.strip():
            raise WrongUsage(msg("{text} is not of the form FIELD=VALUE.", text=text))
        found[name.strip()] = value
    return found
