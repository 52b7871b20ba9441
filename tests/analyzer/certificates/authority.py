"""Authorities that issue what a test needs: `Authority("root")`, `root.below("middle")`, `middle.server("mail.test")`.

Keys are EC and made once for each name, so that a chain costs a millisecond. Everything is valid from START for ten
years unless a test says otherwise.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from analyzer.certificates.reading import Certificate, read
from analyzer.certificates.roots import Roots

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
LATER = START + datetime.timedelta(days=3650)
NOW = START + datetime.timedelta(days=200)  # in captures that are made
NOW_NS = int(NOW.timestamp()) * 10**9
PUBLIC_POLICY = x509.ObjectIdentifier("2.23.140.1.2.1")  # domain validated
URL = "http://authority.test/middle.cer"

_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
OLD_HASHES = {  # the algorithm's number, and what stands before the digest
    "sha1": (bytes.fromhex("06092a864886f70d010105"), bytes.fromhex("3021300906052b0e03021a05000414")),
    "md5": (bytes.fromhex("06092a864886f70d010104"), bytes.fromhex("3020300c06082a864886f70d020505000410")),
}

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def key(name: str, rsa_bits: int = 0) -> Key:
    """A private key, the same for the same name."""
    return rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def known(self) -> Certificate:
        """As the product reads it."""
        found = read(self.der)
        assert found is not None
        return found


class Authority(Issued):
    """Issues certificates."""

    def below(self, label: str, **how: Any) -> Authority:
        """An intermediate that this one vouches for."""
        issued = _issue(self, label, ca=True, **how)
        return Authority(issued.certificate, issued.key)

    def server(self, host: str, names: tuple[str, ...] | None = None, **how: Any) -> Issued:
        """A server's certificate, for `host` unless other names are given."""
        return _issue(self, host, names=(host,) if names is None else names, **how)


def root(label: str, **how: Any) -> Authority:
    """A root of its own."""
    issued = _issue(None, label, ca=True, **how)
    return Authority(issued.certificate, issued.key)


def self_signed(host: str, **how: Any) -> Issued:
    """A server's certificate that nobody else vouches for."""
    return _issue(None, host, names=(host,), **how)


def roots(*trusted: Issued) -> Roots:
    """The list of roots that are known everywhere, in this test."""
    return Roots([one.der for one in trusted])


def _issue(
    issuer: Issued | None,
    label: str,
    *,
    names: tuple[str, ...] = (),
    ca: bool = False,
    start: datetime.datetime = START,
    end: datetime.datetime = LATER,
    rsa_bits: int = 0,
    old_hash: str = "",
    url: str | None = None,
    public: bool = False,
    key_name: str = "",
) -> Issued:
    own = key(key_name or label, rsa_bits)
    signer = own if issuer is None else issuer.key
    by = name(label) if issuer is None else issuer.certificate.subject
    signer_key = signer.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(label))
        .issuer_name(by)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_key), critical=False)
    )
    if ca:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )
        usage |= {"key_cert_sign": True, "crl_sign": True, "encipher_only": False, "decipher_only": False}
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False
        )
    if url:
        place = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url))
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    if public:
        builder = builder.add_extension(
            x509.CertificatePolicies([x509.PolicyInformation(PUBLIC_POLICY, None)]), critical=False
        )
    made = builder.sign(signer, hashes.SHA256())
    return Issued(_signed_anew(made, signer, old_hash) if old_hash else made, own)


def _signed_anew(made: x509.Certificate, signer: Key, old_hash: str) -> x509.Certificate:
    """With RSA and SHA-1 or MD5 (RFC 8017 8.2, RFC 3279 2.2.1): cryptography makes no such signatures any more."""
    assert isinstance(signer, rsa.RSAPrivateKey)
    oid, prefix = OLD_HASHES[old_hash]
    tbs = made.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, oid)
    digest = prefix + hashlib.new(old_hash, tbs).digest()
    numbers = signer.private_numbers()
    size = signer.key_size // 8
    padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    signature = pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
    algorithm = b"\x30" + bytes([len(oid) + 2]) + oid + b"\x05\x00"
    bits = b"\x03" + _length(size + 1) + b"\x00" + signature
    content = tbs + algorithm + bits
    return x509.load_der_x509_certificate(b"\x30" + _length(len(content)) + content)


def _length(size: int) -> bytes:
    return (
        bytes([size]) if size < 0x80 else b"\x81" + bytes([size]) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
    )
