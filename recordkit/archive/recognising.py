"""Which document a paper without a readable code is: by its number, or by account and form, and by what we printed.

A match needs one document and no doubt. What speaks for it is the share of the values that we printed which stand in
the paper's text; what speaks against it is any other document that fits nearly as well, and any document number in the
text that is neither its own nor one of its values. All thresholds were set by measurement (docs/ingest.md).
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

from recordkit.archive.matching import Portion, page_mark, with_page_marks
from recordkit.archive.search.text import leaves, normalise
from recordkit.errors import InputRefused, IntegrityFailure, NotFound
from recordkit.messages import listed, msg
from recordkit.model import Finding, PageText
from recordkit.templates import issue as issues
from recordkit.templates.chinese import chinese_date, display_date
from recordkit.templates.forms import read_form
from recordkit.templates.issue import Issue
from recordkit.templates.numbering import SEQUENCE_MARK
from recordkit.templates.spec import FormSpec
from recordkit.workspace import Workspace

BY_NUMBER = 0.8
"""Least share of the printed values in the text when the document's own number stands there."""
BY_ACCOUNT = 0.9
"""Least share when only account and form tell; the document's date must stand there too."""
RIVAL = 0.5
"""From this share on another document counts as one that it might be."""
BY_RIVAL = 0.65
"""From this share on another document without its number in the text may lie in the same file."""

_SHORTEST = 3
_MOST_OF_ACCOUNT = 30
_PIECE = 4
_LONG = 8  # characters of a number that are not found by chance
_SHOWN = 5
_LOOKALIKES = str.maketrans("oilzsb|", "0112581")
_DIGIT = "[0-9OoQIl|]"
_BRACKETS = "〔〕[]()（）【】［］﹝﹞"
_TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{2,30}")
_PRINTED_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d.*)?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that a paper might be: ``how`` it was found, ``confidence`` the share of its values in the text."""

    issue: Issue
    how: Literal["number", "account"]
    confidence: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the text of a paper says: the one document beyond doubt, if any, and all that it might be, best first."""

    match: Candidate | None
    candidates: tuple[Candidate, ...] = ()
    doubt: Finding | None = None


@dataclass(frozen=True, slots=True)
class _Text:
    """A paper's text as it is compared: ``packed`` without anything but letters, digits and Chinese characters."""

    raw: str
    packed: str
    spaced: str


@dataclass(frozen=True, slots=True)
class _Printed:
    """What was printed on a document.

    Attributes:
        values: each as it may stand on the paper.
        dated: its date, folded; ``name`` and ``labels`` of its form, folded.
        quoted: all values, folded, one a line: what it may say of other documents.
    """

    values: tuple[tuple[str, ...], ...]
    dated: tuple[str, ...]
    name: str
    labels: tuple[str, ...]
    quoted: str


