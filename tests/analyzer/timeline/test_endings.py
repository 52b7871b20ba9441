"""Who ended a wait and why: the stories of the shared captures in a few events each, and their near misses."""

from typing import Any

import pytest

from tests.analyzer.timeline.dialogue import ACK, CLIENT, SERVER, Dialogue, at


def wait(d: Dialogue, until: float = 10_000.0) -> dict[str, Any]:
    return d.rows("heartbeats", until)[-1]


def teardown(d: Dialogue, until: float = 10_000.0) -> dict[str, Any]:
    """The one that ended the last wait, with the kinds of its evidence."""
    heartbeat_id = wait(d, until)["heartbeat_id"]
    (row,) = [r for r in d.rows("teardowns", until) if r["heartbeat_id"] == heartbeat_id]
    return row | {"kinds": [e["kind"] for e in row["evidence"]]}


def judged(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[c] for c in ("mechanism", "ended_by", "cause", "premature"))


GAVE_UP = {"unacked_bytes": 24, "unanswered_retransmissions": 7, "unanswered_since_ns": at(92)}
ANSWER_LOST = {"unacked_bytes": 200, "unanswered_retransmissions": 9, "unanswered_since_ns": at(80)}


def device_waits() -> tuple[Dialogue, Any]:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, folders=["5"])
    return d, link


# --- black hole (sample b_blackhole) ----------------------------------------------------------------------------------


def test_a_device_that_gives_up_after_the_answer_was_due_is_the_victim_of_a_silent_path() -> None:
    d, link = device_waits()
    link.end(92, first_close="fin", side=CLIENT, client=GAVE_UP)
    assert judged(teardown(d)) == ("silent", "path", "unknown", True)
    assert (wait(d)["outcome"], wait(d)["held_s"]) == ("torn_down", 62)


def test_the_path_only_forgot_the_connection_when_the_device_gets_through_on_a_new_one() -> None:
    d, link = device_waits()
    link.packet(96, CLIENT)  # one more repetition, while the new connection works
    link.end(96, first_close="fin", side=CLIENT, client=GAVE_UP, closed_at=92)
    again = d.connect(93.5)
    again.sync(94, {"5": "1"}, answered_at=95)
    again.end(99)
    assert judged(teardown(d)) == ("silent", "path", "idle_timeout", True)
    assert "reconnected" in teardown(d)["kinds"]


def test_a_device_that_is_back_when_nothing_of_the_old_connection_is_sent_any_more_may_have_been_away() -> None:
    d, link = device_waits()
    link.end(92, first_close="fin", side=CLIENT, client=GAVE_UP)
    again = d.connect(93.5)
    again.sync(94, {"5": "1"}, answered_at=95)
    again.end(99)
    assert judged(teardown(d)) == ("silent", "path", "unknown", True)
    assert "reconnected" in teardown(d)["kinds"]


def test_a_device_heard_from_another_address_while_its_wait_was_pending_had_left() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, answer=(80, 1))
    link.end(200, server=ANSWER_LOST)
    again = d.connect(55, client="172.16.9.9")
    again.ping(56, 50, answer=(106, 1))
    again.end(110)
    assert [judged(r) for r in d.rows("teardowns") if r["premature"]] == [("silent", "path", "roamed", True)]


def test_a_device_that_comes_back_from_another_address_has_roamed() -> None:
    d, link = device_waits()
    link.end(92, first_close="fin", side=CLIENT, client=GAVE_UP)
    again = d.connect(93.5, client="172.16.9.9")
    again.sync(94, {"5": "1"}, answered_at=95)
    again.end(99)
    assert judged(teardown(d)) == ("silent", "path", "roamed", True)


def test_an_older_connection_that_goes_unanswered_too_shows_nothing() -> None:
    d, link = device_waits()
    link.end(92, first_close="fin", side=CLIENT, client=GAVE_UP)
    old = d.connect(5)
    old.sync(94, {"5": "1"})
    old.end(99)
    assert d.rows("teardowns")[0]["cause"] == "unknown"


def test_a_server_that_answers_the_close_was_there_and_had_not_answered() -> None:
    d, link = device_waits()
    link.packet(92.03, SERVER, ACK)
    link.end(92, first_close="fin", side=CLIENT)
    assert judged(teardown(d)) == ("fin", "client", "unknown", True)
    assert "path_alive" in teardown(d)["kinds"]
    assert d.rows("idle_timeouts") == []


