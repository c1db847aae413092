"""Word to PDF: what goes into LibreOffice and what comes out is looked at, because it says nothing itself."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from recordkit import files
from recordkit.errors import PartlyDone, WrongUsage
from recordkit.messages import Message, listed, msg
from recordkit.templates import fonts
from recordkit.templates.code import LARGEST_PAGE, PrintedCode
from recordkit.templates.fonts import DocxFacts, Substitution
from recordkit.templates.office import (
    FILES_PER_CALL,
    MOST_FAILURES_IN_A_ROW,
    SECONDS_PER_FILE,
    SECONDS_TO_START,
    OfficeCrew,
    Produced,
    require_office,
)
from recordkit.templates.pagecodes import add_page_codes

__all__ = [
    "FontReport", "PdfMade", "PdfOrder", "PdfPress", "convert_to_pdf", "font_report", "require_office",
]


@dataclass(frozen=True, slots=True)
class PdfOrder:
    """One Word file to be printed.

    Attributes:
        source: the .docx.
        target: the PDF to write.
        code: code of the document; when given, each page gets its own, see ``pagecodes``.
    """

    source: Path
    target: Path
    code: PrintedCode | None = None


@dataclass(frozen=True, slots=True)
class PdfMade:
    """What became of an order.

    Attributes:
        order: the order.
        pages: pages of the PDF; 0 when there is none.
        failure: why there is no PDF.
        warnings: what the person must know before the paper goes out: characters printed as boxes, pages without
            room for their code.
        unprinted: the characters printed as boxes.
    """

    order: PdfOrder
    pages: int
    failure: Message | None = None
    warnings: tuple[Message, ...] = ()
    unprinted: str = ""


@dataclass(frozen=True, slots=True)
class FontReport:
    """How this machine prints office documents: the fonts replaced, and rare characters of names it cannot print."""

    substitutions: tuple[Substitution, ...]
    unprinted: str


class PdfPress:
    """Turns Word files into PDFs on several LibreOffice workers; a context, whose end leaves no process and no folder.

    Args:
        environment: what the children inherit (PATH, HOME ...).
        jobs: workers at most.
        work: where files under way lie, such as the store's ``work/``; None for the system's temporary folder.
        files_per_call: see ``OfficeCrew``.
        seconds_to_start: see ``OfficeCrew``.
        seconds_per_file: see ``OfficeCrew``.

    Raises:
        MissingPart: LibreOffice is not installed.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        jobs: int = 1,
        work: Path | None = None,
        files_per_call: int = FILES_PER_CALL,
        seconds_to_start: float = SECONDS_TO_START,
        seconds_per_file: float = SECONDS_PER_FILE,
    ) -> None:
        """Find the program; start nothing yet."""
        self._program = require_office(environment)
        self._environment = environment
        self._jobs, self._work = jobs, work
        self._files_per_call = files_per_call
        self._seconds_to_start, self._seconds_per_file = seconds_to_start, seconds_per_file
        self._substitutions: dict[str, Substitution] = {}
        self._probed: set[fonts.WantedFont] = set()
        self._proven: dict[str, set[str]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._work is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(
                    prefix="recordkit-office-", ignore_cleanup_errors=True)))
            else:
                folder = stack.enter_context(files.staging(self._work))
            self._folder = folder.resolve()
            self._crew = stack.enter_context(OfficeCrew(
                self._program, fonts.write_font_table(self._environment, self._folder), self._folder,
                jobs=self._jobs, files_per_call=self._files_per_call, seconds_to_start=self._seconds_to_start,
                seconds_per_file=self._seconds_per_file,
            ))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def substitutions(self) -> tuple[Substitution, ...]:
        """The fonts replaced in what was printed so far, each once; complete when the orders are done."""
        return tuple(self._substitutions[name] for name in sorted(self._substitutions))

    def make(self, orders: Sequence[PdfOrder]) -> Generator[PdfMade, None, None]:
        """One result per order, as they come, bad inputs first; a target that exists is replaced.

        Raises:
            WrongUsage: two orders have one target.
        """
        if len({order.target for order in orders}) < len(orders):
            raise WrongUsage(msg("Two documents would be written to one PDF."))
        good: list[tuple[PdfOrder, DocxFacts]] = []
        for order in orders:
            facts = _docx_facts(order.source)
            if isinstance(facts, DocxFacts):
                good.append((order, facts))
            else:
                yield PdfMade(order, 0, facts)
        wanted = {font for _, facts in good for font in facts.fonts} - self._probed
        probes = self._write_probes(wanted)
        sources = [*(path for _, path in probes), *(order.source for order, _ in good)]
        for produced in self._crew.convert(sources):
            if produced.position < len(probes):
                self._read_probe(probes[produced.position][0], produced)
            else:
                order, facts = good[produced.position - len(probes)]
                yield self._finish(order, facts, produced)

    def _write_probes(self, wanted: Iterable[fonts.WantedFont]) -> list[tuple[list[fonts.WantedFont], Path]]:
        made = []
        for number, portion in enumerate(fonts.probes(wanted)):
            path = self._folder / f"probe-{number}.docx"
            files.write_atomic(path, fonts.probe_document(portion), overwrite=True)
            made.append((portion, path))
        return made

    def _read_probe(self, portion: list[fonts.WantedFont], produced: Produced) -> None:
        if produced.pdf is None:
            return  # no PDF of it, hence none of the documents: they tell it
        found = fonts.pdf_fonts(produced.pdf.read_bytes(), self._proven)
        if found.unread:
            return
        self._probed.update(portion)
        for one in fonts.read_probe(portion, found):
            self._substitutions.setdefault(one.wanted, one)

    def _finish(self, order: PdfOrder, facts: DocxFacts, produced: Produced) -> PdfMade:
        name = order.source.name
        if produced.pdf is None:
            return PdfMade(order, 0, self._told(name, produced))
        data = produced.pdf.read_bytes()
        pages, has_text = _look_at(data)
        if not pages:
            return PdfMade(order, 0, msg("LibreOffice made a damaged PDF of {file}.", file=name))
        if facts.has_text and not has_text:
            return PdfMade(order, 0, msg("LibreOffice made an empty PDF of {file}, which has text.", file=name))
        warnings = []
        unprinted = fonts.unprinted_characters(facts, fonts.pdf_fonts(data, self._proven))
        if unprinted:
            warnings.append(unprinted_message(name, unprinted))
        if order.code is not None and pages > LARGEST_PAGE:
            warnings.append(msg("{file} has more than {most} pages; they carry no codes of their own.",
                                file=name, most=LARGEST_PAGE))
        elif order.code is not None:
            coded = add_page_codes(data, order.code)
            data = coded.data
            if coded.without:
                pages_without = listed(map(str, coded.without))
                warnings.append(msg("{file}: no room for a code on page(s) {pages}; the code of the document must do.",
                                    file=name, pages=pages_without))
        files.write_atomic(order.target, data, overwrite=True)
        return PdfMade(order, pages, None, tuple(warnings), unprinted)

    def _told(self, name: str, produced: Produced) -> Message:
        match produced.fate:
            case "hung":
                return msg("LibreOffice hung on {file} and was stopped.", file=name)
            case "crashed":
                return msg("LibreOffice crashed on {file}.", file=name)
            case "not-tried":
                return msg("{file} was not tried: LibreOffice had failed {count} times in a row.",
                           file=name, count=MOST_FAILURES_IN_A_ROW)
            case _:
                return msg("LibreOffice made no PDF of {file}.", file=name)


