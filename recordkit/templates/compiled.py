"""A Word template compiled once and filled thousands of times, with docxtpl's result and without its faults.

The source of every part is what docxtpl itself makes of it (``DocxTemplate.patch_xml``, called, never copied), and
what must be repaired in a filled part is repaired by docxtpl's own functions. What is saved is the opening, patching,
compiling, post-processing and compressing of everything for each document: Jinja's generated code hands out its
static text as the same string objects every time, so each is deflated once (:mod:`recordkit.templates.package`), and
what :mod:`recordkit.templates.proof` proves of a template need not be checked in its documents.

A value can never become markup: autoescape and the sandbox are always on, XML is read strictly, characters that XML
does not know are refused by the field's name, and a missing name is an error.
"""

from __future__ import annotations

import io
import itertools
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal

from jinja2 import TemplateError, nodes
from lxml import etree
from markupsafe import escape

from recordkit.errors import InputRefused
from recordkit.messages import Message, msg
from recordkit.model import Problem
from recordkit.templates import misses
from recordkit.templates.package import (
    SHORTEST_PIECE,
    Entry,
    Layout,
    Piece,
    deflated,
    make_piece,
    pieced,
    read_entries,
    repack,
    stored,
)
from recordkit.templates.placing import ForDocxtpl, Marks, PartContext, strict_environment
from recordkit.templates.proof import Walk
from recordkit.templates.sandbox import EXHAUSTED, Refused, boundless
from recordkit.templates.sources import FIRST_OUTSIDE, LONGEST_PROPERTY, Source, number_again, plan_parts

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

