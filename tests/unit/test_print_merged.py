"""The print file: complete, in order, one document a sheet, or not there at all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pikepdf
import pypdf
import pypdfium2
import pytest
from papers import pdf_bytes

from recordkit.errors import InputRefused
from recordkit.templates.printing import PrintPart, print_merged


def part(folder: Path, name: str, pages: int, **more: object) -> PrintPart:
    path = folder / f"{name}.pdf"
    path.write_bytes(pdf_bytes(pages, text=name, **more))  # type: ignore[arg-type]
    return PrintPart(path, f"换通〔2026〕{name}号")


def texts(path: Path) -> list[str]:
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(path)]


def test_all_pages_stand_in_order_and_look_the_same(tmp_path: Path) -> None:
    parts = [part(tmp_path, "a", 2), part(tmp_path, "b", 1, size=(841.89, 595.276)), part(tmp_path, "c", 3)]
    made = print_merged(parts, tmp_path / "打印.pdf")
    assert (made.documents, made.pages, made.blank) == (3, 6, 0)
    assert texts(made.path) == ["a 1", "a 2", "b 1", "c 1", "c 2", "c 3"]
    merged = pypdfium2.PdfDocument(made.path)
    single = [page for one in parts for page in pypdfium2.PdfDocument(one.path)]
    for old, new in zip(single, merged, strict=True):
        assert np.array_equal(old.render().to_numpy(), new.render().to_numpy())
    assert not pikepdf.open(made.path).check_pdf_syntax()


def test_each_document_has_a_bookmark_with_its_number(tmp_path: Path) -> None:
    made = print_merged([part(tmp_path, "1", 2), part(tmp_path, "2", 1)], tmp_path / "all.pdf", duplex=True)
    reader = pypdf.PdfReader(made.path)
    assert [(mark.title, reader.get_destination_page_number(mark)) for mark in reader.outline] == [
        ("换通〔2026〕1号", 0), ("换通〔2026〕2号", 2)
    ]


def test_printed_on_both_sides_no_two_documents_share_a_sheet(tmp_path: Path) -> None:
    parts = [part(tmp_path, "a", 1), part(tmp_path, "b", 2), part(tmp_path, "c", 3, size=(841.89, 595.276))]
    made = print_merged(parts, tmp_path / "all.pdf", duplex=True)
    assert (made.pages, made.blank) == (8, 2)
    assert texts(made.path) == ["a 1", "", "b 1", "b 2", "c 1", "c 2", "c 3", ""]
    sizes = [page.get_size() for page in pypdfium2.PdfDocument(made.path)]
    assert sizes[1] == sizes[0] and sizes[7] == sizes[6]


def test_the_printer_is_asked_for_true_size(tmp_path: Path) -> None:
    for duplex, sides in ((True, "/DuplexFlipLongEdge"), (False, "/Simplex")):
        made = print_merged([part(tmp_path, "a", 1)], tmp_path / "all.pdf", duplex=duplex, overwrite=True)
        wishes = pypdf.PdfReader(made.path).root_object["/ViewerPreferences"]
        assert wishes == {"/PrintScaling": "/None", "/Duplex": sides}


def test_one_unreadable_document_leaves_nothing_behind(tmp_path: Path) -> None:
    good = part(tmp_path, "a", 1)
    for name, data in (("cut", pdf_bytes()[:300]), ("empty", b""), ("text", b"no pdf")):
        bad = tmp_path / f"{name}.pdf"
        bad.write_bytes(data)
        with pytest.raises(InputRefused, match=f"{name}.pdf"):
            print_merged([good, PrintPart(bad, "x"), good], tmp_path / "out" / "all.pdf")
    with pytest.raises(InputRefused, match="gone.pdf"):
        print_merged([good, PrintPart(tmp_path / "gone.pdf", "x")], tmp_path / "out" / "all.pdf")
    with pytest.raises(InputRefused, match="nothing to print"):
        print_merged([], tmp_path / "out" / "all.pdf")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_encrypted_document_is_refused_by_name(tmp_path: Path) -> None:
    with pikepdf.open(io.BytesIO(pdf_bytes())) as document:
        document.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="o", user="u"))
    with pytest.raises(InputRefused, match="locked.pdf is encrypted"):
        print_merged([PrintPart(tmp_path / "locked.pdf", "x")], tmp_path / "all.pdf")


def test_an_existing_print_file_is_kept_unless_told(tmp_path: Path) -> None:
    target = tmp_path / "all.pdf"
    target.write_bytes(b"before")
    with pytest.raises(FileExistsError):
        print_merged([part(tmp_path, "a", 1)], target)
    assert target.read_bytes() == b"before"
    print_merged([part(tmp_path, "a", 1)], target, overwrite=True)
    assert texts(target) == ["a 1"]


def test_what_a_page_inherits_or_shares_comes_along_and_nothing_else(tmp_path: Path) -> None:
    with pikepdf.open(io.BytesIO(pdf_bytes(2))) as document:
        font = document.make_indirect(document.pages[0].Resources)
        for page in document.pages:
            del page.Resources
        document.Root.Pages.Resources = font
        document.Root.Pages.Rotate = 90
        link = document.make_indirect(pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], P=document.pages[0].obj,
            Dest=[document.pages[1].obj, pikepdf.Name.Fit], StructParent=3,
            Parent=pikepdf.Dictionary(Type=pikepdf.Name.StructElem)))
        document.pages[0].Annots = pikepdf.Array([link])
        document.Root.Extra = document.make_stream(b"not for the printer" * 100)
        document.save(tmp_path / "in.pdf")
    made = print_merged([PrintPart(tmp_path / "in.pdf", "x")] * 2, tmp_path / "all.pdf")
    with pikepdf.open(made.path) as merged:
        assert [int(page.obj.Rotate) for page in merged.pages] == [90] * 4
        assert merged.pages[2].Annots[0].Dest[0].objgen == merged.pages[3].obj.objgen
        assert merged.pages[0].Resources.objgen == merged.pages[1].Resources.objgen
        assert b"not for the printer" not in made.path.read_bytes()
        assert not merged.check_pdf_syntax()
    assert texts(made.path) == ["Paper 1", "Paper 2"] * 2
