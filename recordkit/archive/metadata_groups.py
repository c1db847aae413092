"""A record's metadata by the groups of DA/T 46-2009, under its Chinese names, for transfers and people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from recordkit.archive.catalogue import Record
from recordkit.archive.metadata import CORE
from recordkit.settings import Settings

GROUPS = ("来源", "电子文件号", "档号", "内容描述", "形式特征", "电子属性", "数字化属性", "电子签名", "存储位置",
          "权限", "管理过程")
"""In the order of the standard."""

_ACCESS = {"open": "开放", "restricted": "限制"}
_IN_STORAGE = ("box", "shelf")
_FORMATS = {"pdf": "PDF", "docx": "DOCX", "txt": "TXT", "json": "JSON"}


def metadata_groups(
    record: Record, settings: Settings, acts: Iterable[Mapping[str, object]] = ()
) -> dict[str, dict[str, object]]:
    """The elements of each group by Chinese name, plain JSON values; None where the record has nothing.

    Every group and every element is there. Who may see the record is the caller's business
    (``access.seen_title``); of a destroyed record there is what the ledger keeps.

    Args:
        record: of the catalogue.
        settings: of its store.
        acts: what was done with it, as ``editing.history_of`` tells it.
    """
    about = record.metadata
    active = record.status == "active"
    pdf = about.get("pdf")
    facts: Mapping[str, object] = pdf if isinstance(pdf, Mapping) else {}
    source = str(about.get("source") or "")
    ending = source.rpartition(".")[2].lower() if "." in source else ""
    scans = facts.get("scans")
    signatures = about.get("signatures")
    groups: dict[str, dict[str, object]] = {
        "来源": {"全宗名称": settings.archive.fonds_name, "立档单位名称": settings.company.name},
        "电子文件号": {"电子文件号": record.record_id, "来源文号": record.issue_id},
        "档号": {
            "档号": record.code, "全宗号": settings.archive.fonds, "类别": record.record_class, "年度": record.year,
            # The term of an inherited catalogue stays as it was given there.
            "保管期限": about.get("period_term") or record.period, "保管期限代码": record.period,
            "件号": record.serial or None,
        },
        "内容描述": _description(record),
        "形式特征": {"页数": record.pages if active else None, "件数": 1, "附件数": _length(about.get("attachments"))},
        "电子属性": {
            "格式信息": (_FORMATS.get(ending, ending.upper()) or ("PDF" if facts else None)) if active else None,
            "计算机文件名": source or None, "计算机文件大小": about.get("size"), "文档创建程序": facts.get("producer"),
            "数字摘要 SHA-256": record.sha256 or None, "数字摘要 SHA-512": about.get("sha512"),
        },
        "数字化属性": {"数字化对象形态": "纸质" if isinstance(scans, int) and scans else None, "扫描页数": scans},
        "电子签名": {"电子签名": list(signatures) if isinstance(signatures, list) and signatures else None},
        "存储位置": {one.label: about.get(one.key) for one in CORE if one.key in _IN_STORAGE},
        "权限": {"控制标识": _ACCESS.get(record.access, record.access)},
        "管理过程": {
            "归档时间": about.get("filed_at"), "归档人": about.get("filed_by"),
            "行为": [{"行为": one.get("act"), "时间": one.get("time"), "机构人员": one.get("actor"),
                      "说明": one.get("reason")} for one in acts] or None,
        },
    }
    return groups


def _description(record: Record) -> dict[str, object]:
    """Core metadata, then form fields and the office's own, by label; a label that is there already bears its key."""
    known: dict[str, object] = {"title": record.title or None, "number": record.number,
                                "date": record.date.isoformat() if record.status == "active" else None}
    found = {one.label: known.get(one.key, record.metadata.get(one.key)) for one in CORE if one.key not in _IN_STORAGE}
    labels = record.metadata.get("labels")
    named = labels if isinstance(labels, Mapping) else {}
    for key, value in record.fields.items():
        label = str(named.get(key, key))
        found[label if label not in found else f"{label} ({key})"] = value
    return found


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