FILL_ERRORS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, *EXHAUSTED)
"""What a template's own expressions can raise."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_UNUSUAL = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_LISTING = re.compile("[\n\t\a\f]")
_ILLEGAL = misses.ILLEGAL
_ESCAPES = (("{_{", "{{"), ("}_}", "}}"), ("{_%", "{%"), ("%_}", "%}"))


@dataclass(frozen=True, slots=True)
class _Part:
    """A part that has tags, or needs to be read for each document.

    Attributes:
        name: its name in the package.
        source: docxtpl's source, for telling the place of a mistake.
        pieces: what is ready of the static strings, by the identity of the string object.
        body: the main document: tables and drawings may need repair.
        checked: not proved; every filled part is parsed strictly.
        repaired: docxtpl repairs the tables of every filled part.
        listed: static text holds tabs or line breaks, so docxtpl's listing rules always apply.
        flat: no paragraph stands inside another, so a paragraph can be found by its tags.
    """

    name: str
    source: str
    template: Template
    pieces: Mapping[int, Piece]
    body: bool
    checked: bool
    repaired: bool
    listed: bool
    flat: bool
    properties: bool = False
    texts: tuple[str, ...] = ()  # keeps alive what ``pieces`` knows by identity


class CompiledTemplate:
    """One template, ready.

    Attributes:
        path: ``compiled``, or ``docxtpl`` where the template itself needs docxtpl for each document.
        reasons: why it is docxtpl, or why filling takes a strict reading or a repair each time.
    """

    def __init__(
        self, template: bytes, entries: Mapping[str, bytes], parts: Sequence[_Part],
        environment: SandboxedEnvironment, reasons: Sequence[Message], slow: bool,
    ) -> None:
        """Use :func:`compile_template`."""
        self.path: Literal["compiled", "docxtpl"] = "docxtpl" if slow else "compiled"
        self.reasons = tuple(reasons)
        self._template = template
        self._entries = dict(entries)
        self._parts = tuple(parts)
        self._environment = environment
        self._globals = dict(environment.globals)
        self._layouts: dict[frozenset[str], Layout] = {}

    def render(self, context: Mapping[str, object], pictures: Mapping[str, bytes] | None = None) -> bytes:
        """The finished .docx; the same bytes for the same values everywhere.

        Args:
            context: values by name.
            pictures: new content of picture parts, by their name in the package.

        Raises:
            InputRefused: names are missing, a value holds characters that no document can hold, or the result would
                not be well-formed; ``problems`` lists all of it.
            ValueError: a picture is not in the template.
        """
        pictures = pictures or {}
        if self.path == "docxtpl":
            return self.render_by_docxtpl(context, pictures)
        layout = self._layout(frozenset(pictures))
        marks = Marks(itertools.count(1001).__next__, itertools.count(FIRST_OUTSIDE).__next__)
        names = {**self._globals, **context}
        made: list[Entry] = []
        try:
            for part in self._parts:
                marks.markup = False
                inside = PartContext(self._environment, names, part.name, {})
                inside.marks = marks
                made.append(self._fill(part, part.template.root_render_func(inside), marks))
        except ForDocxtpl as value:
            return self.render_by_docxtpl(context, pictures, value.template)
        except _Unwritable as found:
            raise self._unwritable(context, found.part) from None
        except FILL_ERRORS as error:
            raise self._explained(context, error) from None
        made += [stored(name, data) for name, data in pictures.items()]
        return layout.write(made)

    @property
    def sources(self) -> Mapping[str, str]:
        """Docxtpl's source of every part that has tags, by the part's name."""
        return {part.name: part.source for part in self._parts}

    def render_by_docxtpl(
        self, context: Mapping[str, object], pictures: Mapping[str, bytes] | None = None, template: Any = None
    ) -> bytes:
        """The same through docxtpl itself, as strict: for values it alone can place, and to compare with.

        Args:
            context: values by name.
            pictures: new content of picture parts, by their name in the package.
            template: the DocxTemplate that pictures and sub-documents among the values belong to.

        Raises:
            InputRefused: as :meth:`render`.
        """
        from recordkit.templates import fallback

        try:
            package = fallback.render(self._template, template, context, self._environment)
        except FILL_ERRORS as error:
            raise self._explained(context, error) from None
        except etree.XMLSyntaxError as error:
            raise _damaged("docxtpl", error) from None
        return repack(read_entries(package), pictures or {})

    def _layout(self, swapped: frozenset[str]) -> Layout:
        found = self._layouts.get(swapped)
        if found is None:
            if not swapped <= self._entries.keys():
                raise ValueError(f"not in the template: {', '.join(sorted(swapped - self._entries.keys()))}")
            changing = {part.name for part in self._parts} | swapped
            found = Layout([deflated(name, data) for name, data in self._entries.items() if name not in changing])
            self._layouts[swapped] = found
        return found

    def _fill(self, part: _Part, chunks: Iterator[str], marks: Marks) -> Entry:
        """One part of one document."""
        pieces = part.pieces
        out: list[Piece | str] = []
        pending: list[str] = []
        unusual = False
        for chunk in chunks:
            piece = pieces.get(id(chunk))
            if piece is None:
                pending.append(chunk)
                continue
            if pending:
                text = "".join(pending)
                unusual = unusual or _UNUSUAL.search(text) is not None
                out.append(text)
                pending.clear()
            out.append(piece)
        if pending:
            text = "".join(pending)
            unusual = unusual or _UNUSUAL.search(text) is not None
            out.append(text)
        whole_needed = marks.markup or part.checked or part.repaired or part.listed or part.properties
        if unusual and part.flat and not whole_needed:
            listed = _listed(out)
            if listed is not None:
                return pieced(part.name, listed)
        if unusual or whole_needed:
            return self._finish(part, "".join(map(_text_of, out)), marks)
        return pieced(part.name, out)

    def _finish(self, part: _Part, text: str, marks: Marks) -> Entry:
        """What a proved and ordinary part does not need: listing rules, strict reading, repairs."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        read = marks.markup or part.checked or part.repaired
        if not part.properties and _LISTING.search(text):
            read |= "\a" in text or "\f" in text
            text = _docxtpl().resolve_listing(text)
        if _ILLEGAL.search(text):
            raise _Unwritable(part)
        data = text.encode()
        if part.properties:
            _refuse_long_properties(part.name, data)
        if read:
            try:
                root = etree.fromstring(data, _strict_parser())
            except etree.XMLSyntaxError as error:
                raise _damaged(part.name, error) from None
            for inner in root.iter(f"{_W}t"):
                if len(inner):
                    raise _damaged(part.name, "".join(inner.itertext()))
            if part.body and (marks.markup or part.checked or part.repaired):
                data = _repaired(text, part)
            elif part.checked and "<wp:docPr" in text:
                data = number_again(text, marks.outside).encode()
        return deflated(part.name, data, 6)

    def _unwritable(self, context: Mapping[str, object], part: _Part) -> InputRefused:
        problems = misses.find_unwritable(context)
        place = msg("in {place}", place=misses.part_name(part.name))
        return InputRefused(
            msg("The text holds characters that no Word document can hold."),
            msg("Type the text of the named field anew; it was probably copied from a damaged file."),
            problems or [Problem(None, "", "", None, "character", place)],
        )

    def _explained(self, context: Mapping[str, object], error: Exception) -> InputRefused:
        """The error with every missing name and its place."""
        sources = [(part.name, part.source) for part in self._parts]
        problems = misses.find_missing(sources, context, self._environment)
        return InputRefused(msg("The template cannot be filled: {error}", error=_told(error)), None, problems)


