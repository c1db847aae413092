"""Papers without a code: matched only when one document fits beyond doubt, whatever else they name."""

from __future__ import annotations

import random
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import clock_at

from recordkit.archive import recognising
from recordkit.archive.recognising import Recogniser, Recognition
from recordkit.cli import demo
from recordkit.cli.main import run
from recordkit.model import PageText
from recordkit.store import open_store
from recordkit.templates.issue import Issue, home_of, list_issues, read_issue_data
from recordkit.workspace import Workspace

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NOTICE, VISIT, CONTRACT = "换通〔2026〕0001号", "回访〔2026〕00001号", "供合〔2026〕0001号"


def word_text(path: Path) -> str:
    """What stands on the paper of a Word file, paragraph by paragraph, body first."""
    lines = []
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"word/(document|header\d*|footer\d*)\.xml", name)]
        for name in sorted(names):
            for paragraph in ElementTree.fromstring(archive.read(name)).iter(f"{W}p"):
                lines.append("".join(one.text or "" for one in paragraph.iter(f"{W}t")))
    return re.sub(r"RK1[0-9A-Z]{15,}", "", "\n".join(lines))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the demo's documents are issued, and a second notice and contract of one customer each."""
    folder = tmp_path_factory.mktemp("recognising")
    demo.prepare_folder(folder)
    start = ["--store", str(folder / "store"), "--quiet"]
    assert run([*start, "init", "--simulation", "--no-input", "--as-of", demo.ISSUE_DAY, str(folder / "store")]) == 0
    second = ("generate", "meter-change-notice", "--data", str(folder / "data" / "meter-change-notice.toml"), "--set",
              "account=0012003462", "--set", "customer_name=葛玥二")
    again = ("generate", "meter-change-notice", "--data", str(folder / "data" / "meter-change-notice.toml"), "--set",
             "account=0012003462", "--set", "customer_name=葛玥二", "--set", "old_meter_no=S20190001")
    for arguments in (*demo.ISSUING, second, again):
        placed = [str(folder / one) if one.startswith("data/") else one for one in arguments]
        assert run([*start, *placed, "--as-of", demo.ISSUE_DAY]) == 0
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Workspace]:
    opened = open_store(folder / "store", clock_at(date(2026, 11, 20)), "test")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def papers(store: Workspace) -> dict[str, str]:
    """What each issued paper says, by its number."""
    return {one.number: word_text(home_of(store.root, read_issue_data(store, one))) for one in list_issues(store.db)}


def recognise(store: Workspace, *pages: str) -> Recognition:
    return Recogniser(store).recognise([PageText(n, text, "ocr", "x", 0.9) for n, text in enumerate(pages, start=1)])


def without_number(text: str) -> str:
    return re.sub(r"[\u4e00-\u9fff]+〔2026〕\d+号", "", text)


def issue_of(store: Workspace, number: str) -> Issue:
    return next(one for one in list_issues(store.db) if one.number == number)


def test_every_issued_paper_is_recognised_by_its_number(store: Workspace, papers: dict[str, str]) -> None:
    assert len(papers) == 14
    for number, text in papers.items():
        found = recognise(store, text)
        assert found.match is not None, number
        assert (found.match.issue.number, found.match.how) == (number, "number")
        assert found.match.confidence >= 0.95


def test_a_paper_without_number_is_recognised_by_the_only_document_of_its_account(
    store: Workspace, papers: dict[str, str]
) -> None:
    found = recognise(store, without_number(papers[NOTICE]))
    assert found.match is not None
    assert (found.match.issue.number, found.match.how) == (NOTICE, "account")


def test_the_second_document_of_an_account_and_form_needs_its_number(
    store: Workspace, papers: dict[str, str]
) -> None:
    twins = [one.number for one in list_issues(store.db) if one.account == "0012003462"
             and one.form == "meter-change-notice"]
    assert len(twins) >= 2
    for number in twins[-2:]:
        found = recognise(store, papers[number])
        assert found.match is not None and found.match.issue.number == number
        waits = recognise(store, without_number(papers[number]))
        assert waits.match is None and waits.doubt is not None
        assert {one.issue.number for one in waits.candidates} >= set(twins[-2:])


