"""Sequence numbers that wander: positions packet by packet, where steps are too large to be told a block at a time.

Which of the possible positions a sequence number means, and whether it is in the window at all, is judged from the
highest position before it (RFC 9293 3.4; `evidence.MAX_STEP`). `columns.py` judges from where the block began, which
is the same while no step is larger than PLAIN_STEP. Beyond that (garbage, or gigabytes in one block of a capture with
a short snap length) these loops say what is true.
"""

import numpy as np
from numpy.typing import NDArray

from dissectors.net.evidence import MAX_STEP
from dissectors.net.rows import Ints
from dissectors.net.segments import MASK32

PLAIN_STEP = 1 << 28  # three such steps, and a packet's length, are still less than MAX_STEP

Flags = NDArray[np.bool_]


def follow(base: int, start: int, seq: Ints, span: Ints, rst: Flags, position: Ints, usable: Flags, prior: Ints) -> int:
    """Writes position, usable and prior of one side's packets, next at `start`; returns what is next after them."""
    reached = start
    for index, (number, length, reset) in enumerate(zip(seq.tolist(), span.tolist(), rst.tolist(), strict=True)):
        step = signed(number - base - reached)
        prior[index] = reached
        position[index] = reached + step
        usable[index] = fits = not reset and abs(step) <= MAX_STEP
        if fits and length:
            reached = max(reached, reached + step + length)
    return reached


def follow_acks(
    base: list[int], start: list[int], known: list[int], side: Ints, ack: Ints, has_ack: Flags, reached: Ints
) -> list[int]:
    """The position of the other side that each packet of a connection acknowledges; 0 for none.

    `base`, `start` and `known` are per side: its base, its next position before, the packet from which on its base is
    known. `reached` is, per packet, its own side's next position after it.
    """
    now = list(start)
    found = []
    for index, (which, number, present, after) in enumerate(
        zip(side.tolist(), ack.tolist(), has_ack.tolist(), reached.tolist(), strict=True)
    ):
        other = 1 - which
        step = signed(number - base[other] - now[other])
        found.append(now[other] + step if present and known[other] < index and abs(step) <= MAX_STEP else 0)
        now[which] = after
    return found


def signed(difference: int) -> int:
    """A difference of sequence numbers as a signed 32-bit step."""
    return ((difference + 0x80000000) & MASK32) - 0x80000000


def wrap(difference: Ints) -> Ints:
    """The same for columns."""
    return ((difference + 0x80000000) & MASK32) - 0x80000000