def _told(error: Exception) -> Message | str:
    if isinstance(error, Refused):
        return error.told
    if isinstance(error, EXHAUSTED):
        return boundless()
    return (error.message if isinstance(error, TemplateError) else str(error)) or type(error).__name__


class _Unwritable(Exception):
    def __init__(self, part: _Part) -> None:
        super().__init__()
        self.part = part


def compile_template(template: bytes, environment: SandboxedEnvironment) -> CompiledTemplate:
    """Compile a Word template; to be done once, it takes some 100 ms.

    Args:
        template: the .docx.
        environment: filters and globals; autoescape and strict undefined names are on in any case. A ``finalize``
            takes the value alone.

    Raises:
        InputRefused: it is not a Word document, or a tag has a mistake; ``problems`` names the place.
    """
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docxtpl import DocxTemplate

    prepared = strict_environment(environment)
    source = DocxTemplate(io.BytesIO(template))
    try:
        source.init_docx()
        assert isinstance(source.docx, docx.document.Document)
        plan = plan_parts(source)
    except (zipfile.BadZipFile, KeyError, ValueError, AttributeError, PackageNotFoundError, etree.XMLSyntaxError,
            UnicodeDecodeError):
        raise InputRefused(
            msg("The template is not a Word document."), msg("Save it as .docx in Word or WPS.")
        ) from None
    reasons: list[Message] = []
    parts: list[_Part] = []
    entries = plan.entries
    for one in plan.sources:
        part = _compiled(one, prepared)
        if isinstance(part, _Part):
            parts.append(part)
            reasons += _reasons(part)
        else:
            entries[one.name] = part
    if plan.unusual:
        return CompiledTemplate(template, entries, parts, prepared, plan.unusual, True)
    return CompiledTemplate(template, entries, parts, prepared, reasons, False)


def _reasons(part: _Part) -> list[Message]:
    found = []
    if part.checked:
        found.append(msg("{part}: a condition or loop cuts through the structure; each document is read and checked.",
                         part=misses.part_name(part.name)))
    elif part.repaired:
        found.append(msg("{part}: the columns of a table depend on the data; each document's tables are adjusted.",
                         part=misses.part_name(part.name)))
    return found


