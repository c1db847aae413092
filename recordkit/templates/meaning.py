"""What the tags of a template mean for its form: names, columns, filters, comparisons. Nothing is filled here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Literal

from recordkit.messages import Message, did_you_mean, listed, msg
from recordkit.templates.fieldtypes import CALIBRES
from recordkit.templates.findings import Severity
from recordkit.templates.spec import CONTEXT_NAMES, FieldSpec, FormSpec
from recordkit.templates.tags import Tag, plain_name
from recordkit.templates.unreadable import expression_reason

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment

FORM_FILTERS: Mapping[str, tuple[str, ...]] = {
    "大写": ("money", "decimal"),
    "中文日期": ("date", "instant"),
    "日期": ("date", "instant"),
}
"""Filters of our own and the field types they work on; with another type they print nothing."""

_DATES = {"issue_date", "签发日期"}
_PYTHON: Mapping[str, type] = {
    "text": str, "choice": str, "phone": str, "id_number": str, "uscc": str, "calibre": str, "account": str,
    "integer": int, "decimal": Decimal, "money": Decimal, "date": date, "instant": datetime, "yes_no": bool,
}
_NUMBERS = {"integer", "decimal", "money"}
_LOOP = {"index", "index0", "revindex", "revindex0", "first", "last", "length", "cycle", "depth", "depth0", "previtem",
         "nextitem", "changed"}
_KEEPS_ROWS = {"sort", "reverse", "list", "unique", "selectattr", "rejectattr", "select", "reject", "default", "d"}
_ONE_ROW = {"first", "last", "random", "min", "max"}
_OF_LISTS = {"length", "count", "join", "sum", "map", "batch", "slice", "groupby", "dictsort", *_KEEPS_ROWS, *_ONE_ROW}
_LIST_ONLY = {"join", "sum", "map", "batch", "slice", "groupby", "selectattr", "rejectattr", "select", "reject", "sort",
              "unique", "first", "last", "random", "min", "max"}
_STATEMENTS = ("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "with", "endwith", "filter",
               "endfilter", "macro", "endmacro", "call", "endcall", "raw", "endraw")
_CHINESE = {"如果": "if", "若": "if", "否则": "else", "否则如果": "elif", "结束": "endif", "循环": "for",
            "结束循环": "endfor", "end": "endif", "elseif": "elif", "foreach": "for", "loop": "for",
            "endloop": "endfor"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a name or expression stands for. ``row`` and ``table`` belong to the table field ``spec``."""

    shape: Literal["scalar", "table", "row", "loop", "any"] = "any"
    spec: FieldSpec | None = None
    type: str = ""


_CJK = re.compile("[\u3400-\u9fff]")
ANY = Kind()
Report = Callable[[str, Message, Message | None, Severity], None]


def _kind_of(spec: FieldSpec) -> Kind:
    return Kind("table" if spec.type == "table" else "scalar", spec, spec.type)


