"""One store through ten simulated years: issued, filed, edited, held, boxed, reviewed, destroyed, backed up.

Run: ``python benchmarks/soak.py [--records N] [--years Y] [--keep DIR]`` (default: 2,000 records, ten years, a scratch
folder that goes). With ``--keep`` the store stays in DIR with what was measured (``soak.json``), and a run that was
stopped goes on at the step where it stopped.

After every year one line of sizes, then one of times. At the end ``verify``, ``ledger verify``, tools/verify_ledger.py,
a rebuild and a restore must agree, table by table, and no string planted in a record that was destroyed may be left in
the store, in the restored one or in the copy: else exit code 1. Everything goes by the real command line, called in
this process, but the mass of the records, which ``archive.filing`` files as born-digital and inherited ones. Two
classes have short periods here, so that orders of destruction come from the fifth year on. All files are in the page
cache; a search, a listing and opening are the best of three, an edit the mean of some.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from shared import pdf  # noqa: E402

from recordkit import files  # noqa: E402
from recordkit.archive.arrivals import pages_file  # noqa: E402
from recordkit.archive.filing import NewRecord, file_records  # noqa: E402
from recordkit.cli.main import run  # noqa: E402
from recordkit.model import PageText  # noqa: E402
from recordkit.store import open_store  # noqa: E402
from recordkit.templates.code import PrintedCode  # noqa: E402
from recordkit.workspace import Clock, Workspace  # noqa: E402

FIRST_YEAR = 2026
PEOPLE = (("admin", "administrator"), ("arch", "archivist"), ("appr", "appraiser"), ("lead", "approver"),
          ("w1", "supervisor"), ("w2", "supervisor"))
SHORT = {"visit-record": "3y", "meter-change-notice": "2y"}
"""Periods of the soak: from the year of the document, and from the next change of the meter."""
MIX = (("visit-record", 40), ("meter-change-notice", 25), ("supply-contract", 15), ("repair-order", 10),
       ("rectification-order", 5), ("call-record", 5))
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "建国志强秀英晓明丽华文静伟芳磊洋艳勇"
STREETS = ("文昌巷", "解放东路", "柳荫街", "河湾大道", "清源里", "水厂路", "北关街", "石桥弄")
_BATCH = 100
MARKS = ("龘靐", "qzxjv")
"""How the Chinese and the Latin part of every planted string begins: a file without either needs no second look."""


@dataclass
class Soak:
    """A run: where it stands, how large it is, and what is known so far (all of it plain JSON, in soak.json)."""

    folder: Path
    records: int
    years: int
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        """The store under test."""
        return self.folder / "store"

    @property
    def yearly(self) -> int:
        """Records filed in bulk each year."""
        return max(30, self.records // self.years)

    def load(self) -> None:
        """Take up what an earlier run left."""
        path = self.folder / "soak.json"
        if path.exists():
            self.state = json.loads(path.read_text("utf-8"))
            asked = [self.records, self.years]
            if self.state["asked"] != asked:
                raise SystemExit(f"{self.folder} holds a run of {self.state['asked']}, not of {asked}")
        else:
            self.state = {"asked": [self.records, self.years], "year": 0, "done": [], "row": {}, "rows": [],
                          "planted": {}}

    def save(self) -> None:
        """Keep what is known."""
        files.write_atomic(self.folder / "soak.json", json.dumps(self.state, ensure_ascii=False, indent=1).encode(),
                           overwrite=True)

    def ask(self, *arguments: object, day: str, expect: int = 0) -> Any:
        """One command line with ``--json``; the document it prints.

        Raises:
            RuntimeError: another exit code than ``expect``.
        """
        out, err = io.StringIO(), io.StringIO()
        if self.state.get("begun") and "--as" not in arguments:
            arguments = (*arguments, "--as", "arch")  # some classes are restricted
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["--store", str(self.store), "--lang", "zh", "--quiet", "--json", *map(str, arguments),
                        "--as-of", day])
        if code != expect:
            raise RuntimeError(f"exit {code} of {' '.join(map(str, arguments))}: {out.getvalue()[-500:]} "
                               f"{err.getvalue()[-1500:]}")
        return json.loads(out.getvalue()) if out.getvalue().strip() else None

    def by(self, person: str) -> tuple[object, ...]:
        """Arguments of an act that a person signs."""
        return ("--as", person, "--key", self.folder / "keys" / person)

    def opened(self, day: date) -> Workspace:
        """The store at noon of a day."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return open_store(self.store, Clock(lambda: noon, day), "soak")


