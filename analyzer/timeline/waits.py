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

A wait is its transaction's row and the code of what its messages say (`Terms`): 12 bytes. Of these a capture has few,
but for the lists of folders, which may be others in each: so they stand apart, and a code takes 12 bytes, too.
Everything else is worked out at the end, column by column. Waits without an answer that got through wait for
`endings`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.tables.builder import NAT
from analyzer.tables.catalog import heartbeats
from analyzer.tables.derived import DerivedTable, Made, Recipe
from analyzer.timeline.columns import NS, Bools, Codes, Floats, Ints, ints, last_known, ranks
from analyzer.timeline.idle_timeouts import placed
from analyzer.timeline.packing import PackedRows
from analyzer.timeline.reading import (
    BODY,
    CHANGES,
    EXPIRED,
    INFERRED,
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
    Terms,
    Wait,
)
from analyzer.timeline.sessions import Key

EARLY_S = 1.0
HELD_LIKE_A_WAIT_S = 30.0  # half of the smallest interval that MS-ASCMD allows
MAX_REMEMBERED_TERMS = 4096  # beyond, equal terms may have several codes
SOURCES = ("unknown", "body", "inherited", "server_limit", "inferred")


class Waits:
    """The waits so far, in order of arrival: each has a place."""

    def __init__(self) -> None:
        self._row = array("i")
        self._code = array("i")  # of its terms
        self._items = array("i")  # -1: not known; of an inferred wait: bytes that its change brought
        self._codes: dict[Terms, int] = {}  # of the newest terms
        self._bare: list[Terms] = []  # terms without their lists of folders
        self._places: dict[Terms, int] = {}  # of the newest of these
        # By code: place of the bare terms, and the codes of the lists.
        self._terms = array("i")
        self._folders = array("i")
        self._changed = array("i")
        self._withdrawn: list[int] = []  # places whose answer did not get through; they are added again as open
        # Of the open waits, which are the last ones:
        self._closed_as = array("b")
        self._end = array("q")
        self._end_frame = array("q")
        self._syncs: tuple[array[int], ...] = tuple(array("q") for _ in range(4))  # session, time, frame, folders
        self._syncs_stored = array("d")

    def __len__(self) -> int:
        return len(self._row)

    def code(self, terms: Terms) -> int:
        """The number under which `add` takes these terms."""
        code = self._codes.get(terms)
        if code is None:
            if len(self._codes) >= MAX_REMEMBERED_TERMS:
                self._codes.clear()
                self._places.clear()
            code = self._codes[terms] = len(self._terms)
            bare = terms._replace(folders=UNREADABLE, changed=UNREADABLE)
            place = self._places.setdefault(bare, len(self._bare))
            if place == len(self._bare):
                self._bare.append(bare)
            self._terms.append(place)
            self._folders.append(terms.folders)
            self._changed.append(terms.changed)
        return code

    def terms(self, place: int) -> Terms:
        code = self._code[place]
        return self._bare[self._terms[code]]._replace(folders=self._folders[code], changed=self._changed[code])

    def add_stored(self, stored: Stored) -> None:
        """A Sync that does not wait itself."""
        for column, value in zip(
            self._syncs, (stored.session, stored.request_ns, stored.request_frame, stored.folders), strict=True
        ):
            column.append(value)
        self._syncs_stored.append(stored.stored_s)

    def add(self, row: int, code: int, items: int) -> int:
        """A wait with an answer. Returns its place."""
        self._row.append(row)
        self._code.append(code)
        self._items.append(items)
        return len(self._row) - 1

    def at(self, place: int) -> tuple[int, int]:
        """The row and the number of items of a wait."""
        return self._row[place], self._items[place]

    def withdraw(self, place: int) -> None:
        """The answer did not get through after all: the wait is open, and will be added again as that."""
        self._withdrawn.append(place)

    def add_open(self, waits: Sequence[Wait]) -> int:
        """All waits whose end is judged later, after all others: these inherit from them, too. Returns the place of the
        first; `close` is to be called for each, in order.
        """
        first = len(self._row)
        for wait in waits:
            self.add(wait.row, self.code(wait.terms), wait.items)
        return first

    def close(self, end_ns: int | None, end_frame: int | None, outcome: int) -> None:
        """The end of an open wait."""
        self._closed_as.append(outcome)
        self._end.append(NAT if end_ns is None else end_ns)
        self._end_frame.append(-1 if end_frame is None else end_frame)

    def inherit(self, sessions: Ints, packed: PackedRows) -> None:
        """Work out the interval and the folders of every wait, answered or open. `sessions`: provisional → joined
        number; `packed`: the transactions."""
        self._packed = packed
        self.rows: Codes = np.frombuffer(self._row, dtype=np.int32) if self._row else np.empty(0, dtype=np.int32)
        self._of: Codes = np.frombuffer(self._code, dtype=np.int32) if self._code else np.empty(0, dtype=np.int32)
        count = len(self)
        stored_session, stored_time, stored_frame, stored_folders = map(ints, self._syncs)
        syncs = len(stored_session)
        session = np.concatenate((packed["session"][self.rows], stored_session))
        group = (sessions[session] if len(session) else session).astype(np.int32)
        del session
        group *= len(KINDS)
        group += np.concatenate((self.field("kind", np.int8), np.full(syncs, SYNC, dtype=np.int8)))
        time = np.concatenate((packed["request_start"][self.rows], stored_time))
        frame = np.concatenate((packed["request_last_frame"][self.rows], stored_frame))
        order = np.lexsort((frame, time, group)).astype(np.int32)
        del time, frame
        group = group[order]
        place = ranks(order)[:count]

        def newest(known: Bools) -> Codes:
            """For each wait the newest earlier request where `known` holds, else -1."""
            found = last_known(group, known[order])[place]
            return np.where(found >= 0, order[found], np.int32(-1))

        stored_as = np.concatenate((self.field("stored_as", np.int8), np.full(syncs, BODY, dtype=np.int8)))
        source = newest(stored_as != UNSAID)
        stored = np.concatenate((self.field("stored_s", np.float64), np.array(self._syncs_stored)))
        inherited = np.where(source >= 0, stored[source], NOT_KNOWN)
        stated = self.field("stated_s", np.float64)
        states = ~np.isnan(stated)
        own = self.field("folders", np.int32)
        inherited[own == UNREADABLE] = NOT_KNOWN
        self.requested: Floats = np.where(states, stated, inherited)
        known = ~np.isnan(self.requested)
        taken = np.where(stored_as[source] == SERVER_LIMIT, np.int8(3), np.int8(2))
        taken[~known] = 0
        said = np.where(self.field("kind", np.int8) == INFERRED, np.int8(4), np.int8(1))
        self._source = np.where(states, said, taken)  # in SOURCES
        del stored, inherited, stated, said, taken, source
        folders = np.concatenate((own, stored_folders.astype(np.int32)))
        lists = newest(folders != -1)
        self._lists: Codes = np.where(lists >= 0, folders[lists], np.int32(UNREADABLE))
        self._lists[own >= 0] = own[own >= 0]
        tentative = self.field("tentative", np.bool_)
        self.kept: Bools = ~tentative | (known & (self.requested > 0))
        self._undecided: Bools = tentative & ~known
        self.kept[self._withdrawn] = self._undecided[self._withdrawn] = False

    def is_wait(self, place: int, open_s: float) -> bool:
        """Whether an open wait is one, given how long it was open; an empty Sync need not be."""
        if self._undecided[place]:
            self._undecided[place] = False
            self.kept[place] = open_s >= HELD_LIKE_A_WAIT_S
        return bool(self.kept[place])

    def settle(self) -> None:
        """Decide what Sync answers without items mean, and which tentative waits are waits. All waits are closed."""
        count = len(self)
        answered = count - len(self._closed_as)
        end = self._packed["response_start"][self.rows]
        end[answered:] = self._end
        self.held: Floats = (end - self._packed["request_end"][self.rows]) / NS
        self.held[end == NAT] = np.nan
        outcome = self.field("outcome", np.int8)
        outcome[answered:] = self._closed_as
        early = self.requested - self.held > EARLY_S  # False when the interval is not known
        unmoved = outcome == NO_CHANGE
        moved = outcome == KEY_MOVED
        outcome[unmoved] = np.where(early[unmoved], UNKNOWN, EXPIRED)
        due = ~early & ~np.isnan(self.requested)
        outcome[moved] = np.where(due[moved], EXPIRED, CHANGES)
        self._outcome = outcome
        self.answered: Bools = ~self.field("by_gateway", np.bool_)
        self.answered[answered:] = False
        self.kept |= self._undecided & (self.held >= HELD_LIKE_A_WAIT_S)

    def finish(
        self,
        session_ids: Codes,
        keys: dict[int, Key],
        transaction_ids: Codes,
        lists: list[list[str] | None],
        paths: tuple[Ints, list[str]],
    ) -> tuple[DerivedTable, Codes]:
        """The table, and place → heartbeat_id (0: not a wait after all). `session_ids`: of each wait, 0 for none;
        `keys`: session_id → its key; `transaction_ids`: by row; `lists`: folder lists by code; `paths`: as
        `Paths.lookup` has them, and their names.
        """
        packed, rows, requested, held = self._packed, self.rows, self.requested, self.held
        start, frame = packed["request_end"][rows], packed["request_last_frame"][rows]
        order = np.lexsort((frame, start)).astype(np.int32)
        order = order[self.kept[order]]
        count = len(order)
        ids = np.zeros(len(self), dtype=np.int32)
        ids[order] = np.arange(1, count + 1)
        first_open = len(self) - len(self._closed_as)
        source, outcome, watched, answered = self._source, self._outcome, self._lists, self.answered
        self._codes.clear()
        self._places.clear()

        def packed_ints(name: str) -> Recipe:
            def make() -> Made:
                values = packed[name][rows[order]]
                return Made(values, values < 0)

            return make

        def of_terms(name: str) -> Recipe:
            def make() -> Made:
                values = self.field(name, np.int64)[order]
                return Made(values, values < 0)

            return make

        def end() -> Made:
            values = packed["response_start"][rows]
            values[first_open:] = self._end
            return Made(values[order])

        def end_frame() -> Made:
            values = packed["response_frame"][rows]
            values[first_open:] = self._end_frame
            values = values[order]
            return Made(values, values < 0)

        def counted(of_inferred: bool) -> Recipe:
            """Items in the answer; of an inferred wait it is the bytes that followed."""

            def make() -> Made:
                values = np.array(self._items, dtype=np.int64)[order]
                return Made(values, (values < 0) | ((self.field("kind", np.int8)[order] == INFERRED) != of_inferred))

            return make

        def listed(codes: Callable[[], npt.NDArray[Any]]) -> Recipe:
            return lambda: Made(np.where((found := codes()[order]) > 0, found, -1), None, lists)

        def of_key(part: int) -> Recipe:
            values = list(dict.fromkeys(key[part] for key in keys.values() if key[part] is not None))
            places = {value: place for place, value in enumerate(values)}
            codes = np.full(max(keys, default=0) + 1, -1, dtype=np.int32)
            for number, key in keys.items():
                codes[number] = places.get(key[part], -1)
            return lambda: Made(codes[session_ids[order]], None, values)

        def of_session() -> Made:
            sessions = session_ids[order]
            return Made(sessions, sessions == 0)

        def of_path() -> Made:
            return Made(placed(paths[0], packed["connection_id"][rows[order]]).astype(np.int32), None, paths[1])

        recipes: dict[str, Recipe] = {
            "heartbeat_id": lambda: Made(np.arange(1, count + 1)),
            "session_id": of_session,
            "connection_id": packed_ints("connection_id"),
            "transaction_id": lambda: Made(transaction_ids[rows[order]]),
            "kind": lambda: Made(self.field("kind", np.int32)[order], None, KINDS),
            "start": lambda: Made(packed["request_end"][rows[order]]),
            "end": end,
            "requested_s": lambda: Made(requested[order]),
            "requested_source": lambda: Made(source[order].astype(np.int32), None, SOURCES),
            "held_s": lambda: Made(held[order]),
            "outcome": lambda: Made(outcome[order].astype(np.int32), None, OUTCOMES),
            "ping_status": of_terms("status"),
            "monitored_folders": listed(lambda: watched),
            "changed_folders": listed(lambda: self.field("changed", np.int32)),
            "http_status": packed_ints("status"),
            "items": counted(of_inferred=False),
            "brought_bytes": counted(of_inferred=True),
            "early_s": lambda: Made(np.where(answered[order], (requested - held)[order], np.nan)),
            "path": of_path,
            "server": of_key(0),
            "device_id": of_key(2),
            "request_frame": packed_ints("request_last_frame"),
            "response_frame": packed_ints("response_frame"),
            "end_frame": end_frame,
        }
        return DerivedTable(heartbeats.TABLE, count, recipes), ids

    def field(self, name: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
        """A field of the waits' terms, by place."""
        if not self._terms:
            return np.empty(0, dtype=dtype)
        listed = {"folders": self._folders, "changed": self._changed}.get(name)
        if listed is None:
            values: list[Any] = [getattr(terms, name) for terms in self._bare]
            by_code: npt.NDArray[Any] = np.array(values, dtype=dtype)[np.array(self._terms)]
        else:
            by_code = np.array(listed, dtype=dtype)
        return by_code[self._of]
