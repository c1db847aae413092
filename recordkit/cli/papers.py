"""From Word files to what the printer takes: PDFs with a code on each page, and one print file of all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from recordkit import files
from recordkit.cli.base import App
from recordkit.cli.i18n import tr
from recordkit.cli.progress import Progress
from recordkit.errors import InputRefused, WrongUsage
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    from recordkit.templates.printing import PrintFile
    from recordkit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Paper:
    """A Word file to be printed; without ``issue_id`` it is a draft, whose pages get no code."""

    path: Path
    number: str
    issue_id: str | None
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked for: PDFs beside the Word files, a print file, blank pages for printing on both sides."""

    pdf: bool = False
    merged: Path | None = None
    duplex: bool = False
    jobs: int = 1
    force: bool = False

    def __bool__(self) -> bool:
        return self.pdf or self.merged is not None


@dataclass(slots=True)
class Printed:
    """What was made: PDFs by Word file, the print file, and what went wrong."""

    pdfs: dict[Path, Path] = field(default_factory=dict)
    merged: PrintFile | None = None
    failures: list[Message] = field(default_factory=list)


def require_press(wanted: Wanted) -> None:
    """Ask for LibreOffice, a free name and a folder that takes it before anything is numbered.

    Raises:
        MissingPart: it is not installed.
        WrongUsage: the print file is not named as a PDF.
        InputRefused: the print file exists, or its folder takes no file.
    """
    if not wanted:
        return
    from recordkit.templates.pdf import require_office

    if wanted.merged is not None and wanted.merged.suffix.lower() != ".pdf":
        raise WrongUsage(msg("{file} must end in .pdf.", file=str(wanted.merged)))
    require_office(os.environ)
    if wanted.merged is not None and wanted.merged.exists() and not wanted.force:
        raise InputRefused(
            msg("The file {file} exists already.", file=str(wanted.merged)), msg("Overwrite it with --force.")
        )
    if wanted.merged is not None:
        _require_writable(wanted.merged.parent)


def _require_writable(folder: Path) -> None:
    """Try it: what rights, read-only disks and network shares allow shows in nothing else."""
    probe = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        files.write_atomic(probe, b"")
        files.remove_file(probe)
    except OSError as error:
        raise InputRefused(msg("No file can be written in {folder}.", folder=str(folder)),
                           msg("Choose another folder for the print file.")) from error


def require_free(papers: Sequence[Paper], wanted: Wanted) -> None:
    """Refuse to begin when a PDF stands where one is to be written.

    Raises:
        InputRefused: one exists, and overwriting was not asked for.
    """
    for one in papers:
        if (taken := _taken(one, wanted)) is not None:
            raise InputRefused(msg("The file {file} exists already.", file=str(taken)),
                               msg("Overwrite it with --force."))


def _taken(paper: Paper, wanted: Wanted) -> Path | None:
    """The PDF of a paper, where it exists and must stay as it is."""
    pdf = paper.path.with_suffix(".pdf")
    return pdf if wanted.pdf and not wanted.force and pdf.exists() else None


def print_papers(app: App, workspace: Workspace, papers: Sequence[Paper], wanted: Wanted) -> Printed:
    """Make what is wanted. A paper that gives no PDF is told and costs only itself, and the print file.

    A PDF that exists is such a failure, unless overwriting was asked for: the names of new documents are known only
    when they are numbered.
    """
    if not papers or not wanted:
        return Printed()
    from recordkit.templates.code import PrintedCode
    from recordkit.templates.pdf import PdfMade, PdfOrder, PdfPress
    from recordkit.templates.printing import PrintPart, print_merged

    printed = Printed()
    free: list[Paper] = []
    for paper in papers:
        if (taken := _taken(paper, wanted)) is None:
            free.append(paper)
        else:
            printed.failures.append(msg("{number} gave no PDF: {file} exists already and was left as it is.",
                                        number=paper.number, file=str(taken)))
    with contextlib.ExitStack() as stack:
        scratch = None if wanted.pdf else stack.enter_context(workspace.staging())
        orders = [
            PdfOrder(
                paper.path,
                paper.path.with_suffix(".pdf") if scratch is None else scratch / f"{position:06}.pdf",
                PrintedCode(paper.issue_id, paper.revision) if paper.issue_id else None,
            )
            for position, paper in enumerate(free)
        ]
        press = stack.enter_context(PdfPress(os.environ, jobs=wanted.jobs, work=workspace.root / "work"))
        results = stack.enter_context(contextlib.closing(press.make(orders)))
        progress = stack.enter_context(Progress(app, tr("Printing"), len(free)))
        made: dict[Path, PdfMade] = {}
        for one in results:
            made[one.order.source] = one
            progress(len(made))
        progress.clear()
        for order in orders:
            one = made[order.source]
            if one.failure is not None:
                printed.failures.append(one.failure)
            elif wanted.pdf:
                printed.pdfs[order.source] = order.target
            for warning in one.warnings:
                app.say(warning)
        for substitution in press.substitutions:
            app.say(substitution.message)
        for failure in printed.failures:
            app.say(failure)
        if wanted.merged is not None and not printed.failures:
            parts = [PrintPart(order.target, paper.number) for order, paper in zip(orders, free, strict=True)]
            printed.merged = print_merged(parts, wanted.merged, duplex=wanted.duplex, overwrite=wanted.force)
            told = tr("{file}: {documents} document(s), {pages} page(s) to print.")
            app.say(told.format(file=wanted.merged, documents=printed.merged.documents, pages=printed.merged.pages))
        elif wanted.merged is not None:
            app.say(msg("No print file was written: {count} document(s) would be missing from it.",
                        count=len(printed.failures)))
    return printed
