"""Faults of tshark that are known: where it reads something else than what was sent, and always will.

A fault names the kinds of difference it makes as patterns (`fnmatch`) and, because the same kinds can have another
cause elsewhere, says of each difference whether it lies where the fault strikes. Differences that are a known fault's
are no doubt about the built-in engine. `tests/engines` takes its reasons from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from typing import NamedTuple

from analyzer.verify.judge import FOLLOWS
from analyzer.verify.seen import ConnectionKey, Difference, Seen, connection_key, keys_by_id


class Fault(NamedTuple):
    """One fault."""

    reason: str
    patterns: tuple[str, ...]  # "kind field" of a difference
    strikes: Callable[[Seen, Seen], Callable[[Difference], bool]]  # ours, theirs → is this difference where it strikes

    def covers(self, difference: Difference) -> bool:
        """Whether the fault makes differences of this kind, wherever they are."""
        return any(fnmatch(f"{difference.kind} {difference.field}", pattern) for pattern in self.patterns)


def _is_of_subscription(ours: Seen, theirs: Seen) -> Callable[[Difference], bool]:
    """It is about a request with one of these methods, or about its answer."""
    keys, places = keys_by_id(ours), set[tuple[ConnectionKey | None, int | None]]()
    for each in ours.transactions:
        if each.request is not None and each.request.method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            for half in (each.request, each.response):
                if half is not None:
                    places.add((keys.get(each.connection_id), half.first_frame))
    return lambda difference: (difference.connection, difference.frame) in places


def _is_of_cut_handshake(ours: Seen, theirs: Seen) -> Callable[[Difference], bool]:
    """It is about TLS on a connection with cut packets that only the built-in engine could open."""
    cut = ours.facts is not None and bool(ours.facts.truncated_frames)
    closed = {connection_key(each) for each in theirs.connections if each.decryption == "encrypted"}
    opened = {
        connection_key(each)
        for each in ours.connections
        if each.decryption in ("decrypted", "partial") and each.client.missing_bytes + each.server.missing_bytes
    }
    return lambda difference: cut and difference.connection in closed & opened


SUBSCRIPTIONS = Fault(
    "tshark takes SUBSCRIBE and UNSUBSCRIBE for UPnP notifications: no header lines, not paired with answers",
    (
        *("transaction request.headers", "transaction request.wire_bytes", "transaction request.http_bytes"),
        *("transaction response", "transaction transaction"),
    ),
    _is_of_subscription,
)
SNAPPED = Fault(
    "tshark decrypts nothing where the snap length cut the handshake",
    (
        *("connection decryption", "connection turns", "connection tls.*"),
        *("transaction transaction", "teardown teardown"),
    ),
    _is_of_cut_handshake,
)
FAULTS = (SUBSCRIPTIONS, SNAPPED)


def recognised(differences: Iterable[Difference], ours: Seen, theirs: Seen) -> list[Difference]:
    """The same differences; those that a known fault makes, and the rows that follow from nothing else, say so."""
    here = [(fault, fault.strikes(ours, theirs)) for fault in FAULTS]
    found = []
    for each in differences:
        reason = next((fault.reason for fault, strikes in here if fault.covers(each) and strikes(each)), None)
        found.append(each if reason is None else each._replace(believe="builtin", why=reason, known=True))
    explained = {each.connection for each in found if each.known}
    explained -= {each.connection for each in found if not each.known and each.why != FOLLOWS}
    return [
        each._replace(known=True) if each.why == FOLLOWS and each.connection in explained else each for each in found
    ]
