"""Traps for time and memory: each costs little per packet, and twice the packets cost about twice the time."""

import struct
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from dissectors.events import Connection
from dissectors.net.columns import Connections
from dissectors.net.packets import PacketDecoder
from dissectors.net.segments import segments
from dissectors.stream import ConnectionStream, Shared
from dissectors.tls import KeyLog
from tests.dissectors.net.wire import ACK, RAW, RST, START, SYN, Frame, columns

FEW, MANY = 10_000, 40_000
PER_PACKET_S = 200e-6  # generous: a new connection costs about 40 µs, a packet of an old one 1 µs
Make = Callable[[int], bytes]


def packet(
    source: int,
    destination: int,
    ports: tuple[int, int],
    seq: int,
    ack: int,
    flags: int,
    payload: bytes = b"",
    ip_id: int = 1,
) -> bytes:
    """IPv4 and TCP header in one go: hundreds of thousands are made."""
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40 + len(payload), ip_id & 0xFFFF, 0, 64, 6, 0, source, destination)
    return ip + struct.pack(">HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 1000, 0, 0) + payload


def up(seq: int, payload: bytes = b"x", *, number: int = 1, flags: int = ACK) -> bytes:
    return packet(1, 2, (40000, 443), seq, 0, flags, payload, number)


def turn(number: int) -> bytes:
    """The two sides in turn, each with holes."""
    ends = (1, 2, (40000, 443)) if number % 2 else (2, 1, (443, 40000))
    return packet(*ends, 1 + 2 * number, 1, ACK, b"x", number)


HELLO = b"\x16\x03\x01\x40\x00"
TRAPS: dict[str, Make] = {
    "a SYN flood": lambda n: packet(0x0A000000 + n, 1, (40000, 443), n * 7919, 0, SYN),
    "RSTs on one connection": lambda n: packet(1, 2, (40000, 443), n * 7, n, RST, ip_id=n),
    "RSTs of many connections": lambda n: packet(0x0A000000 + n, 1, (40000, 443), n, 0, RST),
    "a hole before every byte": lambda n: up(1 + 2 * n, number=n),
    "holes that are filled from behind": lambda n: up((1 << 29) - 2 * n, number=n),
    "holes on both sides": turn,
    "segments of one byte": lambda n: up(n, number=n),
    "a TLS record byte by byte": lambda n: up(n, HELLO[n : n + 1] or b"\1", number=n),
    "an HTTP head byte by byte": lambda n: up(n, b"POST /a HTTP/1.1\r\nX: "[n : n + 1] or b"y", number=n),
    "one byte, then only the other side": lambda n: (
        up(0, b"P") if not n else packet(2, 1, (443, 40000), n, 1, ACK, b"x", n)
    ),
    "a port pair used again for every packet": lambda n: up(n * 99991, b"", number=n, flags=SYN),
    "sequence numbers that jump by a gigabyte": lambda n: packet(
        1, 2, (40000, 443), n * ((1 << 30) - 3), n * ((1 << 30) - 7), ACK, b"x", n
    ),
    "a byte far ahead, then everything in order": lambda n: up((1 << 29) if n == 1 else n, number=n),
}


def seconds(make: Make, count: int, per: int) -> float:
    """CPU time for that many packets, with the real upper layers."""
    shared = Shared(KeyLog())
    decoder, connections = PacketDecoder(), Connections(lambda number: ConnectionStream(number, shared))
    spent, frames = 0.0, 0
    for first, after in pairwise([*range(0, count, per), count]):
        block = columns(
            [Frame(make(number), START + number * 1000, link_type=RAW) for number in range(first, after)], first + 1
        )
        started = time.process_time()
        events = connections.block(segments(decoder.decode(block)[0])[0])
        spent += time.process_time() - started
        for event in events:
            if isinstance(event, Connection):
                frames += (
                    event.client.frames
                    + event.server.frames
                    + event.client.duplicate_frames
                    + event.server.duplicate_frames
                )
    started = time.process_time()
    events = connections.finish()
    spent += time.process_time() - started
    for event in events:
        if isinstance(event, Connection):
            frames += (
                event.client.frames
                + event.server.frames
                + event.client.duplicate_frames
                + event.server.duplicate_frames
            )
    assert frames == count, "every packet belongs to one connection"
    return spent


@pytest.mark.slow
@pytest.mark.parametrize("per", [1000, 20_000])
@pytest.mark.parametrize("trap", TRAPS)
def test_time_is_linear(trap: str, per: int) -> None:
    few, many = seconds(TRAPS[trap], FEW, per), seconds(TRAPS[trap], MANY, per)
    assert many < MANY * PER_PACKET_S
    assert many < 8 * few + 0.3, "four times the packets"


@pytest.mark.parametrize("trap", TRAPS)
def test_no_trap_is_deadly(trap: str) -> None:
    assert seconds(TRAPS[trap], 2000, 500) < 2000 * PER_PACKET_S + 0.3
