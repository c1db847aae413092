"""Draws the Word templates of the shipped forms: ``python tools/make_forms.py``.

The result is deterministic. An office changes a template in Word, not here; this script is how the shipped ones came
to be. The texts were written for this project after 民法典 (art. 496-498, 585, 648-656), 城市供水条例 (planned work is
announced 24 hours before) and 电子签名法 (art. 3: notices of cutting supply stay on paper). They are drafts for legal
review.
"""

from __future__ import annotations

import forms_customers
import forms_listings
import forms_meters
from formkit import (
    DAY,
    FORMS,
    HEI,
    KAI,
    MOMENT,
    SONG,
    TEXT_WIDTH,
    Cell,
    Row,
    blank,
    label,
    number_line,
    para,
    row,
    save_form,
    table,
    tag,
    tag_row,
    title,
    value,
)


def seal(day: str, *, height: float = 15) -> list[str]:
    """The company's seal and date at the right."""
    return [
        para("{{ 单位名称 }}（盖章）", size=12, line=20, align="right", before=height, keep_next=True),
        para(day, size=12, line=20, align="right", after=4),
    ]


# Each article: heading and paragraphs; ``**...**`` stands out in print.
ARTICLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "第一条　用水地址、性质和用水量",
        (
            "（一）用水地址、用水性质、用水量和水表口径以本合同首部表格所载为准。",
            "{%p if 用水四至范围 %}",
            "（二）用水四至范围为：{{ 用水四至范围 }}。四至以附图约定的，附图为本合同附件。",
            "{%p else %}",
            "（二）供水范围为上述用水地址一户，用水人不得向其他地址转供。",
            "{%p endif %}",
            "（三）用水人改变用水性质、增减用水量或者变更水表口径的，应当事先向供水人提出申请，由双方办理变更手续。",
            "{%p if 用户类别 == '过户' %}",
            "（四）本户于{{ 过户日期 }}由原用水人{{ 原用水人 }}过户给用水人，"
            "过户时双方共同确认的水表行度为 {{ 过户行度 }} m³。过户前的水费已经结清；自该行度起的水费由用水人承担。"
            "{% if 原合同编号 %}原合同（{{ 原合同编号 }}）自本合同生效之日起终止。{% endif %}",
            "{%p endif %}",
        ),
    ),
    (
        "第二条　供水的方式、质量和时间",
        (
            "（一）供水人以{{ 供水方式 }}的方式向用水人供水。",
            "（二）供水人保证供水水质符合《生活饮用水卫生标准》（GB 5749），"
            "计费总水表处的水压不低于 {{ 供水压力 }} MPa。",
            "（三）除本合同第八条、第九条规定的情形外，供水人应当全天连续供水。",
        ),
    ),
    (
        "第三条　计量",
        (
            "{%p if 计费总水表 %}",
            "（一）计费总水表安装于{{ 计费总水表安装地点 }}，共 {{ 计费总水表只数 }} 只，注册号和口径见首部表格。"
            "用水量以计费总水表的行度为准，抄表周期为{{ 抄表周期 }}。",
            "{%p else %}",
            "（一）用水量以计费水表的行度为准，抄表周期为{{ 抄表周期 }}。",
            "{%p endif %}",
            "（二）计费水表应当经检定合格，并按国家计量检定规程规定的周期更换。供水人更换水表应当事先通知用水人，"
            "并由双方共同确认旧表行度和新表起度。",
            "（三）任何一方对水表准确度有异议的，可以委托法定计量检定机构检定。检定超差的，检定费用由供水人承担，"
            "并按检定结果退补水费；未超差的，检定费用由申请检定的一方承担。",
            "**（四）因水表故障、水表被埋压或者用水人原因无法抄表的，供水人可以按前三个抄表周期的平均用水量暂计水费，"
            "待恢复抄表后据实多退少补。**",
        ),
    ),
    (
        "第四条　水价和水费结算",
        (
            "（一）水价按价格主管部门核定的标准执行，签约时为 {{ 执行水价 }} 元/m³"
            "{% if 水价说明 %}（{{ 水价说明 }}）{% endif %}。"
            "价格主管部门调整水价的，自调整规定的时间起按新价格执行，无须另行签订合同，供水人应当公告。",
            "（二）水费采用{{ 水费结算方式 }}的方式结算。用水人应当在缴费通知送达后 {{ 付款期限 }} 日内付清。",
            "（三）用水人对水费有异议的，可以要求供水人核查，供水人应当在五个工作日内答复；"
            "经核查确有差错的，多退少补，差错部分不计违约金。",
        ),
    ),
    (
        "第五条　产权分界和设施维护责任",
        (
            "（一）供用水设施的产权分界处为计费总水表处；没有计费总水表的，为该户计费水表处。"
            "供水的履行地点为产权分界处。",
            "**（二）计费水表及其以前的供水设施由供水人负责维护管理；计费水表以后的用水设施由用水人负责维护管理，"
            "因表后设施漏损产生的水费和损失由用水人承担，但因供水人原因造成的除外。**",
            "（三）用水人应当保护安装在其处所的计费水表和铅封，不得擅自拆卸、移动或者启封；发现损坏的，应当及时告知供水人。",
        ),
    ),
    (
        "第六条　供水人的权利和义务",
        (
            "（一）按照国家规定的供水质量标准和本合同约定安全供水。",
            "（二）公布服务电话{% if 供水服务电话 %}（{{ 供水服务电话 }}）{% endif %}，"
            "受理报修、咨询和投诉，并在规定时限内处理。",
            "（三）工作人员抄表、检修、换表时应当出示证件，不得损害用水人的合法权益。",
            "（四）对知悉的用水人个人信息和商业秘密保密，仅用于履行本合同和法律规定的用途。",
        ),
    ),
    (
        "第七条　用水人的权利和义务",
        (
            "（一）安全、节约用水，按时支付水费。",
            "（二）为抄表、检修、换表提供方便；户名、联系方式变更的，及时告知供水人。",
            "**（三）不得有下列行为：擅自在公共供水管道上接管或者绕过水表取水；擅自启用消火栓等公共供水设施；"
            "在公共供水管道上直接装泵抽水；将自备水源、二次供水管道与公共供水管道直接连接；擅自转供水或者改变用水性质。**",
        ),
    ),
    (
        "第八条　中断供水",
        (
            "（一）因工程施工、设施检修等原因需要中断供水的，供水人应当提前二十四小时通知用水人；"
            "因灾害、突发事故不能提前通知的，应当在抢修的同时通知，并尽快恢复供水。",
            "（二）供水人未按前款规定通知或者未及时抢修，造成用水人损失的，应当承担赔偿责任。",
            "**（三）因不可抗力中断供水，供水人已及时通知并抢修的，根据不可抗力的影响，部分或者全部免除责任。**",
        ),
    ),
    (
        "第九条　欠费催告和中止供水",
        (
            "**（一）用水人逾期不支付水费的，供水人应当书面催告。用水人经催告在催告书载明的合理期限内（不少于十五日）"
            "仍不支付水费和违约金的，供水人可以按照国家规定的程序中止供水。**",
            "**（二）供水人中止供水的，应当在中止前以书面形式通知用水人，载明中止的时间、原因和恢复供水的条件。"
            "中止供水的通知不得仅以电子形式签署。**",
            "（三）用水人付清水费和违约金后，供水人应当在二十四小时内恢复供水。",
        ),
    ),
    (
        "第十条　违约责任",
        (
            "（一）供水人未按国家规定的标准和本合同约定安全供水，造成用水人损失的，应当承担赔偿责任。",
            "**（二）用水人逾期支付水费的，自逾期之日起按每日欠缴水费的 {{ 违约金比例 }}‰ 支付违约金，"
            "违约金总额不超过欠缴水费本金。**",
            "**（三）用水人违反第七条第三项的，应当停止该行为、恢复原状，补缴相应水费，并赔偿由此给供水人造成的损失。**",
            "（四）约定的违约金过分高于造成的损失的，当事人可以请求人民法院或者仲裁机构适当减少。",
        ),
    ),
    (
        "第十一条　合同有效期限",
        (
            "{%p if 有效期止 %}",
            "本合同自{{ 有效期起 }}起至{{ 有效期止 }}止。期满前三十日内双方均未书面提出异议且继续供用水的，"
            "本合同继续有效，有效期为不定期。",
            "{%p else %}",
            "本合同自{{ 有效期起 }}起生效，长期有效，至用水人办结过户或者销户手续之日终止。",
            "{%p endif %}",
        ),
    ),
    (
        "第十二条　合同的变更和解除",
        (
            "（一）变更合同应当由双方协商一致并采用书面形式。",
            "（二）用水人转让用水处所的，应当结清水费，与新用水人共同办理过户；新用水人与供水人签订合同后，本合同终止。",
            "（三）用水人不再用水的，应当结清水费并办理销户；办结销户后本合同终止。",
        ),
    ),
    (
        "第十三条　通知和送达",
        (
            "用水人接收缴费通知、催告书和其他通知的地址为：{{ 送达地址 or 用水地址 }}，联系电话为首部所载电话。"
            "用水人变更送达地址或者电话而未告知供水人的，按原地址或者原电话送达视为送达。",
        ),
    ),
    (
        "第十四条　争议的解决",
        (
            "因本合同发生争议的，由双方协商解决；协商不成的，"
            "{% if 争议解决 == '仲裁' %}提交{{ 仲裁委员会 }}仲裁"
            "{% else %}向有管辖权的人民法院提起诉讼{% endif %}。",
        ),
    ),
    (
        "第十五条　其他约定",
        (
            "（一）{{ 其他约定 or '无其他约定。' }}",
            "（二）用水申请材料{% if 用水四至范围 %}、用水四至附图、水表安装平面图{% endif %}为本合同附件，"
            "与本合同具有同等效力。",
            "（三）本合同一式 {{ 合同份数 }} 份，用水人执一份，其余由供水人留存，各份具有同等效力。"
            "本合同经双方签字或者盖章后成立。",
        ),
    ),
)


