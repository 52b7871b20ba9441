"""Sentences that the rules about dead waits share, so that the same fact is always said in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.findings import Severity
from analyzer.findings.case import DIED, Case, Timer
from analyzer.findings.picked import Picked
from analyzer.findings.words import counted, framed, span, spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

ADVISED_TIMER = "30 min"  # Exchange 2007's and Apple's advice for every idle timer on the path
SEVERE_SHARE = 0.05  # of the waits; fewer deaths than this cost something but push still works
FEW_DEATHS = 3  # below, no percentage and no timer is claimed as a fact
NO_TIMER = ("server_stop", "mass_event", "maximum_age", "scheduled", "policy", "device_lost", "roamed", "replaced")
PATTERNS = {
    "maximum_age": (
        "The connections ended at the same age, however long they had been idle: something limits how long a "
        "connection may live."
    ),
    "scheduled": "They ended at the same time of the clock, whatever they were doing: a scheduled job.",
    "mass_event": "They ended in the same moment: a restart, a failover or a change of rules, not a timer.",
}
SAME_LENGTH = 0.1  # relative spread within which several ends look like one timer


def severity(case: Case, server_ip: str, died: Picked) -> Severity:
    total = int(np.count_nonzero(case.at_server(server_ip)))
    return "error" if len(died) >= 2 and len(died) >= SEVERE_SHARE * total else "warning"


def opening(case: Case, server_ip: str, died: Picked, how: str) -> str:
    """5 of 12 waits died before they were answered: all went silent."""
    waits = case.at_server(server_ip)
    total, all_died = int(np.count_nonzero(waits)), case.count(DIED, waits)
    one = all_died == 1
    first = f"{all_died:,} of {counted(total, 'wait')} died before {'it was' if one else 'they were'} answered"
    if all_died == len(died):
        return f"{first}: {'it' if one else 'all'} {how}."
    return f"{first}; {len(died):,} {how}."


def tested(died: Picked) -> npt.NDArray[np.float64]:
    """How long each had been idle, where that says something about a timer: not of ends with another cause."""
    known = (np.nan if x_s is None or cause in NO_TIMER else x_s for cause, x_s in died.each("cause", "x_s"))
    return np.fromiter(known, dtype=np.float64, count=len(died))


def idle(timer: Timer) -> str:
    """What length of idle got through and what did not, with counts."""
    if timer.shortest_s is None:
        return "How long they had been idle is not known (keep-alives or gaps), so nothing can be said about a timer."
    if timer.longest_s is None:
        return f"The shortest had been idle for {span(timer.shortest_s)}; no wait lived to compare with."
    if timer.clean:
        return (
            f"Every wait idle for up to {span(timer.longest_s)} got through ({timer.survivals:,} of "
            f"{timer.survivals:,}); none idle for {span(timer.shortest_s)} or more did (0 of {timer.deaths:,})."
        )
    if timer.known:
        return "Nearly all of them had been idle for longer than nearly all that got through; a few ends are strays."
    return (
        f"Idle time alone does not explain it: waits of up to {span(timer.longest_s)} got through, others died after "
        f"{span(timer.shortest_s)}."
    )


def between(timer: Timer, ends: str = "death") -> str:
    """after 298-302 s (12 resets, 53 survivals, at least 90 % sure). `ends`: what to call one of them."""
    if timer.low_s is None or timer.high_s is None:
        raise ValueError("no interval")
    sure = timer.sure or ("too few deaths for a percentage" if timer.deaths < FEW_DEATHS else "")
    counts = f"{counted(timer.deaths, ends)}, {counted(timer.survivals, 'survival')}{', ' if sure else ''}{sure}"
    if timer.sure:
        return f"after {spans(timer.low_s, timer.high_s)} ({counts})"
    low, high = span(timer.low_s), span(timer.high_s)
    return f"after {low} ({counts})" if low == high else f"after more than {low} and at most {high} ({counts})"


def pattern(died: Picked) -> str | None:
    """What many of these ends have in common, beside idleness; the same for most of them."""
    causes = died["cause"]
    for cause, words in PATTERNS.items():
        if causes.count(cause) * 2 > len(died):
            return words
    return None


def raise_timer(timer: Timer, what: str) -> str:
    """Raise it, or keep below it until then: below what has lived, not only below what the timer is taken to be."""
    safe_s = min((bound for bound in (timer.low_s, timer.longest_s) if bound), default=None)
    if safe_s is None:
        return f"Raise {what} to {ADVISED_TIMER}."
    meanwhile = f"set the server's maximum heartbeat to {span(safe_s)} or less until then"
    return f"Raise {what} to {ADVISED_TIMER}, or {meanwhile}."


def seen_in(frames: Sequence[int]) -> str:
    """; see frames 51, 71 and 91."""
    return f"; see {framed(frames)}" if frames else ""


def one_length(died: Picked) -> str | None:
    """25 s or 24-26 s when all these waits were held for about the same time, else None."""
    held = sorted(died.known("held_s"))
    if len(held) < FEW_DEATHS:
        return None
    median = (held[(len(held) - 1) // 2] + held[len(held) // 2]) / 2
    return None if held[-1] - held[0] > max(2.0, SAME_LENGTH * median) else spans(held[0], held[-1])
