"""What a person means who names a paper of the waiting room or the quarantine: nobody types sixteen characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from recordkit.errors import NotFound
from recordkit.messages import listed, msg

_LEAST_OF_KEY = 4
_LEAST_OF_NAME = 2


class _Paper(Protocol):
    @property
    def key(self) -> str: ...

    @property
    def path(self) -> Path: ...


T = TypeVar("T", bound=_Paper)


def meant(papers: Sequence[T], reference: str) -> list[T]:
    """The papers of this key or path, else of this name; else the one that a shorter reference can only mean.

    That is the name without its ending, the beginning of a key (four characters or more), or the end of a name (two or
    more). Empty when none answers. There are no running numbers: they would shift while papers are being settled.

    Raises:
        NotFound: a shorter reference may mean several.
    """
    given = Path(reference)
    exact = [one for one in papers if reference == one.key or given.parts[-2:] == (one.key, one.path.name)]
    found = exact or [one for one in papers if given.name in (one.path.name, one.key)]
    if found:
        return found
    ways: tuple[Callable[[T], bool], ...] = (
        lambda one: one.path.stem == reference,
        lambda one: len(reference) >= _LEAST_OF_KEY and one.key.startswith(reference.lower()),
        lambda one: len(reference) >= _LEAST_OF_NAME and one.path.stem.endswith(reference),
    )
    for way in ways:
        found = [one for one in papers if way(one)]
        if len(found) > 1:
            raise NotFound(
                msg("{count} papers answer to {reference}.", count=len(found), reference=reference),
                msg("Name one by its key: {keys}.", keys=listed(one.key for one in found)),
            )
        if found:
            return found
    return []
