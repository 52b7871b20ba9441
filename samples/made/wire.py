"""Packets with scapy: TCP, UDP and ICMP between hosts, each at a given microsecond.

All that a real network would choose at random (ports, sequence numbers, IP ids) follows from counters, so that the
same story gives the same bytes. Segments are acknowledged after ACK_US unless the other side's data does that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scapy.packet import Packet

MSS = 1460
ACK_US = 200
SEGMENT_US = 12  # between segments of one message
SECOND_US = 1_000_000


class Host(NamedTuple):
    """One machine: its address, that of its network card, and the TTL its packets have at the capture point."""

    ip: str
    mac: str
    ttl: int = 128  # Windows


@dataclass
class Wire:
    """The packets so far."""

    packets: list[tuple[int, int, bytes]] = field(default_factory=list)  # microsecond, number, bytes
    ids: dict[str, int] = field(default_factory=dict)
    next_port: int = 49152

    def put(self, at_us: int, source: Host, destination: Host, upper: Packet) -> bytes:
        """One IP packet; returns it as it would be quoted, from its IP header on."""
        from scapy.layers.inet import IP
        from scapy.layers.l2 import Ether

        number = self.ids[source.ip] = self.ids.get(source.ip, 0) + 1
        packet = IP(src=source.ip, dst=destination.ip, ttl=source.ttl, id=number & 0xFFFF, flags="DF") / upper
        raw = bytes(Ether(src=source.mac, dst=destination.mac) / packet)
        self.packets.append((at_us, len(self.packets), raw))
        return raw[14:]

    def udp(self, at_us: int, source: Host, destination: Host, ports: tuple[int, int], payload: bytes) -> bytes:
        from scapy.layers.inet import UDP
        from scapy.packet import Raw

        return self.put(at_us, source, destination, UDP(sport=ports[0], dport=ports[1]) / Raw(payload))

    def refuse(self, at_us: int, reporter: Host, to: Host, code: int, quote: bytes) -> None:
        """ICMP destination unreachable that quotes a packet (RFC 792, RFC 1812 4.3.2.3: as much of it as fits)."""
        from scapy.layers.inet import ICMP
        from scapy.packet import Raw

        self.put(at_us, reporter, to, ICMP(type=3, code=code) / Raw(quote[:548]))

    def write(self, path: Path) -> None:
        from scapy.utils import RawPcapWriter

        with path.open("wb") as file:
            writer = RawPcapWriter(file, linktype=1, nano=False)
            writer.write_header(None)
            for at_us, _, raw in sorted(self.packets):
                writer.write_packet(raw, sec=at_us // SECOND_US, usec=at_us % SECOND_US)
            writer.flush()


@dataclass
class Tcp:
    """One TCP connection, opened at once."""

    wire: Wire
    client: Host
    server: Host
    server_port: int
    at_us: int
    latency_us: int = 300  # one way

    def __post_init__(self) -> None:
        self.port = self.wire.next_port
        self.wire.next_port += 1
        self.seq = {self.client.ip: 1000 * self.port, self.server.ip: 2000 * self.port}
        self._send(self.at_us, self.client, "S")
        self._send(self.at_us + 2 * self.latency_us, self.server, "SA")
        self._send(self.at_us + 2 * self.latency_us + ACK_US, self.client, "A")

    def say(self, at_us: int, speaker: Host, data: bytes) -> int:
        """A message of one side, acknowledged by the other. Returns when its last segment was sent."""
        listener = self.server if speaker == self.client else self.client
        time = at_us
        for start in range(0, len(data), MSS):
            time = at_us + start // MSS * SEGMENT_US
            last = start + MSS >= len(data)
            self._send(time, speaker, "PA" if last else "A", data[start : start + MSS])
        self._send(time + ACK_US, listener, "A")
        return time

    def close(self, at_us: int, closer: Host) -> None:
        other = self.server if closer == self.client else self.client
        self._send(at_us, closer, "FA")
        self._send(at_us + ACK_US, other, "FA")
        self._send(at_us + 2 * ACK_US, closer, "A")

    def _send(self, at_us: int, source: Host, flags: str, data: bytes = b"") -> None:
        from scapy.layers.inet import TCP
        from scapy.packet import Raw

        to_server = source == self.client
        destination = self.server if to_server else self.client
        ports = (self.port, self.server_port) if to_server else (self.server_port, self.port)
        segment = TCP(
            sport=ports[0],
            dport=ports[1],
            flags=flags,
            seq=self.seq[source.ip],
            ack=self.seq[destination.ip] if "A" in flags else 0,
            window=65535,
            options=[("MSS", MSS), ("NOP", None), ("NOP", None), ("SAckOK", b"")] if "S" in flags else [],
        )
        self.wire.put(at_us, source, destination, segment / Raw(data) if data else segment)
        self.seq[source.ip] += len(data) + ("S" in flags) + ("F" in flags)
