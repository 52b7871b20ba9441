"""Puts the TCP bytes of one connection in order where they did not come in order: loss, overlap, reordering, cut
frames.

Positions are stream positions: 0 is the first payload byte of a side (or the first byte seen, when the capture began
later).

Theory. Each side has a next position and a list of segments waiting beyond it. It is the turn of the side whose oldest
waiting segment was captured first, so that an answer never overtakes the request it belongs to, not even when the
request's beginning comes last. The first segment of the side whose turn it is may begin beyond its next position: a
hole. Then everything waits, because the missing bytes usually come as a retransmission. A hole becomes a Gap (bytes
that were on the wire but are not in the capture) when
  - the other side acknowledged bytes beyond it and ACKED_PATIENCE_NS passed (only reordering in the capture could still
    fill it), or
  - HOLE_PATIENCE_NS passed (the acknowledgements may not be in the capture), or
  - too much waits behind it (MAX_PENDING_BYTES, MAX_PENDING_SEGMENTS), or the connection ends. Of bytes that come more
    than once the copy that is delivered first counts: the first in order, among waiting ones that which begins first.
"""

from bisect import insort
from heapq import heappop, heappush
from math import inf
from typing import Protocol

ACKED_PATIENCE_NS = 1_000_000_000
HOLE_PATIENCE_NS = 60_000_000_000
MAX_PENDING_BYTES = 8 << 20
MAX_PENDING_SEGMENTS = 16_384

# position, order of arrival, time_ns, frame, wire length, captured bytes
_Segment = tuple[int, int, int, int, int, bytes]


class Sink(Protocol):
    """What takes the in-order bytes of a connection."""

    def feed(self, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]) -> None:
        """In-order payload of one side: segment k is data[ends[k-1]:ends[k]], from frames[k] at times[k]."""

    def gap(self, side: int, length: int, frame: int, time_ns: int) -> None:
        """`length` bytes of one side are not in the capture; `frame` is the first one after (or the cut one)."""


class Reassembly:
    """The waiting segments of one connection, both sides."""

    __slots__ = (
        "_acked_since",
        "_ages",
        "_arrivals",
        "_hole_since",
        "_pending",
        "_pending_bytes",
        "acked",
        "missing",
        "next",
        "sink",
    )

    def __init__(self, sink: Sink, next_positions: tuple[int, int]) -> None:
        self.sink = sink
        self.next = list(next_positions)
        self.acked = [0, 0]
        self.missing = [0, 0]  # bytes in holes that were given up
        self._pending: tuple[list[_Segment], list[_Segment]] = ([], [])
        self._pending_bytes = 0
        self._ages: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])  # heaps of frame and end position
        self._arrivals = 0
        self._hole_since: int | None = None
        self._acked_since: int | None = None

    @property
    def in_order(self) -> bool:
        """Nothing waits: the fast path may take over at `next`."""
        return not self._pending[0] and not self._pending[1]

    def passes(self, side: int, position: int) -> bool:
        """This segment is the next one of its side and nothing waits: it would be delivered at once."""
        return position == self.next[side] and self.in_order

    def segment(self, side: int, position: int, data: bytes, length: int, frame: int, time_ns: int) -> None:
        """Takes one segment; `data` is what was captured of its `length` bytes."""
        if len(data) == length and self.passes(side, position):
            self.next[side] = position + length
            self.sink.feed(side, data, [length], [frame], [time_ns])
            return
        if position + length > self.next[side]:
            self._arrivals += 1
            self._pending_bytes += len(data)
            insort(self._pending[side], (position, self._arrivals, time_ns, frame, length, data))
            self._note_age(side, frame, position + length)
        self._advance(time_ns)

    def acknowledged(self, side: int, position: int, time_ns: int) -> None:
        """The other side acknowledged `side`'s bytes up to `position`."""
        self.acked[side] = max(self.acked[side], position)
        if self._hole_since is not None:
            self._advance(time_ns)

    def close(self) -> None:
        """No more packets: every hole that data waits behind is a gap."""
        while not self.in_order:
            self._give_up_hole()
            self._deliver()

    def _advance(self, time_ns: int) -> None:
        self._deliver()
        while not self.in_order:
            side = self._turn()
            if self._hole_since is None:
                self._hole_since = time_ns
            if self._acked_since is None and self.acked[side] >= self._pending[side][0][0]:
                self._acked_since = time_ns
            if not (
                time_ns - self._hole_since > HOLE_PATIENCE_NS
                or (self._acked_since is not None and time_ns - self._acked_since > ACKED_PATIENCE_NS)
                or self._pending_bytes > MAX_PENDING_BYTES
                or len(self._pending[0]) + len(self._pending[1]) > MAX_PENDING_SEGMENTS
            ):
                return
            self._give_up_hole()
            self._deliver()

    def _turn(self) -> int:
        """The side whose oldest waiting segment is older."""
        first, second = self._pending
        if not first or not second:
            return 0 if first else 1
        return 0 if self._oldest(0) <= self._oldest(1) else 1

    def _note_age(self, side: int, frame: int, end: int) -> None:
        ages, pending = self._ages[side], self._pending[side]
        heappush(ages, (frame, end))
        if len(ages) > 2 * len(pending) + 64:  # most of them are long delivered
            ages[:] = sorted((segment[3], segment[0] + segment[4]) for segment in pending)

    def _oldest(self, side: int) -> float:
        """The frame of a side's oldest segment that brings something new."""
        ages = self._ages[side]
        while ages and ages[0][1] <= self.next[side]:
            heappop(ages)
        return ages[0][0] if ages else inf

    def _give_up_hole(self) -> None:
        side = self._turn()
        position, _, time_ns, frame, _, _ = self._pending[side][0]
        lost = position - self.next[side]
        self.next[side] = position
        self.missing[side] += lost
        self.sink.gap(side, lost, frame, time_ns)
        self._hole_since = self._acked_since = None

    def _deliver(self) -> None:
        """Hands on what is in order; afterwards nothing waits, or the segment whose turn it is lies beyond a hole."""
        pending = self._pending
        done = [0, 0]
        while True:
            heads = [pending[side][done[side]] if done[side] < len(pending[side]) else None for side in (0, 1)]
            first, second = heads
            if first is None and second is None:
                break
            side = 0 if second is None or (first is not None and self._oldest(0) <= self._oldest(1)) else 1
            head = heads[side]
            assert head is not None
            position, _, time_ns, frame, length, data = head
            skip = self.next[side] - position
            if skip < 0:
                break
            done[side] += 1
            self._pending_bytes -= len(data)
            if skip < length:
                self.next[side] = position + length
                fresh = data[skip:] if skip else data
                if fresh:
                    self.sink.feed(side, fresh, [len(fresh)], [frame], [time_ns])
                cut = length - max(skip, len(data))  # the frame's end is not in the capture
                if cut:
                    self.sink.gap(side, cut, frame, time_ns)
        for side in (0, 1):
            if done[side]:
                del pending[side][: done[side]]
                self._hole_since = self._acked_since = None
