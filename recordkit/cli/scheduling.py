"""Commands of the review that comes by itself: set it up, run it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step as PlanStep
from recordkit.cli.plans import print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.reviewing import SOMETHING_DUE
from recordkit.errors import NotFound, WrongUsage
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.retention.reminding import Every, Run, Step
    from recordkit.retention.timetable import Installation, Kind, Timetable


@click.group(cls=Group, help=N_("The review that comes by itself: daily or monthly, listed and mailed."))
def schedule() -> None:
    """Group."""


# --- run --------------------------------------------------------------------------------------------------------


@schedule.command("run", cls=Command, help=N_("Review, write the list into the outbox, mail it and start the command, "
                                              "as recordkit.toml says. Exit code 10 when something is due, 4 when mail "
                                              "or command failed."))
@option("--every", type=click.Choice(["daily", "monthly"]), default="daily",
        help=N_("How often it is run; by that it knows whether a run was missed."))
@option("--catch-up", is_flag=True, help=N_("Only when today's (this month's) run has not come yet."))
@dry_run_option
@pass_app
def schedule_run(app: App, every: Every, catch_up: bool, dry_run: bool) -> int:
    """One run; repeating it on the same day does no harm."""
    from recordkit.retention.reminding import is_needed, run_review

    with app.acting() as workspace:
        if catch_up and not is_needed(workspace.root, app.today, every):
            if app.json:
                app.print_json({"day": app.today, "needed": False, "files": []})
            else:
                app.say(tr("The run of today, or of this month, has come already."))
            return 0
        with Progress(app, tr("Reviewing"), 0):
            run = run_review(workspace, every, tr, password=os.environ.get("RECORDKIT_MAIL_PASSWORD"),
                             environment=os.environ, dry_run=dry_run)
    if app.json:
        app.print_json(_plain_run(app, run, dry_run=dry_run))
    else:
        _tell_run(app, run, dry_run=dry_run)
    if run.has_failed:
        return 4
    return SOMETHING_DUE if run.found.due else 0


def _plain_run(app: App, run: Run, *, dry_run: bool) -> dict[str, object]:
    found = run.found
    return {
        "day": app.today, "needed": True, "dry_run": dry_run, "files": [str(path) for path in run.files],
        "written": run.written and not dry_run, "due": found.due, "listed": len(found.lines), "counts": found.counts,
        "waiting": [{"events": list(one.events), "count": one.count} for one in found.waiting],
        "last": run.last, "missed": run.missed, "schedule_changed": run.changed,
        "mail": {"state": run.mail.state, "reason": run.mail.reason},
        "command": {"state": run.command.state, "reason": run.command.reason},
    }


def _tell_run(app: App, run: Run, *, dry_run: bool) -> None:
    from recordkit.retention.reminding import told_of
    from recordkit.retention.review_list import told_waiting

    found = run.found
    app.say(msg("{total} records reviewed, {due} due for appraisal", total=sum(found.counts.values()), due=found.due))
    for wait in found.waiting:
        app.say(told_waiting(wait))
    for path in run.files:
        if not (dry_run and run.written):
            app.say(msg("The list: {file}", file=str(path)) if run.written else
                    msg("The list stands already: {file}", file=str(path)))
    for told in told_of(run):
        app.say(told)
    steps = {
        "mail": {"done": msg("Mailed."), "done-before": msg("This list was mailed before."),
                 "nothing-due": msg("Nothing is due; no mail was sent.")},
        "command": {"done": msg("The command has run."), "done-before": msg("The command has run before.")},
    }
    failures = {"mail": msg("The mail failed"), "command": msg("The command failed")}
    step: Step
    for name, step in (("mail", run.mail), ("command", run.command)):
        if step.state == "failed" and step.reason is not None:
            # Said also to who wants no talk: a timer that fails in silence is none.
            error = msg("{what}: {reason}. The list lies in the outbox.", what=failures[name], reason=step.reason)
            click.echo(tr("Error: {what}").format(what=error.render(tr)), err=True)
        elif step.state in steps[name]:
            app.say(steps[name][step.state])
    if dry_run:
        print_plan(app, [PlanStep(msg("Write the list"), str(path)) for path in run.files if run.written]
                   + [PlanStep(msg("Mail the list"))] * (run.mail.state == "would")
                   + [PlanStep(msg("Start the command of the setting"))] * (run.command.state == "would"))


# --- install ----------------------------------------------------------------------------------------------------


class _Clock(click.ParamType[tuple[int, int]]):
    name = "clock"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        hour, mark, minute = str(value).strip().replace("：", ":").partition(":")
        if not (mark and hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()
                and len(minute) == 2 and int(hour) < 24 and int(minute) < 60):
            self.fail(tr("{value} is no time of the day; write it like 06:30.").format(value=value), param, ctx)
        return int(hour), int(minute)


@schedule.command("install", cls=Command, help=N_("Set up the daily or monthly review on this system: a systemd timer "
                                                  "for you alone, or the text for cron or the Windows Task Scheduler."))
@option("--daily", type=_Clock(), metavar="HH:MM", help=N_("Every day at this time (default: 06:00)."))
@option("--monthly", type=click.IntRange(1, 28), metavar="D", help=N_("On this day of every month, 1 to 28."))
@option("--at", type=_Clock(), metavar="HH:MM", help=N_("Time of the monthly run (default: 06:00)."))
@option("--kind", type=click.Choice(["systemd", "cron", "windows"]), help=N_("For which system (default: this one)."))
@option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
        help=N_("Write the files into this folder and switch nothing on."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@dry_run_option
@pass_app
def schedule_install(
    app: App, daily: tuple[int, int] | None, monthly: int | None, at: tuple[int, int] | None, kind: Kind | None,
    out: Path | None, force: bool, dry_run: bool,
) -> int:
    """Install for this user where that is safe, else print what goes where."""
    from recordkit.retention.timetable import Timetable, installation
    from recordkit.settings import FILE_NAME

    if daily is not None and monthly is not None:
        raise WrongUsage(msg("Give --daily or --monthly, one of the two."))
    if at is not None and monthly is None:
        raise WrongUsage(msg("--at goes with --monthly; --daily has its own time."))
    store = app.store.resolve()
    if not (store / FILE_NAME).is_file():
        raise NotFound(msg("There is no store in {folder}.", folder=str(app.store)),
                       msg("Make one with 'recordkit init {folder}', or name another with --store.",
                           folder=str(app.store)))
    hour, minute = daily or at or (6, 0)
    timetable = Timetable(hour, minute, monthly)
    chosen = kind or _this_system()
    language = "zh" if tr("yes") != "yes" else "en"
    command = [sys.executable, "-m", "recordkit", "--store", str(store), "--lang", language]
    if chosen == "cron":
        command.append("--quiet")  # cron mails every word to the user of the machine
    plan = installation(chosen, command, store, timetable, ["--as", app.actor] if app.actor else [])
    folder = out
    if folder is None and chosen == "systemd":
        folder = _systemd_folder()
    return _install(app, plan, folder, timetable, force=force, dry_run=dry_run, switch_on=out is None)


def _this_system() -> Kind:
    if os.name == "nt":
        return "windows"
    return "systemd" if Path("/run/systemd/system").is_dir() else "cron"


def _systemd_folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "systemd" / "user"


def _install(
    app: App, plan: Installation, folder: Path | None, timetable: Timetable, *, force: bool, dry_run: bool,
    switch_on: bool,
) -> int:
    from recordkit.retention.timetable import write_parts

    paths = [folder / (part.name or "crontab.txt") for part in plan.parts] if folder is not None else []
    enabled, failure = False, ""
    if not dry_run and folder is not None:
        write_parts(plan, folder, force=force)
        if switch_on and plan.kind == "systemd":
            failure = _switch_on(plan)
            enabled = not failure
    if app.json:
        app.print_json({
            "kind": plan.kind, "dry_run": dry_run, "installed": enabled,
            "parts": [{"name": part.name, "text": part.text} for part in plan.parts],
            "files": [str(path) for path in paths], "enable": _commands(plan, plan.enable),
            "disable": _commands(plan, plan.disable), "failure": failure or None,
        })
        return 4 if failure else 0
    if folder is None or dry_run:
        for part in plan.parts:
            if part.name:
                click.echo(f"# {folder / part.name if folder else part.name}")
            click.echo(part.text)
    if paths and not dry_run:
        app.say(msg("Written: {files}", files=listed(map(str, paths))))
    if folder is None:
        app.say(msg("It goes into {place}.", place=plan.where))
        if plan.kind == "windows":
            app.say(msg("Write the file with --out DIR, then run there: {commands}", commands=_told(plan)))
    if enabled:
        app.say(_when(timetable))
        app.say(msg("It runs while you are logged in; 'loginctl enable-linger' lets it run always. To end it: "
                    "{commands}", commands="; ".join(_commands(plan, plan.disable))))
    elif failure:
        error = msg("The timer is written, but could not be switched on: {error}", error=failure)
        click.echo(tr("Error: {what}").format(what=error.render(tr)), err=True)
        todo = msg("Run this as the user whose timer it is: {commands}", commands=_told(plan)).render(tr)
        click.echo(tr("  -> {todo}").format(todo=todo), err=True)
        return 4
    if dry_run:
        print_plan(app, [PlanStep(msg("Write"), str(path)) for path in paths]
                   + [PlanStep(msg("Run"), one) for one in _commands(plan, plan.enable)] * (switch_on and bool(paths)))
    return 0


def _told(plan: Installation) -> str:
    return "; ".join(_commands(plan, plan.enable))


def _commands(plan: Installation, commands: Sequence[Sequence[str]]) -> list[str]:
    """As they are typed on the system that the plan is for."""
    import subprocess

    return [subprocess.list2cmdline(one) if plan.kind == "windows" else shlex.join(one) for one in commands]


def _when(timetable: Timetable) -> str:
    clock = f"{timetable.hour:02}:{timetable.minute:02}"
    told = (msg("The review comes on day {day} of every month at {clock}.", day=timetable.day, clock=clock)
            if timetable.day else msg("The review comes every day at {clock}.", clock=clock))
    return told.render(tr)


def _switch_on(plan: Installation) -> str:
    """Run the commands that switch the timer on; what went wrong, "" when nothing did."""
    import subprocess

    for command in plan.enable:
        try:
            ended = subprocess.run(command, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if ended.returncode != 0:
            said = ended.stderr.decode("utf-8", "replace").strip().splitlines()
            return said[0][:300] if said else f"{command[0]}: {ended.returncode}"
    return ""
