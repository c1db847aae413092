"""The append-only, hash-chained log of every act.

Files ``ledger-000001.jsonl`` ... hold one canonical JSON object a line. ``hash`` is the SHA-256 of the line's
canonical form without ``hash``; ``prev`` is the hash of the line before. Entries come in batches that are valid
only as a whole: ``left`` says how many entries of the batch still follow. A batch cut short by a power failure is
discarded on the next write and said; any other damage stops.

The ledger holds no customer data: ids, codes, decisions, staff, signatures and salted digests only.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from recordkit import files
from recordkit.errors import IntegrityFailure
from recordkit.messages import Message, msg
from recordkit.model import Entry, canonical_json

if TYPE_CHECKING:
    import msgspec

GENESIS = "0" * 64
"""``prev`` of the very first entry."""

_HASH_KEY = b'"hash":"'
_HASH_LENGTH = len(_HASH_KEY) + 64 + len(b'",')
_TOLD_EACH = 1 << 20
"""Bytes after which a verification says how far it is."""


class Act(Struct, frozen=True):
    """What is to be logged: a dotted name such as ``record.filed`` and its body of plain JSON values."""

    name: str
    body: Mapping[str, object]


class Cursor(Struct, frozen=True):
    """A place in the ledger just behind entry ``seq``: file number, byte offset and that entry's hash."""

    seq: int = 0
    hash: str = GENESIS
    file: int = 1
    offset: int = 0


class Verification(Struct, frozen=True):
    """Result of reading the whole chain.

    Attributes:
        entries: how many there are, up to the damage if there is any.
        first_bad: the sequence number that should have stood where the damage is.
        head: hash of the last good entry.
        torn_bytes: length of an unfinished batch at the end.
        hashes: hash by sequence number, for the places that were asked for and are there.
    """

    ok: bool
    entries: int
    first_bad: int | None
    reason: Message | None
    head: str
    torn_bytes: int
    hashes: Mapping[int, str] = field(default_factory=dict)


_START = b'{"act":"'
"""How every line begins: keys stand in canonical order."""


class _Damaged(Exception):
    def __init__(self, seq: int | None, reason: Message) -> None:
        """``seq`` is None while only the line is known, not its place."""
        self.seq = seq
        self.reason = reason


