"""Documents tried out: their commands run in a scratch folder, their files are written, what they show is compared.

What a fenced block is for stands after its language, where no reader sees it:

| block | what is done |
|---|---|
| ``console`` | its ``$`` lines run; the lines beneath must be printed. With ``office`` they need LibreOffice |
| ``console terminal`` | one command in a real terminal; the lines that begin with ``>`` are typed |
| ``text typed FILE`` | its lines are typed at the end of the Word file, in place of those typed before |
| ``text read FILE`` | the Word file must hold these lines |
| ``text same FILE`` | the files named in its lines must be this one, byte for byte |
| ``text scanned`` | its lines name a file and a document's number: the scan of that paper; none: of an unknown one |
| ``text cells`` and other single words | a test of its own looks at them |
| ``toml added FILE`` | its lines are put at the end of the file |
| ``csv saved FILE`` | its lines are the file; of any language |
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recordkit.cli.main import run

ROOT = Path(__file__).resolve().parents[1]
STEP = re.compile(r"\$ recordkit (?P<call>.*?)(?:  # exit (?P<code>\d+))?$")
COPY = re.compile(r"\$ cp -r (?P<source>forms/[a-z-]+) (?P<target>[a-z_]+/forms/)$")
_FENCE = re.compile(r"^```(?P<info>[a-z]+[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the words after it, its lines."""

    language: str
    task: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One command, its exit code, and the lines that stand under it."""

    call: str
    code: int
    shown: tuple[str, ...]


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks that name a language, in order."""
    found = []
    for block in _FENCE.finditer(page.read_text(encoding="utf-8")):
        language, *task = block["info"].split(None, 2)
        found.append(Block(language, tuple(task), tuple(block["text"].splitlines())))
    return found


def fenced(page: Path, language: str) -> list[str]:
    """The texts of the page's blocks of this language."""
    return ["".join(f"{line}\n" for line in one.lines) for one in blocks_of(page) if one.language == language]


def steps_in(lines: Sequence[str]) -> list[Step]:
    """The commands of a ``console`` block."""
    steps: list[Step] = []
    for line in lines:
        if line.startswith("$ recordkit"):
            found = STEP.fullmatch(line)
            assert found is not None, f"not a step of the tour: {line}"
            steps.append(Step(found["call"], int(found["code"] or 0), ()))
        elif line.startswith("$"):
            steps.append(Step(line, 0, ()))
        else:
            last = steps.pop()
            steps.append(Step(last.call, last.code, (*last.shown, line)))
    return steps


def words(line: str) -> str:
    """A line without the spaces that only set columns."""
    return " ".join(line.split())


def is_shown(line: str, output: str) -> bool:
    """Whether a line of the output is this one; … stands for anything."""
    pattern = ".*".join(re.escape(words(part)) for part in line.split("…"))
    return any(re.search(f"^{pattern}$", words(real)) for real in output.splitlines())


def missing_lines(shown: Sequence[str], output: str) -> list[str]:
    """The lines that the document shows and the program did not print."""
    return [line for line in shown if line.strip() and not is_shown(line, output)]


