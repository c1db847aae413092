"""Makes the pictures of the README: ``python tools/make_pictures.py [DEMO]``.

DEMO is a folder that ``recordkit --lang zh demo DEMO`` left; without it the demo is run in a scratch folder. Papers are
pages of its PDFs as LibreOffice printed them; the terminal is what ``recordkit search`` writes into a terminal of 80
columns, drawn cell by cell. Needs LibreOffice, fonts-noto-cjk and, for the terminal, a POSIX system.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2
from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures"
MOST_BYTES = 150_000
UPRIGHT, ACROSS = 620, 900  # pixels from side to side
PAPERS = (("02", "notice"), ("04", "catalogue"), ("08", "register"))
"""Number in the demo's folder, name of the picture."""
COLUMNS = 80
CELL = (11, 25)  # pixels; a wide character takes two
MARGIN = 22
FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
BOLD = FONT.with_name("NotoSansCJK-Bold.ttc")
MONO_SC = 7  # place of "Noto Sans Mono CJK SC" in the collection
BACK, INK, DIM = "#1d2433", "#e6e9ef", "#8b95a7"
ANSI = {"red": "#ff7b72", "green": "#7ee787", "yellow": "#f2cc60", "blue": "#79c0ff", "magenta": "#d2a8ff",
        "cyan": "#76e3ea", "white": "#ffffff", "black": "#6e7681"}
QUESTION = "柳荫街"


def paper(source: Path, target: Path) -> None:
    """The page with the most text (a listing begins with a cover), with a thin frame, in few colours."""
    page = max(pypdfium2.PdfDocument(source), key=lambda one: one.get_textpage().count_chars())
    width = ACROSS if page.get_width() > page.get_height() else UPRIGHT
    image = page.render(scale=2 * width / page.get_width()).to_pil().convert("RGB")
    image = image.resize((width, round(image.height / 2)), Image.Resampling.LANCZOS)
    ImageDraw.Draw(image).rectangle((0, 0, image.width - 1, image.height - 1), outline="#b9bfca")
    image.quantize(32, dither=Image.Dither.NONE).save(target, optimize=True)


def in_terminal(arguments: list[str], folder: Path) -> str:
    """What a command writes into a terminal of its own."""
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "RECORDKIT_STORE": "store",
                   "PYTHONPATH": str(ROOT)}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([sys.executable, "-m", "recordkit", *arguments], cwd=folder, env=environment,
                               stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    written = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # Linux: the other end is closed
            data = b""
        if not data:
            break
        written += data
    if process.wait() != 0:
        raise SystemExit(written.decode())
    return written.decode().replace("\r\n", "\n")


def terminal(written: str, target: Path) -> None:
    """Draw what was written, every character in its cell."""
    prompt = Text.assemble(("$ ", "green"), (f"recordkit search {QUESTION}", "bold"), "\n")
    console = Console(width=COLUMNS, color_system="standard", force_terminal=True)
    lines = console.render_lines(prompt + Text.from_ansi(written.rstrip("\n")), pad=False)
    width = 2 * MARGIN + COLUMNS * CELL[0]
    image = Image.new("RGB", (width, 2 * MARGIN + len(lines) * CELL[1]), BACK)
    draw = ImageDraw.Draw(image)
    plain, bold = (ImageFont.truetype(str(one), 19, index=MONO_SC) for one in (FONT, BOLD))
    for row, line in enumerate(lines):
        column = 0
        for segment in line:
            style = segment.style or Style()
            named = style.color.name.removeprefix("bright_") if style.color else ""
            ink = ANSI.get(named, DIM if style.dim else INK)
            for character in segment.text:
                at = (MARGIN + column * CELL[0], MARGIN + row * CELL[1])
                cells = cell_len(character)
                if style.reverse:
                    draw.rectangle((*at, at[0] + cells * CELL[0] - 1, at[1] + CELL[1] - 1), fill=ink)
                draw.text((at[0] + cells * CELL[0] / 2, at[1] + CELL[1] / 2), character,
                          fill=BACK if style.reverse else ink, font=bold if style.bold else plain, anchor="mm")
                if style.underline:
                    draw.line((at[0], at[1] + CELL[1] - 3, at[0] + cells * CELL[0] - 1, at[1] + CELL[1] - 3), fill=ink)
                column += cells
    image.quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)


def main(arguments: list[str]) -> None:
    """Make all of them; none may be too large for a page that people load."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(arguments[0]) if arguments else Path(scratch) / "demo"
        if not arguments:
            subprocess.run([sys.executable, "-m", "recordkit", "--lang", "zh", "demo", folder], check=True,
                           env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
        OUT.mkdir(exist_ok=True)
        for number, name in PAPERS:
            (source,) = (folder / "打开看看").glob(f"{number} *.pdf")
            paper(source, OUT / f"{name}.png")
        terminal(in_terminal(["--lang", "zh", "search", QUESTION], folder), OUT / "search.png")
    for path in sorted(OUT.glob("*.png")):
        size = path.stat().st_size
        print(f"{path.name}  {size / 1000:.0f} kB")
        if size > MOST_BYTES:
            raise SystemExit(f"{path.name} is larger than {MOST_BYTES / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
