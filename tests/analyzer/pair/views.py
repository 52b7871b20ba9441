"""Two views of the same traffic: a talk of one connection as both points would capture it, and the view from behind a
NAT of a recording that was made at the device.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dissectors.events import CLIENT, SERVER
from tests.dissectors.net.wire import ACK, FIN, MS, PSH, RST, SECOND, START, SYN, Frame, ethernet, ip, pcap, tcp

DEVICE, NAT, HOST = "192.168.10.20", "203.0.113.1", "203.0.113.10"
WAY_NS = 10 * MS  # between the points, each way


@dataclass
class Clocks:
    """The server's clock: ahead by `offset_ns` at START, and faster by `drift`."""

    offset_ns: int = 0
    drift: float = 0.0

    def at_server(self, time_ns: int) -> int:
        return time_ns + self.offset_ns + round(self.drift * (time_ns - START))


@dataclass
class Talk:
    """One connection; times are seconds of the true clock at the sender. Each packet passes unless told otherwise."""

    clocks: Clocks = field(default_factory=Clocks)
    port: int = 40000
    isn: tuple[int, int] = (1000, 5000)
    shift: tuple[int, int] = (0, 0)  # by which a firewall changes the numbers of each side on the way to the server
    device: list[Frame] = field(default_factory=list)
    server: list[Frame] = field(default_factory=list)
    sent: list[int] = field(default_factory=lambda: [0, 0])  # bytes, the FIN included
    ids: list[int] = field(default_factory=lambda: [100, 700])
    mss: tuple[int, int] = (1460, 1460)  # of the client's SYN at the device's and at the server's point

    def packet(
        self,
        at: float,
        side: int,
        flags: int,
        payload: bytes = b"",
        *,
        seq: int | None = None,
        where: str = "both",
        ttl: int = 64,
        ip_id: int | None = None,
        pieces: int = 0,
    ) -> None:
        """`where`: both; near: lost on the way, or not captured at the far point; far: made between. `pieces`: it
        arrives in packets of so many bytes.
        """
        begin = self.sent[side] if seq is None else seq
        if ip_id is None:
            self.ids[side] += 1
            ip_id = self.ids[side]
        near, far = ("device", "server") if side == CLIENT else ("server", "device")
        time_ns = START + round(at * SECOND)
        if where != "far":
            self._put(near, time_ns, side, flags, begin, payload, ttl, ip_id)
        if where != "near":
            arrived = time_ns + (0 if where == "far" else WAY_NS)
            step = pieces or max(len(payload), 1)
            for offset in range(0, max(len(payload), 1), step):
                part = payload[offset : offset + step]
                below = ttl if where == "far" else ttl - 1
                self._put(far, arrived, side, flags, begin + offset, part, below, ip_id + (offset > 0))

    def _put(self, point: str, time_ns: int, side: int, flags: int, begin: int, payload: bytes, ttl: int, ip_id: int):
        ends = (DEVICE if point == "device" else NAT, self.port + (point == "server") * 10000), (HOST, 443)
        source, target = (ends[0], ends[1]) if side == CLIENT else (ends[1], ends[0])
        shift = self.shift if point == "server" else (0, 0)
        number = self.isn[side] + shift[side] + 1 + begin - (1 if flags & SYN else 0)
        other = self.isn[1 - side] + shift[1 - side] + 1 + self.sent[1 - side]
        options = b""
        if flags & SYN:
            options = b"\x02\x04" + struct.pack(">H", self.mss[point == "server"])
        segment = tcp(source[1], target[1], number, other if flags & ACK else 0, flags, payload, options=options)
        data = ethernet(ip(source[0], target[0], segment, ttl=ttl, ip_id=ip_id))
        stamp = time_ns if point == "device" else self.clocks.at_server(time_ns)
        (self.device if point == "device" else self.server).append(Frame(data, stamp))

    def open(self, at: float = 0.0) -> Talk:
        """The handshake."""
        self.packet(at, CLIENT, SYN)
        self.packet(at + 0.011, SERVER, SYN | ACK)
        self.packet(at + 0.022, CLIENT, ACK)
        return self

    def say(self, at: float, side: int, payload: bytes, *, where: str = "both", pieces: int = 0) -> Talk:
        """Payload, and its acknowledgement when it arrives."""
        self.packet(at, side, PSH | ACK, payload, where=where, pieces=pieces)
        if where == "both":
            self.sent[side] += len(payload)
            self.packet(at + 0.011, 1 - side, ACK)
        return self

    def close(self, at: float, side: int, *, where: str = "both") -> Talk:
        """FIN, and the answer of the other side when it arrives."""
        self.packet(at, side, FIN | ACK, where=where)
        if where == "both":
            self.sent[side] += 1
            self.packet(at + 0.011, 1 - side, FIN | ACK)
            self.sent[1 - side] += 1
            self.packet(at + 0.022, side, ACK)
        return self

    def reset(self, at: float, side: int, *, where: str = "both", ttl: int = 64) -> Talk:
        self.packet(at, side, RST | ACK, where=where, ttl=ttl, ip_id=0)
        return self

    def exchanges(self, count: int, every: float = 1.0, start: float = 0.1) -> Talk:
        """Requests and answers."""
        for number in range(count):
            self.say(start + number * every, CLIENT, b"request %04d of the device" % number)
            self.say(start + number * every + 0.05, SERVER, b"answer %04d of the server" % number)
        return self


