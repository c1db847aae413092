"""What need not be asked: values of a form that follow from the day, other answers, or documents issued before.

A field says in ``propose`` where its value may come from; the first source that has one counts:

- ``today``: the day of the work.
- ``account``: the field of the same key in the newest document of the same account.
- ``meter``: the meter that hangs there by the newest document of the account.
- ``last`` or ``last KEY ...``: the newest document of the same form, of those that agree in the fields named.
- ``= EXPRESSION``: over the other fields, as in the form's rules.
- ``party``, ``address``, ``phone``: what has this role in the newest document of the account.
- ``ask``: none, and no later document takes it from here: a complainant is not the holder of the account.

By itself, without ``propose``: the day that the number is drawn from is today; party, address and phone stand as in the
newest document of the account. A proposal is put before the clerk on the last screen and may be changed there.
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

WORDS = ("ask", "today", "account", "meter", "last", *_BY_ROLE)
"""The sources besides expressions."""


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


@dataclass(frozen=True, slots=True)
class Proposal:
    """A raw value for a field, and where it comes from."""

    raw: str
    source: Message


@dataclass(frozen=True, slots=True)
class Proposer:
    """Proposes values of one form.

    Attributes:
        settled: raw values by key that the office laid down for this form (``documents.proposals``).
    """

    spec: FormSpec
    today: date
    earlier: EarlierDocuments | None = None
    settled: Mapping[str, str] | None = None

    def propose(self, one: FieldSpec, values: Mapping[str, Value]) -> Proposal | None:
        """A value that the field accepts, or None.

        Args:
            one: a scalar field of the form.
            values: by key, what is known so far.
        """
        for raw, source in self._sources(one, values):
            if not is_empty(raw) and not parse(raw, one).refused:
                return Proposal(raw, source)
        return None

    def newest(self, values: Mapping[str, Value]) -> Earlier | None:
        """The newest document of the account that the values name."""
        return next(iter(self._of_account(values)), None)

    def _sources(self, one: FieldSpec, values: Mapping[str, Value]) -> Iterator[tuple[str, Message]]:
        if (self.settled or {}).get(one.key):
            yield (self.settled or {})[one.key], msg("from the settings")
        for text in one.propose or self._by_itself(one):
            word, *keys = text.split()
            if text.startswith("="):
                yield self._computed(text[1:], values), msg("worked out")
            elif word == "today":
                yield self.today.isoformat(), msg("today")
            elif word == "last":
                yield from self._last(one, keys, values)
            elif word in ("account", "meter", *_BY_ROLE):
                yield from self._earlier(one, word, values)

    def _by_itself(self, one: FieldSpec) -> tuple[str, ...]:
        if one.key == self.spec.numbering_date and one.type == "date":
            return ("today",)
        return tuple(role for role in _BY_ROLE if getattr(self.spec.roles, role) == one.key)

    def _computed(self, text: str, values: Mapping[str, Value]) -> str:
        names = {name: values.get(one.key) for one in self.spec.fields for name in (one.key, one.label)}
        try:
            return _raw(compile_expression(text.strip()).value(names))
        except ExpressionFault:
            return ""

    def _of_account(self, values: Mapping[str, Value]) -> Sequence[Earlier]:
        account = values.get(self.spec.roles.account)
        return self.earlier.of_account(account) if self.earlier and isinstance(account, str) else ()

    def _earlier(self, one: FieldSpec, word: str, values: Mapping[str, Value]) -> Iterator[tuple[str, Message]]:
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
                yield _raw(value), msg("as in {number}", number=each.number)

    def _last(self, one: FieldSpec, keys: Sequence[str], values: Mapping[str, Value]) -> Iterator[tuple[str, Message]]:
        if any(values.get(key) is None for key in keys):
            return
        for each in self.earlier.of_form(self.spec.id) if self.earlier else ():
            if all(each.values.get(key) == values[key] for key in keys):
                yield _raw(each.values.get(one.key)), msg("as in {number}", number=each.number)


def awaited(one: FieldSpec) -> frozenset[str]:
    """Names of the fields that must be known before a proposal for this one, keys or labels."""
    found: set[str] = set()
    for text in one.propose:
        if text.startswith("="):
            found |= compile_expression(text[1:].strip()).names
        elif text.startswith("last "):
            found |= set(text.split()[1:])
    return frozenset(found)


def faults_of(one: FieldSpec, spec: FormSpec) -> Iterator[Message]:
    """What is wrong with a field's sources; names in expressions are checked where rules are."""
    roles: RoleSpec = spec.roles
    keys = {other.key for other in spec.of_stage(one.stage)}
    for text in one.propose:
        word, *names = text.split() or [""]
        if one.type in ("table", "person"):
            yield msg("propose has no meaning for type {type}.", type=one.type)
        elif text.startswith("="):
            continue
        elif word not in WORDS or (names and word != "last"):
            yield msg("{text} is no source; sources are: {names}.", text=text,
                      names=listed((*WORDS, "last KEY", "= EXPRESSION")))
        elif word == "last" and not set(names) <= keys:
            yield msg("{name} is no field that is known at this stage.", name=sorted(set(names) - keys)[0])
        elif word == "last" and (one.is_masked or one.key in (roles.party, roles.account, roles.address)):
            yield msg("last would put what belongs to one customer into the document of another.")
        elif word == "today" and one.type != "date":
            yield msg("{key} is not a date.", key=one.key)
        elif word in ("account", "meter", *_BY_ROLE) and not roles.account:
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