class Recogniser:
    """Recognises papers of one store by their text."""

    def __init__(self, workspace: Workspace) -> None:
        """Ask nothing yet."""
        self._workspace = workspace
        self._patterns: tuple[tuple[re.Pattern[str], str], ...] | None = None
        self._forms: tuple[FormSpec, ...] | None = None

    def named(self, page: PageText) -> tuple[Issue, ...]:
        """Documents, returned or not, that a page names: by number, or by account, form and what was printed."""
        text = _folded(page.text)
        found = {one.issue_id: one for one in self._numbers(text).values() if one is not None}
        for one in self._of_accounts(text):
            printed = self._printed(one)
            if printed is not None and printed.name in text.packed and _share(printed, text) >= RIVAL:
                found.setdefault(one.issue_id, one)
        return tuple(found.values())

    def recognise(self, texts: Sequence[PageText], blank: Collection[int] = ()) -> Recognition:
        """The document whose paper this is, from the text of all its pages together; ``blank`` ones say nothing."""
        text = _folded("\n".join(one.text for one in texts))
        if len(text.packed) < _SHORTEST:
            return Recognition(None)
        numbers = self._numbers(text)
        by_number = {one.issue_id: one for one in numbers.values() if one is not None}
        known = {**{one.issue_id: one for one in self._of_accounts(text)}, **by_number}
        scored: list[tuple[Candidate, _Printed]] = []
        for one in known.values():
            printed = self._printed(one)
            if printed is not None:
                how: Literal["number", "account"] = "number" if one.issue_id in by_number else "account"
                scored.append((Candidate(one, how, round(_share(printed, text), 3)), printed))
        scored.sort(key=lambda pair: (-pair[0].confidence, pair[0].how != "number", pair[0].issue.number))
        shown = tuple(one for one, _ in scored if one.confidence >= RIVAL or one.how == "number")[:_SHOWN]
        if not shown:
            return Recognition(None)
        best, printed = max(scored, key=lambda pair: (pair[0].how == "number", pair[0].confidence))
        pages = [one for one in texts if one.page not in blank]
        if self._is_certain(best, printed, text, numbers, [one for one, _ in scored]) and self._is_one_paper(
            best.issue, pages
        ):
            beside = self._scored_beside(best.issue, text)
            rivals = [(one, other) for one, other in beside if one.confidence >= RIVAL]
            if all(_has_lead(printed, other, text) for _, other in rivals):
                return Recognition(best, shown)
            every = {one.issue.issue_id: one for one in (*(one for one, _ in rivals), *shown)}
            shown = tuple(sorted(every.values(), key=lambda one: (-one.confidence, one.issue.number)))[:_SHOWN]
        told = msg("its text points to {numbers}, not clearly enough to file it",
                   numbers=listed(one.issue.number for one in shown))
        return Recognition(None, shown, Finding("weak-match", told))

    def match(
        self, portion: Portion, texts: Sequence[PageText], blank: Collection[int]
    ) -> tuple[Portion, tuple[Mapping[str, object], ...]]:
        """A portion without code, matched where its text leaves no doubt; and what it might be, for the clerk."""
        found = self.recognise(texts, blank)
        shown = tuple({"number": one.issue.number, "confidence": one.confidence} for one in found.candidates)
        if found.match is None:
            doubts = (found.doubt,) if found.doubt is not None else ()
            return replace(portion, findings=(*doubts, *portion.findings)), shown
        best = found.match
        confidence = f"{best.confidence:.2f}"
        told = Finding("matched-by-text", (
            msg("no code was read; matched by its number, confidence {confidence}", confidence=confidence)
            if best.how == "number"
            else msg("no code was read; matched by account, form and date, confidence {confidence}",
                     confidence=confidence)))
        portion = with_page_marks(portion, texts)
        return replace(portion, issue=best.issue, how=best.how, confidence=best.confidence,
                       findings=(told, *portion.findings)), ()

    def _is_certain(
        self,
        best: Candidate,
        printed: _Printed,
        text: _Text,
        numbers: Mapping[str, Issue | None],
        every: Sequence[Candidate],
    ) -> bool:
        issue = best.issue
        if issue.status != "issued" or not _is_of_form(printed, text):
            return False
        # A number that is neither its own nor among what was printed on it speaks of another paper.
        if any(_fold(number) not in printed.quoted for number in numbers if number != issue.number):
            return False
        rivals = [one for one in every if one.issue.issue_id != issue.issue_id and one.confidence >= RIVAL
                  and one.issue.number not in numbers]
        if best.how == "number":
            # Whether a twin of the same account and form has less in the text is asked of all of them, later.
            return best.confidence >= BY_NUMBER and all(
                one.confidence < (best.confidence if _are_twins(one.issue, issue) else BY_RIVAL) for one in rivals
            )
        dated = not printed.dated or any(one in text.packed for one in printed.dated)
        return best.confidence >= BY_ACCOUNT and dated and not rivals and self._is_only_one(issue)

    def _scored_beside(self, issue: Issue, text: _Text) -> list[tuple[Candidate, _Printed]]:
        """Every other document that this paper is if its number was misread, however many its account has.

        Those of the same account and form, those that say the same, and those whose number is another by one character.
        """
        near = {f"n{place}": number for place, number in enumerate(_near_numbers(issue.number))}
        rows = self._workspace.db.all(
            "SELECT issue_id FROM issues WHERE account = :account AND form = :form "  # noqa: S608
            "UNION SELECT issue_id FROM issues WHERE form = :form "
            "AND sameness = (SELECT sameness FROM issues WHERE issue_id = :id) "
            f"UNION SELECT issue_id FROM issues WHERE number IN ({', '.join(f':{name}' for name in near)})",
            {"account": issue.account, "form": issue.form, "id": issue.issue_id, **near},
        )
        found = []
        for row in rows:
            if row["issue_id"] == issue.issue_id:
                continue
            one = issues.find_issue(self._workspace.db, row["issue_id"])
            printed = self._printed(one)
            if printed is not None:
                found.append((Candidate(one, "account", round(_share(printed, text), 3)), printed))
        return found

    def _is_one_paper(self, issue: Issue, pages: Sequence[PageText]) -> bool:
        """Whether each of several pages shows itself to be of the one document: by its number, or by its foot.

        A second paper whose number and account were not read would otherwise be filed with the first.
        """
        marks = [page_mark(one.text) for one in pages]
        found = [mark for mark in marks if mark is not None]
        if len(set(found)) < len(found) or len({total for _, total in found}) > 1:
            return False
        return len(pages) == 1 or all(
            mark is not None or issue.number in self._numbers(_folded(one.text))
            for one, mark in zip(pages, marks, strict=True)
        )

    def _is_only_one(self, issue: Issue) -> bool:
        """Whether the account never got another document of this form: its paper could look the same."""
        row = self._workspace.db.one(
            "SELECT count(*) AS n FROM issues WHERE account = :account AND form = :form",
            {"account": issue.account, "form": issue.form},
        )
        return row is not None and row["n"] == 1

    def _numbers(self, text: _Text) -> dict[str, Issue | None]:
        """Every document number of a shape that this store uses, with its issue, None where there is none."""
        found: dict[str, Issue | None] = {}
        for pattern, shape in self._number_patterns():
            for match in pattern.finditer(text.raw):
                digits = iter([_digits(group) for group in match.groups()])
                number = "".join(next(digits) if part == "\0" else part for part in shape)
                row = self._workspace.db.one("SELECT issue_id FROM issues WHERE number = :number", {"number": number})
                issue = issues.find_issue(self._workspace.db, row["issue_id"]) if row is not None else None
                # Digits alone are accounts and phones as well: only what was issued is a number of ours.
                if issue is not None or any(part.isalpha() for part in shape):
                    found.setdefault(number, issue)
        return found

    def _number_patterns(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        """A pattern for each shape of number that was ever issued, and the shape with NUL for each run of digits."""
        if self._patterns is None:
            shapes = {re.sub(r"\d+", "\0", scope.replace(SEQUENCE_MARK, "\0")): scope for scope in self._scopes()}
            self._patterns = tuple((_pattern_of(scope), shape) for shape, scope in shapes.items())
        return self._patterns

    def _scopes(self) -> Iterator[str]:
        """All sequences of numbers; asked one by one of the index, which a hundred thousand numbers do not slow."""
        last: str | None = ""
        while True:
            row = self._workspace.db.one("SELECT min(scope) AS next FROM issues WHERE scope > :last", {"last": last})
            last = row["next"] if row is not None else None
            if last is None:
                return
            yield last

    def _of_accounts(self, text: _Text) -> list[Issue]:
        """Documents of the accounts that stand in a text; of an account with many, those on a form that it shows."""
        tokens = dict.fromkeys(form for token in _TOKEN.findall(text.raw) for form in _account_forms(token))
        found: list[Issue] = []
        for token in tokens:
            versions = self._workspace.db.all(
                "SELECT form, template, min(issue_id) AS first, count(*) AS n FROM issues WHERE account = :account "
                "GROUP BY form, template",
                {"account": token},
            )
            is_small = sum(row["n"] for row in versions) <= _MOST_OF_ACCOUNT
            for version in versions:
                if not is_small and not self._shows_version(version["first"], text):
                    continue
                rows = self._workspace.db.all(
                    "SELECT issue_id FROM issues WHERE account = :account AND form = :form AND template = :template",
                    {"account": token, "form": version["form"], "template": version["template"]},
                )
                found += [issues.find_issue(self._workspace.db, row["issue_id"]) for row in rows]
        return found

    def _shows_version(self, issue_id: str, text: _Text) -> bool:
        """Whether a text is of the form that an issue was made from."""
        try:
            spec = issues.form_of_issue(self._workspace, issues.find_issue(self._workspace.db, issue_id))
        except (NotFound, InputRefused, IntegrityFailure):
            return False
        return _is_of(_fold(spec.name), _labels(spec), text)

    def shown_forms(self, page: PageText) -> Mapping[str, str]:
        """Names, by id, of the forms of which a page shows itself to be one, whosever it is: name and half the labels.

        Asked of every version of a form that this store ever issued a document from.
        """
        text = _folded(page.text)
        if self._forms is None:
            self._forms = tuple(_kept_forms(self._workspace.root))
        return {
            spec.id: spec.name
            for spec in self._forms
            if _fold(spec.name) in text.packed and 2 * _labels_there(_labels(spec), text) >= len(_labels(spec))
        }

    def _printed(self, issue: Issue) -> _Printed | None:
        """What was printed on a document; None when its data is gone or damaged."""
        try:
            spec = issues.form_of_issue(self._workspace, issue)
            data = issues.read_issue_data(self._workspace, issue)
        except (NotFound, InputRefused, IntegrityFailure):
            return None
        values = data["values"]
        assert isinstance(values, dict)
        plain = [one for spec_field in spec.fields if spec_field.stage == "before"
                 for one in leaves(values.get(spec_field.key))]
        on = str(values.get(spec.roles.date) or data["issue_date"])
        return _Printed(
            tuple(dict.fromkeys(_forms_of(value) for value in plain if len(_fold(value)) >= _SHORTEST)),
            tuple(map(_fold, _forms_of(on))),
            _fold(spec.name),
            _labels(spec),
            "\n".join(_fold(value) for value in plain),
        )


def _kept_forms(root: Path) -> Iterator[FormSpec]:
    """Every version of a form from which something was issued; a damaged one is left out."""
    for toml in sorted((root / "forms" / "versions").glob("*/*/form.toml")):
        with contextlib.suppress(InputRefused, OSError):
            yield _kept_form(toml.parent)


@lru_cache(maxsize=256)
def _kept_form(folder: Path) -> FormSpec:
    # A kept version never changes.
    return read_form(folder, own=True).spec


def _are_twins(one: Issue, other: Issue) -> bool:
    return one.account == other.account and one.form == other.form


def _is_of_form(printed: _Printed, text: _Text) -> bool:
    """Whether the paper is of the document's form: it carries the form's name, or most of its labels."""
    return _is_of(printed.name, printed.labels, text)


def _is_of(name: str, labels: Sequence[str], text: _Text) -> bool:
    return name in text.packed or (len(labels) >= 5 and _labels_there(labels, text) >= 0.8 * len(labels))


def _labels_there(labels: Sequence[str], text: _Text) -> int:
    return sum(1 for label in labels if label in text.packed)


def _has_lead(best: _Printed, other: _Printed, text: _Text) -> bool:
    """Whether what tells two documents apart speaks for the first.

    At least half of its own values stand there, and more than of the other's own. Records that differ by nothing but
    their number are never told apart.
    """
    own = [forms for forms in best.values if forms not in other.values]
    others = [forms for forms in other.values if forms not in best.values]
    there = _standing(own, text)
    return there > _standing(others, text) and 2 * there >= len(own)


def _standing(values: Sequence[tuple[str, ...]], text: _Text) -> int:
    return sum(1 for forms in values if any(_stands(one, text) for one in forms))


def _near_numbers(number: str) -> tuple[str, ...]:
    """Every number that is another one by a digit that is wrong, too many or too few."""
    found: dict[str, None] = {}
    for place, char in enumerate(number):
        if char.isdigit():
            head, tail = number[:place], number[place + 1 :]
            found |= dict.fromkeys((head + tail, *(f"{head}{one}{tail}" for one in "0123456789"),
                                    *(f"{head}{one}{char}{tail}" for one in "0123456789"),
                                    *(f"{head}{char}{one}{tail}" for one in "0123456789")))
    found.pop(number, None)
    return tuple(found)


@lru_cache(maxsize=64)
def _labels(spec: FormSpec) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_fold(one.label) for one in spec.fields if one.type != "table" and len(one.label) > 1))


