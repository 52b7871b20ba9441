"""The capture has holes.

What it means
    Bytes that were on the wire are not in the capture: frames were cut off (snap length), the capturing machine
    lost frames, or the file breaks off. What depends on them is said to be unknown; nothing is guessed.

Why it hurts
    A wait whose answer may be in the hole can be counted neither as lived nor as died, and a cut frame cannot be
    decrypted.

What to do
    Capture whole frames (tcpdump -s 0, or no -s at all), with a larger buffer (-B 65536), to a fast disk, and
    filter for the server's address so that less is written.

When it is wrong
    A capture that begins in the middle of a connection lacks what came before; that is not counted as a hole.

References
    tcpdump(1), options -s and -B; pcapng, Interface Statistics Block.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted, plain, size
from analyzer.tables import read

CODE = "DP111"
TITLE = "The capture has holes"


def check(case: Case) -> Iterator[Finding]:
    for row in read.rows(case.source("captures")):
        missing, cut = row["missing_bytes"] or 0, row["truncated_frames"] or 0
        parts = []
        if cut:
            parts.append(f"{counted(cut, 'frame')} cut off by the snap length")
        if missing:
            parts.append(f"{size(missing)} of TCP payload missing")
        if row["complete"] is False:
            parts.append("the file breaks off in the middle")
        if not parts:
            continue
        yield Finding(
            code=CODE,
            severity="warning",
            title=f"{plain(str(row['capture']))} has holes.",
            detail=f"In the file: {'; '.join(parts)}. What depends on the missing bytes is unknown, not guessed.",
            advice="Capture whole frames (no -s option, a larger buffer: -B 65536)." if cut or missing else None,
            start=row["start"],
            end=row["end"],
            confidence="proven",
        )