def test_a_paper_that_names_the_document_of_another_paper_waits(store: Workspace, papers: dict[str, str]) -> None:
    values = read_issue_data(store, issue_of(store, CONTRACT))["values"]
    assert isinstance(values, dict)
    visit = (f"客户回访记录\n客户 {values['customer_name']} 户号 {values['account']}\n地址 {values['address']}\n"
             f"电话 {values['phone']}\n事项 关于供用水合同 {CONTRACT} 的回访\n2026年11月18日")
    found = recognise(store, visit)
    assert found.match is None
    assert found.candidates[0].issue.number == CONTRACT
    # The whole contract behind a paper of an unknown number is not the contract's paper either.
    assert recognise(store, papers[CONTRACT] + "\n回访〔2019〕00077号").match is None


def test_a_number_read_as_that_of_its_twin_is_not_believed(store: Workspace, papers: dict[str, str]) -> None:
    twins = [one.number for one in list_issues(store.db) if one.account == "0012003462"
             and one.form == "meter-change-notice"][-2:]
    assert recognise(store, papers[twins[0]].replace(twins[0], twins[1])).match is None
    assert recognise(store, papers[twins[1]].replace(twins[1], twins[0])).match is None


def test_rivals_are_looked_at_however_many_documents_the_account_has(
    store: Workspace, papers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognising, "_MOST_OF_ACCOUNT", 0)
    twins = [one.number for one in list_issues(store.db) if one.account == "0012003462"
             and one.form == "meter-change-notice"][-2:]
    for own, other in (twins, twins[::-1]):
        read = papers[own].replace(own, other)
        found = recognise(store, read)
        assert found.match is None and {one.issue.number for one in found.candidates} >= set(twins)
        # The account is not read either: only documents of neighbouring numbers are left to compare.
        assert recognise(store, read.replace("0012003462", "00120?3462")).match is None
        assert recognise(store, papers[own]).match is not None
    page = PageText(1, without_number(papers[NOTICE]), "ocr", "x")
    assert [one.number for one in Recogniser(store).named(page)] == [NOTICE]


