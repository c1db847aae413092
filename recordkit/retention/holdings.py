"""What the archive holds, in numbers: by class, year and period, growth, storage, what waits for somebody.

Counted from the tallies, which are kept while records change, and by the grouped review.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from recordkit.archive.classes import load_scheme
from recordkit.archive.listings.shape import told_period
from recordkit.archive.losses import lost_records
from recordkit.archive.retrying import list_quarantine
from recordkit.archive.waiting import list_unmatched
from recordkit.retention.grouped import group_review
from recordkit.retention.review import DecisionKind
from recordkit.templates import wordpage
from recordkit.templates.charts import Panel, draw
from recordkit.workspace import Workspace

_SHOWN_CLASSES = 14
_SHOWN_YEARS = 8
_PAGE = (186.0, 254.0)  # mm: A4 within margins
_MB = 1e6


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Records of a class that are held, their pages, and how many were destroyed."""

    id: str
    name: str
    records: int
    pages: int
    destroyed: int


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes.

    Attributes:
        papers: of the papers held, attachments included, as they came in.
        catalogue, index, ledger: what these take on the disk.
    """

    papers: int
    catalogue: int
    index: int
    ledger: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """The archive in numbers.

    Attributes:
        classes: with the most records first.
        years: records held by year of their archival code; ``periods`` by its period code.
        filed: records filed by calendar year, destroyed ones among them.
        issues: documents by status: ``issued`` ones are out, their signed papers not filed.
        review: records by what the schedule says of them on the day; ``unexplained`` of those that wait do so for
            somebody to say what their old term means.
        unmatched, quarantined: papers that wait for a person.
        lost: how many of the records that are held are written off as lost.
    """

    company: str
    fonds: str
    as_of: date
    classes: tuple[ClassCount, ...]
    years: Mapping[int, int]
    periods: Mapping[str, int]
    filed: Mapping[int, int]
    issues: Mapping[str, int]
    review: Mapping[DecisionKind, int]
    unmatched: int
    quarantined: int
    storage: Storage
    unexplained: int = 0
    lost: int = 0

    @property
    def records(self) -> int:
        """How many are held."""
        return sum(one.records for one in self.classes)

    @property
    def pages(self) -> int:
        """Pages of what is held."""
        return sum(one.pages for one in self.classes)

    @property
    def destroyed(self) -> int:
        """How many were destroyed."""
        return sum(one.destroyed for one in self.classes)


def holdings_of(workspace: Workspace, today: date) -> Holdings:
    """Count a store.

    Raises:
        InputRefused: retention.toml cannot be read.
    """
    names = load_scheme(workspace.root).classes
    held, pages, destroyed = Counter[str](), Counter[str](), Counter[str]()
    years, periods = Counter[int](), Counter[str]()
    # What an older archive wrote stands in place of the code's period.
    for row in workspace.db.all(
        "SELECT record_class, year, coalesce(nullif(old_term, ''), period) AS term, status, sum(n) AS n, "
        "sum(pages) AS pages FROM record_tallies GROUP BY record_class, year, term, status"
    ):
        if row["status"] != "active":
            destroyed[row["record_class"]] += row["n"]
            continue
        held[row["record_class"]] += row["n"]
        pages[row["record_class"]] += row["pages"]
        years[row["year"]] += row["n"]
        periods[row["term"]] += row["n"]
    by_year = workspace.db.all("SELECT year, n, bytes FROM filing_years WHERE n > 0 ORDER BY year")
    classes = [ClassCount(one, names[one].name if one in names else one, held[one], pages[one], destroyed[one])
               for one in sorted({*held, *destroyed}, key=lambda one: (-held[one], one))]
    review, unexplained = Counter[DecisionKind](), 0
    for group in group_review(workspace, today):
        review[group.decision] += group.count
        unexplained += group.count if group.unexplained else 0
    issues = {row["status"]: row["n"]
              for row in workspace.db.all("SELECT status, count(*) AS n FROM issues GROUP BY status")}
    root = workspace.root
    return Holdings(
        workspace.settings.company.name, f"{workspace.settings.archive.fonds} {workspace.settings.archive.fonds_name}",
        today, tuple(classes), dict(sorted(years.items())), dict(sorted(periods.items())),
        {int(row["year"]): row["n"] for row in by_year},
        issues, dict(review), len(list_unmatched(workspace)), len(list_quarantine(workspace)),
        Storage(sum(row["bytes"] for row in by_year), sum(_size(path) for path in root.glob("catalogue.sqlite3*")),
                _folder(root / "index"), _folder(root / "ledger")),
        unexplained, len(lost_records(workspace.db)),
    )


def _folder(folder: Path) -> int:
    return sum(_size(path) for path in folder.rglob("*")) if folder.is_dir() else 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # another process has just merged or removed it
        return 0


def plain_holdings(found: Holdings) -> dict[str, object]:
    """As plain JSON: the classes are the items."""
    items = [{"record_class": one.id, "name": one.name, "records": one.records, "pages": one.pages,
              "destroyed": one.destroyed} for one in found.classes]
    review = {kind: found.review.get(kind, 0) for kind in ("due", "not-due", "held", "permanent", "waiting")}
    return {
        "as_of": found.as_of.isoformat(), "company": found.company, "fonds": found.fonds, "items": items,
        "total": len(items), "records": found.records, "pages": found.pages, "destroyed": found.destroyed,
        "years": {str(year): count for year, count in found.years.items()}, "periods": dict(found.periods),
        "filed": {str(year): count for year, count in found.filed.items()}, "review": review,
        "unexplained": found.unexplained, "lost": found.lost,
        "unreturned": found.issues.get("issued", 0), "issues": dict(found.issues), "unmatched": found.unmatched,
        "quarantined": found.quarantined,
        "storage": {"papers": found.storage.papers, "catalogue": found.storage.catalogue,
                    "index": found.storage.index, "ledger": found.storage.ledger},
    }


def state_rows(found: Holdings) -> list[tuple[str, int]]:
    """What waits for somebody, and what the schedule says, in the office's words."""
    said = found.review.get
    return [("到期待鉴定", said("due", 0)), ("冻结", said("held", 0)),
            ("待触发事件", said("waiting", 0) - found.unexplained), ("旧期限待解释", found.unexplained),
            ("未到期", said("not-due", 0)), ("永久保管", said("permanent", 0)),
            ("已签发未归档文书", found.issues.get("issued", 0)), ("待匹配来件", found.unmatched),
            ("隔离来件", found.quarantined), ("已登记遗失", found.lost), ("已销毁", found.destroyed)]


