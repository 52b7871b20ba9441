"""Ticks to nanoseconds: exact for every resolution, brought to the edge where 64 bits do not hold it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.capture.ticks import HIGHEST, LOWEST, ticks_per_second, to_ns


@pytest.mark.parametrize(
    ("resolution", "ticks", "nanoseconds"),
    [
        (6, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
        (9, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (12, 1_700_000_000_123_456_789, 1_700_000_000_123_456),
        (0, 1_700_000_000, 1_700_000_000_000_000_000),
        (0x80 | 10, 1025, 1_000_976_562),  # 1 + 1/1024 s, the half nanosecond cut off
        (0x80 | 32, (7 << 32) + (1 << 31), 7_500_000_000),  # NTP's own fixed point
    ],
)
def test_known_values(resolution: int, ticks: int, nanoseconds: int) -> None:
    assert to_ns(np.array([ticks], np.uint64), resolution, 0)[0].tolist() == [nanoseconds]


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5)
    | st.lists(st.integers(0, 2**50), min_size=1, max_size=5),
    st.integers(0, 255),
    st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**31), 2**31),
)
def test_every_resolution_and_offset_is_exact(ticks: list[int], resolution: int, offset_s: int) -> None:
    time_ns, unfit = to_ns(np.array(ticks, np.uint64), resolution, offset_s)
    exact = [tick * 10**9 // ticks_per_second(resolution) + offset_s * 10**9 for tick in ticks]
    assert time_ns.tolist() == [min(max(value, LOWEST), HIGHEST) for value in exact]
    assert unfit.tolist() == [not LOWEST <= value <= HIGHEST for value in exact]
