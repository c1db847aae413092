"""How pages are matched by their codes: order, what lacks, what is doubled, what never counts."""

from __future__ import annotations

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


def paper(*pages: PrintedCode | str | tuple[PrintedCode | str, ...]) -> PaperReading:
    """A reading: each page is its codes, or blank, bare, unread, or the text that stands on it."""
    codes, texts, facts = [], [], []
    for number, said in enumerate(pages, start=1):
        told = said if isinstance(said, tuple) else (said,)
        text = next((one for one in told if isinstance(one, str) and one not in (BLANK, UNREAD)), "")
        empty = BLANK in told or UNREAD in told
        texts.append(PageText(number, text, "none", "") if empty else PageText(number, text, "ocr", "x", 0.9))
        facts.append(PageFacts(595, 842, text, BLANK not in told, False))
        codes += [PageCode(number, one.encode(), one, "QRCode") for one in told if isinstance(one, PrintedCode)]
    return PaperReading(Path("a.pdf"), PdfFacts(tuple(facts), False, 0, 0, False, 0, ""), tuple(codes), tuple(texts))


def matched(*pages: PrintedCode | str | tuple[PrintedCode | str, ...]) -> Portion:
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


@given(st.lists(st.sampled_from(["A", "B", "old", "two", "bare", "blank", "foreign"]), min_size=1, max_size=8))
def test_a_paper_is_matched_only_when_every_code_of_ours_names_one_document(kinds: list[str]) -> None:
    said: dict[str, PrintedCode | str | tuple[PrintedCode | str, ...]] = {
        "A": coded(A, 1, 2), "B": coded(B), "old": coded(A, 2, 2, revision=0), "two": (coded(A), coded(B)),
        "bare": BARE, "blank": BLANK, "foreign": coded(FOREIGN, 1, 1),
    }
    portion = matched(*(said[kind] for kind in kinds))
    is_clear = "A" in kinds and not {"B", "two"} & set(kinds)
    only_b = "B" in kinds and not {"A", "old", "two"} & set(kinds)
    assert (portion.issue is not None) == (is_clear or only_b)
    if portion.issue is not None:
        assert portion.issue.issue_id == (A if is_clear else B)
    assert sorted(portion.pages) == list(range(1, len(kinds) + 1))


def test_the_page_code_counts_before_what_the_text_says() -> None:
    portion = matched((coded(A, 2, 2), "第1页 共2页"), (coded(A, 1, 2), "第2页 共2页"))
    assert portion.pages == (2, 1)
    assert codes_of(portion) == ["swapped-page"]


def test_without_page_codes_the_foot_of_the_page_tells_its_number() -> None:
    portion = matched((coded(A), "见第9页 共9页 第3页 共3页"), (coded(A), "第1页，共3页"))
    assert portion.pages == (2, 1)
    assert codes_of(portion) == ["missing-page", "swapped-page"]


def test_a_page_whose_number_was_not_read_takes_the_only_place_left() -> None:
    assert codes_of(matched(coded(A, 1, 3), coded(A), coded(A, 3, 3))) == []
    assert codes_of(matched(coded(A, 1, 3), coded(A))) == []


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


def test_pages_behind_a_complete_document_are_its_attachments_whatever_codes_they_carry() -> None:
    portion = matched(*whole(A, 2), (coded(FOREIGN, 1, 1), "身份证"), BLANK, BARE)
    assert portion.attachments == ((3,), (5,))
    assert codes_of(portion) == []
    assert codes_of(matched((coded(A, 1, 1), coded(FOREIGN, 1, 1)))) == ["foreign-code"]


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
    plain = Portion((1,))
    assert with_page_marks(plain, [PageText(1, "信", "ocr", "x")]) == plain
