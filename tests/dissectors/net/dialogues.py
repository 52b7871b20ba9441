"""Seeded random captures: TCP dialogues as networks really mangle them, and packets that no honest stack would send."""

import random
from dataclasses import dataclass, field

from tests.dissectors.net.wire import (
    ACK,
    ETHERNET,
    FIN,
    MS,
    PSH,
    RST,
    SECOND,
    SLL,
    SLL2,
    START,
    SYN,
    Frame,
    ip,
    linked,
    tcp,
)

LINKS = (ETHERNET, SLL, SLL2, 101, 0, 108, 9)


@dataclass
class _Talk:
    """One connection in the making."""

    rng: random.Random
    addresses: tuple[str, str]
    ports: tuple[int, int]
    seq: list[int]
    time_ns: int
    link_type: int
    wild: float
    packets: list[Frame] = field(default_factory=list)
    ids: list[int] = field(default_factory=lambda: [0, 0])
    sent: list[tuple[int, int, int, bytes]] = field(default_factory=list)  # side, seq, flags, payload

    def emit(
        self, side: int, seq: int, flags: int, payload: bytes = b"", *, note: bool = True, ack: int | None = None
    ) -> None:
        rng = self.rng
        if note:
            self.sent.append((side, seq, flags, payload))
        self.time_ns += rng.choice((0, 0, 1000, MS, 4 * MS, 50 * MS, 300 * MS))
        if rng.random() < 0.02:
            self.time_ns += rng.choice((2 * SECOND, 61 * SECOND, 601 * SECOND, 7201 * SECOND))
        self.ids[side] = (self.ids[side] + 1) & 0xFFFF if self.ids[side] >= 0 else 0
        acknowledged = self.seq[1 - side] if ack is None else ack
        segment = tcp(
            self.ports[side],
            self.ports[1 - side],
            seq,
            acknowledged if flags & ACK else 0,
            flags,
            payload,
            window=rng.choice((65535, 65535, 512, 0)),
            options=rng.choice((b"", b"\1" * 12)),
            checksum=rng.randrange(3),
        )
        ttl = rng.choice((64, 64, 64, 60, 255))
        packet = ip(self.addresses[side], self.addresses[1 - side], segment, ttl=ttl, ip_id=max(0, self.ids[side]))
        mac = 0x020000000001 + side + (7 if rng.random() < 0.02 else 0)
        data = linked(packet, self.link_type, mac)
        original = len(data)
        if payload and rng.random() < 0.03:
            data = data[: len(data) - rng.randrange(len(payload) + 1)]
        self.packets.append(Frame(data, self.time_ns, original, self.link_type))

    def step(self) -> None:
        rng = self.rng
        side = rng.randrange(2)
        action = rng.random()
        if action < 0.45:
            for _ in range(rng.choice((1, 1, 1, 2, 5))):
                payload = rng.randbytes(rng.choice((1, 2, 10, 100, 1448)))
                self.emit(side, self.seq[side], ACK | PSH, payload)
                self.seq[side] = (self.seq[side] + len(payload)) & 0xFFFFFFFF
        elif action < 0.65:
            self.emit(side, self.seq[side], ACK, ack=(self.seq[1 - side] - rng.choice((0, 0, 0, 50))) & 0xFFFFFFFF)
        elif action < 0.75 and self.sent:
            who, seq, flags, payload = rng.choice(self.sent[-8:])  # a retransmission, whole, longer or shifted
            shift = rng.choice((0, 0, 0, 1, len(payload) // 2))
            self.emit(
                who,
                (seq + shift) & 0xFFFFFFFF,
                flags,
                payload[shift:] + rng.randbytes(rng.choice((0, 0, 3))),
                note=False,
            )
        elif action < 0.80:
            self.emit(side, (self.seq[side] - 1) & 0xFFFFFFFF, ACK, rng.choice((b"", b"\0")), note=False)  # keep-alive
        elif action < 0.83:
            self.seq[side] = (
                self.seq[side] + rng.choice((1, 100, 5000))
            ) & 0xFFFFFFFF  # bytes that the capture does not hold
        elif action < 0.85:
            self.emit(side, self.seq[side], ACK | FIN, rng.choice((b"", b"bye")))
        elif action < 0.86:
            self.emit(
                side,
                (self.seq[side] + rng.choice((0, 0, 1000))) & 0xFFFFFFFF,
                rng.choice((RST, RST | ACK)),
                rng.choice((b"", b"no")),
            )
        elif action < 0.88 and self.packets:
            again = rng.choice(self.packets[-4:])
            self.packets.append(Frame(again.data, self.time_ns, again.original, again.link_type))
        elif action < 0.89:
            self.seq = [rng.randrange(1 << 32), rng.randrange(1 << 32)]  # the ports are used again
            self.emit(0, self.seq[0], SYN)
            self.seq[0] = (self.seq[0] + 1) & 0xFFFFFFFF
            if rng.random() < 0.7:
                self.emit(1, self.seq[1], SYN | ACK)
                self.seq[1] = (self.seq[1] + 1) & 0xFFFFFFFF
        elif action < 0.89 + 0.11 * self.wild:
            base = self.seq[side] if rng.random() < 0.5 else rng.randrange(1 << 32)
            jump = rng.choice(
                (0, -1, 1, 100_000, (1 << 30) - 1, 1 << 30, (1 << 30) + 1, -(1 << 30), -5000, 1 << 29, 1 << 31)
            )
            flags = rng.choice((0, ACK, ACK, SYN, SYN | ACK, FIN, FIN | ACK, RST, rng.randrange(256)))
            self.emit(
                side,
                (base + jump) & 0xFFFFFFFF,
                flags,
                rng.randbytes(rng.choice((0, 1, 50))),
                ack=(self.seq[1 - side] + rng.choice((0, jump))) & 0xFFFFFFFF,
            )


def capture(
    seed: int, *, connections: int = 4, steps: int = 40, wild: float = 0.5, time_travel: bool = False
) -> list[Frame]:
    """Some interleaved connections with loss, reordering, overlap, copies, and as much garbage as `wild` says."""
    rng = random.Random(seed)
    links = rng.choice(((ETHERNET,), (SLL2,), LINKS))
    talks = []
    for number in range(connections):
        addresses = rng.choice((("10.0.0.1", "192.0.2.7"), ("fd00::1", "2001:db8::7")))
        ports = (rng.choice((40000 + number, 40000, 443)), 443)
        start = [rng.choice((1000, 0xFFFFFF00, 0xFFFFFFFF, 0, rng.randrange(1 << 32))) for _ in range(2)]
        talk = _Talk(rng, addresses, ports, start, START + rng.randrange(3 * SECOND), rng.choice(links), wild)
        if rng.random() < 0.3:
            talk.ids = [-1, -1]
        if rng.random() < 0.7:
            talk.emit(0, start[0], SYN)
            talk.seq[0] = (talk.seq[0] + 1) & 0xFFFFFFFF
            if rng.random() < 0.8:
                talk.emit(1, start[1], rng.choice((SYN | ACK, SYN | ACK, SYN)))
                talk.seq[1] = (talk.seq[1] + 1) & 0xFFFFFFFF
                talk.emit(0, talk.seq[0], ACK)
        for _ in range(rng.randrange(steps + 1)):
            talk.step()
        talks.append(talk)
    frames = [frame for talk in talks for frame in talk.packets]
    frames.sort(key=lambda frame: frame.time_ns)
    frames = [frame for frame in frames if rng.random() > 0.02]
    for _ in range(len(frames) // 20):  # reordered on the way to the capture point: the times stay in order
        at = rng.randrange(max(1, len(frames) - 4))
        other = min(len(frames) - 1, at + rng.randrange(4))
        first, second = frames[at], frames[other]
        frames[at] = Frame(second.data, first.time_ns, second.original, second.link_type)
        frames[other] = Frame(first.data, second.time_ns, first.original, first.link_type)
    if time_travel:
        frames = [
            Frame(f.data, f.time_ns - (rng.randrange(3 * MS) if rng.random() < 0.1 else 0), f.original, f.link_type)
            for f in frames
        ]
    return frames
