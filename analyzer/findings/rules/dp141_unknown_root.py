"""A server's certificate comes from a root that devices do not know by themselves.

What it means
    The chain ends at a root that is not among those that devices bring along: a company's own authority, or the
    certificate was signed by nobody but itself.

Why it hurts
    It does not, as long as every device was given that root. A device without it closes the connection, and its
    user is told that the server cannot be reached or that its certificate is not valid.

What to do
    Where clients refuse: install the root (not the server's certificate) on the devices, or let a public authority
    issue the certificate. A certificate that was signed by itself, as Exchange makes one when it is installed, is
    best replaced.

When it is wrong
    Known roots are those of Mozilla today. In an old capture a root may have been known that is not any more, and
    makers of devices have lists of their own. A proxy that looks into TLS shows certificates of its own root.

References
    RFC 5280 6; certifi (Mozilla's roots); RFC 5246 7.2.2 (unknown_ca).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import endpoints
from analyzer.findings import Finding
from analyzer.findings.case import Case

CODE = "DP141"
TITLE = "A server's certificate comes from a root that devices do not know by themselves"
ANSWERS = (42, 46, 48)


def check(case: Case) -> Iterator[Finding]:
    for trouble in endpoints.with_problem(case, ("unknown_root", "self_signed"), ANSWERS):
        name = trouble.endpoint.name
        if trouble.refused:
            title = f"Clients do not know who issued the certificate of {name}."
            advice = "Install the root on the devices, or use a certificate of a public authority."
        else:
            title = f"The certificate of {name} comes from no root that is known everywhere."
            advice = "Every device needs that root installed."
        yield trouble.finding(
            case,
            code=CODE,
            title=title,
            detail=f"{endpoints.sentence(trouble.said)} {trouble.answer()}",
            advice=advice,
            grade=trouble.grade,
        )
