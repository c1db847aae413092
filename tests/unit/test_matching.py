"""How pages are matched by their codes: order, what lacks, what is doubled, what never counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordkit.archive.codes import PageCode
from recordkit.archive.matching import PageSaying, Portion, arrange, match_pages, with_page_marks
from recordkit.archive.pdf import PageFacts, PdfFacts
from recordkit.archive.reading import PaperReading
from recordkit.errors import NotFound
from recordkit.messages import msg
from recordkit.model import PageText
from recordkit.templates.code import PrintedCode
from recordkit.templates.issue import Issue

TAG = "7XQ2"
A, B, UNKNOWN, FOREIGN = "7XQ200000042", "7XQ200000043", "7XQ200000099", "9ZZ900000001"


def issue_of(issue_id: str, *, status: str = "issued", revision: int = 1) -> Issue:
    number = f"供合〔2026〕{int(issue_id[-2:]):04}号"
    return Issue(issue_id, "supply-contract", number, revision, "t", "d", status, "合同", date(2026, 11, 20), "0042",
                 None, "p", None)


def find(issue_id: str) -> Issue:
    if issue_id not in (A, B):
        raise NotFound(msg("No document {number} was issued.", number=issue_id))
    return issue_of(issue_id)


def coded(issue_id: str, number: int | None = None, total: int | None = None, *, revision: int = 1) -> PrintedCode:
    return PrintedCode(issue_id, revision, number, total)


BLANK, BARE, UNREAD = "blank", "bare", "unread"
STICKER = PageCode(0, "https://example.invalid/parcel/1", None, "QRCode")
WORDS = "供水人在合同有效期内应当保证供水水质和水压，用水人应当按期缴纳水费。"


Said = PrintedCode | PageCode | str


def paper(*pages: Said | tuple[Said, ...]) -> PaperReading:
    """A reading: each page is its codes, or blank, bare, unread, or the text that stands on it."""
    codes, texts, facts = [], [], []
    for number, said in enumerate(pages, start=1):
        told = said if isinstance(said, tuple) else (said,)
        text = next((one for one in told if isinstance(one, str) and one not in (BLANK, UNREAD)), "")
        empty = BLANK in told or UNREAD in told
        texts.append(PageText(number, text, "none", "") if empty else PageText(number, text, "ocr", "x", 0.9))
        facts.append(PageFacts(595, 842, text, BLANK not in told, False))
        codes += [PageCode(number, one.encode(), one, "QRCode") for one in told if isinstance(one, PrintedCode)]
        codes += [replace(one, page=number) for one in told if isinstance(one, PageCode)]
    return PaperReading(Path("a.pdf"), PdfFacts(tuple(facts), False, 0, 0, False, 0, ""), tuple(codes), tuple(texts))


def matched(*pages: Said | tuple[Said, ...]) -> Portion:
    return match_pages(paper(*pages), find, TAG)


def codes_of(portion: Portion) -> list[str]:
    return [one.code for one in portion.findings]


def whole(issue_id: str, total: int) -> list[PrintedCode]:
    return [coded(issue_id, number, total) for number in range(1, total + 1)]


@given(st.integers(1, 6), st.data())
def test_any_pages_in_any_order_are_told_as_a_plain_count_tells_them(total: int, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(1, total), min_size=1, max_size=9))
    portion = matched(*(coded(A, number, total) for number in numbers))
    assert portion.issue is not None
    assert sorted(portion.pages) == list(range(1, len(numbers) + 1))
    assert [numbers[page - 1] for page in portion.pages] == sorted(numbers)
    told = [str(one.message) for one in portion.findings if one.code == "missing-page"]
    assert len(told) == len(set(range(1, total + 1)) - set(numbers))
    doubled = {number for number in numbers if numbers.count(number) > 1}
    assert codes_of(portion).count("doubled-page") == len(doubled)
    firsts = list(dict.fromkeys(numbers))
    assert ("swapped-page" in codes_of(portion)) == (firsts != sorted(firsts))


@given(st.lists(st.sampled_from(["A", "B", "old", "two", "bare", "blank", "sticker", "stranger"]), min_size=1,
                max_size=8))
def test_a_paper_is_matched_only_when_every_code_of_ours_names_one_document(kinds: list[str]) -> None:
    said: dict[str, Said | tuple[Said, ...]] = {
        "A": coded(A, 1, 2), "B": coded(B), "old": coded(A, 2, 2, revision=0), "two": (coded(A), coded(B)),
        "bare": BARE, "blank": BLANK, "sticker": STICKER, "stranger": coded(FOREIGN, 1, 1),
    }
    portion = matched(*(said[kind] for kind in kinds))
    is_clear = "A" in kinds and not {"B", "two", "stranger"} & set(kinds)
    only_b = "B" in kinds and not {"A", "old", "two", "stranger"} & set(kinds)
    assert (portion.issue is not None) == (is_clear or only_b)
    if portion.issue is not None:
        assert portion.issue.issue_id == (A if is_clear else B)
    assert sorted(portion.pages) == list(range(1, len(kinds) + 1))
    assert codes_of(portion).count("foreign-code") == sum(kind in ("sticker", "stranger") for kind in kinds)


def test_the_page_code_counts_before_what_the_text_says() -> None:
    portion = matched((coded(A, 2, 2), "第1页 共2页"), (coded(A, 1, 2), "第2页 共2页"))
    assert portion.pages == (2, 1)
    assert codes_of(portion) == ["swapped-page"]


def test_without_page_codes_the_foot_of_the_page_tells_its_number() -> None:
    portion = matched((coded(A), "见第9页 共9页 第3页 共3页"), (coded(A), "第1页，共3页"))
    assert portion.pages == (2, 1)
    assert codes_of(portion) == ["missing-page", "swapped-page"]


def test_a_page_whose_number_was_not_read_takes_the_only_place_left_and_that_is_said() -> None:
    portion = matched(coded(A, 1, 3), coded(A), coded(A, 3, 3))
    assert codes_of(portion) == ["page-number-not-read"]
    assert str(portion.findings[0].message).endswith("taken as page 2 of 3")


def test_two_pages_whose_numbers_were_not_read_are_never_given_places() -> None:
    portion = matched(coded(A, 1, 4), coded(A), coded(A), coded(A, 4, 4))
    assert codes_of(portion) == ["page-number-not-read"] * 2
    assert not any("taken" in str(one.message) for one in portion.findings)
    short = matched(coded(A, 1, 4), coded(A))
    assert codes_of(short) == ["page-number-not-read", "missing-page"]
    assert "2, 3, 4 of 4 at least 2" in str(short.findings[1].message)


def test_a_page_without_number_that_says_what_another_says_is_there_twice() -> None:
    said = (coded(A, 1, 4), (coded(A, 2, 4), WORDS * 3), (coded(A), WORDS[::-1] * 3), coded(A, 4, 4))
    assert codes_of(matched(*said)) == ["page-number-not-read"]
    said = (coded(A, 1, 4), (coded(A, 2, 4), WORDS * 3), (coded(A), WORDS * 3 + "第"), coded(A, 4, 4))
    portion = matched(*said)
    assert codes_of(portion) == ["page-number-not-read", "missing-page", "doubled-page"]
    assert [str(one.message) for one in portion.findings[1:]] == ["page 3 of 4 is missing", "page 2 is there twice"]
    bare = matched(coded(A, 1, 4), (coded(A, 2, 4), WORDS * 3), WORDS * 3, coded(A, 4, 4))
    assert codes_of(bare) == ["page-without-code", "missing-page"]


def test_where_no_page_says_how_many_there_are_that_is_said() -> None:
    assert codes_of(matched(coded(A), coded(A))) == ["order-not-checked"]
    assert codes_of(matched(coded(A, 1, 2), coded(A, 2, 3))) == ["order-not-checked"]
    assert codes_of(matched(coded(A), BLANK)) == []


def test_a_bare_page_stands_for_the_one_page_that_lacks() -> None:
    portion = matched(coded(A, 1, 3), BARE, coded(A, 3, 3))
    assert codes_of(portion) == ["page-without-code"]
    assert portion.attachments == ()
    assert codes_of(matched(BARE, coded(A, 2, 2))) == ["page-without-code"]
    at_the_end = matched(coded(A, 1, 2), BARE, BARE)
    assert (codes_of(at_the_end), at_the_end.attachments) == (["page-without-code"], ((3,),))


def test_where_two_pages_lack_a_bare_one_stands_for_neither() -> None:
    assert codes_of(matched(coded(A, 1, 4), BARE, coded(A, 4, 4))) == ["page-without-code", "missing-page",
                                                                      "missing-page"]


def test_a_foot_that_numbers_another_paper_is_not_taken_for_the_page_that_lacks() -> None:
    other = matched(*whole(A, 4)[:3], "产权证明 第1页 共2页")
    assert codes_of(other) == ["page-without-code", "missing-page"]
    assert other.attachments == ()
    behind = matched(*whole(A, 4)[:3], "产权证明 第1页 共2页", "产权证明 第4页 共4页")
    assert codes_of(behind) == ["page-without-code", "page-without-code", "missing-page"]
    before = matched("产权证明 第2页 共4页", coded(A, 1, 4), *whole(A, 4)[2:])
    assert codes_of(before) == ["page-without-code", "missing-page"]
    there = matched(coded(A, 1, 4), "第2页 共4页", *whole(A, 4)[2:])
    assert codes_of(there) == ["page-without-code"] and "it lies where page 2 of 4" in str(there.findings[0].message)


def test_a_foot_is_believed_anywhere_on_a_page_that_names_the_document() -> None:
    def named(text: PageText) -> tuple[Issue, ...]:
        return (issue_of(A),) if text.page == 1 else ()

    portion = match_pages(paper("第2页 共3页", coded(A, 1, 3), coded(A, 3, 3)), find, TAG, named)
    assert portion.pages == (2, 1, 3)
    assert codes_of(portion) == ["page-without-code", "swapped-page"]
    assert "says that it is page 2 of 3" in str(portion.findings[0].message)


def test_pages_behind_a_complete_document_are_its_attachments_and_their_codes_are_told() -> None:
    portion = matched(*whole(A, 2), (STICKER, "身份证"), BLANK, BARE)
    assert portion.attachments == ((3,), (5,))
    assert codes_of(portion) == ["foreign-code"]
    assert codes_of(matched((coded(A, 1, 1), STICKER))) == ["foreign-code"]


@pytest.mark.parametrize("said", [
    (*whole(A, 2), coded(FOREIGN, 1, 1)), (coded(A, 1, 3), coded(FOREIGN, 2, 3), coded(A, 3, 3)),
    ((coded(A, 1, 1), coded(FOREIGN, 1, 1)),), (coded(FOREIGN), coded(A, 1, 1)),
])
def test_a_page_with_the_code_of_another_store_makes_the_paper_wait(said: tuple[Said | tuple[Said, ...], ...]) -> None:
    portion = matched(*said)
    assert portion.issue is None and portion.is_blocked
    assert codes_of(portion) == ["other-paper", "foreign-code"]


def test_pages_behind_that_were_not_read_are_kept_and_that_is_said() -> None:
    portion = matched(*whole(A, 1), UNREAD, BARE)
    assert portion.attachments == ((2, 3),)
    assert codes_of(portion) == ["attachments-not-read"]
    assert str(portion.findings[0].message).startswith("pages 2 lie behind")


def test_a_page_that_reads_like_one_of_our_forms_is_no_attachment() -> None:
    def on(*forms: str, page: int) -> Callable[[PageText], dict[str, str]]:
        return lambda text: dict.fromkeys(forms, "表") if text.page == page else {}

    def none(text: PageText) -> tuple[Issue, ...]:
        return ()

    def own(text: PageText) -> tuple[Issue, ...]:
        return (issue_of(A),)

    behind, place = paper(*whole(A, 1), BARE), paper(coded(A, 1, 3), BARE, coded(A, 3, 3))
    for form in ("supply-contract", "visit-record"):
        portion = match_pages(behind, find, TAG, none, on(form, page=2))
        assert portion.is_blocked and codes_of(portion) == ["other-paper"]
    assert match_pages(behind, find, TAG, own, on("supply-contract", page=2)).attachments == ((2,),)
    assert codes_of(match_pages(place, find, TAG, none, on("supply-contract", page=2))) == ["page-without-code"]
    assert match_pages(place, find, TAG, none, on("visit-record", page=2)).is_blocked


def test_behind_an_incomplete_document_nothing_is_an_attachment() -> None:
    portion = matched(coded(A, 1, 4), BARE)
    assert portion.attachments == ()
    assert codes_of(portion).count("page-without-code") == 1
    assert matched(coded(A), BARE).attachments == ()


def test_attachments_stand_last_when_pages_are_put_in_order() -> None:
    assert matched(coded(A, 2, 2), coded(A, 1, 2), BARE).pages == (2, 1, 3)


def test_a_stale_page_does_not_count_as_the_page() -> None:
    portion = matched(coded(A, 1, 2), coded(A, 2, 2, revision=0))
    assert portion.issue is not None
    assert codes_of(portion) == ["stale-revision", "missing-page"]
    both = matched(coded(A, 1, 2), coded(A, 2, 2, revision=0), coded(A, 2, 2))
    assert codes_of(both) == ["stale-revision"]


def test_a_paper_of_stale_pages_alone_waits() -> None:
    portion = matched(coded(A, 1, 1, revision=2))
    assert portion.issue is None and portion.is_blocked
    assert codes_of(portion) == ["stale-paper", "stale-revision"]


@pytest.mark.parametrize("page", [
    (coded(A), coded(B)), (coded(A, 1, 2), coded(A, 2, 2)), (coded(A), coded(A, revision=0)),
])
def test_codes_that_contradict_each_other_on_a_page_are_never_filed(page: tuple[PrintedCode, ...]) -> None:
    portion = matched(page, coded(A, 2, 2))
    assert portion.issue is None and portion.is_blocked
    assert codes_of(portion)[0] == "codes-disagree"


def test_several_documents_wait_and_the_reason_names_the_way_out() -> None:
    portion = matched(coded(A, 1, 2), coded(B, 1, 1), coded(A, 2, 2))
    assert portion.issue is None and portion.is_blocked
    assert codes_of(portion) == ["several-documents", "other-document"]
    assert "--split" in str(portion.findings[0].message)
    assert codes_of(matched(coded(A, 1, 1), coded(B, 1, 1))) == ["several-documents"]


def test_a_document_that_is_unknown_or_not_out_waits() -> None:
    assert codes_of(matched(coded(UNKNOWN, 1, 1))) == ["unknown-issue"]
    portion = match_pages(paper(coded(A, 1, 1)), lambda one: issue_of(one, status="returned"), TAG)
    assert codes_of(portion) == ["not-open"]


def test_foreign_codes_alone_decide_nothing() -> None:
    portion = matched(coded(FOREIGN, 1, 1))
    assert (portion.issue, portion.is_blocked, codes_of(portion)) == (None, False, ["foreign-code"])


def test_a_bare_page_that_names_another_document_stops_the_paper() -> None:
    reading = paper(coded(A, 1, 1), BARE)

    def named(text: PageText) -> tuple[Issue, ...]:
        return (issue_of(B),) if text.page == 2 else ()

    portion = match_pages(reading, find, TAG, named)
    assert portion.is_blocked and codes_of(portion) == ["other-paper"]
    assert match_pages(reading, find, TAG, lambda text: (issue_of(A), issue_of(B))).issue is not None


def test_totals_that_differ_tell_nothing_about_missing_pages() -> None:
    assert arrange([PageSaying(1, frozenset({A}), 1, (1, 2)), PageSaying(2, frozenset({A}), 1, (2, 3))], 1) == replace(
        arrange([PageSaying(1, frozenset({A}), 1), PageSaying(2, frozenset({A}), 1)], 1))


def test_a_paper_without_codes_is_put_in_order_by_the_foot_of_its_pages() -> None:
    texts = [PageText(1, "第3页 共3页", "ocr", "x"), PageText(2, "第1页 共3页", "ocr", "x")]
    portion = with_page_marks(Portion((1, 2)), texts)
    assert portion.pages == (2, 1)
    assert codes_of(portion) == ["missing-page", "swapped-page"]
    feet = ("第1页 共3页", "信", "第3页 共3页")
    between = [PageText(page, text, "ocr", "x") for page, text in enumerate(feet, start=1)]
    guessed = with_page_marks(Portion((1, 2, 3)), between)
    assert codes_of(guessed) == ["page-number-not-read"]
    plain = Portion((1,))
    assert with_page_marks(plain, [PageText(1, "信", "ocr", "x")]) == plain
