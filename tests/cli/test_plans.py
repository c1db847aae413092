"""Every command with --dry-run prints its plan the same way, in words, and changes nothing."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest
from conftest import clock_at
from openpyxl import load_workbook
from papers import pdf_bytes, word_file
from scans import signed_paper
from terminal import Terminal

from recordkit import files
from recordkit.archive.filing import NewRecord, file_generated, file_record
from recordkit.cli.main import cli as command_line
from recordkit.cli.main import run
from recordkit.cli.words import ACTS
from recordkit.store import open_store
from recordkit.templates.forms import shipped_forms

SECRET = "of a test"
NOW = ("--as-of", "2037-01-15")
PEOPLE = {"admin": "administrator", "arch": "archivist", "lin": "archivist", "appr": "appraiser", "lead": "approver",
          "w1": "supervisor", "w2": "supervisor"}
CODE = "C001-KF·2026-D10-KFZ-{:04}"


def call(store: Path, *arguments: object, lang: str = "en") -> tuple[int, str, str]:
    """Exit code, standard output and talk of one command line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["--store", str(store), "--lang", lang, *map(str, arguments)])
    return code, out.getvalue(), err.getvalue()


def done(store: Path, *arguments: object, day: tuple[str, str] = NOW) -> Any:
    code, out, err = call(store, *arguments, *day, "--json")
    assert code in (0, 4), f"{arguments}\n{out}\n{err}"
    return json.loads(out) if out else None


