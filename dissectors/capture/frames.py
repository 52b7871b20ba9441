"""What capture readers hand out: frames as numpy columns and the interfaces they were captured on.

Here too is the one way to read integers at many byte positions at once (`gather`). It knows nothing of a file format.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Words = NDArray[np.uint32]
Flags = NDArray[np.bool_]

NOT_A_PACKET = -1
"""Link type of frames that are not packets or whose interface is unknown; also their interface index."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames that lie wholly inside one block of capture bytes, as columns of equal length."""

    data: Bytes  # the whole block (a view, not a copy; valid only until the next parse call)
    first_frame: int  # Wireshark's number, from 1, of the first frame of this block
    offset: Longs  # where each frame's captured bytes begin in `data`
    captured: Longs  # captured bytes; offset + captured <= len(data) always
    original: Longs  # bytes on the wire, as the file says (an anomaly tells when it says less than was captured)
    time_ns: Longs  # nanoseconds since the Unix epoch
    interface: Ints  # index into the reader's `interfaces`, or NOT_A_PACKET
    link_type: Ints  # LINKTYPE_ of each frame, or NOT_A_PACKET

    def __len__(self) -> int:
        return len(self.offset)

    def pieces(self, most: int) -> Iterator[tuple["Frames", int]]:
        """So many frames at a time, each piece with its own part of the data; and where that part begins in `data`."""
        for first in range(0, len(self), most):
            part = slice(first, first + most)
            offset, captured = self.offset[part], self.captured[part]
            begin, end = int(offset.min()), int((offset + captured).max())
            yield (
                Frames(
                    self.data[begin:end],
                    self.first_frame + first,
                    offset - begin,
                    captured,
                    self.original[part],
                    self.time_ns[part],
                    self.interface[part],
                    self.link_type[part],
                ),
                begin,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """Where frames were captured, as the file describes it."""

    index: int  # over the whole file; each pcapng section gets fresh ones
    link_type: int  # LINKTYPE_
    snap_length: int  # most bytes captured of a frame; 0 = no limit known
    resolution: int  # ticks per second of its time stamps
    offset_s: int = 0  # seconds to add to its time stamps
    fcs_length: int | None = None  # bytes of frame check sequence at the end of each frame
    name: str | None = None
    description: str | None = None
    filter: str | None = None  # capture filter in words, when the file has it


def gather(data: Bytes, positions: Longs, dtype: str) -> NDArray[Any]:
    """Items of `dtype` at byte `positions` of `data`, aligned or not. IndexError if one would not fit inside."""
    size = np.dtype(dtype).itemsize
    if not len(positions):
        return np.zeros(0, dtype)
    # Overlapping items, one at each byte. Only fancy indexing may touch it: `take` would copy the whole array first.
    return window(data, dtype, size)[positions]


def window(data: Bytes, dtype: str, size: int, shift: int = 0) -> NDArray[Any]:
    """A view with one item of `dtype` at each byte of `data[shift:]`, as far as whole items fit."""
    count = max(0, len(data) - shift - size + 1)
    if not count:
        return np.zeros(0, dtype)
    return np.ndarray((count,), dtype, data.data, shift, (1,))


def no_frames(data: Bytes, first_frame: int) -> Frames:
    """Zero frames."""
    longs = np.zeros(0, np.int64)
    ints = np.zeros(0, np.int32)
    return Frames(data, first_frame, longs, longs, longs, longs, ints, ints)
