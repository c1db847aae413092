"""Reading scans: ours on one and on two workers against tesseract chi_sim, on the same pages in the same run.

    python benchmarks/ocr.py [--pages 8] [--dpi 200] [--seed 1]

The pages are those of the shipped born-digital contract, whose own text is the truth, put through a plain scanner
(skew, grain, uneven light, JPEG). Ours is all that ingest does with a page: rendering, search for codes, OCR; the
searchable copy and the search for codes are also timed alone. The peer gets the finished picture as PNG, one process
a page as scripts do it, limited to one thread; needs: apt install tesseract-ocr tesseract-ocr-chi-sim.
Time of processors is told beside the time that passed, because other work on the machine lengthens only the latter.
"""

from __future__ import annotations

import argparse
import difflib
import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pypdfium2
from PIL import Image

from recordkit.archive.codes import find_codes
from recordkit.archive.pages import PageReading, read_page
from recordkit.archive.pdf import render_colours
from recordkit.archive.searchable import TextLayer, write_searchable
from recordkit.cli.demo import DATA
from recordkit.crew import Crew

SOURCE = DATA / "scans" / "02-contract-org-born-digital.pdf"


@dataclass(frozen=True)
class Scan:
    """A scanned page and the text that stands on it."""

    pdf: Path
    png: Path
    truth: str


@dataclass(frozen=True)
class Measured:
    """Wall and processor seconds for all pages, the largest process in MB, what was read."""

    name: str
    wall: float
    processor: float
    megabytes: float
    texts: list[str]


def plain(text: str) -> str:
    """Characters that a reader can get right: no spaces, one form of brackets and digits, no blanks to fill in."""
    return "".join(one for one in unicodedata.normalize("NFKC", text) if not one.isspace() and one not in "_□☑")


def accuracy(truth: str, read: str) -> float:
    """Share of the characters that come back in order."""
    wanted, got = plain(truth), plain(read)
    matched = sum(block.size for block in difflib.SequenceMatcher(None, wanted, got, False).get_matching_blocks())
    return matched / max(1, len(wanted))


def scans(folder: Path, count: int, dpi: int, seed: int) -> list[Scan]:
    """``count`` pages, each scanned anew."""
    chance = np.random.default_rng(seed)
    document = pypdfium2.PdfDocument(SOURCE)
    made = []
    for number in range(count):
        page = document[number % len(document)]
        upright = page.render(scale=dpi / 72, grayscale=True).to_pil()
        crooked = upright.rotate(chance.uniform(-1.2, 1.2), Image.Resampling.BICUBIC, fillcolor=255)
        values = np.asarray(crooked, np.float32) * np.linspace(0.9, 0.98, crooked.width)[None, :]
        values += chance.normal(0, 7, values.shape)
        packed = io.BytesIO()
        Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(packed, "JPEG", quality=65)
        picture = Image.open(packed)
        pdf, png = folder / f"{number:03}.pdf", folder / f"{number:03}.png"
        picture.save(pdf, "PDF", resolution=dpi)
        picture.save(png, dpi=(dpi, dpi))
        made.append(Scan(pdf, png, page.get_textpage().get_text_range()))
    return made


def warm(crew: Crew, path: Path, jobs: int) -> None:
    """Load the models once in every worker; a long ingest pays for this once."""
    for number in range(jobs):
        crew.put((-1, number), read_page, path, 0, "", True)
    for _ in range(jobs):
        crew.take()


def ours(pages: list[Scan], jobs: int) -> tuple[Measured, list[PageReading]]:
    with Crew(jobs, 600) as crew:
        warm(crew, pages[0].pdf, jobs)
        before, started = processor_of(crew), time.perf_counter()
        for number, page in enumerate(pages):
            crew.put((number, 0), read_page, page.pdf, 0, "", True)
        found = {}
        for _ in pages:
            (number, _), outcome = crew.take()
            if outcome.error is not None:
                raise outcome.error
            found[number] = outcome.value
        wall = time.perf_counter() - started
        processor = processor_of(crew) - before
        megabytes = max(peak_of(pid) for pid in workers(crew))
    readings = [found[number] for number in range(len(pages))]
    told = f"recordkit, {jobs} worker{'s' if jobs > 1 else ''}"
    return Measured(told, wall, processor, megabytes, [one.text.text for one in readings]), readings


def workers(crew: Crew) -> list[int]:
    return [worker.process.pid for worker in crew._workers if worker.process.pid is not None]


def processor_of(crew: Crew) -> float:
    """Processor seconds of the workers so far (Linux)."""
    total = 0.0
    for pid in workers(crew):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def peak_of(pid: int) -> float:
    """Largest resident size of a process so far in MB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def peer(pages: list[Scan], dpi: int) -> Measured:
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    texts, largest = [], 0.0
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for page in pages:
        command = ["tesseract", str(page.png), "-", "-l", "chi_sim", "--dpi", str(dpi)]
        texts.append(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
        largest = max(largest, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured("tesseract chi_sim", time.perf_counter() - started, processor, largest, texts)


def processor_ms(work: list[tuple[object, ...]], function: object) -> float:
    started = time.process_time()
    for arguments in work:
        function(*arguments)  # type: ignore[operator]
    return (time.process_time() - started) / len(work) * 1000


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--pages", type=int, default=8)
    options.add_argument("--dpi", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    told = options.parse_args()
    if not sys.platform.startswith("linux"):
        raise SystemExit("It reads /proc for memory and processor time: Linux only.")
    with tempfile.TemporaryDirectory() as name:
        pages = scans(Path(name), told.pages, told.dpi, told.seed)
        results = []
        if shutil.which("tesseract"):
            results.append(peer(pages, told.dpi))  # first: the largest child counted must be its own
        else:
            print("No peer: apt install tesseract-ocr tesseract-ocr-chi-sim", file=sys.stderr)
        two, readings = ours(pages, 2)
        one, _ = ours(pages, 1)
        results += [one, two]
        print(f"{told.pages} pages at {told.dpi} dpi, seed {told.seed}, {os.cpu_count()} cores\n")
        print("| | s a page | processor s a page | MB a worker | characters right |")
        print("|---|---|---|---|---|")
        for result in results:
            right = sum(accuracy(page.truth, text) for page, text in zip(pages, result.texts, strict=True)) / len(pages)
            print(f"| {result.name} | {result.wall / len(pages):.2f} | {result.processor / len(pages):.2f} | "
                  f"{result.megabytes:.0f} | {right:.2%} |")
        pictures = [(render_colours(page.pdf, 0, 200), 1) for page in pages]
        copies = [(page.pdf, page.pdf.with_suffix(".copy"), [TextLayer(reading.text.turned, reading.pieces)])
                  for page, reading in zip(pages, readings, strict=True)]
        write_searchable(copies[0][0], Path(name) / "warm", copies[0][2])
        print(f"\nTwo workers read {one.wall / two.wall:.2f} times as fast as one. Rendering takes "
              f"{processor_ms([(page.pdf, 0, 200) for page in pages], render_colours):.0f} ms of processor time a "
              f"page, the search for codes {processor_ms(pictures, find_codes):.0f} ms, the searchable copy "
              f"{processor_ms(copies, write_searchable):.0f} ms.")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
