"""The careful reader of HTTP/1.x messages: any split, any oddness (RFC 9112, RFC 9110). `connection` is its front.

Each side is a small machine:

    START ─ first byte ─▶ HEAD ─ empty line ─▶ BODY ─ end of body ─▶ START
      │                    │                    │
      └────────────────────┴────────────────────┴─▶ LOST ─ a piece that begins like a message ─▶ START

A side is LOST when what should begin a message does not look like one, when framing is broken, or when a gap hides
where the next message begins; whole pieces are then skipped. The client is HELD behind a request whose answer may
switch the protocol. Both are STOPPED once the bytes are no HTTP/1.x any more; where `switching` says what they are
instead, they are collected for whoever reads that.
"""

from dissectors.events import CLIENT, SERVER, Anomaly, Transaction
from dissectors.http.bodies import Body, Chunked, FixedLength, UntilClose
from dissectors.http.codings import decode
from dissectors.http.content import content
from dissectors.http.heads import (
    CHUNKED,
    EMPTY_LINE,
    MAX_HEAD_BYTES,
    UNSAID,
    UNUSABLE,
    NotAHead,
    RequestHead,
    ResponseHead,
    parse_oddly,
)
from dissectors.http.keep import KeepBody
from dissectors.http.messages import (
    BODY,
    HEAD,
    HELD,
    LOST,
    NO_FRAMING,
    START,
    STOPPED,
    Exchange,
    Message,
    Piece,
    Stream,
)
from dissectors.http.pairing import Pairing
from dissectors.http.reports import Reports
from dissectors.http.sniff import looks_like_http
from dissectors.http.switching import Backlog, Held, Switch, Upgraded, leads_to, may_switch, speaks_otherwise

HOPELESS_BYTES = 16 * 1024 * 1024  # without a single message: larger than the mail in whose middle a capture begins

_LEAST_CUT = 2  # bytes of a head that is not whole: the end of its empty line
_H2_PREFACE = b"PRI * HTTP/2.0"


