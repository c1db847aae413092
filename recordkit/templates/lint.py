"""Finds what is wrong with the tags of a Word template before a clerk meets it; every finding, in one run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from recordkit.messages import Message, msg
from recordkit.templates.findings import FormFinding, Severity, around, at_place
from recordkit.templates.meaning import Meaning, statement_fix
from recordkit.templates.spec import CONTEXT_NAMES, FormSpec
from recordkit.templates.tags import Slip, Tag, scan
from recordkit.templates.wordtext import FILLED, FILLED_PROPERTIES, Block, Part, WordFile

_PAIRS = {"if": "endif", "for": "endfor", "set": "endset", "with": "endwith", "filter": "endfilter",
          "macro": "endmacro", "call": "endcall", "raw": "endraw", "autoescape": "endautoescape", "block": "endblock"}
_MIDDLE = {"elif": ("if",), "else": ("if", "for")}
_CELL_WORDS = {"vm", "hm", "colspan", "cellbg"}
_FILES = {"include", "import", "from", "extends"}
_UNITS = {"p": msg("paragraph"), "tr": msg("table row"), "tc": msg("table cell"), "r": msg("text run")}
_RUN_TOGETHER = re.compile(r"\{[{%#]|[%}#]\}")
_MERGE_FIELD = re.compile(r'MERGEFIELD\s+"?([^\s"\\]+)')


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A tag in its paragraph; not ``sound`` when it is only what a slip was meant to be."""

    tag: Tag
    block: Block
    sound: bool = True

    @property
    def unit(self) -> object:
        """What stands or falls with a tag of this prefix."""
        return {"p": self.block.element, "tr": self.block.row, "tc": self.block.cell}.get(self.tag.prefix)


def lint_template(word: WordFile, spec: FormSpec | None) -> list[FormFinding]:
    """Every finding about the tags.

    Args:
        word: the template.
        spec: its form; None for a Word file without one, whose names are then taken as given.
    """
    known = {*spec.by_name, *CONTEXT_NAMES} if spec is not None else set()
    if spec is None:
        known = {found[0] for block in word.blocks for tag in scan(block.text, ())[0]
                 if tag.opening == "{{" and (found := re.match(r"\w+", tag.body))}
    lint = _Lint(Meaning(spec), known)
    for part in word.parts:
        lint.part(part)
    told = [finding for _, finding in sorted(lint.findings, key=lambda pair: pair[0])]
    return [*told, *(_unused(spec, lint.meaning.used) if spec is not None else ())]


def has_tags(word: WordFile) -> bool:
    """Whether anything in the file is a tag."""
    return any(scan(block.text, ())[0] for block in word.blocks if is_filled(block))


def is_filled(block: Block) -> bool:
    """Whether tags in this text are filled when a document is made."""
    if block.place.part == "properties":
        return block.place.detail in FILLED_PROPERTIES and block.is_core
    return block.place.part in FILLED


