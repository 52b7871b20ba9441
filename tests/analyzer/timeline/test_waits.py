"""Held waits: which requests wait, for how long they asked, and what the answer means."""

import random

import pytest

from analyzer.timeline import waits as waits_module
from analyzer.timeline.reading import BODY, PING, Terms
from tests.analyzer.timeline.dialogue import CLIENT, Dialogue


def waits(d: Dialogue, *columns: str, until: float = 10_000.0) -> list[tuple[object, ...]]:
    return [tuple(row[c] for c in columns) for row in d.rows("heartbeats", until)]


def test_a_ping_that_runs_out_is_expired() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, folders=["5", "7"], answer=(490, 1))
    link.end(500, first_close="fin", side=CLIENT)
    assert waits(d, "kind", "requested_s", "requested_source", "held_s", "outcome", "ping_status") == [
        ("ping", 480, "body", 480, "expired", 1)
    ]
    assert waits(d, "monitored_folders", "changed_folders", "early_s") == [(["5", "7"], [], 0)]


def test_a_ping_that_brings_mail_names_the_folders() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, folders=["5", "7"], answer=(60, 2), changed=("7",))
    link.end(70)
    assert waits(d, "outcome", "changed_folders", "held_s") == [("changes", ["7"], 50)]


@pytest.mark.parametrize("status", [3, 4, 7, 8, 111])
def test_any_other_ping_status_is_an_error(status: int) -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, answer=(10.1, status))
    link.end(70)
    assert waits(d, "outcome", "ping_status") == [("error", status)]


def test_a_ping_without_body_inherits_interval_and_folders_across_connections() -> None:
    d = Dialogue()
    one, two = d.connect(), d.connect(100)
    one.ping(10, 480, folders=["5"], answer=(50, 2))
    one.end(60)
    two.ping(110, answer=(590, 1))
    two.end(600)
    assert waits(d, "requested_s", "requested_source", "monitored_folders") == [
        (480, "body", ["5"]),
        (480, "inherited", ["5"]),
    ]


def test_what_is_inherited_is_the_newest_by_time_whatever_the_order_of_arrival() -> None:
    d = Dialogue()
    late, early = d.connect(200), d.connect()
    late.ping(210, answer=(220, 1))
    late.end(230)
    early.ping(10, 300, answer=(50, 2))
    early.ping(60, 600, answer=(90, 2))
    early.end(100)
    assert waits(d, "start", "requested_s")[-1][1] == 600


def test_a_ping_without_body_at_the_beginning_has_no_known_interval() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, answer=(490, 1))
    link.end(500)
    assert waits(d, "requested_s", "requested_source", "monitored_folders", "outcome") == [
        (None, "unknown", None, "expired")
    ]


def test_a_refused_interval_leaves_the_servers_limit() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 30, answer=(10.1, 5), limit=60)
    link.ping(11, answer=(71, 1))
    link.ping(72, answer=(132, 1))
    link.end(140)
    assert waits(d, "requested_s", "requested_source", "outcome") == [
        (30, "body", "error"),
        (60, "server_limit", "expired"),
        (60, "server_limit", "expired"),
    ]


def test_a_request_that_could_not_be_read_ends_what_is_known() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, folders=["5"], answer=(50, 2))
    link.transaction("Ping", 60, None, 70, b"")
    link.ping(80, answer=(90, 2))
    link.end(100)
    assert waits(d, "requested_s", "requested_source")[1:] == [(None, "unknown"), (None, "unknown")]


def test_ping_and_sync_inherit_apart() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, answer=(50, 2))
    link.sync(60, {"5": "1"}, interval=900, answered_at=100, received={"5": ("2", 1)})
    link.ping(110, answer=(120, 2))
    link.sync(130, None, answered_at=1030)
    link.end(1040)
    assert waits(d, "kind", "requested_s", "requested_source") == [
        ("ping", 480, "body"),
        ("sync", 900, "body"),
        ("ping", 480, "inherited"),
        ("sync", 900, "inherited"),
    ]


def test_two_devices_do_not_inherit_from_one_another() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, answer=(50, 2))
    link.ping(60, answer=(70, 2), device="DEV2")
    link.end(80)
    assert waits(d, "requested_s") == [(480,), (None,)]


def test_an_ordinary_sync_is_no_wait_nor_is_the_empty_one_that_repeats_it() -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(10, {"5": "1"}, answered_at=11, received={"5": ("2", 1)})
    link.sync(12, None, answered_at=13)
    link.end(20)
    assert waits(d) == []


