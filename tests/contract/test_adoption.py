"""Which schedule the ledger has seen last, when a new one may be adopted, and what is kept of each."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from retention_store import TODAY, Archive, clock_on

from recordkit import files
from recordkit.errors import RefusedByRule
from recordkit.retention.adoption import (
    adopt_schedule,
    is_changed,
    keep_schedule,
    kept_schedule,
    last_seen,
    seen_scheme,
)
from recordkit.retention.schedule import shipped_schedule
from recordkit.store import make_store, open_store
from recordkit.workspace import Rehearsed

OLD = shipped_schedule()
NEW = OLD.replace('name = "回访记录"\nperiod = "10y"'.encode(), 'name = "回访记录"\nperiod = "20y"'.encode())
OTHER = OLD.replace('name = "回访记录"\nperiod = "10y"'.encode(), 'name = "回访记录"\nperiod = "25y"'.encode())


def edit(archive: Archive, data: bytes) -> None:
    files.write_atomic(archive.root / "retention.toml", data, overwrite=True)


def kept(archive: Archive) -> set[str]:
    return {path.parent.name for path in (archive.root / "forms" / "versions").glob("*/retention.toml")}


def digests(*schedules: bytes) -> set[str]:
    return {sha256(one).hexdigest() for one in schedules}


def adopted(archive: Archive) -> list[dict[str, object]]:
    return [dict(entry.body) for entry, _ in archive.workspace.ledger.read() if entry.act == "schedule.adopted"]


def test_the_ledger_sees_the_schedule_from_the_making_of_the_store_on(tmp_path: Path) -> None:
    root = tmp_path / "store"
    make_store(root, clock_on(TODAY), "test", simulation=True)
    workspace = open_store(root, clock_on(TODAY), "test")
    try:
        seen, scheme = seen_scheme(workspace)
        assert seen is not None and scheme is not None
        assert ({seen.digest}, seen.day, seen.act, scheme.digest) == (
            digests(OLD), TODAY.isoformat(), "store.created", seen.digest)
        assert not is_changed(workspace)
        with pytest.raises(RefusedByRule) as refused:
            adopt_schedule(workspace)
        assert TODAY.isoformat() in str(refused.value.what) and "schedule show" in str(refused.value.todo)
    finally:
        workspace.close()


def test_where_the_ledger_has_named_none_the_shipped_schedule_counts_as_seen(archive: Archive) -> None:
    assert last_seen(archive.workspace.db) is None and kept(archive) == set()
    seen, scheme = seen_scheme(archive.workspace)
    assert scheme is not None and (seen, {scheme.digest}) == (None, digests(OLD))
    assert not is_changed(archive.workspace)
    edit(archive, NEW)
    assert is_changed(archive.workspace)
    edit(archive, OLD)
    adopt_schedule(archive.workspace)
    (digest,) = digests(OLD)
    assert adopted(archive) == [{"digest": digest, "before": None}] and kept(archive) == digests(OLD)


def test_the_schedule_in_force_is_adopted_again_only_where_the_file_is_another(archive: Archive) -> None:
    adopt_schedule(archive.workspace, OLD)
    with pytest.raises(RefusedByRule):
        adopt_schedule(archive.workspace, OLD)
    edit(archive, NEW)
    adopt_schedule(archive.workspace, OLD)
    assert (archive.root / "retention.toml").read_bytes() == OLD and not is_changed(archive.workspace)
    assert kept(archive) == digests(OLD, NEW), "what had been edited is kept, too"
    adopt_schedule(archive.workspace, OTHER)
    edit(archive, NEW)
    adopt_schedule(archive.workspace)
    (old,), (new,), (other,) = digests(OLD), digests(NEW), digests(OTHER)
    assert adopted(archive) == [{"digest": old, "before": None}, {"digest": old, "before": old},
                                {"digest": other, "before": old}, {"digest": new, "before": other}]
    assert kept(archive) == {old, new, other}
    seen, scheme = seen_scheme(archive.workspace)
    assert seen is not None and scheme is not None
    assert (seen.digest, seen.act, scheme.digest) == (new, "schedule.adopted", new)
    before = [tuple(row) for row in archive.workspace.db.all("SELECT * FROM schedules_seen ORDER BY seq")]
    assert len(before) == 4
    archive.workspace.rebuild()
    assert [tuple(row) for row in archive.workspace.db.all("SELECT * FROM schedules_seen ORDER BY seq")] == before


def test_the_order_proposed_last_names_the_schedule_that_it_was_proposed_under(archive: Archive) -> None:
    adopt_schedule(archive.workspace, OLD)
    archive.reopen(date(2037, 3, 6))
    archive.propose(archive.file())
    seen = last_seen(archive.workspace.db)
    assert seen is not None and (seen.act, seen.day, {seen.digest}) == ("order.proposed", "2037-03-06", digests(OLD))


def test_a_rehearsed_adoption_leaves_file_versions_and_ledger_alone(archive: Archive) -> None:
    archive.workspace.rehearsing = True
    with pytest.raises(Rehearsed):
        adopt_schedule(archive.workspace, NEW)
    assert (archive.root / "retention.toml").read_bytes() == OLD
    assert (kept(archive), adopted(archive)) == (set(), [])


def test_a_kept_version_that_was_lost_or_damaged_is_written_again_and_a_good_one_is_left(archive: Archive) -> None:
    digest = keep_schedule(archive.root)
    path = archive.root / "forms" / "versions" / digest / "retention.toml"
    assert {digest} == digests(OLD) and path.read_bytes() == OLD
    before = path.stat().st_ino
    assert keep_schedule(archive.root) == digest and path.stat().st_ino == before
    path.write_bytes(OLD + b"\n")
    assert kept_schedule(archive.root, digest) is None
    keep_schedule(archive.root)
    found = kept_schedule(archive.root, digest)
    assert found is not None and found.digest == digest and path.read_bytes() == OLD
    path.unlink()
    assert kept_schedule(archive.root, digest) is None


def test_what_a_schedule_that_another_program_named_would_say_is_not_known(archive: Archive) -> None:
    """An order without a manifest of the known form names no schedule."""
    for body in ({"digest": "0" * 64}, {}):
        with archive.workspace.writing() as writer:
            writer.add("schedule.adopted", body)
            writer.commit()
    seen, scheme = seen_scheme(archive.workspace)
    assert seen is not None and (seen.digest, scheme) == ("0" * 64, None) and is_changed(archive.workspace)
