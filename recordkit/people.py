"""Persons, keys and signatures (Ed25519, RFC 8032). The register of people lives in the ledger.

A private key is made and kept by its owner, encrypted with a passphrase; it is never in the store.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from msgspec import Struct
from msgspec.structs import replace

from recordkit import files
from recordkit.db import Database, Row
from recordkit.ed25519 import is_sound_point
from recordkit.errors import InputRefused, NotFound, RefusedByRule
from recordkit.messages import Message, coded, did_you_mean, listed, msg
from recordkit.model import Entry, Role, canonical_json
from recordkit.workspace import Workspace, Writer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PERSON_ID = r"(?!\.)[\w.-]{1,64}"
"""Ids name folders of notes and stand in the ledger: no separators, no spaces."""

ROLES: tuple[str, ...] = get_args(Role)
NEED_NO_KEY = ("clerk", "approver", "supervisor", "auditor")
"""Roles whose acts need no signature, or may be signed by hand on the printed register."""


_KEY = "[0-9a-f]{64}"
_SIGNATURE = "[0-9a-f]{128}"


class Person(Struct, frozen=True):
    """One registered account. Several accounts may belong to one human being: see ``same_human``.

    Attributes:
        public_key: 64 hexadecimal characters, the raw Ed25519 public key; empty for one who signs on paper only.
        since: date of registration, ISO; ``revoked`` the date of revocation or None.
    """

    id: str
    name: str
    staff_no: str
    roles: tuple[str, ...]
    public_key: str
    since: str
    revoked: str | None


class Signer(Struct, frozen=True):
    """A registered person with the private key in hand, ready to sign."""

    person: Person
    private: Ed25519PrivateKey

    def sign(self, statement: Mapping[str, object]) -> str:
        """Ed25519 signature, hexadecimal, over the canonical JSON of ``statement``."""
        return self.private.sign(canonical_json(dict(statement))).hex()


SHORTEST_PASSPHRASE = 8
"""Characters below which a passphrase of less than three words is called weak."""


def weak_passphrase(passphrase: bytes) -> Message | None:
    """What makes a passphrase easy to try out for whoever finds the key file, or None.

    It is told, not refused: whether a key is worth guessing is known to its owner alone.
    """
    text = passphrase.decode(errors="replace").strip()
    if len(text) >= SHORTEST_PASSPHRASE or len(text.split()) >= 3:
        return None
    return msg("The passphrase has {count} character(s); whoever finds the key file tries them all. At least {least} "
               "characters, or any three words, are better.", count=len(text), least=SHORTEST_PASSPHRASE)


def create_key(path: Path, passphrase: bytes) -> str:
    """Write a new private key to ``path`` (PKCS#8 PEM, encrypted) and its public half to ``path``.pub.

    Returns:
        The fingerprint of the public key.

    Raises:
        InputRefused: the passphrase is empty, or one of the files exists.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not passphrase.strip():
        raise InputRefused(msg("The passphrase is empty."),
                           msg("Choose one that nobody can guess; nobody can tell you a forgotten one."))
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    public_path = path.with_name(path.name + ".pub")
    for target in (path, public_path):
        if target.exists():
            raise InputRefused(
                msg("The file {file} exists already.", file=str(target)),
                msg("A key is never overwritten; choose another name."),
            )
    files.write_atomic(path, secret)
    path.chmod(0o600)
    files.write_atomic(public_path, public)
    return fingerprint(private.public_key().public_bytes_raw().hex())


def load_private_key(path: Path, passphrase: bytes) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        NotFound: no such file.
        InputRefused: the passphrase is wrong or the file is no Ed25519 key.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    data = _read(path)
    if data.startswith(b"-----BEGIN PUBLIC KEY-----"):
        raise InputRefused(
            msg("{file} is the public half of a key; nobody can sign with it.", file=str(path)),
            msg("Give the private key: {file}", file=str(path.with_suffix("") if path.suffix == ".pub" else "*.key")),
        )
    try:
        key = serialization.load_pem_private_key(data, passphrase or None)
    except (ValueError, TypeError):
        raise InputRefused(
            msg("The key {file} cannot be opened.", file=str(path)),
            msg("The passphrase is wrong or the file is not a private key made by 'recordkit key create'. A forgotten "
                "passphrase comes back from nowhere: make a new key and have it registered under a new id."),
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputRefused(msg("The key {file} is not an Ed25519 key.", file=str(path)))
    return key


def load_public_key(path: Path) -> str:
    """The raw public key, hexadecimal, of a PEM file.

    Raises:
        NotFound: no such file.
        InputRefused: the file is no Ed25519 public key.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(_read(path))
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey) or not is_sound_point(key.public_bytes_raw()):
        raise InputRefused(
            msg("The file {file} is not an Ed25519 public key.", file=str(path)),
            msg("Give the .pub file that 'recordkit key create' wrote."),
        )
    return key.public_bytes_raw().hex()


def fingerprint(public_key: str) -> str:
    """Sixteen hexadecimal characters of the SHA-256 of the raw public key, in groups of four."""
    digest = hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:16]
    return "-".join(digest[start : start + 4] for start in range(0, 16, 4))


def signature_holds(public_key: str, statement: Mapping[str, object], signature: str) -> bool:
    """Whether ``signature`` is that of ``public_key`` over the canonical JSON of ``statement``.

    Keys and signatures of unsound points (``ed25519``) never hold.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        # One form only: the same key written in another way would pass for another person's.
        if not (re.fullmatch(_KEY, public_key) and re.fullmatch(_SIGNATURE, signature)):
            return False
        raw, signed = bytes.fromhex(public_key), bytes.fromhex(signature)
        if not (is_sound_point(raw) and is_sound_point(signed[:32])):
            return False
        Ed25519PublicKey.from_public_bytes(raw).verify(signed, canonical_json(dict(statement)))
    except (InvalidSignature, ValueError):
        return False
    return True


def plain_staff_no(text: str) -> str:
    """The form in which staff numbers are compared: NFKC, without case, letters and digits only.

    ``G001``, ``g001``, ``Ｇ００１`` and ``G 001`` are one number: else a second way of writing it were a second person.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(filter(str.isalnum, folded)) or folded.strip()


def same_human(first: Person, second: Person) -> bool:
    """Two accounts with one id, one staff number or one key are one human being; to have no key is nothing shared."""
    return (
        first.id == second.id
        or plain_staff_no(first.staff_no) == plain_staff_no(second.staff_no)
        or (first.public_key == second.public_key and first.public_key != "")
    )


def one_human(register: Collection[Person], first: Person, second: Person) -> bool:
    """Whether two accounts belong to one human being, also by a chain of shared marks over other accounts.

    One person with a second account must not witness their own act, even when a third account links the two.
    """
    known, waiting = {first.id}, [first]
    while waiting:
        current = waiting.pop()
        if current.id == second.id or same_human(current, second):
            return True
        for other in register:
            if other.id not in known and same_human(current, other):
                known.add(other.id)
                waiting.append(other)
    return False


# --- the register -----------------------------------------------------------------------------------------------

def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """Who is registered, and until when."""
    if entry.act == "person.added":
        statement = entry.body["statement"]
        assert isinstance(statement, dict)
        workspace.db.insert(
            "people",
            {
                "id": statement["id"],
                "name": statement["name"],
                "staff_no": statement["staff_no"],
                "roles": json.dumps(statement["roles"]),
                "public_key": statement["public_key"],
                "since": entry.time[:10],
                "revoked": None,
                "position": entry.seq,
            },
        )
    elif entry.act == "person.revoked":
        statement = entry.body["statement"]
        assert isinstance(statement, dict)
        workspace.db.run(
            "UPDATE people SET revoked = :day WHERE id = :id", {"day": entry.time[:10], "id": statement["id"]}
        )


def list_people(db: Database) -> list[Person]:
    """Everyone ever registered, in the order of registration, revoked people included."""
    return [_person(row) for row in db.all("SELECT * FROM people ORDER BY position")]


def find_person(db: Database, person_id: str) -> Person:
    """The account named ``person_id``.

    Raises:
        NotFound: nobody is registered under it.
    """
    row = db.one("SELECT * FROM people WHERE id = :id", {"id": person_id})
    if row is None:
        known = db.all("SELECT id, name FROM people WHERE revoked IS NULL")
        named = [one["id"] for one in known if one["name"] == person_id.strip()]
        raise NotFound(
            msg("Nobody is registered as {id}.", id=person_id),
            msg("Give the id, not the name: {ids}.", ids=listed(named)) if named
            else did_you_mean(person_id, [one["id"] for one in known]) or msg("'recordkit people list' shows who is."),
        )
    return _person(row)


def open_signer(db: Database, person_id: str, key_path: Path, passphrase: bytes) -> Signer:
    """A registered, unrevoked person whose private key belongs to the registered public key.

    Raises:
        NotFound: unknown person or key file.
        InputRefused: the key cannot be opened.
        RefusedByRule: the person is revoked, or the key is not theirs.
    """
    person = find_person(db, person_id)
    require_office(person)
    private = load_private_key(key_path, passphrase)
    if private.public_key().public_bytes_raw().hex() != person.public_key:
        raise RefusedByRule(
            msg("The key {file} does not belong to {id}.", file=str(key_path), id=person.id),
            msg("Sign with the key whose public half was registered ({mark}).", mark=fingerprint(person.public_key)),
        )
    return Signer(person, private)


def keyholder(db: Database, signer: Signer) -> Person:
    """The signer as the register knows them now; call under the lock.

    Raises:
        NotFound: nobody is registered under the id.
        RefusedByRule: they are revoked, or the key in hand is not the registered one.
    """
    person = find_person(db, signer.person.id)
    require_office(person)
    if signer.private.public_key().public_bytes_raw().hex() != person.public_key:
        raise RefusedByRule(
            msg("The key in hand is not the registered key of {id}.", id=person.id),
            msg("Sign with the key whose public half was registered: 'recordkit people list' shows its mark."),
        )
    return person


def require_office(person: Person) -> None:
    """Stop unless the person is in office.

    Raises:
        RefusedByRule: they were revoked.
    """
    if person.revoked:
        raise RefusedByRule(
            msg("{id} was revoked on {day} and cannot sign.", id=person.id, day=person.revoked),
            msg("Whoever is still in office under another id signs with that one: 'recordkit people list'."),
        )


def require_role(person: Person, roles: Collection[str]) -> None:
    """Stop unless the person holds one of ``roles``.

    Raises:
        RefusedByRule: they hold none.
    """
    if not set(roles) & set(person.roles):
        raise RefusedByRule(
            msg("{id} is {have}; this act needs the role {need}.", id=person.id,
                have=tuple(map(msg, person.roles)), need=tuple(map(msg, roles))),
            msg("Let a person with that role do it."),
        )


class NewPerson(Struct, frozen=True):
    """Someone to be registered; ``public_key`` hexadecimal, empty for one who signs on paper only."""

    id: str
    name: str
    staff_no: str
    roles: tuple[str, ...]
    public_key: str


def add_person(workspace: Workspace, new: NewPerson, admin_key: Ed25519PrivateKey) -> Person:
    """Register a person. The first one becomes administrator and signs for itself; an administrator signs later ones.

    Raises:
        InputRefused: the id is taken, a role does not exist or needs a key, or name or staff number is empty.
        RefusedByRule: the signing key is not that of an administrator in office, or the person would have two roles
            that the settings keep apart.
    """
    unknown = [role for role in new.roles if role not in ROLES]
    if unknown or not new.roles:
        raise InputRefused(
            msg("There is no role {role}.", role=listed(unknown) if unknown else "''"),
            msg("Roles are: {roles}.", roles=listed(map(coded, ROLES))),
        )
    new = replace(new, name=new.name.strip(), staff_no=new.staff_no.strip())
    if not re.fullmatch(PERSON_ID, new.id):
        raise InputRefused(
            msg("{id} is no id of a person.", id=new.id),
            msg("An id has letters, digits, dot, dash and underscore; it stands in the ledger for ever."),
        )
    if not new.name or not new.staff_no:
        raise InputRefused(msg("A person needs an id, a name and a staff number."))
    keyed = [role for role in new.roles if role not in NEED_NO_KEY]
    if not new.public_key and keyed:
        raise InputRefused(
            msg("The role {role} signs with a key, and {id} has none.", role=tuple(map(msg, keyed)), id=new.id),
            msg("Make one with 'recordkit key create FILE' and give FILE.pub with --key."),
        )
    with workspace.writing() as writer:
        register = list_people(workspace.db)
        if any(person.id == new.id for person in register):
            raise InputRefused(
                msg("{id} is registered already.", id=new.id), msg("Ids are never used again; choose another.")
            )
        require_separate(register, new, workspace.settings.destruction.separate_roles)
        roles = new.roles
        if not register and "administrator" not in roles:
            roles = (*roles, "administrator")
        if not register and not new.public_key:
            raise InputRefused(msg("The first person is the administrator and needs a key."),
                               msg("Make one with 'recordkit key create FILE' and give FILE.pub with --key."))
        admin_public = admin_key.public_key().public_bytes_raw().hex()
        signed_by = _administrator(register, new, admin_public)
        statement: dict[str, object] = {
            "act": "person.added",
            "store": workspace.settings.store.id,
            "id": new.id,
            "name": new.name,
            "staff_no": new.staff_no,
            "roles": list(roles),
            "public_key": new.public_key,
            "seq": writer.next_seq,
        }
        _add_signed(writer, statement, signed_by, admin_public, admin_key)
    return find_person(workspace.db, new.id)


def require_separate(register: Iterable[Person], new: NewPerson, pairs: Iterable[tuple[str, str]]) -> None:
    """Stop when a human being would have two roles of a pair, all their accounts in office counted.

    Raises:
        RefusedByRule: which roles, and on which account the other one is.
    """
    own = Person(new.id, new.name, new.staff_no, new.roles, new.public_key, "", None)
    everybody = [*register, own]
    held = {role: own.id for role in own.roles}
    for other in everybody:
        if not other.revoked and one_human(everybody, own, other):
            held |= {role: other.id for role in other.roles if role not in held}
    for first, second in pairs:
        if first in held and second in held and {first, second} & set(own.roles):
            raise RefusedByRule(
                msg("One person cannot be {first} ({one}) and {second} ({other}).", first=msg(first),
                    one=held[first], second=msg(second), other=held[second]),
                msg("Give the role to another person; which roles may be combined is destruction.separate_roles in "
                    "recordkit.toml."),
            )


def revoke_person(workspace: Workspace, person_id: str, admin_key: Ed25519PrivateKey, reason: str) -> Person:
    """End a person's standing from now on; what they signed before stays signed.

    Raises:
        InputRefused: no reason.
        NotFound: unknown person.
        RefusedByRule: the signing key is not an administrator's, or the last administrator would go.
    """
    if not reason.strip():
        raise InputRefused(msg("A revocation needs a reason."), msg("Give it with --reason TEXT."))
    with workspace.writing() as writer:
        register = list_people(workspace.db)
        person = find_person(workspace.db, person_id)
        admin_public = admin_key.public_key().public_bytes_raw().hex()
        signed_by = _administrator(register, None, admin_public)
        left = [one for one in register if "administrator" in one.roles and not one.revoked and one.id != person_id]
        if not left:
            raise RefusedByRule(
                msg("{id} is the only administrator.", id=person_id),
                msg("Register another administrator first, or nobody could ever be added again."),
            )
        statement: dict[str, object] = {
            "act": "person.revoked",
            "store": workspace.settings.store.id,
            "id": person.id,
            "note": writer.note(f"person-{person.id}", {"reason": reason}),
            "seq": writer.next_seq,
        }
        _add_signed(writer, statement, signed_by, admin_public, admin_key)
    return find_person(workspace.db, person_id)


def _administrator(register: list[Person], first: NewPerson | None, public_key: str) -> str:
    """Id of the administrator whose key signs; the first person of an empty register signs for itself."""
    if not register and first is not None and first.public_key == public_key:
        return first.id
    return administrator_with(register, public_key).id


def administrator_with(register: Iterable[Person], public_key: str) -> Person:
    """The administrator in office whose key this is.

    Raises:
        RefusedByRule: there is none.
    """
    for person in register:
        if person.public_key == public_key and "administrator" in person.roles and not person.revoked:
            return person
    raise RefusedByRule(
        msg("The signing key is not that of an administrator of this store."),
        msg("Let RECORDKIT_ADMIN_KEY name the private key file of an administrator (the first person signs with "
            "their own key)."),
    )


def _add_signed(
    writer: Writer, statement: dict[str, object], signed_by: str, public_key: str, key: Ed25519PrivateKey
) -> None:
    signature = key.sign(canonical_json(statement)).hex()
    name = str(statement["act"])
    writer.add(name, {"statement": statement, "by": signed_by, "key": public_key, "signature": signature})
    writer.commit()


def _person(row: Row) -> Person:
    return Person(
        id=row["id"],
        name=row["name"],
        staff_no=row["staff_no"],
        roles=tuple(json.loads(row["roles"])),
        public_key=row["public_key"],
        since=row["since"],
        revoked=row["revoked"],
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            msg("There is no file {file}.", file=str(path)),
            msg("'recordkit key create FILE' makes a key: the private one, and FILE.pub for the administrator."),
        ) from None
    except IsADirectoryError:
        raise InputRefused(msg("{file} is a folder.", file=str(path)), msg("Name one file in it.")) from None
