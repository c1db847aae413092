"""Word to PDF through LibreOffice: an optional part. Its exit code says nothing, so its output is looked at."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from recordkit import files
from recordkit.errors import MissingPart, PartlyDone
from recordkit.messages import msg

_FONTS = Path(__file__).with_name("fonts.conf")
_SECONDS_PER_FILE = 30
_SECONDS_TO_START = 60


def require_office() -> str:
    """The LibreOffice program.

    Raises:
        MissingPart: it is not on the PATH.
    """
    for name in ("soffice", "libreoffice"):
        found = shutil.which(name)
        if found:
            return found
    raise MissingPart(
        msg("LibreOffice is not installed; PDFs cannot be made."),
        msg("On Debian: apt install libreoffice-writer-nogui fonts-noto-cjk. Elsewhere: https://www.libreoffice.org"),
    )


def convert_to_pdf(sources: Sequence[Path], out: Path, environment: Mapping[str, str]) -> dict[Path, Path]:
    """Convert Word files, all in one call of LibreOffice with a profile of its own.

    Args:
        sources: Word files.
        out: folder of the PDFs.
        environment: what the child process inherits; our font table is added to it.

    Returns:
        The PDF of each source, ``out`` / the same name with ``.pdf``; an existing one is replaced.

    Raises:
        MissingPart: LibreOffice is not installed.
        PartlyDone: some files gave no PDF; they are named.
    """
    program = require_office()
    made: dict[Path, Path] = {}
    with tempfile.TemporaryDirectory(prefix="recordkit-office-") as scratch:
        work = Path(scratch)
        inputs = work / "in"
        inputs.mkdir()
        # Short ASCII names: what LibreOffice does with a long Chinese one depends on the locale.
        names = {source: f"{position:05}.docx" for position, source in enumerate(sources)}
        for source, name in names.items():
            shutil.copyfile(source, inputs / name)
        command = [
            program, "--headless", "--norestore", f"-env:UserInstallation={(work / 'profile').as_uri()}",
            "--convert-to", "pdf", "--outdir", str(work / "out"), *(str(inputs / name) for name in names.values()),
        ]
        inherited = {**environment, "FONTCONFIG_FILE": str(_FONTS)}
        # After a hang, what is there is taken below and what is missing is named.
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                command, check=False, capture_output=True, env=inherited, stdin=subprocess.DEVNULL,
                timeout=_SECONDS_TO_START + _SECONDS_PER_FILE * len(sources),
            )
        for source, name in names.items():
            produced = work / "out" / name.replace(".docx", ".pdf")
            if produced.exists() and produced.read_bytes().startswith(b"%PDF"):
                target = out / f"{source.stem}.pdf"
                files.write_atomic(target, produced.read_bytes(), overwrite=True)
                made[source] = target
    missing = [str(source) for source in sources if source not in made]
    if missing:
        raise PartlyDone(
            msg("{count} file(s) gave no PDF: {files}", count=len(missing), files=", ".join(missing[:5])),
            msg("Open them in Word or LibreOffice to see why; the Word files themselves are complete."),
        )
    return made
