"""The interval of a timer: what the observations leave, how sure that is, and when nothing is said."""

import numpy as np
import pytest

from analyzer.timers.estimate import NOTHING, estimate, identified, observed


def test_under_three_ends_the_interval_has_no_probability() -> None:
    found = estimate(observed([20, 290, 100], timed=[301, 330]))
    assert (found.low_s, found.high_s, found.confidence) == (290, 301, None)


def test_a_death_shorter_than_a_survival_leaves_nothing_without_statistics() -> None:
    assert identified(observed([900], tested=[30])) == NOTHING


def test_without_deaths_only_the_lower_end_is_known() -> None:
    found = estimate(observed([900, 60]))
    assert (found.low_s, found.high_s, found.confidence) == (900, None, None)


def test_silence_leaves_the_whole_gap() -> None:
    """No timer between the longest survival and the shortest death is likelier than another."""
    found = estimate(observed([480.0] * 14 + [100, 200], tested=[720.0] * 5))
    assert (found.low_s, found.high_s, found.confidence) == (480, 720, 0.9)


def test_resets_at_one_idle_time_give_the_timer_to_seconds() -> None:
    found = estimate(observed([10, 60, 200, 290], timed=[300.2, 304.0, 307.5, 301.1, 309.0]))
    assert found.low_s is not None
    assert found.high_s is not None
    assert 285 < found.low_s <= 300 <= found.high_s < 301
    assert found.confidence == 0.9


def test_a_stray_death_moves_the_interval_no_more_than_a_little() -> None:
    """The shortest death would say 40 s."""
    found = estimate(observed([100.0, 200, 280, 290] * 5, timed=[40.0, 300.2, 304.0, 307.5, 301.1, 303.0]))
    assert found.low_s is not None
    assert found.low_s > 280
    assert found.confidence == 0.9


def test_a_refreshed_survival_does_not_hide_the_timer() -> None:
    found = estimate(observed([100.0, 200, 290, 900], timed=[300.2, 304.0, 307.5, 301.1, 303.0, 302.0]))
    assert found.high_s is not None
    assert found.high_s < 310


def test_deaths_at_all_lengths_are_no_timer() -> None:
    random = np.random.default_rng(5)
    found = estimate(observed(random.uniform(0, 1000, 50), timed=random.uniform(0, 1000, 20)))
    assert found.confidence is None
    found = estimate(observed(random.uniform(0, 1000, 50), tested=random.uniform(0, 1000, 20)))
    assert found.confidence is None


def test_waits_idle_for_exactly_the_timer_all_live_or_all_die() -> None:
    """Heartbeats sit on few values: of those at 900 s half died and half lived, which is no timer of 900 s."""
    found = estimate(observed([900.0] * 5, tested=[900.0] * 5))
    assert found.confidence is None


@pytest.mark.parametrize("count", [1, 7, 2000])
def test_the_order_of_the_observations_does_not_matter(count: int) -> None:
    random = np.random.default_rng(count)
    lived, died = random.uniform(0, 300, count), random.uniform(300, 310, 9)
    forwards = estimate(observed(lived, timed=died))
    assert forwards == estimate(observed(lived[::-1], timed=died[::-1]))
    assert forwards.confidence == 0.9
