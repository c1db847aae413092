"""What ingest made of the files, held against the truth."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pikepdf

from recordkit.archive.reading import PaperReading
from scanner.pile import Expected, Pile

Fate = Literal["right", "waiting", "wrong"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one file.

    Attributes:
        fate: ``right``: every document in it is filed, and nothing else; what must wait waits. ``waiting``: a person
            must settle what the program could have known. ``wrong``: a paper was filed as what it is not.
        why: what is wrong, for a person.
        exact: whether the findings told are those there are; None where nothing was filed that should be.
    """

    pile: Pile
    fate: Fate
    why: str
    exact: bool | None


def judge(
    pile: Pile, items: Sequence[Mapping[str, Any]], cut: Callable[[str], tuple[int, ...] | None], *, ocr: bool
) -> Verdict:
    """The verdict about one file.

    Args:
        pile: the truth.
        ocr: whether its pages were read; that they were not may be told, of attachments only where there are some.
        items: what ``ingest --json`` says about the file.
        cut: by record id, the sides of the file that its original holds; None when the original is the file itself.
    """
    filed = {str(item["number"]): item for item in items if item["outcome"] == "archived"}
    wanted = {one.number: one for one in pile.expected}
    told = {number: {one["code"] for one in item["findings"]} for number, item in filed.items()}
    strangers = sorted(set(filed) - set(wanted))
    if strangers:
        return Verdict(pile, "wrong", f"filed as {', '.join(strangers)}, is {', '.join(wanted) or 'nothing'}", False)
    missing = [number for number in wanted if number not in filed]
    for number, item in filed.items():
        sides = cut(str(item["record_id"]))
        if sides is not None and not set(sides) <= set(wanted[number].pages):
            return Verdict(pile, "wrong", f"{number} holds sides {sides}, not {wanted[number].pages}", False)
        if sides is not None and len(sides) < len(wanted[number].pages):
            missing.append(f"{number} (all but sides {sides})")
    if missing:
        if pile.may_wait:
            return Verdict(pile, "right", "", None)
        reasons = sorted({str(one["code"]) for item in items for one in item["findings"]})
        return Verdict(pile, "waiting", f"{', '.join(missing)} waits: {', '.join(reasons) or 'no code read'}", None)
    left = [item for item in items if item["outcome"] != "archived"]
    if wanted and left:
        return Verdict(pile, "waiting", f"{len(left)} portion(s) wait beside what was filed", None)
    if not wanted:
        codes = {one["code"] for item in items for one in item["findings"]}
        exact = not pile.reasons or bool(pile.reasons & codes)
        return Verdict(pile, "right", "" if exact else f"waits, told {sorted(codes)}", exact)
    faults = [
        f"{number}: told {sorted(told[number])}, true {sorted(one.required)}"
        for number, one in wanted.items()
        if not one.required <= told[number] <= one.required | one.allowed | _unread(pile, one, ocr=ocr)
    ]
    return Verdict(pile, "right", "; ".join(faults), not faults)


def _unread(pile: Pile, one: Expected, *, ocr: bool) -> frozenset[str]:
    """What may be told of a document because OCR was off."""
    if ocr:
        return frozenset()
    has_attachments = any(pile.leaves[side - 1].what == "attachment" for side in one.pages)
    return frozenset({"no-text", "attachments-not-read"} if has_attachments else {"no-text"})


def sides_in(original: Path, file: Path) -> tuple[int, ...] | None:
    """Which sides of a scanned file (1-based) an original holds, by the bytes of their pictures; None when all."""
    if original.read_bytes() == file.read_bytes():
        return None
    known = {digest: place for place, digest in enumerate(_pictures(file), start=1)}
    return tuple(known.get(digest, 0) for digest in _pictures(original))


def _pictures(path: Path) -> list[str]:
    with pikepdf.open(path) as pdf:
        return [hashlib.sha256(b"".join(image.read_raw_bytes() for image in page.images.values())).hexdigest()
                for page in pdf.pages]


@dataclass(slots=True)
class CodeCount:
    """Pages with a code that nobody touched, those of them on which it was read, and codes read that are not there."""

    pages: int = 0
    read: int = 0
    misread: int = 0

    def __iadd__(self, other: CodeCount) -> CodeCount:
        self.pages += other.pages
        self.read += other.read
        self.misread += other.misread
        return self


def count_codes(pile: Pile, reading: PaperReading) -> CodeCount:
    """How well the codes of one file were read."""
    count = CodeCount()
    for place, leaf in enumerate(pile.leaves, start=1):
        seen = {code.printed.issue_id for code in reading.codes if code.page == place and code.printed}
        true = {one.issue_id for one in (leaf.printed, leaf.other) if one is not None}
        if leaf.has_code and leaf.printed is not None:
            count.pages += 1
            count.read += leaf.printed.issue_id in seen
        if not {"other-store", "sticker"} & set(leaf.marks):
            count.misread += len(seen - true)
    return count


def table(verdicts: Iterable[Verdict], codes: Mapping[str, CodeCount]) -> str:
    """A Markdown table: what was done to the papers, and what became of them at each resolution.

    Args:
        verdicts: one per file.
        codes: by the file's name.
    """
    cells: dict[str, dict[int, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for one in verdicts:
        cells[one.pile.kind][one.pile.settings.dpi].append(one)
    dpis = sorted({dpi for row in cells.values() for dpi in row})
    heads = " / ".join(map(str, dpis))
    lines = [
        f"| damage | pages at {heads} dpi | code read % | files | right | waiting | WRONG | findings exact % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, row in cells.items():
        lines.append(_line(kind, [row[dpi] for dpi in dpis], codes))
    lines.append(_line("**all**", [[one for row in cells.values() for one in row[dpi]] for dpi in dpis], codes))
    return "\n".join(lines)


def _line(name: str, row: Sequence[Sequence[Verdict]], codes: Mapping[str, CodeCount]) -> str:
    counts = []
    for cell in row:
        count = CodeCount()
        for one in cell:
            count += codes[one.pile.name]
        counts.append(count)
    parts = [
        name,
        " / ".join(str(sum(len(one.pile.leaves) for one in cell)) for cell in row),
        " / ".join(share(count.read, count.pages) for count in counts),
        str(sum(len(cell) for cell in row)),
        *(str(sum(one.fate == fate for cell in row for one in cell)) for fate in ("right", "waiting", "wrong")),
        share(*_exact([one for cell in row for one in cell])),
    ]
    return "| " + " | ".join(parts) + " |"


def _exact(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    known = [one.exact for one in verdicts if one.exact is not None]
    return sum(known), len(known)


def share(part: float, whole: float) -> str:
    """A percentage, or a dash where there is nothing to count."""
    if not whole:
        return "–"
    value = 100 * part / whole
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
