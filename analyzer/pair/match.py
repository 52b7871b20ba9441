"""Which connection of the one capture is which of the other.

In this order, each among what is still left:
- the random of the ClientHello: 32 bytes that pass NAT and everything that does not end TLS;
- sequence numbers, which a plain NAT keeps: both initial ones, else those of packets with the same payload;
- content: the same payloads in packets with other numbers (plain HTTP through something that ends TCP).

One capture may hold a connection twice, before and behind NAT (`-i any`). Then that leg is taken whose addresses differ
from the other capture's: the one further away.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from analyzer.pair.rows import NO_CHECKSUM, Rows
from dissectors.events import CLIENT, Connection
from dissectors.net.evidence import SYN

By = Literal["client_random", "sequence_numbers", "content"]

SEED_ROWS = 64  # first packets of a connection that are looked at
MIN_PAYLOAD_BYTES = 16  # below, equal payload says nothing
SAME_NUMBERED = 2  # packets with the same number and length
SAME_PAYLOADS = 3  # with other numbers; fewer may be chance


class Match(NamedTuple):
    """One connection at both points."""

    device: Connection
    server: Connection
    by: By

    def at(self, place: int) -> Connection:
        """The device side's (0) or the server side's."""
        return self.server if place else self.device


def by_random(device: Sequence[Connection], server: Sequence[Connection]) -> list[Match]:
    """The connections that began with the same ClientHello."""
    legs: dict[str, list[Connection]] = {}
    for connection in server:
        random = _random(connection)
        if random is not None:
            legs.setdefault(random, []).append(connection)
    found: dict[str, list[Connection]] = {}
    for connection in device:
        random = _random(connection)
        if random in legs:
            found.setdefault(random, []).append(connection)
    return [Match(*_furthest(near, legs[random]), "client_random") for random, near in found.items()]


def by_numbers(device: Sequence[tuple[Connection, Rows]], server: Sequence[tuple[Connection, Rows]]) -> list[Match]:
    """The connections with the same sequence numbers; the pairs are connections and their first packets."""
    initial = _unique(device, server, _initial_numbers, 1, "sequence_numbers")
    left = _left(device, initial, 0), _left(server, initial, 1)
    return [*initial, *_unique(*left, _numbered_payloads, SAME_NUMBERED, "sequence_numbers")]


def by_content(device: Sequence[tuple[Connection, Rows]], server: Sequence[tuple[Connection, Rows]]) -> list[Match]:
    """The connections that carry the same payloads."""
    return _unique(device, server, _payloads, SAME_PAYLOADS, "content")


def unmatched(connections: Iterable[Connection], matches: Iterable[Match], place: int) -> list[Connection]:
    """The connections of one capture (place 0: the device side's) that have no match; copies of others left out."""
    taken = {match.at(place).connection_id for match in matches}
    return [
        connection
        for connection in connections
        if connection.connection_id not in taken and connection.duplicate_of not in taken
    ]


def _random(connection: Connection) -> str | None:
    return connection.tls.client_random if connection.tls else None


def _furthest(near: Sequence[Connection], far: Sequence[Connection]) -> tuple[Connection, Connection]:
    """The pair that has least in common: NAT lies between."""
    pairs = [(device, server) for device in near for server in far]
    return min(pairs, key=lambda pair: len(_ends(pair[0]) & _ends(pair[1])))


def _ends(connection: Connection) -> set[tuple[str, int]]:
    return {(connection.client.ip, connection.client.port), (connection.server.ip, connection.server.port)}


Seeds = Sequence[tuple[Connection, Rows]]


def _unique(device: Seeds, server: Seeds, tokens: Callable[[Rows], set[Hashable]], least: int, by: By) -> list[Match]:
    """The pairs that share at least so many tokens, and each more with the other than with anybody else."""
    owners: dict[Hashable, list[int]] = {}
    for number, (_, rows) in enumerate(server):
        for token in tokens(rows):
            owners.setdefault(token, []).append(number)
    shared: list[tuple[int, int, int]] = []
    for number, (_, rows) in enumerate(device):
        counts: dict[int, int] = {}
        for token in tokens(rows):
            for owner in owners.get(token, ()):
                counts[owner] = counts.get(owner, 0) + 1
        shared += [(count, number, owner) for owner, count in counts.items() if count >= least]
    best = [_bests(shared, place) for place in (1, 2)]
    return [
        Match(device[one][0], server[other][0], by)
        for count, one, other in shared
        if best[0][one] == (count, 1) and best[1][other] == (count, 1)
    ]


def _bests(shared: list[tuple[int, int, int]], place: int) -> dict[int, tuple[int, int]]:
    """For each connection the highest count and how often it occurs."""
    best: dict[int, tuple[int, int]] = {}
    for entry in shared:
        count, times = best.get(entry[place], (0, 0))
        if entry[0] >= count:
            best[entry[place]] = (entry[0], times + 1 if entry[0] == count else 1)
    return best


def _left(seeds: Seeds, matches: list[Match], place: int) -> Seeds:
    taken = {match.at(place).connection_id for match in matches}
    return [seed for seed in seeds if seed[0].connection_id not in taken]


def _initial_numbers(rows: Rows) -> set[Hashable]:
    """The client's initial number: it is there even where nobody answered."""
    syn = np.flatnonzero((rows.side == CLIENT) & (rows.flags & SYN > 0))
    return {int(rows.seq[syn[0]])} if len(syn) else set()


def _numbered_payloads(rows: Rows) -> set[Hashable]:
    """Without the checksum: one capture may be cut by its snap length."""
    chosen = np.flatnonzero(rows.length >= MIN_PAYLOAD_BYTES)
    return {(int(rows.side[row]), int(rows.seq[row]), int(rows.length[row])) for row in chosen}


def _payloads(rows: Rows) -> set[Hashable]:
    chosen = np.flatnonzero((rows.checksum != NO_CHECKSUM) & (rows.length >= MIN_PAYLOAD_BYTES))
    return {(int(rows.side[row]), int(rows.length[row]), int(rows.checksum[row])) for row in chosen}
