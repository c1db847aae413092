"""Where papers lie before they are filed: inbox, waiting room, quarantine.

What was filed out of the inbox lies for some days in ``inbox/done/YYYY-MM-DD``, for a person who misses a file.

A file in the inbox is moved, so that whoever is still writing to it goes on writing to the same file. It is removed
only where the very same bytes lie already, and nothing else is ever removed without looking at its bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from recordkit import files
from recordkit.archive.names import COPIES
from recordkit.archive.objects import json_bytes
from recordkit.archive.told import plain_finding, read_findings
from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, msg
from recordkit.model import Finding, PageText
from recordkit.workspace import Workspace

_OF_WINDOWS = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class StagedPaper:
    """A source, its copy in the staging folder, and the state of the source when it was copied."""

    source: Path
    copy: Path
    digests: files.Digests
    state: tuple[int, int, int]

    def is_still_as_read(self) -> bool:
        """Whether the source is the file that was copied, not written to since."""
        try:
            return state_of(self.source) == self.state
        except OSError:
            return False


def state_of(path: Path) -> tuple[int, int, int]:
    """What changes when somebody writes to a file: inode, size, time of change in nanoseconds."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def collect_sources(workspace: Workspace, paths: Sequence[Path]) -> list[Path]:
    """The files behind ``paths``, folders searched through, sorted; the store's inbox when none is given.

    Raises:
        NotFound: a path does not exist.
        InputRefused: a path is a file of the store itself, or lies beside a waiting paper.
    """
    inbox = workspace.root / "inbox"
    resting = {unmatched_folder(workspace).resolve(), done_folder(workspace).resolve()}
    own, arriving = workspace.root.resolve(), inbox.resolve()
    found: set[Path] = set()

    @cache
    def may_hold_papers(folder: Path) -> bool:
        # A folder that holds the store must not make the archive swallow itself.
        folder = folder.resolve()
        above = (folder, *folder.parents)
        return resting.isdisjoint(above) and (own not in above or arriving in above)

    def is_paper(path: Path) -> bool:
        return not _is_a_programs(path.name) and may_hold_papers(path.parent) and path.is_file()

    for path in paths or [inbox]:
        if path.is_dir():
            found |= {one for one in _files_below(path, resting) if is_paper(one)}
        elif path.exists() and own in path.resolve().parents and arriving not in path.resolve().parents:
            raise InputRefused(
                msg("{path} belongs to the store itself.", path=str(path)),
                msg("Inside the store only what lies in its inbox can be filed."),
            )
        elif path.exists():
            _require_no_companion(workspace, path)
            found.add(path)
        else:
            raise NotFound(
                msg("There is no file or folder {path}.", path=str(path)),
                msg("Check the path; without one, what lies in the inbox is filed: {folder}", folder=str(inbox)),
            )
    return sorted(found)


def _is_a_programs(name: str) -> bool:
    """Whether a program laid a file of this name into the folder for itself.

    Hidden files, what lies beside an open Office file, previews and looks of Windows: nobody meant them to be filed,
    and in quarantine they would only alarm.
    """
    return name.startswith((".", "~$")) or name.lower() in _OF_WINDOWS


def _files_below(folder: Path, resting: set[Path]) -> Iterator[Path]:
    """Files in a folder and below, without the folders where thousands of settled papers rest."""
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        folders[:] = [one for one in folders if not one.startswith(".") and (here / one).resolve() not in resting]
        yield from (here / name for name in names)


