"""Finding the records of a stream again after a boundary was lost: whatever looks like a header is a candidate.

A candidate is proved by the judge alone, who has the keys: whole records by authentication, records that a snap length
cut by what they decrypt to. In ciphertext a header's five bytes stand by chance once in some megabytes. So a candidate
that is not whole yet waits and keeps nobody else from being tried; the first that is proved wins.
"""

import re
from typing import Final, Protocol

HEADER_BYTES: Final = 5
RECORD_LIMIT: Final = (1 << 14) + 2048  # body bytes of a protected record, RFC 5246 6.2.3; TLS 1.3 allows less
WAITING_LIMIT: Final = 64  # candidates that are not whole yet; there are hardly ever two

_STRIDE: Final = 4096  # fewer bytes than that are not let go of, which costs as much as going on with them
_BEFORE_BYTES: Final = 64  # kept of what was passed over: a block that is the next record's IV, and a MAC behind it
_HEADER: Final = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]", re.DOTALL)


class Judge(Protocol):
    """Who knows the keys. It is handed in with each call and not kept: it owns the framer."""

    def fits(self, record: bytes, lost: int, before: bytes) -> bool:
        """Whether a whole record can be authenticated; `lost` bytes were skipped before it, at the end `before`."""

    def looks_right(self, start: bytes, lost: int, before: bytes) -> bool:
        """The same for the visible start of a cut record."""


class Search:
    """State of the search in one side's stream; offsets are into the bytes kept, to which new ones are added."""

    __slots__ = ("_before", "_scanned", "_waiting", "lost", "stopped")

    def __init__(self) -> None:
        self.lost = 0  # bytes between the last record and the first byte kept
        self.stopped = False  # the search was given up
        self._before = b""  # the last bytes seen before the first one kept
        self._scanned = 0  # no header begins before here but those that wait
        self._waiting: list[tuple[int, int]] = []  # (start, end) of candidates that are not whole yet

    def begin(self, lost: int, position: int = 0) -> None:
        """A boundary is lost, with so many bytes before `position`."""
        self.lost = lost - position
        self._before = b""
        self._scanned = position
        self._waiting.clear()

    def look(self, data: bytes, judge: Judge, final: bool, minor: int | None) -> int:
        """Where a record begins in the bytes kept, or -1. `final`: no more bytes will be added; `minor`: the second
        byte of the version in every header, None where that is not agreed."""
        waiting = self._waiting
        self._waiting = []
        for number, (at, end) in enumerate(waiting):
            if self._proved(data, at, end, judge, final):
                return at
            if end > len(data):
                self._waiting.append(waiting[number])
        at = self._scanned
        while not self.stopped:
            match = _HEADER.search(data, at)
            at = match.start() if match else max(at, len(data) - 2)  # a header may begin in the last two bytes
            if match is None or at + HEADER_BYTES > len(data):
                break
            end = at + HEADER_BYTES + (data[at + 3] << 8) + data[at + 4]
            if end - at <= HEADER_BYTES + RECORD_LIMIT and minor in (None, data[at + 2]):
                if self._proved(data, at, end, judge, final):
                    return at
                if end > len(data) and len(self._waiting) < WAITING_LIMIT:
                    self._waiting.append((at, end))
            at += 1
        self._scanned = at
        return -1

    def lost_before(self, at: int) -> int:
        """How many bytes there are between the last record and an offset."""
        return self.lost + at

    def drop(self, data: bytes) -> int:
        """From which offset on bytes must be kept: lets go of those before it."""
        at = len(data) if self.stopped else self._waiting[0][0] if self._waiting else self._scanned
        if at < _STRIDE:
            return 0
        self._before = self._seen_before(data, at)
        self.lost += at
        self._scanned -= at
        self._waiting = [] if self.stopped else [(start - at, end - at) for start, end in self._waiting]
        return at

    def _proved(self, data: bytes, at: int, end: int, judge: Judge, final: bool) -> bool:
        if end <= len(data):
            return judge.fits(data[at:end], self.lost + at, self._seen_before(data, at))
        return final and judge.looks_right(data[at:], self.lost + at, self._seen_before(data, at))

    def _seen_before(self, data: bytes, at: int) -> bytes:
        """The last bytes before an offset, none from before the gap."""
        if at >= _BEFORE_BYTES:
            return data[at - _BEFORE_BYTES : at]
        return (self._before + data[:at])[-_BEFORE_BYTES:]
