"""recordkit.toml as one typed, frozen object. Nothing of one company is hard-coded; every default can be edited."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct, field, to_builtins

from recordkit.archive_settings import ArchiveSection as ArchiveSection
from recordkit.archive_settings import OwnField, archive_fault
from recordkit.errors import InputRefused, NotFound, StoreBusy
from recordkit.messages import Message, listed, msg
from recordkit.model import Role
from recordkit.officerules import DeadlinesSection, ReportsSection, rules_problem
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
    """

    money_jiao_suffix: bool = False
    money_zero_style: Literal["after-yuan", "after-wan"] = "after-yuan"
    gates: Literal["as-form", "warn", "stop", "off"] = "as-form"


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
    import msgspec

    path = root / FILE_NAME
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            msg("There is no store in {folder}.", folder=str(root)),
            msg("Make one with 'recordkit init {folder}', or name another with --store.", folder=str(root)),
        ) from None
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
            msg("The store {store} has format {format}; this program knows {known}.", store=str(root),
                format=settings.store.format, known=FORMAT),
            msg("Install a newer recordkit."),
        )
    problem = _problem(settings)
    if problem is not None:
        raise _refusal(path, problem)
    return settings


def _refusal(path: Path, error: str | Message) -> InputRefused:
    return InputRefused(
        msg("The settings in {file} cannot be read: {error}", file=str(path), error=error),
        msg("Correct the named line or key; docs/store-format.md lists all keys."),
    )


def _told_of_toml(error: tomllib.TOMLDecodeError, text: str) -> Message:
    """Why the file is no TOML, and the line as it stands there, where the parser names one."""
    line = toml_line(error, text)
    return msg("{reason}: {text}", reason=toml_reason(error), text=line) if line else toml_reason(error)


def _unknown(plain: Mapping[str, object]) -> Message | None:
    """A misspelt key must not be passed over: its default would rule in silence."""
    for section, content in plain.items():
        if section not in _SECTIONS:
            return msg("there is no section {section}", section=section)
        names = _SECTIONS[section].__struct_fields__
        for key in content if isinstance(content, dict) else ():
            if key not in names:
                return msg("there is no setting {key}", key=f"{section}.{key}")
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
_VOLUME_PLACEHOLDERS = ("fonds", "category", "year", "office", "seq")


def _problem(settings: Settings) -> Message | None:
    """What is wrong beyond types, or None."""
    for key, allowed in _RANGES.items():
        section, _, name = key.partition(".")
        value = getattr(getattr(settings, section), name)
        if not allowed.holds(value):
            return _refused(key, value, allowed.told())
    cycles = settings.meters.cycles
    sizes = [one.up_to for one in cycles]
    if not settings.search.restricted_roles:
        return _refused("search.restricted_roles", [], msg("the name of one role or more"))
    if not sizes or sizes != sorted(set(sizes)) or sizes[0] < 1:
        return _refused("meters.cycles", [to_builtins(one) for one in cycles],
                        msg("entries whose {name} rises from one to the next", name="up_to"))
    for pair in settings.destruction.separate_roles:
        if len(set(pair)) != len(pair):
            return _refused("destruction.separate_roles", [list(pair)], msg("pairs of two different roles"))
    for place, one in enumerate(cycles):
        if not _YEARS.holds(one.years):
            return _refused(f"meters.cycles[{place}].years", one.years, _YEARS.told())
    problem = _mail_problem(settings.mail)
    if problem is not None:
        return problem
    wrong = rules_problem(settings.deadlines, settings.reports)
    if wrong is not None:
        return _refused(*wrong)
    if not settings.review.formats:
        return _refused("review.formats", [], '["docx"], ["xlsx"], ["json"]')
    fault = archive_fault(settings.archive, settings.company.office_code)
    if fault is not None:
        return _refused(*fault)
    return _volume_code_problem(settings.archive.volume_code)


