"""From the HTTP/2 frames that tshark shows to transactions, one a stream (RFC 9113).

tshark has undone HPACK. DATA is put together here, as long as it is shown as sent: where a body was compressed, the
DATA frame that ends it holds the whole body decompressed, and that is taken. On the wire a message is its HEADERS,
CONTINUATION, DATA and RST_STREAM frames; each byte of a TLS record has its share of what the record adds.
"""

from collections import deque

from analyzer.engines.tshark.halves import Half
from analyzer.engines.tshark.messages import Place, Range, Stretch, decoded, fields
from analyzer.engines.tshark.packets import Http2Frame, Packet
from dissectors.events import CLIENT, GoAway, Request, Response, StreamReset, Transaction
from dissectors.http import keep_eas_body

DATA, HEADERS, RST_STREAM, GOAWAY, CONTINUATION = 0, 1, 3, 7, 9
END_STREAM, PADDED = 0x1, 0x8
FRAME_HEADER_BYTES = 9
MAX_OPEN_STREAMS = 1024
MAX_BODY_BYTES = 64 << 20


class _Carriers:
    """The TLS records of one side that frames are taken from, one after the other."""

    __slots__ = ("_records", "_shared", "_taken")

    def __init__(self) -> None:
        self._records: deque[tuple[Range, int]] = deque()  # with the size of its plaintext
        self._taken = 0  # bytes of the first one's plaintext
        self._shared = 0  # and its wire bytes that were given out for them

    def add(self, ranges: list[Range], overhead: int | None) -> None:
        """More records; what each adds to its plaintext, where that is known."""
        for begin, end in ranges:
            self._records.append(((begin, end), max(1, end - begin - (overhead or 0))))

    def take(self, size: int, half: Half, here: Place) -> tuple[int, Place, Place]:
        """The wire bytes of the next `size` bytes of plaintext, and the packets that brought the first and the last."""
        wire, first, last = 0, None, here
        while size > 0 and self._records:
            (begin, end), whole = self._records[0]
            part = min(size, whole - self._taken)
            first = first or half.carrier(begin) or here
            last = half.carrier(end - 1) or here
            self._taken += part
            until = self._taken * (end - begin) // whole
            wire, self._shared = wire + until - self._shared, until
            size -= part
            if self._taken == whole:
                self._records.popleft()
                self._taken = self._shared = 0
        return wire + size, first or here, last

    @property
    def begin(self) -> int | None:
        """Where the first record that is not used up begins."""
        return self._records[0][0][0] if self._records else None


class _Part:
    """What one side has sent on a stream."""

    __slots__ = ("bytes", "data", "fields", "first", "last", "size", "started", "undone", "whole", "wire")

    def __init__(self) -> None:
        self.started = False
        self.first = self.last = (0, 0)
        self.fields: list[tuple[str, str]] = []
        self.data: list[bytes] = []  # as sent
        self.undone: bytes | None = None  # the whole body, decompressed by tshark
        self.size = 0
        self.bytes = self.wire = 0
        self.whole = False

    def add_data(self, frame: Http2Frame) -> None:
        sent = max(0, frame.length - frame.padding)
        self.size += sent
        if len(frame.data) != sent:
            self.undone = frame.data
        elif self.size <= MAX_BODY_BYTES:
            self.data.append(frame.data)


