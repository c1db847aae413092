"""What several benchmarks need: the smallest paper, time by two clocks, the peer that only hashes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence


def pdf(text: str) -> bytes:
    """A PDF of one page with a line of text, the smallest that every reader takes; other signs than ASCII in hex."""
    line = f"BT /F1 12 Tf 72 700 Td <{text.encode('utf-8').hex()}> Tj ET".encode()
    if text.isascii():
        line = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(line), line),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n%" + text.encode() + b"\n", []
    for at, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (at, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(parts) + 1, table, len(parts) + 1, len(out))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds, and processor seconds of this process and its children that have ended."""
    before, begin = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - begin, os.times()
    return wall, sum(after[:4]) - sum(before[:4])


def sha512sum(paths: Sequence[str]) -> None:
    """Hash the files with the system's program, as many at once as a command line takes."""
    for start in range(0, len(paths), 2_000):
        subprocess.run(["sha512sum", *paths[start : start + 2_000]], check=True, stdout=subprocess.DEVNULL)
