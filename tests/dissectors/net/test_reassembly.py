"""Reassembly: order, first copies, gaps that are told and never padded, patience and limits."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.net.reassembly import (
    ACKED_PATIENCE_NS,
    HOLE_PATIENCE_NS,
    MAX_PENDING_BYTES,
    MAX_PENDING_SEGMENTS,
    Reassembly,
)
from tests.dissectors.net.drive import Recorder

CLIENT, SERVER = 0, 1


class Bench:
    """A reassembly and what it gave."""

    def __init__(self) -> None:
        self.sink = Recorder()
        self.reassembly = Reassembly(self.sink, (0, 0))
        self.frame = 0

    def segment(self, side: int, position: int, data: bytes, time_ns: int = 0, length: int | None = None) -> None:
        self.frame += 1
        self.reassembly.segment(side, position, data, len(data) if length is None else length, self.frame, time_ns)

    @property
    def said(self) -> list[tuple[int, bytes | int]]:
        return [(side, what) for side, what, *_ in self.sink.entries]


def test_bytes_in_order_pass_at_once() -> None:
    bench = Bench()
    bench.segment(CLIENT, 0, b"ab", 5)
    bench.segment(CLIENT, 2, b"c", 6)
    assert bench.sink.entries == [(CLIENT, b"ab", 1, 5), (CLIENT, b"c", 2, 6)]


def test_reordered_segments_come_in_order_with_their_own_frames_and_times() -> None:
    bench = Bench()
    bench.segment(CLIENT, 2, b"cd", 5)
    assert bench.said == []
    bench.segment(CLIENT, 0, b"ab", 6)
    assert bench.sink.entries == [(CLIENT, b"ab", 2, 6), (CLIENT, b"cd", 1, 5)]


def test_an_answer_does_not_overtake_the_request_that_still_has_a_hole() -> None:
    bench = Bench()
    bench.segment(CLIENT, 2, b"cd", 1)
    bench.segment(SERVER, 0, b"answer", 2)
    assert bench.said == []
    bench.segment(CLIENT, 0, b"ab", 3)
    # the late segment is the newest of all and must not wait for the answer, which is older
    assert bench.sink.text(CLIENT) == b"abcd"
    assert bench.sink.text(SERVER) == b"answer"
    assert bench.said.index((CLIENT, b"cd")) < bench.said.index((SERVER, b"answer"))


def test_bytes_that_come_again_are_dropped_and_new_ones_behind_them_kept() -> None:
    bench = Bench()
    bench.segment(CLIENT, 0, b"abcd")
    bench.segment(CLIENT, 0, b"abcd")
    bench.segment(CLIENT, 1, b"xyz")
    bench.segment(CLIENT, 2, b"cdef")
    assert bench.said == [(CLIENT, b"abcd"), (CLIENT, b"ef")]


def test_bytes_before_the_first_are_dropped() -> None:
    bench = Bench()
    bench.segment(CLIENT, -4, b"ab")
    bench.segment(CLIENT, -1, b"xa")
    assert bench.said == [(CLIENT, b"a")]


def test_a_hole_that_was_acknowledged_is_a_gap_after_a_second() -> None:
    bench = Bench()
    bench.segment(CLIENT, 0, b"ab", 0)
    bench.segment(CLIENT, 5, b"f", 10)
    bench.reassembly.acknowledged(CLIENT, 6, 20)
    bench.reassembly.acknowledged(CLIENT, 6, 20 + ACKED_PATIENCE_NS)
    assert bench.said == [(CLIENT, b"ab")]
    bench.reassembly.acknowledged(CLIENT, 6, 21 + ACKED_PATIENCE_NS)
    assert bench.sink.entries[1:] == [(CLIENT, 3, 2, 10), (CLIENT, b"f", 2, 10)]
    assert bench.reassembly.missing == [3, 0]


def test_a_hole_that_nobody_acknowledged_is_a_gap_after_a_minute() -> None:
    bench = Bench()
    bench.segment(CLIENT, 5, b"f", 10)
    bench.segment(SERVER, 0, b"s", 10 + HOLE_PATIENCE_NS)
    assert bench.said == []
    bench.segment(SERVER, 1, b"t", 11 + HOLE_PATIENCE_NS)
    assert bench.said == [(CLIENT, 5), (CLIENT, b"f"), (SERVER, b"s"), (SERVER, b"t")]


def test_the_next_hole_has_patience_of_its_own() -> None:
    bench = Bench()
    bench.segment(CLIENT, 5, b"f", 0)
    bench.segment(CLIENT, 9, b"j", 0)
    bench.segment(SERVER, 0, b"s", 1 + HOLE_PATIENCE_NS)
    assert bench.said == [(CLIENT, 5), (CLIENT, b"f")]
    bench.reassembly.close()
    assert bench.said[2:] == [(CLIENT, 3), (CLIENT, b"j"), (SERVER, b"s")]


def test_an_acknowledgement_before_the_hole_gives_nothing_up() -> None:
    bench = Bench()
    bench.segment(CLIENT, 5, b"f", 0)
    bench.reassembly.acknowledged(CLIENT, 4, 1)
    bench.reassembly.acknowledged(CLIENT, 4, 2 + 2 * ACKED_PATIENCE_NS)
    assert bench.said == []


def test_a_retransmission_within_patience_fills_the_hole() -> None:
    bench = Bench()
    bench.segment(SERVER, 3, b"def", 0)
    bench.reassembly.acknowledged(SERVER, 6, 1)
    bench.segment(SERVER, 0, b"abc", ACKED_PATIENCE_NS)
    assert bench.sink.text(SERVER) == b"abcdef"
    assert bench.reassembly.in_order


def test_the_end_turns_every_hole_into_a_gap() -> None:
    bench = Bench()
    for position in (10, 20, 30):
        bench.segment(CLIENT, position, b"x", 0)
    bench.segment(SERVER, 7, b"y", 0)
    bench.reassembly.close()
    assert bench.sink.text(CLIENT) == b"<10>x<9>x<9>x"
    assert bench.sink.text(SERVER) == b"<7>y"
    assert bench.reassembly.missing == [28, 7]


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_cut_frame_gives_what_it_has_and_a_gap(kept: int) -> None:
    bench = Bench()
    bench.segment(CLIENT, 0, b"abcdef"[:kept], 7, length=6)
    bench.segment(CLIENT, 6, b"g", 8)
    assert bench.sink.text(CLIENT) == b"abcdef"[:kept] + b"<%d>g" % (6 - kept)


def test_a_cut_frame_that_repeats_known_bytes_tells_only_what_is_new() -> None:
    bench = Bench()
    bench.segment(CLIENT, 0, b"abcd")
    bench.segment(CLIENT, 2, b"c", length=6)  # of 2..8, only c is there: e-h are new and missing
    assert bench.said == [(CLIENT, b"abcd"), (CLIENT, 4)]
    bench.segment(CLIENT, 4, b"efgh")
    assert bench.said == [(CLIENT, b"abcd"), (CLIENT, 4)], "too late: the gap was told"


def test_too_many_waiting_segments_end_the_patience() -> None:
    bench = Bench()
    for number in range(MAX_PENDING_SEGMENTS):
        bench.segment(CLIENT, 1 + 2 * number, b"x")
    assert bench.said == []
    bench.segment(CLIENT, 1 + 2 * MAX_PENDING_SEGMENTS, b"x")
    assert bench.said == [(CLIENT, 1), (CLIENT, b"x")]


def test_too_many_waiting_bytes_end_the_patience() -> None:
    bench = Bench()
    part = bytes(65535)
    for number in range(MAX_PENDING_BYTES // 65535):
        bench.segment(CLIENT, 1 + 65535 * number, part)
    assert bench.said == []
    bench.segment(CLIENT, 1 + 65535 * (MAX_PENDING_BYTES // 65535), part)
    assert bench.said[0] == (CLIENT, 1)
    assert bench.reassembly.in_order


SPLITS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.integers(0, 20)), min_size=1, max_size=30)


@given(SPLITS, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_each_byte_is_told_once_and_at_its_place(
    parts: list[tuple[int, int, int]], rng: random.Random
) -> None:
    """Against an oracle: at each position either the one true byte or a gap, and a gap only where some copy had
    lacked it.
    """
    truth = bytes(range(100))
    bench = Bench()
    for begin, length, kept in parts:
        bench.segment(
            rng.choice((CLIENT, CLIENT, SERVER)),
            begin,
            truth[begin : begin + length][: min(kept, length)],
            0,
            length=length,
        )
    bench.reassembly.close()
    assert bench.reassembly.in_order
    for side in (CLIENT, SERVER):
        position = 0
        for who, what, *_ in bench.sink.entries:
            if who == side:
                assert isinstance(what, int) or what == truth[position : position + len(what)]
                position += what if isinstance(what, int) else len(what)
        assert position == bench.reassembly.next[side]


@given(st.permutations(range(12)), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_any_order_of_whole_segments_gives_the_text(order: list[int], overlap: int) -> None:
    text = bytes(range(60))
    bench = Bench()
    for number in order:
        bench.segment(CLIENT, number * 5, text[number * 5 : number * 5 + 5 + overlap])
    assert bench.sink.text(CLIENT) == text
