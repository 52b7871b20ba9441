"""SendMail: sends a mail.

Specification: MS-ASCMD 2.2.1.17. Its messages are those of `compose`.
"""

from dissectors.eas.codepages import key
from dissectors.eas.commands import compose
from dissectors.eas.commands.compose import ComposeRequest, ComposeResponse
from dissectors.eas.query import NO_QUERY, EasQuery

ROOT = key("ComposeMail:SendMail")

COMMAND = "SendMail"


def read_request(body: bytes, query: EasQuery = NO_QUERY, *_ignored: object) -> ComposeRequest | None:
    """The request in a body; None when the body is WBXML, but not a SendMail."""
    return compose.read_request(body, query, ROOT)


def read_response(body: bytes, *_ignored: object) -> ComposeResponse | None:
    """The response in a body; None when the body is not a SendMail."""
    return compose.read_response(body, ROOT)
