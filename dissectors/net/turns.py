"""Who spoke when, and how much: what a connection that cannot be read still shows.

A turn is new payload of one side with no payload of the other between and no pause longer than TURN_GAP_NS. Turns are
noted from a connection's first payload until it turns out that it can be read, or that it is nothing of ours. They
become part of the Connection where it lasted, or never ended: a wait needs time.
"""

from array import array
from collections.abc import Iterable

import numpy as np

from dissectors.events import Turn
from dissectors.net.rows import Bytes, Ints

TURN_GAP_NS = 1_000_000_000
LASTING_NS = 20_000_000_000  # no shorter wait is looked for
MAX_TURNS = 20_000  # of one connection; an hour of waits of a minute are 120

_SIDE, _START, _END, _FIRST, _LAST, _BYTES, _SEGMENTS, _TYPE = range(8)
_WIDTH = 8


def turns_of(
    group: Ints, side: Ints, time_ns: Ints, frame: Ints, new: Ints, start: Ints, captured: Ints, data: Bytes
) -> tuple[Ints, Ints]:
    """The turns of some rows, all with new payload and one connection after the other: the group of each, and an array
    of shape (turns, 8).
    """
    count = len(side)
    first = np.ones(count, np.bool_)
    first[1:] = (np.diff(side) != 0) | (np.diff(time_ns) > TURN_GAP_NS) | (np.diff(group) != 0)
    begin = np.flatnonzero(first)
    last = np.append(begin[1:], count) - 1
    found = np.empty((len(begin), _WIDTH), np.int64)
    found[:, _SIDE] = side[begin]
    found[:, _START], found[:, _END] = time_ns[begin], time_ns[last]
    found[:, _FIRST], found[:, _LAST] = frame[begin], frame[last]
    found[:, _BYTES] = np.add.reduceat(new, begin)
    found[:, _SEGMENTS] = last - begin + 1
    kinds = data[np.minimum(start[begin], len(data) - 1)].astype(np.int64)
    found[:, _TYPE] = np.where(captured[begin] > 0, kinds, -1)
    return group[begin], found


class Noted:
    """The turns of the open connections, by slot: eight numbers a turn, one turn after the other. As lists of numbers
    they would take five times the room, and there may be one for every packet.
    """

    def __init__(self) -> None:
        self._turns: dict[int, array[int]] = {}

    def add(self, slot: int, turns: list[list[int]]) -> None:
        """The turns of the next block; the first may go on with the last one."""
        known = self._turns.get(slot)
        if known is None:
            known = self._turns[slot] = array("q")
        elif known:
            after = turns[0]
            if known[_SIDE - _WIDTH] == after[_SIDE] and after[_START] - known[_END - _WIDTH] <= TURN_GAP_NS:
                known[_END - _WIDTH], known[_LAST - _WIDTH] = after[_END], after[_LAST]
                known[_BYTES - _WIDTH] += after[_BYTES]
                known[_SEGMENTS - _WIDTH] += after[_SEGMENTS]
                turns = turns[1:]
        for turn in turns[: MAX_TURNS - len(known) // _WIDTH]:
            known.fromlist(turn)

    def drop(self, slot: int) -> None:
        """They are of no use."""
        self._turns.pop(slot, None)

    def take(self, slot: int) -> list[list[int]]:
        """All of them; the connection has ended."""
        known = self._turns.pop(slot, None)
        return [] if known is None else [known[at : at + _WIDTH].tolist() for at in range(0, len(known), _WIDTH)]


def told(turns: Iterable[list[int]], lasted_ns: int, closed: bool) -> tuple[Turn, ...]:
    """The turns that become part of a Connection."""
    return tuple(Turn(*turn) for turn in turns) if lasted_ns >= LASTING_NS or not closed else ()
