"""What is asked of every engine, in kinds; made from the facts of records drawn at random."""

from __future__ import annotations

import random
from dataclasses import dataclass

from recordkit.archive.search.port import Sort
from recordkit.archive.search.query import And, Dated, Is, Not, Or, Query, Term
from recordkit.archive.search.text import normalise
from searching.records import SENTENCES, Facts, Records


@dataclass(frozen=True, slots=True)
class Ask:
    """One page of twenty hits, or with ``facets`` three counts."""

    query: Query
    offset: int = 0
    sort: Sort = "relevance"
    facets: bool = False


def term(text: str, field: str | None = None, *, fuzzy: bool = False) -> Term:
    """As the parser makes it."""
    return Term(field, normalise(text), fuzzy=fuzzy)


def asks(records: Records, seed: int = 5) -> dict[str, list[Ask]]:
    """By kind. Those that begin with ``selective`` find few records, those with ``everything`` nearly all."""
    rng = random.Random(seed)
    facts = [records.facts(rng.randrange(records.count)) for _ in range(100)]
    texts = [records.document(rng.randrange(records.count)).pages[0] for _ in range(100)]
    every = [term(SENTENCES[0][at : at + size]) for at in range(8) for size in (6, 9, 12)]
    common = [term(one[at : at + 6]) for one in SENTENCES[1:] for at in (0, 4)]
    few = facts[:30]
    kinds: dict[str, list[Query]] = {
        "selective: name": [term(one.name) for one in facts],
        "selective: account number": [term(one.account) for one in facts],
        "selective: document number": [term(one.number) for one in facts],
        "selective: last six digits of a meter": [term(one.meter[-6:]) for one in facts],
        "selective: last four digits of a meter": [term(one.meter[-4:]) for one in facts],
        "selective: fragment of an address": [term(_fragment(one, rng)) for one in facts],
        "selective: phrase of 6 to 12 characters": [term(text[-20 : -20 + rng.randrange(6, 13)]) for text in texts],
        "selective: two terms": [And((term(one.name), term(one.address[:3]))) for one in facts],
        "selective: three terms": [
            And((term(one.name), term(one.address[:3]), rng.choice(common))) for one in facts],
        "selective: NOT": [And((term(one.name), Not(term(one.address[:3])))) for one in facts],
        "selective: OR": [Or((term(one.account), term(one.phone))) for one in facts],
        "selective: in one field": [term(one.account, "account") for one in facts],
        "selective: in one form field": [term(one.meter, "fields.水表编号") for one in facts],
        "selective: name in a class and a year": [
            And((term(one.name), Is("class", "KF-HB"), Is("year", str(one.year)))) for one in facts],
        "selective: name in a range of dates": [
            And((term(one.name), Dated(f"{one.year}-03", f"{one.year}-06"))) for one in facts],
        "fuzzy: account number, one digit wrong": [
            term(one.account[:4] + "x" + one.account[5:], fuzzy=True) for one in few],
        "fuzzy: address, one character wrong": [term(one.address[:2] + "某" + one.address[3:8], fuzzy=True)
                                                 for one in few],
        "one CJK character": [term(one.name[-1]) for one in few],
        "two digits": [term(one.account[-2:]) for one in few],
        "a sentence's phrase, in seven of ten": list(common),
        "everything: a phrase in every record": list(every),
        "everything: two phrases": [And((one, rng.choice(common))) for one in every],
        "everything: a character in every record": [term(char) for char in SENTENCES[0] if char != "，"],
        "everything: a phrase, NOT a name": [And((every[0], Not(term(one.name)))) for one in few],
        "everything: a phrase in one month": [
            And((one, Dated("2024-05", "2024-05"))) for one in every],
    }
    made = {kind: [Ask(query) for query in queries] for kind, queries in kinds.items()}
    made["everything: page 50"] = [Ask(one, offset=980) for one in every]
    made["everything: by date"] = [Ask(one, sort="date") for one in every]
    made["everything: by code"] = [Ask(one, sort="code") for one in every]
    made["selective: name, by date"] = [Ask(term(one.name), sort="date") for one in facts]
    made["selective: name, three facets"] = [Ask(term(one.name), facets=True) for one in facts]
    made["everything: three facets"] = [Ask(one, facets=True) for one in every]
    return made


def _fragment(facts: Facts, rng: random.Random) -> str:
    start = rng.randrange(4)
    return facts.address[start : start + rng.randrange(6, 10)]
