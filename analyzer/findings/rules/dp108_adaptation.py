"""Devices look for a heartbeat that lives.

What it means
    A device changes the interval that it asks for, or keeps to one, and with the idle timer of this path one can say
    where that leads: to an interval that lives, to endless attempts at one that dies, or nowhere, because even its
    shortest interval is longer than the timer.

Why it hurts
    Every attempt that dies costs the time until the device notices, a new connection and the mail of that time. Short
    intervals that live cost battery.

What to do
    Raise the timer above the longest interval of the device. Until then, a maximum heartbeat on the server that the
    timer lets live ends the attempts at once.

When it is wrong
    The algorithm is recognised by the values alone, and the timer is an interval. Devices change their ways with each
    version of their system; Apple has never published its own.

References
    Android sources (EasSyncService of 2009-2012, EasPing since 2013); TechNet cc182270 (Windows Mobile); Microsoft KB
    905013 (events 3033 and 1040: the mean of 200 heartbeats is 540 s or less).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted, span
from analyzer.tables import read

CODE = "DP108"
TITLE = "Devices look for a heartbeat that lives"

EXCHANGE_COUNTS = 200  # heartbeats before Exchange judges their mean

_ALGORITHMS = {
    "windows_mobile": "climbs by equal steps as Windows Mobile does",
    "android_2009": "climbs as Android of 2009 to 2012 does",
    "android_2013": "climbs as Android does since 2013",
    "fixed": "asked for the same interval each time",
}


def check(case: Case) -> Iterator[Finding]:
    for row in read.rows(case.source("adaptations")):
        becomes = _becomes(row)
        if becomes is None:
            continue
        name = case.device(row["session_id"])
        detail = f"{name} {_ALGORITHMS[row['algorithm']]}: now {span(row['current_s'])}; {becomes}"
        if row["server_warns"] and row["mean_of"] >= EXCHANGE_COUNTS:
            detail += (
                f" The mean of its newest {row['mean_of']:,} heartbeats is {span(row['mean_s'])}: an Exchange server "
                "that sees this from all its devices logs event 3033 or 1040."
            )
        yield Finding(
            code=CODE,
            severity="info",
            title=f"{name} keeps to an interval that dies here."
            if row["algorithm"] == "fixed"
            else f"{name} looks for a heartbeat that lives.",
            detail=detail,
            advice=None,
            session_id=row["session_id"],
            start=row["first_seen"],
            end=row["last_seen"],
            confidence="likely",
        )


def _becomes(row: dict[str, Any]) -> str | None:
    """What this path makes of the device's way; None where that is nothing to speak of."""
    deaths = sum(step["deaths"] for step in row["steps"] or ())
    if row["algorithm"] not in _ALGORITHMS or not deaths:
        return None
    died = counted(deaths, "wait")
    if row["prospect"] == "dies":
        return f"every quiet wait dies here ({died} so far), it asks for nothing shorter."
    if row["prospect"] == "swings":
        return (
            f"{span(row['ends_at_s'])} lives here, and each attempt at more dies ({died} so far): it will go on trying."
        )
    if row["prospect"] == "settles" and row["algorithm"] != "fixed":
        return f"it will settle at {span(row['ends_at_s'])} on this path, which lives."
    return None