def contract_parties() -> str:
    """The table at the head of the contract: who, where, how much."""
    single = "{%%tr if %s %%}"
    end = tag_row("{%tr endif %}", 4)
    return table(
        (26, 58, 26, 52),
        (
            row(label("供水人"), value("{{ 供水人 or 单位名称 }}"), label("服务电话"), value("{{ 供水服务电话 }}")),
            tag_row(single % "供水人住所 or 供水人委托代理人", 4),
            row(label("住所"), value("{{ 供水人住所 }}"), label("委托代理人"), value("{{ 供水人委托代理人 }}")),
            end,
            row(label("用水人"), value("{{ 用水人 }}"), label("联系电话"), value("{{ 联系电话 }}")),
            row(
                label("证件类型"),
                value("{{ 证件类型 }}"),
                label("证件号码"),
                value("{{ 身份证号码 or 统一社会信用代码 or 其他证件号码 }}"),
            ),
            tag_row(single % "法定代表人", 4),
            row(label("法定代表人"), value("{{ 法定代表人 }}", 3)),
            end,
            tag_row(single % "委托代理人", 4),
            row(
                label("委托代理人"),
                value("{{ 委托代理人 }}"),
                label("代理人\n身份证号"),
                value("{{ 代理人身份证号 }}"),
            ),
            end,
            tag_row(single % "开户银行 or 账号", 4),
            row(label("开户银行"), value("{{ 开户银行 }}"), label("账号"), value("{{ 账号 }}")),
            end,
            row(label("户号"), value("{{ 户号 }}"), label("用水性质"), value("{{ 用水性质 }}")),
            row(label("用水地址"), value("{{ 用水地址 }}", 3)),
            row(
                label("用水量"),
                value("{{ 日用水量 }} m³/日；{{ 月用水量 }} m³/月"),
                label("水表口径"),
                value("{{ 口径 }}"),
            ),
            row(
                label("供水压力"),
                value("不低于 {{ 供水压力 }} MPa"),
                label("执行水价"),
                value("{{ 执行水价 }} 元/m³"),
            ),
            tag_row(single % "用户类别 == '过户'", 4),
            row(label("原用水人"), value("{{ 原用水人 }}"), label("过户行度"), value("{{ 过户行度 }} m³")),
            row(
                label("过户日期"),
                value("{{ 过户日期 }}"),
                label("欠费已结清"),
                value("{{ 欠费已结清 }}"),
            ),
            end,
        ),
    )


