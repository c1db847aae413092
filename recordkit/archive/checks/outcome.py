"""What a check says: PASS, FAIL or NOT_RUN, always with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recordkit.messages import Message

Stage = Literal["ingest", "transfer", "preservation"]
Verdict = Literal["PASS", "FAIL", "NOT_RUN"]
Property = Literal["真实性", "完整性", "可用性", "安全性"]
"""Authenticity, integrity, usability, security, in the words of DA/T 70-2018 in every language."""

STAGES: tuple[Stage, ...] = ("ingest", "transfer", "preservation")
STAGE_NAMES: dict[Stage, str] = {"ingest": "归档", "transfer": "移交与接收", "preservation": "长期保存"}
VERDICT_NAMES: dict[Verdict, str] = {"PASS": "合格", "FAIL": "不合格", "NOT_RUN": "未检测"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found; ``evidence`` never quotes a value of the metadata, which may be personal."""

    result: Verdict
    evidence: Message


def passed(evidence: Message) -> Outcome:
    """It holds."""
    return Outcome("PASS", evidence)


def failed(evidence: Message) -> Outcome:
    """It does not hold."""
    return Outcome("FAIL", evidence)


def not_run(evidence: Message) -> Outcome:
    """Nobody could tell, and why."""
    return Outcome("NOT_RUN", evidence)
