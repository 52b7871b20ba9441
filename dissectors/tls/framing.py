"""One side's byte stream cut into TLS records, with loss (RFC 8446 5.1).

`load` a chunk of the stream, then call `next` until it has no more to say. Whole records that lie in the chunk are
returned as positions in it, without a copy. Bytes that are not in the capture are told with `gap`:

    in step        record boundaries are known. A gap inside a record becomes a hole in it, as long as its header was
                   seen; the next boundary is where the record ends, be that inside or behind the gap.
    out of step    a boundary was in the gap. Whatever looks like a record header is tried: `fits` says whether the
                   record can be authenticated. Records that a snap length cut can only be judged by what they decrypt
                   to: `looks_right`.

Holes are filled with zeros in `Record.data` only to keep positions; they are listed and never handed on.
"""

from collections.abc import Iterator
from typing import NamedTuple

from dissectors.tls import reasons
from dissectors.tls.old_hello import old_hello_bytes
from dissectors.tls.piece import Span
from dissectors.tls.searching import HEADER_BYTES, RECORD_LIMIT, Judge, Search

_NOTHING: list[int] = []  # shared, so never added to
_new = tuple.__new__  # of a named tuple: half the time of calling the class


class Record(NamedTuple):
    """One record: data[start:end] with its header, and where its first and last byte seen were."""

    data: bytes
    start: int
    end: int
    first_frame: int
    first_ns: int
    last_frame: int
    last_ns: int
    holes: tuple[tuple[int, int], ...] = ()  # parts that are not in the capture, from `start`

    @property
    def span(self) -> Span:
        """Where its first and last byte seen were."""
        return self[3:7]


class Lost(NamedTuple):
    """The stream is in step again; `wire_bytes` between the last record and this point belong to no known record."""

    wire_bytes: int
    frame: int
    time_ns: int


class Bad(NamedTuple):
    """A record header that cannot be one; the stream is out of step."""

    code: str  # of an Anomaly
    header: bytes
    frame: int
    time_ns: int


Event = Record | Lost | Bad


