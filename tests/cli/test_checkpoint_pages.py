"""Checkpoints on paper: the page says what the file says, and comes back from a scan, a photo or the keyboard."""

from __future__ import annotations

import io
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli
from hypothesis import given
from hypothesis import strategies as st
from test_checkpoints import forget, issue, ledger_file, office

from recordkit.archive.checkpoint_pages import checkpoint_of, lines_of, payload_of, read_any_checkpoint
from recordkit.checkpoints import Checkpoint, read_checkpoint

__all__ = ["office"]
TOOL = Path(__file__).parent.parent.parent / "tools" / "verify_ledger.py"


def made(office: Cli, path: Path) -> Path:
    office("ledger", "checkpoint", "--out", path)
    return path


def kept(office: Cli) -> Checkpoint:
    (copy,) = (office.store / "ledger" / "checkpoints").iterdir()
    return read_checkpoint(copy)


def picture_of(page: Path) -> object:
    """The picture on a Word page."""
    from docx import Document
    from PIL import Image

    (blob,) = (part.blob for part in Document(str(page)).part.package.iter_parts()
               if part.partname.startswith("/word/media"))
    return Image.open(io.BytesIO(blob)).convert("L")


def test_the_text_page_is_read_back_and_says_head_entries_time_and_signer(office: Cli, tmp_path: Path) -> None:
    page = made(office, tmp_path / "检查点.txt")
    said = kept(office).statement
    text = page.read_text("utf-8")
    assert all(one in text for one in (said.head, said.time, "admin", kept(office).mark, f"台账条数：{said.entries}"))
    assert read_any_checkpoint(page) == kept(office)
    found = office.json("ledger", "verify", "--against", page)
    assert (found["ok"], found["checkpoints"][0]["known"]) == (True, True)


def test_a_cut_ledger_is_shown_by_the_page_alone(office: Cli, tmp_path: Path) -> None:
    page = made(office, tmp_path / "检查点.docx")
    lines = ledger_file(office).read_bytes().splitlines(keepends=True)
    ledger_file(office).write_bytes(b"".join(lines[:-1]))
    forget(office)
    assert "cut short" in office.json("ledger", "verify", "--against", page, expect=7)["reason"]


@pytest.mark.parametrize("ending", ["png", "jpg", "pdf"])
def test_a_photo_or_scan_of_the_page_is_read_back(office: Cli, tmp_path: Path, ending: str) -> None:
    """Askew, grey, a little blurred, as a telephone sees the page."""
    from PIL import Image, ImageFilter

    code = picture_of(made(office, tmp_path / "检查点.docx"))
    assert isinstance(code, Image.Image)
    sheet = Image.new("L", (1240, 1754), 225)
    sheet.paste(code.resize((460, 460)).point(lambda value: 40 if value < 128 else 215), (390, 700))
    photo = sheet.rotate(7, fillcolor=120, expand=True).filter(ImageFilter.GaussianBlur(0.8))
    path = tmp_path / f"照片.{ending}"
    photo.save(path, **({"resolution": 150} if ending == "pdf" else {}))
    assert read_any_checkpoint(path) == kept(office)
    issue(office)
    assert office.json("ledger", "verify", "--against", path)["ok"]


def test_the_lines_are_read_however_they_are_typed(office: Cli, tmp_path: Path) -> None:
    made(office, tmp_path / "检查点.txt")
    lines = lines_of(payload_of(kept(office)))
    typed = tmp_path / "键入.txt"
    random.Random(1).shuffle(lines)
    typed.write_text("\n".join(line.lower().replace("0", "o").replace("1", "l") if number % 2 else
                               f"  {line[:2]}: {line[3:].replace(' ', '')}" for number, line in enumerate(lines)))
    text = re.sub(r"^(\s*)([ol\d]{2})", lambda one: one[0].replace("o", "0").replace("l", "1"), typed.read_text(),
                  flags=re.MULTILINE)
    typed.write_text(text, "utf-8")
    assert read_any_checkpoint(typed) == kept(office)


