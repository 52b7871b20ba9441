"""From the HTTP messages that tshark shows to requests and responses, with their bytes found in the TCP stream.

tshark shows a message in the packet that completes it and does not say which packet began it. So the bytes are counted
along: TLS records (their lengths are in clear) or plain messages lie one behind the other in the stream, and the packet
that brought the first byte is where the message began. After bytes that are not in the capture the count is taken up
again at the end of the packet that tshark shows.

Header values are reduced by `dissectors.http.redact`, bodies of ActiveSync decoded by `dissectors.http.codings`: what
may be shown and how gzip works are no questions for two engines. Framing, pairing and sizes are tshark's.
"""

from analyzer.engines.tshark.halves import Half
from analyzer.engines.tshark.packets import HttpMessage, Packet
from dissectors.events import Request, Response, Transaction
from dissectors.http import keep_eas_body
from dissectors.http.codings import decode
from dissectors.http.redact import basic_user, redactor, without_userinfo

ALERT, APPLICATION_DATA = 21, 23
RECORD_HEADER_BYTES = 5  # RFC 8446 5.1
MAX_PENDING_REQUESTS = 64
MAX_OPEN_RANGES = 100_000  # records of one message

Range = tuple[int, int]
Place = tuple[int, int]  # frame, time


class Stretch:
    """The bytes of one side that belong to no finished message yet."""

    __slots__ = ("cursor", "interim_http", "interim_wire", "ranges")

    def __init__(self) -> None:
        self.cursor = 0  # position behind the last record or plain message
        self.ranges: list[Range] = []  # of TLS records with application data
        self.interim_wire = 0  # of 1xx responses, which count into the final one
        self.interim_http = 0

    def records(self, packet: Packet, brought: Range | None, half: Half) -> Place:
        """The TLS records that end in this packet; returns which packet brought the end of the last alert."""
        tls = packet.tls
        alerted = (packet.frame, packet.time_ns)
        if tls is None or not tls.lengths:
            return alerted
        total = sum(tls.lengths) + RECORD_HEADER_BYTES * len(tls.lengths)
        begin = brought[0] if brought is not None else self.cursor
        reach = half.contiguous(begin)
        if not begin < self.cursor + total <= reach:
            self.cursor = reach - total
        kinds = tls.contents if len(tls.contents) == len(tls.lengths) else (0,) * len(tls.lengths)
        for kind, length in zip(kinds, tls.lengths, strict=True):
            end = self.cursor + RECORD_HEADER_BYTES + length
            if kind == APPLICATION_DATA and len(self.ranges) < MAX_OPEN_RANGES:
                self.ranges.append((self.cursor, end))
            elif kind == ALERT:
                alerted = half.carrier(end - 1) or alerted
            self.cursor = end
        return alerted

    def plain(self, sizes: list[int], packet: Packet, brought: Range | None, half: Half) -> None:
        """Messages of these sizes end in this packet, no TLS around them."""
        total = sum(sizes)
        begin = brought[0] if brought is not None else self.cursor
        reach = half.contiguous(begin)
        if not begin < self.cursor + total <= reach:
            self.cursor = reach - total
        for size in sizes:
            self.ranges.append((self.cursor, self.cursor + size))
            self.cursor += size

    def divide(self, count: int, sizes: list[int]) -> list[tuple[list[Range], int]]:
        """The ranges and wire bytes of each of `count` messages that are complete now."""
        ranges, self.ranges = self.ranges, []
        if count == 1 or len(ranges) < count:
            wire = sum(end - begin for begin, end in ranges)
            rest = sizes[1:count]
            return [(ranges, max(0, wire - sum(rest))), *((ranges, size) for size in rest)]
        first = len(ranges) - count + 1
        parts = [ranges[:first], *([each] for each in ranges[first:])]
        return [(part, sum(end - begin for begin, end in part)) for part in parts]


