"""What several ends have in common, and what only looks so."""

from typing import Any

import pytest

from tests.analyzer.timeline.dialogue import CLIENT, SERVER, Dialogue, at


def lived(d: Dialogue, start: float, seconds: float, **device: Any) -> None:
    link = d.connect(start)
    link.ping(start + 1, 3000, answer=(start + 1 + seconds, 2), **device)
    link.end(start + 2 + seconds, first_close="fin", side=CLIENT)


def cut(d: Dialogue, start: float, seconds: float, *, client: str = "10.0.0.7", ttl: int = 63, **device: Any) -> None:
    link = d.connect(start, client=client)
    link.ping(start + 1, 3000, **device)
    link.rst(start + 1 + seconds, SERVER, ttl=ttl, has_ack=True, after_side=SERVER, after=seconds)
    link.end(start + 1 + seconds, first_close="rst", side=SERVER)


def causes(d: Dialogue) -> list[tuple[str, str]]:
    return [(r["ended_by"], r["cause"]) for r in d.rows("teardowns", 1e6) if r["premature"]]


def test_one_hop_of_difference_each_time_is_a_stranger() -> None:
    d = Dialogue()
    for number, seconds in enumerate((100, 300, 700)):
        cut(d, number * 5000, seconds, ttl=64)
    assert {by for by, _ in causes(d)} == {"middlebox"}


def test_one_usual_ttl_among_them_leaves_it_open() -> None:
    d = Dialogue()
    for number, (seconds, ttl) in enumerate(((100, 64), (300, 64), (700, 63))):
        cut(d, number * 5000, seconds, ttl=ttl)
    assert sorted({by for by, _ in causes(d)}) == ["server_side", "unknown"]


def test_devices_cut_together_after_different_idle_times_are_a_mass_event() -> None:
    d = Dialogue()
    for number in range(4):
        cut(d, 5000 - 200 * number, 200 * number + 50, client=f"10.0.{number}.7", device=f"DEV{number}")
    assert {cause for _, cause in causes(d)} == {"mass_event"}
    assert d.rows("idle_timeouts", 1e6) == []


def test_devices_that_began_to_wait_together_and_end_together_are_no_mass_event() -> None:
    d = Dialogue()
    for number in range(4):
        cut(d, 5000, 300, client=f"10.0.{number}.7", device=f"DEV{number}")
    assert "mass_event" not in {cause for _, cause in causes(d)}


def test_the_same_idle_time_is_an_idle_timer_whoever_has_it() -> None:
    d = Dialogue()
    for number in range(5):
        lived(d, number * 5000, 100 + 30 * number)
        link = d.connect(number * 5000 + 1000)
        link.ping(number * 5000 + 1001, 3000, answer=(number * 5000 + 1011 + 77 * number, 2))
        begin = number * 5000 + 1012 + 77 * number
        link.ping(begin, 3000)
        link.rst(begin + 300, SERVER, has_ack=True, after_side=SERVER, after=300)
        link.end(begin + 300, first_close="rst", side=SERVER)
    assert set(causes(d)) == {("server_side", "idle_timeout")}
    (row,) = d.rows("idle_timeouts", 1e6)
    assert row["low_s"] < 300 <= row["high_s"] < 301
    assert row["confidence"] == 0.9


def test_the_same_age_is_a_limit_on_age_and_no_idle_timer() -> None:
    d = Dialogue()
    for number, before in enumerate((50, 200, 350, 500, 550)):
        start = number * 5000.0
        link = d.connect(start)
        link.ping(start + 1, 3000, answer=(start + before, 2))
        link.ping(start + before + 1, 3000)
        link.rst(start + 600, SERVER, has_ack=True, after_side=SERVER, after=600 - before - 1)
        link.end(start + 600, first_close="rst", side=SERVER)
    assert {cause for _, cause in causes(d)} == {"maximum_age"}
    (row,) = d.rows("idle_timeouts", 1e6)
    assert (row["deaths"], row["high_s"], row["confidence"]) == (0, None, None)


def test_where_idle_time_and_age_explain_the_ends_equally_the_evidence_says_so() -> None:
    """Each wait is the first on its connection: how long it was idle is how old the connection is."""
    d = Dialogue()
    for number in range(5):
        lived(d, number * 5000, 100 + 30 * number)
        cut(d, number * 5000 + 1000, 300)
    kinds = {item["kind"] for row in d.rows("teardowns", 1e6) if row["premature"] for item in row["evidence"]}
    assert "idle_or_age" in kinds
    assert "same_idle" not in kinds


def test_the_same_minute_of_the_hour_is_a_job() -> None:
    d = Dialogue()
    for hour, seconds in enumerate((100, 900, 400, 1500, 700)):
        lived(d, hour * 3600, 1600)
        cut(d, hour * 3600 + 3000 - seconds, seconds)
    assert {cause for _, cause in causes(d)} == {"scheduled"}


def test_ends_at_any_time_are_what_endpoints_do() -> None:
    d = Dialogue()
    for number, seconds in enumerate((100, 900, 400, 1500, 700)):
        cut(d, number * 4321, seconds)
        lived(d, number * 4321 + 2000, 1600)
    assert {cause for _, cause in causes(d)} == {"endpoint_close"}


@pytest.mark.parametrize(("last", "cause"), [(300.2, "idle_timeout"), (340, "endpoint_close")])
def test_a_client_that_drops_waits_after_always_the_same_time_is_a_proxy_with_a_timer(last: float, cause: str) -> None:
    d = Dialogue()
    for number, seconds in enumerate((300, 300.1, last)):
        link = d.connect(number * 5000)
        link.ping(number * 5000 + 1, 3000)
        link.end(number * 5000 + 1 + seconds, first_close="fin", side=CLIENT)
    rows = d.rows("teardowns", 1e6)
    assert {(r["ended_by"], r["cause"], r["premature"]) for r in rows} == {("client", cause, False)}


def test_a_silent_end_after_less_than_others_survived_is_no_timers() -> None:
    d = Dialogue()
    lived(d, 0, 900)
    link = d.connect(2000)
    link.ping(2001, 50, answer=(2051, 1))
    lost = {"unacked_bytes": 200, "unanswered_retransmissions": 9, "unanswered_since_ns": None}
    link.packet(2100, SERVER)
    link.end(2100, server=lost | {"unanswered_since_ns": at(2051)})
    again = d.connect(2060)
    again.sync(2061, {"5": "1"}, answered_at=2062)
    again.end(2070)
    (row,) = [r for r in d.rows("teardowns", 1e6) if r["premature"]]
    assert (row["ended_by"], row["cause"]) == ("path", "unknown")
    assert "shorter_than_survived" in [item["kind"] for item in row["evidence"]]


def test_clients_of_one_network_that_contradict_one_another_stand_alone() -> None:
    d = Dialogue()
    for number in range(4):
        link = d.connect(number * 5000, client="10.0.0.8")
        link.ping(number * 5000 + 1, 3000, answer=(number * 5000 + 1501, 2), device="DEV8")
        link.end(number * 5000 + 1502, first_close="fin", side=CLIENT)
        cut(d, number * 5000 + 77, 300)
        lived(d, number * 5000 + 1000, 200)
    paths = {r["path"]: (r["deaths"], r["survivals"]) for r in d.rows("idle_timeouts", 1e6)}
    assert paths == {"10.0.0.7 → 203.0.113.10": (4, 4), "10.0.0.8 → 203.0.113.10": (0, 4)}
