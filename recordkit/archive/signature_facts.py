"""What is known of a digital signature, as plain values, and how that is said to people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal

from recordkit.messages import Message, msg
from recordkit.model import Finding

Problem = Literal["", "no-part", "unreadable", "unsupported", "too-many", "too-large", "timeout", "damaged"]
Modified = Literal["none", "maintenance", "form-filling", "annotations", "other"]
Trust = Literal["", "trusted", "no-path", "self-signed", "expired", "not-yet-valid", "revoked", "weak", "other"]
Revocation = Literal["not-checked", "good", "revoked"]


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """One digital signature or document timestamp, as plain values.

    Attributes:
        kind: ``pdf`` for a signature, ``pdf-timestamp`` for a document timestamp.
        validated: whether it could be judged; else ``problem`` says why not, and the values below say nothing.
        problem: no-part (pyHanko is not installed), unreadable (the file's structure), unsupported (algorithm or kind
            of signature, SM2 for one), too-many, timeout, damaged (the judging process died).
        intact: the signed bytes are those that were signed, and the signature is cryptographically right.
        whole_file: nothing at all stands in the file beyond what was signed.
        trusted: its certificate leads to a trusted root, at ``judged_at``.
        bottom_line: all of it holds, later changes included.
        modified: what was appended after signing: maintenance (of signatures), form-filling (further signatures too),
            annotations, other. ``permitted``: the signer and the standard allow that.
        trust: why it is trusted or not.
        certified: the first signer has said which changes may follow.
        signer: subject of the certificate; ``issuer`` who vouches for it; ``serial`` its number in hexadecimal.
        signed_at: ISO 8601, as the signer claims; ``timestamped`` as a timestamping authority says. Empty: not said.
        timestamp_trusted: that authority leads to a trusted root too; None without a timestamp.
        judged_at: the instant for which the certificate was judged: of the validation, or of a trusted timestamp where
            the certificate has expired since.
        revocation: good or revoked only by lists in the file that are valid for that instant.
        field: name of its field; ``reason`` and ``location`` as the signer wrote them.
        detail: for experts, in pyHanko's words.
    """

    kind: Literal["pdf", "pdf-timestamp"] = "pdf"
    field: str = ""
    validated: bool = False
    problem: Problem = ""
    intact: bool = False
    whole_file: bool = False
    trusted: bool = False
    bottom_line: bool = False
    modified: Modified = "none"
    permitted: bool = False
    trust: Trust = ""
    certified: bool = False
    signer: str = ""
    issuer: str = ""
    serial: str = ""
    signed_at: str = ""
    timestamped: str = ""
    timestamp_trusted: bool | None = None
    judged_at: str = ""
    revocation: Revocation = "not-checked"
    reason: str = ""
    location: str = ""
    detail: str = ""


def unchecked(count: int, problem: Problem) -> tuple[SignatureFacts, ...]:
    """What is told of signatures that nobody judged."""
    return tuple(SignatureFacts(problem=problem) for _ in range(count))


def plain_signatures(facts: Sequence[SignatureFacts]) -> list[dict[str, object]]:
    """As record.json and the notes of waiting papers keep them."""
    return [asdict(one) for one in facts]


def read_plain(stored: object) -> tuple[SignatureFacts, ...]:
    """What ``plain_signatures`` stored; records of earlier versions know less."""
    names = {one.name for one in fields(SignatureFacts)}
    found = stored if isinstance(stored, list) else []
    return tuple(SignatureFacts(**{key: value for key, value in one.items() if key in names})
                 for one in found if isinstance(one, dict))


def signature_findings(facts: Sequence[SignatureFacts]) -> tuple[Finding, ...]:
    """What an archivist should know about the signatures of a file; nothing where all of them hold."""
    found: list[Finding] = []
    missing = sum(one.problem == "no-part" for one in facts)
    if missing:
        found.append(Finding("signatures-not-checked", msg(
            "{count} digital signature(s) were not checked: pyHanko is not installed (pip install 'recordkit[sign]')",
            count=missing)))
    for one in facts:
        if one.problem != "no-part":
            found += _findings_of(one)
    return tuple({json.dumps([item.code, str(item.message)]): item for item in found}.values())


def _findings_of(one: SignatureFacts) -> list[Finding]:
    who = _who(one) or one.field
    if not one.validated:
        why = _PROBLEMS.get(one.problem, _PROBLEMS[""])
        told = (msg("the digital signature {who} could not be checked: {why}", who=who, why=why) if who else
                msg("a digital signature could not be checked: {why}", why=why))
        return [Finding("signatures-not-checked", told)]
    who = who or "?"
    found = []
    if not one.intact:
        found.append(Finding("signature-invalid", msg(
            "the digital signature of {who} is broken: the signed part of the file was changed", who=who)))
    elif not one.trusted:
        found.append(Finding("signature-untrusted", msg("the digital signature of {who} is not trusted: {why}",
                                                        who=who, why=_TRUST.get(one.trust, _TRUST["other"]))))
    if one.modified == "other" or not one.permitted:
        found.append(Finding("changed-after-signing", msg("the file was changed after {who} had signed it", who=who)))
    if one.timestamp_trusted is False and one.kind == "pdf":
        found.append(Finding("signature-untrusted", msg(
            "the timestamp on the digital signature of {who} is not trusted", who=who)))
    if not found and not one.bottom_line:
        found.append(Finding("signature-invalid", msg("the digital signature of {who} does not hold: {detail}",
                                                      who=who, detail=one.detail)))
    return found


def told_signature(one: SignatureFacts) -> Message:
    """One signature in a line."""
    if not one.validated:
        return msg("{who}: not checked, {why}", who=_who(one) or one.field or "?",
                   why=_PROBLEMS.get(one.problem, _PROBLEMS[""]))
    parts: list[Message] = [msg("valid") if one.bottom_line else msg("NOT VALID")]
    if one.kind == "pdf-timestamp":
        parts.append(msg("timestamp of the whole document: {time}", time=_day(one.timestamped)))
    elif one.timestamped:
        parts.append(msg("timestamped {time}", time=_day(one.timestamped)))
    elif one.signed_at:
        parts.append(msg("signed {time} by the signer's own clock", time=_day(one.signed_at)))
    if not one.intact:
        parts.append(msg("the signed part was changed"))
    parts.append(msg("covers the whole file") if one.whole_file else _MODIFICATIONS[one.modified])
    parts.append(_TRUST.get(one.trust, _TRUST["other"]))
    parts.append(_REVOCATION[one.revocation])
    parts += [msg("reason: {text}", text=one.reason)] if one.reason else []
    parts += [msg("place: {text}", text=one.location)] if one.location else []
    return msg("{who}: {parts}", who=_who(one), parts=tuple(parts))


def told_verdict(one: SignatureFacts) -> Message:
    """Whether one signature holds, and why not, without saying whose it is."""
    if not one.validated:
        return _PROBLEMS.get(one.problem, _PROBLEMS[""])
    if one.bottom_line:
        return msg("valid")
    if not one.intact:
        return msg("the signed part was changed")
    if one.modified == "other" or not one.permitted:
        return _MODIFICATIONS["other"]
    return _TRUST.get(one.trust, _TRUST["other"]) if not one.trusted else msg("NOT VALID")


def _who(one: SignatureFacts) -> str:
    """The name in a subject such as ``Common Name: 王小明, Country: CN``."""
    for part in one.signer.split(", "):
        label, mark, name = part.partition(": ")
        if mark and label == "Common Name":
            return name
    return one.signer


def _day(instant: str) -> str:
    return instant[:16].replace("T", " ") + (instant[-6:] if instant[-6:-5] in ("+", "-") else "")


_PROBLEMS = {
    "": msg("nobody has looked at it"),
    "no-part": msg("pyHanko is not installed (pip install 'recordkit[sign]')"),
    "unreadable": msg("the structure of the file is irregular"),
    "unsupported": msg("its kind or algorithm (SM2, for one) is not known here"),
    "too-many": msg("the file has too many signatures"),
    "too-large": msg("it took more memory than allowed"),
    "timeout": msg("it took longer than allowed"),
    "damaged": msg("the checking process broke down"),
}
_TRUST = {
    "trusted": msg("certificate trusted"),
    "no-path": msg("its certificate leads to none of the trusted roots of this store"),
    "self-signed": msg("its certificate is signed by itself"),
    "expired": msg("its certificate has expired"),
    "not-yet-valid": msg("its certificate is not valid yet"),
    "revoked": msg("its certificate was revoked"),
    "weak": msg("its algorithms are too weak"),
    "other": msg("its certificate is not acceptable"),
}
_MODIFICATIONS = {
    "none": msg("covers only a part of the file"),
    "maintenance": msg("only proofs of signatures were added later"),
    "form-filling": msg("only signatures or form fields were added later"),
    "annotations": msg("annotations were added later"),
    "other": msg("the file was changed later"),
}
_REVOCATION = {
    "not-checked": msg("revocation not checked"),
    "good": msg("not revoked by the lists in the file"),
    "revoked": msg("revoked by the lists in the file"),
}
