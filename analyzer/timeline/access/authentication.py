"""Transactions → rows of `authentications`: how a connection was signed in to, and what that took.

An exchange begins with the first request of a connection, or with one that is answered by a challenge (401, 407). It
ends with the first request that is not: that one was accepted, or forbidden (403). Only scheme words are known, never
what stands behind them; the number of rounds says the rest: Basic takes none or one, Negotiate with Kerberos one, NTLM
two, when the client waits to be asked. Each further connection begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import authentications
from analyzer.timeline.access.legs import leg_of
from analyzer.timeline.columns import NS, Codes
from dissectors.events import Transaction

PATIENCE_NS = 60 * NS  # a request this long after a challenge is a new attempt: somebody typed a password
MAX_WORDS = 64  # characters of a list of schemes

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
        self._done: list[tuple[int, _Exchange, str, float]] = []
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
        time_ms = (request.start_ns - known.start_ns) / 1e6 if known.rounds else 0.0
        known.end_ns = request.start_ns
        outcome = "unknown" if response is None else "forbidden" if response.status == 403 else "accepted"
        self._done.append((t.connection_id, known, outcome, time_ms))

    def ended(self, connection_id: int) -> None:
        """Nothing followed the newest challenge."""
        known = self.open.pop(connection_id)
        self._done.append((connection_id, known, "refused", (known.end_ns - known.start_ns) / 1e6))

    def with_certificate(self, connection_id: int) -> None:
        """The client showed a certificate of its own when TLS began."""
        self._certified.add(connection_id)

    def finish(self, transaction_ids: Codes, session_ids: Codes) -> TableBuilder:
        """The table, in order of time."""
        for connection_id in list(self.open):
            self.ended(connection_id)
        builder = TableBuilder(authentications.TABLE)
        self._done.sort(key=lambda done: (done[1].start_ns, done[1].first_frame))
        for connection_id, known, outcome, time_ms in self._done:
            session = int(session_ids[known.row])
            builder.append(
                (
                    connection_id,
                    known.leg,
                    known.scheme or ("client_certificate" if connection_id in self._certified else "none"),
                    known.offered,
                    known.rounds,
                    known.start_ns,
                    known.end_ns,
                    time_ms,
                    known.bytes,
                    outcome,
                    session or None,
                    int(transaction_ids[known.row]),
                    known.user,
                    known.first_frame,
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
