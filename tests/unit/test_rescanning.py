"""When a second scan may take the place of the filed one by itself."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordkit.archive.rescanning import Quality, quality_of, why_worse
from recordkit.messages import msg
from recordkit.model import Finding, PageText

QUALITIES = st.builds(
    Quality,
    st.integers(1, 6),
    st.lists(st.sampled_from(["missing-page", "swapped-page", "empty-page"]), max_size=4).map(Counter),
    st.none() | st.floats(0, 1),
    st.integers(0, 2),
    st.integers(0, 2),
)


def test_fewer_pages_are_worse_however_clean() -> None:
    assert why_worse(Quality(1, {}), Quality(2, {"missing-page": 3})) is not None


def test_a_new_kind_of_finding_is_worse_even_if_others_are_gone() -> None:
    assert why_worse(Quality(2, {"empty-page": 1}), Quality(2, {"missing-page": 3})) is not None
    assert why_worse(Quality(2, {"missing-page": 1}), Quality(2, {"missing-page": 3})) is None


def test_a_blurred_scan_is_worse_and_noise_in_the_confidence_is_not() -> None:
    assert why_worse(Quality(1, {}, 0.80), Quality(1, {}, 0.95)) is not None
    assert why_worse(Quality(1, {}, 0.94), Quality(1, {}, 0.95)) is None
    assert why_worse(Quality(1, {}, None), Quality(1, {}, 0.95)) is None


def test_a_printout_that_nobody_signed_never_replaces_a_scan() -> None:
    scan, printout = Quality(1, {}, 0.9, pictures=1), Quality(1, {})
    assert why_worse(printout, scan) is not None
    assert why_worse(Quality(1, {}, signatures=1), scan) is None
    assert why_worse(printout, printout) is None
    assert why_worse(scan, printout) is None


def test_fewer_digital_signatures_that_hold_are_worse() -> None:
    signed = Quality(1, {}, signatures=2)
    assert why_worse(Quality(1, {}, 0.99, pictures=1, signatures=1), signed) is not None
    assert why_worse(Quality(1, {}, signatures=2), signed) is None


def test_pictures_and_signatures_are_counted_from_the_facts_of_the_file() -> None:
    holds, broken = {"kind": "pdf", "bottom_line": True}, {"kind": "pdf", "bottom_line": False}
    stamp = {"kind": "pdf-timestamp", "bottom_line": True}
    text, unread, read = (PageText(1, "x", source, "e") for source in ("embedded", "none", "ocr"))

    def quality(*texts: PageText, scans: int | None = None, signatures: list[object] | None = None) -> Quality:
        return quality_of(texts, (), {"pdf": {"scans": scans}, "signatures": signatures or []})

    assert quality(text, signatures=[holds, broken, stamp]).signatures == 1
    assert [quality(one, scans=0).pictures for one in (text, unread, read)] == [0, 0, 1]
    assert [quality(one, scans=1).pictures for one in (text, unread, read)] == [1, 1, 1]
    assert [quality(one).pictures for one in (text, unread, read)] == [0, 1, 1]


def test_findings_that_say_nothing_of_the_scan_do_not_count() -> None:
    texts = (PageText(1, "x", "ocr", "e", 0.9), PageText(2, "", "none", ""))
    found = quality_of(texts, [Finding("matched-by-text", msg("x")), Finding("not-examined", msg("z")),
                               Finding("empty-page", msg("y"))])
    assert found == Quality(2, Counter({"empty-page": 1}), 0.9, pictures=2)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(QUALITIES)
def test_a_scan_is_never_worse_than_itself(one: Quality) -> None:
    assert why_worse(one, one) is None


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(QUALITIES, QUALITIES)
def test_of_two_different_scans_that_replace_each_other_neither_lost_pages_or_won_findings(
    one: Quality, other: Quality
) -> None:
    if why_worse(one, other) is None and why_worse(other, one) is None:
        assert (one.pages, dict(one.findings)) == (other.pages, dict(other.findings))
