"""Losses made from recordings: which records a lost segment takes with it, and what the dissector makes of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dissectors.events import CLIENT, SERVER
from dissectors.tls import Piece, TlsConnection
from tests.support.tls_recording.packets import Packet, packets
from tests.support.tls_recording.recorder import Recording
from tests.support.tls_recording.relay import Conversation
from tests.tls_live.reading import Read, keys_from

HEADER_BYTES = 5


class Sealed(NamedTuple):
    """One record on the wire and the application data in it."""

    start: int  # offset in its side's stream
    end: int
    plain: bytes


@dataclass
class Lossy:
    """A recording's first conversation as packets, and what is in them."""

    recording: Recording
    mss: int = 1448

    def __post_init__(self) -> None:
        conversation = self.recording.conversations[0]
        self.packets = packets(conversation, self.mss)
        self.records = _records(conversation, self.recording)
        assert tuple(b"".join(r.plain for r in side) for side in self.records) == self.recording.sent[0]

    def spoken(self, side: int) -> list[Sealed]:
        """The records of a side that carry application data."""
        return [record for record in self.records[side] if record.plain]

    def segments(self, side: int, start: int, end: int) -> list[Packet]:
        """The packets that carry any of the bytes [start, end) of a side's stream."""
        return [
            packet
            for packet in self.packets
            if packet.side == side
            and packet.payload
            and packet.seq - 1 < end
            and packet.seq - 1 + len(packet.payload) > start
        ]

    def survivors(self, side: int, lost: Sequence[Packet]) -> list[Sealed]:
        """The side's records of which no byte is lost."""
        holes = [(p.seq - 1, p.seq - 1 + len(p.payload)) for p in lost if p.side == side]
        return [
            record
            for record in self.records[side]
            if not any(start < record.end and end > record.start for start, end in holes)
        ]

    def read(self, lost: Sequence[Packet]) -> Read:
        """Through the TLS dissector, a gap where packets are lost."""
        connection = TlsConnection(keys_from(self.recording.keylog))
        pieces: list[Piece] = []
        expected = [1, 1]
        gone = set(lost)
        for frame, packet in enumerate(self.packets, start=1):
            if packet in gone or not packet.payload:
                continue
            side, missing = packet.side, packet.seq - expected[packet.side]
            if missing:
                pieces += connection.gap(side, missing, frame, packet.time_ns)
            pieces += connection.feed(side, packet.payload, [len(packet.payload)], [frame], [packet.time_ns])
            expected[side] = packet.seq + len(packet.payload)
        return Read(connection, pieces + connection.close())


def _records(conversation: Conversation, recording: Recording) -> tuple[list[Sealed], list[Sealed]]:
    """Every record of both sides. Fed so that a frame is a record; the plaintext is thus known record by record."""
    bounds: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for side in (CLIENT, SERVER):
        stream, start = conversation.stream(side), 0
        while start < len(stream):
            end = start + HEADER_BYTES + int.from_bytes(stream[start + 3 : start + 5], "big")
            bounds[side].append((start, end))
            start = end
    connection = TlsConnection(keys_from(recording.keylog))
    pieces: list[Piece] = []
    position = [0, 0]
    for side, data in conversation.turns():
        begin, end = position[side], position[side] + len(data)
        for number, (start, stop) in enumerate(bounds[side]):
            part = data[max(start, begin) - begin : max(min(stop, end) - begin, 0)]
            if part and start < end:
                pieces += connection.feed(side, part, [len(part)], [number], [number])
        position[side] = end
    plain: tuple[dict[int, bytes], dict[int, bytes]] = ({}, {})
    for piece in pieces:
        plain[piece.side][piece.first_frame] = piece.data
    return tuple(  # type: ignore[return-value]
        [Sealed(*span, plain[side].get(number, b"")) for number, span in enumerate(bounds[side])]
        for side in (CLIENT, SERVER)
    )
