"""Packets that nobody answered: retransmissions, keep-alives, and on which side of the capture point they vanished.

A sender that gets no acknowledgement repeats its bytes after times that double (RFC 6298 5.5). That shows a path that
carries nothing for this connection; whether a box forgot it, the radio was gone or the other end was dead looks alike.
Where the capture point is much nearer to one end, the packets towards the other one vanished beyond it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from analyzer.timeline.attribution.weighing import Clue, Weights
from dissectors.events import CLIENT, Connection, PacketNote

DOUBLING = 1.5  # the last gap at least so many times the first,
NO_SHORTER = 0.9  # and none much shorter than the one before: the first is often a probe (RFC 8985)
NEARER = 5.0  # times as far to the one end as to the other
FAR_NS = 1_000_000  # below, both ends are near

UNANSWERED = 1.0
DOUBLED = 0.5
PROBES = 1.0

_SYN_FIN_RST = 0x07
_NAMES = ("client", "server")


def clues(side: int, c: Connection, frames: tuple[int, ...]) -> Iterator[Clue]:
    """Everything about packets of one side that were never answered. `frames`: what to look at besides."""
    sender = c.server if side else c.client
    repeats = _repeats(side, c)
    gaps = [(later.time_ns - one.time_ns) / 1e9 for one, later in pairwise(repeats)]
    detail = (
        f"packets of the {_NAMES[side]} were repeated {sender.unanswered_retransmissions} times and never acknowledged"
    )
    growing = all(later >= gap * NO_SHORTER for gap, later in pairwise(gaps))
    doubled = len(gaps) >= 2 and growing and gaps[-1] > gaps[0] * DOUBLING
    if doubled:
        detail += f", after growing pauses ({', '.join(f'{gap:.1f}' for gap in gaps[:5])} s)"
    shown = frames or (() if sender.last_data_frame is None else (sender.last_data_frame,))
    shown = tuple(dict.fromkeys((*shown, *(n.frame for n in repeats[:3]))))
    yield Clue("unanswered_retransmissions", detail, shown, Weights(path=UNANSWERED + (DOUBLED if doubled else 0.0)))
    where = beyond(side, c)
    if where is not None:
        yield where
    probes = unanswered_probes(side, c)
    if probes is not None:
        yield probes


def beyond(side: int, c: Connection) -> Clue | None:
    """The capture point is next to the sender: what it sent vanished further on."""
    near, far = (c.server, c.client) if side else (c.client, c.server)
    if near.rtt_ns is None or far.rtt_ns is None or far.rtt_ns < FAR_NS or far.rtt_ns < NEARER * near.rtt_ns:
        return None
    detail = (
        f"captured {near.rtt_ns / 1e6:.1f} ms from the {_NAMES[side]} and {far.rtt_ns / 1e6:.1f} ms from the "
        f"{_NAMES[1 - side]}: the packets vanished beyond this point"
    )
    return Clue("vanished_beyond", detail, ())


def unanswered_probes(side: int, c: Connection) -> Clue | None:
    """TCP keep-alives of a side that got no answer."""
    probes: list[PacketNote] = []
    for note in c.last_packets:
        if note.side != side:
            probes.clear()  # something came back
        elif _is_probe(note, c):
            probes.append(note)
    if not probes:
        return None
    detail = f"{len(probes)} TCP keep-alives of the {_NAMES[side]} were not answered"
    return Clue("keepalives_unanswered", detail, tuple(n.frame for n in probes[:5]), Weights(path=PROBES))


def answered_probes(c: Connection, since_ns: int) -> Clue | None:
    """TCP keep-alives after a time that were answered: until then the path was alive, and no idle timer ran."""
    frames = [
        frame
        for one, after in pairwise(c.last_packets)
        if one.time_ns > since_ns and after.side != one.side and _is_probe(one, c)
        for frame in (one.frame, after.frame)
    ]
    if not frames:
        return None
    return Clue("keepalives_answered", "TCP keep-alives during the wait were answered", tuple(frames[-6:]))


def _is_probe(note: PacketNote, c: Connection) -> bool:
    """At most one byte, at the last position that was sent already (RFC 9293 3.8.4)."""
    if note.payload_bytes > 1 or note.flags & _SYN_FIN_RST:
        return False
    if not (c.client if note.side == CLIENT else c.server).keepalives:
        return False
    next_ = (note.relative_seq + 1) % (1 << 32)
    return any(
        n.side == note.side and n.frame != note.frame and next_ in (n.relative_seq, n.relative_seq + n.payload_bytes)
        for n in c.last_packets
    )


def _repeats(side: int, c: Connection) -> list[PacketNote]:
    """The last bytes of a side and their repetitions, as far as they are remembered."""
    own = [n for n in c.last_packets if n.side == side and n.payload_bytes > 1]
    return [n for n in own if n.relative_seq == own[-1].relative_seq] if own else []
