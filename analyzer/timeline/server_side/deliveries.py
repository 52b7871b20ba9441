"""Notification → Ping answer → Sync: what became of each change → rows of `deliveries`.

    refused    an ICMP error quotes the datagram                                                     blocked
    woke       the pending wait was answered with changes, and the Sync came within LATE_S           delivered
               ... later, or only after another wait                                                 late
    by itself  no wait was pending; the device's next Sync brought items within LATE_S               delivered
    woke none  the wait went on: the next Sync that brought items                                    late
               no Sync brought any                                                                   missed
    not there  captured at the mailbox server, but not at another point near the front-end           lost
               no datagram, yet a later POLL shows events; or a POLL shows them long after it        lost
    whose?     waits are readable, and none fits                                                     unmatched

What the capture ends too early for, or does not show, has no outcome. Where a POLL shows events just after SUBSCRIBE,
the front-end looks what happened before it subscribed: no notification was to be expected.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analyzer.tables.builder import NAT, TableBuilder
from analyzer.tables.catalog import deliveries
from analyzer.timeline.columns import NS, seconds
from analyzer.timeline.facts import CaptureFacts
from analyzer.timeline.server_side.front import FetchedSync, Front
from analyzer.timeline.server_side.joining import GRACE_NS, SUBSCRIPTION, Meant, meant
from analyzer.timeline.server_side.notifications import Notified, Refusal, quoted
from analyzer.timeline.server_side.subscriptions import Polled, Subscription, Subscriptions, next_act
from analyzer.timeline.server_side.wakes import LATE_S, Wakes

LATE_NS = round(LATE_S * NS)
FIRST_LOOK_NS = 5 * NS  # after SUBSCRIBE the front-end looks what has changed already

NOTIFICATION, NO_SUBSCRIPTION, WAIT, SYNC = "notification", "subscription", "wait", "sync"


class Fate(NamedTuple):
    """How it went on after a moment."""

    outcome: str | None
    heartbeat_id: int | None = None
    answer_ns: int | None = None  # of the Ping that told of changes
    sync: FetchedSync | None = None


UNKNOWN, UNMATCHED = Fate(None), Fate("unmatched")
_NO_SUBSCRIPTION, _NEITHER = (NO_SUBSCRIPTION,), (NO_SUBSCRIPTION, WAIT)


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One row in the making."""

    time_ns: int
    fate: Fate
    session: int | None
    joined_by: str | None = None
    notified: Notified | None = None
    ids: tuple[str, ...] = ()
    ends: tuple[str, int, str, int] | None = None
    reaction_ns: int | None = None
    refusal: Refusal | None = None
    poll_frame: int | None = None
    unseen: tuple[str, ...] = ()


