"""A server's certificate is for another name.

What it means
    The client asked for one host name (SNI), and the names in the certificate do not cover it. Or the name stands
    in it as common name only, which devices of today do not read any more.

Why it hurts
    Devices accept no certificate of another host. Most tell it by no alert: the handshake is completed, and then
    the device closes the connection without a request. Computers look the same way when they search for their
    settings.

What to do
    Have the certificate issued anew with all names as alternative names: that of ActiveSync, and autodiscover. Or
    let the server show another certificate for this name: the name may have met the server's standard one.

When it is wrong
    The name that a device was set up with may differ from the one it sends here, and old devices send none.

References
    RFC 9525 6.3, RFC 2818 3.1 (matching); RFC 6066 3 (server name).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import endpoints
from analyzer.findings import Finding
from analyzer.findings.case import Case

CODE = "DP142"
TITLE = "A server's certificate is for another name"
ANSWERS = (42, 46)


def check(case: Case) -> Iterator[Finding]:
    for kind in ("name_mismatch", "common_name_only"):
        for trouble in endpoints.with_problem(case, (kind,), ANSWERS):
            name = trouble.endpoint.name
            title = f"The certificate of {name} is for another name."
            if kind == "common_name_only":
                title = f"The certificate of {name} has its name in a place that devices do not read."
            yield trouble.finding(
                case,
                code=CODE,
                title=title,
                detail=f"{endpoints.sentence(trouble.said)} {trouble.answer()}",
                advice="Have it issued anew, with every name that devices ask for among its alternative names.",
                grade=trouble.grade,
            )
