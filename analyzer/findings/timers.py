"""The idle timer of each path in words, from the one table that knows it: `idle_timeouts`. For terminal and page alike.

With three deaths or more the table narrows the interval by what is probable: its lower end may then lie above the
longest idle wait that lived, as a timer just above that would hardly have missed all the waits that were tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from analyzer.findings.words import bounds, certainty, listed, span
from analyzer.tables import read

if TYPE_CHECKING:
    from analyzer.findings.case import Case


class PathTimer(NamedTuple):
    """One row of `idle_timeouts`; an open end of the interval is None."""

    low_s: float | None
    high_s: float | None
    deaths: int
    confidence: float | None  # that the interval holds the timer; None: too few deaths to say

    @property
    def words(self) -> str:
        """298-302 s, > 480 s: for a cell."""
        return "no single timer" if self.high_s is None and self.deaths else bounds(self.low_s, self.high_s)

    @property
    def sure(self) -> str:
        """at least 90 % sure, or nothing."""
        return certainty(self.confidence)

    @property
    def heading(self) -> str:
        """timer 298-302 s, at least 90 % sure; no timer up to 480 s."""
        if self.high_s is None:
            if self.deaths:
                return "no single timer explains this"
            return f"no timer up to {span(self.low_s)}" if self.low_s is not None else "timer not known"
        interval = self.words if self.low_s is not None else f"at most {span(self.high_s)}"
        return f"timer {interval}{', ' if self.sure else ''}{self.sure}"


class OfSpeaker(NamedTuple):
    """The timers of the paths on which somebody waited."""

    words: str
    sure: str  # nothing where the paths differ
    ran_out: bool  # waits died of one of them


NONE = OfSpeaker("-", "", False)
UNKNOWN = PathTimer(None, None, 0, None)


def of_paths(idle_timeouts: read.Source) -> dict[str, PathTimer]:
    """The timer of each path that something was learned of."""
    return {
        str(row["path"]): PathTimer(row["low_s"], row["high_s"], int(row["deaths"] or 0), row["confidence"])
        for row in read.rows(idle_timeouts)
    }


def of_speakers(case: Case) -> dict[int, OfSpeaker]:
    """By place in `Case.speakers`. Those whose waits have tested no idle time are left out."""
    timers = of_paths(case.source("idle_timeouts"))
    codes, names = read.codes(case.source("heartbeats"), "path")
    facts, known_path = case.facts, codes[case.facts.row] >= 0
    pairs = read.distinct((facts.who * len(names) + codes[facts.row])[known_path])
    found: dict[int, list[PathTimer]] = {}
    for who, code in (divmod(pair, len(names)) for pair in pairs.tolist()):
        if str(names[code]) in timers:
            found.setdefault(who, []).append(timers[str(names[code])])
    made = {}
    for who, known in found.items():
        words = dict.fromkeys(timer.words for timer in known)
        sure = known[0].sure if len(words) == 1 else ""
        made[who] = OfSpeaker(listed(words), sure, any(timer.deaths for timer in known))
    return made