@dataclass
class Meaning:
    """Follows the tags of one part in their order; ``used`` collects what the whole template asks for.

    Attributes:
        spec: the form; None for a file without one, whose names are all taken as given.
        used: names, and ``table.column`` by key.
    """

    spec: FormSpec | None
    used: set[str] = field(default_factory=set)
    _scopes: list[dict[str, Kind]] = field(default_factory=lambda: [{}])
    _past: set[str] = field(default_factory=set)
    _asked: list[set[str]] = field(default_factory=list)

    def begin_part(self) -> None:
        """Forget the loops of the part before."""
        self._scopes, self._past, self._asked = [{}], set(), []

    def enter_condition(self, text: str, *, again: bool = False) -> None:
        """Names asked for in a condition are taken care of until it ends; ``again`` for another branch of it."""
        words = set(re.findall(r"\w+", text))
        if again and self._asked:
            self._asked[-1] |= words
        else:
            self._asked.append(words)

    def leave_condition(self) -> None:
        """The innermost condition ends."""
        if self._asked:
            self._asked.pop()

    def is_asked(self, spec: FieldSpec) -> bool:
        """Whether a condition around this place asks for the field."""
        return any({spec.key, spec.label} & words for words in self._asked)

    def leave_loop(self) -> None:
        """The names of the innermost loop end."""
        if len(self._scopes) > 1:
            self._past |= self._scopes.pop().keys()

    def enter_broken_loop(self, tag: Tag) -> None:
        """A loop whose tag cannot be read: its names are taken as given, so that not each of them is reported."""
        found = re.match(r"for\s+([\w,]+)", tag.body)
        names = re.findall(r"\w+", found[1]) if found else []
        self._scopes.append(dict.fromkeys([*names, "loop"], ANY))
        self.note_words(tag.body)

    def note_words(self, text: str) -> None:
        """Names in a tag that cannot be read count as used: it has a finding of its own."""
        self.used.update(re.findall(r"\w+", text))

    def read(self, tag: Tag, report: Report) -> bool:
        """Check one tag and follow its loop or assignment; False when it could not be read."""
        from jinja2 import TemplateError, nodes

        try:
            tree = reading_environment().parse(tag_source(tag))
        except (TemplateError, RecursionError) as error:
            reason = error.message if isinstance(error, TemplateError) else None
            report("syntax", *syntax_words(tag, reason or ""), "error")
            if tag.word == "for":
                self.enter_broken_loop(tag)
            else:
                self.note_words(tag.body)
            return False
        look = _Look(self, report)
        if not tree.body:
            return True
        node = tree.body[0]
        if isinstance(node, nodes.For):
            self._loop(node, look)
        elif isinstance(node, nodes.If):
            look.kind(node.test)
        elif isinstance(node, nodes.Assign):
            kind = look.kind(node.node)
            for name in targets(node.target):
                self._scopes[-1][name] = kind
        elif isinstance(node, nodes.Output):
            for one in node.nodes:
                look.printed(one)
        else:
            for assigned in [*_names(node, "store"), *_names(node, "param")]:
                self._scopes[-1][assigned] = ANY
            look.children(node)
        return True

    def _loop(self, node: nodes.For, look: _Look) -> None:
        from jinja2 import nodes

        over = look.kind(node.iter)
        names = targets(node.target)
        if over.shape == "scalar" and over.spec is not None:
            look.report(
                "loop-no-table",
                msg("The loop runs over {label}, which is no table.", label=over.spec.label),
                msg("A loop needs a table; {tables}", tables=self._tables()),
                "error",
            )
        row = Kind("row", over.spec, "row") if over.shape == "table" and isinstance(node.target, nodes.Name) else ANY
        self._scopes.append({**dict.fromkeys(names, row), "loop": Kind("loop")})
        if node.test is not None:
            look.kind(node.test)

    def _tables(self) -> Message:
        tables = [one.label for one in self.spec.fields if one.type == "table"] if self.spec else []
        return msg("this form has: {names}.", names=listed(tables)) if tables else msg("this form has none.")

    def lookup(self, name: str, report: Report) -> Kind:
        """What a name stands for; unknown ones are reported."""
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        self.used.add(name)
        if self.spec is None:
            return ANY
        if name in self.spec.by_name:
            return _kind_of(self.spec.by_name[name])
        if name in CONTEXT_NAMES:
            return Kind("scalar", None, "date" if name in _DATES else "text")
        self._unknown(name, report)
        return ANY

    def _unknown(self, name: str, report: Report) -> None:
        assert self.spec is not None
        fix = msg("'recordkit forms show {form}' lists the fields.", form=self.spec.id)
        if name in self._past:
            report("unknown-variable", msg("{name} is known only inside its loop.", name=name),
                   msg("Move the tag between the loop's for and endfor."), "error")
            return
        owner = next((one for one in self.spec.fields for column in one.columns
                      if name in (column.key, column.label)), None)
        if owner is not None:
            report("unknown-variable", msg("{name} is a column of the table {table}.", name=name, table=owner.label),
                   msg("Write it inside a loop over {table}, as {tag}", table=owner.label, tag=f"{{{{ m.{name} }}}}"),
                   "error")
            return
        local = [one for scope in self._scopes for one in scope]
        near = nearest(name, [*self.spec.by_name, *CONTEXT_NAMES, *local])
        report("unknown-variable", msg("The form has no field {name}.", name=name),
               msg("Did you mean {near}?", near=near) if near else fix, "error")


