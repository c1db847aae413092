"""recordkit.toml as one typed, frozen object. Nothing of one company is hard-coded; every default can be edited."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct, field, to_builtins

from recordkit.archive_settings import ArchiveSection as ArchiveSection
from recordkit.archive_settings import OwnField, wrong_in_archive
from recordkit.errors import InputRefused, NotFound, StoreBusy
from recordkit.messages import Message, did_you_mean, listed, msg
from recordkit.model import Problem, Role, WrongSetting
from recordkit.officerules import DeadlinesSection, ReportsSection, wrong_in_rules
from recordkit.tomltold import toml_line, toml_reason

FILE_NAME = "recordkit.toml"
FORMAT = 1
"""Version of the store's layout that this program reads and writes."""


class StoreSection(Struct, frozen=True):
    """Identity of the store. ``id`` never changes; every printed code carries a part of it."""

    id: str
    format: int = FORMAT
    simulation: bool = False


class CompanySection(Struct, frozen=True):
    """Names as they are printed on documents."""

    name: str = "某某市自来水有限公司"
    office: str = "客户服务中心"
    office_code: str = "KFZ"


class DocumentsSection(Struct, frozen=True):
    """How documents are printed, and how strictly the gates of the forms are kept.

    Attributes:
        money_jiao_suffix: 整 after 角 too.
        money_zero_style: where the free 零 of an amount stands (``chinese.money_in_capitals``).
        gates: whether cross-document rules warn or stop: as the form says, or all alike.
        proposals: what ``generate --ask`` need not ask, by form id and field key: as it would be typed.
    """

    money_jiao_suffix: bool = False
    money_zero_style: Literal["after-yuan", "after-wan"] = "after-yuan"
    gates: Literal["as-form", "warn", "stop", "off"] = "as-form"
    proposals: dict[str, dict[str, str]] = field(default_factory=dict)


class EnginesSection(Struct, frozen=True):
    """Which adapter serves each port."""

    search: Literal["tantivy", "whoosh"] = "tantivy"
    ocr: Literal["rapidocr", "none"] = "rapidocr"


class IngestSection(Struct, frozen=True):
    """How papers come in.

    Attributes:
        rescan: other bytes for a document whose paper is filed: ``ask`` lets them wait for a person, ``version`` files
            them as a new version of the record.
        done_days: days for which a filed source stays in ``inbox/done``; 0 removes it as soon as it is filed.
        searchable: whether a scan gets a second file with its text under the picture (PDF/A-2b).
        most_pages: pages a file may have.
        page_seconds: time allowed for one page, and for looking at one file as a whole.
        memory_mb: memory one reading process may take; more than 1,200 when it does OCR.
        trusted_roots: folder in the store with the certificates (PEM or DER) that digital signatures may lead up to.
        watch_seconds: time between two looks of ``ingest --watch``.
    """

    rescan: Literal["ask", "version"] = "ask"
    done_days: int = 30
    searchable: bool = True
    most_pages: int = 2000
    page_seconds: float = 120.0
    memory_mb: int = 3000
    trusted_roots: str = "certificates"
    watch_seconds: float = 5.0


class SearchSection(Struct, frozen=True):
    """Who is shown restricted records and unmasked numbers of persons, once people are registered.

    ``restricted_roles``: one of them is enough. By default all but the clerk at the counter: who files a record,
    decides about it, witnesses its destruction or checks that must be able to see it.
    """

    restricted_roles: tuple[Role, ...] = (
        "archivist", "appraiser", "approver", "supervisor", "administrator", "auditor",
    )  # fmt: skip


class LocksSection(Struct, frozen=True):
    """How long a writer waits for another one, in seconds."""

    wait_seconds: float = 30.0


class LedgerSection(Struct, frozen=True):
    """Size in bytes at which a new ledger file is begun."""

    max_bytes: int = 64 << 20


