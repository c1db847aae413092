"""What the shell offers behind TAB: commands, options, and what the store and its forms know.

The shell's script calls the program with ``_RECORDKIT_COMPLETE``; the protocol is click's own. PowerShell, which click
does not know, is added. Nothing here opens the store as a command does: the catalogue is looked into for the first few
codes or ids that begin as typed, titles and names of customers are never asked for, and where anything is missing
nothing is offered.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

from recordkit.cli.base import usual_store
from recordkit.cli.i18n import tr

COMPLETE_VAR = "_RECORDKIT_COMPLETE"
_MOST = 60
_HEAD = 2000
_Item = tuple[str, str]
"""A value and what it is, which may be empty."""


# --- what there is --------------------------------------------------------------------------------------------


def _store(ctx: click.Context) -> Path:
    given = ctx.find_root().params.get("store")
    return Path(given) if given else usual_store()


def _in_catalogue(*places: tuple[str, str]) -> Callable[[click.Context, str], Iterator[_Item]]:
    """Values of columns of the catalogue, as (table, column)."""

    def find(ctx: click.Context, begin: str) -> Iterator[_Item]:
        from recordkit.glance import first_values

        for table, column in places:
            for value in first_values(_store(ctx) / "catalogue.sqlite3", table, column, begin, _MOST):
                yield value, ""

    return find


_RECORDS = _in_catalogue(("records", "code"), ("records", "number"))


def _rooms(ctx: click.Context, begin: str) -> Iterator[_Item]:
    """Papers that wait, or lie in quarantine, as the command says: by key, and by name where a name was begun."""
    room = "quarantine" if "quarantine" in ctx.command_path.split() else "inbox/unmatched"
    with contextlib.suppress(OSError):
        for folder in sorted((_store(ctx) / room).iterdir())[: 10 * _MOST]:
            names = [one.name for one in folder.iterdir() if one.suffix.lower() == ".pdf"] if folder.is_dir() else []
            yield from ((folder.name, name) for name in names[:1])
            yield from ((name, folder.name) for name in names if begin)


def _forms(ctx: click.Context, begin: str) -> Iterator[_Item]:
    from recordkit.templates.forms import list_form_ids

    root = _store(ctx)
    for form in list_form_ids(root):
        if not begin.isascii():
            yield _name_of(root, form), form
        elif form.startswith(begin):
            yield form, _name_of(root, form)


def _name_of(root: Path, form: str) -> str:
    """The form's Chinese name, from the head of its file: reading twenty whole ones would be felt behind TAB."""
    from recordkit.templates.forms import shipped_forms

    for folder in (root / "forms", shipped_forms()):
        with contextlib.suppress(OSError), (folder / form / "form.toml").open(encoding="utf-8") as file:
            found = re.search(r'^name\s*=\s*"([^"\n]+)"', file.read(_HEAD), re.MULTILINE)
            return found[1] if found else ""
    return ""


def _form(root: Path, form: str) -> dict[str, Any]:
    from recordkit.templates.forms import shipped_forms

    if not form or Path(form).name != form:
        return {}
    for folder in (root / "forms", shipped_forms()):
        if (found := _toml(folder / form / "form.toml")) is not None:
            return found
    return {}


def _toml(path: Path) -> dict[str, Any] | None:
    import tomllib  # commands and codes are completed without it

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None


def _fields(ctx: click.Context, begin: str) -> Iterator[_Item]:
    """Fields of the form on the line, else those that every record has; labels, or keys when ASCII was begun."""
    form = ctx.params.get("form")
    if isinstance(form, str):
        root = _store(ctx)
        known = _form(root, form)
        if not known:
            from recordkit.templates.forms import list_form_ids

            known = next((_form(root, one) for one in list_form_ids(root) if _name_of(root, one) == form), {})
        found: list[tuple[str, str]] = [(str(one.get("key")), str(one.get("label")))
                                        for one in known.get("fields", ()) if isinstance(one, dict)]
    else:
        from recordkit.archive.core_names import CORE_NAMES

        found = [(key, label) for key, (label, _) in CORE_NAMES.items()]
        archive = (_toml(_store(ctx) / "recordkit.toml") or {}).get("archive")
        own = archive.get("fields", ()) if isinstance(archive, dict) else ()
        found += [(str(one.get("key")), str(one.get("label"))) for one in own if isinstance(one, dict)]
    for key, label in found:
        yield (key, label) if begin and begin.isascii() else (label, key)


