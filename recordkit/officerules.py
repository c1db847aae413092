"""What an office counts each month and by when its steps are to be done: forms, fields and limits, as data.

Shipped are the limits of the water company's customer-service handbook as far as they can be known from the shipped
forms; an office changes them in recordkit.toml. A field is named by its key. Besides, every document has the day on
which it was issued (``@issued``), its on-site values were first keyed in (``@completed``), its paper was filed
(``@filed``).
"""

from collections.abc import Iterable, Iterator
from typing import Literal, TypeVar

from msgspec import Struct, structs

from recordkit.messages import msg
from recordkit.model import WrongSetting

ISSUED, COMPLETED, FILED = "@issued", "@completed", "@filed"
OWN_DAYS = (ISSUED, COMPLETED, FILED)
_MOST_DAYS = 3650


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """A field and the texts one of which it must have: ``*`` stands for anything, "" for nothing."""

    field: str
    values: tuple[str, ...]


class DeadlineStep(Struct, frozen=True, forbid_unknown_fields=True):
    """A step with a limit.

    Attributes:
        id: stable ASCII word; a step of recordkit.toml takes the place of the shipped one of the same id.
        name: for people.
        form: whose documents begin the step.
        start: field with the day it begins; ``days`` and ``unit`` say how long it may take.
        due: field that holds its last day; takes the place of ``start``.
        end: fields one of which, once it is known, ends the step.
        end_form: form whose documents end the step in place of the document itself; they name it in their field
            ``link``.
        moves: whether a limit in calendar days or months that ends on a holiday ends on the next working day.
        where: all of which the beginning document must fulfil.
        authority: who sets the limit.
    """

    id: str
    name: str
    form: str
    end: tuple[str, ...]
    start: str = ""
    due: str = ""
    days: int = 0
    unit: Literal["working", "calendar", "months"] = "working"
    end_form: str = ""
    link: str = ""
    moves: bool = True
    where: tuple[Condition, ...] = ()
    authority: str = ""


class Figure(Struct, frozen=True, forbid_unknown_fields=True):
    """A figure of the monthly report: filed documents of a form, counted by a day.

    Attributes:
        id: stable ASCII word; a figure of recordkit.toml takes the place of the shipped one of the same id.
        name: for people.
        days: field with the day that counts; where it is not known the next one of them.
        where: all of which the document must fulfil.
    """

    id: str
    name: str
    form: str
    days: tuple[str, ...]
    where: tuple[Condition, ...] = ()


Rule = TypeVar("Rule", DeadlineStep, Figure)
_HANDBOOK = "客服手册"
_ON_PAPER = "单据所定期限"

STEPS = (
    DeadlineStep("complaint-reply", "投诉转办后答复客户", "complaint", ("replied_at",), start="forwarded_at", days=1,
                 unit="calendar", moves=False, authority=f"{_HANDBOOK}第3章（24小时，按日计）"),
    DeadlineStep("complaint-closed", "投诉办结", "complaint", ("closed_on",), due="due_on", authority=_ON_PAPER),
    DeadlineStep("complaint-visit", "投诉办结后回访", "complaint", (COMPLETED, FILED), start="closed_on", days=3,
                 end_form="visit-record", link="work_order", authority="商场客服手册"),
    DeadlineStep("meter-appointment", "按预约时间换表", "meter-change-notice", ("changed_at",), due="appointment",
                 authority=_ON_PAPER),
    DeadlineStep("meter-change", "按要求日期换表", "meter-change-slip", ("changed_at",), due="due_on",
                 authority=_ON_PAPER),
    DeadlineStep("urgent-change", "急换水表", "meter-change-slip", ("changed_at",), start="order_date", days=5,
                 where=(Condition("kind", ("故障换表",)),), authority=_HANDBOOK),
    DeadlineStep("meter-data", "旧表数据录入", "meter-change-report", ("entered_on",), start="changed_on", days=2,
                 authority=_HANDBOOK),
    DeadlineStep("old-meter-kept", "大口径旧表保管期满处置", "meter-label", ("disposed_on",), start="changed_on",
                 days=1, unit="months", authority=_HANDBOOK),
    DeadlineStep("meter-removal", "按要求日期拆表", "meter-removal-order", ("removed_at",), due="due_on",
                 authority=_ON_PAPER),
    DeadlineStep("old-meter-back", "旧表退库（销户、暂停用水）", "meter-removal-order", ("returned_on",),
                 start="removed_at", days=10, where=(Condition("reason", ("销户", "暂停用水")),),
                 authority=_HANDBOOK),
    DeadlineStep("old-meter-back-rebuilt", "旧表退库（户表改造）", "meter-removal-order", ("returned_on",),
                 start="removed_at", days=20, where=(Condition("reason", ("户表改造",)),), authority=_HANDBOOK),
    DeadlineStep("meter-acceptance", "领表后验收", "meter-acceptance", ("accepted_on",), start="drawn_on", days=1,
                 unit="months", authority=_HANDBOOK),
    DeadlineStep("acceptance-filed", "验收后建档归档", "meter-acceptance", (FILED,), start="accepted_on", days=2,
                 authority=_HANDBOOK),
    DeadlineStep("rectification", "整改期满复查", "rectification-order", ("rechecked_on",), due="deadline",
                 authority=_ON_PAPER),
)