class DestructionSection(Struct, frozen=True):
    """Separation of duties (handbook ch. 8 §7; 会计档案管理办法 art. 17-18).

    The ledger knows the values: ``retention.duties`` records them, and looser ones need an administrator's signature.

    Attributes:
        supervisors: how many people witness a destruction.
        supervisor_excludes: what nobody may have done for an order that they supervise.
        total_share: an order that takes more of the holdings needs an extra word.
        separate_roles: pairs of roles that one person is not registered with, under however many accounts.
        paper: whether approver and supervisors may sign the printed register by hand.
        register_titles: what stands for ever in the register's column 题名: the title, or the name of the class alone,
            where titles hold names of persons that must go with the records.
    """

    supervisors: int = 2
    supervisor_excludes: tuple[Literal["proposer", "appraiser", "approver"], ...] = ("proposer", "approver")
    total_share: float = 0.5
    separate_roles: tuple[tuple[Role, Role], ...] = (
        ("auditor", "archivist"), ("auditor", "appraiser"), ("auditor", "approver"), ("auditor", "supervisor"),
    )  # fmt: skip
    paper: bool = True
    register_titles: Literal["title", "class"] = "title"


class CalibreCycle(Struct, frozen=True):
    """Meters of at most ``up_to`` mm, and above the entry before, may be used ``years`` years."""

    up_to: int
    years: int


class MetersSection(Struct, frozen=True):
    """When a meter in use is overage. The defaults are the handbook's; DN32 and Q3 (m³/h) are JJG 162-2019's.

    ``start`` names the date the cycle counts from; ``q3_years`` 0 switches the rule of Q3 off.
    """

    start: Literal["calibration", "installation"] = "calibration"
    cycles: tuple[CalibreCycle, ...] = (CalibreCycle(25, 6), CalibreCycle(50, 4), CalibreCycle(300, 2))
    q3_above: float = 16.0
    q3_years: int = 2


class ReviewSection(Struct, frozen=True):
    """The review that comes by itself (``schedule run``).

    Attributes:
        within_days: lead time: what falls due within so many days is listed, too.
        formats: in which the list is written into the outbox.
        command: program and arguments to be started when a list was written, without a shell; ``{file}`` stands for
            the list, ``{due}`` for the number of due records, ``{date}`` for the day.
        command_seconds: time it may take.
    """

    within_days: int = 90
    formats: tuple[Literal["docx", "xlsx", "json"], ...] = ("docx",)
    command: tuple[str, ...] = ()
    command_seconds: float = 300.0


class MailSection(Struct, frozen=True):
    """Where the scheduled review is mailed. Nothing is mailed while ``host`` is empty.

    Attributes:
        security: ``starttls`` or ``tls``, with the server's certificate checked; ``none`` only without a password, or
            to this very machine.
        user: name to log in with; "" for a server that asks for none.
        password_file: file outside the store whose first line is the password; RECORDKIT_MAIL_PASSWORD goes before it.
        ca_file: certificates (PEM) that the server's may lead up to; "" for those of the system.
        contents: ``counts`` says how many are due and where the list lies; ``list`` attaches it. Titles are personal
            data, and mail leaves the house.
        when: ``due`` mails only when a record is due or falls due within the lead time.
    """

    host: str = ""
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str = ""
    receivers: tuple[str, ...] = ()
    password_file: str = ""
    ca_file: str = ""
    contents: Literal["counts", "list"] = "counts"
    when: Literal["due", "always"] = "due"
    timeout_seconds: float = 30.0


class ChecksSection(Struct, frozen=True):
    """The four-property checks (四性检测).

    Attributes:
        scanner: program and arguments that speak clamdscan's exit codes; files are added, no shell. () for none.
        scanner_seconds: time it may take for one call of some hundred files.
        formats: in which papers may lie in the archive, told by their bytes.
        earlier_codes: templates of archival codes that were in force before ``archive.code``.
    """

    scanner: tuple[str, ...] = ()
    scanner_seconds: float = 600.0
    formats: tuple[Literal["pdf", "ofd", "docx", "xlsx", "json", "text", "jpeg", "png", "tiff"], ...] = (
        "pdf", "docx", "json",
    )  # fmt: skip
    earlier_codes: tuple[str, ...] = ()


