"""Which wait a subscription was made for, and which device a notification is for.

A subscription belongs to the wait that was pending when it was made, of a user with the mailbox that the folder's path
names; of several such the one that watches a folder of that name, else the one that began last, if that is clear. A
mailbox need not be called as its user is: where no user is, the only wait that began just before will do. Nothing
is guessed.

A notification is for the session of the subscription that it names. Where that is not known: for the only device whose
Ping is answered just after it, else for the only device in the capture.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from analyzer.timeline.columns import NS
from analyzer.timeline.server_side.front import Front, HeldWait
from analyzer.timeline.server_side.notifications import Notified
from analyzer.timeline.server_side.subscriptions import Subscription, Subscriptions

JUST_BEFORE_NS = 5 * NS  # a front-end subscribes within this time after the Ping
WOKEN_NS = 5 * NS  # and answers it within this time after a notification
GRACE_NS = NS // 2  # capture points and clocks differ

SUBSCRIPTION, TIME, ONLY_DEVICE = "subscription", "time", "only_device"


class Meant(NamedTuple):
    """Whom a notification is for: one session, or one mailbox whose session is not known."""

    session: int | None
    joined_by: str | None
    ids: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]  # those that are known


def join_subscriptions(all_of_them: Sequence[Subscription], front: Front) -> None:
    """Fills session, heartbeat_id and joined_by of each that can be joined."""
    for each in all_of_them:
        if each.asked_ns is None or each.id is None:
            _join_old(each, front)
            continue
        found = _wait_for(each, each.asked_ns, front)
        if found is not None:
            wait, each.joined_by = found
            each.session, each.heartbeat_id = wait.session, wait.heartbeat_id


def _wait_for(each: Subscription, asked_ns: int, front: Front) -> tuple[HeldWait, str] | None:
    sessions = front.users.get(each.user or "", [])
    pending = [wait for session in sessions if (wait := front.pending(session, asked_ns, GRACE_NS)) is not None]
    named = [wait for wait in pending if front.watches(wait, each.folder_name)]
    if named:
        chosen = _last_begun(named, asked_ns)
        return None if chosen is None else (chosen, "folder")
    pending = [wait for wait in pending if not front.knows_names(wait)]
    if sessions:
        chosen = _last_begun(pending, asked_ns)
        return None if chosen is None else (chosen, "user")
    first = bisect_left(front.began_ns, asked_ns - JUST_BEFORE_NS)
    last = bisect_right(front.began_ns, asked_ns + GRACE_NS)
    begun = [wait for wait in front.began[first:last] if wait.end_ns >= asked_ns]
    if len(begun) == 1 and not front.knows_names(begun[0]):
        return begun[0], "time"
    if len(begun) == 1 and front.watches(begun[0], each.folder_name):
        return begun[0], "time"
    return None


def _last_begun(waits: list[HeldWait], asked_ns: int) -> HeldWait | None:
    """The only one, else the only one that began just before."""
    if len(waits) < 2:
        return waits[0] if waits else None
    recent = [wait for wait in waits if asked_ns - wait.start_ns < JUST_BEFORE_NS]
    return recent[0] if len(recent) == 1 else None


def _join_old(each: Subscription, front: Front) -> None:
    """Made before the capture began: its session at least, where its user has only one."""
    sessions = front.users.get(each.user or "", [])
    if each.id is not None and len(sessions) == 1:
        each.session, each.joined_by = sessions[0], "user"


def meant(one: Notified, known: Subscriptions, front: Front) -> list[Meant]:
    """Whom it is for; several, when it names subscriptions of several."""
    time_ns = one.time_ns
    groups: dict[int | str | None, tuple[list[str], list[Subscription]]] = {}
    for number in one.subscription_ids:
        each = known.find(one.ends[0], one.ends[2], number, time_ns, GRACE_NS)
        key: int | str | None = None
        if each is not None:
            key = each.session if each.session is not None else f"mailbox {each.user}"
        ids, subscriptions = groups.setdefault(key, ([], []))
        ids.append(number)
        if each is not None:
            subscriptions.append(each)
    found = []
    for whose, (ids, subscriptions) in groups.items():
        session, how = (whose, SUBSCRIPTION) if isinstance(whose, int) else _by_time(time_ns, subscriptions, front)
        all_ids = one.subscription_ids if len(groups) == 1 else tuple(ids)
        found.append(Meant(session, how, all_ids, tuple(subscriptions)))
    return found


def _by_time(time_ns: int, subscriptions: list[Subscription], front: Front) -> tuple[int | None, str | None]:
    """For a notification whose subscription tells no session."""
    if any(each.user in front.users for each in subscriptions):
        return None, None  # its user is known, and has no wait that fits
    first = bisect_left(front.wakes_ns, time_ns)
    woken = front.wakes[first : first + 2]
    if woken and woken[0][0] - time_ns <= WOKEN_NS and (len(woken) == 1 or woken[1][0] - time_ns > WOKEN_NS):
        return woken[0][1], TIME
    if len(front.waits) == 1 and not subscriptions:
        return next(iter(front.waits)), ONLY_DEVICE
    return None, None
