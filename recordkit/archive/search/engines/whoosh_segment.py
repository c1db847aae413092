"""One segment of the whoosh engine: a file that holds the columns of some documents and is never changed.

The file is an ordered hash of whoosh (``whoosh.filedb.filetables``); the values are ours:

=====================  ================================================================================
``title 张三`` …        where the token stands in the column, all documents being laid end to end
``title`` …            the documents that have the column
``title␣`` …           where each of them begins there, and the end of the last
``title_1 张`` …        the documents that have the token; likewise ``is_class …`` and ``record_id …``
``record_id``          the records, and ``sort_code`` their codes: offsets (u32), then the texts
``rank``               see ``ranks.rank_of`` (i64)
=====================  ================================================================================

In columns of pairs no pattern spans two documents, since none spans two values (``grams``); in those of threes the
owners of its first and last token are compared. Lists ascend and are kept as differences in groups of seven bits.
whoosh's own posting lists are left alone: it pickles each list of positions, which was measured at 59 records/s and
36 KB a record, and whoever wrote such a file could run code here.
"""

from __future__ import annotations

import heapq
import itertools
import json
import mmap
import operator
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from recordkit.archive.search.engines.ranks import rank_of
from recordkit.archive.search.grams import COLUMNS, Pattern, columns_of
from recordkit.archive.search.port import IndexDocument
from recordkit.errors import missing_extra
from recordkit.files import writing

try:
    from whoosh.filedb.filetables import FileFormatError, OrderedHashReader, OrderedHashWriter
    from whoosh.filedb.structfile import StructFile
except ImportError as error:
    raise missing_extra("whoosh-reloaded", "whoosh") from error

__all__ = ["RECORD", "Batch", "FileFormatError", "Segment", "keyword_column", "write_merged"]

Numbers = NDArray[np.int64]

RECORD = "record_id"
_CODE = "sort_code"
_RANK = "rank"
_NONE: Numbers = np.empty(0, np.int64)
_POSITIONED = frozenset(COLUMNS)
_BYTES_AT_ONCE = 8_000_000
"""Bytes of lists that are merged in one go: about 500 MB of memory at the worst."""


def keyword_column(keyword: str) -> str:
    """The column of a keyword."""
    return f"is_{keyword}"


class Batch:
    """Documents in memory that become one segment; they are numbered from 0 as they are added."""

    def __init__(self) -> None:
        """Start empty."""
        self.numbers: dict[str, int] = {}
        self.size = 0
        self._columns: dict[str, _Column] = {}
        self._texts: dict[str, list[str]] = {RECORD: [], _CODE: []}
        self._ranks: list[int] = []

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self._ranks)

    def add(self, document: IndexDocument) -> int | None:
        """Add a document; the number of its earlier version in this batch, which must be called dead."""
        number = len(self)
        earlier = self.numbers.get(document.record_id)
        self.numbers[document.record_id] = number
        for column, tokens in columns_of(document):
            self._add(column, number, tokens.split(" "))
        for keyword, value in document.keywords.items():
            self._add(keyword_column(keyword), number, [value])
        self._add(RECORD, number, [document.record_id])
        self._texts[RECORD].append(document.record_id)
        self._texts[_CODE].append(document.code)
        self._ranks.append(rank_of(document.date, document.ordinal))
        return earlier

    def write(self, path: Path) -> None:
        """Write the segment, whole or not at all."""
        entries = {column: some.entries(column) for column, some in self._columns.items()}
        _write(path, entries, self._texts, np.array(self._ranks, np.int64))

    def _add(self, column: str, number: int, tokens: list[str]) -> None:
        if column not in self._columns:
            self._columns[column] = _Column()
        self._columns[column].add(number, tokens)
        self.size += len(tokens)


