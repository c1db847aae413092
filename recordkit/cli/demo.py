"""The demo: the whole job on the shipped examples, every command printed before it runs.

The simulated store has a fixed id and a clock that --as-of sets, so the codes printed by ``ISSUING`` are those on
the shipped scans; ``tools/make_scans.py`` runs the same list.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from recordkit import files
from recordkit.cli.base import App, Command, pass_app
from recordkit.cli.demo_folder import SCANNED, lay_out, look_folder, paper_path, shell_lines, told
from recordkit.cli.i18n import N_, tr
from recordkit.cli.showing import quoted
from recordkit.errors import InputRefused, Interrupted, RecordkitError
from recordkit.messages import msg

PASSPHRASE = "demo-passphrase"
DATA = Path(__file__).resolve().parents[1] / "demo_data"
SETTINGS = {"RECORDKIT_STORE": "store", "RECORDKIT_PASSPHRASE": PASSPHRASE, "RECORDKIT_ADMIN_KEY": "keys/admin.key"}
ISSUE_DAY = "2026-11-20"
FILING_DAY = "2026-12-01"
REVIEW_DAY = "2037-01-15"

ISSUING: Sequence[Sequence[str]] = (
    ("generate", "supply-contract", "--data", "data/supply-contract.toml"),
    ("generate", "supply-contract", "--data", "data/supply-contract-org.toml"),
    ("generate", "stop-order", "--data", "data/stop-order.toml"),
    ("generate", "rectification-order", "--data", "data/rectification-order.toml"),
    ("generate", "visit-record", "--data", "data/visit-record.toml"),
    ("generate", "meter-change-notice", "--data", "data/meter-change-notices.xlsx"),
    ("generate", "visit-record", "--data", "data/visit-records.csv"),
)
"""Every document of the demo, in the order that gives the shipped scans their codes."""


def prepare_folder(folder: Path) -> None:
    """Lay the example data and scans into ``folder`` and make the simulated store there."""
    from recordkit.templates.forms import list_form_ids, shipped_forms

    files.make_folder(folder / "data")
    for form_id in list_form_ids(None):
        sample = shipped_forms() / form_id / "sample.toml"
        if sample.exists():
            shutil.copyfile(sample, folder / "data" / f"{form_id}.toml")
    for path in DATA.iterdir():
        if path.suffix in (".toml", ".xlsx", ".csv"):
            shutil.copyfile(path, folder / "data" / path.name)
    if (DATA / "scans").is_dir():
        shutil.copytree(DATA / "scans", folder / "scans", ignore=shutil.ignore_patterns("*.md", "*.json"))


@dataclass
class _Stage:
    """Runs steps in the demo folder and stops when one ends otherwise than told."""

    folder: Path
    number: int = 0

    def headline(self, text: str) -> None:
        self.number += 1
        click.echo()
        click.echo(click.style(f"=== {self.number}. {tr(text)}", bold=True, fg="cyan"))

    def tell(self, text: str) -> None:
        click.echo("    " + tr(text))

    def run(self, *arguments: str, expect: int = 0, env: dict[str, str] | None = None) -> None:
        from recordkit.cli.main import run

        shown = " ".join(shlex.quote(one) for one in arguments)
        prefix = "".join(f"{name}={value} " for name, value in (env or {}).items())
        click.echo(click.style(f"$ {prefix}recordkit {shown}", fg="green"))
        before = {name: os.environ.get(name) for name in env or {}}
        os.environ.update(env or {})
        try:
            code = run(list(arguments), inside=True)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        if code == Interrupted.exit_code:
            raise KeyboardInterrupt
        if code != expect:
            raise RecordkitError(
                msg("The demo ends in step {number}: the command above ended with exit code {code}, not {expected}.",
                    number=self.number, code=code, expected=expect),
                msg("What it printed says what was in its way on this computer. The folder stays as it is; play the "
                    "whole again in a new one: {command}",
                    command=f"recordkit demo {quoted(files.free_name(self.folder.parent, self.folder.name))}"),
            )
        if expect:
            click.echo(click.style("    " + tr("(refused with exit code {code}, as it must be)").format(code=code),
                                   dim=True))


@click.command(cls=Command, help=N_("The whole job on the shipped examples, told step by step, in DIR."))
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@pass_app
def demo(app: App, folder: Path | None) -> None:
    """Run the demo in a fresh folder and leave it there."""
    from recordkit.cli.saving import require_place

    folder = (folder or Path("recordkit-demo")).absolute()
    require_place(folder)
    if folder.exists() and any(folder.iterdir()):
        raise InputRefused(
            msg("The folder {folder} is not empty.", folder=str(folder)),
            msg("Name another: recordkit demo DIR. The demo never clears a folder."),
        )
    here = Path.cwd()
    kept = {name: os.environ.get(name) for name in (*SETTINGS, "RECORDKIT_LANG")}
    language = "zh" if tr("yes") != "yes" else "en"
    prepare_folder(folder)
    os.chdir(folder)
    os.environ.update(SETTINGS | {"RECORDKIT_LANG": language})
    stage = _Stage(folder)
    try:
        _play(stage, language)
    except KeyboardInterrupt:
        raise Interrupted(
            msg("The demo was stopped in step {number}. What stands in {folder} is whole; delete the folder when you "
                "have seen enough.", number=stage.number, folder=quoted(folder)),
            msg("To see the whole, in a new folder: {command}",
                command=f"recordkit demo {quoted(files.free_name(folder.parent, folder.name))}"),
        ) from None
    finally:
        os.chdir(here)
        for name, value in kept.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


PRINTED = (
    ("items", "归档文件目录.docx"), ("items", "归档文件目录.xlsx"), ("volumes", "案卷目录.docx"),
    ("covers", "案卷封面.docx"), ("volume", "卷内文件目录.docx"), ("notes", "卷内备考表.docx"),
    ("transfer", "移交登记表.docx"),
)  # fmt: skip
"""What an inspection asks for, by kind and file."""


def _print_set(stage: _Stage) -> None:
    """Volumes by account, one of them closed; then the listings, by the archivist, who sees the restricted ones too."""
    acting = ("--as", "archivist", "--as-of", REVIEW_DAY)
    stage.headline(N_("The archivist closes a volume and prints what an inspection asks for"))
    stage.run("volume", "create", "--per-account", *acting)
    stage.run("volume", "close", "C001-KF·2037-KFZ-AJ0001", "--note", "卷内文件齐全。", "--arranged-by", "林昇",
              "--checked-by", "石磊", *acting)
    for kind, name in PRINTED:
        destroyed = ("--status", "all") if name.endswith(".xlsx") else ()
        stage.run("catalogue", "export", "--kind", kind, *destroyed, "--out", f"store/outbox/{name}", *acting)
    stage.tell(N_("and, for the appraisal group and the head of the office:"))
    stage.run("retention", "review", "--out", "store/outbox/到期清单.docx", *acting)
    stage.run("destruction", "register", "D2037-0001", "--format", "docx", "--out", "store/outbox/销毁清册.docx",
              *acting)
    stage.run("report", "monthly", "--month", "2026-11", "--out", "store/outbox/月报.docx", *acting)


def _play(stage: _Stage, language: str) -> None:
    click.echo(tr("The demo runs in {folder}. To type the commands yourself:").format(folder=stage.folder))
    for line in shell_lines(stage.folder, SETTINGS):
        click.echo(f"    {line}")

    stage.headline(N_("A store with a simulated clock"))
    stage.run("init", "--simulation", "--no-input", "--as-of", ISSUE_DAY, "store")

    stage.headline(N_("The clerk issues documents: one by one and from spreadsheets"))
    for arguments in ISSUING:
        stage.run(*arguments, "--as-of", ISSUE_DAY)
    stage.tell(N_("A wrong row is refused by row, cell and field; nothing is issued for it:"))
    stage.run("generate", "visit-record", "--data", "data/visit-record.toml", "--set", "户号=１２", "--dry-run",
              "--as-of", ISSUE_DAY, expect=3)

    stage.headline(N_("The signed papers come back as scans; each finds its issue by the printed code"))
    stage.run("ingest", "scans", "--as-of", FILING_DAY)
    stage.tell(N_("One paper carries no code: the archivist files it by class."))
    stage.run("ingest", "scans/12-no-code.pdf", "--class", "visit-record", "--set", "题名=[走访记录（无编码）]",
              "--set", "日期=2026-11-18", "--as-of", FILING_DAY)
    stage.run("issued", "list", "--unreturned")

    stage.headline(N_("The archivist searches by what is at hand"))
    stage.tell(N_("a name"))
    stage.run("search", "魏堃")
    stage.tell(N_("a piece of an address"))
    stage.run("search", "柳荫街")
    stage.tell(N_("the last digits of a meter number"))
    stage.run("search", "1108")
    stage.tell(N_("one record"))
    stage.run("show", "换通〔2026〕0001号")

    stage.headline(N_("Ten years later: what is due, what is not, and why"))
    stage.run("event", "add", "contract-ended", "--date", "2027-06-30", "供合〔2026〕0001号", "--as-of", "2027-07-01")
    stage.run("hold", "place", "回访〔2026〕00002号", "--kind", "complaint", "--reason", "投诉尚未办结",
              "--as-of", "2036-12-01")
    stage.run("retention", "review", "--as-of", REVIEW_DAY)
    stage.run("retention", "explain", "回访〔2026〕00001号", "--as-of", REVIEW_DAY)

    stage.headline(N_("People with keys"))
    people = (
        ("admin", "石磊", "G001", ("administrator",)),
        ("archivist", "林昇", "G002", ("archivist",)),
        ("appraiser", "顾玥", "G003", ("appraiser",)),
        ("leader", "韩喆", "G004", ("approver",)),
        ("witness1", "田堃", "G005", ("supervisor",)),
        ("witness2", "邵敏", "G006", ("supervisor",)),
    )
    for person, name, staff_no, roles in people:
        stage.run("key", "create", f"keys/{person}.key")
        wanted = [part for role in roles for part in ("--role", role)]
        stage.run("people", "add", person, "--name", name, *wanted, "--staff-no", staff_no,
                  "--key", f"keys/{person}.key.pub", "--as-of", REVIEW_DAY)

    def signed(person: str) -> tuple[str, ...]:
        return ("--as", person, "--key", f"keys/{person}.key", "--as-of", REVIEW_DAY)

    order = "D2037-0001"
    stage.headline(N_("One due record is destroyed: proposed, appraised, approved, witnessed by two"))
    stage.run("destruction", "propose", "回访〔2026〕00001号", *signed("archivist"))
    stage.run("destruction", "appraise", order, "--all", "destroy", *signed("appraiser"))
    stage.run("destruction", "approve", order, *signed("leader"))
    stage.run("destruction", "sign", order, *signed("witness1"))
    stage.tell(N_("One person alone cannot go on: neither sign twice nor execute."))
    stage.run("destruction", "sign", order, *signed("witness1"), expect=8)
    stage.run("destruction", "execute", order, "--place", "档案室", "--method", "粉碎并删除", "--as", "witness1",
              "--as-of", REVIEW_DAY, expect=8)
    stage.run("destruction", "sign", order, *signed("witness2"))
    stage.run("destruction", "execute", order, "--place", "档案室", "--method", "粉碎并删除", "--as", "witness1",
              "--as-of", REVIEW_DAY)
    stage.run("destruction", "complete", order, *signed("witness1"))
    stage.run("destruction", "complete", order, *signed("witness2"))
    stage.run("destruction", "show", order)
    stage.run("search", "回访〔2026〕00001号")

    _print_set(stage)

    stage.headline(N_("The auditor checks"))
    stage.run("ledger", "verify")
    stage.run("verify")

    stage.headline(N_("A folder to look around in"))
    stage.tell(N_("the signed paper out of the archive, the rest out of the outbox as PDFs"))
    files.make_folder(look_folder(stage.folder))
    stage.run("get", "换通〔2026〕0001号", "--out", str(paper_path(stage.folder, SCANNED).relative_to(stage.folder)),
              "--as", "archivist")
    path, why = lay_out(stage.folder, SETTINGS, language)
    click.echo()
    first, *others = told(path, why)
    click.echo(click.style(first, bold=True))
    click.echo("\n".join(others))
