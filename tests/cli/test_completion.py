"""What TAB offers: asked as each shell's script asks, and in a real bash in a terminal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli
from papers import pdf_bytes
from terminal import Terminal

from recordkit.cli.completions import SHELLS
from recordkit.cli.main import run


@pytest.fixture
def busy(cli: Cli) -> Cli:
    """A store with one issued visit record and one person."""
    sample = cli("forms", "sample", "visit-record", "--json")
    data = cli.store.parent / "visit.json"
    data.write_text(sample, encoding="utf-8")
    cli("generate", "visit-record", "--data", data, "--as-of", ISSUE_DAY)
    return cli


def asked(cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str, *words: str
          ) -> list[str]:
    """The lines that the shell gets for ``words``, the last of them begun."""
    line = ["recordkit", *words]
    monkeypatch.setenv("RECORDKIT_STORE", str(cli.store))
    monkeypatch.setenv("_RECORDKIT_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "\n".join(line) if shell == "powershell" else " ".join(line))
    monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
    capsys.readouterr()
    assert run([]) == 0
    monkeypatch.delenv("_RECORDKIT_COMPLETE")
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("words", "expected"), [
    (("gen",), "generate"),
    (("report", "mon"), "monthly"),
    (("generate", "meter-change-n"), "meter-change-notice"),
    (("generate", "换表通"), "换表通知书"),
    (("generate", "visit-record", "--set", "户"), "户号="),
    (("generate", "客户回访记录", "--set", "acc"), "account="),
    (("generate", "visit-record", "--uniq"), "--unique"),
    (("issued", "show", "回"), "回访〔2026〕00001号"),
    (("search", "x", "--class", "supply"), "supply-contract"),
    (("hold", "place", "--kind", "lit"), "litigation"),
    (("catalogue", "export", "--kind", "volumes"), "volumes"),
    (("edit", "X", "--set", "题"), "题名="),
    (("edit", "X", "--set=题"), "题名="),
    (("search", "x", "--sort", "rel"), "relevance"),
    (("--lang", "zh", "generate", "visit-record", "--jobs", "2", "--set", "户"), "户号="),
])
@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_is_offered_what_may_follow(
    busy: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str,
    words: tuple[str, ...], expected: str,
) -> None:
    lines = asked(busy, monkeypatch, capsys, shell, *words)
    found = [part for line in lines for part in re.split(r"[,\t]", line)]
    assert expected in found


def test_only_what_begins_as_typed_is_offered(
    busy: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(busy, monkeypatch, capsys, "bash", "issued", "show", "供合") == [""]
    forms = asked(busy, monkeypatch, capsys, "bash", "generate", "meter-change-")
    assert forms == ["plain,meter-change-notice", "plain,meter-change-report", "plain,meter-change-slip"]


@pytest.mark.parametrize("words", [("genrate", "x"), ("show", ""), ("generate", "nothing", "--set", "")])
def test_where_nothing_is_known_nothing_is_offered_and_nothing_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    gone = Cli(tmp_path / "none", capsys)
    assert asked(gone, monkeypatch, capsys, "bash", *words) == [""]
    assert not gone.store.exists()


def test_a_blank_within_a_value_is_quoted_for_powershell() -> None:
    item = SHELLS["powershell"].__new__(SHELLS["powershell"])
    from click.shell_completion import CompletionItem

    assert item.format_completion(CompletionItem("a b'c", help="x\ty")) == "'a b''c'\ta b'c\tx y"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_asks_the_program_by_its_name(cli: Cli, shell: str) -> None:
    script = cli("completion", shell)
    assert f"{shell}_complete" in script and "recordkit" in script and "%(" not in script
    # A field is not yet a word: the value follows without a blank. Fish and PowerShell never add one.
    assert {"bash": "nospace", "zsh": 'compadd -U -S ""'}.get(shell, "") in script


def test_a_real_bash_completes_fields_and_numbers(busy: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "recordkit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m recordkit "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.setenv("RECORDKIT_STORE", str(busy.store))
    shell = Terminal("-c", "import os; os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])")
    shell.type("PS1='ready''> '; eval \"$(recordkit completion bash)\"; echo loa''ded\n")
    shell.expect("loaded")
    shell.expect("ready> ")
    shell.type("echo recordkit; recordkit issued show 回访\t")
    shell.expect("show 回访〔2026〕00001号")
    shell.type("\x15recordkit generate visit-r\t")
    shell.expect("generate visit-record ")
    shell.type("--set 户号\t")
    shell.expect("户号=")
    shell.type("0012; exit\x15exit\n")


def test_papers_that_wait_are_offered_by_key_or_name(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (cli.store / "inbox" / "来信34.pdf").write_bytes(pdf_bytes(text="letter"))
    (cli.store / "inbox" / "坏件.pdf").write_bytes(b"no pdf")
    cli("ingest", "--no-ocr", "--jobs", "1", expect=4)
    (waiting,) = cli.json("unmatched", "list")["items"]
    (broken,) = cli.json("quarantine", "list")["items"]
    assert asked(cli, monkeypatch, capsys, "bash", "unmatched", "drop", "") == [f"plain,{waiting['key']}"]
    assert asked(cli, monkeypatch, capsys, "bash", "match", "来") == ["plain,来信34.pdf"]
    assert asked(cli, monkeypatch, capsys, "bash", "quarantine", "drop", "") == [f"plain,{broken['key']}"]


def test_nothing_heavy_is_loaded_to_complete_a_code_or_a_field(busy: Cli) -> None:
    """Each of these costs milliseconds behind TAB; 20 over the start of the program are allowed."""
    program = "import sys; from recordkit.cli.main import run_process; import os; exit = os._exit\n" \
              "os._exit = lambda code: (print(*sorted(sys.modules), file=sys.stderr), exit(code))\nrun_process()"
    for words in ("recordkit show X", "recordkit edit X --set 题"):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False,
            env={**os.environ, "RECORDKIT_STORE": str(busy.store), "_RECORDKIT_COMPLETE": "bash_complete",
                 "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")),
                 "PYTHONPATH": str(Path(__file__).resolve().parents[2])})
        loaded = set(done.stderr.split())
        assert "recordkit.cli.completions" in loaded
        assert not loaded & {"recordkit.db", "recordkit.settings", "recordkit.archive.metadata", "zipfile"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_real_shell_takes_the_script_where_it_is_installed(cli: Cli, tmp_path: Path, shell: str) -> None:
    """Zsh and fish are no part of what CI installs: there the script is held against the protocol alone (above)."""
    script = tmp_path / "recordkit.script"
    script.write_text(cli("completion", shell), encoding="utf-8")
    installed = shutil.which(shell)
    if installed is None:
        assert f"_RECORDKIT_COMPLETE={shell}_complete" in script.read_text(encoding="utf-8")
        return
    done = subprocess.run([installed, "-n", str(script)], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
