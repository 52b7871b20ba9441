"""What became of a request that has no answer, as far as its connection's end tells: in words, with the frame.

Nobody is accused here: a reset carries an address, and who sent it is judged by `directpush analyze` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.findings.words import short
from dissectors.events import CLIENT

if TYPE_CHECKING:
    from dissectors.events import Connection, Request, StreamReset

NS = 1e9
NO_ANSWER = "no answer in this capture"
_SIDES = ("client", "server")
_CLOSED = {"rst": "the connection was reset, with the {}'s address,", "fin": "the {} closed the connection"}
# RFC 9113 7
_H2_ERRORS = {0: "NO_ERROR", 1: "PROTOCOL_ERROR", 2: "INTERNAL_ERROR", 7: "REFUSED_STREAM", 8: "CANCEL"}


def after_request(request: Request, connection: Connection | None) -> str:
    """The end of the connection, seen from the request; `None`: it was not told."""
    if connection is None:
        return NO_ANSWER
    c = connection
    if c.first_close is not None and c.first_close_ns is not None:
        when = c.first_close_ns - request.end_ns
        if when >= 0:
            what = _CLOSED[c.first_close].format(_SIDES[c.first_close_side or CLIENT])
            return f"{NO_ANSWER}: {what} in frame {c.first_close_frame}, {short(when / NS)} after the request"
        return f"{NO_ANSWER}: the connection had begun to close in frame {c.first_close_frame}"
    quiet = c.end_ns - request.end_ns
    if quiet <= 0:
        return f"{NO_ANSWER}: nothing follows on its connection"
    return f"{NO_ANSWER}: the connection's last packet is frame {c.last_frame}, {short(quiet / NS)} after the request"


def after_reset(request: Request, reset: StreamReset) -> str:
    """An HTTP/2 stream that was reset."""
    when = short(max(0, reset.time_ns - request.end_ns) / NS)
    error = _H2_ERRORS.get(reset.error_code, f"error {reset.error_code}")
    side = _SIDES[reset.side]
    return f"{NO_ANSWER}: the {side} reset the stream in frame {reset.frame}, {when} after the request ({error})"