def _compiled(source: Source, environment: SandboxedEnvironment) -> _Part | bytes:
    """The part, or its final bytes when nothing in it depends on a document."""
    try:
        if source.unread is not None:
            etree.fromstring(source.unread, _strict_parser())
        tree = _property_tree(source, environment) if source.properties else environment.parse(source.text)
        _refuse_markup(tree)
        _add_around(tree, source)
        if not source.properties:
            _resolve_escapes(tree)
        proof = Walk(source.name, source.prefixes, number_drawings=source.body).prove(tree)
        tree.set_environment(environment)
        code = environment.compile(tree, source.name, f"<{source.name}>")
        template = environment.template_class.from_code(environment, code, dict(environment.globals), None)
    except etree.XMLSyntaxError as error:
        raise _damaged(source.name, error) from None
    except (TemplateError, ValueError, *EXHAUSTED) as error:
        place = misses.place_of(source.name, source.text, environment)
        raise InputRefused(
            msg("The template cannot be filled: {error}", error=_told(error)),
            None,
            [Problem(None, "", "", None, "syntax", place or msg("in {place}", place=misses.part_name(source.name)))],
        ) from None
    proof_holds = proof.well_formed or source.properties
    part = _Part(
        name=source.name,
        source=source.text,
        template=template,
        pieces={},
        body=source.body,
        checked=not proof_holds,
        repaired=source.body and proof_holds and not proof.tables_fit,
        listed=not source.properties and _static_listing(tree),
        flat=proof.well_formed and not proof.nested_paragraphs and not source.properties,
        properties=source.properties,
    )
    if all(isinstance(one, (nodes.Output, nodes.TemplateData, nodes.Scope)) for one in tree.find_all(nodes.Node)):
        return _static_bytes(part, environment)
    texts = tuple(text for text in _constants(code) if len(text) >= SHORTEST_PIECE)
    return replace(part, pieces={id(text): make_piece(text) for text in texts}, texts=texts)


def _property_tree(source: Source, environment: SandboxedEnvironment) -> nodes.Template:
    """The properties' texts are templates of their own; what stands around them is none."""
    body: list[nodes.Node] = []
    at = 0
    names = "dc:creator|dc:description|dc:identifier|dc:language|dc:subject|dc:title"
    for found in re.finditer(rf"<({names})(?:\s[^>]*)?>([^<]*)</\1>", source.text):
        body.append(nodes.Output([nodes.TemplateData(source.text[at : found.start(2)])]))
        text = etree.fromstring(f"<t>{found[2]}</t>", _strict_parser()).text or ""
        inner = environment.parse(text)
        for data in inner.find_all(nodes.TemplateData):
            data.data = str(escape(data.data))
        body.append(nodes.Scope(inner.body))
        at = found.end(2)
    body.append(nodes.Output([nodes.TemplateData(source.text[at:])]))
    return nodes.Template(body, lineno=1)


def _refuse_markup(tree: nodes.Template) -> None:
    """Refuse what would let a value become markup; found in the tree, since a branch may hide it from filling."""
    switches = (nodes.ScopedEvalContextModifier, nodes.EvalContextModifier)
    if any(one.name == "safe" for one in tree.find_all(nodes.Filter)):
        raise Refused(msg("the filter safe is not allowed: every value is printed as it is"))
    if next(tree.find_all(switches), None) is not None:
        raise Refused(msg("the tag autoescape is not allowed: every value is printed as it is"))


def _add_around(tree: nodes.Template, source: Source) -> None:
    if source.head:
        tree.body.insert(0, nodes.Output([nodes.TemplateData(source.head)], lineno=1))
    if source.tail:
        tree.body.append(nodes.Output([nodes.TemplateData(source.tail)], lineno=1))


def _resolve_escapes(tree: nodes.Template) -> None:
    """Docxtpl's spelling of braces that are no tags; resolved in the template, never in values."""
    for data in tree.find_all(nodes.TemplateData):
        for written, meant in _ESCAPES:
            data.data = data.data.replace(written, meant)


def _static_listing(tree: nodes.Template) -> bool:
    """Whether static text holds what docxtpl's listing rules change."""
    texts = [data.data for data in tree.find_all(nodes.TemplateData)]
    if texts:  # before the first paragraph it is the layout of the file, not text
        texts[0] = re.sub(r"^.*?(?=<w:p[ >]|\Z)", "", texts[0], flags=re.DOTALL)
    return any(_LISTING.search(text) for text in texts)


