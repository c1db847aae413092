"""Checks a form before a clerk meets its mistakes: one list of independent checks, all findings in one run."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from msgspec import structs

from recordkit.errors import InputRefused, NotFound
from recordkit.messages import Message, listed, msg
from recordkit.model import Problem
from recordkit.templates.fieldtypes import Value
from recordkit.templates.findings import TEMPLATE, FormFinding, from_problem
from recordkit.templates.forms import Form, load_form, name_of, read_form, shipped_forms
from recordkit.templates.lint import has_tags, lint_template
from recordkit.templates.looks import find_looks
from recordkit.templates.render import Letterhead, Renderer
from recordkit.templates.rows import RawRow
from recordkit.templates.spec import FieldSpec, FormSpec
from recordkit.templates.unreadable import reason_of
from recordkit.templates.validate import sample_problems, validate_row
from recordkit.templates.wordtext import WordFile, read_word

_ORDER = {"error": 0, "warning": 1, "remark": 2}


class FormUnderCheck:
    """A form and what several checks ask for; each part is read once."""

    def __init__(self, form: Form) -> None:
        """Keep the form; nothing is read yet."""
        self.form = form
        self.found: list[FormFinding] = []

    @property
    def spec(self) -> FormSpec:
        """The form's fields and rules."""
        return self.form.spec

    @cached_property
    def word(self) -> WordFile | InputRefused:
        """The template, or why it cannot be read."""
        try:
            return read_word(self.form.template)
        except InputRefused as refusal:
            return refusal

    @cached_property
    def renderer(self) -> Renderer | InputRefused:
        """The compiled template, or why it cannot be compiled."""
        try:
            return Renderer(self.spec, self.form.template)
        except InputRefused as refusal:
            return refusal

    @cached_property
    def sample(self) -> tuple[dict[str, Value], tuple[Problem, ...]]:
        """Values of sample.toml, and what is wrong with it."""
        path = self.form.folder / "sample.toml"
        if not path.exists():
            return {}, ()
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            text = msg("not valid TOML: {reason}", reason=reason_of(error))
            return {}, (Problem(None, "sample.toml", "", None, "form", text),)
        values, problems = validate_row(self.spec, RawRow(1, raw, {}))
        return values, tuple(one for one in problems if one.severity == "error")


Check = Callable[[FormUnderCheck], Iterable[FormFinding | Problem]]


def check_form(root: Path | None, name: str) -> list[FormFinding]:
    """Every finding about a form, errors first.

    Args:
        root: the store, or None for the shipped forms alone.
        name: a form's id, the path of its folder, or of a Word file, which is then checked without a form.

    Raises:
        NotFound: there is no such form or file.
    """
    path = Path(name)
    if path.name.lower().endswith((".docx", ".dotx", ".doc", ".wps")) or (path.is_file() and path.suffix != ".toml"):
        if path.name == TEMPLATE and (path.parent / "form.toml").is_file():
            path = path.parent
        else:
            return check_file(path)
    path = path.parent if path.name == "form.toml" else path
    try:
        form = read_form(path, own=True) if (path / "form.toml").is_file() else load_form(root, name)
    except InputRefused as refusal:
        problems = [from_problem(one) for one in refusal.problems]
        return [*(problems or [FormFinding("form", refusal.what, field="form.toml", fix=refusal.todo)]),
                *_template_alone(root, path, name)]
    under = FormUnderCheck(form)
    for check in CHECKS:
        under.found += [one if isinstance(one, FormFinding) else from_problem(one) for one in check(under)]
    return sorted(under.found, key=lambda one: _ORDER[one.severity])


def _template_alone(root: Path | None, path: Path, name: str) -> list[FormFinding]:
    """What is wrong with the template of a form whose form.toml cannot be read: its names are taken as given."""
    folders = [path, *([root / "forms" / name] if root else []), shipped_forms() / name]
    template = next((one / TEMPLATE for one in folders if (one / "form.toml").is_file()), None)
    if template is None or not template.is_file():
        return []
    try:
        word = read_word(template.read_bytes())
    except InputRefused as refusal:
        return [FormFinding("form", refusal.what, fix=refusal.todo)]
    return [*lint_template(word, None), *find_looks(word)]


def check_file(path: Path) -> list[FormFinding]:
    """Every finding about a Word file that belongs to no form: its names are taken as given.

    Raises:
        NotFound: no such file.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise NotFound(msg("There is no file {file}.", file=str(path)), msg("Check the path.")) from None
    try:
        word = read_word(data, path.name)
    except InputRefused as refusal:
        return [FormFinding("form", refusal.what, field=path.name, fix=refusal.todo)]
    found = [*lint_template(word, None), *find_looks(word, codes=False)]
    if not has_tags(word):
        found.append(FormFinding(
            "no-tags", msg("The file has no tags."), "remark",
            fix=msg("'recordkit forms new FORM --from {file}' makes tags of its blanks.", file=path.name)))
    return sorted((replace(one, field=path.name if one.field == TEMPLATE else one.field) for one in found),
                  key=lambda one: _ORDER[one.severity])


# --- the checks: each takes the form and yields findings ------------------------------------------------------


def _examples(under: FormUnderCheck) -> Iterator[Problem]:
    """Defaults, examples and the sample that the form's own fields would refuse."""
    yield from sample_problems(under.spec)
    yield from under.sample[1]


def _no_sample(under: FormUnderCheck) -> Iterator[FormFinding]:
    if not (under.form.folder / "sample.toml").exists():
        yield FormFinding("no-sample", msg("The form has no sample data."), "remark", "sample.toml",
                          fix=msg("Write one complete document's values into sample.toml."))


