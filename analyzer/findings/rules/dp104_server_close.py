"""The server's side closes push waits.

What it means
    The endpoint that ends TCP on the server's side closed the connection while a device was waiting, without
    answering the request first; or connections ended together when a server stopped.

Why it hurts
    The device must connect, shake hands and ask again, and while the server is away there is no push at all.

What to do
    Ends at different lengths: look at the server, its application pools and its load balancer at those times
    (restarts, recycling, failover). Ends at one length: that endpoint has a timer; raise it above the longest
    heartbeat.

When it is wrong
    What ends TCP here may be a proxy or a load balancer in front of a healthy server. A firewall can send a FIN in
    the server's name, though few do.

References
    RFC 9293 3.6 (closing); RFC 8446 6.1 (close_notify); IIS application pool recycling.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.findings import Finding, deaths
from analyzer.findings.about import about, frames_of
from analyzer.findings.case import CLOSED, Case
from analyzer.findings.words import spans

CODE = "DP104"
TITLE = "The server's side closes push waits"


def check(case: Case) -> Iterator[Finding]:
    for server_ip, died in case.deaths(CLOSED):
        timer = case.timer(server_ip, deaths.tested(died))
        frames = frames_of(died)
        stopped, together = (cause in died["cause"] for cause in ("server_stop", "mass_event"))
        detail = [deaths.opening(case, server_ip, died, "ended because the server's side closed the connection")]
        length = deaths.one_length(died)
        held = died.known("held_s")
        title = "The server's side closes push waits before it answers."
        server = case.server(server_ip)
        advice = f"Look at {server} and what is in front of it at these times: restarts, recycling, failover."
        if stopped:
            title = "The server stopped while devices were waiting."
            detail.append("The server then refused or dropped new connections for a while.")
        elif together:
            title = "Many push waits ended in the same moment."
            detail.append("A restart, a failover or a change of rules ends many connections at once; a timer does not.")
        elif pattern := deaths.pattern(died):
            detail.append(pattern)
        elif length and timer.known:
            detail.append(f"It came after {length} each time, so that endpoint has a timer. {deaths.idle(timer)}")
            advice = deaths.raise_timer(
                timer, "the idle timer of the server, proxy or load balancer that ends TCP here"
            )
        elif len(held) > 1:
            detail.append(f"It came after {spans(min(held), max(held))}, at lengths with nothing in common.")
        detail.append(f"What closed is the endpoint that ends TCP as seen from here{deaths.seen_in(frames)}.")
        yield about(
            died,
            code=CODE,
            severity=deaths.severity(case, server_ip, died),
            title=title,
            detail=" ".join(detail),
            advice=advice,
            settled_by="server",
        )
