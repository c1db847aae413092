"""The searchable copy: PDF/A, text back and in its place, turned upright, nothing active, original untouched."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdf
import pypdfium2
import pytest
from papers import pdf_bytes
from pikepdf import pdfa
from PIL import Image, ImageDraw
from test_reading import LINES, page, read_papers, save

from recordkit.archive.ocr import Piece
from recordkit.archive.pdf import inspect_pdf
from recordkit.archive.pdf_actions import carried_things
from recordkit.archive.searchable import SearchableCopy, TextLayer, write_searchable

TEXTS = ("换表通知书", "户名：0012003461 王小明", "龘𠀀龥〔2026〕第0001号", "m³", "无")
TOP, HIGH, STEP = 0.1, 0.02, 0.08


def pieces(texts: tuple[str, ...] = TEXTS) -> tuple[Piece, ...]:
    """One below the other, a fifth from the left, each half a page wide."""
    def corners(top: float) -> Any:
        return (0.2, top), (0.7, top), (0.7, top + HIGH), (0.2, top + HIGH)

    return tuple(Piece(text, corners(TOP + STEP * number), 0.9) for number, text in enumerate(texts))


def scan(path: Path, turned: int = 0) -> Path:
    """A page with a bar where each piece is, lying in the scanner so that it must be turned by ``turned``."""
    picture = Image.new("L", (1654, 2339), 250)
    for number in range(len(TEXTS)):
        top = (TOP + STEP * number) * 2339
        ImageDraw.Draw(picture).rectangle((0.2 * 1654, top, 0.7 * 1654, top + HIGH * 2339), fill=30)
    return save(path, picture.rotate(turned, expand=True))


def made(original: Path, *layers: TextLayer) -> SearchableCopy:
    return write_searchable(original, original.with_name(f"copy-{original.name}"), layers)


def plain(text: str) -> str:
    return "".join(text.split())


def test_it_is_pdfa_and_two_readers_give_the_text_back(tmp_path: Path) -> None:
    copy = made(scan(tmp_path / "scan.pdf"), TextLayer(0, pieces()))
    assert (copy.is_pdfa, copy.obstacle) == (True, "")
    assert pdfa.validate_written(copy.path, "2b").findings == []
    assert plain(pypdf.PdfReader(copy.path).pages[0].extract_text()) == plain("".join(TEXTS))
    assert plain(pypdfium2.PdfDocument(copy.path)[0].get_textpage().get_text_range()) == plain("".join(TEXTS))


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("rotated", [0, 90])
def test_each_word_lies_on_its_place_of_the_upright_picture(tmp_path: Path, turned: int, rotated: int) -> None:
    original = scan(tmp_path / "scan.pdf", turned)
    with pikepdf.open(original, allow_overwriting_input=True) as document:
        # The page says itself that it is to be shown turned; what is seen is then turned less.
        document.pages[0].Rotate = rotated
        document.save()
    copy = made(original, TextLayer((turned - rotated) % 360, pieces()))
    shown = pypdfium2.PdfDocument(copy.path)[0]
    picture = shown.render(scale=1, grayscale=True).to_numpy().squeeze()
    height, width = picture.shape
    assert height > width
    for number in range(len(TEXTS)):
        row = round((TOP + STEP * number + HIGH / 2) * height)
        ink = np.flatnonzero(picture[row] < 128)
        assert abs(ink.min() / width - 0.2) < 0.01 and abs(ink.max() / width - 0.7) < 0.01
    found = places(shown)
    for number, text in enumerate(TEXTS):
        middle = TOP + STEP * number + HIGH / 2
        first, last = found[text[0]], found[text[-1]]
        assert first[0] == pytest.approx(0.2, abs=0.005) and first[1] == pytest.approx(middle, abs=0.005)
        assert last[2] == pytest.approx(0.7, abs=0.005) and last[1] == pytest.approx(middle, abs=0.005)


def places(shown: Any) -> dict[str, tuple[float, float, float]]:
    """Left, middle height and right of each character as shares of the page as it is shown."""
    (width, height), words = shown.get_size(), shown.get_textpage()
    turn, found = shown.get_rotation(), {}
    for index in range(words.count_chars()):
        left, bottom, right, top = words.get_charbox(index, loose=True)
        corners = [{0: (x, height - y), 90: (y, x), 180: (width - x, y), 270: (width - y, height - x)}[turn]
                   for x, y in ((left, bottom), (right, top))]
        across, down = [one[0] / width for one in corners], [one[1] / height for one in corners]
        character = chr(pypdfium2.raw.FPDFText_GetUnicode(words, index))
        found[character] = (min(across), sum(down) / 2, max(across))
    return found


def test_the_picture_is_the_originals_and_the_original_stays_as_it_was(tmp_path: Path) -> None:
    original = scan(tmp_path / "scan.pdf")
    before = original.read_bytes()
    copy = made(original, TextLayer(0, pieces()))
    assert original.read_bytes() == before

    def images(path: Path) -> list[str]:
        with pikepdf.open(path) as document:
            return [hashlib.sha256(image.read_raw_bytes()).hexdigest()
                    for one in document.pages for image in one.get_images().values()]

    def seen(path: Path) -> Any:
        return pypdfium2.PdfDocument(path)[0].render(scale=1, grayscale=True).to_numpy().astype(int)

    assert images(copy.path) == images(original) and images(original)
    assert abs(seen(copy.path) - seen(original)).max() <= 1


def test_scripts_attachments_and_forms_stay_behind_but_stamps_are_seen(tmp_path: Path) -> None:
    original = scan(tmp_path / "scan.pdf")
    with pikepdf.open(original, allow_overwriting_input=True) as document:
        document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        document.attachments["note.txt"] = b"hidden"
        form = document.make_stream(b"0 g 0 0 60 30 re f", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form,
                                    BBox=[0, 0, 60, 30])
        document.pages[0].Annots = pikepdf.Array([document.make_indirect(pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Stamp, Rect=[400, 60, 460, 90], F=4,
            AP=pikepdf.Dictionary(N=form)))])
        document.save()
    assert inspect_pdf(original).has_javascript and inspect_pdf(original).attached_files == 1
    copy = made(original, TextLayer(0, pieces()))
    facts = inspect_pdf(copy.path)
    assert (facts.has_javascript, facts.attached_files, copy.is_pdfa) == (False, 0, True)
    with pikepdf.open(copy.path) as document:
        assert "/Annots" not in document.pages[0] and "/OpenAction" not in document.Root
    picture = pypdfium2.PdfDocument(copy.path)[0].render(scale=1, grayscale=True).to_numpy().squeeze()
    assert picture[picture.shape[0] - 75, 430] < 40, "the stamp is no longer seen"


def with_optional_content(path: Path) -> None:
    """Let a black square lie over the page that is switched off, with scripts and files hung on its group."""
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        def evil() -> pikepdf.Dictionary:
            return pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")

        held = document.make_stream(b"EVIL", Type=pikepdf.Name.EmbeddedFile)
        file = document.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Filespec, F="evil.exe", UF="evil.exe",
                                                         EF=pikepdf.Dictionary(F=held)))
        group = document.make_indirect(pikepdf.Dictionary(
            Type=pikepdf.Name.OCG, Name="x", AF=pikepdf.Array([file]), X=evil(), Usage=pikepdf.Dictionary(Y=evil())))
        page = document.pages[0]
        page.Resources.Properties = pikepdf.Dictionary(P1=group)
        page.contents_add(b"/OC /P1 BDC 0 g 0 0 5000 5000 re f EMC")
        next(iter(page.Resources.XObject.values())).AF = pikepdf.Array([file])
        document.Root.OCProperties = pikepdf.Dictionary(
            OCGs=pikepdf.Array([group]), Evil=evil(), Configs=pikepdf.Array([evil()]),
            D=pikepdf.Dictionary(Name="d", OFF=pikepdf.Array([group]), Evil=evil()))
        document.save()


def test_nothing_that_acts_comes_with_optional_content_and_what_is_switched_off_stays_so(tmp_path: Path) -> None:
    original = scan(tmp_path / "scan.pdf")
    with_optional_content(original)
    assert carried_things(original) == {"javascript", "embedded-files"}
    copy = made(original, TextLayer(0, pieces()))
    assert carried_things(copy.path) == frozenset()
    assert b"EVIL" not in b"".join(streams_of(copy.path))
    assert pypdfium2.PdfDocument(copy.path)[0].render(scale=1, grayscale=True).to_numpy().mean() > 150


def streams_of(path: Path) -> list[bytes]:
    with pikepdf.open(path) as document:
        return [one.read_raw_bytes() for one in document.objects if isinstance(one, pikepdf.Stream)]


def test_where_what_acts_cannot_be_left_behind_there_is_no_copy(tmp_path: Path) -> None:
    original = scan(tmp_path / "scan.pdf")
    with pikepdf.open(original, allow_overwriting_input=True) as document:
        document.pages[0].Resources.Properties = pikepdf.Dictionary(
            P1=pikepdf.Dictionary(S=pikepdf.Name.Launch, F="cmd.exe"))
        document.save()
    with pytest.raises(ValueError, match="launch-action"):
        made(original, TextLayer(0, pieces()))
    assert not (tmp_path / "copy-scan.pdf").exists()


def test_a_page_with_text_keeps_it_and_what_cannot_be_pdfa_is_searchable_all_the_same(tmp_path: Path) -> None:
    with pikepdf.open(scan(tmp_path / "scan.pdf")) as document:
        with pikepdf.open(io.BytesIO(pdf_bytes(text="Digital"))) as other:  # its Helvetica is not embedded
            document.pages.extend(other.pages)
        document.save(tmp_path / "mixed.pdf")
    copy = made(tmp_path / "mixed.pdf", TextLayer(0, pieces()), TextLayer())
    assert not copy.is_pdfa
    assert copy.obstacle.startswith("ISO_19005_2:")
    texts = [one.extract_text() for one in pypdf.PdfReader(copy.path).pages]
    assert [plain(text) for text in texts] == [plain("".join(TEXTS)), "Digital1"]
    with pikepdf.open(copy.path) as document:
        assert "/OutputIntents" not in document.Root and "/Metadata" not in document.Root, "it claims to be PDF/A"


def test_a_cropped_page_with_inherited_size_takes_the_text_to_the_visible_part(tmp_path: Path) -> None:
    with pikepdf.open(io.BytesIO(pdf_bytes(text="", size=(800, 1000)))) as document:
        sheet = document.pages[0].obj
        document.Root.Pages.MediaBox = sheet.MediaBox
        del sheet["/MediaBox"]
        sheet.CropBox = [100, 50, 600, 850]
        document.save(tmp_path / "cropped.pdf")
    copy = made(tmp_path / "cropped.pdf", TextLayer(0, pieces(("甲乙",))))
    shown = pypdfium2.PdfDocument(copy.path)[0]
    assert shown.get_size() == (500, 800)
    left, _, _, top = shown.get_textpage().get_charbox(0, loose=True)
    assert left == pytest.approx(100 + 0.2 * 500, abs=2)
    assert top == pytest.approx(850 - TOP * 800, abs=4)


def test_a_paper_whose_pages_changed_meanwhile_gets_no_copy(tmp_path: Path) -> None:
    original = scan(tmp_path / "scan.pdf")
    with pytest.raises(ValueError):
        made(original, TextLayer(), TextLayer())
    assert not (tmp_path / "copy-scan.pdf").exists()


@pytest.mark.ocr
def test_a_scan_that_was_read_brings_its_copy_and_a_text_pdf_none(tmp_path: Path) -> None:
    paper = save(tmp_path / "scan.pdf", page(lines=LINES).rotate(180))
    digital = tmp_path / "digital.pdf"
    digital.write_bytes(pdf_bytes(text="A paper that carries its own text"))
    (tmp_path / "copies").mkdir()
    first, second = read_papers([paper, digital], jobs=1, ocr=True, scratch=tmp_path / "copies")
    assert (first.findings, second.searchable, second.findings) == ((), None, ())
    assert first.searchable is not None and first.texts[0].turned == 180
    assert plain(pypdf.PdfReader(first.searchable).pages[0].extract_text()) == plain("".join(LINES))
    assert list((tmp_path / "copies").iterdir()) == [first.searchable]