def contract_meters() -> list[str]:
    """The list of billing meters, only where the contract has any."""
    return [
        tag("{%p if 计费总水表 %}"),
        para(
            "计费总水表（共 {{ 计费总水表只数 }} 只，安装于{{ 计费总水表安装地点 }}）",
            font=HEI, size=10.5, line=18, align="left", before=5, after=2, keep_next=True,
        ),
        table(
            (16, 52, 34, 60),
            (
                row(label("序号"), label("注册号"), label("口径"), label("安装位置"), height=7.5, header=True),
                tag_row("{%tr for m in 计费总水表 %}", 4),
                row(
                    value("{{ loop.index }}", align="center"),
                    value("{{ m.注册号 }}", align="center"),
                    value("{{ m.水表口径 }}", align="center"),
                    value("{{ m.安装位置 }}", align="center"),
                    height=7.5,
                ),
                tag_row("{%tr endfor %}", 4),
            ),
        ),
        tag("{%p endif %}"),
    ]


def signature_block(lines: tuple[tuple[str, str], ...]) -> str:
    """Two columns of signatures, kept together on one page."""
    made = []
    for place, (ours, theirs) in enumerate(lines):
        keep = place + 1 < len(lines)
        cells = tuple(
            Cell(raw=para(text, font=SONG, size=12, line=20, align="left", style="FormCell", keep_next=keep))
            for text in (ours, theirs)
        )
        made.append(Row(cells, height=28 if place == 0 else 11))
    return table((TEXT_WIDTH / 2, TEXT_WIDTH / 2), made)


