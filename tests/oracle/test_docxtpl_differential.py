"""The compiled path beside docxtpl: the same template and values through both, every part of both packages compared."""

from __future__ import annotations

import io
import tomllib
import zipfile
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree
from word_templates import Case, cases

from recordkit.templates.code import PrintedCode
from recordkit.templates.compiled import compile_template
from recordkit.templates.forms import list_form_ids, load_form
from recordkit.templates.render import Letterhead, Renderer, form_environment
from recordkit.templates.rows import RawRow
from recordkit.templates.validate import validate_row

PAIRS = [(case, number) for case in cases() for number in range(len(case.contexts))]


def environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)


def by_docxtpl(
    template: bytes, context: Any, pictures: Mapping[str, bytes] | None = None, env: SandboxedEnvironment | None = None
) -> bytes:
    source = DocxTemplate(io.BytesIO(template))
    source.render(context(source) if callable(context) else dict(context), env or environment(), autoescape=True)
    for name, data in (pictures or {}).items():
        source.replace_pic(name.split("|")[0], io.BytesIO(data))
    out = io.BytesIO()
    source.save(out)
    return out.getvalue()


def by_us(template: bytes, context: Any, pictures: Mapping[str, bytes] | None = None) -> bytes:
    given = context(DocxTemplate(io.BytesIO(template))) if callable(context) else context
    named = {name.split("|")[-1]: data for name, data in (pictures or {}).items()}
    return compile_template(template, environment()).render(given, named)


def parts_of(package: bytes) -> dict[str, bytes]:
    """Every part: XML in canonical form, all else as it is; each must be whole and strictly well-formed."""
    with zipfile.ZipFile(io.BytesIO(package)) as source:
        assert source.testzip() is None
        assert len({*source.namelist()}) == len(source.namelist())
        found = {name: source.read(name) for name in source.namelist()}
    return {
        name: etree.tostring(etree.fromstring(data), method="c14n") if name.endswith((".xml", ".rels")) else data
        for name, data in found.items()
    }


def test_there_are_at_least_sixty_pairs_and_names_are_unique() -> None:
    assert len(PAIRS) >= 60
    assert len({case.name for case in cases()}) == len(cases())


@pytest.mark.parametrize(("case", "number"), PAIRS, ids=[f"{case.name}-{number}" for case, number in PAIRS])
def test_every_part_is_what_docxtpl_makes(case: Case, number: int) -> None:
    context = case.contexts[number]
    theirs = parts_of(by_docxtpl(case.template, context, case.pictures))
    ours = parts_of(by_us(case.template, context, case.pictures))
    assert ours.keys() == theirs.keys()
    for name, content in theirs.items():
        assert ours[name] == content, name


@pytest.mark.parametrize("case", cases(), ids=[case.name for case in cases()])
def test_every_template_takes_the_compiled_path(case: Case) -> None:
    assert compile_template(case.template, environment()).path == case.path


@pytest.mark.parametrize("form_id", list_form_ids(None))
@pytest.mark.parametrize("filled", [True, False])
def test_a_shipped_form_is_what_docxtpl_makes(form_id: str, filled: bool) -> None:
    form = load_form(None, form_id)
    raw = tomllib.loads((form.folder / "sample.toml").read_text(encoding="utf-8"))
    values = validate_row(form.spec, RawRow(1, raw, {}))[0] if filled else {}
    head = Letterhead("换通〔2026〕0001号", "清源市自来水有限公司", "客户服务中心", date(2026, 11, 20))
    renderer = Renderer(form.spec, form.template)
    assert (renderer.compiled.path, renderer.compiled.reasons) == ("compiled", ())
    ours = parts_of(renderer.render(values, head, PrintedCode("0123456789AB", 1)))
    theirs = parts_of(by_docxtpl(form.template, renderer.context(values, head), env=form_environment()))
    swapped = renderer._pictures.keys()
    assert len(swapped) >= 2
    assert {name: data for name, data in ours.items() if name not in swapped} == {
        name: data for name, data in theirs.items() if name not in swapped
    }
    assert all(ours[name] != theirs[name] and ours[name].startswith(b"\x89PNG") for name in swapped)
