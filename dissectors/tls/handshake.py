"""Handshake messages: the hellos, EncryptedExtensions, NewSessionTicket (RFC 5246 7.4, RFC 8446 4).

Hellos may be cut by the snap length; then what is visible is returned and `complete` is False. Left out:
certificates.
"""

from dataclasses import dataclass
from typing import Final

from dissectors.cursor import Cursor
from dissectors.errors import Truncated

HELLO_REQUEST: Final = 0
CLIENT_HELLO: Final = 1
SERVER_HELLO: Final = 2
NEW_SESSION_TICKET: Final = 4
END_OF_EARLY_DATA: Final = 5
ENCRYPTED_EXTENSIONS: Final = 8
CERTIFICATE: Final = 11
SERVER_HELLO_DONE: Final = 14
FINISHED: Final = 20
KEY_UPDATE: Final = 24

SSL_3_0: Final = 0x0300
TLS_1_0: Final = 0x0301
TLS_1_1: Final = 0x0302
TLS_1_2: Final = 0x0303
TLS_1_3: Final = 0x0304

_SERVER_NAME: Final = 0  # extensions, RFC 8446 4.2
_ALPN: Final = 16
_SESSION_TICKET: Final = 35
_PRE_SHARED_KEY: Final = 41
_EARLY_DATA: Final = 42
_SUPPORTED_VERSIONS: Final = 43

EXTENSIONS_LIMIT: Final = 128  # per message; real ones have about twenty
SUITES_LIMIT: Final = 512

# SHA-256 of "HelloRetryRequest" in place of the random (RFC 8446 4.1.3)
_RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

_VERSIONS: Final = {
    0x0002: "SSL 2.0",
    SSL_3_0: "SSL 3.0",
    TLS_1_0: "TLS 1.0",
    TLS_1_1: "TLS 1.1",
    TLS_1_2: "TLS 1.2",
    TLS_1_3: "TLS 1.3",
}


def version_name(version: int) -> str:
    """A protocol version in words."""
    if version >> 8 == 0x7F:
        return f"TLS 1.3 (draft {version & 0xFF})"
    return _VERSIONS.get(version) or f"unknown (0x{version:04X})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """What a ClientHello says that matters here."""

    random: bytes | None  # None: cut before its end
    session_id: bytes = b""
    suites: tuple[int, ...] = ()
    sni: str | None = None
    alpn: tuple[str, ...] = ()  # offered, in order
    ticket: bytes = b""
    early_data: bool = False
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHello:
    """What a ServerHello or HelloRetryRequest says that matters here."""

    random: bytes | None
    version: int | None = None  # negotiated; None: cut before it is known
    session_id: bytes = b""
    cipher: int | None = None
    alpn: str | None = None
    pre_shared_key: bool = False
    retry: bool = False
    complete: bool = False


def client_hello(body: bytes) -> ClientHello:
    """Parses a ClientHello's body, whole or cut (RFC 8446 4.1.2)."""
    cursor = Cursor(body)
    random: bytes | None = None
    session_id = ticket = b""
    suites: tuple[int, ...] = ()
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    early = complete = False
    try:
        cursor.u16()
        random = cursor.take(32)
        session_id = cursor.vector(1).rest()
        offered = cursor.vector(2).rest()[: 2 * SUITES_LIMIT]
        suites = tuple(int.from_bytes(offered[at : at + 2], "big") for at in range(0, len(offered) - 1, 2))
        cursor.vector(1)  # compression methods
        extensions = _Extensions(cursor)
        for kind, content in extensions:
            if kind == _SERVER_NAME:
                sni = _server_name(content)
            elif kind == _ALPN:
                alpn = _protocols(content)
            elif kind == _SESSION_TICKET:
                ticket = content.rest()
            elif kind == _EARLY_DATA:
                early = True
        complete = True
    except Truncated:
        pass
    return ClientHello(
        random=random, session_id=session_id, suites=suites, sni=sni, alpn=alpn, ticket=ticket,
        early_data=early, complete=complete,
    )  # fmt: skip


def server_hello(body: bytes) -> ServerHello:
    """Parses a ServerHello's body, whole or cut (RFC 8446 4.1.3)."""
    cursor = Cursor(body)
    random: bytes | None = None
    legacy: int | None = None
    version: int | None = None
    session_id = b""
    cipher: int | None = None
    alpn: str | None = None
    psk = complete = False
    try:
        legacy = cursor.u16()
        random = cursor.take(32)
        session_id = cursor.vector(1).rest()
        cipher = cursor.u16()
        cursor.u8()  # compression method
        for kind, content in _Extensions(cursor):
            if kind == _SUPPORTED_VERSIONS:
                version = content.u16()
            elif kind == _ALPN:
                alpn = next(iter(_protocols(content)), None)
            elif kind == _PRE_SHARED_KEY:
                psk = True
        complete = True
    except Truncated:
        pass
    if version is None and (complete or legacy != TLS_1_2):
        version = legacy  # 1.3 says 1.2 here and the truth in an extension (RFC 8446 4.1.3)
    return ServerHello(
        random=random, version=version, session_id=session_id, cipher=cipher, alpn=alpn, pre_shared_key=psk,
        retry=random == _RETRY_RANDOM, complete=complete,
    )  # fmt: skip


def encrypted_extensions(body: bytes) -> tuple[str | None, bool]:
    """The chosen ALPN protocol, and whether early data is accepted (RFC 8446 4.3.1). Raises `Truncated`."""
    alpn: str | None = None
    early = False
    for kind, content in _Extensions(Cursor(body)):
        if kind == _ALPN:
            alpn = next(iter(_protocols(content)), None)
        elif kind == _EARLY_DATA:
            early = True
    return alpn, early


def session_ticket(body: bytes) -> bytes:
    """The ticket of a TLS 1.2 NewSessionTicket (RFC 5077 3.3). Raises `Truncated`."""
    cursor = Cursor(body)
    cursor.u32()
    return cursor.vector(2).rest()


class _Extensions:
    """Iterates (type, content) of an extension block; one that is cut at the end is not given. Raises `Truncated`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._left = 0
        if len(cursor):
            self._left = cursor.u16()
        self._count = 0

    def __iter__(self) -> "_Extensions":
        return self

    def __next__(self) -> tuple[int, Cursor]:
        if self._left <= 0 or self._count == EXTENSIONS_LIMIT:
            raise StopIteration
        before = len(self._cursor)
        kind = self._cursor.u16()
        content = self._cursor.vector(2)
        self._left -= before - len(self._cursor)
        self._count += 1
        return kind, content


def _server_name(content: Cursor) -> str | None:
    """The first host name (RFC 6066 3); a server's empty acknowledgement has none."""
    if not len(content):
        return None
    names = content.vector(2)
    while len(names):
        kind = names.u8()
        name = names.vector(2).rest()
        if kind == 0:
            return name.decode("ascii", "backslashreplace")
    return None


def _protocols(content: Cursor) -> tuple[str, ...]:
    """ALPN protocol names (RFC 7301 3.1)."""
    names = content.vector(2)
    found: list[str] = []
    while len(names):
        found.append(names.vector(1).rest().decode("ascii", "backslashreplace"))
    return tuple(found)
