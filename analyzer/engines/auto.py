"""The built-in engine first; what it could not open is offered to tshark, when that is installed.

Offered are connections whose TLS is not one that is decrypted here, and everything in frames of link types that are
not read here. A connection stays the built-in engine's, with its evidence; tshark adds what was said inside it. What
tshark cannot open either is told as the built-in engine found it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from analyzer.engines.builtin import BuiltinEngine, Progress
from analyzer.engines.tshark import TsharkEngine
from analyzer.sources import SourceError
from analyzer.timeline.facts import CaptureFacts
from dissectors.events import Connection, Event, Transaction
from dissectors.tls import reasons

OFFERED = frozenset((reasons.UNSUPPORTED_VERSION, reasons.UNSUPPORTED_CIPHER, reasons.DAMAGED))
OPEN = ("decrypted", "partial", "plaintext")

_Key = tuple[frozenset[tuple[str, int]], int]


class AutoEngine:
    """Reads one capture with one engine, or with both."""

    def __init__(self, builtin: BuiltinEngine, new_tshark: Callable[[int], TsharkEngine]) -> None:
        """`new_tshark` makes the second engine, from the first connection id that it may use."""
        self._builtin = builtin
        self._new_tshark = new_tshark
        self._frames: set[int] = set()  # first frames of the connections that the built-in engine has
        self._opened = 0  # by tshark
        self._nothing_read = False
        self.next_connection_id = 0
        self.remarks: list[str] = []

    def read(self, progress: Progress | None = None) -> Iterator[Event]:
        """Every event of the capture."""
        closed: dict[_Key, Connection] = {}
        for event in self._builtin.read(progress):
            if isinstance(event, Connection):
                self._frames.add(event.first_frame)
                if event.why_encrypted in OFFERED:
                    closed[_key(event)] = event
                    continue
            yield event
        self.next_connection_id = self._builtin.next_connection_id
        self._nothing_read = self._builtin.nothing_read
        if closed or self._builtin.unread_links:
            try:
                yield from self._offer(closed)
            except SourceError as error:
                self.remarks.append(f"not offered to tshark: {error.message}")
        yield from closed.values()

    def _offer(self, closed: dict[_Key, Connection]) -> Iterator[Event]:
        """What tshark opens of the closed connections, which it takes out, and what it finds in frames not read."""
        tshark = self._new_tshark(self.next_connection_id)
        said: dict[int, list[Transaction]] = {}
        for event in tshark.read():
            if isinstance(event, Transaction):
                said.setdefault(event.connection_id, []).append(event)
            elif isinstance(event, Connection):
                transactions = said.pop(event.connection_id, [])
                key = _key(event)
                if key in closed and event.decryption in OPEN:
                    mine = closed.pop(key)
                    yield from (each._replace(connection_id=mine.connection_id) for each in transactions)
                    yield mine._replace(decryption=event.decryption, why_encrypted=event.why_encrypted, turns=())
                    self._opened += 1
                elif event.first_frame not in self._frames:
                    yield from transactions
                    yield event
                    self._opened += 1
                    self._nothing_read = False
        self.next_connection_id = tshark.next_connection_id
        self.remarks += tshark.remarks

    @property
    def keys_came_late(self) -> bool:
        return self._builtin.keys_came_late

    @property
    def unread_links(self) -> str | None:
        """The frames that neither engine could read, in words."""
        return None if self._opened else self._builtin.unread_links

    @property
    def nothing_read(self) -> bool:
        return self._nothing_read

    def facts(self) -> CaptureFacts:
        """What is known of the file as a whole, after `read`."""
        facts = self._builtin.facts()
        return replace(facts, engine="both", opened_by_tshark=self._opened) if self._opened else facts


def _key(connection: Connection) -> _Key:
    """What a connection is in both engines, whichever side each takes for the client."""
    ends = ((side.ip, side.port) for side in (connection.client, connection.server))
    return frozenset(ends), connection.first_frame
