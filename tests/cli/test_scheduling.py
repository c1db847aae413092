"""The review that comes by itself: list, mail, command; and what each system is told to run it."""

from __future__ import annotations

import json
import os
import re
import shlex
import ssl
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import Cli
from mail_server import PASSWORD, USER, certificate, free_port, mail_server

from recordkit.archive.filing import file_generated
from recordkit.retention.reminding import runs_missed
from recordkit.workspace import Workspace

# The server of the tests may ask for a password, and speak an old protocol; the program under test has to refuse.
pytestmark = [pytest.mark.filterwarnings("ignore:Requiring AUTH"),
              pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")]
DAY = ("--as-of", "2037-01-15")
NEXT = ("--as-of", "2037-01-16")
TITLES = ("甲回访记录", "乙回访记录")


@pytest.fixture
def office(cli: Cli, workspace: Workspace) -> Cli:
    """Two visit records, due from 2037."""
    for title in TITLES:
        with workspace.writing() as writer:
            file_generated(writer, workspace, record_class="visit-record", title=title, on=date(2026, 11, 18),
                           content={"original.json": title.encode(), "text.json": b'{"pages": []}'}, fields={})
    return cli


def configure(office: Cli, **sections: dict[str, object]) -> None:
    path = office.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    for name in ("review", "mail", *sections):
        text = re.sub(rf"^\[{name}\]\n(?:(?!\[).*\n?)*", "", text, flags=re.MULTILINE)
    for name, values in sections.items():
        text += f"\n[{name}]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
                                          for key, value in values.items())
    path.write_text(text, encoding="utf-8")


def mail(port: int, **more: object) -> dict[str, object]:
    return {"host": "localhost", "port": port, "sender": "archive@example.com", "receivers": ["a@example.com"], **more}


def lists(office: Cli) -> list[str]:
    folder = office.store / "outbox" / "review"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# --- the list ---------------------------------------------------------------------------------------------------


def test_a_run_writes_the_dated_list_and_its_exit_code_says_that_something_is_due(office: Cli) -> None:
    run = office.json("schedule", "run", *DAY, expect=10)
    assert (run["due"], run["written"], run["last"], run["missed"]) == (2, True, None, 0)
    assert lists(office) == ["review-2037-01-15.docx", "review-2037-01-15.ids"]
    early = office.json("schedule", "run", "--as-of", "2030-01-01")
    assert early["due"] == 0


def test_a_second_run_on_the_same_day_does_nothing_again_and_the_next_day_keeps_the_list_before(office: Cli) -> None:
    office("schedule", "run", *DAY, expect=10)
    first = (office.store / "outbox" / "review" / "review-2037-01-15.docx").read_bytes()
    again = office.json("schedule", "run", *DAY, expect=10)
    assert again["written"] is False
    assert (office.store / "outbox" / "review" / "review-2037-01-15.docx").read_bytes() == first
    office("schedule", "run", *NEXT, expect=10)
    assert lists(office) == ["review-2037-01-15.docx", "review-2037-01-15.ids", "review-2037-01-16.docx",
                             "review-2037-01-16.ids"]
    assert (office.store / "outbox" / "review" / "review-2037-01-15.docx").read_bytes() == first


def test_a_second_run_on_a_day_on_which_something_changed_writes_the_list_anew(office: Cli) -> None:
    office("schedule", "run", *DAY, expect=10)
    office("hold", "place", "C001-KF·2026-D10-KFZ-0001", "--kind", "debt", "--reason", "欠款", *DAY)
    run = office.json("schedule", "run", *DAY, expect=10)
    assert (run["written"], run["due"]) == (True, 1)


def test_the_formats_of_the_settings_are_written(office: Cli) -> None:
    configure(office, review={"formats": ["xlsx", "json"], "within_days": 0})
    office("schedule", "run", *DAY, expect=10)
    assert lists(office) == ["review-2037-01-15.ids", "review-2037-01-15.json", "review-2037-01-15.xlsx"]
    data = json.loads((office.store / "outbox" / "review" / "review-2037-01-15.json").read_bytes())
    assert [one["title"] for one in data["items"]] == list(TITLES)


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(office: Cli) -> None:
    configure(office, mail=mail(free_port()), review={"command": ["no-such-program"]})
    run = office.json("schedule", "run", "--dry-run", *DAY, expect=10)
    assert (run["mail"]["state"], run["command"]["state"], run["written"]) == ("would", "would", False)
    assert "1. Write the list" in office("schedule", "run", "--dry-run", *DAY, expect=10)
    assert lists(office) == [] and not (office.store / "work" / "review.json").exists()