class Segment:
    """A segment, open for reading.

    Args:
        path: its file.
        documents: how many documents it has.
        size: bytes of the file.
        dead: documents that are deleted.

    Anything that whoosh or numpy raise over a file that is not what was written passes through.
    """

    def __init__(self, path: Path, documents: int, size: int, dead: Iterable[int]) -> None:
        """Map the file; no list is read yet."""
        with path.open("rb") as handle:
            self._data = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        if len(self._data) != size:
            raise ValueError(f"{path.name} has {len(self._data)} bytes instead of {size}")
        self._table = OrderedHashReader(_Mapped(self._data), size)
        self.documents = documents
        self.live = np.ones(documents, bool)
        self.live[list(dead)] = False
        self._read: dict[str, Any] = {}

    def close(self) -> None:
        """Let go of the file."""
        self._data.close()

    def with_token(self, column: str, token: str) -> Numbers:
        """Documents, dead ones included, that have a token in a column without positions."""
        return self._list(_key(column, token))

    def number_of(self, record_id: str) -> int | None:
        """The live document of a record; None when there is none."""
        alive = [number for number in self.with_token(RECORD, record_id).tolist() if self.live[number]]
        return alive[0] if alive else None

    def values(self, column: str) -> Iterator[tuple[str, Numbers]]:
        """The tokens of a column without positions, each with its documents."""
        for key, data in self._beginning(_key(column, "")):
            yield key.decode(errors="surrogatepass").partition(" ")[2], _ascending(data)

    def matching(self, pattern: Pattern) -> Numbers:
        """Documents, dead ones included and perhaps repeated, in which a pattern stands."""
        column, pieces = pattern.column, pattern.pieces
        if column not in _POSITIONED:
            return self.with_token(column, pieces[0].token)
        lists: list[tuple[int, int, list[bytes]]] = []
        for piece in pieces:
            key = _key(column, piece.token)
            some = [data for _, data in self._beginning(key)] if piece.is_prefix else self._table.all(key)
            found = list(some)
            if not found:
                return _NONE
            lists.append((sum(map(len, found)), piece.offset, found))
        places: Numbers | None = None
        for _, offset, found in sorted(lists, key=operator.itemgetter(0)):
            here = _ascending(found[0]) if len(found) == 1 else np.sort(np.concatenate([*map(_ascending, found)]))
            here -= offset
            places = here if places is None else _common(places, here)
            if not len(places):
                return _NONE
        assert places is not None
        spans, offsets = self._spans(column), [piece.offset for piece in pieces]
        owners = spans.searchsorted(places + min(offsets), "right") - 1
        if column.endswith("_3") and len(pieces) > 1:
            # Nothing stands there between the last number of a document and the first one of the next.
            owners = owners[owners == spans.searchsorted(places + max(offsets), "right") - 1]
        return self._documents(column)[owners]

    def ranks(self) -> Numbers:
        """The rank of each document."""
        return np.frombuffer(self._table[_RANK.encode()], "<i8", self.documents).astype(np.int64)

    def record_id(self, number: int) -> str:
        """The record of a document."""
        return self._text(RECORD, number)

    def code(self, number: int) -> str:
        """What a document is sorted by."""
        return self._text(_CODE, number)

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys with their values, ascending."""
        return _rising(self._table.items())

    def _list(self, key: bytes) -> Numbers:
        data = self._table.get(key)
        return _NONE if data is None else _ascending(data)

    def _beginning(self, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        return itertools.takewhile(lambda one: one[0].startswith(key), _rising(self._table.items_from(key)))

    def _documents(self, column: str) -> Numbers:
        return self._list(column.encode())

    def _spans(self, column: str) -> Numbers:
        return self._list(_key(column, ""))

    def _text(self, kind: str, number: int) -> str:
        if kind not in self._read:
            data = self._table[kind.encode()]
            self._read[kind] = np.frombuffer(data, "<u4", self.documents + 1), data[4 * (self.documents + 1) :]
        offsets, texts = self._read[kind]
        return bytes(texts[offsets[number] : offsets[number + 1]]).decode(errors="surrogatepass")


def write_merged(path: Path, segments: Sequence[Segment]) -> int:
    """Write one segment of the live documents of several ones, in their order; how many they are."""
    news: list[Numbers] = []
    count = 0
    for segment in segments:
        news.append(np.where(segment.live, np.cumsum(segment.live) - 1 + count, -1))
        count += int(segment.live.sum())
    alive = [np.flatnonzero(segment.live).tolist() for segment in segments]
    texts = {
        kind: [segment._text(kind, number) for segment, some in zip(segments, alive, strict=True) for number in some]
        for kind in (RECORD, _CODE)
    }
    ranks = np.concatenate([segment.ranks()[segment.live] for segment in segments])
    _write(path, {"": _merged(segments, news)}, texts, ranks)
    return count


def _merged(segments: Sequence[Segment], news: Sequence[Numbers]) -> Iterator[tuple[bytes, bytes]]:
    """The entries of the merged segment; a column's name comes before its tokens and tells where its parts go."""

    def source(at: int) -> Iterator[tuple[bytes, int, bytes]]:
        return ((key, at, data) for key, data in segments[at].entries())

    waiting = _Lists()
    name = ""
    moves: list[Callable[[Numbers], Numbers]] = []
    for key, at, data in heapq.merge(*map(source, range(len(segments)))):
        column, space, token = key.partition(b" ")
        if column.decode() != name or waiting.size >= _BYTES_AT_ONCE and key != waiting.keys[-1]:
            yield from waiting.moved(moves)
            waiting = _Lists()
        if column.decode() != name:
            name = column.decode()
            moves = [new.__getitem__ for new in news]
            if name in _POSITIONED:
                moved = _moves(name, segments, news)
                moves = [one.places for one in moved]
                documents = np.concatenate([one.documents for one in moved])
                if len(documents):
                    starts = np.concatenate([*(one.starts for one in moved), [max(one.end for one in moved)]])
                    yield column, _packed(documents)
                    yield column + b" ", _packed(starts)
        if space and (token or name not in _POSITIONED):
            waiting.add(key, at, data)
    yield from waiting.moved(moves)