class Deliveries:
    """Works out all rows."""

    def __init__(
        self,
        front: Front,
        known: Subscriptions,
        facts: Sequence[CaptureFacts],
        device_points: dict[int, set[int]],
        end_ns: int,
    ) -> None:
        """`device_points`: session → the captures that show its connections; `end_ns`: of the last capture."""
        self._front = front
        self._known = known
        self._facts = facts
        self._device_points = device_points
        self._end_ns = end_ns
        self._rows: list[Delivery] = []

    def work_out(self, notified: Sequence[Notified], refusals: Sequence[Refusal], wakes: Wakes) -> TableBuilder:
        """`refusals`: those that quote a datagram which is not in the capture."""
        for one in notified:
            for each in () if one.copy else meant(one, self._known, self._front):
                for subscription in each.subscriptions:
                    subscription.notified_ns.append(one.time_ns)
                self._rows.append(self._of_notification(one, each))
        for refusal in refusals:
            self._rows += self._of_quote(refusal)
        self._rows += self._unannounced()
        self._rows += self._silent_wakes(wakes)
        return self._table()

    def _of_notification(self, one: Notified, each: Meant) -> Delivery:
        time_ns = one.time_ns
        fate = UNKNOWN
        unseen: tuple[str, ...] = () if each.subscriptions else _NO_SUBSCRIPTION
        if each.session is not None:
            fate = self._fate(each.session, time_ns)
        elif self._front.waits and not self._elsewhere(each):
            fate = UNMATCHED
        else:
            unseen = (WAIT,) if each.subscriptions else _NEITHER
        reaction = _earliest(next_act(sub, time_ns, time_ns + LATE_NS) for sub in each.subscriptions)
        if one.refusal is not None:
            fate = fate._replace(outcome="blocked")
        elif fate.outcome in ("late", "missed", None) and self._got_lost(one, each, fate, reaction):
            fate = fate._replace(outcome="lost")
        return Delivery(
            time_ns=time_ns,
            fate=fate,
            session=each.session,
            joined_by=each.joined_by,
            notified=one,
            ids=each.ids,
            ends=one.ends,
            reaction_ns=None if reaction is None else reaction - time_ns,
            refusal=one.refusal,
            unseen=unseen,
        )

    def _fate(self, session: int, time_ns: int) -> Fate:
        """What a session did after a change at this time."""
        front = self._front
        wait = front.pending(session, time_ns)
        if wait is None:
            sync = front.items_after(session, time_ns)
            soon = sync is not None and sync.start_ns - time_ns <= LATE_NS
            return Fate("delivered" if soon else "unmatched", sync=sync)
        if wait.woke:
            sync = front.sync_after(session, wait.end_ns)
            until = wait.end_ns if sync is None else sync.start_ns
            if until - time_ns > LATE_NS:
                return Fate("late", wait.heartbeat_id, wait.end_ns, sync)
            return Fate(None if sync is None else "delivered", wait.heartbeat_id, wait.end_ns, sync)
        sync = front.items_after(session, time_ns)
        if sync is not None:
            soon = sync.start_ns - time_ns <= LATE_NS
            return Fate("delivered" if soon else "late", wait.heartbeat_id, None, sync)
        unknown = wait.outcome in ("capture_end", "unknown", None) or self._end_ns - time_ns <= LATE_NS
        return Fate(None if unknown else "missed", wait.heartbeat_id)

    def _elsewhere(self, each: Meant) -> bool:
        """Its mailbox is known, and none of the devices in the capture has that user."""
        return bool(each.subscriptions) and all(sub.user not in self._front.users for sub in each.subscriptions)

    def _got_lost(self, one: Notified, each: Meant, fate: Fate, reaction: int | None) -> bool:
        """Another capture should show it, and does not; or the front-end found the change by a POLL much later."""
        if reaction is not None:
            return False
        near = set(self._known.points.get((one.ends[0], one.ends[2]), ()))
        if each.session is not None:
            near &= self._device_points.get(each.session, set())
        missing = [point for point in near - set(one.captures) if self._covers(point, one.time_ns)]
        if missing:
            return True
        if each.session is not None:  # it was seen where the device's waits were: it has arrived
            return False
        return any(
            polled.events and polled.asked_ns - one.time_ns > LATE_NS
            for sub in each.subscriptions
            for polled in sub.polls
        )

    def _covers(self, point: int, time_ns: int) -> bool:
        facts = self._facts[point]
        start, end = facts.start_ns, facts.end_ns
        return start is not None and end is not None and start <= time_ns and end >= time_ns + LATE_NS

    def _of_quote(self, refusal: Refusal) -> Iterator[Delivery]:
        """An ICMP error about a datagram that is not in the capture."""
        one = quoted(refusal)
        for each in [] if one is None else meant(one, self._known, self._front)[:1]:
            fate = UNKNOWN if each.session is None else self._fate(each.session, refusal.time_ns)
            yield Delivery(
                time_ns=refusal.time_ns,
                fate=fate._replace(outcome="blocked"),
                session=each.session,
                joined_by=each.joined_by,
                ids=each.ids,
                ends=refusal.ends,
                refusal=refusal,
                unseen=(NOTIFICATION,) if each.subscriptions else (NOTIFICATION, NO_SUBSCRIPTION),
            )

    def _unannounced(self) -> Iterator[Delivery]:
        """Changes that a POLL showed and no notification had told of."""
        told: dict[tuple[int, object], Delivery] = {}
        for sub in self._known.all:
            if sub.call_back_uri is None:
                continue  # it is meant to be polled
            before_ns = sub.asked_ns or 0
            for polled in sub.polls:
                since_ns, before_ns = before_ns, polled.asked_ns
                if not polled.events or polled.asked_ns - (sub.start_ns or 0) <= FIRST_LOOK_NS:
                    continue
                place = bisect_left(sub.notified_ns, since_ns - GRACE_NS)
                if place < len(sub.notified_ns) and sub.notified_ns[place] <= polled.answered_ns:
                    continue
                key = (polled.frame, sub.session if sub.session is not None else sub.user)
                if key in told:
                    told[key].ids += (sub.id or "",)
                else:
                    told[key] = self._of_poll(sub, polled)
        yield from told.values()

    def _of_poll(self, sub: Subscription, polled: Polled) -> Delivery:
        fate = Fate("lost")
        unseen: tuple[str, ...] = (NOTIFICATION,)
        if sub.session is None:
            unseen = (NOTIFICATION, WAIT)
        else:
            after = self._fate(sub.session, polled.asked_ns)
            fate = after._replace(outcome="lost")
        port = 0 if sub.call_back is None else sub.call_back.port or 0
        return Delivery(
            time_ns=polled.answered_ns,
            fate=fate,
            session=sub.session,
            joined_by=None if sub.session is None else SUBSCRIPTION,
            ids=(sub.id or "",),
            ends=(sub.leg.server_ip, 0, sub.leg.client_ip, port),
            poll_frame=polled.frame,
            unseen=unseen,
        )

    def _silent_wakes(self, wakes: Wakes) -> Iterator[Delivery]:
        """Pings that were answered because of a change that nothing here told of."""
        woken = {row.fate.heartbeat_id for row in self._rows if row.fate.answer_ns is not None}
        fetched = {row.fate.sync.transaction_id for row in self._rows if row.fate.sync is not None}
        columns = (wakes.heartbeat_id, wakes.session_id, wakes.answer_ns, wakes.transaction_id)
        times = (wakes.sync_ns, wakes.done_ns)
        for heartbeat, session, answer_ns, transaction, sync_ns, done_ns in zip(
            *(column.tolist() for column in (*columns, *times)), strict=True
        ):
            if heartbeat in woken or transaction in fetched:
                continue
            sync = outcome = None
            if transaction >= 0:
                sync = FetchedSync(sync_ns, None if done_ns == NAT else done_ns, transaction, 0)
                outcome = "delivered" if sync_ns - answer_ns <= LATE_NS else "late"
            fate = Fate(outcome, heartbeat, answer_ns, sync)
            yield Delivery(time_ns=answer_ns, fate=fate, session=session, unseen=(NOTIFICATION,))

    def _table(self) -> TableBuilder:
        builder = TableBuilder(deliveries.TABLE)
        self._rows.sort(key=lambda row: (row.time_ns, row.notified.frame if row.notified else 0, row.ids))
        for number, row in enumerate(self._rows, 1):
            one, refusal, fate = row.notified, row.refusal, row.fate
            sync, answer_ns = fate.sync, fate.answer_ns
            unseen = [*row.unseen, SYNC] if sync is None and answer_ns is not None else list(row.unseen)
            builder.append(
                (
                    number,
                    row.session,
                    one and one.frame,
                    fate.heartbeat_id,
                    sync and sync.transaction_id,
                    row.time_ns,
                    None if one is None else _span(row.time_ns, answer_ns),
                    None if sync is None else _span(answer_ns, sync.start_ns),
                    None if sync is None else _span(sync.start_ns, sync.done_ns),
                    fate.outcome,
                    None if sync is None else _span(row.time_ns, sync.done_ns),
                    list(row.ids) or None,
                    row.ends and row.ends[0],
                    row.ends and row.ends[2],
                    row.ends and (row.ends[3] or None),
                    None if row.reaction_ns is None else row.reaction_ns / NS,
                    refusal and refusal.by,
                    refusal and refusal.kind,
                    refusal and refusal.frame,
                    row.poll_frame,
                    row.joined_by,
                    unseen,
                )
            )
        return builder


def _span(begin_ns: int | None, end_ns: int | None) -> float | None:
    return None if begin_ns is None or end_ns is None else seconds(end_ns, begin_ns)


def _earliest(times: Iterator[int | None]) -> int | None:
    return min((time for time in times if time is not None), default=None)
