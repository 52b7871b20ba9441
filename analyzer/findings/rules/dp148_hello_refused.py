"""A server turns clients away before it shows a certificate.

What it means
    The server answered a client's first message with an alert: it does not speak the client's versions of TLS (70),
    has no cipher suite in common with it (40, 71), or knows no server of the name that was asked for (112).

Why it hurts
    The device cannot connect at all. This is how old devices stop on the day on which a server is hardened, and how
    a name fails that was forgotten on a proxy.

What to do
    70, 40, 71: see which versions and suites the client offers (its ClientHello is in the frames named) and what
    the server allows. 112: give the proxy a site with that name.

When it is wrong
    Scanners try old versions on purpose. A client that was turned away may come again with something else and
    succeed.

References
    RFC 8446 6.2, RFC 5246 7.2.2, RFC 6066 3 (unrecognized_name), RFC 7507 (inappropriate_fallback).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.certificates import alerts, endpoints
from analyzer.certificates.endpoints import Trouble
from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted, framed, listed

CODE = "DP148"
TITLE = "A server turns clients away before it shows a certificate"
_MEANINGS = {
    40: "they have nothing in common, cipher suites as a rule",
    70: "it does not speak their versions of TLS",
    71: "what they offer is too weak for it",
    86: "they came with an older version than they could",
    112: "it knows no server of that name",
}


def check(case: Case) -> Iterator[Finding]:
    found = []
    for endpoint in endpoints.endpoints(case):
        rows = [row for row in endpoint.rows if row["server_alerts"]]
        if rows:
            found.append(Trouble.of(endpoint, rows, None, by_server=True))
    for trouble in endpoints.spoken_of(found):
        said: Counter[int] = Counter()
        for row in trouble.rows:
            for one in row["server_alerts"]:
                said[one["alert"]] += one["times"]
        which = listed([f"{alerts.name(alert)}: {_MEANINGS[alert]}" for alert, _ in said.most_common()])
        yield trouble.finding(
            case,
            code=CODE,
            title=f"{trouble.endpoint.name} turns clients away.",
            detail=f"It refused {counted(said.total(), 'hello')} with alert {which}; see {framed(trouble.frames)}.",
            advice="Compare what these clients offer with the versions and suites that the server allows.",
            grade="proven",
        )
