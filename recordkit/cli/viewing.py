"""Papers on the screen: ``open``, and the page at hand while a returned document is keyed in."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.errors import NotFound
from recordkit.messages import listed, msg

_KEPT_SECONDS = 24 * 3600
_PAGE_OPTIONS = {"evince": "--page-index", "xreader": "--page-index", "atril": "--page-index", "okular": "--page",
                 "zathura": "--page"}
"""Viewers that can be told a page."""


@click.command("open", cls=Command, help=N_("Open the paper of a record in the system's viewer. It gets a copy: what "
                                            "is changed there changes nothing in the archive."))
@click.argument("record")
@option("--page", type=click.IntRange(min=1), default=1, metavar="N", help=N_("Where to begin, if the viewer can."))
@option("--file", "name", metavar="NAME", help=N_("Another file of the record, such as original.pdf."))
@pass_app
def open_(app: App, record: str, page: int, name: str | None) -> None:
    """Copy, open, print where the copy lies."""
    from recordkit.archive.attachments import attachments_of
    from recordkit.archive.called import find_called
    from recordkit.archive.catalogue import objects_of
    from recordkit.archive.names import PAPER, READABLE
    from recordkit.cli.records import require_active

    with app.reading() as workspace:
        found = find_called(workspace, record)
        require_active(found)
        objects = objects_of(workspace)
        names = [one for one in objects.names(found.record_id) if not one.endswith(".json")]
        wanted = name or next((one for one in (*READABLE, *names) if one in names), PAPER)
        if wanted not in names:
            raise NotFound(msg("The record {code} has no file {file}.", code=found.code, file=wanted),
                           msg("It has: {files}", files=listed(sorted(names))))
        pages = next((one.pages for one in attachments_of(found) if one.name == wanted), found.pages)
        if pages and page > pages:
            told = msg("The record {code} has {pages} page(s).", code=found.code, pages=pages)
            if name is not None:
                told = msg("The file {file} of {code} has {pages} page(s).", file=wanted, code=found.code, pages=pages)
            raise NotFound(told)
        source = objects.locate(found.record_id, wanted)
        copy = copy_to_view(workspace.root, source, found.sha256, f"{found.code}-{wanted}")
    opened = show_file(app, copy, page)
    if app.json:
        app.print_json({"record_id": found.record_id, "file": wanted, "path": str(copy), "page": page,
                        "opened": opened})
    else:
        click.echo(str(copy))




def copy_to_view(root: Path, source: Path, key: str, name: str) -> Path:
    """A copy for a viewer, in the store's work folder: there destruction finds it, under the digest of its paper.

    A viewer may write to what it opens, and a copy outside the store would outlive its record. Copies older than a
    day are cleared.
    """
    from recordkit import files

    folder = root / "work" / "viewing"
    for old in folder.glob("*"):
        with contextlib.suppress(OSError):  # Windows: still open in a viewer
            if time.time() - old.stat().st_mtime > _KEPT_SECONDS:
                files.remove_tree(old)
    target = files.make_folder(folder / key[:16]) / name.replace("/", "_")
    if target.exists():
        if files.digests_of(target) == files.digests_of(source):
            return target
        files.remove_file(target)
    files.copy_with_digests(source, target)
    return target


def show_file(app: App, path: Path, page: int = 1) -> bool:
    """Open a file in the viewer of RECORDKIT_VIEWER or of the system and say so; whether that was done.

    Away from a terminal, or with ``--no-input``, nothing is opened: a script or a server has no one who looks.
    """
    if app.no_input or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    command = _command(path, page)
    try:
        if command is None:
            if sys.platform != "win32":
                app.say(tr("No viewer was found. Page {page} of: {path}").format(page=page, path=path))
                return False
            os.startfile(path)
        else:
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
    except OSError as error:
        app.say(tr("The viewer did not start ({error}). Page {page} of: {path}").format(
            error=error.strerror or error, page=page, path=path))
        return False
    app.say(tr("Opened at page {page}: {path}").format(page=page, path=path))
    return True


def _command(path: Path, page: int) -> list[str] | None:
    """How to open the file; None for the system's own way on Windows, or where there is no screen."""
    named = os.environ.get("RECORDKIT_VIEWER")
    if named:
        parts = shlex.split(named, posix=sys.platform != "win32")
        if not any("{file}" in part for part in parts):
            parts.append("{file}")
        return [part.replace("{file}", str(path)).replace("{page}", str(page)) for part in parts]
    if sys.platform == "win32":
        return None
    if sys.platform == "darwin":
        return ["open", str(path)]
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    for viewer, how in _PAGE_OPTIONS.items() if page > 1 else ():
        if shutil.which(viewer):
            return [viewer, f"{how}={page}", str(path)]
    return ["xdg-open", str(path)] if shutil.which("xdg-open") else None
