"""Cuts one side's bytes into HTTP/2 frames, in whatever pieces they come, and survives gaps (RFC 9113 section 4).

    BEGIN ─ connection preface, or the header of a first frame ─▶ IN_STEP ─ gap, impossible header ─▶ LOST
                                                                     ▲                                │
                                                                     └──── a piece with frames ───────┘

`next` gives a `Part` for each frame that has bytes in the piece. The content of DATA is never held back; the payloads
of other kinds are gathered until they are whole, up to MAX_PAYLOAD_BYTES.

Every byte has its share of what carried it on the wire: a piece (a TLS record, a TCP segment) that took `wire_bytes`
for its plaintext is split among its frames in proportion to their bytes, so that the shares of all parts and what is
`outside` (the preface, frames of the connection itself, what could not be read) add up to the pieces.
"""

from typing import Final, NamedTuple

from dissectors.events import CLIENT
from dissectors.http.h2.frames import (
    ACK,
    DATA,
    DEFAULT_MAX_LENGTH,
    HEADER_BYTES,
    PADDED,
    PREFACE,
    SETTINGS,
    find_frames,
    plausible,
)

BEGIN, IN_STEP, LOST, STOPPED = range(4)

MAX_PAYLOAD_BYTES: Final = 128 * 1024  # gathered of a frame other than DATA
MAX_LOST_BYTES: Final = 1024 * 1024  # without a frame being found again, then the side is given up
PROBATION: Final = 2  # headers that must be plausible behind the first one, where that was found and not expected
MAX_GUESSES: Final = 16  # places where a frame should begin, to be looked at when their bytes come

Where = tuple[int, int, int, int]  # first frame, its time, last frame, its time


class Part(NamedTuple):
    """What one piece has of one frame; or what a gap took from it."""

    kind: int
    flags: int
    stream_id: int
    length: int  # of the whole payload
    opens: bool  # its header was completed here
    ends: bool
    size: int  # bytes here, header included; a header that came in pieces counts where it is complete
    wire_bytes: int
    first_frame: int  # with its time: of the first byte here
    first_ns: int
    start: int  # DATA: data[start:end] is content, without padding
    end: int
    missing: int  # DATA: content that a gap took
    payload: bytes | None  # other kinds: the payload, once
    cut: bool  # of the payload only the beginning could be had


