"""Checks a form before a clerk meets its mistakes: form.toml, examples, and that the template can be filled."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

from recordkit.errors import InputRefused
from recordkit.messages import Message, msg
from recordkit.model import Problem
from recordkit.templates.fieldtypes import Value
from recordkit.templates.forms import Form, load_form, read_form
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.rows import RawRow
from recordkit.templates.validate import sample_problems, validate_row


def check_form(root: Path | None, name: str) -> list[Problem]:
    """Every finding about a form; ``name`` is its id or the path of its folder.

    Raises:
        NotFound: there is no such form.
    """
    folder = Path(name)
    try:
        form = read_form(folder, own=True) if (folder / "form.toml").is_file() else load_form(root, name)
    except InputRefused as refusal:
        return list(refusal.problems) or [_finding("form.toml", refusal.what)]
    found = sample_problems(form.spec)
    values, problems = _sample(form)
    found += problems
    found += _template_findings(form, values)
    return found


def _sample(form: Form) -> tuple[dict[str, Value], list[Problem]]:
    path = form.folder / "sample.toml"
    if not path.exists():
        return {}, []
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [_finding("sample.toml", msg("not valid TOML: {reason}", reason=error))]
    values, problems = validate_row(form.spec, RawRow(1, raw, {}))
    return values, [one for one in problems if one.severity == "error"]


def template_path(root: Path | None, name: str) -> Message | None:
    """How the form's template is filled and why, for a person; None where it cannot be filled at all."""
    folder = Path(name)
    try:
        form = read_form(folder, own=True) if (folder / "form.toml").is_file() else load_form(root, name)
        compiled = Renderer(form.spec, form.template).compiled
    except InputRefused:
        return None
    path = msg("compiled (fast)") if compiled.path == "compiled" else msg("by docxtpl (slow)")
    if compiled.reasons:
        return msg("{form}: {path}: {reasons}", form=form.spec.id, path=path, reasons=compiled.reasons)
    return msg("{form}: {path}", form=form.spec.id, path=path)


def _template_findings(form: Form, values: dict[str, Value]) -> list[Problem]:
    """Fill the template with nothing but what every document has, and with the sample: both ways must go.

    Both must also be what docxtpl makes of the same values.
    """
    head = Letterhead("000", "", "", date(2026, 1, 1))
    try:
        renderer = Renderer(form.spec, form.template)
        for trial in ({}, values):
            differing = renderer.differing_parts(trial, head)
            if differing:
                return [_finding("template.docx", msg("filled in the fast way, {parts} is not what docxtpl makes",
                                                      parts=", ".join(differing)))]
    except InputRefused as refusal:
        found = [_finding("template.docx", one.message) for one in refusal.problems]
        return found or [_finding("template.docx", refusal.what)]
    return []


def _finding(place: str, message: Message) -> Problem:
    return Problem(row=None, field=place, label="", cell=None, code="form", message=message)