class Machine:
    """Both sides of a connection, and what was noticed about them."""

    __slots__ = (
        "_client",
        "_deciding",
        "_keep_body",
        "_pairing",
        "_reports",
        "_server",
        "anomalies",
        "backlog",
        "hopeless",
        "interim_responses",
        "protocol",
        "skipped_bytes",
        "switch",
    )

    def __init__(self, connection_id: int, keep_body: KeepBody, number: int) -> None:
        self._reports = Reports(connection_id)
        self.anomalies: list[Anomaly] = self._reports.anomalies  # drained by the caller
        self.protocol: str | None = None  # "http/1.1", "http/2", "not_http"; None: nothing to tell by yet
        self.hopeless = False  # what follows is no HTTP/1.x: `close`, then look at `switch`
        self.switch: Switch | None = None  # what it is, if that can be read
        self.backlog = Backlog()  # of that as much as was fed here
        self.interim_responses = 0  # 1xx other than 101
        self.skipped_bytes = [0, 0]  # by side: what belongs to no message
        self._keep_body = keep_body
        self._client = Stream(CLIENT)
        self._server = Stream(SERVER)
        self._pairing = Pairing(connection_id)
        self._pairing.number = number
        self._deciding: Exchange | None = None  # whose answer may switch the protocol; the client is held

    @property
    def number(self) -> int:
        """Of the last transaction."""
        return self._pairing.number

    def _run(self, stream: Stream, data: bytes, position: int, piece: Piece, done: list[Transaction]) -> None:
        """Reads the piece from `position` to its end."""
        size = len(data)
        if stream.state == LOST and looks_like_http(stream.side, data) is not False:
            stream.state = START
        while position < size:
            if stream.state == BODY:
                message = stream.message
                assert message is not None
                framing = stream.framing
                start = position
                position = framing.feed(data, position, message.body)
                stream.account(message, position - start, piece)
                if framing.done:
                    if isinstance(framing, Chunked) and framing.bare_lf:
                        self._report("http_bare_lf", "lines of a chunked body end in LF without CR", piece)
                    self._finish(stream, True, done)
                elif framing.broken:
                    self._report("http_bad_chunk", "the framing of a chunked body is broken", piece)
                    self._finish(stream, False, done)
                    stream.lose("http_rubbish", piece[2], piece[3])
            elif stream.state in (START, HEAD):
                position = self._read_head(stream, data, position, piece, done)
            else:
                if stream.state == HELD or self.switch is not None:
                    self._hold(stream, data[position:], piece)
                else:
                    self._skip(stream, size - position)
                return

    def _read_head(self, stream: Stream, data: bytes, position: int, piece: Piece, done: list[Transaction]) -> int:
        """The head that begins or goes on at `position`, inside `data`; returns the position behind what was used."""
        buffer = stream.buffer
        known = len(buffer)
        if not known:
            start = position
            while position < len(data) and data[position] in b"\r\n":  # RFC 9112 2.2: empty lines before a message
                position += 1
            self._skip(stream, position - start)
            if position == len(data):
                return position
            if stream.message is None:
                stream.message = Message(piece)
            else:  # interim responses came before
                stream.message.restart(piece)
            stream.likely = False
            stream.state = HEAD
        message = stream.message
        assert message is not None
        limit = position + MAX_HEAD_BYTES + 1
        if known:
            buffer += data[position:limit]
            match = EMPTY_LINE.search(buffer, max(0, known - 2))
        else:
            match = EMPTY_LINE.search(data, position, limit)
        if match is None:
            if not known:
                buffer += data[position:limit]
            stream.account(message, len(buffer) - known, piece)
            position += len(buffer) - known
            self._judge_cut_head(stream, message, piece, done)
            return position
        head = bytes(buffer[: match.end()]) if known else data[position : match.end()]
        stream.account(message, len(head) - known, piece)
        position += len(head) - known
        buffer.clear()
        self._take_head(stream, message, head, piece, done)
        return position

    def _judge_cut_head(self, stream: Stream, message: Message, piece: Piece, done: list[Transaction]) -> None:
        """A head without its end so far: can it become one?"""
        if not stream.likely:
            likely = looks_like_http(stream.side, bytes(stream.buffer), expected=True)
            if likely is False:
                self._abandon(stream, message)
                return
            stream.likely = bool(likely)
        if len(stream.buffer) > MAX_HEAD_BYTES:
            self._report("http_head_too_large", f"a head is over {MAX_HEAD_BYTES} bytes", piece)
            self._cut(stream, done)
            stream.lose("http_rubbish", piece[2], piece[3])

    def _take_head(self, stream: Stream, message: Message, raw: bytes, piece: Piece, done: list[Transaction]) -> None:
        """A head with its empty line."""
        try:
            head, oddities = parse_oddly(raw, stream.side == CLIENT)
        except NotAHead:
            if stream.side == CLIENT and raw.startswith(_H2_PREFACE):
                stream.message = None
                self.backlog.add(
                    Held(CLIENT, raw, message.first_frame, message.first_ns, *piece[2:], message.wire_bytes)
                )
                self._switch(Switch("http/2"))
            else:
                self._abandon(stream, message)
            return
        for code, detail in oddities:
            self._report(code, detail, piece)
        self._open(message, head, done)

    def _open(self, message: Message, head: RequestHead | ResponseHead, done: list[Transaction]) -> None:
        if isinstance(head, RequestHead):
            self._open_request(message, head, self._keep_body(head.method, head.target, head.headers), done)
        else:
            self._open_response(message, head, done)

    def _open_request(self, message: Message, head: RequestHead, keep: bool, done: list[Transaction]) -> None:
        """The head of a request is known."""
        self.protocol = "http/1.1"
        self._found(self._client)
        message.head = head
        message.exchange = self._pairing.begin(head.method, keep, message.first_frame, self._answering(), done)
        if may_switch(head.method, head.headers):
            self._deciding = message.exchange
        self._frame_body(self._client, message, 0 if head.length == UNSAID else head.length, keep, done)

    def _answering(self) -> Exchange | None:
        """The exchange whose response is being read."""
        message = self._server.message
        return None if message is None else message.exchange

    def _open_response(self, message: Message, head: ResponseHead, done: list[Transaction]) -> None:
        """The head of a response is known."""
        stream = self._server
        self.protocol = "http/1.1"
        self._found(stream)
        status = head.status
        if 100 <= status < 200 and status != 101:  # RFC 9110 15.2: not the final one
            self.interim_responses += 1
            stream.message = message
            stream.state = HEAD
            return
        exchange = self._pairing.next_exchange()
        method = exchange.method if exchange else ""
        keep = exchange.keep if exchange else self._keep_body("", "", head.headers)
        message.head = head
        message.exchange = exchange
        if status == 101 or (method == "CONNECT" and 200 <= status < 300):
            self._leave(message, head, done)
            return
        bodiless = method == "HEAD" or status in (204, 304)  # RFC 9112 6.3
        self._frame_body(stream, message, 0 if bodiless else head.length, keep, done)
        if exchange is not None and exchange is self._deciding:
            self._release(done)

    def _leave(self, message: Message, head: ResponseHead, done: list[Transaction]) -> None:
        """Another protocol begins behind the head of this response."""
        stream, exchange = self._server, message.exchange
        to = leads_to(head.status, head.headers)
        if to == "http/2":
            stream.message = None
            upgraded = None
            if exchange is not None:
                self._pairing.pending.remove(exchange)
                counted = (message.http_bytes, message.wire_bytes)
                upgraded = Upgraded(exchange.request, exchange.method, exchange.keep, *counted)
            self._switch(Switch(to, upgraded))
            return
        self._frame_body(stream, message, 0, False, done)
        if to is not None:
            self._switch(Switch(to))
            return
        detail = "the protocol was switched (101); what follows is not read"
        self._report("http_switched", detail, (0, 0, message.last_frame, message.last_ns))
        self._stop()

    def _frame_body(self, stream: Stream, message: Message, length: int, keep: bool, done: list[Transaction]) -> None:
        stream.seen = True
        stream.message = message
        message.body = Body(keep)
        if length == 0:
            self._finish(stream, True, done)
        elif length == UNUSABLE:
            self._finish(stream, False, done)
            stream.lose("http_rubbish", message.last_frame, message.last_ns)
        else:
            stream.state = BODY
            stream.framing = (
                Chunked() if length == CHUNKED else UntilClose() if length == UNSAID else FixedLength(length)
            )

    def _finish(self, stream: Stream, complete: bool, done: list[Transaction]) -> None:
        """The stream's message is over, whole or cut."""
        message = stream.message
        assert message is not None
        stream.message = None
        stream.state = START
        stream.framing = NO_FRAMING
        head = message.head
        complete = complete and not message.missing

        def say(code: str, detail: str) -> None:
            self._reports.say(code, detail, message.last_frame, message.last_ns)

        body, decoded_bytes = content(message.body, head.codings if head is not None else "", complete, say)
        exchange = message.exchange
        if isinstance(head, RequestHead):
            assert exchange is not None
            self._pairing.request_done(exchange, message.request(head, body, decoded_bytes, complete), done)
            if exchange is self._deciding and exchange.response is None:
                stream.state = HELD
        elif head is not None:
            self._pairing.response_done(exchange, message.response(head, body, decoded_bytes, complete), done)

    def _cut(self, stream: Stream, done: list[Transaction], gap: int = 0, frame: int = 0) -> None:
        """No more bytes of the message that is being read: it ends as it is. Of a head, the complete lines count.

        `gap` bytes are missing behind it, up to or in `frame`. When a body of the length that the head declares has
        room in them, it is taken to be there; a snap length cuts away the rest of its own packet or record only.
        """
        message = stream.message
        if message is None:
            return
        if message.head is not None:
            self._finish(stream, False, done)
            return
        piece = (message.first_frame, message.first_ns, message.last_frame, message.last_ns)
        buffered = bytes(stream.buffer)
        stream.buffer.clear()
        try:
            head, oddities = parse_oddly(buffered[: buffered.rfind(b"\n") + 1], stream.side == CLIENT)
        except NotAHead:
            head = None
        if head is None or (isinstance(head, ResponseHead) and 100 <= head.status < 200):
            if buffered:
                self._report("http_cut_head", "a head is cut before its first line ends", piece)
            stream.message = None
            stream.state = START
            self._skip(stream, message.http_bytes)
            return
        for code, detail in oddities:
            self._report(code, detail, piece)
        message.missing = True
        self._open(message, head, done)
        if stream.message is not message:
            return
        framing = stream.framing
        if isinstance(framing, FixedLength) and framing.remaining + _LEAST_CUT <= gap:
            size = gap if frame == message.last_frame else framing.remaining
            framing.skip(framing.remaining, message.body)
            stream.miss(message, size)
        self._finish(stream, False, done)

    # Lost and found -------------------------------------------------------------------------------------------------

    def _abandon(self, stream: Stream, message: Message) -> None:
        """What was taken for the beginning of a message is none."""
        stream.message = None
        stream.buffer.clear()
        code = "http_rubbish" if stream.seen else "http_mid_message"
        stream.lose(code, message.first_frame, message.first_ns)
        self._skip(stream, message.http_bytes)

    def _skip(self, stream: Stream, count: int) -> None:
        self.skipped_bytes[stream.side] += count
        if stream.lost:
            stream.lost_bytes += count
            if self.protocol is None and sum(self.skipped_bytes) > HOPELESS_BYTES:
                self.protocol = "not_http"
                self._stop()

    def _found(self, stream: Stream) -> None:
        """A message begins, or the connection is over: say how many bytes before belong to none."""
        if stream.lost_bytes and stream.lost_code is not None and self.protocol == "http/1.1":
            where = "before the first message" if stream.lost_code == "http_mid_message" else "between messages"
            detail = f"{stream.lost_bytes} bytes {where} are no HTTP"
            self._report(stream.lost_code, detail, (0, 0, stream.lost_frame, stream.lost_ns))
        stream.lost = False
        stream.lost_code = None
        stream.lost_bytes = 0

    def _stop(self) -> None:
        self.hopeless = True
        self._client.state = self._server.state = STOPPED

    # Another protocol -----------------------------------------------------------------------------------------------

    def _switch(self, switch: Switch) -> None:
        """What follows is another protocol that can be read."""
        if switch.to == "http/2":
            self.protocol = "http/2"
        self.switch = switch
        self._stop()

    def _hold(self, stream: Stream, data: bytes, piece: Piece) -> None:
        """Bytes for another protocol, or those that a client sends while nobody knows which."""
        self.backlog.add(Held(stream.side, data, *piece, len(data) + stream.overhead))
        stream.overhead = 0
        if self.switch is None:
            self._judge_backlog()

    def _judge_backlog(self) -> None:
        """Where the answer is missing, what the client says then shows what it was."""
        pieces = self.backlog.pieces
        if self._pairing.doubt and pieces and speaks_otherwise(pieces[0].data):
            self._switch(Switch("tunnel"))
        elif self.backlog.full:
            self._give_up_backlog()

    def _give_up_backlog(self) -> None:
        """No answer will say what it is."""
        if self.switch is None and self.backlog.pieces:
            last = self.backlog.pieces[-1]
            self._client.lose("http_rubbish", last.last_frame, last.last_ns)
            self._skip(self._client, self.backlog.size)
            self.backlog.take()

    def _release(self, done: list[Transaction]) -> None:
        """The protocol stays: what the client sent meanwhile is HTTP after all."""
        self._deciding = None
        client = self._client
        if client.state != HELD:
            return
        client.state = START
        for held in self.backlog.take():
            if held.data:
                client.take(held.wire_bytes, len(held.data))
                self._run(client, held.data, 0, held[2:6], done)
            else:
                done += self.gap(CLIENT, held.missing, held.last_frame, held.last_ns)

    def gap(self, side: int, length: int | None, frame: int, time_ns: int) -> list[Transaction]:
        """`length` plaintext bytes of `side` are missing (None: an unknown number).

        `frame` is the one that a snap length cut, which was fed last, or the one behind the gap.
        """
        stream = self._client if side == CLIENT else self._server
        done: list[Transaction] = []
        if stream.state == HELD or (stream.state == STOPPED and self.switch is not None):
            self.backlog.add(Held(side, b"", frame, time_ns, frame, time_ns, 0, length))
            return done
        if stream.state == STOPPED or length == 0:
            return done
        message = stream.message
        if stream.state == BODY and message is not None and stream.framing.skip(length, message.body):
            message.missing = True
            stream.miss(message, length or 0)
            if stream.framing.done:
                self._finish(stream, False, done)
            return done
        self._cut(stream, done, length or 0, frame)
        stream.lose(None, frame, time_ns)
        if side != CLIENT:
            self._pairing.responses_missing(done)
            self._judge_backlog()
        return done

    def _decode(self, body: bytes, codings: str, frame: int, time_ns: int) -> bytes | None:
        decoded, problem = decode(body, codings)
        if problem:
            self._report("http_bad_coding", problem, (0, 0, frame, time_ns))
        return decoded

    def _report(self, code: str, detail: str, piece: Piece) -> None:
        """Says it at the last packet of the piece."""
        self._reports.say(code, detail, piece[2], piece[3])
