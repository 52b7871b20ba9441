"""Time stamps of pcapng: ticks of an interface's own resolution to nanoseconds since the epoch, exactly.

draft-ietf-opsawg-pcapng 4.2 (if_tsresol, if_tsoffset). Parts of a nanosecond are cut off, as Wireshark does.
"""

import numpy as np
from numpy.typing import NDArray

from dissectors.capture.frames import Flags, Longs

NS = 1_000_000_000
LOWEST, HIGHEST = 0, (1 << 63) - 1  # no times before 1970: any two differ by less than 64 bits, and -1 can mean none
DEFAULT_RESOLUTION = 6  # microseconds, when an interface does not say


def ticks_per_second(resolution: int) -> int:
    """What the one byte of if_tsresol means: a power of ten, or of two if the top bit is set."""
    exponent = resolution & 0x7F
    return int(2**exponent) if resolution & 0x80 else int(10**exponent)


def to_ns(ticks: NDArray[np.uint64], resolution: int, offset_s: int) -> tuple[Longs, Flags]:
    """Nanoseconds, and which of them were out of range and were brought to its nearest end."""
    rate = ticks_per_second(resolution)
    shift = offset_s * NS

    def exact(tick: int) -> int:
        return tick * NS // rate + shift

    exponent = resolution & 0x7F
    high = int(ticks.max())
    # The result grows with the ticks: if both ends fit, all do. It must fit before the shift is added, too.
    fits = exact(int(ticks.min())) >= LOWEST and max(exact(high), exact(high) - shift) <= HIGHEST and shift <= HIGHEST
    if fits and shift >= -(1 << 63):
        fine = np.zeros(len(ticks), np.bool_)
        if resolution & 0x80 and exponent <= 34:  # below 2**34, a fraction times 10**9 is below 2**64
            bits = np.uint64(exponent)
            whole = ticks >> bits
            part = (ticks - (whole << bits)) * np.uint64(NS) >> bits
            return (whole * np.uint64(NS) + part).astype(np.int64) + shift, fine
        if not resolution & 0x80 and exponent <= 9:
            return (ticks * np.uint64(10 ** (9 - exponent))).astype(np.int64) + shift, fine
        if not resolution & 0x80 and exponent <= 28:
            return (ticks // np.uint64(10 ** (exponent - 9))).astype(np.int64) + shift, fine
    values = [exact(tick) for tick in ticks.tolist()]
    unfit = np.array([not LOWEST <= value <= HIGHEST for value in values])
    return np.array([min(max(value, LOWEST), HIGHEST) for value in values], np.int64), unfit
