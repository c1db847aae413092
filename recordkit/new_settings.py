"""The commented recordkit.toml of a new store: every setting that an office is likely to change, with its meaning."""

from __future__ import annotations

from recordkit.archive_settings import ArchiveSection
from recordkit.settings import FORMAT, CompanySection

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
# 旧档原保管期限的含义：与类别期限比较，取较长者；未列出的（如“定期”）一律等待，不会到期。
# “20年”“定期20年”“D20”不必列出。默认按1987年《关于机关档案保管期限的规定》的上限：长期16至50年，短期15年以下
old_terms = {{ "永久" = "permanent", "长期" = "50y", "短期" = "15y" }}
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
