"""What need not be asked: values of a form that follow from the day, other answers, or documents issued before.

A field says in ``propose`` where its value may come from; the first source that has one counts:

- ``today``: the day of the work.
- ``account``: the field of the same key in the newest document of the same account.
- ``meter``: the meter that hangs there by the newest document of the account.
- ``last`` or ``last KEY ...``: the newest document of the same form, of those that agree in the fields named.
- ``= EXPRESSION``: over the other fields, as in the form's rules.
- ``party``, ``address``, ``phone``: what has this role in the newest document of the account.
- ``number FORM``: the number of the newest document of that form for the account.
- ``WORD if EXPRESSION``: any of these, where the expression holds.
- ``ask``: none, and no later document takes it from here: a complainant is not the holder of the account.

By itself, without ``propose``: the day that the number is drawn from is today; party, address and phone stand as in the
newest document of the account. A document that the form names by its number (``refers``, or a gate), and one that the
person names as a pattern, gives every field of the same key before anything is looked for elsewhere: the approval its
facts to the order. A proposal is put before the clerk on the last screen and may be changed there; one that another
customer's document gave (``last``) bears a mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from recordkit.messages import Message, listed, msg
from recordkit.templates.expressions import ExpressionFault, compile_expression
from recordkit.templates.fieldtypes import Value, is_empty, parse, to_plain
from recordkit.templates.spec import FieldSpec, FormSpec, RoleSpec

_BY_ROLE = ("party", "address", "phone")

WORDS = ("ask", "today", "account", "meter", "last", "number FORM", *_BY_ROLE)
"""The sources besides expressions."""
_FIRST_WORDS = frozenset(text.split()[0] for text in WORDS)
_OWN_WORK = ("=", "today")
"""Sources that are of this document alone: they count before a document that it refers to."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A document issued before.

    Attributes:
        values: by key, on-site values that were keyed in among them.
        keyed_in: whether its on-site values are known.
    """

    number: str
    day: date
    spec: FormSpec
    values: Mapping[str, Value]
    keyed_in: bool

    def by_role(self, role: str) -> Value:
        """The value of the field that has this role."""
        return self.by_key(getattr(self.spec.roles, role))

    def by_key(self, key: str) -> Value:
        """The value of a field, unless it belongs to this document alone."""
        one = self.spec.by_name.get(key)
        return None if one is None or one.propose == ("ask",) else self.values.get(one.key)

    @property
    def account(self) -> Value:
        """The account; None where the document has none."""
        return self.values.get(self.spec.roles.account)

    @property
    def meter(self) -> str | None:
        """The meter that hangs after this document; None where it names none, or several.

        A meter that is to be fitted hangs only when what was done on site is keyed in.
        """
        on_site = {one.key for one in self.spec.of_stage("onsite")}
        keys = self.spec.roles.meters
        found: list[str] = []
        for key in keys[:1] if on_site & set(keys) and not self.keyed_in else keys:
            table, _, column = key.partition(".")
            value = self.values.get(table)
            if isinstance(value, list):
                if len(value) != 1:
                    return None
                value = value[0].get(column)
            if isinstance(value, str) and value:
                found.append(value)
        return found[-1] if found else None


class EarlierDocuments(Protocol):
    """Where earlier documents are looked up; only such as the person at hand may see."""

    def of_account(self, account: str) -> Sequence[Earlier]:
        """Of this account, newest first."""

    def of_form(self, form: str) -> Iterator[Earlier]:
        """Made from this form, newest first."""

    def numbered(self, text: str, forms: Sequence[str]) -> Earlier | None:
        """The document of this number; with ``forms`` of one of them, digits alone being its running number."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A raw value for a field, and where it comes from.

    Attributes:
        raw: as it is typed; of a table its rows.
        is_copied: another customer's document gave it.
    """

    raw: object
    source: Message
    is_copied: bool = False


@dataclass(frozen=True, slots=True)
class Proposer:
    """Proposes values of one form.

    Attributes:
        settled: raw values by key that the office laid down for this form (``houserules``).
        pattern: the document that the person named to be followed.
    """

    spec: FormSpec
    today: date
    earlier: EarlierDocuments | None = None
    settled: Mapping[str, str] | None = None
    pattern: Earlier | None = None

    def propose(self, one: FieldSpec, values: Mapping[str, Value]) -> Proposal | None:
        """A value that the field accepts, or None.

        Args:
            one: a field of the form.
            values: by key, what is known so far.
        """
        for found in self._sources(one, values):
            if not is_empty(found.raw) and not parse(found.raw, one).refused:
                return found
        return None

    def named(self, text: str, forms: Sequence[str] = ()) -> Earlier | None:
        """As ``EarlierDocuments.numbered``; a restricted document gives nothing to an open one, whoever fills it in."""
        found = self.earlier.numbered(text, forms) if self.earlier else None
        if found is None or (found.spec.access == "restricted" and self.spec.access != "restricted"):
            return None
        return found

    def referred(self, values: Mapping[str, Value]) -> Iterator[Earlier]:
        """Documents that this one follows: by the person's word, by number, by a gate; none of another account."""
        found = [self.pattern] if self.pattern else []
        for one in self.spec.of_stage("before"):
            forms = self.spec.referred(one)
            number = values.get(one.key) if forms else None
            if isinstance(number, str) and (each := self.named(number, forms)) is not None:
                found.append(each)
        for gate in self.spec.gates:
            if not gate.number and (not gate.when or self._holds(gate.when, values)):
                found += [each for each in self._of_account(values) if each.spec.id == gate.needs][:1]
        account = values.get(self.spec.roles.account)
        for each in found:
            if None in (account, each.account) or account == each.account:
                yield each

    def newest(self, values: Mapping[str, Value]) -> Earlier | None:
        """The newest document of the account that the values name."""
        return next(iter(self._of_account(values)), None)

    def _sources(self, one: FieldSpec, values: Mapping[str, Value]) -> Iterator[Proposal]:
        if (self.settled or {}).get(one.key):
            yield Proposal((self.settled or {})[one.key], msg("from the settings"))
        own = one.propose or self._by_itself(one)
        first = next((at for at, text in enumerate(own) if not text.startswith(_OWN_WORK)), len(own))
        yield from self._of_words(one, own[:first], values)
        yield from self._referred(one, values)
        yield from self._of_words(one, own[first:], values)

    def _of_words(self, one: FieldSpec, own: Sequence[str], values: Mapping[str, Value]) -> Iterator[Proposal]:
        for whole in own:
            text, condition = split_source(whole)
            if condition and not self._holds(condition, values):
                continue
            word, *keys = text.split()
            if text.startswith("="):
                yield Proposal(self._computed(text[1:], values), msg("worked out"))
            elif word == "today":
                yield Proposal(self.today.isoformat(), msg("today"))
            elif word == "last":
                yield from self._last(one, keys, values)
            elif word == "number":
                yield from (_as_in(each, each.number) for each in self._of_account(values) if each.spec.id in keys)
            elif word in ("account", "meter", *_BY_ROLE):
                yield from self._earlier(one, word, values)

    def _referred(self, one: FieldSpec, values: Mapping[str, Value]) -> Iterator[Proposal]:
        if one.key in (self.spec.roles.date, self.spec.numbering_date):
            return
        if self.pattern is not None and self.pattern.spec.id in self.spec.referred(one):
            yield _as_in(self.pattern, self.pattern.number)
        for each in self.referred(values):
            yield _as_in(each, _raw_of(each.values.get(one.key), one))

    def _by_itself(self, one: FieldSpec) -> tuple[str, ...]:
        if one.key == self.spec.numbering_date and one.type == "date":
            return ("today",)
        return tuple(role for role in _BY_ROLE if getattr(self.spec.roles, role) == one.key)

    def _computed(self, text: str, values: Mapping[str, Value]) -> str:
        return _raw(self._value(text, values))

    def _holds(self, text: str, values: Mapping[str, Value]) -> bool:
        return bool(self._value(text, values))

    def _value(self, text: str, values: Mapping[str, Value]) -> object:
        names = {name: values.get(one.key) for one in self.spec.fields for name in (one.key, one.label)}
        try:
            return compile_expression(text.strip()).value(names)
        except ExpressionFault:
            return None

    def _of_account(self, values: Mapping[str, Value]) -> Sequence[Earlier]:
        account = values.get(self.spec.roles.account)
        return self.earlier.of_account(account) if self.earlier and isinstance(account, str) else ()

    def _earlier(self, one: FieldSpec, word: str, values: Mapping[str, Value]) -> Iterator[Proposal]:
        found = self._of_account(values)
        holder = next((each.by_role("party") for each in found if each.by_role("party")), None)
        personal = word in ("party", "phone") or one.is_masked or one.type == "uscc"
        for each in found:
            if personal and each.by_role("party") not in (None, holder):
                return  # before the account changed hands: another person's telephone
            if word == "meter":
                value: Value = each.meter
            else:
                value = each.by_role(word) if word in _BY_ROLE else each.by_key(one.key)
            if value is not None:
                yield _as_in(each, _raw_of(value, one))

    def _last(self, one: FieldSpec, keys: Sequence[str], values: Mapping[str, Value]) -> Iterator[Proposal]:
        if any(values.get(key) is None for key in keys):
            return
        for each in self.earlier.of_form(self.spec.id) if self.earlier else ():
            if all(each.values.get(key) == values[key] for key in keys):
                yield _as_in(each, _raw(each.values.get(one.key)), is_copied=True)


