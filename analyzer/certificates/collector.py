"""Which chains endpoints showed for which names, how often, and what clients answered: taken down while connections
arrive. `rows` reads and judges the chains at the end, each once.

A connection without a chain (TLS 1.3 without keys) counts only if an alert says something about certificates or hellos.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

from analyzer.certificates.alerts import FATAL, OF_CERTIFICATES, OF_CLIENTS, OF_HELLOS
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import certificates
from dissectors.events import CLIENT, SERVER, Anomaly, Connection, TlsFacts

if TYPE_CHECKING:
    from analyzer.certificates.roots import Roots

ROWS_LIMIT: Final = 4096
BYTES_LIMIT: Final = 32 << 20  # of distinct chains
FRAMES: Final = 8  # of alerts that are named

Chain: TypeAlias = tuple[bytes, ...]
Key: TypeAlias = tuple[str, int, str | None, Chain]


class Shown:
    """What is known of the connections of one row."""

    __slots__ = (
        "abandoned", "client_certificates", "client_frames", "client_refusals", "connection_id", "connections",
        "first_frame", "first_ns", "frames", "hello_alerts", "last_ns", "refusals", "told", "versions",
    )  # fmt: skip

    def __init__(self, c: Connection) -> None:
        self.first_ns = self.last_ns = c.start_ns
        self.first_frame, self.connection_id = c.first_frame, c.connection_id
        self.told = False  # the connection named is one that was refused
        self.connections = self.abandoned = self.client_certificates = 0
        self.versions: dict[str, None] = {}
        self.refusals: Counter[int] = Counter()  # alerts of clients about the server's certificate
        self.client_refusals: Counter[int] = Counter()  # of the server about the client's, or that it has none
        self.hello_alerts: Counter[int] = Counter()  # of the server about the client's hello
        self.frames: list[int] = []  # that show these, or the client's leaving
        self.client_frames: list[int] = []


class Certificates:
    """Feed it every connection, then call `finish` once."""

    def __init__(self, roots: Roots | None = None) -> None:
        """`roots`: those that are known everywhere; certifi's when None."""
        self._roots = roots
        self._shown: dict[Key, Shown] = {}
        self._chains: set[Chain] = set()
        self._bytes = 0
        self._left_out = 0

    def add(self, c: Connection) -> None:
        """One ended connection."""
        tls = c.tls
        if tls is None or c.duplicate_of is not None:
            return
        chain = tls.certificates[SERVER]
        if not chain and not (tls.alerts and any(_tells(*alert) for alert in tls.alerts)):
            return
        key = (c.server.ip, c.server.port, tls.sni, chain)
        shown = self._shown.get(key)
        if shown is None:
            if not self._has_room(chain):
                self._left_out += 1
                return
            shown = self._shown[key] = Shown(c)
        _note(shown, c, tls)

    def _has_room(self, chain: Chain) -> bool:
        if len(self._shown) >= ROWS_LIMIT:
            return False
        if chain not in self._chains:
            size = sum(map(len, chain))
            if self._bytes + size > BYTES_LIMIT:
                return False
            self._bytes += size
            self._chains.add(chain)
        return True

    def anomalies(self) -> list[Anomaly]:
        """What was left out."""
        if not self._left_out:
            return []
        detail = f"the certificates of {self._left_out} connections are not looked at: too many different ones"
        return [Anomaly(code="certificates_left_out", frame=None, time_ns=None, detail=detail)]

    def finish(self) -> TableBuilder:
        """The table, in order of time."""
        if not self._shown:
            return TableBuilder(certificates.TABLE)
        from analyzer.certificates.rows import rows  # takes 60 ms to import

        return rows(self._shown, self._roots)


def _tells(side: int, _frame: int, level: int, alert: int) -> bool:
    if level != FATAL:
        return False
    return alert in OF_CERTIFICATES if side == CLIENT else alert in OF_CLIENTS or alert in OF_HELLOS


def _note(shown: Shown, c: Connection, tls: TlsFacts) -> None:
    shown.connections += 1
    if c.start_ns < shown.first_ns:
        shown.first_ns, shown.first_frame = c.start_ns, c.first_frame
        if not shown.told:
            shown.connection_id = c.connection_id
    elif c.start_ns > shown.last_ns:
        shown.last_ns = c.start_ns
    if tls.version:
        shown.versions[tls.version] = None
    if tls.certificates[CLIENT]:
        shown.client_certificates += 1
    refused = False
    for side, frame, level, alert in tls.alerts:
        if not _tells(side, frame, level, alert):
            continue
        # Before TLS 1.3 a client that has no certificate and needs one is told 40 (RFC 5246 7.4.6).
        of_client = side == SERVER and (alert in OF_CLIENTS or (alert == 40 and bool(tls.certificates[SERVER])))
        (shown.refusals if side == CLIENT else shown.client_refusals if of_client else shown.hello_alerts)[alert] += 1
        _name(shown.client_frames if of_client else shown.frames, frame)
        refused = True
    if not refused and _abandoned(c, tls):
        shown.abandoned += 1
        _name(shown.frames, c.first_close_frame)
        refused = True
    if refused and not shown.told:
        shown.told, shown.connection_id = True, c.connection_id


def _abandoned(c: Connection, tls: TlsFacts) -> bool:
    """The client closed right after it had seen the certificate, without a word: Windows Mobile does so."""
    return (
        tls.client_went_on is False
        and bool(tls.certificates[SERVER])
        and not tls.alerts
        and c.first_close_side == CLIENT
        and not c.client.missing_bytes
        and not c.server.missing_bytes
    )


def _name(frames: list[int], frame: int | None) -> None:
    if frame is not None and len(frames) < FRAMES:
        frames.append(frame)
