"""A server still speaks a version of TLS that devices give up.

What it means
    The newest version that client and server had in common was SSL 3.0, TLS 1.0 or TLS 1.1.

Why it hurts
    Not yet, for those that were seen. Devices of today do not offer these versions any more; they are turned away,
    and an update of the system is enough for that.

What to do
    If all connections of a server are like this, allow TLS 1.2 there: on old versions of Windows it must be
    switched on. If only some are, it is the device that is old.

When it is wrong
    A server is spoken of only where its certificate was seen. What else it allows, the capture does not show.

References
    RFC 8996 (TLS 1.0 and 1.1 deprecated), RFC 7568 (SSL 3.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import endpoints
from analyzer.certificates.endpoints import Trouble
from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import listed

CODE = "DP146"
TITLE = "A server still speaks a version of TLS that devices give up"
OLD = ("SSL 3.0", "TLS 1.0", "TLS 1.1")


def check(case: Case) -> Iterator[Finding]:
    found = []
    for endpoint in endpoints.endpoints(case):
        shown = [row for row in endpoint.rows if row["chain"] != "not_seen"]
        rows = [row for row in shown if set(OLD) & set(row["tls_versions"])]
        if rows:
            found.append(Trouble.of(endpoint, rows, None))
    for trouble in endpoints.spoken_of(found):
        versions = listed(dict.fromkeys(v for row in trouble.rows for v in row["tls_versions"] if v in OLD))
        newer = any(version not in OLD for version in endpoints.versions(case, trouble.endpoint))
        yield trouble.finding(
            case,
            code=CODE,
            title=f"{trouble.endpoint.name} still speaks {versions}.",
            detail=(
                "Other connections agreed on something newer: it is the clients that are old."
                if newer
                else "No connection agreed on anything newer."
            ),
            advice=None if newer else "Allow TLS 1.2 on whatever ends TLS there.",
            grade="proven",
        )
