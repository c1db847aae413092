"""Asks for the values of a form that must be known and that nothing else gives, and for nothing else.

What is required comes first; what follows from other answers, the settings or earlier documents is proposed
(``templates.proposing``) and not asked. A wrong answer is told at once, with an example, and comes back to be
corrected, not to be typed anew. ``<`` goes back, ``?`` explains. At the end everything stands on one screen: any line
can be changed by its number, and what may be left empty is filled in by its name. Ctrl-C loses nothing: the answers so
far go into a file that ``--data`` takes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from recordkit import files
from recordkit.cli.answers import Keyboard, Pipe, answers_of
from recordkit.cli.base import App, problem_line
from recordkit.cli.i18n import tr, tr_list
from recordkit.cli.questions import chosen, colon, example_of, help_on, in_lines, name_of, text_of
from recordkit.cli.showing import quoted
from recordkit.errors import InputRefused, Interrupted, WrongUsage
from recordkit.messages import Message, listed, msg
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.fieldtypes import Value, display_masked, is_empty, parse, to_plain
from recordkit.templates.proposing import Proposal, Proposer, awaited
from recordkit.templates.rows import RawRow
from recordkit.templates.spec import FieldSpec, FormSpec, Stage, plain_heading
from recordkit.templates.validate import validate_row

if TYPE_CHECKING:
    from recordkit.model import Problem

_BACK = frozenset({"<", "＜", "《", "〈"})  # what a Chinese keyboard gives for the key
_HELP = frozenset({"?", "？"})
_QUIT = frozenset({"q", "Q", "ｑ"})
_NAMED = 4
"""Fields that may be left empty and are few enough to be named on the last screen itself."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One thing to ask: a field, or one column in one row (from 0) of a table."""

    field: FieldSpec
    row: int = 0
    column: FieldSpec | None = None

    @property
    def spec(self) -> FieldSpec:
        return self.column or self.field


def _cells_of(question: _Question, typed: str) -> list[tuple[_Question, str]]:
    """What was typed, question by question: at the first one of a table's row the whole row may stand, ``a|b|c``."""
    columns = question.field.columns
    cells = typed.replace("｜", "|").split("|")
    if question.column is not None and question.column is columns[0] and 1 < len(cells) <= len(columns):
        cells += [""] * (len(columns) - len(cells))
        return [(_Question(question.field, question.row, column), cell.strip())
                for column, cell in zip(columns, cells, strict=True)]
    answer = chosen(question.spec, typed)
    if is_empty(answer) and not is_empty(question.spec.default):
        answer = text_of(question.spec.default)
    return [(question, answer)]


class _Leave(Exception):  # noqa: N818  (the person's wish)
    """The person ends the questions; the answers are kept."""


