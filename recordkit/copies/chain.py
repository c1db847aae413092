"""The ledgers of a store and its copy, held against each other, against checkpoints, and against their signatures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from recordkit import files
from recordkit.checkpoints import Comparison, Witnesses, is_signed, kept_checkpoints
from recordkit.copies.fate import Told
from recordkit.copies.folders import Guarded, kind_of
from recordkit.errors import IntegrityFailure
from recordkit.ledger import Cursor, Ledger, Verification
from recordkit.messages import Message, msg
from recordkit.model import Finding
from recordkit.retention.audit import Audit, audit_entry

_CHUNK = 1 << 20


@dataclass(slots=True)
class Chain:
    """A ledger that was read from its beginning to ``end``, and is whole up to there.

    Attributes:
        told: what it says of things in force; ``findings``: signatures in it that do not hold.
    """

    end: Cursor
    told: Told = field(default_factory=Told)
    findings: list[Finding] = field(default_factory=list)


def read_chain(
    ledger: Ledger,
    store_id: str,
    older: Cursor,
    checkpoints: Iterable[Path],
    needed: Iterable[Path] = (),
    until: Cursor | None = None,
) -> Chain:
    """Read a ledger that must continue an older one and bear out every checkpoint.

    Args:
        ledger: the ledger.
        store_id: of its store.
        older: the end of the older one.
        checkpoints: files laid down with store or copy; one whose signature does not hold says nothing.
        needed: files that somebody kept elsewhere: each must be borne out.
        until: read no further, and find this hash there.

    Raises:
        NotFound: a needed checkpoint is not there.
        InputRefused: a needed checkpoint is none.
        IntegrityFailure: the ledger is damaged, does not continue the older one, or is behind a checkpoint.
    """
    witnesses = Witnesses(store_id, dict.fromkeys(checkpoints), needed=needed)
    chain, audit, hashes = Chain(Cursor()), Audit(), dict[int, str]()
    wanted = {older.seq, *witnesses.places}
    for entry, cursor in ledger.read():
        if until is not None and entry.seq > until.seq:
            break
        witnesses.take(entry)
        audit_entry(audit, entry, store_id)
        chain.told.take(entry)
        if entry.seq in wanted:
            hashes[entry.seq] = entry.hash
        chain.end = cursor
    chain.findings = audit.findings
    if until is not None and (chain.end.seq, chain.end.hash) != (until.seq, until.hash):
        raise IntegrityFailure(msg("The ledger is not the one that the catalogue was derived from."),
                               msg("Run 'recordkit ledger verify'."))
    if older.seq and hashes.get(older.seq) != older.hash:
        raise _refusal(
            msg("the copy has {old} entries, the ledger {new}", old=older.seq, new=chain.end.seq)
            if chain.end.seq < older.seq else msg("they differ before entry {seq}", seq=older.seq))
    found = Verification(True, chain.end.seq, None, None, chain.end.hash, 0, hashes)
    needed = set(needed)
    for comparison in witnesses.compare(found):
        if (until is not None and comparison.checkpoint is not None and comparison.checkpoint.statement.seq > until.seq
                and comparison.source not in needed):
            continue  # signed while this was running
        if comparison.findings and (comparison.source in needed or _speaks_against(comparison)):
            raise IntegrityFailure(
                msg("The ledger does not agree with the checkpoint {file}: {finding}.", file=str(comparison.source),
                    finding=comparison.findings[0]),
                msg("Look for a newer ledger: without it, what was destroyed since would come back."),
            )
    return chain


def _speaks_against(comparison: Comparison) -> bool:
    """Whether a checkpoint that nobody named says that the ledger was cut or rewritten, in its signer's own words."""
    return (comparison.first_bad is not None and comparison.checkpoint is not None
            and is_signed(comparison.checkpoint))


def end_of(ledger: Ledger) -> tuple[Cursor, Message | None]:
    """The end of a ledger as far as it can be read, and what stopped the reading."""
    end = Cursor()
    try:
        for _, cursor in ledger.read():
            end = cursor
    except IntegrityFailure as failure:
        return end, failure.what
    return end, None


def ledger_of(copy: Guarded) -> Ledger:
    """The ledger of a copy.

    Raises:
        IntegrityFailure: one of its files is a link or a device.
    """
    for place in copy.files_below("ledger"):
        copy.path(place)
    return Ledger(copy.path("ledger"))


def laid_down(*roots: Path) -> list[Path]:
    """The checkpoints that lie with stores and copies; each folder is that of a store."""
    return [path for root in roots for path in kept_checkpoints(root) if kind_of(path) == "file"]


def require_signatures(findings: list[Finding], told: Message) -> None:
    """Stop when anything in the ledger is not backed by a valid signature of somebody entitled.

    Raises:
        IntegrityFailure: it is not; ``told`` says what that means here.
    """
    if findings:
        raise IntegrityFailure(
            msg("Signatures in the ledger do not hold: {first}", first=findings[0].message), told)


def extend_ledger(source: Path, target: Guarded, have: Cursor, end: Cursor) -> None:
    """Append to the copy's ledger what the store's has beyond it, up to ``end``.

    Cut off at any byte, the copy's ledger is a whole, older one with a torn end, which the next run cuts off.
    """
    files.make_folder(target.path("ledger"))
    for number in range(have.file, end.file + 1):
        name = f"ledger-{number:06}.jsonl"
        path = target.path(f"ledger/{name}")
        start = have.offset if number == have.file else 0
        if path.exists() and path.stat().st_size > start:
            files.truncate(path, start)
        stop = end.offset if number == end.file else (source / name).stat().st_size
        with (source / name).open("rb") as handle:
            handle.seek(start)
            while start < stop:
                data = handle.read(min(_CHUNK, stop - start))
                files.append_durable(path, data)
                start += len(data)


def _refusal(reason: Message) -> IntegrityFailure:
    return IntegrityFailure(
        msg("The ledger does not continue that of the copy: {reason}.", reason=reason),
        msg("Look for a newer ledger: without it, what was destroyed since would come back."),
    )