def holdings_picture(found: Holdings, *, beside_tables: bool = False) -> bytes:
    """One page, A4 upright, as PNG; ``beside_tables`` the part of it that goes with the tables of ``holdings_file``.

    Raises:
        MissingPart: as ``charts.draw``.
    """
    shown = found.classes[:_SHOWN_CLASSES]
    names, counts = [one.name for one in shown], [one.records for one in shown]
    rest = sum(one.records for one in found.classes[_SHOWN_CLASSES:])
    if rest:
        names, counts = [*names, "其他"], [*counts, rest]
    states = state_rows(found)
    sizes = found.storage
    panels = [
        Panel("馆藏（按类别，件）", names, {"件": counts}),
        Panel("现状（件）", [name for name, _ in states], {"件": [count for _, count in states]}),
        Panel("馆藏（按年度，件）", *_by_year(found.years), kind="standing"),
        Panel("历年归档（件）", *_by_year(found.filed), kind="standing"),
        Panel("馆藏（按保管期限，件）", [told_period(one) for one in found.periods], {"件": [*found.periods.values()]},
              kind="standing"),
        Panel("存储（MB）", ["文件", "目录库", "检索库", "台账"],
              {"MB": [round(one / _MB, 1) for one in (sizes.papers, sizes.catalogue, sizes.index, sizes.ledger)]},
              kind="standing"),
    ]
    title = f"{found.company}　馆藏统计"
    note = (f"全宗 {found.fonds}　统计日期 {found.as_of.isoformat()}　"
            f"馆藏 {found.records:,} 件 {found.pages:,} 页")
    if beside_tables:
        panels = panels[2:]
    return draw(panels, (_PAGE[0], _BESIDE_TABLES if beside_tables else _PAGE[1]), title=title, note=note, columns=2)


