"""Handshake messages: the hellos, certificates, ClientKeyExchange and what else matters (RFC 5246 7.4, RFC 8446 4).

Hellos may be cut by the snap length; then what is visible is returned and `complete` is False.
"""

from collections.abc import Iterator
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

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
CLIENT_KEY_EXCHANGE: Final = 16
FINISHED: Final = 20
KEY_UPDATE: Final = 24

SSL_3_0: Final = 0x0300
TLS_1_0: Final = 0x0301
TLS_1_1: Final = 0x0302
TLS_1_2: Final = 0x0303
TLS_1_3: Final = 0x0304

_SERVER_NAME: Final = 0  # extensions, RFC 8446 4.2
_TRUNCATED_MAC: Final = 4
_ALPN: Final = 16
_ENCRYPT_THEN_MAC: Final = 22
_EXTENDED_MASTER: Final = 23
_SESSION_TICKET: Final = 35
_PRE_SHARED_KEY: Final = 41
_EARLY_DATA: Final = 42
_SUPPORTED_VERSIONS: Final = 43

_OF_CLIENT: Final = frozenset((_SERVER_NAME, _SESSION_TICKET, _EARLY_DATA))
_OF_SERVER: Final = frozenset(
    (_SUPPORTED_VERSIONS, _ALPN, _PRE_SHARED_KEY, _TRUNCATED_MAC, _ENCRYPT_THEN_MAC, _EXTENDED_MASTER)
)
_OF_ENCRYPTED: Final = frozenset((_ALPN, _EARLY_DATA))

_RANDOM_END: Final = 34  # version and random stand at the start of both hellos
_EXTENSION: Final = Struct(">HH").unpack_from  # type and length

EXTENSIONS_LIMIT: Final = 128  # per message; real ones have about twenty
SUITES_LIMIT: Final = 512
CHAIN_LIMIT: Final = 64 * 1024  # bytes of certificates kept of one side
CHAINS_KEPT: Final = 256  # chains that connections to the same servers share

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


class ClientHello(NamedTuple):
    """What a ClientHello says that matters here."""

    random: bytes | None  # None: cut before its end
    session_id: bytes = b""
    offered: bytes = b""  # cipher suites, two bytes each
    sni: str | None = None
    ticket: bytes = b""
    early_data: bool = False
    complete: bool = False

    @property
    def suites(self) -> tuple[int, ...]:
        """The cipher suites offered, in order."""
        offered = self.offered[: 2 * SUITES_LIMIT]
        return tuple(int.from_bytes(offered[at : at + 2], "big") for at in range(0, len(offered) - 1, 2))


class ServerHello(NamedTuple):
    """What a ServerHello or HelloRetryRequest says that matters here."""

    random: bytes | None
    version: int | None = None  # negotiated; None: cut before it is known
    session_id: bytes = b""
    cipher: int | None = None
    alpn: str | None = None
    pre_shared_key: bool = False
    retry: bool = False
    complete: bool = False
    compression: int = 0  # method; 0 none (RFC 3749)
    agreed: tuple[int, ...] = ()  # extensions without content that the server confirms

    @property
    def truncated_mac(self) -> bool:
        """RFC 6066 7."""
        return _TRUNCATED_MAC in self.agreed

    @property
    def encrypt_then_mac(self) -> bool:
        """RFC 7366."""
        return _ENCRYPT_THEN_MAC in self.agreed

    @property
    def extended_master(self) -> bool:
        """RFC 7627."""
        return _EXTENDED_MASTER in self.agreed


def client_hello(body: bytes) -> ClientHello:
    """Parses a ClientHello's body, whole or cut (RFC 8446 4.1.2)."""
    session_id = offered = ticket = b""
    sni: str | None = None
    early = complete = False
    if len(body) < _RANDOM_END:
        return ClientHello(None)
    cursor = Cursor(body, _RANDOM_END)
    try:
        session_id = cursor.take(cursor.u8())
        offered = cursor.take(cursor.u16())
        cursor.take(cursor.u8())  # compression methods
        for kind, content in _extensions(cursor, _OF_CLIENT):
            if kind == _SERVER_NAME:
                sni = _server_name(content)
            elif kind == _SESSION_TICKET:
                ticket = content.rest()
            else:
                early = True
        complete = True
    except Truncated:
        pass
    return ClientHello(body[2:_RANDOM_END], session_id, offered, sni, ticket, early, complete)