def _share(printed: _Printed, text: _Text) -> float:
    """The share of a document's values that stand in a text, 0 to 1."""
    if not printed.values:
        return 0.0
    return _standing(printed.values, text) / len(printed.values)


def _stands(value: str, text: _Text) -> bool:
    """Whether a printed value stands in a text; a long one may be broken by the end of a line or table cell."""
    folded = _fold(value)
    if folded.isascii() and len(folded) < _LONG:
        # A short number is found inside any long one.
        return f" {_space(value).strip()} " in text.spaced
    if folded in text.packed:
        return True
    breaks = len(folded) // 10
    while folded and breaks >= 0:
        size = next((size for size in range(len(folded), _PIECE - 1, -1) if folded[:size] in text.packed), 0)
        if not size:
            return False
        folded, breaks = folded[size:], breaks - 1
    return not folded


def _forms_of(value: str) -> tuple[str, ...]:
    """How a plain value may stand on paper; a date as it is printed."""
    found = _PRINTED_DATE.fullmatch(value)
    if found is None:
        return (value,)
    try:
        day = date(*map(int, found.groups()))
    except ValueError:
        return (value,)
    return display_date(day), chinese_date(day), f"{day.year}年{day.month:02}月{day.day:02}日", day.isoformat()


def _folded(raw: str) -> _Text:
    return _Text(unicodedata.normalize("NFKC", raw), _fold(raw), _space(raw))


