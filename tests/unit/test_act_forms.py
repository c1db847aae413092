"""The forms of acts are those of docs/store-format.md, and name what of a body is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recordkit.actforms import FORMS, fault_of

DOCS = Path(__file__).parents[2] / "docs" / "store-format.md"
ITEM = {"record": "R1", "version": 1, "commitment": "c", "class": "x", "issue": None, "due": "2035-01-01", "rule": "x"}


def test_every_act_that_the_description_of_a_store_names_has_a_form() -> None:
    table = DOCS.read_text("utf-8").partition("### Acts and their bodies")[2].partition("\n## ")[0]
    named = {act for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
             for act in re.findall(r"`([a-z]+\.[a-z-]+)`", row)}
    assert named ^ FORMS.keys() == {"bag.imported", "ledger.shortened"}  # no table is made from them


@pytest.mark.parametrize(("act", "body", "place"), [
    ("box.placed", {"box": "7"}, "note"),
    ("box.placed", {"box": 7, "note": "n"}, "box"),
    ("box.placed", {"box": "\ud800", "note": "n"}, "box"),
    ("hold.placed", {"hold": "H1", "kind": "x", "records": ["R1"]}, "records"),
    ("hold.placed", {"hold": "H1", "kind": "x", "records": {"R1": 7}}, "records"),
    ("hold.placed", {"hold": "H1", "kind": "x", "until": "2037-02-30"}, "until"),
    ("volume.filed", {"volume": "V1", "records": {"R1": "1"}}, "records"),
    ("volume.filed", {"volume": "V1", "records": {"R1": 2**63}}, "records"),
    ("volume.filed", {"volume": "V1", "records": {"R1": True}}, "records"),
    ("order.proposed", {"order": "D2037-0001", "by": "a", "manifest": {"items": [ITEM, {**ITEM, "due": "x"}]}},
     "manifest.items[].due"),
    ("order.proposed", {"order": "2037", "by": "a", "manifest": {"items": [ITEM]}}, "order"),
    ("order.proposed", {"order": "D2037-0001", "by": "a", "manifest": [ITEM]}, "manifest.items[].record"),
    ("order.proposed", {"order": "D2037-0001", "by": "a", "manifest": {"items": {"R1": ITEM}}},
     "manifest.items[].record"),
    ("order.signed", {"order": "D2037-0001", "by": "a", "signature": "f", "statement": {"paper": {"record": "P"}}},
     "entered_by"),
    ("order.signed", {"order": "D2037-0001", "by": "a", "signature": "f", "statement": {"paper": {"version": 1}},
                      "entered_by": "b"}, "statement.paper.record"),
    ("order.appraised", {"order": "D2037-0001", "by": "a", "signature": "f",
                         "statement": {"opinions": {"R1": "extend:soon"}}}, "statement.opinions"),
    ("person.added", {"statement": {"id": "a", "name": "b", "staff_no": "1", "roles": "clerk", "public_key": ""}},
     "statement.roles"),
    ("loss.registered", {"loss": "L2037-0001", "by": "a", "statement": {"digest": "d"}, "records": {}, "manifest": {
        "items": [{"record": "R1", "whole": True, "files": [{}]}], "notes": []}}, "manifest.items[].files[].file"),
])
def test_what_is_wrong_in_a_body_is_named_by_its_place(act: str, body: dict[str, object], place: str) -> None:
    assert fault_of(act, body) == place


@pytest.mark.parametrize(("act", "body"), [
    ("box.placed", {"box": "7", "note": "n", "more": 1}),
    ("hold.placed", {"hold": "H1", "kind": "x", "until": None, "records": {"R1": None, "R2": "n"}}),
    ("hold.placed", {"hold": "H1", "kind": "x", "account_note": "n"}),
    ("order.proposed", {"order": "D2037-0001", "by": "a", "manifest": {"items": [ITEM]}}),
    ("order.appraised", {"order": "D2037-0001", "by": "a", "signature": "f",
                         "statement": {"opinions": {"R1": "extend:2040-01-01", "R2": "keep", "R3": "destroy"}}}),
    ("an.unknown-act", {}),
])
def test_a_body_of_the_right_form_has_no_fault(act: str, body: dict[str, object]) -> None:
    assert fault_of(act, body) is None
