"""How a device learns of mail: said where its rounds show it, and not otherwise."""

from typing import Any

import pytest

from analyzer.timeline.rounds import Round
from analyzer.timeline.sync_mode import Mode, mode, period
from tests.analyzer.timeline.dialogue import Dialogue

NS = 1_000_000_000


def modes(d: Dialogue, until: float = 20_000.0) -> list[tuple[Any, Any]]:
    return [(row["sync_mode"], row["scheduled_period_s"]) for row in d.rows("sessions", until)]


def rounds(times: list[float]) -> list[Round]:
    return [Round(round(at * NS), number) for number, at in enumerate(times, 1)]


def coming(times: list[float], **more: Any) -> Dialogue:
    """A device that connects at these times, asks for two folders and goes."""
    d = Dialogue()
    for at in times:
        link = d.connect(at - 0.2)
        link.sync(at, {"5": "1"}, answered_at=at + 0.2, received={"5": ("2", 1)}, **more)
        link.sync(at + 5, {"6": "1"}, answered_at=at + 5.2, received={"6": ("2", 0)}, **more)
        link.end(at + 6)
    return d


def test_a_device_that_waits_is_in_direct_push() -> None:
    d = coming([900.0 * n for n in range(1, 7)])
    link = d.connect(0)
    link.ping(10, 60, answer=(70, 1))
    link.end(71)
    assert modes(d) == [("direct_push", None)]


def test_rounds_of_one_period_are_a_schedule_with_that_period() -> None:
    assert modes(coming([10.0, 910.0, 1811.5, 2709.0, 3610.0])) == [("scheduled", pytest.approx(900.0))]


def test_three_rounds_are_too_few_for_a_schedule() -> None:
    assert modes(coming([10.0, 910.0, 1810.0])) == [("unknown", None)]


def test_less_than_five_minutes_are_no_schedule_that_devices_offer() -> None:
    assert modes(coming([10.0 + 120 * n for n in range(10)])) == [("unknown", None)]


def test_a_connection_to_the_same_server_that_stays_closed_may_hold_the_waits() -> None:
    d = coming([10.0 + 900 * n for n in range(6)])
    d.connect(5.0).end(4000, decryption="encrypted")
    assert modes(d) == [("unknown", None)]
    other = coming([10.0 + 900 * n for n in range(6)])
    other.connect(5.0, server="203.0.113.99").end(4000, decryption="encrypted")
    assert modes(other)[0][0] == "scheduled"


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([0, 300, 600, 900], 300),
        ([0, 900, 2700, 3600, 4500, 5400], 900),  # one round missed
        ([0, 900, 1200, 1800, 2700, 3600], 900),  # the user asked between
        ([0, 880, 1800, 2720, 3590], 897.5),  # it keeps its clock badly
        ([0, 900, 1800, 2700, 3900], None),  # one of four does not fit
        ([0, 900, 1500, 2700, 3300], None),
        ([0, 400, 1800, 2500, 5000, 5400], None),
        ([0, 3600, 7200, 10_750, 14_400], 3600),
        ([0, 280, 560, 840, 1120], None),
        ([], None),
        ([5.0], None),
    ],
)
def test_a_period_is_found_or_not(starts: list[float], expected: float | None) -> None:
    assert period(starts) == (None if expected is None else pytest.approx(expected))


def test_rounds_without_any_order_are_manual_only_over_a_long_time() -> None:
    assert mode(rounds([0, 100, 2000, 2100, 6000]), set()) == Mode("manual")
    assert mode(rounds([0, 100, 2000, 2100, 3000]), set()) == Mode("unknown")
    assert mode(rounds([0, 100, 2000, 6000]), set()) == Mode("unknown")
    assert mode(rounds([0, 1500, 3100, 4600, 6000]), set()) == Mode("unknown")  # nearly regular, but not enough


def test_rounds_that_follow_triggers_are_triggered_even_when_they_look_periodic() -> None:
    times = [0.0, 900.0, 1800.0, 2700.0]
    assert mode(rounds(times), {1, 2}) == Mode("sms_triggered")
    assert mode(rounds(times), {1}) == Mode("scheduled", 900.0)
    assert mode([], set()) == Mode("unknown")
