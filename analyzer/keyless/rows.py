"""What was inferred, in the shapes that the timeline takes: exchanges as transactions, waits with their terms.

A transaction of an encrypted connection has times, frames and bytes on the wire. All else is absent, its HTTP version,
too, and by that it is known as inferred.
"""

from __future__ import annotations

from analyzer.keyless.exchanges import Exchange
from analyzer.keyless.meanings import Meaning
from analyzer.timeline.reading import INFERRED, INHERIT, NOT_KNOWN, UNSAID, Terms
from dissectors.events import Connection, Request, Response, Transaction

_NOTHING: dict[str, str] = {}


def transaction(c: Connection, number: int, e: Exchange) -> Transaction:
    """One exchange. What only plaintext shows is -1 or empty."""
    request = Request(
        e.request_ns, e.sent_ns, e.first_frame, e.request_frame, "", "", "", _NOTHING, None, e.request_bytes, -1, 0,
        None, None, False,
    )  # fmt: skip
    response = None
    if e.answer_ns >= 0:
        response = Response(
            e.answer_ns, e.answer_end_ns, e.answer_frame, e.answer_last_frame, -1, "", "", _NOTHING, e.answer_bytes, -1,
            0, None, None, False,
        )  # fmt: skip
    return Transaction(c.connection_id, number, request, response)


def terms(meaning: Meaning) -> Terms:
    """What is known of a wait: how it ended, perhaps for how long it was asked for."""
    requested = NOT_KNOWN if meaning.requested_s is None else meaning.requested_s
    return Terms(INFERRED, requested, NOT_KNOWN, UNSAID, INHERIT, False, outcome=meaning.outcome)
