"""The paper route: what was signed by hand on the printed register counts like a key, and no further."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec import structs
from retention_store import TODAY, Archive, make_archive

from recordkit import files
from recordkit.archive.catalogue import find_record, objects_of
from recordkit.archive.decisions import IngestOptions
from recordkit.archive.ingest import ingest_papers
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.people import NewPerson, add_person
from recordkit.retention import orders
from recordkit.retention.audit import audit_entries, audit_ledger
from recordkit.retention.listing import show_order
from recordkit.retention.order_state import Opinion, Order, find_order
from recordkit.retention.paper_route import find_signer, printed_code, read_paper
from recordkit.retention.register import register_of
from recordkit.retention.signing import OnPaper, Paper
from recordkit.templates.registercode import RegisterCode, decode_register


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = make_archive(tmp_path / "store")
    for person_id, role in (("hand-boss", "approver"), ("hand1", "supervisor"), ("hand2", "supervisor")):
        add_person(made.workspace, NewPerson(person_id, f"姓名{person_id}", f"P-{person_id}", (role,), ""),
                   made.keys["admin"])
    return made


def appraised(archive: Archive, *records: str) -> Order:
    return archive.appraise(archive.propose(*records))


def scan_of(*payloads: str, ink: str = "") -> bytes:
    """A scanned page as a PDF: each payload as a QR code; ``ink`` makes it a scan of its own."""
    from PIL import Image, ImageDraw

    from recordkit.templates.code import draw_qr

    page = Image.new("L", (1654, 1169), 255)
    for place, payload in enumerate(payloads):
        code = Image.open(io.BytesIO(draw_qr(payload))).convert("L").resize((240, 240))
        page.paste(code, (1300 - 400 * place, 60))
    ImageDraw.Draw(page).text((200, 700), ink or "signed", fill=0)
    out = io.BytesIO()
    page.save(out, "PDF", resolution=140)
    return out.getvalue()


def filed(archive: Archive, tmp_path: Path, data: bytes, name: str = "扫描件.pdf") -> str:
    """The record of a scan that came in by ingest; no class is named."""
    source = tmp_path / name
    source.write_bytes(data)
    (item,) = ingest_papers(archive.workspace, [source], IngestOptions(ocr=False))
    assert item.outcome == "archived", item
    return str(item.record_id)


def signed_paper(archive: Archive, order: Order, tmp_path: Path, name: str = "扫描件.pdf") -> Paper:
    code = register_of(archive.workspace, order, for_signing=True).code
    return read_paper(archive.workspace, filed(archive, tmp_path, scan_of(str(code), ink=name), name))


def hand(archive: Archive, person_id: str, paper: Paper, act: str, on: date = TODAY, by: str = "arch") -> OnPaper:
    return OnPaper(find_signer(archive.workspace, f"P-{person_id}", act), paper, on, archive.signer(by))


def approve(archive: Archive, order: Order, paper: Paper, **more: object) -> Order:
    signature = hand(archive, "hand-boss", paper, "order.approved", **more)  # type: ignore[arg-type]
    return orders.approve_order(archive.workspace, order.order_id, signature)


def sign(archive: Archive, order: Order, person_id: str, paper: Paper, **more: object) -> Order:
    signature = hand(archive, person_id, paper, "order.signed", **more)  # type: ignore[arg-type]
    return orders.sign_order(archive.workspace, order.order_id, signature)


def test_a_register_signed_by_hand_carries_an_order_from_approval_to_completion(
    archive: Archive, tmp_path: Path
) -> None:
    record = archive.file()
    order = appraised(archive, record)
    paper = signed_paper(archive, order, tmp_path)
    scan = find_record(archive.workspace.db, paper.record)
    assert (scan.record_class, scan.period, scan.title) == (
        "destruction-register", "Y", f"[档案销毁清册（手签件） {order.order_id}]")
    order = approve(archive, order, paper)
    for person in ("hand1", "hand2"):
        order = sign(archive, order, person, paper)
    assert order.status(2) == "signed"
    done = archive.execute(order, "hand1")
    assert [one.outcome for one in done.outcomes] == ["destroyed"]
    outcome = signed_paper(archive, done.order, tmp_path, "销毁后.pdf")
    for person in ("hand1", "hand2"):
        last = orders.complete_order(archive.workspace, order.order_id,
                                     hand(archive, person, outcome, "order.completed"))
    assert last.status(2) == "completed"
    assert audit_ledger(archive.workspace).findings == []
    shown = show_order(archive.workspace, last)
    assert isinstance(shown["signatures"], list)
    assert [(one["route"], one["entered_by"], one["paper"]) for one in shown["signatures"]] == [
        ("paper", "arch", paper.record)] * 2
    assert isinstance(shown["appraisals"], list) and shown["appraisals"][0]["route"] == "key"
    cover = dict(register_of(archive.workspace, last).cover)
    assert cover["批准人"] == f"姓名hand-boss（2037-03-05，手签，扫描件{scan.code}，姓名arch录入）"
    assert "电子签名" in cover["鉴定小组负责人"]
    assert find_order(archive.workspace.db, order.order_id) == last
    archive.workspace.rebuild()
    assert find_order(archive.workspace.db, order.order_id) == last


def test_routes_mix_and_one_person_never_counts_twice(archive: Archive, tmp_path: Path) -> None:
    order = archive.approve(appraised(archive, archive.file()))
    paper = signed_paper(archive, order, tmp_path)
    order = archive.sign(order, "sup1")
    add_person(archive.workspace, NewPerson("sup1-hand", "又一", "S-sup1", ("supervisor",), ""), archive.keys["admin"])
    twice = OnPaper(find_signer(archive.workspace, "sup1-hand", "order.signed"), paper, TODAY, archive.signer("arch"))
    with pytest.raises(RefusedByRule, match="one human being"):
        orders.sign_order(archive.workspace, order.order_id, twice)
    order = sign(archive, order, "hand1", paper)
    with pytest.raises(RefusedByRule, match="signed already"):
        sign(archive, order, "hand1", paper)
    assert archive.execute(order).order.executed
    assert audit_ledger(archive.workspace).findings == []


@pytest.mark.parametrize("who", ["arch", "boss"])
def test_proposer_and_approver_do_not_supervise_on_paper_either(archive: Archive, tmp_path: Path, who: str) -> None:
    order = archive.approve(appraised(archive, archive.file()))
    paper = signed_paper(archive, order, tmp_path)
    add_person(archive.workspace, NewPerson("other", "另名", f"S-{who}", ("supervisor",), ""), archive.keys["admin"])
    other = OnPaper(find_signer(archive.workspace, "other", "order.signed"), paper, TODAY, archive.signer("admin"))
    with pytest.raises(RefusedByRule, match="cannot supervise"):
        orders.sign_order(archive.workspace, order.order_id, other)


def test_nobody_enters_the_own_signature_and_only_archivists_enter_any(archive: Archive, tmp_path: Path) -> None:
    order = appraised(archive, archive.file())
    paper = signed_paper(archive, order, tmp_path)
    with pytest.raises(RefusedByRule, match="appraiser"):
        approve(archive, order, paper, by="appr")
    archive.register("boss-arch", "archivist", staff_no="P-hand-boss")
    with pytest.raises(RefusedByRule, match="own signature"):
        approve(archive, order, paper, by="boss-arch")
    archive.register("late", "archivist")
    archive.revoke("late")
    with pytest.raises(RefusedByRule, match="revoked"):
        approve(archive, order, paper, by="late")


def test_a_signer_who_is_unknown_revoked_or_of_another_role_is_refused_by_name(
    archive: Archive, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="P-nobody"):
        find_signer(archive.workspace, "P-nobody", "order.approved")
    with pytest.raises(RefusedByRule, match="hand1"):
        find_signer(archive.workspace, "P-hand1", "order.approved")
    order = appraised(archive, archive.file())
    paper = signed_paper(archive, order, tmp_path)
    known = hand(archive, "hand-boss", paper, "order.approved")
    archive.revoke("hand-boss")
    with pytest.raises(RefusedByRule, match="hand-boss was revoked"):
        find_signer(archive.workspace, "P-hand-boss", "order.approved")
    with pytest.raises(RefusedByRule, match="hand-boss was revoked"):
        orders.approve_order(archive.workspace, order.order_id, known)


def test_a_paper_of_another_order_is_refused_by_name(archive: Archive, tmp_path: Path) -> None:
    first, second = appraised(archive, archive.file("一")), appraised(archive, archive.file("二"))
    paper = signed_paper(archive, first, tmp_path)
    with pytest.raises(RefusedByRule, match=f"register of order {first.order_id}, not of {second.order_id}"):
        approve(archive, second, paper)


def test_a_paper_printed_before_the_appraisal_changed_is_refused(archive: Archive, tmp_path: Path) -> None:
    record = archive.file()
    order = appraised(archive, record, archive.file("二"))
    paper = signed_paper(archive, order, tmp_path)
    order = archive.appraise(order, {record: Opinion("keep")})
    with pytest.raises(RefusedByRule, match="earlier print"):
        approve(archive, order, paper)


def test_a_paper_without_room_for_the_signature_is_refused(archive: Archive, tmp_path: Path) -> None:
    """Printed after the approval it has no approver's line; the approval's own paper serves the supervisors, too."""
    order = appraised(archive, archive.file())
    both = signed_paper(archive, order, tmp_path)
    assert both.codes[0].acts == {"approve", "sign"}
    approved = approve(archive, order, both)
    alone = signed_paper(archive, approved, tmp_path, "监销.pdf")
    assert alone.codes[0].acts == {"sign"}
    other = appraised(archive, archive.file("二"))
    with pytest.raises(RefusedByRule, match="no room"):
        approve(archive, other, replace(alone, codes=(replace(printed_code(archive.workspace, other),
                                                             acts=frozenset({"sign"})),)))
    assert sign(archive, approved, "hand1", both).signers("order.signed") == ["hand1"]
    executed = archive.execute(sign(archive, approved, "hand2", alone), "hand1").order
    with pytest.raises(RefusedByRule, match="earlier print"):
        orders.complete_order(archive.workspace, order.order_id, hand(archive, "hand1", both, "order.completed"))
    assert executed.executed


@pytest.mark.parametrize(("days", "error", "told"), [
    (1, InputRefused, "yet to come"), (-3, RefusedByRule, "before the step before"),
])
def test_a_day_that_cannot_be_is_refused(
    archive: Archive, tmp_path: Path, days: int, error: type[Exception], told: str
) -> None:
    order = appraised(archive, archive.file())
    paper = signed_paper(archive, order, tmp_path)
    with pytest.raises(error, match=told):
        approve(archive, order, paper, on=TODAY + timedelta(days=days))


def test_a_scan_filed_before_the_signature_cannot_show_it(archive: Archive, tmp_path: Path) -> None:
    """One scan serves approval and supervision only where it can show both."""
    order = appraised(archive, archive.file())
    paper = signed_paper(archive, order, tmp_path)
    order = approve(archive, order, paper)
    later = TODAY + timedelta(days=9)
    archive.reopen(later)
    with pytest.raises(RefusedByRule, match="was filed on 2037-03-05; a signature of 2037-03-14"):
        sign(archive, order, "hand1", paper, on=later)


def test_a_paper_without_a_readable_code_or_of_another_store_is_refused(archive: Archive, tmp_path: Path) -> None:
    order = appraised(archive, archive.file())
    source = tmp_path / "无码.pdf"
    source.write_bytes(scan_of())
    for own in ("destruction-register", "appraisal-report", "handover-record"):
        with pytest.raises(RefusedByRule, match=f"{own} holds evidence"):
            list(ingest_papers(archive.workspace, [source], IngestOptions(record_class=own, ocr=False)))
    (item,) = ingest_papers(archive.workspace, [source], IngestOptions(ocr=False))
    assert item.outcome == "unmatched"
    source.write_bytes(scan_of() + b"\n")
    foreign = replace(printed_code(archive.workspace, order), store_tag="0000").encode()
    source.write_bytes(scan_of(foreign))
    (item,) = ingest_papers(archive.workspace, [source], IngestOptions(ocr=False))
    assert item.outcome == "unmatched"


def test_a_scan_with_the_codes_of_two_registers_or_of_a_document_waits(archive: Archive, tmp_path: Path) -> None:
    from recordkit.templates.code import PrintedCode

    order = appraised(archive, archive.file())
    one = printed_code(archive.workspace, order)
    tag = archive.workspace.store_tag
    for name, other in (("两份", replace(one, order="D2037-0002").encode()),
                        ("混装", PrintedCode(f"{tag}00000000", 1).encode())):
        source = tmp_path / f"{name}.pdf"
        source.write_bytes(scan_of(one.encode(), other))
        (item,) = ingest_papers(archive.workspace, [source], IngestOptions(ocr=False))
        assert (item.outcome, item.findings[0].code) == ("unmatched", "several-documents")


def test_only_a_scanned_register_stands_for_signatures(archive: Archive, tmp_path: Path) -> None:
    order = appraised(archive, archive.file())
    for reference in (str(order.register), archive.file("别的")):
        with pytest.raises(RefusedByRule, match="not the scan of a destruction register"):
            read_paper(archive.workspace, reference)


def test_the_settings_may_want_keys_alone(archive: Archive, tmp_path: Path) -> None:
    order = appraised(archive, archive.file())
    paper = signed_paper(archive, order, tmp_path)
    path = archive.root / "recordkit.toml"
    text = path.read_text(encoding="utf-8").replace("paper = true ", "paper = false ")
    files.write_atomic(path, text.encode(), overwrite=True)
    archive.reopen()
    with pytest.raises(RefusedByRule, match="with a key"):
        approve(archive, order, paper)
    with pytest.raises(RefusedByRule, match="signed by hand"):
        register_of(archive.workspace, order, for_signing=True)


def test_a_changed_scan_destroys_nothing(archive: Archive, tmp_path: Path) -> None:
    record = archive.file()
    order = appraised(archive, record)
    paper = signed_paper(archive, order, tmp_path)
    order = approve(archive, order, paper)
    for person in ("hand1", "hand2"):
        order = sign(archive, order, person, paper)
    place = objects_of(archive.workspace).locate(paper.record, "original.pdf")
    os.chmod(place, 0o600)  # noqa: PTH101
    place.write_bytes(place.read_bytes() + b" ")
    with pytest.raises(IntegrityFailure, match=paper.record):
        archive.execute(order, "hand1")
    with pytest.raises(IntegrityFailure, match=paper.record):
        read_paper(archive.workspace, paper.record)
    assert objects_of(archive.workspace).exists(record)


def test_a_register_is_printed_for_signing_only_when_there_is_something_to_sign(archive: Archive) -> None:
    order = archive.propose(archive.file())
    with pytest.raises(RefusedByRule, match="nothing to be signed"):
        register_of(archive.workspace, order, for_signing=True)
    order = archive.appraise(order)
    found = register_of(archive.workspace, order, for_signing=True)
    assert decode_register(str(found.code)) == printed_code(archive.workspace, order)
    assert [block.label for block in found.blocks] == ["鉴定小组负责人", "批准人", "监销人（一）", "监销人（二）"]
    assert [bool(block.name) for block in found.blocks] == [True, False, False, False]


# --- the audit, from the ledger alone ---


CHANGES: dict[str, tuple[dict[str, object], str]] = {
    "entered by nobody": ({"entered_by": "nobody"}, "nobody was not registered"),
    "entered by an appraiser": ({"entered_by": "appr"}, "appr did not have the role"),
    "entered by the signer": ({"entered_by": "hand-boss"}, "own signature"),
    "by somebody of another role": ({"by": "hand1"}, "hand1 did not have the role"),
    "scan never filed": ({"paper": {"record": "R0", "version": 1, "commitment": "0"}}, "was not filed"),
    "other bytes": ({"paper": "keep"}, "was not filed"),
    "code of another order": ({"code": RegisterCode("0000", "D2037-0009", frozenset({"approve"}), "0" * 15).encode()},
                              "printed code"),
    "no code": ({"code": None}, "printed code"),
    "a day before the appraisal": ({"signed_on": "2037-01-01"}, "does not fit"),
    "a day after the scan": ({"signed_on": "2037-05-01"}, "does not fit"),
    "no day": ({"signed_on": "soon"}, "does not fit"),
    "another route": ({"route": "telephone"}, "another act"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_audit_names_what_does_not_hold_of_a_signature_by_hand(
    archive: Archive, tmp_path: Path, name: str
) -> None:
    """Signed again with the archivist's key, as a dishonest archivist would."""
    order = appraised(archive, archive.file())
    paper = signed_paper(archive, order, tmp_path)
    approve(archive, order, paper)
    changes, told = CHANGES[name]
    entries = [entry for entry, _ in archive.workspace.ledger.read()]
    store_id = archive.workspace.settings.store.id
    assert audit_entries(store_id, entries).findings == []
    body = dict(entries[-1].body)
    statement = dict(body["statement"])  # type: ignore[call-overload]
    if changes.get("paper") == "keep":
        changes = {"paper": {**statement["paper"], "commitment": "0" * 64}}
    statement |= changes
    body |= {"statement": statement, "by": statement["by"], "entered_by": statement["entered_by"],
             "signature": archive.signer("arch").sign(statement)}
    found = audit_entries(store_id, [*entries[:-1], structs.replace(entries[-1], body=body)]).findings
    assert any(told in str(one.message) for one in found), [str(one.message) for one in found]


def test_a_key_of_somebody_else_does_not_enter_a_signature(archive: Archive, tmp_path: Path) -> None:
    order = appraised(archive, archive.file())
    paper = signed_paper(archive, order, tmp_path)
    signature = hand(archive, "hand-boss", paper, "order.approved")
    stranger = structs.replace(signature.entered_by, private=archive.keys["sup3"])
    with pytest.raises(RefusedByRule, match="not the registered key of arch"):
        orders.approve_order(archive.workspace, order.order_id, replace(signature, entered_by=stranger))


def test_a_staff_number_goes_before_an_id_that_looks_like_it(archive: Archive) -> None:
    archive.register("Q1", "supervisor", staff_no="Q2")
    archive.register("late", "supervisor", staff_no="Q1")
    assert find_signer(archive.workspace, "ｑ1", "order.signed").id == "late"
