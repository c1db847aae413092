"""A readable copy of a PDF that is damaged or locked. The original is never touched.

Runs in a child process, like all that parses papers. qpdf, through pikepdf, finds the objects of a broken file one by
one and rewrites what is left; what the damage took is gone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recordkit import files
from recordkit.archive.names import DECRYPTED, REPAIRED, CopyName
from recordkit.archive.pdf import PdfFacts, UnreadablePdf, inspect_pdf, require_whole


@dataclass(frozen=True, slots=True)
class ReadableCopy:
    """What was made so that a damaged or locked paper can be read.

    Attributes:
        path: the copy.
        name: under which it lies beside the original in the archive.
        damaged: the original is damaged, so that something may be missing.
        locked: the original opens only with a password.
        pages: pages on which something is to be seen.
        lost_pages: pages that the file still names and that did not come back; 0 when nothing is known of any.
    """

    path: Path
    name: CopyName
    damaged: bool
    locked: bool
    pages: int
    lost_pages: int


def make_readable(
    path: Path, copy: Path, passwords: Sequence[str] = (), most_pages: int | None = None
) -> tuple[ReadableCopy, PdfFacts]:
    """Write what can be read of ``path`` to ``copy``, without a password, and say what it is.

    Args:
        path: a PDF that is damaged or locked.
        copy: a path where nothing stands yet.
        passwords: each is tried, in the usual encodings; the empty one always.
        most_pages: see ``inspect_pdf``.

    Raises:
        UnreadablePdf: damaged (no page came back), encrypted, wrong-password; and what ``inspect_pdf`` says of the
            copy.
        ImportError: pikepdf is not installed; see ``can_rewrite``.
    """
    damaged = _is_cut(path)
    locked, encrypted, named = _rewrite(path, copy, passwords)
    facts = replace(inspect_pdf(copy, most_pages), encrypted=encrypted)
    shown = sum(1 for page in facts.page_facts if page.text or page.must_be_seen)
    damaged = damaged or not locked
    if damaged and not shown:
        raise UnreadablePdf(path, "damaged")
    made = ReadableCopy(copy, DECRYPTED if locked else REPAIRED, damaged, locked,
                        shown if damaged else facts.pages, max(0, named - shown) if damaged else 0)
    return made, facts


def _is_cut(path: Path) -> bool:
    try:
        require_whole(path)
    except UnreadablePdf as refusal:
        if refusal.reason != "damaged":
            raise
        return True
    return False


def _rewrite(path: Path, copy: Path, passwords: Sequence[str]) -> tuple[bool, bool, int]:
    """Write the copy; whether the original needed a password, is encrypted, and how many pages it says to have."""
    import pikepdf

    locked = False
    for password in _spellings(passwords):
        try:
            with pikepdf.open(path, password=password) as pdf:
                named = _named_pages(pdf)
                # A file of thousands of pages is refused by its copy; here only their number is asked.
                if len(pdf.pages) == 0:
                    return _gather_pages(path, copy)
                with files.writing(copy) as stream:
                    pdf.save(stream)
                return locked, pdf.is_encrypted, named
        except pikepdf.PasswordError:
            locked = True
        except (pikepdf.PdfError, ValueError, TypeError, AttributeError, RuntimeError, KeyError):
            return _gather_pages(path, copy)
    # The cause is left out: what was tried must not travel into a message or a log.
    raise UnreadablePdf(path, "wrong-password" if passwords else "encrypted") from None


_PAGE = re.compile(
    rb"(?<![0-9])([0-9]{1,9})\s+([0-9]{1,5})\s+obj\s*<<(?:(?!endobj).){0,4000}?/Type\s*/Page(?![a-zA-Z])", re.DOTALL
)


def _gather_pages(path: Path, copy: Path) -> tuple[bool, bool, int]:
    """Put the pages under a new root, where the list of pages is lost: many scanners write it last.

    Only pages that stand in plain sight are found, not those in object streams or in encrypted files.

    Raises:
        UnreadablePdf: damaged; no page is left.
    """
    import pikepdf

    data = path.read_bytes()
    # An object may have been written again by a later update; the last one counts, at the place of the first.
    pages = dict.fromkeys((int(one[1]), int(one[2])) for one in _PAGE.finditer(data))
    if not pages or b"/Encrypt" in data:
        raise UnreadablePdf(path, "damaged")
    free = 1 + max(int(one) for one in re.findall(rb"(?<![0-9])([0-9]{1,9})\s+[0-9]{1,5}\s+obj", data))
    kids = " ".join(f"{number} {generation} R" for number, generation in pages)
    root = (
        f"\nendstream\nendobj\n{free} 0 obj\n<< /Type /Catalog /Pages {free + 1} 0 R >>\nendobj\n"
        f"{free + 1} 0 obj\n<< /Type /Pages /Kids [ {kids} ] /Count {len(pages)} /MediaBox [ 0 0 595 842 ] >>\nendobj\n"
        f"trailer\n<< /Root {free} 0 R /Size {free + 2} >>\n%%EOF\n"
    )
    try:
        # Older trailers are in the way: the reader takes the first root that it meets.
        bare = data.replace(b"trailer", b"%railer").replace(b"startxref", b"%tartxref").replace(b"/XRef", b"/Xref")
        with pikepdf.open(io.BytesIO(bare + root.encode())) as pdf:
            if len(pdf.pages) == 0:
                raise UnreadablePdf(path, "damaged")
            with files.writing(copy) as stream:
                pdf.save(stream)
    except (pikepdf.PdfError, ValueError, TypeError, AttributeError, RuntimeError, KeyError) as error:
        raise UnreadablePdf(path, "damaged") from error
    return False, False, len(pages)


def _spellings(passwords: Sequence[str]) -> Iterator[str | bytes]:
    """The empty password, then each as programs turned it into bytes: UTF-8 (PDF 2.0), Latin-1, GBK (older ones)."""
    yield ""
    for password in passwords:
        tried = set()
        for encoding in ("utf-8", "latin-1", "gb18030"):
            try:
                spelt = password.encode(encoding)
            except UnicodeEncodeError:
                continue
            if spelt not in tried:
                tried.add(spelt)
                yield spelt


def _named_pages(pdf: Any) -> int:
    """How many pages the file says to have; 0 when it does not say."""
    try:
        return max(0, int(pdf.Root.Pages.Count))
    except (AttributeError, KeyError, TypeError, ValueError):
        return 0
