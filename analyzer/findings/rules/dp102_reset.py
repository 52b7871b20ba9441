"""Push waits are reset.

What it means
    While a device waited for mail, or when it spoke again after waiting, the connection was reset (TCP RST). The
    reset carries the server's address, but boxes on the way write it there too: the column `ended_by` of
    `teardowns` says what the packets admit, and how sure that is.

Why it hurts
    The device must connect, shake hands and ask again. Where the reset comes only when the device speaks, mail was
    also late: the connection had been dead for a while before anyone knew.

What to do
    If all resets come after the same idle time, find the box with that timer and raise it above the longest
    heartbeat (30 minutes is the usual advice). Firewalls and load balancers have such timers; some reset, some stay
    silent.

When it is wrong
    A server process that crashes or restarts resets its connections too, at lengths that have nothing in common,
    often many at once. One capture point sees the endpoint that ends TCP as seen from there, which may be a proxy.

References
    RFC 9293 3.5.3 (when a reset is sent); RFC 5382 REQ-5; Microsoft KB 905013.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.findings import Finding, SettledBy, deaths
from analyzer.findings.about import about, frames_of, only
from analyzer.findings.case import RESET, Case

CODE = "DP102"
TITLE = "Push waits are reset"


def check(case: Case) -> Iterator[Finding]:
    for server_ip, died in case.deaths(RESET):
        timer = case.timer(server_ip, deaths.tested(died))
        frames = frames_of(died)
        server, clients = case.server(server_ip), case.clients(died)
        detail = [deaths.opening(case, server_ip, died, "ended with a TCP reset"), deaths.idle(timer)]
        ended_by = only(died["ended_by"])
        pattern = deaths.pattern(died)
        timed = timer.known and len(died) >= 2 and pattern is None
        if pattern:
            detail[1:] = [pattern]
        if ended_by in ("middlebox", "path"):
            title = "Push is being cut on the way."
            what = (
                f"forgets idle TCP connections {deaths.between(timer, 'reset')}" if timed else "resets the connections"
            )
            detail.append(f"Something between {clients} and {server} {what}{deaths.seen_in(frames)}.")
        elif ended_by == "server_side":
            title = "The server's side resets push waits."
            detail.append(
                f"The resets come from the endpoint that ends TCP for {server} as seen from here, a server, a proxy "
                f"or a load balancer{deaths.seen_in(frames)}."
            )
            if timed:
                detail.append(f"It ends idle connections {deaths.between(timer, 'reset')}.")
        else:
            title = "Push waits are reset early."
            detail.append(
                f"Whether {server} sent the resets or a box on the way from {clients} did cannot be told from what was "
                f"captured{deaths.seen_in(frames)}."
            )
        settled_by: SettledBy | None = "server" if ended_by == "server_side" else "other_side"
        if timed:
            advice = deaths.raise_timer(timer, "the idle timer of whatever sends them")
        elif pattern and ended_by in ("middlebox", "server_side"):
            advice = "Look at what is on the way and in front of the server for a limit or a job that fits these times."
        else:
            advice = "Capture at the server too, at the same time: it shows whether the server sent these resets."
            settled_by = None
        yield about(
            died,
            code=CODE,
            severity=deaths.severity(case, server_ip, died),
            title=title,
            detail=" ".join(detail),
            advice=advice,
            settled_by=settled_by,
        )
