"""How each device changes its heartbeat, and where that will end → rows of `adaptations`.

Devices look for the longest interval that the path lets live, each in its own way, and the values that they ask for
tell which (Android: sources of EasSyncService and EasPing; Windows Mobile: TechNet cc182270):

    Android 2009-2012   470 s, by 180 s between 290 and 1010; 120 s when it was forced. After a failure one step down,
                        and then never up again.
    Android since 2013  480 s, by 300 s between 480 and 1680. Up after every expiry, down after every failure, so at its
                        limit it swings.
    Windows Mobile      a staircase of equal steps; a failure after a raise takes it back one step, any other one to its
                        minimum. After some successes it tries again.
    Apple               nothing is published; it climbs.

Exchange's own rule (KB 905013; events 3033 and 1040): when the mean of the newest 200 heartbeats is 540 s or less it
warns that a firewall may be cutting connections.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import adaptations
from analyzer.timeline.columns import Bools, Codes, Floats, Ints
from analyzer.timeline.idle_timeouts import Path

ANDROID_2009 = (290.0, 470.0, 650.0, 830.0, 1010.0)
ANDROID_2009_FORCED = 120.0
ANDROID_2013 = (480.0, 780.0, 1080.0, 1380.0, 1680.0)
FEW = 3  # waits, below which one value is no habit
MAX_STEPS = 100
NEWEST = 200  # heartbeats that Exchange takes the mean of
WARNS_AT_S = 540.0


class Run(NamedTuple):
    """Waits in a row that ask for the same."""

    requested_s: float
    waits: int
    deaths: int


class Habit(NamedTuple):
    """How a device finds its interval."""

    algorithm: str
    ladder: tuple[float, ...]  # the intervals that it may come to, rising; empty: not known
    step_s: float | None = None


UNKNOWN = Habit("unknown", ())


def recognised(runs: Sequence[Run]) -> Habit:
    """The algorithm by the values alone."""
    values = [run.requested_s for run in runs]
    distinct = sorted(set(values))
    if not values:
        return UNKNOWN
    if len(distinct) == 1:
        return Habit("fixed", (distinct[0],)) if sum(run.waits for run in runs) >= FEW else UNKNOWN
    rises = [later - one for one, later in pairwise(values) if later > one]
    step_s = rises[0] if rises and len(set(rises)) == 1 else None
    if set(values) <= set(ANDROID_2013):
        return Habit("android_2013", ANDROID_2013, 300.0)
    if set(values) - {ANDROID_2009_FORCED} <= set(ANDROID_2009):
        return Habit("android_2009", ANDROID_2009, 180.0)
    falls = [(one, later) for one, later in pairwise(values) if later < one]
    if step_s is not None and len(distinct) >= FEW:
        lowest = distinct[0]
        if all(later in (one - step_s, lowest) for one, later in falls):
            steps = round((distinct[-1] - lowest) / step_s) + 2
            return Habit("windows_mobile", tuple(lowest + n * step_s for n in range(steps)), step_s)
    if len(rises) >= 2 and not falls:
        return Habit("ios_like", (), step_s)
    return UNKNOWN._replace(step_s=step_s)


def prospect(habit: Habit, path: Path) -> tuple[float | None, str]:
    """The longest interval that will live, and what becomes of the device."""
    low, high = path.timer.low_s, path.timer.high_s
    if not habit.ladder or high is None:
        return None, "unknown"
    lives_at_most = [max((v for v in habit.ladder if v <= bound), default=None) for bound in (low or 0.0, high)]
    if lives_at_most[0] != lives_at_most[1]:
        return None, "unknown"  # the interval of the timer holds a step
    ends_at_s = lives_at_most[0]
    if ends_at_s is None:
        return None, "dies"
    longest = ends_at_s == habit.ladder[-1] and habit.algorithm != "windows_mobile"
    swings = not longest and habit.algorithm in ("android_2013", "windows_mobile")
    return ends_at_s, "swings" if swings else "settles"


def _begins(values: npt.NDArray[Any]) -> Bools:
    """Whether each differs from the one before; the first does."""
    found = np.ones(len(values), dtype=np.bool_)
    found[1:] = values[1:] != values[:-1]
    return found


def rows(
    session: Codes, path: Codes, start: Ints, requested_s: Floats, died: Bools, paths: Sequence[Path]
) -> TableBuilder:
    """The table. One value a wait whose interval is known: its session_id, its place in `paths`, its start, the
    interval in force and whether it was cut."""
    builder = TableBuilder(adaptations.TABLE)
    if not len(session):
        return builder
    order = np.lexsort((start, path, session))
    session, path, start, asked, dead = session[order], path[order], start[order], requested_s[order], died[order]
    del order
    new = _begins(session) | _begins(path)
    firsts = np.flatnonzero(new)
    lasts = np.append(firsts[1:], len(session))
    run_starts = np.flatnonzero(new | _begins(asked))
    run_lengths = np.diff(run_starts, append=len(session)).tolist()
    run_deaths = np.add.reduceat(dead.astype(np.int64), run_starts).tolist()
    run_of = np.searchsorted(run_starts, np.append(firsts, len(session))).tolist()  # the first run of each row
    summed = np.concatenate(([0.0], np.cumsum(asked)))
    counted = np.minimum(lasts - firsts, NEWEST)
    means = ((summed[lasts] - summed[lasts - counted]) / counted).tolist()
    runs = list(map(Run, asked[run_starts].tolist(), run_lengths, run_deaths))
    columns = (
        session[firsts], path[firsts], lasts - firsts, start[firsts], start[lasts - 1], asked[firsts], asked[lasts - 1],
        np.minimum.reduceat(asked, firsts), np.maximum.reduceat(asked, firsts), counted,
    )  # fmt: skip
    for number, (who, on, waits, begin, end, first_s, current_s, lowest_s, highest_s, of) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        own = runs[run_of[number] : run_of[number + 1]]
        habit = recognised(own)
        ends_at_s, becomes = prospect(habit, paths[on])
        steps = [{"requested_s": r.requested_s, "waits": r.waits, "deaths": r.deaths} for r in own[:MAX_STEPS]]
        builder.append(
            (
                who, paths[on].name, waits, begin, end, steps, first_s, current_s, lowest_s, highest_s, habit.algorithm,
                habit.step_s, ends_at_s, becomes, means[number], of, means[number] <= WARNS_AT_S,
            )
        )  # fmt: skip
    return builder
