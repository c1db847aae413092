"""Small Word files and PDFs for tests of printing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pikepdf
from conftest import Cli
from docx import Document
from docx.oxml.ns import qn

from recordkit.templates.code import PrintedCode


def word_file(path: Path, *texts: str, font: str = "宋体", latin: str = "Times New Roman") -> Path:
    """A Word file with one paragraph per text."""
    document = Document()
    for text in texts:
        run = document.add_paragraph().add_run(text)
        run.font.name = latin
        run._element.rPr.rFonts.set(qn("w:eastAsia"), font)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(str(path))
    return path


def pdf_bytes(pages: int = 1, *, ink: Sequence[tuple[float, float, float, float]] = (), text: str = "Paper",
              size: tuple[float, float] = (595.276, 841.89), prefix: str = "") -> bytes:
    """A PDF whose pages show a line of text in the middle and black areas (x, y, width, height in mm)."""
    document = pikepdf.new()
    for number in range(1, pages + 1):
        page = document.add_blank_page(page_size=size)
        areas = " ".join(f"{' '.join(f'{edge * 72 / 25.4:.2f}' for edge in area)} re f" for area in ink)
        line = "" if not text else f"BT /F1 12 Tf {size[0] / 2:.0f} {size[1] / 2:.0f} Td ({text} {number}) Tj ET"
        page.Contents = document.make_stream(f"{prefix} {areas} {line}".encode())
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)))
    out = io.BytesIO()
    document.save(out, deterministic_id=True)
    return out.getvalue()


def code_of(cli: Cli, number: str) -> str:
    """What the code on a document says."""
    shown = cli.json("issued", "list")["items"]
    one = next(item for item in shown if item["number"] == number)
    return PrintedCode(one["issue_id"], one["revision"]).encode()


def old_scans(folder: Path, many: int, width: int = 1) -> Path:
    """A new folder with scans of one page, named by their numbers from 1 on, in ``width`` figures."""
    folder.mkdir()
    for number in range(1, many + 1):
        (folder / f"{number:0{width}}.pdf").write_bytes(pdf_bytes(text=f"Archive paper {number:02}"))
    return folder
