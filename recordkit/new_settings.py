"""The commented recordkit.toml of a new store: every setting, with its meaning, in the language of who makes it.

The texts are files, one for each language, with marks like ``@fonds@`` where the store's own values stand. Settings
that are rarely changed are there as comments: with the marks taken away they change nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from recordkit.archive_settings import ArchiveSection
from recordkit.settings import FORMAT, CompanySection

Language = Literal["zh", "en"]


def new_settings_text(
    *,
    store_id: str,
    simulation: bool,
    company: CompanySection,
    archive: ArchiveSection,
    search: str = "tantivy",
    language: Language = "zh",
) -> str:
    """A commented recordkit.toml for a new store."""
    import msgspec

    values: dict[str, object] = {
        "id": store_id, "format": FORMAT, "simulation": simulation, "name": company.name, "office": company.office,
        "office_code": company.office_code, "fonds": archive.fonds, "fonds_name": archive.fonds_name,
        "category": archive.category, "code": archive.code, "volume_code": archive.volume_code, "search": search,
    }  # fmt: skip
    text = Path(__file__).with_name(f"new_settings.{language}.toml").read_text(encoding="utf-8")
    # In one pass: a value that looks like a mark stays a value. What JSON writes for these kinds is TOML, too.
    return re.sub("@([a-z_]+)@", lambda mark: msgspec.json.encode(values[mark[1]]).decode(), text)
