from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ocfl_judge import assert_valid_root

from recordkit import files
from recordkit.archive.objects import AddedVersion, ObjectStore, VersionNote
from recordkit.errors import IntegrityFailure, NotFound

NOTE = VersionNote("2026-11-20T12:00:00Z", "filed", "档案员")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    store = ObjectStore(tmp_path / "objects")
    store.prepare()
    return store


def staged(tmp_path: Path, **content: bytes) -> dict[str, Path]:
    folder = tmp_path / "staging"
    folder.mkdir(exist_ok=True)
    found = {}
    for name, data in content.items():
        path = folder / name
        files.write_atomic(path, data, overwrite=True)
        found[name.replace("_", ".")] = path
    return found


def make(objects: ObjectStore, tmp_path: Path, object_id: str = "R1") -> None:
    objects.create(object_id, staged(tmp_path, original_pdf=b"%PDF-1.7", record_json="{甲}".encode()), NOTE,
                   tmp_path / "staging")


def test_an_object_comes_back_as_filed_and_is_valid_ocfl(objects: ObjectStore, tmp_path: Path) -> None:
    make(objects, tmp_path)
    assert objects.read("R1", "original.pdf") == b"%PDF-1.7"
    assert objects.names("R1") == ["original.pdf", "record.json"]
    assert objects.check("R1") == []
    assert list(objects.ids()) == ["R1"]
    assert_valid_root(tmp_path / "objects")


def test_a_new_version_keeps_the_old_one_and_stores_only_what_changed(objects: ObjectStore, tmp_path: Path) -> None:
    make(objects, tmp_path)
    objects.add_versions([AddedVersion("R1", 2, staged(tmp_path, record_json="{乙}".encode()), NOTE)],
                         tmp_path / "staging")
    assert objects.read("R1", "record.json") == "{乙}".encode()
    assert objects.read("R1", "record.json", version=1) == "{甲}".encode()
    assert objects.locate("R1", "original.pdf").as_posix().endswith("v1/content/original.pdf")
    assert objects.check("R1") == []
    assert_valid_root(tmp_path / "objects")


def test_a_version_that_goes_back_to_old_content_needs_no_new_bytes(objects: ObjectStore, tmp_path: Path) -> None:
    make(objects, tmp_path)
    objects.add_versions([AddedVersion("R1", 2, staged(tmp_path, record_json=b"{}"), NOTE)], tmp_path / "staging")
    objects.add_versions([AddedVersion("R1", 3, staged(tmp_path, record_json="{甲}".encode()), NOTE)],
                         tmp_path / "staging")
    assert objects.read("R1", "record.json") == "{甲}".encode()
    assert objects.check("R1") == []
    assert_valid_root(tmp_path / "objects")


@pytest.mark.parametrize("name", ["original.pdf", "record.json"])
def test_a_flipped_byte_is_named_by_file(objects: ObjectStore, tmp_path: Path, name: str) -> None:
    make(objects, tmp_path)
    path = objects.locate("R1", name)
    raw = bytearray(path.read_bytes())
    raw[1] ^= 1
    path.write_bytes(raw)
    assert [fault.file for fault in objects.check("R1")] == [f"v1/content/{name}"]


def test_a_changed_inventory_a_missing_and_a_stray_file_are_named(objects: ObjectStore, tmp_path: Path) -> None:
    make(objects, tmp_path)
    path = objects.locate("R1", "original.pdf")
    (path.parent / "stray.txt").write_bytes(b"x")
    path.unlink()
    assert {fault.file for fault in objects.check("R1")} == {"v1/content/original.pdf", "v1/content/stray.txt"}
    inventory = path.parents[2] / "inventory.json"
    inventory.write_bytes(inventory.read_bytes() + b" ")
    assert [fault.file for fault in objects.check("R1")] == ["inventory.json"]
    with pytest.raises(IntegrityFailure):
        objects.read("R1", "record.json")


def test_a_leftover_of_a_crash_is_replaced(objects: ObjectStore, tmp_path: Path) -> None:
    make(objects, tmp_path)
    objects.create("R1", staged(tmp_path, original_pdf=b"%PDF-2", record_json=b"{}"), NOTE, tmp_path / "staging")
    assert objects.read("R1", "original.pdf") == b"%PDF-2"
    assert_valid_root(tmp_path / "objects")


