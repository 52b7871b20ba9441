"""Captures made at random from a seed: ActiveSync over plain HTTP and over real TLS, and TCP as networks mangle it.

A case is one connection. Its story is written first (who says which bytes when), then cut into segments, then
mangled: lost on the way and sent again, sent again for nothing, longer the second time, reordered, copied by the
capture, not captured at all. Many cases go into one pcapng file, with an interface of
its own for each link type, so that one start of tshark reads them all.

The structure of a case depends on its seed alone. TLS bytes do not: OpenSSL draws its own numbers.
"""

import gzip
import random
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from tests.dissectors.net.wire import (
    ACK,
    ETHERNET,
    FIN,
    MS,
    NULL,
    PSH,
    RAW,
    RST,
    SECOND,
    SLL,
    SLL2,
    START,
    SYN,
    ethernet,
    ip,
    linked,
    tcp,
)

LINKS = (ETHERNET, "vlan", "qinq", SLL, SLL2, RAW, NULL)
TLS_PORT, HTTP_PORT = 443, 80
_CIPHERS = {
    "1.2": "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AESCCM",
    "1.2 CBC": "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384",
}
CLIENT_MAC, SERVER_MAC = 0x020000000001, 0x020000000002

Turn = tuple[int, bytes, int]  # side, what it sends, how long after the turn before


@dataclass
class Case:
    """One connection: what it is made of, and its packets."""

    seed: int
    link: int | str
    addresses: tuple[str, str]
    ports: tuple[int, int]
    tls: Literal["1.2", "1.2 CBC", "1.3"] | None
    odd_http: bool
    manglings: set[str] = field(default_factory=set)
    holes: bool = False  # something was not captured
    until_close: bool = False  # an answer without a length
    server_closed: bool = False  # with a FIN
    packets: list[tuple[int, bytes]] = field(default_factory=list)  # time, frame
    keys: str = ""

    @property
    def unfinished(self) -> bool:
        """A message that lasts until the server closes, and the server does not."""
        return self.until_close and not self.server_closed

    def __str__(self) -> str:
        kind = f"TLS {self.tls}" if self.tls else "odd HTTP" if self.odd_http else "HTTP"
        return f"case {self.seed}: {kind} on {self.link}, {', '.join(sorted(self.manglings)) or 'nothing mangled'}"


def case(seed: int) -> Case:
    """The connection of this seed."""
    rng = random.Random(seed)
    tls = rng.choice((None, None, "1.2", "1.2 CBC", "1.3", "1.3"))
    number = seed % 20_000
    version6 = rng.random() < 0.4
    addresses = (
        (f"fd00::{number + 1:x}", "2001:db8::7") if version6 else (f"10.{number >> 8}.{number & 255}.2", "192.0.2.7")
    )
    made = Case(
        seed=seed,
        link=rng.choice(LINKS),
        addresses=addresses,
        ports=(rng.randrange(1025, 65536), TLS_PORT if tls else HTTP_PORT),
        tls=tls,
        odd_http=not tls and rng.random() < 0.5,
    )
    story = list(_exchanges(rng, made))
    turns = list(_encrypted(story, made, rng)) if tls else story
    _Wire(rng, made).run(turns)
    return made


# The story -----------------------------------------------------------------------------------------------------------


def _text(value: str) -> bytes:
    return b"\x03" + value.encode() + b"\0"


def _wbxml(rng: random.Random, command: str, answer: bool) -> bytes:
    """MS-ASWBXML: a Ping (page 13) or a Sync (page 0) of a size of its own."""
    head = b"\x03\x01\x6a\x00"
    if command == "Ping" and answer:
        return head + b"\0\x0d\x45\x47" + _text(rng.choice("12")) + b"\1\1"
    if command == "Ping":
        lifetime = b"\x48" + _text(str(rng.choice((60, 480, 900)))) + b"\1"
        folder = b"\x4a\x4b" + _text(str(rng.randrange(9))) + b"\1\x4c" + _text("Email") + b"\1\1"
        return head + b"\0\x0d\x45" + lifetime + b"\x49" + folder * rng.randrange(1, 4) + b"\1\1"
    status = b"\x4e" + _text("1") + b"\1" if answer else b""
    key = b"\x4b" + _text(str(rng.randrange(1, 10**6))) + b"\1"
    folder = b"\x52" + _text(str(rng.randrange(9))) + b"\1"
    more = b""
    if answer:
        subject = b"\0\x02\x54" + _text("n" * rng.choice((3, 50, 900, 5000, 20_000))) + b"\1\0\0"
        more = b"\x56\x47\x4d" + _text("5:1") + b"\1\x5d" + subject + b"\1\1\1"
    return head + b"\x45\x5c\x4f" + key + folder + status + more + b"\1\1\1"


