"""TCP connections out of tshark's packets: whose packet, what it shows and carried, and the `Connection` at the end.

Which packets are one connection is tshark's `tcp.stream`; what was opened again after long silence is divided here, as
`dissectors.net.lives` does. Copies of a packet (`-i any`, mirror ports) are recognised here: tshark takes them for
retransmissions.
"""

from collections import deque
from collections.abc import Collection, Iterator
from typing import Literal

from analyzer.engines.tshark.halves import ACK, FIN, RST, SYN, Half
from analyzer.engines.tshark.handshakes import Handshake
from analyzer.engines.tshark.messages import HttpReader, is_request_side
from analyzer.engines.tshark.packets import Packet, Quote, Tcp, Udp
from analyzer.engines.tshark.streams import Http2Reader
from dissectors.events import (
    CLIENT,
    SERVER,
    Connection,
    Datagram,
    Decryption,
    Event,
    PacketNote,
    Reset,
    TlsFacts,
    Transaction,
    Turn,
    Unreachable,
)
from dissectors.net.evidence import conn_state, flipped
from dissectors.net.icmp import KINDS
from dissectors.net.turns import LASTING_NS, MAX_TURNS, TURN_GAP_NS
from dissectors.tls import KeyLog

SECOND = 1_000_000_000
TAIL = 12  # last packets kept
COPY_LAG = 3  # how many packets a copy may come behind, and how late: with an IP identification, without one
COPY_NS = SECOND
COPY_NO_ID_NS = SECOND // 1000
WAIT_NS = 10 * SECOND  # what lived for less held no wait
MAX_RESETS = 16
IDLE_LIMIT_NS = 2 * 3600 * SECOND
CLOSED_LIMIT_NS = 600 * SECOND
SWEEP_PACKETS = 50_000  # how often ended connections are looked for

_Copy = tuple[int, int, int, int, int, int, int, int | None]


