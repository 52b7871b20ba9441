"""Tells from the table `connections` whether two captures of one analysis show the same connections: by the random of
the ClientHello, which no NAT changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.tables import read
from analyzer.tables.builder import NAT

if TYPE_CHECKING:
    from analyzer.tables.read import Source


class Seen(NamedTuple):
    """One connection in two captures."""

    first: int  # connection_id in the capture that was named first
    second: int
    captures: tuple[str, str]


def same_connections(connections: Source) -> list[Seen]:
    """The connections that are in more than one capture; of a third capture, with the first one."""
    randoms, _ = read.codes(connections, "client_random")
    codes, names = read.codes(connections, "capture")
    first: dict[int, tuple[int, int]] = {}
    known: set[tuple[int, int]] = set()
    found = []
    for number, random, capture in zip(
        read.ints(connections, "connection_id").tolist(), randoms.tolist(), codes.tolist(), strict=True
    ):
        if random < 0 or capture < 0:
            continue
        earlier, where = first.setdefault(random, (number, capture))
        if where != capture and (random, capture) not in known:
            known.add((random, capture))
            found.append(Seen(earlier, number, (str(names[where]), str(names[capture]))))
    return found


def device_side_first(seen: list[Seen], transactions: Source) -> tuple[str, str] | None:
    """The two captures of `seen`, that nearer to the devices first; None when that cannot be told, or there are more.

    Nearer to the device a request is followed by its answer later: the way to the other point and back lies between.
    """
    captures = {one.captures for one in seen}
    if len(captures) != 1:
        return None
    ids = read.ints(transactions, "connection_id")
    asked, answered = read.times(transactions, "request_end"), read.times(transactions, "response_start")
    known = (asked != NAT) & (answered != NAT)
    held_ns = answered - asked
    longer = 0
    for one in seen:
        here, there = (held_ns[known & (ids == number)] for number in (one.first, one.second))
        both = min(len(here), len(there))
        longer += int(np.sign(int(here[:both].sum()) - int(there[:both].sum())))
    (pair,) = captures
    return None if not longer else pair if longer > 0 else (pair[1], pair[0])
