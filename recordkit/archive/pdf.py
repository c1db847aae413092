"""What a PDF is and says, without trusting it: facts, embedded text, pictures of its pages.

These functions parse hostile input in C libraries. Ingest calls them in a child process (see reading.py).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recordkit.archive.pdf_actions import carried_things
from recordkit.archive.text_quality import judge_text
from recordkit.errors import InputRefused
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    GreyImage = NDArray[np.uint8]
    ColourImage = NDArray[np.uint8]  # rows, columns, channels

Reason = Literal[
    "not-readable", "empty-file", "not-a-pdf", "encrypted", "wrong-password", "damaged", "no-pages", "too-many-pages",
    "too-large", "timeout",
]

# A1 at 200 dpi, A0 at 140. A page may claim any size; rendering it as claimed would take all memory, and to look for
# codes takes seconds for every 10 million pixels.
_MOST_PIXELS = 32_000_000
# ISO 32000-1 Annex H, implementation notes 13 and 18: readers look this far for header and end marker.
_MARKER_WINDOW = 1024
# An image over this share of the page makes the page a scan.
_SCAN_COVER = 0.7
# Forms within forms: what lies deeper counts as a picture unseen.
_DEPTH = 4
# Texts go to the parent, which has no limit on its memory. The longest novel has 10 million characters.
_MOST_CHARACTERS = 20_000_000
_MOST_FORMS = 10_000
# Bitmaps wider or higher than this fail in image programs; no page has such a shape.
_LONGEST_SIDE = 30_000


class UnreadablePdf(InputRefused):
    """A paper that cannot be filed as it is. ``reason`` is stable, for programs.

    Args:
        path: the file.
        reason: not-readable (the system refuses the file), empty-file, not-a-pdf, encrypted (needs a password),
            wrong-password (none of those given opens it), damaged (cut short, or the reader failed on it), no-pages,
            too-many-pages, too-large (reading took more memory than allowed), timeout (or more time).
    """

    def __init__(self, path: Path, reason: Reason) -> None:
        """Choose the messages by the reason."""
        what, todo = _explain(path.name, reason)
        super().__init__(what, todo)
        self.path = path
        self.reason: Reason = reason

    def __reduce__(self) -> tuple[type[UnreadablePdf], tuple[Path, Reason]]:
        return UnreadablePdf, (self.path, self.reason)


def _explain(name: str, reason: Reason) -> tuple[Message, Message]:
    again = msg("Scan the paper again, or export the file again.")
    match reason:
        case "not-readable":
            return msg("{file} cannot be opened.", file=name), msg("Check that it is there and who may read it.")
        case "empty-file":
            return msg("{file} is empty.", file=name), again
        case "not-a-pdf":
            return msg("{file} is not a PDF, whatever its name says.", file=name), msg("Save it as PDF first.")
        case "encrypted":
            return msg("{file} opens only with a password.", file=name), _how_to_unlock()
        case "wrong-password":
            return msg("None of the passwords given opens {file}.", file=name), _how_to_unlock()
        case "damaged" if not can_rewrite():
            return msg("{file} is damaged or cut short.", file=name), msg(
                "What is left of it can perhaps be read after: pip install 'recordkit[pdf]'; then: "
                "recordkit ingest --retry. Or scan the paper again.")
        case "damaged":
            return msg("{file} is damaged or cut short, and no page could be brought back.", file=name), again
        case "no-pages":
            return msg("{file} has no pages.", file=name), again
        case "too-many-pages":
            return msg("{file} has more pages than a file may have.", file=name), msg(
                "Split it, or raise [ingest] most_pages in recordkit.toml; then: recordkit ingest --retry")
        case "too-large":
            return msg("Reading {file} took more memory than allowed.", file=name), msg(
                "Scan the paper again, or raise [ingest] memory_mb in recordkit.toml; then: recordkit ingest --retry")
        case "timeout":
            return msg("Reading {file} took longer than allowed.", file=name), msg(
                "Scan the paper again, or raise [ingest] page_seconds in recordkit.toml; then: "
                "recordkit ingest --retry")


def can_rewrite() -> bool:
    """Whether pikepdf is here, which repairs and unlocks."""
    import importlib.util

    return importlib.util.find_spec("pikepdf") is not None


def _how_to_unlock() -> Message:
    if can_rewrite():
        return msg("Write its password into a file: recordkit ingest --retry --password-file FILE")
    return msg("Locked files can be opened after: pip install 'recordkit[pdf]'")


@dataclass(frozen=True, slots=True)
class PageFacts:
    """One page as its PDF describes it.

    Attributes:
        width: shown width in points (1/72 inch), rotation applied.
        height: shown height in points.
        text: embedded text worth keeping, lines separated by newlines; empty when there is none or only garbage.
        engine: name and version of what read the text; empty without text.
        garbage: there is text, but not what the page shows, so that only its picture can be read.
        has_pictures: images, drawings or annotations are on it, so a code or more text may be seen that the text lacks.
        is_scan: one image covers most of it.
    """

    width: float
    height: float
    text: str
    has_pictures: bool
    is_scan: bool
    engine: str = ""
    garbage: bool = False

    @property
    def must_be_seen(self) -> bool:
        """Whether its picture may show what the embedded text does not say."""
        return self.has_pictures or self.garbage


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What a readable PDF is.

    Attributes:
        page_facts: one per page, in order.
        encrypted: encrypted, though it opens without a password (printing or copying may be forbidden).
        signature_fields: signature fields, signed or not.
        signatures: fields that hold a signature; nothing is said about its validity.
        carries: kinds of things beside pages (see ``pdf_actions.KINDS``); None when the structure cannot be walked.
        attached_files: files embedded in the document.
        producer: program that wrote it, as the file claims.
    """

    page_facts: tuple[PageFacts, ...]
    encrypted: bool
    signature_fields: int
    signatures: int
    carries: frozenset[str] | None
    attached_files: int
    producer: str

    @property
    def pages(self) -> int:
        """Number of pages."""
        return len(self.page_facts)

    @property
    def has_javascript(self) -> bool | None:
        """Whether a script is anywhere in it; None when that cannot be told."""
        return None if self.carries is None else "javascript" in self.carries


