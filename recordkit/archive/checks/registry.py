"""Every check with its number, name, property and stages; the numbers never change their meaning.

The names are ours, after the items of DA/T 70-2018; the first figure of a number is its property.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recordkit.archive.checks import record_checks as judges
from recordkit.archive.checks.outcome import STAGES, Property, Stage
from recordkit.messages import Message, msg

_PROPERTIES: Mapping[str, Property] = {"1": "真实性", "2": "完整性", "3": "可用性", "4": "安全性"}


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        judge: of one record; None for a check of all records together.
        basis: what is held against what, for the report.
        races: an act that is under way this moment may look like a fault.
    """

    number: str
    name: str
    judge: judges.Judge | None = None
    basis: Message | None = None
    stages: tuple[Stage, ...] = STAGES
    races: bool = False

    @property
    def property(self) -> Property:
        """Which of the four properties it is about."""
        return _PROPERTIES[self.number[0]]


CHECKS: tuple[Check, ...] = (
    Check("1-01", "固化信息有效性（数字摘要）", judges.digests,
          msg("every file read again, its SHA-512 held against the inventory"), races=True),
    Check("1-02", "固化信息有效性（电子签名）", judges.signatures,
          msg("the verdict of the filing about each digital signature")),
    Check("1-03", "元数据项数据长度", judges.lengths,
          msg("each value held against the length of its field")),
    Check("1-04", "元数据项数据类型、格式", judges.types,
          msg("each value read as the type of its field")),
    Check("1-05", "元数据项值域符合度", judges.ranges,
          msg("class, access and choices held against schedule and settings")),
    Check("1-06", "元数据项数据合理性", judges.plausible,
          msg("dates, year, pages and size held against what can be")),
    Check("1-07", "元数据项特殊字符", judges.special_characters,
          msg("every text of the metadata looked through for control, private and broken characters")),
    Check("1-08", "档号规范性", judges.code_form,
          msg("the code held against the templates of the settings")),
    Check("1-09", "元数据与内容数据关联", judges.linked,
          msg("metadata held against ledger and package: id, code, class, list of files"), races=True),
    Check("1-10", "内容数据电子属性一致性", judges.content_agrees,
          msg("name, size, digest, format and pages of each paper held against the metadata"), races=True),
    Check("1-11", "信息包一致性", judges.package_unchanged,
          msg("the inventory held against the digest in the ledger"), races=True),
    Check("1-12", "元数据项数据重复性"),
    Check("2-01", "件数相符性"),
    Check("2-02", "字节数相符性"),
    Check("2-03", "必填元数据项完整性", judges.required,
          msg("title, date, responsible, code, class, period, access, pages, size, digests and the office's required "
              "fields looked for")),
    Check("2-04", "过程元数据完整性", judges.process_metadata,
          msg("who filed, when, and who made each version looked for")),
    Check("2-05", "内容数据完整性", judges.content_present,
          msg("every file that inventory and metadata name looked for"), races=True),
    Check("2-06", "件号连续性"),
    Check("2-07", "与移交清单相符性", stages=("transfer",)),
    Check("3-01", "元数据可读性", judges.metadata_readable,
          msg("the metadata read from the package and held against the catalogue"), races=True),
    Check("3-02", "内容数据可读性", judges.opens,
          msg("every paper opened in a process of its own")),
    Check("3-03", "内容数据格式规范性", judges.formats,
          msg("the format told by the bytes, held against the settings")),
    Check("3-04", "内容数据未加密", judges.unencrypted,
          msg("every paper that opens looked at for encryption")),
    Check("4-01", "病毒感染", None,
          msg("every package given to the scanner")),
    Check("4-02", "多余文件", judges.no_strays,
          msg("every folder of the archive looked through for files that nothing names"), races=True),
    Check("4-03", "过程日志完整性"),
    Check("4-04", "目录数据与台账一致性"),
)
BY_NUMBER: Mapping[str, Check] = {one.number: one for one in CHECKS}


def checks_at(stage: Stage) -> tuple[Check, ...]:
    """The checks of a stage, by number."""
    return tuple(one for one in CHECKS if stage in one.stages)