def _assignments(ctx: click.Context, begin: str) -> Iterator[_Item]:
    for name, said in _fields(ctx, begin):
        yield f"{name}=", said


def _schedule(ctx: click.Context) -> Iterable[Mapping[str, Any]]:
    table = _toml(_store(ctx) / "retention.toml") or {}
    return [one for one in table.get("classes", ()) if isinstance(one, dict)]


def _classes(ctx: click.Context, begin: str) -> Iterator[_Item]:
    for one in _schedule(ctx):
        yield str(one.get("id")), str(one.get("name", ""))


def _events(ctx: click.Context, begin: str) -> Iterator[_Item]:
    for name in dict.fromkeys(event for one in _schedule(ctx) for event in one.get("events", ())):
        yield str(name), ""


def _hold_kinds(ctx: click.Context, begin: str) -> Iterator[_Item]:
    from recordkit.retention.review import HOLD_KINDS

    for kind, name in HOLD_KINDS.items():
        yield kind, name.render(tr)




_OF: Mapping[str, Callable[[click.Context, str], Iterable[_Item]]] = {
    "form": _forms, "which": _forms, "sets": _assignments, "unique": _fields, "field_name": _fields,
    "record": _RECORDS, "records": _RECORDS, "papers": _rooms,
    "paper": lambda ctx, begin: chain(_rooms(ctx, begin), _RECORDS(ctx, begin)),
    "number": _in_catalogue(("issues", "number")), "numbers": _in_catalogue(("issues", "number")),
    "attach_to": _in_catalogue(("issues", "number")),
    "order_id": _in_catalogue(("orders", "order_id")), "hold_id": _in_catalogue(("holds", "hold_id")),
    "event_id": _in_catalogue(("retention_events", "event_id")),
    "handover_id": _in_catalogue(("handovers", "handover_id")),
    "person_id": _in_catalogue(("people", "id")), "as_person": _in_catalogue(("people", "id")),
    "actor": _in_catalogue(("people", "id")),
    "reference": _in_catalogue(("volumes", "code")), "volume": _in_catalogue(("volumes", "code")),
    "box": _in_catalogue(("boxes", "box")), "old": _in_catalogue(("boxes", "box")),
    "record_class": _classes, "event_type": _events, "kind": _hold_kinds,
}
"""What the values of a parameter are, by its name; it is the same thing in every command."""
_BOX = _in_catalogue(("boxes", "box"))


def values(ctx: click.Context, param: click.Parameter, begin: str) -> list[CompletionItem[str]] | None:
    """What may stand for a parameter; None when click knows it by the parameter's type: choices, files."""
    if not isinstance(param.type, click.types.StringParamType):
        return None
    find = _BOX if "BOX" in (param.metavar or "") else _OF.get(param.name or "")
    if find is None:
        return [CompletionItem(begin, type="file")] if (param.metavar or "").startswith("FILE") else None
    items = list(find(ctx, begin))[: 10 * _MOST]
    return [CompletionItem(value, help=said or None) for value, said in items if value.startswith(begin)]


# --- how each shell is told -----------------------------------------------------------------------------------


def _context(cli: click.Command, name: str, args: Sequence[str]) -> click.Context:
    """Of the command that ``args`` lead to, what stands behind it read as far as it is complete.

    Raises:
        click.UsageError: there is no such command.
    """
    # click drops everything it has read when the last option has no value yet, the form before it too.
    whole = [*(args[:-1] if args and args[-1].startswith("-") else args)]
    ctx = cli.make_context(name, [*whole], resilient_parsing=True)
    while isinstance(ctx.command, click.Group):
        _, whole, _ = ctx.command.make_parser(ctx).parse_args([*whole])
        if not whole:
            break
        called, command, whole = ctx.command.resolve_command(ctx, whole)
        if command is None:
            break
        ctx = command.make_context(called, [*whole], parent=ctx, resilient_parsing=True)
    return ctx