def _space(value: str) -> str:
    """Numbers and words of Latin letters with one blank around each, points inside numbers kept."""
    words = re.findall(r"[0-9a-z]+(?:\.[0-9]+)*", normalise(value).translate(_LOOKALIKES))
    return " " + " ".join(words) + " "


def _fold(value: str) -> str:
    """Letters, digits and Chinese characters only; letters that OCR takes for digits and digits are the same."""
    return re.sub(r"[^0-9a-z\u3400-\u9fff]+", "", normalise(value).translate(_LOOKALIKES))


def _digits(found: str) -> str:
    return found.translate(str.maketrans("OoQIl|", "000111"))


def _account_forms(token: str) -> Iterator[str]:
    """An account as it was read, and with the letters in it that may be digits."""
    yield token
    if any(char.isdigit() for char in token):
        yield _digits(token)


@lru_cache(maxsize=256)
def _pattern_of(scope: str) -> re.Pattern[str]:
    """What finds numbers of this sequence and of its other years, with OCR's spaces and mistaken brackets."""
    parts: list[str] = []
    for piece in re.findall(r"\{seq\}|\d+|.", scope):
        if piece == SEQUENCE_MARK:
            parts.append(f"({_DIGIT}{{1,12}}?)")
        elif piece.isdigit():
            parts.append(f"({_DIGIT}{{{len(piece)}}})")
        elif piece in _BRACKETS:
            parts.append(r"[^\d\u3400-\u9fff]{0,3}?[1]?")
        else:
            parts.append(re.escape(unicodedata.normalize("NFKC", piece)))
    body = r"\s{0,2}".join(parts)
    return re.compile(rf"(?<![0-9A-Za-z]){body}(?![0-9A-Za-z])")
