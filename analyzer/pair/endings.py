"""Who ended a connection, as only two points can tell.

What counts is what came first at each point. A FIN or RST that a side has sent is that side's, wherever it was seen;
one that is seen only where it arrives, in the name of somebody whose own capture has none, comes from between. Payload
that one side sends again and again while the other point sees nothing is dropped between. Clocks are compared only
where one point alone does not tell the order, and what is closer together than their error is not put in order: then
the endpoint that closed is believed, and nobody between is accused.

Between the points lies everything that is not the two hosts: firewalls, proxies, but also radio and cables. Whether it
was this connection that was forgotten, or all of the device's packets that were lost, is told by what else passed at
that time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from analyzer.pair.segments import Comparison
from analyzer.pair.signs import NAMES, Close, Drop, Place, Signs
from dissectors.events import CLIENT, SERVER

By = Literal["device", "server", "both", "between", "path", "nobody", "unknown"]
How = Literal["rst", "fin", "silent", "open"]
Grade = Literal["proven", "likely", "possible", "unknown"]

FEW_ATTEMPTS = 2  # packets in vain below which it may be ordinary loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of one connection."""

    by: By  # between: something on the way; path: nothing of the device passed at that time
    how: How
    towards: tuple[Place, ...] = ()  # between: whose capture has a FIN or RST that the other side never sent
    grade: Grade
    time_ns: int | None = None  # device's clock
    idle_ns: int | None = None  # before it, at both points
    forgotten: bool = False  # found out by a packet that did not get through: the timer ran out earlier
    closes: tuple[Close, ...] = ()  # that it rests on
    drops: tuple[Drop, ...] = ()
    undelivered: bool = False  # it closed, and its close did not arrive
    moved_to: str | None = None  # the address from which the device went on meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is known of the time."""

    error_ns: float  # of the clocks
    farewell: Literal[0, 1, None] = None  # the side whose close_notify came first, in both captures
    alive_ns: Sequence[int] = ()  # when other packets of the device passed, ascending; device's clock
    moves: Sequence[tuple[int, str]] = field(default=())  # when the device began connections from other addresses


def judge(comparison: Comparison, signs: Signs, around: Around) -> Ending:
    """Who ended it."""
    device = _first(signs.at_device)
    server = _first(signs.at_server)
    if comparison.kind == "relayed":
        return _relayed(comparison, device, server, around)
    drop = _first_drop(signs, device, server, around)
    if drop is not None:
        return _dropped(drop, signs, around)
    return _closed(device, server, signs, around)


def _first(closes: list[Close]) -> Close | None:
    return closes[0] if closes else None


# -- one TCP connection from end to end -----------------------------------------------------------------------------


def _first_drop(signs: Signs, device: Close | None, server: Close | None, around: Around) -> Drop | None:
    """What was sent in vain before anybody had closed."""
    closes = [close for close in (device, server) if close is not None]
    for drop in signs.drops:
        answered = any(close.trigger in drop.frames and close.at == NAMES[drop.side] for close in signs.forged())
        if len(drop.frames) < FEW_ATTEMPTS and not answered:
            continue
        before = [close for close in closes if close.time_ns < drop.start_ns + _slack(close, drop, around)]
        if drop.closing:  # its own FIN is the first thing that was lost
            before = [close for close in before if close.side != drop.side]
        if not before:
            return drop
    return None


def _slack(close: Close, drop: Drop, around: Around) -> float:
    """At one and the same point the order is known."""
    return 0 if close.at == NAMES[drop.side] else around.error_ns


def _dropped(drop: Drop, signs: Signs, around: Around) -> Ending:
    forged = [close for close in signs.forged() if close.time_ns >= drop.start_ns - around.error_ns]
    towards: tuple[Place, ...] = tuple(sorted({close.at for close in forged}))
    moved = _moved(drop, around)
    alive = bool(forged) or any(drop.start_ns < time_ns <= drop.end_ns for time_ns in around.alive_ns)
    receiver = 1 - drop.side
    grade: Grade = "proven" if not signs.missing[receiver] else "likely"
    by: By = "between" if alive else "path"
    if moved is not None:
        by = "device"
    return Ending(
        by=by,
        how="rst" if forged else "silent",
        towards=towards,
        grade=grade,
        time_ns=drop.start_ns,
        idle_ns=drop.idle_ns,
        forgotten=True,
        closes=tuple(forged),
        drops=tuple(signs.drops),
        undelivered=drop.closing,
        moved_to=moved,
    )


def _moved(drop: Drop, around: Around) -> str | None:
    since = drop.start_ns - (drop.idle_ns or 0)
    return next((address for time_ns, address in around.moves if since <= time_ns <= drop.end_ns), None)


def _closed(device: Close | None, server: Close | None, signs: Signs, around: Around) -> Ending:
    forged = [close for close in (device, server) if close is not None and close.origin == "between"]
    own = [close for close in (device, server) if close is not None and close.origin == "endpoint"]
    odd = [close for close in (device, server) if close is not None and close.origin == "unknown"]
    known = [close for close in own if NAMES[close.side] == close.at]
    if any(all(close.time_ns >= one.time_ns - around.error_ns for close in known) for one in odd):
        return Ending(by="unknown", how=_how(device or server), grade="unknown", time_ns=_time(device or server))
    if forged and not _excused(forged, own, around):
        return _forged(forged, signs)
    return _endpoint(device, server, signs, around)


