"""Signed checkpoints: an administrator vouches for how far the ledger had come, and with which head.

The chain proves that no single entry was changed, not that the whole of it was not written anew, nor that its end is
still there: whoever may write the files may also compute hashes. A checkpoint kept out of their reach shows both, since
no chain but the true one has that hash at that place. It is not an entry: it speaks about the ledger from outside.

Each one is also laid down in ``ledger/checkpoints/`` of the store. These copies go along with every backup and are
held against the chain by every verification; they catch the careless forger and the wrong backup. Who can write the
store can remove them, so it is the file kept elsewhere that proves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from recordkit import files
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RecordkitError
from recordkit.ledger import Ledger, Verification
from recordkit.messages import Message, msg
from recordkit.model import Entry, canonical_json
from recordkit.people import Person, fingerprint, signature_holds

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from recordkit.workspace import Workspace

_ACT = "ledger.checkpoint"
_MOST_BYTES = 1 << 16


class _Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed. ``head`` is the hash of entry ``seq``; ``entries`` how many there were, ``seq`` and no gap."""

    act: str
    store: str
    seq: int
    head: str
    entries: int
    time: str
    by: str


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed statement about the ledger, as it stands in a file.

    Attributes:
        key: raw Ed25519 public key of the signer, 64 hexadecimal digits.
        signature: 128 hexadecimal digits, over the canonical JSON of ``statement``.
    """

    statement: _Statement
    key: str
    signature: str

    @property
    def mark(self) -> str:
        """Fingerprint of the signing key; what is no key has none."""
        try:
            return fingerprint(self.key)
        except ValueError:
            return ""

    def as_bytes(self) -> bytes:
        """The file, to be read by people too."""
        return json.dumps(msgspec.to_builtins(self), ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A checkpoint held against the ledger; it bears the ledger out where there are no ``findings``.

    Attributes:
        source: the checkpoint's file.
        checkpoint: None when the file is none.
        known: whether the signer was an administrator in office at that place of this ledger.
        first_bad: sequence number from which the ledger is not the one that was signed, where that is the matter.
    """

    source: Path
    checkpoint: Checkpoint | None
    known: bool
    findings: tuple[Message, ...]
    first_bad: int | None = None


@dataclass(slots=True)
class _Term:
    """Time in office of an administrator's key: from the entry that registered it up to the one that revoked it."""

    person: str
    key: str
    first: int
    last: int | None = None


@dataclass(slots=True)
class Administrators:
    """Who was an administrator when, as the entries say; ``take`` is given one after the other."""

    _terms: list[_Term] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Learn from the next entry."""
        if entry.act not in ("person.added", "person.revoked"):
            return
        statement = entry.body.get("statement")
        if not isinstance(statement, dict):
            return
        person, roles = str(statement.get("id")), statement.get("roles")
        if entry.act == "person.added" and isinstance(roles, list) and "administrator" in roles:
            self._terms.append(_Term(person, str(statement.get("public_key")), entry.seq))
        elif entry.act == "person.revoked":
            for term in self._terms:
                if term.person == person and term.last is None:
                    term.last = entry.seq

    def were(self, person: str, key: str, seq: int) -> bool:
        """Whether ``person`` with this key was in office when entry ``seq`` was the last one."""
        return any(
            (term.person, term.key) == (person, key) and term.first <= seq and (term.last is None or term.last > seq)
            for term in self._terms
        )


def make_checkpoint(workspace: Workspace, signer: Person, key: Ed25519PrivateKey, found: Verification) -> Checkpoint:
    """Sign the ledger as ``found``, a verification of all of it, says it is; nothing is written.

    ``signer`` is an administrator in office and ``key`` theirs: ``people.administrator_with`` says so.

    Raises:
        IntegrityFailure: the ledger is damaged: nobody vouches for that.
    """
    if not found.ok:
        raise IntegrityFailure(
            msg("The ledger is damaged at entry {seq}: {reason}", seq=found.first_bad, reason=found.reason),
            msg("Run 'recordkit ledger verify', keep the folder as it is and restore the ledger from a backup."),
        )
    statement = _Statement(
        act=_ACT,
        store=workspace.settings.store.id,
        seq=found.entries,
        head=found.head,
        entries=found.entries,
        time=workspace.clock.stamp(),
        by=signer.id,
    )
    signature = key.sign(_signed_bytes(statement)).hex()
    return Checkpoint(statement, key.public_key().public_bytes_raw().hex(), signature)


def keep_checkpoint(root: Path, checkpoint: Checkpoint) -> Path:
    """Lay a copy down in the store, durably; the same signer's one about the same place is replaced."""
    name = f"checkpoint-{checkpoint.statement.seq:09}-{checkpoint.mark.replace('-', '')}.json"
    path = _folder(root) / name
    files.write_atomic(path, checkpoint.as_bytes(), overwrite=True)
    return path


def kept_checkpoints(root: Path) -> list[Path]:
    """The copies in the store, oldest place first."""
    return sorted(_folder(root).glob("checkpoint-*.json"))


