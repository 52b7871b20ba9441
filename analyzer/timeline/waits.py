"""Held waits → rows of `heartbeats`: what a request leaves out is inherited, what an answer means is settled.

The interval in force
    A request may leave it out; the server then uses what it has stored for this user and device (MS-ASCMD 2.2.1.13,
    2.2.1.21.2), Ping and Sync apart. What the capture shows is the newest earlier request of the session, over all its
    connections, by time of the request. Status 5 of Ping and 14 of Sync refuse an interval and name the nearest legal
    one. The specification does not say that the server stores that one, but the refused one cannot be in force: a
    later request without interval is given the legal one and says so (`server_limit`). A request that could not be
    read may have stated anything: after it the interval is unknown. A server may also have stored another one than
    the newest (sample q_empty: a Ping that was answered at once changed nothing).

    An empty Sync waits if the request it repeats does. If that one is not in the capture, it counts as a wait when it
    was held for HELD_LIKE_A_WAIT_S.

Sync answers without items
    Expiry, once they are due: up to EARLY_S before the interval (sample a_healthy: 59.57 of 60 s) or any time after
    (sample s_hsync: 43 of 40 s). Before that, a new sync key means that the server saw a change that brings no item
    (sample s_hsync, where SOGo reports each change twice): changes, with items 0. An answer without items and without
    a new key before its time does not tell why it came: unknown.

Rows of answered waits go to the builder at once and are completed column by column at the end. Waits without an
answer that got through wait for `endings`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import heartbeats
from analyzer.timeline.columns import NS, Bools, Codes, Floats, Ints, ints, last_known, ranks
from analyzer.timeline.reading import (
    BODY,
    CHANGES,
    EXPIRED,
    KEY_MOVED,
    KINDS,
    NO_CHANGE,
    NOT_KNOWN,
    OUTCOMES,
    SERVER_LIMIT,
    SYNC,
    UNKNOWN,
    UNREADABLE,
    UNSAID,
    Stored,
    Wait,
)
from analyzer.timeline.sessions import Key

EARLY_S = 1.0
HELD_LIKE_A_WAIT_S = 30.0  # half of the smallest interval that MS-ASCMD allows
SOURCES = ("unknown", "body", "inherited", "server_limit")


# The fields of `Wait` that are needed as columns and are not in the builder, as narrow as may be: waits are many.
_COLUMNS = {
    "row": "i",
    "session": "i",
    "kind": "b",
    "request_ns": "q",
    "request_frame": "q",
    "stated_s": "d",
    "stored_s": "d",
    "stored_as": "b",
    "folders": "i",
    "tentative": "b",
    "outcome": "b",
    "by_gateway": "b",
}
_BATCH = 4096  # waits that are turned into rows and columns at a time: three times faster than one by one


class Waits:
    """The rows so far, in order of arrival: each wait has a place."""

    def __init__(self) -> None:
        self.builder = TableBuilder(heartbeats.TABLE)
        self._batch: list[Wait] = []
        self._columns: dict[str, array[Any]] = {name: array(code) for name, code in _COLUMNS.items()}
        self._closed_as = array("b")  # outcomes of the waits that were closed later, which are the last ones
        self._count = 0
        self._syncs: tuple[array[int], ...] = tuple(array("q") for _ in range(4))  # session, time, frame, folders
        self._syncs_stored = array("d")

    def __len__(self) -> int:
        return self._count

    def add_stored(self, stored: Stored) -> None:
        """A Sync that does not wait itself."""
        for column, value in zip(
            self._syncs, (stored.session, stored.request_ns, stored.request_frame, stored.folders), strict=True
        ):
            column.append(value)
        self._syncs_stored.append(stored.stored_s)

    def add(self, wait: Wait) -> int:
        """A wait with an answer that got through or that a gateway gave. Returns its place."""
        self._batch.append(wait)
        self._count += 1
        if len(self._batch) >= _BATCH:
            self._flush()
        return self._count - 1

    def add_open(self, waits: Sequence[Wait]) -> int:
        """All waits whose end is judged later, after all others: these inherit from them, too. Returns the place of the
        first; `close` is to be called for each, in order.
        """
        self._flush()
        first = self._count
        self._count += len(waits)
        self._note(waits)
        return first

    def close(self, wait: Wait, end_ns: int | None, end_frame: int | None, outcome: int) -> None:
        """The row of an open wait."""
        self._closed_as.append(outcome)
        self.builder.append(_row(wait, end_ns, end_frame))

    def _flush(self) -> None:
        append = self.builder.append
        for wait in self._batch:
            append(_row(wait, wait.answer_ns, wait.answer_frame))
        self._note(self._batch)
        self._batch.clear()

    def _note(self, waits: Sequence[Wait]) -> None:
        if waits:
            values = dict(zip(Wait._fields, zip(*waits, strict=True), strict=True))
            for name, column in self._columns.items():
                column.extend(values[name])

    def column(self, name: str) -> Ints:
        """A field of `Wait` as integers, by place."""
        return ints(self._columns[name])

    def inherit(self, sessions: Ints) -> None:
        """Work out the interval and the folders of every wait, answered or open. `sessions`: provisional → joined
        number."""
        self._flush()
        count = self._count
        stored_session, stored_time, stored_frame, stored_folders = map(ints, self._syncs)
        syncs = len(stored_session)
        kinds = np.concatenate((self.column("kind"), np.full(syncs, SYNC)))
        session = np.concatenate((self.column("session"), stored_session))
        group = (sessions[session] if len(session) else session) * 2 + kinds
        time = np.concatenate((self.column("request_ns"), stored_time))
        frame = np.concatenate((self.column("request_frame"), stored_frame))
        stored = np.concatenate((np.array(self._columns["stored_s"]), np.array(self._syncs_stored)))
        stored_as = np.concatenate((self.column("stored_as"), np.full(syncs, BODY)))
        folders = np.concatenate((self.column("folders"), stored_folders))
        order = np.lexsort((frame, time, group))
        place = ranks(order)[:count]

        def newest(known: Bools) -> Ints:
            """For each wait the newest earlier request where `known` holds, else -1."""
            found = last_known(group[order], known[order])[place]
            return np.where(found >= 0, order[found], -1)

        source = newest(stored_as != UNSAID)
        inherited = np.where(source >= 0, stored[source], NOT_KNOWN)
        stated = np.array(self._columns["stated_s"])
        states = ~np.isnan(stated)
        own = self.column("folders")
        inherited[own == UNREADABLE] = NOT_KNOWN
        self.requested: Floats = np.where(states, stated, inherited)
        known = ~np.isnan(self.requested)
        by_limit = stored_as[source] == SERVER_LIMIT
        source = np.where(states, 1, np.where(~known, 0, np.where(by_limit, 3, 2)))
        self._source: Codes = source.astype(np.int32)  # places in SOURCES
        lists = newest(folders != -1)
        watched = np.where(own >= 0, own, np.where(lists >= 0, folders[lists], UNREADABLE))
        self._lists: Codes = watched.astype(np.int32)
        tentative = self.column("tentative") != 0
        self.kept: Bools = ~tentative | (known & (self.requested > 0))
        self._undecided: Bools = tentative & ~known

    def is_wait(self, place: int, open_s: float) -> bool:
        """Whether an open wait is one, given how long it was open; an empty Sync need not be."""
        if self._undecided[place]:
            self._undecided[place] = False
            self.kept[place] = open_s >= HELD_LIKE_A_WAIT_S
        return bool(self.kept[place])

    def settle(self) -> None:
        """Decide what Sync answers without items mean, and which tentative waits are waits. All waits are closed."""
        answered = self._count - len(self._closed_as)
        self.held: Floats = self.builder.column("held_s")
        outcome = np.concatenate((self.column("outcome")[:answered], ints(self._closed_as)))
        early = self.requested - self.held > EARLY_S  # False when the interval is not known
        unmoved = outcome == NO_CHANGE
        moved = outcome == KEY_MOVED
        outcome[unmoved] = np.where(early[unmoved], UNKNOWN, EXPIRED)
        due = ~early & ~np.isnan(self.requested)
        outcome[moved] = np.where(due[moved], EXPIRED, CHANGES)
        self._outcome: Codes = outcome.astype(np.int32)
        self.answered: Bools = (np.arange(self._count) < answered) & (self.column("by_gateway") == 0)
        self.kept |= self._undecided & (self.held >= HELD_LIKE_A_WAIT_S)

    def finish(
        self,
        session_ids: Ints,
        keys: dict[int, Key],
        transaction_ids: Ints,
        lists: list[list[str] | None],
    ) -> tuple[TableBuilder, Ints]:
        """Complete the rows and put them in order. `session_ids`: of each wait; `keys`: session_id → its key;
        `lists`: folder lists by code. Returns the builder and place → heartbeat_id (0: not a wait after all).
        """
        builder = self.builder
        if not len(self):
            return builder, np.empty(0, dtype=np.int64)
        order = np.lexsort((self.column("request_frame"), builder.column("start")))
        order = order[self.kept[order]]
        ids = np.zeros(len(self), dtype=np.int64)
        ids[order] = np.arange(1, len(order) + 1)
        servers = _by_id(keys, 0)
        devices = _by_id(keys, 2)
        texts = np.empty(len(lists), dtype=object)
        texts[:] = lists
        builder.replace("heartbeat_id", ids)
        builder.replace("session_id", session_ids, session_ids == 0)
        builder.replace("transaction_id", transaction_ids[self.column("row")])
        builder.replace("requested_s", self.requested)
        builder.replace("requested_source", np.array(SOURCES, dtype=object)[self._source])
        builder.replace("outcome", np.array(OUTCOMES, dtype=object)[self._outcome])
        builder.replace("monitored_folders", texts[self._lists])
        builder.replace("early_s", np.where(self.answered, self.requested - self.held, np.nan))
        builder.replace("server", servers[session_ids])
        builder.replace("device_id", devices[session_ids])
        builder.reorder(order)
        self._columns.clear()
        return builder, ids


def _row(wait: Wait, end_ns: int | None, end_frame: int | None) -> tuple[object, ...]:
    """The row of `heartbeats`; what is None here is filled in by `finish`, or not known."""
    start_ns = wait.start_ns
    answer_frame = wait.answer_frame
    return (
        None,
        None,
        wait.connection_id,
        None,
        KINDS[wait.kind],
        start_ns,
        end_ns,
        None,
        None,
        None if end_ns is None else (end_ns - start_ns) / NS,
        None,
        wait.status,
        None,
        wait.changed,
        wait.http_status,
        wait.items,
        None,
        None,
        None,
        wait.request_frame,
        answer_frame if answer_frame >= 0 else None,
        end_frame,
    )


def _by_id(keys: dict[int, Key], part: int) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    values = np.empty(max(keys, default=0) + 1, dtype=object)
    for number, key in keys.items():
        values[number] = key[part]
    return values
