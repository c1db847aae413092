"""What a file says of itself before a destruction removes it or leaves it alone."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pypdf
import pytest
from openpyxl import Workbook

from recordkit.retention.traces import Trace, names_in, read_traces
from recordkit.templates.code import PrintedCode, draw_qr
from recordkit.templates.pagecodes import add_page_codes

ISSUE, OTHER, NUMBER = "ABCD00000001", "ABCD00000002", "换通〔2020〕0001号"
LARGEST = 16 * 2**20


@pytest.mark.parametrize(("codes", "text", "expected", "twin", "said"), [
    ({ISSUE}, "", False, None, "ours"),
    ({ISSUE}, None, True, "foreign", "ours"),
    ({ISSUE, OTHER}, NUMBER, True, "ours", "unclear"),
    ({OTHER}, NUMBER, True, "ours", "foreign"),
    (set(), "别的", True, "ours", "ours"),
    (set(), None, False, "ours", "ours"),
    # No code of ours: the recorded path and the number decide, and never beside a Word file that is not ours.
    (set(), None, True, None, "ours"),
    (set(), None, False, None, "unclear"),
    (set(), None, True, "foreign", "unclear"),
    (set(), None, True, "unclear", "unclear"),
    (set(), f"关于{NUMBER}的", True, None, "ours"),
    (set(), f"关于{NUMBER}的", False, None, "unclear"),
    (set(), f"关于{NUMBER}的", True, "foreign", "unclear"),
    (set(), "别的", True, None, "unclear"),
    (set(), "别的", False, None, "foreign"),
    (set(), "别的", True, "foreign", "foreign"),
])
def test_whose_a_document_is(
    codes: set[str], text: str | None, expected: bool, twin: str | None, said: str
) -> None:
    trace = Trace(frozenset(codes), text)
    assert trace.ownership(ISSUE, "换通〔2020〕 0001号", expected=expected, twin=twin) == said  # type: ignore[arg-type]


def test_a_document_without_a_number_is_not_found_by_it() -> None:
    assert Trace(frozenset(), "别的").ownership(ISSUE, "", expected=True) == "unclear"
    assert Trace(frozenset(), "别的").ownership(ISSUE, "", expected=False) == "foreign"


# --- Word files and PDFs --------------------------------------------------------------------------------------


def package(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return path


def code(issue: str) -> bytes:
    return draw_qr(PrintedCode(issue, 1).encode())


def traced(path: Path) -> tuple[set[str], str | None]:
    (found,) = read_traces([path]).values()
    return set(found.issue_ids), found.text


def test_a_word_file_names_issues_by_its_pictures_and_shows_the_text_of_all_its_parts(tmp_path: Path) -> None:
    path = package(tmp_path / "a.DOCX", {
        "word/media/image1.png": code(ISSUE), "word/media/图.PNG": code(OTHER), "word/media/image2.jpeg": b"broken",
        "word/media/sub/image3.png": code("ABCD00000003"), "word/media/image4.txt": code("ABCD00000004"),
        "word/document.xml": "<w:t>换通 〔2020〕</w:t>\n<w:t>0001&amp;号</w:t>".encode(),
        "word/header1.xml": "<a>页 眉</a>".encode(), "customXml/item1.xml": "<a>不读</a>".encode(), "word/x.bin": b"no",
        "word/footer1.xml": b"<a>\xff</a>",
    })
    assert traced(path) == ({ISSUE, OTHER}, "换通〔2020〕0001&号页眉\ufffd")


def test_a_picture_with_the_code_of_something_else_names_no_issue(tmp_path: Path) -> None:
    path = package(tmp_path / "a.docx", {"word/media/1.png": draw_qr("https://example.invalid")})
    assert traced(path) == (set(), "")


@pytest.mark.parametrize(("more", "text"), [(0, "x" * LARGEST), (1, "")])
def test_parts_of_more_than_sixteen_megabytes_are_not_read(tmp_path: Path, more: int, text: str) -> None:
    path = package(tmp_path / "a.docx", {"word/document.xml": b"x" * (LARGEST + more)})
    assert traced(path) == (set(), text)


@pytest.mark.parametrize(("more", "readable"), [(b"", True), (b"x", False)])
def test_of_more_text_than_a_letter_has_nothing_is_said(tmp_path: Path, more: bytes, readable: bool) -> None:
    parts = {f"word/{at}.xml": b" " * LARGEST for at in range(4)}
    path = package(tmp_path / "a.docx", {"word/media/1.png": code(ISSUE), **parts, "word/more.xml": more})
    assert traced(path) == ({ISSUE}, "" if readable else None)


def test_a_damaged_word_file_shows_what_could_be_read(tmp_path: Path) -> None:
    path = package(tmp_path / "a.docx", {"word/media/1.png": code(ISSUE), "word/document.xml": b"y" * 5000})
    data = bytearray(path.read_bytes())
    at = data.index(b"word/document.xml") + len(b"word/document.xml")
    data[at:at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert traced(path) == ({ISSUE}, None)
    path.write_bytes(b"no package")
    assert traced(path) == (set(), None)


def page(text: str = "", issue: str = "") -> bytes:
    """A page with a line of text, or with the code that printing puts there."""
    writer, out = pypdf.PdfWriter(), io.BytesIO()
    sheet = writer.add_blank_page(595, 842)
    if text:
        stream = pypdf.generic.DecodedStreamObject()
        stream.set_data(f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode())
        font = pypdf.generic.DictionaryObject({
            pypdf.generic.NameObject("/Type"): pypdf.generic.NameObject("/Font"),
            pypdf.generic.NameObject("/Subtype"): pypdf.generic.NameObject("/Type1"),
            pypdf.generic.NameObject("/BaseFont"): pypdf.generic.NameObject("/Helvetica")})
        sheet[pypdf.generic.NameObject("/Contents")] = writer._add_object(stream)
        sheet[pypdf.generic.NameObject("/Resources")] = pypdf.generic.DictionaryObject({
            pypdf.generic.NameObject("/Font"): pypdf.generic.DictionaryObject({
                pypdf.generic.NameObject("/F1"): font})})
    writer.write(out)
    return add_page_codes(out.getvalue(), PrintedCode(issue, 1)).data if issue else out.getvalue()


def test_pdfs_are_read_in_one_call_and_what_is_none_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordkit.retention import traces

    contents = {
        "coded.pdf": page(issue=ISSUE), "text.PDF": page("No 00 17"), "broken.pdf": b"%PDF-1.7\nbroken",
        "letter.pdf": b"not even a PDF", "late.pdf": b"x" * 1019 + b"%PDF-", "later.pdf": b"x" * 1020 + b"%PDF-",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    calls: list[dict[str, object]] = []
    genuine = traces.read_papers
    monkeypatch.setattr(traces, "read_papers", lambda *given, **more: calls.append(more) or genuine(*given, **more))
    paths = [tmp_path / name for name in (*contents, "gone.pdf", "gone.docx", "coded.pdf")]
    found = {path.name: (set(one.issue_ids), one.text) for path, one in read_traces(paths).items()}
    assert found == {
        "coded.pdf": ({ISSUE}, found["coded.pdf"][1]), "text.PDF": (set(), "No0017"), "broken.pdf": (set(), None),
        "letter.pdf": (set(), None), "late.pdf": (set(), None), "later.pdf": (set(), None)}
    assert found["coded.pdf"][1] is not None
    assert [(one["ocr"], one["limits"].most_pages) for one in calls] == [(False, 100_000)]  # type: ignore[attr-defined]
    monkeypatch.setattr(traces, "read_papers", lambda *_, **__: pytest.fail("a process for nothing"))
    assert read_traces([tmp_path / "letter.pdf", tmp_path / "later.pdf"]).keys() == {
        tmp_path / "letter.pdf", tmp_path / "later.pdf"}


# --- working copies and lists -----------------------------------------------------------------------------------


def listed(path: Path, data: bytes) -> frozenset[str] | None:
    path.write_bytes(data)
    return names_in(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "名单"])
def test_every_cell_of_a_text_table_and_every_part_of_a_cell_is_a_name(
    tmp_path: Path, encoding: str, name: str
) -> None:
    text = '户名,户号\n"张 三",0088\t12-3\n, \n"甲|乙;丙；丁,戊，己、庚/辛"\n'
    found = listed(tmp_path / name, text.encode(encoding))
    assert found is not None
    assert {"户名", "户号", "张 三", "0088", "12-3", *"甲乙丙丁戊己庚辛"} <= found
    assert "" not in found and "None" not in found


def test_values_of_a_json_file_are_names_however_deep_they_lie(tmp_path: Path) -> None:
    found = listed(tmp_path / "a.JSON", b"\xef\xbb\xbf" + json.dumps(
        {"户": ["0088", {"名": "张三"}, [["丙"]]], "数": 12, "真": None, "分": 1.5, "整": 88412345.0,
         "空": ""}).encode())
    assert found == {"0088", "张三", "丙", "12", "1.5", "88412345"}


def test_cells_of_every_sheet_are_names_and_a_whole_number_has_no_point(tmp_path: Path) -> None:
    book, out = Workbook(), io.BytesIO()
    book.active.append(["张三", 88412345, 1.5, None, True, "=B1", "#N/A"])
    book.create_sheet("隐").append([None, "丁|戊"])
    book["隐"].sheet_state = "hidden"
    book.save(out)
    found = listed(tmp_path / "a.XLSX", out.getvalue())
    assert found is not None
    assert {"张三", "88412345", "1.5", "丁", "戊"} <= found
    assert not [one for one in found if "CellError" in one.casefold() or "none" in one.casefold()]


@pytest.mark.parametrize(("name", "data"), [
    ("a.xlsx", b"half a spreadsheet"), ("a.json", b"{"), ("a.json", b"[" * 100_000), ("a.csv", b"\xff\xff\xff"),
    ("a.csv", b'"' + b"x" * 200_000 + b'"')])
def test_of_a_file_that_cannot_be_read_nobody_knows_whom_it_names(tmp_path: Path, name: str, data: bytes) -> None:
    assert listed(tmp_path / name, data) is None


def test_a_sheet_with_a_cell_at_its_far_corner_costs_nothing_and_says_nothing(tmp_path: Path) -> None:
    """Read cell by cell it would be seventeen thousand million cells, under the lock of a destruction."""
    book, out = Workbook(), io.BytesIO()
    book.active["A1"], book.active["XFD1048576"] = "张三", "乙"
    book.save(out)
    assert listed(tmp_path / "a.xlsx", out.getvalue()) is None
