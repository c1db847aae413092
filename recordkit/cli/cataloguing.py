"""The catalogue as a whole: what an archivist prints, signs and hands over."""

from __future__ import annotations

import click

from recordkit.cli.base import Group
from recordkit.cli.exporting import export
from recordkit.cli.gaps import gaps
from recordkit.cli.i18n import N_


@click.group(cls=Group, help=N_("The catalogue: listings as the standards print them."))
def catalogue() -> None:
    """Group."""


catalogue.add_command(gaps)
catalogue.add_command(export)
