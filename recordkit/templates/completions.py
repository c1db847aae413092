"""The table of what was keyed in from returned papers; apart from ``completing``, since every command opens it."""

from __future__ import annotations

from recordkit.model import Entry
from recordkit.workspace import Projection, Workspace

ACTS = ("issue.completed", "issue.collected")

_SCHEMA = """
CREATE TABLE completions (
  seq INTEGER PRIMARY KEY, issue_id TEXT NOT NULL, act TEXT NOT NULL, note TEXT NOT NULL, time TEXT NOT NULL,
  actor TEXT NOT NULL);
CREATE INDEX completions_issue ON completions (issue_id, act)
"""


def _apply(workspace: Workspace, entry: Entry) -> None:
    if entry.act in ACTS:
        workspace.db.insert(
            "completions",
            {
                "seq": entry.seq,
                "issue_id": entry.body["issue"],
                "act": entry.act,
                "note": entry.body["note"],
                "time": entry.time,
                "actor": entry.actor,
            },
        )


PROJECTION = Projection("completions", _SCHEMA, _apply)
