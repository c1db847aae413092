"""Documents issued, keyed in and filed on chosen days by the command line, for tests of reports and statistics."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from conftest import Cli, clock_at

from recordkit import files
from recordkit.archive.filing import file_record
from recordkit.archive.papers import record_of_issue
from recordkit.model import PageText
from recordkit.store import open_store
from recordkit.templates.forms import shipped_forms
from recordkit.templates.issue import find_issue


@dataclass
class Office:
    """Acts on the store of ``cli``; every act says its day."""

    cli: Cli
    accounts: int = 0
    numbers: list[str] = field(default_factory=list)

    def move_to(self, name: str, before: str = "客户服务中心") -> None:
        """Let another office issue from now on."""
        path = self.cli.store / "recordkit.toml"
        path.write_text(path.read_text("utf-8").replace(f'office = "{before}"', f'office = "{name}"'), "utf-8")

    def issue(self, form: str, day: str, **values: str) -> str:
        """Issue the sample of a form under an account of its own; the number."""
        self.accounts += 1
        given = {"account": f"00120{self.accounts:05}"} | values
        data = shipped_forms() / form / "sample.toml"
        sets = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
        item = self.cli.json("generate", form, "--data", data, *sets, "--as-of", day)["items"][0]
        self.numbers.append(str(item["number"]))
        return str(item["number"])

    def complete(self, number: str, day: str, **values: str) -> None:
        """Key in the examples of the form's on-site fields, with other values for some; "" leaves one out."""
        spec = tomllib.loads((shipped_forms() / self._form(number) / "form.toml").read_text("utf-8"))
        shown = {one["key"]: one["example"] for one in spec["fields"] if one.get("stage") == "onsite"}
        data = self.cli.store.parent / "onsite.json"
        given = {key: value for key, value in (shown | values).items() if value != ""}
        data.write_text(json.dumps(given, ensure_ascii=False, default=str), "utf-8")
        self.cli("issued", "complete", number, "--data", data, "--as-of", day)

    def file(self, number: str, day: str, content: str = "") -> str:
        """File the signed paper of a document; the id of its record."""
        workspace = open_store(self.cli.store, clock_at(date.fromisoformat(day)), "test")
        try:
            with workspace.writing() as writer, workspace.staging() as staging:
                paper = staging / "paper"
                files.write_atomic(paper, f"{number}{content}".encode())
                new = record_of_issue(workspace, find_issue(workspace.db, number), (paper, files.digests_of(paper)),
                                      [PageText(1, number, "ocr", "test"), PageText(2, "", "ocr", "test")], {})
                return file_record(writer, workspace, new, staging)
        finally:
            workspace.close()

    def _form(self, number: str) -> str:
        return str(self.cli.json("issued", "show", number)["form"])


def report_path(cli: Cli, name: str) -> Path:
    """Where a test writes a report."""
    return cli.store.parent / name
