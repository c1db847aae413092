"""Damaged, locked and hostile PDFs: each costs at most itself, and what can be read of it is read."""

from __future__ import annotations

import errno
import hashlib
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pikepdf
import pypdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image
from test_pdf_facts import LATIN, scan_pdf, text_pdf
from test_reading import CODE, page, save

from recordkit.archive import pdf as pdf_module
from recordkit.archive import pdf_actions
from recordkit.archive import reading as reading_module
from recordkit.archive.pdf import UnreadablePdf, inspect_pdf
from recordkit.archive.pdf_actions import carried_things
from recordkit.archive.reading import PaperReading, read_papers
from recordkit.crew import Crew, Lost
from recordkit.settings import IngestSection

LIMITS = IngestSection(page_seconds=60, memory_mb=600, most_pages=50)


def read(*paths: Path, passwords: tuple[str, ...] = (), ocr: bool = False) -> list[PaperReading]:
    scratch = paths[0].parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return list(read_papers(paths, jobs=2, ocr=ocr, limits=LIMITS, scratch=scratch, passwords=passwords))


def reason(reading: PaperReading) -> str | None:
    return reading.failure.reason if reading.failure else None


# --- bombs ---------------------------------------------------------------------------------------------------------


def one_page(content: bytes, **resources: object) -> pikepdf.Pdf:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    pdf.pages[0].Resources = Dictionary(XObject=Dictionary({f"/{name}": one for name, one in resources.items()}))
    pdf.pages[0].Contents = pdf.make_stream(content)
    return pdf


def deflated(pdf: pikepdf.Pdf, data: bytes, times: int, **entries: object) -> pikepdf.Object:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(data) for _ in range(times)) + packer.flush()
    stream = pikepdf.Stream(pdf, b"", **entries)
    stream.write(packed, filter=Name.FlateDecode)
    return stream


def form(pdf: pikepdf.Pdf, content: bytes, inner: pikepdf.Object | None = None) -> pikepdf.Object:
    made = pdf.make_stream(content, Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 600, 900])
    if inner is not None:
        made.Resources = Dictionary(XObject=Dictionary(F=inner))
    return made


def content_bomb(path: Path) -> None:
    pdf = one_page(b"")
    pdf.pages[0].Contents = deflated(pdf, b"0 0 m 1 1 l S\n" * 75_000, 64)
    pdf.save(path)


def picture_bomb(path: Path) -> None:
    pdf = one_page(b"q 595 0 0 842 0 0 cm /Im Do Q")
    entries = {"Type": Name.XObject, "Subtype": Name.Image, "Width": 60_000, "Height": 60_000,
               "ColorSpace": Name.DeviceGray, "BitsPerComponent": 8}
    pdf.pages[0].Resources.XObject = Dictionary(Im=deflated(pdf, bytes(1 << 20), 40, **entries))
    pdf.save(path)


def form_in_itself(path: Path) -> None:
    pdf = one_page(b"/F Do")
    endless = form(pdf, b"/F Do /F Do")
    endless.Resources = Dictionary(XObject=Dictionary(F=endless))
    pdf.pages[0].Resources.XObject = Dictionary(F=endless)
    pdf.save(path)


def forms_without_end(path: Path) -> None:
    pdf = one_page(b"/F Do")
    inner = form(pdf, b"0 0 m 9 9 l S")
    for _ in range(25):
        inner = form(pdf, b"/F Do " * 10, inner)
    pdf.pages[0].Resources.XObject = Dictionary(F=inner)
    pdf.save(path)


def endless_page(path: Path, box: tuple[float, ...] = (0, 0, 10**9, 10**9)) -> None:
    pdf = one_page(b"0 0 m 100 100 l S")
    pdf.pages[0].MediaBox = Array(box)
    pdf.save(path)


