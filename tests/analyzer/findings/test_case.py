"""The fates of waits as arrays, as a frame, and the timer: the same numbers as the tables have."""

import numpy as np
import pytest

from analyzer.findings.case import DIED, LIVED, SILENT, Case
from analyzer.tables import read
from tests.analyzer.timeline.dialogue import CLIENT, Dialogue
from tests.support.made import healthy, silent_firewall


def dead_path() -> Dialogue:
    """One wait lives for 100 s, one gets an error after 200 s, one goes silent; then the device is back."""
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, folders=["5"], answer=(110, 2))
    link.ping(120, 480, answer=(320, 8))
    link.ping(400, 480)
    link.end(930, first_close="fin", side=CLIENT, client={"unanswered_retransmissions": 4})
    again = d.connect(940)
    again.ping(941, 480, answer=(942, 1))
    again.end(950)
    return d


def test_timer_is_the_interval_of_idle_timeouts_also_when_an_error_was_what_got_through() -> None:
    tables = dead_path().tables()
    case = Case(tables)
    row = tables["idle_timeouts"].iloc[0]
    died = case.part(case.having(DIED, SILENT))
    timer = case.timer("203.0.113.10", np.array(died["x_s"]))
    assert (timer.low_s, timer.high_s) == (row["low_s"], row["high_s"])
    assert (timer.survivals, timer.deaths) == (row["survivals"], row["deaths"]) == (3, 1)
    assert timer.low_s == 200


@pytest.mark.parametrize("made", [healthy, silent_firewall], ids=lambda make: make.__name__)
def test_the_frame_of_all_waits_says_what_the_arrays_say(made: object) -> None:
    case = Case(made().tables())  # type: ignore[operator]
    waits, facts = case.waits, case.facts
    assert len(waits) == len(case) == case.count(LIVED) + case.count(DIED)
    assert np.array_equal((waits["fate"] == DIED).to_numpy(), facts.fate == 1)
    assert ((waits["way"] != "") == (waits["fate"] == DIED)).all()
    assert np.array_equal(waits["x_s"].to_numpy(), facts.x_s, equal_nan=True)
    assert waits["start"].is_monotonic_increasing
    assert waits["heartbeat_id"].tolist() == [case.tables["heartbeats"]["heartbeat_id"].iloc[row] for row in facts.row]


@pytest.mark.parametrize("made", [healthy, silent_firewall], ids=lambda make: make.__name__)
def test_a_part_says_what_the_frame_of_all_waits_says(made: object) -> None:
    case = Case(made().tables())  # type: ignore[operator]
    for places in (np.arange(len(case)), np.arange(len(case))[::-2], case.having(DIED)):
        part = case.part(places)
        assert len(part) == len(places)
        for name in set(case.waits.columns) - {"fate", "way"}:
            assert part[name] == read.values(case.waits.iloc[places], str(name)), name


def test_deaths_are_by_server_most_first_and_then_by_address() -> None:
    made = silent_firewall()
    for address in ("203.0.113.9", "203.0.113.11", "198.51.100.1", "198.51.100.1"):
        number = made.connection(server_ip=address)
        made.wait(62.0, "torn_down", asked=50.0, connection_id=number, end={})
    made.wait(62.0, "torn_down", asked=50.0, connection_id=4711, end={"connection_id": 4711})  # in no table
    groups = Case(made.tables()).deaths(SILENT)
    assert [(server, len(waits)) for server, waits in groups] == [
        ("203.0.113.10", 3), ("198.51.100.1", 2), ("203.0.113.11", 1), ("203.0.113.9", 1), ("?", 1),
    ]  # fmt: skip
    assert [waits.known("server_ip") for _, waits in groups][1:] == [
        ["198.51.100.1"] * 2, ["203.0.113.11"], ["203.0.113.9"], [],
    ]  # fmt: skip


def test_waits_by_device_are_complete_and_apart() -> None:
    d = dead_path()
    case = Case(d.tables())
    ((who, waits, total),) = list(case.by_speaker(np.arange(len(case))))
    assert (who, len(waits), total) == (1, 4, 4)
    assert waits["held_s"][:2] == [100, 200]
    assert waits.known("ping_status") == [2, 8, 1]
    assert list(case.by_speaker(np.array([], dtype=np.intp))) == []
