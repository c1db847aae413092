"""Documents and working copies of a destroyed record: found wherever they lie, and never taken for another's."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli
from openpyxl import Workbook
from word_files import para, word_file

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from retention_store import Archive, make_archive  # noqa: E402

from recordkit.archive.catalogue import get_record, objects_of  # noqa: E402
from recordkit.retention.destruction import Execution  # noqa: E402
from recordkit.retention.order_state import Order  # noqa: E402
from recordkit.templates.code import PrintedCode  # noqa: E402
from recordkit.templates.issue import find_issue  # noqa: E402
from recordkit.templates.pagecodes import add_page_codes  # noqa: E402

ACCOUNT = "0088412345"
PARTY = "欧阳某某"
LONG_AGO, LATER = 1_000_000_000, 4_000_000_000  # seconds: 2001 and 2096, before and after any filing here


@dataclass
class Office:
    """A store, its command line, and the record of an issued document that is to be destroyed."""

    archive: Archive
    cli: Cli
    order: Order | None = None

    @property
    def root(self) -> Path:
        return self.archive.root

    def generate(self, *more: object, customer: str = PARTY, account: str = ACCOUNT) -> tuple[str, Path]:
        """Number and path of a newly issued notice."""
        self.archive.workspace.close()
        sample = json.loads(self.cli("forms", "sample", "meter-change-notice", "--json"))
        values = {**sample, "customer_name": customer, "account": account}
        data = self.root.parent / "row.json"
        data.write_text(json.dumps([values], ensure_ascii=False), encoding="utf-8")
        command = ("generate", "meter-change-notice", "--data", data, "--as-of", "2020-01-02", *more)
        (item,) = self.cli.json(*command)["items"]
        self.archive.reopen()
        return item["number"], Path(item["path"])

    def file(self, number: str) -> str:
        issue = find_issue(self.archive.workspace.db, number)
        return self.archive.file("回访", on=date(2020, 1, 2), content=b"scan", issue_id=issue.issue_id,
                                 account=ACCOUNT, party=PARTY)

    def destroy(self, record: str) -> Execution:
        if self.order is None:
            self.archive.file("旁人", account="其他", content=b"other", on=date(2036, 1, 1))
            self.order = self.archive.signed(record)
        return self.archive.execute(self.order)


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    archive = make_archive(tmp_path / "库")
    made = Office(archive, Cli(archive.root, capsys))
    yield made
    made.archive.workspace.close()


def outcome(done: Execution) -> list[tuple[str, str]]:
    return [(str(one.outcome), str(one.reason or "")) for one in done.outcomes]


def page_of(office: Office, number: str) -> bytes:
    """A one-page PDF that bears the issue's code, as printing makes it."""
    import pypdf

    writer, out = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(595, 842)
    writer.write(out)
    return add_page_codes(out.getvalue(), PrintedCode(find_issue(office.archive.workspace.db, number).issue_id, 1)).data


def test_documents_printed_again_into_other_folders_of_the_outbox_go_too(office: Office) -> None:
    number, path = office.generate("--out", office.root / "outbox" / "三月")
    record = office.file(number)
    copies = [office.root / "outbox" / path.name, office.root / "outbox" / "补打" / "a" / path.name]
    for copy in copies:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
        copy.with_suffix(".pdf").write_bytes(b"not even a PDF")
    alone = office.root / "outbox" / "只有PDF" / path.with_suffix(".pdf").name
    alone.parent.mkdir()
    alone.write_bytes(page_of(office, number))
    assert outcome(office.destroy(record)) == [("destroyed", "")]
    left = [one for one in office.root.rglob("*") if one.suffix in (".docx", ".pdf") and "forms" not in one.parts]
    # The appraisal report is a Word document of the archive's own, without titles.
    assert [one.relative_to(office.root).parts[0] for one in left] == ["objects"]
    assert [one.name for one in left] == ["original.docx"]


@pytest.mark.parametrize("where", ["outbox", "outbox/子"])
def test_another_document_under_the_same_name_stays(office: Office, where: str) -> None:
    folder = office.root / where
    number, path = office.generate("--name", "{account}", "--out", folder)
    record = office.file(number)
    path.unlink()
    other, taken = office.generate("--name", "{account}", "--out", folder, customer="旁人")
    assert taken == path
    twin = taken.with_suffix(".pdf")
    twin.write_bytes(page_of(office, other))
    before = (taken.read_bytes(), twin.read_bytes())
    assert outcome(office.destroy(record)) == [("destroyed", "")]
    assert (taken.read_bytes(), twin.read_bytes()) == before