@pytest.mark.parametrize(
    ("last", "today", "every", "missed"),
    [
        ("2037-01-15", "2037-01-15", "daily", 0), ("2037-01-15", "2037-01-16", "daily", 0),
        ("2037-01-15", "2037-01-18", "daily", 2), ("2037-01-31", "2037-02-01", "monthly", 0),
        ("2036-12-01", "2037-01-31", "monthly", 0), ("2036-11-30", "2037-01-01", "monthly", 1),
        ("2037-02-01", "2037-01-01", "daily", 0), ("2037-02-01", "2037-01-01", "monthly", 0),
    ],
)
def test_the_number_of_missed_runs_follows_from_the_last_one(last, today, every, missed) -> None:
    assert runs_missed(date.fromisoformat(last), date.fromisoformat(today), every) == missed


def test_a_run_that_finds_the_last_ones_missing_says_so(office: Cli) -> None:
    office("schedule", "run", *DAY, expect=10)
    office("schedule", "run", "--as-of", "2037-01-19", expect=10)
    assert "3 runs did not come; the last one was on 2037-01-15" in office.err
    run = office.json("schedule", "run", "--every", "monthly", "--as-of", "2037-04-01", expect=10)
    assert (run["last"], run["missed"]) == ("2037-01-19", 2)


def test_catching_up_runs_only_what_has_not_come_yet(office: Cli) -> None:
    assert office.json("schedule", "run", "--catch-up", *DAY, expect=10)["needed"] is True
    assert office.json("schedule", "run", "--catch-up", *DAY)["needed"] is False
    office("schedule", "run", "--catch-up", "--every", "monthly", "--as-of", "2037-01-31")
    assert "has come already" in office.err
    assert office.json("schedule", "run", "--catch-up", "--every", "monthly", "--as-of", "2037-02-01",
                       expect=10)["needed"] is True


def test_a_damaged_note_of_the_last_run_is_no_run(office: Cli) -> None:
    for damage in (b"", b"{}", b'{"day": "x", "digest": 1, "mailed": 1, "started": 1}', b"\xff", b"[]", b"null"):
        (office.store / "work" / "review.json").write_bytes(damage)
        assert office.json("schedule", "run", *DAY, expect=10)["last"] is None


def test_an_edited_schedule_is_told_by_the_run(office: Cli) -> None:
    path = office.store / "retention.toml"
    path.write_bytes(path.read_bytes() + b"\n# x\n")
    assert office.json("schedule", "run", *DAY, expect=10)["schedule_changed"] is True


def test_two_runs_at_once_do_not_write_over_each_other(office: Cli) -> None:
    from recordkit import files

    configure(office, locks={"wait_seconds": 0.0})
    with files.locked(office.store / "work" / "locks" / "review", 0):
        office("schedule", "run", *DAY, expect=6)
        assert lists(office) == []
    office("schedule", "run", *DAY, expect=10)


def test_a_run_on_another_day_than_today_is_refused_in_a_real_store(office: Cli, tmp_path: Path) -> None:
    office.store = tmp_path / "real"
    office("init", office.store, "--no-input")
    office("schedule", "run", *DAY, expect=8)
    assert lists(office) == []
    office("schedule", "run")


# --- mail -------------------------------------------------------------------------------------------------------


def test_the_mail_holds_counts_and_the_path_and_no_title(office: Cli) -> None:
    with mail_server() as inbox:
        configure(office, mail=mail(inbox.port, security="none", receivers=["a@example.com", "b@example.com"]))
        run = office.json("schedule", "run", *DAY, expect=10)
    assert run["mail"]["state"] == "done"
    (message,), (receivers,) = inbox.messages, inbox.receivers
    assert receivers == ["a@example.com", "b@example.com"]
    assert message["Subject"] == "[某某市自来水有限公司] 2 records due for appraisal (2037-01-15)"
    assert message["Auto-Submitted"] == "auto-generated"
    body = message.get_content()
    assert "review-2037-01-15.docx" in body and "回访记录  due  2  2037-01-01" in body
    assert not any(title in body for title in TITLES)
    assert [part for part in message.walk() if part.get_filename()] == []
    assert message["Subject"].isascii() is False and inbox.raw[0].isascii()


