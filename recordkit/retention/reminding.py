"""The review that comes by itself: a dated list in the outbox, a mail, a command; and what of it is missing.

A run may be repeated: on the same day with the same result it writes and sends nothing again. It knows when the last
one was and says so when one was missed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from recordkit import files
from recordkit.messages import Message, Translate, msg
from recordkit.model import canonical_json
from recordkit.retention.adoption import is_changed
from recordkit.retention.lists import list_path, save_list
from recordkit.retention.review_list import ReviewList, class_rows, list_file, review_list, told_shortened, told_waiting
from recordkit.settings import ReviewSection
from recordkit.workspace import Workspace

Every = Literal["daily", "monthly"]
_STATE = Path("work", "review.json")
_LOCK = Path("work", "locks", "review")


@dataclass(frozen=True, slots=True)
class LastRun:
    """What is known of the last run: its day, digest of what it found, and whether mail and command were done."""

    day: date
    digest: str
    mailed: bool
    started: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What became of mail or command; ``reason`` where it failed."""

    state: Literal["off", "done", "done-before", "nothing-due", "failed", "would"]
    reason: Message | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        found: the review.
        files: the lists; ``written`` false where they stood there already with the same result.
        last: day of the run before, None for the first; ``missed`` how many runs were due in between and did not come.
        changed: ``retention.toml`` is not what the ledger named last.
    """

    found: ReviewList
    files: tuple[Path, ...]
    written: bool
    last: date | None
    missed: int
    changed: bool
    mail: Step
    command: Step

    @property
    def has_failed(self) -> bool:
        """Whether mail or command failed; the list lies in the outbox all the same."""
        return "failed" in (self.mail.state, self.command.state)


def runs_missed(last: date, today: date, every: Every) -> int:
    """How many runs between the last one and today's did not come."""
    if every == "daily":
        return max(0, (today - last).days - 1)
    return max(0, (today.year - last.year) * 12 + today.month - last.month - 1)


def is_needed(root: Path, today: date, every: Every) -> bool:
    """Whether this day's, or this month's, run is still to come."""
    last = last_run(root)
    if last is None or last.day > today:
        return True
    return last.day < today if every == "daily" else (last.day.year, last.day.month) < (today.year, today.month)


