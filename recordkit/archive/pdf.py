"""What a PDF is and says, without trusting it: facts, embedded text, pictures of its pages.

These functions parse hostile input in C libraries. Ingest calls them in a child process (see reading.py).
"""

from __future__ import annotations

import contextlib
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recordkit.errors import InputRefused
from recordkit.messages import Message, msg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    GreyImage = NDArray[np.uint8]
    ColourImage = NDArray[np.uint8]  # rows, columns, channels

Reason = Literal["not-readable", "empty-file", "not-a-pdf", "encrypted", "damaged", "no-pages", "timeout"]

# A0 at 200 dpi. A page may claim any size; rendering it as claimed would take all memory.
_MOST_PIXELS = 64_000_000
# ISO 32000-1 Annex H, implementation notes 13 and 18: readers look this far for header and end marker.
_MARKER_WINDOW = 1024
# An image over this share of the page makes the page a scan.
_SCAN_COVER = 0.7
# Scanner programs stamp a line such as "Scanned with CamScanner" on the picture; that is not the page's text.
_SCAN_STAMP_CHARACTERS = 30
_MOST_GARBAGE = 0.3


class UnreadablePdf(InputRefused):
    """A paper that cannot be filed as it is. ``reason`` is stable, for programs.

    Args:
        path: the file.
        reason: not-readable (the system refuses the file), empty-file, not-a-pdf, encrypted (needs a password),
            damaged (cut short, or the reader failed on it), no-pages, timeout (reading took longer than allowed).
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
            return (
                msg("{file} opens only with a password.", file=name),
                msg("Save it without a password: in thirty years nobody will know it."),
            )
        case "damaged":
            return msg("{file} is damaged or cut short.", file=name), again
        case "no-pages":
            return msg("{file} has no pages.", file=name), again
        case "timeout":
            return msg("Reading {file} took longer than allowed.", file=name), again


@dataclass(frozen=True, slots=True)
class PageFacts:
    """One page as its PDF describes it.

    Attributes:
        width: shown width in points (1/72 inch), rotation applied.
        height: shown height in points.
        text: embedded text worth keeping, lines separated by newlines; empty when there is none or only garbage.
        has_pictures: images or drawings are on it, so a code or more text may be seen that the text lacks.
        is_scan: one image covers most of it.
    """

    width: float
    height: float
    text: str
    has_pictures: bool
    is_scan: bool


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What a readable PDF is.

    Attributes:
        page_facts: one per page, in order.
        encrypted: encrypted, though it opens without a password (printing or copying may be forbidden).
        signature_fields: signature fields, signed or not.
        signatures: fields that hold a signature; nothing is said about its validity.
        has_javascript: None when the structure could not be walked.
        attached_files: files embedded in the document.
        producer: program that wrote it, as the file claims.
    """

    page_facts: tuple[PageFacts, ...]
    encrypted: bool
    signature_fields: int
    signatures: int
    has_javascript: bool | None
    attached_files: int
    producer: str

    @property
    def pages(self) -> int:
        """Number of pages."""
        return len(self.page_facts)

    @property
    def has_signature_fields(self) -> bool:
        """Whether altering the file could break a signature."""
        return self.signature_fields > 0


def inspect_pdf(path: Path) -> PdfFacts:
    """Facts and embedded text of every page.

    Raises:
        UnreadablePdf: see its reasons; never timeout from here.
    """
    import pypdfium2.raw as pdfium

    with _opened(path) as document:
        if len(document) == 0:
            raise UnreadablePdf(path, "no-pages")
        pages = tuple(_page_facts(path, document, index) for index in range(len(document)))
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
            has_javascript=_has_javascript(path),
            attached_files=document.count_attachments(),
            producer=_cleaned(document.get_metadata_value("Producer")).strip(),
        )


def render_page(path: Path, index: int, dpi: int = 200) -> GreyImage:
    """Picture of the page with 0-based ``index``: grey values in rows and columns, rotation applied.

    A page larger than A0 is rendered at a lower resolution.

    Raises:
        UnreadablePdf: see its reasons.
    """
    return _rendered(path, index, dpi, grayscale=True)[..., 0]


def render_colours(path: Path, index: int, dpi: int = 200) -> ColourImage:
    """The same in red, green and blue, as a third dimension; of a scan quicker than in grey, of a drawn page slower."""
    return _rendered(path, index, dpi, rev_byteorder=True)


