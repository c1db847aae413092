"""Draws the templates of the customers' forms: applications, complaint, repair, breach registered and approved.

``python tools/forms_customers.py``, or with all others ``python tools/make_forms.py``. A form is one A4 page or one
sheet printed on both sides, also with the longest values its fields allow; rows written by hand are 8 mm or taller,
those signed 12 mm. The texts were written for this project; they are drafts for the office's own review.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from formkit import FANG, HEI, SONG, TEXT_WIDTH, Cell, Row, label, para, row, save_form, table, tag_row, value

FORMS = Path(__file__).resolve().parent.parent / "forms"
SHORT_DAY = "　　年　月　日"
DAY = "　　　　年　　月　　日"
MOMENT = "　　年　　月　　日　　时　　分"
SEALS = "□完好　□破损　□缺失"

# Two pairs of label and value, or three, in one grid; the last column just holds a date such as 2026年12月18日.
GRID = (21.5, 31.8, 21.5, 5.5, 21.5, 5.5, 21.5, 33.2)
ALL = len(GRID)
TYPED = 7.0
WRITTEN = 8.5
SIGNED = 12.0
# Where the right edge of a cell beside one label is: a date stands there.
EDGE = sum(GRID[1:]) - 4
# The footer ends 15.6 mm above the edge of the paper.
BOTTOM = 16.0


def blank(name: str, otherwise: str) -> str:
    """An on-site field: its value once keyed in, before that ticks or a date line for the pen."""
    return f"{{{{ {name} or '{otherwise}' }}}}"


def measured(name: str, unit: str) -> str:
    """A number with its unit, and nothing at all where there is none."""
    return f"{{% if {name} is not none %}}{{{{ {name} }}}} {unit}{{% endif %}}"


def to_fill(name: str, unit: str) -> str:
    """A number written by hand before its printed unit."""
    return f"{{% if {name} is number %}}{{{{ {name} }}}}{{% else %}}　　　　　　{{% endif %}} {unit}"


def heading(name: str, left: str = "", right: str = "") -> list[str]:
    """Title, number, and where given a line of two facts over the table."""
    facts = para(
        f"{left}\t{right}", font=SONG, size=10.5, line=16, align="left", after=2, tabs=(("right", TEXT_WIDTH),)
    )
    return [
        para(name, font=HEI, size=20, line=26, align="center", style="FormTitle", before=1, after=0),
        para("{{ 文书编号 }}", font=FANG, size=12, line=17, align="center", after=3),
        *([facts] if left else []),
    ]


def overleaf(name: str, who: str) -> str:
    """The head of the back: it names the form and the customer, for the sheet may be copied page by page."""
    made = para(f"{name}（背面）\t{who}", font=HEI, size=12, line=18, align="left", after=4, style="FormHeading",
                tabs=(("right", TEXT_WIDTH),))
    return made.replace('<w:widowControl w:val="0"/>', '<w:pageBreakBefore/><w:widowControl w:val="0"/>', 1)


def named(text: str) -> Cell:
    """A label of up to five characters a line."""
    return label(text, size=10, line=13)


def typed(text: str, span: int = 1, *, align: str = "left", top: bool = False) -> Cell:
    """A value filled in before printing, a little smaller than the labels so that long ones fit."""
    return Cell(span=span, raw=para(text, font=SONG, size=10, line=13, align=align, before=4 if top else 0.7, after=0.7,
                                    style="FormCell"), top=top)


def part(text: str) -> Row:
    """A line that heads a part of the table."""
    return row(Cell(text, ALL, font=HEI, size=10.5, line=15), height=5.8)


def one(name: str, text: str, height: float = TYPED, *, top: bool = False) -> Row:
    """One pair across the table."""
    return row(named(name), typed(text, ALL - 1, top=top), height=height)


def two(*pairs: tuple[str, str], height: float = TYPED) -> Row:
    """Two pairs of label and value."""
    (first, a), (second, b) = pairs
    return row(named(first), typed(a, 3), named(second), typed(b, 3), height=height)


def three(*pairs: tuple[str, str], height: float = TYPED) -> Row:
    """Three pairs of label and value."""
    (first, a), (second, b), (third, c) = pairs
    return row(named(first), typed(a), named(second), typed(b, 3), named(third), typed(c), height=height)


def when(condition: str, *rows: Row) -> list[Row]:
    """Rows that are printed only under a condition."""
    return [tag_row(f"{{%tr if {condition} %}}", ALL), *rows, tag_row("{%tr endif %}", ALL)]


def listed(name: str, *columns: Cell, height: float) -> Row:
    """The headings of a list whose label stands at its left, merged downwards over all its rows."""
    return row(label(name, size=10, merge="start"), *columns, height=height)


def each(table_name: str, item: str, *cells: Cell, height: float) -> list[Row]:
    """A row for each row of a table, under a label merged downwards."""
    return [
        tag_row(f"{{%tr for {item} in {table_name} %}}", ALL),
        row(label("", merge="go"), *cells, height=height),
        tag_row("{%tr endfor %}", ALL),
    ]


def roomy(rows: Sequence[Row], height: float) -> list[Row]:
    """The same rows, those of one pair or more at least ``height`` mm."""
    return [replace(one, height=max(one.height, height)) if len(one.cells) > 1 else one for one in rows]


def line(text: str, *, before: float = 3, after: float = 0, font: str = SONG, right: bool = False) -> str:
    """A line inside a cell beside a label; ``right`` sets what follows a tab at the cell's right edge."""
    tabs = (("right", EDGE),) if right else ()
    return para(
        text, font=font, size=10.5, line=15, align="left", before=before, after=after, style="FormCell", tabs=tabs
    )