def _by_year(counts: Mapping[int, int]) -> tuple[list[str], Mapping[str, Sequence[float]]]:
    """The last years one by one; what was before them together."""
    known = sorted(counts)
    early, late = known[:-_SHOWN_YEARS], known[-_SHOWN_YEARS:]
    labels, values = [str(year) for year in late], [counts[year] for year in late]
    if early:
        labels, values = [f"{late[0]}前", *labels], [sum(counts[year] for year in early), *values]
    return labels, {"件": values}


_CLASSES, _CLASSES_MM = ("类别", "件数", "页数", "已销毁"), (98, 30, 30, 30)
_STATES, _STATES_MM = ("现状", "件数", "现状", "件数"), (64, 30, 64, 30)
_BESIDE_TABLES = 114.0  # mm
_TABLED_CLASSES = 11


def _class_rows(found: Holdings) -> list[list[str]]:
    """The largest classes one by one, the others together, and the sum: never more than one page holds."""
    rest = found.classes[_TABLED_CLASSES:]
    told = [(one.name, one.records, one.pages, one.destroyed) for one in found.classes[:_TABLED_CLASSES]]
    if rest:
        told.append(("其他", sum(one.records for one in rest), sum(one.pages for one in rest),
                     sum(one.destroyed for one in rest)))
    told.append(("合计", found.records, found.pages, found.destroyed))
    return [[str(one) for one in row] for row in told]


def holdings_file(found: Holdings, kind: str, picture: bytes | None = None) -> bytes:
    """The statistics as ``docx`` or ``json``.

    With the picture a docx is one page: what the picture does not show stands in tables. Without, it has tables of
    everything.
    """
    if kind == "json":
        return json.dumps(plain_holdings(found), ensure_ascii=False, indent=2).encode()
    document = wordpage.new_page(landscape=False, margins=(15, 11, 14, 11))
    if picture is not None:
        wordpage.picture(document, picture, _PAGE[0])
        wordpage.rows_of(document, _CLASSES, _CLASSES_MM, _class_rows(found), _CLASSES[1:])
        wordpage.note(document, "")
        states = [[name, str(count)] for name, count in state_rows(found)]
        half = (len(states) + 1) // 2
        wordpage.rows_of(document, _STATES, _STATES_MM, (
            [*one, *other] for one, other in zip(states[:half], [*states[half:], ["", ""]], strict=False)), ("件数",))
        return wordpage.bytes_of(document)
    wordpage.heading(document, "馆藏统计")
    for line in (f"单位：{found.company}", f"全宗：{found.fonds}", f"统计日期：{found.as_of.isoformat()}",
                 f"馆藏{found.records}件，{found.pages}页；已销毁{found.destroyed}件"):
        document.add_paragraph(wordpage.printable(line))
    tables: list[tuple[str, Sequence[str], Sequence[float], list[list[str]]]] = [
        ("一、按类别", _CLASSES, _CLASSES_MM,
         [[one.name, str(one.records), str(one.pages), str(one.destroyed)] for one in found.classes]),
        ("二、按年度", ("年度", "馆藏件数", "当年归档件数"), (60, 64, 64),
         [[str(year), str(found.years.get(year, 0)), str(found.filed.get(year, 0))]
          for year in sorted({*found.years, *found.filed})]),
        ("三、按保管期限", ("保管期限", "件数"), (94, 94),
         [[told_period(one), str(count)] for one, count in found.periods.items()]),
        ("四、现状", ("事项", "件数"), (94, 94), [[name, str(count)] for name, count in state_rows(found)]),
        ("五、存储", ("内容", "兆字节"), (94, 94),
         [[name, f"{size / _MB:,.1f}"] for name, size in (
             ("文件（原件及附件）", found.storage.papers), ("目录库", found.storage.catalogue),
             ("检索库", found.storage.index), ("台账", found.storage.ledger))]),
    ]
    for name, columns, widths, rows in tables:
        wordpage.note(document, name, bold=True)
        if rows:
            wordpage.rows_of(document, columns, widths, rows, columns[1:])
        else:
            wordpage.note(document, "无")
    wordpage.page_numbers(document.sections[0].footer.paragraphs[0])
    return wordpage.bytes_of(document)