class Framer:
    """The frames of one side."""

    __slots__ = (
        "_ahead",
        "_carried_bytes",
        "_carried_first",
        "_carried_wire",
        "_content",
        "_data",
        "_flags",
        "_given",
        "_guesses",
        "_header",
        "_in_frame",
        "_kind",
        "_left",
        "_length",
        "_pad_known",
        "_payload",
        "_position",
        "_probation",
        "_shared",
        "_side",
        "_size",
        "_skipped",
        "_stream_id",
        "_where",
        "_wire",
        "from_start",
        "max_length",
        "notes",
        "outside_bytes",
        "outside_wire",
        "state",
    )

    def __init__(self, side: int) -> None:
        self.state = BEGIN
        self.from_start = False  # the first frame of this side is in the capture
        self.max_length = DEFAULT_MAX_LENGTH
        self.outside_bytes = 0
        self.outside_wire = 0
        self.notes: list[tuple[str, str]] = []  # what went wrong, as (anomaly code, detail); drained by the caller
        self._side = side
        self._header = bytearray()  # or the preface, while it is not whole
        self._carried_bytes = self._carried_wire = 0  # of a header that is not whole
        self._carried_first = (0, 0)
        self._in_frame = False
        self._kind = self._flags = self._stream_id = self._length = self._left = 0
        self._pad_known = True
        self._content = 0  # DATA: content still to come
        self._payload = bytearray()
        self._given = False  # the payload was handed over, the rest of the frame is passed over
        self._data = b""
        self._size = self._position = self._wire = self._shared = 0
        self._where: Where = (0, 0, 0, 0)
        self._ahead = 0  # wire bytes of the last piece, and those behind it, in excess of its plaintext
        self._skipped = 0  # bytes since the step was lost
        self._guesses: list[int] = []  # from the begin of the present piece
        self._probation = 0

    def load(self, data: bytes, where: Where, wire_bytes: int) -> None:
        """The next piece; call `next` until it gives None."""
        self._guesses = [guess - self._size for guess in self._guesses]
        self._data, self._where, self._wire = data, where, wire_bytes
        self._size = len(data)
        self._position = self._shared = 0
        extra = wire_bytes - self._size
        self._ahead = extra if wire_bytes else self._ahead + extra

    def next(self) -> Part | None:
        """The next frame of the piece, as far as it reaches."""
        while self._position < self._size:
            if self.state == IN_STEP or (self.state == BEGIN and self._begin()):
                if self._in_frame:
                    return self._part(False, self._position)
                start = self._position
                if self._read_header():
                    return self._part(True, start)
            elif self.state != BEGIN and not self._search():
                return None
        return None

    def gap(self, length: int | None) -> Part | None:
        """`length` bytes (None: nobody knows how many) are missing. Inside a frame that it does not leave, the gap is
        a part of it; else the step is lost."""
        if self.state == STOPPED:
            return None
        if length is None or not self._in_frame or length > self._left:
            self._guesses = [] if length is None else [guess - length for guess in self._guesses]
            self.lose(None)
            return None
        self._left -= length
        missing = min(length, self._content)
        self._content -= missing
        wire = 0 if length <= self._ahead else length
        self._ahead -= 0 if wire else length
        payload = None if self._given or self._kind == DATA else bytes(self._payload)
        self._given = self._pad_known = True
        self._in_frame = bool(self._left)
        return Part(
            *(self._kind, self._flags, self._stream_id, self._length, False, not self._left, length, wire),
            *(self._where[2], self._where[3], 0, 0, missing, payload, True),
        )

    def lose(self, why: str | None) -> None:
        """Nobody knows where the next frame begins; `why` is said, None for a gap, which others report."""
        if why is not None and self.state != LOST:
            self.notes.append(("http2_lost", why))
        self.state = LOST
        self._in_frame = False
        self._header.clear()
        self.drop_header()

    def drop_header(self) -> None:
        """A header that is not whole will not be."""
        self.outside(self._carried_bytes, self._carried_wire)
        self._carried_bytes = self._carried_wire = 0

    def outside(self, size: int, wire_bytes: int) -> None:
        """Bytes that belong to no message."""
        self.outside_bytes += size
        self.outside_wire += wire_bytes

    # ------------------------------------------------------------------

    def _share(self, end: int) -> int:
        """The wire bytes of the piece from where the last share ended up to `end`."""
        until = end * self._wire // self._size
        share = until - self._shared
        self._shared = until
        return share

    def _pass_over(self, end: int) -> None:
        self.outside(end - self._position, self._share(end))
        self._position = end

    def _begin(self) -> bool:
        """The first bytes of the side. False while the preface is not whole."""
        if self._side == CLIENT and not self.from_start:
            known = len(self._header)
            end = min(self._size, self._position + len(PREFACE) - known)
            self._header += self._data[self._position : end]
            if PREFACE.startswith(self._header):
                self._pass_over(end)
                if len(self._header) < len(PREFACE):
                    return False
                self.from_start = True
                self.state = IN_STEP
                self._header.clear()
                return self._position < self._size
            self._header.clear()
            if known:
                self.lose("the connection preface breaks off")
                return False
        return True  # the first header decides

    def _read_header(self) -> bool:
        """Takes the header of the next frame. False when it is not whole, or cannot be one."""
        start = self._position
        known = len(self._header)
        end = min(self._size, start + HEADER_BYTES - known)
        self._position = end
        if known or end - start < HEADER_BYTES:
            if not known:
                self._carried_first = self._where[0], self._where[1]
            self._header += self._data[start:end]
            if len(self._header) < HEADER_BYTES:
                self._carried_bytes += end - start
                self._carried_wire += self._share(end)
                return False
            header = bytes(self._header)
            self._header.clear()
        else:
            header = self._data[start:end]
        length = int.from_bytes(header[:3], "big")
        kind, flags = header[3], header[4]
        if self.state == BEGIN:
            if not plausible(header, 0, self.max_length):
                self._position = start
                self.lose("the first bytes are no frame")
                return False
            self.from_start = self._side != CLIENT and kind == SETTINGS and not flags & ACK
            self.state = IN_STEP
            self._probation = 0 if self.from_start else PROBATION
        elif self._probation:
            self._probation -= 1
            if not plausible(header, 0, self.max_length):
                self._position = start
                self.lose("what looked like frames were none")
                return False
        elif length > self.max_length:
            self._position = start
            self.lose(f"a frame would have {length} bytes, {self.max_length} are allowed")
            return False
        self._kind, self._flags, self._length, self._left = kind, flags, length, length
        self._stream_id = int.from_bytes(header[5:], "big") & 0x7FFFFFFF  # RFC 9113 4.1: the first bit is ignored
        self._in_frame = True
        self._given = False
        self._pad_known = not (kind == DATA and flags & PADDED)
        self._content = length if kind == DATA else 0
        if self._payload:
            self._payload = bytearray()
        return True

    def _part(self, opens: bool, start: int) -> Part:
        """What the piece has of the frame, which goes on at the present position; its bytes count from `start`."""
        first_frame, first_ns, _, _ = self._where
        position = self._position
        end = min(self._size, position + self._left)
        self._left -= end - position
        self._position = end
        ends = not self._left
        self._in_frame = not ends
        size, wire = end - start, self._share(end)
        if self._carried_bytes:
            size, wire = size + self._carried_bytes, wire + self._carried_wire
            first_frame, first_ns = self._carried_first
            self._carried_bytes = self._carried_wire = 0
        content_start = content_end = 0
        payload: bytes | None = None
        cut = False
        if self._kind == DATA:
            content_start, content_end = self._data_content(position, end)
        elif not self._given:
            if ends and not self._payload:
                payload = self._data[position:end]
            else:
                self._payload += self._data[position:end]
                cut = not ends and len(self._payload) > MAX_PAYLOAD_BYTES
                if ends or cut:
                    payload = bytes(self._payload)
                    self._given = cut
        return Part(
            *(self._kind, self._flags, self._stream_id, self._length, opens, ends, size, wire, first_frame, first_ns),
            *(content_start, content_end, 0, payload, cut),
        )

    def _data_content(self, start: int, end: int) -> tuple[int, int]:
        """Where in data[start:end] the content is (RFC 9113 6.1)."""
        if not self._pad_known and start < end:
            self._pad_known = True
            padding = self._data[start]
            if padding >= self._length:
                detail = f"DATA of {self._length} bytes with {padding} bytes of padding"
                self.notes.append(("http2_bad_frame", detail))
            self._content = max(0, self._length - 1 - padding)
            start += 1
        content_end = min(end, start + self._content)
        if self._pad_known:
            self._content -= content_end - start
        return start, content_end

    def _search(self) -> bool:
        """Looks for the beginning of a frame in the rest of the piece. False when there is none."""
        start = self._position
        found: int | None = None
        if self.state == LOST:
            for guess in self._guesses:
                if start <= guess <= self._size - HEADER_BYTES and plausible(self._data, guess, self.max_length):
                    found = guess
                    break
            else:
                self._guesses = [guess for guess in self._guesses if guess > self._size - HEADER_BYTES]
                found, guesses = find_frames(self._data, start, self.max_length)
                self._guesses = (self._guesses + guesses)[:MAX_GUESSES]
        end = self._size if found is None else found
        self._skipped += end - start
        self._pass_over(end)
        if found is None:
            if self.state == LOST and self._skipped > MAX_LOST_BYTES:
                self.state = STOPPED
                detail = f"{self._skipped} bytes without a frame: this side is not read any more"
                self.notes.append(("http2_lost", detail))
            return False
        self.state = IN_STEP
        self._probation = PROBATION + 1
        self._guesses = []
        if self._skipped:
            detail = f"{self._skipped} bytes were passed over before a frame was found again"
            self.notes.append(("http2_lost", detail))
            self._skipped = 0
        return True
