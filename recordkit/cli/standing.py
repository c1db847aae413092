"""How far a run was when Ctrl-C stopped it: whoever knows puts it on the exception as that passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeGuard

import click
from msgspec import Struct

from recordkit.errors import RecordkitError

if TYPE_CHECKING:
    from recordkit.ledger import Cursor
    from recordkit.workspace import Workspace


class Standing(Struct):
    """How far a run was when it was stopped, gathered on the exception while that passes.

    Attributes:
        notes: what is done, a sentence each, the innermost first.
        is_begun: whether something of it is done that the same command would pass over.
        state: what is true of the archive now, where another sentence than the usual one is needed.
        more: options that the command needs when it is given again.
        words: the command's own words, such as ``catalogue export``.
        entered: acts that the ledger got meanwhile, None where no store was open; ``last`` is the name of the last.
    """

    notes: list[str] = []
    is_begun: bool = False
    state: str = ""
    more: tuple[str, ...] = ()
    words: str = ""
    entered: int | None = None
    last: str = ""


def is_stop(error: BaseException | None) -> TypeGuard[BaseException]:
    """Whether an exception says that the person stopped the run."""
    return isinstance(error, KeyboardInterrupt | click.exceptions.Abort)


def standing(error: BaseException | None) -> Standing:
    """What is known of a stop, kept on its exception, or on the one that click made another of."""
    for one in (error, error.__cause__ if error is not None else None):
        found = getattr(one, "standing", None)
        if isinstance(found, Standing):
            return found
    new = Standing()
    if error is not None:
        error.standing = new  # type: ignore[attr-defined]
    return new


@contextmanager
def again_with(*options: str) -> Iterator[None]:
    """Whoever stops what is done inside needs these options to give the command again."""
    try:
        yield
    except KeyboardInterrupt as stop:
        standing(stop).more += options
        raise


def note_entered(error: BaseException, workspace: Workspace, before: Cursor) -> None:
    """Keep on what stopped the run which acts the ledger got behind ``before`` from whoever acts here."""
    about = standing(error)
    with suppress(OSError, RecordkitError):
        own = [entry.act for entry, _ in workspace.ledger.read(before) if entry.actor == workspace.actor]
        about.entered, about.last = len(own), own[-1] if own else ""
        about.is_begun = about.is_begun or bool(own)
