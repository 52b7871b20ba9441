"""Captures to measure with: real TLS 1.2 and 1.3 bytes (Python's ssl in memory), written as one pcap and its key log.

    python3 tests/bench/workloads.py eas OUT.pcap OUT.keys --scale 0.1

`eas`: every connection is EAS over TLS, each with its own handshake; at scale 1: 6000 connections, 360 k transactions,
2 million packets, 1.1 GB. `mixed`: what a firewall sees, 2 million packets of which 2 % are EAS, the rest other TLS,
plain HTTP, QUIC, DNS and other TCP, 2 GB. The variants are for what a cache or a fast path would hide: `unique` gives
every device its own folders, every Ping its own interval and every answer its own bytes; `loss` leaves out that share
of the large packets (they follow later, as retransmissions); `reorder` swaps neighbours; `cipher` uses one suite.

What it leaves out: congestion, closing alerts, HTTP/2, anything that is not well-formed. It measures speed, not truth.
"""

import argparse
import datetime
import gzip
import heapq
import random
import ssl
import struct
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

MSS = 1448
SPAN_S = 28_800  # eight hours
START_S = 1_715_760_000
CLIENT, SERVER = 0, 1

Frame = tuple[float, bytes]  # seconds from the start, link-layer frame
Burst = tuple[int, bytes, float]  # who sends, what, how long after the one before


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the workload is like."""

    scale: float = 1.0
    unique: bool = False
    loss: float = 0.0
    reorder: float = 0.0
    cipher: str | None = None  # OpenSSL's name; None: a mix as in the field
    seed: int = 7


# ------------------------------------------------------------------------------------------------------- EAS messages

WORDS = ("meeting", "report", "quarterly", "invoice", "please", "find", "attached", "regards", "project", "budget")


def _text(value: object) -> bytes:
    return b"\x03" + str(value).encode() + b"\0"  # STR_I


def _element(token: int, content: bytes) -> bytes:
    return bytes((token | 0x40,)) + content + b"\x01"


def _page(number: int) -> bytes:
    return bytes((0, number))


WBXML = b"\x03\x01\x6a\x00"  # version 1.3, unknown public identifier, UTF-8, no string table


class Mailbox:
    """Bodies of requests and answers."""

    def __init__(self, options: Options):
        self.random = random.Random(options.seed)
        self.unique = options.unique
        self._pool = [] if options.unique else [self._sync_answer() for _ in range(60)]

    def words(self, length: int) -> str:
        out = ""
        while len(out) < length:
            out += self.random.choice(WORDS) + " "
        return out[:length]

    def folders(self) -> list[int]:
        """What a device watches: a few folders that all devices have, or many of its own."""
        if self.unique:
            return [self.random.getrandbits(24) for _ in range(self.random.randint(5, 40))]
        return list(range(2, self.random.randint(3, 6)))

    def ping(self, watched: list[int]) -> bytes:
        """Ping { HeartbeatInterval, Folders { Folder { Id, Class } ... } }"""
        interval = self.random.randint(300, 1800) if self.unique else 480
        folders = (_element(0x0A, _element(0x0B, _text(each)) + _element(0x0C, _text("Email"))) for each in watched)
        return WBXML + _page(13) + _element(0x05, _element(0x08, _text(interval)) + _element(0x09, b"".join(folders)))

    def ping_answer(self, changed: bool) -> bytes:
        """Ping { Status, Folders { Folder } }"""
        folders = _element(0x09, _element(0x0A, _text(5))) if changed else b""
        return WBXML + _page(13) + _element(0x05, _element(0x07, _text(2 if changed else 1)) + folders)

    def sync(self) -> bytes:
        """Sync { Collections { Collection { SyncKey, CollectionId, GetChanges, WindowSize } } }"""
        content = _element(0x0B, _text(self.random.getrandbits(31))) + _element(0x12, _text(5)) + b"\x13"
        return WBXML + _element(0x05, _element(0x1C, _element(0x0F, content + _element(0x15, _text(50)))))

    def sync_answer(self) -> tuple[bytes, bool]:
        """A body of 50 to 500 KB, and whether it is gzipped."""
        body = self._sync_answer() if self.unique else self.random.choice(self._pool)
        return body, body[:2] == b"\x1f\x8b"

    def _sync_answer(self) -> bytes:
        target = int(50_000 * 10 ** self.random.random())
        items, size = [], 0
        while size < target:
            items.append(self._item(len(items)))
            size += len(items[-1])
        head = _element(0x0B, _text(self.random.getrandbits(31))) + _element(0x12, _text(5)) + _element(0x0E, _text(1))
        body = WBXML + _element(0x05, _element(0x1C, _element(0x0F, head + _element(0x16, b"".join(items)))))
        return gzip.compress(body, 6, mtime=0) if self.random.random() < 0.2 else body

    def _item(self, number: int) -> bytes:
        """Add { ServerId, ApplicationData { From, To, Subject, DateReceived, Body { Type, Size, Data } } }"""
        length = min(int(self.random.lognormvariate(8.6, 0.8)), 60_000)
        sender, subject = self.words(8).strip().replace(" ", "."), self.words(40)
        mail = _page(2) + _element(0x18, _text(f"{sender}@example.com")) + _element(0x16, _text("anna@example.com"))
        mail += _element(0x14, _text(subject)) + _element(0x0F, _text("2024-05-15T10:11:12.000Z"))
        text = _element(0x06, _text(2)) + _element(0x0C, _text(length)) + _element(0x0B, _text(self.words(length)))
        data = _element(0x1D, mail + _page(17) + _element(0x0A, text) + _page(0))
        return _element(0x07, _element(0x0D, _text(f"5:{number}")) + data)

    def conversation(self, pings: int, sync_share: float) -> list[Burst]:
        """One device's requests and answers on one connection."""
        user, device = (
            f"{self.random.choice(WORDS)}.{self.random.choice(WORDS)}",
            f"{self.random.getrandbits(128):032X}",
        )
        watched = self.folders()
        script: list[Burst] = []
        for _ in range(pings):
            changed = self.random.random() < 0.3
            script.append(
                (
                    CLIENT,
                    _request("Ping", user, device, self.ping(watched if self.unique else self.folders())),
                    self.random.uniform(0.1, 2),
                )
            )
            script.append((SERVER, self._answer(self.ping_answer(changed), False), self.random.uniform(5, 470)))
            if self.random.random() < sync_share:
                body, packed = self.sync_answer()
                script.append((CLIENT, _request("Sync", user, device, self.sync()), 0.05))
                script.append((SERVER, self._answer(body, packed), self.random.uniform(0.05, 0.4)))
        return script

    def _answer(self, body: bytes, packed: bool) -> bytes:
        head = (
            "HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Type: application/vnd.ms-sync.wbxml\r\n"
            f"Server: Microsoft-IIS/10.0\r\nrequest-id: {self.random.getrandbits(128):032x}\r\n"
            "X-CalculatedBETarget: mbx01.example.com\r\nMS-Server-ActiveSync: 15.1\r\nX-AspNet-Version: 4.0.30319\r\n"
            "X-Powered-By: ASP.NET\r\nX-FEServer: CAS01\r\nDate: Wed, 15 May 2024 10:11:12 GMT\r\n"
        )
        if packed:
            head += "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
        if len(body) < 4096 or self.random.random() > 0.3:
            return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        chunks = (body[at : at + 16_000] for at in range(0, len(body), 16_000))
        coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + coded + b"0\r\n\r\n"