def test_at_the_server_an_answer_that_is_never_acknowledged_is_a_silent_death() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, answer=(80, 1))
    link.end(200, server=ANSWER_LOST)
    row = teardown(d)
    assert judged(row) == ("silent", "path", "unknown", True)
    assert row["idle_s"] == 50
    assert (wait(d)["outcome"], wait(d)["held_s"], wait(d)["http_status"]) == ("torn_down", 50, 200)


def test_an_answer_that_the_capture_ends_upon_is_an_answer() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, answer=(80, 1))
    link.end(80, server={"unacked_bytes": 200, "unanswered_since_ns": at(80)})
    assert wait(d)["outcome"] == "expired"


def test_an_acknowledged_answer_is_not_undone_by_a_later_one_that_got_lost() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, answer=(80, 1))
    link.sync(81, {"5": "1"}, answered_at=82)
    link.end(200, server=ANSWER_LOST | {"unanswered_since_ns": at(82)})
    assert wait(d)["outcome"] == "expired"
    (row,) = d.rows("teardowns")
    assert judged(row) == ("silent", "path", "unknown", False)


def test_a_request_that_is_never_acknowledged_went_into_a_dead_path() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 50, answer=(60, 1))
    link.ping(400, 50)
    lost = {"unacked_bytes": 500, "unanswered_retransmissions": 6, "unanswered_since_ns": at(400)}
    link.end(415, first_close="fin", side=CLIENT, client=lost)
    row = teardown(d)
    assert judged(row) == ("silent", "path", "unknown", True)
    assert row["idle_s"] == 340  # since the last answer: the path died before the request


# --- a firewall that resets (sample c_fw_rst) -------------------------------------------------------------------------


def test_a_rst_with_another_ttl_that_answers_the_devices_close_tells_of_lost_state() -> None:
    d, link = device_waits()
    link.rst(92.001, SERVER, ttl=64, after_side=CLIENT)
    # To TCP the close_notify is data, so the first packet that closes is the RST that answers it.
    rst = {"first_close": "rst", "first_close_side": SERVER, "first_close_ns": at(92.001), "first_close_frame": 92_002}
    link.end(92.001, side=CLIENT, close_notify=92, **rst)
    assert judged(teardown(d)) == ("silent", "middlebox", "idle_timeout", True)
    assert teardown(d)["kinds"] == ["close_notify", "gave_up", "rst_ttl_differs", "state_lost"]


def test_at_the_server_a_rst_with_another_ttl_that_answers_the_answer_is_the_firewalls() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, answer=(80, 1))
    link.rst(80.001, CLIENT, ttl=64, after_side=SERVER)
    link.end(80.001, first_close="rst", side=CLIENT, server={"unacked_bytes": 200, "unanswered_since_ns": at(80)})
    assert judged(teardown(d)) == ("rst", "middlebox", "idle_timeout", True)


def test_the_same_rst_with_the_clients_own_ttl_leaves_the_culprit_unknown() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, answer=(80, 1))
    link.rst(80.001, CLIENT, ttl=63, after_side=SERVER)
    link.end(80.001, first_close="rst", side=CLIENT, server={"unacked_bytes": 200, "unanswered_since_ns": at(80)})
    assert judged(teardown(d)) == ("rst", "unknown", "unknown", True)


@pytest.mark.parametrize(
    ("ttl", "ended_by", "cause"),
    [(55, "middlebox", "unknown"), (64, "unknown", "unknown"), (63, "server_side", "endpoint_close")],
    ids=["another family", "one hop is weak alone", "the same"],
)
def test_a_rst_in_the_middle_of_a_wait_is_premature_whoever_sent_it(ttl: int, ended_by: str, cause: str) -> None:
    d, link = device_waits()
    link.rst(55, SERVER, ttl=ttl)
    link.end(55, first_close="rst", side=SERVER)
    assert judged(teardown(d)) == ("rst", ended_by, cause, True)
    assert teardown(d)["idle_s"] == 25


def test_a_request_that_meets_a_rst_died_before_it_was_sent() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 50, folders=["5"], answer=(20, 2))
    link.ping(400, 50)
    link.rst(400.004, SERVER, ttl=64, after_side=CLIENT)
    link.end(400.004, first_close="rst", side=SERVER)
    assert judged(teardown(d)) == ("rst", "middlebox", "idle_timeout", True)
    assert teardown(d)["idle_s"] == pytest.approx(380, abs=0.01)