def _volume_code_problem(code: str) -> Message | None:
    if "{seq" not in code:
        return _refused("archive.volume_code", code, msg("a text with {placeholder} in it", placeholder="{seq}"))
    try:
        code.format(**{**dict.fromkeys(_VOLUME_PLACEHOLDERS, ""), "year": 2026, "seq": 1})
    except (KeyError, ValueError, IndexError, AttributeError, TypeError):
        return _refused("archive.volume_code", code, msg(
            "a text with the placeholders {placeholders}", placeholders=listed(
                f"{{{name}}}" for name in _VOLUME_PLACEHOLDERS)))
    return None


# An address as SMTP takes it without extensions (RFC 5321, 4.1.2): ASCII, nothing that could begin another header.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def _mail_problem(mail: MailSection) -> Message | None:
    if not mail.host:
        return None
    allowed = msg("an address such as archive@example.com")
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", mail.host):
        return _refused("mail.host", mail.host, msg("the name of a mail server"))
    if not _ADDRESS.fullmatch(mail.sender):
        return _refused("mail.sender", mail.sender, allowed)
    if not mail.receivers:
        return _refused("mail.receivers", [], allowed)
    for place, one in enumerate(mail.receivers):
        if not _ADDRESS.fullmatch(one):
            return _refused(f"mail.receivers[{place}]", one, allowed)
    if mail.security == "none" and mail.user and mail.host not in _THIS_MACHINE:
        return msg("mail.security = \"none\" with mail.user: the password would go over the network in the clear; use "
                   "starttls or tls")
    return None


def _refused(key: str, value: object, allowed: Message | str) -> Message:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return msg("{key} = {value}; allowed: {allowed}", key=key, value=shown, allowed=allowed)


_OWN_FIELD_EXAMPLE = """
# 本单位自定的著录项，可有多个。key 用小写字母、数字和下划线，启用后不要改；label 为中文名称
# [[archive.fields]]
# key = "project"
# label = "工程名称"
# type = "text"            # text integer decimal date choice phone account yes_no
# required = false         # true：归档时缺少的列为问题
# choices = []             # type = "choice" 时可选的值
# classes = []             # 只用于这些类别；空为全部
"""


