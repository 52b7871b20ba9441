"""ResolveRecipients: who is meant by a name, with certificates for S/MIME, free and busy times, pictures.

Specification: MS-ASCMD 2.2.1.15; availability from 14.0, pictures from 14.1 on. Names, addresses, certificates and
times stay behind.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity
from dissectors.eas.wbxml import Element

RESOLVE_RECIPIENTS = key("ResolveRecipients:ResolveRecipients")
STATUS = key("ResolveRecipients:Status")
TO = key("ResolveRecipients:To")
OPTIONS = key("ResolveRecipients:Options")
CERTIFICATE_RETRIEVAL = key("ResolveRecipients:CertificateRetrieval")
MAX_CERTIFICATES = key("ResolveRecipients:MaxCertificates")
MAX_AMBIGUOUS_RECIPIENTS = key("ResolveRecipients:MaxAmbiguousRecipients")
AVAILABILITY = key("ResolveRecipients:Availability")
PICTURE = key("ResolveRecipients:Picture")
RESPONSE = key("ResolveRecipients:Response")
RECIPIENT = key("ResolveRecipients:Recipient")
RECIPIENT_COUNT = key("ResolveRecipients:RecipientCount")
CERTIFICATES = key("ResolveRecipients:Certificates")
CERTIFICATE = key("ResolveRecipients:Certificate")
MINI_CERTIFICATE = key("ResolveRecipients:MiniCertificate")

CERTIFICATE_RETRIEVALS = {1: "none", 2: "whole", 3: "mini"}  # MS-ASCMD 2.2.3.22


class Resolved(NamedTuple):
    """What one of the names that were asked for has brought."""

    status: int | None
    recipient_count: int | None  # found
    recipients: int  # listed
    certificates: int
    certificate_statuses: tuple[int, ...]  # these three: one a recipient
    availability_statuses: tuple[int, ...]
    picture_statuses: tuple[int, ...]


class ResolveRecipientsRequest(NamedTuple):
    """Names to resolve, and what is wanted of them."""

    names: int
    certificate_retrieval: int | None  # see CERTIFICATE_RETRIEVALS
    max_certificates: int | None
    max_ambiguous_recipients: int | None
    availability: bool
    pictures: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class ResolveRecipientsResponse(NamedTuple):
    """What was found."""

    status: int | None
    resolved: tuple[Resolved, ...]
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "ResolveRecipients"


def read_request(body: bytes, *_ignored: object) -> ResolveRecipientsRequest | None:
    """The request in a body; None when the body is not a ResolveRecipients."""
    found = tree.read(body, RESOLVE_RECIPIENTS)
    if found is None:
        return None
    options = found.child(found.root, OPTIONS)
    return ResolveRecipientsRequest(
        names=len(found.children(found.root, TO)),
        certificate_retrieval=found.number(options, CERTIFICATE_RETRIEVAL),
        max_certificates=found.number(options, MAX_CERTIFICATES),
        max_ambiguous_recipients=found.number(options, MAX_AMBIGUOUS_RECIPIENTS),
        availability=found.child(options, AVAILABILITY) is not None,
        pictures=found.child(options, PICTURE) is not None,
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> ResolveRecipientsResponse | None:
    """The response in a body; None when the body is not a ResolveRecipients."""
    found = tree.read(body, RESOLVE_RECIPIENTS)
    if found is None:
        return None
    return ResolveRecipientsResponse(
        status=found.number(found.root, STATUS),
        resolved=tuple([_resolved(found, each) for each in found.children(found.root, RESPONSE)]),
        complete=found.complete,
        oddities=found.oddities,
    )


def _resolved(found: tree.Tree, response: Element) -> Resolved:
    recipients = found.children(response, RECIPIENT)

    def statuses(part: int) -> tuple[int, ...]:
        numbers = [found.number(recipient, part, STATUS) for recipient in recipients]
        return tuple([number for number in numbers if number is not None])

    return Resolved(
        status=found.number(response, STATUS),
        recipient_count=found.number(response, RECIPIENT_COUNT),
        recipients=len(recipients),
        certificates=sum(1 for _ in found.below(response, CERTIFICATE, MINI_CERTIFICATE)),
        certificate_statuses=statuses(CERTIFICATES),
        availability_statuses=statuses(AVAILABILITY),
        picture_statuses=statuses(PICTURE),
    )
