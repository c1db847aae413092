"""Asks for the values of a form that must be known and that nothing else gives, and for nothing else.

What is required comes first; what follows from other answers, the settings or earlier documents is proposed
(``templates.proposing``) and not asked. A wrong answer is told at once, with an example, and comes back to be
corrected, not to be typed anew. ``<`` goes back, ``?`` explains. At the end everything stands on one screen: any line
can be changed by its number, and what may be left empty is filled in by its name. Ctrl-C loses nothing: the answers so
far go into a file that ``--data`` takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from recordkit.cli.answers import Keyboard, Pipe, answers_of, save_answers
from recordkit.cli.base import App, problem_line
from recordkit.cli.i18n import tr, tr_list
from recordkit.cli.questions import (
    Question,
    cells_of,
    colon,
    example_of,
    help_on,
    in_lines,
    name_of,
    named_in,
    text_of,
)
from recordkit.cli.showing import quoted
from recordkit.errors import InputRefused, Interrupted, WrongUsage
from recordkit.messages import Message, listed, msg
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.fieldtypes import Value, display_masked, is_empty, parse
from recordkit.templates.houserules import can_be_laid_down, lay_down
from recordkit.templates.proposing import Earlier, Proposal, Proposer, awaited
from recordkit.templates.rows import RawRow
from recordkit.templates.spec import FieldSpec, FormSpec, Stage, plain_heading
from recordkit.templates.validate import validate_row

if TYPE_CHECKING:
    from recordkit.model import Problem

_BACK = frozenset({"<", "＜", "《", "〈"})  # what a Chinese keyboard gives for the key
_HELP = frozenset({"?", "？"})
_ALWAYS = frozenset({"=", "＝"})
_QUIT = frozenset({"q", "Q", "ｑ"})
_NAMED = 4
"""Fields that may be left empty and are few enough to be named on the last screen itself."""


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
    answers: dict[Question, str] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    old: dict[Question, str] = field(default_factory=dict)
    proposed: dict[str, Proposal] = field(default_factory=dict)
    again: Question | None = None

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
        """What is asked first, for documents issued before may give the rest: the account, or what a document follows.

        Where the form can be without an account, the document that it names goes first, and may make it needless.
        """
        if self.proposer.earlier is None:
            return []
        account = self.spec.by_name.get(self.spec.roles.account)
        leading = [one for one in (account,) if one in self.fields and one is not None]
        if not leading or not leading[0].required:
            followed = [one for one in self.fields if one.required and self.spec.referred(one)]
            leading = followed + (leading if not any(self.proposer.referred(self._parsed())) else [])
        return [one for one in leading if one.key not in self.given and self._is_open(one)]

    def _is_wanted(self, one: FieldSpec) -> bool:
        return one.key not in self.given and self._is_open(one) and self._is_required(one)

    def _is_open(self, one: FieldSpec) -> bool:
        """Whether nothing is known of the field yet."""
        return one.key not in self.proposed and self._question_of(one) is not None

    def _ask_all(self) -> None:
        while (question := self._next()) is not None:
            self._ask(question)

    def _next(self) -> Question | None:
        """The next question: of whom it is, then what is needed, that last what may follow from the rest."""
        self._propose()
        if self.again is not None:
            question, self.again = self.again, None
            return question
        for one in self._leading():
            return self._question_of(one)
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

    def _question_of(self, one: FieldSpec) -> Question | None:
        """The first question of a field without an answer."""
        if one.type != "table":
            question = Question(one)
            return None if question in self.answers else question
        row = 0
        while one.max_rows is None or row < one.max_rows:
            first = Question(one, row, one.columns[0])
            if first not in self.answers:
                return first
            if not self.answers[first].strip():
                break  # an empty first cell ends the table
            for column in one.columns[1:]:
                if Question(one, row, column) not in self.answers:
                    return Question(one, row, column)
            row += 1
        return None

    def _propose(self) -> None:
        """Look again what follows from what is known."""
        self.proposed = {}
        values = {**self.known, **self._parsed()}
        answered = {question.field.key for question in self.answers}
        free = [one for one in self.fields
                if one.key not in self.given and one not in self.must and one.key not in answered]
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

    def _ask(self, question: Question) -> None:
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
            typed = self._in_full(one, typed)
            cells = cells_of(question, typed)
            fault, at = next(((fault, cell.spec) for cell, answer in cells
                              if (fault := self._fault(cell, answer)) is not None), (None, one))
            if fault is None:
                for cell, answer in cells:
                    self._keep(cell, answer)
                return
            if self._follows(question, typed):
                if not self._is_open(one):
                    return
                continue
            if isinstance(self.source, Pipe):
                raise InputRefused(
                    msg("Line {line} of the answers, {label}: {fault}", line=self.source.line, label=name_of(at),
                        fault=fault), msg("Correct them; nothing was done."))
            self._tell(f"    × {fault.render(tr)}")
            if not is_empty(at.example) and at.type != "choice":
                self._tell("      " + tr("e.g. {example}").format(example=example_of(at)))
            prefill = typed

    def _keep(self, question: Question, answer: str) -> None:
        self.answers[question] = answer
        if question in self.asked:
            self.asked.remove(question)
        self.asked.append(question)
        if question.field in self.must and self._question_of(question.field) is None:
            self.must.remove(question.field)
        if question.field.key == self.spec.roles.account and question.column is None:
            self._tell_found(self.proposer.newest(self._parsed()))
        elif self.proposer.earlier is not None and (forms := self.spec.referred(question.field)):
            found = self.proposer.named(answer, forms)
            self._tell_found(found)
            if found is None and answer.strip():
                self._tell("    ! " + tr("No document {number} was issued here; nothing is taken from it.").format(
                    number=answer.strip()))

    def _tell_found(self, found: Earlier | None) -> None:
        if found is not None:
            self._tell("    " + tr("{number} of {date} is there; what stands in it is proposed at the end.").format(
                number=found.number, date=found.day.isoformat()))

    def _in_full(self, one: FieldSpec, typed: str) -> str:
        """The number of the document that is meant, for its digits; what names none stays."""
        forms = self.spec.referred(one)
        found = self.proposer.named(typed, forms) if forms and typed.strip() else None
        return typed if found is None else found.number

    def _follows(self, question: Question, typed: str) -> bool:
        """Whether instead of an account the number of a document stands there, which is followed from now on."""
        if question.field.key != self.spec.roles.account or not (found := self.proposer.named(typed)):
            return False
        self.proposer = replace(self.proposer, pattern=found)
        self._tell_found(found)
        self._propose()
        return True

    def _fault(self, question: Question, answer: str) -> Message | None:
        one = question.spec
        parsed = parse(answer, one)
        for fault in parsed.faults:
            if fault.severity == "error":
                return fault.message
            self._tell(f"    ! {fault.message.render(tr)}")
        if parsed.value is None and self._needs(question):
            return msg("This is needed.")
        return None

    def _needs(self, question: Question) -> bool:
        one = question.field
        if question.column is None:
            return self._is_required(one)
        if question.column is not one.columns[0]:
            return question.column.required
        least = max(one.min_rows, 1) if self._is_required(one) else 0
        if question.row:
            least = max(least, one.min_rows)
        return question.row < least

    def _step_back(self, question: Question, typed: str) -> None:
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
            self.old[Question(one)] = "" if is_empty(raw) else text_of(raw)
            return
        rows = parse(raw, one).value
        for at, row in enumerate(rows if isinstance(rows, list) else ()):
            for column in one.columns:
                cell = row.get(column.key)
                self.old[Question(one, at, column)] = "" if cell is None else text_of(cell)

    def _forget(self, question: Question) -> None:
        self.old[question] = self.answers.pop(question, "")

    # --- telling ----------------------------------------------------------------------------------------------

    def _tell(self, text: str) -> None:
        if not (self.app.quiet and self.source.piped):
            click.echo(text, err=True)

    def _say_question(self, question: Question) -> None:
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
        if self.spec.referred(one) and self.proposer.earlier is not None:
            facts.append(tr("its digits are enough"))
        self._tell(f"{click.style(f'{done + 1}/{total} {name}', bold=True)}  {' · '.join(facts)}")
        if one.key == self.spec.roles.account and self.proposer.earlier is not None and not self.asked:
            self._tell("    " + tr("Or the number of a document that this one follows, such as the application."))
        if one.choices:
            self._tell("    " + "  ".join(f"{at} {choice}" for at, choice in enumerate(one.choices, 1)))
        if question.column is not None and question.column is question.field.columns[0]:
            row = "|".join(name_of(column) for column in question.field.columns)
            hints = [tr("A whole row may be typed: {row}").format(row=row)] if len(question.field.columns) > 1 else []
            if not self._needs(question):
                hints.append(tr("Enter alone ends the table."))
            if hints:
                self._tell("    " + " ".join(hints))

    def _say_help(self, question: Question) -> None:
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
            copied = origin is not None and origin.is_copied
            told = "" if origin is None else click.style(f"  ({origin.source.render(tr)})", dim=not copied)
            self._tell(f"{'*' * copied + str(at):>3} {name_of(one)}{colon()}{display_masked(values[one.key], one)}"
                       f"{one.unit}{told}")
        if any(one.is_copied for one in self.proposed.values()):
            self._tell(tr("* stands so in another customer's document: look whether it holds here."))
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
            if self.proposer.earlier is not None:
                self._tell(tr("= and a number: from now on that line is filled in so in every document of this form."))
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
            if typed[:1] in _ALWAYS:
                self._lay_down(named_in(self.spec, lines, typed[1:].strip()))
                continue
            found = named_in(self.spec, lines, typed) if typed else []
            if len(found) == 1:
                return found[0]
            if typed:
                self._tell("    × " + (tr("Which one: {names}?").format(names=tr_list(map(name_of, found))) if found
                                       else tr("There is no line {text}.").format(text=typed)))

    def _lay_down(self, found: Sequence[FieldSpec]) -> None:
        """Keep a line for the documents to come."""
        raw = text_of(self.values().get(found[0].key, "")) if len(found) == 1 else ""
        if not raw or not can_be_laid_down(found[0], self.spec):
            self._tell("    × " + tr("Only a filled line that holds for every customer can be kept."))
            return
        path = lay_down(self.app.store, self.spec, found[0], raw)
        self._tell("    " + tr("Kept in {file}: {label} is no longer asked.").format(
            file=quoted(path), label=name_of(found[0])))


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


def _needed(spec: FormSpec, stage: Stage, raw: Mapping[str, object], known: Mapping[str, Value]) -> list[FieldSpec]:
    """Fields that are refused as they are given, or required and not given."""
    of_form = {one.key for one in spec.of_stage(stage)}
    row = RawRow(1, {key: value for key, value in raw.items() if key in of_form}, {})
    found = {problem.field.partition("[")[0] for problem in validate_row(spec, row, stage, known=known)[1]
             if problem.severity == "error" and problem.code != "rule"}
    return [one for one in spec.of_stage(stage) if one.key in found]