def unprinted_message(name: str, characters: str) -> Message:
    """Names the file and the characters that are boxes on its paper, with their code points: the reader may see boxes.

    Args:
        name: of the file.
        characters: each once.
    """
    points = [f"{one} (U+{ord(one):04X})" if one.isprintable() else f"U+{ord(one):04X}" for one in characters[:20]]
    shown = " ".join(points)
    if len(characters) > 20:
        shown += f" … ({len(characters)})"
    return msg("{file}: no installed font has {characters}; boxes are printed instead. Do not send it out.",
               file=name, characters=shown)


def convert_to_pdf(
    sources: Sequence[Path], out: Path, environment: Mapping[str, str], *, jobs: int = 1
) -> dict[Path, Path]:
    """Convert Word files without codes of their pages.

    Args:
        sources: Word files.
        out: folder of the PDFs.
        environment: what the child process inherits; our font table is added to it.
        jobs: LibreOffice workers.

    Returns:
        The PDF of each source, ``out`` / the same name with ``.pdf``; an existing one is replaced.

    Raises:
        MissingPart: LibreOffice is not installed.
        PartlyDone: some files gave no PDF; they are named.
    """
    orders = [PdfOrder(source, out / f"{source.stem}.pdf") for source in sources]
    with PdfPress(environment, jobs=jobs) as press, contextlib.closing(press.make(orders)) as results:
        made = {one.order.source: one for one in results}
    missing = [source for source in sources if made[source].failure is not None]
    if missing:
        raise PartlyDone(
            msg("{count} file(s) gave no PDF: {files}", count=len(missing), files=listed(map(str, missing[:5]))),
            msg("Open them in Word or LibreOffice to see why; the Word files themselves are complete."),
        )
    return {source: made[source].order.target for source in sources}


