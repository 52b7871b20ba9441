"""Pings that were answered because of a change, each with the Sync that followed: column by column.

That is all of a delivery that the devices' side alone shows, and in most captures there is nothing else. A Sync belongs
to the newest answer before it. A Sync that hangs carries its changes itself and is not counted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from analyzer.tables import read
from analyzer.tables.builder import NAT
from analyzer.tables.catalog import deliveries
from analyzer.tables.derived import DerivedTable, Made, Recipe
from analyzer.timeline.columns import NS, Floats, Ints

LATE_S = 30.0  # a change that the device has not asked for within this time is late
DELIVERED, LATE = 0, 1
OUTCOMES = ("delivered", "late", "missed", "lost", "blocked", "unmatched")
NOT_SEEN = (["notification"], ["notification", "sync"])


class Wakes(NamedTuple):
    """One value an answered Ping, in order of time."""

    heartbeat_id: Ints
    session_id: Ints
    answer_ns: Ints
    transaction_id: Ints  # of the Sync; -1: none
    sync_ns: Ints  # its request; NAT: none
    done_ns: Ints  # end of its answer; NAT: none

    @property
    def ping_to_sync_s(self) -> Floats:
        return _span(self.answer_ns, self.sync_ns)


def wakes(beats: read.Source, sent: read.Source) -> Wakes:
    """From `heartbeats` and `transactions`."""
    told = read.among(beats, "outcome", "changes") & read.among(beats, "kind", "ping")
    rows = np.flatnonzero(told)
    session = read.ints(beats, "session_id")[rows].astype(np.int64)
    answer = read.times(beats, "end")[rows]
    known = (session >= 0) & (answer != NAT)
    rows, session, answer = rows[known], session[known], answer[known]
    order = np.lexsort((answer, session))
    rows, session, answer = rows[order], session[order], answer[order]
    sync = np.full(len(rows), -1, dtype=np.int64)  # row of `transactions`
    asked = np.full(len(rows), NAT, dtype=np.int64)
    done = asked.copy()
    ids = sync.copy()
    if len(rows):
        sync, at = _following(session, answer, sent)
        found = sync >= 0
        asked[found] = at[found]
        done[found] = read.times(sent, "response_end")[sync[found]]
        ids[found] = read.ints(sent, "transaction_id")[sync[found]]
    by_time = np.argsort(answer, kind="stable")
    heartbeat = read.ints(beats, "heartbeat_id")[rows].astype(np.int64)
    return Wakes(*(column[by_time] for column in (heartbeat, session, answer, ids, asked, done)))


def _following(session: Ints, answer: Ints, sent: read.Source) -> tuple[Ints, Ints]:
    """For each answer, in order of session and time, the first Sync of its session after it and before the next answer:
    row (-1: none) and time of the request."""
    request = read.times(sent, "request_start")
    of_session = read.ints(sent, "session_id").astype(np.int64)
    rows = np.flatnonzero(read.among(sent, "command", "Sync") & (of_session >= 0) & (request != NAT))
    rows = rows[np.argsort(of_session[rows], kind="stable")]  # `transactions` is in order of time
    if not len(rows):
        return np.full(len(session), -1, dtype=np.int64), answer
    first = min(int(answer.min()), int(request[rows].min()))
    span = max(int(answer.max()), int(request[rows].max())) - first + 1
    many = max(int(session.max()), int(of_session[rows].max())) + 1
    shift = max(0, (span * many).bit_length() - 62)  # session and time as one number that still fits
    width = (span >> shift) + 1
    answers = session * width + ((answer - first) >> shift)
    syncs = of_session[rows] * width + ((request[rows] - first) >> shift)
    place = np.searchsorted(syncs, answers)
    inside = place < len(rows)
    place = np.where(inside, place, 0)
    until = np.append(answers[1:], np.iinfo(np.int64).max)
    fits = inside & (of_session[rows][place] == session) & (syncs[place] < until)
    return np.where(fits, rows[place], -1), request[rows][place]


def table(found: Wakes) -> DerivedTable:
    """`deliveries` of these alone."""
    count = len(found.heartbeat_id)
    waited = found.ping_to_sync_s
    fetched = found.transaction_id >= 0
    outcome = np.where(fetched, np.where(waited <= LATE_S, DELIVERED, LATE), -1).astype(np.int32)
    nothing = np.full(count, -1, dtype=np.int32)
    no_number = np.full(count, np.nan)
    recipes: dict[str, Recipe] = {column.name: _absent(column.kind, count) for column in deliveries.TABLE.columns}
    made: Mapping[str, Recipe] = {
        "delivery_id": lambda: Made(np.arange(1, count + 1)),
        "session_id": lambda: Made(found.session_id),
        "heartbeat_id": lambda: Made(found.heartbeat_id),
        "transaction_id": lambda: Made(found.transaction_id, ~fetched),
        "time": lambda: Made(found.answer_ns),
        "notify_to_ping_s": lambda: Made(no_number),
        "ping_to_sync_s": lambda: Made(waited),
        "sync_done_s": lambda: Made(_span(found.sync_ns, found.done_ns)),
        "total_s": lambda: Made(_span(found.answer_ns, found.done_ns)),
        "outcome": lambda: Made(outcome, None, OUTCOMES),
        "joined_by": lambda: Made(nothing, None, []),
        "not_seen": lambda: Made((~fetched).astype(np.int32), None, NOT_SEEN),
    }
    return DerivedTable(deliveries.TABLE, count, recipes | dict(made))


def _absent(kind: str, count: int) -> Recipe:
    """A column in which nothing was observed."""
    if kind == "int":
        return lambda: Made(np.full(count, -1), np.ones(count, dtype=bool))
    if kind == "float":
        return lambda: Made(np.full(count, np.nan))
    return lambda: Made(np.full(count, -1, dtype=np.int32), None, [])


def _span(begin: Ints, end: Ints) -> Floats:
    seconds = (end - begin) / NS
    seconds[(begin == NAT) | (end == NAT)] = np.nan
    return seconds
