"""Takes everything of a record out of the store, and looks whether anything is left. Every step may be repeated.

What is needed to find a thing is removed after it: documents and copies before the issue data and the object that
name them. So a run that was killed finds again what it had not reached.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from recordkit import files
from recordkit.archive.catalogue import objects_of
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.notes import note_folder, remove_notes
from recordkit.retention.order_state import Item
from recordkit.templates import issue_data
from recordkit.workspace import Workspace

_COPY_PLACES = ("inbox", "quarantine", "outbox")
_OWN_PARTS = frozenset({"record.json", "text.json"})
_KEPT = frozenset({"ledger", "objects", "notes", "issued", "forms"})
"""Folders out of which no path named in issue data may remove anything: the data might be wrong or forged."""
_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.(gone|tmp)")


class Remover:
    """Removal of the items of one order. Made under the store's lock, before the first file goes."""

    def __init__(self, workspace: Workspace, items: Sequence[Item]) -> None:
        """Read which documents and which bytes belong to the items, while they can still be read."""
        self._root = workspace.root
        self._objects = objects_of(workspace)
        self._going = {item.record_id for item in items}
        self._shared = {item.issue_id for item in items if item.issue_id and self._is_shared(workspace, item.issue_id)}
        issues = {item.issue_id for item in items if item.issue_id} - self._shared
        self._data = {one: found for one in issues if (found := self._data_of(workspace, one)) is not None}
        self._outputs = {item.record_id: self._outputs_of(item) for item in items}
        self._digests = {item.record_id: self._digests_of(item) for item in items}
        self._copies = self._find_copies()
        with workspace.staging():
            pass  # Clears the staging folders of processes that died: they may hold copies.

    def remove(self, item: Item) -> None:
        """Remove everything of one record.

        Raises:
            OSError: something could not be removed; what came before it is gone.
        """
        for path in (*self._outputs[item.record_id], *self._copies[item.record_id]):
            files.remove_file(path)
        for folder in self._paper_folders(item):
            files.remove_tree(folder)
        remove_notes(self._root, item.record_id)
        if item.issue_id and item.issue_id not in self._shared:
            remove_notes(self._root, item.issue_id)
            if item.issue_id in self._data:
                issue_data.remove_line(self._root, *self._data[item.issue_id])
        self._objects.remove(item.record_id)

    def remove_accounts(self, events: Sequence[str], holds: Sequence[str]) -> None:
        """Remove the notes that name accounts of which no record is left.

        Raises:
            OSError: a note could not be removed.
        """
        for subject in (*events, *holds):
            remove_notes(self._root, subject)

    def remains(self, item: Item) -> list[str]:
        """Places inside the store where something of the record still is, asked of the file system."""
        found: list[str] = []
        if self._objects.holds_path_of(item.record_id):
            found.append(f"objects: {item.record_id}")
        places = [*self._outputs[item.record_id], *self._copies[item.record_id], *self._paper_folders(item),
                  note_folder(self._root, item.record_id)]
        if item.issue_id and item.issue_id not in self._shared:
            places.append(note_folder(self._root, item.issue_id))
            if item.issue_id in self._data and issue_data.holds_line(self._root, *self._data[item.issue_id]):
                found.append(f"{issue_data.FOLDER}: {item.issue_id}")
        return found + [path.relative_to(self._root).as_posix() for path in places if path.exists()]

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
        return any(row["record_id"] not in self._going for row in rows)

    def _data_of(self, workspace: Workspace, issue_id: str) -> tuple[str, str, str] | None:
        """Pack, id and digest of the issue's data."""
        row = workspace.db.one("SELECT pack, data FROM issues WHERE issue_id = :issue", {"issue": issue_id})
        return (row["pack"], issue_id, row["data"]) if row is not None else None

    def _outputs_of(self, item: Item) -> list[Path]:
        """The documents that were generated for the record's issue and lie inside the store, PDF twins included."""
        if not item.issue_id or item.issue_id in self._shared:
            return []
        pack, _, digest = self._data.get(item.issue_id, ("", "", ""))
        try:
            data = json.loads(issue_data.read_line(self._root, pack, digest) or b"{}")
        except ValueError:
            return []
        outputs = data.get("outputs") if isinstance(data, dict) else None
        found: list[Path] = []
        for name in outputs if isinstance(outputs, list) else ():
            parts = PurePosixPath(str(name)).parts
            path = self._root.joinpath(*parts)
            inside = path.resolve().is_relative_to(self._root.resolve())
            if len(parts) < 2 or not inside or ".." in parts or parts[0] in _KEPT:
                continue
            found.append(path)
            if path.suffix == ".docx":
                found.append(path.with_suffix(".pdf"))
        return found

    def _digests_of(self, item: Item) -> dict[str, int]:
        """SHA-256 and size of every content file of the record, all versions; empty when the object is gone."""
        found: dict[str, int] = {}
        seen: set[Path] = set()
        try:
            names = [name for name in self._objects.names(item.record_id) if name not in _OWN_PARTS]
        except (NotFound, IntegrityFailure):
            return found
        for version in range(1, item.version + 1):
            for name in names:
                try:
                    path = self._objects.locate(item.record_id, name, version)
                except NotFound:
                    continue
                if path not in seen and path.exists():
                    seen.add(path)
                    digests = files.digests_of(path)
                    found[digests.sha256] = digests.size
        return found

    def _find_copies(self) -> dict[str, list[Path]]:
        """Files of equal bytes where papers come in and documents go out; only files of equal size are read."""
        owner = {digest: record for record, digests in self._digests.items() for digest in digests}
        sizes = {size for digests in self._digests.values() for size in digests.values()}
        found: dict[str, list[Path]] = {record: [] for record in self._digests}
        for path in self._files_in(_COPY_PLACES) if sizes else ():
            if path.stat().st_size in sizes:
                record = owner.get(files.digests_of(path).sha256)
                if record is not None:
                    found[record].append(path)
        return found

    def _files_in(self, places: Sequence[str]) -> Iterator[Path]:
        for place in places:
            yield from (path for path in sorted((self._root / place).rglob("*")) if path.is_file())

    def _paper_folders(self, item: Item) -> list[Path]:
        """Folders that ingest made for these very bytes; the note beside the paper holds its text."""
        places = (self._root / "quarantine", self._root / "inbox" / "unmatched")
        return [place / digest[:16] for digest in self._digests[item.record_id] for place in places]
