"""Either search engine works without the other being installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from papers import pdf_bytes

BLOCK = """
import sys

class _Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {library!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, _Gone())
"""
OTHER = {"whoosh": "tantivy", "tantivy": "whoosh"}
DAY = ("--as-of", "2060-01-15")


class Machine:
    """Runs recordkit as a program on a machine that lacks some libraries."""

    def __init__(self, folder: Path, *missing: str) -> None:
        self.folder = folder
        (folder / "site").mkdir()
        text = "".join(BLOCK.format(library=library) for library in missing)
        (folder / "site" / "sitecustomize.py").write_text(text, encoding="utf-8")
        paths = [str(folder / "site"), str(Path(__file__).parents[2])]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

    def __call__(self, *arguments: object, expect: int = 0) -> str:
        command = [sys.executable, "-m", "recordkit", "--store", str(self.folder / "store"), "--lang", "en"]
        done = subprocess.run([*command, *map(str, arguments)], env=self.environment, capture_output=True, text=True)
        assert done.returncode == expect, done.stdout + done.stderr
        self.told = done.stderr
        return done.stdout

    def json(self, *arguments: object, expect: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", expect=expect))


def test_whoosh_alone_is_enough_from_the_first_paper_to_its_destruction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, "tantivy")
    machine("init", "--simulation", "--no-input", tmp_path / "store")
    for name in ("Alpha", "Beta", "Gamma"):
        (tmp_path / f"{name}.pdf").write_bytes(pdf_bytes(text=f"Visit of {name}"))
    machine("ingest", *sorted(tmp_path.glob("*.pdf")), "--class", "visit-record", "--no-ocr")
    found = machine.json("search", "visit -alpha")["items"]
    assert {one["title"] for one in found} == {"Beta", "Gamma"}
    assert machine.json("rebuild", "--index")["indexed"] == 3

    here = Cli(tmp_path / "store", capsys)
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "demo-passphrase")
    roles = {"admin": "administrator", "arch": "archivist", "appr": "appraiser", "lead": "approver",
             "w1": "supervisor", "w2": "supervisor"}
    keys = {person: ("--as", person, "--key", tmp_path / person, *DAY) for person in roles}
    for number, (person, role) in enumerate(roles.items()):
        here("key", "create", tmp_path / person)
        here("people", "add", person, "--name", person, "--role", role, "--staff-no", f"G{number}",
             "--key", tmp_path / f"{person}.pub", *DAY)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(tmp_path / "admin"))
    doomed = next(one["record_id"] for one in found if one["title"] == "Beta")
    order = here.json("destruction", "propose", doomed, *keys["arch"])["order"]
    here("destruction", "appraise", order, "--all", "destroy", *keys["appr"])
    here("destruction", "approve", order, *keys["lead"])
    here("destruction", "sign", order, *keys["w1"])
    here("destruction", "sign", order, *keys["w2"])
    done = machine.json("destruction", "execute", order, "--place", "A", "--method", "B", "--as", "w1", *DAY)
    assert [one["outcome"] for one in done["items"]] == ["destroyed"]
    assert {one["title"] for one in machine.json("search", "visit of")["items"]} == {"Alpha", "Gamma"}
    remains = b"".join(path.read_bytes() for path in (tmp_path / "store" / "index").rglob("*") if path.is_file())
    assert b'"whoosh"' in remains and doomed.encode() not in remains


def test_a_machine_without_any_engine_says_how_to_get_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "tantivy", "whoosh")
    machine("init", "--simulation", "--no-input", tmp_path / "store")
    machine("search", "alpha", expect=9)
    assert "recordkit[whoosh]" in machine.told
    settings = tmp_path / "store" / "recordkit.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"tantivy" ', '"whoosh" ', 1), encoding="utf-8")
    machine("search", "alpha", expect=9)
    assert "-m pip install \"recordkit[whoosh]\"" in machine.told


@pytest.mark.parametrize("engine", ["whoosh", "tantivy"])
def test_searching_loads_the_chosen_engine_only(engine: str, cli: Cli) -> None:
    choose(cli, engine)
    code = ("import sys; from recordkit.cli.main import run; run(sys.argv[1:]); "
            "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))")
    command = [sys.executable, "-c", code, "--store", str(cli.store), "search", "alpha", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED ")[2].split())
    assert engine in loaded and OTHER[engine] not in loaded


def choose(cli: Cli, engine: str) -> None:
    path = cli.store / "recordkit.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('search = "tantivy"', f'search = "{engine}"').replace(
        'search = "whoosh"', f'search = "{engine}"'), encoding="utf-8")


def test_an_index_that_another_engine_wrote_is_made_anew(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_bytes(text="Visit of Alpha"))
    cli("ingest", tmp_path / "a.pdf", "--class", "visit-record", "--no-ocr")
    manifest = cli.store / "index" / "index.json"
    for engine in ("whoosh", "tantivy", "whoosh"):
        choose(cli, engine)
        assert cli.json("search", "of alpha")["total"] == 1
        assert json.loads(manifest.read_bytes())["engine"] == engine


def test_doctor_tells_which_engine_is_used_and_how_to_get_a_missing_one(cli: Cli, tmp_path: Path) -> None:
    for engine, first in (("tantivy", "tantivy"), ("whoosh", "whoosh-reloaded")):
        choose(cli, engine)
        used, other = cli.json("doctor")["items"][:2]
        assert used["part"] == first and used["found"] and used["how"] is None
        assert used["for"] != other["for"]


def test_an_unknown_engine_is_refused_with_the_ones_there_are(cli: Cli) -> None:
    choose(cli, "lucene")
    cli("config", "check", expect=3)
    assert '"tantivy", "whoosh"' in cli.err
