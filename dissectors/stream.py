"""One connection's bytes: finds out what speaks (TLS, HTTP/1.x, HTTP/2 or none of them) and turns them into
transactions.

    bytes ─▶ TLS? ─▶ HTTP/1.x ─ Upgrade: h2c, preface ─▶ HTTP/2
              └ ALPN h2 ─────────────────────────────────▲ │
                        └ CONNECT and 2xx ─▶ a tunnel: all of this again, for the bytes inside

HTTP/2 is told by ALPN, and without it by its first bytes. A tunnel belongs to the same connection: its transactions
are numbered on, and what TLS said in it is what TLS said.

A connection whose bytes cannot lead anywhere (another protocol, no key) is no longer `wanted` as soon as that is
certain, so that the engine stops handing its payload over. The same TLS connection seen on two legs of the path (before
and after a NAT or a proxy that tunnels) is read once: the later one is marked as a duplicate of the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from dissectors.events import CLIENT, SERVER, Anomaly, Decryption, Event, TlsFacts, Transaction
from dissectors.http import HttpConnection, looks_like_http, looks_like_http2
from dissectors.net.evidence import Upper
from dissectors.sidelines import Sideline
from dissectors.sidelines import begin as begin_sideline
from dissectors.tls import KeyLog, Piece, TlsConnection, is_old_hello

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectors.http.h2.connection import Http2Connection
    from dissectors.http.switching import Upgraded

MAX_HELD = 64  # pieces kept while the side that spoke first has not said enough
MAX_TUNNELS = 4  # one inside the other
SNIFF_BYTES = 16  # as many first bytes of a side as may be needed to tell what it speaks
TLS_TYPES = range(20, 25)  # RFC 8446 B.1: change_cipher_spec .. heartbeat

_NONE_HELD: list[tuple[int, bytes, list[int], list[int], list[int]]] = []  # shared, so never added to


@dataclass(slots=True)
class Shared:
    """What the streams of one capture share."""

    keylog: KeyLog
    capture: int = 0
    first_with_random: dict[bytes, int] = field(default_factory=dict)  # client random → connection id
    keyless_randoms: set[bytes] = field(default_factory=set)  # connections given up for want of a key


class _GivenUp(NamedTuple):
    """What a TLS connection leaves of which no byte could be read."""

    facts: TlsFacts
    decryption: Decryption
    why: str | None


class ConnectionStream:
    """The upper layers of one connection."""

    __slots__ = (
        "_connection_id",
        "_depth",
        "_events",
        "_flip",
        "_given_up",
        "_held",
        "_http",
        "_inner",
        "_kind",
        "_late",
        "_number",
        "_random",
        "_shared",
        "_sideline",
        "_tls",
        "_waiting",
        "by_segment",
        "duplicate_of",
        "wanted",
    )

    def __init__(self, connection_id: int, shared: Shared, number: int = 0, depth: int = 0) -> None:
        """`number`: transactions that the connection had before; `depth`: tunnels that this is inside of."""
        self._connection_id = connection_id
        self._shared = shared
        self._number = number
        self._depth = depth
        self._events: list[Event] = []
        self._held = _NONE_HELD
        self._waiting: tuple[Piece, ...] = ()  # plaintext of TLS, while nobody knows which HTTP it is
        self._kind: Literal["tls", "http", "other"] | None = None
        self._tls: TlsConnection | None = None
        self._given_up: _GivenUp | None = None  # what is left of it when nothing could be read and nothing ever will
        self._http: HttpConnection | Http2Connection | None = None
        self._inner: ConnectionStream | None = None  # what is inside the tunnel that this became
        self._sideline: Sideline | None = None  # SMTP or LDAP
        self._late = False  # the first bytes of the side that spoke first are not in the capture
        self._flip = 0  # 1: what looked like the server is the client (the capture began in the middle)
        self._random: bytes | None = None
        self.duplicate_of: int | None = None
        self.wanted = True
        self.by_segment = False  # plain HTTP/1.x: what is `unused` is found out after each segment

    @property
    def unread(self) -> bool:
        """Nothing of it could be read so far, and it may be TLS: who spoke when is noted (`net.turns`)."""
        return (
            self._kind in (None, "tls") and self._http is None and self.duplicate_of is None and not self._waiting
        ) or (self._inner is not None and self._inner.unread)

    def feed(self, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]) -> None:
        """In-order payload of one side (see `net.reassembly.Sink`)."""
        if len(ends) == 1:
            self.feed_one(side, data, frames[0], times[0])
        else:
            self._feed(side, data, ends, frames, times)

    def feed_one(self, side: int, data: bytes, frame: int, time_ns: int) -> None:
        """The same for one segment: most payload comes so, and most such segments are one record with one message."""
        tls, http = self._tls, self._http
        content: bytes | None = None
        if http is not None:
            reader = side ^ self._flip
            content = data if tls is None else tls.open_lone(reader, data, frame, time_ns)
            if content is not None:
                found = http.feed(reader, content, frame, time_ns, frame, time_ns, len(data))
                if found:
                    self._events += found
                if http.hopeless:
                    self._after_http(http)
                return
        self._feed(side, data, [len(data)], [frame], [time_ns])

    def _feed(self, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]) -> None:
        tls = self._tls
        if tls is not None:
            pieces = tls.feed(side ^ self._flip, data, ends, frames, times)
            if pieces:
                self._pass_on(pieces)
            if self._random is None or tls.hopeless:
                self._after_tls(tls)
        elif self._http is not None:
            self._feed_http(self._http, side ^ self._flip, data, ends, frames, times)
        elif self._inner is not None:
            self._inner.feed(side ^ self._flip, data, ends, frames, times)
            self._follow_inner(self._inner)
        elif self._sideline is not None:
            self._feed_sideline(self._sideline, side ^ self._flip, data, ends, frames, times)
        elif self.wanted:
            if not self._held:
                self._held = []
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
            if self._http.hopeless:
                self._after_http(self._http)
        elif self._inner is not None:
            self._inner.gap(side, length, frame, time_ns)
            self._follow_inner(self._inner)
        elif self._sideline is not None:
            self._events.extend(self._sideline.gap(side, length, frame, time_ns))
        elif not self._held:  # what comes after the gap is where this connection begins for us
            self._late = True
        else:
            self._decide(final=True)
            if self._kind != "other" or self._sideline is not None:
                self.gap(side, length, frame, time_ns)

    def unused(self, side: int) -> int:
        """How many of the next bytes of a side are of no use but to be counted."""
        if self._tls is not None:
            return 0
        if self._http is not None:
            return self._http.unused(side ^ self._flip)
        return 0 if self._inner is None else self._inner.unused(side ^ self._flip)

    def pass_over(self, side: int, count: int, frame: int, time_ns: int) -> None:
        """Counts bytes that are `unused`; the last of them came in `frame`."""
        reader = self._http or self._inner
        if reader is not None:
            reader.pass_over(side ^ self._flip, count, frame, time_ns)

    def take_events(self) -> list[Event]:
        """Events since the last call."""
        self._drain_anomalies()
        events, self._events = self._events, []
        if self._inner is not None:
            events += self._inner.take_events()
        return events

    def close(self, end_ns: int, ended: tuple[bool, bool]) -> Upper:
        """The connection has ended (or the capture has); its last events can be taken afterwards."""
        if self._held:
            self._decide(final=True)
        if self._tls is not None and self.duplicate_of is None:
            self._pass_on(self._tls.close())
            self._choose(final=True)
        if self._http is not None and self.duplicate_of is None:
            for side in (CLIENT, SERVER):
                if ended[side]:
                    self._events.extend(self._http.fin(side ^ self._flip))
            self._events.extend(self._http.close(end_ns))
        if self._sideline is not None:
            self._events.extend(self._sideline.close())
        inner = None
        if self._inner is not None:
            inner = self._inner.close(end_ns, (ended[1], ended[0]) if self._flip else ended)
            self.duplicate_of = self._inner.duplicate_of
        decryption, why = self._decryption()
        tls = self._tls.facts() if self._tls is not None else self._given_up and self._given_up.facts
        if inner is not None and inner.decryption != "not_http":  # CONNECT was read, whatever is inside
            decryption, why, tls = inner.decryption, inner.why_encrypted, inner.tls or tls
        return Upper(
            tls=tls,
            decryption=decryption,
            why_encrypted=why,
            duplicate_of=self.duplicate_of,
            keep_packets=decryption in ("decrypted", "partial", "plaintext"),
            goaway=next(iter(self._http.goaways), None) if self._http is not None else None,
            flipped=bool(self._flip),
        )

    def _decryption(self) -> tuple[Decryption, str | None]:
        if self._kind == "http":
            readable = self._inner is not None or (self._http is not None and self._http.protocol != "not_http")
            return ("plaintext", None) if readable else ("not_http", None)
        if self._given_up is not None:
            return self._given_up.decryption, self._given_up.why
        if self._tls is None:
            return "not_http", None
        decryption = self._tls.decryption
        if decryption == "decrypted" and self._http is not None and self._http.protocol == "not_http":
            return "not_http", None
        return decryption, None if decryption == "decrypted" else self._tls.why_encrypted

    def _decide(self, *, final: bool = False) -> None:
        """Looks at the first bytes of whichever side spoke first."""
        side = self._held[0][0]
        first, answer = self._held[0][1], b""
        if len(self._held) > 1:
            first, answer = (b"".join(part[1] for part in self._held if part[0] == who) for who in (side, 1 - side))
        if len(first) < 3 and not final:
            return
        kind: bool | None = None
        http2: bool | None = False
        if _begins_tls(first) or is_old_hello(first):
            self._kind = "tls"
        elif self._late and len(answer) < 3 and not final:
            return  # the first bytes of this side are lost: the other side's say more
        elif self._late and _begins_tls(answer):
            self._kind = "tls"
        else:
            http2 = looks_like_http2(first)
            kind = looks_like_http(side, first)
            turned = kind is False and looks_like_http(1 - side, first)
            if not final and (http2 is None or ((kind is None or turned is None) and len(first) < SNIFF_BYTES)):
                return
            if turned:
                self._flip, kind = 1, True
            if not (kind or http2):
                beside = begin_sideline(side, first, self._connection_id, self._shared.capture)
                if beside is None and not final:
                    return
                if isinstance(beside, tuple):
                    self._sideline, self._flip = beside
            self._kind = "http" if kind or http2 else "other"
        held, self._held = self._held, _NONE_HELD
        if self._kind == "other" and self._sideline is None:
            self.wanted = False
            return
        if self._kind == "tls":
            self._tls = TlsConnection(self._shared.keylog)
            if first[0] == 22 and len(first) > 5 and (first[5] == 1) != (side == CLIENT) and first[5] in (1, 2):
                self._flip = 1
        elif http2:
            self._http = self._new_http2(None)
        elif self._kind == "http":
            self._http = HttpConnection(self._connection_id, number=self._number)
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
            if self._http is None and self._inner is None and not self._waiting:
                # Such connections may be all that there are, and last for hours: five kilobytes become less than one.
                self._note(tls.anomalies)
                self._given_up = _GivenUp(tls.facts(), tls.decryption, tls.why_encrypted)
                self._tls = None

    def _pass_on(self, pieces: Sequence[Piece]) -> None:
        """Plaintext of TLS records to HTTP."""
        http = self._http
        if http is None:
            if self._inner is not None:
                self._pass_inside(self._inner, pieces)
            elif pieces:
                self._waiting += tuple(pieces)
                self._choose(final=len(self._waiting) >= MAX_HELD)
            return
        for side, data, first_frame, first_ns, last_frame, last_ns, wire_bytes, _, missing in pieces:
            found = http.feed(side, data, first_frame, first_ns, last_frame, last_ns, wire_bytes)
            if found:
                self._events.extend(found)
            if missing:
                self._events.extend(http.gap(side, missing, last_frame, last_ns))
        if http.hopeless:
            self._after_http(http)

    def _choose(self, *, final: bool) -> None:
        """Which HTTP is inside TLS: what ALPN says, or else what the first bytes look like."""
        waiting = self._waiting
        if not waiting or self._tls is None:
            return
        alpn = self._tls.alpn
        http2: bool | None = alpn == "h2"
        if alpn is None:
            side = waiting[0].side
            http2 = looks_like_http2(b"".join(piece.data for piece in waiting if piece.side == side))
            if http2 is None and not final and not any(piece.missing for piece in waiting):
                return
        self._http = self._new_http2(None) if http2 else HttpConnection(self._connection_id, number=self._number)
        self._waiting = ()
        self._pass_on(waiting)

    def _new_http2(self, upgraded: Upgraded | None) -> Http2Connection:
        from dissectors.http.h2.connection import Http2Connection

        return Http2Connection(self._connection_id, number=self._number, upgraded=upgraded)

    def _feed_http(
        self,
        http: HttpConnection | Http2Connection,
        side: int,
        data: bytes,
        ends: list[int],
        frames: list[int],
        times: list[int],
    ) -> None:
        found: list[Transaction] = []
        start = 0
        for end, frame, time_ns in zip(ends, frames, times, strict=True):
            part = data if len(ends) == 1 else data[start:end]
            found += http.feed(side, part, frame, time_ns, frame, time_ns, end - start)
            start = end
        self._events.extend(found)
        if http.hopeless:
            self._after_http(http)

    def _feed_sideline(
        self, sideline: Sideline, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]
    ) -> None:
        start = 0
        for end, frame, time_ns in zip(ends, frames, times, strict=True):
            self._events.extend(sideline.feed(side, data[start:end], frame, time_ns))
            start = end
        self.wanted = not sideline.hopeless

    def _after_http(self, http: HttpConnection | Http2Connection) -> None:
        """The bytes are no HTTP/1.x any more, or cannot be read at all."""
        if not isinstance(http, HttpConnection) or http.switch is None:
            self.wanted = False
            return
        if self._depth == MAX_TUNNELS:
            detail = f"a tunnel in {MAX_TUNNELS} tunnels is not read"
            self._note([Anomaly(code="http_switched", frame=None, time_ns=None, detail=detail)])
            self.wanted = False
            return
        switch, backlog = http.switch, http.backlog.take()
        self._events.extend(http.close(0))
        self._note(http.anomalies)
        self._number = http.number
        self.by_segment = False
        if switch.to == "http/2":
            self._http = http2 = self._new_http2(switch.upgraded)
            for held in backlog:
                found = http2.feed(*held[:7]) if held.data else http2.gap(held.side, held.missing, *held[4:6])
                self._events.extend(found)
            return
        self._http = None
        self._inner = ConnectionStream(self._connection_id, self._shared, self._number, self._depth + 1)
        self._pass_inside(self._inner, [Piece(*held[:7], missing=held.missing or 0) for held in backlog])

    def _pass_inside(self, inner: ConnectionStream, pieces: Sequence[Piece]) -> None:
        """To the bytes of a tunnel each piece is a segment. What carried it besides (outer TLS) is not theirs."""
        for side, data, _, _, last_frame, last_ns, _, _, missing in pieces:
            if data:
                inner.feed(side, data, [len(data)], [last_frame], [last_ns])
            if missing:
                inner.gap(side, missing, last_frame, last_ns)
        self._follow_inner(inner)

    def _follow_inner(self, inner: ConnectionStream) -> None:
        self.wanted = inner.wanted
        self.by_segment = inner.by_segment and self._tls is None
        self.duplicate_of = inner.duplicate_of

    def _drain_anomalies(self) -> None:
        tls, http, sideline = self._tls, self._http, self._sideline
        if tls is not None and tls.anomalies:
            self._note(tls.anomalies)
        if http is not None and http.anomalies:
            self._note(http.anomalies)
        if sideline is not None and sideline.anomalies:
            self._note(sideline.anomalies)

    def _note(self, anomalies: list[Anomaly]) -> None:
        for anomaly in anomalies:
            self._events.append(replace(anomaly, connection_id=self._connection_id, capture=self._shared.capture))
        anomalies.clear()


def _begins_tls(first: bytes) -> bool:
    return len(first) >= 3 and first[0] in TLS_TYPES and first[1] == 3
