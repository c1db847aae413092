"""What --ask need not ask: what follows from the day, other answers, the settings, and documents issued before."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import ISSUE_DAY, Cli, clock_at
from small_archive import DAY
from terminal import Terminal

from recordkit.archive.earlier_documents import SeenDocuments
from recordkit.errors import InputRefused
from recordkit.store import open_store
from recordkit.templates.forms import load_form, shipped_forms
from recordkit.templates.issue import find_issue, read_issue_data
from recordkit.templates.proposing import Proposer
from recordkit.templates.spec_reader import load_form_spec

AS_OF = ("--as-of", ISSUE_DAY)
ACCOUNT = "0012003456"
CONTRACT = ("陈堃", "110101190303070012", "13900000001", "清源市河湾区柳荫街12号3幢2单元501室", "0.14", "DN20", "0.6",
            "4")
PLACE = "清源市城东营业厅"


def issue(cli: Cli, form: str, *more: str) -> str:
    """The shipped example, issued; its number."""
    data = shipped_forms() / form / "sample.toml"
    return str(cli.json("generate", form, "--data", data, *more, *AS_OF)["items"][0]["number"])


def values_of(cli: Cli, number: str) -> dict[str, object]:
    workspace = open_store(cli.store, clock_at(DAY), "test")
    try:
        values = read_issue_data(workspace, find_issue(workspace.db, number))["values"]
    finally:
        workspace.close()
    assert isinstance(values, dict)
    return values


def piped(cli: Cli, answers: str, form: str, *more: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "recordkit", "--store", str(cli.store), "--lang", "en", "generate", form, "--ask",
         "--json", *more, *AS_OF], input=answers, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == expect, done.stderr
    return done


def test_a_contract_is_issued_with_ten_answers_once_there_was_one(cli: Cli) -> None:
    first = issue(cli, "supply-contract")
    terminal = Terminal("-m", "recordkit", "--store", str(cli.store), "--lang", "zh", "generate", "supply-contract",
                        "--ask", *AS_OF)
    try:
        labels = ["户号", "用户类别", "签约地点", "用水人", "身份证号码", "联系电话", "用水地址", "供水压力", "口径",
                  "日用水量", "水费结算方式"]
        for label, answer in zip(labels, ("0012777701", "1", PLACE, *CONTRACT), strict=True):
            terminal.answer(label, answer)
        shown = terminal.answer("1 用户类别", "=2")
        assert "月用水量：18m³/月" in shown and "执行水价：2.85元/m³  (" in shown and first in shown
        # What another customer's contract gave bears a mark; the name of a signer is taken from none.
        assert re.search(r"\*[0-9]+ 执行水价", shown) and not re.search(r"\*[0-9]+ 月用水量", shown)
        assert "委托代理人" not in shown
        terminal.answer("proposals.toml", "")
        assert terminal.ends() == 0, terminal.screen
    finally:
        terminal.close()
    done = piped(cli, "\n".join(("0012777702", "1", *CONTRACT)) + "\n", "supply-contract")
    values = values_of(cli, json.loads(done.stdout)["items"][0]["number"])
    assert values["sign_place"] == PLACE  # kept on the last screen, it was asked no more
    assert (values["sign_date"], values["valid_from"]) == (ISSUE_DAY, ISSUE_DAY)
    assert (values["id_kind"], values["use_kind"], values["dispute"]) == ("居民身份证", "居民生活用水", "诉讼")
    assert "id_number" in values and values["customer_name"] == "陈堃"


def test_answers_may_be_piped_one_a_line(cli: Cli) -> None:
    issue(cli, "supply-contract")
    done = piped(cli, "\n".join(("0012777701", "1", PLACE, *CONTRACT)) + "\n", "supply-contract")
    assert json.loads(done.stdout)["summary"]["generated"] == 1
    assert "用水人" in done.stderr or "Customer" in done.stderr


@pytest.mark.parametrize(("answers", "expect", "told"), [
    ("0012777701\n4\n", 3, "Line 2 of the answers, Customer kind"),
    ("0012777701\n1\n城东\n陈堃\n", 2, "Resident identity number"),
    ("", 2, "Account number"),
])
def test_piped_answers_that_are_wrong_or_end_too_early_issue_nothing(
    cli: Cli, answers: str, expect: int, told: str
) -> None:
    issue(cli, "supply-contract")
    assert told in piped(cli, answers, "supply-contract", expect=expect).stderr
    assert cli.json("issued", "list")["total"] == 1


def test_the_account_gives_what_its_newest_document_holds(cli: Cli) -> None:
    issue(cli, "meter-change-notice")
    done = piped(cli, f"{ACCOUNT}\n1\n2026-11-26 9:00\n", "meter-change-notice")
    values = values_of(cli, json.loads(done.stdout)["items"][0]["number"])
    sample = {"customer_name": "魏堃", "point_no": "JD-0301-0086", "calibre": "DN20", "phone": "13900000021",
              "old_meter_no": "S20201108", "fitter": "孟昇"}
    assert {key: values[key] for key in sample} == sample


def test_the_meter_that_hangs_there_is_the_one_that_was_fitted(cli: Cli) -> None:
    number = issue(cli, "meter-change-notice")
    on_site = ("旧表行度=1068", "旧铅封状态=完好", "新表起度=0", "新表铅封完好度=完好", "换表时间=2026-11-26 9:25",
               "客户签收=魏堃", "实装表号=S2099", "签收时间=2026-11-26 9:30")
    cli("issued", "complete", number, *(part for one in on_site for part in ("--set", one)), "--as-of", "2026-11-27")
    done = piped(cli, f"{ACCOUNT}\n1\n2026-11-28 9:00\n", "meter-change-notice")
    assert values_of(cli, json.loads(done.stdout)["items"][0]["number"])["old_meter_no"] == "S2099"


def test_a_void_document_gives_nothing(cli: Cli) -> None:
    number = issue(cli, "meter-change-notice")
    cli("issued", "void", number, "--reason", "打错", *AS_OF)
    assert "Customer name" in piped(cli, f"{ACCOUNT}\n", "meter-change-notice", expect=2).stderr


def test_what_belongs_to_the_former_holder_is_not_proposed_for_the_new_one(cli: Cli) -> None:
    issue(cli, "meter-change-notice", "--set", "通知日期=2026-11-18", "--set", "户名=旧户")
    issue(cli, "visit-record", "--set", f"户号={ACCOUNT}", "--set", "客户=新户", "--set", "电话=",
          "--set", "回访方式=上门")
    workspace = open_store(cli.store, clock_at(DAY), "test")
    try:
        spec = load_form(cli.store, "meter-change-notice").spec
        proposer = Proposer(spec, DAY, SeenDocuments(workspace))
        known = {"account": ACCOUNT}
        found = {one.key: proposer.propose(one, known) for one in spec.of_stage("before") if one.type != "table"}
    finally:
        workspace.close()
    assert found["customer_name"] is not None and found["customer_name"].raw == "新户"
    assert found["phone"] is None
    assert found["point_no"] is not None  # what hangs at the place stays


def test_a_person_who_sees_numbers_masked_is_not_given_them(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(cli, "meter-change-notice")
    monkeypatch.setenv("RECORDKIT_PASSPHRASE", "three plain words")
    for person, role in (("admin", "administrator"), ("clerk", "clerk")):
        cli("key", "create", tmp_path / person)
        cli("people", "add", person, "--name", person, "--role", role, "--staff-no", person,
            "--key", tmp_path / f"{person}.pub", *AS_OF)
        monkeypatch.setenv("RECORDKIT_ADMIN_KEY", str(tmp_path / "admin"))
    phones = []
    for actor in ("admin", "clerk"):
        workspace = open_store(cli.store, clock_at(DAY), actor)
        try:
            (found,) = SeenDocuments(workspace).of_account(ACCOUNT)
            phones.append(found.by_role("phone"))
            assert found.by_role("party") == "魏堃"
        finally:
            workspace.close()
    assert phones == ["13900000021", None]


def test_a_restricted_document_gives_nothing_to_an_open_one(cli: Cli) -> None:
    issue(cli, "stop-order", "--set", f"户号={ACCOUNT}")
    workspace = open_store(cli.store, clock_at(DAY), "test")
    try:
        assert SeenDocuments(workspace).of_account(ACCOUNT) == []
        assert [one.spec.id for one in SeenDocuments(workspace).of_form("stop-order")] == ["stop-order"]
    finally:
        workspace.close()


def test_what_the_office_laid_down_comes_before_earlier_documents(cli: Cli) -> None:
    issue(cli, "supply-contract")
    settings = cli.store / "recordkit.toml"
    settings.write_text(settings.read_text(encoding="utf-8")
                        + '\n[documents.proposals.supply-contract]\nprice = "3.10"\n', encoding="utf-8")
    (cli.store / "proposals.toml").write_text('[supply-contract]\nprice = "9"\nsign_place = "城东"\n', encoding="utf-8")
    done = piped(cli, "\n".join(("0012777701", "1", *CONTRACT)) + "\n", "supply-contract")
    values = values_of(cli, json.loads(done.stdout)["items"][0]["number"])
    assert (values["price"], values["sign_place"]) == ("3.10", "城东")


def test_what_was_laid_down_for_a_field_that_is_not_there_is_refused_by_name(cli: Cli) -> None:
    (cli.store / "proposals.toml").write_text('[supply-contract]\nprize = "9"\n', encoding="utf-8")
    told = piped(cli, "", "supply-contract", expect=3).stderr
    assert "proposals.toml" in told and "prize" in told


ORGANISATION = {
    "customer_kind": "单位", "id_kind": "统一社会信用代码", "customer_name": "清源市玥华餐饮店", "id_number": "",
    "uscc": "91000000MADEM0A157", "legal_representative": "金玥华", "bank": "清源银行", "calibre": "DN50",
    "bank_account": "0000 1234 5678", "extent": "东至柳荫街", "use_kind": "非居民用水", "meter_place": "院内",
    "meter_count": "1", "meters": "S1|DN50|1号井", "drawing_calibre": "", "daily_volume": "12",
    "monthly_volume": "360",
}


def set_options(values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(part for key, text in values.items() for part in ("--set", f"{key}={text}"))


def test_an_organisation_of_which_there_is_a_contract_answers_three_questions(cli: Cli) -> None:
    issue(cli, "supply-contract", *set_options({**ORGANISATION, "account": "0012009901"}))
    done = piped(cli, "0012009901\n2\n城东\n", "supply-contract")
    values = values_of(cli, json.loads(done.stdout)["items"][0]["number"])
    assert (values["meter_count"], values["bank"], values["extent"]) == (1, "清源银行", "东至柳荫街")
    assert values["meters"] == [{"register_no": "S1", "meter_calibre": "DN50", "position": "1号井"}]


def test_one_meter_of_a_new_organisation_tells_calibre_and_place(cli: Cli) -> None:
    issue(cli, "supply-contract", *set_options({**ORGANISATION, "account": "0012009901"}))
    answers = ("0012777702", "2", "城东", "清源市昇华店", "91000000MADEM0A157", "沈玥", "清源银行", "0000 9999 5678",
               "13900000019", "滨江路9号", "2", "0.2", "5", "S2|DN40|门前井", "", "4")
    done = piped(cli, "\n".join(answers) + "\n", "supply-contract")
    values = values_of(cli, json.loads(done.stdout)["items"][0]["number"])
    assert (values["calibre"], values["meter_place"], values["extent"]) == ("DN40", "门前井", "见附图")


def test_a_transfer_takes_the_new_holder_from_the_application_and_the_former_from_nowhere_else(cli: Cli) -> None:
    issue(cli, "supply-contract")
    waiting = piped(cli, f"{ACCOUNT}\n3\n城东\n", "supply-contract", expect=2).stderr
    assert "Customer," in waiting and "Former customer" not in waiting
    applied = issue(cli, "account-transfer", "--set", f"户号={ACCOUNT}", "--set", "原户名=陈堃", "--set", "新户名=赵昇")
    done = piped(cli, f"{ACCOUNT}\n3\n城东\n4\n1286\n", "supply-contract")
    values = values_of(cli, json.loads(done.stdout)["items"][0]["number"])
    assert (values["customer_name"], values["former_customer"]) == ("赵昇", "陈堃"), applied


CASE = ("party", "found_at", "place", "facts", "inspectors")


def test_an_order_takes_its_facts_from_the_approval_that_its_digits_name(cli: Cli) -> None:
    approved = issue(cli, "violation-approval")
    assert approved.endswith("0001号")
    # contact, authority and remedy come from the order before; evidence is no summary.
    issue(cli, "stop-order")
    done = piped(cli, "1\n司马喆\n2026-11-17\n照片|6张\n\n", "stop-order")
    values = values_of(cli, json.loads(done.stdout)["items"][0]["number"])
    approval = values_of(cli, approved)
    assert values["approval_no"] == approved
    assert {key: values[key] for key in CASE} == {key: approval[key] for key in CASE}


def test_an_approval_takes_the_case_from_its_registration(cli: Cli) -> None:
    registered = issue(cli, "violation-registration")
    told = piped(cli, "0001\n", "violation-approval", expect=2).stderr
    assert registered in told
    for name in ("Party", "Place", "Inspectors"):
        assert f"{name}," not in told.partition("Missing")[2] and f"{name}." not in told.partition("Missing")[2]


def test_the_number_of_a_document_may_stand_for_the_account(cli: Cli) -> None:
    contract = issue(cli, "supply-contract")
    done = piped(cli, f"{contract.replace('〔', '[').replace('〕', ']')}\nJD-0301-0086\n1\nS77\n"
                 "2026-11-26 9:00\n孟昇\n", "meter-change-notice")
    assert contract in done.stderr
    values = values_of(cli, json.loads(done.stdout)["items"][0]["number"])
    assert (values["customer_name"], values["account"], values["calibre"]) == ("陈堃", ACCOUNT, "DN20")


def test_a_restricted_document_is_no_pattern_for_an_open_one(cli: Cli) -> None:
    approved = issue(cli, "violation-approval")
    assert "Line 1 of the answers" in piped(cli, f"{approved}\n", "meter-change-notice", expect=3).stderr


def test_a_number_that_was_not_issued_here_gives_nothing_and_says_so(cli: Cli) -> None:
    told = piped(cli, "违登〔2025〕0099号\n", "violation-approval", expect=2).stderr
    assert "违登〔2025〕0099号 was issued here" in told


@pytest.mark.parametrize(("key", "source", "told"), [
    ("phone", '["last"]', "last would put"),
    ("phone", '["yesterday"]', "yesterday is no source"),
    ("calibre", '["last nothing"]', "nothing is no field"),
    ("calibre", '["= nothing * 2"]', "nothing is no field"),
    ("calibre", '["today"]', "is not a date"),
    ("calibre", '["number"]', "number is no source"),
    ("calibre", '["account if nothing"]', "nothing is no field"),
    ("calibre", '["account"]\nrefers = ["Kein Formular"]', "the id takes"),
])
def test_a_source_that_makes_no_sense_is_refused_with_the_form(key: str, source: str, told: str) -> None:
    text = (shipped_forms() / "visit-record" / "form.toml").read_text(encoding="utf-8")
    wanted = "phone" if key == "phone" else "subject"
    text = text.replace(f'key = "{wanted}"\n', f'key = "{wanted}"\npropose = {source}\n', 1)
    with pytest.raises(InputRefused) as refused:
        load_form_spec(text.encode())
    assert any(told in str(one.message) for one in refused.value.problems)
