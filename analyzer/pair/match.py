"""Which connection of the one capture is which of the other.

In this order, each among what is still left:
- the random of the ClientHello: 32 bytes that pass NAT and everything that does not end TLS;
- sequence numbers, which a plain NAT keeps: the client's initial one, where that repeats together with the addresses,
  else those of packets with the same payload;
- content: the same payloads in packets with other numbers (plain HTTP through something that ends TCP).

One capture may hold a connection twice, before and behind NAT (`-i any`). Then that leg is taken whose addresses differ
from the other capture's: the one further away.

What very many connections of both captures share tells none of them apart, and comparing all of them with each other
would take time and memory with the square of their number: see MAX_ALIKE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain
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
MAX_ALIKE = 100  # connections of either capture with the same thing in them; if both have more, it is not looked at


class Match(NamedTuple):
    """One connection at both points."""

    device: Connection
    server: Connection
    by: By

    def at(self, place: int) -> Connection:
        """The device side's (0) or the server side's."""
        return self.server if place else self.device


class Found(NamedTuple):
    """What one way of matching came to."""

    matches: list[Match]
    alike: set[int]  # the device side's connections that had something in common with too many (MAX_ALIKE), by id


Seeds = Sequence[tuple[Connection, Rows]]  # connections and their first packets
Tokens = Callable[[Connection, Rows], set[Hashable]]


def by_random(device: Sequence[Connection], server: Sequence[Connection]) -> Found:
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
    matches: list[Match] = []
    alike: set[int] = set()
    for random, near in found.items():
        far = legs[random]
        matches.append(Match(*_furthest(near[:MAX_ALIKE], far[:MAX_ALIKE]), "client_random"))
        if max(len(near), len(far)) > MAX_ALIKE:
            alike.update(connection.connection_id for connection in near)
    return Found(matches, alike)


def by_numbers(device: Seeds, server: Seeds) -> Found:
    """The connections with the same sequence numbers."""
    matches: list[Match] = []
    alike: set[int] = set()
    for tokens, least in ((_initial_number, 1), (_ends_and_number, 1), (_numbered_payloads, SAME_NUMBERED)):
        found = _unique(
            still_left(device, matches, 0), still_left(server, matches, 1), tokens, least, "sequence_numbers"
        )
        matches += found.matches
        alike |= found.alike
    return Found(matches, alike)


def by_content(device: Seeds, server: Seeds) -> Found:
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


def still_left(seeds: Seeds, matches: Iterable[Match], place: int) -> Seeds:
    """The same for connections with their packets."""
    ids = {connection.connection_id for connection in unmatched((seed[0] for seed in seeds), matches, place)}
    return [seed for seed in seeds if seed[0].connection_id in ids]


def _random(connection: Connection) -> str | None:
    return connection.tls.client_random if connection.tls else None


def _furthest(near: Sequence[Connection], far: Sequence[Connection]) -> tuple[Connection, Connection]:
    """The pair that has least in common: NAT lies between."""
    pairs = [(device, server) for device in near for server in far]
    return min(pairs, key=lambda pair: len(_ends(pair[0]) & _ends(pair[1])))


def _ends(connection: Connection) -> set[tuple[str, int]]:
    return {(connection.client.ip, connection.client.port), (connection.server.ip, connection.server.port)}


def _unique(device: Seeds, server: Seeds, tokens: Tokens, least: int, by: By) -> Found:
    """The pairs that share at least so many tokens, and each more with the other than with anybody else."""
    theirs = [tokens(*seed) for seed in device]
    owners: dict[Hashable, list[int]] = {}
    for number, seed in enumerate(server):
        for token in tokens(*seed):
            owners.setdefault(token, []).append(number)
    askers = Counter(chain.from_iterable(theirs))
    common = {token for token, held in owners.items() if len(held) > MAX_ALIKE and askers[token] > MAX_ALIKE}
    alike = {device[number][0].connection_id for number, own in enumerate(theirs) if not common.isdisjoint(own)}
    near: list[tuple[int, int, int]] = []  # device's number, server's number, count: where the device has one best
    best: dict[int, tuple[int, int]] = {}  # for each of the server's the highest count and how often it occurs
    for number, own in enumerate(theirs):
        counts = Counter(chain.from_iterable(owners.get(token, ()) for token in own - common))
        shared = [(owner, count) for owner, count in counts.items() if count >= least]
        for owner, count in shared:
            most, times = best.get(owner, (0, 0))
            if count >= most:
                best[owner] = (count, times + 1 if count == most else 1)
        most = max((count for _, count in shared), default=0)
        nearest = [owner for owner, count in shared if count == most]
        if len(nearest) == 1:
            near.append((number, nearest[0], most))
    matches = [Match(device[one][0], server[other][0], by) for one, other, most in near if best[other] == (most, 1)]
    return Found(matches, alike)


def _initial_number(_: Connection, rows: Rows) -> set[Hashable]:
    """The client's initial number: it is there even where nobody answered."""
    syn = np.flatnonzero((rows.side == CLIENT) & (rows.flags & SYN > 0))
    return {int(rows.seq[syn[0]])} if len(syn) else set()


def _ends_and_number(connection: Connection, rows: Rows) -> set[Hashable]:
    """For clients that begin all their connections with the same number. Another leg of the same connection is out."""
    if connection.duplicate_of is not None:
        return set()
    client, server = connection.client, connection.server
    return {(client.ip, client.port, server.ip, server.port, number) for number in _initial_number(connection, rows)}


def _numbered_payloads(_: Connection, rows: Rows) -> set[Hashable]:
    """Without the checksum: one capture may be cut by its snap length."""
    chosen = np.flatnonzero(rows.length >= MIN_PAYLOAD_BYTES)
    return {(int(rows.side[row]), int(rows.seq[row]), int(rows.length[row])) for row in chosen}


def _payloads(_: Connection, rows: Rows) -> set[Hashable]:
    chosen = np.flatnonzero((rows.checksum != NO_CHECKSUM) & (rows.length >= MIN_PAYLOAD_BYTES))
    return {(int(rows.side[row]), int(rows.length[row]), int(rows.checksum[row])) for row in chosen}
