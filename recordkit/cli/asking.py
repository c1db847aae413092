"""Asks in the terminal for the values of a form that are missing or refused, and for nothing else.

Every question stands on a line or two; a refused answer comes back to be corrected, not to be typed anew. ``<`` goes
back, ``?`` explains, at the end everything stands on one screen and any answer can be changed by its number. Ctrl-C
loses nothing: the answers so far go into a file that ``--data`` takes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from recordkit import files
from recordkit.cli.base import App, problem_line, quoted
from recordkit.cli.i18n import tr
from recordkit.errors import InputRefused, Interrupted, WrongUsage
from recordkit.messages import Message, listed, msg
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.fieldtypes import Parsed, Value, display_masked, is_empty, parse, to_plain
from recordkit.templates.rows import RawRow
from recordkit.templates.spec import FieldSpec, FormSpec, Stage, plain_heading
from recordkit.templates.validate import validate_row

if TYPE_CHECKING:
    from recordkit.model import Problem

_BACK = frozenset({"<", "＜", "《", "〈"})  # what a Chinese keyboard gives for the key
_HELP = frozenset({"?", "？"})
_QUIT = frozenset({"q", "Q", "ｑ"})


@dataclass(frozen=True, slots=True)
class _Question:
    """One thing to ask: a field, or one column in one row (from 0) of a table."""

    field: FieldSpec
    row: int = 0
    column: FieldSpec | None = None

    @property
    def spec(self) -> FieldSpec:
        return self.column or self.field


class _Leave(Exception):  # noqa: N818  (the person's wish)
    """The person ends the questions; the answers are kept."""


@dataclass
class _Dialogue:
    """The state of one round of questions.

    ``answers`` holds what was typed and passed its check; ``old`` what is put before the person when a question comes
    again; ``asked`` the answered questions in their order.
    """

    app: App
    spec: FormSpec
    stage: Stage
    known: Mapping[str, Value]
    given: dict[str, object]
    wanted: list[FieldSpec]
    answers: dict[_Question, str] = field(default_factory=dict)
    asked: list[_Question] = field(default_factory=list)
    old: dict[_Question, str] = field(default_factory=dict)

    def run(self) -> dict[str, object]:
        """Ask, check, show, confirm."""
        self._ask_all()
        while True:
            problems = self._problems()
            refused = [problem for problem in problems if problem.severity == "error"]
            again = self._blamed(refused)
            if again:
                self._tell_problems(refused)
                for one in again:
                    self._reopen(one)
                self._ask_all()
                continue
            self._summary()
            self._tell_problems(problems)
            choice = self._confirm(allowed=not refused)
            if choice is None:
                return self.values()
            self._reopen(choice)
            self._ask_all()

    def values(self) -> dict[str, object]:
        """All values by key as they were given or typed; what was left empty is there as an empty text."""
        found = dict(self.given)
        for one in self.wanted:
            if one.type != "table":
                question = _Question(one)
                if question in self.answers:
                    found[one.key] = self.answers[question]
                continue
            rows: dict[int, dict[str, str]] = {}
            for question, answer in self.answers.items():
                if question.field is one and question.column is not None:
                    rows.setdefault(question.row, {})[question.column.key] = answer
            kept = [row for _, row in sorted(rows.items()) if any(map(str.strip, row.values()))]
            if rows:
                found[one.key] = kept
        return found

    # --- asking -----------------------------------------------------------------------------------------------

    def _ask_all(self) -> None:
        while (question := self._next()) is not None:
            self._ask(question)

    def _next(self) -> _Question | None:
        """The first question without an answer."""
        for one in self.wanted:
            if one.type != "table":
                if _Question(one) not in self.answers:
                    return _Question(one)
                continue
            limit = one.max_rows if one.max_rows is not None else sys.maxsize
            row = 0
            while row < limit:
                first = _Question(one, row, one.columns[0])
                if first not in self.answers:
                    return first
                if not self.answers[first].strip():
                    break  # an empty first cell ends the table
                for column in one.columns[1:]:
                    if _Question(one, row, column) not in self.answers:
                        return _Question(one, row, column)
                row += 1
        return None

    def _ask(self, question: _Question) -> None:
        one = question.spec
        self._say_question(question)
        prefill = self.old.pop(question, "")
        while True:
            typed = _read_line(prefill)
            # Where an old answer stands before the cursor, a sign typed behind it is meant alone.
            word = typed.removeprefix(prefill).strip()
            if word in _HELP:
                self._say_help(question)
                continue
            if word in _BACK:
                self._step_back(question, typed.removesuffix(word))
                return
            answer = _chosen(one, typed)
            if is_empty(answer) and not is_empty(one.default):
                answer = _text_of(one.default)
            fault = self._fault(question, answer)
            if fault is None:
                self.answers[question] = answer
                if question in self.asked:
                    self.asked.remove(question)
                self.asked.append(question)
                return
            self._tell(f"    × {fault.render(tr)}")
            prefill = typed

    def _fault(self, question: _Question, answer: str) -> Message | None:
        one = question.spec
        parsed = parse(answer, one)
        for fault in parsed.faults:
            if fault.severity == "error":
                return fault.message
            self._tell(f"    ! {fault.message.render(tr)}")
        if parsed.value is None and self._needs(question):
            return msg("This is needed.")
        return None

    def _needs(self, question: _Question) -> bool:
        one = question.field
        if question.column is None:
            return self._is_required(one)
        if question.column is not one.columns[0]:
            return question.column.required
        least = max(one.min_rows, 1) if self._is_required(one) else 0
        if question.row:
            least = max(least, one.min_rows)
        return question.row < least

    def _is_required(self, one: FieldSpec) -> bool:
        """Whether the field must be filled in, with the answers so far."""
        if one.required or not one.required_if:
            return one.required
        answered = {question.field.key for question in self.answers}
        open_ = {name for other in self.wanted if other.key not in answered for name in (other.key, other.label)}
        if not compile_expression(one.required_if).names.isdisjoint(open_):
            return False  # it depends on a question still to come: the check at the end asks again
        values: dict[str, Value] = dict(self.known)
        given = self.values()
        for other in self.spec.of_stage(self.stage):
            raw = given.get(other.key)
            values[other.key] = parse(other.default if is_empty(raw) else raw, other).value
        context = {name: values.get(other.key) for other in self.spec.fields for name in (other.key, other.label)}
        try:
            return bool(compile_expression(one.required_if).value(context))
        except ExpressionFault:
            return False

    def _step_back(self, question: _Question, typed: str) -> None:
        before = [one for one in self.asked if self._place(one) < self._place(question)]
        if not before:
            self._tell("    " + tr("This is the first question."))
            return
        self.old[question] = typed
        last = max(before, key=self._place)
        self.asked.remove(last)
        self._forget(last)

    def _place(self, question: _Question) -> tuple[int, int, int]:
        columns = question.field.columns
        return (self.wanted.index(question.field), question.row,
                columns.index(question.column) if question.column is not None else 0)

    def _reopen(self, one: FieldSpec) -> None:
        """Ask a field again with the old answers put before the person."""
        if one not in self.wanted:
            order = {known.key: at for at, known in enumerate(self.spec.fields)}
            self.wanted.append(one)
            self.wanted.sort(key=lambda known: order[known.key])
            self.put_before(one, self.given.pop(one.key, None))
        for question in [question for question in self.answers if question.field is one]:
            self._forget(question)
        self.asked = [question for question in self.asked if question.field is not one]

    def put_before(self, one: FieldSpec, raw: object) -> None:
        """Keep a given value as the answer that the person finds before the cursor."""
        if one.type != "table":
            self.old[_Question(one)] = "" if is_empty(raw) else _text_of(raw)
            return
        rows = parse(raw, one).value
        for at, row in enumerate(rows if isinstance(rows, list) else ()):
            for column in one.columns:
                cell = row.get(column.key)
                self.old[_Question(one, at, column)] = "" if cell is None else _text_of(cell)

    def _forget(self, question: _Question) -> None:
        self.old[question] = self.answers.pop(question, "")

    # --- telling ----------------------------------------------------------------------------------------------

    def _tell(self, text: str) -> None:
        click.echo(text, err=True)

    def _say_question(self, question: _Question) -> None:
        one = question.spec
        place = f"{self.wanted.index(question.field) + 1}/{len(self.wanted)}"
        name = _name(one)
        if question.column is not None:
            name = f"{_name(question.field)} {question.row + 1} · {name}"
        facts = [] if one.type in ("text", "choice") else [tr(one.type)]
        facts.append(tr("needed") if self._needs(question) else tr("may be left empty"))
        if one.unit:
            facts.append(one.unit)
        if not is_empty(one.example) and one.type != "choice":
            facts.append(tr("e.g. {example}").format(example=_example(one)))
        if not is_empty(one.default):
            facts.append(tr("Enter = {default}").format(default=_text_of(one.default)))
        self._tell(f"{click.style(f'{place} {name}', bold=True)}  {' · '.join(facts)}")
        if one.choices:
            self._tell("    " + "  ".join(f"{at} {choice}" for at, choice in enumerate(one.choices, 1)))
        if question.column is not None and question.column is question.field.columns[0] and not self._needs(question):
            self._tell("    " + tr("Enter alone ends the table."))

    def _say_help(self, question: _Question) -> None:
        one = question.spec
        lines = [_name(one) + " · " + tr(one.type)]
        for text in (question.field.help, one.help if one is not question.field else ""):
            lines += [text] if text else []
        if not is_empty(one.example):
            lines.append(tr("e.g. {example}").format(example=_example(one)))
        if one.max_length is not None:
            lines.append(tr("At most {limit} characters.").format(limit=one.max_length))
        if one.min is not None or one.max is not None:
            lines.append(f"{'' if one.min is None else one.min} … {'' if one.max is None else one.max}")
        lines.append(tr("Enter: take the default or leave it empty. <: back. Ctrl-C: stop and keep the answers."))
        for line in lines:
            self._tell("    " + line)

    def _tell_problems(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._tell(problem_line(structs.replace(problem, row=None)))

    # --- the end ----------------------------------------------------------------------------------------------

    def _problems(self) -> list[Problem]:
        return validate_row(self.spec, RawRow(1, self.values(), {}), self.stage, known=self.known)[1]

    def _blamed(self, refused: Sequence[Problem]) -> list[FieldSpec]:
        """The fields that the problems are about: a rule names its fields by their labels."""
        found: list[FieldSpec] = []
        for problem in refused:
            names = [problem.field.partition("[")[0], *problem.label.split("、")]
            for name in names:
                one = self.spec.by_heading.get(plain_heading(name)) if name else None
                if one is not None and one.stage == self.stage and one not in found:
                    found.append(one)
        return found

    def _parsed(self) -> list[tuple[FieldSpec, Parsed]]:
        values = self.values()
        return [
            (one, parse(one.default if is_empty(values.get(one.key)) else values.get(one.key), one))
            for one in self.spec.of_stage(self.stage)
        ]

    def _summary(self) -> None:
        self._tell("")
        for at, (one, parsed) in enumerate(self._parsed(), 1):
            self._tell(f"{at:>3} {_name(one)}{_colon()}{display_masked(parsed.value, one)}"
                       f"{one.unit if parsed.value is not None else ''}")

    def _confirm(self, *, allowed: bool) -> FieldSpec | None:
        """None when everything is right, else the field to be changed."""
        fields = self.spec.of_stage(self.stage)
        while True:
            if allowed:
                self._tell(tr("Enter: all is right. A number: change that line. q: stop and keep the answers."))
            else:
                self._tell(tr("A number: change that line. q: stop and keep the answers."))
            typed = _read_line("").strip()
            number = "".join(char for char in typed if char.isdigit())
            if not typed and allowed:
                return None
            if typed in _QUIT:
                raise _Leave
            if number == typed and typed and 1 <= int(number) <= len(fields):
                return fields[int(number) - 1]
            if typed in _BACK and self.asked:
                return self.asked[-1].field
            match = self.spec.by_heading.get(plain_heading(typed)) if typed else None
            if match is not None and match.stage == self.stage:
                return match


def ask_values(
    app: App,
    spec: FormSpec,
    given: Mapping[str, object],
    stage: Stage = "before",
    *,
    known: Mapping[str, Value] | None = None,
    save_to: Path | None = None,
    before_asking: Callable[[], None] | None = None,
) -> dict[str, object]:
    """Ask for every field of the stage that ``given`` lacks, or gives a value that is refused.

    A field that is given empty is asked only when it is required. Nothing missing: nothing is asked.

    Args:
        app: the call; with ``--no-input``, or away from a terminal, nothing can be asked.
        spec: the form.
        given: raw values by key or label.
        stage: whose fields are asked.
        known: values by key of the earlier stage, for conditions.
        save_to: where the answers are written when the person stops; default a new file in the store's work folder.
        before_asking: called when there is something to ask, before the first question.

    Returns:
        Raw values by key, given and typed, as ``validate_row`` and ``--data`` take them.

    Raises:
        WrongUsage: something is missing and nobody can be asked.
        Interrupted: the person stopped; the answers so far, if any, are in the file that the message names.
    """
    earlier = dict(known or {})
    own = {one.key for one in spec.of_stage(stage)}
    raw: dict[str, object] = {}
    for name, value in given.items():
        one = spec.by_heading.get(plain_heading(name))
        raw[one.key if one is not None and one.key in own else name] = value
    strange = [problem for problem in validate_row(spec, RawRow(1, raw, {}), stage, known=earlier)[1]
               if problem.severity == "error" and problem.field == ""]
    if any(problem.code == "unknown-field" for problem in strange):
        # After all the questions it would be too late to say so.
        raise InputRefused(msg("Names that the form does not know."), msg("Correct them; nothing was asked."), strange)
    wanted = _wanted(spec, stage, raw, earlier)
    kept = {key: value for key, value in raw.items() if key not in {one.key for one in wanted}}
    if not _can_ask(app):
        needed = _needed(spec, stage, raw, earlier)
        if needed:
            raise WrongUsage(
                msg("Missing or refused: {labels}.", labels=listed(_name(one) for one in needed)),
                msg("Give them with --set FIELD=VALUE or --data FILE, or run it in a terminal to be asked."),
            )
        return raw
    if not wanted:
        return raw
    if before_asking is not None:
        before_asking()
    click.echo(tr("{count} question(s). ?: help, <: back, Ctrl-C: stop and keep the answers.").format(
        count=len(wanted)), err=True)
    dialogue = _Dialogue(app, spec, stage, earlier, kept, wanted)
    for one in wanted:
        dialogue.put_before(one, raw.get(one.key))
        for fault in parse(raw.get(one.key), one).faults:
            click.echo(f"    × {_name(one)}{_colon()}{fault.message.render(tr)}", err=True)
    try:
        return dialogue.run()
    except (KeyboardInterrupt, EOFError, click.Abort, _Leave) as stopped:
        click.echo("", err=True)
        if not dialogue.answers or all(map(is_empty, dialogue.values().values())):
            # A file without values would only be refused when it is given to --data.
            raise Interrupted(msg("Stopped before anything was answered; nothing was done and no file was written."),
                              msg("Give the command again.")) from stopped
        path = save_answers(app, spec, dialogue.values(), save_to)
        raise Interrupted(
            msg("Stopped; nothing was done. The answers so far are in {file}.", file=str(path)),
            msg("Go on with: --data {file} --ask", file=quoted(path)),
        ) from stopped


def save_answers(app: App, spec: FormSpec, answers: Mapping[str, object], path: Path | None = None) -> Path:
    """Write answers for replay with ``--data``, readable by their owner alone; returns the file.

    Without ``path`` a new name in the store's work folder is taken. A given file is replaced.
    """
    number = 1
    target = path or app.store / "work" / f"{spec.id}-answers-1.json"
    while path is None and target.exists():
        number += 1
        target = target.with_name(f"{spec.id}-answers-{number}.json")
    data = json.dumps(dict(answers), ensure_ascii=False, indent=1, default=_plain).encode()
    mask = os.umask(0o077)  # the file is never open to others, not for a moment
    try:
        files.write_atomic(target, data, overwrite=path is not None)
    finally:
        os.umask(mask)
    return target


def _plain(value: object) -> object:
    return to_plain(value) if not isinstance(value, list | dict) else value  # type: ignore[arg-type]


def _wanted(spec: FormSpec, stage: Stage, raw: Mapping[str, object], known: Mapping[str, Value]) -> list[FieldSpec]:
    must = {one.key for one in _needed(spec, stage, raw, known)}
    return [one for one in spec.of_stage(stage) if one.key not in raw or one.key in must]


def _needed(spec: FormSpec, stage: Stage, raw: Mapping[str, object], known: Mapping[str, Value]) -> list[FieldSpec]:
    """Fields that are refused as they are given, or required and not given."""
    of_form = {one.key for one in spec.of_stage(stage)}
    row = RawRow(1, {key: value for key, value in raw.items() if key in of_form}, {})
    found = {problem.field.partition("[")[0] for problem in validate_row(spec, row, stage, known=known)[1]
             if problem.severity == "error" and problem.code != "rule"}
    return [one for one in spec.of_stage(stage) if one.key in found]


def _can_ask(app: App) -> bool:
    return not app.no_input and sys.stdin.isatty() and sys.stderr.isatty()


def _name(one: FieldSpec) -> str:
    return one.label if tr("yes") != "yes" or not one.label_en else one.label_en


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Mapping):
        return "|".join(map(str, value.values()))
    return str(value)


def _colon() -> str:
    return "：" if tr("yes") != "yes" else ": "


def _example(one: FieldSpec) -> str:
    """The example as people type it: a form's author writes an instant with a T."""
    text = _text_of(one.example)
    return text.replace("T", " ") if one.type == "instant" else text


