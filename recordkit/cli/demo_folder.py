"""What the demo leaves to be opened: numbered papers in one folder, and a text that says what lies where."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from recordkit import files
from recordkit.cli.i18n import N_, tr
from recordkit.errors import MissingPart, PartlyDone
from recordkit.messages import Message, msg

_TEXTS = Path(__file__).resolve().parents[1] / "demo_data"

SCANNED = "03"
"""Number of the one paper that comes from the archive itself, by ``recordkit get``."""
PAPERS: Sequence[tuple[str, str, str, str]] = (
    ("01", "供合〔2026〕0001号 陈堃.docx", N_("Supply contract, as issued"),
     N_("printed, to be signed; the small code tells the scanner which document and page it is")),
    ("02", "换通〔2026〕0001号 魏堃.docx", N_("Meter change notice, as issued"),
     N_("one of four made from a spreadsheet; what is written on site has room")),
    (SCANNED, "", N_("Meter change notice, signed and filed"), N_("the same notice as it came back from the scanner")),
    ("04", "归档文件目录.docx", N_("List of filed records"), N_("what the archive holds, by archival code (DA/T 22)")),
    ("05", "案卷封面.docx", N_("Covers of volumes"), N_("one for each account")),
    ("06", "卷内文件目录.docx", N_("Lists inside volumes"), N_("what each volume holds")),
    ("07", "到期清单.docx", N_("Records due for appraisal"), N_("ten years later: what the appraisal group gets")),
    ("08", "销毁清册.docx", N_("Register of destruction"), N_("what was destroyed, who decided, who witnessed")),
    ("09", "月报.docx", N_("Report of the month"), N_("the figures of November 2026")),
)  # fmt: skip
"""Number, Word file in the outbox, name, what it is."""


def look_folder(folder: Path) -> Path:
    """Where the papers are."""
    return folder / tr(N_("Look here"))


def paper_path(folder: Path, number: str, suffix: str = ".pdf") -> Path:
    """The paper of ``PAPERS`` with this number."""
    name = next(name for one, _, name, _ in PAPERS if one == number)
    return look_folder(folder) / f"{number} {tr(name)}{suffix}"


def lay_out(folder: Path, settings: Mapping[str, str], language: str) -> tuple[Path, Message | None]:
    """Put the papers of the outbox into one folder as PDFs and write the text; it, and why papers are no PDFs.

    Without LibreOffice the Word files are put there.
    """
    outbox = folder / "store" / "outbox"
    copies = []
    for number, source, _, _ in PAPERS:
        if source:
            target = paper_path(folder, number, ".docx")
            files.make_folder(target.parent)
            shutil.copyfile(outbox / source, target)
            copies.append(target)
    why = _printed(copies, look_folder(folder))
    files.write_atomic(path := folder / tr(N_("Read me first.txt")), _text(folder, settings, language))
    return path, why


def _printed(copies: Sequence[Path], out: Path) -> Message | None:
    """Turn Word files into PDFs in their place; why that could not be."""
    from recordkit.templates.pdf import convert_to_pdf

    try:
        convert_to_pdf(copies, out, os.environ, jobs=2)
    except (MissingPart, PartlyDone) as error:
        return error.what
    for one in copies:
        files.remove_file(one)
    return None


def _text(folder: Path, settings: Mapping[str, str], language: str) -> bytes:
    """UTF-8 with a mark, lines ended as every editor of Windows knows them."""
    papers = []
    for number, _, _, meaning in PAPERS:
        path = next((one for one in (paper_path(folder, number, suffix) for suffix in (".pdf", ".docx"))
                     if one.exists()), None)
        if path is not None:
            papers.append(f"        {path.name}\n            {tr(meaning)}\n")
    text = (_TEXTS / f"read-me-first.{language}.txt").read_text(encoding="utf-8")
    filled = text.format(look=look_folder(folder).name, papers="".join(papers),
                         shell=_indented(shell_lines(folder, settings)), program=_indented(program_lines()))
    return b"\xef\xbb\xbf" + filled.replace("\n", "\r\n").encode()


def _indented(lines: Sequence[str]) -> str:
    return "".join(f"        {line}\n" for line in lines)


def shell_lines(folder: Path, settings: Mapping[str, str]) -> list[str]:
    """What brings a person's shell into the demo's folder and its store, and lets it find the program."""
    if os.name == "nt":
        return [*program_lines(), f'cd "{folder}"',
                "; ".join(f'$env:{name}="{value}"' for name, value in settings.items())]
    return [*program_lines(), f"cd {shlex.quote(str(folder))}",
            "export " + " ".join(f"{name}={value}" for name, value in settings.items())]


def program_lines() -> list[str]:
    """What lets a new terminal find this program: nothing where it stands outside of an environment of its own."""
    if sys.prefix == sys.base_prefix:
        return []
    if os.name == "nt":
        script = Path(sys.prefix) / "Scripts" / "Activate.ps1"
        return [f'& "{script}"'] if script.exists() else []
    script = Path(sys.prefix) / "bin" / "activate"
    return [f"source {shlex.quote(str(script))}"] if script.exists() else []


def told(path: Path, why: Message | None) -> list[str]:
    """What is said at the end: the one file to open first, and what became of the PDFs."""
    lines = [tr("Done. Open this first:"), f"    {path}"]
    if why is not None:
        lines.append(msg("The papers are Word files: {reason}", reason=why).render(tr))
    return lines
