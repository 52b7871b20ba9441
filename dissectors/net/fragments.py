"""Puts fragmented IP datagrams together (RFC 791 3.2, RFC 8200 4.5). Rare, so plain Python; every buffer is bounded.

A fragment that overlaps bytes already held is dropped (RFC 5722 for IPv6; the same is done for IPv4: the first bytes count).
"""

from dataclasses import dataclass, field

TIMEOUT_NS = 60_000_000_000  # RFC 8200 4.5; RFC 1122 3.3.2 asks for 60 to 120 s
MAX_DATAGRAMS = 4096
MAX_DATAGRAM_BYTES = 65_535
MAX_FRAGMENTS = 8192  # of one datagram

Key = tuple[int, int, int, int, int, int]  # version, source, destination (high and low words folded), identification


@dataclass(slots=True)
class _Partial:
    started_ns: int
    parts: dict[int, bytes] = field(default_factory=dict)
    total: int | None = None


class Fragments:
    """Collects the fragments of many datagrams."""

    def __init__(self) -> None:
        self._partials: dict[Key, _Partial] = {}
        self.dropped = 0  # fragments that overlapped, came too late or found no room

    def add(self, key: Key, offset: int, more: bool, payload: bytes, time_ns: int) -> bytes | None:
        """Takes one fragment; returns the datagram's payload when this one completes it."""
        partial = self._partials.get(key)
        if partial is None or time_ns - partial.started_ns > TIMEOUT_NS:
            if partial is None and len(self._partials) >= MAX_DATAGRAMS:
                self._partials.pop(next(iter(self._partials)))
                self.dropped += 1
            partial = self._partials[key] = _Partial(time_ns)
        end = offset + len(payload)
        if end > MAX_DATAGRAM_BYTES or len(partial.parts) >= MAX_FRAGMENTS or self._overlaps(partial, offset, end):
            self.dropped += 1
            return None
        partial.parts[offset] = payload
        if not more:
            partial.total = end
        if partial.total is None or sum(map(len, partial.parts.values())) != partial.total:
            return None
        del self._partials[key]
        return b"".join(partial.parts[position] for position in sorted(partial.parts))

    @staticmethod
    def _overlaps(partial: _Partial, start: int, end: int) -> bool:
        if partial.total is not None and end > partial.total:
            return True
        return any(start < have + len(part) and have < end for have, part in partial.parts.items())