def _tags(under: FormUnderCheck) -> list[FormFinding]:
    if isinstance(under.word, InputRefused):
        return [FormFinding("form", under.word.what, fix=under.word.todo)]
    return lint_template(under.word, under.spec)


def _looks(under: FormUnderCheck) -> list[FormFinding]:
    return [] if isinstance(under.word, InputRefused) else find_looks(under.word, codes=under.spec.kind == "document")


def _filling(under: FormUnderCheck) -> Iterator[FormFinding]:
    """Fill the template with the sample, and with no more of it than every document has: both ways must go.

    Both must also be what docxtpl makes of the same values. Left out when an error of the template is already known: it
    would be told twice, in worse words.
    """
    if any(one.severity == "error" and one.field == TEMPLATE for one in under.found):
        return
    if isinstance(under.renderer, InputRefused):
        yield from _refused(under.renderer)
        return
    head = Letterhead("000", "", "", date(2026, 1, 1))
    sample = under.sample[0]
    needed = {one.key: sample[one.key] for one in under.spec.fields if one.required and one.key in sample}
    for trial in (needed, sample):
        try:
            differing = under.renderer.differing_parts(trial, head)
        except InputRefused as refusal:
            yield from _refused(refusal)
            return
        except (TypeError, ValueError, ArithmeticError) as error:
            # Jinja lets what Python says about None / 2 through.
            yield FormFinding("filling", msg("The template of form {form} cannot be filled: {error}",
                                             form=under.spec.id, error=str(error)),
                              fix=msg("A tag computes with a value that is empty or of another type."))
            return
        if differing:
            yield FormFinding("differs-from-docxtpl", msg("Filled in the fast way, {parts} is not what docxtpl makes.",
                                                          parts=listed(differing)))
            return


def _refused(refusal: InputRefused) -> Iterator[FormFinding]:
    for problem in refusal.problems:
        found = from_problem(structs.replace(problem, field=TEMPLATE))
        if problem.code == "expression":
            found = replace(found, fix=msg("A tag computes with a value that is empty or of another type."))
        yield found
    if not refusal.problems:
        yield FormFinding("filling", refusal.what, fix=refusal.todo)


def _path(under: FormUnderCheck) -> Iterator[FormFinding]:
    """How the template is filled and why."""
    if isinstance(under.renderer, InputRefused):
        return
    compiled = under.renderer.compiled
    is_fast = compiled.path == "compiled"
    path = msg("Filled in the fast way (compiled).") if is_fast else msg("Filled by docxtpl (slow).")
    text = msg("{path} {reasons}", path=path, reasons=compiled.reasons) if compiled.reasons else path
    yield FormFinding("path", text, "remark")


def _against_shipped(under: FormUnderCheck) -> Iterator[FormFinding]:
    """An office's own form hides the shipped one of the same id: what differs, so that an upgrade is seen."""
    folder = shipped_forms() / name_of(under.spec)
    if not under.form.own or not (folder / "form.toml").is_file() or folder == under.form.folder.absolute():
        return
    try:
        shipped = read_form(folder, own=False)
    except InputRefused:
        return
    if shipped.digest == under.form.digest:
        yield FormFinding("same-as-shipped", msg("This own form is the shipped one, unchanged."), "remark", "form.toml",
                          fix=msg("Delete its folder if nothing is to be changed; upgrades then reach it."))
        return
    differences = list(_differences(under.spec, shipped.spec))
    if under.form.template != shipped.template:
        differences.append(msg("the template differs"))
    if differences:
        yield FormFinding(
            "differs-from-shipped",
            msg("Own form, version {own}; the shipped one has version {shipped}. {differences}", own=under.spec.version,
                shipped=shipped.spec.version, differences=_joined(differences)),
            "remark", "form.toml",
            fix=msg("After an upgrade compare it with {folder}.", folder=str(folder)),
        )


def _joined(some: list[Message]) -> Message:
    found = some[0]
    for one in some[1:]:
        found = msg("{first}; {second}", first=found, second=one)
    return found


def _differences(own: FormSpec, shipped: FormSpec) -> Iterator[Message]:
    mine, theirs = ({one.key: one for one in spec.fields} for spec in (own, shipped))
    if added := [one.label for key, one in mine.items() if key not in theirs]:
        yield msg("fields only here: {names}", names=listed(added))
    if missing := [one.label for key, one in theirs.items() if key not in mine]:
        yield msg("fields only in the shipped one: {names}", names=listed(missing))
    changed = [msg("{label} ({parts})", label=one.label, parts=listed(parts)) for key, one in mine.items()
               if key in theirs and (parts := _changed(one, theirs[key]))]
    if changed:
        yield msg("fields changed: {names}", names=listed(changed))
    rules, shipped_rules = ({(one.check, one.level) for one in spec.rules} for spec in (own, shipped))
    if rules != shipped_rules:
        yield msg("rules: {added} only here, {missing} only in the shipped one", added=len(rules - shipped_rules),
                  missing=len(shipped_rules - rules))
    other = [one.name for one in fields(FormSpec)
             if one.name not in ("fields", "rules", "version") and getattr(own, one.name) != getattr(shipped, one.name)]
    if other:
        yield msg("also changed: {names}", names=listed(other))


def _changed(one: FieldSpec, other: FieldSpec) -> list[str]:
    return [part.name for part in fields(FieldSpec) if getattr(one, part.name) != getattr(other, part.name)]


CHECKS: tuple[Check, ...] = (_examples, _no_sample, _tags, _looks, _filling, _path, _against_shipped)
"""In this order; a check may look at ``FormUnderCheck.found`` for what those before it have found."""
