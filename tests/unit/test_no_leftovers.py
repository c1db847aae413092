"""Spreadsheets leave nothing in the folder for temporary files: titles and accounts would lie there for ever."""

from __future__ import annotations

import ast
import io
import tempfile
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

import recordkit
from recordkit.templates.sheetwriter import saved, streaming


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_a_small_workbook_is_made_without_a_temporary_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    named = tempfile.NamedTemporaryFile
    monkeypatch.setattr("openpyxl.worksheet._writer.NamedTemporaryFile",
                        lambda *given, **more: made.append(given) or named(*given, **more))
    book = Workbook()
    assert book.active is not None
    book.active["A1"] = "张三"
    data = saved(book)
    assert load_workbook(io.BytesIO(data)).active["A1"].value == "张三"  # type: ignore[union-attr,index]
    assert made == [] and list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [None, OSError, KeyboardInterrupt])
def test_streamed_rows_are_gone_however_it_ends(folder: Path, error: type[BaseException] | None) -> None:
    def write() -> None:
        with streaming() as book:
            book.create_sheet().append(["张三"])
            assert len(list(folder.iterdir())) == 1
            if error is not None:
                raise error("while it is written")
            book.save(io.BytesIO())

    if error is None:
        write()
    else:
        with pytest.raises(error):
            write()
    assert list(folder.iterdir()) == []


def test_no_module_makes_or_saves_a_workbook_of_openpyxl_in_another_way() -> None:
    for path in Path(recordkit.__file__).parent.rglob("*.py"):
        if path.name == "sheetwriter.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            assert called not in ("book.save", "workbook.save") or path.name == "refused.py", path
            assert called != "Workbook" or not node.keywords, path
