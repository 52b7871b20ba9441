"""Push waits go silent.

What it means
    A device waited for mail, and from some moment on packets of the connection went unanswered. Nobody said
    goodbye: no FIN, no RST. When every wait below some length gets through and every longer one dies, something on
    the way (a firewall, a NAT, a load balancer) forgets connections that carry no packets for a while, and drops
    what comes later.

Why it hurts
    Until the device gives up, mail does not arrive. Then it must connect, shake hands and ask again: data and
    battery.

What to do
    Raise the idle timer for TCP on every box between device and server above the longest heartbeat; 30 minutes is
    the usual advice. Until then, set the server's maximum heartbeat below the longest idle that got through.

When it is wrong
    A device that loses coverage, is switched off or changes network looks the same, but at lengths that have
    nothing in common. A server that never answers looks the same from the device's side if it still acknowledges
    packets. A second capture, on the other side of the suspected box, settles it.

References
    RFC 5382 REQ-5 (a NAT must keep idle TCP for 2 h 4 min); Microsoft KB 905013 (firewall timers and Direct Push);
    Apple HT203209 (30 minutes or more).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.findings import Finding, SettledBy, deaths
from analyzer.findings.about import about, frames_of
from analyzer.findings.case import SILENT, Case

CODE = "DP101"
TITLE = "Push waits go silent"


def check(case: Case) -> Iterator[Finding]:
    for server_ip, died in case.deaths(SILENT):
        timer = case.timer(server_ip, deaths.tested(died))
        frames = frames_of(died)
        server, clients = case.server(server_ip), case.clients(died)
        detail = [deaths.opening(case, server_ip, died, "went silent"), deaths.idle(timer)]
        by_path = 2 * sum(ended_by in ("path", "middlebox") for ended_by in died["ended_by"]) > len(died)
        if timer.known and len(died) >= 2 and by_path:
            title = "Push is being cut on the way."
            detail.append(
                f"Something between {clients} and {server} forgets idle TCP connections {deaths.between(timer)}. While "
                f"the waits lasted neither side closed: no FIN and no RST was seen{deaths.seen_in(frames)}."
            )
            advice = deaths.raise_timer(timer, "that timer")
            settled_by: SettledBy | None = "other_side"
        else:
            title = "Push waits go silent." if len(died) > 1 else "One push wait went silent."
            detail.append(
                f"Between {clients} and {server} packets went unanswered{deaths.seen_in(frames)}: a box that forgot "
                "the connection, a device out of coverage and a dead server look alike in what was captured."
            )
            advice = "Capture at the server too, at the same time: that shows on which side the packets vanish."
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
