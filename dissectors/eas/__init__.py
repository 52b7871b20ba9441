"""Exchange ActiveSync: from an HTTP transaction to what the device and the server said.

Specifications: MS-ASHTTP (request target, headers), MS-ASWBXML (bodies), MS-ASCMD (commands). `decode_transaction` is
the door for analyzers; `wbxml.decode` gives the tree of a body, `status.meaning` the words for a status.

`headers.http_facts` reads what statuses and headers mean on EAS. Left out: what the items in a body say; only their
number and size are read.
"""

from collections.abc import Mapping
from typing import NamedTuple

from dissectors.eas.commands import Message, autodiscover, generic, options, reader_of
from dissectors.eas.oddity import Oddity
from dissectors.eas.query import NO_QUERY, EasQuery, parse_query
from dissectors.events import Transaction

__all__ = ["EasMessage", "EasQuery", "Message", "Oddity", "decode_transaction", "parse_query"]

_OK = 200
UNKNOWN_COMMAND = "Unknown"


class EasMessage(NamedTuple):
    """One EAS transaction. A side is None when its body was not seen or not kept, an answer also without HTTP 200."""

    query: EasQuery
    command: str  # "Ping"; as sent when unknown; the method when that is not POST; "Unknown" when nothing tells it
    request: Message | None
    response: Message | None
    protocol_version: str | None  # "14.1": from the header, else the base64 query
    user: str | None  # from the query, else HTTP Basic
    device_id: str | None
    device_type: str | None
    oddities: tuple[Oddity, ...]  # of the query, the request and the response


def decode_transaction(transaction: Transaction) -> EasMessage | None:
    """What a transaction says as EAS; None when it is not EAS. Odd bytes never raise.

    A response without its request is EAS when its content type says so; its body then tells the command.
    """
    request, response = transaction.request, transaction.response
    sent = received = None
    user = protocol_version = sent_body = None
    if request is not None:
        query = parse_query(request.target)
        if query is None:
            return _autodiscover(transaction) if autodiscover.is_target(request.target) else None
        user = query.user or request.user
        protocol_version = request.headers.get("ms-asprotocolversion") or query.protocol_version
        if request.method != "POST":
            if request.method == options.COMMAND:
                sent, received = _options(transaction, query)
            return _message(query, request.method, sent, received, protocol_version, user)
        sent_body = request.body
    elif response is not None and "ms-sync" in response.headers.get("content-type", ""):
        query = NO_QUERY
    else:
        return None
    command = query.command
    # An empty body says something only when it is known that nothing of it is missing.
    if sent_body is not None and request is not None and (sent_body or request.complete):
        command, sent = _read(command, sent_body, query, request.headers, True)
    if response is not None and response.status == _OK:
        received_body = response.body
        if received_body is not None and (received_body or response.complete):
            command, received = _read(command, received_body, query, response.headers, False)
    return _message(query, command or UNKNOWN_COMMAND, sent, received, protocol_version, user)


def _message(
    query: EasQuery, command: str, sent: Message | None, received: Message | None, version: str | None, user: str | None
) -> EasMessage:
    oddities: tuple[Oddity, ...] = ()
    if query.oddities:
        oddities = tuple([Oddity(code, "in the request target") for code in query.oddities])
    if sent is not None:
        oddities += sent.oddities
    if received is not None:
        oddities += received.oddities
    # What the constructor of a named tuple does, at half its price.
    return tuple.__new__(
        EasMessage, (query, command, sent, received, version, user, query.device_id, query.device_type, oddities)
    )


def _read(
    command: str | None, body: bytes, query: EasQuery, headers: Mapping[str, str], is_request: bool
) -> tuple[str | None, Message]:
    """A body as its command's own message, else as a generic one; and the command, from the body when not given."""
    reader = reader_of(command)
    if reader is not None:
        own = (reader.read_request if is_request else reader.read_response)(body, query, headers)
        if own is not None:
            return command, own
    message = generic.read(body, headers.get("content-type", ""))
    if command is None:  # mostly the name of the root
        known = reader_of(message.root) is not None
        return _read(message.root, body, query, headers, is_request) if known else (message.root, message)
    if reader is not None:
        root = f"its root is {message.root}" if message.root else "it is no WBXML" if body else "it is empty"
        odd = Oddity("eas_unexpected_body", f"the body of {command} is not what it should be: {root}", 0)
        message = message._replace(oddities=(*message.oddities, odd))
    return command, message


def _options(transaction: Transaction, query: EasQuery) -> tuple[Message, Message | None]:
    """Both sides of an OPTIONS, which speak by their headers."""
    request, response = transaction.request, transaction.response
    sent = options.read_request(b"", query, request.headers if request else {})
    answered = response is not None and response.status == _OK
    return sent, options.read_response(b"", query, response.headers) if response and answered else None


def _autodiscover(transaction: Transaction) -> EasMessage | None:
    """A request to the address of Autodiscover and its answer; None when neither body is of EAS."""
    request, response = transaction.request, transaction.response
    sent = autodiscover.read_request(request.body) if request is not None and request.body else None
    received = None
    if response is not None and response.status == _OK and response.body:
        received = autodiscover.read_response(response.body)
    if sent is None and received is None:
        return None
    version = request.headers.get("ms-asprotocolversion") if request is not None else None
    return _message(NO_QUERY, autodiscover.COMMAND, sent, received, version, request.user if request else None)
