"""Papers in the archive that open the gates of forms although they were not issued here: old forms, other systems."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date

from recordkit.templates.gates import Precedent
from recordkit.templates.spec import FormSpec
from recordkit.workspace import Workspace


def filed_papers(workspace: Workspace) -> Callable[[str, Collection[str], Collection[str]], Iterator[Precedent]]:
    """The look-up that ``find_gate_problems`` takes as ``filed``: records of the class that bears the form's id."""

    def look_up(form_id: str, accounts: Collection[str], numbers: Collection[str]) -> Iterator[Precedent]:
        column, values = ("account", accounts) if accounts else ("number", numbers)
        part = {f"v{at}": value for at, value in enumerate(values)}
        if not part:
            return
        marks = ", ".join(f":{name}" for name in part)
        rows = workspace.db.all(
            f"SELECT account, number, date, metadata FROM records WHERE +record_class = :form "  # noqa: S608
            # Wrapped, so that no index on issue_id or class can serve: in an archive of old papers it would find
            # nearly all.
            f"AND coalesce(issue_id, '') = '' AND status = 'active' AND {column} IN ({marks})",
            {"form": form_id, **part},
        )
        for row in rows:
            yield Precedent(row["account"], row["number"], date.fromisoformat(str(row["date"])[:10]), True,
                            _content(str(row["metadata"])))

    return look_up


def _content(metadata: str) -> Callable[[], tuple[Mapping[str, object], FormSpec | None]]:
    def content() -> tuple[Mapping[str, object], FormSpec | None]:
        fields = json.loads(metadata).get("fields", {})
        return (fields if isinstance(fields, dict) else {}), None

    return content
