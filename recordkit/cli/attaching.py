"""``ingest --attach-to``: scans of attachments go to the record of a signed document."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recordkit.cli.base import App
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.plans import Plan
from recordkit.cli.progress import Progress
from recordkit.cli.reporting import plain_attached, print_attached, remarks_of, step_of

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
) -> int:
    """Attach the papers and print what became of them; the exit code.

    ``sources_for`` tells which files, ``passwords_for`` what may open them; ``reads_scans`` whether scans are read by
    OCR here, and it says why not.
    """
    from recordkit.archive.arrivals import NOT_PUT_ASIDE, told_name
    from recordkit.archive.attaching import AttachOptions, attach_papers, find_target, lacking_of
    from recordkit.archive.search.service import refresh_index
    from recordkit.cli.hits import index_watch

    started = time.monotonic()
    items: list[AttachedPaper] = []
    plan = Plan(app) if dry_run and not app.json else None
    with app.acting() as workspace:
        find_target(workspace, number)
        sources = sources_for(workspace)
        options = AttachOptions(item, reads_scans(workspace), jobs or os.cpu_count() or 1, dry_run,
                                passwords_for(workspace))
        with Progress(app, tr("Filing papers"), len(sources)) as progress:

            def page_read(path: Path, done: int, pages: int) -> None:
                progress.of(len(items), len(sources), now=f"{told_name(path)}: {done}/{pages}")

            for one in attach_papers(workspace, number, sources, options, page_read):
                items.append(one)
                with progress.aside():
                    if plan is not None:
                        plan.add(step_of(one), remarks_of(one))
                    elif not app.json:
                        print_attached(one)
                progress.of(len(items), len(sources), last=told_name(one.source))
        if not dry_run and any(one.outcome == "attached" for one in items):
            refresh_index(workspace, index_watch(app))
        target = find_target(workspace, number)
        lacking = lacking_of(workspace, target)
    counts = {name: sum(1 for one in items if one.outcome == name) for name in OUTCOMES}
    if app.json:
        app.print_json({"items": [plain_attached(one) for one in items], "total": len(items),
                        "lacking": list(lacking),
                        "summary": {**counts, "seconds": round(time.monotonic() - started, 3)}})
    else:
        if lacking:
            app.say(tr("Still to come by the checklist: {names}.").format(names=tr_list(lacking)))
        if plan is not None:
            plan.close()
    done = sum(counts[name] for name in ("attached", "waits", "duplicate"))
    is_stuck = any(finding.code == NOT_PUT_ASIDE for one in items for finding in one.findings)
    if counts["quarantined"] or is_stuck:
        return 4
    return 0 if not counts["refused"] else 4 if done else 3
