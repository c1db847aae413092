"""Wheel and sdist hold everything: installed into an empty environment, they live a short life outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from papers import pdf_bytes

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def environment(folder: Path) -> Path:
    """The programs of an environment that holds nothing but pip."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if sys.platform == "win32" else "bin")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The wheel made from the checkout's files, the sdist, and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("packages")
    source = folder / "source"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, names):
        target = source / name.decode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name.decode()).read_bytes())
    builder = environment(folder / "builder")
    pip = [str(builder / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "setuptools>=77"], check=True)
    build = f"import setuptools.build_meta as build; build.build_sdist({str(folder)!r})"
    subprocess.run([str(builder / "python"), "-c", build], cwd=source, capture_output=True, check=True)
    (sdist,) = folder.glob("*.tar.gz")
    wheels = []
    for origin, name in ((source, "from-checkout"), (sdist, "from-sdist")):
        subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "-w", str(folder / name), str(origin)], check=True)
        wheels.append(next((folder / name).glob("*.whl")))
    return wheels[0], sdist, wheels[1]


@pytest.fixture(scope="session")
def installed(packages: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed program; its environment has no optional part."""
    programs = environment(tmp_path_factory.mktemp("空 环境") / "venv")
    subprocess.run([str(programs / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "-c",
                    str(ROOT / "constraints.txt"), str(packages[2])], check=True)
    return programs / "recordkit"


def call(program: Path, *arguments: object, cwd: Path, language: str = "zh") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RECORDKIT_", "PYTHON"))}
    return subprocess.run([str(program), *map(str, arguments)], cwd=cwd, capture_output=True, text=True,
                          encoding="utf-8", stdin=subprocess.DEVNULL, env={**kept, "RECORDKIT_LANG": language})


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as package:
        return {name for name in package.namelist() if ".dist-info/" not in name}


def test_the_sdist_makes_the_same_wheel_as_the_checkout(packages: tuple[Path, Path, Path]) -> None:
    straight, _, by_sdist = packages
    assert contents(straight) == contents(by_sdist)
    for name in ("recordkit/new_settings.zh.toml", "recordkit/templates/fonts.conf", "recordkit/py.typed",
                 "recordkit/_forms/visit-record/template.docx", "recordkit/demo_data/scans/05-visit.pdf",
                 "recordkit/demo_data/read-me-first.zh.txt", "recordkit/locale/zh_CN/LC_MESSAGES/recordkit.mo"):
        assert name in contents(by_sdist)


def test_every_file_that_the_program_reads_beside_its_code_is_in_the_wheel(packages: tuple[Path, Path, Path]) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z", "recordkit"], cwd=ROOT, capture_output=True, check=True)
    beside = {name for name in tracked.stdout.decode().split("\0") if name and not name.endswith((".md", ".json"))}
    assert beside - contents(packages[2]) == set()


def test_a_plain_installation_lives_a_short_life_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    work = tmp_path / "工作 目录"
    work.mkdir()

    def do(*arguments: object, expect: int = 0) -> str:
        done = call(installed, *arguments, cwd=work)
        assert done.returncode == expect, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    do("init", "--no-input", "--company", "清源市自来水有限公司")
    do("config", "check")
    (work / "visit.json").write_text(do("forms", "sample", "visit-record", "--json"), encoding="utf-8")
    number = json.loads(do("generate", "visit-record", "--data", "visit.json", "--json"))["items"][0]["number"]
    (work / "来函.pdf").write_bytes(pdf_bytes(text="Letter about meter 4711"))
    filed = json.loads(do("ingest", "来函.pdf", "--class", "visit-record", "--json"))
    assert [one["outcome"] for one in filed["items"]] == ["archived"]
    code = filed["items"][0]["code"]
    assert [one["code"] for one in json.loads(do("search", "4711", "--json"))["items"]] == [code]
    assert number in do("issued", "list", "--unreturned")
    assert json.loads(do("show", code, "--json"))["status"] == "active"
    do("retention", "review", "--as-of", "2040-01-01")
    assert json.loads(do("ledger", "verify", "--json"))["ok"]
    assert json.loads(do("verify", "--json"))["ok"]
    # What is missing comes with a command for this very environment.
    parts = {one["part"]: one for one in json.loads(do("doctor", "--json"))["items"]}
    assert parts["pikepdf"]["found"] is None and str(installed.parent) in str(parts["pikepdf"]["how"])
    assert "recordkit[pdf]" in parts["pikepdf"]["how"]


@pytest.mark.office
def test_the_demo_of_a_plain_installation_ends_in_a_folder_to_look_around_in(
    installed: Path, office: str, tmp_path: Path
) -> None:
    done = call(installed, "demo", "演示", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    told = (tmp_path / "演示" / "请先看我.txt").read_bytes().decode("utf-8-sig")
    papers = sorted(path.name for path in (tmp_path / "演示" / "打开看看").iterdir())
    assert len(papers) == 9 and all(name.endswith(".pdf") and name in told for name in papers)
    assert "{" not in told and str(tmp_path / "演示") in told
