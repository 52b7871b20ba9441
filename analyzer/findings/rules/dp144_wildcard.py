"""A wildcard certificate meets old devices.

What it means
    The certificate is for `*.example.com`, and clients came that are of the age of Windows Mobile 5: they speak
    nothing newer than TLS 1.0, name no server in their hello, or refused.

Why it hurts
    Windows Mobile 5 accepts host names only and closes the connection. Windows Mobile 6 and everything after it
    accepts wildcards, so others work.

What to do
    Show these devices a certificate with the host's full name, or replace them.

When it is wrong
    Age is concluded from TLS alone. Whoever probes a server without naming it looks like an old device, too.

References
    RFC 9525 6.3; "Best Practices for Mobile Messaging Deployment" (Microsoft 2007): host names, no wildcards.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import endpoints
from analyzer.findings import Finding
from analyzer.findings.case import Case

CODE = "DP144"
TITLE = "A wildcard certificate meets old devices"
ANSWERS = (42, 46)
OLD = ("SSL 3.0", "TLS 1.0")


def check(case: Case) -> Iterator[Finding]:
    for trouble in endpoints.with_problem(case, ("wildcard",), ANSWERS):
        old = any(not row["server_name"] or set(OLD) & set(row["tls_versions"]) for row in trouble.shown)
        if not old and not trouble.refused:
            continue
        yield trouble.finding(
            case,
            code=CODE,
            title=f"{trouble.endpoint.name} shows a wildcard certificate to old devices.",
            detail=(
                f"{endpoints.sentence(trouble.said)} Windows Mobile 5 accepts no wildcards, later systems do. "
                f"{trouble.answer()}"
            ),
            advice="Use a certificate with the full name of the host, if devices of that age are to be served.",
            grade="possible",
        )