def signed(name: str, lines: Sequence[str], signature: str, day: str, *, height: float, room: float = 20) -> Row:
    """Lines, and ``room`` points below them a signature with its date: an opinion, a statement, a finding."""
    foot = line(f"{signature}\t{day}", before=room, after=2, right=True)
    return row(named(name), Cell(raw="".join([*lines, foot]), span=ALL - 1), height=height)


def remark(text: str) -> str:
    """Small print under the table."""
    return para(text, font=SONG, size=9, line=12.5, align="left", before=2)


APPLIED = ("申请日期：{{ 申请日期 }}", "受理人：{{ 受理人 }}")
DOCUMENT = "{{ 身份证号码 or 统一社会信用代码 or 其他证件号码 }}"
AGENT = two(("经办人", "{{ 经办人 }}"), ("经办人\n身份证号", "{{ 经办人身份证号 }}"), height=9.6)
ARREARS = two(
    ("欠费情况", "{{ 欠费情况 }}{% if 欠费金额 %}　{{ 欠费金额 }} 元{% endif %}"),
    ("欠费核查", "{{ 欠费核查人 }}　{{ 欠费核查日期 }}"),
)
DECISIONS = "□同意　　□补正材料　　□不同意"


def decided(choices: str, *, height: float, room: float = 20) -> Row:
    """The office's decision on an application."""
    return signed(
        "审核意见",
        (line(blank("审核结论", choices)), line("{{ 审核意见 }}")),
        "审核人（签名）：{{ 审核人 }}",
        blank("审核日期", DAY),
        height=height,
        room=room,
    )


def applicant(text: str, *, height: float = 24) -> Row:
    """The applicant's statement and signature."""
    return signed(
        "申请人\n声明",
        (line(text, font=FANG),),
        "申请人（签名或盖章）：{{ 申请人签章 }}",
        blank("申请人签署日期", DAY),
        height=height,
    )


def surveyed(*, height: float, room: float = 20) -> Row:
    """What the surveyor found."""
    return signed(
        "勘查情况",
        (line("{{ 勘查情况 }}"),),
        "勘查人（签名）：{{ 勘查人 }}",
        blank("勘查日期", DAY),
        height=height,
        room=room,
    )


