"""Conversations as TCP packets, and packets as capture files.

The packets are those of a quiet network: handshake, data in segments, an ACK for each, FIN or RST as it happened.
Checksums are right, times strictly rise. A loss is packets left out of the list; nothing else changes then.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from dissectors.events import CLIENT, SERVER
from tests.support.tls_recording.relay import Conversation, Note

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MSS: Final = 1448
STEP_NS: Final = 1000  # between packets that one note makes
FIRST_SEQ: Final = (0x1000_0000, 0x2000_0000)
MACS: Final = (bytes.fromhex("020000000001"), bytes.fromhex("020000000002"))
CLIENT_IP: Final = bytes((192, 168, 10, 20))
SERVER_IP: Final = bytes((203, 0, 113, 10))
SERVER_PORT: Final = 443
FIRST_CLIENT_PORT: Final = 50001
ETHERNET: Final = 1


class Packet(NamedTuple):
    """One TCP segment of a conversation."""

    time_ns: int
    side: int
    flags: int
    seq: int  # bytes sent before it in its direction, SYN counted
    ack: int
    payload: bytes = b""


@dataclass
class _Tcp:
    """Both ends while packets are made."""

    packets: list[Packet]
    sent: list[int]
    now: int = 0

    def send(self, side: int, flags: int, time_ns: int, payload: bytes = b"") -> None:
        self.now = max(self.now + STEP_NS, time_ns)
        acknowledged = self.sent[1 - side] if flags & ACK else 0
        self.packets.append(Packet(self.now, side, flags, self.sent[side], acknowledged, payload))
        self.sent[side] += len(payload) + bool(flags & (SYN | FIN))


def packets(conversation: Conversation, mss: int = MSS) -> list[Packet]:
    """The packets of a conversation; each note that carries data begins a new segment."""
    tcp = _Tcp([], [0, 0])
    start = conversation.notes[0].time_ns - 4 * STEP_NS
    tcp.send(CLIENT, SYN, start)
    tcp.send(SERVER, SYN | ACK, start)
    tcp.send(CLIENT, ACK, start)
    for note in conversation.notes:
        if note.what == "rst":
            tcp.send(note.side, RST | ACK, note.time_ns)
            break
        if note.what == "fin":
            tcp.send(note.side, FIN | ACK, note.time_ns)
            tcp.send(1 - note.side, ACK, note.time_ns)
            continue
        for at in range(0, len(note.data), mss):
            part = note.data[at : at + mss]
            tcp.send(note.side, ACK | (PSH if at + mss >= len(note.data) else 0), note.time_ns, part)
            tcp.send(1 - note.side, ACK, note.time_ns)
    return tcp.packets


def resegment(conversation: Conversation, gather: int) -> Conversation:
    """The same bytes with runs of up to `gather` notes of one side joined: several records in one segment."""
    joined: list[tuple[Note, int]] = []
    for note in conversation.notes:
        last = joined[-1][0] if joined else None
        if last and note.what == last.what == "data" and note.side == last.side and joined[-1][1] < gather:
            joined[-1] = (last._replace(data=last.data + note.data), joined[-1][1] + 1)
        else:
            joined.append((note, 1))
    return Conversation(tuple(note for note, _ in joined))


def write_pcap(path: Path, connections: Sequence[Sequence[Packet]], *, snap: int | None = None) -> Path:
    """Writes connections one after the other, each from a client port of its own (50001, 50002, ...).

    `snap` is how many bytes of a frame are kept.
    """
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, ETHERNET)]
    for number, connection in enumerate(connections):
        for packet in connection:
            data = frame(packet, FIRST_CLIENT_PORT + number)
            seconds, nanoseconds = divmod(packet.time_ns, 10**9)
            parts.append(struct.pack("<IIII", seconds, nanoseconds, len(data[:snap]), len(data)))
            parts.append(data[:snap])
    path.write_bytes(b"".join(parts))
    return path


def frame(packet: Packet, client_port: int) -> bytes:
    """Ethernet, IPv4 and TCP around a segment."""
    side = packet.side
    ips = (CLIENT_IP, SERVER_IP) if side == CLIENT else (SERVER_IP, CLIENT_IP)
    ports = (client_port, SERVER_PORT) if side == CLIENT else (SERVER_PORT, client_port)
    sequence = (FIRST_SEQ[side] + packet.seq) & 0xFFFFFFFF
    acknowledged = (FIRST_SEQ[1 - side] + packet.ack) & 0xFFFFFFFF if packet.flags & ACK else 0
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, packet.flags, 65535, 0, 0) + packet.payload
    pseudo = b"".join(ips) + struct.pack(">BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + _checksum(pseudo + tcp) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + b"".join(ips)
    ip = ip[:10] + _checksum(ip) + ip[12:]
    return MACS[1 - side] + MACS[side] + b"\x08\x00" + ip + tcp


def _checksum(data: bytes) -> bytes:
    """RFC 1071."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data[: len(data) & ~1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def without(connection: Iterable[Packet], lost: Iterable[Packet]) -> list[Packet]:
    """The packets but for some of them."""
    gone = set(lost)
    return [packet for packet in connection if packet not in gone]