class Life:
    """One connection that has not ended."""

    def __init__(self, connection_id: int, packet: Packet, tcp: Tcp, capture: int) -> None:
        self.connection_id = connection_id
        self.capture = capture
        outward = _outward(tcp)
        source, destination = (packet.source, tcp.source_port), (packet.destination, tcp.destination_port)
        client, server = (source, destination) if outward else (destination, source)
        self.client = client
        self.halves = (Half(*client), Half(*server))
        self.first = self.last = (packet.frame, packet.time_ns)
        self.last_side = CLIENT
        self.packets = 0  # copies left out
        self.history = ""
        self.close: tuple[Literal["fin", "rst"], int, int, int] | None = None
        self.resets: list[Reset] = []
        self.tail: deque[tuple[bool, PacketNote, _Copy]] = deque(maxlen=TAIL)
        self.syn_ns: int | None = None
        self.synack_ns: int | None = None
        self.handshake_ns: int | None = None
        self.captured_ns = packet.time_ns
        self.flip: int | None = None
        self.turns: list[Turn] = []
        self.tls: Handshake | None = None
        self.duplicate_of: int | None = None
        self.http = HttpReader(connection_id)
        self.http2 = Http2Reader(connection_id)

    @property
    def ended(self) -> bool:
        letters = set(self.history)
        return bool(letters & {"R", "r"}) or {"F", "f"} <= letters

    def silent_too_long(self, now_ns: int) -> bool:
        silence = now_ns - self.captured_ns
        return silence > IDLE_LIMIT_NS or (silence > CLOSED_LIMIT_NS and self.ended)

    def take(self, packet: Packet, tcp: Tcp, randoms: dict[str, int]) -> list[Transaction]:
        """One packet; returns what it completed."""
        side = CLIENT if (packet.source, tcp.source_port) == self.client else SERVER
        mine, theirs = self.halves[side], self.halves[1 - side]
        print_ = (packet.time_ns, side, tcp.seq, tcp.ack, tcp.flags, tcp.window, tcp.length, packet.ip_id)
        limit = COPY_NS if packet.ip_id else COPY_NO_ID_NS
        recent = list(self.tail)[-COPY_LAG:]
        copy = any(past[2][1:] == print_[1:] and packet.time_ns - past[2][0] <= limit for past in recent)
        note = PacketNote(side, packet.frame, packet.time_ns, tcp.flags, tcp.seq, tcp.length, packet.ttl)
        self.tail.append((copy, note, print_))
        self.captured_ns = packet.time_ns
        if copy:
            mine.duplicates += 1
            return []
        brought = mine.take(packet, tcp)
        theirs.repeats = 0
        if tcp.flags & ACK and not tcp.flags & RST:
            theirs.acknowledged(tcp.ack)
        mine.answered(tcp)
        self._handshake(side, packet, tcp)
        self._letters(side, packet, tcp, brought is not None)
        if mine.fresh_bytes and brought is not None:
            self._turn(side, packet, brought[0])
        self.last, self.last_side = (packet.frame, packet.time_ns), side
        self.packets += 1
        return self._read(side, packet, brought, mine, randoms)

    def close_reading(self) -> list[Transaction]:
        """The connection has ended: what is left of its transactions."""
        if self.duplicate_of is not None:
            return []
        return [*self.http.close(), *self.http2.close()]

    def connection(self, keylog: KeyLog) -> Connection:
        """The event, after its transactions."""
        client, server = (self.halves[side].side(self.halves[1 - side]) for side in (CLIENT, SERVER))
        decryption, why, tls = self._decryption(keylog, bool(client.missing_bytes or server.missing_bytes))
        readable = decryption in ("decrypted", "partial", "plaintext")
        kind, side, frame, time_ns = self.close or (None, None, None, None)
        (first_frame, start_ns), (last_frame, end_ns) = self.first, self.last
        unread = tls is not None and not (self.http.seen or self.http2.seen or self.duplicate_of)
        lasting = end_ns - start_ns >= LASTING_NS or self.close is None
        connection = Connection(
            connection_id=self.connection_id,
            capture=self.capture,
            start_ns=start_ns,
            end_ns=end_ns,
            first_frame=first_frame,
            last_frame=last_frame,
            client=client,
            server=server,
            handshake_ns=self.handshake_ns,
            from_start="S" in self.history,
            conn_state=conn_state(self.history),
            history=self.history,
            first_close=kind,
            first_close_side=side,
            first_close_ns=time_ns,
            first_close_frame=frame,
            resets=tuple(self.resets),
            last_packets=tuple(self._notes()) if readable or end_ns - start_ns >= WAIT_NS else (),
            evicted=False,
            tls=tls,
            decryption=decryption,
            why_encrypted=why,
            turns=tuple(self.turns) if unread and lasting else (),
            duplicate_of=self.duplicate_of,
            goaway=self.http2.goaway,
        )
        return flipped(connection) if self.flip else connection

    def _decryption(self, keylog: KeyLog, holes: bool) -> tuple[Decryption, str | None, TlsFacts | None]:
        if self.tls is None:
            return ("plaintext" if self.http.seen or self.http2.seen else "not_http"), None, None
        facts = self.tls.facts()
        if self.tls.opened and not (self.http.seen or self.http2.seen or self.duplicate_of is not None):
            return "not_http", None, facts
        return *self.tls.judge(keylog, holes), facts

    def _notes(self) -> Iterator[PacketNote]:
        for copy, note, _ in self.tail:
            if not copy:
                isn = self.halves[note.side].isn
                yield note._replace(relative_seq=(note.relative_seq - isn) & 0xFFFFFFFF if isn is not None else 0)

    def _handshake(self, side: int, packet: Packet, tcp: Tcp) -> None:
        syn, ack = bool(tcp.flags & SYN), bool(tcp.flags & ACK)
        if syn and not ack and side == CLIENT:
            self.syn_ns = packet.time_ns if self.syn_ns is None else self.syn_ns
        elif syn and ack and side == SERVER:
            self.synack_ns = packet.time_ns if self.synack_ns is None else self.synack_ns
        elif side == CLIENT and ack and not syn and not tcp.flags & RST and self.handshake_ns is None:
            opened = self.syn_ns is not None and self.synack_ns is not None
            self.handshake_ns = max(0, packet.time_ns - (self.syn_ns or 0)) if opened else None

    def _letters(self, side: int, packet: Packet, tcp: Tcp, data: bool) -> None:
        """Zeek's history, the first close, the resets."""
        syn, ack, fin, rst = (bool(tcp.flags & flag) for flag in (SYN, ACK, FIN, RST))
        shown = {
            "S": syn and not ack,
            "H": syn and ack,
            "A": ack and not tcp.length and not (syn or fin or rst),
            "D": data,
            "F": fin,
            "R": rst,
        }
        for letter, present in shown.items():
            own = letter if side == CLIENT else letter.lower()
            if present and own not in self.history:
                self.history += own
                if letter in "FR" and self.close is None:
                    self.close = ("fin" if letter == "F" else "rst", side, packet.frame, packet.time_ns)
        if rst and len(self.resets) < MAX_RESETS:
            after = self.packets > 0
            self.resets.append(
                Reset(
                    side=side,
                    frame=packet.frame,
                    time_ns=packet.time_ns,
                    has_ack=ack,
                    ttl=packet.ttl,
                    mac=packet.mac,
                    window=tcp.window,
                    payload_bytes=tcp.length,
                    after_frame=self.last[0] if after else None,
                    after_side=self.last_side if after else None,
                    after_ns=packet.time_ns - self.last[1] if after else None,
                )
            )

    def _turn(self, side: int, packet: Packet, begin: int) -> None:
        """New payload: in the last turn, or as one of its own."""
        turns, time_ns, frame, size = self.turns, packet.time_ns, packet.frame, self.halves[side].fresh_bytes
        if turns and turns[-1].side == side and time_ns - turns[-1].end_ns <= TURN_GAP_NS:
            last = turns[-1]
            turns[-1] = last._replace(
                end_ns=time_ns, last_frame=frame, payload_bytes=last.payload_bytes + size, segments=last.segments + 1
            )
        elif len(turns) < MAX_TURNS:
            tls = packet.tls
            at_record = tls is not None and self.http.stretches[side].cursor == begin
            first_byte = tls.first_type if tls is not None and at_record else -1
            turns.append(Turn(side, time_ns, time_ns, frame, frame, size, 1, first_byte))

    def _read(
        self, side: int, packet: Packet, brought: tuple[int, int] | None, mine: Half, randoms: dict[str, int]
    ) -> list[Transaction]:
        """What the layers above TCP say."""
        if self.flip is None:
            asks = is_request_side(packet)
            self.flip = None if asks is None else int(asks == (side == SERVER))
        end = side ^ (self.flip or 0)
        stretch = self.http.stretches[end]
        if packet.tls is not None:
            if self.tls is None:
                self.tls = Handshake()
            self.tls.take(end, packet.tls, *stretch.records(packet, brought, mine))
            if self.tls.random is not None and self.duplicate_of is None:
                first = randoms.setdefault(self.tls.random, self.connection_id)
                self.duplicate_of = first if first != self.connection_id else None
        if self.duplicate_of is not None:
            return []
        if packet.http:
            return self.http.take(end, packet, brought, mine)
        if packet.http2:
            return self.http2.take(end, packet, stretch, mine, self.tls.overhead if self.tls is not None else None)
        return []


