"""Takes the events of the servers' side as they come, and makes subscriptions, notifications and deliveries at the end.

Nothing is joined before all events are there: an engine yields them connection by connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyzer.tables import read
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import notifications
from analyzer.tables.derived import DerivedTable
from analyzer.timeline.facts import CaptureFacts
from analyzer.timeline.server_side import wakes
from analyzer.timeline.server_side.deliveries import Deliveries
from analyzer.timeline.server_side.front import Front
from analyzer.timeline.server_side.joining import join_subscriptions
from analyzer.timeline.server_side.notifications import Notifications
from analyzer.timeline.server_side.subscriptions import Leg, Seen, Subscriptions
from dissectors.events import Anomaly, Connection, Datagram, Transaction, Unreachable
from dissectors.notify import METHODS, DavMessage, Subscribe, read_transaction
from dissectors.notify.oddity import TOO_MANY_REQUESTS

NOTIFY_PORT = 2883
MAX_KEPT = 1_000_000  # requests, ids and parts of their answers; further requests are counted


class ServerSide:
    """Feed it what it asks for, then call `finish` once."""

    def __init__(self) -> None:
        self._notifications = Notifications()
        self._seen: list[Seen] = []
        self._legs: dict[int, Leg | None] = {}  # of the connections that carried such requests
        self._odd: dict[tuple[int, str], Anomaly] = {}
        self._kept = 0
        self._beyond = 0

    def event(self, event: Datagram | Unreachable) -> None:
        if isinstance(event, Datagram):
            self._notifications.datagram(event)
        else:
            self._notifications.unreachable(event)

    def transaction(self, t: Transaction) -> None:
        """One that is not Exchange ActiveSync."""
        request, response = t.request, t.response
        if request is None or request.method not in METHODS:
            return
        message = read_transaction(t)
        if message is None:
            return
        for odd in message.oddities:
            half = response if response is not None and odd.code.startswith("webdav_multistatus") else request
            anomaly = Anomaly(
                code=odd.code,
                frame=half.first_frame,
                time_ns=half.start_ns,
                detail=odd.detail,
                connection_id=t.connection_id,
            )
            self._odd.setdefault((t.connection_id, odd.code), anomaly)
        self._legs.setdefault(t.connection_id, None)
        message, size = _reduced(message)
        self._kept += size
        if self._kept > MAX_KEPT:
            self._beyond += 1
            return
        answered_ns = None if response is None else response.end_ns
        self._seen.append(Seen(request.start_ns, answered_ns, request.first_frame, t.connection_id, message))

    def connection(self, c: Connection) -> None:
        if c.connection_id in self._legs:
            self._legs[c.connection_id] = Leg(c.client.ip, c.server.ip, c.capture)

    def anomalies(self) -> list[Anomaly]:
        """Odd bytes in all of it."""
        ports = {NOTIFY_PORT}
        ports |= {one.ends[3] for one in self._notifications.found}
        for one in self._seen:
            if isinstance(one.message, Subscribe) and one.message.call_back and one.message.call_back.port:
                ports.add(one.message.call_back.port)
        found = self._notifications.anomalies(ports)
        for (connection_id, _), odd in self._odd.items():
            leg = self._legs[connection_id]
            found.append(odd if leg is None else replace(odd, capture=leg.capture))
        if self._beyond:
            code, words = TOO_MANY_REQUESTS
            detail = f"{words}: {self._beyond:,}, after {len(self._seen):,}"
            found.append(Anomaly(code=code, frame=None, time_ns=None, detail=detail))
        return found

    def finish(
        self,
        built: Mapping[str, TableBuilder | DerivedTable],
        facts: Sequence[CaptureFacts],
        capture_of: Mapping[int, int],
    ) -> dict[str, TableBuilder | DerivedTable]:
        """The three tables. `built`: heartbeats, transactions, sync_sizes and sessions; `capture_of`: of connections
        that carried Exchange ActiveSync."""
        answered = wakes.wakes(built["heartbeats"], built["transactions"])
        found = self._notifications
        if not found and not self._seen:
            return {
                "subscriptions": Subscriptions((), self._legs.get, 0).table(),
                "notifications": TableBuilder(notifications.TABLE),
                "deliveries": wakes.table(answered),
            }
        end_ns = max((fact.end_ns for fact in facts if fact.end_ns is not None), default=0)
        tables: dict[str, read.Source] = dict(built)
        front = Front(tables, end_ns)
        known = Subscriptions(self._seen, self._legs.get, end_ns)
        join_subscriptions(known.all, front)
        refusals = found.settle()
        points: dict[int, set[int]] = {}
        for wait in front.began:
            if wait.connection_id in capture_of:
                points.setdefault(wait.session, set()).add(capture_of[wait.connection_id])
        delivered = Deliveries(front, known, facts, points, end_ns).work_out(found.found, refusals, answered)
        return {
            "subscriptions": known.table(),
            "notifications": found.table([fact.name for fact in facts]),
            "deliveries": delivered,
        }


def _reduced(message: DavMessage) -> tuple[DavMessage, int]:
    """Without the texts of the parts, which nothing here looks at; and how much of it there is to keep."""
    answer = message.answer
    if answer is None:
        return message, 1 + len(message.subscription_ids)
    parts = tuple(part._replace(href=None, content_location=None) for part in answer.parts)
    size = 1 + len(message.subscription_ids) + len(answer.subscription_ids)
    size += sum(1 + len(part.subscription_ids) for part in parts)
    return message._replace(answer=answer._replace(parts=parts)), size