def _request(command: str, user: str, device: str, body: bytes) -> bytes:
    target = f"/Microsoft-Server-ActiveSync?Cmd={command}&User={user}&DeviceId={device}&DeviceType=iPhone"
    head = (
        f"POST {target} HTTP/1.1\r\nHost: mail.example.com\r\nX-MS-PolicyKey: 1307199584\r\n"
        "MS-ASProtocolVersion: 14.1\r\nAccept: */*\r\nContent-Type: application/vnd.ms-sync.wbxml\r\n"
        "Authorization: Basic ZXhhbXBsZTpleGFtcGxl\r\nUser-Agent: Apple-iPhone14C3/2105.306\r\n"
        "Accept-Language: en-US,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n"
        "Cookie: X-BackEndCookie=example; ClientId=EXAMPLE\r\nConnection: keep-alive\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# ---------------------------------------------------------------------------------------------------------------- TLS


class Tls:
    """Both ends of TLS connections, which write their secrets into one key log."""

    MIX = (("ECDHE-RSA-AES256-GCM-SHA384", 55), ("ECDHE-RSA-AES128-GCM-SHA256", 10), (None, 35))  # None: TLS 1.3

    def __init__(self, keylog: Path, cipher: str | None, rng: random.Random):
        keylog.unlink(missing_ok=True)
        self.random = rng
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as certificate:
            certificate.write(_certificate())
            certificate.flush()
            self.server.load_cert_chain(certificate.name)
        mix = self.MIX if cipher is None else ((cipher, 1),)
        self.weights = [weight for _, weight in mix]
        self.clients = [self._client(name, keylog) for name, _ in mix]

    @staticmethod
    def _client(cipher: str | None, keylog: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.keylog_filename = str(keylog)
        if cipher is None:
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        else:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(cipher)
        return context

    def bursts(self, script: list[Burst]) -> list[Burst]:
        """The script as TLS records, handshake first."""
        to_client, to_server = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
        (context,) = self.random.choices(self.clients, self.weights)
        ends = (
            context.wrap_bio(to_client[0], to_server[1], server_hostname="mail.example.com"),
            self.server.wrap_bio(to_server[0], to_client[1], server_side=True),
        )
        incoming, outgoing = (to_client[0], to_server[0]), (to_server[1], to_client[1])
        out: list[Burst] = []
        done = [False, False]
        while not all(done):
            for side in (CLIENT, SERVER):
                if not done[side]:
                    try:
                        ends[side].do_handshake()
                        done[side] = True
                    except ssl.SSLWantReadError:
                        pass
                if records := outgoing[side].read():
                    out.append((side, records, 0.01))
                    incoming[1 - side].write(records)
        for side, data, gap in script:
            ends[side].write(data)
            records = outgoing[side].read()
            out.append((side, records, gap))
            incoming[1 - side].write(records)
            left = len(data)
            while left > 0:
                left -= len(ends[1 - side].read(1 << 20))
        return out


def _certificate() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "mail.example.com")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2040, 1, 1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, *form) + certificate.public_bytes(serialization.Encoding.PEM)