def test_a_letter_without_a_code_under_the_same_name_stays_unless_it_bears_the_number(office: Office) -> None:
    number, path = office.generate()
    record = office.file(number)
    letter = office.root / "outbox" / "来信" / path.name
    cited = office.root / "outbox" / "引用" / path.name
    for one, text in ((letter, "与此无关"), (cited, f"关于{number}的说明")):
        one.parent.mkdir()
        one.write_bytes(word_file(para(text)))
    ((result, reason),) = outcome(office.destroy(record))
    assert result == "failed" and cited.relative_to(office.root).as_posix() in reason
    assert letter.exists() and cited.exists() and not path.exists()
    assert objects_of(office.archive.workspace).exists(record)
    assert outcome(office.destroy(record))[0][0] == "failed"
    cited.unlink()
    assert outcome(office.destroy(record)) == [("destroyed", "")]
    assert letter.exists() and not objects_of(office.archive.workspace).exists(record)


def test_a_document_at_the_recorded_path_whose_pictures_are_gone_goes_by_its_number(office: Office) -> None:
    number, path = office.generate()
    record = office.file(number)
    stripped = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stripped, "w") as new:
        for info in old.infolist():
            if "media" not in info.filename:
                new.writestr(info, old.read(info))
    path.write_bytes(stripped.getvalue())
    assert outcome(office.destroy(record)) == [("destroyed", "")]
    assert not path.exists()


def test_one_pdf_of_several_documents_is_named_and_not_removed(office: Office) -> None:
    import pypdf

    number, path = office.generate()
    record = office.file(number)
    other, _ = office.generate(customer="旁人", account="0099")
    both, out = pypdf.PdfWriter(), io.BytesIO()
    for one in (number, other):
        both.append(io.BytesIO(page_of(office, one)))
    both.write(out)
    merged = path.with_suffix(".pdf")
    merged.write_bytes(out.getvalue())
    ((result, reason),) = outcome(office.destroy(record))
    assert result == "failed" and f"outbox/{merged.name}" in reason and number in reason
    assert merged.exists()


@pytest.mark.parametrize("place", ["recordkit.toml", "catalogue.sqlite3", "forms/x.docx", ""])
def test_issue_data_that_was_changed_stops_the_item_and_removes_nothing(office: Office, place: str) -> None:
    """``generate`` writes to no such place; who changes the data must neither steer the removal nor hide documents."""
    number, path = office.generate()
    record = office.file(number)
    with_outputs(office, number, [place or path.name])
    ((result, reason),) = outcome(office.destroy(record))
    assert result == "refused" and "not those that were filed" in reason
    assert path.exists() and (office.root / "recordkit.toml").exists() and (office.root / "catalogue.sqlite3").exists()


def with_outputs(office: Office, number: str, outputs: list[str]) -> None:
    """Change where the issue's data says its document was written."""
    import hashlib

    from recordkit.model import canonical_json
    from recordkit.templates import issue_data
    from recordkit.templates.issue import read_issue_data

    workspace = office.archive.workspace
    issue = find_issue(workspace.db, number)
    line = canonical_json({**read_issue_data(workspace, issue), "outputs": outputs})
    issue_data.write_pack(office.root, issue.pack, [line])
    workspace.db.run("UPDATE issues SET data = :data WHERE issue_id = :id",
                     {"data": hashlib.sha256(line).hexdigest(), "id": issue.issue_id})


def xlsx(*cells: object) -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.active.append(list(cells))
    book.save(out)
    return out.getvalue()