def many_objects(path: Path) -> None:
    pdf = one_page(b"")
    pdf.Root.X = Array([pdf.make_indirect(Dictionary(A=number)) for number in range(100_000)])
    pdf.save(path)


def deep_dictionaries(path: Path) -> None:
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/X " + b"<</A " * 100_000 + b"1" + b">>" * 100_000
        + b">>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )


def pages_that_hold_themselves(path: Path) -> None:
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF\n"
    )


def claims_a_billion_pages(path: Path) -> None:
    pdf = one_page(b"0 0 m 100 100 l S")
    pdf.Root.Pages.Count = 10**9
    pdf.save(path)


BOMBS: dict[Callable[[Path], None], set[str | None]] = {
    content_bomb: {"too-large"},
    picture_bomb: {None},
    form_in_itself: {"too-large", "timeout"},
    forms_without_end: {"too-large", "timeout"},
    endless_page: {None, "too-large", "damaged"},
    lambda path: endless_page(path, (0, 0, 10**9, 1)): {None, "damaged"},
    lambda path: endless_page(path, (0, 0, 0, 0)): {None},
    many_objects: {None},
    deep_dictionaries: {None, "damaged"},
    pages_that_hold_themselves: {"damaged", "no-pages"},
    claims_a_billion_pages: {None, "too-many-pages"},
}


def test_a_bomb_costs_no_file_but_itself(tmp_path: Path) -> None:
    paths = []
    for number, make in enumerate(BOMBS):
        paths += [text_pdf(tmp_path / f"{number:02}-good.pdf", LATIN), tmp_path / f"{number:02}-{make.__name__}.pdf"]
        make(paths[-1])
    readings = read(*paths)
    assert [[text.text for text in one.texts] for one in readings[::2]] == [[LATIN]] * len(BOMBS)
    outcomes = {one.path.name: reason(one) for one in readings[1::2]}
    wrong = {name: told for (name, told), right in zip(outcomes.items(), BOMBS.values(), strict=True)
             if told not in right}
    assert wrong == {}


