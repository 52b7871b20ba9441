"""Waits ended because the device went away.

What it means
    The device vanished in the middle of a wait (no coverage, switched off), or went on from another network
    address.

Why it hurts
    Mail is late until the device is back. That is the nature of radio, not a fault of the path.

What to do
    Nothing on the server's side. If it happens at one place only, look at the coverage there.

When it is wrong
    A NAT that gives the device a new address looks like a change of network. A box that drops all packets of one
    device looks like a device out of coverage.

References
    RFC 5382 (NAT and TCP); 3GPP TS 24.008 (a network may release an idle device).
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.findings import Finding
from analyzer.findings.about import about
from analyzer.findings.case import DEVICE, DIED, Case
from analyzer.findings.words import counted

CODE = "DP107"
TITLE = "Waits ended because the device went away"


def check(case: Case) -> Iterator[Finding]:
    for who, died, _ in case.by_speaker(case.having(DIED, DEVICE)):
        roamed = died["cause"].count("roamed")
        detail = f"{counted(len(died), 'wait')} ended because the device could no longer be reached"
        detail += f", {roamed:,} of them with a change of its network address." if roamed else "."
        yield about(
            died,
            code=CODE,
            severity="info",
            title=f"{case.device(who)} went away during {counted(len(died), 'wait')}.",
            detail=detail,
            advice=None,
        )