class Settings(Struct, frozen=True):
    """All of recordkit.toml. ``digest`` is the SHA-256 of the file, named in ledger and manifests."""

    store: StoreSection
    company: CompanySection = field(default_factory=CompanySection)
    archive: ArchiveSection = field(default_factory=ArchiveSection)
    documents: DocumentsSection = field(default_factory=DocumentsSection)
    engines: EnginesSection = field(default_factory=EnginesSection)
    ingest: IngestSection = field(default_factory=IngestSection)
    search: SearchSection = field(default_factory=SearchSection)
    locks: LocksSection = field(default_factory=LocksSection)
    ledger: LedgerSection = field(default_factory=LedgerSection)
    destruction: DestructionSection = field(default_factory=DestructionSection)
    meters: MetersSection = field(default_factory=MetersSection)
    review: ReviewSection = field(default_factory=ReviewSection)
    mail: MailSection = field(default_factory=MailSection)
    checks: ChecksSection = field(default_factory=ChecksSection)
    deadlines: DeadlinesSection = field(default_factory=DeadlinesSection)
    reports: ReportsSection = field(default_factory=ReportsSection)
    digest: str = ""


def load_settings(root: Path) -> Settings:
    """Read the settings of the store at ``root``.

    Raises:
        NotFound: there is no store.
        InputRefused: the file cannot be read; the place is named.
        StoreBusy: the store was made by a newer program.
    """
    path = root / FILE_NAME
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if acts_were_entered(root):
            # To make a store here is the last thing to advise.
            raise NotFound(
                msg("recordkit.toml is missing in {folder}; the ledger is there.", folder=str(root)),
                msg("Put it back from the newest copy of the store: the file recordkit.toml in the folder that "
                    "'recordkit backup' fills. Without one: docs/troubleshooting.md."),
            ) from None
        raise NotFound(
            msg("There is no store in {folder}.", folder=str(root)),
            msg("Make one with 'recordkit init {folder}', or name another with --store.", folder=str(root)),
        ) from None
    return read_settings(data, path)


def acts_were_entered(root: Path) -> bool:
    """Whether a ledger lies in ``root`` that knows more than that a store was made: an archive, whatever is missing."""
    for path in sorted(root.glob("ledger/ledger-*.jsonl")):
        with path.open("rb") as handle:
            if path.name != "ledger-000001.jsonl" or sum(1 for _, _ in zip(handle, range(2), strict=False)) > 1:
                return True
    return False


def read_settings(data: bytes, path: Path) -> Settings:
    """Settings from the bytes of the file at ``path``, which need not be there yet; raises as ``load_settings``."""
    import msgspec

    try:
        plain = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise _refusal(path, msg("it is not written in UTF-8")) from None
    except tomllib.TOMLDecodeError as error:
        raise _refusal(path, _told_of_toml(error, data.decode("utf-8"))) from None
    unknown = _unknown(plain)
    if unknown is not None:
        raise _refusal(path, unknown)
    try:
        settings = msgspec.convert({**plain, "digest": hashlib.sha256(data).hexdigest()}, Settings)
    except msgspec.ValidationError as error:
        raise _refusal(path, _told(str(error), plain)) from None
    if settings.store.format > FORMAT:
        raise StoreBusy(
            msg("The store {store} has format {format}; this program knows {known}.", store=str(path.parent),
                format=settings.store.format, known=FORMAT),
            msg("Install a newer recordkit."),
        )
    wrong = list(wrong_settings(settings))
    if len(wrong) > 1:
        raise InputRefused(
            msg("{file} has {count} mistake(s). First, at {place}: {reason}", file=str(path), count=len(wrong),
                place=wrong[0].key, reason=_told_wrong(wrong[0])), _CORRECT,
            [Problem(None, one.key, "", None, "setting", _told_wrong(one)) for one in wrong])
    if wrong:
        raise _refusal(path, _refused(wrong[0].key, wrong[0].value, wrong[0].allowed))
    return settings


_CORRECT = msg("Correct the named line or key; docs/store-format.md lists all keys.")


