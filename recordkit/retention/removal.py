"""Takes everything of a record out of the store, and looks whether anything is left. Every step may be repeated.

What is needed to find a thing is removed after it: documents and copies before the issue data and the object that
name them. So a run that was killed finds again what it had not reached.

A document is removed only where it shows itself to be the record's own, by its printed code or its number; a document
of another issue that took the same path is left alone. Where nobody can tell, the file stays, the record's object and
data stay with it, and the place is named: a person has to look.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from recordkit import files
from recordkit.archive.catalogue import KnownBatch, batches_of, get_record, keyed, objects_of
from recordkit.archive.filing import Batch, batch_of
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.messages import Message, msg
from recordkit.model import same_account
from recordkit.notes import note_folder, remove_notes
from recordkit.retention.lists import lists_naming
from recordkit.retention.order_state import Item
from recordkit.retention.traces import LISTS, WORKING_COPY, Ownership, Trace, names_in, read_traces
from recordkit.templates import issue_data
from recordkit.workspace import Workspace

_COPY_PLACES = ("inbox", "quarantine", "outbox")
_OWN_PARTS = frozenset({"record.json", "text.json"})
_KEPT = frozenset({"ledger", "objects", "notes", "issued", "forms"})
"""Folders out of which no path named in issue data may remove anything: the data might be wrong or forged."""
_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.(gone|tmp)")
_DOCUMENTS = (".docx", ".pdf")


@dataclass(frozen=True, slots=True)
class _Documents:
    """Word files that may be the document of an issue; each with whether the issue's data names the path."""

    issue_id: str
    number: str
    places: dict[Path, bool]


