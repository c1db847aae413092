"""Files that name records, written where a person wants them: one in the store's outbox goes when its records go."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from recordkit.errors import InputRefused, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.cli.base import App


def save_naming(app: App, out: Path, data: bytes, records: Collection[str], *, force: bool) -> None:
    """Write a list of records; one inside the store is kept so that the destruction of a record finds it.

    Raises:
        InputRefused: it exists and ``force`` is false.
        WrongUsage: it would lie in the store, but not in its outbox.
    """
    from recordkit.retention.lists import save_list

    place, store = out.resolve(), app.store.resolve()
    if place.is_relative_to(store / "outbox"):
        try:
            save_list(place, data, records, overwrite=force)
        except FileExistsError:
            raise InputRefused(
                msg("The file {file} exists already.", file=str(out)), msg("Overwrite it with --force.")
            ) from None
    elif place.is_relative_to(store):
        raise WrongUsage(msg("{file} lies inside the store, where only the outbox takes lists.", file=str(out)),
                         msg("Choose the folder {folder}, or one outside the store.", folder=str(app.store / "outbox")))
    else:
        app.save(out, data, force=force)


def note_ids(path: Path, records: Collection[str]) -> None:
    """Say beside a file in the outbox which records it names."""
    from recordkit import files
    from recordkit.retention.lists import IDS

    if records:
        data = "".join(f"{one}\n" for one in sorted(set(records))).encode()
        files.write_atomic(path.with_suffix(IDS), data, overwrite=True)
