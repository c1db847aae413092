"""How long 10,000 rows of an inherited catalogue take, planned and filed, and how memory grows from 1,000 to 10,000.

The same PDFs are ingested by class without a catalogue in the same run: the ratio is what the catalogue costs.

    python benchmarks/inherited.py [ROWS]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shared import pdf


def run(folder: Path, rows: int, way: str) -> None:
    """Make the files, then ingest them; prints what ``measured`` reads."""
    from openpyxl import Workbook

    from recordkit.cli.main import run as recordkit

    scans, store, sheet = folder / "scans", folder / "store", folder / "rows.xlsx"
    scans.mkdir(parents=True)
    book = Workbook(write_only=True)
    page = book.create_sheet()
    page.append(["档号", "题名", "日期", "文件名", "页数", "保管期限", "户号"])
    for number in range(1, rows + 1):
        (scans / f"{number:06}.pdf").write_bytes(pdf(f"Paper {number:06}"))
        page.append([f"1998-5-{number:06}", f"第{number}件合同", "1998-03-05", f"{number:06}.pdf", 1, "长期",
                     f"001{number:07}"])
    book.save(sheet)
    del book, page
    recordkit(["--store", str(store), "--quiet", "init", "--simulation", "--no-input", str(store)])
    source = ["--catalogue", str(sheet)] if way == "catalogue" else []
    begun, worked = time.perf_counter(), cpu()
    code = recordkit(["--store", str(store), "--quiet", "--json", "ingest", str(scans), "--class", "supply-contract",
                      "--no-ocr", *source])
    seconds, worked = time.perf_counter() - begun, cpu() - worked
    assert code == 0, code
    sys.stdout.flush()
    print(f"{seconds} {worked} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}", file=sys.__stderr__)


def cpu() -> float:
    """Processor time so far, of this process and of its children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """Both ways, a tenth and all of the rows."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print("rows    way        seconds  processor s  rows/s  MiB at most")
    found: dict[tuple[int, str], float] = {}
    for count in (rows // 10, rows):
        for way in ("class", "catalogue"):
            with tempfile.TemporaryDirectory() as folder:
                told = subprocess.run([sys.executable, __file__, "run", folder, str(count), way], check=True,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr.split()[-3:]
            seconds, worked, most = map(float, told)
            found[count, way] = worked
            print(f"{count:<7} {way:<10} {seconds:7.1f}  {worked:11.1f}  {count / seconds:6.0f}  {most:11.0f}",
                  flush=True)
    print(f"with a catalogue / without: {found[rows, 'catalogue'] / found[rows, 'class']:.2f} of processor time")


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main()
