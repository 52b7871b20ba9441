"""When a connection stops to speak HTTP/1.x: what it speaks then, and the bytes that came too early or behind.

101 with Upgrade: h2c           HTTP/2; the request is stream 1 (RFC 7540 3.2; RFC 9113 has given this up)
the connection preface          HTTP/2 with prior knowledge (RFC 9113 3.3)
2xx to CONNECT                  a tunnel: anything, TLS more often than not (RFC 9110 9.3.6)
101 with Upgrade: TLS/1.x       TLS (RFC 2817)
101 with anything else          not read
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from dissectors.events import Request
from dissectors.http.h2.frames import PREFACE

Protocol: TypeAlias = Literal["http/2", "tunnel"]

MAX_HELD_BYTES: Final = 128 * 1024  # that a client sends before it has the answer to what may switch the protocol
MAX_HELD_PIECES: Final = 256

_TLS_HELLO: Final = b"\x16\x03"  # a handshake record, RFC 8446 5.1


class Upgraded(NamedTuple):
    """The HTTP/1.1 request that became stream 1 of HTTP/2."""

    request: Request | None
    method: str
    keep: bool
    http_bytes: int  # of the 101, which count into the response
    wire_bytes: int


class Switch(NamedTuple):
    """What is spoken from here on."""

    to: Protocol
    upgraded: Upgraded | None = None


class Held(NamedTuple):
    """Plaintext that is not for HTTP/1.x, as it was fed; or, without data, a gap."""

    side: int
    data: bytes
    first_frame: int
    first_ns: int
    last_frame: int
    last_ns: int
    wire_bytes: int
    missing: int | None = 0


_NO_PIECES: Final[list[Held]] = []  # shared, so never added to


class Backlog:
    """Pieces that HTTP/1.x does not read, or not yet."""

    __slots__ = ("pieces", "size")

    def __init__(self) -> None:
        self.pieces = _NO_PIECES
        self.size = 0

    @property
    def full(self) -> bool:
        """More than is kept while nobody knows what it is."""
        return self.size > MAX_HELD_BYTES or len(self.pieces) > MAX_HELD_PIECES

    def add(self, held: Held) -> None:
        if not self.pieces:
            self.pieces = []
        self.pieces.append(held)
        self.size += len(held.data)

    def take(self) -> list[Held]:
        """All of it, which is then no longer here."""
        pieces, self.pieces, self.size = self.pieces, _NO_PIECES, 0
        return pieces


def may_switch(method: str, headers: Mapping[str, str]) -> bool:
    """Whether what the client sends behind this request depends on the answer."""
    return method == "CONNECT" or ("upgrade" in headers and leads_to(101, headers) is not None)


def leads_to(status: int, headers: Mapping[str, str]) -> Protocol | None:
    """What is spoken behind a 101 or, in answer to CONNECT, a 2xx with these headers; None for what is not read."""
    if status != 101:
        return "tunnel"
    names = [name.strip().lower() for name in headers.get("upgrade", "").split(",")]
    if "h2c" in names:
        return "http/2"
    return "tunnel" if any(name.startswith("tls/") for name in names) else None


def speaks_otherwise(data: bytes) -> bool:
    """Whether a client's bytes are TLS or the preface of HTTP/2, which it says only when it has the answer."""
    return data.startswith(_TLS_HELLO) or data.startswith(PREFACE)
