"""How a system is told to run the review by itself: systemd timer, cron lines, Windows task.

Every one of them makes up for a run that was missed while the machine was off: systemd by ``Persistent``, Windows by
``StartWhenAvailable``, cron by a line for the start of the machine.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from recordkit import files
from recordkit.errors import InputRefused
from recordkit.messages import Message, msg

Kind = Literal["systemd", "cron", "windows"]
OURS = "recordkit"
"""Word in the first line of every file that ``schedule install`` writes; other files are not overwritten."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """When: every day, or every month on ``day`` (1 to 28), at ``hour`` and ``minute`` of the machine's own clock."""

    hour: int = 6
    minute: int = 0
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One file or text; ``name`` is that of the file, "" for lines that go into another file."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Installation:
    """What has to be there, and the commands that switch it on and off.

    Attributes:
        where: where the parts go, for people.
    """

    kind: Kind
    parts: tuple[Part, ...]
    where: Message
    enable: tuple[tuple[str, ...], ...]
    disable: tuple[tuple[str, ...], ...]


def installation(
    kind: Kind, command: Sequence[str], store: Path, timetable: Timetable, options: Sequence[str] = ()
) -> Installation:
    """The texts for one system.

    Args:
        kind: which.
        command: program and options up to the store and language, e.g. ``python -m recordkit --store DIR``.
        store: absolute path of the store; tells the timers of several stores apart.
        timetable: when.
        options: further ones of 'schedule run'.

    Raises:
        InputRefused: a path that no such file can hold.
    """
    every = "monthly" if timetable.day else "daily"
    full = [*command, "schedule", "run", "--every", every, *options]
    for one in full:
        if re.search(r"[\x00-\x1f\x7f]", one):
            raise InputRefused(msg("The path {path} has a line break or another control character in it; no timer can "
                                   "name it.", path=repr(one)), msg("Rename the folder."))
    name = f"recordkit-review-{hashlib.sha256(str(store).encode()).hexdigest()[:8]}"
    if kind == "systemd":
        return _systemd(name, full, store, timetable)
    return _cron(name, full, store, timetable) if kind == "cron" else _windows(name, full, store, timetable)


def _systemd(name: str, command: Sequence[str], store: Path, timetable: Timetable) -> Installation:
    day = f"{timetable.day:02}" if timetable.day else "*"
    # %, $ and the backslash have a meaning in units (systemd.unit(5) "Specifiers", systemd.service(5) "Command lines").
    quoted = " ".join('"' + one.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'
                      for one in command)
    told = str(store).replace("%", "%%")
    service = (f"# {OURS}: written by 'recordkit schedule install'\n[Unit]\n"
               f"Description=recordkit review of {told}\n\n[Service]\nType=oneshot\nExecStart={quoted}\n"
               "# 10: something is due\nSuccessExitStatus=10\n")
    timer = (f"# {OURS}: written by 'recordkit schedule install'\n[Unit]\n"
             f"Description=recordkit review of {told}\n\n[Timer]\n"
             f"OnCalendar=*-*-{day} {timetable.hour:02}:{timetable.minute:02}:00\nPersistent=true\n\n"
             "[Install]\nWantedBy=timers.target\n")
    systemctl = ("systemctl", "--user")
    return Installation(
        "systemd",
        (Part(f"{name}.service", service), Part(f"{name}.timer", timer)),
        msg("the folder systemd/user below your configuration (~/.config)"),
        ((*systemctl, "daemon-reload"), (*systemctl, "enable", "--now", f"{name}.timer")),
        ((*systemctl, "disable", "--now", f"{name}.timer"),),
    )


def _cron(name: str, command: Sequence[str], store: Path, timetable: Timetable) -> Installation:
    # cron ends a command at %, wherever it stands (crontab(5)).
    line = shlex.join(command).replace("%", r"\%")
    day = str(timetable.day) if timetable.day else "*"
    text = (f"# {OURS} {name} {store}\n{timetable.minute} {timetable.hour} {day} * * {line}\n"
            f"@reboot {line} --catch-up\n")
    return Installation("cron", (Part("", text),), msg("your crontab: run 'crontab -e' and add these lines"), (), ())


def _windows(name: str, command: Sequence[str], store: Path, timetable: Timetable) -> Installation:
    import subprocess

    program, *arguments = command
    months = "".join(f"<{one} />" for one in (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December"))
    when = (f"<ScheduleByMonth><DaysOfMonth><Day>{timetable.day}</Day></DaysOfMonth><Months>{months}</Months>"
            "</ScheduleByMonth>" if timetable.day else
            "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>")
    text = f"""<?xml version="1.0" encoding="UTF-16"?>
<!-- {OURS}: written by 'recordkit schedule install' -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{escape(f"recordkit review of {store}")}</Description></RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2026-01-01T{timetable.hour:02}:{timetable.minute:02}:00</StartBoundary>
      <Enabled>true</Enabled>
      {when}
    </CalendarTrigger>
  </Triggers>
  <Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT2H</ExecutionTimeLimit>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(program)}</Command>
      <Arguments>{escape(subprocess.list2cmdline(arguments))}</Arguments>
    </Exec>
  </Actions>
</Task>
"""
    file = f"{name}.xml"
    return Installation(
        "windows", (Part(file, text),), msg("the Task Scheduler"),
        (("schtasks", "/Create", "/TN", f"recordkit\\{name}", "/XML", file),),
        (("schtasks", "/Delete", "/TN", f"recordkit\\{name}"),),
    )


def write_parts(plan: Installation, folder: Path, *, force: bool) -> None:
    """Write the parts into a folder; lines for a crontab into ``crontab.txt``.

    Raises:
        InputRefused: a file of the name is there that was not written by this program; nothing was written.
    """
    found = [(folder / (part.name or "crontab.txt"), _encoded(part)) for part in plan.parts]
    for path, _ in found:
        if path.exists() and not force and OURS.encode() not in path.read_bytes().replace(b"\0", b"")[:300]:
            raise InputRefused(msg("The file {file} exists already.", file=str(path)),
                               msg("Overwrite it with --force."))
    for path, data in found:
        files.write_atomic(path, data, overwrite=True)


def _encoded(part: Part) -> bytes:
    """A part as a file: what calls itself UTF-16 is UTF-16."""
    return part.text.encode("utf-16" if part.text.startswith("<?xml") else "utf-8")