Figures = dict[str, float]


@contextmanager
def measured(figures: Figures, name: str) -> Iterator[None]:
    """Add what the block takes: ``NAME_s`` wall clock, ``NAME_cpu`` processor time, of children that ended too."""
    begun, worked = time.perf_counter(), processor()
    yield
    figures[f"{name}_s"] = figures.get(f"{name}_s", 0.0) + time.perf_counter() - begun
    figures[f"{name}_cpu"] = figures.get(f"{name}_cpu", 0.0) + processor() - worked


def processor() -> float:
    """Processor seconds so far, of this process and of its children that have ended."""
    return time.process_time() + sum(os.times()[2:4])


def best(figures: Figures, name: str, work: Callable[[], object]) -> None:
    """Add the best of three runs."""
    runs: list[Figures] = []
    for _ in range(3):
        runs.append({})
        with measured(runs[-1], name):
            work()
    for key in runs[0]:
        figures[key] = min(one[key] for one in runs)


# --- what happens -----------------------------------------------------------------------------------------------


def begin(soak: Soak) -> None:
    """Make the store, its schedule, its people with their keys."""
    day = f"{FIRST_YEAR}-01-05"
    if not (soak.store / "recordkit.toml").exists():
        soak.ask("init", "--simulation", "--no-input", soak.store, day=day)
    settings = soak.store / "recordkit.toml"
    text = settings.read_text("utf-8").replace('register_titles = "title"', 'register_titles = "class"')
    settings.write_text(text, "utf-8")
    schedule = (soak.store / "retention.toml").read_text("utf-8")
    for name, period in SHORT.items():
        schedule = re.sub(rf'(id = "{name}"\nname = "[^"]+"\nperiod = )"[^"]+"', rf'\1"{period}"', schedule)
    changed = soak.folder / "retention.toml"
    changed.write_text(schedule, "utf-8")
    soak.ask("retention", "schedule", "adopt", changed, day=day)
    for place, (person, role) in enumerate(PEOPLE):
        if not (soak.folder / "keys" / person).exists():
            soak.ask("key", "create", soak.folder / "keys" / person, day=day)
        soak.ask("people", "add", person, "--name", f"姓名{person}", "--role", role, "--staff-no", f"G{place}", "--key",
                 soak.folder / "keys" / f"{person}.pub", day=day)
        os.environ["RECORDKIT_ADMIN_KEY"] = str(soak.folder / "keys" / "admin")


