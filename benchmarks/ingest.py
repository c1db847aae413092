"""Ingest of born-digital one-page papers, durably, against a plain script of pypdf and whoosh over the same files.

Run: ``python benchmarks/ingest.py [PAPERS] [--jobs N] [--folder DIR]``; 20,000 papers need some 4 GB in DIR. The papers
are notices issued by the store, each a real LibreOffice page with its own printed code as text. Ours reads, matches,
files (OCFL object, ledger, catalogue, all synced), takes the source out of the inbox and brings the search index up;
the script only reads the text and indexes it with whoosh's default analyser, unsynced, over at most 500 papers: it does
not get faster. Every 10,000 papers (or a tenth) it prints the rate since the last line and the memory of the process.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

DAY = date(2026, 11, 20)
SAMPLE_CODE = b"RK1" + b"0" * 19
SCRIPT = """
import sys, time
from pathlib import Path
import pypdf
from whoosh import index
from whoosh.fields import ID, TEXT, Schema
paths, out = sorted(Path(sys.argv[1]).iterdir())[:int(sys.argv[3])], sys.argv[2]
begin = time.perf_counter()
writer = index.create_in(out, Schema(path=ID(stored=True), content=TEXT)).writer()
for path in paths:
    text = "\\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    writer.add_document(path=str(path), content=text)
writer.commit()
print(len(paths) / (time.perf_counter() - begin))
"""


def make_page(folder: Path, store: Path) -> bytes:
    """One of the store's own notices as LibreOffice prints it, with a line of text where each paper gets its code."""
    import os

    import pikepdf

    from recordkit.templates.pdf import convert_to_pdf

    word = min((store / "outbox").glob("*.docx"))
    (printed,) = convert_to_pdf([word], folder / "page", os.environ).values()
    with pikepdf.open(printed) as document:
        page = document.pages[0]
        page.Resources.Font["/RecordkitCode"] = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.contents_add(document.make_stream(b"BT /RecordkitCode 6 Tf 40 20 Td (" + SAMPLE_CODE + b") Tj ET"))
        document.save(folder / "page.pdf", compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    data = (folder / "page.pdf").read_bytes()
    assert data.count(SAMPLE_CODE) == 1
    return data


def make_inbox(folder: Path, papers: int) -> Path:
    """A store whose inbox holds this many papers of its own documents."""
    from issuing import make_sheet

    from recordkit.store import open_store
    from recordkit.templates.code import PrintedCode
    from recordkit.templates.issue import each_issue
    from recordkit.workspace import Clock

    store, sheet = folder / "store", folder / "rows.xlsx"
    start = [sys.executable, "-m", "recordkit", "--store", str(store), "--quiet"]
    subprocess.run([*start, "init", "--simulation", "--no-input", str(store)], check=True, capture_output=True)
    make_sheet(sheet, papers)
    subprocess.run([*start, "generate", "meter-change-notice", "--data", str(sheet), "--as-of", DAY.isoformat()],
                   check=True, capture_output=True)
    page = make_page(folder, store)
    for word in (store / "outbox").glob("*.docx"):
        word.unlink()
    workspace = open_store(store, Clock(lambda: datetime(2026, 11, 20, tzinfo=UTC), DAY), "bench")
    for number, issue in enumerate(each_issue(workspace.db)):
        code = PrintedCode(issue.issue_id, 1, 1, 1).encode().encode()
        (store / "inbox" / f"scan-{number:06}.pdf").write_bytes(page.replace(SAMPLE_CODE, code))
    workspace.close()
    return store


def memory_mb() -> float:
    """Memory of this process in MB, as far as the system tells it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return int(status.read_text().partition("VmRSS:")[2].split()[0]) / 1024


def ingest(store: Path, jobs: int) -> float:
    """Ingest the inbox of a store in this process; papers a second, index included."""
    from recordkit.archive.arrivals import collect_sources
    from recordkit.archive.decisions import IngestOptions
    from recordkit.archive.ingest import ingest_papers
    from recordkit.archive.search.service import refresh_index
    from recordkit.store import open_store
    from recordkit.workspace import Clock

    workspace = open_store(store, Clock(lambda: datetime.now(UTC), DAY), "bench")
    sources = collect_sources(workspace, [])
    step = min(10_000, max(1, len(sources) // 10))
    begin = last = time.perf_counter()
    for done, item in enumerate(ingest_papers(workspace, sources, IngestOptions(ocr=False, jobs=jobs)), start=1):
        assert item.outcome == "archived", item
        if done % step == 0:
            now = time.perf_counter()
            print(f"{done:9,} filed  {step / (now - last):8,.0f} records/s  {memory_mb():8.0f} MB", flush=True)
            last = now
    filed = time.perf_counter()
    refresh_index(workspace)
    end = time.perf_counter()
    print(f"filing {filed - begin:.1f} s, index {end - filed:.1f} s, memory {memory_mb():.0f} MB", flush=True)
    workspace.close()
    return len(sources) / (end - begin)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("papers", nargs="?", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the store is made; removed at the end")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        folder = Path(scratch)
        store = make_inbox(folder, arguments.papers)
        few = folder / "few"
        few.mkdir()
        for path in sorted((store / "inbox").glob("*.pdf"))[:500]:
            shutil.copyfile(path, few / path.name)
        size = next(few.iterdir()).stat().st_size
        print(f"{arguments.papers:,} papers of one page, {size / 1024:.0f} KB each, {arguments.jobs} reading processes")
        rate = ingest(store, arguments.jobs)
        print(f"recordkit         {rate:8,.0f} records/s, read, matched, filed durably, indexed")
        out = folder / "whoosh"
        out.mkdir()
        peer = float(subprocess.run([sys.executable, "-c", SCRIPT, str(few), str(out), "500"],
                                    check=True, capture_output=True, text=True).stdout)
        print(f"pypdf and whoosh  {peer:8,.0f} records/s, read and indexed only; ratio {rate / peer:.1f}")


if __name__ == "__main__":
    main()
