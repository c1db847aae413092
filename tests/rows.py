"""Rows written past the projections, for tests and benchmarks that need more records than they could file."""

from __future__ import annotations

from collections.abc import Mapping

from recordkit.archive import tallies
from recordkit.db import Database


def put_record(db: Database, row: Mapping[str, object]) -> None:
    """A row of the catalogue, counted as the projection counts it."""
    db.insert("records", row)
    tallies.move(db, str(row["record_id"]), None)


def count_filings(db: Database) -> None:
    """What was filed in each year, out of the rows of ``filings``."""
    db.run("DELETE FROM filing_years")
    db.run("INSERT INTO filing_years SELECT substr(day, 1, 4), count(*), sum(bytes) FROM filings GROUP BY 1")
