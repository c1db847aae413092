"""One PDF for the printer out of many, written while it is read: its size does not matter to the memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from recordkit import files
from recordkit.errors import InputRefused
from recordkit.messages import msg

_PAGE_KEYS = ("/Resources", "/MediaBox", "/CropBox", "/Rotate", "/Contents", "/Annots", "/Group", "/UserUnit")
# What leads from a page back into the whole document.
_LEFT_BEHIND = ("/Pages", "/Catalog", "/StructTreeRoot", "/StructElem")
_A4 = (595.276, 841.89)


@dataclass(frozen=True, slots=True)
class PrintPart:
    """A PDF to be printed and its bookmark, such as the document's number."""

    path: Path
    title: str


@dataclass(frozen=True, slots=True)
class PrintFile:
    """What was written: documents, pages with blank ones, and how many of these are blank."""

    path: Path
    documents: int
    pages: int
    blank: int


def print_merged(
    parts: Iterable[PrintPart], target: Path, *, duplex: bool = False, overwrite: bool = False
) -> PrintFile:
    """Write all documents, in order, into one PDF with a bookmark for each.

    Reading programs are asked to print it at its true size, since codes shrunk below 15 mm are read badly, and with
    ``duplex`` on both sides. Forms' fields keep their look; attached files are left behind.

    Args:
        parts: the PDFs; may be an iterator.
        target: appears whole or not at all.
        duplex: whether a blank page follows a document with an odd number of pages, so that no sheet bears two.
        overwrite: whether an existing target is replaced.

    Raises:
        InputRefused: there is nothing to print, or a PDF cannot be read; nothing is written then, because a print
            file that silently lacks a document is worse than none.
        FileExistsError: the target exists and ``overwrite`` is false.
    """
    with files.writing(target, overwrite=overwrite) as stream:
        merge = _Merge(stream)
        for part in parts:
            merge.add(part, duplex)
        if not merge.documents:
            raise InputRefused(msg("There is nothing to print."))
        merge.finish(duplex)
        return PrintFile(target, len(merge.documents), merge.pages, merge.blank)


