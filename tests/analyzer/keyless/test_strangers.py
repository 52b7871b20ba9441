"""Other traffic with long silences, at the pace of real life, towards a server with a name like a mail server's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.keyless.inference import Inference
from tests.analyzer.keyless.whispers import CLIENT, SERVER, Dialogue, Whisper


def imap_idle(w: Whisper) -> None:
    """RFC 2177: IDLE, announcements now and then, DONE after 29 minutes."""
    w.ask(0.2, 46, 45).ask(0.3, 39, 46)
    for turn in range(4):
        start = 1 + turn * 1740
        w.ask(start, 31, 32).say(SERVER, start + 600, 47).say(CLIENT, start + 1739, 28).say(SERVER, start + 1739.03, 45)


def push_service(w: Whisper) -> None:
    """A keep-alive of the client each 15 minutes, small frames of the server between."""
    w.ask(0.2, 113, 62)
    for turn in range(6):
        start = 900.0 * (turn + 1)
        w.ask(start, 27, 27).say(SERVER, start + 333, 391).say(CLIENT, start + 333.1, 34)


def websocket(w: Whisper) -> None:
    w.ask(0.2, 679, 252)
    for turn in range(40):
        start = 60.0 * (turn + 1)
        w.say(SERVER, start, 28).say(CLIENT, start + 0.04, 32)
        if turn % 3 == 1:
            w.say(CLIENT, start + 20, 92).say(SERVER, start + 20.1, 330)


def server_sent_events(w: Whisper) -> None:
    w.ask(0.2, 514, 250)
    for turn in range(60):
        w.say(SERVER, 0.3 + 30.0 * (turn + 1), 383 if turn % 4 == 3 else 30)


def mapi_notification_wait(w: Whisper) -> None:
    """MS-OXCMAPIHTTP: PROCESSING at once, PENDING each 15 s, DONE after 5 min."""
    w.ask(0.2, 1300, 900)
    for turn in range(5):
        start = 1 + 301.0 * turn
        w.ask(start, 1250, 423)
        for pending in range(1, 20):
            w.say(SERVER, start + 15.0 * pending, 36)
        w.say(SERVER, start + 300, 78)
        w.ask(start + 300.1, 1849, 2537)


def browsing(w: Whisper) -> None:
    for turn in range(20):
        w.ask(1 + 70.0 * turn, 600 + turn % 3, 26_341, takes=0.4)
        w.ask(2 + 70.0 * turn, 611, 9_000, takes=0.3)


STRANGERS: dict[str, Callable[[Whisper], None]] = {
    "tiny_messages": imap_idle,
    "streamed": mapi_notification_wait,
    "no_wait": browsing,
}


@pytest.mark.parametrize(
    "talks", [imap_idle, push_service, websocket, server_sent_events, mapi_notification_wait, browsing]
)
@pytest.mark.parametrize("closed", [True, False])
def test_no_wait_is_found_in_what_is_no_activesync(talks: Callable[[Whisper], None], closed: bool) -> None:
    d = Dialogue()
    for _ in range(2):
        w = Whisper(d.connect())
        talks(w)
        w.end(9_000, **({"first_close": "fin", "side": SERVER} if closed else {}))
    assert d.rows("heartbeats") == []
    assert {row["eas_evidence"] for row in d.rows("connections")} == {"none"}


@pytest.mark.parametrize(("why", "talks"), STRANGERS.items())
def test_each_is_told_by_its_rule(why: str, talks: Callable[[Whisper], None]) -> None:
    w = Whisper(Dialogue().connect())
    talks(w)
    inference = Inference()
    inference.add(w.end(9_000, first_close="fin", side=CLIENT))
    assert inference.strangers == {why: 1}


def test_a_client_that_speaks_while_it_waits_is_a_stranger() -> None:
    w = Whisper(Dialogue().connect()).ask(0.2, 200, 300)
    for turn in range(5):
        w.say(CLIENT, 10.0 + 60 * turn, 300)
    inference = Inference()
    inference.add(w.say(SERVER, 320, 300).end(330, first_close="fin", side=CLIENT))
    assert inference.strangers == {"interrupted": 1}


@pytest.mark.parametrize(("port", "name", "why"), [
    (993, "mail.example.com", "mail_protocol"),
    (5228, "mtalk.google.com", "push_service"),
    (443, "17-courier.push.apple.com", "push_service"),
])  # fmt: skip
def test_a_port_or_a_name_says_enough(port: int, name: str, why: str) -> None:
    w = Whisper(Dialogue().connect(), port=port, name=name)
    inference = Inference()
    inference.add(w.end(w.pings(1) + 1, first_close="fin", side=CLIENT))
    assert inference.strangers == {why: 1}
    assert list(inference.waits([])) == []


def test_a_chat_that_polls_is_none_even_at_a_server_called_mail() -> None:
    """Its news come inside the answers, of any length, and what its user says follows any answer."""
    d = Dialogue()
    w = Whisper(d.connect())
    now = 1.0
    for turn in range(16):
        news = turn % 3 == 2
        held = 17.0 + turn if news else 60.0
        w.ask(now, 620, 396 + 37 * turn if news else 321, held)
        now += held + 0.03
        if turn % 2:
            w.ask(now, 655, 287)
            now += 0.1
    w.end(now, first_close="fin", side=CLIENT)
    assert d.rows("heartbeats") == []


def test_a_poll_that_never_brings_anything_at_a_server_of_any_name_is_left_alone() -> None:
    d = Dialogue()
    w = Whisper(d.connect(), name="api.example.com")
    for turn in range(8):
        w.ask(1 + 60.05 * turn, 620, 321, 60)
    w.end(600, first_close="fin", side=CLIENT)
    assert d.rows("heartbeats") == []
