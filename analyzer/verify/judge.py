"""Which engine to believe where they differ, and why: the known habits of both, applied to one capture."""

from __future__ import annotations

from typing import Final

from analyzer.verify.seen import Believe, ConnectionKey, Seen, connection_key
from dissectors.events import Connection, Request, Response

UNKNOWN: Final = "unknown"
LOOK: Final = "look at the frame in Wireshark"
COUNTED: Final = "both count packets; look whether one of them could not read some"
FOLLOWS: Final = "follows from a difference above"
UNFINISHED: Final = "tshark shows a message only when its last byte is there"
LOST: Final = "bytes are missing in the capture, and behind them tshark reads nothing more of that direction"
BOUND: Final = "the built-in engine gives a lower bound where it did not put the bytes in order"
OPENED: Final = "it could read what the other engine could not"


class Judge:
    """What is known of the engines' habits, applied to one capture."""

    def __init__(self, ours: Seen, theirs: Seen) -> None:
        self._mine = {connection_key(each): each for each in ours.connections}
        self._theirs = {connection_key(each): each for each in theirs.connections}
        self._beliefs: dict[ConnectionKey, set[Believe]] = {}

    def connection(self, key: ConnectionKey) -> tuple[Believe, str]:
        """One engine has not got the connection at all."""
        return self._said(key, UNKNOWN, LOOK)

    def fact(self, key: ConnectionKey, one: Connection, other: Connection, name: str) -> tuple[Believe, str]:
        """A field of the connection differs."""
        if name in ("decryption", "turns") or name.startswith("tls."):
            return self._said(key, *self._reading(one, other))
        missing = other.client.missing_bytes + other.server.missing_bytes
        if missing and name.endswith(("payload_bytes", "missing_bytes")):
            return self._said(key, "tshark", BOUND)
        return self._said(key, UNKNOWN, LOOK)

    def message(
        self,
        key: ConnectionKey | None,
        one: Request | Response | None,
        other: Request | Response | None,
        detail: str = "",
    ) -> tuple[Believe, str]:
        """A request or answer differs, or one engine has not got it."""
        if key is None:
            return UNKNOWN, LOOK
        if one is not None and not one.complete:
            return self._said(key, "builtin", UNFINISHED)
        if one is not None and other is not None:
            return self._said(key, UNKNOWN, f"{detail}; {LOOK}" if detail else LOOK)
        mine, theirs = self._mine.get(key), self._theirs.get(key)
        if mine is None or theirs is None:
            return self._said(key, UNKNOWN, LOOK)
        return self._said(key, *self._reading(mine, theirs))

    def row(self, key: ConnectionKey | None) -> tuple[Believe, str]:
        """A row of a table differs."""
        beliefs = self._beliefs.get(key) if key is not None else None
        if not beliefs:
            return UNKNOWN, LOOK
        return next(iter(beliefs)) if len(beliefs) == 1 else UNKNOWN, FOLLOWS

    def _said(self, key: ConnectionKey, believe: Believe, why: str) -> tuple[Believe, str]:
        self._beliefs.setdefault(key, set()).add(believe)
        return believe, why

    @staticmethod
    def _reading(one: Connection, other: Connection) -> tuple[Believe, str]:
        """Who read more of a connection."""
        order = ("encrypted", "not_http", "partial", "decrypted", "plaintext")
        mine, theirs = order.index(one.decryption), order.index(other.decryption)
        if theirs > mine:
            return "tshark", OPENED
        if one.client.missing_bytes or one.server.missing_bytes:
            return "builtin", LOST
        return ("builtin", OPENED) if mine > theirs else (UNKNOWN, LOOK)
