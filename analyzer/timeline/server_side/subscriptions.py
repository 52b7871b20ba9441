"""The life of each subscription, from the WebDAV requests of the front-end → rows of `subscriptions`.

    created   SUBSCRIBE without an id, answered with one
    renewed   SUBSCRIBE with its id; POLL renews, too
    ended     UNSUBSCRIBE (removed); its lifetime ran out (expired); 412 (gone)

A subscription is known by the mailbox server's address and its id; servers use ids again. One that was made before the
capture began, or on a connection that is not in it, begins with the first request that names it, and has no start.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import subscriptions
from analyzer.timeline.columns import NS
from analyzer.timeline.names import bare
from dissectors.notify import CallBack, DavMessage, Part, Poll, Subscribe

COPY_NS = 2 * NS  # within this time the same request at two capture points is one
AUTHENTICATION = (401, 407)
EVENTS = 200  # status of a part of a POLL's answer
UNKNOWN_IDS = (412, 404, 410)
LOOK_BACK = 32  # subscriptions with one id that are looked at

_FOLDER = re.compile(r"/+([^/]+)/+([^/]+)(?:/+(.*?))?/*")
_PUBLIC = "public"


class Leg(NamedTuple):
    """The connection of a request."""

    client_ip: str
    server_ip: str
    capture: int


class Seen(NamedTuple):
    """One request with its answer."""

    asked_ns: int
    answered_ns: int | None  # end of the answer
    frame: int
    connection_id: int
    message: DavMessage


class Polled(NamedTuple):
    """One POLL."""

    asked_ns: int
    answered_ns: int
    frame: int
    events: bool


@dataclass(slots=True)
class Subscription:
    """One subscription, or one attempt."""

    id: str | None
    connection_id: int
    leg: Leg
    folder: str
    status: int | None = None
    asked_ns: int | None = None
    start_ns: int | None = None
    request_frame: int | None = None
    end_ns: int | None = None
    end_reason: str | None = None
    deadline_ns: int | None = None
    lifetime_s: int | None = None
    notification_type: str | None = None
    depth: int | None = None
    delay_s: int | None = None
    call_back: CallBack | None = None
    call_back_uri: str | None = None
    renewals: int = 0
    polls: list[Polled] = field(default_factory=list)
    acts_ns: list[int] = field(default_factory=list)  # requests that show that the front-end looks after it
    notified_ns: list[int] = field(default_factory=list)
    session: int | None = None
    heartbeat_id: int | None = None
    joined_by: str | None = None

    @property
    def mailbox(self) -> str | None:
        found = _FOLDER.fullmatch(self.folder)
        return None if found is None or found[1].lower() == _PUBLIC else found[2]

    @property
    def user(self) -> str | None:
        """The mailbox as user names are compared."""
        return bare(self.mailbox)

    @property
    def folder_name(self) -> str:
        """The last part of its path, lower case."""
        return self.folder.rstrip("/").rpartition("/")[2].lower()

    def alive(self, time_ns: int, grace_ns: int) -> bool:
        begun = self.asked_ns is None or self.asked_ns <= time_ns + grace_ns
        return begun and (self.end_ns is None or self.end_ns + grace_ns >= time_ns)


class Subscriptions:
    """All subscriptions of the captures."""

    def __init__(self, seen: Iterable[Seen], leg_of: Callable[[int], Leg | None], end_ns: int) -> None:
        self.all: list[Subscription] = []
        self.points: dict[tuple[str, str], set[int]] = {}  # (mailbox server, front-end) → captures that see their leg
        self._by_id: dict[tuple[str, str], list[Subscription]] = {}
        self._by_front: dict[tuple[str, str], list[Subscription]] = {}
        newest: dict[tuple[object, ...], tuple[int, int]] = {}
        for one in sorted(seen, key=lambda one: (one.asked_ns, one.connection_id, one.frame)):
            leg = leg_of(one.connection_id)
            if leg is None:  # an engine that broke off
                continue
            self.points.setdefault((leg.server_ip, leg.client_ip), set()).add(leg.capture)
            message = one.message
            key = (leg.server_ip, leg.client_ip, type(message), message.path, message.subscription_ids)
            last = newest.get(key)
            newest[key] = (one.asked_ns, leg.capture)
            if last is not None and last[1] != leg.capture and one.asked_ns - last[0] < COPY_NS:
                continue  # the same request at another capture point
            self._take(one, leg)
        for each in self.all:
            if each.end_ns is None and each.deadline_ns is not None and each.deadline_ns < end_ns:
                each.end_ns, each.end_reason = each.deadline_ns, "expired"

    def find(self, server_ip: str, front_ip: str, number: str, time_ns: int, grace_ns: int) -> Subscription | None:
        """The subscription that a notification from one address to the other names."""
        found = _newest(self._by_id.get((server_ip, number), ()), time_ns, grace_ns)
        if found is None:  # the mailbox server sends from another address: a cluster node
            found = _newest(self._by_front.get((front_ip, number), ()), time_ns, grace_ns)
        return found

    def table(self) -> TableBuilder:
        builder = TableBuilder(subscriptions.TABLE)
        for each in sorted(self.all, key=lambda each: (each.asked_ns or each.acts_ns[0], each.connection_id)):
            builder.append(
                (
                    each.id,
                    each.connection_id,
                    each.start_ns,
                    each.end_ns,
                    each.folder,
                    each.notification_type,
                    each.call_back_uri,
                    each.lifetime_s,
                    each.renewals,
                    len(each.notified_ns),
                    each.request_frame,
                    len(each.polls),
                    each.end_reason,
                    each.status,
                    each.leg.server_ip,
                    each.leg.client_ip,
                    each.mailbox,
                    each.depth,
                    each.delay_s,
                    each.session,
                    each.heartbeat_id,
                    each.joined_by,
                )
            )
        return builder

    def _take(self, one: Seen, leg: Leg) -> None:
        message, answer = one.message, one.message.answer
        if answer is not None and answer.status in AUTHENTICATION:
            return
        if isinstance(message, Subscribe) and not message.subscription_ids:
            self._created(one, leg, message)
            return
        for number in message.subscription_ids:
            each = self._known(one, leg, number)
            each.acts_ns.append(one.asked_ns)
            if answer is None:
                if not isinstance(message, Subscribe | Poll):
                    each.end_ns, each.end_reason = one.asked_ns, "removed"
                continue
            part = next((part for part in answer.parts if number in part.subscription_ids), None)
            if part is None and len(answer.parts) == 1 and len(message.subscription_ids) == 1:
                part = answer.parts[0]
            self._answered(each, one, number, part)

    def _answered(self, each: Subscription, one: Seen, number: str, part: Part | None) -> None:
        message, answer = one.message, one.message.answer
        assert answer is not None
        time_ns = one.answered_ns if one.answered_ns is not None else one.asked_ns
        status = answer.status if part is None or part.status is None else part.status
        if status in UNKNOWN_IDS:
            if each.end_ns is None:
                each.end_ns, each.end_reason = time_ns, "gone"
            return
        if status >= 400:
            return
        if isinstance(message, Subscribe):
            each.renewals += 1
            each.lifetime_s = answer.lifetime_s or each.lifetime_s or message.lifetime_s
        elif isinstance(message, Poll):
            each.polls.append(Polled(one.asked_ns, time_ns, one.frame, part is not None and part.status == EVENTS))
        else:
            each.end_ns, each.end_reason = time_ns, "removed"
            return
        if each.lifetime_s is not None:
            each.deadline_ns = time_ns + each.lifetime_s * NS

    def _created(self, one: Seen, leg: Leg, message: Subscribe) -> None:
        answer = message.answer
        granted = answer is not None and answer.status < 400
        numbers = answer.subscription_ids if answer is not None and granted else ()
        for number in numbers or (None,):
            each = Subscription(
                number,
                one.connection_id,
                leg,
                message.path,
                status=None if answer is None else answer.status,
                asked_ns=one.asked_ns,
                start_ns=one.answered_ns,
                request_frame=one.frame,
                lifetime_s=None if answer is None else answer.lifetime_s,
                notification_type=message.notification_type,
                depth=message.depth,
                delay_s=message.delay_s,
                call_back=message.call_back,
                call_back_uri=message.call_back_uri,
            )
            if number is not None and each.lifetime_s is not None and one.answered_ns is not None:
                each.deadline_ns = one.answered_ns + each.lifetime_s * NS
            self._add(each)

    def _known(self, one: Seen, leg: Leg, number: str) -> Subscription:
        known = self._by_id.get((leg.server_ip, number))
        if known:
            return known[-1]
        each = Subscription(number, one.connection_id, leg, one.message.path)
        self._add(each)
        return each

    def _add(self, each: Subscription) -> None:
        self.all.append(each)
        if each.id is not None:
            self._by_id.setdefault((each.leg.server_ip, each.id), []).append(each)
            self._by_front.setdefault((each.leg.client_ip, each.id), []).append(each)


def _newest(some: Sequence[Subscription], time_ns: int, grace_ns: int) -> Subscription | None:
    """The newest that lives at this time, of some in the order in which they were made."""
    place = bisect_right(some, time_ns + grace_ns, key=lambda each: each.asked_ns or 0)
    return next(
        (each for each in reversed(some[max(0, place - LOOK_BACK) : place]) if each.alive(time_ns, grace_ns)), None
    )


def next_act(each: Subscription, time_ns: int, until_ns: int) -> int | None:
    """When the front-end next asked about a subscription, up to a time."""
    place = bisect_right(each.acts_ns, time_ns)
    return each.acts_ns[place] if place < len(each.acts_ns) and each.acts_ns[place] <= until_ns else None