def test_an_answer_after_a_rst_in_the_servers_name_shows_that_the_server_did_not_send_it() -> None:
    d, link = device_waits()
    d.events.clear()
    link.ping(30, 50, answer=(80, 1))
    link.rst(40, SERVER)
    link.packet(80, SERVER)
    link.rst(80.0001, CLIENT, after_side=SERVER)
    lost = {"unacked_bytes": 200, "unanswered_since_ns": at(80)}
    link.end(80.0001, first_close="rst", side=SERVER, closed_at=40, server=lost)
    assert judged(teardown(d))[:2] == ("rst", "middlebox")
    assert teardown(d)["evidence_grade"] in ("likely", "proven")
    assert (teardown(d)["idle_s"], wait(d)["held_s"]) == (10, 10)


def test_a_client_that_answers_the_answer_with_rst_and_ack_has_got_it() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, answer=(80, 1))
    link.rst(80.01, CLIENT, after_side=SERVER, has_ack=True)
    link.end(80.01, first_close="rst", side=CLIENT, server={"unacked_bytes": 200, "unanswered_since_ns": at(80)})
    assert wait(d)["outcome"] == "expired"


@pytest.mark.parametrize(("ttl", "said"), [(55, ("middlebox", True)), (64, ("unknown", None)), (63, ("client", False))])
def test_a_rst_in_the_clients_name_with_another_ttl_is_not_the_clients_choice(ttl: int, said: tuple[Any, ...]) -> None:
    d, link = device_waits()
    link.rst(55, CLIENT, ttl=ttl)
    link.end(55, first_close="rst", side=CLIENT)
    assert judged(teardown(d))[1::2] == said


# --- proxies (sample d_nginx504) --------------------------------------------------------------------------------------


def test_a_gateways_504_cuts_the_wait_and_the_connection_lives_on() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 60, folders=["5"], answer=(30, 2))
    link.ping(31, 60)
    d.events.pop()
    link.transaction("Ping", 31, b"", 56, b"<html>", status=504, server_header=False)
    link.end(60, first_close="fin", side=CLIENT)
    assert judged(teardown(d)) == ("http_error", "middlebox", "proxy_timeout", True)
    assert (wait(d)["outcome"], wait(d)["held_s"]) == ("torn_down", 25)
    assert (teardown(d)["requested_s"], teardown(d)["held_s"]) == (60, 25)  # inherited, known only at the end
    assert [judged(r)[3] for r in d.rows("teardowns")] == [True, False]


def test_a_503_that_iis_signs_is_no_gateways() -> None:
    d = Dialogue()
    link = d.connect()
    link.transaction(
        "Ping", 31, b"", 56, b"<html>", status=503, server_header=False, said={"server": "Microsoft-HTTPAPI/2.0"}
    )
    link.end(60, first_close="fin", side=CLIENT)
    assert judged(teardown(d))[:3] == ("http_error", "server_side", "http_error")


def test_a_502_at_once_is_a_refusal_and_no_teardown() -> None:
    d = Dialogue()
    link = d.connect()
    link.transaction("Ping", 31, b"", 31.2, b"<html>", status=502, server_header=False)
    link.end(60, first_close="fin", side=CLIENT)
    assert wait(d)["outcome"] == "error"
    assert [r["premature"] for r in d.rows("teardowns")] == [False]


# --- the server (sample e_nginx_kill) ---------------------------------------------------------------------------------


def test_a_fin_of_the_server_in_the_middle_of_a_wait_is_premature() -> None:
    d, link = device_waits()
    link.end(53, first_close="fin", side=SERVER)
    assert judged(teardown(d)) == ("fin", "server_side", "endpoint_close", True)


def test_a_server_that_then_refuses_connections_was_stopped() -> None:
    d, link = device_waits()
    link.end(53, first_close="fin", side=SERVER)
    d.connect(55).end(55, first_close="rst", side=SERVER, conn_state="REJ")
    d.connect(54, server="198.51.100.1").end(54, first_close="rst", side=SERVER, conn_state="REJ")
    row = teardown(d)
    assert judged(row) == ("fin", "server_side", "server_stop", True)
    assert row["evidence"][-1]["frames"] == [55_001]
    assert d.rows("idle_timeouts") == []


# --- the device itself (sample o_abort) -------------------------------------------------------------------------------