def _exchanges(rng: random.Random, made: Case) -> Iterator[Turn]:
    """Requests and answers, with the time between them."""
    for _ in range(rng.randrange(1, 7)):
        command = rng.choice(("Ping", "Ping", "Sync", "OPTIONS"))
        odd = made.odd_http
        body = b"" if command == "OPTIONS" else _wbxml(rng, command, False)
        yield 0, _request(rng, command, body, odd), rng.choice((MS, 40 * MS, 3 * SECOND, 70 * SECOND))
        held = rng.choice((5 * MS, 300 * MS, 59 * SECOND, 290 * SECOND)) if command == "Ping" else 30 * MS
        if rng.random() < 0.05:
            yield 1, b"HTTP/1.1 100 Continue\r\n\r\n", 20 * MS
        answer, closes = _answer(rng, command, odd)
        yield 1, answer, held
        if closes:
            made.until_close = True
            return


def _request(rng: random.Random, command: str, body: bytes, odd: bool) -> bytes:
    end = b"\r\n"
    if command == "OPTIONS":
        first = b"OPTIONS /Microsoft-Server-ActiveSync HTTP/1.1"
    else:
        query = f"Cmd={command}&User=u{rng.randrange(3)}&DeviceId=GEN{rng.randrange(3)}&DeviceType=iPhone"
        first = f"POST /Microsoft-Server-ActiveSync?{query} HTTP/1.1".encode()
    lines = [first, b"Host: mail.example.com", b"User-Agent: Generated/1.0", b"MS-ASProtocolVersion: 14.1"]
    lines.append(b"Authorization: Basic dXNlcjpwYXNz")
    if body:
        lines.append(b"Content-Type: application/vnd.ms-sync.wbxml")
    if odd and rng.random() < 0.3:
        lines.append(rng.choice((b"X-Empty:", b"x-lower:   spaces  ", b"X-Twice: a", b"Cookie: a=b; c=d")))
        lines.append(b"X-Twice: b")
    if odd and body and rng.random() < 0.2:
        lines.append(b"Transfer-Encoding: chunked")
        return end.join(lines) + end + end + _chunked(rng, body)
    lines.append(b"Content-Length: %d" % len(body))
    return end.join(lines) + end + end + body


def _answer(rng: random.Random, command: str, odd: bool) -> tuple[bytes, bool]:
    """An answer, and whether it lasts until the connection is closed."""
    status = rng.choice((b"200 OK", b"200 OK", b"200 OK", b"200 OK", b"449 Retry", b"503 Service Unavailable"))
    body = _wbxml(rng, command, True) if status.startswith(b"200") and command != "OPTIONS" else b""
    if odd and rng.random() < 0.1:
        status = status.split()[0] + b" "
    lines = [b"HTTP/1.1 " + status, b"Server: Generated"]
    if body:
        lines.append(b"Content-Type: application/vnd.ms-sync.wbxml")
        if rng.random() < 0.4:
            lines.append(b"Content-Encoding: gzip")
            body = gzip.compress(body, mtime=0)
    head = b"\r\n".join(lines)
    if body and rng.random() < 0.4:
        return head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunked(rng, body), False
    if odd and body and rng.random() < 0.1:
        return head.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n\r\n" + body, True
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body, False


def _chunked(rng: random.Random, body: bytes) -> bytes:
    out, place = [], 0
    while place < len(body):
        size = rng.choice((1, 100, 1000, 8192, 1 << 20))
        piece = body[place : place + size]
        out.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        place += len(piece)
    return b"".join([*out, b"0\r\n\r\n"])


# TLS -----------------------------------------------------------------------------------------------------------------


@cache
def _certificate() -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, as PEM."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.com")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private


@cache
def _contexts(version: str) -> tuple[ssl.SSLContext, ssl.SSLContext, Path, TemporaryDirectory[str]]:
    """Client, server and key log of one version; the directory lives as long as they do."""
    place = TemporaryDirectory(prefix="generated-tls-")
    folder = Path(place.name)
    certificate, key = _certificate()
    (folder / "chain.pem").write_bytes(certificate + key)
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server.load_cert_chain(folder / "chain.pem")
    keylog = folder / "keys"
    client.keylog_filename = str(keylog)
    for each in (client, server):
        each.minimum_version = each.maximum_version = (
            ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2
        )
        if version != "1.3":
            each.set_ciphers(_CIPHERS[version])
    return client, server, keylog, place


