"""What the core fields of a record are called; ``metadata.CORE`` says what may stand in them.

Apart, for whoever needs nothing but the names: completion behind TAB.
"""

from __future__ import annotations

CORE_NAMES: dict[str, tuple[str, str]] = {
    "title": ("题名", "Title"),
    "date": ("日期", "Date"),
    "date_given": ("原目录日期", "Date as given"),
    "title_made": ("自拟题名", "Title made by the archivist"),
    "responsible": ("责任者", "Responsible"),
    "number": ("文号", "Number"),
    "account": ("户号", "Account"),
    "party": ("当事人", "Party"),
    "address": ("地址", "Address"),
    "phone": ("电话", "Phone"),
    "box": ("盒号", "Box"),
    "shelf": ("库位", "Shelf"),
    "security": ("密级", "Security"),
    "keywords": ("主题词", "Keywords"),
    "note": ("备注", "Note"),
}
"""Key to label (DA/T 46-2009) and English label, in the order in which they are shown."""
