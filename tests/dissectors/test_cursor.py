"""The bounds-checked reader: right values, and Truncated instead of a byte too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.cursor import Cursor
from dissectors.errors import Truncated


def test_integers_are_big_endian() -> None:
    cursor = Cursor(bytes(range(1, 11)))
    assert (cursor.u8(), cursor.u16(), cursor.u24(), cursor.u32(), len(cursor)) == (
        0x01,
        0x0203,
        0x040506,
        0x0708090A,
        0,
    )


@pytest.mark.parametrize(("read", "size"), [("u8", 1), ("u16", 2), ("u24", 3), ("u32", 4)])
def test_a_read_past_the_end_moves_nothing(read: str, size: int) -> None:
    cursor = Cursor(b"\xff" * 9, 1, size)
    with pytest.raises(Truncated):
        getattr(cursor, read)()
    assert (cursor.position, cursor.rest()) == (1, b"\xff" * (size - 1))


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(Truncated):
        Cursor(b"abc", 2).take(-1)


def test_a_vector_ends_where_it_says_and_the_outer_cursor_goes_on_behind_it() -> None:
    cursor = Cursor(b"\x00\x02abcd")
    inner = cursor.vector(2)
    assert (inner.rest(), cursor.rest()) == (b"ab", b"cd")
    with pytest.raises(Truncated):
        inner.u8()


def test_a_vector_longer_than_what_is_left_is_refused() -> None:
    with pytest.raises(Truncated):
        Cursor(b"\x05abcd").vector(1)


@given(
    st.binary(min_size=10, max_size=20),
    st.integers(0, 10),
    st.integers(10, 25),
    st.lists(st.integers(-2, 9), max_size=8),
)
def test_no_byte_outside_the_bounds_is_ever_given(data: bytes, start: int, end: int, counts: list[int]) -> None:
    cursor = Cursor(data, start, end)
    given_out = b""
    for count in counts:
        try:
            given_out += cursor.take(count)
        except Truncated:
            assert count < 0 or count > len(cursor)
    assert given_out == data[start:end][: len(given_out)]
    assert cursor.position == start + len(given_out)
