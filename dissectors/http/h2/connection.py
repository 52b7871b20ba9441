"""One HTTP/2 connection, both directions: in-order plaintext in, `Transaction` out (RFC 9113).

    framing   cuts the bytes into frames          fields    header blocks → fields (HPACK)
    heads     fields → request and response       streams   one message each way → Transaction

Each stream is a transaction of its own, yielded when it is over: both sides ended it, one of them reset it, or the
connection ended. Streams that were not answered are yielded then, without response.

Sizes: `http_bytes` are the frames HEADERS, CONTINUATION, DATA and RST_STREAM of a message with their headers,
`body_bytes` the content of DATA without padding, `wire_bytes` what carried those frames (`framing` says how a TLS
record is shared). Frames of the connection and of streams that are over count as `outside_bytes` and `outside_wire`.
All wire bytes fed are in one of them. Interim responses (1xx) count into the final one, trailers into their message.

A reader in the middle never sees a table of header fields from its beginning: fields that cannot be known are left
out, and an anomaly says so once. Left out: flow control, priorities, the fields of trailers, what is inside a CONNECT
stream or behind RFC 8441. A pushed response has no request.
"""

from typing import Final

from dissectors.events import CLIENT, SERVER, Anomaly, GoAway, StreamReset, Transaction
from dissectors.http.bodies import Body
from dissectors.http.h2.direction import Direction
from dissectors.http.h2.fields import Block
from dissectors.http.h2.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    LARGEST_MAX_LENGTH,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    bad_frame,
)
from dissectors.http.h2.framing import BEGIN, LOST, STOPPED, Part, Where
from dissectors.http.h2.heads import request_head, response_head
from dissectors.http.h2.registry import MAX_STREAMS, Registry
from dissectors.http.h2.streams import Half, Stream
from dissectors.http.heads import UNSAID, RequestHead
from dissectors.http.keep import KeepBody, keep_eas_body
from dissectors.http.reports import Reports
from dissectors.http.switching import Upgraded

MAX_KEPT_BYTES: Final = 128 * 1024 * 1024  # of bodies of open streams
RAPID_RESETS: Final = 100  # unanswered requests in a row that the client cancelled within RAPID_NS
RAPID_NS: Final = 1_000_000_000

_MAX_FRAME_SIZE: Final = 5  # RFC 9113 6.5.2
_OF_MESSAGES: Final = (HEADERS, DATA, CONTINUATION)
_WITH_BLOCK: Final = (HEADERS, CONTINUATION, PUSH_PROMISE)


