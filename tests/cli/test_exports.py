"""``catalogue export``: every column of every listing, read back from the files; who sees what; bad input."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import docx
import pytest
from conftest import Cli
from python_calamine import CalamineWorkbook
from retention_store import TODAY, Archive
from small_archive import DAY, PAPERS, make_small_archive

from recordkit import files
from recordkit.archive.listings import items, transfer, volumes
from recordkit.archive.listings.output import write_listing
from recordkit.archive.listings.paper import ROWS
from recordkit.archive.listings.shape import Listing, Look, Part, rows_of, told_period
from recordkit.archive.selection import Selection
from recordkit.archive.volume_acts import NewVolume, add_to_volume, close_volume, open_volume
from recordkit.archive.volumes import Remarks
from recordkit.errors import StoreBusy
from recordkit.retention.order_state import Opinion
from recordkit.store import open_store
from recordkit.templates.forms import list_form_ids, list_listing_ids, load_form
from recordkit.workspace import Workspace

FORMATS = ("xlsx", "docx", "csv", "json")
COMPANY = "某某市自来水有限公司"
LOOKS = (items.LOOK, transfer.LOOK, volumes.INSIDE, volumes.VOLUMES, volumes.NOTES, volumes.COVERS)
LONG = ("关于文昌巷片区二次供水设施改造期间临时停水安排及水表更换工作有关事项"
        "向用户说明情况并征求意见的函及其附件清单共三份全文")
FORMULA = '=HYPERLINK("http://x")'
VOLUME = "C001-KF·2026-KFZ-AJ0001"


@pytest.fixture
def filled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Ten papers; one title is the archivist's own, one is long and looks like a formula; a volume of three."""
    make_small_archive(tmp_path / "档案 库")
    cli = Cli(tmp_path / "档案 库", capsys)
    cli("edit", "换通〔2026〕0002号", "--set", f"题名={LONG}", "--set", "自拟题名=是", "--set", "密级=秘密",
        "--reason", "拟题")
    cli("edit", "换通〔2026〕0003号", "--set", f"题名={FORMULA}", "--set", "备注=-缺附件", "--reason", "补注")
    with opened(cli) as workspace:
        volume = open_volume(workspace, NewVolume("account", "张三用户档案", "0012005101"))
        add_to_volume(workspace, volume.code, [PAPERS[0].number, PAPERS[6].number, PAPERS[3].number])
        close_volume(workspace, volume.code, Remarks("缺附件一页。\n余齐全。", "林昇", date(2026, 12, 1), "石磊",
                                                     date(2026, 12, 2)))
    return cli


class opened:  # noqa: N801  (reads as a statement)
    """The store of a command line, open for the library."""

    def __init__(self, cli: Cli, day: date = DAY) -> None:
        from conftest import clock_at

        self._workspace = open_store(cli.store, clock_at(day), "test")

    def __enter__(self) -> Workspace:
        return self._workspace

    def __exit__(self, *_: object) -> None:
        self._workspace.close()


def exported(cli: Cli, tmp_path: Path, kind: str, file_format: str, *more: object) -> Path:
    out = tmp_path / f"印 {kind}.{file_format}"
    cli("catalogue", "export", "--kind", kind, "--out", out, *more)
    return out


def lists_in(path: Path, look: Look) -> list[list[list[str]]]:
    """The rows of each catalogue as a person reads them, whatever the format; of covers their values."""
    if path.suffix == ".json":
        plain = json.loads(path.read_text("utf-8"))
        keys = [one.key for one in look.columns] or [key for key, _ in look.facts]
        if not look.columns:
            return [[[shown(one[key]) for key in keys]] for one in plain["items"]]
        return [[[shown(one[key]) for key in keys] for one in plain["items"] if one["catalogue"] == number]
                for number in range(1, len(plain["catalogues"]) + 1)]
    if path.suffix == ".csv":
        data = path.read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        heads, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig")))
        assert heads == ([one.label for one in look.columns] or [label for _, label in look.facts])
        return [[[uncovered(cell) for cell in row] for row in rows]]
    if path.suffix == ".xlsx":
        book = CalamineWorkbook.from_path(str(path))
        found = []
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python()
            assert rows[0][0] == look.title
            if not look.columns:
                assert [row[0] for row in rows[1:]] == [label for _, label in look.facts]
                found.append([[shown(row[1]) for row in rows[1:]]])
            elif not name.endswith("封面"):
                assert rows[2] == [one.label for one in look.columns]
                found.append([[shown(cell) for cell in row] for row in rows[3:]])
        return found
    tables = docx.Document(str(path)).tables
    found = []
    for table in tables:
        rows = [[cell.text for cell in row.cells] for row in table.rows]
        if look.columns and len(rows) > 1 and rows[1] == [one.label for one in look.columns]:
            found.append(rows[2:])
    return found