def read_checkpoint(path: Path) -> Checkpoint:
    """A checkpoint from its file; whether it holds is for ``compare_checkpoints``.

    Raises:
        NotFound: there is no such file.
        InputRefused: it is no checkpoint.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(_MOST_BYTES)
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(msg("There is no file {file}.", file=str(path))) from None
    try:
        checkpoint = msgspec.json.decode(data, type=Checkpoint)
    except (ValueError, RecursionError):
        checkpoint = None
    if checkpoint is None or not is_checkpoint(checkpoint):
        raise InputRefused(
            msg("The file {file} is not a checkpoint of a ledger.", file=str(path)),
            msg("Give a file that 'recordkit ledger checkpoint --out FILE' wrote."),
        )
    return checkpoint


def is_checkpoint(checkpoint: Checkpoint) -> bool:
    """Whether it speaks about a ledger at all, and about all entries up to its place."""
    said = checkpoint.statement
    return (said.act, said.entries) == (_ACT, said.seq)


class Witnesses:
    """Checkpoints to be held against a ledger while it is verified.

    ``places`` and ``take`` are for ``Ledger.verify``; ``compare`` says afterwards what came of it.
    """

    def __init__(
        self, store_id: str, paths: Iterable[Path], needed: Iterable[Path] = (),
        read: Callable[[Path], Checkpoint] = read_checkpoint,
    ) -> None:
        """``paths``: what is no checkpoint among them is a finding; ``needed``, by ``read``: there it is an error.

        Raises:
            NotFound: a needed file does not exist.
            InputRefused: a needed file is no checkpoint.
        """
        self._store_id = store_id
        self._administrators = Administrators()
        self._read: list[tuple[Path, Checkpoint | RecordkitError]] = [(one, read(one)) for one in needed]
        for path in paths:
            try:
                self._read.append((path, read_checkpoint(path)))
            except RecordkitError as error:
                self._read.append((path, error))

    @property
    def places(self) -> set[int]:
        """Sequence numbers whose hashes are wanted."""
        return {one.statement.seq for _, one in self._read if isinstance(one, Checkpoint)}

    def take(self, entry: Entry) -> None:
        """Learn from the next entry who was in office."""
        self._administrators.take(entry)

    def compare(self, found: Verification) -> list[Comparison]:
        """What each checkpoint says about the ledger that was verified, the needed ones first."""
        compared = []
        for path, one in self._read:
            if isinstance(one, Checkpoint):
                compared.append(self._compare(path, one, found))
            else:
                compared.append(Comparison(path, None, False, (one.what,)))
        return compared

    def _compare(self, path: Path, checkpoint: Checkpoint, found: Verification) -> Comparison:
        said, findings, first_bad = checkpoint.statement, list[Message](), None
        if not is_signed(checkpoint):
            findings.append(msg("the signature does not belong to it: the checkpoint was changed"))
        if said.store != self._store_id:
            findings.append(msg("it was made for another store ({store})", store=said.store))
        have = found.hashes.get(said.seq)
        if have is None and found.ok:
            first_bad = found.entries + 1
            findings.append(msg("{seen} entries were signed for, {count} are left: the ledger was cut short",
                                seen=said.seq, count=found.entries))
        elif have is not None and have != said.head:
            first_bad = said.seq
            findings.append(msg("entry {seq} is not the one that was signed for: the ledger was written anew",
                                seq=said.seq))
        elif have is None:
            findings.append(msg("the ledger is damaged before entry {seq}, which was signed for", seq=said.seq))
        known = self._administrators.were(said.by, checkpoint.key, said.seq)
        if not known:
            findings.append(msg("the signer {by} (key {mark}) is unknown: no administrator of this ledger at that time",
                                by=said.by, mark=checkpoint.mark or "?"))
        return Comparison(path, checkpoint, known, tuple(findings), first_bad)


def export_ledger(
    ledger: Ledger,
    target: Path,
    *,
    first: int = 1,
    last: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, int]:
    """Write entries as they stand, one a line, to a file that appears whole or not at all; the chain is checked.

    Args:
        ledger: the ledger.
        target: the file.
        first: sequence number of the first entry written.
        last: of the last one; None for all that follow.
        overwrite: replace a file that exists.
        progress: told the sequence number after every entry read.

    Returns:
        How many entries and bytes were written.

    Raises:
        FileExistsError: the file exists and ``overwrite`` is false.
        InputRefused: there are no such entries.
        IntegrityFailure: the ledger is damaged anywhere up to ``last``.
    """
    count = size = 0
    with files.writing(target, overwrite=overwrite) as handle:
        for seq, line in ledger.lines():
            if last is not None and seq > last:
                break
            if seq >= first:
                handle.write(line)
                count, size = count + 1, size + len(line)
            if progress is not None:
                progress(seq)
        if not count:
            raise InputRefused(
                msg("The ledger has no entries from {first} to {last}.", first=first, last=last or "…"),
                msg("'recordkit ledger verify' says how many there are."),
            )
    return count, size


def is_signed(checkpoint: Checkpoint) -> bool:
    """Whether the signature belongs to the statement; whose key it is, the ledger must say."""
    statement = msgspec.to_builtins(checkpoint.statement)
    return signature_holds(checkpoint.key, statement, checkpoint.signature)


def _signed_bytes(statement: _Statement) -> bytes:
    return canonical_json(msgspec.to_builtins(statement))


def _folder(root: Path) -> Path:
    return root / "ledger" / "checkpoints"
