"""``ingest --attach-to``: scans of attachments go to the record of a signed document."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App
from recordkit.cli.i18n import N_, tr, tr_list

if TYPE_CHECKING:
    from recordkit.archive.attaching import AttachedPaper
    from recordkit.workspace import Workspace

OUTCOMES = (N_("attached"), N_("waits"), N_("duplicate"), N_("quarantined"), N_("refused"), N_("deferred"))


def attach(
    app: App,
    number: str,
    sources_for: Callable[[Workspace], Sequence[Path]],
    *,
    passwords_for: Callable[[Workspace], tuple[str, ...]],
    item: str | None,
    jobs: int | None,
    dry_run: bool,
    reads_scans: Callable[[Workspace], bool],
    progress: Callable[[Path, int, int], None] | None,
) -> int:
    """Attach the papers and print what became of them; the exit code.

    ``sources_for`` tells which files, ``passwords_for`` what may open them; ``reads_scans`` whether scans are read by
    OCR here, and it says why not.
    """
    from recordkit.archive.arrivals import NOT_PUT_ASIDE
    from recordkit.archive.attaching import AttachOptions, attach_papers, find_target, lacking_of
    from recordkit.archive.search.service import refresh_index

    started = time.monotonic()
    items: list[AttachedPaper] = []
    with app.acting() as workspace:
        find_target(workspace, number)
        sources = sources_for(workspace)
        options = AttachOptions(item, reads_scans(workspace), jobs or os.cpu_count() or 1, dry_run,
                                passwords_for(workspace))
        for one in attach_papers(workspace, number, sources, options, progress):
            items.append(one)
            if sys.stderr.isatty() and not app.quiet:
                click.echo("\r\x1b[K", err=True, nl=False)
            if not app.json:
                print_attached(one, dry_run)
        if not dry_run and any(one.outcome == "attached" for one in items):
            refresh_index(workspace)
        target = find_target(workspace, number)
        lacking = lacking_of(workspace, target)
    counts = {name: sum(1 for one in items if one.outcome == name) for name in OUTCOMES}
    if app.json:
        app.print_json({"items": [plain_attached(one) for one in items], "total": len(items),
                        "lacking": list(lacking),
                        "summary": {**counts, "seconds": round(time.monotonic() - started, 3)}})
    else:
        if dry_run:
            app.say(tr("Rehearsed; nothing was written."))
        if lacking:
            app.say(tr("Still to come by the checklist: {names}.").format(names=tr_list(lacking)))
    done = sum(counts[name] for name in ("attached", "waits", "duplicate"))
    is_stuck = any(finding.code == NOT_PUT_ASIDE for one in items for finding in one.findings)
    if counts["quarantined"] or is_stuck:
        return 4
    return 0 if not counts["refused"] else 4 if done else 3


def plain_attached(one: AttachedPaper) -> dict[str, object]:
    """An item with the keys of ingest's items, and those of attachments."""
    return {
        "source": str(one.source).encode("utf-8", "replace").decode(),
        "outcome": one.outcome,
        "record_id": one.record_id,
        "code": one.code,
        "number": one.number,
        "attachment": one.attachment,
        "item": one.item,
        "pages": one.pages,
        "ocr_pages": one.ocr_pages,
        "reason": one.reason,
        "findings": [{"code": finding.code, "message": finding.message} for finding in one.findings],
    }


def print_attached(one: AttachedPaper, dry_run: bool = False) -> None:
    """One line for a person, and one for each finding."""
    from recordkit.archive.arrivals import told_name

    outcome = tr(one.outcome)
    parts = [told_name(one.source), tr("(would be: {outcome})").format(outcome=outcome) if dry_run else outcome]
    parts += [part for part in (one.code, one.number) if part]
    if one.attachment is not None:
        parts.append(tr("attachment {number}").format(number=one.attachment))
    parts += [one.item] if one.item else []
    if one.reason is not None:
        parts.append(one.reason.render(tr))
    click.echo("  ".join(parts))
    for finding in one.findings:
        click.echo("    - " + finding.message.render(tr))
