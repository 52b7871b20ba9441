"""The idle timer between two points: what got through after so much silence, and what did not.

With both points each packet says it for itself: one that arrived after x of silence has survived x; one that was sent
and did not arrive, on a path that carried others meanwhile, died of at most x; a RST or FIN from between that nobody
provoked came at x. Silence is counted from the last packet that was seen at both points. Stretches in which a packet
was lost say nothing: who knows how far it came.

The timer is said only when it explains all of it. What ends at the same age, or after less silence than others have
survived, is no idle timer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analyzer.pair.endings import Ending
from analyzer.pair.segments import BOTH, LOST, RECUT, Comparison
from analyzer.pair.signs import state_of
from dissectors.events import CLIENT, SERVER

Clockwork = Literal["idle", "age", "none"]
MIN_IDLE_NS = 1_000_000_000  # what ends sooner after traffic does not end of idleness
SAME_NS = 1_000_000_000  # ages and idles that differ by less are the same
NS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """What all deaths between the points have in common."""

    clock: Clockwork  # none: neither idle time nor age explains all of them
    low_s: float  # longest silence that was survived, below high_s
    high_s: float  # shortest that was not; for age: the age
    deaths: int
    survivals: int  # silences of more than MIN_IDLE_NS after which packets arrived
    sharp: bool  # the deaths came by themselves at high_s; else they were found out by a packet


def timer_of(pairs: Sequence[tuple[Comparison, Ending]]) -> Timer | None:
    """The timer that explains every death between the points; None where nothing died there of idleness."""
    deaths = [
        (ending.idle_ns, ending.time_ns - _start(comparison), ending.forgotten)
        for comparison, ending in pairs
        if ending.by == "between" and ending.idle_ns is not None and ending.time_ns is not None
    ]
    survived = np.concatenate([np.zeros(0, np.int64), *(_survived(*one) for one in pairs)])
    if not deaths or not any(idle >= MIN_IDLE_NS for idle, _, _ in deaths):
        return None
    shortest = min(idle for idle, _, _ in deaths)
    longest = int(survived.max(initial=0))
    ages = [age for _, age, _ in deaths]
    sharp = [idle for idle, _, forgotten in deaths if not forgotten]  # came by themselves, at the timer's end
    clock: Clockwork = "idle" if longest < shortest + SAME_NS // 2 else "none"
    if sharp and max(sharp) - min(sharp) > SAME_NS:
        clock = "none"
    if clock == "none" and len(sharp) == len(deaths) and max(ages) - min(ages) <= SAME_NS:
        clock = "age"
    return Timer(
        clock=clock,
        low_s=min(longest, shortest) / NS,
        high_s=(max(ages) if clock == "age" else shortest) / NS,
        deaths=len(deaths),
        survivals=int(np.count_nonzero(survived >= MIN_IDLE_NS)),
        sharp=len(sharp) == len(deaths),
    )


def _start(comparison: Comparison) -> int:
    return int(comparison.device_ns[0]) if len(comparison.device_ns) else 0


def _survived(comparison: Comparison, ending: Ending) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The silences of a connection that packets have ended, before it died."""
    passed = np.isin(state_of(comparison, CLIENT), (BOTH, RECUT))
    if ending.by in ("between", "path") and ending.time_ns is not None:
        passed &= comparison.device_ns < ending.time_ns
    times = np.sort(comparison.device_ns[passed])
    silences = np.diff(times)
    lost = [
        comparison.near_ns(side)[flow.near[flow.near_state == LOST]]
        for side, flow in ((CLIENT, comparison.flows[CLIENT]), (SERVER, comparison.flows[SERVER]))
    ]
    disturbed = np.sort(np.concatenate(lost))
    inside = np.searchsorted(disturbed, times[1:]) - np.searchsorted(disturbed, times[:-1])
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = silences[inside == 0]
    return found
