"""Devices ended waits themselves.

What it means
    A device dropped its own wait before it was due: its user opened the mail program, it wanted to synchronise or
    send something, or it closed the connection for reasons of its own. Nobody else is to blame for these ends.

Why it hurts
    It does not, unless it happens all the time: then a device spends its battery on asking again.

What to do
    Nothing.

When it is wrong
    A device that gave up on a dead path also closes the connection itself; such waits are counted as dead as soon
    as they were due. Where the interval that was asked for is not known, the two cannot be told apart.

References
    MS-ASCMD 2.2.1.13 (Ping): a device may end a wait by sending another request.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.findings import Finding
from analyzer.findings.about import about
from analyzer.findings.case import OWN, Case
from analyzer.findings.words import counted, of_all

CODE = "DP105"
TITLE = "Devices ended waits themselves"


def check(case: Case) -> Iterator[Finding]:
    for who, waits, total in case.by_speaker(case.having(OWN)):
        yield about(
            waits,
            code=CODE,
            severity="info",
            title=f"{case.device(who)} ended {counted(len(waits), 'wait')} itself.",
            detail=(
                f"{case.device(who)} itself ended {of_all(len(waits), total, 'wait')} early, to ask for something "
                "else or because it closed the connection. Nobody else is to blame for that."
            ),
            advice=None,
            confidence="likely",
        )
