"""GetAttachment: fetches one attachment, up to 12.1; ItemOperations does it from 12.0 on.

Specification: MS-ASCMD 2.2.1.7 (of the issues that still had it), MS-ASHTTP 2.2.1.1.1.1.3. The request names the
attachment in the query and has no body; the answer is the attachment itself, under a content type of its own. A missing
attachment is answered with HTTP 500.
"""

from collections.abc import Mapping
from typing import NamedTuple

from dissectors.eas.oddity import Oddity
from dissectors.eas.query import NO_QUERY, EasQuery

MAX_TYPE_CHARACTERS = 128


class GetAttachmentRequest(NamedTuple):
    """Asks for an attachment, whose name may hold that of a file and stays behind."""

    named: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class GetAttachmentResponse(NamedTuple):
    """The attachment."""

    size_bytes: int
    media_type: str | None  # "image/png"
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "GetAttachment"


def read_request(_body: bytes, query: EasQuery = NO_QUERY, *_ignored: object) -> GetAttachmentRequest:
    """The request: a body has no meaning."""
    named = any(name == "AttachmentName" and value for name, value in query.parameters)
    return GetAttachmentRequest(named=named, complete=True, oddities=())


def read_response(
    body: bytes, _query: EasQuery = NO_QUERY, headers: Mapping[str, str] | None = None
) -> GetAttachmentResponse:
    """The response: any body is an attachment."""
    media_type = (headers or {}).get("content-type", "").partition(";")[0].strip().lower()
    return GetAttachmentResponse(
        size_bytes=len(body), media_type=media_type[:MAX_TYPE_CHARACTERS] or None, complete=True, oddities=()
    )
