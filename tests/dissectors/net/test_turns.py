"""Who spoke when on a connection that cannot be read."""

from __future__ import annotations

from dissectors.events import Turn
from dissectors.net.turns import LASTING_NS, MAX_TURNS, Noted, told
from tests.dissectors.net.dialogue import CLIENT, SERVER, Dialogue
from tests.dissectors.net.wire import SECOND

MS = 1_000_000


def start_of(talk: Dialogue) -> int:
    return talk.frames[0].time_ns


def test_a_wait_shows_as_two_turns_with_silence_between() -> None:
    talk = Dialogue().open()
    t0 = start_of(talk)
    talk.say(CLIENT, b"\x17" + bytes(499)).ack(SERVER).wait(480 * SECOND).say(SERVER, b"\x17" + bytes(304)).ack(CLIENT)
    assert talk.run().turns == (
        Turn(CLIENT, t0 + 30 * MS, t0 + 30 * MS, 4, 4, 500, 1, 0x17),
        Turn(SERVER, t0 + 50 * MS + 480 * SECOND, t0 + 50 * MS + 480 * SECOND, 6, 6, 305, 1, 0x17),
    )


def test_segments_of_one_side_are_one_turn_until_there_is_a_pause() -> None:
    talk = Dialogue().open().say(SERVER, b"abc").ack(CLIENT).say(SERVER, b"de").wait(2 * SECOND).say(SERVER, b"f")
    turns = talk.run().turns
    assert [(turn.side, turn.first_frame, turn.last_frame, turn.payload_bytes, turn.segments) for turn in turns] == [
        (SERVER, 4, 6, 5, 2),
        (SERVER, 7, 7, 1, 1),
    ]


def test_what_was_sent_before_is_no_turn() -> None:
    talk = Dialogue().open().say(CLIENT, b"hello").wait(30 * SECOND)
    talk.put(CLIENT, 0x18, b"hello", seq=1001).keepalive(CLIENT).say(SERVER, b"there")
    assert [(turn.side, turn.payload_bytes) for turn in talk.run().turns] == [(CLIENT, 5), (SERVER, 5)]


def test_a_short_connection_that_ended_has_none_told() -> None:
    talk = Dialogue().open().say(CLIENT, b"hello").say(SERVER, b"there").fin(CLIENT).fin(SERVER).ack(CLIENT)
    assert talk.run().turns == ()


def test_a_short_connection_that_never_ended_may_be_waiting() -> None:
    assert len(Dialogue().open().say(CLIENT, b"hello").run().turns) == 1


def test_the_first_byte_is_unknown_where_it_was_not_captured() -> None:
    talk = Dialogue().open().say(CLIENT, b"hello", keep=0)
    assert [turn.first_byte for turn in talk.run().turns] == [-1]


def test_a_connection_that_never_falls_silent_takes_no_more_than_so_much_room() -> None:
    noted = Noted()
    for number in range(MAX_TURNS + 10):
        now = number * 10 * SECOND
        noted.add(7, [[number % 2, now, now, number, number, 1, 1, 23]])
    turns = told(noted.take(7), LASTING_NS, closed=True)
    assert (len(turns), turns[-1].first_frame) == (MAX_TURNS, MAX_TURNS - 1)
    assert noted.take(7) == []
