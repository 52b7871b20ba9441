"""ValidateCert: asks the server whether certificates received with signed mail are valid.

Specification: MS-ASCMD 2.2.1.22. The certificates name people and stay behind.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

VALIDATE_CERT = key("ValidateCert:ValidateCert")
STATUS = key("ValidateCert:Status")
CERTIFICATE_CHAIN = key("ValidateCert:CertificateChain")
CERTIFICATES = key("ValidateCert:Certificates")
CERTIFICATE = key("ValidateCert:Certificate")
CHECK_CRL = key("ValidateCert:CheckCRL")


class ValidateCertRequest(NamedTuple):
    """Certificates to validate."""

    certificates: int
    chain_certificates: int  # of those who issued them
    check_revocation: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class ValidateCertResponse(NamedTuple):
    """The verdicts."""

    status: int | None  # of the whole
    certificate_statuses: tuple[int | None, ...]  # one a certificate
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "ValidateCert"


def read_request(body: bytes, *_ignored: object) -> ValidateCertRequest | None:
    """The request in a body; None when the body is not a ValidateCert."""
    found = tree.read(body, VALIDATE_CERT)
    if found is None:
        return None
    return ValidateCertRequest(
        certificates=len(found.children(found.child(found.root, CERTIFICATES), CERTIFICATE)),
        chain_certificates=len(found.children(found.child(found.root, CERTIFICATE_CHAIN), CERTIFICATE)),
        check_revocation=found.flag(found.root, CHECK_CRL),
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> ValidateCertResponse | None:
    """The response in a body; None when the body is not a ValidateCert."""
    found = tree.read(body, VALIDATE_CERT)
    if found is None:
        return None
    return ValidateCertResponse(
        status=found.number(found.root, STATUS),
        certificate_statuses=tuple([found.number(each, STATUS) for each in found.children(found.root, CERTIFICATE)]),
        complete=found.complete,
        oddities=found.oddities,
    )
