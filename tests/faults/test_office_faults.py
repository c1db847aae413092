"""A LibreOffice that hangs, crashes or keeps silent costs the guilty file; nothing of it outlives the run."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from papers import pdf_bytes, word_file

from recordkit.errors import MissingPart, WrongUsage
from recordkit.templates.office import MOST_FAILURES_IN_A_ROW
from recordkit.templates.pdf import PdfMade, PdfOrder, PdfPress, convert_to_pdf

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for LibreOffice is a script with a #! line")
FAKE = Path(__file__).parents[1] / "fake_office.py"
PATIENT = 600.0


@pytest.fixture
def fake(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH begins with the stand-in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "soffice"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "sample.pdf").write_bytes(pdf_bytes(2))
    (tmp_path / "tmp").mkdir()
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path / "tmp"),
        "FAKE_LOG": str(tmp_path / "calls"),
        "FAKE_PDF": str(tmp_path / "sample.pdf"),
    }


def calls(environment: dict[str, str]) -> list[list[str]]:
    """Of each call its profile and the positions of its files (0 is the probe of the fonts)."""
    return [line.split() for line in Path(environment["FAKE_LOG"]).read_text(encoding="utf-8").splitlines()]


def printed(
    tmp_path: Path, environment: dict[str, str], *texts: str,
    seconds: float = PATIENT, jobs: int = 1, per_call: int = 40,
) -> dict[str, PdfMade]:
    """What became of one Word file per text, by text."""
    work = tmp_path / "work"
    orders = {
        text: PdfOrder(word_file(tmp_path / "in" / f"{place}.docx", text), tmp_path / "out" / f"{place}.pdf")
        for place, text in enumerate(texts)
    }
    with PdfPress(environment, jobs=jobs, work=work, files_per_call=per_call, seconds_to_start=seconds,
                  seconds_per_file=seconds) as press:
        made = {one.order.source: one for one in press.make(list(orders.values()))}
    assert list(work.iterdir()) == []
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
    for one in made.values():
        assert one.order.target.exists() == (one.failure is None)
    return {text: made[order.source] for text, order in orders.items()}


def failed(results: dict[str, PdfMade]) -> dict[str, str]:
    return {text: one.failure.msgid for text, one in results.items() if one.failure}


def test_a_file_that_crashes_it_costs_only_itself_and_is_named(tmp_path: Path, fake: dict[str, str]) -> None:
    results = printed(tmp_path, fake, "a", "b", "CRASH", "c", "d")
    assert failed(results) == {"CRASH": "LibreOffice crashed on {file}."}
    assert str(results["CRASH"].failure) == "LibreOffice crashed on 2.docx."
    assert calls(fake) == [["profile-0", "0", "1", "2", "3", "4", "5"], ["profile-0", "4", "5"], ["profile-0", "3"]]


def test_a_file_that_hangs_it_is_killed_and_costs_only_itself(tmp_path: Path, fake: dict[str, str]) -> None:
    results = printed(tmp_path, fake, "a", "HANG", "b", seconds=2)
    assert failed(results) == {"HANG": "LibreOffice hung on {file} and was stopped."}
    assert results["a"].pages == results["b"].pages == 2


def test_a_killed_call_leaves_the_files_of_the_others_alone(tmp_path: Path, fake: dict[str, str]) -> None:
    source = word_file(tmp_path / "a.docx", "HANG")
    with PdfPress(fake, work=tmp_path / "work", seconds_to_start=0.5, seconds_per_file=0.5) as press:
        (made,) = press.make([PdfOrder(source, tmp_path / "a.pdf")])
        assert made.failure is not None
        assert len(list((tmp_path / "work").rglob("fonts.conf"))) == 1


def test_a_file_that_fails_only_in_company_is_printed_alone(tmp_path: Path, fake: dict[str, str]) -> None:
    assert failed(printed(tmp_path, fake, "a", "ALONE", "b")) == {}


def test_files_passed_over_in_silence_or_left_half_written_are_named(tmp_path: Path, fake: dict[str, str]) -> None:
    reason = "LibreOffice made no PDF of {file}."
    assert failed(printed(tmp_path, fake, "a", "SKIP", "HALF", "b")) == {"SKIP": reason, "HALF": reason}


def test_workers_keep_to_their_own_profiles_and_to_the_size_of_a_call(tmp_path: Path, fake: dict[str, str]) -> None:
    assert failed(printed(tmp_path, fake, *"abcdefghijk", jobs=2, per_call=3)) == {}
    found = calls(fake)
    assert [len(files) for _, *files in found] == [3, 3, 3, 3]
    assert {profile for profile, *_ in found} == {"profile-0", "profile-1"}


def test_when_nothing_ever_comes_the_rest_is_not_tried(tmp_path: Path, fake: dict[str, str]) -> None:
    count = MOST_FAILURES_IN_A_ROW + 4
    results = printed(tmp_path, fake, *(f"SKIP {place}" for place in range(count)))
    untried = [one for one in failed(results).values() if "not tried" in one]
    # The probe of the fonts succeeds within the first call and does not hide that all else fails.
    assert len(untried) == 4
    assert len(failed(results)) == count


def test_a_document_without_text_in_its_pdf_is_refused(tmp_path: Path, fake: dict[str, str]) -> None:
    Path(fake["FAKE_PDF"]).write_bytes(pdf_bytes(text=""))
    assert failed(printed(tmp_path, fake, "words")) == {
        "words": "LibreOffice made an empty PDF of {file}, which has text."
    }


def test_two_documents_never_share_a_target(tmp_path: Path, fake: dict[str, str]) -> None:
    source = word_file(tmp_path / "a.docx", "a")
    orders = [PdfOrder(source, tmp_path / "a.pdf"), PdfOrder(source, tmp_path / "a.pdf")]
    with PdfPress(fake) as press, pytest.raises(WrongUsage):
        list(press.make(orders))


def test_a_missing_program_is_told_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="LibreOffice is not installed"):
        convert_to_pdf([tmp_path / "a.docx"], tmp_path / "out", {"PATH": str(tmp_path)})
    assert not (tmp_path / "out").exists()


DRIVER = """
import os, sys
from pathlib import Path
from recordkit.templates.pdf import PdfOrder, PdfPress
orders = [PdfOrder(Path(one), Path(one).with_suffix(".pdf")) for one in sys.argv[1:]]
with PdfPress(os.environ, jobs=2, files_per_call=1) as press:
    list(press.make(orders))