def test_a_file_of_more_pages_than_allowed_is_refused_before_they_are_read(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        for _ in range(LIMITS.most_pages + 1):
            pdf.add_blank_page()
        pdf.save(tmp_path / "long.pdf")
        del pdf.pages[-1]
        pdf.save(tmp_path / "allowed.pdf")
    assert [reason(one) for one in read(tmp_path / "allowed.pdf", tmp_path / "long.pdf")] == [None, "too-many-pages"]


def test_a_process_gets_no_more_memory_than_allowed_and_the_next_task_gets_a_new_one() -> None:
    with Crew(1, 60, memory_bytes=300 << 20) as crew:
        crew.put((0, 0), bytes, 400 << 20)
        crew.put((1, 0), bytes, 3)
        outcomes = dict(crew.take() for _ in range(2))
    assert isinstance(outcomes[0, 0].error, MemoryError | Lost)
    assert outcomes[1, 0].value == b"\0\0\0"


def test_a_file_with_more_text_than_any_book_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = text_pdf(tmp_path / "a.pdf", LATIN)
    monkeypatch.setattr(pdf_module, "_MOST_CHARACTERS", len(LATIN))
    assert inspect_pdf(path).page_facts[0].text == LATIN
    monkeypatch.setattr(pdf_module, "_MOST_CHARACTERS", len(LATIN) - 1)
    with pytest.raises(UnreadablePdf) as caught:
        inspect_pdf(path)
    assert caught.value.reason == "too-large"


def test_a_disk_that_is_full_is_not_laid_at_the_door_of_the_paper() -> None:
    path = Path("paper.pdf")
    for error in (OSError(errno.ENOSPC, "full"), OSError(errno.EROFS, "read-only")):
        with pytest.raises(OSError, match=error.strerror):
            reading_module._failure(path, error)
    assert reading_module._failure(path, OSError(errno.EIO, "odd")).reason == "damaged"


# --- damage --------------------------------------------------------------------------------------------------------


def test_a_scan_cut_short_gives_back_the_pages_before_the_cut(tmp_path: Path) -> None:
    whole = scan_pdf(tmp_path / "whole.pdf", 5).read_bytes()
    fewest = {0.95: 4, 0.7: 3, 0.3: 1}
    paths = [tmp_path / f"{share}.pdf" for share in fewest]
    for share, path in zip(fewest, paths, strict=True):
        path.write_bytes(whole[: int(len(whole) * share)])
    for share, reading in zip(fewest, read(*paths), strict=True):
        assert reading.failure is None
        assert reading.copy is not None
        assert (reading.copy.name, reading.copy.damaged, reading.copy.locked) == ("repaired.pdf", True, False)
        assert reading.copy.pages >= fewest[share]
        assert inspect_pdf(reading.copy.path).pages == len(reading.texts)
        assert reading.path.read_bytes() == whole[: int(len(whole) * share)]


def test_pages_are_gathered_where_the_list_of_pages_is_lost(tmp_path: Path) -> None:
    """As scanners write: each page with its picture, the list of pages and the root behind them all."""
    picture = Image.effect_noise((400, 500), 80)
    parts = [b"%PDF-1.4\n"]
    for number in range(3, 3 + 4 * 3, 3):
        pixels = picture.tobytes()
        parts.append(
            b"%d 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
            b"/Resources<</XObject<</Im %d 0 R>>>>>>\nendobj\n" % (number, number + 1, number + 2)
            + b"%d 0 obj\n<</Length 34>>\nstream\nq 595 0 0 842 0 0 cm /Im Do Q   \n\nendstream\nendobj\n"
            % (number + 1)
            + b"%d 0 obj\n<</Type/XObject/Subtype/Image/Width 400/Height 500/ColorSpace/DeviceGray/BitsPerComponent 8"
            b"/Length %d>>\nstream\n" % (number + 2, len(pixels)) + pixels + b"\nendstream\nendobj\n"
        )
    pages = b"".join(parts)
    tail = (b"2 0 obj\n<</Type/Pages/Kids[3 0 R 6 0 R 9 0 R 12 0 R]/Count 4>>\nendobj\n"
            b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n")
    cuts = {"tail.pdf": pages + tail[:30], "page.pdf": pages[:-250_000],
            "root.pdf": pages + tail.replace(b"/Kids", b"/Kinds")}
    for name, data in cuts.items():
        (tmp_path / name).write_bytes(data)
    readings = read(*(tmp_path / name for name in cuts))
    assert [(one.copy.pages if one.copy else 0) for one in readings] == [4, 3, 4]
    assert all(one.copy and inspect_pdf(one.copy.path).page_facts[0].is_scan for one in readings)


def test_codes_are_read_from_the_repaired_copy(tmp_path: Path) -> None:
    path = save(tmp_path / "cut.pdf", page(), page(), page())
    path.write_bytes(path.read_bytes()[:-300])
    (reading,) = read(path)
    assert reading.issue_ids == (CODE.issue_id,)
    assert {code.page for code in reading.codes} == {1, 2, 3}
    assert reading.copy is not None
    assert (reading.copy.pages, reading.copy.lost_pages) == (3, 0)


def test_a_file_of_which_no_page_is_left_is_damaged(tmp_path: Path) -> None:
    path = scan_pdf(tmp_path / "cut.pdf", 1)
    path.write_bytes(path.read_bytes()[:200])
    (tmp_path / "rubbish.pdf").write_bytes(b"%PDF-1.7\nnothing else\n%%EOF\n")
    assert [reason(one) for one in read(path, tmp_path / "rubbish.pdf")] == ["damaged"] * 2


def test_without_a_place_for_copies_a_damaged_file_is_a_failure(tmp_path: Path) -> None:
    path = scan_pdf(tmp_path / "cut.pdf", 2)
    path.write_bytes(path.read_bytes()[:-300])
    (reading,) = read_papers([path], jobs=1, ocr=False)
    assert reason(reading) == "damaged"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["cut.pdf"]


def test_without_pikepdf_the_message_names_the_part_that_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = str(UnreadablePdf(Path("a.pdf"), "damaged").todo)
    monkeypatch.setattr(pdf_module, "can_rewrite", lambda: False)
    assert "recordkit[pdf]" in str(UnreadablePdf(Path("a.pdf"), "damaged").todo)
    assert "recordkit[pdf]" in str(UnreadablePdf(Path("a.pdf"), "encrypted").todo)
    assert "recordkit[pdf]" not in with_it


def test_a_whole_file_is_read_as_it_is_also_with_a_signature_in_it(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "signed.pdf", LATIN)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        value = Dictionary(Type=Name.Sig, Contents=b"\1\2")
        pdf.Root.AcroForm = Dictionary(Fields=Array([pdf.make_indirect(Dictionary(FT=Name.Sig, T="a", V=value))]))
        pdf.save(path)
    (reading,) = read(path)
    assert reading.copy is None
    assert reading.facts is not None
    assert reading.facts.signatures == 1
    assert list((tmp_path / "scratch").iterdir()) == []


# --- passwords -----------------------------------------------------------------------------------------------------


def locked(path: Path, user: str, revision: int = 6) -> Path:
    text_pdf(path, LATIN)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="the owner", user=user, R=revision))
    return path


