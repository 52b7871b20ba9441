"""A proxy answers push waits in the server's place.

What it means
    A wait was answered with an HTTP status that gateways give when they stop waiting for the server behind them:
    504 (gave up waiting), 502 (got no proper answer), 503 (server not available), 408.

Why it hurts
    The device is told that its server is broken. It asks again at once or after a pause that grows; some devices
    load whole folders anew after such an answer.

What to do
    Raise the proxy's time-out for answers from the Exchange server above the longest heartbeat, for the path
    /Microsoft-Server-ActiveSync at least: nginx proxy_read_timeout (default 60 s), Apache ProxyTimeout, HAProxy
    timeout server, Windows WAP InactiveTransactionsTimeoutSec (300 s), Azure application proxy (85 or 180 s).

When it is wrong
    503 also comes from IIS itself while an application pool is stopped. An answer that comes at once, without a
    wait, is a server that cannot be reached and not a timer.

References
    RFC 9110 15.6.3 to 15.6.5; nginx ngx_http_proxy_module; Apple 102023.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.findings import Finding, deaths
from analyzer.findings.about import about, frames_of
from analyzer.findings.case import PROXY, Case
from analyzer.findings.words import counted, listed, spans

CODE = "DP103"
TITLE = "A proxy answers push waits in the server's place"


def check(case: Case) -> Iterator[Finding]:
    for server_ip, died in case.deaths(PROXY):
        timer = case.timer(server_ip, deaths.tested(died))
        frames = frames_of(died)
        counts = Counter(died.known("http_status"))
        statuses = listed(f"{status} ({counted(times, 'time')})" for status, times in counts.most_common())
        detail = [
            deaths.opening(case, server_ip, died, "got a gateway's error page"),
            f"The answer was HTTP {statuses or 'error'}{deaths.seen_in(frames)}.",
        ]
        length = deaths.one_length(died)
        if length and timer.known:
            title = "A proxy gives up on push waits before the server answers."
            detail.append(f"It came after {length} each time: a time-out of that proxy. {deaths.idle(timer)}")
            advice = deaths.raise_timer(timer, "the proxy's time-out for answers from the server behind it")
        elif len(died) >= 2 and timer.known:
            title = "A proxy gives up on push waits before the server answers."
            held = died.known("held_s")
            after = [f"It came after {spans(min(held), max(held))}."] if held else []
            detail += [*after, deaths.idle(timer)]
            advice = deaths.raise_timer(timer, "the proxy's time-out for answers from the server behind it")
        else:
            title = "A proxy answers push waits with errors."
            detail.append(deaths.idle(timer))
            advice = (
                "Look into that proxy's error log at these times: it says whether it gave up waiting or could not "
                "reach the server."
            )
        yield about(
            died,
            code=CODE,
            severity=deaths.severity(case, server_ip, died),
            title=title,
            detail=" ".join(detail),
            advice=advice,
            settled_by="behind_proxy",
        )
