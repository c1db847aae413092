"""The command that makes a store: it asks what is not given, one line of meaning for each question, then writes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from msgspec import Struct, structs

from recordkit.archive_settings import LONGEST_VALUE, ArchiveSection, wrong_in_archive
from recordkit.cli.base import App, Command, dry_run_option, option, pass_app, system_user, usual_store
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.showing import quoted
from recordkit.errors import InputRefused, Interrupted, RefusedByRule
from recordkit.messages import Message, listed, msg
from recordkit.settings import CompanySection

_LONGEST_NAME = 80  # characters; longer ones break the heads of the forms
_ITEMS_CODE = "{fonds}-{category}-{seq:04}"  # DA/T 13-2022: fonds, category, item number


class _Answers(Struct, frozen=True):
    """What a new store is called and how it numbers."""

    company: str
    office: str
    office_code: str
    fonds: str
    code: str

    def sections(self) -> tuple[CompanySection, ArchiveSection]:
        """As they stand in recordkit.toml."""
        return (CompanySection(self.company, self.office, self.office_code),
                ArchiveSection(fonds=self.fonds, fonds_name=self.company, code=self.code))

    def example(self) -> str:
        """The archival code that the first visit record of a year would have."""
        archive = self.sections()[1]
        values = {"fonds": self.fonds, "category": archive.category, "class": "visit-record", "year": "2026",
                  "period": "D10", "office": self.office_code, "seq": 1}
        return self.code.format_map(values)


_QUESTIONS: Sequence[tuple[str, str, str]] = (
    ("company", N_("Name of the company"), N_("Stands at the head of every document and listing.")),
    ("office", N_("Name of the office"), N_("The department that issues the documents and keeps the archive.")),
    ("office_code", N_("Code of the office"),
     N_("A few letters or digits for it in document numbers and archival codes, such as KFZ.")),
    ("fonds", N_("Fonds number"),
     N_("The number of your archive, given by the archives in charge; make one up where there is none.")),
    ("code", N_("Archival code"),
     N_("How filed records are numbered. A code once given never changes. Type 1 or 2, or a template of your own.")),
)
"""Field, name and what it means, in the order in which they are asked."""


def problem_of(field: str, answers: _Answers) -> Message | None:
    """What is wrong with the answer for ``field``, given those before it; None when it can stand."""
    value: str = getattr(answers, field)
    if not value.strip():
        return msg("It must not be empty.")
    if any(not one.isprintable() for one in value):
        return msg("It holds characters that cannot be printed.")
    if field in ("company", "office"):
        return msg("At most {most} characters.", most=_LONGEST_NAME) if len(value) > _LONGEST_NAME else None
    if field in ("office_code", "fonds"):
        # Said for each by itself: which of the templates will use it is asked later.
        if len(value) > LONGEST_VALUE or any(one.isspace() or one in "{}" for one in value):
            return msg("1 to {most} characters without spaces and braces, as they stand in the archival code",
                       most=LONGEST_VALUE)
        return None
    company, archive = answers.sections()
    wrong = next(wrong_in_archive(archive, company.office_code), None)
    return None if wrong is None else msg("{value} cannot be; allowed: {allowed}.", value=str(wrong.value),
                                          allowed=wrong.allowed)


class _Dialogue:
    """The questions, and at the end all of it on one screen, where an answer can be changed by its number."""

    def __init__(self, root: Path, standard: _Answers, given: dict[str, str], read: Callable[[str], str]) -> None:
        self.root = root
        self.answers = structs.replace(standard, **given)
        self._wanted = [one for one in _QUESTIONS if one[0] not in given]
        self._read = read

    def run(self) -> _Answers:
        """Ask, show, confirm.

        Raises:
            EOFError, KeyboardInterrupt: the person leaves; nothing was written.
        """
        _say(tr("A new store in {folder}. {count} questions; Enter takes what stands in brackets, Ctrl-C leaves "
                "without a trace.").format(folder=self.root, count=len(self._wanted)))
        for place, one in enumerate(self._wanted, 1):
            self._ask(f"{place}/{len(self._wanted)}", *one)
        while True:
            word = self._confirm()
            if not word:
                return self.answers
            if word.isdecimal() and 1 <= int(word) <= len(_QUESTIONS):
                self._ask(word, *_QUESTIONS[int(word) - 1])
            else:
                _say("  × " + tr("Enter makes the store; a number from 1 to {most} changes that line.").format(
                    most=len(_QUESTIONS)))

    def _ask(self, mark: str, field: str, name: str, meaning: str) -> None:
        _say("")
        _say(click.style(f"{mark}  {tr(name)}", bold=True))
        _say("  " + tr(meaning))
        standards = {"1": ArchiveSection().code, "2": _ITEMS_CODE} if field == "code" else {}
        for number, code in standards.items():
            rule = N_("DA/T 22-2015, with year and period") if number == "1" else N_("DA/T 13-2022, the shortest")
            example = structs.replace(self.answers, code=code).example()
            _say(f"    {number}  {example}  ({tr(rule)})" if tr("yes") == "yes" else
                 f"    {number}  {example}  （{tr(rule)}）")
        while True:
            before: str = getattr(self.answers, field)
            shown = next((number for number, code in standards.items() if code == before), before)
            typed = self._read(f"  [{shown}] > ").strip()
            changed = structs.replace(self.answers, **{field: standards.get(typed, typed) or before})
            problem = problem_of(field, changed)
            if problem is None:
                self.answers = changed
                return
            _say("  × " + problem.render(tr))

    def _confirm(self) -> str:
        _say("")
        colon = "：" if tr("yes") != "yes" else ": "
        for place, (field, name, _) in enumerate(_QUESTIONS, 1):
            _say(f"  {place}  {tr(name)}{colon}{getattr(self.answers, field)}")
        _say(tr("The first code of a year would be {code}.").format(code=self.answers.example()))
        return self._read(tr("Enter makes the store; a number changes that line") + " > ").strip()


def _say(text: str) -> None:
    click.echo(text, err=True)


def _read_line(prompt: str) -> str:
    """One line, with the line editor where there is one.

    Raises:
        EOFError, KeyboardInterrupt: the person leaves.
    """
    import contextlib

    if not sys.stdout.isatty():  # standard output carries data: the prompt goes where the questions are
        click.echo(prompt, nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n")
    with contextlib.suppress(ImportError):
        import readline

        readline.set_auto_history(False)
    while True:
        try:
            return input(prompt)
        except UnicodeDecodeError:  # half a character was erased by a terminal that knows bytes only
            _say("  × " + tr("That could not be read; type it again."))


@click.command(cls=Command, help=N_("Make a store in DIR (default: the store of --store)."))
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@option("--simulation", is_flag=True,
        help=N_("A store to try things in: --as-of moves its clock; marked for ever as no real archive."))
@option("--company", help=N_("Name of the company, printed on documents."))
@option("--office", help=N_("Name of the office."))
@option("--office-code", help=N_("Code of the office in document numbers and archival codes."))
@option("--fonds", help=N_("Fonds number."))
@option("--code", help=N_("Template of the archival code; DA/T 22-2015 by default."))
@dry_run_option
@pass_app
def init(
    app: App, folder: Path | None, simulation: bool, company: str | None, office: str | None, office_code: str | None,
    fonds: str | None, code: str | None, dry_run: bool,
) -> None:
    """Ask what is not given, then make the store."""
    from recordkit.cli.saving import require_place
    from recordkit.store import make_store, require_unused

    root = folder or app.store
    if app.as_of is not None and not simulation:
        raise RefusedByRule(msg("--as-of only computes; an act in a real archive bears its real date."))
    require_unused(root)  # before anybody answers questions for nothing
    require_place(root.resolve().parent)
    standard = CompanySection()
    answers = _Answers(standard.name, standard.office, standard.office_code, ArchiveSection().fonds,
                       ArchiveSection().code)
    spoken = {"company": company, "office": office, "office_code": office_code, "fonds": fonds, "code": code}
    given = {field: value for field, value in spoken.items() if value is not None}
    for field in given:
        problem = problem_of(field, structs.replace(answers, **given))
        if problem is not None:
            raise InputRefused(msg("{name}: {problem}", name=f"--{field.replace('_', '-')}", problem=problem))
    asked = not app.no_input and sys.stdin.isatty() and len(given) < len(_QUESTIONS)
    if asked:
        try:
            answers = _Dialogue(root, answers, given, _read_line).run()
        except (EOFError, KeyboardInterrupt):
            _say("")
            raise Interrupted(msg("Left before anything was written."),
                              msg("Begin again with: recordkit init {folder}", folder=quoted(root))) from None
    else:
        answers = structs.replace(answers, **given)
    section, archive = answers.sections()
    if not dry_run:
        make_store(
            root, app.clock(), app.actor or system_user(), simulation=simulation, company=section, archive=archive,
            language="zh" if tr("yes") != "yes" else "en",
        )
    if app.json:
        app.print_json({"store": str(root), "company": section.name, "office": section.office,
                        "office_code": section.office_code, "fonds": archive.fonds, "code": archive.code,
                        "simulation": simulation})
        return
    if dry_run:
        told = [Step(msg("Make a store"), str(root))]
        told += [Step(msg("Write into recordkit.toml"), "", name, None, value) for name, value in (
            (msg("Company"), section.name), (msg("Office"), section.office), (msg("Office code"), section.office_code),
            (msg("Fonds"), archive.fonds), (msg("Template of the archival code"), archive.code))]
        print_plan(app, told)
        return
    app.say(tr("The store {folder} is ready. Its settings are in recordkit.toml.").format(folder=root))
    if not simulation:
        _tell_what_is_next(app, root, placeholder=section.name == standard.name)


def _tell_what_is_next(app: App, root: Path, *, placeholder: bool) -> None:
    """What an office does between making a store and its first document."""
    chosen = "" if root == usual_store() else f" --store {quoted(root)}"
    if placeholder:
        app.say(msg("The company is still called {name}: write its real name into {file} before the first document is "
                    "issued.", name=CompanySection().name, file=str(root / "recordkit.toml")))
    steps = (
        msg("read {files}: each setting is explained there; then: {command}",
            files=listed([str(root / "recordkit.toml"), str(root / "retention.toml")]),
            command=f"recordkit{chosen} config check"),
        msg("see what this computer lacks: {command}", command=f"recordkit{chosen} doctor"),
        msg("issue a first document: {command}", command=f"recordkit{chosen} generate visit-record --ask"),
    )
    app.say(tr("Next:"))
    for place, step in enumerate(steps, 1):
        app.say(f"  {place}. {step.render(tr)}")
