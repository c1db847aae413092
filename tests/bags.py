"""Bags of invented records for tests: a store with a few papers, its bag, and bags made wrong in one point."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from conftest import Cli, clock_at
from papers import pdf_bytes

from recordkit.store import make_store, open_store
from recordkit.workspace import Workspace

DAY = date(2026, 12, 1)
AS_OF = ("--as-of", DAY.isoformat())
TITLES = ("甲回访", "=1+1 乙回访", "丙回访")


def fill(cli: Cli, folder: Path) -> list[dict[str, Any]]:
    """File three papers under the class of visit records; the last is in box 7 and has an attachment."""
    items = []
    for at, title in enumerate(TITLES):
        paper = folder / f"paper-{at}.pdf"
        paper.write_bytes(pdf_bytes(at + 1, text=f"Visit {at} water pressure"))
        box = ("--set", "盒号=7", "--set", "户号=0012", "--set", "电话=13900000001") if at == 2 else ()
        items += cli.json("ingest", paper, "--class", "visit-record", "--set", f"题名={title}", "--set",
                          f"日期=2025-03-0{at + 1}", *box, "--no-ocr", *AS_OF)["items"]
    card = folder / "card.pdf"
    card.write_bytes(pdf_bytes(2, text="Deed of house"))
    cli("ingest", "--attach-to", items[2]["code"], card, "--no-ocr", *AS_OF)
    return items


def other_store(root: Path) -> Path:
    """A real store beside the simulated one, with an id of its own."""
    make_store(root, clock_at(DAY), "test")
    return root


def opened(root: Path) -> Workspace:
    return open_store(root, clock_at(DAY), "test")


def remade(bag: Path) -> Path:
    """The bag with manifests that fit what lies in it."""
    for old in bag.glob("*manifest-*.txt"):
        old.unlink()
    payload = sorted(path for path in (bag / "data").rglob("*") if path.is_file())
    tags = sorted(path for path in bag.iterdir() if path.is_file())
    size = sum(path.stat().st_size for path in payload)
    info = bag / "bag-info.txt"
    lines = [line for line in info.read_text("utf-8").splitlines() if not line.startswith("Payload-Oxum")]
    info.write_text("\n".join([*lines, f"Payload-Oxum: {size}.{len(payload)}"]) + "\n", "utf-8")
    write_manifest(bag / "manifest-sha256.txt", bag, payload)
    write_manifest(bag / "tagmanifest-sha256.txt", bag, [*tags, bag / "manifest-sha256.txt"])
    return bag


def write_manifest(path: Path, bag: Path, members: list[Path]) -> None:
    path.write_text("".join(f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.relative_to(bag).as_posix()}\n"
                            for one in members), "utf-8")


def edited(bag: Path, change: Callable[[dict[str, Any]], object], at: int = 0, name: str = "record.json") -> Path:
    """The bag with one JSON file of a record changed, and manifests that fit."""
    path = sorted(one for one in (bag / "data").iterdir() if one.is_dir())[at] / name
    plain = json.loads(path.read_bytes())
    change(plain)
    path.write_text(json.dumps(plain, ensure_ascii=True), "utf-8")
    return remade(bag)
