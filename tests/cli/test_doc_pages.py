"""The set of documents is whole: indexed, in both languages, and what they name is there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from guides import ROOT

sys.path.append(str(ROOT / "tools"))

import make_cli_reference as reference  # noqa: E402  (a tool, not a package)

DOCS = sorted((ROOT / "docs").glob("*.md"))
INDEX = ROOT / "docs" / "README.md"
ONE_LANGUAGE = {
    "architecture.md": "for programmers",
    "cli.md": "both languages on one page",
    "search.md": "for programmers",
    "store-format.md": "for programmers",
    "README.md": "both languages on one page",
}
_NAMED = re.compile(r"`((?:\.?[\w*-]+/)+[\w.*-]*)`")
_TOP = ("recordkit", "tests", "tools", "docs", "forms", "benchmarks", ".ci")


def missing_paths(text: str, root: Path) -> list[str]:
    """Paths of the project that a text names between backticks and that are not there."""
    named = {one for one in _NAMED.findall(text) if one.split("/")[0] in _TOP}
    return sorted(one for one in named if not list(root.glob(one.rstrip("/"))))


def test_the_index_leads_to_every_page() -> None:
    text = INDEX.read_text("utf-8")
    linked = {(INDEX.parent / one).resolve() for one in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)}
    assert [one.name for one in DOCS if one != INDEX and one not in linked] == []
    assert len(DOCS) > 20


def test_every_page_is_there_in_both_languages_or_says_why_not() -> None:
    names = {one.name for one in DOCS}
    alone = {one for one in names if not one.endswith(".zh-CN.md") and one.replace(".md", ".zh-CN.md") not in names}
    assert alone == set(ONE_LANGUAGE)
    assert [one for one in names if one.endswith(".zh-CN.md") and one.replace(".zh-CN", "") not in names] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md", "docs/guide-developer.md",
                                  "docs/guide-developer.zh-CN.md", "docs/benchmarks.md"])
def test_every_path_that_a_page_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert missing_paths(text, ROOT) == []


def test_the_map_of_changes_names_files_and_tests_in_every_row() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("## To change X, go to Y")[2].partition("## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 30
    assert [row[0] for row in rows if len(row) != 4 or "`" not in row[1] or "`" not in row[2]] == []


def test_a_path_that_is_not_there_is_seen() -> None:
    text = "`recordkit/nowhere.py` `tests/cli/` `forms/*/form.toml` `a/b`"
    assert missing_paths(text, ROOT) == ["recordkit/nowhere.py"]


def test_every_benchmark_stands_in_its_page() -> None:
    scripts = sorted(one.name for one in (ROOT / "benchmarks").glob("*.py"))
    for page in ("benchmarks.md", "benchmarks.zh-CN.md"):
        text = (ROOT / "docs" / page).read_text("utf-8")
        assert [one for one in scripts if one not in text] == [], page
    assert len(scripts) > 15


def test_every_module_stands_in_the_architecture() -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / "docs" / "architecture.md").read_text("utf-8"), flags=re.M | re.S)
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))
    modules = {one.stem for one in (ROOT / "recordkit").rglob("*.py") if not one.stem.startswith("__")}
    assert sorted(modules - told) == []


def test_the_drawing_of_the_data_fits_a_page_of_print() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    drawing = text.partition("## The data's way")[2].partition("```\n")[2].partition("```")[0]
    assert 30 < len(drawing.splitlines()) < 70
    assert max(len(line) for line in drawing.splitlines()) <= 90
    assert drawing.isascii()


OF_INSTALLERS = {"--cask", "--id", "--find-links", "--no-index"}
"""brew's, winget's and pip's."""
FOREIGN = {
    "backup.md": {"--delete"}, "backup.zh-CN.md": {"--delete"},  # rsync's
    "README.md": OF_INSTALLERS, "README.zh-CN.md": OF_INSTALLERS,
    "ingest.md": {"--pages", "--seed"}, "ingest.zh-CN.md": {"--pages", "--seed"},  # of benchmarks/scans.py
}
"""Options in a page that are another program's."""


def test_every_option_named_in_a_page_is_one_of_a_command() -> None:
    known = {"--help", "--version", "--store", "--lang", "--quiet", "--json"}
    for _, command, _ in reference.commands():
        known |= {one for parameter in command.params for one in (*parameter.opts, *parameter.secondary_opts)}
    wrong = []
    for page in [*DOCS, ROOT / "README.md", ROOT / "README.zh-CN.md"]:
        if page.name.startswith(("cli", "benchmarks")):
            continue
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text("utf-8")))
        wrong += [f"{page.name}: {one}" for one in sorted(named - known - FOREIGN.get(page.name, set()))]
    assert wrong == []


def test_every_command_with_options_in_a_page_has_those_options() -> None:
    options = {name: {one for parameter in command.params for one in (*parameter.opts, *parameter.secondary_opts)}
               for name, command, _ in reference.commands()}
    wrong, looked = [], 0
    for page in [one for one in DOCS if one.name != "cli.md"]:
        for span in re.findall(r"`([^`\n]+)`", page.read_text("utf-8")):
            words = span.removeprefix("recordkit ").split()
            name = next((" ".join(words[:length]) for length in (3, 2, 1) if " ".join(words[:length]) in options), None)
            if name is None:
                continue
            given = {one for one in words if re.fullmatch(r"--[a-z][a-z-]+", one)}
            looked += len(given)
            missing = given - options[name] - {"--help", "--store", "--lang", "--json", "--quiet"}
            wrong += [f"{page.name}: {span}" for _ in missing]
    assert wrong == []
    assert looked > 100
