from __future__ import annotations

from pathlib import Path

import pytest

from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.people import (
    NewPerson,
    Person,
    add_person,
    create_key,
    find_person,
    load_private_key,
    load_public_key,
    one_human,
    open_signer,
    revoke_person,
    same_human,
    signature_holds,
    weak_passphrase,
)
from recordkit.workspace import Workspace

SECRET = "一个足够长的口令".encode()


def new(folder: Path, name: str, *roles: str, staff_no: str = "") -> NewPerson:
    create_key(folder / name, SECRET)
    return NewPerson(name, f"{name}之名", staff_no or f"N-{name}", roles or ("clerk",),
                     load_public_key(folder / f"{name}.pub"))


def private(folder: Path, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
    return load_private_key(folder / name, SECRET)


def test_the_first_person_becomes_administrator_and_signs_for_itself(workspace: Workspace, tmp_path: Path) -> None:
    person = add_person(workspace, new(tmp_path, "admin"), private(tmp_path, "admin"))
    assert person.roles == ("clerk", "administrator")


def test_later_people_need_an_administrators_signature(workspace: Workspace, tmp_path: Path) -> None:
    add_person(workspace, new(tmp_path, "admin"), private(tmp_path, "admin"))
    second = new(tmp_path, "second", "archivist")
    with pytest.raises(RefusedByRule):
        add_person(workspace, second, private(tmp_path, "second"))
    assert add_person(workspace, second, private(tmp_path, "admin")).roles == ("archivist",)
    third = new(tmp_path, "third")
    with pytest.raises(RefusedByRule):
        add_person(workspace, third, private(tmp_path, "second"))


def test_an_id_is_never_used_twice_and_roles_must_exist(workspace: Workspace, tmp_path: Path) -> None:
    first = new(tmp_path, "admin")
    add_person(workspace, first, private(tmp_path, "admin"))
    with pytest.raises(InputRefused, match="already"):
        add_person(workspace, first, private(tmp_path, "admin"))
    with pytest.raises(InputRefused, match="boss"):
        add_person(workspace, new(tmp_path, "x", "boss"), private(tmp_path, "admin"))


def test_a_revoked_person_cannot_sign_and_the_last_administrator_cannot_go(
    workspace: Workspace, tmp_path: Path
) -> None:
    add_person(workspace, new(tmp_path, "admin"), private(tmp_path, "admin"))
    add_person(workspace, new(tmp_path, "a"), private(tmp_path, "admin"))
    assert revoke_person(workspace, "a", private(tmp_path, "admin"), "调离").revoked
    with pytest.raises(RefusedByRule, match="revoked"):
        open_signer(workspace.db, "a", tmp_path / "a", SECRET)
    with pytest.raises(RefusedByRule, match="only administrator"):
        revoke_person(workspace, "admin", private(tmp_path, "admin"), "调离")


def test_a_key_that_is_not_the_registered_one_cannot_sign(workspace: Workspace, tmp_path: Path) -> None:
    add_person(workspace, new(tmp_path, "admin"), private(tmp_path, "admin"))
    create_key(tmp_path / "other", SECRET)
    with pytest.raises(RefusedByRule, match="does not belong"):
        open_signer(workspace.db, "admin", tmp_path / "other", SECRET)
    with pytest.raises(InputRefused):
        open_signer(workspace.db, "admin", tmp_path / "admin", b"wrong")
    with pytest.raises(NotFound):
        find_person(workspace.db, "nobody")


def test_a_signature_holds_for_its_statement_and_key_only(workspace: Workspace, tmp_path: Path) -> None:
    add_person(workspace, new(tmp_path, "admin"), private(tmp_path, "admin"))
    signer = open_signer(workspace.db, "admin", tmp_path / "admin", SECRET)
    signature = signer.sign({"act": "x", "n": 1})
    assert signature_holds(signer.person.public_key, {"n": 1, "act": "x"}, signature)
    assert not signature_holds(signer.person.public_key, {"act": "x", "n": 2}, signature)
    create_key(tmp_path / "other", SECRET)
    assert not signature_holds(load_public_key(tmp_path / "other.pub"), {"act": "x", "n": 1}, signature)
    assert not signature_holds("zz", {"act": "x"}, signature)


def test_a_key_file_is_encrypted_private_and_never_overwritten(tmp_path: Path) -> None:
    create_key(tmp_path / "k", SECRET)
    assert b"ENCRYPTED" in (tmp_path / "k").read_bytes()
    assert (tmp_path / "k").stat().st_mode & 0o077 == 0
    with pytest.raises(InputRefused, match="exists"):
        create_key(tmp_path / "k", SECRET)


@pytest.mark.parametrize("passphrase", ["", "   "])
def test_an_empty_passphrase_is_refused_and_nothing_written(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(InputRefused, match="empty"):
        create_key(tmp_path / "k", passphrase.encode())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("passphrase", "told"), [("x", "1 character"), ("seven77", "7 character"),
                                                  ("一二三四五六七", "7 character"), ("a b", "3 character")])
def test_a_passphrase_that_protects_little_is_called_weak(passphrase: str, told: str) -> None:
    weakness = weak_passphrase(passphrase.encode())
    assert weakness is not None and told in str(weakness)


@pytest.mark.parametrize("passphrase", ["eight888", "一二三四五六七八", "水 表 房"])
def test_a_passphrase_of_eight_characters_or_three_words_is_not_weak(tmp_path: Path, passphrase: str) -> None:
    assert weak_passphrase(passphrase.encode()) is None
    create_key(tmp_path / "k", passphrase.encode())
    assert load_private_key(tmp_path / "k", passphrase.encode())


def account(name: str, staff_no: str, key: str) -> Person:
    return Person(name, name, staff_no, (), key, "2026-01-01", None)


def test_one_staff_number_or_one_key_is_one_human() -> None:
    a, b, c = account("a", "1", "K"), account("b", "1", "L"), account("c", "2", "L")
    assert same_human(a, b)
    assert same_human(b, c)
    assert not same_human(a, c)
    assert one_human([a, b, c], a, c)
    assert not one_human([a, c], a, c)