class _Merge:
    """Writes objects as they come and remembers only where each begins (ISO 32000-1, 7.5)."""

    def __init__(self, stream: BinaryIO) -> None:
        """Write the head; number 1 is kept for the catalogue, 2 for the page tree."""
        self._stream = stream
        self._at = 0
        self._offsets: list[int] = [0, 0, 0]
        self.documents: list[tuple[str, int, int, int]] = []  # title, page node, first page, pages
        self.pages = self.blank = 0
        self._write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def add(self, part: PrintPart, duplex: bool) -> None:
        """Copy one document.

        Raises:
            InputRefused: it cannot be read.
        """
        import pypdf
        from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, NumberObject

        try:
            with part.path.open("rb") as source, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                reader = pypdf.PdfReader(source)
                if reader.is_encrypted:
                    raise InputRefused(msg("{file} is encrypted and cannot be printed with the others.",
                                           file=part.path.name))
                pages = list(reader.pages)
                node = self._number()
                numbers = {page.indirect_reference.idnum: self._number() for page in pages
                           if page.indirect_reference is not None}
                if not pages or len(numbers) < len(pages):
                    raise ValueError("no pages, or one page twice")
                own = list(numbers.values())
                copy = _Copy(self, numbers)
                for page, number in zip(pages, own, strict=True):
                    kept = DictionaryObject({NameObject("/Type"): NameObject("/Page"),
                                             NameObject("/Parent"): IndirectObject(node, 0, reader)})
                    for key in _PAGE_KEYS:
                        if key in page:  # also what it inherits: pypdf has put it there
                            kept[NameObject(key)] = copy.translated(page.raw_get(key))
                    self.put(number, kept)
                copy.finish()
                kids = [IndirectObject(number, 0, reader) for number in own]
                if duplex and len(pages) % 2:
                    kids.append(IndirectObject(self._blank_page(node, pages[-1]), 0, reader))
                self.put(node, DictionaryObject({
                    NameObject("/Type"): NameObject("/Pages"), NameObject("/Parent"): IndirectObject(2, 0, reader),
                    NameObject("/Kids"): ArrayObject(kids), NameObject("/Count"): NumberObject(len(kids)),
                }))
        except InputRefused:
            raise
        # pypdf raises bare TypeError, KeyError and its own errors on odd files; an OSError of the target would say
        # the same thing wrongly, and is told apart by its file name.
        except Exception as error:
            if isinstance(error, OSError) and error.filename != str(part.path):
                raise
            raise InputRefused(
                msg("{file} cannot be read as a PDF; nothing was written for the printer.", file=str(part.path)),
                msg("Make it again, or leave it out."),
            ) from error
        self.documents.append((part.title, node, own[0], len(kids)))
        self.pages += len(kids)

    def finish(self, duplex: bool) -> None:
        """Write page tree, bookmarks, catalogue and table."""
        kids = " ".join(f"{node} 0 R" for _, node, _, _ in self.documents)
        self._write_object(2, f"<< /Type /Pages /Kids [{kids}] /Count {self.pages} >>".encode())
        outline = self._number()
        marks = [self._number() for _ in self.documents]
        for place, ((title, _, first, _), number) in enumerate(zip(self.documents, marks, strict=True)):
            beside = f"/Prev {marks[place - 1]} 0 R " if place else ""
            beside += f"/Next {marks[place + 1]} 0 R " if place + 1 < len(marks) else ""
            text = (b"\xfe\xff" + title.encode("utf-16-be", "replace")).hex()
            self._write_object(
                number, f"<< /Title <{text}> /Parent {outline} 0 R {beside}/Dest [{first} 0 R /Fit] >>".encode()
            )
        self._write_object(
            outline,
            f"<< /Type /Outlines /First {marks[0]} 0 R /Last {marks[-1]} 0 R /Count {len(marks)} >>".encode(),
        )
        sides = "/DuplexFlipLongEdge" if duplex else "/Simplex"
        self._write_object(
            1,
            f"<< /Type /Catalog /Pages 2 0 R /Outlines {outline} 0 R /PageMode /UseOutlines "
            f"/ViewerPreferences << /PrintScaling /None /Duplex {sides} >> >>".encode(),
        )
        start, size = self._at, len(self._offsets)
        self._write(f"xref\n0 {size}\n0000000000 65535 f \n".encode())
        for offset in self._offsets[1:]:
            self._write(f"{offset:010} 00000 n \n".encode())
        self._write(f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())

    def put(self, number: int, value: Any) -> None:
        """Write a pypdf object under ``number``."""
        self._begin(number)
        counted = _Counted(self._stream)
        value.write_to_stream(counted)
        self._at += counted.size
        self._write(b"\nendobj\n")

    def _number(self) -> int:
        self._offsets.append(0)
        return len(self._offsets) - 1

    next_number = _number

    def _blank_page(self, node: int, like: Any) -> int:
        box = [float(edge) for edge in like.mediabox] if like.mediabox else [0.0, 0.0, *_A4]
        turned = f" /Rotate {like.rotation}" if like.rotation else ""
        number = self._number()
        self._write_object(
            number,
            f"<< /Type /Page /Parent {node} 0 R /MediaBox [{' '.join(f'{edge:g}' for edge in box)}]{turned} "
            "/Resources << >> >>".encode(),
        )
        self.blank += 1
        return number

    def _write_object(self, number: int, body: bytes) -> None:
        self._begin(number)
        self._write(body + b"\nendobj\n")

    def _begin(self, number: int) -> None:
        self._offsets[number] = self._at
        self._write(f"{number} 0 obj\n".encode())

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._at += len(data)


class _Counted:
    """The stream, counting what goes through."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self.size += len(data)
        return len(data)


class _Copy:
    """Objects of one document under their new numbers, each written once."""

    def __init__(self, merge: _Merge, numbers: dict[int, int]) -> None:
        self._merge = merge
        self._numbers = numbers
        self._waiting: list[Any] = []

    def translated(self, value: Any) -> Any:
        """``value`` with the references in it renumbered; what they lead to is copied by ``finish``."""
        from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

        if isinstance(value, IndirectObject):
            number = self._numbers.get(value.idnum)
            if number is None:
                number = self._numbers[value.idnum] = self._merge.next_number()
                self._waiting.append(value)
            return IndirectObject(number, 0, value.pdf)
        if isinstance(value, ArrayObject):
            return ArrayObject([self.translated(one) for one in value])
        if isinstance(value, DictionaryObject):
            # In place, because a stream carries its bytes with its dictionary; this reader is not used again.
            for key in list(value):
                value[key] = self.translated(value.raw_get(key))
        return value

    def finish(self) -> None:
        """Write what the pages need."""
        from pypdf.generic import DictionaryObject, NullObject

        while self._waiting:
            reference = self._waiting.pop()
            value = reference.get_object()
            if value is None or (isinstance(value, DictionaryObject) and value.get("/Type") in _LEFT_BEHIND):
                value = NullObject()
            self._merge.put(self._numbers[reference.idnum], self.translated(value))

