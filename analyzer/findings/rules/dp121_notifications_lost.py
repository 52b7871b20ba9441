"""Notifications between the servers get lost.

What it means
    The mailbox server had something to tell, and the front-end did not hear it: a POLL of the subscription showed
    events that no NOTIFY datagram had told of; or a datagram was captured near the mailbox server and not where the
    front-end's traffic was captured; or the front-end found the change by a POLL long after the datagram.

Why it hurts
    UDP is not repeated. The device waits until its interval is over or the front-end looks by itself: mail is late.

What to do
    See whether a filter drops UDP 2883 (or the port of the Call-Back) without an answer, between the servers and in
    the front-end's own firewall. Single losses on a busy network are ordinary; when most get lost it is a filter.

When it is wrong
    A capture filter that leaves UDP out makes every notification look lost: the finding says when the capture holds
    none at all. Lost packets of the capture itself look the same.

References
    MSDN aa142938 (NOTIFY: the datagram may be lost, the server keeps the event until it is polled); KB817379.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.findings import Finding, notified
from analyzer.findings.about import only
from analyzer.findings.case import Case
from analyzer.findings.words import framed, listed, span
from analyzer.tables import read

CODE = "DP121"
TITLE = "Notifications between the servers get lost"


def check(case: Case) -> Iterator[Finding]:
    captured = len(case.source("notifications"))
    for way in notified.ways(case, "lost"):
        polled = len(way.rows.known("poll_frame"))
        how = []
        if polled:
            how.append(f"{polled:,} came to light when the front-end polled")
        if len(way.rows) > polled:
            how.append(f"{len(way.rows) - polled:,} left the mailbox server and did not arrive in time")
        detail = [
            f"{way.share('change')} from {way.between} got lost on the way: {listed(how)}, see {framed(way.frames)}.",
        ]
        if not captured:
            detail.append(
                "There is no NOTIFY at all in the capture: if it was taken with a filter that leaves UDP out, this "
                "says nothing."
            )
        if polled:
            waited = _waited(case, way)
            if waited is not None:
                detail.append(
                    f"How late that made the mail is not visible: the waits had lasted {span(waited)} by then."
                )
        elif later := way.later():
            detail.append(later)
        yield Finding(
            code=CODE,
            severity="error" if way.most and captured else "warning",
            title=f"Notifications from {way.between} get lost.",
            detail=" ".join(detail),
            advice=(
                f"Look for a filter between {way.source} and {way.destination} that drops UDP"
                f"{'' if way.port is None else f' port {way.port}'} without an answer; capture on both servers at once "
                "to see where it ends."
            ),
            session_id=only(way.rows["session_id"]),
            start=min(way.rows["time"]),
            end=max(way.rows["time"]),
            confidence="likely" if captured else "possible",
            frames=way.frames,
            display_filter=way.display_filter if captured else None,
        )


def _waited(case: Case, way: notified.Way) -> float | None:
    """How long the longest of the waits had lasted when a POLL showed the change."""
    beats = case.source("heartbeats")
    begun = dict(zip(read.ints(beats, "heartbeat_id").tolist(), read.times(beats, "start").tolist(), strict=True))
    columns = (way.rows[name] for name in ("heartbeat_id", "poll_frame", "time"))
    spans = [(time - begun[wait]) / 1e9 for wait, poll, time in zip(*columns, strict=True) if poll and wait in begun]
    return max(spans, default=None)
