"""What a machine is told to run by itself: read back as systemd, cron and the Task Scheduler of Windows read it."""

from __future__ import annotations

import configparser
import hashlib
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest

from recordkit.errors import InputRefused
from recordkit.retention.timetable import Installation, Kind, Timetable, installation, write_parts

STORE = Path("/srv/档案 库 100% & <$HOME>")
COMMAND = ("/opt/rk/python", "-m", "recordkit", "--store", str(STORE), "--lang", 'z"h\\')
NAME = f"recordkit-review-{hashlib.sha256(str(STORE).encode()).hexdigest()[:8]}"
KINDS: tuple[Kind, ...] = ("systemd", "cron", "windows")
SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def made(kind: Kind, timetable: Timetable | None = None, *options: str) -> Installation:
    return installation(kind, COMMAND, STORE, timetable or Timetable(), options)


def unit(text: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(text)
    return read


def systemd_words(line: str) -> list[str]:
    """As systemd.service(5) reads a command whose words are all in quotation marks."""
    words = [re.sub(r'\\(["\\])', r"\1", one) for one in re.findall(r'"((?:[^"\\]|\\.)*)"', line)]
    return [one.replace("%%", "%").replace("$$", "$") for one in words]


def windows_words(line: str) -> list[str]:
    """As CommandLineToArgvW reads the arguments behind the program."""
    words, word, quoted, at, begun = [], "", False, 0, False
    while at < len(line):
        run = len(line[at:]) - len(line[at:].lstrip("\\"))
        if run and line[at + run : at + run + 1] == '"':
            word += "\\" * (run // 2) + ('"' if run % 2 else "")
            at += run + run % 2
        elif run:
            word += "\\" * run
            at += run
        elif line[at] == '"':
            quoted, begun, at = not quoted, True, at + 1
        elif line[at] in " \t" and not quoted:
            if word or begun:
                words.append(word)
            word, begun, at = "", False, at + 1
        else:
            word += line[at]
            at += 1
    return [*words, word] if word or begun else words


@pytest.mark.parametrize(("timetable", "every", "when"), [
    (Timetable(), "daily", "*-*-* 06:00:00"), (Timetable(17, 5, 3), "monthly", "*-*-03 17:05:00"),
    (Timetable(day=28), "monthly", "*-*-28 06:00:00"),
])
def test_a_systemd_timer_runs_the_command_as_it_was_given(timetable: Timetable, every: str, when: str) -> None:
    plan = made("systemd", timetable, "--quiet")
    service, timer = plan.parts
    assert (plan.kind, service.name, timer.name) == ("systemd", f"{NAME}.service", f"{NAME}.timer")
    told = unit(service.text)["Service"]
    assert systemd_words(told["ExecStart"]) == [*COMMAND, "schedule", "run", "--every", every, "--quiet"]
    assert "%h" not in told["ExecStart"] and "100%%" in unit(service.text)["Unit"]["Description"]
    assert (told["Type"], told["SuccessExitStatus"]) == ("oneshot", "10")
    clock = unit(timer.text)
    assert (clock["Timer"]["OnCalendar"], clock["Timer"]["Persistent"]) == (when, "true")
    assert clock["Unit"]["Description"] == unit(service.text)["Unit"]["Description"]
    assert clock["Install"]["WantedBy"] == "timers.target"
    assert "systemd/user" in str(plan.where)
    assert plan.enable == (("systemctl", "--user", "daemon-reload"),
                           ("systemctl", "--user", "enable", "--now", f"{NAME}.timer"))
    assert plan.disable == (("systemctl", "--user", "disable", "--now", f"{NAME}.timer"),)


@pytest.mark.parametrize(("timetable", "every", "when"), [
    (Timetable(), "daily", "0 6 * * *"), (Timetable(17, 5, 3), "monthly", "5 17 3 * *"),
])
def test_lines_of_a_crontab_run_the_command_and_make_up_for_a_missed_run(
    timetable: Timetable, every: str, when: str
) -> None:
    plan = made("cron", timetable)
    (part,) = plan.parts
    head, line, again, end = part.text.split("\n")
    assert (part.name, end, plan.enable, plan.disable) == ("", "", (), ())
    assert head == f"# recordkit {NAME} {STORE}"
    assert line.startswith(when + " ") and not re.search(r"(?<!\\)%", line), "cron ends a command at %"
    wanted = [*COMMAND, "schedule", "run", "--every", every]
    assert shlex.split(line.removeprefix(when).replace(r"\%", "%")) == wanted
    assert shlex.split(again.removeprefix("@reboot ").replace(r"\%", "%")) == [*wanted, "--catch-up"]
    assert "crontab -e" in str(plan.where)


@pytest.mark.parametrize(("timetable", "every", "start", "day"), [
    (Timetable(), "daily", "2026-01-01T06:00:00", None), (Timetable(17, 5, 3), "monthly", "2026-01-01T17:05:00", "3"),
])
def test_a_windows_task_runs_the_command_as_it_was_given(
    timetable: Timetable, every: str, start: str, day: str | None, tmp_path: Path
) -> None:
    plan = made("windows", timetable)
    (part,) = plan.parts
    write_parts(plan, tmp_path, force=False)
    task = ElementTree.fromstring((tmp_path / part.name).read_bytes())
    assert (tmp_path / part.name).read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff"), "it says it is UTF-16"

    def said(name: str) -> str | None:
        return task.findtext(f".//{SPACE}{name}")

    assert (said("Command"), windows_words(said("Arguments") or "")) == (
        COMMAND[0], [*COMMAND[1:], "schedule", "run", "--every", every])
    assert (said("StartBoundary"), said("Day"), said("StartWhenAvailable")) == (start, day, "true")
    assert said("Description") == f"recordkit review of {STORE}"
    assert (said("DaysInterval") is None) is (day is not None)
    assert len(task.findall(f".//{SPACE}Months/*")) == (0 if day is None else 12)
    assert str(plan.where) == "the Task Scheduler"
    assert plan.enable == (("schtasks", "/Create", "/TN", f"recordkit\\{NAME}", "/XML", f"{NAME}.xml"),)
    assert plan.disable == (("schtasks", "/Delete", "/TN", f"recordkit\\{NAME}"),)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("char", ["\n", "\x00", "\x1f", "\x7f"])
def test_a_path_with_a_control_character_is_refused_in_one_line(kind: Kind, char: str) -> None:
    with pytest.raises(InputRefused, match="control character") as refused:
        installation(kind, ["python", f"/srv/a{char}b"], Path(f"/srv/a{char}b"), Timetable())
    assert char not in str(refused.value.what) and "Rename" in str(refused.value)
    assert installation(kind, ["python", "/srv/a b~"], Path("/srv/a b~"), Timetable()).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_else_wrote_is_not_overwritten_unless_forced(kind: Kind, tmp_path: Path) -> None:
    plan = made(kind)
    names = [one.name or "crontab.txt" for one in plan.parts]
    last = tmp_path / names[-1]
    last.write_bytes(b"x" * 300 + b"recordkit")
    with pytest.raises(InputRefused, match=last.name) as refused:
        write_parts(plan, tmp_path, force=False)
    assert "--force" in str(refused.value)
    assert [one.name for one in tmp_path.iterdir()] == [last.name], "of several files none is written"
    write_parts(plan, tmp_path, force=True)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    assert sorted(before) == sorted(names)
    write_parts(plan, tmp_path, force=False)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before, "its own are written anew"
    assert len({made(kind).parts[0].name, installation(kind, COMMAND, Path("/other"), Timetable()).parts[0].name}) == (
        1 if kind == "cron" else 2), "stores are told apart"
