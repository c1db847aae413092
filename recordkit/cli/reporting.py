"""What is told of an ingest: each item as it comes, how far it is, the summary. No item is held in memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from recordkit.cli.base import App
from recordkit.cli.colours import MEANINGS, painted
from recordkit.cli.dates import local_time
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.plans import Plan, Step
from recordkit.cli.progress import Progress, clock_time
from recordkit.cli.showing import plain
from recordkit.cli.streaming import print_list
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.archive.attaching import AttachedPaper
    from recordkit.archive.decisions import IngestItem
    from recordkit.archive.retrying import QuarantinedPaper
    from recordkit.archive.waiting import UnmatchedPaper

UNREAD = "no-text"
"""The finding of each page that is a picture and was not read: said once a run, with the count."""


class IngestReport:
    """One run's talk: lines for a person, or one JSON document at the end. As a context it shows how far it is.

    Args:
        app: how and where to talk.
        files: how many there are; None when nobody knows, as when a folder is watched.
        dry_run: whether nothing is written.
    """

    def __init__(self, app: App, files: int | None = None, *, dry_run: bool = False) -> None:
        """Begin to count the time."""
        from recordkit.files import Spool

        self.counts = dict.fromkeys(("archived", "duplicate", "unmatched", "quarantined", "deferred"), 0)
        self._plan = Plan(app) if dry_run else None
        self._app = app
        self._files = files
        self._done = 0
        self._latest: Path | None = None
        self._started = time.monotonic()
        self._progress = Progress(app, tr("Filing papers"), files or 0)
        self._stuck = 0
        self._unread = self._files_unread = 0
        self._items = Spool()
        self._joined = Spool()

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._progress.__exit__(kind, error, trace)

    @contextmanager
    def told_when_stopped(self) -> Iterator[None]:
        """Whoever presses Ctrl-C is told what became of the files that were dealt with; programs, too."""
        try:
            yield
        except KeyboardInterrupt:
            self.close()
            raise

    def page_read(self, path: Path, done: int, pages: int) -> None:
        """A page was read."""
        from recordkit.archive.arrivals import told_name

        self._tell_how_far(f"{told_name(path)}: {done}/{pages}")

    def add(self, item: IngestItem) -> None:
        """Something became of a file, or of a part of it."""
        from recordkit.archive.arrivals import NOT_PUT_ASIDE

        self.counts[item.outcome] += 1
        unread = sum(finding.code == UNREAD for finding in item.findings)
        self._unread += unread
        self._files_unread += unread > 0
        self._stuck += any(finding.code == NOT_PUT_ASIDE for finding in item.findings)
        if item.source != self._latest:
            self._latest = item.source
            self._done += 1
        if self._app.json:
            self._items.append(_line(plain_item(item)))
            self._tell_how_far()
            return
        with self._progress.aside():
            if self._plan is not None:
                self._plan.add(step_of(item), remarks_of(item, UNREAD))
            else:
                print_item(item, UNREAD)
        self._tell_how_far()

    def join(self, joined: Sequence[AttachedPaper]) -> None:
        """Attachments that waited have found their paper."""
        for one in joined:
            if self._app.json:
                self._joined.append(_line(plain_attached(one)))
            else:
                print_attached(one)

    def close(self, more: Mapping[str, object] | None = None) -> int:
        """The summary, with further members of the JSON document; the exit code."""
        seconds = time.monotonic() - self._started
        if self._app.json:
            self._print_json(seconds, more or {})
        else:
            self._print_summary(seconds)
        return 4 if self.counts["quarantined"] or self._stuck else 0

    def _print_json(self, seconds: float, more: Mapping[str, object]) -> None:
        click.echo("{")
        total = print_list("items", (json.loads(line) for line in self._items))
        click.echo(f',\n  "total": {total},')
        print_list("joined", (json.loads(line) for line in self._joined))
        for name, value in more.items():
            click.echo(f',\n  "{name}": {json.dumps(value, ensure_ascii=False, default=plain)}', nl=False)
        summary = json.dumps({**self.counts, "seconds": round(seconds, 3)})
        click.echo(f',\n  "summary": {summary}\n}}')

    def _print_summary(self, seconds: float) -> None:
        say, counts = self._app.say, self.counts
        told = msg("{archived} archived, {duplicate} duplicate, {unmatched} unmatched, {quarantined} in quarantine.",
                   **counts)
        if self._plan is None:
            say(told)
        if self._files is not None and self._done > 1:
            say(tr("{files} files in {time}, {rate} a second.").format(
                files=self._done, time=clock_time(seconds), rate=f"{self._done / max(seconds, 0.001):.1f}"))
        if self._unread:
            say(msg("{pages} page(s) of {files} paper(s) are pictures that were not read, for reading scans was off: "
                    "they are found by what is entered of them, not by their text.", pages=self._unread,
                    files=self._files_unread))
        if counts["deferred"] > self._stuck:
            say(tr("{deferred} still being written; run it again later.").format(
                deferred=counts["deferred"] - self._stuck))
        if self._stuck:
            say(tr("{count} could not be put aside; they stay where they are.").format(count=self._stuck))
        if self._plan is not None:
            self._plan.close(told, any_left=self._done > counts["deferred"])
            return
        if counts["unmatched"]:
            say(tr("'recordkit unmatched list' shows what waits; 'recordkit match' settles it."))
        if counts["quarantined"]:
            say(tr("'recordkit quarantine list' shows what is wrong with them and what to do."))

    def _tell_how_far(self, at_hand: str = "") -> None:
        from recordkit.archive.arrivals import told_name

        last = told_name(self._latest) if self._latest is not None else ""
        self._progress.of(self._done, self._files or 0, last=last, now=at_hand)


def plain_item(item: IngestItem) -> dict[str, object]:
    """An item as ``--json`` gives it."""
    return {
        "source": str(item.source).encode("utf-8", "replace").decode(),
        "outcome": item.outcome,
        "record_id": item.record_id,
        "code": item.code,
        "number": item.number,
        "version": item.version,
        "pages": item.pages,
        "ocr_pages": item.ocr_pages,
        "reason": item.reason,
        "findings": [{"code": one.code, "message": one.message} for one in item.findings],
    }


_WHAT = {
    "archived": N_("File as a record"), "duplicate": N_("Leave out, it is here already"),
    "unmatched": N_("Put among the waiting papers"), "quarantined": N_("Put into quarantine"),
    "deferred": N_("Leave, it is still being written"), "attached": N_("Attach"),
    "waits": N_("Keep until its document is filed"), "refused": N_("Refuse"),
}


def step_of(item: IngestItem | AttachedPaper) -> Step:
    """What would become of a file."""
    from recordkit.archive.arrivals import told_name

    after = "  ".join(filter(None, (item.code, item.number)))
    return Step(msg(_WHAT[item.outcome]), told_name(item.source), item.reason or "", None, after or None)


def remarks_of(item: IngestItem | AttachedPaper, besides: str = "") -> list[str]:
    """What should be known of it and is not the reason; findings of the code ``besides`` are left out."""
    return [one.message.render(tr) for one in item.findings
            if one.code != besides and (item.reason is None or str(one.message) != str(item.reason))]


def print_item(item: IngestItem, besides: str = "") -> None:
    """An item for a person: what became of the file, and below it what should be known."""
    from recordkit.archive.arrivals import told_name

    parts = [told_name(item.source), painted(tr(item.outcome), MEANINGS.get(item.outcome))]
    parts += [part for part in (item.code, item.number) if part]
    if item.reason is not None:
        parts.append(item.reason.render(tr))
    click.echo("  ".join(parts))
    for one in remarks_of(item, besides):
        click.echo("    - " + one)


def print_waiting(paper: UnmatchedPaper, text: str) -> None:
    """A waiting paper for a person: why, what it may be, the beginning of its text, and the commands to settle it."""
    from recordkit.archive.arrivals import told_name

    reason = paper.reason.render(tr)
    lines = [reason, *(told for one in paper.findings if (told := one.message.render(tr)) != reason)]
    if paper.candidates:
        likely = tr_list(f"{number} ({confidence:.0%})" for number, confidence in paper.candidates)
        lines.append(tr("Perhaps: {documents}").format(documents=likely))
    if text.strip():
        lines.append(tr("Text: {text}").format(text=text))
    pages = tr("pages: {pages}").format(pages=paper.pages)
    _print_block(f"{paper.key}  {told_name(paper.path)}  {pages}", lines,
                 _settling(paper))


def _is_blank(paper: UnmatchedPaper) -> bool:
    return sum(one.code == "empty-page" for one in paper.findings) == paper.pages


def _settling(paper: UnmatchedPaper) -> list[str]:
    """Commands that settle a waiting paper, the likeliest first."""
    from recordkit.archive.matching import BLOCKING

    number_word, class_word, text_word = tr("NUMBER"), tr("CLASS"), tr("TEXT")
    if paper.waits_for:
        return [f"recordkit ingest --attach-to {number_word} {paper.key}"]
    codes = {one.code for one in paper.findings}
    if _is_blank(paper):
        return [f"recordkit unmatched drop {paper.key} --reason {text_word}"]
    if "several-documents" in codes:
        return [f"recordkit ingest --split {paper.key}"]
    filed = [one.message.params["number"] for one in paper.findings
             if one.code == "not-open" and {"number", "code", "key"} <= one.message.params.keys()]
    if filed:
        return [f"recordkit match {paper.key} {filed[0]} --new-version"]
    found = [f"recordkit match {paper.key} {number}" for number, _ in paper.candidates[:3]]
    found = found or [f"recordkit match {paper.key} {number_word}"]
    # No class takes a paper that names a document of ours.
    return found if codes & BLOCKING else [*found, f"recordkit ingest --class {class_word} {paper.key}"]


def tell_ways(app: App, papers: Sequence[UnmatchedPaper]) -> None:
    """Below the waiting papers: what settles several of them at once, and what is left for those that nobody needs."""
    several = [one.key for one in papers if any(each.code == "several-documents" for each in one.findings)]
    if len(several) > 1:
        app.say(tr("{count} of them hold several documents; all are cut at once: recordkit ingest --split {keys}")
                .format(count=len(several), keys=" ".join(several)))
    unread = [one.key for one in papers if not one.candidates and one.key not in several
              and sum(each.code == UNREAD for each in one.findings) == one.pages]
    if unread:
        app.say(tr("{count} of them were not read; text recognition may find what they are: recordkit ingest {keys}")
                .format(count=len(unread), keys=" ".join(unread)))
    useless = [one.key for one in papers if _is_blank(one)]
    app.say(tr("What nobody needs is given up, one paper or several: recordkit unmatched drop {keys} --reason {text}")
            .format(keys=" ".join(useless) or tr("KEY"), text=tr("TEXT")))
    tell_short_names(app, papers[0])


def tell_short_names(app: App, paper: UnmatchedPaper | QuarantinedPaper) -> None:
    """How a paper may be named with less typing."""
    app.say(tr("For the key its first characters do ({key}), or the end of the file name ({name}), if only one paper "
               "has them.").format(key=paper.key[:4], name=paper.path.stem[-3:]))


def print_quarantined(paper: QuarantinedPaper) -> None:
    """A paper in quarantine for a person: what is wrong with it, what to do, and the command for that."""
    from recordkit.archive.arrivals import told_name
    from recordkit.archive.retrying import LOCKED

    again, file_word = f"recordkit ingest --retry {paper.key}", tr("FILE")
    lines = [paper.message.render(tr), paper.how.render(tr)]
    if paper.time:
        lines.append(tr("since {time}").format(time=local_time(paper.time)))
    _print_block(f"{paper.key}  {told_name(paper.path)}", lines,
                 [again + f" --password-file {file_word}" if paper.reason in LOCKED else again])


_WIDE = 80
"""Columns of a terminal that nobody has made larger."""


def _print_block(head: str, lines: Sequence[str], commands: Sequence[str]) -> None:
    """Head, indented lines folded at the edge of the screen, and commands, each in one piece for copying."""
    from rich.console import Console
    from rich.text import Text

    console = Console(width=_WIDE)
    for text, first in [(head, ""), *((line, "    ") for line in lines)]:
        indent = first or "    "
        for number, line in enumerate(Text(text).wrap(console, _WIDE - 1 - len(indent))):
            click.echo((first if number == 0 else indent) + line.plain.rstrip())
    for command in commands:
        click.echo("    " + command)


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=plain).encode()


def plain_attached(one: AttachedPaper) -> dict[str, object]:
    """An item with the keys of ingest's items, and those of attachments."""
    return {
        "source": str(one.source).encode("utf-8", "replace").decode(),
        "outcome": one.outcome,
        "record_id": one.record_id,
        "code": one.code,
        "number": one.number,
        "attachment": one.attachment,
        "item": one.item,
        "pages": one.pages,
        "ocr_pages": one.ocr_pages,
        "reason": one.reason,
        "findings": [{"code": finding.code, "message": finding.message} for finding in one.findings],
    }


def print_attached(one: AttachedPaper) -> None:
    """One line for a person, and one for each finding."""
    from recordkit.archive.arrivals import told_name

    parts = [told_name(one.source), painted(tr(one.outcome), MEANINGS.get(one.outcome))]
    parts += [part for part in (one.code, one.number) if part]
    if one.attachment is not None:
        parts.append(tr("attachment {number}").format(number=one.attachment))
    parts += [one.item] if one.item else []
    if one.reason is not None:
        parts.append(one.reason.render(tr))
    click.echo("  ".join(parts))
    for finding in one.findings:
        click.echo("    - " + finding.message.render(tr))
