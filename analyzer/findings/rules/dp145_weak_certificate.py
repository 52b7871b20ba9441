"""A server's certificate is weak.

What it means
    A key of the chain is too short (RSA under 2048 bits), or a certificate is signed with SHA-1 or MD5. A root's
    own signature does not count: nobody relies on it.

Why it hurts
    Devices of today refuse such certificates, for some as a matter of policy that no user can change; old ones do
    not care. So devices stop one after the other, as they are updated.

What to do
    Have it issued anew with an RSA key of 2048 bits or an EC key, signed with SHA-256.

When it is wrong
    When the capture is old: before 2014 such keys, and before 2017 such signatures, were common.

References
    CA/Browser Forum Baseline Requirements 6.1.5 and 7.1.3; NIST SP 800-131A; RFC 9155.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import endpoints
from analyzer.findings import Finding
from analyzer.findings.case import Case

CODE = "DP145"
TITLE = "A server's certificate is weak"
ANSWERS = (40, 42, 43, 46, 71)


def check(case: Case) -> Iterator[Finding]:
    for trouble in endpoints.with_problem(case, ("weak_key", "weak_signature"), ANSWERS):
        yield trouble.finding(
            case,
            code=CODE,
            title=f"The certificate of {trouble.endpoint.name} is weak.",
            detail=f"{endpoints.sentence(trouble.said)} {trouble.answer()}",
            advice="Have it issued anew with at least 2048 bits (RSA) or 256 (EC), signed with SHA-256.",
            grade=trouble.grade,
        )
