"""Turns become requests with their answers; what is no message of the application is left out."""

from __future__ import annotations

import pytest

from analyzer.keyless.exchanges import notified, talk
from tests.analyzer.keyless.whispers import CLIENT, GCM, SERVER, Dialogue, Whisper, at


def whisper(**more: object) -> Whisper:
    return Whisper(Dialogue().connect(), **more)  # type: ignore[arg-type]


def test_a_request_and_its_answer_are_one_exchange_with_the_time_between() -> None:
    found = talk(whisper().ask(10, 499, 305, 480).end(500)).exchanges
    assert [(e.request_bytes, e.answer_bytes, round(e.held_s, 3), e.opening) for e in found] == [(499, 305, 480, True)]


def test_tickets_before_the_first_request_are_no_greeting_of_the_server() -> None:
    said = talk(whisper().ask(10, 499, 305).end(500))
    assert (said.server_first, said.tickets_before) == (False, 542)


def test_a_greeting_under_tls_1_2_is_one() -> None:
    imap = whisper(version="TLS 1.2", cipher="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    assert talk(imap.say(SERVER, 0.1, 91).ask(0.2, 46, 45).end(60)).server_first


@pytest.mark.parametrize(("cipher", "finished"), [(GCM, 64), ("TLS_AES_256_GCM_SHA384", 80)])
def test_a_request_sent_together_with_the_finished_is_freed_from_it(cipher: str, finished: int) -> None:
    w = whisper(cipher=cipher, opening=False)
    w.say(CLIENT, 0, 517, 22).say(SERVER, 0.02, 1400, 22).say(CLIENT, 0.04, finished + 470, 20)
    w.say(SERVER, 0.06, 542).say(SERVER, 480, 255)
    (e,) = talk(w.end(500)).exchanges
    assert (e.request_bytes, e.answer_bytes, round(e.held_s)) == (470, 255, 480)


def test_tickets_after_the_first_request_do_not_answer_it() -> None:
    w = whisper(opening=False).say(CLIENT, 0, 517, 22).say(SERVER, 0.02, 1400, 22).say(CLIENT, 0.04, 64, 20)
    said = talk(w.say(CLIENT, 0.05, 499).say(SERVER, 0.07, 542).say(SERVER, 480.05, 305).end(500))
    assert [(e.answer_bytes, round(e.held_s)) for e in said.exchanges] == [(305, 480)]
    assert said.tickets_after == 542


def test_a_100_continue_does_not_answer() -> None:
    w = whisper().ask(1, 499, 305).say(CLIENT, 2, 499).say(SERVER, 2.02, 47).say(SERVER, 482, 305)
    assert [(e.answer_bytes, round(e.held_s)) for e in talk(w.end(500)).exchanges] == [(305, 0), (305, 480)]


def test_a_body_that_follows_its_head_a_little_later_is_one_request() -> None:
    found = talk(whisper().ask(1, 400, 300).say(CLIENT, 2, 400).ask(3.5, 99, 305, 480).end(500)).exchanges
    assert [e.request_bytes for e in found] == [400, 499]


def test_an_answer_in_pieces_after_pauses_is_counted_as_bursts() -> None:
    w = whisper().ask(1, 300, 500).say(CLIENT, 2, 300).say(SERVER, 2.03, 123).say(SERVER, 17, 36).say(SERVER, 32, 78)
    assert [e.bursts for e in talk(w.end(60)).exchanges] == [0, 2]


def test_the_last_24_bytes_before_a_fin_are_a_close_notify_and_no_request() -> None:
    w = whisper().ask(1, 499, 305).say(CLIENT, 2, 499).say(CLIENT, 60, 24)
    c = w.end(60.1, first_close="fin", side=CLIENT)
    assert [e.request_bytes for e in talk(c).exchanges] == [499, 499]
    noticed = notified(c).tls
    assert noticed is not None
    assert noticed.close_notify_ns == (at(60), None)


def test_what_arrives_after_the_clients_close_answers_nothing() -> None:
    w = whisper().ask(1, 499, 305).say(CLIENT, 2, 499).say(CLIENT, 60, 24).say(SERVER, 61, 305)
    assert [e.answer_ns >= 0 for e in talk(w.end(61, first_close="fin", side=CLIENT)).exchanges] == [True, False]


def test_without_a_close_nothing_is_a_close_notify() -> None:
    c = whisper().ask(1, 499, 305).say(CLIENT, 2, 24).end(60)
    assert notified(c) is c
    assert len(talk(c).exchanges) == 2


def test_a_capture_that_begins_in_the_middle_is_read_from_there() -> None:
    w = whisper(opening=False).say(SERVER, 1, 305).ask(1.1, 499, 305, 480)
    said = talk(w.end(500))
    assert [(e.request_bytes, e.opening) for e in said.exchanges] == [(499, False)]
    assert not said.server_first


def test_nothing_said_is_nothing_found() -> None:
    assert talk(whisper(opening=False).end(60)).exchanges == ()
