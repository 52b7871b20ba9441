"""TLS conversations for tests: made by hand record by record, or recorded live from OpenSSL; and ways to feed them in
pieces.
"""

import atexit
import os
import random
import ssl
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from dissectors.events import CLIENT, SERVER
from dissectors.tls import KeyLog, Piece, TlsConnection
from dissectors.tls.ciphers import Suite
from dissectors.tls.schedule import tls13_keys

WHOLE, BYTES, RANDOM = "whole", "byte by byte", "random"
SPLITS = (WHOLE, BYTES, RANDOM)

APPLICATION, HANDSHAKE, ALERT, CHANGE_CIPHER_SPEC = 23, 22, 21, 20

Turn = tuple[int, bytes]  # side and bytes; a gap is (side, its length as int) in `Lossy`


@dataclass(frozen=True)
class Recording:
    """What a live conversation put on the wire, its key log, and what each side really sent."""

    turns: list[Turn]
    keys: bytes
    sent: tuple[bytes, bytes]
    session: ssl.SSLSession | None = None


def feed(
    connection: TlsConnection, turns: Iterable[tuple[int, bytes | int]], split: str = WHOLE, seed: int = 0
) -> list[Piece]:
    """Feeds turns; every piece is a segment in its own frame n at n ms. An int in place of bytes is a gap so long."""
    chance = random.Random(seed)
    pieces: list[Piece] = []
    frame = 0
    for side, data in turns:
        if isinstance(data, int):
            frame += 1
            pieces += connection.gap(side, data, frame + 1, frame * 10**6)
            continue
        position = 0
        while position < len(data):
            count = chance.choice((1, 1, 2, 5)) if split == RANDOM else 1  # segments in one call
            ends: list[int] = []
            start = position
            for _ in range(count):
                size = {WHOLE: len(data), BYTES: 1, RANDOM: chance.choice((1, 2, 5, 40, 300, 1448, 20000))}[split]
                position = min(position + size, len(data))
                ends.append(position - start)
                if position == len(data):
                    break
            frames = list(range(frame + 1, frame + 1 + len(ends)))
            frame += len(ends)
            pieces += connection.feed(side, data[start:position], ends, frames, [n * 10**6 for n in frames])
    return pieces


def play(
    turns: Iterable[tuple[int, bytes | int]], keys: bytes, split: str = WHOLE, seed: int = 0
) -> tuple[TlsConnection, list[Piece]]:
    """A whole connection."""
    keylog = KeyLog()
    assert keylog.add(keys, "keys") == []
    connection = TlsConnection(keylog)
    pieces = feed(connection, turns, split, seed)
    return connection, pieces + connection.close()


def plaintext(pieces: list[Piece]) -> tuple[bytes, bytes]:
    """What each side sent, as far as it was read."""
    return (
        b"".join(piece.data for piece in pieces if piece.side == CLIENT),
        b"".join(piece.data for piece in pieces if piece.side == SERVER),
    )


def outcome(connection: TlsConnection, pieces: list[Piece]) -> object:
    """Everything that must not depend on how the bytes were cut: all but frames and times."""
    facts = connection.facts()
    return (
        plaintext(pieces),
        [sum(piece.wire_bytes for piece in pieces if piece.side == side) for side in (CLIENT, SERVER)],
        sum(piece.missing for piece in pieces),
        facts._replace(
            close_notify_ns=(None, None),
            close_notify_frame=tuple(None if frame is None else 0 for frame in facts.close_notify_frame),  # type: ignore[arg-type]
            alerts=tuple((side, 0, level, description) for side, _, level, description in facts.alerts),
        ),
        connection.decryption,
        connection.why_encrypted,
        connection.overhead_bytes,
        connection.sealed_bytes,
        connection.hopeless,
        [(anomaly.code, anomaly.detail) for anomaly in connection.anomalies],
    )


# ---------------------------------------------------------------- by hand


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    """A record in clear."""
    return bytes((kind,)) + version.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def message(kind: int, body: bytes) -> bytes:
    """A handshake message."""
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


@dataclass
class Sealer:
    """Makes TLS 1.3 records of one traffic secret (RFC 8446 5.2); only key and iv come from the code under test."""

    suite: Suite
    secret: bytes
    sequence: int = 0

    def __call__(self, content: bytes, kind: int = APPLICATION, padding: int = 0) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

        key, iv = tls13_keys(self.suite, self.secret)
        cipher = {"gcm": AESGCM, "chacha20": ChaCha20Poly1305, "ccm": AESCCM}[self.suite.mode](key)
        inner = content + bytes((kind,)) + bytes(padding)
        header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        nonce = bytes(a ^ b for a, b in zip(iv, self.sequence.to_bytes(12, "big"), strict=True))
        self.sequence += 1
        return header + cipher.encrypt(nonce, inner, header)


