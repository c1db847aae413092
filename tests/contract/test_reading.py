"""Reading whole papers through child processes: codes, order, failures, OCR."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFont
from test_pdf_facts import LATIN, text_pdf

from recordkit.archive.codes import find_codes
from recordkit.archive.reading import PaperReading, read_papers
from recordkit.crew import Crew, Lost, Outcome
from recordkit.settings import IngestSection
from recordkit.templates.code import CODE128_MM, QR_MM, PrintedCode, draw_code128, draw_qr

CODE = PrintedCode("7XQ200000042", 0)
LINES = (
    "换表通知书",
    "户名：王小明",
    "用水地址：长沙市岳麓区麓山南路一百二十号三栋二单元",
    "旧表号：S20231101",
    "换表日期：2026年3月2日",
    "因水表到期轮换，我公司将于上述日期更换计费水表，请予配合。",
)
PER_MM = 200 / 25.4


def drawn(png: bytes, size: tuple[float, float]) -> Image.Image:
    """A code as a 200 dpi scanner sees it."""
    pixels = round(size[0] * PER_MM), round(size[1] * PER_MM)
    return Image.open(io.BytesIO(png)).convert("L").resize(pixels, Image.Resampling.BOX)


def page(code: PrintedCode | None = CODE, lines: Sequence[str] = ()) -> Image.Image:
    """An A4 page at 200 dpi with our two codes in its head."""
    picture = Image.new("L", (1654, 2339), 255)
    if code is not None:
        picture.paste(drawn(draw_qr(code.encode()), (QR_MM, QR_MM)), (1400, 80))
        picture.paste(drawn(draw_code128(code.encode()), CODE128_MM), (120, 100))
    if lines:
        found = sorted(Path("/usr/share/fonts").rglob("NotoSansCJK*-Regular.*"))
        if not found:
            pytest.skip("this test draws Chinese: install fonts-noto-cjk (CI has it and counts a skip as a failure)")
        font = ImageFont.truetype(found[0], 42)
        for number, line in enumerate(lines):
            ImageDraw.Draw(picture).text((140, 300 + 90 * number), line, font=font, fill=20)
    return picture


def save(path: Path, *pages: Image.Image) -> Path:
    pages[0].save(path, "PDF", resolution=200, save_all=True, append_images=pages[1:])
    return path


def read(*paths: Path, ocr: bool = False, jobs: int = 2) -> list[PaperReading]:
    return list(read_papers(paths, jobs=jobs, ocr=ocr))


def test_both_codes_are_found_whichever_way_the_page_lies(tmp_path: Path) -> None:
    angles = (0, 90, 180, 270)
    path = save(tmp_path / "scan.pdf", *(page().rotate(angle, expand=True) for angle in angles))
    (reading,) = read(path)
    assert reading.failure is None
    assert reading.issue_ids == (CODE.issue_id,)
    for number, angle in enumerate(angles, start=1):
        codes = [code for code in reading.codes if code.page == number]
        assert {(code.kind, code.printed, code.turned) for code in codes} == {
            ("QRCode", CODE, angle),
            ("Code128", CODE, angle),
        }
    assert [text.source for text in reading.texts] == ["none"] * 4


def test_a_code_under_noise_is_found() -> None:
    clean = np.asarray(page())
    random = np.random.default_rng(1)
    noisy = np.where(random.random(clean.shape) < 0.15, random.integers(0, 255, clean.shape), clean).astype(np.uint8)
    assert CODE in [code.printed for code in find_codes(noisy, 1)]


def test_a_foreign_code_is_reported_but_names_no_issue(tmp_path: Path) -> None:
    foreign = zxingcpp.create_barcode("https://example.org/pay", zxingcpp.BarcodeFormat.QRCode)
    picture = page(None)
    picture.paste(Image.fromarray(np.array(zxingcpp.write_barcode_to_image(foreign, scale=5))), (200, 200))
    (reading,) = read(save(tmp_path / "foreign.pdf", picture))
    assert [(code.payload, code.printed) for code in reading.codes] == [("https://example.org/pay", None)]
    assert reading.issue_ids == ()


def test_papers_scanned_together_show_both_issues(tmp_path: Path) -> None:
    other = PrintedCode("7XQ200000043", 1, 1, 2)
    (reading,) = read(save(tmp_path / "two.pdf", page(), page(other)))
    assert reading.issue_ids == (CODE.issue_id, other.issue_id)


def test_a_code_in_the_embedded_text_is_read_as_text(tmp_path: Path) -> None:
    text = f"{LATIN} {CODE.encode()} RK17XQ2000000420S9"
    (reading,) = read(text_pdf(tmp_path / "digital.pdf", text))
    assert [(code.kind, code.printed) for code in reading.codes] == [("text", CODE)]
    assert [(one.page, one.text, one.source) for one in reading.texts] == [(1, text, "embedded")]


def test_readings_keep_the_order_of_the_paths_and_a_bad_file_costs_only_itself(tmp_path: Path) -> None:
    long = save(tmp_path / "long.pdf", page(), page(), page())
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(long.read_bytes()[:-2000])
    missing = tmp_path / "missing.pdf"
    digital = text_pdf(tmp_path / "digital.pdf", LATIN)
    seen: list[tuple[str, int, int]] = []
    readings = list(
        read_papers(
            [long, cut, missing, digital],
            jobs=2,
            ocr=False,
            progress=lambda path, done, pages: seen.append((path.name, done, pages)),
        )
    )
    assert [reading.path for reading in readings] == [long, cut, missing, digital]
    assert [reading.failure and reading.failure.reason for reading in readings] == [
        None,
        "damaged",
        "not-readable",
        None,
    ]
    assert [each for each in seen if each[0] == "long.pdf"] == [("long.pdf", done, 3) for done in range(4)]
    assert [len(reading.texts) for reading in readings] == [3, 0, 0, 1]


def test_too_long_a_look_costs_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.pdf", page())
    readings = list(read_papers([path, path], jobs=1, ocr=False, limits=IngestSection(page_seconds=0)))
    assert [reading.failure and reading.failure.reason for reading in readings] == ["timeout", "timeout"]


def test_a_dying_process_costs_its_own_task_only() -> None:
    with Crew(2, 60) as crew:
        crew.put((0, 0), os._exit, 7)
        for number in range(1, 6):
            crew.put((number, 0), abs, -number)
        outcomes = dict(crew.take() for _ in range(6))
        with pytest.raises(LookupError):
            crew.take()
    lost = outcomes.pop((0, 0)).error
    assert isinstance(lost, Lost)
    assert lost.reason == "damaged"
    assert {key[0]: outcome.value for key, outcome in outcomes.items()} == {number: number for number in range(1, 6)}


def test_a_process_that_died_idle_is_replaced() -> None:
    with Crew(1, 60) as crew:
        crew.put((0, 0), abs, -1)
        crew.take()
        (child,) = multiprocessing.active_children()
        child.kill()
        child.join()
        crew.put((1, 0), abs, -2)
        assert crew.take()[1].value == 2


def test_an_interrupt_while_a_process_starts_is_not_lost_and_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = multiprocessing.context.SpawnProcess.start

    def start_interrupted(process: multiprocessing.context.SpawnProcess) -> None:
        signal.raise_signal(signal.SIGINT)
        start(process)

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", start_interrupted)
    with pytest.raises(KeyboardInterrupt), Crew(1, 60) as crew:
        crew.put((0, 0), len, "abc")
        crew.take()
    assert multiprocessing.active_children() == []


def test_a_process_is_deaf_to_interrupts_but_what_it_starts_is_not() -> None:
    with Crew(1, 60) as crew:
        crew.put((0, 0), signal.getsignal, signal.SIGINT)
        crew.put((0, 1), signal.pthread_sigmask, signal.SIG_BLOCK, ())
        found = dict(crew.take() for _ in range(2))
    assert found[0, 0].value == signal.SIG_IGN
    assert signal.SIGINT not in found[0, 1].value


def test_dropped_tasks_are_not_done() -> None:
    with Crew(1, 60) as crew:
        for page_number in range(4):
            crew.put((0, page_number), os._exit, 1)
        crew.put((1, 0), abs, -5)
        crew.drop(0)
        assert crew.take() == ((1, 0), Outcome(5, None))


def test_leaving_the_loop_early_ends_the_processes(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.pdf", page(), page())
    before = set(multiprocessing.active_children())

    def interrupt(path: Path, done: int, pages: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(read_papers([path] * 3, jobs=2, ocr=False, progress=interrupt))
    readings = read_papers([path] * 3, jobs=2, ocr=False)
    next(readings)
    readings.close()  # type: ignore[attr-defined]
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.ocr
def test_chinese_is_read_in_order_whichever_way_the_page_lies_with_and_without_a_code(tmp_path: Path) -> None:
    turns = ((CODE, 0), (CODE, 90), (None, 180), (None, 270))
    pages = (page(code, LINES).rotate(angle, expand=True) for code, angle in turns)
    (reading,) = read(save(tmp_path / "scan.pdf", *pages), ocr=True)
    for text, (_, angle) in zip(reading.texts, turns, strict=True):
        assert text.text.splitlines() == list(LINES)
        assert (text.source, text.turned) == ("ocr", angle)
        assert text.confidence is not None
        assert text.confidence > 0.9
        assert text.engine.startswith("rapidocr ")


@pytest.mark.ocr
def test_a_blank_page_brings_empty_text(tmp_path: Path) -> None:
    (reading,) = read(save(tmp_path / "blank.pdf", page(None)), ocr=True)
    assert [(text.text, text.confidence) for text in reading.texts] == [("", None)]


@pytest.mark.ocr
def test_ocr_is_spared_where_the_text_is_embedded(tmp_path: Path) -> None:
    (reading,) = read(text_pdf(tmp_path / "layer.pdf", LATIN, scan=True), ocr=True)
    assert [(text.text, text.source) for text in reading.texts] == [(LATIN, "embedded")]
