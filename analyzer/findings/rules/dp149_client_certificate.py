"""A server refuses the certificates of devices.

What it means
    The server asks for a client certificate, and answered the device's, or that it has none, with an alert. Before
    TLS 1.3 that can be 40, handshake_failure, where the device has none.

Why it hurts
    The device is not let in, and no request of it is ever seen by the server's HTTP log.

What to do
    42, 46, 48: the root that issued the devices' certificates must be among those that the server trusts for
    clients, on the proxy that ends TLS as well. 45: renew them. 44: they were revoked. 116 or 40: give the device a
    certificate, or ask for none.

When it is wrong
    Alerts are read where they are in clear (before the handshake is over, TLS 1.2 and older) or with keys. 40 has
    other reasons, too.

References
    RFC 5246 7.4.6, RFC 8446 4.4.2 and 6.2; MS-ASHTTP 2.2.1.1.2.2 (client certificates).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import alerts, endpoints
from analyzer.certificates.endpoints import Trouble
from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted, framed, listed

CODE = "DP149"
TITLE = "A server refuses the certificates of devices"
FRAMES = 8


def check(case: Case) -> Iterator[Finding]:
    found = []
    for endpoint in endpoints.endpoints(case):
        rows = [row for row in endpoint.rows if row["client_refusals"]]
        if rows:
            found.append(Trouble.of(endpoint, rows, None, by_server=True))
    for trouble in endpoints.spoken_of(found):
        told = [one for row in trouble.rows for one in row["client_refusals"]]
        showed = sum(row["client_certificates"] for row in trouble.rows)
        frames = sorted({frame for row in trouble.rows for frame in row["client_refusal_frames"]})[:FRAMES]
        which = listed(dict.fromkeys(alerts.name(one["alert"]) for one in told))
        yield trouble.finding(
            case,
            code=CODE,
            title=f"{trouble.endpoint.name} refuses the certificates of devices.",
            detail=(
                f"It answered {counted(sum(one['times'] for one in told), 'connection')} with alert {which}, see "
                f"{framed(frames)}; {counted(showed, 'client')} showed a certificate."
            ),
            advice="See whether the server trusts the root of the devices' certificates, and whether they are valid.",
            grade="likely",
            frames=tuple(frames),
        )