def supply_contract() -> list[str]:
    """供用水合同."""
    blocks = [
        title("供 用 水 合 同"),
        para("（{% if 用户类别 == '过户' %}过户{% else %}{{ 用户类别 }}用户{% endif %}）",
             font=KAI, size=14, line=20, align="center", after=6),
        para("合同编号：{{ 文书编号 }}\t签约日期：{{ 签约日期 }}", font=SONG, size=10.5, line=18, align="left",
             tabs=(("right", TEXT_WIDTH),)),
        para("签约地点：{{ 签约地点 }}", font=SONG, size=10.5, line=18, align="left", after=3),
        contract_parties(),
        *contract_meters(),
        para(
            "根据《中华人民共和国民法典》第六百四十八条至第六百五十六条和《城市供水条例》等规定，供水人与用水人在平等、自愿、"
            "公平、诚信的基础上，就供用水事宜订立本合同。本合同条款由供水人预先拟定，**加粗条款免除或者减轻供水人责任，"
            "或者与用水人有重大利害关系，请用水人认真阅读；用水人要求说明的，供水人应当予以说明。**",
            line=19.5, indent=2, before=6,
        ),
    ]
    for heading, paragraphs in ARTICLES:
        blocks.append(
            para(heading, font=HEI, line=19.5, align="left", indent=2, before=3, style="FormHeading", keep_next=True)
        )
        for text in paragraphs:
            blocks.append(tag(text) if text.startswith("{%p") else para(text, line=19.5, indent=2))
    blocks += [
        para(
            "用水人声明：供水人已就加粗条款作出提示，并应本人（单位）要求作出说明。"
            "（请用水人手写：已阅读并理解全部加粗条款）",
            font=HEI, line=20, indent=2, before=6, keep_next=True,
        ),
        para("{{ 加粗条款确认 }}", font=SONG, line=26, align="center", after=6, keep_next=True),
        signature_block(
            (
                ("供水人（盖章）：{{ 供水人 or 单位名称 }}", "用水人（签字或盖章）：{{ 用水人 }}"),
                (
                    "代表人（签字）：{{ 供水人签章 }}",
                    "{% if 法定代表人 %}法定代表人{% else %}本人{% endif %}或委托代理人（签字）：{{ 用水人签章 }}",
                ),
                (f"日期：{blank('供水人签署日期', DAY)}", f"日期：{blank('用水人签署日期', DAY)}"),
            )
        ),
    ]
    return blocks