def _encrypted(story: list[Turn], made: Case, rng: random.Random) -> Iterator[Turn]:
    """The same story through a real TLS stack."""
    client_context, server_context, keylog, _ = _contexts(made.tls or "1.3")
    inputs, outputs = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
    ends = (
        client_context.wrap_bio(inputs[0], outputs[0], server_hostname="mail.example.com"),
        server_context.wrap_bio(inputs[1], outputs[1], server_side=True),
    )
    before = keylog.stat().st_size if keylog.exists() else 0

    def flight(side: int) -> bytes:
        """What a side has to send, given to the other."""
        data = outputs[side].read()
        inputs[1 - side].write(data)
        return data

    waiting = {0, 1}
    while waiting:  # each flight is a turn of its own
        for side in (0, 1):
            if side in waiting:
                try:
                    ends[side].do_handshake()
                    waiting.discard(side)
                except ssl.SSLWantReadError:
                    pass
            if data := flight(side):
                yield side, data, 10 * MS
    for side, data, pause in story:
        size = rng.choice((1 << 20, 1400, 200))
        for start in range(0, len(data), size):
            ends[side].write(data[start : start + size])
        yield side, flight(side), pause
        try:
            while True:
                ends[1 - side].read(1 << 20)
        except ssl.SSLWantReadError:
            pass
    if rng.random() < 0.5:
        try:
            ends[0].unwrap()
        except ssl.SSLWantReadError:
            yield 0, flight(0), 5 * MS
    with keylog.open() as lines:
        lines.seek(before)
        made.keys = lines.read()


# The wire ------------------------------------------------------------------------------------------------------------


