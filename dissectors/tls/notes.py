"""What is noted of a connection besides its plaintext: alerts, polite ends, odd bytes."""

from typing import Final

from dissectors.events import CLIENT, SERVER, Anomaly, TlsFacts
from dissectors.tls.ciphers import cipher_name
from dissectors.tls.direction import Direction
from dissectors.tls.handshake import TLS_1_3, version_name
from dissectors.tls.negotiation import Negotiation
from dissectors.tls.piece import Span

ANOMALIES_LIMIT: Final = 32  # per connection
ALERTS_LIMIT: Final = 32

_CLOSE_NOTIFY: Final = 0

_Pair = tuple[int | None, int | None]  # by side
_NEVER: Final[_Pair] = (None, None)


class Notes:
    """Alerts and anomalies of one connection, in bounded number."""

    __slots__ = ("_alerts", "_anomaly_count", "_close_frame", "_close_ns", "anomalies")

    def __init__(self) -> None:
        self.anomalies: list[Anomaly] = []
        self._anomaly_count = 0
        self._alerts: tuple[tuple[int, int, int, int], ...] = ()
        self._close_ns = self._close_frame = _NEVER

    def alert(self, side: int, content: bytes, span: Span) -> None:
        """An alert record's content: level and description (RFC 8446 6)."""
        if len(content) != 2:
            return
        level, description = content
        if description != _CLOSE_NOTIFY:
            if len(self._alerts) < ALERTS_LIMIT:
                self._alerts += ((side, span[2], level, description),)
        elif self._close_frame[side] is None:
            self._close_frame = _with(self._close_frame, side, span[2])
            self._close_ns = _with(self._close_ns, side, span[3])

    def anomaly(self, code: str, frame: int, time_ns: int, detail: str) -> None:
        """Odd bytes; the caller of the dissector fills in the connection."""
        self._anomaly_count += 1
        if self._anomaly_count <= ANOMALIES_LIMIT:
            self.anomalies.append(Anomaly(code=code, frame=frame, time_ns=time_ns, detail=detail))

    def facts(self, agreed: Negotiation, directions: tuple[Direction, Direction]) -> TlsFacts:
        """What the handshake and the alerts said."""
        hello = agreed.first_client
        cipher = None if agreed.cipher is None else cipher_name(agreed.cipher)
        if cipher is None:  # the ServerHello is not in the capture; the key that fits tells
            cipher = next((d.protection.suite.name for d in directions if d.protection and d.opens), None)
        client_went_on: bool | None = directions[CLIENT].changed_cipher
        if agreed.version in (None, TLS_1_3) or directions[CLIENT].gapped or directions[SERVER].gapped:
            client_went_on = None
        return TlsFacts(
            version=None if agreed.version is None else version_name(agreed.version),
            cipher=cipher,
            sni=hello.sni if hello else None,
            alpn=agreed.alpn,
            resumed=agreed.first_resumed if agreed.renegotiated else agreed.resumed,
            client_random=hello.random.hex() if hello and hello.random else None,
            close_notify_ns=self._close_ns,
            close_notify_frame=self._close_frame,
            alerts=self._alerts,
            certificates=(agreed.certificates(CLIENT), agreed.certificates(SERVER)),
            client_went_on=client_went_on,
        )


def _with(pair: _Pair, side: int, value: int) -> _Pair:
    """The pair with another value on one side."""
    return (value, pair[1]) if side == CLIENT else (pair[0], value)
