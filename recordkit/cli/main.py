"""The entry point: global options, commands loaded only when they are called, errors turned into exit codes."""

from __future__ import annotations

import atexit
import errno
import importlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, TextIO

import click

from recordkit.cli.base import App, Group, Option, report_error, usual_store
from recordkit.cli.colours import are_wanted
from recordkit.cli.i18n import N_, choose_language, tr, use_language
from recordkit.errors import NotFound, RecordkitError
from recordkit.messages import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS = {
    "demo": ("demo", N_("The whole job on the shipped examples, told step by step.")),
    "init": ("making", N_("Make a store.")),
    "forms": ("forms", N_("The forms that can be issued.")),
    "generate": ("generate", N_("Issue documents from data.")),
    "meters": ("meters", N_("Meters in use: which are overage.")),
    "issued": ("issued", N_("Issued documents: list, show, print again, make void.")),
    "ingest": ("ingesting", N_("File signed papers into the archive.")),
    "unmatched": ("ingesting", N_("Papers that wait for a person.")),
    "quarantine": ("ingesting", N_("Files that could not be read or filed.")),
    "match": ("ingesting", N_("File a waiting paper as a signed document.")),
    "search": ("searching", N_("Find records by any fragment.")),
    "show": ("records", N_("Show one record.")),
    "text": ("records", N_("Print the text of a record.")),
    "open": ("viewing", N_("Open the paper of a record in the system's viewer.")),
    "get": ("records", N_("Copy the original of a record to a file.")),
    "catalogue": ("cataloguing", N_("The catalogue: listings as the standards print them.")),
    "edit": ("editing", N_("Change a record's metadata, with a reason.")),
    "history": ("editing", N_("Every act on a record.")),
    "volume": ("volumes", N_("Volumes: records kept together, by account or by project.")),
    "box": ("boxing", N_("Boxes of paper originals: where they stand, labels, lists.")),
    "verify": ("upkeep", N_("Read every byte of the archive again and compare.")),
    "check": ("checking", N_("The four-property checks of records (DA/T 70-2018).")),
    "event": ("eventing", N_("Events that start retention periods.")),
    "hold": ("holding", N_("Holds that stop destruction.")),
    "retention": ("reviewing", N_("Retention schedule and review.")),
    "report": ("office_reports", N_("Reports of the office: daily, monthly, what is overdue.")),
    "stats": ("statistics", N_("What the archive holds, in numbers and one page of charts.")),
    "people": ("people", N_("Registered persons.")),
    "key": ("people", N_("Signing keys.")),
    "destruction": ("destroying", N_("Orders of destruction.")),
    "ledger": ("ledgering", N_("The chained log of every act.")),
    "export": ("bagging", N_("Copies of records for another archive, as a BagIt folder.")),
    "import": ("bagging", N_("File the records of another archive's BagIt folder.")),
    "handover": ("handing", N_("Hand the archive over to another archivist; both sign.")),
    "backup": ("keeping", N_("A copy of the store in another folder.")),
    "mend": ("mending", N_("Bring back what is damaged in the store out of a copy.")),
    "lost": ("losing", N_("Records that are lost for good, registered by two people.")),
    "restore": ("keeping", N_("Make a store from a copy.")),
    "rebuild": ("upkeep", N_("Derive catalogue and index anew.")),
    "config": ("upkeep", N_("Settings of the store.")),
    "schedule": ("scheduling", N_("The review that comes by itself: daily or monthly, listed and mailed.")),
    "completion": ("completion", N_("Let TAB complete commands, forms, codes and numbers.")),
    "doctor": ("doctoring", N_("What is installed and what is missing.")),
}


