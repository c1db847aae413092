"""Examples of every command that people use daily, shown first in its help and after a wrong usage.

One table, by the words of the command. An example is what is typed behind ``recordkit``; tests parse each of them
against the real command line. Loaded only when help or an error is shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from recordkit.cli.i18n import N_

Example = tuple[str, str]

EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "generate": (
        ("generate 供用水合同 --ask", N_("one document, asked field by field")),
        ("generate 换表通知书 --data 清单.xlsx --dry-run", N_("look first: nothing is written")),
        ("generate 换表通知书 --data 清单.xlsx --ask",
         N_("a whole table; what it lacks is asked once for all rows")),
        ("generate 换表通知书 --data 表.xlsx --set 换表员=孟昇 --column 甲=-",
         N_("one value for all rows, one column left out")),
        ("generate 换表通知书 --data 清单.xlsx --print-merged 打印.pdf",
         N_("and one file for the printer")),
        ("generate visit-record --data 回访.csv --resume", N_("go on with a table that was interrupted")),
    ),
    "ingest": (
        ("ingest", N_("what lies in the inbox")),
        ("ingest 扫描件", N_("a folder with all below it; its files stay where they are")),
        ("ingest --split 整批.pdf", N_("one scan of several documents")),
        ("ingest 旧档 --class supply-contract --set 责任者=客户服务中心", N_("papers without our codes")),
        ("ingest --attach-to 供合〔2026〕0001号 身份证.pdf", N_("an attachment of a document")),
        ("ingest --watch", N_("wait for the scanner")),
    ),
    "search": (
        ("search 张三 换表", N_("both words, wherever they stand")),
        ("search 供合2026", N_("a number, with its brackets or without")),
        ("search 1101", N_("the end of a meter number")),
        ("search 户名:张三", N_("in one field; fields of forms too")),
        ("search 日期:2026-01..2026-06", N_("from one day, month or year to another")),
        ("search 类别:供用水合同 年度:2026", N_("of one class and one year")),
        ("search （逾龄 OR 停滞行） NOT 已换", N_("one of them, but not this")),
        ("search “甲 OR 乙”", N_("the text itself")),
        ("search '户名:欧* 地址:*号'", N_("begins with it, ends with it")),
        ("search 供水单位~", N_("one character may be wrong, as in scans")),
        ("search zs", N_("pinyin: a whole name or its initials")),
        ("search pinyin:zhang", N_("pinyin: a part of a name or a title")),
    ),
    "show": (("show 供合〔2026〕0001号", N_("by the number on the paper")),
             ("show C001-KF·2026-D30-KFZ-0001", N_("by the archival code"))),
    "open": (("open 供合〔2026〕0001号", N_("the paper in the system's viewer")),),
    "edit": (
        ("edit 供合〔2026〕0001号 --set 题名=陈堃供用水合同 --reason 题名有误", N_("one record")),
        ("edit --data 更正.xlsx --reason 统一题名 --dry-run", N_("many, from a sheet of 'catalogue sheet'")),
    ),
    "lost register": (
        ("lost register --copy 备份 --copy 旧备份 --reason 机房漏水 --dry-run",
         N_("look first: in which copies the records were looked for")),
        ("lost register --copy 备份 --reason 机房漏水 --as admin --key a.key",
         N_("all that is damaged and in no copy")),
    ),
    "lost confirm": (("lost confirm L2026-0001 --as zhao --key zhao.key", N_("the second person")),),
    "issued": (
        ("issued list --unreturned --older-than 30", N_("what has not come back for thirty days")),
        ("issued complete 换通〔2026〕0001号 --ask", N_("key in what was written by hand")),
        ("issued render 换通〔2026〕0001号 --pdf", N_("print it again")),
    ),
    "issued complete": (("issued complete 换通〔2026〕0001号 --ask", N_("key in what was written by hand")),),
    "issued void": (("issued void 换通〔2026〕0001号 --reason 户名填错", N_("the number is not used again")),),
    "issued list": (("issued list --unreturned --older-than 30", N_("what has not come back for thirty days")),),
    "catalogue": (
        ("catalogue list --class supply-contract --year 2026", N_("records, a page at a time")),
        ("catalogue export --kind items --year 2026 --out 归档文件目录.docx", N_("归档文件目录 of one year")),
        ("catalogue print --year 2026 --out 目录", N_("the whole set for an inspection")),
        ("catalogue sheet --year 2026 --out 更正.xlsx", N_("a sheet to be corrected and read back")),
    ),
    "catalogue export": (
        ("catalogue export --kind items --year 2026 --out 归档文件目录.docx", N_("归档文件目录 of one year")),
        ("catalogue export --kind 案卷目录 --out 案卷目录.xlsx", N_("by its Chinese name, as a spreadsheet")),
        ("catalogue export --kind volume --account 0012003456 --out 卷内.docx", N_("of one account")),
    ),
    "box": (
        ("box place 12 --shelf 2号库3架4层", N_("say where a box stands")),
        ("box show 12", N_("what lies in it")),
        ("box labels --all --out 盒签.docx", N_("labels for all boxes")),
        ("box sheet 12 --out 盒内清单.docx", N_("the list that lies in the box")),
    ),
    "volume": (
        ("volume create --per-account", N_("a volume for every account")),
        ("volume create --project 柳荫街改造", N_("a volume of a project")),
        ("volume close C001-KF·2026-KFZ-AJ0001 --checked-by 石磊", N_("it takes nothing more")),
    ),
    "report": (
        ("report monthly --month 2026-11", N_("on the screen")),
        ("report monthly --month 2026-11 --out 月报.docx", N_("to be printed, with a chart")),
        ("report overdue --within 7", N_("what is late, and what will be within a week")),
    ),
    "report monthly": (
        ("report monthly", N_("the newest month that is over, on the screen")),
        ("report monthly --month 2026-11", N_("another month")),
        ("report monthly --month 2026-11 --out 月报.docx", N_("to be printed, with a chart")),
    ),
    "retention": (
        ("retention review", N_("what is due today, and why")),
        ("retention review --decision due --out 到期清单.docx", N_("the list for the appraisal group")),
        ("retention explain 供合〔2026〕0001号", N_("why one record is due or not")),
    ),
    "retention review": (
        ("retention review --decision due --out 到期清单.docx", N_("the list for the appraisal group")),
        ("retention review --within 365", N_("what is due within a year")),
    ),
    "destruction": (
        ("destruction propose --due --as archivist --key 档案员.key", N_("1. propose what is due")),
        ("destruction appraise D2037-0001 --all destroy --as g1 --key 1.key", N_("2. the group's opinion")),
        ("destruction approve D2037-0001 --as leader --key 领导.key", N_("3. the leader approves")),
        ("destruction sign D2037-0001 --as j1 --key 监销1.key", N_("4. two supervisors sign, each")),
        ("destruction execute D2037-0001 --place 库房 --method 粉碎 --as j1", N_("5. one of them destroys")),
        ("destruction complete D2037-0001 --as j1 --key 监销1.key", N_("6. both sign the outcome")),
    ),
    "hold": (
        ("hold place 供合〔2026〕0001号 --kind litigation --reason 诉讼中", N_("one record")),
        ("hold place --account 0012003456 --kind arrears --reason 欠费未清", N_("an account, later papers too")),
        ("hold import 欠费清单.xlsx --kind arrears --reason 欠费未清", N_("a list of the billing system")),
        ("hold list", N_("what is in force")),
    ),
    "report overdue": (("report overdue --within 7", N_("what is late, and what will be within a week")),),
    "hold place": (
        ("hold place 供合〔2026〕0001号 --kind litigation --reason 诉讼中", N_("one record")),
        ("hold place --account 0012003456 --kind arrears --reason 欠费未清", N_("an account, later papers too")),
    ),
    "event": (
        ("event proposed", N_("what filed papers let expect")),
        ("event confirm --all", N_("enter all of them")),
        ("event add account-closed --date 2026-11-20 --account 0012003456", N_("one account was closed")),
        ("event import 销户清单.xlsx --type account-closed", N_("a list of the billing system")),
    ),
    "event add": (("event add account-closed --date 2026-11-20 --account 0012003456", N_("one account was closed")),),
    "backup": (
        ("backup --to 备份盘/档案库", N_("bring the copy up to date")),
        ("backup --to 备份盘/档案库 --check", N_("read the copy again, every byte")),
    ),
    "restore": (("--store 新库 restore 备份盘/档案库 --ledger archive_store/ledger",
                 N_("a new store from the copy, without what was destroyed since")),),
    "verify": (("verify", N_("every byte")), ("verify --sample 1", N_("one percent, another one each day"))),
    "meters due": (("meters due --data 水表台账.xlsx --within 30 --out 换表.xlsx",
                    N_("what is due within a month, ready for meter-change-notice")),),
    "forms": (("forms show meter-change-notice", N_("its fields")),
              ("forms sample meter-change-notice --xlsx 空表.xlsx", N_("a spreadsheet to fill in"))),
}


def words_of(path: str) -> str:
    """The key of a command by what click calls its path: ``recordkit report monthly``."""
    return path.partition(" ")[2]


def lines_of_examples(key: str) -> list[str]:
    """The examples of a command, what each does behind it; where that is too wide, on the line below."""
    from recordkit.cli.i18n import tr
    from recordkit.cli.tables import columns_of

    found = [(f"recordkit {line}", tr(said)) for line, said in EXAMPLES.get(key, ())]
    wide = max((columns_of(line) for line, _ in found), default=0)
    beside = [f"  {line}{' ' * (wide - columns_of(line))}  {said}" for line, said in found]
    if all(columns_of(line) <= _WIDEST for line in beside):
        return beside
    return [text for line, said in found for text in (f"  {line}", f"      {said}")]


_WIDEST = 79
