"""The table of what was keyed in from returned papers; apart from ``completing``, since every command opens it."""

from __future__ import annotations

from recordkit.model import Entry
from recordkit.workspace import Workspace

ACTS = ("issue.completed", "issue.collected")

def apply_entry(workspace: Workspace, entry: Entry) -> None:
    """What was keyed in or collected after the paper came back."""
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
