"""Files that were good once: bytes flipped, cut, spliced, doubled. No crash, no hang, and none is lost.

RECORDKIT_FUZZ=5000 tries that many; the seed is fixed, so that a failure comes again.
"""

from __future__ import annotations

import hashlib
import os
import random
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pypdf
import pytest
from conftest import Cli
from PIL import Image

import recordkit

SCANS = Path(recordkit.__file__).parent / "demo_data" / "scans"
COUNT = int(os.environ.get("RECORDKIT_FUZZ", "200"))
BATCH = 100
_LARGEST = 2_000_000


def good_files(folder: Path) -> list[bytes]:
    """Kinds of PDFs that differ in structure: tables, object streams, encryption, updates, pictures, scripts."""
    folder.mkdir()
    digital = next(SCANS.glob("02-*.pdf"))
    made = {"digital": digital.read_bytes(), "scan": next(SCANS.glob("09-*.pdf")).read_bytes()}
    modes = pikepdf.ObjectStreamMode
    with pikepdf.open(digital) as pdf:
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        pdf.attachments["note.txt"] = b"hello"
        pdf.save(folder / "packed.pdf", object_stream_mode=modes.generate)
        pdf.save(folder / "linear.pdf", linearize=True)
        pdf.save(folder / "owner.pdf", encryption=pikepdf.Encryption(owner="o", user=""))
        pdf.save(folder / "plain.pdf", object_stream_mode=modes.disable, compress_streams=False,
                 stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    writer = pypdf.PdfWriter(folder / "packed.pdf", incremental=True)
    writer.add_blank_page(595, 842)
    writer.write(folder / "updated.pdf")
    Image.effect_noise((300, 400), 80).save(folder / "tiny.pdf", "PDF")
    made |= {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return list(made.values())


def shipped_by_dependencies() -> list[Path]:
    """PDFs that libraries of the test environment bring along."""
    return sorted(path for path in Path(sysconfig.get_paths()["purelib"]).rglob("*.pdf")
                  if path.stat().st_size <= _LARGEST and not path.is_relative_to(SCANS))


def flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 4, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def flip_in_structure(data: bytearray, chance: random.Random) -> None:
    """Names, numbers and brackets of objects are a small part of a file, and the part where damage tells."""
    marks = [place for mark in (b" obj", b"/Length", b"/Kids", b"xref", b"/Filter", b"/Count", b"/W", b"/Size")
             for place in _places(data, mark)]
    for place in chance.choices(marks, k=3) if marks else ():
        data[min(len(data) - 1, place + chance.randrange(12))] = chance.choice(b"0123456789/<>[]()% \n\0\xff")


def _places(data: bytearray, mark: bytes) -> list[int]:
    found, place = [], data.find(mark)
    while place >= 0:
        found.append(place)
        place = data.find(mark, place + 1)
    return found


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def remove(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.choice((1, 17, 4096))]


def double(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    piece = data[start : start + chance.choice((1, 100, 20_000))]
    data[start:start] = piece


def zero(data: bytearray, chance: random.Random) -> None:
    """A sector of a disk that could not be read."""
    start = chance.randrange(len(data)) & ~511
    length = len(data[start : start + 512])
    data[start : start + length] = bytes(length)


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (flip, flip_in_structure, cut, remove, double, zero)


def mutant(good: list[bytes], chance: random.Random) -> bytes:
    data = bytearray(chance.choice(good))
    if chance.random() < 0.1:
        other = chance.choice(good)
        data[chance.randrange(len(data)) :] = other[chance.randrange(len(other)) :]
    for _ in range(chance.choice((1, 1, 2))):
        if data:
            chance.choice(MUTATIONS)(data, chance)
    return bytes(data)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def in_store(cli: Cli) -> tuple[set[str], set[str], set[str]]:
    """Digests of what lies in archive, quarantine and inbox."""
    archive = {digest(path.read_bytes()) for path in (cli.store / "objects").rglob("original.pdf")}
    quarantine = {digest(path.read_bytes()) for path in (cli.store / "quarantine").rglob("*.pdf")}
    inbox = {digest(path.read_bytes()) for path in (cli.store / "inbox").rglob("*.pdf") if "done" not in path.parts}
    return archive, quarantine, inbox


@pytest.mark.parametrize("batch", range(max(1, COUNT // BATCH)))
def test_every_mutant_is_filed_or_in_quarantine_and_none_is_lost(cli: Cli, tmp_path: Path, batch: int) -> None:
    good = good_files(tmp_path / "good")
    chance = random.Random(batch)
    sources = {}
    for number in range(min(BATCH, COUNT)):
        data = mutant(good, chance)
        sources[digest(data)] = data
        (cli.store / "inbox" / f"{number:04}.pdf").write_bytes(data)
    settings = cli.store / "recordkit.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("memory_mb = 3000", "memory_mb = 800"), encoding="utf-8")
    command = ("ingest", "--class", "visit-record", "--no-ocr", "--jobs", "2", "--as-of", "2026-12-01")
    result = cli.json(*command, expect=4)
    assert result["total"] == min(BATCH, COUNT)
    assert {item["outcome"] for item in result["items"]} <= {"archived", "duplicate", "quarantined", "unmatched"}
    archive, quarantine, inbox = in_store(cli)
    assert archive | quarantine | inbox == set(sources)
    assert not archive & quarantine
    assert result["summary"]["archived"] == len(archive)
    assert cli.json("verify")["ok"]


def test_every_pdf_of_the_libraries_and_the_demo_is_read_or_refused_with_a_reason(cli: Cli) -> None:
    paths = [*sorted(SCANS.glob("*.pdf")), *shipped_by_dependencies()]
    assert len(paths) >= 9
    result = cli.json("ingest", *paths, "--class", "visit-record", "--no-ocr", "--dry-run", "--as-of", "2026-12-01")
    assert result["total"] == len(paths)
    told = {Path(item["source"]).name: item["outcome"] for item in result["items"]}
    assert all(told[path.name] in ("archived", "unmatched") for path in paths if path.parent == SCANS)