def water_application() -> list[str]:
    """客户用水申请表: the application in front, survey and decision on the back."""
    front = [
        part("一、申请人"),
        two(("用户类别", "{{ 用户类别 }}"), ("申请类别", "{{ 申请类别 }}")),
        one("申请人", "{{ 申请人 }}"),
        two(("证件类型", "{{ 证件类型 }}"), ("证件号码", DOCUMENT)),
        two(("法定代表人", "{{ 法定代表人 }}"), ("联系电话", "{{ 联系电话 }}")),
        AGENT,
        one("通讯地址", "{{ 通讯地址 }}"),
        part("二、用水情况"),
        one("用水地址", "{{ 用水地址 }}"),
        two(("产权证号", "{{ 产权证号 }}"), ("邻近户号", "{{ 邻近户号 }}")),
        two(("用水性质", "{{ 用水性质 }}"), ("用水用途", "{{ 用水用途 }}")),
        three(("用水户数", measured("用水户数", "户")), ("用水人数", measured("用水人数", "人")),
              ("最高楼层", measured("最高用水楼层", "层"))),
        two(("日用水量", "{{ 日用水量 }} m³/日"), ("月用水量", "{{ 月用水量 }} m³/月")),
        three(("申请口径", "{{ 申请口径 }}"), ("水表只数", "{{ 申请水表只数 }} 只"),
              ("要求通水", "{{ 要求通水日期 }}")),
        three(("消防用水", "{{ 消防用水 }}"), ("二次供水", "{{ 二次供水设施 }}"), ("自备水源", "{{ 自备水源 }}")),
        *when("临时用水至", one("临时用水至", "{{ 临时用水至 }}")),
        one("申请事由", "{{ 申请事由 }}", 18),
        applicant("　　以上内容和所附材料真实有效；愿按规定配合勘查，经审核同意后与供水单位签订供用水合同。",
                  height=30),
    ]
    back = [
        part("三、勘查和审核（供水单位填写）"),
        surveyed(height=58, room=90),
        row(named("接水位置\n示意图"), value("", ALL - 1), height=68),
        two(("接水点水压", to_fill("接水点水压", "MPa")), ("图纸口径", blank("图纸口径", "DN"))),
        decided("□同意接水　　□补正材料　　□不同意", height=48, room=55),
        two(("合同编号", "{{ 供用水合同编号 }}"), ("立户户号", "{{ 立户户号 }}")),
    ]
    return [
        *heading("客户用水申请表", *APPLIED),
        table(GRID, roomy(front, 9)),
        overleaf("客户用水申请表", "申请人：{{ 申请人 }}"),
        table(GRID, roomy(back, 10.5)),
        remark("图纸口径须与申请口径一致；签订供用水合同之后发放接水点编号。"),
    ]


def change_application() -> list[str]:
    """客户变更用水申请."""
    rows = [
        part("一、用户现状"),
        one("户　名", "{{ 户名 }}"),
        two(("户　号", "{{ 户号 }}"), ("接水点编号", "{{ 接水点编号 }}")),
        one("用水地址", "{{ 用水地址 }}"),
        two(("联系电话", "{{ 联系电话 }}"), ("合同编号", "{{ 供用水合同编号 }}")),
        AGENT,
        three(("现表号", "{{ 现表号 }}"), ("现口径", "{{ 现口径 }}"), ("现用水性质", "{{ 现用水性质 }}")),
        part("二、变更内容"),
        one("变更事项", "{{ 变更事项 }}"),
        *when("新用水性质", one("新用水性质", "由{{ 现用水性质 }}变更为{{ 新用水性质 }}")),
        *when("新口径 or 变更后日用水量",
              two(("新口径", "{{ 新口径 }}"), ("变更后\n日用水量", measured("变更后日用水量", "m³/日")), height=9)),
        *when("新表位", one("新表位", "{{ 新表位 }}")),
        *when("暂停起 or 暂停止", two(("暂停起", "{{ 暂停起 }}"), ("暂停止", "{{ 暂停止 }}"))),
        *when("恢复用水日期", one("恢复用水", "自{{ 恢复用水日期 }}起")),
        one("申请事由", "{{ 申请事由 }}", 11),
        ARREARS,
        applicant("　　以上内容和所附材料真实有效。本变更办结前，仍按现用水性质、现水表行度结算水费。", height=23),
        part("三、勘查、审核和办理（供水单位填写）"),
        two(("现场行度", to_fill("现场行度", "m³")), ("铅封状态", blank("铅封状态", SEALS)), height=WRITTEN),
        surveyed(height=24),
        decided(DECISIONS, height=25, room=17),
        three(("新表号", "{{ 新表号 }}"), ("办理人", "{{ 办理人 }}"), ("办结日期", blank("办结日期", SHORT_DAY)),
              height=SIGNED),
    ]
    return [
        *heading("客户变更用水申请", *APPLIED),
        table(GRID, rows),
        remark("一份申请办理一项变更。换表、移表作业另用换表通知书或者换表单；更名过户、拆表销户另行申请。"),
    ]


