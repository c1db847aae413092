"""What inspect_pdf says of real PDFs, whole and broken."""

from __future__ import annotations

import contextlib
import math
import pickle
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pypdf
import pypdfium2
import pytest
from PIL import Image

from recordkit.archive.pdf import UnreadablePdf, inspect_pdf, render_colours

LATIN = "Notice of meter change, account 0012345678, 2 March 2026"


def text_pdf(path: Path, text: str, *, scan: bool = False, to_unicode: bytes | None = None) -> Path:
    """One A4 page with ``text`` in Helvetica, over a picture that fills the page if it is a scan."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica,
        Encoding=pikepdf.Name.WinAnsiEncoding,
    )  # fmt: skip
    if to_unicode is not None:
        font.ToUnicode = pdf.make_stream(to_unicode)
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pdf.make_indirect(font)))
    content = b"BT /F1 12 Tf 72 700 Td (" + text.encode("latin-1") + b") Tj ET"
    if scan:
        picture = pdf.make_stream(
            b"\xee" * 100, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=10, Height=10,
            ColorSpace=pikepdf.Name.DeviceGray, BitsPerComponent=8,
        )  # fmt: skip
        page.Resources.XObject = pikepdf.Dictionary(Im1=picture)
        content = b"q 595 0 0 842 0 0 cm /Im1 Do Q " + content
    page.Contents = pdf.make_stream(content)
    pdf.save(path)
    return path


def scan_pdf(path: Path, pages: int = 3) -> Path:
    """Noise, so that compression leaves the file large enough to be cut in the middle of a picture."""
    first, *rest = (Image.effect_noise((827, 1170), 80) for _ in range(pages))
    first.save(path, "PDF", resolution=100, save_all=True, append_images=rest)
    return path


def cut(path: Path, share: float, end: bytes = b"") -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)] + end)


def with_password(path: Path, user: str) -> None:
    scan_pdf(path, 1)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="owner", user=user))


def test_facts_of_a_born_digital_page(tmp_path: Path) -> None:
    facts = inspect_pdf(text_pdf(tmp_path / "换表通知书.pdf", LATIN))
    assert facts.pages == 1
    page = facts.page_facts[0]
    assert (page.text, page.width, page.height) == (LATIN, 595, 842)
    assert not page.has_pictures
    assert not page.is_scan
    assert not facts.encrypted
    assert (facts.signatures, facts.has_javascript, facts.attached_files) == (0, False, 0)


def test_facts_of_a_scan(tmp_path: Path) -> None:
    facts = inspect_pdf(scan_pdf(tmp_path / "scan.pdf"))
    assert facts.pages == 3
    assert all(page.is_scan and page.has_pictures and page.text == "" for page in facts.page_facts)


def test_the_stamp_of_a_scanner_program_is_not_the_text_of_the_page(tmp_path: Path) -> None:
    stamped = inspect_pdf(text_pdf(tmp_path / "stamp.pdf", "Scanned with CamScanner", scan=True))
    layered = inspect_pdf(text_pdf(tmp_path / "layer.pdf", LATIN, scan=True))
    assert stamped.page_facts[0].text == ""
    assert layered.page_facts[0].text == LATIN


def test_text_without_meaning_counts_as_no_text(tmp_path: Path) -> None:
    private_use = (
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange "
        b"1 beginbfrange <20> <7E> <E020> endbfrange endcmap end"
    )
    facts = inspect_pdf(text_pdf(tmp_path / "garbage.pdf", LATIN, to_unicode=private_use))
    assert facts.page_facts[0].text == ""


def test_rotation_is_part_of_size_and_picture(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "turned.pdf", LATIN)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].Rotate = 90
        pdf.save(path)
    page = inspect_pdf(path).page_facts[0]
    assert (page.width, page.height) == (842, 595)
    assert render_colours(path, 0, dpi=72).shape[:2] == (595, 842)


def test_pictures_are_made_at_the_asked_resolution_with_a_limit(tmp_path: Path) -> None:
    path = scan_pdf(tmp_path / "scan.pdf", 1)
    picture = render_colours(path, 0, dpi=200)
    assert picture.dtype == "uint8"
    assert picture.shape[:2] == pytest.approx((2340, 1654), abs=2)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].MediaBox = [0, 0, 14400, 14400]
        pdf.save(path)
    assert math.prod(render_colours(path, 0, dpi=200).shape[:2]) <= 33_000_000


def test_signature_fields_scripts_and_attachments_show(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "form.pdf", LATIN)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        fields = [
            pdf.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Sig, T=name, **more))
            for name, more in (("a", {}), ("b", {"V": pikepdf.Dictionary(Type=pikepdf.Name.Sig, Contents=b"\1\2")}))
        ]
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(fields))
        pdf.attachments["note.txt"] = b"hello"
        pdf.docinfo["/Producer"] = "Scanner 3"
        pdf.pages[0].AA = pikepdf.Dictionary(O=pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)"))
        pdf.save(path)
    facts = inspect_pdf(path)
    assert (facts.signature_fields, facts.signatures) == (2, 1)
    assert facts.has_javascript is True
    assert facts.attached_files == 1
    assert facts.producer == "Scanner 3"


@pytest.mark.parametrize(
    ("subtype", "seen"), [("Stamp", True), ("Ink", True), ("Widget", True), ("Link", False), ("Popup", False)]
)
def test_a_page_on_which_something_was_stamped_must_be_seen(tmp_path: Path, subtype: str, *, seen: bool) -> None:
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(595, 842))
        drawn = pdf.make_stream(b"0 g 0 0 60 30 re f", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form,
                                BBox=[0, 0, 60, 30])
        mark = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name(f"/{subtype}"), Rect=[9, 9, 69, 39],
                                  F=4, AP=pikepdf.Dictionary(N=drawn))
        page.Annots = pikepdf.Array([pdf.make_indirect(mark)])
        pdf.save(tmp_path / "stamped.pdf")
    assert inspect_pdf(tmp_path / "stamped.pdf").page_facts[0].must_be_seen is seen


def test_a_pdf_that_only_forbids_printing_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "restricted.pdf"
    with_password(path, user="")
    facts = inspect_pdf(path)
    assert facts.encrypted
    assert facts.pages == 1


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "not-readable"),
        (lambda path: path.mkdir(), "not-readable"),
        (lambda path: path.write_bytes(b""), "empty-file"),
        (lambda path: path.write_text("户名：张三\n", encoding="utf-8"), "not-a-pdf"),
        (lambda path: with_password(path, user="secret"), "encrypted"),
        (lambda path: pikepdf.new().save(path), "no-pages"),
        (lambda path: path.write_bytes(b"%PDF-1.7\nnothing else\n%%EOF\n"), "damaged"),
        (lambda path: cut(scan_pdf(path), 0.3), "damaged"),
        (lambda path: cut(scan_pdf(path), 0.95), "damaged"),
        (lambda path: cut(scan_pdf(path), 0.3, b"\n%%EOF\n"), "damaged"),
        (lambda path: cut(scan_pdf(path), 0.95, b"\n%%EOF\n"), "damaged"),
    ],
)
def test_a_paper_that_cannot_be_filed_says_why(tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    path = tmp_path / "paper.pdf"
    make(path)
    with pytest.raises(UnreadablePdf) as caught:
        inspect_pdf(path)
    assert caught.value.reason == reason
    assert "paper.pdf" in str(caught.value.what)
    assert caught.value.todo


def test_a_locked_file_leaves_no_trace_on_the_next(tmp_path: Path) -> None:
    locked, empty = tmp_path / "locked.pdf", tmp_path / "empty.pdf"
    with_password(locked, user="secret")
    pikepdf.new().save(empty)
    reasons = []
    for path in (locked, empty):
        with pytest.raises(UnreadablePdf) as caught:
            inspect_pdf(path)
        reasons.append(caught.value.reason)
    assert reasons == ["encrypted", "no-pages"]


@pytest.mark.parametrize("lost", [8, 300])
def test_a_file_cut_in_its_last_update_is_refused_although_it_opens(tmp_path: Path, lost: int) -> None:
    path = text_pdf(tmp_path / "updated.pdf", LATIN)
    writer = pypdf.PdfWriter(path, incremental=True)
    writer.add_blank_page(595, 842)
    writer.write(path)
    assert inspect_pdf(path).pages == 2
    path.write_bytes(path.read_bytes()[:-lost])
    with contextlib.closing(pypdfium2.PdfDocument(path)) as opened:
        assert len(opened) == 1
    with pytest.raises(UnreadablePdf, match="damaged"):
        inspect_pdf(path)


def test_a_file_padded_after_its_end_is_whole(tmp_path: Path) -> None:
    path = scan_pdf(tmp_path / "padded.pdf", 1)
    path.write_bytes(path.read_bytes() + b"\0" * 4096)
    assert inspect_pdf(path).pages == 1


def test_the_failure_survives_the_way_out_of_a_child_process() -> None:
    error = pickle.loads(pickle.dumps(UnreadablePdf(Path("a/纸.pdf"), "timeout")))
    assert (error.path, error.reason, error.exit_code) == (Path("a/纸.pdf"), "timeout", 3)
    assert str(error) == str(UnreadablePdf(Path("a/纸.pdf"), "timeout"))
