"""Whose time the answer to a device's request was → rows of `answer_shares`.

Between a request and the first byte of its answer lie searches of the directory and requests to the mailbox server,
where the capture shows them. Time is counted once: what the directory took, then what only the mailbox server took, and
the rest is the front-end's own, which for a held request is mostly waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from analyzer.tables import read
from analyzer.tables.builder import NAT, TableBuilder
from analyzer.tables.catalog import answer_shares
from analyzer.timeline.access.directory import Front
from analyzer.timeline.access.legs import BACK, leg
from analyzer.timeline.names import mailbox

Span = tuple[int, int]


def rows(searches: TableBuilder, front: Front, built: Mapping[str, Any]) -> TableBuilder:
    """The table, in order of the requests. `searches`: `directory_searches`."""
    builder = TableBuilder(answer_shares.TABLE)
    asked: dict[int, list[Span]] = {}  # by transaction_id
    names = ("transaction_id", "start", "end")
    for transaction, start, end in zip(*(read.values(searches, name) for name in names), strict=True):
        if transaction is not None and end is not None:
            asked.setdefault(transaction, []).append((start, end))
    behind = _behind(front, built)
    wanted = sorted(asked.keys() | behind.keys())
    if not wanted:
        return builder
    table = built["transactions"]
    sessions, commands = read.ints(table, "session_id"), read.values(table, "command")
    waits = set(read.ints(built["heartbeats"], "transaction_id").tolist())
    place_of = {int(number): place for place, number in enumerate(front.ids.tolist())}
    for number in wanted:
        place = place_of[number]
        row = int(front.rows[place])
        start, end = int(front.start[place]), int(front.end[place])
        directory = _union(asked.get(number, []), start, end)
        both = _union(asked.get(number, []) + behind.get(number, []), start, end)
        builder.append(
            (
                number,
                int(sessions[row]),
                commands[row],
                number in waits,
                (end - start) / 1e6,
                len(asked.get(number, [])),
                directory / 1e6,
                len(behind.get(number, [])),
                (both - directory) / 1e6,
                (end - start - both) / 1e6,
            )
        )
    return builder


def _behind(front: Front, built: Mapping[str, Any]) -> dict[int, list[Span]]:
    """Requests to the mailbox server, by the transaction_id that they were made for."""
    table, links = built["transactions"], built["connections"]
    methods, method_names = read.codes(table, "method")
    paths, path_names = read.codes(table, "path")
    back_paths = np.array([leg(None, str(name)) == BACK for name in path_names] + [False])
    back_methods = np.array([leg(str(name), None) == BACK for name in method_names] + [False])
    rows = np.flatnonzero(back_paths[paths] | back_methods[methods])
    if not len(rows):
        return {}
    starts, ends = read.times(table, "request_start"), read.times(table, "response_end")
    numbers = read.ints(table, "connection_id")
    client = dict(zip(read.ints(links, "connection_id").tolist(), read.values(links, "client_ip"), strict=True))
    found: dict[int, list[Span]] = {}
    for row in rows.tolist():
        start, end = int(starts[row]), int(ends[row])
        path = path_names[paths[row]] if paths[row] >= 0 else None
        if NAT in (start, end):
            continue
        # the same server may have asked for itself, not for a user: then only the time can tell
        request = front.request(start, str(client.get(int(numbers[row]))), mailbox(path))
        if request is not None:
            found.setdefault(int(front.ids[request[0]]), []).append((start, end))
    return found


def _union(spans: list[Span], low: int, high: int) -> int:
    """Nanoseconds between `low` and `high` that at least one span covers."""
    edges = sorted(edge for a, b in spans if b > low and a < high for edge in ((max(a, low), 1), (min(b, high), -1)))
    total = depth = 0
    for (at, step), (after, _) in pairwise(edges):
        depth += step
        total += (after - at) * (depth > 0)
    return total
