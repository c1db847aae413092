"""A store as a whole: which projections it has, how it is made, opened and rebuilt. The way in for programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from recordkit import files
from recordkit.errors import InputRefused
from recordkit.messages import listed, msg
from recordkit.new_settings import Language, new_settings_text
from recordkit.settings import FILE_NAME, ArchiveSection, CompanySection, acts_were_entered, read_settings
from recordkit.workspace import STORE_FOLDERS, Clock, Projection, Workspace, create_store, open_workspace

PROJECTIONS: Sequence[Projection] = tuple(Projection(f"recordkit.{name}") for name in (
    "people",
    "templates.issue",
    "templates.completions",
    "archive.catalogue",
    "archive.volumes",
    "archive.boxes",
    "archive.dropping",
    "archive.exported",
    "archive.milestones",
    "archive.losses",
    "retention.events",
    "retention.holds",
    "retention.order_state",
    "retention.past",
    "retention.adoption",
    "retention.duties",
    "retention.handover_state",
))
"""In the order in which an entry is applied to them."""

SIMULATION_ID = "recordkit-simulation"
"""Fixed id of every simulated store, so that the shipped scans carry its own codes."""


def open_store(root: Path, clock: Clock, actor: str) -> Workspace:
    """Open a store with everything current.

    Raises:
        NotFound: there is no store at ``root``.
        InputRefused: its settings cannot be read.
        StoreBusy: a newer format.
        IntegrityFailure: the ledger is damaged.
    """
    return open_workspace(root, PROJECTIONS, clock, actor)


def require_unused(root: Path) -> None:
    """Refuse a folder in which no store can be made.

    Raises:
        InputRefused: there is a store already, or the folder holds other files, or is or lies in what is no folder.
    """
    from recordkit.templates.workdays import FILE_NAME as CALENDAR

    for place in (root, *root.parents):
        if place.is_dir():
            break
        if place.exists() or place.is_symlink():
            raise InputRefused(msg("{place} is no folder; no store can be made there.", place=str(place)),
                               msg("Choose another folder."))
    if (root / FILE_NAME).exists():
        raise InputRefused(
            msg("There is a store in {folder} already.", folder=str(root)),
            msg("Use it with --store, or choose another folder."),
        )
    if acts_were_entered(root):
        raise InputRefused(
            msg("In {folder} lies the ledger of an archive; a new store would do away with it.", folder=str(root)),
            msg("Put recordkit.toml back from the newest copy of the store, or choose another folder."),
        )
    # What an interrupted init left may be taken up again.
    own = {*STORE_FOLDERS, "retention.toml", CALENDAR, "README.md", ".gitignore"}
    strange = [path.name for path in root.iterdir() if path.name not in own] if root.is_dir() else []
    if strange:
        raise InputRefused(
            msg("The folder {folder} is not empty: {names}.", folder=str(root), names=listed(sorted(strange)[:5])),
            msg("Choose an empty folder; a store is never mixed with other files."),
        )


def make_store(
    root: Path,
    clock: Clock,
    actor: str,
    *,
    simulation: bool = False,
    company: CompanySection | None = None,
    archive: ArchiveSection | None = None,
    language: Language = "zh",
) -> None:
    """Make a store in ``root``, readable by its owner alone; ``language``: that of the comments in recordkit.toml.

    Raises:
        InputRefused: there is a store already, the folder holds other files, or a setting cannot be.
    """
    from recordkit.archive.search.engines import usable_engine
    from recordkit.retention.adoption import keep_schedule
    from recordkit.retention.schedule import shipped_schedule
    from recordkit.templates.workdays import FILE_NAME as CALENDAR
    from recordkit.templates.workdays import NEW_CALENDAR

    require_unused(root)
    store_id = SIMULATION_ID if simulation else os.urandom(16).hex()
    text = new_settings_text(
        store_id=store_id,
        simulation=simulation,
        company=company or CompanySection(),
        archive=archive or ArchiveSection(),
        search=usable_engine(),
        language=language,
    )
    read_settings(text.encode(), root / FILE_NAME)  # a store whose settings no command can read is none
    files.make_folder(root)
    root.chmod(0o700)
    files.write_atomic(root / "retention.toml", shipped_schedule(), overwrite=True)
    files.write_atomic(root / CALENDAR, NEW_CALENDAR.encode(), overwrite=True)
    create_store(root, text, store_id, clock, actor, schedule=keep_schedule(root))
    # The tables exist from the start: the first reader must not need the writers' lock to make them.
    open_store(root, clock, actor).close()
