"""Watches folders for papers that scanners put there. Network folders send no events, so it looks again and again.

What is decided lies in ``Watch``: pure, fed with listings. ``keep_watch`` is the loop around it; clock, waiting and
the wish to stop are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from recordkit import files
from recordkit.archive.arrivals import state_of
from recordkit.errors import NotFound, RecordkitError, StoreBusy
from recordkit.messages import Message, msg

State = tuple[int, int, int]
"""Of a file, as ``arrivals.state_of`` tells it."""

UNFINISHED_LOOKS = 120
"""Looks for which a file that lies still may lack its end: a scanner pauses while its tray is filled again."""

_TAIL = 2048
_PARTIAL_ENDS = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".swp", ".lock")
_PARTIAL_STARTS = (".", "~$", "~")


def is_partial(name: str) -> bool:
    """Whether the name is one that programs give to files they have not finished."""
    return name.lower().endswith(_PARTIAL_ENDS) or name.startswith(_PARTIAL_STARTS)


def looks_finished(path: Path) -> bool:
    """Whether the last bytes of a file are those of a whole PDF; False for what cannot be read."""
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, path.stat().st_size - _TAIL))
            return b"%%EOF" in handle.read()
    except OSError:
        return False


def states_of(paths: Iterable[Path]) -> dict[Path, State]:
    """The states of files; without those that vanished meanwhile and those that are not finished by their name."""
    found: dict[Path, State] = {}
    for path in paths:
        try:
            if not is_partial(path.name):
                found[path] = state_of(path)
        except OSError:
            continue
    return found


@dataclass(slots=True)
class _Seen:
    state: State
    looks: int = 1


class Watch:
    """Which files are ready, told from one listing after the other.

    A file is ready when two looks in a row found it unchanged and its last bytes are those of a whole PDF; or, finished
    or not, when it has lain still for ``patience`` looks. What was dealt with and stays where it is comes again only
    after it has changed.
    """

    def __init__(self, patience: int = UNFINISHED_LOOKS) -> None:
        """Nothing was seen yet."""
        self._patience = patience
        self._seen: dict[Path, _Seen] = {}
        self._settled: dict[Path, State] = {}

    def look(self, listing: Mapping[Path, State], is_finished: Callable[[Path], bool]) -> list[Path]:
        """The files that are ready, sorted; ``is_finished`` is asked only about files that lie still."""
        self._settled = {path: state for path, state in self._settled.items() if listing.get(path) == state}
        seen, ready = self._seen, []
        self._seen = {}
        for path, state in listing.items():
            if path in self._settled:
                continue
            before = seen.get(path)
            now = self._seen[path] = _Seen(state)
            if before is None or before.state != state:
                continue
            now.looks = before.looks + 1
            if now.looks >= self._patience or is_finished(path):
                ready.append(path)
        return sorted(ready)

    def settle(self, path: Path) -> None:
        """The file was dealt with as it was seen last; should it still lie there, it is left alone until it changes."""
        seen = self._seen.pop(path, None)
        if seen is not None:
            self._settled[path] = seen.state

    @property
    def waiting(self) -> int:
        """Files that were seen and not ready yet."""
        return len(self._seen)


@contextmanager
def only_watcher(root: Path) -> Iterator[None]:
    """Be the only watcher of the store at ``root``.

    Raises:
        StoreBusy: there is another one.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(files.locked(root / "work" / "locks" / "watch", 0))
        except StoreBusy:
            raise StoreBusy(
                msg("Another recordkit watches the store {store} already.", store=str(root)),
                msg("One watcher is enough; end the other one first."),
            ) from None
        yield


def keep_watch(
    watch: Watch,
    *,
    listing: Callable[[], Mapping[Path, State]],
    take: Callable[[Sequence[Path]], Iterable[Path]],
    wait: Callable[[], bool],
    say: Callable[[Message], None],
    is_finished: Callable[[Path], bool] = looks_finished,
    passing: Collection[type[BaseException]] = (OSError, StoreBusy, NotFound),
) -> None:
    """Look and take until ``wait`` says that it is enough; a paper that was begun is finished.

    Args:
        watch: what was seen so far.
        listing: the files that lie there now.
        take: deals with files and yields each when it is done; it stops early when the watch is to end.
        wait: waits for the next look; true when the watch is to end.
        say: tells a person; the same trouble is told once, and that it is over.
        is_finished: whether a file is whole.
        passing: troubles that may pass: a share that is gone for a while, a full disk, a store that another one holds.

    Raises:
        RecordkitError: trouble at the very first look, or trouble that does not pass.
    """
    trouble, first = "", True
    while True:
        try:
            ready = watch.look(listing(), is_finished)
            if ready:
                for path in take(ready):
                    watch.settle(path)
            if trouble:
                say(msg("It works again; the watch goes on."))
            trouble = ""
        except tuple(passing) as error:
            if first:
                raise
            told = _told(error)
            if str(told) != trouble:
                say(msg("{trouble} The watch goes on and tries again.", trouble=told))
            trouble = str(told)
        first = False
        if wait():
            return


def _told(error: BaseException) -> Message:
    if isinstance(error, RecordkitError):
        return error.what
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return msg("{error}.", error=f"{place}{error.strerror or error}")
    return msg("{error}.", error=str(error))
