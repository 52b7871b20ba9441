"""One connection's bytes: finds out what speaks (TLS, HTTP or neither) and turns them into transactions.

A connection whose bytes cannot lead anywhere (another protocol, no key) is no longer `wanted` as soon as that is
certain, so that the engine stops handing its payload over. The same TLS connection seen on two legs of the path (before
and after a NAT) is read once: the later one is marked as a duplicate of the first.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from dissectors.events import CLIENT, SERVER, Decryption, Event, Transaction
from dissectors.http import HttpConnection, looks_like_http
from dissectors.net.evidence import Upper
from dissectors.tls import KeyLog, Piece, TlsConnection

MAX_HELD = 64  # pieces kept while the side that spoke first has not said enough
SNIFF_BYTES = 16  # as many first bytes of a side as may be needed to tell what it speaks
TLS_TYPES = range(20, 25)  # RFC 8446 B.1: change_cipher_spec .. heartbeat


@dataclass(slots=True)
class Shared:
    """What the streams of one capture share."""

    keylog: KeyLog
    capture: int = 0
    first_with_random: dict[bytes, int] = field(default_factory=dict)  # client random → connection id
    keyless_randoms: set[bytes] = field(default_factory=set)  # connections given up for want of a key


class ConnectionStream:
    """The upper layers of one connection."""

    __slots__ = (
        "_connection_id",
        "_events",
        "_flip",
        "_held",
        "_http",
        "_kind",
        "_random",
        "_shared",
        "_tls",
        "by_segment",
        "duplicate_of",
        "wanted",
    )

    def __init__(self, connection_id: int, shared: Shared) -> None:
        self._connection_id = connection_id
        self._shared = shared
        self._events: list[Event] = []
        self._held: list[tuple[int, bytes, list[int], list[int], list[int]]] = []
        self._kind: Literal["tls", "http", "other"] | None = None
        self._tls: TlsConnection | None = None
        self._http: HttpConnection | None = None
        self._flip = 0  # 1: what looked like the server is the client (the capture began in the middle)
        self._random: bytes | None = None
        self.duplicate_of: int | None = None
        self.wanted = True
        self.by_segment = False  # plain HTTP: what is `unused` is found out after each segment

    def feed(self, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]) -> None:
        """In-order payload of one side (see `net.reassembly.Sink`)."""
        tls = self._tls
        if tls is not None:
            pieces = tls.feed(side ^ self._flip, data, ends, frames, times)
            if pieces:
                self._pass_on(pieces)
            if self._random is None or tls.hopeless:
                self._after_tls(tls)
        elif self._http is not None:
            self._feed_http(self._http, side ^ self._flip, data, ends, frames, times)
        elif self.wanted:
            self._held.append((side, data, ends, frames, times))
            self._decide(final=len(self._held) >= MAX_HELD)

    def gap(self, side: int, length: int, frame: int, time_ns: int) -> None:
        """Bytes of one side that are not in the capture."""
        side ^= self._flip
        if self._tls is not None:
            self._pass_on(self._tls.gap(side, length, frame, time_ns))
            self._after_tls(self._tls)
        elif self._http is not None:
            self._events.extend(self._http.gap(side, length, frame, time_ns))
        elif self._held:  # with nothing held, what comes after the gap is where this connection begins for us
            self._decide(final=True)
            if self._tls is not None or self._http is not None:
                self.gap(side, length, frame, time_ns)

    def unused(self, side: int) -> int:
        """How many of the next bytes of a side are of no use but to be counted."""
        return self._http.unused(side ^ self._flip) if self._http is not None and self._tls is None else 0

    def pass_over(self, side: int, count: int, frame: int, time_ns: int) -> None:
        """Counts bytes that are `unused`; the last of them came in `frame`."""
        if self._http is not None:
            self._http.pass_over(side ^ self._flip, count, frame, time_ns)

    def take_events(self) -> list[Event]:
        """Events since the last call."""
        self._drain_anomalies()
        events, self._events = self._events, []
        return events

    def close(self, end_ns: int, ended: tuple[bool, bool]) -> Upper:
        """The connection has ended (or the capture has); its last events can be taken afterwards."""
        if self._held:
            self._decide(final=True)
        if self._tls is not None and self.duplicate_of is None:
            self._pass_on(self._tls.close())
        if self._http is not None and self.duplicate_of is None:
            for side in (CLIENT, SERVER):
                if ended[side]:
                    self._events.extend(self._http.fin(side ^ self._flip))
            self._events.extend(self._http.close(end_ns))
        decryption, why = self._decryption()
        return Upper(
            tls=self._tls.facts() if self._tls is not None else None,
            decryption=decryption,
            why_encrypted=why,
            duplicate_of=self.duplicate_of,
            keep_packets=decryption in ("decrypted", "partial", "plaintext"),
            flipped=bool(self._flip),
        )

    def _decryption(self) -> tuple[Decryption, str | None]:
        if self._kind == "http":
            readable = self._http is not None and self._http.protocol != "not_http"
            return ("plaintext", None) if readable else ("not_http", None)
        if self._tls is None:
            return "not_http", None
        if self._http is not None and self._http.protocol == "not_http" and self._tls.decryption == "decrypted":
            return "not_http", None
        return self._tls.decryption, self._tls.why_encrypted

    def _decide(self, *, final: bool = False) -> None:
        """Looks at the first bytes of whichever side spoke first."""
        side, first = self._held[0][0], b""
        for held_side, data, *_ in self._held:
            if held_side == side and len(first) < SNIFF_BYTES:
                first += data
        if len(first) < 3 and not final:
            return
        kind: bool | None = None
        if len(first) >= 3 and first[0] in TLS_TYPES and first[1] == 3:
            self._kind = "tls"
        else:
            kind = looks_like_http(side, first)
            turned = kind is False and looks_like_http(1 - side, first)
            if (kind is None or turned is None) and not final and len(first) < SNIFF_BYTES:
                return
            if turned:
                self._flip, kind = 1, True
            self._kind = "http" if kind else "other"
        held, self._held = self._held, []
        if self._kind == "other":
            self.wanted = False
            return
        if self._kind == "tls":
            self._tls = TlsConnection(self._shared.keylog)
            if first[0] == 22 and len(first) > 5 and (first[5] == 1) != (side == CLIENT) and first[5] in (1, 2):
                self._flip = 1
        else:
            self._http = HttpConnection(self._connection_id)
            self.by_segment = True
        for part in held:
            self.feed(*part)

    def _after_tls(self, tls: TlsConnection) -> None:
        if self._random is None and tls.client_random is not None:
            self._random = tls.client_random
            first = self._shared.first_with_random.setdefault(self._random, self._connection_id)
            if first != self._connection_id:
                self.duplicate_of = first
                self.wanted = False
        if tls.hopeless:
            self.wanted = False
            if self._random is not None and self._random not in self._shared.keylog:
                self._shared.keyless_randoms.add(self._random)

    def _pass_on(self, pieces: list[Piece]) -> None:
        """Plaintext of TLS records to HTTP."""
        http = self._http
        if http is None:
            http = self._http = HttpConnection(self._connection_id)
        for side, data, first_frame, first_ns, last_frame, last_ns, wire_bytes, _, missing in pieces:
            found = http.feed(side, data, first_frame, first_ns, last_frame, last_ns, wire_bytes)
            if found:
                self._events.extend(found)
            if missing:
                self._events.extend(http.gap(side, missing, last_frame, last_ns))
        if http.hopeless:
            self.wanted = False

    def _feed_http(
        self, http: HttpConnection, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]
    ) -> None:
        found: list[Transaction] = []
        start = 0
        for end, frame, time_ns in zip(ends, frames, times, strict=True):
            part = data if len(ends) == 1 else data[start:end]
            found += http.feed(side, part, frame, time_ns, frame, time_ns, end - start)
            start = end
        self._events.extend(found)
        if http.hopeless:
            self.wanted = False

    def _drain_anomalies(self) -> None:
        for layer in (self._tls, self._http):
            if layer is not None and layer.anomalies:
                for anomaly in layer.anomalies:
                    self._events.append(
                        replace(anomaly, connection_id=self._connection_id, capture=self._shared.capture)
                    )
                layer.anomalies.clear()