class Http2Connection:
    """Feed it the plaintext of one connection in the order of the capture. No input makes it raise."""

    __slots__ = (
        "_connection_id",
        "_directions",
        "_keep_body",
        "_kept",
        "_rapid",
        "_reports",
        "_stray_bytes",
        "_streams",
        "_where",
        "goaways",
        "hopeless",
        "protocol",
    )

    def __init__(
        self,
        connection_id: int,
        keep_body: KeepBody = keep_eas_body,
        *,
        number: int = 0,
        upgraded: Upgraded | None = None,
    ) -> None:
        """`keep_body` as in `HttpConnection`; `number`: transactions that the connection had before."""
        self.protocol = "http/2"
        self.hopeless = False  # neither side can be read any more
        self.goaways: list[GoAway] = []
        self._connection_id = connection_id
        self._keep_body = keep_body
        self._reports = Reports(connection_id)
        self._directions = (Direction(CLIENT), Direction(SERVER))
        self._streams = Registry(number)
        self._kept = 0  # bytes of bodies
        self._rapid = 0
        self._stray_bytes = 0  # DATA of streams that began before the capture
        self._where: Where = (0, 0, 0, 0)
        if upgraded is not None:
            self._upgrade(upgraded)

    @property
    def anomalies(self) -> list[Anomaly]:
        """Drained by the caller."""
        return self._reports.anomalies

    @property
    def outside_bytes(self) -> tuple[int, int]:
        """By side: plaintext that belongs to no transaction."""
        client, server = self._directions
        return client.framer.outside_bytes, server.framer.outside_bytes

    @property
    def outside_wire(self) -> tuple[int, int]:
        """By side: what carried it."""
        client, server = self._directions
        return client.framer.outside_wire, server.framer.outside_wire

    def feed(
        self, side: int, data: bytes, first_frame: int, first_ns: int, last_frame: int, last_ns: int, wire_bytes: int
    ) -> list[Transaction]:
        """As `HttpConnection.feed`."""
        done: list[Transaction] = []
        direction = self._directions[side]
        framer = direction.framer
        self._where = (first_frame, first_ns, last_frame, last_ns)
        began, was_lost = framer.state != BEGIN, framer.state == LOST
        framer.load(data, self._where, wire_bytes)
        while (part := framer.next()) is not None:
            if not began and not framer.from_start:
                direction.table.lose()
            began = True
            self._take(direction, side, part, data, done)
            if framer.notes:
                self._after_framing(direction, side)
        if framer.notes or (framer.state == LOST and not was_lost):
            self._after_framing(direction, side)
        return done

    def gap(self, side: int, length: int | None, frame: int, time_ns: int) -> list[Transaction]:
        """As `HttpConnection.gap`."""
        done: list[Transaction] = []
        if length == 0:
            return done
        direction = self._directions[side]
        self._where = (frame, time_ns, frame, time_ns)
        part = direction.framer.gap(length)
        if part is not None:
            self._take(direction, side, part, b"", done)
        else:
            self._lose(direction, side)
        return done

    def unused(self, side: int) -> int:
        """As `HttpConnection.unused`: every byte may be a frame."""
        return 0

    def pass_over(self, side: int, count: int, frame: int, time_ns: int) -> None:
        """As `HttpConnection.pass_over`; never called, as nothing is unused."""

    def fin(self, side: int) -> list[Transaction]:
        """As `HttpConnection.fin`: what ends a message here is a frame, not the end of the connection."""
        return []

    def close(self, time_ns: int) -> list[Transaction]:
        """The connection or the capture is over: yields the streams that are open."""
        done: list[Transaction] = []
        for direction in self._directions:
            direction.framer.drop_header()
            if direction.in_block:
                self._say("http_cut_head", "a header block is cut")
        for stream in self._streams.all():
            self._finish(stream, None, done)
        if self._stray_bytes:
            detail = f"{self._stray_bytes} bytes of bodies belong to streams whose beginning is not in the capture"
            self._say("http_mid_message", detail)
            self._stray_bytes = 0
        return done

    # Frames -----------------------------------------------------------------------------------------------------------

    def _take(self, direction: Direction, side: int, part: Part, data: bytes, done: list[Transaction]) -> None:
        """One frame, or what a piece or a gap has of it."""
        kind = part.kind
        if part.opens:
            problem = bad_frame(kind, part.flags, part.stream_id, part.length)
            if direction.in_block and (kind != CONTINUATION or part.stream_id != direction.stream_id):
                direction.drop()  # RFC 9113 6.2: nothing may come between
                problem = "a header block is not continued"
            elif kind == CONTINUATION and not direction.in_block:
                direction.drop()
                problem = "CONTINUATION without a header block"
            if problem:
                self._say("http2_bad_frame", problem)
        stream = self._stream_of(side, part, done)
        half = None if stream is None else stream.halves[side]
        if half is not None and kind in _OF_MESSAGES:
            half.account(part, self._where)
        elif half is not None and kind == RST_STREAM and half.http_bytes:
            half.http_bytes += part.size
            half.wire_bytes += part.wire_bytes
        else:
            direction.framer.outside(part.size, part.wire_bytes)
        if kind == DATA:
            self._data(stream, side, part, data, done)
        elif kind in _WITH_BLOCK:
            if part.payload is not None and (wrong := direction.add(part)):
                self._say(*wrong)
            if part.ends and part.flags & END_HEADERS and direction.in_block:
                self._block_done(direction, side, done)
        elif part.payload is not None and not part.cut:
            if kind == RST_STREAM and stream is not None and part.length == 4:
                self._reset(stream, side, part.payload, done)
            elif kind == SETTINGS:
                self._settings(side, part.payload)
            elif kind == GOAWAY:
                self._goaway(side, part.payload)

    def _stream_of(self, side: int, part: Part, done: list[Transaction]) -> Stream | None:
        """The open stream of a frame; HEADERS open one that is not known."""
        stream_id = part.stream_id
        stream = self._streams.get(stream_id)
        if (
            stream is not None
            or part.kind != HEADERS
            or not part.opens
            or not stream_id
            or self._streams.is_over(stream_id)
            or (side == CLIENT and stream_id % 2 == 0)
        ):
            return stream
        stream = self._streams.open(stream_id)
        if side == CLIENT:
            for early in self._streams.passed_by(stream_id):
                self._finish(early, None, done)
        surplus = self._streams.surplus()
        if surplus is not None:
            self._say("http2_too_many_streams", f"more than {MAX_STREAMS} streams are open: the oldest are given up")
            self._finish(surplus, None, done)
        return stream

    def _data(self, stream: Stream | None, side: int, part: Part, data: bytes, done: list[Transaction]) -> None:
        if stream is None:
            if not self._streams.is_over(part.stream_id):
                self._stray_bytes += part.end - part.start
            return
        half = stream.halves[side]
        if not half.ended:
            self._body_part(half, part, data)
        if part.ends and part.flags & END_STREAM:
            self._ended(stream, side, done)

    def _body_part(self, half: Half, part: Part, data: bytes) -> None:
        """Content of DATA, or that which a gap took."""
        body = half.body
        before = body.size if body.pieces is not None else 0
        half.missing = half.missing or part.cut
        if part.missing:
            body.miss(part.missing)
        if part.end > part.start:
            if body.pieces is not None and self._kept + part.end - part.start > MAX_KEPT_BYTES:
                body.too_large = True
                body.pieces = None
            body.add(data, part.start, part.end)
        self._kept += (body.size if body.pieces is not None else 0) - before

    def _reset(self, stream: Stream, side: int, payload: bytes, done: list[Transaction]) -> None:
        """RST_STREAM (RFC 9113 6.4)."""
        _, _, frame, time_ns = self._where
        reset = StreamReset(side, frame, time_ns, int.from_bytes(payload, "big"))
        if side == CLIENT and not stream.answered and time_ns - stream.halves[CLIENT].first_ns < RAPID_NS:
            self._rapid += 1
            if self._rapid == RAPID_RESETS:
                detail = f"the client cancelled {RAPID_RESETS} requests in a row, each within a second"
                self._say("http2_rapid_reset", detail)
        else:
            self._rapid = 0
        self._finish(stream, reset, done)

    def _settings(self, side: int, payload: bytes) -> None:
        """Only the size of the other side's frames matters here."""
        for position in range(0, len(payload) - 5, 6):
            if int.from_bytes(payload[position : position + 2], "big") == _MAX_FRAME_SIZE:
                value = int.from_bytes(payload[position + 2 : position + 6], "big")
                framer = self._directions[1 - side].framer
                framer.max_length = min(max(value, framer.max_length), LARGEST_MAX_LENGTH)

    def _goaway(self, side: int, payload: bytes) -> None:
        _, _, frame, time_ns = self._where
        last_stream_id = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF
        error_code = int.from_bytes(payload[4:8], "big")
        if len(self.goaways) < 8:
            self.goaways.append(GoAway(side, frame, time_ns, last_stream_id, error_code))
        if error_code:
            who = "server" if side else "client"
            detail = f"the {who} gives the connection up with error {error_code}, last stream {last_stream_id}"
            self._say("http2_goaway", detail)

    # Heads ------------------------------------------------------------------------------------------------------------

    def _block_done(self, direction: Direction, side: int, done: list[Transaction]) -> None:
        """A header block is whole, or as whole as it gets, and says something about its stream."""
        block, cut = direction.done()
        if block.problem:
            self._say("http2_bad_header_block", block.problem)
        if block.too_large:
            self._say("http_head_too_large", "a header block has more fields than are kept")
        if block.unknown:
            self._say(
                "http2_unknown_fields",
                "header fields refer to a table whose beginning is not in the capture; they are left out",
            )
        if direction.kind == PUSH_PROMISE:
            self._say("http2_push", "the server pushes responses that nobody asked for; they have no request")
            return
        stream = self._streams.get(direction.stream_id)
        if stream is None:
            return
        half = stream.halves[side]
        if not half.ended:
            half.missing = half.missing or cut or bool(block.problem)
        if half.head is None:
            if side == CLIENT:
                self._request(stream, half, block, done)
            elif not self._response(stream, half, block, direction.flags):
                return
        if direction.flags & END_STREAM:
            self._ended(stream, side, done)

    def _request(self, stream: Stream, half: Half, block: Block, done: list[Transaction]) -> None:
        odd: dict[str, str] = {}
        head = request_head(block.fields, odd)
        known = not block.unknown and not half.missing
        if not head.method and known:
            odd["http2_bad_field"] = "a request without :method"
        self._begin(stream, half, known, odd)
        half.head = head
        stream.method = head.method
        stream.keep = self._keep_body(head.method, head.target, head.headers)
        half.body = Body(stream.keep)

    def _response(self, stream: Stream, half: Half, block: Block, flags: int) -> bool:
        """False for an interim response."""
        odd: dict[str, str] = {}
        head = response_head(block.fields, odd)
        known = not block.unknown and not half.missing
        if 100 <= head.status < 200 and not flags & END_STREAM:
            half.restart()
            return False
        if not head.status and known:
            odd.setdefault("http2_bad_field", "a response without :status")
        self._begin(stream, half, known, odd)
        half.head = head
        if stream.keep is None:
            stream.keep = self._keep_body("", "", head.headers)
        half.body = Body(stream.keep)
        self._rapid = 0
        return True

    def _begin(self, stream: Stream, half: Half, known: bool, odd: dict[str, str]) -> None:
        """A head is there."""
        half.codings_known = known
        self._streams.begin(stream)
        for code, detail in odd.items():
            self._say(code, detail)

    # Streams ----------------------------------------------------------------------------------------------------------

    def _upgrade(self, upgraded: Upgraded) -> None:
        stream = self._streams.open(1)
        self._streams.begin(stream)
        stream.upgraded, stream.method, stream.keep = upgraded.request, upgraded.method, upgraded.keep
        stream.halves[CLIENT].ended = True
        answer = stream.halves[SERVER]
        answer.http_bytes, answer.wire_bytes = upgraded.http_bytes, upgraded.wire_bytes

    def _ended(self, stream: Stream, side: int, done: list[Transaction]) -> None:
        """A side has ended its half of the stream."""
        half = stream.halves[side]
        if half.ended:
            return
        half.ended = True
        head = half.head
        if (
            head is not None
            and head.length not in (UNSAID, half.body.size)
            and not half.missing
            and (isinstance(head, RequestHead) or (stream.method != "HEAD" and head.status != 304))
        ):
            detail = f"a body has {half.body.size} bytes, content-length says {head.length}"
            self._say("http2_wrong_length", detail)
        self._kept -= half.close(self._reports.say)
        if stream.halves[CLIENT].ended and stream.halves[SERVER].ended:
            self._finish(stream, None, done)
        elif side == SERVER and stream.orphan:
            pushed = stream.stream_id % 2 == 0
            given_up = stream if pushed else self._streams.answered_early(stream)
            if given_up is not None:
                self._finish(given_up, None, done)

    def _finish(self, stream: Stream, reset: StreamReset | None, done: list[Transaction]) -> None:
        """The stream is over."""
        self._streams.close(stream)
        for half in stream.halves:
            self._kept -= half.close(self._reports.say)
        transaction = stream.transaction(self._connection_id, reset)
        if transaction is not None:
            done.append(transaction)
        for side, half in enumerate(stream.halves):
            if transaction is None or transaction[2 + side] is None or (side == CLIENT and stream.upgraded):
                self._directions[side].framer.outside(half.http_bytes, half.wire_bytes)

    # Lost and found ---------------------------------------------------------------------------------------------------

    def _after_framing(self, direction: Direction, side: int) -> None:
        """The framer noticed something, or lost its step."""
        framer = direction.framer
        for code, detail in framer.notes:
            self._say(code, f"{detail} ({'server' if side else 'client'})" if code == "http2_lost" else detail)
        framer.notes.clear()
        if framer.state in (LOST, STOPPED):
            self._lose(direction, side)

    def _lose(self, direction: Direction, side: int) -> None:
        """Frames of a side are missing: what is being sent is not whole, and nobody knows what blocks said."""
        direction.drop()
        for stream in self._streams.all():
            half = stream.halves[side]
            if not half.ended and half.http_bytes:
                half.missing = True
        self.hopeless = all(each.framer.state == STOPPED for each in self._directions)

    def _say(self, code: str, detail: str) -> None:
        self._reports.say(code, detail, self._where[2], self._where[3])