@dataclass
class _Look:
    """Walks over one expression."""

    meaning: Meaning
    report: Report

    def children(self, node: nodes.Node) -> None:
        from jinja2 import nodes

        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Expr):
                self.kind(child)
            else:
                self.children(child)

    def printed(self, node: nodes.Node) -> None:
        """An expression whose value is printed: a whole table or row would print as program text."""
        from jinja2 import nodes

        if isinstance(node, nodes.TemplateData):
            return
        kinds = [self.kind(node)]
        if isinstance(node, nodes.Or | nodes.CondExpr):
            quiet = _Look(self.meaning, lambda *_: None)
            sides = [node.left, node.right] if isinstance(node, nodes.Or) else [node.expr1, node.expr2]
            kinds = [quiet.kind(one) for one in sides if one is not None]
        for kind in kinds:
            if kind.shape in ("table", "row") and kind.spec is not None:
                columns = kind.spec.columns
                self.report(
                    "table-as-text",
                    msg("{label} is a table; as text it prints program signs.", label=kind.spec.label),
                    msg("Print its columns in a loop: {tag}",
                        tag=f"{{%tr for m in {kind.spec.label} %}} … {{{{ m.{columns[0].label} }}}} … {{%tr endfor %}}")
                    if columns else None,
                    "error",
                )

    def kind(self, node: nodes.Node | None) -> Kind:
        """What an expression stands for; everything wrong in it is reported."""
        from jinja2 import nodes

        if node is None:
            return ANY
        if isinstance(node, nodes.Name):
            return self.meaning.lookup(node.name, self.report)
        if isinstance(node, nodes.Getattr):
            return self._member(self.kind(node.node), node.attr)
        if isinstance(node, nodes.Getitem):
            base = self.kind(node.node)
            if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
                return self._member(base, node.arg.value)
            self.kind(node.arg)
            return Kind("row", base.spec, "row") if base.shape == "table" and isinstance(node.arg, nodes.Const) else ANY
        if isinstance(node, nodes.And | nodes.CondExpr):
            first = node.left if isinstance(node, nodes.And) else node.test
            self.kind(first)
            self.meaning.enter_condition(" ".join(_names(first, "load")) + " " + " ".join(_members(first)))
            for one in node.iter_child_nodes():
                if one is not first:
                    self.kind(one)
            self.meaning.leave_condition()
            return ANY
        if isinstance(node, nodes.Filter):
            return self._filtered(node)
        if isinstance(node, nodes.Test):
            self.kind(node.node)
            if node.name not in reading_environment().tests:
                near = nearest(node.name, list(reading_environment().tests))
                self.report("unknown-test", msg("There is no test 'is {name}'.", name=node.name),
                            msg("Did you mean {near}?", near=near) if near else None, "error")
            for one in node.args or ():
                self.kind(one)
            return ANY
        if isinstance(node, nodes.Compare):
            self._compared(node)
            return ANY
        if isinstance(node, nodes.Div | nodes.FloorDiv | nodes.Mod | nodes.Sub | nodes.Mul):
            self._computed(node)
            return ANY
        if isinstance(node, nodes.Add) and self.meaning.spec is None and self._joins_names(node, "+"):
            return ANY
        if isinstance(node, nodes.Or):
            self.children(node)  # what an empty value is replaced with may be of any kind
            return ANY
        self.children(node)
        return ANY

    def _member(self, base: Kind, name: str) -> Kind:
        if base.shape == "row" and base.spec is not None:
            for column in base.spec.columns:
                if name in (column.key, column.label):
                    self.meaning.used.add(f"{base.spec.key}.{column.key}")
                    return _kind_of(column)
            if name in dir(dict) and not name.startswith("_"):
                return ANY
            names = [one for column in base.spec.columns for one in (column.label, column.key)]
            near = nearest(name, names)
            self.report(
                "unknown-column",
                msg("The table {table} has no column {name}.", table=base.spec.label, name=name),
                msg("Did you mean {near}?", near=near)
                if near
                else msg("Its columns are: {columns}.", columns=listed(one.label for one in base.spec.columns)),
                "error",
            )
        elif base.shape == "table" and base.spec is not None:
            self.report(
                "table-without-loop",
                msg("{table} is a table of several rows; {name} stands in each of them.", table=base.spec.label,
                    name=name),
                msg("Write {tag}", tag=f"{{%tr for m in {base.spec.label} %}} … {{{{ m.{name} }}}} … {{%tr endfor %}}"),
                "error",
            )
        elif base.shape == "loop" and name not in _LOOP:
            near = nearest(name, list(_LOOP))
            self.report("unknown-column", msg("loop has no {name}.", name=name),
                        msg("Did you mean {near}?", near=f"loop.{near or 'index'}"), "error")
        elif base.shape == "scalar" and base.type in _PYTHON and not hasattr(_PYTHON[base.type], name):
            label = base.spec.label if base.spec else base.type
            self.report("unknown-column", msg("{label} is a single value and has no part {name}.", label=label,
                                              name=name),
                        msg("Leave out .{name}, or name the table that has this column.", name=name), "error")
        elif base.shape == "scalar":
            self._may_be_empty(base, f".{name}")
        return ANY

    def _may_be_empty(self, kind: Kind, what: str) -> None:
        """A part or filter of a value that is not there prints the word None, or stops the document."""
        one = kind.spec
        if one is None or one.stage != "before" or one.required or one.default != "" or self.meaning.is_asked(one):
            return
        self.report(
            "may-be-empty",
            msg("{label} may be empty; then {what} prints the word None, or the document cannot be made.",
                label=one.label, what=what),
            msg("Put the tag between {first} and {last}.", first=f"{{% if {one.label} %}}", last="{% endif %}"),
            "warning",
        )

    def _filtered(self, node: nodes.Filter) -> Kind:
        from jinja2 import nodes

        base = self.kind(node.node)
        for one in [*node.args, *(pair.value for pair in node.kwargs)]:
            self.kind(one)
        name = node.name
        if name not in reading_environment().filters:
            near = nearest(name, [*FORM_FILTERS, *reading_environment().filters])
            self.report("unknown-filter", msg("There is no filter {name}.", name=name),
                        msg("Did you mean {near}?", near=near) if near
                        else msg("Filters for forms are: {names}.", names=listed(FORM_FILTERS)), "error")
            return ANY
        if name == "safe":
            self.report("unsafe-filter", msg("With the filter safe, a value with < or & damages the document."),
                        msg("Leave it out."), "error")
        label = base.spec.label if base.spec is not None else ""
        if name in FORM_FILTERS and base.type and base.type not in FORM_FILTERS[name]:
            if not (base.type == "text" and isinstance(node.node, nodes.Filter)):
                self.report(
                    "wrong-filter",
                    msg("The filter {name} prints nothing for {label}, which is of type {type}.", name=name,
                        label=label or "?", type=msg(base.type)),
                    msg("It works on: {types}.", types=tuple(map(msg, FORM_FILTERS[name]))),
                    "error",
                )
        elif name in _LIST_ONLY and base.shape == "scalar" and base.spec is not None and base.type != "text":
            self.report("wrong-filter", msg("The filter {name} needs a table; {label} is a single value.", name=name,
                                            label=label), msg("Leave the filter out."), "error")
        elif base.shape == "scalar" and name not in (*FORM_FILTERS, "default", "d"):
            self._may_be_empty(base, f"|{name}")
        elif base.shape == "table" and name not in _OF_LISTS:
            self.report("wrong-filter", msg("The filter {name} works on a single value; {label} is a table.",
                                            name=name, label=label), msg("Use it on a column inside a loop."), "error")
            return ANY
        if base.shape == "table" and name in _KEEPS_ROWS:
            return base
        if base.shape == "table" and name in _ONE_ROW:
            return Kind("row", base.spec, "row")
        return base if name in ("default", "d") else ANY

    def _compared(self, node: nodes.Compare) -> None:
        from jinja2 import nodes

        sides = [node.expr, *(one.expr for one in node.ops)]
        kinds = [self.kind(one) for one in sides]
        for kind in kinds:
            if kind.spec is None or kind.spec.type not in ("choice", "calibre"):
                continue
            values = set(kind.spec.choices) or {f"DN{size}" for size in CALIBRES}
            for side, operator in zip(sides[1:], node.ops, strict=True):
                if operator.op not in ("eq", "ne", "in", "notin"):
                    continue
                for one in [side] if isinstance(side, nodes.Const) else getattr(side, "items", []):
                    value = one.value if isinstance(one, nodes.Const) else None
                    if isinstance(value, str) and value and value not in values:
                        near = nearest(value, list(values))
                        self.report(
                            "impossible-choice",
                            msg("{label} is never {value}.", label=kind.spec.label, value=value),
                            msg("Did you mean {near}?", near=near)
                            if near
                            else msg("Its choices are: {choices}.", choices=listed(sorted(values))),
                            "warning",
                        )

    def _computed(self, node: nodes.BinExpr) -> None:
        from jinja2 import nodes

        signs = {nodes.Div: "/", nodes.FloorDiv: "//", nodes.Mod: "%", nodes.Sub: "-", nodes.Mul: "*"}
        sign = signs[type(node)]
        if self.meaning.spec is None and self._joins_names(node, sign):
            return
        quiet = _Look(self.meaning, lambda *_: None)
        sides = [(one, quiet.kind(one)) for one in (node.left, node.right)]
        wrong = [
            one for one, kind in sides
            if isinstance(one, nodes.Name | nodes.Getattr) and kind.type not in _NUMBERS
            and not (kind == ANY and self.meaning.spec is None)
            and not (sign == "-" and kind.type in ("date", "instant"))
        ]
        if not wrong:
            for one in (node.left, node.right):
                kind = self.kind(one)
                if kind.shape == "scalar":
                    self._may_be_empty(kind, sign)
            return
        self.report(
            "computation",
            msg("{sign} computes with its two sides; these are no numbers.", sign=sign),
            msg("Write two tags with the sign between them: {tag}", tag=f"{{{{ … }}}}{sign}{{{{ … }}}}"),
            "error",
        )


    def _joins_names(self, node: nodes.BinExpr, sign: str) -> bool:
        """Whether a sign stands between two names in Chinese: without a form it is one name typed with a sign in it."""
        from jinja2 import nodes

        sides = [one.name for one in (node.left, node.right) if isinstance(one, nodes.Name)]
        if len(sides) < 2 or not all(map(_CJK.search, sides)):
            return False
        self.meaning.used.update(sides)
        self.report(
            "computation",
            msg("{name} is no name: {sign} computes with what stands on its two sides.", name=sign.join(sides),
                sign=sign),
            msg("Write one name without signs ({name}), or two tags with the sign between them: {tag}",
                name="".join(sides), tag=f"{{{{ {sides[0]} }}}}{sign}{{{{ {sides[1]} }}}}"),
            "error",
        )
        return True


