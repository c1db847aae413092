"""Digital signatures inside PDFs: who signed, whether that still holds, and which roots are trusted.

pyHanko judges; its bottom line counts, for an edit that was appended later leaves the signed bytes intact. No network
is ever asked: revocation is known only where the file itself carries the lists. Validation parses hostile input, so
ingest calls it in a child process (see reading.py); what is wrong with a signature is a fact, never an error.
"""

from __future__ import annotations

import importlib.util
import io
import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordkit.archive.signature_facts import Modified, Revocation, SignatureFacts, Trust, unchecked
from recordkit.messages import Message, msg
from recordkit.model import Finding
from recordkit.settings import IngestSection, Settings

if TYPE_CHECKING:
    from pyhanko.sign.validation import EmbeddedPdfSignature
    from pyhanko.sign.validation.status import SignatureStatus

    from recordkit.workspace import Workspace

_MOST = 50
"""Signatures of one file that are validated; each is compared with all that was appended after it."""
_LONGEST = 300
_TAIL = 512  # bytes; pyHanko looks at the last 1,024
_MODIFIED: tuple[Modified, ...] = ("none", "maintenance", "form-filling", "annotations", "other")
_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".p7b", ".p7c"})


@dataclass(frozen=True, slots=True)
class Trusted:
    """What signatures are judged by: trusted certificates (DER) and the instant (aware) of the judgement."""

    roots: tuple[bytes, ...]
    moment: datetime


@dataclass(frozen=True, slots=True)
class Roots:
    """Certificates (DER) that signatures may lead up to, and what was wrong with the files they come from."""

    certificates: tuple[bytes, ...]
    problems: tuple[Message, ...]


def can_validate() -> bool:
    """Whether pyHanko is installed."""
    return importlib.util.find_spec("pyhanko") is not None


def mentions_signature(path: Path) -> bool:
    """Whether the bytes of a file may hold a signature; False is certain.

    The range of signed bytes can stand nowhere but in plain sight (ISO 32000-1, 12.8.1), also for fields that other
    readers overlook.
    """
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(b"/ByteRange") >= 0
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False


def read_roots(folder: Path) -> Roots:
    """The certificates in ``folder``: PEM (several in a file) or DER, and PKCS #7 bundles. No folder: none."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    if not folder.is_dir():
        return Roots((), ())
    found: dict[bytes, None] = {}
    problems: list[Message] = []
    for path in sorted(one for one in folder.iterdir() if one.suffix.lower() in _SUFFIXES):
        readers: tuple[Callable[[bytes], list[x509.Certificate]], ...] = (
            x509.load_pem_x509_certificates,
            lambda data: [x509.load_der_x509_certificate(data)],
            pkcs7.load_pem_pkcs7_certificates,
            pkcs7.load_der_pkcs7_certificates,
        )
        try:
            data = path.read_bytes()
        except OSError as error:
            problems.append(msg("{file} cannot be read: {error}", file=path.name, error=error.strerror or str(error)))
            continue
        for read in readers:
            try:
                certificates = [one.public_bytes(Encoding.DER) for one in read(data)]
            except Exception:  # cryptography raises many kinds; the next reader may know the format
                continue
            found |= dict.fromkeys(certificates)
            break
        else:
            problems.append(msg("{file} holds no certificate that can be read.", file=path.name))
    return Roots(tuple(found), tuple(problems))


def check_roots(root: Path, settings: Settings) -> tuple[Finding, ...]:
    """What is wrong with the folder of roots of the store at ``root``; that it is not there only when it is named."""
    named = settings.ingest.trusted_roots
    roots = read_roots(root / named)
    found = [Finding("trusted-roots", problem) for problem in roots.problems]
    if not roots.certificates and named != IngestSection().trusted_roots:
        found.append(Finding("trusted-roots", msg(
            "ingest.trusted_roots: the folder {folder} holds no certificate; no digital signature will be trusted",
            folder=named)))
    return tuple(found)


def trusted_roots(workspace: Workspace) -> Trusted:
    """What a store's papers are judged by; files that hold no certificate are named in ``workspace.notices``."""
    roots = read_roots(workspace.root / workspace.settings.ingest.trusted_roots)
    workspace.notices += [one for one in roots.problems if one not in workspace.notices]
    return Trusted(roots.certificates, workspace.clock.now())


