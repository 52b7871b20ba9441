"""A server does not send its intermediate certificate.

What it means
    The server's certificate was issued by an intermediate authority, whose own certificate the server must send
    with it (RFC 5246 7.4.2). It did not, so a device cannot get from the server's certificate to a root that it
    knows.

Why it hurts
    Devices fetch no intermediates. Those that saw the intermediate elsewhere, and browsers on Windows, which do
    fetch it, work all the same: that is why the fault looks like one of certain devices. The others close the
    connection, and their user is told that the server cannot be reached or that its certificate is not valid.

What to do
    Install the intermediate on everything that ends TLS under this name: each server, and the proxy or load
    balancer before them, into the computer's store and not the user's. Afterwards `openssl s_client -showcerts`
    shows it.

When it is wrong
    That an issuer is an intermediate and no root is certain only when its certificate was seen elsewhere. If it is
    the root of a company, the server need not send it, and the devices must have it.

References
    RFC 5246 7.4.2, RFC 8446 4.4.2; RFC 5280 4.2.2.1 (where an issuer's certificate can be had); certifi (Mozilla's
    roots).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import endpoints
from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import listed, plain

CODE = "DP140"
TITLE = "A server does not send its intermediate certificate"
ANSWERS = (42, 43, 46, 48)  # unknown_ca above all


def check(case: Case) -> Iterator[Finding]:
    for trouble in endpoints.with_problem(case, ("missing_intermediate",), ANSWERS):
        name, shown = trouble.endpoint.name, trouble.shown
        issuers = listed(dict.fromkeys(f'"{plain(row["root"])}"' for row in shown))
        urls = listed(dict.fromkeys(plain(row["issuer_url"], 200) for row in shown if row["issuer_url"]))
        grade = "likely" if trouble.grade == "possible" and 48 in trouble.answers else trouble.grade
        detail = [endpoints.sentence(trouble.said), "Devices fetch no intermediates.", trouble.answer()]
        if grade == "possible":
            detail.insert(1, f"If {issuers} is a root of your own and no intermediate, the devices need it instead.")
        fetched = f" It can be had at {urls}." if urls else ""
        yield trouble.finding(
            case,
            code=CODE,
            title=(
                f"{name} does not send its intermediate certificate."
                if grade != "possible"
                else f"{name} seems not to send its intermediate certificate."
            ),
            detail=" ".join(detail),
            advice=f"Install {issuers} on every server and proxy that ends TLS there, so that it is sent.{fetched}",
            grade=grade,
        )
