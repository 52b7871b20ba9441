"""Requests through something that ends TLS (a reverse proxy, SSL bridging): other connections, the same content.

A request is the same at both points when method, target and body are. Requests that repeat (a Ping does) are paired in
order where both points hold equally many of them, else by time once others have told how far the clocks are apart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.pair.clocks import Clock
from analyzer.pair.match import Match, unmatched
from analyzer.pair.points import Exchange, Point
from dissectors.events import CLIENT, Connection

Fate = Literal["same", "differs", "made", "undelivered", "unanswered"]
HELD_NS = 30_000_000_000  # longest that a proxy keeps a request before it passes it on


class RelayedExchange(NamedTuple):
    """One request as both points show it."""

    device: Exchange
    server: Exchange
    fate: Fate  # made: the device got an answer that the server never gave; undelivered: the other way around
    hung_up: Literal["between", "server", None]  # who ended the server's connection without an answer


@dataclass(slots=True)
class Relayed:
    """All such requests."""

    found: list[RelayedExchange] = field(default_factory=list)
    times: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] = field(
        default_factory=lambda: (np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64))
    )  # requests and answers: when at the device's and when at the server's point
    only_device: list[Exchange] = field(default_factory=list)  # passed on to no server that the capture shows
    out_of_order: int = 0  # pairs that the clocks say cannot be

    def judge(self, clock: Clock) -> None:
        """Leaves out the pairs that cannot be, now that the clocks are known."""
        fitting = []
        for one in self.found:
            sent = clock.to_device(float(one.server.start_ns))
            if sent < one.device.start_ns - clock.error_ns or sent > one.device.start_ns + HELD_NS + clock.error_ns:
                self.out_of_order += 1
            else:
                fitting.append(one)
        self.found = fitting


def relayed_exchanges(points: tuple[Point, Point], matches: Sequence[Match]) -> Relayed:
    """The requests that are at both points, but not on the same connections."""
    left = [_left(point, matches, place) for place, point in enumerate(points)]
    if not all(left):
        return Relayed()
    by_content = [_grouped(exchanges) for exchanges in left]
    pairs: list[tuple[Exchange, Exchange]] = []
    uneven = []
    for identity, here in by_content[0].items():
        there = by_content[1].get(identity, [])
        if len(here) == len(there):
            pairs += zip(here, there, strict=True)
        elif there:
            uneven.append((here, there))
    if pairs:
        offset = int(np.median([there.start_ns - here.start_ns for here, there in pairs]))
        for here, there in uneven:
            pairs += _nearest(here, there, offset)
    pairs.sort(key=lambda one: one[0].start_ns)
    enders = {connection.connection_id: connection for connection in points[1].connections}
    found = [RelayedExchange(here, there, *_fate(here, there, enders)) for here, there in pairs]
    answered = [
        (here.answer_ns, there.answer_ns)
        for here, there, fate, _ in found
        if fate == "same" and here.answer_ns is not None and there.answer_ns is not None
    ]
    taken = {id(here) for here, _ in pairs}
    return Relayed(
        found=found,
        times=(
            np.array([(here.start_ns, there.start_ns) for here, there in pairs], np.int64).reshape(-1, 2),
            np.array(answered, np.int64).reshape(-1, 2),
        ),
        only_device=[exchange for exchange in left[0] if id(exchange) not in taken] if pairs else [],
    )


def _left(point: Point, matches: Sequence[Match], place: int) -> list[Exchange]:
    ids = {connection.connection_id for connection in unmatched(point.connections, matches, place)}
    found = [exchange for exchange in point.exchanges if exchange.connection_id in ids]
    return sorted(found, key=lambda exchange: exchange.start_ns)


def _grouped(exchanges: Sequence[Exchange]) -> dict[bytes, list[Exchange]]:
    found: dict[bytes, list[Exchange]] = {}
    for exchange in exchanges:
        found.setdefault(exchange.identity, []).append(exchange)
    return found


def _nearest(here: Sequence[Exchange], there: Sequence[Exchange], offset: int) -> list[tuple[Exchange, Exchange]]:
    """For each request at the server's point the one at the device's that is nearest in time, each once. Both are in
    order of time.
    """
    found = []
    free, starts = list(here), [one.start_ns for one in here]
    for arrived in there:
        sent_ns = arrived.start_ns - offset
        after = bisect_left(starts, sent_ns)
        beside = range(max(0, after - 1), min(after + 1, len(free)))
        near = min(beside, key=lambda place: abs(sent_ns - starts[place]), default=None)
        if near is not None and abs(sent_ns - starts[near]) <= HELD_NS:
            del starts[near]
            found.append((free.pop(near), arrived))
    return found


def _fate(
    here: Exchange, there: Exchange, enders: dict[int, Connection]
) -> tuple[Fate, Literal["between", "server", None]]:
    if there.status is None:
        connection = enders.get(there.connection_id)
        side = connection.first_close_side if connection else None
        ender: Literal["between", "server", None] = None if side is None else "between" if side == CLIENT else "server"
        return ("unanswered" if here.status is None else "made"), ender
    if here.status is None:
        return "undelivered", None
    return ("same" if here.status == there.status else "differs"), None
