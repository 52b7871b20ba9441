"""HTTP/2 dialogues spoken by `h2`, a foreign implementation of both sides, and ways to feed what they sent."""

import random
from dataclasses import dataclass, field

import h2.connection
from h2.config import H2Configuration
from h2.settings import SettingCodes

from dissectors.events import CLIENT, SERVER, Transaction
from dissectors.http.h2.connection import Http2Connection
from dissectors.http.switching import Upgraded

WHOLE, BYTES, RANDOM = "whole", "byte by byte", "random"
OVERHEAD = 22  # wire bytes of a piece beyond its plaintext: a TLS 1.3 record's

Headers = list[tuple[str, str]]


def post(target: str = "/Microsoft-Server-ActiveSync?Cmd=Ping", **fields: str) -> Headers:
    """The fields of a request."""
    head = [(":method", "POST"), (":scheme", "https"), (":authority", "mail.example.com"), (":path", target)]
    return head + [(name.replace("_", "-"), value) for name, value in fields.items()]


def answer(status: int = 200, **fields: str) -> Headers:
    """The fields of a response."""
    return [(":status", str(status)), *((name.replace("_", "-"), value) for name, value in fields.items())]


class Peers:
    """A client and a server that talk to each other; what they sent is in `turns`."""

    def __init__(self, *, upgrade: bool = False, start: bool = True) -> None:
        def end(client_side: bool) -> h2.connection.H2Connection:
            # what a test says is what is sent, be it allowed or not
            return h2.connection.H2Connection(
                H2Configuration(client_side=client_side, header_encoding="utf-8", validate_outbound_headers=False,
                                normalize_outbound_headers=False, validate_inbound_headers=False)
            )  # fmt: skip

        self.ends = (end(True), end(False))
        self.turns: list[tuple[int, bytes]] = []
        if upgrade:
            settings = self.ends[CLIENT].initiate_upgrade_connection()
            self.ends[SERVER].initiate_upgrade_connection(settings)
        elif start:
            for each in self.ends:
                each.initiate_connection()
        self.flush()

    @property
    def client(self) -> h2.connection.H2Connection:
        return self.ends[CLIENT]

    @property
    def server(self) -> h2.connection.H2Connection:
        return self.ends[SERVER]

    def flush(self) -> None:
        """What each side has to send is sent, until both are silent."""
        while any(self.send(side) for side in (CLIENT, SERVER)):
            pass

    def send(self, side: int) -> bool:
        data = self.ends[side].data_to_send()
        if data:
            self.turns.append((side, data))
            self.ends[1 - side].receive_data(data)
        return bool(data)

    def ask(self, headers: Headers, body: bytes = b"", *, ends: bool = True, pad: int | None = None) -> int:
        """A request on a new stream."""
        stream = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, headers, end_stream=ends and not body)
        if body:
            self.client.send_data(stream, body, end_stream=ends, pad_length=pad)
        self.flush()
        return stream

    def reply(
        self, stream: int, headers: Headers, body: bytes = b"", *, ends: bool = True, pad: int | None = None
    ) -> None:
        """A response to it."""
        self.server.send_headers(stream, headers, end_stream=ends and not body)
        for start in range(0, len(body), 8192):
            part = body[start : start + 8192]
            self.server.send_data(stream, part, end_stream=ends and start + 8192 >= len(body), pad_length=pad)
            self.flush()
        self.flush()

    def raw(self, side: int, data: bytes) -> None:
        """Bytes that the other side does not get to see."""
        self.turns.append((side, data))

    def table_size(self, side: int, size: int) -> None:
        """`side` lets the other one keep a table of another size."""
        self.ends[side].update_settings({SettingCodes.HEADER_TABLE_SIZE: size})
        self.flush()


@dataclass
class Played:
    """What came of a dialogue."""

    done: list[Transaction]
    connection: Http2Connection
    sent: list[int] = field(default_factory=lambda: [0, 0])  # plaintext by side
    wire: list[int] = field(default_factory=lambda: [0, 0])

    @property
    def codes(self) -> list[str]:
        return [anomaly.code for anomaly in self.connection.anomalies]


def play(
    turns: list[tuple[int, bytes]],
    split: str = WHOLE,
    seed: int = 0,
    *,
    keep: bool = True,
    upgraded: Upgraded | None = None,
) -> Played:
    """The turns fed in pieces: frame n is fed at n ms, each piece is OVERHEAD bytes larger on the wire."""
    connection = Http2Connection(7, lambda *_: keep, upgraded=upgraded)
    played = Played([], connection)
    chance = random.Random(seed)
    frame = 0
    for side, data in turns:
        position = 0
        while position < len(data):
            size = {WHOLE: len(data), BYTES: 1, RANDOM: chance.choice((1, 2, 5, 9, 30, 200, 1500))}[split]
            piece = data[position : position + size]
            position += size
            frame += 1
            played.sent[side] += len(piece)
            played.wire[side] += len(piece) + OVERHEAD
            played.done += connection.feed(
                side, piece, frame, frame * 10**6, frame, frame * 10**6, len(piece) + OVERHEAD
            )
    played.done += connection.close(frame * 10**6)
    return played


def content(transactions: list[Transaction]) -> list[object]:
    """What must not depend on how the bytes were cut: all but frames, times and wire bytes."""
    return [
        (
            t.connection_id,
            t.number,
            t.stream_id,
            t.request and (t.request[4:9], t.request[10:]),
            t.response and (t.response[4:8], t.response[9:]),
            t.stream_reset and (t.stream_reset.side, t.stream_reset.error_code),
        )
        for t in transactions
    ]
