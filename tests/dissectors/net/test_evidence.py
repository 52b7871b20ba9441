"""What is remembered of open connections takes little room, and comes back as it was put in."""

from ipaddress import IPv6Address

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dissectors.net.evidence import FEW, RING, TAIL, LastPackets, Slots, address_text
from dissectors.net.packets import MAX_SUPER_FRAME


@pytest.mark.parametrize(
    "packet",
    [
        (0, 0, 0, 0, 0, 0, 0, 0, 0),
        ((1 << 39) - 1, (1 << 63) - 1, 1, 255, (1 << 32) - 1, MAX_SUPER_FRAME, 255, -(1 << 63), 1),
        (7, -1, 0, 0x18, 1 << 31, 1460, 64, -1, 0),
    ],
)
def test_a_packed_packet_is_the_same_packet(packet: tuple[int, ...]) -> None:
    last = LastPackets(4)
    last[2, 5] = packet
    assert list(last.of(2, [5, 5 + TAIL])) == [packet, packet]
    assert last[np.array([2]), np.array([5])].tolist() == [list(packet)]
    assert len(packet) == len(RING)


def test_rows_are_let_go_when_the_last_connection_has_ended() -> None:
    slots = Slots()
    taken = slots.take(3 * FEW)
    slots.one["start_ns"][taken] = 5
    slots.release(taken[1:].tolist())
    assert slots.capacity == 4 * FEW
    assert slots.one["start_ns"][taken[0]] == 5
    slots.release(taken[:1].tolist())
    assert slots.capacity == FEW
    assert slots.one["start_ns"][slots.take(2)].tolist() == [0, 0]


@given(st.lists(st.sampled_from((0, 0, 0, 1, 0xDB8, 0xFFFF)) | st.integers(0, 0xFFFF), min_size=8, max_size=8))
def test_ipv6_addresses_are_written_as_everywhere(words: list[int]) -> None:
    number = sum(word << 16 * place for place, word in enumerate(words))
    high, low = np.array([number >> 64, number & (1 << 64) - 1], np.uint64).view(np.int64).tolist()
    assume(number >> 32 != 0xFFFF)  # newer Pythons write these otherwise
    assert address_text(6, high, low) == str(IPv6Address(number))
