"""The interval in which a timer must lie, from idle times that survived and idle times that did not.

Model
    One threshold with mistakes. A connection that was idle for x lives when x is at most the timer T, but for a share
    `stray` that dies of something else; beyond T it dies, but for a share `spared` that lives (its timer was refreshed
    by packets that were not seen). Three kinds of observation enter:

    survived   an answer got through after x:            T is at least x
    tested     a packet failed after x (silence, or RST in reply): T is at most x, and how much less is not seen
    timed      the end itself was seen at x (RST or FIN without cause): x lies in [T, T + sweep], because timers are
               looked at every now and then; the sweep is not known either
    A stray end may have any time, so it has the density 1 / (longest observed).

    The likelihood is worked out for each T on a fine grid, with the best `stray`, `spared` and `sweep` for that T, and
    the interval is every T whose likelihood comes close enough to the best, closed at both ends. "Close enough" is
    twice the logarithm of the ratio: TESTED for tested ends (a change point is not regular: a chi-square's 2.71 holds
    too little); for timed ends, whose T sits at the edge of what was seen, 2 ln 20 with n / (n - 1) for few ends, which
    an evenly spread sweep calls for. `simulation` and its test measure that the interval holds the timer at least nine
    times in ten. Where waits were idle for exactly T, as heartbeats often are, all of them lived or all of them died:
    both readings are tried, but never one for the living and the other for the dead.

    "There is no timer" is T = infinity, with all ends stray. When that comes close enough too, nothing is claimed. Some
    of many stray ends always come close together, so timed ends must beat it by the number of places to look at, too.

The identified interval (longest survived, shortest death] is part of it: in silence no estimate may be narrower than
that gap, since all T in it have the same likelihood. Under FEW ends no percentage is honest, and `identified` is what
is said. The shortest death or the median of the deaths would be no timer: some of them may be strays.
"""

from __future__ import annotations

from itertools import product
from math import inf, log
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEW = 3  # ends from which on a probability is given
CONFIDENCE = 0.9
TESTED = 3.84
SWEEPS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
MOST_MISTAKES = 0.45  # more stray or spared ends than this, and there is no threshold to speak of
GRID = 400
KEPT = 300  # breakpoints of each kind; beyond, evenly chosen ones


class Observed(NamedTuple):
    """Idle times in seconds, each kind in any order."""

    survived: Floats
    tested: Floats
    timed: Floats

    @property
    def deaths(self) -> int:
        return len(self.tested) + len(self.timed)


class Estimate(NamedTuple):
    """The timer lies in [low_s, high_s]; `None` is an open end."""

    low_s: float | None
    high_s: float | None
    confidence: float | None  # None: the interval is what the observations leave, without a probability
    gain: float  # logarithm of how much better one timer explains the ends than none does


NOTHING = Estimate(low_s=None, high_s=None, confidence=None, gain=0.0)


def observed(survived: object = (), tested: object = (), timed: object = ()) -> Observed:
    """Sorted arrays of what was seen."""
    kinds = (np.sort(np.asarray(values, dtype=np.float64)) for values in (survived, tested, timed))
    return Observed(**dict(zip(("survived", "tested", "timed"), kinds, strict=True)))


def identified(seen: Observed) -> Estimate:
    """(longest survived, shortest death]; nothing when they contradict one another."""
    low = float(seen.survived.max()) if len(seen.survived) else None
    deaths = np.concatenate((seen.tested, seen.timed))
    high = float(deaths.min()) if len(deaths) else None
    if low is not None and high is not None and high <= low:
        return NOTHING
    return Estimate(low_s=low, high_s=high, confidence=None, gain=0.0)


def estimate(seen: Observed) -> Estimate:
    """The interval with its probability; with few ends, `identified`. `seen` as `observed` gives it."""
    if seen.deaths < FEW:
        return identified(seen)
    timers = _grid(seen)
    likelihood, timed, explained = _profile(seen, timers)
    best = int(np.argmax(likelihood))
    gain = float(likelihood[best]) - _without_timer(seen)
    ends = int(timed[best])
    close = TESTED if ends < 2 else max(TESTED, 2 * log(20) * ends / (ends - 1))
    places = 2 * log(_longest(seen) * len(SWEEPS_S)) if ends else 0.0
    if 2 * gain <= close + places or explained[best] < FEW:
        plain = identified(seen)
        return Estimate(low_s=plain.low_s, high_s=plain.high_s, confidence=None, gain=gain)
    within = timers[2 * (likelihood[best] - likelihood) <= close]
    return Estimate(low_s=float(within.min()), high_s=float(within.max()), confidence=CONFIDENCE, gain=gain)


