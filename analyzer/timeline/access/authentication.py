"""Transactions → rows of `authentications`: how a connection was signed in to, and what that took.

An exchange begins with the first request of a connection, or with one that is answered by a challenge (401, 407). It
ends with the first request that is not: that one was accepted, or forbidden (403). Only scheme words are known, never
what stands behind them; the number of rounds says the rest: Basic takes none or one, Negotiate with Kerberos one, NTLM
two, when the client waits to be asked. Each further connection begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import authentications
from analyzer.timeline.access.legs import leg_of
from analyzer.timeline.columns import NS, Codes
from analyzer.timeline.packing import CHUNK_ROWS, PackedRows
from dissectors.events import Transaction

PATIENCE_NS = 60 * NS  # a request this long after a challenge is a new attempt: somebody typed a password
MAX_WORDS = 64  # characters of a list of schemes

# Of an exchange that is over; the last five are words.
_FIELDS: dict[str, str | None] = {
    "connection_id": None, "start_ns": None, "end_ns": "start_ns", "first_frame": None, "row": None, "rounds": None,
    "bytes": None, "leg": None, "scheme": None, "offered": None, "user": None, "outcome": None,
}  # fmt: skip
_KNOWN = {"basic", "bearer", "digest", "kerberos", "negotiate", "ntlm"}


@dataclass(slots=True)
class _Exchange:
    leg: str
    start_ns: int
    end_ns: int
    first_frame: int
    row: int
    scheme: str | None = None
    offered: str | None = None
    rounds: int = 0
    bytes: int = 0
    user: str | None = None


class Authentications:
    """The exchanges so far."""

    def __init__(self) -> None:
        self.open: dict[int, _Exchange] = {}  # by connection: the newest answer was a challenge
        self._done = PackedRows(_FIELDS)  # nearly every connection has one
        self._words: dict[str | None, int] = {None: 0}  # each kept once, with its place here
        self._certified: set[int] = set()

    def add(self, t: Transaction, row: int) -> None:
        """A transaction that may be part of one; `row`: its place in `Transactions`."""
        request, response = t.request, t.response
        if request is None:
            return
        known = self.open.get(t.connection_id)
        if known is not None and request.start_ns - known.end_ns > PATIENCE_NS:
            self.ended(t.connection_id)
            known = None
        if known is None:
            leg = leg_of(request)
            if leg is None:
                return
            known = _Exchange(leg, request.start_ns, request.start_ns, request.first_frame, row)
        words = request.headers.get("authorization")
        if words is not None:
            known.scheme = _word(words)
        known.user = request.user or known.user
        known.row = row
        if response is not None and response.status in (401, 407):
            name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
            known.offered = known.offered or (response.headers.get(name, "").lower()[:MAX_WORDS] or None)
            known.rounds += 1
            known.bytes += request.wire_bytes + response.wire_bytes
            known.end_ns = response.end_ns
            self.open[t.connection_id] = known
            return
        self.open.pop(t.connection_id, None)
        known.end_ns = request.start_ns
        outcome = "unknown" if response is None else "forbidden" if response.status == 403 else "accepted"
        self._keep(t.connection_id, known, outcome)

    def ended(self, connection_id: int) -> None:
        """Nothing followed the newest challenge."""
        self._keep(connection_id, self.open.pop(connection_id), "refused")

    def _keep(self, connection_id: int, known: _Exchange, outcome: str) -> None:
        words = [
            self._words.setdefault(word, len(self._words))
            for word in (known.leg, known.scheme, known.offered, known.user, outcome)
        ]
        self._done.append(
            connection_id, known.start_ns, known.end_ns, known.first_frame, known.row, known.rounds, known.bytes, *words
        )

    def with_certificate(self, connection_id: int) -> None:
        """The client showed a certificate of its own when TLS began."""
        self._certified.add(connection_id)

    def finish(self, transaction_ids: Codes, session_ids: Codes) -> TableBuilder:
        """The table, in order of time."""
        for connection_id in list(self.open):
            self.ended(connection_id)
        builder = TableBuilder(authentications.TABLE)
        done, words = {name: self._done[name] for name in _FIELDS}, list(self._words)
        order = np.lexsort((done["first_frame"], done["start_ns"]))
        for low in range(0, len(order), CHUNK_ROWS):
            rows = order[low : low + CHUNK_ROWS]
            for connection_id, start_ns, end_ns, first_frame, row, rounds, size, *said in zip(
                *(column[rows].tolist() for column in done.values()), strict=True
            ):
                leg, scheme, offered, user, outcome = (words[place] for place in said)
                builder.append(
                    (
                        connection_id,
                        leg,
                        scheme or ("client_certificate" if connection_id in self._certified else "none"),
                        offered,
                        rounds,
                        start_ns,
                        end_ns,
                        (end_ns - start_ns) / 1e6 if rounds else 0.0,
                        size,
                        outcome,
                        int(session_ids[row]) or None,
                        int(transaction_ids[row]),
                        user,
                        first_frame,
                    )
                )
        return builder


def rounds_of(signed: TableBuilder) -> dict[int, tuple[int, int, float]]:
    """Rounds, bytes and milliseconds by connection."""
    total: dict[int, tuple[int, int, float]] = {}
    columns = (signed.column(name).tolist() for name in ("connection_id", "rounds", "bytes", "time_ms"))
    for connection_id, rounds, size, time_ms in zip(*columns, strict=True):
        before = total.get(connection_id, (0, 0, 0.0))
        total[connection_id] = (before[0] + rounds, before[1] + size, before[2] + time_ms)
    return total


def _word(words: str) -> str:
    """The scheme of an Authorization header that `dissectors.http.redact` has reduced."""
    word = words.partition(" ")[0].lower()
    return word if word in _KNOWN else "other"
