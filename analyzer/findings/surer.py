"""What would settle what a verdict leaves open: for each finding one further capture or one setting, the most telling.

who did it is open          a capture on the other side of the point where the two readings part
the timer is a wide guess   one wait of a length in its middle halves it
idle or age                 waits on connections that have carried answers before
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analyzer.findings.case import Case
from analyzer.findings.words import span
from analyzer.tables import read
from analyzer.timeline.attribution.together import IDLE, IDLE_OR_AGE

WIDE = 1.5  # times the lower bound, from which on the interval of a timer is worth halving
ROUND_S = 10.0

OTHER_SIDE = "Capture on the other side of the suspected box at the same time."
_BEHIND_PROXY = (
    "Capture between the proxy and the server: it shows whether the server was still at work on the request."
)
_SERVER_CLOSES = "Capture on the server itself, behind all that is in front of it: it shows which of them closed."
_SERVER_RESETS = (
    "Capture on the server itself: it shows whether the server or something in front of it sends the resets."
)
_STEPS = {  # by code and `settled_by`
    ("DP101", "other_side"): OTHER_SIDE,
    ("DP102", "other_side"): OTHER_SIDE,
    ("DP102", "server"): _SERVER_RESETS,
    ("DP103", "behind_proxy"): _BEHIND_PROXY,
    ("DP104", "server"): _SERVER_CLOSES,
}
_AGE_OR_IDLE = (
    "Let a device wait on a connection that has carried answers for a while: that tells an idle timer from a limit on "
    "the age of connections."
)


def steps(case: Case, findings: list[dict[str, Any]]) -> list[str]:
    """One step a finding about dead waits, each said once."""
    found = (_STEPS.get((finding["code"], finding["settled_by"])) for finding in findings)
    said = list(dict.fromkeys(step for step in found if step is not None))
    if said and _either(case):
        return [_AGE_OR_IDLE]
    return said or list(_wider(case))


def _either(case: Case) -> bool:
    """Idle times and ages explain the ends equally well."""
    ends = case.source("teardowns")
    cut = np.flatnonzero(read.bools(ends, "premature"))
    kinds = {item["kind"] for one in read.some(ends, "evidence", cut) if isinstance(one, list | tuple) for item in one}
    return IDLE_OR_AGE in kinds and IDLE.kind not in kinds


def _wider(case: Case) -> Iterator[str]:
    """A wait of a length that halves what is known of a timer."""
    for row in read.rows(case.source("idle_timeouts")):
        low, high = row["low_s"], row["high_s"]
        if low and high and row["deaths"] and high > WIDE * low:
            middle = round((low + high) / 2 / ROUND_S) * ROUND_S or (low + high) / 2
            yield f"Have a device wait for {span(middle)} on {row['path']}: that halves the interval of its timer."
