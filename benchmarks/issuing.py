"""Issuing a table of notices, from the spreadsheet to the files, against a plain docxtpl loop over the same rows.

Run: ``python benchmarks/issuing.py [ROWS ...]``. Ours is the command as a clerk gives it, a fresh process that reads,
checks, numbers, logs, prints, syncs and writes; the loop only reads the sheet and writes the files (over at most 200
rows: it does not get faster). Prints documents a second, the ratio, the greatest memory of a process, and how it
grows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

LOOP = """
import sys, openpyxl
from pathlib import Path
from docxtpl import DocxTemplate
import jinja2
template, sheet, out, limit = sys.argv[1:]
book = openpyxl.load_workbook(sheet, read_only=True)
rows = book.worksheets[0].iter_rows(values_only=True)
names = next(rows)
environment = jinja2.Environment(undefined=jinja2.ChainableUndefined, autoescape=True)
environment.filters.update(大写=str, 中文日期=str, 日期=str)
for number, row in enumerate(rows):
    if number == int(limit):
        break
    document = DocxTemplate(template)
    document.render(dict(zip(names, row)), environment)
    document.save(Path(out) / f"{number}.docx")
"""
HEADINGS = (
    "通知日期", "户名", "户号", "接水点编号", "地址", "联系电话", "口径", "换表原因", "旧表号", "旧表检定日期",
    "上次抄见行度", "新表号", "预约换表时间", "换表员", "服务电话",
)  # fmt: skip


def make_sheet(path: Path, rows: int) -> None:
    """A sheet of invented meters."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("换表")
    sheet.append(HEADINGS)
    for at in range(rows):
        sheet.append([
            date(2026, 11, 20), f"魏堃{at % 97}", f"{1200000 + at:010d}", f"JD-{at // 100:04d}-{at % 100:02d}",
            f"清源市河湾区柳荫街{at % 200 + 1}号{at % 9 + 1}幢{at % 4 + 1}单元{at % 6 + 1}01室", f"139{at:08d}", "DN20",
            "逾龄", f"S2020{at:06d}", date(2020, 11, 1) + timedelta(days=at % 28), 1000 + at % 900, f"S2026{at:06d}",
            datetime(2026, 11, 26, 9) + timedelta(minutes=15 * (at % 20)), "孟昇", "010-55500012",
        ])  # fmt: skip
    book.save(path)


def timed(command: list[str]) -> tuple[float, float]:
    """Wall seconds of a command, and the greatest memory in MB of any of its processes."""
    read, write = os.pipe()
    watcher = (
        "import os, resource, subprocess, sys\n"
        "subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "os.write(int(sys.argv[1]), str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss).encode())"
    )
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", watcher, str(write), *command], check=True, pass_fds=[write])
    seconds = time.perf_counter() - begin
    memory = int(os.read(read, 100)) / 1024
    os.close(read)
    os.close(write)
    return seconds, memory


def ours(folder: Path, sheet: Path, jobs: int) -> tuple[float, float]:
    """The command, in a store of its own."""
    store = folder / f"store-{sheet.stem}-{jobs}"
    start = [sys.executable, "-m", "recordkit", "--store", str(store), "--quiet"]
    subprocess.run([*start, "init", "--simulation", "--no-input", str(store)], check=True, capture_output=True)
    return timed([*start, "generate", "meter-change-notice", "--data", str(sheet), "--jobs", str(jobs)])


def main() -> None:
    """Print the table."""
    from recordkit.templates.forms import shipped_forms

    template = shipped_forms() / "meter-change-notice" / "template.docx"
    sizes = [int(one) for one in sys.argv[1:]] or [1_000, 10_000]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        print("     rows  way             seconds  documents/s  ratio  memory MB")
        for size in sizes:
            sheet = folder / f"{size}.xlsx"
            make_sheet(sheet, size)
            out = folder / f"loop-{size}"
            out.mkdir()
            few = min(size, 200)
            seconds, memory = timed([sys.executable, "-c", LOOP, str(template), str(sheet), str(out), str(few)])
            peer = few / seconds
            print(f"{few:9,}  docxtpl loop  {seconds:9.2f}  {peer:11,.0f}  {1:5.0f}  {memory:9.0f}", flush=True)
            for jobs in (1, 2):
                seconds, memory = ours(folder, sheet, jobs)
                rate = size / seconds
                print(
                    f"{size:9,}  --jobs {jobs}      {seconds:9.2f}  {rate:11,.0f}  {rate / peer:5.0f}  {memory:9.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
