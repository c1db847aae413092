"""What a file in the store is about: the issue whose document it is, the people whom a working copy names.

Asked before a destruction removes a file that was found by its name: another document may have taken that name.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recordkit.archive.codes import find_codes
from recordkit.archive.reading import read_papers
from recordkit.model import same_account
from recordkit.settings import IngestSection
from recordkit.templates.spreadsheet import CellError, open_sheet, sheet_titles

Ownership = Literal["ours", "foreign", "unclear"]

WORKING_COPY = re.compile(r"[^.~].*-(refused|unknown)-[0-9]+\.(xlsx|csv|json)|[^.~].*-answers-[0-9]+\.json", re.DOTALL)
"""Names of the files that the program writes for the clerk to correct and feed in again."""
LISTS = frozenset((".xlsx", ".csv", ".tsv"))
"""Endings of catalogues and lists that offices feed in."""

_PICTURE = re.compile(r"word/media/[^/]+\.(png|jpe?g|gif|bmp|tiff?)", re.IGNORECASE)
_PART = re.compile(r"word/[^/]+\.xml")
_LARGEST = 16_777_216  # bytes unpacked; larger parts are no code and no letter of ours
_MOST_TEXT = 4 * _LARGEST  # of all parts with text: more would only fill the memory
# A print file of ours has as many pages as were printed.
_LIMITS = IngestSection(most_pages=100_000)
_BETWEEN = re.compile(r"[|;；,，、/\s]+")


@dataclass(frozen=True, slots=True)
class Trace:
    """What a document says of itself.

    Attributes:
        issue_ids: issues named by our codes in it.
        text: its text without any white space; None when the file cannot be read.
    """

    issue_ids: frozenset[str]
    text: str | None

    def ownership(self, issue_id: str, number: str, *, expected: bool, twin: Ownership | None = None) -> Ownership:
        """Whether the file is the document of an issue.

        Args:
            issue_id: the issue.
            number: its document number, which stands in for the code where a template prints none.
            expected: whether the issue's data names this very path.
            twin: the answer for the Word file beside a PDF, None when there is none.
        """
        if self.issue_ids:
            return "ours" if self.issue_ids == {issue_id} else "unclear" if issue_id in self.issue_ids else "foreign"
        if twin == "ours":
            return "ours"
        expected = expected and twin is None
        if self.text is None:
            return "ours" if expected else "unclear"
        if number and "".join(number.split()) in self.text:
            return "ours" if expected else "unclear"
        return "unclear" if expected else "foreign"


def read_traces(paths: Iterable[Path]) -> dict[Path, Trace]:
    """Codes and texts of Word files and PDFs; a file that cannot be opened is left out.

    All in one call: a process has to start for the PDFs, which must not happen once a file.

    Raises:
        RecordkitError: the operating system does not let the process start.
    """
    found: dict[Path, Trace] = {}
    pdfs: list[Path] = []
    for path in dict.fromkeys(paths):
        with contextlib.suppress(OSError):
            if path.suffix.lower() == ".docx":
                found[path] = _of_word(path)
            elif _is_pdf(path):
                pdfs.append(path)
            else:
                found[path] = Trace(frozenset(), None)
    for reading in read_papers(pdfs, jobs=1, ocr=False, limits=_LIMITS) if pdfs else ():
        text = None if reading.failure else "".join("".join(page.text for page in reading.texts).split())
        found[reading.path] = Trace(frozenset(reading.issue_ids), text)
    return found


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as handle:
        return b"%PDF-" in handle.read(1024)


def _of_word(path: Path) -> Trace:
    found: set[str] = set()
    texts: list[str] = []
    unpacked = 0
    try:
        with zipfile.ZipFile(path) as package:
            for info in package.infolist():
                if info.file_size > _LARGEST:
                    continue
                if _PICTURE.fullmatch(info.filename):
                    found |= _codes_in(package.read(info))
                elif _PART.fullmatch(info.filename):
                    unpacked += info.file_size
                    if unpacked > _MOST_TEXT:
                        return Trace(frozenset(found), None)
                    texts.append(html.unescape(re.sub("<[^>]*>", "", package.read(info).decode("utf-8", "replace"))))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return Trace(frozenset(found), None)
    return Trace(frozenset(found), "".join("".join(texts).split()))


def _codes_in(data: bytes) -> set[str]:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            grey = np.array(picture.convert("L"))
    except (OSError, ValueError, Image.DecompressionBombError):
        return set()
    return {code.printed.issue_id for code in find_codes(grey, 1) if code.printed}


def names_in(path: Path) -> frozenset[str] | None:
    """Every cell of a working copy, and every part of a cell that holds a list, written as accounts are compared.

    Returns None when the file cannot be read.
    """
    cells = {".xlsx": _xlsx, ".json": _json}.get(path.suffix.lower(), _csv)
    found: set[str] = set()
    try:
        for cell in cells(path.read_bytes()):
            if cell is not None and cell != "":
                text = same_account(str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell))
                found |= {text, *_BETWEEN.split(text)}
    except Exception:  # noqa: BLE001  (whatever a broken spreadsheet raises: nobody knows whom it names)
        return None
    return frozenset(found - {""})


def _csv(data: bytes) -> Iterator[object]:
    try:
        text = data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")  # what Excel saves in a Chinese Windows
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            yield from (cell, *cell.split("\t"))


def _json(data: bytes) -> Iterator[object]:
    waiting: list[object] = [json.loads(data.decode("utf-8-sig"))]
    while waiting:
        value = waiting.pop()
        inner: Iterable[object] | None = None
        if isinstance(value, dict):
            inner = value.values()
        elif isinstance(value, list):
            inner = value
        if inner is None:
            yield value
        else:
            waiting += inner


def _xlsx(data: bytes) -> Iterator[object]:
    first, _ = open_sheet(data, "", None)  # Refuses what would unpack too large, before anything else looks at it.
    for grid in (first, *(open_sheet(data, "", title)[0] for title in sheet_titles(data)[1:])):
        for row in grid():
            yield from (cell.text if isinstance(cell, CellError) else cell for cell in row)