# ------------------------------------------------------------------------------------------------------------ packets


class Sender:
    """One direction of one connection or datagram flow: its headers, and its sequence number."""

    def __init__(
        self, source: bytes, destination: bytes, ports: tuple[int, int], *, side: int, vlan: int | None, seq: int
    ):
        macs = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02"
        self.v6 = len(source) == 16
        kind = b"\x86\xdd" if self.v6 else b"\x08\x00"
        tag = b"" if vlan is None else b"\x81\x00" + struct.pack("!H", vlan)
        self.ethernet = macs[1 - side] + macs[side] + tag + kind
        self.addresses = source + destination
        self.ports = ports
        self.seq = seq

    def _frame(self, protocol: int, payload: bytes) -> bytes:
        if self.v6:
            return (
                self.ethernet + struct.pack("!IHBB", 0x60000000, len(payload), protocol, 64) + self.addresses + payload
            )
        head = struct.pack("!BBHHHBB", 0x45, 0, len(payload) + 20, 0, 0x4000, 64, protocol)
        total = sum(struct.unpack("!5H", head)) + sum(struct.unpack("!4H", self.addresses))
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        return self.ethernet + head + struct.pack("!H", checksum) + self.addresses + payload

    def tcp(self, acknowledged: int, flags: int, data: bytes, at: float) -> bytes:
        stamp = struct.pack("!BBII", 8, 10, int(at * 1000) & 0xFFFFFFFF, 0)
        syn = flags & 2
        options = b"\x02\x04\x05\xb4\x04\x02" + stamp + b"\x01\x03\x03\x07" if syn else b"\x01\x01" + stamp
        acknowledged = acknowledged & 0xFFFFFFFF if flags & 0x10 else 0
        offset = (20 + len(options)) << 2
        head = struct.pack("!HHIIBBHHH", *self.ports, self.seq & 0xFFFFFFFF, acknowledged, offset, flags, 64240, 0, 0)
        self.seq += len(data) + bool(flags & 3)
        return self._frame(6, head + options + data)

    def udp(self, data: bytes) -> bytes:
        return self._frame(17, struct.pack("!HHHH", *self.ports, len(data) + 8, 0) + data)