class Framer:
    """The records of one side."""

    __slots__ = (
        "_begun",
        "_final",
        "_first_frame",
        "_first_ns",
        "_holes",
        "_partial",
        "_seeker",
        "data",
        "ends",
        "frames",
        "in_step",
        "index",
        "last_frame",
        "last_ns",
        "minor",
        "needed",
        "position",
        "times",
    )  # fmt: skip

    def __init__(self) -> None:
        self.data = b""  # the chunk in hand
        self.position = 0  # of the first byte of it that is not used yet
        self.ends = self.frames = self.times = _NOTHING
        self.index = 0  # segment that holds the byte looked at last
        self._partial = bytearray()  # in step: a record's beginning; out of step: bytes that may hold one
        self.needed = 0  # length of the record in `_partial` as far as known; 0 when there is none
        self._holes: tuple[tuple[int, int], ...] = ()
        self._first_frame = self._first_ns = 0
        self.last_frame = self.last_ns = 0  # of the last byte fed
        self.in_step = True
        self._begun = False  # a header was seen
        self._final = False
        self.minor: int | None = None  # second byte of the version in every header, once it is agreed
        self._seeker: Search | None = None  # out of step: where the next record begins

    @property
    def search(self) -> Search:
        """The search for the next record. Most streams never need one."""
        if self._seeker is None:
            self._seeker = Search()
        return self._seeker

    @property
    def stopped(self) -> bool:
        """Whether the search was given up."""
        return self._seeker is not None and self._seeker.stopped

    @property
    def idle(self) -> bool:
        """Whether the next byte of the chunk is a record's first."""
        return self.in_step and not self.needed

    @property
    def fed(self) -> bool:
        """Whether any byte was fed yet."""
        return self.last_frame > 0

    @property
    def remaining(self) -> int:
        """Bytes that the record begun still needs, as far as its header was seen."""
        return self.needed - len(self._partial) if self.needed > HEADER_BYTES else 0

    def load(self, data: bytes, ends: list[int], frames: list[int], times: list[int]) -> None:
        """Takes the next chunk; the one before must be used up."""
        self.index = 0
        if self.in_step or not self._partial:
            self.data, self.ends, self.frames, self.times = data, ends, frames, times
        else:  # what was kept goes before the new bytes; `ends` and the others still describe it
            kept = len(self._partial)
            self._partial += data
            self.ends += [kept + end for end in ends]
            self.frames += frames
            self.times += times
            self.data = bytes(self._partial)
            self._partial.clear()
        self.position = 0
        if frames:
            self.last_frame, self.last_ns = frames[-1], times[-1]

    def release(self) -> None:
        """The chunk in hand is used up: lets go of it. Most connections only wait."""
        if self.in_step:
            self.data, self.position = b"", 0
            self.ends = self.frames = self.times = _NOTHING

    def take_all(self, data: bytes, frame: int, time_ns: int) -> bool:
        """Adds a chunk that lies wholly inside the record begun: the short way for long records. False: it does not."""
        if not self.in_step or self.needed <= HEADER_BYTES or len(self._partial) + len(data) >= self.needed:
            return False
        self._partial += data
        self.last_frame, self.last_ns = frame, time_ns
        return True

    def next(self, judge: Judge) -> Event | None:
        """The next event of the chunk in hand; None when it is used up."""
        while self.position < len(self.data):
            event = self._next_in_step() if self.in_step else self._search(judge)
            if event is not None:
                return event
        return None

    def gap(self, length: int, judge: Judge) -> Iterator[Event]:
        """`length` bytes after those fed are not in the capture. Handle each event before asking for the next."""
        yield from self.finish(judge)
        if not self.in_step:
            self.search.begin(self.search.lost_before(len(self._partial)) + length)
            self._partial.clear()
            return
        seen = len(self._partial)
        if self.needed <= HEADER_BYTES:
            self._fall_out_of_step(seen + length)
            return
        hole = min(length, self.needed - seen)
        self._holes += ((seen, seen + hole),)
        self._partial += bytes(hole)
        if len(self._partial) == self.needed:
            yield self._complete()
            if length > hole:
                self._fall_out_of_step(length - hole)

    def finish(self, judge: Judge) -> Iterator[Event]:
        """Out of step: the last chance for what was kept, no more bytes follow it. Handle each event at once."""
        while not self.in_step:
            self._final = True
            self.load(b"", [], [], [])
            event = self.next(judge)
            self._final = False
            if event is None:
                return
            yield event
            while (event := self.next(judge)) is not None:
                yield event

    @property
    def unread(self) -> int:
        """Out of step: bytes since the last record."""
        return 0 if self.in_step else self.search.lost_before(len(self._partial))

    def _fall_out_of_step(self, lost: int) -> None:
        self.in_step = False
        self.search.begin(lost)
        self._partial.clear()
        self._holes = ()
        self.needed = 0
        self.ends, self.frames, self.times = [], [], []

    def _at(self, offset: int) -> int:
        """The segment that holds a byte of the chunk; asked for in rising order, so a walk."""
        index = self.index
        ends = self.ends
        while ends[index] <= offset:
            index += 1
        self.index = index
        return index

    def _next_in_step(self) -> Event | None:
        data, position = self.data, self.position
        if not self.needed:
            index = self._at(position)
            self._first_frame, self._first_ns = self.frames[index], self.times[index]
            available = len(data) - position
            if available >= HEADER_BYTES:
                size = HEADER_BYTES + (data[position + 3] << 8) + data[position + 4]
                complaint = _complaint(data, position)
                if complaint:
                    size = self._old_hello(data[position : position + HEADER_BYTES])
                    if not size:
                        return self._bad(complaint, data[position : position + HEADER_BYTES])
                self._begun = True
                end = position + size
                if end <= len(data):
                    self.position = end
                    index = self._at(end - 1)
                    first = self._first_frame, self._first_ns
                    return _new(Record, (data, position, end, *first, self.frames[index], self.times[index], ()))
                self.needed = end - position
            else:
                self.needed = HEADER_BYTES
        part = data[position : position + self.needed - len(self._partial)]
        self._partial += part
        self.position = position + len(part)
        if len(self._partial) < self.needed:
            return None
        index = self._at(self.position - 1)
        if self.needed == HEADER_BYTES:
            header = bytes(self._partial)
            self.needed += int.from_bytes(header[3:], "big")
            complaint = _complaint(header, 0)
            if complaint:
                self.needed = self._old_hello(header)
                if not self.needed:
                    return self._bad(complaint, header)
            self._begun = True
            if self.needed > HEADER_BYTES:
                return None
        return self._complete(self.frames[index], self.times[index])

    def _old_hello(self, header: bytes) -> int:
        """The length of a ClientHello in SSL 2.0 format, which only the first record can be; else 0."""
        size = 0 if self._begun else old_hello_bytes(header)
        return size if size > HEADER_BYTES else 0

    def _complete(self, last_frame: int | None = None, last_ns: int | None = None) -> Record:
        record = Record(
            bytes(self._partial), 0, self.needed, self._first_frame, self._first_ns,
            self.last_frame if last_frame is None else last_frame, self.last_ns if last_ns is None else last_ns,
            self._holes,
        )  # fmt: skip
        self._partial.clear()
        self._holes = ()
        self.needed = 0
        return record

    def _bad(self, complaint: str, header: bytes) -> Bad:
        """Goes out of step at a header that is none; the search begins at its second byte."""
        kept = bytes(self._partial)
        ends, frames, times = self.ends, self.frames, self.times
        self._fall_out_of_step(1)
        if kept:  # the header began in an earlier chunk
            shift = len(kept) - self.position
            self.data = kept + self.data[self.position :]
            self.position = 0
            self.index = 0
            ends = [end + shift for end in ends]
        self.ends, self.frames, self.times = ends, frames, times
        self.position += 1
        self.search.begin(1, self.position)
        return Bad(complaint, header, self._first_frame, self._first_ns)

    def _search(self, judge: Judge) -> Event | None:
        """Out of step: finds the next record, or keeps what may be the beginning of one."""
        search, data = self.search, self.data
        at = search.look(data, judge, self._final, self.minor)
        self.index = 0
        if at < 0:
            self._keep(search.drop(data))
            return None
        self.position = at
        self.in_step = True
        index = self._at(at)
        return Lost(search.lost_before(at), self.frames[index], self.times[index])

    def _keep(self, at: int) -> None:
        """Keeps the bytes from `at` for the next chunk, and the segments that they are of."""
        self._partial += self.data[at:]
        if at:
            index = self._at(at) if at < len(self.data) else len(self.ends)
            self.ends = [end - at for end in self.ends[index:]]
            self.frames, self.times = self.frames[index:], self.times[index:]
        self.position = len(self.data)


def _complaint(data: bytes, at: int) -> str | None:
    """What is wrong with the header at data[at:], as an Anomaly's code."""
    if not 20 <= data[at] <= 24 or data[at + 1] != 3 or data[at + 2] > 4:
        return reasons.RECORD_MALFORMED
    if (data[at + 3] << 8) + data[at + 4] > RECORD_LIMIT:
        return reasons.RECORD_TOO_LONG
    return None