def test_a_locked_file_is_read_with_the_one_password_that_opens_it(tmp_path: Path) -> None:
    path = locked(tmp_path / "locked.pdf", "长沙 2026")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert [reason(one) for one in read(path)] == ["encrypted"]
    assert [reason(one) for one in read(path, passwords=("falsch", "wrong"))] == ["wrong-password"]
    (reading,) = read(path, passwords=("wrong", "长沙 2026"))
    assert reading.texts[0].text == LATIN
    assert reading.copy is not None
    assert (reading.copy.name, reading.copy.damaged, reading.copy.locked) == ("decrypted.pdf", False, True)
    assert reading.facts is not None
    assert reading.facts.encrypted
    with pikepdf.open(reading.copy.path) as copy:
        assert not copy.is_encrypted
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_a_chinese_password_of_an_older_program_opens_its_file(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "old.pdf", LATIN)
    writer = pypdf.PdfWriter(clone_from=path)
    # An older program hands over the bytes of its code page, each of which is a character of Latin-1.
    writer.encrypt("湘江水".encode("gb18030").decode("latin-1"), "owner", algorithm="RC4-128")
    writer.write(path)
    assert [reason(one) for one in read(path, passwords=("湘江",))] == ["wrong-password"]
    assert [reason(one) for one in read(path, passwords=("湘江水",))] == [None]


def test_a_file_with_an_owner_password_only_needs_none(tmp_path: Path) -> None:
    (reading,) = read(locked(tmp_path / "restricted.pdf", ""))
    assert (reason(reading), reading.copy) == (None, None)
    assert reading.facts is not None
    assert reading.facts.encrypted


def test_a_password_is_never_part_of_what_can_be_printed(tmp_path: Path) -> None:
    (reading,) = read(locked(tmp_path / "locked.pdf", "correct horse"), passwords=("battery staple",))
    assert reading.failure is not None
    assert "staple" not in f"{reading!r} {reading.failure} {reading.failure.__cause__!r}"


# --- what a file carries -------------------------------------------------------------------------------------------


def action(kind: str, **more: object) -> Callable[[pikepdf.Pdf], None]:
    def add(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = Dictionary(S=Name(f"/{kind}"), **more)

    return add


def annotation(subtype: str) -> Callable[[pikepdf.Pdf], None]:
    def add(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].Annots = Array([pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name(f"/{subtype}")))])

    return add


