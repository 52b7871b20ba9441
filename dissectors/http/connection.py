"""One HTTP/1.x connection, both directions: in-order plaintext in, `Transaction` out (RFC 9112, RFC 9110).

Nearly every message of a push connection is one piece of one side, whose head was seen before but for a few values:
`_start_request` and `_start_response` build those without detours. All others go through `machine`.

Sizes add up: each byte fed belongs to one message or to `skipped_bytes`, and what a piece has on the wire beyond its
plaintext (TLS) belongs to the first message in it. Bytes that are missing inside a body whose framing stays known are
counted as sent; the message is then not complete. Interim responses (1xx) count into the final one.

Left out: the fields of trailers. HTTP/2 and what is inside a tunnel are others' business: `switching`.
"""

from typing import ClassVar

from dissectors.events import CLIENT, SERVER, GoAway, Request, Response, Transaction
from dissectors.http.bodies import FixedLength, UntilClose, lone_chunk
from dissectors.http.heads import (
    CHUNKED,
    MAX_HEAD_BYTES,
    UNSAID,
    OddHead,
    RequestHead,
    ResponseHead,
    parse_fields,
    request_line,
    status_line,
)
from dissectors.http.keep import KeepBody, keep_eas_body
from dissectors.http.machine import Machine
from dissectors.http.messages import BODY, START, STOPPED, Exchange, Message
from dissectors.http.templates import NOTHING, Found, Template, Templates, latest, learn

__all__ = ["HttpConnection", "keep_eas_body"]

_Asked = tuple[bytes, str, str, str, Template, bool]  # request line; method, target, version; fields; bodies wanted
_Answered = tuple[bytes, int, str, str, Template]  # status line; status, reason, version; fields
_NOT_ASKED: _Asked = (b"", "", "", "", NOTHING, False)
_NOT_ANSWERED: _Answered = (b"", 0, "", "", NOTHING)

_new = tuple.__new__  # of a named tuple: half the time of calling the class


