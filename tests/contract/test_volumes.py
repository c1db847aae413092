"""Volumes: which records lie in them, in which order, what closes them, and what is left when they are rebuilt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from retention_store import Archive, make_archive

from recordkit import pending
from recordkit.archive.catalogue import find_record, get_record
from recordkit.archive.selection import Selection, count_records, select_records
from recordkit.archive.volume_acts import (
    NewVolume,
    add_to_volume,
    close_volume,
    note_volume,
    open_per_account,
    open_volume,
    plan_per_account,
    reopen_volume,
    take_out,
)
from recordkit.archive.volumes import (
    PENDING,
    Remarks,
    Volume,
    count_volumes,
    find_volume,
    list_volumes,
    placed_records,
    records_of_volume,
    volume_of,
)
from recordkit.errors import InputRefused, NotFound, RefusedByRule


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = make_archive(tmp_path / "档案 库")
    made.workspace.actor = "arch"
    yield made
    made.workspace.close()


def per_account(archive: Archive) -> None:
    path = archive.root / "recordkit.toml"
    path.write_text(path.read_text("utf-8").replace('volumes = "by-hand"', 'volumes = "per-account"'), "utf-8")
    archive.reopen()


def project(archive: Archive, title: str = "城东管网改造") -> Volume:
    return open_volume(archive.workspace, NewVolume("project", title))


def placed(archive: Archive, volume: Volume) -> list[tuple[int, str]]:
    return [(position, record.record_id) for position, record in
            placed_records(archive.workspace.db, volume.volume_id)]


def test_a_volume_keeps_the_order_of_its_records_and_gives_no_number_twice(archive: Archive) -> None:
    a, b, c = (archive.file(f"件{n}", on=date(2024, n, 1)) for n in (1, 2, 3))
    volume = project(archive)
    add_to_volume(archive.workspace, volume.code, [c, a])
    take_out(archive.workspace, volume.code, a, "放错")
    volume, new = add_to_volume(archive.workspace, volume.volume_id, [b, c, a])
    assert [record.record_id for record in new] == [b, a]
    assert placed(archive, volume) == [(1, c), (3, b), (4, a)]
    assert (volume.records, volume.pages, volume.first, volume.last) == (3, 6, date(2024, 1, 1), date(2024, 3, 1))
    archive.workspace.rebuild()
    assert placed(archive, volume) == [(1, c), (3, b), (4, a)] and find_volume(archive.workspace, volume.code) == volume
    assert [one.record_id for one in records_of_volume(archive.workspace.db, volume.volume_id)] == [c, b, a]
    selected = Selection(volume=volume.volume_id)
    assert count_records(archive.workspace.db, selected) == 3
    assert {one.record_id for one in select_records(archive.workspace.db, selected)} == {a, b, c}


def test_a_record_lies_in_one_volume_only(archive: Archive) -> None:
    a = archive.file()
    first, second = project(archive), project(archive, "城西")
    add_to_volume(archive.workspace, first.code, [a])
    with pytest.raises(RefusedByRule, match=first.code):
        add_to_volume(archive.workspace, second.code, [a])
    found = volume_of(archive.workspace.db, a)
    assert found is not None and found.code == first.code
    assert find_volume(archive.workspace, second.code).records == 0


def test_one_record_that_does_not_fit_keeps_all_of_them_out(archive: Archive) -> None:
    a, b = archive.file("甲", account="001"), archive.file("乙", account="002")
    volume = open_volume(archive.workspace, NewVolume("account", "", "001"))
    with pytest.raises(RefusedByRule, match="002"):
        add_to_volume(archive.workspace, volume.code, [a, b])
    assert find_volume(archive.workspace, volume.code).records == 0
    of_class = open_volume(archive.workspace, NewVolume("project", "合同", record_class="supply-contract"))
    with pytest.raises(RefusedByRule, match="supply-contract"):
        add_to_volume(archive.workspace, of_class.code, [a])


def test_a_closed_volume_takes_and_gives_nothing_until_it_is_opened_again(archive: Archive) -> None:
    a, b = archive.file("甲"), archive.file("乙")
    volume = project(archive)
    with pytest.raises(RefusedByRule):
        close_volume(archive.workspace, volume.code)
    add_to_volume(archive.workspace, volume.code, [a])
    said = Remarks("缺第三页", "王芳", date(2037, 3, 5))
    assert close_volume(archive.workspace, volume.code, said).remarks == said
    for act in (lambda: add_to_volume(archive.workspace, volume.code, [b]),
                lambda: take_out(archive.workspace, volume.code, a, "放错"),
                lambda: close_volume(archive.workspace, volume.code)):
        with pytest.raises(RefusedByRule, match="closed"):
            act()
    checked = note_volume(archive.workspace, volume.code, Remarks(checked_by="李建国", checked_on=date(2037, 3, 6)),
                          reason="补检查人")
    assert checked.remarks == Remarks("缺第三页", "王芳", date(2037, 3, 5), "李建国", date(2037, 3, 6))
    reopen_volume(archive.workspace, volume.code, "补归一件")
    volume, _ = add_to_volume(archive.workspace, volume.code, [b])
    assert volume.records == 2 and volume.closed is None and volume.remarks.situation == "缺第三页"
    archive.workspace.rebuild()
    assert find_volume(archive.workspace, volume.code) == volume


def test_codes_count_up_and_a_code_is_never_given_twice(archive: Archive) -> None:
    codes = [project(archive, f"工程{n}").code for n in range(3)]
    assert codes == [f"C001-KF·2037-KFZ-AJ000{n}" for n in (1, 2, 3)]
    path = archive.root / "recordkit.toml"
    for template in ("{fonds}-{category}·{year}-{office}-AJ{seq:04}", "{fonds}-{category}·2037-KFZ-AJ{seq:04}"):
        lines = path.read_text("utf-8").splitlines()
        path.write_text("\n".join(f'volume_code = "{template}"' if line.startswith("volume_code") else line
                                  for line in lines), "utf-8")
        archive.reopen()
        codes.append(project(archive, template).code)
    assert codes[3:] == ["C001-KF·2037-KFZ-AJ0004", "C001-KF·2037-KFZ-AJ0005"]
    assert [one.code for one in list_volumes(archive.workspace)] == sorted(codes)


@pytest.mark.parametrize("template", ["AJ", "{account}-{seq}", "{seq:q}"])
def test_a_template_that_makes_no_code_is_refused_by_name(archive: Archive, template: str) -> None:
    path = archive.root / "recordkit.toml"
    text = path.read_text("utf-8").replace("{fonds}-{category}·{year}-{office}-AJ{seq:04}", template)
    path.write_text(text, "utf-8")
    with pytest.raises(InputRefused, match="archive.volume_code"):
        archive.reopen()


def test_per_account_makes_one_volume_for_every_account_and_a_second_run_nothing(archive: Archive) -> None:
    b = archive.file("乙", on=date(2024, 5, 1), account=" 001", party="张三")
    a = archive.file("甲", on=date(2024, 1, 1), account="001")
    c = archive.file("丙", account="002")
    archive.file("丁")
    plan = plan_per_account(archive.workspace)
    assert [(new.title, new.records) for new in plan.new] == [("张三（001）用户档案", (a, b)), ("002用户档案", (c,))]
    assert count_volumes(archive.workspace.db) == 0
    open_per_account(archive.workspace)
    first, second = list_volumes(archive.workspace)
    assert placed(archive, first) == [(1, a), (2, b)] and (second.account, second.records) == ("002", 1)
    again = open_per_account(archive.workspace)
    assert (again.new, again.joining, again.left) == ((), {}, 0)
    later = archive.file("戊", account="002")
    assert volume_of(archive.workspace.db, later) is None  # by hand is the default
    assert open_per_account(archive.workspace).joining == {second.volume_id: (later,)}
    close_volume(archive.workspace, second.code)
    archive.file("己", account="002")
    assert open_per_account(archive.workspace).left == 1


def test_what_is_filed_later_joins_the_open_volume_of_its_account_by_itself(archive: Archive) -> None:
    per_account(archive)
    archive.workspace.actor = "arch"  # the answer tells whether there are restricted records of the account
    volume = open_volume(archive.workspace, NewVolume("account", "", "001"))
    a, other = archive.file("甲", account="001"), archive.file("乙", account="002")
    assert placed(archive, volume) == [(1, a)] and volume_of(archive.workspace.db, other) is None
    close_volume(archive.workspace, volume.code)
    b = archive.file("丙", account="001")
    assert volume_of(archive.workspace.db, b) is None and placed(archive, volume) == [(1, a)]


def test_an_account_has_one_open_volume(archive: Archive) -> None:
    open_volume(archive.workspace, NewVolume("account", "", "001"))
    with pytest.raises(RefusedByRule, match="001"):
        open_volume(archive.workspace, NewVolume("account", "另一卷", " 001 "))


@pytest.mark.parametrize("new", [NewVolume("project", " "), NewVolume("account", "卷", " "),
                                 NewVolume("project", "长" * 501)])
def test_a_volume_without_title_or_account_is_refused(archive: Archive, new: NewVolume) -> None:
    with pytest.raises(InputRefused):
        open_volume(archive.workspace, new)
    assert count_volumes(archive.workspace.db) == 0


def test_an_unknown_volume_is_named(archive: Archive) -> None:
    with pytest.raises(NotFound, match="AJ9"):
        find_volume(archive.workspace, "AJ9")


def test_the_ledger_knows_no_title_no_account_and_no_name_of_a_volume(archive: Archive) -> None:
    a = archive.file("甲", account="0077001")
    volume = open_volume(archive.workspace, NewVolume("account", "欧阳静的案卷", "0077001"))
    add_to_volume(archive.workspace, volume.code, [a])
    close_volume(archive.workspace, volume.code, Remarks("缺页", "王芳"))
    reopen_volume(archive.workspace, volume.code, "欧阳静来补")
    take_out(archive.workspace, volume.code, a, "欧阳静撤回")
    text = b"".join(path.read_bytes() for path in (archive.root / "ledger").glob("*.jsonl")).decode()
    assert "volume.taken-out" in text
    assert not any(word in text for word in ("欧阳静", "0077001", "缺页", "王芳"))


def test_notes_of_a_volume_that_was_never_opened_go_with_the_next_writer(archive: Archive) -> None:
    workspace = archive.workspace
    with workspace.writing() as writer:
        pending.announce(archive.root, PENDING, ["V0000KILL"])
        writer.note("V0000KILL", {"title": "张三的案卷"})
        writer.commit()
    assert (archive.root / "notes" / "V0000KILL").exists()
    kept = project(archive)
    assert not (archive.root / "notes" / "V0000KILL").exists()
    assert (archive.root / "notes" / kept.volume_id).exists()


def test_a_listing_in_pages_gives_every_volume_once(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recordkit.archive.volumes._PAGE", 3)
    codes = [project(archive, f"工程{n}").code for n in range(8)]
    assert [one.code for one in list_volumes(archive.workspace)] == codes
    assert [one.code for one in list_volumes(archive.workspace, offset=2, limit=4)] == codes[2:6]
    a = archive.file()
    add_to_volume(archive.workspace, codes[4], [a])
    close_volume(archive.workspace, codes[4])
    assert [one.code for one in list_volumes(archive.workspace, is_open=False)] == [codes[4]]
    assert len(list(list_volumes(archive.workspace, is_open=True))) == 7
    assert get_record(archive.workspace.db, a) == find_record(archive.workspace.db, a)


def test_two_at_once_tell_what_each_of_them_did(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    for account in ("001", "002"):
        archive.file(f"件{account}", account=account)
    planned = plan_per_account(archive.workspace)
    first = open_per_account(archive.workspace)
    assert len(first.new) == 2
    monkeypatch.setattr("recordkit.archive.volume_acts.plan_per_account", lambda *_: planned)
    late = open_per_account(archive.workspace)
    assert (late.new, late.joining) == ((), {}) and count_volumes(archive.workspace.db) == 2
