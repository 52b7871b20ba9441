"""Which held requests are push waits, and how much evidence that takes."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.keyless import inference
from analyzer.keyless.family import alike
from tests.analyzer.keyless.whispers import ASKS, CHANGED, CLIENT, RAN_OUT, SERVER, Dialogue, Whisper


def closed(w: Whisper, seconds: float) -> None:
    w.end(seconds, first_close="fin", side=CLIENT)


def waits(d: Dialogue) -> list[dict[str, Any]]:
    return d.rows("heartbeats")


def test_a_device_that_pings_is_recognised_and_rows_say_that_it_is_inferred() -> None:
    d = Dialogue()
    w = Whisper(d.connect())
    closed(w, w.pings(1) + 1)
    assert [(row["kind"], row["outcome"], row["requested_s"], row["requested_source"]) for row in waits(d)] == [
        ("inferred", "expired", 480, "inferred"),
        ("inferred", "changes", 480, "inferred"),
        ("inferred", "expired", 480, "inferred"),
        ("inferred", "expired", 480, "inferred"),
    ]
    assert [row["eas_evidence"] for row in d.rows("connections")] == ["inferred"]
    assert all(row["inferred"] for row in d.rows("transactions"))


def test_neither_user_nor_folder_nor_status_is_ever_claimed() -> None:
    d = Dialogue()
    w = Whisper(d.connect(client="192.0.2.7"))
    closed(w, w.pings(1) + 1)
    (session,) = d.rows("sessions")
    assert (session["user"], session["device_id"], session["server"]) == (None, "192.0.2.7", "mail.example.com")
    assert (session["device_type"], session["user_agent"], session["protocol_version"]) == (None, None, None)
    for name in ("ping_status", "monitored_folders", "changed_folders", "http_status", "items"):
        assert {row[name] for row in waits(d)} == {None}, name
    unseen = ("method", "host", "path", "command", "http_version", "status", "request_body_bytes", "response_tls_bytes")
    for name in unseen:
        assert {row[name] for row in d.rows("transactions")} == {None}, name


def test_a_single_held_request_is_not_enough_however_long() -> None:
    d = Dialogue()
    w = Whisper(d.connect()).ask(1, 530, 9000).ask(2, ASKS, RAN_OUT, 1680)
    closed(w, 1690)
    assert waits(d) == []


@pytest.mark.parametrize("name", ["gateway.example.com", None])
def test_without_a_name_like_a_mail_servers_the_shape_must_say_it_all(name: str | None) -> None:
    d = Dialogue()
    w = Whisper(d.connect(), name=name)
    closed(w, w.pings(1) + 1)
    assert len(waits(d)) == 4
    d = Dialogue()
    w = Whisper(d.connect(), name=name).ask(1, ASKS, RAN_OUT, 60).ask(61.1, ASKS, RAN_OUT, 60)
    closed(w, 130)
    assert waits(d) == []


def test_requests_of_the_same_client_to_another_server_are_another_family() -> None:
    d = Dialogue()
    for server in ("203.0.113.10", "203.0.113.99"):
        w = Whisper(d.connect(server=server)).ask(1, 530, 900).ask(2, ASKS, RAN_OUT, 300)
        closed(w, 310)
    assert waits(d) == []


def test_a_new_connection_for_each_wait_is_one_family() -> None:
    d = Dialogue()
    for number in range(3):
        start = number * 500.0
        w = Whisper(d.connect(start=start)).ask(start + 0.1, ASKS, RAN_OUT, 480)
        closed(w, start + 480.2)
    assert [row["outcome"] for row in waits(d)] == ["unknown"] * 3  # nothing follows on the same connection
    assert [round(row["held_s"]) for row in waits(d)] == [480] * 3


def test_a_slow_server_makes_no_waits_of_its_syncs() -> None:
    """Two Syncs of one length take half a minute, the others of that length do not, and all bring much."""
    d = Dialogue()
    w = Whisper(d.connect())
    now = 1.0
    for takes, size in ((30, 59_000), (1, 14_000), (30, 35_000), (1, 7_000), (2, 22_000)):
        w.ask(now, 526, size, takes)
        now += takes + 0.1
    closed(w, w.pings(now) + 1)
    assert {row["outcome"] for row in waits(d)} == {"expired", "changes"}
    assert len(waits(d)) == 4


def test_tickets_that_come_after_the_first_request_are_known_from_another_connection() -> None:
    """A wait that begins with its connection and never gets an answer: the two tickets are none."""
    d = Dialogue()
    w = Whisper(d.connect())
    last = w.pings(1)
    w.say(CLIENT, last + 0.01, ASKS).end(last + 600, first_close="rst", side=SERVER)
    start = last + 601
    w = Whisper(d.connect(start=start), opening=False).say(CLIENT, start, 517, 22).say(SERVER, start + 0.02, 1400, 22)
    w.say(CLIENT, start + 0.04, 64 + ASKS, 20).say(SERVER, start + 0.06, 542)
    w.end(start + 600, first_close="rst", side=SERVER)
    assert [(row["outcome"], round(row["held_s"])) for row in waits(d)[-2:]] == [("torn_down", 600)] * 2


def test_http2_with_one_request_at_a_time_is_recognised_too() -> None:
    """HEADERS and DATA of 147 bytes; WINDOW_UPDATE at once; the answer after the wait."""
    d = Dialogue()
    w = Whisper(d.connect(), name="outlook.office365.com").ask(0.2, 300, 700)
    now = 1.0
    for turn in range(5):
        held = 130.0 if turn == 2 else 480.0
        w.say(CLIENT, now, 147).say(SERVER, now + 0.01, 35).say(SERVER, now + held, 162 if turn == 2 else 155)
        now += held + 0.05
        if turn == 2:
            w.ask(now, 182, 1020)
            now += 0.1
    closed(w, now)
    assert [row["outcome"] for row in waits(d)] == ["expired", "expired", "changes", "expired", "expired"]


def test_the_same_bytes_seen_twice_count_once() -> None:
    d = Dialogue()
    w = Whisper(d.connect())
    last = w.pings(1) + 1
    closed(w, last)
    copy = Whisper(d.connect(client="198.51.100.1"))
    copy.pings(1)
    copy.end(last, first_close="fin", side=CLIENT, duplicate_of=1)
    assert len(waits(d)) == 4


def test_the_order_in_which_connections_end_does_not_matter() -> None:
    found = []
    for order in (1, -1):
        d = Dialogue()
        for number in range(4):
            w = Whisper(d.connect(start=number * 3000.0, client=f"192.0.2.{number % 2}"))
            w.end(w.pings(number * 3000.0 + 1, 5) + 1, first_close="fin", side=CLIENT)
        d.events = d.events[::order]
        found.append((waits(d), d.rows("sessions"), d.rows("transactions"), d.rows("teardowns")))
    assert found[0] == found[1]


def test_beyond_the_limit_connections_are_left_alone_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "MAX_KEPT", 12)
    d, found = Dialogue(), inference.Inference()
    for number in range(3):
        w = Whisper(d.connect(client=f"192.0.2.{number}"))
        found.add(w.end(w.pings(1) + 1, first_close="fin", side=CLIENT))
    assert found.left_out == 1
    assert [i.device for i in found.waits([])] == ["192.0.2.0", "192.0.2.1"]


def test_times_are_alike_within_two_seconds_or_two_percent() -> None:
    assert alike([480.2, 900, 481.9, 910, 30, 33]) == [[30], [33], [480.2, 481.9], [900, 910]]


def test_short_waits_are_found_by_the_length_that_long_ones_have_shown() -> None:
    d = Dialogue()
    w = Whisper(d.connect())
    last = w.pings(1)
    w.ask(last + 0.05, ASKS, CHANGED, 0.4).ask(last + 0.5, 526, 2928)
    closed(w, last + 5)
    assert [(round(row["held_s"], 1), row["outcome"]) for row in waits(d)][-1] == (0.4, "changes")
