from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import Cli

HEAVY = {"docxtpl", "docx", "lxml", "openpyxl", "pypdfium2", "pypdf", "rapidocr", "onnxruntime", "cv2", "tantivy",
         "cryptography", "numpy", "PIL", "zxingcpp", "jinja2", "yaml", "stdnum", "multiprocessing"}


def loaded_by(*arguments: str) -> set[str]:
    code = ("import sys; from recordkit.cli.main import run; run(sys.argv[1:]); "
            "print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("LOADED"))
    return set(line.split()[1:])


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [(["--help"], set()), (["generate", "--help"], set()), (["issued", "list", "--json"], set()),
     (["search", "甲", "--json"], {"tantivy"})],
)
def test_a_command_loads_only_what_it_needs(cli: Cli, arguments: list[str], needed: set[str]) -> None:
    loaded = loaded_by("--store", str(cli.store), *arguments)
    assert loaded & HEAVY <= needed
