"""Filling Word templates: our compiled template beside a plain docxtpl loop, same values, same run, files written.

python benchmarks/documents.py [--rounds N] [--grow 100,1000,10000]

The peer opens the template, renders and saves for each document, as docxtpl's documentation shows, with autoescape,
or the values would be lost. It draws no codes; our side draws a QR code and a Code 128 for each document. Ours makes
its Renderer once per form; that time stands in the column "once". In each round the peer writes one document and ours
forty, so that both meet the same load of the machine; the medians of the rounds are compared.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from docxtpl import DocxTemplate
from jinja2.sandbox import SandboxedEnvironment

from recordkit.templates.code import PrintedCode
from recordkit.templates.fieldtypes import Value
from recordkit.templates.forms import Form, list_form_ids, load_form
from recordkit.templates.render import Letterhead, Renderer, form_environment
from recordkit.templates.rows import RawRow
from recordkit.templates.validate import validate_row

DAY = date(2026, 11, 20)
OURS_A_ROUND = 40


def sample(form: Form) -> dict[str, Value]:
    raw = tomllib.loads((form.folder / "sample.toml").read_text(encoding="utf-8"))
    return validate_row(form.spec, RawRow(1, raw, {}))[0]


def nth(form: Form, values: Mapping[str, Value], number: int) -> tuple[dict[str, Value], Letterhead]:
    """The values of the n-th document: name, account and number differ."""
    changed = dict(values)
    for role in (form.spec.roles.account, form.spec.roles.party):
        if role and isinstance(changed.get(role), str):
            changed[role] = f"{changed[role]}{number:05d}"
    head = Letterhead(f"第〔2026〕{number:05d}号", "某某市自来水有限公司", "客户服务中心", DAY)
    return changed, head


def seconds(work: Callable[[int], None], documents: int) -> float:
    started = time.perf_counter()
    for number in range(documents):
        work(number)
    return time.perf_counter() - started


def compare(form: Form, folder: Path, rounds: int) -> None:
    values = sample(form)
    started = time.perf_counter()
    renderer = Renderer(form.spec, form.template)
    once = time.perf_counter() - started
    environment: SandboxedEnvironment = form_environment()
    template = form.folder / "template.docx"

    def ours(number: int) -> None:
        changed, head = nth(form, values, number)
        content = renderer.render(changed, head, PrintedCode(f"{number:012d}", 1))
        (folder / f"{number}.docx").write_bytes(content)

    def theirs(number: int) -> None:
        document = DocxTemplate(template)
        document.render(renderer.context(*nth(form, values, number)), environment, autoescape=True)
        document.save(folder / f"{number}.docx")

    ours(0), theirs(0)  # imports and caches of both
    runs = [(seconds(ours, OURS_A_ROUND) / OURS_A_ROUND, seconds(theirs, 1)) for _ in range(rounds)]
    mine, peer = (statistics.median(column) * 1000 for column in zip(*runs, strict=True))
    print(f"{form.spec.id:24}{mine:10.3f}{peer:12.2f}{peer / mine:8.0f}x{once * 1000:10.0f}")


def grow(form: Form, folder: Path, sizes: list[int]) -> None:
    values = sample(form)
    print(f"\n{form.spec.id}: growth\n{'documents':>10}{'seconds':>10}{'documents/s':>13}{'peak MB':>9}")
    for size in sizes:
        renderer = Renderer(form.spec, form.template)

        def one(number: int, renderer: Renderer = renderer) -> None:
            changed, head = nth(form, values, number)
            content = renderer.render(changed, head, PrintedCode(f"{number:012d}", 1))
            (folder / f"{number}.docx").write_bytes(content)

        took = seconds(one, size)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{size:10}{took:10.2f}{size / took:13.0f}{peak:9.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--grow", default="100,1000,10000")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        print(f"{'form':24}{'ours ms':>10}{'docxtpl ms':>12}{'ratio':>9}{'once ms':>10}")
        for form_id in list_form_ids(None):
            compare(load_form(None, form_id), folder, chosen.rounds)
        grow(load_form(None, "meter-change-notice"), folder, [int(one) for one in chosen.grow.split(",")])


if __name__ == "__main__":
    main()
