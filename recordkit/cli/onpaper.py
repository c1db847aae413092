"""Options of the acts that may be signed by hand on the printed register, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from recordkit.cli.base import App, Function, option
from recordkit.cli.dates import DATE
from recordkit.cli.i18n import N_
from recordkit.errors import InputRefused, MissingPart, RefusedByRule, WrongUsage
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.ledger import Act
    from recordkit.people import Person
    from recordkit.retention.order_state import Order
    from recordkit.retention.signing import Hand
    from recordkit.workspace import Workspace


def paper_options(command: Function) -> Function:
    """``--on-paper`` (also ``--paper``), ``--signer`` and ``--signed-on``."""
    for add in reversed((
        option("--on-paper", "--paper", "paper", metavar="RECORD",
               help=N_("They signed the printed register by hand: the filed scan, or its file. --as and --key are of "
                       "the archivist who enters it.")),
        option("--signer", "signers", multiple=True, metavar="STAFFNO",
               help=N_("Staff number of who signed on the paper; may be repeated.")),
        option("--signed-on", type=DATE, metavar="DATE",
               help=N_("Day that stands beside the signature (default: the day the scan was filed).")),
    )):
        command = add(command)
    return command


def hands(
    app: App, workspace: Workspace, act: str, key: Path | None, paper: str | None, signers: Sequence[str],
    signed_on: date | None,
) -> Iterator[Hand]:
    """The signatures of one call: one by key, or as many by hand as signers are named.

    Raises:
        WrongUsage: of paper and signer only one is given.
        RecordkitError: as ``App.signer``, ``find_signer`` and ``read_paper`` do.
    """
    if (paper is None) != (not signers):
        raise WrongUsage(msg("A signature on paper needs both: --on-paper RECORD and --signer STAFFNO."))
    if len(signers) > 1 and act == "order.approved":
        raise WrongUsage(msg("One person approves: give --signer once."))
    if paper is None and signed_on is not None:
        raise WrongUsage(msg("--signed-on goes with --on-paper; a signature by key bears the day it is made."))
    signer = app.signer(workspace, key)
    if paper is None:
        yield signer
        return
    from recordkit.people import same_human
    from recordkit.retention.paper_route import find_signer, read_paper
    from recordkit.retention.signing import OnPaper

    people: list[Person] = []
    for person in (find_signer(workspace, mark, act) for mark in signers):
        twin = next((other for other in people if same_human(person, other)), None)
        if twin is None:
            people.append(person)
        elif twin.id != person.id:
            raise RefusedByRule(
                msg("{id} and {other} are one human being (same staff number or key), and {other} {what}.",
                    id=person.id, other=twin.id,
                    what=msg("has signed already; the supervisors must be different people")),
                msg("Let another person sign; 'recordkit people list' shows who may."),
            )
    scan = read_paper(workspace, _filed(workspace, Path(paper)) if Path(paper).is_file() else paper)
    for person in people:
        yield OnPaper(person, scan, signed_on or min(scan.filed, workspace.clock.today), signer)


def check_each(
    workspace: Workspace, order_id: str, every: Sequence[Hand], act: Callable[[Workspace, str, Hand], Order]
) -> None:
    """Refuse all the signatures on a paper before the first is entered, when one of them could not be.

    Raises:
        Rehearsed: the workspace only rehearses; all of them, for the plan.
    """
    from recordkit.workspace import Rehearsed

    acts: list[Act] = []
    notes: dict[str, Mapping[str, object]] = {}
    before, workspace.rehearsing = workspace.rehearsing, True
    try:
        for hand in every:
            try:
                act(workspace, order_id, hand)
            except Rehearsed as rehearsed:
                acts += (one for one in rehearsed.acts if one not in acts)
                notes |= rehearsed.notes
    finally:
        workspace.rehearsing = before
    if before:
        raise Rehearsed(acts, notes)


def _filed(workspace: Workspace, path: Path) -> str:
    """The record of a scan that is still a file: it is filed as ``ingest`` does.

    Raises:
        InputRefused: it cannot be filed as a destruction register, or nothing may be written.
    """
    from recordkit.archive.decisions import IngestOptions
    from recordkit.archive.ingest import ingest_papers
    from recordkit.archive.ocr import require_ocr

    if workspace.rehearsing:
        raise InputRefused(msg("{file} is not filed yet; with --dry-run nothing is.", file=str(path)),
                           msg("File it with 'recordkit ingest FILE' and name its record."))
    reads = workspace.settings.engines.ocr != "none"
    try:
        if reads:
            require_ocr()
    except MissingPart:
        reads = False
    (item,) = ingest_papers(workspace, [path], IngestOptions(ocr=reads))
    if item.record_id is None:
        why = item.findings[0].message if item.findings else item.reason
        raise InputRefused(
            msg("{file} was not filed as a destruction register: {reason}", file=str(path), reason=why or item.outcome),
            msg("The code of the register must be readable on it; scan it again at 300 dpi. A copy of this file waits "
                "now: 'recordkit unmatched list' and 'recordkit quarantine list' show it, 'drop' gives it up."),
        )
    return item.record_id
