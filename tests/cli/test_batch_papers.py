"""Papers of a batch that are second scans, are held already or waited: the batch is settled all the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pikepdf
import pytest
from conftest import Cli, clock_at
from scans import DAY, issue_one, scan

from recordkit.archive.catalogue import find_batch, find_record, objects_of
from recordkit.ledger import Act, Cursor, Ledger
from recordkit.retention.order_state import Item
from recordkit.retention.removal import Remover
from recordkit.store import open_store
from recordkit.templates.code import PrintedCode

LATER = ("--as-of", "2027-01-15")


def batch(target: Path, *sources: Path) -> Path:
    with pikepdf.new() as out:
        for source in sources:
            with pikepdf.open(source) as document:
                out.pages.extend(document.pages)
        out.save(target)
    return target


def signed(cli: Cli, path: Path, number: str, text: str) -> Path:
    """The signed paper of a document, one page, which says that it is page 1 of 1."""
    code = PrintedCode(cli.json("issued", "show", number)["issue_id"], 1, 1, 1).encode()
    return scan(path, f"{text} {code}")


def setting(cli: Cli, old: str, new: str) -> None:
    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def outcomes(cli: Cli, *arguments: object) -> list[str]:
    return [one["outcome"] for one in cli.json("ingest", *arguments)["items"]]


def in_inbox(cli: Cli) -> list[str]:
    inbox = cli.store / "inbox"
    return sorted(path.relative_to(inbox).as_posix() for path in inbox.rglob("*.pdf"))


def acts(cli: Cli, name: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for path in (cli.store / "ledger").glob("*.jsonl")
             for line in path.read_text(encoding="utf-8").splitlines()]
    return [one["body"] for one in lines if one["act"] == name]


def write_ledger_anew(cli: Cli, *, without: tuple[str, ...]) -> None:
    """The ledger as an earlier version would have written it: bodies lack some keys."""
    folder = cli.store / "ledger"
    entries = [entry for entry, _ in Ledger(folder).read()]
    shutil.rmtree(folder)
    folder.mkdir()
    ledger, last = Ledger(folder), Cursor()
    for one in entries:
        body = {key: value for key, value in one.body.items() if key not in without}
        ((_, last),) = ledger.append([Act(one.act, body)], time=one.time, actor=one.actor, after=last)
    for path in cli.store.glob("catalogue.sqlite3*"):
        path.unlink()


def is_settled(cli: Cli, name: str, rebuilt: bool) -> bool:
    """Whether the batch goes from the done folder when its days are over."""
    if rebuilt:
        cli("rebuild")
    assert name in [Path(one).name for one in in_inbox(cli)]
    cli("ingest", *LATER)
    return in_inbox(cli) == []


@pytest.fixture
def pair(cli: Cli, tmp_path: Path) -> tuple[str, str, Path, Path]:
    """Two documents, and the signed paper of each."""
    one, other = issue_one(cli), issue_one(cli)
    return one, other, signed(cli, tmp_path / "one.pdf", one, "one"), signed(cli, tmp_path / "other.pdf", other, "two")


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_batch_with_a_second_scan_is_settled(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], rebuilt: bool
) -> None:
    setting(cli, 'rescan = "ask"', 'rescan = "version"')
    number, _, one, other = pair
    assert outcomes(cli, one, *DAY) == ["archived"]
    batch(cli.store / "inbox" / "b.pdf", signed(cli, tmp_path / "again.pdf", number, "again"), other)
    assert outcomes(cli, "--split", *DAY) == ["archived", "archived"]
    assert acts(cli, "record.rescanned")[0]["batch"] == acts(cli, "record.filed")[1]["batch"]
    assert is_settled(cli, "b.pdf", rebuilt)


def test_a_batch_whose_second_scan_a_person_filed_is_settled(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path]
) -> None:
    number, _, one, other = pair
    outcomes(cli, one, *DAY)
    batch(cli.store / "inbox" / "b.pdf", signed(cli, tmp_path / "again.pdf", number, "again"), other)
    assert outcomes(cli, "--split", *DAY) == ["unmatched", "archived"]
    cli("match", cli.json("unmatched", "list")["items"][0]["key"], number, "--new-version", *DAY)
    assert is_settled(cli, "b.pdf", False)


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_batch_with_a_paper_that_is_held_already_is_settled_and_that_is_entered_once(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], rebuilt: bool
) -> None:
    _, _, one, other = pair
    outcomes(cli, batch(tmp_path / "a.pdf", one, other), "--split", *DAY)
    third = signed(cli, tmp_path / "third.pdf", issue_one(cli), "three")
    source = batch(cli.store / "inbox" / "b.pdf", one, third)
    assert outcomes(cli, "--split", "--dry-run", *DAY) == ["duplicate", "archived"]
    assert acts(cli, "batch.known") == []
    assert outcomes(cli, "--split", *DAY) == ["duplicate", "archived"]
    assert not source.exists()
    (known,) = acts(cli, "batch.known")
    assert set(known) == {"record", "batch", "batch_papers", "batch_page", "batch_size"}
    assert is_settled(cli, "b.pdf", rebuilt)
    assert cli.json("ledger", "verify")["ok"]
    assert len(acts(cli, "batch.known")) == 1


@pytest.mark.parametrize("objects", ["there", "gone"])
def test_a_batch_of_an_old_ledger_without_page_and_size_is_never_settled_by_a_guess(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], objects: str
) -> None:
    source = batch(tmp_path / "b.pdf", *pair[2:])
    assert outcomes(cli, source, "--split", *DAY) == ["archived", "archived"]
    write_ledger_anew(cli, without=("batch_page", "batch_size"))
    with closing(open_store(cli.store, clock_at(date(2026, 12, 1)), "test")) as opened:
        records = [str(one["record"]) for one in acts(cli, "record.filed")]
        if objects == "gone":
            for one in records:
                objects_of(opened).remove(one)
    cli("rebuild")
    with closing(open_store(cli.store, clock_at(date(2026, 12, 1)), "test")) as opened:
        known = find_batch(opened.db, str(acts(cli, "record.filed")[0]["batch"]))
    assert known is not None and known.papers == 2 and [one.record_id for one in known.records] == records
    size = source.stat().st_size
    assert (known.held, known.size) == ((frozenset({1, 2}), size) if objects == "there" else (frozenset(), 0))
    assert outcomes(cli, source, "--split", *DAY) == ["duplicate"] * (1 if objects == "there" else 2)
    # What was seen of it now is known for ever.
    assert outcomes(cli, source, "--split", *DAY) == ["duplicate"]


@pytest.mark.parametrize("how", ["class", "attachment", "read again"])
def test_a_paper_that_waited_stays_a_paper_of_its_batch(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], how: str
) -> None:
    number, _, one, other = pair
    batch(cli.store / "inbox" / "b.pdf", scan(tmp_path / "letter.pdf", "Letter"), one, other)
    assert outcomes(cli, "--split", *DAY) == ["unmatched", "archived", "archived"]
    (waiting,) = cli.json("unmatched", "list")["items"]
    if how == "class":
        assert outcomes(cli, waiting["path"], "--class", "visit-record", "--set", "title=信", *DAY) == ["archived"]
    elif how == "attachment":
        cli("ingest", "--attach-to", number, waiting["path"], *DAY)
    else:
        assert outcomes(cli, waiting["path"], *DAY) == ["unmatched"]
        cli("ingest", *LATER)
        assert in_inbox(cli) == [f"unmatched/{waiting['key']}/b-p1.pdf"]
        return
    (cli.store / "inbox" / "done" / "2026-12-01" / "b-p1.pdf").unlink(missing_ok=True)
    assert is_settled(cli, "b.pdf", False)


class Removing:
    """A remover for some records of a store, by document number."""

    def __init__(self, cli: Cli, *numbers: str) -> None:
        self.workspace = open_store(cli.store, clock_at(date(2037, 1, 15)), "test")
        records = [find_record(self.workspace.db, number) for number in numbers]
        self.items = [Item(one.record_id, one.version, "", one.record_class, one.issue_id, date(2037, 1, 1), "", None,
                           False, None, None) for one in records]
        self.remover = Remover(self.workspace, self.items)

    def __call__(self) -> list[str]:
        """Remove all; what remains."""
        for item in self.items:
            self.remover.remove(item)
        return [str(place) for item in self.items for place in self.remover.remains(item)]


@pytest.fixture
def removing(cli: Cli) -> Iterator[Callable[..., list[str]]]:
    made: list[Removing] = []

    def make(*numbers: str) -> list[str]:
        made.append(Removing(cli, *numbers))
        return made[-1]()

    yield make
    for one in made:
        one.workspace.close()


def test_a_batch_with_an_equal_paper_goes_with_the_last_record_and_is_named_before(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], removing: Callable[..., list[str]]
) -> None:
    number, other_number, one, other = pair
    outcomes(cli, batch(tmp_path / "a.pdf", one, signed(cli, tmp_path / "x.pdf", issue_one(cli), "x")), "--split", *DAY)
    batch(cli.store / "inbox" / "b.pdf", one, other)
    assert outcomes(cli, "--split", *DAY) == ["duplicate", "archived"]
    (place,) = [one for one in removing(number) if "b.pdf" in one]
    assert "take out what is still needed" in place
    assert in_inbox(cli) == ["done/2026-12-01/b.pdf"]
    assert removing(number, other_number) == []
    assert in_inbox(cli) == []


def test_a_second_scan_that_waits_goes_with_its_record(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], removing: Callable[..., list[str]]
) -> None:
    number, other_number, one, other = pair
    outcomes(cli, one, *DAY)
    outcomes(cli, other, *DAY)
    for name, about in (("again", number), ("theirs", other_number)):
        assert outcomes(cli, signed(cli, cli.store / "inbox" / f"{name}.pdf", about, name), *DAY) == ["unmatched"]
    keys = {Path(one["path"]).name: one["key"] for one in cli.json("unmatched", "list")["items"]}
    viewed = cli.store / "work" / "viewing" / keys["again.pdf"] / "again.pdf"
    viewed.parent.mkdir(parents=True)
    viewed.write_bytes(b"copy")
    assert removing(number) == []
    assert [Path(one).name for one in in_inbox(cli)] == ["theirs.pdf"]
    assert not viewed.exists()


def test_the_batch_of_a_second_scan_that_waits_is_named_until_it_is_gone(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], removing: Callable[..., list[str]]
) -> None:
    number, _, one, other = pair
    outcomes(cli, one, *DAY)
    batch(cli.store / "inbox" / "b.pdf", signed(cli, tmp_path / "again.pdf", number, "again"), other)
    assert outcomes(cli, "--split", *DAY) == ["unmatched", "archived"]
    for _ in range(2):
        assert any("done/2026-12-01/b.pdf" in one for one in removing(number))
    (cli.store / "inbox" / "done" / "2026-12-01" / "b.pdf").unlink()
    assert removing(number) == []
    assert in_inbox(cli) == []


def test_a_paper_that_waits_and_may_show_the_document_is_named_and_another_is_not(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], removing: Callable[..., list[str]]
) -> None:
    number, other_number, one, other = pair
    outcomes(cli, one, *DAY)
    outcomes(cli, other, *DAY)
    both = batch(cli.store / "inbox" / "both.pdf", signed(cli, tmp_path / "again.pdf", number, "again"),
                 signed(cli, tmp_path / "more.pdf", other_number, "more"))
    scan(cli.store / "inbox" / "letter.pdf", "Letter")
    assert outcomes(cli, *DAY) == ["unmatched", "unmatched"]
    keys = {Path(one["path"]).name: one["key"] for one in cli.json("unmatched", "list")["items"]}
    note = cli.store / "inbox" / "unmatched" / keys["both.pdf"] / "reading.json"
    assert len(json.loads(note.read_bytes())["issues"]) == 2
    places = [one for one in removing(number) if "inbox" in one]
    assert len(places) == 1 and keys["both.pdf"] in places[0] and number in places[0]
    assert note.exists() and not both.exists()


def test_an_attachment_that_waits_for_another_document_is_not_taken_for_a_copy(
    cli: Cli, tmp_path: Path, pair: tuple[str, str, Path, Path], removing: Callable[..., list[str]]
) -> None:
    number, other_number, one, _ = pair
    outcomes(cli, one, *DAY)
    card = scan(tmp_path / "card.pdf", "card")
    for about in (number, other_number):
        cli("ingest", "--attach-to", about, card, *DAY)
    (waiting,) = in_inbox(cli)
    places = removing(number)
    assert in_inbox(cli) == [waiting]
    assert any(waiting in one for one in places)