def _wanted(ctx: click.Context, args: Sequence[str], incomplete: str) -> tuple[click.Command | click.Parameter, str]:
    """What is to be completed: the value of an option or argument, else the command; and what of it is typed."""
    if incomplete == "=":  # how some shells give --name= apart
        incomplete = ""
    elif incomplete.startswith("--") and "=" in incomplete:
        name, _, incomplete = incomplete.partition("=")
        args = [*args, name]
    elif incomplete.startswith("-") and "--" not in args:
        return ctx.command, incomplete
    parameters = ctx.command.get_params(ctx)
    for one in parameters:
        takes = isinstance(one, click.Option) and not one.is_flag and not one.count
        if takes and args and args[-1] in (*one.opts, *one.secondary_opts):
            return one, incomplete
    for one in parameters:
        if isinstance(one, click.Argument) and (
                one.nargs == -1 or ctx.get_parameter_source(one.name or "") is not ParameterSource.COMMANDLINE):
            return one, incomplete
    return ctx.command, incomplete


class _Knowing(ShellComplete):
    """Asks ``values`` before click's own answer."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """What may stand in the place of ``incomplete`` behind ``args``; nothing behind what is no command."""
        try:
            ctx = _context(self.cli, self.prog_name, args)
        except click.UsageError:
            return []
        found, incomplete = _wanted(ctx, args, incomplete)
        if isinstance(found, click.Parameter) and (known := values(ctx, found, incomplete)) is not None:
            return known
        items = found.shell_complete(ctx, incomplete)
        for item in items:
            item.help = tr(item.help) if item.help else None
        return items


class Bash(_Knowing, BashComplete):
    """Bash from 4.4; what ends in = gets no blank behind it, and blanks within a value are escaped."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' type value response
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1")
    COMPREPLY=()
    while IFS=',' read -r type value; do
        if [[ $type == 'dir' ]]; then
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            [[ $value == *= ]] && compopt -o nospace || value=$(printf '%%q' "$value")
            COMPREPLY+=("$value")
        fi
    done <<< "$response"
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    @staticmethod
    def _check_version() -> None:
        """The script says itself what it needs; asking a bash costs a process and may ask another than the person's."""


class Zsh(_Knowing, ZshComplete):
    """Zsh; what ends in = gets no blank behind it."""

    source_template = ZshComplete.source_template.replace(
        'if [[ "$descr" == "_" ]]; then',
        'if [[ "$key" == *= ]]; then\n                compadd -U -S "" -- "$key"\n'
        '            elif [[ "$descr" == "_" ]]; then')


class Fish(_Knowing, FishComplete):
    """Fish."""


class PowerShell(_Knowing):
    """Windows PowerShell 5.1 and PowerShell 7. Files are left to the shell, which offers them when nothing is given."""

    name = "powershell"
    source_template = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $begin = $cursorPosition - $wordToComplete.Length
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $begin } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
        else { $_.Extent.Text }
    })
    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
        $env:%(complete_var)s = 'powershell_complete'
        $env:COMP_WORDS = ($words + $wordToComplete) -join "`n"
        & %(prog_name)s | ForEach-Object {
            $value, $shown, $help = $_ -split "`t", 3
            [System.Management.Automation.CompletionResult]::new($value, $shown, 'ParameterValue', $help)
        }
    } finally {
        [Console]::OutputEncoding = $encoding
        Remove-Item Env:%(complete_var)s, Env:COMP_WORDS -ErrorAction SilentlyContinue
    }
}
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """One word a line, the last of them incomplete: a path's backslashes stay what they are."""
        words = os.environ.get("COMP_WORDS", "").split("\n")
        return words[1:-1], words[-1].strip("'\"")

    def format_completion(self, item: CompletionItem[str]) -> str:
        """What is typed, what is listed, what is said of it; quoted where PowerShell would take it apart."""
        text = str(item.value)
        typed = text if all(char.isalnum() or char in "-_=./\\〔〕·" for char in text) else (
            "'" + text.replace("'", "''") + "'")
        return f"{typed}\t{text}\t{' '.join((item.help or text).split())}"

    def complete(self) -> str:
        """The lines for the shell, without what it completes by itself."""
        args, incomplete = self.get_completion_args()
        found = self.get_completions(args, incomplete)
        return "\n".join(self.format_completion(item) for item in found if item.type == "plain")


SHELLS: Mapping[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish, "powershell": PowerShell}


def answer(cli: click.Command, instruction: str) -> int:
    """Answer the shell; the exit code. ``instruction`` is ``SHELL_complete`` or, for the script, ``SHELL_source``."""
    shell, _, wanted = instruction.partition("_")
    made = SHELLS.get(shell)
    if made is None or wanted not in ("complete", "source"):
        return 1
    one = made(cli, {}, "recordkit", COMPLETE_VAR)
    click.echo(one.source() if wanted == "source" else one.complete())
    return 0
