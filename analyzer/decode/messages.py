"""Transactions → messages: what is told of each request and each response, the same for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from analyzer.decode.bodies import Body, read_body
from analyzer.decode.fates import NO_ANSWER, after_request, after_reset
from analyzer.decode.headers import of_interest
from analyzer.findings.words import plain
from dissectors.eas import EasMessage, status
from dissectors.eas.privacy import kind_of_parameter
from dissectors.events import Connection, Request, Response, Transaction

OK = 200
NOT_SEEN = "the request is not in this capture"

_NO_BODY_SAYS = {
    ("Ping", "request"): "no body: the interval and the folders that the server has stored",
    ("Sync", "request"): "no body: the Sync request that the server has stored",
    ("Sync", "response"): "no body: nothing changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes of a message: wire = tls + head + body."""

    wire: int
    tls: int
    head: int
    body: int
    decoded: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One side of a transaction. Of a side that is not there `missing` says why, and what only it can tell is None."""

    capture: str
    connection_id: int
    number: int  # of the transaction on its connection
    stream_id: int | None
    side: Literal["request", "response"]
    missing: str | None
    command: str
    device_id: str | None
    device_type: str | None
    protocol_version: str | None
    method: str | None  # these four of the request
    path: str | None
    query_form: str | None  # "plain", "base64", "none"
    parameters: dict[str, str]
    status: int | None  # these four of the response
    status_meaning: str | None
    eas_status: int | None
    eas_status_meaning: str | None
    http_version: str | None
    start_ns: int | None
    end_ns: int | None
    after_request_ns: int | None  # of the response: from the end of the request to its first byte
    first_frame: int | None
    last_frame: int | None
    complete: bool
    headers: dict[str, str]
    sizes: Sizes | None
    body: Body | None


def messages_of(
    capture: str, t: Transaction, message: EasMessage, connection: Connection | None, *, show_content: bool
) -> list[Message]:
    """Request and response of a transaction. `connection`: its connection, where it has ended without answer."""
    request, response = t.request, t.response
    query = message.query
    fate = None
    if request is not None and response is None:
        reset = t.stream_reset
        fate = after_request(request, connection) if reset is None else after_reset(request, reset)
    said = None if message.response is None else getattr(message.response, "status", None)
    words = None if said is None else status.meaning(message.command, said)

    def one(side: Literal["request", "response"], half: Request | Response | None, missing: str | None) -> Message:
        answered = response if side == "response" else None
        asked = request if side == "request" else None
        waited = None if answered is None or request is None else max(0, answered.start_ns - request.end_ns)
        return Message(
            capture=capture,
            connection_id=t.connection_id,
            number=t.number,
            stream_id=t.stream_id,
            side=side,
            missing=missing,
            command=message.command,
            device_id=message.device_id,
            device_type=message.device_type,
            protocol_version=message.protocol_version,
            method=asked and asked.method,
            path=asked and asked.target.partition("?")[0],
            query_form=query.form if asked else None,
            parameters=_parameters(query.parameters) if asked else {},
            status=answered and answered.status,
            status_meaning=None if answered is None else _http_words(answered),
            eas_status=said if answered else None,
            eas_status_meaning=words if answered else None,
            http_version=half and half.http_version,
            start_ns=half and half.start_ns,
            end_ns=half and half.end_ns,
            after_request_ns=waited,
            first_frame=half and half.first_frame,
            last_frame=half and half.last_frame,
            complete=half is not None and half.complete,
            headers={} if half is None else of_interest(half.headers),
            sizes=half and _sizes(half),
            body=half and _body(side, message.command, half, show_content),
        )

    return [
        one("request", request, NOT_SEEN if request is None else None),
        one("response", response, (fate or NO_ANSWER) if response is None else None),
    ]


def _sizes(half: Request | Response) -> Sizes:
    return Sizes(
        wire=half.wire_bytes,
        tls=half.wire_bytes - half.http_bytes,
        head=half.http_bytes - half.body_bytes,
        body=half.body_bytes,
        decoded=half.decoded_bytes,
    )


def _body(side: str, command: str, half: Request | Response, show_content: bool) -> Body:
    body = read_body(half, show_content=show_content)
    if body.kind != "none" or body.said or (isinstance(half, Response) and half.status != OK):
        return body
    return replace(body, said=_NO_BODY_SAYS.get((command, side)))


def _parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Ids and flags as sent, of everything else the length."""
    return {
        plain(name): plain(value) if kind_of_parameter(name) == "open" else f"«{len(value)} characters»"
        for name, value in pairs
    }


def _http_words(response: Response) -> str | None:
    """What the status means on EAS; None where that says no more than the number."""
    return None if response.status == OK else status.HTTP.get(response.status)