@dataclass
class _Dialogue:
    """The state of one round of questions.

    Attributes:
        given: raw values by key that need no question.
        must: fields to be asked whatever is known of them: refused as given, chosen or blamed.
        answers: what was typed and passed its check.
        asked: the answered questions, the last one last.
        old: what is put before the person when a question comes again.
        proposed: values for fields that are neither given nor answered.
    """

    app: App
    spec: FormSpec
    stage: Stage
    known: Mapping[str, Value]
    given: dict[str, object]
    must: list[FieldSpec]
    source: Keyboard | Pipe
    proposer: Proposer
    answers: dict[_Question, str] = field(default_factory=dict)
    asked: list[_Question] = field(default_factory=list)
    old: dict[_Question, str] = field(default_factory=dict)
    proposed: dict[str, Proposal] = field(default_factory=dict)
    again: _Question | None = None

    def run(self) -> dict[str, object]:
        """Ask, check, show, confirm."""
        self._ask_all()
        before: list[FieldSpec] = []
        while True:
            problems = self._problems()
            refused = [problem for problem in problems if problem.severity == "error"]
            blamed = self._blamed(refused)
            if blamed and blamed != before and not self.source.piped:
                self._tell_problems(refused)
                for one in blamed:
                    self._reopen(one)
                self._ask_all()
                before = blamed  # asked again in vain: the fault may lie in a line that was not blamed
                continue
            lines = self._summary()
            self._tell_problems(problems)
            if refused and self.source.piped:
                raise InputRefused(msg("The answers do not go together."), msg("Correct them; nothing was done."),
                                   refused)
            choice = self._confirm(lines, allowed=not refused)
            if choice is None:
                return self.values()
            before = []
            self._reopen(choice)
            self._ask_all()

    def open(self, raw: Mapping[str, object]) -> None:
        """Say how many questions there are, and what is wrong with values that were given."""
        self._propose()
        self._tell(tr("{count} question(s). ?: help, <: back, Ctrl-C: stop and keep the answers.").format(
            count=len({one.key for one in (*self.waiting(), *self._leading())})))
        for one in self.must:
            self.put_before(one, raw.get(one.key))
            for fault in parse(raw.get(one.key), one).faults:
                self._tell(f"    × {name_of(one)}{colon()}{fault.message.render(tr)}")

    def values(self) -> dict[str, object]:
        """All values by key: given, proposed, typed; what was typed empty is there as an empty text."""
        found = {**self.given, **{key: one.raw for key, one in self.proposed.items()}}
        rows: dict[str, dict[int, dict[str, str]]] = {}
        for question, answer in self.answers.items():
            if question.column is None:
                found[question.field.key] = answer
            else:
                table = rows.setdefault(question.field.key, {})
                table.setdefault(question.row, {})[question.column.key] = answer
        for key, table in rows.items():
            found[key] = [row for _, row in sorted(table.items()) if any(map(str.strip, row.values()))]
        return found

    # --- what to ask ------------------------------------------------------------------------------------------

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        return self.spec.of_stage(self.stage)

    def waiting(self) -> list[FieldSpec]:
        """The fields that must be asked as far as can be told now, in their order."""
        return [one for one in self.fields if one in self.must or self._is_wanted(one)]

    def _leading(self) -> list[FieldSpec]:
        """The account, as long as it is open and earlier documents of it may give answers."""
        account = self.spec.by_name.get(self.spec.roles.account)
        if (account is None or account not in self.fields or account.key in self.given
                or self.proposer.earlier is None or not self._is_open(account)):
            return []
        return [account]

    def _is_wanted(self, one: FieldSpec) -> bool:
        return one.key not in self.given and self._is_open(one) and self._is_required(one)

    def _is_open(self, one: FieldSpec) -> bool:
        """Whether nothing is known of the field yet."""
        return one.key not in self.proposed and self._question_of(one) is not None

    def _ask_all(self) -> None:
        while (question := self._next()) is not None:
            self._ask(question)

    def _next(self) -> _Question | None:
        """The next question: of whom it is, then what is needed, that last what may follow from the rest."""
        self._propose()
        if self.again is not None:
            question, self.again = self.again, None
            return question
        for account in self._leading():
            return self._question_of(account)
        waiting = self.waiting()
        if not waiting:
            return None
        names = {name for one in waiting for name in (one.key, one.label)}
        first = next((one for one in waiting if awaited(one).isdisjoint(names - {one.key, one.label})), waiting[0])
        if first.required_if and first not in self.must:
            # An empty field decides that this one is needed: whether it is empty is asked before.
            deciding = compile_expression(first.required_if).names
            first = next((one for one in self.fields if one is not first and one.type != "table"
                          and not deciding.isdisjoint((one.key, one.label)) and one.key not in self.given
                          and self._is_open(one)), first)
        return self._question_of(first)

    def _question_of(self, one: FieldSpec) -> _Question | None:
        """The first question of a field without an answer."""
        if one.type != "table":
            question = _Question(one)
            return None if question in self.answers else question
        row = 0
        while one.max_rows is None or row < one.max_rows:
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

    def _propose(self) -> None:
        """Look again what follows from what is known."""
        self.proposed = {}
        values = {**self.known, **self._parsed()}
        free = [one for one in self.fields if one.key not in self.given and one not in self.must
                and one.type != "table" and _Question(one) not in self.answers]
        for _ in range(2):  # one proposal may follow from another that stands below it
            for one in free:
                if one.key in self.proposed:
                    continue
                found = self.proposer.propose(one, values)
                if found is None and not is_empty(one.default):
                    found = Proposal(text_of(one.default), msg("as usual"))
                if found is not None:
                    self.proposed[one.key] = found
                    values[one.key] = parse(found.raw, one).value

    def _is_required(self, one: FieldSpec) -> bool:
        """Whether the field must be filled in, with the answers so far."""
        if one.required or not one.required_if:
            return one.required
        condition = compile_expression(one.required_if)
        open_ = {name for other in self.fields if other.required and other.key not in self.given
                 and (other in self.must or self._is_open(other)) for name in (other.key, other.label)}
        if not condition.names.isdisjoint(open_):
            return False  # it depends on a question still to come
        values = {**self.known, **self._parsed()}
        context = {name: values.get(other.key) for other in self.spec.fields for name in (other.key, other.label)}
        try:
            return bool(condition.value(context))
        except ExpressionFault:
            return False

    def _parsed(self) -> dict[str, Value]:
        raw = self.values()
        return {one.key: parse(one.default if is_empty(raw.get(one.key)) else raw[one.key], one).value
                for one in self.fields}

    # --- asking -----------------------------------------------------------------------------------------------

    def _ask(self, question: _Question) -> None:
        one = question.spec
        self._say_question(question)
        prefill = self.old.pop(question, "")
        while True:
            typed = self.source.read(prefill)
            # Where an old answer stands before the cursor, a sign typed behind it is meant alone.
            word = typed.removeprefix(prefill).strip()
            if word in _HELP:
                self._say_help(question)
                continue
            if word in _BACK:
                self._step_back(question, typed.removesuffix(word))
                return
            if one.type == "choice" and word and prefill and typed.startswith(prefill):
                typed = word  # another choice typed behind the old one, which nobody deletes first
            cells = _cells_of(question, typed)
            fault, at = next(((fault, cell.spec) for cell, answer in cells
                              if (fault := self._fault(cell, answer)) is not None), (None, one))
            if fault is None:
                for cell, answer in cells:
                    self._keep(cell, answer)
                return
            if isinstance(self.source, Pipe):
                raise InputRefused(
                    msg("Line {line} of the answers, {label}: {fault}", line=self.source.line, label=name_of(at),
                        fault=fault), msg("Correct them; nothing was done."))
            self._tell(f"    × {fault.render(tr)}")
            if not is_empty(at.example) and at.type != "choice":
                self._tell("      " + tr("e.g. {example}").format(example=example_of(at)))
            prefill = typed

    def _keep(self, question: _Question, answer: str) -> None:
        self.answers[question] = answer
        if question in self.asked:
            self.asked.remove(question)
        self.asked.append(question)
        if question.field in self.must and self._question_of(question.field) is None:
            self.must.remove(question.field)
        if question.field.key == self.spec.roles.account and question.column is None:
            newest = self.proposer.newest(self._parsed())
            if newest is not None:
                self._tell("    " + tr("{number} of {date} is there; what stands in it is proposed at the end.").format(
                    number=newest.number, date=newest.day.isoformat()))

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

    def _step_back(self, question: _Question, typed: str) -> None:
        self.old[question] = typed
        if not self.asked:
            self._tell("    " + tr("This is the first question."))
            return
        self.again = self.asked.pop()
        self._forget(self.again)

    def _reopen(self, one: FieldSpec) -> None:
        """Ask a field again with the old answers put before the person."""
        if one.key in self.given or one.key in self.proposed:
            self.put_before(one, self.values().get(one.key))
            self.given.pop(one.key, None)
        if one not in self.must:
            self.must.append(one)
        for question in [question for question in self.answers if question.field is one]:
            self._forget(question)
        self.asked = [question for question in self.asked if question.field is not one]

    def put_before(self, one: FieldSpec, raw: object) -> None:
        """Keep a given value as the answer that the person finds before the cursor."""
        if one.type != "table":
            self.old[_Question(one)] = "" if is_empty(raw) else text_of(raw)
            return
        rows = parse(raw, one).value
        for at, row in enumerate(rows if isinstance(rows, list) else ()):
            for column in one.columns:
                cell = row.get(column.key)
                self.old[_Question(one, at, column)] = "" if cell is None else text_of(cell)

    def _forget(self, question: _Question) -> None:
        self.old[question] = self.answers.pop(question, "")

    # --- telling ----------------------------------------------------------------------------------------------

    def _tell(self, text: str) -> None:
        if not (self.app.quiet and self.source.piped):
            click.echo(text, err=True)

    def _say_question(self, question: _Question) -> None:
        one = question.spec
        done = len({each.field.key for each in self.asked} - {question.field.key})
        total = done + len({question.field.key, *(each.key for each in self.waiting())})
        name = name_of(one)
        if question.column is not None:
            name = f"{name_of(question.field)} {question.row + 1} · {name}"
        facts = [] if one.type in ("text", "choice") else [tr(one.type)]
        facts.append(tr("needed") if self._needs(question) else tr("may be left empty"))
        if one.unit:
            facts.append(one.unit)
        if not is_empty(one.example) and one.type != "choice":
            facts.append(tr("e.g. {example}").format(example=example_of(one)))
        if not is_empty(one.default):
            facts.append(tr("Enter = {default}").format(default=text_of(one.default)))
        self._tell(f"{click.style(f'{done + 1}/{total} {name}', bold=True)}  {' · '.join(facts)}")
        if one.choices:
            self._tell("    " + "  ".join(f"{at} {choice}" for at, choice in enumerate(one.choices, 1)))
        if question.column is not None and question.column is question.field.columns[0]:
            row = "|".join(name_of(column) for column in question.field.columns)
            hints = [tr("A whole row may be typed: {row}").format(row=row)] if len(question.field.columns) > 1 else []
            if not self._needs(question):
                hints.append(tr("Enter alone ends the table."))
            if hints:
                self._tell("    " + " ".join(hints))

    def _say_help(self, question: _Question) -> None:
        for line in help_on(question.field, question.spec):
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

    def _summary(self) -> list[FieldSpec]:
        """Show what is filled in; all fields in the order of their numbers, the empty ones last."""
        values = self._parsed()
        filled = [one for one in self.fields if values[one.key] is not None]
        self._tell("")
        for at, one in enumerate(filled, 1):
            origin = self.proposed.get(one.key)
            told = "" if origin is None else click.style(f"  ({origin.source.render(tr)})", dim=True)
            self._tell(f"{at:>3} {name_of(one)}{colon()}{display_masked(values[one.key], one)}{one.unit}{told}")
        return [*filled, *(one for one in self.fields if values[one.key] is None)]

    def _confirm(self, lines: Sequence[FieldSpec], *, allowed: bool) -> FieldSpec | None:
        """None when everything is right, else the field to be changed."""
        values = self._parsed()
        empty = [(at, one) for at, one in enumerate(lines, 1) if values[one.key] is None]
        while True:
            if empty and len(empty) <= _NAMED:
                self._tell(tr("May be left empty: {names}. To fill one in, type its name or number.").format(
                    names=tr_list(f"{at} {name_of(one)}" for at, one in empty)))
            elif empty:
                self._tell(tr("{count} more may be left empty: ? lists them; to fill one in, type its name or "
                              "number.").format(count=len(empty)))
            if allowed:
                self._tell(tr("Enter: all is right. A number: change that line. q: stop and keep the answers."))
            else:
                self._tell(tr("A number: change that line. q: stop and keep the answers."))
            try:
                typed = self.source.read("").strip()
            except EOFError:
                if self.source.piped and allowed:
                    return None
                raise
            if not typed and allowed:
                return None
            if typed in _QUIT:
                raise _Leave
            if typed in _HELP:
                for line in in_lines([f"{at} {name_of(one)}" for at, one in empty]):
                    self._tell("    " + line)
                continue
            if typed in _BACK and self.asked:
                return self.asked[-1].field
            found = self._named(typed, lines) if typed else []
            if len(found) == 1:
                return found[0]
            if typed:
                self._tell("    × " + (tr("Which one: {names}?").format(names=tr_list(map(name_of, found))) if found
                                       else tr("There is no line {text}.").format(text=typed)))

    def _named(self, typed: str, lines: Sequence[FieldSpec]) -> list[FieldSpec]:
        if typed.isdecimal():
            return list(lines[int(typed) - 1:int(typed)]) if int(typed) else []
        word = plain_heading(typed)
        exact = self.spec.by_heading.get(word)
        if exact is not None and exact in lines:
            return [exact]
        return [one for one in lines if word in plain_heading(name_of(one))]