class Lives:
    """All connections of one capture, and its datagrams of interest."""

    def __init__(self, keylog: KeyLog, capture: int, first_id: int, notify_ports: Collection[int]) -> None:
        self._keylog = keylog
        self._capture = capture
        self._ports = frozenset(notify_ports)
        self._open: dict[int, Life] = {}
        self._randoms: dict[str, int] = {}
        self._packets = 0
        self.next_id = first_id

    def take(self, packet: Packet) -> list[Event]:
        """One packet; returns the events that it brings."""
        events: list[Event] = []
        tcp = packet.tcp
        if packet.udp is not None and self._interesting(packet.udp):
            events.append(_datagram(packet, packet.udp, self._capture))
        if packet.quote is not None:
            events += _unreachable(packet, packet.quote, self._capture)
        if tcp is None:
            return events
        life = self._open.get(tcp.stream)
        if life is not None and life.silent_too_long(packet.time_ns):
            self._end(tcp.stream, events)
            life = None
        if life is None:
            life = self._open[tcp.stream] = Life(self.next_id, packet, tcp, self._capture)
            self.next_id += 1
        events += life.take(packet, tcp, self._randoms)
        self._packets += 1
        if not self._packets % SWEEP_PACKETS:
            for stream in [stream for stream, each in self._open.items() if each.silent_too_long(packet.time_ns)]:
                self._end(stream, events)
        return events

    def finish(self) -> list[Event]:
        """The capture is over."""
        events: list[Event] = []
        for stream in list(self._open):
            self._end(stream, events)
        return events

    def _interesting(self, udp: Udp) -> bool:
        near = udp.source_port in self._ports or udp.destination_port in self._ports
        return near or udp.payload.startswith(b"NOTIFY")

    def _end(self, stream: int, events: list[Event]) -> None:
        life = self._open.pop(stream)
        events += life.close_reading()
        events.append(life.connection(self._keylog))


def _datagram(packet: Packet, udp: Udp, capture: int) -> Datagram:
    return Datagram(
        capture=capture,
        frame=packet.frame,
        time_ns=packet.time_ns,
        source_ip=packet.source,
        source_port=udp.source_port,
        destination_ip=packet.destination,
        destination_port=udp.destination_port,
        payload=udp.payload,
        complete=len(udp.payload) == udp.length,
    )


def _unreachable(packet: Packet, quote: Quote, capture: int) -> list[Event]:
    """An ICMP error, where it is one."""
    kind = KINDS.get((quote.version, quote.kind, quote.code)) or KINDS.get((quote.version, quote.kind, None))
    if kind is None:
        return []
    return [
        Unreachable(
            capture=capture,
            frame=packet.frame,
            time_ns=packet.time_ns,
            reporter_ip=packet.source,
            kind=kind,
            protocol=quote.protocol,
            source_ip=quote.source,
            source_port=quote.source_port,
            destination_ip=quote.destination,
            destination_port=quote.destination_port,
            seq=quote.seq,
            payload=quote.payload,
        )
    ]


def _outward(tcp: Tcp) -> bool:
    """Whether the first packet seen was sent by the client: SYN, SYN+ACK, else the lower port is the server's."""
    if tcp.flags & (SYN | ACK) == SYN:
        return True
    if tcp.flags & (SYN | ACK) == SYN | ACK:
        return False
    return tcp.source_port >= tcp.destination_port