@dataclass(frozen=True, slots=True)
class _Found:
    """Files that belong to a record, in the order of removal, and those of which a person has to decide."""

    going: tuple[Path, ...]
    unclear: tuple[tuple[Path, Message], ...] = ()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A folder with a paper that waits; the scan that it was cut out of, and why it does not simply go."""

    folder: Path
    batch: Batch | None
    reason: Message | None


@dataclass(frozen=True, slots=True)
class _Names:
    """What names a record in all its versions, as accounts are compared, and when it was filed.

    Attributes:
        own: archival code, number and titles.
    """

    accounts: frozenset[str]
    parties: frozenset[str]
    own: frozenset[str]
    filed: datetime | None


class Remover:
    """Removal of the items of one order. Made under the store's lock, before the first file goes."""

    def __init__(self, workspace: Workspace, items: Sequence[Item]) -> None:
        """Read which documents and which bytes belong to the items, while they can still be read."""
        self._root = workspace.root
        # What waited and was dropped keeps its folder, with the note that holds its text.
        self._rooms = (workspace.root / "inbox" / "unmatched",
                       *sorted((workspace.root / "inbox" / "done").glob("dropped-*")))
        self._objects = objects_of(workspace)
        self._leaving = {item.record_id for item in items}
        self._shared = {item.issue_id for item in items if item.issue_id and self._is_shared(workspace, item.issue_id)}
        issues = {item.issue_id for item in items if item.issue_id} - self._shared
        self._data = {one: found for one in issues if (found := self._data_of(workspace, one)) is not None}
        self._named: dict[str, list[Path]] | None = None
        documents = {item.record_id: self._documents_of(item) for item in items}
        words = [path for one in documents.values() for path in one.places]
        candidates = (*words, *(path.with_suffix(".pdf") for path in words))
        traces = read_traces(path for path in candidates if path.is_file())
        self._outputs = {item.record_id: self._outputs_of(documents[item.record_id], traces) for item in items}
        self._digests = {item.record_id: self._digests_of(item) for item in items}
        self._waiting = self._find_waiting(workspace, items)
        self._torn = self._find_batches(workspace, items)
        self._copies = self._find_copies(items)
        self._working = self._find_working_copies(workspace, items)
        self._lists = lists_naming(workspace.root, self._leaving)
        with workspace.staging():
            pass  # Clears the staging folders of processes that died: they may hold copies.

    def remove(self, item: Item) -> None:
        """Remove everything of one record.

        A file of which a person has to decide keeps data and object in the store: without them the next call would no
        longer know of it. ``remains`` names it.

        Raises:
            OSError: something could not be removed; what came before it is gone.
        """
        for path in self._going(item):
            files.remove_file(path)
        for folder in self._paper_folders(item):
            files.remove_tree(folder)
        if self._unclear(item):
            return
        # Behind the question: a scan of several papers that shows the waiting one is known only through it.
        for folder in self._second_scans(item):
            files.remove_tree(folder)
        remove_notes(self._root, item.record_id)
        if item.issue_id and item.issue_id not in self._shared:
            remove_notes(self._root, item.issue_id)
            if item.issue_id in self._data:
                issue_data.remove_line(self._root, *self._data[item.issue_id])
        self._objects.remove(item.record_id)

    def is_kept(self, item: Item) -> bool:
        """Whether the object is still there, as for a person to decide about a file; ``remove`` may be called again."""
        return self._objects.holds_path_of(item.record_id)

    def remove_accounts(self, events: Sequence[str], holds: Sequence[str], volumes: Sequence[str] = ()) -> None:
        """Remove the notes that name accounts, and those of volumes, of which no record is left.

        Raises:
            OSError: a note could not be removed.
        """
        for subject in (*events, *holds, *volumes):
            remove_notes(self._root, subject)

    def remains(self, item: Item) -> list[str | Message]:
        """Places inside the store where something of the record still is, or may be, asked of the file system.

        What a person has to do something about comes last.
        """
        found: list[str | Message] = []
        if self._objects.holds_path_of(item.record_id):
            found.append(f"objects: {item.record_id}")
        places = [*self._going(item), *self._paper_folders(item), *self._second_scans(item),
                  note_folder(self._root, item.record_id)]
        if item.issue_id and item.issue_id not in self._shared:
            places.append(note_folder(self._root, item.issue_id))
            if item.issue_id in self._data and issue_data.holds_line(self._root, *self._data[item.issue_id]):
                found.append(f"{issue_data.FOLDER}: {item.issue_id}")
        found += [self._name(path) for path in places if path.exists()]
        return found + self._unclear(item)

    def _going(self, item: Item) -> tuple[Path, ...]:
        of = item.record_id
        return (*self._outputs[of].going, *self._copies[of].going, *self._working[of].going, *self._lists[of])

    def _unclear(self, item: Item) -> list[Message]:
        of = item.record_id
        waiting = [(one.folder, one.reason) for one in self._waiting[of] if one.reason is not None]
        every = (*self._outputs[of].unclear, *self._working[of].unclear, *self._copies[of].unclear,
                 *self._torn[of], *waiting)
        return [reason for path, reason in every if path.exists()]

    def _second_scans(self, item: Item) -> list[Path]:
        """Folders of second scans that wait, each behind the copies of it that were opened in a viewer."""
        return [place for one in self._waiting[item.record_id] if one.reason is None
                for place in (self._root / "work" / "viewing" / one.folder.name, one.folder)]

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def sweep(self) -> list[str]:
        """Remove what a killed run left half removed or half written; returns what could not be removed."""
        left: list[str] = []
        for path in self._leftovers():
            try:
                if path.is_dir():
                    files.remove_tree(path)
                else:
                    files.remove_file(path)
            except OSError:
                left.append(path.relative_to(self._root).as_posix())
        return left

    def _leftovers(self) -> list[Path]:
        found = [path for path in (self._root / "issued").glob(".*") if _LEFTOVER.fullmatch(path.name)]
        for name in ("objects", "notes", *_COPY_PLACES):
            found += [path for path in (self._root / name).rglob(".*.gone") if _LEFTOVER.fullmatch(path.name)]
        return found

    def _is_shared(self, workspace: Workspace, issue_id: str) -> bool:
        rows = workspace.db.all(
            "SELECT record_id FROM records WHERE issue_id = :issue AND status = 'active'", {"issue": issue_id}
        )
        return any(row["record_id"] not in self._leaving for row in rows)

    def _data_of(self, workspace: Workspace, issue_id: str) -> tuple[str, str, str] | None:
        """Pack, id and digest of the issue's data."""
        row = workspace.db.one("SELECT pack, data FROM issues WHERE issue_id = :issue", {"issue": issue_id})
        return (row["pack"], issue_id, row["data"]) if row is not None else None

    def _documents_of(self, item: Item) -> _Documents:
        """Where the document of the record's issue was written, and files of its name in the outbox."""
        nothing = _Documents("", "", {})
        if not item.issue_id or item.issue_id not in self._data:
            return nothing
        pack, _, digest = self._data[item.issue_id]
        try:
            data = json.loads(issue_data.read_line(self._root, pack, digest) or b"{}")
        except ValueError:
            return nothing
        if not isinstance(data, dict):
            return nothing
        outputs, name = data.get("outputs"), PurePosixPath(str(data.get("file") or "")).name
        places = {path: True for one in (outputs if isinstance(outputs, list) else ())
                  if (path := self._inside(str(one))) is not None}
        for ending in _DOCUMENTS if name else ():
            for path in self._files_named(Path(name).with_suffix(ending).name):
                places.setdefault(path.with_suffix(".docx"), False)
        return _Documents(item.issue_id, str(data.get("number") or ""), places)

    def _outputs_of(self, documents: _Documents, traces: Mapping[Path, Trace]) -> _Found:
        """Those that are the issue's indeed, with their PDF twins."""

        def whose(path: Path, expected: bool, twin: Ownership | None = None) -> Ownership | None:
            trace = traces.get(path)
            if trace is None:
                return "unclear" if path.is_file() else None
            return trace.ownership(documents.issue_id, documents.number, expected=expected, twin=twin)

        going: list[Path] = []
        unclear: list[tuple[Path, Message]] = []
        for path, expected in documents.places.items():
            twin = path.with_suffix(".pdf")
            word = whose(path, expected)
            # The PDF first: without the Word file beside it, it may no longer show whose it is.
            for one, answer in ((twin, whose(twin, expected, word)), (path, word)):
                if answer == "unclear" or (answer == "ours" and self._is_kept(one)):
                    unclear.append((one, msg("{file} (perhaps a document of {number}; remove the file or move it away)",
                                             file=self._name(one), number=documents.number)))
                elif answer == "ours":
                    going.append(one)
        return _Found(tuple(going), tuple(unclear))

    def _inside(self, name: str) -> Path | None:
        """The Word file that issue data names, when it lies in the store: the data might be wrong or forged."""
        parts = PurePosixPath(name).parts
        path = self._root.joinpath(*parts)
        if ".." in parts or path.suffix != ".docx":
            return None
        return path if path.resolve().is_relative_to(self._root.resolve()) and path.is_relative_to(self._root) else None

    def _is_kept(self, path: Path) -> bool:
        return path.relative_to(self._root).parts[0] in _KEPT

    def _files_named(self, name: str) -> list[Path]:
        if self._named is None:
            self._named = {}
            for path in self._files_in(("outbox",)):
                if path.suffix in _DOCUMENTS:
                    self._named.setdefault(path.name, []).append(path)
        return self._named.get(name, [])

    def _find_working_copies(self, workspace: Workspace, items: Sequence[Item]) -> dict[str, _Found]:
        """Rows that were refused, answers that were kept, and lists that came in, as far as they name a record.

        By its code, number, title, account or party. One that names code, number, title or account and is older than
        the filing has served its purpose and goes; a list that came in, such as an old catalogue, only when it names no
        record that stays. A newer one may be today's work: it is reported, unless what it names still stands for other
        records in the archive, for then it says nothing of the destroyed one.
        """
        found = {item.record_id: _Found(()) for item in items}
        came = self._lists_that_came()
        lists = set(came)
        read = {path: names_in(path) for path in (*self._working_files(), *came)}
        if not read:
            return found
        staying = [row for row in workspace.db.all(
            "SELECT record_id, account, party, code, number, title FROM records WHERE status = 'active'"
        ) if row["record_id"] not in self._leaving]
        busy = {same_account(str(row[key])) for row in staying for key in ("account", "party", "number", "title")
                if row[key]}
        codes = {same_account(row["code"]) for row in staying} | busy
        for item in items:
            names = self._names_of(workspace, item)
            going: list[Path] = []
            unclear: list[tuple[Path, Message]] = []
            for path, named in read.items():
                changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if named is None:
                    unclear.append((path, msg("{file} (cannot be read; remove it when it is no longer needed)",
                                              file=self._name(path))))
                elif (named & (names.accounts | names.own) and names.filed is not None and changed < names.filed
                      and not (path in lists and named & codes)):
                    going.append(path)
                elif path in lists and named & (names.own - busy):
                    unclear.append((path, msg("{file} (a list that names the record; take its row out, or remove the "
                                              "file)", file=self._name(path))))
                elif named & (names.accounts | names.parties | names.own) - busy:
                    unclear.append((path, msg("{file} (names the customer; remove it when it is no longer needed)",
                                              file=self._name(path))))
            found[item.record_id] = _Found(tuple(going), tuple(unclear))
        return found

    def _working_files(self) -> list[Path]:
        places = (*self._files_in(("outbox",)), *self._root.glob("*"), *(self._root / "work").glob("*"))
        return [path for path in places if WORKING_COPY.fullmatch(path.name) and path.is_file()]

    def _lists_that_came(self) -> list[Path]:
        """Spreadsheets where papers come in: catalogues and lists that nobody took away."""
        return [path for path in self._files_in(("inbox", "quarantine"))
                if path.suffix.lower() in LISTS and not path.name.startswith((".", "~"))]

    def _names_of(self, workspace: Workspace, item: Item) -> _Names:
        record = get_record(workspace.db, item.record_id)
        accounts = {record.account if record is not None else None}
        parties = {record.party if record is not None else None}
        own = {record.code, record.number, record.title} if record is not None else set()
        filed: datetime | None = None
        for version in range(1, item.version + 1):
            # Half removed, the catalogue's row is what is left to ask.
            with contextlib.suppress(
                    NotFound, IntegrityFailure, OSError, ValueError, KeyError, AttributeError, TypeError):
                metadata = json.loads(self._objects.read(item.record_id, "record.json", version))
                accounts.add(metadata.get("account"))
                parties.add(metadata.get("party"))
                own |= {metadata.get("number"), metadata.get("title")}
                filed = datetime.fromisoformat(str(metadata["filed_at"]))
        return _Names(frozenset(same_account(str(one)) for one in accounts if one),
                      frozenset(same_account(str(one)) for one in parties if one),
                      frozenset(same_account(str(one)) for one in own if one), filed)

    def _digests_of(self, item: Item) -> dict[str, int]:
        """SHA-256 and size of every content file of the record, all versions; empty when the object is gone."""
        paths: dict[Path, None] = {}
        with contextlib.suppress(NotFound, IntegrityFailure):
            for version in range(1, item.version + 1):
                paths |= {self._objects.locate(item.record_id, name, version): None
                          for name in self._objects.names(item.record_id, version) if name not in _OWN_PARTS}
        read = [files.digests_of(path) for path in paths if path.exists()]
        return {one.sha256: one.size for one in read}

    def _find_batches(self, workspace: Workspace, items: Sequence[Item]) -> dict[str, list[tuple[Path, Message]]]:
        """Copies of the scans that the records were cut out of: they go with the last record of the scan.

        Those that go are added to the digests of the items; the others are given back, each with its reason.
        """
        batches = {item.record_id: batches_of(workspace.db, item.record_id) for item in items}
        waiting = {item.record_id: [one.batch for one in self._waiting[item.record_id] if one.batch is not None]
                   for item in items}
        sizes = {one.size for found in batches.values() for one in found}
        sizes |= {one.size for found in waiting.values() for one in found}
        copies: dict[str, list[tuple[Path, str]]] = {}
        for path in self._files_in(_COPY_PLACES) if sizes else ():
            if path.stat().st_size in sizes:
                digest = files.digests_of(path).sha256
                copies.setdefault(keyed(workspace.settings.store.id, digest), []).append((path, digest))
        left: dict[str, list[tuple[Path, Message]]] = {}
        for item in items:
            left[item.record_id] = unclear = []
            for batch in batches[item.record_id]:
                stays = self._why_batch_stays(batch)
                for path, digest in copies.get(batch.batch, ()):
                    if stays is None:
                        self._digests[item.record_id][digest] = batch.size
                    else:
                        unclear.append((path, stays(self._name(path))))
            for one in waiting[item.record_id]:
                unclear += [(path, _told_of_others(self._name(path)))
                            for path, _ in copies.get(keyed(workspace.settings.store.id, one.sha256), ())]
        return left

    def _why_batch_stays(self, batch: KnownBatch) -> Callable[[str], Message] | None:
        """What is to be told of a copy of the scan; None when no paper of it is left."""
        if len(batch.held) < batch.papers:
            return _told_of_unfiled
        if any(one.status == "active" and one.record_id not in self._leaving for one in batch.records):
            return _told_of_others
        return None

    def _find_waiting(self, workspace: Workspace, items: Sequence[Item]) -> dict[str, tuple[_Waiting, ...]]:
        """Papers that wait for a person and show the document of a record, or say so.

        A second scan of the very record goes with it. Of one that shows more, or that was not matched, a person
        decides: it may be another document's.
        """
        notes = [(path.parent, raw) for room in self._rooms for path in sorted(room.glob("*/reading.json"))
                 if "." not in path.parent.name and isinstance(raw := _read_note(path), dict)]
        found: dict[str, tuple[_Waiting, ...]] = {}
        for item in items:
            record = get_record(workspace.db, item.record_id)
            number = "".join((record.number or "").split()) if record is not None else ""
            issue_id = item.issue_id if item.issue_id not in self._shared else None
            of_item = []
            for folder, raw in notes:
                issues = raw.get("issues")
                shown = frozenset(map(str, issues)) if isinstance(issues, list) else frozenset()
                is_named = raw.get("record") == item.record_id or issue_id in shown
                if not is_named and (shown or not number or number not in _text_of(raw)):
                    continue
                is_second_scan = raw.get("record") == item.record_id and shown <= {item.issue_id}
                reason = None if is_second_scan else msg(
                    "{file} (a paper that waits and may show {number}; settle it, or remove the folder)",
                    file=self._name(folder), number=record.number if record is not None else "")
                of_item.append(_Waiting(folder, _batch_in(raw), reason))
            found[item.record_id] = tuple(of_item)
        return found

    def _find_copies(self, items: Sequence[Item]) -> dict[str, _Found]:
        """Files of equal bytes where papers come in and documents go out; only files of equal size are read.

        One that waits as an attachment of another document is that document's: perhaps it is nowhere else.
        """
        issue_of = {item.record_id: item.issue_id for item in items}
        owners: dict[str, list[str]] = {}
        for record, digests in self._digests.items():
            for digest in digests:
                owners.setdefault(digest, []).append(record)
        sizes = {size for digests in self._digests.values() for size in digests.values()}
        going: dict[str, list[Path]] = {record: [] for record in self._digests}
        unclear: dict[str, list[tuple[Path, Message]]] = {record: [] for record in self._digests}
        for path in self._files_in(_COPY_PLACES) if sizes else ():
            if path.stat().st_size not in sizes:
                continue
            waits_for = path.parent.name.rpartition(".")[2] if path.parent.parent in self._rooms and (
                "." in path.parent.name) else None
            for record in owners.get(files.digests_of(path).sha256, ()):
                if waits_for is None or waits_for == issue_of[record]:
                    going[record].append(path)
                else:
                    unclear[record].append((path, msg(
                        "{file} (the same file waits as an attachment of another document; attach it there, or remove "
                        "it)", file=self._name(path))))
        return {record: _Found(tuple(going[record]), tuple(unclear[record])) for record in self._digests}

    def _files_in(self, places: Sequence[str]) -> Iterator[Path]:
        for place in places:
            yield from (path for path in sorted((self._root / place).rglob("*")) if path.is_file())

    def _paper_folders(self, item: Item) -> list[Path]:
        """Folders that were made for these very bytes, by ingest, with a note that holds the text, and for viewers.

        And those of attachments that wait for the record's document.
        """
        places = (self._root / "quarantine", *self._rooms, self._root / "work" / "viewing")
        found = [place / digest[:16] for digest in self._digests[item.record_id] for place in places]
        if item.issue_id and item.issue_id not in self._shared:
            found += [folder for room in self._rooms for folder in room.glob("*")
                      if folder.name.endswith(f".{item.issue_id}")]
        return found


def _told_of_unfiled(name: str) -> Message:
    return msg("{file} (a scan of several papers, not all of them filed; file the rest, then remove it)", file=name)


def _told_of_others(name: str) -> Message:
    return msg("{file} (a scan of several papers, this one among them; take out what is still needed, then remove it)",
               file=name)


def _read_note(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None  # Damaged: 'unmatched list' shows it.


def _batch_in(note: Mapping[str, object]) -> Batch | None:
    facts = note.get("facts")
    try:
        return batch_of(facts.get("batch") if isinstance(facts, dict) else None)
    except (KeyError, TypeError, ValueError):
        return None  # Whoever may write to the inbox may write this: it must not stop a destruction that has begun.


def _text_of(note: Mapping[str, object]) -> str:
    """The text with which a paper waits, without any white space."""
    pages = note.get("pages")
    texts = [str(one.get("text", "")) for one in pages if isinstance(one, dict)] if isinstance(pages, list) else []
    return "".join("".join(texts).split())
