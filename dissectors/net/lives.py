"""Where a port pair begins a new life, and when a connection has ended."""

import numpy as np
from numpy.typing import NDArray

from dissectors.net.evidence import ACK, CLOSED_LIMIT_NS, FIN, IDLE_LIMIT_NS, LETTERS, RST, SYN, Slots
from dissectors.net.rows import Ints
from dissectors.net.segments import Segments

Flags = NDArray[np.bool_]

# bits of `seen`: the letters of evidence.LETTERS, client then server
BEYOND_SYN = 1 << 12  # and one more: something that is no SYN
_CLIENT_FIN, _SERVER_FIN, _ANY_RST = 1 << 4, 1 << 10, (1 << 5) | (1 << 11)


class Lives:
    """Tells where a port pair begins a new life, packet by packet (only looked at where something is suspicious).

    New: a SYN whose number differs from the one that opened this life (a simultaneous open and a SYN that was captured
    late are not new); any packet after IDLE_LIMIT_NS of silence, or after CLOSED_LIMIT_NS when the connection had
    ended.
    """

    def __init__(self, slots: Slots, slot: int | None) -> None:
        """`slot`: None for a connection of which nothing was seen before."""
        self.isn = [-1, -1] if slot is None else slots.two["isn"][slot].tolist()
        self.seen = 0 if slot is None else int(slots.one["seen"][slot])
        self.last_ns: int | None = None if slot is None else int(slots.one["captured_ns"][slot])

    def begins_anew(self, segments: Segments, index: int, side: int) -> bool:
        if self.last_ns is None:
            return False
        silence = self.silent_at(segments, index)
        if silence > IDLE_LIMIT_NS or (silence > CLOSED_LIMIT_NS and bool(closed(self.seen))):
            return True
        if int(segments.flags[index]) & (SYN | ACK) != SYN:
            return False
        if self.isn[side] >= 0:
            return self.isn[side] != int(segments.seq[index])
        return bool(self.seen & BEYOND_SYN)

    def silent_at(self, segments: Segments, index: int) -> int:
        """For how long nothing was seen before this packet."""
        return 0 if self.last_ns is None else int(segments.time_ns[index]) - self.last_ns

    def saw(self, segments: Segments, index: int, side: int) -> None:
        flags = int(segments.flags[index])
        self.last_ns = int(segments.time_ns[index])
        if self.isn[side] < 0 and not flags & RST:
            self.isn[side] = int(segments.seq[index])
        code = 5 if flags & RST else 4 if flags & FIN else None
        self.seen |= 0 if flags & SYN else BEYOND_SYN
        self.seen |= 0 if code is None else 1 << (code + len(LETTERS) * side)


def closed(seen: Ints | int) -> Flags:
    """Whether a connection with these letters has ended: a RST, or a FIN of both sides."""
    bits = np.asarray(seen)
    ended: Flags = ((bits & _ANY_RST) != 0) | ((bits & (_CLIENT_FIN | _SERVER_FIN)) == (_CLIENT_FIN | _SERVER_FIN))
    return ended