def shown(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def uncovered(cell: str) -> str:
    """What csv_text wrapped."""
    if cell.startswith('="'):
        return cell[2:-1]
    return cell[1:] if cell[:2] in ("'=", "'-", "'+", "'@") else cell


def code(year: int, period: str, serial: int) -> str:
    return f"C001-KF·{year}-{period}-KFZ-{serial:04}"


LAST_LIST = [  # the third catalogue of 2026, D10
    ["1", code(2026, "D10", 1), "换通〔2026〕0001号", COMPANY, "张三换表通知书", "20260615", "", "2", ""],
    ["2", code(2026, "D10", 2), "换通〔2026〕0002号", COMPANY, f"[{LONG}]", "20260616", "秘密", "2", ""],
    ["3", code(2026, "D10", 3), "换通〔2026〕0003号", COMPANY, FORMULA, "20260901", "", "2", "-缺附件"],
    ["4", code(2026, "D10", 4), "回访〔2026〕00001号", COMPANY, "张三客户回访记录", "20260708", "", "1", ""],
    ["5", code(2026, "D10", 5), "回访〔2026〕00002号", COMPANY, "李四客户回访记录", "20260709", "", "1", ""],
    ["6", code(2026, "D10", 6), "维修〔2026〕0015号", COMPANY, "柳荫街维修工作单", "20261012", "", "1", ""],
]


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_catalogue_of_items_has_every_column_of_every_item(filled: Cli, tmp_path: Path, file_format: str) -> None:
    lists = lists_in(exported(filled, tmp_path, "items", file_format), items.LOOK)
    assert lists[-1][-6:] == LAST_LIST
    everything = [row for one in lists for row in one]
    assert [row[1] for row in everything] == [
        code(2024, "D10", 1), code(2025, "D30", 1), code(2026, "D30", 1), code(2026, "D30", 2),
        *(code(2026, "D10", serial) for serial in range(1, 7))]
    if file_format != "csv":
        assert [len(one) for one in lists] == [1, 1, 2, 6]


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_register_of_a_transfer_lists_size_and_digest_of_every_paper(
    filled: Cli, tmp_path: Path, file_format: str
) -> None:
    (rows,) = lists_in(exported(filled, tmp_path, "transfer", file_format, "--year", 2025), transfer.LOOK)
    paper = PAPERS[2]
    data = paper.title.encode()
    assert rows == [["1", code(2025, "D30", 1), paper.title, "2025-11-06", "2", str(len(data)),
                     hashlib.sha256(data).hexdigest(), ""]]


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_contents_of_a_volume_count_pages_through_and_end_with_a_range(
    filled: Cli, tmp_path: Path, file_format: str
) -> None:
    (rows,) = lists_in(exported(filled, tmp_path, "volume", file_format, "--volume", VOLUME), volumes.INSIDE)
    assert rows == [
        ["1", "供合〔2026〕0001号", COMPANY, "张三供用水合同", "20260302", "1", ""],
        ["2", "回访〔2026〕00001号", COMPANY, "张三客户回访记录", "20260708", "3", ""],
        ["3", "换通〔2026〕0001号", COMPANY, "张三换表通知书", "20260615", "4-5", ""],
    ]


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_catalogue_of_volumes_has_dates_counts_and_the_longest_period(
    filled: Cli, tmp_path: Path, file_format: str
) -> None:
    (rows,) = lists_in(exported(filled, tmp_path, "volumes", file_format), volumes.VOLUMES)
    assert rows == [["1", VOLUME, "张三用户档案", "20260302-20260708", "3", "5", "30年", ""]]


NOTE = ["C001", VOLUME, "张三用户档案", "本卷共有文件材料3件，5页。", "缺附件一页。\n余齐全。", "林昇", "2026-12-01",
        "石磊", "2026-12-02"]
COVER = ["C001", COMPANY, VOLUME, "张三用户档案", "2026-03-02", "2026-07-08", "30年", "", "3", "5"]


@pytest.mark.parametrize(("kind", "look", "values"), [
    ("notes", volumes.NOTES, NOTE), ("covers", volumes.COVERS, COVER)])
@pytest.mark.parametrize("file_format", ["xlsx", "csv", "json"])
def test_notes_and_covers_say_all_of_a_volume(
    filled: Cli, tmp_path: Path, file_format: str, kind: str, look: Look, values: list[str]
) -> None:
    assert lists_in(exported(filled, tmp_path, kind, file_format), look) == [[values]]


def test_notes_and_covers_in_word_print_the_same(filled: Cli, tmp_path: Path) -> None:
    def texts(kind: str) -> str:
        tables = docx.Document(str(exported(filled, tmp_path, kind, "docx"))).tables
        return "\n".join(cell.text for table in tables for row in table.rows for cell in row.cells)

    note, cover = texts("notes"), texts("covers")
    for text in (VOLUME, "张三用户档案", "本卷共有文件材料3件，5页。", "缺附件一页。\n余齐全。", "林昇",
                 "2026年12月1日", "石磊", "2026年12月2日"):
        assert text in note
    for text in ("C001", VOLUME, "张三用户档案", "自2026年3月2日起至2026年7月8日止", "30年", "3件", "5页"):
        assert text in cover


def test_covers_and_heads_say_fonds_year_period_office_and_counts(filled: Cli, tmp_path: Path) -> None:
    facts = {"fonds": "C001", "fonds_name": COMPANY, "year": "2026", "period": "10年", "department": "客户服务中心",
             "count": 6, "pages": 9}
    plain = json.loads(exported(filled, tmp_path, "items", "json").read_text("utf-8"))
    assert plain["catalogues"][-1] == {"name": "2026-D10-KFZ", "count": 6, "facts": facts}
    assert plain["total"] == 10 and plain["title"] == "归档文件目录"
    book = CalamineWorkbook.from_path(str(exported(filled, tmp_path, "items", "xlsx")))
    assert book.sheet_names[-2:] == ["2026-D10-KFZ 封面", "2026-D10-KFZ"]
    cover = book.get_sheet_by_name("2026-D10-KFZ 封面").to_python()
    assert [shown(row[1]) for row in cover[1:]] == [shown(one) for one in facts.values()]
    line = book.get_sheet_by_name("2026-D10-KFZ").to_python()[1][0]
    assert "年度：2026　　保管期限：10年　　机构（问题）：客户服务中心　　件数：6" in line
    paper = docx.Document(str(exported(filled, tmp_path, "items", "docx")))
    assert [row.cells[1].text for row in paper.tables[-2].rows] == [shown(one) for one in facts.values()]
    assert "保管期限：10年" in paper.tables[-1].rows[0].cells[0].text
    assert sum("归档文件目录" in one.text for one in paper.paragraphs) == 8 and len(paper.sections) == 8


def test_the_digest_of_a_transfer_can_be_computed_by_anybody(filled: Cli, tmp_path: Path) -> None:
    plain = json.loads(exported(filled, tmp_path, "transfer", "json").read_text("utf-8"))
    lines = "".join(f"{one['sha256']}  {one['code']}\n" for one in plain["items"])
    facts = plain["catalogues"][0]["facts"]
    assert facts["digest"] == hashlib.sha256(lines.encode()).hexdigest()
    assert facts["count"] == "10件，16页" and facts["name"] == f"{COMPANY}2024-2026年度归档文件"
    assert facts["content"].startswith("换表通知书3件、维修工作单1件、供用水合同3件、回访记录3件；档号 ")
    book = CalamineWorkbook.from_path(str(exported(filled, tmp_path, "transfer", "xlsx")))
    first = [row[0] for row in book.get_sheet_by_index(0).to_python()]
    assert first[-8:] == ["检验项目", "准确性检验", "完整性检验", "可用性检验", "安全性检验", "填表人（签名）",
                          "审核人（签名）", "单位（印章）"]


def test_together_is_one_catalogue_in_the_order_of_the_codes(filled: Cli, tmp_path: Path) -> None:
    plain = json.loads(exported(filled, tmp_path, "items", "json", "--together").read_text("utf-8"))
    (catalogue,) = plain["catalogues"]
    assert catalogue["facts"]["year"] == "2024-2026" and catalogue["facts"]["period"] == "10年、30年"
    assert [one["place"] for one in plain["items"]] == list(range(1, 11))


@pytest.mark.parametrize(("more", "codes"), [
    (("--class", "visit-record", "--year", "2026"), [4, 5]),
    (("--form", "meter-change-notice"), [1, 2, 3]),
    (("--period", "D10", "--from", "2026-07-01", "--to", "2026-08-31"), [4, 5]),
    (("--account", "0012005101", "--period", "D10"), [1, 4]),
    (("--volume", VOLUME, "--period", "D10"), [1, 4]),
])
def test_every_choice_narrows_the_list(filled: Cli, tmp_path: Path, more: tuple[str, ...], codes: list[int]) -> None:
    plain = json.loads(exported(filled, tmp_path, "items", "json", *more).read_text("utf-8"))
    assert [one["code"] for one in plain["items"]] == [code(2026, "D10", serial) for serial in codes]


def test_what_a_spreadsheet_prints_is_text_and_real_dates_with_heads_on_every_page(
    filled: Cli, tmp_path: Path
) -> None:
    import openpyxl

    book = openpyxl.load_workbook(exported(filled, tmp_path, "items", "xlsx"))
    sheet = book["2026-D10-KFZ"]
    assert sheet["E6"].value == FORMULA and sheet["E6"].data_type == "s" and sheet["E6"].quotePrefix
    assert sheet["F4"].value == "20260615" and sheet["F4"].number_format == "@"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.print_title_rows) == (
        "landscape", 9, "$1:$3")
    assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.page_setup.fitToHeight == 0
    # LONG takes 3 lines in a column of 32 places.
    assert sheet.row_dimensions[5].height > 3 * 12 > sheet.row_dimensions[4].height
    dates = openpyxl.load_workbook(exported(filled, tmp_path, "transfer", "xlsx"))["移交登记表"]["D4"]
    assert dates.is_date and dates.value.date() == date(2024, 12, 30) and dates.number_format == "yyyy-mm-dd"