def test_a_device_that_drops_its_wait_for_another_request_replaces_it() -> None:
    d, link = device_waits()
    link.end(50, first_close="fin", side=CLIENT, close_notify=49.999)
    again = d.connect(50.01)
    again.sync(50.05, {"5": "1"}, answered_at=50.2)
    again.end(60)
    assert judged(teardown(d)) == ("tls_close", "client", "replaced", False)
    assert wait(d)["outcome"] == "replaced"


def test_a_device_that_drops_its_wait_and_is_not_seen_again_just_closed() -> None:
    d, link = device_waits()
    link.end(50, first_close="rst", side=CLIENT)
    assert judged(teardown(d)) == ("rst", "client", "endpoint_close", False)
    assert wait(d)["outcome"] == "torn_down"


def test_another_device_is_no_replacement() -> None:
    d, link = device_waits()
    link.end(50, first_close="fin", side=CLIENT)
    other = d.connect(50.01)
    other.sync(50.05, {"5": "1"}, answered_at=50.2, device="DEV2")
    other.end(60)
    assert wait(d)["outcome"] == "torn_down"


def test_a_close_after_an_unknown_interval_cannot_be_judged() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30)
    link.end(92, first_close="fin", side=CLIENT)
    assert judged(teardown(d)) == ("fin", "client", "unknown", None)


# --- HTTP/2 -----------------------------------------------------------------------------------------------------------


def test_a_stream_that_the_device_resets_ends_the_wait_and_not_the_connection() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, folders=["5"], version="2", cancelled=(40, CLIENT))
    link.sync(40.1, {"5": "1"}, answered_at=41, version="2")
    link.end(200, first_close="fin", side=CLIENT)
    assert (wait(d)["outcome"], wait(d)["held_s"]) == ("replaced", 10)
    assert [(r["heartbeat_id"], r["premature"]) for r in d.rows("teardowns")] == [(None, False)]


def test_a_stream_that_is_pending_when_the_connection_dies_is_cut_although_others_came_after_it() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 500, folders=["5"], version="2")
    link.sync(40, {"5": "1"}, answered_at=41, version="2")
    link.end(200, first_close="fin", side=SERVER)
    assert judged(teardown(d)) == ("fin", "server_side", "endpoint_close", True)
    assert teardown(d)["idle_s"] == 159  # others had used the connection meanwhile
    assert d.rows("idle_timeouts") == []


# --- nothing to judge -------------------------------------------------------------------------------------------------


def test_a_wait_that_the_capture_ends_upon_is_not_judged() -> None:
    d, link = device_waits()
    link.end(30.1)
    assert judged(teardown(d, until=45)) == ("capture_end", "unknown", "unknown", None)
    assert (wait(d, until=45)["outcome"], wait(d, until=45)["held_s"]) == ("capture_end", 15)


def test_a_wait_long_overdue_at_the_end_of_the_capture_is_unknown() -> None:
    d, link = device_waits()
    link.end(30.1)
    assert wait(d, until=1000)["outcome"] == "unknown"
    assert teardown(d, until=1000)["premature"] is None


def test_a_connection_that_ends_between_waits_is_no_teardown_of_push() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(30, 50, answer=(80, 1))
    link.end(200, first_close="fin", side=SERVER)
    (row,) = d.rows("teardowns")
    assert judged(row) == ("fin", "server_side", "endpoint_close", False)
    assert (row["heartbeat_id"], row["idle_s"], row["age_s"]) == (None, 120, 200)


def test_an_answer_that_may_be_in_missing_bytes_leaves_the_fate_unknown() -> None:
    d, link = device_waits()
    link.end(92, first_close="fin", side=CLIENT, server={"missing_bytes": 300, "last_data_ns": at(80)})
    assert wait(d)["outcome"] == "unknown"
    assert teardown(d)["premature"] is None


def test_a_wait_that_later_requests_overtook_is_unknown_and_no_teardown() -> None:
    d, link = device_waits()
    link.sync(40, {"5": "1"}, answered_at=41)
    link.end(50, first_close="fin", side=CLIENT)
    assert wait(d)["outcome"] == "unknown"
    assert [r["heartbeat_id"] for r in d.rows("teardowns")] == [None]


def test_an_engine_that_breaks_off_still_leaves_rows() -> None:
    d, _ = device_waits()
    assert wait(d)["outcome"] == "unknown"
    assert d.rows("teardowns") == []