def _told_wrong(one: WrongSetting) -> Message:
    return msg("{value} cannot be; allowed: {allowed}.", value=_as_written(one.value), allowed=one.allowed)


def _refusal(path: Path, error: str | Message) -> InputRefused:
    return InputRefused(
        msg("The settings in {file} cannot be read: {error}", file=str(path), error=error),
        _CORRECT,
    )


def _told_of_toml(error: tomllib.TOMLDecodeError, text: str) -> Message:
    """Why the file is no TOML, and the line as it stands there, where the parser names one."""
    line = toml_line(error, text)
    return msg("{reason}: {text}", reason=toml_reason(error), text=line) if line else toml_reason(error)


def _with_near(what: Message, name: str, names: Iterable[str]) -> Message:
    near = did_you_mean(name, names)
    return what if near is None else msg("{what} ({near})", what=what, near=near)


def _unknown(plain: Mapping[str, object]) -> Message | None:
    """A misspelt key must not be passed over: its default would rule in silence."""
    for section, content in plain.items():
        if section not in _SECTIONS:
            return _with_near(msg("there is no section {section}", section=section), section, _SECTIONS)
        names = _SECTIONS[section].__struct_fields__
        for key in content if isinstance(content, dict) else ():
            if key not in names:
                return _with_near(msg("there is no setting {key}", key=f"{section}.{key}"), key, names)
    archive = plain.get("archive")
    fields = archive.get("fields") if isinstance(archive, dict) else None
    for place, one in enumerate(fields if isinstance(fields, list) else ()):
        for key in one if isinstance(one, dict) else ():
            if key not in OwnField.__struct_fields__:
                return msg("there is no setting {key}", key=f"archive.fields[{place}].{key}")
    return None


def _told(error: str, plain: Mapping[str, object]) -> Message | str:
    """What stands where, and what may stand there, from an error of msgspec; one of no known shape is told as it is."""
    missing = re.search(r"missing required field `(\w+)`(?: - at `\$\.([^`]+)`)?$", error)
    if missing is not None:
        return msg("{key} is missing", key=".".join(filter(None, (missing[2], missing[1]))))
    at = re.search(r" - at `\$\.([^`]+)`$", error)
    if at is None:
        return error
    value: Any = plain
    kind: Any = Settings
    for part in re.findall(r"[^.\[\]]+|\.\.\.", at[1]):
        if part.isdigit() or part == "...":  # an entry of a list; msgspec may not say which
            kind = get_args(kind)[-1 if get_origin(kind) is dict else 0]
            value = value[int(part)] if part.isdigit() else value
        else:
            kind = get_type_hints(kind)[part]
            value = value[part] if isinstance(value, dict) else value
    if _is_table(kind) and isinstance(value, dict):
        return error
    return _refused(at[1], value, _allowed(kind))


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _allowed(kind: Any) -> Message | str:
    if get_origin(kind) is Literal:
        return listed(json.dumps(one) for one in get_args(kind))
    if get_origin(kind) is tuple:
        return msg("a list in square brackets")
    if _is_table(kind):
        return msg("a section with keys of its own")
    return {bool: msg("true or false"), int: msg("a whole number"), float: msg("a number")}.get(
        kind, msg("a text in quotation marks"))


_SECTIONS: dict[str, Any] = {
    "store": StoreSection,
    "company": CompanySection,
    "archive": ArchiveSection,
    "documents": DocumentsSection,
    "engines": EnginesSection,
    "ingest": IngestSection,
    "search": SearchSection,
    "locks": LocksSection,
    "ledger": LedgerSection,
    "destruction": DestructionSection,
    "meters": MetersSection,
    "review": ReviewSection,
    "mail": MailSection,
    "checks": ChecksSection,
    "deadlines": DeadlinesSection,
    "reports": ReportsSection,
}


