"""The checks of one record. Each is pure: what is known of the record in, an outcome with its evidence out.

Evidence names fields, files and counts, never a value: titles, names and accounts stay where access is asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import wraps

from recordkit.archive import catalogue
from recordkit.archive.checks.examine import FileFacts, copies_of, is_paper, texts_of
from recordkit.archive.checks.outcome import Outcome, failed, not_run, passed
from recordkit.archive.checks.subject import Rules, Subject
from recordkit.archive.metadata import BY_KEY, CORE, LONGEST
from recordkit.archive.shown import shown_of
from recordkit.archive.signature_facts import read_plain, told_verdict
from recordkit.messages import Message, listed, msg
from recordkit.model import same_account
from recordkit.templates.fieldtypes import parse
from recordkit.templates.spec import FieldSpec

Judge = Callable[[Subject, Rules], Outcome]

EARLIEST = date(1840, 1, 1)
"""No paper of an office is older; a date before it is a slip of the keyboard."""
_MANY = 5
_HEX = re.compile(r"[0-9a-f]+")
_OWN = {
    "record_id": "id", "code": "档号", "record_class": "类别", "year": "年度", "period": "保管期限",
    "access": "开放程度", "pages": "页数", "size": "字节数", "sha256": "SHA-256", "sha512": "SHA-512",
    "filed_at": "归档时间", "filed_by": "归档人", "issue_id": "文书标识", "form": "表单", "ordinal": "归档顺序",
    "scope": "件号范围", "serial": "件号", "filed_number": "归档文号", "version": "版本", "commitment": "封装摘要",
    "volume": "案卷", "position": "卷内顺序号", "old_term": "原保管期限", "origin": "原档号",
}  # fmt: skip
"""What the program itself writes into record.json, ledger and catalogue, as people call it."""
_OF_LEDGER = ("code", "record_class", "year", "period", "access", "ordinal", "scope", "serial", "issue_id", "form",
              "version", "commitment", "volume")
"""Columns of the catalogue that come from the ledger alone."""


def _needs_metadata(judge: Judge) -> Judge:
    """A check of what record.json says; where that cannot be read there is nothing to judge."""
    @wraps(judge)
    def judged(subject: Subject, rules: Rules) -> Outcome:
        if subject.seen.metadata is None:
            return not_run(msg("the metadata cannot be read; check 3-01 says why"))
        return judge(subject, rules)

    return judged


def _told(labels: Iterable[str | Message]) -> Message:
    return listed({str(one): one for one in labels}.values(), _MANY)


def _label(key: str, rules: Rules, record_class: str) -> str:
    if key in BY_KEY:
        return BY_KEY[key].label
    named = {one.key: one.label for one in rules.own_of(record_class)}
    return named.get(key) or _OWN.get(key, key)


def _values(subject: Subject, rules: Rules) -> list[tuple[FieldSpec, object]]:
    """Core fields and own ones with what record.json has of them."""
    fields = subject.metadata.get("fields")
    own = fields if isinstance(fields, Mapping) else {}
    return [*((one, subject.metadata.get(one.key)) for one in CORE),
            *((one, own.get(one.key)) for one in rules.own_of(subject.record.record_class))]


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


# --- 真实性 ---------------------------------------------------------------------------------------------------------


def digests(subject: Subject, rules: Rules) -> Outcome:
    """1-01 Every file has the SHA-512 that the inventory gives."""
    faults = [one for one in subject.seen.reading.faults if one.kind == "changed"]
    if faults:
        return failed(msg("{count} file(s) are not what was filed: {files}", count=len(faults),
                          files=listed((msg("{file} ({reason})", file=one.file, reason=one.reason) for one in faults),
                                       _MANY)))
    if not subject.seen.head:
        return not_run(msg("there is no inventory that its files could be held against; checks 1-11 and 2-05 say why"))
    return passed(msg("{count} file(s), {bytes} bytes, each with the SHA-512 of its filing",
                      count=len(subject.seen.files), bytes=subject.seen.reading.bytes))


@_needs_metadata
def signatures(subject: Subject, rules: Rules) -> Outcome:
    """1-02 Its digital signatures held when the paper came in; the bytes are those (1-01)."""
    attached = subject.metadata.get("attachments")
    lists = [subject.metadata.get("signatures"),
             *(one.get("signatures") for one in (attached if isinstance(attached, list) else ())
               if isinstance(one, Mapping))]
    found = [one for plain in lists for one in read_plain(plain)]
    if not found:
        return not_run(msg("it carries no digital signature"))
    told = listed(map(told_verdict, found), _MANY)
    if any(one.validated and not one.bottom_line for one in found):
        return failed(told)
    return not_run(told) if any(not one.validated for one in found) else passed(told)


@_needs_metadata
def lengths(subject: Subject, rules: Rules) -> Outcome:
    """1-03 No value is longer than its field."""
    values = _values(subject, rules)
    long = [one.label for one, value in values if isinstance(value, str) and len(value) > (one.max_length or LONGEST)]
    if long:
        return failed(msg("longer than the field holds: {fields}", fields=_told(long)))
    return passed(msg("{count} field(s) within their lengths", count=sum(not _empty(value) for _, value in values)))


@_needs_metadata
def types(subject: Subject, rules: Rules) -> Outcome:
    """1-04 Values are of their types: dates are dates, counts are numbers, digests are digests."""
    wrong = [one.label for one, value in _values(subject, rules) if not _empty(value) and not _fits(one, value)]
    data = subject.metadata
    for key, test in _SHAPES.items():
        if data.get(key) is not None and not test(data[key]):
            wrong.append(_label(key, rules, subject.record.record_class))
    if wrong:
        return failed(msg("of another type than the field: {fields}", fields=_told(wrong)))
    return passed(msg("every value is of the type of its field"))


def _fits(spec: FieldSpec, value: object) -> bool:
    if spec.type == "date":
        return _day(value) is not None
    if spec.type == "text" and not isinstance(value, str):
        return False
    return not any(one.severity == "error" and one.code != "too-long" for one in parse(value, spec).faults)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_digest(length: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and len(value) == length and _HEX.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_SHAPES: Mapping[str, Callable[[object], bool]] = {
    "record_id": _is_text, "code": _is_text, "record_class": _is_text, "period": _is_text, "access": _is_text,
    "year": _is_count, "pages": _is_count, "size": _is_count, "sha256": _is_digest(64), "sha512": _is_digest(128),
    "fields": lambda value: isinstance(value, Mapping),
    "filed_at": lambda value: isinstance(value, str) and _day(value[:10]) is not None and value.endswith("Z"),
}  # fmt: skip


@_needs_metadata
def ranges(subject: Subject, rules: Rules) -> Outcome:
    """1-05 Values that are chosen from a list are on it: class, access, choices of own fields."""
    data, outside = subject.metadata, []
    if str(data.get("record_class")) not in rules.classes:
        outside.append(_OWN["record_class"])
    if data.get("access") not in ("open", "restricted"):
        outside.append(_OWN["access"])
    for one, value in _values(subject, rules):
        if one.choices and not _empty(value) and value not in one.choices:
            outside.append(one.label)
    if outside:
        return failed(msg("not among the values allowed: {fields}", fields=_told(outside)))
    return passed(msg("class, access and choices are among the values allowed"))


@_needs_metadata
def plausible(subject: Subject, rules: Rules) -> Outcome:
    """1-06 Dates lie where they can lie, counts are above nothing."""
    data, odd = subject.metadata, list[Message]()
    day, filed = _day(data.get("date")), _day(str(data.get("filed_at") or "")[:10])
    # A day of grace: the ledger's clock is UTC, the paper's date is local.
    tomorrow = rules.today + timedelta(days=1)
    if day is not None and day < EARLIEST:
        odd.append(msg("its date lies before {day}", day=EARLIEST.isoformat()))
    if day is not None and day > min(filed or tomorrow, tomorrow) + timedelta(days=1):
        odd.append(msg("its date lies after the day of filing"))
    if filed is not None and filed > tomorrow:
        odd.append(msg("it was filed in the future"))
    year, pages, size = data.get("year"), data.get("pages"), data.get("size")
    if isinstance(year, int) and not EARLIEST.year <= year <= tomorrow.year + 1:
        odd.append(msg("its year cannot be"))
    if isinstance(pages, int) and pages < 1:
        odd.append(msg("it has no pages"))
    if isinstance(size, int) and size < 1:
        odd.append(msg("it has no bytes"))
    if odd:
        return failed(listed(odd))
    return passed(msg("date, year, pages and size can be true"))


@_needs_metadata
def special_characters(subject: Subject, rules: Rules) -> Outcome:
    """1-07 No character that cannot be shown, printed or read elsewhere."""
    found: dict[str, str] = {}
    for key, text in texts_of(subject.metadata):
        bad = None if text.isascii() and text.isprintable() else next(filter(is_special, text), None)
        if bad is not None:
            found.setdefault(_label(key, rules, subject.record.record_class), f"U+{ord(bad):04X}")
    if found:
        return failed(msg("characters that cannot be shown everywhere: {fields}",
                          fields=_told(f"{label} ({code})" for label, code in found.items())))
    return passed(msg("no control characters, private characters or broken ones"))


def is_special(char: str) -> bool:
    """Whether a character has no business in metadata; line ends and tabs of longer texts have."""
    if char in "\n\r\t":
        return False
    if char == "\N{REPLACEMENT CHARACTER}":
        return True
    if (code := ord(char)) & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:  # no characters (Unicode 23.7)
        return True
    # Cc control, Cs half a character, Co private use (another font shows another one), Cf unseen or turns the reading
    # around. Cn would be rare characters of names that are newer than this Python.
    return unicodedata.category(char) in ("Cc", "Cs", "Co", "Cf")


@_needs_metadata
def code_form(subject: Subject, rules: Rules) -> Outcome:
    """1-08 The archival code has the form that the office has settled on, or is an inherited one."""
    code = subject.record.code
    if rules.well_formed(code):
        return passed(msg("{code} has the form of the setting", code=code))
    if special := next(filter(is_special, code), None):
        return failed(msg("a character that cannot be shown everywhere: {code}", code=f"U+{ord(special):04X}"))
    if is_inherited(subject.metadata):
        return passed(msg("{code} is an inherited code, kept as it was", code=code))
    return failed(msg("{code} has not the form of the setting archive.code", code=code))


def is_inherited(metadata: Mapping[str, object]) -> bool:
    """Whether the record came with a code and catalogue of its own, which are never rewritten."""
    return any(metadata.get(key) for key in ("inherited", "period_term", "origin"))


@_needs_metadata
def content_agrees(subject: Subject, rules: Rules) -> Outcome:
    """1-10 Name, size, digest, format and pages of each paper are those that the metadata gives."""
    wrong: list[Message] = []
    papers = subject.seen.papers()
    count = 0
    for name, said in _said_of_papers(subject).items():
        facts = papers.get(name)
        if facts is None or facts.size is None:
            continue  # 2-05 says so
        count += 1
        wrong += _differences(name, said, facts)
    if wrong:
        return failed(listed(wrong, _MANY))
    if not count:
        return not_run(msg("there is no content to compare; check 2-05 says why"))
    return passed(msg("{count} paper(s) with the name, size, format and pages that the metadata gives", count=count))


def _differences(name: str, said: Mapping[str, object], facts: FileFacts) -> list[Message]:
    wrong = []
    if said.get("size") is not None and said["size"] != facts.size:
        wrong.append(msg("{file} has {size} bytes, the metadata says {said}", file=name, size=facts.size,
                         said=said["size"]))
    if said.get("sha512") and said["sha512"] != facts.sha512:
        wrong.append(msg("{file} has another SHA-512 than the metadata says", file=name))
    if facts.sha256 and said.get("sha256") and said["sha256"] != facts.sha256:
        wrong.append(msg("{file} has another SHA-256 than the metadata says", file=name))
    ending = name.rpartition(".")[2]
    if facts.format != _BY_ENDING.get(ending, ending):
        wrong.append(msg("{file} is {format} by its bytes", file=name, format=facts.format or "?"))
    pages = facts.opened.pages if facts.opened else None
    # A damaged or locked paper was counted in its readable copy, so that only one that opens is counted again.
    if pages is not None and said.get("pages_of_file") not in (None, pages):
        wrong.append(msg("{file} has {pages} page(s), the metadata says {said}", file=name, pages=pages,
                         said=said["pages_of_file"]))
    return wrong


_BY_ENDING = {"txt": "text", "jpg": "jpeg", "tif": "tiff"}


def _said_of_papers(subject: Subject) -> dict[str, dict[str, object]]:
    """What record.json says of each paper, by file name; an original always."""
    data = subject.metadata
    pdf = data.get("pdf")
    copied = isinstance(pdf, Mapping) and pdf.get("copy")
    original = next((name for name in subject.seen.files if name.startswith("original.")), "original.*")
    found: dict[str, dict[str, object]] = {original: {
        "size": data.get("size"), "sha512": data.get("sha512"), "sha256": data.get("sha256"),
        "pages_of_file": None if copied or not original.endswith(".pdf") else data.get("pages"),
    }}
    for name, one in _attachments(subject).items():
        found[name] = {"size": one.get("size"), "sha256": one.get("sha256")}
    return found


def _attachments(subject: Subject) -> dict[str, Mapping[str, object]]:
    """Entries of attachments that are files of their own, by name."""
    attached = subject.metadata.get("attachments")
    return {str(one["name"]): one for one in (attached if isinstance(attached, list) else ())
            if isinstance(one, Mapping) and one.get("name")}


@_needs_metadata
def linked(subject: Subject, rules: Rules) -> Outcome:
    """1-09 The metadata are those of this record and of these files, in object, catalogue and ledger alike."""
    data, record, wrong = subject.metadata, subject.record, list[Message]()
    for key in ("record_id", "code", "record_class"):
        if data.get(key) != getattr(record, key):
            wrong.append(msg("{field} is another one in the ledger", field=_OWN[key]))
    told = {str(one) for one in wrong}
    wrong += [one for one in _beside_ledger(subject) if str(one) not in told]
    if not any(name.startswith("original.") for name in subject.seen.files):
        wrong.append(msg("no original belongs to it"))
    listed_there = set(_attachments(subject))
    present = {name for name in subject.seen.files if is_paper(name) and not name.startswith("original.")}
    wrong += [msg("{file} is listed and not in the package", file=name) for name in sorted(listed_there - present)]
    wrong += [msg("{file} is in the package and not listed", file=name) for name in sorted(present - listed_there)]
    if wrong:
        return failed(listed(wrong, _MANY))
    if subject.ledger is None:
        return not_run(msg("the ledger cannot be read; check 4-03 says why"))
    return passed(msg("id, code, class, period, number and volume are those of the ledger; {count} paper(s) belong "
                      "to it", count=1 + len(present)))


def _beside_ledger(subject: Subject) -> Iterator[Message]:
    """In what the catalogue differs from the ledger that it comes from."""
    record, ledger, tables = subject.record, subject.ledger, subject.tables
    if ledger is None:
        return
    if not ledger:
        yield msg("the ledger has filed no such record")
        return
    wrong = [key for key in _OF_LEDGER if ledger.get(key) != getattr(record, key)]
    if tables is not None:
        wrong += [key for key in ("volume", "position", "filed_number")
                  if ledger.get(key) != getattr(tables, key) and key not in wrong]
    for key in wrong:
        yield msg("{field} is another one in the ledger", field=_OWN[key])


def package_unchanged(subject: Subject, rules: Rules) -> Outcome:
    """1-11 The package as a whole is the one that the ledger commits to, in the version that it knows."""
    seen, record = subject.seen, subject.record
    if any(not one.file and one.kind == "missing" for one in seen.reading.faults):
        return failed(msg("the object is missing"))
    if not seen.reading.inventory:
        return failed(msg("the inventory cannot be read or is not what was written"))
    if catalogue.keyed(rules.store_id, seen.reading.inventory) != record.commitment:
        return failed(msg("the inventory is not the one that the ledger commits to"))
    if seen.head and seen.head != record.version:
        return failed(msg("it has {found} version(s), the ledger knows {known}", found=seen.head,
                          known=record.version))
    return passed(msg("version {version} with the inventory that the ledger commits to", version=record.version))


# --- 完整性 ---------------------------------------------------------------------------------------------------------


_ALWAYS_THERE = ("record_id", "code", "record_class", "year", "period", "access", "pages", "size", "sha256", "sha512")
"""What the program writes into every record.json of the elements of DA/T 46-2009; the filing itself is check 2-04."""


@_needs_metadata
def required(subject: Subject, rules: Rules) -> Outcome:
    """2-03 What every record must have is there; 责任者, a column of the catalogue (归档文件目录), as well.

    A size or digest that is missing here is one that 1-10 has nothing to hold the paper against.
    """
    data = subject.metadata
    lacking = [_OWN[key] for key in _ALWAYS_THERE if _empty(data.get(key))]
    lacking += [one.label for one, value in _values(subject, rules)
                if (one.required or one.key == "responsible") and _empty(value)]
    if lacking:
        return failed(msg("not filled in: {fields}", fields=_told(lacking)))
    return passed(msg("every required field is filled in"))


@_needs_metadata
def process_metadata(subject: Subject, rules: Rules) -> Outcome:
    """2-04 Who filed it and when, and who made each version, when and why."""
    lacking: list[Message | str] = [_OWN[key] for key in ("filed_at", "filed_by") if _empty(subject.metadata.get(key))]
    for number, note in enumerate(subject.seen.notes, 1):
        if not (note.created and note.user and note.message):
            lacking.append(msg("who made version {number}, when or why", number=number))
    if lacking:
        return failed(msg("not filled in: {fields}", fields=_told(lacking)))
    return passed(msg("filing and {count} version(s) with who, when and what for", count=len(subject.seen.notes)))


def content_present(subject: Subject, rules: Rules) -> Outcome:
    """2-05 Every file that the inventory or the metadata names is there, an original first of all."""
    missing: list[Message | str] = [one.file or msg("the object is missing")
                                    for one in subject.seen.reading.faults if one.kind == "missing"]
    if subject.seen.head:
        if not any(name.startswith("original.") for name in subject.seen.files):
            missing.append(msg("an original"))
        missing += [name for name in _attachments(subject) if name not in subject.seen.files]
    if missing:
        return failed(msg("missing: {files}", files=listed(missing, _MANY)))
    if not subject.seen.head:
        return not_run(msg("there is no inventory that its files could be held against; check 1-11 says why"))
    empty = [name for name, facts in subject.seen.papers().items() if facts.size == 0]
    if empty:
        return failed(msg("empty: {files}", files=listed(empty, _MANY)))
    return passed(msg("{count} file(s) of the newest version are there", count=len(subject.seen.files)))


# --- 可用性 ---------------------------------------------------------------------------------------------------------


def metadata_readable(subject: Subject, rules: Rules) -> Outcome:
    """3-01 record.json can be read, and the catalogue that people search says the same."""
    if subject.seen.metadata is None:
        reason = subject.seen.metadata_problem
        return failed(msg("record.json is missing") if reason == "missing"
                      else msg("record.json cannot be read ({reason})", reason=reason))
    wrong = _beside_metadata(subject)
    if wrong:
        return failed(msg("the catalogue says something else than record.json: {fields}",
                          fields=_told(_label(key, rules, subject.record.record_class) for key in wrong)))
    if dict(subject.record.metadata) != dict(subject.seen.metadata):
        return failed(msg("the catalogue says something else than record.json"))
    return passed(msg("record.json can be read, and the catalogue says the same"))


def _beside_metadata(subject: Subject) -> list[str]:
    """Columns of the catalogue, what people search and list by, that say something else than record.json."""
    record, tables, shown = subject.record, subject.tables, shown_of(subject.metadata)
    there: dict[str, object] = {
        "title": record.title, "date": record.date.isoformat(), "account": record.account, "party": record.party,
        "pages": record.pages, "sha256": record.sha256, "old_term": record.old_term or None, "number": record.number}
    told: dict[str, object] = {**shown, "date": shown["date"] or f"{record.year}-01-01",
                               "number": subject.metadata.get("number")}
    wrong = [key for key, value in there.items() if told[key] != value]
    if tables is not None:
        account = subject.metadata.get("account")
        wrong += [key for key in ("box", "origin") if told[key] != getattr(tables, key)]
        if tables.accounts != ({same_account(str(account))} if account else set()) and "account" not in wrong:
            wrong.append("account")
    return wrong


def opens(subject: Subject, rules: Rules) -> Outcome:
    """3-02 Every paper opens, by itself or by the readable copy beside it."""
    papers = subject.seen.present()
    closed, copied, pages, unknown = list[Message](), list[str](), 0, list[str]()
    for name, facts in papers.items():
        opened = facts.opened
        if opened is not None and not opened.problem:
            pages += opened.pages or 0
            continue
        problem = opened.problem if opened is not None else "not-readable"
        copy = next((one for one in copies_of(name) if _is_open(subject.seen.files.get(one))), None)
        if copy is not None:
            copied.append(copy)
        elif problem == "unknown":
            unknown.append(name)
        else:
            closed.append(msg("{file}: {reason}", file=name, reason=_WHY.get(problem, msg("it does not open"))))
    if closed:
        return failed(listed(closed, _MANY))
    if not papers:
        return not_run(msg("there is no content to open; check 2-05 says why"))
    if unknown:
        return not_run(msg("nothing here opens files of this format: {files}", files=listed(unknown, _MANY)))
    if copied:
        return passed(msg("opened by a readable copy: {files}", files=listed(copied, _MANY)))
    return passed(msg("{count} paper(s) opened, {pages} page(s)", count=len(papers), pages=pages))


def _is_open(facts: FileFacts | None) -> bool:
    return facts is not None and facts.opened is not None and not facts.opened.problem


_WHY: Mapping[str, Message] = {
    "not-readable": msg("the system does not give it"),
    "empty-file": msg("it is empty"),
    "not-a-pdf": msg("it is in no format that is known"),
    "encrypted": msg("it opens only with a password"),
    "wrong-password": msg("it opens only with a password"),
    "damaged": msg("it is damaged or cut short"),
    "no-pages": msg("it has no pages"),
    "too-many-pages": msg("it has more pages than a file may have"),
    "too-large": msg("reading it took more memory than allowed"),
    "timeout": msg("reading it took longer than allowed"),
}


def formats(subject: Subject, rules: Rules) -> Outcome:
    """3-03 Every paper is in a format that the office allows, by its bytes."""
    papers = subject.seen.present()
    if not papers:
        return not_run(msg("there is no content to look at; check 2-05 says why"))
    wrong = [msg("{file} ({format})", file=name, format=facts.format or "?") for name, facts in papers.items()
             if facts.format not in rules.formats]
    if wrong:
        return failed(msg("in a format that [checks] formats does not allow: {files}", files=listed(wrong, _MANY)))
    return passed(msg("formats: {formats}", formats=listed(sorted({one.format for one in papers.values()}))))


def unencrypted(subject: Subject, rules: Rules) -> Outcome:
    """3-04 No paper is encrypted, with a password or without."""
    papers = subject.seen.present()
    locked = [name for name, facts in papers.items() if facts.opened is not None and facts.opened.encrypted]
    if locked:
        with_copy = [one for name in locked if _is_open(subject.seen.files.get(one := copies_of(name)[1]))]
        if with_copy:
            return failed(msg("encrypted: {files}; readable beside it: {copies}", files=listed(locked, _MANY),
                              copies=listed(with_copy, _MANY)))
        return failed(msg("encrypted: {files}", files=listed(locked, _MANY)))
    unread = [name for name, facts in papers.items() if facts.opened is None or facts.opened.problem]
    if unread or not papers:
        return not_run(msg("what does not open cannot be looked into; check 3-02 says why"))
    return passed(msg("{count} paper(s) without encryption", count=len(papers)))


# --- 安全性 ---------------------------------------------------------------------------------------------------------


def no_strays(subject: Subject, rules: Rules) -> Outcome:
    """4-02 Nothing lies in the package that does not belong to it."""
    strays = [one.file for one in subject.seen.reading.faults if one.kind == "stray"]
    if strays:
        return failed(msg("{count} file(s) that do not belong there: {files}", count=len(strays),
                          files=listed(strays, _MANY)))
    if not subject.seen.head:
        return not_run(msg("there is no inventory that its files could be held against; check 1-11 says why"))
    return passed(msg("nothing but what the inventory lists"))
