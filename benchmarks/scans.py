"""Signed papers through a simulated scanner and back: which find their document, which wait, and what OCR reads.

python benchmarks/scans.py [--pages N] [--seed S] [--ocr all|needed|none] [--sample N] [--jobs N] [--keep DIR]

Documents are issued in a scratch store, printed by LibreOffice, signed, stained, mixed up and scanned (tests/scanner);
the real ``recordkit ingest`` files them, and what it made of each file is held against what the file is. Codes decide
first, with OCR off; ``--ocr needed`` then reads those files whose codes nobody can read, and batches, in which pages
without a code lie behind. A sample of damaged
and undamaged pages is read by OCR in a second store: characters and key fields are compared with the text of the PDF
that was printed. Prints Markdown. The same seed gives the same papers; times depend on the machine and its load.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from scanner.accuracy import edit_distance, key_fields, pieces_wrong, plain, printed_text  # noqa: E402
from scanner.judge import share, table  # noqa: E402
from scanner.pile import WITHOUT_CODE, Pile, lay, needed  # noqa: E402
from scanner.printed import call, issue_documents, print_documents  # noqa: E402
from scanner.trial import FILING_DAY, ingest, ingest_piles, read_codes, scan_all, verdicts  # noqa: E402

READ_KINDS = ("clean", "skew", "turned", "noise", "jpeg-40", "one-bit", "shading", "seal-on-text", "handwriting",
              "coffee-on-code")
SAMPLE_SHARES = {200: 2 / 3, 150: 1 / 6, 300: 1 / 6}


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is done and how long it took, beside the table."""
    started = time.perf_counter()
    print(f"{what} ...", end=" ", file=sys.stderr, flush=True)
    yield
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)


@dataclass
class Reading:
    """What OCR brought on the pages of one kind."""

    pages: int = 0
    characters: int = 0
    wrong: int = 0
    distance: int = 0
    fields: int = 0
    by_search: int = 0
    on_page: int = 0
    all_by_search: int = 0
    all_on_page: int = 0

    def line(self, name: str) -> str:
        """A line of the table."""
        cells = [
            name, str(self.pages), share(self.characters - self.wrong, self.characters),
            share(max(0, self.characters - self.distance), self.characters), str(self.fields),
            share(self.by_search, self.fields), share(self.on_page, self.fields),
            share(self.all_by_search, self.pages), share(self.all_on_page, self.pages),
        ]  # fmt: skip
        return "| " + " | ".join(cells) + " |"


@dataclass
class Sample:
    """Files for OCR, chosen resolution by resolution."""

    pages: int
    piles: list[Pile] = field(default_factory=list)

    def choose(self, piles: Sequence[Pile]) -> None:
        """Take files until there are pages enough."""
        for dpi, part in SAMPLE_SHARES.items():
            left = round(self.pages * part)
            for pile in piles:
                if left > 0 and pile.settings.dpi == dpi and pile.kind in READ_KINDS:
                    self.piles.append(pile)
                    left -= len(pile.leaves)


def read_sample(store: Path, folder: Path, sample: Sample, jobs: int) -> str:
    """Ingest the sample with OCR; the table."""
    started = time.perf_counter()
    items = ingest(store, [folder / pile.name for pile in sample.piles], "--jobs", jobs)
    seconds = time.perf_counter() - started
    rows: dict[str, Reading] = defaultdict(Reading)
    for pile in sample.piles:
        for item in items[pile.name]:
            if item["outcome"] == "archived":
                _read_back(store, pile, str(item["record_id"]), rows)
    pages = sum(len(pile.leaves) for pile in sample.piles)
    order = [*(f"{dpi} dpi" for dpi in sorted(SAMPLE_SHARES)), *READ_KINDS]
    lines = [
        "| | pages | characters right % | whole page, in order % | key fields | by search % | on its page % "
        "| pages with all by search % | pages with all on the page % |",
        "|---|---|---|---|---|---|---|---|---|",
        *(rows[name].line(name) for name in order if name in rows),
        "",
        f"{pages} pages by OCR with {jobs} process(es) in {seconds:.0f} s: {seconds / max(1, pages):.1f} s a page.",
    ]
    return "\n".join(lines)


