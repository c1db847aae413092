from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordkit.templates.package import Layout, deflated, make_piece, pieced, read_entries, repack, stored

LONG = "表" * 70_000
parts = st.lists(
    st.tuples(st.booleans(), st.text(st.characters(exclude_categories=("Cs",)), max_size=3000)), max_size=6
)


@given(parts)
def test_pieces_and_texts_read_back_as_one_text(chosen: list[tuple[bool, str]]) -> None:
    entry = pieced("x", [make_piece(text) if piece else text for piece, text in chosen])
    whole = "".join(text for _, text in chosen).encode()
    unpacker = zlib.decompressobj(-15)
    assert unpacker.decompress(entry.raw) == whole and unpacker.eof and not unpacker.unused_data
    assert (entry.crc, entry.size) == (zlib.crc32(whole), len(whole))


@pytest.mark.parametrize("length", [0, 1, 1023, 1024, 1025, 65_535, 65_536, 200_000])
def test_a_crc_is_carried_over_a_piece_of_any_length(length: int) -> None:
    piece = make_piece("a" * length)
    entry = pieced("x", ["前", piece, LONG, piece])
    assert entry.crc == zlib.crc32(("前" + "a" * length + LONG + "a" * length).encode())


def test_pieces_shorter_than_their_tables_are_computed_and_longer_ones_looked_up() -> None:
    assert make_piece("a" * 100).shift is None
    assert make_piece("a" * 5000).shift is not None


def package() -> bytes:
    piece = make_piece("<w:p>静态</w:p>" * 200)
    return Layout([deflated("[Content_Types].xml", b"<a/>" * 50), stored("甲.png", b"\x89PNG")]).write(
        [pieced("word/document.xml", [piece, "值", piece, LONG]), stored("media/image1.png", b"12")]
    )


def test_the_zip_is_read_by_others(tmp_path: Path) -> None:
    path = tmp_path / "x.docx"
    path.write_bytes(package())
    with zipfile.ZipFile(path) as source:
        assert source.testzip() is None
        assert source.namelist() == ["[Content_Types].xml", "甲.png", "word/document.xml", "media/image1.png"]
        assert source.read("word/document.xml").decode().endswith("</w:p>" + LONG)
        assert {one.date_time for one in source.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {(one.create_system, one.external_attr >> 16) for one in source.infolist()} == {(3, 0o600)}
    for program in ("unzip", "7z"):
        if found := shutil.which(program):
            assert (
                subprocess.run(
                    [found, "-t" if program == "unzip" else "t", str(path)], check=False, capture_output=True
                ).returncode
                == 0
            )


def test_a_damaged_byte_shows() -> None:
    data = bytearray(package())
    data[data.index("值".encode())] ^= 1
    with pytest.raises(zipfile.BadZipFile):
        read_entries(bytes(data))


def test_repacking_swaps_parts_and_keeps_the_order() -> None:
    entries = read_entries(repack(read_entries(package()), {"media/image1.png": b"neu"}))
    assert list(entries) == ["[Content_Types].xml", "甲.png", "word/document.xml", "media/image1.png"]
    assert entries["media/image1.png"] == b"neu"
    assert zipfile.ZipFile(io.BytesIO(repack(entries, {}))).testzip() is None
