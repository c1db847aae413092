"""Lists of records that the program writes into the outbox, and how the destruction of a record finds them.

A list holds titles. Beside each lies a file of the same name with the ids of its records, and nothing else; by it
every list that names a destroyed record is removed. The next review makes a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from recordkit import files

FOLDER = Path("outbox", "review")
IDS = ".ids"


def list_path(root: Path, day: date, kind: str) -> Path:
    """Where the scheduled list of a day lies."""
    return root / FOLDER / f"review-{day.isoformat()}.{kind}"


def save_list(path: Path, data: bytes, records: Collection[str], *, overwrite: bool = True) -> None:
    """Write a list inside the store, the ids of its records before it.

    Raises:
        FileExistsError: it exists and ``overwrite`` is false.
    """
    if not overwrite and path.exists():
        raise FileExistsError(str(path))
    ids = path.with_suffix(IDS)
    # Lists of one name in several formats may be of different days: together they name all these records.
    named = set(records) | _ids_in(ids)
    files.write_atomic(ids, "".join(f"{one}\n" for one in sorted(named)).encode(), overwrite=True)
    files.write_atomic(path, data, overwrite=True)


@contextmanager
def writing_list(path: Path, records: Iterable[str], *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A stream for a list that is too long to be held; as ``save_list``."""
    if not overwrite and path.exists():
        raise FileExistsError(str(path))
    ids = path.with_suffix(IDS)
    before = sorted(_ids_in(ids))
    with files.writing(ids, overwrite=True) as out:
        for one in chain(before, records):
            out.write(f"{one}\n".encode())
    with files.writing(path, overwrite=overwrite) as out:
        yield out


def lists_naming(root: Path, records: Collection[str]) -> dict[str, list[Path]]:
    """The files of the lists that name each of the records, the file of ids last.

    A scheduled list that lost its ids names all of them: nobody can tell, and it is easily made again.
    """
    found: dict[str, list[Path]] = {one: [] for one in records}
    known: set[Path] = set()
    for ids in sorted((root / "outbox").rglob(f"*{IDS}")):
        named = found.keys() & _ids_in(ids)
        own = [path for path in sorted(ids.parent.iterdir()) if path.stem == ids.stem and path != ids]
        known |= {*own, ids}
        for one in named:
            found[one] += [*own, ids]
    lost = [path for path in sorted((root / FOLDER).glob("review-*")) if path not in known and path.is_file()]
    for paths in found.values():
        paths += lost
    return found


def _ids_in(path: Path) -> set[str]:
    try:
        return set(path.read_bytes().decode("utf-8", "replace").split())
    except OSError:
        return set()
