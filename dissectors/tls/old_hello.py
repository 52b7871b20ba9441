"""The ClientHello in SSL 2.0 format, with which old clients opened SSL 3.0 and TLS connections (RFC 5246 E.2).

It is the first thing on the connection and the only one in that format. Clients that can speak SSL 2.0 only are told
apart by the version in it; nothing of theirs is read.
"""

from typing import Final

from dissectors.cursor import Cursor
from dissectors.errors import Truncated
from dissectors.tls.handshake import CLIENT_HELLO

SNIFF_BYTES: Final = 5  # as many first bytes tell

_RANDOM_BYTES: Final = 32
_HEADER_BYTES: Final = 2


def is_old_hello(first: bytes) -> bool:
    """Whether a stream begins with a ClientHello in SSL 2.0 format for any version."""
    return len(first) >= SNIFF_BYTES and first[0] >= 0x80 and first[2] == CLIENT_HELLO and first[3:5] in _VERSIONS


def old_hello_bytes(first: bytes) -> int:
    """How long such a hello is, its header included; 0 when it is none, or for SSL 2.0 only."""
    if not is_old_hello(first) or first[3] != 3:
        return 0
    return _HEADER_BYTES + ((first[0] & 0x7F) << 8) + first[1]


def modern_form(hello: bytes) -> bytes:
    """The body of the ClientHello that says the same in the usual format. Raises `Truncated`."""
    cursor = Cursor(hello, _HEADER_BYTES + 1)
    version = cursor.take(2)
    sizes = cursor.u16(), cursor.u16(), cursor.u16()
    suites, session_id, challenge = (cursor.take(size) for size in sizes)
    if len(challenge) > _RANDOM_BYTES:
        raise Truncated(f"a challenge of {len(challenge)} bytes")
    offered = b"".join(suites[at + 1 : at + 3] for at in range(0, len(suites) - 2, 3) if not suites[at])
    return b"".join(
        (
            version,
            challenge.rjust(_RANDOM_BYTES, b"\x00"),
            bytes((len(session_id) & 0xFF,)) + session_id[:0xFF],
            len(offered).to_bytes(2, "big") + offered,
            b"\x01\x00",  # no compression
        )
    )


_VERSIONS: Final = (b"\x00\x02", b"\x03\x00", b"\x03\x01", b"\x03\x02", b"\x03\x03")