def ask_values(
    app: App,
    spec: FormSpec,
    given: Mapping[str, object],
    stage: Stage = "before",
    *,
    known: Mapping[str, Value] | None = None,
    save_to: Path | None = None,
    before_asking: Callable[[], None] | None = None,
    proposer: Proposer | None = None,
) -> dict[str, object]:
    """Ask for every field of the stage that must be known and that ``given`` lacks, or gives a value that is refused.

    Nothing missing: nothing is asked. Away from a terminal the answers are read from standard input, one a line.

    Args:
        app: the call; with ``--no-input`` nobody is asked.
        spec: the form.
        given: raw values by key or label; one that is given empty is asked only when it is required.
        stage: whose fields are asked.
        known: values by key of the earlier stage, for conditions.
        save_to: where the answers are written when the person stops; default a new file in the store's work folder.
        before_asking: called when there is something to ask, before the first question.
        proposer: says what need not be asked; default one that knows today and what the form says.

    Returns:
        Raw values by key, given, proposed and typed, as ``validate_row`` and ``--data`` take them.

    Raises:
        WrongUsage: something is missing and nobody can be asked, or the piped answers end too early.
        InputRefused: ``given`` names what the form does not know, or a piped answer is wrong.
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
    needed = _needed(spec, stage, raw, earlier)
    source = answers_of(app)
    if source is None or (source.piped and not needed):
        if needed:
            raise _missing(needed)
        return raw
    if not needed and own <= raw.keys():
        return raw
    if before_asking is not None:
        before_asking()
    refused = [one for one in needed if one.key in raw]
    dialogue = _Dialogue(app, spec, stage, earlier, {key: value for key, value in raw.items()
                                                     if key not in {one.key for one in refused}},
                         refused, source, proposer or Proposer(spec, app.today))
    dialogue.open(raw)
    try:
        return dialogue.run()
    except (KeyboardInterrupt, EOFError, click.Abort, _Leave) as stopped:
        if source.piped and isinstance(stopped, EOFError):
            raise _missing(dialogue.waiting() or needed) from stopped
        click.echo("", err=True)
        if not dialogue.answers:
            raise Interrupted(msg("Stopped before anything was answered; nothing was done and no file was written."),
                              msg("Give the command again.")) from stopped
        path = save_answers(app, spec, dialogue.values(), save_to)
        raise Interrupted(
            msg("Stopped; nothing was done. The answers so far are in {file}.", file=str(path)),
            msg("Go on with: --data {file} --ask", file=quoted(path)),
        ) from stopped


def _missing(fields: Sequence[FieldSpec]) -> WrongUsage:
    return WrongUsage(
        msg("Missing or refused: {labels}.", labels=listed(name_of(one) for one in fields)),
        msg("Give them with --set FIELD=VALUE or --data FILE, or run it in a terminal to be asked."),
    )


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


def _needed(spec: FormSpec, stage: Stage, raw: Mapping[str, object], known: Mapping[str, Value]) -> list[FieldSpec]:
    """Fields that are refused as they are given, or required and not given."""
    of_form = {one.key for one in spec.of_stage(stage)}
    row = RawRow(1, {key: value for key, value in raw.items() if key in of_form}, {})
    found = {problem.field.partition("[")[0] for problem in validate_row(spec, row, stage, known=known)[1]
             if problem.severity == "error" and problem.code != "rule"}
    return [one for one in spec.of_stage(stage) if one.key in found]
