"""Code words that stand in ledger, tables and JSON, marked for translation: people are shown them in their language."""

from __future__ import annotations

from collections.abc import Mapping

from recordkit.cli.i18n import N_, tr

WORDS = (
    # documents and records
    N_("issued"), N_("returned"), N_("void"), N_("destroyed"), N_("active"), N_("held"), N_("open"), N_("restricted"),
    # what became of on-site values
    N_("keyed-in"), N_("corrected"), N_("unchanged"), N_("collected"),
    # ingest
    N_("archived"), N_("duplicate"), N_("unmatched"), N_("quarantined"), N_("deferred"),
    N_("attached"), N_("waits"), N_("original"),
    N_("account"), N_("responsible"),
    N_("embedded"), N_("ocr"), N_("none"),
    # search
    N_("class"), N_("year"), N_("form"), N_("period"), N_("status"), N_("ordered"),
    # retention
    N_("due"), N_("not-due"), N_("permanent"), N_("waiting"), N_("unexplained"), N_("date"), N_("event"),
    N_("in force"), N_("revised"), N_("released"),
    # findings
    N_("error"), N_("warning"), N_("remark"),
    # people
    N_("clerk"), N_("archivist"), N_("appraiser"), N_("approver"), N_("supervisor"), N_("administrator"),
    N_("auditor"), N_("proposer"),
    # orders
    N_("proposed"), N_("appraised"), N_("approved"), N_("signed"), N_("executing"), N_("executed"), N_("completed"),
    N_("withdrawn"), N_("closed"), N_("refused"), N_("failed"), N_("destroy"), N_("keep"), N_("extend"),
    # types and stages of fields
    N_("text"), N_("integer"), N_("decimal"), N_("money"), N_("instant"), N_("choice"), N_("phone"), N_("id_number"),
    N_("uscc"), N_("calibre"), N_("table"), N_("yes_no"), N_("person"), N_("before"), N_("onsite"),
    # core metadata
    N_("title"), N_("number"), N_("box"), N_("shelf"), N_("party"), N_("address"),
)  # fmt: skip

ACTS = (
    N_("store.created"), N_("person.added"), N_("person.revoked"), N_("issue.issued"), N_("issue.voided"),
    N_("issue.completed"), N_("issue.collected"), N_("record.matched"),
    N_("record.filed"), N_("record.edited"), N_("record.attached"), N_("record.rescanned"),
    N_("record.destroyed"), N_("batch.known"), N_("paper.dropped"), N_("event.added"), N_("hold.placed"),
    N_("box.placed"), N_("box.forgotten"),
    N_("hold.released"), N_("event.withdrawn"), N_("event.declined"), N_("hold.extended"),
    N_("order.proposed"), N_("order.appraised"), N_("order.approved"), N_("order.signed"),
    N_("order.withdrawn"), N_("order.refused"), N_("order.intended"), N_("order.failed"), N_("order.executed"),
    N_("order.completed"), N_("schedule.adopted"), N_("settings.recorded"), N_("settings.accepted"),
    N_("records.exported"), N_("bag.imported"), N_("handover.proposed"), N_("handover.accepted"),
    N_("handover.withdrawn"), N_("accepted"),
    N_("volume.opened"), N_("volume.filed"), N_("volume.taken-out"), N_("volume.closed"), N_("volume.reopened"),
    N_("volume.noted"), N_("ledger.shortened"),
    N_("loss.registered"), N_("loss.confirmed"), N_("loss.withdrawn"), N_("loss.ended"),
)  # fmt: skip

OF_VOLUMES = {"title": N_("Title"), "situation": N_("Situation"), "arranged_by": N_("Arranged by"),
              "arranged_on": N_("Arranged on"), "checked_by": N_("Checked by"), "checked_on": N_("Checked on")}
"""What may be said of a volume, by the keys of its notes."""


def act_name(act: str) -> str:
    """An act of the ledger in the reader's language: ``hold.placed`` is "hold placed" in English."""
    told = tr(act)
    return told if told != act else act.replace(".", " ").replace("-", " ")


def meant(word: str, names: Mapping[str, str]) -> str:
    """The code word for what a person typed: itself, its name, or the one name that contains what was typed."""
    word = word.strip()
    if word in names:
        return word
    exact = [code for code, name in names.items() if word == name]
    near = [code for code, name in names.items() if word and word in name]
    return (exact or (near if len(near) == 1 else [word]))[0]


def kind_names() -> dict[str, str]:
    """Names of the kinds of holds, by their code words."""
    from recordkit.retention.review import HOLD_KINDS

    return {code: name.render(tr) for code, name in HOLD_KINDS.items()}