class Network:
    """Turns bursts into frames, with the loss and disorder that was asked for."""

    def __init__(self, options: Options, rng: random.Random):
        self.options = options
        self.random = rng

    def pair(self, client: str, server: str, port: int, vlan: int | None = None) -> tuple[Sender, Sender]:
        source, destination = ip_address(client).packed, ip_address(server).packed
        ports = self.random.randint(1025, 65_000), port
        first, second = (self.random.getrandbits(32) for _ in range(2))
        return (
            Sender(source, destination, ports, side=CLIENT, vlan=vlan, seq=first),
            Sender(destination, source, ports[::-1], side=SERVER, vlan=vlan, seq=second),
        )

    def connection(self, at: float, bursts: Iterable[Burst], ends: tuple[Sender, Sender]) -> list[Frame]:
        client, server = ends
        rtt = self.random.uniform(0.005, 0.08)
        out = [(at, client.tcp(0, 0x02, b"", at))]
        out.append((at + rtt, server.tcp(client.seq, 0x12, b"", at + rtt)))
        at += rtt + 2e-4
        out.append((at, client.tcp(server.seq, 0x10, b"", at)))
        for side, data, gap in bursts:
            at = self._burst(at + gap, data, me=ends[side], other=ends[1 - side], rtt=rtt, out=out)
        out.append((at + 0.05, client.tcp(server.seq, 0x11, b"", at)))
        out.append((at + 0.06, server.tcp(client.seq, 0x11, b"", at)))
        return out

    def _burst(self, at: float, data: bytes, *, me: Sender, other: Sender, rtt: float, out: list[Frame]) -> float:
        for sent, start in enumerate(range(0, len(data), MSS), 1):
            piece = data[start : start + MSS]
            last = start + MSS >= len(data)
            frame = me.tcp(other.seq, 0x18 if last else 0x10, piece, at)
            if sent > 2 and self.random.random() < self.options.loss:
                out.append((at + rtt, frame))  # the first copy was lost before this point; here comes the second
            else:
                out.append((at, frame))
                if sent > 2 and self.random.random() < self.options.reorder:
                    (t1, f1), (t2, f2) = out[-2:]
                    out[-2:] = (t1, f2), (t2, f1)
            at += 12e-6
            if sent % 2 == 0 or last:
                out.append((at, other.tcp(me.seq, 0x10, b"", at)))
                if sent % 20 == 0:
                    at += rtt
        return at + (rtt if self.options.loss else 1e-3)


# ---------------------------------------------------------------------------------------------------------- workloads