def new_settings_text(
    *, store_id: str, simulation: bool, company: CompanySection, archive: ArchiveSection, search: str = "tantivy"
) -> str:
    """A commented recordkit.toml for a new store."""
    import msgspec

    def quoted(value: str) -> str:
        return msgspec.json.encode(value).decode()

    return f"""# recordkit 档案库设置。修改后用 recordkit config check 检查。

[store]
id = {quoted(store_id)}          # 档案库标识：生成后不得修改，打印的条码含其摘要
format = {FORMAT}
simulation = {str(simulation).lower()}      # true 表示演示库：可用 --as-of 拨动时钟，永远不是真实档案

[company]
name = {quoted(company.name)}        # 单位名称，印在文书上
office = {quoted(company.office)}     # 经办机构
office_code = {quoted(company.office_code)}       # 机构代码，用于档号和文书编号

[archive]
fonds = {quoted(archive.fonds)}        # 全宗号
fonds_name = {quoted(archive.fonds_name)}
category = {quoted(archive.category)}        # 门类代码
# 档号格式，依据 DA/T 22-2015；可用：fonds category class year period office seq
# 必须有全宗号 fonds、门类 category 或 class、件号 seq；已有档号永不改变。DA/T 13-2022（全宗号-类别号-件号）：
#   code = "{{fonds}}-{{category}}-{{seq:04}}"，或两级类别 "{{fonds}}-{{category}}·{{class}}-{{seq:04}}"
code = {quoted(archive.code)}
# 案卷号格式；可用：fonds category year office seq。不含保管期限：案卷期限随卷内文件变化，案卷号不变
volume_code = {quoted(archive.volume_code)}
volumes = "by-hand"      # "per-account"：归到某户号名下的文件自动并入该户号未封的案卷
# class 处所写的类别号，未列的写类别标识：
# class_codes = {{ supply-contract = "HT", meter-change-notice = "HB" }}
{_OWN_FIELD_EXAMPLE}
[engines]
search = {quoted(search)}       # 检索引擎："tantivy"，或不能安装 tantivy 的机器上用 "whoosh"
ocr = "rapidocr"         # "none" 表示不识别扫描件

[ingest]
rescan = "ask"           # 已归档文书又来一份扫描件："ask" 留待人工处理，"version" 作为新版本归档
done_days = 30           # 已归档的来件在 inbox/done 保留的天数；0 表示归档后立即删除
searchable = true        # 为扫描件另存一份带文字层的 PDF/A-2b
most_pages = 2000        # 单个文件页数上限
page_seconds = 120.0     # 读一页的秒数上限
memory_mb = 3000         # 每个阅读进程的内存上限（MB）
trusted_roots = "certificates"   # 库内存放受信任根证书的文件夹，用于验证电子签名
watch_seconds = 5.0      # ingest --watch 每隔几秒查看一次收件箱

[search]
# 登记人员后，限制利用的档案，以及检索结果中完整的证件、电话号码，只对以下角色显示
# （以 --as 表明身份）；默认除窗口受理员外都可查看
restricted_roles = ["archivist", "appraiser", "approver", "supervisor", "administrator", "auditor"]

[locks]
wait_seconds = 30.0      # 另一程序占用档案库时等待的秒数

[destruction]
supervisors = 2          # 监销人人数，不少于二
supervisor_excludes = ["proposer", "approver"]   # 监销人不得兼任：提出人、批准人
total_share = 0.5        # 一次销毁超过馆藏的这一比例时，需另行键入确认词
# 同一人（工号或密钥相同即为同一人）不得同时登记的角色，两两一组
separate_roles = [
  ["auditor", "archivist"], ["auditor", "appraiser"], ["auditor", "approver"], ["auditor", "supervisor"],
]
paper = true             # 批准人、监销人可在打印的清册上手签；false 表示一律用密钥签名
# 以上各项放宽后，须由管理员签名确认（recordkit config accept），否则不能销毁
register_titles = "title"   # 清册长期保留的题名："title" 原题名；"class" 只留类别名称，不留含个人姓名的题名

[meters]
start = "calibration"    # 使用周期自检定日期起算；"installation" 自安装日期起算
# 口径（毫米）不大于 up_to 的，使用周期 years 年
cycles = [{{ up_to = 25, years = 6 }}, {{ up_to = 50, years = 4 }}, {{ up_to = 300, years = 2 }}]
q3_above = 16.0          # 常用流量 Q3 大于此值（m³/h）的，周期为 q3_years 年（JJG 162-2019）；取较短者
q3_years = 2             # 0 表示不看 Q3

[review]
within_days = 90         # 定时审查的提前期：多少天内到期的也列入清单
formats = ["docx"]       # 清单格式："docx"、"xlsx"、"json"，可并列
command = []             # 清单写好后启动的程序及参数（不经 shell）；{{file}} 清单，{{due}} 到期件数，{{date}} 日期

# 定时审查的结果发邮件：填写 host 后生效。口令取自环境变量 RECORDKIT_MAIL_PASSWORD，
# 或 password_file 所指的库外文件，不得写在这里。
[mail]
host = ""                # 邮件服务器
port = 587
security = "starttls"    # "starttls"、"tls"；"none" 只用于不需口令的服务器或本机
user = ""
sender = ""
receivers = []
password_file = ""
contents = "counts"      # "counts" 只发件数和清单位置；"list" 附上清单（题名属个人信息，慎用）
when = "due"             # "due" 有到期或即将到期的才发；"always" 每次都发

[checks]
# 四性检测用的查毒程序及参数（不经 shell，文件名加在最后），如 ["clamdscan", "--fdpass", "--no-summary"]；空则记为未检测
scanner = []
formats = ["pdf", "docx", "json"]   # 允许的归档格式，按文件内容判断

# 办理时限（recordkit report overdue）：自带的环节、天数见使用说明 reports.zh-CN.md
[deadlines]
days = {{}}                # 只改天数，例如 {{ complaint-visit = 5 }}
off = []                 # 不跟踪的环节
"""