class _Wire:
    """Puts turns on the wire, packet by packet."""

    def __init__(self, rng: random.Random, made: Case) -> None:
        self.rng = rng
        self.case = made
        self.time_ns = START + rng.randrange(3600 * SECOND)
        self.seq = [rng.choice((1000, (1 << 32) - 500, rng.randrange(1 << 32))) for _ in (0, 1)]
        self.ids = [rng.randrange(1, 1000), rng.randrange(1, 1000)]
        self.trouble = rng.choice((0.0, 0.0, 0.05, 0.25))  # how much is mangled
        self.losing = rng.random() < 0.25  # the capture misses packets, too
        self.mss = rng.choice((1448, 1448, 536, 65_000))

    def run(self, turns: list[Turn]) -> None:
        rng = self.rng
        self._packet(0, SYN, took=MS)
        self.seq[0] += 1
        self._packet(1, SYN | ACK, took=20 * MS)
        self.seq[1] += 1
        self._packet(0, ACK, took=MS)
        stop = rng.randrange(1, len(turns) + 1) if rng.random() < 0.15 else len(turns)
        if stop < len(turns):
            self.case.manglings.add("closed_early")
        for side, data, pause in turns[:stop]:
            self._wait(side, pause)
            self._send(side, data)
        self._finish()

    def _wait(self, side: int, pause: int) -> None:
        """Time passes; whoever waits may send keep-alives."""
        if pause > 50 * SECOND and self.rng.random() < 0.4:
            self.case.manglings.add("keepalive")
            for _ in range(self.rng.randrange(1, 3)):
                data = self.rng.choice((b"", b"\0"))
                self._packet(1 - side, ACK, data, took=20 * SECOND, seq=self.seq[1 - side] - 1)
                self._packet(side, ACK, took=20 * MS)
        self.time_ns += pause

    def _send(self, side: int, data: bytes) -> None:
        rng, start, last = self.rng, 0, None
        while start < len(data):
            size = rng.choice((self.mss, self.mss, self.mss, 1, 37, 300))
            piece = data[start : start + size]
            seq = self.seq[side]
            flags = ACK | (PSH if start + len(piece) == len(data) else 0)
            if rng.random() >= self.trouble:
                self._packet(side, flags, piece, took=rng.choice((0, 1000, 100_000)))
            else:
                self._mangled(side, flags, piece, last, data[start + len(piece) :][:100])
            self.seq[side] = (seq + len(piece)) & 0xFFFFFFFF
            last = (seq, piece)
            start += len(piece)
            if rng.random() < 0.3:
                self._packet(1 - side, ACK, took=MS)
        self._packet(1 - side, ACK, took=rng.choice((MS, 40 * MS)))

    def _mangled(self, side: int, flags: int, piece: bytes, last: tuple[int, bytes] | None, following: bytes) -> None:
        rng, seq = self.rng, self.seq[side]
        what = rng.choice(("again", "longer", "overlap", "reorder", "copy", "hole"))
        if what == "hole" and not self.losing:
            what = "again"
        if what in ("overlap", "reorder") and (last is None or len(piece) < 2):
            what = "copy"
        self.case.manglings.add(what)
        if what == "hole":
            self.case.holes = True
            self.time_ns += MS
            self.ids[side] += 1
        elif what == "again":  # the acknowledgement was lost
            self._packet(side, flags, piece, took=MS)
            self._packet(side, flags, piece, took=210 * MS, seq=seq)
        elif what == "longer":
            half = len(piece) // 2
            self._packet(side, flags, piece[:half], took=MS)
            self._packet(side, flags, piece, took=250 * MS, seq=seq)
        elif what == "overlap" and last is not None:
            before, old = last
            tail = old[-min(20, len(old)) :]
            self._packet(side, flags, tail + piece, took=230 * MS, seq=(before + len(old) - len(tail)) & 0xFFFFFFFF)
        elif what == "reorder":
            half = len(piece) // 2
            self._packet(side, flags, piece[half:], took=MS, seq=(seq + half) & 0xFFFFFFFF)
            self._packet(side, flags, piece[:half], took=MS, seq=seq)
        else:
            self._packet(side, flags, piece, took=MS)
            time_ns, frame = self.case.packets[-1]
            self.case.packets.append((time_ns + 10_000, frame))

    def _finish(self) -> None:
        rng = self.rng
        how = rng.choice(("fin", "fin", "server_fin", "reset", "nothing"))
        self.case.manglings.add(how)
        self.time_ns += rng.choice((MS, SECOND, 100 * SECOND))
        first = 1 if how == "server_fin" else 0
        if how == "reset":
            side = rng.randrange(2)
            self._packet(side, rng.choice((RST, RST | ACK)), took=MS)
        elif how != "nothing":
            self._packet(first, FIN | ACK, took=MS)
            self.seq[first] += 1
            self.case.server_closed = first == 1
            if rng.random() < 0.8:
                self.case.server_closed = True
                self._packet(1 - first, FIN | ACK, took=20 * MS)
                self.seq[1 - first] += 1
                self._packet(first, ACK, took=MS)

    def _packet(self, side: int, flags: int, data: bytes = b"", *, took: int, seq: int | None = None) -> None:
        self.time_ns += took
        self.ids[side] = self.ids[side] % 0xFFFF + 1
        made = self.case
        segment = tcp(
            made.ports[side],
            made.ports[1 - side],
            (self.seq[side] if seq is None else seq) & 0xFFFFFFFF,
            self.seq[1 - side] & 0xFFFFFFFF if flags & ACK else 0,
            flags,
            data,
            window=8192,
        )
        packet = ip(made.addresses[side], made.addresses[1 - side], segment, ttl=(64, 52)[side], ip_id=self.ids[side])
        made.packets.append((self.time_ns, _framed(packet, made.link, (CLIENT_MAC, SERVER_MAC)[side])))


def _framed(packet: bytes, link: int | str, mac: int) -> bytes:
    if link == "vlan":
        return ethernet(packet, mac=mac, tags=[(0x8100, 7)])
    if link == "qinq":
        return ethernet(packet, mac=mac, tags=[(0x88A8, 7), (0x8100, 9)])
    assert isinstance(link, int)
    return linked(packet, link, mac)


# The file ------------------------------------------------------------------------------------------------------------


def capture(cases: list[Case]) -> bytes:
    """A pcapng file of all packets in order of time, one interface a link type."""
    links = sorted({_number(each.link) for each in cases})
    packets = sorted(
        ((time_ns, links.index(_number(each.link)), frame) for each in cases for time_ns, frame in each.packets),
        key=lambda packet: packet[0],
    )
    out = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    for link in links:
        resolution = struct.pack("<HHB3x", 9, 1, 9)  # if_tsresol: nanoseconds
        out.append(_block(1, struct.pack("<HHI", link, 0, 0) + resolution + bytes(4)))
    for time_ns, interface, frame in packets:
        head = struct.pack("<IIIII", interface, time_ns >> 32, time_ns & 0xFFFFFFFF, len(frame), len(frame))
        out.append(_block(6, head + frame + bytes(-len(frame) % 4)))
    return b"".join(out)


def _number(link: int | str) -> int:
    return ETHERNET if isinstance(link, str) else link


def _block(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