def inspect_pdf(path: Path, most_pages: int | None = None) -> PdfFacts:
    """Facts and embedded text of every page.

    Raises:
        UnreadablePdf: see its reasons; never timeout from here. A file of more than ``most_pages`` pages
            is refused before its pages are looked at.
    """
    import pypdfium2.raw as pdfium

    with _opened(path) as document:
        if len(document) == 0:
            raise UnreadablePdf(path, "no-pages")
        if most_pages is not None and len(document) > most_pages:
            raise UnreadablePdf(path, "too-many-pages")
        pages = tuple(_all_pages(path, document))
        fields = max(0, pdfium.FPDF_GetSignatureCount(document))
        filled = (
            pdfium.FPDFSignatureObj_GetContents(pdfium.FPDF_GetSignatureObject(document, index), None, 0) > 0
            for index in range(fields)
        )
        return PdfFacts(
            page_facts=pages,
            encrypted=pdfium.FPDF_GetSecurityHandlerRevision(document) >= 0,
            signature_fields=fields,
            signatures=sum(filled),
            carries=carried_things(path),
            attached_files=document.count_attachments(),
            producer=_cleaned(document.get_metadata_value("Producer")).strip()[:200],
        )


def render_colours(path: Path, index: int, dpi: int = 200) -> ColourImage:
    """Picture of the page with 0-based ``index``: rows, columns and red, green, blue; rotation applied.

    A page larger than A1 is rendered at a lower resolution. Of a scan this is quicker than in grey.

    Raises:
        UnreadablePdf: see its reasons.
    """
    import pypdfium2

    with _opened(path) as document:
        try:
            document.init_forms()  # or else values typed into form fields stay invisible
            page = document[index]
            width, height = page.get_size()
            scale = min(dpi / 72, math.sqrt(_MOST_PIXELS / max(1.0, width * height)),
                        _LONGEST_SIDE / max(1.0, width, height))
            bitmap = page.render(scale=scale, rev_byteorder=True)
            picture: ColourImage = bitmap.to_numpy().copy()
        except (pypdfium2.PdfiumError, IndexError, ValueError, OverflowError) as error:  # a size may be infinite
            raise UnreadablePdf(path, "damaged") from error
        return picture.reshape((*picture.shape[:2], -1))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pypdfium2
    import pypdfium2.raw as pdfium

    require_whole(path)
    # pdfium does not clear its last error: without this failure (bad format) an earlier file's "wrong password" would
    # be laid at the door of this one.
    pdfium.FPDF_LoadMemDocument64(b"", 0, None)
    try:
        document = pypdfium2.PdfDocument(path.absolute())  # absolute: it would take a leading ~ for a home folder
    except OSError as error:
        raise UnreadablePdf(path, "not-readable") from error
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise UnreadablePdf(path, "encrypted") from error
        raise UnreadablePdf(path, "no-pages" if _has_empty_page_tree(path) else "damaged") from error
    try:
        yield document
    finally:
        document.close()