FIGURES = (
    Figure("contracts", "签订供用水合同", "supply-contract", ("customer_signed_on", "sign_date")),
    Figure("transfers", "办结过户", "account-transfer", ("completed_on",),
           (Condition("transfer_kind", ("过户",)), Condition("decision", ("同意",)))),
    Figure("points", "发放接水点", "water-application", ("decided_on",),
           (Condition("decision", ("同意接水",)), Condition("contract_no", ("*",)))),
    Figure("meter-changes", "换表（换表通知书）", "meter-change-notice", ("changed_at",)),
    Figure("meter-change-slips", "换表（换表单，无通知书的）", "meter-change-slip", ("changed_at",),
           (Condition("result", ("已换表",)), Condition("notice_no", ("",)))),
    Figure("visits", "完成回访", "visit-record", ("visit_at",)),
)

APPLICATIONS = ("water-application", "account-transfer", "change-application", "account-closing")


class DeadlinesSection(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of steps.

    Attributes:
        days: limit by id of the step, where only that differs from the shipped one.
        off: ids of steps that are not watched.
        steps: further steps, and such as take the place of shipped ones.
    """

    days: dict[str, int] = {}
    off: tuple[str, ...] = ()
    steps: tuple[DeadlineStep, ...] = ()

    def all(self) -> tuple[DeadlineStep, ...]:
        """The steps in force."""
        chosen = _merged(STEPS, self.steps, self.off)
        return tuple(structs.replace(one, days=self.days.get(one.id, one.days)) for one in chosen)


class ReportsSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What the office's reports count.

    Attributes:
        applications: forms of the daily report.
        figures: further figures of the monthly report, and such as take the place of shipped ones; ``off`` leaves
            some out.
        visit_step: id of the step whose ends are the visits due.
    """

    applications: tuple[str, ...] = APPLICATIONS
    figures: tuple[Figure, ...] = ()
    off: tuple[str, ...] = ()
    visit_step: str = "complaint-visit"

    def all(self) -> tuple[Figure, ...]:
        """The figures in force."""
        return _merged(FIGURES, self.figures, self.off)


def _merged(shipped: tuple[Rule, ...], own: tuple[Rule, ...], off: Iterable[str]) -> tuple[Rule, ...]:
    by_id = {one.id: one for one in shipped} | {one.id: one for one in own}
    return tuple(one for one in by_id.values() if one.id not in set(off))


def wrong_in_rules(deadlines: DeadlinesSection, reports: ReportsSection) -> Iterator[WrongSetting]:
    """Everything that is wrong with the two sections beyond types.

    Whether the forms have these fields is asked where forms can be read (``archive.deadlines.check_rules``).
    """
    known = {one.id for one in (*STEPS, *deadlines.steps)}
    limit = msg("{low} to {high}", low=0, high=_MOST_DAYS)
    for name, days in deadlines.days.items():
        if name not in known:
            yield WrongSetting(f"deadlines.days.{name}", days, msg("the id of a step"))
        elif not 0 <= days <= _MOST_DAYS:
            yield WrongSetting(f"deadlines.days.{name}", days, limit)
    if not known.issuperset(deadlines.off):
        yield WrongSetting("deadlines.off", list(deadlines.off), msg("the id of a step"))
    for at, step in enumerate(deadlines.steps):
        place = f"deadlines.steps[{at}]"
        if not 0 <= step.days <= _MOST_DAYS:
            yield WrongSetting(f"{place}.days", step.days, limit)
        if bool(step.start) == bool(step.due):
            yield WrongSetting(f"{place}.start", step.start,
                               msg("a field, where {other} is empty; else nothing", other="due"))
        if not step.end:
            yield WrongSetting(f"{place}.end", [], msg("the key of one field or more"))
        if bool(step.end_form) != bool(step.link):
            yield WrongSetting(f"{place}.link", step.link,
                               msg("a field of {other}, which must be given, too", other="end_form"))
    for at, figure in enumerate(reports.figures):
        if not figure.days:
            yield WrongSetting(f"reports.figures[{at}].days", [], msg("the key of one field or more"))
    if not {one.id for one in (*FIGURES, *reports.figures)}.issuperset(reports.off):
        yield WrongSetting("reports.off", list(reports.off), msg("the id of a figure"))
    if reports.visit_step and reports.visit_step not in known:
        yield WrongSetting("reports.visit_step", reports.visit_step, msg("the id of a step"))
