"""Tables of multipart bodies, right ones and hostile ones."""

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas.multipart import MAX_PARTS, Multipart, parse

WBXML = b"\x03\x01\x6a\x00\x00\x14\x05"  # <ItemOperations/>


def body(*table: tuple[int, int], rest: bytes = b"") -> bytes:
    """PartsCount, then (offset, length) of each part, all little-endian; then the rest."""
    return struct.pack("<I", len(table)) + b"".join(struct.pack("<II", *row) for row in table) + rest


def test_parts_are_found_by_the_table() -> None:
    whole = body((20, 7), (27, 3), rest=WBXML + b"PNG")
    assert parse(whole) == Multipart(WBXML, (7, 3), True, ())


def test_parts_may_stand_in_any_order_with_room_between() -> None:
    whole = body((24, 7), (20, 3), rest=b"PNG." + WBXML)
    assert parse(whole) == Multipart(WBXML, (7, 3), True, ())


def test_a_cut_body_is_not_complete() -> None:
    found = parse(body((20, 7), (27, 3), rest=WBXML + b"P"))
    assert found is not None
    assert (found.sizes, found.complete) == ((7, 3), False)
    assert [oddity.code for oddity in found.oddities] == ["eas_multipart_table"]


@pytest.mark.parametrize("second", [(20, 7), (0, 4), (22, 2), (27, 2**32 - 1), (2**32 - 1, 1)])
def test_parts_that_overlap_or_leave_the_body_are_noted(second: tuple[int, int]) -> None:
    found = parse(body((20, 7), second, rest=WBXML + b"PNG"))
    assert found is not None
    assert found.document == WBXML
    assert [oddity.code for oddity in found.oddities] == ["eas_multipart_table"]


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"\x01\x00\x00\x00",
        WBXML + bytes(20),  # as a table it would have seven million parts
        body((20, 3), rest=b"....<ht"),  # no WBXML
        body((4, 7), rest=WBXML),  # the document inside of the table
        body((2**32 - 1, 7), rest=WBXML),
        struct.pack("<I", MAX_PARTS + 1) + bytes(8 * MAX_PARTS + 100),
        struct.pack("<I", 0) + bytes(20),
    ],
)
def test_what_has_no_table_is_not_multipart(other: bytes) -> None:
    assert parse(other) is None


def test_the_largest_table_takes_little_time() -> None:
    start = 4 + 8 * MAX_PARTS
    whole = body((start, 7), *[(start + 7, 0)] * (MAX_PARTS - 1), rest=WBXML)
    begin = time.process_time()
    found = parse(whole)
    assert time.process_time() - begin < 0.5
    assert found is not None
    assert len(found.sizes) == MAX_PARTS


@given(st.binary(max_size=100), st.integers(0, 5))
def test_any_bytes_are_read(inside: bytes, count: int) -> None:
    for whole in (inside, struct.pack("<I", count) + inside, body((12, 7), rest=WBXML + inside)):
        found = parse(whole)
        assert found is None or len(found.sizes) >= 1
