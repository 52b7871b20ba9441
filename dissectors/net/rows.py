"""Gathers fixed-width byte rows out of a block: the one place where packet columns touch raw offsets."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Narrow = NDArray[Any]  # integers just wide enough for their field: to be widened before arithmetic


def gather(data: Bytes, offsets: Ints, width: int) -> Bytes:
    """`data[o:o+width]` for every offset, as an array of shape (n, width); bytes past the end of `data` read as zero.

    The caller decides which of these bytes belong to the packet: a row may run on into the next record.
    """
    room = len(data) - width
    if room < 0:
        data = np.concatenate([data, np.zeros(width, np.uint8)])
        room = len(data) - width
    # rows as one opaque item each: numpy then copies them whole, twice as fast as byte by byte
    windows = np.ndarray(room + 1, f"V{width}", data, strides=(1,))
    cut = offsets.max(initial=0) > room
    rows = windows[np.minimum(offsets, room) if cut else offsets].view(np.uint8).reshape(len(offsets), width)
    for index in np.flatnonzero(offsets > room).tolist() if cut else ():
        tail = data[int(offsets[index]) :]
        rows[index, : len(tail)] = tail
        rows[index, len(tail) :] = 0
    return rows


def u16(rows: Bytes, column: int) -> Ints:
    """Big-endian 16-bit integers at one column of the rows."""
    return (rows[:, column].astype(np.int64) << 8) | rows[:, column + 1]


def starts(column: NDArray[Any]) -> Ints:
    """Where runs of equal values begin."""
    first = np.ones(len(column), np.bool_)
    np.not_equal(column[1:], column[:-1], out=first[1:])
    return np.flatnonzero(first)
