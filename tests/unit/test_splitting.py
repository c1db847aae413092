"""How a batch is cut: every page goes to whom it belongs beyond doubt, and pieces hold nothing of their neighbours."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from test_matching import BARE, BLANK, FOREIGN, TAG, UNREAD, A, B, coded, find, issue_of, paper, whole

from recordkit import files
from recordkit.archive.arrivals import StagedPaper, state_of
from recordkit.archive.codes import PageCode
from recordkit.archive.cutting import Piece, cut_batch, cut_file, reading_of_piece
from recordkit.archive.pdf import UnreadablePdf
from recordkit.archive.repair import ReadableCopy
from recordkit.archive.splitting import Cut, plan_cuts
from recordkit.errors import NotFound, RefusedByRule
from recordkit.messages import msg
from recordkit.model import PageText
from recordkit.settings import IngestSection
from recordkit.templates.code import PrintedCode
from recordkit.templates.issue import Issue

C = "7XQ200000044"
Said = PrintedCode | PageCode | str | tuple[PrintedCode | PageCode | str, ...]


def cuts_of(*pages: Said) -> tuple[Cut, ...]:
    return plan_cuts(paper(*pages), lambda one: issue_of(one) if one == C else find(one), TAG)


def pages_of(*pages: Said) -> list[tuple[int, ...]]:
    return [cut.pages for cut in cuts_of(*pages)]


def waiting(*pages: Said) -> list[tuple[tuple[int, ...], str | None]]:
    return [(cut.pages, cut.waits.code if cut.waits else None) for cut in cuts_of(*pages)]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=6))
def test_whole_documents_with_attachments_and_separators_are_cut_as_they_were_laid(
    documents: list[tuple[int, int, int]],
) -> None:
    """Each document has pages, attachments behind, and blank pages behind those."""
    pages: list[Said] = []
    expected = []
    for serial, (total, attached, blanks) in enumerate(documents):
        start = len(pages)
        pages += whole(f"7XQ2{serial:08}", total) + [BARE] * attached
        expected.append(tuple(range(start + 1, len(pages) + 1)))
        pages += [BLANK] * blanks
    cuts = plan_cuts(paper(*pages), issue_of, TAG)
    assert [cut.pages for cut in cuts] == expected
    assert all(cut.waits is None for cut in cuts)
    told = [one.code for cut in cuts for one in cut.findings]
    assert told == ["blank-page-dropped"] * sum(blanks for _, _, blanks in documents)


@given(st.lists(st.sampled_from(["a1", "a2", "b1", "b2", "old", "both", "bare", "blank", "unread", "alien"]),
                max_size=9))
def test_whatever_comes_no_page_is_lost_or_taken_twice_and_no_coded_page_lies_with_a_stranger(kinds: list[str]) -> None:
    said: dict[str, Said] = {
        "a1": coded(A, 1, 2), "a2": coded(A, 2, 2), "b1": coded(B, 1, 2), "b2": coded(B, 2, 2),
        "old": coded(A, 1, 2, revision=0), "both": (coded(A), coded(B)), "bare": BARE, "blank": BLANK, "unread": UNREAD,
        "alien": coded(FOREIGN, 1, 2),
    }
    reading = paper(*(said[kind] for kind in kinds))
    cuts = plan_cuts(reading, find, TAG)
    cut = [page for one in cuts for page in one.pages]
    assert len(cut) == len(set(cut))
    lost = set(range(1, len(kinds) + 1)) - set(cut)
    assert all(kinds[page - 1] == "blank" for page in lost)
    told = [one for each in cuts for one in each.findings if one.code == "blank-page-dropped"]
    assert len(told) == len(lost)
    for one in cuts:
        names = {issue.issue_id for page in one.pages for code in reading.codes if code.page == page
                 for issue in [code.printed] if issue}
        assert len(names) <= 1 or one.waits is not None or len(cuts) == 1


def test_a_file_of_one_document_is_not_cut() -> None:
    assert pages_of(*whole(A, 2), BLANK, BARE) == [(1, 2, 3, 4)]
    assert pages_of(BARE, BLANK) == [(1, 2)]
    assert pages_of(coded(FOREIGN, 1, 1), BARE) == [(1, 2)]


def test_pages_of_one_document_that_lie_apart_come_together_and_what_lay_between_is_said() -> None:
    first, second = cuts_of(coded(A, 1, 2), coded(B, 1, 1), coded(A, 2, 2))
    assert (first.pages, second.pages) == ((1, 3), (2,))
    assert [one.code for one in first.findings] == ["other-document"]


def test_pages_before_the_first_code_are_a_paper_of_their_own() -> None:
    assert pages_of(BARE, BARE, *whole(A, 1), *whole(B, 1)) == [(1, 2), (3,), (4,)]


def test_a_bare_page_between_pages_of_a_document_is_its_page() -> None:
    assert pages_of(coded(A, 1, 3), BARE, coded(A, 3, 3), *whole(B, 1)) == [(1, 2, 3), (4,)]


def test_a_bare_page_behind_an_incomplete_document_is_its_page_when_the_next_begins_whole() -> None:
    assert waiting(coded(A, 1, 2), BARE, *whole(B, 1)) == [((1, 2), None), ((3,), None)]


def test_a_page_that_two_documents_may_claim_makes_both_wait() -> None:
    assert waiting(coded(A, 1, 2), BARE, coded(B, 2, 2), *whole(C, 1)) == [((1, 2, 3), "unclear-pages"), ((4,), None)]
    assert waiting(*whole(A, 1), BARE, coded(B, 2, 2)) == [((1, 2, 3), "unclear-pages")]
    assert waiting(*whole(A, 1), BARE, coded(B)) == [((1, 2, 3), "unclear-pages")]


def test_the_foot_of_the_page_decides_between_two_documents() -> None:
    assert waiting(coded(A, 1, 2), "第1页 共3页", coded(B, 2, 3), coded(B, 3, 3)) == [((1,), None), ((2, 3, 4), None)]
    assert waiting(coded(A, 1, 2), "第2页 共2页", coded(B, 2, 3), coded(B, 3, 3)) == [((1, 2), None), ((3, 4), None)]
    assert waiting(coded(A, 1, 2), "第2页 共2页", "第1页 共3页", BARE, coded(B, 3, 3)) == [
        ((1, 2), None), ((3, 4, 5), None)]
    both_lack_it = waiting(coded(A, 1, 2), "第2页 共2页", coded(B, 1, 2))
    assert both_lack_it == [((1, 2, 3), "unclear-pages")]
    assert waiting(coded(A, 2, 2), "第1页 共2页", coded(B, 2, 2)) == [((1, 2, 3), "unclear-pages")]


def test_the_number_in_the_text_decides_between_two_documents() -> None:
    reading = paper(coded(A, 1, 2), BARE, coded(B, 2, 2))

    def named(text: PageText) -> tuple[Issue, ...]:
        return (issue_of(B),)

    assert [cut.pages for cut in plan_cuts(reading, find, TAG, named)] == [(1,), (2, 3)]


def test_a_page_that_names_a_third_document_is_a_paper_of_its_own() -> None:
    reading = paper(*whole(A, 1), BARE, BARE, *whole(B, 1))

    def named(text: PageText) -> tuple[Issue, ...]:
        return (issue_of(C),) if text.page == 2 else ()

    assert [cut.pages for cut in plan_cuts(reading, find, TAG, named)] == [(1,), (2, 3), (4,)]


def test_behind_a_blank_page_a_bare_one_is_a_paper_of_its_own() -> None:
    assert pages_of(*whole(A, 1), BLANK, BARE, *whole(B, 1)) == [(1,), (3,), (4,)]
    assert pages_of(*whole(A, 1), *whole(B, 1), BLANK, BARE, BARE) == [(1,), (2,), (4, 5)]
    assert waiting(coded(A, 1, 2), BLANK, BARE, *whole(B, 1)) == [((1, 3), "unclear-pages"), ((4,), None)]


def test_a_scanned_page_that_was_called_blank_is_blank() -> None:
    reading = paper(*whole(A, 1), UNREAD, *whole(B, 1))
    texts = [structs.replace(text, blank=text.page == 2) for text in reading.texts]
    assert [cut.pages for cut in plan_cuts(replace(reading, texts=tuple(texts)), find, TAG)] == [(1,), (3,)]


def test_a_page_that_was_not_read_is_no_attachment() -> None:
    assert pages_of(*whole(A, 1), UNREAD, *whole(B, 1)) == [(1,), (2,), (3,)]
    assert pages_of(coded(A, 1, 2), UNREAD, *whole(B, 1)) == [(1, 2), (3,)]


def test_a_page_behind_a_complete_document_that_was_not_read_is_said_to_be_so() -> None:
    first, alone, last = cuts_of(*whole(A, 1), UNREAD, *whole(B, 1))
    assert [one.code for one in alone.findings] == ["attachments-not-read"]
    assert (first.findings, last.findings) == ((), ())


def test_a_page_of_another_store_lies_with_nobody() -> None:
    alien = [coded(FOREIGN, 1, 2), coded(FOREIGN, 2, 2)]
    assert pages_of(*whole(A, 1), *alien, *whole(B, 1)) == [(1,), (2, 3), (4,)]
    assert pages_of(coded(A, 1, 2), alien[1], *whole(B, 1)) == [(1,), (2,), (3,)]
    assert pages_of(coded(A, 1, 3), alien[0], coded(A, 3, 3), *whole(B, 1)) == [(1, 3), (2,), (4,)]
    assert pages_of(*whole(A, 1), BARE, alien[0], *whole(B, 1)) == [(1, 2), (3,), (4,)]


def test_a_foot_without_more_claims_no_page_that_lies_elsewhere() -> None:
    assert pages_of(*whole(C, 1), "产权证 第2页 共4页", coded(A, 1, 4), *whole(A, 4)[2:]) == [(1,), (2,), (3, 4, 5)]
    assert pages_of(*whole(C, 1), "产权证 第1页 共4页", *whole(A, 4)[1:]) == [(1,), (2, 3, 4, 5)]


def test_a_page_on_one_of_our_forms_is_no_attachment() -> None:
    def shown(text: PageText) -> dict[str, str]:
        return {"visit-record": "客户回访记录"} if text.page == 2 else {}

    def cut(*pages: Said) -> list[tuple[int, ...]]:
        return [one.pages for one in plan_cuts(paper(*pages), find, TAG, shown_forms=shown)]

    assert cut(*whole(A, 1), BARE, *whole(B, 1)) == [(1,), (2,), (3,)]
    assert cut(coded(A, 1, 2), BARE, *whole(B, 1)) == [(1,), (2,), (3,)]
    own = plan_cuts(paper(coded(A, 1, 2), BARE, *whole(B, 1)), find, TAG,
                    shown_forms=lambda text: {"supply-contract": "供用水合同"})
    assert [one.pages for one in own] == [(1, 2), (3,)]


def test_documents_that_stand_on_one_page_wait_together_and_the_others_go_on() -> None:
    found = waiting(*whole(A, 1), (coded(A), coded(B)), BARE, *whole(B, 1), *whole(C, 1))
    assert found == [((1, 2, 3, 4), "codes-disagree"), ((5,), None)]


def test_a_document_of_nobody_is_cut_all_the_same() -> None:
    def nobody(issue_id: str) -> Issue:
        raise NotFound(msg("No document {number} was issued.", number=issue_id))

    cuts = plan_cuts(paper(*whole(A, 2), *whole(B, 1)), nobody, TAG)
    assert [cut.pages for cut in cuts] == [(1, 2), (3,)]


def test_the_reading_of_a_piece_is_numbered_anew() -> None:
    reading = paper(coded(B, 1, 1), (coded(A, 1, 1), "甲"), BLANK, "乙")
    piece = reading_of_piece(reading, Path("p.pdf"), (2, 4))
    assert [(text.page, text.text) for text in piece.texts] == [(1, "甲"), (2, "乙")]
    assert [(code.page, code.payload) for code in piece.codes] == [(1, coded(A, 1, 1).encode())]
    assert piece.facts is not None and [page.text for page in piece.facts.page_facts] == ["甲", "乙"]


def batch(path: Path, pages: int = 3) -> Path:
    """Pages that share one list of pictures, as scanner programs write them, and inherit their turning."""
    document = pikepdf.new()
    pictures = pikepdf.Dictionary()
    for number in range(pages):
        data = bytes((number * 61 + index * 7) % 256 for index in range(64 * 64))
        image = pikepdf.Stream(document, zlib.compress(data))
        image.update({"/Type": pikepdf.Name.XObject, "/Subtype": pikepdf.Name.Image, "/Width": 64, "/Height": 64,
                      "/ColorSpace": pikepdf.Name.DeviceGray, "/BitsPerComponent": 8,
                      "/Filter": pikepdf.Name.FlateDecode})
        pictures[f"/Im{number}"] = document.make_indirect(image)
    shared = document.make_indirect(pikepdf.Dictionary(XObject=pictures))
    for number in range(pages):
        page = document.add_blank_page(page_size=(200, 200))
        page.Contents = document.make_stream(f"q 200 0 0 200 0 0 cm /Im{number} Do Q".encode())
        page.Resources = shared
        page.Annots = document.make_indirect(pikepdf.Array([pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9],
            Dest=pikepdf.Array([document.pages[0].obj, pikepdf.Name.Fit]))]))
    document.Root.Pages.Rotate = 90
    document.save(path)
    return path


def pictures_in(path: Path) -> list[bytes]:
    with pikepdf.open(path) as document:
        return [one.read_raw_bytes() for one in document.objects
                if isinstance(one, pikepdf.Stream) and one.get("/Subtype") == pikepdf.Name.Image]


def test_pieces_hold_their_own_pages_unchanged_and_nothing_of_the_others(tmp_path: Path) -> None:
    source = batch(tmp_path / "batch.pdf")
    before = pictures_in(source)
    targets = {tmp_path / "a.pdf": (1, 3), tmp_path / "b.pdf": (2,)}
    cut_file(source, targets, IngestSection())
    assert sorted(pictures_in(tmp_path / "a.pdf")) == sorted([before[0], before[2]])
    assert pictures_in(tmp_path / "b.pdf") == [before[1]]
    with pikepdf.open(tmp_path / "a.pdf") as piece:
        assert len(piece.pages) == 2
        assert [page.get("/Rotate") for page in piece.pages] == [90, 90]


def test_the_same_batch_gives_the_same_bytes(tmp_path: Path) -> None:
    source = batch(tmp_path / "batch.pdf")
    found = set()
    for name in ("a.pdf", "b.pdf"):
        cut_file(source, {tmp_path / name: (2, 3)}, IngestSection())
        found.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(found) == 1


def test_cutting_again_over_pieces_that_are_there_is_no_fault(tmp_path: Path) -> None:
    source = batch(tmp_path / "batch.pdf")
    for _ in range(2):
        cut_file(source, {tmp_path / "a.pdf": (1,)}, IngestSection())


def test_a_file_that_cannot_be_cut_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nnothing\n%%EOF")
    with pytest.raises(UnreadablePdf) as caught:
        cut_file(broken, {tmp_path / "a.pdf": (1,)}, IngestSection())
    assert caught.value.reason == "damaged"
    with pytest.raises(UnreadablePdf) as late:
        cut_file(batch(tmp_path / "batch.pdf"), {tmp_path / "a.pdf": (1,)}, IngestSection(page_seconds=0))
    assert late.value.reason == "timeout"


def with_field(path: Path, *, needs_drawing: bool = False, drawn: bool = False, value: str | None = "1099",
               kind: str = "Tx", xfa: bool = False) -> Path:
    """A batch with a form field on its second page."""
    with pikepdf.open(batch(path), allow_overwriting_input=True) as document:
        field = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name(f"/{kind}"),
                                   T="reading", Rect=[10, 10, 90, 30], F=4)
        if value is not None:
            # The value stands in the field above the mark on the page.
            field.Parent = document.make_indirect(pikepdf.Dictionary(V=value))
        if drawn:
            field.AP = pikepdf.Dictionary(N=document.make_stream(b"", BBox=[0, 0, 80, 20]))
        held = document.make_indirect(field)
        document.pages[1].Annots = pikepdf.Array([held])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[held], NeedAppearances=needs_drawing)
        if xfa:
            document.Root.AcroForm.XFA = document.make_stream(b"<xdp/>")
        document.save()
    return path


@pytest.mark.parametrize(("is_cut", "how"), [
    (False, {}),
    (False, {"drawn": True, "needs_drawing": True}),
    (False, {"drawn": True, "value": None, "xfa": True}),
    (True, {"drawn": True}),
    (True, {"value": None}),
    (True, {"value": ""}),
    (True, {"kind": "Sig"}),
])
def test_a_form_is_cut_only_where_what_was_filled_in_stays_to_be_seen(
    tmp_path: Path, how: dict[str, Any], *, is_cut: bool
) -> None:
    source = with_field(tmp_path / "form.pdf", **how)
    with contextlib.nullcontext() if is_cut else pytest.raises(RefusedByRule, match="form"):
        cut_file(source, {tmp_path / "a.pdf": (1,), tmp_path / "b.pdf": (2, 3)}, IngestSection())


def cut_as_read(source: Path, folder: Path, copy: ReadableCopy | None = None, **changes: Any) -> tuple[Piece, ...]:
    """Two pieces of a batch of three pages, with what reading it brought changed."""
    reading = paper(*whole(A, 2), *whole(B, 1))
    assert reading.facts is not None
    reading = replace(reading, facts=replace(reading.facts, **changes), copy=copy)
    staged = StagedPaper(source, source, files.digests_of(source), state_of(source))
    return cut_batch(staged, reading, (Cut((1, 2)), Cut((3,))), folder, IngestSection())


def test_a_batch_with_files_inside_is_not_cut_for_no_piece_would_hold_them(tmp_path: Path) -> None:
    source = batch(tmp_path / "batch.pdf")
    cases: list[dict[str, Any]] = [{"attached_files": 1}, {"carries": frozenset({"embedded-files"})}]
    for changes in cases:
        with pytest.raises(RefusedByRule, match="other files"):
            cut_as_read(source, tmp_path, **changes)


def test_a_piece_is_said_to_be_what_it_is_itself_and_not_what_its_batch_was(tmp_path: Path) -> None:
    source = batch(tmp_path / "batch.pdf")
    with pikepdf.open(source, allow_overwriting_input=True) as document:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        document.Root.OpenAction = script
        document.pages[2].AA = pikepdf.Dictionary(O=script)
        document.save()
    pieces = cut_as_read(source, tmp_path, encrypted=True, signature_fields=1, carries=frozenset({"javascript", "xfa"}))
    told = [one.reading.facts for one in pieces if one.reading.facts is not None]
    assert [(one.encrypted, one.signature_fields, one.carries) for one in told] == [
        (False, 0, frozenset()), (False, 0, frozenset({"javascript"}))]


def test_a_locked_batch_is_cut_from_its_unlocked_copy_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    plain, source = batch(tmp_path / "plain.pdf"), tmp_path / "locked.pdf"
    with pikepdf.open(plain) as document:
        document.save(source, encryption=pikepdf.Encryption(owner="o", user="u"))
    unlocked = ReadableCopy(plain, "decrypted.pdf", damaged=False, locked=True, pages=3, lost_pages=0)
    pieces = cut_as_read(source, tmp_path, copy=unlocked, encrypted=True)
    assert [len(pikepdf.open(one.paper.copy).pages) for one in pieces] == [2, 1]
    assert all([found.code for found in one.findings] == ["decrypted"] for one in pieces)
    assert all(one.reading.copies == {} for one in pieces), "a copy of the whole batch lies beside a piece"
    with pytest.raises(RefusedByRule, match="damaged"):
        cut_as_read(source, tmp_path, copy=replace(unlocked, damaged=True))
