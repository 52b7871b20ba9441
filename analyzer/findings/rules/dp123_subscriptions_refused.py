"""The front-end cannot subscribe at the mailbox server.

What it means
    For each folder that a device watches the front-end sends SUBSCRIBE to the mailbox server (WebDAV over plain HTTP,
    virtual directory /Exchange). The answer was an error.

Why it hurts
    Without a subscription nobody tells the front-end of new mail. Often the device is refused altogether.

What to do
    302: the virtual directory demands forms-based sign-in, which the front-end cannot do towards a mailbox server;
    KB817379 describes a second directory for it. 404: the mailbox has moved or the directory is another one. The
    front-end logs 3029 to 3031. (401 and 403 are DP135.)

When it is wrong
    A single folder that was just deleted or moved is refused, too, and rightly.

References
    Microsoft KB817379; MSDN aa143117 (SUBSCRIBE).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyzer.findings import Finding
from analyzer.findings.about import FRAMES, address_filter, only
from analyzer.findings.case import Case
from analyzer.findings.words import framed, of_all
from analyzer.tables import read

CODE = "DP123"
TITLE = "The front-end cannot subscribe at the mailbox server"

SIGN_IN = (401, 403)  # the business of DP135


def check(case: Case) -> Iterator[Finding]:
    table = case.source("subscriptions")
    if not len(table) or not (read.ints(table, "status") >= 300).any():
        return
    rows = [row for row in read.rows(table) if row["status"] is not None]
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in rows:
        if row["status"] >= 300 and row["status"] not in SIGN_IN:
            groups.setdefault((row["server_ip"], row["status"]), []).append(row)
    for (server_ip, status), refused in groups.items():
        total = sum(row["server_ip"] == server_ip for row in rows)
        frames = tuple(row["request_frame"] for row in refused[:FRAMES] if row["request_frame"] is not None)
        times = [row["start"] for row in refused if row["start"] is not None]
        yield Finding(
            code=CODE,
            severity="error" if len(refused) == total else "warning",
            title=f"The front-end cannot subscribe at the mailbox server {server_ip} (HTTP {status}).",
            detail=(
                f"{of_all(len(refused), total, 'SUBSCRIBE request')} to {server_ip}: see {framed(frames)}. Without a "
                "subscription the front-end is not told of new mail."
            ),
            advice=(
                "See whether the directory /Exchange on the mailbox server demands TLS or forms-based sign-in "
                "(KB817379), and the front-end's events 3029 to 3031."
            ),
            session_id=only(row["session_id"] for row in refused),
            connection_id=only(row["connection_id"] for row in refused),
            start=min(times, default=None),
            end=max(times, default=None),
            confidence="proven",
            frames=frames,
            display_filter=f'http.request.method == "SUBSCRIBE" && {address_filter(server_ip)}',
        )
