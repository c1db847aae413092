"""The archival code: by the template of the office, given once, never again; the settings say what a template lacks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from conftest import Cli, clock_at
from hypothesis import given
from hypothesis import strategies as st
from small_archive import DAY

from recordkit import files
from recordkit.archive import catalogue
from recordkit.archive.archival_code import CodePlace, CodeTemplate, Gap, find_gaps, named_already
from recordkit.archive.filing import NewRecord, file_records
from recordkit.archive.selection import Selection, select_records
from recordkit.archive.volume_acts import NewVolume, open_volume
from recordkit.archive_settings import ArchiveSection, wrong_in_archive
from recordkit.errors import InputRefused
from recordkit.settings import CompanySection, Settings, StoreSection, load_settings
from recordkit.store import make_store, open_store
from recordkit.workspace import Workspace

DA22 = ArchiveSection().code
DA13 = "{fonds}-{category}-{seq:04}"
DA13_TWO_LEVELS = "{fonds}-{category}·{class}-{seq:04}"


def template_of(code: str, **others: object) -> CodeTemplate:
    return CodeTemplate.of(Settings(StoreSection("a"), CompanySection(office_code="KFZ"),
                                    ArchiveSection(code=code, **others)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (DA22, "C001-KF·2026-D30-KFZ-0026"),
        (DA13, "C001-KF-0026"),
        (DA13_TWO_LEVELS, "C001-KF·HT-0026"),
        ("{fonds}-{class}·{year}-{seq}", "C001-HT·2026-26"),
        ("{fonds}·{seq:05}-{category}", "C001·00026-KF"),
    ],
)
def test_a_code_is_made_read_and_recognised_by_its_template(code: str, expected: str) -> None:
    template = template_of(code, class_codes={"supply-contract": "HT"})
    place = {"record_class": "supply-contract", "year": 2026, "period": "D30"}
    assert template.code(**place, serial=26) == expected  # type: ignore[arg-type]
    assert template.matches(expected)
    assert template.place(expected).serial == 26
    assert template.place(expected).scope == template.scope(**place)  # type: ignore[arg-type]
    longer = template.code(**place, serial=123456)  # type: ignore[arg-type]
    assert template.matches(longer) and template.place(longer).serial == 123456


@pytest.mark.parametrize(
    "code",
    ["", "C001-KF·2026-D30-KFZ-", "C001-KF·2026-D30-KFZ-026", "C001-KF·2026-D30-KFZ-00026", "C001-KF·26-D30-KFZ-0026",
     "C001-KF·2026-X30-KFZ-0026", "C001-KF·2026-D030-KFZ-0026", "C001-KF-2026-D30-KFZ-0026", "C001-KF·2026-D30-0026",
     "C001-KF·2026-D30-KF Z-0026", "C001-KF·2026-D30-KFZ-0026\n", "C001-KF·2026-D30-KFZ-００２６",
     "C001-KF·2026-D30--0026",
     "-" * 300],
)  # fmt: skip
def test_a_code_that_is_not_well_formed_does_not_match(code: str) -> None:
    assert not template_of(DA22).matches(code)


@given(st.integers(1, 10**9 - 1), st.integers(1000, 9999), st.sampled_from(["Y", "D30", "D10", "M18"]),
       st.sampled_from([DA22, DA13, DA13_TWO_LEVELS, "{fonds}-{class}-{year}·{seq:03}-{period}"]))
def test_every_code_that_is_given_is_well_formed_and_read_back(serial: int, year: int, period: str, code: str) -> None:
    template = template_of(code)
    given_code = template.code(record_class="meter-change-notice", year=year, period=period, serial=serial)
    assert template.matches(given_code)
    place = template.place(given_code)
    assert (place.serial, place.scope) == (
        serial, template.scope(record_class="meter-change-notice", year=year, period=period))


def test_an_inherited_code_of_another_shape_has_a_place_by_its_last_number() -> None:
    template = template_of(DA22)
    assert template.place("1998-5-长期-012").serial == 12
    assert template.place("1998-5-长期-012").scope == template.place("1998-5-长期-7").scope
    assert template.place("无号甲").serial == 0 and template.place("5" * 40).serial == 0


@pytest.mark.parametrize(
    ("code", "lacks"),
    [
        ("{category}·{year}-{seq:04}", "a text with {fonds} in it"),
        ("{fonds}-{year}-{seq:04}", "a text with {category} or {class} in it"),
        ("{fonds}-{category}·{year}", "a text with {seq} in it"),
        ("{fonds}-{category}-{seq}-{seq:04}", "a text with {seq} once"),
        ("{fonds}-{category}{seq:04}", "a text in which a sign such as -"),
        ("{fonds}-{category}-1{seq:04}", "a text in which a sign such as -"),
        ("{seq:04}{fonds}-{category}", "a text in which a sign such as -"),
        ("{fonds} {category}-{seq:04}", "a text without spaces"),
        ("{fonds}-{category}-{seq:099}", "a width of 1 to 12"),
        ("{fonds}-{category!r}-{seq:04}", "a text with the placeholders {fonds}, {category}"),
        ("{fonds}-{category}-{seq:04}}", "a text with the placeholders {fonds}, {category}"),
        ("{fonds}-{category}-{volume}-{seq:04}", "a text with the placeholders {fonds}, {category}"),
    ],
)
def test_a_template_that_could_give_a_code_twice_is_refused_with_what_it_lacks(code: str, lacks: str) -> None:
    first, *others = wrong_in_archive(ArchiveSection(code=code), "KFZ")
    assert lacks in str(first.allowed) and {one.key for one in (first, *others)} == {"archive.code"}


def test_values_that_cannot_stand_in_a_code_are_refused_where_the_template_has_them() -> None:
    def wrong(archive: ArchiveSection, office: str) -> list[str]:
        return [one.key for one in wrong_in_archive(archive, office)]

    assert wrong(ArchiveSection(fonds=""), "KFZ") == ["archive.fonds"]
    assert wrong(ArchiveSection(), "K FZ") == ["company.office_code"]
    assert wrong(ArchiveSection(code=DA13), "") == []
    assert wrong(ArchiveSection(class_codes={"a": "{"}, code=DA13_TWO_LEVELS), "KFZ") == ["archive.class_codes.a"]
    assert wrong(ArchiveSection(code=DA13_TWO_LEVELS), "KFZ") == []


# --- in a store ---------------------------------------------------------------------------------------------


def made(root: Path, code: str = DA22) -> Workspace:
    make_store(root, clock_at(DAY), "test", simulation=True)
    return with_code(root, code)


def with_code(root: Path, code: str) -> Workspace:
    path = root / "recordkit.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(f'code = "{code}"' if line.startswith("code = ") else line for line in lines),
                    encoding="utf-8")
    return open_store(root, clock_at(DAY), "test")


def file_some(
    workspace: Workspace, *codes: str | None, record_class: str = "visit-record", on: date = DAY
) -> list[str]:
    """File papers, inherited codes or None for our own; the codes they have."""
    with workspace.writing() as writer, workspace.staging() as staging:
        news = []
        for code in codes:
            at = catalogue.next_ordinal(workspace.db) + len(news)
            path = staging / f"paper-{at}"
            files.write_atomic(path, f"paper {at}".encode())
            news.append(NewRecord(record_class, f"件{at}", on, 1, {"original.txt": path}, files.digests_of(path),
                                  code=code, extra={"inherited": "catalogue"} if code else {}))
        ids = file_records(writer, workspace, news, staging)
    return [record.code for one in ids if (record := catalogue.get_record(workspace.db, one)) is not None]


def test_another_template_leaves_old_codes_and_gives_none_of_them_again(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s", DA13)
    assert file_some(workspace, None, None) == ["C001-KF-0001", "C001-KF-0002"]
    workspace.close()
    # Wider numbers run on; another shape begins anew; back again, the first goes on.
    workspace = with_code(tmp_path / "s", "{fonds}-{category}-{seq:06}")
    assert file_some(workspace, None) == ["C001-KF-000003"]
    workspace.close()
    workspace = with_code(tmp_path / "s", DA22)
    assert file_some(workspace, None) == ["C001-KF·2026-D10-KFZ-0001"]
    workspace.close()
    workspace = with_code(tmp_path / "s", DA13)
    assert file_some(workspace, None) == ["C001-KF-0004"]
    codes = [one.code for one in catalogue.list_records(workspace.db)]
    assert codes == ["C001-KF-0001", "C001-KF-0002", "C001-KF-000003", "C001-KF·2026-D10-KFZ-0001", "C001-KF-0004"]
    workspace.close()


def test_a_template_under_which_an_old_code_would_come_again_passes_it_over(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s", "{fonds}-{category}·{year}-{seq:04}")
    assert file_some(workspace, None, None) == ["C001-KF·2026-0001", "C001-KF·2026-0002"]
    workspace.close()
    # The scope is another one, yet it yields codes that were given.
    workspace = with_code(tmp_path / "s", "{fonds}-{category}·2026-{seq:04}")
    assert file_some(workspace, "C001-KF·2026-0004", None, None) == [
        "C001-KF·2026-0004", "C001-KF·2026-0005", "C001-KF·2026-0006"]
    workspace.close()
    workspace = with_code(tmp_path / "s", "{fonds}-{category}·{year}-{seq}")
    assert file_some(workspace, "C001-KF·2026-7", None) == ["C001-KF·2026-7", "C001-KF·2026-8"]
    workspace.close()


def test_an_inherited_code_moves_the_numbers_on_and_is_never_given_again(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s")
    ours = "C001-KF·2026-D10-KFZ-{:04}".format
    # Of a batch whose own number comes first, of a later one, and one below: the highest counts.
    assert file_some(workspace, None, ours(7), None) == [ours(1), ours(7), ours(8)]
    assert file_some(workspace, ours(3)) == [ours(3)]
    assert file_some(workspace, None) == [ours(9)]
    for code in (ours(7), ours(8)):
        with pytest.raises(InputRefused, match="is given to another record"):
            file_some(workspace, code)
    with pytest.raises(InputRefused, match="is given to another record"):
        file_some(workspace, "旧-1", "旧-1")
    with pytest.raises(InputRefused, match="is given to another record"):
        file_some(workspace, None, ours(10))
    assert len(catalogue.list_records(workspace.db)) == 5
    assert [(one.first, one.last, one.after, one.before) for one in find_gaps(workspace.db)] == [
        (2, 2, ours(1), ours(3)), (4, 6, ours(3), ours(7))]
    workspace.close()


def test_numbers_beyond_four_digits_stand_behind_those_of_four(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s", DA13)
    file_some(workspace, "C001-KF-9999", "C001-KF-123456", None, "C001-KF-0100")
    assert [one.code for one in select_records(workspace.db, Selection())] == [
        "C001-KF-0100", "C001-KF-9999", "C001-KF-123456", "C001-KF-123457"]
    workspace.close()


def test_gaps_are_told_of_the_scopes_of_a_year_and_class_and_survive_a_rebuild(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s")
    file_some(workspace, "旧·1998-003", "旧·1998-005", "无号")
    file_some(workspace, None, record_class="supply-contract")
    told = [(one.scope, one.first, one.last, one.count) for one in find_gaps(workspace.db)]
    assert told == [("旧·1998-0000", 4, 4, 1)]  # what lies before an inherited range is no gap
    assert list(find_gaps(workspace.db, record_class="supply-contract")) == []
    assert len(list(find_gaps(workspace.db, record_class="visit-record", year=2026))) == 1
    assert list(find_gaps(workspace.db, year=1998)) == []
    assert file_some(workspace, None, record_class="supply-contract") == ["C001-KF·2026-D30-KFZ-0002"]
    workspace.rebuild()
    assert [(one.scope, one.first, one.last, one.count) for one in find_gaps(workspace.db)] == told
    assert file_some(workspace, None, record_class="supply-contract") == ["C001-KF·2026-D30-KFZ-0003"]
    assert file_some(workspace, "旧·1998-006", None) == ["旧·1998-006", "C001-KF·2026-D10-KFZ-0001"]
    workspace.close()


def test_the_settings_of_a_new_store_name_no_fault(tmp_path: Path) -> None:
    make_store(tmp_path / "s", clock_at(DAY), "test", simulation=True)
    settings = load_settings(tmp_path / "s")
    assert list(wrong_in_archive(settings.archive, settings.company.office_code)) == []


def test_a_store_whose_template_lacks_something_is_not_even_begun(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="{category} or {class}"):
        make_store(tmp_path / "s", clock_at(DAY), "test", archive=ArchiveSection(code="{fonds}-{seq:04}"))
    assert not (tmp_path / "s").exists()


def test_a_destroyed_record_keeps_its_code(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s", DA13)
    file_some(workspace, None, None)
    last = catalogue.list_records(workspace.db)[-1]
    with workspace.writing() as writer:
        writer.add("record.destroyed", {"record": last.record_id, "order": "O1"})
        writer.commit()
    for _ in range(2):
        with pytest.raises(InputRefused, match="is given to another record"):
            file_some(workspace, last.code)
        assert list(find_gaps(workspace.db)) == []
        workspace.rebuild()
    assert file_some(workspace, None) == ["C001-KF-0003"]
    workspace.close()


def test_an_inherited_code_that_only_another_template_would_give_is_passed_over(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s")
    # By the template of then its number is the 7 at its end; by the next one it is the 2 in the middle.
    assert file_some(workspace, "C001·00002-KF·Y7")
    workspace.close()
    workspace = with_code(tmp_path / "s", "{fonds}·{seq:05}-{category}·Y7")
    assert file_some(workspace, None, None) == ["C001·00001-KF·Y7", "C001·00003-KF·Y7"]
    workspace.close()


def test_a_name_that_stands_for_something_else_already_is_no_archival_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = made(tmp_path / "s")
    [ours] = file_some(workspace, None)
    record = catalogue.list_records(workspace.db)[0]
    volume = open_volume(workspace, NewVolume("project", "城东管网改造"))
    workspace.close()
    cli = Cli(tmp_path / "s", capsys)
    data = tmp_path / "data.json"
    files.write_atomic(data, cli("forms", "sample", "visit-record", "--json").encode())
    number = cli.json("generate", "visit-record", "--data", data)["items"][0]["number"]
    workspace = open_store(tmp_path / "s", clock_at(DAY), "test")
    assert str(named_already(workspace.db, f" {ours} ")) == f" {ours}  names the record {ours}."
    for name, said in ((record.record_id, f"{record.record_id} names the record {ours}."),
                       (volume.volume_id, f"{volume.volume_id} names the volume {volume.code}."),
                       (number, f"{number} is the number of a document that was issued here ({number}).")):
        with pytest.raises(InputRefused) as refused:
            file_some(workspace, name)
        assert str(refused.value.what) == f"{said} It cannot be an archival code, too."
    with pytest.raises(InputRefused, match="is given to another record"):
        file_some(workspace, volume.code)
    assert named_already(workspace.db, "无此号") is None
    workspace.close()


def test_a_part_that_stands_twice_in_a_template_is_the_same_both_times() -> None:
    template = template_of("{year}·{fonds}-{category}-{year}-{seq:04}")
    assert template.code(record_class="x", year=2026, period="Y", serial=1) == "2026·C001-KF-2026-0001"
    assert template.matches("2026·C001-KF-2026-0001")
    assert not template.matches("2026·C001-KF-2025-0001")


def test_a_template_that_was_never_checked_is_refused_when_codes_are_to_be_made() -> None:
    with pytest.raises(InputRefused, match="cannot be read: {fonds"):
        template_of("{fonds")


def test_a_code_may_have_two_hundred_characters_and_a_number_of_nine_digits() -> None:
    template = template_of("{fonds}-{category}-{seq}")
    assert template.place("旧" * 199 + "7").serial == 7
    assert template.place("旧" + "9" * 9) == CodePlace("旧0000", 999_999_999)
    assert template.place("旧" + "9" * 10) == CodePlace("旧" + "9" * 10, 0)
    wide = template_of("{fonds}-{class}-{seq:04}", class_codes={"a": "旧" * 190})
    assert wide.matches("C001-" + "旧" * 190 + "-0001")
    assert not wide.matches("C001-" + "旧" * 190 + "-10001")
    inner = template_of("{fonds}·{seq:05}-{class}", class_codes={"a": "7" + "旧" * 188})
    assert inner.place("C001·00002-7" + "旧" * 188).serial == 2
    assert inner.place("C001·10002-7" + "旧" * 189).serial == 7


def test_a_class_is_known_by_its_own_code_in_full_and_any_other_by_up_to_forty_characters() -> None:
    template = template_of("{fonds}-{class}-{seq:04}", class_codes={"a": "HT", "b": "HT-B"})
    assert template.place("C001-HT-B-0007") == CodePlace("C001-HT-B-0000", 7)
    assert template.matches("C001-" + "x" * 40 + "-0001")
    assert not template.matches("C001-" + "x" * 41 + "-0001")
    office = template_of("{fonds}-{category}-{office}-{seq:04}")
    assert office.matches("C001-KF-" + "营" * 40 + "-0001")
    assert not office.matches("C001-KF-" + "营" * 41 + "-0001")
    assert not office.matches("C001-KF-营-业-0001")
    strokes = template_of("{fonds}/{category}/{office}/{seq:04}")
    assert strokes.matches("C001/KF/营业/0001") and not strokes.matches("C001/KF/营/业/0001")


def test_the_code_of_a_missing_number_is_written_as_the_one_behind_it() -> None:
    gap = Gap("C2·0000-8", 3, 6, "", "C2·0007-8", False)
    assert (gap.code(3), gap.code(12345), gap.count) == ("C2·0003-8", "C2·12345-8", 4)
    assert Gap("x", 1, 1, "", "甲乙", False).code(1) == "甲乙"
    # The last number of that value: the fonds may have the same one.
    assert Gap("7-0000", 6, 6, "", "7-07", False).code(6) == "7-06"


def test_numbers_lost_before_the_first_one_of_ours_are_gaps_and_say_so(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s", DA13)
    for _ in range(6):
        file_some(workspace, None)
    [first, _, third, *_] = catalogue.list_records(workspace.db)
    with workspace.db.transaction():
        for one in (first, third):
            workspace.db.run("DELETE FROM records WHERE record_id = :id", {"id": one.record_id})
    assert list(find_gaps(workspace.db)) == [
        Gap("C001-KF-0000", 1, 1, "", "C001-KF-0002", True),
        Gap("C001-KF-0000", 3, 3, "C001-KF-0002", "C001-KF-0004", True)]
    # An inherited code of the same number, written with other zeros, takes nothing from ours.
    file_some(workspace, "C001-KF-00002")
    assert [one.lost for one in find_gaps(workspace.db)] == [True, True]
    workspace.close()


def test_gaps_of_a_class_are_looked_for_in_every_year_that_has_it(tmp_path: Path) -> None:
    workspace = made(tmp_path / "s", "{fonds}-{category}·{year}-{seq:04}")
    for year in (2019, 2024, 2026):
        file_some(workspace, f"C001-KF·{year}-0003", f"C001-KF·{year}-0005", on=date(year, 5, 1))
    told = [(one.scope, one.first, one.last, one.after, one.lost) for one in find_gaps(
        workspace.db, record_class="visit-record")]
    assert told == [(f"C001-KF·{year}-0000", 4, 4, f"C001-KF·{year}-0003", False) for year in (2019, 2024, 2026)]
    assert [one.scope for one in find_gaps(workspace.db, year=2024)] == ["C001-KF·2024-0000"]
    assert list(find_gaps(workspace.db, year=2024, record_class="supply-contract")) == []
    workspace.close()
