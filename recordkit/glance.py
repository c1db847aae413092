"""A look into the catalogue for whoever completes a word behind TAB: no more is loaded than that takes."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def first_values(path: Path, table: str, column: str, begin: str, most: int) -> list[str]:
    """The first values of a column that begin so, in their order; none where the file or the table is not there.

    For looking in, not for deciding: nothing is created, caught up or waited for.
    """
    try:
        connection = sqlite3.connect(f"{_uri(path)}?mode=ro", uri=True, timeout=0.1)
    except sqlite3.Error:
        return []
    try:
        sql = (f"SELECT DISTINCT {column} FROM {table} WHERE {column} >= :begin AND {column} < :end "
               f"ORDER BY {column} LIMIT :most")
        found = connection.execute(sql, {"begin": begin, "end": begin + "\U0010ffff", "most": most})
        return [str(row[0]) for row in found]
    except sqlite3.Error:
        return []
    finally:
        connection.close()


def _uri(path: Path) -> str:
    """As ``Path.as_uri``, for which Python loads its network addresses: 5 ms that are felt behind TAB."""
    text = path.absolute().as_posix().replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return "file:" + (text if text.startswith("/") else f"/{text}")