def test_a_mistyped_or_missing_line_is_named(office: Cli, tmp_path: Path) -> None:
    made(office, tmp_path / "检查点.txt")
    lines = lines_of(payload_of(kept(office)))
    typed = tmp_path / "键入.txt"

    def told(changed: list[str]) -> str:
        typed.write_text("\n".join(changed), "utf-8")
        office("ledger", "verify", "--against", typed, expect=3)
        return office.err

    wrong = lines[2][:5] + ("7" if lines[2][5] != "7" else "8") + lines[2][6:]
    assert "line 03" in told([*lines[:2], wrong, *lines[3:]])
    assert "line 02 is missing" in told([lines[0], *lines[2:]])
    assert "missing at the end" in told(lines[:-1])
    swapped = [f"01{lines[1][2:]}", f"02{lines[0][2:]}", *lines[2:]]
    assert "line 01" in told(swapped)


@pytest.mark.parametrize(("name", "content"), [
    ("a.txt", b""), ("b.txt", b"hello"), ("c.png", b"\x89PNG\r\n\x1a\n\0\0\0\0"), ("d.pdf", b"%PDF-1.7 broken"),
    ("e.docx", b"PK\3\4\0\0"), ("f.txt", b"RKC1" + b"0" * 300), ("g.txt", b"RKC1" + b"Z" * 3000),
    ("h.txt", b"01 ABCD 00"), ("i.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 400),
])
def test_what_is_no_checkpoint_page_is_refused(office: Cli, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    office("ledger", "verify", "--against", path, expect=3)
    assert name in office.err


def test_a_page_that_was_changed_vouches_for_nothing(office: Cli, tmp_path: Path) -> None:
    """The lines can be computed anew, the signature cannot."""
    made(office, tmp_path / "检查点.txt")
    from msgspec.structs import replace

    checkpoint = kept(office)
    forged = replace(checkpoint, statement=replace(checkpoint.statement, head="00" * 32))
    page = tmp_path / "伪造.txt"
    page.write_text(payload_of(forged), "utf-8")
    found = office.json("ledger", "verify", "--against", page, expect=7)
    assert any("signature" in one for one in found["checkpoints"][0]["findings"])


def test_the_single_file_verifier_reads_the_code_and_the_lines(office: Cli, tmp_path: Path) -> None:
    page = made(office, tmp_path / "检查点.txt")
    code = tmp_path / "手机.txt"
    code.write_text(payload_of(kept(office)) + "\n", "utf-8")

    def verify(path: Path) -> list[tuple[str, str]]:
        done = subprocess.run([sys.executable, "-I", str(TOOL), str(office.store), "--json", "--against", str(path)],
                              capture_output=True, check=False)
        findings = json.loads(done.stdout)["findings"]
        # The fixture's clock stands at noon, the commands' at the time of the day.
        return [(one["code"], one["message"]) for one in findings if one["code"] != "back-dated"]

    assert verify(page) == verify(code) == []
    lines = ledger_file(office).read_bytes().splitlines(keepends=True)
    ledger_file(office).write_bytes(b"".join(lines[:-1]))
    forget(office)
    for path in (page, code):
        assert [code for code, _ in verify(path)] == ["cut"]
    line = lines_of(payload_of(read_any_checkpoint(code)))[1]
    page.write_text(page.read_text("utf-8").replace(line, line[:-1] + ("0" if line[-1] != "0" else "1")), "utf-8")
    assert "line 02" in verify(page)[-1][1]


@given(store=st.text(min_size=1, max_size=40), by=st.text(min_size=1, max_size=40), seq=st.integers(1, 2**40),
       seed=st.binary(min_size=128, max_size=128))
def test_every_checkpoint_survives_its_payload(store: str, by: str, seq: int, seed: bytes) -> None:
    import msgspec

    plain = {"statement": {"act": "ledger.checkpoint", "store": store, "seq": seq, "head": seed[:32].hex(),
                           "entries": seq, "time": "2037-03-05T08:00:00Z", "by": by},
             "key": seed[32:64].hex(), "signature": seed[64:].hex()}
    checkpoint = msgspec.json.decode(json.dumps(plain), type=Checkpoint)
    assert checkpoint_of(payload_of(checkpoint)) == checkpoint


@pytest.mark.office
def test_the_printed_page_is_read_back_from_its_pdf(office: Cli, tmp_path: Path) -> None:
    page = made(office, tmp_path / "检查点.pdf")
    assert page.read_bytes()[:4] == b"%PDF"
    assert read_any_checkpoint(page) == kept(office)
    import pypdfium2

    document = pypdfium2.PdfDocument(page)
    assert len(document) == 1
    document[0].render(scale=150 / 72).to_pil().save(tmp_path / "扫描.png")
    document.close()
    assert read_any_checkpoint(tmp_path / "扫描.png") == kept(office)
