"""The side that is said to have ended the connection goes on with it: then it did not end it.

A host that has sent a RST has forgotten the connection; one that has sent a FIN sends no data beyond it. Packets that
were on their way when the end passed are no proof, so only what comes after more than a round trip counts.
"""

from __future__ import annotations

from analyzer.timeline.attribution.stack import sender
from analyzer.timeline.attribution.weighing import Clue, Weights
from dissectors.events import Connection, Reset

IN_FLIGHT_NS = 20_000_000  # at least; on long paths twice the round trip

ALIVE = 3.5

_FIN, _SYN, _RST = 0x01, 0x02, 0x04
_NAMES = ("client", "server")


def after_reset(reset: Reset, c: Connection) -> Clue | None:
    """The "resetting" side sent ordinary packets after its RST."""
    not_before = reset.time_ns + max(IN_FLIGHT_NS, 2 * (sender(c, reset.side).rtt_ns or 0))
    later = [n for n in c.last_packets if n.side == reset.side and n.time_ns > not_before]
    frames = [n.frame for n in later if not n.flags & (_RST | _SYN)]
    if not frames:
        return None
    detail = f"the {_NAMES[reset.side]} went on using the connection after the RST in its name"
    return Clue("alive_after_rst", detail, (reset.frame, *frames[:3]), Weights(middlebox=ALIVE))


def after_fin(side: int, frame: int | None, c: Connection) -> Clue | None:
    """The closing side sent new data beyond its FIN."""
    fin = next((n for n in c.last_packets if n.side == side and n.flags & _FIN), None)
    if fin is None:
        return None
    end = fin.relative_seq + fin.payload_bytes
    beyond = [
        n.frame
        for n in c.last_packets
        if n.side == side and n.time_ns > fin.time_ns + IN_FLIGHT_NS and n.payload_bytes and not n.flags & (_RST | _SYN)
        if 0 < (n.relative_seq + n.payload_bytes - end) % (1 << 32) < 1 << 31
    ]
    if not beyond:
        return None
    detail = f"the {_NAMES[side]} sent new data after the FIN in its name"
    return Clue("alive_after_fin", detail, (fin.frame, *beyond[:3]), Weights(middlebox=ALIVE))
