"""Rounds of synchronisation of the sessions that keep no wait at the server.

Such a device comes, asks for all its folders one after the other, and is gone again. Requests that follow each other
within PAUSE_S are one round, if a Sync is among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from analyzer.tables import read
from analyzer.tables.builder import NAT
from analyzer.timeline.columns import NS

PAUSE_S = 60.0
_COMMANDS = ("Sync", "FolderSync", "GetItemEstimate", "GetHierarchy", "Provision")


class Round(NamedTuple):
    """One of them."""

    start_ns: int
    transaction_id: int  # its first Sync


def rounds_of(built: Mapping[str, Any]) -> dict[int, list[Round]]:
    """session_id → its rounds in order of time, of every session without waits."""
    sessions, table = built["sessions"], built["transactions"]
    waitless = read.ints(sessions, "session_id")[read.ints(sessions, "heartbeats") == 0]
    if not len(waitless):
        return {}
    session = read.ints(table, "session_id")
    start = read.times(table, "request_start")
    rows = np.flatnonzero(np.isin(session, waitless) & read.among(table, "command", *_COMMANDS) & (start != NAT))
    rows = rows[np.lexsort((start[rows], session[rows]))]
    is_sync = read.among(table, "command", "Sync")[rows].tolist()
    ids = read.ints(table, "transaction_id")[rows].tolist()
    end = np.maximum(start, read.times(table, "response_end"))[rows].tolist()
    found: dict[int, list[Round]] = {}
    before, until, sync, begun = -1, 0, None, 0
    for number, at, ends, synced, transaction in zip(
        session[rows].tolist(), start[rows].tolist(), end, is_sync, ids, strict=True
    ):
        if number != before or at - until > PAUSE_S * NS:
            if sync is not None:
                found.setdefault(before, []).append(Round(begun, sync))
            before, begun, until, sync = number, at, ends, None
        if synced and sync is None:
            sync = transaction
        until = max(until, ends)
    if sync is not None:
        found.setdefault(before, []).append(Round(begun, sync))
    return found
