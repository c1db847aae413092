"""The settings of separation of duty in the form of the ledger: one form, however recordkit.toml writes them."""

from __future__ import annotations

from itertools import permutations

import pytest

from recordkit.archive_settings import ArchiveSection
from recordkit.retention.duties import loosened, plain_duties
from recordkit.settings import DestructionSection

PAIRS = [("auditor", "archivist"), ("approver", "auditor"), ("clerk", "auditor"), ("supervisor", "clerk")]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_however_roles_and_pairs_are_ordered_the_ledger_says_the_same(order: tuple[int, ...]) -> None:
    pairs = [PAIRS[at] if at % 2 else PAIRS[at][::-1] for at in order]
    roles = ["proposer", "approver", "appraiser"]
    given = DestructionSection(separate_roles=(*pairs, pairs[0]), supervisor_excludes=(*roles[order[0] % 3:], *roles))
    plain = plain_duties(given, ArchiveSection())
    assert plain["separate_roles"] == [["approver", "auditor"], ["archivist", "auditor"], ["auditor", "clerk"],
                                       ["clerk", "supervisor"]]
    assert plain["supervisor_excludes"] == ["appraiser", "approver", "proposer"]


@pytest.mark.parametrize(("share", "millionths"), [(0.5, 500_000), (0.9, 900_000), (0.999999, 999_999), (1, 1_000_000),
                                                   (0.1234564, 123_456), (0, 0)])
def test_a_share_stands_in_millionths(share: float, millionths: int) -> None:
    assert plain_duties(DestructionSection(total_share=share), ArchiveSection())["total_share_millionths"] == millionths


def test_the_meaning_of_a_term_stands_under_the_form_in_which_terms_are_compared() -> None:
    archive = ArchiveSection(old_terms={" 长 期": "50y", "d 15": "15y"})
    assert plain_duties(DestructionSection(), archive)["old_terms"] == {"长期": "50y", "D15": "15y"}


@pytest.mark.parametrize(("before", "after", "looser"), [
    ({"supervisors": 3}, {"supervisors": 2}, True), ({"supervisors": 2}, {"supervisors": 3}, False),
    ({"supervisors": 2}, {"supervisors": "3"}, True), ({"supervisors": 1}, {"supervisors": True}, True),
    ({"total_share_millionths": 5}, {"total_share_millionths": 6}, True),
    ({"total_share_millionths": 5}, {"total_share_millionths": 5}, False),
    ({"total_share_millionths": 5}, {"total_share_millionths": None}, False),
    ({"separate_roles": [["a", "b"]]}, {"separate_roles": [["a", "b"], ["c", "d"]]}, False),
    ({"separate_roles": [["a", "b"]]}, {"separate_roles": [["c", "d"]]}, True),
    ({"separate_roles": [["a", "b"]]}, {"separate_roles": "ab"}, True),
    ({"supervisor_excludes": ("a",)}, {"supervisor_excludes": ["a"]}, False),
    ({"paper": False}, {"paper": None}, True), ({"paper": False}, {"paper": False}, False),
    ({"paper": None}, {"paper": True}, False),
])
def test_what_asks_for_less_is_looser(before: dict[str, object], after: dict[str, object], looser: bool) -> None:
    share = {"total_share_millionths": 0}
    assert bool(loosened({**share, **before}, {**share, **after})) is looser