class _Lists:
    """Lists of some segments, those of one key side by side, that are taken over in one go."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.size = 0
        self._owners: list[int] = []
        self._data: list[bytes] = []

    def add(self, key: bytes, owner: int, data: bytes) -> None:
        self.keys.append(key)
        self.size += len(data)
        self._owners.append(owner)
        self._data.append(data)

    def moved(self, moves: Sequence[Callable[[Numbers], Numbers]]) -> Iterator[tuple[bytes, bytes]]:
        """One list for each key, of what the lists become; ``moves`` by owner, -1 for what is left out."""
        if not self.keys:
            return
        values, counts = _ascending_lists(b"".join(self._data), np.array([*map(len, self._data)]))
        owners = np.repeat(self._owners, counts)
        became = np.empty_like(values)
        for owner, move in enumerate(moves):
            here = owners == owner
            became[here] = move(values[here])
        is_first = [True, *map(operator.ne, self.keys, self.keys[1:])]
        groups = np.repeat(np.cumsum(is_first) - 1, counts)[became >= 0]
        names = list(itertools.compress(self.keys, is_first))
        if len(groups):
            firsts = np.flatnonzero(np.diff(groups, prepend=-1))
            lists = _packed_lists(became[became >= 0], firsts)
            yield from zip([names[group] for group in groups[firsts].tolist()], lists, strict=True)


class _Moved:
    """Where the documents of one column of a segment go.

    Attributes:
        documents: new numbers of the live ones.
        starts: where they begin in the new column.
        end: where the new column ends behind them; 0 when there are none.
    """

    def __init__(self, documents: Numbers, spans: Numbers, at: int) -> None:
        """``documents``: new numbers, -1 for a dead one; ``spans``: as in the file; ``at``: first place here."""
        alive = documents >= 0
        rooms = np.where(alive, np.diff(spans), 0)
        starts = at + np.cumsum(rooms) - rooms
        self._spans = spans
        self._alive = alive
        self._shifts = starts - spans[:-1]
        self.documents = documents[alive]
        self.starts = starts[alive]
        self.end = int(at + rooms.sum()) if alive.any() else 0

    def places(self, places: Numbers) -> Numbers:
        """The new places, -1 for those in dead documents."""
        owners = self._spans.searchsorted(places, "right") - 1
        return np.where(self._alive[owners], places + self._shifts[owners], -1)


def _moves(column: str, segments: Sequence[Segment], news: Sequence[Numbers]) -> list[_Moved]:
    moved: list[_Moved] = []
    at = 0
    for segment, new in zip(segments, news, strict=True):
        documents = segment._documents(column)
        spans = segment._spans(column) if len(documents) else np.zeros(1, np.int64)
        moved.append(_Moved(new[documents], spans, at))
        at = max(at, moved[-1].end)
    return moved


class _Numbering(dict[str, int]):
    """Tokens numbered as they come; a look-up of a new one numbers it."""

    def __missing__(self, token: str) -> int:
        self[token] = number = len(self)
        return number


class _Column:
    """Tokens of one column of the documents of a batch."""

    def __init__(self) -> None:
        self._vocabulary = _Numbering()
        self._tokens = array("I")
        self._documents = array("I")
        self._counts = array("I")

    def add(self, document: int, tokens: list[str]) -> None:
        self._tokens.extend(map(self._vocabulary.__getitem__, tokens))
        self._documents.append(document)
        self._counts.append(len(tokens))

    def entries(self, column: str) -> Iterator[tuple[bytes, bytes]]:
        tokens = np.frombuffer(self._tokens, np.uintc)
        documents = np.frombuffer(self._documents, np.uintc).astype(np.int64)
        counts = np.frombuffer(self._counts, np.uintc).astype(np.int64)
        if column in _POSITIONED:
            places = np.arange(len(tokens))
            yield column.encode(), _packed(documents)
            yield _key(column, ""), _packed(np.concatenate([[0], np.cumsum(counts)]))
        else:
            places = np.repeat(documents, counts)
        places = places[np.argsort(tokens, kind="stable")]
        sizes = np.bincount(tokens, minlength=len(self._vocabulary))
        lists = _packed_lists(places, np.cumsum(sizes) - sizes)
        # A dictionary keeps the order in which its tokens were numbered.
        yield from sorted(zip((_key(column, token) for token in self._vocabulary), lists, strict=True))


class _Unclosed(StructFile):  # type: ignore[misc]
    """A file of whoosh over a stream that somebody else closes.

    whoosh keeps two numbers at the end of its hash as a pickle, which may name any function to be called; here they are
    a line of JSON.
    """

    def close(self) -> None:
        self.file.flush()

    def write_pickle(self, obj: object, protocol: int = -1) -> None:
        self.file.write(json.dumps(obj).encode() + b"\n")


class _Mapped(StructFile):  # type: ignore[misc]
    """What ``_Unclosed`` wrote, as mapped memory."""

    def __init__(self, data: mmap.mmap) -> None:
        self.file = data
        self.is_real = False

    def get(self, position: int, length: int) -> bytes:
        return bytes(self.file[position : position + length])

    def read_pickle(self) -> Any:
        return json.loads(self.file.readline())


def _write(
    path: Path,
    entries: dict[str, Iterator[tuple[bytes, bytes]]],
    texts: dict[str, list[str]],
    ranks: Numbers,
) -> None:
    whole = {kind: _texts(some) for kind, some in texts.items()} | {_RANK: ranks.astype("<i8").tobytes()}
    fixed = sorted((kind.encode(), data) for kind, data in whole.items())
    columns = (entry for column in sorted(entries) for entry in entries[column])
    with writing(path) as stream:
        _fill(stream, (entry for entry in heapq.merge(columns, fixed)))


def _fill(stream: BinaryIO, entries: Iterable[tuple[bytes, bytes]]) -> None:
    table = OrderedHashWriter(_Unclosed(stream))
    for key, data in entries:
        table.add(key, data)
    table.close()


def _rising(entries: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """The entries; a damaged length may lead whoosh back to where it was, round and round."""
    last = b""
    for key, data in entries:
        if key <= last:
            raise ValueError("keys do not rise")
        last = key
        yield key, data


def _key(column: str, token: str) -> bytes:
    return f"{column} {token}".encode(errors="surrogatepass")


def _texts(texts: Iterable[str]) -> bytes:
    """Offsets (u32, one more than there are texts), then the texts."""
    encoded = [text.encode(errors="surrogatepass") for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)]).astype("<u4")
    return offsets.tobytes() + b"".join(encoded)


def _packed(ascending: Numbers) -> bytes:
    return _in_sevens(np.diff(ascending, prepend=0))[0].tobytes()


def _packed_lists(values: Numbers, firsts: Numbers) -> list[bytes]:
    """Several lists, each packed; ``firsts``: where each one begins among ``values``."""
    steps = np.diff(values, prepend=0)
    steps[firsts] = values[firsts]
    data, ends = _in_sevens(steps)
    whole = data.tobytes()
    stops = ends[np.append(firsts[1:], len(values)) - 1].tolist()
    return [whole[start:stop] for start, stop in itertools.pairwise([0, *stops])]


def _in_sevens(numbers: Numbers) -> tuple[NDArray[np.uint8], Numbers]:
    """Numbers below 2**35 in groups of seven bits, the lowest first, the last below 128; and where each one ends."""
    sizes = np.ones(len(numbers), np.int64)
    for more in range(1, 5):
        sizes += numbers >> (7 * more) > 0
    ends = np.cumsum(sizes)
    data = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    for group in range(5):
        here = sizes > group
        if not here.any():
            break
        bits = numbers[here] >> (7 * group) & 127
        data[(ends - sizes)[here] + group] = bits | 128 * (sizes[here] > group + 1)
    return data, ends


def _ascending(data: bytes) -> Numbers:
    """What ``_packed`` packed."""
    return np.cumsum(_from_sevens(np.frombuffer(data, np.uint8))[0])


def _ascending_lists(data: bytes, sizes: Numbers) -> tuple[Numbers, Numbers]:
    """What ``_packed`` made of several lists, ``sizes`` bytes each, and how many numbers each of them has."""
    steps, ends = _from_sevens(np.frombuffer(data, np.uint8))
    stops = ends.searchsorted(np.cumsum(sizes) - 1, "right")
    counts = np.diff(stops, prepend=0)
    sums = np.cumsum(steps)
    firsts = stops - counts
    return sums - np.repeat(sums[firsts] - steps[firsts], counts), counts


def _from_sevens(raw: NDArray[np.uint8]) -> tuple[Numbers, Numbers]:
    """What ``_in_sevens`` was given, and the last byte of each number."""
    ends = np.flatnonzero(raw < 128)
    if not len(raw) or ends[-1:].tolist() != [len(raw) - 1]:
        raise ValueError("a list is broken off")
    if len(ends) == len(raw):
        return raw.astype(np.int64), ends
    starts = np.concatenate([[0], ends[:-1] + 1])
    group = np.arange(len(raw)) - np.repeat(starts, ends - starts + 1)
    numbers: Numbers = np.add.reduceat((raw & 127).astype(np.int64) << 7 * group, starts)
    return numbers, ends


def _common(few: Numbers, many: Numbers) -> Numbers:
    """What stands in both of two ascending lists."""
    at = np.minimum(many.searchsorted(few), len(many) - 1)
    return few[np.equal(many[at], few)]
