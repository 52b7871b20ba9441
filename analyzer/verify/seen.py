"""What an engine saw of a capture, a difference between two of them, and how things that both saw are matched.

Connections are matched by addresses, ports and first frame, transactions by the frames that they begin in, rows of
tables by the transaction or connection that they are about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from analyzer.timeline.facts import CaptureFacts
from dissectors.events import Anomaly, Connection, Datagram, Request, Response, Transaction, Unreachable

Engine = Literal["builtin", "tshark"]
Believe = Literal["builtin", "tshark", "unknown"]
Kind = Literal["capture", "connection", "transaction", "datagram", "unreachable", "heartbeat", "teardown", "sync"]
Row = Mapping[str, Any]
End: TypeAlias = tuple[str, int]
ConnectionKey: TypeAlias = tuple[End, End, int]  # both ends in order, whoever is the client; the first frame
RowKey: TypeAlias = tuple[Any, ...]  # the connection's key first

TABLES: tuple[tuple[Kind, str], ...] = (
    ("heartbeat", "heartbeats"),
    ("teardown", "teardowns"),
    ("sync", "sync_sizes"),
)


class Difference(NamedTuple):
    """One thing on which the engines do not agree."""

    kind: Kind
    place: str  # in words: which connection, which frame
    frame: int | None  # where to look
    field: str
    builtin: str
    tshark: str
    believe: Believe
    why: str
    connection: ConnectionKey | None = None
    known: bool = False  # a fault of tshark that is known (`known.py`)


@dataclass(slots=True)
class Seen:
    """What one engine saw of a capture."""

    engine: Engine
    connections: list[Connection] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    datagrams: list[Datagram] = field(default_factory=list)
    unreachables: list[Unreachable] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)
    facts: CaptureFacts | None = None
    rows: dict[str, list[Row]] = field(default_factory=dict)  # by table


def connection_key(connection: Connection) -> ConnectionKey:
    """The same for both engines."""
    one, other = sorted(
        ((connection.client.ip, connection.client.port), (connection.server.ip, connection.server.port))
    )
    return one, other, connection.first_frame


def keys_by_id(seen: Seen) -> dict[int, ConnectionKey]:
    return {each.connection_id: connection_key(each) for each in seen.connections}


def transactions_by_key(seen: Seen) -> dict[RowKey, Transaction]:
    """By connection, stream, and the frame in which the request (or else the answer) begins."""
    keys = keys_by_id(seen)
    times: Counter[RowKey] = Counter()
    found = {}
    for each in seen.transactions:
        first = each.request or last_message(each)
        key = (keys.get(each.connection_id), each.stream_id, each.request is None, first.first_frame)
        times[key] += 1
        found[(*key, times[key])] = each
    return found


def rows_by_key(table: str, seen: Seen) -> dict[RowKey, Row]:
    """By what the row is about instead of its number."""
    connections = keys_by_id(seen)
    transactions = {row["transaction_id"]: row for row in seen.rows["transactions"]}
    times: Counter[RowKey] = Counter()
    found = {}
    for row in seen.rows[table]:
        about = transactions.get(row.get("transaction_id"), {})
        frames = (about.get("request_frame"), about.get("response_frame"))
        number = row.get("connection_id", about.get("connection_id"))
        key = (connections.get(number or 0), frames, row.get("collection_id"))
        times[key] += 1
        found[(*key, times[key])] = row
    return found


def last_message(each: Transaction) -> Request | Response:
    """The answer, or the request where there is none."""
    message = each.response or each.request
    assert message is not None
    return message
