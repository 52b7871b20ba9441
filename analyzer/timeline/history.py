"""What happened elsewhere around the end of a wait: the session's next requests, and refused connection attempts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np

from analyzer.timeline.columns import NS, Codes, Ints
from analyzer.timeline.transactions import Columns
from dissectors.events import Connection

MAX_REFUSALS = 100_000  # a port scan must not fill the memory; beyond, refusals are not evidence any more
MAX_HEARD = 100  # requests that are looked at for one silent end


class Later(NamedTuple):
    """A request of the same session on another connection."""

    time_ns: int
    frame: int
    client_ip: str | None  # of that connection


class Refusals:
    """Connection attempts that a server answered with RST, by server."""

    def __init__(self) -> None:
        self._by_server: dict[tuple[str, int], list[tuple[int, int]]] = {}
        self._count = 0

    def add(self, c: Connection) -> None:
        if c.conn_state == "REJ" and self._count < MAX_REFUSALS:
            self._count += 1
            self._by_server.setdefault((c.server.ip, c.server.port), []).append((c.start_ns, c.first_frame))

    def after(self, server: tuple[str, int], time_ns: int, within_s: float) -> list[int]:
        """Frames of the attempts that this server refused in the time after, in order."""
        found = [r for r in self._by_server.get(server, ()) if 0 <= r[0] - time_ns <= within_s * NS]
        return [frame for _, frame in sorted(found)]


class History:
    """The requests of every session in order of time."""

    def __init__(
        self, transactions: Columns, order: Codes, final: Ints, clients: dict[int, tuple[str, int, int]]
    ) -> None:
        """`order`: rows in order of time; `final`: session of each transaction row, -1 for none; `clients`: address,
        start and capture by connection. What another capture shows is another point of view, not another request."""
        self._clients = clients
        self._transactions = transactions
        self._in_time = order
        self._final = final

    @cached_property
    def _by_session(self) -> tuple[Codes, Ints]:
        """Rows in order of session and time, and the session of each: most captures never ask."""
        order = self._in_time[np.argsort(self._final[self._in_time], kind="stable")]
        return order, self._final[order]

    def next_request(self, session: int, after_ns: int, within_s: float, other_than: int) -> Later | None:
        """The first request of a session at or after a time on another connection. No session (-1) has none."""
        return next(self._others(session, after_ns, within_s, other_than, heard=False), None)

    def heard(self, session: int, after_ns: int, within_s: float, other_than: int) -> Iterator[Later]:
        """The requests of a session on other connections that show that the path carried packets since a time: they
        were answered, or their connection was set up since; the first few, in order."""
        return islice(self._others(session, after_ns, within_s, other_than, heard=True), MAX_HEARD)

    def _others(self, session: int, after_ns: int, within_s: float, other_than: int, *, heard: bool) -> Iterator[Later]:
        if session < 0:
            return
        order, sessions = self._by_session
        t = self._transactions
        own = self._clients.get(other_than, (None, 0, 0))[2]
        low, high = np.searchsorted(sessions, (session, session + 1))
        first = low + np.searchsorted(t.start[order[low:high]], after_ns)
        for place in range(int(first), int(high)):
            row = int(order[place])
            if t.start[row] > after_ns + within_s * NS:
                break
            ip, began_ns, capture = self._clients.get(int(t.connection[row]), (None, 0, own))
            if (
                capture == own
                and t.connection[row] != other_than
                and (not heard or t.answered[row] or began_ns > after_ns)
            ):
                yield Later(int(t.start[row]), int(t.frame[row]), ip)
