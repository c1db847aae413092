"""Cells of a spreadsheet that hold text and nothing else: no formula, no lost zero, nothing that XML cannot hold."""

from __future__ import annotations

from typing import Any

from recordkit.templates.wordpage import printable

SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings that a spreadsheet program takes for a formula."""


def put_text(cell: Any, text: str) -> None:
    """Put a text into an openpyxl cell, whatever it begins with."""
    cell.value = printable(text)
    cell.data_type = "s"
    cell.number_format = "@"
    cell.quotePrefix = text.startswith(SIGNS)


def csv_text(text: str) -> str:
    """A text for a .csv cell, which has no type: digits keep their zeros in Excel, and nothing is computed.

    The reader of lists knows ``="0012"`` for the text 0012.
    """
    if text.isascii() and text.isalnum():
        return f'="{text}"'
    return f"'{text}" if text.startswith(SIGNS) else text
