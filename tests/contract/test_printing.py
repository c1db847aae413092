"""Printing through the real LibreOffice: what is refused, what is told, and that a scan finds its way back."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from conftest import Cli
from papers import pdf_bytes, word_file
from PIL import Image, ImageDraw

from recordkit.errors import PartlyDone
from recordkit.templates import fonts
from recordkit.templates.code import PrintedCode
from recordkit.templates.pdf import PdfMade, PdfOrder, PdfPress, convert_to_pdf, font_report

pytestmark = [pytest.mark.office, pytest.mark.usefixtures("office")]
NOTO = Path("/usr/share/fonts/opentype/noto")


def only_fonts(tmp_path: Path, *folders: Path) -> dict[str, str]:
    """An environment in which these folders hold all fonts."""
    table = tmp_path / "only.conf"
    places = "".join(f"<dir>{folder}</dir>" for folder in folders)
    table.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">'
        f"<fontconfig>{places}<cachedir>{tmp_path / 'cache'}</cachedir></fontconfig>", encoding="utf-8")
    return {**os.environ, "FONTCONFIG_FILE": str(table)}


@pytest.fixture
def noto(tmp_path: Path) -> dict[str, str]:
    """A machine with Noto's Chinese fonts and no others."""
    if not (NOTO / "NotoSerifCJK-Regular.ttc").exists():
        pytest.skip("this test needs Debian's fonts-noto-cjk (CI has it and counts a skip as a failure)")
    return only_fonts(tmp_path, NOTO)


def printed(environment: dict[str, str], folder: Path, *sources: Path) -> tuple[dict[str, PdfMade], PdfPress]:
    with PdfPress(environment) as press:
        orders = [PdfOrder(source, folder / f"{source.stem}.pdf") for source in sources]
        return {one.order.source.name: one for one in press.make(orders)}, press


