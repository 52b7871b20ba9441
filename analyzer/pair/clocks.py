"""Two capture clocks on one time scale, from packets that both captures hold.

Let `t` be the device side's clock and `t + theta(t)` the server side's. A packet that left the device's point at a and
was seen at the server's point at b was under way for at least nothing: theta <= b - a. One in the other direction gives
theta >= b - a. As in NTP (RFC 5905 8) the truth lies between the lowest of the ones and the highest of the others; with
drift, between two lines. Taken is the line with the most room on both sides: how much room there is, half the smallest
round trip between the points, is how wrong it can be, and is said beside it.

A drift is only said when the captures are long enough: when every line that fits has a slope within DRIFT_KNOWN of the
middle one. Else both clocks are taken to run alike, unless that cannot be. A clock that was set during the capture fits
no line: then the room is negative, and what is missing is the error. A few packets may be paired wrongly (a copy
taken for the original where one capture lost it): up to TRIMMED of them are left out where that makes a line fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MAX_DRIFT = 1e-3  # a clock that is worse is broken: NTP gives up at 0.0005
DRIFT_KNOWN = 1e-5  # half the width of the possible slopes below which a drift is said
BUCKETS = 4096  # stretches of time of which the best packet is kept
TRIMMED = 0.01
STEPS = 100  # of the search for the slope: the interval shrinks by a third each
NO_PAIRS_ERROR_NS = 1 << 62
ROUNDING_NS = 1_000  # time stamps may be cut to microseconds


@dataclass(frozen=True, slots=True)
class Clock:
    """How the server side's clock relates to the device side's."""

    offset_ns: float  # server's minus device's, at the reference
    drift: float  # seconds per second that the server's gains
    reference_ns: int  # device's clock
    error_ns: float  # of the offset: the true one is not further away
    drift_known: bool
    drift_error: float | None  # half the width of the possible slopes; None: not known
    fits: bool  # False: no line fits all packets; a clock was set, or jumps
    pairs_up: int  # packets towards the server that it rests on
    pairs_down: int

    @property
    def known(self) -> bool:
        """Whether both directions were seen."""
        return self.pairs_up > 0 and self.pairs_down > 0

    def to_device(self, server_ns: float) -> float:
        """A time of the server side's clock on the device side's."""
        since = server_ns - self.offset_ns - self.reference_ns
        return self.reference_ns + since / (1 + self.drift)

    def columns_to_device(self, server_ns: Ints) -> Ints:
        """The same for a column; exact to some nanoseconds."""
        since = server_ns - (round(self.offset_ns) + self.reference_ns)
        moved: Ints = self.reference_ns + np.round(since.astype(np.float64) / (1 + self.drift)).astype(np.int64)
        return moved


def align(up: tuple[Ints, Ints], down: tuple[Ints, Ints]) -> Clock:
    """The relation that packets towards the server (`up`) and towards the device (`down`) leave room for.

    Each is a pair of columns: when the packet was seen at the device's point and when at the server's.
    """
    if not len(up[0]) or not len(down[0]):
        return _one_way(up, down)
    both = np.concatenate([up[0], down[0]])
    reference = int(both.min()) // 2 + int(both.max()) // 2
    base = int(np.median(np.concatenate([up[1] - up[0], down[1] - down[0]])))
    highest = _best(up, reference, base, -1)
    lowest = _best(down, reference, base, 1)
    above, below, fits = _trimmed(highest, lowest)
    low, high = _slopes(above, below)
    drift = 0.0 if low <= 0 <= high else (low + high) / 2
    width = (high - low) / 2
    known = fits and width <= DRIFT_KNOWN
    if known or not fits:
        drift = _search(above, below)
    room, middle = _room(above, below, drift)
    return Clock(
        offset_ns=base + middle,
        drift=drift,
        reference_ns=reference,
        error_ns=abs(room) / 2 + ROUNDING_NS,
        drift_known=known,
        drift_error=width if fits else None,
        fits=fits,
        pairs_up=len(up[0]),
        pairs_down=len(down[0]),
    )


Points = tuple[Floats, Floats]  # time from the reference, difference of the clocks from the base


def _one_way(up: tuple[Ints, Ints], down: tuple[Ints, Ints]) -> Clock:
    """One direction bounds the offset on one side only: it is taken as it is, and nothing rests on it."""
    for device, server in (up, down):
        if len(device):
            difference = server - device
            offset = float(difference.min() if device is up[0] else difference.max())
            return Clock(offset, 0.0, int(device[0]), NO_PAIRS_ERROR_NS, False, None, True, len(up[0]), len(down[0]))
    return Clock(0.0, 0.0, 0, NO_PAIRS_ERROR_NS, False, None, True, 0, 0)


def _best(pairs: tuple[Ints, Ints], reference: int, base: int, sign: int) -> Points:
    """Of each stretch of time the packet that says most."""
    at = (pairs[0] - reference).astype(np.float64)
    difference = (pairs[1] - pairs[0] - base).astype(np.float64)
    if len(at) <= BUCKETS:
        return at, difference
    bucket = ((at - at.min()) / max(float(np.ptp(at)), 1.0) * (BUCKETS - 1)).astype(np.int64)
    order = np.lexsort((-sign * difference, bucket))
    first = order[np.flatnonzero(np.diff(bucket[order], prepend=-1))]
    return at[first], difference[first]


def _trimmed(above: Points, below: Points) -> tuple[Points, Points, bool]:
    """Without the packets that no line has room for, if they are few; and whether a line fits now."""
    allowed = max(1, int(TRIMMED * (len(above[0]) + len(below[0]))))
    now: tuple[Points, Points] = (above, below)
    for _ in range(allowed + 1):
        room, _ = _room(now[0], now[1], _search(*now))
        if room >= -ROUNDING_NS:
            return *now, True
        tries = [(_without(now[0], -1), now[1]), (now[0], _without(now[1], 1))]
        tries = [(up, down) for up, down in tries if len(up[0]) and len(down[0])]
        if not tries:
            break
        now = max(tries, key=lambda pair: _room(pair[0], pair[1], _search(*pair))[0])
    return above, below, False


def _without(points: Points, sign: int) -> Points:
    """Without its most extreme one."""
    worst = int(np.argmax(sign * points[1]))
    return np.delete(points[0], worst), np.delete(points[1], worst)


def _room(above: Points, below: Points, slope: float) -> tuple[float, float]:
    """How much room a line of this slope has between both, and where its middle is at the reference."""
    ceiling = float((above[1] - slope * above[0]).min())
    floor = float((below[1] - slope * below[0]).max())
    return ceiling - floor, (ceiling + floor) / 2


def _search(above: Points, below: Points) -> float:
    """The slope with the most room: it is a concave function of the slope."""
    low, high = -MAX_DRIFT, MAX_DRIFT
    for _ in range(STEPS):
        third = (high - low) / 3
        if _room(above, below, low + third)[0] < _room(above, below, high - third)[0]:
            low += third
        else:
            high -= third
    return (low + high) / 2


def _slopes(above: Points, below: Points) -> tuple[float, float]:
    """The smallest and the largest slope that has room."""
    best = _search(above, below)
    found = []
    for end in (-MAX_DRIFT, MAX_DRIFT):
        inside, outside = best, end
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            if _room(above, below, middle)[0] >= -ROUNDING_NS:
                inside = middle
            else:
                outside = middle
        found.append(inside)
    return found[0], found[1]
