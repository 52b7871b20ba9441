"""When a RST came: before its supposed sender could have answered, or together with one in the other's name.

A packet needs the round trip to its receiver before an answer can come back. A RST that follows a packet in clearly
less than the smallest round trip ever measured to that peer was sent by something nearer. A round trip below
MEASURABLE_NS says nothing: at such distances everybody is near.

RSTs in the names of both sides within a moment: a host that receives a RST does not answer with one (RFC 9293 3.10.7),
so they have one sender between the two.
"""

from __future__ import annotations

from analyzer.timeline.attribution.stack import sender
from analyzer.timeline.attribution.weighing import Clue, Weights
from dissectors.events import Connection, Reset

MEASURABLE_NS = 2_000_000
CLEARLY = 0.5  # of the smallest round trip
TWIN_NS = 10_000_000

FASTER = 2.0
TWINS = 2.0


def faster_than_round_trip(reset: Reset, c: Connection) -> Clue | None:
    round_trip, after = sender(c, reset.side).rtt_ns, reset.after_ns
    if reset.after_side in (None, reset.side) or after is None or round_trip is None:
        return None
    if round_trip < MEASURABLE_NS or not 0 <= after < CLEARLY * round_trip:
        return None
    detail = (
        f"the RST came {after / 1e6:.2f} ms after the packet it answers; no answer of that peer ever came in less than "
        f"{round_trip / 1e6:.1f} ms"
    )
    frames = (reset.frame,) if reset.after_frame is None else (reset.after_frame, reset.frame)
    return Clue("rst_faster_than_round_trip", detail, frames, Weights(middlebox=FASTER))


def twins(reset: Reset, c: Connection) -> Clue | None:
    for other in c.resets:
        apart = other.time_ns - reset.time_ns
        if other.side != reset.side and abs(apart) <= TWIN_NS:
            later = other if apart >= 0 else reset
            if later.after_side not in (None, 1 - later.side):  # something else lies between the two
                continue
            detail = f"RSTs in the names of both sides within {abs(apart) / 1e6:.1f} ms"
            return Clue("twin_rsts", detail, tuple(sorted((reset.frame, other.frame))), Weights(middlebox=TWINS))
    return None