def clause(text: str) -> str:
    """A paragraph of an inspection notice."""
    return para(text, size=11, line=18.5, indent=2)


def inspection(*, name: str, order: tuple[str, ...], recheck: bool) -> list[str]:
    """责令停止违章行为通知书 and 责令违规用水整改通知书; neither names a fine."""
    rows = [
        row(label("证据保全", merge="start"), label("证据名称", 2), label("数量"), label("保全方式", 2), height=6.5),
        tag_row("{%tr for e in 证据保全 %}", 6),
        row(
            label("", merge="go"),
            value("{{ e.证据名称 }}", 2, align="center"),
            value("{{ e.数量 }}", align="center"),
            value("{{ e.保全方式 }}", 2, align="center"),
            height=6.5,
        ),
        tag_row("{%tr endfor %}", 6),
        row(label("稽查人员", merge="start"), label("姓名"), label("稽查证件号", 2), label("签名", 2), height=6.5),
        tag_row("{%tr for p in 稽查人员 %}", 6),
        row(
            label("", merge="go"),
            value("{{ p.姓名 }}", align="center"),
            value("{{ p.稽查证件号 }}", 2, align="center"),
            value("", 2),
            height=9,
        ),
        tag_row("{%tr endfor %}", 6),
    ]
    ways = "□直接  □留置  □邮寄  □委托  □公告"
    receipt = [
        row(label("送达方式"), value("{{ 送达方式 }}", align="center"), label("实际送达"),
            value(blank("实际送达方式", ways), 3, align="center"), height=7.5),
        row(label("送达时间"), value(blank("送达时间", MOMENT), 2, align="center"),
            label("当事人签字"), value("{{ 当事人签字 }}", 2), height=10),
        row(label("当事人拒签"), value(blank("当事人拒签", "□是   □否"), align="center"), label("拒签原因"),
            value("{{ 拒签原因 }}", 3), height=8.5),
        row(label("见证人"), value("{{ 见证人 }}", 2), label("见证人电话"), value("{{ 见证人电话 }}", 2), height=9),
    ]
    if recheck:
        receipt.append(
            row(label("复查结果"), value(blank("复查结果", "□已整改  □部分整改  □未整改"), 2, align="center"),
                label("复查日期"), value(blank("复查日期", DAY), 2, align="center"), height=9)
        )
    widths = (24, 36, 24, 26, 24, 28)
    return [
        title(name, size=20, after=0),
        number_line(),
        para("{{ 当事人 }}{% if 户号 %}（户号：{{ 户号 }}）{% endif %}："
             "{% if 联系电话 %}\t联系电话：{{ 联系电话 }}{% endif %}", size=11, line=18, align="left",
             tabs=(("right", TEXT_WIDTH),)),
        *(clause(text) for text in order),
        clause("陈述申辩：本通知作出前，已于{{ 陈述申辩日期 }}听取你（单位）的陈述、申辩：{{ 陈述申辩|trim('。') }}。"
               "你（单位）仍有权继续陈述、申辩，联系方式：{{ 稽查部门联系方式 }}。"),
        tag("{%p if 救济途径 %}"),
        clause("{{ 救济途径 }}"),
        tag("{%p endif %}"),
        para("审批表编号：{{ 违章审批表编号 }}　审批人：{{ 审批人 }}　审批日期：{{ 审批日期 }}",
             font=SONG, size=10.5, line=17, align="left", before=4, after=3),
        table(widths, rows),
        *seal("{{ 通知日期 }}", height=10),
        para("送　达　回　证", font=HEI, size=12, line=18, align="center", before=2, after=2, keep_next=True),
        table(widths, receipt),
        para("本通知书一式两份，一份送达当事人，一份由送达人收回存档。当事人拒签的，由见证人签名并记明原因。",
             font=SONG, size=9, line=13, align="left", before=3),
    ]