def _require_no_companion(workspace: Workspace, path: Path) -> None:
    """Refuse what lies beside a waiting paper: filed on its own, a copy would take the place of the paper."""
    path = path.resolve()
    if path.parent.parent != unmatched_folder(workspace).resolve():
        return
    try:
        name = str(json.loads((path.parent / "reading.json").read_bytes())["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # no paper waits here that it could belong to
    if path.name != name:
        raise InputRefused(
            msg("{path} belongs to the waiting paper {name}; it is no paper of its own.", path=str(path), name=name),
            msg("Name the paper itself: {paper}", paper=str(path.with_name(name))),
        )


def told_name(source: Path) -> str:
    """A file's name as it may be stored and shown: valid UTF-8, no control characters that a terminal would obey."""
    name = source.name.encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else "_" for char in name)


def leave_inbox(workspace: Workspace, papers: Sequence[StagedPaper]) -> dict[Path, OSError]:
    """Take filed sources out of the inbox: to the done folder of the day, or away for good when the settings say so.

    One that was written to since it was read stays: the archive has not seen what it is now.

    Returns:
        The sources that could not be taken out, and why.
    """
    inside = {folder: _is_in_inbox(workspace, folder) for folder in {one.source.parent for one in papers}}
    leaving = [one.source for one in papers if inside[one.source.parent] and one.is_still_as_read()]
    links = {one for one in leaving if one.is_symlink()}
    files.remove_files(links)  # The file that a link points to is not ours to move.
    rest = [one for one in leaving if one not in links]
    if workspace.settings.ingest.done_days == 0:
        return _remove_each(rest)
    day = done_folder(workspace) / workspace.clock.today.isoformat()
    place = {folder: day / _folder_inside(workspace, folder) for folder in {one.parent for one in rest}}
    return files.move_many((one, place[one.parent]) for one in rest)


STAYS_IN_INBOX = "stays-in-inbox"
NOT_PUT_ASIDE = "not-put-aside"
"""Findings about a filed paper that could not be taken out of the inbox, and about a paper that should wait or lie in
quarantine and could not be put there."""


def stays_in_inbox(error: OSError) -> Finding:
    """What is said of a filed paper that ``leave_inbox`` could not take out."""
    told = msg("it is filed, but could not be taken out of the inbox: {error}", error=error.strerror or str(error))
    return Finding(STAYS_IN_INBOX, told)


def not_put_aside(error: OSError) -> Finding:
    """What is said of a paper that could not be put where it should lie."""
    told = msg("it could not be put aside and stays where it is: {error}", error=error.strerror or str(error))
    return Finding(NOT_PUT_ASIDE, told)


def _remove_each(sources: Sequence[Path]) -> dict[Path, OSError]:
    failed: dict[Path, OSError] = {}
    try:
        files.remove_files(sources)
    except OSError:
        for source in sources:
            try:
                files.remove_file(source)
            except OSError as error:
                failed[source] = error
    return failed


def clear_done(workspace: Workspace, is_filed: Callable[[files.Digests], bool]) -> None:
    """Remove done folders whose days are over; a file in them that the archive does not hold goes back to the inbox.

    ``is_filed`` tells it by a file's bytes. A folder that is not named by a date is left alone.
    """
    for folder in sorted(done_folder(workspace).glob("????-??-??")):
        try:
            age = (workspace.clock.today - date.fromisoformat(folder.name)).days
        except ValueError:
            continue
        if age < workspace.settings.ingest.done_days or not folder.is_dir():
            continue
        try:
            strays = [one for one in sorted(folder.rglob("*")) if one.is_file() and not is_filed(files.digests_of(one))]
            for error in files.move_many((one, workspace.root / "inbox") for one in strays).values():
                raise error
            files.remove_tree(folder)
        except FileNotFoundError:
            pass  # Another run may be clearing the same day.
        except OSError as error:
            # What is filed lies safe in the archive: that its source cannot go must not keep the next papers out.
            workspace.notices.append(msg("{folder} could not be cleared: {error}", folder=str(folder),
                                         error=error.strerror or str(error)))


def sweep(workspace: Workspace) -> None:
    """Remove folders whose removal was cut off by a kill."""
    for place in (unmatched_folder(workspace), quarantine_folder(workspace), done_folder(workspace)):
        for folder in place.glob(".*.gone"):
            with contextlib.suppress(OSError):  # Another run may be removing it.
                files.remove_tree(folder)


def clear_left_beside(workspace: Workspace, is_filed: Callable[[str, str], bool]) -> None:
    """Remove notes and copies whose paper was filed by a run that was killed before it could remove them.

    ``is_filed`` tells it by a paper's SHA-256 and the id of the issue for whose signed paper it waited, else "".
    """
    for note in waiting_notes(workspace):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if any(one.name not in OTHER_NAMES for one in note.parent.iterdir()):
                continue
            sha256 = str(json.loads(note.read_bytes())["sha256"])
            # A note whose paper is in no record is that of a paper on its way here.
            if is_filed(sha256, note.parent.name.partition(".")[2]):
                files.remove_tree(note.parent)


def done_folder(workspace: Workspace) -> Path:
    """Where sources lie that were filed out of the inbox, by day."""
    return workspace.root / "inbox" / "done"


def quarantine(workspace: Workspace, paper: StagedPaper, reason: Message, code: str) -> None:
    """Put a paper that cannot be filed aside, with the reason and its stable code word.

    One that lies there already stays as it was; only a new reason is noted.
    """
    folder = quarantine_folder(workspace) / paper.digests.sha256[:16]
    if _is_quarantined(workspace, paper.source):
        folder = paper.source.parent
        if code in (_noted(folder, "reason"), "wrong-password"):
            return
    note = {
        "source": told_name(paper.source),
        "reason": code,
        "message": str(reason),
        "time": _noted(folder, "time") or workspace.clock.stamp(),  # since when it lies there
        "sha256": paper.digests.sha256,
    }
    _keep(workspace, folder, paper, "reason.json", note, _safe_name(paper.source))


def keep_unmatched(
    workspace: Workspace,
    paper: StagedPaper,
    texts: tuple[PageText, ...],
    findings: Sequence[Finding],
    facts: Mapping[str, object],
    copies: Mapping[str, Path] | None = None,
    candidates: Sequence[Mapping[str, object]] = (),
    about: Mapping[str, object] | None = None,
) -> None:
    """Let a paper wait for a person, with all that reading it brought and the documents that it might be.

    ``copies`` are files made of it, by name; ``about`` says whose paper it is known to be.
    """
    folder = unmatched_folder(workspace) / waiting_key(paper.digests)
    note = {**_reading_note(paper, texts, findings, facts), **(about or {}),
            "candidates": [dict(one) for one in candidates]}
    _keep_read(workspace, folder, paper, note, copies or {})


def keep_as_it_waits(workspace: Workspace, paper: StagedPaper) -> None:
    """Take a paper that waits already out of the inbox, and leave all that is noted about it as it is."""
    note = waiting_note(workspace, paper.digests)
    if note is not None:
        folder = unmatched_folder(workspace) / waiting_key(paper.digests)
        target = folder / str(note["name"])
        _take_in(workspace, folder, paper, target, is_there=_is_there(folder, paper, target))


def waiting_note(workspace: Workspace, digests: files.Digests) -> dict[str, Any] | None:
    """What is noted about a paper that waits with these bytes; None when none does, or its note is damaged."""
    return read_note(unmatched_folder(workspace) / waiting_key(digests), digests)


def read_note(folder: Path, digests: files.Digests) -> dict[str, Any] | None:
    """The ``reading.json`` of a folder in which a paper of these bytes waits; None when it does not say that."""
    try:
        note = json.loads((folder / "reading.json").read_bytes())
        whole = note["sha256"] == digests.sha256 and (folder / str(note["name"])).is_file()
        texts_of(note)
        read_findings(note["findings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return dict(note) if whole else None


def is_waiting_source(workspace: Workspace, source: Path) -> bool:
    """Whether a source lies where papers wait."""
    return unmatched_folder(workspace).resolve() in source.resolve().parents


def texts_of(note: Mapping[str, Any]) -> tuple[PageText, ...]:
    """The pages of a ``reading.json``.

    Raises:
        KeyError, TypeError: there are none.
    """
    return tuple(PageText(**page) for page in note["pages"])


def keep_attachment(
    workspace: Workspace,
    paper: StagedPaper,
    texts: tuple[PageText, ...],
    findings: Sequence[Finding],
    facts: Mapping[str, object],
    issue_id: str,
    more: Mapping[str, object],
    copies: Mapping[str, Path],
) -> None:
    """Let an attachment wait until the signed paper of its document is filed; ``attaching.join_waiting`` takes it.

    ``more`` is what it will need besides.
    """
    note = {**_reading_note(paper, texts, findings, facts), **more}
    _keep_read(workspace, waiting_folder(workspace, issue_id, paper.digests), paper, note, copies)


def _keep_read(
    workspace: Workspace, folder: Path, paper: StagedPaper, note: Mapping[str, object], copies: Mapping[str, Path]
) -> None:
    for name, copy in copies.items():
        if not (folder / name).exists():
            files.publish(copy, folder / name)
    known = read_note(folder, paper.digests)
    if known is not None:
        # The bytes that come again under another name are no second file, and copies made before stay with it.
        there = {str(name) for name in known.get("copies", ()) if (folder / str(name)).is_file()}
        note = {**note, "name": known["name"]}
    else:
        there = set()
    _keep(workspace, folder, paper, "reading.json", {**note, "copies": sorted(there.union(copies))},
          str(note["name"]))


def waiting_folder(workspace: Workspace, issue_id: str, digests: files.Digests) -> Path:
    """Where an attachment waits for the signed paper of an issue: the folder's name is bytes, dot, issue id."""
    return unmatched_folder(workspace) / f"{waiting_key(digests)}.{issue_id}"


def waiting_key(digests: files.Digests) -> str:
    """The key by which ``match`` knows a paper that waits: the beginning of its SHA-256."""
    return digests.sha256[:16]


def _reading_note(
    paper: StagedPaper, texts: tuple[PageText, ...], findings: Sequence[Finding], facts: Mapping[str, object]
) -> dict[str, object]:
    return {
        "name": _safe_name(paper.source),
        "sha256": paper.digests.sha256,
        "findings": [plain_finding(one) for one in findings],
        "pages": [_plain_page(text) for text in texts],
        "facts": dict(facts),
    }


def waiting_batches(workspace: Workspace) -> list[tuple[str, int]]:
    """Of each waiting paper that was cut out of a batch scan: SHA-256 of the scan, first page of the paper in it."""
    found = []
    for sidecar in waiting_notes(workspace):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(sidecar.read_bytes())
            batch = note["facts"]["batch"]
            # A note whose paper is missing is the leftover of a killed run: its pages lie nowhere but in the batch.
            if (sidecar.parent / str(note["name"])).is_file():
                found.append((str(batch["sha256"]), min(int(page) for page in batch["pages"])))
    return found


def waiting_notes(workspace: Workspace) -> list[Path]:
    """The notes beside papers that wait, sorted; the paper itself may be missing where a run was killed."""
    every = unmatched_folder(workspace).glob("*/reading.json")
    return sorted(one for one in every if not one.parent.name.startswith("."))


def waited_with(source: Path) -> Mapping[str, object]:
    """The facts with which a paper waits that is read anew where it lies; nothing for any other source."""
    with contextlib.suppress(OSError, ValueError):
        note = json.loads((source.parent / "reading.json").read_bytes())
        if isinstance(note, dict) and note.get("name") == source.name and isinstance(note.get("facts"), dict):
            return dict(note["facts"])
    return {}


def unmatched_folder(workspace: Workspace) -> Path:
    """Where papers wait for a person, each in a folder named by its bytes."""
    return workspace.root / "inbox" / "unmatched"


def quarantine_folder(workspace: Workspace) -> Path:
    """Where papers lie that could not be read, each in a folder named by its bytes."""
    return workspace.root / "quarantine"


def leave_quarantine(workspace: Workspace, paper: StagedPaper) -> None:
    """Clear away a paper that is no longer in quarantine, unless it was written to since it was read."""
    if not _is_quarantined(workspace, paper.source) or not paper.is_still_as_read():
        return
    _clear_folder(paper.source.parent, paper.digests)


def _is_quarantined(workspace: Workspace, source: Path) -> bool:
    return source.parent.resolve().parent == quarantine_folder(workspace).resolve()


def _noted(folder: Path, what: str) -> str | None:
    try:
        note = json.loads((folder / "reason.json").read_bytes())
    except (OSError, ValueError):
        return None
    return str(note[what]) if isinstance(note, dict) and note.get(what) else None


def forget_waiting(workspace: Workspace, digests: files.Digests, source: Path | None = None) -> None:
    """Clear where a paper waited, or lay in quarantine, until somebody said where it belongs.

    A quarantine that holds ``source`` itself is left to ``leave_quarantine``: other documents in that file may not be
    settled yet.
    """
    for place in (unmatched_folder(workspace), quarantine_folder(workspace)):
        folder = place / digests.sha256[:16]
        if source is None or source.parent != folder or place != quarantine_folder(workspace):
            _clear_folder(folder, digests)


def _clear_folder(folder: Path, digests: files.Digests) -> None:
    """Remove a folder of papers; one with other bytes, put there by a person or still being written, stays."""
    if not folder.is_dir():
        return
    papers = [one for one in folder.iterdir() if one.name not in OTHER_NAMES]
    equal = [one for one in papers if one.is_file() and files.digests_of(one) == digests]
    if len(equal) == len(papers):
        files.remove_tree(folder)
    else:
        files.remove_files(equal)


def forget_folder(workspace: Workspace, source: Path) -> None:
    """Clear the folder in which a paper waited and which it has left; harmless for any other source."""
    if source.parent.parent == unmatched_folder(workspace) and not source.exists():
        files.remove_tree(source.parent)


def pages_file(texts: Sequence[PageText]) -> bytes:
    """What text.json holds."""
    return json_bytes({"pages": [_plain_page(one) for one in texts]})


def _plain_page(text: PageText) -> dict[str, object]:
    return {
        "page": text.page,
        "text": text.text,
        "source": text.source,
        "engine": text.engine,
        "confidence": text.confidence,
        "turned": text.turned,
        "blank": text.blank,
    }


def _keep(
    workspace: Workspace, folder: Path, paper: StagedPaper, note_name: str, note: Mapping[str, object], name: str
) -> None:
    """Put a paper and a note about it into a folder of its own, named by its bytes: a second run changes nothing."""
    target = folder / name
    is_there = _is_there(folder, paper, target)
    if not is_there:
        target = files.free_name(folder, name)
        note = {**note, "name": target.name} if "name" in note else note
        if not _moves(workspace, paper):
            # The paper before the note: a note alone would pass for a paper that is safe.
            files.publish(paper.copy, target)
    data = json_bytes(note)
    # It holds the paper's text, so it begins where leftovers of killed processes are cleared.
    files.write_batch([(folder / note_name, data)], overwrite=True, room=paper.copy.parent)
    _take_in(workspace, folder, paper, target, is_there=is_there)


def _is_there(folder: Path, paper: StagedPaper, target: Path) -> bool:
    return folder == paper.source.parent or (target.is_file() and files.digests_of(target) == paper.digests)


def _moves(workspace: Workspace, paper: StagedPaper) -> bool:
    """Whether the source itself goes where the paper is kept, so that who still writes to it goes on writing to it."""
    return _is_in_inbox(workspace, paper.source.parent) and not paper.source.is_symlink()


def _take_in(workspace: Workspace, folder: Path, paper: StagedPaper, target: Path, *, is_there: bool) -> None:
    """Take a source out of the inbox, into the folder where the paper is kept unless it lies there already."""
    if folder == paper.source.parent or not _is_in_inbox(workspace, paper.source.parent):
        return
    moves = _moves(workspace, paper)
    if moves and (not is_there or paper.digests.size == 0):
        # An empty file has only been begun; it goes on growing where it is put.
        files.move_into(paper.source, folder, target.name)
    elif not moves or paper.is_still_as_read():
        files.remove_file(paper.source)


def _is_in_inbox(workspace: Workspace, folder: Path) -> bool:
    """Whether sources leave this folder. It decides, not where a link in it points: the link itself leaves."""
    inbox, done = (workspace.root / "inbox").resolve(), done_folder(workspace).resolve()
    folder = folder.resolve()
    above = (folder, *folder.parents)
    return inbox in above and done not in above


def _folder_inside(workspace: Workspace, folder: Path) -> Path:
    """A folder as seen from the inbox; a paper that waited has none of its own."""
    inbox, waiting = (workspace.root / "inbox").resolve(), unmatched_folder(workspace).resolve()
    folder = folder.resolve()
    return Path() if waiting in (folder, *folder.parents) else folder.relative_to(inbox)


def _safe_name(source: Path) -> str:
    """The source's name; one that could be taken for what lies beside it gets a prefix."""
    name = told_name(source)
    return f"paper-{name}" if name in OTHER_NAMES else name


OTHER_NAMES = frozenset({"reading.json", "reason.json", *COPIES})
"""What may lie beside a paper in its folder."""