def swapped(path: Path, part: str, data: bytes) -> Path:
    """The Word file with one part replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, data if name == part else source.read(name))
    path.write_bytes(out.getvalue())
    return path


def test_bad_files_among_good_ones_cost_only_themselves(tmp_path: Path) -> None:
    names = ("好.docx", "cut.docx", "body.docx", "types.docx", "good 2.docx")
    good, cut, body, types, also = (word_file(tmp_path / name, "供水合同") for name in names)
    cut.write_bytes(cut.read_bytes()[:9000])
    with zipfile.ZipFile(body) as package:
        whole = package.read("word/document.xml")
    swapped(body, "word/document.xml", whole[: len(whole) // 2])
    swapped(types, "[Content_Types].xml", b"garbage")
    empty, text, sheet = tmp_path / "empty.docx", tmp_path / "text.docx", tmp_path / "sheet.docx"
    empty.write_bytes(b"")
    text.write_text("not a zip", encoding="utf-8")
    with zipfile.ZipFile(sheet, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
    sources = [empty, good, cut, text, body, sheet, types, tmp_path / "gone.docx", also]
    with pytest.raises(PartlyDone, match=r"7 file\(s\) gave no PDF"):
        convert_to_pdf(sources, tmp_path / "out", os.environ)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good 2.pdf", "好.pdf"]
    results, _ = printed(dict(os.environ), tmp_path / "again", *sources)
    reasons = {name: str(one.failure) for name, one in results.items() if one.failure}
    assert reasons == {
        "empty.docx": "empty.docx is empty.",
        "cut.docx": "cut.docx is damaged or not a Word document.",
        "text.docx": "text.docx is damaged or not a Word document.",
        "sheet.docx": "sheet.docx is not a Word document.",
        "gone.docx": "gone.docx cannot be opened: No such file or directory",
        "body.docx": "LibreOffice made no PDF of body.docx.",
        "types.docx": "LibreOffice made no PDF of types.docx.",
    }


def test_fonts_of_office_forms_are_replaced_by_look_alikes_and_that_is_told(
    tmp_path: Path, noto: dict[str, str]
) -> None:
    wanted = {"仿宋_GB2312": "Serif", "仿宋": "Serif", "FangSong": "Serif", "宋体": "Serif", "SimSun": "Serif",
              "黑体": "Sans", "SimHei": "Sans", "楷体_GB2312": "Serif", "楷体": "Serif", "KaiTi": "Serif"}
    sources = [word_file(tmp_path / f"{place}.docx", "供水", font=name) for place, name in enumerate(wanted)]
    results, press = printed(noto, tmp_path, *sources)
    assert {one.wanted: one.used for one in press.substitutions} == {
        "Times New Roman": "Noto Serif CJK", **{name: f"Noto {face} CJK" for name, face in wanted.items()}
    }
    assert [one.message.msgid for one in press.substitutions] == [
        "The font {wanted} is not installed; {used} is printed instead."
    ] * 11
    assert all(one.failure is None and one.warnings == () for one in results.values())


@pytest.mark.usefixtures("noto")
def test_the_systems_own_lists_of_fonts_do_not_overrule_the_table() -> None:
    table = Path(fonts.__file__).with_name("fonts.conf")
    never = {"宋体": "Sans", "仿宋_GB2312": "Sans", "楷体": "Sans", "黑体": "Serif", "SimHei": "Serif"}
    for name, wrong in never.items():
        command = ["fc-match", "--format=%{family[0]}", f"{name}:lang=zh-cn"]
        environment = {**os.environ, "FONTCONFIG_FILE": str(table)}
        found = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        assert wrong not in found, f"{name} is printed in {found}"


def test_rare_characters_of_names_are_printed_where_only_noto_is_installed(
    tmp_path: Path, noto: dict[str, str]
) -> None:
    source = word_file(tmp_path / "a.docx", f"户名：{fonts.RARE_CHARACTERS}", font="仿宋_GB2312")
    results, _ = printed(noto, tmp_path, source)
    assert results["a.docx"].unprinted == ""
    assert font_report(noto).unprinted == ""


def test_one_character_that_no_font_has_is_named_with_its_file(tmp_path: Path, noto: dict[str, str]) -> None:
    good = word_file(tmp_path / "good.docx", "供水合同□□　①㎡")
    bad = word_file(tmp_path / "坏.docx", "供水合同\u1c5a户")  # a letter of Ol Chiki, which no Chinese font has
    results, _ = printed(noto, tmp_path, good, bad)
    assert results["good.docx"].unprinted == "" and results["good.docx"].warnings == ()
    assert results["坏.docx"].unprinted == "\u1c5a"
    assert "坏.docx" in str(results["坏.docx"].warnings[0]) and "U+1C5A" in str(results["坏.docx"].warnings[0])
    assert results["坏.docx"].failure is None


def test_a_machine_without_chinese_fonts_says_so_and_names_every_box(tmp_path: Path) -> None:
    latin = tmp_path / "fonts"
    latin.mkdir()
    found = subprocess.run(["fc-match", "--format=%{file}", "DejaVu Sans"], check=True, capture_output=True, text=True)
    (latin / Path(found.stdout).name).write_bytes(Path(found.stdout).read_bytes())
    bare = only_fonts(tmp_path, latin)
    source = word_file(tmp_path / "a.docx", "户名：陈堃喆 12 m³", "地址𠮷")
    results, press = printed(bare, tmp_path, source)
    assert set(results["a.docx"].unprinted) == set("户名：陈堃喆地址𠮷")
    assert {one.wanted: one.used for one in press.substitutions}["宋体"] is None
    report = font_report(bare)
    assert set(report.unprinted) == set(fonts.RARE_CHARACTERS)
    assert {one.used for one in report.substitutions if one.wanted != "Times New Roman"} == {None}


def test_the_report_of_fonts_names_each_font_of_the_shipped_forms(noto: dict[str, str]) -> None:
    report = font_report(noto)
    assert [one.wanted for one in report.substitutions] == sorted(name for name, _ in fonts.OFFICE_FONTS)


def test_each_page_of_a_printed_document_carries_its_code(tmp_path: Path) -> None:
    source = word_file(tmp_path / "a.docx", *["供水合同条款"] * 90)
    code = PrintedCode("7XQ200000042", 1)
    with PdfPress(os.environ) as press:
        (made,) = press.make([PdfOrder(source, tmp_path / "a.pdf", code)])
    assert made.pages >= 3 and made.warnings == ()
    texts = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(tmp_path / "a.pdf")]
    assert [f"第{page}页 共{made.pages}页" in text for page, text in enumerate(texts, start=1)] == [True] * made.pages


def test_a_scan_finds_its_issue_by_the_codes_of_its_pages_alone(issued: Cli, tmp_path: Path) -> None:
    number = "供合〔2026〕0001号"
    paper = next(path for path in (issued.store.parent / "pdf").iterdir() if number in path.name)
    shown = issued.json("issued", "show", number)
    from recordkit.templates.pagecodes import add_page_codes

    coded = add_page_codes(paper.read_bytes(), PrintedCode(shown["issue_id"], shown["revision"]))
    assert coded.without == ()
    pages = []
    for page in pypdfium2.PdfDocument(coded.data):
        picture = page.render(scale=200 / 72, grayscale=True).to_pil()
        # The head with the codes of the document is gone, as under a stamp or a fold.
        ImageDraw.Draw(picture).rectangle((0, 0, picture.width, 270), fill=255)
        pages.append(picture.rotate(1.2, fillcolor=255, resample=Image.Resampling.BICUBIC))
    scan = tmp_path / "scan.pdf"
    pages[0].save(scan, save_all=True, append_images=pages[1:], resolution=200)
    (item,) = issued.json("ingest", scan, "--no-ocr", "--as-of", "2026-12-01")["items"]
    assert (item["outcome"], item["number"]) == ("archived", number)
    assert [one["code"] for one in item["findings"] if one["code"] == "page-without-code"] == []


def test_the_shipped_forms_have_room_for_the_code_and_print_their_page_number(issued_folder: Path) -> None:
    from recordkit.templates.pagecodes import EDGE_MM, HEIGHT_MM, WIDTH_MM, add_page_codes

    for path in sorted((issued_folder / "pdf").glob("*.pdf")):
        document = pypdfium2.PdfDocument(path)
        for number, page in enumerate(document, start=1):
            text = page.get_textpage().get_text_range().replace(" ", "")
            assert f"第{number}页共{len(document)}页" in text, path.name
            picture = page.render(scale=2, grayscale=True).to_numpy()
            mm = 2 * 72 / 25.4
            corner = picture[-int((EDGE_MM + HEIGHT_MM) * mm) : , -int((EDGE_MM + WIDTH_MM) * mm) :]
            assert np.all(corner > 250), path.name
        assert add_page_codes(path.read_bytes(), PrintedCode("7XQ200000042", 0)).without == ()


def test_a_folder_of_the_store_serves_for_the_files_under_way(tmp_path: Path) -> None:
    work = tmp_path / "work"
    source = word_file(tmp_path / "a.docx", "供水")
    with PdfPress(os.environ, work=work) as press:
        (made,) = press.make([PdfOrder(source, tmp_path / "a.pdf")])
        assert list(work.iterdir()) != []
    assert made.pages == 1 and list(work.iterdir()) == []
    assert pdf_bytes()[:5] == (tmp_path / "a.pdf").read_bytes()[:5]
