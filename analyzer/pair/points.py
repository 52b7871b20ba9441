"""One capture point: its connections and HTTP exchanges, read through the built-in engine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from analyzer.reading import BLOCK_BYTES, How, Progress, read_captures
from analyzer.timeline.facts import CaptureFacts
from analyzer.trouble import AnalyzeError, PathLike, Trouble
from dissectors.eas import decode_transaction
from dissectors.events import Connection, Event, Transaction
from dissectors.tls import KeyLog

MAX_CONNECTIONS = 200_000  # of one capture; what comes later is not compared
MAX_EXCHANGES = 200_000


class Exchange(NamedTuple):
    """One request and its answer, as far as two captures of it can be compared."""

    connection_id: int
    identity: bytes  # equal for the same request seen elsewhere
    name: str  # what it is, in words: "Ping" or the method; never a path, which may hold names
    device: str | None  # its ActiveSync id; internal, told to nobody
    start_ns: int  # first byte of the request
    frame: int
    answer_ns: int | None
    answer_frame: int | None
    status: int | None


@dataclass(slots=True)
class Point:
    """What one capture holds. Connections are in order of their ids, which begin at 1."""

    name: str
    connections: list[Connection] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    left_out: int = 0  # connections and exchanges beyond the limits
    facts: CaptureFacts | None = None
    troubles: list[Trouble] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """One event of the engine."""
        if isinstance(event, Transaction):
            found = _exchange(event)
            if found is not None:
                self._keep(self.exchanges, found, MAX_EXCHANGES)
        elif isinstance(event, Connection):
            self._keep(self.connections, event, MAX_CONNECTIONS)

    def covers(self, time_ns: float) -> bool:
        """Whether the capture was running then."""
        facts = self.facts
        if facts is None or facts.start_ns is None or facts.end_ns is None:
            return False
        return facts.start_ns <= time_ns <= facts.end_ns

    def _keep(self, into: list[Connection] | list[Exchange], what: Connection | Exchange, most: int) -> None:
        if len(into) < most:
            into.append(what)  # type: ignore[arg-type]
        else:
            self.left_out += 1


def read_point(path: PathLike, keys: KeyLog, progress: Progress | None = None, block_bytes: int = BLOCK_BYTES) -> Point:
    """Reads one capture. Raises AnalyzeError when it cannot be read, or cannot be read a second time."""
    name = os.fspath(path)
    if name == "-":
        trouble = Trouble("standard input can be read only once, and comparing reads twice", "save it to a file first")
        raise AnalyzeError([trouble])
    read = read_captures([path], keys, How(block_bytes=block_bytes), lambda: Point(name), progress)
    point = read.sink
    point.facts = read.facts[0]
    point.troubles = read.troubles
    point.connections.sort(key=lambda connection: connection.connection_id)
    return point


def by_connection(exchanges: Iterable[Exchange]) -> dict[int, list[Exchange]]:
    """The exchanges of each connection, in order."""
    found: dict[int, list[Exchange]] = {}
    for exchange in exchanges:
        found.setdefault(exchange.connection_id, []).append(exchange)
    return found


def _exchange(transaction: Transaction) -> Exchange | None:
    request, response = transaction.request, transaction.response
    if request is None:
        return None
    message = decode_transaction(transaction._replace(response=None))
    target = urlsplit(request.target)
    content = request.body if request.body is not None else str(request.decoded_bytes).encode()
    parts = (request.method, target.path, target.query)
    identity = hashlib.blake2b("\0".join(parts).encode("utf-8", "replace") + b"\0" + content, digest_size=16).digest()
    return Exchange(
        connection_id=transaction.connection_id,
        identity=identity,
        name=message.command[:24] if message is not None else request.method[:16],
        device=message.device_id if message is not None else None,
        start_ns=request.start_ns,
        frame=request.first_frame,
        answer_ns=response.start_ns if response else None,
        answer_frame=response.first_frame if response else None,
        status=response.status if response else None,
    )
