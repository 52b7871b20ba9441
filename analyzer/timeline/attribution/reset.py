"""What a RST is like, and all clues that a RST gives.

RST without ACK right after the other side's packet
    "I know of no such connection" (RFC 9293 3.10.7.1): whoever sent it had lost the state, as a box does whose timer
    has run out. A host does it as well after a restart, or for what reaches it after it has closed; so nothing is said
    when that side had closed before.
RST with ACK that nothing triggered
    A sweep over idle connections, or a process that ended. It says what happened, not where.
Several RSTs of different positions
    A sender outside the connection aims at several places because it does not know where the receiver is.
RST with payload
    Some boxes write the reason into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzer.timeline.attribution import afterlife, stack, timing
from analyzer.timeline.attribution.weighing import Clue, Weights
from dissectors.events import CLIENT, Connection, Reset

RIGHT_AFTER_NS = 1_000_000_000  # or twice the round trip
UNTRIGGERED_S = 2.0

STATE_LOST = 0.8
SEVERAL = 1.0
PAYLOAD = 0.5

_RST = 0x04
_NAMES = ("client", "server")


def clues(reset: Reset, c: Connection) -> Iterator[Clue]:
    """Everything that speaks for or against the one whose address a RST carries."""
    for clue in CLUES:
        found = clue(reset, c)
        if found is not None:
            yield found


def answers(reset: Reset, c: Connection) -> bool:
    """It follows a packet of the other side so closely that it answers it."""
    if reset.after_side in (None, reset.side):
        return False
    limit = max(RIGHT_AFTER_NS, 2 * (stack.sender(c, reset.side).rtt_ns or 0))
    return reset.after_ns is None or reset.after_ns <= limit


def state_lost(reset: Reset, c: Connection) -> Clue | None:
    if reset.has_ack or not answers(reset, c) or _had_closed(reset, c):
        return None
    detail = f"a RST without ACK answered the {_NAMES[1 - reset.side]}'s packet: its sender knew of no such connection"
    frames = (reset.frame,) if reset.after_frame is None else (reset.after_frame, reset.frame)
    return Clue("state_lost", detail, frames, Weights(middlebox=STATE_LOST))


def untriggered(reset: Reset, c: Connection) -> Clue | None:
    if not reset.has_ack or reset.after_ns is None or reset.after_ns < UNTRIGGERED_S * 1e9:
        return None
    detail = f"the RST came out of {reset.after_ns / 1e9:.1f} s of silence; no packet triggered it"
    return Clue("rst_untriggered", detail, (reset.frame,))


def several(reset: Reset, c: Connection) -> Clue | None:
    own = {other.frame for other in c.resets if other.side == reset.side and not answers(other, c)}
    places = {n.relative_seq: n.frame for n in c.last_packets if n.flags & _RST and n.frame in own}
    if len(places) < 2:
        return None
    detail = f"{len(places)} RSTs in the {_NAMES[reset.side]}'s name aim at different positions"
    return Clue("several_rsts", detail, tuple(sorted(places.values())), Weights(middlebox=SEVERAL))


def payload(reset: Reset, c: Connection) -> Clue | None:
    if not reset.payload_bytes:
        return None
    detail = f"the RST carries {reset.payload_bytes} bytes; some boxes write the reason there: read them"
    return Clue("rst_payload", detail, (reset.frame,), Weights(middlebox=PAYLOAD))


CLUES: tuple[Callable[[Reset, Connection], Clue | None], ...] = (
    stack.ttl,
    stack.mac,
    timing.faster_than_round_trip,
    timing.twins,
    afterlife.after_reset,
    state_lost,
    untriggered,
    several,
    payload,
)


def _had_closed(reset: Reset, c: Connection) -> bool:
    side = c.client if reset.side == CLIENT else c.server
    notified_ns = c.tls.close_notify_ns[reset.side] if c.tls is not None else None
    return any(closed_ns is not None and closed_ns <= reset.time_ns for closed_ns in (side.fin_ns, notified_ns))
