"""A small language for one TCP connection: open, send, acknowledge, lose, reset, wait. Every run goes through both
twins and all block sizes.
"""

from typing import Self

from dissectors.events import Connection
from tests.dissectors.net import drive
from tests.dissectors.net.drive import Recorder
from tests.dissectors.net.wire import (
    ACK,
    CLIENT_MAC,
    ETHERNET,
    FIN,
    MS,
    PSH,
    RST,
    SERVER_MAC,
    START,
    SYN,
    Frame,
    ip,
    linked,
    tcp,
)

CLIENT, SERVER = 0, 1


class Dialogue:
    """Frames are put down `gap_ns` apart; `lost` sends without the capture seeing it."""

    def __init__(
        self,
        isn: tuple[int, int] = (1000, 5000),
        ports: tuple[int, int] = (40000, 443),
        addresses: tuple[str, str] = ("10.0.0.1", "192.0.2.7"),
        link_type: int = ETHERNET,
    ) -> None:
        self.frames: list[Frame] = []
        self.now_ns = START
        self.gap_ns = 10 * MS
        self.isn = isn
        self.next = list(isn)
        self.acked = [0, 0]
        self.ports, self.addresses, self.link_type = ports, addresses, link_type
        self.ttl, self.mac, self.ids = [64, 57], [CLIENT_MAC, SERVER_MAC], [100, 9000]

    def put(
        self,
        side: int,
        flags: int,
        payload: bytes = b"",
        *,
        seq: int | None = None,
        ack: int | None = None,
        lost: bool = False,
        ttl: int | None = None,
        mac: int | None = None,
        window: int = 65535,
        keep: int | None = None,
        moves: bool = True,
    ) -> Self:
        """One segment; `keep` is how many bytes of its payload the capture holds; `moves`: the side goes on behind
        it.
        """
        at = self.next[side] if seq is None else seq
        self.ids[side] += 1
        answer = (self.next[1 - side] if ack is None else ack) if flags & ACK else 0
        segment = tcp(self.ports[side], self.ports[1 - side], at, answer, flags, payload, window=window)
        packet = ip(
            *(self.addresses if side == CLIENT else self.addresses[::-1]),
            segment,
            ttl=self.ttl[side] if ttl is None else ttl,
            ip_id=self.ids[side],
        )
        data = linked(packet, self.link_type, self.mac[side] if mac is None else mac)
        if not lost:
            cut = 0 if keep is None else len(payload) - keep
            self.frames.append(Frame(data[: len(data) - cut], self.now_ns, len(data), self.link_type))
        if seq is None and moves and not flags & RST:
            self.next[side] = (at + len(payload) + bool(flags & SYN) + bool(flags & FIN)) & 0xFFFFFFFF
        self.now_ns += self.gap_ns
        return self

    def open(self) -> Self:
        return self.put(CLIENT, SYN).put(SERVER, SYN | ACK).put(CLIENT, ACK)

    def say(self, side: int, payload: bytes, **how: object) -> Self:
        return self.put(side, PSH | ACK, payload, **how)  # type: ignore[arg-type]

    def ack(self, side: int) -> Self:
        return self.put(side, ACK)

    def fin(self, side: int) -> Self:
        return self.put(side, FIN | ACK)

    def rst(self, side: int, **how: object) -> Self:
        return self.put(side, RST | ACK, **how)  # type: ignore[arg-type]

    def keepalive(self, side: int, payload: bytes = b"") -> Self:
        return self.put(side, ACK, payload, seq=(self.next[side] - 1) & 0xFFFFFFFF)

    def again(self, frames_back: int = 1, after_ns: int = 0) -> Self:
        """The same frame captured once more."""
        frame = self.frames[-frames_back]
        self.frames.append(Frame(frame.data, frame.time_ns + after_ns, frame.original, frame.link_type))
        return self

    def wait(self, time_ns: int) -> Self:
        self.now_ns += time_ns
        return self

    def all(self) -> tuple[list[Connection], dict[int, Recorder]]:
        return drive.both(self.frames, (drive.WHOLE, 5, 2, 1))

    def run(self) -> Connection:
        """The one connection."""
        (connection,), _ = self.all()
        return connection

    def texts(self) -> tuple[bytes, bytes]:
        """What the two sides said on the one connection, `<n>` for a gap."""
        _, recorders = self.all()
        (recorder,) = recorders.values()
        return recorder.text(CLIENT), recorder.text(SERVER)
