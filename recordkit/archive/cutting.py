"""A batch scan is cut into its papers, in a child process.

Whole pages are copied with all that they need, and nothing of the other pages: each piece is the same bytes in every
run, so that a run that was killed recognises what it has filed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from recordkit import files
from recordkit.archive.arrivals import StagedPaper, state_of, told_name
from recordkit.archive.filing import Batch
from recordkit.archive.matching import Portion
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.pdf_actions import carried_things
from recordkit.archive.reading import PaperReading
from recordkit.archive.searchable import TextLayer, write_searchable
from recordkit.archive.splitting import Cut
from recordkit.crew import Crew, Lost
from recordkit.errors import RecordkitError, RefusedByRule, missing_extra
from recordkit.messages import msg
from recordkit.model import Finding
from recordkit.settings import IngestSection

_LONGEST_STEM = 60


@dataclass(frozen=True, slots=True)
class Piece:
    """A paper as it is filed: a file that came in, or a piece that was cut out of one.

    Attributes:
        paper: the file in the staging folder.
        reading: what its pages say, numbered as they lie in it.
        batch: where it was cut out of; None for a file that came in.
        findings: about the batch.
        waits: decided already: a person has to look.
    """

    paper: StagedPaper
    reading: PaperReading
    batch: Batch | None = None
    findings: tuple[Finding, ...] = ()
    waits: Portion | None = None


def reading_of_piece(reading: PaperReading, path: Path, pages: Sequence[int]) -> PaperReading:
    """What reading a piece would have brought: the readings of its pages, numbered anew.

    A piece is written anew, from pages alone: it is not locked, and nothing is attached to it as a whole. ``carries``
    is still that of the batch; ``cut_file`` tells what each piece carries.
    """
    number = {page: position for position, page in enumerate(pages, start=1)}
    facts = reading.facts
    if facts is not None:
        facts = replace(facts, page_facts=tuple(facts.page_facts[page - 1] for page in pages), encrypted=False,
                        attached_files=0, signature_fields=0)
    texts = {one.page: one for one in reading.texts}
    return replace(
        reading,
        path=path,
        facts=facts,
        codes=tuple(replace(code, page=number[code.page]) for page in pages for code in reading.codes
                    if code.page == page),
        texts=tuple(structs.replace(texts[page], page=number[page]) for page in pages),
        layers=tuple(reading.layers[page - 1] for page in pages) if reading.layers else (),
        copy=None,
        searchable=None,
    )


def cut_batch(
    paper: StagedPaper, reading: PaperReading, cuts: Sequence[Cut], staging: Path, limits: IngestSection
) -> tuple[Piece, ...]:
    """The papers of a batch as files in the staging folder; nothing when it holds only one.

    Raises:
        RefusedByRule: the batch is digitally signed, and no piece of it would be; it is damaged; or it carries what no
            piece of it could keep.
        UnreadablePdf, MissingPart: as ``cut_file``; the first for a file that pikepdf cannot take apart.
    """
    if len(cuts) < 2:
        return ()
    facts, readable = reading.facts, reading.copy
    if facts is not None and facts.signatures:
        raise RefusedByRule(
            msg("the file holds several papers and is digitally signed: cutting it would break the signature")
        )
    if readable is not None and readable.damaged:
        raise RefusedByRule(
            msg("the file holds several papers and is damaged; scan it again, or save it anew, and split that")
        )
    if facts is not None and (facts.attached_files or "embedded-files" in (facts.carries or ())):
        raise RefusedByRule(
            msg("the file holds several papers and carries other files: no program can tell to which paper they "
                "belong; take them out, or divide the file by hand")
        )
    stem = Path(told_name(paper.source)).stem[:_LONGEST_STEM]
    folder = staging / f"{paper.copy.stem}-pieces"
    paths = [folder / f"{stem}-p{'-'.join(map(str, dict.fromkeys((cut.pages[0], cut.pages[-1]))))}.pdf"
             for cut in cuts]
    source = readable.path if readable is not None else paper.copy
    carried = cut_file(source, dict(zip(paths, [cut.pages for cut in cuts], strict=True)), limits, reading.layers)
    unlocked = () if readable is None else (Finding("decrypted", msg(
        "the batch is locked with a password; the paper is kept without it")),)
    pieces = []
    for path, cut in zip(paths, cuts, strict=True):
        batch = Batch(paper.digests.sha256, paper.digests.size, len(cuts), cut.pages, told_name(paper.source))
        part = reading_of_piece(reading, path, cut.pages)
        if part.facts is not None:
            part = replace(part, facts=replace(part.facts, carries=carried[path]))
        copy = searchable_piece(path)
        if copy.exists():
            part = replace(part, searchable=copy)
        waits = Portion(tuple(range(1, len(cut.pages) + 1)), findings=(cut.waits,)) if cut.waits is not None else None
        staged = StagedPaper(path, path, files.digests_of(path), state_of(path))
        pieces.append(Piece(staged, part, batch, (*cut.findings, *unlocked), waits))
    return tuple(pieces)


def require_splitting() -> None:
    """Find out whether files can be cut at all.

    Raises:
        MissingPart: pikepdf is not installed.
    """
    if importlib.util.find_spec("pikepdf") is None:
        raise missing_extra("pikepdf", "pdf")


def searchable_piece(path: Path) -> Path:
    """Where the searchable copy of a piece lies."""
    return path.with_name(f"{path.stem}.searchable.pdf")


def cut_file(
    source: Path, cuts: Mapping[Path, Sequence[int]], limits: IngestSection, layers: Sequence[TextLayer] = ()
) -> dict[Path, frozenset[str] | None]:
    """Write pieces of a PDF, in a child process: the file may be hostile.

    Args:
        source: the batch.
        cuts: 1-based pages by the path of the piece, in a staging folder.
        limits: time for a page, memory of the process.
        layers: what OCR read on each page of the batch; with it every piece with such text gets a searchable copy.

    Returns:
        What each piece carries, see ``pdf_actions.carried_things``.

    Raises:
        RefusedByRule: form fields are filled in that no piece would show.
        UnreadablePdf: the file cannot be cut (reason ``damaged`` or ``timeout``).
        MissingPart: pikepdf is not installed.
    """
    require_splitting()
    seconds = limits.page_seconds * sum(len(pages) for pages in cuts.values())
    with Crew(1, seconds, limits.memory_mb << 20) as crew:
        crew.put((0, 0), _cut, source, [(path, list(pages)) for path, pages in cuts.items()], tuple(layers))
        _, outcome = crew.take()
    if outcome.error is None:
        return dict(zip(cuts, outcome.value, strict=True))
    if isinstance(outcome.error, Lost):
        raise UnreadablePdf(source, outcome.error.reason) from outcome.error
    if isinstance(outcome.error, RecordkitError | ImportError | OSError):
        raise outcome.error
    raise UnreadablePdf(source, "damaged") from outcome.error


def _cut(
    source: Path, cuts: Sequence[tuple[Path, Sequence[int]]], layers: Sequence[TextLayer]
) -> list[frozenset[str] | None]:
    """Child side of ``cut_file``."""
    import pikepdf

    with pikepdf.open(source) as batch:
        if _shows_by_its_form(batch):
            raise RefusedByRule(
                msg("the file holds several papers and is a form: what was filled in would no longer be seen; print "
                    "it, or save it anew without form fields, and split that")
            )
        for path, pages in cuts:
            with pikepdf.new() as piece:
                for page in pages:
                    piece.pages.append(batch.pages[page - 1])
                # Pages may share one list of pictures: without this, a piece would hide its neighbours' pages.
                piece.remove_unreferenced_resources()
                files.write_atomic(path, _bytes_of(piece), overwrite=True)
            own = [layers[page - 1] for page in pages] if layers else []
            copy = searchable_piece(path)
            if any(layer.pieces for layer in own) and not copy.exists():
                # A piece whose copy fails is a paper all the same.
                with contextlib.suppress(ValueError, KeyError, TypeError, pikepdf.PdfError):
                    write_searchable(path, copy, own)
    return [carried_things(path) for path, _ in cuts]


def _shows_by_its_form(batch: Any) -> bool:
    """Whether what is seen on a page comes from the form as a whole (ISO 32000-1, 12.7.2), which no piece keeps.

    So it is with XFA, and with filled-in fields that a program has to draw, having no appearance of their own.
    """
    form = batch.Root.get("/AcroForm")
    if form is None:
        return False
    is_drawn_anew = bool(form.get("/NeedAppearances", False))
    marks = [mark for page in batch.pages for mark in page.obj.get("/Annots", ()) if mark.get("/Subtype") == "/Widget"]
    return "/XFA" in form or any(
        (is_drawn_anew or "/N" not in mark.get("/AP", {})) and _is_filled_in(mark) for mark in marks)


def _is_filled_in(mark: Any) -> bool:
    """Whether a field holds a value that is text; a field may inherit it."""
    node = mark
    for _ in range(64):  # a damaged tree may run in a circle
        if "/V" in node:
            return bool(str(node.V)) and node.get("/FT", mark.get("/FT")) not in ("/Sig", "/Btn")
        if "/Parent" not in node:
            break
        node = node.Parent
    return False


def _bytes_of(piece: Any) -> bytes:
    out = io.BytesIO()
    piece.save(out, deterministic_id=True)
    return out.getvalue()
