"""Notifications arrive and wake nobody in time.

What it means
    A NOTIFY datagram was captured where the front-end's traffic with the device is, so it arrived. Yet the wait was not
    answered, or the answer or the device's Sync came late.

Why it hurts
    Mail is there, the front-end was told, and the device still does not have it.

What to do
    Where the Ping was answered late or not at all: look at the front-end (its load, its event log, whether the
    datagram went to the server that holds the wait: behind a load balancer the Call-Back must name one server). Where
    the Sync came late the device is slow, asleep or out of coverage. Where the wait was cut on the way, the other
    findings say so: that comes first.

When it is wrong
    A notification of a change that the front-end does not pass on (a read mark, a folder the device does not sync)
    rightly wakes nobody. A mailbox server may notify twice for one change.

References
    Exchange team blog 2006-04-03 (the front-end answers the Ping as soon as it is notified); MSDN aa142938.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.findings import Finding, notified
from analyzer.findings.about import only
from analyzer.findings.case import Case
from analyzer.findings.words import framed, listed
from analyzer.tables import read
from analyzer.timeline.server_side.wakes import LATE_S

CODE = "DP122"
TITLE = "Notifications arrive and wake nobody in time"


def check(case: Case) -> Iterator[Finding]:
    cut = _cut(case)
    for way in notified.ways(case, "late", "missed"):
        rows = way.rows
        answered = [seconds is not None for seconds in rows["notify_to_ping_s"]]
        slow = sum(seconds is not None and seconds > LATE_S for seconds in rows["notify_to_ping_s"])
        silent = len(rows) - sum(answered)
        dead = sum(wait in cut for wait in rows["heartbeat_id"])
        where = [
            f"{number:,} {words}"
            for number, words in (
                (silent - dead, "whose wait was not answered"),
                (dead, "whose wait had been cut on the way to the device"),
                (slow, "whose Ping was answered late"),
                (sum(answered) - slow, "whose Sync came late"),
            )
            if number > 0
        ]
        missed = sum(outcome == "missed" for outcome in rows["outcome"])
        detail = [
            f"{way.share('notification')} from {way.between} arrived and did not make the device sync within "
            f"{LATE_S:.0f} s: {listed(where, 4)}, see {framed(way.frames)}.",
            f"{missed:,} of them brought no Sync at all in this capture." if missed else "",
            way.later() or "",
        ]
        yield Finding(
            code=CODE,
            severity="warning" if silent + slow > dead else "info",
            title="Notifications arrive and wake nobody in time.",
            detail=" ".join(filter(None, detail)),
            advice=(
                f"Look at {way.destination} at these times: its load, its event log, and whether it is the server that "
                "holds the wait."
                if silent + slow > dead
                else None
            ),
            session_id=only(rows["session_id"]),
            start=min(rows["time"]),
            end=max(rows["time"]),
            confidence="possible",  # a change that no device syncs wakes nobody, and rightly
            frames=way.frames,
            display_filter=way.display_filter,
        )


def _cut(case: Case) -> set[int]:
    """The waits that ended before their answer."""
    ends = case.source("teardowns")
    waits = read.ints(ends, "heartbeat_id")
    return set(waits[np.flatnonzero(read.bools(ends, "premature") & (waits >= 0))].tolist())
