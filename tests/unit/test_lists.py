"""Lists in texts that are shown are made in one place, so that they look as the reader's language writes them."""

from __future__ import annotations

import ast
from pathlib import Path

import recordkit
from recordkit.archive.told import Finding, plain_finding, read_finding
from recordkit.messages import listed, msg

PACKAGE = Path(recordkit.__file__).parent
CHINESE = {", ": "、", "void": "作废", "One of {names}.": "{names}之一。"}
ELSEWHERE = {
    # SQL
    "archive/catalogue.py", "archive/precedents.py", "archive/recognising.py", "archive/search/service.py", "db.py",
    "templates/earlier.py", "templates/gates.py", "retention/grouped.py", "archive/deadlines.py",
    "archive/office_report.py", "archive/selection.py", "archive/tallies.py",
    # TOML, and what is wrong with it as its reader says it
    "archive/classes.py", "templates/drafting.py",
    # texts and labels of Chinese documents
    "retention/appraisal_report.py", "retention/register.py", "templates/fieldvalues.py", "templates/validate.py",
    "retention/handover_print.py", "archive/box_papers.py", "archive/checks/report.py", "archive/listings/items.py",
    "archive/listings/transfer.py",
    # addresses as a mail has them (RFC 5322)
    "retention/mailing.py",
    # what only the program itself reads
    "templates/compiled.py", "workspace.py",
}


def zh(text: str) -> str:
    return CHINESE.get(text, text)


def test_a_list_is_parted_as_the_language_does() -> None:
    told = msg("One of {names}.", names=listed(["甲", msg("void"), 3]))
    assert str(told) == "One of 甲, void, 3."
    assert told.render(zh) == "甲、作废、3之一。"
    assert str(listed("甲乙丙", 2)) == "甲, 乙 …"
    assert listed("甲乙丙", 2).render(zh) == "甲、乙 …"
    assert str(listed("甲乙", 2)) == "甲, 乙"
    assert str(listed([])) == ""
    assert str(listed(["{x}", "{comma}"])) == "{x}, {comma}"


def test_a_list_in_a_finding_that_was_kept_is_still_one() -> None:
    kept = read_finding(plain_finding(Finding("x", msg("One of {names}.", names=listed([1, msg("void")])))))
    assert kept.message.render(zh) == "1、作废之一。"


def test_no_other_place_makes_lists_for_people() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join"
                    and isinstance(node.func.value, ast.Constant) and node.func.value.value in (", ", "、", "，")):
                found.add(path.relative_to(PACKAGE).as_posix())
    assert found <= ELSEWHERE
