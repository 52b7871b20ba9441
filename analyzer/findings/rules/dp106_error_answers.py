"""The server answers waits with errors.

What it means
    A wait was answered, but with an error: an HTTP status other than 200, or an Exchange ActiveSync status that
    says that the request was refused.

Why it hurts
    Most of these cost one round: the device corrects its request and waits again (status 5: interval out of bounds;
    7: folder hierarchy must be synchronised first). If the same error repeats, push does not work for that device.

What to do
    Look at the status in `heartbeats`; `directpush explain "Ping 5"` says what each means. HTTP 401 and 403 are a
    matter of sign-in and permission, 449 of policy, 500 of the server's log.

When it is wrong
    One error at the beginning of a session is ordinary negotiation and not a fault.

References
    MS-ASCMD 2.2.3.177.11 (Status of Ping), 2.2.3.177.17 (Status of Sync).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.findings import Finding
from analyzer.findings.about import FRAMES, about
from analyzer.findings.case import ERROR, Case
from analyzer.findings.words import counted, listed

CODE = "DP106"
TITLE = "The server answers waits with errors"
REPEATED = 3  # from so many on, and at half of the waits, it is more than negotiation


def check(case: Case) -> Iterator[Finding]:
    for who, waits, total in case.by_speaker(case.having(ERROR)):
        http = Counter(status for status in waits.known("http_status") if status != 200)
        eas = Counter(waits.known("ping_status"))
        kinds = [f"HTTP {status} ({counted(times, 'time')})" for status, times in http.most_common()]
        kinds += [f"status {status} ({counted(times, 'time')})" for status, times in eas.most_common()]
        often = len(waits) >= REPEATED and len(waits) * 2 >= total
        yield about(
            waits,
            code=CODE,
            severity="warning" if often else "info",
            title=f"The server answered {counted(len(waits), 'wait')} of {case.device(who)} with an error.",
            detail=f"{len(waits):,} of {counted(total, 'wait')}: {listed(kinds, 5) or 'the status is not readable'}.",
            advice='Look the status up: directpush explain "Ping 5" and so on.' if often else None,
            confidence="proven",
            frames=tuple(waits.known("response_frame")[:FRAMES]),
        )
