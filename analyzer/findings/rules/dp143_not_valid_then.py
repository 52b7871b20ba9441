"""A server's certificate had expired, or was not valid yet.

What it means
    At the time of the capture, by its clock, a certificate of the chain was outside of the span for which it was
    issued.

Why it hurts
    Devices refuse it, all of them and at once: push stops for everybody under this name.

What to do
    Renew the certificate, on the proxy or load balancer as well: they have their own copy. If the new one is in
    place already, see whether this endpoint was restarted since, and which of several servers still shows the old
    one. For an intermediate: install the renewed one.

When it is wrong
    The time is that of the computer that captured. A single device that says so may have a wrong clock itself.

References
    RFC 5280 4.1.2.5; RFC 5246 7.2.2 (certificate_expired).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import endpoints
from analyzer.findings import Finding
from analyzer.findings.case import Case

CODE = "DP143"
TITLE = "A server's certificate had expired, or was not valid yet"
ANSWERS = (42, 45, 46)


def check(case: Case) -> Iterator[Finding]:
    for kind, words in (("expired", "had expired"), ("not_yet_valid", "was not valid yet")):
        for trouble in endpoints.with_problem(case, (kind,), ANSWERS):
            yield trouble.finding(
                case,
                code=CODE,
                title=f"The certificate of {trouble.endpoint.name} {words}.",
                detail=f"{endpoints.sentence(trouble.said)} {trouble.answer()}",
                advice=(
                    "Renew it on every server and proxy that ends TLS there."
                    if kind == "expired"
                    else "Set the clocks right, or put the earlier certificate back until then."
                ),
                grade=trouble.grade,
            )