def issue_and_return(soak: Soak, year: int) -> Figures:
    """Documents of every form that takes its own sample; their signed papers come back through the inbox."""
    day, back = f"{year}-02-02", f"{year}-02-20"
    sample, numbers = soak.folder / "sample.json", []
    forms = [str(one["form"]) for one in soak.ask("forms", "list", day=day)["items"]]
    per_form = max(1, min(5, soak.yearly // 200))
    refused, figures = [], Figures()
    for form in forms:
        data = soak.ask("forms", "sample", form, day=day)
        files.write_atomic(sample, json.dumps([data] * per_form).encode(), overwrite=True)
        try:
            with measured(figures, "issue"):
                items = soak.ask("generate", form, "--data", sample, day=day)["items"]
        except RuntimeError as error:
            refused.append(f"{form}: {error}")
            continue
        numbers += [str(one["number"]) for one in items]
    if len(refused) > len(forms) // 4:
        raise RuntimeError("; ".join(refused[:3]))
    with closing(soak.opened(date.fromisoformat(back))) as workspace:
        wanted = ", ".join(f":n{place}" for place in range(len(numbers)))
        rows = workspace.db.all(f"SELECT issue_id FROM issues WHERE number IN ({wanted})",
                                {f"n{place}": number for place, number in enumerate(numbers)})
    for place, row in enumerate(rows):
        (soak.store / "inbox" / f"{year}-{place:04}.pdf").write_bytes(
            pdf(PrintedCode(row["issue_id"], 1, 1, 1).encode()))
    # What was printed is no record; the office clears its outbox.
    for path in (soak.store / "outbox").glob("*.docx"):
        path.unlink()
    with measured(figures, "ingest"):
        outcomes = [one["outcome"] for one in soak.ask("ingest", "--no-ocr", "--jobs", 1, day=back)["items"]]
    if outcomes != ["archived"] * len(rows):
        raise RuntimeError(f"{len(rows)} papers came back: {outcomes}")
    return figures | {"issued": len(numbers), "ingested": len(rows), "not_issued": len(refused)}


def file_bulk(soak: Soak, year: int) -> Figures:
    """The mass of the year's records; four visit records and two notices hold a planted string each."""
    day = date(year, 12, 1)
    figures, filed = Figures(), 0
    with measured(figures, "file"), closing(soak.opened(day)) as workspace:
        row = workspace.db.one("SELECT COUNT(*) AS n FROM records WHERE number LIKE :like", {"like": f"档〔{year}〕%"})
        start = int(row["n"]) if row is not None else 0
        while start < soak.yearly:
            end = min(start + _BATCH, soak.yearly)
            with workspace.writing() as writer, workspace.staging() as staging:
                news = [new_record(soak, year, number, staging) for number in range(start, end)]
                soak.save()  # the planted strings, before they are in the store
                file_records(writer, workspace, news, staging)
            filed, start = filed + end - start, end
    return figures | {"filed": filed}


def new_record(soak: Soak, year: int, number: int, staging: Path) -> NewRecord:
    """What is filed as the n-th record of a year; the same for the same numbers."""
    rng = random.Random(f"{year}/{number}")
    place = rng.randrange(100)
    record_class = next(name for name, upto in _upto() if place < upto)
    planted = ""
    if number in (1, 3):
        record_class, planted = "visit-record", plant(soak, f"档〔{year}〕{number:06}号")
    elif number == 5:
        record_class, planted = "meter-change-notice", plant(soak, f"档〔{year}〕{number:06}号")
    elif number == 7:
        record_class, planted = "supply-contract", plant(soak, f"档〔{year}〕{number:06}号")
    party = rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, 2)) + planted
    account = account_of(soak, year, number)
    address = f"{rng.choice(STREETS)}{rng.randrange(1, 400)}号{planted}"
    title = f"{party}{record_class}"
    on = date(year, 1, 1) + timedelta(days=number * 330 // soak.yearly)
    text = (f"户名：{party}\n户号：{account}\n地址：{address}\n水表编号S{year}{rng.randrange(10**6):06}\n"
            "供水单位应当保证水质。用水人应当按期交纳水费，逾期不交的，应当支付违约金。拆下的旧水表由供水人保管一个月。")
    original = staging / f"paper-{number}"
    files.draft_file(original, pdf(f"{year}/{number} {planted}"))
    # A fifth of the first two years came with codes of their own from an older catalogue.
    inherited = f"旧{year}-{number:06}" if year < FIRST_YEAR + 2 and number % 5 == 2 else None
    return NewRecord(
        record_class, title, on, 1,
        {"original.pdf": original, "text.json": pages_file([PageText(1, text, "embedded", "soak")])},
        files.digests_of(original), number=f"档〔{year}〕{number:06}号", code=inherited,
        extra={"party": party, "account": account, "address": address, "phone": f"139{rng.randrange(10**8):08}",
               "meters": [f"S{year}{number:06}"]})


def _upto() -> Iterator[tuple[str, int]]:
    upto = 0
    for name, share in MIX:
        upto += share
        yield name, upto


def account_of(soak: Soak, year: int, number: int) -> str:
    """Four records an account in all; those with a planted string have one each, which no hold or event names twice."""
    if number < 10:
        return f"009{year}{number:03}"
    return f"001{(year * 31 + number * 7919) % max(20, soak.records // 4):07}"


def plant(soak: Soak, number: str) -> str:
    """A string that stands nowhere else, for the document number it goes into."""
    rng = random.Random(f"planted {number}")
    made = (MARKS[0] + "".join(chr(rng.randrange(0x5000, 0x9F00)) for _ in range(4))
            + MARKS[1] + "".join(rng.choices("bcdfghjkmqvwxz", k=9)))
    soak.state["planted"][number] = made
    return made


def edit_some(soak: Soak, year: int) -> Figures:
    """Single edits with a reason, then many by a spreadsheet: visit records of the year get their boxes."""
    from openpyxl import load_workbook

    day, count = f"{year}-12-03", 5
    soak.ask("search", "文昌巷", "--limit", 1, day=day)  # the index takes in what was filed, outside of the edit
    figures = Figures()
    for number in range(10, 10 + count):
        with measured(figures, "edit"):
            soak.ask("edit", f"档〔{year}〕{number:06}号", "--set", f"备注=核对{year}", "--reason", "与原件核对",
                     day=day)
    sheet = soak.folder / "boxes.xlsx"
    with measured(figures, "sheet"):
        soak.ask("catalogue", "sheet", "--class", "visit-record", "--year", year, "--out", sheet, "--force", day=day)
    book = load_workbook(sheet)
    page = book.worksheets[0]
    rows, most = page.max_row - 1, max(4, soak.yearly // 4)
    if rows > most:
        page.delete_rows(most + 2, rows - most)
        rows = most
    box = next(cell.column for cell in page[1] if cell.value == "盒号")
    for row in range(2, rows + 2):
        page.cell(row, box).value = f"{year}-{(row - 2) // 50 + 1}"
    book.save(sheet)
    with measured(figures, "bulk"):
        soak.ask("edit", "--data", sheet, "--reason", "装盒", "--yes", day=day)
    sheet.unlink()
    soak.ask("box", "place", f"{year}-1", "--shelf", f"{year % 9 + 1}号库1架1层", day=day)
    return figures | {"edits": count, "bulk": rows}


def hold_and_tell(soak: Soak, year: int) -> Figures:
    """Holds of last year end, new ones begin; meters are changed again: events by a list; a project gets a volume."""
    day = f"{year}-12-06"
    for hold in soak.ask("hold", "list", day=day)["items"]:
        soak.ask("hold", "release", hold["hold"], "--reason", "已办结", day=day)
    accounts = sorted({account_of(soak, year, number) for number in range(20, min(26, soak.yearly))})
    names = [f"档〔{year}〕{number:06}号" for number in range(10, 20)]
    figures = Figures()
    with measured(figures, "hold"):
        for one in accounts:
            soak.ask("hold", "place", "--account", one, "--kind", "arrears", "--reason", "欠费", day=day)
        soak.ask("hold", "place", *names[:3], "--kind", "complaint", "--reason", "投诉", day=day)
    listed = soak.folder / "changed.csv"
    told = [one for one in range(min(soak.yearly, 3_000)) if one % 3 != 1 or one == 1]
    with listed.open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle).writerows([["户号", "日期", "事件"], *(
            [account_of(soak, year, one), f"{year}-12-05", "next-replacement"] for one in told)])
    with measured(figures, "events"):
        soak.ask("event", "import", listed, "--account-column", "户号", "--date-column", "日期",
                 "--type-column", "事件", day=day)
    volume = soak.ask("volume", "create", "--project", f"{year}年管网改造", day=day)["code"]
    soak.ask("volume", "add", volume, *names[3:9], day=day)
    soak.ask("volume", "close", volume, "--arranged-by", "soak", day=day)
    return figures | {"holds": len(accounts) + 1, "events": len(told)}


def destroy_due(soak: Soak, year: int) -> Figures:
    """One order of all that is due, to its end; goes on with one that was begun."""
    day = f"{year}-12-12"
    figures = Figures()
    with measured(figures, "review"):
        due = soak.ask("retention", "review", "--decision", "due", day=day)["items"]
    open_orders = [one for one in soak.ask("destruction", "list", day=day)["items"]
                   if one["status"] not in ("completed", "closed", "withdrawn")]
    figures["due"] = len(due)
    if not due and not open_orders:
        return figures

    def step(name: str, *arguments: object) -> Any:
        with measured(figures, name):
            return soak.ask("destruction", *arguments, day=day)

    order = str((open_orders or [step("propose", "propose", "--due", *soak.by("arch"))])[0]["order"])
    while True:
        shown = soak.ask("destruction", "show", order, day=day)
        signed = len(shown["signatures"])
        status = shown["status"]
        if status == "proposed":
            step("sign", "appraise", order, "--all", "destroy", *soak.by("appr"))
        elif status == "appraised":
            step("sign", "approve", order, *soak.by("lead"))
        elif status == "approved":
            step("sign", "sign", order, *soak.by("w1" if signed == 0 else "w2"))
        elif status in ("signed", "executing"):
            word = ("--confirm", shown["confirm"]) if shown.get("confirm") else ()
            done = step("execute", "execute", order, "--place", "档案室", "--method", "删除", "--as", "w1", *word)
            assert all(one["outcome"] == "destroyed" for one in done["items"]), done["items"][:3]
        elif status == "executed":
            step("complete", "complete", order, *soak.by("w1"))
            step("complete", "complete", order, *soak.by("w2"))
        else:
            assert status == "completed", shown
            break
    return figures | {"destroyed": len(shown["items"])}


def look_after(soak: Soak, year: int) -> Figures:
    """Backup, checkpoint, verify of a sample; then a search, a listing and opening, each the best of three."""
    day, copy = f"{year}-12-28", soak.folder / "copy"
    figures = Figures()
    for name, once in {
        "index": ("search", "柳荫街", "--limit", 1),
        "backup": ("backup", "--to", copy),
        "checkpoint": ("ledger", "checkpoint", "--out", soak.folder / f"checkpoint-{year}", "--force",
                       *soak.by("admin")),
        "verify": ("verify", "--sample", 5),
    }.items():
        with measured(figures, name):
            soak.ask(*once, day=day)
    for name, again in {
        "search": ("search", "文昌巷12号", "--limit", 20),
        "few": ("search", f"S{year}000012", "--limit", 20),
        "list": ("catalogue", "list", "--class", "supply-contract", "--year", year, "--limit", 50),
        "account": ("catalogue", "list", "--account", account_of(soak, year, 12)),
    }.items():
        best(figures, name, lambda again=again: soak.ask(*again, day=day))  # type: ignore[misc]
    best(figures, "open", lambda: soak.opened(date.fromisoformat(day)).close())
    with closing(soak.opened(date.fromisoformat(day))) as workspace:
        for status in ("active", "destroyed"):
            row = workspace.db.one("SELECT COUNT(*) AS n FROM records WHERE status = :status", {"status": status})
            figures[f"{status}_all"] = row["n"] if row is not None else 0
        figures["entries"] = workspace.db.cursor().seq
    for name in ("objects", "index", "ledger", "notes", "issued"):
        figures[f"{name}_mb"] = size_of(soak.store / name) / 1e6
    figures["catalogue_mb"] = (soak.store / "catalogue.sqlite3").stat().st_size / 1e6
    return figures


STEPS: tuple[Callable[[Soak, int], Figures], ...] = (
    issue_and_return, file_bulk, edit_some, hold_and_tell, destroy_due, look_after)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as inside:
                for one in inside:
                    if one.is_dir(follow_symlinks=False):
                        waiting.append(one.path)
                    else:
                        total += one.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return total


# --- memory -----------------------------------------------------------------------------------------------------


def forget_peak() -> None:
    """Begin the peak of this process's memory anew, where the system can (Linux)."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> tuple[float, float]:
    """Highest memory of this process since ``forget_peak``, and of the largest child so far, in MB.

    Linux never tells less of a child than its parent had when it began it: the second figure is an upper bound.
    """
    status = Path("/proc/self/status")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if status.exists():
        own = int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])  # type: ignore[index]
    return own / 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


# --- the end ----------------------------------------------------------------------------------------------------


def judge(soak: Soak) -> list[str]:
    """Everything that does not agree at the end; empty when all does. What took how long goes into the state."""
    day = f"{FIRST_YEAR + soak.years - 1}-12-30"
    faults: list[str] = []
    took: dict[str, float] = {}

    def must(name: str, work: Callable[[], bool]) -> None:
        begun = time.perf_counter()
        try:
            holds = work()
        except RuntimeError as error:
            holds, name = False, f"{name}: {error}"
        took[name.partition(":")[0]] = time.perf_counter() - begun
        if not holds:
            faults.append(name)

    must("verify", lambda: soak.ask("verify", day=day)["ok"])
    checkpoints = [part for path in sorted(soak.folder.glob("checkpoint-*")) for part in ("--against", path)]
    must("ledger verify", lambda: soak.ask("ledger", "verify", *checkpoints, day=day)["ok"])
    tool = Path(__file__).resolve().parent.parent / "tools" / "verify_ledger.py"
    must("tools/verify_ledger.py", lambda: subprocess.run(
        [sys.executable, str(tool), str(soak.store), "--lang", "en"], capture_output=True, check=False).returncode == 0)
    before, found = soak.folder / "before.sqlite3", hits(soak, day)
    copied(soak.store / "catalogue.sqlite3", before)
    must("rebuild", lambda: soak.ask("rebuild", day=day) is not None)
    faults += [f"rebuild: {told}" for told in differing(before, soak.store / "catalogue.sqlite3")]
    if hits(soak, day) != found:
        faults.append("rebuild: other hits")
    target = soak.folder / "restored"
    if target.exists():
        files.remove_tree(target)
    must("restore", lambda: _restore(soak, target, day))
    if target.exists():
        faults += [f"restore: {told}" for told in differing(before, target / "catalogue.sqlite3")]
    before.unlink()
    begun = time.perf_counter()
    faults += left_of_destroyed(soak, [soak.store, target, soak.folder / "copy"])
    took["look for planted strings"] = time.perf_counter() - begun
    soak.state["end"] = took
    soak.save()
    return faults


def _restore(soak: Soak, target: Path, day: str) -> bool:
    whole = RestoredSoak(soak.folder, soak.records, soak.years, soak.state)
    whole.ask("restore", soak.folder / "copy", "--ledger", soak.store, day=day)
    return bool(whole.ask("verify", day=day)["ok"] and whole.ask("ledger", "verify", day=day)["ok"])


class RestoredSoak(Soak):
    """The same run, with the restored store in place of the store."""

    @property
    def store(self) -> Path:
        """The restored store."""
        return self.folder / "restored"


def hits(soak: Soak, day: str) -> list[object]:
    """What some searches find, without what differs from run to run."""
    found = [soak.ask("search", words, "--limit", 50, day=day) for words in ("文昌巷12号", "柳荫街", "李建国", "1234")]
    return [[one["total"], sorted(item["record_id"] for item in one["items"])] for one in found]


def copied(source: Path, target: Path) -> None:
    """A copy of a database as it is now, whatever its write-ahead log holds."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as db:
        db.execute("VACUUM INTO ?", (str(target),))


def differing(one: Path, other: Path) -> list[str]:
    """Tables of which two catalogues do not hold the same rows, with how many."""
    told = []
    with closing(sqlite3.connect(one)) as db:
        db.execute("ATTACH ? AS other", (str(other),))
        lists = [{row[0] for row in db.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")}
                 for schema in ("main", "other")]
        told += [f"table {name} is not in both" for name in sorted(lists[0] ^ lists[1])]
        for name in sorted(lists[0] & lists[1]):
            counts = []
            for left, right in (("main", "other"), ("other", "main")):
                rows = f"SELECT * FROM {left}.{name} EXCEPT SELECT * FROM {right}.{name}"
                counts.append(db.execute(f"SELECT COUNT(*) FROM ({rows})").fetchone()[0])
            if any(counts):
                told.append(f"table {name}: {counts[0]} rows are only in the one, {counts[1]} only in the other")
    return told


def left_of_destroyed(soak: Soak, folders: Sequence[Path]) -> list[str]:
    """Files in which a string of a destroyed record is left; and what says that the search itself is blind."""
    db = sqlite3.connect(soak.store / "catalogue.sqlite3")
    with closing(db):
        active = {str(row[0]) for row in db.execute("SELECT number FROM records WHERE status = 'active'")}
    planted: Mapping[str, str] = soak.state["planted"]
    gone = {words for number, words in planted.items() if number not in active}
    kept = {words for number, words in planted.items() if number in active}
    soak.state["gone"] = len(gone)
    needles = {form: words for words in gone | kept for form in forms_of(words[:6], words[6:])}
    marks = list(forms_of(*MARKS))
    faults, seen = [], set[str]()
    for folder in folders:
        for path in (one for one in folder.rglob("*") if one.is_file()):
            for data in (path.name.encode(), *unpacked(path.read_bytes())):
                if not any(mark in data for mark in marks):
                    continue
                there = {words for form, words in needles.items() if form in data}
                seen |= there
                if there & gone:
                    faults.append(f"{path.relative_to(soak.folder)} holds a string of a destroyed record")
    faults += ["a string of a record that is kept was not found"] * (not kept <= seen)
    if not gone and soak.years > 4:
        faults.append("no record with a planted string was destroyed")
    return faults


def forms_of(chinese: str, latin: str) -> Iterator[bytes]:
    """How the parts of a string may stand in a file."""
    for text in (chinese, latin):
        for code in ("utf-8", "utf-16-le", "utf-16-be"):
            yield text.encode(code)
    yield chinese.encode("gb18030")
    yield chinese.encode("unicode_escape")


def unpacked(data: bytes) -> Iterator[bytes]:
    """The bytes, and the members of a ZIP."""
    yield data
    if data[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            for name in package.namelist():
                yield from unpacked(package.read(name))


# --- the run ----------------------------------------------------------------------------------------------------

SIZES = (("year", "year", "0"), ("active_all", "records", ",.0f"), ("destroyed_all", "destroyed", ",.0f"),
         ("entries", "entries", ",.0f"), ("objects_mb", "objects", ",.1f"), ("index_mb", "index", ",.1f"),
         ("catalogue_mb", "catalogue", ",.1f"), ("ledger_mb", "ledger", ",.1f"), ("notes_mb", "notes", ",.2f"),
         ("issued_mb", "issued", ",.2f"), ("rss_mb", "memory", ",.0f"), ("child_mb", "a child", ",.0f"))
TIMES = (("file", "file/1000"), ("ingest", "paper"), ("edit", "edit"), ("bulk", "bulk/1000"), ("hold", "hold"),
         ("events", "events/1000"), ("review", "review"), ("propose", "propose"), ("sign", "sign x4"),
         ("execute", "execute"), ("complete", "complete"), ("index", "indexing"), ("search", "search"),
         ("few", "few hits"), ("list", "list"), ("account", "account"), ("open", "open"), ("verify", "verify 5%"),
         ("backup", "backup"), ("checkpoint", "checkpoint"))
PER = {"file": ("filed", 1000), "bulk": ("bulk", 1000), "events": ("events", 1000), "ingest": ("ingested", 1),
       "edit": ("edits", 1), "hold": ("holds", 1)}
"""What a time is told for: so many of this amount."""


def heads() -> str:
    """What stands in the lines of a year."""
    return (f"sizes in MB: {' | '.join(head for _, head, _ in SIZES)}\n"
            f"seconds, and processor seconds: {' | '.join(head for _, head in TIMES)} | records in the order")


def told(row: Mapping[str, float]) -> str:
    """The lines of a year."""
    lines = [" | ".join(format(row[key], form) if key in row else "-" for key, _, form in SIZES)]
    for kind in ("s", "cpu"):
        cells = []
        for name, _ in TIMES:
            amount, unit = PER.get(name, ("", 1))
            took = row.get(f"{name}_{kind}")
            cells.append("-" if took is None else f"{took * unit / max(1, row[amount] if amount else 1):.3g}")
        lines.append(f"{kind:>3}: " + " | ".join([*cells, format(row.get("destroyed", 0), ",.0f")]))
    return "\n".join(lines)


def live(soak: Soak, say: Callable[[str], object]) -> None:
    """The years that are still to come."""
    soak.load()
    os.environ["RECORDKIT_PASSPHRASE"] = "soak-passphrase"
    os.environ["RECORDKIT_ADMIN_KEY"] = str(soak.folder / "keys" / "admin")
    if not soak.state.get("begun"):
        os.environ.pop("RECORDKIT_ADMIN_KEY")
        begin(soak)
        soak.state["begun"] = True
        soak.save()
    say(heads())
    for row in soak.state["rows"]:
        say(told(row))
    while soak.state["year"] < soak.years:
        year = FIRST_YEAR + soak.state["year"]
        forget_peak()
        for step in STEPS:
            if step.__name__ in soak.state["done"]:
                continue
            found = step(soak, year)
            soak.state["row"] |= found
            soak.state["done"].append(step.__name__)
            soak.save()
        own, child = peak_mb()
        row = {"year": year, **soak.state["row"], "rss_mb": own, "child_mb": child}
        soak.state |= {"year": soak.state["year"] + 1, "done": [], "row": {}, "rows": [*soak.state["rows"], row]}
        soak.save()
        say(told(row))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, judge; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--keep", type=Path, metavar="DIR")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(folder.resolve(), chosen.records, chosen.years)
        live(soak, lambda text: print(text, flush=True))
        faults = judge(soak)
        for name, took in soak.state["end"].items():
            print(f"{name}: {took:.1f} s")
        print("\n".join(faults) if faults else f"all agree; {soak.state['gone']} planted strings are gone", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
