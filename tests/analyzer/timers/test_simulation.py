"""The estimated interval holds the timer at least nine times in ten: the simulation, rerun.

The quick part is a few cells; DIRECTPUSH_SIMULATION=200 (or `-m slow`) runs every cell, so many times each.
"""

import os
from math import isnan

import pytest

from analyzer.timers.estimate import CONFIDENCE
from analyzer.timers.simulation import MODES, STRAY, TIMERS_S, WAITS, Cell, coverage

CLAIMED = 0.2  # a cell that hardly ever claims anything has no coverage to speak of
FULL = int(os.environ.get("DIRECTPUSH_SIMULATION", "0"))


def slack(runs: int) -> float:
    """Two standard errors of a share of nine tenths."""
    return 2 * (CONFIDENCE * (1 - CONFIDENCE) / runs) ** 0.5


def uncovered(cells: list[Cell], runs: int) -> list[Cell]:
    judged = [cell for cell in cells if cell.claimed >= CLAIMED]
    assert len(judged) > len(cells) / 2
    return [cell for cell in judged if cell.covered < CONFIDENCE - slack(int(runs * cell.claimed))]


def test_the_interval_holds_the_timer_in_nine_of_ten_runs() -> None:
    runs = 40
    cells = list(coverage(runs, timers_s=(60, 300, 900), stray=(0.1,), waits=(10, 100)))
    assert uncovered(cells, runs) == []


def test_more_waits_make_the_interval_narrower() -> None:
    few, many = coverage(20, modes=("silent",), timers_s=(300,), stray=(0.0,), waits=(10, 100))
    assert not isnan(many.width_s)
    assert many.width_s < few.width_s / 3


@pytest.mark.slow
def test_the_interval_holds_the_timer_in_at_least_nine_of_ten_cells() -> None:
    runs = FULL or 60
    cells = list(coverage(runs))
    assert len(cells) == len(MODES) * len(TIMERS_S) * len(STRAY) * len(WAITS)
    assert len(uncovered(cells, runs)) <= len(cells) / 10