def _chosen(one: FieldSpec, typed: str) -> str:
    """The choice for its number; an answer that is itself a choice stays."""
    word = typed.strip()
    if one.choices and word not in one.choices and word.isdecimal() and 1 <= int(word) <= len(one.choices):
        return one.choices[int(word) - 1]
    return typed


def _read_line(prefill: str) -> str:
    """One line from the terminal, ``prefill`` already typed for the person to correct.

    The question stands on lines of its own above: the line editor may then erase wide characters and redraw its own
    line without damaging it. Answers never enter a history.

    Raises:
        EOFError: the input was closed.
        KeyboardInterrupt: Ctrl-C.
    """
    while True:
        try:
            return _line(prefill)
        except UnicodeDecodeError:  # half a character was erased by a terminal that knows bytes only
            click.echo("    × " + tr("That could not be read; type it again."), err=True)


def _line(prefill: str) -> str:
    if not sys.stdout.isatty():
        # Standard output carries data: the prompt goes where the questions are, without the line editor.
        click.echo(f"  > {prefill and f'[{prefill}] '}", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n") or prefill
    try:
        import readline
    except ImportError:  # Windows: its console edits lines by itself
        return input(f"  > {prefill and f'[{prefill}] '}") or prefill
    readline.set_auto_history(False)
    if prefill:
        readline.set_startup_hook(lambda: readline.insert_text(prefill))
    try:
        return input("  > ")
    finally:
        readline.set_startup_hook(None)
