"""A certificate's DER → what matters of it (RFC 5280). Parsing is that of `cryptography`; whatever it cannot read is
absent here, and what is no certificate at all is None.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID, NameOID

NAMES_LIMIT: Final = 200  # of one certificate; those of content networks have about a hundred
TEXT_LIMIT: Final = 200  # characters of a name

# Certificate policies that only publicly trusted certificates carry (CA/Browser Forum Baseline Requirements 7.1.6.1).
_PUBLIC_POLICIES: Final = "2.23.140.1."
# What cryptography raises when it cannot make sense of a part of a certificate.
UNREADABLE: Final = (ValueError, TypeError, KeyError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion)
_BAD_EXTENSIONS: Final = (*UNREADABLE, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """One certificate. Two are the same if they are the same object: each distinct DER is read once."""

    parsed: x509.Certificate
    subject: str  # RFC 4514
    issuer: str
    label: str  # what a person calls it: the common name, else all of the subject
    issuer_label: str
    subject_der: bytes
    issuer_der: bytes
    names: tuple[str, ...]  # host names of the subject alternative names; lower case
    has_names: bool  # there are alternative names of any kind
    common_name: str | None
    not_before_ns: int
    not_after_ns: int
    key_type: str  # rsa, ec, dsa, ed25519, ed448, other
    key_bits: int | None
    signature: str  # hash that is signed: md5, sha1, sha256, ...; the algorithm where there is none
    is_ca: bool  # may issue others
    public: bool  # carries marks that only publicly trusted certificates have
    fetch_url: str | None  # where its issuer's certificate can be had over HTTP
    fingerprint: str  # SHA-256 of the DER, hexadecimal

    @property
    def self_issued(self) -> bool:
        """Subject and issuer have the same name."""
        return self.subject_der == self.issuer_der


def read(der: bytes) -> Certificate | None:
    """The certificate; None: it cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about certificates that are odd but readable
        try:
            return _read(x509.load_der_x509_certificate(der))
        except UNREADABLE:
            return None


def _read(parsed: x509.Certificate) -> Certificate:
    subject, issuer = parsed.subject, parsed.issuer
    key_type, key_bits = _key(parsed)
    names, has_names = _names(parsed)
    return Certificate(
        parsed=parsed,
        subject=_cut(subject.rfc4514_string()),
        issuer=_cut(issuer.rfc4514_string()),
        label=_label(subject),
        issuer_label=_label(issuer),
        subject_der=subject.public_bytes(),
        issuer_der=issuer.public_bytes(),
        names=names,
        has_names=has_names,
        common_name=_common_name(subject),
        not_before_ns=_ns(parsed.not_valid_before_utc),
        not_after_ns=_ns(parsed.not_valid_after_utc),
        key_type=key_type,
        key_bits=key_bits,
        signature=_signature(parsed),
        is_ca=_is_ca(parsed),
        public=_is_public(parsed),
        fetch_url=_fetch_url(parsed),
        fingerprint=parsed.fingerprint(hashes.SHA256()).hex(),
    )


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


def _common_name(name: x509.Name) -> str | None:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[-1].value) if found else None


def _label(name: x509.Name) -> str:
    return _cut(_common_name(name) or name.rfc4514_string() or "a certificate without a name")


def _key(parsed: x509.Certificate) -> tuple[str, int | None]:
    try:
        key = parsed.public_key()
    except UNREADABLE:
        return "other", None
    match key:
        case rsa.RSAPublicKey():
            return "rsa", key.key_size
        case ec.EllipticCurvePublicKey():
            return "ec", key.curve.key_size
        case dsa.DSAPublicKey():
            return "dsa", key.key_size
        case ed25519.Ed25519PublicKey():
            return "ed25519", 256
        case ed448.Ed448PublicKey():
            return "ed448", 456
    return "other", None


def _signature(parsed: x509.Certificate) -> str:
    """The hash; of an algorithm that has none (Ed25519), or is not known, its name or number."""
    try:
        algorithm = parsed.signature_hash_algorithm
    except UNREADABLE:
        algorithm = None
    if isinstance(algorithm, hashes.HashAlgorithm):
        return algorithm.name
    oid = parsed.signature_algorithm_oid
    name: str = getattr(oid, "_name", "Unknown OID")
    return oid.dotted_string if name == "Unknown OID" else name


def _extension(parsed: x509.Certificate, kind: type[T]) -> T | None:
    try:
        found = parsed.extensions.get_extension_for_class(kind)  # type: ignore[type-var]
    except _BAD_EXTENSIONS:
        return None
    return found.value


def _names(parsed: x509.Certificate) -> tuple[tuple[str, ...], bool]:
    found = _extension(parsed, x509.SubjectAlternativeName)
    if found is None:
        return (), False
    hosts = found.get_values_for_type(x509.DNSName)[:NAMES_LIMIT]
    return tuple(dict.fromkeys(_cut(host.lower().rstrip(".")) for host in hosts)), len(found) > 0


def _is_ca(parsed: x509.Certificate) -> bool:
    found = _extension(parsed, x509.BasicConstraints)
    return found.ca if found is not None else parsed.version == x509.Version.v1


def _is_public(parsed: x509.Certificate) -> bool:
    """Signed certificate timestamps (RFC 6962 3.3), or a policy of the CA/Browser Forum."""
    if _tells(lambda: parsed.extensions.get_extension_for_oid(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS)):
        return True
    policies = _extension(parsed, x509.CertificatePolicies)
    return any(one.policy_identifier.dotted_string.startswith(_PUBLIC_POLICIES) for one in policies or ())


def _tells(question: Callable[[], object]) -> bool:
    try:
        return question() is not None
    except _BAD_EXTENSIONS:
        return False


def _fetch_url(parsed: x509.Certificate) -> str | None:
    """RFC 5280 4.2.2.1: caIssuers."""
    for one in _extension(parsed, x509.AuthorityInformationAccess) or ():
        place = one.access_location
        if (
            one.access_method == AuthorityInformationAccessOID.CA_ISSUERS
            and isinstance(place, x509.UniformResourceIdentifier)
            and place.value.lower().startswith(("http://", "https://"))
        ):
            return _cut(place.value)
    return None