def account_closing() -> list[str]:
    """客户拆表销户申请: the application in front, decision, removal and closing on the back."""
    front = [
        part("一、用户和水表"),
        one("户　名", "{{ 户名 }}"),
        two(("户　号", "{{ 户号 }}"), ("接水点编号", "{{ 接水点编号 }}")),
        one("用水地址", "{{ 用水地址 }}"),
        two(("证件类型", "{{ 证件类型 }}"), ("证件号码", DOCUMENT)),
        two(("联系电话", "{{ 联系电话 }}"), ("合同编号", "{{ 供用水合同编号 }}")),
        AGENT,
        listed("水　表", label("表号"), label("口径"), label("安装位置", 4), label("上次行度"), height=7),
        *each("水表", "m", typed("{{ m.表号 }}", align="center"), typed("{{ m.口径 }}", align="center"),
              typed("{{ m.安装位置 }}", 4, align="center"), typed("{{ m.上次行度 }}", align="center"), height=7),
        part("二、销户申请"),
        two(("销户原因", "{{ 销户原因 }}"), ("要求拆表", "{{ 要求拆表日期 }}")),
        one("原因说明", "{{ 原因说明 }}", 11),
        ARREARS,
        one("预存余额", measured("预存余额", "元")),
        one("退款账户", "{{ 退款账户 }}"),
        applicant("　　以上内容和所附材料真实有效。结清水费、拆表销户后，供用水合同终止，户号和接水点编号注销；"
                  "需要再用水的，重新申请。", height=31),
    ]
    back = [
        part("三、审核、拆表和销户（供水单位填写）"),
        decided(DECISIONS, height=48, room=55),
        two(("拆表\n任务单", "{{ 拆表任务单编号 }}"), ("拆表日期", blank("拆表日期", DAY))),
        one("拆表行度", "{{ 拆表行度 }}", 26, top=True),
        one("管道封堵", blank("管道封堵", "□已封堵　　　□未封堵")),
        two(("拆表员", "{{ 拆表员 }}"), ("客户确认", "{{ 客户确认 }}"), height=15),
        two(("结算水费", to_fill("结算水费", "元")), ("结清日期", blank("结清日期", DAY))),
        two(("结算核对人", "{{ 结算核对人 }}"), ("旧表退库", blank("旧表退库日期", DAY)), height=13),
        two(("销户日期", blank("销户日期", DAY)), ("销户经办人", "{{ 销户经办人 }}"), height=15),
    ]
    return [
        *heading("客户拆表销户申请", *APPLIED),
        table(GRID, roomy(front, 8.2)),
        overleaf("客户拆表销户申请", "户名：{{ 户名 }}"),
        table(GRID, roomy(back, 12)),
        remark("结清水费在先，拆表、销户在后。拆表行度由拆表员与客户共同抄见，多只水表逐一写明表号和行度；"
               "客户不在场的，由拆表员在“客户确认”栏注明并附照片。"),
    ]