def _excused(forged: list[Close], own: list[Close], around: Around) -> bool:
    """Whether an endpoint had closed, at its own point, no later: then the box has only passed that on in its way."""
    return any(
        NAMES[close.side] == close.at and close.time_ns <= fake.time_ns + around.error_ns
        for close in own
        for fake in forged
        if close.at != fake.at
    )


def _forged(forged: list[Close], signs: Signs) -> Ending:
    first = min(forged, key=lambda close: close.time_ns)
    return Ending(
        by="between",
        how=_how(first),
        towards=tuple(sorted({close.at for close in forged})),
        grade="proven" if all(close.sure for close in forged) else "likely",
        time_ns=first.time_ns,
        idle_ns=first.idle_ns,
        forgotten=first.trigger is not None,
        closes=tuple(forged),
        drops=tuple(signs.drops),
    )


def _endpoint(device: Close | None, server: Close | None, signs: Signs, around: Around) -> Ending:
    """The ends themselves closed, or nobody did."""
    own = [close for close in (device, server) if close is not None and NAMES[close.side] == close.at]
    if not own:
        seen = device or server
        if seen is None:
            return _unended(signs, around)
        own = [seen]  # its own point does not show it: the capture there lacks it
    first = min(own, key=lambda close: close.time_ns)
    by: By = NAMES[first.side]
    if len(own) == 2 and abs(own[0].time_ns - own[1].time_ns) <= around.error_ns:
        by = "both"
    if around.farewell is not None:  # who says goodbye first closes, whoever's FIN is faster
        by = NAMES[around.farewell]
    return Ending(
        by=by,
        how=_how(first),
        grade="proven" if first.arrived and not any(signs.missing) else "likely",
        time_ns=first.time_ns,
        idle_ns=first.quiet_ns if first.quiet_ns is not None else first.idle_ns,
        closes=tuple(own),
        drops=tuple(signs.drops),
        undelivered=first.arrived is False,
    )


def _unended(signs: Signs, around: Around) -> Ending:
    """Nobody closed: the captures end, or one side is not there any more."""
    deaf = signs.deaf
    if deaf is None:
        return Ending(by="nobody", how="open", grade="unknown", drops=tuple(signs.drops))
    since = deaf.since_ns - (deaf.idle_ns or 0)
    moved = next((address for time_ns, address in around.moves if since <= time_ns), None) if deaf.side == 0 else None
    return Ending(
        by=NAMES[deaf.side],
        how="silent",
        grade="likely",
        time_ns=deaf.since_ns,
        idle_ns=deaf.idle_ns,
        moved_to=moved,
    )


# -- two TCP connections with the same bytes --------------------------------------------------------------------------


def _relayed(comparison: Comparison, device: Close | None, server: Close | None, around: Around) -> Ending:
    """A box ends TCP for both sides: each leg has an end of its own, and the first one counts."""
    box = [close for close in (device, server) if close is not None and close.origin == "between"]
    own = [close for close in (device, server) if close is not None and close.origin == "endpoint"]
    if device is None and server is None:
        return Ending(by="nobody", how="open", grade="unknown")
    odd = any(close is not None and close.origin == "unknown" for close in (device, server))
    closed = device or server
    lonely = not own and None in (device, server) and closed is not None and not _goes_on(comparison, closed, around)
    if odd or lonely:  # the end of the other leg may be what that capture lacks
        return Ending(by="unknown", how=_how(device or server), grade="unknown", time_ns=_time(device or server))
    first_own = min(own, key=lambda close: close.time_ns, default=None)
    first_box = min(box, key=lambda close: close.time_ns, default=None)
    if first_box is None or (first_own is not None and first_own.time_ns <= first_box.time_ns + around.error_ns):
        assert first_own is not None
        both = len(own) == 2 and abs(own[0].time_ns - own[1].time_ns) <= around.error_ns
        return Ending(
            by="both" if both else NAMES[first_own.side],
            how=_how(first_own),
            grade="likely",
            time_ns=first_own.time_ns,
            idle_ns=first_own.idle_ns,
            closes=tuple(own + box),
        )
    return Ending(
        by="between",
        how=_how(first_box),
        towards=tuple(sorted({close.at for close in box})),
        grade="proven" if all(close.sure for close in box) else "likely",
        time_ns=first_box.time_ns,
        idle_ns=first_box.idle_ns,
        closes=tuple(box),
    )


def _goes_on(comparison: Comparison, close: Close, around: Around) -> bool:
    """Whether the other leg's endpoint still sends payload after this one was closed."""
    side = SERVER if close.at == NAMES[CLIENT] else CLIENT
    rows = comparison.near(side).rows
    own = (rows.side == side) & (rows.length > 0)
    return bool((comparison.near_ns(side)[own] > close.time_ns + around.error_ns).any())


def _how(close: Close | None) -> How:
    if close is None:
        return "open"
    return "rst" if close.word == "RST" else "fin"


def _time(close: Close | None) -> int | None:
    return close.time_ns if close else None
