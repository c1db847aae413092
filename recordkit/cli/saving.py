"""Files that name records, written where a person wants them: one in the store's outbox goes when its records go."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
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
    require_free(out, force=force)
    if place.is_relative_to(store / "outbox"):
        try:
            save_list(place, data, records, overwrite=force)
        except FileExistsError:
            raise taken(out) from None
    else:
        app.save(out, data, force=force)


def require_place(path: Path, also: Collection[str] = ()) -> None:
    """Stop unless a result may lie at ``path``, before any work is done for it.

    Inside any store, or a copy of one, only its outbox takes results.

    A ledger that was overwritten is gone, and a paper in another folder of the store is one that nobody destroys.

    Args:
        path: a file or a folder; links in it are followed.
        also: other folders of a store that take this result.

    Raises:
        WrongUsage: it is anywhere else in a store, or a pipe or device.
        InputRefused: no folder can be made or written there.
    """
    from recordkit.settings import FILE_NAME

    place = path.resolve()
    _require_disk(path, place)
    for folder in (place, *place.parents):
        if (folder / FILE_NAME).is_file() and (folder / "ledger").is_dir():
            rooms = [folder / name for name in ("outbox", *also)]
            if not any(place.is_relative_to(room) for room in rooms):
                raise _inside(rooms, path)


def _require_disk(path: Path, place: Path) -> None:
    """A result appears whole or not at all, which a pipe or a device cannot give; and it needs a folder to lie in."""
    top = [*path.absolute().parts[1:3], "", ""]
    is_there = os.path.exists(place)  # noqa: PTH110  (pathlib raises where a folder above may not be entered)
    if (str(path) == "-" or top[0] == "proc" or (top[0] == "dev" and top[1] != "shm")
            or (is_there and not place.is_file() and not place.is_dir())):
        raise WrongUsage(msg("{file} is no file: a result appears whole or not at all, which a pipe cannot give.",
                             file=str(path)),
                         msg("Give the name of a file. For programs there is --json: one document, printed."))
    above = next(one for one in (place, *place.parents) if os.path.exists(one))  # noqa: PTH110
    if above == place and not place.is_dir():
        above = place.parent
    if not above.is_dir():
        raise InputRefused(msg("{folder} is a file, in which nothing can lie.", folder=str(above)),
                           msg("Name a folder instead."))
    if not os.access(above, os.W_OK):
        raise InputRefused(msg("Nothing can be written into {folder}.", folder=str(above)),
                           msg("Choose another folder, or have it opened for you to write."))


def taken(path: Path) -> InputRefused:
    """What is said where a result would take the place of a file."""
    return InputRefused(msg("The file {file} exists already.", file=str(path)), msg("Overwrite it with --force."))


def require_free(path: Path, *, force: bool) -> None:
    """Stop where a file cannot be written, before the work is done.

    Raises:
        InputRefused: it exists and ``force`` is false.
        WrongUsage: it is a folder.
    """
    if path.is_dir():
        raise WrongUsage(msg("{folder} is a folder.", folder=str(path)), msg("Give the name of a file in it."))
    if path.exists() and not force:
        raise taken(path)


def kind_of_file(path: Path, asked: str | None, kinds: Sequence[str]) -> str:
    """How a file is written: as asked for, else as its ending says, else as the first of ``kinds``.

    Raises:
        WrongUsage: it was asked for one kind, and the ending says another: no program would open it.
    """
    ending = path.suffix.lower().removeprefix(".")
    if asked is not None and ending in kinds and ending != asked:
        raise WrongUsage(msg("{file} would be written as {kind}, which its ending does not say.", file=str(path),
                             kind=asked),
                         msg("Leave --format out, or give the file the ending .{kind}.", kind=asked))
    return asked or (ending if ending in kinds else kinds[0])


@contextmanager
def stream_naming(app: App, out: Path, records: Iterable[str], *, force: bool) -> Iterator[BinaryIO]:
    """As ``save_naming``, for a list that is written as it is made: there whole at the end, or not at all."""
    from recordkit import files
    from recordkit.retention.lists import writing_list

    place, store = out.resolve(), app.store.resolve()
    require_place(out)
    require_free(out, force=force)
    try:
        if place.is_relative_to(store):
            with writing_list(place, records, overwrite=force) as stream:
                yield stream
        else:
            with files.writing(place, overwrite=force) as stream:
                yield stream
    except FileExistsError:
        raise taken(out) from None


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