def account_transfer() -> list[str]:
    """更名过户申请: both customers in front, reading, settlement and signatures on the back."""
    former = "{{ 原户身份证号码 or 原户统一社会信用代码 or 原户其他证件号码 }}"
    new = "{{ 新户身份证号码 or 新户统一社会信用代码 or 新户其他证件号码 }}"
    front = [
        part("一、办理事项"),
        two(("办理类别", "{{ 办理类别 }}"), ("办理原因", "{{ 办理原因 }}")),
        one("原因说明", "{{ 原因说明 }}", 11),
        two(("户　号", "{{ 户号 }}"), ("接水点编号", "{{ 接水点编号 }}")),
        one("用水地址", "{{ 用水地址 }}"),
        three(("表　号", "{{ 表号 }}"), ("口　径", "{{ 口径 }}"), ("用水性质", "{{ 用水性质 }}")),
        one("产权证号", "{{ 产权证号 }}"),
        part("二、原用户"),
        one("原户名", "{{ 原户名 }}"),
        two(("证件类型", "{{ 原户证件类型 }}"), ("证件号码", former)),
        two(("联系电话", "{{ 原户联系电话 }}"), ("原合同编号", "{{ 原合同编号 }}")),
        part("三、新用户"),
        one("新户名", "{{ 新户名 }}"),
        two(("证件类型", "{{ 新户证件类型 }}"), ("证件号码", new)),
        two(("联系电话", "{{ 新户联系电话 }}"), ("用水人数", measured("新户用水人数", "人"))),
        one("通讯地址", "{{ 新户通讯地址 }}"),
        AGENT,
        part("四、欠费核查"),
        two(("欠费核查", "{{ 欠费核查人 }}　{{ 欠费核查日期 }}"),
            ("欠费已结清", "{{ 欠费已结清 }}{% if 欠费金额 %}　欠费 {{ 欠费金额 }} 元{% endif %}")),
    ]

    def side(who: str, text: str, signature: str, day: str) -> Row:
        return signed(who, (line("　　" + text, font=FANG),), f"签名或盖章：{{{{ {signature} }}}}", blank(day, DAY),
                      height=38, room=42)

    back = [
        part("五、共同抄见和结清"),
        three(("过户行度", to_fill("过户行度", "m³")), ("抄表员", "{{ 抄表员 }}"),
              ("抄见日期", blank("抄见日期", SHORT_DAY)), height=SIGNED),
        two(("铅封状态", blank("铅封状态", SEALS)), ("结算水费", to_fill("结算水费", "元"))),
        two(("结清日期", blank("结清日期", DAY)), ("结算核对人", "{{ 结算核对人 }}"), height=SIGNED),
        part("六、双方声明"),
        side("原用户", "同意将上列户号{{ 办理类别 }}。过户行度以前的水费由本人（单位）结清，户内用水设施一并移交。",
             "原用户签章", "原用户签署日期"),
        side("新用户", "已知悉上列行度和水费结清情况。过户行度以后的水费由本人（单位）承担，"
             "并按供水单位的规定重新签订供用水合同。", "新用户签章", "新用户签署日期"),
        part("七、审核和办结（供水单位填写）"),
        decided(DECISIONS, height=48, room=55),
        two(("新合同编号", "{{ 新合同编号 }}"), ("办结日期", blank("办结日期", DAY))),
    ]
    return [
        *heading("更名过户申请", *APPLIED),
        table(GRID, roomy(front, 9.6)),
        overleaf("更名过户申请", "新户名：{{ 新户名 }}"),
        table(GRID, roomy(back, 10.5)),
        remark("继承、法院判决等原用户不能签章的，附公证书或者裁判文书。水费结清、新用户签章之后签订供用水合同（过户）。"),
    ]


