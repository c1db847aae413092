"""The acts that are stopped at every step, each with a store in which everything happens that may happen to a paper.

What reading the papers brings is taken once, for real, and given to every run: the children that read change nothing
in the store, and a run of three thousand stops could not wait for them.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
from conftest import clock_at
from papers import pdf_bytes

from recordkit.archive import attaching, catalogue, ingest, splitting
from recordkit.archive.arrivals import collect_sources
from recordkit.archive.attaching import AttachOptions, attach_papers, join_waiting
from recordkit.archive.bulk import BulkPlan, RowEdit, change_many
from recordkit.archive.decisions import IngestOptions
from recordkit.archive.editing import edit_record
from recordkit.archive.ingest import ingest_papers
from recordkit.archive.reading import PaperReading, read_papers
from recordkit.archive.retrying import chosen_papers, retry_papers
from recordkit.archive.waiting import list_unmatched, match_paper
from recordkit.cli.main import run as command
from recordkit.store import make_store, open_store
from recordkit.templates.code import PrintedCode
from recordkit.templates.forms import shipped_forms
from recordkit.templates.issue import list_issues
from recordkit.workspace import Workspace

TODAY, LATER = date(2026, 11, 20), date(2027, 1, 20)
PLAIN = IngestOptions(ocr=False, jobs=1)
AS_CLASS = replace(PLAIN, record_class="visit-record", fields={"title": "走访记录"})
PASSWORD = "pw"


@dataclass(frozen=True)
class Scene:
    """A store before its act.

    Attributes:
        readings: of its papers, by their SHA-256.
        places: where the bytes of each paper belong in the end, by SHA-256.
        number: the document that the act names.
    """

    readings: Mapping[str, PaperReading]
    places: Mapping[str, str]
    number: str = ""


@dataclass(frozen=True)
class Plan:
    """How a scene is made: the papers that come, where each belongs in the end, what is done before.

    ``papers`` are paths below the store, each with its bytes and place; those of ``later`` come after ``before``.
    ``number`` is the place of the document among those issued.
    """

    papers: Mapping[str, tuple[bytes, str]]
    number: int = 0
    before: Callable[[Path, Scene], object] | None = None
    later: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)

    @property
    def every(self) -> dict[str, tuple[bytes, str]]:
        """All papers, those too that come after ``before``."""
        return {**self.papers, **self.later}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def opened(store: Path, day: date = TODAY) -> Workspace:
    return open_store(store, clock_at(day), "test")


def with_known_readings(readings: Mapping[str, PaperReading]) -> None:
    """From here on papers are not read, and pieces of a batch are cut in this process: its steps are counted."""

    def known(paths: Sequence[Path], *, scratch: Path, **_: Any) -> Iterator[PaperReading]:
        for path in paths:
            reading = readings[sha256(path.read_bytes())]
            copies = {one: scratch / f"{path.stem}-{one}" for one in reading.copies}
            for one, target in copies.items():
                shutil.copyfile(reading.copies[one], target)
            if reading.copy is not None:
                reading = replace(reading, copy=replace(reading.copy, path=copies[reading.copy.name]))
            yield replace(reading, path=path, searchable=copies.get("searchable.pdf"))

    def cut(source: Path, cuts: Mapping[Path, Sequence[int]], *_: Any) -> dict[Path, Any]:
        carried = splitting._cut(source, [(path, list(pages)) for path, pages in cuts.items()], ())
        return dict(zip(cuts, carried, strict=True))

    ingest.read_papers = attaching.read_papers = known  # type: ignore[assignment]
    splitting.cut_file = cut  # type: ignore[assignment]


def _taken_in(options: IngestOptions, day: date = TODAY, times: int = 1) -> Callable[[Path, Scene], list[str]]:
    def take_in(store: Path, _: Scene) -> list[str]:
        done = []
        for _ in range(times):
            workspace = opened(store, day)
            done += [one.outcome for one in ingest_papers(workspace, collect_sources(workspace, []), options)]
            done += [f"joined {one.outcome}" for one in join_waiting(workspace)]
            workspace.close()
        return done

    return take_in


def _attach(store: Path, scene: Scene) -> list[str]:
    workspace = opened(store)
    options = AttachOptions(ocr=False)
    done = attach_papers(workspace, scene.number, collect_sources(workspace, []), options)
    outcomes = [one.outcome for one in done]
    workspace.close()
    return outcomes


def _matched(*, new_version: bool) -> Callable[[Path, Scene], list[str]]:
    def match(store: Path, scene: Scene) -> list[str]:
        workspace = opened(store)
        done = [match_paper(workspace, one.key, scene.number, new_version=new_version).outcome
                for one in list_unmatched(workspace)]
        done += [f"joined {one.outcome}" for one in join_waiting(workspace)]
        workspace.close()
        return done

    return match


def _retry(store: Path, _: Scene) -> list[str]:
    workspace = opened(store)
    options = replace(AS_CLASS, passwords=(PASSWORD,))
    done = [one.outcome for one in retry_papers(workspace, chosen_papers(workspace, []), options)]
    workspace.close()
    return done


def _edit(store: Path, _: Scene) -> list[str]:
    workspace = opened(store)
    first = catalogue.list_records(workspace.db)[0]
    edit_record(workspace, first.record_id, {"title": "改过的题名"}, "更正")
    workspace.close()
    return ["edited"]


def _edit_many(store: Path, _: Scene) -> list[str]:
    workspace = opened(store)
    edits = tuple(
        RowEdit(row, one.record_id, one.code, one.version, {"box": "7"}, ())
        for row, one in enumerate(catalogue.list_records(workspace.db), 2) if one.metadata.get("box") != "7")
    versions = len({one.version for one in edits})
    _, late = change_many(workspace, BulkPlan(edits, 0, ()), "装盒", lambda _: None)
    workspace.close()
    # A batch is in force as a whole or not at all: a run that finds one record left to edit meets half of one.
    assert len(edits) in (0, 2) and versions <= 1 and not late, edits
    return ["edited", "edited"]


ACTS: Mapping[str, Callable[[Path, Scene], list[str]]] = {
    "ingest": _taken_in(AS_CLASS),
    "edit": _edit,
    "edit_many": _edit_many,
    "wait": _taken_in(PLAIN),
    "split": _taken_in(replace(PLAIN, split=True)),
    "rescan": _taken_in(PLAIN),
    "attach": _attach,
    "attach_wait": _attach,
    "join": _taken_in(PLAIN),
    "match": _matched(new_version=False),
    "match_new": _matched(new_version=True),
    "retry": _retry,
    # A stray of the done folder comes back into the inbox, where the next run finds it.
    "clear_done": _taken_in(AS_CLASS, LATER, times=2),
}


def _plans(codes: Sequence[str], filed: bytes) -> dict[str, Plan]:
    new, blank = pdf_bytes(text=codes[2]), pdf_bytes(text="")
    second = pdf_bytes(text=codes[1], prefix=" ")
    batch = _joined(new, blank, pdf_bytes(text="Deed of somebody"), blank, pdf_bytes(text=codes[3]), blank,
                    pdf_bytes(text=codes[0], prefix=" "))
    attached = {"inbox/id card.pdf": _broken("ID card"), "inbox/deed.pdf": pdf_bytes(text="Deed")}
    done = "inbox/done/2026-11-20"
    return {
        "ingest": Plan({
            "inbox/new.pdf": (new, "archive"), "inbox/twin.pdf": (new, "archive"),
            "inbox/新 案/new.pdf": (pdf_bytes(text=codes[3]), "archive"), "inbox/filed.pdf": (filed, "archive"),
            "inbox/second.pdf": (second, "unmatched"), "inbox/broken.pdf": (b"no pdf", "quarantine"),
            "inbox/uncoded.pdf": (pdf_bytes(text="nothing"), "archive"),
        }),
        "edit": Plan({}),
        "edit_many": Plan({}),
        "wait": Plan({"inbox/torn.pdf": (_broken("Uncoded"), "unmatched"),
                      "inbox/scan.pdf": (pdf_bytes(text="Searchable"), "unmatched")}),
        "split": Plan({"inbox/batch.pdf": (batch, "done"), "inbox/solo.pdf": (pdf_bytes(text=codes[4]), "archive")}),
        "rescan": Plan({"inbox/second.pdf": (second, "archive")}, before=_let_scans_replace),
        "attach": Plan({name: (data, "archive") for name, data in attached.items()}),
        "attach_wait": Plan({name: (data, "unmatched") for name, data in attached.items()}, 2),
        "join": Plan({name: (data, "archive") for name, data in attached.items()}, 2, before=_attach,
                     later={"inbox/new.pdf": (new, "archive")}),
        "match": Plan({"inbox/torn.pdf": (_broken("Uncoded"), "archive")}, 2, before=_taken_in(PLAIN)),
        "match_new": Plan({"inbox/second.pdf": (second, "archive")}, 1, before=_taken_in(PLAIN)),
        "retry": Plan({"inbox/locked.pdf": (_locked("Locked"), "archive"),
                       "inbox/broken.pdf": (b"no pdf", "quarantine")}, before=_taken_in(AS_CLASS)),
        "clear_done": Plan({"inbox/x.pdf": (pdf_bytes(text="X"), "archive"), f"{done}/案/filed.pdf": (filed, "archive"),
                            "inbox/done/2026-11-19/returned.pdf": (pdf_bytes(text=codes[1]), "archive"),
                            f"{done}/z stray.pdf": (pdf_bytes(text="Stray"), "archive")}),
    }


def _let_scans_replace(store: Path, _: Scene) -> None:
    settings = store / "recordkit.toml"
    text = settings.read_text(encoding="utf-8")
    assert 'rescan = "ask"' in text
    settings.write_text(text.replace('rescan = "ask"', 'rescan = "version"'), encoding="utf-8")


def _broken(text: str) -> bytes:
    """A PDF that can be read only from a repaired copy."""
    return pdf_bytes(2, text=text)[:-60].replace(b"startxref", b"startxxxx")


def _locked(text: str) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf_bytes(text=text))) as paper:
        paper.save(out, encryption=pikepdf.Encryption(user=PASSWORD, owner="own", R=6))
    return out.getvalue()


def _joined(*papers: bytes) -> bytes:
    with pikepdf.new() as whole:
        for one in papers:
            with pikepdf.open(io.BytesIO(one)) as paper:
                whole.pages.extend(paper.pages)
        out = io.BytesIO()
        whole.save(out, deterministic_id=True)
    return out.getvalue()


def make_scenes(folder: Path) -> dict[str, Scene]:
    """For each act its store, ``folder/ACT``, and what is known about it."""
    base = folder / "base"
    codes, numbers, filed = _make_base(base)
    plans = _plans(codes, filed)
    readings = _read(folder / "papers", [data for plan in plans.values() for data, _ in plan.every.values()])
    scenes = {}
    for act, plan in plans.items():
        shutil.copytree(base, folder / act)
        places = {sha256(data): place for data, place in plan.every.values()}
        scenes[act] = Scene({one: readings[one] for one in places}, places, numbers[plan.number])
        _make_ready(folder / act, plan, scenes[act])
    return scenes


def _make_base(store: Path) -> tuple[list[str], list[str], bytes]:
    """A store with five documents, the papers of two of which are filed; their codes, numbers, and the first paper."""
    make_store(store, clock_at(TODAY), "test", simulation=True)
    sample = shipped_forms() / "visit-record" / "sample.toml"
    for _ in range(5):
        assert command(["--store", str(store), "--lang", "en", "--quiet", "generate", "visit-record", "--data",
                        str(sample), "--as-of", TODAY.isoformat()]) == 0
    workspace = opened(store)
    issues = list(list_issues(workspace.db))
    codes = [PrintedCode(one.issue_id, 1, 1, 1).encode() for one in issues]
    first = store.parent / "first"
    first.mkdir()
    filed = pdf_bytes(text=codes[0])
    (first / "filed.pdf").write_bytes(filed)
    (first / "returned.pdf").write_bytes(pdf_bytes(text=codes[1]))
    outcomes = [one.outcome for one in ingest_papers(workspace, sorted(first.iterdir()), PLAIN)]
    assert outcomes == ["archived", "archived"], outcomes
    workspace.close()
    for path in (store / "outbox").iterdir():
        path.unlink()
    return codes, [one.number for one in issues], filed


def _read(folder: Path, papers: Sequence[bytes]) -> dict[str, PaperReading]:
    """What reading the papers brings, by their SHA-256; copies that are made of them stay in the folder."""
    folder.mkdir()
    paths = {sha256(data): folder / f"{sha256(data)[:16]}.pdf" for data in papers}
    for data in papers:
        paths[sha256(data)].write_bytes(data)
    found = dict(zip(paths, read_papers(list(paths.values()), jobs=1, ocr=False, scratch=folder,
                                        passwords=(PASSWORD,)), strict=True))
    for digest, one in found.items():
        if any("Searchable" in page.text for page in one.texts):
            copy = folder / "searchable.pdf"
            copy.write_bytes(pdf_bytes(text="searchable copy"))
            found[digest] = replace(one, searchable=copy)  # as OCR would have brought
    return found


def _make_ready(store: Path, plan: Plan, scene: Scene) -> None:
    """Bring a store to where its act begins; what went before is done for real."""
    _put(store, plan.papers)
    if plan.before is not None:
        plan.before(store, scene)
    _put(store, plan.later)
    opened(store).close()


def _put(store: Path, papers: Mapping[str, tuple[bytes, str]]) -> None:
    for name, (data, _) in papers.items():
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_bytes(data)