def test_heads_of_a_word_list_are_repeated_and_rows_are_not_torn(filled: Cli, tmp_path: Path) -> None:
    for kind in ("items", "transfer", "volume", "volumes"):
        with zipfile.ZipFile(exported(filled, tmp_path, kind, "docx")) as package:
            text = package.read("word/document.xml").decode()
            foot = package.read("word/footer1.xml").decode()
        assert "<w:tblHeader/>" in text and text.count("<w:cantSplit/>") == text.count("<w:tr>")
        assert 'w:orient="landscape"' in text and 'w:lineRule="exact"' in text
        # Each catalogue counts from one; the pages of one section are summed by no program but Word.
        assert " PAGE " in foot and ("NUMPAGES" in foot) == (kind == "transfer")
        lists = 4 if kind == "items" else 1
        assert text.count('<w:pgNumType w:start="1"/>') == lists
        assert text.count("<w:sectPr") == lists * (2 if kind in ("items", "volumes") else 1)


def test_pages_of_covers_have_no_number_and_each_sheet_counts_from_one(filled: Cli, tmp_path: Path) -> None:
    import openpyxl

    for kind in ("covers", "notes"):
        with zipfile.ZipFile(exported(filled, tmp_path, kind, "docx", "--force")) as package:
            assert "PAGE" not in package.read("word/footer1.xml").decode()
    for sheet in openpyxl.load_workbook(exported(filled, tmp_path, "items", "xlsx", "--force")):
        cover = sheet.title.endswith("封面")
        assert sheet.oddFooter.center.text == (None if cover else "第&P页")
        assert cover or (sheet.page_setup.firstPageNumber, sheet.page_setup.useFirstPageNumber) == (1, True)