def run_line(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run a command line in this process: exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    return code, out.getvalue(), err.getvalue()


class Walk:
    """Does what a guide says, block by block, in the current folder.

    ``day`` is put behind every command that names none, so that a simulated store stands still in time.
    ``faults`` are the lines that were shown but not printed, each with what was printed.
    """

    def __init__(self, day: str) -> None:
        """Begin with nothing tried."""
        self._day = day
        self._typed: dict[str, int] = {}
        self.faults: list[str] = []
        self.calls = 0

    def go(self, block: Block) -> None:
        """Do one block."""
        match block.language, block.task:
            case "console", ("terminal",):
                self._converse(block)
            case "console", _:
                for step in steps_in(block.lines):
                    self._step(step)
            case "text", ("typed", name):
                self._type(Path(name), block.lines)
            case "text", ("read", name):
                self._compare(name, block.lines, "\n".join(texts_of(Path(name))))
            case "text", ("scanned",):
                self._scan(block.lines)
            case "text", ("same", name):
                wanted = Path(name).read_bytes()
                self.faults += [f"{one} is not {name}" for one in block.lines if Path(one).read_bytes() != wanted]
            case _, ("added", name):
                with Path(name).open("a", encoding="utf-8") as file:
                    file.writelines(f"{line}\n" for line in ("", *block.lines))
            case _, ("saved", name):
                Path(name).write_text("".join(f"{line}\n" for line in block.lines), encoding="utf-8")
            case _, () | (_,):
                pass
            case _:
                raise AssertionError(f"nobody knows what to do with {block.language} {block.task}")

    def _step(self, step: Step) -> None:
        if copied := COPY.fullmatch(step.call):
            source = ROOT / copied["source"]
            shutil.copytree(source, Path(copied["target"]) / source.name)
            return
        assert not step.call.startswith("$"), f"not a step of a guide: {step.call}"
        arguments = shlex.split(step.call)
        target = arguments[arguments.index(">") + 1] if ">" in arguments else None
        if target is not None:
            arguments = arguments[: arguments.index(">")]
        code, out, err = run_line(self.placed(arguments))
        self.calls += 1
        assert code == step.code, f"{step.call}\nexit {code}\n{out}{err}"
        if target is not None:
            Path(target).write_text(out, encoding="utf-8")
        self._compare(step.call, step.shown, out + err)

    def placed(self, arguments: Sequence[str]) -> list[str]:
        """The arguments with the day."""
        return [*arguments] if "--as-of" in arguments else [*arguments, "--as-of", self._day]

    def _converse(self, block: Block) -> None:
        from terminal import Terminal

        (step,) = steps_in([line for line in block.lines if not line.lstrip().startswith(">")])
        terminal = Terminal("-m", "recordkit", *self.placed(shlex.split(step.call)))
        try:
            for line in block.lines:
                if line.lstrip().startswith(">"):
                    terminal.answer("", line.lstrip().removeprefix(">").strip())
            code = terminal.ends()
        finally:
            terminal.close()
        self.calls += 1
        assert code == step.code, terminal.screen
        self._compare(step.call, step.shown, terminal.screen)

    def _scan(self, lines: Sequence[str]) -> None:
        from scans import scan, signed_paper

        for name, _, number in (line.partition("  ") for line in lines):
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not number.strip():
                scan(path, path.stem)
                continue
            code, out, err = run_line(["issued", "show", number.strip(), "--json"])
            assert code == 0, err
            signed_paper(path, str(json.loads(out)["issue_id"]))

    def _compare(self, what: str, shown: Sequence[str], real: str) -> None:
        missing = missing_lines(shown, real)
        if missing:
            self.faults.append("\n".join([what, *(f"  not there: {line}" for line in missing), real]))

    def _type(self, path: Path, lines: Sequence[str]) -> None:
        """Write the lines as Word does: paragraphs with a Chinese font and fixed spacing, ``|`` lines as a table."""
        import docx

        document = docx.Document(str(path)) if path.exists() else _new_document()
        for _ in range(self._typed.get(str(path), 0)):
            last = document.element.body[-2]  # behind it stand the section's properties
            last.getparent().remove(last)
        before = len(document.element.body)
        table: Any = None
        for line in lines:
            if not line.startswith("|"):
                table = None
                _fix_spacing(document.add_paragraph(line))
                continue
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            table = table or document.add_table(0, len(cells))
            for cell, text in zip(table.add_row().cells, cells, strict=True):
                cell.text = text
                _fix_spacing(cell.paragraphs[0])
        if path.exists():
            self._typed[str(path)] = len(document.element.body) - before
        document.save(str(path))


def _new_document() -> Any:
    import docx
    from docx.oxml.ns import qn

    document = docx.Document()
    fonts = document.styles["Normal"].element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), "仿宋_GB2312")
    return document


def _fix_spacing(paragraph: Any) -> None:
    from docx.shared import Pt

    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(0)
    paragraph.paragraph_format.line_spacing = Pt(13)


def texts_of(path: Path) -> Iterator[str]:
    """Paragraphs of a Word file, and the rows of its tables with ``|`` around their cells."""
    import docx
    from docx.table import Table

    for one in docx.Document(str(path)).iter_inner_content():
        if isinstance(one, Table):
            for row in one.rows:
                yield "| " + " | ".join(cell.text for cell in row.cells) + " |"
        else:
            yield one.text