def nothing(pdf: pikepdf.Pdf) -> None:
    pdf.docinfo["/Title"] = "all about /S /JavaScript and /Launch (really)"
    pdf.pages[0].Resources.ExtGState = Dictionary(G=Dictionary(BM=Name.Screen))


def attach(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["note.txt"] = b"hello"


def name_apart(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=pdf.make_indirect(Name.Launch))


def unreachable(pdf: pikepdf.Pdf) -> None:
    pdf.Root.PieceInfo = Dictionary(X=pdf.make_indirect(Dictionary(A=Dictionary(S=Name.JavaScript, JS="x"))))


def beside_numbers(pdf: pikepdf.Pdf) -> None:
    pdf.Root.PieceInfo = Dictionary({f"/{name}": pdf.make_indirect(value) for name, value in (
        ("A", 7), ("B", True), ("C", Decimal("0.5")), ("D", pikepdf.String("x")), ("E", Array([1])))})
    action("Launch", F="calc.exe")(pdf)


CARRIED = [
    (nothing, set()),
    (beside_numbers, {"launch-action"}),
    (action("JavaScript", JS="app.alert('a)b')"), {"javascript"}),
    (unreachable, {"javascript"}),
    (action("Launch", F="calc.exe"), {"launch-action"}),
    (name_apart, {"launch-action"}),
    (action("SubmitForm", F="http://example.org"), {"submit-action"}),
    (action("ImportData", F="x.fdf"), {"submit-action"}),
    (attach, {"embedded-files"}),
    (annotation("FileAttachment"), {"embedded-files"}),
    (annotation("RichMedia"), {"rich-media"}),
    (annotation("Screen"), {"rich-media"}),
    (lambda pdf: setattr(pdf.Root, "AcroForm", Dictionary(XFA=pdf.make_stream(b"<xdp/>"))), {"xfa"}),
]


@pytest.mark.parametrize("with_pikepdf", [True, False])
@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize(("add", "expected"), CARRIED)
def test_scripts_actions_and_files_inside_are_found_also_where_they_are_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, add: Callable[[pikepdf.Pdf], None], expected: set[str],
    hidden: bool, with_pikepdf: bool,
) -> None:
    path = text_pdf(tmp_path / "a.pdf", LATIN)
    modes = pikepdf.ObjectStreamMode
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        add(pdf)
        pdf.save(path, object_stream_mode=modes.generate if hidden else modes.disable)
    if not with_pikepdf:
        monkeypatch.setitem(sys.modules, "pikepdf", None)
    if hidden:
        assert b"/Launch" not in path.read_bytes()
    assert carried_things(path) == expected


@pytest.mark.parametrize("with_pikepdf", [True, False])
def test_a_name_written_with_escapes_is_still_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, with_pikepdf: bool
) -> None:
    path = text_pdf(tmp_path / "a.pdf", LATIN)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        action("Launch", F="calc.exe")(pdf)
        pdf.save(path, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    data = path.read_bytes()
    assert data.count(b"/Launch") == 1
    path.write_bytes(data.replace(b"/Launch", b"/L#61#75nch"))
    if not with_pikepdf:
        monkeypatch.setitem(sys.modules, "pikepdf", None)
    assert carried_things(path) == {"launch-action"}


def test_a_plain_paper_is_known_to_be_clean_without_a_walk_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = text_pdf(tmp_path / "plain.pdf", LATIN)
    monkeypatch.setitem(sys.modules, "pikepdf", None)
    monkeypatch.setitem(sys.modules, "pypdf", None)
    assert carried_things(path) == frozenset()


def test_only_a_whole_name_is_a_reason_to_walk_through_a_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = text_pdf(tmp_path / "plain.pdf", LATIN + " /3Dq /JSx /Screened")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.all)
    assert b"/3Dq" in path.read_bytes()
    monkeypatch.setitem(sys.modules, "pikepdf", None)
    monkeypatch.setitem(sys.modules, "pypdf", None)
    assert carried_things(path) == frozenset()