def write(directory: Path, *talks: Talk, name: str = "") -> tuple[Path, Path]:
    """Both captures as files."""
    paths = directory / f"{name}device.pcap", directory / f"{name}server.pcap"
    for path, point in zip(paths, ("device", "server"), strict=True):
        frames = [frame for talk in talks for frame in getattr(talk, point)]
        path.write_bytes(pcap(sorted(frames, key=lambda frame: frame.time_ns)))
    return paths


# -- the other side of a recording ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """One frame of a recording, and what decides about its twin."""

    number: int  # from 1
    time_ns: int
    side: int
    flags: int
    port: int  # of the device


def behind_nat(
    path: Path,
    keep: Callable[[Seen], bool] = lambda seen: True,
    clocks: Clocks | None = None,
) -> bytes:
    """What a capture at the server would have shown of a recording made at the device (pcap, little-endian, µs,
    Ethernet, IPv4): other client address and ports, one hop, another clock. The way takes no time: the machines of the
    recordings stood side by side, and a longer one would put answers before their requests.
    """
    clocks = clocks or Clocks()
    data = path.read_bytes()
    out = [data[:24]]
    place, number = 24, 0
    frames = []
    while place < len(data):
        seconds, micro, size, original = struct.unpack_from("<IIII", data, place)
        frame = bytearray(data[place + 16 : place + 16 + size])
        place += 16 + size
        number += 1
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        side = CLIENT if frame[26:30] == bytes(map(int, DEVICE.split("."))) else SERVER
        begin = 14 + (frame[14] & 15) * 4
        own = begin + (0 if side == CLIENT else 2)
        port = struct.unpack_from(">H", frame, own)[0]
        time_ns = seconds * SECOND + micro * 1000
        seen = Seen(number, time_ns, side, frame[begin + 13], port)
        if not keep(seen):
            continue
        frame[22] += -1 if side == CLIENT else 1
        address = slice(26, 30) if side == CLIENT else slice(30, 34)
        frame[address] = bytes(map(int, NAT.split(".")))
        struct.pack_into(">H", frame, own, 20000 + port % 10000)
        moved = clocks.at_server(time_ns)
        frames.append((moved, struct.pack("<IIII", *divmod(moved // 1000, 10**6), size, original) + bytes(frame)))
    out += [record for _, record in sorted(frames, key=lambda one: one[0])]
    return b"".join(out)
