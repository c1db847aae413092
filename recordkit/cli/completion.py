"""The command that prints the script of shell completion."""

from __future__ import annotations

import click

from recordkit.cli.base import Command
from recordkit.cli.i18n import N_


@click.command(
    cls=Command,
    help=N_(
        "Print the script that lets TAB complete commands, options, forms, fields, record codes, document numbers and "
        "people in your shell.\n\n"
        "bash: add  eval \"$(recordkit completion bash)\"  to ~/.bashrc\n\n"
        "zsh: add  eval \"$(recordkit completion zsh)\"  to ~/.zshrc, below compinit\n\n"
        "fish: recordkit completion fish > ~/.config/fish/completions/recordkit.fish\n\n"
        "PowerShell: recordkit completion powershell >> $PROFILE\n\n"
        "Then open a new window. The store is that of RECORDKIT_STORE, of --store on the line, or archive_store here."
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def completion(shell: str) -> int:
    """Print the script."""
    from recordkit.cli.completions import answer
    from recordkit.cli.main import cli

    return answer(cli, f"{shell}_source")
