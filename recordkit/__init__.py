"""Documents, records archive and retention for a records office.

The public names, loaded when they are first used: ``import recordkit`` costs nothing that is not needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recordkit.archive.arrivals import collect_sources
    from recordkit.archive.catalogue import Record, find_record, list_records
    from recordkit.archive.decisions import IngestOptions
    from recordkit.archive.editing import edit_record
    from recordkit.archive.fixity import FixityOptions, verify_objects
    from recordkit.archive.ingest import ingest_papers
    from recordkit.archive.search.service import SearchRequest, search_records
    from recordkit.checkpoints import Witnesses, export_ledger, keep_checkpoint, make_checkpoint
    from recordkit.copies.backup import make_backup
    from recordkit.copies.check import check_copy
    from recordkit.copies.restore import restore_backup
    from recordkit.errors import RecordkitError
    from recordkit.retention.circumstances import explain_record
    from recordkit.retention.grouped import review_items
    from recordkit.store import make_store, open_store
    from recordkit.templates.forms import load_form
    from recordkit.templates.issue import list_issues
    from recordkit.templates.issuing import issue_documents
    from recordkit.templates.planning import plan_issue
    from recordkit.templates.rows import read_rows
    from recordkit.workspace import Clock, Workspace

__version__ = "0.1.0"

__all__ = [
    "Clock",
    "FixityOptions",
    "IngestOptions",
    "Record",
    "RecordkitError",
    "SearchRequest",
    "Witnesses",
    "Workspace",
    "check_copy",
    "collect_sources",
    "edit_record",
    "explain_record",
    "export_ledger",
    "find_record",
    "ingest_papers",
    "issue_documents",
    "keep_checkpoint",
    "list_issues",
    "list_records",
    "load_form",
    "make_backup",
    "make_checkpoint",
    "make_store",
    "open_store",
    "plan_issue",
    "read_rows",
    "restore_backup",
    "review_items",
    "search_records",
    "verify_objects",
]

_HOMES = {
    "archive.catalogue": ("Record", "find_record", "list_records"),
    "archive.editing": ("edit_record",),
    "archive.fixity": ("FixityOptions", "verify_objects"),
    "archive.arrivals": ("collect_sources",),
    "archive.decisions": ("IngestOptions",),
    "archive.ingest": ("ingest_papers",),
    "archive.search.service": ("SearchRequest", "search_records"),
    "checkpoints": ("Witnesses", "export_ledger", "keep_checkpoint", "make_checkpoint"),
    "copies.backup": ("make_backup",),
    "copies.check": ("check_copy",),
    "copies.restore": ("restore_backup",),
    "errors": ("RecordkitError",),
    "retention.circumstances": ("explain_record",),
    "retention.grouped": ("review_items",),
    "store": ("make_store", "open_store"),
    "templates.forms": ("load_form",),
    "templates.issue": ("list_issues",),
    "templates.issuing": ("issue_documents",),
    "templates.planning": ("plan_issue",),
    "templates.rows": ("read_rows",),
    "workspace": ("Clock", "Workspace"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"recordkit.{module}"), name)
    raise AttributeError(f"module 'recordkit' has no attribute {name!r}")
