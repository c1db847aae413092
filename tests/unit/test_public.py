from __future__ import annotations

import recordkit


def test_every_public_name_is_there() -> None:
    for name in recordkit.__all__:
        assert getattr(recordkit, name).__name__ == name


def test_the_homes_and_the_list_agree() -> None:
    assert sorted(name for names in recordkit._HOMES.values() for name in names) == sorted(recordkit.__all__)
