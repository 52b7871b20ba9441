"""HTTP/2 streams: each is one request and its response (RFC 9113 section 5), and becomes one `Transaction`.

A side's half of a stream is its message: HEADERS, DATA, perhaps trailers, and END_STREAM. A half is open until that
frame; whether it then becomes a Request or a Response depends on whether its head could be read.
"""

from collections.abc import Callable
from typing import Final

from dissectors.events import CLIENT, SERVER, Request, Response, StreamReset, Transaction
from dissectors.http.bodies import Body
from dissectors.http.content import content
from dissectors.http.h2.framing import Part, Where
from dissectors.http.h2.heads import VERSION
from dissectors.http.heads import UNSAID, RequestHead, ResponseHead

Report = Callable[[str, str, int, int], None]  # anomaly code, detail, frame, time

_GZIP_MAGIC: Final = b"\x1f\x8b"
_UNREAD: Final = ResponseHead(0, "", VERSION, {}, UNSAID, "")


class Half:
    """What one side sends on a stream."""

    __slots__ = (
        "body",
        "closed",
        "codings_known",
        "decoded",
        "decoded_bytes",
        "ended",
        "first_frame",
        "first_ns",
        "fresh",
        "head",
        "http_bytes",
        "last_frame",
        "last_ns",
        "missing",
        "wire_bytes",
    )

    def __init__(self) -> None:
        self.fresh = True  # nothing of the message, or nothing but interim responses
        self.first_frame = self.first_ns = 0
        self.last_frame = self.last_ns = 0
        self.wire_bytes = 0
        self.http_bytes = 0
        self.head: RequestHead | ResponseHead | None = None
        self.codings_known = True  # no field of the head was left out
        self.body = Body(False)
        self.decoded: bytes | None = None
        self.decoded_bytes: int | None = None
        self.ended = False  # its END_STREAM was seen
        self.closed = False  # its body was decoded, as far as it came
        self.missing = False  # some of its bytes were not captured

    def account(self, part: Part, where: Where) -> None:
        """A part of one of its frames."""
        if self.fresh:
            self.fresh = False
            self.first_frame, self.first_ns = part.first_frame, part.first_ns
        self.http_bytes += part.size
        self.wire_bytes += part.wire_bytes
        if not self.ended:
            _, _, self.last_frame, self.last_ns = where

    def restart(self) -> None:
        """An interim response is over, and the final one begins: its times count, the bytes of both do."""
        self.fresh = True

    def close(self, report: Report) -> int:
        """Nothing more comes: the body is decoded. Returns how many bytes of it were kept until now."""
        head, body = self.head, self.body
        if self.closed or head is None:
            return 0
        self.closed = True
        kept = body.size if body.pieces is not None else 0
        codings = head.codings
        if not self.codings_known and not codings and body.pieces and body.pieces[0][:2] == _GZIP_MAGIC:
            codings = "gzip"  # the field that says so may be one of those that are not known; the data does, too

        def say(code: str, detail: str) -> None:
            report(code, detail, self.last_frame, self.last_ns)

        self.decoded, self.decoded_bytes = content(body, codings, self.ended and not self.missing, say)
        body.pieces = None
        return kept

    def request(self) -> Request | None:
        """As an event; None without a head."""
        head = self.head
        if not isinstance(head, RequestHead):
            return None
        return Request(
            *(self.first_ns, self.last_ns, self.first_frame, self.last_frame, head.method, head.target, head.version),
            *(head.headers, head.user, self.wire_bytes, self.http_bytes, self.body.size, self.decoded_bytes),
            *(self.decoded, self.ended and not self.missing),
        )

    def response(self) -> Response | None:
        """As an event; None when nothing came. Where only the head was lost, the status is 0."""
        if self.fresh:
            return None
        head = self.head if isinstance(self.head, ResponseHead) else _UNREAD
        return Response(
            *(self.first_ns, self.last_ns, self.first_frame, self.last_frame, head.status, head.reason, head.version),
            *(head.headers, self.wire_bytes, self.http_bytes, self.body.size, self.decoded_bytes, self.decoded),
            self.ended and not self.missing and head is not _UNREAD,
        )


class Stream:
    """A request on its way to its answer."""

    __slots__ = ("halves", "keep", "method", "number", "stream_id", "upgraded")

    def __init__(self, stream_id: int) -> None:
        self.stream_id = stream_id
        self.number = 0  # of its transaction; 0 while no head is known
        self.keep: bool | None = None  # whether bodies are kept; None before anything is known
        self.method = ""
        self.halves = (Half(), Half())
        self.upgraded: Request | None = None  # it was sent as HTTP/1.1 (h2c)

    @property
    def orphan(self) -> bool:
        """The request has not been seen."""
        return self.upgraded is None and self.halves[CLIENT].head is None

    @property
    def answered(self) -> bool:
        """Something of the answer was seen."""
        return self.halves[SERVER].head is not None

    def transaction(self, connection_id: int, reset: StreamReset | None) -> Transaction | None:
        """As an event; None when neither head is known."""
        if not self.number:
            return None
        request = self.upgraded or self.halves[CLIENT].request()
        response = self.halves[SERVER].response()
        return Transaction(connection_id, self.number, request, response, self.stream_id, reset)