def test_the_list_is_attached_only_where_the_settings_say_so_under_its_chinese_name(
    office: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit.cli import i18n

    before = i18n.tr
    names = {"Records due for appraisal": "到期档案清单"}
    monkeypatch.setattr("recordkit.cli.scheduling.tr", lambda text: names.get(text) or before(text))
    with mail_server() as inbox:
        configure(office, mail=mail(inbox.port, security="none", contents="list"),
                  review={"formats": ["docx", "xlsx"]})
        office("schedule", "run", *DAY, expect=10)
    attached = {part.get_filename(): part.get_content() for part in inbox.messages[0].iter_attachments()}
    assert set(attached) == {"到期档案清单 2037-01-15.docx", "到期档案清单 2037-01-15.xlsx"}
    for name, content in attached.items():
        assert content == (office.store / "outbox" / "review" / f"review-2037-01-15{name[-5:]}").read_bytes()


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_login_goes_over_tls_with_the_password_of_the_environment(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    cert, context = certificate(tmp_path)
    with mail_server(**{way: context}, login=True) as inbox:
        configure(office, mail=mail(inbox.port, security=way, user=USER, ca_file=str(cert)))
        run = office.json("schedule", "run", *DAY, expect=4)
        assert "no password" in run["mail"]["reason"] and inbox.messages == []
        monkeypatch.setenv("RECORDKIT_MAIL_PASSWORD", PASSWORD)
        run = office.json("schedule", "run", *DAY, expect=10)
    assert run["mail"]["state"] == "done" and len(inbox.messages) == 1
    for path in office.store.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()


def test_the_password_comes_from_a_file_outside_the_store_that_nobody_else_may_read(
    office: Cli, tmp_path: Path
) -> None:
    cert, context = certificate(tmp_path)
    secret = tmp_path / "口令"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    inside = office.store / "secret"
    inside.write_text(PASSWORD)
    with mail_server(starttls=context, login=True) as inbox:
        def reason(file: Path | str, mode: int) -> str:
            secret.chmod(mode)
            configure(office, mail=mail(inbox.port, user=USER, ca_file=str(cert), password_file=str(file)))
            return str(office.json("schedule", "run", *DAY, expect=4)["mail"]["reason"])

        assert "lies in the store" in reason(inside, 0o600)
        assert "lies in the store" in reason("secret", 0o600)
        assert "cannot be read" in reason(tmp_path / "missing", 0o600)
        if os.name != "nt":
            assert "read by others" in reason(secret, 0o644)
        secret.chmod(0o600)
        configure(office, mail=mail(inbox.port, user=USER, ca_file=str(cert), password_file=str(secret)))
        assert office.json("schedule", "run", *DAY, expect=10)["mail"]["state"] == "done"


@pytest.mark.parametrize("wrong", ["falsch-77", "错误口令"])
def test_a_wrong_password_is_told_without_it_and_the_list_lies_in_the_outbox(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    cert, context = certificate(tmp_path)
    monkeypatch.setenv("RECORDKIT_MAIL_PASSWORD", wrong)
    with mail_server(starttls=context, login=True) as inbox:
        configure(office, mail=mail(inbox.port, user=USER, ca_file=str(cert)))
        office("--quiet", "schedule", "run", *DAY, expect=4)
    assert "refused user or password" in office.err and wrong not in office.err
    assert inbox.messages == [] and "review-2037-01-15.docx" in lists(office)


def test_a_server_that_offers_no_encryption_gets_neither_password_nor_mail(
    office: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDKIT_MAIL_PASSWORD", PASSWORD)
    with mail_server() as inbox:
        configure(office, mail=mail(inbox.port, user=USER))
        run = office.json("schedule", "run", *DAY, expect=4)
    assert "does not offer" in run["mail"]["reason"] and inbox.messages == []


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_certificate_that_is_not_trusted_or_another_server_s_gets_nothing(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("RECORDKIT_MAIL_PASSWORD", PASSWORD)
    cert, context = certificate(tmp_path, "mail.example.org")
    with mail_server(**{way: context}, login=True) as inbox:
        for trusted in ({}, {"ca_file": str(cert)}):
            configure(office, mail=mail(inbox.port, security=way, user=USER, **trusted))
            reason = office.json("schedule", "run", *DAY, expect=4)["mail"]["reason"]
            assert "is not trusted" in reason, reason
    assert inbox.messages == []


def test_an_old_protocol_is_refused(office: Cli, tmp_path: Path) -> None:
    cert, context = certificate(tmp_path)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with mail_server(starttls=context) as inbox:
        configure(office, mail=mail(inbox.port, ca_file=str(cert)))
        assert office.json("schedule", "run", *DAY, expect=4)["mail"]["state"] == "failed"
    assert inbox.messages == []


def test_a_server_that_is_away_fails_the_mail_alone_and_the_next_run_of_the_day_sends_it(office: Cli) -> None:
    configure(office, mail=mail(free_port(), security="none"))
    office("--quiet", "schedule", "run", *DAY, expect=4)
    assert "cannot be reached" in office.err and "outbox" in office.err
    assert "review-2037-01-15.docx" in lists(office)
    with mail_server() as inbox:
        configure(office, mail=mail(inbox.port, security="none"))
        office("schedule", "run", *DAY, expect=10)
        again = office.json("schedule", "run", *DAY, expect=10)
    assert (len(inbox.messages), again["mail"]["state"]) == (1, "done-before")


def test_a_receiver_whom_the_server_refuses_is_named_and_the_others_get_the_mail(office: Cli) -> None:
    with mail_server() as inbox:
        inbox.refuses = {"b@example.com"}
        configure(office, mail=mail(inbox.port, security="none", receivers=["a@example.com", "b@example.com"]))
        run = office.json("schedule", "run", *DAY, expect=4)
    assert inbox.receivers == [["a@example.com"]]
    assert "b@example.com (550" in run["mail"]["reason"] and "\x1b" not in run["mail"]["reason"]


def test_nothing_is_mailed_while_nothing_is_due_unless_always(office: Cli) -> None:
    with mail_server() as inbox:
        configure(office, mail=mail(inbox.port, security="none"))
        assert office.json("schedule", "run", "--as-of", "2030-01-01")["mail"]["state"] == "nothing-due"
        configure(office, mail=mail(inbox.port, security="none", when="always"))
        assert office.json("schedule", "run", "--as-of", "2030-01-02")["mail"]["state"] == "done"
    assert len(inbox.messages) == 1


def test_a_company_name_with_a_line_break_makes_no_header_of_its_own(office: Cli) -> None:
    path = office.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('name = "某某市自来水有限公司"', 'name = "公司\\r\\nBcc: x@example.com"', 1),
                    encoding="utf-8")
    with mail_server() as inbox:
        configure(office, mail=mail(inbox.port, security="none"))
        office("schedule", "run", *DAY, expect=10)
    assert inbox.messages[0]["Bcc"] is None and inbox.receivers == [["a@example.com"]]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"receivers": []}, "mail.receivers"),
        ({"receivers": ["a@example.com\r\nBcc: x@example.com"]}, "mail.receivers[0]"),
        ({"receivers": ["甲"]}, "mail.receivers[0]"),
        ({"sender": ""}, "mail.sender"),
        ({"host": "mail example"}, "mail.host"),
        ({"host": "mail.example.com", "security": "none", "user": "u"}, "in the clear"),
        ({"port": 0}, "mail.port"),
        ({"password": "x"}, "mail.password"),
    ],
)
def test_wrong_settings_of_the_mail_are_named(office: Cli, values: dict[str, object], said: str) -> None:
    configure(office, mail={**mail(25), **values})
    office("schedule", "run", *DAY, expect=3)
    assert said in office.err


