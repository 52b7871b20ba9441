"""What a connection remembers while messages are on their way: sides, messages, exchanges, the last request head."""

from dissectors.events import Request, Response
from dissectors.http.bodies import Body, FixedLength, Framing
from dissectors.http.heads import RequestHead, ResponseHead

START, HEAD, BODY, LOST, STOPPED = range(5)  # states of a Stream, see `connection`

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


class Stream:
    """One side of a connection."""

    __slots__ = (
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
        self.overhead = (
            0  # wire bytes of the current piece that are no plaintext, for the first message that takes from it
        )
        self.seen = False  # it had a message
        self.lost = (
            False  # bytes are being skipped, from here on and for this reason (None: a gap, which others report):
        )
        self.lost_code: str | None = None
        self.lost_bytes = 0
        self.lost_frame = 0
        self.lost_ns = 0

    def account(self, message: Message, count: int, piece: Piece) -> None:
        """The next `count` bytes of the piece belong to `message`."""
        message.http_bytes += count
        message.wire_bytes += count + self.overhead
        _, _, message.last_frame, message.last_ns = piece
        self.overhead = 0


class Template:
    """A request head cut at the digits of its Content-Length: the next one on a connection rarely differs elsewhere."""

    __slots__ = ("digits", "head", "keep", "prefix", "suffix")

    def __init__(self, raw: bytes, head: RequestHead, keep: bool) -> None:
        """`raw` is a regular head with its empty line, `head` what it says, `keep` whether the bodies are wanted."""
        self.head = head
        self.keep = keep
        self.prefix, self.digits, self.suffix = raw, b"", b""
        if head.length < 0:
            return
        start = raw.find(b"\r\nContent-Length: ") + 18
        if start < 18:
            start = raw.find(b"\r\ncontent-length: ") + 18
        end = raw.find(b"\r", start)
        if start >= 18 and raw[start:end].isdigit():
            self.prefix, self.digits, self.suffix = raw[:start], raw[start:end], raw[end:]

    def match(self, data: bytes) -> tuple[RequestHead, int] | None:
        """The head at the start of `data` and the position behind it, if it is the same but for the length."""
        if not data.startswith(self.prefix):
            return None
        start = len(self.prefix)
        if not self.suffix:
            return self.head, start
        end = data.find(b"\r", start, start + 16)
        digits = data[start:end]
        if end < 0 or not data.startswith(self.suffix, end):
            return None
        if digits == self.digits:
            return self.head, end + len(self.suffix)
        if not digits.isdigit():
            return None
        method, target, version, headers, user, _, codings = self.head
        text = digits.decode("ascii")
        headers = {**headers, "content-length": text}
        head = tuple.__new__(RequestHead, (method, target, version, headers, user, int(text), codings))
        return head, end + len(self.suffix)
