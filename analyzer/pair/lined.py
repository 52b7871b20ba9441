"""The packets of one connection at two points, numbered alike.

Sequence numbers are counted from the side's first payload byte (SYN: -1), at both points from the same byte. A plain
NAT keeps the numbers; a firewall may replace a side's initial number; a proxy that ends TCP has other numbers, and the
same bytes behind them. How far the numbers of both points are apart is told by the SYNs where both were captured, else
by payload that is the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analyzer.pair.rows import NO_CHECKSUM, Flags, Ints, Rows
from dissectors.events import CLIENT, SERVER
from dissectors.net.evidence import ACK, FIN, RST, SYN
from dissectors.net.positions import wrap
from dissectors.net.segments import MASK32

Kind = Literal["same", "renumbered", "relayed"]  # one TCP; one TCP with rewritten numbers; two, with the same bytes

NO_ACK = -(1 << 62)
SHIFT_SAMPLES = 64  # payloads that are compared to find how far numbers are apart
SAME_IDS = 0.5  # share of packets with the same IP identification above which both points see the same packets


@dataclass(slots=True)
class Lined:
    """The packets at one point; columns beside those of `rows`."""

    rows: Rows
    begin: Ints  # position of the first byte
    end: Ints  # position after the last one, the FIN included
    acked: Ints  # position of the other side that it acknowledges; NO_ACK: none
    closing: Flags  # FIN or RST
    bare: Flags  # neither payload nor SYN, FIN or RST

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, side: int) -> Ints:
        """The packets of a side."""
        return np.flatnonzero(self.rows.side == side)


def line_up(device: Rows, server: Rows) -> tuple[Lined, Lined, Kind, tuple[int, int]]:
    """Both points' packets in common positions, what kind of passage lies between, and by how much each side's numbers
    were changed on the way.
    """
    bases, shifts = [], []
    for side in (CLIENT, SERVER):
        base = _base(device, side)
        other = _base(server, side)
        shift = _shift(device, server, side)
        if base is None:
            base = 0 if other is None else (other - shift) & MASK32
        bases.append(base)
        shifts.append(shift)
    kind = _kind(device, server, shifts)
    moved = [(base + shift) & MASK32 for base, shift in zip(bases, shifts, strict=True)]
    return _lined(device, bases), _lined(server, moved), kind, (shifts[CLIENT], shifts[SERVER])


def _base(rows: Rows, side: int) -> int | None:
    """The number of a side's first payload byte, as far as it can be known."""
    own = rows.side == side
    syn = np.flatnonzero(own & (rows.flags & SYN > 0))
    if len(syn):
        return (int(rows.seq[syn[0]]) + 1) & MASK32
    plain = np.flatnonzero(own & (rows.flags & RST == 0))
    return int(rows.seq[plain[0]]) if len(plain) else None


def _shift(device: Rows, server: Rows, side: int) -> int:
    """Numbers at the server's point minus those at the device's."""
    synced = [np.flatnonzero((rows.side == side) & (rows.flags & SYN > 0)) for rows in (device, server)]
    if len(synced[0]) and len(synced[1]):
        return (int(server.seq[synced[1][0]]) - int(device.seq[synced[0][0]])) & MASK32
    payloads: dict[tuple[int, int], int] = {}
    for row in _payload(device, side):
        payloads.setdefault((int(device.length[row]), int(device.checksum[row])), int(device.seq[row]))
    found = Counter(
        (int(server.seq[row]) - payloads[key]) & MASK32
        for row in _payload(server, side)
        if (key := (int(server.length[row]), int(server.checksum[row]))) in payloads
    )
    return found.most_common(1)[0][0] if found else 0


def _payload(rows: Rows, side: int) -> list[int]:
    chosen = np.flatnonzero((rows.side == side) & (rows.checksum != NO_CHECKSUM) & (rows.length > 1))
    return [int(row) for row in chosen[:SHIFT_SAMPLES]]


def _kind(device: Rows, server: Rows, shifts: list[int]) -> Kind:
    """A proxy has numbers of its own on both sides and sends packets of its own; a firewall that only replaces numbers
    passes the packets on, IP identification and all.
    """
    if 0 in shifts:
        return "renumbered" if any(shifts) else "same"
    ids = [{int(number) for number in rows.ip_id[rows.length > 0] if number > 0} for rows in (device, server)]
    least = min(map(len, ids))
    return "renumbered" if least and len(ids[0] & ids[1]) >= SAME_IDS * least else "relayed"


def _lined(rows: Rows, bases: list[int]) -> Lined:
    begin = np.zeros(len(rows), np.int64)
    acked = np.full(len(rows), NO_ACK, np.int64)
    for side in (CLIENT, SERVER):
        own = np.flatnonzero(rows.side == side)
        begin[own] = _unwrapped(rows.seq[own], bases[side])
        acking = np.flatnonzero((rows.side == 1 - side) & (rows.flags & ACK > 0))
        acked[acking] = _unwrapped(rows.ack[acking], bases[side])
    end = begin + rows.length + (rows.flags & FIN > 0) + (rows.flags & SYN > 0)
    closing = rows.flags & (FIN | RST) > 0
    bare = (rows.length == 0) & ~closing & (rows.flags & SYN == 0)
    return Lined(rows, begin, end, acked, closing, bare)


def _unwrapped(numbers: Ints, base: int) -> Ints:
    """Positions of sequence numbers that go around: each is the one nearest to the one before."""
    if not len(numbers):
        return numbers
    steps = wrap(np.diff(numbers, prepend=base))
    return np.cumsum(steps)
