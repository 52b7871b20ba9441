"""Connections that took the place of one that had ended → rows of `reconnects`.

A device needs as many connections as it has open at a time. When it opens one while another of the same session has
ended and was not replaced yet, that other would have done, had it been kept: by the device, by the server, by whatever
is between. Such a connection is a reconnect, and what it spent before its first request was spent for want of the old
one: the TCP handshake, the TLS handshake, rounds of 401. Connections that several sessions share are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Any

import numpy as np

from analyzer.tables import read
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import reconnects
from analyzer.timeline.access.authentication import rounds_of
from analyzer.timeline.columns import Ints

_NEVER = np.iinfo(np.int64).max


def rows(built: Mapping[str, Any], signed: TableBuilder) -> TableBuilder:
    """The table, in order of time. `signed`: `authentications`."""
    builder = TableBuilder(reconnects.TABLE)
    links = built["connections"]
    if not len(links):
        return builder
    ids, starts, ends = read.ints(links, "connection_id"), read.times(links, "start"), read.times(links, "end")
    single = np.flatnonzero((read.ints(links, "sessions") == 1) & (read.ints(links, "duplicate_of") < 0))
    if len(single) < 2:
        return builder
    session, first_ns, carried = _by_connection(built, int(ids.max()))
    payload = read.ints(links, "bytes_client").clip(0) + read.ints(links, "bytes_server").clip(0)
    missing = read.ints(links, "missing_bytes") > 0
    handshake, version = read.floats(links, "handshake_ms"), read.values(links, "tls_version")
    resumed = read.values(links, "tls_resumed")
    rounds = rounds_of(signed)
    for row, before in _replacing(single[np.argsort(starts[single], kind="stable")], session[ids], starts, ends):
        number = int(ids[row])
        first = int(first_ns[number])
        tls = version[row] is not None
        seen = not np.isnan(handshake[row]) and first != _NEVER
        asked, auth_bytes, auth_ms = rounds.get(number, (0, 0, 0.0))
        trips = _tls_trips(version[row], resumed[row])
        builder.append(
            (
                int(session[number]),
                number,
                int(ids[before]),
                int(starts[row]),
                (int(starts[row]) - int(ends[before])) / 1e9,
                (first - int(starts[row])) / 1e6 if seen else None,
                None if missing[row] else max(0, int(payload[row] - carried[number])) if tls else 0,
                None if not tls or resumed[row] is None else not resumed[row],
                None if trips is None else 1 + trips + asked,
                asked,
                auth_bytes,
                auth_ms,
            )
        )
    return builder


def _by_connection(built: Mapping[str, Any], highest: int) -> tuple[Ints, Ints, Ints]:
    """Of each connection: the session of its requests, the start of the first of them, their bytes on the wire."""
    table = built["transactions"]
    link = read.ints(table, "connection_id")
    session = np.zeros(highest + 1, dtype=np.int64)
    of_rows = read.ints(table, "session_id")
    known = of_rows > 0
    session[link[known]] = of_rows[known]
    del of_rows, known
    first = np.full(highest + 1, _NEVER)
    begun = read.times(table, "request_start")
    asked = begun != np.iinfo(np.int64).min
    np.minimum.at(first, link[asked], begun[asked])
    del begun, asked
    carried = np.zeros(highest + 1)
    for wire in ("request_wire_bytes", "response_wire_bytes"):
        carried += np.bincount(link, weights=read.ints(table, wire).clip(0), minlength=highest + 1)
    return session, first, carried.astype(np.int64)


def _replacing(order: Any, session: Ints, starts: Ints, ends: Ints) -> list[tuple[int, int]]:
    """Rows of connections, each with the row of the ended one whose place it takes. `order`: rows by start."""
    running: dict[int, list[tuple[int, int]]] = {}  # by session: (end, row) of what has begun
    idle: dict[int, list[int]] = {}  # ended and not replaced, oldest end first
    found = []
    for row in order.tolist():
        number = int(session[row])
        if number <= 0:
            continue
        begun, free = running.setdefault(number, []), idle.setdefault(number, [])
        while begun and begun[0][0] <= starts[row]:
            free.append(heappop(begun)[1])
        if free:
            found.append((row, free.pop()))
        heappush(begun, (int(ends[row]), row))
    return found


def _tls_trips(version: str | None, resumed: bool | None) -> int | None:
    """Round trips of a TLS handshake (RFC 8446 2, RFC 5246 7.3); None: not known."""
    if version is None:
        return 0
    if version == "TLS 1.3":
        return 1
    return None if resumed is None else 1 if resumed else 2
