"""Names of files in an object, beside record.json and text.json; docs/store-format.md says what they are."""

from __future__ import annotations

from typing import Final, Literal

PAPER: Final = "original.pdf"
"""The paper as it came."""

SEARCHABLE: Final = "searchable.pdf"
"""Its copy with invisible text over the pictures."""

REPAIRED: Final = "repaired.pdf"
"""A readable copy of a damaged paper."""

DECRYPTED: Final = "decrypted.pdf"
"""A readable copy of a locked paper."""

COPIES: Final = (SEARCHABLE, REPAIRED, DECRYPTED)
"""What may be made of a paper, the easiest to read first."""

READABLE: Final = (*COPIES, PAPER)
"""Files of an object that show the paper, the one that is easiest to read first."""

CopyName = Literal["repaired.pdf", "decrypted.pdf"]
