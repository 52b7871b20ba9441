"""How often the estimated interval holds the timer: devices that wait on a path with a known one, many times over.

A device asks for one of HEARTBEATS_S; mail comes at random, every MAIL_EVERY_S on average, so a wait is idle for the
shorter of the two. A share `stray` of the waits dies of something unrelated. What a path does beyond its timer:

    reset    RST at the first sweep after the timer has run out: the time of the end is seen
    silent   nothing until somebody speaks: only that the timer is shorter than the idle time is seen

    python -m analyzer.timers.simulation            the table of coverage, 200 runs a cell
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from analyzer.timers.estimate import Estimate, Observed, estimate, observed

HEARTBEATS_S = (480.0, 720.0, 900.0, 1200.0, 1680.0)
SHORT_HEARTBEATS_S = (60.0, 120.0, 180.0, 300.0, 470.0)  # of devices that have come down to a short timer
LONG_HEARTBEATS_S = (900.0, 1680.0, 2400.0, 3000.0, 3540.0)
MAIL_EVERY_S = 1800.0
SWEEP_S = 10.0

TIMERS_S = (60.0, 120.0, 300.0, 480.0, 900.0, 1000.0, 1800.0, 3000.0)
STRAY = (0.0, 0.1)
WAITS = (10, 30, 100)

Mode = Literal["reset", "silent"]
MODES: tuple[Mode, ...] = ("reset", "silent")


class Cell(NamedTuple):
    """One setting of the simulation and what came out."""

    mode: Mode
    timer_s: float
    stray: float
    waits: int
    covered: float  # share of the runs in which the interval held the timer
    claimed: float  # share of the runs in which an interval with a probability was given
    width_s: float  # median width of these; NaN when there were none


def heartbeats(timer_s: float) -> tuple[float, ...]:
    """What devices on such a path ask for: longer than the timer some of the time, or nothing would be learned."""
    if timer_s < 300:
        return SHORT_HEARTBEATS_S
    return HEARTBEATS_S if timer_s < 1500 else LONG_HEARTBEATS_S


def one_path(random: np.random.Generator, mode: Mode, timer_s: float, stray: float, waits: int) -> Observed:
    """What one path shows of its timer."""
    idle = np.minimum(random.choice(heartbeats(timer_s), waits), random.exponential(MAIL_EVERY_S, waits))
    unrelated = random.random(waits) < stray
    cut = random.uniform(0, idle)  # when a stray end happens
    if mode == "silent":
        dead = unrelated | (idle > timer_s)
        return observed(survived=idle[~dead], tested=idle[dead])
    swept = timer_s + random.uniform(0, SWEEP_S, waits)
    by_timer = (idle > swept) & ~(unrelated & (cut < swept))
    dead = unrelated | by_timer
    return observed(survived=idle[~dead], timed=np.where(by_timer, swept, cut)[dead])


def holds(found: Estimate, timer_s: float) -> bool:
    return (found.low_s is None or found.low_s <= timer_s) and (found.high_s is None or timer_s <= found.high_s)


def coverage(
    runs: int,
    *,
    seed: int = 1,
    modes: Iterable[Mode] = MODES,
    timers_s: Iterable[float] = TIMERS_S,
    stray: Iterable[float] = STRAY,
    waits: Iterable[int] = WAITS,
) -> Iterator[Cell]:
    """Every combination, so many runs each."""
    random = np.random.default_rng(seed)
    settings = [(m, t, e, n) for m in modes for t in timers_s for e in stray for n in waits]
    for mode, timer_s, share, number in settings:
        found = [estimate(one_path(random, mode, timer_s, share, number)) for _ in range(runs)]
        claims = [one for one in found if one.confidence is not None]
        widths = [one.high_s - one.low_s for one in claims if one.high_s is not None and one.low_s is not None]
        yield Cell(
            mode=mode,
            timer_s=timer_s,
            stray=share,
            waits=number,
            covered=sum(holds(one, timer_s) for one in claims) / len(claims) if claims else float("nan"),
            claimed=len(claims) / runs,
            width_s=float(np.median(widths)) if widths else float("nan"),
        )


def main(runs: int = 200) -> None:
    """Print the table."""
    print(f"{'mode':8}{'timer':>7}{'stray':>7}{'waits':>7}{'holds it':>10}{'claimed':>9}{'width':>8}")
    for cell in coverage(runs):
        print(
            f"{cell.mode:8}{cell.timer_s:5.0f} s{cell.stray:7.0%}{cell.waits:7}"
            f"{cell.covered:10.2f}{cell.claimed:9.2f}{cell.width_s:6.0f} s"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
