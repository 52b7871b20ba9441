"""Finds record boundaries with many chains at once (DESIGN section 4): numpy steps them together, compiled by turns.

A record says how long it is, so the next boundary is known only when this one has been read: a chain. Here the block is
cut into lanes (of 128 KiB; 1 MiB compiled), a likely record start is looked up in each (`find`), and all step at once.

A likely start is only a guess, and a packet may hold a whole imitated capture. So nothing is believed until it is
proven: lane 0 starts at a true boundary, and a lane is true if a true chain before it lands exactly on its start.
Where a chain misses the next start, that lane's records are thrown away and a plain loop walks on from the landing
until it meets the start of a later lane. The result is always the chain from byte 0, only found in another order.
"""

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

import numpy as np

from dissectors import native
from dissectors.capture.frames import Bytes, Longs, gather, window

LANE_BYTES = 128 << 10
COMPILED_LANE_BYTES = 1 << 20  # a few chains at once already hide the wait for memory
MIN_LANES = 16  # below this the plain loop is as fast as numpy
STEPS_A_ROUND = 8  # steps between two looks at which lanes have arrived
MAX_STEPS = LANE_BYTES // 16  # no true lane has more records; false ones may even stand still


class Shape(NamedTuple):
    """How a record says its length: it ends `overhead` + (the 32-bit number at `length_at`) bytes after its start."""

    length_at: int
    overhead: int
    header: int  # bytes that must be there to read the length
    big_endian: bool

    @property
    def word(self) -> str:
        return ">u4" if self.big_endian else "<u4"


Find = Callable[[int, int], int]
"""find(low, high): a likely record start in that range of byte positions, or -1."""


def chain(data: Bytes, start: int, shape: Shape, find: Find) -> Longs:
    """Starts of records from `start` (a true boundary) on that end inside `data`; none if numpy has too little to gain.

    Lengths are followed as they are: the caller checks that each is sane and cuts the result at the first that is not.
    The chain may stop early (damage, the last few bytes): a plain loop goes on after its last record.
    """
    lanes = _lane_starts(start, len(data), find, COMPILED_LANE_BYTES if native.enabled else LANE_BYTES)
    if len(lanes) < MIN_LANES and not (native.enabled and start + shape.header <= len(data)):
        return np.zeros(0, np.int64)
    records = _step_all(data, lanes, shape)
    found = _prove(data, lanes, records, shape)
    # Only the last one can reach past the end: the chain stops there.
    return found[:-1] if _next(data, found[-1:], shape)[0] > len(data) else found


def _lane_starts(start: int, size: int, find: Find, lane_bytes: int) -> Longs:
    starts = [start]
    for low in range(start + lane_bytes, size - lane_bytes, lane_bytes):
        found = find(low, low + lane_bytes)
        if found > starts[-1]:
            starts.append(found)
    return np.array(starts, np.int64)


def _next(data: Bytes, records: Longs, shape: Shape) -> Longs:
    following = gather(data, records + shape.length_at, shape.word) + records
    following += shape.overhead
    return following


def _step_all(data: Bytes, lanes: Longs, shape: Shape) -> Longs:
    """Sorted record starts of all lanes, each lane up to the start of the next one."""
    if native.enabled:
        return native.chains.step_all(data, lanes, shape.length_at, shape.overhead, shape.header, shape.big_endian)
    limit = len(data) - shape.header  # the last position whose header can be read
    lengths = window(data, shape.word, 4, shape.length_at)
    position, bound = lanes, np.append(lanes[1:], limit)
    # A few stragglers (false lanes, lanes with tiny packets) are cheaper in the plain loop than in lock-step.
    enough = len(lanes) // 16
    seen: list[Longs] = []
    for _ in range(0, MAX_STEPS, STEPS_A_ROUND):
        steps = np.empty((STEPS_A_ROUND + 1, len(position)), np.int64)
        steps[0] = position
        for step in steps[1:]:  # lanes that have arrived run on harmlessly: what they see is dropped below
            np.add(lengths[position], position, out=step)
            step += shape.overhead
            position = np.minimum(step, limit, out=step)
        seen.append(steps[:-1][steps[:-1] < bound])
        under_way = np.flatnonzero(position < bound)
        if len(under_way) <= enough:
            break
        position, bound = position[under_way], bound[under_way]
    records = np.concatenate(seen)
    records.sort()
    return records


def _prove(data: Bytes, lanes: Longs, records: Longs, shape: Shape) -> Longs:
    """The true chain: proven lanes as they are, plain steps between them."""
    starts: list[int] = lanes.tolist()
    ends = np.append(np.searchsorted(records, lanes[1:]), len(records))  # lane n: records[ends[n - 1]:ends[n]]
    landings = _next(data, records[ends - 1], shape)
    broken = np.append(np.flatnonzero(landings[:-1] != lanes[1:]), len(lanes) - 1)
    pieces: list[Longs] = []
    lane = 0
    while lane < len(starts):  # `lane` is true, and so are all up to the next broken one, which lands elsewhere
        stop = int(broken[np.searchsorted(broken, lane)])
        pieces.append(records[ends[lane - 1] if lane else 0 : ends[stop]])
        walked, lane = _walk(data, int(landings[stop]), starts, stop + 1, shape)
        pieces.append(np.array(walked, np.int64))
    return np.concatenate(pieces)


def _walk(data: Bytes, position: int, starts: list[int], lane: int, shape: Shape) -> tuple[list[int], int]:
    """Plain steps until the start of `lane` or a later one is met: the records on the way, and which lane it is."""
    view = data.data
    unpack = Struct(shape.word[0] + "I").unpack_from
    walked: list[int] = []
    while lane < len(starts):
        if position == starts[lane]:
            return walked, lane
        if position > starts[lane]:
            lane += 1
            continue
        length = unpack(view, position + shape.length_at)[0] + shape.overhead
        if length < shape.header:  # a record that does not even hold its own header: damage, left to the caller
            break
        walked.append(position)
        position += length
    return walked, len(starts)