FOUND = (
    "经查，你（单位）于{{ 检查时间 }}在{{ 地点 }}存在下列%s：{{ 违规事实|trim('。') }}。",
    "上述行为违反了{{ 违反条款|trim('。') }}。",
)


def stop_order() -> list[str]:
    """责令停止违章行为通知书."""
    return inspection(
        name="责令停止违章行为通知书",
        order=(
            FOUND[0] % "用水违章行为",
            FOUND[1],
            "依据{{ 授权依据 }}，现**责令你（单位）自收到本通知时起立即停止上述违章行为**，并保持现场原状，配合调查。",
        ),
        recheck=False,
    )


def rectification_order() -> list[str]:
    """责令违规用水整改通知书."""
    return inspection(
        name="责令违规用水整改通知书",
        order=(
            FOUND[0] % "违规用水行为",
            FOUND[1],
            "依据{{ 授权依据 }}，现**责令你（单位）于{{ 整改期限 }}前完成下列整改**，"
            "整改完成后告知我单位复查：{{ 整改内容|trim('。') }}。",
        ),
        recheck=True,
    )


def meter_change_notice() -> list[str]:
    """换表通知书 with the work slip 换表单 below it."""
    seals = "□完好　□破损　□缺失"
    return [
        title("换 表 通 知 书", after=0),
        number_line(),
        para("{{ 户名 }}（户号：{{ 户号 }}）：", line=20, align="left"),
        para("您处（{{ 地址 }}，接水点编号 {{ 接水点编号 }}）安装的 {{ 口径 }} 水表（表号 {{ 旧表号 }}）因"
             "{% if 换表原因 == '逾龄' %}使用期已达计量检定规程规定的周期（逾龄）"
             "{% elif 换表原因 == '其他' %}{{ 原因说明 }}"
             "{% else %}{{ 换表原因 }}{% if 原因说明 %}（{{ 原因说明 }}）{% endif %}{% endif %}，需要更换。"
             "我单位定于{{ 预约换表时间 }}派换表员{{ 换表员 }}上门换表，请您届时在场。", line=20, indent=2),
        para("换表时将短时停水，请提前关闭用水设备。换表前请与换表员共同抄见旧表行度、查看旧表铅封；"
             "换表后请核对新表号、新表起度和铅封，并在换表单上签收。"
             "{% if 服务电话 %}如需改期，请致电 {{ 服务电话 }}。{% endif %}", line=20, indent=2),
        *seal("{{ 通知日期 }}", height=8),
        para("", line=6, inner="", before=2).replace(
            "<w:snapToGrid",
            '<w:pBdr><w:bottom w:val="dashed" w:sz="6" w:space="0" w:color="000000"/></w:pBdr><w:snapToGrid',
        ),
        para("换　表　单", font=HEI, size=15, line=22, align="center", before=4, after=3),
        table(
            (27, 48, 27, 60),
            (
                row(label("户名"), value("{{ 户名 }}", 3), height=7.5),
                row(label("地址"), value("{{ 地址 }}", 3), height=7.5),
                row(label("户号"), value("{{ 户号 }}"), label("接水点编号"), value("{{ 接水点编号 }}"), height=7.5),
                row(label("口径"), value("{{ 口径 }}"), label("联系电话"), value("{{ 联系电话 }}"), height=7.5),
                row(label("旧表检定日期"), value("{{ 旧表检定日期 }}"), label("换表原因"),
                    value("{{ 换表原因 }}{% if 原因说明 %}（{{ 原因说明 }}）{% endif %}"), height=7.5),
                row(label("旧表号"), value("{{ 旧表号 }}"), label("新表号"), value("{{ 新表号 }}"), height=7.5),
                row(label("上次抄见行度"), value("{% if 上次抄见行度 is not none %}{{ 上次抄见行度 }} m³{% endif %}"),
                    label("实装表号"), value("{{ 实装表号 }}"), height=8.5),
                row(label("旧表行度"), value(blank("旧表行度", "　　　　　　　　　m³")),
                    label("新表起度"), value(blank("新表起度", "　　　　　　　　　　　　m³")), height=9),
                row(label("旧铅封状态"), value(blank("旧铅封状态", seals)),
                    label("新表铅封\n完好度", line=13), value(blank("新表铅封完好度", seals)), height=9),
                row(label("停工情况"), value("{{ 停工情况 }}", 3), height=9),
                row(label("换表员"), value("{{ 换表员 }}"), label("换表时间"), value(blank("换表时间", MOMENT)),
                    height=9),
                row(label("客户签收"), value("{{ 客户签收 }}"), label("签收时间"), value(blank("签收时间", MOMENT)),
                    height=11),
            ),
        ),
        para("旧表行度与抄见底数严重不符或者大口径水表铅封损坏的，应停止作业并记入“停工情况”。",
             font=SONG, size=9, line=13, align="left", before=3),
        tag("{%p if 口径 not in ['DN15', 'DN20', 'DN25', 'DN32'] %}"),
        para("口径 DN40 及以上：旧表自换表之日起保管一个月，期内可申请核对；下列标识由换表员剪下粘贴于表箱。",
             font=SONG, size=9, line=13, align="left", after=3),
        table(
            (25, 62, 25, 50),
            (row(label("水表标识"), value("{{ 户名 }}", font=HEI, size=12), label("接水点编号"),
                 value("{{ 接水点编号 }}", font=HEI, size=12), height=11),),
        ),
        tag("{%p endif %}"),
    ]


