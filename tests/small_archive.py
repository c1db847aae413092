"""An archive of ten invented papers, filed as ingest files them, for tests of searching and for its guide."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from conftest import clock_at

from recordkit import files
from recordkit.archive.arrivals import pages_file
from recordkit.archive.filing import NewRecord, file_records
from recordkit.model import PageText
from recordkit.store import make_store, open_store
from recordkit.templates.forms import load_form

DAY = date(2026, 11, 20)


@dataclass(frozen=True)
class Paper:
    """What is filed; ``fields`` by key of the form, ``pages`` as a scanner read them."""

    number: str
    form: str
    title: str
    on: date
    party: str
    account: str
    address: str
    phone: str
    meters: tuple[str, ...]
    pages: tuple[str, ...]
    fields: dict[str, str] = field(default_factory=dict)


CLAUSES = "供水单位应当保证水质。用水人应当按期交纳水费，逾期不交的，应当支付违约金。"
REMOVED = "拆下的旧水表由供水人保管一个月。"

PAPERS = (
    Paper(
        "供合〔2026〕0001号", "supply-contract", "张三供用水合同", date(2026, 3, 2),
        "张三", "0012005101", "文昌巷12号", "13900000001", ("S20231101",),
        ("供用水合同\n合同编号：供合〔2026〕0001号\n用水人：张 三\n用水地址：文昌巷12号",
         CLAUSES + "\n水表编号S20231101，安装于厨房。"),
        {"use_kind": "居民生活", "meter_place": "厨房"},
    ),
    Paper(
        "供合〔2026〕0002号", "supply-contract", "欧阳静供用水合同", date(2026, 5, 18),
        "欧阳静", "0012005102", "文昌巷8号", "13900000002", ("S20231102",),
        ("供用水合同\n用水人：欧阳静\n用水地址：文昌巷8号", CLAUSES),
        {"use_kind": "居民生活", "meter_place": "阳台"},
    ),
    Paper(
        "供合〔2025〕0041号", "supply-contract", "清源长兴餐饮有限公司供用水合同", date(2025, 11, 6),
        "清源长兴餐饮有限公司", "0012007301", "柳荫街301号", "13900000003", ("L50-2207",),
        ("供用水合同\n用水人：清源長興餐飲有限公司", CLAUSES),
        {"use_kind": "经营服务", "meter_place": "地下室"},
    ),
    Paper(
        "换通〔2026〕0001号", "meter-change-notice", "张三换表通知书", date(2026, 6, 15),
        "张三", "0012005101", "文昌巷12号", "13900000001", ("S20231101", "S20260418"),
        ("换表通知书\n户名：张三\n换表原因：逾龄\n旧表号S20231101", REMOVED),
        {"reason": "逾龄", "old_meter_no": "S20231101", "new_meter_no": "S20260418", "fitter": "李建国"},
    ),
    Paper(
        "换通〔2026〕0002号", "meter-change-notice", "单志强换表通知书", date(2026, 6, 16),
        "单志强", "0012005107", "解放东路66号", "13900000004", ("S20190733", "S20260419"),
        ("换表通知书\n户名：单志强\n换表原因：停滞行\n拱水单位应当保证水质", REMOVED),
        {"reason": "停滞行", "old_meter_no": "S20190733", "new_meter_no": "S20260419", "fitter": "李建国"},
    ),
    Paper(
        "换通〔2026〕0003号", "meter-change-notice", "欧阳静换表通知书", date(2026, 9, 1),
        "欧阳静", "0012005102", "文昌巷8号", "13900000002", ("S20231102", "S20260420"),
        ("换表通知书\n户名：欧阳静\n换表原因：无铅封", REMOVED),
        {"reason": "无铅封", "old_meter_no": "S20231102", "new_meter_no": "S20260420", "fitter": "王芳"},
    ),
    Paper(
        "回访〔2026〕00001号", "visit-record", "张三客户回访记录", date(2026, 7, 8),
        "张三", "0012005101", "文昌巷12号", "13900000001", (),
        ("客户回访记录\n客户：张三\n回访人：夏玥\n事项：换表后水压低\n满意度：满意",),
        {"visitor": "夏玥", "visit_method": "上门", "satisfaction": "满意", "subject": "换表后水压低"},
    ),
    Paper(
        "回访〔2026〕00002号", "visit-record", "李四客户回访记录", date(2026, 7, 9),
        "李四", "0012005120", "解放东路5号", "13900000005", (),
        ("客户回访记录\n客户：李四\n回访人：夏玥\n事项：水表检定\n满意度：不满意",),
        {"visitor": "夏玥", "visit_method": "电话", "satisfaction": "不满意", "subject": "水表检定"},
    ),
    Paper(
        "回访〔2024〕00007号", "visit-record", "曾静客户回访记录", date(2024, 12, 30),
        "曾静", "0012005133", "柳荫街18号", "13900000006", (),
        ("客户回访记录\n客户：曾静\n回访人：王芳\n事项：水费有误\n口径 DN 15",),
        {"visitor": "王芳", "visit_method": "电话", "satisfaction": "一般", "subject": "水费有误"},
    ),
    Paper(
        "维修〔2026〕0015号", "repair-order", "柳荫街维修工作单", date(2026, 10, 12),
        "李四", "0012005120", "柳荫街3号", "13900000005", (),
        ("维修工作单\n报修人：李四\n管道漏水，更换DN25阀门。",),
        {"description": "管道漏水"},
    ),
)


def make_small_archive(root: Path) -> None:
    """Make a simulated store in which the papers are filed, the first one first."""
    make_store(root, clock_at(DAY), "test", simulation=True)
    workspace = open_store(root, clock_at(DAY), "test")
    try:
        with workspace.writing() as writer, workspace.staging() as staging:
            news = []
            for position, paper in enumerate(PAPERS):
                original = staging / f"paper-{position}"
                files.write_atomic(original, paper.title.encode())
                texts = [PageText(page, text, "ocr", "test") for page, text in enumerate(paper.pages, start=1)]
                news.append(NewRecord(
                    paper.form, paper.title, paper.on, len(paper.pages),
                    {"original.txt": original, "text.json": pages_file(texts)}, files.digests_of(original),
                    number=paper.number, form=paper.form, fields=paper.fields,
                    extra={"party": paper.party, "account": paper.account, "address": paper.address,
                           "phone": paper.phone, "meters": list(paper.meters),
                           "labels": {one.key: one.label for one in load_form(None, paper.form).spec.fields}},
                ))
            file_records(writer, workspace, news, staging)
    finally:
        workspace.close()
