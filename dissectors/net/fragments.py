"""Puts fragmented IP datagrams together (RFC 791 3.2, RFC 8200 4.5). Rare, so plain Python; every buffer is bounded.

A fragment that overlaps bytes already held is dropped (RFC 5722 for IPv6; the same is done for IPv4: the first bytes
count).
"""

from bisect import bisect_left
from dataclasses import dataclass, field

TIMEOUT_NS = 60_000_000_000  # RFC 8200 4.5; RFC 1122 3.3.2 asks for 60 to 120 s
MAX_DATAGRAMS = 4096
MAX_DATAGRAM_BYTES = 65_535
MAX_FRAGMENTS = 8192  # of one datagram
MAX_WAITING_BYTES = 16 << 20  # of all unfinished datagrams

Key = tuple[int, int, int, int, int, int]  # version, source, destination (high and low words folded), identification


@dataclass(slots=True)
class _Partial:
    started_ns: int
    starts: list[int] = field(default_factory=list)  # ascending
    parts: dict[int, bytes] = field(default_factory=dict)  # by where they start
    size: int = 0
    total: int | None = None

    def room(self, start: int, end: int, more: bool) -> int | None:
        """The place among `starts` of a fragment that overlaps nothing and does not contradict where the datagram
        ends; else None.
        """
        place = bisect_left(self.starts, start)
        reach = self.starts[-1] + len(self.parts[self.starts[-1]]) if self.starts else 0
        if (self.total is not None and end > self.total) or (not more and end < reach):
            return None
        if place < len(self.starts) and self.starts[place] < max(end, start + 1):
            return None
        if place and self.starts[place - 1] + len(self.parts[self.starts[place - 1]]) > start:
            return None
        return place


class Fragments:
    """Collects the fragments of many datagrams."""

    def __init__(self) -> None:
        self._partials: dict[Key, _Partial] = {}  # the oldest first
        self._waiting_bytes = 0
        self.dropped = 0  # fragments that overlapped, came too late or found no room

    def add(self, key: Key, offset: int, more: bool, payload: bytes, time_ns: int) -> bytes | None:
        """Takes one fragment; returns the datagram's payload when this one completes it."""
        partial = self._partials.get(key)
        if partial is not None and time_ns - partial.started_ns > TIMEOUT_NS:
            self._give_up(key)
            partial = None
        if partial is None:
            partial = self._partials[key] = _Partial(time_ns)
        end = offset + len(payload)
        place = partial.room(offset, end, more)
        if place is None or end > MAX_DATAGRAM_BYTES or len(partial.starts) >= MAX_FRAGMENTS:
            self.dropped += 1
            return None
        partial.starts.insert(place, offset)
        partial.parts[offset] = payload
        partial.size += len(payload)
        self._waiting_bytes += len(payload)
        if not more:
            partial.total = end
        if partial.size == partial.total:
            del self._partials[key]
            self._waiting_bytes -= partial.size
            return b"".join([partial.parts[start] for start in partial.starts])
        while len(self._partials) > MAX_DATAGRAMS or self._waiting_bytes > MAX_WAITING_BYTES:
            self._give_up(next(iter(self._partials)))
        return None

    def _give_up(self, key: Key) -> None:
        partial = self._partials.pop(key)
        self._waiting_bytes -= partial.size
        self.dropped += len(partial.starts)