def nearest(name: str, known: list[str]) -> str:
    """The known name that was probably meant, or an empty text."""
    plain = {plain_name(one).casefold(): one for one in known}
    wanted = plain_name(name).casefold()
    if wanted in plain:
        return plain[wanted]

    def likeness(one: str) -> float:
        # 客户名称 is rather 客户 than 客户签名.
        return difflib.SequenceMatcher(None, wanted, one).ratio() + (0.3 if one in wanted or wanted in one else 0.0)

    best = max(plain, key=likeness, default="")
    return plain[best] if best and likeness(best) >= 0.5 else ""


def targets(node: nodes.Node) -> list[str]:
    """Names that a loop or assignment gives values to."""
    return list(_names(node, "store"))


def _members(node: nodes.Node) -> Iterator[str]:
    from jinja2 import nodes

    for one in [*node.find_all(nodes.Getattr), *([node] if isinstance(node, nodes.Getattr) else [])]:
        yield one.attr


def _names(node: nodes.Node, context: str) -> Iterator[str]:
    from jinja2 import nodes

    if isinstance(node, nodes.Name) and node.ctx == context:
        yield node.name
    for child in node.iter_child_nodes():
        yield from _names(child, context)


def tag_source(tag: Tag) -> str:
    """A small template that holds this tag alone and is complete."""
    if tag.opening == "{{":
        return "{{ " + tag.body + " }}"
    word = tag.word
    if word == "elif":
        return "{% if " + tag.body[4:] + " %}{% endif %}"
    if word == "else":
        return "{% if true %}{% " + tag.body + " %}{% endif %}"
    if word in ("colspan", "cellbg"):
        return "{{ " + tag.body[len(word) :] + " }}"
    if word.startswith("end"):
        return "{% if true %}{% endif" + tag.body[len(word) :] + " %}"
    whole = "{% " + tag.body + " %}"
    if word == "set" and "=" in tag.body:
        return whole
    return whole + "{% end" + word + " %}"


