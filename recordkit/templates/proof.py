"""Proves of a template, before it is filled, what every document made from it will be.

The Jinja tree of a part is walked in document order with a small XML reader. Where the two ways around every ``if``
and the two ends of every ``for`` leave the same elements open, and every value stands in text or in an attribute,
each rendering is well-formed whatever the values are, because values are escaped. The same walk finds the tables
whose column grid can never disagree with their rows, and numbers the drawings. What is not proved is not wrong: such
a part is parsed strictly each time it is filled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from jinja2 import nodes

ATTRIBUTE_FILTER = "recordkit attribute"
STRUCTURE_FILTER = "recordkit structure"
DRAWING_FILTER = "recordkit drawing"
"""Filters that the walk puts around values; their names hold a space, so that no template can call them."""

_NAME = r"[^\W\d][\w.\-]*(?::[^\W\d][\w.\-]*)?"
_ATTRIBUTES = rf"(?:\s+{_NAME}\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*"
_TOKEN = re.compile(
    r"(?P<text>[^<&]+)"
    rf"|</(?P<close>{_NAME})\s*>"
    rf"|<(?P<name>{_NAME})(?P<attributes>{_ATTRIBUTES})\s*(?P<empty>/?)>"
    rf"|<(?P<cut>{_NAME})(?P<before>{_ATTRIBUTES})\s+(?P<attribute>{_NAME})\s*=\s*(?P<quote>[\"'])[^\"'<]*\Z"
    r"|&(?:amp|lt|gt|quot|apos);"
    r"|&\#(?:x(?P<hex>[0-9a-fA-F]+)|(?P<decimal>[0-9]+));"
    r"|<\?[^?]*\?>"
    r"|<!--(?:(?!--)[\s\S])*-->"
)
_REST_OF_TAG = re.compile(rf"(?P<attributes>{_ATTRIBUTES})\s*(?P<empty>/?)>")
_REST_CUT = re.compile(
    rf"(?P<before>{_ATTRIBUTES})\s+(?P<attribute>{_NAME})\s*=\s*(?P<quote>[\"'])[^\"'<]*\Z"
)
_ATTRIBUTE = re.compile(rf"\s({_NAME})\s*=\s*(\"[^\"<]*\"|'[^'<]*')")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)")
_TEXT_HOLDERS = frozenset({"w:t", "w:delText", "w:instrText", "w:delInstrText"})
_STRUCTURE = re.compile(r"w:|w\d+:|wp:(?:inline|anchor)|mc:|wps:|wpg:|wpc:|pic:|v:|cp:coreProperties")


class _NotProved(Exception):
    """The walk met something that it does not follow."""


@dataclass(slots=True)
class _Table:
    nest: int
    grid: int = 0
    sure: bool = True
    whole_row: bool = False


@dataclass(slots=True)
class _Row:
    nest: int
    cells: int = 0
    spans: int = 0
    varies: bool = False


@dataclass(slots=True)
class _Cell:
    nest: int
    row: _Row


@dataclass(frozen=True, slots=True)
class _Open:
    name: str
    prefixes: frozenset[str]
    thing: _Table | _Row | _Cell | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class _InValue:
    """Inside the value of an attribute of a start tag that is not complete yet."""

    quote: str
    element: str
    attribute: str
    names: frozenset[str]
    prefixes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """What holds for every rendering of a part.

    Attributes:
        well_formed: whatever plain text the values are, the part is well-formed XML.
        tables_fit: repairing the tables can never change anything.
        nested_paragraphs: a paragraph can stand inside another one (text boxes).
    """

    well_formed: bool
    tables_fit: bool
    nested_paragraphs: bool


class Walk:
    """One walk over the tree of one part; rewrites it on the way (values in attributes, drawings)."""

    def __init__(self, part: str, prefixes: frozenset[str], *, number_drawings: bool) -> None:
        """Prepare.

        Args:
            part: name of the part, for messages.
            prefixes: namespace prefixes declared around the source.
            number_drawings: give drawings (wp:docPr) the numbers 1001 and up, as docxtpl does in the body; elsewhere
                only those in loops are numbered, while filling.
        """
        self._part = part
        self._stack = [_Open("", prefixes | {"xml"})]
        self._value: _InValue | None = None
        self._nest = 0
        self._roots = 0
        self._number_drawings = number_drawings
        self._drawings: list[tuple[nodes.Output, int]] = []
        self._numbers: list[str] = []
        self._loops = 0
        self._drawings_vary = False
        self._tables_fit = True
        self._nested = False
        self._cuts: list[tuple[int, int]] = []
        self._near = ""

    def prove(self, tree: nodes.Template) -> Proof:
        """Walk the whole part."""
        try:
            self._body(tree.body)
            proved = len(self._stack) == 1 and self._value is None and self._roots == 1
        except _NotProved:
            proved = False
        if not proved:
            # Half a walk numbers half the drawings: take it back, the strict reading numbers them all.
            for (output, place), number in zip(self._drawings, self._numbers, strict=True):
                output.nodes[place] = nodes.TemplateData(number)
            return Proof(False, False, True)
        varies = self._drawings_vary or not self._number_drawings
        for count, (output, place) in enumerate(self._drawings, 1001):
            output.nodes[place] = (
                nodes.Filter(nodes.Const(self._number_drawings), DRAWING_FILTER, [], [], None, None)
                if varies else nodes.TemplateData(str(count))
            )
        return Proof(True, self._tables_fit, self._nested)

    def _body(self, body: Sequence[nodes.Node]) -> None:
        for node in body:
            if isinstance(node, nodes.Output):
                self._output(node)
            elif isinstance(node, nodes.If):
                self._branches([node.body, *(other.body for other in node.elif_), node.else_])
            elif isinstance(node, nodes.For):
                self._loops += 1
                self._same_as_before(node.body)
                self._loops -= 1
                self._same_as_before(node.else_)
            elif isinstance(node, (nodes.With, nodes.Scope)):
                self._body(node.body)
            elif not isinstance(node, nodes.Assign):
                raise _NotProved(type(node).__name__)

    def _branches(self, bodies: Sequence[Sequence[nodes.Node]]) -> None:
        before = self._state()
        self._nest += 1
        ends = []
        for body in bodies:
            self._restore(before)
            self._body(body)
            ends.append(self._state())
        self._nest -= 1
        for end in ends[1:]:
            self._join(ends[0], end)

    def _same_as_before(self, body: Sequence[nodes.Node]) -> None:
        before = self._state()
        self._nest += 1
        self._body(body)
        self._nest -= 1
        self._join(before, self._state())
        self._restore(before)

    def _state(self) -> tuple[tuple[_Open, ...], _InValue | None, int]:
        return tuple(self._stack), self._value, self._roots

    def _restore(self, state: tuple[tuple[_Open, ...], _InValue | None, int]) -> None:
        self._stack, self._value, self._roots = list(state[0]), state[1], state[2]

    def _join(
        self,
        one: tuple[tuple[_Open, ...], _InValue | None, int],
        other: tuple[tuple[_Open, ...], _InValue | None, int],
    ) -> None:
        if one != other:
            raise _NotProved("the ways differ")
        if any(a.thing is not b.thing for a, b in zip(one[0], other[0], strict=True)):
            self._tables_fit = False

    def _output(self, node: nodes.Output) -> None:
        made: list[nodes.Expr] = []
        drawings: list[tuple[nodes.Output, int]] = []
        numbers: list[str] = []
        for child in node.nodes:
            if not isinstance(child, nodes.TemplateData):
                made.append(self._placed(child))
                continue
            self._cuts = []
            self._feed(child.data)
            at = 0
            for start, end in self._cuts:
                made.append(nodes.TemplateData(child.data[at:start], lineno=child.lineno))
                drawings.append((node, len(made)))
                numbers.append(child.data[start:end])
                made.append(nodes.TemplateData("0"))
                self._drawings_vary |= self._nest > 0
                at = end
            made.append(nodes.TemplateData(child.data[at:], lineno=child.lineno))
        node.nodes = made
        self._drawings += drawings
        self._numbers += numbers

    def _placed(self, value: nodes.Expr) -> nodes.Expr:
        """The value with the treatment that its place asks for."""
        if self._value is not None:
            kind = f"{self._value.element} {self._value.attribute}"
            return nodes.Filter(value, ATTRIBUTE_FILTER, [nodes.Const(kind)], [], None, None)
        top = self._stack[-1].name
        if not top:
            raise _NotProved("a value outside the root")
        if top not in _TEXT_HOLDERS and _STRUCTURE.match(top):
            place = f"{self._part}: …{self._near}"
            return nodes.Filter(value, STRUCTURE_FILTER, [nodes.Const(place)], [], None, None)
        return value

    def _feed(self, data: str) -> None:
        at = 0
        if self._value is not None:
            at = self._finish_value(data)
        while at < len(data):
            found = _TOKEN.match(data, at)
            if found is None:
                raise _NotProved("no XML that can be followed")
            kind = found.lastgroup
            if kind == "text":
                text = found["text"]
                # Values escape their own ">", so only static text can end a "]]" that came from a value before it.
                torn = at == 0 and text.startswith((">", "]>"))
                stray = len(self._stack) == 1 and not text.lstrip("\ufeff").isspace() and text.strip()
                if torn or stray or "]]>" in text:
                    raise _NotProved("text in a place for none")
                if self._stack[-1].name in _TEXT_HOLDERS:
                    self._near = (self._near + text)[-20:]
            elif kind == "close":
                self._close(found["close"])
            elif found["name"] is not None:
                self._start(found["name"], found["attributes"], bool(found["empty"]), found.start("attributes"))
            elif found["cut"] is not None:
                names, prefixes = self._attributes(found["before"], self._stack[-1].prefixes)
                self._begin_value(found["cut"], found["attribute"], found["quote"], names, prefixes)
            elif found["hex"] or found["decimal"]:
                number = int(found["hex"], 16) if found["hex"] else int(found["decimal"])
                if not (number in (9, 10, 13) or 0x20 <= number < 0xD800 or 0xE000 <= number < 0xFFFE
                        or 0x10000 <= number < 0x110000):
                    raise _NotProved("an illegal character")
            at = found.end()

    def _begin_value(
        self, element: str, attribute: str, quote: str, names: frozenset[str], prefixes: frozenset[str]
    ) -> None:
        if attribute in names or attribute.startswith("xmlns"):
            raise _NotProved("an attribute twice")
        self._value = _InValue(quote, element, attribute, names | {attribute}, prefixes)

    def _finish_value(self, data: str) -> int:
        """Read on inside an attribute; the place in ``data`` from which on there is content again."""
        value = self._value
        assert value is not None
        end = data.find(value.quote)
        inside = data if end < 0 else data[:end]
        if "<" in inside or _ENTITY.search(inside):
            raise _NotProved("no attribute value")
        if end < 0:
            return len(data)
        rest = _REST_OF_TAG.match(data, end + 1)
        if rest is not None:
            self._value = None
            self._open(value.element, rest["attributes"], bool(rest["empty"]), value.names, value.prefixes,
                       rest.start("attributes"), changing=value.attribute)
            return rest.end()
        cut = _REST_CUT.match(data, end + 1)
        if cut is None:
            raise _NotProved("no start tag")
        names, prefixes = self._attributes(cut["before"], value.prefixes, value.names)
        self._begin_value(value.element, cut["attribute"], cut["quote"], names, prefixes)
        return len(data)

    def _attributes(
        self, text: str, prefixes: frozenset[str], names: frozenset[str] = frozenset()
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Names and prefixes so far, with the attributes in ``text``."""
        if not text:
            return names, prefixes
        if "&" in text and _ENTITY.search(text):
            raise _NotProved("an entity")
        found = [name for name, _ in _ATTRIBUTE.findall(text)]
        if len({*found}) != len(found) or not names.isdisjoint(found):
            raise _NotProved("an attribute twice")
        if "xmlns" in text:
            prefixes |= {name[6:] for name in found if name.startswith("xmlns:")}
        return names | frozenset(found), prefixes

    def _start(self, name: str, attributes: str, empty: bool, offset: int) -> None:
        self._open(name, attributes, empty, frozenset(), self._stack[-1].prefixes, offset, changing="")

    def _open(
        self, name: str, attributes: str, empty: bool, names: frozenset[str], prefixes: frozenset[str],
        offset: int, *, changing: str,
    ) -> None:
        names, prefixes = self._attributes(attributes, prefixes, names)
        for one in (name, *names):
            prefix, colon, _ = one.partition(":")
            if colon and prefix != "xmlns" and prefix not in prefixes:
                raise _NotProved(f"prefix {prefix}")
        if len(self._stack) == 1:
            self._roots += 1
        thing = self._seen(name, attributes, offset, changing)
        if not empty:
            if name == "w:p":
                self._nested |= any(one.name == "w:p" for one in self._stack)
                self._near = ""
            self._stack.append(_Open(name, prefixes, thing))
        elif thing is not None:
            self._leave(thing)

    def _close(self, name: str) -> None:
        if len(self._stack) == 1 or self._stack[-1].name != name:
            raise _NotProved("an end tag too many")
        thing = self._stack.pop().thing
        if thing is not None:
            self._leave(thing)

    # What the tables and drawings are.

    def _seen(self, name: str, attributes: str, offset: int, changing: str) -> _Table | _Row | _Cell | None:
        top = self._stack[-1]
        if name == "w:tc" and isinstance(top.thing, _Row):
            row = top.thing
            row.varies |= self._nest != row.nest
            row.cells += 1
            row.spans += 1
            return _Cell(self._nest, row)
        if name == "w:tr":
            return _Row(self._nest)
        if name == "w:tbl":
            return _Table(self._nest)
        if name == "w:gridCol" and top.name == "w:tblGrid" and isinstance(self._stack[-2].thing, _Table):
            table = self._stack[-2].thing
            table.grid += 1
            table.sure &= self._nest == table.nest
        elif name == "w:gridSpan" and top.name == "w:tcPr" and isinstance(self._stack[-2].thing, _Cell):
            self._span(self._stack[-2].thing, attributes, changing)
        elif name == "wp:docPr" and (self._number_drawings or self._loops):
            self._drawing(attributes, offset, changing)
        return None

    def _span(self, cell: _Cell, attributes: str, changing: str) -> None:
        found = re.search(r"\sw:val\s*=\s*[\"'](\d+)[\"']", attributes)
        if found is None or changing or self._nest != cell.nest:
            cell.row.varies = True
        else:
            cell.row.spans += int(found[1]) - 1

    def _drawing(self, attributes: str, offset: int, changing: str) -> None:
        found = re.search(r"\sid\s*=\s*[\"']([^\"']*)[\"']", attributes)
        if found is None or changing:
            raise _NotProved("a drawing that cannot be numbered")
        self._cuts.append((offset + found.start(1), offset + found.end(1)))

    def _leave(self, thing: _Table | _Row | _Cell) -> None:
        if isinstance(thing, _Row):
            for table in (one.thing for one in self._stack):
                if isinstance(table, _Table):
                    table.sure &= not thing.varies and self._nest == thing.nest and thing.cells <= table.grid
                    table.whole_row |= thing.nest == table.nest and thing.spans >= table.grid
        elif isinstance(thing, _Table):
            self._tables_fit &= thing.sure and thing.whole_row and self._nest == thing.nest
