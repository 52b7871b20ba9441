"""Two clocks on one scale: the truth lies inside what is said, and what cannot be known is not said."""

import numpy as np
import pytest

from analyzer.pair.clocks import NO_PAIRS_ERROR_NS, align
from tests.analyzer.pair.views import Clocks
from tests.dissectors.net.wire import MS, SECOND, START

HOUR = 3600 * SECOND


def pairs(clocks: Clocks, span_ns: int, count: int = 300, jitter_ns: int = 50 * MS, seed: int = 1):
    """Packets in both directions, 5 ms and more under way."""
    rng = np.random.default_rng(seed)
    found = []
    for direction in (1, -1):
        device = START + np.sort(rng.integers(0, span_ns, count))
        delay = 5 * MS + rng.exponential(jitter_ns, count).astype(np.int64)
        server = np.array([clocks.at_server(int(time_ns)) for time_ns in device + direction * delay])
        found.append((device, server))
    return found[0], found[1]


@pytest.mark.parametrize("offset_ns", [0, 7 * MS, -3 * HOUR, 86_400 * SECOND * 365])
@pytest.mark.parametrize("drift", [0.0, 40e-6, -120e-6])
def test_true_offset_lies_within_the_stated_error(offset_ns: int, drift: float) -> None:
    clocks = Clocks(offset_ns, drift)
    clock = align(*pairs(clocks, 2 * HOUR))
    for at in (START, START + HOUR, START + 2 * HOUR):
        assert abs(clock.to_device(clocks.at_server(at)) - at) <= clock.error_ns * 1.5
    assert clock.fits
    assert clock.error_ns < 20 * MS


def test_drift_is_said_when_the_captures_are_long() -> None:
    clock = align(*pairs(Clocks(5 * SECOND, 40e-6), 6 * HOUR))
    assert clock.drift_known
    assert clock.drift_error is not None
    assert abs(clock.drift - 40e-6) <= clock.drift_error


def test_drift_is_not_said_of_a_minute() -> None:
    clock = align(*pairs(Clocks(5 * SECOND, 40e-6), 60 * SECOND))
    assert not clock.drift_known
    assert clock.drift == 0
    assert abs(clock.offset_ns - 5 * SECOND) < clock.error_ns + 5 * MS


def test_a_few_wrong_pairs_do_not_spoil_it() -> None:
    up, down = pairs(Clocks(2 * SECOND), HOUR)
    up[1][10] -= 3 * SECOND  # arrived before it was sent: paired with a later copy
    clock = align(up, down)
    assert clock.fits
    assert abs(clock.offset_ns - 2 * SECOND) <= clock.error_ns


def test_clock_that_was_set_makes_the_error_as_large_as_the_step() -> None:
    up, down = pairs(Clocks(), HOUR)
    for columns in (up, down):
        columns[1][columns[0] > START + HOUR // 2] += 10 * SECOND
    clock = align(up, down)
    assert not clock.fits
    assert clock.error_ns > SECOND
    assert not clock.drift_known


def test_one_direction_alone_puts_nothing_in_order() -> None:
    up, _ = pairs(Clocks(3 * SECOND), HOUR)
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64)
    clock = align(up, nothing)
    assert not clock.known
    assert clock.error_ns >= NO_PAIRS_ERROR_NS
    assert align(nothing, nothing).error_ns >= NO_PAIRS_ERROR_NS


def test_columns_move_as_single_times_do() -> None:
    up, down = pairs(Clocks(2 * SECOND, 100e-6), 6 * HOUR)
    clock = align(up, down)
    moved = clock.columns_to_device(up[1])
    assert all(
        abs(int(time_ns) - clock.to_device(float(server))) < 1000 for time_ns, server in zip(moved, up[1], strict=True)
    )
    assert np.abs(moved - up[0]).max() < SECOND
