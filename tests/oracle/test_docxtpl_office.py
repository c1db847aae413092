"""The hand-made package opens in the real LibreOffice and prints like docxtpl's."""

from __future__ import annotations

import io
import os
import tomllib
from datetime import date
from pathlib import Path

import pytest
from docx import Document
from pypdf import PdfReader
from test_docxtpl_differential import by_docxtpl

from recordkit.errors import MissingPart
from recordkit.templates.code import PrintedCode
from recordkit.templates.forms import load_form
from recordkit.templates.pdf import convert_to_pdf, require_office
from recordkit.templates.render import Letterhead, Renderer, form_environment
from recordkit.templates.rows import RawRow
from recordkit.templates.validate import validate_row

FORMS = ("meter-change-notice", "supply-contract")


@pytest.mark.office
def test_libreoffice_prints_the_compiled_document_like_docxtpls(tmp_path: Path) -> None:
    try:
        require_office()
    except MissingPart as missing:
        pytest.skip(str(missing))
    head = Letterhead("换通〔2026〕0001号", "清源市自来水有限公司", "客户服务中心", date(2026, 11, 20))
    sources = []
    for form_id in FORMS:
        form = load_form(None, form_id)
        raw = tomllib.loads((form.folder / "sample.toml").read_text(encoding="utf-8"))
        values = validate_row(form.spec, RawRow(1, raw, {}))[0]
        if form_id == FORMS[1]:
            values["other_terms"] = "一\n二\n三\t四 & <五>"
        renderer = Renderer(form.spec, form.template)
        ours, theirs = tmp_path / f"{form_id}-ours.docx", tmp_path / f"{form_id}-theirs.docx"
        ours.write_bytes(renderer.render(values, head, PrintedCode("0123456789AB", 1)))
        theirs.write_bytes(by_docxtpl(form.template, renderer.context(values, head), env=form_environment()))
        assert Document(io.BytesIO(ours.read_bytes())).paragraphs
        sources += [ours, theirs]
    made = convert_to_pdf(sources, tmp_path / "pdf", os.environ)
    for ours, theirs in zip(sources[::2], sources[1::2], strict=True):
        mine, peers = PdfReader(made[ours]).pages, PdfReader(made[theirs]).pages
        assert len(mine) == len(peers) > 0
        assert [one.extract_text() for one in mine] == [one.extract_text() for one in peers]
    assert len(PdfReader(made[sources[2]]).pages) > 1
