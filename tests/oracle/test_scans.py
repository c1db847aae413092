"""Simulated scans of issued documents through the real ingest: none is filed as what it is not, nearly all are filed.

``benchmarks/scans.py`` does the same with 500 pages and prints a table.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scanner import trial
from scanner.accuracy import edit_distance, key_fields, pieces_wrong, plain, printed_text
from scanner.judge import CodeCount, Verdict, judge, table
from scanner.pile import WITHOUT_CODE, Pile, lay, scan_pile
from scanner.printed import Printed, call, code_pages

SEED = 4
ROUNDS = (
    (200, ("dropped", "swapped", "clean", "skew", "turned", "noise", "jpeg-40", "one-bit", "shading", "seal-on-code",
           "pen-one-code", "coffee-on-code")),
    (150, ("doubled", "page-no-code", "handwriting", "noise", "one-bit", "skew", "foreign-sticker", "other-store",
           "contradiction", "blank", "attachment", "pen-all-codes")),
    (300, ("stale", "batch", "seal-on-text", "turned", "shading")),
)  # fmt: skip
"""Every round files the same documents in a fresh store; forms of several pages are few, so their kinds come first."""

pytestmark = pytest.mark.office


@dataclass(frozen=True)
class Trial:
    """What became of all rounds: verdicts, codes by the file's name and resolution, pages."""

    verdicts: tuple[Verdict, ...]
    codes: dict[str, CodeCount]

    def pages(self, *fates: str, dpi: int, without: Sequence[str] = ()) -> int:
        return sum(len(one.pile.leaves) for one in self.verdicts
                   if one.fate in fates and one.pile.settings.dpi == dpi and one.pile.kind not in without)


@pytest.fixture(scope="module")
def printed(issued_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Printed]:
    """The demo's documents, a code on every page."""
    return code_pages(issued_folder / "store", issued_folder / "pdf", tmp_path_factory.mktemp("coded"))