def _rendered(path: Path, index: int, dpi: int, **how: bool) -> ColourImage:
    import pypdfium2

    with _opened(path) as document:
        try:
            document.init_forms()  # or else values typed into form fields stay invisible
            page = document[index]
            width, height = page.get_size()
            scale = min(dpi / 72, math.sqrt(_MOST_PIXELS / max(1.0, width * height)))
            bitmap = page.render(scale=scale, **how)
            picture: ColourImage = bitmap.to_numpy().copy()
        except (pypdfium2.PdfiumError, IndexError) as error:
            raise UnreadablePdf(path, "damaged") from error
        return picture.reshape((*picture.shape[:2], -1))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pypdfium2
    import pypdfium2.raw as pdfium

    _look_at_ends(path)
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


def _look_at_ends(path: Path) -> None:
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


def _page_facts(path: Path, document: Any, index: int) -> PageFacts:
    import pypdfium2
    import pypdfium2.raw as pdfium

    try:
        page = document[index]
        try:
            width, height = page.get_size()
            pictures, covered = False, 0.0
            for thing in page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH), max_depth=3):
                pictures = True
                if thing.type == pdfium.FPDF_PAGEOBJ_IMAGE:
                    left, bottom, right, top = thing.get_bounds()
                    covered += (right - left) * (top - bottom) / max(1.0, width * height)  # some scanners write strips
            text = _cleaned(page.get_textpage().get_text_range())
        finally:
            page.close()  # with its text page; thousands of open pages would fill the memory
    except pypdfium2.PdfiumError as error:
        raise UnreadablePdf(path, "damaged") from error
    is_scan = covered >= _SCAN_COVER
    return PageFacts(width, height, text if _is_text(text, is_scan) else "", pictures, is_scan)


def _cleaned(text: str) -> str:
    # NULs stop databases and C programs in mid-text; pdfium marks a hyphen at a line's end with U+FFFE.
    return text.replace("\0", "").replace("\ufffe", "").replace("\r\n", "\n").replace("\r", "\n")


def _is_text(text: str, is_scan: bool) -> bool:
    """Whether the embedded text can stand for the page: fonts without a Unicode table yield garbage."""
    visible = [character for character in text if not character.isspace()]
    if not visible:
        return False
    garbage = sum(c == "\ufffd" or unicodedata.category(c) in ("Co", "Cn", "Cs", "Cc") for c in visible)
    if garbage > _MOST_GARBAGE * len(visible):
        return False
    return not is_scan or sum(c.isalnum() for c in visible) >= _SCAN_STAMP_CHARACTERS


def _has_javascript(path: Path) -> bool | None:
    """Whether any action of document, page or annotation is a script; None when pypdf cannot walk the file."""
    import pypdf

    try:
        with path.open("rb") as stream:
            reader = pypdf.PdfReader(stream, strict=False)
            root: Any = reader.trailer["/Root"]
            holders: list[Any] = [root, *reader.pages]
            for page in reader.pages:
                holders += [annotation.get_object() for annotation in _list(page.get("/Annots"))]
            names: Any = _dict(root.get("/Names"))
            fields = _list(_dict(root.get("/AcroForm")).get("/Fields"))
            holders += [field.get_object() for field in fields]
            return "/JavaScript" in names or any(_runs_script(_dict(holder)) for holder in holders)
    # pypdf raises bare TypeError, KeyError, RecursionError and its own DependencyError on odd files: a fact is then
    # unknown, which is no reason to refuse the paper.
    except Exception:
        return None


def _has_empty_page_tree(path: Path) -> bool:
    """Whether a file that pdfium refuses is whole but without pages."""
    import pypdf

    try:
        with path.open("rb") as stream:
            return len(pypdf.PdfReader(stream, strict=True).pages) == 0
    except Exception:  # as in _has_javascript
        return False


def _runs_script(holder: Any) -> bool:
    actions = [holder.get("/OpenAction"), holder.get("/A"), *_dict(holder.get("/AA")).values()]
    return any(_dict(action).get("/S") == "/JavaScript" for action in actions)


def _dict(value: Any) -> Any:
    value = value.get_object() if hasattr(value, "get_object") else value
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Any:
    value = value.get_object() if hasattr(value, "get_object") else value
    return value if isinstance(value, list) else []
