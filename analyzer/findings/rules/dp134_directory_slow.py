"""The directory is what answers wait for.

What it means
    While a server worked on a device's request it searched the directory (LDAP), and most of the time until the answer
    went by in these searches.

Why it hurts
    Every request of every user waits like this. A directory that is slow now and then looks to the device like a server
    that hangs.

What to do
    Look at the domain controller or global catalog that is named: its load, its distance, and whether the attributes
    that are searched by are indexed.

When it is wrong
    Only searches that are in the capture count, and a search is joined to a request by user or by time.

References
    RFC 4511; MS-ADTS 3.1.1.3 (LDAP of Active Directory).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted, listed, span
from analyzer.tables import read

CODE = "DP134"
TITLE = "The directory is what answers wait for"
SLOW_MS = 500.0
SHARE = 0.5  # of the time to the answer
OFTEN = 3
FRAMES = 8


def check(case: Case) -> Iterator[Finding]:
    slow = [
        row
        for row in read.rows(case.source("answer_shares"))
        if row["directory_ms"] >= SLOW_MS and (row["held"] or row["directory_ms"] >= SHARE * row["answer_ms"])
    ]
    if not slow:
        return
    wanted = {row["transaction_id"] for row in slow}
    searches = [row for row in read.rows(case.source("directory_searches")) if row["transaction_id"] in wanted]
    servers = sorted({row["server_ip"] for row in searches if row["server_ip"]})
    worst = max(slow, key=lambda row: float(row["directory_ms"]))
    took = float(np.median([row["directory_ms"] for row in slow])) / 1e3
    yield Finding(
        code=CODE,
        severity="warning" if len(slow) >= OFTEN else "info",
        title=f"{counted(len(slow), 'answer')} waited for the directory ({listed(servers)}).",
        detail=(
            f"{counted(len(searches), 'search', 'searches')} took {span(took)} of an answer in the median, at worst "
            f"{span(worst['directory_ms'] / 1e3)} of {span(worst['answer_ms'] / 1e3)}."
        ),
        advice=f"Look at {listed(servers)}: load, distance, indexed attributes.",
        start=min(row["start"] for row in searches),
        end=max(row["end"] or row["start"] for row in searches),
        confidence="likely",
        frames=tuple(row["first_frame"] for row in searches[:FRAMES]),
    )
