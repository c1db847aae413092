"""Documents as they leave the printer: really issued, printed by the real LibreOffice, a code on every page."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2

from recordkit.cli.main import run
from recordkit.store import open_store
from recordkit.templates import issue as issues
from recordkit.templates.code import PrintedCode
from recordkit.templates.forms import load_form, shipped_forms
from recordkit.templates.pagecodes import add_page_codes
from recordkit.templates.pdf import PdfOrder, PdfPress
from recordkit.workspace import Clock, Workspace

ISSUE_DAY = "2026-11-20"
LONG_FORMS = ("supply-contract", "account-transfer", "water-application")
"""Forms of several pages."""
SHORT_FORMS = ("visit-record", "meter-change-notice", "rectification-order", "repair-order", "stop-order", "complaint")
"""Forms of one page."""

# Nobody named like the inspectors and former customers of the samples: nobody orders, or sells to, himself.
_SURNAMES = "魏陈苏唐方葛龚华卢夏段孟曾贺温邵顾田石林韩江程"
_GIVEN = ("堃", "喆", "昇", "玥", "小明", "建国", "丽华", "志强", "文博", "雨桐", "海燕", "永年", "思源", "晓东")
_STREETS = ("柳荫街", "文昌巷", "滨江路", "望湖路", "东风里", "桂花坪", "解放西路", "石桥新村")


@dataclass(frozen=True, slots=True)
class Printed:
    """A document on paper.

    Attributes:
        pdf: as it went to the printer.
        values: its fields as they were issued.
    """

    number: str
    form: str
    issue_id: str
    revision: int
    pdf: Path
    pages: int
    title: str
    values: Mapping[str, Any]

    def code(self, page: int | None = None) -> PrintedCode:
        """The code of the document, or of a page of it."""
        return PrintedCode(self.issue_id, self.revision, page, None if page is None else self.pages)


def issue_documents(store: Path, wanted: Mapping[str, int], seed: int) -> None:
    """Make a simulated store and issue so many documents of each form in it.

    Some customers come more than once, with one form or several, and some papers name the number of somebody else's
    contract: what is on a page is then no proof of which document it is.
    """
    chance = np.random.default_rng(seed)
    call("--store", store, "init", "--simulation", "--no-input", store)
    customers: list[dict[str, str]] = []
    contracts = wanted.get("supply-contract", 0)
    for form, count in sorted(wanted.items(), key=lambda pair: pair[0] != "supply-contract"):
        rows = [_row(form, position, chance, customers, contracts) for position in range(count)]
        data = store.parent / f"{form}.json"
        data.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        if rows:
            call("--store", store, "generate", form, "--data", data)


def call(*arguments: object) -> str:
    """Run a command of the program on the day of issue; its standard output.

    Raises:
        AssertionError: it ended with another exit code than 0.
    """
    code, out = _call(*arguments)
    assert code == 0, f"recordkit {' '.join(map(str, arguments))}: exit {code}\n{out}"
    return out


def _call(*arguments: object) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    day = () if "--as-of" in arguments else ("--as-of", ISSUE_DAY)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["--lang", "en", *map(str, arguments), *day])
    return code, out.getvalue() if code == 0 else out.getvalue() + err.getvalue()


def print_documents(store: Path, folder: Path, jobs: int = 1) -> list[Printed]:
    """Print everything that the store issued, in the order of its issue; needs LibreOffice."""
    with _opened(store) as workspace:
        known = list(_issued(workspace))
    orders = {
        issue.number: PdfOrder(store / data["outputs"][0], folder / f"{issue.issue_id}.pdf",
                               PrintedCode(issue.issue_id, issue.revision))
        for issue, data in known
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    with PdfPress(os.environ, jobs=jobs) as press, contextlib.closing(press.make(list(orders.values()))) as results:
        for made in results:
            assert made.failure is None and not made.warnings, (made.failure, made.warnings)
    return [_printed(issue, data, orders[issue.number].target) for issue, data in known]


def code_pages(store: Path, pdfs: Path, folder: Path) -> list[Printed]:
    """What ``print_documents`` gives, out of PDFs without page codes that are named like the Word files."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with _opened(store) as workspace:
        for issue, data in _issued(workspace):
            source, target = pdfs / f"{Path(data['outputs'][0]).stem}.pdf", folder / f"{issue.issue_id}.pdf"
            coded = add_page_codes(source.read_bytes(), PrintedCode(issue.issue_id, issue.revision))
            assert coded.without == ()
            target.write_bytes(coded.data)
            found.append(_printed(issue, data, target))
    return found


def _printed(issue: issues.Issue, data: Mapping[str, Any], pdf: Path) -> Printed:
    document = pypdfium2.PdfDocument(pdf)
    pages = len(document)
    document.close()
    return Printed(issue.number, issue.form, issue.issue_id, issue.revision, pdf, pages, issue.title, data["values"])


@contextlib.contextmanager
def _opened(store: Path) -> Iterator[Workspace]:
    now = datetime.fromisoformat(ISSUE_DAY).replace(hour=12, tzinfo=UTC)
    workspace = open_store(store, Clock(lambda: now, now.date()), "scanner")
    try:
        yield workspace
    finally:
        workspace.close()


def _issued(workspace: Workspace) -> Iterator[tuple[issues.Issue, Mapping[str, Any]]]:
    for issue in issues.list_issues(workspace.db):
        yield issue, issues.read_issue_data(workspace, issue)


def _customer(chance: np.random.Generator, serial: int) -> dict[str, str]:
    name = str(chance.choice(list(_SURNAMES))) + str(chance.choice(_GIVEN))
    street = str(chance.choice(_STREETS))
    return {
        "party": name,
        "account": f"00120{serial * 37 % 100_000:05}",
        "address": f"清源市河湾区{street}{int(chance.integers(1, 300))}号{int(chance.integers(1, 20))}幢"
                   f"{int(chance.integers(1, 5))}单元{int(chance.integers(1, 30))}0{int(chance.integers(1, 5))}室",
        "phone": f"139{int(chance.integers(0, 10**8)):08}",
    }


def _row(form: str, position: int, chance: np.random.Generator, customers: list[dict[str, str]],
         contracts: int) -> dict[str, Any]:
    """A row for ``generate``: the form's sample with another customer, other meters, other references."""
    row: dict[str, Any] = tomllib.loads((shipped_forms() / form / "sample.toml").read_text(encoding="utf-8"))
    roles = load_form(None, form).spec.roles
    if not customers or chance.random() > 0.2:
        customers.append(_customer(chance, len(customers) + 1))
        customer = customers[-1]
    else:
        customer = customers[int(chance.integers(len(customers)))]
    for role, value in customer.items():
        key = getattr(roles, role)
        if key is not None and key in row:
            row[key] = value
    serial = f"{int(chance.integers(0, 10**6)):06}"
    changes = {
        "old_meter_no": f"S20{serial}", "new_meter_no": f"S26{serial}", "meter_no": f"S20{serial}",
        "work_order": f"TS20261112-{position:03}", "approval_no": f"违审〔2026〕{position + 1:04}号",
    }  # fmt: skip
    row |= {key: value for key, value in changes.items() if key in row}
    if contracts:
        quoted = f"供合〔2026〕{int(chance.integers(contracts)) + 1:04}号"
        if form == "rectification-order":
            row["clauses"] = f"《城市供水条例》有关禁止擅自接管用水的规定；供用水合同（{quoted}）第七条"
        elif form == "visit-record" and position % 3 == 0:
            row["subject"] = f"回访供用水合同{quoted}签订情况，核对联系电话。"
    return row