_GOT = re.compile(r"got '(.*)'$")


def syntax_words(tag: Tag, reason: str) -> tuple[Message, Message | None]:
    """The engine's complaint in a clerk's words, with what to do."""
    raw = " ".join(tag.raw.split())
    got = _GOT.search(reason)
    token = got[1] if got else ""
    if not tag.body:
        return msg("The tag {tag} is empty.", tag=raw), msg("Write the name of a field in it, or delete it.")
    if token == "=" and tag.word in ("if", "elif"):
        return (msg("In {tag} a single = cannot compare.", tag=raw), msg("Write == to compare."))
    if "end of print statement" in reason and token and re.search(r"\w\s+\w", tag.body):
        joined = re.sub(r"(?<=\w)\s+(?=\w)", "", tag.body)
        return (
            msg("In {tag} two words stand side by side: a name has no spaces.", tag=raw),
            msg("Write one name ({joined}), or one tag for each field.", joined=joined),
        )
    if "end of print statement" in reason and tag.body.split()[0] in _STATEMENTS:
        return (msg("{word} stands in a tag for values.", word=tag.body.split()[0]),
                msg("Conditions and loops are written {tag}", tag="{% " + tag.body + " %}"))
    if reason.startswith("Expected an expression") or reason.startswith("unexpected 'end of"):
        return msg("{tag} breaks off: something is missing in it.", tag=raw), msg(
            "Complete it: a sign such as == or and needs something on both sides.")
    if "unexpected char" in reason:
        sign = re.search(r"unexpected char '(.*?)' at", reason)
        what = msg("{tag} holds the sign {sign}, which cannot stand there.", tag=raw, sign=sign[1] if sign else "?")
        return what, msg("Quotes come in pairs; names hold letters, characters, digits and _ only.")
    if tag.word == "for" and "expected token 'in'" in reason:
        return msg("The loop {tag} lacks its 'in'.", tag=raw), msg("Write {tag}", tag="{% for m in … %}")
    if tag.word in ("else", "endif", "endfor") or tag.word.startswith("end"):
        fix = msg("Write {tag}", tag="{% elif … %}") if tag.word == "else" else None
        return msg("{tag}: nothing may follow {word}.", tag=raw, word=tag.word), fix or msg(
            "Write {tag}", tag="{% " + tag.word + " %}")
    if token:
        return (msg("In {tag} the sign {sign} stands where it cannot stand.", tag=raw, sign=token),
                msg("Compare it with a tag of a shipped form; brackets and quotes come in pairs."))
    return (msg("{tag} is not written as a tag must be ({reason}).", tag=raw, reason=expression_reason(reason)),
            msg("Compare it with a tag of a shipped form; brackets and quotes come in pairs."))


def statement_fix(word: str) -> Message | None:
    """What was probably meant by an unknown statement."""
    glued = re.match(r"(tr|tc|p)(if|elif|else|endif|for|endfor)$", word)
    if glued:
        return msg("Write {tag}", tag=f"{{%{glued[1]} {glued[2]} … %}}")
    near = _CHINESE.get(word)
    return msg("Did you mean {near}?", near=near) if near else did_you_mean(word, _STATEMENTS, 0.6)


@cache
def reading_environment() -> SandboxedEnvironment:
    """Only reads: the filters of our own are known by name."""
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment()
    environment.filters.update(dict.fromkeys(FORM_FILTERS, str))
    return environment