class Office:
    """A store in which something of everything waits, and what the commands need outside of it."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.store = room / "档案 库"
        self.named: dict[str, str] = {}
        done(self.store, "init", "--simulation", "--no-input", self.store, day=("--as-of", "2026-11-20"))
        self.numbers = [
            done(self.store, "generate", form, "--data", shipped_forms() / form / "sample.toml",
                 day=("--as-of", "2026-11-20"))["items"][0]
            for form in ("supply-contract", "meter-change-notice", "visit-record", "meter-change-notice")
        ]
        self._file_records()

    def _file_records(self) -> None:
        workspace = open_store(self.store, clock_at(date(2026, 11, 20)), "test")
        try:
            for at in range(24):
                with workspace.writing() as writer:
                    file_generated(writer, workspace, record_class="visit-record", title=f"{at}号回访记录",
                                   on=date(2026, 11, 18), content={
                                       "original.json": f"{at}".encode(), "text.json": b'{"pages": []}'}, fields={})
            for kind, day, number, fields in (
                ("supply-contract", date(2015, 3, 1), "供合〔2015〕0007号", {}),
                ("account-transfer", date(2026, 9, 1), "过户〔2026〕0001号",
                 {"former_contract_no": "供合〔2015〕0007号", "completed_on": "2026-10-08", "decision": "同意"}),
            ):
                with workspace.writing() as writer, workspace.staging() as staging:
                    scan = staging / "paper"
                    files.write_atomic(scan, number.encode())
                    file_record(writer, workspace, NewRecord(
                        kind, f"{number}文件", day, 1, {"original.txt": scan}, files.digests_of(scan), number=number,
                        form=kind, fields=fields, extra={"account": "0012003456", "party": "陈堃"}), staging)
        finally:
            workspace.close()


def fill(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring the store to where every command has something to do."""
    store, room, named = office.store, office.room, office.named
    for at, (person, role) in enumerate(PEOPLE.items()):
        done(store, "key", "create", room / person)
        done(store, "people", "add", person, "--name", f"姓名{person}", "--role", role, "--staff-no", f"G{at}", "--key",
             room / f"{person}.pub")
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(room / "admin"))

    def by(person: str) -> tuple[object, ...]:
        return "--as", person, "--key", room / person

    done(store, "backup", "--to", room / "copy")
    done(store, "key", "create", room / "other")
    inbox = store / "inbox"
    (inbox / "waits.pdf").write_bytes(pdf_bytes(text="Letter"))
    (inbox / "broken.pdf").write_bytes(b"no pdf")
    items = done(store, "ingest", "--no-ocr", "--jobs", 1)["items"]
    assert [one["outcome"] for one in items] == ["quarantined", "unmatched"]
    named["waiting"] = done(store, "unmatched", "list")["items"][0]["key"]
    named["bad"] = done(store, "quarantine", "list")["items"][0]["key"]
    signed_paper(room / "signed.pdf", office.numbers[0]["issue_id"], pages=1)
    (room / "scan.pdf").write_bytes(pdf_bytes(text="Attachment"))
    named["open"] = done(store, "volume", "create", "--project", "一期工程")["code"]
    named["closed"] = done(store, "volume", "create", "--project", "二期工程")["code"]
    done(store, "volume", "add", named["open"], CODE.format(1))
    done(store, "volume", "add", named["closed"], CODE.format(7))
    done(store, "volume", "close", named["closed"])
    done(store, "box", "place", "9", "--shelf", "1号库")
    done(store, "edit", CODE.format(2), "--set", "盒号=7", "--reason", "装盒")
    contract = ("contract-ended", "供合〔2015〕0007号")
    named["event"] = done(store, "event", "add", *contract, "--date", "2030-01-01")["event"]
    named["proposal"] = done(store, "event", "proposed")["items"][0]["proposal"]
    named["hold"] = done(store, "hold", "place", CODE.format(3), "--kind", "debt", "--reason", "欠费")["hold"]
    orders = []
    for at in range(10, 15):
        order = done(store, "destruction", "propose", CODE.format(at), *by("arch"))["order"]
        steps = (("appraise", order, "--all", "destroy", *by("appr")), ("approve", order, *by("lead")),
                 ("sign", order, *by("w1")), ("sign", order, *by("w2")),
                 ("execute", order, "--as", "w1", "--place", "档案室", "--method", "删除"))
        for step in steps[: {10: 0, 11: 1, 12: 2, 13: 4, 14: 5}[at]]:
            done(store, "destruction", *step)
        orders.append(str(order))
    named |= dict(zip(("proposed", "appraised", "approved", "signed", "executed"), orders, strict=True))
    shutil.copytree(store, room / "early")
    lossy = shutil.copytree(store, room / "lossy")
    for at in (20, 21):
        record = done(lossy, "show", CODE.format(at))["record_id"]
        shutil.rmtree(next(one for one in (lossy / "objects").rglob(f"*{record}") if one.is_dir()))
    lost = ("--no-copy", "--reason", "水淹")
    named["loss"] = done(lossy, "lost", "register", CODE.format(20), *lost, *by("admin"))["loss"]
    named["handover"] = done(store, "handover", "--to", "lin", *by("arch"))["handover"]
    done(store, "export", CODE.format(4), "--out", room / "bag")
    word_file(room / "form.docx", "申请表", "户名：{{ customer_name }}")
    (room / "accounts.csv").write_text("户号,日期\n0012003456,2031-01-01\n", "utf-8")
    (room / "boxes.csv").write_text("原盒号,新盒号\n7,8\n", "utf-8")
    done(store, "catalogue", "sheet", "--class", "visit-record", "--out", room / "sheet.xlsx")
    book = load_workbook(room / "sheet.xlsx")
    for cell in (cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value == "15号回访记录"):
        cell.value = "第十五号回访记录"
    book.save(room / "sheet.xlsx")
    spec = tomllib.loads((shipped_forms() / "meter-change-notice" / "form.toml").read_text("utf-8"))
    onsite = {one["key"]: one["example"] for one in spec["fields"] if one.get("stage") == "onsite"}
    (room / "onsite.json").write_text(json.dumps(onsite, ensure_ascii=False, default=str), "utf-8")
    next((store / "outbox").glob("*.docx")).unlink()
    call(store, "search", "回访记录")
    (room / "visits.json").write_text(json.dumps([done(store, "forms", "sample", "visit-record")] * 25), "utf-8")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("RECORDKIT_PASSPHRASE", SECRET)
        made = Office(tmp_path_factory.mktemp("plans"))
        fill(made, monkeypatch)
        yield made