class HttpConnection(Machine):
    """Feed it the plaintext of one connection in the order of the capture, and it yields transactions.

    Any split of the same bytes gives the same transactions (frames and times apart). No input makes it raise.
    """

    goaways: ClassVar[tuple[GoAway, ...]] = ()  # HTTP/2 has them

    __slots__ = ("_answered", "_answers", "_asked", "_asks")

    def __init__(self, connection_id: int, keep_body: KeepBody = keep_eas_body, number: int = 0) -> None:
        """`keep_body(method, target, request headers)` says whether both bodies of a transaction are kept and decoded.

        It is asked again only when the request line or a header that `templates` takes for deciding is another one. For
        a response without its request it is called with an empty method and target and the response's headers.
        `number`: transactions that the connection had before.
        """
        super().__init__(connection_id, keep_body, number)
        self._asked = _NOT_ASKED  # the last request head
        self._asks: Templates = ()
        self._answered = _NOT_ANSWERED  # the last response head
        self._answers: Templates = ()

    def feed(
        self, side: int, data: bytes, first_frame: int, first_ns: int, last_frame: int, last_ns: int, wire_bytes: int
    ) -> list[Transaction]:
        """`data` is the next plaintext of `side`: the content of a TLS record or a TCP segment, any split will do.

        Frames and times are those of the first and the last packet that carried it; `wire_bytes` is the TCP payload
        that did, TLS overhead included.
        """
        if side == CLIENT:
            stream = self._client
            if stream.state == START:
                return self._start_request(data, first_frame, first_ns, last_frame, last_ns, wire_bytes)
        else:
            stream = self._server
            if stream.state == START:
                return self._start_response(data, first_frame, first_ns, last_frame, last_ns, wire_bytes)
        done: list[Transaction] = []
        stream.take(wire_bytes, len(data))
        self._run(stream, data, 0, (first_frame, first_ns, last_frame, last_ns), done)
        return done

    def unused(self, side: int) -> int:
        """How many of the next bytes of `side` are body that is only counted: `pass_over` does that without them."""
        stream = self._client if side == CLIENT else self._server
        message, framing = stream.message, stream.framing
        if (
            stream.state != BODY
            or message is None
            or message.body.pieces is not None
            or not isinstance(framing, FixedLength)
        ):
            return 0
        return framing.remaining - 1  # the last byte ends the message and must come through `feed`

    def pass_over(self, side: int, count: int, frame: int, time_ns: int) -> None:
        """`count` bytes of `side` came, no more than are `unused`; the last of them in `frame`."""
        stream = self._client if side == CLIENT else self._server
        assert stream.message is not None
        assert isinstance(stream.framing, FixedLength)
        stream.framing.remaining -= count
        stream.message.body.size += count
        stream.account(stream.message, count, (frame, time_ns, frame, time_ns))

    def fin(self, side: int) -> list[Transaction]:
        """`side` ended its stream in order (FIN or close_notify): a body that lasts until then is whole."""
        stream = self._client if side == CLIENT else self._server
        done: list[Transaction] = []
        if stream.state == BODY and isinstance(stream.framing, UntilClose):
            self._finish(stream, True, done)
        else:
            self._cut(stream, done)
        return done

    def close(self, time_ns: int) -> list[Transaction]:
        """The connection or the capture is over: yields what is pending, messages cut and requests without answer."""
        done: list[Transaction] = []
        self._give_up_backlog()
        for stream in (self._client, self._server):
            self._cut(stream, done)
            self._found(stream)
            stream.state = STOPPED
        self._pairing.close(done)
        if self.protocol is None and any(self.skipped_bytes):
            self.protocol = "not_http"
        return done

    # Messages that begin with a piece -------------------------------------------------------------------------------

    def _start_request(
        self, data: bytes, first_frame: int, first_ns: int, last_frame: int, last_ns: int, wire_bytes: int
    ) -> list[Transaction]:
        """A piece that begins a request, which it holds whole more often than not."""
        line, method, target, version, template, keep = self._asked
        found = template.match(data, len(line)) if line and data.startswith(line) else None
        done: list[Transaction] = []
        if found is None:
            try:
                found = self._known_request(data) or self._new_request(data)
            except OddHead:
                self._client.take(wire_bytes, len(data))
                self._run(self._client, data, 0, (first_frame, first_ns, last_frame, last_ns), done)
                return done
            _, method, target, version, _, keep = self._asked
        headers, user, length, codings, body_start = found
        size = len(data) - body_start
        if length != size and (size or length != UNSAID):
            head = RequestHead(method, target, version, headers, user, length, codings)
            piece = (first_frame, first_ns, last_frame, last_ns)
            self._client.take(wire_bytes, len(data))
            message = Message(piece)
            self._client.account(message, body_start, piece)
            self._open_request(message, head, keep, done)
            self._run(self._client, data, body_start, piece, done)
            return done
        pairing = self._pairing
        if pairing.pending or pairing.careful:
            exchange = pairing.begin(method, keep, first_frame, self._answering(), done)
        else:
            exchange = Exchange(method, keep)
            pairing.pending.append(exchange)
        body: bytes | None = None
        decoded_bytes: int | None = size
        if keep:
            body = data[body_start:]
            if codings:
                body = self._decode(body, codings, last_frame, last_ns)
                decoded_bytes = None if body is None else len(body)
        elif codings and size:
            decoded_bytes = None
        request = _new(
            Request,
            (
                first_ns, last_ns, first_frame, last_frame, method, target, version, headers, user,
                wire_bytes, len(data), size, decoded_bytes, body, True,
            ),
        )  # fmt: skip
        if exchange.response is None:
            exchange.request = request
        else:
            pairing.request_done(exchange, request, done)
        return done

    def _start_response(
        self, data: bytes, first_frame: int, first_ns: int, last_frame: int, last_ns: int, wire_bytes: int
    ) -> list[Transaction]:
        """A piece that begins a response, which it holds whole more often than not."""
        line, status, reason, version, template = self._answered
        found = template.match(data, len(line)) if line and data.startswith(line) else None
        if found is None:
            try:
                found = self._known_response(data) or self._new_response(data)
            except OddHead:
                done: list[Transaction] = []
                self._server.take(wire_bytes, len(data))
                self._run(self._server, data, 0, (first_frame, first_ns, last_frame, last_ns), done)
                return done
            _, status, reason, version, _ = self._answered
        headers, _, length, codings, head_end = found
        body_start, body_end = head_end, len(data)
        chunk = lone_chunk(data, body_start) if length == CHUNKED else None
        if chunk is not None:
            body_start, body_end = chunk
        size = body_end - body_start
        pairing = self._pairing
        if (
            (length == size or chunk is not None)
            and pairing.pending
            and status >= 200
            and (not size or status not in (204, 304))
        ):
            exchange = pairing.pending[0]
            request = exchange.request
            if request is not None and exchange is not self._deciding and exchange.method not in ("HEAD", "CONNECT"):
                body: bytes | None = None
                decoded_bytes: int | None = size
                if exchange.keep:
                    body = data[body_start:body_end]
                    if codings:
                        body = self._decode(body, codings, last_frame, last_ns)
                        decoded_bytes = None if body is None else len(body)
                elif codings and size:
                    decoded_bytes = None
                self._server.seen = True
                pairing.doubt = False
                del pairing.pending[0]
                pairing.number += 1
                response = _new(
                    Response,
                    (
                        first_ns, last_ns, first_frame, last_frame, status, reason, version, headers,
                        wire_bytes, len(data), size, decoded_bytes, body, True,
                    ),
                )  # fmt: skip
                return [_new(Transaction, (pairing.connection_id, pairing.number, request, response, None, None))]
        done = []
        piece = (first_frame, first_ns, last_frame, last_ns)
        self._server.take(wire_bytes, len(data))
        message = Message(piece)
        self._server.account(message, head_end, piece)
        self._open_response(message, ResponseHead(status, reason, version, headers, length, codings), done)
        self._run(self._server, data, head_end, piece, done)
        return done

    def _known_request(self, data: bytes) -> Found | None:
        """The head of a request, when it fits to another than the last one. Raises `OddHead`."""
        line = data[: data.find(b"\r")]
        for template in self._asks or latest(CLIENT):
            found = template.match(data, len(line))
            if found is not None:
                start = request_line(line)
                if found[2] == CHUNKED and start[2] == "1.0":
                    raise OddHead
                self._asked = (line, *start, template, self._keep_body(start[0], start[1], found[0]))
                if not self._asks:
                    self._asks = (template,)
                    self.protocol = "http/1.1"
                    self._client.seen = True
                return found
        return None

    def _new_request(self, data: bytes) -> Found:
        """The head of a request that is read for the first time. Raises `OddHead` when it is not regular."""
        line, block = _whole_head(data)
        start = request_line(line)
        fields = parse_fields(block[2:-4], True)
        if "upgrade" in fields.headers or (fields.length == CHUNKED and start[2] == "1.0"):
            raise OddHead  # what follows may be another protocol; chunked is not for 1.0
        template, self._asks = learn(block, fields, self._asks, CLIENT)
        self._asked = (line, *start, template, self._keep_body(start[0], start[1], fields.headers))
        self.protocol = "http/1.1"
        self._client.seen = True
        return *fields, len(line) + len(block)

    def _known_response(self, data: bytes) -> Found | None:
        """The same for a response."""
        line = data[: data.find(b"\r")]
        for template in self._answers or latest(SERVER):
            found = template.match(data, len(line))
            if found is not None:
                start = status_line(line)
                if found[2] == CHUNKED and start[2] == "1.0":
                    raise OddHead
                self._answered = (line, *start, template)
                self._answers = self._answers or (template,)
                return found
        return None

    def _new_response(self, data: bytes) -> Found:
        """The same for a response."""
        line, block = _whole_head(data)
        start = status_line(line)
        fields = parse_fields(block[2:-4], False)
        if fields.length == CHUNKED and start[2] == "1.0":
            raise OddHead
        template, self._answers = learn(block, fields, self._answers, SERVER)
        self._answered = (line, *start, template)
        return *fields, len(line) + len(block)


def _whole_head(data: bytes) -> tuple[bytes, bytes]:
    """The start line, and from its CRLF to the empty line, of the head that `data` begins with."""
    end = data.find(b"\r\n\r\n")
    if not 0 <= end <= MAX_HEAD_BYTES:
        raise OddHead
    line_end = data.find(b"\r\n", 0, end + 2)
    return data[:line_end], data[line_end : end + 4]