def awaited(one: FieldSpec) -> frozenset[str]:
    """Names of the fields that must be known before a proposal for this one, keys or labels."""
    found: set[str] = set()
    for text in map(split_source, one.propose):
        found |= {name for each in expressions_of(text) for name in compile_expression(each).names}
        if text[0].startswith("last "):
            found |= set(text[0].split()[1:])
    return frozenset(found)


def split_source(text: str) -> tuple[str, str]:
    """A source without its condition, and the condition, "" where it has none: ``party if kind != '过户'``."""
    if text.startswith("="):
        return text, ""
    word, _, condition = text.partition(" if ")
    return word, condition.strip()


def expressions_of(source: tuple[str, str]) -> Iterator[str]:
    """The expressions in what ``split_source`` gives."""
    text, condition = source
    if text.startswith("="):
        yield text[1:].strip() or "?"
    if condition:
        yield condition


def faults_of(one: FieldSpec, spec: FormSpec) -> Iterator[Message]:
    """What is wrong with a field's sources; names in expressions are checked where rules are."""
    roles: RoleSpec = spec.roles
    keys = {other.key for other in spec.of_stage(one.stage)}
    for text, _ in map(split_source, one.propose):
        word, *names = text.split() or [""]
        if one.type == "person" or (one.type == "table" and text != "account"):
            yield msg("propose has no meaning for type {type}.", type=one.type)
        elif text.startswith("="):
            continue
        elif word not in _FIRST_WORDS or bool(names) > (word in ("last", "number")) or (word == "number" and not names):
            yield msg("{text} is no source; sources are: {names}.", text=text,
                      names=listed((*WORDS, "last KEY", "= EXPRESSION")))
        elif word == "number" and one.type != "text":
            yield msg("{key} is no text.", key=one.key)
        elif word == "last" and not set(names) <= keys:
            yield msg("{name} is no field that is known at this stage.", name=sorted(set(names) - keys)[0])
        elif word == "last" and (one.is_masked or one.key in (roles.party, roles.account, roles.address)):
            yield msg("last would put what belongs to one customer into the document of another.")
        elif word == "today" and one.type != "date":
            yield msg("{key} is not a date.", key=one.key)
        elif word in ("account", "meter", "number", *_BY_ROLE) and not roles.account:
            yield msg("the form has no account: [roles] names none.")


def _raw(value: object) -> str:
    """As a person types it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if value is None or isinstance(value, list | dict):
        return ""
    return str(to_plain(value))  # type: ignore[arg-type]


def _raw_of(value: Value, one: FieldSpec) -> object:
    """The same for a table's rows, in the columns that this form has."""
    if one.type != "table" or not isinstance(value, list):
        return _raw(value)
    return [{column.key: _raw(row.get(column.key)) for column in one.columns} for row in value]


def _as_in(each: Earlier, raw: object, *, is_copied: bool = False) -> Proposal:
    return Proposal(raw, msg("as in {number}", number=each.number), is_copied)
