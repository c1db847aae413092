"""Objects and ledger are the archive: all else is derived from them again, row by row and hit by hit.

One store in which most kinds of act were done: papers issued and filed, edited, held, destroyed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, clock_at
from papers import pdf_bytes

from recordkit.cli import demo
from recordkit.cli.main import run
from recordkit.notes import new_note, read_note, store_note
from recordkit.store import open_store
from recordkit.workspace import Workspace

ISSUED, FILED, LATER = "2026-11-20", "2026-12-01", "2037-01-15"
NOTICE, VISIT = "换通〔2026〕0001号", "回访〔2026〕00002号"
SAID = {
    "edit": "核对户籍后更正",
    "title": "更正后的题名：二号院改造",
    "box": "甲柜第三层",
    "hold": "邻里纠纷诉讼中",
    "release": "双方已经和解",
    "void": "客户改口不办了",
    "event": "用户销户申请获准",
    "account hold": "欠费追缴期间",
    "withdraw": "名单有误重新提出",
    "revoke": "调往营业二所",
    "onsite": "见证签收人董晟",
}


def dumped(workspace: Workspace) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in an order of its own; ``meta`` too, which holds the cursor and the schema's digest.

    Row numbers that SQLite gives by itself are not columns and are left out.
    """
    names = [row["name"] for row in workspace.db.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: sorted((tuple(row) for row in workspace.db.all(f"SELECT * FROM {name}")), key=repr) for name in names
    }


def leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The store, and every value of the documents issued in it that is about a customer."""
    folder = tmp_path_factory.mktemp("lived-in")
    demo.prepare_folder(folder)
    store = folder / "档案 库"
    keys = folder / "keys"
    before = {name: os.environ.get(name) for name in ("RECORDKIT_PASSPHRASE", "RECORDKIT_ADMIN_KEY")}

    def do(*arguments: object, day: str = FILED, expect: int = 0) -> Any:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["--store", str(store), "--lang", "en", "--json", *map(str, arguments), "--as-of", day])
        assert code == expect, (arguments, out.getvalue(), err.getvalue())
        return json.loads(out.getvalue()) if out.getvalue() else None

    def by(person: str) -> tuple[object, ...]:
        return ("--as", person, "--key", keys / person)

    try:
        os.environ["RECORDKIT_PASSPHRASE"] = "demo-passphrase"
        do("init", "--simulation", "--no-input", store, day=ISSUED)
        for arguments in demo.ISSUING:
            do(*[folder / one if one.startswith("data/") else one for one in arguments], day=ISSUED)
        values = [
            leaf
            for path in (store / "issued").glob("*.jsonl")
            for line in path.read_text(encoding="utf-8").splitlines()
            for leaf in leaves([json.loads(line)["values"], json.loads(line)["title"], json.loads(line)["account"]])
        ]
        do("ingest", folder / "scans", "--no-ocr")
        do("ingest", folder / "scans" / "12-no-code.pdf", "--no-ocr", "--class", "visit-record", "--set",
           "题名=一件没有编码的回访", "--set", "户号=0012009999")
        do("edit", NOTICE, "--set", f"题名={SAID['title']}", "--reason", SAID["edit"])
        do("edit", NOTICE, "--set", f"盒号={SAID['box']}", "--reason", SAID["edit"])
        do("issued", "void", "换通〔2026〕0004号", "--reason", SAID["void"])
        do("issued", "complete", NOTICE, *[part for name, value in {
            "旧表行度": "1068", "旧铅封状态": "完好", "新表起度": "0", "新表铅封完好度": "完好",
            "换表时间": "2026-11-26 09:25", "客户签收": SAID["onsite"], "签收时间": "2026-11-26 09:30",
        }.items() for part in ("--set", f"{name}={value}")])
        hold = do("hold", "place", VISIT, "--kind", "litigation", "--reason", SAID["hold"])["hold"]
        do("hold", "release", hold, "--reason", SAID["release"])
        do("hold", "place", "--account", "0012005244", "--kind", "debt", "--reason", SAID["account hold"])
        do("hold", "place", VISIT, "--kind", "complaint", "--reason", SAID["hold"])
        (folder / "closing.pdf").write_bytes(pdf_bytes(text="closing"))
        account = do("issued", "show", "供合〔2026〕0001号")["fields"]["account"]
        do("ingest", folder / "closing.pdf", "--no-ocr", "--class", "account-closing", "--set", f"户号={account}")
        do("event", "reject", do("event", "proposed")["items"][0]["proposal"], "--reason", SAID["event"])
        do("event", "add", "contract-ended", "--date", "2026-11-30", "供合〔2026〕0001号", "--note", SAID["event"])
        do("event", "add", "contract-ended", "--date", "2026-11-30", "--account", "0012005377")
        hold = do("hold", "place", "--account", "0012005377", "--kind", "other", "--reason", SAID["hold"])["hold"]
        do("hold", "extend", hold, "--until", "2027-12-31", "--reason", SAID["hold"])
        do("hold", "release", hold, "--reason", SAID["release"])
        event = do("event", "add", "completed", "--date", "2026-11-30", "--account", "0012005377")["event"]
        event = do("event", "revise", event, "--date", "2026-11-29", "--reason", SAID["event"])["event"]
        do("event", "withdraw", event, "--reason", SAID["event"])
        for number, (person, role) in enumerate(
            [("admin", "administrator"), ("arch", "archivist"), ("appr", "appraiser"), ("lead", "approver"),
             ("w1", "supervisor"), ("w2", "supervisor"), ("gone", "clerk")]
        ):
            do("key", "create", keys / person)
            do("people", "add", person, "--name", person, "--role", role, "--staff-no", f"G{number}",
               "--key", keys / f"{person}.pub")
            os.environ["RECORDKIT_ADMIN_KEY"] = str(keys / "admin")
        do("people", "revoke", "gone", "--reason", SAID["revoke"])
        order = do("destruction", "propose", "回访〔2026〕00001号", *by("arch"), day=LATER)["order"]
        do("destruction", "withdraw", order, "--reason", SAID["withdraw"], day=LATER)
        order = do("destruction", "propose", "回访〔2026〕00001号", *by("arch"), day=LATER)["order"]
        do("destruction", "appraise", order, "--all", "destroy", *by("appr"), day=LATER)
        do("destruction", "approve", order, *by("lead"), day=LATER)
        for person in ("w1", "w2"):
            do("destruction", "sign", order, *by(person), day=LATER)
        do("destruction", "execute", order, "--place", "档案室", "--method", "粉碎", "--as", "w1", day=LATER)
        for person in ("w1", "w2"):
            do("destruction", "complete", order, *by(person), day=LATER)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    return store, values


@pytest.fixture
def archive(lived_in: tuple[Path, list[str]], tmp_path: Path) -> Path:
    """A copy of the store."""
    shutil.copytree(lived_in[0], tmp_path / "库")
    return tmp_path / "库"


def opened(root: Path) -> Workspace:
    return open_store(root, clock_at(date.fromisoformat(LATER)), "test")


def test_the_store_has_seen_every_act_but_those_of_mishaps(archive: Path) -> None:
    workspace = opened(archive)
    acts = {entry.act for entry, _ in workspace.ledger.read()}
    workspace.close()
    assert acts >= {
        "store.created", "issue.issued", "issue.voided", "issue.completed", "record.filed", "record.edited",
        "record.destroyed", "event.added", "event.withdrawn", "event.declined", "hold.placed", "hold.extended",
        "hold.released", "person.added", "person.revoked",
        "order.proposed", "order.withdrawn", "order.appraised", "order.approved", "order.signed", "order.intended",
        "order.executed", "order.completed",
    }


QUERIES = ("魏堃", "柳荫街", "1108", "题名", "更正", "回访", "number:换通", "title:二号院", "account:0012005244",
           "甲柜", "没有编码", "清源市 OR 回访", "换通 -0001", "表", "0012005120", "唐喆")


def test_catalogue_and_index_are_the_same_again_from_objects_and_ledger_alone(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = Cli(archive, capsys)

    def answers() -> dict[str, object]:
        found = {}
        for query in QUERIES:
            result = cli.json("search", query, "--facets", "--limit", "0")
            del result["took_ms"]
            found[query] = result
        return found

    asked = answers()
    assert sum(one["total"] > 0 for one in asked.values()) > 8  # type: ignore[index]
    assert asked["唐喆"]["total"] == 0, "what was destroyed is in no answer"  # type: ignore[index]
    workspace = opened(archive)
    rows = dumped(workspace)
    workspace.close()
    assert sum(len(one) for one in rows.values()) > 50
    assert {name for name, one in rows.items() if one} >= {
        "meta", "people", "issues", "voids", "completions", "records", "code_serials", "retention_events",
        "retention_event_records", "declined_events", "holds", "hold_records", "orders", "order_items",
        "order_signatures"}
    for path in archive.glob("catalogue.sqlite3*"):
        path.unlink()
    shutil.rmtree(archive / "index")
    workspace = opened(archive)
    assert dumped(workspace) == rows
    workspace.close()
    assert answers() == asked
    # And by the command, over tables and an index that are there.
    done = cli.json("rebuild")
    assert done["entries"] == len((archive / "ledger" / "ledger-000001.jsonl").read_bytes().splitlines())
    workspace = opened(archive)
    assert dumped(workspace) == rows
    workspace.close()
    assert answers() == asked


def test_an_entry_applied_twice_changes_nothing(archive: Path) -> None:
    workspace = opened(archive)
    rows = dumped(workspace)
    entries = [entry for entry, _ in workspace.ledger.read()]
    with workspace.db.transaction():
        for entry in entries:
            workspace._apply_one(entry)
    assert dumped(workspace) == rows, "the whole ledger once more"
    cursor = workspace.db.cursor()
    with workspace.db.transaction():
        workspace.db.reset()
        for entry in entries:
            workspace._apply_one(entry)
            workspace._apply_one(entry)
        workspace.db.set_cursor(cursor)
    assert dumped(workspace) == rows, "each entry twice in a row"
    workspace.close()


def test_the_ledger_holds_nothing_about_a_customer_and_no_free_text(lived_in: tuple[Path, list[str]]) -> None:
    store, values = lived_in
    ledger = "".join(path.read_text(encoding="utf-8") for path in (store / "ledger").glob("*.jsonl"))
    about = {one for one in values if re.search(r"[一-鿿].*[一-鿿]|\d{8}", one)}
    assert {"陈堃", "0012003456", "13900000001", "清源市河湾区柳荫街12号3幢2单元501室", "唐喆"} <= about
    assert len(about) > 80
    assert [one for one in sorted(about) if one in ledger] == []
    assert [one for one in SAID.values() if one in ledger] == []
    assert "0012009999" not in ledger
    notes = "".join(path.read_text(encoding="utf-8") for path in (store / "notes").rglob("*.json"))
    assert SAID["account hold"] in notes


def test_the_same_reason_twice_gives_digests_that_nobody_can_compare_or_guess(tmp_path: Path) -> None:
    import hashlib

    from recordkit.model import canonical_json

    content = {"reason": "欠费"}
    first, second = new_note(content), new_note(content)
    assert first[0] != second[0]
    guesses = {hashlib.sha256(guess).hexdigest() for guess in (
        "欠费".encode(), canonical_json(content), canonical_json({"content": content}),
        canonical_json({"content": content, "salt": ""}))}
    assert not guesses & {first[0], second[0]}
    assert len(json.loads(first[1])["salt"]) == 32
    for digest, data in (first, second):
        store_note(tmp_path, "R1", digest, data)
        assert read_note(tmp_path, "R1", digest) == content
    path = tmp_path / "notes" / "R1" / f"{first[0]}.json"
    path.write_bytes(path.read_bytes().replace("欠费".encode(), "付清".encode()))
    assert read_note(tmp_path, "R1", first[0]) is None


def test_the_same_hold_twice_leaves_no_equal_digests_in_the_ledger(archive: Path) -> None:
    workspace = opened(archive)
    holds = [entry.body for entry, _ in workspace.ledger.read() if entry.act == "hold.placed"]
    workspace.close()
    marks = [leaf for body in holds for leaf in leaves(body) if re.fullmatch("[0-9a-f]{64}", leaf)]
    assert len(marks) == len(set(marks)) == 4
