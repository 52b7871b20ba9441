"""Clients refuse a server's certificate, and nothing seen in it explains why.

What it means
    A client ended the handshake with an alert about the certificate, or closed right after it. The certificate
    could not be read (TLS 1.3 hides it), or what was read has no fault that goes with this answer.

Why it hurts
    The device gets no further than this, and most tell their user nothing but that the server cannot be reached.

What to do
    What the alert says is a hint: 48, the device does not get to a root that it knows (an intermediate is missing,
    or the root); 45, expired, or the device's clock is wrong; 42 and 46, anything, often the name; 44, revoked.
    Look at what the server sends with `openssl s_client -connect HOST:443 -servername HOST -showcerts`.

When it is wrong
    Apps that accept only one certificate they know (pinning) refuse all others, also good ones. An alert that came
    encrypted is not seen.

References
    RFC 5246 7.2.2, RFC 8446 6.2; RFC 7469 (pinning).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.certificates import endpoints
from analyzer.certificates.endpoints import Row, Trouble
from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.rules import (
    dp140_missing_intermediate,
    dp141_unknown_root,
    dp142_wrong_name,
    dp143_not_valid_then,
    dp144_wildcard,
    dp145_weak_certificate,
)

CODE = "DP147"
TITLE = "Clients refuse a server's certificate, and nothing seen in it explains why"

_EXPLAIN = {
    "missing_intermediate": dp140_missing_intermediate.ANSWERS,
    "unknown_root": dp141_unknown_root.ANSWERS,
    "self_signed": dp141_unknown_root.ANSWERS,
    "name_mismatch": dp142_wrong_name.ANSWERS,
    "common_name_only": dp142_wrong_name.ANSWERS,
    "expired": dp143_not_valid_then.ANSWERS,
    "not_yet_valid": dp143_not_valid_then.ANSWERS,
    "wildcard": dp144_wildcard.ANSWERS,
    "weak_key": dp145_weak_certificate.ANSWERS,
    "weak_signature": dp145_weak_certificate.ANSWERS,
}
_HINTS = {
    44: "it was revoked, the client says",
    45: "the client takes it for expired, or its clock is wrong",
    48: "the client does not get to a root that it knows: an intermediate is missing, or the root",
}


def check(case: Case) -> Iterator[Finding]:
    found = []
    for endpoint in endpoints.endpoints(case):
        known = [row for row in endpoint.rows if row["problems"]]
        rows: list[Row] = []
        answers: set[int] = set()
        for row in endpoint.rows:
            same = [one for one in known if row["chain"] == "not_seen" and one["server_name"] == row["server_name"]]
            kinds = {problem["kind"] for one in (row, *same) for problem in one["problems"]}
            unexplained = {one["alert"] for one in row["client_alerts"]}.difference(*(_EXPLAIN[kind] for kind in kinds))
            if unexplained or (row["abandoned"] and not kinds):
                rows.append(row)
                answers |= unexplained
        if rows:
            found.append(Trouble.of(endpoint, rows, answers))
    for trouble in endpoints.spoken_of(found):
        if not trouble.refused:
            continue
        hidden = all(row["chain"] in ("not_seen", "unreadable") for row in trouble.rows)
        detail = [trouble.answer()]
        detail += [f"{hint[:1].upper()}{hint[1:]}." for alert, hint in _HINTS.items() if alert in trouble.answers]
        detail.append(
            "The certificate itself cannot be read here."
            if hidden
            else "What was sent shows no fault that goes with this answer."
        )
        yield trouble.finding(
            case,
            code=CODE,
            title=f"Clients refuse the certificate of {trouble.endpoint.name}.",
            detail=" ".join(detail),
            advice="Look at what it sends: openssl s_client -connect HOST:443 -servername HOST -showcerts.",
            grade="proven" if trouble.answers else "possible",
        )
