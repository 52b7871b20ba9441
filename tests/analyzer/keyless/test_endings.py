"""How inferred waits without answer ended, and what may not be said of them."""

from __future__ import annotations

from typing import Any

from tests.analyzer.keyless.whispers import ASKS, CLIENT, SERVER, Dialogue, Whisper
from tests.analyzer.timeline.dialogue import ACK


def pending() -> tuple[Dialogue, Whisper, float]:
    """A device whose waits run out after 480 s, and then a wait without answer."""
    d = Dialogue()
    w = Whisper(d.connect())
    now = w.pings(1) + 0.05
    w.say(CLIENT, now, ASKS)
    return d, w, now


def last(d: Dialogue, until: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The last wait and its end."""
    wait = d.rows("heartbeats", until)[-1]
    return wait, next(row for row in d.rows("teardowns", until) if row["heartbeat_id"] == wait["heartbeat_id"])


def test_a_rst_in_the_servers_name_is_premature_and_the_idle_time_is_known() -> None:
    d, w, now = pending()
    w.end(now + 300, first_close="rst", side=SERVER)
    wait, end = last(d, now + 400)
    assert (wait["outcome"], round(wait["held_s"])) == ("torn_down", 300)
    assert (end["mechanism"], end["premature"], round(end["idle_s"])) == ("rst", True, 300)
    assert "inferred" in [item["kind"] for item in end["evidence"]]


def test_a_device_that_closes_long_before_its_waits_run_out_chose_to() -> None:
    d, w, now = pending()
    w.say(CLIENT, now + 100, 24).end(now + 100.1, first_close="fin", side=CLIENT)
    wait, end = last(d, now + 200)
    assert (end["ended_by"], end["premature"], end["cause"]) == ("client", False, "endpoint_close")
    assert wait["outcome"] == "torn_down"


def test_a_device_that_gives_up_into_a_dead_path_is_a_victim() -> None:
    d, w, now = pending()
    w.say(CLIENT, now + 540, 24)
    w.end(now + 560, first_close="fin", side=CLIENT, closed_at=now + 540.1, client={"unanswered_retransmissions": 5})
    wait, end = last(d, now + 600)
    assert (wait["outcome"], end["mechanism"], end["premature"]) == ("torn_down", "silent", True)
    assert (wait["requested_s"], wait["requested_source"]) == (480, "inferred")
    said = next(item["detail"] for item in end["evidence"] if item["kind"] == "gave_up")
    assert said == (
        "the client gave up after 540.0 s, and its close was not answered either; its waits that ran out lasted "
        "480.0 s at most"
    )


def test_a_device_that_closes_late_while_the_server_answers_is_not_judged() -> None:
    """It may have asked for more time than before, and have wanted something else."""
    d, w, now = pending()
    w.link.packet(now + 540.05, SERVER, ACK)
    w.say(CLIENT, now + 540, 24).end(now + 540.1, first_close="fin", side=CLIENT)
    wait, end = last(d, now + 600)
    assert (wait["outcome"], end["premature"], end["ended_by"]) == ("unknown", None, "client")


def test_a_device_that_resets_late_is_not_judged() -> None:
    d, w, now = pending()
    w.end(now + 540, first_close="rst", side=CLIENT)
    wait, end = last(d, now + 600)
    assert (wait["outcome"], end["premature"]) == ("unknown", None)


def test_a_wait_that_the_capture_cuts_is_neither_alive_nor_dead() -> None:
    d, w, now = pending()
    w.end(now, conn_state="S1")
    assert d.rows("heartbeats", now + 100)[-1]["outcome"] == "capture_end"


def test_waits_that_lived_and_died_bound_the_timer_without_any_key() -> None:
    d = Dialogue()
    for number in range(4):
        start = number * 2000.0
        w = Whisper(d.connect(start=start))
        w.ask(start + 0.1, 530, 9000).ask(start + 1, ASKS, 305, 240)
        w.say(CLIENT, start + 241.1, ASKS).end(start + 541.1, first_close="rst", side=SERVER)
    (timer,) = d.rows("idle_timeouts")
    assert (timer["deaths"], timer["survivals"], timer["behaviour"]) == (4, 4, "reset")
    assert 240 <= timer["low_s"] <= 300 <= timer["high_s"] <= 301


def test_nothing_inferred_is_called_proven() -> None:
    d, w, now = pending()
    w.link.rst(now + 300, SERVER, ttl=250)
    w.link.rst(now + 300.001, CLIENT, ttl=250)
    w.end(now + 300, first_close="rst", side=SERVER)
    assert last(d, now + 400)[1]["evidence_grade"] != "proven"
