"""What ``doctor`` says of the parts of a store: settings, catalogue, clock, files that are not its own."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recordkit.cli.base import App
from recordkit.cli.dates import local_time
from recordkit.cli.i18n import tr
from recordkit.cli.showing import shown
from recordkit.errors import RecordkitError
from recordkit.messages import Message, listed, msg

_SLACK = timedelta(minutes=5)


def store_rows(app: App) -> list[dict[str, object]]:
    """The rows; what is wrong is told with the next step, never raised."""
    # The catalogue before whatever opens the store, which heals it.
    return [_place_row(app), _owner_row(app), _settings_row(app), _catalogue_row(app), _rules_row(app),
            _clock_row(app)]


def told(error: RecordkitError | OSError) -> str:
    """What is wrong and what to do, in one cell."""
    if isinstance(error, OSError):
        return f"{error.filename or ''}: {error.strerror or error}"
    return shown(error.what) + (f" -> {shown(error.todo)}" if error.todo else "")


def _row(part: str, purpose: str, found: str | None, how: str | None) -> dict[str, object]:
    return {"part": part, "for": purpose, "found": None if how else found, "how": how}


def _place_row(app: App) -> dict[str, object]:
    from recordkit.archive.strangers import strangers_in, synced_by
    from recordkit.settings import load_settings

    known, how = "", None
    with contextlib.suppress(RecordkitError, OSError):
        known = Path(load_settings(app.store).ingest.trusted_roots).parts[0]
    folder, strange = synced_by(app.store), list[str]()
    with contextlib.suppress(OSError):
        strange = list(strangers_in(app.store, known))
    if folder is not None:
        how = shown(msg("it lies in {folder}, which another program copies from machine to machine: two machines will "
                        "write over each other. Move the whole store to a folder of this machine alone, and copy it "
                        "with 'recordkit backup'", folder=folder))
    elif strange:
        how = shown(msg("not the store's own: {names}. No command reads them; look what they are, then move them out",
                        names=listed(strange, 5)))
    return _row(tr("folder of the store"), tr("only the store's own files"), tr("clean"), how)


def _owner_row(app: App) -> dict[str, object]:
    """Whether one account can read and write all that is true; on Windows rights are not told by owners."""
    from recordkit.archive.strangers import not_mine

    how = None
    if places := list(not_mine(app.store)):
        how = shown(msg("this account may not read or write {names}. Let the system's administrator give the whole "
                        "store to the one account that runs recordkit (Linux, macOS: sudo chown -R ACCOUNT {store})",
                        names=listed(places, 3), store=str(app.store)))
    return _row(tr("rights"), tr("reading and writing the store"), tr("enough"), how)


def _settings_row(app: App) -> dict[str, object]:
    from recordkit.archive.classes import load_scheme
    from recordkit.settings import load_settings

    how = None
    try:
        load_settings(app.store)
        load_scheme(app.store)
    except (RecordkitError, OSError) as error:
        how = told(error)
    return _row(tr("settings"), tr("recordkit.toml, retention.toml"), tr("can be read"), how)


def _rules_row(app: App) -> dict[str, object]:
    """Whether an administrator has signed for every rule of destruction that was loosened in recordkit.toml."""
    import sqlite3

    from recordkit.retention.duties import unaccepted

    loose: list[Message] = []
    with contextlib.suppress(RecordkitError, OSError, sqlite3.Error), app.reading() as workspace:
        loose = unaccepted(workspace)
    how = shown(msg("looser than an administrator has signed for, and no order of destruction goes on: {settings} -> "
                    "recordkit config accept --as ID --key FILE", settings=listed(loose, 3))) if loose else None
    return _row(tr("rules of destruction"), tr("who signs, old terms"), tr("all signed for"), how)


def _catalogue_row(app: App) -> dict[str, object]:
    import sqlite3

    how = None
    path = app.store / "catalogue.sqlite3"
    if path.is_file():
        try:
            with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.OperationalError as error:
            # Locked, or on a disk or in a folder that this account may not write: that is no damage.
            found, how = "ok", shown(msg("cannot be looked at by this account: {error}", error=str(error)))
        except sqlite3.Error as error:
            found = str(error)
        if found != "ok":
            how = tr("damaged; nothing is lost, it is derived from ledger and records") + " -> recordkit rebuild"
    return _row(tr("catalogue"), tr("lists, numbers, what is due"), tr("whole"), how)


def _clock_row(app: App) -> dict[str, object]:
    import sqlite3

    now = datetime.now(UTC)
    local = now.astimezone()
    told_now = f"{local:%Y-%m-%d %H:%M} (UTC{local:%z})"
    how = None
    with contextlib.suppress(RecordkitError, OSError, sqlite3.Error), app.reading() as workspace:
        last = workspace.ledger.check_end(workspace.db.cursor())
        if last is not None and not workspace.settings.store.simulation and (
                datetime.fromisoformat(last.time) > now + _SLACK):
            how = shown(msg("{now}, but the last entry of the ledger is of {last}: this clock is slow, or it was fast "
                            "then. Set the machine's date and time right before anything else is entered",
                            now=told_now, last=local_time(last.time)))
    return _row(tr("clock"), tr("dates of acts and numbers"), told_now, how)