def visit_record() -> list[str]:
    """客户回访记录."""
    return [
        title("客户回访记录", after=0),
        number_line(),
        table(
            (27, 54, 27, 54),
            (
                row(label("客户"), value("{{ 客户 }}"), label("户号"), value("{{ 户号 }}"), height=9.5),
                row(label("地址"), value("{{ 地址 }}", 3), height=9.5),
                row(label("电话"), value("{{ 电话 }}"), label("事项类别"), value("{{ 事项类别 }}"), height=9.5),
                row(label("关联工单号"), value("{{ 关联工单号 }}"), label("办结日期"), value("{{ 办结日期 }}"),
                    height=9.5),
                row(label("回访人"), value("{{ 回访人 }}"), label("回访方式"), value("{{ 回访方式 }}"), height=9.5),
                row(label("回访时间"), value("{{ 回访时间 }}", 3), height=9.5),
                row(label("事　项"), value("{{ 事项 }}", 3, top=True, line=18), height=28),
                row(label("处理结果"), value("{{ 处理结果 }}", 3, top=True, line=18), height=28),
                row(label("满意度"),
                    value(blank("满意度", "□非常满意　　□满意　　□一般　　□不满意"), 3), height=10.5),
                row(label("客户意见"), value("{{ 客户意见 }}", 3, top=True, line=18), height=36),
                row(label("是否解决"), value(blank("是否解决", "□是　　□否")),
                    label("措施完成\n期限"), value(blank("措施完成期限", DAY)), height=10.5),
                row(label("后续措施"), value("{{ 后续措施 }}", 3, top=True, line=18), height=27),
                row(label("回访人签名"), value(""), label("客户签名"), value("{{ 客户签名 }}"), height=16),
            ),
        ),
        para("电话回访的，客户意见由回访人如实记录，客户签名栏注明“电话回访”。", font=SONG, size=9, line=13,
             align="left", before=4),
    ]


def main() -> None:
    """Writes every shipped template."""
    drawn = {
        "supply-contract": ("供用水合同", supply_contract()),
        "stop-order": ("责令停止违章行为通知书", stop_order()),
        "rectification-order": ("责令违规用水整改通知书", rectification_order()),
        "meter-change-notice": ("换表通知书", meter_change_notice()),
        "visit-record": ("客户回访记录", visit_record()),
    }
    for form, (name, blocks) in drawn.items():
        save_form(FORMS / form / "template.docx", name, blocks)
    forms_customers.main()
    forms_meters.draw()
    forms_listings.draw()


if __name__ == "__main__":
    main()
