"""The idle timer of a path: an interval, its contradictions, and what is left out."""

import pytest

from analyzer.timeline.idle_timeouts import network
from analyzer.timeline.known_timers import KNOWN_TIMERS, candidates
from tests.analyzer.timeline.dialogue import CLIENT, SERVER, Dialogue


def lived(d: Dialogue, seconds: float, **end: object) -> None:
    link = d.connect()
    link.ping(10, 3540, answer=(10 + seconds, 2))
    link.end(11 + seconds, first_close="fin", side=CLIENT, **end)


def reset_after(d: Dialogue, seconds: float) -> None:
    link = d.connect()
    link.ping(10, 3540)
    link.rst(10 + seconds, SERVER, ttl=60)
    link.end(10 + seconds, first_close="rst", side=SERVER)


def test_the_timer_lies_between_the_longest_survival_and_the_shortest_death() -> None:
    d = Dialogue()
    for seconds in (20, 290, 100):
        lived(d, seconds)
    for seconds in (301, 330):
        reset_after(d, seconds)
    (row,) = d.rows("idle_timeouts")
    assert (row["low_s"], row["high_s"], row["behaviour"]) == (290, 301, "reset")
    assert (row["deaths"], row["survivals"], row["clients"], row["confidence"]) == (2, 3, 1, None)
    assert row["path"] == "10.0.0.0/24 → 203.0.113.10"
    assert [c["name"] for c in row["candidates"]] == ["F5 BIG-IP TCP profile"]
    assert "30 min" in row["advice"]


def test_without_deaths_there_is_only_a_lower_bound() -> None:
    d = Dialogue()
    lived(d, 900)
    (row,) = d.rows("idle_timeouts")
    assert (row["low_s"], row["high_s"], row["behaviour"], row["advice"]) == (900, None, None, None)
    assert row["candidates"] == []


def test_a_death_shorter_than_a_survival_is_said_and_gives_no_interval() -> None:
    d = Dialogue()
    lived(d, 900)
    reset_after(d, 30)
    (row,) = d.rows("idle_timeouts")
    assert (row["low_s"], row["high_s"], row["longest_survived_s"], row["shortest_death_s"]) == (None, None, 900, 30)
    assert row["advice"].startswith("No single idle timer explains this: 1 of 1 waits")


def test_keep_alives_make_a_wait_say_nothing() -> None:
    d = Dialogue()
    lived(d, 900, client={"keepalives": 12})
    lived(d, 100)
    (row,) = d.rows("idle_timeouts")
    assert (row["low_s"], row["survivals"]) == (100, 1)


def test_paths_are_kept_apart() -> None:
    d = Dialogue()
    for client in ("10.0.0.7", "10.0.0.8", "10.0.1.7"):
        link = d.connect(client=client)
        link.ping(10, 60, answer=(70, 1))
        link.end(80)
    assert [(r["path"], r["clients"]) for r in d.rows("idle_timeouts")] == [
        ("10.0.0.0/24 → 203.0.113.10", 2),
        ("10.0.1.0/24 → 203.0.113.10", 1),
    ]


@pytest.mark.parametrize(
    ("ip", "expected"), [("192.0.2.9", "192.0.2.0/24"), ("2001:db8::1:2", "2001:db8::/64"), ("phone", "phone")]
)
def test_client_networks(ip: str, expected: str) -> None:
    assert network(ip) == expected


def test_candidates_need_a_closed_interval_and_the_right_behaviour() -> None:
    assert [c["timer_s"] for c in candidates(290, 360, "silent")] == [350.0]
    assert candidates(290, None, "silent") == []
    assert candidates(299.9, 300, "proxy_error")[0]["timer_s"] == 300
    assert candidates(300, 340, "reset") == []  # the low end survived
    assert all(timer.source for timer in KNOWN_TIMERS)