class _Range(Struct, frozen=True):
    """Numbers that a setting may have: from ``low``, or above it, to ``high``."""

    low: float
    high: float | None = None
    above: bool = False

    def holds(self, value: float) -> bool:
        return (value > self.low if self.above else value >= self.low) and (self.high is None or value <= self.high)

    def told(self) -> Message:
        low, high = f"{self.low:g}", f"{self.high:.10g}" if self.high is not None else ""
        if self.above:
            return msg("above {low}, at most {high}", low=low, high=high)
        return msg("{low} to {high}", low=low, high=high) if high else msg("at least {low}", low=low)


_RANGES: Mapping[str, _Range] = {
    "locks.wait_seconds": _Range(0, 3600),
    "ingest.done_days": _Range(0, 3650),
    "ingest.most_pages": _Range(1, 100_000),
    "ingest.page_seconds": _Range(1, 3600),
    "ingest.memory_mb": _Range(500, 1_000_000),
    "ingest.watch_seconds": _Range(0.1, 3600),
    "ledger.max_bytes": _Range(1 << 16),
    "destruction.supervisors": _Range(2),
    "destruction.total_share": _Range(0, 1, above=True),
    "meters.q3_above": _Range(0, 1e6, above=True),
    "meters.q3_years": _Range(0, 50),
    "review.within_days": _Range(0, 36_500),
    "review.command_seconds": _Range(1, 86_400),
    "mail.port": _Range(1, 65_535),
    "mail.timeout_seconds": _Range(1, 600),
    "checks.scanner_seconds": _Range(1, 86_400),
}
_YEARS = _Range(1, 50)


def wrong_settings(settings: Settings) -> Iterator[WrongSetting]:
    """Everything that is wrong beyond types."""
    for key, allowed in _RANGES.items():
        section, _, name = key.partition(".")
        value = getattr(getattr(settings, section), name)
        if not allowed.holds(value):
            yield WrongSetting(key, value, allowed.told())
    if not settings.search.restricted_roles:
        yield WrongSetting("search.restricted_roles", [], msg("the name of one role or more"))
    cycles = settings.meters.cycles
    sizes = [one.up_to for one in cycles]
    if not sizes or sizes != sorted(set(sizes)) or sizes[0] < 1:
        yield WrongSetting("meters.cycles", [to_builtins(one) for one in cycles],
                           msg("entries whose {name} rises from one to the next", name="up_to"))
    for place, one in enumerate(cycles):
        if not _YEARS.holds(one.years):
            yield WrongSetting(f"meters.cycles[{place}].years", one.years, _YEARS.told())
    for pair in settings.destruction.separate_roles:
        if len(set(pair)) != len(pair):
            yield WrongSetting("destruction.separate_roles", [list(pair)], msg("pairs of two different roles"))
    yield from _wrong_in_mail(settings.mail)
    yield from wrong_in_rules(settings.deadlines, settings.reports)
    if not settings.review.formats:
        yield WrongSetting("review.formats", [], '["docx"], ["xlsx"], ["json"]')
    yield from wrong_in_archive(settings.archive, settings.company.office_code)


# An address as SMTP takes it without extensions (RFC 5321, 4.1.2): ASCII, nothing that could begin another header.
_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def _wrong_in_mail(mail: MailSection) -> Iterator[WrongSetting]:
    if not mail.host:
        return
    allowed = msg("an address such as archive@example.com")
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", mail.host):
        yield WrongSetting("mail.host", mail.host, msg("the name of a mail server"))
    if not re.fullmatch(_ADDRESS, mail.sender):
        yield WrongSetting("mail.sender", mail.sender, allowed)
    if not mail.receivers:
        yield WrongSetting("mail.receivers", [], allowed)
    for place, one in enumerate(mail.receivers):
        if not re.fullmatch(_ADDRESS, one):
            yield WrongSetting(f"mail.receivers[{place}]", one, allowed)
    if mail.security == "none" and mail.user and mail.host not in _THIS_MACHINE:
        yield WrongSetting("mail.security", mail.security, msg(
            "starttls or tls; with {key} the password would go over the network in the clear else", key="mail.user"))


def _refused(key: str, value: object, allowed: Message | str) -> Message:
    return msg("{key} = {value}; allowed: {allowed}", key=key, value=_as_written(value), allowed=allowed)


def _as_written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
