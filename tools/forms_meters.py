"""Draws the meter forms: removal, acceptance, change slip, change report, issue slip and the meter label.

Run by ``python tools/make_forms.py``, or alone. The result is deterministic. The field lists follow the handbook of a
water company (one slip one meter, the notice precedes the work, labels from DN40, the old meter kept one month).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from docx import Document
from docx.shared import Mm
from formkit import (
    DAY,
    FORMS,
    HEI,
    MOMENT,
    SONG,
    Cell,
    Row,
    blank,
    fixed_zip,
    label,
    number_line,
    para,
    placeholder,
    row,
    save_form,
    table,
    tag_row,
    title,
    value,
)

FOUR = (27, 48, 27, 60)  # the right column holds a date with a time for the pen
SEALS = "□完好　□破损　□缺失"
LINE = 15
OK = "□合格　□不合格"
BIG = "口径 not in ['DN15', 'DN20', 'DN25', 'DN32']"
LABEL_QR = "[[label qr {}]]"


def pair(left: str, right: str, height: float = 8) -> Row:
    """Two printed fields side by side, each headed by its own name."""
    return two(left, f"{{{{ {left} }}}}", right, f"{{{{ {right} }}}}", height)


def two(left: str, first: str, right: str, second: str, height: float = 8) -> Row:
    """Two headed cells with these texts."""
    return row(label(left), value(first, line=LINE), label(right), value(second, line=LINE), height=height)


def wide(name: str, height: float = 8, text: str = "") -> Row:
    """One field over the whole width: printed, for several handwritten lines, or with the given text."""
    return row(label(name), value(text or f"{{{{ {name} }}}}", 3, line=LINE), height=height)


def by_hand(left: str, left_blank: str, right: str, right_blank: str, height: float = 9) -> Row:
    """Two fields for the pen: ticks, units or a date line; an empty text leaves the cell free."""
    return two(left, pen(left, left_blank), right, pen(right, right_blank), height)


def pen(name: str, otherwise: str) -> str:
    """What stands in a cell for the pen."""
    return blank(name, otherwise) if otherwise else f"{{{{ {name} }}}}"


def ticks(name: str, *choices: str, height: float = 8.5) -> Row:
    """Choices to tick over the whole width."""
    return wide(name, height, blank(name, "　　".join(f"□{one}" for one in choices)))


def band(text: str) -> Row:
    """A row that heads the part below it."""
    return row(Cell(text, 4, align="center", font=HEI, size=11), height=7)


def note(text: str) -> str:
    """A small line under a table."""
    return para(text, font=SONG, size=9, line=13, align="left", before=3)


def reading(name: str) -> str:
    """A printed reading with its unit; a reading of 0 is printed too."""
    return f"{{% if {name} is not none %}}{{{{ {name} }}}} m³{{% endif %}}"


def removal_order() -> list[str]:
    """拆表任务单."""
    return [
        title("拆 表 任 务 单", size=20, after=0),
        number_line(),
        table(
            FOUR,
            (
                pair("派单日期", "要求完成日期"),
                wide("户名"),
                pair("户号", "接水点编号"),
                wide("地址"),
                pair("联系人", "联系电话"),
                pair("口径", "表号"),
                wide("安装位置"),
                two("上次抄见行度", reading("上次抄见行度"), "上次抄见日期", "{{ 上次抄见日期 }}"),
                pair("拆表原因", "关联单号"),
                wide("原因说明"),
                pair("欠费已核清", "旧表交回期限"),
                pair("派单人", "拆表员"),
                wide("作业要求"),
                band("现 场 记 录"),
                by_hand("作业结果", "□已拆除　□未拆除", "拆表时间", MOMENT),
                by_hand("拆表行度", "　　　　　　　　　m³", "铅封状态", SEALS),
                by_hand("表体状况", "□完好 □损坏 □疑似改动", "管口处理", "□丝堵　□关阀加封　□断管"),
                by_hand("渗漏检查", "□无渗漏　□有渗漏", "封堵铅封号", ""),
                wide("现场情况", 14),
                by_hand("客户签字", "", "签字时间", MOMENT, 12),
                by_hand("见证人", "", "拆表员签字", "", 12),
                by_hand("旧表接收人", "", "旧表交回日期", DAY, 12),
            ),
        ),
        note("拆表行度由拆表员与客户共同抄见。客户不在场或者拒签的由见证人签名；未拆除的在“现场情况”写明原因。"),
    ]


CHECKS = (
    ("表号与领表单一致", "水流方向与箭头一致"),
    ("安装端正牢固", "前后直管段符合要求"),
    ("表前表后阀门启闭正常", "表箱表井清洁完好"),
    ("便于抄表和更换", "铅封完好"),
    ("通水试验无渗漏", "通水后运转正常"),
)


def acceptance() -> list[str]:
    """水表验收单; the readings and seals found on site stand beside each meter."""
    def found(column: str) -> str:
        return f"{{% if 现场核对|length > loop.index0 %}}{{{{ 现场核对[loop.index0].{column} }}}}{{% endif %}}"

    small = {"size": 9, "line": 12, "align": "center"}
    heads = ("序号", "表号", "口径", "型号", "检定日期", "安装位置", "现场行度\nm³", "铅封")
    meters = (
        row(*(label(text, size=9, line=12) for text in heads), height=9),
        tag_row("{%tr for m in 待验水表 %}", 8),
        row(value("{{ loop.index }}", **small), value("{{ m.表号 }}", **small), value("{{ m.表口径 }}", **small),
            value("{{ m.型号 }}", **small), value("{{ m.检定日期 }}", **small), value("{{ m.安装位置 }}", **small),
            value(found("现场行度"), **small), value(found("铅封"), **small), height=8.5),
        tag_row("{%tr endfor %}", 8),
    )
    checks = [
        row(Cell(left, size=10, line=LINE), value(blank(left, OK), size=10, line=LINE, align="center"),
            Cell(right, size=10, line=LINE), value(blank(right, OK), size=10, line=LINE, align="center"), height=8)
        for left, right in CHECKS
    ]
    return [
        title("水 表 验 收 单", size=18, after=0),
        number_line(),
        table(
            FOUR,
            (
                pair("报验日期", "安装类别", 7.5),
                wide("户名", 7.5),
                pair("户号", "接水点编号", 7.5),
                wide("地址", 7.5),
                pair("联系电话", "安装负责人", 7.5),
                pair("领表日期", "领表单编号", 7.5),
                pair("安装完成日期", "安装单位", 7.5),
            ),
        ),
        para("待验水表（共 {{ 水表只数 }} 只）和检查项目", font=HEI, size=10, line=14, align="left", before=2, after=1,
             keep_next=True),
        table((12, 31, 16, 20, 31, 20, 17, 15), meters),
        para("", line=4, size=4, inner=""),
        table((48, 33, 48, 33), checks),
        para("", line=4, size=4, inner=""),
        table(
            FOUR,
            (
                by_hand("验收日期", DAY, "验收结论", "□合格 □整改后复验 □不合格"),
                wide("整改意见", 12),
                by_hand("验收人签字", "", "复核人签字", "", 12),
                by_hand("安装单位签字", "", "客户签字", "", 12),
            ),
        ),
    ]


def change_slip() -> list[str]:
    """换表单."""
    return [
        title("换　表　单", size=20, after=0),
        number_line(),
        table(
            FOUR,
            (
                pair("派单日期", "要求完成日期"),
                pair("换表类别", "通知书编号"),
                wide("户名"),
                pair("户号", "接水点编号"),
                wide("地址"),
                pair("联系电话", "安装位置"),
                wide("换表原因", text="{{ 换表原因 }}{% if 原因说明 %}（{{ 原因说明 }}）{% endif %}"),
                two("旧表口径", "{{ 口径 }}", "旧表号", "{{ 旧表号 }}"),
                two("旧表检定日期", "{{ 旧表检定日期 }}", "上次抄见行度", reading("上次抄见行度")),
                two("新表口径", "{{ 新表口径 or 口径 }}", "新表号", "{{ 新表号 }}"),
                pair("领表单编号", "预约换表时间"),
                pair("派单人", "换表员"),
                band("现 场 记 录"),
                by_hand("旧表行度", "　　　　　　　　　m³", "换表时间", MOMENT),
                by_hand("旧铅封状态", SEALS, "实装表号", ""),
                two("新表铅封\n完好度", blank("新表铅封完好度", SEALS), "新表起度",
                    blank("新表起度", "　　　　　　　　　　　m³"), 10.6),
                by_hand("通水试验", "□正常　□渗漏　□不走", "作业结果", "□已换表 □停工未换 □无人未换"),
                wide("停工情况", 14),
                by_hand("客户签收", "", "签收时间", MOMENT, 12),
                by_hand("见证人", "", "换表员签字", "", 12),
                by_hand("旧表接收人", "", "旧表交回日期", DAY, 12),
            ),
        ),
        note("旧表行度由换表员与客户共同抄见；与抄见底数严重不符或者大口径水表铅封损坏的，应停止作业并记入“停工情况”。"
             f"{{% if {BIG} %}}口径 DN40 及以上：须粘贴水表标识，旧表自换表之日起保管一个月。{{% endif %}}"),
    ]


def change_report() -> list[str]:
    """换表报核单."""
    return [
        title("换 表 报 核 单", size=20, after=0),
        number_line(),
        table(
            FOUR,
            (
                pair("报核日期", "换表单编号"),
                wide("户名"),
                pair("户号", "接水点编号"),
                wide("地址"),
                pair("换表原因", "用水性质"),
                two("旧表口径", "{{ 口径 }}", "旧表号", "{{ 旧表号 }}"),
                two("新表口径", "{{ 新表口径 or 口径 }}", "新表号", "{{ 新表号 }}"),
                two("上次抄见日期", "{{ 上次抄见日期 }}", "上次抄见行度", "{{ 上次抄见行度 }} m³"),
                two("换表日期", "{{ 换表日期 }}", "旧表行度", "{{ 旧表行度 }} m³"),
                two("新表起度", "{{ 新表起度 }} m³", "旧表计量水量", "{{ 旧表计量水量 }} m³"),
                two("水量认定方式", "{{ 水量认定方式 }}", "认定水量", "{{ 认定水量 }} m³"),
                wide("认定依据", 10),
                pair("报核班组", "报核人"),
                band("复 核 审 批"),
                by_hand("复核结果", "□同意　　□退回", "复核日期", DAY),
                wide("复核意见", 17),
                by_hand("审批结果", "□同意　　□不同意", "审批日期", DAY),
                wide("审批意见", 17),
                by_hand("复核人签字", "", "审批人签字", "", 13),
                by_hand("录入人签字", "", "录入日期", DAY, 12),
            ),
        ),
        note("认定水量按旧表行度的，经复核即可录入；其他认定方式须经审批。旧表数据在换表后2个工作日内录入。"),
    ]


def issue_slip() -> list[str]:
    """改表领表单."""
    small = {"size": 10, "line": 14, "align": "center"}
    meters = (
        row(*(label(text) for text in ("序号", "口径", "型号", "只数", "首表号", "末表号", "备注")), height=8),
        tag_row("{%tr for m in 领用水表 %}", 7),
        row(value("{{ loop.index }}", **small), value("{{ m.口径 }}", **small), value("{{ m.型号 }}", **small),
            value("{{ m.只数 }}", **small), value("{{ m.首表号 }}", **small), value("{{ m.末表号 }}", **small),
            value("{{ m.备注 }}", **small), height=8),
        tag_row("{%tr endfor %}", 7),
    )
    return [
        title("改 表 领 表 单", size=20, after=0),
        number_line(),
        table(
            FOUR,
            (
                pair("领表日期", "领用部门"),
                pair("领用用途", "关联单号"),
                wide("户名或工程"),
                wide("地址"),
                two("户号", "{{ 户号 }}", "领用只数", "{{ 领用只数 }} 只"),
                pair("要求完成日期", "验收期限"),
                pair("领表人", "批准人"),
                wide("领用说明"),
            ),
        ),
        para("", line=6, size=6, inner=""),
        table((12, 17, 27, 13, 34, 34, 25), meters),
        para("", line=6, size=6, inner=""),
        table(
            FOUR,
            (
                band("发 放 和 退 库"),
                by_hand("实发只数", "　　　　　　　　　只", "发表时间", MOMENT),
                wide("差异说明", 11),
                by_hand("发表人签字", "", "领表人签字", "", 12),
                by_hand("退库只数", "　　　　　　　　　只", "退库日期", DAY),
                by_hand("退库接收人", "", "退库表号", "", 12),
            ),
        ),
        note("连号水表一行写首末表号。逾龄换表领表后5个工作日内更换；领表后一个月内验收；未用水表及时退库。"),
    ]


def _one_label(mark: str, heading: str, lines: Sequence[tuple[str, str]]) -> str:
    """One label to be cut out: heading and code above, then the name and the connection point in large type."""
    top = row(
        Cell(f"{heading}\n{{{{ 单位名称 }}}}", 2, font=HEI, size=11, line=15),
        Cell(raw=para(mark, line=0, size=6, align="right", style="FormCell"), borders=True),
        height=20,
    )
    rows = [
        top,
        row(label("户名", size=10), value("{{ 户名 }}", 2, font=HEI, size=11, line=14), height=11),
        row(label("接水点\n编号", size=10, line=13),
            value("{{ 接水点编号 }}", 2, font=HEI, size=14, line=18), height=11),
    ]
    rows += [row(label(name, size=10), value(text, 2, size=10, line=13), height=7) for name, text in lines]
    return table((18, 38, 22), rows)


def meter_label() -> list[str]:
    """水表标识: the stub with the old meter's custody above, two labels of 78 mm to be cut out below."""
    in_use = _one_label(
        LABEL_QR.format(1), "水表标识（表箱）",
        (("口径", "{{ 口径 }}"), ("表号", "{{ 新表号 }}"), ("检定日期", "{{ 新表检定日期 }}"),
         ("换表日期", "{{ 换表日期 }}")),
    )
    kept = _one_label(
        LABEL_QR.format(2), "旧表标识（保管）",
        (("口径", "{{ 口径 }}"), ("旧表号", "{{ 旧表号 }}"), ("旧表行度", "{{ 旧表行度 }} m³"),
         ("保管至", "{{ 保管至 }}")),
    )
    dashed = para(
        "沿虚线剪下，分别粘贴于表箱和旧表；上联为存根，旧表处置后归档。",
        font=SONG, size=9, line=14, align="left", before=5, after=3,
    ).replace(
        "<w:snapToGrid",
        '<w:pBdr><w:top w:val="dashed" w:sz="6" w:space="2" w:color="000000"/></w:pBdr><w:snapToGrid',
    )
    ending = para(size=1, line=1, inner="")
    left, right = (Cell(raw=one + ending, borders=False) for one in (in_use, kept))
    labels = Row((left, Cell(borders=False), right))
    return [
        title("水 表 标 识", size=20, after=0),
        number_line(),
        table(
            FOUR,
            (
                wide("户名"),
                pair("户号", "接水点编号"),
                wide("地址"),
                pair("打印日期", "换表单编号"),
                pair("口径", "旧表号"),
                two("换表日期", "{{ 换表日期 }}", "旧表行度", "{{ 旧表行度 }} m³"),
                pair("新表检定日期", "新表号"),
                wide("保管至"),
                band("旧 表 保 管 记 录（存根）"),
                by_hand("旧表入库日期", DAY, "存放位置", ""),
                ticks("标识粘贴", "表箱和旧表均已贴", "仅贴旧表", "仅贴表箱"),
                ticks("客户核对", "未申请", "核对无异议", "有异议"),
                by_hand("保管人签字", "", "核对情况", "", 12),
                ticks("旧表处置", "送检", "报废", "退库", "客户领回"),
                by_hand("处置经手人", "", "处置日期", DAY, 12),
            ),
        ),
        dashed,
        table((78, 6, 78), (labels,), borders=False, padding=False),
    ]


