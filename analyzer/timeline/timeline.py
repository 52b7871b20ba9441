"""Events → the tables: who waited how long for push, what became of it, and what each folder cost.

Events arrive connection by connection, not in order of time, and a request without answer only when its connection
ends. So nothing here depends on the order of arrival across connections: rows get their ids, and what was left out of
a request is inherited, at the end, in order of time. Complete transactions are packed into rows; only waits whose
end is not yet clear are kept as objects.

    add     Transaction → transactions, and by command: waits, sync_sizes, folders
            Connection  → connections; settles what was pending on it
    finish  push waits are inferred in what stayed encrypted; sessions are joined; intervals inherited; pending waits
            judged; ids given; idle timers worked out
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.certificates import Certificates
from analyzer.keyless import rows as keyless_rows
from analyzer.keyless.endings import with_inferred_wait
from analyzer.keyless.inference import Inference
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import TABLES, captures, findings
from analyzer.tables.derived import DerivedTable
from analyzer.texts import endpoint
from analyzer.timeline import adaptation, endings, sync_mode
from analyzer.timeline.access import Access
from analyzer.timeline.anomalies import Anomalies
from analyzer.timeline.attribution.together import End
from analyzer.timeline.carried import Carried, Open
from analyzer.timeline.columns import Codes, Ints
from analyzer.timeline.connections import Connections
from analyzer.timeline.endings import Pending, Surroundings
from analyzer.timeline.facts import CaptureFacts
from analyzer.timeline.history import History, Refusals
from analyzer.timeline.idle_timeouts import Paths
from analyzer.timeline.packing import PackedRows
from analyzer.timeline.reading import INFERRED, SYNC, UNKNOWN, wait_of
from analyzer.timeline.server_side import ServerSide
from analyzer.timeline.teardowns import Teardowns
from analyzer.timeline.transactions import columns, in_order
from dissectors.eas import EasMessage
from dissectors.events import (
    Anomaly,
    Connection,
    Datagram,
    DirectorySearch,
    Event,
    Transaction,
    TriggerMail,
    Unreachable,
)


class Timeline:
    """Feed it every event, in the order in which an engine yields them, then call `finish` once."""

    def __init__(self) -> None:
        self._access = Access()
        self._server_side = ServerSide()
        self._anomalies = Anomalies()
        self._carried = Carried(self._access, self._server_side, self._anomalies)
        self._connections = Connections()
        self._teardowns = Teardowns()
        self._refusals = Refusals()
        self._paths = Paths()
        self._inference = Inference()
        self._longest_s: dict[int, float | None] = {}  # of inferred waits without answer, by row
        self._certificates = Certificates()
        self._pending: list[Pending] = []
        self._ends: list[End] = []  # of connections with a wait; their rows are made when all of them are known
        self._clients: dict[int, tuple[str, int, int]] = {}  # address, start and capture, by connection
        self._capture_of: dict[int, int] = {}

    def add(self, event: Event, message: EasMessage | None = None) -> None:
        """One event. `message`: what a Transaction says as EAS, where that is known already."""
        if type(event) is Transaction:
            self._carried.add(event, message)
        elif type(event) is Connection:
            self._access.connection(event)
            self._connection(event)
        elif type(event) is Anomaly:
            self._anomalies.add(event)
        elif type(event) is Datagram or type(event) is Unreachable:
            self._server_side.event(event)
        elif type(event) is DirectorySearch or type(event) is TriggerMail:
            self._access.event(event)

    def _connection(self, c: Connection) -> None:
        self._refusals.add(c)
        self._server_side.connection(c)
        self._certificates.add(c)
        open_ = self._carried.open.pop(c.connection_id, None)
        if open_ is None:
            self._connections.add(c, 0)
            self._inference.add(c)
            return
        self._carried.note_speaker(open_)
        sessions = self._carried.sessions.connection_ended(open_.sessions, endpoint(c.server.ip, c.server.port))
        self._connections.add(c, len(sessions))
        self._ended(c, open_, sessions)

    def _ended(self, c: Connection, open_: Open, sessions: set[int]) -> None:
        """A connection that has carried EAS has ended."""
        self._paths.add(c, streams=open_.version == "2")
        self._clients[c.connection_id] = (c.client.ip, c.start_ns, c.capture)
        self._capture_of[c.connection_id] = c.capture
        for place, wait, signed in open_.gateway:
            self._ends.append(End(endings.by_gateway(wait, signed), c, place, wait.session))
        if self._settle(open_, c):
            ending = endings.without_wait(c, open_.last_end_ns if open_.last_end_ns >= 0 else None)
            self._teardowns.add(c, ending, -1, next(iter(sessions)) if len(sessions) == 1 else -1)

    def _infer(self, capture_end_ns: Sequence[int | None]) -> None:
        """The exchanges and waits of connections that stayed encrypted become rows like all others."""
        carried = self._carried
        for found in self._inference.waits(capture_end_ns):
            c, open_ = found.connection, Open()
            session = carried.sessions.number(found.server, None, found.device, c.connection_id)
            head = carried.transactions.head(None, None, None, None, None)
            meanings = {meaning.place: meaning for meaning in found.waits}
            for place, exchange in enumerate(found.exchanges):
                t = keyless_rows.transaction(c, place + 1, exchange)
                row = carried.transactions.add(t, session, head, None)
                if place in meanings:
                    terms = keyless_rows.terms(meanings[place])
                    carried.wait(open_, wait_of(row, session, t, meanings[place].brought_bytes, terms), t)
                    self._longest_s[row] = found.longest_s
                open_.last_start_ns = exchange.request_ns
                open_.last_end_ns = max(exchange.sent_ns, exchange.answer_end_ns)
            self._connections.infer(c.connection_id)
            self._ended(c, open_, {session})

    def _settle(self, open_: Open, c: Connection | None) -> bool:
        """Hand on the waits that were pending. True: none was at the end of the connection."""
        none_at_end = True
        if open_.wait >= 0 and c is not None and c.server.unacked_bytes:
            waits = self._carried.waits
            row, items = waits.at(open_.wait)
            newest = self._carried.transactions.wait(row, items, waits.terms(open_.wait))
            if endings.undelivered(newest, c):
                waits.withdraw(open_.wait)
                self._pending.append(Pending(newest, c, False, -1))
                none_at_end = False
        streams = open_.version == "2"
        for wait, idle_since_ns, cancel in open_.unanswered:
            overtaken = open_.last_start_ns > wait.request_ns and not streams
            since_ns = open_.last_end_ns if streams else idle_since_ns
            self._pending.append(Pending(wait, c, overtaken, since_ns, cancel, streams))
            none_at_end = none_at_end and (overtaken or cancel is not None)
        return none_at_end

    def finish(self, facts: Sequence[CaptureFacts]) -> dict[str, TableBuilder | DerivedTable]:
        """All tables but `findings`, in the order of the catalog. `facts`: the captures, in the order of
        `Connection.capture`.
        """
        carried = self._carried
        for open_ in carried.open.values():  # an engine that broke off
            carried.note_speaker(open_)
            carried.sessions.connection_ended(open_.sessions, "")
            self._settle(open_, None)
        carried.open.clear()
        self._infer([f.end_ns for f in facts])
        names = [f.name for f in facts]
        joined = carried.sessions.resolved()
        packed = carried.transactions.packed
        found = columns(packed)
        order, transaction_ids = in_order(found)
        final = _through(joined, found.session)
        self._judge(joined, packed, History(found, order, final, self._clients), facts)

        waits = carried.waits
        waiting = packed["session"][waits.rows]
        kept_sessions = _through(joined, waiting)[waits.kept]
        waits_by_session = np.bincount(kept_sessions[kept_sessions >= 0], minlength=len(joined))
        sessions, session_ids, keys = carried.sessions.finish(packed, found, order, waits_by_session, final)
        ids_of = _through(session_ids, joined, missing=0)  # provisional → session_id
        of_rows = _through(session_ids, final, missing=0).astype(np.int32)
        unsent = carried.originals.unsent(joined)
        transactions = carried.transactions.finish(order, transaction_ids, of_rows, unsent)
        del found, final  # large, and not needed any more
        survived = waits.kept & waits.answered
        rows = waits.rows[survived]
        self._paths.measure(
            packed["connection_id"][rows],
            waits.held[survived],
            packed["response_start"][rows],
            self._ends,
            joined.tolist(),
        )
        for end in self._ends:
            self._teardowns.add(end.connection, end.ending, end.place, end.session)
        held_rows = waits.rows[waits.kept & (waits.field("kind", np.int8) == SYNC)]
        of_waits = _through(ids_of, waiting, missing=0).astype(np.int32)
        paths = self._paths.lookup(), [path.name for path in self._paths.found]
        heartbeats, heartbeat_ids = waits.finish(of_waits, keys, transaction_ids, carried.reader.lists, paths)
        teardowns = self._teardowns.finish(ids_of, heartbeat_ids, waits.requested, waits.held)
        carried.folders.join(joined.tolist())
        for part in (self._server_side, self._access, self._certificates, self._inference):
            for odd in part.anomalies():
                self._anomalies.add(odd)
        built: dict[str, TableBuilder | DerivedTable] = {
            "captures": _captures(facts, self._connections.missing_bytes(len(facts))),
            "connections": self._connections.finish(names),
            "transactions": transactions,
            "sessions": sessions,
            "heartbeats": heartbeats,
            "teardowns": teardowns,
            "idle_timeouts": self._paths.finish(),
            "adaptations": self._adaptations(of_waits, packed),
            "sync_sizes": carried.sync_sizes.finish(joined, ids_of, transaction_ids, held_rows, carried.folders),
            "certificates": self._certificates.finish(),
            "anomalies": self._anomalies.finish(names, self._capture_of),
        }
        built |= self._server_side.finish(built, facts, self._capture_of)
        built |= self._access.finish(built, transaction_ids, of_rows)
        sync_mode.fill(sessions, built)
        made_later = findings.TABLE.name
        return {t.name: built[t.name] if t.name in built else TableBuilder(t) for t in TABLES if t.name != made_later}

    def _adaptations(self, of_waits: Codes, packed: PackedRows) -> TableBuilder:
        """How each device changed its interval. `of_waits`: session_id of each wait, 0 for none."""
        waits = self._carried.waits
        died = np.zeros(len(waits), dtype=np.bool_)
        died[[end.place for end in self._ends if end.ending.premature]] = True
        path = self._paths.of_connections(packed["connection_id"][waits.rows]).astype(np.int32)
        known = np.flatnonzero(waits.kept & ~np.isnan(waits.requested) & (of_waits > 0) & (path >= 0))
        start = packed["request_end"][waits.rows[known]]
        return adaptation.rows(
            of_waits[known], path[known], start, waits.requested[known], died[known], self._paths.found
        )

    def _judge(self, joined: Ints, packed: PackedRows, history: History, facts: Sequence[CaptureFacts]) -> None:
        """Inherit the intervals, then say how each pending wait ended."""
        # Not in order of arrival, which the engine is free to choose.
        pending = sorted(self._pending, key=lambda p: (p.wait.start_ns, p.wait.request_frame))
        waits = self._carried.waits
        first = waits.add_open([p.wait for p in pending])
        waits.inherit(joined, packed)
        around = Surroundings(history, self._refusals, joined.tolist(), [f.end_ns for f in facts])
        for place, p in enumerate(pending, first):
            wait, c = p.wait, p.connection
            if waits.is_wait(place, around.open_s(p)):
                interval = None if np.isnan(waits.requested[place]) else float(waits.requested[place])
                if wait.terms.kind == INFERRED:
                    ending = with_inferred_wait(p, self._longest_s[wait.row], around)
                else:
                    ending = endings.with_wait(p, interval, around)
                waits.close(ending.wait_end_ns, ending.end_frame, ending.outcome)
                if c is not None and not p.overtaken and p.stream_reset is None:
                    self._ends.append(End(ending, c, place, wait.session))
            else:
                waits.close(None, None, UNKNOWN)
                if c is not None and not p.overtaken and p.stream_reset is None:
                    self._teardowns.add(c, endings.without_wait(c, wait.start_ns), -1, wait.session)
        waits.settle()


def _captures(facts: Sequence[CaptureFacts], missing: list[int]) -> TableBuilder:
    builder = TableBuilder(captures.TABLE)
    for f, of_connections in zip(facts, missing, strict=True):
        builder.append(
            (
                f.name,
                f.engine,
                f.frames,
                f.bytes,
                f.start_ns,
                f.end_ns,
                list(f.link_types),
                f.secrets,
                f.truncated_frames,
                of_connections if f.missing_bytes is None else f.missing_bytes,
                f.complete,
                f.opened_by_tshark,
            )
        )
    return builder


def _through(table: Ints, index: Ints | Codes, missing: int = -1) -> Ints:
    """table[index], and `missing` where the index is -1."""
    return np.append(table, missing)[index]
