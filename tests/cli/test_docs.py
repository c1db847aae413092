"""The documents are true: their commands run, their output is the program's, their links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli
from guides import ROOT, blocks_of, fenced, is_shown, missing_lines, run_line, steps_in

from recordkit.errors import RecordkitError

sys.path.append(str(ROOT / "tools"))

import make_cli_reference as reference  # noqa: E402  (a tool, not a package)

PAGES = sorted(
    [*ROOT.glob("*.md"), *(path for name in ("docs", "forms", "archive_store") for path in (ROOT / name).rglob("*.md"))]
)


@pytest.mark.office
@pytest.mark.parametrize(("name", "language"), [("README.md", "en"), ("README.zh-CN.md", "zh")])
def test_the_tour_of_the_readme_runs_and_shows_what_the_program_prints(
    name: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDKIT_LANG", language)
    steps = steps_in([line for one in blocks_of(ROOT / name) if one.language == "console" for line in one.lines])
    assert len(steps) > 10
    for step in steps:
        arguments = shlex.split(step.call)
        has_office = shutil.which("soffice") or shutil.which("libreoffice")
        stops_here = "--pdf" in arguments and not has_office
        target = tmp_path / arguments[arguments.index(">") + 1] if ">" in arguments else None
        real, out, err = run_line(arguments[: arguments.index(">")] if target else arguments)
        printed = out + err
        if stops_here:
            # Without LibreOffice the tour ends here, as the text around it says.
            assert (real, "LibreOffice" in printed) == (9, True), printed
            return
        assert real == step.code, f"{step.call}\nexit {real}\n{printed}"
        if target is not None:
            target.write_text(out, encoding="utf-8")
        assert missing_lines(step.shown, printed) == [], f"{step.call}\n{printed}"


def test_a_line_that_the_program_does_not_print_is_seen() -> None:
    assert is_shown(" 1  号 …", "x\n 1    号   papers\n")
    assert not is_shown("2 records found", "1 records found\n")
    assert not is_shown("1 record", "11 record\n")


def test_the_command_reference_is_current() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run: python tools/make_cli_reference.py"


def test_the_exit_codes_are_those_of_the_error_classes() -> None:
    def descend(one: type[RecordkitError]) -> Iterator[type[RecordkitError]]:
        yield one
        for child in one.__subclasses__():
            yield from descend(child)

    owners = {(one.exit_code, one.__name__) for one in descend(RecordkitError) if "exit_code" in vars(one)}
    text = reference.PAGE.read_text(encoding="utf-8")
    documented = {(int(code), name) for code, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)}
    assert documented == owners


def test_every_command_stands_in_the_reference() -> None:
    headings = set(re.findall(r"^#{3,4} (.+)$", reference.PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    names = {name for name, _, _ in reference.commands()}
    assert names == headings
    assert {"generate", "destruction execute", "retention schedule check"} <= names


def test_every_command_named_in_a_document_or_message_exists() -> None:
    groups = {name.split()[0] for name, _, _ in reference.commands() if " " in name}
    names = {name for name, _, _ in reference.commands()}
    texts = [(page.name, re.findall(r"`recordkit ([^`]+)`", page.read_text(encoding="utf-8"))) for page in PAGES]
    for path in (ROOT / "recordkit").rglob("*.py"):
        texts.append((path.name, re.findall(r"'recordkit ([a-z][^'{]*)", path.read_text(encoding="utf-8"))))
    wrong = []
    for name, calls in texts:
        for call in calls:
            plain = re.match(r"[a-z ]*", call.removeprefix("[--store DIR] "))
            spoken = (plain.group() if plain else "").split()
            known = spoken[:2] if spoken and spoken[0] in groups else spoken[:1]
            if known and " ".join(known) not in names:
                wrong.append(f"{name}: recordkit {call}")
    assert wrong == []
    assert sum(len(calls) for _, calls in texts) > 40


def test_every_act_of_the_ledger_stands_in_the_store_format() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "recordkit").rglob("*.py"))
    kinds = "store|issue|records?|bag|handover|batch|paper|order|person|event|hold|schedule|settings|volume"
    acts = set(re.findall(rf'"((?:{kinds})\.[a-z-]+)"', source))
    tables = (ROOT / "recordkit" / "archive" / "catalogue.sql").read_text(encoding="utf-8")
    acts -= {f"records.{column}" for column in re.findall(r"^\s+(\w+) ", tables, re.MULTILINE)}
    text = (ROOT / "docs" / "store-format.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z]+\.[a-z-]+)`", text))
    assert len(acts) > 15
    assert acts - documented == set()


def test_the_example_of_the_store_format_finds_any_flipped_byte(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cli("generate", "visit-record", "--data", ROOT / "forms" / "visit-record" / "sample.toml", "--as-of", "2026-11-20")
    head = cli.json("ledger", "verify")["head"]
    folder = tmp_path / "copy"
    shutil.copytree(cli.store / "ledger", folder)
    (source,) = fenced(ROOT / "docs" / "store-format.md", "python")
    program = compile(source, "store-format.md", "exec")
    monkeypatch.setattr(sys, "argv", ["verify.py", str(folder)])

    def verdict() -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                exec(program, {})
            except SystemExit as end:
                return f"damaged: {end.code}"
        return out.getvalue().strip()

    assert verdict() == f"2 entries, head {head}"
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    unseen = []
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        if not verdict().startswith("damaged"):
            unseen.append(position)
    assert unseen == []


def test_relative_links_lead_to_files_and_headings() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, heading = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            if not file.exists():
                broken.append(f"{page.name}: {target}")
            elif heading:
                titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
                if heading not in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}:
                    broken.append(f"{page.name}: {target}")
    assert broken == []
    assert len(PAGES) > 6


def test_no_command_has_an_option_twice() -> None:
    """Options that many commands share are added by a decorator: one that stands beside it would win in silence."""
    found = list(reference.commands())
    assert len(found) > 60
    for name, command, _ in found:
        spoken = [one for parameter in command.params for one in (*parameter.opts, *parameter.secondary_opts)]
        assert sorted(set(spoken)) == sorted(spoken), name
