"""Tells from the table `connections` whether two captures of one analysis show the same connections: by the random of
the ClientHello, which no NAT changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from analyzer.tables import read

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
