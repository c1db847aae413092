"""A certificate authority for tests, and PDFs signed with its certificates. Everything is made anew in each run."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from papers import pdf_bytes
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Party:
    """A certificate with its key."""

    name: x509.Name
    key: RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def as_asn1(self) -> tuple[asn1_x509.Certificate, keys.PrivateKeyInfo]:
        raw = self.key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())
        return asn1_x509.Certificate.load(self.der), keys.PrivateKeyInfo.load(raw)


def party(name: str, issuer: Party | None = None, *, since: datetime = NOW - 400 * DAY,
          until: datetime = NOW + 400 * DAY, authority: bool = False, timestamps: bool = False,
          addresses: bool = False) -> Party:
    """A certificate for ``name``, signed by ``issuer`` or by itself."""
    key = generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = {"digital_signature": not authority, "content_commitment": not authority, "key_cert_sign": authority,
             "crl_sign": authority}
    usage |= dict.fromkeys(("key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
                            "decipher_only"), False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )
    if timestamps:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    if addresses:
        where = [x509.UniformResourceIdentifier("http://revocation.invalid/list")]
        points = [x509.DistributionPoint(where, None, None, None)]
        service = [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where[0])]
        builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
        builder = builder.add_extension(x509.AuthorityInformationAccess(service), critical=False)
    return Party(subject, key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))


def stamper(one: Party, at: datetime | None = None) -> DummyTimeStamper:
    """A timestamping authority on this machine."""
    certificate, key = one.as_asn1()
    return DummyTimeStamper(certificate, key, fixed_dt=at)


def sign(data: bytes, signer: Party, *, field: str = "Signature1", reason: str | None = "同意签署",
         location: str | None = "长沙", certify: bool = False, only: fields.MDPPerm = fields.MDPPerm.FILL_FORMS,
         tsa: DummyTimeStamper | None = None, chain: tuple[Party, ...] = ()) -> bytes:
    """``data`` with a signature appended; its earlier bytes stay as they are."""
    certificate, key = signer.as_asn1()
    store = SimpleCertificateStore()
    store.register_multiple([one.as_asn1()[0] for one in chain])
    metadata = signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256", reason=reason, location=location,
                                            certify=certify, docmdp_permissions=only)
    out = signers.PdfSigner(
        metadata,
        signers.SimpleSigner(signing_cert=certificate, signing_key=key, cert_registry=store),
        timestamper=tsa,
        new_field_spec=fields.SigFieldSpec(field),
    ).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data)), in_place=False)
    return out.getvalue()


def appended(data: bytes, content: bytes = b"0 0 200 200 re f") -> bytes:
    """``data`` with a page drawn over in an appended update: every signed byte stays as it was."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    page = writer.find_page_for_modification(0)[0].get_object()
    from pyhanko.pdf_utils import generic

    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=content))
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def flipped(data: bytes) -> bytes:
    """``data`` with one signed byte changed, in the size of the page; the file stays as readable as before."""
    at = data.index(b"595.276") + 6
    return data[:at] + b"7" + data[at + 1 :]


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def plain() -> bytes:
    """One page of text without a signature."""
    return pdf_bytes()


def signed_in_part(data: bytes, signer: Party) -> bytes:
    """A signature whose byte range stops short of the end of its own revision, correctly signed for that range."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.signers import SimpleSigner

    whole = sign(data, signer)
    found = PdfFileReader(io.BytesIO(whole)).embedded_signatures[0]
    first, length, second, rest = (int(one) for one in found.byte_range)
    short = rest - 40
    text = f"[{first} {length} {second} {short}]".encode()
    at = whole.index(b"/ByteRange [") + len(b"/ByteRange ")
    end = whole.index(b"]", at) + 1
    changed = whole[:at] + text.ljust(end - at) + whole[end:]
    digest = hashes.Hash(hashes.SHA256())
    digest.update(changed[first : first + length] + changed[second : second + short])
    certificate, key = signer.as_asn1()
    content = asyncio.run(SimpleSigner(signing_cert=certificate, signing_key=key,
                                       cert_registry=SimpleCertificateStore())
                          .async_sign(digest.finalize(), "sha256")).dump()
    room = second - length - 2
    return changed[: length + 1] + content.hex().encode().ljust(room, b"0") + changed[second - 1 :]


def stamped(data: bytes, tsa: DummyTimeStamper) -> bytes:
    """``data`` with a timestamp over the whole document appended."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    return bytes(signers.PdfTimeStamper(tsa).timestamp_pdf(writer, "sha256").getvalue())


def revocation_list(issuer: Party, *revoked: Party) -> bytes:
    """A revocation list (DER) that is valid today."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.name)
    builder = builder.last_update(NOW - DAY).next_update(NOW + 30 * DAY)
    for one in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
            .revocation_date(NOW - 2 * DAY).build()
        )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def with_lists(data: bytes, root: Party, *lists: bytes) -> bytes:
    """``data`` with a certificate and revocation lists appended in a security store (DSS)."""
    out = io.BytesIO(data)
    DocumentSecurityStore.add_dss(out, None, certs=[root.as_asn1()[0]],
                                  crls=[asn1_crl.CertificateList.load(one) for one in lists])
    return out.getvalue()