@dataclass
class Made:
    """A TLS 1.3 connection made by hand, without certificates: the passive reader needs none."""

    suite: Suite
    random: bytes = bytes(range(32))
    server_random: bytes = b"S" * 32
    early: bool = False
    turns: list[tuple[int, bytes | int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = self.suite.hash_bytes
        self.secrets = {label: bytes((0x40 + number,)) * size for number, label in enumerate(LABELS)}
        self.client = Sealer(self.suite, self.secrets["CLIENT_HANDSHAKE_TRAFFIC_SECRET"])
        self.server = Sealer(self.suite, self.secrets["SERVER_HANDSHAKE_TRAFFIC_SECRET"])
        self.early_client = Sealer(self.suite, self.secrets["CLIENT_EARLY_TRAFFIC_SECRET"])

    def keys(self, *labels: str) -> bytes:
        """The key log, of some kinds of line or of all but the early one."""
        chosen = labels or LABELS[:4]
        return "".join(f"{label} {self.random.hex()} {self.secrets[label].hex()}\n" for label in chosen).encode()

    def hello(self) -> bytes:
        """The ClientHello's record."""
        extensions = b"\x00\x2b\x00\x03\x02\x03\x04"  # supported_versions: 1.3
        extensions += b"\x00\x00\x00\x0e\x00\x0c\x00\x00\x09mail.test"  # server_name
        extensions += b"\x00\x2a\x00\x00" if self.early else b""
        body = b"\x03\x03" + self.random + b"\x00"  # no session id
        body += b"\x00\x06\x13\x01\x13\x02\x13\x03" + b"\x01\x00"  # suites, compression
        return record(HANDSHAKE, message(1, body + len(extensions).to_bytes(2, "big") + extensions), 0x0301)

    def answer(self) -> bytes:
        """The ServerHello's record."""
        body = b"\x03\x03" + self.server_random + b"\x00" + self.suite.code.to_bytes(2, "big") + b"\x00"
        return record(HANDSHAKE, message(2, body + b"\x00\x06\x00\x2b\x00\x02\x03\x04"))

    def shake_hands(self, extensions: bytes = b"", certificate: int = 900) -> "Made":
        """The whole handshake; afterwards `client` and `server` seal application data."""
        size = self.suite.hash_bytes
        encrypted = message(8, len(extensions).to_bytes(2, "big") + extensions)
        self.turns += [(CLIENT, self.hello()), (SERVER, self.answer() + record(CHANGE_CIPHER_SPEC, b"\x01"))]
        flight = [encrypted, message(11, bytes(certificate)), message(20, bytes(size))]
        self.turns.append((SERVER, b"".join(self.server(part, HANDSHAKE) for part in flight)))
        self.turns.append((CLIENT, record(CHANGE_CIPHER_SPEC, b"\x01")))
        self.turns.append((CLIENT, self.client(message(20, bytes(size)), HANDSHAKE)))
        self.use_application_keys()
        return self

    def use_application_keys(self) -> None:
        self.client = Sealer(self.suite, self.secrets["CLIENT_TRAFFIC_SECRET_0"])
        self.server = Sealer(self.suite, self.secrets["SERVER_TRAFFIC_SECRET_0"])

    def says(self, side: int, *contents: bytes, kind: int = APPLICATION) -> "Made":
        """One record for each content, each its own turn."""
        sealer = self.client if side == CLIENT else self.server
        self.turns += [(side, sealer(content, kind)) for content in contents]
        return self


LABELS = (
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "CLIENT_EARLY_TRAFFIC_SECRET",
)


# ---------------------------------------------------------------- live


@cache
def _certificate() -> str:
    """A file with a self-signed certificate and its key."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=36500)).sign(key, hashes.SHA256())
    )  # fmt: skip
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    atexit.register(os.unlink, file.name)
    return file.name


Settings = Callable[[ssl.SSLContext], None]


@dataclass
class Live:
    """A client and a server context of OpenSSL; `record` makes a connection between them."""

    version: ssl.TLSVersion
    ciphers: str | None = None
    server_settings: Settings | None = None

    def __post_init__(self) -> None:
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_cert_chain(_certificate())
        self._client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client.check_hostname = False
        self._client.verify_mode = ssl.CERT_NONE
        for context in (self._server, self._client):
            context.minimum_version = context.maximum_version = self.version
            if self.ciphers:
                context.set_ciphers(self.ciphers)
            context.set_alpn_protocols(["http/1.1"])
        if self.server_settings:
            self.server_settings(self._server)

    def record(self, talk: Iterable[Turn], session: ssl.SSLSession | None = None, with_keys: bool = True) -> Recording:
        """Shakes hands, lets the sides talk, closes both ways."""
        directory = tempfile.TemporaryDirectory()
        keys = Path(directory.name) / "keys"
        keys.touch()
        if with_keys:
            self._client.keylog_filename = str(keys)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self._client.wrap_bio(to_client, to_server, server_hostname="mail.test", session=session)
        server = self._server.wrap_bio(to_server, to_client, server_side=True)
        turns: list[Turn] = []
        sent = [b"", b""]

        def does(side: int, act: Callable[[], object]) -> bool:
            """Lets a side act and notes what it wrote; False when it waits for the other."""
            wire = (to_server, to_client)[side]
            unread = wire.pending
            try:
                act()
                finished = True
            except ssl.SSLWantReadError:
                finished = False
            data = wire.read()
            wire.write(data)
            if data[unread:]:
                turns.append((side, data[unread:]))
            return finished

        done = [False, False]
        while not all(done):
            for side, end in ((CLIENT, client), (SERVER, server)):
                done[side] = done[side] or does(side, end.do_handshake)
        for side, data in talk:
            end, other = (client, server) if side == CLIENT else (server, client)
            assert does(side, lambda end=end, data=data: end.write(data))  # type: ignore[misc]
            sent[side] += data
            received = 0
            while received < len(data):
                received += len(other.read(1 << 20))
        does(CLIENT, client.unwrap)
        does(SERVER, server.unwrap)
        recording = Recording(turns, keys.read_bytes(), (sent[CLIENT], sent[SERVER]), client.session)
        directory.cleanup()
        return recording


HTTP_TALK: list[Turn] = [
    (CLIENT, b"POST /Microsoft-Server-ActiveSync?Cmd=Ping HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
    (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    (CLIENT, b"x"),
    (SERVER, bytes(range(256)) * 300),  # several full records
    (CLIENT, bytes(40_000)),
    (SERVER, b"end"),
]