@dataclass
class _Lint:
    meaning: Meaning
    known: set[str]
    findings: list[tuple[int, FormFinding]] = field(default_factory=list)
    """Each with the position of its paragraph in the file: they are told from the top to the bottom."""
    _positions: dict[int, int] = field(default_factory=dict)

    def part(self, part: Part) -> None:
        placed: list[_Placed] = []
        for block in part.blocks:
            self._positions[id(block)] = len(self._positions)
            if not is_filled(block):
                self._unfilled(block)
            elif block.origin in ("deleted", "field"):
                self._hidden(block)
            else:
                placed += self._scanned(block)
        for kind, target in part.relations.values():
            if "{{" in target or "%7B%7B" in target.upper():
                self.findings.append((len(self._positions), at_place(
                    part.place, "tag-in-link",
                    msg("A tag in the target of a link or picture is not filled: {target}", target=target),
                    msg("Write the address as text, or take the link off ({kind}).", kind=kind), text=target)))
        self._blocks(placed)
        self._placement(placed, part)
        self._running_together(part)

    def _add(
        self,
        block: Block,
        span: tuple[int, int],
        code: str,
        message: Message,
        fix: Message | None,
        severity: Severity = "error",
    ) -> None:
        finding = at_place(block.place, code, message, fix, severity, text=around(block, *span))
        self.findings.append((self._positions[id(block)], finding))

    def _at(self, one: _Placed, code: str, message: Message, fix: Message | None, severity: Severity = "error") -> None:
        self._add(one.block, (one.tag.start, one.tag.end), code, message, fix, severity)

    # --- texts -------------------------------------------------------------------------------------------------

    def _unfilled(self, block: Block) -> None:
        tags, slips = scan(block.text, self.known)
        for span in _spans(tags, slips):
            self._add(
                block, span, "tag-not-filled",
                msg("Tags are not filled in this part of the file ({part}); it will be printed as it stands.",
                    part=replace(block.place, cells=(), paragraph=0, detail="").words),
                msg("Move it into the body, a header, a footer or a footnote."),
            )

    def _hidden(self, block: Block) -> None:
        tags, slips = scan(block.text, self.known)
        if block.origin == "deleted":
            for tag in tags:
                self._add(block, (tag.start, tag.end), "tag-in-deletion",
                          msg("The tag {tag} stands in text that is deleted but still kept as a change.", tag=tag.raw),
                          msg("Accept all changes in Word (review, accept) and save."))
            return
        for span in _spans(tags, slips):
            self._add(block, span, "tag-in-field",
                      msg("A tag stands in the command of a Word field, where its value is not shown."),
                      msg("Delete the field (Ctrl+F9 shows it) and type the tag as text."))
        for found in _MERGE_FIELD.finditer(block.text):
            self._add(block, found.span(), "merge-field",
                      msg("{name} is a mail-merge field of Word; it will not be filled.", name=found[1]),
                      msg("Delete it and type {tag}", tag=f"{{{{ {found[1]} }}}}"), "warning")

    def _scanned(self, block: Block) -> Iterator[_Placed]:
        tags, slips = scan(block.text, self.known)
        found: list[tuple[int, _Placed]] = []
        broken: set[int] = set()
        for slip in slips:
            if block.origin == "attribute" and slip.meant is None:
                continue
            self._add(block, (slip.start, slip.end), slip.code, slip.message, slip.fix, slip.severity)
            if slip.meant is not None and slip.severity == "error":
                found.append((slip.start, _Placed(_moved(slip.meant, slip), block, sound=False)))
            elif slip.severity == "error":
                broken.add(slip.start)
        found += [(tag.start, _Placed(tag, block, sound=tag.start not in broken)) for tag in tags]
        yield from (one for _, one in sorted(found, key=lambda pair: pair[0]))

    def _running_together(self, part: Part) -> None:
        """Brackets at the end of one paragraph and the beginning of the next: what is between is taken out."""
        if part.kind not in FILLED or part.kind == "properties":
            return
        blocks = [block for block in part.blocks if block.origin == "text" and block.text]
        for before, block in zip(blocks, blocks[1:], strict=False):
            if _RUN_TOGETHER.search(before.text[-1] + block.text[0]):
                self._add(block, (0, 1), "running-together",
                          msg("{last} ends one paragraph and {first} begins the next; together they are read as a tag "
                              "and what is between them is lost.", last=before.text[-1], first=block.text[0]),
                          msg("Put a word or a space between them."))

    # --- blocks ------------------------------------------------------------------------------------------------

    def _blocks(self, placed: list[_Placed]) -> None:
        self.meaning.begin_part()
        stack: list[tuple[str, _Placed]] = []
        for one in placed:
            tag, word = one.tag, one.tag.word
            if stack and stack[-1][0] == "raw" and word != "endraw":
                continue
            if tag.opening == "{#":
                continue
            if tag.opening == "{{" or word in _MIDDLE or word in _PAIRS:
                self._middle(one, stack)
                self._read(one)
                if word in _PAIRS and tag.opening == "{%" and not (word == "set" and "=" in tag.body):
                    stack.append((word, one))
                if word in ("if", "elif"):
                    self.meaning.enter_condition(tag.body, again=word == "elif")
            elif word.startswith("end") and word in _PAIRS.values():
                self._close(one, stack)
                if one.sound and tag.body != word:
                    self._read(one)
            elif word in _CELL_WORDS:
                self._cell_word(one)
            else:
                self._unknown_word(one)
        while stack:
            self._unclosed(*stack.pop())

    def _read(self, one: _Placed) -> None:
        if one.sound:
            self.meaning.read(one.tag, lambda code, message, fix, severity: self._at(one, code, message, fix, severity))
        elif one.tag.word == "for":
            self.meaning.enter_broken_loop(one.tag)
        else:
            self.meaning.note_words(one.tag.body)

    def _middle(self, one: _Placed, stack: list[tuple[str, _Placed]]) -> None:
        word = one.tag.word if one.tag.opening == "{%" else ""
        if word not in _MIDDLE:
            return
        if not stack or stack[-1][0] not in _MIDDLE[word]:
            self._at(one, "stray-statement", msg("{tag} belongs to no condition.", tag=one.tag.raw),
                     msg("An {word} stands between {first} and {last}.", word=word, first="{% if … %}",
                         last="{% endif %}"))
            return
        self._pair(stack[-1][1], one)

    def _close(self, one: _Placed, stack: list[tuple[str, _Placed]]) -> None:
        wanted = next(word for word, ending in _PAIRS.items() if ending == one.tag.word)
        if wanted not in (word for word, _ in stack):
            meant = _PAIRS[stack[-1][0]] if stack else ""
            self._at(one, "stray-statement", msg("{tag} closes nothing: its {word} is missing.", tag=one.tag.raw,
                                                 word=wanted),
                     msg("Here {tag} would close the block that is open.", tag=f"{{% {meant} %}}") if meant
                     else msg("Delete it, or write the missing {tag} before it.", tag=f"{{% {wanted} … %}}"))
            return
        while stack:
            word, opener = stack.pop()
            if word == "for":
                self.meaning.leave_loop()
            elif word == "if":
                self.meaning.leave_condition()
            if word == wanted:
                self._pair(opener, one)
                return
            self._unclosed(word, opener)

    def _unclosed(self, word: str, opener: _Placed) -> None:
        prefix = opener.tag.prefix
        self._at(opener, "unclosed-block", msg("{tag} is never closed.", tag=opener.tag.raw),
                 msg("Write {tag} where it ends.", tag=f"{{%{prefix} {_PAIRS[word]} %}}"))

    def _pair(self, first: _Placed, last: _Placed) -> None:
        """Both ends of a block must be of one kind and stand in one container: else the document is torn apart."""
        a, b = first.tag, last.tag
        if a.prefix != b.prefix:
            right = "{%" + a.prefix + " " + b.body + " %}"
            self._at(last, "prefix-mismatch",
                     msg("{last} belongs to {first} ({place}), but the letters after the percent sign differ.",
                         last=b.raw, first=a.raw, place=first.block.place.words),
                     msg("Write {tag}, or change both.", tag=right))
            return
        where = msg("{first} stands at {place}.", first=a.raw, place=first.block.place.words)
        if first.block.box is not last.block.box:
            self._at(last, "torn-block", msg("{last} stands in another text box than its beginning.", last=b.raw),
                     where)
        elif a.prefix == "tr":
            if first.block.table is not last.block.table:
                self._at(last, "torn-block", msg("{last} stands in another table than its beginning.", last=b.raw),
                         where)
            elif first.block.row is last.block.row and first.block.row is not None:
                self._at(last, "same-row", msg("{first} and {last} stand in one row, which vanishes with both of them.",
                                               first=a.raw, last=b.raw),
                         msg("Give each of them a row of its own, above and below the row that repeats."))
        elif a.prefix == "tc":
            if first.block.row is not last.block.row:
                self._at(last, "torn-block", msg("{last} stands in another row than its beginning.", last=b.raw), where)
        elif first.block.cell is not last.block.cell:
            self._at(last, "torn-block", msg("{last} stands in another cell than its beginning.", last=b.raw),
                     msg("{first} stands at {place}. Over whole rows write {tag} in rows of their own.", first=a.raw,
                         place=first.block.place.words, tag="{%tr … %}"))
        elif a.prefix == "p" and first.block.element is last.block.element:
            self._at(last, "same-paragraph",
                     msg("{first} and {last} stand in one paragraph, which vanishes with both of them.", first=a.raw,
                         last=b.raw),
                     msg("Leave out the p in both, or give each a paragraph of its own."))
        elif a.prefix == "" and first.block.element is not last.block.element and first.block.origin == "text":
            self._at(last, "across-paragraphs",
                     msg("{first} … {last} go over several paragraphs; an empty line may remain.", first=a.raw,
                         last=b.raw),
                     msg("Put both in paragraphs of their own and write {tag}", tag="{%p … %}"), "remark")

    def _cell_word(self, one: _Placed) -> None:
        if one.block.cell is None:
            self._at(one, "outside-table", msg("{tag} has a meaning in table cells only.", tag=one.tag.raw),
                     msg("Move it into a table cell."))
        elif one.tag.word in ("colspan", "cellbg"):
            self._read(one)

    def _unknown_word(self, one: _Placed) -> None:
        self.meaning.note_words(one.tag.body)
        word = one.tag.word
        if word in ("p", "tr", "tc", "r"):
            self._at(one, "space-before-prefix", msg("In {tag} a space stands before {word}.", tag=one.tag.raw,
                                                     word=word),
                     msg("Write {tag}", tag="{%" + one.tag.body + " %}"))
        elif word in _FILES:
            self._at(one, "other-file", msg("{tag} asks for another file, which a form cannot have.", tag=one.tag.raw),
                     msg("Copy the text into this template."))
        else:
            name = word or one.tag.body[:20]
            self._at(one, "unknown-statement", msg("There is no statement {word}.", word=name),
                     statement_fix(word) or msg("A value is printed by {tag}", tag=f"{{{{ {one.tag.body} }}}}"))

    # --- tags that replace what they stand in ------------------------------------------------------------------

    def _placement(self, placed: list[_Placed], part: Part) -> None:
        blocks = [block for block in part.blocks if block.origin == "text"]
        for one in placed:
            if one.tag.prefix and one.tag.opening != "{#":
                self._prefixed(one, blocks)
        self._emptied(placed, blocks)

    def _prefixed(self, one: _Placed, blocks: list[Block]) -> None:
        tag, prefix = one.tag, one.tag.prefix
        if tag.opening == "{{":
            self._at(one, "rich-text-tag", msg("{tag}: values of a form are plain text; this tag takes none.",
                                               tag=tag.raw),
                     msg("Write {tag}", tag=f"{{{{ {tag.body} }}}}"))
            return
        if prefix in ("tr", "tc") and one.block.cell is None:
            self._at(one, "outside-table", msg("{tag} stands outside of any table.", tag=tag.raw),
                     msg("Put it into a table row of its own, or write {tag}", tag="{%p " + tag.body + " %}"))
            return
        if re.search(r"[%}]", tag.body):
            self._at(one, "sign-in-prefixed-tag",
                     msg("{tag}: a tag with {prefix} cannot hold % or a closing bracket.", tag=tag.raw, prefix=prefix),
                     msg("Compute it in a {tag} before.", tag="{% set … %}"))
        if prefix == "r":
            return
        for block in blocks:
            same = {"p": block.element is one.block.element, "tr": block.row is one.block.row and block.row is not None,
                    "tc": block.cell is one.block.cell and block.cell is not None}[prefix]
            if not same:
                continue
            text = block.text
            if block is one.block:
                text = text[: tag.start] + text[tag.end :]
            if text.strip() and not self._is_its_end(one, block, text):
                self._at(one, "text-lost",
                         msg("{tag} replaces the whole {unit}; this text in it is lost: {text}", tag=tag.raw,
                             unit=_UNITS[prefix], text=" ".join(text.split())[:40]),
                         msg("Move the text into another {unit}.", unit=_UNITS[prefix]))
                return

    def _is_its_end(self, one: _Placed, block: Block, text: str) -> bool:
        """Its other end in the same row or paragraph has a finding of its own."""
        left = re.sub(r"\{%(?:p|tr|tc) [^%]*%\}", "", text)
        return not left.strip() and bool(re.search(r"\{%" + one.tag.prefix + " ", text)) and (
            one.tag.word.startswith("end") or "{%" + one.tag.prefix + " end" in text
        )

    def _emptied(self, placed: list[_Placed], blocks: list[Block]) -> None:
        """A cell without any paragraph, or a table without any row, makes a file that Word calls damaged."""
        whole = {id(one.block.element): one for one in placed if one.tag.prefix == "p" and one.tag.opening == "{%"}
        cells: dict[int, list[Block]] = {}
        for block in blocks:
            if block.cell is not None and block.box is None:
                cells.setdefault(id(block.cell), []).append(block)
        for inside in cells.values():
            marks = [whole.get(id(block.element)) for block in inside]
            first = next((mark for mark in marks if mark is not None), None)
            if first is None or any(mark is not None and mark.tag.word == "else" for mark in marks):
                continue
            depth, kept = 0, False
            for mark in marks:
                if mark is None:
                    kept = kept or depth == 0
                else:
                    depth += {"if": 1, "for": 1}.get(mark.tag.word, 0) - mark.tag.word.startswith("end")
            if not kept:
                self._at(first, "empty-cell",
                         msg("When {tag} prints nothing, its cell has no paragraph left; Word calls that damaged.",
                             tag=first.tag.raw),
                         msg("Leave an empty paragraph in the cell, outside the block."))
        self._empty_tables(placed, blocks)

    def _empty_tables(self, placed: list[_Placed], blocks: list[Block]) -> None:
        marks = {id(one.block.row): one for one in placed if one.tag.prefix == "tr" and one.tag.opening == "{%"}
        tables: dict[int, list[Block]] = {}
        for block in blocks:
            if block.table is not None:
                tables.setdefault(id(block.table), []).append(block)
        for inside in tables.values():
            depth, kept, first, seen = 0, False, None, set[int]()
            for block in inside:
                if id(block.row) in seen:
                    continue
                seen.add(id(block.row))
                mark = marks.get(id(block.row))
                first = first or mark
                if mark is None:
                    kept = kept or depth == 0
                else:
                    kept = kept or mark.tag.word == "else"
                    depth += {"if": 1, "for": 1}.get(mark.tag.word, 0) - mark.tag.word.startswith("end")
            if first is not None and not kept:
                self._at(first, "empty-table",
                         msg("When {tag} prints no row, a table without rows remains; Word calls that damaged.",
                             tag=first.tag.raw),
                         msg("Give the table a heading row, or put the whole table between {first} and {last}.",
                             first="{%p if … %}", last="{%p endif %}"), "warning")