def last_run(root: Path) -> LastRun | None:
    """The last run of the store at ``root``; None when there was none, or its note is gone or damaged."""
    try:
        raw = json.loads((root / _STATE).read_bytes())
        return LastRun(date.fromisoformat(raw["day"]), str(raw["digest"]), bool(raw["mailed"]), bool(raw["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def run_review(
    workspace: Workspace,
    every: Every,
    translate: Translate,
    *,
    password: str | None = None,
    environment: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> Run:
    """Review, write the list, mail it and start the command, as the settings say.

    Args:
        workspace: the store; ``workspace.clock.today`` is the day.
        every: how often it runs; by that it is known whether a run was missed.
        translate: into the language of list and mail.
        password: of the mail server, when the environment has it.
        environment: for the command.
        dry_run: say what would be done, do nothing.

    Raises:
        StoreBusy: another run is at it.
    """
    if dry_run:
        return _run(workspace, every, translate, password, environment or {}, dry_run=True)
    with files.locked(workspace.root / _LOCK, workspace.settings.locks.wait_seconds):
        return _run(workspace, every, translate, password, environment or {}, dry_run=False)


def _run(
    workspace: Workspace, every: Every, translate: Translate, password: str | None, environment: Mapping[str, str],
    *, dry_run: bool,
) -> Run:
    root, today, settings = workspace.root, workspace.clock.today, workspace.settings
    found = review_list(workspace, today, settings.review.within_days)
    last = last_run(root)
    digest = _digest(found)
    is_same = last is not None and (last.day, last.digest) == (today, digest)
    paths = tuple(list_path(root, today, kind) for kind in dict.fromkeys(settings.review.formats))
    stands = is_same and all(path.is_file() for path in paths)
    if not stands and not dry_run:
        for path in paths:
            records = [line.record.record_id for line in found.lines]
            save_list(path, list_file(found, path.suffix[1:], translate), records)
    missed = runs_missed(last.day, today, every) if last is not None else 0
    changed = is_changed(workspace)
    run = Run(found, paths, not stands, last.day if last else None, missed, changed, Step("off"), Step("off"))
    mail = _mail(workspace, run, translate, password, done=is_same and last is not None and last.mailed,
                 dry_run=dry_run)
    command = _command(root, settings.review, run, environment, done=is_same and last is not None and last.started,
                       dry_run=dry_run)
    if not dry_run:
        state = {"day": today.isoformat(), "digest": digest, "mailed": mail.state in ("done", "done-before"),
                 "started": command.state in ("done", "done-before")}
        files.write_atomic(root / _STATE, json.dumps(state).encode(), overwrite=True)
    return Run(found, paths, not stands, run.last, missed, changed, mail, command)


def _digest(found: ReviewList) -> str:
    """Of what a run found, without titles: it stays when the records are gone."""
    return hashlib.sha256(canonical_json({
        "items": [[line.record.record_id, line.record.version, line.decision.decision, str(line.decision.due)]
                  for line in found.lines],
        "counts": found.counts, "within": found.within,
        "waiting": [[list(one.events), one.count] for one in found.waiting],
    })).hexdigest()


# --- mail and command -------------------------------------------------------------------------------------------


def _mail(
    workspace: Workspace, run: Run, translate: Translate, password: str | None, *, done: bool, dry_run: bool
) -> Step:
    from recordkit.errors import InputRefused
    from recordkit.retention.mailing import MailFailed, compose, password_of, send

    mail = workspace.settings.mail
    if not mail.host:
        return Step("off")
    if mail.when == "due" and not any(line.decision.decision != "held" for line in run.found.lines):
        return Step("nothing-due")
    if done:
        return Step("done-before")
    if dry_run:
        return Step("would")
    attached = []
    if mail.contents == "list":
        name = translate("Records due for appraisal")
        attached = [(f"{name} {run.found.as_of}{path.suffix}", path.read_bytes()) for path in run.files]
    try:
        send(mail, compose(mail, _subject(run, translate), _body(run, translate), attached),
             password_of(mail, workspace.root, password))
    except MailFailed as failed:
        return Step("failed", failed.reason)
    except InputRefused as refused:
        return Step("failed", msg("{what} {todo}", what=refused.what, todo=refused.todo or ""))
    return Step("done")


def _subject(run: Run, translate: Translate) -> str:
    return msg("[{company}] {due} records due for appraisal ({date})", company=run.found.company, due=run.found.due,
               date=run.found.as_of.isoformat()).render(translate)


def _body(run: Run, translate: Translate) -> str:
    """Counts and where the list lies: no title, no name, no account."""
    found = run.found
    lines: list[Message | str] = [
        msg("{total} records reviewed, {due} due for appraisal", total=sum(found.counts.values()), due=found.due),
        msg("Lead time: {days} days", days=found.within), "",
    ]
    for name, decision, count, first in class_rows(found.groups, found.classes):
        told = translate(decision)
        lines.append(f"{name}  {told}  {count}" + (f"  {first.isoformat()}" if first else ""))
    lines += ["", *(told_waiting(one) for one in found.waiting)]
    lines += [msg("The list: {file}", file=str(path)) for path in run.files]
    lines += told_of(run)
    return "\n".join(one.render(translate) if isinstance(one, Message) else one for one in lines) + "\n"


def told_of(run: Run) -> list[Message]:
    """What should be known of a run besides its list: a list cut short, runs that did not come, an edited schedule."""
    told = told_shortened(run.found)
    if run.missed and run.last is not None:
        told.append(msg("{count} runs did not come; the last one was on {day}. This one makes up for them.",
                        count=run.missed, day=run.last.isoformat()))
    if run.changed:
        told.append(msg("The retention schedule was edited and is not in the ledger yet: 'recordkit retention "
                        "schedule check' tells what it moves."))
    return told


def _command(
    root: Path, section: ReviewSection, run: Run, environment: Mapping[str, str], *, done: bool, dry_run: bool
) -> Step:
    import subprocess

    if not section.command:
        return Step("off")
    if done:
        return Step("done-before")
    if dry_run:
        return Step("would")
    arguments = filled(section.command, run)
    # What may open the mail server must not be handed on.
    kept = {name: value for name, value in environment.items() if name not in _SECRETS}
    try:
        ended = subprocess.run(arguments, cwd=root, env=kept, stdin=subprocess.DEVNULL, capture_output=True,
                               timeout=section.command_seconds, check=False)
    except subprocess.TimeoutExpired:
        return Step("failed", msg("{command} took longer than {seconds} s", command=arguments[0],
                                  seconds=f"{section.command_seconds:g}"))
    except (OSError, ValueError) as error:
        return Step("failed", msg("{command} cannot be started: {error}", command=arguments[0], error=str(error)))
    if ended.returncode != 0:
        said = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return Step("failed", msg("{command} ended with exit code {code} {said}", command=arguments[0],
                                  code=ended.returncode, said=" ".join(said)[:200]))
    return Step("done")


_SECRETS = ("RECORDKIT_MAIL_PASSWORD", "RECORDKIT_PASSPHRASE", "RECORDKIT_ADMIN_KEY")


def filled(command: Sequence[str], run: Run) -> list[str]:
    """Program and arguments with their places filled; nothing else in them has a meaning."""
    places = {"{file}": str(run.files[0]), "{due}": str(run.found.due), "{date}": run.found.as_of.isoformat()}
    found = []
    for argument in command:
        for place, value in places.items():
            argument = argument.replace(place, value)
        found.append(argument)
    return found