def validate_signatures(path: Path, trusted: Trusted) -> tuple[SignatureFacts, ...]:
    """Judge every signature of a PDF, oldest first; runs in a child process and reads nothing but the file.

    Args:
        path: a PDF.
        trusted: without roots no signature is trusted.

    Returns:
        One a signature; one with the problem ``unreadable`` when the file's structure does not bear strict reading.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        reader = PdfFileReader(io.BytesIO(_without_long_tail(path.read_bytes())))
        if reader.encrypted:
            reader.decrypt(b"")
        signed = _signed_fields(reader)
    # pyHanko and asn1crypto raise what comes on odd bytes (ValueError, TypeError, RecursionError ...).
    except Exception as error:
        return (SignatureFacts(problem="unreadable", detail=_told(_words(error))),)
    facts = [_judged(reader, name, field, trusted) for name, field in signed[:_MOST]]
    facts.sort(key=lambda one: one[0])
    return (*(one for _, one in facts), *unchecked(len(signed) - len(facts), "too-many"))


def _without_long_tail(data: bytes) -> bytes:
    """A file without most of the blanks after its end, beyond which pyHanko does not find the end any more.

    Some stay: the last line's end may be signed, and blanks behind it are not the signer's.
    """
    return data[: len(data.rstrip(b"\0\r\n\t ")) + _TAIL]


def _signed_fields(reader: Any) -> list[tuple[str, Any]]:
    from pyhanko.sign.fields import enumerate_sig_fields

    return [(str(name), field) for name, value, field in enumerate_sig_fields(reader, filled_status=True) if value]


def _judged(reader: Any, name: str, field: Any, trusted: Trusted) -> tuple[int, SignatureFacts]:
    """The revision of the file that was signed, and the facts."""
    from pyhanko.sign.validation import EmbeddedPdfSignature

    facts = SignatureFacts(field=_told(name))
    try:
        embedded = EmbeddedPdfSignature(reader, field, name)
    except Exception as error:  # as above
        return 0, replace(facts, problem="unsupported", detail=_told(_words(error)))
    said = embedded.sig_object
    facts = replace(facts, reason=_entry(said, "/Reason"), location=_entry(said, "/Location"))
    if embedded.sig_object_type == "/DocTimeStamp":
        facts = replace(facts, kind="pdf-timestamp")
    try:
        certificate = embedded.signer_cert
        facts = replace(
            facts,
            signer=_told(certificate.subject.human_friendly),
            issuer=_told(certificate.issuer.human_friendly),
            serial=f"{certificate.serial_number:x}",
            certified=embedded.docmdp_level is not None,
        )
        judge = _judge_timestamp if facts.kind == "pdf-timestamp" else _judge_signature
        return embedded.signed_revision, judge(facts, embedded, trusted)
    except Exception as error:  # as above
        return embedded.signed_revision, replace(facts, problem="unsupported", detail=_told(_words(error)))


def _judge_signature(facts: SignatureFacts, embedded: EmbeddedPdfSignature, trusted: Trusted) -> SignatureFacts:
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.settings import KeyUsageConstraints

    # As Adobe does: a certificate for signing is one of the two, not only the first.
    usage = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})
    moment = trusted.moment

    def judged(mode: str) -> Any:
        return validate_pdf_signature(
            embedded,
            _context(embedded, trusted.roots, moment, mode),
            ts_validation_context=_context(embedded, trusted.roots, trusted.moment, "soft-fail"),
            key_usage_settings=usage,
        )

    status, revocation = _settled(embedded, judged)
    stamp = status.timestamp_validity
    stamp_holds = stamp is not None and stamp.valid and stamp.intact and stamp.trusted
    if not status.trusted and stamp_holds and stamp.timestamp < moment:
        # A trusted timestamp proves that it was signed before the certificate expired.
        moment = stamp.timestamp
        earlier = _settled(embedded, judged)
        if earlier[0].trusted:
            status, revocation = earlier
        else:
            moment = trusted.moment
    facts = _with_status(facts, embedded, status, moment)
    claimed = status.signer_reported_dt
    return replace(
        facts,
        permitted=bool(status.docmdp_ok),
        bottom_line=status.bottom_line,
        signed_at=claimed.isoformat() if claimed is not None else "",
        timestamped=stamp.timestamp.isoformat() if stamp is not None else "",
        timestamp_trusted=stamp_holds if stamp is not None else None,
        revocation=revocation,
    )


def _judge_timestamp(facts: SignatureFacts, embedded: EmbeddedPdfSignature, trusted: Trusted) -> SignatureFacts:
    from pyhanko.sign.validation import validate_pdf_timestamp

    def judged(mode: str) -> Any:
        return validate_pdf_timestamp(embedded, _context(embedded, trusted.roots, trusted.moment, mode))

    status, revocation = _settled(embedded, judged)
    facts = _with_status(facts, embedded, status, trusted.moment)
    permitted = facts.modified != "other"
    return replace(
        facts,
        permitted=permitted,
        bottom_line=facts.intact and facts.trusted and permitted,
        timestamped=status.timestamp.isoformat(),
        timestamp_trusted=facts.trusted,
        revocation=revocation,
    )


def _with_status(
    facts: SignatureFacts, embedded: EmbeddedPdfSignature, status: Any, moment: datetime
) -> SignatureFacts:
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation import SignatureCoverageLevel

    level = status.modification_level
    modified = _MODIFIED[(ModificationLevel.OTHER if level is None else level).value]
    problem = status.trust_problem_indic
    details = [problem.name] if problem is not None else []
    if isinstance(status.diff_result, Exception):
        details.append(_words(status.diff_result))
    return replace(
        facts,
        validated=True,
        intact=bool(status.intact and status.valid),
        whole_file=status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
        trusted=bool(status.trusted),
        modified=modified,
        trust=_trust(embedded, status, moment),
        judged_at=moment.isoformat(timespec="seconds"),
        detail=_told("; ".join(details)),
    )


def _trust(embedded: EmbeddedPdfSignature, status: SignatureStatus, moment: datetime) -> Trust:
    certificate = embedded.signer_cert
    problem: Any = status.trust_problem_indic
    if status.revoked:
        return "revoked"
    if problem is None:
        return "trusted" if status.validation_path is not None else "no-path"
    if problem.name == "NO_CERTIFICATE_CHAIN_FOUND":
        return "no-path"
    if certificate.not_valid_after < moment:
        return "expired"
    if certificate.not_valid_before > moment:
        return "not-yet-valid"
    if certificate.self_signed != "no":
        return "self-signed"
    return "weak" if problem.name.startswith("CRYPTO_CONSTRAINTS") else "other"


def _settled(embedded: EmbeddedPdfSignature, judge: Callable[[str], Any]) -> tuple[Any, Revocation]:
    """The status, and what the lists in the file say of revocation.

    Unless it must, pyHanko asks no list about a certificate that names no place to fetch one from.
    """
    status = judge("soft-fail")
    if status.revoked:
        return status, "revoked"
    if any(_lists(embedded)[1:]):
        strict = judge("require")
        if strict.revoked or strict.trusted:
            return strict, "revoked" if strict.revoked else "good"
    return status, "not-checked"


def _context(embedded: EmbeddedPdfSignature, roots: Sequence[bytes], moment: datetime, mode: str) -> Any:
    from asn1crypto import x509
    from pyhanko_certvalidator import ValidationContext

    certificates, crls, ocsps = _lists(embedded)
    return ValidationContext(
        # A list, be it empty: without one, pyHanko would trust what the operating system trusts.
        trust_roots=[x509.Certificate.load(one) for one in roots],
        other_certs=certificates,
        crls=crls,
        ocsps=ocsps,
        moment=moment,
        allow_fetching=False,
        revocation_mode=mode,
    )


def _lists(embedded: EmbeddedPdfSignature) -> tuple[list[Any], list[Any], list[Any]]:
    """Certificates, revocation lists and answers of revocation services that the file carries."""
    from asn1crypto import crl, ocsp
    from pyhanko.sign.general import (
        MultivaluedAttributeError,
        NonexistentAttributeError,
        find_unique_cms_attribute,
    )
    from pyhanko.sign.validation.dss import DocumentSecurityStore
    from pyhanko.sign.validation.errors import NoDSSFoundError

    certificates: list[Any] = []
    crls: list[Any] = []
    ocsps: list[Any] = []
    try:
        store = DocumentSecurityStore.read_dss(embedded.reader)
        certificates += store.load_certs()
        crls += [crl.CertificateList.load(one.get_object().data) for one in store.crls]
        ocsps += [ocsp.OCSPResponse.load(one.get_object().data) for one in store.ocsps]
    except NoDSSFoundError:
        pass
    try:
        attribute = find_unique_cms_attribute(embedded.signer_info["signed_attrs"], "adobe_revocation_info_archival")
        crls += list(attribute["crl"] or ())
        ocsps += list(attribute["ocsp"] or ())
    except (NonexistentAttributeError, MultivaluedAttributeError):
        pass
    return certificates, crls, ocsps


def _entry(said: Any, name: str) -> str:
    try:
        value = said[name]
    except Exception:  # missing, or a reference to nowhere
        return ""
    return _told(str(value)) if isinstance(value, str) else ""


def _words(error: Exception) -> str:
    return str(getattr(error, "failure_message", None) or error) or type(error).__name__


def _told(text: str) -> str:
    """A text out of the file as it may be stored and shown."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else " " for char in text)[:_LONGEST].strip()
