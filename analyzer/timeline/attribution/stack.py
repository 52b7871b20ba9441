"""Which machine a packet comes from: TTL (or hop limit) and link-layer address beside that sender's other packets.

A RST that a box sends in somebody's name leaves that box's own stack, with its own initial TTL and fewer or more hops.
One hop of difference is weak: load-shared paths vary by one. It weighs more when very many packets of that sender never
varied. A TTL from another family (64, 128, 255 to begin with) means another stack. An equal TTL speaks for the sender
only a little: a box can copy it, and behind a full proxy it is the proxy's in any case.

A link-layer address that differs means another device on this segment, or a router pair that shares the work.
"""

from __future__ import annotations

from analyzer.timeline.attribution.weighing import Clue, Weights, of_side
from dissectors.events import Connection, Reset, Side

STEADY_FRAMES = 5  # packets with one and the same TTL from which on it counts as fixed

FAR = 2.2
FAR_UNSTEADY = 1.2
ONE_HOP = 1.2
ONE_HOP_UNSTEADY = 0.4
OTHER_MAC = 1.5
SAME = 0.5

_NAMES = ("client", "server")


def sender(c: Connection, side: int) -> Side:
    return c.server if side else c.client


def ttl(reset: Reset, c: Connection) -> Clue | None:
    """The RST's TTL beside that of the same sender's other packets."""
    side = sender(c, reset.side)
    if side.ttl_min is None or side.ttl_max is None:
        return None
    named = _NAMES[reset.side]
    steady = side.ttl_min == side.ttl_max and side.frames >= STEADY_FRAMES
    if side.ttl_min <= reset.ttl <= side.ttl_max:
        if not steady:
            return None
        detail = f"the RST has TTL {reset.ttl} like the {named}'s other packets"
        return Clue("rst_ttl_same", detail, (reset.frame,), of_side(reset.side, SAME))
    away = min(abs(reset.ttl - side.ttl_min), abs(reset.ttl - side.ttl_max))
    weight = (FAR_UNSTEADY, FAR)[steady] if away > 1 else (ONE_HOP_UNSTEADY, ONE_HOP)[steady]
    usual = str(side.ttl_min) if side.ttl_min == side.ttl_max else f"{side.ttl_min} to {side.ttl_max}"
    detail = f"the RST has TTL {reset.ttl}, the {named}'s other packets {usual}"
    return Clue("rst_ttl_differs", detail, (reset.frame,), Weights(middlebox=weight))


def mac(reset: Reset, c: Connection) -> Clue | None:
    """The RST's link-layer address beside that of the same sender's other packets."""
    side = sender(c, reset.side)
    if reset.mac is None or side.mac is None or side.macs_differ or reset.mac == side.mac:
        return None
    detail = f"the RST comes from another device on this segment than the {_NAMES[reset.side]}'s other packets"
    return Clue("rst_mac_differs", detail, (reset.frame,), Weights(middlebox=OTHER_MAC))