CASES: Mapping[str, str] = {
    "init": "--simulation",
    "forms new": "own-form --from {room}/form.docx",
    "generate": "visit-record --data {room}/visits.json",
    "issued complete": "换通〔2026〕0001号 --data {room}/onsite.json",
    "issued render": "--missing",
    "issued void": "换通〔2026〕0002号 --reason 填错",
    "ingest": "{room}/signed.pdf --no-ocr --jobs 1",
    "unmatched drop": "{waiting} --reason 全黑",
    "quarantine drop": "{bad} --reason 全黑",
    "match": "{waiting} 供合〔2026〕0001号",
    "edit": "C001-KF·2026-D10-KFZ-0005 --set 题名=第五号 --reason 更正",
    "volume add": "{open} C001-KF·2026-D10-KFZ-0006",
    "volume close": "{open} --note 缺第3页",
    "volume create": "--account 0012003456 --as arch",
    "volume note": "{open} --title 一期",
    "volume remove": "{open} C001-KF·2026-D10-KFZ-0001 --reason 放错 --as arch",
    "volume reopen": "{closed} --reason 补卷 --as arch",
    "box forget": "9",
    "box place": "7 --shelf 2号库",
    "box rename": "7 8 --reason 换盒",
    "event add": "contract-ended 供合〔2015〕0007号 --date 2031-01-01",
    "event confirm": "--all",
    "event import": "{room}/accounts.csv --type contract-ended",
    "event reject": "{proposal} --reason 不属实",
    "event revise": "{event} --date 2030-02-01 --reason 日期有误",
    "event withdraw": "{event} --reason 没有发生",
    "hold extend": "{hold} --until 2040-01-01 --reason 未还",
    "hold import": "{room}/accounts.csv --kind arrears --reason 欠费",
    "hold place": "C001-KF·2026-D10-KFZ-0004 C001-KF·2026-D10-KFZ-0005 --kind litigation --reason 应诉",
    "hold release": "{hold} --reason 还清",
    "retention schedule adopt": "--as arch",
    "people add": "new --name 新人 --role clerk --staff-no G99 --key {room}/other.pub",
    "people revoke": "w2 --reason 调离",
    "key create": "{room}/another",
    "destruction propose": "--due --as arch",
    "destruction appraise": "{proposed} --all destroy --as appr --key {room}/appr",
    "destruction approve": "{appraised} --as lead --key {room}/lead",
    "destruction sign": "{approved} --as w1 --key {room}/w1",
    "destruction execute": "{signed} --as w1",
    "destruction complete": "{executed} --as w1 --key {room}/w1",
    "destruction withdraw": "{proposed} --reason 暂缓",
    "ledger checkpoint": "--out {room}/checkpoint.json",
    "ledger export": "--out {room}/ledger.jsonl",
    "export": "C001-KF·2026-D10-KFZ-0006 --out {room}/bag2",
    "import": "{room}/bag",
    "handover": "--to lin --as arch",
    "handover accept": "{handover} --as lin --key {room}/lin",
    "handover withdraw": "{handover} --reason 改期 --as arch --key {room}/arch",
    "backup": "--to {room}/copy",
    "mend": "{room}/copy",
    "restore": "{room}/copy --ledger {store}/ledger",
    "lost register": "C001-KF·2026-D10-KFZ-0021 --no-copy --reason 水淹 --as admin --key {room}/admin",
    "lost confirm": "{loss} --as arch --key {room}/arch",
    "lost withdraw": "{loss} --reason 找到 --as admin --key {room}/admin",
    "rebuild": "",
    "config accept": "",
    "schedule install": "--daily 06:00 --kind cron --out {room}/cron",
    "schedule run": "",
}
"""What stands behind each command that has --dry-run."""

ALSO: tuple[tuple[str, str], ...] = (
    ("ingest", "--attach-to 供合〔2015〕0007号 {room}/scan.pdf --no-ocr --jobs 1"),
    ("edit", "--data {room}/sheet.xlsx --reason 统一题名"),
    ("volume create", "--per-account"),
    ("box rename", "--data {room}/boxes.csv --reason 换盒"),
    ("hold place", "--query 回访记录 --kind inspection --reason 检查"),
    ("hold place", "--data {room}/accounts.csv --kind arrears --reason 欠费"),
    ("hold place", "--account 0012003456 --kind arrears --reason 欠费"),
    ("destruction propose", "C001-KF·2026-D10-KFZ-0006 --as arch"),
    ("issued complete", "供合〔2026〕0001号 --collected 身份证"),
)
"""Other ways in which some of them are called."""

CHANGED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "config accept": {"recordkit.toml": ("supervisor_excludes = [\"proposer\", ", "supervisor_excludes = [")},
    "retention schedule adopt": {"retention.toml": ("# ", "# 2037年复核 ")},
}
"""What must have been changed by hand before a command has anything to do."""

ELSEWHERE = {"handover": "early", "restore": "back", "init": "new", "lost register": "lossy",
             "lost confirm": "lossy", "lost withdraw": "lossy"}
"""Commands that are called with another store: before a handover was proposed, one with losses, or where none is."""

DUE = {"schedule run": 10, "restore": 4}
"""Exit codes that say something else than done."""


def commands_with_dry_run() -> Iterator[str]:
    """All of them, by walking the command line itself."""
    def walk(command: click.Command, words: tuple[str, ...], context: click.Context) -> Iterator[str]:
        if any("--dry-run" in one.opts for one in command.params):
            yield " ".join(words)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from walk(found, (*words, name), context)

    yield from walk(command_line, (), click.Context(command_line))


