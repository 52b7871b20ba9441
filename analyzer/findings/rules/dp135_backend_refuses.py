"""The mailbox server refuses the front-end.

What it means
    Exchange 2003: the front-end asks the mailbox server over HTTP, in the name of the user, and was not let in there
    (401 without any later success, or 403).

Why it hurts
    The device is answered with an error (often 500) although its own sign-in was right, and nothing on the front-end's
    outer side shows why.

What to do
    On the mailbox server the virtual directory /Exchange must neither require SSL nor use forms-based authentication,
    and must allow Integrated authentication; else make a second one for ActiveSync (KB817379). The front-end logs
    events 3029 to 3031.

When it is wrong
    A 401 is the first step of NTLM and Negotiate; it counts only where nothing between the two servers was accepted
    afterwards.

References
    Microsoft KB817379; `authentications` in this analysis.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted, listed
from analyzer.tables import read

CODE = "DP135"
TITLE = "The mailbox server refuses the front-end"
FRAMES = 8


def check(case: Case) -> Iterator[Finding]:
    back = [row for row in read.rows(case.source("authentications")) if row["leg"] == "back"]
    if not back:
        return
    links = case.source("connections")
    columns = (read.values(links, name) for name in ("connection_id", "client_ip", "server_ip", "display_filter"))
    known = {number: rest for number, *rest in zip(*columns, strict=True)}
    pairs: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in back:
        client, server, _ = known.get(row["connection_id"], (None, None, None))
        pairs[str(client), str(server)].append(row)
    for (client, server), rows in pairs.items():
        accepted = max((row["start"] for row in rows if row["outcome"] == "accepted"), default=None)
        bad = [
            row
            for row in rows
            if row["outcome"] == "forbidden"
            or (row["outcome"] == "refused" and (accepted is None or row["start"] > accepted))
        ]
        if not bad:
            continue
        schemes = sorted({row["scheme"] for row in bad})
        offered = sorted({row["offered"] for row in bad if row["offered"]})
        forbidden = sum(row["outcome"] == "forbidden" for row in bad)
        said = [f"{counted(len(bad) - forbidden, 'connection')} ended with 401"] if forbidden < len(bad) else []
        said += [f"{counted(forbidden, 'connection')} got 403"] if forbidden else []
        yield Finding(
            code=CODE,
            severity="warning",
            title=f"The mailbox server {server} refuses the front-end {client}.",
            detail=(
                f"{listed(said)}; tried: {listed(schemes)}" + (f"; offered: {listed(offered)}." if offered else ".")
            ),
            advice="Look at authentication and SSL of the virtual directory /Exchange on that server (KB817379).",
            connection_id=bad[0]["connection_id"],
            start=bad[0]["start"],
            end=bad[-1]["end"],
            confidence="proven",
            frames=tuple(row["first_frame"] for row in bad[:FRAMES]),
            display_filter=known[bad[0]["connection_id"]][2] if bad[0]["connection_id"] in known else None,
        )