def _spans(tags: list[Tag], slips: list[Slip]) -> Iterator[tuple[int, int]]:
    for tag in tags:
        yield tag.start, tag.end
    for slip in slips:
        if slip.meant is not None and slip.severity == "error":
            yield slip.start, slip.end


def _moved(tag: Tag, slip: Slip) -> Tag:
    return replace(tag, start=slip.start, end=slip.end)


def _unused(spec: FormSpec, used: set[str]) -> Iterator[FormFinding]:
    conditions = [*(rule.check for rule in spec.rules), *(one.required_if for one in spec.fields),
                  *(one.when for one in spec.attachments),
                  *(" ".join((one.when, one.number, *one.same)) for one in spec.gates)]
    asked = {word for text in conditions for word in re.findall(r"\w+", text)}
    for one in spec.fields:
        tag = f"{{{{ {one.label} }}}}"
        if one.key not in used and one.label not in used:
            if one.stage == "onsite":
                what = msg("The field stands nowhere in the template: there is no place to write it by hand.")
            elif {one.key, one.label} & asked:
                what = msg("The field is only asked for in rules; the template does not print it.")
            else:
                what = msg("The field stands nowhere in the template: what is entered is not printed.")
            fix = msg("Put {tag} where it belongs, or take the field out of form.toml.", tag=tag)
            is_asked = one.stage == "before" and bool({one.key, one.label} & asked)
            yield FormFinding("unused-field", what, "remark" if is_asked else "warning", one.key, one.label, fix=fix)
            continue
        for column in one.columns:
            if f"{one.key}.{column.key}" not in used:
                yield FormFinding(
                    "unused-field", msg("The column stands nowhere in the template: what is entered is not printed."),
                    # Rows written by hand later are often ruled by the template itself.
                    "remark" if one.stage == "onsite" else "warning",
                    f"{one.key}.{column.key}", f"{one.label}.{column.label}",
                    fix=msg("Add a cell with {tag} to the row that repeats.", tag=f"{{{{ m.{column.label} }}}}"),
                )