def require_whole(path: Path) -> None:
    """Look at head and end of a file, where a cut shows.

    Raises:
        UnreadablePdf: not-readable, empty-file, not-a-pdf, damaged.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_MARKER_WINDOW)
            size = stream.seek(0, 2)
            stream.seek(max(0, size - 64 * _MARKER_WINDOW))
            tail = stream.read()
    except OSError as error:
        raise UnreadablePdf(path, "not-readable") from error
    if not size:
        raise UnreadablePdf(path, "empty-file")
    if b"%PDF-" not in head:
        raise UnreadablePdf(path, "not-a-pdf")
    # The reader repairs a file cut short, or goes back to what stood before its last update, without a word: pages or
    # a signature would be lost for good.
    end = tail.rstrip(b"\0\r\n\t ")[-_MARKER_WINDOW:].rpartition(b"%%EOF")
    if not end[1] or b" obj" in end[2]:
        raise UnreadablePdf(path, "damaged")


def _all_pages(path: Path, document: Any) -> Iterator[PageFacts]:
    characters = 0
    for index in range(len(document)):
        facts = _page_facts(path, document, index)
        characters += len(facts.text)
        if characters > _MOST_CHARACTERS:
            raise UnreadablePdf(path, "too-large")
        yield facts


def _page_facts(path: Path, document: Any, index: int) -> PageFacts:
    import pypdfium2

    try:
        page = document[index]
        try:
            width, height = page.get_size()
            pictures, covered = _pictures(page, max(1.0, width * height))
            pictures = pictures or _has_marks(page)
            text, engine = _text_of(path, page, index)
        finally:
            page.close()  # with its text page; thousands of open pages would fill the memory
    except pypdfium2.PdfiumError as error:
        raise UnreadablePdf(path, "damaged") from error
    is_scan = covered >= _SCAN_COVER
    layer = judge_text(text, is_scan)
    if layer.empty or layer.garbage:
        text, engine = "", ""
    return PageFacts(width, height, text, pictures, is_scan, engine, layer.garbage)


def _pictures(page: Any, area: float) -> tuple[bool, float]:
    """Whether anything but text is on a page, and the share of it that images cover (strips of a scan add up)."""
    import ctypes

    import pypdfium2.raw as pdfium

    # pypdfium2's own iterator wraps every object, which costs more than all the rest.
    bounds = tuple(ctypes.c_float() for _ in range(4))
    places = tuple(ctypes.byref(one) for one in bounds)
    levels: list[tuple[Any, Any, Any]] = [(page.raw, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject)]
    pictures, covered = False, 0.0
    for depth in range(_DEPTH):
        inner = []
        for holder, count, get in levels:
            for number in range(count(holder)):
                thing = get(holder, number)
                kind = pdfium.FPDFPageObj_GetType(thing)
                if kind == pdfium.FPDF_PAGEOBJ_TEXT:
                    continue
                if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEPTH - 1:
                    inner.append((thing, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject))
                    continue
                pictures = True
                if kind == pdfium.FPDF_PAGEOBJ_IMAGE and pdfium.FPDFPageObj_GetBounds(thing, *places):
                    left, bottom, right, top = (one.value for one in bounds)
                    covered += max(0.0, (right - left) * (top - bottom)) / area
        pictures = pictures or len(inner) > _MOST_FORMS
        levels = inner[:_MOST_FORMS]
    return pictures, covered


def _has_marks(page: Any) -> bool:
    """Whether a stamp, a note, a form field or any other annotation lies on a page; links and pop-ups show nothing."""
    import pypdfium2.raw as pdfium

    for number in range(pdfium.FPDFPage_GetAnnotCount(page.raw)):
        mark = pdfium.FPDFPage_GetAnnot(page.raw, number)
        if not mark:
            continue
        kind = pdfium.FPDFAnnot_GetSubtype(mark)
        pdfium.FPDFPage_CloseAnnot(mark)
        if kind not in (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP):
            return True
    return False


def _text_of(path: Path, page: Any, index: int) -> tuple[str, str]:
    """Embedded text, and what read it."""
    import pypdfium2

    try:
        return _cleaned(page.get_textpage().get_text_range()), f"pdfium {pypdfium2.PDFIUM_INFO.build}"
    except (pypdfium2.PdfiumError, UnicodeError):
        return _text_by_pypdf(path, index)


def _text_by_pypdf(path: Path, index: int) -> tuple[str, str]:
    import pypdf

    try:
        with path.open("rb") as stream:
            text = pypdf.PdfReader(stream, strict=False).pages[index].extract_text()
    except MemoryError:
        raise
    # pypdf raises bare TypeError, KeyError, RecursionError and its own DependencyError on odd files. The page then
    # has no text layer, and is read from its picture.
    except Exception:
        return "", ""
    return _cleaned(text), f"pypdf {pypdf.__version__}"


def _cleaned(text: str) -> str:
    # NULs stop databases and C programs in mid-text; pdfium marks a hyphen at a line's end with U+FFFE.
    return text.replace("\0", "").replace("\ufffe", "").replace("\r\n", "\n").replace("\r", "\n")


def _has_empty_page_tree(path: Path) -> bool:
    """Whether a file that pdfium refuses is whole but without pages."""
    import pypdf

    try:
        with path.open("rb") as stream:
            return len(pypdf.PdfReader(stream, strict=True).pages) == 0
    except MemoryError:
        raise
    except Exception:  # as in _text_by_pypdf
        return False
