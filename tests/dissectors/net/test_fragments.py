"""Fragments in any order, twice, overlapping, too late, too many."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.net.fragments import MAX_DATAGRAMS, MAX_WAITING_BYTES, TIMEOUT_NS, Fragments, Key

KEY: Key = (4, 0, 1, 0, 2, 77)
TEXT = bytes(range(200))


def key(number: int) -> Key:
    return (4, 0, 1, 0, 2, number)


@given(st.permutations(range(5)))
@settings(max_examples=50, deadline=None)
def test_any_order_gives_the_datagram_when_the_last_one_is_there(order: list[int]) -> None:
    fragments = Fragments()
    results = [fragments.add(KEY, 40 * number, number < 4, TEXT[40 * number : 40 * number + 40], 0) for number in order]
    assert results == [None] * 4 + [TEXT]
    assert fragments.dropped == 0


@given(st.lists(st.tuples(st.integers(0, 24), st.integers(0, 8), st.booleans()), max_size=40))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_a_datagram_is_made_of_bytes_at_their_place(parts: list[tuple[int, int, bool]]) -> None:
    fragments = Fragments()
    for start, words, more in parts:
        whole = fragments.add(KEY, 8 * start, more, TEXT[8 * start : 8 * (start + words)], 0)
        assert whole is None or whole == TEXT[: len(whole)]


def test_a_copy_of_a_fragment_is_dropped() -> None:
    fragments = Fragments()
    assert fragments.add(KEY, 0, True, TEXT[:40], 0) is None
    assert fragments.add(KEY, 0, True, TEXT[:40], 0) is None
    assert fragments.add(KEY, 40, False, TEXT[40:], 0) == TEXT
    assert fragments.dropped == 1


@pytest.mark.parametrize(("start", "length"), [(0, 8), (32, 16), (39, 1), (48, 16), (0, 96), (96, 8)])
def test_a_fragment_that_overlaps_or_passes_the_end_is_dropped(start: int, length: int) -> None:
    fragments = Fragments()
    fragments.add(KEY, 0, True, TEXT[:40], 0)
    fragments.add(KEY, 56, False, TEXT[56:96], 0)
    assert fragments.add(KEY, start, True, b"?" * length, 0) is None
    assert fragments.dropped == 1
    assert fragments.add(KEY, 40, True, TEXT[40:56], 0) == TEXT[:96]


def test_an_end_before_bytes_that_are_there_is_dropped() -> None:
    fragments = Fragments()
    fragments.add(KEY, 80, True, TEXT[80:120], 0)
    assert fragments.add(KEY, 0, False, TEXT[:40], 0) is None
    assert fragments.dropped == 1


def test_datagrams_with_different_keys_do_not_mix() -> None:
    fragments = Fragments()
    for number in range(3):
        fragments.add(key(number), 0, True, bytes([number]) * 8, 0)
    assert [fragments.add(key(number), 8, False, b"end", 0) for number in range(3)] == [
        bytes([number]) * 8 + b"end" for number in range(3)
    ]


def test_the_identification_may_be_used_again_after_a_minute() -> None:
    fragments = Fragments()
    fragments.add(KEY, 0, True, b"old bits", 0)
    assert fragments.add(KEY, 0, True, b"new bits", TIMEOUT_NS + 1) is None
    assert fragments.add(KEY, 8, False, b"!", TIMEOUT_NS + 2) == b"new bits!"
    assert fragments.dropped == 1


def test_a_fragment_after_a_minute_does_not_complete_the_old_datagram() -> None:
    fragments = Fragments()
    fragments.add(KEY, 0, True, b"old bits", 0)
    assert fragments.add(KEY, 8, False, b"!", TIMEOUT_NS + 1) is None


def test_no_datagram_is_longer_than_ip_allows() -> None:
    fragments = Fragments()
    assert fragments.add(KEY, 65_528, False, b"12345678", 0) is None
    assert fragments.dropped == 1


def test_unfinished_datagrams_are_bounded_in_number() -> None:
    fragments = Fragments()
    for number in range(MAX_DATAGRAMS + 10):
        fragments.add(key(number), 0, True, b"12345678", 0)
    assert fragments.dropped == 10
    assert fragments.add(key(5), 8, False, b"!", 0) is None
    assert fragments.add(key(MAX_DATAGRAMS), 8, False, b"!", 0) == b"12345678!"


def test_unfinished_datagrams_are_bounded_in_bytes() -> None:
    fragments = Fragments()
    most = MAX_WAITING_BYTES // 60_000
    for number in range(most + 5):
        fragments.add(key(number), 0, True, bytes(60_000), 0)
    assert fragments.dropped == 5


@pytest.mark.parametrize("step", [1, -1])
def test_a_datagram_of_the_smallest_fragments_takes_no_quadratic_time(step: int) -> None:
    fragments = Fragments()
    started = time.process_time()
    for _ in range(3):
        for number in range(0, 8190)[::step]:
            whole = fragments.add(KEY, 8 * number, number < 8189, b"12345678", 0)
        assert whole is not None
        assert len(whole) == 8190 * 8
    assert time.process_time() - started < 1.5
