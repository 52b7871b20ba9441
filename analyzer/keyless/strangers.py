"""Connections with long silences that are not ActiveSync, each by a rule of its own with a name.

    mail_protocol   IMAP IDLE, POP3, SMTP: by port; the server speaks first, or the client ends its own wait (DONE)
    push_service    APNs, FCM, WNS, Mozilla: by port or by the name that is asked for
    tiny_messages   WebSocket, push services, IMAP: messages too short for an HTTP request with its headers
    streamed        event streams, MAPI/HTTP NotificationWait, EWS streaming: an answer begins at once and goes on in
                    small pieces after pauses (MAPI/HTTP keeps its wait alive so, MS-OXCMAPIHTTP 3.1.5.6)
    interrupted     the client speaks while it waits; HTTP/1.1 has no way to, HTTP/2 has other requests
    no_wait         no silence while an answer is due: plain browsing is silent only between answer and next request

Chats that poll over HTTPS have the shape of a hanging Sync; they are told by what the polls of a whole family say
(`family`).
"""

from __future__ import annotations

from typing import Literal

from analyzer.keyless.exchanges import SOON_S, TICKETS_BYTES, Exchange, Talk
from analyzer.timeline.columns import NS
from dissectors.events import Connection

Stranger = Literal["mail_protocol", "push_service", "tiny_messages", "streamed", "interrupted", "no_wait"]

SILENCE_S = 8.0  # less is not looked at; see the package's docstring
MIN_REQUEST_BYTES = 100  # HTTP/2 with compressed headers; HTTP/1.1 needs twice as much
MAX_REQUEST_BYTES = 4096  # an access token and cookies included
MIN_ANSWER_BYTES = 60
STREAMED_SHARE = 0.25  # of the exchanges that last
INTERRUPTED_SHARE = 0.5

_MAIL_PORTS = frozenset((25, 110, 143, 465, 587, 993, 995))
_PUSH_PORTS = frozenset((2195, 2196, 2197, 5223, 5228, 5229, 5230))
_PUSH_NAMES = (
    "push.apple.com", "mtalk.google.com", "fcm.googleapis.com", "mcs.android.com", "notify.windows.com",
    "push.services.mozilla.com", "wns.windows.com",
)  # fmt: skip


def by_address(c: Connection) -> Stranger | None:
    """What the port and the name say."""
    if c.server.port in _MAIL_PORTS:
        return "mail_protocol"
    name = (c.tls.sni if c.tls is not None else None) or ""
    known = any(name == service or name.endswith(f".{service}") for service in _PUSH_NAMES)
    return "push_service" if c.server.port in _PUSH_PORTS or known else None


def by_talk(talk: Talk, until_ns: int) -> Stranger | None:
    """What its exchanges say. `until_ns`: when it was closed, or the capture ended."""
    if talk.server_first:
        return "mail_protocol"
    lasting = [e for e in talk.exchanges if e.bursts or e.silence_s(until_ns) >= SILENCE_S]
    streamed = sum(e.bursts > 0 for e in lasting)
    if streamed and streamed >= STREAMED_SHARE * len(lasting):
        return "streamed"
    waiting = [e for e in lasting if not e.bursts]
    if waiting and all(e.request_bytes < MIN_REQUEST_BYTES for e in waiting):
        return "tiny_messages"
    interrupted = sum(e.interrupted for e in waiting)
    if interrupted >= 2 and interrupted >= INTERRUPTED_SHARE * len(waiting):
        return "interrupted"
    held = any(looks_held(e, until_ns) for e in waiting)
    return None if held or (talk.exchanges and perhaps_tickets(talk.exchanges[0])) else "no_wait"


def perhaps_tickets(e: Exchange) -> bool:
    """What the first request got at once may have been tickets, and its answer is still to come, or never came."""
    at_once = e.answer_ns >= 0 and (e.answer_end_ns - e.sent_ns) / NS < SOON_S
    return e.opening and at_once and e.answer_bytes <= TICKETS_BYTES


def looks_held(e: Exchange, until_ns: int) -> bool:
    """The shape of a wait: one request, silence, then an answer or nothing more."""
    return (
        e.silence_s(until_ns) >= SILENCE_S
        and not e.bursts
        and not e.interrupted
        and MIN_REQUEST_BYTES <= e.request_bytes <= MAX_REQUEST_BYTES
        and (e.answer_ns < 0 or e.answer_bytes >= MIN_ANSWER_BYTES)
    )