class Workload:
    """The two mixtures."""

    def __init__(self, keylog: Path, options: Options):
        self.options = options
        self.random = random.Random(options.seed)
        self.mailbox = Mailbox(options)
        self.tls = Tls(keylog, options.cipher, self.random)
        self.network = Network(options, self.random)
        self.noise = self.random.randbytes(1 << 22)

    def eas(self, connections: int, pings: int = 60) -> Iterator[list[Frame]]:
        """EAS over TLS; a long Sync in one of 120 answers, one client in ten on IPv6."""
        for number in range(connections):
            script = self.mailbox.conversation(max(1, int(self.random.gauss(pings, pings / 5))), 0.0082)
            if self.random.random() < 0.1:
                ends = self.network.pair(f"2001:db8::{number:x}", "2001:db8:1::443", 443)
            else:
                ends = self.network.pair(f"100.64.{number >> 8 & 255}.{number & 255}", "192.0.2.10", 443)
            yield self.network.connection(self.random.uniform(0, SPAN_S / 3), self.tls.bursts(script), ends)

    def others(self, packets: int) -> Iterator[list[Frame]]:
        """Everything else that crosses a firewall."""
        hello = [self.tls.bursts([(CLIENT, b"x", 0.0)])[:2] for _ in range(20)]
        kinds, made = (self._tls, self._http, self._tcp, self._quic, self._dns), 0
        while made < packets:
            (kind,) = self.random.choices(kinds, (30, 8, 14, 14, 20))
            frames = kind(self.random.uniform(0, SPAN_S), hello)
            made += len(frames)
            yield frames

    def _ends(self, port: int) -> tuple[Sender, Sender]:
        host = self.random.randint(1, 65_534)
        vlan = self.random.choice((None, None, 10, 20))
        if self.random.random() < 0.2:
            return self.network.pair(f"2001:db8:a::{host:x}", f"2001:db8:b::{host:x}", port, vlan)
        return self.network.pair(f"10.0.{host >> 8}.{host & 255}", f"203.0.{host & 255}.{host >> 8}", port, vlan)

    def _bytes(self, length: int) -> bytes:
        length = min(length, len(self.noise) - 1)
        at = self.random.randrange(len(self.noise) - length)
        return self.noise[at : at + length]

    def _size(self) -> int:
        return min(int(self.random.lognormvariate(10.3, 1.6)), 4_000_000)

    def _tls(self, at: float, hello: list[list[Burst]]) -> list[Frame]:
        def records(size: int) -> bytes:
            sizes = [16_401] * (size // 16_401) + [size % 16_401 + 1]
            return b"".join(b"\x17\x03\x03" + struct.pack("!H", each) + self._bytes(each) for each in sizes)

        opening = self.random.choice(hello)
        more = [(CLIENT, records(self.random.randint(80, 900)), 0.01), (SERVER, records(self._size()), 0.05)]
        return self.network.connection(at, [*opening, *more], self._ends(443))

    def _http(self, at: float, hello: list[list[Burst]]) -> list[Frame]:
        size = self._size()
        get = b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: example\r\n\r\n" % size
        body = self._bytes(size)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
        return self.network.connection(at, [(CLIENT, get, 0.01), (SERVER, head + body, 0.05)], self._ends(80))

    def _tcp(self, at: float, hello: list[list[Burst]]) -> list[Frame]:
        port = self.random.choice((445, 3389, 22, 8080, 1433, 993))
        bursts = [(CLIENT, self._bytes(self.random.randint(50, 800)), 0.01), (SERVER, self._bytes(self._size()), 0.05)]
        return self.network.connection(at, bursts, self._ends(port))

    def _quic(self, at: float, hello: list[list[Burst]]) -> list[Frame]:
        client, server = self._ends(443)
        out = []
        for number in range(min(int(self.random.lognormvariate(4, 1.4)), 3000) + 3):
            down = self.random.random() < 0.8
            data = b"\x40" + self._bytes(1249 if down else self.random.randint(30, 200))
            out.append((at + number * 1e-4, (server if down else client).udp(data)))
        return out

    def _dns(self, at: float, hello: list[list[Burst]]) -> list[Frame]:
        client, server = self._ends(53)
        question = struct.pack("!HHHHHH", 1, 0x100, 1, 0, 0, 0) + b"\x03www\x07example\x03org\0\0\1\0\1"
        answer = (
            question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
        )
        return [(at, client.udp(question)), (at + 0.02, server.udp(answer))]


def make(kind: str, capture: Path, keylog: Path, options: Options) -> int:
    """Write one workload; returns its number of packets."""
    workload = Workload(keylog, options)
    if kind == "eas":
        flows: Iterable[list[Frame]] = workload.eas(max(1, int(6000 * options.scale)))
    else:
        packets = int(2_000_000 * options.scale)
        mail = list(workload.eas(int(packets * 0.02 / 333) + 1))
        flows = [*mail, *workload.others(packets - sum(map(len, mail)))]
    ordered = heapq.merge(*(sorted(flow) for flow in flows))
    count = 0
    with capture.open("wb", 1 << 20) as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for at, frame in ordered:
            micros = int(at * 1e6)
            stamp = START_S + micros // 1_000_000, micros % 1_000_000
            out.write(struct.pack("<IIII", *stamp, len(frame), len(frame)) + frame)
            count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a benchmark capture and its key log.")
    parser.add_argument("kind", choices=("eas", "mixed"))
    parser.add_argument("capture", type=Path)
    parser.add_argument("keylog", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--unique", action="store_true")
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--reorder", type=float, default=0.0)
    parser.add_argument("--cipher")
    chosen = vars(parser.parse_args())
    where = [chosen.pop(name) for name in ("kind", "capture", "keylog")]
    print(make(*where, Options(**chosen)), "packets")


if __name__ == "__main__":
    main()
