"""Gathers fixed-width byte rows out of a block: the one place where packet columns touch raw offsets."""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


def gather(data: Bytes, offsets: Ints, width: int) -> Bytes:
    """`data[o:o+width]` for every offset, as an array of shape (n, width); bytes past the end of `data` read as zero.

    The caller decides which of these bytes belong to the packet: a row may run on into the next record.
    """
    room = len(data) - width
    if room < 0:
        data = np.concatenate([data, np.zeros(width, np.uint8)])
        room = len(data) - width
    windows = np.lib.stride_tricks.sliding_window_view(data, width)
    if not len(offsets) or int(offsets.max()) <= room:
        return windows[offsets]
    rows = windows[np.minimum(offsets, room)]
    for index in np.flatnonzero(offsets > room).tolist():
        tail = data[int(offsets[index]) :]
        rows[index, : len(tail)] = tail
        rows[index, len(tail) :] = 0
    return rows


def u16(rows: Bytes, column: int) -> Ints:
    """Big-endian 16-bit integers at one column of the rows."""
    return (rows[:, column].astype(np.int64) << 8) | rows[:, column + 1]