def test_an_unledgered_version_of_a_crash_is_removed_before_the_next_one(
    objects: ObjectStore, tmp_path: Path
) -> None:
    make(objects, tmp_path)
    objects.add_versions([AddedVersion("R1", 2, staged(tmp_path, record_json=b"lost"), NOTE)], tmp_path / "staging")
    objects.add_versions([AddedVersion("R1", 2, staged(tmp_path, record_json=b"kept"), NOTE)], tmp_path / "staging")
    assert objects.read("R1", "record.json") == b"kept"
    assert objects.check("R1") == []
    assert_valid_root(tmp_path / "objects")


def test_removal_leaves_no_empty_folder_behind(objects: ObjectStore, tmp_path: Path) -> None:
    make(objects, tmp_path, "R1")
    make(objects, tmp_path, "R2")
    objects.remove("R1")
    assert not objects.holds_path_of("R1")
    assert objects.check("R2") == []
    with pytest.raises(NotFound):
        objects.read("R1", "original.pdf")
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_dir() and not any(path.iterdir())] == []
    assert_valid_root(tmp_path / "objects")


def test_the_judge_is_no_rubber_stamp(objects: ObjectStore, tmp_path: Path) -> None:
    make(objects, tmp_path)
    objects.locate("R1", "original.pdf").write_bytes(b"%PDF-9.9")
    with pytest.raises(AssertionError):
        assert_valid_root(tmp_path / "objects")


def test_versions_of_many_objects_come_together_and_each_is_whole(objects: ObjectStore, tmp_path: Path) -> None:
    for name in ("R1", "R2"):
        make(objects, tmp_path, name)
    added = [AddedVersion(name, 2, {"record.json": f"{{{name}}}".encode()}, NOTE) for name in ("R1", "R2")]
    added[1] = AddedVersion("R2", 2, {"record.json": b"{R2}"}, NOTE, without=("original.pdf",))
    digests = objects.add_versions(added, tmp_path / "staging")
    assert digests == [objects.inventory_digest(name) for name in ("R1", "R2")]
    assert [objects.read(name, "record.json") for name in ("R1", "R2")] == [b"{R1}", b"{R2}"]
    assert [objects.names(name) for name in ("R1", "R2")] == [["original.pdf", "record.json"], ["record.json"]]
    assert [objects.check(name) for name in ("R1", "R2")] == [[], []]
    assert_valid_root(tmp_path / "objects")


def test_no_object_gets_its_version_when_one_of_them_is_not_there(objects: ObjectStore, tmp_path: Path) -> None:
    make(objects, tmp_path, "R1")
    added = [AddedVersion(name, 2, {"record.json": b"{}"}, NOTE) for name in ("R1", "R9")]
    with pytest.raises(NotFound):
        objects.add_versions(added, tmp_path / "staging")
    assert objects.names("R1", 2) == []
    assert objects.check("R1") == []


def test_an_inventory_names_a_version_only_when_that_is_on_the_disk(
    objects: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("R1", "R2"):
        make(objects, tmp_path, name)
    steps: list[tuple[str, Path]] = []

    def recording(step: str, real: Callable[..., None]) -> Callable[..., None]:
        def record(*paths: Path) -> None:
            steps.append((step, paths[-1]))
            real(*paths)

        return record

    for step in ("_rename", "sync_folder", "_sync_file"):
        monkeypatch.setattr(files, step, recording(step, getattr(files, step)))
    objects.add_versions([AddedVersion(name, 2, {"record.json": name.encode()}, NOTE) for name in ("R1", "R2")],
                         tmp_path / "staging")
    placed = {path: at for at, (step, path) in enumerate(steps) if step == "_rename"}
    named = [at for path, at in placed.items() if path.name.startswith("inventory.json")]
    for name in ("R1", "R2"):
        target = objects.folder_of(name)
        synced = [at for at, one in enumerate(steps) if one == ("sync_folder", target)]
        assert len(synced) == 2
        assert placed[target / "v2"] < synced[0] < min(named) <= max(named) < synced[1]
    files_synced = [at for at, (step, _) in enumerate(steps) if step == "_sync_file"]
    assert len(files_synced) == 2 * (3 + 2)
