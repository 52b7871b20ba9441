"""What two engines do not agree on, kind by kind.

Times and frame numbers must be equal, not close. Not compared: round trips (tshark looks at more pairs of packets than
the built-in engine does), anomalies and the reasons why something stayed closed (words, not observations), and for a
connection that is another one's copy what TLS said (it is read where it was seen first).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TypeAlias

from analyzer.texts import endpoint
from analyzer.verify.judge import COUNTED, LOOK, UNKNOWN, Judge
from analyzer.verify.seen import (
    TABLES,
    Difference,
    Kind,
    RowKey,
    Seen,
    connection_key,
    keys_by_id,
    last_message,
    rows_by_key,
    transactions_by_key,
)
from dissectors.events import Connection, Datagram, Request, Response, Side, Transaction, Turn, Unreachable

Single: TypeAlias = Datagram | Unreachable

MISSING = "not there"

_CONNECTION = (
    *("start_ns", "end_ns", "last_frame", "handshake_ns", "from_start", "conn_state", "history", "first_close"),
    *("first_close_side", "first_close_ns", "first_close_frame", "decryption", "goaway"),
)
_SIDE = tuple(name for name in Side._fields if name not in ("ip", "port", "rtt_ns"))
_TLS = ("version", "cipher", "sni", "alpn", "resumed", "client_random", "close_notify_frame", "alerts")
_RESET = ("side", "frame", "has_ack", "ttl", "mac", "window", "payload_bytes", "after_frame", "after_side", "after_ns")
_FACTS = ("frames", "start_ns", "end_ns", "truncated_frames", "missing_bytes", "complete")


def compare(ours: Seen, theirs: Seen) -> Iterator[Difference]:
    """Everything on which they do not agree; `ours` is the built-in engine."""
    judge = Judge(ours, theirs)
    yield from _facts(ours, theirs)
    yield from _connections(ours, theirs, judge)
    yield from _transactions(ours, theirs, judge)
    yield from _single("datagram", ours.datagrams, theirs.datagrams)
    yield from _single("unreachable", ours.unreachables, theirs.unreachables)
    for kind, table in TABLES:
        yield from _rows(kind, table, ours, theirs, judge)


# One kind after the other --------------------------------------------------------------------------------------------


def _facts(ours: Seen, theirs: Seen) -> Iterator[Difference]:
    for name in _FACTS:
        one, other = getattr(ours.facts, name), getattr(theirs.facts, name)
        if one != other:
            yield Difference("capture", "the whole capture", None, name, say(one), say(other), UNKNOWN, COUNTED)


def _connections(ours: Seen, theirs: Seen, judge: Judge) -> Iterator[Difference]:
    mine, others = ({connection_key(each): each for each in seen.connections} for seen in (ours, theirs))
    ids, other_ids = keys_by_id(ours), keys_by_id(theirs)
    for key in sorted(mine.keys() | others.keys(), key=lambda key: key[2]):
        one, other = mine.get(key), others.get(key)
        known = one or other
        assert known is not None
        where = (connection_place(known), known.first_frame)
        if one is None or other is None:
            verdict = judge.connection(key)
            yield Difference("connection", *where, "connection", there(one), there(other), *verdict, key)
            continue
        pairs = [*_unequal_connection(one, other)]
        pairs.append(("duplicate_of", ids.get(one.duplicate_of or 0), other_ids.get(other.duplicate_of or 0)))
        for name, left, right in pairs:
            if left != right:
                verdict = judge.fact(key, one, other, name)
                shown = _listed(left, right) if isinstance(left, list | tuple) else (say(left), say(right))
                yield Difference("connection", *where, name, *shown, *verdict, key)


def _unequal_connection(one: Connection, other: Connection) -> Iterator[tuple[str, object, object]]:
    """Pairs of values that should be equal."""
    again = one.duplicate_of is not None and other.duplicate_of is not None  # it was read where it was seen first
    for name in _CONNECTION:
        if name != "decryption" or not again:
            yield name, getattr(one, name), getattr(other, name)
    for side in ("client", "server"):
        left, right = getattr(one, side), getattr(other, side)
        yield f"{side}.address", (left.ip, left.port), (right.ip, right.port)
        for name in _SIDE:
            yield f"{side}.{name}", getattr(left, name), getattr(right, name)
    yield "resets", len(one.resets), len(other.resets)
    for number, (a, b) in enumerate(zip(one.resets, other.resets, strict=False)):
        for name in _RESET:
            yield f"resets[{number}].{name}", getattr(a, name), getattr(b, name)
    yield "last_packets", one.last_packets, other.last_packets
    yield "turns", _told(one.turns), _told(other.turns)
    if again:
        return
    if one.tls is None or other.tls is None:
        yield "tls", there(one.tls), there(other.tls)
        return
    for name in _TLS:
        yield f"tls.{name}", getattr(one.tls, name), getattr(other.tls, name)


def _transactions(ours: Seen, theirs: Seen, judge: Judge) -> Iterator[Difference]:
    mine, others = (transactions_by_key(seen) for seen in (ours, theirs))
    for key in sorted(mine.keys() | others.keys(), key=_order):
        one, other = mine.get(key), others.get(key)
        known = one or other
        assert known is not None
        where = transaction_place(known)
        if one is None or other is None:
            verdict = judge.message(key[0], one and last_message(one), other and last_message(other))
            yield Difference("transaction", *where, "transaction", there(one), there(other), *verdict, key[0])
            continue
        for half, left, right in (("request", one.request, other.request), ("response", one.response, other.response)):
            for name, a, b, detail in _unequal_messages(left, right):
                verdict = judge.message(key[0], left, right, detail)
                field = f"{half}.{name}" if name else half
                yield Difference("transaction", *where, field, a, b, *verdict, key[0])
        if one.stream_reset != other.stream_reset:
            shown = (say(one.stream_reset), say(other.stream_reset))
            yield Difference("transaction", *where, "stream_reset", *shown, UNKNOWN, LOOK, key[0])


def _unequal_messages(
    one: Request | Response | None, other: Request | Response | None
) -> Iterator[tuple[str, str, str, str]]:
    """Field, what each engine says, and more words. Nothing that people wrote is shown."""
    if one is None or other is None:
        if one is not other:
            yield "", there(one), there(other), ""
        return
    for name in one._fields:
        a, b = getattr(one, name), getattr(other, name)
        if name == "headers":
            if dict(a) != dict(b):
                yield name, "differs", "differs", _names(a, b)
        elif a != b:
            private = name in ("body", "target", "user")
            detail = _bodies(a, b) if name == "body" else ""
            yield name, "differs" if private else say(a), "differs" if private else say(b), detail


def _single(kind: Kind, ours: Sequence[Single], theirs: Sequence[Single]) -> Iterator[Difference]:
    """Events that are one packet each."""
    mine, others = ({each.frame: each for each in seen} for seen in (ours, theirs))
    for frame in sorted(mine.keys() | others.keys()):
        one, other = mine.get(frame), others.get(frame)
        if one is None or other is None:
            yield Difference(kind, f"frame {frame}", frame, kind, there(one), there(other), UNKNOWN, LOOK)
            continue
        for field in fields(one):
            a, b = getattr(one, field.name), getattr(other, field.name)
            if a != b:
                shown = ("differs", "differs") if field.name == "payload" else (say(a), say(b))
                yield Difference(kind, f"frame {frame}", frame, field.name, *shown, UNKNOWN, LOOK)


def _rows(kind: Kind, table: str, ours: Seen, theirs: Seen, judge: Judge) -> Iterator[Difference]:
    """The rows of a table. They follow from the events: where those differ, the reason is theirs."""
    mine, others = (rows_by_key(table, seen) for seen in (ours, theirs))
    for key in sorted(mine.keys() | others.keys(), key=_order):
        one, other = mine.get(key), others.get(key)
        row = one or other
        assert row is not None
        where = (f"{kind} at {row.get('start') or row.get('time')}", None)
        verdict = judge.row(key[0])
        if one is None or other is None:
            yield Difference(kind, *where, kind, there(one), there(other), *verdict, key[0])
            continue
        for name in one:
            if not name.endswith("_id") and repr(one[name]) != repr(other[name]):
                yield Difference(kind, *where, name, say(one[name]), say(other[name]), *verdict, key[0])


# Words --------------------------------------------------------------------------------------------------------------


def _told(turns: tuple[Turn, ...]) -> list[tuple[int, ...]]:
    """Without the first bytes, which tshark does not show."""
    return [turn[:-1] for turn in turns]


def _listed(one: object, other: object) -> tuple[str, str]:
    """Two sequences: how long they are, or else what differs first."""
    left, right = list(one or ()), list(other or ())  # type: ignore[call-overload]
    if len(left) != len(right):
        return f"{len(left)}", f"{len(right)}"
    return next((say(a), say(b)) for a, b in zip(left, right, strict=True) if a != b)


def _order(key: RowKey) -> str:
    return repr(key)


def connection_place(connection: Connection) -> str:
    client, server = connection.client, connection.server
    return f"{endpoint(client.ip, client.port)} → {endpoint(server.ip, server.port)}"


def transaction_place(each: Transaction) -> tuple[str, int]:
    if each.request is not None:
        path = each.request.target.partition("?")[0]
        return f"{each.request.method} {path}", each.request.first_frame
    assert each.response is not None
    return f"answer {each.response.status}", each.response.first_frame


def there(value: object) -> str:
    return MISSING if value is None else "there"


def say(value: object) -> str:
    return "null" if value is None else str(value)


def _bodies(one: bytes | None, other: bytes | None) -> str:
    if one is None or other is None:
        return f"the body was kept by {'tshark' if one is None else 'the built-in engine'} only"
    place = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return f"the bodies differ from byte {place} on ({len(one)} and {len(other)} bytes)"


def _names(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return f"headers that differ: {', '.join(names)}"