def server_hello(body: bytes) -> ServerHello:
    """Parses a ServerHello's body, whole or cut (RFC 8446 4.1.3)."""
    random: bytes | None = None
    legacy: int | None = None
    version: int | None = None
    session_id = b""
    cipher: int | None = None
    alpn: str | None = None
    psk = complete = False
    compression = 0
    flags: list[int] = []
    cursor = Cursor(body)
    try:
        legacy = cursor.u16()
        random = cursor.take(_RANDOM_END - 2)
        session_id = cursor.take(cursor.u8())
        cipher = cursor.u16()
        compression = cursor.u8()
        for kind, content in _extensions(cursor, _OF_SERVER):
            if kind == _SUPPORTED_VERSIONS:
                version = content.u16()
            elif kind == _ALPN:
                alpn = _protocol(content)
            elif kind == _PRE_SHARED_KEY:
                psk = True
            else:
                flags.append(kind)
        complete = True
    except Truncated:
        pass
    if version is None and (complete or legacy != TLS_1_2):
        version = legacy  # 1.3 says 1.2 here and the truth in an extension (RFC 8446 4.1.3)
    retry = random == _RETRY_RANDOM
    return ServerHello(random, version, session_id, cipher, alpn, psk, retry, complete, compression, tuple(flags))


def encrypted_extensions(body: bytes) -> tuple[str | None, bool]:
    """The chosen ALPN protocol, and whether early data is accepted (RFC 8446 4.3.1). Raises `Truncated`."""
    alpn: str | None = None
    early = False
    for kind, content in _extensions(Cursor(body), _OF_ENCRYPTED):
        if kind == _ALPN:
            alpn = _protocol(content)
        else:
            early = True
    return alpn, early


def session_ticket(body: bytes) -> bytes:
    """The ticket of a TLS 1.2 NewSessionTicket (RFC 5077 3.3). Raises `Truncated`."""
    cursor = Cursor(body)
    cursor.u32()
    return cursor.vector(2).rest()


@lru_cache(CHAINS_KEPT)
def certificates(body: bytes, version: int | None) -> tuple[bytes, ...]:
    """The certificates of a Certificate message, leaf first (RFC 5246 7.4.2, RFC 8446 4.4.2).

    Those before the first that is not whole, or that goes beyond `CHAIN_LIMIT`. Connections to the same server share
    them, as they share the message: that is what is remembered here.
    """
    cursor = Cursor(body)
    tls13 = version == TLS_1_3
    chain: list[bytes] = []
    kept = 0
    try:
        if tls13:
            cursor.vector(1)  # request context
        entries = cursor.vector(3)
        while len(entries):
            certificate = entries.vector(3).rest()
            kept += len(certificate)
            if kept > CHAIN_LIMIT:
                break
            chain.append(certificate)
            if tls13:
                entries.vector(2)  # its extensions
    except Truncated:
        pass
    return tuple(chain)


def encrypted_premaster(body: bytes) -> bytes:
    """The encrypted premaster secret of an RSA ClientKeyExchange (RFC 5246 7.4.7.1).

    SSL 3.0 sends it without its length, and so did some clients of TLS 1.0.
    """
    return body[2:] if int.from_bytes(body[:2], "big") == len(body) - 2 else body


def _extensions(cursor: Cursor, wanted: frozenset[int]) -> Iterator[tuple[int, Cursor]]:
    """Gives (type, content) of the extensions that are wanted; none that is cut at the end. Raises `Truncated`."""
    if not len(cursor):
        return
    left = cursor.u16()
    data, at, limit = cursor.data, cursor.position, cursor.end
    end = at + left
    for _ in range(EXTENSIONS_LIMIT):
        if at >= end:
            return
        after = at + 4
        if after <= limit:
            kind, length = _EXTENSION(data, at)
            after += length
        if after > limit:
            raise Truncated(f"an extension ends at {after}, the message at {limit}")
        if kind in wanted:
            yield kind, Cursor(data, at + 4, after)
        at = after


def _server_name(content: Cursor) -> str | None:
    """The first host name (RFC 6066 3); a server's empty acknowledgement has none."""
    if not len(content):
        return None
    names = content.vector(2)
    while len(names):
        kind = names.u8()
        name = names.take(names.u16())
        if kind == 0:
            return name.decode("ascii", "backslashreplace")
    return None


def _protocol(content: Cursor) -> str | None:
    """The first ALPN protocol name (RFC 7301 3.1)."""
    names = content.vector(2)
    return names.take(names.u8()).decode("ascii", "backslashreplace") if len(names) else None