@pytest.fixture(scope="module")
def tried(issued_folder: Path, printed: list[Printed], tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Some fifty pages scanned and filed, OCR off."""
    root = tmp_path_factory.mktemp("scans")
    found: list[Verdict] = []
    codes: dict[str, CodeCount] = {}
    for dpi, kinds in ROUNDS:
        store, folder = root / f"store-{dpi}", root / str(dpi)
        shutil.copytree(issued_folder / "store", store)
        piles = one_of_each(printed, kinds, dpi)
        trial.scan_all(piles, folder, jobs=2)
        codes |= trial.read_codes(piles, folder, jobs=2)
        items = trial.ingest_piles(store, piles, folder, "--no-ocr", "--jobs", 2)
        found += trial.verdicts(store, piles, folder, items, read=lambda pile: False)
    return Trial(tuple(found), codes)


def one_of_each(printed: Sequence[Printed], kinds: Sequence[str], dpi: int) -> list[Pile]:
    """One file of each kind."""
    pages = 0
    while len(piles := lay(printed, pages, SEED, kinds, (dpi,))) < len(kinds):
        pages += 1
    return piles


def test_no_paper_is_filed_as_what_it_is_not(tried: Trial) -> None:
    assert [f"{one.pile.name}: {one.why}" for one in tried.verdicts if one.fate == "wrong"] == []
    assert sum(len(one.pile.leaves) for one in tried.verdicts) >= 40, table(tried.verdicts, tried.codes)


def test_papers_with_a_readable_code_are_filed(tried: Trial) -> None:
    for dpi, least in ((200, 0.99), (150, 0.95), (300, 0.95)):
        right = tried.pages("right", dpi=dpi, without=WITHOUT_CODE)
        every = tried.pages("right", "waiting", "wrong", dpi=dpi, without=WITHOUT_CODE)
        assert right >= least * every, table(tried.verdicts, tried.codes)


def test_codes_are_read_and_none_is_read_that_is_not_there(tried: Trial) -> None:
    assert sum(one.misread for one in tried.codes.values()) == 0
    assert sum(one.read for one in tried.codes.values()) >= 0.99 * sum(one.pages for one in tried.codes.values())


def test_what_is_wrong_with_a_paper_is_told_and_nothing_else(tried: Trial) -> None:
    looked = [one for one in tried.verdicts if one.pile.kind not in ("contradiction", "pen-all-codes")]
    assert len(looked) > 20
    assert [f"{one.pile.name}: {one.why}" for one in looked if one.exact is not True] == []


@pytest.mark.ocr
def test_what_ocr_reads_is_what_was_printed_and_decides_no_paper_wrongly(
    issued_folder: Path, printed: list[Printed], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(issued_folder / "store", store)
    short = [one for one in printed if one.pages == 1]
    piles = one_of_each(short, ("skew", "pen-all-codes"), 200)
    files = trial.scan_all(piles, tmp_path / "scans")
    items = trial.ingest(store, files, "--jobs", 2)
    crooked, bare = trial.verdicts(store, piles, tmp_path / "scans", items, read=lambda pile: True)
    assert (crooked.fate, crooked.exact) == ("right", True)
    assert bare.fate in ("right", "waiting"), bare.why
    (item,) = items[crooked.pile.name]
    (leaf,) = crooked.pile.leaves
    assert leaf.printed is not None
    true = printed_text(leaf.printed.pdf, 0)
    (page,) = json.loads(call("--store", store, "text", item["record_id"], "--json"))["items"]
    wrong, characters = pieces_wrong(true, plain(page["text"]))
    assert characters > 200 and wrong <= 0.01 * characters, page["text"]
    fields = key_fields(leaf.printed, true.whole)
    assert len(fields) >= 5
    for one in fields:
        hits = json.loads(call("--store", store, "search", f'"{one}"', "--json"))["items"]
        assert [hit["pages"] for hit in hits if hit["record_id"] == item["record_id"]] == [[1]], one


def test_the_same_seed_gives_the_same_file(printed: list[Printed], tmp_path: Path) -> None:
    (pile,) = lay(printed, 1, SEED, ("coffee-on-code",), (150,))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, again = scan_pile(pile, tmp_path / "a"), scan_pile(pile, tmp_path / "b")
    assert first.read_bytes() == again.read_bytes()
    (tmp_path / "c").mkdir()
    other = scan_pile(replace(pile, seed=pile.seed + 1), tmp_path / "c")
    assert other.read_bytes() != first.read_bytes()


def test_the_judge_sees_a_wrong_match_a_waiting_paper_and_a_finding_too_few(printed: list[Printed]) -> None:
    (pile,) = lay(printed, 1, SEED, ("dropped",), (200,))
    (true,) = pile.expected
    stranger = next(one.number for one in printed if one.number != true.number)

    def verdict(
        number: str, *findings: str, outcome: str = "archived", sides: tuple[int, ...] | None = None
    ) -> Verdict:
        item = {"outcome": outcome, "number": number, "record_id": "r", "findings": [{"code": one} for one in findings]}
        return judge(pile, [item], lambda record: sides, ocr=False)

    assert verdict(stranger, "missing-page").fate == "wrong"
    assert verdict(true.number, "missing-page", sides=(*true.pages, 99)).fate == "wrong"
    assert verdict(true.number, "missing-page", sides=()).fate == "waiting"
    assert verdict(true.number, outcome="unmatched").fate == "waiting"
    assert (verdict(true.number).fate, verdict(true.number).exact) == ("right", False)
    assert (verdict(true.number, "missing-page").fate, verdict(true.number, "missing-page").exact) == ("right", True)
    assert verdict(true.number, "missing-page", "swapped-page").exact is False


@pytest.mark.parametrize(("kind", "ocr", "exact"), [
    ("attachment", False, True), ("attachment", True, False), ("clean", False, False), ("clean", True, False),
])
def test_unread_attachments_are_told_only_where_some_lie_behind_and_ocr_was_off(
    printed: list[Printed], kind: str, ocr: bool, exact: bool
) -> None:
    (pile,) = lay(printed, 1, SEED, (kind,), (200,))
    (true,) = pile.expected
    findings = [{"code": one} for one in {*true.required, "attachments-not-read"}]
    item = {"outcome": "archived", "number": true.number, "record_id": "r", "findings": findings}
    assert judge(pile, [item], lambda record: None, ocr=ocr).exact is exact


@given(st.text("abc", max_size=7), st.text("abc", max_size=9))
def test_the_distance_of_two_texts_is_that_of_the_plain_table(first: str, second: str) -> None:
    def slow(text: str) -> int:
        row = list(range(len(text) + 1))
        for number, character in enumerate(first, start=1):
            before, row[0] = row[0], number
            for place, other in enumerate(text, start=1):
                before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (character != other))
        return row[-1]

    assert edit_distance(first, second) == slow(second)
    parts = [second[start:end] for start in range(len(second) + 1) for end in range(start, len(second) + 1)]
    assert edit_distance(first, second, anywhere=True) == min(slow(part) for part in parts)
