"""Word to PDF: our crew of LibreOffice workers against one LibreOffice per document, in the same run.

The peer is what a script does: ``soffice --convert-to pdf`` once per document, with a profile that is already made.
Ours does more: it checks each file before and after, and looks for boxes in the fonts. LibreOffice's output differs in
its bytes from run to run (dates, ids), so pages are compared, not bytes. Our times include the start of fresh profiles.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pypdfium2

from recordkit.cli.main import run
from recordkit.templates.code import PrintedCode
from recordkit.templates.fonts import write_font_table
from recordkit.templates.pagecodes import add_page_codes
from recordkit.templates.pdf import PdfOrder, PdfPress, require_office
from recordkit.templates.printing import PrintPart, print_merged

ROOT = Path(__file__).parents[1]


def documents(folder: Path) -> list[Path]:
    """One issued document of each of three shipped forms."""
    store = folder / "store"
    start = ["--store", str(store), "--quiet", "--json"]
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        said, sys.stdout = sys.stdout, nowhere
        try:
            run([*start, "init", "--no-input", "--simulation", str(store)])
            for form in ("meter-change-notice", "rectification-order", "supply-contract"):
                data = ROOT / "forms" / form / "sample.toml"
                run([*start, "generate", form, "--data", str(data), "--as-of", "2026-11-20"])
        finally:
            sys.stdout = said
    return sorted((store / "outbox").glob("*.docx"))


def copies(originals: list[Path], folder: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True)
    made = []
    for number in range(count):
        path = folder / f"{number:05}.docx"
        path.write_bytes(originals[number % len(originals)].read_bytes())
        made.append(path)
    return made


def peer(sources: list[Path], folder: Path) -> float:
    """Seconds of one process per document."""
    environment = write_font_table(os.environ, folder)
    command = [require_office(), "--headless", "--norestore",
               f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--convert-to", "pdf", "--outdir"]
    subprocess.run([*command, str(folder / "warm"), str(sources[0])], check=True, capture_output=True, env=environment)
    started = time.perf_counter()
    for source in sources:
        subprocess.run([*command, str(folder / "pdf"), str(source)], check=True, capture_output=True, env=environment)
    return time.perf_counter() - started


def press(sources: list[Path], folder: Path, jobs: int, per_call: int, codes: bool) -> float:
    """Seconds of ours."""
    code = PrintedCode("7XQ200000042", 0) if codes else None
    orders = [PdfOrder(source, folder / f"{source.stem}.pdf", code) for source in sources]
    started = time.perf_counter()
    with PdfPress(os.environ, jobs=jobs, files_per_call=per_call) as running:
        for one in running.make(orders):
            assert one.failure is None, one.failure
    return time.perf_counter() - started


def pages(folder: Path) -> int:
    return sum(len(pypdfium2.PdfDocument(path)) for path in folder.glob("*.pdf"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--peer", type=int, default=9, help="documents the peer converts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        originals = documents(root)
        sources = copies(originals, root / "in", arguments.documents)
        (root / "peer").mkdir()
        count = min(arguments.peer, len(sources))
        base = peer(sources[:count], root / "peer") / count
        print(f"{'way':44}{'documents/s':>12}{'ratio':>8}")
        print(f"{'one LibreOffice per document':44}{1 / base:12.2f}{1:8.1f}")
        for jobs, per_call, codes in ((1, 10, False), (1, 40, False), (1, 40, True), (2, 40, False), (2, 40, True)):
            folder = root / f"out-{jobs}-{per_call}-{codes}"
            spent = press(sources, folder, jobs, per_call, codes) / len(sources)
            name = f"ours, {jobs} worker(s), {per_call} files a call{', page codes' if codes else ''}"
            print(f"{name:44}{1 / spent:12.2f}{base / spent:8.1f}")
        expected, found = pages(root / "peer" / "pdf"), pages(root / "out-1-40-False")
        print(f"pages: {expected} of {count} documents by the peer, {found} of {len(sources)} by ours")

        plain = [path.read_bytes() for path in sorted((root / "out-1-40-False").glob("*.pdf"))]
        started = time.perf_counter()
        for data in plain:
            add_page_codes(data, PrintedCode("7XQ200000042", 0))
        spent = time.perf_counter() - started
        print(f"page codes: {spent / found * 1000:.1f} ms a page, {spent / len(plain) * 1000:.1f} ms a document")

        paths = sorted((root / "out-1-40-True").glob("*.pdf"))
        # A tenth first: what a run ten times as long adds to the memory is what counts.
        for total in (100, 1000):
            parts = (PrintPart(paths[number % len(paths)], f"换通〔2026〕{number:04}号") for number in range(total))
            started = time.perf_counter()
            made = print_merged(parts, root / "all.pdf", duplex=True, overwrite=True)
            spent = time.perf_counter() - started
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"print file: {total} documents, {made.pages} pages in {spent:.1f} s, "
                  f"{total / spent:.0f} documents/s, {made.path.stat().st_size / 1e6:.0f} MB; "
                  f"peak of this process {peak} MB")


if __name__ == "__main__":
    main()
