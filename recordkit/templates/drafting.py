"""Drafts a form from a Word file that an office already has: form.toml, template with tags, sample data.

What a label means is guessed by its words and said; what only a person can know is listed as to be decided.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from recordkit.errors import InputRefused
from recordkit.messages import Message, listed, msg
from recordkit.templates.blanks import Blank, Named, clean_label, find_blanks, replace_text, write_tags
from recordkit.templates.code import CODE128_MM, QR_MM
from recordkit.templates.looks import CODE128_MARK, QR_MARK
from recordkit.templates.spec import CONTEXT_NAMES
from recordkit.templates.tags import scan
from recordkit.templates.usednames import is_plain_name, names_of
from recordkit.templates.wordtext import Block, Kind, body_blocks, read_word

_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_ONSITE = re.compile("签字|签名|签章|盖章|签收|签署|指印|手印|审批意见|领导意见|验收意见|满意度|拒签")
_TYPES: tuple[tuple[str, str], ...] = (
    ("日期|年月日|生日$", "date"),
    ("时间|时刻", "instant"),
    ("电话|手机|联系方式|传真", "phone"),
    ("身份证", "id_number"),
    ("信用代码", "uscc"),
    ("口径", "calibre"),
    ("户号|接水点编号|用户编号|客户编号|账号", "account"),
    ("金额|价款|费用|水费|押金|违约金$|合计|总价|单价", "money"),
    ("是否", "yes_no"),
    ("数量|只数|份数|人数|件数|页数|户数|人口$", "integer"),
    ("水量|行度|读数|底数|起度|止度|压力|面积|长度", "decimal"),
)
_UNITS = {"元": "money", "立方米": "decimal", "m³": "decimal", "m3": "decimal", "㎥": "decimal", "吨": "decimal",
          "%": "decimal", "MPa": "decimal", "只": "integer", "份": "integer", "人": "integer", "毫米": "decimal",
          "mm": "decimal"}
_KEYS = {
    "户名": "customer_name", "客户": "customer_name", "客户名称": "customer_name", "用户名称": "customer_name",
    "用户": "customer_name", "用水人": "customer_name", "姓名": "name", "当事人": "party", "申请人": "applicant",
    "户号": "account", "地址": "address", "用水地址": "address", "联系地址": "address", "住址": "address",
    "电话": "phone", "联系电话": "phone", "手机": "mobile", "身份证号": "id_number", "身份证号码": "id_number",
    "统一社会信用代码": "credit_code", "日期": "form_date", "填表日期": "form_date", "申请日期": "applied_on",
    "口径": "calibre", "水表口径": "calibre", "表号": "meter_no", "水表编号": "meter_no", "旧表号": "old_meter_no",
    "新表号": "new_meter_no", "旧表行度": "old_reading", "新表起度": "new_reading", "金额": "amount",
    "数量": "quantity", "单价": "unit_price", "备注": "note", "经办人": "handler", "受理人": "received_by",
    "审批人": "approver",
    "客户签名": "customer_signature", "客户签字": "customer_signature", "客户签收": "customer_signature",
    "签收时间": "signed_at", "用水性质": "use", "原因": "reason", "事由": "reason", "名称": "name", "单位": "unit",
    "接水点编号": "point_no", "法定代表人": "legal_representative", "委托代理人": "agent", "开户银行": "bank",
    "账号": "bank_account", "满意度": "satisfaction",
}
"""Common labels of a water utility's papers; any other label gets field_1, field_2 ... as its key."""
_NUMBER_LABELS = frozenset({"编号", "文书编号", "单号", "单据编号", "合同编号", "通知书编号", "记录编号", "表单编号",
                            "流水号", "申请编号", "NO", "No"})
"""Words before the first blank that stands for the document's own number."""
_PARTY = ("customer_name", "party", "applicant", "name")
_SAMPLES: dict[str, object] = {
    "date": "2026-01-05", "instant": "2026-01-05T09:30:00", "phone": "13900000000", "id_number": "110101199001010015",
    "uscc": "91110000MA0000000H", "calibre": "DN20", "account": "0012003456", "money": "100.00", "yes_no": True,
    "integer": 1, "decimal": "1.5", "text": "示例",
}


