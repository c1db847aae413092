"""Digital signatures in PDFs, judged as an archivist needs it. Keys and certificates are made in the test itself."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signed_pdfs import (
    DAY,
    NOW,
    Party,
    appended,
    flipped,
    party,
    plain,
    revocation_list,
    save,
    sign,
    stamped,
    stamper,
    with_lists,
)

from recordkit.archive import reading
from recordkit.archive.pdf_signatures import Trusted, read_roots, validate_signatures
from recordkit.archive.reading import PaperReading, read_papers
from recordkit.archive.signature_facts import (
    SignatureFacts,
    plain_signatures,
    read_plain,
    signature_findings,
    told_signature,
)


@cache
def root() -> Party:
    return party("测试根 CA", authority=True)


@cache
def signer() -> Party:
    return party("王小明", root())


@cache
def authority() -> Party:
    return party("时间戳", root(), timestamps=True)


def judged(folder: Path, data: bytes, roots: Sequence[Party] | None = None) -> tuple[SignatureFacts, ...]:
    path = save(folder / "signed.pdf", data)
    before = path.read_bytes()
    facts = validate_signatures(path, trusting(*([root()] if roots is None else roots)))
    assert path.read_bytes() == before
    return facts


def trusting(*roots: Party) -> Trusted:
    return Trusted(tuple(one.der for one in roots), NOW)


def codes(facts: Sequence[SignatureFacts]) -> list[str]:
    return [one.code for one in signature_findings(facts)]


def test_a_sound_signature_says_who_when_why_and_that_it_holds(tmp_path: Path) -> None:
    (one,) = judged(tmp_path, sign(plain(), signer()))
    assert (one.kind, one.field, one.validated) == ("pdf", "Signature1", True)
    assert (one.intact, one.whole_file, one.trusted, one.bottom_line) == (True, True, True, True)
    assert (one.modified, one.permitted, one.trust, one.certified) == ("none", True, "trusted", False)
    assert "王小明" in one.signer and "测试根 CA" in one.issuer
    assert one.serial == f"{signer().certificate.serial_number:x}"
    assert abs((datetime.fromisoformat(one.signed_at) - NOW).total_seconds()) < 3600
    assert (one.timestamped, one.timestamp_trusted) == ("", None)
    assert one.revocation == "not-checked"
    assert (one.reason, one.location) == ("同意签署", "长沙")
    assert codes([one]) == []


def test_an_edit_appended_later_leaves_the_signature_intact_yet_the_bottom_line_is_no(tmp_path: Path) -> None:
    (one,) = judged(tmp_path, appended(sign(plain(), signer())))
    assert (one.intact, one.trusted) == (True, True)
    assert (one.bottom_line, one.whole_file, one.modified, one.permitted) == (False, False, "other", False)
    assert codes([one]) == ["changed-after-signing"]


def test_one_byte_changed_in_the_signed_part_breaks_it(tmp_path: Path) -> None:
    (one,) = judged(tmp_path, flipped(sign(plain(), signer())))
    assert (one.validated, one.intact, one.trusted, one.bottom_line) == (True, False, False, False)
    assert codes([one]) == ["signature-invalid"]


def test_without_its_root_a_signature_is_intact_and_not_trusted(tmp_path: Path) -> None:
    stranger = party("别的根", authority=True)
    for roots in ((), (stranger,)):
        (one,) = judged(tmp_path, sign(plain(), signer()), roots)
        assert (one.intact, one.trusted, one.bottom_line, one.trust) == (True, False, False, "no-path")
        assert codes([one]) == ["signature-untrusted"]


def test_a_certificate_signed_by_itself_is_trusted_only_when_it_is_a_root(tmp_path: Path) -> None:
    own = party("自签名")
    data = sign(plain(), own)
    (one,) = judged(tmp_path, data)
    assert (one.trusted, one.trust) == (False, "self-signed")
    (one,) = judged(tmp_path, data, [own])
    assert (one.trusted, one.bottom_line) == (True, True)


def test_an_intermediate_certificate_in_the_file_leads_to_the_root(tmp_path: Path) -> None:
    middle = party("中级 CA", root(), authority=True)
    leaf = party("李四", middle)
    (one,) = judged(tmp_path, sign(plain(), leaf, chain=(middle,)))
    assert one.bottom_line
    (one,) = judged(tmp_path, sign(plain(), leaf))
    assert (one.bottom_line, one.trust) == (False, "no-path")


def test_a_certificate_out_of_its_time_is_not_trusted(tmp_path: Path) -> None:
    (old,) = judged(tmp_path, sign(plain(), party("过期", root(), until=NOW - 5 * DAY)))
    assert (old.intact, old.bottom_line, old.trust) == (True, False, "expired")
    (new,) = judged(tmp_path, sign(plain(), party("未生效", root(), since=NOW + 5 * DAY)))
    assert (new.intact, new.bottom_line, new.trust) == (True, False, "not-yet-valid")
    assert codes([old, new]) == ["signature-untrusted", "signature-untrusted"]


def test_a_trusted_timestamp_saves_a_signature_whose_certificate_has_expired_since(tmp_path: Path) -> None:
    old = party("过期", root(), until=NOW - 5 * DAY)
    at = NOW - 20 * DAY
    (one,) = judged(tmp_path, sign(plain(), old, tsa=stamper(authority(), at)))
    assert (one.trust, one.bottom_line, one.timestamp_trusted) == ("trusted", True, True)
    assert one.timestamped[:10] == one.judged_at[:10] == f"{at:%Y-%m-%d}"
    late = NOW - 2 * DAY
    (one,) = judged(tmp_path, sign(plain(), old, tsa=stamper(authority(), late)))
    assert (one.trust, one.bottom_line, one.timestamp_trusted) == ("expired", False, True)


def test_a_timestamp_of_a_stranger_proves_nothing_and_is_named(tmp_path: Path) -> None:
    stranger = party("别的时间戳", timestamps=True)
    (one,) = judged(tmp_path, sign(plain(), signer(), tsa=stamper(stranger)))
    assert (one.trusted, one.timestamp_trusted, one.bottom_line) == (True, False, False)
    assert codes([one]) == ["signature-untrusted"]


def test_a_second_signature_is_no_harm_to_the_first(tmp_path: Path) -> None:
    first, second = judged(tmp_path, sign(sign(plain(), signer()), party("李四", root()), field="Signature2"))
    assert ("王小明" in first.signer, "李四" in second.signer) == (True, True)
    assert (first.bottom_line, first.whole_file, first.modified) == (True, False, "form-filling")
    assert (second.bottom_line, second.whole_file, second.modified) == (True, True, "none")
    assert codes([first, second]) == []


def test_a_certified_file_that_forbids_changes_does_not_bear_a_further_signature(tmp_path: Path) -> None:
    from pyhanko.sign.fields import MDPPerm

    data = sign(plain(), signer(), certify=True, only=MDPPerm.NO_CHANGES)
    (one,) = judged(tmp_path, data)
    assert (one.certified, one.bottom_line) == (True, True)
    from pyhanko.sign.general import SigningError

    with pytest.raises(SigningError):
        sign(data, party("李四", root()), field="Signature2")


def test_a_signature_over_a_part_of_the_file_is_no_signature_of_the_file(tmp_path: Path) -> None:
    from signed_pdfs import signed_in_part

    (one,) = judged(tmp_path, signed_in_part(plain(), signer()))
    assert (one.intact, one.whole_file, one.bottom_line) == (True, False, False)
    assert "changed-after-signing" in codes([one])


def test_a_timestamp_of_the_whole_document_is_told_as_one(tmp_path: Path) -> None:
    first, second = judged(tmp_path, stamped(sign(plain(), signer()), stamper(authority())))
    assert (first.kind, first.bottom_line, first.modified) == ("pdf", True, "maintenance")
    assert (second.kind, second.bottom_line, second.timestamp_trusted) == ("pdf-timestamp", True, True)


def test_revocation_is_known_only_from_lists_in_the_file(tmp_path: Path) -> None:
    data = sign(plain(), signer())
    (good,) = judged(tmp_path, with_lists(data, root(), revocation_list(root())))
    assert (good.revocation, good.bottom_line, good.modified) == ("good", True, "maintenance")
    (bad,) = judged(tmp_path, with_lists(data, root(), revocation_list(root(), signer())))
    assert (bad.revocation, bad.bottom_line, bad.trust) == ("revoked", False, "revoked")
    assert codes([bad]) == ["signature-untrusted"]


def test_no_address_in_a_certificate_is_ever_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **how: called.append(where) or [])
    monkeypatch.setattr(socket.socket, "connect", lambda _, where: called.append(where))
    leaf = party("带网址", root(), addresses=True)
    (one,) = judged(tmp_path, sign(plain(), leaf))
    assert (one.bottom_line, one.revocation, called) == (True, "not-checked", [])


def test_an_unknown_algorithm_is_not_checked_and_never_called_invalid(tmp_path: Path) -> None:
    data = sign(plain(), signer())
    sha256, unknown = "608648016503040201", "608648016503040263"
    assert sha256.encode() in data
    (one,) = judged(tmp_path, data.replace(sha256.encode(), unknown.encode()))
    assert (one.validated, one.problem) == (False, "unsupported")
    assert "王小明" in one.signer
    assert codes([one]) == ["signatures-not-checked"]


@pytest.mark.parametrize("damage", [
    pytest.param(lambda data: data.replace(b"/Contents <30", b"/Contents <FF"), id="no-cms"),
    pytest.param(lambda data: data.replace(b"/ByteRange [0 ", b"/ByteRange [9 "), id="range-from-9"),
    pytest.param(lambda data: data.replace(b"/ByteRange [", b"/ByteRangX ["), id="no-range"),
    pytest.param(lambda data: data.replace(b"/SubFilter /adbe.pkcs7.detached", b"/SubFilter /adbe.x509.rsa_sha1ed"),
                 id="strange-kind"),
    pytest.param(lambda data: data.replace(b"startxref", b"startxxxx"), id="no-table"),
    pytest.param(lambda data: data[: len(data) // 2], id="half"),
])
def test_a_mangled_signature_is_a_fact_and_no_error(tmp_path: Path, damage: object) -> None:
    data = sign(plain(), signer())
    mangled = damage(data)  # type: ignore[operator]
    assert mangled != data
    for one in judged(tmp_path, mangled):
        assert not one.bottom_line
        assert codes([one]) != []


@pytest.mark.parametrize("blanks", [1, 3000])
def test_blanks_behind_the_end_of_a_file_leave_its_signature_good(tmp_path: Path, blanks: int) -> None:
    (one,) = judged(tmp_path, sign(plain(), signer()) + b"\n" * blanks)
    assert (one.bottom_line, one.whole_file) == (True, False)
    assert codes([one]) == []


def test_a_signature_whose_signer_nobody_knows_is_told_without_a_gap() -> None:
    (finding,) = signature_findings([SignatureFacts(problem="unreadable")])
    assert str(finding.message).startswith("a digital signature could not be checked")
    (named,) = signature_findings([SignatureFacts(problem="unsupported", field="Signature1")])
    assert "the digital signature Signature1 could not" in str(named.message)


def test_a_file_without_signatures_has_none(tmp_path: Path) -> None:
    assert judged(tmp_path, plain()) == ()


def test_facts_are_plain_and_come_back_from_what_was_stored(tmp_path: Path) -> None:
    import json

    facts = judged(tmp_path, sign(sign(plain(), signer()), party("李四", root()), field="S2"))
    assert read_plain(json.loads(json.dumps(plain_signatures(facts)))) == facts
    (old,) = read_plain([{"kind": "pdf", "validated": False}])
    assert (old.validated, old.problem) == (False, "")


def test_what_the_file_says_cannot_command_the_terminal_nor_fill_it(tmp_path: Path) -> None:
    (one,) = judged(tmp_path, sign(plain(), signer(), reason="\x1b[2J" + "长" * 5000))
    assert "\x1b" not in one.reason and len(one.reason) <= 300


# --- roots --------------------------------------------------------------------------------------------------------


def test_roots_are_read_from_every_usual_form_and_a_bad_file_is_named(tmp_path: Path) -> None:
    one, two, three, four = (party(f"根{at}", authority=True) for at in range(4))
    (tmp_path / "two.pem").write_bytes(one.pem + two.pem)
    (tmp_path / "one.CER").write_bytes(three.der)
    (tmp_path / "chain.p7b").write_bytes(pkcs7.serialize_certificates([four.certificate], serialization.Encoding.DER))
    (tmp_path / "again.crt").write_bytes(one.der)
    (tmp_path / "broken.crt").write_bytes(b"no certificate")
    (tmp_path / "README.txt").write_text("roots")
    found = read_roots(tmp_path)
    assert sorted(found.certificates) == sorted(each.der for each in (one, two, three, four))
    assert [str(problem) for problem in found.problems] == ["broken.crt holds no certificate that can be read."]
    assert read_roots(tmp_path / "nowhere").certificates == ()


# --- as ingest reads them -----------------------------------------------------------------------------------------


def read(path: Path, trusted: Trusted | None) -> PaperReading:
    (found,) = read_papers([path], jobs=2, ocr=False, trusted=trusted)
    return found


def test_reading_a_paper_brings_the_verdict_and_leaves_the_file_alone(tmp_path: Path) -> None:
    path = save(tmp_path / "合同.pdf", sign(plain(), signer()))
    digest = hashlib.sha256(path.read_bytes()).digest()
    found = read(path, trusting(root()))
    assert [one.bottom_line for one in found.signatures] == [True]
    assert found.texts[0].text.startswith("Paper")
    assert hashlib.sha256(path.read_bytes()).digest() == digest
    assert read(path, None).signatures == ()


def test_a_nested_signature_field_is_not_passed_over(tmp_path: Path) -> None:
    found = read(save(tmp_path / "nested.pdf", sign(plain(), signer(), field="form.sig")), trusting(root()))
    assert [(one.field, one.bottom_line) for one in found.signatures] == [("form.sig", True)]


def test_without_pyhanko_the_paper_is_read_and_its_signatures_are_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "合同.pdf", sign(plain(), signer()))
    monkeypatch.setitem(sys.modules, "pyhanko", None)
    found = read(path, trusting(root()))
    assert found.failure is None and found.texts[0].text
    assert [(one.validated, one.problem) for one in found.signatures] == [(False, "no-part")]
    (finding,) = signature_findings(found.signatures)
    assert finding.code == "signatures-not-checked"
    assert "recordkit[sign]" in str(finding.message)


def dies(path: Path, trusted: Trusted) -> None:
    os._exit(9)


def raises(path: Path, trusted: Trusted) -> None:
    raise RecursionError(path.name)


@pytest.mark.parametrize(("fate", "problem"), [(dies, "damaged"), (raises, "unreadable")])
def test_a_signature_that_kills_its_judge_costs_the_verdict_and_not_the_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: object, problem: str
) -> None:
    monkeypatch.setattr(reading, "validate_signatures", fate)
    found = read(save(tmp_path / "paper.pdf", sign(plain(), signer())), trusting(root()))
    assert found.failure is None and found.texts[0].text.startswith("Paper")
    assert [(one.validated, one.problem) for one in found.signatures] == [(False, problem)]


@cache
def signed_once() -> bytes:
    return sign(plain(), signer())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_changed_bit_of_the_signed_part_passes(
    tmp_path_factory: pytest.TempPathFactory, share: float, bit: int
) -> None:
    data = bytearray(signed_once())
    start, length, second, rest = (int(part) for part in data.split(b"/ByteRange [")[1].split(b"]")[0].split())
    at = int(share * (length + rest))
    data[start + at if at < length else second + at - length] ^= 1 << bit
    folder = tmp_path_factory.mktemp("bits")
    assert not any(one.bottom_line for one in judged(folder, bytes(data)))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.binary(max_size=40)), min_size=1, max_size=4))
def test_whatever_a_file_holds_judging_it_ends_with_facts(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[float, float, bytes]]
) -> None:
    data = signed_once()
    for first, second, put in cuts:
        start, end = sorted((int(first * len(data)), int(second * len(data))))
        data = data[:start] + put + data[min(end, start + 400) :]
    for one in judged(tmp_path_factory.mktemp("cuts"), data):
        assert isinstance(told_signature(one).render(), str)