def _static_bytes(part: _Part, environment: SandboxedEnvironment) -> bytes:
    context = PartContext(environment, {}, part.name, {})
    context.marks = Marks(itertools.count(1001).__next__, itertools.count(FIRST_OUTSIDE).__next__)
    text = "".join(part.template.root_render_func(context))
    if part.listed:
        text = _docxtpl().resolve_listing(text)
    if part.checked or part.properties:
        try:
            etree.fromstring(text.encode(), _strict_parser())
        except etree.XMLSyntaxError as error:
            raise _damaged(part.name, error) from None
    return _repaired(text, part) if part.repaired or (part.body and part.checked) else text.encode()


def _listed(out: Sequence[Piece | str]) -> list[Piece | str] | None:
    """The listing rules on the paragraphs that hold a tab or line break, or None where all must be looked at.

    The rules go by paragraph, so the others keep their ready pieces. Paragraph and page breaks in a value can tear a
    link apart and need the strict reading.
    """
    done: list[Piece | str] = []
    waiting = [one.replace("\r\n", "\n").replace("\r", "\n") if isinstance(one, str) else one for one in reversed(out)]
    helper = _docxtpl()
    while waiting:
        one = waiting.pop()
        found = _UNUSUAL.search(one) if isinstance(one, str) else None
        if found is None:
            done.append(one)
            continue
        text, at = _text_of(one), found.start()
        start = _paragraph_start(text, at)
        while start < 0 and done:
            before = _text_of(done.pop())
            text, at = before + text, at + len(before)
            start = _paragraph_start(text, at)
        end = text.find("</w:p>", at)
        while end < 0 and waiting:
            text += _text_of(waiting.pop())
            end = text.find("</w:p>", at)
        end += len("</w:p>")
        if start < 0 or end < len("</w:p>") or _ILLEGAL.search(text, start, end):
            return None
        done += (text[:start], helper.resolve_listing(text[start:end]))
        waiting.append(text[end:])
    return done


def _text_of(one: Piece | str) -> str:
    return one if isinstance(one, str) else one.data.decode()


def _paragraph_start(text: str, end: int) -> int:
    return max(text.rfind("<w:p>", 0, end), text.rfind("<w:p ", 0, end))


def _constants(code: CodeType) -> Iterator[str]:
    """The strings of generated code: static text is among them, as the very objects that filling yields."""
    for one in code.co_consts:
        if isinstance(one, str):
            yield one
        elif isinstance(one, CodeType):
            yield from _constants(one)


def _docxtpl() -> Any:
    from docxtpl import DocxTemplate

    found = DocxTemplate(io.BytesIO())
    found.docx_ids_index = 1000
    return found


def _strict_parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


def _repaired(text: str, part: _Part) -> bytes:
    """Docxtpl's repairs of tables and drawing ids, on text that was found to be well-formed."""
    helper = _docxtpl()
    # docxtpl reads str, which must not declare an encoding.
    try:
        tree = helper.fix_tables(re.sub(r"^<\?xml[^>]*\?>", "", text))
    except (AttributeError, ValueError, TypeError, ZeroDivisionError) as error:
        raise _damaged(part.name, error) from None
    helper.fix_docpr_ids(tree)
    done: bytes = etree.tostring(tree, encoding="UTF-8", standalone=True)
    return done


def _damaged(part: str, error: object) -> InputRefused:
    return InputRefused(
        msg("The document would be damaged in {part}: {error}", part=misses.part_name(part), error=str(error)[:200])
    )


def _refuse_long_properties(part: str, data: bytes) -> None:
    try:
        root = etree.fromstring(data, _strict_parser())
    except etree.XMLSyntaxError as error:
        raise _damaged(part, error) from None
    for child in root:
        if len(child.text or "") > LONGEST_PROPERTY:
            raise InputRefused(
                msg("The document property {name} would be longer than {limit} characters.",
                    name=etree.QName(child).localname, limit=LONGEST_PROPERTY),
                msg("Shorten the value, or take the tag out of the properties of template.docx."),
            )