def complaint() -> list[str]:
    """投诉处理表."""
    rows = [
        part("一、受理"),
        two(("受理时间", "{{ 受理时间 }}"), ("受理渠道", "{{ 受理渠道 }}")),
        two(("受理人", "{{ 受理人 }}"), ("来件编号", "{{ 来件编号 }}")),
        two(("投诉人", "{{ 投诉人 }}"), ("联系电话", "{{ 联系电话 }}")),
        one("地　址", "{{ 地址 }}"),
        three(("投诉类别", "{{ 投诉类别 }}"), ("紧急程度", "{{ 紧急程度 }}"), ("重复投诉", "{{ 重复投诉 }}")),
        one("投诉内容", "{{ 投诉内容 }}", 21),
        one("投诉人诉求", "{{ 投诉人诉求 }}", 9),
        two(("户　号", "{{ 户号 }}"), ("承办部门", "{{ 承办部门 }}")),
        two(("转办时间", "{{ 转办时间 }}"), ("办结期限", "{{ 办结期限 }}")),
        part("二、调查和处理（承办部门填写）"),
        signed(
            "调查情况",
            (line("{{ 调查情况 }}"),
             line(blank("属实情况", "□属实　　□部分属实　　□不属实　　□无法核实"), before=22)),
            "承办人（签名）：{{ 承办人 }}", "", height=30, room=18,
        ),
        signed("处理措施", (line("{{ 处理措施 }}"),), "", "处理完成日期：" + blank("处理完成日期", DAY), height=21,
               room=18),
        part("三、答复和办结"),
        one("答复方式", blank("答复方式", "□电话　　□当面　　□书面　　□短信　　□无法联系"), 8),
        one("满意度", blank("满意度", "□非常满意　　□满意　　□一般　　□不满意"), 8),
        one("投诉人意见", "{{ 投诉人意见 }}", 10),
        two(("答复时间", blank("答复时间", MOMENT)), ("投诉人签名", "{{ 投诉人签名 }}"), height=SIGNED),
        signed("部门负责人\n意见", (line("{{ 部门负责人意见 }}"),), "部门负责人（签名）：{{ 部门负责人 }}",
               "办结日期：" + blank("办结日期", DAY), height=20),
    ]
    return [
        *heading("投诉处理表"),
        table(GRID, rows),
        remark("投诉人信息不得透露给被投诉人。未答复投诉人的不能办结；电话答复的，投诉人签名栏注明“电话答复”。"),
    ]


def repair_order() -> list[str]:
    """维修工作单."""
    used = row(label("", merge="go"), value("", 2), value("", 2), value("", 2), value(""), height=8)
    rows = [
        part("一、报修和派工"),
        two(("报修时间", "{{ 报修时间 }}"), ("受理人", "{{ 受理人 }}")),
        two(("报修人", "{{ 报修人 }}"), ("联系电话", "{{ 联系电话 }}")),
        two(("户　号", "{{ 户号 }}"), ("关联投诉", "{{ 关联投诉编号 }}")),
        one("维修地点", "{{ 维修地点 }}"),
        three(("报修渠道", "{{ 报修渠道 }}"), ("故障类别", "{{ 故障类别 }}"), ("紧急程度", "{{ 紧急程度 }}")),
        one("故障描述", "{{ 故障描述 }}", 10),
        two(("维修班组", "{{ 维修班组 }}"), ("维修人员", "{{ 维修人员 }}")),
        two(("派工时间", "{{ 派工时间 }}"), ("要求到场", "{{ 要求到场时间 }}")),
        part("二、现场维修（维修人员填写）"),
        two(("收费性质", "{{ 收费性质 }}"), ("维修结果", blank("维修结果", "□已修复 □临时处理 □未修复")), height=8),
        two(("到场时间", blank("到场时间", MOMENT)), ("完工时间", blank("完工时间", MOMENT)), height=8),
        two(("停水开始", blank("停水开始", MOMENT)), ("恢复供水", blank("恢复供水", MOMENT)), height=8),
        one("现场情况", "{{ 现场情况 }}", 12, top=True),
        one("维修内容", "{{ 维修内容 }}", 14, top=True),
        listed("用　料", label("名称", 2), label("规格", 2), label("数量", 2), label("金额（元）"), height=6),
        *each("用料", "m", typed("{{ m.名称 }}", 2), typed("{{ m.规格 }}", 2, align="center"),
              typed("{{ m.数量 }}", 2, align="center"), typed("{{ m.金额 }}", align="center"), height=8),
        *when("not 用料", used, used, used),
        three(("人工费", to_fill("人工费", "元")), ("材料费", to_fill("材料费", "元")),
              ("收费合计", to_fill("收费合计", "元")), height=8),
        two(("现场恢复", blank("现场恢复", "□已恢复 □待恢复 □不涉及")), ("遗留问题", "{{ 遗留问题 }}"), height=11),
        one("满意度", blank("满意度", "□非常满意　　□满意　　□一般　　□不满意"), 8),
        three(("同意收费\n用户签字", "{{ 同意收费签字 }}"), ("完工确认\n用户签字", "{{ 用户签字 }}"),
              ("维修人员\n签字", "{{ 维修人员签字 }}"), height=13),
        two(("验收人", "{{ 验收人 }}"), ("验收日期", blank("验收日期", DAY)), height=SIGNED),
    ]
    return [
        *heading("维修工作单"),
        table(GRID, rows),
        remark("计费水表以后的设施由用户维护；有偿维修先告知价格，用户签字同意后施工。"),
    ]