def digest_of_tree(room: Path) -> dict[str, str]:
    """Every file by its content, but for locks and what SQLite keeps beside its file."""
    return {str(one.relative_to(room)): hashlib.sha256(one.read_bytes()).hexdigest()
            for one in sorted(room.rglob("*"))
            if one.is_file() and "locks" not in one.parts and not one.name.endswith(("-wal", "-shm"))}


def arguments_of(office: Office, name: str, more: str = "") -> list[str]:
    names = {**office.named, "room": str(office.room), "store": str(office.store)}
    return [*name.split(), *(word.format(**names) for word in shlex.split(more or CASES[name]))]


@pytest.fixture(autouse=True)
def _signing(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", SECRET)
    monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(office.room / "admin"))


def test_every_command_with_a_dry_run_is_tried_here() -> None:
    assert set(commands_with_dry_run()) == set(CASES)


@pytest.mark.parametrize(("name", "more"), [*CASES.items(), *ALSO])
def test_a_dry_run_ends_by_saying_that_nothing_was_changed_and_how_it_is_done(
    name: str, more: str, office: Office, request: pytest.FixtureRequest
) -> None:
    for file, (old, new) in CHANGED.get(name, {}).items():
        text = (office.store / file).read_text("utf-8")
        assert old in text
        request.addfinalizer(lambda place=office.store / file, text=text: place.write_text(text, "utf-8"))
        (office.store / file).write_text(text.replace(old, new, 1), "utf-8")
    before = digest_of_tree(office.room)
    words = arguments_of(office, name, more)
    store = office.room / ELSEWHERE.get(name, office.store.name)
    code, out, err = call(store, *words, "--dry-run", *NOW)
    assert code == DUE.get(name, 0), f"{out}\n{err}"
    last = err.strip().splitlines()[-1]
    marked, _, command = last.partition("Nothing was changed. Without --dry-run it is done: ")
    if name == "mend":
        assert last == "Nothing was changed, and there is nothing to do."  # nothing is damaged
    else:
        assert not marked, f"{out}\n{err}"
        assert shlex.split(command) == ["recordkit", "--store", str(store), "--lang", "en", *words, *NOW]
        assert re.search(r"^ *1\. \S", out, re.MULTILINE), f"no list of what will happen:\n{out}"
    raw = [act for act in ACTS if re.search(rf"(?<![\w/]){re.escape(act)}(?!\w)", out + err) and "." in act]
    assert not raw, f"acts are named as the ledger names them: {raw}"
    assert digest_of_tree(office.room) == before


def test_a_terminal_is_shown_the_first_twenty_and_a_pipe_all(office: Office) -> None:
    words = ["--store", str(office.store), "--lang", "en", *arguments_of(office, "generate"), "--dry-run", *NOW]
    _, out, _ = call(office.store, *words[4:])
    assert len(re.findall(r"^ *\d+\. Issue", out, re.MULTILINE)) == 25
    terminal = Terminal("-m", "recordkit", *words)
    try:
        assert terminal.ends() == 0
        shown = terminal.screen
    finally:
        terminal.close()
    assert re.findall(r"^ *(\d+)\. Issue", shown, re.MULTILINE) == [str(one) for one in range(1, 21)]
    assert "… and 5 more. All of them go into a file with: recordkit --store" in shown
    assert "In all: 25 document(s); 0 row(s) refused, 0 left out." in shown


def test_json_of_a_rehearsed_act_has_its_steps_in_words(office: Office) -> None:
    _, out, _ = call(office.store, *arguments_of(office, "box place"), "--dry-run", "--json", *NOW)
    plan = json.loads(out)
    assert (plan["dry_run"], plan["acts"], plan["total"]) == (True, ["box.placed"], 1)
    assert plan["items"][0] == {"what": "Say where the box stands", "object": "7", "title": "",
                                "before": "nobody has said", "after": "2号库"}


def test_accounts_that_would_be_held_with_their_records_stand_in_the_plan(office: Office) -> None:
    words = ("hold", "place", "供合〔2015〕0007号", "--with-accounts", "--kind", "debt", "--reason", "欠费")
    _, out, err = call(office.store, *words, "--dry-run", *NOW)
    assert [line.split("  ")[1] for line in out.splitlines()] == ["C001-KF·2015-D30-KFZ-0001", "account 0012003456"]
    assert "In all: 2." in err
