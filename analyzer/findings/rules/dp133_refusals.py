"""The server refuses a device before it looks at what it wants.

What it means
    HTTP statuses that end a request at the door: 401 the sign-in was not accepted; 403 the user or the device is not
    allowed; 449 the device must take over the policy first; 451 the mailbox is on another server; 456 and 457 the
    account is blocked or its password has expired; 507 the mailbox is full.

Why it hurts
    Once, and followed by success, most of these are the ordinary course of things and no finding. When nothing succeeds
    afterwards, or the same refusal comes back again and again, the device gets no mail.

What to do
    401: look at user name, password, certificate and at what stands between (a proxy that signs in itself). 403: look
    whether ActiveSync is enabled for the user and whether the device is blocked or in quarantine. 449: look whether the
    device can fulfil the policy, and whether the policy changes all the time. 451: the device should move to the
    address that it was told; if it keeps coming, set it up anew.

When it is wrong
    A capture that ends, or has a gap, right after the refusal hides what followed.

References
    MS-ASHTTP 2.2.2.1.1 (status codes); MS-ASPROV 3.1.5.1 (policy); MS-ASCMD 2.2.2 (common status codes).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted
from analyzer.tables import read
from dissectors.eas import status as eas_status

CODE = "DP133"
TITLE = "The server refuses a device"
FRAMES = 8
LOOP = 3  # the same refusal so often since the last success, or more often than successes


class _Kind(NamedTuple):
    words: str  # the server ... the device
    advice: str
    least: int = 1  # so many since the last success are no accident


KINDS = {
    401: _Kind(
        "does not accept the sign-in of", "Look at user name, password or certificate, and at proxies between.", 2
    ),
    403: _Kind(
        "does not let in",
        "Look whether ActiveSync is enabled for the user, and whether the device is blocked or in quarantine.",
    ),
    449: _Kind(
        "wants its policy fulfilled first by",
        "Look whether the device can fulfil the policy, and whether the policy is changed again and again.",
    ),
    451: _Kind(
        "sends to another address", "The device should follow X-MS-Location; if it keeps coming, set it up anew."
    ),
    456: _Kind("says that the account is blocked of", "Unblock the account."),
    457: _Kind("says that the password has expired of", "Let the user set a new password."),
    507: _Kind("has no room in the mailbox of", "Make room in the mailbox, or raise its limit."),
}


def check(case: Case) -> Iterator[Finding]:
    table = case.source("transactions")
    status, session = read.ints(table, "status"), read.ints(table, "session_id")
    refused = np.isin(status, list(KINDS)) & (session >= 0)
    if not refused.any():
        return
    provision = read.among(table, "command", "Provision")
    success = (status >= 200) & (status < 300) & (read.codes(table, "command")[0] >= 0)
    order = np.argsort(session, kind="stable")  # within a session still in order of time
    numbers = read.distinct(session[refused])
    firsts, ends = np.searchsorted(session[order], numbers), np.searchsorted(session[order], numbers, side="right")
    for number, first, after in zip(numbers.tolist(), firsts.tolist(), ends.tolist(), strict=True):
        mine = order[first:after]
        for code in KINDS:
            hits = mine[status[mine] == code]
            # a policy that was fetched is not yet a policy that is fulfilled
            good = mine[success[mine] & ~provision[mine] if code == 449 else success[mine]]
            finding = _about(case, table, number, code, hits, good)
            if finding is not None:
                yield finding


def _about(case: Case, table: Any, session: int, code: int, hits: Any, good: Any) -> Finding | None:
    kind = KINDS[code]
    if not len(hits):
        return None
    since = int((hits > good[-1]).sum()) if len(good) else len(hits)
    looping = code != 401 and len(hits) >= LOOP and len(hits) > len(good)
    if since < kind.least and not looping:
        return None
    name = case.device(session)
    detail = f"{counted(len(hits), 'request')} answered by HTTP {code}: {eas_status.http_meaning(code)}. "
    if not len(good):
        apart = "Provision apart, nothing" if code == 449 else "Nothing else"
        detail += f"{apart} of this device succeeded in the capture."
    elif since:
        detail += f"{counted(since, 'time')} since its last success, and nothing succeeded after that."
    else:
        detail += f"Between them {counted(len(good), 'request')} succeeded, the last one after them."
    starts = read.times(table, "request_start")[hits]
    return Finding(
        code=CODE,
        severity="warning",
        title=f"The server {kind.words} {name}.",
        detail=detail,
        advice=kind.advice,
        session_id=session,
        start=int(starts[0]),
        end=int(starts[-1]),
        confidence="proven",
        frames=tuple(read.ints(table, "response_frame")[hits][:FRAMES].tolist()),
    )
