"""Measures what recordkit and each of its extras take on the disk: ``python tools/extra_sizes.py``.

Every extra is installed into an empty environment of its own, with the versions of constraints.txt; told is what it
adds to a plain recordkit. Takes some minutes and downloads what pip has not cached.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("", "ocr", "pdf", "sign", "charts", "whoosh", "all")


def source_copy(target: Path) -> Path:
    """The tracked files, so that building leaves nothing in the checkout."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, names):
        copy = target / name.decode()
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name.decode()).read_bytes())
    return target


def environment(folder: Path) -> Path:
    """Its Python; the folder holds nothing but pip."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def installed_bytes(python: Path) -> tuple[int, int]:
    """Bytes and distributions in the environment's site-packages, without compiled copies of modules."""
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    sizes = sum(path.stat().st_size for path in site.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sizes, len(list(site.glob("*.dist-info")))


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = environment(folder / "empty")
        before = installed_bytes(empty)
        source = source_copy(folder / "source")
        subprocess.run([empty, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, source], check=True)
        (wheel,) = folder.glob("*.whl")
        print(f"wheel {wheel.stat().st_size / 1e6:.1f} MB, Python {sys.version.split()[0]}, {sys.platform}\n")
        print("| extra | MB | packages |\n|---|---|---|")
        plain = (0, 0)
        for extra in EXTRAS:
            python = environment(folder / (extra or "plain"))
            wanted = f"{wheel}[{extra}]" if extra else str(wheel)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-compile", "-c",
                            ROOT / "constraints.txt", wanted], check=True)
            size, count = installed_bytes(python)
            size, count = size - before[0], count - before[1]
            if not extra:
                plain = (size, count)
                print(f"| (none) | {size / 1e6:.0f} | {count} |", flush=True)
            else:
                print(f"| `{extra}` | +{(size - plain[0]) / 1e6:.1f} | +{count - plain[1]} |", flush=True)


if __name__ == "__main__":
    main()