class Http2Reader:
    """The streams of one connection."""

    __slots__ = ("_carriers", "_connection_id", "_number", "_open", "_preface", "goaway", "seen")

    def __init__(self, connection_id: int) -> None:
        self._connection_id = connection_id
        self._number = 0
        self._open: dict[int, tuple[_Part, _Part]] = {}
        self._carriers = (_Carriers(), _Carriers())
        self._preface = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.goaway: GoAway | None = None
        self.seen = False

    def take(self, side: int, packet: Packet, stretch: Stretch, half: Half, overhead: int | None) -> list[Transaction]:
        """The frames that end in this packet; `overhead` is what a TLS record adds to its plaintext."""
        done: list[Transaction] = []
        carriers, here = self._carriers[side], (packet.frame, packet.time_ns)
        carriers.add(stretch.ranges, overhead)
        stretch.ranges = []
        if side == CLIENT and self._preface:
            carriers.take(self._preface, half, here)
            self._preface = 0
        for frame in packet.http2:
            self.seen = True
            carried = carriers.take(FRAME_HEADER_BYTES + frame.length, half, here)
            if frame.kind == GOAWAY and self.goaway is None:
                self.goaway = GoAway(side, *carried[2], frame.last_stream or 0, frame.error or 0)
            if frame.stream and frame.kind in (DATA, HEADERS, RST_STREAM, CONTINUATION):
                self._frame(side, frame, packet, carried, done)
        half.forget(stretch.cursor if carriers.begin is None else carriers.begin)
        return done

    def close(self) -> list[Transaction]:
        """The connection has ended: the streams that had not."""
        done: list[Transaction] = []
        for number in list(self._open):
            self._emit(number, None, done)
        return done

    def _frame(
        self, side: int, frame: Http2Frame, packet: Packet, carried: tuple[int, Place, Place], done: list[Transaction]
    ) -> None:
        if frame.stream not in self._open:
            if frame.kind != HEADERS:
                return  # of a stream that is over, or of one whose beginning is not in the capture
            if len(self._open) >= MAX_OPEN_STREAMS:
                self._emit(next(iter(self._open)), None, done)
            self._open[frame.stream] = (_Part(), _Part())
        parts = self._open[frame.stream]
        part = parts[side]
        wire, first, last = carried
        part.bytes += FRAME_HEADER_BYTES + frame.length
        part.wire += wire
        if frame.kind == RST_STREAM:
            self._emit(frame.stream, StreamReset(side, packet.frame, packet.time_ns, frame.error or 0), done)
            return
        status = next((value for name, value in frame.headers if name == ":status"), "")
        if side != CLIENT and status.startswith("1"):
            return
        if not part.started:
            part.started, part.first = True, first
        part.last = last
        if frame.kind == DATA:
            part.add_data(frame)
        elif not part.size:
            part.fields += frame.headers
        part.whole |= bool(frame.flags & END_STREAM) and frame.kind in (DATA, HEADERS)
        if all(each.whole for each in parts):
            self._emit(frame.stream, None, done)

    def _emit(self, number: int, reset: StreamReset | None, done: list[Transaction]) -> None:
        sent, answered = self._open.pop(number)
        request = response = None
        keep = False
        if sent.started:
            request, keep = _request(sent)
        if answered.started:
            response = _response(answered, keep)
        if request is not None or response is not None:
            self._number += 1
            done.append(Transaction(self._connection_id, self._number, request, response, number, reset))


def _request(part: _Part) -> tuple[Request, bool]:
    pseudo = dict(part.fields)
    method, target = pseudo.get(":method", ""), pseudo.get(":path", "")
    headers, user = _headers(part)
    if ":authority" in pseudo:
        headers.setdefault("host", pseudo[":authority"])
    keep = keep_eas_body(method, target, headers)
    body, size = _body(part, headers, keep)
    return Request(
        part.first[1], part.last[1], part.first[0], part.last[0], method, target, "2", headers, user,
        part.wire, part.bytes, part.size, size, body, part.whole,
    ), keep  # fmt: skip


def _response(part: _Part, keep: bool) -> Response:
    status = dict(part.fields).get(":status", "")
    headers, _ = _headers(part)
    body, size = _body(part, headers, keep)
    return Response(
        part.first[1], part.last[1], part.first[0], part.last[0], int(status) if status.isdecimal() else 0, "", "2",
        headers, part.wire, part.bytes, part.size, size, body, part.whole,
    )  # fmt: skip


def _headers(part: _Part) -> tuple[dict[str, str], str | None]:
    return fields(tuple(f"{name}:{value}" for name, value in part.fields if not name.startswith(":")))


def _body(part: _Part, headers: dict[str, str], keep: bool) -> tuple[bytes | None, int | None]:
    codings = headers.get("content-encoding", "")
    if not part.whole:
        return None, None
    if not keep or part.size > MAX_BODY_BYTES:
        return None, part.size if not codings or not part.size else None
    if part.undone is not None:
        return part.undone, len(part.undone)
    return decoded(b"".join(part.data), codings, part.size)
