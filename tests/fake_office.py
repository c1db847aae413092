"""Stands on the PATH as ``soffice`` where a test needs LibreOffice to hang, crash or keep silent: a real process.

What a Word file says decides: HANG sleeps for ever together with a child and is deaf to polite signals, CRASH dies of
a signal, SKIP leaves no PDF, HALF leaves the first half of one, ALONE crashes unless it is the only file of its call,
LOST kills the process that watches this one. Everything else becomes ``FAKE_PDF``. Each call adds a line of its input
names and its profile to ``FAKE_LOG``; ``FAKE_LIFE`` is a FIFO that stays open until the last process of the call is
gone, and first gets the process ids of this one and of its parent.
"""

import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def main() -> None:
    arguments = sys.argv[1:]
    profile = next(one for one in arguments if one.startswith("-env:UserInstallation=")).rpartition("/")[2]
    out = Path(arguments[arguments.index("--outdir") + 1])
    inputs = [Path(one) for one in arguments[arguments.index("--outdir") + 2 :]]
    texts = [zipfile.ZipFile(path).read("word/document.xml").decode() for path in inputs]
    with Path(os.environ["FAKE_LOG"]).open("a", encoding="utf-8") as log:
        log.write(f"{profile} {' '.join(path.stem.lstrip('0') or '0' for path in inputs)}\n")
    if "FAKE_LIFE" in os.environ:
        life = os.open(os.environ["FAKE_LIFE"], os.O_WRONLY)
        os.set_inheritable(life, True)
        os.write(life, f"{os.getpid()} {os.getppid()}\n".encode())
    tempfile.mkdtemp(prefix="lu")  # as LibreOffice does; it is left behind when it is killed
    out.mkdir(parents=True, exist_ok=True)
    good = Path(os.environ["FAKE_PDF"]).read_bytes()
    for path, text in zip(inputs, texts, strict=True):
        if "LOST" in text:
            os.kill(os.getppid(), signal.SIGKILL)
        if "HANG" in text or "LOST" in text:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.run([sys.executable, "-c", "import signal; signal.pause()"], close_fds=False, check=False)
        if "CRASH" in text or ("ALONE" in text and len(inputs) > 1):
            os.kill(os.getpid(), signal.SIGSEGV)
        if "SKIP" not in text:
            (out / f"{path.stem}.pdf").write_bytes(good[: len(good) // 2] if "HALF" in text else good)


main()
