"""Puts what comes connection by connection into the order of time, with bounded memory.

A transaction is known when it is answered, the longest wait 59 min after its request; so each is held back until
nothing that began before it can still come: `HOLD_NS` of capture time, or until `MAX_HELD_BYTES` are held. Beyond that
the earliest goes out although an earlier one may follow: large captures are in order within that window.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

HOLD_NS = 2 * 3600 * 10**9  # as long as an idle connection is remembered
MAX_HELD_BYTES = 32 << 20  # UTF-8


class InOrder:
    """`add` and `finish` give what may go out by now."""

    def __init__(self, *, hold_ns: int = HOLD_NS, max_held_bytes: int = MAX_HELD_BYTES) -> None:
        self._heap: list[tuple[int, int, int, bytes]] = []  # start, first frame, number of arrival, text
        self._held_bytes = 0
        self._newest_ns = 0
        self._arrived = 0
        self._hold_ns = hold_ns
        self._max_held_bytes = max_held_bytes

    def add(self, start_ns: int, end_ns: int, frame: int, text: str) -> Iterator[str]:
        """One more text, of something that lasted from `start_ns` to `end_ns`."""
        held = text.encode("utf-8", "replace")
        self._arrived += 1
        heapq.heappush(self._heap, (start_ns, frame, self._arrived, held))
        self._held_bytes += len(held)
        self._newest_ns = max(self._newest_ns, end_ns)
        while self._heap and (
            self._heap[0][0] < self._newest_ns - self._hold_ns or self._held_bytes > self._max_held_bytes
        ):
            yield self._pop()

    def finish(self) -> Iterator[str]:
        """All that is left."""
        while self._heap:
            yield self._pop()

    def _pop(self) -> str:
        held = heapq.heappop(self._heap)[3]
        self._held_bytes -= len(held)
        return held.decode()