"""


def _hanging(tmp_path: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], int, list[int]]:
    """A printing process whose two workers hang; the read end of their FIFO; the processes that watch them."""
    life = tmp_path / "life"
    os.mkfifo(life)
    environment |= {"FAKE_LIFE": str(life)}
    sources = [str(word_file(tmp_path / f"{place}.docx", "HANG")) for place in range(2)]
    # The first order is the probe of the fonts, so three calls are made and two of them hang at once.
    process = subprocess.Popen([sys.executable, "-c", DRIVER, *sources], env=environment, stderr=subprocess.PIPE)
    reader = os.open(life, os.O_RDONLY)
    watchers: list[int] = []
    text = b""
    while text.count(b"\n") < 3:
        text += os.read(reader, 4096)
    watchers = [int(line.split()[1]) for line in text.splitlines()]
    return process, reader, watchers


def _read_to_end(reader: int) -> None:
    """Wait until every process that holds the FIFO is gone."""
    while True:
        ready, _, _ = select.select([reader], [], [], 60)
        assert ready, "processes are still there"
        if not os.read(reader, 4096):
            break
    os.close(reader)


def test_ctrl_c_leaves_no_process_and_no_folder(tmp_path: Path, fake: dict[str, str]) -> None:
    process, reader, _ = _hanging(tmp_path, fake)
    assert list((tmp_path / "tmp").iterdir()) != []
    process.send_signal(signal.SIGINT)
    _read_to_end(reader)
    _, errors = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_printing_process_killed_outright_leaves_no_process_and_no_folder(
    tmp_path: Path, fake: dict[str, str]
) -> None:
    process, reader, watchers = _hanging(tmp_path, fake)
    waiting = [os.pidfd_open(one) for one in watchers if _lives(one)]
    process.kill()
    _read_to_end(reader)
    for handle in waiting:
        assert select.select([handle], [], [], 60)[0]
        os.close(handle)
    process.communicate()
    assert list((tmp_path / "tmp").iterdir()) == []


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_whose_watching_process_is_killed_dies_too(tmp_path: Path, fake: dict[str, str]) -> None:
    life = tmp_path / "life"
    os.mkfifo(life)
    reader = os.open(life, os.O_RDONLY | os.O_NONBLOCK)
    results = printed(tmp_path, {**fake, "FAKE_LIFE": str(life)}, "a", "LOST", "b")
    os.set_blocking(reader, True)
    assert failed(results) == {"LOST": "LibreOffice crashed on {file}."}
    _read_to_end(reader)