FORMS = {
    "csv": ("outbox/三月/rows-refused-1.csv", lambda name: f"户名,户号\n某人,{name}\n".encode("utf-8-sig")),
    "csv of Excel": ("outbox/rows-refused-1.csv", lambda name: f"户名,户号\n某人, {name} \n".encode("gb18030")),
    "xlsx": ("outbox/换表-refused-2.xlsx", lambda name: xlsx("某人", name)),
    "list in a cell": ("outbox/换表-refused-2.xlsx", lambda name: xlsx("某人", f"0001|{name}; 0002|乙")),
    "json": ("rows-refused-1.json", lambda name: json.dumps([{"rows": [{"户": name}]}], ensure_ascii=False).encode()),
    "answers": ("work/meter-change-notice-answers-1.json", lambda name: json.dumps({"account": name}).encode()),
}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize(("about", "changed", "left"), [
    (ACCOUNT, LONG_AGO, "removed"), (ACCOUNT, LATER, "named"), (PARTY, LONG_AGO, "named"), ("0088", LATER, "kept"),
    (f"{ACCOUNT}6", LONG_AGO, "kept"),
])
def test_working_copies_that_name_the_customer(
    office: Office, kind: str, about: str, changed: int, left: str
) -> None:
    record = office.archive.file("回访", content=b"visit", on=date(2020, 1, 2), account=ACCOUNT, party=PARTY)
    name, write = FORMS[kind]
    path = office.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write(about))
    os.utime(path, (changed, changed))
    ((result, reason),) = outcome(office.destroy(record))
    if left == "named":
        assert result == "failed" and name in reason
        assert path.exists() and get_record(office.archive.workspace.db, record).status == "active"
        path.unlink()
        assert outcome(office.destroy(record)) == [("destroyed", "")]
    else:
        assert result == "destroyed"
        assert path.exists() == (left == "kept")


def test_todays_refused_row_of_a_customer_with_other_records_stops_nothing(office: Office) -> None:
    record = office.archive.file("回访", content=b"visit", on=date(2020, 1, 2), account=ACCOUNT, party=PARTY)
    office.archive.file("新回访", content=b"new", on=date(2036, 6, 1), account=ACCOUNT, party=PARTY)
    path = office.root / "outbox" / "rows-refused-1.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"户名,户号\n{PARTY},{ACCOUNT}\n", encoding="utf-8")
    os.utime(path, (LATER, LATER))
    assert outcome(office.destroy(record)) == [("destroyed", "")]
    assert path.exists()


def test_refused_rows_that_go_with_a_later_record_of_the_order_do_not_stop_an_earlier_one(office: Office) -> None:
    first = office.archive.file("回访", content=b"visit", on=date(2020, 1, 2), account="另一户", party=PARTY)
    second = office.archive.file("又回访", content=b"again", on=date(2020, 1, 3), account=ACCOUNT)
    path = office.root / "outbox" / "销户-refused-1.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"户名,户号\n{PARTY},{ACCOUNT}\n", encoding="utf-8")
    os.utime(path, (LONG_AGO, LONG_AGO))
    office.archive.file("旁人", account="其他", content=b"other", on=date(2036, 1, 1))
    office.archive.file("旁人二", account="其他", content=b"another", on=date(2036, 1, 1))
    office.order = office.archive.signed(first, second)
    assert outcome(office.archive.execute(office.order)) == [("destroyed", "")] * 2
    assert not path.exists()


def test_a_refused_file_that_nobody_can_read_is_named(office: Office) -> None:
    record = office.archive.file("回访", content=b"visit", on=date(2020, 1, 2), account=ACCOUNT)
    path = office.root / "outbox" / "rows-refused-1.xlsx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"half a spreadsheet")
    ((result, reason),) = outcome(office.destroy(record))
    assert result == "failed" and "outbox/rows-refused-1.xlsx (cannot be read" in reason


def test_rows_of_edited_and_destroyed_records_are_equal_after_a_rebuild(office: Office) -> None:
    from recordkit.archive.editing import edit_record

    workspace = office.archive.workspace
    record = office.archive.file("回访", content=b"visit", on=date(2020, 1, 2), account=ACCOUNT)
    edit_record(workspace, record, {"number": "旧〔2020〕7号", "party": PARTY}, "补录")
    lost = office.archive.file("遗失", content=b"lost", on=date(2036, 1, 2), account="其他")
    edit_record(workspace, lost, {"party": "丁"}, "补录")
    assert outcome(office.destroy(record)) == [("destroyed", "")]

    def rows() -> dict[str, dict[str, object]]:
        return {row["record_id"]: dict(row) for row in workspace.db.all("SELECT * FROM records")}

    before = rows()
    assert before[record]["version"] == 2
    workspace.rebuild()
    assert rows() == before
    objects_of(workspace).remove(lost)
    workspace.rebuild()
    bare = rows()[lost]
    same = ("version", "commitment", "touched", "status", "number")
    assert {name: bare[name] for name in same} == {name: before[lost][name] for name in same}
