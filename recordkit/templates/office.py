"""LibreOffice as a crew of workers: many files a call, a profile of its own for each, killed when it hangs.

What is known about it and dealt with here: its exit code is 0 also when it made nothing; two of them cannot share a
profile; a damaged file can hang it or take it down together with all files behind it in the same call. It writes
its files in the order of the command line, so that the first one missing after a hang or crash is the suspect.

One thread looks after all workers: pdfium, which looks at the results, allows only one.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Self

from recordkit import files
from recordkit.errors import MissingPart
from recordkit.messages import msg
from recordkit.templates.office_watch import end_tree

Fate = Literal["made", "hung", "crashed", "refused", "not-tried"]
"""``refused``: LibreOffice ended in peace and left no PDF. ``not-tried``: given up, see ``MOST_FAILURES_IN_A_ROW``."""

FILES_PER_CALL = 40
SECONDS_TO_START = 60.0
SECONDS_PER_FILE = 60.0
MOST_FAILURES_IN_A_ROW = 8
"""So many calls with a single file that bring nothing, without a success in between, and the rest is not tried: the
fault is then not with the files."""

_WATCH = Path(__file__).with_name("office_watch.py")
_LOOK_EVERY = 0.02  # seconds
_USUAL_PLACES = (
    Path("/Applications/LibreOffice.app/Contents/MacOS/soffice"),
    Path("C:/Program Files/LibreOffice/program/soffice.com"),
)


def require_office(environment: Mapping[str, str] | None = None) -> str:
    """The LibreOffice program.

    Args:
        environment: whose PATH is searched; None for this process's own.

    Raises:
        MissingPart: it is neither on the PATH nor where macOS and Windows keep it.
    """
    path = None if environment is None else environment.get("PATH", "")
    for name in ("soffice", "libreoffice"):
        found = shutil.which(name, path=path)
        if found:
            return found
    for place in _USUAL_PLACES:
        if place.is_file():
            return str(place)
    raise MissingPart(
        msg("LibreOffice is not installed; PDFs cannot be made."),
        msg("On Debian: apt install libreoffice-writer-nogui fonts-noto-cjk. Elsewhere: https://www.libreoffice.org"),
    )


@dataclass(frozen=True, slots=True)
class Produced:
    """What became of the file at ``position`` of the given ones; ``pdf`` stays until the next result is asked for."""

    position: int
    fate: Fate
    pdf: Path | None


@dataclass(slots=True)
class _Call:
    process: subprocess.Popen[bytes]
    worker: int
    folder: Path
    positions: list[int]
    deadline: float
    taken: int = 0
    begun: int = 0


class OfficeCrew:
    """A context: its end, for whatever reason, leaves no process behind. The folder is the caller's to remove.

    Args:
        program: LibreOffice.
        environment: what the children inherit.
        folder: an empty folder for profiles and files under way. When this process is killed, the folder is removed
            by the process that watches LibreOffice: it holds customers' data.
        jobs: workers, each about one core and 150 to 250 MB.
        files_per_call: a start costs as much as seven small documents, a bad file the restart of those behind it.
        seconds_to_start: time for a start, on top of the first file's.
        seconds_per_file: longest silence between two files.
    """

    def __init__(
        self,
        program: str,
        environment: Mapping[str, str],
        folder: Path,
        *,
        jobs: int = 1,
        files_per_call: int = FILES_PER_CALL,
        seconds_to_start: float = SECONDS_TO_START,
        seconds_per_file: float = SECONDS_PER_FILE,
    ) -> None:
        """Start nothing yet."""
        self._program = program
        # LibreOffice keeps copies of what it reads there, and leaves them behind when it is killed.
        scratch = str(files.make_folder(folder / "tmp"))
        self._environment = {**environment, "TMPDIR": scratch, "TMP": scratch, "TEMP": scratch}
        self._folder = folder
        self._jobs = max(1, jobs)
        self._files_per_call = max(1, files_per_call)
        self._seconds_to_start = seconds_to_start
        self._seconds_per_file = seconds_per_file
        self._calls: list[_Call] = []
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for call in tuple(self._calls):
            self._end(call)

    def convert(self, sources: Sequence[Path]) -> Iterator[Produced]:
        """One result per source, as they come.

        A file that hangs or crashes LibreOffice is tried once more, alone, after all others.
        """
        size = min(self._files_per_call, max(1, -(-len(sources) // self._jobs)))
        waiting = deque(list(range(start, min(start + size, len(sources)))) for start in range(0, len(sources), size))
        suspects: deque[int] = deque()
        failures = 0
        while waiting or suspects or self._calls:
            if failures >= MOST_FAILURES_IN_A_ROW:
                for position in [*(one for batch in waiting for one in batch), *suspects]:
                    yield Produced(position, "not-tried", None)
                waiting.clear()
                suspects.clear()
            busy = {call.worker for call in self._calls}
            for worker in range(self._jobs):
                if worker in busy or not (waiting or suspects):
                    continue
                self._start(worker, waiting.popleft() if waiting else [suspects.popleft()], sources)
            for call in tuple(self._calls):
                ended = self._has_ended(call)
                for position, pdf in self._finished(call, ended is not None):
                    failures = 0
                    yield Produced(position, "made", pdf)
                if ended is None:
                    continue
                missing = [position for position in call.positions if position >= 0]
                self._end(call)
                if len(call.positions) == 1 and missing:
                    failures += 1
                    yield Produced(missing[0], ended, None)
                elif missing:
                    # Alone at the end, so that nobody waits for it; those behind it are probably good.
                    suspects.append(missing[0])
                    if ended == "refused":
                        suspects.extend(missing[1:])
                    elif missing[1:]:
                        waiting.appendleft(missing[1:])
            if self._calls:
                time.sleep(_LOOK_EVERY)

    def _start(self, worker: int, positions: list[int], sources: Sequence[Path]) -> None:
        self._count += 1
        folder = self._folder / f"call-{self._count:05}"
        files.make_folder(folder / "in")
        # Short ASCII names: what LibreOffice does with a long Chinese one depends on the locale.
        inputs = [folder / "in" / f"{position:07}.docx" for position in positions]
        for position, path in zip(positions, inputs, strict=True):
            shutil.copyfile(sources[position], path)
        profile = self._folder / f"profile-{worker}"
        command = [
            self._program, "--headless", "--norestore", "--nolockcheck", f"-env:UserInstallation={profile.as_uri()}",
            "--convert-to", "pdf", "--outdir", str(folder / "out"), *map(str, inputs),
        ]
        watched = [sys.executable, "-I", "-S", str(_WATCH), str(self._folder), *command]
        # A group of its own: Ctrl-C on the terminal must reach us, who decide, and not LibreOffice.
        if sys.platform == "win32":
            process = subprocess.Popen(
                watched, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW,
            )
        else:
            process = subprocess.Popen(
                watched, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )
        patience = self._seconds_to_start + self._seconds_per_file
        self._calls.append(_Call(process, worker, folder, positions, time.monotonic() + patience))

    def _has_ended(self, call: _Call) -> Fate | None:
        """How a call ended if no PDF is there; None while it runs. A call that is silent for too long is ended."""
        code = call.process.poll()
        if code is not None:
            return "crashed" if code else "refused"
        begun = sum((call.folder / "out" / f"{one:07}.pdf").exists() for one in call.positions if one >= 0) + call.taken
        now = time.monotonic()
        if begun > call.begun:
            call.begun, call.deadline = begun, now + self._seconds_per_file
        if now < call.deadline:
            return None
        self._end(call, forget=False)
        return "hung"

    def _finished(self, call: _Call, ended: bool) -> Iterator[tuple[int, Path]]:
        """Files of the call that are whole; while it runs, the last one begun may still be under way."""
        begun = [
            (place, call.folder / "out" / f"{position:07}.pdf")
            for place, position in enumerate(call.positions)
            if position >= 0 and (call.folder / "out" / f"{position:07}.pdf").exists()
        ]
        for place, path in begun if ended else begun[:-1]:
            if _is_whole(path):
                position, call.positions[place] = call.positions[place], -1
                call.taken += 1
                yield position, path

    def _end(self, call: _Call, *, forget: bool = True) -> None:
        process = call.process
        if process.stdin is not None and not process.stdin.closed:
            with contextlib.suppress(OSError):
                process.stdin.write(b"k")
            _close(process.stdin)  # the watching process kills LibreOffice now
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None and not process.stdout.closed:
            number = process.stdout.readline().strip()
            if process.returncode < 0 and number.isdigit():
                end_tree(int(number))  # the watching process was killed before it could do its work
            _close(process.stdout)
        if forget:
            self._calls.remove(call)
            with contextlib.suppress(OSError):  # a virus scanner holds a file: the whole folder goes in the end
                files.remove_tree(call.folder)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.close()


def _is_whole(path: Path) -> bool:
    """Whether a PDF has its beginning and its end."""
    with path.open("rb") as stream:
        head = stream.read(5)
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 1024))
        return head == b"%PDF-" and b"%%EOF" in stream.read()