def violation_registration() -> list[str]:
    """违章登记表: the case in front, the party's statement, sketch and proposal on the back."""
    front = [
        part("一、当事人"),
        one("当事人", "{{ 当事人 }}"),
        two(("类　别", "{{ 当事人类别 }}"), ("单位负责人", "{{ 单位负责人 }}")),
        two(("户　号", "{{ 户号 }}"), ("联系电话", "{{ 联系电话 }}")),
        three(("表　号", "{{ 表号 }}"), ("口　径", "{{ 口径 }}"), ("用水性质", "{{ 登记用水性质 }}")),
        part("二、检查情况"),
        two(("检查时间", "{{ 检查时间 }}"), ("线索来源", "{{ 线索来源 }}")),
        one("地　点", "{{ 地点 }}"),
        one("违章类别", "{{ 违章类别 }}"),
        one("违规事实", "{{ 违规事实 }}", 30, top=True),
        two(("现场行度", measured("现场行度", "m³")), ("铅封状态", "{{ 铅封状态 }}")),
        listed("证据保全", label("证据名称", 2), label("数量", 2), label("保全方式", 3), height=6.5),
        *each("证据保全", "e", typed("{{ e.证据名称 }}", 2, align="center"), typed("{{ e.数量 }}", 2, align="center"),
              typed("{{ e.保全方式 }}", 3, align="center"), height=7),
    ]
    inspectors = [
        listed("稽查人员", label("姓名", 2), label("稽查证件号", 4), label("签名"), height=6.5),
        *each("稽查人员", "p", typed("{{ p.姓名 }}", 2, align="center"), typed("{{ p.稽查证件号 }}", 4, align="center"),
              value(""), height=SIGNED),
    ]
    back = [
        part("三、现场处理和当事人陈述"),
        one("现场措施", "{{ 现场措施 }}", 13),
        one("当事人陈述", "{{ 当事人陈述 }}", 38, top=True),
        two(("当事人签字", "{{ 当事人签字 }}"), ("当事人拒签", blank("当事人拒签", "□是　　　□否")), height=14),
        one("拒签原因", "{{ 拒签原因 }}", 13),
        two(("见证人", "{{ 见证人 }}"), ("见证人电话", "{{ 见证人电话 }}"), height=14),
        row(named("现场示意图"), value("", ALL - 1), height=68),
        part("四、处理建议（稽查部门填写）"),
        signed(
            "稽查部门\n意见",
            (line(blank("处理建议", "□立案报批　　□现场已纠正　　□继续调查　　□移送有权机关")),
             line("{{ 稽查部门意见 }}")),
            "负责人（签名）：{{ 稽查部门负责人 }}", blank("部门签署日期", DAY), height=46, room=52,
        ),
    ]
    return [
        *heading("违章登记表", "登记日期：{{ 登记日期 }}", "登记人：{{ 登记人 }}"),
        table(GRID, [*roomy(front, 7.5), *inspectors]),
        overleaf("违章登记表", "当事人：{{ 当事人 }}"),
        table(GRID, back),
        remark("当事人拒签的，由见证人签名并记明原因。举报人信息不填入本表。"),
    ]