def test_a_sync_that_starts_a_collection_is_answered_at_once_but_is_remembered() -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(10, {"5": "0"}, interval=600, answered_at=11, received={"5": ("1", 0)})
    link.sync(12, None, answered_at=612)
    link.end(620)
    assert waits(d, "requested_s", "requested_source", "outcome") == [(600, "inherited", "expired")]


def test_wait_is_in_minutes() -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(10, {"5": "1"}, wait_min=2, answered_at=130)
    link.end(140)
    assert waits(d, "requested_s", "held_s", "outcome", "items") == [(120, 120, "expired", 0)]


@pytest.mark.parametrize(("held", "kept"), [(300.0, True), (2.0, False)])
def test_an_empty_sync_of_unknown_origin_is_a_wait_when_it_was_held_like_one(held: float, kept: bool) -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(10, None, answered_at=10 + held)
    link.end(900)
    assert waits(d, "requested_source", "outcome") == ([("unknown", "expired")] if kept else [])
    assert d.rows("sessions")[0]["heartbeats"] == int(kept)


@pytest.mark.parametrize(
    ("held", "received", "outcome"),
    [
        (20, {"5": ("2", 1)}, "changes"),
        (44.2, {"5": ("2", 0)}, "expired"),  # up to a second before its time
        (48, {"5": ("1", 0)}, "expired"),  # seconds after
        (20, {"5": ("2", 0)}, "changes"),  # only the key moved: a change that brought nothing
        (20, {"5": ("1", 0)}, "unknown"),
        (20, None, "unknown"),
        (46, None, "expired"),
    ],
)
def test_what_the_answer_to_a_hanging_sync_means(
    held: float, received: dict[str, tuple[str, int]] | None, outcome: str
) -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(10, {"5": "1"}, interval=45, answered_at=10 + held, received=received)
    link.end(100)
    assert waits(d, "outcome") == [(outcome,)]


def test_an_http_error_of_the_server_is_an_error() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480)
    link.dialogue.events.pop()
    link.transaction("Ping", 10, b"", 20, b"", status=503)
    link.end(30)
    assert waits(d, "outcome", "http_status") == [("error", 503)]
    assert [r["mechanism"] for r in d.rows("teardowns")] == ["capture_end"]


def test_a_challenge_is_no_wait() -> None:
    d = Dialogue()
    link = d.connect()
    link.transaction("Ping", 10, b"", 10.1, b"", status=401, server_header=False)
    link.ping(10.2, 60, answer=(70.2, 1))
    link.end(80)
    assert waits(d, "outcome") == [("expired",)]


def test_a_wait_that_began_before_the_capture_is_left_out() -> None:
    d = Dialogue()
    link = d.connect()
    link.transaction("Ping", None, None, 5, b"")
    link.end(30)
    assert waits(d) == []
    assert len(d.rows("transactions")) == 1


def test_rows_and_ids_do_not_depend_on_the_order_of_connections() -> None:
    parts = []
    for n in range(6):
        d = Dialogue()
        d._links = n
        link = d.connect(n * 7.0, client=f"10.0.0.{n}")
        link.folder_sync(n * 7 + 1, {"5": ("Inbox", 2)})
        link.ping(n * 7 + 2, 60 if n % 2 else None, folders=["5"] if n % 3 else None, answer=(n * 7 + 30, 1))
        link.sync(n * 7 + 31, {"5": "1"}, answered_at=n * 7 + 32, received={"5": ("2", 2)})
        link.ping(n * 7 + 33, None if n % 2 else 90)
        link.end(n * 7 + 50 + n, first_close="fin", side=CLIENT)
        parts.append(d.events)
    expected = None
    for seed in range(5):
        random.Random(seed).shuffle(parts)
        d = Dialogue()
        d.events = [event for part in parts for event in part]
        tables = {name: frame.astype(str).to_json(orient="records") for name, frame in d.tables().items()}
        expected = expected or tables
        assert tables == expected
    assert expected is not None
    assert expected["heartbeats"].count('"heartbeat_id"') == 12


def test_terms_beyond_those_remembered_are_right_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits_module, "MAX_REMEMBERED_TERMS", 2)
    some = waits_module.Waits()
    terms = [Terms(PING, 60.0 + n % 3, 60.0, BODY, n % 5, False, changed=n % 4) for n in range(60)]
    places = [some.add(row, some.code(each), -1) for row, each in enumerate(terms)]
    assert [some.terms(place) for place in places] == terms