def font_report(environment: Mapping[str, str]) -> FontReport:
    """Print a probe on this machine and tell which fonts of office documents are replaced; takes 1 to 4 seconds.

    Raises:
        MissingPart: LibreOffice is not installed.
        PartlyDone: it makes no PDF.
    """
    wanted = list(fonts.OFFICE_FONTS)
    with tempfile.TemporaryDirectory(prefix="recordkit-office-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch).resolve()
        source = folder / "probe.docx"
        files.write_atomic(source, fonts.probe_document(wanted, fonts.RARE_CHARACTERS))
        program, inherited = require_office(environment), fonts.write_font_table(environment, folder)
        with OfficeCrew(program, inherited, folder) as crew:
            for produced in crew.convert([source]):
                if produced.pdf is None:
                    raise PartlyDone(msg("LibreOffice is installed but makes no PDF."))
                found = fonts.pdf_fonts(produced.pdf.read_bytes())
    probe = DocxFacts(frozenset(wanted), fonts.RARE_CHARACTERS)
    unprinted = "".join(one for one in fonts.unprinted_characters(probe, found) if one in fonts.RARE_CHARACTERS)
    return FontReport(fonts.read_probe(wanted, found), unprinted)


def _docx_facts(path: Path) -> DocxFacts | Message:
    """What the file asks for, or why it is no Word file: LibreOffice would print an empty page or nothing."""
    try:
        if path.stat().st_size == 0:
            return msg("{file} is empty.", file=path.name)
        with zipfile.ZipFile(path) as package:
            package.getinfo("[Content_Types].xml")
            return fonts.docx_facts(package)
    except KeyError:
        return msg("{file} is not a Word document.", file=path.name)
    except (zipfile.BadZipFile, zlib.error, UnicodeDecodeError, NotImplementedError, EOFError, RuntimeError):
        return msg("{file} is damaged or not a Word document.", file=path.name)
    except OSError as error:
        return msg("{file} cannot be opened: {error}", file=path.name, error=os.strerror(error.errno or 0))


def _look_at(pdf: bytes) -> tuple[int, bool]:
    """Pages (0 when it cannot be opened) and whether text stands on any of them."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError:
        return 0, False
    with contextlib.closing(document):
        try:
            has_text = any(page.get_textpage().get_text_range().strip() for page in document)
        except pypdfium2.PdfiumError:
            return 0, False
        return len(document), has_text