def _grid(seen: Observed) -> Floats:
    """Timers to try: where the likelihood has its steps, just before and after them, and evenly between."""
    deaths = np.concatenate((seen.tested, seen.timed))
    below = np.searchsorted(seen.survived, deaths, side="right") - 1  # the survivals next to each death
    steps = [
        _some(deaths),
        _some(seen.survived[below[below >= 0]]),
        _some(seen.survived[-KEPT:]),
        *(_some(seen.timed) - sweep for sweep in SWEEPS_S),
    ]
    longest = max(float(deaths.max()), float(seen.survived.max(initial=0.0)))
    shortest = max(min(float(deaths.min()), float(seen.survived.min(initial=inf))), 0.1)
    even = [np.geomspace(min(shortest, longest) / 2, longest * 1.001, GRID)]
    if len(seen.timed):  # timed ends place the timer to seconds
        near = np.linspace(0.0, max(SWEEPS_S), GRID // 2)
        middle = float(np.median(seen.timed))
        even += [float(seen.timed.min()) - near, middle - near]
    grid = np.unique(np.concatenate([*steps, *even]))
    return grid[grid > 0]


def _some(values: Floats) -> Floats:
    distinct = np.unique(values)
    if len(distinct) <= KEPT:
        return distinct
    return distinct[np.linspace(0, len(distinct) - 1, KEPT).astype(np.int64)]


def _profile(seen: Observed, timers: Floats) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each timer the best log-likelihood over sweep and mistakes, and how many timed ends and ends of any kind that
    explains."""
    longest = _longest(seen)
    number = len(seen.survived) + seen.deaths
    timed_early = np.searchsorted(seen.timed, timers, side="left")
    best = np.full(len(timers), -inf)
    timed, explained = np.zeros(len(timers), dtype=np.int64), np.zeros(len(timers), dtype=np.int64)
    sweeps = SWEEPS_S if len(seen.timed) else (0.0,)
    readings: tuple[Literal["left", "right"], ...] = ("left", "right")  # who was idle for exactly T: died, lived
    for sweep, exactly in product(sweeps, readings):
        tested_early = np.searchsorted(seen.tested, timers, side=exactly)
        early = tested_early + timed_early
        in_sweep = np.searchsorted(seen.timed, timers + sweep, side="right") - timed_early
        late = len(seen.timed) - timed_early - in_sweep
        beyond = len(seen.survived) - np.searchsorted(seen.survived, timers + sweep, side=exactly)
        spared = late + beyond
        by_timer = in_sweep + len(seen.tested) - tested_early
        faced = by_timer + spared
        likelihood = _binomial(early, np.full(len(timers), number)) + _binomial(spared, faced)
        if sweep:
            likelihood -= in_sweep * log(sweep) + (timed_early + late) * log(longest)
        better = likelihood > best
        best[better], timed[better], explained[better] = likelihood[better], in_sweep[better], by_timer[better]
    return best, timed, explained


def _without_timer(seen: Observed) -> float:
    """Log-likelihood of ends that have nothing to do with idleness."""
    number, deaths = len(seen.survived) + seen.deaths, seen.deaths
    lived = number - deaths
    shares = (deaths * log(deaths / number) if deaths else 0.0) + (lived * log(lived / number) if lived else 0.0)
    return shares - len(seen.timed) * log(_longest(seen))


def _longest(seen: Observed) -> float:
    return max(2.0, *(float(values.max(initial=0.0)) for values in (seen.survived, seen.tested, seen.timed)))


def _binomial(mistakes: npt.NDArray[np.int64], of: npt.NDArray[np.int64]) -> Floats:
    """Log-likelihood of so many mistakes with the share that fits best, which is at most MOST_MISTAKES."""
    share = np.minimum(mistakes / np.maximum(of, 1), MOST_MISTAKES)
    right = of - mistakes
    wrong_part = np.where(mistakes > 0, mistakes * np.log(np.maximum(share, 1e-300)), 0.0)
    right_part = np.where(right > 0, right * np.log1p(-share), 0.0)
    result: Floats = wrong_part + right_part
    return result
