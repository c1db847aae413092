"""Files that name records, written where a person wants them: one in the store's outbox goes when its records go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from recordkit.errors import InputRefused, WrongUsage
from recordkit.messages import listed, msg

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
    else:
        app.save(out, data, force=force)


def require_place(path: Path, also: Collection[str] = ()) -> None:
    """Stop unless a result may lie at ``path``: inside any store, or a copy of one, only its outbox takes results.

    A ledger that was overwritten is gone, and a paper in another folder of the store is one that nobody destroys.

    Args:
        path: a file or a folder; links in it are followed.
        also: other folders of a store that take this result.

    Raises:
        WrongUsage: it is anywhere else in a store.
    """
    from recordkit.settings import FILE_NAME

    place = path.resolve()
    for folder in (place, *place.parents):
        if (folder / FILE_NAME).is_file() and (folder / "ledger").is_dir():
            rooms = [folder / name for name in ("outbox", *also)]
            if not any(place.is_relative_to(room) for room in rooms):
                raise _inside(rooms, path)


@contextmanager
def stream_naming(app: App, out: Path, records: Iterable[str], *, force: bool) -> Iterator[BinaryIO]:
    """As ``save_naming``, for a list that is written as it is made: there whole at the end, or not at all."""
    from recordkit import files
    from recordkit.retention.lists import writing_list

    place, store = out.resolve(), app.store.resolve()
    require_place(out)
    try:
        if place.is_relative_to(store):
            with writing_list(place, records, overwrite=force) as stream:
                yield stream
        else:
            with files.writing(place, overwrite=force) as stream:
                yield stream
    except FileExistsError:
        raise InputRefused(
            msg("The file {file} exists already.", file=str(out)), msg("Overwrite it with --force.")
        ) from None


def _inside(rooms: Collection[Path], out: Path) -> WrongUsage:
    return WrongUsage(msg("{file} lies inside the store, where it could overwrite or hide what is kept.",
                          file=str(out)),
                      msg("Choose the folder {folder}, or one outside the store.", folder=listed(map(str, rooms))))


def note_ids(path: Path, records: Collection[str]) -> None:
    """Say beside a file in the outbox which records it names."""
    from recordkit import files
    from recordkit.retention.lists import IDS

    if records:
        data = "".join(f"{one}\n" for one in sorted(set(records))).encode()
        files.write_atomic(path.with_suffix(IDS), data, overwrite=True)
