"""Checkpoints on paper: a page with a QR code and the same characters to be typed, and the way back from either.

A file can be lost or replaced unseen; a signed page in the safe of another department cannot. The page says all that
the checkpoint's file says. It is read back from a scan or a photo of the page, from what a telephone reads of the
code, or from its lines typed by hand; each line has a check of its own, so that the one with a mistake is named.

Payload: ``RKC1`` and then, in Crockford base32: length of the store id and the id, length of the signer's id and the id
(UTF-8, lengths one byte), number of the last entry (8 bytes, big-endian), instant (8 bytes, seconds since 1970), its
hash (32), the signer's key (32), the signature (64).
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from recordkit.checkpoints import Checkpoint, is_checkpoint, read_checkpoint
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, msg
from recordkit.settings import Settings
from recordkit.templates import wordpage
from recordkit.templates.code import ALPHABET, check_characters, crockford32, draw_qr

PREFIX = "RKC1"
QR_MM = 62.0
_LINE = 32
"""Characters on a printed line, in groups of four; behind them two check characters."""
_MOST_BYTES = 50 << 20
_LONGEST_SIDE = 3000
"""Pixels; a photo of more is made smaller: its QR code stays readable, and memory small."""
_SECONDS = 60.0
_MEMORY_BYTES = 1500 << 20
_TYPED = str.maketrans("OIL", "011")
_PRINTED_LINE = re.compile(r"^\s*(\d{2})[\s.:：]+([0-9A-Za-z][0-9A-Za-z \t-]{3,})\s*$", re.MULTILINE)


def payload_of(checkpoint: Checkpoint) -> str:
    """What the QR code of a checkpoint says."""
    said = checkpoint.statement
    instant = int(datetime.fromisoformat(said.time).timestamp())
    names = b"".join(bytes([len(one)]) + one for one in (said.store.encode(), said.by.encode()))
    raw = (names + said.seq.to_bytes(8) + instant.to_bytes(8) + bytes.fromhex(said.head) + bytes.fromhex(checkpoint.key)
           + bytes.fromhex(checkpoint.signature))
    return PREFIX + crockford32(int.from_bytes(b"\1" + raw), -(-(len(raw) * 8 + 1) // 5))


def lines_of(payload: str) -> list[str]:
    """The payload as it is printed for typing: line number, groups of four, check characters."""
    body = payload.removeprefix(PREFIX)
    lines = []
    for number, start in enumerate(range(0, len(body), _LINE), 1):
        part = body[start : start + _LINE]
        groups = [part[at : at + 4] for at in range(0, len(part), 4)]
        lines.append(f"{number:02} {' '.join(groups)} {_check(number, part)}")
    return lines


def checkpoint_of(payload: str) -> Checkpoint | None:
    """The checkpoint that a payload says, or None when it is none. Whether it holds is for ``Witnesses``."""
    body = payload.removeprefix(PREFIX)
    if not payload.startswith(PREFIX) or not body or len(body) > 2000 or set(body) - set(ALPHABET):
        return None
    number = 0
    for character in body:
        number = number << 5 | ALPHABET.index(character)
    raw = number.to_bytes(-(-number.bit_length() // 8))
    if raw[:1] != b"\1":
        return None
    names, rest = [], raw[1:]
    for _ in range(2):
        size = rest[0] if rest else 0
        names.append(rest[1 : 1 + size])
        rest = rest[1 + size :]
    if len(rest) != 8 + 8 + 32 + 32 + 64:
        return None
    try:
        seq, instant = int.from_bytes(rest[:8]), int.from_bytes(rest[8:16])
        plain = {
            "statement": {
                "act": "ledger.checkpoint", "store": names[0].decode(), "seq": seq, "head": rest[16:48].hex(),
                "entries": seq, "time": datetime.fromtimestamp(instant, UTC).isoformat().replace("+00:00", "Z"),
                "by": names[1].decode(),
            },
            "key": rest[48:80].hex(),
            "signature": rest[80:].hex(),
        }
    except (UnicodeDecodeError, OverflowError, ValueError, OSError):
        return None
    checkpoint = msgspec.convert(plain, Checkpoint)
    return checkpoint if is_checkpoint(checkpoint) else None


def page_text(checkpoint: Checkpoint, settings: Settings, name: str) -> str:
    """The page as plain text; ``name`` is the signer's."""
    facts = [f"{label}：{value}" for label, value in _facts(checkpoint, settings, name)]
    return "\n".join([_TITLE, "", *facts, "", _EXPLAINED, "", *lines_of(payload_of(checkpoint)), ""])


