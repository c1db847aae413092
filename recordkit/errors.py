"""One tree of errors. Each class owns its exit code; each error says what happened and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from recordkit.messages import Message, msg

if TYPE_CHECKING:
    from recordkit.model import Problem


class RecordkitError(Exception):
    """Base of all errors that recordkit raises on purpose. Exit code 1: a fault of recordkit itself.

    Args:
        what: what happened and where (row, field, file, record).
        todo: the next step for the person who reads it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: Message, todo: Message | None = None) -> None:
        """Keep both messages untranslated."""
        super().__init__(what)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what} {self.todo}" if self.todo else str(self.what)


class WrongUsage(RecordkitError):
    """The call itself makes no sense (exit 2)."""

    exit_code = 2


class InputRefused(RecordkitError):
    """The input is wrong and nothing was done (exit 3).

    ``problems`` lists every finding of the run; ``pointer`` is a line that was typed, and the index of its character
    that could not be read.
    """

    exit_code = 3

    def __init__(
        self,
        what: Message,
        todo: Message | None = None,
        problems: Sequence[Problem] = (),
        pointer: tuple[str, int] | None = None,
    ) -> None:
        """Keep the problems in the order of the input."""
        super().__init__(what, todo)
        self.problems = tuple(problems)
        self.pointer = pointer


class PartlyDone(RecordkitError):
    """Some items were done; the rest are listed (exit 4)."""

    exit_code = 4


class NotFound(RecordkitError):
    """The named record, form, order or person does not exist (exit 5)."""

    exit_code = 5


class StoreBusy(RecordkitError):
    """Another process holds the store, or the store has a version this program cannot write (exit 6)."""

    exit_code = 6


class IntegrityFailure(RecordkitError):
    """Ledger, object or projection is not what it was when it was written (exit 7)."""

    exit_code = 7


class RefusedByRule(RecordkitError):
    """A rule forbids the act: role, second person, hold, signature (exit 8)."""

    exit_code = 8


class MissingPart(RecordkitError):
    """An optional part is not installed (exit 9). The next step names the command that installs it.

    ``extra``: the extra of recordkit that brings it, so that whoever knows the machine can name its own command.
    """

    exit_code = 9

    def __init__(self, what: Message, todo: Message | None = None, extra: str = "") -> None:
        """Keep the extra."""
        super().__init__(what, todo)
        self.extra = extra


class Interrupted(RecordkitError):
    """The person stopped the run; what was done stays done (exit 130)."""

    exit_code = 130


def missing_extra(part: str, extra: str) -> MissingPart:
    """The error for an optional Python part that pip can bring."""
    return MissingPart(
        msg("{part} is not installed.", part=part),
        msg("Install it with: pip install 'recordkit[{extra}]'", extra=extra),
        extra,
    )