def violation_approval() -> list[str]:
    """违章审批表: the case and what is proposed in front, the opinions on the back; it never names a fine."""
    front = [
        part("一、案情"),
        two(("当事人", "{{ 当事人 }}"), ("联系电话", "{{ 联系电话 }}")),
        two(("户　号", "{{ 户号 }}"), ("登记表编号", "{{ 违章登记表编号 }}")),
        two(("检查时间", "{{ 检查时间 }}"), ("违章类别", "{{ 违章类别 }}")),
        one("地　点", "{{ 地点 }}"),
        one("违规事实", "{{ 违规事实 }}", 24),
        one("主要证据", "{{ 主要证据 }}", 13),
        one("违反条款", "{{ 违反条款 }}", 13),
        one("陈述申辩", "（{{ 陈述申辩日期 }}听取）{{ 陈述申辩 }}", 13),
        part("二、拟处理意见"),
        one("授权依据", "{{ 授权依据 }}", 10),
        one("拟发文书", "{{ 拟发文书 }}"),
        *when("拟定整改内容", one(
            "拟定整改", "{{ 拟定整改内容|trim('。') }}。整改期限：{{ 拟定整改期限 }}。", 13)),
        *when("拟追补水量", one(
            "拟追补\n水费",
            "{{ 拟追补水量 }} m³，{{ 拟追补水费 }} 元（{{ 拟追补水费|大写 }}）；"
            "依据：{{ (追补依据 or '')|trim('。') }}。", 13)),
        one("稽查人员", "{% for p in 稽查人员 %}{{ p.姓名 }}（{{ p.稽查证件号 }}）"
                    "{% if not loop.last %}、{% endif %}{% endfor %}"),
    ]
    back = [
        part("三、呈报和审批"),
        signed("承办人\n意见", (line("　　以上情况属实，拟按上列意见办理，请审批。", font=FANG),),
               "承办人（签名）：{{ 承办人 }}", blank("承办人签署日期", DAY), height=24),
        signed("部门意见", (line("{{ 部门意见 }}"),), "负责人（签名）：{{ 部门负责人 }}", blank("部门签署日期", DAY),
               height=54, room=90),
        signed("法务审核\n意见", (line("{{ 法务审核意见 }}"),), "审核人（签名）：{{ 法务审核人 }}",
               blank("法务审核日期", DAY), height=54, room=90),
        signed("审批意见", (line(blank("审批决定", "□同意　　□补充调查　　□不同意")), line("{{ 审批意见 }}")),
               "审批人（签名）：{{ 审批人 }}", blank("审批日期", DAY), height=68, room=105),
    ]
    return [
        *heading("违章审批表", "呈报日期：{{ 呈报日期 }}", "经办机构：{{ 经办机构 }}"),
        table(GRID, roomy(front, 7.5)),
        overleaf("违章审批表", "当事人：{{ 当事人 }}"),
        table(GRID, back),
        remark("审批在先，发文在后。本表不作为处罚依据；追补水费依供用水合同计算，附计算表。"),
    ]


DRAWN = {
    "water-application": ("客户用水申请表", water_application),
    "change-application": ("客户变更用水申请", change_application),
    "account-closing": ("客户拆表销户申请", account_closing),
    "account-transfer": ("更名过户申请", account_transfer),
    "complaint": ("投诉处理表", complaint),
    "repair-order": ("维修工作单", repair_order),
    "violation-registration": ("违章登记表", violation_registration),
    "violation-approval": ("违章审批表", violation_approval),
}


def main() -> None:
    """Writes every template of this module."""
    for form, (name, blocks) in DRAWN.items():
        save_form(FORMS / form / "template.docx", name, blocks(), bottom=BOTTOM)


if __name__ == "__main__":
    main()