class _Lazy(Group):
    """Knows every command's name and line of help; imports its module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"recordkit.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name, None) or getattr(module, f"{cmd_name}_")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(tr("Commands")):
            formatter.write_dl([(name, tr(line)) for name, (_, line) in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and lines of help without importing a single command."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=tr(line)) for name, (_, line) in _COMMANDS.items()
                 if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not ctx.resilient_parsing and not args[0].startswith("-"):
            near = did_you_mean(args[0], _COMMANDS, 0.6)
            ctx.fail(tr("There is no command {name}.").format(name=args[0]) + (f" {near.render(tr)}" if near else ""))
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from recordkit import __version__

        click.echo(f"recordkit {__version__}")
        ctx.exit()


@click.group(
    cls=_Lazy,
    help=N_("Issue documents, file the signed papers, find them again, and apply retention rules."),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--store", cls=Option, type=click.Path(path_type=Path), metavar="DIR", help=N_("The store."))
@click.option("--lang", cls=Option, type=click.Choice(["zh", "en"]), help=N_("Language of the messages."))
@click.option("--quiet", cls=Option, is_flag=True, help=N_("No talk, only results and errors."))
@click.option("--json", "as_json", cls=Option, is_flag=True, help=N_("Print one JSON document."))
@click.option("--version", cls=Option, is_flag=True, is_eager=True, expose_value=False, callback=_version,
              help=N_("Print the version."))
@click.pass_context
def cli(ctx: click.Context, store: Path | None, lang: str | None, quiet: bool, as_json: bool) -> None:
    """Keep what holds for the whole call."""
    del lang  # already applied by ``main``, before any help text was built
    ctx.color = None if are_wanted() else False
    ctx.obj = App(store or usual_store(), json=as_json, quiet=quiet, words=tuple(ctx.obj or ()))


def run(arguments: list[str], *, inside: bool = False) -> int:
    """Run one command line; the exit code.

    Raises:
        KeyboardInterrupt: Ctrl-C, where the command is a step ``inside`` of another one, which tells of it.
    """
    use_language(choose_language(arguments, os.environ))
    if "_RECORDKIT_COMPLETE" in os.environ:
        from recordkit.cli.completions import answer

        return answer(cli, os.environ["_RECORDKIT_COMPLETE"])
    try:
        result = cli.main(arguments, prog_name="recordkit", standalone_mode=False, obj=tuple(arguments))
        return result if isinstance(result, int) else 0
    except (click.exceptions.Abort, KeyboardInterrupt) as stop:
        from recordkit.cli.interrupting import tell_stop

        if inside:
            raise KeyboardInterrupt from stop
        return tell_stop(stop, arguments)
    except click.ClickException as error:
        from recordkit.cli.misuse import tell_misuse

        tell_misuse(error, arguments)
        return 2
    except RecordkitError as error:
        if os.environ.get("RECORDKIT_DEBUG") == "1":
            _print_traceback()
        report_error(error)
        if isinstance(error, NotFound):
            from recordkit.cli.misuse import tell_parted_name

            tell_parted_name(arguments)
        return error.exit_code
    except (BrokenPipeError, SystemExit):
        # The reader of our output went away (head, less): not our fault, and nothing to say to anybody. Click makes
        # an exit of it, with a code that says failure.
        sys.stdout = _nowhere()
        return 0
    except OSError as error:
        if os.environ.get("RECORDKIT_DEBUG") == "1":
            _print_traceback()
        place = f"{error.filename}: " if error.filename else ""
        return _report_disk(f"{place}{error.strerror or error}", error)
    except Exception as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            return _report_disk(str(error), OSError(errno.ENOSPC, ""))
        if type(error).__module__ == "sqlite3":
            click.echo(tr("Error: {what}").format(what=tr("The catalogue cannot be used: {error}").format(
                error=error)), err=True)
            todo = tr("Nothing is lost: it is derived from ledger and records. Derive it anew: recordkit rebuild")
            click.echo(tr("  -> {todo}").format(todo=todo), err=True)
            return 7
        if os.environ.get("RECORDKIT_DEBUG") == "1":
            _print_traceback()
        click.echo(
            tr("Error: {what}").format(what=tr("recordkit failed: {error}").format(error=f"{type(error).__name__}: "
                                                                                       f"{error}")), err=True
        )
        click.echo(tr("  -> {todo}").format(todo=tr("Set RECORDKIT_DEBUG=1 and report what it prints.")), err=True)
        return 1


def _report_disk(what: str, error: OSError) -> int:
    """Say what the system says of the disk, and what to do; the exit code."""
    click.echo(tr("Error: {what}").format(what=what), err=True)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        todo = tr("The disk is full. Make free space outside the store, and give the same command again: what was done "
                  "stays done and the next run goes on.")
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        todo = tr("This account may not. Check permissions: all files of the store belong to the one account that runs "
                  "recordkit ('recordkit doctor' names others). What was done stays done and the next run goes on.")
    else:
        todo = tr("Check free space and permissions; what was done stays done and the next run goes on.")
    click.echo(tr("  -> {todo}").format(todo=todo), err=True)
    return 1


def _print_traceback() -> None:
    import traceback

    traceback.print_exc()


def run_process() -> NoReturn:
    """Run the command line of this process and end it."""
    from recordkit.cli.interrupting import hear_interrupts

    hear_interrupts()
    # A process may be started without them (>&-, a service of Windows); what is said then goes nowhere.
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        # A terminal with a narrow encoding must show a question mark, not end the program.
        if hasattr(stream, "reconfigure"):
            # What goes into a file or a pipe is UTF-8 on every system: other programs are promised that.
            stream.reconfigure(errors="replace", **({} if stream.isatty() else {"encoding": "utf-8"}))
    _leave(run(sys.argv[1:]))


def _nowhere(mode: Literal["r", "w"] = "w") -> TextIO:
    return open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115


def _leave(code: int) -> NoReturn:
    """End the process without taking the program apart object by object, a sixth of the time of a short command.

    Everything is closed by now. What others asked to be done at the end is done, and the output is written.
    """
    if threading.active_count() > 1:
        sys.exit(code)
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BrokenPipeError:
        os._exit(code)
    except OSError as error:
        code = _report_disk(error.strerror or str(error), error)
        sys.stderr.flush()
    os._exit(code)
