"""Who sent a request: complete requests, and such as do not name everything."""

import itertools
import random
import time
from typing import Any

from analyzer.timeline import Timeline
from analyzer.timeline.sessions import Sessions
from tests.analyzer.timeline.dialogue import Dialogue


def sessions(d: Dialogue) -> list[tuple[Any, ...]]:
    return [(r["server"], r["user"], r["device_id"], r["transactions"]) for r in d.rows("sessions")]


def test_a_session_is_server_user_and_device() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(1, 60, answer=(61, 1))
    link.ping(62, 60, answer=(122, 1), agent="Phone/2")
    link.ping(63, 60, answer=(123, 1), device="DEV2")
    link.end(130)
    rows = d.rows("sessions")
    assert sessions(d) == [("mail.example.com", "anna", "DEV1", 2), ("mail.example.com", "anna", "DEV2", 1)]
    assert (rows[0]["user_agent"], rows[0]["device_type"], rows[0]["protocol_version"]) == ("Phone/2", "iPhone", "14.1")
    assert (rows[0]["heartbeats"], rows[0]["connections"], rows[0]["sync_mode"]) == (2, 1, "direct_push")
    assert (rows[0]["bytes_up"], rows[0]["bytes_down"]) == (1000, 600)


def test_options_belongs_to_the_only_session_of_its_connection() -> None:
    d = Dialogue()
    link = d.connect()
    link.transaction(None, 1, b"", 1.1, b"", method="OPTIONS", user=None, device=None)
    link.ping(2, 60, answer=(62, 1))
    link.end(70)
    assert sessions(d) == [("mail.example.com", "anna", "DEV1", 2)]
    assert [r["session_id"] for r in d.rows("transactions")] == [1, 1]


def test_options_on_a_connection_that_devices_share_belongs_to_none() -> None:
    d = Dialogue()
    link = d.connect()
    link.transaction(None, 1, b"", 1.1, b"", method="OPTIONS", user=None, device=None)
    link.ping(2, 60, answer=(62, 1))
    link.ping(3, 60, answer=(63, 1), device="DEV2")
    link.end(70)
    assert [r["session_id"] for r in d.rows("transactions")] == [None, 1, 2]


def test_a_device_without_user_is_the_one_that_has_a_user() -> None:
    d = Dialogue()
    one, two = d.connect(), d.connect()
    one.ping(1, 60, answer=(61, 1), user=None)
    one.end(70)
    two.ping(2, 60, answer=(62, 1))
    two.end(70)
    assert sessions(d) == [("mail.example.com", "anna", "DEV1", 2)]


def test_a_device_of_two_users_is_not_joined_to_either() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(1, 60, answer=(61, 1), user=None)
    link.ping(2, 60, answer=(62, 1))
    link.ping(3, 60, answer=(63, 1), user="ben")
    link.end(70)
    assert [s[1] for s in sessions(d)] == [None, "anna", "ben"]


def test_without_host_the_server_is_its_address() -> None:
    d = Dialogue()
    for _ in range(2):
        link = d.connect()
        link.ping(1, 60, answer=(61, 1), host=None)
        link.end(70)
    assert sessions(d) == [("203.0.113.10:443", "anna", "DEV1", 2)]


def test_other_http_is_listed_and_belongs_to_no_session() -> None:
    d = Dialogue()
    link = d.connect()
    link.transaction(None, 1, b"", 2, b"", path="/owa/", method="GET")
    link.end(3)
    (row,) = d.rows("transactions")
    assert (row["path"], row["command"], row["session_id"]) == ("/owa/", None, None)
    assert d.rows("teardowns") == []
    assert [r["eas_evidence"] for r in d.rows("connections")] == ["none"]


def test_a_vague_request_is_joined_to_the_only_session_that_it_does_not_contradict() -> None:
    said = list(itertools.product((None, "mail", "post"), (None, "anna", "ben"), (None, "DEV1", "DEV2")))
    clear = [key for key in said if None not in (key[0], key[2])]
    dice = random.Random(7)
    seen = [0, 0, 0]
    for vague in (key for key in said if key not in clear):
        for _ in range(50):
            sessions = Sessions()
            known = {sessions.number(*key, 1): key for key in dice.sample(clear, dice.randrange(4))}
            asking = sessions.number(*vague, 1)
            fitting = [
                m
                for m, key in known.items()
                if all(a is None or b is None or a == b for a, b in zip(vague, key, strict=True))
            ]
            after = sessions.connection_ended({*known, asking}, "192.0.2.1:443")
            if len(fitting) == 1:
                resolved = sessions.resolved()
                assert (after, resolved[asking]) == (set(known), resolved[fitting[0]])
            else:
                assert len(after) == len(known) + 1
            seen[min(len(fitting), 2)] += 1
    assert min(seen) > 50


def test_thousands_of_devices_and_vague_requests_on_one_connection_of_a_proxy_take_no_time() -> None:
    sessions = Sessions()
    clear = [sessions.number("mail", f"user{i}", f"DEV{i}", 1) for i in range(5000)]
    vague = [sessions.number("mail", f"user{i}", None, 1) for i in range(5000)]
    start = time.process_time()
    after = sessions.connection_ended({*clear, *vague}, "192.0.2.1:443")
    assert time.process_time() - start < 0.5
    assert after == set(clear)


def test_each_device_more_on_one_connection_costs_the_same() -> None:
    d = Dialogue()
    link = d.connect()
    for number in range(20_000):
        link.transaction("Ping", number, b"", number + 0.5, b"", device=f"DEV{number}")
    link.end(20_001)
    timeline = Timeline()
    start = time.process_time()
    for event in d.events:
        timeline.add(event)
    assert time.process_time() - start < 2