@dataclass
class DraftField:
    """A field or column as guessed."""

    key: str
    label: str
    type: str = "text"
    stage: str = "before"
    required: bool = True
    choices: tuple[str, ...] = ()
    unit: str = ""
    blank: int = 0
    columns: list[DraftField] = field(default_factory=list)

    @property
    def sample(self) -> object:
        """A valid invented value."""
        if self.type == "table":
            return [{one.key: one.sample for one in self.columns}]
        return self.choices[0] if self.choices else _SAMPLES[self.type]


@dataclass(frozen=True)
class Draft:
    """A drafted form.

    Attributes:
        files: contents by name: form.toml, template.docx, sample.toml.
        guessed: what was taken from the words of the file.
        undecided: what a person has to decide.
    """

    files: dict[str, bytes]
    fields: tuple[DraftField, ...]
    guessed: tuple[Message, ...]
    undecided: tuple[Message, ...]


def draft_form(data: bytes, form_id: str, file_name: str) -> Draft:
    """Draft a form.

    Args:
        data: the Word file, with tags or with blanks; where it has tags, its blanks stay for handwriting.
        form_id: lower-case id of the new form.
        file_name: how messages call the file; without its ending the form's name when the file has no heading.

    Raises:
        InputRefused: it is no Word file, the id cannot be one, or nothing to be filled in was found.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", form_id):
        raise InputRefused(msg("{form} cannot be the id of a form.", form=form_id),
                           msg("An id has lower-case letters, digits and -, e.g. meter-repair."))
    read_word(data, file_name)
    drafter = _Drafter(form_id, file_name)
    return drafter.draft(data)


class _Drafter:
    def __init__(self, form_id: str, file_name: str) -> None:
        self._id = form_id
        self._file = file_name
        self._fields: list[DraftField] = []
        self._guessed: list[Message] = []
        self._undecided: list[Message] = []
        self._numbered = 0

    def draft(self, data: bytes) -> Draft:
        import docx

        document = docx.Document(io.BytesIO(data))
        blocks = list(_document_blocks(document))
        name = self._name_of(blocks)
        if any(scan(block.text, ())[0] for block in blocks):
            self._from_tags(blocks)
        else:
            self._from_blanks(blocks)
        if not self._fields:
            raise InputRefused(
                msg("{file} has nothing to fill in: no tags, no 【】, no ____, no empty cells beside a label.",
                    file=self._file),
                msg("Write 【户名】 or ____ where a value belongs, and run the command again."),
            )
        if _add_codes(document, data):
            self._guessed.append(msg(
                "the two printed codes were put into the header, top right; move them as you like, but keep their size "
                "and alternative text"))
        raw = io.BytesIO()
        document.save(raw)
        toml = self._toml(name)
        self._undecided += [
            msg("the number: now {number}", number=f"{name[:2]}〔{{year}}〕{{seq:04}}号"),
            msg("which fields may stay empty (required = false), and rules between fields"),
            msg("papers to be collected ([[attachments]]) and the retention class (record_class; now {form})",
                form=self._id),
            msg("the field keys (key): programs see them, and they cannot change once documents are issued"),
        ]
        files = {"form.toml": toml.encode(), "template.docx": _with_fixed_dates(raw.getvalue()),
                 "sample.toml": self._sample().encode()}
        return Draft(files, tuple(self._fields), tuple(self._guessed), tuple(self._undecided))

    # --- names ---------------------------------------------------------------------------------------------------

    def _name_of(self, blocks: Sequence[Block]) -> str:
        for block in blocks[:12]:
            text = clean_label(re.split(r"[:：_＿]|\{", block.text)[0])
            if block.place.part == "body" and 2 <= len(text) <= 25 and block.cell is None:
                self._guessed.append(msg("the form's name: {name}", name=text))
                return text
        text = clean_label(self._file.rpartition(".")[0]) or self._id
        self._guessed.append(msg("the form's name: {name}", name=text))
        return text

    def _key(self, label: str, taken: set[str]) -> str:
        base = _KEYS.get(label) or (label.lower() if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", label) else "")
        if not base or base in taken or base in CONTEXT_NAMES:
            self._numbered += 1
            while f"field_{self._numbered}" in taken:
                self._numbered += 1
            return f"field_{self._numbered}"
        return base

    def _label(self, wanted: str, some: Sequence[DraftField]) -> str:
        taken = {name for one in some for name in (one.label, one.key)} | CONTEXT_NAMES
        wanted = wanted if is_plain_name(wanted) else f"项目{len(some) + 1}"
        label, turn = wanted, 2
        while label in taken:
            label, turn = f"{wanted}_{turn}", turn + 1
        return label

    def _new(self, label: str, some: list[DraftField], **more: Any) -> DraftField:
        label = self._label(label, some)
        one = DraftField(self._key(label, {other.key for other in some}), label, **more)
        some.append(one)
        return one

    # --- from blanks -----------------------------------------------------------------------------------------------

    def _from_blanks(self, blocks: Sequence[Block]) -> None:
        named: dict[str, DraftField] = {}
        written: list[Named] = []
        has_number = False
        for blank in find_blanks(blocks):
            if blank.label in _NUMBER_LABELS and blank.shape == "line" and not has_number:
                has_number = True
                self._guessed.append(msg("{label}: the document's number, given at issue", label=blank.label))
                written.append(Named(blank, "文书编号"))
                continue
            if blank.shape == "table":
                written.append(self._table(blank))
                continue
            if blank.shape == "named" and blank.label in named:
                written.append(Named(blank, named[blank.label].label))
                continue
            label = blank.label or {"date": "日期", "instant": "时间"}.get(blank.shape, "")
            label = re.sub("^[今兹现]?(?:收到|收取|交来|缴纳|预收)(?=.)", "", label)
            label = label or ("金额" if blank.unit == "元" else "")
            if not label:
                self._undecided.append(msg("a blank without words before it ({place}): give its field a label",
                                           place=blank.block.place.words))
            twin = any(one.label == label for one in self._fields)
            one = self._new(label, self._fields, type=self._type(label, blank), choices=blank.choices,
                            unit=blank.unit if blank.unit != "元" else "")
            if _ONSITE.search(label):
                one.stage, one.required = "onsite", False
            if blank.shape == "named":
                named[blank.label] = one
            if twin:
                self._undecided.append(msg("{label} and {other} have the same words: one value or two?", label=label,
                                           other=one.label))
            written.append(Named(blank, one.label, keeps_blank=one.stage == "onsite"))
            self._tell(one)
        write_tags(written)

    def _table(self, blank: Blank) -> Named:
        table = self._new(blank.label or "明细", self._fields, type="table")
        for heading in blank.columns:
            self._new(heading, table.columns, type=self._type(heading, None))
        self._tell(table)
        self._undecided.append(msg("the table {label} ({place}): its name, and how many rows it may have",
                                   label=table.label, place=blank.block.place.words))
        return Named(blank, table.label, tuple(one.label for one in table.columns))

    @staticmethod
    def _type(label: str, blank: Blank | None) -> str:
        if blank is not None and blank.shape in ("date", "instant", "choice"):
            return blank.shape
        if blank is not None and blank.unit in _UNITS:
            return _UNITS[blank.unit]
        if _ONSITE.search(label) and not re.search("日期|时间", label):
            return "text"
        return next((kind for words, kind in _TYPES if re.search(words, label)), "text")

    def _tell(self, one: DraftField) -> None:
        what = msg("{label}: {type}, {stage}, key {key}", label=one.label, type=msg(one.type), stage=msg(one.stage),
                   key=one.key)
        if one.choices:
            what = msg("{what}, choices {choices}", what=what, choices=listed(one.choices))
        if one.columns:
            names = tuple(msg("{label}: {type}", label=column.label, type=msg(column.type)) for column in one.columns)
            what = msg("{what}, columns {columns}", what=what, columns=names)
        self._guessed.append(what)

    # --- from tags -------------------------------------------------------------------------------------------------

    def _from_tags(self, blocks: Sequence[Block]) -> None:
        found = names_of(tag for block in blocks for tag in scan(block.text, ())[0])
        for dotted, plain in found.joined.items():
            for block in blocks:
                for tag in reversed(scan(block.text, ())[0]):
                    for hit in reversed(list(re.finditer(rf"(?<![\w.]){re.escape(dotted)}(?![\w(])", tag.raw))):
                        replace_text(block, tag.start + hit.start(), tag.start + hit.end(), plain)
            self._guessed.append(msg("{dotted} was written as {plain}: fields have no parts", dotted=dotted,
                                     plain=plain))
        for name, use in found.names.items():
            if name in CONTEXT_NAMES:
                continue
            plain = "choice" if use.values else use.type or self._type(name, None)
            kind = "table" if use.columns is not None else plain
            one = DraftField(self._key(name, {other.key for other in self._fields}), name, kind,
                             choices=tuple(sorted(use.values)), required=not use.optional, blank=8)
            if one.key == name.lower() != name:
                one.key = self._key("", {other.key for other in self._fields})
            for column in use.columns or ():
                self._new(column, one.columns, type=self._type(column, None))
            if kind == "table" and not one.columns:
                self._new("内容", one.columns)
            if _ONSITE.search(name):
                one.stage, one.required = "onsite", False
            if use.values:
                self._undecided.append(msg("{label}: are these all its choices ({choices})?", label=name,
                                           choices=listed(one.choices)))
            self._fields.append(one)
            self._tell(one)

    # --- files -------------------------------------------------------------------------------------------------------

    def _roles(self) -> Iterator[str]:
        dates = [one for one in self._fields if one.type in ("date", "instant")]
        first = next((one for one in dates if one.stage == "before"), dates[0] if dates else None)
        if first is None:
            first = DraftField(self._key("填表日期", {one.key for one in self._fields}),
                               self._label("填表日期", self._fields), "date")
            self._fields.append(first)
            self._undecided.append(msg("the file has no date; a field {label} was added, which the template does not "
                                       "print yet", label=first.label))
        if first.stage == "before":
            first.required = True
        yield f"date = {_quoted(first.key)}"
        self._guessed.append(msg("the document's date: {label}", label=first.label))
        plain = [one for one in self._fields if one.type != "table" and one.stage == "before"]
        roles = {
            "account": next((one for one in plain if one.key == "account" or one.type == "account"), None),
            "party": next((one for key in _PARTY for one in plain if one.key == key), None),
            "address": next((one for one in plain if one.key == "address" or "地址" in one.label), None),
            "phone": next((one for one in plain if one.type == "phone"), None),
        }
        for role, one in roles.items():
            if one is not None:
                yield f"{role} = {_quoted(one.key)}"
        meters = [one.key for one in plain if "表号" in one.label or "水表编号" in one.label]
        if meters:
            yield f"meters = [{', '.join(map(_quoted, meters))}]"

    def _toml(self, name: str) -> str:
        roles = list(self._roles())
        party = next((line.partition('"')[2].rstrip('"') for line in roles if line.startswith("party")), "")
        lines = [
            f"# {name}：由 {self._file} 起草，未经审定。标“待定”的各项须由本单位决定，改完运行 recordkit forms check。",
            f"id = {_quoted(self._id)}",
            f"name = {_quoted(name)}",
            'version = "1"',
            f"record_class = {_quoted(self._id)}        # 待定：保管期限表中的类别",
            'access = "open"        # 限制查看的改为 "restricted"',
            f"number = {_quoted(name[:2] + '〔{year}〕{seq:04}号')}        # 待定：文书编号",
            f"title = {_quoted(('{' + party + '}' if party else '') + name)}",
            f"file_name = {_quoted('{number}' + (' {' + party + '}' if party else ''))}",
            "",
            "[roles]",
            *roles,
        ]
        for one in self._fields:
            lines += ["", *_field_lines(one, "[[fields]]", with_stage=True)]
        return "\n".join(lines) + "\n"

    def _sample(self) -> str:
        lines = ["# 示例数据，内容全部虚构。"]
        tables = []
        for one in self._fields:
            if one.stage == "onsite":
                continue
            if one.type == "table":
                tables += ["", f"[[{one.key}]]", *(f"{column.key} = {_plain(column.sample)}" for column in one.columns)]
            else:
                lines.append(f"{one.key} = {_plain(one.sample)}")
        return "\n".join([*lines, *tables]) + "\n"


def _field_lines(one: DraftField, head: str, *, with_stage: bool) -> Iterator[str]:
    yield head
    yield f"key = {_quoted(one.key)}"
    yield f"label = {_quoted(one.label)}"
    yield f"type = {_quoted(one.type)}"
    if one.stage == "onsite" and with_stage:
        yield 'stage = "onsite"        # 打印后手写，交回后录入'
        yield f"blank = {one.blank}"
    elif not one.required:
        yield "required = false"
    if one.choices:
        yield f"choices = [{', '.join(map(_quoted, one.choices))}]"
    if one.unit:
        yield f"unit = {_quoted(one.unit)}"
    if one.type != "table":
        yield f"example = {_plain(one.sample)}"
    for column in one.columns:
        yield ""
        yield from _field_lines(column, "[[fields.columns]]", with_stage=False)


def _quoted(text: str) -> str:
    import msgspec

    return msgspec.json.encode(text).decode()


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _quoted(str(value))


# --- the Word file ------------------------------------------------------------------------------------------------


def _document_blocks(document: Any) -> Iterator[Block]:
    """Texts of body, headers and footers, on elements that can be changed."""
    yield from body_blocks(document.element, "body")
    seen: set[str] = set()
    for relation in document.part.rels.values():
        kind: Kind | None = {"header": "header", "footer": "footer"}.get(relation.reltype.rpartition("/")[2])  # type: ignore[assignment]
        if kind is not None and str(relation.target_part.partname) not in seen:
            seen.add(str(relation.target_part.partname))
            yield from body_blocks(relation.target_part.element, kind)


def _add_codes(document: Any, data: bytes) -> bool:
    """Put the two code pictures into the header of every page, unless the file has them."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm

    with zipfile.ZipFile(io.BytesIO(data)) as package:
        if any(QR_MARK.encode() in package.read(name) for name in package.namelist() if name.endswith(".xml")):
            return False
    for number, section in enumerate(document.sections):
        headers = [section.header, *([section.first_page_header] if section.different_first_page_header_footer else [])]
        if document.settings.odd_and_even_pages_header_footer:
            headers.append(section.even_page_header)
        for header in headers:
            if header.is_linked_to_previous and number:
                continue
            lines = header.paragraphs
            is_empty = len(lines) == 1 and not lines[0].text.strip() and not header.tables
            paragraph = lines[0] if is_empty else header.add_paragraph()
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            paragraph.paragraph_format.line_spacing = 1.0
            for mark, (width, height) in ((CODE128_MARK, CODE128_MM), (QR_MARK, (QR_MM, QR_MM))):
                run = paragraph.add_run()
                shape = run.add_picture(_placeholder(width, height), width=Mm(width), height=Mm(height))
                shape._inline.docPr.set("descr", mark)
                shape._inline.docPr.set("name", mark.partition(":")[2])
                for side in ("distT", "distB", "distL", "distR"):
                    shape._inline.set(side, "0")
                paragraph.add_run("  ")
    return True


def _placeholder(width: float, height: float) -> io.BytesIO:
    """A grey frame where the code will be printed, which no scanner reads."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (round(width * 6), round(height * 6)), 255)
    ImageDraw.Draw(picture).rectangle((1, 1, picture.width - 2, picture.height - 2), outline=150, width=2)
    out = io.BytesIO()
    picture.save(out, "PNG")
    out.seek(0)
    return out


def _with_fixed_dates(package: bytes) -> bytes:
    """The same parts with one fixed date: equal drafts are equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, _FIXED_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, source.read(name))
    return out.getvalue()