# --- command ----------------------------------------------------------------------------------------------------


def test_the_command_gets_its_arguments_as_they_are_and_no_shell_and_no_password(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDKIT_MAIL_PASSWORD", PASSWORD)
    out = tmp_path / "said.json"
    program = "import json,os,sys; json.dump([sys.argv[2:], sorted(os.environ)], open(sys.argv[1], 'w'))"
    configure(office, review={"command": [sys.executable, "-c", program, str(out), "{file}", "{due} 件", "{date}",
                                          "$HOME; rm -rf x", "{other}"]})
    run = office.json("schedule", "run", *DAY, expect=10)
    assert run["command"]["state"] == "done"
    arguments, names = json.loads(out.read_text())
    file = office.store / "outbox" / "review" / "review-2037-01-15.docx"
    assert arguments == [str(file), "2 件", "2037-01-15", "$HOME; rm -rf x", "{other}"]
    assert "RECORDKIT_MAIL_PASSWORD" not in names and "PATH" in names
    out.unlink()
    assert office.json("schedule", "run", *DAY, expect=10)["command"]["state"] == "done-before"
    assert not out.exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["no-such-program-anywhere"], "cannot be started"),
        ([sys.executable, "-c", "import sys; sys.exit('kaputt')"], "exit code 1 kaputt"),
        ([sys.executable, "-c", "import signal; signal.pause()"], "took longer"),
    ],
)
def test_a_command_that_fails_is_told_and_the_list_lies_in_the_outbox(
    office: Cli, command: list[str], said: str
) -> None:
    configure(office, review={"command": command, "command_seconds": 1.0})
    office("--quiet", "schedule", "run", *DAY, expect=4)
    assert said in office.err and "review-2037-01-15.docx" in lists(office)