class HttpReader:
    """The HTTP/1 messages of one connection, paired."""

    __slots__ = ("_connection_id", "_interim_for", "_number", "_pending", "seen", "stretches")

    def __init__(self, connection_id: int) -> None:
        self._connection_id = connection_id
        self._number = 0
        self._pending: list[tuple[int, Request, bool]] = []  # with the packet in which tshark shows it, body kept
        self._interim_for: int | None = None
        self.seen = False
        self.stretches = (Stretch(), Stretch())

    def take(self, side: int, packet: Packet, brought: Range | None, half: Half) -> list[Transaction]:
        """The messages that tshark shows in this packet; `side` is 0 for requests."""
        messages = packet.http
        stretch = self.stretches[side]
        sizes = [http_bytes(message) for message in messages]
        if len(sizes) == 1:
            whole = packet.tls.reassembled if packet.tls is not None else packet.tcp and packet.tcp.reassembled
            sizes = [whole or sizes[0]]
        if packet.tls is None:
            stretch.plain(sizes, packet, brought, half)
        done: list[Transaction] = []
        self.seen |= bool(messages)
        parts = stretch.divide(len(messages), sizes) if messages else []
        for message, size, (ranges, wire) in zip(messages, sizes, parts, strict=True):
            first, last = places(ranges, half, packet)
            if message.status is not None and 100 <= message.status < 200 and message.status != 101:
                stretch.interim_wire += wire
                stretch.interim_http += size
                self._interim_for = message.request_in  # tshark takes it for the answer; the final one then has none
                continue
            wire, size = wire + stretch.interim_wire, size + stretch.interim_http
            stretch.interim_wire = stretch.interim_http = 0
            if message.method is not None:
                self._request(message, first, last, (wire, size), packet.frame, done)
            else:
                self._response(message, first, last, (wire, size), done)
        half.forget(stretch.ranges[0][0] if stretch.ranges else stretch.cursor)
        return done

    def close(self) -> list[Transaction]:
        """The connection has ended: requests that nobody answered."""
        done: list[Transaction] = []
        while self._pending:
            self._emit(self._pending.pop(0)[1], None, done)
        return done

    def _request(
        self,
        message: HttpMessage,
        first: Place,
        last: Place,
        sizes: tuple[int, int],
        frame: int,
        done: list[Transaction],
    ) -> None:
        headers, user = fields(message.lines)
        keep = keep_eas_body(message.method or "", message.target, headers)
        body, decoded = content(message, headers, keep)
        target = message.target if message.target.startswith("/") else without_userinfo(message.target)
        request = Request(
            first[1], last[1], first[0], last[0], message.method or "", target, message.version, headers, user,
            *sizes, message.body_bytes, decoded, body, True,
        )  # fmt: skip
        self._pending.append((frame, request, keep))
        if len(self._pending) > MAX_PENDING_REQUESTS:
            self._emit(self._pending.pop(0)[1], None, done)

    def _response(
        self, message: HttpMessage, first: Place, last: Place, sizes: tuple[int, int], done: list[Transaction]
    ) -> None:
        headers, _ = fields(message.lines)
        asked, self._interim_for = message.request_in or self._interim_for, None
        place = next((place for place, (frame, _, _) in enumerate(self._pending) if frame == asked), None)
        request = None
        keep = keep_eas_body("", "", headers)
        if place is not None:
            _, request, keep = self._pending.pop(place)
        body, decoded = content(message, headers, keep)
        sent = message.body_bytes
        if request is not None and request.method == "HEAD":
            sent, body, decoded = 0, b"" if keep else None, 0
        response = Response(
            first[1], last[1], first[0], last[0], message.status or 0, message.reason, message.version, headers,
            *sizes, sent, decoded, body, True,
        )  # fmt: skip
        self._emit(request, response, done)

    def _emit(self, request: Request | None, response: Response | None, done: list[Transaction]) -> None:
        self._number += 1
        done.append(Transaction(self._connection_id, self._number, request, response))


def places(ranges: list[Range], half: Half, packet: Packet) -> tuple[Place, Place]:
    """The packets that brought the first and the last byte; this one where they cannot be told."""
    here = (packet.frame, packet.time_ns)
    if not ranges:
        return here, here
    return half.carrier(ranges[0][0]) or here, half.carrier(ranges[-1][1] - 1) or here


def fields(lines: tuple[str, ...]) -> tuple[dict[str, str], str | None]:
    """Headers with their secrets replaced, and the user of HTTP Basic."""
    found: dict[str, list[str]] = {}
    user = None
    for line in lines:
        raw, _, value = line.partition(":")
        name = raw.strip().lower()
        value = value.strip(" \t\r\n")
        if name == "authorization" and user is None:
            user = basic_user(value)
        found.setdefault(name, []).append(value)
    headers = {}
    for name, values in found.items():
        reduce = redactor(name)
        headers[name] = ", ".join(map(reduce, values) if reduce else values)
    return headers, user


def content(message: HttpMessage, headers: dict[str, str], keep: bool) -> tuple[bytes | None, int | None]:
    """The decoded body where it is kept, and its size where that can be told."""
    codings = headers.get("content-encoding", "")
    size = message.body_bytes
    if not keep:
        return None, size if not codings or not size else None
    return decoded(message.body if size else b"", codings, size)


def decoded(body: bytes | None, codings: str, size: int) -> tuple[bytes | None, int | None]:
    """A kept body with its codings undone."""
    if body is None:
        return None, size if not codings else None
    if codings:
        body, _ = decode(body, codings)
    return body, None if body is None else len(body)


def http_bytes(message: HttpMessage) -> int:
    """Head and body as sent. tshark does not keep how a chunk's size was written: the usual way is assumed."""
    if message.method is not None:
        start = f"{message.method} {message.target} HTTP/{message.version}\r\n"
    else:
        start = f"HTTP/{message.version} {message.status} {message.reason}\r\n"
    size = len(start) + sum(map(len, message.lines)) + 2
    if message.chunks:
        size += sum(len(f"{chunk:x}") + 4 + chunk for chunk in message.chunks)
        return size if not message.chunks[-1] else size + 5
    return size + (message.body_bytes)


def is_request_side(packet: Packet) -> bool | None:
    """Whether what tshark shows here was sent by a client; None when it does not tell."""
    for message in packet.http:
        return message.method is not None
    if packet.tls is not None:
        for hello in packet.tls.hellos:
            return hello.kind == 1
    return None