def test_every_name_that_means_something_is_looked_for(tmp_path: Path) -> None:
    names = {*pdf_actions._ACTIONS, *pdf_actions._ANNOTATIONS, *pdf_actions._ENTRIES, "EmbeddedFile"}
    for name in sorted(names):
        assert pdf_actions._MARK.search(f"<</S/{name}>>".encode()), name


def test_what_cannot_be_walked_is_unknown_and_no_reason_to_refuse(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "odd.pdf", LATIN)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="o", user="u"))
    assert carried_things(path) is None


# --- text ----------------------------------------------------------------------------------------------------------


def test_where_pdfium_fails_on_the_text_pypdf_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = text_pdf(tmp_path / "a.pdf", LATIN)
    facts = inspect_pdf(path).page_facts[0]
    assert (facts.text, facts.engine) == (LATIN, f"pdfium {pypdfium2.PDFIUM_INFO.build}")

    def fail(self: object) -> str:
        raise pypdfium2.PdfiumError("no text")

    monkeypatch.setattr(pypdfium2.PdfTextPage, "get_text_range", fail)
    assert inspect_pdf(path).page_facts[0] == replace(facts, engine=f"pypdf {pypdf.__version__}")
    monkeypatch.setattr(pypdf.PageObject, "extract_text", fail)
    assert inspect_pdf(path).page_facts[0] == replace(facts, text="", engine="")


PRIVATE_USE = (
    b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange "
    b"1 beginbfrange <20> <7E> <E020> endbfrange endcmap end"
)


def test_a_page_of_garbage_must_be_seen_although_there_is_no_picture_on_it(tmp_path: Path) -> None:
    facts = inspect_pdf(text_pdf(tmp_path / "a.pdf", LATIN, to_unicode=PRIVATE_USE)).page_facts[0]
    assert (facts.text, facts.has_pictures, facts.garbage, facts.must_be_seen) == ("", False, True, True)


@pytest.mark.ocr
def test_a_page_whose_text_layer_is_garbage_is_read_from_its_picture(tmp_path: Path) -> None:
    (reading,) = list(read_papers([text_pdf(tmp_path / "a.pdf", LATIN, to_unicode=PRIVATE_USE)], jobs=1, ocr=True))
    assert reading.texts[0].source == "ocr"
    assert "0012345678" in reading.texts[0].text


def test_the_reader_of_embedded_text_is_named_also_on_pages_with_pictures(tmp_path: Path) -> None:
    plain, pictured = text_pdf(tmp_path / "1.pdf", LATIN), text_pdf(tmp_path / "2.pdf", LATIN, scan=True)
    engines = [one.texts[0].engine for one in read(plain, pictured)]
    assert engines == [f"pdfium {pypdfium2.PDFIUM_INFO.build}"] * 2


def test_a_nul_in_the_text_is_dropped(tmp_path: Path) -> None:
    to_unicode = PRIVATE_USE.replace(b"<20> <7E> <E020>", b"<20> <20> <0000>")
    (reading,) = read(text_pdf(tmp_path / "a.pdf", LATIN, to_unicode=to_unicode))
    assert "\0" not in reading.texts[0].text
    assert "account" in reading.texts[0].text


def test_the_largest_bitmap_has_no_impossible_side(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    endless_page(path, (0, 0, 10**7, 10))
    assert max(pdf_module.render_colours(path, 0).shape) <= 30_000


def test_noise_is_no_reason_to_take_a_scan_for_a_locked_or_scripted_file(tmp_path: Path) -> None:
    path = tmp_path / "noise.pdf"
    Image.effect_noise((1654, 2339), 120).convert("RGB").save(path, "PDF", quality=95)
    assert path.stat().st_size > 1_000_000
    assert carried_things(path) == frozenset()
