"""LDAP searches and binds → rows of `directory_searches`, each with the request that it was made for.

A search belongs to a request that the server was answering at that time: to the newest one of the same user, where the
search names one that has a session; else, only if exactly one request was open at the server that searched, to that
one. A name alone counts where the server has another address on its inner side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analyzer.tables import read
from analyzer.tables.builder import NAT, TableBuilder
from analyzer.tables.catalog import directory_searches
from analyzer.timeline.names import bare
from dissectors.events import DirectorySearch

MAX_LOOKED_BACK = 64  # requests of one user, or at one server, before a search
TLS_PORTS = (636, 3269)  # LDAP over TLS, of a domain and of the global catalog
PLAIN_PORTS = (389, 3268)


class Front:
    """The devices' requests, to find the one that a server was answering at some time."""

    def __init__(self, built: Mapping[str, Any]) -> None:
        self._built = built
        self._made = False

    def _make(self) -> None:
        table, links = self._built["transactions"], self._built["connections"]
        session = read.ints(table, "session_id")
        rows = np.flatnonzero(session > 0)
        self.start = read.times(table, "request_start")[rows]
        self.end = read.times(table, "response_start")[rows]
        both = (self.start != NAT) & (self.end != NAT)
        rows, self.start, self.end = rows[both], self.start[both], self.end[both]
        order = np.argsort(self.start, kind="stable")
        rows, self.start, self.end = rows[order], self.start[order], self.end[order]
        self.rows = rows
        self.ids = read.ints(table, "transaction_id")[rows]
        addresses = dict(zip(read.ints(links, "connection_id").tolist(), read.values(links, "server_ip"), strict=True))
        servers = [addresses.get(n) for n in read.ints(table, "connection_id")[rows].tolist()]
        users = read.values(self._built["sessions"], "user")
        names = [bare(users[n - 1]) for n in session[rows].tolist()]  # session_id counts from 1
        self._by_user = _places(names)
        self._by_server = _places(servers)
        self._server = servers
        self._made = True

    def request(self, at_ns: int, server: str, user: str | None) -> tuple[int, str] | None:
        """Place of the request that `server` was answering, and by what it was found: user or time."""
        if not self._made:
            self._make()
        name = bare(user)
        if name in self._by_user:
            here = self._open(self._by_user[name], at_ns)
            same = [place for place in here if self._server[place] == server]
            if same or server not in self._by_server:
                found = same or here
                return (found[0], "user") if found else None
            return None
        here = self._open(self._by_server.get(server), at_ns)
        return (here[0], "time") if len(here) == 1 else None

    def _open(self, places: Any, at_ns: int) -> list[int]:
        """Those of these requests that were not answered yet, newest first."""
        if places is None:
            return []
        after = int(np.searchsorted(self.start[places], at_ns, side="right"))
        newest = places[max(0, after - MAX_LOOKED_BACK) : after][::-1]
        return [int(place) for place in newest if self.end[place] >= at_ns]


def rows(searches: Sequence[DirectorySearch], front: Front, built: Mapping[str, Any]) -> TableBuilder:
    """The table, in order of time."""
    builder = TableBuilder(directory_searches.TABLE)
    links = built["connections"]
    read_ids = {search.connection_id for search in searches}
    hidden = _encrypted(links, read_ids)
    if not searches and not hidden:
        return builder
    ends = zip(*(read.values(links, name) for name in ("connection_id", "client_ip", "server_ip")), strict=True)
    address = {number: (client, server) for number, client, server in ends}
    listed: list[tuple[int, tuple[object, ...]]] = []
    for s in searches:
        client, server = address.get(s.connection_id, (None, None))
        found = front.request(s.start_ns, client, s.user) if client is not None and s.operation == "search" else None
        time_ms = None if s.end_ns is None else (s.end_ns - s.start_ns) / 1e6
        about = (s.mechanism, s.scope, s.searched_by, s.user, s.result_code, None if s.end_ns is None else s.entries)
        size = s.bytes_client + s.bytes_server
        joined = (None, None) if found is None else (int(front.ids[found[0]]), found[1])
        ends_at = (s.end_ns, time_ms, s.rounds)
        row = (s.connection_id, s.operation, s.start_ns, *ends_at, client, server, *about, size, *joined, s.first_frame)
        listed.append((s.start_ns, row))
    for number, start, end, client, server, size, frame in hidden:
        about = (None, None, None, None, None, None)
        row = (number, "encrypted", start, end, None, None, client, server, *about, size, None, None, frame)
        listed.append((start, row))
    for _, row in sorted(listed, key=lambda pair: (pair[0], pair[1][0])):
        builder.append(row)
    return builder


def _encrypted(links: Any, already: set[int]) -> list[tuple[Any, ...]]:
    """Connections to ports of LDAP of which nothing could be read."""
    ports = read.ints(links, "server_port")
    size = read.ints(links, "bytes_client").clip(0) + read.ints(links, "bytes_server").clip(0)
    tls = np.isin(ports, TLS_PORTS) | (np.isin(ports, PLAIN_PORTS) & (read.codes(links, "tls_version")[0] >= 0))
    rows = np.flatnonzero(tls & (size > 0))
    if not len(rows):
        return []
    names = ("connection_id", "start", "end", "client_ip", "server_ip")
    columns = [read.values(links, name) for name in names]
    frames = read.ints(links, "first_frame")
    return [
        (*(column[row] for column in columns), int(size[row]), int(frames[row]))
        for row in rows.tolist()
        if columns[0][row] not in already
    ]


def _places(names: Sequence[str | None]) -> dict[str, Any]:
    """Name → its places, in order."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name is not None:
            found.setdefault(name, []).append(place)
    return {name: np.array(places) for name, places in found.items()}