def page_docx(checkpoint: Checkpoint, settings: Settings, name: str) -> bytes:
    """The page as a Word document, A4 upright."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    payload = payload_of(checkpoint)
    document = wordpage.new_page(landscape=False, margins=(20, 20, 15, 20))
    wordpage.heading(document, _TITLE)
    table = wordpage.table(document, (48, 122))
    for label, value in _facts(checkpoint, settings, name):
        cells = table.add_row().cells
        wordpage.write(cells[0], label, bold=True)
        wordpage.write(cells[1], value)
    picture = document.add_paragraph()
    picture.alignment = WD_ALIGN_PARAGRAPH.CENTER
    picture.paragraph_format.space_before = Pt(6)
    picture.add_run().add_picture(io.BytesIO(draw_qr(payload)), width=Mm(QR_MM), height=Mm(QR_MM))
    wordpage.note(document, _EXPLAINED)
    for line in lines_of(payload):
        paragraph = document.add_paragraph()
        run = paragraph.add_run(line)
        run.font.name = "Courier New"
        run.font.size = Pt(10)
        run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:cs"), "Courier New")
    wordpage.note(document, "")
    signing = wordpage.table(document, (32, 53, 32, 53))
    cells = signing.add_row().cells
    signing.rows[0].height = Mm(14)
    for cell, text in zip(cells, ("保管人签字", "", "收存日期", "　　　年　　月　　日"), strict=True):
        wordpage.write(cell, text, bold=text == "保管人签字" or text == "收存日期")
    return wordpage.bytes_of(document)


def read_any_checkpoint(path: Path) -> Checkpoint:
    """A checkpoint from its file, from a scan, photo or printout of its page, or from its lines typed by hand.

    Raises:
        NotFound: there is no such file.
        InputRefused: no checkpoint can be read from it; a line that was mistyped is named.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            start = handle.read(16)
            data = start + handle.read(_MOST_BYTES if size <= _MOST_BYTES else 0)
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(msg("There is no file {file}.", file=str(path))) from None
    if start.lstrip()[:1] == b"{":
        return read_checkpoint(path)
    if start[:4] == b"%PDF":
        payloads, text = _read_pdf(path)
    elif start[:2] == b"PK":
        payloads, text = [], _text_of_word(data)
    elif b"\0" in data[:4096] or start[:2] in (b"\xff\xd8", b"BM"):
        payloads, text = _read_picture(path), ""
    else:
        payloads, text = [], data[: 1 << 20].decode("utf-8", "replace")
    found = [one for one in map(checkpoint_of, [*payloads, *_payloads_in(text)]) if one is not None]
    if not found:
        typed = _typed(path, text)
        found = [typed] if typed is not None else []
    if not found:
        raise _refusal(path, msg("neither its QR code nor its lines can be read"))
    return found[0]


_TITLE = "台账检查点"
_EXPLAINED = ("由库外人员妥善保管。核对：recordkit ledger verify --against 本页的扫描件、照片，"
              "或键入以下各行的文本文件。每行依次为行号、编码和两位校验码。")


def _facts(checkpoint: Checkpoint, settings: Settings, name: str) -> list[tuple[str, str]]:
    said = checkpoint.statement
    return [
        ("单位", settings.company.name),
        ("全宗", f"{settings.archive.fonds} {settings.archive.fonds_name}"),
        ("档案库标识", said.store),
        ("台账条数", str(said.entries)),
        ("末条摘要（SHA-256）", said.head),
        ("签署时间（UTC）", said.time),
        ("签署人", f"{name}（{said.by}）"),
        ("密钥指纹", checkpoint.mark),
    ]


def _check(number: int, part: str) -> str:
    """Two characters over a line and its number: a line that is typed in another's place shows, too."""
    return check_characters(crockford32(number, 2) + part)


def _payloads_in(text: str) -> list[str]:
    return re.findall(rf"(?<![0-9A-Z]){PREFIX}[{ALPHABET}]{{100,}}", text)


def _typed(path: Path, text: str) -> Checkpoint | None:
    """A checkpoint from its printed lines; letters that look like digits are taken for them."""
    parts: dict[int, str] = {}
    for number, line in _PRINTED_LINE.findall(text):
        characters = re.sub(r"[\s-]", "", line).upper().translate(_TYPED)
        part, check = characters[:-2], characters[-2:]
        if set(characters) - set(ALPHABET) or len(part) > _LINE or check != _check(int(number), part):
            raise _refusal(path, msg("line {line} is not what is printed; compare it character by character",
                                     line=number))
        parts[int(number)] = part
    if not parts:
        return None
    for number in range(1, max(parts) + 1):
        if number not in parts:
            raise _refusal(path, msg("line {line} is missing", line=f"{number:02}"))
    found = checkpoint_of(PREFIX + "".join(parts[number] for number in sorted(parts)))
    if found is None:
        raise _refusal(path, msg("lines are missing at the end"))
    return found


def _refusal(path: Path, why: Message) -> InputRefused:
    return InputRefused(
        msg("The file {file} is not a checkpoint of a ledger: {reason}.", file=str(path), reason=why),
        msg("Give what 'recordkit ledger checkpoint --out FILE' wrote, a scan or photo of its page, or a text file "
            "with its lines."),
    )


def _read_pdf(path: Path) -> tuple[list[str], str]:
    from recordkit.archive.reading import read_papers

    (reading,) = read_papers([path], jobs=1, ocr=False)
    return [code.payload for code in reading.codes], "\n".join(text.text for text in reading.texts)


def _read_picture(path: Path) -> list[str]:
    """Payloads on a picture, decoded in a child process: a photo comes from anywhere."""
    from recordkit.crew import Crew

    with Crew(1, _SECONDS, _MEMORY_BYTES) as crew:
        crew.put((0, 0), codes_on_picture, str(path))
        _, outcome = crew.take()
    return list(outcome.value) if outcome.error is None else []


def codes_on_picture(path: str) -> list[str]:
    """QR codes on a picture; run it in a process of its own.

    Raises:
        OSError: it is no picture, or a broken one.
    """
    import numpy as np
    from PIL import Image

    from recordkit.archive.codes import find_codes

    Image.MAX_IMAGE_PIXELS = 200_000_000
    with Image.open(path) as image:
        image.draft("L", (_LONGEST_SIDE, _LONGEST_SIDE))
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        grey = np.asarray(image.convert("L"))
    return [code.payload for code in find_codes(grey, 1)]


def _text_of_word(data: bytes) -> str:
    """The text of a Word document, a line a paragraph; nothing for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package, package.open("word/document.xml") as part:
            xml = part.read(5 << 20).decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        return ""
    return re.sub(r"<[^>]*>", "", re.sub(r"</w:p>", "\n", xml))
