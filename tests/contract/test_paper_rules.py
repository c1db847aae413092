"""Who may be entered as a signer by hand, of which day, on which scan; without a scanner wherever none is needed."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from retention_store import TODAY, Archive, change, clock_on

from recordkit import files
from recordkit.archive.catalogue import find_record, objects_of
from recordkit.archive.filing import NewRecord, file_record
from recordkit.errors import InputRefused, IntegrityFailure, NotFound, RefusedByRule
from recordkit.people import NewPerson, add_person, find_person
from recordkit.retention.order_state import Order, OrderSignature
from recordkit.retention.paper_route import (
    find_signer,
    outcomes_digest,
    printed_code,
    read_paper,
    require_days,
    require_papers,
)
from recordkit.retention.signing import Hand, OnPaper, Paper, digest_of, what_is_signed
from recordkit.templates.registercode import RegisterCode

# --- the signer --------------------------------------------------------------------------------------------------


def test_a_signer_is_found_by_staff_number_or_id_and_whoever_may_not_is_named(archive: Archive) -> None:
    def found(mark: str, act: str = "order.signed") -> str:
        return find_signer(archive.workspace, mark, act).id

    add_person(archive.workspace, NewPerson("hand", "姓名", "P-1", ("supervisor",), ""), archive.keys["admin"])
    assert (found("ｐ-1"), found("hand"), found(" sup1 "), found("S-sup2")) == ("hand", "hand", "sup1", "sup2")
    with pytest.raises(NotFound) as unknown:
        found("P-2")
    assert (str(unknown.value.what), str(unknown.value.todo)) == (
        "Nobody is registered with the staff number P-2.",
        "'recordkit people list' shows who is; an administrator registers with 'people add'.")
    with pytest.raises(RefusedByRule, match="arch .*supervisor|supervisor.*arch"):
        found("arch")
    assert found("boss", "order.approved") == "boss"
    archive.revoke("sup1")
    with pytest.raises(RefusedByRule, match="sup1 was revoked"):
        found("sup1")


def test_of_several_accounts_of_a_staff_number_one_in_office_with_the_role_signs(archive: Archive) -> None:
    for name, roles in (("a-old", ("supervisor",)), ("b-clerk", ("clerk",)), ("c-sup", ("supervisor",)),
                        ("d-sup", ("supervisor",))):
        archive.register(name, *roles, staff_no="T-9")
    archive.revoke("a-old")
    assert find_signer(archive.workspace, "T-9", "order.signed").id == "c-sup"
    for one in ("c-sup", "d-sup"):
        archive.revoke(one)
    with pytest.raises(RefusedByRule, match="b-clerk"):
        find_signer(archive.workspace, "T-9", "order.signed")
    archive.revoke("b-clerk")
    with pytest.raises(RefusedByRule, match="a-old was revoked"):
        find_signer(archive.workspace, "T-9", "order.signed")


# --- the days ------------------------------------------------------------------------------------------------------


def order_with(archive: Archive, **days: str) -> Order:
    """An order of whose acts some were signed on these days."""
    order = archive.propose(archive.file())
    acts = {"appraised": "order.appraised", "approved": "order.approved", "again": "order.appraised"}
    signed = tuple(OrderSignature(acts[name], "x", day, "ff", 900 + at) for at, (name, day) in enumerate(
        (name, day) for name, day in days.items() if name in acts))
    return replace(order, proposed="2037-02-01", signatures=signed, executed=days.get("executed"))


def hand(archive: Archive, on: date, filed: date = TODAY) -> OnPaper:
    return OnPaper(find_person(archive.workspace.db, "boss"), Paper("R9", "C001-9", 1, "", (), filed), on,
                   archive.signer("arch"))


@pytest.mark.parametrize(("act", "before"), [
    ("order.approved", date(2037, 2, 20)), ("order.signed", date(2037, 2, 25)), ("order.completed", date(2037, 3, 1))])
def test_a_signature_by_hand_is_of_the_step_before_or_later_by_a_days_grace(
    archive: Archive, act: str, before: date
) -> None:
    order = order_with(archive, appraised="2037-02-10", again="2037-02-20", approved="2037-02-25",
                       executed="2037-03-01")
    day = timedelta(days=1)
    for good in (before - day, before, before + day):
        require_days(archive.workspace, order, act, hand(archive, good))
    with pytest.raises(RefusedByRule) as refused:
        require_days(archive.workspace, order, act, hand(archive, before - 2 * day))
    assert str(refused.value.what) == (
        f"A signature of {before - 2 * day} lies before the step before it, of {before}.")


def test_without_a_step_before_the_day_of_the_execution_or_of_the_proposal_counts(archive: Archive) -> None:
    bare, done = order_with(archive), order_with(archive, executed="2037-03-01")
    require_days(archive.workspace, bare, "order.approved", hand(archive, date(2037, 1, 31)))
    for order, act, day in ((bare, "order.approved", date(2037, 1, 30)), (bare, "order.completed", date(2037, 1, 30)),
                            (done, "order.completed", date(2037, 2, 27))):
        with pytest.raises(RefusedByRule, match="lies before the step before"):
            require_days(archive.workspace, order, act, hand(archive, day))


def test_a_day_lies_neither_ahead_nor_behind_the_filing_of_its_scan(archive: Archive) -> None:
    order, day = order_with(archive, appraised="2037-02-10"), timedelta(days=1)
    with pytest.raises(InputRefused) as ahead:
        require_days(archive.workspace, order, "order.approved", hand(archive, TODAY + day))
    assert (str(ahead.value.what), str(ahead.value.todo)) == (
        "The signature of boss cannot be of 2037-03-06: that day is yet to come.",
        "Give the day that stands on the paper with --signed-on.")
    require_days(archive.workspace, order, "order.approved", hand(archive, TODAY))
    require_days(archive.workspace, order, "order.approved", hand(archive, TODAY, TODAY - day))
    with pytest.raises(RefusedByRule) as late:
        require_days(archive.workspace, order, "order.approved", hand(archive, TODAY, TODAY - 2 * day))
    assert str(late.value.what) == "C001-9 was filed on 2037-03-03; a signature of 2037-03-05 cannot be on it."


def test_a_signature_by_key_has_the_day_of_its_entry(archive: Archive) -> None:
    order, signer = order_with(archive, appraised="2099-01-01"), archive.signer("boss")
    by_key: Hand = signer
    require_days(archive.workspace, order, "order.approved", by_key)


# --- the printed code ------------------------------------------------------------------------------------------------


def test_at_every_step_the_code_has_room_for_what_is_signed_next_and_binds_what_was_decided(archive: Archive) -> None:
    workspace = archive.workspace
    order = archive.propose(archive.file())

    def refused() -> str:
        with pytest.raises(RefusedByRule) as found:
            printed_code(workspace, order)
        assert str(found.value.todo).startswith("'recordkit destruction show D2037-0001' says what comes next")
        return str(found.value.what)

    said = "Order D2037-0001 is {}; there is nothing to be signed by hand now."
    told = {"proposed": refused()}
    rooms: list[tuple[str, set[str]]] = []

    def step(acted: Order, **bound: str) -> Order:
        code = printed_code(workspace, acted)
        assert code == RegisterCode(workspace.store_tag, acted.order_id, code.acts,
                                    what_is_signed(acted.digest, **bound)[:len(code.digest)])
        rooms.append((acted.status(2), set(code.acts)))
        return acted

    order = archive.appraise(order)
    opinions = order.opinions_digest
    order = step(order, opinions=opinions)
    order = step(archive.approve(order), opinions=opinions)
    order = step(archive.sign(archive.sign(order, "sup1"), "sup2"), opinions=opinions)
    order = archive.execute(order).order
    (item,) = order.doomed
    outcomes = digest_of({item.record_id: "destroyed"})
    assert outcomes_digest(order) == outcomes
    step(order, outcomes=outcomes)
    signed = replace(order, signatures=(*order.signatures, *(
        OrderSignature("order.completed", one, "2037-03-05", "ff", 950) for one in ("sup1", "sup2"))))
    step(signed, outcomes=outcomes)
    assert rooms == [("appraised", {"approve", "sign"}), ("approved", {"sign"}), ("signed", {"sign"}),
                     ("executed", {"complete"}), ("completed", {"complete"})]
    order = replace(order, withdrawn="2037-03-05")
    told["withdrawn"] = refused()
    assert told == {status: said.format(status) for status in told}


def test_where_the_settings_want_keys_no_code_is_printed(archive: Archive) -> None:
    order = archive.appraise(archive.propose(archive.file()))
    change(archive, "paper = true ", "paper = false ")
    with pytest.raises(RefusedByRule, match="nothing to be signed by hand"):
        printed_code(archive.workspace, order)


# --- the scan --------------------------------------------------------------------------------------------------------


def scan(archive: Archive, tmp_path: Path, data: bytes = b"no PDF", record_class: str = "destruction-register") -> str:
    with archive.workspace.writing() as writer, archive.workspace.staging() as staging:
        paper = staging / "paper"
        files.write_atomic(paper, data)
        return file_record(writer, archive.workspace, NewRecord(
            record_class, "扫描件", TODAY, 1, {"original.pdf": paper}, files.digests_of(paper)), staging)


def test_every_scan_on_which_an_order_rests_is_looked_at_once(archive: Archive, tmp_path: Path) -> None:
    one, two = scan(archive, tmp_path), scan(archive, tmp_path, b"another")
    signed = [OrderSignature("order.signed", "x", "2037-03-05", "ff", 900 + at, "arch", paper)
              for at, paper in enumerate((one, None, two, one))]
    order = replace(archive.propose(archive.file()), signatures=tuple(signed))
    require_papers(archive.workspace, order)

    def refused() -> str:
        with pytest.raises(IntegrityFailure) as found:
            require_papers(archive.workspace, order)
        assert str(found.value.todo) == "Run 'recordkit verify' and restore the record from a backup."
        return str(found.value.what)

    path = objects_of(archive.workspace).locate(two, "original.pdf")
    before = path.read_bytes()
    path.write_bytes(b"changed")
    told = f"The scan {two} of the signed register is not what was filed."
    assert refused() == told
    path.write_bytes(before)
    require_papers(archive.workspace, order)
    archive.workspace.db.run("UPDATE records SET commitment = 'x' WHERE record_id = :id", {"id": two})
    assert refused() == told
    objects_of(archive.workspace).remove(two)
    assert refused() == told
    archive.workspace.db.run("DELETE FROM records WHERE record_id = :id", {"id": two})
    assert refused() == told


def test_only_a_filed_scan_of_the_class_of_registers_is_read(archive: Archive, tmp_path: Path) -> None:
    other, gone, bare = (scan(archive, tmp_path, name.encode(), one) for name, one in (
        ("1", "drawing"), ("2", "destruction-register"), ("3", "destruction-register")))
    no_paper = archive.file("没有", record_class="destruction-register")
    archive.workspace.db.run("UPDATE records SET status = 'destroyed' WHERE record_id = :id", {"id": gone})
    objects_of(archive.workspace).remove(bare)
    for reference in (other, gone, bare, no_paper):
        code = find_record(archive.workspace.db, reference).code
        with pytest.raises(RefusedByRule) as refused:
            read_paper(archive.workspace, reference)
        assert (str(refused.value.what), str(refused.value.todo)) == (
            f"{code} is not the scan of a destruction register.", "File the signed paper with: recordkit ingest FILE")
    changed = scan(archive, tmp_path, b"4")
    objects_of(archive.workspace).locate(changed, "original.pdf").write_bytes(b"x")
    with pytest.raises(IntegrityFailure, match=f"^The scan {changed} of"):
        read_paper(archive.workspace, changed)


def test_a_scan_is_read_anew_from_its_bytes(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    from recordkit.archive import reading
    from recordkit.templates.code import draw_qr

    order = archive.appraise(archive.propose(archive.file()))
    code = printed_code(archive.workspace, order)
    page, out = Image.new("L", (827, 585), 255), io.BytesIO()
    page.paste(Image.open(io.BytesIO(draw_qr(code.encode()))).convert("L").resize((240, 240)), (500, 40))
    page.save(out, "PDF", resolution=70)
    record_id = scan(archive, tmp_path, out.getvalue())
    record = find_record(archive.workspace.db, record_id)
    asked: list[dict[str, object]] = []
    genuine = reading.read_papers
    monkeypatch.setattr(reading, "read_papers", lambda *given, **more: asked.append(more) or genuine(*given, **more))
    archive.reopen(TODAY + timedelta(days=3))
    assert read_paper(archive.workspace, record.code) == Paper(
        record_id, record.code, 1, record.commitment, (code,), TODAY)
    assert [one["ocr"] for one in asked] == [False]
    assert clock_on(TODAY).stamp().startswith(TODAY.isoformat())