def _read_back(store: Path, pile: Pile, record: str, rows: dict[str, Reading]) -> None:
    pages = json.loads(call("--store", store, "text", record, "--json", "--as-of", FILING_DAY))["items"]
    for place, (leaf, page) in enumerate(zip(pile.leaves, pages, strict=True), start=1):
        if leaf.printed is None:
            continue
        said = printed_text(leaf.printed.pdf, leaf.page - 1)
        true, read = plain(said.whole), plain(page["text"])
        wrong, characters = pieces_wrong(said, read)
        distance = edit_distance(true, read)
        fields = key_fields(leaf.printed, said.whole)
        hits = [_hits(store, one, record) for one in fields]
        for name in (f"{pile.settings.dpi} dpi", pile.kind):
            row = rows[name]
            row.pages += 1
            row.characters += characters
            row.wrong += wrong
            row.distance += distance
            row.fields += len(fields)
            row.by_search += sum(hit is not None for hit in hits)
            row.on_page += sum(hit is not None and place in hit for hit in hits)
            row.all_by_search += all(hit is not None for hit in hits)
            row.all_on_page += all(hit is not None and place in hit for hit in hits)


def _hits(store: Path, value: str, record: str) -> list[int] | None:
    """The pages of the record on which search finds a value; None when it does not find the record."""
    out = call("--store", store, "search", f'"{value}"', "--limit", 0, "--json", "--as-of", FILING_DAY)
    for hit in json.loads(out)["items"]:
        if hit["record_id"] == record:
            return list(hit["pages"])
    return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--ocr", choices=["all", "needed", "none"], default="needed")
    parser.add_argument("--sample", type=int, default=60, help="pages read by OCR for the second table; 0 for none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if given.keep is None:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recordkit-scans-")))
        else:
            root = given.keep.absolute()
            root.mkdir(parents=True)
        measure(root, given)


def measure(root: Path, given: argparse.Namespace) -> None:
    """Everything, in ``root``."""
    store, second, folder = root / "store", root / "second", root / "scans"
    with step("issuing"):
        issue_documents(store, needed(given.pages), given.seed)
    with step("printing"):
        printed = print_documents(store, root / "pdf", given.jobs)
    piles = lay(printed, given.pages, given.seed)
    pages = sum(len(pile.leaves) for pile in piles)
    with step(f"scanning {pages} pages"):
        scan_all(piles, folder, given.jobs)
    shutil.copytree(store, second)
    with step("reading codes"):
        codes = read_codes(piles, folder, given.jobs)
    options = ["--jobs", given.jobs]
    batches = [pile for pile in piles if pile.split and given.ocr == "needed"]
    with step("ingesting"):
        rest = [pile for pile in piles if pile not in batches]
        items = ingest_piles(store, rest, folder, *([] if given.ocr == "all" else ["--no-ocr"]), *options)
    if given.ocr == "needed":
        again = [pile for pile in piles if pile.kind in WITHOUT_CODE]
        with step(f"ingesting {len(again)} files without a readable code and {len(batches)} batches, with OCR"):
            items |= ingest(store, [folder / pile.name for pile in again], *options)
            items |= ingest_piles(store, batches, folder, *options)
    found = verdicts(store, piles, folder, items, read=lambda pile: given.ocr == "all" or (
        given.ocr == "needed" and (pile.split or pile.kind in WITHOUT_CODE)))
    print(f"python benchmarks/scans.py --pages {given.pages} --seed {given.seed} --ocr {given.ocr} "
          f"--sample {given.sample}\n")
    forms = len({one.form for one in printed})
    print(f"{len(piles)} files, {pages} pages, {len({one.number for p in piles for one in p.expected})} documents of "
          f"{forms} forms; {sum(one.misread for one in codes.values())} codes read that are not on the page.\n")
    print(table(found, codes))
    faults = [one for one in found if one.why]
    if faults:
        print("\nNot as it should be:\n")
        for one in sorted(faults, key=lambda one: (one.fate != "wrong", one.fate != "waiting", one.pile.name)):
            print(f"- {one.fate}: {one.pile.name}: {one.why}")
    if given.sample:
        sample = Sample(given.sample)
        sample.choose(piles)
        print()
        with step("reading a sample by OCR"):
            print(read_sample(second, folder, sample, given.jobs), flush=True)
    if any(one.fate == "wrong" for one in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
