"""The guide to bad days is true: each is made, and whoever types the commands gets out of it, seeing what is shown.

A block ``text NAME`` tells what happened; here it does happen, to a store made anew: ``_HARMS``.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from guides import ROOT, Block, Step, Walk, blocks_of, run_line
from papers import pdf_bytes
from shim import stand_in_the_way
from small_archive import make_small_archive

from recordkit import files

PAGES = {"en": ROOT / "docs" / "troubleshooting.md", "zh": ROOT / "docs" / "troubleshooting.zh-CN.md"}
DAY = "2037-01-15"
LEDGER = Path("archive/ledger/ledger-000001.jsonl")
STAFF = (("admin", "方敏", "G001", ("administrator", "archivist")), ("zhao", "赵强", "G002", ("approver",)),
         ("qian", "钱进", "G003", ("supervisor",)), ("sun", "孙莉", "G004", ("supervisor",)))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, its keys, a copy (``copy``), one that is an entry older (``older``), and a checkpoint."""
    root = tmp_path_factory.mktemp("office")
    make_small_archive(root / "archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("RECORDKIT_STORE", "archive")
        patch.setenv("RECORDKIT_PASSPHRASE", "guide-passphrase")
        patch.setenv("RECORDKIT_ADMIN_KEY", "keys/admin.key")
        Path("keys").mkdir()

        def do(*arguments: str) -> str:
            code, out, err = run_line([*arguments, "--as-of", DAY])
            assert code == 0, err
            return out

        for person, name, number, roles in STAFF:
            do("key", "create", f"keys/{person}.key")
            do("people", "add", person, "--name", name, "--staff-no", number, "--key", f"keys/{person}.key.pub",
               *(word for role in roles for word in ("--role", role)))
        do("search", "文昌巷")
        Path("visit.json").write_text(do("forms", "sample", "visit-record", "--json"), encoding="utf-8")
        do("ledger", "checkpoint", "--out", "checkpoint.json", "--key", "keys/admin.key")
        do("backup", "--to", "older")
        do("hold", "place", "回访〔2026〕00001号", "--kind", "complaint", "--reason", "投诉尚未办结")
        do("backup", "--to", "copy")
    Path(root / "paper.pdf").write_bytes(pdf_bytes(text="visit"))
    return root


def _entry(number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(LEDGER.read_bytes().splitlines()[number - 1])
    return found


def _flip(path: Path, where: int) -> None:
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)


def _original() -> Path:
    return sorted(Path("archive/objects").rglob("original.txt"))[0]


def _hold_lock(stack: contextlib.ExitStack) -> None:
    settings = Path("archive/recordkit.toml")
    settings.write_text(settings.read_text("utf-8").replace("wait_seconds = 30.0", "wait_seconds = 0.1"), "utf-8")
    stack.enter_context(files.locked(Path("archive/work/locks/store"), 0, "os:wang", "recordkit ingest"))


def _hold_lock_without_index(stack: contextlib.ExitStack) -> None:
    shutil.rmtree("archive/index")
    _hold_lock(stack)


def _fill_disk(stack: contextlib.ExitStack) -> None:
    def stops(_: int, name: str, __: tuple[Any, ...]) -> None:
        if name == "_write":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch = stack.enter_context(pytest.MonkeyPatch.context())
    stand_in_the_way(stops, patch.setattr)


def _two_machines() -> None:
    shutil.copytree("archive", "other")
    for store, note in (("archive", "甲"), ("other", "乙")):
        code, _, err = run_line(["--store", store, "edit", "回访〔2026〕00001号", "--set", f"note={note}",
                                 "--reason", "试", "--as-of", DAY])
        assert code == 0, err
    shutil.copy("other/ledger/ledger-000001.jsonl", LEDGER)


def _damage_catalogue() -> None:
    path = Path("archive/catalogue.sqlite3")
    data = path.read_bytes()
    path.write_bytes(data[:20480] + b"\xff" * 81920 + data[102400:])


def _synced() -> None:
    shutil.copy(LEDGER, "archive/ledger/ledger-000001 (PC-03).jsonl")
    original = _original()
    shutil.copy(original, original.with_name("original (PC-03).txt"))


def _new_settings() -> None:
    path = Path("fresh/recordkit.toml")
    lines = [f'id = "{_entry(1)["body"]["store_id"]}"' if line.startswith("id = ") else line
             for line in path.read_text("utf-8").splitlines()]
    path.write_text("\n".join(lines).replace("simulation = false", "simulation = true") + "\n", "utf-8")


def _spoil(path: str, old: str, new: str) -> None:
    text = Path(path).read_text("utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new, 1), "utf-8")


_HARMS: dict[str, Callable[[], object]] = {
    "lock-left": lambda: Path("archive/work/locks/store").touch(),
    "ledger-torn": lambda: LEDGER.open("ab").write(b'{"act":"record.edited","actor":"os:wa'),
    "ledger-flipped": lambda: _flip(LEDGER, len(LEDGER.read_bytes()) // 2),
    "ledger-line-removed": lambda: LEDGER.write_bytes(b"".join(
        line for at, line in enumerate(LEDGER.read_bytes().splitlines(keepends=True)) if at != 4)),
    "ledger-cut": lambda: os.truncate(LEDGER, LEDGER.stat().st_size - 20),
    "ledger-old": lambda: shutil.copy("older/ledger/ledger-000001.jsonl", LEDGER),
    "ledger-gone": LEDGER.unlink,
    "two-machines": _two_machines,
    "catalogue-damaged": _damage_catalogue,
    "catalogue-deleted": lambda: [path.unlink() for path in Path("archive").glob("catalogue.sqlite3*")],
    "index-damaged": lambda: Path("archive/index/index.json").write_bytes(b"\xad"),
    "object-changed": lambda: _flip(_original(), 0),
    "notes-gone": lambda: shutil.rmtree("archive/notes"),
    "object-lost": lambda: [_flip(store / _original().relative_to("archive"), 0)
                            for store in map(Path, ("archive", "copy", "older"))],
    "rules-loosened": lambda: _spoil("archive/recordkit.toml", "total_share = 0.5", "total_share = 0.9"),
    "object-gone": lambda: shutil.rmtree(_original().parents[2]),
    "synced": _synced,
    "settings-broken": lambda: _spoil("archive/recordkit.toml", "wait_seconds", "wait_secnds"),
    "settings-gone": lambda: Path("archive/recordkit.toml").unlink(),
    "settings-foreign": lambda: _spoil("archive/recordkit.toml", 'id = "', 'id = "x'),
    "schedule-broken": lambda: _spoil("archive/retention.toml", 'period = "', "period = "),
    "nothing": lambda: None,
}
_GOING_ON: dict[str, Callable[[], object]] = {"id-set": _new_settings, "room-made": lambda: None}
"""What a person does by hand in the middle of a day."""
_WHILE: dict[str, Callable[[contextlib.ExitStack], None]] = {
    "lock-held": _hold_lock, "lock-held-no-index": _hold_lock_without_index, "disk-full": _fill_disk}
"""What lasts until the next block of its kind."""


class BadDays(Walk):
    """Walks a guide in which things happen to the store."""

    def __init__(self, office: Path, folder: Path) -> None:
        """``office`` is copied anew for each day."""
        super().__init__(DAY)
        self._office, self._folder, self._stack = office, folder, contextlib.ExitStack()
        self.days: list[str] = []

    def go(self, block: Block) -> None:
        """Let happen what the block tells, or do what it says."""
        (name,) = block.task if len(block.task) == 1 and block.language == "text" else ("",)
        if name:
            self._stack.close()
        if name in _GOING_ON:
            _GOING_ON[name]()
        elif name:
            place = self._folder / f"{len(self.days)}"
            shutil.copytree(self._office, place)
            os.chdir(place)
            self.days.append(name)
            if name in _WHILE:
                _WHILE[name](self._stack)
            else:
                _HARMS[name]()
        else:
            super().go(block)

    def _step(self, step: Step) -> None:
        words = step.call.split()
        match words:
            case ["$", "cp", source, target]:
                shutil.copy(source, target)
            case ["$", "mv", *sources, target]:
                for source in sources:
                    shutil.move(source, target)
            case ["$", "mkdir", folder]:
                Path(folder).mkdir()
            case _:
                try:
                    super()._step(step)
                except AssertionError as error:  # one untrue line must not hide the others
                    self.faults.append(str(error))

    def close(self) -> None:
        """Let go of what lasts."""
        self._stack.close()


@pytest.fixture
def walk(office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BadDays]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDKIT_STORE", "archive")
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "guide-passphrase")
    monkeypatch.setenv("RECORDKIT_ADMIN_KEY", "keys/admin.key")
    made = BadDays(office, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("language", PAGES)
def test_every_bad_day_happens_as_told_and_its_way_out_leads_out(
    language: str, walk: BadDays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDKIT_LANG", language)
    for block in blocks_of(PAGES[language]):
        walk.go(block)
    assert "\n\n".join(walk.faults) == ""
    assert set(walk.days) == {*_HARMS, *_WHILE}


def test_both_languages_tell_of_the_same_days_and_ways_out() -> None:
    told = [[(block.task, [line for line in block.lines if line[:1] == "$"]) for block in blocks_of(page)
             if block.language == "console" or block.task] for page in PAGES.values()]
    assert told[0] == told[1]