# --- what a destruction leaves of the lists ---------------------------------------------------------------------


def test_a_list_outside_the_outbox_of_a_store_is_not_written_into_the_store(office: Cli) -> None:
    office("retention", "review", "--out", office.store / "l.docx", *DAY, expect=2)
    office("retention", "review", "--out", office.store / "outbox" / "l.docx", *DAY)
    assert (office.store / "outbox" / "l.ids").is_file()


# --- install ----------------------------------------------------------------------------------------------------


def test_the_systemd_units_name_store_and_time_and_make_up_for_missed_runs(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "units"
    plan = office.json("schedule", "install", "--kind", "systemd", "--daily", "6:30", "--out", out)
    assert plan["installed"] is False
    service, timer = (Path(one).read_text(encoding="utf-8") for one in plan["files"])
    assert "OnCalendar=*-*-* 06:30:00\nPersistent=true\n" in timer
    (line,) = (one for one in service.splitlines() if one.startswith("ExecStart="))
    assert shlex.split(line.removeprefix("ExecStart=")) == [
        sys.executable, "-m", "recordkit", "--store", str(office.store.resolve()), "--lang", "en", "schedule", "run",
        "--every", "daily"]
    assert "SuccessExitStatus=10" in service
    monthly = office.json("schedule", "install", "--kind", "systemd", "--monthly", "3", "--at", "22:05", "--out", out)
    assert "OnCalendar=*-*-03 22:05:00\n" in monthly["parts"][1]["text"]
    assert '"--every" "monthly"' in monthly["parts"][0]["text"]


def test_signs_that_mean_something_in_units_and_crontabs_are_taken_as_they_are(office: Cli, tmp_path: Path) -> None:
    root = tmp_path / "a%b $HOME 'x' \"y\" \\z"
    office.store.rename(root)
    office.store = root
    service = office.json("schedule", "install", "--kind", "systemd", "--dry-run")["parts"][0]["text"]
    resolved = str(root.resolve())
    escaped = resolved.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    assert f'"{escaped}"' in service
    (part,) = office.json("schedule", "install", "--kind", "cron", "--daily", "00:05")["parts"]
    head, line, boot = part["text"].splitlines()
    assert line.startswith("5 0 * * * ") and boot.startswith("@reboot ") and boot.endswith(" --catch-up")
    # What cron hands to the shell: \% is %, and a bare one would end the command.
    assert "%" not in line.replace(r"\%", "")
    words = shlex.split(line.removeprefix("5 0 * * * ").replace(r"\%", "%"))
    assert words[words.index("--store") + 1] == resolved


def test_a_path_with_a_line_break_is_refused(office: Cli, tmp_path: Path) -> None:
    root = tmp_path / "a\nb"
    office.store.rename(root)
    office.store = root
    for kind in ("systemd", "cron", "windows"):
        office("schedule", "install", "--kind", kind, "--dry-run", expect=3)
        assert "line break" in office.err


def test_the_windows_task_is_xml_in_the_encoding_it_names_and_starts_when_it_was_missed(
    office: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "任务"
    plan = office.json("schedule", "install", "--kind", "windows", "--monthly", "28", "--out", out)
    (path,) = plan["files"]
    root = ElementTree.fromstring(Path(path).read_bytes())
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert root.findtext(".//t:StartWhenAvailable", namespaces=space) == "true"
    assert root.findtext(".//t:DaysOfMonth/t:Day", namespaces=space) == "28"
    assert len(root.findall(".//t:Months/*", space)) == 12
    assert root.findtext(".//t:Command", namespaces=space) == sys.executable
    arguments = root.findtext(".//t:Arguments", namespaces=space)
    assert f'"{office.store.resolve()}"' in arguments and "schedule run --every monthly" in arguments
    assert plan["enable"][0].startswith("schtasks /Create")


def test_cron_and_windows_are_printed_with_the_place_they_go_to(office: Cli) -> None:
    assert "schedule run --every daily" in office("schedule", "install", "--kind", "cron")
    assert "crontab -e" in office.err
    assert "<StartWhenAvailable>" in office("schedule", "install", "--kind", "windows")
    assert "Task Scheduler" in office.err


def fake_systemctl(folder: Path, code: int) -> Path:
    """A systemctl that notes how it was called: there is no user's systemd in a test."""
    folder.mkdir()
    path = folder / "systemctl"
    path.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/calls"\necho "Failed to connect to bus" >&2\nexit {code}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder / "calls"


def test_the_timer_is_written_for_the_user_and_switched_on(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    calls = fake_systemctl(tmp_path / "bin", 0)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    dry = office.json("schedule", "install", "--kind", "systemd", "--dry-run")
    assert not calls.exists() and not (tmp_path / "config").exists()
    for _ in range(2):
        assert office.json("schedule", "install", "--kind", "systemd")["installed"] is True
    timer = Path(dry["files"][1])
    assert timer.parent == tmp_path / "config" / "systemd" / "user" and timer.is_file()
    assert calls.read_text().splitlines() == ["--user daemon-reload", f"--user enable --now {timer.name}"] * 2
    office("schedule", "install", "--kind", "systemd", "--monthly", "2")
    assert "on day 2 of every month at 06:00" in office.err
    timer.write_text("[Timer]\nOnCalendar=daily\n")
    office("schedule", "install", "--kind", "systemd", expect=3)
    assert timer.read_text() == "[Timer]\nOnCalendar=daily\n"
    office("schedule", "install", "--kind", "systemd", "--force")
    assert "recordkit" in timer.read_text()


def test_a_timer_that_cannot_be_switched_on_is_said_with_what_to_run(
    office: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    fake_systemctl(tmp_path / "bin", 1)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    office("schedule", "install", "--kind", "systemd", expect=4)
    assert "Failed to connect to bus" in office.err and "systemctl --user enable --now" in office.err


def test_wrong_times_and_days_are_refused(office: Cli, tmp_path: Path) -> None:
    for arguments in (["--daily", "24:00"], ["--daily", "6"], ["--daily", "6:5"], ["--monthly", "29"],
                      ["--monthly", "0"], ["--daily", "6:00", "--monthly", "1"], ["--at", "6:00"]):
        office("schedule", "install", "--kind", "cron", *arguments, expect=2)
        assert arguments[0] in office.err
    office.store = tmp_path / "nowhere"
    office("schedule", "install", "--kind", "cron", expect=5)


def test_the_printed_command_runs_the_review(office: Cli) -> None:
    (part,) = office.json("schedule", "install", "--kind", "cron")["parts"]
    line = part["text"].splitlines()[1].split(" ", 5)[5]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, env=environment, cwd="/")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert len(lists(office)) == 2
