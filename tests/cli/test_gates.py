"""Another document must be there first: what the gates of a form let through, and what they say when they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pytest
from conftest import Cli, clock_at
from hypothesis import given, settings
from hypothesis import strategies as st
from word_files import para, word_file

from recordkit.archive.filing import NewRecord, file_record
from recordkit.archive.precedents import filed_papers
from recordkit.files import digests_of, write_atomic
from recordkit.store import open_store
from recordkit.templates.fieldtypes import Value
from recordkit.templates.forms import Form, load_form
from recordkit.templates.gates import find_gate_problems
from recordkit.workspace import Workspace

NEEDED = """
id = "approval"
name = "审批表"
version = "1"
number = "审{seq:03}"
title = "{户名}审批"
file_name = "{number}"
[roles]
date = "day"
account = "account"
[[fields]]
key = "customer"
label = "户名"
[[fields]]
key = "account"
label = "户号"
type = "account"
required = false
[[fields]]
key = "day"
label = "日期"
type = "date"
[[fields]]
key = "agreed"
label = "同意"
type = "yes_no"
stage = "onsite"
"""
ORDER = NEEDED.replace('"approval"', '"order"').replace("审", "令").partition('[[fields]]\nkey = "agreed"')[0] + """
[[fields]]
key = "approval_no"
label = "审批编号"
required = false
"""
BY_ACCOUNT = '[[gates]]\nneeds = "approval"\nsame = ["account"]\n'
BY_NUMBER = '[[gates]]\nneeds = "approval"\nnumber = "approval_no"\n'


@dataclass(frozen=True)
class Row:
    row: int | None
    values: Mapping[str, Value]


def put_form(cli: Cli, form: str, text: str) -> Form:
    folder = cli.store / "forms" / form
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "form.toml").write_text(text, encoding="utf-8")
    (folder / "template.docx").write_bytes(word_file(para("{{ 文书编号 }}")))
    return load_form(cli.store, form)


@pytest.fixture
def offices(cli: Cli) -> Cli:
    """A store with the needed form."""
    put_form(cli, "approval", NEEDED)
    return cli


def issue(cli: Cli, account: str = "0001", day: str = "2026-11-20", customer: str = "甲") -> str:
    sets = ("--set", f"customer={customer}", "--set", f"account={account}", "--set", f"day={day}")
    return str(cli.json("generate", "approval", *sets, "--as-of", day)["items"][0]["number"])


def opened(cli: Cli) -> Workspace:
    return open_store(cli.store, clock_at(date(2026, 11, 20)), "test")


def file_paper(cli: Cli, number: str | None, **more: object) -> None:
    """File the signed paper of a document, or with ``number`` None a paper that was never issued here."""
    from recordkit.templates.issue import find_issue

    workspace = opened(cli)
    with workspace.staging() as staging, workspace.writing() as writer:
        paper = staging / "original.pdf"
        write_atomic(paper, repr((number, more)).encode())
        issued = find_issue(workspace.db, number) if number else None
        new = NewRecord("violation-approval", "审批", date(2026, 11, 20), 1, {"original.pdf": paper}, digests_of(paper),
                        number=number, issue_id=issued.issue_id if issued else None, extra=more)
        file_record(writer, workspace, new, staging)
    workspace.close()


def found(cli: Cli, gate: str, *rows: Mapping[str, Value], mode: str = "") -> list[tuple[int | None, str, str, str]]:
    if mode:
        path = cli.store / "recordkit.toml"
        path.write_text(path.read_text(encoding="utf-8") + f'\n[documents]\ngates = "{mode}"\n', encoding="utf-8")
    form = put_form(cli, "order", ORDER + gate)
    workspace = opened(cli)
    problems = find_gate_problems(workspace, form, [Row(at, row) for at, row in enumerate(rows, 2)])
    workspace.close()
    return [(one.row, one.code, one.severity, str(one.message)) for one in problems]


ONE: Mapping[str, Value] = {"customer": "甲", "account": "0001"}


def test_nothing_there_is_said_with_form_and_account(offices: Cli) -> None:
    assert found(offices, BY_ACCOUNT, ONE) == [
        (2, "gate", "warning", "审批表 must come first: there is no 审批表 for 户号 0001.")
    ]


def test_an_issued_document_is_not_yet_a_signed_one(offices: Cli) -> None:
    number = issue(offices)
    ((_, _, _, text),) = found(offices, BY_ACCOUNT, ONE)
    assert f"{number} was issued, but its signed paper is not filed" in text
    assert found(offices, BY_ACCOUNT + 'state = "issued"\n', ONE) == []
    file_paper(offices, number)
    assert found(offices, BY_ACCOUNT, ONE) == []
    assert len(found(offices, BY_ACCOUNT, {**ONE, "account": "0002"})) == 1


def test_a_void_document_opens_no_gate(offices: Cli) -> None:
    number = issue(offices)
    offices("issued", "void", number, "--reason", "写错", "--as-of", "2026-11-20")
    assert len(found(offices, BY_ACCOUNT + 'state = "issued"\n', ONE)) == 1


def test_the_document_may_be_named_by_its_number_as_people_type_it(offices: Cli) -> None:
    put_form(offices, "approval", NEEDED.replace('"审{seq:03}"', '"审〔{year}〕{seq}号"'))
    file_paper(offices, issue(offices, account=""))
    gate = BY_NUMBER + 'state = "returned"\n'
    assert found(offices, gate, {"approval_no": "审[2026]1号"}, {"approval_no": "审〔2026〕1号"}) == []
    assert [one[:2] for one in found(offices, gate, {"approval_no": "审〔2026〕2号"}, {"approval_no": None})] == [
        (2, "gate"), (3, "gate-unchecked"),
    ]


def test_age_other_fields_and_what_the_document_says_count(offices: Cli) -> None:
    number = issue(offices, day="2026-11-10")
    file_paper(offices, number)
    assert found(offices, BY_ACCOUNT + "within_days = 10\n", ONE) == []
    ((_, _, _, text),) = found(offices, BY_ACCOUNT + "within_days = 9\n", ONE)
    assert "2026-11-10, more than 9 days ago" in text
    same = BY_ACCOUNT.replace('["account"]', '["account", "customer"]')
    assert found(offices, same, ONE) == []
    ((_, _, _, text),) = found(offices, same, {**ONE, "customer": "乙"})
    assert "differs in 户名" in text
    agreed = BY_ACCOUNT + "where = \"同意\"\n"
    assert len(found(offices, agreed, ONE)) == 1
    offices("issued", "complete", number, "--set", "同意=否", "--as-of", "2026-11-20")
    assert len(found(offices, agreed, ONE)) == 1
    offices("issued", "complete", number, "--set", "同意=是", "--reason", "看错", "--as-of", "2026-11-20")
    assert found(offices, agreed, ONE) == []


def test_one_good_document_among_several_opens_the_gate(offices: Cli) -> None:
    first = issue(offices)
    issue(offices)
    file_paper(offices, first)
    assert found(offices, BY_ACCOUNT, ONE) == []


def test_a_gate_stands_only_where_its_condition_holds(offices: Cli) -> None:
    gate = BY_ACCOUNT + "when = \"户名 == '乙'\"\n"
    assert found(offices, gate, ONE) == []
    assert len(found(offices, gate, {**ONE, "customer": "乙"})) == 1
    assert len(found(offices, BY_ACCOUNT + 'when = "户名 > 1"\n', ONE)) == 1  # cannot be computed: it stands


@pytest.mark.parametrize(
    ("mode", "severity"), [("as-form", "error"), ("warn", "warning"), ("stop", "error"), ("off", None)]
)
def test_the_office_decides_how_strict_gates_are(offices: Cli, mode: str, severity: str | None) -> None:
    gate = BY_ACCOUNT + 'level = "error"\nmessage = "先审批，后责令"\n'
    problems = found(offices, gate, ONE, mode=mode)
    assert [one[2] for one in problems] == ([severity] if severity else [])
    if problems:
        assert problems[0][3].startswith("先审批，后责令: ")


def test_a_setting_that_is_no_word_of_ours_is_refused(offices: Cli) -> None:
    path = offices.store / "recordkit.toml"
    path.write_text(path.read_text(encoding="utf-8") + '\n[documents]\ngates = "maybe"\n', encoding="utf-8")
    offices("config", "check", expect=3)
    assert 'documents.gates = "maybe"; allowed: "as-form", "warn", "stop", "off"' in offices.err


def test_a_paper_that_was_never_issued_here_counts_when_it_is_filed(offices: Cli) -> None:
    file_paper(offices, None, account="0001")
    gate = BY_ACCOUNT.replace('"approval"', '"violation-approval"')
    form = put_form(offices, "order", ORDER + gate)
    workspace = opened(offices)
    rows = [Row(2, ONE), Row(3, {**ONE, "account": "0002"})]
    assert [one.row for one in find_gate_problems(workspace, form, rows)] == [2, 3]
    assert [one.row for one in find_gate_problems(workspace, form, rows, filed=filed_papers(workspace))] == [3]
    workspace.close()


@pytest.mark.parametrize("count", [1, 500])
@pytest.mark.parametrize("by", ["account", "number"])
def test_papers_in_the_archive_are_looked_up_by_what_was_asked_for(
    offices: Cli, monkeypatch: pytest.MonkeyPatch, count: int, by: str
) -> None:
    workspace = opened(offices)
    real, plans = workspace.db.all, []

    def explain(sql: str, parameters: Mapping[str, object] | None = None) -> object:
        plans.append(" ".join(row["detail"] for row in real(f"EXPLAIN QUERY PLAN {sql}", parameters)))
        return real(sql, parameters)

    monkeypatch.setattr(workspace.db, "all", explain)
    asked = [f"{at:05}" for at in range(count)]
    accounts, numbers = (asked, []) if by == "account" else ([], asked)
    assert list(filed_papers(workspace)("approval", accounts, numbers)) == []
    workspace.close()
    assert len(plans) == 1 and f"records_{by} ({by}=?)" in plans[0]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(["0001", "0002", "0003", ""]), max_size=12), st.sets(st.sampled_from(["0001", "0003"])))
def test_exactly_the_rows_without_a_precedent_are_named(
    tmp_path_factory: pytest.TempPathFactory, accounts: list[str], there: set[str]
) -> None:
    from recordkit.store import make_store

    root = tmp_path_factory.mktemp("store") / "s"
    make_store(root, clock_at(date(2026, 11, 20)), "test", simulation=True)
    folder = root / "forms" / "order"
    folder.mkdir(parents=True)
    (folder / "form.toml").write_text(ORDER + BY_ACCOUNT, encoding="utf-8")
    (folder / "template.docx").write_bytes(b"x")
    workspace = open_store(root, clock_at(date(2026, 11, 20)), "test")
    for at, account in enumerate(sorted(there)):
        workspace.db.insert("issues", {
            "issue_id": f"I{at}", "form": "approval", "number": f"N{at}", "scope": "s", "seq": at, "revision": 1,
            "template": "t", "data": "d", "status": "returned", "title": "", "issue_date": "2026-11-20",
            "account": account, "record_id": None, "pack": "I0", "position": at,
        })
    rows = [Row(at, {"account": account or None}) for at, account in enumerate(accounts)]
    problems = find_gate_problems(workspace, load_form(root, "order"), rows)
    workspace.close()
    assert {(one.row, one.code) for one in problems} == {
        (at, "gate" if account else "gate-unchecked") for at, account in enumerate(accounts) if account not in there
    }


def test_ten_thousand_rows_need_a_handful_of_queries(offices: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    form = put_form(offices, "order", ORDER + BY_ACCOUNT)
    workspace = opened(offices)
    real, asked = workspace.db.all, []

    def count(sql: str, parameters: Mapping[str, object] | None = None) -> object:
        asked.append(sql)
        return real(sql, parameters)

    monkeypatch.setattr(workspace.db, "all", count)
    rows = [Row(at, {"account": f"{at % 5000:05}"}) for at in range(10_000)]
    assert len(find_gate_problems(workspace, form, rows)) == 10_000
    assert len(asked) <= 12
    workspace.close()


