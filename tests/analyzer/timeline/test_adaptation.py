"""How devices look for a heartbeat that lives, and where that leads them."""

from typing import Any

import pytest

from analyzer.timeline.adaptation import Habit, Run, prospect, recognised
from analyzer.timeline.idle_timeouts import Path
from analyzer.timers.estimate import Estimate
from tests.analyzer.timeline.dialogue import CLIENT, SERVER, Dialogue


def runs(*values: float) -> list[Run]:
    return [Run(value, 1, 0) for value in values]


@pytest.mark.parametrize(
    ("values", "algorithm"),
    [
        ((480, 780, 1080, 780, 1080), "android_2013"),
        ((470, 650, 830, 650), "android_2009"),
        ((470, 120, 650), "android_2009"),  # a forced ping between
        ((480, 600, 720, 600, 480), "windows_mobile"),
        ((480, 600, 720, 480), "windows_mobile"),  # down to its minimum
        ((470, 600, 810, 900), "ios_like"),
        ((480, 600), "unknown"),
        ((480, 900, 480, 1000), "unknown"),
        ((), "unknown"),
    ],
)
def test_algorithms_are_told_by_their_values(values: tuple[float, ...], algorithm: str) -> None:
    assert recognised(runs(*values)).algorithm == algorithm


def test_one_value_is_a_habit_from_the_third_time_on() -> None:
    assert recognised([Run(900, 3, 0)]).algorithm == "fixed"
    assert recognised([Run(900, 2, 0)]).algorithm == "unknown"


@pytest.mark.parametrize(
    ("values", "timer", "expected"),
    [
        ((480, 780), (290, 300), (None, "dies")),
        ((480, 780), (900, 1000), (780, "swings")),
        ((480, 780), (700, 800), (None, "unknown")),  # the timer may be longer than 780 or not
        ((480, 780), (3600, 3700), (1680, "settles")),
        ((470, 650), (600, 640), (470, "settles")),
        ((480, 600, 720), (650, 700), (600, "swings")),
        ((470, 600, 810), (500, 550), (None, "unknown")),
    ],
)
def test_where_it_ends(values: tuple[float, ...], timer: tuple[float, float], expected: tuple[Any, str]) -> None:
    path = Path("a → b", "b", timer=Estimate(low_s=timer[0], high_s=timer[1], confidence=None, gain=0))
    assert prospect(recognised(runs(*values)), path) == expected


def test_without_a_timer_nothing_is_foretold() -> None:
    assert prospect(Habit("android_2013", (480.0, 780.0)), Path("a → b", "b")) == (None, "unknown")


def test_a_device_that_swings_at_a_timer_of_ten_minutes() -> None:
    d = Dialogue()
    begin = 0.0
    for interval, lives in ((480, True), (780, False), (480, True), (780, False), (480, True), (780, False)):
        link = d.connect(begin)
        if lives:
            link.ping(begin + 1, interval, answer=(begin + 1 + interval, 1))
            link.end(begin + 2 + interval, first_close="fin", side=CLIENT)
        else:
            link.ping(begin + 1, interval)
            link.rst(begin + 601, SERVER, ttl=50, has_ack=True)
            link.end(begin + 601, first_close="rst", side=SERVER)
        begin += 1000
    (row,) = d.rows("adaptations")
    assert (row["algorithm"], row["ends_at_s"], row["prospect"], row["step_s"]) == ("android_2013", 480, "swings", 300)
    assert (row["first_s"], row["current_s"], row["lowest_s"], row["highest_s"], row["waits"]) == (
        480,
        780,
        480,
        780,
        6,
    )
    assert row["steps"][:2] == [
        {"requested_s": 480.0, "waits": 1, "deaths": 0},
        {"requested_s": 780.0, "waits": 1, "deaths": 1},
    ]
    assert (row["mean_s"], row["mean_of"], row["server_warns"]) == (630, 6, False)
    (timer,) = d.rows("idle_timeouts")
    assert timer["low_s"] < 600 <= timer["high_s"] <= 601
    assert (timer["confidence"], timer["behaviour"]) == (0.9, "reset")


def test_exchange_takes_the_mean_of_the_newest_200() -> None:
    d = Dialogue()
    link = d.connect()
    for number in range(205):
        interval = 3000 if number < 5 else 540
        link.ping(10 + number * 4000, interval, answer=(10 + number * 4000 + 30, 2))
    link.end(900_000)
    (row,) = d.rows("adaptations", until=1_000_000)
    assert (row["mean_s"], row["mean_of"], row["server_warns"], row["waits"]) == (540, 200, True, 205)