def test_records_that_differ_only_in_their_number_wait(folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "store"
    shutil.copytree(folder / "store", copied)
    for _ in range(2):
        assert run(["--store", str(copied), "--quiet", "generate", "visit-record", "--no-input", "--data",
                    str(folder / "data" / "visit-record.toml"), "--as-of", demo.ISSUE_DAY]) == 0
    with closing(open_store(copied, clock_at(date(2026, 11, 20)), "test")) as opened:
        values = read_issue_data(opened, issue_of(opened, VISIT))["values"]
        assert isinstance(values, dict)
        same = [one.number for one in list_issues(opened.db)
                if one.form == "visit-record" and read_issue_data(opened, one)["values"] == values]
        assert len(same) == 3
        text = word_text(home_of(opened.root, read_issue_data(opened, issue_of(opened, VISIT))))
        for number in same:
            read = text.replace(VISIT, number).replace(values["account"], values["account"][:-2] + "?0")
            found = recognise(opened, read)
            assert found.match is None and found.doubt is not None
            assert {one.issue.number for one in found.candidates} == set(same)


def test_a_page_shows_whose_form_it_is_without_number_and_account(store: Workspace, papers: dict[str, str]) -> None:
    shown = Recogniser(store).shown_forms
    bare = without_number(papers[NOTICE]).replace("0012003456", "")
    assert set(shown(PageText(1, bare, "ocr", "x"))) == {"meter-change-notice"}
    assert shown(PageText(1, "居民身份证 姓名 魏堃 公民身份号码", "ocr", "x")) == {}
    assert shown(PageText(1, "换表通知书 收据", "ocr", "x")) == {}


def test_a_second_paper_on_the_same_sheet_is_noticed(store: Workspace, papers: dict[str, str]) -> None:
    sheet = papers[NOTICE] + re.sub(r"第\s*1\s*页.*", "", without_number(papers[VISIT]))
    assert recognise(store, sheet).match is None


def test_an_old_paper_of_the_same_customer_waits(store: Workspace, papers: dict[str, str]) -> None:
    old_number = papers[NOTICE].replace("〔2026〕0001号", "〔2020〕0311号")
    assert recognise(store, old_number).match is None
    old_day = without_number(papers[NOTICE]).replace("2026年11月20日", "2020年11月20日")
    assert recognise(store, old_day).match is None


def test_a_filled_in_blank_of_the_same_form_waits(store: Workspace, papers: dict[str, str]) -> None:
    values = read_issue_data(store, issue_of(store, NOTICE))["values"]
    assert isinstance(values, dict)
    other = without_number(papers[NOTICE])
    for key in ("address", "point_no", "phone", "old_meter_no", "new_meter_no"):
        other = other.replace(str(values[key]), "")
    assert recognise(store, other).match is None


def test_every_page_of_several_must_show_itself_to_be_of_the_document(
    store: Workspace, papers: dict[str, str]
) -> None:
    contract = re.sub(r"第\s*\d+\s*页\s*共\s*\d+\s*页", "", papers[CONTRACT])
    first, second = contract + "第1页 共2页", "第2页 共2页 见供用水合同附页"
    found = recognise(store, first, second)
    assert found.match is not None and found.match.issue.number == CONTRACT
    assert recognise(store, first, "某处 一张照片").match is None
    assert recognise(store, first, first).match is None
    assert recognise(store, first, f"附页 {CONTRACT}").match is not None
    assert Recogniser(store).recognise([PageText(1, first, "ocr", "x"), PageText(2, "", "none", "")], {2}).match


def test_two_papers_without_code_in_one_file_wait(store: Workspace, papers: dict[str, str]) -> None:
    assert recognise(store, papers[NOTICE], papers[VISIT]).match is None
    assert recognise(store, without_number(papers[NOTICE]), without_number(papers[VISIT])).match is None
    assert recognise(store, papers[NOTICE], without_number(papers["换通〔2026〕0002号"])).match is None


def test_a_number_is_read_through_mistaken_brackets_letters_and_blanks(
    store: Workspace, papers: dict[str, str]
) -> None:
    for shown in ("换通[2026]0001号", "换通 (2026) 0001 号", "换通〔2O26〕OOO1号", "换通I2026J0001号",
                  "换通20260001号"):
        found = recognise(store, papers[NOTICE].replace(NOTICE, shown))
        assert found.match is not None and found.match.how == "number", shown
        assert found.match.issue.number == NOTICE


def test_a_table_cell_broken_over_two_lines_still_counts(store: Workspace, papers: dict[str, str]) -> None:
    broken = papers[NOTICE].replace("清源市河湾区柳荫街12号3幢2单元501室", "清源市河湾区柳荫街12号 户号\n3幢2单元501室")
    found = recognise(store, broken)
    assert found.match is not None and found.match.confidence == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_however_badly_a_paper_is_read_it_is_never_taken_for_another(
    store: Workspace, papers: dict[str, str], seed: int
) -> None:
    random_numbers = random.Random(seed)
    matched = 0
    for number, text in papers.items():
        for share in (0.005, 0.02, 0.1):
            read = "".join(
                random_numbers.choice("0123456789OIlSB的一口日目") if random_numbers.random() < share else char
                for char in text
            )
            found = recognise(store, read)
            assert found.match is None or found.match.issue.number == number
            matched += found.match is not None
    assert matched >= len(papers)


@pytest.mark.parametrize("seed", range(3))
def test_a_second_paper_in_the_file_is_noticed_however_it_was_read(
    store: Workspace, papers: dict[str, str], seed: int
) -> None:
    random_numbers = random.Random(seed)
    for number, text in papers.items():
        other = random_numbers.choice([one for one in papers if one[:2] != number[:2]])
        read = "".join(
            random_numbers.choice("0123456789OI的一口") if random_numbers.random() < 0.005 else char
            for char in without_number(papers[other])
        )
        assert recognise(store, text, read).match is None, (number, other)


def test_nothing_is_said_of_a_stranger_and_of_an_empty_page(store: Workspace) -> None:
    assert recognise(store, "某某市电力公司 电费通知 户号 99887766 2026年11月") == Recognition(None)
    assert recognise(store, "") == Recognition(None)


def test_a_page_names_documents_by_number_or_by_account_and_form(store: Workspace, papers: dict[str, str]) -> None:
    named = Recogniser(store).named
    assert [one.number for one in named(PageText(1, papers[NOTICE], "ocr", "x"))] == [NOTICE]
    assert [one.number for one in named(PageText(1, f"附件：{CONTRACT}", "ocr", "x"))] == [CONTRACT]
    assert [one.number for one in named(PageText(1, without_number(papers[NOTICE]), "ocr", "x"))] == [NOTICE]
    assert named(PageText(1, "居民身份证 姓名 魏堃 水费收据 户号 0012003456", "ocr", "x")) == ()