class Ledger:
    """The ledger files of one store. Reading needs no lock; appending needs the store's write lock."""

    def __init__(self, folder: Path, max_bytes: int = 64 << 20) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def read(self, after: Cursor | None = None) -> Iterator[tuple[Entry, Cursor]]:
        """Entries of complete batches behind ``after``, each with the cursor behind it, checked as they come.

        Raises:
            IntegrityFailure: a line is not what was written, or ``after`` lies beyond the ledger's end.
        """
        try:
            for entry, _, number, offset in self._lines(after or Cursor()):
                yield entry, Cursor(entry.seq, entry.hash, number, offset)
        except _Damaged as damage:
            raise _failure(damage) from None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Sequence number and line, as it stands in the file, of every entry of a complete batch.

        Raises:
            IntegrityFailure: a line is not what was written.
        """
        try:
            for entry, line, _, _ in self._lines(Cursor()):
                yield entry.seq, line
        except _Damaged as damage:
            raise _failure(damage) from None

    def salvage(self, after: Cursor) -> Iterator[tuple[Entry | None, bytes, int]]:
        """What stands behind ``after`` and is as its own hash says, whatever is around it: entry, line, number of file.

        A line in which nothing can be read gives None. For mending alone: that entries follow one another is for the
        caller to see.
        """
        for number in self._numbers():
            if number < after.file:
                continue
            with self._path(number).open("rb") as handle:
                handle.seek(after.offset if number == after.file else 0)
                for line in handle:
                    found = list(_readable(line))
                    yield from ((entry, one, number) for entry, one in found)
                    if not found and line.endswith(b"\n"):
                        yield None, line, number

    def naming(self, text: str, until: Cursor) -> Iterator[Entry]:
        """Entries up to ``until`` in which a text without quotation marks stands, oldest first.

        The bytes are searched and only what is found is decoded: a hundred times faster than ``read``. Each entry is
        held against its own hash; the chain between them is what ``verify`` is for.

        Raises:
            IntegrityFailure: a line that is found is not what was written, or a file is missing.
        """
        needle, seq = text.encode(), 0
        for number in range(1, until.file + 1):
            try:
                data = self._path(number).read_bytes()
            except FileNotFoundError:
                raise _failure(_Damaged(seq + 1, msg("the file {name} is missing", name=self._path(number).name))
                               ) from None
            end = until.offset if number == until.file else len(data)
            at = data.find(needle, 0, end)
            while at >= 0:
                start, stop = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at) + 1 or len(data)
                try:
                    entry = _parse(data[start:stop], None, None)
                except _Damaged as damage:
                    raise _failure(_Damaged(seq + 1, damage.reason)) from None
                seq = entry.seq
                yield entry
                at = data.find(needle, stop, end)

    def size(self) -> int:
        """Bytes of all ledger files."""
        return self._size_behind(Cursor())

    def verify(
        self,
        seen: Cursor | None = None,
        *,
        places: Collection[int] = (),
        take: Callable[[Entry], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Verification:
        """Check every byte of the chain in one reading. Never raises for damage; says where and what.

        Args:
            seen: a place that somebody has read before: the chain must still hold it, with the same hash.
            places: sequence numbers whose hashes are wanted.
            take: gets every good entry, for checks of what the entries say.
            progress: told the number of bytes read, about once a megabyte.
        """
        seen = seen or Cursor()
        wanted, hashes = set(places), dict[int, str]()
        count, head, end, told, begun = 0, GENESIS, (1, 0), 0, 0
        try:
            for entry, _, number, offset in self._lines(Cursor()):
                if number != end[0]:
                    begun += end[1]
                count, head, end = entry.seq, entry.hash, (number, offset)
                if count == seen.seq and head != seen.hash:
                    raise _Damaged(count, msg("the chain was rewritten: it is not the one that was read before"))
                if count in wanted:
                    hashes[count] = head
                if take is not None:
                    take(entry)
                if progress is not None and begun + offset - told >= _TOLD_EACH:
                    told = begun + offset
                    progress(told)
            if count < seen.seq:
                raise _Damaged(count + 1, msg("{seen} entries were read before, {count} are left: it was cut short",
                                              seen=seen.seq, count=count))
            torn = self._size_behind(Cursor(count, head, *end))
            return Verification(True, count, None, None, head, torn, hashes)
        except _Damaged as damage:
            return Verification(False, count, damage.seq, damage.reason, head, 0, hashes)

    def append(self, acts: Sequence[Act], *, time: str, actor: str, after: Cursor) -> list[tuple[Entry, Cursor]]:
        """Write one batch behind ``after``, the cursor of the last entry; durable when this returns.

        An unfinished batch behind ``after`` (power cut) is cut off first. Call ``check_end`` before.
        """
        path = self._path(after.file)
        if self._size_behind(after) > 0:
            files.truncate(path, after.offset)
            for number in self._numbers():
                if number > after.file:
                    files.remove_file(self._path(number))
        number, offset = after.file, after.offset
        if offset >= self._max_bytes:
            number, offset = number + 1, 0
        seq, previous = after.seq, after.hash
        lines: list[bytes] = []
        written: list[tuple[Entry, Cursor]] = []
        for position, act in enumerate(acts):
            seq += 1
            left = len(acts) - position - 1
            raw = canonical_json(dict(act.body))
            # Keys in canonical order, the body encoded once: this runs for every one of ten thousand documents.
            begin = b'{"act":%b,"actor":%b,"body":%b,' % (canonical_json(act.name), canonical_json(actor), raw)
            end = b'"left":%d,"prev":"%b","seq":%d,"time":%b}' % (left, previous.encode(), seq, canonical_json(time))
            digest = hashlib.sha256(begin + end).hexdigest()
            line = begin + b'"hash":"%b",' % digest.encode() + end + b"\n"
            lines.append(line)
            offset += len(line)
            # Read back as everybody will read it: what could not be read again must not be written, and what the
            # projections see now is what they will see in a rebuild.
            try:
                entry = _parse(line, seq, previous)
            except _Damaged as damage:
                raise ValueError(f"no entry can say this: {act.name} {act.body!r}") from damage
            written.append((entry, Cursor(seq, digest, number, offset)))
            previous = digest
        files.make_folder(self._folder)
        files.append_durable(self._path(number), b"".join(lines))
        return written

    def check_end(self, after: Cursor) -> Entry | None:
        """The last entry read, which must stand unharmed before ``after``: nothing is appended to damage.

        Raises:
            IntegrityFailure: it does not.
        """
        if after.seq == 0:
            return None
        path, size = self._path(after.file), 1 << 16
        data = b""
        with contextlib.suppress(FileNotFoundError), path.open("rb") as handle:
            while True:
                start = max(0, after.offset - size)
                handle.seek(start)
                data = handle.read(after.offset - start)
                if start == 0 or b"\n" in data[:-1]:
                    break
                size *= 8
        try:
            line = data[:-1].rpartition(b"\n")[2] + data[-1:]
            if not line.endswith(b"\n"):
                raise _Damaged(after.seq, msg("the line does not end as written"))
            entry = _parse(line, after.seq, None)
            if entry.hash != after.hash:
                raise _Damaged(after.seq, msg("the chain was rewritten: it is not the one that was read before"))
            return entry
        except _Damaged as damage:
            raise _failure(damage) from None

    def torn_bytes(self, after: Cursor) -> int:
        """Bytes of an unfinished batch behind the last complete one."""
        return self._size_behind(after)

    def _lines(self, after: Cursor) -> Iterator[tuple[Entry, bytes, int, int]]:
        """Entries of complete batches behind ``after``: entry, its line, number of its file, offset behind it."""
        numbers = [number for number in self._numbers() if number >= after.file]
        if not numbers and after.seq:
            raise _Damaged(after.seq, msg("the file {name} is missing", name=self._path(after.file).name))
        seq, previous = after.seq, after.hash
        pending: list[tuple[Entry, bytes, int, int]] = []
        for expected, number in enumerate(numbers, after.file):
            if number != expected:
                raise _Damaged(seq + 1, msg("the file {name} is missing", name=self._path(expected).name))
            offset = after.offset if number == after.file else 0
            last = number == numbers[-1]
            with self._path(number).open("rb") as handle:
                handle.seek(0, 2)
                if handle.tell() < offset:
                    raise _Damaged(seq, msg("entries that were already used are gone: the ledger was cut short"))
                handle.seek(offset)
                for line in handle:
                    if not line.endswith(b"\n"):
                        if last and _could_be_torn(line):
                            return
                        raise _Damaged(seq + 1, msg("the line does not end as written"))
                    entry = _parse(line, seq + 1, previous)
                    offset += len(line)
                    seq, previous = entry.seq, entry.hash
                    if pending and entry.left != pending[-1][0].left - 1:
                        raise _Damaged(seq, msg("the batch does not count down"))
                    pending.append((entry, line, number, offset))
                    if entry.left == 0:
                        yield from pending
                        pending = []
            if pending and not last:
                raise _Damaged(seq + 1, msg("a batch is cut in the middle of the ledger"))

    def _size_behind(self, cursor: Cursor) -> int:
        total = -cursor.offset
        for number in self._numbers():
            if number >= cursor.file:
                total += self._path(number).stat().st_size
        return max(total, 0)

    def _numbers(self) -> list[int]:
        return sorted(
            int(path.stem.removeprefix("ledger-"))
            for path in self._folder.glob("ledger-*.jsonl")
            if path.stem.removeprefix("ledger-").isdigit()
        )

    def _path(self, number: int) -> Path:
        return self._folder / f"ledger-{number:06}.jsonl"


def _could_be_torn(tail: bytes) -> bool:
    """Whether bytes without a final newline may be a write that was cut short.

    A flipped byte in the newline of a complete line must not pass for one, or the entry would vanish in silence.
    """
    if not tail.strip(b"\0"):
        return True
    start = _START
    if not (tail.startswith(start) or start.startswith(tail)):
        return False
    text = tail.decode("utf-8", errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return True
    # A complete object: torn just before its newline, unless some other byte stands where the newline was.
    return end == len(text)


def _readable(line: bytes) -> Iterator[tuple[Entry, bytes]]:
    """The entries on a line; where the end of one was damaged, the next one stands on the same line."""
    starts = [found.start() for found in re.finditer(_START, line)]
    for start, end in itertools.pairwise([*starts, len(line)]):
        one = line[start : line.rfind(b"}", start, end) + 1] + b"\n"
        with contextlib.suppress(_Damaged):
            yield _parse(one, None, None), one


def _failure(damage: _Damaged) -> IntegrityFailure:
    return IntegrityFailure(
        msg("The ledger is damaged at entry {seq}: {reason}", seq=damage.seq, reason=damage.reason),
        msg("Keep the store as it is. 'recordkit ledger verify' says more; 'recordkit mend COPY' brings back what a "
            "copy of the store has whole (docs/troubleshooting.md)."),
    )


@functools.cache
def _codec() -> tuple[msgspec.json.Decoder[Entry], msgspec.json.Encoder]:
    import msgspec

    def refuse(text: str) -> object:
        raise ValueError(text)

    # Sorted keys, no spaces, UTF-8: byte for byte canonical_json, in a tenth of its time. Floating-point numbers, which
    # two programs may write differently, are in no entry.
    return msgspec.json.Decoder(Entry, float_hook=refuse), msgspec.json.Encoder(order="sorted")


def _parse(line: bytes, seq: int | None, previous: str | None) -> Entry:
    """The entry on a line that must be number ``seq`` and follow the entry of hash ``previous``, where they are given.

    The bytes themselves are hashed, cut where ``hash`` stands: what was decoded must encode to these bytes again, so
    they are the canonical form.
    """
    import msgspec

    decoder, encoder = _codec()
    try:
        entry = decoder.decode(line)
    except msgspec.ValidationError:
        raise _Damaged(seq, msg("the line is not in the form in which it was written")) from None
    except (ValueError, RecursionError):
        raise _Damaged(seq, msg("the line is not valid JSON")) from None
    if encoder.encode(entry) != line[:-1] or line[-1:] != b"\n":
        raise _Damaged(seq, msg("the line is not in the form in which it was written"))
    # The last one: behind it come numbers and texts, in which a quotation mark never stands alone.
    cut = line.rindex(_HASH_KEY)
    if hashlib.sha256(line[:cut] + line[cut + _HASH_LENGTH : -1]).hexdigest() != entry.hash:
        raise _Damaged(seq, msg("its content does not match its hash"))
    if seq is not None and entry.seq != seq:
        raise _Damaged(seq, msg("entry {found} stands in its place", found=entry.seq))
    if previous is not None and entry.prev != previous:
        raise _Damaged(seq, msg("it does not follow the entry before it"))
    return entry