def _put_label_codes(path: Path) -> None:
    """Put a code picture of its own on each label, where its mark stands.

    Each is a part of its own: the renderer swaps parts, and two pictures of equal bytes would become one.
    """
    document = Document(str(path))
    outer = document.tables[-1].rows[0].cells
    for place, cell in ((1, outer[0]), (2, outer[2])):
        paragraph = cell.tables[0].rows[0].cells[2].paragraphs[0]
        if paragraph.text != LABEL_QR.format(place):
            raise ValueError(f"no mark of label {place}: {paragraph.text}")
        for piece in list(paragraph.runs):
            paragraph._p.remove(piece._r)
        picture = placeholder(213 + place, 214 + place, f"label {place}")
        shape = paragraph.add_run().add_picture(picture, width=Mm(18), height=Mm(18))
        for side in ("distT", "distB", "distL", "distR"):
            shape._inline.set(side, "0")
        shape._inline.docPr.set("descr", "recordkit:qr")
        shape._inline.docPr.set("name", f"label{place}")
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


def draw() -> None:
    """Write the templates of this module."""
    drawn = {
        "meter-removal-order": ("拆表任务单", removal_order()),
        "meter-acceptance": ("水表验收单", acceptance()),
        "meter-change-slip": ("换表单", change_slip()),
        "meter-change-report": ("换表报核单", change_report()),
        "meter-issue-slip": ("改表领表单", issue_slip()),
        "meter-label": ("水表标识", meter_label()),
    }
    for form, (name, blocks) in drawn.items():
        save_form(FORMS / form / "template.docx", name, blocks, bottom=16)
    _put_label_codes(FORMS / "meter-label" / "template.docx")


if __name__ == "__main__":
    draw()
