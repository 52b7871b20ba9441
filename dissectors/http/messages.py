"""What a connection remembers while messages are on their way: sides, messages, exchanges."""

from dissectors.events import Request, Response
from dissectors.http.bodies import Body, FixedLength, Framing
from dissectors.http.heads import RequestHead, ResponseHead

START, HEAD, BODY, LOST, STOPPED, HELD = range(6)  # states of a Stream, see `machine`

Piece = tuple[int, int, int, int]  # first frame, its time, last frame, its time
NO_BODY = Body(False)
NO_FRAMING = FixedLength(0)


class Exchange:
    """A request on its way to its answer."""

    __slots__ = ("keep", "method", "request", "response")

    def __init__(self, method: str, keep: bool) -> None:
        self.method = method
        self.keep = keep
        self.request: Request | None = None  # None while it is being sent
        self.response: Response | None = None  # it came before the request's end


class Message:
    """A message that is being read."""

    __slots__ = (
        "body",
        "exchange",
        "first_frame",
        "first_ns",
        "head",
        "http_bytes",
        "last_frame",
        "last_ns",
        "missing",
        "wire_bytes",
    )

    def __init__(self, piece: Piece) -> None:
        self.first_frame, self.first_ns, self.last_frame, self.last_ns = piece
        self.wire_bytes = 0
        self.http_bytes = 0
        self.head: RequestHead | ResponseHead | None = None
        self.exchange: Exchange | None = None  # that it is part of; None for a response whose request was not seen
        self.body = NO_BODY
        self.missing = False  # some of its bytes were not captured

    def restart(self, piece: Piece) -> None:
        """An interim response is over and the final one begins: its times count, the bytes of both do."""
        self.first_frame, self.first_ns, self.last_frame, self.last_ns = piece

    def request(self, head: RequestHead, body: bytes | None, decoded_bytes: int | None, complete: bool) -> Request:
        """As an event."""
        return Request(
            self.first_ns,
            self.last_ns,
            self.first_frame,
            self.last_frame,
            head.method,
            head.target,
            head.version,
            head.headers,
            head.user,
            self.wire_bytes,
            self.http_bytes,
            self.body.size,
            decoded_bytes,
            body,
            complete,
        )

    def response(self, head: ResponseHead, body: bytes | None, decoded_bytes: int | None, complete: bool) -> Response:
        """As an event."""
        return Response(
            self.first_ns,
            self.last_ns,
            self.first_frame,
            self.last_frame,
            head.status,
            head.reason,
            head.version,
            head.headers,
            self.wire_bytes,
            self.http_bytes,
            self.body.size,
            decoded_bytes,
            body,
            complete,
        )


class Stream:
    """One side of a connection."""

    __slots__ = (
        "ahead",
        "buffer",
        "framing",
        "likely",
        "lost",
        "lost_bytes",
        "lost_code",
        "lost_frame",
        "lost_ns",
        "message",
        "overhead",
        "seen",
        "side",
        "state",
    )

    def __init__(self, side: int) -> None:
        self.side = side
        self.state = START
        self.message: Message | None = None
        self.buffer = bytearray()  # an incomplete head
        self.likely = False  # the buffer does begin like a message
        self.framing: Framing = NO_FRAMING
        self.overhead = 0  # wire bytes of the piece that are no plaintext, for the first message that takes from it
        self.ahead = 0  # wire bytes of the piece and those behind it that the piece brought in excess of its plaintext
        self.seen = False  # it had a message
        self.lost = False  # bytes are being skipped, from here on and for this reason (None: a gap, others report it):
        self.lost_code: str | None = None
        self.lost_bytes = 0
        self.lost_frame = 0
        self.lost_ns = 0

    def take(self, wire_bytes: int, size: int) -> None:
        """A piece of `size` bytes comes."""
        self.overhead = wire_bytes - size
        self.ahead = self.overhead if wire_bytes else self.ahead + self.overhead

    def miss(self, message: Message, count: int) -> None:
        """`count` bytes of `message` were sent and not captured. The pieces of a cut TLS record: the first brought the
        wire bytes of all of it."""
        message.http_bytes += count
        message.wire_bytes += self.overhead
        self.overhead = 0
        if count <= self.ahead:
            self.ahead -= count
        else:
            message.wire_bytes += count

    def account(self, message: Message, count: int, piece: Piece) -> None:
        """The next `count` bytes of the piece belong to `message`."""
        message.http_bytes += count
        message.wire_bytes += count + self.overhead
        _, _, message.last_frame, message.last_ns = piece
        self.overhead = 0

    def lose(self, code: str | None, frame: int, time_ns: int) -> None:
        """Nobody knows where the next message begins; `code` is what to report, None for a gap."""
        if self.state != STOPPED:
            self.state = LOST
        if not self.lost:
            self.lost = True
            self.lost_code = code
            self.lost_frame = frame
            self.lost_ns = time_ns
