"""A little builder of HTTP dialogues: what each side says in which order, and ways to cut it into pieces."""

import random
from dataclasses import dataclass, field

from dissectors.events import CLIENT, SERVER, Transaction
from dissectors.http import HttpConnection

WHOLE, BYTES, RANDOM = "whole", "byte by byte", "random"


@dataclass
class Dialogue:
    """Turns of a connection, and its end."""

    turns: list[tuple[int, bytes]] = field(default_factory=list)
    ends: bool = False

    def client(self, data: bytes) -> "Dialogue":
        self.turns.append((CLIENT, data))
        return self

    def server(self, data: bytes) -> "Dialogue":
        self.turns.append((SERVER, data))
        return self

    def fin(self) -> "Dialogue":
        """The server ends its stream in order."""
        self.ends = True
        return self


def play(
    dialogue: Dialogue, split: str = WHOLE, seed: int = 0, **keywords: object
) -> tuple[list[Transaction], HttpConnection]:
    """The dialogue fed in pieces: frame n is fed at n ms, on the wire each piece is 29 bytes larger."""
    connection = HttpConnection(7, **keywords)  # type: ignore[arg-type]
    chance = random.Random(seed)
    found: list[Transaction] = []
    frame = 0
    for side, data in dialogue.turns:
        position = 0
        while position < len(data):
            size = {WHOLE: len(data), BYTES: 1, RANDOM: chance.choice((1, 2, 3, 7, 30, 200, 1500))}[split]
            piece = data[position : position + size]
            position += size
            frame += 1
            found += connection.feed(side, piece, frame, frame * 10**6, frame, frame * 10**6, len(piece) + 29)
    if dialogue.ends:
        found += connection.fin(SERVER)
    found += connection.close(frame * 10**6)
    return found, connection


def content(transactions: list[Transaction]) -> list[object]:
    """What must not depend on how the bytes were cut: all but frames, times and wire bytes."""
    return [
        (
            t.connection_id,
            t.number,
            t.request and (t.request[4:9], t.request[10:]),
            t.response and (t.response[4:8], t.response[9:]),
        )
        for t in transactions
    ]


def request(
    method: str = "POST", target: str = "/Microsoft-Server-ActiveSync?Cmd=Ping", body: bytes = b"", headers: str = ""
) -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
    return f"{method} {target} HTTP/1.1\r\nHost: mail.example.com\r\n{headers}{length}\r\n".encode("latin-1") + body


def response(status: int = 200, body: bytes = b"", headers: str = "", length: bool = True) -> bytes:
    said = f"Content-Length: {len(body)}\r\n" if length else ""
    return f"HTTP/1.1 {status} Reason\r\nServer: Microsoft-IIS/10.0\r\n{headers}{said}\r\n".encode("latin-1") + body


def chunked(*chunks: bytes, trailer: bytes = b"", extension: bytes = b"") -> bytes:
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return framed + b"0\r\n" + trailer + b"\r\n"