# --- destroyed, restricted, decided -----------------------------------------------------------------------------


def rows(listing: Listing) -> list[tuple[Any, ...]]:
    return [row for part in listing.parts for row in rows_of(part)]


def test_a_destroyed_record_has_a_row_only_where_asked_for_and_only_its_code(archive: Archive) -> None:
    gone, kept = archive.file("甲", on=date(2020, 1, 5)), archive.file("乙", on=date(2020, 2, 5))
    order = archive.signed(gone)
    archive.execute(order)
    chosen = Selection(year=2020)
    assert [row[1:5] for row in rows(items.items_listing(archive.workspace, chosen, {}))] == [
        (code(2020, "D10", 2), "", COMPANY, "乙")]
    every = items.items_listing(archive.workspace, Selection(year=2020, status=None), {})
    assert rows(every)[0] == (1, code(2020, "D10", 1), "", "", "", "", "", None, f"已销毁，见销毁清册{order.order_id}")
    assert every.parts[0].count == 2 and kept in set(every.records())
    assert [row[1] for row in rows(transfer.transfer_listing(archive.workspace, chosen, {}))] == [code(2020, "D10", 2)]


def test_a_decision_to_extend_is_shown_beside_the_code_which_stays(
    archive: Archive, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, second = archive.file("甲", on=date(2020, 1, 5)), archive.file("乙", on=date(2020, 2, 5))
    order = archive.propose(first, second)
    archive.appraise(order, {first: Opinion("extend", date(2045, 12, 31)), second: Opinion("keep")})
    plain = json.loads(exported(Cli(archive.root, capsys), tmp_path, "items", "json", "--year", 2020, "--as", "arch")
                       .read_text("utf-8"))
    assert [(one["code"], one["note"]) for one in plain["items"]] == [
        (code(2020, "D10", 1), f"鉴定决定（{order.order_id}）：延期至2045-12-31"),
        (code(2020, "D10", 2), f"鉴定决定（{order.order_id}）：永久保管")]


def test_who_holds_no_role_sees_no_title_of_a_restricted_record(
    archive: Archive, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    secret = archive.file("停水案", on=date(2024, 1, 5), record_class="stop-order", note="案情", security="秘密",
                          responsible="稽查科", period_term="长期")
    volume = open_volume(archive.workspace, NewVolume("project", "某案"))
    cli = Cli(archive.root, capsys)
    cli("volume", "add", volume.code, secret, "--as", "arch")
    for kind in ("items", "transfer", "volume", "volumes", "notes", "covers"):
        blind, full = (exported(cli, tmp_path, kind, "json", "--force", *more).read_text("utf-8")
                       for more in ((), ("--as", "arch")))
        named = "某案" if kind in ("volumes", "notes", "covers") else "停水案"
        assert named in full and "限制利用" not in full
        assert "限制利用" in blind
        cli("catalogue", "export", "--kind", kind, "--out", tmp_path / "again.csv", "--force")
        assert ("--as" in cli.err and "（限制利用）: 1." in cli.err) == (kind in ("items", "transfer", "volume"))
        for text in ("停水案", "某案", "案情", "稽查科", "秘密", "原保管期限"):  # the period heads the list
            assert text not in blind


def test_a_list_in_the_outbox_goes_with_the_record_that_it_names(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = archive.file("机密甲", on=date(2020, 1, 5))
    volume = open_volume(archive.workspace, NewVolume("project", "某卷"))
    add_to_volume(archive.workspace, volume.code, [gone, archive.file("机密乙", on=date(2026, 1, 5))])
    cli = Cli(archive.root, capsys)
    outbox = archive.root / "outbox"
    for kind, file_format in (("items", "xlsx"), ("volume", "docx"), ("volumes", "csv"), ("notes", "docx"),
                              ("covers", "json"), ("transfer", "csv")):
        cli("catalogue", "export", "--kind", kind, "--out", outbox / "印" / f"{kind}.{file_format}")
    assert len(list((outbox / "印").iterdir())) == 12
    archive.reopen(TODAY)
    archive.execute(archive.signed(gone))
    assert not [path for path in (outbox / "印").iterdir() if path.suffix != ".ids"]


# --- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("more", "exit_code", "told"), [
    (("--kind", "items", "--class", "visit-recrd"), 5, "There is no record class visit-recrd"),
    (("--kind", "items", "--year", "1999"), 5, "No record answers to what was chosen"),
    (("--kind", "volume", "--volume", "AJ9"), 5, "There is no volume AJ9"),
    (("--kind", "volumes", "--year", "2024"), 5, "No volume has a record"),
    (("--kind", "transfer", "--status", "all"), 2, "--status all goes with --kind"),
    (("--kind", "items", "--period", "D"), 2, "D is no period of an archival code"),
    (("--kind", "volumes", "--together"), 2, "--together goes with --kind items"),
    (("--kind", "items", "--format", "csv"), 2, "ends in .xlsx, but --format says csv"),
    (("--kind", "item"), 2, "item is none of: items (归档文件目录)"),
])
def test_wrong_input_is_named_and_nothing_is_written(
    filled: Cli, tmp_path: Path, more: tuple[str, ...], exit_code: int, told: str
) -> None:
    out = tmp_path / "new" / "x.xlsx"
    filled("catalogue", "export", *more, "--out", out, expect=exit_code)
    assert told in filled.err and not out.exists() and not list(tmp_path.rglob("*.tmp"))


def test_an_ending_that_says_no_format_needs_one(filled: Cli, tmp_path: Path) -> None:
    filled("catalogue", "export", "--kind", "items", "--out", tmp_path / "x.txt", expect=2)
    assert ".xlsx" in filled.err
    filled("catalogue", "export", "--kind", "items", "--format", "csv", "--out", tmp_path / "x.txt")
    assert (tmp_path / "x.txt").read_bytes().startswith("\ufeff序号,档号".encode())


def test_a_file_that_is_there_stays_unless_forced(filled: Cli, tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    out.write_text("kept")
    filled("catalogue", "export", "--kind", "items", "--out", out, expect=3)
    assert "exists already" in filled.err and out.read_text() == "kept"
    filled("catalogue", "export", "--kind", "items", "--out", out, "--force")
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    filled("catalogue", "export", "--kind", "items", "--out", filled.store / "objects" / "x.csv", expect=2)
    assert "lies inside the store" in filled.err
    filled("catalogue", "export", "--kind", "items", "--out", filled.store / "outbox" / "x.csv")
    filled("catalogue", "export", "--kind", "items", "--out", filled.store / "outbox" / "x.csv", expect=3)


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("inside", [False, True])
def test_a_full_disk_leaves_no_half_file(
    filled: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_format: str, inside: bool
) -> None:
    folder = filled.store / "outbox" if inside else tmp_path / "out"
    folder.mkdir(exist_ok=True)

    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files, "_sync", full)
        filled("catalogue", "export", "--kind", "items", "--out", folder / f"x.{file_format}", expect=1)
    assert os.strerror(errno.ENOSPC) in filled.err
    assert [path.name for path in folder.iterdir() if path.name.startswith(("x.", ".")) and path.name != ".gitignore"
            ] == []


def test_records_that_change_while_a_list_is_written_stop_it(filled: Cli) -> None:
    with opened(filled) as workspace:
        listing = items.items_listing(workspace, Selection(year=2024), {})
        (part,) = listing.parts
        for count in (part.count - 1, part.count + 1):
            wrong = Listing(listing.look, (Part(part.name, part.facts, count, part.rows),), listing.records)
            for file_format in FORMATS:
                with pytest.raises(StoreBusy):
                    write_listing(workspace, wrong, file_format, io.BytesIO())  # type: ignore[arg-type]


def test_a_list_too_long_for_word_says_what_to_do(filled: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("recordkit.archive.listings.paper.MOST_ROWS", 9)
    filled("catalogue", "export", "--kind", "items", "--out", tmp_path / "x.docx", expect=3)
    assert "10 rows are too many" in filled.err and ".xlsx" in filled.err and not (tmp_path / "x.docx").exists()


# --- the forms of listings --------------------------------------------------------------------------------------


def test_the_forms_of_listings_have_the_fields_of_the_listings() -> None:
    assert list_listing_ids(None) == sorted(f"listings/{one.kind}" for one in LOOKS)
    for look in LOOKS:
        spec = load_form(None, f"listings/{look.kind}").spec
        assert (spec.kind, spec.name) == ("listing", look.title)
        assert [one.key for one in spec.fields if one.key != ROWS] == [key for key, _ in look.facts]
        if look.columns:
            assert [one.key for one in spec.by_name[ROWS].columns] == [one.key for one in look.columns]


def test_every_form_of_a_listing_is_checked_and_has_neither_error_nor_warning(cli: Cli) -> None:
    found = cli.json("forms", "check", *list_listing_ids(None))["items"]
    assert {one["form"] for one in found} == set(list_listing_ids(None))
    assert {one["severity"] for one in found} == {"remark"}


def test_forms_of_listings_are_listed_when_asked_for_and_nothing_is_issued_from_them(cli: Cli) -> None:
    plain = {one["form"] for one in cli.json("forms", "list")["items"]}
    assert plain == set(list_form_ids(None)) and not any("listings" in one for one in plain)
    asked = {one["form"] for one in cli.json("forms", "list", "--listings")["items"]}
    assert asked == set(list_listing_ids(None))
    cli("generate", "listings/items", "--set", "fonds=C001", expect=3)
    assert "no document is issued from it" in cli.err and "catalogue export" in cli.err
    assert not list((cli.store / "outbox").glob("*.docx"))


def test_the_offices_own_form_of_a_listing_wins(filled: Cli, tmp_path: Path) -> None:
    shipped = load_form(None, "listings/items").folder
    own = filled.store / "forms" / "listings" / "items"
    own.mkdir(parents=True)
    for path in shipped.iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    paper = docx.Document(str(own / "template.docx"))
    paper.paragraphs[0].runs[0].text = "本单位归档文件目录"
    paper.save(str(own / "template.docx"))
    made = docx.Document(str(exported(filled, tmp_path, "items", "docx")))
    assert made.paragraphs[0].text == "本单位归档文件目录"


def test_the_old_term_of_an_inherited_record_is_printed_as_it_is_and_forever_governs_its_volume(
    archive: Archive
) -> None:
    old = archive.file("旧档", on=date(1998, 5, 1), period_term="永久", note="霉斑")
    volume = open_volume(archive.workspace, NewVolume("project", "旧卷"))
    add_to_volume(archive.workspace, volume.code, [old, archive.file("新档")])
    as_archivist = items.items_listing(archive.workspace, Selection(year=1998), {})
    assert as_archivist.count == 1 and [row[-1] for row in rows(as_archivist)] == ["霉斑；原保管期限：永久"]
    (row,) = rows(volumes.volumes_listing(archive.workspace, Selection()))
    assert row == (1, volume.code, "旧卷", "19980501-20240601", 2, 4, "永久", "未封卷")


@pytest.mark.parametrize(("period", "told"), [("Y", "永久"), ("D30", "30年"), ("M18", "18个月"), ("长期", "长期")])
def test_a_period_is_printed_in_words(period: str, told: str) -> None:
    assert told_period(period) == told


@pytest.mark.parametrize("file_format", ["docx", "xlsx"])
def test_the_whole_set_is_written_into_a_folder_by_one_command(filled: Cli, tmp_path: Path, file_format: str) -> None:
    more = () if file_format == "docx" else ("--format", "xlsx")
    done = filled.json("catalogue", "print", "--year", "2026", "--out", tmp_path / "全套", *more)
    names = ["归档文件目录", "卷内文件目录", "案卷目录", "移交登记表", "卷内备考表", "案卷封面"]
    assert sorted(one["title"] for one in done["items"]) == sorted(look.title for look in LOOKS)
    assert len({one["path"] for one in done["items"]}) == len(names) == 6
    for one in done["items"]:
        assert zipfile.is_zipfile(one["path"]) and one["path"].endswith(f".{file_format}")
    filled("catalogue", "print", "--year", "2026", "--out", tmp_path / "全套", *more, expect=3)
    filled("catalogue", "print", "--year", "2026", "--out", tmp_path / "全套", *more, "--force")
    without = filled.json("catalogue", "print", "--year", "2024", "--out", tmp_path / "无卷", *more)
    assert {one["kind"] for one in without["items"]} == {"items", "transfer"}
    filled("catalogue", "print", "--year", "1999", "--out", tmp_path / "空", expect=5)
    assert not (tmp_path / "空").exists()


def test_what_is_printed_is_named_in_chinese_too(filled: Cli, tmp_path: Path) -> None:
    for at, name in enumerate(("归档文件目录", "卷内文件目录", "案卷目录", "移交登记表", "卷内备考表", "案卷封面")):
        filled.json("catalogue", "export", "--kind", name, "--out", tmp_path / f"{at}.json")
        assert json.loads((tmp_path / f"{at}.json").read_text("utf-8"))
    filled("catalogue", "export", "--kind", "目录", "--out", tmp_path / "x.json", expect=2)
